/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * driver PORT PID: drives FORWARD, with the daemon PID on this machine: writes it every 10 ms and measures how long the reply takes.
 * Says "drives" when it is on. At the first byte of its input it prints how many round trips there were and, in microseconds, their
 * median, their 99th percentile and the longest, and the same again without what driver and daemon only waited for a core; then it
 * switches off, and on again, and falls silent until its input ends. A process of its own in C, so that it measures the server and
 * not Python.
 *
 * What a process waited for a core is counted by the kernel (/proc/PID/schedstat, the second number). By that a machine which has other
 * work to do makes a round trip longer; all else in it is the server's doing, also what it spends on a crowd. Where both wait at the same
 * time that is taken off twice: it hides no more than what the daemon waited.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PACE_MS = 10, SAMPLES_MAX = 1 << 16, PATIENCE_S = 10 };

static int server, daemon_stat, own_stat;
static uint32_t whole[SAMPLES_MAX], served[SAMPLES_MAX]; /* microseconds */
static int samples;

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

static int open_stat(const char *pid)
{
	char path[64];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%s/schedstat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		die(path);
	return fileno(file);
}

/* Nanoseconds for which it was ready to run and didn't. */
static int64_t waited(int stat)
{
	char text[80];
	int64_t ran, waits;
	ssize_t n = pread(stat, text, sizeof(text) - 1, 0);

	if (n <= 0)
		die("schedstat");
	text[n] = '\0';
	if (sscanf(text, "%" SCNd64 " %" SCNd64, &ran, &waits) != 2)
		die("schedstat");
	return waits;
}

static void enter(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int on = 1;

	server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server < 0 || connect(server, (const struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect");
	(void)setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

/* Each reply is so short that it comes in one piece. */
static void write_line(char value)
{
	char text[1024];
	int len =
		snprintf(text, sizeof(text), "POST /?FORWARD HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n%c", value);
	ssize_t n;

	if (send(server, text, (size_t)len, MSG_NOSIGNAL) != len)
		die("send");
	n = recv(server, text, sizeof(text) - 1, 0);
	if (n <= 0)
		die("no reply");
	text[n] = '\0';
	if (strncmp(text, "HTTP/1.1 200 ", 13) != 0) {
		fprintf(stderr, "driver: %s\n", text);
		exit(1);
	}
}

static void measure(void)
{
	int64_t waits = waited(daemon_stat) + waited(own_stat), began = now();

	write_line('1');
	int64_t took = now() - began;
	int64_t without = took - (waited(daemon_stat) + waited(own_stat) - waits);
	whole[samples] = (uint32_t)(took / 1000);
	served[samples] = (uint32_t)(without > 0 ? without / 1000 : 0);
	samples += samples < SAMPLES_MAX - 1;
}

static int compare(const void *a, const void *b)
{
	return (*(const uint32_t *)a > *(const uint32_t *)b) - (*(const uint32_t *)a < *(const uint32_t *)b);
}

static void tell(uint32_t *sample)
{
	qsort(sample, (size_t)samples, sizeof(*sample), compare);
	printf(" %" PRIu32 " %" PRIu32 " %" PRIu32, sample[samples / 2], sample[samples * 99 / 100], sample[samples - 1]);
}

int main(int argc, char **argv)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	if (argc != 3)
		return 2;
	(void)setpriority(PRIO_PROCESS, 0, -20); /* where it may: else the measure is made all the same */
	daemon_stat = open_stat(argv[2]);
	own_stat = open_stat("self");
	enter(argv[1]);
	write_line('1');
	puts("drives");
	fflush(stdout);
	do
		measure();
	while (poll(&input, 1, PACE_MS) == 0);
	printf("%d", samples);
	tell(whole);
	tell(served);
	write_line('0');
	write_line('1');
	putchar('\n');
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}
