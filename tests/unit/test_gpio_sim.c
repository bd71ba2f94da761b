/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What every backend of gpio/chip.h must do, tried on the simulated chip; with the variable GPIO_TEST_CHIP on another
 * one (say `gpiochip0` of gpio-sim, where nothing is connected). Needs a chip with 16 lines that are all free and
 * that nothing pulls up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gpio/chip.h"
#include "gpio/find.h"
#include "tests/unit/unit.h"

/* Lines that the tests use: FIRST and some that follow. */
#define FIRST 4U
#define COUNT 8U
#define ALL UINT64_C(0xff)

static struct gpio_chip *chip;

static void open_chip(void)
{
	const char *wanted = getenv("GPIO_TEST_CHIP");
	struct gpio_places places = gpio_places_here();
	struct gpio_error error = { "" };

	chip = gpio_find_chip(&places, wanted != NULL ? wanted : "sim", &error);
	ck_assert_msg(chip != NULL, "%s", error.text);
}

static void close_chip(void)
{
	chip->ops->close(chip);
	chip = NULL;
}

/* Fills in `count` lines from FIRST on, push-pull, low, with consumers A, B, C, ... */
static void configure(struct gpio_line_config *config, size_t count)
{
	static const char *const names[] = { "A", "B", "C", "D", "E", "F", "G", "H" };

	for (size_t i = 0; i < count; i++)
		config[i] = (struct gpio_line_config){ .consumer = names[i], .offset = FIRST + (unsigned int)i };
}

static struct gpio_request *hold(enum gpio_direction direction, struct gpio_line_config *config, size_t count)
{
	struct gpio_request *request = chip->ops->request(chip, direction, config, count);

	ck_assert_msg(request != NULL, "the lines could not be requested: %s", strerror(errno));
	return request;
}

static struct gpio_request *hold_outputs(size_t count)
{
	struct gpio_line_config config[COUNT];

	configure(config, count);
	return hold(GPIO_OUTPUT, config, count);
}

static void set(struct gpio_request *request, uint64_t lines, uint64_t levels)
{
	ck_assert_int_eq(chip->ops->set(request, lines, levels), 0);
}

static uint64_t get(struct gpio_request *request, uint64_t lines)
{
	uint64_t levels = UINT64_MAX;

	ck_assert_int_eq(chip->ops->get(request, lines, &levels), 0);
	return levels;
}

static struct gpio_line_info info_of(unsigned int offset)
{
	struct gpio_line_info info;

	memset(&info, 0xff, sizeof(info));
	ck_assert_int_eq(chip->ops->line_info(chip, offset, &info), 0);
	return info;
}

/* --- what is told --- */

START_TEST(a_chip_has_a_name_a_label_and_lines)
{
	ck_assert_str_ne(chip->name, "");
	ck_assert_str_ne(chip->label, "");
	ck_assert_uint_ge(chip->line_count, FIRST + COUNT);
	ck_assert_str_ne(chip->ops->version(), "");
}
END_TEST

START_TEST(a_line_that_nobody_holds_is_free_and_names_nobody)
{
	struct gpio_line_info info = info_of(FIRST);

	ck_assert(!info.used);
	ck_assert_str_eq(info.consumer, "");
}
END_TEST

START_TEST(every_line_tells_about_itself)
{
	for (unsigned int i = 0; i < chip->line_count; i++)
		ck_assert(memchr(info_of(i).name, '\0', GPIO_NAME_SIZE) != NULL);
}
END_TEST

START_TEST(a_held_line_names_its_holder)
{
	struct gpio_request *request = hold_outputs(1);
	struct gpio_line_info info = info_of(FIRST);

	ck_assert(info.used);
	ck_assert_str_eq(info.consumer, "A");
	ck_assert_int_eq(info.direction, GPIO_OUTPUT);
	ck_assert(!info_of(FIRST + 1).used);
	chip->ops->release(request);
}
END_TEST

START_TEST(lines_held_together_name_all_that_are_in_the_request)
{
	struct gpio_request *request = hold_outputs(3);

	for (unsigned int i = 0; i < 3; i++)
		ck_assert_str_eq(info_of(FIRST + i).consumer, "A,B,C");
	chip->ops->release(request);
}
END_TEST

START_TEST(a_consumer_is_cut_to_what_the_kernel_keeps)
{
	struct gpio_line_config config[2];

	configure(config, 2);
	config[0].consumer = "A_NAME_OF_20_LETTERS";
	config[1].consumer = "B_NAME_OF_20_LETTERS";
	struct gpio_request *request = hold(GPIO_OUTPUT, config, 2);
	ck_assert_str_eq(info_of(FIRST).consumer, "A_NAME_OF_20_LETTERS,B_NAME_OF_");
	chip->ops->release(request);
}
END_TEST

START_TEST(a_held_input_tells_its_direction)
{
	struct gpio_line_config config[1];

	configure(config, 1);
	struct gpio_request *request = hold(GPIO_INPUT, config, 1);
	ck_assert_int_eq(info_of(FIRST).direction, GPIO_INPUT);
	ck_assert_str_eq(info_of(FIRST).consumer, "A");
	chip->ops->release(request);
}
END_TEST

START_TEST(a_line_that_was_let_go_is_free_again)
{
	chip->ops->release(hold_outputs(2));
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert(!info_of(FIRST + i).used);
		ck_assert_str_eq(info_of(FIRST + i).consumer, "");
	}
	chip->ops->release(hold_outputs(2));
}
END_TEST

/* --- who holds what --- */

START_TEST(a_line_is_held_once)
{
	struct gpio_request *request = hold_outputs(1);
	struct gpio_line_config config[1];

	configure(config, 1);
	errno = 0;
	ck_assert_ptr_null(chip->ops->request(chip, GPIO_INPUT, config, 1));
	ck_assert_int_eq(errno, EBUSY);
	chip->ops->release(request);
}
END_TEST

START_TEST(of_several_lines_all_are_held_or_none)
{
	struct gpio_line_config config[COUNT];

	configure(config, COUNT);
	struct gpio_request *request = hold(GPIO_OUTPUT, &config[COUNT - 1], 1);
	/* Different biases, so that a backend that needs a request for each has one granted before one is refused. */
	for (size_t i = 0; i < COUNT; i++)
		config[i].bias = i < COUNT / 2 ? GPIO_BIAS_PULL_UP : GPIO_BIAS_PULL_DOWN;
	errno = 0;
	ck_assert_ptr_null(chip->ops->request(chip, GPIO_OUTPUT, config, COUNT));
	ck_assert_int_eq(errno, EBUSY);
	for (unsigned int i = 0; i < COUNT - 1; i++)
		ck_assert(!info_of(FIRST + i).used);
	chip->ops->release(request);
}
END_TEST

/* --- outputs --- */

START_TEST(an_output_appears_with_its_first_level)
{
	struct gpio_line_config config[1];

	configure(config, 1);
	config[0].level = _i != 0 ? GPIO_HIGH : GPIO_LOW;
	struct gpio_request *request = hold(GPIO_OUTPUT, config, 1);
	ck_assert_uint_eq(get(request, 1), (uint64_t)_i);
	ck_assert_int_eq(config[0].level, _i != 0 ? GPIO_HIGH : GPIO_LOW);
	chip->ops->release(request);
}
END_TEST

START_TEST(several_outputs_appear_with_a_level_each)
{
	struct gpio_line_config config[COUNT];

	configure(config, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		config[i].level = (0xa5 >> i & 1) != 0 ? GPIO_HIGH : GPIO_LOW;
	struct gpio_request *request = hold(GPIO_OUTPUT, config, COUNT);
	ck_assert_uint_eq(get(request, ALL), 0xa5);
	chip->ops->release(request);
}
END_TEST

START_TEST(an_output_reads_back_what_was_written)
{
	struct gpio_request *request = hold_outputs(1);

	set(request, 1, 1);
	ck_assert_uint_eq(get(request, 1), 1);
	set(request, 1, 0);
	ck_assert_uint_eq(get(request, 1), 0);
	set(request, 1, 1);
	ck_assert_uint_eq(get(request, 1), 1);
	chip->ops->release(request);
}
END_TEST

START_TEST(a_write_of_one_line_leaves_the_others)
{
	struct gpio_request *request = hold_outputs(COUNT);

	set(request, ALL, 0xff);
	set(request, UINT64_C(1) << _i, 0);
	ck_assert_uint_eq(get(request, ALL), ALL & ~(UINT64_C(1) << _i));
	set(request, ALL, 0);
	set(request, UINT64_C(1) << _i, ALL);
	ck_assert_uint_eq(get(request, ALL), UINT64_C(1) << _i);
	chip->ops->release(request);
}
END_TEST

START_TEST(any_pattern_over_any_set_of_lines_is_written)
{
	struct gpio_request *request = hold_outputs(COUNT);
	uint64_t expected = 0;

	for (uint64_t i = 0; i < 256; i++) {
		uint64_t lines = i * 37 & ALL;
		uint64_t levels = i * 101 & ALL;

		expected = (expected & ~lines) | (levels & lines);
		if (lines != 0)
			set(request, lines, levels);
		ck_assert_uint_eq(get(request, ALL), expected);
	}
	chip->ops->release(request);
}
END_TEST

START_TEST(a_read_of_some_lines_tells_of_no_others)
{
	struct gpio_request *request = hold_outputs(COUNT);

	set(request, ALL, ALL);
	ck_assert_uint_eq(get(request, 0x81), 0x81);
	ck_assert_uint_eq(get(request, 0x10), 0x10);
	chip->ops->release(request);
}
END_TEST

START_TEST(the_order_of_a_request_need_not_be_that_of_the_chip)
{
	struct gpio_line_config config[3];

	configure(config, 3);
	config[0].offset = FIRST + 5;
	config[2].offset = FIRST;
	config[0].level = GPIO_HIGH;
	struct gpio_request *request = hold(GPIO_OUTPUT, config, 3);
	ck_assert_uint_eq(get(request, 7), 1);
	set(request, 4, 4);
	ck_assert_uint_eq(get(request, 7), 5);
	chip->ops->release(request);
}
END_TEST

START_TEST(all_lines_of_a_request_move)
{
	struct gpio_line_config config[GPIO_LINES_MAX];
	size_t count = chip->line_count < GPIO_LINES_MAX ? chip->line_count : GPIO_LINES_MAX;
	uint64_t all = UINT64_MAX >> (GPIO_LINES_MAX - count);

	for (size_t i = 0; i < count; i++)
		config[i] = (struct gpio_line_config){ .consumer = "ALL", .offset = (unsigned int)i };
	struct gpio_request *request = hold(GPIO_OUTPUT, config, count);
	set(request, all, UINT64_C(0x5a5a5a5a5a5a5a5a));
	ck_assert_uint_eq(get(request, all), UINT64_C(0x5a5a5a5a5a5a5a5a) & all);
	set(request, all, all);
	ck_assert_uint_eq(get(request, all), all);
	chip->ops->release(request);
}
END_TEST

/* --- bias and drive --- */

static const struct {
	enum gpio_bias bias;
	uint64_t level;
} pulls[] = { { GPIO_BIAS_PULL_UP, 1 }, { GPIO_BIAS_PULL_DOWN, 0 } };

START_TEST(an_input_that_nobody_drives_shows_its_bias)
{
	struct gpio_line_config config[1];

	configure(config, 1);
	config[0].bias = pulls[_i].bias;
	struct gpio_request *request = hold(GPIO_INPUT, config, 1);
	ck_assert_uint_eq(get(request, 1), pulls[_i].level);
	chip->ops->release(request);
}
END_TEST

START_TEST(inputs_of_one_request_have_a_bias_each)
{
	struct gpio_line_config config[4];

	configure(config, 4);
	for (size_t i = 0; i < 4; i++)
		config[i].bias = pulls[i % 2].bias;
	struct gpio_request *request = hold(GPIO_INPUT, config, 4);
	ck_assert_uint_eq(get(request, 0xf), 0x5);
	ck_assert_uint_eq(get(request, 0x6), 0x4);
	chip->ops->release(request);
}
END_TEST

/* That a line follows its pull again after it was driven is tried on the simulated chip alone: gpio-sim of Linux 6.1
 * forgets it when the kernel, which emulates both drives there, turns the output into an input. */
START_TEST(an_open_drain_output_is_let_up_and_driven_down)
{
	struct gpio_line_config config[1];

	configure(config, 1);
	config[0].drive = GPIO_OPEN_DRAIN;
	config[0].bias = GPIO_BIAS_PULL_UP;
	config[0].level = GPIO_HIGH;
	struct gpio_request *request = hold(GPIO_OUTPUT, config, 1);
	ck_assert_uint_eq(get(request, 1), 1);
	set(request, 1, 0);
	ck_assert_uint_eq(get(request, 1), 0);
	chip->ops->release(request);
}
END_TEST

START_TEST(an_open_source_output_is_let_down_and_driven_up)
{
	struct gpio_line_config config[1];

	configure(config, 1);
	config[0].drive = GPIO_OPEN_SOURCE;
	config[0].bias = GPIO_BIAS_PULL_DOWN;
	struct gpio_request *request = hold(GPIO_OUTPUT, config, 1);
	ck_assert_uint_eq(get(request, 1), 0);
	set(request, 1, 1);
	ck_assert_uint_eq(get(request, 1), 1);
	chip->ops->release(request);
}
END_TEST

START_TEST(outputs_of_different_kinds_are_written_together)
{
	struct gpio_line_config config[COUNT];

	configure(config, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		config[i].bias = i % 4 < 2 ? GPIO_BIAS_PULL_UP : GPIO_BIAS_AS_IS;
		config[i].drive = i % 4 == 1 ? GPIO_OPEN_DRAIN : GPIO_PUSH_PULL;
		config[i].level = GPIO_HIGH;
	}
	struct gpio_request *request = hold(GPIO_OUTPUT, config, COUNT);
	ck_assert_uint_eq(get(request, ALL), ALL);
	set(request, ALL, 0x33);
	ck_assert_uint_eq(get(request, ALL), 0x33);
	set(request, 0x0f, 0x0c);
	ck_assert_uint_eq(get(request, ALL), 0x3c);
	chip->ops->release(request);
}
END_TEST

/* --- keep --- */

/* Leaves the line with a level that the next one finds: pulled one way, and let go. */
static void leave(unsigned int offset, uint64_t level)
{
	struct gpio_line_config config = {
		.consumer = "BEFORE",
		.offset = offset,
		.bias = level != 0 ? GPIO_BIAS_PULL_UP : GPIO_BIAS_PULL_DOWN,
	};

	chip->ops->release(hold(GPIO_INPUT, &config, 1));
}

START_TEST(an_output_that_keeps_shows_what_the_line_showed)
{
	struct gpio_line_config config[1];

	leave(FIRST, (uint64_t)_i);
	configure(config, 1);
	config[0].level = GPIO_LEVEL_KEEP;
	struct gpio_request *request = hold(GPIO_OUTPUT, config, 1);
	ck_assert_int_eq(config[0].level, _i != 0 ? GPIO_HIGH : GPIO_LOW);
	ck_assert_uint_eq(get(request, 1), (uint64_t)_i);
	ck_assert_int_eq(info_of(FIRST).direction, GPIO_OUTPUT);
	ck_assert_str_eq(info_of(FIRST).consumer, "A");
	set(request, 1, (uint64_t)!_i);
	ck_assert_uint_eq(get(request, 1), (uint64_t)!_i);
	chip->ops->release(request);
	leave(FIRST, 0);
}
END_TEST

START_TEST(outputs_that_keep_stand_beside_others_of_all_kinds)
{
	struct gpio_line_config config[COUNT];

	leave(FIRST + 2, 1);
	leave(FIRST + 3, 0);
	leave(FIRST + 6, 1);
	configure(config, COUNT);
	config[0].level = GPIO_HIGH;
	config[2].level = GPIO_LEVEL_KEEP;
	config[3].level = GPIO_LEVEL_KEEP;
	config[5].level = GPIO_HIGH;
	config[5].drive = GPIO_OPEN_DRAIN;
	config[5].bias = GPIO_BIAS_PULL_UP;
	config[6].level = GPIO_LEVEL_KEEP;
	config[6].drive = GPIO_OPEN_DRAIN;
	config[6].bias = GPIO_BIAS_PULL_UP;
	struct gpio_request *request = hold(GPIO_OUTPUT, config, COUNT);
	ck_assert_uint_eq(get(request, ALL), 0x65);
	for (size_t i = 0; i < COUNT; i++)
		ck_assert_int_eq(config[i].level, (0x65 >> i & 1) != 0 ? GPIO_HIGH : GPIO_LOW);
	set(request, ALL, 0x48);
	ck_assert_uint_eq(get(request, ALL), 0x48);
	chip->ops->release(request);
	leave(FIRST + 2, 0);
	leave(FIRST + 6, 0);
}
END_TEST

/* --- what only the simulated chip promises --- */

static struct gpio_chip *open_sim(void)
{
	struct gpio_chip *sim = gpio_chip_sim.open("");

	ck_assert_ptr_nonnull(sim);
	return sim;
}

START_TEST(the_simulated_chip_is_that_of_a_header)
{
	struct gpio_chip *sim = open_sim();
	struct gpio_line_info info;

	ck_assert_str_eq(sim->name, "sim");
	ck_assert_str_eq(sim->label, "sim");
	ck_assert_uint_eq(sim->line_count, 54);
	ck_assert_int_eq(sim->ops->line_info(sim, 0, &info), 0);
	ck_assert_str_eq(info.name, "GPIO0");
	ck_assert_int_eq(info.direction, GPIO_INPUT);
	ck_assert_int_eq(sim->ops->line_info(sim, 53, &info), 0);
	ck_assert_str_eq(info.name, "GPIO53");
	sim->ops->close(sim);
}
END_TEST

static const struct {
	enum gpio_direction direction;
	enum gpio_drive drive;
	enum gpio_bias bias;
	enum gpio_first_level written;
	uint64_t shown;
} floating[] = {
	{ GPIO_INPUT, GPIO_PUSH_PULL, GPIO_BIAS_AS_IS, GPIO_LOW, 0 },
	{ GPIO_INPUT, GPIO_PUSH_PULL, GPIO_BIAS_OFF, GPIO_LOW, 0 },
	{ GPIO_OUTPUT, GPIO_OPEN_DRAIN, GPIO_BIAS_AS_IS, GPIO_HIGH, 0 },
	{ GPIO_OUTPUT, GPIO_OPEN_DRAIN, GPIO_BIAS_OFF, GPIO_HIGH, 0 },
	{ GPIO_OUTPUT, GPIO_OPEN_DRAIN, GPIO_BIAS_PULL_UP, GPIO_HIGH, 1 },
	{ GPIO_OUTPUT, GPIO_OPEN_DRAIN, GPIO_BIAS_PULL_UP, GPIO_LOW, 0 },
	{ GPIO_OUTPUT, GPIO_OPEN_SOURCE, GPIO_BIAS_AS_IS, GPIO_LOW, 0 },
	{ GPIO_OUTPUT, GPIO_OPEN_SOURCE, GPIO_BIAS_PULL_UP, GPIO_LOW, 1 },
	{ GPIO_OUTPUT, GPIO_OPEN_SOURCE, GPIO_BIAS_OFF, GPIO_HIGH, 1 },
	{ GPIO_OUTPUT, GPIO_PUSH_PULL, GPIO_BIAS_PULL_UP, GPIO_LOW, 0 },
	{ GPIO_OUTPUT, GPIO_PUSH_PULL, GPIO_BIAS_PULL_DOWN, GPIO_HIGH, 1 },
};

START_TEST(a_simulated_line_that_nobody_drives_follows_its_pull_or_floats_to_0)
{
	struct gpio_chip *sim = open_sim();
	struct gpio_line_config config = {
		.consumer = "A",
		.bias = floating[_i].bias,
		.drive = floating[_i].drive,
		.level = floating[_i].written,
	};
	struct gpio_request *request = sim->ops->request(sim, floating[_i].direction, &config, 1);
	uint64_t shown;

	ck_assert_ptr_nonnull(request);
	ck_assert_int_eq(sim->ops->get(request, 1, &shown), 0);
	ck_assert_uint_eq(shown, floating[_i].shown);
	if (floating[_i].direction == GPIO_OUTPUT) { /* and again, after the opposite was written */
		ck_assert_int_eq(sim->ops->set(request, 1, floating[_i].written == GPIO_LOW), 0);
		ck_assert_int_eq(sim->ops->set(request, 1, floating[_i].written == GPIO_HIGH), 0);
		ck_assert_int_eq(sim->ops->get(request, 1, &shown), 0);
		ck_assert_uint_eq(shown, floating[_i].shown);
	}
	sim->ops->release(request);
	sim->ops->close(sim);
}
END_TEST

START_TEST(a_simulated_output_keeps_its_level_when_it_is_let_go)
{
	struct gpio_chip *sim = open_sim();
	struct gpio_line_config config = { .consumer = "A", .level = GPIO_HIGH };

	sim->ops->release(sim->ops->request(sim, GPIO_OUTPUT, &config, 1));
	config.level = GPIO_LEVEL_KEEP;
	struct gpio_request *request = sim->ops->request(sim, GPIO_OUTPUT, &config, 1);
	ck_assert_int_eq(config.level, GPIO_HIGH);
	sim->ops->release(request);
	sim->ops->close(sim);
}
END_TEST

START_TEST(a_simulated_line_keeps_its_pull_until_another_is_asked_for)
{
	static const enum gpio_bias order[] = { GPIO_BIAS_PULL_UP, GPIO_BIAS_AS_IS, GPIO_BIAS_OFF, GPIO_BIAS_AS_IS };
	static const uint64_t shown[] = { 1, 1, 0, 0 };
	struct gpio_chip *sim = open_sim();

	for (size_t i = 0; i < 4; i++) {
		struct gpio_line_config config = { .consumer = "A", .bias = order[i] };
		struct gpio_request *request = sim->ops->request(sim, GPIO_INPUT, &config, 1);
		uint64_t level;

		ck_assert_int_eq(sim->ops->get(request, 1, &level), 0);
		ck_assert_uint_eq(level, shown[i]);
		sim->ops->release(request);
	}
	sim->ops->close(sim);
}
END_TEST

START_TEST(two_simulated_chips_share_nothing)
{
	struct gpio_chip *one = open_sim();
	struct gpio_chip *two = open_sim();
	struct gpio_line_config config = { .consumer = "A" };
	struct gpio_request *request = one->ops->request(one, GPIO_OUTPUT, &config, 1);
	struct gpio_line_info info;

	ck_assert_int_eq(two->ops->line_info(two, 0, &info), 0);
	ck_assert(!info.used);
	one->ops->release(request);
	one->ops->close(one);
	two->ops->close(two);
}
END_TEST

static void add_conformance(TCase *chips)
{
	tcase_add_checked_fixture(chips, open_chip, close_chip);
	tcase_add_test(chips, a_chip_has_a_name_a_label_and_lines);
	tcase_add_test(chips, a_line_that_nobody_holds_is_free_and_names_nobody);
	tcase_add_test(chips, every_line_tells_about_itself);
	tcase_add_test(chips, a_held_line_names_its_holder);
	tcase_add_test(chips, lines_held_together_name_all_that_are_in_the_request);
	tcase_add_test(chips, a_consumer_is_cut_to_what_the_kernel_keeps);
	tcase_add_test(chips, a_held_input_tells_its_direction);
	tcase_add_test(chips, a_line_that_was_let_go_is_free_again);
	tcase_add_test(chips, a_line_is_held_once);
	tcase_add_test(chips, of_several_lines_all_are_held_or_none);
	tcase_add_loop_test(chips, an_output_appears_with_its_first_level, 0, 2);
	tcase_add_test(chips, several_outputs_appear_with_a_level_each);
	tcase_add_test(chips, an_output_reads_back_what_was_written);
	tcase_add_loop_test(chips, a_write_of_one_line_leaves_the_others, 0, COUNT);
	tcase_add_test(chips, any_pattern_over_any_set_of_lines_is_written);
	tcase_add_test(chips, a_read_of_some_lines_tells_of_no_others);
	tcase_add_test(chips, the_order_of_a_request_need_not_be_that_of_the_chip);
	tcase_add_test(chips, all_lines_of_a_request_move);
	tcase_add_loop_test(chips, an_input_that_nobody_drives_shows_its_bias, 0, 2);
	tcase_add_test(chips, inputs_of_one_request_have_a_bias_each);
	tcase_add_test(chips, an_open_drain_output_is_let_up_and_driven_down);
	tcase_add_test(chips, an_open_source_output_is_let_down_and_driven_up);
	tcase_add_test(chips, outputs_of_different_kinds_are_written_together);
	tcase_add_loop_test(chips, an_output_that_keeps_shows_what_the_line_showed, 0, 2);
	tcase_add_test(chips, outputs_that_keep_stand_beside_others_of_all_kinds);
}

Suite *gpio_sim_suite(void)
{
	Suite *suite = suite_create("gpio/sim");
	TCase *chips = tcase_create("every chip");
	TCase *sim = tcase_create("simulated");

	add_conformance(chips);
	suite_add_tcase(suite, chips);

	tcase_add_test(sim, the_simulated_chip_is_that_of_a_header);
	tcase_add_loop_test(sim, a_simulated_line_that_nobody_drives_follows_its_pull_or_floats_to_0, 0,
		sizeof(floating) / sizeof(floating[0]));
	tcase_add_test(sim, a_simulated_output_keeps_its_level_when_it_is_let_go);
	tcase_add_test(sim, a_simulated_line_keeps_its_pull_until_another_is_asked_for);
	tcase_add_test(sim, two_simulated_chips_share_nothing);
	suite_add_tcase(suite, sim);
	return suite;
}
