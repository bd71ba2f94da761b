/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Small files that were sent lately, in memory. Each request asks the kernel whether the file is still the one that was read; so who
 * changes a page sees it at once, and nothing is opened, read and closed for who asks again.
 */
#ifndef HTTAP_KEPT_H
#define HTTAP_KEPT_H

#include "httap/file.h"

/* A file in the form in which it is sent: as it is, or as it stands compressed beside it. */
struct variant {
	struct file plain;
	struct file gzip;    /* only when `coded` */
	bool coded;          /* there are both, */
	bool zipped;         /* and it is the compressed one */
	const char *content; /* all its bytes; NULL: it is open and not yet read */
	const char *type;    /* NULL: not yet asked for */
};

static inline const struct file *variant_file(const struct variant *variant)
{
	return variant->zipped ? &variant->gzip : &variant->plain;
}

struct kept_file {
	char name[HTTAP_KEPT_NAME_SIZE]; /* "": there is none */
	struct variant variant;          /* nothing in it is open */
	size_t at, len;                  /* of the bytes */
	int64_t typed;                   /* when its type was asked for */
	char tree_type[HTTAP_TYPE_SIZE];
};

struct kept {
	struct kept_file file[HTTAP_KEPT_FILES];
	size_t turn; /* this one is given up for the next */
	size_t end;  /* of the bytes, behind those that were filled last */
	char bytes[HTTAP_KEPT_BYTES];
};

/* A file by its path below the root ("": the root page), for a peer who takes gzip or doesn't; NULL when it is not kept, or has changed.
 * Valid until the next call. `now` is the server's clock. */
const struct variant *kept_find(struct kept *kept, const struct files *files, const char *path, bool takes_gzip, int64_t now);

/* Reads a file that is open, and keeps it; the caller still closes it. NULL when it is none to be kept. */
const struct variant *kept_add(
	struct kept *kept, const struct files *files, const char *path, const struct variant *variant, int64_t now);

#endif
