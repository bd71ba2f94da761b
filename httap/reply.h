/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The only writer of status lines and header fields.
 */
#ifndef HTTAP_REPLY_H
#define HTTAP_REPLY_H

#include "httap/text.h"

struct reply {
	int status;            /* 0 until answered */
	bool close;            /* Connection: close */
	bool keep_alive;       /* Connection: keep-alive, for HTTP/1.0 (RFC 9112 appendix C.2.2) */
	bool attachment;       /* a download: a browser saves it and does not show it */
	bool preflight;        /* it answers OPTIONS: a page of another origin is told what it may send */
	bool authorizes;       /* that may be a token */
	bool varies;           /* other origins get other fields, */
	bool coded;            /* and who accepts other codings another body */
	uint64_t length;       /* Content-Length, or REPLY_ENDLESS */
	struct span type;      /* Content-Type; empty: none */
	struct span session;   /* HTTaP-Session of a dynamic reply, which is never stored; empty: a static one */
	struct span date;      /* Date; empty: none */
	struct span fields;    /* further ones, with their line ends */
	struct span origin;    /* pages of this origin may read the reply; at == NULL: none but our own */
	const char *challenge; /* WWW-Authenticate, with 401; NULL: none */
	const char *allow;     /* Allow, with 405 and for OPTIONS; NULL: none */
};

#define REPLY_ENDLESS UINT64_MAX

/* Writes the head. Returns its length, at most HTTAP_REPLY_HEAD_MAX, for which `out` must have room. */
size_t reply_head(char *out, const struct reply *reply);

#endif
