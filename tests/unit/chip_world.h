/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * A chip together with the other end of its wires, for test_gpio_chip.c. There is one world in each program: that of
 * the simulated chip (chip_world_sim.c), or that of a kernel with gpio-sim (tests/kernel/chip_tests.c).
 */
#ifndef TESTS_UNIT_CHIP_WORLD_H
#define TESTS_UNIT_CHIP_WORLD_H

#include "gpio/chip.h"

/* Lines that are for the tests: nobody holds them, and before each test they are low from outside. */
#define CHIP_WORLD_FIRST 4U
#define CHIP_WORLD_COUNT 8U

struct chip_world {
	struct gpio_chip *(*open)(void);

	/* Moves a line from outside. `told`: somebody listens, and the edge has got to him when this returns. */
	void (*drive)(struct gpio_chip *chip, unsigned int offset, int level, bool told);

	/* What the outside sees on a line. */
	int (*look)(struct gpio_chip *chip, unsigned int offset);

	/* Takes the chip away while it is held. The next open() finds it again. */
	void (*unplug)(struct gpio_chip *chip);

	/* From now on the driver can't do interrupts. NULL: this world's always can. */
	void (*refuse_edges)(void);

	/* System calls that were made of the chip so far. NULL: there are none. */
	unsigned int (*calls)(void);
};

extern const struct chip_world chip_world;

#endif
