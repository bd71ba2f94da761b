/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The table between signals and lines, against the simulated chip: what a request does to lines, what the log says of it, and
 * what a chip that fails becomes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/routes.h"
#include "gpio/lines.h"
#include "httap/json.h"
#include "httapd_limits.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

enum { R_LED, R_BUTTON, R_LOW, R_KEPT };

static const char lines_text[] = "LED=GPIO17 BUTTON=5,input,bias=pull-up LOW=22,active-low,safe=1 KEPT=23,safe=keep";

static struct gpio_specs specs;
static struct gpio_lines *lines;
static struct routes routes;
static struct log held;
static struct httap_refusal refusal;
static uint8_t value[GPIO_LINES_MAX];
static const struct httap_actor actor = { .session = "0123456789abcdef", .peer = "192.0.2.7", .request = "POST /?LED" };

static void connect_lines(const char *text)
{
	struct gpio_error why;

	must(gpio_specs_parse(&specs, text, &why) == 0);
	lines = gpio_lines_open(&specs, "sim", false, rig.clock, &why);
	must(lines != NULL);
	routes_make(&routes, &specs, &rig.httap, &held);
	routes_connect(&routes, lines);
}

static void setup(void)
{
	rig_unix(); /* for its clock */
	log_open(&held, LOG_CHANGES);
	connect_lines(lines_text);
}

static void teardown(void)
{
	gpio_lines_close(lines);
	rig_down();
}

static int read_lines(const uint16_t *line, size_t count)
{
	return routes.signals.read(routes.signals.context, line, count, value, &refusal);
}

static int write_lines(const struct httap_write *write, size_t count)
{
	return routes.signals.write(routes.signals.context, &actor, write, count, value, &refusal);
}

static int write_line(unsigned int line, enum httap_action action)
{
	return write_lines(&(struct httap_write){ .signal = (uint16_t)line, .action = (uint8_t)action }, 1);
}

static uint8_t line_value(unsigned int line)
{
	ck_assert_int_eq(read_lines(&(uint16_t){ (uint16_t)line }, 1), 0);
	return value[0];
}

static void must_have_logged(const char *text)
{
	if (held.len != strlen(text) || memcmp(held.held, text, held.len) != 0)
		rig_fail(__FILE__, __LINE__, "logged was \"%.*s\", not \"%s\"", (int)held.len, held.held, text);
	held.len = 0;
}

/* --- The table ---------------------------------------------------------------------------------------------------- */

START_TEST(signal_n_is_line_n)
{
	static const char *const names[] = { "LED", "BUTTON", "LOW", "KEPT" };

	ck_assert_uint_eq(routes.signals.count, 4);
	for (int i = 0; i < 4; i++) {
		ck_assert_str_eq(routes.signals.signal[i].name, names[i]);
		ck_assert(routes.signals.signal[i].writable == (i != R_BUTTON));
	}
	must_have_logged("");
}
END_TEST

START_TEST(lines_are_read_in_the_order_that_was_asked_for)
{
	static const uint16_t order[] = { R_BUTTON, R_LED, R_LOW };

	ck_assert_int_eq(write_line(R_LOW, HTTAP_SET_1), 0);
	ck_assert_int_eq(read_lines(order, 3), 0);
	ck_assert_uint_eq(value[0], 1);
	ck_assert_uint_eq(value[1], 0);
	ck_assert_uint_eq(value[2], 1);
}
END_TEST

static const struct action_row {
	uint8_t before;
	enum httap_action action;
	uint8_t after;
} actions[] = {
	{ 0, HTTAP_SET_0, 0 },
	{ 0, HTTAP_SET_1, 1 },
	{ 0, HTTAP_TOGGLE, 1 },
	{ 1, HTTAP_SET_0, 0 },
	{ 1, HTTAP_SET_1, 1 },
	{ 1, HTTAP_TOGGLE, 0 },
};

START_TEST(an_action_makes_a_line_what_it_says)
{
	const struct action_row *row = &actions[_i];

	for (unsigned int line = R_LED; line <= R_LOW; line += R_LOW) {
		ck_assert_int_eq(write_line(line, row->before ? HTTAP_SET_1 : HTTAP_SET_0), 0);
		ck_assert_int_eq(write_line(line, row->action), 0);
		ck_assert_uint_eq(value[0], row->after);
		ck_assert_uint_eq(line_value(line), row->after);
	}
}
END_TEST

START_TEST(several_lines_are_written_by_one_call)
{
	static const struct httap_write write[] = { { R_KEPT, HTTAP_TOGGLE, 0 }, { R_LED, HTTAP_SET_1, 0 },
		{ R_LOW, HTTAP_SET_0, 0 } };

	ck_assert_int_eq(write_lines(write, 3), 0);
	ck_assert_uint_eq(value[0], 1);
	ck_assert_uint_eq(value[1], 1);
	ck_assert_uint_eq(value[2], 0);
	ck_assert_uint_eq(line_value(R_KEPT), 1);
	ck_assert_uint_eq(line_value(R_LED), 1);
}
END_TEST

START_TEST(stop_makes_every_output_safe)
{
	ck_assert_int_eq(
		write_lines((const struct httap_write[]){ { R_LED, HTTAP_SET_1, 0 }, { R_KEPT, HTTAP_SET_1, 0 } }, 2), 0);
	ck_assert_int_eq(routes.signals.stop(routes.signals.context, &actor, &refusal), 0);
	ck_assert_uint_eq(line_value(R_LED), 0);
	ck_assert_uint_eq(line_value(R_LOW), 1);
	ck_assert_uint_eq(line_value(R_KEPT), 1);
}
END_TEST

static const char *const descriptions[] = {
	"{\"chip\":\"sim\",\"label\":\"sim\",\"line\":17,\"kernelName\":\"GPIO17\",\"activeLow\":false,"
	"\"failsafe\":0,\"interlock\":null,\"driver\":null}",
	"{\"chip\":\"sim\",\"label\":\"sim\",\"line\":5,\"kernelName\":\"GPIO5\",\"activeLow\":false,"
	"\"failsafe\":0,\"interlock\":null,\"driver\":null}",
	"{\"chip\":\"sim\",\"label\":\"sim\",\"line\":22,\"kernelName\":\"GPIO22\",\"activeLow\":true,"
	"\"failsafe\":0,\"interlock\":null,\"driver\":null}",
};

START_TEST(a_line_is_described_by_where_it_is)
{
	char text[1024];
	struct httap_json json;

	json_begin(&json, text, sizeof(text));

	json_open(&json);
	routes.signals.describe(routes.signals.context, (uint16_t)_i, &json);
	json_close(&json);
	ck_assert_uint_eq(json.len, strlen(descriptions[_i]));
	ck_assert_mem_eq(text, descriptions[_i], json.len);
}
END_TEST

START_TEST(a_list_of_the_most_lines_with_the_longest_names_fits)
{
	char text[8192] = "";

	gpio_lines_close(lines);
	for (int i = 0; i < GPIO_SIM_LINES; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"SIGNAL_WITH_A_NAME_OF_31_BYTE%02d=%d,active-low,failsafe=60s,interlock=A_GROUP_WITH_A_NAME_OF_31_BYTES ",
			i, i);
	connect_lines(text);
	for (size_t i = 0; i < lines->count; i++) { /* no chip of the simulation is called so */
		memset(lines->line[i].chip, 'c', GPIO_NAME_SIZE - 1);
		memset(lines->line[i].label, 'l', GPIO_NAME_SIZE - 1);
		memset(lines->line[i].kernel_name, 'k', GPIO_NAME_SIZE - 1);
		lines->line[i].offset = UINT32_MAX;
	}
	rig.httap.signals = &routes.signals;
	struct answer answer = peer_ask(rig_peer(), "GET /?list");
	expect(answer, 200, NULL);
	ck_assert(rig_is_json(answer.body, answer.len));
	ck_assert_uint_lt(answer.len / GPIO_SIM_LINES * GPIO_LINES_MAX, HTTAP_REPLY_BODY_MAX); /* 64 would fit too */
	httap_stop(&rig.httap);                                                                /* before the lines go */
}
END_TEST

/* --- The log ------------------------------------------------------------------------------------------------------ */

START_TEST(each_change_is_logged_with_who_which_old_new_and_why)
{
	ck_assert_int_eq(write_line(R_LED, HTTAP_SET_1), 0);
	must_have_logged("httapd: LED 0 -> 1 by 192.0.2.7 (session 0123456789abcdef): POST /?LED\n");
	ck_assert_int_eq(held.flush_at, rig.clock + DAEMON_LOG_HOLD_MS * MS);
	ck_assert_int_eq(write_line(R_LED, HTTAP_SET_1), 0); /* no change */
	must_have_logged("");
	ck_assert_int_eq(
		write_lines((const struct httap_write[]){ { R_KEPT, HTTAP_SET_1, 0 }, { R_LED, HTTAP_TOGGLE, 0 } }, 2), 0);
	must_have_logged("httapd: LED 1 -> 0 by 192.0.2.7 (session 0123456789abcdef): POST /?LED\n"
			 "httapd: KEPT 0 -> 1 by 192.0.2.7 (session 0123456789abcdef): POST /?LED\n");
}
END_TEST

START_TEST(a_stop_is_logged_with_who_asked_for_it)
{
	ck_assert_int_eq(routes.signals.stop(routes.signals.context, &actor, &refusal), 0);
	must_have_logged("httapd: LOW 0 -> 1 by 192.0.2.7 (session 0123456789abcdef): POST /?LED\n");
}
END_TEST

START_TEST(the_daemons_own_changes_are_logged_with_their_reason)
{
	ck_assert_int_eq(write_line(R_LED, HTTAP_SET_1), 0);
	held.len = 0;
	ck_assert_int_eq(routes_safe(&routes, "the daemon was told to end"), 0);
	must_have_logged("httapd: LED 1 -> 0: the daemon was told to end\nhttapd: LOW 0 -> 1: the daemon was told to end\n");
}
END_TEST

START_TEST(a_pulse_ends_by_itself_and_its_end_is_logged)
{
	const struct httap_write pulse = { R_LED, HTTAP_PULSE, 200 * MS };

	ck_assert_int_eq(routes_deadline(&routes), INT64_MAX);
	ck_assert_int_eq(write_lines(&pulse, 1), 0);
	ck_assert_uint_eq(value[0], 1);
	ck_assert_int_eq(routes_deadline(&routes), rig.clock + 200 * MS);
	held.len = 0;
	rig.clock += 200 * MS - 1;
	routes_tick(&routes);
	ck_assert_uint_eq(line_value(R_LED), 1);
	must_have_logged("");
	rig.clock++;
	routes_tick(&routes);
	ck_assert_uint_eq(line_value(R_LED), 0);
	must_have_logged("httapd: LED 1 -> 0: the pulse ended\n");
	ck_assert(!routes.gone);
}
END_TEST

START_TEST(a_toggle_ends_a_pulse)
{
	const struct httap_write pulse = { R_LED, HTTAP_PULSE, 200 * MS };

	ck_assert_int_eq(write_lines(&pulse, 1), 0);
	ck_assert_int_eq(write_line(R_LED, HTTAP_TOGGLE), 0);
	ck_assert_uint_eq(value[0], 0);
	ck_assert_int_eq(routes_deadline(&routes), INT64_MAX);
}
END_TEST

/* --- Rules -------------------------------------------------------------------------------------------------------- */

static void must_be_refused(int result, int status, const char *said)
{
	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(refusal.status, status);
	ck_assert_msg(strstr(refusal.text, said) != NULL, "\"%s\" does not say: %s", refusal.text, said);
}

static const char car[] = "FORWARD=GPIO23,failsafe=500ms,interlock=t REVERSE=GPIO24,failsafe=500ms,interlock=t LED=GPIO17";

enum { R_FORWARD, R_REVERSE };

static const struct httap_actor other = { .session = "fedcba9876543210", .peer = "192.0.2.8", .request = "POST /?FORWARD" };

static void drive(void)
{
	gpio_lines_close(lines);
	connect_lines(car);
	ck_assert_int_eq(write_line(R_FORWARD, HTTAP_SET_1), 0);
	held.len = 0;
}

static int others_write(unsigned int line)
{
	const struct httap_write write = { (uint16_t)line, HTTAP_SET_1, 0 };

	return routes.signals.write(routes.signals.context, &other, &write, 1, value, &refusal);
}

START_TEST(rules_are_told_as_409)
{
	drive();
	must_be_refused(others_write(R_REVERSE), 409, "REVERSE is driven by 192.0.2.7, for 500 ms");
	must_be_refused(
		write_lines((const struct httap_write[]){ { R_FORWARD, HTTAP_SET_1, 0 }, { R_REVERSE, HTTAP_SET_1, 0 } }, 2), 409,
		"FORWARD and REVERSE are never on together (interlock=t)");
	ck_assert(!routes.gone);
	ck_assert(routes.signals.signal[R_FORWARD].no_get);
	ck_assert(!routes.signals.signal[2].no_get);
}
END_TEST

START_TEST(a_driver_is_heard_by_his_pings_and_missed_when_silent)
{
	drive();
	rig.clock += 400 * MS;
	routes.signals.ping(routes.signals.context, &other);
	ck_assert_int_eq(routes_deadline(&routes), rig.clock + 100 * MS);
	routes.signals.ping(routes.signals.context, &actor);
	ck_assert_int_eq(routes_deadline(&routes), rig.clock + 500 * MS);
	rig.clock += 500 * MS;
	routes_tick(&routes);
	must_have_logged("httapd: FORWARD 1 -> 0: failsafe: nothing was heard from 192.0.2.7 for 500 ms\n");
	must_be_refused(write_line(R_FORWARD, HTTAP_SET_1), 409, "FORWARD was stopped; let go first: set it to 0");
}
END_TEST

START_TEST(what_was_due_is_not_logged_as_done_by_who_came_too_late)
{
	drive();
	rig.clock += 500 * MS;
	must_be_refused(others_write(R_FORWARD), 409, "let go");
	must_have_logged("httapd: FORWARD 1 -> 0: failsafe: nothing was heard from 192.0.2.7 for 500 ms\n");
}
END_TEST

START_TEST(a_driver_who_has_left_is_missed_at_once)
{
	drive();
	routes.signals.left(routes.signals.context, other.session);
	must_have_logged("");
	routes.signals.left(routes.signals.context, actor.session);
	must_have_logged("httapd: FORWARD 1 -> 0: failsafe: 192.0.2.7 has left\n");
	ck_assert_int_eq(routes_deadline(&routes), INT64_MAX);
}
END_TEST

static const struct {
	const char *lines;
	size_t size;
	const char *status;
} statuses[] = {
	{ "", 100, "Serving 0 signals" },
	{ "A=1 B=2,safe=1,initial=1", 100, "Serving 2 signals: A=0 B=1" },
	{ "A=1 B=2 C=3", sizeof("Serving 3 signals: A=0 B=0 ..."), "Serving 3 signals: A=0 B=0 ..." },
	{ "A=1 B=2 C=3", sizeof("Serving 3 signals: A=0 B=0 ...") - 1, "Serving 3 signals: A=0 ..." },
	{ "A=1 B=2 C=3", sizeof("Serving 3 signals: A=0 B=0 C=0 ..."), "Serving 3 signals: A=0 B=0 C=0" },
};

START_TEST(a_status_has_as_many_values_as_there_is_room_for)
{
	char *status = malloc(statuses[_i].size);

	gpio_lines_close(lines);
	connect_lines(statuses[_i].lines);
	routes_status(&routes, status, statuses[_i].size);
	ck_assert_str_eq(status, statuses[_i].status);
	free(status);
}
END_TEST

START_TEST(a_status_names_the_driver)
{
	char status[100];

	drive();
	routes_status(&routes, status, sizeof(status));
	ck_assert_str_eq(status, "Serving 3 signals, driven by 192.0.2.7: FORWARD=1 REVERSE=0 LED=0");
	rig.clock += 500 * MS;
	routes_tick(&routes);
	routes_status(&routes, status, sizeof(status));
	ck_assert_str_eq(status, "Serving 3 signals: FORWARD=0 REVERSE=0 LED=0");
}
END_TEST

static int no_edge_fd(struct gpio_request *request)
{
	(void)request;
	return -1;
}

static void log_remarks(void)
{
	static struct gpio_chip_ops deaf;
	char text[512] = "";
	int ends[2];

	must(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	routes_remarks(&routes);
	must(read(ends[0], text, sizeof(text)) == -1);
	deaf = gpio_chip_sim;
	deaf.edge_fd = no_edge_fd;
	lines->request[1]->ops = &deaf;
	log_open(&held, LOG_ERRORS);
	routes_remarks(&routes);
	must(read(ends[0], text, sizeof(text)) == -1);
	log_open(&held, LOG_CHANGES);
	routes_remarks(&routes);
	must(read(ends[0], text, sizeof(text) - 1) > 0);
	must(strcmp(text,
		     "httapd: A: sim (sim) tells of no changes: it is read when somebody asks\n"
		     "httapd: B: sim (sim) tells of no changes: it is read when somebody asks, and debounce= does nothing\n") == 0);
}

START_TEST(inputs_that_tell_of_no_changes_are_logged_once_each)
{
	gpio_lines_close(lines);
	connect_lines("A=1,input LED=2 B=3,input,debounce=5ms");
	rig_in_child(log_remarks);
}
END_TEST

START_TEST(changes_are_not_logged_when_only_errors_are)
{
	log_open(&held, LOG_ERRORS);
	ck_assert_int_eq(write_line(R_LED, HTTAP_SET_1), 0);
	must_have_logged("");
}
END_TEST

/* --- Refusals ----------------------------------------------------------------------------------------------------- */

START_TEST(a_write_that_the_lines_refuse_moves_nothing)
{
	static const struct httap_write bad[][2] = {
		{ { R_LED, HTTAP_SET_1, 0 }, { R_BUTTON, HTTAP_SET_1, 0 } },
		{ { R_LED, HTTAP_SET_1, 0 }, { R_LED, HTTAP_SET_0, 0 } },
	};

	must_be_refused(write_lines(bad[_i], 2), 400, _i == 0 ? "BUTTON" : "LED");
	ck_assert_uint_eq(line_value(R_LED), 0);
	ck_assert(!routes.gone);
	must_have_logged("");
	/* And nobody's name stays on what the daemon does next. */
	ck_assert_int_eq(routes_safe(&routes, "the end"), 0);
	must_have_logged("httapd: LOW 0 -> 1: the end\n");
}
END_TEST

/* --- A chip that fails -------------------------------------------------------------------------------------------- */

static int failure;

static int fail_set(struct gpio_request *request, uint64_t bits, uint64_t levels)
{
	(void)request;
	(void)bits;
	(void)levels;
	errno = failure;
	return -1;
}

static int fail_get(struct gpio_request *request, uint64_t bits, uint64_t *levels)
{
	(void)request;
	(void)bits;
	(void)levels;
	errno = failure;
	return -1;
}

static const struct failure_row {
	int error;
	bool gone;
} failures[] = {
	{ ENODEV, true },
	{ ENXIO, true },
	{ EIO, true },
	{ EBUSY, false },
	{ ENOMEM, false },
	{ ETIMEDOUT, false },
};

static void break_chip(int error)
{
	static struct gpio_chip_ops broken;

	broken = gpio_chip_sim;
	broken.set = fail_set;
	broken.get = fail_get;
	failure = error;
	for (size_t i = 0; i < GPIO_REQUESTS_MAX; i++)
		if (lines->request[i] != NULL)
			lines->request[i]->ops = &broken;
}

START_TEST(a_chip_that_fails_is_503_and_one_that_is_gone_ends_the_daemon)
{
	const struct failure_row *row = &failures[_i];

	break_chip(row->error);
	must_be_refused(write_line(R_LED, HTTAP_SET_1), 503, strerror(row->error));
	ck_assert(routes.gone == row->gone);
	must_have_logged("");
	routes.gone = false;
	must_be_refused(read_lines(&(uint16_t){ R_BUTTON }, 1), 503, strerror(row->error));
	ck_assert(routes.gone == row->gone);
	routes.gone = false;
	must_be_refused(routes.signals.stop(routes.signals.context, &actor, &refusal), 503, strerror(row->error));
	ck_assert(routes.gone);
}
END_TEST

START_TEST(a_stop_that_fails_is_never_the_askers_fault)
{
	break_chip(EINVAL);
	must_be_refused(routes.signals.stop(routes.signals.context, &actor, &refusal), 503, "sim");
}
END_TEST

static void logs_at_once(void)
{
	char text[512] = "";
	int ends[2];

	must(pipe2(ends, O_CLOEXEC) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	break_chip(EIO);
	must(routes_safe(&routes, "the end") == -1);
	must(read(ends[0], text, sizeof(text) - 1) > 0);
	must(strstr(text, "httapd: not every output could be set to its safe value: ") == text);
	must(strstr(text, strerror(EIO)) != NULL);
}

START_TEST(a_pulse_that_can_not_be_ended_ends_the_daemon)
{
	const struct httap_write pulse = { R_LED, HTTAP_PULSE, 1 * MS };

	ck_assert_int_eq(write_lines(&pulse, 1), 0);
	break_chip(ENOMEM);
	rig.clock += 1 * MS;
	routes_tick(&routes);
	ck_assert(routes.gone);
	ck_assert_int_eq(routes_deadline(&routes), INT64_MAX);
}
END_TEST

START_TEST(also_when_the_next_write_finds_it_out)
{
	const struct httap_write pulse = { R_LED, HTTAP_PULSE, 1 * MS };

	ck_assert_int_eq(write_lines(&pulse, 1), 0);
	break_chip(ENOMEM);
	rig.clock += 1 * MS;
	must_be_refused(write_line(R_KEPT, HTTAP_SET_0), 503, strerror(ENOMEM));
	ck_assert(routes.gone);
}
END_TEST

START_TEST(outputs_that_could_not_be_made_safe_are_told_at_once)
{
	rig_in_child(logs_at_once);
}
END_TEST

Suite *daemon_routes_suite(void)
{
	Suite *suite = suite_create("daemon routes");
	TCase *tcase = tcase_create("routes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, signal_n_is_line_n);
	tcase_add_test(tcase, lines_are_read_in_the_order_that_was_asked_for);
	tcase_add_loop_test(tcase, an_action_makes_a_line_what_it_says, 0, ROWS(actions));
	tcase_add_test(tcase, several_lines_are_written_by_one_call);
	tcase_add_test(tcase, stop_makes_every_output_safe);
	tcase_add_loop_test(tcase, a_line_is_described_by_where_it_is, 0, ROWS(descriptions));
	tcase_add_test(tcase, a_list_of_the_most_lines_with_the_longest_names_fits);
	tcase_add_test(tcase, each_change_is_logged_with_who_which_old_new_and_why);
	tcase_add_test(tcase, a_stop_is_logged_with_who_asked_for_it);
	tcase_add_test(tcase, the_daemons_own_changes_are_logged_with_their_reason);
	tcase_add_test(tcase, a_pulse_ends_by_itself_and_its_end_is_logged);
	tcase_add_test(tcase, a_toggle_ends_a_pulse);
	tcase_add_test(tcase, rules_are_told_as_409);
	tcase_add_test(tcase, a_driver_is_heard_by_his_pings_and_missed_when_silent);
	tcase_add_test(tcase, what_was_due_is_not_logged_as_done_by_who_came_too_late);
	tcase_add_test(tcase, a_driver_who_has_left_is_missed_at_once);
	tcase_add_loop_test(tcase, a_status_has_as_many_values_as_there_is_room_for, 0, ROWS(statuses));
	tcase_add_test(tcase, a_status_names_the_driver);
	tcase_add_test(tcase, inputs_that_tell_of_no_changes_are_logged_once_each);
	tcase_add_test(tcase, changes_are_not_logged_when_only_errors_are);
	tcase_add_loop_test(tcase, a_write_that_the_lines_refuse_moves_nothing, 0, 2);
	tcase_add_loop_test(tcase, a_chip_that_fails_is_503_and_one_that_is_gone_ends_the_daemon, 0, ROWS(failures));
	tcase_add_test(tcase, a_stop_that_fails_is_never_the_askers_fault);
	tcase_add_test(tcase, a_pulse_that_can_not_be_ended_ends_the_daemon);
	tcase_add_test(tcase, also_when_the_next_write_finds_it_out);
	tcase_add_test(tcase, outputs_that_could_not_be_made_safe_are_told_at_once);
	suite_add_tcase(suite, tcase);
	return suite;
}
