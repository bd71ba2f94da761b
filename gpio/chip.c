/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What all backends share (chip.h), and which of them this build has. Must never include gpiod.h: that is for
 * chip_gpiod1.c or chip_gpiod2.c alone.
 */
#include "chip.h"

#include <errno.h>
#include <string.h>

#if defined(HAVE_GPIOD1) && defined(HAVE_GPIOD2)
#error "HAVE_GPIOD1 and HAVE_GPIOD2 exclude each other"
#endif

#if defined(HAVE_GPIOD1) || defined(HAVE_GPIOD2)

const struct gpio_chip_ops *gpio_chip_kernel(void)
{
	return &gpio_chip_gpiod;
}

#else

const struct gpio_chip_ops *gpio_chip_kernel(void)
{
	return NULL;
}

#endif

const char *gpio_backend_version(void)
{
	static char text[sizeof("libgpiod ") + GPIO_NAME_SIZE]; /* always written with the same words */
	const struct gpio_chip_ops *kernel = gpio_chip_kernel();

	if (kernel == NULL)
		return "simulated chip only";
	(void)snprintf(text, sizeof(text), "libgpiod %s", kernel->version());
	return text;
}

int gpio_request_judge(const struct gpio_chip *chip, const struct gpio_line_config *config, size_t count)
{
	bool good = count > 0 && count <= GPIO_LINES_MAX;

	for (size_t i = 0; good && i < count; i++)
		good = config[i].offset < chip->line_count;
	if (good)
		return 0;
	errno = EINVAL;
	return -1;
}

bool gpio_edges_refused(int reason)
{
	/* ENXIO: no interrupts at all (gpiod_to_irq()); ENODEV: the same for Linux before 6.6, and a chip that is gone, which
	 * the second attempt finds out; EINVAL: none for both edges; the others: drivers of expanders. */
	return reason == ENXIO || reason == ENODEV || reason == EINVAL || reason == EOPNOTSUPP || reason == ENOSYS;
}

void gpio_consumer_join(char to[static GPIO_NAME_SIZE], const struct gpio_line_config *config, uint64_t lines)
{
	size_t used = 0;

	for (; lines != 0; lines &= lines - 1) {
		const char *name = config[gpio_set_first(lines)].consumer;
		size_t room = GPIO_NAME_SIZE - 1 - used;
		size_t len = strlen(name);

		if (used > 0 && room > 0) {
			to[used++] = ',';
			room--;
		}
		len = len < room ? len : room;
		memcpy(to + used, name, len);
		used += len;
	}
	to[used] = '\0';
}
