/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Who may ask and who may write. A browser sends requests for any page it shows; these checks tell our own pages from foreign
 * ones by what the browser says truthfully: Host, Origin, Referer, Sec-Fetch-Site and the marks of a prefetch. They keep out
 * foreign pages, not people: whoever can send bytes to the port himself may write. Pure.
 */
#include "httap/guard.h"

#include "httap/host.h"

static bool name_matches(struct span name, const char *host)
{
	return host[0] != '\0' && span_is_nocase(name, host);
}

/* The machine's name, and the same with .local (RFC 6762, what mDNS answers to); a full host name also by its first label. */
static bool is_own_name(const struct guard *guard, struct span name)
{
	struct span bare = name, own = span_of(guard->host_name), label;

	if (name_matches(name, guard->host_name))
		return true;
	if (name.len > 6 && span_is_nocase((struct span){ name.at + name.len - 6, 6 }, ".local"))
		bare.len -= 6;
	span_next(&own, '.', &label);
	return label.len > 0 && span_equal_nocase(bare, label);
}

static bool is_listed_host(const struct guard *guard, struct span name)
{
	struct span rest, word;
	struct host listed;

	if (guard->hosts == NULL)
		return false;
	rest = span_of(guard->hosts);
	while (span_word(&rest, &word))
		if (host_parse(&listed, word) && span_equal_nocase(listed.name, name))
			return true;
	return false;
}

/* A name that a foreign DNS server points at this machine (DNS rebinding) is a name like any other to the browser, with our
 * address behind it; only we know that it is not ours. An address literal can't be rebound. */
static bool is_own_host(const struct guard *guard, const struct host *host)
{
	return host->kind != HOST_NAME || span_is_nocase(host->name, "localhost") || is_own_name(guard, host->name) ||
		is_listed_host(guard, host->name);
}

static bool is_any_origin_listed(const struct guard *guard)
{
	struct span rest, word;

	if (guard->origins == NULL)
		return false;
	rest = span_of(guard->origins);
	while (span_word(&rest, &word))
		if (span_is(word, "*"))
			return true;
	return false;
}

static bool is_listed_origin(const struct guard *guard, const struct host *origin, bool https)
{
	struct span rest, word;
	struct host listed;
	bool listed_https;

	if (guard->origins == NULL)
		return false;
	rest = span_of(guard->origins);
	while (span_word(&rest, &word))
		if (origin_parse(&listed, &listed_https, word) && listed_https == https && host_equal(&listed, origin))
			return true;
	return false;
}

/* Is the origin ours: the same host and port that the request was sent to? The scheme may differ: TLS ends at a proxy. */
static bool is_same_origin(const struct host *origin, bool https, const struct host *host)
{
	struct host own = *host;

	if (own.port == 0)
		own.port = https ? 443 : 80;
	return host_equal(&own, origin);
}

enum standing { NOBODY_SAYS, OURS, LISTED, FOREIGN };

static enum standing origin_standing(const struct guard *guard, struct span text, const struct host *host)
{
	struct host origin;
	bool https;

	if (text.at == NULL)
		return NOBODY_SAYS;
	if (!origin_parse(&origin, &https, text)) /* "null", and schemes that are no web page of ours */
		return is_any_origin_listed(guard) ? LISTED : FOREIGN;
	if (host->name.at != NULL && is_same_origin(&origin, https, host))
		return OURS;
	return is_any_origin_listed(guard) || is_listed_origin(guard, &origin, https) ? LISTED : FOREIGN;
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

static bool is_prefetch(const struct request *request)
{
	struct span both[] = { request->field[FIELD_SEC_PURPOSE], request->field[FIELD_PURPOSE] }, word;

	for (size_t i = 0; i < 2; i++)
		while (span_next(&both[i], ';', &word))
			if (span_is_nocase(span_trim(word), "prefetch") || span_is_nocase(span_trim(word), "prerender") ||
				span_is_nocase(span_trim(word), "preview"))
				return true;
	return false;
}

static bool is_cross_site(const struct request *request)
{
	struct span site = request->field[FIELD_SEC_FETCH_SITE];

	return span_is_nocase(site, "cross-site") || span_is_nocase(site, "same-site");
}

static int decide_write(
	const struct guard *guard, const struct request *request, const struct host *host, enum standing origin, const char **why)
{
	*why = "a prefetch never writes";
	if (is_prefetch(request))
		return 403;
	if (origin == LISTED)
		return 0;
	*why = "a page of another site must not write; list its origin in HTTAP_ORIGINS";
	if (is_cross_site(request))
		return 403;
	/* A GET carries no Origin; the Referer is all there is to tell a foreign page's link or image from a bookmark. */
	if (request->method == METHOD_GET && origin == NOBODY_SAYS &&
		origin_standing(guard, referer_origin(request->field[FIELD_REFERER]), host) == FOREIGN)
		return 403;
	return 0;
}

int guard_decide(const struct guard *guard, const struct request *request, const struct target *target, bool writes,
	struct span *listed, const char **why)
{
	/* The host of a target in absolute form replaces the field (RFC 9112 section 3.2.2), but the field must be right too. */
	struct span text = target->host.at != NULL ? target->host : request->field[FIELD_HOST];
	struct host host = { .kind = HOST_NAME };

	*why = "Host must be there once, as a name or an address and a port";
	if (request->minor > 0 && request->field[FIELD_HOST].at == NULL) /* RFC 9112 section 3.2 */
		return 400;
	if (request->field[FIELD_HOST].at != NULL && !host_parse(&host, request->field[FIELD_HOST]))
		return 400;
	if (text.at != NULL && !host_parse(&host, text))
		return 400;
	*why = "this server does not go by that name; list it in HTTAP_HOSTS, or use its address";
	if (text.at != NULL && !is_own_host(guard, &host))
		return 421;

	enum standing origin = origin_standing(guard, request->field[FIELD_ORIGIN], &host);
	if (origin == LISTED)
		*listed = is_any_origin_listed(guard) ? SPAN("*") : request->field[FIELD_ORIGIN];
	if (target->domain == DOMAIN_STATIC)
		return 0;
	*why = "pages of that origin may not use this server; list the origin in HTTAP_ORIGINS";
	if (origin == FOREIGN)
		return 403;
	return writes ? decide_write(guard, request, &host, origin, why) : 0;
}

int guard_check_hosts(const char *hosts, struct span *bad)
{
	struct span rest = span_of(hosts);
	struct host host;

	while (span_word(&rest, bad))
		if (!host_parse(&host, *bad) || host.port != 0)
			return -1;
	return 0;
}

int guard_check_origins(const char *origins, struct span *bad)
{
	struct span rest = span_of(origins);
	struct host host;
	bool https;

	while (span_word(&rest, bad))
		if (!span_is(*bad, "*") && !origin_parse(&host, &https, *bad))
			return -1;
	return 0;
}
