/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * A chip of the kernel through libgpiod 1.6. There, bias and drive belong to a request, not to a line: lines that
 * differ in them lie in requests ("handles") of their own, and only those cost further system calls. A write always
 * covers all lines of a handle, so that a shadow of what was written last is kept. Inputs that tell of edges have a
 * descriptor each, and reading them is a system call for each. Must never ask libgpiod for active-low.
 */
#include "chip.h"

#include <errno.h>
#include <gpiod.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "text.h"

/* Every bias with every drive. */
#define HANDLES_MAX 12

struct gpiod1_chip {
	struct gpio_chip chip;
	struct gpiod_chip *gpiod;
};

/* Lines that were requested together. */
struct handle {
	uint64_t lines; /* which of the request's, by their bits; in the bulk they stand in ascending order */
	int flags;
	struct gpiod_line_bulk bulk;
};

struct gpiod1_request {
	struct gpio_request request;
	uint64_t shadow; /* outputs: the levels written last */
	size_t count;
	struct handle handle[HANDLES_MAX];
	int edge_fd;                           /* an epoll set of the lines' descriptors and `ahead_fd`; -1: no edges */
	int ahead_fd;                          /* an eventfd that is readable while edges were read ahead */
	uint64_t ahead;                        /* lines whose next edge was read ahead, to find the oldest of all */
	int line_fd[GPIO_LINES_MAX];           /* by bit */
	struct gpio_edge edge[GPIO_LINES_MAX]; /* of the lines of `ahead` */
};

/* What the descriptor is called in the epoll set that is no line's. */
#define AHEAD GPIO_LINES_MAX

static struct gpio_chip *gpiod1_open(const char *path)
{
	struct gpiod1_chip *chip = calloc(1, sizeof(*chip));

	if (chip == NULL)
		return NULL;
	chip->gpiod = gpiod_chip_open(path);
	if (chip->gpiod == NULL) {
		free(chip);
		return NULL;
	}
	chip->chip.ops = &gpio_chip_gpiod;
	gpio_text_copy(chip->chip.name, gpiod_chip_name(chip->gpiod));
	gpio_text_copy(chip->chip.label, gpiod_chip_label(chip->gpiod));
	chip->chip.line_count = gpiod_chip_num_lines(chip->gpiod);
	return &chip->chip;
}

static void gpiod1_close(struct gpio_chip *chip)
{
	gpiod_chip_close(((struct gpiod1_chip *)chip)->gpiod);
	free(chip);
}

static int gpiod1_line_info(struct gpio_chip *chip, unsigned int offset, struct gpio_line_info *info)
{
	/* Getting a line asks the kernel for its information every time, also when the library knows the line. */
	struct gpiod_line *line = gpiod_chip_get_line(((struct gpiod1_chip *)chip)->gpiod, offset);

	if (line == NULL)
		return -1;
	gpio_text_copy(info->name, gpiod_line_name(line));
	gpio_text_copy(info->consumer, gpiod_line_consumer(line));
	info->used = gpiod_line_is_used(line);
	info->direction = gpiod_line_direction(line) == GPIOD_LINE_DIRECTION_OUTPUT ? GPIO_OUTPUT : GPIO_INPUT;
	return 0;
}

static int flags_of(const struct gpio_line_config *config, enum gpio_direction direction)
{
	static const int bias[] = {
		[GPIO_BIAS_AS_IS] = 0,
		[GPIO_BIAS_OFF] = GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE,
		[GPIO_BIAS_PULL_UP] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP,
		[GPIO_BIAS_PULL_DOWN] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN,
	};
	static const int drive[] = {
		[GPIO_PUSH_PULL] = 0,
		[GPIO_OPEN_DRAIN] = GPIOD_LINE_REQUEST_FLAG_OPEN_DRAIN,
		[GPIO_OPEN_SOURCE] = GPIOD_LINE_REQUEST_FLAG_OPEN_SOURCE,
	};

	return bias[config->bias] | (direction == GPIO_OUTPUT ? drive[config->drive] : 0);
}

/* The handle for these flags, a new one if there is none yet. There are no more kinds of flags than handles. */
static struct handle *handle_for(struct gpiod1_request *request, int flags)
{
	for (size_t i = 0; i < request->count; i++) {
		if (request->handle[i].flags == flags)
			return &request->handle[i];
	}
	struct handle *handle = &request->handle[request->count++];
	handle->flags = flags;
	return handle;
}

/* Sorts the lines into handles. */
static int sort_lines(struct gpiod1_request *request, struct gpiod1_chip *chip, enum gpio_direction direction,
	const struct gpio_line_config *config, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct handle *handle = handle_for(request, flags_of(&config[i], direction));
		struct gpiod_line *line = gpiod_chip_get_line(chip->gpiod, config[i].offset);

		if (line == NULL)
			return -1;
		gpiod_line_bulk_add(&handle->bulk, line);
		handle->lines |= UINT64_C(1) << i;
	}
	return 0;
}

/* Spreads the bits of a handle's lines over the array of integers that the library wants; returns it. */
static const int *spread(const struct handle *handle, uint64_t levels, int value[GPIO_LINES_MAX])
{
	size_t i = 0;

	for (uint64_t left = handle->lines; left != 0; left &= left - 1)
		value[i++] = (int)(levels >> gpio_set_first(left) & 1);
	return value;
}

/* Reads all lines of a handle into their bits. */
static int handle_read(struct handle *handle, uint64_t *levels)
{
	int value[GPIO_LINES_MAX];
	size_t i = 0;

	if (gpiod_line_get_value_bulk(&handle->bulk, value) != 0)
		return -1;
	*levels &= ~handle->lines;
	for (uint64_t left = handle->lines; left != 0; left &= left - 1)
		*levels |= (uint64_t)(value[i++] != 0) << gpio_set_first(left);
	return 0;
}

/* Which of the handle's lines shall show what they show already. */
static uint64_t kept_lines(const struct handle *handle, const struct gpio_line_config *config)
{
	uint64_t kept = 0;

	for (uint64_t left = handle->lines; left != 0; left &= left - 1) {
		if (config[gpio_set_first(left)].level == GPIO_LEVEL_KEEP)
			kept |= left & -left;
	}
	return kept;
}

/* Holds outputs of which some shall keep their level: the handle is requested as it is (the kernel then takes no flags
 * either), read, and turned into outputs without being let go. Nobody can come in between, and nothing glitches. */
static int handle_keep(struct handle *handle, struct gpiod_line_request_config *as, uint64_t kept, uint64_t *levels)
{
	int value[GPIO_LINES_MAX];
	uint64_t found = 0;

	as->request_type = GPIOD_LINE_REQUEST_DIRECTION_AS_IS;
	as->flags = 0;
	if (gpiod_line_request_bulk(&handle->bulk, as, NULL) != 0 || handle_read(handle, &found) != 0)
		return -1;
	*levels = (*levels & ~kept) | (found & kept);
	return gpiod_line_set_config_bulk(
		&handle->bulk, GPIOD_LINE_REQUEST_DIRECTION_OUTPUT, handle->flags, spread(handle, *levels, value));
}

static int handle_request(
	struct handle *handle, enum gpio_direction direction, bool edges, const struct gpio_line_config *config, uint64_t *levels)
{
	char consumer[GPIO_NAME_SIZE];
	int value[GPIO_LINES_MAX];
	struct gpiod_line_request_config as = { .consumer = consumer, .flags = handle->flags };

	gpio_consumer_join(consumer, config, handle->lines);
	if (direction == GPIO_INPUT) {
		as.request_type = edges ? GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES : GPIOD_LINE_REQUEST_DIRECTION_INPUT;
		return gpiod_line_request_bulk(&handle->bulk, &as, NULL);
	}
	uint64_t kept = kept_lines(handle, config);
	if (kept != 0)
		return handle_keep(handle, &as, kept, levels);
	as.request_type = GPIOD_LINE_REQUEST_DIRECTION_OUTPUT;
	return gpiod_line_request_bulk(&handle->bulk, &as, spread(handle, *levels, value));
}

static int request_all(
	struct gpiod1_request *request, enum gpio_direction direction, bool edges, struct gpio_line_config *config, size_t count)
{
	for (size_t i = 0; i < count; i++)
		request->shadow |= (uint64_t)(config[i].level == GPIO_HIGH) << i;
	for (size_t i = 0; i < request->count; i++) {
		if (handle_request(&request->handle[i], direction, edges, config, &request->shadow) != 0)
			return -1;
	}
	for (size_t i = 0; i < count; i++)
		config[i].level = (request->shadow >> i & 1) != 0 ? GPIO_HIGH : GPIO_LOW;
	return 0;
}

static int watch(const struct gpiod1_request *request, int fd, uint32_t name)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = name };

	return fd < 0 ? -1 : epoll_ctl(request->edge_fd, EPOLL_CTL_ADD, fd, &event);
}

static int watch_handle(struct gpiod1_request *request, struct handle *handle)
{
	unsigned int i = 0;

	for (uint64_t left = handle->lines; left != 0; left &= left - 1) {
		unsigned int bit = gpio_set_first(left);

		request->line_fd[bit] = gpiod_line_event_get_fd(gpiod_line_bulk_get_line(&handle->bulk, i++));
		if (watch(request, request->line_fd[bit], bit) != 0)
			return -1;
	}
	return 0;
}

static int watch_all(struct gpiod1_request *request)
{
	request->edge_fd = epoll_create1(EPOLL_CLOEXEC);
	request->ahead_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (request->edge_fd < 0 || watch(request, request->ahead_fd, AHEAD) != 0)
		return -1;
	for (size_t i = 0; i < request->count; i++) {
		if (watch_handle(request, &request->handle[i]) != 0)
			return -1;
	}
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd); /* nothing was written that could be lost */
}

static void gpiod1_release(struct gpio_request *request)
{
	struct gpiod1_request *all = (struct gpiod1_request *)request;
	int saved_errno = errno;

	close_fd(all->edge_fd);
	close_fd(all->ahead_fd);
	for (size_t i = 0; i < all->count; i++) {
		/* Also right for a handle whose request failed: releasing free lines does nothing. */
		if (all->handle[i].lines != 0)
			gpiod_line_release_bulk(&all->handle[i].bulk);
	}
	free(all);
	errno = saved_errno;
}

static struct gpio_request *request_as(
	struct gpio_chip *chip, enum gpio_direction direction, bool edges, struct gpio_line_config *config, size_t count)
{
	struct gpiod1_request *request = calloc(1, sizeof(*request));

	if (request == NULL)
		return NULL;
	request->request.ops = &gpio_chip_gpiod;
	request->edge_fd = -1;
	request->ahead_fd = -1;
	if (sort_lines(request, (struct gpiod1_chip *)chip, direction, config, count) == 0 &&
		request_all(request, direction, edges, config, count) == 0 && (!edges || watch_all(request) == 0))
		return &request->request;
	gpiod1_release(&request->request);
	return NULL;
}

static struct gpio_request *gpiod1_request(
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

static int gpiod1_set(struct gpio_request *request, uint64_t lines, uint64_t levels)
{
	struct gpiod1_request *all = (struct gpiod1_request *)request;
	uint64_t next = (all->shadow & ~lines) | (levels & lines);
	int value[GPIO_LINES_MAX];

	for (size_t i = 0; i < all->count; i++) {
		struct handle *handle = &all->handle[i];

		if ((handle->lines & lines) == 0)
			continue;
		if (gpiod_line_set_value_bulk(&handle->bulk, spread(handle, next, value)) != 0)
			return -1;
		all->shadow = (all->shadow & ~handle->lines) | (next & handle->lines);
	}
	return 0;
}

static int gpiod1_get(struct gpio_request *request, uint64_t lines, uint64_t *levels)
{
	struct gpiod1_request *all = (struct gpiod1_request *)request;
	uint64_t found = 0;

	for (size_t i = 0; i < all->count; i++) {
		if ((all->handle[i].lines & lines) != 0 && handle_read(&all->handle[i], &found) != 0)
			return -1;
	}
	*levels = found & lines;
	return 0;
}

static int gpiod1_edge_fd(struct gpio_request *request)
{
	return ((const struct gpiod1_request *)request)->edge_fd;
}

/* Reads the next edge of a line of which the descriptor is readable. */
static int read_ahead(struct gpiod1_request *request, unsigned int bit)
{
	struct gpio_edge *edge = &request->edge[bit];
	struct gpiod_line_event event;

	if (gpiod_line_event_read_fd(request->line_fd[bit], &event) != 0)
		return -1;
	edge->bit = (uint8_t)bit;
	edge->level = event.event_type == GPIOD_LINE_EVENT_RISING_EDGE;
	edge->time = (int64_t)event.ts.tv_sec * 1000000 + event.ts.tv_nsec / 1000;
	request->ahead |= UINT64_C(1) << bit;
	return 0;
}

/* Reads ahead one edge of each line that has some. */
static int read_all_ahead(struct gpiod1_request *request)
{
	struct epoll_event ready[GPIO_LINES_MAX + 1];
	int count = epoll_wait(request->edge_fd, ready, GPIO_LINES_MAX + 1, 0);

	for (int i = 0; i < count; i++) {
		uint32_t name = ready[i].data.u32;

		if (name != AHEAD && (request->ahead >> name & 1) == 0 && read_ahead(request, name) != 0)
			return -1;
	}
	return count < 0 ? -1 : 0;
}

static const struct gpio_edge *oldest(const struct gpiod1_request *request)
{
	const struct gpio_edge *found = &request->edge[gpio_set_first(request->ahead)];

	for (uint64_t left = request->ahead; left != 0; left &= left - 1) {
		const struct gpio_edge *edge = &request->edge[gpio_set_first(left)];

		if (edge->time < found->time)
			found = edge;
	}
	return found;
}

static int gpiod1_read_edge(struct gpio_request *request, struct gpio_edge *edge)
{
	struct gpiod1_request *all = (struct gpiod1_request *)request;
	bool told = all->ahead != 0; /* that there is more than the lines' descriptors say */
	eventfd_t count;

	if (all->edge_fd < 0)
		return 0;
	if (read_all_ahead(all) != 0)
		return -1;
	if (all->ahead == 0)
		return 0;
	*edge = *oldest(all);
	all->ahead &= ~(UINT64_C(1) << edge->bit);
	/* An eventfd can't refuse either: its count is 0 or 1. */
	if (told != (all->ahead != 0))
		(void)(told ? eventfd_read(all->ahead_fd, &count) : eventfd_write(all->ahead_fd, 1));
	return 1;
}

const struct gpio_chip_ops gpio_chip_gpiod = {
	.open = gpiod1_open,
	.close = gpiod1_close,
	.line_info = gpiod1_line_info,
	.request = gpiod1_request,
	.set = gpiod1_set,
	.get = gpiod1_get,
	.release = gpiod1_release,
	.version = gpiod_version_string,
	.edge_fd = gpiod1_edge_fd,
	.read_edge = gpiod1_read_edge,
};
