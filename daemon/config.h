/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The daemon's configuration, all of it from the environment.
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "gpio/gpio.h"
#include "httap/httap.h"
#include "httapd_limits.h"

enum log_level { LOG_ERRORS, LOG_CHANGES, LOG_REQUESTS };

struct config {
	struct httap_config httap;
	struct gpio_specs lines;
	const char *chip;  /* NULL: the chip of the Pi's header */
	const char *user;  /* NULL: none */
	const char *group; /* NULL: the user's own */
	uid_t uid;         /* of `user` */
	gid_t gid;         /* of `group`, or the user's own */
	enum log_level log;
	char token[HTTAP_TOKEN_MAX + 1]; /* config.httap.token, when there is one */
};

/* Reads and judges every variable; touches nothing. 0, or -1 with a sentence that names the variable, its value and what is
 * allowed. The text stays the environment's. */
int config_read(struct config *config, struct httap_error *error);

#endif
