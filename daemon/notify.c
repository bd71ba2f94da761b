/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The notify protocol of systemd. sd_notify() looks its socket up by path each time, and after chroot there is no such path: so
 * this connects once, before. The protocol is a datagram of VARIABLE=VALUE lines (sd_notify(3), "Notes").
 */
#include "daemon/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "httap/text.h"

static int refuse(struct httap_error *error, const char *path)
{
	snprintf(error->text, sizeof(error->text), "can't reach NOTIFY_SOCKET=\"%.100s\": %s", path, strerror(errno));
	return -1;
}

/* A value that systemd would not have written counts as none. */
static bool read_variable(const char *name, uint64_t max, uint64_t *number)
{
	const char *value = getenv(name);

	return value != NULL && text_number(span_of(value), max, number);
}

static void read_watchdog(struct notify *notify)
{
	uint64_t period, pid;

	if (!read_variable("WATCHDOG_USEC", INT64_MAX, &period) || period == 0)
		return;
	if (read_variable("WATCHDOG_PID", INT32_MAX, &pid) && (pid_t)pid != getpid())
		return; /* left over from the process that started us */
	notify->watchdog = true;
	if ((int64_t)period / 3 < notify->period)
		notify->period = (int64_t)period / 3;
}

int notify_open(struct notify *notify, struct httap_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;

	*notify = (struct notify){ .fd = -1, .period = DAEMON_STATUS_MS * INT64_C(1000), .due = INT64_MAX };
	if (len == 0)
		return 0;
	if (len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@')) {
		errno = EINVAL;
		return refuse(error, path);
	}
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0'; /* an abstract address (unix(7)) */

	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refuse(error, path);
	if (connect(fd, (const struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		int result = refuse(error, path);
		(void)close(fd);
		return result;
	}
	notify->fd = fd;
	notify->due = 0;
	read_watchdog(notify);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

void notify_tick(struct notify *notify, int64_t now, const char *status)
{
	char state[sizeof(notify->status) + 64];
	bool told = strcmp(notify->status, status) == 0;

	if (notify->fd < 0)
		return;
	notify->due = now + notify->period;
	if (told && notify->ready && !notify->watchdog)
		return;
	snprintf(notify->status, sizeof(notify->status), "%s", status);
	snprintf(state, sizeof(state), "%s%s%s%s", notify->ready ? "" : "READY=1\n", notify->watchdog ? "WATCHDOG=1\n" : "",
		told ? "" : "STATUS=", told ? "" : notify->status);
	notify->ready = true;
	notify_send(notify, state);
}

void notify_send(const struct notify *notify, const char *state)
{
	if (notify->fd >= 0)
		(void)send(notify->fd, state, strlen(state), MSG_NOSIGNAL);
}
