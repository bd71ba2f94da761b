/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/file.c on a tree of real files, links and pipes: what a target gets, with openat2(2) and without, and that nothing
 * outside the root is ever opened. Rows that need another user's files are skipped, and say so, when not run by root.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "httap/file.h"
#include "httap/target.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

#define NOBODY 65534

/* --- The tree ----------------------------------------------------------------------------------------------------- */

static char top[64], root[80];

static void make(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	ck_assert_msg(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, "%s: %s", path, strerror(errno));
}

static void check_made(int result, const char *path)
{
	ck_assert_msg(result == 0, "%s: %s", path, strerror(errno));
}

static void make_tree(void)
{
	static const char *const dirs[] = { "../outside", "sub", "sub/deep", "dir.html", "..." };
	static const struct {
		const char *path;
		const char *text;
	} files[] = {
		{ "index.html", "<!doctype html>" },
		{ "empty.txt", "" },
		{ "sub/deep/a.css", "a{}" },
		{ "a+b.txt", "plus" },
		{ "a b.txt", "space" },
		{ "\303\251.txt", "accent" },
		{ "%2e%2e", "percent" },
		{ "NOTE.TXT", "capitals" },
		{ "none", "none" },
		{ ".hidden.txt", "hidden" },
		{ ".../index.html", "text/x-page" },
		{ "../outside/secret.txt", "secret" },
		{ "../secret.txt", "secret" },
		{ "unreadable.txt", "unreadable" },
		{ "foreign.txt", "foreign" },
	};
	static const char *const links[][2] = {
		{ "/etc/passwd", "abs.txt" },
		{ "../secret.txt", "up.txt" },
		{ "index.html", "rel.html" },
		{ "loop.html", "loop.html" },
		{ "nothing", "dangling.html" },
		{ "sub", "dirlink" },
		{ "../outside", "outlink" },
		{ "/proc/self/cwd", "magic" },
		{ "/", "slash" },
	};

	snprintf(top, sizeof(top), "/tmp/httap-file-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	snprintf(root, sizeof(root), "%s/root", top);
	check_made(mkdir(root, 0755), root);
	check_made(chmod(top, 0755), top);
	check_made(chdir(root), root);
	for (int i = 0; i < ROWS(dirs); i++)
		check_made(mkdir(dirs[i], 0755), dirs[i]);
	for (int i = 0; i < ROWS(files); i++)
		make(files[i].path, files[i].text);
	for (int i = 0; i < ROWS(links); i++)
		check_made(symlink(links[i][0], links[i][1]), links[i][1]);
	check_made(mkfifo("fifo.txt", 0644), "fifo.txt");
	check_made(chmod("unreadable.txt", 0), "unreadable.txt");
	if (geteuid() == 0)
		check_made(chown("foreign.txt", NOBODY, NOBODY), "foreign.txt");
	check_made(chdir("/"), "/");
}

static void remove_tree(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	ck_assert_int_eq(system(command), 0);
}

static void open_tree(struct files *files)
{
	struct httap_error error = { "" };

	ck_assert_msg(files_open(files, root, "index.html", geteuid(), &error) == 0, "%s", error.text);
}

/* --- What a target gets ------------------------------------------------------------------------------------------- */

enum as { ANYBODY, UNPRIVILEGED, ONLY_ROOT };

static const struct file_row {
	const char *target;
	int status;
	const char *text; /* of the file, with 200 */
	const char *type;
	enum as as;
} file_rows[] = {
	{ "/", 200, "<!doctype html>", "text/x-page", ANYBODY },
	{ "/index.html", 200, "<!doctype html>", "text/x-page", ANYBODY },
	{ "/index.html?a=b", 200, "<!doctype html>", "text/x-page", ANYBODY },
	{ "/empty.txt", 200, "", "text/plain; charset=utf-8", ANYBODY },
	{ "/sub/deep/a.css", 200, "a{}", "text/css; charset=utf-8", ANYBODY },
	{ "/a+b.txt", 200, "plus", "text/plain; charset=utf-8", ANYBODY },
	{ "/a%20b.txt", 200, "space", "text/plain; charset=utf-8", ANYBODY },
	{ "/%C3%A9.txt", 200, "accent", "text/plain; charset=utf-8", ANYBODY },
	{ "/%252e%252e", 200, "percent", "application/octet-stream", ANYBODY },
	{ "/NOTE.TXT", 200, "capitals", "text/plain; charset=utf-8", ANYBODY },
	{ "/none", 200, "none", "application/octet-stream", ANYBODY },
	/* not there */
	{ "/missing.html", 404, NULL, NULL, ANYBODY },
	{ "/INDEX.html", 404, NULL, NULL, ANYBODY },
	{ "/missing/index.html", 404, NULL, NULL, ANYBODY },
	{ "/index.html/a", 404, NULL, NULL, ANYBODY },
	{ "/index.html/", 404, NULL, NULL, ANYBODY },
	{ "/%5cindex.html", 404, NULL, NULL, ANYBODY },
	/* directories */
	{ "/sub", 404, NULL, NULL, ANYBODY },
	{ "/sub/", 404, NULL, NULL, ANYBODY },
	{ "/sub/deep", 404, NULL, NULL, ANYBODY },
	{ "/dir.html", 404, NULL, NULL, ANYBODY },
	/* links */
	{ "/abs.txt", 404, NULL, NULL, ANYBODY },
	{ "/up.txt", 404, NULL, NULL, ANYBODY },
	{ "/rel.html", 404, NULL, NULL, ANYBODY },
	{ "/loop.html", 404, NULL, NULL, ANYBODY },
	{ "/dangling.html", 404, NULL, NULL, ANYBODY },
	{ "/dirlink", 404, NULL, NULL, ANYBODY },
	{ "/dirlink/deep/a.css", 404, NULL, NULL, ANYBODY },
	{ "/outlink/secret.txt", 404, NULL, NULL, ANYBODY },
	{ "/magic/index.html", 404, NULL, NULL, ANYBODY },
	{ "/slash/etc/passwd", 404, NULL, NULL, ANYBODY },
	/* ways out, and hidden names */
	{ "/../secret.txt", 400, NULL, NULL, ANYBODY },
	{ "/%2e%2e/secret.txt", 400, NULL, NULL, ANYBODY },
	{ "/sub/../../secret.txt", 400, NULL, NULL, ANYBODY },
	{ "//etc/passwd", 404, NULL, NULL, ANYBODY },
	{ "/%2fetc/passwd", 400, NULL, NULL, ANYBODY },
	{ "/.hidden.txt", 404, NULL, NULL, ANYBODY },
	{ "/%2ehidden.txt", 404, NULL, NULL, ANYBODY },
	{ "/.../index.html", 400, NULL, NULL, ANYBODY },
	/* what is no plain file: opening a pipe must not wait for its writer */
	{ "/fifo.txt", 404, NULL, NULL, ANYBODY },
	/* other people's files, and unreadable ones */
	{ "/unreadable.txt", 403, NULL, NULL, UNPRIVILEGED },
	{ "/foreign.txt", 403, NULL, NULL, ONLY_ROOT },
};

/* What came of it, in memory that a child shares with the test. */
struct outcome {
	int status;
	bool reason;
	uint64_t size;
	char type[64];
	char text[64];
	bool close_on_exec;
	bool leak; /* a descriptor is left open */
};

static int lowest_free_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void take_file(struct outcome *outcome, const struct files *files, const char *path, const struct file *file)
{
	char type[HTTAP_TYPE_SIZE];
	ssize_t n = read(file->fd, outcome->text, sizeof(outcome->text) - 1);

	outcome->text[n > 0 ? n : 0] = '\0';
	outcome->size = file->size;
	outcome->close_on_exec = (fcntl(file->fd, F_GETFD) & FD_CLOEXEC) != 0;
	snprintf(outcome->type, sizeof(outcome->type), "%s", files_type(files, path, type));
	close(file->fd);
}

/* As a request goes: the target is judged, then its file is opened. */
static void get(struct outcome *outcome, const struct files *files, const char *raw)
{
	struct request request = { .method = METHOD_GET, .minor = 1, .target = span_of(raw) };
	static struct target target;
	const char *why = NULL;
	struct file file;
	int free_before = lowest_free_descriptor();

	memset(outcome, 0, sizeof(*outcome));
	outcome->status = target_parse(&target, &request, &why);
	if (outcome->status == 0)
		outcome->status = files_find(files, target.text, &file, &why);
	outcome->reason = why != NULL && why[0] != '\0';
	if (outcome->status == 200)
		take_file(outcome, files, target.text, &file);
	outcome->leak = lowest_free_descriptor() != free_before;
}

static void check_outcome(const struct file_row *row, const struct outcome *outcome)
{
	ck_assert_msg(outcome->status == row->status, "GET %s is %d and not %d", row->target, outcome->status, row->status);
	ck_assert_msg(!outcome->leak, "GET %s leaves a descriptor open", row->target);
	if (row->status != 200) {
		ck_assert_msg(outcome->reason, "GET %s is %d without a reason", row->target, outcome->status);
		return;
	}
	ck_assert_msg(strcmp(outcome->text, row->text) == 0, "GET %s reads \"%s\"", row->target, outcome->text);
	ck_assert_msg(
		outcome->size == strlen(row->text), "GET %s has %llu bytes", row->target, (unsigned long long)outcome->size);
	ck_assert_msg(strcmp(outcome->type, row->type) == 0, "GET %s is %s", row->target, outcome->type);
	ck_assert_msg(outcome->close_on_exec, "GET %s: a child would inherit the file", row->target);
}

static bool skipped(enum as as, const char *what)
{
	if (as != ONLY_ROOT || geteuid() == 0)
		return false;
	printf("# skipped, needs root: %s\n", what);
	return true;
}

static void get_as(struct outcome *outcome, const struct files *files, const struct file_row *row)
{
	bool step_down = row->as == UNPRIVILEGED && geteuid() == 0;

	ck_assert(!step_down || seteuid(NOBODY) == 0);
	get(outcome, files, row->target);
	ck_assert(!step_down || seteuid(0) == 0);
}

START_TEST(a_target_gets_its_file_or_nothing)
{
	const struct file_row *row = &file_rows[_i];
	struct files files;
	struct outcome outcome;

	if (skipped(row->as, row->target))
		return;
	open_tree(&files);
	get_as(&outcome, &files, row);
	files_close(&files);
	check_outcome(row, &outcome);
}
END_TEST

/* What openat2(2) fails with; 0: it is as the kernel has it. All calls of syscall(2) come through here (--wrap of ld(1)). */
static int openat2_error;

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_syscall(long number, ...)
{
	long argument[5]; /* no call of ours has more, and these are in registers */
	va_list list;

	if (number == SYS_openat2 && openat2_error != 0) {
		errno = openat2_error;
		return -1;
	}
	va_start(list, number);
	for (size_t i = 0; i < ROWS(argument); i++)
		argument[i] = va_arg(list, long);
	va_end(list);
	return __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4]);
}

/* As on a kernel before 5.6, or in a container whose filter does not know the call. */
static void get_without_openat2(struct outcome *outcome, const struct files *files, const struct file_row *row, int error)
{
	openat2_error = error;
	ck_assert(syscall(SYS_openat2, -1, "", NULL, 0) == -1 && errno == error);
	get_as(outcome, files, row);
	openat2_error = 0;
}

START_TEST(a_target_gets_the_same_where_openat2_is_missing)
{
	static const int errors[] = { ENOSYS, EPERM };
	const struct file_row *row = &file_rows[_i];
	struct files files;
	struct outcome outcome;

	if (skipped(row->as, row->target))
		return;
	open_tree(&files);
	for (int i = 0; i < ROWS(errors); i++) {
		get_without_openat2(&outcome, &files, row, errors[i]);
		check_outcome(row, &outcome);
	}
	files_close(&files);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_not_there)
{
	struct files files;
	struct outcome outcome;
	char raw[HTTAP_TARGET_MAX + 1];
	const struct file_row row = { raw, 404, NULL, NULL, ANYBODY };

	memset(raw, 'a', sizeof(raw) - 1);
	raw[sizeof(raw) - 1] = '\0';
	for (size_t i = 0; i < sizeof(raw) - 1; i += (size_t)_i)
		raw[i] = '/';
	open_tree(&files);
	get(&outcome, &files, raw);
	check_outcome(&row, &outcome);
	get_without_openat2(&outcome, &files, &row, ENOSYS);
	check_outcome(&row, &outcome);
	files_close(&files);
}
END_TEST

START_TEST(a_server_without_descriptors_says_that_it_is_busy)
{
	struct files files;
	struct file file;
	const char *why = NULL;
	struct rlimit before, none;

	open_tree(&files);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ (rlim_t)lowest_free_descriptor(), before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int status = files_find(&files, "index.html", &file, &why);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	files_close(&files);
	ck_assert_int_eq(status, 503);
}
END_TEST

/* --- The root ----------------------------------------------------------------------------------------------------- */

START_TEST(a_file_of_root_in_another_users_tree_is_refused)
{
	struct files files;
	struct file file;
	const char *why;
	struct httap_error error;

	if (skipped(ONLY_ROOT, "a file of root in another user's tree"))
		return;
	check_made(chown(root, NOBODY, NOBODY), root);
	int opened = files_open(&files, root, "index.html", NOBODY, &error);
	int own = files_find(&files, "foreign.txt", &file, &why);
	close(file.fd);
	int of_root = files_find(&files, "index.html", &file, &why);
	files_close(&files);
	check_made(chown(root, 0, 0), root);
	ck_assert_int_eq(opened, 0);
	ck_assert_int_eq(own, 200);
	ck_assert_int_eq(of_root, 403);
}
END_TEST

static void check_sentence(const struct httap_error *error, const char *path)
{
	ck_assert_msg(
		strstr(error->text, "HTTAP_STATICPATH") != NULL && strstr(error->text, path) != NULL, "\"%s\"", error->text);
	ck_assert_msg(strchr(error->text, '\n') == NULL, "\"%s\" is more than a sentence", error->text);
}

START_TEST(a_tree_of_a_third_user_is_refused)
{
	struct files files;
	struct httap_error error = { "" };
	uid_t owner = geteuid() == 0 ? NOBODY : geteuid();

	if (geteuid() == 0)
		check_made(chown(root, owner, owner), root);
	int opened = files_open(&files, root, "index.html", owner - 1, &error);
	if (geteuid() == 0)
		check_made(chown(root, 0, 0), root);
	ck_assert_int_eq(opened, -1);
	ck_assert_int_eq(files.root, -1);
	check_sentence(&error, root);
}
END_TEST

START_TEST(a_tree_of_root_may_be_served_by_anybody)
{
	struct files files;
	struct httap_error error = { "" };

	ck_assert_msg(files_open(&files, "/", "index.html", NOBODY, &error) == 0, "%s", error.text);
	ck_assert_uint_eq(files.owner, 0);
	ck_assert_int_ne(fcntl(files.root, F_GETFD) & FD_CLOEXEC, 0);
	files_close(&files);
	ck_assert_int_eq(files.root, -1);
	files_close(&files);
}
END_TEST

START_TEST(a_root_that_is_no_directory_is_refused)
{
	static const char *const names[] = { "missing", "index.html", "fifo.txt", "loop.html", "index.html/a" };
	char path[128];
	struct files files;
	struct httap_error error = { "" };

	snprintf(path, sizeof(path), "%s/%s", root, names[_i]);
	int free_before = lowest_free_descriptor();
	ck_assert_int_eq(files_open(&files, path, "index.html", geteuid(), &error), -1);
	ck_assert_int_eq(files.root, -1);
	ck_assert_int_eq(lowest_free_descriptor(), free_before);
	check_sentence(&error, path);
}
END_TEST

static const struct page_row {
	const char *page;
	int result;
} page_rows[] = {
	{ "index.html", 0 },
	{ "sub/deep/a.css", 0 },
	{ "empty.txt", 0 },
	{ "missing.html", -1 },
	{ "sub", -1 },
	{ "rel.html", -1 },
	{ "up.txt", -1 },
	{ "fifo.txt", -1 },
	{ "../secret.txt", -1 },
	{ "/etc/passwd", -1 },
};

/* _i: the row, and whether openat2 is missing. */
START_TEST(a_root_page_must_be_a_file_that_can_be_served)
{
	const struct page_row *row = &page_rows[_i / 2];
	struct files files;
	struct httap_error error = { "" };

	open_tree(&files);
	files.root_page = row->page;
	int free_before = lowest_free_descriptor();
	openat2_error = _i % 2 != 0 ? ENOSYS : 0;
	int result = files_check_root_page(&files, &error);
	openat2_error = 0;
	int free_after = lowest_free_descriptor();
	files_close(&files);
	ck_assert_msg(result == row->result, "%s is %d", row->page, result);
	ck_assert_int_eq(free_after, free_before);
	if (result < 0) {
		ck_assert_msg(
			strstr(error.text, "HTTAP_ROOTPAGE") != NULL && strstr(error.text, row->page) != NULL, "%s", error.text);
		check_sentence(&error, root);
	}
}
END_TEST

/* Longer than any target, which httapd_limits.h ends. */
START_TEST(a_root_page_with_a_path_that_is_too_long_is_refused)
{
	static char page[HTTAP_TARGET_MAX + 100];
	struct files files;
	struct httap_error error = { "" };

	memset(page, 'a', sizeof(page) - 1);
	open_tree(&files);
	files.root_page = page;
	openat2_error = _i != 0 ? ENOSYS : 0;
	ck_assert_int_eq(files_check_root_page(&files, &error), -1);
	openat2_error = 0;
	files_close(&files);
	ck_assert_ptr_nonnull(strstr(error.text, "HTTAP_ROOTPAGE=\"aaaa"));
}
END_TEST

/* openat2(2) says EAGAIN when something was renamed meanwhile: after some attempts it is not there. */
START_TEST(a_look_up_that_a_rename_always_disturbs_ends)
{
	struct files files;
	struct file file;
	const char *why;

	open_tree(&files);
	openat2_error = EAGAIN;
	int status = files_find(&files, "index.html", &file, &why);
	openat2_error = 0;
	ck_assert_int_eq(status, 404);
	ck_assert_int_eq(files_find(&files, "index.html", &file, &why), 200);
	ck_assert_int_eq(close(file.fd), 0);
	files_close(&files);
}
END_TEST

/* --- Types -------------------------------------------------------------------------------------------------------- */

static const struct type_row {
	const char *path;
	const char *type;
} type_rows[] = {
	{ "a.html", "text/html; charset=utf-8" },
	{ "a.css", "text/css; charset=utf-8" },
	{ "a.js", "text/javascript; charset=utf-8" },
	{ "a.mjs", "text/javascript; charset=utf-8" },
	{ "a.json", "application/json" },
	{ "a.txt", "text/plain; charset=utf-8" },
	{ "a.svg", "image/svg+xml" },
	{ "a.png", "image/png" },
	{ "a.jpg", "image/jpeg" },
	{ "a.jpeg", "image/jpeg" },
	{ "a.gif", "image/gif" },
	{ "a.webp", "image/webp" },
	{ "a.ico", "image/vnd.microsoft.icon" },
	{ "a.webmanifest", "application/manifest+json" },
	{ "a.wasm", "application/wasm" },
	{ "a.woff2", "font/woff2" },
	{ "a.xml", "application/xml" },
	{ "a.pdf", "application/pdf" },
	{ "sub/b.c/a.html", "text/html; charset=utf-8" },
	{ "a.html.css", "text/css; charset=utf-8" },
	{ "a b.html", "text/html; charset=utf-8" },
	{ "a", "application/octet-stream" },
	{ "html", "application/octet-stream" },
	{ "a.", "application/octet-stream" },
	{ "a.htm5", "application/octet-stream" },
	{ "a.htmlx", "application/octet-stream" },
	{ "a.html ", "application/octet-stream" },
	{ "a.css/html", "application/octet-stream" },
	{ "a.css/b", "application/octet-stream" },
	{ "a.gz", "application/gzip" },
	{ "a.tgz", "application/octet-stream" },
	{ "", "application/octet-stream" },
};

START_TEST(a_type_is_that_of_the_extension_in_any_case)
{
	const struct type_row *row = &type_rows[_i];
	char upper[32] = "", mixed[32] = "";

	for (size_t i = 0; row->path[i] != '\0'; i++) {
		upper[i] = (char)toupper((unsigned char)row->path[i]);
		mixed[i] = i % 2 == 0 ? upper[i] : row->path[i];
	}
	ck_assert_str_eq(file_type(row->path), row->type);
	ck_assert_str_eq(file_type(upper), row->type);
	ck_assert_str_eq(file_type(mixed), row->type);
}
END_TEST

Suite *httap_file_suite(void)
{
	Suite *suite = suite_create("httap/file");
	TCase *targets = tcase_create("targets"), *roots = tcase_create("roots"), *types = tcase_create("types");

	tcase_add_unchecked_fixture(targets, make_tree, remove_tree);
	tcase_add_loop_test(targets, a_target_gets_its_file_or_nothing, 0, ROWS(file_rows));
	tcase_add_loop_test(targets, a_target_gets_the_same_where_openat2_is_missing, 0, ROWS(file_rows));
	tcase_add_loop_test(targets, a_path_that_is_too_long_is_not_there, 2, 5);
	tcase_add_test(targets, a_server_without_descriptors_says_that_it_is_busy);
	suite_add_tcase(suite, targets);

	tcase_add_unchecked_fixture(roots, make_tree, remove_tree);
	tcase_add_test(roots, a_file_of_root_in_another_users_tree_is_refused);
	tcase_add_test(roots, a_tree_of_a_third_user_is_refused);
	tcase_add_test(roots, a_tree_of_root_may_be_served_by_anybody);
	tcase_add_loop_test(roots, a_root_that_is_no_directory_is_refused, 0, 5);
	tcase_add_loop_test(roots, a_root_page_must_be_a_file_that_can_be_served, 0, 2 * ROWS(page_rows));
	tcase_add_test(roots, a_look_up_that_a_rename_always_disturbs_ends);
	tcase_add_loop_test(roots, a_root_page_with_a_path_that_is_too_long_is_refused, 0, 2);
	suite_add_tcase(suite, roots);

	tcase_add_loop_test(types, a_type_is_that_of_the_extension_in_any_case, 0, ROWS(type_rows));
	suite_add_tcase(suite, types);
	return suite;
}
