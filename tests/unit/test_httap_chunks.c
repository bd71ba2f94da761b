/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/chunks.c: every body whole, in every two parts and byte by byte, each part ending at a forbidden page.
 */
#include <stdio.h>
#include <string.h>

#include "httap/frame.h"
#include "httapd_limits.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

#define MORE 0
#define COMPLETE 1

/* --- A body, decoded as it arrives -------------------------------------------------------------------------------- */

struct decoded {
	int status;
	size_t used;
	size_t len;
	char body[HTTAP_BODY_MAX];
};

/* Decodes the first `first` bytes and then `step` at a time, to the end or the first verdict. */
static void decode_in_pieces(struct decoded *decoded, struct span in, size_t first, size_t step)
{
	struct chunks chunks = { 0 };
	size_t piece = first;

	decoded->status = MORE;
	decoded->used = decoded->len = 0;
	for (size_t at = 0;; at += piece, piece = step < in.len - at ? step : in.len - at) {
		char *part = guard_page_copy(in.at + at, piece);
		const char *why = NULL;
		size_t len = piece, used = piece + 1;

		decoded->status = chunks_decode(&chunks, part, &len, &used, &why);
		ck_assert_msg(
			used <= piece && len <= used, "%s: %zu of %zu bytes taken and %zu made", shown(in), used, piece, len);
		ck_assert_msg(decoded->status != MORE || used == piece, "%s: %zu of %zu bytes taken", shown(in), used, piece);
		ck_assert_msg(decoded->status <= COMPLETE || (why != NULL && why[0] != '\0'), "%s: no reason", shown(in));
		ck_assert_msg(decoded->len + len <= sizeof(decoded->body), "%s: the body is too long", shown(in));
		memcpy(decoded->body + decoded->len, part, len);
		decoded->len += len;
		decoded->used += used;
		if (decoded->status != MORE || at + piece == in.len)
			break;
	}
}

static void check_same(struct span in, const struct decoded *found, const struct decoded *expected, size_t cut)
{
	ck_assert_msg(found->status == expected->status, "%s cut at %zu is %d and not %d", shown(in), cut, found->status,
		expected->status);
	ck_assert_msg(found->used == expected->used, "%s cut at %zu takes %zu and not %zu", shown(in), cut, found->used,
		expected->used);
	ck_assert_msg(found->len == expected->len && memcmp(found->body, expected->body, found->len) == 0,
		"%s cut at %zu becomes %s and not %s", shown(in), cut, shown((struct span){ found->body, found->len }),
		shown((struct span){ expected->body, expected->len }));
}

/* Decodes in all three ways, which must agree. */
static void decode(struct decoded *whole, struct span in)
{
	struct decoded cut;

	decode_in_pieces(whole, in, in.len, in.len);
	for (size_t first = 0; first < in.len; first++) {
		decode_in_pieces(&cut, in, first, in.len);
		check_same(in, &cut, whole, first);
	}
	decode_in_pieces(&cut, in, 1 < in.len ? 1 : in.len, 1);
	check_same(in, &cut, whole, 1);
}

static void check_status(struct span in, int expected)
{
	struct decoded whole;

	decode(&whole, in);
	ck_assert_msg(whole.status == expected, "%s is %d and not %d", shown(in), whole.status, expected);
}

/* --- Bodies ------------------------------------------------------------------------------------------------------- */

static const struct good_row {
	struct span in;
	struct span body;
	size_t left; /* bytes that belong to the next request */
} good_rows[] = {
	{ BYTES("0\r\n\r\n"), BYTES(""), 0 },
	{ BYTES("00000000\r\n\r\n"), BYTES(""), 0 },
	{ BYTES("1\r\nx\r\n0\r\n\r\n"), BYTES("x"), 0 },
	{ BYTES("00000001\r\nx\r\n0\r\n\r\n"), BYTES("x"), 0 },
	{ BYTES("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), BYTES("hello world"), 0 },
	{ BYTES("a\r\n0123456789\r\n0\r\n\r\n"), BYTES("0123456789"), 0 },
	{ BYTES("A\r\n0123456789\r\n0\r\n\r\n"), BYTES("0123456789"), 0 },
	{ BYTES("0a\r\n0123456789\r\n0\r\n\r\n"), BYTES("0123456789"), 0 },
	{ BYTES("10\r\n0123456789abcdef\r\n0\r\n\r\n"), BYTES("0123456789abcdef"), 0 },
	{ BYTES("1b\r\n0123456789abcdefghijklmnopq\r\n0\r\n\r\n"), BYTES("0123456789abcdefghijklmnopq"), 0 },
	{ BYTES("5\r\n\r\n0\r\n\r\n0\r\n\r\n"), BYTES("\r\n0\r\n"), 0 },
	{ BYTES("4\r\n\0\n\r\377\r\n0\r\n\r\n"), BYTES("\0\n\r\377"), 0 },
	{ BYTES("1;a\r\nx\r\n0\r\n\r\n"), BYTES("x"), 0 },
	{ BYTES("1;a=b;c=\"d\" \t\200\r\nx\r\n0;e\r\n\r\n"), BYTES("x"), 0 },
	{ BYTES("1;\r\nx\r\n0;\r\n\r\n"), BYTES("x"), 0 },
	{ BYTES("0\r\nContent-Length: 9\r\n\r\n"), BYTES(""), 0 },
	{ BYTES("1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n"), BYTES("x"), 0 },
	{ BYTES("1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"), BYTES("x"), 18 },
	{ BYTES("0\r\n\r\n\r\n"), BYTES(""), 2 },
	{ BYTES("0\r\n\r\nX"), BYTES(""), 1 },
	{ BYTES("0\r\nA: b\r\n\r\n0\r\n\r\n"), BYTES(""), 5 },
};

START_TEST(a_body_is_decoded_and_what_follows_is_left)
{
	const struct good_row *row = &good_rows[_i];
	struct decoded whole;

	decode(&whole, row->in);
	ck_assert_msg(whole.status == COMPLETE, "%s is %d", shown(row->in), whole.status);
	ck_assert_msg(whole.used == row->in.len - row->left, "%s: %zu bytes taken", shown(row->in), whole.used);
	ck_assert_msg(whole.len == row->body.len && memcmp(whole.body, row->body.at, whole.len) == 0, "%s becomes %s and not %s",
		shown(row->in), shown((struct span){ whole.body, whole.len }), shown(row->body));
}
END_TEST

START_TEST(a_body_is_incomplete_before_its_last_byte)
{
	const struct good_row *row = &good_rows[_i];

	for (size_t len = 0; len < row->in.len - row->left; len++)
		check_status((struct span){ row->in.at, len }, MORE);
}
END_TEST

START_TEST(nothing_is_taken_behind_a_complete_body)
{
	struct chunks chunks = { 0 };
	char end[] = "0\r\n\r\n", next[] = "1\r\nx\r\n";
	size_t len = 5, used;
	const char *why;

	ck_assert_int_eq(chunks_decode(&chunks, end, &len, &used, &why), COMPLETE);
	len = 6;
	ck_assert_int_eq(chunks_decode(&chunks, next, &len, &used, &why), COMPLETE);
	ck_assert_uint_eq(used, 0);
	ck_assert_uint_eq(len, 0);
}
END_TEST

/* --- Refusals ----------------------------------------------------------------------------------------------------- */

static const struct refused_row {
	struct span in;
	int status;
} refused_rows[] = {
	/* sizes */
	{ BYTES("\r\n"), 400 },
	{ BYTES("\n"), 400 },
	{ BYTES(";a\r\n"), 400 },
	{ BYTES("g\r\n"), 400 },
	{ BYTES("1g\r\n"), 400 },
	{ BYTES("0x1\r\n"), 400 },
	{ BYTES("+1\r\n"), 400 },
	{ BYTES("-1\r\n"), 400 },
	{ BYTES("1 \r\n"), 400 },
	{ BYTES(" 1\r\n"), 400 },
	{ BYTES("1\t\r\n"), 400 },
	{ BYTES("_1\r\n"), 400 },
	{ BYTES("1_\r\n"), 400 },
	{ BYTES("1_0\r\n"), 400 },
	{ BYTES("1.0\r\n"), 400 },
	{ BYTES("1,1\r\n"), 400 },
	{ BYTES("1\0\r\n"), 400 },
	{ BYTES("\261\r\n"), 400 },
	{ BYTES("1\n"), 400 },
	{ BYTES("1\r\r"), 400 },
	{ BYTES("1\rx"), 400 },
	{ BYTES("000000001\r\n"), 400 },
	{ BYTES("000000000\r\n"), 400 },
	{ BYTES("100000000\r\n"), 400 },
	{ BYTES("FFFFFFFFFFFFFFFF\r\n"), 400 },
	{ BYTES("8000000000000000\r\n"), 400 },
	{ BYTES("10000000000000001\r\n"), 400 },
	{ BYTES("1001\r\n"), 413 },
	{ BYTES("1001;a\r\n"), 413 },
	{ BYTES("7fffffff\r\n"), 413 },
	{ BYTES("80000000\r\n"), 413 },
	{ BYTES("ffffffff\r\n"), 413 },
	{ BYTES("1\r\nx\r\n1000\r\n"), 413 },
	{ BYTES("1\r\nx\r\nffffffff\r\n"), 413 },
	/* ends of chunks */
	{ BYTES("1\r\nxX"), 400 },
	{ BYTES("1\r\nxXX"), 400 },
	{ BYTES("1\r\nx\n"), 400 },
	{ BYTES("1\r\nx\rX"), 400 },
	{ BYTES("1\r\nx\r\r"), 400 },
	{ BYTES("1\r\nx\n\r"), 400 },
	{ BYTES("1\r\nx0\r\n\r\n"), 400 },
	{ BYTES("1\r\nx\r\n\r\n"), 400 },
	{ BYTES("1\r\nx\r\n\n"), 400 },
	/* extensions */
	{ BYTES("1;a\n"), 400 },
	{ BYTES("1;a\rb"), 400 },
	{ BYTES("1;\0"), 400 },
	{ BYTES("1;\x1f"), 400 },
	{ BYTES("1;\177"), 400 },
	/* trailers */
	{ BYTES("0\r\n\n"), 400 },
	{ BYTES("0\r\n\rX"), 400 },
	{ BYTES("0\r\n\r\r"), 400 },
	{ BYTES("0\r\nA: b\n"), 400 },
	{ BYTES("0\r\nA: b\rX"), 400 },
	{ BYTES("0\r\nA: \0"), 400 },
	{ BYTES("0\r\nA: \177"), 400 },
	{ BYTES("0\r\nA: b\r\n\rX"), 400 },
};

START_TEST(a_malformed_body_is_refused)
{
	struct span in = refused_rows[_i].in;

	check_status(in, refused_rows[_i].status);
}
END_TEST

START_TEST(a_size_begins_with_a_hexadecimal_digit)
{
	char byte = (char)_i;

	check_status((struct span){ &byte, 1 }, text_hex(byte) >= 0 ? MORE : 400);
}
END_TEST

START_TEST(a_size_goes_on_with_a_digit_or_ends_with_cr_or_semicolon)
{
	char in[] = { '1', (char)_i };

	check_status((struct span){ in, 2 }, text_hex(in[1]) >= 0 || _i == '\r' || _i == ';' ? MORE : 400);
}
END_TEST

START_TEST(an_extension_and_a_trailer_are_text)
{
	char extension[] = "1;?", trailer[] = "0\r\nA?";
	int expected = text_is((char)_i, TEXT_VALUE) || _i == '\r' ? MORE : 400;

	extension[2] = trailer[4] = (char)_i;
	check_status((struct span){ extension, 3 }, expected);
	check_status((struct span){ trailer, 5 }, expected);
}
END_TEST

/* --- Limits ------------------------------------------------------------------------------------------------------- */

/* Chunks of one size with an extension of one length each, and a trailer: the bytes between "0\r\n" and the last CRLF, without
 * the ends of their lines. */
static const struct limit_row {
	size_t chunks;
	size_t chunk;
	size_t extension;
	size_t trailer;
	int status;
} limit_rows[] = {
	{ 1, HTTAP_BODY_MAX, 0, 0, COMPLETE },
	{ 1, HTTAP_BODY_MAX + 1, 0, 0, 413 },
	{ 2, HTTAP_BODY_MAX / 2, 0, 0, COMPLETE },
	{ 2, HTTAP_BODY_MAX / 2 + 1, 0, 0, 413 },
	{ 512, HTTAP_BODY_MAX / 512, 0, 0, COMPLETE },
	{ 513, HTTAP_BODY_MAX / 512, 0, 0, 413 },
	{ 1, 1, HTTAP_CHUNK_EXTENSION_MAX, 0, COMPLETE },
	{ 1, 1, HTTAP_CHUNK_EXTENSION_MAX + 1, 0, 400 },
	{ 2, 1, HTTAP_CHUNK_EXTENSION_MAX / 2, 0, COMPLETE },
	{ 2, 1, HTTAP_CHUNK_EXTENSION_MAX / 2 + 1, 0, 400 },
	{ 0, 0, 0, HTTAP_TRAILER_MAX, COMPLETE },
	{ 0, 0, 0, HTTAP_TRAILER_MAX + 1, 400 },
	{ 1, 1, HTTAP_CHUNK_EXTENSION_MAX, HTTAP_TRAILER_MAX, COMPLETE },
};

static char *put_run(char *at, char c, size_t count)
{
	memset(at, c, count);
	return at + count;
}

static struct span body_of(const struct limit_row *row)
{
	static char in[4 * HTTAP_BODY_MAX];
	char *at = in;

	for (size_t i = 0; i < row->chunks; i++) {
		at += sprintf(at, row->extension > 0 ? "%zx;" : "%zx", row->chunk);
		at = put_run(at, 'e', row->extension);
		at += sprintf(at, "\r\n");
		at = put_run(at, 'x', row->chunk);
		at += sprintf(at, "\r\n");
	}
	at += sprintf(at, "0\r\n");
	for (size_t left = row->trailer, line; left > 0; left -= line) {
		line = left < 60 ? left : 60;
		at = put_run(at, 't', line);
		at += sprintf(at, "\r\n");
	}
	at += sprintf(at, "\r\n");
	return (struct span){ in, (size_t)(at - in) };
}

START_TEST(a_body_has_its_limits)
{
	const struct limit_row *row = &limit_rows[_i];
	struct decoded whole;

	decode(&whole, body_of(row));
	ck_assert_msg(whole.status == row->status, "%zu chunks of %zu, extensions of %zu, a trailer of %zu: %d and not %d",
		row->chunks, row->chunk, row->extension, row->trailer, whole.status, row->status);
	if (row->status == COMPLETE)
		ck_assert_uint_eq(whole.len, row->chunks * row->chunk);
}
END_TEST

START_TEST(an_endless_extension_or_trailer_is_refused)
{
	static const char *const begins[] = { "1;", "0\r\nA: " };
	static char in[65536];
	struct decoded decoded;

	put_run(in, 'x', sizeof(in));
	memcpy(in, begins[_i], strlen(begins[_i]));
	decode_in_pieces(&decoded, (struct span){ in, sizeof(in) }, sizeof(in), sizeof(in));
	ck_assert_int_eq(decoded.status, 400);
	ck_assert_uint_lt(decoded.used, 2048);
}
END_TEST

Suite *httap_chunks_suite(void)
{
	Suite *suite = suite_create("httap/chunks");
	TCase *good = tcase_create("good"), *refused = tcase_create("refused"), *limits = tcase_create("limits");

	tcase_add_loop_test(good, a_body_is_decoded_and_what_follows_is_left, 0, ROWS(good_rows));
	tcase_add_loop_test(good, a_body_is_incomplete_before_its_last_byte, 0, ROWS(good_rows));
	tcase_add_test(good, nothing_is_taken_behind_a_complete_body);
	suite_add_tcase(suite, good);

	tcase_add_loop_test(refused, a_malformed_body_is_refused, 0, ROWS(refused_rows));
	tcase_add_loop_test(refused, a_size_begins_with_a_hexadecimal_digit, 0, 256);
	tcase_add_loop_test(refused, a_size_goes_on_with_a_digit_or_ends_with_cr_or_semicolon, 0, 256);
	tcase_add_loop_test(refused, an_extension_and_a_trailer_are_text, 0, 256);
	suite_add_tcase(suite, refused);

	tcase_add_loop_test(limits, a_body_has_its_limits, 0, ROWS(limit_rows));
	tcase_add_loop_test(limits, an_endless_extension_or_trailer_is_refused, 0, 2);
	suite_add_tcase(suite, limits);
	return suite;
}
