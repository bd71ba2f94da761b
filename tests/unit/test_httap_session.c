/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/session.c through a server: names, sessions over several connections, and who is told when one is left.
 */
#include <stdio.h>
#include <string.h>

#include "httapd_limits.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define NAME_SIZE (HTTAP_SESSION_LEN + 1)

static void session_of(const struct answer *answer, char name[static NAME_SIZE])
{
	const char *field = strstr(answer->head, "\r\nHTTaP-Session: ");

	ck_assert_ptr_nonnull(field);
	memcpy(name, field + 17, HTTAP_SESSION_LEN);
	name[HTTAP_SESSION_LEN] = '\0';
	ck_assert_int_eq(field[17 + HTTAP_SESSION_LEN], '\r');
}

/* Asks in the session of that name, and tells in which one the answer came. */
static struct answer ask_in(struct peer *peer, const char *request, const char *name, char in[static NAME_SIZE])
{
	char head[512];

	(void)snprintf(head, sizeof(head), "%s" HOST "HTTaP-Session: %s\r\n\r\n", request, name);
	peer_say(peer, head);
	struct answer answer = peer_answer(peer);
	session_of(&answer, in);
	return answer;
}

static struct peer *new_session(char name[static NAME_SIZE])
{
	struct peer *peer = rig_peer();
	struct answer answer = peer_ask(peer, "GET /?LED");

	session_of(&answer, name);
	return peer;
}

static bool is_open(const struct answer *answer)
{
	return memmem(answer->body, answer->len, "\"HTTaP_open\":1", 14) != NULL;
}

START_TEST(each_connection_has_a_name_of_its_own)
{
	char name[40][NAME_SIZE];

	for (int i = 0; i < 40; i++) {
		struct peer *peer = new_session(name[i]);
		ck_assert_uint_eq(strspn(name[i], "0123456789abcdefghijklmnopqrstuv"), HTTAP_SESSION_LEN);
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(name[i], name[k]);
		peer_leave(peer);
		(void)rig_run();
	}
}
END_TEST

START_TEST(a_name_that_is_sent_back_continues_its_session)
{
	char first[NAME_SIZE], in[NAME_SIZE];
	struct answer answer;

	(void)new_session(first);
	struct peer *other = rig_peer();
	answer = ask_in(other, "GET /?", first, in);
	ck_assert_str_eq(in, first);
	ck_assert_msg(is_open(&answer), "it was opened on the first connection");
	/* and stays in it without saying so again */
	answer = peer_ask(other, "GET /?LED");
	session_of(&answer, in);
	ck_assert_str_eq(in, first);
}
END_TEST

START_TEST(a_connection_may_go_from_one_session_to_another_and_back)
{
	char a[NAME_SIZE], b[NAME_SIZE], in[NAME_SIZE];

	(void)new_session(a);
	(void)new_session(b);
	struct peer *third = rig_peer();
	(void)ask_in(third, "GET /?LED", a, in);
	ck_assert_str_eq(in, a);
	(void)ask_in(third, "GET /?LED", b, in);
	ck_assert_str_eq(in, b);
	(void)ask_in(third, "GET /?LED", a, in);
	ck_assert_str_eq(in, a);
}
END_TEST

START_TEST(an_unknown_name_is_no_error_and_changes_nothing)
{
	static const char *const strange[] = { "", "0", "0000000000000000", "vvvvvvvvvvvvvvvv", "0123456789abcdef0", "0123456789ABCDEF",
		"................", "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377", "000 000000000000" };
	char own[NAME_SIZE], in[NAME_SIZE];
	struct peer *peer = new_session(own);

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		expect(ask_in(peer, "GET /?LED", strange[i], in), 200, "{\"LED\":0}");
		ck_assert_str_eq(in, own);
	}
}
END_TEST

/* The letters that tell the place alone open nothing: every other one must be right. */
START_TEST(a_name_with_one_wrong_letter_is_unknown)
{
	char real[NAME_SIZE], forged[NAME_SIZE], in[NAME_SIZE];

	(void)new_session(real);
	struct peer *peer = rig_peer();
	for (size_t i = 0; i < HTTAP_SESSION_LEN; i++) {
		memcpy(forged, real, sizeof(forged));
		forged[i] = real[i] == '7' ? '8' : '7';
		(void)ask_in(peer, "GET /?LED", forged, in);
		ck_assert_str_ne(in, real);
		ck_assert_str_ne(in, forged);
	}
}
END_TEST

START_TEST(a_session_without_connection_is_remembered_for_the_keepalive)
{
	char name[NAME_SIZE], in[NAME_SIZE];

	peer_leave(new_session(name));
	(void)rig_run();
	(void)rig_pass_time(HTTAP_KEEPALIVE_DEFAULT_S * SECONDS - 1);
	(void)ask_in(rig_peer(), "GET /?LED", name, in);
	ck_assert_str_eq(in, name);
}
END_TEST

START_TEST(and_not_a_moment_longer)
{
	char name[NAME_SIZE], in[NAME_SIZE];

	peer_leave(new_session(name));
	(void)rig_run();
	(void)rig_pass_time(HTTAP_KEEPALIVE_DEFAULT_S * SECONDS);
	(void)ask_in(rig_peer(), "GET /?LED", name, in);
	ck_assert_str_ne(in, name);
}
END_TEST

START_TEST(a_session_lives_as_long_as_one_of_its_connections)
{
	char name[NAME_SIZE], in[NAME_SIZE];
	struct peer *first = new_session(name), *second = rig_peer();

	(void)ask_in(second, "GET /?LED", name, in);
	peer_leave(first);
	for (int i = 0; i < 5; i++) {
		(void)rig_pass_time(10 * SECONDS);
		(void)peer_ask(second, "GET /?LED");
	}
	(void)ask_in(rig_peer(), "GET /?LED", name, in);
	ck_assert_str_eq(in, name);
}
END_TEST

/* Two of the places are taken; when the others and one more have been used, the one that was left is gone, and not the one that is held. */
START_TEST(the_one_without_connection_for_the_longest_is_forgotten_first)
{
	char held[NAME_SIZE], left[NAME_SIZE], in[NAME_SIZE], other[NAME_SIZE];
	unsigned int places = (HTTAP_CONNECTIONS_MIN + HTTAP_LOBBY) * HTTAP_SESSIONS_PER_CONNECTION;

	rig.httap.config.connections = HTTAP_CONNECTIONS_MIN;
	struct peer *holder = new_session(held);
	peer_leave(new_session(left));
	(void)rig_run();
	for (unsigned int i = 0; i < places - 1; i++) {
		struct peer *peer = new_session(other);
		ck_assert_str_ne(other, held);
		peer_leave(peer);
		(void)rig_run();
	}
	(void)ask_in(holder, "GET /?LED", left, in);
	ck_assert_str_ne(in, left);
	(void)ask_in(holder, "GET /?LED", held, in);
	ck_assert_str_eq(in, held);
}
END_TEST

START_TEST(the_application_is_told_when_the_only_connection_has_closed)
{
	char name[NAME_SIZE];
	struct peer *peer = new_session(name);

	ck_assert_uint_eq(rig.app.lefts, 0);
	peer_leave(peer);
	(void)rig_run();
	ck_assert_uint_eq(rig.app.lefts, 1);
	ck_assert_str_eq(rig.app.left, name);
	(void)rig_pass_time(100 * SECONDS);
	ck_assert_uint_eq(rig.app.lefts, 1);
}
END_TEST

START_TEST(also_when_the_server_closes_it)
{
	char name[NAME_SIZE];

	(void)new_session(name);
	(void)rig_pass_time(HTTAP_KEEPALIVE_DEFAULT_S * SECONDS);
	ck_assert_uint_eq(rig.app.lefts, 1);
	ck_assert_str_eq(rig.app.left, name);
}
END_TEST

/* However long the peer keeps his end open, and whatever he doesn't take. */
START_TEST(also_when_he_has_said_goodbye_and_does_not_close)
{
	char name[NAME_SIZE];
	struct peer *peer = new_session(name);

	(void)peer_ask(peer, _i == 0 ? "GET /?invalid" : "nonsense");
	ck_assert_uint_eq(rig.app.lefts, 1);
	ck_assert_str_eq(rig.app.left, name);
	peer_leave(peer);
	(void)rig_run();
	ck_assert_uint_eq(rig.app.lefts, 1);
}
END_TEST

START_TEST(a_session_that_used_several_connections_leaves_silently)
{
	char name[NAME_SIZE], in[NAME_SIZE];
	struct peer *first = new_session(name), *second = rig_peer();

	(void)ask_in(second, "GET /?LED", name, in);
	peer_leave(first);
	(void)rig_run();
	peer_leave(second);
	(void)rig_run();
	ck_assert_uint_eq(rig.app.lefts, 0);
}
END_TEST

START_TEST(who_goes_over_to_another_session_has_left_his_own)
{
	char a[NAME_SIZE], b[NAME_SIZE], in[NAME_SIZE];

	(void)new_session(a);
	struct peer *second = new_session(b);
	(void)ask_in(second, "GET /?LED", a, in);
	ck_assert_uint_eq(rig.app.lefts, 1);
	ck_assert_str_eq(rig.app.left, b);
}
END_TEST

START_TEST(who_only_fetched_files_or_nothing_was_never_there)
{
	struct peer *peer = rig_peer();

	(void)peer_ask(peer, "GET /");
	peer_leave(peer);
	peer_leave(rig_peer());
	(void)rig_run();
	ck_assert_uint_eq(rig.app.lefts, 0);
}
END_TEST

START_TEST(the_end_of_the_server_calls_nobody)
{
	char name[NAME_SIZE];

	(void)new_session(name);
	httap_stop(&rig.httap);
	ck_assert_uint_eq(rig.app.lefts, 0);
}
END_TEST

START_TEST(an_application_need_not_care)
{
	char name[NAME_SIZE];

	rig.app.signals.left = NULL;
	rig.app.signals.ping = NULL;
	struct peer *peer = new_session(name);
	expect(peer_ask(peer, "GET /?ping"), 200, NULL);
	peer_leave(peer);
	(void)rig_run();
}
END_TEST

START_TEST(a_ping_is_told_with_its_session)
{
	char name[NAME_SIZE];

	expect(peer_ask(new_session(name), "GET /?ping123"), 200, NULL);
	ck_assert_uint_eq(rig.app.pings, 1);
	ck_assert_str_eq(rig.app.session, name);
}
END_TEST

START_TEST(the_name_stands_once_in_a_request)
{
	struct peer *peer = rig_peer();

	peer_say(peer, "GET /?LED" HOST "HTTaP-Session: 0000000000000000\r\nHTTaP-Session: 0000000000000000\r\n\r\n");
	expect(peer_answer(peer), 400, NULL);
}
END_TEST

/* --- Changes ------------------------------------------------------------------------------------------------------ */

START_TEST(changes_are_told_once)
{
	struct peer *reader = rig_peer(), *writer = rig_peer();

	expect(peer_ask(reader, "GET /?changes"), 200, "{}");
	expect(peer_post(writer, "/?LED", "1"), 200, NULL);
	expect(peer_post(writer, "/?LAMP", "1"), 200, NULL);
	expect(peer_post(writer, "/?LAMP", "0"), 200, NULL);
	expect(peer_ask(reader, "GET /?changes"), 200, "{\"LED\":1,\"LAMP\":0}");
	expect(peer_ask(reader, "GET /?changes"), 200, "{}");
	expect(peer_ask(writer, "GET /?changes"), 200, "{\"LED\":1,\"LAMP\":0}");
}
END_TEST

START_TEST(what_is_read_by_name_is_no_news_and_head_reads_nothing)
{
	struct peer *reader = rig_peer(), *writer = rig_peer();

	expect(peer_ask(reader, "GET /?changes"), 200, "{}");
	expect(peer_post(writer, "/?", "LED=1&LAMP=1"), 200, NULL);
	expect(peer_ask(reader, "HEAD /?LED"), 200, NULL);
	expect(peer_ask(reader, "HEAD /?changes"), 200, NULL);
	expect(peer_ask(reader, "GET /?LED"), 200, "{\"LED\":1}");
	expect(peer_ask(reader, "GET /?changes"), 200, "{\"LAMP\":1}");
	expect(peer_post(writer, "/?", "LED=0&LAMP=0"), 200, NULL);
	expect(peer_ask(reader, "GET /?list"), 200, NULL);
	expect(peer_ask(reader, "GET /?changes"), 200, "{}");
}
END_TEST

START_TEST(a_session_has_one_view_over_all_its_connections)
{
	char name[NAME_SIZE], in[NAME_SIZE];
	struct peer *first = new_session(name), *second = rig_peer();

	expect(peer_post(rig_peer(), "/?LED", "1"), 200, NULL);
	expect(ask_in(second, "GET /?changes", name, in), 200, "{\"LED\":1}");
	expect(peer_ask(first, "GET /?changes"), 200, "{}");
}
END_TEST

START_TEST(changes_are_counted_from_the_sessions_begin)
{
	expect(peer_post(rig_peer(), "/?LED", "1"), 200, NULL);
	expect(peer_ask(rig_peer(), "GET /?changes"), 200, "{}");
}
END_TEST

START_TEST(what_the_application_tells_is_a_change_too)
{
	struct peer *reader = rig_peer();

	expect(peer_ask(reader, "GET /?changes"), 200, "{}");
	rig.app.value[BUTTON] = 0;
	httap_changed(&rig.httap, BUTTON, 0, rig.clock);
	httap_changed(&rig.httap, LED, 0, rig.clock);           /* is known */
	httap_changed(&rig.httap, RIG_SIGNALS, 1, rig.clock);   /* is nobody */
	httap_changed(&rig.httap, UINT16_MAX, 1, rig.clock);
	expect(peer_ask(reader, "GET /?changes"), 200, "{\"BUTTON\":0}");
}
END_TEST

START_TEST(changes_that_cannot_be_read_stay_changes)
{
	struct peer *reader = rig_peer();

	expect(peer_ask(reader, "GET /?changes"), 200, "{}");
	httap_changed(&rig.httap, BUTTON, 0, rig.clock);
	rig.app.value[BUTTON] = 0;
	rig.app.refuse_read = (struct httap_refusal){ 503, "no" };
	expect(peer_ask(reader, "GET /?changes"), 503, "{\"error\":\"no\"}");
	rig.app.refuse_read.status = 0;
	expect(peer_ask(reader, "GET /?changes"), 200, "{\"BUTTON\":0}");
}
END_TEST

Suite *httap_session_suite(void)
{
	Suite *suite = suite_create("httap session");
	TCase *names = tcase_create("names"), *left = tcase_create("left"), *changes = tcase_create("changes");

	tcase_add_checked_fixture(names, rig_unix, rig_down);
	tcase_add_test(names, each_connection_has_a_name_of_its_own);
	tcase_add_test(names, a_name_that_is_sent_back_continues_its_session);
	tcase_add_test(names, a_connection_may_go_from_one_session_to_another_and_back);
	tcase_add_test(names, an_unknown_name_is_no_error_and_changes_nothing);
	tcase_add_test(names, a_name_with_one_wrong_letter_is_unknown);
	tcase_add_test(names, a_session_without_connection_is_remembered_for_the_keepalive);
	tcase_add_test(names, and_not_a_moment_longer);
	tcase_add_test(names, a_session_lives_as_long_as_one_of_its_connections);
	tcase_add_test(names, the_one_without_connection_for_the_longest_is_forgotten_first);
	tcase_add_test(names, the_name_stands_once_in_a_request);
	suite_add_tcase(suite, names);
	tcase_add_checked_fixture(left, rig_unix, rig_down);
	tcase_add_test(left, the_application_is_told_when_the_only_connection_has_closed);
	tcase_add_test(left, also_when_the_server_closes_it);
	tcase_add_loop_test(left, also_when_he_has_said_goodbye_and_does_not_close, 0, 2);
	tcase_add_test(left, a_session_that_used_several_connections_leaves_silently);
	tcase_add_test(left, who_goes_over_to_another_session_has_left_his_own);
	tcase_add_test(left, who_only_fetched_files_or_nothing_was_never_there);
	tcase_add_test(left, the_end_of_the_server_calls_nobody);
	tcase_add_test(left, an_application_need_not_care);
	tcase_add_test(left, a_ping_is_told_with_its_session);
	suite_add_tcase(suite, left);
	tcase_add_checked_fixture(changes, rig_unix, rig_down);
	tcase_add_test(changes, changes_are_told_once);
	tcase_add_test(changes, what_is_read_by_name_is_no_news_and_head_reads_nothing);
	tcase_add_test(changes, a_session_has_one_view_over_all_its_connections);
	tcase_add_test(changes, changes_are_counted_from_the_sessions_begin);
	tcase_add_test(changes, what_the_application_tells_is_a_change_too);
	tcase_add_test(changes, changes_that_cannot_be_read_stay_changes);
	suite_add_tcase(suite, changes);
	return suite;
}
