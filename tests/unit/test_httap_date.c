/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/date.c: dates that are written and read back, and all that is none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httap/date.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

static const struct date_row {
	int64_t seconds;
	const char *text;
} date_rows[] = {
	{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" }, /* RFC 9110 section 5.6.7 */
	{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
	{ -1, "Wed, 31 Dec 1969 23:59:59 GMT" },
	{ 951782399, "Mon, 28 Feb 2000 23:59:59 GMT" },
	{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
	{ 1767225600, "Thu, 01 Jan 2026 00:00:00 GMT" },
	{ 4107542399, "Sun, 28 Feb 2100 23:59:59 GMT" },
	{ 4107542400, "Mon, 01 Mar 2100 00:00:00 GMT" },
	{ INT64_C(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT" },
	{ INT64_C(-30610224000), "Wed, 01 Jan 1000 00:00:00 GMT" },
};

START_TEST(a_moment_has_one_text_that_means_it)
{
	const struct date_row *row = &date_rows[_i];
	char text[DATE_SIZE];
	int64_t seconds = 1;

	date_format(text, row->seconds);
	ck_assert_str_eq(text, row->text);
	ck_assert(date_parse(guarded(span_of(text)), &seconds));
	ck_assert_int_eq(seconds, row->seconds);
}
END_TEST

START_TEST(a_year_without_four_digits_has_no_text)
{
	static const int64_t moments[] = { INT64_C(253402300800), INT64_C(-30610224001), INT64_MAX, INT64_MIN };
	char text[DATE_SIZE] = "untouched";

	date_format(text, moments[_i]);
	ck_assert_str_eq(text, "");
}
END_TEST

static const struct date_row old_rows[] = {
	{ 784111777, "Sunday, 06-Nov-94 08:49:37 GMT" }, /* RFC 9110 section 5.6.7 */
	{ 784111777, "Sun Nov  6 08:49:37 1994" },
	{ 784198177, "Monday, 07-Nov-94 08:49:37 GMT" },
	{ 784284577, "Tuesday, 08-Nov-94 08:49:37 GMT" },
	{ 784370977, "Wednesday, 09-Nov-94 08:49:37 GMT" },
	{ 784457377, "Thursday, 10-Nov-94 08:49:37 GMT" },
	{ 784543777, "Friday, 11-Nov-94 08:49:37 GMT" },
	{ 784630177, "Saturday, 12-Nov-94 08:49:37 GMT" },
	{ 784630177, "Sat Nov 12 08:49:37 1994" },
	{ 784111777, "Sun Nov 06 08:49:37 1994" },
	{ 0, "Thursday, 01-Jan-70 00:00:00 GMT" },
	{ 3155759999, "Tuesday, 31-Dec-69 23:59:59 GMT" },
	/* A leap second, as the one before it. */
	{ 1483228799, "Sat, 31 Dec 2016 23:59:60 GMT" },
	/* Nobody counts the days of the week. */
	{ 784111777, "Mon, 06 Nov 1994 08:49:37 GMT" },
};

START_TEST(the_obsolete_forms_are_read_too)
{
	int64_t seconds = 1;

	ck_assert_msg(date_parse(guarded(span_of(old_rows[_i].text)), &seconds), "%s", old_rows[_i].text);
	ck_assert_int_eq(seconds, old_rows[_i].seconds);
}
END_TEST

static const char *const no_dates[] = {
	"", " ", "0", "now", "784111777",
	"Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GM", "Sun, 06 Nov 1994 08:49:37 GMTx", "Sun, 06 Nov 1994 08:49:37 UTC",
	"Sun, 06 Nov 1994 08:49:37 gmt", "sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
	"Sun 06 Nov 1994 08:49:37 GMT", "Sun,06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun,  6 Nov 1994 08:49:37 GMT",
	"Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 08-49-37 GMT",
	"Xyz, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Xyz 1994 08:49:37 GMT", "unM, 06 Nov 1994 08:49:37 GMT", "Sun, 06 anF 1994 08:49:37 GMT",
	"Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 32 Dec 1994 08:49:37 GMT", "Sun, 29 Feb 1995 08:49:37 GMT",
	"Sun, 29 Feb 1900 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 23:60:00 GMT", "Sun, 06 Nov 1994 23:59:61 GMT",
	"Sun, -6 Nov 1994 08:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT", "Sun, 0x Nov 1994 08:49:37 GMT",
	"Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06 Nov 94 08:49:37 GMT", "Sun, 06-Nov-94 08:49:37 GMT", "Thuday, 06-Nov-94 08:49:37 GMT x",
	"Sunday, 31-Feb-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun Nov  6 08:49:37 94", "Sun Nov  6 08:49:37 1994 GMT",
	"Sun Nov  0 08:49:37 1994", "Sun Nov   08:49:37 1994", "1994-11-06T08:49:37Z", "\"Sun, 06 Nov 1994 08:49:37 GMT\"",
	"Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
};

START_TEST(everything_else_is_none)
{
	int64_t seconds;

	ck_assert_msg(!date_parse(guarded(span_of(no_dates[_i])), &seconds), "%s", no_dates[_i]);
	ck_assert(!date_parse((struct span){ NULL, 0 }, &seconds));
}
END_TEST

START_TEST(a_date_that_is_cut_anywhere_is_none)
{
	static const char *const whole[] = { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" };
	struct span text = span_of(whole[_i]);
	int64_t seconds;

	for (size_t len = 0; len < text.len; len++)
		ck_assert_msg(!date_parse(guarded((struct span){ text.at, len }), &seconds), "%.*s", (int)len, text.at);
}
END_TEST

START_TEST(the_program_s_time_zone_and_locale_do_not_matter)
{
	char text[DATE_SIZE];
	int64_t seconds;

	ck_assert_int_eq(setenv("TZ", "Pacific/Auckland", 1), 0);
	date_format(text, 784111777);
	ck_assert(date_parse(span_of(text), &seconds));
	ck_assert_int_eq(unsetenv("TZ"), 0);
	ck_assert_str_eq(text, "Sun, 06 Nov 1994 08:49:37 GMT");
	ck_assert_int_eq(seconds, 784111777);
}
END_TEST

Suite *httap_date_suite(void)
{
	Suite *suite = suite_create("httap/date");
	TCase *dates = tcase_create("dates");

	tcase_add_loop_test(dates, a_moment_has_one_text_that_means_it, 0, ROWS(date_rows));
	tcase_add_loop_test(dates, a_year_without_four_digits_has_no_text, 0, 4);
	tcase_add_loop_test(dates, the_obsolete_forms_are_read_too, 0, ROWS(old_rows));
	tcase_add_loop_test(dates, everything_else_is_none, 0, ROWS(no_dates));
	tcase_add_loop_test(dates, a_date_that_is_cut_anywhere_is_none, 0, 3);
	tcase_add_test(dates, the_program_s_time_zone_and_locale_do_not_matter);
	suite_add_tcase(suite, dates);
	return suite;
}
