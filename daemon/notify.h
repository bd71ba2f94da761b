/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Telling systemd how it goes (sd_notify(3)), also from a chroot.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "httap/httap.h"

/* Connects to $NOTIFY_SOCKET while its path can be reached, and unsets the variable. Returns the descriptor, -1 when nobody
 * wants to be told, or -2 with the error. */
int notify_open(struct httap_error *error);

/* Sends a state, like "READY=1". Without a descriptor it does nothing. A manager that does not listen is his own loss. */
void notify_send(int fd, const char *state);

#endif
