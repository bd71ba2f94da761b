/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The sandbox. It stands inside the jail of privilege.c, and inside that of the unit when systemd started us: a daemon that was
 * started by hand is not to be worse off. All of it needs PR_SET_NO_NEW_PRIVS, which privilege.c has set.
 */
#include "daemon/sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/gpio.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

#if !defined(USE_SECCOMP)
#elif defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__i386__)
#define MACHINE AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define MACHINE AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE AUDIT_ARCH_RISCV64
#endif

#ifdef MACHINE

/* The half of a call's argument that the kernel looks at in what follows; some libc extends a sign into the other. */
#define LOW (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0)

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define LOAD_ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]) + LOW)
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (count))
#define SKIP_IF_ANY(bits, count) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), (count), 0)
#define GO_ON_IF(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 1, 0)
#define ALLOWED BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define DENIED BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW(value) SKIP_UNLESS(value, 1), ALLOWED
#define ALLOW_MEMORY(call) SKIP_UNLESS(call, 4), LOAD_ARGUMENT(2), SKIP_IF_ANY(PROT_EXEC, 1), ALLOWED, DENIED

/* What serving, telling systemd and ending need; in several spellings, because libc chooses by machine and version, and not every
 * machine has each. A program for the kernel (seccomp(2)), written out: made by a library at start it took a thousand allocations, and
 * when one of them failed the calls behind it were missing. */
static struct sock_filter filter[] = {
	LOAD(arch),
	GO_ON_IF(MACHINE),
	DENIED, /* a call in the manner of another machine */
	LOAD(nr),
/* waiting */
#ifdef SYS_epoll_wait
	ALLOW(SYS_epoll_wait),
#endif
	ALLOW(SYS_epoll_pwait),
#ifdef SYS_epoll_pwait2
	ALLOW(SYS_epoll_pwait2),
#endif
	ALLOW(SYS_epoll_ctl),
#ifdef SYS_poll
	ALLOW(SYS_poll),
#endif
	ALLOW(SYS_ppoll),
#ifdef SYS_ppoll_time64
	ALLOW(SYS_ppoll_time64),
#endif
	ALLOW(SYS_restart_syscall),
/* connections */
#ifdef SYS_accept
	ALLOW(SYS_accept),
#endif
	ALLOW(SYS_accept4),
#ifdef SYS_recv
	ALLOW(SYS_recv),
#endif
	ALLOW(SYS_recvfrom),
	ALLOW(SYS_recvmsg),
#ifdef SYS_send
	ALLOW(SYS_send),
#endif
	ALLOW(SYS_sendto),
	ALLOW(SYS_sendmsg),
	ALLOW(SYS_shutdown),
	ALLOW(SYS_getsockname),
	ALLOW(SYS_getpeername),
	ALLOW(SYS_getsockopt),
	ALLOW(SYS_setsockopt),
#ifdef SYS_socketcall
	ALLOW(SYS_socketcall),
#endif
	ALLOW(SYS_close),
	ALLOW(SYS_fcntl),
#ifdef SYS_fcntl64
	ALLOW(SYS_fcntl64),
#endif
	/* files, edges of lines, the log */
	ALLOW(SYS_openat),
	ALLOW(SYS_openat2),
#ifdef SYS_fstat
	ALLOW(SYS_fstat),
#endif
#ifdef SYS_fstat64
	ALLOW(SYS_fstat64),
#endif
#ifdef SYS_newfstatat
	ALLOW(SYS_newfstatat),
#endif
#ifdef SYS_fstatat64
	ALLOW(SYS_fstatat64),
#endif
	ALLOW(SYS_statx),
#ifdef SYS_lseek
	ALLOW(SYS_lseek),
#endif
#ifdef SYS__llseek
	ALLOW(SYS__llseek),
#endif
	ALLOW(SYS_read),
	ALLOW(SYS_pread64),
	ALLOW(SYS_readv),
	ALLOW(SYS_write),
	ALLOW(SYS_writev),
#ifdef SYS_sendfile
	ALLOW(SYS_sendfile),
#endif
#ifdef SYS_sendfile64
	ALLOW(SYS_sendfile64),
#endif
/* time and chance */
#ifdef SYS_clock_gettime
	ALLOW(SYS_clock_gettime),
#endif
#ifdef SYS_clock_gettime64
	ALLOW(SYS_clock_gettime64),
#endif
#ifdef SYS_gettimeofday
	ALLOW(SYS_gettimeofday),
#endif
#ifdef SYS_time
	ALLOW(SYS_time),
#endif
	ALLOW(SYS_getrandom),
	/* memory of libc; none of it to be run, see below */
	ALLOW(SYS_brk),
	ALLOW(SYS_munmap),
	ALLOW(SYS_madvise),
	/* signals, which come by a descriptor, and the end */
	ALLOW(SYS_rt_sigreturn),
#ifdef SYS_sigreturn
	ALLOW(SYS_sigreturn),
#endif
	ALLOW(SYS_rt_sigprocmask),
#ifdef SYS_futex
	ALLOW(SYS_futex),
#endif
#ifdef SYS_futex_time64
	ALLOW(SYS_futex_time64),
#endif
	ALLOW(SYS_getpid),
	ALLOW(SYS_gettid),
	ALLOW(SYS_tgkill),
	ALLOW(SYS_exit),
	ALLOW(SYS_exit_group),
/* Memory that can't be run. */
#ifdef SYS_mmap
	ALLOW_MEMORY(SYS_mmap),
#endif
#ifdef SYS_mmap2
	ALLOW_MEMORY(SYS_mmap2),
#endif
	/* Lines are held already: all that is left to do with them is to read and to set (either version of the kernel's interface). */
	SKIP_UNLESS(SYS_ioctl, 9),
	LOAD_ARGUMENT(1),
	ALLOW(GPIO_V2_LINE_GET_VALUES_IOCTL),
	ALLOW(GPIO_V2_LINE_SET_VALUES_IOCTL),
	ALLOW(GPIOHANDLE_GET_LINE_VALUES_IOCTL),
	ALLOW(GPIOHANDLE_SET_LINE_VALUES_IOCTL),
	DENIED,
};

static int restrict_calls(struct httap_error *error)
{
	const struct sock_fprog program = { .len = sizeof(filter) / sizeof(filter[0]), .filter = filter };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS)
		return 1; /* a kernel without filters (seccomp(2)) */
	return fail(error, "seccomp");
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
