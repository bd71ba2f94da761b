/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Lists whose links are members of what is listed: nothing is allocated, and whoever is in the middle leaves at once. A list that is
 * all zero is empty.
 */
#ifndef HTTAP_LIST_H
#define HTTAP_LIST_H

#include <stddef.h>

struct link {
	struct link *before;
	struct link *after;
};

struct list {
	struct link *first;
	struct link *last;
};

/* What the link, which must be there, is a member of. */
#define LINK_OWNER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

void list_append(struct list *list, struct link *link);
void list_remove(struct list *list, struct link *link); /* which must be in it */

#endif
