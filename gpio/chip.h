/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * A GPIO chip as the rest of the room sees it: one table of operations for each backend (chip_sim.c, and
 * chip_gpiod1.c or chip_gpiod2.c). Everything here is ELECTRICAL: 1 is high. What a signal's logical value means is
 * the business of lines.c, so that active-low is the same on every backend. Nothing here names a signal but as a
 * consumer.
 *
 * Operations return 0, a pointer or NULL/-1 with errno; they write no sentence, because only the caller knows what was
 * asked.
 *
 * EDGES CAN BE LOST. A kernel keeps 16 for each line and then drops (with libgpiod 2 the oldest, with 1.6 the newest),
 * and a driver that looks at its line too late tells the same level twice. So an edge says that something happened; what
 * a line shows is what get() says. Whoever believes a level because of edges owes a get() when read_edge() has answered
 * 0, and where the two differ, get() is right. A request without edges (edge_fd() is -1) tells nothing by itself.
 */
#ifndef GPIO_CHIP_H
#define GPIO_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gpio.h"

struct gpio_chip_ops;

/* A chip that is open. Each backend puts it first into a structure of its own. */
struct gpio_chip {
	const struct gpio_chip_ops *ops;
	char name[GPIO_NAME_SIZE];  /* gpiochipN, or sim: one chip has one name, however it was found */
	char label[GPIO_NAME_SIZE]; /* what the hardware is called; need not be unique */
	unsigned int line_count;
};

/* What the kernel tells about a line to everybody. */
struct gpio_line_info {
	char name[GPIO_NAME_SIZE];     /* "" when it has none */
	char consumer[GPIO_NAME_SIZE]; /* who holds it; may be "" even though `used` */
	bool used;
	enum gpio_direction direction;
};

/* What an output shall show from the first moment on. KEEP: what the line shows already, read before it is driven. */
enum gpio_first_level { GPIO_LOW, GPIO_HIGH, GPIO_LEVEL_KEEP };

/* One line of a request. Its index in the request is its bit in the sets below. */
struct gpio_line_config {
	const char *consumer; /* the signal's name; borrowed during the call */
	unsigned int offset;
	enum gpio_bias bias;
	enum gpio_drive drive;       /* outputs only */
	enum gpio_first_level level; /* outputs only */
};

/* What happened on an input. */
struct gpio_edge {
	uint8_t bit;   /* of the line in the request */
	uint8_t level; /* after the edge; may be the same as after the one before */
	int64_t time;  /* microseconds of CLOCK_MONOTONIC; whoever has the clock takes his own time for one in the future:
			* libgpiod 1.6 hands out stamps of CLOCK_REALTIME before Linux 5.7 */
};

/* Lines that are held. Each backend puts it first into a structure of its own. */
struct gpio_request {
	const struct gpio_chip_ops *ops;
};

struct gpio_chip_ops {
	/* The chip behind a device file; chip_sim.c makes a new chip and takes no notice of `path`. */
	struct gpio_chip *(*open)(const char *path);

	/* Its requests must have been released. */
	void (*close)(struct gpio_chip *chip);

	/* offset < line_count. Asks afresh each time, disturbs nothing. */
	int (*line_info)(struct gpio_chip *chip, unsigned int offset, struct gpio_line_info *info);

	/* Takes hold of 1 to GPIO_LINES_MAX different lines of one direction: all or none. An output appears with its
	 * level; one with KEEP is held first, then read, then driven, and is never let go in between. On return KEEP
	 * has become the level that was found. Inputs tell of both edges where their driver can, all of them or none.
	 * errno EBUSY: a line is held by somebody else. EINVAL: no lines, too many, or one that the chip has not. */
	struct gpio_request *(*request)(
		struct gpio_chip *chip, enum gpio_direction direction, struct gpio_line_config *config, size_t count);

	/* Sets the outputs of the set `lines` to their bits of `levels`; others keep theirs. One system call, but for
	 * chip_gpiod1.c, where lines of different bias or drive take one for each kind. */
	int (*set)(struct gpio_request *request, uint64_t lines, uint64_t levels);

	/* Reads what the lines of the set show, into their bits; other bits are 0. As many system calls as set(). */
	int (*get)(struct gpio_request *request, uint64_t lines, uint64_t *levels);

	/* Lets the lines go. */
	void (*release)(struct gpio_request *request);

	/* "1.6.3": the library's own word. */
	const char *(*version)(void);

	/* A descriptor that is readable while an edge of the request's inputs waits; -1: the request tells of no edges
	 * (outputs; inputs of a driver without interrupts). It stays the request's. Not every kernel (6.1) wakes it when the
	 * chip goes, so that only the next set() or get() may notice. */
	int (*edge_fd)(struct gpio_request *request);

	/* Takes the oldest edge that waits, without waiting for one: 1 and *edge, 0 when there is none, -1 with errno. What
	 * is not taken keeps the descriptor readable: nobody must take all at once. */
	int (*read_edge)(struct gpio_request *request, struct gpio_edge *edge);
};

extern const struct gpio_chip_ops gpio_chip_sim;   /* always */
extern const struct gpio_chip_ops gpio_chip_gpiod; /* from chip_gpiod1.c or chip_gpiod2.c, whichever was built */

/* The operations of the kernel's chips; NULL in a build that has only the simulated chip. */
const struct gpio_chip_ops *gpio_chip_kernel(void);

/* The outside of a simulated chip, for tests and simulations. Drives a line from there: 1, 0, or -1 to let it go to its
 * pull. An input whose level this changes has an edge with the stamp `time`. -1 with errno EINVAL: no such line or level. */
int gpio_sim_drive(struct gpio_chip *chip, unsigned int offset, int level, int64_t time);

/* What a meter on the pin would show. */
int gpio_sim_level(const struct gpio_chip *chip, unsigned int offset);

/* Takes a simulated chip away, as pulling a plug does: from now on its requests answer ENODEV. It must still be closed. */
void gpio_sim_unplug(struct gpio_chip *chip);

/* The set of the first `count` lines of a request. */
static inline uint64_t gpio_set_of(size_t count)
{
	return count < GPIO_LINES_MAX ? (UINT64_C(1) << count) - 1 : UINT64_MAX;
}

/* Sets are walked by their lowest bit: for (; set != 0; set &= set - 1). The set must not be empty. */
static inline unsigned int gpio_set_first(uint64_t set)
{
	return (unsigned int)__builtin_ctzll(set);
}

/* Whether a request can be made of these lines at all: 0, or -1 with errno EINVAL (see request()). */
int gpio_request_judge(const struct gpio_chip *chip, const struct gpio_line_config *config, size_t count);

/* Whether a request of inputs that failed for this reason is worth a second attempt without edges. */
bool gpio_edges_refused(int reason);

/* The consumer of a request: the names of its lines in the set, joined by commas, cut to what the kernel keeps. */
void gpio_consumer_join(char to[static GPIO_NAME_SIZE], const struct gpio_line_config *config, uint64_t lines);

#endif
