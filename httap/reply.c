/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The only writer of status lines and header fields. Every value is a constant, a number or a session's name of our own making, so
 * that no reply can be split; of what a peer sent only an origin is written that was parsed and found in the configuration.
 */
#include "httap/reply.h"

#include <assert.h>
#include <string.h>

#include "httapd_limits.h"

/* Empty for a refusal that is none of ours; a number that is no refusal at all is a fault of the application's. */
static struct span known_line(int status)
{
	static const struct {
		int status;
		struct span line;
	} lines[] = {
	/* clang-format off */
#define LINE(code, reason) { code, { "HTTP/1.1 " #code " " reason "\r\n", sizeof("HTTP/1.1 " #code " " reason "\r\n") - 1 } }
		LINE(200, "OK"),
		LINE(204, "No Content"),
		LINE(206, "Partial Content"),
		LINE(304, "Not Modified"),
		LINE(400, "Bad Request"),
		LINE(403, "Forbidden"),
		LINE(404, "Not Found"),
		LINE(405, "Method Not Allowed"),
		LINE(408, "Request Timeout"),
		LINE(409, "Conflict"),
		LINE(412, "Precondition Failed"),
		LINE(413, "Content Too Large"),
		LINE(414, "URI Too Long"),
		LINE(416, "Range Not Satisfiable"),
		LINE(417, "Expectation Failed"),
		LINE(421, "Misdirected Request"),
		LINE(431, "Request Header Fields Too Large"),
		LINE(500, "Internal Server Error"),
		LINE(501, "Not Implemented"),
		LINE(503, "Service Unavailable"),
		LINE(505, "HTTP Version Not Supported"),
#undef LINE
		/* clang-format on */
	};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lines[i].status == status)
			return lines[i].line;
	return status >= 400 && status <= 599 ? SPAN("") : known_line(500);
}

static char *put(char *at, struct span text)
{
	if (text.len > 0)
		memcpy(at, text.at, text.len);
	return at + text.len;
}

static char *put_number(char *at, uint64_t number)
{
	char digits[TEXT_DIGITS_MAX];

	return put(at, text_digits(digits, number));
}

/* An application may refuse with any status: then the reason is left out, as RFC 9112 section 4 allows. */
static char *put_status(char *at, int status)
{
	struct span known = known_line(status);

	if (known.len > 0)
		return put(at, known);
	at = put(at, SPAN("HTTP/1.1 "));
	at = put_number(at, (uint64_t)status);
	return put(at, SPAN(" \r\n"));
}

static char *put_field(char *at, struct span name_and_colon, struct span value)
{
	at = put(at, name_and_colon);
	at = put(at, value);
	return put(at, SPAN("\r\n"));
}

/* Lines that are the same in every reply that has them. */
static char *put_constants(char *at, const struct reply *reply)
{
	static const struct span lines[] = {
		/* Pages load nothing from elsewhere, run no inline script, and stand in nobody's frame, where a click could be
		 * stolen for a switch. */
		SPAN_INIT(
			"X-Content-Type-Options: nosniff\r\n"
			"Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
			"Referrer-Policy: no-referrer\r\n"),
		SPAN_INIT("Access-Control-Expose-Headers: HTTaP-Session\r\n"),
		SPAN_INIT("Access-Control-Allow-Headers: Content-Type, HTTaP-Session\r\n"
			  "Access-Control-Allow-Private-Network: true\r\n"
			  "Access-Control-Max-Age: 600\r\n"),
		SPAN_INIT("Vary: Origin\r\n"),
		SPAN_INIT("Vary: Accept-Encoding\r\n"),
		SPAN_INIT("Vary: Origin, Accept-Encoding\r\n"),
		SPAN_INIT("Content-Disposition: attachment\r\n"),
		SPAN_INIT("Retry-After: 1\r\n"),
		SPAN_INIT("Connection: close\r\n"),
		SPAN_INIT("Connection: keep-alive\r\n"),
		SPAN_INIT("\r\n"),
	};
	const bool has[] = {
		reply->session == NULL,
		reply->origin.at != NULL,
		reply->origin.at != NULL && reply->preflight,
		reply->varies && !reply->coded,
		!reply->varies && reply->coded,
		reply->varies && reply->coded,
		reply->attachment,
		reply->status == 503,
		reply->close,
		reply->keep_alive && !reply->close,
		true,
	};

	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++)
		if (has[i])
			at = put(at, lines[i]);
	return at;
}

size_t reply_head(char *out, const struct reply *reply)
{
	char *at = put_status(out, reply->status);

	if (reply->date.len > 0)
		at = put_field(at, SPAN("Date: "), reply->date);
	/* RFC 9110 section 8.6: no Content-Length with 204, and with 304 only that of the 200. */
	if (reply->status != 204 && reply->status != 304 && reply->length != REPLY_ENDLESS)
		at = put(put_number(put(at, SPAN("Content-Length: ")), reply->length), SPAN("\r\n"));
	if (reply->type != NULL)
		at = put_field(at, SPAN("Content-Type: "), span_of(reply->type));
	if (reply->session != NULL)
		at = put_field(at,
			SPAN("Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
			     "Cross-Origin-Resource-Policy: same-origin\r\nHTTaP-Session: "),
			span_of(reply->session));
	at = put(at, reply->fields);
	if (reply->allow != NULL)
		at = put_field(at, SPAN("Allow: "), span_of(reply->allow));
	/* CORS (Fetch standard, section 3.2): what a browser must hear to let a page of another origin read this, or send more than a
	 * form could. The private network is where we are: a page from outside asks for it beforehand (Private Network Access). */
	if (reply->origin.at != NULL)
		at = put_field(at, SPAN("Access-Control-Allow-Origin: "), reply->origin);
	if (reply->origin.at != NULL && reply->preflight && reply->allow != NULL)
		at = put_field(at, SPAN("Access-Control-Allow-Methods: "), span_of(reply->allow));
	at = put_constants(at, reply);
	assert((size_t)(at - out) <= HTTAP_REPLY_HEAD_MAX);
	return (size_t)(at - out);
}
