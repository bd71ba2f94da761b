/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * event PORT BODY ROOT: the same answers by the HTTP server of libevent: the word to every request with a query, and files.
 */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *word, *root;

static void answer(struct evhttp_request *request, void *context)
{
	struct evbuffer *body = evbuffer_new();
	const char *uri = evhttp_request_get_uri(request);
	char path[4096];
	struct stat status;
	int fd;

	(void)context;
	snprintf(path, sizeof(path), "%s%s", root, uri);
	if (strchr(uri, '?') == NULL && (fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0 && fstat(fd, &status) == 0)
		evbuffer_add_file(body, fd, 0, status.st_size);
	else
		evbuffer_add(body, word, strlen(word));
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", "application/json");
	evhttp_send_reply(request, 200, "OK", body);
	evbuffer_free(body);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	signal(SIGPIPE, SIG_IGN); /* libevent does not do that */
	word = argv[2];
	root = argv[3];
	struct event_base *base = event_base_new();
	struct evhttp *http = evhttp_new(base);
	evhttp_set_gencb(http, answer, NULL);
	if (evhttp_bind_socket(http, "127.0.0.1", (uint16_t)atoi(argv[1])) != 0)
		return 1;
	return event_base_dispatch(base);
}
