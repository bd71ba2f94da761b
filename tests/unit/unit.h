/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The unit tests: one suite for each file of the source, made by the file of the same name here.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>

/* httap/ */
Suite *httap_text_suite(void);
Suite *httap_request_suite(void);
Suite *httap_frame_suite(void);
Suite *httap_chunks_suite(void);
Suite *httap_target_suite(void);
Suite *httap_host_suite(void);
Suite *httap_guard_suite(void);
Suite *httap_json_suite(void);
Suite *httap_reply_suite(void);
Suite *httap_list_suite(void);
Suite *httap_date_suite(void);
Suite *httap_match_suite(void);
Suite *httap_range_suite(void);
Suite *httap_file_suite(void);
Suite *httap_kept_suite(void);
Suite *httap_static_suite(void);
Suite *httap_config_suite(void);
Suite *httap_timer_suite(void);
Suite *httap_token_suite(void);
Suite *httap_conn_suite(void);
Suite *httap_server_suite(void);
Suite *httap_signals_suite(void);
Suite *httap_words_suite(void);
Suite *httap_session_suite(void);
Suite *httap_events_suite(void);

/* gpio/ */
Suite *gpio_spec_suite(void);
Suite *gpio_chip_suite(void);
Suite *gpio_sim_suite(void);
Suite *gpio_find_suite(void);
Suite *gpio_rules_suite(void);
Suite *gpio_lines_suite(void);

/* daemon/ */
Suite *daemon_activate_suite(void);
Suite *daemon_config_suite(void);
Suite *daemon_log_suite(void);
Suite *daemon_notify_suite(void);
Suite *daemon_privilege_suite(void);
Suite *daemon_routes_suite(void);
Suite *daemon_sandbox_suite(void);

#endif
