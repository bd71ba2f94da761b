/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * A chip of the kernel through libgpiod 2. Each line has its own settings there, so that all lines of a request are one
 * request of the kernel. Must never ask libgpiod for active-low.
 */
#include "chip.h"

#include <errno.h>
#include <fcntl.h>
#include <gpiod.h>
#include <stdlib.h>

#include "text.h"

struct gpiod2_chip {
	struct gpio_chip chip;
	struct gpiod_chip *gpiod;
};

struct gpiod2_request {
	struct gpio_request request;
	struct gpiod_line_request *gpiod;
	struct gpiod_edge_event_buffer *edge; /* of one edge: what the kernel still holds keeps the descriptor readable */
	size_t count;
	unsigned int offset[GPIO_LINES_MAX]; /* by bit */
};

/* Frees what libgpiod made for us without losing the errno of what went wrong before. */
static void free_chip(struct gpiod2_chip *chip)
{
	int saved_errno = errno;

	if (chip->gpiod != NULL)
		gpiod_chip_close(chip->gpiod);
	free(chip);
	errno = saved_errno;
}

static int read_chip_info(struct gpiod2_chip *chip)
{
	struct gpiod_chip_info *info = gpiod_chip_get_info(chip->gpiod);

	if (info == NULL)
		return -1;
	chip->chip.ops = &gpio_chip_gpiod;
	gpio_text_copy(chip->chip.name, gpiod_chip_info_get_name(info));
	gpio_text_copy(chip->chip.label, gpiod_chip_info_get_label(info));
	chip->chip.line_count = (unsigned int)gpiod_chip_info_get_num_lines(info);
	gpiod_chip_info_free(info);
	return 0;
}

static struct gpio_chip *gpiod2_open(const char *path)
{
	struct gpiod2_chip *chip = calloc(1, sizeof(*chip));

	if (chip == NULL)
		return NULL;
	chip->gpiod = gpiod_chip_open(path);
	if (chip->gpiod != NULL && read_chip_info(chip) == 0)
		return &chip->chip;
	free_chip(chip);
	return NULL;
}

static void gpiod2_close(struct gpio_chip *chip)
{
	free_chip((struct gpiod2_chip *)chip);
}

static int gpiod2_line_info(struct gpio_chip *chip, unsigned int offset, struct gpio_line_info *info)
{
	struct gpiod_line_info *line = gpiod_chip_get_line_info(((struct gpiod2_chip *)chip)->gpiod, offset);

	if (line == NULL)
		return -1;
	gpio_text_copy(info->name, gpiod_line_info_get_name(line));
	gpio_text_copy(info->consumer, gpiod_line_info_get_consumer(line));
	info->used = gpiod_line_info_is_used(line);
	info->direction = gpiod_line_info_get_direction(line) == GPIOD_LINE_DIRECTION_OUTPUT ? GPIO_OUTPUT : GPIO_INPUT;
	gpiod_line_info_free(line);
	return 0;
}

static enum gpiod_line_bias bias_of(enum gpio_bias bias)
{
	static const enum gpiod_line_bias table[] = {
		[GPIO_BIAS_AS_IS] = GPIOD_LINE_BIAS_AS_IS,
		[GPIO_BIAS_OFF] = GPIOD_LINE_BIAS_DISABLED,
		[GPIO_BIAS_PULL_UP] = GPIOD_LINE_BIAS_PULL_UP,
		[GPIO_BIAS_PULL_DOWN] = GPIOD_LINE_BIAS_PULL_DOWN,
	};

	return table[bias];
}

static enum gpiod_line_drive drive_of(enum gpio_drive drive)
{
	static const enum gpiod_line_drive table[] = {
		[GPIO_PUSH_PULL] = GPIOD_LINE_DRIVE_PUSH_PULL,
		[GPIO_OPEN_DRAIN] = GPIOD_LINE_DRIVE_OPEN_DRAIN,
		[GPIO_OPEN_SOURCE] = GPIOD_LINE_DRIVE_OPEN_SOURCE,
	};

	return table[drive];
}

static enum gpiod_line_value value_of(uint64_t levels, unsigned int bit)
{
	return (levels >> bit & 1) != 0 ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
}

/* What lines shall be. */
struct wish {
	enum gpio_direction direction;
	bool edges; /* inputs only */
	const struct gpio_line_config *config;
	size_t count;
};

static int fill_input(struct gpiod_line_settings *settings, bool edges)
{
	/* Stamps of edges are those of CLOCK_MONOTONIC as long as no other clock is asked for. */
	if (edges && gpiod_line_settings_set_edge_detection(settings, GPIOD_LINE_EDGE_BOTH) != 0)
		return -1;
	return gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT);
}

/* What one line shall be. A line that keeps its level is at first requested as it is, without bias or drive: the kernel
 * takes these only together with a direction. */
static int fill_settings(struct gpiod_line_settings *settings, const struct wish *wish, size_t i)
{
	const struct gpio_line_config *config = &wish->config[i];

	gpiod_line_settings_reset(settings);
	if (wish->direction == GPIO_OUTPUT && config->level == GPIO_LEVEL_KEEP)
		return gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_AS_IS);
	if (gpiod_line_settings_set_bias(settings, bias_of(config->bias)) != 0)
		return -1;
	if (wish->direction == GPIO_INPUT)
		return fill_input(settings, wish->edges);
	if (gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT) != 0 ||
		gpiod_line_settings_set_drive(settings, drive_of(config->drive)) != 0)
		return -1;
	return gpiod_line_settings_set_output_value(settings, value_of(config->level == GPIO_HIGH, 0));
}

static int fill_lines(struct gpiod_line_config *lines, const struct wish *wish)
{
	struct gpiod_line_settings *settings = gpiod_line_settings_new();
	int result = settings == NULL ? -1 : 0;

	for (size_t i = 0; result == 0 && i < wish->count; i++) {
		result = fill_settings(settings, wish, i);
		if (result == 0)
			result = gpiod_line_config_add_line_settings(lines, &wish->config[i].offset, 1, settings);
	}
	gpiod_line_settings_free(settings);
	return result;
}

/* The lines in the library's form: the same offsets in the same order each time, as reconfiguring wants it. */
static struct gpiod_line_config *lines_new(const struct wish *wish)
{
	struct gpiod_line_config *lines = gpiod_line_config_new();

	if (lines != NULL && fill_lines(lines, wish) != 0) {
		gpiod_line_config_free(lines);
		lines = NULL;
	}
	return lines;
}

static struct gpiod_line_request *request_lines(struct gpiod_chip *chip, const struct wish *wish)
{
	struct gpiod_line_request *request = NULL;
	struct gpiod_request_config *who = gpiod_request_config_new();
	struct gpiod_line_config *lines = lines_new(wish);

	if (who != NULL && lines != NULL) {
		char consumer[GPIO_NAME_SIZE];

		gpio_consumer_join(consumer, wish->config, gpio_set_of(wish->count));
		gpiod_request_config_set_consumer(who, consumer);
		request = gpiod_chip_request_lines(chip, who, lines);
	}
	gpiod_line_config_free(lines);
	gpiod_request_config_free(who);
	return request;
}

static int gpiod2_get(struct gpio_request *request, uint64_t lines, uint64_t *levels)
{
	const struct gpiod2_request *held = (const struct gpiod2_request *)request;
	enum gpiod_line_value value[GPIO_LINES_MAX];
	unsigned int offset[GPIO_LINES_MAX] = { 0 };
	size_t count = 0;

	for (uint64_t left = lines; left != 0; left &= left - 1)
		offset[count++] = held->offset[gpio_set_first(left)];
	if (gpiod_line_request_get_values_subset(held->gpiod, count, offset, value) != 0)
		return -1;
	*levels = 0;
	count = 0;
	for (uint64_t left = lines; left != 0; left &= left - 1)
		*levels |= (uint64_t)(value[count++] == GPIOD_LINE_VALUE_ACTIVE) << gpio_set_first(left);
	return 0;
}

static int gpiod2_set(struct gpio_request *request, uint64_t lines, uint64_t levels)
{
	const struct gpiod2_request *held = (const struct gpiod2_request *)request;
	enum gpiod_line_value value[GPIO_LINES_MAX];
	unsigned int offset[GPIO_LINES_MAX];
	size_t count = 0;

	for (; lines != 0; lines &= lines - 1) {
		unsigned int bit = gpio_set_first(lines);

		offset[count] = held->offset[bit];
		value[count++] = value_of(levels, bit);
	}
	return gpiod_line_request_set_values_subset(held->gpiod, count, offset, value);
}

/* Turns the lines that are held as they were into outputs that show what they showed. The request stays the same one
 * throughout: nobody can come in between, and nothing glitches. */
static int drive_kept(struct gpiod2_request *request, struct gpio_line_config *config, size_t count)
{
	struct gpiod_line_config *lines;
	uint64_t kept = 0;
	uint64_t levels;

	for (size_t i = 0; i < count; i++)
		kept |= (uint64_t)(config[i].level == GPIO_LEVEL_KEEP) << i;
	if (kept == 0)
		return 0;
	if (gpiod2_get(&request->request, kept, &levels) != 0)
		return -1;
	for (; kept != 0; kept &= kept - 1) {
		unsigned int bit = gpio_set_first(kept);

		config[bit].level = (levels >> bit & 1) != 0 ? GPIO_HIGH : GPIO_LOW;
	}
	lines = lines_new(&(struct wish){ .direction = GPIO_OUTPUT, .config = config, .count = count });
	if (lines == NULL)
		return -1;
	int result = gpiod_line_request_reconfigure_lines(request->gpiod, lines);
	gpiod_line_config_free(lines);
	return result;
}

static void gpiod2_release(struct gpio_request *request)
{
	struct gpiod2_request *held = (struct gpiod2_request *)request;
	int saved_errno = errno;

	if (held->gpiod != NULL)
		gpiod_line_request_release(held->gpiod);
	gpiod_edge_event_buffer_free(held->edge);
	free(held);
	errno = saved_errno;
}

/* Makes edges readable without waiting for one. */
static int watch_edges(struct gpiod2_request *request)
{
	int fd = gpiod_line_request_get_fd(request->gpiod);
	int flags = fcntl(fd, F_GETFL);

	request->edge = gpiod_edge_event_buffer_new(1);
	return request->edge == NULL || flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static struct gpio_request *request_as(
	struct gpio_chip *chip, enum gpio_direction direction, bool edges, struct gpio_line_config *config, size_t count)
{
	struct wish wish = { .direction = direction, .edges = edges, .config = config, .count = count };
	struct gpiod2_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->request.ops = &gpio_chip_gpiod;
	request->count = count;
	for (size_t i = 0; i < count; i++)
		request->offset[i] = config[i].offset;
	request->gpiod = request_lines(((struct gpiod2_chip *)chip)->gpiod, &wish);
	if (request->gpiod != NULL && (direction == GPIO_INPUT || drive_kept(request, config, count) == 0) &&
		(!edges || watch_edges(request) == 0))
		return &request->request;
	gpiod2_release(&request->request);
	return NULL;
}

static struct gpio_request *gpiod2_request(
	struct gpio_chip *chip, enum gpio_direction direction, struct gpio_line_config *config, size_t count)
{
	bool edges = direction == GPIO_INPUT;
	struct gpio_request *request;

	if (gpio_request_judge(chip, config, count) != 0)
		return NULL;
	request = request_as(chip, direction, edges, config, count);
	if (request == NULL && edges && gpio_edges_refused(errno))
		request = request_as(chip, direction, false, config, count);
	return request;
}

static int gpiod2_edge_fd(struct gpio_request *request)
{
	const struct gpiod2_request *held = (const struct gpiod2_request *)request;

	return held->edge != NULL ? gpiod_line_request_get_fd(held->gpiod) : -1;
}

static int gpiod2_read_edge(struct gpio_request *request, struct gpio_edge *edge)
{
	const struct gpiod2_request *held = (const struct gpiod2_request *)request;

	if (held->edge == NULL)
		return 0;
	if (gpiod_line_request_read_edge_events(held->gpiod, held->edge, 1) < 0)
		return errno == EAGAIN ? 0 : -1;
	struct gpiod_edge_event *event = gpiod_edge_event_buffer_get_event(held->edge, 0);
	unsigned int offset = gpiod_edge_event_get_line_offset(event);
	edge->bit = 0;
	while (edge->bit + 1U < held->count && held->offset[edge->bit] != offset)
		edge->bit++;
	edge->level = gpiod_edge_event_get_event_type(event) == GPIOD_EDGE_EVENT_RISING_EDGE;
	edge->time = (int64_t)(gpiod_edge_event_get_timestamp_ns(event) / 1000);
	return 1;
}

const struct gpio_chip_ops gpio_chip_gpiod = {
	.open = gpiod2_open,
	.close = gpiod2_close,
	.line_info = gpiod2_line_info,
	.request = gpiod2_request,
	.set = gpiod2_set,
	.get = gpiod2_get,
	.release = gpiod2_release,
	.version = gpiod_api_version,
	.edge_fd = gpiod2_edge_fd,
	.read_edge = gpiod2_read_edge,
};
