/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The daemon's variables: what each takes and refuses. Those of the server have tests of their own.
 */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "daemon/config.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

/* A user and a group that every machine has, and that are not root's. */
#define NOBODY "nobody"
#define SOME_GROUP "daemon"

static struct config config;
static struct httap_error error;

static void must_refuse(const char *const *said)
{
	error.text[0] = '\0';
	ck_assert_int_eq(config_read(&config, &error), -1);
	for (; *said != NULL; said++)
		ck_assert_msg(strstr(error.text, *said) != NULL, "\"%s\" does not say: %s", error.text, *said);
	for (const char *at = error.text; *at != '\0'; at++)
		ck_assert_msg(*at >= 0x20 && *at < 0x7f, "\"%s\" is not one printable line", error.text);
}

static void must_be_default(void)
{
	memset(&config, 0x55, sizeof(config));
	ck_assert_int_eq(config_read(&config, &error), 0);
	ck_assert_uint_eq(config.lines.count, 0);
	ck_assert_ptr_null(config.chip);
	ck_assert_ptr_null(config.user);
	ck_assert_ptr_null(config.group);
	ck_assert_int_eq(config.log, LOG_CHANGES);
	ck_assert_ptr_null(config.httap.static_path);
	ck_assert_int_eq(config.httap.port, 0);
	ck_assert(!config.httap.serving_uid_given);
}

START_TEST(without_variables_everything_is_the_default)
{
	must_be_default();
}
END_TEST

static const char *const own_variables[] = {
	"HTTAP_LINES", "HTTAP_USER", "HTTAP_GROUP", "HTTAP_LOG", "HTTAP_GPIOCHIP", "HTTAP_STATICPATH", "HTTAP_TCPPORT",
};

START_TEST(an_empty_variable_counts_as_unset)
{
	rig_env_set(own_variables[_i], "");
	must_be_default();
}
END_TEST

START_TEST(the_servers_variables_are_read_too)
{
	rig_env_set("HTTAP_TCPPORT", "0");
	rig_env_set("HTTAP_KEEPALIVE", "20");
	ck_assert_int_eq(config_read(&config, &error), 0);
	ck_assert_int_eq(config.httap.port, HTTAP_PORT_ANY);
	ck_assert_int_eq(config.httap.keepalive_s, 20);
	rig_env_set("HTTAP_KEEPALIVE", "2");
	must_refuse((const char *const[]){ "HTTAP_KEEPALIVE=\"2\"", "3 to 200", NULL });
}
END_TEST

/* --- The log ------------------------------------------------------------------------------------------------------ */

static const struct log_row {
	const char *value;
	enum log_level level;
} logs[] = {
	{ "errors", LOG_ERRORS },
	{ "changes", LOG_CHANGES },
	{ "requests", LOG_REQUESTS },
};

START_TEST(each_level_of_the_log_is_taken)
{
	rig_env_set("HTTAP_LOG", logs[_i].value);
	ck_assert_int_eq(config_read(&config, &error), 0);
	ck_assert_int_eq(config.log, logs[_i].level);
}
END_TEST

/* --- Refusals ----------------------------------------------------------------------------------------------------- */

static const struct refused_row {
	const char *variable;
	const char *value;
	const char *said[4];
} refused[] = {
	{ "HTTAP_LOG", "all", { "HTTAP_LOG=\"all\"", "errors, changes or requests" } },
	{ "HTTAP_LOG", "Errors", { "HTTAP_LOG=\"Errors\"", "errors, changes or requests" } },
	{ "HTTAP_LOG", "errors changes", { "HTTAP_LOG=\"errors changes\"", "errors, changes or requests" } },
	{ "HTTAP_LOG", "err\n\x1b[2Jors", { "HTTAP_LOG=\"err", "errors, changes or requests" } },
	{ "HTTAP_GPIOCHIP", "a-label-that-is-longer-than-31-by", { "HTTAP_GPIOCHIP=\"a-label", "gpiochipN" } },
	{ "HTTAP_TOKEN_FILE", "/nonexistent", { "HTTAP_TOKEN_FILE=\"/nonexistent\"", "No such file" } },
	{ "HTTAP_TOKEN_FILE", "/etc", { "HTTAP_TOKEN_FILE=\"/etc\"", "must be a file" } },
	{ "HTTAP_TOKEN_FILE", "/etc/passwd", { "HTTAP_TOKEN_FILE=\"/etc/passwd\"", "chmod 600" } },
	{ "HTTAP_TOKEN_FILE", "credential", { "HTTAP_TOKEN_FILE=\"credential\"", "No such file" } },
	{ "HTTAP_TOKEN_FOR", "writes", { "HTTAP_TOKEN_FOR=\"writes\"", "HTTAP_TOKEN_FILE" } },
	{ "HTTAP_TOKEN_FOR", "Writes", { "HTTAP_TOKEN_FOR=\"Writes\"", "writes or everything" } },
	{ "HTTAP_STATICPATH", "/nonexistent", { "HTTAP_STATICPATH=\"/nonexistent\"", "directory" } },
	{ "HTTAP_STATICPATH", "/etc/passwd", { "HTTAP_STATICPATH=\"/etc/passwd\"", "directory" } },
	{ "HTTAP_STATICPATH", "/non\nexistent", { "HTTAP_STATICPATH=\"/non", "directory" } },
	{ "HTTAP_LINES", "LED", { "HTTAP_LINES", "LED" } },
	{ "HTTAP_LINES", "led=GPIO17", { "HTTAP_LINES", "led=GPIO17", "uppercase" } },
	{ "HTTAP_LINES", "LED=GPIO17 LED=GPIO18", { "HTTAP_LINES", "LED=GPIO18", "twice" } },
	{ "HTTAP_LINES", "LED=GPIO17,failsafe=soon", { "HTTAP_LINES", "failsafe", "50ms to 60s" } },
	{ "HTTAP_LINES", "LED=GPIO17,\xe2\x98\xba", { "HTTAP_LINES", "LED=GPIO17" } },
	{ "HTTAP_USER", "no-such-user", { "HTTAP_USER=\"no-such-user\"", "user of this machine" } },
	{ "HTTAP_USER", "root", { "HTTAP_USER=\"root\"", "not root" } },
	{ "HTTAP_USER", "0", { "HTTAP_USER=\"0\"", "user of this machine" } },
	{ "HTTAP_USER", "no\nuser", { "HTTAP_USER=\"no", "user of this machine" } },
};

START_TEST(a_bad_value_is_refused_with_its_variable_and_what_is_allowed)
{
	rig_env_set(refused[_i].variable, refused[_i].value);
	must_refuse(refused[_i].said);
}
END_TEST

START_TEST(a_refusal_of_the_longest_value_still_fits)
{
	static const char *const variables[] = { "HTTAP_LOG", "HTTAP_GPIOCHIP", "HTTAP_STATICPATH", "HTTAP_USER", "HTTAP_LINES" };
	char value[4000];

	memset(value, 'V', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	rig_env_set(variables[_i], value);
	must_refuse((const char *const[]){ variables[_i], "VVVVVVVVVV", NULL });
	ck_assert_uint_lt(strlen(error.text), sizeof(error.text));
}
END_TEST

/* --- Lines -------------------------------------------------------------------------------------------------------- */

START_TEST(lines_and_their_chip_are_read)
{
	rig_env_set("HTTAP_LINES", "LED=GPIO17\n\tBUTTON=gpiochip1:5,input,active-low");
	rig_env_set("HTTAP_GPIOCHIP", "sim");
	ck_assert_int_eq(config_read(&config, &error), 0);
	ck_assert_uint_eq(config.lines.count, 2);
	ck_assert_str_eq(config.lines.spec[0].name, "LED");
	ck_assert_str_eq(config.lines.spec[1].chip, "gpiochip1");
	ck_assert_int_eq(config.lines.spec[1].direction, GPIO_INPUT);
	ck_assert_str_eq(config.chip, "sim");
}
END_TEST

static const char *const chips[] = { "sim", "gpiochip0", "/dev/gpiochip0", "pinctrl-bcm2711", "a-label-with-31-bytes-in-it-all" };

START_TEST(a_chip_is_named_by_label_number_or_path)
{
	rig_env_set("HTTAP_GPIOCHIP", chips[_i]);
	ck_assert_int_eq(config_read(&config, &error), 0);
	ck_assert_str_eq(config.chip, chips[_i]);
}
END_TEST

START_TEST(a_directory_is_taken_as_the_static_root)
{
	rig_env_set("HTTAP_STATICPATH", "/");
	ck_assert_int_eq(config_read(&config, &error), 0);
	ck_assert_str_eq(config.httap.static_path, "/");
}
END_TEST

/* --- The user ----------------------------------------------------------------------------------------------------- */

START_TEST(a_user_brings_his_own_group)
{
	const struct passwd *nobody = getpwnam(NOBODY);

	ck_assert_ptr_nonnull(nobody);
	rig_env_set("HTTAP_USER", NOBODY);
	ck_assert_int_eq(config_read(&config, &error), 0);
	ck_assert_str_eq(config.user, NOBODY);
	ck_assert_ptr_null(config.group);
	ck_assert_uint_eq(config.uid, nobody->pw_uid);
	ck_assert_uint_eq(config.gid, nobody->pw_gid);
	ck_assert(config.httap.serving_uid_given == (geteuid() == 0)); /* nobody else could become him */
	ck_assert(!config.httap.serving_uid_given || config.httap.serving_uid == nobody->pw_uid);
}
END_TEST

START_TEST(a_group_is_taken_with_a_user)
{
	const struct group *group = getgrnam(SOME_GROUP);

	ck_assert_ptr_nonnull(group);
	rig_env_set("HTTAP_USER", NOBODY);
	rig_env_set("HTTAP_GROUP", SOME_GROUP);
	ck_assert_int_eq(config_read(&config, &error), 0);
	ck_assert_str_eq(config.group, SOME_GROUP);
	ck_assert_uint_eq(config.gid, group->gr_gid);
}
END_TEST

static const struct refused_row refused_groups[] = {
	{ "HTTAP_GROUP", "root", { "HTTAP_GROUP=\"root\"", "not root" } },
	{ "HTTAP_GROUP", "no-such-group", { "HTTAP_GROUP=\"no-such-group\"", "group of this machine" } },
	{ "HTTAP_GROUP", "0", { "HTTAP_GROUP=\"0\"", "group of this machine" } },
};

START_TEST(a_bad_group_is_refused_with_a_user)
{
	rig_env_set("HTTAP_USER", NOBODY);
	rig_env_set("HTTAP_GROUP", refused_groups[_i].value);
	must_refuse(refused_groups[_i].said);
}
END_TEST

START_TEST(a_group_without_a_user_is_not_read)
{
	rig_env_set("HTTAP_GROUP", refused_groups[_i].value);
	ck_assert_int_eq(config_read(&config, &error), 0);
	ck_assert_ptr_null(config.group);
}
END_TEST

/* Users of a machine that this one is not: another file over /etc/passwd, for this process alone. */
static void another_machine(void)
{
	static const char users[] = "root:x:0:0::/:/bin/sh\ntoor:x:0:100::/:/bin/sh\nhalf:x:1234:0::/:/bin/sh\n";
	char path[] = "/tmp/httapd-unit-XXXXXX";
	int fd = mkstemp(path);

	must(fd >= 0 && write(fd, users, sizeof(users) - 1) == (ssize_t)sizeof(users) - 1 && close(fd) == 0);
	must(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	must(mount(path, "/etc/passwd", NULL, MS_BIND, NULL) == 0);
	must(unlink(path) == 0);

	rig_env_set("HTTAP_USER", "toor");
	must(config_read(&config, &error) == -1 && strstr(error.text, "not root") != NULL);
	rig_env_set("HTTAP_USER", "half");
	must(config_read(&config, &error) == -1);
	must(strstr(error.text, "HTTAP_USER=\"half\"") != NULL && strstr(error.text, "HTTAP_GROUP") != NULL);
	rig_env_set("HTTAP_GROUP", SOME_GROUP);
	must(config_read(&config, &error) == 0);
	must(config.uid == 1234 && config.gid != 0);
}

START_TEST(root_by_another_name_and_roots_group_are_refused)
{
	rig_in_child(another_machine);
}
END_TEST

START_TEST(reading_the_configuration_leaves_nothing_open)
{
	unsigned int before = rig_descriptors();

	rig_env_set("HTTAP_STATICPATH", "/");
	rig_env_set("HTTAP_LINES", "LED=GPIO17");
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(config_read(&config, &error), 0);
	ck_assert_uint_eq(rig_descriptors(), before);
}
END_TEST

Suite *daemon_config_suite(void)
{
	Suite *suite = suite_create("daemon config");
	TCase *tcase = tcase_create("environment");

	tcase_add_checked_fixture(tcase, rig_env_clear, rig_env_restore);
	tcase_add_test(tcase, without_variables_everything_is_the_default);
	tcase_add_loop_test(tcase, an_empty_variable_counts_as_unset, 0, ROWS(own_variables));
	tcase_add_test(tcase, the_servers_variables_are_read_too);
	tcase_add_loop_test(tcase, each_level_of_the_log_is_taken, 0, ROWS(logs));
	tcase_add_loop_test(tcase, a_bad_value_is_refused_with_its_variable_and_what_is_allowed, 0, ROWS(refused));
	tcase_add_loop_test(tcase, a_refusal_of_the_longest_value_still_fits, 0, 5);
	tcase_add_test(tcase, lines_and_their_chip_are_read);
	tcase_add_loop_test(tcase, a_chip_is_named_by_label_number_or_path, 0, ROWS(chips));
	tcase_add_test(tcase, a_directory_is_taken_as_the_static_root);
	tcase_add_test(tcase, a_user_brings_his_own_group);
	tcase_add_test(tcase, a_group_is_taken_with_a_user);
	tcase_add_loop_test(tcase, a_bad_group_is_refused_with_a_user, 0, ROWS(refused_groups));
	tcase_add_loop_test(tcase, a_group_without_a_user_is_not_read, 0, ROWS(refused_groups));
	if (geteuid() == 0)
		tcase_add_test(tcase, root_by_another_name_and_roots_group_are_refused);
	tcase_add_test(tcase, reading_the_configuration_leaves_nothing_open);
	suite_add_tcase(suite, tcase);
	return suite;
}
