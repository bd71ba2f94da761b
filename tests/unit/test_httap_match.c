/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/match.c: tags, conditions, and which coding a peer prefers.
 */
#include <stdio.h>

#include "httap/match.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

/* --- Tags ---------------------------------------------------------------------------------------------------------- */

static const struct etag_row {
	const char *list;
	const char *etag;
	bool weak, strong; /* does it match by either comparison? */
} etag_rows[] = {
	/* RFC 9110 section 8.8.3.2. */
	{ "W/\"1\"", "W/\"1\"", true, false },
	{ "W/\"1\"", "W/\"2\"", false, false },
	{ "W/\"1\"", "\"1\"", true, false },
	{ "\"1\"", "W/\"1\"", true, false },
	{ "\"1\"", "\"1\"", true, true },
	{ "\"1\"", "\"2\"", false, false },

	{ "*", "\"1\"", true, true },
	{ "*", "W/\"1\"", true, true },
	{ "\"*\"", "\"1\"", false, false },
	{ "*,\"2\"", "\"1\"", false, false },
	{ "\"2\", \"1\"", "\"1\"", true, true },
	{ "\"2\",\"1\",\"3\"", "\"1\"", true, true },
	{ "\"2\"\t,\t\"1\"", "\"1\"", true, true },
	{ "W/\"2\", W/\"1\"", "\"1\"", true, false },
	{ "W/\"1\", \"1\"", "\"1\"", true, true },
	{ ", ,\"1\",,", "\"1\"", true, true },
	{ "\"a,b\", \"1\"", "\"1\"", true, true },
	{ "\"a, \"1\"", "\"1\"", false, false },
	{ "\"1\"", "\"1-g\"", false, false },
	{ "\"1-g\"", "\"1\"", false, false },
	{ "\"\"", "\"1\"", false, false },
	{ "", "\"1\"", false, false },
	{ "1", "\"1\"", false, false },
	{ "w/\"1\"", "\"1\"", false, false },
	{ "\"1", "\"1\"", false, false },
	{ "1\"", "\"1\"", false, false },
	{ "\"", "\"1\"", false, false },
	{ "W/", "\"1\"", false, false },
	{ "W", "\"1\"", false, false },
	{ "W/1", "\"1\"", false, false },
	{ "x \"1\"", "\"1\"", false, false },
};

START_TEST(a_tag_is_found_in_a_list_or_not)
{
	const struct etag_row *row = &etag_rows[_i];
	struct span list = guarded(span_of(row->list));

	ck_assert_msg(match_etag(list, row->etag, false) == row->weak, "%s and %s, weakly", row->list, row->etag);
	ck_assert_msg(match_etag(list, row->etag, true) == row->strong, "%s and %s, strongly", row->list, row->etag);
}
END_TEST

/* --- Conditions ---------------------------------------------------------------------------------------------------- */

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define MODIFIED 784111777

static struct span field_of(const char *text)
{
	return text != NULL ? span_of(text) : (struct span){ NULL, 0 };
}

static const struct condition_row {
	const char *if_match, *if_unmodified_since, *if_none_match, *if_modified_since;
	int status;
} condition_rows[] = {
	{ NULL, NULL, NULL, NULL, 200 },
	{ "\"1\"", NULL, NULL, NULL, 200 },
	{ "*", NULL, NULL, NULL, 200 },
	{ "\"2\"", NULL, NULL, NULL, 412 },
	{ "W/\"1\"", NULL, NULL, NULL, 412 },
	{ "", NULL, NULL, NULL, 412 },
	{ NULL, BEFORE, NULL, NULL, 412 },
	{ NULL, SAME, NULL, NULL, 200 },
	{ NULL, AFTER, NULL, NULL, 200 },
	{ NULL, "yesterday", NULL, NULL, 200 },
	{ NULL, NULL, "\"1\"", NULL, 304 },
	{ NULL, NULL, "W/\"1\"", NULL, 304 },
	{ NULL, NULL, "*", NULL, 304 },
	{ NULL, NULL, "\"2\"", NULL, 200 },
	{ NULL, NULL, "", NULL, 200 },
	{ NULL, NULL, NULL, BEFORE, 200 },
	{ NULL, NULL, NULL, SAME, 304 },
	{ NULL, NULL, NULL, AFTER, 304 },
	{ NULL, NULL, NULL, "yesterday", 200 },
	{ NULL, NULL, NULL, "", 200 },
	/* The order of RFC 9110 section 13.2.2: tags come before dates, and what must match before what must not. */
	{ "\"1\"", BEFORE, NULL, NULL, 200 },
	{ "\"2\"", AFTER, NULL, NULL, 412 },
	{ NULL, NULL, "\"2\"", AFTER, 200 },
	{ NULL, NULL, "\"1\"", BEFORE, 304 },
	{ NULL, NULL, "", AFTER, 200 },
	{ "\"2\"", NULL, "\"1\"", NULL, 412 },
	{ NULL, BEFORE, "\"1\"", NULL, 412 },
	{ "\"1\"", NULL, "\"1\"", NULL, 304 },
	{ "\"1\"", AFTER, "\"2\"", SAME, 200 },
	{ NULL, SAME, NULL, SAME, 304 },
};

START_TEST(conditions_are_judged_in_their_order)
{
	const struct condition_row *row = &condition_rows[_i];
	const struct validator validator = { .etag = "\"1\"", .modified = MODIFIED, .settled = true };
	const struct request request = { .field = {
						 [FIELD_IF_MATCH] = field_of(row->if_match),
						 [FIELD_IF_UNMODIFIED_SINCE] = field_of(row->if_unmodified_since),
						 [FIELD_IF_NONE_MATCH] = field_of(row->if_none_match),
						 [FIELD_IF_MODIFIED_SINCE] = field_of(row->if_modified_since),
					 } };

	ck_assert_int_eq(match_conditions(&request, &validator), row->status);
}
END_TEST

static const struct if_range_row {
	const char *field;
	bool settled, followed, followed_weak; /* with a strong tag of ours, and with a weak one */
} if_range_rows[] = {
	{ NULL, true, true, true },
	{ "\"1\"", true, true, false },
	{ "W/\"1\"", true, false, false },
	{ "\"2\"", true, false, false },
	{ "*", true, false, false },
	{ "", true, false, false },
	{ "1", true, false, false },
	{ SAME, true, true, true },
	{ SAME, false, false, false },
	{ BEFORE, true, false, false },
	{ AFTER, true, false, false },
	{ "Sunday, 06-Nov-94 08:49:37 GMT", true, true, true },
	{ "yesterday", true, false, false },
};

START_TEST(a_part_is_sent_only_of_the_file_that_the_peer_has)
{
	const struct if_range_row *row = &if_range_rows[_i];
	struct validator validator = { .etag = "\"1\"", .modified = MODIFIED, .settled = row->settled };

	ck_assert_int_eq(match_if_range(field_of(row->field), &validator), row->followed);
	validator.etag = "W/\"1\"";
	ck_assert_int_eq(match_if_range(field_of(row->field), &validator), row->followed_weak);
}
END_TEST

/* --- Codings ------------------------------------------------------------------------------------------------------- */

static const struct gzip_row {
	const char *field;
	bool gzip;
} gzip_rows[] = {
	{ "gzip", true },
	{ "GZip", true },
	{ "x-gzip", true },
	{ "gzip, deflate, br", true },
	{ "br;q=1.0, gzip;q=0.8, *;q=0.1", true },
	{ "*", true },
	{ "deflate, *", true },
	{ "gzip;q=1", true },
	{ "gzip;q=1.000", true },
	{ "gzip;q=0.001", true },
	{ "gzip;q=.5", false },
	{ "gzip ; q=0.5", true },
	{ "gzip; Q=0.5", true },
	{ "gzip;q=0.", false },
	{ "identity;q=0.5, gzip;q=0.5", true },
	{ "identity;q=0.4, gzip;q=0.5", true },
	{ "identity;q=0, gzip;q=0.1", true },
	{ "identity;q=0, *;q=0.1", true },
	{ "gzip,gzip;q=1", true },
	{ " ,gzip, ,", true },

	{ "", false },
	{ "identity", false },
	{ "br", false },
	{ "gzip;q=0", false },
	{ "gzip;q=0.000", false },
	{ "gzip;q=0, *", false },
	{ "*;q=0", false },
	{ "*;q=0.0", false },
	{ "identity, gzip;q=0.5", false },
	{ "identity;q=0.6, gzip;q=0.5", false },
	{ "identity;q=0.5, *;q=0.4", false },
	{ "gzipx", false },
	{ "gzi", false },
	/* What can't be read is not accepted. */
	{ "gzip;q=", false },
	{ "gzip;q=2", false },
	{ "gzip;q=1.001", false },
	{ "gzip;q=1.5", false },
	{ "gzip;q=0.1234", false },
	{ "gzip;q=-1", false },
	{ "gzip;q=0.x", false },
	{ "gzip;q=one", false },
	{ "gzip;q=10", false },
	{ "gzip;q=00.5", false },
	{ "gzip q=1", false },
};

START_TEST(gzip_is_taken_when_it_is_wanted_at_least_as_much)
{
	const struct gzip_row *row = &gzip_rows[_i];

	ck_assert_msg(match_gzip(guarded(span_of(row->field))) == row->gzip, "Accept-Encoding: %s", row->field);
}
END_TEST

START_TEST(without_the_field_the_file_comes_as_it_is)
{
	ck_assert(!match_gzip((struct span){ NULL, 0 }));
}
END_TEST

Suite *httap_match_suite(void)
{
	Suite *suite = suite_create("httap/match");
	TCase *tags = tcase_create("tags"), *conditions = tcase_create("conditions"), *codings = tcase_create("codings");

	tcase_add_loop_test(tags, a_tag_is_found_in_a_list_or_not, 0, ROWS(etag_rows));
	suite_add_tcase(suite, tags);
	tcase_add_loop_test(conditions, conditions_are_judged_in_their_order, 0, ROWS(condition_rows));
	tcase_add_loop_test(conditions, a_part_is_sent_only_of_the_file_that_the_peer_has, 0, ROWS(if_range_rows));
	suite_add_tcase(suite, conditions);
	tcase_add_loop_test(codings, gzip_is_taken_when_it_is_wanted_at_least_as_much, 0, ROWS(gzip_rows));
	tcase_add_test(codings, without_the_field_the_file_comes_as_it_is);
	suite_add_tcase(suite, codings);
	return suite;
}
