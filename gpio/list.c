/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The table of chips and lines (httapd --list), to be read by a person who writes HTTAP_LINES. Must never request a
 * line: looking disturbs nothing.
 */
#include <errno.h>
#include <string.h>

#include "find.h"

/* The column of the header's pins, on chips that have such lines. */
static void list_pin(FILE *out, const struct gpio_chip *chip, unsigned int offset)
{
	unsigned int pin = gpio_header_pin(chip->label, offset);

	if (pin != 0)
		(void)fprintf(out, "pin %-2u  ", pin);
	else if (gpio_header_rank(chip->label) < GPIO_HEADER_LABELS)
		(void)fprintf(out, "%8s", "");
}

static void list_line(FILE *out, struct gpio_chip *chip, unsigned int offset)
{
	struct gpio_line_info info;

	if (chip->ops->line_info(chip, offset, &info) != 0) {
		(void)fprintf(out, "%6u  could not be looked at: %s\n", offset, strerror(errno));
		return;
	}
	(void)fprintf(out, "%6u  %-*s  ", offset, GPIO_NAME_SIZE - 1, info.name[0] != '\0' ? info.name : "-");
	list_pin(out, chip, offset);
	(void)fputs(info.direction == GPIO_OUTPUT ? "output" : "input", out);
	if (info.used && info.consumer[0] != '\0')
		(void)fprintf(out, "%*sheld by \"%s\"", info.direction == GPIO_OUTPUT ? 2 : 3, "", info.consumer);
	else if (info.used)
		(void)fprintf(out, "%*sheld", info.direction == GPIO_OUTPUT ? 2 : 3, "");
	(void)fputc('\n', out);
}

static void list_chip(FILE *out, struct gpio_chip *chip)
{
	(void)fprintf(out, "%s (%s), %u lines\n", chip->name, chip->label, chip->line_count);
	for (unsigned int i = 0; i < chip->line_count; i++)
		list_line(out, chip, i);
	chip->ops->close(chip);
}

static int list_kernel(FILE *out, const struct gpio_places *places)
{
	struct gpio_devices devices;
	int shown = 0;

	if (gpio_devices_list(&devices, places) != 0) {
		(void)fprintf(out, "chips could not be looked for: %s\n", strerror(errno));
		return 0;
	}
	for (size_t i = 0; i < devices.count; i++) {
		struct gpio_chip *chip = gpio_device_open(places, devices.device[i].number);

		if (chip == NULL) {
			(void)fprintf(out, "gpiochip%u could not be opened: %s\n", devices.device[i].number, strerror(errno));
			continue;
		}
		list_chip(out, chip);
		shown++;
	}
	gpio_devices_free(&devices);
	return shown;
}

int gpio_list_at(const struct gpio_places *places, FILE *out, bool sim)
{
	int shown = places->kernel != NULL ? list_kernel(out, places) : 0;
	struct gpio_chip *chip = sim ? gpio_chip_sim.open("") : NULL;

	if (chip != NULL) {
		list_chip(out, chip);
		shown++;
	}
	return shown;
}

int gpio_list(FILE *out, bool sim)
{
	struct gpio_places places = gpio_places_here();

	return gpio_list_at(&places, out, sim);
}
