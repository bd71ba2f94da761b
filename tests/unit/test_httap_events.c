/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/events.c through a server: what a listener of /?events hears, however slowly he listens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "httapd_limits.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define AT_REST "\"MOTOR.LEFT\":0,\"LED\":0,\"MOTOR.RIGHT\":1,\"BUTTON\":1,\"LAMP\":0"
#define HEAD_OF_EVENTS "GET /?events"

static struct peer *listen_by(const char *request)
{
	struct peer *peer = rig_peer();
	struct answer answer = peer_ask(peer, request);

	ck_assert_int_eq(answer.status, 200);
	return peer;
}

/* What came since the last look is exactly this. */
static void must_hear(struct peer *peer, const char *expected)
{
	(void)rig_run();
	(void)peer_take(peer);
	size_t len = peer->in_len - peer->at;
	ck_assert_msg(len == strlen(expected) && memcmp(peer->in + peer->at, expected, len) == 0, "heard \"%.*s\" and not \"%s\"",
		(int)len, peer->in + peer->at, expected);
	peer->at = peer->in_len;
}

static struct peer *listener(void)
{
	struct peer *peer = listen_by(HEAD_OF_EVENTS);

	(void)rig_run();
	(void)peer_take(peer);
	peer->at = peer->in_len;
	return peer;
}

static void write_led(struct peer *writer, int value)
{
	expect(peer_post(writer, "/?LED", value != 0 ? "1" : "0"), 200, NULL);
}

START_TEST(a_listener_gets_the_whole_state_at_once)
{
	struct peer *peer = rig_peer();

	rig.clock = 5012250;
	struct answer answer = peer_ask(peer, HEAD_OF_EVENTS);
	ck_assert_int_eq(answer.status, 200);
	ck_assert(answer_has(&answer, "Content-Type: text/event-stream"));
	ck_assert(answer_has(&answer, "Cache-Control: no-store"));
	ck_assert(answer_has(&answer, "Connection: close"));
	ck_assert_ptr_null(strstr(answer.head, "Content-Length"));
	must_hear(peer, "retry: 500\nid: 0\ndata: {" AT_REST ",\"t\":5012.250}\n\n");
}
END_TEST

START_TEST(then_each_change_in_order)
{
	struct peer *peer = listener(), *writer = rig_peer();

	rig.clock = 7 * SECONDS + 4;
	write_led(writer, 1);
	must_hear(peer, "id: 1\ndata: {\"LED\":1,\"t\":7000.004}\n\n");
	rig.clock = 7 * SECONDS + 999999;
	write_led(writer, 1); /* nothing new */
	write_led(writer, 0);
	must_hear(peer, "id: 2\ndata: {\"LED\":0,\"t\":7999.999}\n\n");
}
END_TEST

START_TEST(what_one_request_wrote_is_one_event)
{
	struct peer *peer = listener();

	rig.clock = SECONDS;
	expect(peer_post(rig_peer(), "/?", "LAMP=1&LED=1"), 200, NULL);
	must_hear(peer, "id: 1\ndata: {\"LED\":1,\"LAMP\":1,\"t\":1000.000}\n\n");
}
END_TEST

START_TEST(two_requests_at_once_lose_nothing)
{
	struct peer *peer = listener(), *writer = rig_peer();

	rig.clock = SECONDS;
	peer_say(writer, "POST /?LED" HOST "Content-Length: 1\r\n\r\n1POST /?LAMP" HOST "Content-Length: 1\r\n\r\n1"
			 "POST /?LED" HOST "Content-Length: 1\r\n\r\n0");
	for (int i = 0; i < 3; i++)
		expect(peer_answer(writer), 200, NULL);
	must_hear(peer, "id: 1\ndata: {\"LED\":1,\"LAMP\":1,\"t\":1000.000}\n\nid: 2\ndata: {\"LED\":0,\"t\":1000.000}\n\n");
}
END_TEST

/* Nothing is added to a change that somebody has been told of. */
START_TEST(a_change_that_was_told_is_closed)
{
	struct peer *peer = listener(), *writer = rig_peer();

	rig.clock = SECONDS;
	write_led(writer, 1);
	expect(peer_ask(writer, "GET /?changes"), 200, "{\"LED\":1}");
	expect(peer_post(writer, "/?LAMP", "1"), 200, NULL);
	expect(peer_ask(writer, "GET /?changes"), 200, "{\"LAMP\":1}");
	must_hear(peer, "id: 1\ndata: {\"LED\":1,\"t\":1000.000}\n\nid: 2\ndata: {\"LAMP\":1,\"t\":1000.000}\n\n");
}
END_TEST

START_TEST(the_application_tells_changes_with_their_time)
{
	struct peer *peer = listener();

	rig.clock = 3 * SECONDS;
	httap_changed(&rig.httap, BUTTON, 0, 2 * SECONDS + 1);
	httap_changed(&rig.httap, BUTTON, 0, 2 * SECONDS + 2);
	httap_changed(&rig.httap, BUTTON, 1, 2 * SECONDS + 3);
	httap_changed(&rig.httap, RIG_SIGNALS, 1, 2 * SECONDS);
	must_hear(peer, "id: 1\ndata: {\"BUTTON\":0,\"t\":2000.001}\n\nid: 2\ndata: {\"BUTTON\":1,\"t\":2000.003}\n\n");
}
END_TEST

START_TEST(a_change_that_nobody_told_of_is_found_by_who_looks)
{
	struct peer *peer = listener();

	rig.clock = SECONDS;
	rig.app.value[BUTTON] = 0;
	must_hear(peer, "");
	expect(peer_ask(rig_peer(), "GET /?BUTTON"), 200, "{\"BUTTON\":0}");
	must_hear(peer, "id: 1\ndata: {\"BUTTON\":0,\"t\":1000.000}\n\n");
}
END_TEST

START_TEST(what_is_told_between_two_passes_does_not_wait)
{
	struct peer *peer = listener();

	rig.simulate_waits = true;
	rig.clock += SECONDS;
	ck_assert_int_gt(httap_deadline(&rig.httap), rig.clock);
	httap_changed(&rig.httap, BUTTON, 0, rig.clock);
	ck_assert_int_le(httap_deadline(&rig.httap), rig.clock);
	ck_assert_int_ge(httap_blocking(&rig.httap), 0);
	rig.simulate_waits = false;
	must_hear(peer, "id: 1\ndata: {\"BUTTON\":0,\"t\":1001000.000}\n\n");
	ck_assert_int_gt(httap_deadline(&rig.httap), rig.clock);
}
END_TEST

START_TEST(a_stop_is_heard)
{
	struct peer *peer = listener(), *writer = rig_peer();

	rig.clock = SECONDS;
	write_led(writer, 1);
	must_hear(peer, "id: 1\ndata: {\"LED\":1,\"t\":1000.000}\n\n");
	rig.clock = 2 * SECONDS;
	expect(peer_post(writer, "/?stop", ""), 200, NULL);
	must_hear(peer, "id: 2\ndata: {\"LED\":0,\"MOTOR.RIGHT\":0,\"t\":2000.000}\n\n");
}
END_TEST

START_TEST(who_comes_back_gets_the_whole_state_again)
{
	struct peer *writer = rig_peer();

	peer_leave(listener());
	rig.clock = SECONDS;
	write_led(writer, 1);
	struct peer *peer = rig_peer();
	peer_say(peer, "GET /?events" HOST "Last-Event-ID: 0\r\n\r\n");
	ck_assert_int_eq(peer_answer(peer).status, 200);
	must_hear(peer, "retry: 500\nid: 1\ndata: {\"MOTOR.LEFT\":0,\"LED\":1,\"MOTOR.RIGHT\":1,\"BUTTON\":1,\"LAMP\":0,\"t\":1000.000}\n\n");
}
END_TEST

START_TEST(every_10_s_there_is_a_comment)
{
	struct peer *peer = listener();

	(void)rig_pass_time(HTTAP_COMMENT_S * SECONDS - 1);
	must_hear(peer, "");
	(void)rig_pass_time(1);
	must_hear(peer, ":\n\n");
	(void)rig_pass_time(HTTAP_COMMENT_S * SECONDS);
	must_hear(peer, ":\n\n");
	ck_assert(peer_quiet(peer));
	ck_assert_int_eq(httap_deadline(&rig.httap), rig.clock + HTTAP_COMMENT_S * SECONDS);
}
END_TEST

START_TEST(without_signals_there_is_only_the_time)
{
	rig.httap.signals = NULL;
	struct peer *peer = rig_peer();
	rig.clock = SECONDS;
	ck_assert_int_eq(peer_ask(peer, HEAD_OF_EVENTS).status, 200);
	must_hear(peer, "retry: 500\nid: 0\ndata: {\"t\":1000.000}\n\n");
}
END_TEST

START_TEST(where_the_state_cannot_be_read_nobody_listens)
{
	struct peer *peer = rig_peer();

	rig.app.refuse_read = (struct httap_refusal){ 503, "gone" };
	expect(peer_ask(peer, HEAD_OF_EVENTS), 503, "{\"error\":\"gone\"}");
	rig.app.refuse_read.status = 0;
	expect(peer_ask(peer, "GET /?LED"), 200, "{\"LED\":0}");
}
END_TEST

START_TEST(head_tells_the_head_and_ends)
{
	struct peer *peer = rig_peer();
	struct answer answer = peer_ask(peer, "HEAD /?events");

	ck_assert_int_eq(answer.status, 200);
	ck_assert(answer_has(&answer, "Content-Type: text/event-stream"));
	ck_assert(peer_closed(peer));
}
END_TEST

START_TEST(a_listener_is_answered_nothing_else)
{
	struct peer *peer = rig_peer();

	peer_say(peer, "GET /?events" END "GET /?LED" END "POST /?LED" HOST "Content-Length: 1\r\n\r\n1");
	ck_assert_int_eq(peer_answer(peer).status, 200);
	must_hear(peer, "retry: 500\nid: 0\ndata: {" AT_REST ",\"t\":1000000.000}\n\n");
	peer_say(peer, "POST /?LED" HOST "Content-Length: 1\r\n\r\n1");
	must_hear(peer, "");
	ck_assert_uint_eq(rig.app.writes, 0);
}
END_TEST

START_TEST(a_listener_who_talks_without_end_is_cut)
{
	static char noise[HTTAP_LINGER_BYTES + 2];
	struct peer *peer = listener();

	memset(noise, 'x', sizeof(noise));
	peer_send(peer, noise, sizeof(noise));
	ck_assert(peer_closed(peer));
}
END_TEST

START_TEST(a_listener_who_goes_is_forgotten)
{
	struct peer *writer = rig_peer(), *first = listener(), *second = listener(), *third = listener();

	peer_leave(second);
	write_led(writer, 1);
	peer_shut(first); /* a half-closed connection is a closed one */
	ck_assert(first->at <= first->in_len);
	(void)rig_run();
	write_led(writer, 0);
	(void)rig_run();
	(void)peer_take(third);
	third->in[third->in_len] = '\0';
	ck_assert_ptr_nonnull(strstr(third->in, "id: 2\ndata: {\"LED\":0,"));
	peer_leave(third);
	write_led(writer, 1);
	ck_assert_uint_eq(rig.app.writes, 3);
}
END_TEST

/* --- Slow and many ------------------------------------------------------------------------------------------------- */

/* The values that a listener ends up with, by all that he was told; how many events that were, and whether their ids rose. */
struct heard {
	unsigned int events, gaps;
	long last_id;
	int led, lamp;
};

static struct heard read_events(struct peer *peer)
{
	struct heard heard = { .last_id = -1, .led = -1, .lamp = -1 };
	char *at = peer->in, *end = at + peer->in_len;

	while ((at = memmem(at, (size_t)(end - at), "id: ", 4)) != NULL) {
		char *event = at, *next = memmem(at, (size_t)(end - at), "\n\n", 2);
		if (next == NULL)
			break;
		*next = '\0';
		at = next + 1;
		long id = strtol(event + 4, NULL, 10);
		const char *led = strstr(event, "\"LED\":"), *lamp = strstr(event, "\"LAMP\":");
		heard.gaps += heard.last_id >= 0 && id != heard.last_id + 1;
		ck_assert_int_gt(id, heard.last_id);
		heard.last_id = id;
		heard.led = led != NULL ? led[6] - '0' : heard.led;
		heard.lamp = lamp != NULL ? lamp[7] - '0' : heard.lamp;
		heard.events++;
	}
	return heard;
}

static void toggle_leds(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		rig.clock += MS / 10;
		rig.app.value[LED] = !rig.app.value[LED];
		httap_changed(&rig.httap, LED, rig.app.value[LED], rig.clock);
		(void)rig_pass();
	}
}

/* Until the server has nothing more for him. */
static void take_all(struct peer *peer)
{
	do
		(void)rig_run();
	while (peer_take(peer) > 0);
}

static void small_window(const struct peer *peer)
{
	ck_assert_int_eq(setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &(const int){ 2048 }, sizeof(int)), 0);
}

/* Far more than the kernel and the slot hold: who reads none of it is told the end of it, not all. */
START_TEST(who_is_too_slow_gets_the_state_instead_of_a_queue)
{
	struct peer *slow = listener(), *quick = listener();

	small_window(slow);
	for (int i = 0; i < 200; i++) {
		toggle_leds(101);
		take_all(quick);
	}
	unsigned long allocations = rig_allocations();
	toggle_leds(101);
	ck_assert_uint_eq(rig_allocations(), allocations);
	take_all(quick);
	take_all(slow);
	struct heard all = read_events(quick), some = read_events(slow);
	ck_assert_uint_eq(all.events, 1 + 201 * 101);
	ck_assert_uint_eq(all.gaps, 0);
	ck_assert_int_eq(all.led, rig.app.value[LED]);
	ck_assert_uint_gt(some.gaps, 0);
	ck_assert_uint_lt(some.events, all.events / 2);
	ck_assert_int_eq(some.last_id, all.last_id);
	ck_assert_int_eq(some.led, rig.app.value[LED]);
	ck_assert_int_eq(some.lamp, 0);
}
END_TEST

START_TEST(who_takes_nothing_at_all_is_dropped)
{
	struct peer *deaf = listener(), *other = listener();

	small_window(deaf);
	while (rig.clock < 1000 * SECONDS + 9 * SECONDS)
		toggle_leds(1000);
	(void)peer_take(other);
	(void)rig_pass_time(HTTAP_COMMENT_S * SECONDS); /* something waits, and moved before */
	(void)rig_pass_time(HTTAP_COMMENT_S * SECONDS);
	(void)peer_take(other);
	ck_assert(!other->eof);
	take_all(deaf);
	ck_assert(deaf->eof);
}
END_TEST

START_TEST(a_burst_in_one_go_loses_no_change)
{
	enum { BURST = 3 * HTTAP_CHANGES_KEPT };
	static const char one[] = "POST /?LED" HOST "Content-Length: 6\r\n\r\ntoggle";
	struct peer *peer = listener(), *writer = rig_peer();

	for (int i = 0; i < BURST; i++)
		peer_send(writer, one, sizeof(one) - 1);
	for (int i = 0; i < BURST; i++) {
		expect(peer_answer(writer), 200, NULL);
		(void)peer_take(peer);
	}
	take_all(peer);
	struct heard heard = read_events(peer);
	ck_assert_uint_eq(heard.events, 1 + BURST);
	ck_assert_uint_eq(heard.gaps, 0);
	ck_assert_int_eq(heard.led, rig.app.value[LED]);
}
END_TEST

START_TEST(as_many_may_listen_as_there_are_connections)
{
	struct peer *peer[HTTAP_CONNECTIONS_DEFAULT];

	for (int i = 0; i < HTTAP_CONNECTIONS_DEFAULT; i++)
		peer[i] = listener();
	struct peer *late = rig_peer();
	expect(peer_ask(late, HEAD_OF_EVENTS), 503, NULL);
	for (int i = 0; i < 20; i++) {
		toggle_leds(100);
		for (int k = 0; k < HTTAP_CONNECTIONS_DEFAULT; k++)
			take_all(peer[k]);
	}
	for (int i = 0; i < HTTAP_CONNECTIONS_DEFAULT; i++) {
		struct heard heard = read_events(peer[i]);
		ck_assert_uint_eq(heard.events, 1 + 20 * 100);
		ck_assert_uint_eq(heard.gaps, 0);
		ck_assert_int_eq(heard.led, rig.app.value[LED]);
	}
}
END_TEST

START_TEST(the_server_may_end_with_listeners)
{
	struct peer *peer = listener();

	httap_stop(&rig.httap);
	(void)peer_take(peer);
	ck_assert(peer->eof);
}
END_TEST

Suite *httap_events_suite(void)
{
	Suite *suite = suite_create("httap events");
	TCase *heard = tcase_create("heard"), *slow = tcase_create("slow and many");

	tcase_add_checked_fixture(heard, rig_unix, rig_down);
	tcase_add_test(heard, a_listener_gets_the_whole_state_at_once);
	tcase_add_test(heard, then_each_change_in_order);
	tcase_add_test(heard, what_one_request_wrote_is_one_event);
	tcase_add_test(heard, two_requests_at_once_lose_nothing);
	tcase_add_test(heard, a_change_that_was_told_is_closed);
	tcase_add_test(heard, the_application_tells_changes_with_their_time);
	tcase_add_test(heard, a_change_that_nobody_told_of_is_found_by_who_looks);
	tcase_add_test(heard, what_is_told_between_two_passes_does_not_wait);
	tcase_add_test(heard, a_stop_is_heard);
	tcase_add_test(heard, who_comes_back_gets_the_whole_state_again);
	tcase_add_test(heard, every_10_s_there_is_a_comment);
	tcase_add_test(heard, without_signals_there_is_only_the_time);
	tcase_add_test(heard, where_the_state_cannot_be_read_nobody_listens);
	tcase_add_test(heard, head_tells_the_head_and_ends);
	tcase_add_test(heard, a_listener_is_answered_nothing_else);
	tcase_add_test(heard, a_listener_who_talks_without_end_is_cut);
	tcase_add_test(heard, a_listener_who_goes_is_forgotten);
	suite_add_tcase(suite, heard);
	tcase_add_checked_fixture(slow, rig_unix, rig_down);
	tcase_set_timeout(slow, 60);
	tcase_add_test(slow, who_is_too_slow_gets_the_state_instead_of_a_queue);
	tcase_add_test(slow, who_takes_nothing_at_all_is_dropped);
	tcase_add_test(slow, a_burst_in_one_go_loses_no_change);
	tcase_add_test(slow, as_many_may_listen_as_there_are_connections);
	tcase_add_test(slow, the_server_may_end_with_listeners);
	suite_add_tcase(suite, slow);
	return suite;
}
