/* SPDX-License-Identifier: BSD-2-Clause */
/* What log writes to standard error, read back through a pipe. */
#ifndef TESTS_DAEMON_SAID_H
#define TESTS_DAEMON_SAID_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"

static int said_pipe[2], said_before = -1;
static char said_text[65536];

/* From here to said_end() lines up to @level are kept. */
static inline void said_begin(enum log_level level)
{
	said_before = dup(STDERR_FILENO);
	if (pipe(said_pipe))
		abort();
	fcntl(said_pipe[0], F_SETFL, O_NONBLOCK);
	dup2(said_pipe[1], STDERR_FILENO);
	log_setup(level);
}

/* Everything since the last call; it stays in said_text. */
static inline const char *said(void)
{
	ssize_t n = read(said_pipe[0], said_text, sizeof(said_text) - 1);

	said_text[n > 0 ? n : 0] = 0;
	return said_text;
}

static inline void said_end(enum log_level level)
{
	dup2(said_before, STDERR_FILENO);
	close(said_before);
	close(said_pipe[0]);
	close(said_pipe[1]);
	log_setup(level);
}

#endif
