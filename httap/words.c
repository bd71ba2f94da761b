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

	const struct httap_signals *signals = exchange->server->signals;
	if (signals->ping != NULL)
		signals->ping(signals->context, exchange_actor(exchange));
	answer_bytes(exchange, "application/json", (struct span){ text, (size_t)len });
}

static void word_invalid(struct exchange *exchange)
{
	exchange->close = true;
	answer_refusal(exchange, 400, "/?invalid ends the connection");
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
enum { READS = HTTAP_READS, WRITES = HTTAP_WRITES, BOTH = HTTAP_READS_AND_WRITES };

static const struct word {
	struct span name;
	unsigned int methods;
	bool prefix; /* any characters may follow the name */
	void (*answer)(struct exchange *exchange);
} words[] = {
	{ { "list", 4 }, READS, false, signals_list },
	{ { "ping", 4 }, READS, true, word_ping },
	{ { "changes", 7 }, READS, false, signals_changes },
	{ { "events", 6 }, READS, false, signals_events },
	{ { "invalid", 7 }, BOTH, false, word_invalid },
	{ { "stop", 4 }, WRITES, false, signals_stop },
	{ { "loopback", 8 }, WRITES, false, word_loopback },
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static const char *const allow_of[] = {
	[READS] = "GET, HEAD, OPTIONS",
	[WRITES] = "POST, PUT, OPTIONS",
	[BOTH] = "GET, HEAD, POST, PUT, OPTIONS",
};

static struct span target_text(const struct exchange *exchange)
{
	return (struct span){ exchange->target->text, exchange->target->len };
}

static const struct word *find_word(struct span text)
{
	for (size_t i = 0; i < WORDS; i++) {
		if (span_is(text, words[i].name.at))
			return &words[i];
		if (words[i].prefix && text.len > words[i].name.len && memcmp(text.at, words[i].name.at, words[i].name.len) == 0)
			return &words[i];
	}
	return NULL;
}

/* --- The application's words ----------------------------------------------------------------------------------------- */

static const struct httap_word *find_own_word(const struct httap_words *own, struct span text)
{
	for (size_t i = 0; i < own->count; i++)
		if (span_is(text, own->word[i].name))
			return &own->word[i];
	return NULL;
}

static void answer_own_word(struct exchange *exchange, const struct httap_word *word)
{
	struct httap_server *server = exchange->server;
	struct httap_call call = {
		.actor = exchange_actor(exchange),
		.writes = exchange_writes(exchange),
		.body = exchange->body,
		.body_len = exchange->body_len,
		.json = answer_begin(exchange),
	};

	server->refusal = (struct httap_refusal){ .status = 500, .text = "this word could not be answered" };
	if (word->answer(server->words->context, &call, &server->refusal) < 0)
		answer_refused(exchange);
	else if (call.type != NULL && call.len <= HTTAP_REPLY_BODY_MAX)
		answer_bytes(exchange, call.type, (struct span){ call.bytes, call.len });
	else if (call.type != NULL)
		answer_refusal(exchange, 500, "the answer is longer than " TEXT_OF(HTTAP_REPLY_BODY_MAX) " bytes");
	else
		answer_object(exchange);
}

/* A name as a peer can write it, that means one thing. */
static bool is_word_name(const struct httap_server *server, size_t index)
{
	const struct httap_words *own = server->words;
	struct span name = span_of(own->word[index].name);

	for (size_t i = 0; i < name.len; i++)
		if (!text_is_alnum(name.at[i]) && (i == 0 || (name.at[i] != '_' && name.at[i] != '.')))
			return false;
	return name.len > 0 && name.len < HTTAP_NAME_SIZE && !text_is_digit(name.at[0]) && find_word(name) == NULL &&
		!signals_have(server->signals, name) && find_own_word(own, name) == &own->word[index];
}

int words_check(const struct httap_server *server, struct httap_error *error)
{
	const struct httap_words *own = server->words;

	if (own->count > HTTAP_WORDS_MAX) {
		snprintf(error->text, sizeof(error->text), "%zu words: at most %d are allowed", own->count, HTTAP_WORDS_MAX);
		return -1;
	}
	for (size_t i = 0; i < own->count; i++) {
		if (is_word_name(server, i) && own->word[i].answer != NULL && own->word[i].methods >= HTTAP_READS &&
			own->word[i].methods <= HTTAP_READS_AND_WRITES)
			continue;
		snprintf(error->text, sizeof(error->text),
			"\"%.40s\" can't be a word: it needs a name of its own (letters, digits, _ and .), methods and a routine",
			own->word[i].name);
		return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------------- */

bool words_may_stop(const struct exchange *exchange)
{
	const struct word *word = exchange->target->domain == DOMAIN_DYNAMIC ? find_word(target_text(exchange)) : NULL;

	return word != NULL && word->answer == signals_stop;
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

static void put_services(struct httap_json *json, bool loopback, const struct httap_words *own)
{
	json_name(json, SPAN("Services"));
	json_raw(json, SPAN("\""));
	for (size_t i = 0; i < WORDS; i++) {
		if (words[i].answer == word_loopback && !loopback)
			continue;
		json_raw(json, i > 0 ? SPAN(" ") : SPAN(""));
		json_raw(json, words[i].name);
	}
	for (size_t i = 0; i < own->count; i++) {
		json_raw(json, SPAN(" "));
		json_raw(json, span_of(own->word[i].name));
	}
	json_raw(json, SPAN("\""));
}

static void put_signals(struct httap_json *json, const struct httap_signals *signals)
{
	json_name(json, SPAN("Signals"));
	json_raw(json, SPAN("\""));
	for (size_t i = 0; i < signals->count; i++) {
		json_raw(json, i > 0 ? SPAN(" ") : SPAN(""));
		json_raw(json, span_of(signals->signal[i].name));
	}
	json_raw(json, SPAN("\""));
}

/* GET /?: who answers here, and what he offers. */
static void answer_root(struct exchange *exchange)
{
	struct httap_server *server = exchange->server;
	struct httap_json *json = answer_begin(exchange);

	httap_json_number(json, "HTTaP_version", HTTAP_PROTOCOL_VERSION);
	httap_json_number(json, "HTTaP_open", exchange->conn->session->opened ? 1 : 0);
	httap_json_text(json, "Type", server->type);
	httap_json_text(json, "ID", server->id);
	put_services(json, server->config->loopback, server->words);
	put_signals(json, server->signals);
	answer_object(exchange);
}

void words_answer(struct exchange *exchange)
{
	const struct target *target = exchange->target;
	const struct httap_word *own;
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
	word = find_word(target_text(exchange));
	own = find_own_word(exchange->server->words, target_text(exchange));
	if (word != NULL) {
		if (method_fits(exchange, word->methods))
			word->answer(exchange);
	} else if (own != NULL) {
		if (method_fits(exchange, own->methods))
			answer_own_word(exchange, own);
	} else if (target->text[0] >= 'a' && target->text[0] <= 'z') {
		answer_refusal(exchange, 404, "there is no such word; GET /? lists the services and signals");
	} else {
		signals_answer(exchange);
	}
}
