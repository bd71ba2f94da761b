/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * A program that has a loop of its own: the server is one of the descriptors it waits for. A timer turns the input TICK over, twice
 * a second or, when the output FAST is on, twenty times; who listens to /?events sees each turn when it happens.
 *
 *	cc -o own_epoll own_epoll.c $(pkg-config --cflags --libs httap) && ./own_epoll
 *	curl -N 'http://localhost:60000/?events'
 *	curl -d toggle 'http://localhost:60000/?FAST'
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <httap.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { TICK, FAST, SIGNALS };

static struct program {
	struct httap httap;
	int epoll;
	int timer;
	int signals;
	uint8_t value[SIGNALS];
	bool stopping;
} program;

static int set_timer(const struct program *p)
{
	const struct timespec turn = { .tv_nsec = p->value[FAST] != 0 ? 50000000 : 500000000 };

	return timerfd_settime(p->timer, 0, &(struct itimerspec){ turn, turn }, NULL);
}

/* --- What it offers -------------------------------------------------------------------------------------------------- */

static int read_signals(void *context, const uint16_t *signal, size_t count, uint8_t *value, struct httap_refusal *refusal)
{
	const struct program *p = context;

	(void)refusal;
	for (size_t i = 0; i < count; i++)
		value[i] = p->value[signal[i]];
	return 0;
}

/* FAST, that is: writes to an input never come here. */
static int write_signals(void *context, const struct httap_actor *actor, const struct httap_write *write, size_t count,
	uint8_t *value, struct httap_refusal *refusal)
{
	struct program *p = context;
	uint8_t before = p->value[FAST];

	(void)actor, (void)count;
	if (write->action == HTTAP_PULSE) {
		*refusal = (struct httap_refusal){ 400, "FAST has no pulses: write 0, 1 or toggle" };
		return -1;
	}
	p->value[FAST] = write->action == HTTAP_TOGGLE ? !before : write->action == HTTAP_SET_1;
	if (p->value[FAST] != before && set_timer(p) < 0) {
		p->value[FAST] = before;
		return -1; /* with the refusal that stands there already: 503 */
	}
	*value = p->value[FAST];
	return 0;
}

static const struct httap_signal signal_of[SIGNALS] = {
	[TICK] = { .name = "TICK" },
	[FAST] = { .name = "FAST", .writable = true },
};

static const struct httap_signals signals = {
	.signal = signal_of, .count = SIGNALS, .context = &program, .read = read_signals, .write = write_signals
};

/* --- The loop ---------------------------------------------------------------------------------------------------------- */

static void on_timer(struct program *p)
{
	uint64_t turns;

	if (read(p->timer, &turns, sizeof(turns)) != (ssize_t)sizeof(turns))
		return; /* it was set anew in between */
	p->value[TICK] ^= turns & 1;
	httap_changed(&p->httap, TICK, p->value[TICK], httap_now(&p->httap));
}

/* Milliseconds until the server wants a pass though nothing arrives: rounded up, for what comes too early comes in vain. */
static int timeout_ms(const struct httap *httap)
{
	int64_t deadline = httap_deadline(httap), now = httap_now(httap);

	if (deadline == INT64_MAX)
		return -1;
	if (deadline <= now)
		return 0;
	return deadline - now < (int64_t)INT_MAX * 1000 ? (int)((deadline - now + 999) / 1000) : INT_MAX;
}

static int turn(struct program *p)
{
	struct epoll_event event[3];
	int n = epoll_wait(p->epoll, event, 3, timeout_ms(&p->httap));

	if (n < 0 && errno != EINTR)
		return -1;
	for (int i = 0; i < n; i++) {
		if (event[i].data.fd == p->timer)
			on_timer(p);
		p->stopping = p->stopping || event[i].data.fd == p->signals;
	}
	/* Whatever woke us: requests, a deadline, or a change that is to be told. A pass without work is one system call. */
	return httap_polled(&p->httap);
}

static int add(const struct program *p, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return fd < 0 ? -1 : epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int open_loop(struct program *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p->epoll < 0 || add(p, p->timer) < 0 || add(p, p->signals) < 0 || add(p, httap_fd(&p->httap)) < 0)
		return -1;
	return set_timer(p);
}

int main(void)
{
	struct program *p = &program;
	struct httap_error error;

	p->httap.signals = &signals;
	if (httap_config_environment(&p->httap.config, &error) < 0 || httap_start(&p->httap, &error) < 0) {
		fprintf(stderr, "own_epoll: %s\n", error.text);
		return 1;
	}
	printf("own_epoll: http://localhost:%d/\n", httap_port(&p->httap));
	int result = fflush(stdout) != 0 ? -1 : open_loop(p);
	while (result >= 0 && !p->stopping)
		result = turn(p);
	if (result < 0)
		fprintf(stderr, "own_epoll: %s\n", strerror(errno));
	httap_stop(&p->httap);
	return result < 0 ? 1 : 0;
}
