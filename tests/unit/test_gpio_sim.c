/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What the simulated chip promises beyond gpio/chip.h (test_gpio_chip.c), and its outside.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "gpio/chip.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

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

/* --- the outside --- */

/* The outside and the pull, and what an input and an open-drain output that is let up show of them. */
static const struct {
	int outside;
	enum gpio_bias bias;
	int shown;
} outsides[] = {
	{ -1, GPIO_BIAS_AS_IS, 0 },
	{ -1, GPIO_BIAS_PULL_UP, 1 },
	{ -1, GPIO_BIAS_PULL_DOWN, 0 },
	{ 0, GPIO_BIAS_AS_IS, 0 },
	{ 0, GPIO_BIAS_PULL_UP, 0 },
	{ 1, GPIO_BIAS_AS_IS, 1 },
	{ 1, GPIO_BIAS_PULL_DOWN, 1 },
};

START_TEST(the_outside_is_stronger_than_a_pull_and_weaker_than_a_driven_output)
{
	struct gpio_chip *sim = open_sim();
	struct gpio_line_config config[3] = {
		{ .consumer = "IN", .offset = 1, .bias = outsides[_i].bias },
		{ .consumer = "DRAIN", .offset = 2, .bias = outsides[_i].bias, .drive = GPIO_OPEN_DRAIN, .level = GPIO_HIGH },
		{ .consumer = "OUT", .offset = 3, .level = GPIO_HIGH },
	};
	struct gpio_request *input = sim->ops->request(sim, GPIO_INPUT, &config[0], 1);
	struct gpio_request *outputs = sim->ops->request(sim, GPIO_OUTPUT, &config[1], 2);
	uint64_t levels;

	for (unsigned int i = 1; i <= 3; i++)
		ck_assert_int_eq(gpio_sim_drive(sim, i, outsides[_i].outside, 0), 0);
	ck_assert_int_eq(sim->ops->get(input, 1, &levels), 0);
	ck_assert_int_eq((int)levels, outsides[_i].shown);
	ck_assert_int_eq(sim->ops->get(outputs, 3, &levels), 0);
	ck_assert_int_eq((int)levels, 2 | outsides[_i].shown);
	ck_assert_int_eq(gpio_sim_level(sim, 1), outsides[_i].shown);
	ck_assert_int_eq(gpio_sim_level(sim, 3), 1);
	sim->ops->release(input);
	sim->ops->release(outputs);
	sim->ops->close(sim);
}
END_TEST

/* Holds line 5 as an input that is pulled up. */
static struct gpio_request *hold_button(struct gpio_chip *sim)
{
	struct gpio_line_config config = { .consumer = "BUTTON", .offset = 5, .bias = GPIO_BIAS_PULL_UP };
	struct gpio_request *request = sim->ops->request(sim, GPIO_INPUT, &config, 1);

	ck_assert_ptr_nonnull(request);
	return request;
}

START_TEST(an_edge_has_the_level_and_the_time_that_were_given)
{
	/* From the pull, 1, down to 0 and let go again; each move twice. */
	static const int moves[] = { 1, -1, 0, 0, -1, 1, 0 };
	static const struct gpio_edge expected[] = { { 0, 0, 102 }, { 0, 1, 104 }, { 0, 0, 106 } };
	struct gpio_chip *sim = open_sim();
	struct gpio_request *button = hold_button(sim);
	struct gpio_edge edge;

	for (int i = 0; i < 7; i++)
		ck_assert_int_eq(gpio_sim_drive(sim, 5, moves[i], 100 + i), 0);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(sim->ops->read_edge(button, &edge), 1);
		ck_assert_uint_eq(edge.bit, expected[i].bit);
		ck_assert_uint_eq(edge.level, expected[i].level);
		ck_assert_int_eq(edge.time, expected[i].time);
	}
	ck_assert_int_eq(sim->ops->read_edge(button, &edge), 0);
	sim->ops->release(button);
	sim->ops->close(sim);
}
END_TEST

START_TEST(of_too_many_edges_the_oldest_are_lost)
{
	struct gpio_chip *sim = open_sim();
	struct gpio_request *button = hold_button(sim);
	struct gpio_edge edge;

	for (int turn = 0; turn < 2; turn++) { /* the ring wherever it stands */
		for (int i = 1; i <= GPIO_SIM_EDGES + 3; i++)
			gpio_sim_drive(sim, 5, (turn + i + 1) % 2, i);
		for (int i = 4; i <= GPIO_SIM_EDGES + 3; i++) {
			ck_assert_int_eq(sim->ops->read_edge(button, &edge), 1);
			ck_assert_int_eq(edge.time, i);
			ck_assert_int_eq(edge.level, (turn + i + 1) % 2);
		}
		ck_assert_int_eq(sim->ops->read_edge(button, &edge), 0);
	}
	sim->ops->release(button);
	sim->ops->close(sim);
}
END_TEST

START_TEST(a_line_that_is_no_held_input_has_no_edges)
{
	struct gpio_chip *sim = open_sim();
	struct gpio_line_config config = { .consumer = "DRAIN", .offset = 6, .drive = GPIO_OPEN_DRAIN, .level = GPIO_HIGH };
	struct gpio_request *button = hold_button(sim);
	struct gpio_request *drain = sim->ops->request(sim, GPIO_OUTPUT, &config, 1);
	struct gpio_edge edge;

	for (unsigned int line = 4; line <= 7; line += line == 4 ? 2 : 1) {
		ck_assert_int_eq(gpio_sim_drive(sim, line, 1, 1), 0);
		ck_assert_int_eq(gpio_sim_level(sim, line), 1);
	}
	ck_assert_int_eq(sim->ops->read_edge(button, &edge), 0);
	ck_assert_int_eq(sim->ops->read_edge(drain, &edge), 0);
	sim->ops->release(drain);
	sim->ops->release(button);
	sim->ops->close(sim);
}
END_TEST

static const struct {
	unsigned int offset;
	int level;
} no_moves[] = { { GPIO_SIM_LINES, 0 }, { UINT32_MAX, 1 }, { 5, 2 }, { 5, -2 } };

START_TEST(a_move_that_cannot_be_is_refused)
{
	struct gpio_chip *sim = open_sim();
	struct gpio_request *button = hold_button(sim);
	struct gpio_edge edge;

	errno = 0;
	ck_assert_int_eq(gpio_sim_drive(sim, no_moves[_i].offset, no_moves[_i].level, 0), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(gpio_sim_level(sim, 5), 1);
	ck_assert_int_eq(sim->ops->read_edge(button, &edge), 0);
	sim->ops->release(button);
	sim->ops->close(sim);
}
END_TEST

START_TEST(the_outside_stays_when_a_line_is_let_go)
{
	struct gpio_chip *sim = open_sim();

	gpio_sim_drive(sim, 5, 0, 0);
	struct gpio_request *button = hold_button(sim);
	ck_assert_int_eq(gpio_sim_level(sim, 5), 0);
	sim->ops->release(button);
	button = hold_button(sim);
	ck_assert_int_eq(gpio_sim_level(sim, 5), 0);
	sim->ops->release(button);
	sim->ops->close(sim);
}
END_TEST

START_TEST(a_simulated_chip_that_is_unplugged_wakes_who_waits_for_edges)
{
	struct gpio_chip *sim = open_sim();
	struct gpio_request *button = hold_button(sim);
	struct pollfd poll_fd = { .fd = sim->ops->edge_fd(button), .events = POLLIN };
	struct gpio_edge edge;

	ck_assert_int_eq(poll(&poll_fd, 1, 0), 0);
	gpio_sim_unplug(sim);
	ck_assert_int_eq(poll(&poll_fd, 1, 0), 1);
	errno = 0;
	ck_assert_int_eq(sim->ops->read_edge(button, &edge), -1);
	ck_assert_int_eq(errno, ENODEV);
	ck_assert_int_eq(poll(&poll_fd, 1, 0), 1);
	sim->ops->release(button);
	sim->ops->close(sim);
}
END_TEST

/* Memory, or the descriptor of an input's edges. */
START_TEST(a_simulated_line_that_lacks_something_is_not_held)
{
	struct gpio_chip *sim = open_sim();
	struct gpio_line_config config = { .consumer = "A" };
	struct gpio_line_info info;

	rig_fail_call(RIG_EVENTFD, 1, EMFILE);
	ck_assert_ptr_null(sim->ops->request(sim, GPIO_INPUT, &config, 1));
	ck_assert_int_eq(errno, EMFILE);
	if (rig_counts_allocations()) {
		rig_fail_call(RIG_CALLOC, 1, ENOMEM);
		ck_assert_ptr_null(sim->ops->request(sim, GPIO_OUTPUT, &config, 1));
		ck_assert_int_eq(errno, ENOMEM);
	}
	ck_assert_int_eq(sim->ops->line_info(sim, 0, &info), 0);
	ck_assert(!info.used);
	sim->ops->release(hold_button(sim));
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

Suite *gpio_sim_suite(void)
{
	Suite *suite = suite_create("gpio/sim");
	TCase *sim = tcase_create("simulated");

	tcase_add_test(sim, the_simulated_chip_is_that_of_a_header);
	tcase_add_loop_test(sim, a_simulated_line_that_nobody_drives_follows_its_pull_or_floats_to_0, 0,
		sizeof(floating) / sizeof(floating[0]));
	tcase_add_test(sim, a_simulated_output_keeps_its_level_when_it_is_let_go);
	tcase_add_test(sim, a_simulated_line_keeps_its_pull_until_another_is_asked_for);
	tcase_add_loop_test(sim, the_outside_is_stronger_than_a_pull_and_weaker_than_a_driven_output, 0,
		sizeof(outsides) / sizeof(outsides[0]));
	tcase_add_test(sim, an_edge_has_the_level_and_the_time_that_were_given);
	tcase_add_test(sim, of_too_many_edges_the_oldest_are_lost);
	tcase_add_test(sim, a_line_that_is_no_held_input_has_no_edges);
	tcase_add_loop_test(sim, a_move_that_cannot_be_is_refused, 0, sizeof(no_moves) / sizeof(no_moves[0]));
	tcase_add_test(sim, the_outside_stays_when_a_line_is_let_go);
	tcase_add_test(sim, a_simulated_chip_that_is_unplugged_wakes_who_waits_for_edges);
	tcase_add_test(sim, a_simulated_line_that_lacks_something_is_not_held);
	tcase_add_test(sim, two_simulated_chips_share_nothing);
	suite_add_tcase(suite, sim);
	return suite;
}
