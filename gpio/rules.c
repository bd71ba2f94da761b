/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The rules that guard lines (rules.h). Here is decided that a motor stops: read it twice before changing a line.
 *
 * One party drives all lines that have a failsafe, from its first command to one of them until it is silent for the shortest
 * failsafe, leaves, or anybody stops. Then every driven line takes its safe value, and those that were away from it are tripped: they
 * stay where they are until a command has named them and left them there. So a key that is stuck does not drive on.
 */
#include "rules.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "chip.h"
#include "text.h"

#define NEVER INT64_MAX

static uint64_t bit_of(size_t index)
{
	return UINT64_C(1) << index;
}

static const struct gpio_spec *spec_of(const struct rules *rules, size_t index)
{
	return &rules->line[index].spec;
}

/* --- Times ---------------------------------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_of(const struct rules *rules, size_t i)
{
	return earlier(rules->start[i], earlier(rules->pulse_end[i], rules->max_end[i]));
}

static void retime(struct rules *rules, size_t i)
{
	rules->timed &= ~bit_of(i);
	if (next_of(rules, i) != NEVER)
		rules->timed |= bit_of(i);
}

int64_t rules_deadline(const struct rules *rules)
{
	int64_t next = rules->driver_until;

	for (uint64_t left = rules->timed; left != 0; left &= left - 1)
		next = earlier(next, next_of(rules, gpio_set_first(left)));
	return next;
}

/* Whatever the line was about to do by itself. */
static void forget(struct rules *rules, size_t i)
{
	rules->start[i] = NEVER;
	rules->pulse_end[i] = NEVER;
	retime(rules, i);
}

/* --- At start ------------------------------------------------------------------------------------------------------- */

static void find_group(struct rules *rules, size_t i)
{
	rules->group[i] = bit_of(i);
	rules->dead_time[i] = 0;
	for (size_t k = 0; k < rules->count && spec_of(rules, i)->interlock[0] != '\0'; k++) {
		const struct gpio_spec *other = spec_of(rules, k);

		if (strcmp(other->interlock, spec_of(rules, i)->interlock) != 0)
			continue;
		rules->group[i] |= bit_of(k);
		if (other->dead_time > rules->dead_time[i])
			rules->dead_time[i] = other->dead_time;
	}
	if (rules->group[i] != bit_of(i))
		rules->locked |= bit_of(i);
}

void rules_begin(struct rules *rules, const struct gpio_line *line, size_t count, int64_t now)
{
	*rules = (struct rules){ .line = line, .count = count, .failsafe = NEVER, .driver_until = NEVER };
	for (size_t i = 0; i < count; i++) {
		const struct gpio_spec *spec = spec_of(rules, i);

		find_group(rules, i);
		if (spec->failsafe > 0) {
			rules->driven |= bit_of(i);
			rules->failsafe = earlier(rules->failsafe, spec->failsafe);
		}
		if (spec->direction == GPIO_OUTPUT && spec->failsafe == 0 && spec->max_on == 0 && spec->interlock[0] == '\0')
			rules->plain |= bit_of(i);
		if (spec->safe == GPIO_1)
			rules->safe_1 |= bit_of(i);
		rules->off_since[i] = now;
		rules->max_end[i] = NEVER;
		forget(rules, i);
		if (spec->direction == GPIO_OUTPUT && line[i].value != 0)
			rules_moved(rules, now, i, 1);
	}
}

/* --- Who drives ----------------------------------------------------------------------------------------------------- */

static bool is_driver(const struct rules *rules, const char *id)
{
	return rules->driver_until != NEVER && strncmp(rules->driver_id, id, sizeof(rules->driver_id) - 1) == 0;
}

void rules_renew(struct rules *rules, int64_t now, const char *id)
{
	if (is_driver(rules, id) && rules->driver_until > now) /* who comes too late is not heard any more */
		rules->driver_until = now + rules->failsafe;
}

/* It was about to change without a command. */
static bool by_itself(const struct rules *rules, size_t i)
{
	return rules->start[i] != NEVER || rules->pulse_end[i] != NEVER;
}

/* Ends the drive. What is written is all that is driven, also what should be safe already. */
static void trip(struct rules *rules, struct rules_plan *plan)
{
	for (uint64_t left = rules->driven; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);
		bool away = ((rules->on ^ rules->safe_1) & bit_of(i)) != 0;

		if (away || by_itself(rules, i))
			rules->tripped |= rules->group[i];
		forget(rules, i);
	}
	plan->off |= rules->driven & ~rules->safe_1;
	plan->on |= rules->driven & rules->safe_1;
	rules->driver_until = NEVER;
}

static void empty_plan(struct rules_plan *plan)
{
	plan->off = plan->on = plan->waiting = plan->pulsing = plan->arming = 0;
	plan->in_turn = plan->drives = false;
}

bool rules_leave(struct rules *rules, const char *id, struct rules_plan *plan)
{
	empty_plan(plan);
	if (!is_driver(rules, id))
		return false;
	(void)snprintf(rules->why, sizeof(rules->why), "failsafe: %s has left", rules->driver_name);
	trip(rules, plan);
	return true;
}

void rules_stop(struct rules *rules, struct rules_plan *plan)
{
	empty_plan(plan);
	trip(rules, plan);
	for (size_t i = 0; i < rules->count; i++) {
		const struct gpio_spec *spec = spec_of(rules, i);

		if (spec->direction != GPIO_OUTPUT)
			continue;
		if (spec->safe == GPIO_1)
			plan->on |= bit_of(i);
		else if (spec->safe == GPIO_0 || by_itself(rules, i))
			plan->off |= bit_of(i);
		forget(rules, i);
	}
}

/* --- Commands ------------------------------------------------------------------------------------------------------- */

/* What the command names, and which of that shall be on. */
struct wish {
	uint64_t named;
	uint64_t on;
};

static struct wish read_wish(const struct rules *rules, const struct gpio_command *command, size_t count, struct rules_plan *plan)
{
	struct wish wish = { 0, 0 };

	for (size_t i = 0; i < count; i++) {
		uint16_t line = command[i].line;
		bool is_on = (rules->on & bit_of(line)) != 0 || rules->start[line] != NEVER;

		wish.named |= bit_of(line);
		if (command[i].action == GPIO_TOGGLE ? !is_on : command[i].action != GPIO_SET_0)
			wish.on |= bit_of(line);
		if (command[i].action == GPIO_PULSE) {
			plan->pulsing |= bit_of(line);
			plan->pulse[line] = command[i].duration;
		}
	}
	return wish;
}

static int refuse(int reason)
{
	errno = reason;
	return -1;
}

static int judge_driver(const struct rules *rules, int64_t now, const char *id, uint64_t named, struct gpio_error *error)
{
	uint64_t driven = named & rules->driven;

	if (driven == 0 || rules->driver_until == NEVER || is_driver(rules, id))
		return 0;
	(void)gpio_error_set(error, "%s is driven by %s, for %" PRId64 " ms still unless he is heard again; anybody may stop",
		spec_of(rules, gpio_set_first(driven))->name, rules->driver_name, (rules->driver_until - now + 999) / 1000);
	return refuse(EBUSY);
}

/* What is tripped must be named and left at rest before it moves. */
static int judge_tripped(const struct rules *rules, struct wish wish, struct rules_plan *plan, struct gpio_error *error)
{
	for (uint64_t left = wish.named & rules->tripped; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);

		if ((((wish.on ^ rules->safe_1) | plan->pulsing) & wish.named & rules->group[i]) != 0) {
			(void)gpio_error_set(error, "%s was stopped; let go first: set it to %d, then it moves again",
				spec_of(rules, i)->name, (rules->safe_1 >> i & 1) != 0);
			return refuse(EPERM);
		}
		plan->arming |= rules->group[i];
	}
	return 0;
}

/* Goes on now, or when all others of its group have been off for the dead time. */
static void plan_on(const struct rules *rules, int64_t now, unsigned int i, struct rules_plan *plan)
{
	uint64_t others = rules->group[i] & ~bit_of(i);
	int64_t start = now;

	for (uint64_t left = others; left != 0; left &= left - 1) {
		unsigned int k = gpio_set_first(left);
		int64_t since = (rules->on & bit_of(k)) != 0 ? now : rules->off_since[k];

		if (since + rules->dead_time[i] > start)
			start = since + rules->dead_time[i];
	}
	if (start > now) {
		plan->waiting |= bit_of(i);
		plan->start[i] = start;
	} else {
		plan->on |= bit_of(i);
		plan->in_turn = plan->in_turn || (others & rules->on) != 0;
	}
}

static int plan_wish(const struct rules *rules, int64_t now, struct wish wish, struct rules_plan *plan, struct gpio_error *error)
{
	plan->off = wish.named & ~wish.on;
	for (uint64_t left = wish.on; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);
		uint64_t others = rules->group[i] & ~bit_of(i);

		if ((others & wish.on) != 0) {
			(void)gpio_error_set(error, "%s and %s are never on together (interlock=%s); ask for one of them",
				spec_of(rules, i)->name, spec_of(rules, gpio_set_first(others & wish.on))->name,
				spec_of(rules, i)->interlock);
			return refuse(EPERM);
		}
		plan->off |= others & (rules->on | rules->timed); /* also who waits to go on */
		plan_on(rules, now, i, plan);
	}
	return 0;
}

int rules_command(const struct rules *rules, int64_t now, const struct gpio_party *party, const struct gpio_command *command,
	size_t count, struct rules_plan *plan, struct gpio_error *error)
{
	empty_plan(plan);
	struct wish wish = read_wish(rules, command, count, plan);

	if (judge_driver(rules, now, party->id, wish.named, error) != 0 || judge_tripped(rules, wish, plan, error) != 0)
		return -1;
	plan->drives = (wish.named & rules->driven) != 0;
	return plan_wish(rules, now, wish, plan, error);
}

/* A pulse never ends before one that it came on top of. */
static void begin_pulse(struct rules *rules, size_t i, int64_t end)
{
	if (rules->pulse_end[i] == NEVER || rules->pulse_end[i] < end)
		rules->pulse_end[i] = end;
}

/* A pulse on top of one that waits is as long as the longer. */
static int64_t waiting_pulse(const struct rules *rules, const struct rules_plan *plan, size_t i)
{
	int64_t before = rules->start[i] != NEVER ? rules->start_pulse[i] : 0;

	if ((plan->pulsing & bit_of(i)) == 0)
		return 0;
	return before > plan->pulse[i] ? before : plan->pulse[i];
}

static void done_line(struct rules *rules, int64_t now, const struct rules_plan *plan, size_t i)
{
	if ((plan->waiting & bit_of(i)) != 0) {
		rules->start_pulse[i] = waiting_pulse(rules, plan, i);
		rules->start[i] = plan->start[i];
		rules->pulse_end[i] = NEVER;
	} else {
		rules->start[i] = NEVER;
		if ((plan->on & plan->pulsing & bit_of(i)) != 0)
			begin_pulse(rules, i, now + plan->pulse[i]);
		else
			rules->pulse_end[i] = NEVER;
	}
	retime(rules, i);
}

void rules_done(struct rules *rules, int64_t now, const struct gpio_party *party, const struct rules_plan *plan)
{
	for (uint64_t left = plan->off | plan->on | plan->waiting; left != 0; left &= left - 1)
		done_line(rules, now, plan, gpio_set_first(left));
	rules->tripped &= ~plan->arming;
	if (plan->drives) {
		(void)snprintf(rules->driver_id, sizeof(rules->driver_id), "%s", party->id);
		(void)snprintf(rules->driver_name, sizeof(rules->driver_name), "%s", party->name);
		rules->driver_until = now + rules->failsafe;
	}
	rules_renew(rules, now, party->id);
}

void rules_abandon(struct rules *rules, struct rules_plan *plan)
{
	uint64_t guarded = (plan->off | plan->on) & (rules->driven | rules->locked | plan->pulsing);

	plan->on = guarded & rules->driven & rules->safe_1;
	plan->off = guarded & ~plan->on;
	plan->in_turn = false;
	for (uint64_t left = guarded; left != 0; left &= left - 1) {
		rules->start[gpio_set_first(left)] = NEVER;
		retime(rules, gpio_set_first(left));
	}
}

void rules_moved(struct rules *rules, int64_t now, size_t index, uint8_t value)
{
	uint64_t bit = bit_of(index);
	int64_t max_on = spec_of(rules, index)->max_on;

	if (value == 0) {
		if ((rules->on & bit) != 0)
			rules->off_since[index] = now;
		rules->max_end[index] = NEVER;
		rules->on &= ~bit;
	} else {
		if ((rules->on & bit) == 0 && max_on > 0)
			rules->max_end[index] = now + max_on;
		rules->on |= bit;
	}
	retime(rules, index);
}

/* --- What is due ---------------------------------------------------------------------------------------------------- */

static void set_why(struct rules *rules, const char *why)
{
	(void)snprintf(rules->why, sizeof(rules->why), "%s", why);
}

/* The lines for which that time has come; it is forgotten, so that what can't be written is not tried for ever. */
static uint64_t take_due(struct rules *rules, int64_t *times, int64_t now)
{
	uint64_t due = 0;

	for (uint64_t left = rules->timed; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);

		if (times[i] > now)
			continue;
		times[i] = NEVER;
		due |= bit_of(i);
	}
	return due;
}

static void retime_all(struct rules *rules, uint64_t lines)
{
	for (; lines != 0; lines &= lines - 1)
		retime(rules, gpio_set_first(lines));
}

static bool due_max(struct rules *rules, int64_t now, struct rules_plan *plan)
{
	plan->off = take_due(rules, rules->max_end, now);
	for (uint64_t left = plan->off; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);

		rules->pulse_end[i] = NEVER;
		if ((rules->driven & bit_of(i)) != 0)
			rules->tripped |= rules->group[i];
	}
	retime_all(rules, plan->off);
	set_why(rules, "max-on: it was on for as long as it may be");
	return plan->off != 0;
}

static bool due_pulse(struct rules *rules, int64_t now, struct rules_plan *plan)
{
	plan->off = take_due(rules, rules->pulse_end, now);
	retime_all(rules, plan->off);
	set_why(rules, "the pulse ended");
	return plan->off != 0;
}

static bool due_start(struct rules *rules, int64_t now, struct rules_plan *plan)
{
	plan->on = take_due(rules, rules->start, now);
	for (uint64_t left = plan->on; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);

		if (rules->start_pulse[i] > 0)
			begin_pulse(rules, i, now + rules->start_pulse[i]);
	}
	retime_all(rules, plan->on);
	set_why(rules, "interlock: the dead time has passed");
	return plan->on != 0;
}

bool rules_due(struct rules *rules, int64_t now, struct rules_plan *plan)
{
	empty_plan(plan);
	if (rules->driver_until <= now) {
		(void)snprintf(rules->why, sizeof(rules->why), "failsafe: nothing was heard from %s for %" PRId64 " ms",
			rules->driver_name, rules->failsafe / 1000);
		trip(rules, plan);
		return true;
	}
	return due_max(rules, now, plan) || due_pulse(rules, now, plan) || due_start(rules, now, plan);
}

const char *rules_driver(const struct rules *rules, int64_t now, int64_t *left)
{
	if (rules->driver_until == NEVER)
		return NULL;
	*left = rules->driver_until - now;
	return rules->driver_name;
}
