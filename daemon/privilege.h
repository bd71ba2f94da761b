/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The jail: chroot, another user, no capabilities.
 */
#ifndef DAEMON_PRIVILEGE_H
#define DAEMON_PRIVILEGE_H

#include "daemon/config.h"

/* Gives away what serving does not need, and reads back that it is gone. Started as root: chroot to `static_root`, then become the
 * configured user, or stay root without any capability when there is none. Started as somebody else: no new
 * privileges, and nothing more. All descriptors must be open before. 0, or -1 with the error: then the process must end. */
int privilege_drop(const struct config *config, int static_root, struct httap_error *error);

#endif
