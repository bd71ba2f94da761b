/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The simulated chip and its outside (chip_world.h).
 */
#include <time.h>

#include "tests/unit/chip_world.h"
#include "tests/unit/unit.h"

static struct gpio_chip *sim_open(void)
{
	return gpio_chip_sim.open("");
}

static void sim_drive(struct gpio_chip *chip, unsigned int offset, int level, bool told)
{
	struct timespec now;

	(void)told; /* edges are there at once */
	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	ck_assert_int_eq(gpio_sim_drive(chip, offset, level, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000), 0);
}

static int sim_look(struct gpio_chip *chip, unsigned int offset)
{
	return gpio_sim_level(chip, offset);
}

const struct chip_world chip_world = {
	.open = sim_open,
	.drive = sim_drive,
	.look = sim_look,
	.unplug = gpio_sim_unplug,
};
