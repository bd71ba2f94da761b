/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Joins the two rooms: the protocol's signals and the chip's lines. It translates, it does not decide: what a request means is
 * the server's business, what a line may do is the lines'.
 */
#include "daemon/routes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A chip that is taken away answers ENODEV; EIO and ENXIO are what drivers of expanders say when the bus or the device is gone. */
static bool is_gone(int error)
{
	return error == ENODEV || error == ENXIO || error == EIO;
}

/* By the lines themselves: EINVAL for what can't be, the others for what must not be now. */
static bool is_refusal(int error)
{
	return error == EINVAL || error == EBUSY || error == EPERM;
}

static int refuse(struct routes *routes, int error, const struct gpio_error *why, struct httap_refusal *refusal)
{
	routes->gone = routes->gone || is_gone(error);
	refusal->status = error == EINVAL ? 400 : is_refusal(error) ? 409 : 503;
	snprintf(refusal->text, sizeof(refusal->text), "%s", why->text);
	return -1;
}

static int routes_read(void *context, const uint16_t *signal, size_t count, uint8_t *value, struct httap_refusal *refusal)
{
	struct routes *routes = context;
	struct gpio_error why;

	why.text[0] = '\0';
	if (gpio_lines_get(routes->lines, signal, count, value, &why) == 0)
		return 0;
	return refuse(routes, errno, &why, refusal);
}

_Static_assert((int)HTTAP_SET_0 == (int)GPIO_SET_0 && (int)HTTAP_SET_1 == (int)GPIO_SET_1 &&
		(int)HTTAP_TOGGLE == (int)GPIO_TOGGLE && (int)HTTAP_PULSE == (int)GPIO_PULSE,
	"both rooms call an action by the same number");

static int routes_write(void *context, const struct httap_actor *actor, const struct httap_write *write, size_t count,
	uint8_t *value, struct httap_refusal *refusal)
{
	struct routes *routes = context;
	struct gpio_command command[GPIO_LINES_MAX];
	const struct gpio_party party = { .id = actor->session, .name = actor->peer };
	struct gpio_error why;

	why.text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		command[i] = (struct gpio_command){
			.line = write[i].signal, .action = write[i].action, .duration = write[i].duration
		};
	routes->when = httap_now(routes->httap);
	/* Before him, and in nobody's name. */
	if (routes_deadline(routes) <= routes->when)
		routes_tick(routes);
	routes->actor = actor;
	int result = gpio_lines_write(routes->lines, routes->when, &party, command, count, value, &why);
	routes->actor = NULL;
	return result == 0 ? 0 : refuse(routes, errno, &why, refusal);
}

static int routes_stop(void *context, const struct httap_actor *actor, struct httap_refusal *refusal)
{
	struct routes *routes = context;
	struct gpio_error why = { .text = "" };

	routes->when = httap_now(routes->httap);
	routes->actor = actor;
	int result = gpio_lines_stop(routes->lines, routes->when, NULL, &why);
	int error = errno;
	routes->actor = NULL;
	if (result == 0)
		return 0;
	routes->gone = true; /* whatever the reason: nobody drives any more, and nothing else would switch off what is still on */
	return refuse(routes, error, &why, refusal);
}

static void routes_ping(void *context, const struct httap_actor *actor)
{
	const struct routes *routes = context;

	gpio_lines_renew(routes->lines, httap_now(routes->httap), actor->session);
}

/* Whatever the reason: a line that does not move when it must is a matter for who can start everything anew. */
static void must_move(struct routes *routes, int result, const struct gpio_error *why)
{
	if (result == 0)
		return;
	log_now(routes->log, "httapd: what was due could not be done: %s", why->text);
	routes->gone = true;
}

static void routes_left(void *context, const char *session)
{
	struct routes *routes = context;
	struct gpio_error why = { .text = "" };

	routes->when = httap_now(routes->httap);
	must_move(routes, gpio_lines_leave(routes->lines, routes->when, session, &why), &why);
}

static void routes_describe(void *context, uint16_t signal, struct httap_json *json)
{
	const struct routes *routes = context;
	const struct gpio_line *line = gpio_lines_at(routes->lines, signal);
	int64_t left;

	httap_json_text(json, "chip", line->chip);
	httap_json_text(json, "label", line->label);
	httap_json_number(json, "line", line->offset);
	httap_json_text(json, "kernelName", line->kernel_name);
	httap_json_bool(json, "activeLow", line->spec.active_low);
	httap_json_number(json, "failsafe", line->spec.failsafe / 1000);
	httap_json_text(json, "interlock", line->spec.interlock[0] != '\0' ? line->spec.interlock : NULL);
	httap_json_text(json, "driver", line->spec.failsafe > 0 ? gpio_lines_driver(routes->lines, 0, &left) : NULL);
}

/* Not inlined: on_change() would pay for these tables where nothing is logged. */
__attribute__((noinline)) static void log_change(
	const struct routes *routes, const char *name, bool was_on, bool is_on, int64_t now, const char *why)
{
	const struct httap_actor *actor = routes->actor;
	const char *from = was_on ? " 1 -> " : " 0 -> ", *to = is_on ? "1" : "0";

	if (why != NULL) {
		const char *const text[] = { "httapd: ", name, from, to, ": ", why };
		log_hold_texts(routes->log, LOG_CHANGES, now, text, sizeof(text) / sizeof(text[0]));
	} else {
		const char *const text[] = { "httapd: ", name, from, to, " by ", actor->peer, " (session ", actor->session,
			"): ", actor->request };
		log_hold_texts(routes->log, LOG_CHANGES, now, text, sizeof(text) / sizeof(text[0]));
	}
}

static void on_change(
	void *context, const struct gpio_line *line, uint8_t old_value, uint8_t new_value, int64_t time, const char *why)
{
	const struct routes *routes = context;
	/* What one call moves moves at one moment, so that listeners hear of it as one event. */
	int64_t now = line->spec.direction == GPIO_OUTPUT ? routes->when : httap_now(routes->httap);

	httap_changed(routes->httap, (uint16_t)(line - gpio_lines_at(routes->lines, 0)), new_value, time >= 0 ? time : now);
	if (routes->log->level >= LOG_CHANGES)
		log_change(routes, line->spec.name, old_value != 0, new_value != 0, now, why);
}

void routes_make(struct routes *routes, const struct gpio_specs *specs, struct httap *httap, struct log *log)
{
	*routes = (struct routes){ .httap = httap, .log = log };
	for (size_t i = 0; i < specs->count; i++) {
		routes->signal[i].name = specs->spec[i].name;
		routes->signal[i].writable = specs->spec[i].direction == GPIO_OUTPUT;
		routes->signal[i].no_get = specs->spec[i].failsafe > 0;
	}
	routes->signals = (struct httap_signals){
		.signal = routes->signal,
		.count = specs->count,
		.context = routes,
		.read = routes_read,
		.write = routes_write,
		.stop = routes_stop,
		.describe = routes_describe,
		.ping = routes_ping,
		.left = routes_left,
	};
}

void routes_connect(struct routes *routes, struct gpio_lines *lines)
{
	routes->lines = lines;
	gpio_lines_on_change(lines, on_change, routes);
}

void routes_remarks(const struct routes *routes)
{
	char remark[GPIO_ERROR_SIZE];

	for (size_t i = 0; routes->log->level >= LOG_CHANGES && i <= gpio_lines_count(routes->lines); i++)
		if (gpio_lines_remark(routes->lines, i, remark, sizeof(remark)))
			log_now(routes->log, "httapd: %s", remark);
}

void routes_edges(struct routes *routes, int fd)
{
	int64_t now = httap_now(routes->httap);
	struct gpio_error why = { .text = "" };

	for (size_t chip = 0; chip < gpio_lines_chips(routes->lines); chip++)
		if (gpio_lines_edge_fd(routes->lines, chip) == fd && gpio_lines_edges(routes->lines, chip, now, &why) < 0) {
			/* Whatever the reason: a descriptor that can't be emptied would never let us sleep again. */
			log_now(routes->log, "httapd: %s", why.text);
			routes->gone = true;
		}
}

int64_t routes_deadline(const struct routes *routes)
{
	return gpio_lines_deadline(routes->lines);
}

void routes_tick(struct routes *routes)
{
	struct gpio_error why = { .text = "" };

	routes->when = httap_now(routes->httap);
	must_move(routes, gpio_lines_tick(routes->lines, routes->when, &why), &why);
}

void routes_status(const struct routes *routes, char *text, size_t size)
{
	size_t count = gpio_lines_count(routes->lines);
	int64_t left;
	const char *driver = gpio_lines_driver(routes->lines, httap_now(routes->httap), &left);
	int len = snprintf(text, size, "Serving %zu signals%s%s%s", count, driver != NULL ? ", driven by " : "",
		driver != NULL ? driver : "", count > 0 ? ":" : "");

	for (size_t i = 0; i < count; i++) {
		const struct gpio_line *line = gpio_lines_at(routes->lines, i);
		size_t room = size - (size_t)len;
		int more = snprintf(text + len, room, " %s=%d", line->spec.name, line->value);
		/* Whole values only, and room for the sign that there are more. */
		if (more < 0 || (size_t)more + sizeof(" ...") > room) {
			snprintf(text + len, room, " ...");
			return;
		}
		len += more;
	}
}

int routes_safe(struct routes *routes, const char *reason)
{
	struct gpio_error why = { .text = "" };

	routes->when = httap_now(routes->httap);
	if (gpio_lines_stop(routes->lines, routes->when, reason, &why) == 0)
		return 0;
	log_now(routes->log, "httapd: not every output could be set to its safe value: %s", why.text);
	return -1;
}
