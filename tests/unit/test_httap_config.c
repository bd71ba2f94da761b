/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The library's configuration: each variable with what it takes and what it refuses, and the same checks for a structure that was
 * filled in by hand.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "httap/server.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define SIXTEEN(word)                                                                                                            \
	word " " word " " word " " word " " word " " word " " word " " word " " word " " word " " word " " word " " word         \
	     " " word " " word " " word

static const struct number_row {
	const char *variable;
	const char *value;
	size_t member;
	int wanted;
} good_numbers[] = {
	{ "HTTAP_TCPPORT", "1", offsetof(struct httap_config, port), 1 },
	{ "HTTAP_TCPPORT", "8080", offsetof(struct httap_config, port), 8080 },
	{ "HTTAP_TCPPORT", "65535", offsetof(struct httap_config, port), 65535 },
	{ "HTTAP_TCPPORT", "0", offsetof(struct httap_config, port), HTTAP_PORT_ANY },
	{ "HTTAP_KEEPALIVE", "3", offsetof(struct httap_config, keepalive_s), 3 },
	{ "HTTAP_KEEPALIVE", "200", offsetof(struct httap_config, keepalive_s), 200 },
	{ "HTTAP_CONNECTIONS", "2", offsetof(struct httap_config, connections), 2 },
	{ "HTTAP_CONNECTIONS", "1024", offsetof(struct httap_config, connections), 1024 },
};

START_TEST(a_number_from_its_least_to_its_most_is_taken)
{
	const struct number_row *row = &good_numbers[_i];
	struct httap_config config = { 0 };
	struct httap_error error;
	int value;

	rig_env_set(row->variable, row->value);
	ck_assert_int_eq(httap_config_environment(&config, &error), 0);
	memcpy(&value, (const char *)&config + row->member, sizeof(value));
	ck_assert_int_eq(value, row->wanted);
	ck_assert_int_eq(config_check(&config, &error), 0);
}
END_TEST

static const struct text_row {
	const char *variable;
	const char *value;
	size_t member;
} good_texts[] = {
	{ "HTTAP_LISTEN", "127.0.0.1", offsetof(struct httap_config, listen) },
	{ "HTTAP_LISTEN", " ::1\t192.0.2.1\n[2001:db8::1] ", offsetof(struct httap_config, listen) },
	{ "HTTAP_LISTEN", "::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1", offsetof(struct httap_config, listen) },
	{ "HTTAP_STATICPATH", "/nowhere yet", offsetof(struct httap_config, static_path) },
	{ "HTTAP_ROOTPAGE", "start.html", offsetof(struct httap_config, root_page) },
	{ "HTTAP_ROOTPAGE", "a/b.c/start", offsetof(struct httap_config, root_page) },
	{ "HTTAP_HOSTS", "pi.example.org 192.0.2.1", offsetof(struct httap_config, hosts) },
	{ "HTTAP_HOSTS", SIXTEEN("pi"), offsetof(struct httap_config, hosts) },
	{ "HTTAP_ORIGINS", "*", offsetof(struct httap_config, origins) },
	{ "HTTAP_ORIGINS", "http://lab.example.org:8080 https://lab", offsetof(struct httap_config, origins) },
	{ "HTTAP_ORIGINS", SIXTEEN("http://a"), offsetof(struct httap_config, origins) },
};

START_TEST(a_good_text_is_taken_as_it_is)
{
	const struct text_row *row = &good_texts[_i];
	struct httap_config config = { 0 };
	struct httap_error error;
	const char *value;

	rig_env_set(row->variable, row->value);
	ck_assert_int_eq(httap_config_environment(&config, &error), 0);
	memcpy(&value, (const char *)&config + row->member, sizeof(value));
	ck_assert_str_eq(value, row->value);
	ck_assert_int_eq(config_check(&config, &error), 0);
}
END_TEST

static const struct yes_row {
	const char *variable;
	const char *value;
	bool refuse_get_writes;
	bool loopback;
} good_yes[] = {
	{ "HTTAP_GET_WRITES", "yes", false, false },
	{ "HTTAP_GET_WRITES", "no", true, false },
	{ "HTTAP_LOOPBACK", "yes", false, true },
	{ "HTTAP_LOOPBACK", "no", false, false },
};

START_TEST(yes_and_no_are_taken)
{
	const struct yes_row *row = &good_yes[_i];
	struct httap_config config = { 0 };
	struct httap_error error;

	rig_env_set(row->variable, row->value);
	ck_assert_int_eq(httap_config_environment(&config, &error), 0);
	ck_assert(config.refuse_get_writes == row->refuse_get_writes);
	ck_assert(config.loopback == row->loopback);
}
END_TEST

static const struct bad_row {
	const char *variable;
	const char *value;
	const char *allowed;
} bad[] = {
	{ "HTTAP_TCPPORT", "65536", "1 to 65535" },
	{ "HTTAP_TCPPORT", "-1", "1 to 65535" },
	{ "HTTAP_TCPPORT", "+80", "1 to 65535" },
	{ "HTTAP_TCPPORT", " 80", "1 to 65535" },
	{ "HTTAP_TCPPORT", "80 ", "1 to 65535" },
	{ "HTTAP_TCPPORT", "0x50", "1 to 65535" },
	{ "HTTAP_TCPPORT", "http", "1 to 65535" },
	{ "HTTAP_TCPPORT", "18446744073709551696", "1 to 65535" },
	{ "HTTAP_KEEPALIVE", "2", "3 to 200 seconds" },
	{ "HTTAP_KEEPALIVE", "201", "3 to 200 seconds" },
	{ "HTTAP_KEEPALIVE", "0", "3 to 200 seconds" },
	{ "HTTAP_KEEPALIVE", "15s", "3 to 200 seconds" },
	{ "HTTAP_KEEPALIVE", "3.5", "3 to 200 seconds" },
	{ "HTTAP_CONNECTIONS", "1", "2 to 1024" },
	{ "HTTAP_CONNECTIONS", "0", "2 to 1024" },
	{ "HTTAP_CONNECTIONS", "1025", "2 to 1024" },
	{ "HTTAP_CONNECTIONS", "many", "2 to 1024" },
	{ "HTTAP_LISTEN", "localhost", "addresses" },
	{ "HTTAP_LISTEN", "127.0.0.1:80", "addresses" },
	{ "HTTAP_LISTEN", "127.0.0.1,::1", "addresses" },
	{ "HTTAP_LISTEN", "127.1", "addresses" },
	{ "HTTAP_LISTEN", "[::1", "addresses" },
	{ "HTTAP_LISTEN", "::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1 ::1", "up to 8" },
	{ "HTTAP_ROOTPAGE", "/index.html", "leading slash" },
	{ "HTTAP_ROOTPAGE", "../index.html", "two dots" },
	{ "HTTAP_ROOTPAGE", "a..b", "two dots" },
	{ "HTTAP_ROOTPAGE", ".hidden", "begin with a dot" },
	{ "HTTAP_ROOTPAGE", "a/.hidden", "begin with a dot" },
	{ "HTTAP_ROOTPAGE", "a/./b", "begin with a dot" },
	{ "HTTAP_ROOTPAGE", "a//b", "path" },
	{ "HTTAP_ROOTPAGE", "a/", "path" },
	{ "HTTAP_HOSTS", "pi:80", "without ports" },
	{ "HTTAP_HOSTS", "pi,pj", "spaces between" },
	{ "HTTAP_HOSTS", "http://pi", "host names" },
	{ "HTTAP_HOSTS", SIXTEEN("pi") " pi", "up to 16" },
	{ "HTTAP_ORIGINS", "lab.example.org", "http://" },
	{ "HTTAP_ORIGINS", "http://lab/", "http://" },
	{ "HTTAP_ORIGINS", "ftp://lab", "http://" },
	{ "HTTAP_ORIGINS", "null", "http://" },
	{ "HTTAP_ORIGINS", SIXTEEN("http://a") " http://a", "up to 16" },
	{ "HTTAP_GET_WRITES", "1", "yes or no" },
	{ "HTTAP_GET_WRITES", "YES", "yes or no" },
	{ "HTTAP_GET_WRITES", "true", "yes or no" },
	{ "HTTAP_LOOPBACK", "on", "yes or no" },
	{ "HTTAP_LOOPBACK", "yes ", "yes or no" },
};

/* One sentence that names the variable, its value as far as it is short, and what is allowed. */
static void must_explain(const struct httap_error *error, const char *variable, const char *value, const char *allowed)
{
	char named[96];

	(void)snprintf(named, sizeof(named), "%s=\"%.60s", variable, value);
	ck_assert_msg(memchr(error->text, '\0', sizeof(error->text)) != NULL, "the sentence has no end");
	ck_assert_msg(strncmp(error->text, named, strlen(named)) == 0, "\"%s\" does not begin with: %s", error->text, named);
	ck_assert_msg(strstr(error->text, allowed) != NULL, "\"%s\" does not say: %s", error->text, allowed);
	for (const char *at = error->text; *at != '\0'; at++)
		ck_assert_msg(*at >= 0x20 && *at < 0x7f, "\"%s\" is not printable", error->text);
}

START_TEST(a_bad_value_is_refused_with_its_variable_and_what_is_allowed)
{
	const struct bad_row *row = &bad[_i];
	struct httap_config config = { 0 };
	struct httap_error error;

	rig_env_set(row->variable, row->value);
	ck_assert_int_eq(httap_config_environment(&config, &error), -1);
	must_explain(&error, row->variable, row->value, row->allowed);
}
END_TEST

START_TEST(a_refused_value_is_shown_in_printable_ascii_and_cut)
{
	struct httap_config config = { 0 };
	struct httap_error error;
	char value[1000];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	memcpy(value, "/a\n\x1b\xc3\xa4", 6);
	rig_env_set("HTTAP_ROOTPAGE", value);
	ck_assert_int_eq(httap_config_environment(&config, &error), -1);
	must_explain(&error, "HTTAP_ROOTPAGE", "/a????vvv", "leading slash");
}
END_TEST

static const char *const all[] = {
	"HTTAP_TCPPORT", "HTTAP_LISTEN", "HTTAP_KEEPALIVE", "HTTAP_STATICPATH", "HTTAP_ROOTPAGE", "HTTAP_HOSTS", "HTTAP_ORIGINS",
	"HTTAP_GET_WRITES", "HTTAP_CONNECTIONS", "HTTAP_LOOPBACK",
};

/* A structure in which no member is the default, so that each change shows. */
static const struct httap_config filled = {
	.port = 1234,
	.listen = "192.0.2.1",
	.keepalive_s = 33,
	.static_path = "/srv",
	.root_page = "start.html",
	.hosts = "pi",
	.origins = "http://pi",
	.refuse_get_writes = true,
	.loopback = true,
	.connections = 7,
	.id = "seven",
};

START_TEST(an_empty_variable_counts_as_unset)
{
	struct httap_config config = filled;
	struct httap_error error;

	rig_env_set(all[_i], "");
	ck_assert_int_eq(httap_config_environment(&config, &error), 0);
	ck_assert_mem_eq(&config, &filled, sizeof(config));
}
END_TEST

START_TEST(what_has_no_variable_or_none_that_is_set_stays)
{
	struct httap_config config = filled, wanted = filled;
	struct httap_error error;

	rig_env_set("HTTAP_KEEPALIVE", "44");
	wanted.keepalive_s = 44;
	ck_assert_int_eq(httap_config_environment(&config, &error), 0);
	ck_assert_mem_eq(&config, &wanted, sizeof(config));
}
END_TEST

/* --- The structure ------------------------------------------------------------------------------------------------ */

static const struct structure_row {
	struct httap_config config;
	const char *variable;
	const char *value;
	const char *allowed;
} bad_structures[] = {
	{ { .port = -2 }, "HTTAP_TCPPORT", "-2", "1 to 65535" },
	{ { .port = 65536 }, "HTTAP_TCPPORT", "65536", "1 to 65535" },
	{ { .keepalive_s = 2 }, "HTTAP_KEEPALIVE", "2", "3 to 200" },
	{ { .keepalive_s = 201 }, "HTTAP_KEEPALIVE", "201", "3 to 200" },
	{ { .keepalive_s = -15 }, "HTTAP_KEEPALIVE", "-15", "3 to 200" },
	{ { .connections = 1 }, "HTTAP_CONNECTIONS", "1", "2 to 1024" },
	{ { .connections = 1025 }, "HTTAP_CONNECTIONS", "1025", "2 to 1024" },
	{ { .connections = -1 }, "HTTAP_CONNECTIONS", "-1", "2 to 1024" },
	{ { .listen = "here" }, "HTTAP_LISTEN", "here", "addresses" },
	{ { .root_page = "../secret" }, "HTTAP_ROOTPAGE", "../secret", "two dots" },
	{ { .hosts = "a:1" }, "HTTAP_HOSTS", "a:1", "without ports" },
	{ { .origins = "a" }, "HTTAP_ORIGINS", "a", "http://" },
};

/* It has no variable, and is a secret: an error goes to logs. */
START_TEST(a_bad_token_is_refused_and_not_shown)
{
	struct httap_config config = { .token = "0123456789abcd!" };
	struct httap_error error = { "" };

	ck_assert_int_eq(httap_check(&config, &error), -1);
	ck_assert_ptr_nonnull(strstr(error.text, "the token must be 16 to 128 letters"));
	ck_assert_ptr_null(strstr(error.text, "0123456789"));
}
END_TEST

START_TEST(a_bad_structure_is_refused_by_check_and_by_start)
{
	const struct structure_row *row = &bad_structures[_i];
	struct httap_error error = { "" };
	unsigned int before = rig_descriptors();
	struct httap httap = { .config = row->config };

	ck_assert_int_eq(httap_check(&row->config, &error), -1);
	must_explain(&error, row->variable, row->value, row->allowed);
	error.text[0] = '\0';
	ck_assert_int_eq(httap_start(&httap, &error), -1);
	must_explain(&error, row->variable, row->value, row->allowed);
	ck_assert_ptr_null(httap.server);
	ck_assert_uint_eq(rig_descriptors(), before);
}
END_TEST

START_TEST(a_bad_structure_fails_the_first_pass_with_errno)
{
	struct httap httap = { .config = { .keepalive_s = 1 } };

	errno = 0;
	ck_assert_int_eq(httap_polled(&httap), -1);
	ck_assert_int_ne(errno, 0);
	ck_assert_int_eq(httap_fd(&httap), -1);
}
END_TEST

/* --- The static root ---------------------------------------------------------------------------------------------- */

START_TEST(check_takes_a_root_page_that_can_be_served_and_keeps_nothing_open)
{
	struct httap_error error;
	unsigned int before = rig_descriptors();

	ck_assert_int_eq(httap_check(&rig.httap.config, &error), 0);
	ck_assert_uint_eq(rig_descriptors(), before);
}
END_TEST

static const struct root_row {
	const char *path; /* NULL: the rig's own */
	const char *page;
	const char *said[2];
} bad_roots[] = {
	{ "/nonexistent/root", NULL, { "HTTAP_STATICPATH=\"/nonexistent/root\"", "directory" } },
	{ "/etc/passwd", NULL, { "HTTAP_STATICPATH=\"/etc/passwd\"", "directory" } },
	{ NULL, "missing.html", { "HTTAP_ROOTPAGE=\"missing.html\"", "no such file" } },
	{ NULL, "sub", { "HTTAP_ROOTPAGE=\"sub\"", "no such file" } },
};

START_TEST(a_root_page_that_cannot_be_served_is_refused_by_check_and_by_start)
{
	const struct root_row *row = &bad_roots[_i];
	struct httap_error error = { "" };
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/sub", rig.root);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	if (row->path != NULL)
		rig.httap.config.static_path = row->path;
	rig.httap.config.root_page = row->page;
	for (int start = 0; start < 2; start++) {
		ck_assert_int_eq(start ? httap_start(&rig.httap, &error) : httap_check(&rig.httap.config, &error), -1);
		for (int i = 0; i < 2; i++)
			ck_assert_msg(
				strstr(error.text, row->said[i]) != NULL, "\"%s\" does not say: %s", error.text, row->said[i]);
	}
}
END_TEST

Suite *httap_config_suite(void)
{
	Suite *suite = suite_create("httap config");
	TCase *environment = tcase_create("environment");
	TCase *structure = tcase_create("structure");
	TCase *root = tcase_create("static root");

	tcase_add_checked_fixture(environment, rig_env_clear, rig_env_restore);
	tcase_add_loop_test(environment, a_number_from_its_least_to_its_most_is_taken, 0, ROWS(good_numbers));
	tcase_add_loop_test(environment, a_good_text_is_taken_as_it_is, 0, ROWS(good_texts));
	tcase_add_loop_test(environment, yes_and_no_are_taken, 0, ROWS(good_yes));
	tcase_add_loop_test(environment, a_bad_value_is_refused_with_its_variable_and_what_is_allowed, 0, ROWS(bad));
	tcase_add_test(environment, a_refused_value_is_shown_in_printable_ascii_and_cut);
	tcase_add_loop_test(environment, an_empty_variable_counts_as_unset, 0, ROWS(all));
	tcase_add_test(environment, what_has_no_variable_or_none_that_is_set_stays);
	suite_add_tcase(suite, environment);

	tcase_add_loop_test(structure, a_bad_structure_is_refused_by_check_and_by_start, 0, ROWS(bad_structures));
	tcase_add_test(structure, a_bad_token_is_refused_and_not_shown);
	tcase_add_test(structure, a_bad_structure_fails_the_first_pass_with_errno);
	suite_add_tcase(suite, structure);

	tcase_add_checked_fixture(root, rig_unix, rig_down);
	tcase_add_test(root, check_takes_a_root_page_that_can_be_served_and_keeps_nothing_open);
	tcase_add_loop_test(root, a_root_page_that_cannot_be_served_is_refused_by_check_and_by_start, 0, ROWS(bad_roots));
	suite_add_tcase(suite, root);
	return suite;
}
