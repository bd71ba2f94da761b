/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Chips of a kernel that does not exist, for the unit tests of gpio/: the lines are those of the simulated chip, but
 * what a chip is called, who may open it, who holds its lines and when it vanishes is up to the test. Counts what it
 * is asked. The device files are symbolic links to character devices that every Linux has, because making one takes
 * root.
 */
#ifndef TESTS_UNIT_TEST_GPIO_FAKE_H
#define TESTS_UNIT_TEST_GPIO_FAKE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpio/find.h"
#include "tests/unit/unit.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define FAKE_CHIPS_MAX 10
#define FAKE_REQUESTS_MAX 32

/* A chip as it is before anybody opens it. */
struct fake_chip {
	const char *name;         /* what its kernel calls it */
	const char *device;       /* the character device that stands for it; NULL: there is no file */
	const char *label;
	int open_errno;           /* 0: it can be opened */
	const char *const *names; /* of its first lines, up to a NULL; NULL: as the simulated chip has them */
	const char *holder;       /* who holds line `held`; NULL: nobody; "": somebody without a name */
	unsigned int held;
	uint64_t high;            /* lines that somebody has left as outputs that show 1 */
	int request_errno;        /* 0: lines can be requested */
	const char *late_holder;  /* who turns out to hold line `held` once a request has failed */
	int set_errno;            /* 0: lines can be written */
	int get_errno;            /* 0: lines can be read */
	bool no_edges;            /* its driver has no interrupts */
	int edge_errno;           /* 0: edges can be read */
	int info_errno;           /* 0: it tells about all its lines; else not from `info_from` on */
	unsigned int info_from;
};

struct fake_request {
	struct gpio_request *request; /* NULL: let go */
	const struct fake_chip *chip;
	struct gpio_chip *sim;
	size_t count;
	unsigned int offset[GPIO_LINES_MAX];
};

/* The world of one test. */
static struct {
	char directory[256];
	struct fake_chip chip[FAKE_CHIPS_MAX];
	size_t chip_count;
	struct fake_request request[FAKE_REQUESTS_MAX];
	size_t request_count;
	int opened, closed, requests, sets, gets;
	uint64_t last_lines, last_levels; /* of the last set */
	bool refused; /* a request has failed */
} fake;

static const struct gpio_chip_ops fake_ops;

static inline const struct fake_chip *fake_find(const struct gpio_chip *chip)
{
	for (size_t i = 0; i < fake.chip_count; i++) {
		if (strcmp(fake.chip[i].name, chip->name) == 0)
			return &fake.chip[i];
	}
	ck_abort_msg("no fake chip %s", chip->name);
	return NULL;
}

/* The chip behind a device file: by the device that it leads to, or where there is no file, by its name. */
static inline const struct fake_chip *fake_behind(const char *path)
{
	struct stat file, device;
	bool exists = stat(path, &file) == 0;
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < fake.chip_count; i++) {
		const struct fake_chip *chip = &fake.chip[i];

		if (exists && chip->device != NULL && stat(chip->device, &device) == 0 &&
		    file.st_rdev == device.st_rdev)
			return chip;
		if (!exists && chip->device == NULL && strcmp(name, chip->name) == 0)
			return chip;
	}
	return NULL;
}

static inline void fake_leave_high(struct gpio_chip *sim, uint64_t high)
{
	struct gpio_line_config config = { .consumer = "BEFORE", .level = GPIO_HIGH };

	for (; high != 0; high &= high - 1) {
		config.offset = gpio_set_first(high);
		gpio_chip_sim.release(gpio_chip_sim.request(sim, GPIO_OUTPUT, &config, 1));
	}
}

static inline struct gpio_chip *fake_open(const char *path)
{
	const struct fake_chip *chip = fake_behind(path);

	if (chip == NULL || chip->open_errno != 0) {
		errno = chip == NULL ? ENOENT : chip->open_errno;
		return NULL;
	}
	struct gpio_chip *sim = gpio_chip_sim.open("");
	ck_assert_ptr_nonnull(sim);
	sim->ops = &fake_ops;
	snprintf(sim->name, sizeof(sim->name), "%s", chip->name);
	snprintf(sim->label, sizeof(sim->label), "%s", chip->label);
	fake_leave_high(sim, chip->high);
	fake.opened++;
	return sim;
}

static inline void fake_close(struct gpio_chip *chip)
{
	fake.closed++;
	gpio_chip_sim.close(chip);
}

static inline void fake_rename(const struct fake_chip *chip, unsigned int offset, struct gpio_line_info *info)
{
	unsigned int i = 0;

	if (chip->names == NULL)
		return;
	while (i < offset && chip->names[i] != NULL)
		i++;
	snprintf(info->name, sizeof(info->name), "%s", chip->names[i] != NULL ? chip->names[i] : "");
}

static inline int fake_line_info(struct gpio_chip *sim, unsigned int offset, struct gpio_line_info *info)
{
	const struct fake_chip *chip = fake_find(sim);
	const char *holder = fake.refused && chip->late_holder != NULL ? chip->late_holder : chip->holder;

	if (chip->info_errno != 0 && offset >= chip->info_from) {
		errno = chip->info_errno;
		return -1;
	}
	gpio_chip_sim.line_info(sim, offset, info);
	fake_rename(chip, offset, info);
	if (holder != NULL && chip->held == offset) {
		info->used = true;
		snprintf(info->consumer, sizeof(info->consumer), "%s", holder);
	}
	return 0;
}

static inline struct gpio_request *fake_request_lines(struct gpio_chip *sim, enum gpio_direction direction,
	struct gpio_line_config *config, size_t count)
{
	const struct fake_chip *chip = fake_find(sim);
	struct fake_request *fresh = &fake.request[fake.request_count];

	fake.requests++;
	if (chip->request_errno != 0) {
		fake.refused = true;
		errno = chip->request_errno;
		return NULL;
	}
	ck_assert_uint_lt(fake.request_count, FAKE_REQUESTS_MAX);
	fresh->request = gpio_chip_sim.request(sim, direction, config, count);
	ck_assert_ptr_nonnull(fresh->request);
	fresh->request->ops = &fake_ops;
	fresh->chip = chip;
	fresh->sim = sim;
	fresh->count = count;
	for (size_t i = 0; i < count; i++)
		fresh->offset[i] = config[i].offset;
	fake.request_count++;
	return fresh->request;
}

static inline struct fake_request *fake_request_of(const struct gpio_request *request)
{
	for (size_t i = 0; i < fake.request_count; i++) {
		if (fake.request[i].request == request)
			return &fake.request[i];
	}
	ck_abort_msg("a request that is not held");
	return NULL;
}

static inline int fake_set(struct gpio_request *request, uint64_t lines, uint64_t levels)
{
	fake.sets++;
	fake.last_lines = lines;
	fake.last_levels = levels;
	errno = fake_request_of(request)->chip->set_errno;
	return errno != 0 ? -1 : gpio_chip_sim.set(request, lines, levels);
}

static inline int fake_get(struct gpio_request *request, uint64_t lines, uint64_t *levels)
{
	fake.gets++;
	errno = fake_request_of(request)->chip->get_errno;
	return errno != 0 ? -1 : gpio_chip_sim.get(request, lines, levels);
}

static inline int fake_edge_fd(struct gpio_request *request)
{
	return fake_request_of(request)->chip->no_edges ? -1 : gpio_chip_sim.edge_fd(request);
}

static inline int fake_read_edge(struct gpio_request *request, struct gpio_edge *edge)
{
	errno = fake_request_of(request)->chip->edge_errno;
	return errno != 0 ? -1 : gpio_chip_sim.read_edge(request, edge);
}

static inline void fake_release(struct gpio_request *request)
{
	fake_request_of(request)->request = NULL;
	gpio_chip_sim.release(request);
}

static inline const char *fake_version(void)
{
	return "fake";
}

static const struct gpio_chip_ops fake_ops = {
	.open = fake_open,
	.close = fake_close,
	.line_info = fake_line_info,
	.request = fake_request_lines,
	.set = fake_set,
	.get = fake_get,
	.release = fake_release,
	.version = fake_version,
	.edge_fd = fake_edge_fd,
	.read_edge = fake_read_edge,
};

/* The request that holds a line, and the line's bit there; NULL when nobody holds it. */
static inline const struct fake_request *fake_holder(const char *chip, unsigned int offset, size_t *bit)
{
	for (size_t i = 0; i < fake.request_count; i++) {
		const struct fake_request *held = &fake.request[i];

		if (held->request == NULL || strcmp(held->chip->name, chip) != 0)
			continue;
		for (*bit = 0; *bit < held->count; ++*bit) {
			if (held->offset[*bit] == offset)
				return held;
		}
	}
	return NULL;
}

/* The electrical level that a line shows now, past the code under test; -1 when nobody holds it. */
static inline int fake_level(const char *chip, unsigned int offset)
{
	size_t bit;
	const struct fake_request *held = fake_holder(chip, offset, &bit);

	return held == NULL ? -1 : gpio_sim_level(held->sim, offset);
}

/* Moves a line that is held from outside: 1, 0, or -1 to let it go. An edge that this makes has this time. */
static inline void fake_drive(const char *chip, unsigned int offset, int level, int64_t when)
{
	size_t bit;
	const struct fake_request *held = fake_holder(chip, offset, &bit);

	ck_assert_msg(held != NULL, "nobody holds line %u of %s", offset, chip);
	ck_assert_int_eq(gpio_sim_drive(held->sim, offset, level, when), 0);
}

/* Adds a chip without a device file: it is found by its number only. */
static inline struct fake_chip *fake_add(const char *name, const char *label)
{
	struct fake_chip *chip = &fake.chip[fake.chip_count++];

	ck_assert_uint_le(fake.chip_count, FAKE_CHIPS_MAX);
	chip->name = name;
	chip->label = label;
	return chip;
}

/* Makes a symbolic link in the directory of the device files. */
static inline void fake_link(const char *name, const char *target)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", fake.directory, name);
	ck_assert_msg(symlink(target, path) == 0, "%s: %s", path, strerror(errno));
}

/* Adds a chip with a device file of the same name. */
static inline struct fake_chip *fake_add_device(const char *name, const char *device, const char *label)
{
	struct fake_chip *chip = fake_add(name, label);

	chip->device = device;
	fake_link(name, device);
	return chip;
}

static inline struct gpio_places fake_places(void)
{
	return (struct gpio_places){ .directory = fake.directory, .kernel = &fake_ops };
}

/* Fixture: an empty world. */
static inline void fake_begin(void)
{
	const char *temporary = getenv("TMPDIR");

	memset(&fake, 0, sizeof(fake));
	snprintf(fake.directory, sizeof(fake.directory), "%s/httapd-gpio-XXXXXX",
		temporary != NULL ? temporary : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(fake.directory));
}

/* Fixture: what was opened has been closed, and the directory goes. */
static inline void fake_end(void)
{
	char path[300];

	for (unsigned int i = 0; i < 32; i++) {
		snprintf(path, sizeof(path), "%s/gpiochip%u", fake.directory, i);
		(void)unlink(path); /* most do not exist */
	}
	(void)rmdir(fake.directory); /* a test that left something there has failed already */
	ck_assert_int_eq(fake.opened, fake.closed);
	for (size_t i = 0; i < fake.request_count; i++)
		ck_assert_ptr_null(fake.request[i].request);
}

#endif
