/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * One connection: deadlines by the rig's clock, requests in any pieces, replies that the peer is slow to take, and how a
 * connection ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "httapd_limits.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define LED_IS_0 "{\"LED\":0}"

/* A reply that does not fit into a socket's buffer. */
#define LARGE (4 * 1024 * 1024)

/* --- The first request -------------------------------------------------------------------------------------------- */

START_TEST(a_silent_connection_is_closed_after_three_seconds_without_a_byte)
{
	struct peer *peer = rig_peer();

	ck_assert_int_eq(rig_run(), HTTAP_ACCEPTED);
	ck_assert_int_eq(rig_pass_time(3 * SECONDS - 1), 0);
	ck_assert(peer_quiet(peer));
	ck_assert_int_eq(rig_pass_time(1), HTTAP_CLOSED);
	ck_assert(peer_closed(peer));
	ck_assert_uint_eq(peer->in_len, 0);
	ck_assert_uint_eq(rig.exchanges, 0);
}
END_TEST

static const struct partial_row {
	const char *bytes;
	bool dynamic; /* is it known yet? */
} partial[] = {
	{ "G", false },
	{ "\r\n", false },
	{ "GET /?LED HTTP/1.1\r\nHost: localhost\r\n", false },
	{ "POST /?LED HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n", true },
	{ "POST /?LED HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1", true },
	{ "POST /?LED HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n", true },
};

START_TEST(a_request_that_is_not_complete_after_three_seconds_is_408)
{
	struct peer *peer = rig_peer();

	(void)rig_run();
	rig.clock += 2 * SECONDS;
	peer_say(peer, partial[_i].bytes);
	ck_assert(peer_quiet(peer));
	ck_assert_int_eq(rig_pass_time(SECONDS - 1), 0);
	ck_assert(peer_quiet(peer));
	(void)rig_pass_time(1);
	struct answer answer = peer_answer(peer);
	expect(answer, 408, NULL);
	ck_assert(answer_has(&answer, "Connection: close"));
	ck_assert(answer_has(
		&answer, partial[_i].dynamic ? "Content-Type: application/json" : "Content-Type: text/plain; charset=utf-8"));
	ck_assert(peer_closed(peer));
	ck_assert_uint_eq(rig.app.writes, 0);
	ck_assert_int_eq(rig.status, 408);
}
END_TEST

START_TEST(bytes_of_a_request_do_not_restart_the_three_seconds)
{
	struct peer *peer = rig_peer();

	(void)rig_run();
	for (int i = 0; i < 5; i++) {
		rig.clock += SECONDS / 2;
		peer_say(peer, i == 0 ? "GET /?LED HTTP/1.1\r\n" : "A: b\r\n");
		ck_assert(peer_quiet(peer));
	}
	rig.clock += SECONDS / 2;
	expect(peer_answer(peer), 408, NULL);
}
END_TEST

START_TEST(a_request_that_has_arrived_is_answered_even_when_the_pass_comes_late)
{
	struct peer *peer = rig_peer();

	(void)rig_run();
	peer_say(peer, "GET /?LED" END);
	rig.clock += 10 * SECONDS;
	expect(peer_answer(peer), 200, LED_IS_0);
	ck_assert(peer_quiet(peer));
}
END_TEST

/* More than one pass is told of by the kernel: for some the deadline comes first, and what they have sent lies there. */
START_TEST(requests_that_have_arrived_are_answered_though_the_kernel_tells_of_some_in_the_next_pass)
{
	enum { MANY = HTTAP_EVENTS_TURN + 16 };
	struct peer *peer[MANY];

	rig.httap.config.connections = MANY;
	for (int i = 0; i < MANY; i++) {
		peer[i] = rig_peer();
		(void)rig_run();
	}
	for (int i = 0; i < MANY; i++)
		peer_say(peer[i], "GET /?LED" END);
	rig.clock += 10 * SECONDS;
	(void)rig_pass();
	for (int i = 0; i < MANY; i++) {
		(void)peer_take(peer[i]);
		struct answer answer;
		ck_assert(peer_answered(peer[i], false, &answer));
		expect(answer, 200, LED_IS_0);
	}
}
END_TEST

/* --- Keep-alive --------------------------------------------------------------------------------------------------- */

static const int keepalives[] = { 3, 4, 15, 200 };

START_TEST(between_requests_a_connection_lives_for_the_keepalive)
{
	int64_t keepalive = keepalives[_i] * SECONDS;

	rig.httap.config.keepalive_s = keepalives[_i];
	struct peer *peer = rig_peer_served();
	ck_assert_int_eq(rig_pass_time(keepalive - 1), 0);
	ck_assert(peer_quiet(peer));
	ck_assert_int_eq(rig_pass_time(1), HTTAP_CLOSED);
	ck_assert(peer_closed(peer));
}
END_TEST

START_TEST(the_keepalive_is_fifteen_seconds_by_default)
{
	struct peer *peer = rig_peer_served();

	ck_assert_int_eq(rig_pass_time(15 * SECONDS - 1), 0);
	ck_assert_int_eq(rig_pass_time(1), HTTAP_CLOSED);
	ck_assert(peer_closed(peer));
}
END_TEST

/* Whatever the request is and however it is answered, as long as the connection stays. */
static const char *const complete[] = {
	"GET /?LED",
	"GET /",
	"HEAD /",
	"HEAD /?LED",
	"GET /?ping",
	"GET /?ping123",
	"GET /?list",
	"GET /?Nobody",
	"GET /none",
	"OPTIONS /?LED",
	"DELETE /?LED",
	"POST /?ping",
	"PUT /?stop",
	"GET /?stop",
};

START_TEST(any_complete_request_restarts_the_keepalive)
{
	struct peer *peer = rig_peer_served();

	for (int i = 0; i < 3; i++) {
		(void)rig_pass_time(14 * SECONDS);
		(void)peer_ask(peer, complete[_i]);
	}
	ck_assert_int_eq(rig_pass_time(15 * SECONDS - 1), 0);
	ck_assert(peer_quiet(peer));
	ck_assert_int_eq(rig_pass_time(1), HTTAP_CLOSED);
}
END_TEST

START_TEST(bytes_of_a_request_do_not_restart_the_keepalive)
{
	struct peer *peer = rig_peer_served();

	(void)rig_pass_time(14 * SECONDS);
	peer_say(peer, "GET /?LED HTTP/1.1\r\n");
	ck_assert(peer_quiet(peer));
	(void)rig_pass_time(SECONDS);
	expect(peer_answer(peer), 408, NULL);
	ck_assert(peer_closed(peer));
}
END_TEST

static const struct ping_row {
	int64_t after;
	const char *body;
} pings[] = {
	{ 0, "{ \"Remain\": 15   ,  \"Timeout\": 15   }" },
	{ 1, "{ \"Remain\": 14   ,  \"Timeout\": 15   }" },
	{ 5 * SECONDS, "{ \"Remain\": 10   ,  \"Timeout\": 15   }" },
	{ 7 * SECONDS + 1, "{ \"Remain\": 7    ,  \"Timeout\": 15   }" },
	{ 15 * SECONDS - 1, "{ \"Remain\": 0    ,  \"Timeout\": 15   }" },
};

START_TEST(ping_tells_whole_seconds_that_remained_when_it_arrived)
{
	struct peer *peer = rig_peer_served();

	rig.clock += pings[_i].after;
	expect(peer_ask(peer, "GET /?ping"), 200, pings[_i].body);
	/* It restarted the countdown itself. */
	expect(peer_ask(peer, "GET /?ping"), 200, pings[0].body);
}
END_TEST

START_TEST(a_ping_that_comes_first_tells_what_remained_of_the_three_seconds)
{
	struct peer *peer = rig_peer();

	rig.httap.config.keepalive_s = 200;
	(void)rig_run();
	rig.clock += SECONDS;
	expect(peer_ask(peer, "GET /?ping"), 200, "{ \"Remain\": 2    ,  \"Timeout\": 200  }");
}
END_TEST

/* --- Pieces ------------------------------------------------------------------------------------------------------- */

static const struct script_row {
	const char *what;
	const char *bytes;
	const char *calls;
} scripts[] = {
	{ "pipelined requests of every kind",
		"GET /?LED" END "\r\nPOST /?LED" HOST "Content-Length: 1\r\n\r\n1"
		"HEAD /" END "POST /?" HOST "Content-Length: 23\r\n\r\nLAMP=1&MOTOR.LEFT=toggl"
		"PUT /?" HOST "Content-Length: 24\r\n\r\nLAMP=1&MOTOR.LEFT=toggle"
		"GET /" END "GET /missing" END "OPTIONS *" END "GET /?LED,LAMP" END,
		"read 1;write 1=1;write 4=1 0=toggle;read 1 4;" },
	{ "a chunked body with extensions and a trailer",
		"POST /?" HOST "Transfer-Encoding: chunked\r\n\r\n"
		"3;name=value\r\nLED\r\n1\r\n=\r\n00007\r\n1&LAMP=\r\n6\r\ntoggle\r\n0;last\r\nTrailer: ignored\r\nX: y\r\n\r\n"
		"GET /?LED,LAMP" END,
		"write 1=1 4=toggle;read 1 4;" },
	{ "chunked bodies, pipelined",
		"POST /?LED" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n"
		"POST /?LAMP" HOST "Transfer-Encoding: chunked\r\n\r\n6\r\ntoggle\r\n0\r\n\r\n"
		"POST /?LED" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\n0\n\r\n0\r\n\r\n",
		"write 1=1;write 4=toggle;write 1=0;" },
	{ "a request that cannot be read, and one behind it that is not answered",
		"GET /?LED" END "GET /?LED HTTP/1.1\r\nHost : localhost\r\n\r\nGET /?LAMP" END, "read 1;" },
	{ "the last request of a connection, and one behind it that is not answered",
		"GET /?LED" HOST "Connection: close\r\n\r\nGET /?LAMP" END, "read 1;" },
	{ "a chunked body that is malformed, and a request behind it that is not answered",
		"POST /?LED" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\nx\r\n\r\nPOST /?LED" HOST
		"Content-Length: 1\r\n\r\n1",
		"" },
};

static void forget(void)
{
	memset(rig.app.value, 0, sizeof(rig.app.value));
	rig.app.calls[0] = '\0';
}

START_TEST(requests_cut_at_any_byte_get_the_same_bytes)
{
	const char *bytes = scripts[_i].bytes;
	size_t len = strlen(bytes), wanted_len, got_len;

	forget();
	char *wanted = rig_talk(bytes, len, len, &wanted_len);
	ck_assert_str_eq(rig.app.calls, scripts[_i].calls);
	ck_assert_uint_gt(wanted_len, 0);
	for (size_t cut = 0; cut < len; cut++) {
		forget();
		char *got = rig_talk(bytes, len, cut, &got_len);
		ck_assert_msg(got_len == wanted_len && memcmp(got, wanted, got_len) == 0, "%s, cut at %zu: %s", scripts[_i].what,
			cut, shown((struct span){ got, got_len }));
		ck_assert_msg(strcmp(rig.app.calls, scripts[_i].calls) == 0, "%s, cut at %zu: %s", scripts[_i].what, cut,
			rig.app.calls);
		free(got);
	}
	free(wanted);
}
END_TEST

START_TEST(requests_that_come_byte_by_byte_are_answered)
{
	struct peer *peer = rig_peer();

	for (const char *at = scripts[_i].bytes; *at != '\0'; at++) {
		peer_send(peer, at, 1);
		(void)rig_run();
	}
	while (strcmp(rig.app.calls, scripts[_i].calls) != 0 && peer_wait(peer))
		(void)rig_run();
	ck_assert_str_eq(rig.app.calls, scripts[_i].calls);
}
END_TEST

/* All that fits into the input at once, and then some. */
START_TEST(pipelined_requests_are_answered_in_order)
{
	static const char *const request[] = { "GET /?LED" END, "GET /?LAMP" END, "GET /?BUTTON" END };
	static const char *const body[] = { LED_IS_0, "{\"LAMP\":0}", "{\"BUTTON\":1}" };
	struct peer *peer = rig_peer();

	for (int i = 0; i < 900; i++)
		peer_say(peer, request[i % 3]);
	for (int i = 0; i < 900; i++)
		expect(peer_answer(peer), 200, body[i % 3]);
	ck_assert(peer_quiet(peer));
}
END_TEST

static const struct size_row {
	size_t head; /* of the request, 0 for a small one */
	size_t body;
	int status;
} sizes[] = {
	{ 8192, 0, 200 },
	{ 8193, 0, 431 },
	{ 0, 4096, 400 }, /* read to its end, and no signal's value */
	{ 8192, 4096, 400 },
	{ 0, 4097, 413 },
};

/* A complete request of that size, and a small one behind it that is answered unless the first ended the connection. */
START_TEST(a_request_as_large_as_allowed_is_read_and_a_larger_one_refused)
{
	const struct size_row *row = &sizes[_i];
	char request[16384], body[4200];
	struct peer *peer = rig_peer();
	size_t len;

	len = (size_t)(row->body > 0 ? snprintf(request, sizeof(request), "POST /?LED" HOST "Content-Length: %zu\r\n", row->body)
				     : snprintf(request, sizeof(request), "GET /?LED" HOST));
	while (row->head > 0 && len + 2 < row->head) { /* fields of at most 1000 bytes, the last one as long as it takes */
		size_t left = row->head - 2 - len, take = left > 1100 ? 1000 : left;
		memset(request + len, 'x', take);
		request[len + 1] = ':';
		memcpy(request + len + take - 2, "\r\n", 2);
		len += take;
	}
	memcpy(request + len, "\r\n", 2);
	peer_send(peer, request, len + 2);
	memset(body, '1', sizeof(body));
	peer_send(peer, body, row->body);
	expect(peer_answer(peer), row->status, NULL);
	ck_assert_uint_eq(rig.app.writes, 0);
	if (row->status == 413 || row->status == 431)
		ck_assert(peer_closed(peer));
	else
		expect(peer_ask(peer, "GET /?LED"), 200, LED_IS_0);
}
END_TEST

/* --- Expect ------------------------------------------------------------------------------------------------------- */

#define EXPECT "Expect: 100-continue\r\n"

START_TEST(a_peer_that_waits_for_100_gets_it_once_before_he_sends_the_body)
{
	struct peer *peer = rig_peer();

	peer_say(peer, "POST /?LED" HOST EXPECT "Content-Length: 6\r\n\r\n");
	struct answer answer = peer_answer(peer);
	ck_assert_str_eq(answer.head, "HTTP/1.1 100 Continue\r\n\r\n");
	ck_assert_uint_eq(rig.app.writes, 0);
	peer_say(peer, "tog");
	ck_assert(peer_quiet(peer));
	peer_say(peer, "gle");
	expect(peer_answer(peer), 200, "{\"LED\":1}");
	peer_say(peer, "POST /?LED" HOST EXPECT "Transfer-Encoding: chunked\r\n\r\n");
	ck_assert_int_eq(peer_answer(peer).status, 100);
	peer_say(peer, "1\r\n0\r\n0\r\n\r\n");
	expect(peer_answer(peer), 200, LED_IS_0);
}
END_TEST

static const struct expect_row {
	const char *request;
	int status;
} expectations[] = {
	{ "POST /?LED" HOST EXPECT "Content-Length: 1\r\n\r\n1", 200 },                            /* has not waited */
	{ "POST /?LED HTTP/1.0\r\nHost: localhost\r\n" EXPECT "Content-Length: 1\r\n\r\n1", 200 }, /* 1.0 has no 100 */
	{ "GET /?LED" HOST EXPECT "\r\n", 200 },                                                   /* no body to wait for */
	{ "POST /?LED" HOST EXPECT "Content-Length: 4097\r\n\r\n", 413 },
	{ "POST /?LED" HOST "Expect: miracles\r\nContent-Length: 1\r\n\r\n1", 417 },
};

START_TEST(who_need_not_wait_gets_the_reply_alone)
{
	struct peer *peer = rig_peer();

	peer_say(peer, expectations[_i].request);
	expect(peer_answer(peer), expectations[_i].status, NULL);
}
END_TEST

static void large_file(void)
{
	unsigned char *bytes = malloc(LARGE);

	ck_assert_ptr_nonnull(bytes);
	for (size_t i = 0; i < LARGE; i++)
		bytes[i] = (unsigned char)(i * 31 ^ i >> 8 ^ i >> 16);
	rig_file("large.bin", bytes, LARGE);
	free(bytes);
}

/* --- HEAD --------------------------------------------------------------------------------------------------------- */

static const char *const same[] = { "/", "/?LED", "/?list", "/?ping", "/?", "/missing", "/?Nobody", "/large.bin" };

START_TEST(head_gets_the_head_of_get_and_no_body)
{
	struct peer *peer = rig_peer();
	char request[64], head[1100];

	large_file();
	(void)snprintf(request, sizeof(request), "HEAD %s" END, same[_i]);
	peer_say(peer, request);
	struct answer answer = peer_head(peer);
	memcpy(head, answer.head, sizeof(head));
	ck_assert(peer_quiet(peer));
	(void)snprintf(request, sizeof(request), "GET %s", same[_i]);
	struct answer full = peer_ask(peer, request);
	ck_assert_str_eq(full.head, head);
	ck_assert_uint_gt(full.len, 0);
}
END_TEST

/* --- Output ------------------------------------------------------------------------------------------------------- */

static bool is_large_file(const struct answer *answer)
{
	const unsigned char *bytes = (const unsigned char *)answer->body;

	for (size_t i = 0; i < LARGE; i++)
		if (bytes[i] != (unsigned char)(i * 31 ^ i >> 8 ^ i >> 16))
			return false;
	return answer->len == LARGE;
}

START_TEST(a_large_file_arrives_whole_and_the_connection_goes_on)
{
	large_file();
	struct peer *peer = rig_peer();

	expect(peer_ask(peer, "GET /?LED"), 200, LED_IS_0);
	unsigned int before = rig_descriptors();
	struct answer answer = peer_ask(peer, "GET /large.bin");
	expect(answer, 200, NULL);
	ck_assert(is_large_file(&answer));
	ck_assert_uint_eq(rig.body_bytes, LARGE);
	peer_say(peer, "GET /large.bin" END "GET /?LED" END);
	answer = peer_answer(peer);
	ck_assert(is_large_file(&answer));
	expect(peer_answer(peer), 200, LED_IS_0);
	ck_assert_uint_eq(rig_descriptors(), before);
}
END_TEST

START_TEST(a_large_file_that_is_read_in_small_steps_arrives_whole)
{
	large_file();
	struct peer *peer = rig_peer();
	struct answer answer;

	peer_say(peer, "GET /large.bin" END);
	do {
		(void)rig_run();
		rig.clock += SECONDS; /* a minute and more in all: only standing still would end it */
		if (peer_take_some(peer, 50000) == 0)
			rig_fail(__FILE__, __LINE__, "no more after %zu bytes", peer->in_len);
	} while (peer->in_len < LARGE);
	ck_assert(peer_answered(peer, false, &answer));
	ck_assert(is_large_file(&answer));
}
END_TEST

START_TEST(a_large_file_with_connection_close_ends_with_it)
{
	large_file();
	struct peer *peer = rig_peer();

	peer_say(peer, "GET /large.bin" HOST "Connection: close\r\n\r\n");
	struct answer answer = peer_answer(peer);
	ck_assert(is_large_file(&answer));
	ck_assert(peer_closed(peer));
	ck_assert(!peer->reset);
}
END_TEST

START_TEST(a_file_that_becomes_shorter_while_it_is_sent_ends_the_connection)
{
	large_file();
	struct peer *peer = rig_peer();

	peer_say(peer, "GET /large.bin" END "GET /?LED" END);
	(void)rig_run();
	rig_text("large.bin", "gone");
	while (peer_take(peer) > 0)
		(void)rig_run();
	ck_assert(peer->eof);
	ck_assert_uint_lt(peer->in_len, LARGE);
	ck_assert_uint_eq(rig.app.reads, 0);
}
END_TEST

/* Requests whose replies are much more than the socket and the server hold, and what each of them gets. */
#define MANY 3000
#define MORE_THAN_FITS (4 * MANY) /* requests that not even the sockets hold */

static void ask_many(struct peer *peer, int many)
{
	for (int i = 0; i < many; i++)
		peer_say(peer, i % 2 == 0 ? "GET /?LED" END : "GET /?list" END);
}

START_TEST(a_peer_that_does_not_read_is_not_read_from_either)
{
	rig_pad_list(1000);
	struct peer *peer = rig_peer();

	ask_many(peer, MORE_THAN_FITS);
	(void)rig_run();
	unsigned int answered = rig.app.reads;
	ck_assert_uint_gt(answered, 10);
	ck_assert_uint_lt(answered, MORE_THAN_FITS / 2);
	ck_assert_uint_gt(peer->out_len, 0); /* the kernel holds all it can, and the rest has not left the peer */
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(rig_pass(), 0);
	ck_assert(!rig_ready());
	ck_assert_uint_eq(rig.app.reads, answered);
}
END_TEST

START_TEST(others_are_served_while_a_peer_does_not_read)
{
	rig_pad_list(1000);
	struct peer *stuck = rig_peer();

	ask_many(stuck, MANY);
	(void)rig_run();
	expect(peer_post(rig_peer(), "/?LAMP", "1"), 200, "{\"LAMP\":1}");
	expect(peer_ask(rig_peer(), "GET /"), 200, NULL);
}
END_TEST

START_TEST(who_asks_a_lot_at_once_lets_others_have_their_turn)
{
	struct peer *first = rig_peer(), *second = rig_peer();
	struct answer answer;

	(void)rig_run();
	for (int i = 0; i < 100; i++)
		peer_say(first, i % 2 == 0 ? "GET /?LED" END : "POST /?LED" HOST "Content-Length: 1\r\n\r\n1");
	peer_say(second, "GET /?BUTTON" END);
	ck_assert_int_ne(rig_pass(), 0);
	ck_assert_uint_gt(rig.exchanges, 1 + HTTAP_STEPS_TURN / 4);
	ck_assert_uint_le(rig.exchanges, 1 + HTTAP_STEPS_TURN);
	(void)peer_take(second);
	ck_assert(peer_answered(second, false, &answer));
	/* The rest has arrived already: no event of the kernel's announces it, and none is waited for. */
	for (unsigned int before = 0; rig.exchanges < 101; before = rig.exchanges) {
		ck_assert(rig_ready());
		ck_assert_int_ne(rig_pass(), 0);
		ck_assert_uint_gt(rig.exchanges, before);
	}
	for (int i = 0; i < 100; i++)
		expect(peer_answer(first), 200, NULL);
	ck_assert(peer_quiet(first));
	ck_assert(!rig_ready());
}
END_TEST

/* A half-close behind more requests than make a turn: all of them are answered before the connection goes. */
START_TEST(who_asks_a_lot_and_says_no_more_gets_all_his_answers)
{
	struct peer *peer = rig_peer();

	for (int i = 0; i < 5 * HTTAP_STEPS_TURN; i++)
		peer_say(peer, "GET /?LED" END);
	peer_shut(peer);
	for (int i = 0; i < 5 * HTTAP_STEPS_TURN; i++)
		expect(peer_answer(peer), 200, NULL);
	ck_assert(peer_closed(peer));
}
END_TEST

START_TEST(everything_is_delivered_in_order_when_the_peer_reads_on)
{
	rig_pad_list(1000);
	struct peer *peer = rig_peer();

	ask_many(peer, MANY);
	(void)rig_run();
	(void)rig_pass_time(14 * SECONDS);
	for (int i = 0; i < MANY; i++) {
		struct answer answer = peer_answer(peer);
		if (i % 2 == 0)
			expect(answer, 200, LED_IS_0);
		else
			ck_assert_msg(
				answer.status == 200 && rig_is_json(answer.body, answer.len) && answer.len > 5000, "reply %d", i);
	}
	ck_assert_uint_eq(rig.exchanges, MANY);
	ck_assert(peer_quiet(peer));
}
END_TEST

static const char *const long_replies[] = { "GET /large.bin", "GET /?list" };

static struct peer *stuck_peer(const char *request)
{
	struct peer *peer;

	large_file();
	rig_pad_list(2000);
	peer = rig_peer();
	for (int i = 0; i < 100; i++) {
		peer_say(peer, request);
		peer_say(peer, END);
	}
	(void)rig_run();
	return peer;
}

START_TEST(a_peer_that_stops_reading_is_dropped_after_the_keepalive)
{
	struct peer *peer = stuck_peer(long_replies[_i]);

	ck_assert_int_eq(rig_pass_time(15 * SECONDS - 1), 0);
	ck_assert_int_eq(rig_pass_time(1), HTTAP_CLOSED);
	while (peer_take(peer) > 0)
		;
	ck_assert(peer->eof);
}
END_TEST

START_TEST(a_peer_that_reads_slowly_is_not_dropped_while_he_goes_on)
{
	struct peer *peer = stuck_peer(long_replies[_i]);

	for (int i = 0; i < 5; i++) {
		(void)rig_pass_time(14 * SECONDS);
		ck_assert_uint_gt(peer_take(peer), 0);
		(void)rig_run();
		ck_assert(!peer->eof);
	}
	ck_assert_int_eq(rig_pass_time(15 * SECONDS - 1), 0);
	ck_assert_int_eq(rig_pass_time(1), HTTAP_CLOSED);
}
END_TEST

START_TEST(a_reply_whose_sending_is_interrupted_is_sent_again)
{
	struct peer *peer = rig_peer_served();

	peer_say(peer, "GET /?LED" END);
	rig_fail_call(RIG_SEND, 1, EINTR);
	expect(peer_answer(peer), 200, "{\"LED\":0}");
}
END_TEST

START_TEST(a_connection_that_breaks_while_a_reply_is_sent_is_closed)
{
	struct peer *peer = rig_peer_served();

	peer_say(peer, "GET /?LED" END);
	rig_fail_call(RIG_SEND, 1, ECONNRESET);
	ck_assert(peer_closed(peer));
	expect(peer_ask(rig_peer(), "GET /?LED"), 200, NULL);
}
END_TEST

START_TEST(a_peer_that_leaves_in_the_middle_of_a_reply_is_forgotten)
{
	struct peer *peer = stuck_peer(long_replies[_i]);
	unsigned int before = rig_descriptors();

	peer_leave(peer);
	ck_assert_int_eq(rig_run(), HTTAP_CLOSED);
	ck_assert_uint_eq(rig_descriptors(), before - (_i == 0 ? 3 : 2)); /* his end, ours, and the file */
	ck_assert_int_eq(httap_deadline(&rig.httap), INT64_MAX);
}
END_TEST

/* --- Ends --------------------------------------------------------------------------------------------------------- */

static const struct end_row {
	const char *request;
	int status;
	bool closes;
} ends[] = {
	{ "GET /?LED" HOST "\r\n", 200, false },
	{ "GET /?LED" HOST "Connection: close\r\n\r\n", 200, true },
	{ "GET /?LED" HOST "Connection: TE, Close\r\n\r\n", 200, true },
	{ "GET /?LED HTTP/1.0\r\n\r\n", 200, true },
	{ "GET /?LED HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200, false },
	{ "GET /?LED HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 200, true },
	{ "GET /" HOST "Connection: close\r\n\r\n", 200, true },
	{ "GET /missing" HOST "\r\n", 404, false },
	{ "GET /missing" HOST "Connection: close\r\n\r\n", 404, true },
	{ "GET /?Nobody" HOST "\r\n", 404, false },
	{ "DELETE /?LED" HOST "\r\n", 501, false },
	{ "POST /?list" HOST "Content-Length: 0\r\n\r\n", 405, false },
	{ "GET /?LED HTTP/1.1\r\nHost: elsewhere\r\n\r\n", 421, false },
	{ "GET /?LED" HOST "Origin: http://elsewhere\r\n\r\n", 403, false },
	{ "GET /?invalid" HOST "\r\n", 400, true },
	{ "GET /?LED HTTP/1.1\r\n\r\n", 400, true },
	{ "GET /?%0" HOST "\r\n", 400, true },
	{ "GET /?LED HTTP/2.0\r\nHost: localhost\r\n\r\n", 505, true },
	{ "GET /?LED\r\n\r\n", 400, true },
	{ "POST /?LED" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, true },
	{ "POST /?LED" HOST "Content-Length: x\r\n\r\n", 400, true },
	{ "POST /?LED" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, true },
	{ "GET /?LED HTTP/1.1\n", 400, true },
	{ "GET /?LED" HOST "A: \x01\r\n\r\n", 400, true },
};

START_TEST(a_connection_stays_or_ends_as_the_reply_says)
{
	const struct end_row *row = &ends[_i];
	struct peer *peer = rig_peer();

	peer_say(peer, row->request);
	struct answer answer = peer_answer(peer);
	expect(answer, row->status, NULL);
	ck_assert(answer_has(&answer, "Connection: close") == row->closes);
	/* HTTP/1.0 has to be told that it stays (RFC 9112 section 9.3). */
	ck_assert(answer_has(&answer, "Connection: keep-alive") == (!row->closes && strstr(row->request, "HTTP/1.0") != NULL));
	if (row->closes)
		ck_assert(peer_closed(peer));
	else
		expect(peer_ask(peer, "GET /?LED"), 200, LED_IS_0);
	ck_assert(!peer->reset);
}
END_TEST

START_TEST(a_peer_that_closes_his_half_behind_requests_gets_the_replies)
{
	large_file();
	struct peer *peer = rig_peer();

	peer_say(peer, "GET /?LED" END "GET /large.bin" END "POST /?LED" HOST "Content-Length: 1\r\n\r\n1");
	peer_shut(peer);
	expect(peer_answer(peer), 200, LED_IS_0);
	struct answer answer = peer_answer(peer);
	ck_assert(is_large_file(&answer));
	expect(peer_answer(peer), 200, "{\"LED\":1}");
	ck_assert(peer_closed(peer));
	ck_assert(!peer->reset);
}
END_TEST

START_TEST(a_peer_that_closes_his_half_within_a_request_is_closed_and_nothing_moves)
{
	struct peer *peer = rig_peer();

	peer_say(peer, partial[_i].bytes);
	(void)rig_run();
	peer_shut(peer);
	ck_assert_int_eq(rig_run(), HTTAP_CLOSED);
	ck_assert(peer_closed(peer));
	ck_assert_uint_eq(rig.app.writes, 0);
}
END_TEST

START_TEST(a_peer_that_leaves_ends_his_connection_at_once)
{
	struct peer *peer = rig_peer_served();

	peer_leave(peer);
	ck_assert_int_eq(rig_run(), HTTAP_CLOSED);
	ck_assert_int_eq(httap_deadline(&rig.httap), INT64_MAX);
}
END_TEST

/* Refused, and our half is closed. The peer has his reply; now it is his turn to close. */
static struct peer *lingering_peer(void)
{
	struct peer *peer = rig_peer();

	peer_say(peer, "POST /?LED" HOST "Content-Length: 5000\r\n\r\n");
	expect(peer_answer(peer), 413, NULL);
	ck_assert(peer_closed(peer));
	return peer;
}

START_TEST(after_a_refusal_the_connection_lingers_for_a_second)
{
	(void)lingering_peer();
	ck_assert_int_eq(httap_deadline(&rig.httap), rig.clock + SECONDS);
	ck_assert_int_eq(rig_pass_time(SECONDS - 1), 0);
	ck_assert_int_eq(rig_pass_time(1), HTTAP_CLOSED);
	ck_assert_int_eq(httap_deadline(&rig.httap), INT64_MAX);
}
END_TEST

/* Whatever step of a turn is the one with which it begins: rig_run() fails in a busy loop. */
START_TEST(a_lingering_connection_waits_for_its_peer_after_any_number_of_requests)
{
	for (int requests = 0; requests < 20; requests++) {
		struct peer *peer = rig_peer();
		for (int i = 0; i < requests; i++)
			peer_say(peer, "GET /?LED" END);
		peer_say(peer, "bad\r\n\r\nmore");
		for (int i = 0; i < requests; i++)
			expect(peer_answer(peer), 200, NULL);
		expect(peer_answer(peer), 400, NULL);
		ck_assert(!rig_ready());
		peer_leave(peer);
		rig_run();
	}
}
END_TEST

START_TEST(a_lingering_connection_closes_when_the_peer_does)
{
	peer_leave(lingering_peer());
	ck_assert_int_eq(rig_run(), HTTAP_CLOSED);
}
END_TEST

START_TEST(a_lingering_connection_reads_away_what_still_comes_without_acting_on_it)
{
	struct peer *peer = lingering_peer();

	for (int i = 0; i < 100; i++)
		peer_say(peer, "POST /?LED" HOST "Content-Length: 1\r\n\r\n1");
	ck_assert_int_eq(rig_run(), 0);
	ck_assert_uint_eq(rig.app.writes, 0);
	peer_leave(peer);
	ck_assert_int_eq(rig_run(), HTTAP_CLOSED);
}
END_TEST

START_TEST(a_lingering_connection_does_not_read_for_ever)
{
	struct peer *peer = lingering_peer();
	char bytes[16384];

	memset(bytes, 'x', sizeof(bytes));
	for (int i = 0; i < 4; i++)
		peer_send(peer, bytes, sizeof(bytes));
	ck_assert_int_eq(rig_run(), 0);
	peer_send(peer, bytes, 1);
	ck_assert_int_eq(rig_run(), HTTAP_CLOSED);
}
END_TEST

START_TEST(bytes_that_come_while_a_connection_lingers_do_not_prolong_it)
{
	struct peer *peer = lingering_peer();

	for (int i = 0; i < 3; i++) {
		peer_say(peer, "more");
		ck_assert_int_eq(rig_pass_time(SECONDS / 4), 0);
	}
	peer_say(peer, "more");
	ck_assert_int_eq(rig_pass_time(SECONDS / 4), HTTAP_CLOSED);
}
END_TEST

START_TEST(a_peer_that_sent_more_than_was_read_still_gets_the_refusal)
{
	struct peer *peer = rig_peer();
	char bytes[30000];

	peer_say(peer, "GET / HTTP/1.1\r\nHost : x\r\n\r\n");
	memset(bytes, 'x', sizeof(bytes));
	peer_send(peer, bytes, sizeof(bytes));
	expect(peer_answer(peer), 400, NULL);
	ck_assert(peer_closed(peer));
	ck_assert(!peer->reset);
}
END_TEST

/* --- Sessions ----------------------------------------------------------------------------------------------------- */

static void session_of(const struct answer *answer, char name[static 17])
{
	const char *at = strstr(answer->head, "\r\nHTTaP-Session: ");

	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(sscanf(at, "\r\nHTTaP-Session: %16[0-9a-v]\r\n", name), 1);
	ck_assert_uint_eq(strlen(name), HTTAP_SESSION_LEN);
}

START_TEST(a_session_has_one_name_that_no_other_has)
{
	struct peer *one = rig_peer(), *other = rig_peer();
	char name[3][17];
	struct answer answer = peer_ask(one, "GET /?LED");

	session_of(&answer, name[0]);
	answer = peer_ask(one, "GET /?Nobody");
	session_of(&answer, name[1]);
	answer = peer_post(other, "/?LED", "1");
	session_of(&answer, name[2]);
	ck_assert_str_eq(name[0], name[1]);
	ck_assert_str_ne(name[0], name[2]);
	ck_assert_str_eq(rig.app.session, name[2]);
	ck_assert_str_eq(rig.session, name[2]);
	answer = peer_ask(one, "GET /");
	ck_assert_ptr_null(strstr(answer.head, "HTTaP-Session"));
}
END_TEST

START_TEST(the_application_learns_who_asks)
{
	expect(peer_post(rig_peer(), "/?LED", "1"), 200, NULL);
	ck_assert_str_eq(rig.app.peer, rig.tcp ? "127.0.0.1" : "unix");
	ck_assert_str_eq(rig.app.request, "POST /?LED");
	ck_assert_str_eq(rig.peer, rig.app.peer);
	ck_assert_str_eq(rig.request, "POST /?LED");
	ck_assert_int_eq(rig.status, 200);
	ck_assert_uint_eq(rig.body_bytes, strlen("{\"LED\":1}"));
}
END_TEST

/* --------------------------------------------------------------------------------------------------------------------------- */

static TCase *over(const char *name, void (*up)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, up, rig_down);
	tcase_set_timeout(tcase, 60);
	return tcase;
}

/* What depends on the kind of socket, or on how a protocol takes bytes. */
static void add_what_sockets_matter_to(TCase *tcase)
{
	tcase_add_loop_test(tcase, requests_that_come_byte_by_byte_are_answered, 0, ROWS(scripts));
	tcase_add_test(tcase, pipelined_requests_are_answered_in_order);
	tcase_add_test(tcase, a_large_file_arrives_whole_and_the_connection_goes_on);
	tcase_add_test(tcase, a_large_file_with_connection_close_ends_with_it);
	tcase_add_test(tcase, who_asks_a_lot_at_once_lets_others_have_their_turn);
	tcase_add_test(tcase, who_asks_a_lot_and_says_no_more_gets_all_his_answers);
	tcase_add_test(tcase, everything_is_delivered_in_order_when_the_peer_reads_on);
	tcase_add_loop_test(tcase, a_connection_stays_or_ends_as_the_reply_says, 0, ROWS(ends));
	tcase_add_test(tcase, a_peer_that_closes_his_half_behind_requests_gets_the_replies);
	tcase_add_test(tcase, a_peer_that_sent_more_than_was_read_still_gets_the_refusal);
	tcase_add_test(tcase, the_application_learns_who_asks);
}

Suite *httap_conn_suite(void)
{
	Suite *suite = suite_create("httap conn");
	TCase *deadlines = over("deadlines", rig_unix);
	TCase *input = over("input", rig_unix);
	TCase *output = over("output", rig_unix);
	TCase *end = over("ends", rig_unix);
	TCase *local = over("over a Unix socket", rig_unix);
	TCase *network = over("over TCP", rig_tcp);

	tcase_add_test(deadlines, a_silent_connection_is_closed_after_three_seconds_without_a_byte);
	tcase_add_loop_test(deadlines, a_request_that_is_not_complete_after_three_seconds_is_408, 0, ROWS(partial));
	tcase_add_test(deadlines, bytes_of_a_request_do_not_restart_the_three_seconds);
	tcase_add_test(deadlines, a_request_that_has_arrived_is_answered_even_when_the_pass_comes_late);
	tcase_add_test(deadlines, requests_that_have_arrived_are_answered_though_the_kernel_tells_of_some_in_the_next_pass);
	tcase_add_loop_test(deadlines, between_requests_a_connection_lives_for_the_keepalive, 0, ROWS(keepalives));
	tcase_add_test(deadlines, the_keepalive_is_fifteen_seconds_by_default);
	tcase_add_loop_test(deadlines, any_complete_request_restarts_the_keepalive, 0, ROWS(complete));
	tcase_add_test(deadlines, bytes_of_a_request_do_not_restart_the_keepalive);
	tcase_add_loop_test(deadlines, ping_tells_whole_seconds_that_remained_when_it_arrived, 0, ROWS(pings));
	tcase_add_test(deadlines, a_ping_that_comes_first_tells_what_remained_of_the_three_seconds);
	suite_add_tcase(suite, deadlines);

	tcase_add_loop_test(input, requests_cut_at_any_byte_get_the_same_bytes, 0, ROWS(scripts));
	tcase_add_loop_test(input, a_request_as_large_as_allowed_is_read_and_a_larger_one_refused, 0, ROWS(sizes));
	tcase_add_test(input, a_peer_that_waits_for_100_gets_it_once_before_he_sends_the_body);
	tcase_add_loop_test(input, who_need_not_wait_gets_the_reply_alone, 0, ROWS(expectations));
	suite_add_tcase(suite, input);

	tcase_add_loop_test(output, head_gets_the_head_of_get_and_no_body, 0, ROWS(same));
	tcase_add_test(output, a_large_file_that_is_read_in_small_steps_arrives_whole);
	tcase_add_test(output, a_file_that_becomes_shorter_while_it_is_sent_ends_the_connection);
	tcase_add_test(output, a_peer_that_does_not_read_is_not_read_from_either);
	tcase_add_test(output, others_are_served_while_a_peer_does_not_read);
	tcase_add_loop_test(output, a_peer_that_stops_reading_is_dropped_after_the_keepalive, 0, ROWS(long_replies));
	tcase_add_loop_test(output, a_peer_that_reads_slowly_is_not_dropped_while_he_goes_on, 0, ROWS(long_replies));
	tcase_add_test(output, a_reply_whose_sending_is_interrupted_is_sent_again);
	tcase_add_test(output, a_connection_that_breaks_while_a_reply_is_sent_is_closed);
	tcase_add_loop_test(output, a_peer_that_leaves_in_the_middle_of_a_reply_is_forgotten, 0, ROWS(long_replies));
	suite_add_tcase(suite, output);

	tcase_add_loop_test(end, a_peer_that_closes_his_half_within_a_request_is_closed_and_nothing_moves, 0, ROWS(partial));
	tcase_add_test(end, a_peer_that_leaves_ends_his_connection_at_once);
	tcase_add_test(end, after_a_refusal_the_connection_lingers_for_a_second);
	tcase_add_test(end, a_lingering_connection_waits_for_its_peer_after_any_number_of_requests);
	tcase_add_test(end, a_lingering_connection_closes_when_the_peer_does);
	tcase_add_test(end, a_lingering_connection_reads_away_what_still_comes_without_acting_on_it);
	tcase_add_test(end, a_lingering_connection_does_not_read_for_ever);
	tcase_add_test(end, bytes_that_come_while_a_connection_lingers_do_not_prolong_it);
	tcase_add_test(end, a_session_has_one_name_that_no_other_has);
	suite_add_tcase(suite, end);

	add_what_sockets_matter_to(local);
	suite_add_tcase(suite, local);
	add_what_sockets_matter_to(network);
	suite_add_tcase(suite, network);
	return suite;
}
