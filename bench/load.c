/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * load [-c] [-p DEPTH] PORT CONNECTIONS SECONDS TARGET [BODY]: asks a server on this machine over kept connections, each its next
 * request as soon as the reply is there: GET of TARGET, or POST when there is a BODY. -p: so many requests in one send, the next ones
 * when all replies are there. -c: a new connection for each request. Prints requests per second, and the quantiles of what a request
 * (or DEPTH of them) took. One process and one thread, so that on two cores the server has the other one.
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
	int missing;   /* replies that are still to come */
	size_t left;   /* bytes of the present body that are still to come */
	size_t len;    /* of what has come and was not looked at */
	char reply[REPLY_MAX];
};

static int epoll, depth = 1;
static bool closes;
static uint16_t port;
static char request[65536];
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
	c->asked = now();
	c->missing = depth;
	if (send(c->fd, request, request_len, MSG_NOSIGNAL) != (ssize_t)request_len)
		die("send");
}

static void enter(struct connection *c)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		die("epoll_ctl");
}

/* By a reset, so that no port of this side is kept for a minute. */
static void leave(struct connection *c)
{
	struct linger at_once = { .l_onoff = 1 };

	(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(c->fd);
}

/* Takes a head off what has come; false when it is not complete. It has a Content-Length, and says 200. */
static bool take_head(struct connection *c)
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
	c->left = strtoul(length + 18, NULL, 10);
	size_t taken = (size_t)(body + 4 - c->reply);
	c->len -= taken;
	memmove(c->reply, c->reply + taken, c->len);
	return true;
}

/* Looks at what has come; true when the last reply is whole. */
static bool take(struct connection *c)
{
	for (;;) {
		if (c->left == 0 && !take_head(c))
			return false;
		size_t part = c->len < c->left ? c->len : c->left;
		c->len -= part;
		c->left -= part;
		memmove(c->reply, c->reply + part, c->len);
		if (c->left > 0)
			return false;
		if (--c->missing == 0)
			return true;
	}
}

static void hear(struct connection *c)
{
	ssize_t n = recv(c->fd, c->reply + c->len, sizeof(c->reply) - 1 - c->len, 0);

	if (n <= 0)
		die("recv");
	c->len += (size_t)n;
	if (!take(c))
		return;
	if (samples < SAMPLES_MAX)
		sample[samples++] = (uint32_t)(now() - c->asked);
	if (closes) {
		leave(c);
		enter(c);
	}
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

static void make_requests(const char *target, const char *body)
{
	char length[64] = "";

	if (body != NULL)
		snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
	for (int i = 0; i < depth; i++) {
		int len = snprintf(request + request_len, sizeof(request) - request_len,
			"%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n%s", body != NULL ? "POST" : "GET", target, length,
			body != NULL ? body : "");
		if (len < 0 || (size_t)len >= sizeof(request) - request_len)
			exit(2);
		request_len += (size_t)len;
	}
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "cp:")) != -1) {
		closes |= option == 'c';
		depth = option == 'p' ? atoi(optarg) : depth;
	}
	argv += optind;
	argc -= optind;
	int count = argc < 4 ? 0 : atoi(argv[1]);
	if (count < 1 || count > CONNECTIONS_MAX || depth < 1) {
		fprintf(stderr, "usage: load [-c] [-p DEPTH] PORT CONNECTIONS SECONDS TARGET [BODY]\n");
		return 2;
	}
	port = (uint16_t)atoi(argv[0]);
	make_requests(argv[3], argv[4]);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < count; i++)
		enter(&connection[i]);
	printf("there\n");
	fflush(stdout);
	int64_t begin = now(), end = begin + (int64_t)(atof(argv[2]) * 1e9);
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
		count, (double)samples * depth / seconds, quantile(0.5), quantile(0.99), quantile(0.999), quantile(1));
	return 0;
}
