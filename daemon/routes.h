/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The one table that maps signals of the protocol onto GPIO lines: signal n is line n.
 */
#ifndef DAEMON_ROUTES_H
#define DAEMON_ROUTES_H

#include "daemon/log.h"
#include "gpio/gpio.h"
#include "httap/httap.h"

struct routes {
	struct httap_signal signal[GPIO_LINES_MAX];
	struct httap_signals signals; /* what the server gets */
	struct gpio_lines *lines;     /* NULL until routes_connect() */
	struct httap *httap;          /* for its clock, and to be told of changes */
	struct log *log;
	const struct httap_actor *actor; /* of the write that is under way; NULL: the daemon itself */
	int64_t when;                    /* of what is being written */
	bool gone;                       /* the hardware has vanished: the daemon ends */
};

/* Makes the table from the specifications, which must stay. */
void routes_make(struct routes *routes, const struct gpio_specs *specs, struct httap *httap, struct log *log);

/* Connects it with the requested lines; before that, nothing may be served. */
void routes_connect(struct routes *routes, struct gpio_lines *lines);

/* Logs what an operator should know of his lines; for once, at the start. */
void routes_remarks(const struct routes *routes);

/* Takes what the inputs behind that descriptor have to tell. */
void routes_edges(struct routes *routes, int fd);

/* When the lines want to be looked after, on the server's clock, INT64_MAX for never; and what is due then. */
int64_t routes_deadline(const struct routes *routes);
void routes_tick(struct routes *routes);

/* One line for who looks after the service: how many signals there are, who drives, and the values, as many as there is room for. */
void routes_status(const struct routes *routes, char *text, size_t size);

/* Sets every output to its safe value, and logs why. 0, or -1 when a chip refused. */
int routes_safe(struct routes *routes, const char *reason);

#endif
