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

int signals_find(const struct httap_signals *signals, struct span name)
{
	for (size_t i = 0; i < signals->count; i++) {
		const char *known = signals->signal[i].name;
		/* The first letter rules most of them out. */
		if (name.len > 0 && known[0] == name.at[0] && span_is(name, known))
			return (int)i;
	}
	return -1;
}

/* A name stands for its signal, or for all below it: MOTOR for MOTOR.LEFT and MOTOR.RIGHT. */
static bool select_name(struct httap_server *server, struct span name)
{
	const struct httap_signals *signals = server->signals;
	int index = signals_find(signals, name);
	bool found = false;

	if (index >= 0) {
		(void)select_one(&server->selection, (size_t)index);
		return true;
	}
	for (size_t i = 0; i < signals->count; i++) {
		const char *known = signals->signal[i].name;
		if (strncmp(known, name.at, name.len) == 0 && known[name.len] == '.') {
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

static struct span target_text(const struct exchange *exchange)
{
	return (struct span){ exchange->target->text, exchange->target->len };
}

static bool refuse_unknown(struct exchange *exchange, struct span name)
{
	return refuse_name(exchange, 404, "there is no signal \"", name,
		"\"; GET /? lists the signals, POST /? writes several as NAME=1&OTHER=0");
}

static bool select_list(struct exchange *exchange)
{
	struct span rest = target_text(exchange), name;

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
	(void)snprintf(server->refusal.text, sizeof(server->refusal.text), "%s", why);
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
	if (exchange->request->method == METHOD_GET)
		session->changed = events_of_session(exchange->server, session) & ~exchange->server->selection.taken;
	return true;
}

static void answer_values(struct exchange *exchange)
{
	const struct selection *selection = &exchange->server->selection;
	struct httap_json *json = answer_begin(exchange);

	for (size_t i = 0; i < selection->count; i++)
		httap_json_number(json, signal_at(exchange, selection->index[i])->name, exchange->server->value[i]);
	answer_object(exchange);
}

static void describe_signal(struct exchange *exchange, struct httap_json *json, size_t index)
{
	const struct httap_signals *signals = exchange->server->signals;

	json_name(json, span_of(signals->signal[index].name));
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
	if (exchange->request->method == METHOD_GET)
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
	static const char *const values[] = { [HTTAP_SET_0] = "0", [HTTAP_SET_1] = "1", [HTTAP_TOGGLE] = "toggle" };
	struct httap_write *write = &server->write[server->selection.count];

	*write = (struct httap_write){ .signal = (uint16_t)index };
	for (; write->action < HTTAP_PULSE; write->action++)
		if (span_is(text, values[write->action]))
			return true;
	return span_begins(text, "pulse:") &&
		text_duration(span_behind(text, 6), HTTAP_PULSE_MIN_US, HTTAP_PULSE_MAX_US, &write->duration);
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

/* Selects a signal to be written, or refuses. */
static bool take_write(struct exchange *exchange, struct span name, struct span value)
{
	struct httap_server *server = exchange->server;
	int index = signals_find(server->signals, name);

	if (index < 0)
		return refuse_unknown(exchange, name);
	if (!signal_at(exchange, (size_t)index)->writable)
		return refuse_name(exchange, 400, "", name, " is an input: it can be read, not written");
	if (!read_value(server, (size_t)index, value))
		return refuse_name(exchange, 400, "the value of ", name,
			" must be 0, 1, toggle, or pulse:TIME with a TIME from 1ms to 3600s");
	if (!select_one(&server->selection, (size_t)index))
		return refuse_name(exchange, 400, "", name, " stands twice; give each signal one value");
	return true;
}

/* POST /?NAME with a value as its body. A line end behind it is forgiven: many tools send one. */
static void write_one(struct exchange *exchange)
{
	struct span text = { exchange->body, exchange->body_len };

	if (text.len > 0 && text.at[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && text.at[text.len - 1] == '\r')
		text.len--;
	if (take_write(exchange, target_text(exchange), text) && write_selected(exchange))
		answer_values(exchange);
}

/* Only a single output can be written by its name; of what isn't there a write learns more than its method. */
static unsigned int methods_of(const struct exchange *exchange)
{
	int index = signals_find(exchange->server->signals, target_text(exchange));

	if (index < 0 && exchange_writes(exchange))
		return HTTAP_WRITES;
	return index >= 0 && signal_at(exchange, (size_t)index)->writable ? HTTAP_READS_AND_WRITES : HTTAP_READS;
}

void signals_answer(struct exchange *exchange)
{
	if (!exchange_fits(exchange, methods_of(exchange), "this signal is an input: it can be read, not written"))
		return;
	select_nothing(exchange->server);
	if (exchange_writes(exchange))
		write_one(exchange);
	else if (select_list(exchange) && tell_selected(exchange))
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
		return take_write(exchange, name, value);
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
	else if (exchange->request->method == METHOD_HEAD || write_selected(exchange))
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

static bool is_signal(const struct httap_signals *signals, size_t index)
{
	const struct httap_signal *signal = &signals->signal[index];

	return index < HTTAP_SIGNALS_MAX && text_is_signal_name(span_of(signal->name)) &&
		signals_find(signals, span_of(signal->name)) == (int)index && signals->read != NULL &&
		(!signal->writable || signals->write != NULL);
}

int signals_check(const struct httap_signals *signals, struct httap_error *error)
{
	for (size_t i = 0; i < signals->count; i++)
		if (!is_signal(signals, i)) {
			snprintf(error->text, sizeof(error->text),
				"\"%.40s\" can't be a signal: it needs a name of its own (an uppercase letter, then letters, digits, _ "
				"and .), routines to read and write it, and a place among %d",
				signals->signal[i].name, HTTAP_SIGNALS_MAX);
			return -1;
		}
	return 0;
}
