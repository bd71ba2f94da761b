/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * One request: decode the target, ask the guard, hand it to its domain, write the reply into the connection's output. Nothing has
 * been done for a peer before the guard has let him.
 */
#include <stdio.h>
#include <string.h>

#include "httap/json.h"
#include "httap/reply.h"
#include "httap/server.h"

static const char json_type[] = "application/json";
static const char text_type[] = "text/plain; charset=utf-8";

/* --- Replies ------------------------------------------------------------------------------------------------------ */

void answer_put(struct exchange *exchange, uint64_t length, struct span body)
{
	struct conn *conn = exchange->conn;
	struct reply *reply = &exchange->reply;

	reply->length = length;
	reply->date = static_date(exchange->server);
	reply->preflight = exchange->request->method == METHOD_OPTIONS;
	reply->varies = exchange->server->guard.origins != NULL;
	if (exchange->dynamic)
		reply->session = conn->session->name;
	conn->out_end += reply_head(conn->out + conn->out_end, reply);
	if (exchange->request->method == METHOD_HEAD)
		return;
	conn_put(conn, body);
	exchange->sent = body.len;
}

void answer_bytes(struct exchange *exchange, const char *type, struct span body)
{
	exchange->reply.status = 200;
	exchange->reply.type = type;
	answer_put(exchange, body.len, body);
}

void answer_text(struct exchange *exchange, struct span text)
{
	answer_bytes(exchange, text_type, text);
}

struct httap_json *answer_begin(struct exchange *exchange)
{
	struct httap_server *server = exchange->server;

	json_begin(&server->json, server->body, sizeof(server->body));
	json_open(&server->json);
	return &server->json;
}

void answer_object(struct exchange *exchange)
{
	struct httap_json *json = &exchange->server->json;

	json_close(json);
	if (json->overflow) {
		answer_refusal(exchange, 500, "the answer is longer than 24576 bytes; ask for fewer signals");
		return;
	}
	answer_bytes(exchange, json_type, (struct span){ json->out, json->len });
}

/* How long the body will be nobody knows: it ends with the connection (RFC 9112 section 6.3, rule 8). */
void answer_events(struct exchange *exchange)
{
	exchange->reply.status = 200;
	exchange->reply.close = true;
	exchange->reply.type = "text/event-stream";
	answer_put(exchange, REPLY_ENDLESS, SPAN(""));
}

void answer_refusal(struct exchange *exchange, int status, const char *why)
{
	struct httap_json *json = answer_begin(exchange);

	exchange->reply.status = status;
	exchange->reply.type = exchange->dynamic ? json_type : text_type;
	if (exchange->dynamic) {
		httap_json_text(json, "error", why);
		json_close(json);
	} else {
		json->len = 0;
		json_raw(json, span_of(why));
		json_raw(json, SPAN("\n"));
	}
	answer_put(exchange, json->len, (struct span){ json->out, json->len });
}

void answer_refused(struct exchange *exchange)
{
	answer_refusal(exchange, exchange->server->refusal.status, exchange->server->refusal.text);
}

/* --- What the modules of the domains ask ---------------------------------------------------------------------------- */

bool exchange_writes(const struct exchange *exchange)
{
	return exchange->request->method == METHOD_POST || exchange->request->method == METHOD_PUT;
}

bool exchange_reads(const struct exchange *exchange)
{
	return exchange->request->method == METHOD_GET || exchange->request->method == METHOD_HEAD;
}

bool exchange_fits(struct exchange *exchange, unsigned int methods, const char *why)
{
	static const char *const allow_of[] = {
		[HTTAP_READS] = "GET, HEAD, OPTIONS",
		[HTTAP_WRITES] = "POST, PUT, OPTIONS",
		[HTTAP_READS_AND_WRITES] = "GET, HEAD, POST, PUT, OPTIONS",
	};
	bool options = exchange->request->method == METHOD_OPTIONS;

	if (!options && (methods & (exchange_writes(exchange) ? HTTAP_WRITES : HTTAP_READS)) != 0)
		return true;
	exchange->reply.allow = allow_of[methods];
	exchange->reply.status = 204;
	if (options)
		answer_put(exchange, 0, SPAN(""));
	else
		answer_refusal(exchange, 405, why);
	return false;
}

const struct httap_actor *exchange_actor(const struct exchange *exchange)
{
	const struct request *request = exchange->request;
	struct httap_server *server = exchange->server;
	char *text = server->actor_request;
	struct span nothing = SPAN("-");
	size_t len = text_printable(text, HTTAP_ACTOR_METHOD_SIZE, request->method_text.len > 0 ? request->method_text : nothing);

	text[len++] = ' ';
	(void)text_printable(text + len, HTTAP_ACTOR_REQUEST_SIZE - len, request->target.len > 0 ? request->target : nothing);
	server->actor = (struct httap_actor){
		.session = exchange->conn->session->name,
		.peer = exchange->conn->peer,
		.request = text,
	};
	return &server->actor;
}

static void report(struct exchange *exchange)
{
	const struct httap_config *config = exchange->server->config;
	struct httap_exchange told;

	exchange->server->happened |= HTTAP_ANSWERED;
	if (config->on_request == NULL)
		return;
	told = (struct httap_exchange){
		.actor = *exchange_actor(exchange),
		.status = exchange->reply.status,
		.body_bytes = exchange->sent,
	};
	config->on_request(config->on_request_context, &told);
}

/* --- Domains ------------------------------------------------------------------------------------------------------ */

static void answer_switch(struct exchange *exchange)
{
	unsigned int methods = exchange->server->config->refuse_get_writes ? HTTAP_WRITES : HTTAP_READS_AND_WRITES;

	if (exchange_fits(exchange, methods, "writing by GET is switched off (HTTAP_GET_WRITES=no); use POST"))
		signals_switch(exchange, exchange->target->text[0] == '1' ? HTTAP_SET_1 : HTTAP_SET_0);
}

static void answer_domain(struct exchange *exchange)
{
	switch (exchange->target->domain) {
	case DOMAIN_DYNAMIC:
		words_answer(exchange);
		break;
	case DOMAIN_SWITCH:
		answer_switch(exchange);
		break;
	case DOMAIN_STATIC:
		static_answer(exchange);
		break;
	case DOMAIN_ASTERISK: /* of OPTIONS alone */
		(void)exchange_fits(exchange, HTTAP_READS_AND_WRITES, NULL);
		break;
	}
}

static bool would_write(const struct exchange *exchange)
{
	return exchange_writes(exchange) ||
		(exchange->target->domain == DOMAIN_SWITCH && exchange->request->method == METHOD_GET);
}

static int read_target(struct exchange *exchange, const char **why)
{
	int status = target_parse(exchange->target, exchange->request, why);

	exchange->dynamic = exchange->target->domain == DOMAIN_DYNAMIC || exchange->target->domain == DOMAIN_SWITCH;
	return status;
}

void route_exchange(struct exchange *exchange)
{
	const struct request *request = exchange->request;
	const char *why;
	int status;

	status = read_target(exchange, &why);
	if (status == 0)
		status = guard_decide(&exchange->server->guard, request, exchange->target, would_write(exchange),
			&exchange->reply.origin, &why);
	/* Whoever sends a malformed target or Host may mean the next bytes otherwise than we read them. */
	exchange->reply.close |= exchange->conn->lobby || status == 400;
	if (status != 0) {
		answer_refusal(exchange, status, why);
	} else if (request->method == METHOD_UNKNOWN) {
		answer_refusal(exchange, 501, "this method is not implemented; use GET, HEAD, POST, PUT or OPTIONS");
	} else if (exchange->conn->lobby && !words_may_stop(exchange)) {
		answer_refusal(exchange, 503, "all connections are taken; try again in a moment");
	} else {
		answer_domain(exchange);
	}
	exchange->conn->session->opened |= exchange->dynamic;
	report(exchange);
}

void route_refuse_early(struct conn *conn, int status, const char *why)
{
	const char *what;
	struct exchange exchange = {
		.server = conn->server,
		.conn = conn,
		.request = &conn->request,
		.target = &conn->server->target,
		.reply.close = true,
	};

	(void)read_target(&exchange, &what);
	answer_refusal(&exchange, status, why);
	report(&exchange);
}
