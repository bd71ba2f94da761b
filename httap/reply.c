/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The only writer of status lines and header fields. Every value is a constant, a number or a session's name of our own making, so
 * that no reply can be split; of what a peer sent only an origin is written that was parsed and found in the configuration.
 */
#include "httap/reply.h"

#include <string.h>

#include "httap/date.h"
#include "httapd_limits.h"

/* NULL for a refusal that is none of ours; a number that is no refusal at all is a fault of the application's. */
static const char *known_line(int status)
{
	static const struct {
		int status;
		const char *line;
	} lines[] = {
	/* clang-format off */
#define LINE(code, reason) { code, "HTTP/1.1 " #code " " reason "\r\n" }
		LINE(204, "No Content"),
		LINE(206, "Partial Content"),
		LINE(304, "Not Modified"),
		LINE(400, "Bad Request"),
		LINE(401, "Unauthorized"),
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
		LINE(429, "Too Many Requests"),
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
	return status >= 400 && status <= 599 ? NULL : known_line(500);
}

/* Always inlined: where the text is a constant, copying it takes a few moves and no call. */
FAST_INLINE char *put(char *at, struct span text)
{
	if (text.len > 0)
		memcpy(at, text.at, text.len);
	return at + text.len;
}

/* Likewise of a variable that mostly has this length. */
FAST_INLINE char *put_sized(char *at, struct span text, size_t usual)
{
	if (!FAST || text.len != usual)
		return put(at, text);
	memcpy(at, text.at, usual);
	return at + usual;
}

static char *put_number(char *at, uint64_t number)
{
	char digits[TEXT_DIGITS_MAX];

	if (FAST && number < 10) {
		*at = (char)('0' + number);
		return at + 1;
	}
	return put(at, text_digits(digits, number));
}

/* An application may refuse with any status: then the reason is left out, as RFC 9112 section 4 allows. */
static char *put_status(char *at, int status)
{
	if (status == 200)
		return __builtin_stpcpy(at, "HTTP/1.1 200 OK\r\n");
	const char *known = known_line(status);
	if (known != NULL)
		return __builtin_stpcpy(at, known);
	return __builtin_stpcpy(put_number(__builtin_stpcpy(at, "HTTP/1.1 "), (uint64_t)status), " \r\n");
}

/* CORS (Fetch standard, section 3.2): what a browser must hear to let a page of another origin read this, or send more than a
 * form could. The private network is where we are: a page from outside asks for it beforehand (Private Network Access). */
static char *put_origin(char *at, const struct reply *reply)
{
	at = put(__builtin_stpcpy(at, "Access-Control-Allow-Origin: "), reply->origin);
	if (reply->preflight && reply->allow != NULL)
		at = __builtin_stpcpy(__builtin_stpcpy(at, "\r\nAccess-Control-Allow-Methods: "), reply->allow);
	at = __builtin_stpcpy(at, "\r\nAccess-Control-Expose-Headers: HTTaP-Session\r\n");
	if (!reply->preflight)
		return at;
	at = __builtin_stpcpy(at, "Access-Control-Allow-Headers: ");
	if (TOKENS && reply->authorizes)
		at = __builtin_stpcpy(at, "Authorization, ");
	return __builtin_stpcpy(at,
		"Content-Type, HTTaP-Session\r\n"
		"Access-Control-Allow-Private-Network: true\r\n"
		"Access-Control-Max-Age: 600\r\n");
}

/* Fields that few replies have. */
static char *put_others(char *at, const struct reply *reply)
{
	at = put(at, reply->fields);
	if (reply->allow != NULL)
		at = __builtin_stpcpy(__builtin_stpcpy(__builtin_stpcpy(at, "Allow: "), reply->allow), "\r\n");
	if (reply->origin.at != NULL)
		at = put_origin(at, reply);
	if (reply->varies || reply->coded)
		at = __builtin_stpcpy(at,
			!reply->coded           ? "Vary: Origin\r\n"
				: reply->varies ? "Vary: Origin, Accept-Encoding\r\n"
						: "Vary: Accept-Encoding\r\n");
	if (reply->attachment)
		at = __builtin_stpcpy(at, "Content-Disposition: attachment\r\n");
	if (TOKENS && reply->challenge != NULL)
		at = __builtin_stpcpy(__builtin_stpcpy(__builtin_stpcpy(at, "WWW-Authenticate: "), reply->challenge), "\r\n");
	if (reply->status == 503 || (TOKENS && reply->status == 429))
		at = __builtin_stpcpy(at, "Retry-After: 1\r\n");
	if (reply->close || reply->keep_alive)
		at = __builtin_stpcpy(at, reply->close ? "Connection: close\r\n" : "Connection: keep-alive\r\n");
	return at;
}

size_t reply_head(char *out, const struct reply *reply)
{
	char *at = put_status(out, reply->status);

	if (reply->date.len > 0)
		at = __builtin_stpcpy(put_sized(__builtin_stpcpy(at, "Date: "), reply->date, DATE_SIZE - 1), "\r\n");
	/* RFC 9110 section 8.6: no Content-Length with 204, and with 304 only that of the 200. */
	if (reply->status != 204 && reply->status != 304 && reply->length != REPLY_ENDLESS)
		at = __builtin_stpcpy(put_number(__builtin_stpcpy(at, "Content-Length: "), reply->length), "\r\n");
	if (reply->type.len > 0)
		at = __builtin_stpcpy(
			put_sized(__builtin_stpcpy(at, "Content-Type: "), reply->type, sizeof("application/json") - 1), "\r\n");
	if (reply->session.len > 0) {
		at = __builtin_stpcpy(at,
			"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
			"Cross-Origin-Resource-Policy: same-origin\r\nHTTaP-Session: ");
		at = __builtin_stpcpy(put_sized(at, reply->session, HTTAP_SESSION_LEN), "\r\n");
	} else {
		/* Pages load nothing from elsewhere, run no inline script, and stand in nobody's frame, where a click could be
		 * stolen for a switch. */
		at = __builtin_stpcpy(at,
			"X-Content-Type-Options: nosniff\r\n"
			"Content-Security-Policy: default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
			"Referrer-Policy: no-referrer\r\n");
	}
	return (size_t)(__builtin_stpcpy(put_others(at, reply), "\r\n") - out);
}
