/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Which chip, and which line of it (find.h). Must never guess: two chips with the label that was asked for, or two
 * lines with the name, are refused, and so is a chip that is not there; the simulated chip stands in for none.
 */
#include "find.h"

#include <errno.h>
#include <string.h>

#include "text.h"

/* What a search has come across, for the sentence of the one who finds nothing. */
struct survey {
	unsigned int denied; /* chips that this user may not open */
	unsigned int first_denied;
	char chips[128]; /* "gpiochip0 (label), ..." as far as they fit */
};

static void survey_add(struct survey *survey, unsigned int number, const char *what)
{
	size_t used = strlen(survey->chips);

	(void)snprintf(
		survey->chips + used, sizeof(survey->chips) - used, "%sgpiochip%u (%s)", used > 0 ? ", " : "", number, what);
}

/* Opens a chip of a search, and notes what came of it. A chip that cannot be opened ends no search: where a user may
 * open only one of several, that one must still be found. */
static struct gpio_chip *survey_open(struct survey *survey, const struct gpio_places *places, unsigned int number)
{
	struct gpio_chip *chip = gpio_device_open(places, number);

	if (chip != NULL) {
		survey_add(survey, number, chip->label);
	} else if (errno == EACCES || errno == EPERM) {
		if (survey->denied++ == 0)
			survey->first_denied = number;
	} else {
		survey_add(survey, number, strerror(errno));
	}
	return chip;
}

/* Ends a search without a result: what was missing, then what there is. */
static struct gpio_chip *survey_failed(const struct survey *survey, const char *missing, struct gpio_error *error)
{
	char denied[64] = "";

	if (survey->denied == 1)
		(void)snprintf(denied, sizeof(denied), "; no permission to open gpiochip%u", survey->first_denied);
	if (survey->denied > 1)
		(void)snprintf(denied, sizeof(denied), "; no permission to open gpiochip%u and %u more", survey->first_denied,
			survey->denied - 1);
	if (survey->chips[0] != '\0')
		gpio_error_set(error, "%s%s; there are %s", missing, denied, survey->chips);
	else
		gpio_error_set(error, "%s%s", missing, denied);
	return NULL;
}

static void close_chip(struct gpio_chip *chip)
{
	if (chip != NULL)
		chip->ops->close(chip);
}

static struct gpio_chip *find_header(
	const struct gpio_places *places, const struct gpio_devices *devices, struct gpio_error *error)
{
	struct survey survey = { 0 };
	struct gpio_chip *best = NULL;

	for (size_t i = 0; i < devices->count; i++) {
		struct gpio_chip *chip = survey_open(&survey, places, devices->device[i].number);

		if (chip == NULL)
			continue;
		if (gpio_header_rank(chip->label) < (best == NULL ? GPIO_HEADER_LABELS : gpio_header_rank(best->label))) {
			close_chip(best);
			best = chip;
		} else {
			close_chip(chip);
		}
	}
	if (best != NULL)
		return best;
	return survey_failed(&survey,
		"no Raspberry Pi header chip (pinctrl-rp1, pinctrl-bcm2711, pinctrl-bcm2835) found; "
		"name a chip with HTTAP_GPIOCHIP, or \"sim\" for the simulated one",
		error);
}

static struct gpio_chip *find_label(
	const struct gpio_places *places, const struct gpio_devices *devices, const char *label, struct gpio_error *error)
{
	struct survey survey = { 0 };
	struct gpio_chip *found = NULL;
	char missing[GPIO_ERROR_SIZE];

	for (size_t i = 0; i < devices->count; i++) {
		struct gpio_chip *chip = survey_open(&survey, places, devices->device[i].number);

		if (chip == NULL)
			continue;
		if (strcmp(chip->label, label) != 0) {
			close_chip(chip);
		} else if (found == NULL) {
			found = chip;
		} else {
			gpio_error_set(error, "the label \"%s\" fits %s and %s; name one of these instead", label, found->name,
				chip->name);
			close_chip(found);
			close_chip(chip);
			return NULL;
		}
	}
	if (found != NULL)
		return found;
	(void)snprintf(missing, sizeof(missing), "no chip has the label \"%s\"", label);
	return survey_failed(&survey, missing, error);
}

static struct gpio_chip *find_number(const struct gpio_places *places, unsigned int number, struct gpio_error *error)
{
	struct gpio_chip *chip = gpio_device_open(places, number);

	if (chip == NULL)
		gpio_error_set(error, "gpiochip%u could not be opened: %s", number, strerror(errno));
	return chip;
}

/* gpiochipN or /dev/gpiochipN. */
static bool is_device(const char *wanted, unsigned int *number)
{
	static const char dev[] = "/dev/";

	if (strncmp(wanted, dev, sizeof(dev) - 1) == 0)
		wanted += sizeof(dev) - 1;
	return gpio_device_number(wanted, number);
}

static struct gpio_chip *search(const struct gpio_places *places, const char *wanted, struct gpio_error *error)
{
	struct gpio_devices devices;
	struct gpio_chip *chip;

	if (gpio_devices_list(&devices, places) != 0) {
		gpio_error_set(error, "chips could not be looked for: %s", strerror(errno));
		return NULL;
	}
	if (wanted == NULL || wanted[0] == '\0')
		chip = find_header(places, &devices, error);
	else
		chip = find_label(places, &devices, wanted, error);
	gpio_devices_free(&devices);
	return chip;
}

struct gpio_chip *gpio_find_chip(const struct gpio_places *places, const char *wanted, struct gpio_error *error)
{
	unsigned int number;

	if (wanted != NULL && strcmp(wanted, "sim") == 0) {
		struct gpio_chip *sim = gpio_chip_sim.open("");

		if (sim == NULL)
			gpio_error_set(error, "the simulated chip could not be made: %s", strerror(errno));
		return sim;
	}
	if (places->kernel == NULL) {
		gpio_error_set(error,
			"this build has no libgpiod, and so no chip but the simulated one; "
			"name that with HTTAP_GPIOCHIP=sim");
		return NULL;
	}
	if (wanted != NULL && is_device(wanted, &number))
		return find_number(places, number, error);
	return search(places, wanted, error);
}

static int line_info(struct gpio_chip *chip, const struct gpio_spec *spec, unsigned int offset, struct gpio_line_info *info,
	struct gpio_error *error)
{
	if (chip->ops->line_info(chip, offset, info) == 0)
		return 0;
	return gpio_error_set(
		error, "%s: %s tells nothing about its line %u: %s", spec->name, chip->name, offset, strerror(errno));
}

/* Looks for the line whose kernel name was given. Kernel names need not be unique, even on one chip. Returns how many
 * were found: 0, 1, or -1 for refused. */
static int find_named(struct gpio_chip *chip, const struct gpio_spec *spec, unsigned int *offset, struct gpio_line_info *info,
	struct gpio_error *error)
{
	struct gpio_line_info other;
	int found = 0;

	for (unsigned int i = 0; i < chip->line_count; i++) {
		if (line_info(chip, spec, i, &other, error) != 0)
			return -1;
		if (strcmp(other.name, spec->line) != 0)
			continue;
		if (found == 1)
			return gpio_error_set(error, "%s: %s has two lines named \"%s\", %u and %u; name one by its number",
				spec->name, chip->name, spec->line, *offset, i);
		found = 1;
		*offset = i;
		*info = other;
	}
	return found;
}

/* Some kernels name lines of the header after a function (SDA1, TXD1), so that GPIO2 or GPIO14 is no line's name; on
 * the chip of the header the number in GPIO<n> has always been the offset. */
static bool is_header_number(const struct gpio_chip *chip, const char *line, unsigned int *offset)
{
	return gpio_header_rank(chip->label) < GPIO_HEADER_LABELS && strncmp(line, "GPIO", 4) == 0 &&
		gpio_text_number(line + 4, offset);
}

int gpio_find_line(struct gpio_chip *chip, const struct gpio_spec *spec, unsigned int *offset, struct gpio_line_info *info,
	struct gpio_error *error)
{
	if (!gpio_text_number(spec->line, offset)) {
		int found = find_named(chip, spec, offset, info, error);

		if (found != 0)
			return found == 1 ? 0 : -1;
		if (!is_header_number(chip, spec->line, offset))
			return gpio_error_set(error,
				"%s: %s (%s) has no line named \"%s\"; its lines also go by their numbers, 0 to %u", spec->name,
				chip->name, chip->label, spec->line, chip->line_count - 1);
	}
	if (*offset >= chip->line_count)
		return gpio_error_set(error, "%s: %s (%s) has no line %u; its lines are 0 to %u", spec->name, chip->name,
			chip->label, *offset, chip->line_count - 1);
	return line_info(chip, spec, *offset, info, error);
}

int gpio_error_busy(struct gpio_error *error, const struct gpio_chip *chip, const struct gpio_spec *spec, unsigned int offset,
	const char *holder)
{
	static const char remedy[] = "stop that program or choose another line";

	if (holder[0] == '\0')
		return gpio_error_set(error,
			"%s: line %s (%s %u) is held by a driver of the kernel or a program that gave no name; %s", spec->name,
			spec->line, chip->name, offset, remedy);
	return gpio_error_set(
		error, "%s: line %s (%s %u) is held by \"%s\"; %s", spec->name, spec->line, chip->name, offset, holder, remedy);
}
