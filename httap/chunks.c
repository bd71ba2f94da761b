/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Decodes the chunked transfer coding (RFC 9112 section 7.1), a byte at a time, so that it may be cut anywhere:
 *
 *	SIZE --CR--> SIZE_LF --LF--> DATA --(all of it)--> DATA_CR --> DATA_LF --> SIZE
 *	SIZE --;--> EXTENSION --CR--> SIZE_LF
 *	SIZE_LF after size 0 --> TRAILER_START --CR--> END_LF --LF--> complete
 *	TRAILER_START --other--> TRAILER --CR--> TRAILER_LF --> TRAILER_START
 *
 * Extensions and trailers are passed over. Pure.
 */
#include "httap/frame.h"

#include <string.h>

#include "httapd_limits.h"

enum { SIZE, EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER_START, TRAILER, TRAILER_LF, END_LF, COMPLETE };

/* More digits than this can only be leading zeros or a body that is too long; both are refused. */
#define SIZE_DIGITS_MAX 8

static int refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return 400;
}

static int take_size(struct chunks *chunks, char c, const char **why)
{
	int hex = text_hex(c);

	if (hex >= 0) {
		if (++chunks->digits > SIZE_DIGITS_MAX)
			return refuse(why, "a chunk's size has at most 8 hexadecimal digits");
		chunks->size = chunks->size * 16 + (size_t)hex;
		return 0;
	}
	if (chunks->digits == 0 || (c != '\r' && c != ';'))
		return refuse(why, "a chunk's size must be hexadecimal digits, then CRLF");
	if (chunks->size > HTTAP_BODY_MAX - chunks->body_len) {
		*why = "the body is longer than 4096 bytes";
		return 413;
	}
	chunks->state = c == '\r' ? SIZE_LF : EXTENSION;
	return 0;
}

static int take_extension(struct chunks *chunks, char c, const char **why)
{
	if (c == '\r')
		chunks->state = SIZE_LF;
	else if (!text_is(c, TEXT_VALUE) || ++chunks->extension_bytes > HTTAP_CHUNK_EXTENSION_MAX)
		return refuse(why, "chunk extensions must be text of at most 256 bytes in all");
	return 0;
}

static int take_trailer(struct chunks *chunks, char c, const char **why)
{
	if (c == '\r')
		chunks->state = chunks->state == TRAILER_START ? END_LF : TRAILER_LF;
	else if (!text_is(c, TEXT_VALUE) || ++chunks->trailer_bytes > HTTAP_TRAILER_MAX)
		return refuse(why, "the trailer must be fields of at most 1024 bytes in all");
	else
		chunks->state = TRAILER;
	return 0;
}

static int take_line_end(struct chunks *chunks, char c, const char **why)
{
	static const unsigned char next[] = {
		[DATA_CR] = DATA_LF, [DATA_LF] = SIZE, [TRAILER_LF] = TRAILER_START, [END_LF] = COMPLETE
	};

	if (c != (chunks->state == DATA_CR ? '\r' : '\n'))
		return refuse(why, "a chunk must end with CRLF");
	if (chunks->state == SIZE_LF)
		chunks->state = chunks->size > 0 ? DATA : TRAILER_START;
	else
		chunks->state = next[chunks->state];
	if (chunks->state == SIZE)
		chunks->digits = 0;
	return 0;
}

static int take(struct chunks *chunks, char c, const char **why)
{
	switch (chunks->state) {
	case SIZE:
		return take_size(chunks, c, why);
	case EXTENSION:
		return take_extension(chunks, c, why);
	case TRAILER_START:
	case TRAILER:
		return take_trailer(chunks, c, why);
	default:
		return take_line_end(chunks, c, why);
	}
}

int chunks_decode(struct chunks *chunks, char *bytes, size_t *len, size_t *used, const char **why)
{
	size_t in = 0, out = 0;
	int status = 0;

	while (status == 0 && in < *len && chunks->state != COMPLETE) {
		if (chunks->state != DATA) {
			status = take(chunks, bytes[in++], why);
			continue;
		}
		size_t n = *len - in < chunks->size ? *len - in : chunks->size;
		memmove(bytes + out, bytes + in, n);
		in += n;
		out += n;
		chunks->body_len += n;
		chunks->size -= n;
		if (chunks->size == 0)
			chunks->state = DATA_CR;
	}
	*len = out;
	*used = in;
	return status != 0 ? status : chunks->state == COMPLETE;
}
