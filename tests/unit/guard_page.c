/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Copies of bytes beside forbidden pages: a ring of mappings, made once and kept to the end of the process.
 */
#include "tests/unit/guard_page.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COPIES 4
#define TEXTS 8
#define SHOWN_MAX 200

static char *next_room(void)
{
	static char *room[COPIES];
	static unsigned int turn;
	unsigned int present = turn++ % COPIES;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (room[present] == NULL) {
		char *map = mmap(NULL, GUARD_PAGE_MAX + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert(map != MAP_FAILED);
		room[present] = map + page;
		int failed = mprotect(room[present], GUARD_PAGE_MAX, PROT_READ | PROT_WRITE);
		assert(failed == 0);
		(void)failed;
	}
	return room[present];
}

static char *put(char *at, const char *bytes, size_t len)
{
	if (len > 0)
		memcpy(at, bytes, len);
	return at;
}

char *guard_page_copy(const char *bytes, size_t len)
{
	assert(len <= GUARD_PAGE_MAX);
	return put(next_room() + GUARD_PAGE_MAX - len, bytes, len);
}

char *guard_page_copy_behind(const char *bytes, size_t len)
{
	assert(len <= GUARD_PAGE_MAX);
	return put(next_room(), bytes, len);
}

struct span guarded(struct span span)
{
	return (struct span){ guard_page_copy(span.at, span.len), span.len };
}

const char *shown(struct span span)
{
	static char texts[TEXTS][SHOWN_MAX * 4 + 8];
	static unsigned int turn;
	char *text = texts[turn++ % TEXTS], *at = text;

	if (span.at == NULL)
		return "(none)";
	*at++ = '"';
	for (size_t i = 0; i < span.len && i < SHOWN_MAX; i++) {
		unsigned char c = (unsigned char)span.at[i];
		if (c == '\r' || c == '\n' || c == '\t')
			at += sprintf(at, "\\%c", c == '\r' ? 'r' : c == '\n' ? 'n' : 't');
		else if (c < 0x20 || c >= 0x7f)
			at += sprintf(at, "\\x%02x", c);
		else
			at += sprintf(at, c == '"' || c == '\\' ? "\\%c" : "%c", c);
	}
	strcpy(at, span.len > SHOWN_MAX ? "\"..." : "\"");
	return text;
}
