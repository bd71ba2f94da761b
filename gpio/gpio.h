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

	int64_t debounce; /* inputs only; microseconds that a new value must stay before it counts */

	/* Outputs only; microseconds, 0: none. */
	int64_t failsafe;               /* a driven line: safe when its driver was not heard for so long */
	int64_t max_on;                 /* never 1 for longer at a stretch */
	int64_t dead_time;              /* all of the interlock are 0 for so long before another is 1 */
	char interlock[GPIO_NAME_SIZE]; /* the group of which at most one is 1; "": none */
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
 * All times are microseconds of CLOCK_MONOTONIC (tests: of a clock of theirs), `now` the present one. From opening on dead times
 * count: what was on before nobody knows.
 * The caller owns the result and ends it with gpio_lines_close(). Opening, checking and listing allocate; writing and
 * reading never do. */
struct gpio_lines *gpio_lines_open(
	const struct gpio_specs *specs, const char *chip, bool safe, int64_t now, struct gpio_error *error);

/* The same look-up without a request: nothing is touched. 0 when every line exists and is free. */
int gpio_lines_check(const struct gpio_specs *specs, const char *chip, struct gpio_error *error);

/* Releases the lines and the chips. Moves nothing by itself: gpio_lines_stop() first. NULL is fine. */
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

enum gpio_action { GPIO_SET_0, GPIO_SET_1, GPIO_TOGGLE, GPIO_PULSE };

/* One output and what it shall do. */
struct gpio_command {
	uint16_t line;    /* index, < gpio_lines_count() */
	uint8_t action;   /* enum gpio_action */
	int64_t duration; /* GPIO_PULSE: microseconds, > 0 */
};

/* Who commands. Both are copied when he drives. */
struct gpio_party {
	const char *id;   /* by which he is known again, at most 31 bytes */
	const char *name; /* by which sentences call him */
};

/* Commands several outputs, all or nothing: first everything is judged, then the lines of one chip move in one system call (with
 * libgpiod 1.6 in one for each combination of bias and drive among them; where one of an interlock goes off and another on, the one
 * that goes off moves before). `value` (may be NULL) is then what each commanded line is: 0 of one that waits for its dead time.
 * A pulse that comes on top of another lasts until the later of both ends; GPIO_SET_1 makes it last, GPIO_SET_0 ends it.
 * The first party that commands a driven line drives all of them; this and each further call renews his time.
 * On -1 nothing has moved and nothing is renewed when errno is EINVAL (an input, a line named twice), EBUSY (somebody else drives) or
 * EPERM (an interlock, or a line that was stopped and not let go); else errno is what the kernel said of a chip that is gone (ENODEV;
 * EREMOTEIO for what would be one of those three),
 * and lines of a chip that came before it have moved: no kernel writes two chips at once. Then those that are driven or interlocked, and
 * those that were to be pulsed, are put to rest again; EIO: not even that could be done. */
int gpio_lines_write(struct gpio_lines *lines, int64_t now, const struct gpio_party *party, const struct gpio_command *command,
	size_t count, uint8_t *value, struct gpio_error *error);

/* That party is there: renews his time, if he drives. */
void gpio_lines_renew(struct gpio_lines *lines, int64_t now, const char *id);

/* That party is gone: if he drives, every driven line takes its safe value. 0, or -1 like gpio_lines_stop(). */
int gpio_lines_leave(struct gpio_lines *lines, int64_t now, const char *id, struct gpio_error *error);

/* The name of who drives, and for how long still unless he is heard again; NULL: nobody. */
const char *gpio_lines_driver(const struct gpio_lines *lines, int64_t now, int64_t *left);

/* Reads the logical values of the lines whose indices are given into `value` (0 or 1 each): what the chip says, not
 * what was commanded; of a debounced input what counts. One system call for the outputs of a chip and one for its inputs. */
int gpio_lines_get(struct gpio_lines *lines, const uint16_t *line, size_t count, uint8_t *value, struct gpio_error *error);

/* When the lines want to be looked after; INT64_MAX: nothing is due by itself. */
int64_t gpio_lines_deadline(const struct gpio_lines *lines);

/* Does what is due: ends drives, pulses and stretches that are too long, and goes on with what waited for a dead time. Goes on with
 * the other chips when one fails; that -1 is the only word of a line that did not move. */
int gpio_lines_tick(struct gpio_lines *lines, int64_t now, struct gpio_error *error);

/* Sets every output to its safe value; one with safe=keep stays, unless it was about to change by itself: then it goes off. Nobody
 * drives any more. `why`: for on_change; NULL when it is a command. Goes on with the other chips when one fails. */
int gpio_lines_stop(struct gpio_lines *lines, int64_t now, const char *why, struct gpio_error *error);

/* Called after each output that changed its commanded value, by whichever way, and for each change of an input. `time` is
 * when an input changed, in microseconds of CLOCK_MONOTONIC; -1: just now, or nobody knows. `why`: of what nobody commanded; NULL: a
 * command. A routine that is NULL turns it off. */
typedef void gpio_changed_fn(
	void *context, const struct gpio_line *line, uint8_t old_value, uint8_t new_value, int64_t time, const char *why);
void gpio_lines_on_change(struct gpio_lines *lines, gpio_changed_fn *changed, void *context);

/* The chips of the lines, and for each a descriptor that is readable while its inputs have something to tell, and when it is
 * gone; -1: it never tells (no inputs, or a driver without interrupts: then gpio_lines_get() alone tells of a change, and nothing can be
 * debounced). */
size_t gpio_lines_chips(const struct gpio_lines *lines);
int gpio_lines_edge_fd(const struct gpio_lines *lines, size_t chip);

/* Tells of what the inputs of that chip did since the last call, without waiting; of a long burst only a part, and the
 * descriptor stays readable. Where the kernel has lost edges, at least the last value is told. 0, or -1 with errno. */
int gpio_lines_edges(struct gpio_lines *lines, size_t chip, int64_t now, struct gpio_error *error);

/* What an operator should know of his lines, a sentence for the log: of index 0, what becomes of outputs on a kernel's chip when they
 * are let go, as by a crash; of each later index, an input whose chip can't tell of its changes. False when there is nothing to
 * say; then at a higher index there may be. `index` < 1 + gpio_lines_count(). */
bool gpio_lines_remark(const struct gpio_lines *lines, size_t index, char *text, size_t size);

/* Writes a table of all chips and lines that can be seen, with who holds each (httapd --list). Chips that may not be
 * opened are named as such and skipped. `sim` adds the simulated chip. Returns the number of chips. */
int gpio_list(FILE *out, bool sim);

/* What the chip files were built for: "libgpiod 1.6.3", "libgpiod 2.2.1", or "simulated chip only". */
const char *gpio_backend_version(void);

#endif
