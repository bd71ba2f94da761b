/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * How long a request's body is, and the decoder of the chunked coding.
 */
#ifndef HTTAP_FRAME_H
#define HTTAP_FRAME_H

#include "httap/request.h"

enum framing { FRAME_NONE, FRAME_LENGTH, FRAME_CHUNKED };

struct frame {
	enum framing framing;
	size_t length;         /* FRAME_LENGTH: bytes of the body, at most HTTAP_BODY_MAX */
	bool expects_continue; /* the peer waits for 100 (RFC 9110 section 10.1.1) */
};

/* The one place that judges framing. 0, or the status to refuse with; then `*why` is a sentence and the connection must close,
 * because nobody knows where the next request starts. */
int frame_decide(const struct request *request, struct frame *frame, const char **why);

/* Where the decoder of a chunked body stands. All zero at the start. */
struct chunks {
	unsigned int state;     /* private */
	unsigned int digits;    /* of the size that is being read */
	size_t size;            /* bytes of the present chunk that are still to come */
	size_t extension_bytes; /* of all chunks */
	size_t trailer_bytes;
	size_t body_len; /* decoded so far */
};

/* Decodes `*len` bytes at `bytes` in place: the decoded bytes stand at its start, `*len` becomes their number, and `*used` the
 * number of bytes taken. 1 when the body is complete (what follows it was not taken), 0 when more is needed, else the
 * status to refuse with and `*why`. RFC 9112 section 7.1. */
int chunks_decode(struct chunks *chunks, char *bytes, size_t *len, size_t *used, const char **why);

#endif
