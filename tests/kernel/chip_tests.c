/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * chip-tests CONFIG: the suite of tests/unit/test_gpio_chip.c on a chip of gpio-sim, CONFIG being its directory in configfs,
 * through the libgpiod that this was built with. The other end of the wires is gpio-sim's sysfs. Between libgpiod and the kernel
 * stands an ioctl() that counts, and that can play a driver without interrupts, which gpio-sim is not. libcheck's own variables
 * apply.
 */
#include <errno.h>
#include <linux/gpio.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/chip_world.h"
#include "tests/unit/unit.h"

static const char *config; /* the chip's directory in configfs */
static char sysfs[256];    /* and in sysfs */
static bool edges_refused;
static unsigned int calls_made;

/* --- files of one word --- */

static FILE *open_word(const char *directory, const char *name, const char *mode)
{
	char path[512];

	ck_assert_int_lt(snprintf(path, sizeof(path), "%s/%s", directory, name), (int)sizeof(path));
	FILE *file = fopen(path, mode);
	ck_assert_msg(file != NULL, "%s: %s", path, strerror(errno));
	return file;
}

/* Reads a file; the word lives until the next call. */
static const char *word(const char *directory, const char *name)
{
	static char text[64];
	FILE *file = open_word(directory, name, "r");

	ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
	(void)fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void write_word(const char *directory, const char *name, const char *text)
{
	FILE *file = open_word(directory, name, "w");

	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* --- between libgpiod and the kernel --- */

/* Whether a request is one of lines that shall tell of edges. */
static bool wants_edges(unsigned long request, const void *argument)
{
	static const uint64_t edges = GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING;
	const struct gpio_v2_line_request *lines = argument;
	bool found = request == GPIO_GET_LINEEVENT_IOCTL;

	if (request != GPIO_V2_GET_LINE_IOCTL)
		return found;
	found = (lines->config.flags & edges) != 0;
	for (unsigned int i = 0; i < lines->config.num_attrs; i++) {
		const struct gpio_v2_line_attribute *attribute = &lines->config.attrs[i].attr;

		if (attribute->id == GPIO_V2_LINE_ATTR_ID_FLAGS && (attribute->flags & edges) != 0)
			found = true;
	}
	return found;
}

/* Found by libgpiod before the C library's. */
__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;

	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);
	calls_made++;
	if (edges_refused && wants_edges(request, argument)) {
		errno = ENXIO; /* as gpiod_to_irq() of the kernel */
		return -1;
	}
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

/* --- the world --- */

static const char *line_directory(unsigned int offset)
{
	static char path[300];

	(void)snprintf(path, sizeof(path), "%s/sim_gpio%u", sysfs, offset);
	return path;
}

static int kernel_look(struct gpio_chip *chip, unsigned int offset)
{
	(void)chip; /* there is one */
	return strcmp(word(line_directory(offset), "value"), "1") == 0;
}

/* How many interrupts this line of gpio-sim has had: /proc/interrupts has "NUMBER: COUNT irq_sim OFFSET [CONSUMER]". */
static unsigned long interrupts(unsigned int offset)
{
	FILE *file = open_word("/proc", "interrupts", "r");
	char text[256], wanted[32];
	unsigned long sum = 0;

	(void)snprintf(wanted, sizeof(wanted), "%u", offset);
	while (fgets(text, sizeof(text), file) != NULL) {
		char *rest = text;
		const char *number = strtok_r(rest, " \n", &rest), *count = strtok_r(rest, " \n", &rest);
		const char *driver = strtok_r(rest, " \n", &rest), *line = strtok_r(rest, " \n", &rest);

		if (number != NULL && line != NULL && strcmp(driver, "irq_sim") == 0 && strcmp(line, wanted) == 0)
			sum += strtoul(count, NULL, 10);
	}
	(void)fclose(file);
	return sum;
}

static void kernel_drive(struct gpio_chip *chip, unsigned int offset, int level, bool told)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	const int patience = 5000; /* pauses, for what takes some */
	unsigned long before = told ? interrupts(offset) : 0;

	(void)chip;
	write_word(line_directory(offset), "pull", level == 1 ? "pull-up" : "pull-down");
	/* gpio-sim interrupts with the next tick of the kernel's clock. */
	for (int i = 0; told && interrupts(offset) == before; i++) {
		ck_assert_msg(i < patience, "line %u has no interrupt", offset);
		(void)nanosleep(&pause, NULL);
	}
}

static struct gpio_chip *kernel_open(void)
{
	char bank[256], device[64], path[128];

	if (strcmp(word(config, "live"), "1") != 0)
		write_word(config, "live", "1"); /* a test has unplugged it */
	(void)snprintf(device, sizeof(device), "%s", word(config, "dev_name"));
	(void)snprintf(bank, sizeof(bank), "%s/bank", config);
	const char *name = word(bank, "chip_name");
	(void)snprintf(sysfs, sizeof(sysfs), "/sys/devices/platform/%s/%s", device, name);
	(void)snprintf(path, sizeof(path), "/dev/%s", name);
	for (unsigned int i = 0; i < CHIP_WORLD_COUNT; i++)
		kernel_drive(NULL, CHIP_WORLD_FIRST + i, 0, false);
	return gpio_chip_kernel()->open(path);
}

static void kernel_unplug(struct gpio_chip *chip)
{
	(void)chip;
	write_word(config, "live", "0");
}

static void kernel_refuse_edges(void)
{
	edges_refused = true; /* until the process of this test ends */
}

static unsigned int kernel_calls(void)
{
	return calls_made;
}

const struct chip_world chip_world = {
	.open = kernel_open,
	.drive = kernel_drive,
	.look = kernel_look,
	.unplug = kernel_unplug,
	.refuse_edges = kernel_refuse_edges,
	.calls = kernel_calls,
};

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: chip-tests DIRECTORY (of a gpio-sim chip in configfs, whose bank is called \"bank\")\n");
		return EXIT_FAILURE;
	}
	config = argv[1];
	SRunner *runner = srunner_create(gpio_chip_suite());
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
