/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/json.c: every byte as a string, read back by a reader of its own, and buffers of every size.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "httap/json.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

static void check_json(const struct httap_json *json, const char *expected)
{
	struct span text = { json->out, json->len };

	ck_assert_msg(!json->overflow, "%s overflows", shown(text));
	ck_assert_msg(span_is(text, expected), "%s and not %s", shown(text), shown(span_of(expected)));
}

/* --- Strings ------------------------------------------------------------------------------------------------------ */

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads \u00XX at `at` of `text`: the byte, or -1. */
static int read_escape(struct span text, size_t at)
{
	if (text.len - at < 6 || memcmp(text.at + at, "\\u00", 4) != 0)
		return -1;
	int high = hex_value(text.at[at + 4]), low = hex_value(text.at[at + 5]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Reads a string as RFC 8259 section 7 has it, from the escapes that we use. False when it is malformed. */
static bool read_string(struct span text, char *out, size_t *len)
{
	*len = 0;
	if (text.len < 2 || text.at[0] != '"' || text.at[text.len - 1] != '"')
		return false;
	text = (struct span){ text.at + 1, text.len - 2 };
	for (size_t i = 0; i < text.len; i++) {
		int c = text.at[i];
		if (c < 0x20 || c > 0x7e || c == '"')
			return false;
		if (c == '\\' && i + 1 < text.len && (text.at[i + 1] == '\\' || text.at[i + 1] == '"')) {
			c = text.at[++i];
		} else if (c == '\\') {
			c = read_escape(text, i);
			if (c < 0)
				return false;
			i += 5;
		}
		out[(*len)++] = (char)c;
	}
	return true;
}

/* Writes a string and reads it back. */
static void check_string(struct span text)
{
	char out[4096], back[4096];
	struct httap_json json;

	json_begin(&json, out, sizeof(out));
	size_t len;

	json_string(&json, guarded(text));
	struct span written = { out, json.len };
	ck_assert_msg(!json.overflow && read_string(written, back, &len), "%s is written as %s", shown(text), shown(written));
	ck_assert_msg(len == text.len && memcmp(back, text.at, len) == 0, "%s is read back as %s", shown(text),
		shown((struct span){ back, len }));
	ck_assert_msg(memchr(out, '<', json.len) == NULL, "%s would end a script element", shown(written));
}

START_TEST(each_byte_comes_back_from_a_string)
{
	char bytes[] = { (char)_i, 'a', (char)_i, (char)_i };

	check_string((struct span){ bytes, 1 });
	check_string((struct span){ bytes, sizeof(bytes) });
}
END_TEST

START_TEST(a_printable_byte_is_written_as_it_is_and_others_by_number)
{
	char byte = (char)_i, out[16], expected[16];
	struct httap_json json;

	json_begin(&json, out, sizeof(out));

	if (_i == '"' || _i == '\\')
		snprintf(expected, sizeof(expected), "\"\\%c\"", byte);
	else if (_i < 0x20 || _i > 0x7e || _i == '<')
		snprintf(expected, sizeof(expected), "\"\\u%04x\"", (unsigned int)_i);
	else
		snprintf(expected, sizeof(expected), "\"%c\"", byte);
	json_string(&json, (struct span){ &byte, 1 });
	check_json(&json, expected);
}
END_TEST

START_TEST(all_bytes_together_come_back_from_a_string)
{
	char bytes[256];

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	check_string((struct span){ bytes, sizeof(bytes) });
	check_string(SPAN(""));
	check_string(SPAN("</script><!--"));
	check_string(SPAN("\\\"\\\\\"\"\\u0041"));
}
END_TEST

/* --- Numbers ------------------------------------------------------------------------------------------------------ */

static const int64_t numbers[] = { 0, 1, -1, 9, 10, -10, 99, 100, 20261123, INT32_MAX, INT32_MIN, UINT32_MAX, INT64_MAX,
	INT64_MAX - 1, INT64_MIN, INT64_MIN + 1 };

START_TEST(a_number_is_written_in_decimal_digits)
{
	char out[20], expected[32]; /* the longest has 20 */
	struct httap_json json;

	json_begin(&json, out, sizeof(out));

	snprintf(expected, sizeof(expected), "%" PRId64, numbers[_i]);
	json_digits(&json, numbers[_i]);
	check_json(&json, expected);
}
END_TEST

/* --- Objects ------------------------------------------------------------------------------------------------------ */

static const char whole[] =
	"{\"a\":1,\"b\\\"\":{},\"c\":{\"d\":\"x\\u003cy\",\"e\":null,\"f\":{\"g\":true}},\"h\":false,\"i\":-5}";

static void write_whole(struct httap_json *json)
{
	json_open(json);
	httap_json_number(json, "a", 1);
	json_name(json, SPAN("b\""));
	json_open(json);
	json_close(json);
	json_name(json, SPAN("c"));
	json_open(json);
	httap_json_text(json, "d", "x<y");
	httap_json_text(json, "e", NULL);
	json_name(json, SPAN("f"));
	json_open(json);
	httap_json_bool(json, "g", true);
	json_close(json);
	json_close(json);
	httap_json_bool(json, "h", false);
	httap_json_number(json, "i", -5);
	json_close(json);
}

START_TEST(commas_stand_between_members_and_nowhere_else)
{
	char out[sizeof(whole)];
	struct httap_json json;

	json_begin(&json, out, sizeof(out));

	write_whole(&json);
	check_json(&json, whole);
}
END_TEST

/* The buffer ends at a forbidden page. */
START_TEST(a_buffer_that_is_too_small_is_reported_and_not_overrun)
{
	static const char empty[sizeof(whole)];
	size_t size = (size_t)_i;
	struct httap_json json;

	json_begin(&json, guard_page_copy(empty, size), size);

	write_whole(&json);
	ck_assert_uint_le(json.len, size);
	ck_assert_msg(json.overflow == (size < sizeof(whole) - 1), "%zu bytes for %zu: overflow is %d", size, sizeof(whole) - 1,
		json.overflow);
	if (!json.overflow)
		check_json(&json, whole);
}
END_TEST

START_TEST(a_digit_that_does_not_fit_is_reported_and_nothing_of_it_written)
{
	static const char two[] = "\"A\":1,\"B\":0", empty[sizeof(two)];
	size_t size = (size_t)_i;
	struct httap_json json;

	json_begin(&json, guard_page_copy(empty, size), size);
	json_digit(&json, SPAN("A"), 1);
	json_digit(&json, SPAN("B"), 0);
	/* A comma that the first one does not need is reckoned with. */
	ck_assert_uint_eq(json.len, size < 6 ? 0 : size < sizeof(two) - 1 ? 5 : sizeof(two) - 1);
	ck_assert(json.overflow == (size < sizeof(two) - 1));
	ck_assert_mem_eq(json.out, two, json.len);
}
END_TEST

START_TEST(an_overflow_stays_when_something_shorter_fits)
{
	char out[4];
	struct httap_json json;

	json_begin(&json, out, sizeof(out));

	json_raw(&json, SPAN("12345"));
	json_raw(&json, SPAN("1"));
	ck_assert(json.overflow);
}
END_TEST

Suite *httap_json_suite(void)
{
	Suite *suite = suite_create("httap/json");
	TCase *strings = tcase_create("strings"), *digits = tcase_create("numbers"), *objects = tcase_create("objects");

	tcase_add_loop_test(strings, each_byte_comes_back_from_a_string, 0, 256);
	tcase_add_loop_test(strings, a_printable_byte_is_written_as_it_is_and_others_by_number, 0, 256);
	tcase_add_test(strings, all_bytes_together_come_back_from_a_string);
	suite_add_tcase(suite, strings);

	tcase_add_loop_test(digits, a_number_is_written_in_decimal_digits, 0, ROWS(numbers));
	suite_add_tcase(suite, digits);

	tcase_add_test(objects, commas_stand_between_members_and_nowhere_else);
	tcase_add_loop_test(objects, a_buffer_that_is_too_small_is_reported_and_not_overrun, 0, (int)sizeof(whole));
	tcase_add_loop_test(objects, a_digit_that_does_not_fit_is_reported_and_nothing_of_it_written, 0, 13);
	tcase_add_test(objects, an_overflow_stays_when_something_shorter_fits);
	suite_add_tcase(suite, objects);
	return suite;
}
