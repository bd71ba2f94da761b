/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Files below the static root.
 */
#ifndef HTTAP_FILE_H
#define HTTAP_FILE_H

#include <sys/types.h>

#include "httap/httap.h"
#include "httapd_limits.h"

struct files {
	int root;  /* O_PATH descriptor; -1: not open */
	int types; /* likewise, of the tree of types; -1: there is none */
	uid_t owner;
	const char *path; /* as it was configured, for messages */
	const char *root_page;
};

/* What stands compressed beside a file has its name and this. */
#define FILE_GZIP_SUFFIX ".gz"

struct file {
	int fd; /* the caller closes it; -1: it is not open */
	dev_t dev;
	ino_t ino;
	uint64_t size;
	int64_t modified; /* microseconds since 1970: its bytes, */
	int64_t changed;  /* and anything about it */
};

/* Opens the static root, which must belong to `serving_uid` or root, and remembers its owner. 0, or -1 with the error. */
int files_open(struct files *files, const char *path, const char *root_page, uid_t serving_uid, struct httap_error *error);
void files_close(struct files *files);

/* 0 when the root page can be served by the present user, else -1 with the error. */
int files_check_root_page(const struct files *files, struct httap_error *error);

/* Opens a file by its path below the root, "" for the root page; the path was judged by target_parse(). 200 and `file` filled in,
 * or the status to refuse with and `*why`. */
int files_find(const struct files *files, const char *path, struct file *file, const char **why);

/* Opens FILE.gz beside the file, when there is one that is not older. */
bool files_find_gzip(const struct files *files, const char *path, const struct file *plain, struct file *gzip);

/* What a name with that suffix in the static root itself stands for now, if that is a file which may be served. Nothing is opened, and no
 * link is followed. The name must have no slash. */
bool files_look(const struct files *files, const char *name, const char *suffix, struct file *file);

const char *files_real_path(const struct files *files, const char *path); /* the root page's for "" */

/* The media type of a file that was found: what the tree says, for which `type` has room; else by its name. Never NULL. */
const char *files_type(const struct files *files, const char *path, char type[HTTAP_TYPE_SIZE]);

/* The media type for a file's name, by its extension. Never NULL. */
const char *file_type(const char *path);

#endif
