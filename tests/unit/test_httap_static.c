/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/static.c: what a reply says of a file, when it has changed, which part of it comes, and in which form.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httapd_limits.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

/* When the files were written, and what time it is now. */
#define WRITTEN 1767300000
#define WRITTEN_TEXT "Thu, 01 Jan 2026 20:40:00 GMT"
#define NOW (1767312000 * SECONDS)
#define NOW_TEXT "Date: Fri, 02 Jan 2026 00:00:00 GMT"

#define TEXT "0123456789"
#define LARGE 100000

static void set_time(const char *name, int64_t seconds, long nanoseconds)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = (time_t)seconds, .tv_nsec = nanoseconds } };
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", rig.root, name);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void make_dir(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", rig.root, name);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void file(const char *name, const char *text)
{
	rig_text(name, text);
	set_time(name, WRITTEN, 0);
}

static void up(void)
{
	char *large = malloc(LARGE);

	rig_unix();
	rig.wall = NOW;
	file("a.txt", TEXT);
	file("page.html", "<p>as it is</p>");
	file("page.html.gz", "compressed");
	ck_assert_ptr_nonnull(large);
	for (size_t i = 0; i < LARGE; i++)
		large[i] = (char)('a' + i % 26);
	rig_file("large.bin", large, LARGE);
	set_time("large.bin", WRITTEN, 0);
	free(large);
}

/* The answer to a GET with further fields; "%s" in them is what was told before. */
static struct answer get(const char *target, const char *fields, const char *told)
{
	char text[1024];
	int len = snprintf(text, sizeof(text), "GET %s" HOST, target);

	/* The formats are constants of this file. */
	len += snprintf(text + len, sizeof(text) - (size_t)len, fields, told, told);
	(void)snprintf(text + len, sizeof(text) - (size_t)len, "\r\n");
	struct peer *peer = rig_peer();
	peer_say(peer, text);
	return peer_answer(peer);
}

/* The value of a field of the answer, "" when it is not there. Valid until the fourth call after it. */
static const char *value_of(const struct answer *answer, const char *name)
{
	static char values[4][256];
	static unsigned int turn;
	char start[64], *value = values[turn++ % 4];

	(void)snprintf(start, sizeof(start), "\r\n%s: ", name);
	const char *at = strstr(answer->head, start);
	value[0] = '\0';
	if (at != NULL)
		(void)snprintf(value, 256, "%.*s", (int)strcspn(at + strlen(start), "\r"), at + strlen(start));
	return value;
}

#define check_value(answer, name, value) ck_assert_str_eq(value_of(answer, name), value)

/* --- Dates and tags ------------------------------------------------------------------------------------------------ */

START_TEST(every_reply_says_what_time_it_is)
{
	static const char *const requests[] = { "GET /a.txt", "GET /?ping", "GET /1", "GET /missing", "DELETE /", "OPTIONS /", "GET /%" };
	struct answer answer = peer_ask(rig_peer(), requests[_i]);

	ck_assert(answer_has(&answer, NOW_TEXT));
}
END_TEST

START_TEST(the_time_goes_on_and_may_be_set)
{
	struct peer *peer = rig_peer_served();
	struct answer answer;

	(void)rig_pass_time(999999);
	answer = peer_ask(peer, "GET /?ping");
	ck_assert(answer_has(&answer, NOW_TEXT));
	(void)rig_pass_time(1);
	answer = peer_ask(peer, "GET /?ping");
	check_value(&answer, "Date", "Fri, 02 Jan 2026 00:00:01 GMT");
	rig.wall += 3600 * SECONDS + 400 * MS;
	(void)rig_pass_time(1 * SECONDS);
	answer = peer_ask(peer, "GET /?ping");
	check_value(&answer, "Date", "Fri, 02 Jan 2026 01:00:02 GMT");
	(void)rig_pass_time(600 * MS); /* the next second begins 600 ms later */
	answer = peer_ask(peer, "GET /?ping");
	check_value(&answer, "Date", "Fri, 02 Jan 2026 01:00:03 GMT");
}
END_TEST

START_TEST(a_clock_that_was_never_set_tells_no_time)
{
	static const int64_t times[] = { 0, -1, 1, HTTAP_CLOCK_SET_S *SECONDS - 1, INT64_MIN / 2 };
	struct answer answer;

	rig.wall = times[_i];
	answer = peer_ask(rig_peer(), "GET /?ping");
	check_value(&answer, "Date", "");
	/* Every file is then from the future. */
	answer = peer_ask(rig_peer(), "GET /a.txt");
	check_value(&answer, "Last-Modified", "");
	expect(answer, 200, TEXT);
}
END_TEST

START_TEST(the_first_second_of_a_clock_that_was_set_is_told)
{
	rig.wall = HTTAP_CLOCK_SET_S * SECONDS;
	struct answer answer = peer_ask(rig_peer(), "GET /?ping");

	check_value(&answer, "Date", "Thu, 01 Jan 2026 00:00:00 GMT");
}
END_TEST

START_TEST(a_file_comes_with_all_that_is_known_of_it)
{
	struct answer answer = get("/a.txt", "", NULL);

	expect(answer, 200, TEXT);
	check_value(&answer, "Content-Type", "text/plain; charset=utf-8");
	check_value(&answer, "Last-Modified", WRITTEN_TEXT);
	check_value(&answer, "Accept-Ranges", "bytes");
	check_value(&answer, "Cache-Control", "no-cache");
	check_value(&answer, "Vary", "");
	check_value(&answer, "Content-Encoding", "");
	ck_assert_int_eq(value_of(&answer, "ETag")[0], '"');
}
END_TEST

START_TEST(head_says_the_same_as_get)
{
	static const char *const targets[] = { "/a.txt", "/page.html", "/large.bin", "/missing" };
	char request[64];

	(void)snprintf(request, sizeof(request), "GET %s", targets[_i]);
	struct answer got = peer_ask(rig_peer(), request);
	(void)snprintf(request, sizeof(request), "HEAD %s", targets[_i]);
	struct answer head = peer_ask(rig_peer(), request);
	ck_assert_str_eq(got.head, head.head);
}
END_TEST

START_TEST(a_tag_changes_with_the_file_and_only_then)
{
	char tag[4][128];

	for (int i = 0; i < 4; i++) {
		struct answer answer = get("/a.txt", "", NULL);
		(void)snprintf(tag[i], sizeof(tag[i]), "%s", value_of(&answer, "ETag"));
		if (i == 1)
			file("a.txt", "0123456780"); /* as long, and as old */
		if (i == 2)
			set_time("a.txt", WRITTEN + 1, 0);
	}
	ck_assert_str_eq(tag[0], tag[1]);
	ck_assert_str_ne(tag[1], tag[2]);
	ck_assert_str_ne(tag[2], tag[3]);
	ck_assert_str_ne(tag[1], tag[3]);
}
END_TEST

static const struct fresh_row {
	int64_t age; /* microseconds */
	long nanoseconds;
	bool strong;
} fresh_rows[] = {
	{ 20000, 500, false }, /* less than a microsecond counts as none: a coarse clock */
	{ 1999999, 0, false },
	{ 2000000, 0, false },
	{ 2000001, 0, true },
	{ 19999, 500000, false },
	{ 20000, 500000, false },
	{ 20001, 500000, true },
	{ 1000000, 500000, true },
	{ -1, 0, false },
	{ -1, 500000, false },
	{ -3600 * SECONDS, 0, false },
};

/* A second change in the same tick of the clock would leave times and size as they are. */
START_TEST(a_file_that_has_just_changed_has_a_weak_tag_that_it_will_not_keep)
{
	const struct fresh_row *row = &fresh_rows[_i];
	char first[128];

	set_time("a.txt", WRITTEN, row->nanoseconds);
	rig.wall = WRITTEN * SECONDS + row->nanoseconds / 1000 + row->age;
	struct answer answer = get("/a.txt", "", NULL);
	(void)snprintf(first, sizeof(first), "%s", value_of(&answer, "ETag"));
	ck_assert_msg((strncmp(first, "W/\"", 3) != 0) == row->strong, "%s after %d us", first, (int)row->age);
	expect(get("/a.txt", "If-None-Match: %s\r\n", first), 304, NULL);
	expect(get("/a.txt", "If-Range: %s\r\nRange: bytes=0-0\r\n", first), row->strong ? 206 : 200, NULL);
	rig.wall = NOW;
	expect(get("/a.txt", "If-None-Match: %s\r\n", first), row->strong ? 304 : 200, NULL);
}
END_TEST

START_TEST(a_date_in_the_future_is_not_told)
{
	struct answer answer;

	set_time("a.txt", WRITTEN, 1000);
	rig.wall = WRITTEN * SECONDS;
	answer = get("/a.txt", "", NULL);
	check_value(&answer, "Last-Modified", "");
	rig.wall = WRITTEN * SECONDS + 1;
	answer = get("/a.txt", "", NULL);
	check_value(&answer, "Last-Modified", WRITTEN_TEXT);
}
END_TEST

/* --- Conditions ---------------------------------------------------------------------------------------------------- */

static const struct condition_row {
	const char *fields; /* %s: the tag */
	int status;
} condition_rows[] = {
	{ "If-None-Match: %s\r\n", 304 },
	{ "If-None-Match: W/%s\r\n", 304 },
	{ "If-None-Match: \"x\", %s\r\n", 304 },
	{ "If-None-Match: *\r\n", 304 },
	{ "If-None-Match: \"x\"\r\n", 200 },
	{ "If-None-Match: %s\r\nIf-None-Match: %s\r\n", 200 }, /* nobody sends it so */
	{ "If-Modified-Since: " WRITTEN_TEXT "\r\n", 304 },
	{ "If-Modified-Since: Thursday, 01-Jan-26 20:40:00 GMT\r\n", 304 },
	{ "If-Modified-Since: Thu Jan  1 20:40:00 2026\r\n", 304 },
	{ "If-Modified-Since: Thu, 01 Jan 2026 20:39:59 GMT\r\n", 200 },
	{ "If-Modified-Since: Fri, 02 Jan 2026 00:00:00 GMT\r\n", 304 },
	{ "If-Modified-Since: today\r\n", 200 },
	{ "If-None-Match: \"x\"\r\nIf-Modified-Since: " WRITTEN_TEXT "\r\n", 200 },
	{ "If-Match: %s\r\n", 200 },
	{ "If-Match: \"x\"\r\n", 412 },
	{ "If-Match: W/%s\r\n", 412 },
	{ "If-Match: %s\r\nIf-Match: %s\r\n", 412 },
	{ "If-Unmodified-Since: " WRITTEN_TEXT "\r\n", 200 },
	{ "If-Unmodified-Since: Thu, 01 Jan 2026 20:39:59 GMT\r\n", 412 },
	{ "If-Match: \"x\"\r\nIf-None-Match: %s\r\n", 412 },
	{ "If-None-Match: %s\r\nRange: bytes=0-1\r\n", 304 },
	{ "If-Match: \"x\"\r\nRange: bytes=99-\r\n", 412 },
	{ "If-Modified-Since: " WRITTEN_TEXT "\r\nIf-Modified-Since: " WRITTEN_TEXT "\r\n", 400 },
	{ "Range: bytes=0-1\r\nRange: bytes=0-1\r\n", 400 },
	{ "If-Range: %s\r\nIf-Range: %s\r\n", 400 },
};

START_TEST(a_file_comes_only_when_the_conditions_let_it)
{
	const struct condition_row *row = &condition_rows[_i];
	struct answer answer = get("/a.txt", "", NULL);
	char etag[128];

	(void)snprintf(etag, sizeof(etag), "%s", value_of(&answer, "ETag"));
	answer = get("/a.txt", row->fields, etag);
	expect(answer, row->status, row->status == 200 ? TEXT : row->status == 304 ? "" : NULL);
	if (row->status == 200 || row->status == 304)
		check_value(&answer, "ETag", etag);
	if (row->status == 412)
		expect(answer, 412, "the file is not, or no longer, the one that the conditions name\n");
}
END_TEST

/* RFC 9110 section 15.4.5: what would have changed the stored reply, and nothing that describes a content that is not there. */
START_TEST(a_304_has_no_content_and_says_nothing_of_it)
{
	struct answer answer = get("/page.html", "If-None-Match: *\r\n", NULL);

	expect(answer, 304, "");
	check_value(&answer, "Content-Length", "");
	check_value(&answer, "Content-Type", "");
	check_value(&answer, "Last-Modified", "");
	check_value(&answer, "Vary", "Accept-Encoding");
	check_value(&answer, "Cache-Control", "no-cache");
	ck_assert(answer_has(&answer, NOW_TEXT));
	answer = get("/page.html", "If-None-Match: *\r\nAccept-Encoding: gzip\r\n", NULL);
	expect(answer, 304, "");
	check_value(&answer, "Content-Encoding", "");
}
END_TEST

START_TEST(conditions_are_for_files_alone)
{
	expect(get("/?LED", "If-None-Match: *\r\n", NULL), 200, NULL);
	expect(get("/?LED", "If-Match: \"x\"\r\nRange: bytes=0-0\r\n", NULL), 200, NULL);
	expect(get("/missing", "If-None-Match: *\r\n", NULL), 404, NULL);
	expect(get("/missing", "If-Match: *\r\n", NULL), 404, NULL);
}
END_TEST

/* --- Parts --------------------------------------------------------------------------------------------------------- */

static const struct part_row {
	const char *fields;
	int status;
	const char *range, *body;
} part_rows[] = {
	{ "Range: bytes=2-4\r\n", 206, "bytes 2-4/10", "234" },
	{ "Range: bytes=0-\r\n", 206, "bytes 0-9/10", TEXT },
	{ "Range: bytes=-3\r\n", 206, "bytes 7-9/10", "789" },
	{ "Range: bytes=9-100\r\n", 206, "bytes 9-9/10", "9" },
	{ "Range: bytes=10-\r\n", 416, "bytes */10", "the file has no such part; Content-Range tells its length\n" },
	{ "Range: bytes=-0\r\n", 416, "bytes */10", NULL },
	{ "Range: bytes=0-1,3-4\r\n", 200, "", TEXT },
	{ "Range: lines=0-1\r\n", 200, "", TEXT },
	{ "Range: nonsense\r\n", 200, "", TEXT },
	{ "If-Range: %s\r\nRange: bytes=2-4\r\n", 206, "bytes 2-4/10", "234" },
	{ "If-Range: W/%s\r\nRange: bytes=2-4\r\n", 200, "", TEXT },
	{ "If-Range: \"x\"\r\nRange: bytes=2-4\r\n", 200, "", TEXT },
	{ "If-Range: \"x\"\r\nRange: bytes=99-\r\n", 200, "", TEXT },
	{ "If-Range: " WRITTEN_TEXT "\r\nRange: bytes=2-4\r\n", 206, "bytes 2-4/10", "234" },
	{ "If-Range: Thu, 01 Jan 2026 20:40:01 GMT\r\nRange: bytes=2-4\r\n", 200, "", TEXT },
	{ "If-Range: %s\r\n", 200, "", TEXT },
	{ "If-None-Match: \"x\"\r\nRange: bytes=2-4\r\n", 206, "bytes 2-4/10", "234" },
};

START_TEST(a_part_comes_when_one_is_asked_for)
{
	const struct part_row *row = &part_rows[_i];
	struct answer answer = get("/a.txt", "", NULL);
	char etag[128];

	(void)snprintf(etag, sizeof(etag), "%s", value_of(&answer, "ETag"));
	answer = get("/a.txt", row->fields, etag);
	expect(answer, row->status, row->body);
	check_value(&answer, "Content-Range", row->range);
	if (row->status == 206) {
		check_value(&answer, "ETag", etag);
		check_value(&answer, "Last-Modified", WRITTEN_TEXT);
		check_value(&answer, "Content-Type", "text/plain; charset=utf-8");
	}
}
END_TEST

START_TEST(head_knows_no_parts)
{
	struct peer *peer = rig_peer();

	peer_say(peer, "HEAD /a.txt" HOST "Range: bytes=99-\r\n\r\n");
	struct answer answer = peer_head(peer);
	expect(answer, 200, NULL);
	check_value(&answer, "Content-Length", "10");
	check_value(&answer, "Content-Range", "");
	expect(peer_ask(peer, "GET /a.txt"), 200, TEXT);
}
END_TEST

/* Sizes around what is copied behind the head, from places around its pages; one connection for all. */
START_TEST(parts_of_a_large_file_have_the_right_bytes)
{
	static const size_t firsts[] = { 0, 1, 25, 4095, LARGE - HTTAP_FILE_INLINE_MAX - 1, LARGE - 2 };
	static const size_t lengths[] = { 1, 2, 4096, HTTAP_FILE_INLINE_MAX - 1, HTTAP_FILE_INLINE_MAX, HTTAP_FILE_INLINE_MAX + 1, LARGE };
	struct peer *peer = rig_peer();
	char request[128];

	for (size_t i = 0; i < ROWS(lengths); i++) {
		size_t first = firsts[_i], length = lengths[i] < LARGE - first ? lengths[i] : LARGE - first;
		(void)snprintf(request, sizeof(request), "GET /large.bin" HOST "Range: bytes=%zu-%zu\r\n\r\n", first,
			first + lengths[i] - 1);
		peer_say(peer, request);
		struct answer answer = peer_answer(peer);
		expect(answer, 206, NULL);
		ck_assert_uint_eq(answer.len, length);
		for (size_t at = 0; at < length; at++)
			if (answer.body[at] != (char)('a' + (first + at) % 26))
				ck_abort_msg("byte %zu of the part from %zu on is wrong", at, first);
	}
	expect(peer_ask(peer, "GET /?LED"), 200, NULL);
}
END_TEST

START_TEST(requests_behind_a_short_answer_are_answered_in_order)
{
	struct peer *peer = rig_peer();

	peer_say(peer, "GET /a.txt" HOST "If-None-Match: *\r\n\r\nGET /a.txt" HOST "Range: bytes=1-1\r\n\r\n"
		       "GET /a.txt" HOST "Range: bytes=10-\r\n\r\nGET /a.txt" HOST "If-Match: \"x\"\r\n\r\n"
		       "GET /large.bin" HOST "Range: bytes=0-50000\r\n\r\nGET /a.txt" END);
	expect(peer_answer(peer), 304, "");
	expect(peer_answer(peer), 206, "1");
	expect(peer_answer(peer), 416, NULL);
	expect(peer_answer(peer), 412, NULL);
	expect(peer_answer(peer), 206, NULL);
	expect(peer_answer(peer), 200, TEXT);
}
END_TEST

START_TEST(no_answer_keeps_a_file_open)
{
	static const char *const fields[] = { "", "If-None-Match: *\r\n", "If-Match: \"x\"\r\n", "Range: bytes=1-1\r\n", "Range: bytes=99-\r\n",
		"Accept-Encoding: gzip\r\n" };
	static const char *const targets[] = { "/a.txt", "/page.html", "/large.bin" };
	char request[128];
	struct peer *peer = rig_peer_served();
	unsigned int before = rig_descriptors();

	for (size_t i = 0; i < ROWS(targets); i++) {
		(void)snprintf(request, sizeof(request), "GET %s" HOST "%s\r\n", targets[i], fields[_i]);
		peer_say(peer, request);
		(void)peer_answer(peer);
		ck_assert_uint_eq(rig_descriptors(), before);
	}
}
END_TEST

/* --- Compressed beside it ------------------------------------------------------------------------------------------ */

START_TEST(who_takes_gzip_gets_what_stands_beside_the_file)
{
	struct answer plain = get("/page.html", "", NULL), gzip = get("/page.html", "Accept-Encoding: gzip, br\r\n", NULL);

	expect(plain, 200, "<p>as it is</p>");
	check_value(&plain, "Content-Encoding", "");
	expect(gzip, 200, "compressed");
	check_value(&gzip, "Content-Encoding", "gzip");
	ck_assert_str_ne(value_of(&plain, "ETag"), value_of(&gzip, "ETag"));
	for (int i = 0; i < 2; i++) {
		check_value(i == 0 ? &plain : &gzip, "Vary", "Accept-Encoding");
		check_value(i == 0 ? &plain : &gzip, "Content-Type", "text/html; charset=utf-8");
	}
	expect(get("/page.html", "Accept-Encoding: gzip;q=0\r\n", NULL), 200, "<p>as it is</p>");
	expect(get("/page.html", "Accept-Encoding: gzip\r\nAccept-Encoding: gzip\r\n", NULL), 200, "<p>as it is</p>");
}
END_TEST

START_TEST(parts_and_tags_of_both_forms_are_not_mixed)
{
	struct answer plain = get("/page.html", "", NULL);
	char etag[128];

	(void)snprintf(etag, sizeof(etag), "%s", value_of(&plain, "ETag"));
	expect(get("/page.html", "Accept-Encoding: gzip\r\nRange: bytes=0-2\r\n", NULL), 206, "com");
	expect(get("/page.html", "Accept-Encoding: gzip\r\nIf-None-Match: %s\r\n", etag), 200, "compressed");
	expect(get("/page.html", "Accept-Encoding: gzip\r\nIf-Range: %s\r\nRange: bytes=0-2\r\n", etag), 200, "compressed");
	expect(get("/page.html", "If-None-Match: %s\r\n", etag), 304, "");
}
END_TEST

/* The compressed form, if it was made from an older file, or by somebody else, or is no file. */
static void make_older(void)
{
	set_time("page.html.gz", WRITTEN - 1, 0);
}

static void make_dir_of_it(void)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/page.html.gz", rig.root);
	ck_assert_int_eq(unlink(path), 0);
	make_dir("page.html.gz");
}

static void make_link(void)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/page.html.gz", rig.root);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("a.txt", path), 0);
}

static void make_foreign(void)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/page.html.gz", rig.root);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(path, 65534, 65534), 0);
	else
		ck_assert_int_eq(unlink(path), 0); /* only root can give a file away */
}

START_TEST(what_may_not_be_served_beside_a_file_is_not_there)
{
	static void (*const spoil[])(void) = { make_older, make_dir_of_it, make_link, make_foreign };

	spoil[_i]();
	struct answer answer = get("/page.html", "Accept-Encoding: gzip\r\n", NULL);
	expect(answer, 200, "<p>as it is</p>");
	check_value(&answer, "Vary", "");
}
END_TEST

START_TEST(a_compressed_file_can_be_had_as_itself_and_never_alone)
{
	struct answer answer = get("/page.html.gz", "Accept-Encoding: gzip\r\n", NULL);

	expect(answer, 200, "compressed");
	check_value(&answer, "Content-Type", "application/gzip");
	check_value(&answer, "Content-Encoding", "");
	file("alone.txt.gz", "alone");
	expect(get("/alone.txt", "Accept-Encoding: gzip\r\n", NULL), 404, NULL);
}
END_TEST

START_TEST(the_root_page_has_its_compressed_form_too)
{
	set_time("index.html", WRITTEN, 0);
	file("index.html.gz", "root");
	expect(get("/", "Accept-Encoding: gzip\r\n", NULL), 200, "root");
}
END_TEST

/* --- The tree of types --------------------------------------------------------------------------------------------- */

static const struct tree_row {
	const char *entry;
	const char *type;
} tree_rows[] = {
	{ "text/csv", "text/csv" },
	{ "text/csv\n", "text/csv" },
	{ "text/csv \r\n\n", "text/csv" },
	{ "model/gltf-binary; a=b", "model/gltf-binary; a=b" },
	{ "text/csv; charset=utf-8; header=\"present\"", "text/csv; charset=utf-8; header=\"present\"" },
	/* None: the table says it. */
	{ "", "text/plain; charset=utf-8" },
	{ "\n", "text/plain; charset=utf-8" },
	{ "text", "text/plain; charset=utf-8" },
	{ "text/", "text/plain; charset=utf-8" },
	{ "/csv", "text/plain; charset=utf-8" },
	{ "/", "text/plain; charset=utf-8" },
	{ ";", "text/plain; charset=utf-8" },
	{ "text/csv/x", "text/plain; charset=utf-8" },
	{ "text/c sv", "text/plain; charset=utf-8" },
	{ "text /csv", "text/plain; charset=utf-8" },
	{ "text/csv\r\nX-Evil: 1", "text/plain; charset=utf-8" },
	{ "text/csv\nX-Evil: 1\n", "text/plain; charset=utf-8" },
	{ "text/csv; a=\001", "text/plain; charset=utf-8" },
};

START_TEST(a_type_comes_from_the_tree_when_it_can_be_one)
{
	const struct tree_row *row = &tree_rows[_i];

	make_dir("...");
	rig_text(".../a.txt", row->entry);
	struct answer answer = get("/a.txt", "", NULL);
	check_value(&answer, "Content-Type", row->type);
	expect(answer, 200, TEXT);
}
END_TEST

START_TEST(an_entry_is_as_long_as_there_is_room)
{
	char entry[HTTAP_TYPE_SIZE + 1];

	memset(entry, 'x', sizeof(entry));
	memcpy(entry, "text/", 5);
	entry[HTTAP_TYPE_SIZE - 1 + _i] = '\0';
	make_dir("...");
	rig_text(".../a.txt", entry);
	struct answer answer = get("/a.txt", "", NULL);
	check_value(&answer, "Content-Type", _i == 0 ? entry : "text/plain; charset=utf-8");
}
END_TEST

START_TEST(directories_and_compressed_forms_have_the_types_of_their_files)
{
	make_dir("sub");
	file("sub/b", "B");
	file("sub/b.gz", "Z");
	make_dir("...");
	make_dir(".../sub");
	rig_text(".../sub/b", "image/x-b");
	rig_text(".../sub/b.gz", "image/x-z");
	struct answer answer = get("/sub/b", "Accept-Encoding: gzip\r\n", NULL);
	expect(answer, 200, "Z");
	check_value(&answer, "Content-Type", "image/x-b");
	answer = get("/sub/b.gz", "", NULL);
	check_value(&answer, "Content-Type", "image/x-z");
	answer = get("/a.txt", "", NULL); /* no entry */
	check_value(&answer, "Content-Type", "text/plain; charset=utf-8");
}
END_TEST

START_TEST(the_tree_itself_is_not_served)
{
	static const char *const targets[] = { "/.../a.txt", "/...", "/.../", "/sub/.../a.txt", "/%2e../a.txt" };

	make_dir("...");
	rig_text(".../a.txt", "text/csv");
	expect(peer_ask(rig_peer(), "GET /a.txt"), 200, TEXT);
	char request[64];
	(void)snprintf(request, sizeof(request), "GET %s", targets[_i]);
	expect(peer_ask(rig_peer(), request), 400, NULL);
}
END_TEST

START_TEST(a_tree_that_is_a_link_is_none)
{
	char path[256];

	make_dir("types");
	rig_text("types/a.txt", "text/csv");
	(void)snprintf(path, sizeof(path), "%s/...", rig.root);
	ck_assert_int_eq(symlink("types", path), 0);
	struct answer answer = get("/a.txt", "", NULL);
	check_value(&answer, "Content-Type", "text/plain; charset=utf-8");
}
END_TEST

Suite *httap_static_suite(void)
{
	Suite *suite = suite_create("httap/static");
	TCase *dates = tcase_create("dates and tags"), *conditions = tcase_create("conditions"), *parts = tcase_create("parts");
	TCase *forms = tcase_create("compressed"), *types = tcase_create("types");
	TCase *const all[] = { dates, conditions, parts, forms, types };

	for (size_t i = 0; i < ROWS(all); i++) {
		tcase_add_checked_fixture(all[i], up, rig_down);
		suite_add_tcase(suite, all[i]);
	}
	tcase_add_loop_test(dates, every_reply_says_what_time_it_is, 0, 7);
	tcase_add_test(dates, the_time_goes_on_and_may_be_set);
	tcase_add_loop_test(dates, a_clock_that_was_never_set_tells_no_time, 0, 5);
	tcase_add_test(dates, the_first_second_of_a_clock_that_was_set_is_told);
	tcase_add_test(dates, a_file_comes_with_all_that_is_known_of_it);
	tcase_add_loop_test(dates, head_says_the_same_as_get, 0, 4);
	tcase_add_test(dates, a_tag_changes_with_the_file_and_only_then);
	tcase_add_loop_test(dates, a_file_that_has_just_changed_has_a_weak_tag_that_it_will_not_keep, 0, ROWS(fresh_rows));
	tcase_add_test(dates, a_date_in_the_future_is_not_told);
	tcase_add_loop_test(conditions, a_file_comes_only_when_the_conditions_let_it, 0, ROWS(condition_rows));
	tcase_add_test(conditions, a_304_has_no_content_and_says_nothing_of_it);
	tcase_add_test(conditions, conditions_are_for_files_alone);
	tcase_add_loop_test(parts, a_part_comes_when_one_is_asked_for, 0, ROWS(part_rows));
	tcase_add_test(parts, head_knows_no_parts);
	tcase_add_loop_test(parts, parts_of_a_large_file_have_the_right_bytes, 0, 6);
	tcase_add_test(parts, requests_behind_a_short_answer_are_answered_in_order);
	tcase_add_loop_test(parts, no_answer_keeps_a_file_open, 0, 6);
	tcase_add_test(forms, who_takes_gzip_gets_what_stands_beside_the_file);
	tcase_add_test(forms, parts_and_tags_of_both_forms_are_not_mixed);
	tcase_add_loop_test(forms, what_may_not_be_served_beside_a_file_is_not_there, 0, 4);
	tcase_add_test(forms, a_compressed_file_can_be_had_as_itself_and_never_alone);
	tcase_add_test(forms, the_root_page_has_its_compressed_form_too);
	tcase_add_loop_test(types, a_type_comes_from_the_tree_when_it_can_be_one, 0, ROWS(tree_rows));
	tcase_add_loop_test(types, an_entry_is_as_long_as_there_is_room, 0, 2);
	tcase_add_test(types, directories_and_compressed_forms_have_the_types_of_their_files);
	tcase_add_loop_test(types, the_tree_itself_is_not_served, 0, 5);
	tcase_add_test(types, a_tree_that_is_a_link_is_none);
	return suite;
}
