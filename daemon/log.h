/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Lines for the journal, on standard error.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdarg.h>
#include <stdint.h>

#include "daemon/config.h"

struct log {
	enum log_level level;
	int64_t flush_at; /* microseconds; INT64_MAX: nothing is held */
	unsigned long missed;
	size_t len;
	char held[DAEMON_LOG_SIZE];
};

void log_open(struct log *log, enum log_level level);

/* Writes at once; for what is rare: starting, stopping, errors. */
__attribute__((format(printf, 2, 3))) void log_now(struct log *log, const char *format, ...);

/* Holds a line until log_flush(), at most DAEMON_LOG_HOLD_MS from `now`; when there is no room, it is counted. Does nothing when
 * `level` is above the configured one. */
__attribute__((format(printf, 4, 5))) void log_hold(struct log *log, enum log_level level, int64_t now, const char *format, ...);

/* The same, of texts one behind the other: for what is logged most, as formatting costs thrice as much as all else of a change. */
void log_hold_texts(struct log *log, enum log_level level, int64_t now, const char *const *text, size_t count);

/* Writes what is held, without ever waiting for whoever reads it: a stuck journal must not hold up a motor's stop. What does
 * not fit is counted, and the number is written with the next lines. */
void log_flush(struct log *log);

#endif
