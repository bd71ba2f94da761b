/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Stands before libc in a program (LD_PRELOAD) and sets its clocks off by the nanoseconds in the file CLOCKS: first that of the day,
 * then the one that only goes on. A test changes them while the program runs.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *off;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("CLOCKS");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	const void *shared = fd >= 0 ? mmap(NULL, 2 * sizeof(*off), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (shared == MAP_FAILED)
		_exit(99);
	(void)close(fd);
	off = shared;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	int result = (int)syscall(SYS_clock_gettime, clock, time);

	if (result < 0 || off == NULL || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC))
		return result;
	int64_t all = time->tv_sec * INT64_C(1000000000) + time->tv_nsec + off[clock == CLOCK_MONOTONIC];
	time->tv_sec = all / 1000000000;
	time->tv_nsec = all % 1000000000;
	return 0;
}
