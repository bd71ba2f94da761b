/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Which chip, and which line of it. Chips are told apart by label, because their numbers move from kernel to kernel and
 * from boot to boot; only a number that the operator wrote is taken as one. Finding disturbs no line.
 */
#ifndef GPIO_FIND_H
#define GPIO_FIND_H

#include <sys/types.h>

#include "chip.h"

/* Where chips are looked for. A unit test has a directory and a backend of its own. */
struct gpio_places {
	const char *directory;              /* of the device files: "/dev" */
	const struct gpio_chip_ops *kernel; /* what opens them; NULL: there is only the simulated chip */
};

/* This machine's. */
struct gpio_places gpio_places_here(void);

/* A device file gpiochipN. */
struct gpio_device {
	unsigned int number; /* the N */
	dev_t device;
};

struct gpio_devices {
	size_t count;
	struct gpio_device *device;
};

/* The device files in order of their numbers. One that is only another name (a symbolic link) of an earlier one is left
 * out. To be ended with gpio_devices_free(). A directory that cannot be read holds none. */
int gpio_devices_list(struct gpio_devices *devices, const struct gpio_places *places);
void gpio_devices_free(struct gpio_devices *devices);

/* Reads the N of gpiochipN, which is all there is. */
bool gpio_device_number(const char *name, unsigned int *number);

/* Opens gpiochipN; NULL with errno. */
struct gpio_chip *gpio_device_open(const struct gpio_places *places, unsigned int number);

/* How good a label is as that of the Pi's header: 0 is the newest kind, GPIO_HEADER_LABELS none at all. */
#define GPIO_HEADER_LABELS 3
size_t gpio_header_rank(const char *label);

/* The pin of the Pi's header at which a line of a chip with this label comes out; 0: none. */
unsigned int gpio_header_pin(const char *label, unsigned int offset);

/* What a kernel whose modules stand in this directory (/sys/module) does with lines that are let go, which is what a crash does: a
 * sentence for the log. */
const char *gpio_release_policy_at(const char *modules);

/* Opens the chip that `wanted` names: gpiochipN, /dev/gpiochipN, sim, or a label. NULL or "": the chip of the Pi's
 * header. */
struct gpio_chip *gpio_find_chip(const struct gpio_places *places, const char *wanted, struct gpio_error *error);

/* Finds the line that a specification names on its chip: fills in its offset and what the kernel tells of it. */
int gpio_find_line(struct gpio_chip *chip, const struct gpio_spec *spec, unsigned int *offset, struct gpio_line_info *info,
	struct gpio_error *error);

/* gpio_list() of places other than this machine's. */
int gpio_list_at(const struct gpio_places *places, FILE *out, bool sim);

/* The sentence about a line that somebody else holds. Always -1. */
int gpio_error_busy(struct gpio_error *error, const struct gpio_chip *chip, const struct gpio_spec *spec, unsigned int offset,
	const char *holder);

#endif
