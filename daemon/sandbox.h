/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What the kernel denies the daemon once it serves, should somebody make it do what it was not written for.
 */
#ifndef DAEMON_SANDBOX_H
#define DAEMON_SANDBOX_H

#include "httap/httap.h"

/* The last step before serving, for any user, and with no way back. Lowers the limits of descriptors to `descriptors`, of processes,
 * core files and locked memory to 0 (setrlimit(2)); leaves of the file system what is below `static_root`, to be read (Landlock,
 * landlock(7)); leaves of the system calls those that serving needs, and of ioctl() reading and setting lines (seccomp(2)). Any
 * other call fails with EPERM. Returns 0, or -1 with the error: then the process must end. What a kernel does not have is no
 * error: `missing` says it ("Landlock", "seccomp", "Landlock and seccomp"), and is NULL when nothing is missing. */
int sandbox_enter(int static_root, unsigned descriptors, const char **missing, struct httap_error *error);

#endif
