/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/text.c: the classes of all 256 bytes against the grammar of the standards, numbers, names and spans.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "httap/text.h"
#include "httapd_limits.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

#define DIGITS "0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"

static bool among(const char *set, int byte)
{
	return byte != 0 && strchr(set, byte) != NULL;
}

/* --- Classes ------------------------------------------------------------------------------------------------------ */

START_TEST(a_token_has_the_chars_of_rfc_9110_section_5_6_2)
{
	ck_assert_int_eq(text_is((char)_i, TEXT_TOKEN), among("!#$%&'*+-.^_`|~" DIGITS UPPER LOWER, _i));
}
END_TEST

/* field-vchar = VCHAR / obs-text, and between them SP and HTAB. */
START_TEST(a_value_has_the_chars_of_rfc_9110_section_5_5)
{
	bool vchar = _i >= 0x21 && _i <= 0x7e, obs_text = _i >= 0x80;

	ck_assert_int_eq(text_is((char)_i, TEXT_VALUE), vchar || obs_text || _i == ' ' || _i == '\t');
}
END_TEST

START_TEST(a_target_has_printable_ascii_without_space_and_number_sign)
{
	ck_assert_int_eq(text_is((char)_i, TEXT_TARGET), _i > ' ' && _i < 0x7f && _i != '#');
}
END_TEST

START_TEST(digits_and_letters_are_those_of_ascii)
{
	ck_assert_int_eq(text_is_digit((char)_i), among(DIGITS, _i));
	ck_assert_int_eq(text_is((char)_i, TEXT_ALPHA), among(UPPER LOWER, _i));
	ck_assert_int_eq(text_is((char)_i, TEXT_UPPER), among(UPPER, _i));
	ck_assert_int_eq(text_is((char)_i, TEXT_NAME), among(DIGITS UPPER LOWER "_", _i));
}
END_TEST

START_TEST(a_hexadecimal_digit_has_its_value_and_other_bytes_have_none)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
	int expected = -1;

	for (int value = 0; value < 16; value++)
		if (_i == lower[value] || _i == upper[value])
			expected = value;
	ck_assert_int_eq(text_hex((char)_i), expected);
}
END_TEST

/* --- Numbers ------------------------------------------------------------------------------------------------------ */

static const struct number_row {
	struct span text;
	uint64_t max;
	bool good;
	uint64_t number;
} number_rows[] = {
	{ BYTES("0"), UINT64_MAX, true, 0 },
	{ BYTES("7"), UINT64_MAX, true, 7 },
	{ BYTES("007"), 7, true, 7 },
	{ BYTES("0000000000000000000000000000000000000001"), 1, true, 1 },
	{ BYTES("00"), 0, true, 0 },
	{ BYTES("4096"), 4096, true, 4096 },
	{ BYTES("4097"), 4096, false, 0 },
	{ BYTES("65535"), 65535, true, 65535 },
	{ BYTES("65536"), 65535, false, 0 },
	{ BYTES("655350"), 65535, false, 0 },
	{ BYTES("9223372036854775807"), INT64_MAX, true, INT64_MAX },
	{ BYTES("9223372036854775808"), INT64_MAX, false, 0 },
	{ BYTES("18446744073709551615"), UINT64_MAX, true, UINT64_MAX },
	{ BYTES("18446744073709551616"), UINT64_MAX, false, 0 },
	{ BYTES("18446744073709551620"), UINT64_MAX, false, 0 },
	{ BYTES("99999999999999999999"), UINT64_MAX, false, 0 },
	{ BYTES("184467440737095516150"), UINT64_MAX, false, 0 },
	{ BYTES("340282366920938463463374607431768211457"), UINT64_MAX, false, 0 }, /* 2^128 + 1 */
	{ BYTES(""), UINT64_MAX, false, 0 },
	{ BYTES("+1"), UINT64_MAX, false, 0 },
	{ BYTES("-1"), UINT64_MAX, false, 0 },
	{ BYTES("-0"), UINT64_MAX, false, 0 },
	{ BYTES(" 1"), UINT64_MAX, false, 0 },
	{ BYTES("1 "), UINT64_MAX, false, 0 },
	{ BYTES("1 1"), UINT64_MAX, false, 0 },
	{ BYTES("1,1"), UINT64_MAX, false, 0 },
	{ BYTES("1_0"), UINT64_MAX, false, 0 },
	{ BYTES("1.0"), UINT64_MAX, false, 0 },
	{ BYTES("1e1"), UINT64_MAX, false, 0 },
	{ BYTES("0x1"), UINT64_MAX, false, 0 },
	{ BYTES("1Z"), UINT64_MAX, false, 0 },
	{ BYTES("1\0"), UINT64_MAX, false, 0 },
};

START_TEST(a_number_is_digits_up_to_its_maximum)
{
	const struct number_row *row = &number_rows[_i];
	uint64_t number = 0;
	bool good = text_number(guarded(row->text), row->max, &number);

	ck_assert_msg(good == row->good, "%s up to %" PRIu64 " is %s", shown(row->text), row->max, good ? "read" : "refused");
	ck_assert_msg(number == row->number, "%s is read as %" PRIu64, shown(row->text), number);
}
END_TEST

START_TEST(a_number_over_a_small_maximum_is_refused)
{
	uint64_t max = (uint64_t)_i;

	for (uint64_t n = 0; n < 120; n++) {
		char text[24];
		uint64_t number = n + 1;
		int len = snprintf(text, sizeof(text), "%" PRIu64, n);
		bool good = text_number((struct span){ text, (size_t)len }, max, &number);
		ck_assert_msg(good == (n <= max), "%s up to %d is %s", text, _i, good ? "read" : "refused");
		ck_assert_msg(!good || number == n, "%s is read as %" PRIu64, text, number);
	}
}
END_TEST

START_TEST(only_a_digit_may_stand_anywhere_in_a_number)
{
	for (size_t at = 0; at < 3; at++) {
		char text[] = "111";
		uint64_t number;
		text[at] = (char)_i;
		struct span span = { text, 3 };
		ck_assert_msg(text_number(guarded(span), UINT64_MAX, &number) == among(DIGITS, _i), "%s", shown(span));
	}
}
END_TEST

/* --- Names -------------------------------------------------------------------------------------------------------- */

#define NAME_31 "A123456789012345678901234567890"

static const struct name_row {
	struct span name;
	bool good;
} name_rows[] = {
	{ BYTES("A"), true },
	{ BYTES("LED"), true },
	{ BYTES("Led"), true },
	{ BYTES("LED1"), true },
	{ BYTES("L_"), true },
	{ BYTES("L__E"), true },
	{ BYTES("MOTOR.LEFT"), true },
	{ BYTES("MOTOR.1"), true },
	{ BYTES("MOTOR.1a"), true },
	{ BYTES("A.B.C.D"), true },
	{ BYTES(NAME_31), true },
	{ BYTES(NAME_31 "1"), false },
	{ BYTES("A.2345678901234567890123456789.B"), false },
	{ BYTES(""), false },
	{ BYTES("led"), false },
	{ BYTES("lED"), false },
	{ BYTES("1LED"), false },
	{ BYTES("_LED"), false },
	{ BYTES(".LED"), false },
	{ BYTES("LED."), false },
	{ BYTES("MOTOR..LEFT"), false },
	{ BYTES("MOTOR.left"), false },
	{ BYTES("MOTOR._L"), false },
	{ BYTES("MOTOR.LEFT."), false },
	{ BYTES("LED "), false },
	{ BYTES("LED,BUTTON"), false },
	{ BYTES("LED-1"), false },
	{ BYTES("LED\0"), false },
	{ BYTES("L\303\211D"), false },
};

START_TEST(a_signal_name_begins_with_a_capital_in_each_part_or_a_digit_in_later_ones)
{
	struct span name = name_rows[_i].name;

	ck_assert_msg(text_is_signal_name(guarded(name)) == name_rows[_i].good, "%s is %s", shown(name),
		name_rows[_i].good ? "refused" : "taken");
}
END_TEST

START_TEST(each_place_in_a_signal_name_takes_its_own_bytes)
{
	char first[] = "?A", second[] = "A?A", part[] = "A.?A", last[] = "A?";

	first[0] = second[1] = part[2] = last[1] = (char)_i;
	ck_assert_int_eq(text_is_signal_name((struct span){ first, 2 }), among(UPPER, _i));
	ck_assert_int_eq(text_is_signal_name((struct span){ second, 3 }), among(UPPER LOWER DIGITS "_.", _i));
	ck_assert_int_eq(text_is_signal_name((struct span){ part, 4 }), among(UPPER DIGITS, _i));
	ck_assert_int_eq(text_is_signal_name((struct span){ last, 2 }), among(UPPER LOWER DIGITS "_", _i));
}
END_TEST

/* --- Spans -------------------------------------------------------------------------------------------------------- */

START_TEST(two_bytes_are_equal_without_case_only_when_they_are_letters)
{
	bool letter = among(UPPER LOWER, _i);

	for (int other = 0; other < 256; other++) {
		char a = (char)_i, b = (char)other;
		bool expected = _i == other || (letter && among(UPPER LOWER, other) && (_i ^ other) == 0x20);
		ck_assert_msg(
			span_equal_nocase((struct span){ &a, 1 }, (struct span){ &b, 1 }) == expected, "%#x and %#x", _i, other);
	}
}
END_TEST

static const struct equal_row {
	struct span span;
	const char *text;
	bool same;
	bool same_nocase;
} equal_rows[] = {
	{ BYTES("host"), "host", true, true },
	{ BYTES("Host"), "host", false, true },
	{ BYTES("HOST"), "hosT", false, true },
	{ BYTES(""), "", true, true },
	{ BYTES(""), "a", false, false },
	{ BYTES("a"), "", false, false },
	{ BYTES("hos"), "host", false, false },
	{ BYTES("host"), "hos", false, false },
	{ BYTES("hos\0"), "hos", false, false },
	{ BYTES("h\0st"), "h", false, false },
	{ { NULL, 0 }, "a", false, false },
};

START_TEST(a_span_equals_a_text_of_the_same_length_and_bytes)
{
	const struct equal_row *row = &equal_rows[_i];
	struct span span = row->span.at != NULL ? guarded(row->span) : row->span;

	ck_assert_msg(span_is(span, row->text) == row->same, "%s and \"%s\"", shown(row->span), row->text);
	ck_assert_msg(span_is_nocase(span, row->text) == row->same_nocase, "%s and \"%s\"", shown(row->span), row->text);
	ck_assert_msg(
		span_equal_nocase(span, span_of(row->text)) == row->same_nocase, "%s and \"%s\"", shown(row->span), row->text);
}
END_TEST

static const struct trim_row {
	struct span span;
	const char *trimmed;
} trim_rows[] = {
	{ BYTES(""), "" },
	{ BYTES(" "), "" },
	{ BYTES(" \t \t"), "" },
	{ BYTES("a"), "a" },
	{ BYTES("\t a \t"), "a" },
	{ BYTES(" a \t b "), "a \t b" },
	{ BYTES("a "), "a" },
	{ BYTES(" a"), "a" },
	{ BYTES("\va\f"), "\va\f" },
	{ BYTES("\r\na\r\n"), "\r\na\r\n" },
	{ BYTES("\240a\240"), "\240a\240" },
};

START_TEST(spaces_and_tabs_are_trimmed_and_nothing_else)
{
	struct span span = trim_rows[_i].span;
	struct span before_page = guarded(span), behind_page = { guard_page_copy_behind(span.at, span.len), span.len };

	ck_assert_msg(span_is(span_trim(before_page), trim_rows[_i].trimmed), "%s", shown(span));
	ck_assert_msg(span_is(span_trim(behind_page), trim_rows[_i].trimmed), "%s", shown(span));
}
END_TEST

/* A list and what it is cut into: each element stands in brackets. */
static const struct list_row {
	struct span list;
	const char *elements;
} next_rows[] = {
	{ { NULL, 0 }, "" },
	{ BYTES(""), "[]" },
	{ BYTES("a"), "[a]" },
	{ BYTES(","), "[][]" },
	{ BYTES(",,"), "[][][]" },
	{ BYTES("a,b"), "[a][b]" },
	{ BYTES(",a"), "[][a]" },
	{ BYTES("a,"), "[a][]" },
	{ BYTES("a,,b"), "[a][][b]" },
	{ BYTES(" a , b "), "[ a ][ b ]" },
	{ BYTES("a;b"), "[a;b]" },
}, word_rows[] = {
	{ BYTES(""), "" },
	{ BYTES(" \t\r\n\v\f"), "" },
	{ BYTES("a"), "[a]" },
	{ BYTES(" a"), "[a]" },
	{ BYTES("a "), "[a]" },
	{ BYTES("a b"), "[a][b]" },
	{ BYTES("\ta\v\fb\r\nc\n"), "[a][b][c]" },
	{ BYTES("a,b;c"), "[a,b;c]" },
	{ BYTES("a\240b \x1f"), "[a\240b][\x1f]" },
};

static bool next_of_comma_list(struct span *rest, struct span *element)
{
	return span_next(rest, ',', element);
}

static void check_list(const struct list_row *row, bool (*next)(struct span *rest, struct span *element))
{
	struct span rest = row->list.at != NULL ? guarded(row->list) : row->list, element;
	char found[64];
	size_t len = 0;

	while (next(&rest, &element) && len + element.len + 3 < sizeof(found)) {
		found[len++] = '[';
		memcpy(found + len, element.at, element.len);
		len += element.len;
		found[len++] = ']';
	}
	found[len] = '\0';
	ck_assert_msg(strcmp(found, row->elements) == 0, "%s is cut into %s and not %s", shown(row->list), shown(span_of(found)),
		shown(span_of(row->elements)));
	ck_assert_msg(!next(&rest, &element), "%s: something is left behind the end", shown(row->list));
}

START_TEST(a_list_is_cut_at_each_separator)
{
	check_list(&next_rows[_i], next_of_comma_list);
}
END_TEST

START_TEST(words_are_cut_at_white_space)
{
	check_list(&word_rows[_i], span_word);
}
END_TEST

START_TEST(a_byte_that_is_not_printable_becomes_a_question_mark)
{
	char byte = (char)_i, out[2];

	text_printable(out, sizeof(out), (struct span){ &byte, 1 });
	ck_assert_int_eq(out[0], _i >= 0x20 && _i <= 0x7e ? byte : '?');
	ck_assert_int_eq(out[1], '\0');
}
END_TEST

START_TEST(printable_text_is_cut_to_the_room_and_terminated)
{
	size_t size = (size_t)_i;
	char full[16], *out = guard_page_copy(memset(full, 'x', sizeof(full)), size);

	text_printable(out, size, SPAN("abcdef"));
	ck_assert_uint_eq(strlen(out), size - 1 < 6 ? size - 1 : 6);
	ck_assert_int_eq(strncmp(out, "abcdef", strlen(out)), 0);
}
END_TEST

Suite *httap_text_suite(void)
{
	Suite *suite = suite_create("httap/text");
	TCase *classes = tcase_create("classes"), *numbers = tcase_create("numbers"), *names = tcase_create("names"),
	      *spans = tcase_create("spans");

	tcase_add_loop_test(classes, a_token_has_the_chars_of_rfc_9110_section_5_6_2, 0, 256);
	tcase_add_loop_test(classes, a_value_has_the_chars_of_rfc_9110_section_5_5, 0, 256);
	tcase_add_loop_test(classes, a_target_has_printable_ascii_without_space_and_number_sign, 0, 256);
	tcase_add_loop_test(classes, digits_and_letters_are_those_of_ascii, 0, 256);
	tcase_add_loop_test(classes, a_hexadecimal_digit_has_its_value_and_other_bytes_have_none, 0, 256);
	suite_add_tcase(suite, classes);

	tcase_add_loop_test(numbers, a_number_is_digits_up_to_its_maximum, 0, ROWS(number_rows));
	tcase_add_loop_test(numbers, a_number_over_a_small_maximum_is_refused, 0, 101);
	tcase_add_loop_test(numbers, only_a_digit_may_stand_anywhere_in_a_number, 0, 256);
	suite_add_tcase(suite, numbers);

	tcase_add_loop_test(names, a_signal_name_begins_with_a_capital_in_each_part_or_a_digit_in_later_ones, 0, ROWS(name_rows));
	tcase_add_loop_test(names, each_place_in_a_signal_name_takes_its_own_bytes, 0, 256);
	suite_add_tcase(suite, names);

	tcase_add_loop_test(spans, two_bytes_are_equal_without_case_only_when_they_are_letters, 0, 256);
	tcase_add_loop_test(spans, a_span_equals_a_text_of_the_same_length_and_bytes, 0, ROWS(equal_rows));
	tcase_add_loop_test(spans, spaces_and_tabs_are_trimmed_and_nothing_else, 0, ROWS(trim_rows));
	tcase_add_loop_test(spans, a_list_is_cut_at_each_separator, 0, ROWS(next_rows));
	tcase_add_loop_test(spans, words_are_cut_at_white_space, 0, ROWS(word_rows));
	tcase_add_loop_test(spans, a_byte_that_is_not_printable_becomes_a_question_mark, 0, 256);
	tcase_add_loop_test(spans, printable_text_is_cut_to_the_room_and_terminated, 1, 10);
	suite_add_tcase(suite, spans);
	return suite;
}
