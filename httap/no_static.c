/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What stands in a library without files for static.c and all below it.
 */
#include <stdio.h>

#include "httap/server.h"

int static_check_root_page(const char *text, struct span *bad)
{
	*bad = span_of(text);
	return 0; /* static_open() refuses every one */
}

int static_open(struct files *files, const struct httap_config *config, struct httap_error *error)
{
	files->root = -1;
	if (config->static_path == NULL && config->root_page == NULL)
		return 0;
	snprintf(error->text, sizeof(error->text),
		"this library was built without files: leave HTTAP_STATICPATH and HTTAP_ROOTPAGE unset");
	return -1;
}

int static_check(const struct files *files, struct httap_error *error)
{
	(void)files;
	(void)error;
	return 0;
}

void static_close(struct files *files)
{
	(void)files;
}

void static_answer(struct exchange *exchange)
{
	answer_refusal(exchange, 404, "this server has no files; GET /? tells what it has");
}

bool static_send(struct conn *conn)
{
	(void)conn;
	return true; /* never called: no connection has a file */
}
