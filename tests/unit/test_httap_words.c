/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The words of the dynamic domain: the root object, which methods each word takes, and what it answers.
 */
#include <stdio.h>
#include <unistd.h>

#include "httapd_limits.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define SIGNALS "\"Signals\":\"MOTOR.LEFT LED MOTOR.RIGHT BUTTON LAMP\"}"
#define ROOT(open, services)                                                                                                     \
	"{\"HTTaP_version\":20261123,\"HTTaP_open\":" open ",\"Type\":\"libhttap\",\"ID\":\"rig\",\"Services\":\"" services      \
	"\"," SIGNALS

/* --- The root object ---------------------------------------------------------------------------------------------- */

START_TEST(the_root_object_tells_who_answers_and_what_he_offers)
{
	struct answer answer = peer_ask(rig_peer(), "GET /?");

	ck_assert_int_eq(HTTAP_PROTOCOL_VERSION, 20261123);
	expect(answer, 200, ROOT("0", "list ping changes events invalid stop"));
	ck_assert(answer_has(&answer, "Content-Type: application/json"));
	ck_assert(answer_has(&answer, "Cache-Control: no-store"));
}
END_TEST

START_TEST(loopback_is_a_service_when_it_is_switched_on)
{
	rig.httap.config.loopback = true;
	expect(peer_ask(rig_peer(), "GET /?"), 200, ROOT("0", "list ping changes events invalid stop loopback"));
}
END_TEST

/* What is a session's first access? Any dynamic request, answered well or not; files have no session. */
static const struct open_row {
	const char *first;
	bool opens;
} opens[] = {
	{ "GET /?", true },	   { "GET /?LED", true },	 { "GET /?ping", true },    { "GET /?Nobody", true },
	{ "GET /1", true },	   { "HEAD /?", true },		 { "OPTIONS /?LED", true }, { "POST /?ping", true },
	{ "GET /", false },	   { "GET /missing", false }, { "OPTIONS *", false },
};

START_TEST(open_is_0_on_the_first_access_and_1_later)
{
	struct peer *peer = rig_peer();

	(void)peer_ask(peer, opens[_i].first);
	expect(peer_ask(peer, "GET /?"), 200,
		opens[_i].opens ? ROOT("1", "list ping changes events invalid stop") : ROOT("0", "list ping changes events invalid stop"));
	expect(peer_ask(peer, "GET /?"), 200, ROOT("1", "list ping changes events invalid stop"));
	expect(peer_ask(rig_peer(), "GET /?"), 200, ROOT("0", "list ping changes events invalid stop")); /* another's session is his own */
}
END_TEST

START_TEST(the_id_is_the_host_name_by_default)
{
	char name[HTTAP_HOST_SIZE] = "", wanted[HTTAP_HOST_SIZE + 16];

	ck_assert_int_eq(gethostname(name, sizeof(name) - 1), 0);
	(void)snprintf(wanted, sizeof(wanted), "\"ID\":\"%s\"", name);
	rig.httap.config.id = NULL;
	struct answer answer = peer_ask(rig_peer(), "GET /?");
	ck_assert_ptr_nonnull(memmem(answer.body, answer.len, wanted, strlen(wanted)));
}
END_TEST

START_TEST(an_id_and_a_type_of_the_programs_own_are_told_in_any_bytes)
{
	rig.httap.config.type = "panel<";
	rig.httap.config.id = "a\"\\<\n\xff";
	struct answer answer = peer_ask(rig_peer(), "GET /?");
	static const char wanted[] = "\"Type\":\"panel\\u003c\",\"ID\":\"a\\\"\\\\\\u003c\\u000a\\u00ff\"";
	ck_assert_ptr_nonnull(memmem(answer.body, answer.len, wanted, sizeof(wanted) - 1));
	ck_assert(rig_is_json(answer.body, answer.len));
}
END_TEST

START_TEST(without_signals_the_root_object_has_an_empty_list)
{
	rig.httap.signals = NULL;
	struct answer answer = peer_ask(rig_peer(), "GET /?");
	expect(answer, 200, NULL);
	ck_assert_ptr_nonnull(memmem(answer.body, answer.len, "\"Signals\":\"\"}", 13));
}
END_TEST

/* --- Methods ------------------------------------------------------------------------------------------------------ */

#define READS "Allow: GET, HEAD, OPTIONS"
#define WRITES "Allow: POST, PUT, OPTIONS"
#define BOTH "Allow: GET, HEAD, POST, PUT, OPTIONS"

static const struct word_row {
	const char *word;
	int status[6]; /* GET, HEAD, POST, PUT, OPTIONS, DELETE */
	const char *allow;
} words[] = {
	{ "/?", { 200, 200, 400, 400, 204, 501 }, BOTH }, /* 400: an empty form */
	{ "/?list", { 200, 200, 405, 405, 204, 501 }, READS },
	{ "/?ping", { 200, 200, 405, 405, 204, 501 }, READS },
	{ "/?ping-0.123&x", { 200, 200, 405, 405, 204, 501 }, READS },
	{ "/?invalid", { 400, 400, 400, 400, 204, 501 }, BOTH },
	{ "/?stop", { 405, 405, 200, 200, 204, 501 }, WRITES },
	{ "/?loopback", { 405, 405, 404, 404, 204, 501 }, WRITES },
	{ "/?nothing", { 404, 404, 404, 404, 404, 501 }, "" },
	{ "/?listen", { 404, 404, 404, 404, 404, 501 }, "" },
	{ "/?pin", { 404, 404, 404, 404, 404, 501 }, "" },
	{ "/?stopping", { 404, 404, 404, 404, 404, 501 }, "" },
	{ "/?STOP", { 404, 404, 404, 404, 204, 501 }, READS }, /* a signal's name, and none of ours */
	{ "/?stop,LED", { 404, 404, 404, 404, 404, 501 }, "" },
	{ "/?%73top", { 405, 405, 200, 200, 204, 501 }, WRITES },
};

START_TEST(a_word_takes_its_methods_and_names_them_to_others)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "OPTIONS", "DELETE" };
	const struct word_row *row = &words[_i];
	char request[128];

	for (int i = 0; i < 6; i++) {
		struct peer *peer = rig_peer();
		(void)snprintf(request, sizeof(request), "%s %s" HOST "Content-Length: 0\r\n\r\n", methods[i], row->word);
		peer_say(peer, request);
		struct answer answer = i == 1 ? peer_head(peer) : peer_answer(peer);
		expect(answer, row->status[i], NULL);
		ck_assert_ptr_nonnull(strstr(answer.head, "\r\nHTTaP-Session: "));
		if (answer.status == 405 || answer.status == 204)
			ck_assert_msg(answer_has(&answer, row->allow), "%s %s: %s", methods[i], row->word, answer.head);
		else
			ck_assert_msg(strstr(answer.head, "\r\nAllow:") == NULL, "%s %s: %s", methods[i], row->word, answer.head);
	}
}
END_TEST

/* --- The words ---------------------------------------------------------------------------------------------------- */

/* At fixed places, whatever the numbers. */
static const int keepalives[] = { 3, 10, 200 };

START_TEST(ping_is_37_bytes_always)
{
	struct peer *peer = rig_peer();
	char wanted[64];

	rig.httap.config.keepalive_s = keepalives[_i];
	for (int64_t after = 0; after < keepalives[_i]; after += 1 + keepalives[_i] / 4) {
		(void)peer_ask(peer, "GET /?LED");
		(void)rig_pass_time(after * SECONDS);
		(void)snprintf(wanted, sizeof(wanted), "{ \"Remain\": %-5d,  \"Timeout\": %-5d}", keepalives[_i] - (int)after,
			keepalives[_i]);
		ck_assert_uint_eq(strlen(wanted), 37);
		expect(peer_ask(peer, "GET /?ping"), 200, wanted);
	}
}
END_TEST

START_TEST(invalid_ends_the_session)
{
	struct peer *peer = rig_peer_served();

	peer_say(peer, "GET /?invalid" END "POST /?LED" HOST "Content-Length: 1\r\n\r\n1");
	struct answer answer = peer_answer(peer);
	expect(answer, 400, NULL);
	ck_assert(answer_has(&answer, "Connection: close"));
	ck_assert(peer_closed(peer));
	ck_assert_uint_eq(rig.app.writes, 0);
}
END_TEST

START_TEST(loopback_gives_the_body_back_as_a_download)
{
	char body[HTTAP_BODY_MAX];
	struct peer *peer = rig_peer();

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i ^ i >> 8);
	rig.httap.config.loopback = true;
	peer_say(peer, "POST /?loopback" HOST "Content-Length: 4096\r\n\r\n");
	peer_send(peer, body, sizeof(body));
	struct answer answer = peer_answer(peer);
	expect(answer, 200, NULL);
	ck_assert_uint_eq(answer.len, sizeof(body));
	ck_assert_mem_eq(answer.body, body, sizeof(body));
	ck_assert(answer_has(&answer, "Content-Type: application/octet-stream"));
	ck_assert(answer_has(&answer, "Content-Disposition: attachment"));
	ck_assert(answer_has(&answer, "X-Content-Type-Options: nosniff"));
	expect(peer_post(peer, "/?loopback", ""), 200, "");
}
END_TEST

START_TEST(loopback_that_is_switched_off_gives_nothing_back)
{
	struct answer answer = peer_post(rig_peer(), "/?loopback", "secret");

	expect(answer, 404, NULL);
	ck_assert_ptr_null(memmem(answer.body, answer.len, "secret", 6));
}
END_TEST

START_TEST(an_error_says_in_json_what_is_wrong)
{
	struct answer answer = peer_ask(rig_peer(), "GET /?nothing");

	expect(answer, 404, NULL);
	ck_assert(rig_is_json(answer.body, answer.len));
	ck_assert_int_eq(strncmp(answer.body, "{\"error\":\"", 10), 0);
	ck_assert(answer_has(&answer, "Content-Type: application/json"));
}
END_TEST

Suite *httap_words_suite(void)
{
	Suite *suite = suite_create("httap words");
	TCase *tcase = tcase_create("words");

	tcase_add_checked_fixture(tcase, rig_unix, rig_down);
	tcase_add_test(tcase, the_root_object_tells_who_answers_and_what_he_offers);
	tcase_add_test(tcase, loopback_is_a_service_when_it_is_switched_on);
	tcase_add_loop_test(tcase, open_is_0_on_the_first_access_and_1_later, 0, ROWS(opens));
	tcase_add_test(tcase, the_id_is_the_host_name_by_default);
	tcase_add_test(tcase, an_id_and_a_type_of_the_programs_own_are_told_in_any_bytes);
	tcase_add_test(tcase, without_signals_the_root_object_has_an_empty_list);
	tcase_add_loop_test(tcase, a_word_takes_its_methods_and_names_them_to_others, 0, ROWS(words));
	tcase_add_loop_test(tcase, ping_is_37_bytes_always, 0, ROWS(keepalives));
	tcase_add_test(tcase, invalid_ends_the_session);
	tcase_add_test(tcase, loopback_gives_the_body_back_as_a_download);
	tcase_add_test(tcase, loopback_that_is_switched_off_gives_nothing_back);
	tcase_add_test(tcase, an_error_says_in_json_what_is_wrong);
	suite_add_tcase(suite, tcase);
	return suite;
}
