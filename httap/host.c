/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Host names and origins. Pure: nothing is resolved, and no path is ever built from a host.
 */
#include "httap/host.h"

#include <arpa/inet.h>
#include <string.h>

#include "httapd_limits.h"

bool host_address(int family, struct span text, void *address)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.at, '\0', text.len) != NULL)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return inet_pton(family, copy, address) == 1;
}

static bool is_address(int family, struct span text)
{
	struct in6_addr address; /* the longer of both */

	return host_address(family, text, &address);
}

/* Letters, digits, hyphens and underscores between single dots: what a browser can have resolved. */
static bool is_name(struct span text)
{
	struct span label;

	if (text.len == 0 || text.len >= HTTAP_HOST_SIZE)
		return false;
	while (span_next(&text, '.', &label)) {
		if (label.len == 0 || label.len > 63)
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!text_is(label.at[i], TEXT_NAME) && label.at[i] != '-')
				return false;
	}
	return true;
}

static bool parse_port(struct host *host, struct span text)
{
	uint64_t port;

	if (!text_number(text, 65535, &port) || port == 0)
		return false;
	host->port = (unsigned int)port;
	return true;
}

/* Cuts [ADDRESS] off, behind which nothing or a colon follows. */
static bool take_bracketed(struct host *host, struct span *rest)
{
	struct span nothing = { NULL, 0 };

	host->kind = HOST_IPV6;
	*rest = span_behind(*rest, 1);
	(void)span_next(rest, ']', &host->name);
	return rest->at != NULL && is_address(AF_INET6, host->name) && span_next(rest, ':', &nothing) && nothing.len == 0;
}

bool host_parse(struct host *host, struct span text)
{
	*host = (struct host){ .kind = HOST_NAME };
	if (text.len == 0)
		return false;
	if (text.at[0] != '[')
		(void)span_next(&text, ':', &host->name);
	else if (!take_bracketed(host, &text))
		return false;
	if (text.at != NULL && !parse_port(host, text))
		return false;
	if (host->kind == HOST_IPV6)
		return true;
	/* Only what begins with a digit can be an IPv4 address; most hosts do not, and are spared the look. */
	if (host->name.len > 0 && text_is_digit(host->name.at[0]) && is_address(AF_INET, host->name)) {
		host->kind = HOST_IPV4;
		return true;
	}
	if (host->name.len > 1 && host->name.at[host->name.len - 1] == '.')
		host->name.len--;
	return is_name(host->name);
}

bool origin_parse(struct host *origin, struct span text)
{
	struct span scheme;

	(void)span_next(&text, ':', &scheme);
	if (!span_is_one_of(scheme, "http https") || !span_begins(text, "//") || !host_parse(origin, span_behind(text, 2)))
		return false;
	origin->https = scheme.len == 5;
	if (origin->port == 0)
		origin->port = origin->https ? 443 : 80;
	return true;
}

bool host_equal(const struct host *a, const struct host *b)
{
	return a->kind == b->kind && a->port == b->port && a->https == b->https && span_equal_nocase(a->name, b->name);
}
