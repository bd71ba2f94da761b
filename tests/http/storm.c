/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * storm PORT COUNT: connects COUNT times, one after the other, and is gone again each time: without a word, within a request, behind
 * one whose reply it does not want, and each 16th time with the reply, so that it never runs far ahead of who accepts; by a reset or
 * by closing. Prints "there" when it begins, and at the end how many connects there were. The source addresses take turns, because a
 * port is not free again for a while.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOURCES = 64, PATIENCE_S = 10 };

static const char request[] = "GET /?LED HTTP/1.1\r\nHost: localhost\r\n\r\n";

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int enter(unsigned long port, uint32_t source)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + source) };
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	/* The port is chosen when it is known where to: see ip(7). */
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
		bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0)
		die("socket");
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	return fd;
}

/* The daemon may be quicker: it has a right to close, with 503 or without a word. */
static void speak(int fd, unsigned long i)
{
	static const size_t most[] = { sizeof(request) - 1, 0, 10 };
	char reply[1024];

	if (most[i % 3] > 0 || i % 16 == 0)
		(void)!send(fd, request, i % 16 == 0 ? most[0] : most[i % 3], MSG_NOSIGNAL);
	if (i % 16 == 0)
		(void)!recv(fd, reply, sizeof(reply), 0);
}

static void leave(int fd, unsigned long i)
{
	struct linger reset = { .l_onoff = 1 };

	if (i % 2 == 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0)
		die("linger");
	if (close(fd) < 0)
		die("close");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	unsigned long port = strtoul(argv[1], NULL, 10), count = strtoul(argv[2], NULL, 10), i;

	puts("there");
	fflush(stdout);
	for (i = 0; i < count; i++) {
		int fd = enter(port, (uint32_t)(i % SOURCES));
		speak(fd, i);
		leave(fd, i);
	}
	printf("%lu\n", i);
	return 0;
}
