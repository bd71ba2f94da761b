/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The notify protocol of systemd. sd_notify() looks its socket up by path each time, and after chroot there is no such path: so
 * this connects once, before. The protocol is a datagram of VARIABLE=VALUE lines (sd_notify(3), "Notes").
 */
#include "daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int refuse(struct httap_error *error, const char *path)
{
	snprintf(error->text, sizeof(error->text), "can't reach NOTIFY_SOCKET=\"%.100s\": %s", path, strerror(errno));
	return -2;
}

int notify_open(struct httap_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;

	if (len == 0)
		return -1;
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
	unsetenv("NOTIFY_SOCKET");
	return fd;
}

void notify_send(int fd, const char *state)
{
	if (fd >= 0)
		(void)send(fd, state, strlen(state), MSG_NOSIGNAL);
}
