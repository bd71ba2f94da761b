/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Runs every suite. libcheck's own variables apply: CK_RUN_SUITE, CK_FORK=no, CK_TAP_LOG_FILE_NAME, ...
 */
#include <signal.h>
#include <stdlib.h>

#include "unit.h"

void __real__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line);

/*
 * libcheck writes down each assertion that a test has passed, for when it crashes behind it. With some millions of them that is most of
 * the work; so all come through here (--wrap of ld(1)), and the last one is written when there is a crash.
 */
static const char *passed_file;
static int passed_line;

void __wrap__mark_point(const char *file, int line)
{
	passed_file = file;
	passed_line = line;
}

static void on_crash(int number)
{
	(void)signal(number, SIG_DFL);
	if (passed_file != NULL)
		__real__mark_point(passed_file, passed_line);
	(void)raise(number); /* when this has returned */
}

/* Sanitizers have handlers of their own, which tell more. */
static void catch_crashes(void)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct sigaction present;
		if (sigaction(numbers[i], NULL, &present) == 0 && present.sa_handler == SIG_DFL)
			(void)signal(numbers[i], on_crash);
	}
}

int main(void)
{
	static Suite *(*const suites[])(void) = {
		httap_text_suite,
		httap_request_suite,
		httap_frame_suite,
		httap_chunks_suite,
		httap_target_suite,
		httap_host_suite,
		httap_guard_suite,
		httap_json_suite,
		httap_reply_suite,
		httap_list_suite,
		httap_date_suite,
		httap_match_suite,
		httap_range_suite,
		httap_file_suite,
		httap_kept_suite,
		httap_static_suite,
		httap_config_suite,
		httap_timer_suite,
		httap_token_suite,
		httap_conn_suite,
		httap_server_suite,
		httap_signals_suite,
		httap_words_suite,
		httap_session_suite,
		httap_events_suite,
		gpio_spec_suite,
		gpio_chip_suite,
		gpio_sim_suite,
		gpio_find_suite,
		gpio_rules_suite,
		gpio_lines_suite,
		daemon_activate_suite,
		daemon_config_suite,
		daemon_log_suite,
		daemon_notify_suite,
		daemon_privilege_suite,
		daemon_routes_suite,
		daemon_sandbox_suite,
	};
	SRunner *runner;

	/* Seconds, of the wall: no test waits, so all that this can measure is how busy the machine is. libcheck's own 4 were too few. */
	(void)setenv("CK_DEFAULT_TIMEOUT", "60", 0);
	runner = srunner_create(NULL);
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		srunner_add_suite(runner, suites[i]());
	catch_crashes();
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
