/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What every backend of gpio/chip.h must do, alone and below gpio/lines.c. On which one this is tried is decided by the chip_world that is
 * linked in (chip_world.h): the simulated chip in the unit tests, a chip of gpio-sim behind either libgpiod in tests/kernel.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gpio/lines.h"
#include "tests/unit/chip_world.h"
#include "tests/unit/unit.h"

/* Lines that the tests use: FIRST and some that follow. */
#define FIRST CHIP_WORLD_FIRST
#define COUNT CHIP_WORLD_COUNT
#define ALL UINT64_C(0xff)

static struct gpio_chip *chip;
static const struct gpio_chip_ops *chip_ops; /* the backend's own: see open_lines() */

static void open_chip(void)
{
	chip = chip_world.open();
	ck_assert_msg(chip != NULL, "the chip could not be opened: %s", strerror(errno));
	chip_ops = chip->ops;
}

static void close_chip(void)
{
	chip_ops->close(chip);
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

/* The lines of a request that hold_outputs() has made, as they are seen from outside. */
static uint64_t seen(void)
{
	uint64_t levels = 0;

	for (unsigned int i = 0; i < COUNT; i++)
		levels |= (uint64_t)(chip_world.look(chip, FIRST + i) == 1) << i;
	return levels;
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
	ck_assert_uint_eq(seen(), 0xa5);
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
		ck_assert_uint_eq(seen(), expected);
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

/* --- edges --- */

static int64_t now(void)
{
	struct timespec time;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &time), 0);
	return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static struct gpio_request *hold_inputs(size_t count)
{
	struct gpio_line_config config[COUNT];

	configure(config, count);
	return hold(GPIO_INPUT, config, count);
}

/* Moves a line of a request that hold_inputs() has made. */
static void move(unsigned int bit, int level)
{
	chip_world.drive(chip, FIRST + bit, level, true);
}

/* Whether something waits. */
static bool readable(struct gpio_request *request)
{
	struct pollfd poll_fd = { .fd = chip->ops->edge_fd(request), .events = POLLIN };
	int count = poll(&poll_fd, 1, 0);

	ck_assert_int_ge(poll_fd.fd, 0);
	ck_assert_int_ge(count, 0);
	return count == 1;
}

static struct gpio_edge take(struct gpio_request *request)
{
	struct gpio_edge edge;

	memset(&edge, 0xff, sizeof(edge));
	ck_assert(readable(request));
	ck_assert_int_eq(chip->ops->read_edge(request, &edge), 1);
	return edge;
}

static void none_waits(struct gpio_request *request)
{
	struct gpio_edge edge;

	ck_assert(!readable(request));
	ck_assert_int_eq(chip->ops->read_edge(request, &edge), 0);
}

START_TEST(an_input_tells_of_both_edges)
{
	struct gpio_request *request = hold_inputs(1);

	none_waits(request);
	for (int level = 1; level >= 0; level--) {
		move(0, level);
		struct gpio_edge edge = take(request);
		ck_assert_uint_eq(edge.bit, 0);
		ck_assert_int_eq(edge.level, level);
		none_waits(request);
	}
	chip->ops->release(request);
}
END_TEST

START_TEST(an_edge_has_the_time_at_which_it_was)
{
	struct gpio_request *request = hold_inputs(1);

	for (int i = 1; i <= 4; i++) {
		int64_t before = now();
		move(0, i % 2);
		int64_t after = now();
		struct gpio_edge edge = take(request);
		ck_assert_int_ge(edge.time, before);
		ck_assert_int_le(edge.time, after);
	}
	chip->ops->release(request);
}
END_TEST

START_TEST(edges_of_several_lines_come_in_their_order)
{
	/* Lines and levels: neither in the order of the lines, nor of their biases. */
	static const struct {
		unsigned int bit;
		int level;
	} moves[] = { { 3, 1 }, { 0, 0 }, { 2, 0 }, { 3, 0 }, { 1, 1 }, { 0, 1 }, { 3, 1 }, { 2, 1 } };
	struct gpio_line_config config[4];
	int64_t last = 0;

	configure(config, 4);
	for (size_t i = 0; i < 4; i++) {
		config[i].bias = pulls[i % 2].bias;
		chip_world.drive(chip, FIRST + (unsigned int)i, i % 2 == 0, false);
	}
	struct gpio_request *request = hold(GPIO_INPUT, config, 4);
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		move(moves[i].bit, moves[i].level);
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		struct gpio_edge edge = take(request);

		ck_assert_uint_eq(edge.bit, moves[i].bit);
		ck_assert_int_eq(edge.level, moves[i].level);
		ck_assert_int_ge(edge.time, last);
		last = edge.time;
	}
	none_waits(request);
	chip->ops->release(request);
}
END_TEST

START_TEST(edges_come_between_reads_of_others)
{
	struct gpio_request *request = hold_inputs(3);

	move(2, 1);
	move(1, 1);
	ck_assert_uint_eq(take(request).bit, 2);
	move(0, 1);
	move(2, 0);
	ck_assert_uint_eq(take(request).bit, 1);
	ck_assert_uint_eq(take(request).bit, 0);
	ck_assert_uint_eq(take(request).bit, 2);
	none_waits(request);
	chip->ops->release(request);
}
END_TEST

START_TEST(a_line_that_is_moved_to_where_it_is_has_no_edge)
{
	struct gpio_request *request = hold_inputs(2);

	chip_world.drive(chip, FIRST, 0, false);
	move(1, 1);
	ck_assert_uint_eq(take(request).bit, 1);
	none_waits(request);
	chip->ops->release(request);
}
END_TEST

START_TEST(inputs_that_tell_of_edges_can_be_read)
{
	struct gpio_line_config config[4];

	configure(config, 4);
	for (size_t i = 0; i < 4; i++)
		config[i].bias = pulls[i % 2].bias;
	struct gpio_request *request = hold(GPIO_INPUT, config, 4);
	ck_assert_uint_eq(get(request, 0xf), 0x5);
	move(1, 1);
	move(2, 0);
	ck_assert_uint_eq(get(request, 0xf), 0x3);
	ck_assert_uint_eq(get(request, 0x6), 0x2);
	ck_assert_uint_eq(take(request).bit, 1); /* reading levels takes no edges */
	ck_assert_uint_eq(take(request).bit, 2);
	chip->ops->release(request);
}
END_TEST

START_TEST(each_request_has_its_own_edges)
{
	struct gpio_line_config config[2];

	configure(config, 2);
	struct gpio_request *one = hold(GPIO_INPUT, &config[0], 1);
	struct gpio_request *two = hold(GPIO_INPUT, &config[1], 1);
	move(1, 1);
	none_waits(one);
	ck_assert_uint_eq(take(two).bit, 0);
	move(0, 1);
	none_waits(two);
	ck_assert_uint_eq(take(one).bit, 0);
	chip->ops->release(one);
	chip->ops->release(two);
}
END_TEST

START_TEST(edges_that_nobody_took_go_with_the_request)
{
	struct gpio_request *request = hold_inputs(2);

	move(0, 1);
	move(1, 1);
	take(request);
	chip->ops->release(request);
	request = hold_inputs(2);
	none_waits(request);
	move(1, 0);
	ck_assert_uint_eq(take(request).bit, 1);
	none_waits(request);
	chip->ops->release(request);
}
END_TEST

START_TEST(outputs_tell_of_no_edges)
{
	struct gpio_request *request = hold_outputs(2);
	struct gpio_edge edge;

	set(request, 3, 3);
	ck_assert_int_eq(chip->ops->edge_fd(request), -1);
	ck_assert_int_eq(chip->ops->read_edge(request, &edge), 0);
	chip->ops->release(request);
}
END_TEST

START_TEST(all_lines_of_a_request_tell_of_edges)
{
	struct gpio_line_config config[GPIO_LINES_MAX];
	size_t count = chip->line_count < GPIO_LINES_MAX ? chip->line_count : GPIO_LINES_MAX;

	for (size_t i = 0; i < count; i++)
		config[i] = (struct gpio_line_config){ .consumer = "ALL", .offset = (unsigned int)(count - 1 - i) };
	struct gpio_request *request = hold(GPIO_INPUT, config, count);
	for (unsigned int i = 0; i < COUNT; i++) {
		chip_world.drive(chip, FIRST + i, 1, true);
		ck_assert_uint_eq(take(request).bit, count - 1 - (FIRST + i));
	}
	none_waits(request);
	chip->ops->release(request);
}
END_TEST

/* More edges than any backend keeps for a line. */
#define TOO_MANY 71

START_TEST(when_edges_were_lost_the_level_is_right_and_later_edges_come)
{
	struct gpio_request *request = hold_inputs(1);
	struct gpio_edge edge;
	int count = 0;

	for (int i = 1; i <= TOO_MANY; i++)
		move(0, i % 2);
	while (chip->ops->read_edge(request, &edge) == 1)
		count++;
	ck_assert_int_ge(count, 16);
	ck_assert_int_lt(count, TOO_MANY);
	none_waits(request);
	ck_assert_uint_eq(get(request, 1), 1);
	move(0, 0);
	ck_assert_uint_eq(take(request).level, 0);
	none_waits(request);
	chip->ops->release(request);
}
END_TEST

START_TEST(inputs_of_a_driver_without_interrupts_can_be_read)
{
	struct gpio_line_config config[3];
	struct gpio_edge edge;

	chip_world.refuse_edges();
	configure(config, 3);
	for (size_t i = 0; i < 3; i++)
		config[i].bias = pulls[i % 2].bias;
	struct gpio_request *request = hold(GPIO_INPUT, config, 3);
	ck_assert_int_eq(chip->ops->edge_fd(request), -1);
	ck_assert_int_eq(chip->ops->read_edge(request, &edge), 0);
	ck_assert_uint_eq(get(request, 7), 5);
	chip_world.drive(chip, FIRST + 1, 1, false);
	ck_assert_uint_eq(get(request, 7), 7);
	ck_assert(info_of(FIRST + 2).used);
	chip->ops->release(request);
	for (unsigned int i = 0; i < 3; i++)
		ck_assert(!info_of(FIRST + i).used);
}
END_TEST

/* --- system calls --- */

START_TEST(lines_of_one_kind_move_by_one_call_and_are_read_by_one)
{
	struct gpio_request *request = hold_outputs(COUNT);
	unsigned int before = chip_world.calls();

	set(request, ALL, 0x5a);
	ck_assert_uint_eq(chip_world.calls(), before + 1);
	set(request, 0x3, 0x1);
	ck_assert_uint_eq(chip_world.calls(), before + 2);
	get(request, ALL);
	ck_assert_uint_eq(chip_world.calls(), before + 3);
	chip->ops->release(request);
}
END_TEST

/* --- what cannot be --- */

START_TEST(a_request_of_no_lines_or_too_many_is_refused)
{
	static struct gpio_line_config config[GPIO_LINES_MAX + 1];

	for (unsigned int i = 0; i <= GPIO_LINES_MAX; i++)
		config[i] = (struct gpio_line_config){ .consumer = "A", .offset = i % chip->line_count };
	for (int turn = 0; turn < 2; turn++) {
		errno = 0;
		ck_assert_ptr_null(
			chip->ops->request(chip, turn == 0 ? GPIO_INPUT : GPIO_OUTPUT, config, _i == 0 ? 0 : GPIO_LINES_MAX + 1));
		ck_assert_int_eq(errno, EINVAL);
	}
	ck_assert(!info_of(0).used);
}
END_TEST

START_TEST(a_request_of_a_line_that_is_not_there_is_refused)
{
	struct gpio_line_config config[2];

	for (int turn = 0; turn < 2; turn++) {
		configure(config, 2);
		config[1].offset = _i == 0 ? chip->line_count : UINT32_MAX;
		errno = 0;
		ck_assert_ptr_null(chip->ops->request(chip, turn == 0 ? GPIO_INPUT : GPIO_OUTPUT, config, 2));
		ck_assert_int_eq(errno, EINVAL);
		ck_assert(!info_of(FIRST).used);
	}
}
END_TEST

static void expect_gone(int result)
{
	int reason = errno;

	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(reason, ENODEV);
	errno = 0;
}

START_TEST(a_chip_that_is_gone_says_so_to_everything)
{
	struct gpio_line_config config[4];
	struct gpio_line_info info;
	struct gpio_edge edge;
	uint64_t levels;

	configure(config, 4);
	struct gpio_request *outputs = hold(GPIO_OUTPUT, &config[0], 2);
	struct gpio_request *inputs = hold(GPIO_INPUT, &config[2], 1);
	ck_assert(!readable(inputs));
	chip_world.unplug(chip);
	errno = 0;
	expect_gone(chip->ops->set(outputs, 1, 1));
	expect_gone(chip->ops->get(outputs, 3, &levels));
	expect_gone(chip->ops->get(inputs, 1, &levels));
	int taken = chip->ops->read_edge(inputs, &edge);
	if (taken != 0) /* not every kernel says it here */
		expect_gone(taken);
	expect_gone(chip->ops->line_info(chip, FIRST, &info));
	expect_gone(chip->ops->request(chip, GPIO_INPUT, &config[3], 1) == NULL ? -1 : 0);
	expect_gone(chip->ops->request(chip, GPIO_OUTPUT, &config[3], 1) == NULL ? -1 : 0);
	chip->ops->release(inputs);
	chip->ops->release(outputs);
}
END_TEST
/* --- below lines.c --- */

static struct gpio_lines *lines;

static struct {
	size_t count;
	const char *name[8];
	uint8_t value[8];
	int64_t time[8];
} told;

static void note_change(
	void *context, const struct gpio_line *line, uint8_t old_value, uint8_t new_value, int64_t time, const char *why)
{
	(void)context;
	(void)why;
	ck_assert_uint_lt(told.count, 8);
	ck_assert_uint_ne(old_value, new_value);
	told.name[told.count] = line->spec.name;
	told.value[told.count] = new_value;
	told.time[told.count++] = time;
}

static struct gpio_chip *lend_chip(const char *path)
{
	(void)path;
	return chip;
}

static void take_chip_back(struct gpio_chip *lent)
{
	ck_assert_ptr_eq(lent, chip);
}

/* Opens lines on the chip of this test, which stays the test's. */
static struct gpio_lines *try_lines(const char *text, struct gpio_error *error)
{
	static struct gpio_chip_ops lending;
	static struct gpio_specs specs;
	const struct gpio_places places = { .directory = "/dev", .kernel = &lending };

	lending = *chip_ops;
	lending.open = lend_chip;
	lending.close = take_chip_back;
	chip->ops = &lending;
	ck_assert_msg(gpio_specs_parse(&specs, text, error) == 0, "%s", error->text);
	return gpio_lines_open_at(&places, &specs, "gpiochip0", false, now(), error);
}

static void open_lines(const char *text)
{
	struct gpio_error error = { "" };

	lines = try_lines(text, &error);
	ck_assert_msg(lines != NULL, "%s", error.text);
	memset(&told, 0, sizeof(told));
	gpio_lines_on_change(lines, note_change, NULL);
}

static int write_line(uint16_t line, enum gpio_action action, struct gpio_error *error)
{
	static const struct gpio_party party = { .id = "0123456789abcdef", .name = "somebody" };
	const struct gpio_command command = { .line = line, .action = (uint8_t)action };

	return gpio_lines_write(lines, now(), &party, &command, 1, NULL, error);
}

static uint8_t read_line(uint16_t line)
{
	uint8_t value = 0xff;

	ck_assert_int_eq(gpio_lines_get(lines, &line, 1, &value, NULL), 0);
	return value;
}

static void must_be_told(size_t index, const char *name, uint8_t value, int64_t earliest, int64_t latest)
{
	ck_assert_uint_lt(index, told.count);
	ck_assert_str_eq(told.name[index], name);
	ck_assert_uint_eq(told.value[index], value);
	ck_assert_int_ge(told.time[index], earliest);
	ck_assert_int_le(told.time[index], latest);
}

START_TEST(an_output_and_its_inverted_twin_show_opposite_levels)
{
	static const enum gpio_action actions[] = { GPIO_SET_1, GPIO_SET_0, GPIO_TOGGLE, GPIO_TOGGLE };
	struct gpio_error error = { "" };

	open_lines("A=4,initial=1,safe=1 B=5,active-low,initial=1,safe=1");
	ck_assert_uint_eq(seen() & 3, 1);
	for (unsigned int i = 0; i < 4; i++) {
		ck_assert_int_eq(write_line(0, actions[i], &error), 0);
		ck_assert_int_eq(write_line(1, actions[i], &error), 0);
		ck_assert_uint_eq(seen() & 3, i % 2 == 0 ? 1 : 2);
		ck_assert(read_line(0) == (i % 2 == 0) && read_line(1) == (i % 2 == 0));
	}
	ck_assert_int_eq(gpio_lines_stop(lines, now(), "the end", &error), 0);
	ck_assert_uint_eq(seen() & 3, 1);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_value_that_is_kept_is_the_logical_one)
{
	leave(FIRST, (uint64_t)_i);
	leave(FIRST + 1, (uint64_t)_i);
	open_lines("A=4,initial=keep B=5,initial=keep,active-low");
	ck_assert_uint_eq(seen() & 3, _i != 0 ? 3 : 0);
	for (uint16_t i = 0; i < 2; i++) {
		ck_assert(gpio_lines_at(lines, i)->value == (_i != (int)i));
		ck_assert(read_line(i) == (_i != (int)i));
	}
	gpio_lines_close(lines);
	leave(FIRST, 0);
	leave(FIRST + 1, 0);
}
END_TEST

START_TEST(edges_of_an_input_and_its_inverted_twin_are_opposite_changes)
{
	open_lines("A=4,input B=5,input,active-low");
	ck_assert(read_line(0) == 0 && read_line(1) == 1);
	for (int level = 1; level >= 0; level--) {
		int64_t begin = now();

		told.count = 0;
		move(0, level);
		move(1, level);
		ck_assert_int_eq(gpio_lines_edges(lines, 0, now(), NULL), 0);
		must_be_told(0, "A", level != 0, begin, now());
		must_be_told(1, "B", level == 0, told.time[0], now());
		ck_assert_uint_eq(told.count, 2);
		ck_assert(read_line(0) == level && read_line(1) == !level);
	}
	gpio_lines_close(lines);
}
END_TEST

START_TEST(what_a_look_has_shown_is_taken_back_when_the_line_is_back)
{
	open_lines("A=4,input");
	chip_world.drive(chip, FIRST, 1, false);
	ck_assert_uint_eq(read_line(0), 1);
	chip_world.drive(chip, FIRST, 0, true);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, now(), NULL), 0);
	ck_assert_uint_eq(told.count, 2);
	must_be_told(0, "A", 1, -1, -1);
	must_be_told(1, "A", 0, 0, now());
	gpio_lines_close(lines);
}
END_TEST

/* debounce= is done here and not by the kernel, of which not each can. One second is far more than these moves take. _i: whether
 * active-low, and whether each edge is taken as it comes or all of them later. */
START_TEST(an_input_that_bounces_counts_once_when_it_has_stayed)
{
	bool active_low = (_i & 1) != 0;
	int64_t begin = 0;

	open_lines(active_low ? "A=4,input,debounce=1s,active-low" : "A=4,input,debounce=1s");
	for (int i = 0; i < 5; i++) {
		begin = now();
		move(0, (i + 1) % 2);
		if ((_i & 2) != 0)
			ck_assert_int_eq(gpio_lines_edges(lines, 0, now(), NULL), 0);
	}
	int64_t end = now();
	ck_assert_int_eq(gpio_lines_edges(lines, 0, end, NULL), 0);
	int64_t due = gpio_lines_deadline(lines);
	ck_assert(due >= begin + 1000000 && due <= end + 1000000);
	ck_assert_int_eq(gpio_lines_tick(lines, due - 1, NULL), 0);
	ck_assert_uint_eq(told.count, 0);
	ck_assert_uint_eq(read_line(0), active_low);
	ck_assert_int_eq(gpio_lines_tick(lines, due, NULL), 0);
	must_be_told(0, "A", !active_low, begin, end);
	ck_assert_uint_eq(read_line(0), !active_low);
	move(0, 0);
	move(0, 1);
	ck_assert_int_eq(gpio_lines_edges(lines, 0, now(), NULL), 0);
	ck_assert_int_eq(gpio_lines_deadline(lines), INT64_MAX);
	ck_assert_uint_eq(told.count, 1);
	gpio_lines_close(lines);
}
END_TEST

static void expect_failure(int result, int reason, const struct gpio_error *error)
{
	int found = errno;

	ck_assert_int_eq(result, -1);
	ck_assert_int_eq(found, reason);
	ck_assert_msg(strstr(error->text, chip->name) != NULL && strstr(error->text, strerror(ENODEV)) != NULL, "%s", error->text);
	errno = 0;
}

START_TEST(lines_of_a_chip_that_is_gone_say_the_same_everywhere)
{
	struct gpio_error error = { "" };
	uint8_t value;

	open_lines("LED=4 MOTOR=5,failsafe=1s IN=6,input");
	chip_world.unplug(chip);
	expect_failure(write_line(0, GPIO_SET_1, &error), ENODEV, &error);
	expect_failure(write_line(1, GPIO_SET_1, &error), EIO, &error); /* could not be put to rest either */
	expect_failure(gpio_lines_get(lines, &(uint16_t){ 0 }, 1, &value, &error), ENODEV, &error);
	expect_failure(gpio_lines_get(lines, &(uint16_t){ 2 }, 1, &value, &error), ENODEV, &error);
	expect_failure(gpio_lines_edges(lines, 0, now(), &error), ENODEV, &error);
	expect_failure(gpio_lines_stop(lines, now(), "the end", &error), ENODEV, &error);
	ck_assert_uint_eq(told.count, 0);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(a_line_that_somebody_holds_is_refused_with_his_name)
{
	struct gpio_request *request = hold_outputs(1);
	struct gpio_error error = { "" };

	ck_assert_ptr_null(try_lines("OTHER=5,initial=1 LED=4", &error));
	ck_assert_msg(strstr(error.text, "LED: line 4 (") == error.text && strstr(error.text, " is held by \"A\"; ") != NULL, "%s",
		error.text);
	ck_assert_uint_eq(seen() & 3, 0);
	chip_ops->release(request);
}
END_TEST

START_TEST(lines_of_a_driver_without_interrupts_are_told_by_a_look)
{
	char remark[200];

	chip_world.refuse_edges();
	open_lines("A=4,input,debounce=1s B=5,input,active-low");
	ck_assert_int_eq(gpio_lines_edge_fd(lines, 0), -1);
	ck_assert(gpio_lines_remark(lines, 1, remark, sizeof(remark)) && strstr(remark, "tells of no changes") != NULL);
	for (unsigned int i = 0; i < 2; i++)
		chip_world.drive(chip, FIRST + i, 1, false);
	ck_assert(read_line(0) == 1 && read_line(1) == 0);
	must_be_told(0, "A", 1, -1, -1);
	must_be_told(1, "B", 0, -1, -1);
	gpio_lines_close(lines);
}
END_TEST

START_TEST(what_is_no_chip_is_not_opened)
{
	errno = 0;
	ck_assert_ptr_null(chip_ops->open("/dev/gpiochip2147483647"));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_ptr_null(chip_ops->open("/dev/null"));
}
END_TEST

static void add_below_lines(TCase *chips)
{
	tcase_add_test(chips, an_output_and_its_inverted_twin_show_opposite_levels);
	tcase_add_loop_test(chips, a_value_that_is_kept_is_the_logical_one, 0, 2);
	tcase_add_test(chips, edges_of_an_input_and_its_inverted_twin_are_opposite_changes);
	tcase_add_test(chips, what_a_look_has_shown_is_taken_back_when_the_line_is_back);
	tcase_add_loop_test(chips, an_input_that_bounces_counts_once_when_it_has_stayed, 0, 4);
	tcase_add_test(chips, lines_of_a_chip_that_is_gone_say_the_same_everywhere);
	tcase_add_test(chips, a_line_that_somebody_holds_is_refused_with_his_name);
}

static void add_lines(TCase *chips)
{
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

static void add_edges(TCase *chips)
{
	tcase_add_test(chips, an_input_tells_of_both_edges);
	tcase_add_test(chips, an_edge_has_the_time_at_which_it_was);
	tcase_add_test(chips, edges_of_several_lines_come_in_their_order);
	tcase_add_test(chips, edges_come_between_reads_of_others);
	tcase_add_test(chips, a_line_that_is_moved_to_where_it_is_has_no_edge);
	tcase_add_test(chips, inputs_that_tell_of_edges_can_be_read);
	tcase_add_test(chips, each_request_has_its_own_edges);
	tcase_add_test(chips, edges_that_nobody_took_go_with_the_request);
	tcase_add_test(chips, outputs_tell_of_no_edges);
	tcase_add_test(chips, all_lines_of_a_request_tell_of_edges);
	tcase_add_test(chips, when_edges_were_lost_the_level_is_right_and_later_edges_come);
}

static void add_errors(TCase *chips)
{
	tcase_add_loop_test(chips, a_request_of_no_lines_or_too_many_is_refused, 0, 2);
	tcase_add_loop_test(chips, a_request_of_a_line_that_is_not_there_is_refused, 0, 2);
	tcase_add_test(chips, a_chip_that_is_gone_says_so_to_everything);
}

Suite *gpio_chip_suite(void)
{
	Suite *suite = suite_create("gpio/chip");
	TCase *chips = tcase_create("every chip");

	tcase_add_checked_fixture(chips, open_chip, close_chip);
	tcase_set_timeout(chips, 60); /* seconds; a kernel under a kernel is slow */
	add_lines(chips);
	add_edges(chips);
	add_errors(chips);
	add_below_lines(chips);
	if (chip_world.refuse_edges != NULL) {
		tcase_add_test(chips, inputs_of_a_driver_without_interrupts_can_be_read);
		tcase_add_test(chips, lines_of_a_driver_without_interrupts_are_told_by_a_look);
	}
	if (chip_world.calls != NULL) {
		tcase_add_test(chips, lines_of_one_kind_move_by_one_call_and_are_read_by_one);
		tcase_add_test(chips, what_is_no_chip_is_not_opened);
	}
	suite_add_tcase(suite, chips);
	return suite;
}
