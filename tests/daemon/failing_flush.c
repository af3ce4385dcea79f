/* SPDX-License-Identifier: BSD-2-Clause */
/* fsync() and fdatasync() fail while the file $FLUSH_FAILS is there: for LD_PRELOAD. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int flush(long number, int fd)
{
	const char *file = getenv("FLUSH_FAILS");

	if (file && !access(file, F_OK)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(number, fd);
}

int fsync(int fd)
{
	return flush(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return flush(SYS_fdatasync, fd);
}
