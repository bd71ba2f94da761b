/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Request targets (RFC 9112 section 3.2): one strict decoder, then one check. It builds no path from anything but the decoded
 * bytes, and opens nothing.
 */
#include "httap/target.h"

#include <string.h>

/* Has the text no control character, and as many slashes as before it was decoded? */
static bool is_plain(struct span text, struct span raw, bool path)
{
	size_t slashes = 0;

	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f)
			return false;
		slashes += text.at[i] == '/';
	}
	for (size_t i = 0; i < raw.len; i++)
		slashes -= raw.at[i] == '/';
	return !path || slashes == 0;
}

/* Decoded once, and judged then. An encoded slash would be a separator for one program and a letter for the next, so that a path must
 * not contain any. */
static int decode(struct target *target, struct span raw, const char **why)
{
	/* Of a target that was refused for its length only the domain matters. */
	long len = raw.len <= HTTAP_TARGET_MAX ? text_decode(target->text, raw) : -1;

	*why = "% must be followed by two hexadecimal digits";
	if (len < 0)
		return 400;
	target->len = (size_t)len;
	target->text[len] = '\0';
	*why = "control characters and encoded slashes are not allowed in a target";
	return is_plain((struct span){ target->text, target->len }, raw, target->domain != DOMAIN_DYNAMIC) ? 0 : 400;
}

static int judge_path(const struct target *target, const char **why)
{
	struct span rest = { target->text, target->len }, segment;

	/* HTTaP refuses two consecutive dots anywhere in a path, and says so; all else that can't be a file is just not there. */
	*why = "two consecutive dots are not allowed in a path";
	if (strstr(target->text, "..") != NULL)
		return 400;
	*why = "there is no such file";
	if (target->len == 0)
		return 0;
	while (span_next(&rest, '/', &segment))
		if (segment.len == 0 || segment.at[0] == '.')
			return 404;
	return 0;
}

static int parse_origin_form(struct target *target, struct span raw, const char **why)
{
	struct span path;

	if (raw.len >= 2 && raw.at[1] == '?') {
		target->domain = DOMAIN_DYNAMIC;
		return decode(target, span_behind(raw, 2), why);
	}
	if (span_is(raw, "/0") || span_is(raw, "/1"))
		target->domain = DOMAIN_SWITCH;
	(void)span_next(&raw, '?', &path);
	int status = decode(target, span_behind(path, 1), why);
	return status != 0 ? status : judge_path(target, why);
}

/* A proxy's form, which every server must understand (RFC 9112 section 3.2.2): http://host/path. */
static int parse_absolute_form(struct target *target, struct span raw, const char **why)
{
	struct span rest = span_behind(raw, 7);

	target->host = (struct span){ rest.at, 0 };
	for (; rest.len > 0 && rest.at[0] != '/' && rest.at[0] != '?'; rest = span_behind(rest, 1))
		target->host.len++;
	if (rest.len == 0)
		return parse_origin_form(target, SPAN("/"), why);
	*why = "a target must have a path: write http://host/?word";
	return rest.at[0] == '/' ? parse_origin_form(target, rest, why) : 400;
}

int target_parse(struct target *target, const struct request *request, const char **why)
{
	struct span raw = request->target;

	target->domain = DOMAIN_STATIC;
	target->host = (struct span){ NULL, 0 };
	target->len = 0;
	target->text[0] = '\0';
	*why = "the target must begin with a slash";
	if (raw.len == 0)
		return 400;
	if (raw.at[0] == '/')
		return parse_origin_form(target, raw, why);
	if (raw.len >= 7 && span_is_nocase((struct span){ raw.at, 7 }, "http://"))
		return parse_absolute_form(target, raw, why);
	if (span_is(raw, "*") && request->method == METHOD_OPTIONS) {
		target->domain = DOMAIN_ASTERISK;
		return 0;
	}
	return 400;
}
