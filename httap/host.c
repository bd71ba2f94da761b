/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Host names and origins. Pure: nothing is resolved, and no path is ever built from a host.
 */
#include "httap/host.h"

#include <arpa/inet.h>
#include <string.h>

#include "httapd_limits.h"

static bool is_address(int family, struct span text)
{
	char copy[INET6_ADDRSTRLEN];
	unsigned char address[sizeof(struct in6_addr)];

	if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.at, '\0', text.len) != NULL)
		return false;
	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return inet_pton(family, copy, address) == 1;
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
			if (!text_is_alnum(label.at[i]) && label.at[i] != '-' && label.at[i] != '_')
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

static bool parse_bracketed(struct host *host, struct span text)
{
	const char *end = memchr(text.at, ']', text.len);

	if (end == NULL)
		return false;
	host->kind = HOST_IPV6;
	host->name = (struct span){ text.at + 1, (size_t)(end - text.at) - 1 };
	struct span rest = { end + 1, text.len - host->name.len - 2 };
	if (!is_address(AF_INET6, host->name))
		return false;
	return rest.len == 0 || (rest.at[0] == ':' && parse_port(host, (struct span){ rest.at + 1, rest.len - 1 }));
}

bool host_parse(struct host *host, struct span text)
{
	*host = (struct host){ .kind = HOST_NAME };
	if (text.len == 0)
		return false;
	if (text.at[0] == '[')
		return parse_bracketed(host, text);

	struct span port = text;
	span_next(&port, ':', &host->name);
	if (port.at != NULL && !parse_port(host, port))
		return false;
	/* Only what begins with a digit can be an IPv4 address; most hosts do not, and are spared the look. */
	if (host->name.len > 0 && text_is_digit(host->name.at[0]) && is_address(AF_INET, host->name)) {
		host->kind = HOST_IPV4;
		return true;
	}
	if (host->name.len > 1 && host->name.at[host->name.len - 1] == '.')
		host->name.len--;
	return is_name(host->name);
}

bool origin_parse(struct host *host, bool *https, struct span text)
{
	size_t scheme = 0;

	if (text.len > 7 && span_is_nocase((struct span){ text.at, 7 }, "http://"))
		scheme = 7;
	else if (text.len > 8 && span_is_nocase((struct span){ text.at, 8 }, "https://"))
		scheme = 8;
	if (scheme == 0 || !host_parse(host, (struct span){ text.at + scheme, text.len - scheme }))
		return false;
	*https = scheme == 8;
	if (host->port == 0)
		host->port = *https ? 443 : 80;
	return true;
}

bool host_equal(const struct host *a, const struct host *b)
{
	return a->kind == b->kind && a->port == b->port && span_equal_nocase(a->name, b->name);
}
