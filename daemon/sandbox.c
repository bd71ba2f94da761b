/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The sandbox. It stands inside the jail of privilege.c, and inside that of the unit when systemd started us: a daemon that was
 * started by hand is not to be worse off. All of it needs PR_SET_NO_NEW_PRIVS, which privilege.c has set.
 */
#include "daemon/sandbox.h"

#include <errno.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif
#ifdef HAVE_LINUX_LANDLOCK_H
#include <linux/landlock.h>
#endif

static int fail(struct httap_error *error, const char *step)
{
	snprintf(error->text, sizeof(error->text), "can't enter the sandbox: %s: %s", step, strerror(errno));
	return -1;
}

/* --- Limits -------------------------------------------------------------------------------------------------------- */

static int restrict_resources(unsigned descriptors, struct httap_error *error)
{
	const struct rlimit some = { .rlim_cur = descriptors, .rlim_max = descriptors }, none = { 0 };

	if (setrlimit(RLIMIT_NOFILE, &some) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
		setrlimit(RLIMIT_MEMLOCK, &none) < 0)
		return fail(error, "setrlimit");
	return 0;
}

/* --- Landlock: returns 1 when the kernel has none ------------------------------------------------------------------- */

#ifdef HAVE_LINUX_LANDLOCK_H

/* Whatever this kernel's version of Landlock can deny of the file system, of what the header knows (landlock(7), "Kernel interface"). */
static uint64_t deniable(int version)
{
	uint64_t rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
		LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
		LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
		LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		LANDLOCK_ACCESS_FS_MAKE_SYM;
#ifdef LANDLOCK_ACCESS_FS_REFER
	if (version >= 2)
		rights |= LANDLOCK_ACCESS_FS_REFER;
#endif
#ifdef LANDLOCK_ACCESS_FS_TRUNCATE
	if (version >= 3)
		rights |= LANDLOCK_ACCESS_FS_TRUNCATE;
#endif
	(void)version;
	return rights;
}

static int restrict_files(int static_root, struct httap_error *error)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 1)
		return 1;

	struct landlock_ruleset_attr all = { .handled_access_fs = deniable((int)version) };
	struct landlock_path_beneath_attr pages = {
		.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
		.parent_fd = static_root,
	};
	int rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (rules < 0)
		return fail(error, "landlock_create_ruleset");
	long added = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &pages, 0);
	/* A file system whose inodes come and go (FUSE, hostfs) can't be named in a rule; better its pages than no server. */
	if (added < 0 && errno == EBADFD) {
		(void)close(rules);
		return 1;
	}
	if (added < 0 || syscall(SYS_landlock_restrict_self, rules, 0) < 0) {
		(void)fail(error, "landlock_restrict_self");
		(void)close(rules);
		return -1;
	}
	(void)close(rules);
	return 0;
}

#else

static int restrict_files(int static_root, struct httap_error *error)
{
	(void)static_root, (void)error;
	return 1;
}

#endif

/* --- System calls: returns 1 when the kernel can't filter ------------------------------------------------------------- */

#ifdef HAVE_SECCOMP

/* What serving, telling systemd and ending need; in several spellings, because libc chooses by machine and version. */
static const char *const calls[] = {
	/* waiting */
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_ctl",
	"poll",
	"ppoll",
	"ppoll_time64",
	"restart_syscall",
	/* connections */
	"accept",
	"accept4",
	"recv",
	"recvfrom",
	"recvmsg",
	"send",
	"sendto",
	"sendmsg",
	"shutdown",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"socketcall",
	"close",
	"fcntl",
	"fcntl64",
	/* files, edges of lines, the log */
	"openat",
	"openat2",
	"fstat",
	"fstat64",
	"newfstatat",
	"fstatat64",
	"statx",
	"lseek",
	"_llseek",
	"read",
	"pread64",
	"readv",
	"write",
	"writev",
	"sendfile",
	"sendfile64",
	/* time and chance */
	"clock_gettime",
	"clock_gettime64",
	"gettimeofday",
	"time",
	"getrandom",
	/* memory of libc; none of it to be run, see below */
	"brk",
	"munmap",
	"madvise",
	/* signals, which come by a descriptor, and the end */
	"rt_sigreturn",
	"sigreturn",
	"rt_sigprocmask",
	"futex",
	"futex_time64",
	"getpid",
	"gettid",
	"tgkill",
	"exit",
	"exit_group",
};

static int allow_calls(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		int number = seccomp_syscall_resolve_name(calls[i]);
		/* Not every machine has every spelling; for a foreign one libseccomp has numbers below 0, and adds no rule. */
		int result = number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Lines are held already: all that is left to do with them is to read and to set (either version of the kernel's interface). */
static int allow_lines(scmp_filter_ctx filter)
{
	static const unsigned long requests[] = {
		GPIO_V2_LINE_GET_VALUES_IOCTL,
		GPIO_V2_LINE_SET_VALUES_IOCTL,
		GPIOHANDLE_GET_LINE_VALUES_IOCTL,
		GPIOHANDLE_SET_LINE_VALUES_IOCTL,
	};
	int result = 0;

	/* The kernel looks at 32 bits of it, and so does the rule: some libc extends the sign. */
	for (size_t i = 0; result == 0 && i < sizeof(requests) / sizeof(requests[0]); i++)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, requests[i]));
	return result;
}

static int allow_memory(scmp_filter_ctx filter)
{
	int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	return result < 0
		? result
		: seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap2), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int restrict_calls(struct httap_error *error)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int result = filter != NULL ? 0 : -ENOMEM;

	if (result == 0)
		result = allow_calls(filter);
	if (result == 0)
		result = allow_lines(filter);
	if (result == 0)
		result = allow_memory(filter);
	if (result == 0)
		result = seccomp_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	if (result == -EINVAL || result == -ENOSYS)
		return 1; /* a kernel without filters (seccomp(2)) */
	errno = -result;
	return result < 0 ? fail(error, "seccomp") : 0;
}

#else

static int restrict_calls(struct httap_error *error)
{
	(void)error;
	return 1;
}

#endif

/* ------------------------------------------------------------------------------------------------------------------- */

int sandbox_enter(int static_root, unsigned descriptors, const char **missing, struct httap_error *error)
{
	static const char *const names[2][2] = { { NULL, "seccomp" }, { "Landlock", "Landlock and seccomp" } };

	if (restrict_resources(descriptors, error) < 0)
		return -1;
	int no_landlock = restrict_files(static_root, error);
	int no_seccomp = no_landlock < 0 ? -1 : restrict_calls(error);
	if (no_seccomp < 0)
		return -1;
	*missing = names[no_landlock][no_seccomp];
	return 0;
}
