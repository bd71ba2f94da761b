/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Usage: fuzz-replay [CORPUS]
 * Gives each target every file of its directory in the corpus, which for make the variable CORPUS names: what a fuzzer once found
 * stays found without one. Prints TAP, a line for each target; what must always hold and does not ends the program.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

static const struct {
	const char *name;
	void (*run)(const uint8_t *bytes, size_t len);
} targets[] = {
	{ "head", fuzz_head },
	{ "body", fuzz_body },
	{ "target", fuzz_target },
	{ "range", fuzz_range },
	{ "conditions", fuzz_conditions },
	{ "date", fuzz_date },
	{ "host", fuzz_host },
	{ "token", fuzz_token },
	{ "lines", fuzz_lines },
	{ "form", fuzz_form },
	{ "server", fuzz_server },
};

#define TARGETS (sizeof(targets) / sizeof(targets[0]))

/* To be read where it stopped. */
static const char *present = "";

void fuzz_violated(const char *file, int line, const char *what)
{
	printf("not ok - %s\n# %s:%d: this does not hold: %s\n", present, file, line, what);
	fflush(stdout);
	abort();
}

/* In memory of exactly its length, so that reading beyond it is seen. */
static bool replay(const char *path, void (*run)(const uint8_t *bytes, size_t len))
{
	FILE *file = fopen(path, "rb");
	struct stat status;

	if (file == NULL || fstat(fileno(file), &status) < 0)
		return false;
	size_t len = (size_t)status.st_size;
	uint8_t *bytes = malloc(len > 0 ? len : 1);
	bool whole = bytes != NULL && fread(bytes, 1, len, file) == len;
	fclose(file);
	if (whole)
		run(bytes, len);
	free(bytes);
	return whole;
}

static bool replay_all(const char *corpus, const char *name, void (*run)(const uint8_t *bytes, size_t len), unsigned int *count)
{
	char dir[4096], path[8192];
	const struct dirent *entry;

	snprintf(dir, sizeof(dir), "%s/%s", corpus, name);
	DIR *stream = opendir(dir);
	if (stream == NULL)
		return false;
	present = path;
	bool good = true;
	while ((entry = readdir(stream)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		good = replay(path, run) && good;
		++*count;
	}
	present = "";
	closedir(stream);
	return good && *count > 0;
}

int main(int argc, char **argv)
{
	const char *corpus = argc > 1 ? argv[1] : getenv("CORPUS");
	bool all = corpus != NULL;

	if (corpus == NULL)
		fprintf(stderr, "usage: fuzz-replay CORPUS\n");
	for (size_t i = 0; corpus != NULL && i < TARGETS; i++) {
		unsigned int count = 0;
		bool good = replay_all(corpus, targets[i].name, targets[i].run, &count);
		printf("%s - fuzz: %u inputs of %s do no harm\n", good ? "ok" : "not ok", count, targets[i].name);
		all = all && good;
	}
	return all ? 0 : 1;
}
