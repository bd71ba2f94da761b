/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The sandbox, each time in a process of its own that then tries what a daemon must not do, and what it must still do.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/privilege.h"
#include "daemon/sandbox.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

enum { DESCRIPTORS = 100 };

static const struct config config; /* no user: privilege_drop() as somebody, or as root in the jail */
static struct httap_error error;
static const char *missing;
static bool kernel_filters;

static void setup(void)
{
	rig_unix();
	kernel_filters = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

static void enter(void)
{
	int root = open(rig.root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	must(root >= 0);
	must(privilege_drop(&config, root, &error) == 0);
	must(sandbox_enter(root, DESCRIPTORS, &missing, &error) == 0);
}

/* A build without seccomp has no filter, and says so; so does a kernel without, which is what qemu-user shows. */
static bool seccomp_is_in(void)
{
	bool is_in = missing == NULL || strstr(missing, "seccomp") == NULL;

#ifdef USE_SECCOMP
	must(is_in == kernel_filters);
#else
	must(!is_in);
#endif
	return is_in;
}

/* The line of /proc/self/limits, which was opened before: what the process is limited to now, hard and soft. */
static void must_be_limited(const char *limits, const char *name, unsigned long most)
{
	const char *line = strstr(limits, name);
	unsigned long soft, hard;

	must(line != NULL && sscanf(line + strlen(name), "%lu %lu", &soft, &hard) == 2);
	must(soft <= most && hard == soft);
}

static void lower_limits(void)
{
	static char limits[4096];
	int fd = open("/proc/self/limits", O_RDONLY | O_CLOEXEC);

	must(fd >= 0);
	enter();
	must(read(fd, limits, sizeof(limits) - 1) > 0);
	must_be_limited(limits, "Max open files", DESCRIPTORS);
	must_be_limited(limits, "Max processes", 0);
	must_be_limited(limits, "Max core file size", 0);
	must_be_limited(limits, "Max locked memory", 0);
}

START_TEST(limits_are_as_low_as_serving_allows)
{
	rig_in_child(lower_limits);
}
END_TEST

static void call_what_is_not_on_the_list(void)
{
	int pair[2];

	enter();
	if (!seccomp_is_in())
		return;
	must(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == -1 && errno == EPERM);
	must(syscall(SYS_execve, "/bin/true", NULL, NULL) == -1 && errno == EPERM);
	must(fork() == -1 && errno == EPERM);
	must(unlink("/index.html") == -1 && errno == EPERM);
	must(mkdir("/new", 0755) == -1 && errno == EPERM);
	must(kill(getppid(), 0) == -1 && errno == EPERM);
	must(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1 && errno == EPERM);
	must(setuid(geteuid()) == -1 && errno == EPERM);
	must(syscall(SYS_ptrace, 0, 0, 0, 0) == -1 && errno == EPERM);
	must(mprotect(NULL, 4096, PROT_EXEC) == -1 && errno == EPERM);
	must(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EPERM);
	must(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

START_TEST(a_call_that_serving_does_not_need_is_denied)
{
	rig_in_child(call_what_is_not_on_the_list);
}
END_TEST

static void try_ioctls(void)
{
	static const unsigned long refused[] = { TIOCGWINSZ, FIONREAD, GPIO_GET_CHIPINFO_IOCTL, GPIO_V2_GET_LINE_IOCTL,
		GPIO_V2_LINE_SET_CONFIG_IOCTL, GPIO_GET_LINEHANDLE_IOCTL };
	static const unsigned long allowed[] = { GPIO_V2_LINE_GET_VALUES_IOCTL, GPIO_V2_LINE_SET_VALUES_IOCTL,
		GPIOHANDLE_GET_LINE_VALUES_IOCTL, GPIOHANDLE_SET_LINE_VALUES_IOCTL };
	char argument[1024] = "";
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	enter();
	if (!seccomp_is_in())
		return;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		must(ioctl(fd, refused[i], argument) == -1 && errno == EPERM);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		must(ioctl(fd, allowed[i], argument) == -1 && errno == ENOTTY); /* it came to the device */
}

START_TEST(of_ioctl_only_reading_and_setting_lines_is_left)
{
	rig_in_child(try_ioctls);
}
END_TEST

static void open_what_is_outside(void)
{
	char page[200];
	int root = open(rig.root, O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* Without privilege_drop() there is no chroot, and Landlock stands alone. */
	(void)snprintf(page, sizeof(page), "%s/index.html", rig.root);
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	must(sandbox_enter(root, DESCRIPTORS, &missing, &error) == 0);
	int fd = open(page, O_RDONLY | O_CLOEXEC);
	must(fd >= 0);
	if (missing != NULL && strstr(missing, "Landlock") != NULL)
		return;
	must(open("/etc/passwd", O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES);
	must(open(page, O_RDWR | O_CLOEXEC) == -1 && errno == EACCES);
	must(openat(root, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) == -1 && errno == EACCES);
}

START_TEST(files_outside_the_static_root_are_out_of_reach)
{
	rig_in_child(open_what_is_outside);
}
END_TEST

static void serve(void)
{
	rig_start();
	struct peer *first = rig_peer(), *second = rig_peer();
	must(privilege_drop(&config, httap_static_fd(&rig.httap), &error) == 0);
	must(sandbox_enter(httap_static_fd(&rig.httap), DESCRIPTORS, &missing, &error) == 0);
	expect(peer_ask(first, "GET /"), 200, NULL);
	expect(peer_post(first, "/?LED", "1"), 200, NULL);
	expect(peer_ask(second, "GET /?LED"), 200, NULL);
	expect(peer_ask(second, "GET /nothing"), 404, NULL);
}

START_TEST(the_server_serves_from_the_sandbox)
{
	rig_in_child(serve);
}
END_TEST

Suite *daemon_sandbox_suite(void)
{
	Suite *suite = suite_create("daemon sandbox");
	TCase *tcase = tcase_create("sandbox");

	tcase_add_checked_fixture(tcase, setup, rig_down);
	tcase_add_test(tcase, limits_are_as_low_as_serving_allows);
	tcase_add_test(tcase, a_call_that_serving_does_not_need_is_denied);
	tcase_add_test(tcase, of_ioctl_only_reading_and_setting_lines_is_left);
	tcase_add_test(tcase, files_outside_the_static_root_are_out_of_reach);
	tcase_add_test(tcase, the_server_serves_from_the_sandbox);
	suite_add_tcase(suite, tcase);
	return suite;
}
