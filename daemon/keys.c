/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"
#include "log.h"

#define NAME "callgate.key"
#define PATH 4200

/* 0, -ENOENT, or -EINVAL: there is something else, or others may read it. */
static int read_key(const char *path, uint8_t key[static KEYS_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), err = 0;
	uint8_t buf[KEYS_SIZE + 1];
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_mode & 0077 ||
		 read(fd, buf, sizeof(buf)) != KEYS_SIZE)
		err = -EINVAL;
	else
		memcpy(key, buf, KEYS_SIZE);
	close(fd);
	return err;
}

/* Whole or not at all: a half one would be a new one at each start. */
static int write_key(const char *path, const uint8_t key[static KEYS_SIZE])
{
	char temporary[PATH + 8];
	int fd, err = 0;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, key, KEYS_SIZE) != KEYS_SIZE || fsync(fd))
		err = errno ? -errno : -EIO;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}

int keys_load(const char *database, uint8_t key[static KEYS_SIZE], char why[static 256])
{
	const char *slash = strrchr(database, '/');
	char path[PATH];
	int err;

	snprintf(path, sizeof(path), "%.*s" NAME, slash ? (int)(slash - database) + 1 : 0,
		 database);
	err = read_key(path, key);
	if (!err)
		return 0;
	if (err != -ENOENT)
		log_warn("%s: %s: it is replaced, and calls that began before may lose their way",
			 path, err == -EINVAL ? "not a key that only callgated can read" :
			 strerror(-err));
	if (getrandom(key, KEYS_SIZE, 0) != KEYS_SIZE)
		err = -EIO;
	else
		err = write_key(path, key);
	if (err)
		snprintf(why, 256, "%.180s: %s: it must be possible to write there", path,
			 strerror(-err));
	return err;
}
