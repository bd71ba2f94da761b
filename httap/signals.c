/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Reading and writing the application's signals. Everything that a request says is read and judged before the application is
 * called, once: a request that is refused has moved nothing.
 */
#include <stdio.h>
#include <string.h>

#include "httap/server.h"

static const struct httap_signal *signal_at(const struct exchange *exchange, size_t index)
{
	return &exchange->server->signals->signal[index];
}

/* --- Selecting ---------------------------------------------------------------------------------------------------- */

static void select_nothing(struct httap_server *server)
{
	server->selection.count = 0;
	server->selection.taken = 0;
}

static bool select_one(struct selection *selection, size_t index)
{
	uint64_t bit = (uint64_t)1 << index;

	if ((selection->taken & bit) != 0)
		return false;
	selection->taken |= bit;
	selection->index[selection->count++] = (uint16_t)index;
	return true;
}

static void select_all(struct httap_server *server, bool outputs_only)
{
	const struct httap_signals *signals = server->signals;

	select_nothing(server);
	for (size_t i = 0; i < signals->count; i++)
		if (!outputs_only || signals->signal[i].writable)
			(void)select_one(&server->selection, i);
}

int signals_find(const struct httap_server *server, struct span name)
{
	for (size_t i = 0; i < server->signals->count; i++)
		if (name.len == server->name[i].len && memcmp(name.at, server->name[i].at, name.len) == 0)
			return (int)i;
	return -1;
}

/* A name stands for its signal, or for all below it: MOTOR for MOTOR.LEFT and MOTOR.RIGHT. */
static bool select_name(struct httap_server *server, struct span name)
{
	const struct httap_signals *signals = server->signals;
	int index = signals_find(server, name);
	bool found = false;

	if (index >= 0) {
		(void)select_one(&server->selection, (size_t)index);
		return true;
	}
	for (size_t i = 0; i < signals->count; i++) {
		struct span known = server->name[i];
		if (known.len > name.len && memcmp(known.at, name.at, name.len) == 0 && known.at[name.len] == '.') {
			(void)select_one(&server->selection, i);
			found = true;
		}
	}
	return found;
}

/* Names in a message: what a peer sent, cut and made printable. */
static bool refuse_name(struct exchange *exchange, int status, const char *before, struct span name, const char *behind)
{
	char shown[HTTAP_NAME_SIZE], text[HTTAP_ERROR_SIZE];

	(void)text_printable(shown, sizeof(shown), name);
	(void)snprintf(text, sizeof(text), "%s%s%s", before, shown, behind);
	answer_refusal(exchange, status, text);
	return false;
}

static bool refuse_unknown(struct exchange *exchange, struct span name)
{
	return refuse_name(exchange, 404, "there is no signal \"", name,
		"\"; GET /? lists the signals, POST /? writes several as NAME=1&OTHER=0");
}

static bool select_list(struct exchange *exchange)
{
	struct span rest = target_text(&exchange->meaning->target), name;

	if (FAST && exchange->meaning->signal >= 0)
		return select_one(&exchange->server->selection, (size_t)exchange->meaning->signal);
	while (span_next(&rest, ',', &name)) {
		if (!text_is_signal_name(name))
			return refuse_name(exchange, name.len > 0 ? 404 : 400, "\"", name,
				"\" is no signal's name; names begin with an uppercase letter and stand between commas");
		if (!select_name(exchange->server, name))
			return refuse_unknown(exchange, name);
	}
	return true;
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

/* What is said when the application refuses and doesn't say why. */
static void expect_refusal(struct httap_server *server, const char *why)
{
	server->refusal.status = 503;
	server->refusal.text[0] = '\0';
	server->refused = why;
}

/* Whatever moved without telling is found by who looks. */
static bool read_selected(struct httap_server *server)
{
	const struct httap_signals *signals = server->signals;
	const struct selection *selection = &server->selection;

	expect_refusal(server, "the hardware could not be read");
	if (selection->count > 0 &&
		signals->read(signals->context, selection->index, selection->count, server->value, &server->refusal) < 0)
		return false;
	events_note(server);
	return true;
}

/* Reads what is selected, and notes that the session has been told: but for HEAD, which tells nothing. */
static bool tell_selected(struct exchange *exchange)
{
	struct session *session = exchange->conn->session;

	if (!read_selected(exchange->server)) {
		answer_refused(exchange);
		return false;
	}
	if (exchange->meaning->request.method == METHOD_GET)
		session->changed = events_of_session(exchange->server, session) & ~exchange->server->selection.taken;
	return true;
}

static void answer_values(struct exchange *exchange)
{
	const struct selection *selection = &exchange->server->selection;
	struct httap_json *json = answer_begin(exchange);

	for (size_t i = 0; i < selection->count; i++)
		json_digit(json, exchange->server->name[selection->index[i]], exchange->server->value[i] != 0);
	answer_object(exchange);
}

static void describe_signal(struct exchange *exchange, struct httap_json *json, size_t index)
{
	const struct httap_signals *signals = exchange->server->signals;

	json_name(json, exchange->server->name[index]);
	json_open(json);
	httap_json_text(json, "direction", signals->signal[index].writable ? "output" : "input");
	httap_json_number(json, "value", exchange->server->value[index]);
	if (signals->describe != NULL)
		signals->describe(signals->context, (uint16_t)index, json);
	json_close(json);
}

void signals_list(struct exchange *exchange)
{
	select_all(exchange->server, false);
	if (!tell_selected(exchange))
		return;
	struct httap_json *json = answer_begin(exchange);
	for (size_t i = 0; i < exchange->server->selection.count; i++)
		describe_signal(exchange, json, i);
	answer_object(exchange);
}

void signals_changes(struct exchange *exchange)
{
	uint64_t changed = events_of_session(exchange->server, exchange->conn->session);

	select_nothing(exchange->server);
	for (; changed != 0; changed &= changed - 1)
		(void)select_one(&exchange->server->selection, (size_t)__builtin_ctzll(changed));
	if (tell_selected(exchange))
		answer_values(exchange);
}

void signals_events(struct exchange *exchange)
{
	select_all(exchange->server, false);
	if (!tell_selected(exchange))
		return;
	answer_events(exchange);
	if (exchange->meaning->request.method == METHOD_GET)
		events_begin(exchange->conn);
}

void signals_observe(struct httap_server *server)
{
	server->observed = true;
	select_all(server, false);
	(void)read_selected(server); /* where it fails, changes begin with the first value that is seen */
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

/* What the next selected signal shall be. */
static bool read_value(struct httap_server *server, size_t index, struct span text)
{
	struct httap_write *write = &server->write[server->selection.count];

	write->signal = (uint16_t)index;
	write->duration = 0;
	write->action = text.len == 1 && text.at[0] == '1' ? HTTAP_SET_1 : HTTAP_SET_0;
	if (text.len == 1 && (text.at[0] == '0' || text.at[0] == '1'))
		return true;
	write->action = span_is(text, "toggle") ? HTTAP_TOGGLE : HTTAP_PULSE;
	return write->action == HTTAP_TOGGLE ||
		(span_begins(text, "pulse:") &&
			text_duration(span_behind(text, 6), HTTAP_PULSE_MIN_US, HTTAP_PULSE_MAX_US, &write->duration));
}

static bool write_selected(struct exchange *exchange)
{
	struct httap_server *server = exchange->server;
	const struct httap_signals *signals = server->signals;

	expect_refusal(server, "the hardware could not be written");
	if (server->selection.count > 0 &&
		signals->write(signals->context, exchange_actor(exchange), server->write, server->selection.count, server->value,
			&server->refusal) < 0) {
		answer_refused(exchange);
		return false;
	}
	events_note(server);
	return true;
}

/* Selects a signal that can be written, or refuses. */
static bool select_write(struct exchange *exchange, size_t index, struct span value)
{
	struct httap_server *server = exchange->server;
	const char *why = " must be 0, 1, toggle, or pulse:TIME with a TIME from 1ms to 3600s";

	if (read_value(server, index, value)) {
		why = " stands twice; give each signal one value";
		if (select_one(&server->selection, index))
			return true;
	}
	return refuse_name(exchange, 400, "", server->name[index], why);
}

static bool select_write_of(struct exchange *exchange, struct span name, struct span value)
{
	int index = signals_find(exchange->server, name);

	if (index < 0)
		return refuse_unknown(exchange, name);
	if (!signal_at(exchange, (size_t)index)->writable)
		return refuse_name(exchange, 400, "", name, " is an input: it can be read, not written");
	return select_write(exchange, (size_t)index, value);
}

/* POST /?NAME with a value as its body. A line end behind it is forgiven: many tools send one. */
static void write_one(struct exchange *exchange)
{
	struct span text = { exchange->body, exchange->body_len };

	if (text.len > 0 && text.at[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.at[text.len - 1] == '\r')
		text.len--;
	select_nothing(exchange->server);
	if (select_write(exchange, (size_t)exchange->meaning->signal, text) && write_selected(exchange))
		answer_values(exchange);
}

/* Only a single output can be written by its name; of what isn't there a write learns more than its method. */
static unsigned int methods_of(const struct exchange *exchange)
{
	int index = exchange->meaning->signal;

	if (index < 0 && exchange_writes(exchange))
		return HTTAP_WRITES;
	return index >= 0 && signal_at(exchange, (size_t)index)->writable ? HTTAP_READS_AND_WRITES : HTTAP_READS;
}

void signals_answer(struct exchange *exchange)
{
	unsigned int methods = methods_of(exchange);

	if (methods == HTTAP_READS_AND_WRITES && exchange_writes(exchange)) {
		write_one(exchange);
		return;
	}
	if (!exchange_fits(exchange, methods, "this signal is an input: it can be read, not written"))
		return;
	if (methods == HTTAP_WRITES) {
		(void)refuse_unknown(exchange, target_text(&exchange->meaning->target));
		return;
	}
	select_nothing(exchange->server);
	if (select_list(exchange) && tell_selected(exchange))
		answer_values(exchange);
}

/* application/x-www-form-urlencoded, decoded in place. "+" would be a space, which stands in no name and no value. */
static bool decode_form(struct exchange *exchange, struct span *text)
{
	char *at = exchange->body + (text->at - exchange->body);
	long len = text_decode(at, *text);

	text->len = (size_t)len;
	return len >= 0;
}

static bool read_pair(struct exchange *exchange, struct span pair)
{
	struct span name, value = pair;

	(void)span_next(&value, '=', &name);
	if (value.at != NULL && decode_form(exchange, &name) && decode_form(exchange, &value))
		return select_write_of(exchange, name, value);
	answer_refusal(exchange, 400, "the body must be NAME=VALUE pairs with & between them");
	return false;
}

void signals_write_form(struct exchange *exchange)
{
	struct span rest = { exchange->body, exchange->body_len }, pair;

	select_nothing(exchange->server);
	while (span_next(&rest, '&', &pair))
		if (!read_pair(exchange, pair))
			return;
	if (write_selected(exchange))
		answer_values(exchange);
}

/* The first signal that GET may switch. */
static bool select_plain(struct httap_server *server, uint8_t action)
{
	const struct httap_signals *signals = server->signals;

	select_nothing(server);
	for (size_t i = 0; i < signals->count; i++)
		if (signals->signal[i].writable && !signals->signal[i].no_get) {
			server->write[0] = (struct httap_write){ .signal = (uint16_t)i, .action = action };
			return select_one(&server->selection, i);
		}
	return false;
}

/* GET /1 and GET /0 */
void signals_switch(struct exchange *exchange, uint8_t action)
{
	struct httap_server *server = exchange->server;

	server->value[0] = action;
	if (!select_plain(server, action))
		answer_refusal(exchange, 404, "there is no plain output to switch; HTTAP_LINES=\"LED=GPIO17\" makes one");
	else if (exchange->meaning->request.method == METHOD_HEAD || write_selected(exchange))
		answer_text(exchange, server->value[0] != 0 ? SPAN("1") : SPAN("0"));
}

void signals_stop(struct exchange *exchange)
{
	struct httap_server *server = exchange->server;
	const struct httap_signals *signals = server->signals;

	expect_refusal(server, "not every output could be set to its safe value");
	if (signals->stop != NULL && signals->stop(signals->context, exchange_actor(exchange), &server->refusal) < 0) {
		answer_refused(exchange);
		return;
	}
	select_all(server, true);
	if (tell_selected(exchange))
		answer_values(exchange);
}

/* --- At start ----------------------------------------------------------------------------------------------------- */

static bool is_signal(struct httap_server *server, size_t index)
{
	const struct httap_signals *signals = server->signals;

	server->name[index] = span_of(signals->signal[index].name);
	return text_is_signal_name(server->name[index]) && signals_find(server, server->name[index]) == (int)index &&
		signals->read != NULL && (!signals->signal[index].writable || signals->write != NULL);
}

int signals_check(struct httap_server *server, struct httap_error *error)
{
	const struct httap_signals *signals = server->signals;

	for (size_t i = 0; i < signals->count; i++)
		if (i >= HTTAP_SIGNALS_MAX || !is_signal(server, i)) {
			snprintf(error->text, sizeof(error->text),
				"\"%.40s\" can't be a signal: it needs a name of its own (an uppercase letter, then letters, digits, _ "
				"and .), routines to read and write it, and a place among %d",
				signals->signal[i].name, HTTAP_SIGNALS_MAX);
			return -1;
		}
	return 0;
}
