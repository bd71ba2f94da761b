/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/token.c: which credentials are the token, and how often they may be guessed.
 */
#include <stdio.h>
#include <string.h>

#include "httap/token.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define TOKEN "0123456789abcdef"

static struct guesses guesses;
static const char *why;

static void forget(void)
{
	memset(&guesses, 0, sizeof(guesses));
}

static int decide(struct span field, const char *peer, bool known, int64_t now)
{
	struct request request = { .field[FIELD_AUTHORIZATION] = field };

	why = NULL;
	int status = token_decide(&guesses, TOKEN, &request, peer, known, now, &why);
	ck_assert_msg(status == 0 || (why != NULL && why[0] != '\0'), "%d without a reason", status);
	return status;
}

static int guess(const char *peer, int64_t now)
{
	return decide(span_of("Bearer this-is-not-it"), peer, false, now);
}

/* --- What is a token ---------------------------------------------------------------------------------------------- */

static const struct good_row {
	const char *text;
	bool good;
} good_rows[] = {
	{ TOKEN, true },
	{ "0123456789abcde", false },
	{ "", false },
	{ "AZaz09-._~+/AZaz", true },
	{ "MDEyMzQ1Njc4OWFiY2RlZg==", true },
	{ "0123456789abcde=", false },
	{ "0123456789=abcdef", false },
	{ "================", false },
	{ "0123456789 abcdef", false },
	{ "0123456789:abcdef", false },
	{ "0123456789abcdef\n", false },
	{ "0123456789abcdef\r", false },
	{ "0123456789abcd\xc3\xa4", false },
};

START_TEST(a_token_is_16_and_more_characters_that_both_schemes_carry)
{
	ck_assert_msg(token_is_good(good_rows[_i].text) == good_rows[_i].good, "\"%s\"", good_rows[_i].text);
}
END_TEST

START_TEST(a_token_has_at_most_128_characters)
{
	char text[HTTAP_TOKEN_MAX + 2];

	memset(text, 'a', sizeof(text) - 1);
	text[HTTAP_TOKEN_MAX + 1] = '\0';
	ck_assert(!token_is_good(text));
	text[HTTAP_TOKEN_MAX] = '\0';
	ck_assert(token_is_good(text));
}
END_TEST

/* --- Credentials -------------------------------------------------------------------------------------------------- */

/* "user:0123456789abcdef" is dXNlcjowMTIzNDU2Nzg5YWJjZGVm. */
static const struct credentials_row {
	const char *field;
	int status;
} credentials[] = {
	{ "Bearer " TOKEN, 0 },
	{ "bearer " TOKEN, 0 },
	{ "BEARER    " TOKEN, 0 },
	{ "Bearer " TOKEN " ", 0 },
	{ "Bearer 0123456789abcdeF", 401 },
	{ "Bearer 0123456789abcde", 401 },
	{ "Bearer " TOKEN "0", 401 },
	{ "Bearer " TOKEN TOKEN, 401 },
	{ "Bearer " TOKEN ", " TOKEN, 401 },
	{ "Bearer", 401 },
	{ "Bearer ", 401 },
	{ "Bearer\t" TOKEN, 401 },
	{ TOKEN, 401 },
	{ " " TOKEN, 401 },
	{ "", 401 },
	{ " ", 401 },
	{ "Digest " TOKEN, 401 },
	{ "Basic " TOKEN, 401 },
	{ "Basic dXNlcjowMTIzNDU2Nzg5YWJjZGVm", 0 },
	{ "basic dXNlcjowMTIzNDU2Nzg5YWJjZGVm", 0 },
	{ "Basic OjAxMjM0NTY3ODlhYmNkZWY=", 0 },       /* :token */
	{ "Basic OjAxMjM0NTY3ODlhYmNkZWY", 0 },        /* without its padding */
	{ "Basic OjAxMjM0NTY3ODlhYmNkZWY==", 0 },      /* with too much */
	{ "Basic YTowMTIzNDU2Nzg5YWJjZGVm", 0 },       /* a:token */
	{ "Basic YToxOjAxMjM0NTY3ODlhYmNkZWY=", 401 }, /* a:1:token: a password may have a colon, a name not */
	{ "Basic MDEyMzQ1Njc4OWFiY2RlZg==", 401 },     /* the token without a colon */
	{ "Basic MDEyMzQ1Njc4OWFiY2RlZjo=", 401 },     /* the token as the name */
	{ "Basic dXNlcjowMTIzNDU2Nzg5YWJjZGVn", 401 }, /* another last letter */
	{ "Basic dXNlcjowMTIzNDU2Nzg5YWJj.GVm", 401 }, /* no base64 */
	{ "Basic dXNl cjowMTIzNDU2Nzg5YWJjZGVm", 401 },
	{ "Basic =", 401 },
	{ "Basic ====", 401 },
	{ "Basic", 401 },
};

START_TEST(the_token_is_the_bearer_or_the_password_of_anybody)
{
	ck_assert_int_eq(decide(guarded(span_of(credentials[_i].field)), "a", false, 0), credentials[_i].status);
	ck_assert_ptr_nonnull(strstr(why, "not the token"));
}
END_TEST

START_TEST(without_credentials_it_says_what_to_send_and_counts_nothing)
{
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(decide((struct span){ NULL, 0 }, "a", false, 0), 401);
		ck_assert_ptr_nonnull(strstr(why, "bearer token"));
	}
	ck_assert_int_eq(decide(span_of("Bearer " TOKEN), "a", false, 0), 0);
}
END_TEST

/* Base64 of that many bytes, all "u" but the colon behind them and the token. */
START_TEST(long_credentials_are_read_as_far_as_there_is_room_and_else_refused)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char field[4 * (HTTAP_CREDENTIALS_MAX + 8)], plain[HTTAP_CREDENTIALS_MAX + 8];
	size_t name = (size_t)_i, len = name + strlen(":" TOKEN), at = strlen("Basic ");

	memset(plain, 'u', name);
	memcpy(plain + name, ":" TOKEN, strlen(":" TOKEN));
	memcpy(field, "Basic ", at);
	for (size_t i = 0; i < len; i += 3) {
		unsigned int bits = 0;
		for (size_t k = i; k < i + 3; k++)
			bits = bits << 8 | (k < len ? (unsigned char)plain[k] : 0);
		for (int shift = 18; shift >= 0; shift -= 6)
			field[at++] = letters[bits >> shift & 63];
	}
	for (size_t k = len; k % 3 != 0; k++)
		field[at - 1 - (k - len)] = '=';
	ck_assert_int_eq(decide(guarded((struct span){ field, at }), "a", false, 0), len <= HTTAP_CREDENTIALS_MAX ? 0 : 401);
}
END_TEST

/* --- Guessing ----------------------------------------------------------------------------------------------------- */

START_TEST(after_five_wrong_ones_a_peer_is_heard_once_a_second)
{
	for (int i = 0; i < HTTAP_GUESSES; i++)
		ck_assert_int_eq(guess("a", 1000), 401);
	ck_assert_int_eq(guess("a", 1000), 429);
	ck_assert_int_eq(decide(span_of("Bearer " TOKEN), "a", false, 1000 + HTTAP_GUESS_US - 1), 429);
	ck_assert_int_eq(decide(span_of("Bearer " TOKEN), "a", false, 1000 + HTTAP_GUESS_US), 0);
	ck_assert_int_eq(guess("a", 1000 + HTTAP_GUESS_US), 401);
	ck_assert_int_eq(guess("a", 1000 + HTTAP_GUESS_US), 429);
	/* What is refused so is not counted: else who asks often enough would never be heard again. */
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(guess("a", 1000 + HTTAP_GUESS_US), 429);
	ck_assert_int_eq(guess("a", 1000 + 2 * HTTAP_GUESS_US), 401);
	ck_assert_int_eq(guess("a", 1000 + 2 * HTTAP_GUESS_US), 429);
}
END_TEST

START_TEST(an_hour_of_guessing_tries_3604_tokens)
{
	unsigned int heard = 0;

	for (int64_t now = 0; now < INT64_C(3600000000); now += 10000)
		heard += guess("a", now) == 401;
	ck_assert_uint_eq(heard, 3600 + HTTAP_GUESSES - 1);
}
END_TEST

START_TEST(after_five_seconds_all_is_forgotten)
{
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < HTTAP_GUESSES; i++)
			ck_assert_int_eq(guess("a", round * HTTAP_GUESSES * HTTAP_GUESS_US), 401);
		ck_assert_int_eq(guess("a", round * HTTAP_GUESSES * HTTAP_GUESS_US), 429);
	}
}
END_TEST

START_TEST(who_guesses_keeps_out_few_others)
{
	unsigned int kept_out = 0;
	char peer[32];

	for (int i = 0; i < HTTAP_GUESSES; i++)
		ck_assert_int_eq(guess("192.168.1.20", 0), 401);
	for (unsigned int i = 0; i < 256; i++) {
		snprintf(peer, sizeof(peer), "192.168.2.%u", i);
		kept_out += decide(span_of("Bearer " TOKEN), peer, false, 0) == 429;
	}
	ck_assert_msg(kept_out <= 256 / HTTAP_GUESSERS * 3, "%u of 256 are kept out", kept_out);
}
END_TEST

START_TEST(who_has_named_it_before_is_heard_whoever_guesses)
{
	for (int i = 0; i < 2 * HTTAP_GUESSES; i++)
		(void)guess("a", 0);
	ck_assert_int_eq(decide(span_of("Bearer " TOKEN), "a", false, 0), 429);
	ck_assert_int_eq(decide(span_of("Bearer " TOKEN), "a", true, 0), 0);
	ck_assert_int_eq(decide(span_of("Bearer this-is-not-it"), "a", true, 0), 401);
}
END_TEST

/* --- A server with one ------------------------------------------------------------------------------------------- */

#define WITH_TOKEN HOST "Authorization: Bearer " TOKEN "\r\n"

static const struct asked_row {
	const char *request;
	int to_write, to_read; /* statuses without the token, where it is for writing and where it is for everything */
	const char *challenge;
} asked_rows[] = {
	{ "GET /?LED" END, 200, 401, "Bearer realm=\"httapd\"" },
	{ "GET /" END, 200, 401, "Basic realm=\"httapd\", charset=\"UTF-8\"" },
	{ "GET /1" END, 401, 401, "Basic realm=\"httapd\", charset=\"UTF-8\"" },
	{ "POST /?LED" HOST "Content-Length: 1\r\n\r\n1", 401, 401, "Bearer realm=\"httapd\"" },
	{ "POST /?stop" HOST "Content-Length: 0\r\n\r\n", 200, 401, "Bearer realm=\"httapd\"" },
	{ "OPTIONS /?LED" END, 204, 204, NULL },
};

START_TEST(without_the_token_one_may_stop_and_perhaps_read)
{
	const struct asked_row *row = &asked_rows[_i / 2];
	char challenge[100];

	rig.httap.config.token = TOKEN;
	rig.httap.config.token_to_read = _i % 2 != 0;
	struct peer *peer = rig_peer();
	peer_say(peer, row->request);
	struct answer answer = peer_answer(peer);
	ck_assert_int_eq(answer.status, _i % 2 != 0 ? row->to_read : row->to_write);
	if (row->challenge != NULL) {
		(void)snprintf(challenge, sizeof(challenge), "WWW-Authenticate: %s", row->challenge);
		ck_assert(answer_has(&answer, challenge) == (answer.status == 401));
	}
	ck_assert_uint_eq(rig.app.writes, 0);
}
END_TEST

START_TEST(with_the_token_everything_is_answered)
{
	rig.httap.config.token = TOKEN;
	rig.httap.config.token_to_read = true;
	struct peer *peer = rig_peer();
	peer_say(peer, "POST /?LED" WITH_TOKEN "Content-Length: 1\r\n\r\n1");
	expect(peer_answer(peer), 200, NULL);
	ck_assert_uint_eq(rig.app.value[LED], 1);
	peer_say(peer, "GET /?LED" WITH_TOKEN "\r\n");
	expect(peer_answer(peer), 200, NULL);
}
END_TEST

Suite *httap_token_suite(void)
{
	Suite *suite = suite_create("httap/token");
	TCase *tokens = tcase_create("tokens"), *guessing = tcase_create("guessing"), *server = tcase_create("server");

	tcase_add_loop_test(tokens, a_token_is_16_and_more_characters_that_both_schemes_carry, 0, ROWS(good_rows));
	tcase_add_test(tokens, a_token_has_at_most_128_characters);
	suite_add_tcase(suite, tokens);

	tcase_add_checked_fixture(guessing, forget, NULL);
	tcase_add_loop_test(guessing, the_token_is_the_bearer_or_the_password_of_anybody, 0, ROWS(credentials));
	tcase_add_test(guessing, without_credentials_it_says_what_to_send_and_counts_nothing);
	tcase_add_loop_test(guessing, long_credentials_are_read_as_far_as_there_is_room_and_else_refused, 355, 375);
	tcase_add_test(guessing, after_five_wrong_ones_a_peer_is_heard_once_a_second);
	tcase_add_test(guessing, an_hour_of_guessing_tries_3604_tokens);
	tcase_add_test(guessing, after_five_seconds_all_is_forgotten);
	tcase_add_test(guessing, who_guesses_keeps_out_few_others);
	tcase_add_test(guessing, who_has_named_it_before_is_heard_whoever_guesses);
	suite_add_tcase(suite, guessing);

	tcase_add_checked_fixture(server, rig_unix, rig_down);
	tcase_add_loop_test(server, without_the_token_one_may_stop_and_perhaps_read, 0, 2 * ROWS(asked_rows));
	tcase_add_test(server, with_the_token_everything_is_answered);
	suite_add_tcase(suite, server);
	return suite;
}
