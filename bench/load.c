/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * load PORT CONNECTIONS SECONDS TARGET [BODY]: asks a server on this machine over kept connections, each its next request as soon as the
 * reply is there: GET of TARGET, or POST when there is a BODY. Prints requests per second, and the quantiles of what they took.
 * One process and one thread, so that on two cores the server has the other one.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1024, REPLY_MAX = 65536, SAMPLES_MAX = 1 << 22 };

struct connection {
	int fd;
	int64_t asked; /* nanoseconds */
	size_t len;    /* of the reply so far */
	char reply[REPLY_MAX];
};

static char request[4096];
static size_t request_len;
static struct connection connection[CONNECTIONS_MAX];
static uint32_t sample[SAMPLES_MAX]; /* nanoseconds */
static size_t samples;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void ask(struct connection *c)
{
	c->len = 0;
	c->asked = now();
	if (send(c->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len)
		die("send");
}

static void enter(struct connection *c, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* Is the reply whole? Its head has a Content-Length, and says 200. */
static bool is_whole(struct connection *c)
{
	c->reply[c->len] = '\0';
	const char *body = strstr(c->reply, "\r\n\r\n");
	const char *length = strcasestr(c->reply, "\r\ncontent-length: ");

	if (body == NULL)
		return false;
	if (strncmp(c->reply, "HTTP/1.1 200 ", 13) != 0 || length == NULL || length > body) {
		fprintf(stderr, "load: not the reply that was asked for: %s\n", c->reply);
		exit(1);
	}
	return c->len >= (size_t)(body + 4 - c->reply) + strtoul(length + 18, NULL, 10);
}

static void hear(struct connection *c)
{
	ssize_t n = recv(c->fd, c->reply + c->len, sizeof(c->reply) - 1 - c->len, 0);

	if (n <= 0)
		die("recv");
	c->len += (size_t)n;
	if (!is_whole(c))
		return;
	if (samples < SAMPLES_MAX)
		sample[samples++] = (uint32_t)(now() - c->asked);
	ask(c);
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

static double quantile(double q)
{
	return sample[(size_t)(q * (double)(samples - 1))] / 1000.0;
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr, "usage: load PORT CONNECTIONS SECONDS TARGET [BODY]\n");
		return 2;
	}
	int count = atoi(argv[2]);
	if (count < 1 || count > CONNECTIONS_MAX)
		return 2;
	request_len = argc == 5
		? (size_t)snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[4])
		: (size_t)snprintf(request, sizeof(request), "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s",
			  argv[4], strlen(argv[5]), argv[5]);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = &connection[i] };
		enter(&connection[i], (uint16_t)atoi(argv[1]));
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection[i].fd, &event) < 0)
			die("epoll_ctl");
	}
	printf("there\n");
	fflush(stdout);
	int64_t begin = now(), end = begin + (int64_t)(atof(argv[3]) * 1e9);
	for (int i = 0; i < count; i++)
		ask(&connection[i]);
	while (now() < end) {
		struct epoll_event event[64];
		int n = epoll_wait(epoll, event, 64, 100);
		for (int i = 0; i < n; i++)
			hear(event[i].data.ptr);
	}
	double seconds = (double)(now() - begin) / 1e9;
	if (samples == 0)
		return 1;
	qsort(sample, samples, sizeof(sample[0]), compare);
	printf("{\"connections\": %d, \"requests_per_s\": %.0f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}\n",
		count, (double)samples / seconds, quantile(0.5), quantile(0.99), quantile(0.999), quantile(1));
	return 0;
}
