/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What stands in a library without files for static.c and all below it.
 */
#include <stdio.h>

#include "httap/server.h"

bool static_is_root_page(const char *text)
{
	(void)text;
	return true; /* static_open() refuses every one */
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

void static_close(struct files *files)
{
	(void)files;
}

void static_answer(struct exchange *exchange)
{
	answer_refusal(exchange, 404, "this server has no files; GET /? tells what it has");
}

/* Without files nobody asks for the time of day: such a server has no clock (RFC 9110 section 6.6.1). */
struct span static_date(struct httap_server *server)
{
	(void)server;
	return SPAN("");
}

bool static_step(struct conn *conn)
{
	(void)conn;
	return false; /* never called: no connection has a file */
}

int httap_check_root_page(const struct httap *httap, struct httap_error *error)
{
	(void)httap;
	(void)error;
	return 0;
}

int httap_static_fd(const struct httap *httap)
{
	(void)httap;
	return -1;
}
