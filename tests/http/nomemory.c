/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Stands before libc in a program (LD_PRELOAD) and counts what it allocates, into the file NOMEMORY_COUNT. There is no memory at the
 * allocation whose number is NOMEMORY_AT, and from then on when NOMEMORY_STAYS is set. Looking up a user is left out: without memory
 * glibc itself ends the process there (nss_database.c), which is before the daemon has opened anything.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own, under the names that stay when the others are taken. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static unsigned long counted_early, *count = &counted_early, at;
static int stays, left_out;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("NOMEMORY_COUNT"), *number = getenv("NOMEMORY_AT");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *shared = fd >= 0 ? mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (shared == MAP_FAILED)
		_exit(99);
	(void)close(fd);
	count = shared;
	stays = getenv("NOMEMORY_STAYS") != NULL;
	at = number != NULL ? strtoul(number, NULL, 10) : 0;
}

static int is_out(void)
{
	if (left_out)
		return 0;
	unsigned long n = ++*count;
	if (at == 0 || (stays ? n < at : n != at))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return is_out() ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
	return is_out() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
	return is_out() ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
	return is_out() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size)
{
	void *memory = memalign(alignment, size);

	if (memory == NULL)
		return ENOMEM;
	*result = memory;
	return 0;
}

struct passwd *getpwnam(const char *name)
{
	/* POSIX has it that dlsym() finds functions; ISO C has no such cast. */
	struct passwd *(*original)(const char *);
	*(void **)&original = dlsym(RTLD_NEXT, "getpwnam");

	left_out = 1;
	struct passwd *user = original(name);
	left_out = 0;
	return user;
}
