/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/request.c: where a head ends, however it is cut, and what is read from it or refused.
 */
#include <stdio.h>
#include <string.h>

#include "httap/request.h"
#include "httapd_limits.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"
#define END "\r\n"

/* What read_head() says of a head whose end has not come. */
#define INCOMPLETE 1

/* --- A head, read as it arrives ----------------------------------------------------------------------------------- */

/* Looks for the end after the first `first` bytes and then after every `step` more. Each look sees exactly what has arrived. */
static long find_end_in_pieces(struct span bytes, size_t first, size_t step)
{
	size_t scanned = 0, len = first;

	for (;;) {
		long end = request_find_end(guard_page_copy(bytes.at, len), len, &scanned);
		ck_assert_msg(end <= (long)len && scanned <= len, "%s: looked beyond byte %zu", shown(bytes), len);
		if (end != 0 || len == bytes.len)
			return end;
		len = step < bytes.len - len ? len + step : bytes.len;
	}
}

/* Reads the head whose end was found, in a copy that ends there. */
static int read_found(struct request *request, struct span bytes, long end)
{
	const char *why = NULL;

	if (end <= 0)
		return end == 0 ? INCOMPLETE : 400;
	int status = request_parse(request, guard_page_copy(bytes.at, (size_t)end), (size_t)end, &why);
	ck_assert_msg(status == 0 || (why != NULL && why[0] != '\0'), "%s: %d without a reason", shown(bytes), status);
	return status;
}

/* Reads a head whole, in every two parts and byte by byte: the verdict must be the same each time, though a malformed head may be
 * refused before its end is there or when it is. */
static int read_head(struct request *request, struct span bytes)
{
	struct request again;
	int status = read_found(request, bytes, find_end_in_pieces(bytes, bytes.len, 1));

	for (size_t cut = 0; cut < bytes.len; cut++) {
		int in_two = read_found(&again, bytes, find_end_in_pieces(bytes, cut, bytes.len));
		ck_assert_msg(in_two == status, "%s cut at %zu is %d, whole %d", shown(bytes), cut, in_two, status);
	}
	int by_bytes = read_found(&again, bytes, find_end_in_pieces(bytes, 0, 1));
	ck_assert_msg(by_bytes == status, "%s byte by byte is %d, whole %d", shown(bytes), by_bytes, status);
	/* The spans lie in the copy of the last reading. */
	return read_found(request, bytes, find_end_in_pieces(bytes, bytes.len, 1));
}

static void check_head(struct span bytes, int expected)
{
	struct request request;
	int status = read_head(&request, bytes);

	ck_assert_msg(status == expected, "%s is %d and not %d", shown(bytes), status, expected);
}

static void read_good_head(struct request *request, const char *text)
{
	int status = read_head(request, span_of(text));

	ck_assert_msg(status == 0, "%s is %d", shown(span_of(text)), status);
}

static void check_span(struct span found, const char *expected, const char *where)
{
	ck_assert_msg(found.at != NULL && span_is(found, expected), "%s is %s and not \"%s\"", where, shown(found), expected);
}

/* --- The end ------------------------------------------------------------------------------------------------------ */

static const struct end_row {
	struct span bytes;
	long end;
} end_rows[] = {
	{ BYTES(LINE HOST END), sizeof(LINE HOST END) - 1 },
	{ BYTES(END LINE HOST END), sizeof(END LINE HOST END) - 1 },
	{ BYTES(LINE END LINE END), sizeof(LINE END) - 1 },
	{ BYTES(LINE END "body"), sizeof(LINE END) - 1 },
	{ BYTES(LINE END "\n\r"), sizeof(LINE END) - 1 },
	{ BYTES(LINE END "\0"), sizeof(LINE END) - 1 },
	{ BYTES("\r\n"), 0 },
	{ BYTES(""), 0 },
	{ BYTES("\r"), 0 },
	{ BYTES("G"), 0 },
	{ BYTES(LINE), 0 },
	{ BYTES(LINE HOST), 0 },
	{ BYTES(LINE HOST "\r"), 0 },
	{ BYTES(LINE HOST "Foo: \377\200"), 0 },
};

START_TEST(the_end_is_found_however_the_bytes_are_cut)
{
	struct span bytes = end_rows[_i].bytes;

	for (size_t first = 0; first <= bytes.len; first++) {
		long end = find_end_in_pieces(bytes, first, 1);
		ck_assert_msg(end == end_rows[_i].end, "%s, %zu and then single bytes: %ld and not %ld", shown(bytes), first, end,
			end_rows[_i].end);
	}
}
END_TEST

START_TEST(no_end_is_found_before_the_last_byte)
{
	static const char head[] = END LINE HOST "Foo: bar\r\n" END;

	for (size_t len = 0; len < sizeof(head) - 1; len++)
		check_head((struct span){ head, len }, INCOMPLETE);
	check_head((struct span){ head, sizeof(head) - 1 }, 0);
}
END_TEST

/* These can't become valid: the peer must not wait for our answer until he sends more. */
static const struct span hopeless_rows[] = {
	BYTES("\n"),
	BYTES("GET / HTTP/1.1\n"),
	BYTES(LINE "Host: a\n"),
	BYTES(LINE HOST "\n"),
	BYTES(LINE HOST "\r\r"),
	BYTES(LINE HOST "\rX"),
	BYTES(END "\rX"),
	BYTES("\rX"),
	BYTES(LINE HOST "\n\r\n"),
	BYTES("\n\n"),
};

START_TEST(a_head_that_can_not_become_valid_is_refused_at_once)
{
	struct span bytes = hopeless_rows[_i];

	ck_assert_msg(find_end_in_pieces(bytes, bytes.len, 1) == -1, "%s whole", shown(bytes));
	ck_assert_msg(find_end_in_pieces(bytes, 0, 1) == -1, "%s byte by byte", shown(bytes));
}
END_TEST

/* --- Refusals ----------------------------------------------------------------------------------------------------- */

static const struct refused_row {
	struct span bytes;
	int status;
} refused_rows[] = {
	/* the request line */
	{ BYTES(END END), 400 },
	{ BYTES(END END LINE END), 400 },
	{ BYTES(" " LINE END), 400 },
	{ BYTES("GET\r\n" END), 400 },
	{ BYTES("GET /\r\n" END), 400 },
	{ BYTES("GET HTTP/1.1\r\n" END), 400 },
	{ BYTES("GET  HTTP/1.1\r\n" END), 400 },
	{ BYTES("GET  / HTTP/1.1\r\n" END), 400 },
	{ BYTES("GET /  HTTP/1.1\r\n" END), 400 },
	{ BYTES("GET / HTTP/1.1 \r\n" END), 400 },
	{ BYTES("GET / HTTP/1.1 x\r\n" END), 400 },
	{ BYTES(" / HTTP/1.1\r\n" END), 400 },
	{ BYTES("GET\t/\tHTTP/1.1\r\n" END), 400 },
	{ BYTES("GET /a b HTTP/1.1\r\n" END), 400 },
	{ BYTES("GET /\nHTTP/1.1\r\n" END), 400 },
	{ BYTES("GET /\rHTTP/1.1\r\n" END), 400 },
	{ BYTES("G\"T / HTTP/1.1\r\n" END), 400 },
	{ BYTES("GET /#a HTTP/1.1\r\n" END), 400 },
	{ BYTES("GET /\0 HTTP/1.1\r\n" END), 400 },
	{ BYTES("\26\3\1\2\0\1\0\1\374\3\3\r\n" END), 400 }, /* TLS on a plain port */
	/* versions */
	{ BYTES("GET / HTTP/2.0\r\n" END), 505 },
	{ BYTES("GET / HTTP/0.9\r\n" END), 505 },
	{ BYTES("GET / HTTP/3.1\r\n" END), 505 },
	{ BYTES("GET / HTTP/1.32\r\n" END), 400 },
	{ BYTES("GET / HTTP/1.1x\r\n" END), 400 },
	{ BYTES("GET / HTTP/01.1\r\n" END), 400 },
	{ BYTES("GET / HTTP/9999999999.1\r\n" END), 400 },
	{ BYTES("GET / HTTP/1.\r\n" END), 400 },
	{ BYTES("GET / HTTP/1\r\n" END), 400 },
	{ BYTES("GET / HTTP/1,1\r\n" END), 400 },
	{ BYTES("GET / HTTP/+.1\r\n" END), 400 },
	{ BYTES("GET / HTTP/1.-\r\n" END), 400 },
	{ BYTES("GET / http/1.1\r\n" END), 400 },
	{ BYTES("GET / HTTPS/1.1\r\n" END), 400 },
	{ BYTES("GET / HTCP/1.1\r\n" END), 400 },
	{ BYTES("GET / \r\n" END), 400 },
	/* fields */
	{ BYTES(LINE "Foo\r\n" END), 400 },
	{ BYTES(LINE ": x\r\n" END), 400 },
	{ BYTES(LINE ":\r\n" END), 400 },
	{ BYTES(LINE "Foo : a\r\n" END), 400 },
	{ BYTES(LINE "Content-Length : 1\r\n" END), 400 },
	{ BYTES(LINE "Content-Length\t: 1\r\n" END), 400 },
	{ BYTES(LINE "Fo o: a\r\n" END), 400 },
	{ BYTES(LINE "\357foo: x\r\n" END), 400 },
	{ BYTES(LINE "\"foo\": x\r\n" END), 400 },
	{ BYTES(LINE "\tFoo: a\r\n" END), 400 },
	{ BYTES(LINE " Foo: a\r\n" END), 400 },
	{ BYTES(LINE "Foo: a\r\n b\r\n" END), 400 },
	{ BYTES(LINE "Foo: a\r\n\tb: c\r\n" END), 400 },
	{ BYTES(LINE "Foo: a\r\n \r\n" END), 400 },
	{ BYTES(LINE "Foo: a\0b\r\n" END), 400 },
	{ BYTES(LINE "Fo\0o: a\r\n" END), 400 },
	{ BYTES(LINE "Foo: a\rb\r\n" END), 400 },
	{ BYTES(LINE "Foo: a\r\r\n" END), 400 },
	{ BYTES(LINE "Foo: \r\r\n" END), 400 },
	{ BYTES(LINE "Transfer-Encoding: chunked\v\r\n" END), 400 },
	{ BYTES(LINE "Foo: \177\r\n" END), 400 },
	{ BYTES(LINE "Foo: \33[2J\r\n" END), 400 },
	/* ends of lines */
	{ BYTES("GET / HTTP/1.1\nHost: a\n\n"), 400 },
	{ BYTES("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400 },
	{ BYTES(LINE "Host: a\n\r\n"), 400 },
	{ BYTES(LINE "Host: a\n\n"), 400 },
	{ BYTES(LINE HOST "\n"), 400 },
	{ BYTES(LINE HOST "\r\rX"), 400 },
	{ BYTES(LINE HOST "\rX\r\n" END), 400 },
	{ BYTES("\n" LINE END), 400 },
	{ BYTES("\r" LINE END), 400 },
	{ BYTES("\rX" LINE END), 400 },
};

START_TEST(a_malformed_head_is_refused)
{
	check_head(refused_rows[_i].bytes, refused_rows[_i].status);
}
END_TEST

/* --- Every byte at every kind of place ---------------------------------------------------------------------------- */

/* Puts `byte` in the place of the question mark. */
static void check_byte(const char *head, int byte, bool good)
{
	char bytes[64];
	size_t len = strlen(head);

	memcpy(bytes, head, len);
	*(char *)memchr(bytes, '?', len) = (char)byte;
	check_head((struct span){ bytes, len }, good ? 0 : 400);
}

START_TEST(a_method_is_a_token)
{
	check_byte("G?T / HTTP/1.1\r\n" HOST END, _i, text_is((char)_i, TEXT_TOKEN));
}
END_TEST

START_TEST(a_target_is_printable)
{
	check_byte("GET /a?b HTTP/1.1\r\n" HOST END, _i, text_is((char)_i, TEXT_TARGET));
}
END_TEST

START_TEST(a_field_name_is_a_token)
{
	check_byte(LINE "X?Y: a:b\r\n" END, _i, text_is((char)_i, TEXT_TOKEN) || _i == ':');
}
END_TEST

START_TEST(a_field_name_begins_with_a_token_char)
{
	check_byte(LINE "Foo: a\r\n?Y: b\r\n" END, _i, text_is((char)_i, TEXT_TOKEN));
}
END_TEST

START_TEST(a_field_value_has_no_control_chars)
{
	check_byte(LINE "Foo: a?b\r\n" END, _i, text_is((char)_i, TEXT_VALUE));
}
END_TEST

START_TEST(a_field_value_has_no_control_chars_at_its_ends)
{
	check_byte(LINE "Foo:?b\r\n" END, _i, text_is((char)_i, TEXT_VALUE));
	check_byte(LINE "Foo: b?\r\n" END, _i, text_is((char)_i, TEXT_VALUE));
}
END_TEST

START_TEST(a_version_has_a_digit_on_each_side_of_a_dot)
{
	check_byte("GET / HTTP/1.?\r\n" END, _i, _i >= '0' && _i <= '9');
	check_byte("GET / HTTP/1?1\r\n" END, _i, _i == '.');
}
END_TEST

/* --- The request line --------------------------------------------------------------------------------------------- */

static const struct line_row {
	const char *method_text;
	enum method method;
	const char *target;
	const char *version;
	unsigned int minor;
} line_rows[] = {
	{ "GET", METHOD_GET, "/", "HTTP/1.1", 1 },
	{ "GET", METHOD_GET, "/", "HTTP/1.0", 0 },
	{ "GET", METHOD_GET, "/", "HTTP/1.2", 1 },
	{ "GET", METHOD_GET, "/", "HTTP/1.9", 1 },
	{ "HEAD", METHOD_HEAD, "/?LED,BUTTON", "HTTP/1.1", 1 },
	{ "POST", METHOD_POST, "/?stop", "HTTP/1.1", 1 },
	{ "PUT", METHOD_PUT, "http://pi:60000/?LED", "HTTP/1.1", 1 },
	{ "OPTIONS", METHOD_OPTIONS, "*", "HTTP/1.1", 1 },
	{ "get", METHOD_UNKNOWN, "/", "HTTP/1.1", 1 },
	{ "Get", METHOD_UNKNOWN, "/", "HTTP/1.1", 1 },
	{ "GE", METHOD_UNKNOWN, "/", "HTTP/1.1", 1 },
	{ "GETS", METHOD_UNKNOWN, "/", "HTTP/1.1", 1 },
	{ "DELETE", METHOD_UNKNOWN, "/", "HTTP/1.1", 1 },
	{ "TRACE", METHOD_UNKNOWN, "/", "HTTP/1.1", 1 },
	{ "PRI", METHOD_UNKNOWN, "%zz", "HTTP/1.1", 1 },
	{ "!#$%&'*+-.^_`|~", METHOD_UNKNOWN, "\"<>[]^`{|}", "HTTP/1.1", 1 },
};

static void check_line(const struct line_row *row, const char *before)
{
	struct request request;
	char head[128];

	snprintf(head, sizeof(head), "%s%s %s %s\r\n" HOST END, before, row->method_text, row->target, row->version);
	read_good_head(&request, head);
	ck_assert_msg(request.method == row->method, "%s is method %u", row->method_text, request.method);
	ck_assert_msg(request.minor == row->minor, "%s is minor version %u", row->version, request.minor);
	check_span(request.method_text, row->method_text, "the method");
	check_span(request.target, row->target, "the target");
	check_span(request.field[FIELD_HOST], "a", "Host");
}

START_TEST(a_request_line_is_read)
{
	check_line(&line_rows[_i], "");
}
END_TEST

START_TEST(an_empty_line_before_a_request_is_ignored)
{
	check_line(&line_rows[_i], END);
}
END_TEST

static const struct length_row {
	size_t len;
	int status;
} length_rows[] = {
	{ 1, 0 },
	{ HTTAP_TARGET_MAX - 1, 0 },
	{ HTTAP_TARGET_MAX, 0 },
	{ HTTAP_TARGET_MAX + 1, 414 },
	{ 2 * HTTAP_TARGET_MAX, 414 },
};

START_TEST(a_target_over_2048_bytes_is_414)
{
	char head[2 * HTTAP_TARGET_MAX + 64];
	size_t len = length_rows[_i].len;
	int before = snprintf(head, sizeof(head), "GET /");

	memset(head + before, 'a', len - 1);
	snprintf(head + before + len - 1, sizeof(head) - (size_t)before - len + 1, " HTTP/1.1\r\n" HOST END);
	check_head(span_of(head), length_rows[_i].status);
}
END_TEST

/* --- Fields ------------------------------------------------------------------------------------------------------- */

static const char *const field_names[FIELD_COUNT] = {
	[FIELD_HOST] = "Host",
	[FIELD_CONTENT_LENGTH] = "Content-Length",
	[FIELD_TRANSFER_ENCODING] = "Transfer-Encoding",
	[FIELD_CONNECTION] = "Connection",
	[FIELD_EXPECT] = "Expect",
	[FIELD_ORIGIN] = "Origin",
	[FIELD_REFERER] = "Referer",
	[FIELD_SEC_FETCH_SITE] = "Sec-Fetch-Site",
	[FIELD_SEC_PURPOSE] = "Sec-Purpose",
	[FIELD_PURPOSE] = "Purpose",
	[FIELD_SESSION] = "HTTaP-Session",
	[FIELD_AUTHORIZATION] = "Authorization",
	[FIELD_RANGE] = "Range",
	[FIELD_IF_RANGE] = "If-Range",
	[FIELD_IF_MODIFIED_SINCE] = "If-Modified-Since",
	[FIELD_IF_UNMODIFIED_SINCE] = "If-Unmodified-Since",
	[FIELD_IF_MATCH] = "If-Match",
	[FIELD_IF_NONE_MATCH] = "If-None-Match",
	[FIELD_ACCEPT_ENCODING] = "Accept-Encoding",
};

/* Reads a head whose only field has that name, and checks that its value stands in `expected` alone; FIELD_COUNT: nowhere. */
static void check_only_field(const char *name, unsigned int expected)
{
	struct request request;
	char head[128];

	snprintf(head, sizeof(head), LINE "%s: some value\r\n" END, name);
	read_good_head(&request, head);
	for (unsigned int field = 0; field < FIELD_COUNT; field++)
		if (field == expected)
			check_span(request.field[field], "some value", name);
		else
			ck_assert_msg(request.field[field].at == NULL, "%s was taken for %s", name, field_names[field]);
}

START_TEST(a_field_is_known_in_any_case)
{
	const char *name = field_names[_i];
	char lower[32], upper[32];

	for (size_t i = 0; i <= strlen(name); i++) {
		bool letter = (name[i] | 0x20) >= 'a' && (name[i] | 0x20) <= 'z';
		lower[i] = letter ? (char)(name[i] | 0x20) : name[i];
		upper[i] = letter ? (char)(name[i] & ~0x20) : name[i];
	}
	check_only_field(name, (unsigned int)_i);
	check_only_field(lower, (unsigned int)_i);
	check_only_field(upper, (unsigned int)_i);
}
END_TEST

START_TEST(a_field_with_a_longer_or_shorter_name_is_another)
{
	char name[40];
	const char *known = field_names[_i];

	snprintf(name, sizeof(name), "X-%s", known);
	check_only_field(name, FIELD_COUNT);
	snprintf(name, sizeof(name), "%s2", known);
	check_only_field(name, FIELD_COUNT);
	snprintf(name, sizeof(name), "%.*s", (int)strlen(known) - 1, known);
	check_only_field(name, FIELD_COUNT);
	snprintf(name, sizeof(name), "Foo: %s", known);
	check_only_field(name, FIELD_COUNT);
}
END_TEST

/* RFC 9110 section 5.3: only a field that is defined as a list may stand twice. */
START_TEST(a_known_field_that_stands_twice_is_refused)
{
	static const char *const values[][2] = { { "1", "1" }, { "1", "2" }, { "", "1" }, { "1", "" }, { "", "" } };
	char head[160];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		snprintf(head, sizeof(head), LINE "%s: %s\r\nFoo: bar\r\n%s: %s\r\n" END, field_names[_i], values[i][0],
			field_names[_i], values[i][1]);
		check_head(span_of(head), _i == FIELD_CONNECTION || _i >= FIELD_LISTS ? 0 : 400);
	}
}
END_TEST

START_TEST(a_list_in_several_lines_is_there_and_empty)
{
	struct request request;
	char head[256];

	for (int lines = 2; lines <= 4; lines++) {
		size_t len = (size_t)snprintf(head, sizeof(head), LINE);
		for (int i = 0; i < lines; i++)
			len += (size_t)snprintf(head + len, sizeof(head) - len, "%s: value\r\n", field_names[_i]);
		(void)snprintf(head + len, sizeof(head) - len, END);
		read_good_head(&request, head);
		check_span(request.field[_i], "", field_names[_i]);
	}
}
END_TEST

START_TEST(an_unknown_field_may_stand_twice)
{
	check_head(SPAN(LINE "Foo: a\r\nFoo: a\r\nCookie: b\r\ncookie: c\r\n" END), 0);
}
END_TEST

static const struct value_row {
	const char *line;
	const char *value;
} value_rows[] = {
	{ "Host:a", "a" },
	{ "Host: a", "a" },
	{ "Host: \t a \t ", "a" },
	{ "Host:a b", "a b" },
	{ "Host: a:1", "a:1" },
	{ "Host::", ":" },
	{ "Host:", "" },
	{ "Host: \t ", "" },
	{ "Host: \200\377", "\200\377" },
	{ "Host: \"#\\", "\"#\\" },
};

START_TEST(a_value_is_read_without_the_white_space_around_it)
{
	struct request request;
	char head[64];

	snprintf(head, sizeof(head), LINE "%s\r\n" END, value_rows[_i].line);
	read_good_head(&request, head);
	check_span(request.field[FIELD_HOST], value_rows[_i].value, value_rows[_i].line);
}
END_TEST

static const struct count_row {
	int count;
	int status;
} count_rows[] = {
	{ 0, 0 },
	{ 1, 0 },
	{ HTTAP_FIELDS_MAX - 1, 0 },
	{ HTTAP_FIELDS_MAX, 0 },
	{ HTTAP_FIELDS_MAX + 1, 431 },
	{ 4 * HTTAP_FIELDS_MAX, 431 },
};

START_TEST(more_than_64_fields_are_431)
{
	char head[4096];
	int len = snprintf(head, sizeof(head), LINE);

	for (int i = 0; i < count_rows[_i].count; i++)
		len += snprintf(head + len, sizeof(head) - (size_t)len, "F%d: %d\r\n", i, i);
	snprintf(head + len, sizeof(head) - (size_t)len, END);
	check_head(span_of(head), count_rows[_i].status);
}
END_TEST

static const struct connection_row {
	const char *lines;
	bool close;
	bool keep_alive;
} connection_rows[] = {
	{ "", false, false },
	{ "Connection: close\r\n", true, false },
	{ "Connection: CLOSE\r\n", true, false },
	{ "Connection: keep-alive\r\n", false, true },
	{ "Connection: Keep-Alive\r\n", false, true },
	{ "Connection: keep-alive, close\r\n", true, true },
	{ "Connection: close,keep-alive\r\n", true, true },
	{ "Connection: upgrade , close\t\r\n", true, false },
	{ "Connection: close,\r\n", true, false },
	{ "Connection: ,close\r\n", true, false },
	{ "Connection: ,,close,,\r\n", true, false },
	{ "Connection: ,\r\n", false, false },
	{ "Connection: ,,\r\n", false, false },
	{ "Connection:  , \r\n", false, false },
	{ "Connection:\r\n", false, false },
	{ "Connection: closed\r\n", false, false },
	{ "Connection: x-close\r\n", false, false },
	{ "Connection: clos\r\n", false, false },
	{ "Connection: close;q=1\r\n", false, false },
	{ "Connection: keep alive\r\n", false, false },
	{ "Connection: \"close\"\r\n", false, false },
	{ "Connection: close\r\nConnection: keep-alive\r\n", true, true },
	{ "Connection: close\r\nConnection: upgrade\r\n", true, false },
	{ "Connection: upgrade\r\nHost: a\r\nconnection: close\r\n", true, false },
	{ "X-Connection: close\r\n", false, false },
	{ "Proxy-Connection: keep-alive\r\n", false, false },
	{ "Foo: Connection: close\r\n", false, false },
};

START_TEST(connection_is_a_list_of_options_in_all_its_lines)
{
	const struct connection_row *row = &connection_rows[_i];
	struct request request;
	char head[128];

	snprintf(head, sizeof(head), LINE "%s" END, row->lines);
	read_good_head(&request, head);
	ck_assert_msg(request.close == row->close, "%s: close is %d", shown(span_of(row->lines)), request.close);
	ck_assert_msg(
		request.keep_alive == row->keep_alive, "%s: keep-alive is %d", shown(span_of(row->lines)), request.keep_alive);
}
END_TEST

START_TEST(a_second_request_finds_nothing_of_the_first)
{
	struct request request;

	read_good_head(&request, "POST /a HTTP/1.0\r\nHost: a\r\nConnection: close, keep-alive\r\nContent-Length: 1\r\n" END);
	read_good_head(&request, LINE END);
	ck_assert_int_eq(request.method, METHOD_GET);
	ck_assert_uint_eq(request.minor, 1);
	ck_assert(!request.close && !request.keep_alive);
	for (size_t field = 0; field < FIELD_COUNT; field++)
		ck_assert_msg(request.field[field].at == NULL, "%s is left", field_names[field]);
}
END_TEST

Suite *httap_request_suite(void)
{
	Suite *suite = suite_create("httap/request");
	TCase *end = tcase_create("end"), *refused = tcase_create("refused"), *bytes = tcase_create("bytes"),
	      *line = tcase_create("line"), *fields = tcase_create("fields");

	tcase_add_loop_test(end, the_end_is_found_however_the_bytes_are_cut, 0, ROWS(end_rows));
	tcase_add_test(end, no_end_is_found_before_the_last_byte);
	tcase_add_loop_test(end, a_head_that_can_not_become_valid_is_refused_at_once, 0, ROWS(hopeless_rows));
	suite_add_tcase(suite, end);

	tcase_add_loop_test(refused, a_malformed_head_is_refused, 0, ROWS(refused_rows));
	suite_add_tcase(suite, refused);

	tcase_add_loop_test(bytes, a_method_is_a_token, 0, 256);
	tcase_add_loop_test(bytes, a_target_is_printable, 0, 256);
	tcase_add_loop_test(bytes, a_field_name_is_a_token, 0, 256);
	tcase_add_loop_test(bytes, a_field_name_begins_with_a_token_char, 0, 256);
	tcase_add_loop_test(bytes, a_field_value_has_no_control_chars, 0, 256);
	tcase_add_loop_test(bytes, a_field_value_has_no_control_chars_at_its_ends, 0, 256);
	tcase_add_loop_test(bytes, a_version_has_a_digit_on_each_side_of_a_dot, 0, 256);
	suite_add_tcase(suite, bytes);

	tcase_add_loop_test(line, a_request_line_is_read, 0, ROWS(line_rows));
	tcase_add_loop_test(line, an_empty_line_before_a_request_is_ignored, 0, ROWS(line_rows));
	tcase_add_loop_test(line, a_target_over_2048_bytes_is_414, 0, ROWS(length_rows));
	suite_add_tcase(suite, line);

	tcase_add_loop_test(fields, a_field_is_known_in_any_case, 0, FIELD_COUNT);
	tcase_add_loop_test(fields, a_field_with_a_longer_or_shorter_name_is_another, 0, FIELD_COUNT);
	tcase_add_loop_test(fields, a_known_field_that_stands_twice_is_refused, 0, FIELD_COUNT);
	tcase_add_loop_test(fields, a_list_in_several_lines_is_there_and_empty, FIELD_LISTS, FIELD_COUNT);
	tcase_add_test(fields, an_unknown_field_may_stand_twice);
	tcase_add_loop_test(fields, a_value_is_read_without_the_white_space_around_it, 0, ROWS(value_rows));
	tcase_add_loop_test(fields, more_than_64_fields_are_431, 0, ROWS(count_rows));
	tcase_add_loop_test(fields, connection_is_a_list_of_options_in_all_its_lines, 0, ROWS(connection_rows));
	tcase_add_test(fields, a_second_request_finds_nothing_of_the_first);
	suite_add_tcase(suite, fields);
	return suite;
}
