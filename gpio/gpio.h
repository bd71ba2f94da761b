/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Named GPIO lines: what the daemon sees of the gpio room. Values here are always logical (1 is active); the one place
 * that turns them into electrical levels is lines.c. Nothing in this room knows HTTP, prints, or ends the process.
 *
 * Functions return 0 (or a pointer, or a count) when they did what was asked, and -1 (or NULL) when they did not;
 * then the gpio_error they were given (NULL: not wanted) holds one sentence of printable ASCII, without a newline, that
 * says what was wrong and what would be right.
 */
#ifndef GPIO_GPIO_H
#define GPIO_GPIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "httapd_limits.h"

struct gpio_error {
	char text[GPIO_ERROR_SIZE];
};

enum gpio_direction { GPIO_OUTPUT, GPIO_INPUT };
enum gpio_bias { GPIO_BIAS_AS_IS, GPIO_BIAS_OFF, GPIO_BIAS_PULL_UP, GPIO_BIAS_PULL_DOWN };
enum gpio_drive { GPIO_PUSH_PULL, GPIO_OPEN_DRAIN, GPIO_OPEN_SOURCE };

/* A logical value that a specification asks for; KEEP leaves what is there. */
enum gpio_level { GPIO_0, GPIO_1, GPIO_KEEP };

/* One entry of HTTAP_LINES, as it was written: nothing here has been looked up on a chip yet. */
struct gpio_spec {
	char name[GPIO_NAME_SIZE]; /* the signal: [A-Z][A-Za-z0-9_]*(\.[A-Z0-9][A-Za-z0-9_]*)* */
	char chip[GPIO_NAME_SIZE]; /* label or gpiochipN before the colon; "" is the default chip */
	char line[GPIO_NAME_SIZE]; /* kernel line name, or a number in decimal digits: an offset on that chip */
	enum gpio_direction direction;
	bool active_low;
	enum gpio_level initial; /* outputs only: requested together with the direction */
	enum gpio_level safe;    /* outputs only: taken on stop and on exit */
	enum gpio_bias bias;
	enum gpio_drive drive; /* outputs only */
};

struct gpio_specs {
	size_t count;
	struct gpio_spec spec[GPIO_LINES_MAX]; /* in the order in which they were written */
};

/* Reads the text of HTTAP_LINES: entries separated by white space, each NAME=LINE[,option]... Pure: no I/O, no
 * allocation. `text` may be empty (no signals). On -1 `out` is undefined; the error quotes the entry that is wrong. */
int gpio_specs_parse(struct gpio_specs *out, const char *text, struct gpio_error *error);

/* The lines, requested from their chips and held until they are closed. */
struct gpio_lines;

/* Finds every line and requests them all: outputs with direction and initial value in one request, so that nothing
 * glitches. `chip` is the default chip: a label, `gpiochipN`, `/dev/gpiochipN`, `sim`, or NULL for the chip of the Pi's
 * header (looked for by its label). The default chip must exist even when there are no specifications.
 * `safe` true requests every output with its safe value instead of its initial one (httapd --safe).
 * The caller owns the result and ends it with gpio_lines_close(). Opening, checking and listing allocate; writing and
 * reading never do. */
struct gpio_lines *gpio_lines_open(const struct gpio_specs *specs, const char *chip, bool safe, struct gpio_error *error);

/* The same look-up without a request: nothing is touched. 0 when every line exists and is free. */
int gpio_lines_check(const struct gpio_specs *specs, const char *chip, struct gpio_error *error);

/* Releases the lines and the chips. Moves nothing by itself: gpio_lines_safe() first. NULL is fine. */
void gpio_lines_close(struct gpio_lines *lines);

/* What is known of one line since it was opened. Lives as long as the lines; never NULL for index < count. */
struct gpio_line {
	struct gpio_spec spec;
	char chip[GPIO_NAME_SIZE];        /* gpiochipN, or sim */
	char label[GPIO_NAME_SIZE];       /* the chip's label */
	char kernel_name[GPIO_NAME_SIZE]; /* the kernel's name of the line, "" when it has none */
	unsigned int offset;              /* on its chip */
	uint8_t chip_index;               /* which of the opened chips; private to the room */
	uint8_t value;                    /* logical: of an output what was last commanded, of an input what was last told */
};

size_t gpio_lines_count(const struct gpio_lines *lines);
const struct gpio_line *gpio_lines_at(const struct gpio_lines *lines, size_t index);

/* One output and the logical value it shall take. */
struct gpio_change {
	uint16_t line; /* index, < gpio_lines_count() */
	uint8_t value; /* 0 or 1 */
	int64_t until; /* of a 1: when it ends by itself, in microseconds on the caller's clock (gpio_lines_tick()); 0: it stays */
};

/* Writes several outputs, all or nothing: first everything is judged (a line that is an input is refused, and so is a
 * line named twice), then the lines of one chip move in one system call (with libgpiod 1.6 in one for each combination
 * of bias and drive among them). On -1 because of a refusal nothing has moved, and errno is EINVAL; on -1 because the
 * chip is gone errno is what the kernel said (ENODEV), and lines of a chip that came before it have moved: no kernel
 * writes two chips at once.
 * A 1 with an end is a pulse. One that is written while another runs lasts until the later of both ends; a 1 without an end
 * makes it last, a 0 ends it. */
int gpio_lines_set(struct gpio_lines *lines, const struct gpio_change *change, size_t count, struct gpio_error *error);

/* Reads the logical values of the lines whose indices are given into `value` (0 or 1 each): what the chip says, not
 * what was commanded. One system call for the outputs of a chip and one for its inputs. */
int gpio_lines_get(struct gpio_lines *lines, const uint16_t *line, size_t count, uint8_t *value, struct gpio_error *error);

/* When the next pulse ends; INT64_MAX: none runs. */
int64_t gpio_lines_deadline(const struct gpio_lines *lines);

/* Ends the pulses whose end has come. Goes on with the other chips when one fails; that -1 is the only word of a line that stays
 * on. */
int gpio_lines_tick(struct gpio_lines *lines, int64_t now, struct gpio_error *error);

/* Sets every output to its safe value; one with safe=keep stays, unless a pulse runs there: that ends. Goes on with the other
 * chips when one fails. */
int gpio_lines_safe(struct gpio_lines *lines, struct gpio_error *error);

/* Called after each output that changed its commanded value, by whichever way, and for each change of an input. `time` is
 * when an input changed, in microseconds of CLOCK_MONOTONIC; -1: just now, or nobody knows. NULL turns it off. */
typedef void gpio_changed_fn(void *context, const struct gpio_line *line, uint8_t old_value, uint8_t new_value, int64_t time);
void gpio_lines_on_change(struct gpio_lines *lines, gpio_changed_fn *changed, void *context);

/* The chips of the lines, and for each a descriptor that is readable while its inputs have something to tell, and when it is
 * gone; -1: it never tells (no inputs, or a driver without interrupts: then reading alone shows a change). */
size_t gpio_lines_chips(const struct gpio_lines *lines);
int gpio_lines_edge_fd(const struct gpio_lines *lines, size_t chip);

/* Tells of what the inputs of that chip did since the last call, without waiting; of a long burst only a part, and the
 * descriptor stays readable. Where the kernel has lost edges, at least the last value is told. 0, or -1 with errno. */
int gpio_lines_edges(struct gpio_lines *lines, size_t chip, struct gpio_error *error);

/* Writes a table of all chips and lines that can be seen, with who holds each (httapd --list). Chips that may not be
 * opened are named as such and skipped. `sim` adds the simulated chip. Returns the number of chips. */
int gpio_list(FILE *out, bool sim);

/* What the chip files were built for: "libgpiod 1.6.3", "libgpiod 2.2.1", or "simulated chip only". */
const char *gpio_backend_version(void);

#endif
