/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Lists whose links are members of what is listed.
 */
#include "httap/list.h"

void list_append(struct list *list, struct link *link)
{
	link->after = NULL;
	link->before = list->last;
	if (list->last != NULL)
		list->last->after = link;
	else
		list->first = link;
	list->last = link;
}

void list_remove(struct list *list, struct link *link)
{
	if (link->before != NULL)
		link->before->after = link->after;
	else
		list->first = link->after;
	if (link->after != NULL)
		link->after->before = link->before;
	else
		list->last = link->before;
}
