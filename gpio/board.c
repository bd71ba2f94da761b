/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What is known of the Raspberry Pi beyond what its chips tell (find.h): which chip is that of the header, which pin of
 * the header a line is, and what its kernel does with lines that are let go. Must never be needed for another board.
 */
#include <stdio.h>
#include <string.h>

#include "find.h"

/* The chip that drives the header: Pi 5; Pi 4; all before, and early kernels of the Pi 4. Best first. */
static const char *const header_labels[GPIO_HEADER_LABELS] = { "pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835" };

size_t gpio_header_rank(const char *label)
{
	size_t rank = 0;

	while (rank < GPIO_HEADER_LABELS && strcmp(label, header_labels[rank]) != 0)
		rank++;
	return rank;
}

unsigned int gpio_header_pin(const char *label, unsigned int offset)
{
	/* The header with 40 pins. Lines 0 and 1 stand there too (27 and 28), but belong to the EEPROM of a HAT. */
	static const unsigned char pin[] = {
		[2] = 3,
		[3] = 5,
		[4] = 7,
		[5] = 29,
		[6] = 31,
		[7] = 26,
		[8] = 24,
		[9] = 21,
		[10] = 19,
		[11] = 23,
		[12] = 32,
		[13] = 33,
		[14] = 8,
		[15] = 10,
		[16] = 36,
		[17] = 11,
		[18] = 12,
		[19] = 35,
		[20] = 38,
		[21] = 40,
		[22] = 15,
		[23] = 16,
		[24] = 18,
		[25] = 22,
		[26] = 37,
		[27] = 13,
	};

	if (gpio_header_rank(label) == GPIO_HEADER_LABELS || offset >= sizeof(pin))
		return 0;
	return pin[offset];
}

/* The parameter persist_gpio_outputs of a driver: 1, 0, or -1 when this kernel has none. */
static int persists(const char *modules, const char *module)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s/parameters/persist_gpio_outputs", modules, module);
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	int first = fgetc(file);
	(void)fclose(file); /* nothing was written to it */
	return first == 'Y';
}

const char *gpio_release_policy_at(const char *modules)
{
	int old = persists(modules, "pinctrl_bcm2835"); /* up to the Pi 4 */
	int new = persists(modules, "pinctrl_rp1");

	/* raspberrypi/linux#6150 gave both drivers the parameter. One kernel may have both of them, and which of them the board
	 * has doesn't matter while they agree. */
	if (old >= 0 && new >= 0 && old != new)
		return "lines that are released keep their level on one of pinctrl_bcm2835 and pinctrl_rp1, and become inputs on "
		       "the other (persist_gpio_outputs)";
	if (old > 0 || new > 0)
		return "lines that are released keep their level (persist_gpio_outputs is on)";
	if (old == 0 || new == 0)
		return "lines that are released become inputs (persist_gpio_outputs is off)";
	/* What upstream's drivers for the Pi do; those of expanders hardly touch a line that is let go. */
	return "lines that are released become inputs, unless their driver leaves them (this kernel has no persist_gpio_outputs)";
}
