/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * A request head, read but not judged: what the peer said, as spans of the bytes he sent.
 */
#ifndef HTTAP_REQUEST_H
#define HTTAP_REQUEST_H

#include "httap/text.h"

enum method {
	METHOD_UNKNOWN, /* a token that this server does not implement */
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_OPTIONS,
};

/* The fields that somebody asks for; all others are checked for syntax and forgotten. */
enum field {
	FIELD_HOST,
	FIELD_CONTENT_LENGTH,
	FIELD_TRANSFER_ENCODING,
	FIELD_CONNECTION,
	FIELD_EXPECT,
	FIELD_ORIGIN,
	FIELD_REFERER,
	FIELD_SEC_FETCH_SITE,
	FIELD_SEC_PURPOSE,
	FIELD_PURPOSE,
	FIELD_SESSION,
	FIELD_AUTHORIZATION,
	FIELD_RANGE,
	FIELD_IF_RANGE,
	FIELD_IF_MODIFIED_SINCE,
	FIELD_IF_UNMODIFIED_SINCE,
	FIELD_LISTS, /* from here on a field may stand more than once (RFC 9110 section 5.3): see request_parse() */
	FIELD_IF_MATCH = FIELD_LISTS,
	FIELD_IF_NONE_MATCH,
	FIELD_ACCEPT_ENCODING,
	FIELD_COUNT,
};

struct request {
	enum method method;
	struct span method_text;
	struct span target;
	unsigned int minor;             /* HTTP/1.minor: 0 or 1; a higher one counts as 1 */
	bool close;                     /* Connection: close, in any of its lines */
	bool keep_alive;                /* Connection: keep-alive */
	struct span field[FIELD_COUNT]; /* at == NULL: not there */
};

/* Looks for the end of a head in `len` bytes, of which `*scanned` have been looked at before. Returns the head's length with its
 * empty line, 0 when it is not complete, -1 when it can't become valid: a bare LF, or a line that begins with a CR but is not empty.
 * `*scanned` is kept between calls, 0 for a new head. RFC 9112 section 2.2. */
long request_find_end(const char *bytes, size_t len, size_t *scanned);

/* Reads a complete head of `len` bytes as request_find_end() measured it. 0, or the status to refuse it with; then `*why` is a
 * sentence. A list that stands in several lines is taken for an empty one: nobody sends it so, and that no tag matches and no coding is
 * accepted is always right. */
int request_parse(struct request *request, const char *bytes, size_t len, const char **why);

#endif
