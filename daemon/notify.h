/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Telling systemd how it goes (sd_notify(3)), also from a chroot.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include "httap/httap.h"
#include "httapd_limits.h"

struct notify {
	int fd;                          /* -1: nobody wants to be told */
	bool ready;                      /* he knows that we serve */
	bool watchdog;                   /* he ends us when he does not hear that we live */
	int64_t period;                  /* microseconds from one notify_tick() to the next */
	int64_t due;                     /* when that is, on the server's clock; INT64_MAX for never */
	char status[DAEMON_STATUS_SIZE]; /* as it was told last */
};

/* Connects to $NOTIFY_SOCKET while its path can be reached, and unsets the variable; reads $WATCHDOG_USEC, the microseconds after which
 * a silent process counts as hanging, and $WATCHDOG_PID, whom that is about (sd_watchdog_enabled(3)). Ticks are due every
 * DAEMON_STATUS_MS, or thrice in that time when it is shorter. Returns 0, also when nobody wants to be told, or -1 with the error. */
int notify_open(struct notify *notify, struct httap_error *error);

/* To be called by the loop that serves, first when it begins and then when it is due: tells READY=1, once; that this loop lives, to a
 * watchdog; and the status when it is another than before. */
void notify_tick(struct notify *notify, int64_t now, const char *status);

/* Sends a state, like "STOPPING=1". Without a manager it does nothing. A manager that does not listen is his own loss. */
void notify_send(const struct notify *notify, const char *state);

#endif
