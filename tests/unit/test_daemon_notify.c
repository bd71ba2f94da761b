/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Telling the service manager: a socket by path or by an abstract name, from within a chroot, managers that do not listen, the
 * watchdog and the status.
 */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

static struct httap_error error;
static struct notify notify;
static char directory[64];
static char address[100]; /* as it stands in NOTIFY_SOCKET */
static int manager;

static void listen_at(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	(void)snprintf(address, sizeof(address), "%s", name);
	memcpy(to.sun_path, address, strlen(address));
	if (address[0] == '@')
		to.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(manager >= 0);
	must(bind(manager, (const struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address))) ==
		0);
	rig_env_set("NOTIFY_SOCKET", address);
}

static void setup(void)
{
	rig_env_clear();
	manager = -1;
	(void)snprintf(directory, sizeof(directory), "/tmp/httapd-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void)
{
	char path[100];

	if (manager >= 0)
		(void)close(manager);
	(void)snprintf(path, sizeof(path), "%s/notify", directory);
	(void)unlink(path);
	(void)rmdir(directory);
	rig_env_restore();
}

/* The next datagram, or "". */
static const char *told(void)
{
	static char text[2 * DAEMON_STATUS_SIZE];
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void listen_at_kind(int kind)
{
	char name[100];

	if (kind == 0)
		(void)snprintf(name, sizeof(name), "%s/notify", directory);
	else
		(void)snprintf(name, sizeof(name), "@httapd-unit-%s", directory + 5);
	listen_at(name);
}

START_TEST(a_manager_is_told_by_path_and_by_abstract_name)
{
	listen_at_kind(_i);
	ck_assert_int_eq(notify_open(&notify, &error), 0);
	ck_assert_int_ge(notify.fd, 0);
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET")); /* nobody else shall speak for us */
	ck_assert_int_ne(fcntl(notify.fd, F_GETFD) & FD_CLOEXEC, 0);
	notify_send(&notify, "READY=1\nSTATUS=Serving 3 signals");
	notify_send(&notify, "STOPPING=1");
	ck_assert_str_eq(told(), "READY=1\nSTATUS=Serving 3 signals");
	ck_assert_str_eq(told(), "STOPPING=1");
	ck_assert_int_eq(close(notify.fd), 0);
}
END_TEST

static void in_chroot(void)
{
	must(notify_open(&notify, &error) == 0);
	must(notify.fd >= 0);
	must(chroot(directory) == 0 && chdir("/") == 0);
	must(access(address, F_OK) < 0); /* by its path it could not be found any more */
	notify_send(&notify, "READY=1");
}

START_TEST(a_manager_is_told_from_within_a_chroot)
{
	listen_at_kind(0);
	rig_in_child(in_chroot);
	ck_assert_str_eq(told(), "READY=1");
}
END_TEST

START_TEST(without_a_manager_nobody_is_told)
{
	unsigned int before = rig_descriptors();

	rig_env_set("NOTIFY_SOCKET", _i == 0 ? NULL : "");
	rig_env_set("WATCHDOG_USEC", "3000000");
	ck_assert_int_eq(notify_open(&notify, &error), 0);
	ck_assert_int_eq(notify.fd, -1);
	ck_assert(notify.due == INT64_MAX);
	ck_assert_uint_eq(rig_descriptors(), before);
	notify_send(&notify, "READY=1");
	notify_tick(&notify, 5, "Serving 3 signals");
	ck_assert(notify.due == INT64_MAX);
}
END_TEST

static const char *const bad[] = {
	"notify",
	"./notify",
	"vsock:2:1234",
	"@",
	"@httapd-unit-nobody-is-there",
	"/nonexistent/notify",
	"/etc/passwd",
	"/",
	"/a-path-that-is-longer-than-a-socket-address-can-be-which-is-107-bytes-and-an-end/a-path-that-is-longer-than-a-socket",
};

START_TEST(a_socket_that_cannot_be_reached_is_refused)
{
	unsigned int before = rig_descriptors();
	char said[128];

	rig_env_set("NOTIFY_SOCKET", bad[_i]);
	(void)snprintf(said, sizeof(said), "NOTIFY_SOCKET=\"%.80s", bad[_i]);
	ck_assert_int_eq(notify_open(&notify, &error), -1);
	ck_assert_msg(strstr(error.text, said) != NULL, "\"%s\" does not say: %s", error.text, said);
	ck_assert_uint_eq(rig_descriptors(), before);
}
END_TEST

static void gone(void)
{
	listen_at_kind(1); /* the child's own, so that closing it here is the end of it */
	must(notify_open(&notify, &error) == 0);
	must(notify.fd >= 0);
	must(close(manager) == 0);
	(void)signal(SIGPIPE, SIG_DFL);
	notify_send(&notify, "READY=1");
	notify_send(&notify, "STOPPING=1");
}

START_TEST(a_manager_who_has_gone_does_no_harm)
{
	rig_in_child(gone);
}
END_TEST

static void stuck(void)
{
	must(notify_open(&notify, &error) == 0);
	must(notify.fd >= 0);
	for (int i = 0; i < 10000; i++) /* more than any queue takes; the alarm would tell */
		notify_send(&notify, "WATCHDOG=1");
}

START_TEST(a_manager_who_does_not_read_holds_nobody_up)
{
	listen_at_kind(0);
	rig_in_child(stuck);
	ck_assert_str_eq(told(), "WATCHDOG=1");
}
END_TEST

/* --- The watchdog and the status ------------------------------------------------------------------------------------ */

enum { SECOND = 1000000 };

static void open_with(const char *usec, const char *pid)
{
	listen_at_kind(1);
	rig_env_set("WATCHDOG_USEC", usec);
	rig_env_set("WATCHDOG_PID", pid);
	ck_assert_int_eq(notify_open(&notify, &error), 0);
	ck_assert_ptr_null(getenv("WATCHDOG_USEC"));
	ck_assert_ptr_null(getenv("WATCHDOG_PID"));
	ck_assert(notify.due == 0);
}

static void tick(int64_t now, const char *status, const char *expected)
{
	notify_tick(&notify, now, status);
	ck_assert_str_eq(told(), expected);
	ck_assert_str_eq(told(), "");
	ck_assert(notify.due == now + notify.period);
}

START_TEST(a_status_is_told_when_it_is_new)
{
	open_with(NULL, NULL);
	ck_assert(!notify.watchdog && notify.period == SECOND);
	tick(7, "LED=0", "READY=1\nSTATUS=LED=0");
	tick(8, "LED=0", "");
	tick(9, "LED=1", "STATUS=LED=1");
	tick(10, "", "STATUS=");
	ck_assert_int_eq(close(notify.fd), 0);
}
END_TEST

START_TEST(a_watchdog_is_fed_at_every_tick)
{
	open_with("3000000", NULL);
	ck_assert(notify.watchdog && notify.period == SECOND);
	tick(7, "LED=0", "READY=1\nWATCHDOG=1\nSTATUS=LED=0");
	tick(8, "LED=0", "WATCHDOG=1\n");
	tick(9, "LED=1", "WATCHDOG=1\nSTATUS=LED=1");
	ck_assert_int_eq(close(notify.fd), 0);
}
END_TEST

static const struct {
	const char *usec;
	const char *pid; /* "" for our own */
	bool watchdog;
	int64_t period;
} watchdogs[] = {
	{ "3000000", "", true, SECOND },
	{ "600000", "", true, 200000 },
	{ "60000000", NULL, true, SECOND },
	{ "600000", "1", false, SECOND }, /* somebody else's */
	{ "0", NULL, false, SECOND },
	{ "", NULL, false, SECOND },
	{ "3 s", NULL, false, SECOND },
	{ "-1", NULL, false, SECOND },
	{ "99999999999999999999", NULL, false, SECOND },
};

START_TEST(a_watchdog_is_believed_when_it_is_ours)
{
	char own[16];

	(void)snprintf(own, sizeof(own), "%d", (int)getpid());
	open_with(watchdogs[_i].usec, watchdogs[_i].pid != NULL && watchdogs[_i].pid[0] == '\0' ? own : watchdogs[_i].pid);
	ck_assert(notify.watchdog == watchdogs[_i].watchdog);
	ck_assert(notify.period == watchdogs[_i].period);
	ck_assert_int_eq(close(notify.fd), 0);
}
END_TEST

START_TEST(a_status_that_is_too_long_is_cut)
{
	char status[2 * DAEMON_STATUS_SIZE];
	const char *cut;

	memset(status, 'x', sizeof(status));
	status[sizeof(status) - 1] = '\0';
	open_with("3000000", NULL);
	notify_tick(&notify, 1, status);
	cut = told();
	ck_assert_uint_eq(strlen(cut), strlen("READY=1\nWATCHDOG=1\nSTATUS=") + DAEMON_STATUS_SIZE - 1);
	ck_assert_int_eq(close(notify.fd), 0);
}
END_TEST

Suite *daemon_notify_suite(void)
{
	Suite *suite = suite_create("daemon notify");
	TCase *tcase = tcase_create("notify");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_manager_is_told_by_path_and_by_abstract_name, 0, 2);
	if (geteuid() == 0)
		tcase_add_test(tcase, a_manager_is_told_from_within_a_chroot);
	tcase_add_loop_test(tcase, without_a_manager_nobody_is_told, 0, 2);
	tcase_add_loop_test(tcase, a_socket_that_cannot_be_reached_is_refused, 0, ROWS(bad));
	tcase_add_test(tcase, a_manager_who_has_gone_does_no_harm);
	tcase_add_test(tcase, a_manager_who_does_not_read_holds_nobody_up);
	tcase_add_test(tcase, a_status_is_told_when_it_is_new);
	tcase_add_test(tcase, a_watchdog_is_fed_at_every_tick);
	tcase_add_loop_test(tcase, a_watchdog_is_believed_when_it_is_ours, 0, ROWS(watchdogs));
	tcase_add_test(tcase, a_status_that_is_too_long_is_cut);
	suite_add_tcase(suite, tcase);
	return suite;
}
