/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Who may ask and who may write. A browser sends requests for any page it shows; these checks tell our own pages from foreign
 * ones by what the browser says truthfully: Host, Origin, Referer, Sec-Fetch-Site and the marks of a prefetch. They keep out
 * foreign pages, not people: whoever can send bytes to the port himself may write. Pure.
 */
#include "httap/guard.h"

#include "httap/host.h"

/* The machine's name, and the same with .local (RFC 6762, what mDNS answers to); a full host name also by its first label. */
static bool is_own_name(const struct guard *guard, struct span name)
{
	struct span own = span_of(guard->host_name), label;

	if (span_equal_nocase(name, own))
		return true;
	if (name.len > 6 && span_is_nocase(span_behind(name, name.len - 6), ".local"))
		name.len -= 6;
	(void)span_next(&own, '.', &label);
	return span_equal_nocase(name, label);
}

/* A name that a foreign DNS server points at this machine (DNS rebinding) is a name like any other to the browser, with our
 * address behind it; only we know that it is not ours. An address literal can't be rebound. */
static bool is_own_host(const struct guard *guard, const struct host *host)
{
	return host->kind != HOST_NAME || span_is_nocase(host->name, "localhost") || is_own_name(guard, host->name) ||
		span_is_one_of(host->name, guard->hosts);
}

/* The entry that lets pages of that origin, NULL for one that can't be read: it, or "*". at == NULL: none. */
static struct span find_listed(const struct guard *guard, const struct host *origin)
{
	struct span rest = span_of_any(guard->origins), word;
	struct host listed;

	while (span_word(&rest, &word))
		if (span_is(word, "*") || (origin != NULL && origin_parse(&listed, word) && host_equal(&listed, origin)))
			return word;
	return (struct span){ NULL, 0 };
}

/* Is the origin ours: the same host and port that the request was sent to? The scheme may differ: TLS ends at a proxy. */
static bool is_same_origin(const struct host *origin, const struct host *host)
{
	struct host own = *host;

	own.https = origin->https;
	if (own.port == 0)
		own.port = own.https ? 443 : 80;
	return host_equal(&own, origin);
}

enum standing { NOBODY_SAYS, OURS, LISTED, FOREIGN };

/* `*listed`: what a listed origin is told, itself as the browser wrote it, or "*". */
static enum standing origin_standing(const struct guard *guard, struct span text, const struct host *host, struct span *listed)
{
	struct host origin;

	if (text.at == NULL)
		return NOBODY_SAYS;
	/* "null", and schemes that are no web page of ours, can't be read. */
	bool readable = origin_parse(&origin, text);
	if (readable && is_same_origin(&origin, host))
		return OURS;
	struct span entry = find_listed(guard, readable ? &origin : NULL);
	if (entry.at == NULL)
		return FOREIGN;
	*listed = entry.len == 1 ? entry : text;
	return LISTED;
}

/* The origin part of a Referer, which is a whole address. */
static struct span referer_origin(struct span referer)
{
	size_t slashes = 0;

	for (size_t i = 0; i < referer.len; i++)
		if (referer.at[i] == '/' && ++slashes == 3)
			return (struct span){ referer.at, i };
	return referer;
}

static bool is_prefetch(struct span purpose)
{
	struct span word;

	while (span_next(&purpose, ';', &word))
		if (span_is_one_of(span_trim(word), "prefetch prerender preview"))
			return true;
	return false;
}

static int decide_write(
	const struct guard *guard, const struct request *request, const struct host *host, enum standing origin, const char **why)
{
	struct span listed;

	*why = "a prefetch never writes";
	if (is_prefetch(request->field[FIELD_SEC_PURPOSE]) || is_prefetch(request->field[FIELD_PURPOSE]))
		return 403;
	if (origin == LISTED)
		return 0;
	*why = "a page of another site must not write; list its origin in HTTAP_ORIGINS";
	if (span_is_one_of(request->field[FIELD_SEC_FETCH_SITE], "cross-site same-site"))
		return 403;
	/* A GET carries no Origin; the Referer is all there is to tell a foreign page's link or image from a bookmark. */
	if (request->method == METHOD_GET && origin == NOBODY_SAYS &&
		origin_standing(guard, referer_origin(request->field[FIELD_REFERER]), host, &listed) == FOREIGN)
		return 403;
	return 0;
}

int guard_decide(const struct guard *guard, const struct request *request, const struct target *target, bool writes,
	struct span *listed, const char **why)
{
	struct span field = request->field[FIELD_HOST];
	struct host host = { .kind = HOST_NAME };

	*why = "Host must be there once, as a name or an address and a port";
	if (field.at != NULL ? !host_parse(&host, field) : request->minor > 0) /* RFC 9112 section 3.2 */
		return 400;
	/* The host of a target in absolute form replaces the field (RFC 9112 section 3.2.2), but the field must be right too. */
	if (target->host.at != NULL && !host_parse(&host, target->host))
		return 400;
	*why = "this server does not go by that name; list it in HTTAP_HOSTS, or use its address";
	if (host.name.at != NULL && !is_own_host(guard, &host))
		return 421;

	enum standing origin = origin_standing(guard, request->field[FIELD_ORIGIN], &host, listed);
	if (target->domain == DOMAIN_STATIC)
		return 0;
	*why = "pages of that origin may not use this server; list the origin in HTTAP_ORIGINS";
	if (origin == FOREIGN)
		return 403;
	return writes ? decide_write(guard, request, &host, origin, why) : 0;
}

/* As a host is compared: without a port, brackets, or a dot at its end. */
static bool is_host(struct span text)
{
	struct host host;

	return host_parse(&host, text) && host.name.len == text.len;
}

static bool is_origin(struct span text)
{
	struct host origin;

	return span_is(text, "*") || origin_parse(&origin, text);
}

static bool is_list(const char *text, bool (*is_entry)(struct span text))
{
	struct span rest = span_of(text), entry;
	unsigned int room = HTTAP_LIST_MAX;

	while (span_word(&rest, &entry))
		if (room-- == 0 || !is_entry(entry))
			return false;
	return true;
}

bool guard_is_host_list(const char *text)
{
	return is_list(text, is_host);
}

bool guard_is_origin_list(const char *text)
{
	return is_list(text, is_origin);
}
