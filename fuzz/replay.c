/*
 * Runs a harness over files and folders, without libFuzzer: the corpus as a regression test in
 * builds that have no fuzzing engine. The inputs go in by name order, each in a heap block of its
 * exact size so that a sanitizer or valgrind sees a read past the end.
 */
#include "fuzz.h"

#include <dirent.h>
#include <err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static unsigned
replay_file(const char *path)
{
	struct stat st;
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (f == NULL || fstat(fileno(f), &st) < 0)
		err(1, "%s", path);
	size = (size_t)st.st_size;
	data = malloc(size > 0 ? size : 1);
	if (data == NULL || fread(data, 1, size, f) != size)
		err(1, "%s", path);
	fclose(f);
	(void)LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

static int
is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static unsigned
replay_folder(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_input, alphasort);
	char path[PATH_MAX];
	unsigned done = 0;

	if (count < 0)
		err(1, "%s", folder);
	for (int i = 0; i < count; i++) {
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name) >=
			sizeof(path))
			errx(1, "%s/%s: the name is too long", folder, entries[i]->d_name);
		done += replay_file(path);
		free(entries[i]);
	}
	free(entries);
	return done;
}

int
main(int argc, char **argv)
{
	unsigned done = 0;

	if (LLVMFuzzerInitialize != NULL)
		(void)LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) < 0)
			err(1, "%s", argv[i]);
		done += S_ISDIR(st.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]);
	}
	if (done == 0)
		errx(1, "no inputs: a harness needs a corpus");
	printf("%u inputs replayed\n", done);
	return 0;
}
