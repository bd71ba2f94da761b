/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * A program that counts as fast as it can, and serves while it counts. In polled mode it looks for requests between two rounds of
 * its own work, and never waits for any; in blocking mode it rests and serves. POST /?Mode switches between the two while it runs.
 *
 *	cc -o spinner spinner.c $(pkg-config --cflags --libs httap) && ./spinner
 *	curl 'http://localhost:60000/?Counter'
 *	curl -d blocking 'http://localhost:60000/?Mode'      and back by -d polled
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <httap.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* A pass costs a system call when nothing has happened, so it is not made for every step. A round takes some microseconds: that
 * is how long a request may have to wait. */
#define STEPS 4096

static struct spinner {
	volatile uint64_t counter; /* volatile: a compiler may not shorten the work */
	uint64_t rounds;
	bool blocking;
	bool stopping;
	uint8_t led;
} spinner;

/* --- What it offers -------------------------------------------------------------------------------------------------- */

static int read_led(void *context, const uint16_t *signal, size_t count, uint8_t *value, struct httap_refusal *refusal)
{
	const struct spinner *s = context;

	(void)signal, (void)count, (void)refusal; /* there is one signal, and nothing that could fail */
	*value = s->led;
	return 0;
}

static int write_led(void *context, const struct httap_actor *actor, const struct httap_write *write, size_t count,
	uint8_t *value, struct httap_refusal *refusal)
{
	struct spinner *s = context;

	(void)actor, (void)count;
	if (write->action == HTTAP_PULSE) {
		*refusal = (struct httap_refusal){ 400, "this LED has no pulses: write 0, 1 or toggle" };
		return -1;
	}
	s->led = write->action == HTTAP_TOGGLE ? !s->led : write->action == HTTAP_SET_1;
	*value = s->led;
	return 0;
}

static int answer_counter(void *context, struct httap_call *call, struct httap_refusal *refusal)
{
	const struct spinner *s = context;

	(void)refusal;
	httap_json_number(call->json, "Counter", (int64_t)s->counter);
	httap_json_number(call->json, "Rounds", (int64_t)s->rounds);
	return 0;
}

static bool body_is(const struct httap_call *call, const char *text)
{
	return call->body_len == strlen(text) && memcmp(call->body, text, call->body_len) == 0;
}

static int answer_mode(void *context, struct httap_call *call, struct httap_refusal *refusal)
{
	struct spinner *s = context;

	if (call->writes && !body_is(call, "polled") && !body_is(call, "blocking")) {
		*refusal = (struct httap_refusal){ 400, "Mode is either polled or blocking" };
		return -1;
	}
	if (call->writes)
		s->blocking = body_is(call, "blocking"); /* from the next pass on */
	httap_json_text(call->json, "Mode", s->blocking ? "blocking" : "polled");
	return 0;
}

static const struct httap_signal led = { .name = "LED", .writable = true };
static const struct httap_signals signals = {
	.signal = &led, .count = 1, .context = &spinner, .read = read_led, .write = write_led
};

static const struct httap_word word[] = {
	{ .name = "Counter", .methods = HTTAP_READS, .answer = answer_counter },
	{ .name = "Mode", .methods = HTTAP_READS_AND_WRITES, .answer = answer_mode },
};
static const struct httap_words words = { .word = word, .count = sizeof(word) / sizeof(word[0]), .context = &spinner };

/* --- What it does ------------------------------------------------------------------------------------------------------ */

static void on_signal(void *context, int fd)
{
	struct spinner *s = context;
	struct signalfd_siginfo info;

	s->stopping = read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

/* Signals arrive as input: none can fall between the test of a flag and a wait. */
static int watch_signals(struct httap *httap)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -1 : httap_watch(httap, fd, on_signal, &spinner);
}

static void work(struct spinner *s)
{
	for (int i = 0; i < STEPS; i++)
		s->counter++;
	s->rounds++;
}

static int run(struct httap *httap)
{
	while (!spinner.stopping) {
		if ((spinner.blocking ? httap_blocking(httap) : httap_polled(httap)) < 0)
			return -1;
		if (!spinner.blocking)
			work(&spinner);
	}
	return 0;
}

int main(void)
{
	static struct httap httap = { .config.type = "spinner", .signals = &signals, .words = &words };
	struct httap_error error;

	if (httap_config_environment(&httap.config, &error) < 0 || httap_start(&httap, &error) < 0) {
		fprintf(stderr, "spinner: %s\n", error.text);
		return 1;
	}
	printf("spinner: http://localhost:%d/\n", httap_port(&httap));
	if (fflush(stdout) != 0 || watch_signals(&httap) < 0 || run(&httap) < 0) {
		fprintf(stderr, "spinner: %s\n", strerror(errno));
		return 1;
	}
	httap_stop(&httap);
	return 0;
}
