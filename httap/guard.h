/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Who may ask, and who may write: what keeps a page of somebody else's from moving a line through the browser of a person who can
 * reach this server.
 */
#ifndef HTTAP_GUARD_H
#define HTTAP_GUARD_H

#include "httap/request.h"
#include "httap/target.h"

/* The names this server goes by, and the origins that may use it. All borrowed. */
struct guard {
	char host_name[HTTAP_HOST_SIZE]; /* of the machine */
	const char *hosts;               /* further ones, separated by white space; may be NULL */
	const char *origins;             /* allowed origins, or "*"; may be NULL */
};

/* 0, or the status (400, 403, 421) to refuse with and `*why`. `writes`: the request would move something if it were let. `*listed` is
 * set to the origin that asks when it is one of `origins`, and to "*" when they are any. */
int guard_decide(const struct guard *guard, const struct request *request, const struct target *target, bool writes,
	struct span *listed, const char **why);

/* Can every entry of the list be read, and are there no more than HTTAP_LIST_MAX? */
bool guard_is_host_list(const char *text);
bool guard_is_origin_list(const char *text);

#endif
