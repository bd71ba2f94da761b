/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * From specifications to chips and offsets (lines.h). Opens each chip once, by whatever words it is named, because only
 * then is the same line under two names seen. Must never request or move a line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "text.h"

/* Puts a chip that was found among those of the lines. A chip that is there already under other words is closed
 * again. */
static int add_chip(struct gpio_lines *lines, struct gpio_chip *chip, uint8_t *index, struct gpio_error *error)
{
	size_t i = 0;

	while (i < lines->chip_count && strcmp(lines->chip[i]->name, chip->name) != 0)
		i++;
	if (i == GPIO_CHIPS_MAX) {
		chip->ops->close(chip);
		return gpio_error_set(error, "the lines are spread over more than %d chips", GPIO_CHIPS_MAX);
	}
	if (i < lines->chip_count)
		chip->ops->close(chip);
	else
		lines->chip[lines->chip_count++] = chip;
	*index = (uint8_t)i;
	return 0;
}

/* The chip of a specification. Words that an earlier one used lead to the same chip without another search. */
static int find_chip(struct gpio_lines *lines, const struct gpio_places *places, const struct gpio_spec *spec, uint8_t *index,
	struct gpio_error *error)
{
	struct gpio_error why;

	if (spec->chip[0] == '\0') {
		*index = 0;
		return 0;
	}
	for (size_t i = 0; i < lines->count; i++) {
		if (strcmp(lines->line[i].spec.chip, spec->chip) == 0) {
			*index = lines->line[i].chip_index;
			return 0;
		}
	}
	struct gpio_chip *chip = gpio_find_chip(places, spec->chip, &why);
	if (chip == NULL)
		return gpio_error_set(error, "%s: %s", spec->name, why.text);
	return add_chip(lines, chip, index, error);
}

static int refuse_same_line(const struct gpio_lines *lines, const struct gpio_line *line, struct gpio_error *error)
{
	for (size_t i = 0; i < lines->count; i++) {
		const struct gpio_line *other = &lines->line[i];

		if (other->chip_index == line->chip_index && other->offset == line->offset)
			return gpio_error_set(error, "%s and %s are the same line (%s %u); give each signal a line of its own",
				other->spec.name, line->spec.name, line->chip, line->offset);
	}
	return 0;
}

static int look_up_line(
	struct gpio_lines *lines, const struct gpio_places *places, const struct gpio_spec *spec, struct gpio_error *error)
{
	struct gpio_line *line = &lines->line[lines->count];
	struct gpio_line_info info;

	line->spec = *spec;
	if (find_chip(lines, places, spec, &line->chip_index, error) != 0)
		return -1;
	struct gpio_chip *chip = lines->chip[line->chip_index];
	if (gpio_find_line(chip, spec, &line->offset, &info, error) != 0)
		return -1;
	gpio_text_copy(line->chip, chip->name);
	gpio_text_copy(line->label, chip->label);
	gpio_text_copy(line->kernel_name, info.name);
	if (refuse_same_line(lines, line, error) != 0)
		return -1;
	if (info.used)
		return gpio_error_busy(error, chip, spec, line->offset, info.consumer);
	lines->count++;
	return 0;
}

static int look_up_all(struct gpio_lines *lines, const struct gpio_places *places, const struct gpio_specs *specs,
	const char *default_chip, struct gpio_error *error)
{
	struct gpio_chip *chip = gpio_find_chip(places, default_chip, error);
	uint8_t index;

	if (chip == NULL || add_chip(lines, chip, &index, error) != 0)
		return -1;
	for (size_t i = 0; i < specs->count; i++) {
		if (look_up_line(lines, places, &specs->spec[i], error) != 0)
			return -1;
	}
	return 0;
}

struct gpio_lines *gpio_lines_look_up(
	const struct gpio_places *places, const struct gpio_specs *specs, const char *chip, struct gpio_error *error)
{
	struct gpio_lines *lines = calloc(1, sizeof(*lines));

	if (lines == NULL) {
		gpio_error_set(error, "no memory for the lines: %s", strerror(errno));
		return NULL;
	}
	if (look_up_all(lines, places, specs, chip, error) != 0) {
		gpio_lines_close(lines);
		return NULL;
	}
	return lines;
}

int gpio_lines_check(const struct gpio_specs *specs, const char *chip, struct gpio_error *error)
{
	struct gpio_places places = gpio_places_here();
	struct gpio_lines *lines = gpio_lines_look_up(&places, specs, chip, error);

	if (lines == NULL)
		return -1;
	gpio_lines_close(lines);
	return 0;
}
