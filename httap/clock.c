/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The one place where time enters. Everything else takes it as a number, so that tests can have a clock of their own.
 */
#include <time.h>

#include "httap/server.h"

int64_t clock_monotonic(void *context)
{
	struct timespec now;

	(void)context;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail: the clock exists and the pointer is good */
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall(void *context)
{
	struct timespec now;

	(void)context;
	(void)clock_gettime(CLOCK_REALTIME, &now); /* likewise */
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
