// SPDX-License-Identifier: BSD-2-Clause
/* Runs one fuzz target over files and folders, without libFuzzer. usage: replay NAME PATH... */
#include "t.h"

#include <dirent.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct t_guard guard;

static void file(const char *path)
{
	unsigned char *p;
	size_t len;

	p = t_read_file(path, &len);
	if (!p || len > 1 << 20)
		return;
	LLVMFuzzerTestOneInput(t_guard_put(&guard, p, len), len);
	t_passed++;
	free(p);
}

static void folder(const char *path)
{
	struct dirent *e;
	char name[4096];
	DIR *d = opendir(path);

	if (!d)
		return;
	while ((e = readdir(d)) != NULL) {
		struct stat st;

		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (e->d_name[0] != '.' && !stat(name, &st) && S_ISREG(st.st_mode))
			file(name);
	}
	closedir(d);
}

int main(int argc, char **argv)
{
	int i;

	t_guard_init(&guard, 1 << 20);
	for (i = 2; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st))
			continue;
		if (S_ISDIR(st.st_mode))
			folder(argv[i]);
		else
			file(argv[i]);
	}
	return t_end(argc > 1 ? argv[1] : "replay");
}
