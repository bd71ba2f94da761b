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

/* --- The application's words ----------------------------------------------------------------------------------------- */

static char called[256];
static char long_text[HTTAP_REPLY_BODY_MAX + 1];

static int answer_members(void *context, struct httap_call *call, struct httap_refusal *refusal)
{
	(void)refusal;
	snprintf(called, sizeof(called), "%s %s %.*s %s", (const char *)context, call->writes ? "writes" : "reads",
		(int)call->body_len, call->body, call->actor->request);
	httap_json_number(call->json, "number", -5);
	httap_json_text(call->json, "text", "a\"b");
	return 0;
}

static int answer_bytes_of_a_type(void *context, struct httap_call *call, struct httap_refusal *refusal)
{
	(void)context;
	(void)refusal;
	httap_json_number(call->json, "forgotten", 1);
	call->type = "text/csv";
	call->bytes = "1,2\n";
	call->len = 4;
	return 0;
}

static int answer_nothing_of_a_type(void *context, struct httap_call *call, struct httap_refusal *refusal)
{
	(void)context;
	(void)refusal;
	call->type = "text/plain";
	return 0;
}

static int answer_too_much(void *context, struct httap_call *call, struct httap_refusal *refusal)
{
	(void)context;
	(void)refusal;
	call->type = "text/plain";
	call->bytes = long_text;
	call->len = sizeof(long_text);
	return 0;
}

static int answer_all_it_may(void *context, struct httap_call *call, struct httap_refusal *refusal)
{
	int result = answer_too_much(context, call, refusal);

	call->len--;
	return result;
}

static int refuse_teapot(void *context, struct httap_call *call, struct httap_refusal *refusal)
{
	(void)context;
	(void)call;
	*refusal = (struct httap_refusal){ 418, "a teapot" };
	return -1;
}

static int refuse_silently(void *context, struct httap_call *call, struct httap_refusal *refusal)
{
	(void)context;
	(void)call;
	(void)refusal;
	return -1;
}

static const struct httap_word own_words[] = {
	{ "counter", HTTAP_READS, answer_members },
	{ "Reset.All", HTTAP_WRITES, answer_members },
	{ "Both", HTTAP_READS_AND_WRITES, answer_members },
	{ "table", HTTAP_READS, answer_bytes_of_a_type },
	{ "empty", HTTAP_READS, answer_nothing_of_a_type },
	{ "tooMuch", HTTAP_READS, answer_too_much },
	{ "full", HTTAP_READS, answer_all_it_may },
	{ "Teapot", HTTAP_READS, refuse_teapot },
	{ "mute", HTTAP_READS, refuse_silently },
};

static struct httap_words own;

static void set_own_words(void)
{
	static char context[] = "context";

	rig_unix();
	own = (struct httap_words){ own_words, ROWS(own_words), context };
	rig.httap.words = &own;
	called[0] = '\0';
}

START_TEST(own_words_are_asked_with_all_that_was_said)
{
	static const char reply[] = "{\"number\":-5,\"text\":\"a\\\"b\"}";
	struct peer *peer = rig_peer();

	expect(peer_ask(peer, "GET /?counter"), 200, reply);
	ck_assert_str_eq(called, "context reads  GET /?counter");
	expect(peer_post(peer, "/?Reset.All", "now"), 200, reply);
	ck_assert_str_eq(called, "context writes now POST /?Reset.All");
	expect(peer_post(peer, "/?Both", ""), 200, reply);
	ck_assert_str_eq(called, "context writes  POST /?Both");
	expect(peer_ask(peer, "GET /?Both"), 200, reply);
	ck_assert_str_eq(called, "context reads  GET /?Both");
	expect(peer_ask(peer, "HEAD /?counter"), 200, NULL);
	ck_assert_str_eq(called, "context reads  HEAD /?counter");
}
END_TEST

START_TEST(own_words_take_their_methods)
{
	struct peer *peer = rig_peer();
	struct answer answer = peer_post(peer, "/?counter", "1");

	expect(answer, 405, NULL);
	ck_assert(answer_has(&answer, "Allow: GET, HEAD, OPTIONS"));
	answer = peer_ask(peer, "GET /?Reset.All");
	expect(answer, 405, NULL);
	ck_assert(answer_has(&answer, "Allow: POST, PUT, OPTIONS"));
	answer = peer_ask(peer, "OPTIONS /?Both");
	ck_assert_int_eq(answer.status, 204);
	ck_assert(answer_has(&answer, "Allow: GET, HEAD, POST, PUT, OPTIONS"));
	expect(peer_ask(peer, "GET /?count"), 404, NULL);
	expect(peer_ask(peer, "GET /?counters"), 404, NULL);
	expect(peer_ask(peer, "GET /?both"), 404, NULL);
	ck_assert_str_eq(called, "");
}
END_TEST

START_TEST(own_words_may_answer_with_bytes_of_any_type)
{
	struct peer *peer = rig_peer();
	struct answer answer = peer_ask(peer, "GET /?table");

	expect(answer, 200, "1,2\n");
	ck_assert(answer_has(&answer, "Content-Type: text/csv"));
	ck_assert(answer_has(&answer, "Cache-Control: no-store"));
	expect(peer_ask(peer, "GET /?empty"), 200, "");
	memset(long_text, 'x', sizeof(long_text));
	answer = peer_ask(peer, "GET /?full");
	ck_assert_int_eq(answer.status, 200);
	ck_assert_uint_eq(answer.len, HTTAP_REPLY_BODY_MAX);
	expect(peer_ask(peer, "GET /?tooMuch"), 500, "{\"error\":\"the answer is longer than 24576 bytes\"}");
}
END_TEST

START_TEST(own_words_may_refuse)
{
	struct peer *peer = rig_peer();

	expect(peer_ask(peer, "GET /?Teapot"), 418, "{\"error\":\"a teapot\"}");
	expect(peer_ask(peer, "GET /?mute"), 500, "{\"error\":\"this word could not be answered\"}");
	expect(peer_ask(peer, "GET /?LED"), 200, NULL);
}
END_TEST

START_TEST(own_words_are_offered)
{
	expect(peer_ask(rig_peer(), "GET /?"), 200,
		ROOT("0", "list ping changes events invalid stop counter Reset.All Both table empty tooMuch full Teapot mute"));
}
END_TEST

static const struct bad_word_row {
	const char *name;
	unsigned int methods;
	bool answers;
} bad_words[] = {
	{ "", HTTAP_READS, true },
	{ "list", HTTAP_READS, true },
	{ "ping", HTTAP_READS, true },
	{ "pingpong", HTTAP_READS, true }, /* any characters may follow ping */
	{ "events", HTTAP_READS, true },
	{ "stop", HTTAP_WRITES, true },
	{ "LED", HTTAP_READS, true },
	{ "MOTOR.LEFT", HTTAP_READS, true },
	{ "1st", HTTAP_READS, true },
	{ "_x", HTTAP_READS, true },
	{ ".x", HTTAP_READS, true },
	{ "a b", HTTAP_READS, true },
	{ "a,b", HTTAP_READS, true },
	{ "a%41", HTTAP_READS, true },
	{ "\303\244", HTTAP_READS, true },
	{ "a1234567890123456789012345678901", HTTAP_READS, true }, /* 32 bytes */
	{ "good", HTTAP_READS, false },
	{ "good", 0, true },
	{ "good", 4, true },
};

START_TEST(a_word_that_means_two_things_is_refused_at_start)
{
	const struct bad_word_row *row = &bad_words[_i];
	struct httap_word word = { row->name, row->methods, row->answers ? answer_members : NULL };
	struct httap_error error = { "" };

	own = (struct httap_words){ &word, 1, NULL };
	ck_assert_int_eq(httap_start(&rig.httap, &error), -1);
	ck_assert_msg(strstr(error.text, "can't be a word") != NULL, "%s", error.text);
}
END_TEST

START_TEST(a_word_may_have_31_bytes_and_stand_once)
{
	struct httap_word word[] = { { "a123456789012345678901234567890", HTTAP_READS, answer_members },
		{ "again", HTTAP_READS, answer_members }, { "again", HTTAP_READS, answer_members } };
	struct httap_error error = { "" };

	own = (struct httap_words){ word, 3, NULL };
	ck_assert_int_eq(httap_start(&rig.httap, &error), -1);
	ck_assert_msg(strstr(error.text, "\"again\"") != NULL, "%s", error.text);
}
END_TEST

START_TEST(no_more_than_64_words_start)
{
	static char names[HTTAP_WORDS_MAX + 1][8];
	struct httap_word word[HTTAP_WORDS_MAX + 1];
	struct httap_error error = { "" };

	for (size_t i = 0; i < ROWS(word); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "own%zu", i);
		word[i] = (struct httap_word){ names[i], HTTAP_READS, answer_members };
	}
	own = (struct httap_words){ word, HTTAP_WORDS_MAX + (size_t)_i, NULL };
	ck_assert_int_eq(httap_start(&rig.httap, &error), -_i);
	ck_assert_int_eq(strstr(error.text, "\"own64\" can't be a word") != NULL, _i);
}
END_TEST

START_TEST(the_longest_word_is_served)
{
	struct httap_word word = { "a123456789012345678901234567890", HTTAP_READS, answer_nothing_of_a_type };

	own = (struct httap_words){ &word, 1, NULL };
	expect(peer_ask(rig_peer(), "GET /?a123456789012345678901234567890"), 200, "");
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

	TCase *application = tcase_create("the application's");
	tcase_add_checked_fixture(application, set_own_words, rig_down);
	tcase_add_test(application, own_words_are_asked_with_all_that_was_said);
	tcase_add_test(application, own_words_take_their_methods);
	tcase_add_test(application, own_words_may_answer_with_bytes_of_any_type);
	tcase_add_test(application, own_words_may_refuse);
	tcase_add_test(application, own_words_are_offered);
	tcase_add_loop_test(application, a_word_that_means_two_things_is_refused_at_start, 0, ROWS(bad_words));
	tcase_add_test(application, a_word_may_have_31_bytes_and_stand_once);
	tcase_add_loop_test(application, no_more_than_64_words_start, 0, 2);
	tcase_add_test(application, the_longest_word_is_served);
	suite_add_tcase(suite, application);
	return suite;
}
