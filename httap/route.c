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

static const struct span json_type = SPAN_INIT("application/json");
static const struct span text_type = SPAN_INIT("text/plain; charset=utf-8");

/* --- Replies ------------------------------------------------------------------------------------------------------ */

/* Would the head be the one that the same request had before? */
static bool is_known_reply(const struct exchange *exchange)
{
	const struct known_reply *known = &exchange->meaning->reply;
	const struct reply *reply = &exchange->reply;

	return FAST && known->len > 0 && known->date_until == exchange->server->date_until && known->length == reply->length &&
		known->status == reply->status && known->type == reply->type.at && known->session == exchange->conn->session;
}

/* For the next request that is the same as this one. */
SELDOM static void keep_reply(const struct exchange *exchange, const char *head, size_t len)
{
	struct known_reply *known = &exchange->meaning->reply;
	const struct reply *reply = &exchange->reply;

	if (!FAST || !exchange->meaning->direct || len > sizeof(known->head))
		return;
	*known = (struct known_reply){ .len = len,
		.status = reply->status,
		.date_until = exchange->server->date_until,
		.length = reply->length,
		.type = reply->type.at,
		.session = exchange->conn->session };
	memcpy(known->head, head, len);
}

/* All that is not yet in it follows from the request, the session and the configuration. */
static void put_head(struct exchange *exchange)
{
	struct conn *conn = exchange->conn;
	struct reply *reply = &exchange->reply;

	if (is_known_reply(exchange)) {
		conn_put(conn, (struct span){ exchange->meaning->reply.head, exchange->meaning->reply.len });
		return;
	}
	reply->preflight = exchange->meaning->request.method == METHOD_OPTIONS;
	reply->authorizes = TOKENS && exchange->server->config->token != NULL;
	reply->varies = exchange->server->guard.origins != NULL;
	if (exchange->meaning->dynamic)
		reply->session = (struct span){ conn->session->name, HTTAP_SESSION_LEN };
	size_t len = reply_head(conn->out + conn->out_end, reply);
	keep_reply(exchange, conn->out + conn->out_end, len);
	conn->out_end += len;
}

void answer_put(struct exchange *exchange, uint64_t length, struct span body)
{
	exchange->reply.length = length;
	exchange->reply.date = static_date(exchange->server);
	put_head(exchange);
	if (exchange->meaning->request.method == METHOD_HEAD)
		return;
	conn_put(exchange->conn, body);
	exchange->sent = body.len;
}

void answer_bytes(struct exchange *exchange, struct span type, struct span body)
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
SELDOM void answer_events(struct exchange *exchange)
{
	exchange->reply.status = 200;
	exchange->reply.close = true;
	exchange->reply.type = SPAN("text/event-stream");
	answer_put(exchange, REPLY_ENDLESS, SPAN(""));
}

SELDOM void answer_refusal(struct exchange *exchange, int status, const char *why)
{
	struct httap_json *json = answer_begin(exchange);

	exchange->reply.status = status;
	exchange->reply.type = exchange->meaning->dynamic ? json_type : text_type;
	if (exchange->meaning->dynamic) {
		httap_json_text(json, "error", why);
		json_close(json);
	} else {
		json->len = 0;
		json_put(json, why);
		json_put(json, "\n");
	}
	answer_put(exchange, json->len, (struct span){ json->out, json->len });
}

SELDOM void answer_refused(struct exchange *exchange)
{
	const struct httap_server *server = exchange->server;

	answer_refusal(
		exchange, server->refusal.status, server->refusal.text[0] != '\0' ? server->refusal.text : server->refused);
}

/* --- What the modules of the domains ask ---------------------------------------------------------------------------- */

extern inline bool exchange_writes(const struct exchange *exchange);

SELDOM bool exchange_fits(struct exchange *exchange, unsigned int methods, const char *why)
{
	static const char *const allow_of[] = {
		[HTTAP_READS] = "GET, HEAD, OPTIONS",
		[HTTAP_WRITES] = "POST, PUT, OPTIONS",
		[HTTAP_READS_AND_WRITES] = "GET, HEAD, POST, PUT, OPTIONS",
	};
	bool options = exchange->meaning->request.method == METHOD_OPTIONS;

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

/* As a log line has it: method and target, which stand one behind the other. */
SELDOM static void name_request(struct meaning *meaning)
{
	const struct request *request = &meaning->request;
	struct span text = SPAN("-");

	if (request->method_text.len > 0)
		text = (struct span){ request->method_text.at,
			(size_t)(request->target.at - request->method_text.at) + request->target.len };
	(void)text_printable(meaning->actor_request, HTTAP_ACTOR_REQUEST_SIZE, text);
}

const struct httap_actor *exchange_actor(const struct exchange *exchange)
{
	struct httap_server *server = exchange->server;

	server->actor = (struct httap_actor){
		.session = exchange->conn->session->name,
		.peer = exchange->conn->peer,
		.request = exchange->meaning->actor_request,
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

SELDOM static void answer_switch(struct exchange *exchange)
{
	unsigned int methods = exchange->server->config->refuse_get_writes ? HTTAP_WRITES : HTTAP_READS_AND_WRITES;

	if (exchange_fits(exchange, methods, "writing by GET is switched off (HTTAP_GET_WRITES=no); use POST"))
		signals_switch(exchange, exchange->meaning->target.text[0] == '1' ? HTTAP_SET_1 : HTTAP_SET_0);
}

SELDOM static void answer_domain(struct exchange *exchange)
{
	switch (exchange->meaning->target.domain) {
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
		(exchange->meaning->target.domain == DOMAIN_SWITCH && exchange->meaning->request.method == METHOD_GET);
}

/* Errors of these are JSON. */
static bool is_dynamic(const struct target *target)
{
	return target->domain == DOMAIN_DYNAMIC || target->domain == DOMAIN_SWITCH;
}

/* 0, or the status to refuse with and `*why`; who is to be answered, and how, is known in any case. */
SELDOM static int read_target(struct meaning *meaning, const char **why)
{
	int status = target_parse(&meaning->target, &meaning->request, why);

	meaning->dynamic = is_dynamic(&meaning->target);
	name_request(meaning);
	return status;
}

/* To stop is never a matter of knowing something, unless everything is. OPTIONS tells nothing, and a browser sends no token with it. */
SELDOM static bool needs_token(const struct exchange *exchange)
{
	const struct httap_config *config = exchange->server->config;

	if (config->token == NULL || exchange->meaning->request.method == METHOD_OPTIONS)
		return false;
	return config->token_to_read || (would_write(exchange) && !words_may_stop(exchange));
}

/* A browser asks the person before it for what Basic wants. That is right where he typed an address; a page's request shall come back to
 * the page, which asks in its own words and not while a request of two seconds waits. */
SELDOM static int check_token(struct exchange *exchange, const char **why)
{
	const struct meaning *meaning = exchange->meaning;
	struct session *session = exchange->conn->session;
	int status = token_decide(&exchange->server->guesses, exchange->server->config->token, &meaning->request,
		exchange->conn->peer, session->known, exchange->server->now, why);

	session->known |= status == 0;
	if (status == 401)
		exchange->reply.challenge = meaning->target.domain == DOMAIN_DYNAMIC
			? "Bearer realm=\"httapd\""
			: "Basic realm=\"httapd\", charset=\"UTF-8\"";
	return status;
}

/* Decides what a head means, and whether it is let in. */
SELDOM static int judge(struct exchange *exchange, const char **why)
{
	struct meaning *meaning = exchange->meaning;
	int status = read_target(meaning, why);

	meaning->origin = (struct span){ NULL, 0 };
	if (status == 0)
		status = guard_decide(&exchange->server->guard, &exchange->meaning->request, &exchange->meaning->target,
			would_write(exchange), &meaning->origin, why);
	if (TOKENS && status == 0 && needs_token(exchange))
		status = check_token(exchange, why);
	meaning->judged = status == 0;
	meaning->signal = signals_find(exchange->server, target_text(&meaning->target));
	/* Most requests are such: what they go through each time is decided once. */
	meaning->direct = FAST && meaning->signal >= 0 && meaning->dynamic && !exchange->conn->lobby &&
		exchange->meaning->request.method != METHOD_UNKNOWN;
	return status;
}

void route_exchange(struct exchange *exchange)
{
	const struct request *request = &exchange->meaning->request;
	const char *why;
	int status = FAST && exchange->meaning->judged ? 0 : judge(exchange, &why);

	exchange->reply.origin = exchange->meaning->origin;
	/* Whoever sends a malformed target or Host may mean the next bytes otherwise than we read them. */
	exchange->reply.close |= exchange->conn->lobby || status == 400;
	if (status != 0) {
		answer_refusal(exchange, status, why);
	} else if (FAST && exchange->meaning->direct) {
		signals_answer(exchange);
	} else if (request->method == METHOD_UNKNOWN) {
		answer_refusal(exchange, 501, "this method is not implemented; use GET, HEAD, POST, PUT or OPTIONS");
	} else if (exchange->conn->lobby && !words_may_stop(exchange)) {
		answer_refusal(exchange, 503, "all connections are taken; try again in a moment");
	} else {
		answer_domain(exchange);
	}
	exchange->conn->session->opened |= exchange->meaning->dynamic;
	report(exchange);
}

SELDOM void route_refuse_early(struct conn *conn, int status, const char *why)
{
	const char *what;
	struct exchange exchange = {
		.server = conn->server,
		.conn = conn,
		.meaning = &conn->meaning,
		.reply.close = true,
	};

	(void)read_target(exchange.meaning, &what);
	answer_refusal(&exchange, status, why);
	report(&exchange);
}
