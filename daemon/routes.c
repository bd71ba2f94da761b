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

static int refuse(struct routes *routes, int error, const struct gpio_error *why, struct httap_refusal *refusal)
{
	routes->gone = routes->gone || is_gone(error);
	refusal->status = error == EINVAL ? 400 : 503;
	snprintf(refusal->text, sizeof(refusal->text), "%s", why->text);
	return -1;
}

static int routes_read(void *context, const uint16_t *signal, size_t count, uint8_t *value, struct httap_refusal *refusal)
{
	struct routes *routes = context;
	struct gpio_error why = { .text = "" };

	if (gpio_lines_get(routes->lines, signal, count, value, &why) == 0)
		return 0;
	return refuse(routes, errno, &why, refusal);
}

static uint8_t wanted_value(const struct routes *routes, const struct httap_write *write)
{
	if (write->action == HTTAP_TOGGLE)
		return !gpio_lines_at(routes->lines, write->signal)->value;
	return write->action != HTTAP_SET_0; /* also a pulse begins with 1 */
}

static int routes_write(void *context, const struct httap_actor *actor, const struct httap_write *write, size_t count,
	uint8_t *value, struct httap_refusal *refusal)
{
	struct routes *routes = context;
	struct gpio_change change[GPIO_LINES_MAX];
	struct gpio_error why = { .text = "" };

	routes->when = httap_now(routes->httap);
	for (size_t i = 0; i < count; i++) {
		value[i] = wanted_value(routes, &write[i]);
		change[i] = (struct gpio_change){ .line = write[i].signal, .value = value[i] };
		if (write[i].action == HTTAP_PULSE)
			change[i].until = routes->when + write[i].duration;
	}
	routes->actor = actor;
	int result = gpio_lines_set(routes->lines, change, count, &why);
	int error = errno;
	routes->actor = NULL;
	return result == 0 ? 0 : refuse(routes, error, &why, refusal);
}

static int routes_stop(void *context, const struct httap_actor *actor, struct httap_refusal *refusal)
{
	struct routes *routes = context;
	struct gpio_error why = { .text = "" };

	routes->when = httap_now(routes->httap);
	routes->actor = actor;
	int result = gpio_lines_safe(routes->lines, &why);
	int error = errno;
	routes->actor = NULL;
	/* Whatever the reason, a stop that failed is never the asker's fault. */
	return result == 0 ? 0 : refuse(routes, error == EINVAL ? EIO : error, &why, refusal);
}

static void routes_describe(void *context, uint16_t signal, struct httap_json *json)
{
	const struct routes *routes = context;
	const struct gpio_line *line = gpio_lines_at(routes->lines, signal);

	httap_json_text(json, "chip", line->chip);
	httap_json_text(json, "label", line->label);
	httap_json_number(json, "line", line->offset);
	httap_json_text(json, "kernelName", line->kernel_name);
	httap_json_bool(json, "activeLow", line->spec.active_low);
	/* What no line has in this version is said too, so that a page can rely on the members. */
	httap_json_number(json, "failsafe", 0);
	httap_json_text(json, "interlock", NULL);
	httap_json_text(json, "driver", NULL);
}

static void on_change(void *context, const struct gpio_line *line, uint8_t old_value, uint8_t new_value, int64_t time)
{
	const struct routes *routes = context;
	const struct httap_actor *actor = routes->actor;
	/* What one call moves moves at one moment, so that listeners hear of it as one event. */
	int64_t now = line->spec.direction == GPIO_OUTPUT ? routes->when : httap_now(routes->httap);

	/* A stamp from the future is one of another clock (gpio/chip.h). */
	httap_changed(routes->httap, (uint16_t)(line - gpio_lines_at(routes->lines, 0)), new_value,
		time >= 0 && time <= now ? time : now);

	if (line->spec.direction == GPIO_INPUT)
		log_hold(routes->log, LOG_CHANGES, now, "httapd: %s %d -> %d: input", line->spec.name, old_value, new_value);
	else if (actor != NULL)
		log_hold(routes->log, LOG_CHANGES, now, "httapd: %s %d -> %d by %s (session %s): %s", line->spec.name, old_value,
			new_value, actor->peer, actor->session, actor->request);
	else
		log_hold(routes->log, LOG_CHANGES, now, "httapd: %s %d -> %d: %s", line->spec.name, old_value, new_value,
			routes->reason != NULL ? routes->reason : "start");
}

void routes_make(struct routes *routes, const struct gpio_specs *specs, struct httap *httap, struct log *log)
{
	*routes = (struct routes){ .httap = httap, .log = log };
	for (size_t i = 0; i < specs->count; i++) {
		routes->signal[i].name = specs->spec[i].name;
		routes->signal[i].writable = specs->spec[i].direction == GPIO_OUTPUT;
	}
	routes->signals = (struct httap_signals){
		.signal = routes->signal,
		.count = specs->count,
		.context = routes,
		.read = routes_read,
		.write = routes_write,
		.stop = routes_stop,
		.describe = routes_describe,
	};
}

void routes_connect(struct routes *routes, struct gpio_lines *lines)
{
	routes->lines = lines;
	gpio_lines_on_change(lines, on_change, routes);
}

void routes_edges(struct routes *routes, int fd)
{
	struct gpio_error why = { .text = "" };

	for (size_t chip = 0; chip < gpio_lines_chips(routes->lines); chip++)
		if (gpio_lines_edge_fd(routes->lines, chip) == fd && gpio_lines_edges(routes->lines, chip, &why) < 0) {
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
	routes->reason = "the pulse ended";
	if (gpio_lines_tick(routes->lines, routes->when, &why) < 0) {
		/* Whatever the reason: a line that does not go off is a matter for who can start everything anew. */
		log_now(routes->log, "httapd: a pulse could not be ended: %s", why.text);
		routes->gone = true;
	}
	routes->reason = NULL;
}

int routes_safe(struct routes *routes, const char *reason)
{
	struct gpio_error why = { .text = "" };

	routes->when = httap_now(routes->httap);
	routes->reason = reason;
	if (gpio_lines_safe(routes->lines, &why) == 0)
		return 0;
	log_now(routes->log, "httapd: not every output could be set to its safe value: %s", why.text);
	return -1;
}
