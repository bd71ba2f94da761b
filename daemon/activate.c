/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Socket activation. The variables are read once and unset; each descriptor is asked what it is before it is believed.
 */
#include "daemon/activate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

static int add_socket(struct httap *httap, int fd, const char *name, struct httap_error *error)
{
	int is_socket = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1);

	if (is_socket > 0 && httap_add_listener(httap, fd) == 0)
		return 0;
	snprintf(error->text, sizeof(error->text), "descriptor %d (%.60s) from LISTEN_FDS can't be served: %s", fd,
		name != NULL ? name : "unknown",
		is_socket == 0 ? "it must be a listening stream socket (ListenStream=)"
			       : strerror(is_socket < 0 ? -is_socket : errno));
	return -1;
}

int activate_sockets(struct httap *httap, struct httap_error *error)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);

	if (count < 0) {
		snprintf(error->text, sizeof(error->text), "can't take the sockets of LISTEN_FDS: %s", strerror(-count));
		return -1;
	}
	int result = count;
	for (int i = 0; i < count && result >= 0; i++)
		if (add_socket(httap, SD_LISTEN_FDS_START + i, names != NULL ? names[i] : NULL, error) < 0)
			result = -1;
	for (char **name = names; name != NULL && *name != NULL; name++)
		free(*name);
	free(names);
	return result;
}
