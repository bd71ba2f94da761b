/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Requests, writes and reads of named lines (gpio.h), and the one place where logical values become electrical levels
 * and back: level(). Writing and reading allocate nothing. Must never move a line of a write that is refused.
 */
#include "lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "find.h"
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

struct gpio_lines *gpio_lines_open_at(const struct gpio_places *places, const struct gpio_specs *specs, const char *chip,
	bool safe, int64_t now, struct gpio_error *error)
{
	struct gpio_lines *lines = gpio_lines_look_up(places, specs, chip, error);

	if (lines != NULL && request_all(lines, safe, error) != 0) {
		/* Some may be held already and show their initial value, which kernels may keep after the release. */
		rules_begin(&lines->rules, lines->line, lines->count, now);
		(void)gpio_lines_stop(lines, now, NULL, NULL);
		gpio_lines_close(lines);
		return NULL;
	}
	if (lines != NULL)
		rules_begin(&lines->rules, lines->line, lines->count, now);
	return lines;
}

struct gpio_lines *gpio_lines_open(
	const struct gpio_specs *specs, const char *chip, bool safe, int64_t now, struct gpio_error *error)
{
	struct gpio_places places = gpio_places_here();

	return gpio_lines_open_at(&places, specs, chip, safe, now, error);
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

static int judge(const struct gpio_lines *lines, const struct gpio_command *command, size_t count, struct gpio_error *error)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < count; i++) {
		if (command[i].line >= lines->count)
			return refuse(error, "a line", "is not one of those that were opened");
		const struct gpio_line *line = &lines->line[command[i].line];
		if (line->spec.direction != GPIO_OUTPUT)
			return refuse(error, line->spec.name, "is an input: it can be read, but not written");
		if (command[i].action > GPIO_PULSE)
			return refuse(error, line->spec.name, "can be set to 0 or 1, toggled or pulsed, and nothing else");
		if ((seen >> command[i].line & 1) != 0)
			return refuse(error, line->spec.name, "is named twice in one write");
		seen |= UINT64_C(1) << command[i].line;
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

/* Three words are the rules' own: EINVAL, EBUSY, EPERM. */
static int chip_failed(const struct gpio_lines *lines, unsigned int request, const char *what, struct gpio_error *error)
{
	const struct gpio_chip *chip = lines->chip[request / 2];
	int reason = errno;

	(void)gpio_error_set(error, "%s (%s) could not be %s: %s", chip->name, chip->label, what, strerror(reason));
	errno = reason == EINVAL || reason == EBUSY || reason == EPERM ? EREMOTEIO : reason;
	return -1;
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
			(void)chip_failed(lines, i, "written", error);
			reason = errno;
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
		lines->changed(
			lines->context, line, old, value, time, line->spec.direction == GPIO_OUTPUT ? lines->why : "input");
}

/* Lines to be 0 and lines to be 1, at once as far as the kernel lets it. What has moved is noted and told. */
static int write_lines(struct gpio_lines *lines, int64_t now, uint64_t off, uint64_t on, bool go_on, struct gpio_error *error)
{
	struct batch batch;

	batch.touched = 0;
	for (uint64_t left = off | on; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);
		batch_add(lines, &batch, (uint16_t)i, level(&lines->line[i], on >> i & 1));
	}
	uint32_t written = batch_write(lines, &batch, go_on, error);
	int reason = errno;
	for (uint64_t left = off | on; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);
		if ((written >> lines->place[i].request & 1) == 0)
			continue;
		rules_moved(&lines->rules, now, i, on >> i & 1);
		tell(lines, &lines->line[i], on >> i & 1, -1);
	}
	errno = reason; /* whatever on_change did to it */
	return written == batch.touched ? 0 : -1;
}

/* In turn: what goes off must be off before the other goes on, and where it could not be written the other stays off. */
static int carry_out(struct gpio_lines *lines, int64_t now, const struct rules_plan *plan, bool go_on, struct gpio_error *error)
{
	if (!plan->in_turn)
		return write_lines(lines, now, plan->off, plan->on, go_on, error);
	if (write_lines(lines, now, plan->off, 0, go_on, error) != 0)
		return -1;
	return write_lines(lines, now, 0, plan->on, go_on, error);
}

static int abandon(struct gpio_lines *lines, int64_t now, struct rules_plan *plan)
{
	int reason = errno;

	rules_abandon(&lines->rules, plan);
	errno = write_lines(lines, now, plan->off, plan->on, true, NULL) == 0 ? reason : EIO;
	return -1;
}

/* One line that no rule guards: what most writes are about. The same as the long way with a plan, where nothing would be planned. */
static int write_plain(struct gpio_lines *lines, int64_t now, const struct gpio_party *party, const struct gpio_command *command,
	uint8_t *told, struct gpio_error *error)
{
	const size_t i = command->line;
	struct gpio_line *line = &lines->line[i];
	unsigned int index = lines->place[i].request, bit = lines->place[i].bit;
	uint8_t value = command->action == GPIO_TOGGLE ? !line->value : command->action == GPIO_SET_1;
	struct gpio_request *request = lines->request[index];
	if (request->ops->set(request, UINT64_C(1) << bit, (uint64_t)level(line, value) << bit) != 0)
		return chip_failed(lines, index, "written", error);
	rules_moved_plain(&lines->rules, i, value);
	tell(lines, line, value, -1);
	if (lines->rules.driver_until != INT64_MAX) /* most of the time nobody drives */
		rules_renew(&lines->rules, now, party->id);
	if (told != NULL)
		*told = value;
	return 0;
}

/* The long way: the rules make a plan. It is large, so that inlined it would cost the short way its frame. */
__attribute__((noinline)) static int write_planned(struct gpio_lines *lines, int64_t now, const struct gpio_party *party,
	const struct gpio_command *command, size_t count, uint8_t *value, struct gpio_error *error)
{
	struct rules_plan plan;

	if (judge(lines, command, count, error) != 0)
		return -1;
	/* What is due comes before what is asked for, also when the caller is late. */
	if (gpio_lines_deadline(lines) <= now && gpio_lines_tick(lines, now, error) != 0)
		return -1;
	if (rules_command(&lines->rules, now, party, command, count, &plan, error) != 0)
		return -1;
	if (carry_out(lines, now, &plan, false, error) != 0)
		return abandon(lines, now, &plan);
	rules_done(&lines->rules, now, party, &plan);
	for (size_t i = 0; i < count && value != NULL; i++)
		value[i] = lines->line[command[i].line].value;
	return 0;
}

int gpio_lines_write(struct gpio_lines *lines, int64_t now, const struct gpio_party *party, const struct gpio_command *command,
	size_t count, uint8_t *value, struct gpio_error *error)
{
	if (count == 1 && rules_are_silent(&lines->rules, command) && gpio_lines_deadline(lines) > now)
		return write_plain(lines, now, party, command, value, error);
	return write_planned(lines, now, party, command, count, value, error);
}

void gpio_lines_renew(struct gpio_lines *lines, int64_t now, const char *id)
{
	rules_renew(&lines->rules, now, id);
}

const char *gpio_lines_driver(const struct gpio_lines *lines, int64_t now, int64_t *left)
{
	return rules_driver(&lines->rules, now, left);
}

static int64_t settled_at(const struct gpio_lines *lines, size_t i)
{
	return lines->since[i] + lines->line[i].spec.debounce;
}

int64_t gpio_lines_deadline(const struct gpio_lines *lines)
{
	int64_t next = lines->rules.driver_until;

	if ((lines->rules.timed | lines->settling) == 0)
		return next;
	next = rules_deadline(&lines->rules);
	for (uint64_t left = lines->settling; left != 0; left &= left - 1) {
		int64_t end = settled_at(lines, gpio_set_first(left));
		next = end < next ? end : next;
	}
	return next;
}

/* What nobody commanded. */
static int carry_out_because(
	struct gpio_lines *lines, int64_t now, const struct rules_plan *plan, const char *why, struct gpio_error *error)
{
	lines->why = why;
	int result = carry_out(lines, now, plan, true, error);
	lines->why = NULL;
	return result;
}

int gpio_lines_leave(struct gpio_lines *lines, int64_t now, const char *id, struct gpio_error *error)
{
	struct rules_plan plan;

	if (!rules_leave(&lines->rules, id, &plan))
		return 0;
	return carry_out_because(lines, now, &plan, lines->rules.why, error);
}

int gpio_lines_tick(struct gpio_lines *lines, int64_t now, struct gpio_error *error)
{
	struct rules_plan plan;
	int reason = 0;

	while (rules_due(&lines->rules, now, &plan))
		if (carry_out_because(lines, now, &plan, lines->rules.why, reason == 0 ? error : NULL) != 0 && reason == 0)
			reason = errno;
	/* Edges that nobody has taken yet may say that it did not stay. */
	for (uint64_t left = lines->settling; left != 0; left &= left - 1) {
		unsigned int i = gpio_set_first(left);

		if (settled_at(lines, i) <= now &&
			gpio_lines_edges(lines, lines->line[i].chip_index, now, reason == 0 ? error : NULL) != 0 && reason == 0)
			reason = errno;
	}
	if (reason != 0)
		errno = reason;
	return reason == 0 ? 0 : -1;
}

int gpio_lines_stop(struct gpio_lines *lines, int64_t now, const char *why, struct gpio_error *error)
{
	struct rules_plan plan;
	uint64_t held = 0;

	rules_stop(&lines->rules, &plan);
	for (size_t i = 0; i < lines->count; i++) /* while they are being opened: not all */
		if (lines->request[request_index(lines->line[i].chip_index, lines->line[i].spec.direction)] != NULL)
			held |= UINT64_C(1) << i;
	plan.off &= held;
	plan.on &= held;
	return carry_out_because(lines, now, &plan, why, error);
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

/* What a reader is told of an input that shows this value. It is a change like one that an edge tells of: else two edges that came as
 * one (chip.h), or none at all, would leave everybody with what the reader saw in between. */
static uint8_t read_input(struct gpio_lines *lines, struct gpio_line *line, uint8_t value)
{
	if (line->spec.debounce > 0 && gpio_lines_edge_fd(lines, line->chip_index) >= 0)
		return line->value;
	tell(lines, line, value, -1);
	return value;
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

		struct gpio_line *known = &lines->line[line[i]];

		value[i] = level(known, levels >> lines->place[line[i]].bit & 1);
		if (known->spec.direction == GPIO_INPUT)
			value[i] = read_input(lines, known, value[i]);
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

static bool has_kernel_output(const struct gpio_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		if (lines->line[i].spec.direction == GPIO_OUTPUT && strcmp(lines->line[i].chip, "sim") != 0)
			return true;
	return false;
}

bool gpio_lines_remark(const struct gpio_lines *lines, size_t index, char *text, size_t size)
{
	if (index == 0) {
		(void)snprintf(text, size, "%s", gpio_release_policy_at("/sys/module"));
		return has_kernel_output(lines);
	}
	const struct gpio_line *line = &lines->line[index - 1];

	if (line->spec.direction != GPIO_INPUT || gpio_lines_edge_fd(lines, line->chip_index) >= 0)
		return false;
	(void)snprintf(text, size, "%s: %s (%s) tells of no changes: it is read when somebody asks%s", line->spec.name,
		line->chip, line->label, line->spec.debounce > 0 ? ", and debounce= does nothing" : "");
	return true;
}

static struct gpio_line *line_at(struct gpio_lines *lines, unsigned int request, unsigned int bit)
{
	size_t i = 0;

	while (lines->place[i].request != request || lines->place[i].bit != bit)
		i++;
	return &lines->line[i];
}

/* A new value of a debounced input counts when it has stayed, from the edge on that began it. */
static void settle(struct gpio_lines *lines, size_t i, int64_t now)
{
	if ((lines->settling >> i & 1) == 0 || settled_at(lines, i) > now)
		return;
	lines->settling &= ~(UINT64_C(1) << i);
	tell(lines, &lines->line[i], !lines->line[i].value, lines->since[i]);
}

/* An input shows this value: by an edge since `time`, or by a look at it. */
static void see(struct gpio_lines *lines, struct gpio_line *line, uint8_t value, int64_t time, bool edge)
{
	size_t i = (size_t)(line - lines->line);
	uint64_t bit = UINT64_C(1) << i;

	settle(lines, i, time);
	if (value == line->value) {
		lines->settling &= ~bit;
	} else if (line->spec.debounce == 0) {
		tell(lines, line, value, time);
	} else if (edge || (lines->settling & bit) == 0) {
		lines->settling |= bit;
		lines->since[i] = time;
	}
}

/* Edges can be lost (chip.h): what the lines show when no edge waits is the truth. */
static int tell_inputs(struct gpio_lines *lines, unsigned int request, int64_t now, struct gpio_error *error)
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
		see(lines, line, level(line, batch.levels[request] >> bit & 1), now, false);
	}
	return 0;
}

int gpio_lines_edges(struct gpio_lines *lines, size_t chip, int64_t now, struct gpio_error *error)
{
	unsigned int index = request_index((unsigned int)chip, GPIO_INPUT);
	struct gpio_request *request = lines->request[index];
	struct gpio_edge edge;

	for (int i = 0; i < GPIO_EDGES_TURN; i++) {
		int taken = request->ops->read_edge(request, &edge);
		if (taken < 0)
			return chip_failed(lines, index, "watched", error);
		if (taken == 0)
			return tell_inputs(lines, index, now, error);
		struct gpio_line *line = line_at(lines, index, edge.bit);
		/* A stamp from the future is one of another clock (chip.h). */
		see(lines, line, level(line, edge.level), edge.time >= 0 && edge.time <= now ? edge.time : now, true);
	}
	return 0;
}
