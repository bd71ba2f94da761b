/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * gpio/spec.c: what HTTAP_LINES may say, and what is said about the rest. Every text is parsed twice: where it
 * stands, and with its final NUL as the last byte before a page that must not be touched.
 */
#include <stdio.h>
#include <string.h>

#include "gpio/gpio.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

/* --- tools --- */

/* Parses twice, and wants the same result. */
static int parse(struct gpio_specs *specs, const char *text, struct gpio_error *error)
{
	struct gpio_specs guarded;
	struct gpio_error guarded_error = { "" };
	int result = gpio_specs_parse(specs, text, error);

	const char *copy = guard_page_copy(text, strlen(text) + 1);
	ck_assert_int_eq(gpio_specs_parse(&guarded, copy, &guarded_error), result);
	if (result == 0)
		ck_assert_mem_eq(&guarded, specs, sizeof(guarded));
	else
		ck_assert_str_eq(guarded_error.text, error->text);
	return result;
}

static const char *level_word(enum gpio_level level)
{
	static const char *const words[] = { [GPIO_0] = "0", [GPIO_1] = "1", [GPIO_KEEP] = "keep" };

	return words[level];
}

/* One entry as a line of text that a table can hold. */
static void describe(char *to, size_t size, const struct gpio_spec *spec)
{
	static const char *const bias[] = { "as-is", "off", "pull-up", "pull-down" };
	static const char *const drive[] = { "push-pull", "open-drain", "open-source" };

	snprintf(to, size, "%s [%s] [%s] %s %s initial=%s safe=%s bias=%s drive=%s", spec->name, spec->chip, spec->line,
		spec->direction == GPIO_OUTPUT ? "output" : "input", spec->active_low ? "low" : "high",
		level_word(spec->initial), level_word(spec->safe), bias[spec->bias], drive[spec->drive]);
}

static void refused(const char *text, const char *fragment)
{
	struct gpio_specs specs;
	struct gpio_error error = { "" };

	ck_assert_msg(parse(&specs, text, &error) == -1, "accepted: \"%s\"", text);
	ck_assert_msg(strstr(error.text, fragment) != NULL, "\"%s\": expected \"%s\" in \"%s\"", text, fragment,
		error.text);
	for (const char *c = error.text; *c != '\0'; c++)
		ck_assert_msg(*c >= ' ' && *c <= '~', "byte %d in the sentence about \"%s\"", *c, text);
}

/* --- what is accepted --- */

static const struct {
	const char *text;
	const char *expected;
} good[] = {
	{ "LED=GPIO17", "LED [] [GPIO17] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "L=1", "L [] [1] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ " \t\r\n\v\fLED=17\n ", "LED [] [17] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "LED=GPIO17,output", "LED [] [GPIO17] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "LED=GPIO17,active-low", "LED [] [GPIO17] output low initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "LED=GPIO17,initial=0", "LED [] [GPIO17] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "LED=GPIO17,initial=1", "LED [] [GPIO17] output high initial=1 safe=0 bias=as-is drive=push-pull" },
	{ "LED=GPIO17,initial=keep", "LED [] [GPIO17] output high initial=keep safe=0 bias=as-is drive=push-pull" },
	{ "LED=GPIO17,safe=0", "LED [] [GPIO17] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "LED=GPIO17,safe=1", "LED [] [GPIO17] output high initial=0 safe=1 bias=as-is drive=push-pull" },
	{ "LED=GPIO17,safe=keep", "LED [] [GPIO17] output high initial=0 safe=keep bias=as-is drive=push-pull" },
	{ "LED=GPIO17,bias=off", "LED [] [GPIO17] output high initial=0 safe=0 bias=off drive=push-pull" },
	{ "LED=GPIO17,bias=pull-up", "LED [] [GPIO17] output high initial=0 safe=0 bias=pull-up drive=push-pull" },
	{ "LED=GPIO17,bias=pull-down", "LED [] [GPIO17] output high initial=0 safe=0 bias=pull-down drive=push-pull" },
	{ "LED=GPIO17,drive=push-pull", "LED [] [GPIO17] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "LED=GPIO17,drive=open-drain", "LED [] [GPIO17] output high initial=0 safe=0 bias=as-is drive=open-drain" },
	{ "LED=GPIO17,drive=open-source", "LED [] [GPIO17] output high initial=0 safe=0 bias=as-is drive=open-source" },
	{ "B=GPIO5,input", "B [] [GPIO5] input high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "B=GPIO5,input,bias=pull-up,active-low",
		"B [] [GPIO5] input low initial=0 safe=0 bias=pull-up drive=push-pull" },
	{ "B=GPIO5,bias=off,active-low,input", "B [] [GPIO5] input low initial=0 safe=0 bias=off drive=push-pull" },
	{ "R=GPIO4,safe=1,drive=open-drain,initial=keep,bias=pull-up,active-low,output",
		"R [] [GPIO4] output low initial=keep safe=1 bias=pull-up drive=open-drain" },
	{ "R=gpiochip1:3", "R [gpiochip1] [3] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "R=/dev/gpiochip1:3", "R [/dev/gpiochip1] [3] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "R=sim:GPIO3", "R [sim] [GPIO3] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "R=INT34C5:00:7", "R [INT34C5:00] [7] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "R=gpio-brcmstb@107d508500:7",
		"R [gpio-brcmstb@107d508500] [7] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "R=SPI_CE0_N", "R [] [SPI_CE0_N] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "R=a=b", "R [] [a=b] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "MOTOR.LEFT=1", "MOTOR.LEFT [] [1] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "M.2.X=1", "M.2.X [] [1] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "Led_2nd=1", "Led_2nd [] [1] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "A23456789012345678901234567890_=1",
		"A23456789012345678901234567890_ [] [1] output high initial=0 safe=0 bias=as-is drive=push-pull" },
	{ "A=1234567890123456789012345678901:1234567890123456789012345678901",
		"A [1234567890123456789012345678901] [1234567890123456789012345678901] output high initial=0 safe=0 "
		"bias=as-is drive=push-pull" },
};

START_TEST(an_entry_is_read_as_it_was_meant)
{
	struct gpio_specs specs;
	struct gpio_error error = { "" };
	char found[256];

	ck_assert_msg(parse(&specs, good[_i].text, &error) == 0, "%s", error.text);
	ck_assert_uint_eq(specs.count, 1);
	describe(found, sizeof(found), &specs.spec[0]);
	ck_assert_str_eq(found, good[_i].expected);
}
END_TEST

/* Options whose times and groups the table above has no room for. */
static const struct {
	const char *text;
	struct gpio_spec expected;
} guards[] = {
	{ "A=1", { .max_on = 0 } },
	{ "A=1,failsafe=50ms", { .failsafe = 50000 } },
	{ "A=1,failsafe=60s", { .failsafe = 60000000 } },
	{ "A=1,failsafe=60000ms,safe=1", { .failsafe = 60000000, .safe = GPIO_1, .initial = GPIO_1 } },
	{ "A=1,safe=1,failsafe=1s,initial=1", { .failsafe = 1000000, .safe = GPIO_1, .initial = GPIO_1 } },
	{ "A=1,failsafe=1s,initial=0", { .failsafe = 1000000 } },
	{ "A=1,max-on=1ms", { .max_on = 1000 } },
	{ "A=1,max-on=86400s", { .max_on = INT64_C(86400000000) } },
	{ "A=1,max-on=86400000ms", { .max_on = INT64_C(86400000000) } },
	{ "A=1,max-on=0001s", { .max_on = 1000000 } },
	{ "A=1,interlock=throttle B=2,interlock=throttle", { .interlock = "throttle" } },
	{ "A=1,interlock=H-bridge_1,dead-time=10s B=2,interlock=H-bridge_1",
		{ .interlock = "H-bridge_1", .dead_time = 10000000 } },
	{ "A=1,dead-time=0s,interlock=1234567890123456789012345678901 B=2,interlock=1234567890123456789012345678901",
		{ .interlock = "1234567890123456789012345678901" } },
	{ "A=1,input,debounce=5ms", { .debounce = 5000 } },
	{ "A=1,debounce=1s,input", { .debounce = 1000000 } },
	{ "A=1,input,debounce=0ms", { .debounce = 0 } },
	{ "MOTOR.LEFT=1 MOTOR.RIGHT=2 MOTORS=3 MOTO=4", { .max_on = 0 } },
};

START_TEST(a_guard_is_read_as_it_was_meant)
{
	const struct gpio_spec *expected = &guards[_i].expected;
	struct gpio_specs specs;
	struct gpio_error error = { "" };

	ck_assert_msg(parse(&specs, guards[_i].text, &error) == 0, "%s", error.text);
	ck_assert_int_eq(specs.spec[0].failsafe, expected->failsafe);
	ck_assert_int_eq(specs.spec[0].max_on, expected->max_on);
	ck_assert_int_eq(specs.spec[0].dead_time, expected->dead_time);
	ck_assert_int_eq(specs.spec[0].debounce, expected->debounce);
	ck_assert_int_eq(specs.spec[0].safe, expected->safe);
	ck_assert_int_eq(specs.spec[0].initial, expected->initial);
	ck_assert_str_eq(specs.spec[0].interlock, expected->interlock);
}
END_TEST

static const char *const empty[] = { "", " ", "\n\t\n", " \r\n \v\f " };

START_TEST(white_space_alone_is_no_signal)
{
	struct gpio_specs specs;
	struct gpio_error error = { "" };

	ck_assert_int_eq(parse(&specs, empty[_i], &error), 0);
	ck_assert_uint_eq(specs.count, 0);
}
END_TEST

START_TEST(the_order_of_the_text_is_kept)
{
	static const char *const names[] = { "LED", "FORWARD", "REVERSE", "BUTTON" };
	struct gpio_specs specs;
	struct gpio_error error = { "" };

	ck_assert_int_eq(parse(&specs, "\n  LED=1\n  FORWARD=2\tREVERSE=3 \n  BUTTON=GPIO5,input\n", &error), 0);
	ck_assert_uint_eq(specs.count, 4);
	for (size_t i = 0; i < 4; i++)
		ck_assert_str_eq(specs.spec[i].name, names[i]);
}
END_TEST

START_TEST(one_line_number_on_two_chips_is_two_lines)
{
	struct gpio_specs specs;
	struct gpio_error error = { "" };

	ck_assert_int_eq(parse(&specs, "A=1 B=sim:1 C=gpiochip1:1", &error), 0);
	ck_assert_uint_eq(specs.count, 3);
}
END_TEST

START_TEST(names_that_differ_in_case_are_two_names)
{
	struct gpio_specs specs;
	struct gpio_error error = { "" };

	ck_assert_int_eq(parse(&specs, "LED=1 Led=2", &error), 0);
	ck_assert_uint_eq(specs.count, 2);
}
END_TEST

/* Writes `count` entries that differ in name and line. */
static void write_entries(char *to, size_t size, unsigned int count)
{
	size_t used = 0;

	for (unsigned int i = 0; i < count; i++)
		used += (size_t)snprintf(to + used, size - used, "S%u=%u ", i, i);
}

START_TEST(as_many_signals_as_a_request_has_lines_are_taken)
{
	struct gpio_specs specs;
	struct gpio_error error = { "" };
	char text[2048];

	write_entries(text, sizeof(text), GPIO_LINES_MAX);
	ck_assert_int_eq(parse(&specs, text, &error), 0);
	ck_assert_uint_eq(specs.count, GPIO_LINES_MAX);
	ck_assert_str_eq(specs.spec[GPIO_LINES_MAX - 1].name, "S63");
}
END_TEST

/* --- what is refused --- */

#define ALLOWED \
	"allowed: output, input, active-low, initial=, safe=, failsafe=, max-on=, interlock=, dead-time=, bias=, drive=, debounce="

static const struct {
	const char *text;
	const char *fragment;
} bad[] = {
	/* entries */
	{ "LED", "LED: there is no line; write NAME=LINE" },
	{ "LED=1 GPIO18", "GPIO18: there is no line; write NAME=LINE" },
	{ "LED=", "LED=: there is no line" },
	{ "LED=,output", "LED=,output: there is no line" },
	{ "=", "=: a signal's name is" },
	{ "=GPIO17", "=GPIO17: a signal's name is" },
	{ "LED = GPIO17", "LED: there is no line" },
	/* names */
	{ "led=1", "led=1: a signal's name is letters, digits and _, and begins with an uppercase letter" },
	{ "1LED=1", "begins with an uppercase letter" },
	{ "_LED=1", "begins with an uppercase letter" },
	{ ".LED=1", "begins with an uppercase letter" },
	{ "LED-2=1", "letters, digits and _" },
	{ "LED/2=1", "letters, digits and _" },
	{ "LED?=1", "letters, digits and _" },
	{ "LED,A=1", "letters, digits and _" },
	{ "LED.=1", "after a dot comes an uppercase letter or a digit" },
	{ "LED..A=1", "after a dot" },
	{ "LED.a=1", "after a dot" },
	{ "LED._=1", "after a dot" },
	{ "L\xc3\x89" "D=1", "letters, digits and _" },
	{ "L\001D=1", "letters, digits and _" },
	{ "A2345678901234567890123456789012=1", "at most 31 characters" },
	/* lines */
	{ "LED=:17", "LED=:17: there is no chip before the colon" },
	{ "LED=gpiochip0:", "LED=gpiochip0:: there is no line" },
	{ "LED=:", "there is no line" },
	{ "LED=gpiochip0:,input", "there is no line" },
	{ "A=12345678901234567890123456789012", "at most 31 characters" },
	{ "A=12345678901234567890123456789012:1", "at most 31 characters" },
	{ "A=GPIO\x1b[31m", "printable ASCII" },
	{ "A=GPIO\x7f", "printable ASCII" },
	{ "A=\xc3\xa9:1", "printable ASCII" },
	/* options */
	{ "LED=GPIO17,activelow", "LED=GPIO17,activelow: unknown option \"activelow\"; " ALLOWED },
	{ "LED=GPIO17,Output", "unknown option \"Output\"; " ALLOWED },
	{ "LED=GPIO17,inputs", "unknown option \"inputs\"; " ALLOWED },
	{ "LED=GPIO17,in", "unknown option \"in\"; " ALLOWED },
	{ "LED=GPIO17,pull-up", "unknown option \"pull-up\"; " ALLOWED },
	{ "LED=GPIO17,=1", "unknown option \"\"; " ALLOWED },
	{ "LED=GPIO17,\x1b[2J", "unknown option \"?[2J\"; " ALLOWED },
	{ "LED=GPIO17,", "LED=GPIO17,: there is no option after a comma; " ALLOWED },
	{ "LED=GPIO17,,input", "there is no option after a comma" },
	{ "LED=GPIO17,input,", "there is no option after a comma" },
	{ "LED=GPIO17,output=1", "output takes no value" },
	{ "LED=GPIO17,input=", "input takes no value" },
	{ "LED=GPIO17,active-low=1", "active-low takes no value" },
	{ "LED=GPIO17,initial", "initial= takes 0, 1 or keep, not \"\"" },
	{ "LED=GPIO17,initial=", "initial= takes 0, 1 or keep, not \"\"" },
	{ "LED=GPIO17,initial=2", "LED=GPIO17,initial=2: initial= takes 0, 1 or keep, not \"2\"" },
	{ "LED=GPIO17,initial=01", "initial= takes 0, 1 or keep, not \"01\"" },
	{ "LED=GPIO17,initial=on", "initial= takes 0, 1 or keep, not \"on\"" },
	{ "LED=GPIO17,initial=Keep", "initial= takes 0, 1 or keep" },
	{ "LED=GPIO17,initial=0=0", "initial= takes 0, 1 or keep, not \"0=0\"" },
	{ "LED=GPIO17,safe", "safe= takes 0, 1 or keep" },
	{ "LED=GPIO17,safe=-1", "safe= takes 0, 1 or keep, not \"-1\"" },
	{ "LED=GPIO17,bias", "bias= takes pull-up, pull-down or off" },
	{ "LED=GPIO17,bias=up", "bias= takes pull-up, pull-down or off, not \"up\"" },
	{ "LED=GPIO17,drive", "drive= takes push-pull, open-drain or open-source" },
	{ "LED=GPIO17,drive=od", "drive= takes push-pull, open-drain or open-source, not \"od\"" },
	/* options given twice */
	{ "LED=GPIO17,output,output", "the direction is given twice" },
	{ "LED=GPIO17,output,input", "the direction is given twice" },
	{ "LED=GPIO17,input,output", "the direction is given twice" },
	{ "LED=GPIO17,active-low,active-low", "active-low is given twice" },
	{ "LED=GPIO17,initial=0,initial=0", "initial is given twice" },
	{ "LED=GPIO17,initial=0,safe=0,initial=1", "initial is given twice" },
	{ "LED=GPIO17,safe=0,safe=1", "safe is given twice" },
	{ "LED=GPIO17,bias=off,bias=off", "bias is given twice" },
	{ "LED=GPIO17,drive=open-drain,drive=open-source", "drive is given twice" },
	/* options that an input cannot have */
	{ "B=GPIO5,input,initial=1", "B=GPIO5,input,initial=1: initial= is for outputs" },
	{ "B=GPIO5,initial=0,input", "initial= is for outputs" },
	{ "B=GPIO5,input,safe=keep", "safe= is for outputs" },
	{ "B=GPIO5,input,drive=push-pull", "drive= is for outputs" },
	{ "B=GPIO5,input,failsafe=1s", "failsafe= is for outputs" },
	{ "B=GPIO5,input,max-on=1s", "max-on= is for outputs" },
	{ "B=GPIO5,input,interlock=g C=6,interlock=g", "interlock= is for outputs" },
	{ "B=GPIO5,input,dead-time=1s", "dead-time= is for outputs" },
	{ "LED=17,debounce=5ms", "LED=17,debounce=5ms: debounce= is for inputs" },
	{ "LED=17,output,debounce=0ms", "debounce= is for inputs" },
	/* times */
	{ "A=1,failsafe", "failsafe= takes a time from 50ms to 60s, not \"\"" },
	{ "A=1,failsafe=", "failsafe= takes a time from 50ms to 60s, not \"\"" },
	{ "A=1,failsafe=500", "not \"500\"" },
	{ "A=1,failsafe=ms", "not \"ms\"" },
	{ "A=1,failsafe=s", "not \"s\"" },
	{ "A=1,failsafe=500 ms", "not \"500\"" },
	{ "A=1,failsafe=0.5s", "not \"0.5s\"" },
	{ "A=1,failsafe=-1s", "not \"-1s\"" },
	{ "A=1,failsafe=+1s", "not \"+1s\"" },
	{ "A=1,failsafe=1m", "not \"1m\"" },
	{ "A=1,failsafe=1S", "not \"1S\"" },
	{ "A=1,failsafe=1us", "not \"1us\"" },
	{ "A=1,failsafe=49ms", "not \"49ms\"" },
	{ "A=1,failsafe=0s", "not \"0s\"" },
	{ "A=1,failsafe=60001ms", "not \"60001ms\"" },
	{ "A=1,failsafe=61s", "not \"61s\"" },
	{ "A=1,failsafe=99999999999999999999ms", "not \"99999999999999999999ms\"" },
	{ "A=1,max-on=0ms", "max-on= takes a time from 1ms to 86400s" },
	{ "A=1,max-on=86401s", "max-on= takes" },
	{ "A=1,max-on=86400001ms", "max-on= takes" },
	{ "A=1,dead-time=11s,interlock=g B=2,interlock=g", "dead-time= takes a time from 0ms to 10s" },
	{ "B=1,input,debounce=1001ms", "debounce= takes a time from 0ms to 1s" },
	{ "A=1,failsafe=1s,failsafe=1s", "failsafe is given twice" },
	/* guards that could not do what they are for */
	{ "A=1,failsafe=1s,safe=keep", "failsafe= needs a safe value" },
	{ "A=1,failsafe=1s,initial=1", "starts at its safe value" },
	{ "A=1,failsafe=1s,initial=keep", "starts at its safe value" },
	{ "A=1,safe=1,initial=0,failsafe=1s", "starts at its safe value" },
	{ "A=1,max-on=1s,safe=1", "a line with max-on= starts and is safe at 0" },
	{ "A=1,max-on=1s,safe=keep", "a line with max-on= starts and is safe at 0" },
	{ "A=1,max-on=1s,initial=1", "a line with max-on= starts and is safe at 0" },
	{ "A=1,max-on=1s,initial=keep", "a line with max-on= starts and is safe at 0" },
	{ "A=1,max-on=1s,failsafe=1s,safe=1", "a line with max-on= starts and is safe at 0" },
	/* interlocks */
	{ "A=1,interlock= B=2", "interlock= takes the name of a group" },
	{ "A=1,interlock B=2", "interlock= takes the name of a group" },
	{ "A=1,interlock=a.b B=2,interlock=a.b", "interlock= takes the name of a group" },
	{ "A=1,interlock=12345678901234567890123456789012", "up to 31 letters" },
	{ "A=1,dead-time=1s", "dead-time= belongs to an interlock" },
	{ "A=1,dead-time=0s", "dead-time= belongs to an interlock" },
	{ "A=1,interlock=g", "A=1,interlock=g: nothing else has interlock=g; a group needs two signals" },
	{ "A=1,interlock=g B=2,interlock=G", "A=1,interlock=g: nothing else has interlock=g" },
	{ "X=7 \n A=1,interlock=g\tB=2,interlock=g C=3,interlock=gg D=4", "C=3,interlock=gg: nothing else has interlock=gg" },
	{ "A=1,interlock=g,initial=1 B=2,interlock=g", "a line with interlock= starts and is safe at 0" },
	{ "A=1,interlock=g,initial=keep B=2,interlock=g", "a line with interlock= starts and is safe at 0" },
	{ "A=1,interlock=g,safe=1 B=2,interlock=g", "a line with interlock= starts and is safe at 0" },
	{ "A=1,interlock=g,safe=keep B=2,interlock=g", "a line with interlock= starts and is safe at 0" },
	{ "A=1,interlock=g,failsafe=1s B=2,interlock=g",
		"A=1,interlock=g,failsafe=1s: of A and B in interlock=g one has failsafe= and one has not" },
	{ "A=1,interlock=g B=2,interlock=g,failsafe=1s", "A=1,interlock=g: of A and B in interlock=g one has failsafe=" },
	/* what is two things at once in a request */
	{ "MOTOR=1 MOTOR.LEFT=2", "MOTOR.LEFT=2: MOTOR and MOTOR.LEFT are ambiguous" },
	{ "MOTOR.LEFT=2 MOTOR=1", "MOTOR=1: MOTOR.LEFT and MOTOR are ambiguous" },
	{ "A.B=2 X=3 A.B.C=1", "A.B and A.B.C are ambiguous" },
	/* what is there twice */
	{ "LED=1 LED=2", "LED=2: the name LED is used twice" },
	{ "LED=1 A=3 LED=2,input", "LED=2,input: the name LED is used twice" },
	{ "LED=GPIO17 LAMP=GPIO17", "LAMP=GPIO17: LED has the same line" },
	{ "LED=17,active-low LAMP=17,input", "LED has the same line" },
	{ "LED=sim:17 A=17 LAMP=sim:17", "LED has the same line" },
	/* a good entry before or behind does not help */
	{ "A=1 B=2 C=3,x D=4", "C=3,x: unknown option \"x\"" },
};

START_TEST(an_entry_that_is_wrong_is_refused_with_a_reason)
{
	refused(bad[_i].text, bad[_i].fragment);
}
END_TEST

START_TEST(more_signals_than_a_request_has_lines_are_refused)
{
	char text[2048];

	write_entries(text, sizeof(text), GPIO_LINES_MAX + 1);
	refused(text, "S64=64: too many signals; there can be 64");
}
END_TEST

START_TEST(a_long_entry_is_quoted_in_part_and_the_reason_still_fits)
{
	static char text[100000];

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "A=1,", 4);
	refused(text, "A=1,xxxxxxxx");
	refused(text, "; " ALLOWED);
}
END_TEST

START_TEST(a_text_cut_at_any_byte_is_accepted_or_refused_with_a_reason)
{
	static const char whole[] = "LED=GPIO17 M.L=gpiochip0:4,active-low,initial=keep,safe=1 "
		"B=5,input,bias=pull-up,debounce=5ms D=6,drive=open-drain,max-on=1s E=7,failsafe=500ms";
	char text[sizeof(whole)];

	for (size_t len = 0; len < sizeof(whole); len++) {
		struct gpio_specs specs;
		struct gpio_error error = { "" };

		memcpy(text, whole, len);
		text[len] = '\0';
		int result = parse(&specs, text, &error);
		ck_assert_msg((result == 0) == (error.text[0] == '\0'), "at byte %zu: %d, \"%s\"", len, result,
			error.text);
	}
}
END_TEST

START_TEST(any_byte_anywhere_is_accepted_or_refused_with_a_reason)
{
	static const char whole[] = "L.E=a:4,safe=1";
	char text[sizeof(whole)];

	for (size_t at = 0; at < sizeof(whole) - 1; at++) {
		for (int byte = 1; byte < 256; byte++) {
			struct gpio_specs specs;
			struct gpio_error error = { "" };

			memcpy(text, whole, sizeof(whole));
			text[at] = (char)byte;
			int result = gpio_specs_parse(&specs, text, &error);
			ck_assert_int_eq(result == 0, error.text[0] == '\0');
			ck_assert_msg(strpbrk(error.text, "\x1b\r\n\t\x7f") == NULL, "byte %d at %zu", byte, at);
		}
	}
}
END_TEST

START_TEST(nobody_needs_to_want_the_reason)
{
	struct gpio_specs specs;

	ck_assert_int_eq(gpio_specs_parse(&specs, "LED", NULL), -1);
}
END_TEST

Suite *gpio_spec_suite(void)
{
	Suite *suite = suite_create("gpio/spec");
	TCase *accepted = tcase_create("accepted");
	TCase *not_accepted = tcase_create("refused");

	tcase_add_loop_test(accepted, an_entry_is_read_as_it_was_meant, 0, ROWS(good));
	tcase_add_loop_test(accepted, a_guard_is_read_as_it_was_meant, 0, ROWS(guards));
	tcase_add_loop_test(accepted, white_space_alone_is_no_signal, 0, ROWS(empty));
	tcase_add_test(accepted, the_order_of_the_text_is_kept);
	tcase_add_test(accepted, one_line_number_on_two_chips_is_two_lines);
	tcase_add_test(accepted, names_that_differ_in_case_are_two_names);
	tcase_add_test(accepted, as_many_signals_as_a_request_has_lines_are_taken);
	suite_add_tcase(suite, accepted);

	tcase_add_loop_test(not_accepted, an_entry_that_is_wrong_is_refused_with_a_reason, 0, ROWS(bad));
	tcase_add_test(not_accepted, more_signals_than_a_request_has_lines_are_refused);
	tcase_add_test(not_accepted, a_long_entry_is_quoted_in_part_and_the_reason_still_fits);
	tcase_add_test(not_accepted, a_text_cut_at_any_byte_is_accepted_or_refused_with_a_reason);
	tcase_add_test(not_accepted, any_byte_anywhere_is_accepted_or_refused_with_a_reason);
	tcase_add_test(not_accepted, nobody_needs_to_want_the_reason);
	suite_add_tcase(suite, not_accepted);
	return suite;
}
