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

/* 37 bytes, always: a client may read them at fixed places. */
static void word_ping(struct exchange *exchange)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "{ \"Remain\": %-5d,  \"Timeout\": %-5d}",
		exchange->conn->remaining > 0 ? (int)(exchange->conn->remaining / 1000000) : 0, exchange->server->keepalive_s);

	const struct httap_signals *signals = exchange->server->signals;
	if (signals->ping != NULL)
		signals->ping(signals->context, exchange_actor(exchange));
	answer_bytes(exchange, SPAN("application/json"), (struct span){ text, (size_t)len });
}

static void word_invalid(struct exchange *exchange)
{
	exchange->reply.close = true;
	answer_refusal(exchange, 400, "/?invalid ends the connection");
}

/* What a page has collected comes back as a file that the browser saves: never as anything that it would run. */
static void word_loopback(struct exchange *exchange)
{
	exchange->reply.attachment = exchange->server->config->loopback;
	if (exchange->reply.attachment)
		answer_bytes(exchange, SPAN("application/octet-stream"), (struct span){ exchange->body, exchange->body_len });
	else
		answer_refusal(exchange, 404, "loopback is switched off; HTTAP_LOOPBACK=yes switches it on");
}

/* A name in a list of names in a string. */
static void put_name(struct httap_json *json, const char *before, const char *name)
{
	json_put(json, before);
	json_put(json, name);
}

/* The names in `words` below, but for what is switched off, and the application's. */
static void put_services(struct httap_json *json, bool loopback, const struct httap_words *own)
{
	json_put(json, ",\"Services\":\"list ping changes events invalid stop");
	if (loopback)
		json_put(json, " loopback");
	for (size_t i = 0; i < own->count; i++)
		put_name(json, " ", own->word[i].name);
}

static void put_signals(struct httap_json *json, const struct httap_signals *signals)
{
	json_put(json, "\",\"Signals\":\"");
	for (size_t i = 0; i < signals->count; i++)
		put_name(json, i > 0 ? " " : "", signals->signal[i].name);
	json_put(json, "\"");
}

/* Who answers here, and what he offers; or several signals at once. */
static void word_none(struct exchange *exchange)
{
	struct httap_server *server = exchange->server;

	if (exchange_writes(exchange)) {
		signals_write_form(exchange);
		return;
	}
	struct httap_json *json = answer_begin(exchange);
	httap_json_number(json, "HTTaP_version", HTTAP_PROTOCOL_VERSION);
	httap_json_number(json, "HTTaP_open", exchange->conn->session->opened ? 1 : 0);
	httap_json_text(json, "Type", server->type);
	httap_json_text(json, "ID", server->id);
	put_services(json, server->config->loopback, server->words);
	put_signals(json, server->signals);
	answer_object(exchange);
}

/* Every method that is not in `methods` is 405, before the word's routine is called. */
enum { READS = HTTAP_READS, WRITES = HTTAP_WRITES, BOTH = HTTAP_READS_AND_WRITES };

static const struct word {
	const char *name;
	unsigned int methods;
	bool prefix; /* any characters may follow the name */
	void (*answer)(struct exchange *exchange);
} words[] = {
	{ "list", READS, false, signals_list }, { "ping", READS, true, word_ping }, { "changes", READS, false, signals_changes },
	{ "events", READS, false, signals_events }, { "invalid", BOTH, false, word_invalid },
	{ "stop", WRITES, false, signals_stop }, { "loopback", WRITES, false, word_loopback },
	{ "", BOTH, false, word_none }, /* "/?" alone */
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static const struct word *find_word(struct span text)
{
	for (size_t i = 0; i < WORDS; i++)
		if (words[i].prefix ? span_begins(text, words[i].name) : span_is(text, words[i].name))
			return &words[i];
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

	server->refusal = (struct httap_refusal){ .status = 500, .text = "" };
	server->refused = "this word could not be answered";
	if (word->answer(server->words->context, &call, &server->refusal) < 0)
		answer_refused(exchange);
	else if (call.type != NULL && call.len <= HTTAP_REPLY_BODY_MAX)
		answer_bytes(exchange, span_of(call.type), (struct span){ call.bytes, call.len });
	else if (call.type != NULL)
		answer_refusal(exchange, 500, "the answer is longer than " TEXT_OF(HTTAP_REPLY_BODY_MAX) " bytes");
	else
		answer_object(exchange);
}

/* Has it a name as a peer can write it, that means one thing, and all that is needed? */
static bool is_word(const struct httap_server *server, size_t index)
{
	const struct httap_word *word = &server->words->word[index];
	struct span name = span_of(word->name);

	for (size_t i = 0; i < name.len; i++)
		if (!text_is(name.at[i], TEXT_NAME) && name.at[i] != '.')
			return false;
	return index < HTTAP_WORDS_MAX && text_is(word->name[0], TEXT_ALPHA) && name.len < HTTAP_NAME_SIZE &&
		find_word(name) == NULL && signals_find(server, name) < 0 && find_own_word(server->words, name) == word &&
		word->answer != NULL && word->methods - 1 < HTTAP_READS_AND_WRITES;
}

int words_check(const struct httap_server *server, struct httap_error *error)
{
	for (size_t i = 0; i < server->words->count; i++)
		if (!is_word(server, i)) {
			snprintf(error->text, sizeof(error->text),
				"\"%.40s\" can't be a word: it needs a name of its own (letters, digits, _ and .), methods, a routine, and "
				"a place among %d",
				server->words->word[i].name, HTTAP_WORDS_MAX);
			return -1;
		}
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------------- */

bool words_may_stop(const struct exchange *exchange)
{
	return exchange->meaning->target.domain == DOMAIN_DYNAMIC && span_is(target_text(&exchange->meaning->target), "stop");
}

static bool method_fits(struct exchange *exchange, unsigned int methods)
{
	return exchange_fits(exchange, methods, methods == READS ? "this word only tells: use GET" : "this word acts: use POST");
}

void words_answer(struct exchange *exchange)
{
	struct span name = target_text(&exchange->meaning->target);
	const struct word *word = find_word(name);
	const struct httap_word *own = find_own_word(exchange->server->words, name);

	if ((word != NULL || own != NULL) && !method_fits(exchange, word != NULL ? word->methods : own->methods))
		return;
	if (word != NULL)
		word->answer(exchange);
	else if (own != NULL)
		answer_own_word(exchange, own);
	else if (name.at[0] >= 'a' && name.at[0] <= 'z')
		answer_refusal(exchange, 404, "there is no such word; GET /? lists the services and signals");
	else
		signals_answer(exchange);
}
