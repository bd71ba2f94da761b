/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Does a file fit what a peer has, or can take? Entity tags, conditions and content codings (RFC 9110 sections 8.8, 12.5.3 and
 * 13). Pure.
 */
#ifndef HTTAP_MATCH_H
#define HTTAP_MATCH_H

#include "httap/request.h"

/* What a file can be told from another state of itself by. */
struct validator {
	const char *etag; /* with its quotes, and W/ when it is weak */
	int64_t modified; /* seconds since 1970 */
	bool settled;     /* nobody can have changed it in the second that `modified` names, after it was read */
};

/* Is the tag in the list, or the list "*"? `strong`: weak tags are equal to none (section 8.8.3.2). */
bool match_etag(struct span list, const char *etag, bool strong);

/* What the conditions of a GET or HEAD make of it, in the order of section 13.2.2: 200 to go on, 304 or 412. */
int match_conditions(const struct request *request, const struct validator *validator);

/* May the Range field be followed, or has the file changed since the peer got his part of it (section 13.1.5)? */
bool match_if_range(struct span if_range, const struct validator *validator);

/* Does the peer take gzip, and not like it less than the file as it is? */
bool match_gzip(struct span accept_encoding);

#endif
