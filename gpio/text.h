/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Text of the gpio room: error sentences and names. What comes out of here is printable ASCII and nothing else, because
 * an entry of HTTAP_LINES, a kernel name and above all the consumer of another program's line reach logs and terminals.
 */
#ifndef GPIO_TEXT_H
#define GPIO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "gpio.h"

/* Puts a sentence into `error`, cut to its size; bytes that are not printable ASCII become '?'. Keeps errno. Returns
 * -1, so that a refusal is one statement. `error` may be NULL. */
int gpio_error_set(struct gpio_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies `from` (NULL counts as "") into `to`, cut to its size; bytes that are not printable ASCII become '?'. */
void gpio_text_copy(char to[static GPIO_NAME_SIZE], const char *from);

/* Reads `text` as a decimal number: digits only, all of them, no more than INT_MAX. */
bool gpio_text_number(const char *text, unsigned int *number);

#endif
