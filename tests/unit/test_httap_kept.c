/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/kept.c: a file that is kept has its bytes for as long as it is the same, and not for one request longer.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "httap/kept.h"
#include "httap/server.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define TEXT "0123456789"

static struct kept kept;
static struct files files;
static int before = -1; /* the directory in which the tests were started */

/* In the root: the tests speak of files by their names there. */
static void up(void)
{
	struct httap_error error;

	rig_unix();
	before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(before, 0);
	ck_assert_int_eq(chdir(rig.root), 0);
	kept = (struct kept){ 0 };
	rig_text("a.txt", TEXT);
	rig_text("page.html", "<p>as it is</p>");
	rig_text("page.html.gz", "compressed");
	ck_assert_int_eq(mkdir("sub", 0755), 0);
	ck_assert_int_eq(mkdir("...", 0755), 0);
	rig_text("sub/a.txt", TEXT);
	ck_assert_int_eq(files_open(&files, rig.root, "a.txt", geteuid(), &error), 0);
}

static void down(void)
{
	files_close(&files);
	ck_assert_int_eq(fchdir(before), 0);
	(void)close(before);
	rig_down();
}

/* Opens it as static.c does, keeps it, and closes it. */
static const struct variant *add(const char *path, bool takes_gzip)
{
	struct variant variant = { .coded = false };
	const char *why;

	ck_assert_int_eq(files_find(&files, path, &variant.plain, &why), 200);
	variant.coded = files_find_gzip(&files, path, &variant.plain, &variant.gzip);
	variant.zipped = variant.coded && takes_gzip;
	const struct variant *found = kept_add(&kept, &files, path, &variant, rig.clock);
	(void)close(variant.plain.fd);
	if (variant.coded)
		(void)close(variant.gzip.fd);
	return found;
}

static const struct variant *find(const char *path, bool takes_gzip)
{
	return kept_find(&kept, &files, path, takes_gzip, rig.clock);
}

static void must_be(const struct variant *variant, const char *content, const char *type)
{
	ck_assert_ptr_nonnull(variant);
	ck_assert_uint_eq(variant_file(variant)->size, strlen(content));
	ck_assert_int_eq(memcmp(variant->content, content, strlen(content)), 0);
	ck_assert_str_eq(variant->type, type);
}

/* --- What is kept -------------------------------------------------------------------------------------------------- */

START_TEST(what_was_added_is_found_until_something_changes)
{
	ck_assert_ptr_null(find("a.txt", false));
	must_be(add("a.txt", false), TEXT, "text/plain; charset=utf-8");
	for (int i = 0; i < 3; i++)
		must_be(find("a.txt", i == 1), TEXT, "text/plain; charset=utf-8"); /* it has one form */
	ck_assert_ptr_null(find("page.html", false));
	ck_assert_ptr_null(find("a.tx", false));
}
END_TEST

START_TEST(the_root_page_is_the_file_that_it_is)
{
	must_be(add("", false), TEXT, "text/plain; charset=utf-8");
	must_be(find("", false), TEXT, "text/plain; charset=utf-8");
	must_be(find("a.txt", false), TEXT, "text/plain; charset=utf-8");
}
END_TEST

START_TEST(each_form_is_kept_for_who_takes_it)
{
	must_be(add("page.html", true), "compressed", "text/html; charset=utf-8");
	ck_assert_ptr_null(find("page.html", false));
	must_be(find("page.html", true), "compressed", "text/html; charset=utf-8");
	must_be(add("page.html", false), "<p>as it is</p>", "text/html; charset=utf-8");
	must_be(find("page.html", true), "compressed", "text/html; charset=utf-8");
	must_be(find("page.html", false), "<p>as it is</p>", "text/html; charset=utf-8");
	ck_assert(find("page.html", false)->coded && !find("page.html", false)->zipped && find("page.html", true)->zipped);
}
END_TEST

/* --- What has changed ---------------------------------------------------------------------------------------------- */

static void set_time(const char *name, struct timespec time)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, time };

	ck_assert_int_eq(utimensat(AT_FDCWD, name, times, 0), 0);
}

static const struct timespec long_ago = { .tv_sec = 1767300000 };

static void write_longer(void)
{
	rig_text("page.html", "<p>something longer</p>");
}

/* As long as before, and its time put back: what tells is the time of the last change of anything. */
static void write_unseen(void)
{
	struct stat st;

	ck_assert_int_eq(stat("page.html", &st), 0);
	rig_text("page.html", "<p>AS IT IS</p>");
	set_time("page.html", st.st_mtim);
}

static void touch(void)
{
	set_time("page.html", long_ago);
}

static void forbid(void)
{
	ck_assert_int_eq(chmod("page.html", 0), 0);
}

static void replace(void)
{
	rig_text("new", "<p>as it is</p>");
	ck_assert_int_eq(rename("new", "page.html"), 0);
}

static void remove_page(void)
{
	ck_assert_int_eq(unlink("page.html"), 0);
}

static void make_directory(void)
{
	remove_page();
	ck_assert_int_eq(mkdir("page.html", 0755), 0);
}

static void make_pipe(void)
{
	remove_page();
	ck_assert_int_eq(mkfifo("page.html", 0644), 0);
}

/* The very same file, through a link: it was never served so. */
static void make_link(void)
{
	ck_assert_int_eq(rename("page.html", "there.html"), 0);
	ck_assert_int_eq(symlink("there.html", "page.html"), 0);
}

static void compress_again(void)
{
	rig_text("page.html.gz", "COMPRESSED");
}

static void compress_long_ago(void)
{
	set_time("page.html.gz", long_ago);
}

static void remove_compressed(void)
{
	ck_assert_int_eq(unlink("page.html.gz"), 0);
}

static void link_compressed(void)
{
	ck_assert_int_eq(rename("page.html.gz", "there.gz"), 0);
	ck_assert_int_eq(symlink("there.gz", "page.html.gz"), 0);
}

static void (*const changes[])(void) = { write_longer, write_unseen, touch, forbid, replace, remove_page, make_directory, make_pipe,
	make_link, compress_again, compress_long_ago, remove_compressed, link_compressed };

/* The clock of the file system has gone on: what changes from now on has another time. static.c sees to that. */
static void let_a_tick_pass(void)
{
	struct stat old, new;

	ck_assert_int_eq(stat("page.html.gz", &old), 0);
	do {
		rig_text("tick", "");
		ck_assert_int_eq(stat("tick", &new), 0);
	} while (new.st_ctim.tv_sec == old.st_ctim.tv_sec && new.st_ctim.tv_nsec == old.st_ctim.tv_nsec);
}

/* Whichever form was kept: each change can make another of both. */
START_TEST(whatever_changes_makes_it_be_read_again)
{
	(void)add("page.html", false);
	(void)add("page.html", true);
	ck_assert_ptr_nonnull(find("page.html", true));
	let_a_tick_pass();
	changes[_i]();
	ck_assert_ptr_null(find("page.html", true));
	ck_assert_ptr_null(find("page.html", false));
	ck_assert_ptr_null(find("page.html", false)); /* nor does asking bring it back */
}
END_TEST

START_TEST(a_compressed_form_that_comes_later_is_seen)
{
	(void)add("a.txt", true);
	rig_text("a.txt.gz", "compressed");
	ck_assert_ptr_null(find("a.txt", true));
}
END_TEST

START_TEST(a_file_of_another_owner_is_not_kept_on)
{
	if (geteuid() != 0)
		return; /* only root gives files away; test_httap_file.c says that it was not tried */
	(void)add("a.txt", false);
	ck_assert_int_eq(chown("a.txt", 65534, (gid_t)-1), 0);
	ck_assert_ptr_null(find("a.txt", false));
}
END_TEST

START_TEST(a_type_is_asked_for_again_after_a_second)
{
	rig_text(".../a.txt", "text/csv");
	must_be(add("a.txt", false), TEXT, "text/csv");
	rig_text(".../a.txt", "text/x-other");
	rig.clock += HTTAP_KEPT_TYPE_US - 1;
	must_be(find("a.txt", false), TEXT, "text/csv");
	rig.clock++;
	must_be(find("a.txt", false), TEXT, "text/x-other");
	ck_assert_int_eq(unlink(".../a.txt"), 0);
	rig.clock += HTTAP_KEPT_TYPE_US;
	must_be(find("a.txt", false), TEXT, "text/plain; charset=utf-8");
}
END_TEST

/* --- What is not kept ---------------------------------------------------------------------------------------------- */

START_TEST(what_lies_in_a_directory_is_not_kept)
{
	ck_assert_ptr_null(add("sub/a.txt", false));
	ck_assert_ptr_null(find("sub/a.txt", false));
}
END_TEST

START_TEST(names_are_kept_up_to_a_length)
{
	char name[HTTAP_KEPT_NAME_SIZE + 1];

	memset(name, 'n', sizeof(name));
	name[HTTAP_KEPT_NAME_SIZE - 1] = '\0';
	rig_text(name, TEXT);
	must_be(add(name, false), TEXT, "application/octet-stream");
	must_be(find(name, false), TEXT, "application/octet-stream");
	name[HTTAP_KEPT_NAME_SIZE - 1] = 'n';
	name[HTTAP_KEPT_NAME_SIZE] = '\0';
	rig_text(name, TEXT);
	ck_assert_ptr_null(add(name, false));
	ck_assert_ptr_null(find(name, false));
}
END_TEST

static char pattern[HTTAP_FILE_INLINE_MAX + 1];

static void make_sized(const char *name, size_t len, int seed)
{
	for (size_t i = 0; i < len; i++)
		pattern[i] = (char)((int)i * 31 + seed);
	rig_file(name, pattern, len);
}

START_TEST(sizes_are_kept_up_to_what_leaves_in_one_piece)
{
	make_sized("most", HTTAP_FILE_INLINE_MAX, 1);
	ck_assert_ptr_nonnull(add("most", false));
	ck_assert_int_eq(memcmp(find("most", false)->content, pattern, HTTAP_FILE_INLINE_MAX), 0);
	make_sized("more", HTTAP_FILE_INLINE_MAX + 1, 1);
	ck_assert_ptr_null(add("more", false));
	make_sized("none", 0, 1);
	ck_assert_ptr_nonnull(add("none", false));
	ck_assert_uint_eq(find("none", false)->plain.size, 0);
}
END_TEST

START_TEST(what_became_shorter_before_it_was_read_is_not_kept)
{
	struct variant variant = { .coded = false };
	const char *why;

	ck_assert_int_eq(files_find(&files, "a.txt", &variant.plain, &why), 200);
	ck_assert_int_eq(truncate("a.txt", 3), 0);
	ck_assert_ptr_null(kept_add(&kept, &files, "a.txt", &variant, rig.clock));
	ck_assert_ptr_null(find("a.txt", false));
	(void)close(variant.plain.fd);
}
END_TEST

/* --- Who gives way ------------------------------------------------------------------------------------------------- */

START_TEST(of_more_files_than_there_is_room_for_the_oldest_gives_way)
{
	char name[16];

	for (int i = 0; i <= HTTAP_KEPT_FILES; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		rig_text(name, name);
		(void)add(name, false);
	}
	ck_assert_ptr_null(find("f0", false));
	for (int i = 1; i <= HTTAP_KEPT_FILES; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		must_be(find(name, false), name, "application/octet-stream");
	}
}
END_TEST

/* Whatever gave way to what, what is found has its own bytes; and what was added last is there. */
START_TEST(of_more_bytes_than_there_is_room_for_none_is_mixed_up)
{
	enum { FILES = 40, STEPS = 4000 };
	static const size_t sizes[] = { 0, 1, 100, 4096, 5000, 9821, HTTAP_FILE_INLINE_MAX - 1, HTTAP_FILE_INLINE_MAX };
	char name[16];
	size_t found = 0;

	for (int i = 0; i < FILES; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		make_sized(name, sizes[(size_t)i % (sizeof(sizes) / sizeof(sizes[0]))], i);
	}
	srandom(7);
	for (int step = 0; step < STEPS; step++) {
		int i = (int)(random() % FILES);
		size_t len = sizes[(size_t)i % (sizeof(sizes) / sizeof(sizes[0]))];
		(void)snprintf(name, sizeof(name), "f%d", i);
		const struct variant *variant = find(name, false);
		found += variant != NULL;
		if (variant == NULL) {
			ck_assert_ptr_nonnull(add(name, false));
			variant = find(name, false);
		}
		ck_assert_ptr_nonnull(variant);
		ck_assert_uint_eq(variant->plain.size, len);
		for (size_t at = 0; at < len; at++)
			if (variant->content[at] != (char)((int)at * 31 + i))
				ck_abort_msg("step %d: byte %zu of %s is another's", step, at, name);
		ck_assert(variant->content >= kept.bytes && variant->content + len <= kept.bytes + HTTAP_KEPT_BYTES);
	}
	ck_assert_uint_gt(found, 100);
	ck_assert_uint_lt(found, STEPS - 100);
}
END_TEST

/* --- By the server -------------------------------------------------------------------------------------------------- */

static void set_wall(int64_t ahead_us)
{
	struct timespec now;

	ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
	rig.wall = now.tv_sec * SECONDS + now.tv_nsec / 1000 + ahead_us;
}

/* A second change in the same tick of the file system's clock could not be told from the first. */
START_TEST(a_file_that_has_just_changed_is_not_kept)
{
	static const int64_t ages[] = { -1, 0, 20000, 20001 };
	struct stat st;

	set_time("a.txt", long_ago);
	ck_assert_int_eq(stat("a.txt", &st), 0);
	int64_t changed = st.st_ctim.tv_sec * SECONDS + st.st_ctim.tv_nsec / 1000;
	rig.wall = changed + ages[_i] + (changed % SECONDS == 0 ? 2 * SECONDS : 0);
	expect(peer_ask(rig_peer(), "GET /a.txt"), 200, TEXT);
	ck_assert_str_eq(rig.httap.server->kept.file[0].name, ages[_i] > 20000 ? "a.txt" : "");
}
END_TEST

/* Written and asked for as quickly as can be. */
START_TEST(a_page_that_changes_is_sent_as_it_is_now)
{
	struct peer *peer = rig_peer();
	char text[32];

	for (int i = 0; i < 300; i++) {
		(void)snprintf(text, sizeof(text), "version %03d", i);
		rig_text("a.txt", text);
		set_wall(0);
		expect(peer_ask(peer, "GET /a.txt"), 200, text);
		expect(peer_ask(peer, "GET /a.txt"), 200, text);
	}
}
END_TEST

START_TEST(a_kept_page_is_answered_like_one_that_is_read)
{
	static const char *const requests[] = { "GET /a.txt", "HEAD /a.txt", "GET /a.txt" HOST "Range: bytes=2-4",
		"GET /a.txt" HOST "Range: bytes=-1", "GET /a.txt" HOST "Range: bytes=10-", "GET /a.txt" HOST "If-None-Match: *",
		"GET /a.txt" HOST "If-Match: \"x\"", "GET /page.html", "GET /page.html" HOST "Accept-Encoding: gzip" };
	char first[1600], bytes[256];
	size_t len = 0;

	for (int turn = 0; turn < 2; turn++) {
		struct peer *peer = rig_peer();
		set_wall(10 * SECONDS);
		rig.wall -= rig.wall % SECONDS; /* of one second, for the Date */
		peer_say(peer, requests[_i]);
		peer_say(peer, strstr(requests[_i], "\r\n") != NULL ? "\r\n\r\n" : END);
		struct answer answer = requests[_i][0] == 'H' ? peer_head(peer) : peer_answer(peer);
		char *date = strstr(answer.head, "Date: ");
		ck_assert_ptr_nonnull(date);
		memset(date, 'd', 35);
		if (turn == 0) {
			(void)snprintf(first, sizeof(first), "%s", answer.head);
			len = answer.len;
			memcpy(bytes, answer.body, len);
			continue;
		}
		ck_assert_str_eq(answer.head, first);
		ck_assert_uint_eq(answer.len, len);
		ck_assert_int_eq(memcmp(answer.body, bytes, len), 0);
	}
}
END_TEST

Suite *httap_kept_suite(void)
{
	Suite *suite = suite_create("httap/kept");
	TCase *kinds = tcase_create("what is kept"), *changed = tcase_create("what has changed"), *others = tcase_create("what is not kept");
	TCase *room = tcase_create("who gives way"), *server = tcase_create("by the server");
	TCase *const all[] = { kinds, changed, others, room, server };

	for (size_t i = 0; i < ROWS(all); i++) {
		tcase_add_checked_fixture(all[i], up, down);
		suite_add_tcase(suite, all[i]);
	}
	tcase_add_test(kinds, what_was_added_is_found_until_something_changes);
	tcase_add_test(kinds, the_root_page_is_the_file_that_it_is);
	tcase_add_test(kinds, each_form_is_kept_for_who_takes_it);
	tcase_add_loop_test(changed, whatever_changes_makes_it_be_read_again, 0, ROWS(changes));
	tcase_add_test(changed, a_compressed_form_that_comes_later_is_seen);
	tcase_add_test(changed, a_file_of_another_owner_is_not_kept_on);
	tcase_add_test(changed, a_type_is_asked_for_again_after_a_second);
	tcase_add_test(others, what_lies_in_a_directory_is_not_kept);
	tcase_add_test(others, names_are_kept_up_to_a_length);
	tcase_add_test(others, sizes_are_kept_up_to_what_leaves_in_one_piece);
	tcase_add_test(others, what_became_shorter_before_it_was_read_is_not_kept);
	tcase_add_test(room, of_more_files_than_there_is_room_for_the_oldest_gives_way);
	tcase_add_test(room, of_more_bytes_than_there_is_room_for_none_is_mixed_up);
	tcase_add_loop_test(server, a_file_that_has_just_changed_is_not_kept, 0, 4);
	tcase_add_test(server, a_page_that_changes_is_sent_as_it_is_now);
	tcase_add_loop_test(server, a_kept_page_is_answered_like_one_that_is_read, 0, 9);
	return suite;
}
