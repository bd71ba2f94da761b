/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What a request target means: the dynamic domain, a file, or nothing.
 */
#ifndef HTTAP_TARGET_H
#define HTTAP_TARGET_H

#include "httap/request.h"
#include "httapd_limits.h"

enum domain {
	DOMAIN_DYNAMIC,  /* "/?" and what follows: `text` is what follows, decoded */
	DOMAIN_SWITCH,   /* "/0" or "/1": `text` is the digit */
	DOMAIN_STATIC,   /* a file: `text` is its path without the leading slash; "" is the root page */
	DOMAIN_ASTERISK, /* "*", for OPTIONS */
};

struct target {
	enum domain domain;
	struct span host; /* of a target in absolute form; at == NULL for others */
	char text[HTTAP_TARGET_MAX + 1];
	size_t len;
};

static inline struct span target_text(const struct target *target)
{
	return (struct span){ target->text, target->len };
}

/* Decodes a target once, then judges what came out: never the other way round. 0, or the status to refuse with and `*why`; the domain is
 * told in any case, DOMAIN_STATIC where nothing can be told. A path
 * that can't name a served file (a dot name, an empty segment) is 404, like a file that is not there. */
int target_parse(struct target *target, const struct request *request, const char **why);

#endif
