/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Lines for the journal. A line for each change of a line would be a fifth system call for each request, and a journal that is
 * stuck would hold up the loop: so lines are held for a moment, written together, and never waited for.
 */
#include "daemon/log.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void log_open(struct log *log, enum log_level level)
{
	log->level = level;
	log->flush_at = INT64_MAX;
	log->missed = 0;
	log->len = 0;
}

/* A pipe or a socket that poll calls writable takes at least PIPE_BUF bytes at once (pipe(7)), and no more are ever held. */
static bool takes_more(void)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
}

/* Adds a line with its end. False when it does not fit. */
__attribute__((format(printf, 2, 0))) static bool add(struct log *log, const char *format, va_list arguments)
{
	char line[512];
	int len = vsnprintf(line, sizeof(line) - 1, format, arguments);

	if (len < 0)
		return false;
	size_t n = (size_t)len < sizeof(line) - 1 ? (size_t)len : sizeof(line) - 2;
	line[n++] = '\n';
	if (n > sizeof(log->held) - log->len)
		return false;
	memcpy(log->held + log->len, line, n);
	log->len += n;
	return true;
}

__attribute__((format(printf, 2, 3))) static bool add_line(struct log *log, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	bool added = add(log, format, arguments);
	va_end(arguments);
	return added;
}

void log_flush(struct log *log)
{
	log->flush_at = INT64_MAX;
	if (log->len > 0 && takes_more()) {
		/* Nobody to tell when even this fails. */
		(void)!write(STDERR_FILENO, log->held, log->len);
		log->len = 0;
	}
	if (log->missed == 0 || log->len > 0)
		return;
	if (add_line(log, "httapd: %lu lines were not logged: too many at once", log->missed) && takes_more()) {
		log->missed = 0;
		(void)!write(STDERR_FILENO, log->held, log->len);
	}
	log->len = 0;
}

void log_now(struct log *log, const char *format, ...)
{
	va_list arguments;

	log_flush(log);
	va_start(arguments, format);
	if (!add(log, format, arguments))
		log->missed++;
	va_end(arguments);
	log_flush(log);
}

/* A line is held, or was missed, since `now`. */
static void held(struct log *log, int64_t now, bool added)
{
	if (!added)
		log->missed++;
	if (log->flush_at == INT64_MAX)
		log->flush_at = now + (int64_t)DAEMON_LOG_HOLD_MS * 1000;
}

/* Once one is missed the others of this moment are too: under load most lines cost no more than being counted. */
void log_hold(struct log *log, enum log_level level, int64_t now, const char *format, ...)
{
	va_list arguments;

	if (level > log->level)
		return;
	va_start(arguments, format);
	held(log, now, log->missed == 0 && add(log, format, arguments));
	va_end(arguments);
}

static bool add_texts(struct log *log, const char *const *text, size_t count)
{
	size_t len = log->len;

	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(text[i]);
		if (n >= sizeof(log->held) - len) /* one more is the line's end */
			return false;
		memcpy(log->held + len, text[i], n);
		len += n;
	}
	log->held[len++] = '\n';
	log->len = len;
	return true;
}

void log_hold_texts(struct log *log, enum log_level level, int64_t now, const char *const *text, size_t count)
{
	if (level <= log->level)
		held(log, now, log->missed == 0 && add_texts(log, text, count));
}
