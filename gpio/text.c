/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Error sentences and names (text.h). Must never let a control byte through: it would act on the terminal of whoever
 * reads the log.
 */
#include "text.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>

static char printable(char c)
{
	return c >= ' ' && c <= '~' ? c : '?';
}

int gpio_error_set(struct gpio_error *error, const char *format, ...)
{
	int saved_errno = errno;
	va_list arguments;

	if (error == NULL)
		return -1;
	va_start(arguments, format);
	if (vsnprintf(error->text, sizeof(error->text), format, arguments) < 0)
		error->text[0] = '\0';
	va_end(arguments);
	for (char *c = error->text; *c != '\0'; c++)
		*c = printable(*c);
	errno = saved_errno;
	return -1;
}

void gpio_text_copy(char to[static GPIO_NAME_SIZE], const char *from)
{
	size_t i = 0;

	if (from != NULL) {
		for (; i < GPIO_NAME_SIZE - 1 && from[i] != '\0'; i++)
			to[i] = printable(from[i]);
	}
	to[i] = '\0';
}

bool gpio_text_number(const char *text, unsigned int *number)
{
	unsigned int value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		unsigned int digit = (unsigned int)(*text - '0');
		if (value > (INT_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*number = value;
	return true;
}
