/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Sockets that systemd hands over.
 */
#ifndef DAEMON_ACTIVATE_H
#define DAEMON_ACTIVATE_H

#include "httap/httap.h"

/* Hands every socket that was passed to this process to the server (sd_listen_fds_with_names(3)) and unsets the variables, so that
 * nobody inherits them. Returns the number of sockets, 0 when none was passed, or -1 with the error: one that is not a
 * listening stream socket is refused by its name. */
int activate_sockets(struct httap *httap, struct httap_error *error);

#endif
