/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The inside of struct gpio_lines, shared by lookup.c (what is where) and lines.c (requests, levels). Nobody else may
 * include it but unit tests, which look for chips in places of their own.
 */
#ifndef GPIO_LINES_H
#define GPIO_LINES_H

#include "chip.h"
#include "find.h"
#include "rules.h"

/* A chip has two requests, its outputs and its inputs. Outputs stand in one, so that a write of several is one system
 * call and all or nothing. Inputs stand in one of their own and not in one each: reading all of them is one call as
 * well, and edges will come through one descriptor that writing never wakes. The price is a consumer that names
 * several inputs. */
#define GPIO_REQUESTS_MAX (2UL * GPIO_CHIPS_MAX)

struct gpio_lines {
	size_t count;
	size_t chip_count;
	struct gpio_chip *chip[GPIO_CHIPS_MAX];          /* the first is the default chip */
	struct gpio_request *request[GPIO_REQUESTS_MAX]; /* NULL: no such lines */
	struct {
		uint8_t request; /* index of the request that holds the line */
		uint8_t bit;     /* of the line in the sets of that request */
	} place[GPIO_LINES_MAX];
	struct rules rules;
	const char *why;               /* of what is being moved; NULL: a command */
	uint64_t settling;             /* inputs that show another value than was told, and have to keep it for their debounce= */
	int64_t since[GPIO_LINES_MAX]; /* of those */
	gpio_changed_fn *changed;
	void *context;
	struct gpio_line line[GPIO_LINES_MAX];
};

/* Opens the chips and finds the lines, all of which must be free; requests nothing. End with gpio_lines_close(). */
struct gpio_lines *gpio_lines_look_up(
	const struct gpio_places *places, const struct gpio_specs *specs, const char *chip, struct gpio_error *error);

/* gpio_lines_open() with places other than this machine's. */
struct gpio_lines *gpio_lines_open_at(const struct gpio_places *places, const struct gpio_specs *specs, const char *chip,
	bool safe, int64_t now, struct gpio_error *error);

#endif
