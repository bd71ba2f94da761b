/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * bare PORT REPLY: the limit. An epoll loop that answers whatever it receives by the bytes of that file: a wait, a recv, a send. Nothing
 * is read and nothing is checked, and a request must come in one piece.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char reply[65536];
static size_t reply_len;

static void serve(int fd)
{
	char request[65536];
	ssize_t n = recv(fd, request, sizeof(request), 0);

	if (n <= 0 || send(fd, reply, reply_len, MSG_NOSIGNAL) < 0)
		(void)close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event[64] = { { .events = EPOLLIN } };
	int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), epoll = epoll_create1(EPOLL_CLOEXEC);
	FILE *file = argc == 3 ? fopen(argv[2], "rb") : NULL;

	if (file == NULL)
		return 2;
	reply_len = fread(reply, 1, sizeof(reply), file);
	fclose(file);
	address.sin_port = htons((uint16_t)atoi(argv[1]));
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1024) < 0)
		return 1;
	event[0].data.fd = listener;
	(void)epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event[0]);
	for (;;) {
		int n = epoll_wait(epoll, event, 64, -1);
		for (int i = 0; i < n; i++) {
			if (event[i].data.fd != listener) {
				serve(event[i].data.fd);
				continue;
			}
			struct epoll_event more = { .events = EPOLLIN, .data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC) };
			(void)setsockopt(more.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
			(void)epoll_ctl(epoll, EPOLL_CTL_ADD, more.data.fd, &more);
		}
	}
}
