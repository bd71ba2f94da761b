/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * gpio/lines.c and gpio/lookup.c: what signals do to lines. The electrical levels are read past the code under test,
 * from chips of a kernel that does not exist (test_gpio_fake.h).
 */
#include <poll.h>

#include "tests/unit/rig.h"
#include "tests/unit/test_gpio_fake.h"

#include "gpio/find.h"
#include "gpio/lines.h"

/* --- tools --- */

/* What on_change was told. */
static struct {
	size_t count;
	char name[8][GPIO_NAME_SIZE];
	uint8_t old_value[8], new_value[8];
	int64_t time[8];
	char why[8][64];
	void *context;
} told;

static void note_change(
	void *context, const struct gpio_line *line, uint8_t old_value, uint8_t new_value, int64_t time, const char *why)
{
	ck_assert_uint_lt(told.count, 8);
	snprintf(told.why[told.count], sizeof(told.why[0]), "%s", why != NULL ? why : "");
	snprintf(told.name[told.count], GPIO_NAME_SIZE, "%s", line->spec.name);
	told.old_value[told.count] = old_value;
	told.time[told.count] = time;
	told.new_value[told.count++] = new_value;
	ck_assert_uint_eq(line->value, new_value);
	told.context = context;
	errno = EPROTO; /* whatever a callback does to errno is not the caller's business */
}

static const struct gpio_party somebody = { .id = "0123456789abcdef", .name = "192.0.2.7" };

/* The usual world: a header, and an expander. */
static void begin(void)
{
	fake_begin();
	fake_add_device("gpiochip0", "/dev/null", "pinctrl-bcm2711");
	fake_add_device("gpiochip1", "/dev/zero", "1-0020");
	memset(&told, 0, sizeof(told));
}

static struct fake_chip *header(void)
{
	return &fake.chip[0];
}

static struct fake_chip *expander(void)
{
	return &fake.chip[1];
}

static struct gpio_specs parsed(const char *text)
{
	struct gpio_specs specs;
	struct gpio_error error = { "" };

	ck_assert_msg(gpio_specs_parse(&specs, text, &error) == 0, "%s", error.text);
	return specs;
}

static struct gpio_lines *open_as(const char *text, const char *chip, bool safe)
{
	struct gpio_specs specs = parsed(text);
	struct gpio_places places = fake_places();
	struct gpio_error error = { "" };
	struct gpio_lines *lines = gpio_lines_open_at(&places, &specs, chip, safe, 0, &error);

	ck_assert_msg(lines != NULL, "%s", error.text);
	gpio_lines_on_change(lines, note_change, &told);
	fake.sets = 0;
	fake.gets = 0;
	return lines;
}

static struct gpio_lines *open_lines(const char *text)
{
	return open_as(text, NULL, false);
}

/* The sentence when the lines cannot be opened. Nothing must be left open then. */
static const char *not_opened(const char *text, const char *chip)
{
	static struct gpio_error error;
	struct gpio_specs specs = parsed(text);
	struct gpio_places places = fake_places();

	ck_assert_ptr_null(gpio_lines_open_at(&places, &specs, chip, false, 0, &error));
	ck_assert_int_eq(fake.opened, fake.closed);
	return error.text;
}

static void contains(const char *text, const char *fragment)
{
	ck_assert_msg(strstr(text, fragment) != NULL, "expected \"%s\" in \"%s\"", fragment, text);
}

static void set(struct gpio_lines *lines, uint16_t line, uint8_t value)
{
	struct gpio_command change = { .line = line, .action = value };
	struct gpio_error error = { "" };

	ck_assert_msg(gpio_lines_write(lines, 0, &somebody, &change, 1, NULL, &error) == 0, "%s", error.text);
}

static uint8_t get(struct gpio_lines *lines, uint16_t line)
{
	uint8_t value = 0xff;
	struct gpio_error error = { "" };

	ck_assert_msg(gpio_lines_get(lines, &line, 1, &value, &error) == 0, "%s", error.text);
	return value;
}

/* --- open --- */

START_TEST(lines_are_known_in_the_order_of_the_text)
{
	struct gpio_lines *lines = open_lines("LED=GPIO17 BUTTON=5,input RELAY=1-0020:3,active-low,initial=1");
	const struct gpio_line *relay = gpio_lines_at(lines, 2);

	ck_assert_uint_eq(gpio_lines_count(lines), 3);
	ck_assert_str_eq(gpio_lines_at(lines, 0)->spec.name, "LED");
	ck_assert_uint_eq(gpio_lines_at(lines, 0)->offset, 17);
	ck_assert_str_eq(gpio_lines_at(lines, 0)->chip, "gpiochip0");
	ck_assert_str_eq(gpio_lines_at(lines, 0)->label, "pinctrl-bcm2711");
	ck_assert_str_eq(gpio_lines_at(lines, 0)->kernel_name, "GPIO17");
	ck_assert_str_eq(gpio_lines_at(lines, 1)->spec.name, "BUTTON");
	ck_assert_uint_eq(gpio_lines_at(lines, 1)->value, 0);
	ck_assert_str_eq(relay->spec.name, "RELAY");
	ck_assert_str_eq(relay->chip, "gpiochip1");
	ck_assert_str_eq(relay->label, "1-0020");
	ck_assert_uint_eq(relay->offset, 3);
	ck_assert_uint_eq(relay->value, 1);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(the_default_chip_must_exist_even_without_signals)
{
	struct gpio_lines *lines = open_lines("");

	ck_assert_uint_eq(gpio_lines_count(lines), 0);
	gpio_lines_close(lines);
	contains(not_opened("", "nowhere"), "no chip has the label \"nowhere\"");
	header()->label = "something else";
	contains(not_opened("", NULL), "no Raspberry Pi header chip");
	contains(not_opened("RELAY=1-0020:3", NULL), "no Raspberry Pi header chip");
}
END_TEST

START_TEST(closing_nothing_is_fine)
{
	gpio_lines_close(NULL);
}
END_TEST

START_TEST(outputs_of_a_chip_stand_in_one_request_and_inputs_in_another)
{
	struct gpio_lines *lines = open_lines("A=1 B=2,input C=3 D=4,input E=1-0020:1 F=5,drive=open-drain,initial=keep");

	ck_assert_int_eq(fake.requests, 3);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_chip_is_opened_once_by_whatever_words_it_is_named)
{
	struct gpio_lines *lines = open_lines("A=1 B=gpiochip0:2 C=/dev/gpiochip0:3 D=pinctrl-bcm2711:4 "
					      "E=1-0020:1 F=gpiochip1:2 G=1-0020:3");

	ck_assert_int_eq(fake.requests, 2);
	ck_assert_int_eq(fake.opened - fake.closed, 2);
	for (size_t i = 0; i < 4; i++)
		ck_assert_str_eq(gpio_lines_at(lines, i)->chip, "gpiochip0");
	for (size_t i = 4; i < 7; i++)
		ck_assert_str_eq(gpio_lines_at(lines, i)->chip, "gpiochip1");
	gpio_lines_close(lines);
}
END_TEST

START_TEST(simulated_and_real_lines_mix)
{
	struct gpio_lines *lines = open_lines("A=1 B=sim:GPIO1 C=sim:2");

	ck_assert_str_eq(gpio_lines_at(lines, 1)->chip, "sim");
	set(lines, 0, 1);
	set(lines, 2, 1);
	ck_assert_uint_eq(get(lines, 0), 1);
	ck_assert_uint_eq(get(lines, 1), 0);
	ck_assert_uint_eq(get(lines, 2), 1);
	gpio_lines_close(lines);
}
END_TEST

static const struct {
	const char *text;
	const char *sentence;
} same_lines[] = {
	{ "LED=GPIO17 LAMP=17", "LED and LAMP are the same line (gpiochip0 17); give each signal a line of its own" },
	{ "LED=17 A=1 LAMP=gpiochip0:17", "LED and LAMP are the same line (gpiochip0 17)" },
	{ "LED=/dev/gpiochip0:17 LAMP=gpiochip0:17", "LED and LAMP are the same line (gpiochip0 17)" },
	{ "LED=gpiochip1:7 LAMP=1-0020:GPIO7", "LED and LAMP are the same line (gpiochip1 7)" },
	{ "LED=17 LAMP=017,input", "LED and LAMP are the same line (gpiochip0 17)" },
	{ "LED=sim:7 LAMP=sim:GPIO7", "LED and LAMP are the same line (sim 7)" },
};

START_TEST(one_line_under_two_names_is_refused)
{
	contains(not_opened(same_lines[_i].text, NULL), same_lines[_i].sentence);
	ck_assert_int_eq(fake.requests, 0);
}
END_TEST

/* Raspberry Pi OS on a Pi 5 keeps gpiochip4 for the header, whose number is 0 now. */
START_TEST(a_chip_and_a_link_to_it_are_one_chip)
{
	fake_link("gpiochip4", "gpiochip0");
	gpio_lines_close(open_lines("A=1 B=gpiochip4:2 C=/dev/gpiochip4:3"));
	ck_assert_int_eq(fake.requests, 1);
	gpio_lines_close(open_as("A=1 B=gpiochip0:2", "gpiochip4", false));
	ck_assert_int_eq(fake.requests, 2);
	contains(not_opened("LED=17 LAMP=gpiochip4:17", NULL), "LED and LAMP are the same line (gpiochip0 17)");
}
END_TEST

START_TEST(one_offset_on_two_chips_is_two_lines)
{
	gpio_lines_close(open_lines("A=1 B=1-0020:1 C=sim:1"));
}
END_TEST

START_TEST(a_chip_that_a_signal_names_in_vain_is_told_with_the_signal)
{
	contains(not_opened("A=1 LED=2-0021:1", NULL), "LED: no chip has the label \"2-0021\"; there are gpiochip0 (");
	contains(not_opened("LED=gpiochip7:1", NULL), "LED: gpiochip7 could not be opened: No such file or directory");
	contains(not_opened("LED=LAMP", NULL), "LED: gpiochip0 (pinctrl-bcm2711) has no line named \"LAMP\"");
	ck_assert_int_eq(fake.requests, 0);
}
END_TEST

START_TEST(more_chips_than_there_is_room_for_are_refused)
{
	char text[256] = "";
	static const char *const names[] = {
		"gpiochip2",
		"gpiochip3",
		"gpiochip4",
		"gpiochip5",
		"gpiochip6",
		"gpiochip7",
		"gpiochip8",
	};

	for (unsigned int i = 0; i < 7; i++) {
		fake_add(names[i], "expander");
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "S%u=%s:1 ", i, names[i]);
	}
	gpio_lines_close(open_as(text, NULL, false));
	contains(not_opened(strcat(text, "LAST=sim:1"), NULL), "spread over more than 8 chips");
}
END_TEST

START_TEST(a_line_that_somebody_holds_is_refused_before_anything_is_requested)
{
	header()->holder = "holder-test";
	header()->held = 17;
	ck_assert_str_eq(not_opened("OTHER=1 LED=GPIO17", NULL),
		"LED: line GPIO17 (gpiochip0 17) is held by "
		"\"holder-test\"; stop that program or choose another line");
	ck_assert_int_eq(fake.requests, 0);
}
END_TEST

START_TEST(a_line_that_somebody_takes_in_the_last_moment_is_refused_with_his_name)
{
	header()->request_errno = EBUSY;
	header()->late_holder = "late-comer";
	header()->held = 17;
	ck_assert_str_eq(not_opened("OTHER=1 LED=17 THIRD=2", NULL),
		"LED: line 17 (gpiochip0 17) is held by "
		"\"late-comer\"; stop that program or choose another line");
}
END_TEST

START_TEST(a_holder_who_is_gone_again_is_told_as_busy)
{
	header()->request_errno = EBUSY;
	ck_assert_str_eq(not_opened("LED=17 OTHER=1", NULL),
		"LED and others: outputs of gpiochip0 "
		"(pinctrl-bcm2711) could not be requested: Device or resource busy");
}
END_TEST

START_TEST(a_request_that_fails_is_told_with_chip_and_reason)
{
	header()->request_errno = EINVAL;
	ck_assert_str_eq(not_opened("B=17,input", NULL),
		"B: inputs of gpiochip0 (pinctrl-bcm2711) could not be requested: Invalid argument");
	header()->request_errno = E2BIG;
	contains(not_opened("LED=17", NULL), "too many different combinations of bias and drive");
}
END_TEST

/* Asked by its number, or looked for by its name. */
START_TEST(a_line_that_its_chip_tells_nothing_about_is_told)
{
	struct fake_chip *chip = header();

	chip->info_errno = EREMOTEIO;
	chip->info_from = 17;
	ck_assert_str_eq(not_opened(_i == 0 ? "LED=17" : "LED=LAMP", NULL),
		"LED: gpiochip0 tells nothing about its line 17: Remote I/O error");
	ck_assert_int_eq(fake.requests, 0);
}
END_TEST

START_TEST(inputs_that_can_not_be_read_at_first_are_not_opened)
{
	header()->get_errno = EREMOTEIO;
	ck_assert_str_eq(not_opened("B=17,input", NULL),
		"B: inputs of gpiochip0 (pinctrl-bcm2711) could not be requested: Remote I/O error");
}
END_TEST

START_TEST(without_memory_for_the_lines_that_is_told)
{
	if (!rig_counts_allocations())
		return;
	rig_fail_call(RIG_CALLOC, 1, ENOMEM);
	ck_assert_str_eq(not_opened("LED=17", NULL), "no memory for the lines: Cannot allocate memory");
}
END_TEST

START_TEST(what_was_requested_is_let_go_when_a_later_chip_fails)
{
	expander()->request_errno = EIO;
	contains(not_opened("LED=17 RELAY=1-0020:1", NULL), "RELAY: outputs of gpiochip1 (1-0020) could not be requested");
	ck_assert_int_eq(fake.requests, 2);
	ck_assert_int_eq(fake_level("gpiochip0", 17), -1);
}
END_TEST

START_TEST(what_was_requested_is_made_safe_when_a_later_chip_fails)
{
	expander()->request_errno = EIO;
	(void)not_opened("LED=17,initial=1 LAMP=18,initial=1,safe=1 FAN=19,initial=1,safe=keep RELAY=1-0020:1,safe=1", NULL);
	ck_assert_int_eq(fake.sets, 1);
	ck_assert_uint_eq(fake.last_lines, 0x3); /* LED and LAMP; FAN keeps, and RELAY was never held */
	ck_assert_uint_eq(fake.last_levels, 0x2);
	ck_assert_uint_eq(fake.request[0].request == NULL, 1);
}
END_TEST

START_TEST(an_input_that_cannot_be_had_moves_no_output)
{
	expander()->request_errno = EIO;
	contains(not_opened("LED=17,initial=1 BUTTON=1-0020:1,input", NULL), "BUTTON: inputs of gpiochip1 (1-0020)");
	ck_assert_int_eq(fake.requests, 1);
	ck_assert_uint_eq(fake.request_count, 0);
}
END_TEST

/* --- logical and electrical --- */

/* All ways in which an output gets a value, each from the opposite one but where it is opened. */
static const struct way {
	const char *options; /* v: the value, o: the opposite */
	enum { OPENED, OPENED_SAFE, WRITTEN, TOGGLED, PULSED, STOPPED, LEFT, PASSED } by;
	int only; /* the value that this way can give; -1: both */
} ways[] = {
	{ "initial=v,safe=o", OPENED, -1 },
	{ "initial=o,safe=v", OPENED_SAFE, -1 },
	{ "initial=o", WRITTEN, -1 },
	{ "initial=o", TOGGLED, -1 },
	{ "initial=o", PULSED, 1 },
	{ "initial=o", PASSED, 0 }, /* a pulse */
	{ "initial=o,safe=v", STOPPED, -1 },
	{ "max-on=10ms", PASSED, 0 },
	{ "failsafe=50ms,safe=v", PASSED, -1 },
	{ "failsafe=50ms,safe=v", LEFT, -1 },
	{ "failsafe=50ms,safe=v", STOPPED, -1 },
	{ "interlock=g,dead-time=10ms", PASSED, 1 }, /* after the dead time of the start */
};

static int act(struct gpio_lines *lines, enum gpio_action action)
{
	const struct gpio_command change = { .line = 0, .action = (uint8_t)action, .duration = 10000 };

	return gpio_lines_write(lines, 0, &somebody, &change, 1, NULL, NULL);
}

/* Lets what is due happen, after a command that brings it about where the line is not there already. */
static int pass(struct gpio_lines *lines, const struct way *way, uint8_t value)
{
	bool pulse = strcmp(way->options, "initial=o") == 0;
	enum gpio_action action = pulse ? GPIO_PULSE : strstr(way->options, "interlock") != NULL ? (enum gpio_action)value : !value;

	return act(lines, action) != 0 ? -1 : gpio_lines_tick(lines, 100000, NULL);
}

static int go(struct gpio_lines *lines, const struct way *way, uint8_t value)
{
	switch (way->by) {
	case OPENED:
	case OPENED_SAFE:
		return 0;
	case WRITTEN:
		return act(lines, value);
	case TOGGLED:
		return act(lines, GPIO_TOGGLE);
	case PULSED:
		return act(lines, GPIO_PULSE);
	case STOPPED:
		return act(lines, !value) != 0 ? -1 : gpio_lines_stop(lines, 0, NULL, NULL);
	case LEFT:
		return act(lines, !value) != 0 ? -1 : gpio_lines_leave(lines, 0, somebody.id, NULL);
	case PASSED:
		return pass(lines, way, value);
	}
	return -1;
}

static struct gpio_lines *open_way(const struct way *way, bool active_low, uint8_t value)
{
	char text[128];

	snprintf(text, sizeof(text), "LED=17,%s%s OTHER=18%s", way->options, active_low ? ",active-low" : "",
		strstr(way->options, "interlock") != NULL ? ",interlock=g" : "");
	for (char *at = strchr(text, '='); (at = strchr(at, '=')) != NULL; at++)
		if (at[1] == 'v' || at[1] == 'o')
			at[1] = (char)('0' + (at[1] == 'v' ? value : !value));
	return open_as(text, NULL, way->by == OPENED_SAFE);
}

START_TEST(a_logical_value_is_one_electrical_level_whichever_way_it_comes)
{
	const struct way *way = &ways[_i / 4];
	bool active_low = (_i & 2) != 0;
	uint8_t value = _i & 1;

	if (way->only >= 0 && way->only != value)
		return;
	struct gpio_lines *lines = open_way(way, active_low, value);
	ck_assert_int_eq(go(lines, way, value), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 17), active_low ? !value : value);
	ck_assert_uint_eq(gpio_lines_at(lines, 0)->value, value);
	ck_assert_uint_eq(get(lines, 0), value);
	ck_assert_uint_eq(told.count > 0, way->by != OPENED && way->by != OPENED_SAFE);
	if (told.count > 0) {
		ck_assert_uint_eq(told.old_value[told.count - 1], !value);
		ck_assert_uint_eq(told.new_value[told.count - 1], value);
	}
	gpio_lines_close(lines);
}
END_TEST

START_TEST(an_active_low_input_reads_1_when_it_is_low)
{
	struct gpio_lines *lines =
		open_lines("A=1,input,bias=pull-up B=2,input,bias=pull-up,active-low C=3,input D=4,input,active-low");

	ck_assert_uint_eq(get(lines, 0), 1);
	ck_assert_uint_eq(get(lines, 1), 0);
	ck_assert_uint_eq(get(lines, 2), 0);
	ck_assert_uint_eq(get(lines, 3), 1);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_line_that_keeps_takes_its_value_from_the_chip)
{
	bool was_high = (_i & 1) != 0;
	bool active_low = (_i & 2) != 0;
	bool safe = (_i & 4) != 0;
	char text[64];

	header()->high = was_high ? UINT64_C(1) << 17 : 0;
	/* The other option asks for the opposite, so that mixing them up would move the line. */
	snprintf(text, sizeof(text), "LED=17,%s=keep,%s=%d%s", safe ? "safe" : "initial", safe ? "initial" : "safe",
		was_high == active_low, active_low ? ",active-low" : "");
	struct gpio_lines *lines = open_as(text, NULL, safe);
	ck_assert_int_eq(fake_level("gpiochip0", 17), was_high);
	ck_assert_uint_eq(gpio_lines_at(lines, 0)->value, was_high != active_low);
	ck_assert_uint_eq(get(lines, 0), was_high != active_low);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(bias_and_drive_reach_the_chip)
{
	struct gpio_lines *lines = open_lines("A=1,drive=open-drain,initial=1 B=2,drive=open-drain,initial=1,bias=pull-up "
					      "C=3,drive=open-source,bias=pull-up D=4,drive=open-source,bias=pull-down");

	ck_assert_int_eq(fake_level("gpiochip0", 1), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 2), 1);
	ck_assert_int_eq(fake_level("gpiochip0", 3), 1);
	ck_assert_int_eq(fake_level("gpiochip0", 4), 0);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_read_tells_what_the_chip_says_and_not_what_was_commanded)
{
	/* Open-drain and nothing that pulls up: the line is let go, and stays down. */
	struct gpio_lines *lines = open_lines("BUS=17,drive=open-drain,initial=1");

	ck_assert_uint_eq(gpio_lines_at(lines, 0)->value, 1);
	ck_assert_uint_eq(get(lines, 0), 0);
	gpio_lines_close(lines);
}
END_TEST

/* --- write --- */

START_TEST(a_write_of_several_lines_is_one_call_for_each_chip)
{
	struct gpio_lines *lines = open_lines("A=1 B=2,active-low C=3 D=1-0020:1 E=1-0020:2");
	struct gpio_command change[] = { { 0, 1, 0 }, { 1, 1, 0 }, { 2, 0, 0 } };
	struct gpio_command both[] = { { 4, 1, 0 }, { 0, 0, 0 }, { 3, 1, 0 } };

	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, change, 3, NULL, NULL), 0);
	ck_assert_int_eq(fake.sets, 1);
	ck_assert_int_eq(fake_level("gpiochip0", 1), 1);
	ck_assert_int_eq(fake_level("gpiochip0", 2), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 3), 0);
	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, both, 3, NULL, NULL), 0);
	ck_assert_int_eq(fake.sets, 3);
	ck_assert_int_eq(fake_level("gpiochip0", 1), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 2), 0);
	ck_assert_int_eq(fake_level("gpiochip1", 1), 1);
	ck_assert_int_eq(fake_level("gpiochip1", 2), 1);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_write_of_nothing_is_no_call)
{
	struct gpio_lines *lines = open_lines("A=1");

	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, NULL, 0, NULL, NULL), 0);
	ck_assert_int_eq(fake.sets, 0);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_write_of_the_value_that_was_commanded_reaches_the_chip)
{
	struct gpio_lines *lines = open_lines("A=1,initial=1");

	set(lines, 0, 1);
	ck_assert_int_eq(fake.sets, 1);
	gpio_lines_close(lines);
}
END_TEST

static const struct {
	struct gpio_command change[3];
	const char *sentence;
} refused_writes[] = {
	{ { { 0, 1, 0 }, { 1, 1, 0 }, { 2, 1, 0 } }, "BUTTON is an input: it can be read, but not written" },
	{ { { 2, 0, 0 }, { 0, 1, 0 }, { 1, 1, 0 } }, "BUTTON is an input" },
	{ { { 0, 1, 0 }, { 1, 1, 0 }, { 0, 0, 0 } }, "LED is named twice in one write" },
	{ { { 0, 1, 0 }, { 1, 1, 0 }, { 1, 1, 0 } }, "LAMP is named twice in one write" },
	{ { { 0, 1, 0 }, { 1, 1, 0 }, { 3, 1, 0 } }, "is not one of those that were opened" },
	{ { { 0, 1, 0 }, { 1, 1, 0 }, { 64, 1, 0 } }, "is not one of those that were opened" },
	{ { { 0, 1, 0 }, { 1, 1, 0 }, { 65535, 1, 0 } }, "is not one of those that were opened" },
	{ { { 0, 1, 0 }, { 1, 4, 0 }, { 65535, 1, 0 } }, "LAMP can be set to 0 or 1, toggled or pulsed, and nothing else" },
	{ { { 0, 255, 0 }, { 1, 1, 0 }, { 2, 1, 0 } }, "LED can be set to 0 or 1, toggled or pulsed, and nothing else" },
};

START_TEST(a_refused_write_moves_no_line)
{
	struct gpio_lines *lines = open_lines("LED=17 LAMP=18,active-low BUTTON=5,input");
	struct gpio_error error = { "" };

	errno = 0;
	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, refused_writes[_i].change, 3, NULL, &error), -1);
	ck_assert_int_eq(errno, EINVAL);
	contains(error.text, refused_writes[_i].sentence);
	ck_assert_int_eq(fake.sets, 0);
	ck_assert_uint_eq(told.count, 0);
	ck_assert_int_eq(fake_level("gpiochip0", 17), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 18), 1);
	ck_assert_uint_eq(gpio_lines_at(lines, 0)->value, 0);
	ck_assert_uint_eq(gpio_lines_at(lines, 1)->value, 0);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(as_many_lines_as_there_can_be_move_in_one_call)
{
	char text[2048] = "";
	struct gpio_command change[GPIO_LINES_MAX];
	uint16_t line[GPIO_LINES_MAX];
	uint8_t value[GPIO_LINES_MAX];

	for (uint16_t i = 0; i < GPIO_LINES_MAX; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "S%u=%s%u ", i,
			i < GPIO_SIM_LINES ? "" : "1-0020:", i % GPIO_SIM_LINES);
		change[i] = (struct gpio_command){ .line = i, .action = i % 3 == 0 };
		line[i] = i;
	}
	struct gpio_lines *lines = open_lines(text);
	gpio_lines_on_change(lines, NULL, NULL);
	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, change, GPIO_LINES_MAX, NULL, NULL), 0);
	ck_assert_int_eq(fake.sets, 2);
	ck_assert_int_eq(gpio_lines_get(lines, line, GPIO_LINES_MAX, value, NULL), 0);
	ck_assert_int_eq(fake.gets, 2);
	for (uint16_t i = 0; i < GPIO_LINES_MAX; i++)
		ck_assert_uint_eq(value[i], i % 3 == 0);
	gpio_lines_close(lines);
}
END_TEST

/* --- on_change --- */

START_TEST(a_change_is_told_with_old_and_new_value)
{
	struct gpio_lines *lines = open_lines("LED=17 LAMP=18,active-low,initial=1");
	struct gpio_command change[] = { { 1, 0, 0 }, { 0, 1, 0 } };

	ck_assert_uint_eq(told.count, 0);
	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, change, 2, NULL, NULL), 0);
	ck_assert_uint_eq(told.count, 2);
	ck_assert_str_eq(told.name[0], "LED"); /* in the order of the lines */
	ck_assert_uint_eq(told.old_value[0], 0);
	ck_assert_uint_eq(told.new_value[0], 1);
	ck_assert_str_eq(told.name[1], "LAMP");
	ck_assert_uint_eq(told.old_value[1], 1);
	ck_assert_uint_eq(told.new_value[1], 0);
	ck_assert_str_eq(told.why[0], "");
	ck_assert_ptr_eq(told.context, &told);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_value_that_stays_is_not_told)
{
	struct gpio_lines *lines = open_lines("LED=17 LAMP=18");
	struct gpio_command change[] = { { 0, 0, 0 }, { 1, 1, 0 } };

	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, change, 2, NULL, NULL), 0);
	ck_assert_uint_eq(told.count, 1);
	ck_assert_str_eq(told.name[0], "LAMP");
	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, change, 2, NULL, NULL), 0);
	ck_assert_uint_eq(told.count, 1);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(nobody_is_told_when_nobody_listens)
{
	struct gpio_lines *lines = open_lines("LED=17");

	gpio_lines_on_change(lines, NULL, NULL);
	set(lines, 0, 1);
	ck_assert_uint_eq(told.count, 0);
	ck_assert_uint_eq(gpio_lines_at(lines, 0)->value, 1);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(closing_and_opening_tell_of_no_change)
{
	struct gpio_lines *lines = open_lines("LED=17,initial=1");

	gpio_lines_close(lines);
	ck_assert_uint_eq(told.count, 0);
}
END_TEST

/* --- a chip that is gone --- */

START_TEST(a_write_to_a_chip_that_is_gone_fails_with_the_kernels_word)
{
	struct gpio_lines *lines = open_lines("LED=17");
	struct gpio_command change = { 0, 1, 0 };
	struct gpio_error error = { "" };

	header()->set_errno = ENODEV;
	errno = 0;
	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, &change, 1, NULL, &error), -1);
	ck_assert_int_eq(errno, ENODEV);
	ck_assert_str_eq(error.text, "gpiochip0 (pinctrl-bcm2711) could not be written: No such device");
	ck_assert_uint_eq(gpio_lines_at(lines, 0)->value, 0);
	ck_assert_uint_eq(told.count, 0);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_read_of_a_chip_that_is_gone_fails_with_the_kernels_word)
{
	struct gpio_lines *lines = open_lines("LED=17");
	uint16_t line = 0;
	uint8_t value = 7;
	struct gpio_error error = { "" };

	header()->get_errno = ENODEV;
	ck_assert_int_eq(gpio_lines_get(lines, &line, 1, &value, &error), -1);
	ck_assert_int_eq(errno, ENODEV);
	ck_assert_str_eq(error.text, "gpiochip0 (pinctrl-bcm2711) could not be read: No such device");
	ck_assert_uint_eq(value, 7);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(of_two_chips_only_what_moved_is_noted)
{
	struct gpio_lines *lines = open_lines("LED=17 RELAY=1-0020:1");
	struct gpio_command change[] = { { 1, 1, 0 }, { 0, 1, 0 } };

	expander()->set_errno = ENODEV;
	errno = 0;
	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, change, 2, NULL, NULL), -1);
	ck_assert_int_eq(errno, ENODEV);
	ck_assert_uint_eq(gpio_lines_at(lines, 0)->value, 1);
	ck_assert_uint_eq(gpio_lines_at(lines, 1)->value, 0);
	ck_assert_uint_eq(told.count, 1);
	ck_assert_str_eq(told.name[0], "LED");
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_write_ends_at_the_first_chip_that_fails)
{
	struct gpio_lines *lines = open_lines("LED=17 RELAY=1-0020:1");
	struct gpio_command change[] = { { 1, 1, 0 }, { 0, 1, 0 } };

	header()->set_errno = ENODEV;
	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, change, 2, NULL, NULL), -1);
	ck_assert_int_eq(fake.sets, 1);
	ck_assert_int_eq(fake_level("gpiochip1", 1), 0);
	ck_assert_uint_eq(told.count, 0);
	gpio_lines_close(lines);
}
END_TEST

/* --- pulses --- */

static int pulse(struct gpio_lines *lines, uint16_t line, int64_t until)
{
	return gpio_lines_write(lines, 0, &somebody,
		&(struct gpio_command){ .line = line, .action = GPIO_PULSE, .duration = until }, 1, NULL, NULL);
}

START_TEST(a_pulse_ends_when_its_time_has_come)
{
	/* _i: active-low, and on before */
	struct gpio_lines *lines = open_lines((_i & 1) != 0 ? "A=1,active-low B=2" : "A=1 B=2");
	int on = (_i & 1) == 0;

	set(lines, 0, (_i & 2) != 0);
	told.count = 0;
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	ck_assert_int_eq(pulse(lines, 0, 1000), 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), 1000);
	ck_assert_int_eq(fake_level("gpiochip0", 1), on);
	fake.sets = 0;
	ck_assert_int_eq(gpio_lines_tick(lines, 999, NULL), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 1), on);
	ck_assert_int_eq(fake.sets, 0);
	ck_assert_int_eq(gpio_lines_tick(lines, 1000, NULL), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 1), !on);
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	ck_assert_int_eq(gpio_lines_tick(lines, 5000, NULL), 0);
	ck_assert_int_eq(fake.sets, 1);
	ck_assert_uint_eq(told.count, (_i & 2) != 0 ? 1 : 2);
	ck_assert_uint_eq(told.new_value[told.count - 1], 0);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_pulse_on_top_of_another_lasts_until_the_later_end)
{
	struct gpio_lines *lines = open_lines("A=1");
	static const int64_t ends[][2] = { { 1000, 2000 }, { 2000, 1000 }, { 2000, 2000 } };

	ck_assert_int_eq(pulse(lines, 0, ends[_i][0]), 0);
	ck_assert_int_eq(pulse(lines, 0, ends[_i][1]), 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), 2000);
	ck_assert_int_eq(gpio_lines_tick(lines, 1999, NULL), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 1), 1);
	ck_assert_int_eq(gpio_lines_tick(lines, 2000, NULL), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 1), 0);
	/* What has ended is forgotten: the next one is as short as it says. */
	ck_assert_int_eq(pulse(lines, 0, 1500), 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), 1500);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_value_without_an_end_takes_the_pulse_away)
{
	struct gpio_lines *lines = open_lines("A=1");

	ck_assert_int_eq(pulse(lines, 0, 1000), 0);
	set(lines, 0, (uint8_t)_i);
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	ck_assert_int_eq(gpio_lines_tick(lines, 1000, NULL), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 1), _i);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(pulses_that_end_together_end_by_one_call)
{
	struct gpio_lines *lines = open_lines("A=1 B=2 C=3,active-low D=4");

	for (uint16_t i = 0; i < 4; i++)
		ck_assert_int_eq(pulse(lines, i, i == 3 ? 1001 : 1000 - i), 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), 998);
	fake.sets = 0;
	ck_assert_int_eq(gpio_lines_tick(lines, 1000, NULL), 0);
	ck_assert_int_eq(fake.sets, 1);
	for (unsigned int i = 0; i < 4; i++)
		ck_assert_int_eq(fake_level("gpiochip0", i + 1), i >= 2);
	ck_assert_int_eq(gpio_lines_deadline(lines), 1001);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(stop_ends_pulses_also_where_a_line_keeps)
{
	struct gpio_lines *lines = open_lines("A=1 B=2,safe=keep C=3,safe=keep D=4,safe=1");

	set(lines, 2, 1);
	ck_assert_int_eq(pulse(lines, 0, 1000), 0);
	ck_assert_int_eq(pulse(lines, 1, 1000), 0);
	ck_assert_int_eq(pulse(lines, 3, 1000), 0);
	ck_assert_int_eq(gpio_lines_stop(lines, 0, NULL, NULL), 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	ck_assert_int_eq(gpio_lines_tick(lines, 1000, NULL), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 1), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 2), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 3), 1);
	ck_assert_int_eq(fake_level("gpiochip0", 4), 1);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_pulse_that_was_refused_or_failed_is_none)
{
	struct gpio_lines *lines = open_lines("A=1 B=2,input");
	struct gpio_command change[] = { { 0, GPIO_PULSE, 1000 }, { 1, GPIO_PULSE, 1000 } };

	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, change, 2, NULL, NULL), -1);
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	header()->set_errno = EIO;
	ck_assert_int_eq(pulse(lines, 0, 1000), -1);
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_pulse_that_can_not_be_ended_is_told_once_and_the_others_end)
{
	struct gpio_lines *lines = open_lines("A=1 B=1-0020:1");
	struct gpio_error error = { "" };

	ck_assert_int_eq(pulse(lines, 0, 1000), 0);
	ck_assert_int_eq(pulse(lines, 1, 1000), 0);
	header()->set_errno = ENODEV;
	ck_assert_int_eq(gpio_lines_tick(lines, 1000, &error), -1);
	ck_assert_int_eq(errno, ENODEV);
	contains(error.text, "gpiochip0 (pinctrl-bcm2711) could not be written");
	ck_assert_int_eq(fake_level("gpiochip1", 1), 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	gpio_lines_close(lines);
}
END_TEST

/* What is due comes first: when that can not be done, nothing of what is asked for is. */
START_TEST(a_write_that_comes_late_is_refused_when_what_was_due_can_not_be_done)
{
	struct gpio_lines *lines = open_lines("A=1 B=1-0020:1,failsafe=1s");
	struct gpio_command change = { 1, GPIO_SET_1, 0 };
	struct gpio_error error = { "" };

	ck_assert_int_eq(pulse(lines, 0, 1000), 0);
	header()->set_errno = ENODEV;
	ck_assert_int_eq(gpio_lines_write(lines, 2000, &somebody, &change, 1, NULL, &error), -1);
	ck_assert_int_eq(errno, ENODEV);
	contains(error.text, "gpiochip0 (pinctrl-bcm2711) could not be written");
	ck_assert_int_eq(fake_level("gpiochip1", 1), 0);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(an_input_that_can_not_be_looked_at_when_it_would_count_is_told)
{
	struct gpio_lines *lines = open_lines("A=5,input,debounce=5ms");
	struct gpio_error error = { "" };

	fake_drive("gpiochip0", 5, 1, 1000);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 1000, NULL), 0);
	header()->edge_errno = ENODEV;
	ck_assert_int_eq(gpio_lines_tick(lines, 6000, &error), -1);
	ck_assert_int_eq(errno, ENODEV);
	contains(error.text, "gpiochip0 (pinctrl-bcm2711) could not be watched");
	gpio_lines_close(lines);
}
END_TEST

/* When no edge waits any more, a look says whether some were lost. */
START_TEST(inputs_that_can_not_be_read_behind_their_edges_are_told)
{
	struct gpio_lines *lines = open_lines("A=5,input");
	struct gpio_error error = { "" };

	header()->get_errno = EREMOTEIO;
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 1000, &error), -1);
	ck_assert_int_eq(errno, EREMOTEIO);
	contains(error.text, "gpiochip0 (pinctrl-bcm2711) could not be read");
	gpio_lines_close(lines);
}
END_TEST

/* --- interlocks over chips --- */

static const char bridge[] = "F=1,interlock=t,active-low R=1-0020:1,interlock=t";

START_TEST(an_interlock_over_two_chips_is_off_on_one_before_it_is_on_on_the_other)
{
	struct gpio_lines *lines = open_lines(bridge);

	set(lines, (uint16_t)_i, 1);
	set(lines, (uint16_t)!_i, 1);
	ck_assert_int_eq(fake.sets, 3);
	ck_assert_int_eq(fake_level("gpiochip0", 1), _i == 0);
	ck_assert_int_eq(fake_level("gpiochip1", 1), _i == 0);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(where_one_can_not_be_switched_off_the_other_stays_off)
{
	struct gpio_lines *lines = open_lines(bridge);
	struct gpio_command change = { 1, GPIO_SET_1, 0 };

	set(lines, 0, 1);
	header()->set_errno = ETIMEDOUT;
	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, &change, 1, NULL, NULL), -1);
	ck_assert_int_eq(errno, EIO); /* what is on could not be put to rest either */
	ck_assert_int_eq(fake_level("gpiochip1", 1), 0);
	gpio_lines_close(lines);
}
END_TEST

static const struct {
	const char *lines;
	uint8_t action;
	int level; /* afterwards, of the line that was written before the chip of the other failed */
} halves[] = {
	{ "A=1 B=1-0020:1", GPIO_SET_1, 1 },
	{ "A=1 B=1-0020:1", GPIO_PULSE, 0 },
	{ "A=1,failsafe=1s B=1-0020:1", GPIO_SET_1, 0 },
	{ "A=1,failsafe=1s,safe=1 B=1-0020:1", GPIO_SET_0, 1 },
	{ "A=1,interlock=t C=2,interlock=t B=1-0020:1", GPIO_SET_1, 0 },
};

START_TEST(what_is_guarded_does_not_stay_half_done)
{
	struct gpio_lines *lines = open_lines(halves[_i].lines);
	struct gpio_command change[] = { { 0, halves[_i].action, 1000 },
		{ (uint16_t)(gpio_lines_count(lines) - 1), GPIO_SET_1, 0 } };

	expander()->set_errno = EBUSY;
	ck_assert_int_eq(gpio_lines_write(lines, 0, &somebody, change, 2, NULL, NULL), -1);
	ck_assert_int_eq(errno, EREMOTEIO); /* EBUSY would say that somebody drives */
	ck_assert_int_eq(fake_level("gpiochip0", 1), halves[_i].level);
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	gpio_lines_close(lines);
}
END_TEST

/* --- safe --- */

START_TEST(safe_moves_every_output_to_its_safe_value)
{
	struct gpio_lines *lines = open_lines("A=1,initial=1 B=2,safe=1 C=3,active-low,initial=1 D=4,active-low,safe=1 E=5,input "
					      "F=1-0020:1,initial=1");

	ck_assert_int_eq(gpio_lines_stop(lines, 0, NULL, NULL), 0);
	ck_assert_int_eq(fake.sets, 2);
	ck_assert_int_eq(fake_level("gpiochip0", 1), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 2), 1);
	ck_assert_int_eq(fake_level("gpiochip0", 3), 1);
	ck_assert_int_eq(fake_level("gpiochip0", 4), 0);
	ck_assert_int_eq(fake_level("gpiochip1", 1), 0);
	ck_assert_uint_eq(told.count, 5);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(safe_leaves_a_line_that_keeps)
{
	struct gpio_lines *lines = open_lines("A=1,initial=1,safe=keep B=2,initial=1");

	ck_assert_int_eq(gpio_lines_stop(lines, 0, NULL, NULL), 0);
	ck_assert_int_eq(fake_level("gpiochip0", 1), 1);
	ck_assert_int_eq(fake_level("gpiochip0", 2), 0);
	ck_assert_uint_eq(gpio_lines_at(lines, 0)->value, 1);
	ck_assert_uint_eq(told.count, 1);
	ck_assert_str_eq(told.name[0], "B");
	gpio_lines_close(lines);
}
END_TEST

START_TEST(safe_reaches_the_chip_even_when_the_values_are_safe)
{
	struct gpio_lines *lines = open_lines("A=1");

	ck_assert_int_eq(gpio_lines_stop(lines, 0, NULL, NULL), 0);
	ck_assert_int_eq(fake.sets, 1);
	ck_assert_uint_eq(told.count, 0);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(safe_goes_on_with_the_other_chips_when_one_fails)
{
	struct gpio_lines *lines = open_lines("A=1,initial=1 B=1-0020:1,initial=1 C=sim:1,initial=1");
	struct gpio_error error = { "" };

	(_i == 0 ? header() : expander())->set_errno = ENODEV;
	ck_assert_int_eq(gpio_lines_stop(lines, 0, NULL, &error), -1);
	ck_assert_int_eq(errno, ENODEV);
	contains(error.text, _i == 0 ? "gpiochip0 (pinctrl-bcm2711) could not be written" : "gpiochip1 (1-0020)");
	ck_assert_int_eq(fake_level("gpiochip0", 1), _i == 0);
	ck_assert_int_eq(fake_level("gpiochip1", 1), _i == 1);
	ck_assert_uint_eq(get(lines, 2), 0);
	ck_assert_uint_eq(told.count, 2);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(of_several_failures_the_first_is_told)
{
	struct gpio_lines *lines = open_lines("A=1-0020:1 B=1");
	struct gpio_error error = { "" };

	header()->set_errno = EIO;
	expander()->set_errno = ENODEV;
	ck_assert_int_eq(gpio_lines_stop(lines, 0, NULL, &error), -1);
	ck_assert_int_eq(errno, EIO);
	ck_assert_str_eq(error.text, "gpiochip0 (pinctrl-bcm2711) could not be written: Input/output error");
	ck_assert_int_eq(fake.sets, 2);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(safe_of_no_outputs_is_no_call)
{
	struct gpio_lines *lines = open_lines("B=1,input K=2,safe=keep");

	ck_assert_int_eq(gpio_lines_stop(lines, 0, NULL, NULL), 0);
	ck_assert_int_eq(fake.sets, 0);
	gpio_lines_close(lines);
}
END_TEST

/* --- read --- */

START_TEST(outputs_and_inputs_are_read_together_in_any_order)
{
	struct gpio_lines *lines = open_lines("A=1,initial=1 B=2,input,bias=pull-up C=3 D=1-0020:1,initial=1 E=4,input");
	static const uint16_t line[] = { 4, 1, 0, 3, 2, 1 };
	static const uint8_t expected[] = { 0, 1, 1, 1, 0, 1 };
	uint8_t value[6];

	ck_assert_int_eq(gpio_lines_get(lines, line, 6, value, NULL), 0);
	ck_assert_mem_eq(value, expected, sizeof(expected));
	ck_assert_int_eq(fake.gets, 3);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_read_of_several_inputs_is_one_call)
{
	struct gpio_lines *lines = open_lines("A=1,input B=2,input,bias=pull-up C=3,input D=4");
	static const uint16_t line[] = { 0, 1, 2 };
	uint8_t value[3];

	ck_assert_int_eq(gpio_lines_get(lines, line, 3, value, NULL), 0);
	ck_assert_int_eq(fake.gets, 1);
	gpio_lines_close(lines);
}
END_TEST

static const uint16_t strangers[] = { 1, 2, 63, 64, 65535 };

START_TEST(a_read_of_a_line_that_was_not_opened_is_refused)
{
	struct gpio_lines *lines = open_lines("A=1");
	uint16_t line[] = { 0, strangers[_i] };
	uint8_t value[2];
	struct gpio_error error = { "" };

	errno = 0;
	ck_assert_int_eq(gpio_lines_get(lines, line, 2, value, &error), -1);
	ck_assert_int_eq(errno, EINVAL);
	contains(error.text, "is not one of those that were opened");
	ck_assert_int_eq(fake.gets, 0);
	gpio_lines_close(lines);
}
END_TEST

/* --- this machine --- */

START_TEST(the_simulated_chip_serves_on_any_machine)
{
	struct gpio_specs specs = parsed("LED=GPIO17,active-low BUTTON=GPIO5,input,bias=pull-up");
	struct gpio_error error = { "" };
	struct gpio_lines *lines = gpio_lines_open(&specs, "sim", false, 0, &error);

	ck_assert_msg(lines != NULL, "%s", error.text);
	set(lines, 0, 1);
	ck_assert_uint_eq(get(lines, 0), 1);
	ck_assert_uint_eq(get(lines, 1), 1);
	gpio_lines_close(lines);
}
END_TEST

/* --- edges --- */

static struct gpio_lines *open_sim(const char *text)
{
	struct gpio_specs specs = parsed(text);
	struct gpio_error error = { "" };
	struct gpio_lines *lines = gpio_lines_open(&specs, "sim", false, 0, &error);

	ck_assert_msg(lines != NULL, "%s", error.text);
	gpio_lines_on_change(lines, note_change, &told);
	return lines;
}

static void must_be_told(size_t index, const char *name, uint8_t value, int64_t time)
{
	ck_assert_uint_lt(index, told.count);
	ck_assert_str_eq(told.name[index], name);
	ck_assert_uint_eq(told.new_value[index], value);
	ck_assert_uint_eq(told.old_value[index], !value);
	ck_assert_int_eq(told.time[index], time);
}

START_TEST(an_input_tells_of_both_edges_with_their_time)
{
	struct gpio_lines *lines = open_sim("LED=GPIO17 A=GPIO5,input B=GPIO6,input,active-low,bias=pull-up");
	struct gpio_chip *chip = lines->chip[0];

	ck_assert_uint_eq(gpio_lines_at(lines, 1)->value, 0);
	ck_assert_uint_eq(gpio_lines_at(lines, 2)->value, 0);
	ck_assert_int_ge(gpio_lines_edge_fd(lines, 0), 0);
	ck_assert_int_eq(gpio_sim_drive(chip, 5, 1, 1000), 0);
	ck_assert_int_eq(gpio_sim_drive(chip, 6, 0, 2000), 0);
	ck_assert_int_eq(gpio_sim_drive(chip, 5, 0, 3000), 0);
	ck_assert_uint_eq(told.count, 0);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 30000, NULL), 0);
	ck_assert_uint_eq(told.count, 3);
	must_be_told(0, "A", 1, 1000);
	must_be_told(1, "B", 1, 2000);
	must_be_told(2, "A", 0, 3000);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 30000, NULL), 0);
	ck_assert_uint_eq(told.count, 3);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(outputs_alone_have_no_edges)
{
	struct gpio_lines *lines = open_sim("LED=GPIO17");

	ck_assert_uint_eq(gpio_lines_chips(lines), 1);
	ck_assert_int_eq(gpio_lines_edge_fd(lines, 0), -1);
	gpio_lines_close(lines);
}
END_TEST

/* More than a chip keeps: however many are lost, the last value is told. */
START_TEST(after_lost_edges_the_last_value_is_told)
{
	struct gpio_lines *lines = open_sim("A=GPIO5,input B=GPIO6,input");
	struct pollfd waiting = { .fd = gpio_lines_edge_fd(lines, 0), .events = POLLIN };
	int calls = 0;

	for (int i = 0; i < 10001; i++)
		ck_assert_int_eq(gpio_sim_drive(lines->chip[0], 5, (i + 1) % 2, i), 0);
	ck_assert_int_eq(gpio_sim_drive(lines->chip[0], 6, 1, 20000), 0);
	gpio_lines_on_change(lines, NULL, NULL);
	while (poll(&waiting, 1, 0) == 1) {
		ck_assert_int_lt(calls++, 1000);
		ck_assert_int_eq(gpio_lines_edges(lines, 0, 30000, NULL), 0);
	}
	ck_assert_int_gt(calls, 0);
	ck_assert_uint_eq(gpio_lines_at(lines, 0)->value, 1);
	ck_assert_uint_eq(gpio_lines_at(lines, 1)->value, 1);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_chip_that_is_gone_says_so_at_its_inputs)
{
	struct gpio_lines *lines = open_sim("A=GPIO5,input");
	struct gpio_error error = { "" };

	gpio_sim_unplug(lines->chip[0]);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 30000, &error), -1);
	ck_assert_int_eq(errno, ENODEV);
	ck_assert_msg(strstr(error.text, "sim") != NULL, "%s", error.text);
	gpio_lines_close(lines);
}
END_TEST

/* Levels of a switch at times in ms, and what is told of it: debounced for 5 ms. */
static const struct {
	struct {
		int level, at;
	} edge[6];
	int told, value, time; /* the last */
} bounces[] = {
	{ { { 1, 10 } }, 1, 1, 10 },
	{ { { 1, 10 }, { 0, 11 } }, 0, 0, 0 },
	{ { { 1, 10 }, { 0, 11 }, { 1, 12 } }, 1, 1, 12 },
	{ { { 1, 10 }, { 0, 15 } }, 2, 0, 15 },
	{ { { 1, 10 }, { 0, 14 } }, 0, 0, 0 },
	{ { { 1, 10 }, { 0, 30 }, { 1, 31 }, { 0, 32 } }, 2, 0, 32 },
};

static void bounce(struct gpio_lines *lines, int row, int turn)
{
	/* _i: as they come, or all after a while */
	for (int i = 0; i < 6 && bounces[row].edge[i].at > 0; i++) {
		int64_t at = bounces[row].edge[i].at * 1000;

		if (turn == 0 && gpio_lines_deadline(lines) <= at)
			ck_assert_int_eq(gpio_lines_tick(lines, gpio_lines_deadline(lines), NULL), 0);
		ck_assert_int_eq(gpio_sim_drive(lines->chip[0], 5, !bounces[row].edge[i].level, at), 0);
		if (turn == 0)
			ck_assert_int_eq(gpio_lines_edges(lines, 0, at, NULL), 0);
	}
}

START_TEST(an_input_counts_when_it_has_stayed)
{
	struct gpio_lines *lines = open_sim("A=GPIO5,input,active-low,bias=pull-up,debounce=5ms");
	int row = _i / 2;

	bounce(lines, row, _i % 2);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 36000, NULL), 0);
	ck_assert_int_eq(gpio_lines_tick(lines, 60000, NULL), 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	ck_assert_uint_eq(told.count, (size_t)bounces[row].told);
	if (bounces[row].told > 0)
		must_be_told(told.count - 1, "A", (uint8_t)bounces[row].value, bounces[row].time * 1000);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_debounced_input_reads_as_what_counts)
{
	struct gpio_lines *lines = open_sim("A=GPIO5,input,debounce=5ms");

	ck_assert_int_eq(gpio_sim_drive(lines->chip[0], 5, 1, 1000), 0);
	ck_assert_uint_eq(get(lines, 0), 0);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 1000, NULL), 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), 6000);
	ck_assert_int_eq(gpio_lines_tick(lines, 5999, NULL), 0);
	ck_assert_uint_eq(get(lines, 0), 0);
	ck_assert_int_eq(gpio_lines_tick(lines, 6000, NULL), 0);
	ck_assert_uint_eq(get(lines, 0), 1);
	must_be_told(0, "A", 1, 1000);
	ck_assert_str_eq(told.why[0], "input");
	gpio_lines_close(lines);
}
END_TEST

START_TEST(an_edge_that_waits_is_heard_before_a_value_counts)
{
	struct gpio_lines *lines = open_sim("A=GPIO5,input,debounce=5ms");

	ck_assert_int_eq(gpio_sim_drive(lines->chip[0], 5, 1, 1000), 0);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 1000, NULL), 0);
	ck_assert_int_eq(gpio_sim_drive(lines->chip[0], 5, 0, 2000), 0);
	ck_assert_int_eq(gpio_lines_tick(lines, 20000, NULL), 0);
	ck_assert_uint_eq(told.count, 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	gpio_lines_close(lines);
}
END_TEST

static const struct gpio_edge repeated[] = { { .level = 1, .time = 1000 }, { .level = 1, .time = 3000 } };
static size_t repeated_taken;

static int read_repeated(struct gpio_request *request, struct gpio_edge *edge)
{
	(void)request;
	if (repeated_taken == 2)
		return 0;
	*edge = repeated[repeated_taken++];
	return 1;
}

/* Between two edges to the same level one to the other was lost (chip.h). */
START_TEST(an_edge_that_was_lost_begins_the_time_anew)
{
	struct gpio_lines *lines = open_sim("A=GPIO5,input,debounce=5ms");
	static struct gpio_chip_ops ops;

	ops = gpio_chip_sim;
	ops.read_edge = read_repeated;
	lines->request[1]->ops = &ops;
	repeated_taken = 0;
	ck_assert_int_eq(gpio_sim_drive(lines->chip[0], 5, 1, 1000), 0);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 4000, NULL), 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), 8000);
	gpio_lines_close(lines);
}
END_TEST

static int read_one_edge_down(struct gpio_request *request, struct gpio_edge *edge)
{
	(void)request;
	*edge = (struct gpio_edge){ .level = 0, .time = 2000 };
	return repeated_taken++ == 0;
}

/* Two edges that the driver made one of, and a look in between. */
START_TEST(what_a_look_has_shown_is_taken_back_by_the_next_edge)
{
	struct gpio_lines *lines = open_sim("A=GPIO5,input");
	static struct gpio_chip_ops ops;

	ops = gpio_chip_sim;
	ops.read_edge = read_one_edge_down;
	lines->request[1]->ops = &ops;
	repeated_taken = 0;
	ck_assert_int_eq(gpio_sim_drive(lines->chip[0], 5, 1, 1000), 0);
	ck_assert_uint_eq(get(lines, 0), 1);
	must_be_told(0, "A", 1, -1);
	ck_assert_int_eq(gpio_sim_drive(lines->chip[0], 5, 0, 2000), 0);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 3000, NULL), 0);
	must_be_told(1, "A", 0, 2000);
	gpio_lines_close(lines);
}
END_TEST

/* libgpiod 1.6 hands out another clock's before Linux 5.7. */
START_TEST(a_stamp_from_the_future_is_taken_for_now)
{
	struct gpio_lines *lines = open_sim("A=GPIO5,input");

	ck_assert_int_eq(gpio_sim_drive(lines->chip[0], 5, 1, INT64_C(1800000000000000)), 0);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, 7000, NULL), 0);
	must_be_told(0, "A", 1, 7000);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(where_no_edge_tells_of_an_input_a_look_does)
{
	header()->no_edges = true;
	struct gpio_lines *lines = open_lines("A=5,input,debounce=5ms B=6,input,active-low,bias=pull-up");

	ck_assert_int_eq(gpio_lines_edge_fd(lines, 0), -1);
	fake_drive("gpiochip0", 5, 1, 1000);
	fake_drive("gpiochip0", 6, 0, 1000);
	ck_assert_uint_eq(get(lines, 0), 1);
	ck_assert_uint_eq(get(lines, 1), 1);
	ck_assert_uint_eq(get(lines, 1), 1);
	ck_assert_uint_eq(told.count, 2);
	must_be_told(0, "A", 1, -1);
	must_be_told(1, "B", 1, -1);
	gpio_lines_close(lines);
}
END_TEST

/* An input and its inverted twin that one wire moves, told in every way there is. */
static const struct {
	const char *options;
	bool no_edges;
	bool looked_at; /* the value is told to a reader, else by edges */
	bool late;      /* it counts only after its debounce= */
} twins[] = {
	{ "", false, false, false },
	{ "", false, true, false },
	{ "", true, true, false },
	{ ",debounce=5ms", false, false, true },
	{ ",debounce=5ms", false, true, true },
	{ ",debounce=5ms", true, true, false },
};

START_TEST(an_input_and_its_inverted_twin_tell_the_opposite)
{
	uint8_t value[2];
	uint8_t level = _i & 1;
	int row = _i / 2;
	char text[128];

	snprintf(text, sizeof(text), "A=5,input,bias=%s%s B=6,input,bias=%s,active-low%s", level == 0 ? "pull-up" : "off",
		twins[row].options, level == 0 ? "pull-up" : "off", twins[row].options);
	header()->no_edges = twins[row].no_edges;
	struct gpio_lines *lines = open_lines(text);
	ck_assert_uint_eq(gpio_lines_at(lines, 0)->value, !level);
	ck_assert_uint_eq(gpio_lines_at(lines, 1)->value, level);
	for (unsigned int i = 5; i <= 6; i++)
		fake_drive("gpiochip0", i, level, 1000);
	if (!twins[row].no_edges)
		ck_assert_int_eq(gpio_lines_edges(lines, 0, 1000, NULL), 0);
	if (twins[row].looked_at)
		ck_assert_int_eq(gpio_lines_get(lines, (const uint16_t[]){ 0, 1 }, 2, value, NULL), 0);
	if (twins[row].looked_at)
		ck_assert(value[0] == (twins[row].late ? !level : level) && value[1] == !value[0]);
	ck_assert_uint_eq(told.count, twins[row].late ? 0U : 2U);
	ck_assert_int_eq(gpio_lines_tick(lines, 6000, NULL), 0);
	must_be_told(0, "A", (uint8_t)level, twins[row].no_edges ? -1 : 1000);
	must_be_told(1, "B", !level, twins[row].no_edges ? -1 : 1000);
	ck_assert_uint_eq(told.count, 2);
	gpio_lines_close(lines);
}
END_TEST

static const struct {
	const char *lines;
	bool no_edges;
	size_t index;
	const char *remark; /* NULL: none; "": whatever this kernel does with lines that are let go */
} remarks[] = {
	{ "A=5", false, 0, "" },
	{ "A=5,input B=6", false, 0, "" },
	{ "A=5,input", false, 0, NULL },
	{ "A=sim:5", false, 0, NULL },
	{ "A=5,input", false, 1, NULL },
	{ "A=5", true, 1, NULL },
	{ "A=5,input", true, 1, "A: gpiochip0 (pinctrl-bcm2711) tells of no changes: it is read when somebody asks" },
	{ "A=5 B=6,input,debounce=5ms", true, 2,
		"B: gpiochip0 (pinctrl-bcm2711) tells of no changes: it is read when somebody asks, and debounce= does nothing" },
};

START_TEST(what_an_operator_should_know_is_told)
{
	char text[200];
	const char *expected = remarks[_i].remark;

	header()->no_edges = remarks[_i].no_edges;
	struct gpio_lines *lines = open_lines(remarks[_i].lines);
	ck_assert(gpio_lines_remark(lines, remarks[_i].index, text, sizeof(text)) == (expected != NULL));
	if (expected != NULL && expected[0] == '\0')
		ck_assert_str_eq(text, gpio_release_policy_at("/sys/module"));
	else if (expected != NULL)
		ck_assert_str_eq(text, expected);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_check_finds_what_opening_would)
{
	struct gpio_specs good = parsed("LED=GPIO17");
	struct gpio_specs bad = parsed("LED=GPIO54");
	struct gpio_error error = { "" };

	ck_assert_msg(gpio_lines_check(&good, "sim", &error) == 0, "%s", error.text);
	ck_assert_int_eq(gpio_lines_check(&bad, "sim", &error), -1);
	ck_assert_str_eq(error.text, "LED: sim (sim) has no line named \"GPIO54\"; its lines also go by their numbers, 0 to 53");
}
END_TEST

START_TEST(looking_up_requests_nothing)
{
	struct gpio_specs specs = parsed("LED=17 BUTTON=5,input RELAY=1-0020:1,initial=1");
	struct gpio_places places = fake_places();
	struct gpio_lines *lines = gpio_lines_look_up(&places, &specs, NULL, NULL);

	ck_assert_ptr_nonnull(lines);
	ck_assert_int_eq(fake.requests, 0);
	gpio_lines_close(lines);
}
END_TEST

static TCase *open_case(void)
{
	TCase *open = tcase_create("open");

	tcase_add_checked_fixture(open, begin, fake_end);
	tcase_add_test(open, lines_are_known_in_the_order_of_the_text);
	tcase_add_test(open, the_default_chip_must_exist_even_without_signals);
	tcase_add_test(open, closing_nothing_is_fine);
	tcase_add_test(open, outputs_of_a_chip_stand_in_one_request_and_inputs_in_another);
	tcase_add_test(open, a_chip_is_opened_once_by_whatever_words_it_is_named);
	tcase_add_test(open, simulated_and_real_lines_mix);
	tcase_add_loop_test(open, one_line_under_two_names_is_refused, 0, ROWS(same_lines));
	tcase_add_test(open, a_chip_and_a_link_to_it_are_one_chip);
	tcase_add_test(open, one_offset_on_two_chips_is_two_lines);
	tcase_add_test(open, a_chip_that_a_signal_names_in_vain_is_told_with_the_signal);
	tcase_add_test(open, more_chips_than_there_is_room_for_are_refused);
	tcase_add_test(open, a_line_that_somebody_holds_is_refused_before_anything_is_requested);
	tcase_add_test(open, a_line_that_somebody_takes_in_the_last_moment_is_refused_with_his_name);
	tcase_add_test(open, a_holder_who_is_gone_again_is_told_as_busy);
	tcase_add_test(open, a_request_that_fails_is_told_with_chip_and_reason);
	tcase_add_loop_test(open, a_line_that_its_chip_tells_nothing_about_is_told, 0, 2);
	tcase_add_test(open, inputs_that_can_not_be_read_at_first_are_not_opened);
	tcase_add_test(open, without_memory_for_the_lines_that_is_told);
	tcase_add_test(open, what_was_requested_is_let_go_when_a_later_chip_fails);
	tcase_add_test(open, what_was_requested_is_made_safe_when_a_later_chip_fails);
	tcase_add_test(open, an_input_that_cannot_be_had_moves_no_output);
	tcase_add_test(open, the_simulated_chip_serves_on_any_machine);
	tcase_add_test(open, an_input_tells_of_both_edges_with_their_time);
	tcase_add_test(open, outputs_alone_have_no_edges);
	tcase_add_test(open, after_lost_edges_the_last_value_is_told);
	tcase_add_test(open, a_chip_that_is_gone_says_so_at_its_inputs);
	tcase_add_loop_test(open, an_input_counts_when_it_has_stayed, 0, 2 * ROWS(bounces));
	tcase_add_test(open, a_debounced_input_reads_as_what_counts);
	tcase_add_test(open, an_edge_that_waits_is_heard_before_a_value_counts);
	tcase_add_test(open, an_edge_that_was_lost_begins_the_time_anew);
	tcase_add_test(open, what_a_look_has_shown_is_taken_back_by_the_next_edge);
	tcase_add_test(open, a_stamp_from_the_future_is_taken_for_now);
	tcase_add_loop_test(open, an_input_and_its_inverted_twin_tell_the_opposite, 0, 2 * ROWS(twins));
	tcase_add_test(open, where_no_edge_tells_of_an_input_a_look_does);
	tcase_add_loop_test(open, what_an_operator_should_know_is_told, 0, ROWS(remarks));
	tcase_add_test(open, a_check_finds_what_opening_would);
	tcase_add_test(open, looking_up_requests_nothing);
	return open;
}

static TCase *level_case(void)
{
	TCase *levels = tcase_create("levels");

	tcase_add_checked_fixture(levels, begin, fake_end);
	tcase_add_loop_test(levels, a_logical_value_is_one_electrical_level_whichever_way_it_comes, 0, 4 * ROWS(ways));
	tcase_add_test(levels, an_active_low_input_reads_1_when_it_is_low);
	tcase_add_loop_test(levels, a_line_that_keeps_takes_its_value_from_the_chip, 0, 8);
	tcase_add_test(levels, bias_and_drive_reach_the_chip);
	tcase_add_test(levels, a_read_tells_what_the_chip_says_and_not_what_was_commanded);
	tcase_add_test(levels, outputs_and_inputs_are_read_together_in_any_order);
	tcase_add_test(levels, a_read_of_several_inputs_is_one_call);
	tcase_add_loop_test(levels, a_read_of_a_line_that_was_not_opened_is_refused, 0, ROWS(strangers));
	return levels;
}

static TCase *write_case(void)
{
	TCase *writes = tcase_create("write");

	tcase_add_checked_fixture(writes, begin, fake_end);
	tcase_add_test(writes, a_write_of_several_lines_is_one_call_for_each_chip);
	tcase_add_test(writes, a_write_of_nothing_is_no_call);
	tcase_add_test(writes, a_write_of_the_value_that_was_commanded_reaches_the_chip);
	tcase_add_loop_test(writes, a_refused_write_moves_no_line, 0, ROWS(refused_writes));
	tcase_add_test(writes, as_many_lines_as_there_can_be_move_in_one_call);
	tcase_add_test(writes, a_change_is_told_with_old_and_new_value);
	tcase_add_test(writes, a_value_that_stays_is_not_told);
	tcase_add_test(writes, nobody_is_told_when_nobody_listens);
	tcase_add_test(writes, closing_and_opening_tell_of_no_change);
	return writes;
}

static TCase *pulse_case(void)
{
	TCase *pulses = tcase_create("pulses");

	tcase_add_checked_fixture(pulses, begin, fake_end);
	tcase_add_loop_test(pulses, a_pulse_ends_when_its_time_has_come, 0, 4);
	tcase_add_loop_test(pulses, a_pulse_on_top_of_another_lasts_until_the_later_end, 0, 3);
	tcase_add_loop_test(pulses, a_value_without_an_end_takes_the_pulse_away, 0, 2);
	tcase_add_test(pulses, pulses_that_end_together_end_by_one_call);
	tcase_add_test(pulses, stop_ends_pulses_also_where_a_line_keeps);
	tcase_add_test(pulses, a_pulse_that_was_refused_or_failed_is_none);
	tcase_add_test(pulses, a_pulse_that_can_not_be_ended_is_told_once_and_the_others_end);
	tcase_add_test(pulses, a_write_that_comes_late_is_refused_when_what_was_due_can_not_be_done);
	tcase_add_test(pulses, an_input_that_can_not_be_looked_at_when_it_would_count_is_told);
	tcase_add_test(pulses, inputs_that_can_not_be_read_behind_their_edges_are_told);
	return pulses;
}

static TCase *gone_case(void)
{
	TCase *gone = tcase_create("gone");

	tcase_add_checked_fixture(gone, begin, fake_end);
	tcase_add_test(gone, a_write_to_a_chip_that_is_gone_fails_with_the_kernels_word);
	tcase_add_test(gone, a_read_of_a_chip_that_is_gone_fails_with_the_kernels_word);
	tcase_add_test(gone, of_two_chips_only_what_moved_is_noted);
	tcase_add_test(gone, a_write_ends_at_the_first_chip_that_fails);
	tcase_add_loop_test(gone, an_interlock_over_two_chips_is_off_on_one_before_it_is_on_on_the_other, 0, 2);
	tcase_add_test(gone, where_one_can_not_be_switched_off_the_other_stays_off);
	tcase_add_loop_test(gone, what_is_guarded_does_not_stay_half_done, 0, ROWS(halves));
	return gone;
}

static TCase *safe_case(void)
{
	TCase *safe = tcase_create("safe");

	tcase_add_checked_fixture(safe, begin, fake_end);
	tcase_add_test(safe, safe_moves_every_output_to_its_safe_value);
	tcase_add_test(safe, safe_leaves_a_line_that_keeps);
	tcase_add_test(safe, safe_reaches_the_chip_even_when_the_values_are_safe);
	tcase_add_loop_test(safe, safe_goes_on_with_the_other_chips_when_one_fails, 0, 2);
	tcase_add_test(safe, of_several_failures_the_first_is_told);
	tcase_add_test(safe, safe_of_no_outputs_is_no_call);
	return safe;
}

Suite *gpio_lines_suite(void)
{
	Suite *suite = suite_create("gpio/lines");

	suite_add_tcase(suite, open_case());
	suite_add_tcase(suite, level_case());
	suite_add_tcase(suite, write_case());
	suite_add_tcase(suite, pulse_case());
	suite_add_tcase(suite, gone_case());
	suite_add_tcase(suite, safe_case());
	return suite;
}
