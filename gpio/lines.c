/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Requests, writes and reads of named lines (gpio.h), and the one place where logical values become electrical levels
 * and back: level(). Writing and reading allocate nothing. Must never move a line of a write that is refused.
 */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

/* Lines of several requests and their levels, gathered so that each request is one system call. Only the entries that
 * are `touched` hold anything: clearing all of them would cost more than the rest of a write. */
struct batch {
	uint32_t touched; /* a bit for each request */
	uint64_t lines[GPIO_REQUESTS_MAX];
	uint64_t levels[GPIO_REQUESTS_MAX];
};

/* The electrical level of a logical value, and the logical value of an electrical level. */
static uint8_t level(const struct gpio_line *line, uint8_t value)
{
	return value ^ line->spec.active_low;
}

static uint8_t request_index(unsigned int chip, enum gpio_direction direction)
{
	return (uint8_t)(2 * chip + (direction == GPIO_INPUT));
}

/* --- open and close --- */

static struct gpio_line_config config_of(const struct gpio_line *line, bool safe)
{
	enum gpio_level wanted = safe ? line->spec.safe : line->spec.initial;
	struct gpio_line_config config = {
		.consumer = line->spec.name,
		.offset = line->offset,
		.bias = line->spec.bias,
		.drive = line->spec.drive,
		.level = GPIO_LEVEL_KEEP,
	};

	if (wanted != GPIO_KEEP)
		config.level = level(line, wanted == GPIO_1) != 0 ? GPIO_HIGH : GPIO_LOW;
	return config;
}

/* Says why `count` lines could not be requested, as far as it can be known which one was the reason. */
static int request_failed(struct gpio_chip *chip, struct gpio_line *const *line, size_t count, struct gpio_error *error)
{
	int reason = errno;
	struct gpio_line_info info;

	for (size_t i = 0; reason == EBUSY && i < count; i++) {
		if (chip->ops->line_info(chip, line[i]->offset, &info) == 0 && info.used)
			return gpio_error_busy(error, chip, &line[i]->spec, line[i]->offset, info.consumer);
	}
	if (reason == E2BIG)
		return gpio_error_set(
			error, "the lines of %s have too many different combinations of bias and drive", chip->name);
	return gpio_error_set(error, "%s%s: %s of %s (%s) could not be requested: %s", line[0]->spec.name,
		count > 1 ? " and others" : "", line[0]->spec.direction == GPIO_OUTPUT ? "outputs" : "inputs", chip->name,
		chip->label, strerror(reason));
}

static int request_lines(
	struct gpio_lines *lines, unsigned int chip_index, enum gpio_direction direction, bool safe, struct gpio_error *error)
{
	struct gpio_chip *chip = lines->chip[chip_index];
	struct gpio_line *member[GPIO_LINES_MAX];
	struct gpio_line_config config[GPIO_LINES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < lines->count; i++) {
		struct gpio_line *line = &lines->line[i];

		if (line->chip_index != chip_index || line->spec.direction != direction)
			continue;
		lines->place[i].request = request_index(chip_index, direction);
		lines->place[i].bit = (uint8_t)count;
		member[count] = line;
		config[count++] = config_of(line, safe);
	}
	if (count == 0)
		return 0;
	struct gpio_request *request = chip->ops->request(chip, direction, config, count);
	if (request == NULL)
		return request_failed(chip, member, count, error);
	lines->request[request_index(chip_index, direction)] = request;
	uint64_t levels = 0;
	if (direction == GPIO_INPUT && request->ops->get(request, gpio_set_of(count), &levels) != 0)
		return request_failed(chip, member, count, error);
	for (size_t i = 0; i < count; i++)
		member[i]->value =
			level(member[i], direction == GPIO_OUTPUT ? config[i].level == GPIO_HIGH : (levels >> i & 1) != 0);
	return 0;
}

/* Inputs of all chips go first: whatever fails there has moved nothing yet. */
static int request_all(struct gpio_lines *lines, bool safe, struct gpio_error *error)
{
	static const enum gpio_direction order[] = { GPIO_INPUT, GPIO_OUTPUT };

	for (size_t turn = 0; turn < 2; turn++) {
		for (unsigned int i = 0; i < lines->chip_count; i++) {
			if (request_lines(lines, i, order[turn], safe, error) != 0)
				return -1;
		}
	}
	return 0;
}

struct gpio_lines *gpio_lines_open_at(
	const struct gpio_places *places, const struct gpio_specs *specs, const char *chip, bool safe, struct gpio_error *error)
{
	struct gpio_lines *lines = gpio_lines_look_up(places, specs, chip, error);

	if (lines != NULL && request_all(lines, safe, error) != 0) {
		/* Some may be held already and show their initial value, which kernels may keep after the release. */
		(void)gpio_lines_safe(lines, NULL);
		gpio_lines_close(lines);
		lines = NULL;
	}
	return lines;
}

struct gpio_lines *gpio_lines_open(const struct gpio_specs *specs, const char *chip, bool safe, struct gpio_error *error)
{
	struct gpio_places places = gpio_places_here();

	return gpio_lines_open_at(&places, specs, chip, safe, error);
}

void gpio_lines_close(struct gpio_lines *lines)
{
	if (lines == NULL)
		return;
	for (size_t i = 0; i < GPIO_REQUESTS_MAX; i++) {
		if (lines->request[i] != NULL)
			lines->request[i]->ops->release(lines->request[i]);
	}
	for (size_t i = 0; i < lines->chip_count; i++)
		lines->chip[i]->ops->close(lines->chip[i]);
	free(lines);
}

size_t gpio_lines_count(const struct gpio_lines *lines)
{
	return lines->count;
}

const struct gpio_line *gpio_lines_at(const struct gpio_lines *lines, size_t index)
{
	return &lines->line[index];
}

/* --- write --- */

static int refuse(struct gpio_error *error, const char *name, const char *why)
{
	gpio_error_set(error, "%s %s", name, why);
	errno = EINVAL;
	return -1;
}

static int judge(const struct gpio_lines *lines, const struct gpio_change *change, size_t count, struct gpio_error *error)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < count; i++) {
		if (change[i].line >= lines->count)
			return refuse(error, "a line", "is not one of those that were opened");
		const struct gpio_line *line = &lines->line[change[i].line];
		if (line->spec.direction != GPIO_OUTPUT)
			return refuse(error, line->spec.name, "is an input: it can be read, but not written");
		if (change[i].value > 1)
			return refuse(error, line->spec.name, "takes 0 or 1 and nothing else");
		if ((seen >> change[i].line & 1) != 0)
			return refuse(error, line->spec.name, "is named twice in one write");
		seen |= UINT64_C(1) << change[i].line;
	}
	return 0;
}

static inline void batch_add(const struct gpio_lines *lines, struct batch *batch, uint16_t line, uint8_t electrical)
{
	unsigned int request = lines->place[line].request;
	unsigned int bit = lines->place[line].bit;
	uint32_t mark = UINT32_C(1) << request;

	if ((batch->touched & mark) == 0) {
		batch->touched |= mark;
		batch->lines[request] = 0;
		batch->levels[request] = 0;
	}
	batch->lines[request] |= UINT64_C(1) << bit;
	batch->levels[request] |= (uint64_t)electrical << bit;
}

static int chip_failed(const struct gpio_lines *lines, unsigned int request, const char *what, struct gpio_error *error)
{
	const struct gpio_chip *chip = lines->chip[request / 2];

	return gpio_error_set(error, "%s (%s) could not be %s: %s", chip->name, chip->label, what, strerror(errno));
}

/* Writes a batch, one system call for each request. A failure (the chip is gone) ends it, unless it shall `go_on`
 * with the other chips. Returns the requests that were written; when these are not all, errno and `error` tell of the
 * first failure. */
static uint32_t batch_write(const struct gpio_lines *lines, const struct batch *batch, bool go_on, struct gpio_error *error)
{
	uint32_t written = 0;
	int reason = 0;

	for (uint32_t left = batch->touched; left != 0 && (reason == 0 || go_on); left &= left - 1) {
		unsigned int i = gpio_set_first(left);
		struct gpio_request *request = lines->request[i];

		if (request->ops->set(request, batch->lines[i], batch->levels[i]) == 0) {
			written |= UINT32_C(1) << i;
		} else if (reason == 0) {
			reason = errno;
			(void)chip_failed(lines, i, "written", error);
		}
	}
	if (reason != 0)
		errno = reason;
	return written;
}

static void tell(struct gpio_lines *lines, struct gpio_line *line, uint8_t value, int64_t time)
{
	uint8_t old = line->value;

	if (old == value)
		return;
	line->value = value;
	if (lines->changed != NULL)
		lines->changed(lines->context, line, old, value, time);
}

/* A pulse never ends before one that it came on top of. */
static void note_pulse(struct gpio_lines *lines, const struct gpio_change *change)
{
	uint64_t bit = UINT64_C(1) << change->line;
	int64_t *until = &lines->until[change->line];

	if (change->until == 0)
		lines->pulsing &= ~bit;
	else if ((lines->pulsing & bit) == 0 || *until < change->until)
		*until = change->until;
	if (change->until != 0)
		lines->pulsing |= bit;
}

/* Notes the values that are commanded now, and tells of those that are new. */
static void note(struct gpio_lines *lines, const struct gpio_change *change, size_t count, uint32_t written)
{
	for (size_t i = 0; i < count; i++) {
		if ((written >> lines->place[change[i].line].request & 1) != 0) {
			note_pulse(lines, &change[i]);
			tell(lines, &lines->line[change[i].line], change[i].value, -1);
		}
	}
}

static int write_lines(
	struct gpio_lines *lines, const struct gpio_change *change, size_t count, bool go_on, struct gpio_error *error)
{
	struct batch batch;

	batch.touched = 0;
	for (size_t i = 0; i < count; i++)
		batch_add(lines, &batch, change[i].line, level(&lines->line[change[i].line], change[i].value));
	uint32_t written = batch_write(lines, &batch, go_on, error);
	int reason = errno;
	note(lines, change, count, written);
	errno = reason; /* whatever on_change did to it */
	return written == batch.touched ? 0 : -1;
}

int gpio_lines_set(struct gpio_lines *lines, const struct gpio_change *change, size_t count, struct gpio_error *error)
{
	if (judge(lines, change, count, error) != 0)
		return -1;
	return write_lines(lines, change, count, false, error);
}

int64_t gpio_lines_deadline(const struct gpio_lines *lines)
{
	int64_t next = INT64_MAX;

	for (uint64_t left = lines->pulsing; left != 0; left &= left - 1) {
		int64_t until = lines->until[gpio_set_first(left)];
		next = until < next ? until : next;
	}
	return next;
}

int gpio_lines_tick(struct gpio_lines *lines, int64_t now, struct gpio_error *error)
{
	struct gpio_change change[GPIO_LINES_MAX];
	size_t count = 0;

	for (uint64_t left = lines->pulsing; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);

		if (lines->until[i] > now)
			continue;
		lines->pulsing &= ~(UINT64_C(1) << i); /* also when it can't be written: to try for ever would help nobody */
		change[count++] = (struct gpio_change){ .line = (uint16_t)i };
	}
	return count > 0 ? write_lines(lines, change, count, true, error) : 0;
}

int gpio_lines_safe(struct gpio_lines *lines, struct gpio_error *error)
{
	struct gpio_change change[GPIO_LINES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < lines->count; i++) {
		const struct gpio_spec *spec = &lines->line[i].spec;
		bool held =
			lines->request[request_index(lines->line[i].chip_index, spec->direction)] != NULL; /* opening: not all */

		bool pulsing = (lines->pulsing >> i & 1) != 0;

		if (spec->direction == GPIO_OUTPUT && (spec->safe != GPIO_KEEP || pulsing) && held)
			change[count++] = (struct gpio_change){ .line = (uint16_t)i, .value = spec->safe == GPIO_1 };
	}
	return write_lines(lines, change, count, true, error);
}

void gpio_lines_on_change(struct gpio_lines *lines, gpio_changed_fn *changed, void *context)
{
	lines->changed = changed;
	lines->context = context;
}

/* --- read --- */

static int batch_read(const struct gpio_lines *lines, struct batch *batch, struct gpio_error *error)
{
	for (uint32_t left = batch->touched; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);
		struct gpio_request *request = lines->request[i];

		if (request->ops->get(request, batch->lines[i], &batch->levels[i]) != 0)
			return chip_failed(lines, i, "read", error);
	}
	return 0;
}

int gpio_lines_get(struct gpio_lines *lines, const uint16_t *line, size_t count, uint8_t *value, struct gpio_error *error)
{
	struct batch batch;

	batch.touched = 0;
	for (size_t i = 0; i < count; i++) {
		if (line[i] >= lines->count)
			return refuse(error, "a line", "is not one of those that were opened");
		batch_add(lines, &batch, line[i], 0);
	}
	if (batch_read(lines, &batch, error) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		uint64_t levels = batch.levels[lines->place[line[i]].request];

		value[i] = level(&lines->line[line[i]], levels >> lines->place[line[i]].bit & 1);
	}
	return 0;
}

/* --- edges --- */

size_t gpio_lines_chips(const struct gpio_lines *lines)
{
	return lines->chip_count;
}

int gpio_lines_edge_fd(const struct gpio_lines *lines, size_t chip)
{
	struct gpio_request *request = lines->request[request_index((unsigned int)chip, GPIO_INPUT)];

	return request != NULL ? request->ops->edge_fd(request) : -1;
}

static struct gpio_line *line_at(struct gpio_lines *lines, unsigned int request, unsigned int bit)
{
	size_t i = 0;

	while (lines->place[i].request != request || lines->place[i].bit != bit)
		i++;
	return &lines->line[i];
}

/* Edges can be lost (chip.h): what the lines show when no edge waits is the truth. */
static int tell_inputs(struct gpio_lines *lines, unsigned int request, struct gpio_error *error)
{
	struct batch batch = { .touched = UINT32_C(1) << request };
	uint64_t inputs = 0;

	for (size_t i = 0; i < lines->count; i++)
		if (lines->place[i].request == request)
			inputs |= UINT64_C(1) << lines->place[i].bit;
	batch.lines[request] = inputs;
	if (batch_read(lines, &batch, error) != 0)
		return -1;
	for (; inputs != 0; inputs &= inputs - 1) {
		unsigned int bit = gpio_set_first(inputs);
		struct gpio_line *line = line_at(lines, request, bit);
		tell(lines, line, level(line, batch.levels[request] >> bit & 1), -1);
	}
	return 0;
}

int gpio_lines_edges(struct gpio_lines *lines, size_t chip, struct gpio_error *error)
{
	unsigned int index = request_index((unsigned int)chip, GPIO_INPUT);
	struct gpio_request *request = lines->request[index];
	struct gpio_edge edge;

	for (int i = 0; i < GPIO_EDGES_TURN; i++) {
		int taken = request->ops->read_edge(request, &edge);
		if (taken < 0)
			return chip_failed(lines, index, "watched", error);
		if (taken == 0)
			return tell_inputs(lines, index, error);
		struct gpio_line *line = line_at(lines, index, edge.bit);
		tell(lines, line, level(line, edge.level), edge.time);
	}
	return 0;
}
