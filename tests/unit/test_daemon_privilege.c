/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The jail, each time in a process of its own that is asked afterwards what it still is and can do.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/privilege.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

static struct config config;
static struct httap_error error;
static int root;

static void setup(void)
{
	const struct passwd *nobody = getpwnam("nobody");

	rig_unix();
	ck_assert_ptr_nonnull(nobody);
	config = (struct config){ .user = "nobody", .uid = nobody->pw_uid, .gid = nobody->pw_gid };
	root = open(rig.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
}

static void teardown(void)
{
	(void)close(root);
	rig_down();
}

/* No capability in any set, and none to be had again. */
static void must_have_no_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	must(syscall(SYS_capget, &header, data) == 0);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		must((data[i].effective | data[i].permitted | data[i].inheritable) == 0);
	for (unsigned long capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
		must(prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 0);
		must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) == 0);
	}
	must(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

/* The static root is all there is, and there is no way out of it. */
static void must_be_jailed(void)
{
	struct stat here, top;

	must(access("/index.html", F_OK) == 0 && access("index.html", F_OK) == 0);
	must(access("/etc", F_OK) < 0 && access("/proc", F_OK) < 0);
	must(access("../../../../etc", F_OK) < 0);
	must(stat(".", &here) == 0 && stat("/", &top) == 0 && here.st_ino == top.st_ino && here.st_dev == top.st_dev);
	must(chroot(".") < 0 && errno == EPERM);
}

static void become_nobody(void)
{
	uid_t uid[3];
	gid_t gid[3], groups[4];

	must(setgroups(2, (const gid_t[]){ 0, 4 }) == 0); /* some to get rid of */
	must(privilege_drop(&config, root, &error) == 0);
	must(getresuid(&uid[0], &uid[1], &uid[2]) == 0 && getresgid(&gid[0], &gid[1], &gid[2]) == 0);
	for (int i = 0; i < 3; i++)
		must(uid[i] == config.uid && gid[i] == config.gid);
	must(getgroups(4, groups) == 0);
	must_have_no_capabilities();
	must_be_jailed();
	must(setuid(0) < 0 && setresuid(0, 0, 0) < 0 && seteuid(0) < 0);
	must(setgid(0) < 0 && setresgid(0, 0, 0) < 0 && setegid(0) < 0);
	must(setgroups(0, NULL) < 0);
}

START_TEST(root_becomes_the_user_and_there_is_no_way_back)
{
	rig_in_child(become_nobody);
}
END_TEST

static void stay_root(void)
{
	config.user = NULL;
	must(privilege_drop(&config, root, &error) == 0);
	must(getuid() == 0 && geteuid() == 0);
	must_have_no_capabilities();
	must_be_jailed();
	must(setuid(config.uid) < 0 && setgroups(0, NULL) < 0); /* root in name alone */
}

START_TEST(root_without_a_user_stays_root_without_capabilities_in_the_jail)
{
	rig_in_child(stay_root);
}
END_TEST

static void another_group(void)
{
	config.gid = 1;
	must(privilege_drop(&config, root, &error) == 0);
	must(getgid() == 1 && getegid() == 1 && getuid() == config.uid);
}

START_TEST(the_group_may_be_another_than_the_users_own)
{
	rig_in_child(another_group);
}
END_TEST

static void serve_from_jail(void)
{
	rig.httap.config.serving_uid_given = true;
	rig.httap.config.serving_uid = config.uid;
	rig_start();
	must(privilege_drop(&config, httap_static_fd(&rig.httap), &error) == 0);
	must(httap_check_root_page(&rig.httap, &error) == 0);
	expect(peer_ask(rig_peer(), "GET /"), 200, NULL);
	expect(peer_ask(rig_peer(), "GET /?LED"), 200, NULL);
}

START_TEST(the_server_serves_from_the_jail)
{
	rig_in_child(serve_from_jail);
}
END_TEST

static int bad_root;

static void without_root(void)
{
	must(privilege_drop(&config, bad_root, &error) == -1);
	must(strstr(error.text, "can't drop privileges: fchdir") == error.text);
}

START_TEST(a_jail_that_is_no_directory_is_refused)
{
	bad_root = _i == 0 ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
	rig_in_child(without_root);
	if (_i == 1)
		(void)close(bad_root);
}
END_TEST

static void without_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	must(syscall(SYS_capget, &header, data) == 0);
	data[0].effective = data[0].permitted = 1U << CAP_SYS_CHROOT | 1U << CAP_SETPCAP; /* but not CAP_SETUID, CAP_SETGID */
	must(syscall(SYS_capset, &header, data) == 0);
	must(privilege_drop(&config, root, &error) == -1);
	must(strstr(error.text, "can't drop privileges: ") == error.text);
}

START_TEST(a_step_that_fails_is_told)
{
	rig_in_child(without_capabilities);
}
END_TEST

static void as_somebody(void)
{
	if (geteuid() == 0)
		must(setgroups(0, NULL) == 0 && setgid(config.gid) == 0 && setuid(config.uid) == 0);
	uid_t uid = geteuid();
	must(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	must(privilege_drop(&config, -1, &error) == 0); /* the root is not even looked at */
	must(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	must(geteuid() == uid && access("/etc", F_OK) == 0);
}

START_TEST(somebody_else_gets_no_new_privileges_and_stays_where_he_is)
{
	rig_in_child(as_somebody);
}
END_TEST

Suite *daemon_privilege_suite(void)
{
	Suite *suite = suite_create("daemon privilege");
	TCase *tcase = tcase_create("jail");

	tcase_add_checked_fixture(tcase, setup, teardown);
	if (geteuid() == 0) {
		tcase_add_test(tcase, root_becomes_the_user_and_there_is_no_way_back);
		tcase_add_test(tcase, root_without_a_user_stays_root_without_capabilities_in_the_jail);
		tcase_add_test(tcase, the_group_may_be_another_than_the_users_own);
		tcase_add_test(tcase, the_server_serves_from_the_jail);
		tcase_add_loop_test(tcase, a_jail_that_is_no_directory_is_refused, 0, 2);
		tcase_add_test(tcase, a_step_that_fails_is_told);
	}
	tcase_add_test(tcase, somebody_else_gets_no_new_privileges_and_stays_where_he_is);
	suite_add_tcase(suite, tcase);
	return suite;
}
