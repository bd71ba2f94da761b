/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The queues of deadlines: kept in order by appending, cancelled anywhere, expired in order.
 */
#include "httap/server.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define CONNS 5

static struct httap_server server;
static struct conn conn[CONNS];

static void setup(void)
{
	memset(&server, 0, sizeof(server));
	server.now = 1000;
	server.timer[TIMER_FIRST].duration = 300;
	server.timer[TIMER_LOBBY].duration = 50;
	server.timer[TIMER_IDLE].duration = 1500;
	server.timer[TIMER_LINGER].duration = 100;
	for (int i = 0; i < CONNS; i++)
		conn[i] = (struct conn){ .server = &server, .timer = TIMER_NONE };
}

/* All of them, 10 apart. */
static void set_all(enum timer_kind kind)
{
	for (int i = 0; i < CONNS; i++) {
		timer_set(&conn[i], kind);
		server.now += 10;
	}
}

/* Expires one after the other, at the end of time, and compares: "01234". */
static void must_expire_as(const char *order)
{
	struct conn *expired;

	server.now = INT64_MAX;
	for (; (expired = timer_expired(&server)) != NULL; order++) {
		ck_assert_int_eq('0' + (int)(expired - conn), *order);
		timer_cancel(expired);
	}
	ck_assert_msg(*order == '\0', "\"%s\" did not expire", order);
	ck_assert_int_eq(timer_next(&server), INT64_MAX);
}

static const struct kind_row {
	enum timer_kind kind;
	int64_t deadline;
} kinds[] = {
	{ TIMER_FIRST, 1300 },
	{ TIMER_LOBBY, 1050 },
	{ TIMER_IDLE, 2500 },
	{ TIMER_LINGER, 1100 },
};

START_TEST(each_kind_has_its_own_duration)
{
	timer_set(&conn[0], kinds[_i].kind);
	ck_assert_int_eq(conn[0].timer, kinds[_i].kind);
	ck_assert_int_eq(conn[0].deadline, kinds[_i].deadline);
	ck_assert_int_eq(timer_next(&server), kinds[_i].deadline);
}
END_TEST

START_TEST(a_deadline_expires_at_its_microsecond_and_not_before)
{
	timer_set(&conn[0], kinds[_i].kind);
	server.now = kinds[_i].deadline - 1;
	ck_assert_ptr_null(timer_expired(&server));
	server.now++;
	ck_assert_ptr_eq(timer_expired(&server), &conn[0]);
}
END_TEST

START_TEST(without_deadlines_the_next_is_never)
{
	ck_assert_int_eq(timer_next(&server), INT64_MAX);
	server.now = INT64_MAX;
	ck_assert_ptr_null(timer_expired(&server));
}
END_TEST

START_TEST(deadlines_of_a_kind_expire_in_the_order_in_which_they_were_set)
{
	set_all(TIMER_IDLE);
	ck_assert_int_eq(timer_next(&server), 2500);
	must_expire_as("01234");
}
END_TEST

static const struct cancel_row {
	int which;
	const char *left;
	int64_t next;
} cancels[] = {
	{ 0, "1234", 1310 },
	{ 1, "0234", 1300 },
	{ 2, "0134", 1300 },
	{ 4, "0123", 1300 },
};

START_TEST(one_that_is_cancelled_anywhere_leaves_the_others_in_order)
{
	set_all(TIMER_FIRST);
	timer_cancel(&conn[cancels[_i].which]);
	ck_assert_int_eq(conn[cancels[_i].which].timer, TIMER_NONE);
	ck_assert_int_eq(timer_next(&server), cancels[_i].next);
	must_expire_as(cancels[_i].left);
}
END_TEST

START_TEST(the_only_one_can_be_cancelled_and_the_queue_used_again)
{
	timer_set(&conn[0], TIMER_FIRST);
	timer_cancel(&conn[0]);
	ck_assert_int_eq(timer_next(&server), INT64_MAX);
	timer_set(&conn[1], TIMER_FIRST);
	timer_set(&conn[0], TIMER_FIRST);
	must_expire_as("10");
}
END_TEST

START_TEST(cancelling_what_is_not_set_does_nothing)
{
	timer_set(&conn[0], TIMER_FIRST);
	timer_cancel(&conn[1]);
	timer_cancel(&conn[1]);
	must_expire_as("0");
}
END_TEST

static const struct reset_row {
	int which;
	const char *order;
} resets[] = {
	{ 0, "12340" },
	{ 2, "01342" },
	{ 4, "01234" },
};

START_TEST(one_that_is_set_again_goes_to_the_end)
{
	set_all(TIMER_IDLE);
	timer_set(&conn[resets[_i].which], TIMER_IDLE);
	must_expire_as(resets[_i].order);
}
END_TEST

START_TEST(another_kind_takes_a_connection_out_of_its_old_queue)
{
	set_all(TIMER_IDLE);
	timer_set(&conn[3], TIMER_LINGER);
	ck_assert_int_eq(conn[3].timer, TIMER_LINGER);
	ck_assert_int_eq(timer_next(&server), 1150);
	server.now = 1150;
	ck_assert_ptr_eq(timer_expired(&server), &conn[3]);
	timer_cancel(&conn[3]);
	ck_assert_ptr_null(timer_expired(&server));
	must_expire_as("0124");
}
END_TEST

START_TEST(the_next_deadline_is_the_nearest_of_all_kinds)
{
	timer_set(&conn[0], TIMER_IDLE);
	ck_assert_int_eq(timer_next(&server), 2500);
	timer_set(&conn[1], TIMER_FIRST);
	ck_assert_int_eq(timer_next(&server), 1300);
	timer_set(&conn[2], TIMER_LINGER);
	ck_assert_int_eq(timer_next(&server), 1100);
	timer_cancel(&conn[2]);
	timer_cancel(&conn[1]);
	ck_assert_int_eq(timer_next(&server), 2500);
}
END_TEST

Suite *httap_timer_suite(void)
{
	Suite *suite = suite_create("httap timer");
	TCase *tcase = tcase_create("queues");

	tcase_add_checked_fixture(tcase, setup, NULL);
	tcase_add_loop_test(tcase, each_kind_has_its_own_duration, 0, ROWS(kinds));
	tcase_add_loop_test(tcase, a_deadline_expires_at_its_microsecond_and_not_before, 0, ROWS(kinds));
	tcase_add_test(tcase, without_deadlines_the_next_is_never);
	tcase_add_test(tcase, deadlines_of_a_kind_expire_in_the_order_in_which_they_were_set);
	tcase_add_loop_test(tcase, one_that_is_cancelled_anywhere_leaves_the_others_in_order, 0, ROWS(cancels));
	tcase_add_test(tcase, the_only_one_can_be_cancelled_and_the_queue_used_again);
	tcase_add_test(tcase, cancelling_what_is_not_set_does_nothing);
	tcase_add_loop_test(tcase, one_that_is_set_again_goes_to_the_end, 0, ROWS(resets));
	tcase_add_test(tcase, another_kind_takes_a_connection_out_of_its_old_queue);
	tcase_add_test(tcase, the_next_deadline_is_the_nearest_of_all_kinds);
	suite_add_tcase(suite, tcase);
	return suite;
}
