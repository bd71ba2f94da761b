/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Reads a request head (RFC 9112 sections 2 to 5): pure, no I/O, no allocation, no clock. It reads and checks syntax; what the
 * fields mean together is judged elsewhere (frame.c, guard.c). Strict where leniency has let requests be smuggled:
 * CRLF only, no space before a colon, no folded lines, no field twice that may stand once.
 */
#include "httap/request.h"

#include <string.h>

#include "httapd_limits.h"

/* Only the line ends matter here: every other byte is judged once, by request_parse(), when the head is complete. */
long request_find_end(const char *bytes, size_t len, size_t *scanned)
{
	size_t line = *scanned; /* where the present line begins */
	const char *lf;

	while ((lf = memchr(bytes + line, '\n', len - line)) != NULL) {
		size_t at = (size_t)(lf - bytes);
		bool empty = at == line + 1;
		if (at == line || bytes[at - 1] != '\r' || (bytes[line] == '\r' && !empty))
			return -1;
		if (empty && line > 0)
			return (long)(at + 1);
		line = at + 1;
	}
	*scanned = line;
	/* The head can't end here any more, and its peer may be waiting for an answer. */
	return len - line >= 2 && bytes[line] == '\r' ? -1 : 0;
}

static enum method method_of(struct span text)
{
	static const char *const names[] = { [METHOD_GET] = "GET",
		[METHOD_HEAD] = "HEAD",
		[METHOD_POST] = "POST",
		[METHOD_PUT] = "PUT",
		[METHOD_OPTIONS] = "OPTIONS" };
	enum method method = METHOD_OPTIONS;

	while (method != METHOD_UNKNOWN && !span_is(text, names[method]))
		method--;
	return method;
}

/* HTTP-version = "HTTP/" DIGIT "." DIGIT (RFC 9112 section 2.3). */
static int parse_version(struct request *request, struct span text, const char **why)
{
	*why = "the version must be HTTP/1.1 or HTTP/1.0";
	if (text.len != 8 || memcmp(text.at, "HTTP/", 5) != 0 || text.at[6] != '.' || !text_is_digit(text.at[5]) ||
		!text_is_digit(text.at[7]))
		return 400;
	if (text.at[5] != '1')
		return 505;
	request->minor = text.at[7] == '0' ? 0 : 1;
	return 0;
}

static int parse_target(struct request *request, struct span text, const char **why)
{
	request->target = text; /* also when it is refused: how, depends on its domain */
	if (text.len > HTTAP_TARGET_MAX) {
		*why = "the target is longer than 2048 bytes";
		return 414;
	}
	*why = "the target must be a path of printable ASCII without spaces; encode other bytes as %XX";
	return text.len > 0 && span_is_all(text, TEXT_TARGET) ? 0 : 400;
}

/* request-line = method SP request-target SP HTTP-version: exactly two spaces (RFC 9112 section 3). */
static int parse_request_line(struct request *request, struct span line, const char **why)
{
	struct span method, target;

	*why = "the request line must be METHOD SP TARGET SP VERSION";
	if (!span_next(&line, ' ', &method) || !span_next(&line, ' ', &target) || line.at == NULL || method.len == 0 ||
		!span_is_all(method, TEXT_TOKEN))
		return 400;
	request->method = method_of(method);
	request->method_text = method;

	int status = parse_target(request, target, why);
	return status != 0 ? status : parse_version(request, line, why);
}

/* Lists in Connection may have empty elements (RFC 9110 section 5.6.1.2). */
static void parse_connection(struct request *request, struct span value)
{
	struct span option;

	while (span_next(&value, ',', &option)) {
		option = span_trim(option);
		if (span_is_nocase(option, "close"))
			request->close = true;
		else if (span_is_nocase(option, "keep-alive"))
			request->keep_alive = true;
	}
}

static enum field field_of(struct span name)
{
	static const struct span known[FIELD_COUNT] = {
		[FIELD_HOST] = { "host", 4 },
		[FIELD_CONTENT_LENGTH] = { "content-length", 14 },
		[FIELD_TRANSFER_ENCODING] = { "transfer-encoding", 17 },
		[FIELD_CONNECTION] = { "connection", 10 },
		[FIELD_EXPECT] = { "expect", 6 },
		[FIELD_ORIGIN] = { "origin", 6 },
		[FIELD_REFERER] = { "referer", 7 },
		[FIELD_SEC_FETCH_SITE] = { "sec-fetch-site", 14 },
		[FIELD_SEC_PURPOSE] = { "sec-purpose", 11 },
		[FIELD_PURPOSE] = { "purpose", 7 },
		[FIELD_SESSION] = { "httap-session", 13 },
		[FIELD_AUTHORIZATION] = { "authorization", 13 },
		[FIELD_RANGE] = { "range", 5 },
		[FIELD_IF_RANGE] = { "if-range", 8 },
		[FIELD_IF_MODIFIED_SINCE] = { "if-modified-since", 17 },
		[FIELD_IF_UNMODIFIED_SINCE] = { "if-unmodified-since", 19 },
		[FIELD_IF_MATCH] = { "if-match", 8 },
		[FIELD_IF_NONE_MATCH] = { "if-none-match", 13 },
		[FIELD_ACCEPT_ENCODING] = { "accept-encoding", 15 },
	};
	for (unsigned int i = 0; i < FIELD_COUNT; i++)
		if (known[i].len == name.len && span_equal_nocase(name, known[i]))
			return (enum field)i;
	return FIELD_COUNT;
}

static int parse_field(struct request *request, struct span line, const char **why)
{
	struct span name, value = line;

	*why = "a field must be NAME: VALUE, without a space before the colon";
	if (!span_next(&value, ':', &name) || value.at == NULL || name.len == 0 || !span_is_all(name, TEXT_TOKEN))
		return 400;
	*why = "a field's value must not contain control characters";
	if (!span_is_all(value, TEXT_VALUE))
		return 400;
	value = span_trim(value);

	enum field field = field_of(name);
	if (field == FIELD_COUNT)
		return 0;
	if (field == FIELD_CONNECTION) {
		parse_connection(request, value);
	} else if (request->field[field].at != NULL && field >= FIELD_LISTS) {
		value.len = 0;
	} else if (request->field[field].at != NULL) {
		/* Two values of such a field are two stories: a proxy in front may have believed the other one. */
		*why = "a field that may stand only once stands twice";
		return 400;
	}
	request->field[field] = value;
	return 0;
}

/* The line at `*at`, without its CRLF; `*at` moves behind it. The caller has seen that every line ends with CRLF. */
static struct span take_line(const char *bytes, size_t len, size_t *at)
{
	const char *end = memchr(bytes + *at, '\n', len - *at);
	struct span line = { bytes + *at, (size_t)(end - bytes) - *at - 1 };

	*at += line.len + 2;
	return line;
}

int request_parse(struct request *request, const char *bytes, size_t len, const char **why)
{
	size_t at = 0;
	unsigned int fields = 0;

	*request = (struct request){ 0 };
	/* One empty line before a request is ignored: some old clients send a CRLF after a body (RFC 9112 section 2.2). */
	if (len >= 2 && bytes[0] == '\r')
		at = 2;

	int status = parse_request_line(request, take_line(bytes, len, &at), why);
	while (status == 0 && at < len - 2) {
		if (++fields > HTTAP_FIELDS_MAX) {
			*why = "the head has more than 64 fields";
			return 431;
		}
		status = parse_field(request, take_line(bytes, len, &at), why);
	}
	return status;
}
