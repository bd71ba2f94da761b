/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What guards a line: who drives and for how long, what may not be on together, and what goes off by itself. Pure: time is an
 * argument in microseconds, and nothing is moved here. Whoever moves lines (lines.c) asks first, moves what the plan says, and
 * tells what has moved.
 */
#ifndef GPIO_RULES_H
#define GPIO_RULES_H

#include "gpio.h"

/* Bytes of a party's id and name with their final NUL. */
#define RULES_ID_SIZE 32
#define RULES_NAME_SIZE 64

struct rules {
	const struct gpio_line *line; /* specification and value of each; not ours */
	size_t count;
	uint64_t on;                         /* lines that are 1 */
	uint64_t safe_1;                     /* lines whose safe value is 1 */
	uint64_t driven;                     /* lines with a failsafe */
	uint64_t locked;                     /* lines of interlocks */
	uint64_t group[GPIO_LINES_MAX];      /* of an interlock, with the line itself */
	int64_t dead_time[GPIO_LINES_MAX];   /* of that group */
	int64_t failsafe;                    /* the shortest */
	uint64_t tripped;                    /* do not move until they were commanded to rest */
	uint64_t plain;                      /* outputs without a failsafe, an interlock or a longest time */
	uint64_t timed;                      /* lines with one of these */
	int64_t pulse_end[GPIO_LINES_MAX];   /* INT64_MAX: no pulse */
	int64_t max_end[GPIO_LINES_MAX];     /* INT64_MAX: nothing limits it, or it is off */
	int64_t start[GPIO_LINES_MAX];       /* goes on then, when the dead time has passed; INT64_MAX: does not wait */
	int64_t start_pulse[GPIO_LINES_MAX]; /* and is a pulse of that length; 0: none */
	int64_t off_since[GPIO_LINES_MAX];
	int64_t driver_until; /* INT64_MAX: nobody drives */
	char driver_id[RULES_ID_SIZE];
	char driver_name[RULES_NAME_SIZE];
	char why[GPIO_ERROR_SIZE]; /* of the last plan that nobody commanded */
};

/* What shall be moved, and what is so once it has been. */
struct rules_plan {
	uint64_t off, on; /* lines to be written, those first; also lines that are so already */
	bool in_turn;     /* all of `off` before any of `on`: else all at once */
	uint64_t waiting; /* lines that go on later, */
	int64_t start[GPIO_LINES_MAX];
	uint64_t pulsing;              /* lines of `on` and `waiting` that go off by themselves, */
	int64_t pulse[GPIO_LINES_MAX]; /* after so long */
	uint64_t arming;               /* lines that are not tripped any more */
	bool drives;
};

/* For lines that are at their initial values since `now`. */
void rules_begin(struct rules *rules, const struct gpio_line *line, size_t count, int64_t now);

/* Judges a command, in which no line stands twice and all are outputs; what is due has been done before. 0 and the plan; -1 with
 * errno EBUSY (somebody else drives) or EPERM (interlock, tripped) and a sentence: then nothing may move. */
int rules_command(const struct rules *rules, int64_t now, const struct gpio_party *party, const struct gpio_command *command,
	size_t count, struct rules_plan *plan, struct gpio_error *error);

/* Is the command about an output, and has no rule anything to say about it, alone? Then it may be carried out at once:
 * rules_moved_plain() and rules_renew() are all that is to be told. */
static inline bool rules_are_silent(const struct rules *rules, const struct gpio_command *command)
{
	return command->line < GPIO_LINES_MAX && ((rules->plain & ~rules->timed) >> command->line & 1) != 0 &&
		command->action < GPIO_PULSE;
}

/* What a plan was for has been done. */
void rules_done(struct rules *rules, int64_t now, const struct gpio_party *party, const struct rules_plan *plan);

/* A plan that could be carried out in part only, or not at all: what it was about becomes a plan to put to rest what must not stay
 * half done. */
void rules_abandon(struct rules *rules, struct rules_plan *plan);

/* A line has got this value, which it may have had already. */
void rules_moved(struct rules *rules, int64_t now, size_t index, uint8_t value);

/* The same for one that rules_are_silent() was said of: nothing depends on when it moved. */
static inline void rules_moved_plain(struct rules *rules, size_t index, uint8_t value)
{
	rules->on = (rules->on & ~(UINT64_C(1) << index)) | (uint64_t)value << index;
}

void rules_renew(struct rules *rules, int64_t now, const char *id); /* that party is there */
int64_t rules_deadline(const struct rules *rules);                  /* INT64_MAX: none */

/* His name, and how long he drives unless he is heard again; NULL: nobody drives. */
const char *rules_driver(const struct rules *rules, int64_t now, int64_t *left);

/* What is due: one cause after the other, until false. Each plan is to be moved, and is done with that; `rules->why` says why. */
bool rules_due(struct rules *rules, int64_t now, struct rules_plan *plan);

/* Every driven line to its safe value: he drives no more. False when that party does not drive. */
bool rules_leave(struct rules *rules, const char *id, struct rules_plan *plan);

/* Every output to its safe value; one that keeps stays, but its pulse ends. Nobody drives any more. */
void rules_stop(struct rules *rules, struct rules_plan *plan);

#endif
