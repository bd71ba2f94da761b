/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The dynamic domain: what stands behind "/?". Words begin with a lowercase letter and are the protocol's; names begin with an
 * uppercase one and are the application's signals.
 */
#include <stdio.h>
#include <string.h>

#include "httap/json.h"
#include "httap/server.h"

static void word_list(struct exchange *exchange)
{
	signals_list(exchange);
}

static int clamp_seconds(int64_t microseconds)
{
	int64_t seconds = microseconds / 1000000;

	return seconds < 0 ? 0 : (int)seconds;
}

/* 37 bytes, always: a client may read them at fixed places. */
static void word_ping(struct exchange *exchange)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "{ \"Remain\": %-5d,  \"Timeout\": %-5d}",
		clamp_seconds(exchange->conn->remaining), exchange->server->keepalive_s);

	struct httap_json json = { .out = text, .size = sizeof(text), .len = (size_t)len };
	answer_json(exchange, &json);
}

static void word_invalid(struct exchange *exchange)
{
	exchange->close = true;
	answer_refusal(exchange, 400, "/?invalid ends the connection");
}

static void word_stop(struct exchange *exchange)
{
	signals_stop(exchange);
}

/* What a page has collected comes back as a file that the browser saves: never as anything that it would run. */
static void word_loopback(struct exchange *exchange)
{
	if (exchange->server->config->loopback)
		answer_download(exchange, (struct span){ exchange->body, exchange->body_len });
	else
		answer_refusal(exchange, 404, "loopback is switched off; HTTAP_LOOPBACK=yes switches it on");
}

/* Every method that is not in `methods` is 405, before the word's routine is called. */
enum { READS = 1, WRITES = 2, BOTH = READS | WRITES };

static const struct word {
	struct span name;
	unsigned int methods;
	bool prefix; /* any characters may follow the name */
	void (*answer)(struct exchange *exchange);
} words[] = {
	{ { "list", 4 }, READS, false, word_list },
	{ { "ping", 4 }, READS, true, word_ping },
	{ { "invalid", 7 }, BOTH, false, word_invalid },
	{ { "stop", 4 }, WRITES, false, word_stop },
	{ { "loopback", 8 }, WRITES, false, word_loopback },
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static const char *const allow_of[] = {
	[READS] = "GET, HEAD, OPTIONS",
	[WRITES] = "POST, PUT, OPTIONS",
	[BOTH] = "GET, HEAD, POST, PUT, OPTIONS",
};

static const struct word *find_word(const struct exchange *exchange)
{
	struct span text = { exchange->target->text, exchange->target->len };

	for (size_t i = 0; i < WORDS; i++) {
		if (span_is(text, words[i].name.at))
			return &words[i];
		if (words[i].prefix && text.len > words[i].name.len && memcmp(text.at, words[i].name.at, words[i].name.len) == 0)
			return &words[i];
	}
	return NULL;
}

bool words_may_stop(const struct exchange *exchange)
{
	const struct word *word = exchange->target->domain == DOMAIN_DYNAMIC ? find_word(exchange) : NULL;

	return word != NULL && word->answer == word_stop;
}

/* True when the method is in order; else the answer has been given. */
static bool method_fits(struct exchange *exchange, unsigned int methods)
{
	if (exchange->request->method == METHOD_OPTIONS)
		answer_nothing(exchange, allow_of[methods]);
	else if (exchange_reads(exchange) && (methods & READS) == 0)
		answer_not_allowed(exchange, allow_of[methods], "this word acts: use POST");
	else if (exchange_writes(exchange) && (methods & WRITES) == 0)
		answer_not_allowed(exchange, allow_of[methods], "this word only tells: use GET");
	else
		return true;
	return false;
}

static void put_services(struct httap_json *json, bool loopback)
{
	json_name(json, SPAN("Services"));
	json_raw(json, SPAN("\""));
	for (size_t i = 0; i < WORDS; i++) {
		if (words[i].answer == word_loopback && !loopback)
			continue;
		json_raw(json, i > 0 ? SPAN(" ") : SPAN(""));
		json_raw(json, words[i].name);
	}
	json_raw(json, SPAN("\""));
}

static void put_signals(struct httap_json *json, const struct httap_signals *signals)
{
	json_name(json, SPAN("Signals"));
	json_raw(json, SPAN("\""));
	for (size_t i = 0; signals != NULL && i < signals->count; i++) {
		json_raw(json, i > 0 ? SPAN(" ") : SPAN(""));
		json_raw(json, span_of(signals->signal[i].name));
	}
	json_raw(json, SPAN("\""));
}

/* GET /?: who answers here, and what he offers. */
static void answer_root(struct exchange *exchange)
{
	struct httap_server *server = exchange->server;
	struct httap_json json = json_begin(server->body, sizeof(server->body));

	json_open(&json);
	httap_json_number(&json, "HTTaP_version", HTTAP_PROTOCOL_VERSION);
	httap_json_number(&json, "HTTaP_open", exchange->conn->opened ? 1 : 0);
	httap_json_text(&json, "Type", server->type);
	httap_json_text(&json, "ID", server->id);
	put_services(&json, server->config->loopback);
	put_signals(&json, server->signals);
	json_close(&json);
	answer_json(exchange, &json);
}

void words_answer(struct exchange *exchange)
{
	const struct target *target = exchange->target;
	const struct word *word;

	if (target->len == 0) {
		if (!method_fits(exchange, BOTH))
			return;
		if (exchange_writes(exchange))
			signals_write_form(exchange);
		else
			answer_root(exchange);
		return;
	}
	word = find_word(exchange);
	if (word != NULL) {
		if (method_fits(exchange, word->methods))
			word->answer(exchange);
	} else if (target->text[0] >= 'a' && target->text[0] <= 'z') {
		answer_refusal(exchange, 404, "there is no such word; GET /? lists the services and signals");
	} else {
		signals_answer(exchange);
	}
}
