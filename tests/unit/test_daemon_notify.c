/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Telling the service manager: a socket by path or by an abstract name, from within a chroot, and managers that do not listen.
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
	static char text[256];
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
	int fd = notify_open(&error);
	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_null(getenv("NOTIFY_SOCKET")); /* nobody else shall speak for us */
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	notify_send(fd, "READY=1\nSTATUS=Serving 3 signals");
	notify_send(fd, "STOPPING=1");
	ck_assert_str_eq(told(), "READY=1\nSTATUS=Serving 3 signals");
	ck_assert_str_eq(told(), "STOPPING=1");
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

static void in_chroot(void)
{
	int fd = notify_open(&error);

	must(fd >= 0);
	must(chroot(directory) == 0 && chdir("/") == 0);
	must(access(address, F_OK) < 0); /* by its path it could not be found any more */
	notify_send(fd, "READY=1");
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
	ck_assert_int_eq(notify_open(&error), -1);
	ck_assert_uint_eq(rig_descriptors(), before);
	notify_send(-1, "READY=1");
	notify_send(-2, "READY=1");
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
	ck_assert_int_eq(notify_open(&error), -2);
	ck_assert_msg(strstr(error.text, said) != NULL, "\"%s\" does not say: %s", error.text, said);
	ck_assert_uint_eq(rig_descriptors(), before);
}
END_TEST

static void gone(void)
{
	listen_at_kind(1); /* the child's own, so that closing it here is the end of it */
	int fd = notify_open(&error);

	must(fd >= 0);
	must(close(manager) == 0);
	(void)signal(SIGPIPE, SIG_DFL);
	notify_send(fd, "READY=1");
	notify_send(fd, "STOPPING=1");
}

START_TEST(a_manager_who_has_gone_does_no_harm)
{
	rig_in_child(gone);
}
END_TEST

static void stuck(void)
{
	int fd = notify_open(&error);

	must(fd >= 0);
	for (int i = 0; i < 10000; i++) /* more than any queue takes; the alarm would tell */
		notify_send(fd, "WATCHDOG=1");
}

START_TEST(a_manager_who_does_not_read_holds_nobody_up)
{
	listen_at_kind(0);
	rig_in_child(stuck);
	ck_assert_str_eq(told(), "WATCHDOG=1");
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
	suite_add_tcase(suite, tcase);
	return suite;
}
