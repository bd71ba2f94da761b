/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Reading and writing signals: what a request asks for, what the application is asked in turn, and that a request which is
 * refused has asked it nothing.
 */
#include <stdio.h>

#include "httap/server.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

static void must_have_called(const char *calls)
{
	if (strcmp(rig.app.calls, calls) != 0)
		rig_fail(__FILE__, __LINE__, "the application was asked \"%s\", not \"%s\"", rig.app.calls, calls);
}

static bool is_error(const struct answer *answer)
{
	return rig_is_json(answer->body, answer->len) && memmem(answer->body, answer->len, "{\"error\":\"", 10) == answer->body;
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static const struct read_row {
	const char *target;
	const char *calls;
	const char *body;
} reads[] = {
	{ "/?LED", "read 1;", "{\"LED\":0}" },
	{ "/?BUTTON", "read 3;", "{\"BUTTON\":1}" },
	{ "/?MOTOR.RIGHT", "read 2;", "{\"MOTOR.RIGHT\":1}" },
	{ "/?LAMP,LED", "read 4 1;", "{\"LAMP\":0,\"LED\":0}" }, /* in the order that was asked for */
	{ "/?LED,LED,LED", "read 1;", "{\"LED\":0}" },
	{ "/?MOTOR", "read 0 2;", "{\"MOTOR.LEFT\":0,\"MOTOR.RIGHT\":1}" },
	{ "/?MOTOR,MOTOR.LEFT", "read 0 2;", "{\"MOTOR.LEFT\":0,\"MOTOR.RIGHT\":1}" },
	{ "/?MOTOR.RIGHT,BUTTON,MOTOR", "read 2 3 0;", "{\"MOTOR.RIGHT\":1,\"BUTTON\":1,\"MOTOR.LEFT\":0}" },
	{ "/?L%45D", "read 1;", "{\"LED\":0}" },
	{ "/?LED%2CLAMP", "read 1 4;", "{\"LED\":0,\"LAMP\":0}" },
	{ "http://localhost/?LED", "read 1;", "{\"LED\":0}" },
};

START_TEST(signals_are_read_once_each_in_the_order_that_was_asked_for)
{
	char request[64];

	(void)snprintf(request, sizeof(request), "GET %s", reads[_i].target);
	struct answer answer = peer_ask(rig_peer(), request);
	expect(answer, 200, reads[_i].body);
	ck_assert(answer_has(&answer, "Content-Type: application/json"));
	ck_assert(answer_has(&answer, "Cache-Control: no-store"));
	must_have_called(reads[_i].calls);
}
END_TEST

static const struct refused_row {
	const char *target;
	int status;
} refused_reads[] = {
	{ "/?NOBODY", 404 },
	{ "/?Led", 404 },
	{ "/?LED.A", 404 },
	{ "/?LE", 404 },
	{ "/?MOTO", 404 },
	{ "/?MOTOR.LEFT.X", 404 },
	{ "/?LED,", 400 },
	{ "/?,LED", 400 },
	{ "/?LED,,LAMP", 400 },
	{ "/?LED,led", 404 },
	{ "/?MOTOR.", 404 },
	{ "/?LED%20", 404 },
	{ "/?LED=1", 404 },
	{ "/?LED&LAMP", 404 },
	{ "/?1", 404 },
	{ "/?.", 404 },
	{ "/?%22%3C%3E%5C", 404 },
	{ "/?ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF", 404 },
};

START_TEST(an_unknown_or_malformed_name_is_refused_and_nothing_is_read)
{
	char request[128];

	(void)snprintf(request, sizeof(request), "GET %s", refused_reads[_i].target);
	struct answer answer = peer_ask(rig_peer(), request);
	expect(answer, refused_reads[_i].status, NULL);
	ck_assert(is_error(&answer));
	must_have_called("");
}
END_TEST

/* --- Writing one -------------------------------------------------------------------------------------------------- */

static const struct write_row {
	const char *target;
	const char *body;
	const char *calls;
	const char *reply;
} writes[] = {
	{ "/?LED", "1", "write 1=1;", "{\"LED\":1}" },
	{ "/?LED", "0", "write 1=0;", "{\"LED\":0}" },
	{ "/?LED", "toggle", "write 1=toggle;", "{\"LED\":1}" },
	{ "/?MOTOR.RIGHT", "toggle", "write 2=toggle;", "{\"MOTOR.RIGHT\":0}" },
	{ "/?LED", "1\n", "write 1=1;", "{\"LED\":1}" },
	{ "/?LED", "toggle\r\n", "write 1=toggle;", "{\"LED\":1}" },
};

static struct answer write_by(const char *method, const char *target, const char *body)
{
	struct peer *peer = rig_peer();
	char request[6000];

	(void)snprintf(
		request, sizeof(request), "%s %s" HOST "Content-Length: %zu\r\n\r\n%s", method, target, strlen(body), body);
	peer_say(peer, request);
	return peer_answer(peer);
}

START_TEST(a_value_in_the_body_is_written_and_the_new_state_replied)
{
	static const char *const methods[] = { "POST", "PUT" };

	for (int i = 0; i < 2; i++) {
		memset(rig.app.value, 0, sizeof(rig.app.value));
		rig.app.value[MOTOR_RIGHT] = 1;
		rig.app.calls[0] = '\0';
		expect(write_by(methods[i], writes[_i].target, writes[_i].body), 200, writes[_i].reply);
		must_have_called(writes[_i].calls);
	}
}
END_TEST

static const struct refused_write_row {
	const char *target;
	const char *body;
	int status;
} refused_writes[] = {
	{ "/?LED", "", 400 },
	{ "/?LED", "2", 400 },
	{ "/?LED", "01", 400 },
	{ "/?LED", "+1", 400 },
	{ "/?LED", " 1", 400 },
	{ "/?LED", "1 ", 400 },
	{ "/?LED", "1\n\n", 400 },
	{ "/?LED", "\n", 400 },
	{ "/?LED", "true", 400 },
	{ "/?LED", "Toggle", 400 },
	{ "/?LED", "toggles", 400 },
	{ "/?LED", "LED=1", 400 },
	{ "/?LED", "pulse:", 400 },
	{ "/?LED", "pulse", 400 },
	{ "/?LED", "pulse:5", 400 },
	{ "/?LED", "pulse:ms", 400 },
	{ "/?LED", "pulse:s", 400 },
	{ "/?LED", "pulse:0ms", 400 },
	{ "/?LED", "pulse:0s", 400 },
	{ "/?LED", "pulse:3601s", 400 },
	{ "/?LED", "pulse:3600001ms", 400 },
	{ "/?LED", "pulse:1.5s", 400 },
	{ "/?LED", "pulse:-1s", 400 },
	{ "/?LED", "pulse:+1s", 400 },
	{ "/?LED", "pulse: 1s", 400 },
	{ "/?LED", "pulse:1s ", 400 },
	{ "/?LED", "pulse:1S", 400 },
	{ "/?LED", "pulse:1us", 400 },
	{ "/?LED", "pulse:1mss", 400 },
	{ "/?LED", "Pulse:1s", 400 },
	{ "/?LED", "pulse:18446744073709551617ms", 400 },
	{ "/?LED", "pulse:18446744073709552s", 400 },
	{ "/?BUTTON", "1", 405 },
	{ "/?BUTTON", "nonsense", 405 },
	{ "/?NOBODY", "1", 404 },
	{ "/?LED,LAMP", "1", 404 },
	{ "/?MOTOR", "1", 404 },
	{ "/?led", "1", 404 },
	/* forms */
	{ "/?", "", 400 },
	{ "/?", "LED", 400 },
	{ "/?", "LED=", 400 },
	{ "/?", "LED=2", 400 },
	{ "/?", "LED=1&", 400 },
	{ "/?", "&LED=1", 400 },
	{ "/?", "LED=1&&LAMP=1", 400 },
	{ "/?", "LED=1&LAMP", 400 },
	{ "/?", "LED=1&LAMP=2", 400 },
	{ "/?", "LED=1&LED=1", 400 },
	{ "/?", "LED=1&LAMP=0&L%45D=0", 400 },
	{ "/?", "LED=1&BUTTON=1", 400 },
	{ "/?", "LED=1&NOBODY=1", 404 },
	{ "/?", "LED=1&MOTOR=1", 404 },
	{ "/?", "LED=1&=1", 404 },
	{ "/?", "LED=1=1", 400 },
	{ "/?", "LED=1;LAMP=1", 400 },
	{ "/?", "LED=1\n", 400 },
	{ "/?", "LED=+1", 400 },
	{ "/?", "LED=%1", 400 },
	{ "/?", "LED=%", 400 },
	{ "/?", "LED=%3", 400 },
	{ "/?", "LED=%3g", 400 },
	{ "/?", "LED=%00", 400 },
	{ "/?", "LED=%31%00", 400 },
	{ "/?", "%4=1", 400 },
	{ "/?", "LED+=1", 404 },
	{ "/?", "{\"LED\":1}", 400 },
};

START_TEST(a_write_that_is_refused_never_reaches_the_application)
{
	struct answer answer = write_by("POST", refused_writes[_i].target, refused_writes[_i].body);

	expect(answer, refused_writes[_i].status, NULL);
	ck_assert(is_error(&answer));
	ck_assert(answer.status != 405 || answer_has(&answer, "Allow: GET, HEAD, OPTIONS"));
	must_have_called("");
}
END_TEST

/* Refused by the guard, the framing or the method: whatever the reason, nothing moves. */
static const struct guarded_row {
	const char *request;
	int status;
} guarded_writes[] = {
	{ "POST /?LED HTTP/1.1\r\nHost: elsewhere\r\nContent-Length: 1\r\n\r\n1", 421 },
	{ "POST /?LED HTTP/1.1\r\nContent-Length: 1\r\n\r\n1", 400 },
	{ "POST /?LED" HOST "Host: localhost\r\nContent-Length: 1\r\n\r\n1", 400 },
	{ "POST /?LED" HOST "Origin: http://elsewhere\r\nContent-Length: 1\r\n\r\n1", 403 },
	{ "POST /?LED" HOST "Origin: null\r\nContent-Length: 1\r\n\r\n1", 403 },
	{ "POST /?LED" HOST "Sec-Fetch-Site: cross-site\r\nContent-Length: 1\r\n\r\n1", 403 },
	{ "POST /?LED" HOST "Sec-Fetch-Site: same-site\r\nContent-Length: 1\r\n\r\n1", 403 },
	{ "POST /?LED" HOST "Sec-Purpose: prefetch\r\nContent-Length: 1\r\n\r\n1", 403 },
	{ "POST /?stop" HOST "Origin: http://elsewhere\r\nContent-Length: 0\r\n\r\n", 403 },
	{ "GET /1" HOST "Referer: http://elsewhere/page\r\n\r\n", 403 },
	{ "GET /1" HOST "Sec-Fetch-Site: cross-site\r\n\r\n", 403 },
	{ "GET /1" HOST "Purpose: prefetch\r\n\r\n", 403 },
	{ "POST /1" HOST "Origin: http://elsewhere\r\nContent-Length: 0\r\n\r\n", 403 },
	{ "POST /?LED" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n1", 400 },
	{ "POST /?LED" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n", 400 },
	{ "POST /?LED" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\nX\r\n\r\n", 400 },
	{ "POST /?LED" HOST "Transfer-Encoding: chunked\r\n\r\n1001\r\n", 413 },
	{ "DELETE /?LED" HOST "Content-Length: 1\r\n\r\n1", 501 },
	{ "PATCH /?LED" HOST "Content-Length: 1\r\n\r\n1", 501 },
	{ "post /?LED" HOST "Content-Length: 1\r\n\r\n1", 501 },
	{ "POST /LED" HOST "Content-Length: 1\r\n\r\n1", 405 },
	{ "POST /1x" HOST "Content-Length: 1\r\n\r\n1", 405 },
	{ "GET /?stop" HOST "\r\n", 405 },
	{ "HEAD /?stop" HOST "\r\n", 405 },
};

START_TEST(a_request_that_is_refused_before_it_is_understood_moves_nothing)
{
	struct peer *peer = rig_peer();

	peer_say(peer, guarded_writes[_i].request);
	expect(strncmp(guarded_writes[_i].request, "HEAD", 4) == 0 ? peer_head(peer) : peer_answer(peer),
		guarded_writes[_i].status, NULL);
	must_have_called("");
}
END_TEST

/* --- Writing several ---------------------------------------------------------------------------------------------- */

static const struct write_row forms[] = {
	{ "/?", "LED=1", "write 1=1;", "{\"LED\":1}" },
	{ "/?", "LED=1&LAMP=0", "write 1=1 4=0;", "{\"LED\":1,\"LAMP\":0}" },
	{ "/?", "LAMP=1&MOTOR.LEFT=0&LED=toggle", "write 4=1 0=0 1=toggle;", "{\"LAMP\":1,\"MOTOR.LEFT\":0,\"LED\":1}" },
	{ "/?", "%4cED=%31", "write 1=1;", "{\"LED\":1}" },
	{ "/?", "%4CED=%31&L%41MP=%74oggle", "write 1=1 4=toggle;", "{\"LED\":1,\"LAMP\":1}" },
	{ "/?", "MOTOR%2eLEFT=1", "write 0=1;", "{\"MOTOR.LEFT\":1}" },
};

START_TEST(a_form_is_decoded_and_written_by_one_call_in_its_order)
{
	expect(write_by("POST", forms[_i].target, forms[_i].body), 200, forms[_i].reply);
	must_have_called(forms[_i].calls);
}
END_TEST

/* --- The application refuses -------------------------------------------------------------------------------------- */

static const int statuses[] = { 400, 403, 404, 405, 408, 409, 413, 423, 429, 500, 501, 502, 503, 504, 599 };

START_TEST(the_status_and_the_words_of_a_refusal_are_passed_on)
{
	rig.app.refuse_write = (struct httap_refusal){ .status = statuses[_i], .text = "not \"now\"" };
	expect(write_by("POST", "/?LED", "1"), statuses[_i], "{\"error\":\"not \\\"now\\\"\"}");
	must_have_called("write 1=1;");
	ck_assert_int_eq(rig.status, statuses[_i]);
}
END_TEST

START_TEST(a_refusal_without_words_is_503)
{
	struct answer answer;

	rig.app.refuse_write.status = rig.app.refuse_read.status = rig.app.refuse_stop.status = -1;
	answer = write_by("POST", "/?LED", "1");
	expect(answer, 503, NULL);
	ck_assert(is_error(&answer));
	ck_assert(answer_has(&answer, "Retry-After: 1"));
	expect(peer_ask(rig_peer(), "GET /?LED"), 503, NULL);
	expect(peer_ask(rig_peer(), "GET /?list"), 503, NULL);
	expect(write_by("POST", "/?stop", ""), 503, NULL);
	must_have_called("write 1=1;read 1;read 0 1 2 3 4;stop;");
}
END_TEST

START_TEST(a_refused_read_is_an_error_and_not_a_value)
{
	static const char *const requests[] = { "GET /?LED", "GET /?MOTOR", "GET /?list" };

	rig.app.refuse_read = (struct httap_refusal){ .status = 500, .text = "the chip is on fire" };
	for (int i = 0; i < 3; i++)
		expect(peer_ask(rig_peer(), requests[i]), 500, "{\"error\":\"the chip is on fire\"}");
}
END_TEST

/* What a library or a kernel says may be any bytes, and longer when it is escaped. */
START_TEST(a_refusal_in_any_bytes_is_valid_json)
{
	struct httap_refusal *refusal = &rig.app.refuse_write;

	refusal->status = 409;
	memset(refusal->text, 'a', (size_t)_i);
	memset(refusal->text + _i, '\xe4', sizeof(refusal->text) - 1 - (size_t)_i);
	struct answer answer = write_by("POST", "/?LED", "1");
	expect(answer, 409, NULL);
	ck_assert_msg(is_error(&answer), "%s", shown((struct span){ answer.body, answer.len }));
}
END_TEST

/* --- GET /1 and GET /0 -------------------------------------------------------------------------------------------- */

static const struct switch_row {
	const char *method;
	const char *target;
	const char *calls;
	const char *body;
} switches[] = {
	{ "GET", "/1", "write 1=1;", "1" },
	{ "GET", "/0", "write 1=0;", "0" },
	{ "POST", "/1", "write 1=1;", "1" },
	{ "PUT", "/0", "write 1=0;", "0" },
	{ "HEAD", "/1", "", NULL },
	{ "HEAD", "/0", "", NULL },
};

/* LED: the first output that GET may write. MOTOR.LEFT stands before it. */
START_TEST(the_historic_pair_switches_the_first_plain_output)
{
	const struct switch_row *row = &switches[_i];
	struct peer *peer = rig_peer();
	char request[64];

	(void)snprintf(request, sizeof(request), "%s %s" HOST "%s\r\n", row->method, row->target,
		row->method[0] == 'P' ? "Content-Length: 0\r\n" : "");
	peer_say(peer, request);
	struct answer answer = row->body == NULL ? peer_head(peer) : peer_answer(peer);
	expect(answer, 200, row->body);
	ck_assert(answer_has(&answer, "Content-Type: text/plain; charset=utf-8"));
	ck_assert(answer_has(&answer, "Content-Length: 1"));
	ck_assert(answer_has(&answer, "Cache-Control: no-store"));
	must_have_called(row->calls);
}
END_TEST

START_TEST(a_switch_that_the_application_refuses_is_an_error)
{
	rig.app.refuse_write = (struct httap_refusal){ .status = 409, .text = "locked" };
	expect(peer_ask(rig_peer(), "GET /1"), 409, "{\"error\":\"locked\"}");
	ck_assert_uint_eq(rig.app.value[LED], 0);
}
END_TEST

static const struct allowed_row {
	const char *request;
	bool refuse;
	int status;
	const char *allow;
} allowed[] = {
	{ "GET /1", true, 405, "Allow: POST, PUT, OPTIONS" },
	{ "HEAD /0", true, 405, "Allow: POST, PUT, OPTIONS" },
	{ "OPTIONS /1", true, 204, "Allow: POST, PUT, OPTIONS" },
	{ "OPTIONS /1", false, 204, "Allow: GET, HEAD, POST, PUT, OPTIONS" },
	{ "OPTIONS /?LED", false, 204, "Allow: GET, HEAD, POST, PUT, OPTIONS" },
	{ "OPTIONS /?BUTTON", false, 204, "Allow: GET, HEAD, OPTIONS" },
	{ "OPTIONS /?MOTOR", false, 204, "Allow: GET, HEAD, OPTIONS" }, /* several are written by a form */
	{ "OPTIONS /?LED,LAMP", false, 204, "Allow: GET, HEAD, OPTIONS" },
};

START_TEST(allow_tells_what_may_be_done)
{
	rig.httap.config.refuse_get_writes = allowed[_i].refuse;
	struct answer answer = peer_ask(rig_peer(), allowed[_i].request);
	expect(answer, allowed[_i].status, NULL);
	ck_assert(answer_has(&answer, allowed[_i].allow));
	must_have_called("");
}
END_TEST

START_TEST(writing_by_post_stays_when_writing_by_get_is_switched_off)
{
	rig.httap.config.refuse_get_writes = true;
	expect(write_by("POST", "/1", ""), 200, "1");
	must_have_called("write 1=1;");
}
END_TEST

START_TEST(without_a_plain_output_there_is_nothing_to_switch)
{
	static const struct httap_signal others[] = { { "MOTOR", true, true }, { "BUTTON", false, false } };

	rig.app.signals.signal = others;
	rig.app.signals.count = 2;
	for (int i = 0; i < 2; i++)
		expect(peer_ask(rig_peer(), i == 0 ? "GET /1" : "GET /0"), 404, NULL);
	must_have_called("");
}
END_TEST

/* --- stop --------------------------------------------------------------------------------------------------------- */

START_TEST(stop_stops_and_replies_with_every_output)
{
	memset(rig.app.value, 1, RIG_SIGNALS);
	expect(write_by("POST", "/?stop", ""), 200, "{\"MOTOR.LEFT\":0,\"LED\":0,\"MOTOR.RIGHT\":0,\"LAMP\":0}");
	must_have_called("stop;read 0 1 2 4;");
	ck_assert_str_eq(rig.app.request, "POST /?stop");
}
END_TEST

START_TEST(a_stop_that_fails_says_so)
{
	rig.app.refuse_stop = (struct httap_refusal){ .status = 503, .text = "stuck" };
	expect(write_by("POST", "/?stop", ""), 503, "{\"error\":\"stuck\"}");
	must_have_called("stop;");
}
END_TEST

START_TEST(an_application_without_a_stop_has_nothing_to_stop)
{
	rig.app.signals.stop = NULL;
	expect(write_by("POST", "/?stop", ""), 200, NULL);
	must_have_called("read 0 1 2 4;");
}
END_TEST

/* --- list --------------------------------------------------------------------------------------------------------- */

START_TEST(list_describes_every_signal_in_order)
{
	expect(peer_ask(rig_peer(), "GET /?list"), 200,
		"{\"MOTOR.LEFT\":{\"direction\":\"output\",\"value\":0,\"index\":0},"
		"\"LED\":{\"direction\":\"output\",\"value\":0,\"index\":1},"
		"\"MOTOR.RIGHT\":{\"direction\":\"output\",\"value\":1,\"index\":2},"
		"\"BUTTON\":{\"direction\":\"input\",\"value\":1,\"index\":3},"
		"\"LAMP\":{\"direction\":\"output\",\"value\":0,\"index\":4}}");
	must_have_called("read 0 1 2 3 4;");
}
END_TEST

START_TEST(list_needs_no_descriptions)
{
	rig.app.signals.describe = NULL;
	rig.app.signals.count = 1;
	expect(peer_ask(rig_peer(), "GET /?list"), 200, "{\"MOTOR.LEFT\":{\"direction\":\"output\",\"value\":0}}");
}
END_TEST

static struct httap_signal most[HTTAP_SIGNALS_MAX + 1];
static char most_names[HTTAP_SIGNALS_MAX + 1][HTTAP_NAME_SIZE + 1];

/* As many signals as there can be, with names as long as they can be. */
static void make_most(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(most_names[i], sizeof(most_names[i]), "SIGNAL_WITH_A_NAME_OF_31_BYTE%02u", (unsigned int)i % 100);
		most[i] = (struct httap_signal){ .name = most_names[i], .writable = true };
	}
	rig.app.signals.signal = most;
	rig.app.signals.count = count;
}

static const struct list_row {
	size_t padding; /* bytes of each description */
	int status;
} lists[] = {
	{ 0, 200 },   /* the application's usual one */
	{ 220, 200 }, /* as long as the daemon's with the longest names of chips and lines */
	{ 303, 200 },
	{ 304, 500 }, /* one byte more than fits */
	{ 1000, 500 },
	{ 4000, 500 },
};

START_TEST(a_list_of_the_most_signals_fits_or_is_refused_and_is_always_json)
{
	make_most(HTTAP_SIGNALS_MAX);
	rig_pad_list(lists[_i].padding);
	struct peer *peer = rig_peer();
	struct answer answer = peer_ask(peer, "GET /?list");
	expect(answer, lists[_i].status, NULL);
	ck_assert_msg(rig_is_json(answer.body, answer.len), "%s", shown((struct span){ answer.body, answer.len }));
	ck_assert(answer.status == 200 || is_error(&answer));
	expect(peer_ask(peer, "GET /?"), 200, NULL); /* and the connection goes on */
}
END_TEST

START_TEST(the_most_signals_are_written_and_read_by_one_request)
{
	char body[HTTAP_BODY_MAX + 1] = "", target[HTTAP_TARGET_MAX + 64] = "GET /?";

	make_most(HTTAP_SIGNALS_MAX);
	for (int i = HTTAP_SIGNALS_MAX - 1; i >= 0; i--) {
		(void)snprintf(body + strlen(body), sizeof(body) - strlen(body), "%s=toggle%s", most_names[i], i > 0 ? "&" : "");
		(void)snprintf(target + strlen(target), sizeof(target) - strlen(target), "%s%s",
			i == HTTAP_SIGNALS_MAX - 1 ? "" : ",", most_names[i]);
	}
	memset(rig.app.value, 0, sizeof(rig.app.value));
	struct answer answer = write_by("POST", "/?", body);
	expect(answer, 200, NULL);
	ck_assert(rig_is_json(answer.body, answer.len));
	for (int i = 0; i < HTTAP_SIGNALS_MAX; i++)
		ck_assert_uint_eq(rig.app.value[i], 1);
	/* With the comma there is not room for all of them in a target of 2048 bytes, but for 63. */
	*strrchr(target, ',') = '\0';
	answer = peer_ask(rig_peer(), target);
	expect(answer, 200, NULL);
	ck_assert(rig_is_json(answer.body, answer.len));
	ck_assert_uint_eq(rig.app.writes, 1);
	ck_assert_uint_eq(rig.app.reads, 1);
}
END_TEST

START_TEST(a_signal_that_stands_twice_among_the_most_is_refused)
{
	char body[HTTAP_BODY_MAX + 1] = "";

	make_most(HTTAP_SIGNALS_MAX);
	for (int i = 0; i < HTTAP_SIGNALS_MAX; i++)
		(void)snprintf(body + strlen(body), sizeof(body) - strlen(body), "%s=1&", most_names[i]);
	(void)snprintf(body + strlen(body), sizeof(body) - strlen(body), "%s=1", most_names[0]);
	expect(write_by("POST", "/?", body), 400, NULL);
	must_have_called("");
}
END_TEST

/* --- No application ----------------------------------------------------------------------------------------------- */

static const struct none_row {
	const char *request;
	const char *body; /* of the request, NULL: it is read */
	int status;
	const char *reply;
} none[] = {
	{ "/?list", NULL, 200, "{}" },
	{ "/?LED", NULL, 404, NULL },
	{ "/1", NULL, 404, NULL },
	{ "/?LED", "1", 404, NULL },
	{ "/?", "LED=1", 404, NULL },
	{ "/?stop", "", 200, "{}" },
	{ "/", NULL, 200, NULL },
};

START_TEST(without_signals_the_server_serves_the_rest)
{
	static const struct httap_signals empty = { 0 };
	char request[64];

	rig.httap.signals = _i < ROWS(none) ? NULL : &empty;
	const struct none_row *row = &none[_i % ROWS(none)];
	(void)snprintf(request, sizeof(request), "GET %s", row->request);
	expect(row->body == NULL ? peer_ask(rig_peer(), request) : write_by("POST", row->request, row->body), row->status,
		row->reply);
}
END_TEST

/* --- At start ----------------------------------------------------------------------------------------------------- */

static const char *const bad_names[] = {
	"", "led", "1LED", "_LED", "LED-1", "LED ", "LED.", ".LED", "LED..A", "LED.a", "LED._A", "L\xc3\x84MP", "LED,LAMP",
	"SIGNAL_WITH_A_NAME_OF_32_BYTES__",
};

static void must_not_start(const char *said)
{
	struct httap_error error = { "" };

	ck_assert_int_eq(httap_start(&rig.httap, &error), -1);
	ck_assert_msg(strstr(error.text, said) != NULL, "\"%s\" does not say: %s", error.text, said);
	ck_assert_ptr_null(rig.httap.server);
}

START_TEST(a_signal_with_a_bad_name_is_refused_at_start)
{
	char said[64];

	make_most(2);
	most[1].name = bad_names[_i];
	(void)snprintf(said, sizeof(said), "\"%s\" can't be a signal: it needs a name of its own", bad_names[_i]);
	must_not_start(said);
}
END_TEST

START_TEST(two_signals_of_one_name_are_refused_at_start)
{
	make_most(3);
	most[2].name = most[0].name;
	must_not_start(most[0].name);
	must_not_start("a name of its own");
}
END_TEST

START_TEST(more_than_64_signals_are_refused_at_start)
{
	make_most(HTTAP_SIGNALS_MAX + 1);
	must_not_start("a place among 64");
}
END_TEST

START_TEST(signals_without_routines_are_refused_at_start)
{
	if (_i == 0)
		rig.app.signals.read = NULL;
	else
		rig.app.signals.write = NULL;
	must_not_start("routines to read and write");
}
END_TEST

START_TEST(a_routine_to_write_is_for_outputs_alone)
{
	make_most(2);
	rig.app.signals.write = NULL;
	most[0].writable = most[1].writable = false;
	rig_start();
	expect(peer_post(rig_peer(), "/?SIGNAL_WITH_A_NAME_OF_31_BYTE00", "1"), 405, NULL);
	ck_assert_int_eq(peer_ask(rig_peer(), "GET /?list").status, 200);
}
END_TEST

Suite *httap_signals_suite(void)
{
	Suite *suite = suite_create("httap signals");
	TCase *tcase = tcase_create("signals");

	tcase_add_checked_fixture(tcase, rig_unix, rig_down);
	tcase_add_loop_test(tcase, signals_are_read_once_each_in_the_order_that_was_asked_for, 0, ROWS(reads));
	tcase_add_loop_test(tcase, an_unknown_or_malformed_name_is_refused_and_nothing_is_read, 0, ROWS(refused_reads));
	tcase_add_loop_test(tcase, a_value_in_the_body_is_written_and_the_new_state_replied, 0, ROWS(writes));
	tcase_add_loop_test(tcase, a_write_that_is_refused_never_reaches_the_application, 0, ROWS(refused_writes));
	tcase_add_loop_test(tcase, a_request_that_is_refused_before_it_is_understood_moves_nothing, 0, ROWS(guarded_writes));
	tcase_add_loop_test(tcase, a_form_is_decoded_and_written_by_one_call_in_its_order, 0, ROWS(forms));
	tcase_add_loop_test(tcase, the_status_and_the_words_of_a_refusal_are_passed_on, 0, ROWS(statuses));
	tcase_add_test(tcase, a_refusal_without_words_is_503);
	tcase_add_test(tcase, a_refused_read_is_an_error_and_not_a_value);
	tcase_add_loop_test(tcase, a_refusal_in_any_bytes_is_valid_json, 0, 6);
	tcase_add_loop_test(tcase, the_historic_pair_switches_the_first_plain_output, 0, ROWS(switches));
	tcase_add_test(tcase, a_switch_that_the_application_refuses_is_an_error);
	tcase_add_loop_test(tcase, allow_tells_what_may_be_done, 0, ROWS(allowed));
	tcase_add_test(tcase, writing_by_post_stays_when_writing_by_get_is_switched_off);
	tcase_add_test(tcase, without_a_plain_output_there_is_nothing_to_switch);
	tcase_add_test(tcase, stop_stops_and_replies_with_every_output);
	tcase_add_test(tcase, a_stop_that_fails_says_so);
	tcase_add_test(tcase, an_application_without_a_stop_has_nothing_to_stop);
	tcase_add_test(tcase, list_describes_every_signal_in_order);
	tcase_add_test(tcase, list_needs_no_descriptions);
	tcase_add_loop_test(tcase, a_list_of_the_most_signals_fits_or_is_refused_and_is_always_json, 0, ROWS(lists));
	tcase_add_test(tcase, the_most_signals_are_written_and_read_by_one_request);
	tcase_add_test(tcase, a_signal_that_stands_twice_among_the_most_is_refused);
	tcase_add_loop_test(tcase, without_signals_the_server_serves_the_rest, 0, 2 * ROWS(none));
	tcase_add_loop_test(tcase, a_signal_with_a_bad_name_is_refused_at_start, 0, ROWS(bad_names));
	tcase_add_test(tcase, two_signals_of_one_name_are_refused_at_start);
	tcase_add_test(tcase, more_than_64_signals_are_refused_at_start);
	tcase_add_loop_test(tcase, signals_without_routines_are_refused_at_start, 0, 2);
	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, a_routine_to_write_is_for_outputs_alone);
	return suite;
}
