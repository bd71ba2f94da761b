/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * A part of a file: what the Range field asks for (RFC 9110 section 14). Pure.
 */
#ifndef HTTAP_RANGE_H
#define HTTAP_RANGE_H

#include "httap/text.h"

struct range {
	uint64_t first; /* byte of the file, from 0 on */
	uint64_t length;
};

/* 206: `range` is that part of a file of `size` bytes, at least one byte. 416: it has none of the bytes asked for. 200: the field
 * is absent, asks for several parts or in another unit, or can't be read: then it is ignored, as section 14.2 allows. */
int range_parse(struct span field, uint64_t size, struct range *range);

#endif
