/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Bytes for the tests of parsers: copies beside pages that nobody may touch, so that reading or writing one byte too far is a
 * fault and not luck; and bytes as a failure message shows them.
 */
#ifndef TESTS_UNIT_GUARD_PAGE_H
#define TESTS_UNIT_GUARD_PAGE_H

#include "httap/text.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* A span in the initializer of a table; the literal may contain NULs. */
#define BYTES(literal) { literal, sizeof(literal) - 1 }

/* Bytes that a copy may have at most. */
#define GUARD_PAGE_MAX (128 * 1024)

/* A writable copy that ends where a forbidden page begins, or begins where one ends. Valid until the fourth call after it. */
char *guard_page_copy(const char *bytes, size_t len);
char *guard_page_copy_behind(const char *bytes, size_t len);

/* The same as a span: guard_page_copy(). */
struct span guarded(struct span span);

/* The bytes as a C literal would write them, cut after 200. Valid until the eighth call after it. */
const char *shown(struct span span);

#endif
