/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Opens files below the static root: once, by one call that can't leave the root or follow a link, and then asks the descriptor
 * what it got. It never asks about a name and opens it later, and never tells a peer more than "there is no such file". What stands
 * beside a file for its sake, its type and its compressed form, is opened in the same way.
 */
#include "httap/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "httap/text.h"
#include "httapd_limits.h"

/* O_NONBLOCK: opening a FIFO must not wait for its writer. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* A rename during the look-up gives EAGAIN (openat2(2)); whoever renames that often may see a 404. */
#define OPEN_ATTEMPTS 4

/* None leads through a link, and none up: a target has no dot segments, but HTTAP_ROOTPAGE may (openat2(2), RESOLVE_BENEATH). */
static int open_component(int dir, const char *name, int flags)
{
	if (strcmp(name, "..") == 0) {
		errno = EXDEV;
		return -1;
	}
	return openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
}

/* For a kernel older than 5.6, or a container that hides openat2: one component after the other. */
static int open_by_components(int root, const char *path)
{
	char copy[HTTAP_TARGET_MAX + sizeof(FILE_GZIP_SUFFIX)];
	char *name = copy, *slash;
	int dir = root, fd;

	if (strlen(path) >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(copy, path, strlen(path) + 1);
	while ((slash = strchr(name, '/')) != NULL) {
		*slash = '\0';
		fd = open_component(dir, name, O_PATH | O_DIRECTORY);
		if (dir != root)
			(void)close(dir); /* only read: nothing can be lost */
		if (fd < 0)
			return -1;
		dir = fd;
		name = slash + 1;
	}
	fd = open_component(dir, name, OPEN_FLAGS);
	int saved = errno;
	if (dir != root)
		(void)close(dir);
	errno = saved;
	return fd;
}

static int open_below(int root, const char *path)
{
	struct open_how how = { .flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	long fd;
	int attempts = 0;

	do
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && ++attempts < OPEN_ATTEMPTS);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_by_components(root, path);
	return (int)fd;
}

static int status_of(int error, const char **why)
{
	if (error == EMFILE || error == ENFILE || error == ENOMEM) {
		*why = "the server is out of descriptors or memory; try again";
		return 503;
	}
	if (error == EACCES) {
		*why = "the server's user may not read that file";
		return 403;
	}
	*why = "there is no such file";
	return 404; /* links and everything else: no hint at what is there (ENOENT, ELOOP, EXDEV, ENOTDIR, ...) */
}

/* Some file systems hold years that no clock will see: those count as the last or first ones that can be reckoned with. */
static int64_t microseconds(const struct timespec *time)
{
	const int64_t most = INT64_MAX / 4 / 1000000;
	int64_t seconds = time->tv_sec;

	seconds = seconds > most ? most : seconds < -most ? -most : seconds;
	return seconds * 1000000 + time->tv_nsec / 1000;
}

/* 200 when it may be served, and what is to be known of it. */
static int judge_file(const struct files *files, const struct stat *st, struct file *file, const char **why)
{
	if (!S_ISREG(st->st_mode)) {
		*why = "there is no such file";
		return 404;
	}
	if (st->st_uid != files->owner) {
		*why = "that file does not belong to the owner of the static root";
		return 403;
	}
	*file = (struct file){
		.fd = -1,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.modified = microseconds(&st->st_mtim),
		.changed = microseconds(&st->st_ctim),
	};
	return 200;
}

static int open_file(const struct files *files, int dir, const char *path, struct file *file, const char **why)
{
	struct stat st = { 0 };
	int fd = open_below(dir, path);

	if (fd < 0)
		return status_of(errno, why);
	(void)fstat(fd, &st); /* should that fail, it is no regular file */
	int status = judge_file(files, &st, file, why);
	if (status == 200)
		file->fd = fd;
	else
		(void)close(fd);
	return status;
}

const char *files_real_path(const struct files *files, const char *path)
{
	return path[0] != '\0' ? path : files->root_page;
}

int files_find(const struct files *files, const char *path, struct file *file, const char **why)
{
	return open_file(files, files->root, files_real_path(files, path), file, why);
}

bool files_find_gzip(const struct files *files, const char *path, const struct file *plain, struct file *gzip)
{
	char name[HTTAP_TARGET_MAX + sizeof(FILE_GZIP_SUFFIX)];
	const char *why;
	int len = snprintf(name, sizeof(name), "%s" FILE_GZIP_SUFFIX, files_real_path(files, path));

	if (len >= (int)sizeof(name) || open_file(files, files->root, name, gzip, &why) != 200)
		return false;
	if (gzip->modified >= plain->modified)
		return true;
	(void)close(gzip->fd);
	return false;
}

bool files_look(const struct files *files, const char *name, const char *suffix, struct file *file)
{
	char whole[HTTAP_KEPT_NAME_SIZE + sizeof(FILE_GZIP_SUFFIX)];
	const char *why;
	struct stat st;
	int len = snprintf(whole, sizeof(whole), "%s%s", name, suffix);

	return len < (int)sizeof(whole) && fstatat(files->root, whole, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		judge_file(files, &st, file, &why) == 200;
}

/* TYPE/SUBTYPE, then parameters that can stand in a field. */
static bool is_media_type(struct span text)
{
	struct span type, subtype = text;

	if (!span_is_all(text, TEXT_VALUE))
		return false;
	(void)span_next(&text, ';', &subtype);
	subtype = span_trim(subtype);
	return span_next(&subtype, '/', &type) && subtype.len > 0 && span_is_all(subtype, TEXT_TOKEN) && type.len > 0 &&
		span_is_all(type, TEXT_TOKEN);
}

/* What the tree of types says about that file, "" when nothing that could be a type. */
static void read_type(const struct files *files, const char *path, char type[HTTAP_TYPE_SIZE])
{
	struct span text = { type, 0 };
	struct file entry;
	const char *why;

	if (files->types >= 0 && open_file(files, files->types, path, &entry, &why) == 200) {
		ssize_t n = read(entry.fd, type, HTTAP_TYPE_SIZE);
		(void)close(entry.fd);
		if (n > 0 && n < HTTAP_TYPE_SIZE)
			text.len = (size_t)n;
	}
	while (text.len > 0 && strchr(" \t\r\n", type[text.len - 1]) != NULL)
		text.len--;
	type[is_media_type(text) ? text.len : 0] = '\0';
}

const char *files_type(const struct files *files, const char *path, char type[HTTAP_TYPE_SIZE])
{
	path = files_real_path(files, path);
	read_type(files, path, type);
	return type[0] != '\0' ? type : file_type(path);
}

int files_open(struct files *files, const char *path, const char *root_page, uid_t serving_uid, struct httap_error *error)
{
	struct stat st;

	*files = (struct files){ .path = path, .root_page = root_page, .types = -1 };
	files->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (files->root < 0 || fstat(files->root, &st) < 0) {
		snprintf(error->text, sizeof(error->text),
			"can't open the static root HTTAP_STATICPATH=\"%.120s\": %s; name a directory", path, strerror(errno));
		files_close(files);
		return -1;
	}
	files->types = openat(files->root, "...", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	files->owner = st.st_uid;
	if (st.st_uid != 0 && st.st_uid != serving_uid) {
		snprintf(error->text, sizeof(error->text),
			"the static root HTTAP_STATICPATH=\"%.120s\" belongs to user %lu; it must belong to the server's user (%lu) or root",
			path, (unsigned long)st.st_uid, (unsigned long)serving_uid);
		files_close(files);
		return -1;
	}
	return 0;
}

int files_check_root_page(const struct files *files, struct httap_error *error)
{
	struct file file;
	const char *why;

	if (files_find(files, "", &file, &why) == 200) {
		(void)close(file.fd);
		return 0;
	}
	snprintf(error->text, sizeof(error->text),
		"can't serve the root page HTTAP_ROOTPAGE=\"%.60s\" in HTTAP_STATICPATH=\"%.60s\": %s", files->root_page,
		files->path, why);
	return -1;
}

void files_close(struct files *files)
{
	if (files->root >= 0)
		(void)close(files->root);
	if (files->types >= 0)
		(void)close(files->types);
	files->root = files->types = -1;
}

const char *file_type(const char *path)
{
	static const struct {
		const char *extension;
		const char *type;
	} types[] = {
		{ "html", "text/html; charset=utf-8" },
		{ "css", "text/css; charset=utf-8" },
		{ "js", "text/javascript; charset=utf-8" },
		{ "mjs", "text/javascript; charset=utf-8" },
		{ "json", "application/json" },
		{ "txt", "text/plain; charset=utf-8" },
		{ "svg", "image/svg+xml" },
		{ "png", "image/png" },
		{ "jpg", "image/jpeg" },
		{ "jpeg", "image/jpeg" },
		{ "gif", "image/gif" },
		{ "webp", "image/webp" },
		{ "ico", "image/vnd.microsoft.icon" },
		{ "webmanifest", "application/manifest+json" },
		{ "wasm", "application/wasm" },
		{ "woff2", "font/woff2" },
		{ "xml", "application/xml" },
		{ "pdf", "application/pdf" },
		{ "gz", "application/gzip" },
	};
	const char *dot = strrchr(path, '.');
	struct span extension = dot != NULL ? span_of(dot + 1) : SPAN("");

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_is_nocase(extension, types[i].extension))
			return types[i].type;
	return "application/octet-stream";
}
