/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * micro PORT BODY ROOT: the same answers by libmicrohttpd, with one thread and epoll: the word to every request with a query, and files.
 */
#include <fcntl.h>
#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *root;
static struct MHD_Response *word;

static enum MHD_Result send_file(struct MHD_Connection *connection, const char *url)
{
	char path[4096];
	struct stat status;

	snprintf(path, sizeof(path), "%s%s", root, url);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0)
		return MHD_NO;
	struct MHD_Response *file = MHD_create_response_from_fd64((uint64_t)status.st_size, fd);
	enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, file);
	MHD_destroy_response(file);
	return result;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *upload, size_t *upload_len, void **state)
{
	static int seen;

	(void)context, (void)version, (void)upload;
	if (*state == NULL) { /* the head has come; the body follows */
		*state = &seen;
		return MHD_YES;
	}
	if (*upload_len > 0) {
		*upload_len = 0;
		return MHD_YES;
	}
	if (strcmp(method, "GET") == 0 && strcmp(url, "/") != 0)
		return send_file(connection, url);
	return MHD_queue_response(connection, MHD_HTTP_OK, word);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	root = argv[3];
	word = MHD_create_response_from_buffer(strlen(argv[2]), argv[2], MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(word, "Content-Type", "application/json");
	if (MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, (uint16_t)atoi(argv[1]), NULL, NULL, answer, NULL,
		    MHD_OPTION_CONNECTION_LIMIT, 1100U, MHD_OPTION_END) == NULL)
		return 1;
	for (;;)
		pause();
}
