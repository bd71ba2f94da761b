/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * gpio/rules.c, through gpio/lines.c and the simulated chip: first stories, one for each rule; then a million random steps against a
 * second, simple machine that was written from the rules alone. The chip is watched in both: whatever anybody computes, no two lines of
 * an interlock are ever on together on the pins, and their dead time is kept there.
 *
 * HTTAPD_SEED and HTTAPD_STEPS choose the random steps. A failure prints the shortest story that still shows it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpio/lines.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

#define MS INT64_C(1000)
#define NEVER INT64_MAX

/* --- The lines, and a chip that is watched --------------------------------------------------------------------------- */

static struct gpio_chip_ops watched;
static struct gpio_lines *lines;
static int64_t now;
static const char *wrong; /* the first law that was broken */
static int set_calls;
static uint64_t pins; /* logical values, by line */
static int64_t off_since[GPIO_LINES_MAX];
static char last_why[128];

static void must_hold(bool law, const char *text)
{
	if (!law && wrong == NULL)
		wrong = text;
}

static bool same_group(size_t a, size_t b)
{
	const char *group = lines->line[a].spec.interlock;

	return a != b && group[0] != '\0' && strcmp(group, lines->line[b].spec.interlock) == 0;
}

static int64_t longest_dead_time(size_t i)
{
	int64_t longest = lines->line[i].spec.dead_time;

	for (size_t k = 0; k < lines->count; k++)
		if (same_group(i, k) && lines->line[k].spec.dead_time > longest)
			longest = lines->line[k].spec.dead_time;
	return longest;
}

static void pin_moved(size_t i, bool on)
{
	uint64_t bit = UINT64_C(1) << i;

	for (size_t k = 0; on && (pins & bit) == 0 && k < lines->count; k++)
		if (same_group(i, k)) {
			must_hold((pins >> k & 1) == 0, "two of an interlock are on");
			must_hold(now - off_since[k] >= longest_dead_time(i), "the dead time is too short");
		}
	if (!on && (pins & bit) != 0)
		off_since[i] = now;
	pins = on ? pins | bit : pins & ~bit;
}

static int watched_set(struct gpio_request *request, uint64_t bits, uint64_t levels)
{
	set_calls++;
	for (int turn = 0; turn < 2; turn++) /* all at once: what goes on comes first, as nobody knows better */
		for (size_t i = 0; i < lines->count; i++) {
			unsigned int bit = lines->place[i].bit;
			bool on = (levels >> bit & 1) != lines->line[i].spec.active_low;

			if (lines->line[i].spec.direction == GPIO_OUTPUT && (bits >> bit & 1) != 0 && on == (turn == 0))
				pin_moved(i, on);
		}
	return gpio_chip_sim.set(request, bits, levels);
}

static void note_why(
	void *context, const struct gpio_line *line, uint8_t old_value, uint8_t new_value, int64_t time, const char *why)
{
	(void)context;
	(void)line;
	(void)time;
	must_hold(old_value != new_value, "a change is told that is none");
	snprintf(last_why, sizeof(last_why), "%s", why != NULL ? why : "");
}

static void begin(const char *text)
{
	struct gpio_specs specs;
	struct gpio_error error = { "" };

	now = 1000000 * MS;
	wrong = NULL;
	pins = 0;
	last_why[0] = '\0';
	ck_assert_msg(gpio_specs_parse(&specs, text, &error) == 0, "%s", error.text);
	lines = gpio_lines_open(&specs, "sim", false, now, &error);
	ck_assert_msg(lines != NULL, "%s", error.text);
	gpio_lines_on_change(lines, note_why, NULL);
	for (size_t i = 0; i < lines->count; i++) {
		off_since[i] = now;
		pins |= (uint64_t)lines->line[i].value << i;
	}
	watched = gpio_chip_sim;
	watched.set = watched_set;
	for (size_t i = 0; i < GPIO_REQUESTS_MAX; i++)
		if (lines->request[i] != NULL)
			lines->request[i]->ops = &watched;
}

static void end(void)
{
	gpio_lines_close(lines);
}

/* What a daemon does that is never late. */
static void pass_until(int64_t then)
{
	for (int turns = 0; gpio_lines_deadline(lines) <= then; turns++) {
		must_hold(turns < 1000, "deadlines come without end");
		if (turns == 1000)
			break;
		must_hold(gpio_lines_deadline(lines) >= now, "a deadline was left in the past");
		now = gpio_lines_deadline(lines);
		must_hold(gpio_lines_tick(lines, now, NULL) == 0, "a tick fails");
		must_hold(gpio_lines_deadline(lines) > now, "a deadline is not done with");
	}
	now = then;
}

static const struct gpio_party parties[] = { { "session-a", "10.0.0.1" }, { "session-b", "10.0.0.2" },
	{ "session-c", "10.0.0.3" } };

/* --- Stories --------------------------------------------------------------------------------------------------------- */

/* A story is words: lines=..., then for each step "+TIME" (milliseconds that pass), "a:F=1,R=0" (a party commands: 0, 1, t, or pN for
 * a pulse of N ms), "a:ping", "a:left", "stop", "late+TIME" (time passes and nobody looks); behind each step may follow what must be
 * so: "[10]" the values of all lines, "!text" the refusal (text with _ for a space), "?text" why the last change came, "@N" the next
 * deadline in ms from now ("@-": none), "#N" the number of calls to the chip since the last "#". */
struct story {
	const char *about;
	const char *lines;
	const char *steps;
};

#define BRIDGE "F=1,failsafe=500ms,interlock=t,dead-time=20ms R=2,failsafe=500ms,interlock=t "
#define PLAIN_BRIDGE "F=1,interlock=t,dead-time=20ms R=2,interlock=t "

static const struct story stories[] = {
	/* pulses */
	{ "a pulse ends", "A=1", "a:A=p100 [1] @100 +99 [1] +1 [0] ?pulse @-" },
	{ "active-low pulses the same", "A=1,active-low", "a:A=p100 [1] +100 [0] @-" },
	{ "a pulse on what is on ends it", "A=1,initial=1", "a:A=p100 [1] +100 [0]" },
	{ "a longer pulse lengthens", "A=1", "a:A=p100 +50 a:A=p100 @100 +99 [1] +1 [0]" },
	{ "a shorter pulse does not shorten", "A=1", "a:A=p100 +10 a:A=p10 @90 +89 [1] +1 [0] @-" },
	{ "1 makes a pulse last", "A=1", "a:A=p100 a:A=1 @- +1000 [1] a:A=p10 +10 [0]" },
	{ "0 ends a pulse", "A=1", "a:A=p100 a:A=0 [0] @- a:A=1 +1000 [1]" },
	{ "toggle ends a pulse", "A=1", "a:A=p100 a:A=t [0] @-" },
	{ "toggle turns", "A=1,active-low", "a:A=t [1] a:A=t [0]" },
	{ "a pulse that has ended is forgotten", "A=1", "a:A=p100 +100 a:A=p10 @10" },
	{ "two pulses end by one call", "A=1 B=2", "a:A=p10,B=p10 [11] #1 +10 [00] #1" },
	{ "stop ends a pulse, also of a line that keeps", "A=1,safe=keep B=2,safe=keep", "a:A=p100,B=1 stop [01] @-" },
	{ "a pulse where safe is 1", "A=1,safe=1", "a:A=p100 +100 [0] stop [1] ?stopped" },
	/* failsafe and who drives */
	{ "who is silent drives no more", "F=1,failsafe=500ms",
		"a:F=1 [1] @500 +499 [1] +1 [0] ?nothing_was_heard_from_10.0.0.1_for_500_ms @-" },
	{ "active-low is safe the same", "F=1,failsafe=500ms,active-low,safe=1", "a:F=0 [0] +500 [1]" },
	{ "a driven line starts at its safe value", "F=1,failsafe=500ms,safe=1", "[1] a:F=0 [0] +499 [0] +1 [1]" },
	{ "a write renews", "F=1,failsafe=500ms", "a:F=1 +400 a:F=1 @500 +400 [1] +100 [0]" },
	{ "a write of a plain line renews", "F=1,failsafe=500ms P=2", "a:F=1 +400 a:P=1 @500 +499 [11] +1 [01]" },
	{ "a ping renews", "F=1,failsafe=500ms", "a:F=1 +400 a:ping @500 +499 [1] +1 [0]" },
	{ "another's ping does not", "F=1,failsafe=500ms", "a:F=1 +400 b:ping @100 +100 [0]" },
	{ "a refused write does not renew", BRIDGE, "a:F=0 +400 a:F=1,R=1 !never @100" },
	{ "a ping that comes too late does not", "F=1,failsafe=500ms", "a:F=1 late+500 a:ping +0 [0]" },
	{ "a write that comes too late starts anew", "F=1,failsafe=500ms", "a:F=1 late+500 b:F=1 !let_go [0]" },
	{ "a ping alone drives nothing", "F=1,failsafe=500ms", "a:ping @- b:F=1 [1]" },
	{ "0 drives too", "F=1,failsafe=500ms", "a:F=0 @500 b:F=1 !F_is_driven_by_10.0.0.1,_for_500_ms +500 b:F=1 [1]" },
	{ "one drives all driven lines", "F=1,failsafe=500ms G=2,failsafe=500ms", "a:F=1 b:G=1 !G_is_driven_by_10.0.0.1 [10]" },
	{ "plain lines are everybody's", "F=1,failsafe=500ms P=2", "a:F=1 b:P=1 [11] +400 b:P=0 @100" },
	{ "a plain write does not drive", "F=1,failsafe=500ms P=2", "a:P=1 @- b:F=1 [11]" },
	{ "all or nothing", "F=1,failsafe=500ms P=2", "a:F=1 b:P=1,F=0 !driven [10] a:P=1 [11]" },
	{ "the shortest time counts for all", "F=1,failsafe=500ms G=2,failsafe=200ms", "a:F=1 @200 +200 [00] ?200_ms" },
	{ "who leaves is safe at once", "F=1,failsafe=500ms P=2", "a:F=1,P=1 a:left [01] ?10.0.0.1_has_left @- b:F=0 [01]" },
	{ "another may leave", "F=1,failsafe=500ms", "a:F=1 b:left [1] @500" },
	{ "stop ends the drive", "F=1,failsafe=500ms P=2", "a:F=1,P=1 stop [00] ?stopped @- b:F=0 b:F=1 [10]" },
	{ "a safe drive that ends moves nothing", "F=1,failsafe=500ms", "a:F=1 a:F=0 +500 [0] b:F=1 [1]" },
	/* letting go */
	{ "a stuck key does not drive on", "F=1,failsafe=500ms",
		"a:F=1 +500 a:F=1 !F_was_stopped;_let_go_first:_set_it_to_0 [0] @- a:F=0 a:F=1 [1]" },
	{ "nor by toggle or pulse", "F=1,failsafe=500ms", "a:F=1 +500 a:F=t !let_go a:F=p100 !let_go [0] a:F=0 a:F=t [1]" },
	{ "anybody may let go", "F=1,failsafe=500ms", "a:F=1 +500 b:F=0 b:F=1 [1]" },
	{ "stop needs it as well", "F=1,failsafe=500ms", "a:F=1 stop a:F=1 !let_go [0]" },
	{ "who pulsed must let go", "F=1,failsafe=500ms", "a:F=p1000 +500 [0] a:F=1 !let_go @-" },
	{ "a line that was at rest need not", "F=1,failsafe=500ms G=2,failsafe=500ms",
		"a:F=1 +500 a:G=1 [01] a:F=1,G=1 !F_was_stopped [01]" },
	{ "safe=1 is let go by 1", "F=1,failsafe=500ms,safe=1",
		"a:F=0 +500 [1] a:F=0 !set_it_to_1 a:F=p10 !let_go a:F=1 a:F=0 [0]" },
	{ "a group lets go together", BRIDGE, "a:F=1 +500 a:R=1 !R_was_stopped a:R=0 [00] +20 a:F=1 [10]" },
	{ "plain lines need not let go", "P=1", "a:P=1 stop a:P=1 [1]" },
	/* max-on */
	{ "never on for longer", "A=1,max-on=100ms", "a:A=1 [1] @100 +50 a:A=1 @50 +49 [1] +1 [0] ?max-on @- a:A=1 [1] @100" },
	{ "neither by pulses", "A=1,max-on=100ms,active-low", "a:A=p90 +80 a:A=p90 @20 +20 [0] @-" },
	{ "off and on is a new stretch", "A=1,max-on=100ms", "a:A=1 +99 a:A=0 a:A=1 @100" },
	{ "a driven one must be let go", "F=1,failsafe=500ms,max-on=100ms",
		"a:F=1 +100 [0] ?max-on a:F=1 !let_go a:F=0 a:F=1 [1]" },
	{ "its drive goes on", "F=1,failsafe=500ms,max-on=100ms", "a:F=1 +100 b:F=0 !driven @400" },
	{ "renewing does not help", "F=1,failsafe=500ms,max-on=600ms", "a:F=1 +400 a:ping +199 [1] +1 [0] ?max-on" },
	/* interlock */
	{ "two at once are refused", PLAIN_BRIDGE,
		"+20 a:F=1,R=1 !F_and_R_are_never_on_together_(interlock=t) [00] a:F=p1,R=t !never [00]" },
	{ "changing over passes through all-off", PLAIN_BRIDGE, "+20 a:F=1 [10] a:R=1 [00] @20 +19 [00] +1 [01] ?dead_time @-" },
	{ "dead time counts from the start", PLAIN_BRIDGE, "a:F=1 [00] @20 +20 [10]" },
	{ "dead time counts from what went off before", PLAIN_BRIDGE, "+20 a:F=1 a:F=0 +15 a:R=1 [00] @5 +5 [01]" },
	{ "the same again waits for nothing", PLAIN_BRIDGE, "+20 a:F=1 a:F=0 a:F=1 [10]" },
	{ "without dead time it is one write, off first", "F=1,interlock=t R=2,interlock=t", "a:F=1 #1 a:R=1 [01] #2 a:R=1 #1" },
	{ "the longest dead time counts", "F=1,interlock=t,dead-time=5ms R=2,interlock=t,dead-time=50ms",
		"+50 a:R=1 a:F=1 @50 +50 [10]" },
	{ "groups do not mind each other", "F=1,interlock=t R=2,interlock=t L=3,interlock=s Q=4,interlock=s",
		"a:F=1,L=1 [1010]" },
	{ "0 cancels what waits", PLAIN_BRIDGE, "+20 a:F=1 a:R=1 a:R=0 @- +50 [00]" },
	{ "toggle cancels what waits", PLAIN_BRIDGE, "+20 a:F=1 a:R=1 a:R=t @- +50 [00]" },
	{ "another cancels what waits", PLAIN_BRIDGE, "+20 a:F=1 a:R=1 +5 a:F=1 [10] @- +50 [10]" },
	{ "stop cancels what waits", PLAIN_BRIDGE, "+20 a:F=1 a:R=1 stop @- +50 [00]" },
	{ "a trip cancels what waits, and is to be let go", BRIDGE, "+20 a:F=1 a:R=1 a:left @- +50 [00] a:R=1 !let_go" },
	{ "a pulse that waits begins when it goes on", PLAIN_BRIDGE,
		"+20 a:F=1 a:R=p100 [00] +20 [01] @100 +99 [01] +1 [00] @-" },
	{ "of two that wait the longer counts", PLAIN_BRIDGE, "+20 a:F=1 a:R=p100 a:R=p10 +20 @100" },
	{ "1 makes it last while it waits", PLAIN_BRIDGE, "+20 a:F=1 a:R=p100 a:R=1 +20 [01] @-" },
	{ "what waited is forgotten", PLAIN_BRIDGE, "+20 a:F=1 a:R=p100 a:R=0 a:R=p10 +20 [01] @10" },
	{ "a pulse that ends begins the dead time", PLAIN_BRIDGE, "+20 a:F=p10 +10 a:R=1 @20 +20 [01]" },
	{ "a trip begins the dead time", BRIDGE, "+20 a:F=1 +500 a:F=0,R=0 a:R=1 [00] +20 [01]" },
	{ "three of a group", "A=1,interlock=g B=2,interlock=g C=3,interlock=g",
		"a:A=1 a:B=1 [010] a:C=1 [001] a:A=1,B=0,C=0 [100]" },
	{ "max-on counts from going on", "F=1,interlock=t,dead-time=20ms,max-on=50ms R=2,interlock=t",
		"+20 a:R=1 a:F=1 @20 +20 @50 +50 [00]" },
	/* cost */
	{ "a plain write is one call", "A=1 B=2,active-low C=3", "a:A=1,B=1,C=0 [110] #1 a:A=1 #1" },
};

/* One step, without what must be so. */
static int do_step(const char *step, struct gpio_error *error)
{
	struct gpio_command command[GPIO_LINES_MAX];
	size_t count = 0;

	if (step[0] == '+' || strncmp(step, "late+", 5) == 0) {
		int64_t then = now + strtol(strchr(step, '+'), NULL, 10) * MS;
		if (step[0] == '+')
			pass_until(then);
		now = then;
		return 0;
	}
	if (strcmp(step, "stop") == 0)
		return gpio_lines_stop(lines, now, "stopped", error);
	const struct gpio_party *party = &parties[step[0] - 'a'];
	if (strcmp(step + 1, ":ping") == 0)
		return gpio_lines_renew(lines, now, party->id), 0;
	if (strcmp(step + 1, ":left") == 0)
		return gpio_lines_leave(lines, now, party->id, error);
	for (const char *at = step + 1; *at != '\0'; at = strpbrk(at + 1, ",") != NULL ? strpbrk(at + 1, ",") : "") {
		const char *value = strchr(at, '=') + 1;
		uint16_t line = 0;

		while (lines->line[line].spec.name[0] != at[1])
			ck_assert_uint_lt(++line, lines->count);
		command[count++] = (struct gpio_command){ line,
			*value == '0'           ? GPIO_SET_0
				: *value == '1' ? GPIO_SET_1
				: *value == 't' ? GPIO_TOGGLE
						: GPIO_PULSE,
			*value == 'p' ? strtol(value + 1, NULL, 10) * MS : 0 };
	}
	return gpio_lines_write(lines, now, party, command, count, NULL, error);
}

static void must_say(const char *found, const char *wanted, const char *about)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", wanted);
	for (char *c = text; *c != '\0'; c++)
		*c = *c == '_' ? ' ' : *c;
	ck_assert_msg(strstr(found, text) != NULL, "%s: \"%s\" does not say \"%s\"", about, found, text);
}

/* What must be so. */
static void judge(const char *wanted, const char *about)
{
	int64_t deadline = gpio_lines_deadline(lines);

	if (wanted[0] == '?')
		must_say(last_why, wanted + 1, about);
	if (wanted[0] == '#') {
		ck_assert_msg(set_calls == atoi(wanted + 1), "%s: %d calls, not %s", about, set_calls, wanted + 1);
		set_calls = 0;
	}
	if (wanted[0] == '@')
		ck_assert_msg(wanted[1] == '-' ? deadline == NEVER : deadline - now == atoi(wanted + 1) * MS,
			"%s: the deadline is in %" PRId64 " us, not %s ms", about, deadline - now, wanted + 1);
	for (size_t i = 0; wanted[0] == '[' && i < lines->count; i++)
		ck_assert_msg(wanted[i + 1] - '0' == lines->line[i].value && (pins >> i & 1) == lines->line[i].value,
			"%s: line %zu is %u, not as in %s", about, i, lines->line[i].value, wanted);
}

/* The same lines, all of them active-low. */
static const char *turned_over(const char *text)
{
	static char turned[512];
	char entries[512], *rest = entries;

	turned[0] = '\0';
	snprintf(entries, sizeof(entries), "%s", text);
	for (char *entry = strsep(&rest, " "); entry != NULL; entry = strsep(&rest, " "))
		snprintf(turned + strlen(turned), sizeof(turned) - strlen(turned), "%s%s ", entry,
			entry[0] == '\0' || strstr(entry, "active-low") != NULL ? "" : ",active-low");
	return turned;
}

/* Each is told twice: logical values hide which level is which, in every rule. */
START_TEST(a_story_goes_as_it_is_told)
{
	const struct story *story = &stories[_i / 2];
	char steps[512], *rest = steps;
	struct gpio_error error = { "" };
	int result = 0;

	begin(_i % 2 == 0 ? story->lines : turned_over(story->lines));
	set_calls = 0;
	snprintf(steps, sizeof(steps), "%s", story->steps);
	for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
		if (word[0] == '!') {
			ck_assert_msg(result == -1, "%s: not refused: %s", story->about, word);
			must_say(error.text, word + 1, story->about);
			result = 0;
		} else if (strchr("[?@#", word[0]) != NULL) {
			judge(word, story->about);
		} else {
			ck_assert_msg(result == 0, "%s: %s", story->about, error.text);
			result = do_step(word, &error);
		}
		ck_assert_msg(wrong == NULL, "%s: %s", story->about, wrong);
	}
	ck_assert_msg(result == 0, "%s: %s", story->about, error.text);
	end();
}
END_TEST

/* --- A second machine ------------------------------------------------------------------------------------------------ */

/* Written from the rules, without a look at gpio/rules.c: it computes nothing ahead, but asks of each moment what is so. */
struct model_line {
	const struct gpio_spec *spec;
	bool on, waits, pulses, tripped;
	int64_t length;    /* of the pulse that waits; 0: none */
	int64_t pulse_end; /* when it pulses */
	int64_t on_since, off_since;
};

static struct {
	struct model_line line[8];
	size_t count;
	const struct gpio_party *driver;
	int64_t heard;
} model;

static bool model_at_rest(const struct model_line *line)
{
	return line->on == (line->spec->safe == GPIO_1);
}

static void model_switch(struct model_line *line, bool on)
{
	if (on && !line->on)
		line->on_since = now;
	if (!on && line->on)
		line->off_since = now;
	line->on = on;
	line->waits = line->pulses = false;
}

static int64_t model_free_at(size_t i)
{
	int64_t at = 0;

	for (size_t k = 0; k < model.count; k++)
		if (same_group(i, k) && model.line[k].off_since + longest_dead_time(i) > at)
			at = model.line[k].off_since + longest_dead_time(i);
	return at;
}

static int64_t model_patience(void)
{
	int64_t shortest = NEVER;

	for (size_t i = 0; i < model.count; i++)
		if (model.line[i].spec->failsafe > 0 && model.line[i].spec->failsafe < shortest)
			shortest = model.line[i].spec->failsafe;
	return shortest;
}

static void model_begin(void)
{
	model.count = lines->count;
	model.driver = NULL;
	for (size_t i = 0; i < model.count; i++)
		model.line[i] = (struct model_line){
			.spec = &lines->line[i].spec, .on = lines->line[i].value != 0, .on_since = now, .off_since = now
		};
}

static void model_trip_group(size_t i)
{
	for (size_t k = 0; k < model.count; k++)
		if (k == i || same_group(i, k))
			model.line[k].tripped = true;
}

static void model_trip(void)
{
	for (size_t i = 0; i < model.count; i++) {
		struct model_line *line = &model.line[i];

		if (line->spec->failsafe == 0)
			continue;
		if (!model_at_rest(line) || line->waits || line->pulses)
			model_trip_group(i);
		model_switch(line, line->spec->safe == GPIO_1);
	}
	model.driver = NULL;
}

static void model_stop(void)
{
	model_trip();
	for (size_t i = 0; i < model.count; i++) {
		struct model_line *line = &model.line[i];

		if (line->spec->safe != GPIO_KEEP)
			model_switch(line, line->spec->safe == GPIO_1);
		else if (line->waits || line->pulses)
			model_switch(line, false);
	}
}

static bool model_is_too_long(const struct model_line *line, int64_t at)
{
	return line->on && line->spec->max_on > 0 && at - line->on_since >= line->spec->max_on;
}

static void model_tick(void)
{
	if (model.driver != NULL && now - model.heard >= model_patience())
		model_trip();
	for (size_t i = 0; i < model.count; i++)
		if (model_is_too_long(&model.line[i], now)) {
			if (model.line[i].spec->failsafe > 0)
				model_trip_group(i);
			model_switch(&model.line[i], false);
		}
	for (size_t i = 0; i < model.count; i++)
		if (model.line[i].pulses && model.line[i].pulse_end <= now)
			model_switch(&model.line[i], false);
	for (size_t i = 0; i < model.count; i++)
		if (model.line[i].waits && model_free_at(i) <= now) {
			model_switch(&model.line[i], true);
			model.line[i].pulses = model.line[i].length > 0;
			model.line[i].pulse_end = now + model.line[i].length;
		}
}

static void earlier_of(int64_t *time, int64_t other)
{
	if (other < *time)
		*time = other;
}

static int64_t model_deadline(void)
{
	int64_t at = model.driver != NULL ? model.heard + model_patience() : NEVER;

	for (size_t i = 0; i < model.count; i++) {
		const struct model_line *line = &model.line[i];

		if (line->on && line->spec->max_on > 0)
			earlier_of(&at, line->on_since + line->spec->max_on);
		if (line->pulses)
			earlier_of(&at, line->pulse_end);
		if (line->waits)
			earlier_of(&at, model_free_at(i));
	}
	return at;
}

static bool model_wants_on(const struct gpio_command *command)
{
	const struct model_line *line = &model.line[command->line];

	if (command->action == GPIO_TOGGLE)
		return !line->on && !line->waits;
	return command->action != GPIO_SET_0;
}

/* 0, or the errno of the refusal. */
static int model_judge(const struct gpio_party *party, const struct gpio_command *command, size_t count)
{
	int reason = 0;

	for (size_t a = 0; a < count; a++) {
		const struct model_line *line = &model.line[command[a].line];
		bool to_rest = model_wants_on(&command[a]) == (line->spec->safe == GPIO_1) && command[a].action != GPIO_PULSE;

		if (line->spec->failsafe > 0 && model.driver != NULL && model.driver != party)
			return EBUSY;
		if (line->tripped && !to_rest)
			reason = EPERM;
		for (size_t b = 0; b < count; b++)
			if (same_group(command[a].line, command[b].line) && model_wants_on(&command[a]) && model_wants_on(&command[b]))
				reason = EPERM;
	}
	return reason;
}

static void model_activate(size_t i, int64_t length)
{
	struct model_line *line = &model.line[i];
	struct model_line before = *line;

	for (size_t k = 0; k < model.count; k++)
		if (same_group(i, k))
			model_switch(&model.line[k], false);
	if (line->on || model_free_at(i) <= now) {
		model_switch(line, true);
		line->pulses = length > 0;
		line->pulse_end = before.on && before.pulses && before.pulse_end > now + length ? before.pulse_end : now + length;
	} else {
		line->waits = true;
		line->length = length > 0 && before.waits && before.length > length ? before.length : length;
	}
}

static int model_write(const struct gpio_party *party, const struct gpio_command *command, size_t count)
{
	bool on[8];
	int reason = model_judge(party, command, count);

	if (reason != 0)
		return reason;
	for (size_t a = 0; a < count; a++)
		on[a] = model_wants_on(&command[a]);
	for (size_t a = 0; a < count; a++) {
		size_t i = command[a].line;

		if (!on[a])
			model_switch(&model.line[i], false);
		for (size_t k = 0; model.line[i].tripped && k < model.count; k++)
			if (k != i && same_group(i, k))
				model.line[k].tripped = false;
		model.line[i].tripped = false;
		if (model.line[i].spec->failsafe > 0)
			model.driver = party;
	}
	for (size_t a = 0; a < count; a++)
		if (on[a])
			model_activate(command[a].line, command[a].action == GPIO_PULSE ? command[a].duration : 0);
	if (model.driver == party)
		model.heard = now;
	return 0;
}

/* --- Random steps ---------------------------------------------------------------------------------------------------- */

static const char *const worlds[] = {
	"F=1,failsafe=500ms,interlock=t,dead-time=20ms R=2,failsafe=300ms,interlock=t L=3,failsafe=500ms,active-low,max-on=200ms "
	"P=4 Q=5,max-on=100ms",
	"A=1,interlock=g,dead-time=30ms B=2,interlock=g,active-low C=3,interlock=g,max-on=50ms D=4,safe=1 E=5,safe=keep",
	"S=1,failsafe=100ms,safe=1 T=2,failsafe=200ms,active-low,safe=1 U=3,interlock=x V=4,interlock=x,dead-time=0s W=5,active-low",
	"F=1,failsafe=50ms,interlock=t R=2,failsafe=50ms,interlock=t P=3,interlock=p,dead-time=100ms Q=4,interlock=p,dead-time=10ms "
	"X=5,initial=1,safe=keep",
	"F=1,failsafe=60ms,interlock=t,dead-time=100ms R=2,failsafe=80ms,interlock=t,max-on=40ms Z=3,failsafe=70ms,max-on=70ms "
	"K=4,interlock=k,max-on=30ms,dead-time=5ms J=5,interlock=k",
};

#define STORY_STEPS 400

enum kind { WRITE, PING, LEFT, STOP, PASS, LATE };

struct step {
	uint8_t kind, party;
	uint8_t action[5]; /* of each line; 4: not named */
	int32_t time;      /* ms; of a step that lets time pass */
	int32_t pulse;     /* ms */
};

static uint64_t seed;

/* xorshift64* (Vigna 2016): the same on every machine. */
static uint32_t random_below(uint32_t limit)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * UINT64_C(2685821657736338717)) >> 33) % limit;
}

static struct step random_step(void)
{
	static const uint8_t kinds[] = { WRITE, WRITE, WRITE, WRITE, WRITE, WRITE, PING, LEFT, PASS, PASS, PASS, PASS, LATE };
	static const int32_t times[] = { 0, 1, 4, 5, 10, 19, 20, 30, 50, 70, 99, 100, 300, 600 };
	struct step step = { .party = (uint8_t)random_below(3) };

	step.kind = random_below(40) == 0 ? STOP : kinds[random_below(sizeof(kinds))];
	step.time = times[random_below(ROWS(times))];
	step.pulse = 1 + times[random_below(ROWS(times))];
	for (int i = 0; i < 5; i++)
		step.action[i] = random_below(3) == 0 ? (uint8_t)random_below(4) : 4;
	return step;
}

static size_t commands_of(const struct step *step, struct gpio_command *command)
{
	size_t count = 0;

	for (uint16_t i = 0; i < 5; i++)
		if (step->action[i] < 4)
			command[count++] = (struct gpio_command){ i, step->action[i], step->pulse * MS };
	return count;
}

static void do_write(const struct step *step)
{
	struct gpio_command command[5];
	uint8_t value[5];
	size_t count = commands_of(step, command);
	uint64_t before = pins;
	bool late = gpio_lines_deadline(lines) <= now;

	if (model_deadline() <= now)
		model_tick();
	int reason = gpio_lines_write(lines, now, &parties[step->party], command, count, value, NULL) == 0 ? 0 : errno;
	must_hold(reason == model_write(&parties[step->party], command, count), "a write is judged otherwise");
	must_hold(reason == 0 || pins == before || late, "what was refused has moved");
	for (size_t i = 0; reason == 0 && i < count; i++)
		must_hold(value[i] == model.line[command[i].line].on, "the reply is another value");
}

static void must_be_the_same(void)
{
	int64_t left;
	const char *driver = gpio_lines_driver(lines, now, &left);

	for (size_t i = 0; i < model.count; i++) {
		const struct model_line *line = &model.line[i];

		must_hold((pins >> i & 1) == line->on, "a pin differs");
		must_hold(lines->line[i].value == line->on, "a value differs");
		must_hold(line->spec->failsafe == 0 || driver != NULL || model_at_rest(line), "nobody drives, and it moves");
	}
	must_hold(gpio_lines_deadline(lines) == model_deadline(), "the deadline differs");
	must_hold((driver == NULL) == (model.driver == NULL), "the driver differs");
	must_hold(driver == NULL || strcmp(driver, model.driver->name) == 0, "the driver is another");
	must_hold(driver == NULL || now - model.heard + left == model_patience(), "his time differs");
}

static void pass_both(int64_t then)
{
	for (int64_t at = gpio_lines_deadline(lines); at <= then && wrong == NULL; at = gpio_lines_deadline(lines)) {
		now = at > now ? at : now;
		must_hold(gpio_lines_tick(lines, now, NULL) == 0, "a tick fails");
		model_tick();
		must_hold(gpio_lines_deadline(lines) > now, "a deadline is not done with");
		must_be_the_same();
	}
	now = then;
}

static void do_random_step(const struct step *step)
{
	const struct gpio_party *party = &parties[step->party];

	switch ((enum kind)step->kind) {
	case WRITE:
		do_write(step);
		break;
	case PING:
		gpio_lines_renew(lines, now, party->id);
		if (model.driver == party && now - model.heard < model_patience())
			model.heard = now;
		break;
	case LEFT:
		must_hold(gpio_lines_leave(lines, now, party->id, NULL) == 0, "leaving fails");
		if (model.driver == party)
			model_trip();
		break;
	case STOP:
		must_hold(gpio_lines_stop(lines, now, "stopped", NULL) == 0, "a stop fails");
		model_stop();
		for (size_t i = 0; i < lines->count; i++)
			must_hold(lines->line[i].spec.safe == GPIO_KEEP || (pins >> i & 1) == (lines->line[i].spec.safe == GPIO_1),
				"after a stop it is not safe");
		break;
	case PASS:
		pass_both(now + step->time * MS);
		break;
	case LATE:
		now += step->time * MS;
		break;
	}
	must_be_the_same();
}

/* The law that this story breaks; NULL: none. */
static const char *play(const char *world, const struct step *step, size_t count)
{
	begin(world);
	model_begin();
	for (size_t i = 0; i < count && wrong == NULL; i++)
		do_random_step(&step[i]);
	end();
	return wrong;
}

/* Drops steps as long as the story still breaks a law (Zeller, Hildebrandt: Simplifying and isolating failure-inducing input, 2002). */
static size_t shorten(const char *world, struct step *step, size_t count)
{
	struct step fewer[STORY_STEPS];

	for (size_t chunk = count / 2; chunk > 0; chunk /= 2)
		for (size_t at = 0; at + chunk <= count;) {
			memcpy(fewer, step, at * sizeof(*step));
			memcpy(fewer + at, step + at + chunk, (count - at - chunk) * sizeof(*step));
			if (play(world, fewer, count - chunk) != NULL) {
				count -= chunk;
				memcpy(step, fewer, count * sizeof(*step));
			} else {
				at += chunk;
			}
		}
	return count;
}

static void print_story(const char *world, const struct step *step, size_t count)
{
	static const char *const actions[] = { "0", "1", "toggle", "pulse" };
	static const char *const words[] = { "writes", "ping", "left", "stop", "ms pass", "ms pass, and nobody looks" };

	fprintf(stderr, "%s\n", world);
	for (size_t i = 0; i < count; i++) {
		if (step[i].kind >= PASS)
			fprintf(stderr, "  %d %s\n", (int)step[i].time, words[step[i].kind]);
		else
			fprintf(stderr, "  %c %s", 'a' + step[i].party, words[step[i].kind]);
		for (int k = 0; step[i].kind == WRITE && k < 5; k++)
			if (step[i].action[k] < 4)
				fprintf(stderr, " %d:%s", k, actions[step[i].action[k]]);
		if (step[i].kind < PASS)
			fprintf(stderr, " (%d ms)\n", (int)step[i].pulse);
	}
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* Sanitizers make it ten times slower. */
#if defined(__SANITIZE_ADDRESS__)
#define STEPS 200000
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define STEPS 200000
#endif
#endif
#ifndef STEPS
#define STEPS 1200000
#endif

START_TEST(a_second_machine_agrees_with_every_step)
{
	uint64_t first = from_environment("HTTAPD_SEED", 1), steps = from_environment("HTTAPD_STEPS", STEPS);
	struct step story[STORY_STEPS];

	seed = first != 0 ? first : 1; /* xorshift stays at 0 */
	for (uint64_t done = 0; done < steps; done += STORY_STEPS) {
		const char *world = worlds[random_below(ROWS(worlds))];

		for (size_t i = 0; i < STORY_STEPS; i++)
			story[i] = random_step();
		if (play(world, story, STORY_STEPS) == NULL)
			continue;
		size_t count = shorten(world, story, STORY_STEPS);
		print_story(world, story, count);
		ck_abort_msg("HTTAPD_SEED=%" PRIu64 ": %s, after the %zu steps above", first, play(world, story, count), count);
	}
}
END_TEST

Suite *gpio_rules_suite(void)
{
	Suite *suite = suite_create("gpio/rules");
	TCase *told = tcase_create("stories");
	TCase *random_case = tcase_create("random");

	tcase_add_loop_test(told, a_story_goes_as_it_is_told, 0, 2 * ROWS(stories));
	suite_add_tcase(suite, told);
	tcase_set_timeout(random_case, 120);
	tcase_add_test(random_case, a_second_machine_agrees_with_every_step);
	suite_add_tcase(suite, random_case);
	return suite;
}
