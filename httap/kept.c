/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Small files that were sent lately. Only those of the static root itself: for a name without a directory one call, which follows no
 * link, tells whether it still stands for what was read. Below a directory it would take as many calls as opening it.
 */
#include "httap/kept.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_same(const struct file *a, const struct file *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->modified == b->modified &&
		a->changed == b->changed;
}

/* Would opening it anew find the same? */
static bool is_fresh(const struct files *files, const struct kept_file *kept)
{
	const struct variant *variant = &kept->variant;
	struct file present;

	if (!files_look(files, kept->name, "", &present) || !is_same(&present, &variant->plain))
		return false;
	bool coded = files_look(files, kept->name, FILE_GZIP_SUFFIX, &present) && present.modified >= variant->plain.modified;
	return coded == variant->coded && (!coded || is_same(&present, &variant->gzip));
}

static void ask_type(const struct files *files, struct kept_file *kept, int64_t now)
{
	kept->variant.type = files_type(files, kept->name, kept->tree_type);
	kept->typed = now;
}

const struct variant *kept_find(struct kept *kept, const struct files *files, const char *path, bool takes_gzip, int64_t now)
{
	const char *name = files_real_path(files, path);
	struct kept_file *file = kept->file, *end = file + HTTAP_KEPT_FILES;

	while (file < end && (strcmp(file->name, name) != 0 || (file->variant.coded && file->variant.zipped != takes_gzip)))
		file++;
	if (file == end)
		return NULL;
	if (!is_fresh(files, file)) {
		file->name[0] = '\0';
		return NULL;
	}
	if (now - file->typed >= HTTAP_KEPT_TYPE_US)
		ask_type(files, file, now);
	return &file->variant;
}

/* Gives up what lies there, and what is older gives way first: the bytes are filled from the start to the end, and then again. */
static size_t make_room(struct kept *kept, size_t len)
{
	size_t at = len <= HTTAP_KEPT_BYTES - kept->end ? kept->end : 0;

	kept->end = at + len;
	for (size_t i = 0; i < HTTAP_KEPT_FILES; i++)
		if (kept->file[i].at < kept->end && at < kept->file[i].at + kept->file[i].len)
			kept->file[i].name[0] = '\0';
	return at;
}

const struct variant *kept_add(
	struct kept *kept, const struct files *files, const char *path, const struct variant *variant, int64_t now)
{
	const char *name = files_real_path(files, path);
	const struct file *open = variant_file(variant);

	if (strlen(name) >= HTTAP_KEPT_NAME_SIZE || strchr(name, '/') != NULL || open->size > HTTAP_FILE_INLINE_MAX)
		return NULL;
	size_t len = (size_t)open->size, at = make_room(kept, len);
	if (pread(open->fd, kept->bytes + at, len, 0) != (ssize_t)len)
		return NULL;
	struct kept_file *file = &kept->file[kept->turn];
	kept->turn = (kept->turn + 1) % HTTAP_KEPT_FILES;
	(void)snprintf(file->name, sizeof(file->name), "%s", name);
	file->variant = *variant;
	file->variant.content = kept->bytes + at;
	file->at = at;
	file->len = len;
	ask_type(files, file, now);
	return &file->variant;
}
