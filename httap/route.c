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

void answer_put(struct exchange *exchange, const char *type, const char *allow, uint64_t length, struct span body)
{
	struct conn *conn = exchange->conn;
	bool head_only = exchange->request != NULL && exchange->request->method == METHOD_HEAD;
	const struct reply reply = {
		.status = exchange->status,
		.type = type,
		.session = exchange->dynamic ? conn->session->name : NULL,
		.allow = allow,
		.origin = exchange->origin,
		.preflight = exchange->request != NULL && exchange->request->method == METHOD_OPTIONS,
		.varies = exchange->server->guard.origins != NULL,
		.date = span_of(server_date(exchange->server)),
		.fields = exchange->fields,
		.coded = exchange->coded,
		.length = length,
		.close = exchange->close,
		.keep_alive = exchange->keep_alive && !exchange->close,
		.attachment = exchange->attachment,
	};

	conn->out_end += reply_head(conn->out + conn->out_end, &reply);
	if (head_only)
		return;
	if (body.len > 0)
		memcpy(conn->out + conn->out_end, body.at, body.len); /* the program may have left `bytes` NULL */
	conn->out_end += body.len;
	exchange->sent = length != REPLY_ENDLESS ? (size_t)length : 0;
}

void answer_bytes(struct exchange *exchange, const char *type, struct span body)
{
	exchange->status = 200;
	answer_put(exchange, type, NULL, body.len, body);
}

void answer_text(struct exchange *exchange, struct span text)
{
	answer_bytes(exchange, text_type, text);
}

struct httap_json *answer_begin(struct exchange *exchange)
{
	struct httap_server *server = exchange->server;

	server->json = json_begin(server->body, sizeof(server->body));
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

void answer_download(struct exchange *exchange, struct span body)
{
	exchange->attachment = true;
	answer_bytes(exchange, "application/octet-stream", body);
}

void answer_nothing(struct exchange *exchange, const char *allow)
{
	exchange->status = 204;
	answer_put(exchange, NULL, allow, 0, SPAN(""));
}

/* How long the body will be nobody knows: it ends with the connection (RFC 9112 section 6.3, rule 8). */
void answer_events(struct exchange *exchange)
{
	exchange->status = 200;
	exchange->close = true;
	answer_put(exchange, "text/event-stream", NULL, REPLY_ENDLESS, SPAN(""));
}

static void put_refusal(struct exchange *exchange, int status, const char *allow, const char *why)
{
	struct httap_json *json = answer_begin(exchange);

	exchange->status = status;
	if (exchange->dynamic) {
		httap_json_text(json, "error", why);
		json_close(json);
	} else {
		json->len = 0;
		json_raw(json, span_of(why));
		json_raw(json, SPAN("\n"));
	}
	answer_put(exchange, exchange->dynamic ? json_type : text_type, allow, json->len, (struct span){ json->out, json->len });
}

void answer_refusal(struct exchange *exchange, int status, const char *why)
{
	put_refusal(exchange, status, NULL, why);
}

void answer_refused(struct exchange *exchange)
{
	answer_refusal(exchange, exchange->server->refusal.status, exchange->server->refusal.text);
}

void answer_not_allowed(struct exchange *exchange, const char *allow, const char *why)
{
	put_refusal(exchange, 405, allow, why);
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

/* Printable text of a span behind what is there already. */
static size_t append_printable(char *out, size_t size, size_t len, struct span span)
{
	text_printable(out + len, size - len, span.len > 0 ? span : SPAN("-"));
	return len + strlen(out + len);
}

const struct httap_actor *exchange_actor(const struct exchange *exchange)
{
	static const struct request unread = { 0 };
	const struct request *said = exchange->request != NULL ? exchange->request : &unread;
	struct httap_server *server = exchange->server;
	char *text = server->actor_request;
	size_t len = append_printable(text, HTTAP_ACTOR_METHOD_SIZE, 0, said->method_text);

	text[len++] = ' ';
	(void)append_printable(text, HTTAP_ACTOR_REQUEST_SIZE, len, said->target);
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
		.status = exchange->status,
		.body_bytes = exchange->sent,
	};
	config->on_request(config->on_request_context, &told);
}

/* --- Domains ------------------------------------------------------------------------------------------------------ */

static void answer_switch(struct exchange *exchange)
{
	bool get = !exchange->server->config->refuse_get_writes;
	const char *allow = get ? "GET, HEAD, POST, PUT, OPTIONS" : "POST, PUT, OPTIONS";

	if (exchange->request->method == METHOD_OPTIONS)
		answer_nothing(exchange, allow);
	else if (exchange_reads(exchange) && !get)
		answer_not_allowed(exchange, allow, "writing by GET is switched off (HTTAP_GET_WRITES=no); use POST");
	else
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
	case DOMAIN_ASTERISK:
		answer_nothing(exchange, "GET, HEAD, POST, PUT, OPTIONS");
		break;
	}
}

static bool would_write(const struct exchange *exchange)
{
	return exchange_writes(exchange) ||
		(exchange->target->domain == DOMAIN_SWITCH && exchange->request->method == METHOD_GET);
}

static bool is_dynamic(const struct request *request)
{
	struct span target = request->target;

	return target.len >= 2 && target.at[0] == '/' && (target.at[1] == '?' || span_is(target, "/0") || span_is(target, "/1"));
}

void route_exchange(struct exchange *exchange)
{
	const struct request *request = exchange->request;
	const char *why;
	int status;

	exchange->dynamic = is_dynamic(request);
	status = target_parse(exchange->target, request, &why);
	if (status == 0) {
		enum domain domain = exchange->target->domain;
		exchange->dynamic = domain == DOMAIN_DYNAMIC || domain == DOMAIN_SWITCH;
		status = guard_decide(
			&exchange->server->guard, request, exchange->target, would_write(exchange), &exchange->origin, &why);
	}
	if (exchange->conn->lobby)
		exchange->close = true;
	if (status != 0) {
		/* Whoever sends a malformed target or Host may mean the next bytes otherwise than we read them. */
		exchange->close = exchange->close || status == 400;
		answer_refusal(exchange, status, why);
	} else if (request->method == METHOD_UNKNOWN) {
		answer_refusal(exchange, 501, "this method is not implemented; use GET, HEAD, POST, PUT or OPTIONS");
	} else if (exchange->conn->lobby && !words_may_stop(exchange)) {
		answer_refusal(exchange, 503, "all connections are taken; try again in a moment");
	} else {
		answer_domain(exchange);
	}
	exchange->conn->session->opened = exchange->conn->session->opened || exchange->dynamic;
	report(exchange);
}

void route_refuse_early(struct conn *conn, const struct request *request, int status, const char *why)
{
	struct exchange exchange = {
		.server = conn->server,
		.conn = conn,
		.request = request,
		.dynamic = request != NULL && is_dynamic(request),
		.close = true,
	};

	answer_refusal(&exchange, status, why);
	report(&exchange);
}
