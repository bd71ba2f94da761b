/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/list.c: whoever leaves from wherever, the others stay in their order, seen from both ends.
 */
#include <stdbool.h>

#include "httap/list.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

#define ITEMS 4

struct item {
	char name;
	struct link link;
};

static struct list list;
static struct item items[ITEMS];

static void setup(void)
{
	list = (struct list){ NULL, NULL };
	for (size_t i = 0; i < ITEMS; i++)
		items[i] = (struct item){ .name = (char)('a' + i) };
}

/* The names from the first to the last; each link must lead back to where it was come from. */
static void check_names(const char *expected)
{
	char names[ITEMS + 1];
	size_t len = 0;
	const struct link *before = NULL;

	for (struct link *link = list.first; link != NULL; link = link->after) {
		ck_assert_uint_lt(len, ITEMS);
		ck_assert_ptr_eq(link->before, before);
		names[len++] = LINK_OWNER(link, struct item, link)->name;
		before = link;
	}
	names[len] = '\0';
	ck_assert_ptr_eq(list.last, before);
	ck_assert_str_eq(names, expected);
}

START_TEST(a_list_of_zeros_is_empty)
{
	check_names("");
}
END_TEST

START_TEST(what_is_appended_comes_last)
{
	static const char *const names[] = { "a", "ab", "abc", "abcd" };

	for (size_t i = 0; i < ITEMS; i++) {
		list_append(&list, &items[i].link);
		check_names(names[i]);
	}
}
END_TEST

/* Every order in which four can leave. */
START_TEST(who_leaves_leaves_the_others_in_their_order)
{
	size_t order[ITEMS] = { (size_t)_i / 64, (size_t)_i / 16 % 4, (size_t)_i / 4 % 4, (size_t)_i % 4 };
	bool left[ITEMS] = { false };
	char expected[ITEMS + 1];

	for (size_t i = 0; i < ITEMS; i++)
		list_append(&list, &items[i].link);
	for (size_t i = 0; i < ITEMS; i++) {
		size_t len = 0;
		if (left[order[i]])
			return; /* no order of all of them */
		left[order[i]] = true;
		list_remove(&list, &items[order[i]].link);
		for (size_t k = 0; k < ITEMS; k++)
			if (!left[k])
				expected[len++] = items[k].name;
		expected[len] = '\0';
		check_names(expected);
	}
}
END_TEST

START_TEST(who_has_left_may_come_again)
{
	for (size_t i = 0; i < ITEMS; i++)
		list_append(&list, &items[i].link);
	list_remove(&list, &items[1].link);
	list_append(&list, &items[1].link);
	check_names("acdb");
	for (size_t i = 0; i < ITEMS; i++)
		list_remove(&list, &items[i].link);
	list_append(&list, &items[2].link);
	check_names("c");
}
END_TEST

Suite *httap_list_suite(void)
{
	Suite *suite = suite_create("httap/list");
	TCase *tcase = tcase_create("lists");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_test(tcase, a_list_of_zeros_is_empty);
	tcase_add_test(tcase, what_is_appended_comes_last);
	tcase_add_loop_test(tcase, who_leaves_leaves_the_others_in_their_order, 0, 256);
	tcase_add_test(tcase, who_has_left_may_come_again);
	suite_add_tcase(suite, tcase);
	return suite;
}
