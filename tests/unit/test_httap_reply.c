/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/reply.c: every status with everything that a reply can have, checked as a strict client reads it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "httap/reply.h"
#include "httapd_limits.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

/* RFC 9110 section 15. */
static const struct status_row {
	int status;
	const char *line;
} status_rows[] = {
	{ 200, "HTTP/1.1 200 OK" },
	{ 204, "HTTP/1.1 204 No Content" },
	{ 206, "HTTP/1.1 206 Partial Content" },
	{ 304, "HTTP/1.1 304 Not Modified" },
	{ 400, "HTTP/1.1 400 Bad Request" },
	{ 403, "HTTP/1.1 403 Forbidden" },
	{ 404, "HTTP/1.1 404 Not Found" },
	{ 405, "HTTP/1.1 405 Method Not Allowed" },
	{ 408, "HTTP/1.1 408 Request Timeout" },
	{ 409, "HTTP/1.1 409 Conflict" },
	{ 412, "HTTP/1.1 412 Precondition Failed" },
	{ 413, "HTTP/1.1 413 Content Too Large" },
	{ 414, "HTTP/1.1 414 URI Too Long" },
	{ 416, "HTTP/1.1 416 Range Not Satisfiable" },
	{ 417, "HTTP/1.1 417 Expectation Failed" },
	{ 421, "HTTP/1.1 421 Misdirected Request" },
	{ 431, "HTTP/1.1 431 Request Header Fields Too Large" },
	{ 500, "HTTP/1.1 500 Internal Server Error" },
	{ 501, "HTTP/1.1 501 Not Implemented" },
	{ 503, "HTTP/1.1 503 Service Unavailable" },
	{ 505, "HTTP/1.1 505 HTTP Version Not Supported" },
};

/* --- A strict client ---------------------------------------------------------------------------------------------- */

/* The head in room of exactly the size that the caller must have, before a forbidden page. */
static struct span head_of(const struct reply *reply)
{
	static const char empty[HTTAP_REPLY_HEAD_MAX];
	char *out = guard_page_copy(empty, sizeof(empty));
	size_t len = reply_head(out, reply);

	ck_assert_uint_le(len, HTTAP_REPLY_HEAD_MAX);
	return (struct span){ out, len };
}

/* Cuts a line off that ends with CRLF and contains neither. */
static struct span take_line(struct span *rest)
{
	const char *lf = memchr(rest->at, '\n', rest->len);

	ck_assert_msg(lf != NULL && lf > rest->at && lf[-1] == '\r', "%s does not begin with a line", shown(*rest));
	struct span line = { rest->at, (size_t)(lf - rest->at) - 1 };
	ck_assert_msg(memchr(line.at, '\r', line.len) == NULL && memchr(line.at, '\0', line.len) == NULL, "%s", shown(line));
	rest->at += line.len + 2;
	rest->len -= line.len + 2;
	return line;
}

static void check_field_syntax(struct span line)
{
	struct span value = line, name;

	ck_assert_msg(span_next(&value, ':', &name) && value.at != NULL && name.len > 0, "%s is no field", shown(line));
	for (size_t i = 0; i < name.len; i++)
		ck_assert_msg(text_is(name.at[i], TEXT_TOKEN), "%s is no field", shown(line));
	ck_assert_msg(value.len > 1 && value.at[0] == ' ' && value.at[1] != ' ', "%s has no value", shown(line));
	for (size_t i = 0; i < value.len; i++)
		ck_assert_msg(value.at[i] >= ' ' && value.at[i] <= '~', "%s has no printable value", shown(line));
}

/* The value of a field that stands at most once, or NULL; the first line is the status. */
static struct span field_of(struct span head, const char *name)
{
	struct span found = { NULL, 0 };

	take_line(&head);
	while (head.len > 2) {
		struct span value = take_line(&head), field;
		span_next(&value, ':', &field);
		if (!span_is_nocase(field, name))
			continue;
		ck_assert_msg(found.at == NULL, "%s stands twice", name);
		found = span_trim(value);
	}
	return found;
}

static void check_field(struct span head, const char *name, const char *expected)
{
	struct span value = field_of(head, name);

	if (expected == NULL)
		ck_assert_msg(value.at == NULL, "%s: %s stands in %s", name, shown(value), shown(head));
	else
		ck_assert_msg(
			value.at != NULL && span_is(value, expected), "%s is %s and not \"%s\"", name, shown(value), expected);
}

static void check_syntax(struct span head, const char *status_line)
{
	struct span line = take_line(&head);

	ck_assert_msg(span_is(line, status_line), "%s and not \"%s\"", shown(line), status_line);
	while ((line = take_line(&head)).len > 0)
		check_field_syntax(line);
	ck_assert_msg(head.len == 0, "%s stands behind the head", shown(head));
}

/* --- Heads -------------------------------------------------------------------------------------------------------- */

static struct reply reply_of(int status, unsigned int parts)
{
	return (struct reply){
		.status = status,
		.type = (parts & 1) != 0 ? SPAN("text/javascript; charset=utf-8") : SPAN(""),
		.session = (parts & 2) != 0 ? SPAN("0123456789abcdef") : SPAN(""),
		.allow = (parts & 4) != 0 ? "GET, HEAD, POST, PUT, OPTIONS" : NULL,
		.close = (parts & 8) != 0,
		.attachment = (parts & 16) != 0,
		.varies = (parts & 256) != 0,
		.coded = (parts & 512) != 0,
		.date = (parts & 64) != 0 ? SPAN("Sun, 06 Nov 1994 08:49:37 GMT") : SPAN(""),
		.fields = (parts & 128) != 0 ? SPAN("ETag: \"1-2-3\"\r\nAge: 0\r\n") : SPAN(""),
		.length = (parts & 32) != 0 ? UINT64_MAX - 1 : 0,
	};
}

START_TEST(a_head_has_its_status_and_what_the_reply_says)
{
	static const char *const vary[] = { NULL, "Origin", "Accept-Encoding", "Origin, Accept-Encoding" };
	const struct status_row *row = &status_rows[_i];

	for (unsigned int parts = 0; parts < 1024; parts++) {
		struct reply reply = reply_of(row->status, parts);
		struct span head = head_of(&reply);
		char length[24];

		snprintf(length, sizeof(length), "%" PRIu64, reply.length);
		check_syntax(head, row->line);
		/* RFC 9110 section 8.6: a 204 has none, and a 304 none but that of the 200. */
		check_field(head, "Content-Length", row->status == 204 || row->status == 304 ? NULL : length);
		check_field(head, "Transfer-Encoding", NULL);
		check_field(head, "Content-Type", reply.type.len > 0 ? reply.type.at : NULL);
		check_field(head, "HTTaP-Session", reply.session.len > 0 ? reply.session.at : NULL);
		check_field(head, "Allow", reply.allow);
		check_field(head, "Connection", reply.close ? "close" : NULL);
		check_field(head, "Content-Disposition", reply.attachment ? "attachment" : NULL);
		check_field(head, "X-Content-Type-Options", "nosniff");
		check_field(head, "Cache-Control", reply.session.len > 0 ? "no-store" : NULL);
		check_field(head, "Date", reply.date.len > 0 ? reply.date.at : NULL);
		check_field(head, "ETag", reply.fields.len > 0 ? "\"1-2-3\"" : NULL);
		check_field(head, "Vary", vary[parts >> 8]);
		check_field(head, "Age", reply.fields.len > 0 ? "0" : NULL);
		ck_assert_int_eq(field_of(head, "Retry-After").at != NULL, row->status == 503);
		ck_assert_int_eq(field_of(head, "Content-Security-Policy").at != NULL, reply.session.len == 0);
	}
}
END_TEST

START_TEST(a_refusal_of_the_application_s_own_has_no_reason)
{
	static const struct {
		int status;
		const char *line;
	} own[] = {
		{ 402, "HTTP/1.1 402 " },
		{ 423, "HTTP/1.1 423 " },
		{ 499, "HTTP/1.1 499 " },
		{ 502, "HTTP/1.1 502 " },
		{ 599, "HTTP/1.1 599 " },
	};
	struct reply reply = { .status = own[_i].status };

	check_syntax(head_of(&reply), own[_i].line);
}
END_TEST

START_TEST(a_status_that_is_no_refusal_becomes_500)
{
	static const int unknown[] = { 0, -1, 100, 199, 201, 299, 303, 399, 600, 999, 2000 };
	struct reply reply = { .status = unknown[_i] };

	check_syntax(head_of(&reply), "HTTP/1.1 500 Internal Server Error");
}
END_TEST

START_TEST(a_length_is_written_in_decimal_digits)
{
	static const uint64_t lengths[] = { 0, 9, 10, 37, 99, 100, 4096, 4294967296, UINT64_MAX - 1 };
	struct reply reply = { .status = 200, .length = lengths[_i] };
	char expected[24];

	snprintf(expected, sizeof(expected), "%" PRIu64, lengths[_i]);
	check_field(head_of(&reply), "Content-Length", expected);
}
END_TEST

START_TEST(a_dynamic_reply_has_these_bytes)
{
	static const char expected[] = "HTTP/1.1 200 OK\r\n"
				       "Content-Length: 9\r\n"
				       "Content-Type: application/json\r\n"
				       "Cache-Control: no-store\r\n"
				       "X-Content-Type-Options: nosniff\r\n"
				       "Cross-Origin-Resource-Policy: same-origin\r\n"
				       "HTTaP-Session: 0123456789abcdef\r\n"
				       "\r\n";
	struct reply reply = {
		.status = 200, .type = SPAN("application/json"), .session = SPAN("0123456789abcdef"), .length = 9
	};
	struct span head = head_of(&reply);

	ck_assert_msg(span_is(head, expected), "%s", shown(head));
}
END_TEST

/* What a browser must hear (Fetch standard, section 3.2): of a read, of a preflight, of one where a token is asked for, of one of a
 * place where nothing may be sent. */
static const struct origin_row {
	struct reply reply;
	const char *methods, *fields, *network, *age;
} origin_rows[] = {
	{ { .status = 200, .allow = "GET" }, NULL, NULL, NULL, NULL },
	{ { .status = 204, .allow = "GET", .preflight = true }, "GET", "Content-Type, HTTaP-Session", "true", "600" },
	{ { .status = 204, .allow = "GET", .preflight = true, .authorizes = true }, "GET",
		"Authorization, Content-Type, HTTaP-Session", "true", "600" },
	{ { .status = 404, .preflight = true }, NULL, "Content-Type, HTTaP-Session", "true", "600" },
};

START_TEST(a_page_of_another_origin_is_told_what_it_may_read_and_send)
{
	const struct origin_row *row = &origin_rows[_i];
	struct reply reply = row->reply;

	reply.origin = SPAN("http://lab.example.org");
	struct span head = head_of(&reply);
	check_field(head, "Access-Control-Allow-Origin", "http://lab.example.org");
	check_field(head, "Access-Control-Expose-Headers", "HTTaP-Session");
	check_field(head, "Access-Control-Allow-Methods", row->methods);
	check_field(head, "Access-Control-Allow-Headers", row->fields);
	check_field(head, "Access-Control-Allow-Private-Network", row->network);
	check_field(head, "Access-Control-Max-Age", row->age);
}
END_TEST

START_TEST(a_challenge_is_told)
{
	struct reply reply = { .status = 401, .challenge = "Bearer realm=\"httapd\"" };
	struct span head = head_of(&reply);

	check_syntax(head, "HTTP/1.1 401 Unauthorized");
	check_field(head, "WWW-Authenticate", "Bearer realm=\"httapd\"");
}
END_TEST

Suite *httap_reply_suite(void)
{
	Suite *suite = suite_create("httap/reply");
	TCase *heads = tcase_create("heads");

	tcase_add_loop_test(heads, a_head_has_its_status_and_what_the_reply_says, 0, ROWS(status_rows));
	tcase_add_loop_test(heads, a_refusal_of_the_application_s_own_has_no_reason, 0, 5);
	tcase_add_loop_test(heads, a_status_that_is_no_refusal_becomes_500, 0, 11);
	tcase_add_loop_test(heads, a_length_is_written_in_decimal_digits, 0, 9);
	tcase_add_test(heads, a_dynamic_reply_has_these_bytes);
	tcase_add_loop_test(heads, a_page_of_another_origin_is_told_what_it_may_read_and_send, 0, ROWS(origin_rows));
	tcase_add_test(heads, a_challenge_is_told);
	suite_add_tcase(suite, heads);
	return suite;
}
