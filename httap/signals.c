/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Reading and writing the application's signals. Everything that a request says is read and judged before the application is
 * called, once: a request that is refused has moved nothing.
 */
#include <stdio.h>
#include <string.h>

#include "httap/json.h"
#include "httap/server.h"

static const struct httap_signals no_signals = { 0 };

static const struct httap_signals *signals_of(const struct exchange *exchange)
{
	return exchange->server->signals != NULL ? exchange->server->signals : &no_signals;
}

/* Some of the signals, each once, in the order in which they were named. */
struct selection {
	uint16_t index[HTTAP_SIGNALS_MAX];
	size_t count;
	uint64_t taken; /* a bit for each signal */
};

_Static_assert(HTTAP_SIGNALS_MAX <= 64, "a selection keeps a bit for each signal");

static bool select_one(struct selection *selection, size_t index)
{
	uint64_t bit = (uint64_t)1 << index;

	if ((selection->taken & bit) != 0)
		return false;
	selection->taken |= bit;
	selection->index[selection->count++] = (uint16_t)index;
	return true;
}

static bool find_signal(const struct httap_signals *signals, struct span name, size_t *index)
{
	for (size_t i = 0; i < signals->count; i++) {
		const char *known = signals->signal[i].name;
		/* The first letter rules most of them out. */
		if (known[0] == name.at[0] && span_is(name, known)) {
			*index = i;
			return true;
		}
	}
	return false;
}

/* A name stands for its signal, or for all below it: MOTOR for MOTOR.LEFT and MOTOR.RIGHT. */
static bool select_name(struct selection *selection, const struct httap_signals *signals, struct span name)
{
	bool found = false;
	size_t index;

	if (name.len > 0 && find_signal(signals, name, &index)) {
		(void)select_one(selection, index);
		return true;
	}
	for (size_t i = 0; i < signals->count; i++) {
		const char *known = signals->signal[i].name;
		if (strncmp(known, name.at, name.len) == 0 && known[name.len] == '.') {
			(void)select_one(selection, i);
			found = true;
		}
	}
	return found;
}

/* Names in a message: what a peer sent, cut and made printable. */
static void refuse_name(struct exchange *exchange, int status, const char *before, struct span name, const char *behind)
{
	char shown[HTTAP_NAME_SIZE], text[HTTAP_ERROR_SIZE];

	text_printable(shown, sizeof(shown), name);
	(void)snprintf(text, sizeof(text), "%s%s%s", before, shown, behind);
	answer_refusal(exchange, status, text);
}

static bool select_list(struct exchange *exchange, struct selection *selection)
{
	struct span rest = { exchange->target->text, exchange->target->len }, name;

	while (span_next(&rest, ',', &name)) {
		if (!text_is_signal_name(name)) {
			refuse_name(exchange, name.len > 0 ? 404 : 400, "\"", name,
				"\" is no signal's name; names begin with an uppercase letter and stand between commas");
			return false;
		}
		if (!select_name(selection, signals_of(exchange), name)) {
			refuse_name(exchange, 404, "there is no signal \"", name, "\"; GET /? lists the signals");
			return false;
		}
	}
	return true;
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static void refuse_as_told(struct exchange *exchange, const struct httap_refusal *refusal)
{
	answer_refusal(exchange, refusal->status, refusal->text);
}

static bool read_values(struct exchange *exchange, const struct selection *selection, uint8_t *value)
{
	const struct httap_signals *signals = signals_of(exchange);
	struct httap_refusal refusal = { .status = 503, .text = "the hardware could not be read" };

	if (selection->count == 0 || signals->read(signals->context, selection->index, selection->count, value, &refusal) == 0)
		return true;
	refuse_as_told(exchange, &refusal);
	return false;
}

static void answer_values(struct exchange *exchange, const struct selection *selection, const uint8_t *value)
{
	const struct httap_signals *signals = signals_of(exchange);
	struct httap_json json = json_begin(exchange->server->body, sizeof(exchange->server->body));

	json_open(&json);
	for (size_t i = 0; i < selection->count; i++)
		httap_json_number(&json, signals->signal[selection->index[i]].name, value[i]);
	json_close(&json);
	answer_json(exchange, &json);
}

void signals_list(struct exchange *exchange)
{
	const struct httap_signals *signals = signals_of(exchange);
	struct selection all = { .count = 0 };
	uint8_t value[HTTAP_SIGNALS_MAX] = { 0 };

	for (size_t i = 0; i < signals->count; i++)
		(void)select_one(&all, i);
	if (!read_values(exchange, &all, value))
		return;
	struct httap_json json = json_begin(exchange->server->body, sizeof(exchange->server->body));
	json_open(&json);
	for (size_t i = 0; i < signals->count; i++) {
		json_name(&json, span_of(signals->signal[i].name));
		json_open(&json);
		httap_json_text(&json, "direction", signals->signal[i].writable ? "output" : "input");
		httap_json_number(&json, "value", value[i]);
		if (signals->describe != NULL)
			signals->describe(signals->context, (uint16_t)i, &json);
		json_close(&json);
	}
	json_close(&json);
	answer_json(exchange, &json);
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

static bool read_action(struct span text, uint8_t *action)
{
	if (span_is(text, "0"))
		*action = HTTAP_SET_0;
	else if (span_is(text, "1"))
		*action = HTTAP_SET_1;
	else if (span_is(text, "toggle"))
		*action = HTTAP_TOGGLE;
	else
		return false;
	return true;
}

static void write_selection(struct exchange *exchange, const struct selection *selection, const uint8_t *action, bool bare)
{
	const struct httap_signals *signals = signals_of(exchange);
	struct httap_refusal refusal = { .status = 503, .text = "the hardware could not be written" };
	struct httap_write write[HTTAP_SIGNALS_MAX];
	uint8_t value[HTTAP_SIGNALS_MAX];
	char request[HTTAP_ACTOR_REQUEST_SIZE];
	struct httap_actor actor = exchange_actor(exchange, request);

	for (size_t i = 0; i < selection->count; i++)
		write[i] = (struct httap_write){ .signal = selection->index[i], .action = action[i] };
	if (signals->write(signals->context, &actor, write, selection->count, value, &refusal) < 0)
		refuse_as_told(exchange, &refusal);
	else if (bare)
		answer_text(exchange, value[0] != 0 ? SPAN("1") : SPAN("0"));
	else
		answer_values(exchange, selection, value);
}

static bool is_writable(struct exchange *exchange, size_t index, const char *allow)
{
	const struct httap_signal *signal = &signals_of(exchange)->signal[index];
	char text[HTTAP_ERROR_SIZE];

	if (signal->writable)
		return true;
	(void)snprintf(text, sizeof(text), "%s is an input: it can be read, not written", signal->name);
	if (allow != NULL)
		answer_not_allowed(exchange, allow, text);
	else
		answer_refusal(exchange, 400, text);
	return false;
}

/* POST /?NAME with a value as its body. A line end behind it is forgiven: many tools send one. */
static void write_one(struct exchange *exchange)
{
	struct span name = { exchange->target->text, exchange->target->len };
	struct span text = { exchange->body, exchange->body_len };
	struct selection selection = { .count = 0 };
	uint8_t action;
	size_t index;

	if (!text_is_signal_name(name) || !find_signal(signals_of(exchange), name, &index)) {
		refuse_name(exchange, 404, "there is no signal \"", name,
			"\" to write; several are written by POST /? with NAME=1&OTHER=0");
		return;
	}
	if (!is_writable(exchange, index, "GET, HEAD, OPTIONS"))
		return;
	if (text.len > 0 && text.at[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.at[text.len - 1] == '\r')
		text.len--;
	if (!read_action(text, &action)) {
		answer_refusal(exchange, 400, "the body must be 0, 1 or toggle");
		return;
	}
	(void)select_one(&selection, index);
	write_selection(exchange, &selection, &action, false);
}

/* Only a single output can be written by its name. */
static void answer_options(struct exchange *exchange)
{
	struct span name = { exchange->target->text, exchange->target->len };
	size_t index;
	bool writable = text_is_signal_name(name) && find_signal(signals_of(exchange), name, &index) &&
		signals_of(exchange)->signal[index].writable;

	answer_nothing(exchange, writable ? "GET, HEAD, POST, PUT, OPTIONS" : "GET, HEAD, OPTIONS");
}

void signals_answer(struct exchange *exchange)
{
	struct selection selection = { .count = 0 };
	uint8_t value[HTTAP_SIGNALS_MAX];

	if (exchange->request->method == METHOD_OPTIONS)
		answer_options(exchange);
	else if (exchange_writes(exchange))
		write_one(exchange);
	else if (select_list(exchange, &selection) && read_values(exchange, &selection, value))
		answer_values(exchange, &selection, value);
}

/* application/x-www-form-urlencoded, decoded in place: "+" is a space, %XX a byte. False when an escape is broken. */
static bool decode_form(char *at, struct span *text)
{
	size_t out = 0;

	for (size_t i = 0; i < text->len; i++) {
		char c = text->at[i];
		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int high = i + 2 < text->len ? text_hex(text->at[i + 1]) : -1;
			int low = i + 2 < text->len ? text_hex(text->at[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		at[out++] = c;
	}
	*text = (struct span){ at, out };
	return true;
}

static bool read_pair(struct exchange *exchange, struct span pair, struct selection *selection, uint8_t *action)
{
	struct span name, value = pair;
	char *body = exchange->body; /* the spans point into it: decoding in place may write there */
	size_t index;

	if (!span_next(&value, '=', &name) || value.at == NULL || !decode_form(body + (name.at - body), &name) ||
		!decode_form(body + (value.at - body), &value)) {
		answer_refusal(exchange, 400, "the body must be NAME=VALUE pairs with & between them");
		return false;
	}
	if (!text_is_signal_name(name) || !find_signal(signals_of(exchange), name, &index)) {
		refuse_name(exchange, 404, "there is no signal \"", name, "\"; GET /? lists the signals");
		return false;
	}
	if (!is_writable(exchange, index, NULL))
		return false;
	if (!read_action(value, &action[selection->count])) {
		refuse_name(exchange, 400, "the value of ", name, " must be 0, 1 or toggle");
		return false;
	}
	if (!select_one(selection, index)) {
		refuse_name(exchange, 400, "", name, " stands twice; give each signal one value");
		return false;
	}
	return true;
}

void signals_write_form(struct exchange *exchange)
{
	struct span rest = { exchange->body, exchange->body_len }, pair;
	struct selection selection = { .count = 0 };
	/* One more than there are signals: the action is read before a name that stands twice is refused. */
	uint8_t action[HTTAP_SIGNALS_MAX + 1];

	while (span_next(&rest, '&', &pair))
		if (!read_pair(exchange, pair, &selection, action))
			return;
	write_selection(exchange, &selection, action, false);
}

/* GET /1 and GET /0: the first signal that may be switched so. */
void signals_switch(struct exchange *exchange, uint8_t action)
{
	const struct httap_signals *signals = signals_of(exchange);
	struct selection selection = { .count = 0 };

	for (size_t i = 0; i < signals->count && selection.count == 0; i++)
		if (signals->signal[i].writable && !signals->signal[i].no_get)
			(void)select_one(&selection, i);
	if (selection.count == 0)
		answer_refusal(exchange, 404, "there is no plain output to switch; HTTAP_LINES=\"LED=GPIO17\" makes one");
	else if (exchange->request->method == METHOD_HEAD)
		answer_text(exchange, action == HTTAP_SET_1 ? SPAN("1") : SPAN("0"));
	else
		write_selection(exchange, &selection, &action, true);
}

void signals_stop(struct exchange *exchange)
{
	const struct httap_signals *signals = signals_of(exchange);
	struct httap_refusal refusal = { .status = 503, .text = "not every output could be set to its safe value" };
	struct selection outputs = { .count = 0 };
	uint8_t value[HTTAP_SIGNALS_MAX];
	char request[HTTAP_ACTOR_REQUEST_SIZE];
	struct httap_actor actor = exchange_actor(exchange, request);

	if (signals->stop != NULL && signals->stop(signals->context, &actor, &refusal) < 0) {
		refuse_as_told(exchange, &refusal);
		return;
	}
	for (size_t i = 0; i < signals->count; i++)
		if (signals->signal[i].writable)
			(void)select_one(&outputs, i);
	if (read_values(exchange, &outputs, value))
		answer_values(exchange, &outputs, value);
}

/* --- At start ----------------------------------------------------------------------------------------------------- */

int signals_check(const struct httap_signals *signals, struct httap_error *error)
{
	size_t other;

	if (signals == NULL)
		return 0;
	if (signals->count > HTTAP_SIGNALS_MAX || (signals->count > 0 && (signals->read == NULL || signals->write == NULL))) {
		snprintf(error->text, sizeof(error->text),
			"%zu signals: at most %d are allowed, with routines to read and write them", signals->count,
			HTTAP_SIGNALS_MAX);
		return -1;
	}
	for (size_t i = 0; i < signals->count; i++) {
		struct span name = span_of(signals->signal[i].name);
		if (!text_is_signal_name(name)) {
			snprintf(error->text, sizeof(error->text),
				"\"%.40s\" is no signal's name: an uppercase letter, then letters, digits, _ and . ",
				signals->signal[i].name);
			return -1;
		}
		if (find_signal(signals, name, &other) && other != i) {
			snprintf(error->text, sizeof(error->text), "the signal %s is there twice", signals->signal[i].name);
			return -1;
		}
	}
	return 0;
}
