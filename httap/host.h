/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Host names, ports and origins as they stand in fields and in the configuration.
 */
#ifndef HTTAP_HOST_H
#define HTTAP_HOST_H

#include "httap/text.h"

enum host_kind { HOST_NAME, HOST_IPV4, HOST_IPV6 };

struct host {
	enum host_kind kind;
	struct span name;  /* without brackets, and without the dot at the end of a full name */
	unsigned int port; /* 0: none was written */
	bool https;        /* of an origin */
};

/* Reads an address of AF_INET or AF_INET6 without brackets into the in_addr or in6_addr that `address` points to. */
bool host_address(int family, struct span text, void *address);

/* Reads `uri-host [ ":" port ]` (RFC 9110 section 7.2). False when it is anything else, or empty. */
bool host_parse(struct host *host, struct span text);

/* Reads an origin, `http://host[:port]` or `https://...` (RFC 6454 section 6.2). The missing port becomes 80 or 443. */
bool origin_parse(struct host *origin, struct span text);

bool host_equal(const struct host *a, const struct host *b); /* names without regard to case, ports, and schemes */

#endif
