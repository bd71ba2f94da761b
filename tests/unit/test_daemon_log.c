/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The log: what is held and when it is written, what is counted when there is no room, and that nobody who does not read it can
 * hold the daemon up. Standard error is a pipe here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define NOW INT64_C(5000000)

static struct log held;
static int saved_stderr, reader;

static void setup(void)
{
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	ck_assert_int_ge(saved_stderr, 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	(void)close(ends[1]);
	reader = ends[0];
	ck_assert_int_eq(fcntl(reader, F_SETFL, O_NONBLOCK), 0);
	log_open(&held, LOG_REQUESTS);
}

static void teardown(void)
{
	(void)dup2(saved_stderr, STDERR_FILENO);
	(void)close(saved_stderr);
	(void)close(reader);
}

/* What was written since the last time. */
static const char *written(void)
{
	static char text[128 * 1024];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 && (n = read(reader, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

static void hold(const char *line)
{
	log_hold(&held, LOG_CHANGES, NOW, "%s", line);
}

START_TEST(a_line_is_written_at_once_when_it_must_be)
{
	log_now(&held, "httapd: %d and %s", 1, "two");
	ck_assert_str_eq(written(), "httapd: 1 and two\n");
	ck_assert_int_eq(held.flush_at, INT64_MAX);
}
END_TEST

START_TEST(lines_are_held_until_they_are_flushed_and_stay_in_order)
{
	hold("one");
	hold("two");
	ck_assert_str_eq(written(), "");
	log_flush(&held);
	ck_assert_str_eq(written(), "one\ntwo\n");
	log_flush(&held);
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(the_first_line_sets_the_time_to_flush)
{
	ck_assert_int_eq(held.flush_at, INT64_MAX);
	log_hold(&held, LOG_CHANGES, NOW, "one");
	ck_assert_int_eq(held.flush_at, NOW + DAEMON_LOG_HOLD_MS * MS);
	log_hold(&held, LOG_CHANGES, NOW + 50 * MS, "two");
	ck_assert_int_eq(held.flush_at, NOW + DAEMON_LOG_HOLD_MS * MS);
	log_flush(&held);
	ck_assert_int_eq(held.flush_at, INT64_MAX);
	log_hold(&held, LOG_CHANGES, NOW + 500 * MS, "three");
	ck_assert_int_eq(held.flush_at, NOW + 600 * MS);
}
END_TEST

START_TEST(a_line_that_is_written_at_once_comes_behind_those_that_were_held)
{
	hold("held");
	log_now(&held, "now");
	ck_assert_str_eq(written(), "held\nnow\n");
}
END_TEST

static const struct level_row {
	enum log_level configured;
	enum log_level line;
	bool logged;
} levels[] = {
	{ LOG_ERRORS, LOG_ERRORS, true },    { LOG_ERRORS, LOG_CHANGES, false },   { LOG_ERRORS, LOG_REQUESTS, false },
	{ LOG_CHANGES, LOG_ERRORS, true },   { LOG_CHANGES, LOG_CHANGES, true },   { LOG_CHANGES, LOG_REQUESTS, false },
	{ LOG_REQUESTS, LOG_ERRORS, true },  { LOG_REQUESTS, LOG_CHANGES, true },  { LOG_REQUESTS, LOG_REQUESTS, true },
};

START_TEST(a_line_above_the_configured_level_is_nothing)
{
	log_open(&held, levels[_i].configured);
	log_hold(&held, levels[_i].line, NOW, "line");
	ck_assert(held.flush_at == (levels[_i].logged ? NOW + DAEMON_LOG_HOLD_MS * MS : INT64_MAX));
	log_flush(&held);
	ck_assert_str_eq(written(), levels[_i].logged ? "line\n" : "");
	log_now(&held, "always");
	ck_assert_str_eq(written(), "always\n");
}
END_TEST

/* --- Too much ----------------------------------------------------------------------------------------------------- */

static const struct length_row {
	size_t len;
	size_t kept;
} lengths[] = {
	{ 0, 0 }, { 1, 1 }, { 509, 509 }, { 510, 510 }, { 511, 510 }, { 512, 510 }, { 2000, 510 }, { 5000, 510 },
};

START_TEST(a_long_line_is_cut_at_its_end_and_still_ends)
{
	char line[5001], wanted[600];

	memset(line, 'x', lengths[_i].len);
	line[lengths[_i].len] = '\0';
	memset(wanted, 'x', lengths[_i].kept);
	memcpy(wanted + lengths[_i].kept, "\n", 2);
	hold(line);
	log_flush(&held);
	ck_assert_str_eq(written(), wanted);
	log_now(&held, "%s", line);
	ck_assert_str_eq(written(), wanted);
	ck_assert_uint_eq(held.missed, 0);
}
END_TEST

/* 64 bytes with its end: 64 of them are all that is held. */
static const char line_of_64[] = "123456789 123456789 123456789 123456789 123456789 123456789 123";

START_TEST(what_there_is_no_room_for_is_counted_and_the_number_is_written)
{
	const char *text;

	for (int i = 0; i < 64; i++)
		hold(line_of_64);
	ck_assert_uint_eq(held.missed, 0);
	for (int i = 0; i < 3; i++)
		hold(line_of_64);
	ck_assert_uint_eq(held.missed, 3);
	log_flush(&held);
	text = written();
	ck_assert_uint_gt(strlen(text), 4096);
	ck_assert_str_eq(text + 4096, "httapd: 3 lines were not logged: too many at once\n");
	hold("and on");
	log_flush(&held);
	ck_assert_str_eq(written(), "and on\n");
}
END_TEST

/* --- Nobody reads ------------------------------------------------------------------------------------------------- */

/* Fills the pipe to its last page, and lets writes to it block as they do on a journal's. */
static void stick(void)
{
	static const char page[4096] = "";

	ck_assert_int_eq(fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK), 0);
	while (write(STDERR_FILENO, page, sizeof(page)) > 0)
		;
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_SETFL, 0), 0);
}

START_TEST(a_full_pipe_never_blocks_and_loses_nothing_that_fits)
{
	stick();
	hold("held");
	log_flush(&held);
	log_now(&held, "now");
	log_now(&held, "later");
	(void)written(); /* the journal reads again; pages of NULs */
	log_flush(&held);
	ck_assert_str_eq(written(), "held\nnow\nlater\n");
}
END_TEST

START_TEST(what_does_not_fit_while_the_pipe_is_full_is_counted)
{
	const char *text;

	stick();
	for (int i = 0; i < 64 + 5; i++)
		log_now(&held, "%s", line_of_64);
	hold(line_of_64);
	ck_assert_uint_eq(held.missed, 6);
	(void)written();
	log_now(&held, "again");
	text = written();
	ck_assert_uint_gt(strlen(text), 4096);
	ck_assert_str_eq(text + 4096, "httapd: 6 lines were not logged: too many at once\nagain\n");
	ck_assert_uint_eq(held.missed, 0);
}
END_TEST

START_TEST(lines_that_could_not_be_written_go_with_the_next)
{
	stick();
	hold("before");
	log_flush(&held);
	ck_assert_int_eq(held.flush_at, INT64_MAX); /* no wake for what cannot be helped */
	(void)written();
	log_hold(&held, LOG_CHANGES, NOW, "next");
	ck_assert_int_eq(held.flush_at, NOW + DAEMON_LOG_HOLD_MS * MS);
	log_flush(&held);
	ck_assert_str_eq(written(), "before\nnext\n");
}
END_TEST

static void reader_is_gone(void)
{
	must(close(reader) == 0);
	must(fcntl(STDERR_FILENO, F_GETFD) >= 0);
	(void)signal(SIGPIPE, SIG_IGN); /* as httap_start() leaves it */
	for (int i = 0; i < 200; i++)
		log_now(&held, "%s", line_of_64);
	must(close(STDERR_FILENO) == 0);
	for (int i = 0; i < 200; i++)
		log_now(&held, "%s", line_of_64);
}

START_TEST(a_reader_who_is_gone_does_no_harm)
{
	rig_in_child(reader_is_gone);
}
END_TEST

Suite *daemon_log_suite(void)
{
	Suite *suite = suite_create("daemon log");
	TCase *tcase = tcase_create("log");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_line_is_written_at_once_when_it_must_be);
	tcase_add_test(tcase, lines_are_held_until_they_are_flushed_and_stay_in_order);
	tcase_add_test(tcase, the_first_line_sets_the_time_to_flush);
	tcase_add_test(tcase, a_line_that_is_written_at_once_comes_behind_those_that_were_held);
	tcase_add_loop_test(tcase, a_line_above_the_configured_level_is_nothing, 0, ROWS(levels));
	tcase_add_loop_test(tcase, a_long_line_is_cut_at_its_end_and_still_ends, 0, ROWS(lengths));
	tcase_add_test(tcase, what_there_is_no_room_for_is_counted_and_the_number_is_written);
	tcase_add_test(tcase, a_full_pipe_never_blocks_and_loses_nothing_that_fits);
	tcase_add_test(tcase, what_does_not_fit_while_the_pipe_is_full_is_counted);
	tcase_add_test(tcase, lines_that_could_not_be_written_go_with_the_next);
	tcase_add_test(tcase, a_reader_who_is_gone_does_no_harm);
	suite_add_tcase(suite, tcase);
	return suite;
}
