/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The device files of the chips (find.h). Must never open one that it was not asked for, nor trust the order of a
 * directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "find.h"
#include "text.h"

struct gpio_places gpio_places_here(void)
{
	return (struct gpio_places){ .directory = "/dev", .kernel = gpio_chip_kernel() };
}

bool gpio_device_number(const char *name, unsigned int *number)
{
	static const char prefix[] = "gpiochip";
	const char *digits = name + sizeof(prefix) - 1;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return false;
	if (digits[0] == '0' && digits[1] != '\0')
		return false; /* gpiochip007 is not gpiochip7 */
	return gpio_text_number(digits, number);
}

/* Whether the entry is the device file of a chip. Follows symbolic links: Raspberry Pi OS keeps gpiochip4 as one. */
static bool read_entry(int directory, const char *name, struct gpio_device *device)
{
	struct stat status;

	if (!gpio_device_number(name, &device->number))
		return false;
	if (fstatat(directory, name, &status, 0) != 0 || !S_ISCHR(status.st_mode))
		return false;
	device->device = status.st_rdev;
	return true;
}

static int add_device(struct gpio_devices *devices, const struct gpio_device *device)
{
	struct gpio_device *grown = realloc(devices->device, (devices->count + 1) * sizeof(*grown));

	if (grown == NULL)
		return -1;
	grown[devices->count++] = *device;
	devices->device = grown;
	return 0;
}

static int compare_numbers(const void *left, const void *right)
{
	unsigned int a = ((const struct gpio_device *)left)->number;
	unsigned int b = ((const struct gpio_device *)right)->number;

	return (a > b) - (a < b);
}

static void drop_duplicates(struct gpio_devices *devices)
{
	size_t kept = 0;

	for (size_t i = 0; i < devices->count; i++) {
		size_t seen = 0;

		while (seen < kept && devices->device[seen].device != devices->device[i].device)
			seen++;
		if (seen == kept)
			devices->device[kept++] = devices->device[i];
	}
	devices->count = kept;
}

static int read_all(struct gpio_devices *devices, DIR *directory)
{
	struct gpio_device device;

	for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
		if (read_entry(dirfd(directory), entry->d_name, &device) && add_device(devices, &device) != 0)
			return -1;
	}
	return 0;
}

int gpio_devices_list(struct gpio_devices *devices, const struct gpio_places *places)
{
	DIR *directory = opendir(places->directory);

	*devices = (struct gpio_devices){ 0 };
	if (directory == NULL)
		return 0;
	int result = read_all(devices, directory);
	(void)closedir(directory); /* nothing was written to it */
	if (result != 0) {
		gpio_devices_free(devices);
		return -1;
	}
	if (devices->count > 0)
		qsort(devices->device, devices->count, sizeof(*devices->device), compare_numbers);
	drop_duplicates(devices);
	return 0;
}

void gpio_devices_free(struct gpio_devices *devices)
{
	free(devices->device);
	*devices = (struct gpio_devices){ 0 };
}

struct gpio_chip *gpio_device_open(const struct gpio_places *places, unsigned int number)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/gpiochip%u", places->directory, number);

	if (len < 0 || (size_t)len >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	/* cppcheck-suppress returnDanglingLifetime ; it takes the chip that comes back for the path */
	return places->kernel->open(path);
}
