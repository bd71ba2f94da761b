/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * A part of a file. One only: several at once are an old way to make a server send more than it has, and nobody needs them here.
 */
#include "httap/range.h"

int range_parse(struct span field, uint64_t size, struct range *range)
{
	struct span last = field, unit, first;
	uint64_t from, to = UINT64_MAX;

	if (!span_next(&last, '=', &unit) || last.at == NULL || !span_is_nocase(unit, "bytes"))
		return 200;
	last = span_trim(last);
	if (!span_next(&last, '-', &first) || last.at == NULL)
		return 200;
	if (last.len > 0 && !text_number(last, INT64_MAX, &to))
		return 200;
	if (first.len == 0) { /* "-N": the last N bytes */
		if (last.len == 0)
			return 200;
		from = to < size ? size - to : 0;
		if (to == 0)
			return 416;
		to = UINT64_MAX;
	} else if (!text_number(first, INT64_MAX, &from) || from > to) {
		return 200;
	}
	if (from >= size)
		return 416;
	*range = (struct range){ .first = from, .length = (to < size ? to + 1 : size) - from };
	return 206;
}
