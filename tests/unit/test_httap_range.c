/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/range.c: every kind of Range field, for files of several sizes.
 */
#include <stdio.h>

#include "httap/range.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

#define HUGE_SIZE UINT64_C(9223372036854775807)

static const struct range_row {
	const char *field;
	uint64_t size;
	int status;
	uint64_t first, length;
} range_rows[] = {
	{ "bytes=0-0", 10, 206, 0, 1 },
	{ "bytes=0-9", 10, 206, 0, 10 },
	{ "bytes=2-5", 10, 206, 2, 4 },
	{ "bytes=9-9", 10, 206, 9, 1 },
	{ "bytes=9-10", 10, 206, 9, 1 },
	{ "bytes=5-99", 10, 206, 5, 5 },
	{ "bytes=0-", 10, 206, 0, 10 },
	{ "bytes=9-", 10, 206, 9, 1 },
	{ "bytes=-1", 10, 206, 9, 1 },
	{ "bytes=-10", 10, 206, 0, 10 },
	{ "bytes=-11", 10, 206, 0, 10 },
	{ "bytes=-9223372036854775807", 10, 206, 0, 10 },
	{ "bytes=000-0009", 10, 206, 0, 10 },
	{ "BYTES=1-2", 10, 206, 1, 2 },
	{ "bytes= 1-2", 10, 206, 1, 2 },
	{ "bytes=4-9223372036854775807", 10, 206, 4, 6 },
	{ "bytes=9223372036854775806-9223372036854775807", HUGE_SIZE, 206, HUGE_SIZE - 1, 1 },
	{ "bytes=0-9223372036854775807", HUGE_SIZE, 206, 0, HUGE_SIZE },
	{ "bytes=-9223372036854775807", HUGE_SIZE, 206, 0, HUGE_SIZE },

	/* None of its bytes is there (RFC 9110 section 14.1.1). */
	{ "bytes=10-", 10, 416, 0, 0 },
	{ "bytes=10-10", 10, 416, 0, 0 },
	{ "bytes=11-20", 10, 416, 0, 0 },
	{ "bytes=-0", 10, 416, 0, 0 },
	{ "bytes=0-", 0, 416, 0, 0 },
	{ "bytes=0-0", 0, 416, 0, 0 },
	{ "bytes=-1", 0, 416, 0, 0 },
	{ "bytes=9223372036854775807-", HUGE_SIZE, 416, 0, 0 },

	/* Ignored. */
	{ "", 10, 200, 0, 0 },
	{ "bytes", 10, 200, 0, 0 },
	{ "bytes=", 10, 200, 0, 0 },
	{ "bytes=-", 10, 200, 0, 0 },
	{ "bytes=1", 10, 200, 0, 0 },
	{ "bytes=5-4", 10, 200, 0, 0 },
	{ "bytes=1-2,4-5", 10, 200, 0, 0 },
	{ "bytes=0-0,-1", 10, 200, 0, 0 },
	{ "bytes=1-2,", 10, 200, 0, 0 },
	{ "bytes=,1-2", 10, 200, 0, 0 },
	{ "bytes=1-2-3", 10, 200, 0, 0 },
	{ "bytes=--1", 10, 200, 0, 0 },
	{ "bytes=+1-2", 10, 200, 0, 0 },
	{ "bytes=1-+2", 10, 200, 0, 0 },
	{ "bytes=1 -2", 10, 200, 0, 0 },
	{ "bytes=1- 2", 10, 200, 0, 0 },
	{ "bytes=a-b", 10, 200, 0, 0 },
	{ "bytes=0x1-2", 10, 200, 0, 0 },
	{ "bytes=1.0-2", 10, 200, 0, 0 },
	{ "bytes==1-2", 10, 200, 0, 0 },
	{ "bytes =1-2", 10, 200, 0, 0 },
	{ "bytes:1-2", 10, 200, 0, 0 },
	{ "lines=1-2", 10, 200, 0, 0 },
	{ "byte=1-2", 10, 200, 0, 0 },
	{ "bytess=1-2", 10, 200, 0, 0 },
	{ "=1-2", 10, 200, 0, 0 },
	{ "1-2", 10, 200, 0, 0 },
	/* Numbers of no file. */
	{ "bytes=0-9223372036854775808", 10, 200, 0, 0 },
	{ "bytes=18446744073709551616-", 10, 200, 0, 0 },
	{ "bytes=-18446744073709551617", 10, 200, 0, 0 },
	{ "bytes=0-99999999999999999999999999999999999999999999", 10, 200, 0, 0 },
};

START_TEST(a_field_names_a_part_or_is_ignored)
{
	const struct range_row *row = &range_rows[_i];
	struct range range = { 77, 77 };
	int status = range_parse(guarded(span_of(row->field)), row->size, &range);

	ck_assert_msg(status == row->status, "%s is %d", row->field, status);
	ck_assert_uint_eq(range.first, status == 206 ? row->first : 77);
	ck_assert_uint_eq(range.length, status == 206 ? row->length : 77);
}
END_TEST

START_TEST(no_field_is_no_part)
{
	struct range range;

	ck_assert_int_eq(range_parse((struct span){ NULL, 0 }, 10, &range), 200);
}
END_TEST

START_TEST(a_part_is_never_beyond_the_file)
{
	char field[32];

	for (uint64_t size = 0; size < 5; size++)
		for (int first = -1; first < 7; first++)
			for (int last = -1; last < 7; last++) {
				struct range range;
				(void)snprintf(field, sizeof(field), "bytes=%.*d-%.*d", first >= 0, first >= 0 ? first : 0, last >= 0,
					last >= 0 ? last : 0);
				if (range_parse(span_of(field), size, &range) == 206)
					ck_assert_msg(range.length > 0 && range.first < size && range.length <= size - range.first, "%s of %d",
						field, (int)size);
			}
}
END_TEST

Suite *httap_range_suite(void)
{
	Suite *suite = suite_create("httap/range");
	TCase *ranges = tcase_create("ranges");

	tcase_add_loop_test(ranges, a_field_names_a_part_or_is_ignored, 0, ROWS(range_rows));
	tcase_add_test(ranges, no_field_is_no_part);
	tcase_add_test(ranges, a_part_is_never_beyond_the_file);
	suite_add_tcase(suite, ranges);
	return suite;
}
