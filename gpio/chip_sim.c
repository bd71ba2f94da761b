/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The simulated chip: lines in memory, named as on a Raspberry Pi's header, for demonstration, tests and benchmarks.
 * It behaves as a chip without anything connected: a line that nobody drives floats to 0 unless a bias pulls it up. A
 * line that is let go keeps direction and level, as on Raspberry Pi OS. Must never touch a device.
 */
#include "chip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

struct sim_line {
	char consumer[GPIO_NAME_SIZE];
	bool used;
	enum gpio_direction direction;
	enum gpio_drive drive;
	bool pulled_up;
	uint8_t written; /* the level an output was told to show */
};

struct sim_chip {
	struct gpio_chip chip;
	struct sim_line line[GPIO_SIM_LINES];
};

struct sim_request {
	struct gpio_request request;
	size_t count;
	struct sim_line *line[GPIO_LINES_MAX];
};

/* What a meter on the pin would show: open-drain drives only 0, open-source only 1, and the pull decides the rest. */
static uint8_t sim_level(const struct sim_line *line)
{
	bool driven = line->direction == GPIO_OUTPUT;

	if (driven && line->drive == GPIO_OPEN_DRAIN)
		driven = line->written == 0;
	if (driven && line->drive == GPIO_OPEN_SOURCE)
		driven = line->written == 1;
	return driven ? line->written : line->pulled_up;
}

static struct gpio_chip *sim_open(const char *path)
{
	struct sim_chip *sim = calloc(1, sizeof(*sim));

	(void)path; /* there is no device behind it */
	if (sim == NULL)
		return NULL;
	sim->chip.ops = &gpio_chip_sim;
	gpio_text_copy(sim->chip.name, "sim");
	gpio_text_copy(sim->chip.label, "sim");
	sim->chip.line_count = GPIO_SIM_LINES;
	for (size_t i = 0; i < GPIO_SIM_LINES; i++)
		sim->line[i].direction = GPIO_INPUT;
	return &sim->chip;
}

static void sim_close(struct gpio_chip *chip)
{
	free(chip);
}

static int sim_line_info(struct gpio_chip *chip, unsigned int offset, struct gpio_line_info *info)
{
	const struct sim_line *line = &((struct sim_chip *)chip)->line[offset];

	(void)snprintf(info->name, sizeof(info->name), "GPIO%u", offset);
	gpio_text_copy(info->consumer, line->consumer);
	info->used = line->used;
	info->direction = line->direction;
	return 0;
}

static void sim_pull(struct sim_line *line, enum gpio_bias bias)
{
	if (bias != GPIO_BIAS_AS_IS)
		line->pulled_up = bias == GPIO_BIAS_PULL_UP;
}

static void sim_take(struct sim_line *line, enum gpio_direction direction, struct gpio_line_config *config)
{
	if (direction == GPIO_OUTPUT) {
		if (config->level == GPIO_LEVEL_KEEP)
			config->level = sim_level(line) != 0 ? GPIO_HIGH : GPIO_LOW;
		line->written = config->level == GPIO_HIGH;
		line->drive = config->drive;
	}
	line->direction = direction;
	line->used = true;
	sim_pull(line, config->bias);
}

static bool sim_all_free(const struct sim_chip *sim, const struct gpio_line_config *config, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sim->line[config[i].offset].used)
			return false;
	}
	return true;
}

static struct gpio_request *sim_request(
	struct gpio_chip *chip, enum gpio_direction direction, struct gpio_line_config *config, size_t count)
{
	struct sim_chip *sim = (struct sim_chip *)chip;
	struct sim_request *request;

	if (!sim_all_free(sim, config, count)) {
		errno = EBUSY;
		return NULL;
	}
	request = calloc(1, sizeof(*request));
	if (request == NULL)
		return NULL;
	request->request.ops = &gpio_chip_sim;
	request->count = count;
	for (size_t i = 0; i < count; i++) {
		request->line[i] = &sim->line[config[i].offset];
		sim_take(request->line[i], direction, &config[i]);
		gpio_consumer_join(request->line[i]->consumer, config, gpio_set_of(count));
	}
	return &request->request;
}

static int sim_set(struct gpio_request *request, uint64_t lines, uint64_t levels)
{
	struct sim_request *sim = (struct sim_request *)request;

	for (; lines != 0; lines &= lines - 1) {
		unsigned int bit = gpio_set_first(lines);

		sim->line[bit]->written = levels >> bit & 1;
	}
	return 0;
}

static int sim_get(struct gpio_request *request, uint64_t lines, uint64_t *levels)
{
	const struct sim_request *sim = (const struct sim_request *)request;

	*levels = 0;
	for (; lines != 0; lines &= lines - 1) {
		unsigned int bit = gpio_set_first(lines);

		*levels |= (uint64_t)sim_level(sim->line[bit]) << bit;
	}
	return 0;
}

static void sim_release(struct gpio_request *request)
{
	struct sim_request *sim = (struct sim_request *)request;

	for (size_t i = 0; i < sim->count; i++) {
		sim->line[i]->used = false;
		sim->line[i]->consumer[0] = '\0';
	}
	free(sim);
}

static const char *sim_version(void)
{
	return "simulated";
}

const struct gpio_chip_ops gpio_chip_sim = {
	.open = sim_open,
	.close = sim_close,
	.line_info = sim_line_info,
	.request = sim_request,
	.set = sim_set,
	.get = sim_get,
	.release = sim_release,
	.version = sim_version,
};
