/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The simulated chip: lines in memory, named as on a Raspberry Pi's header, for demonstration, tests and benchmarks.
 * It behaves as a chip without anything connected, unless gpio_sim_drive() connects something: a line that nobody drives
 * floats to 0 unless a bias pulls it up. A line that is let go keeps direction and level, as on Raspberry Pi OS. Must never
 * touch a device, nor look at a clock.
 */
#include "chip.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "text.h"

struct sim_request;

struct sim_line {
	char consumer[GPIO_NAME_SIZE];
	struct sim_request *holder; /* NULL: nobody */
	uint8_t bit;                /* of the line in its holder */
	enum gpio_direction direction;
	enum gpio_drive drive;
	bool pulled_up;
	int8_t outside;  /* the level it is driven to from there; -1: it is not */
	uint8_t written; /* the level an output was told to show */
};

struct sim_chip {
	struct gpio_chip chip;
	bool gone;
	struct sim_line line[GPIO_SIM_LINES];
};

struct sim_request {
	struct gpio_request request;
	struct sim_chip *chip;
	size_t count;
	struct sim_line *line[GPIO_LINES_MAX];
	int edge_fd;                           /* an eventfd that is readable while the ring holds something; outputs: -1 */
	size_t first, waiting;                 /* in the ring */
	struct gpio_edge edge[GPIO_SIM_EDGES]; /* a ring */
};

/* What the line shows: open-drain drives only 0, open-source only 1; then the outside, then the pull. */
static uint8_t sim_level(const struct sim_line *line)
{
	bool driven = line->direction == GPIO_OUTPUT;

	if (driven && line->drive == GPIO_OPEN_DRAIN)
		driven = line->written == 0;
	if (driven && line->drive == GPIO_OPEN_SOURCE)
		driven = line->written == 1;
	if (driven)
		return line->written;
	return line->outside >= 0 ? line->outside == 1 : line->pulled_up;
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
	for (size_t i = 0; i < GPIO_SIM_LINES; i++) {
		sim->line[i].direction = GPIO_INPUT;
		sim->line[i].outside = -1;
	}
	return &sim->chip;
}

static int sim_gone(const struct sim_chip *sim)
{
	if (!sim->gone)
		return 0;
	errno = ENODEV;
	return -1;
}

static void sim_close(struct gpio_chip *chip)
{
	free(chip);
}

static int sim_line_info(struct gpio_chip *chip, unsigned int offset, struct gpio_line_info *info)
{
	const struct sim_chip *sim = (const struct sim_chip *)chip;
	const struct sim_line *line = &sim->line[offset];

	if (sim_gone(sim) != 0)
		return -1;
	(void)snprintf(info->name, sizeof(info->name), "GPIO%u", offset);
	gpio_text_copy(info->consumer, line->consumer);
	info->used = line->holder != NULL;
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
	sim_pull(line, config->bias);
}

static int sim_judge(const struct sim_chip *sim, const struct gpio_line_config *config, size_t count)
{
	if (sim_gone(sim) != 0 || gpio_request_judge(&sim->chip, config, count) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (sim->line[config[i].offset].holder != NULL) {
			errno = EBUSY;
			return -1;
		}
	}
	return 0;
}

static struct sim_request *sim_request_new(struct sim_chip *sim, enum gpio_direction direction, size_t count)
{
	struct sim_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->request.ops = &gpio_chip_sim;
	request->chip = sim;
	request->count = count;
	request->edge_fd = -1;
	if (direction == GPIO_INPUT) {
		request->edge_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (request->edge_fd < 0) {
			free(request);
			return NULL;
		}
	}
	return request;
}

static struct gpio_request *sim_request(
	struct gpio_chip *chip, enum gpio_direction direction, struct gpio_line_config *config, size_t count)
{
	struct sim_chip *sim = (struct sim_chip *)chip;
	struct sim_request *request;

	if (sim_judge(sim, config, count) != 0)
		return NULL;
	request = sim_request_new(sim, direction, count);
	if (request == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct sim_line *line = &sim->line[config[i].offset];

		sim_take(line, direction, &config[i]);
		gpio_consumer_join(line->consumer, config, gpio_set_of(count));
		line->holder = request;
		line->bit = (uint8_t)i;
		request->line[i] = line;
	}
	return &request->request;
}

static int sim_set(struct gpio_request *request, uint64_t lines, uint64_t levels)
{
	struct sim_request *sim = (struct sim_request *)request;

	if (sim_gone(sim->chip) != 0)
		return -1;
	for (; lines != 0; lines &= lines - 1) {
		unsigned int bit = gpio_set_first(lines);

		sim->line[bit]->written = levels >> bit & 1;
	}
	return 0;
}

static int sim_get(struct gpio_request *request, uint64_t lines, uint64_t *levels)
{
	const struct sim_request *sim = (const struct sim_request *)request;

	if (sim_gone(sim->chip) != 0)
		return -1;
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
		sim->line[i]->holder = NULL;
		sim->line[i]->consumer[0] = '\0';
	}
	if (sim->edge_fd >= 0)
		(void)close(sim->edge_fd); /* nothing was written that could be lost */
	free(sim);
}

static const char *sim_version(void)
{
	return "simulated";
}

static int sim_edge_fd(struct gpio_request *request)
{
	return ((const struct sim_request *)request)->edge_fd;
}

/* Makes the descriptor readable, or not. An eventfd can't refuse either: its count is 0 or 1. */
static void sim_wake(const struct sim_request *sim, bool readable)
{
	eventfd_t count;

	(void)(readable ? eventfd_write(sim->edge_fd, 1) : eventfd_read(sim->edge_fd, &count));
}

static void sim_note_edge(struct sim_request *sim, const struct gpio_edge *edge)
{
	sim->edge[(sim->first + sim->waiting) % GPIO_SIM_EDGES] = *edge;
	if (sim->waiting < GPIO_SIM_EDGES)
		sim->waiting++;
	else
		sim->first = (sim->first + 1) % GPIO_SIM_EDGES; /* that was the oldest one's place */
	if (sim->waiting == 1)
		sim_wake(sim, true);
}

static int sim_read_edge(struct gpio_request *request, struct gpio_edge *edge)
{
	struct sim_request *sim = (struct sim_request *)request;

	if (sim_gone(sim->chip) != 0)
		return -1;
	if (sim->waiting == 0)
		return 0;
	*edge = sim->edge[sim->first];
	sim->first = (sim->first + 1) % GPIO_SIM_EDGES;
	if (--sim->waiting == 0)
		sim_wake(sim, false);
	return 1;
}

int gpio_sim_drive(struct gpio_chip *chip, unsigned int offset, int level, int64_t time)
{
	struct gpio_edge edge = { .time = time };

	if (offset >= chip->line_count || level < -1 || level > 1) {
		errno = EINVAL;
		return -1;
	}
	struct sim_line *line = &((struct sim_chip *)chip)->line[offset];
	uint8_t before = sim_level(line);
	line->outside = (int8_t)level;
	edge.bit = line->bit;
	edge.level = sim_level(line);
	if (line->holder != NULL && line->direction == GPIO_INPUT && edge.level != before)
		sim_note_edge(line->holder, &edge);
	return 0;
}

int gpio_sim_level(const struct gpio_chip *chip, unsigned int offset)
{
	return sim_level(&((const struct sim_chip *)chip)->line[offset]);
}

void gpio_sim_unplug(struct gpio_chip *chip)
{
	struct sim_chip *sim = (struct sim_chip *)chip;

	sim->gone = true;
	for (size_t i = 0; i < GPIO_SIM_LINES; i++) {
		const struct sim_request *holder = sim->line[i].holder;

		if (holder != NULL && holder->edge_fd >= 0)
			sim_wake(holder, true);
	}
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
	.edge_fd = sim_edge_fd,
	.read_edge = sim_read_edge,
};
