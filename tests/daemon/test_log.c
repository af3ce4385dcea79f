/* SPDX-License-Identifier: BSD-2-Clause */
/* What log writes to standard error, read back through a pipe. */
#define _GNU_SOURCE /* pipe2 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "log.h"
#include "loop.h"
#include "t.h"
#include "timer.h"

static int pipe_fd[2];
static char text[65536];

/* Everything written since the last call. */
static const char *written(void)
{
	ssize_t n = read(pipe_fd[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static unsigned int lines(const char *s)
{
	unsigned int n = 0;

	while (*s)
		n += *s++ == '\n';
	return n;
}

static void levels(void)
{
	log_setup(LOG_LEVEL_WARN);
	log_info("an info");
	log_debug("a debug");
	log_warn("disk %d is full", 7);
	log_fatal("gone");
	T_OK(!strcmp(written(), "callgated: warning: disk 7 is full\ncallgated: fatal: gone\n"),
	     "wrote: %s", text);
	T_OK(log_wants(LOG_LEVEL_WARN) && !log_wants(LOG_LEVEL_INFO), "wants the wrong ones");
	log_setup(LOG_LEVEL_DEBUG);
	log_debug("a debug");
	T_OK(!strcmp(written(), "callgated: debug: a debug\n"), "wrote: %s", text);
	log_setup(LOG_LEVEL_INFO);
	log_debug("a debug");
	T_OK(!*written(), "wrote: %s", text);
}

static void cleaned(void)
{
	static char longest[5000];

	log_warn("from %s", "a\nb\x1b[31m\xff%s");
	T_OK(!strcmp(written(), "callgated: warning: from a?b?[31m?%s\n"), "wrote: %s", text);
	memset(longest, 'x', sizeof(longest) - 1);
	log_warn("%s", longest);
	T_OK(lines(written()) == 1 && strlen(text) <= 1025, "%zu bytes", strlen(text));
}

static void rated(void)
{
	loop_set_now(100000);
	for (int i = 0; i < 50; i++)
		log_info("peer %d", i);
	T_OK(lines(written()) == 20, "%u lines in a second", lines(text));
	log_warn("not rated");
	T_OK(lines(written()) == 1, "%u lines", lines(text));
	/* the sum comes by itself, when the second is over */
	loop_set_now(101010);
	timer_run(101010);
	T_OK(strstr(written(), "30 lines like these were left out"), "wrote: %s", text);
	for (int i = 0; i < 25; i++)
		log_info("peer %d", i);
	T_OK(lines(written()) == 20, "%u lines in the next second", lines(text));
	loop_set_now(105000);
	log_info("later");
	T_OK(lines(written()) == 2 && strstr(text, "5 lines like"), "wrote: %s", text);
	timer_run(106000);
	T_OK(!*written(), "wrote: %s", text);
}

static void journal(void)
{
	struct stat st;
	char stream[64];

	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_setup(LOG_LEVEL_INFO);
	log_warn("a disk");
	log_fatal("gone");
	T_OK(!strcmp(written(), "<4>a disk\n<2>gone\n"), "wrote: %s", text);
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_setup(LOG_LEVEL_INFO);
	log_warn("a disk");
	T_OK(!strcmp(written(), "callgated: warning: a disk\n"), "wrote: %s", text);
}

/* A reader that stands still: it is not waited for, and what was lost is told it later. */
static void full(void)
{
	char wanted[160];
	unsigned int n, all;

	log_setup(LOG_LEVEL_WARN);
	fcntl(pipe_fd[1], F_SETPIPE_SZ, 32768);
	fcntl(pipe_fd[1], F_SETFL, 0);
	alarm(10);
	for (all = 0; all < 5000; all++)
		log_warn("disk %u is full", all);
	alarm(0);
	n = lines(written());
	T_OK(n > 0 && n < all, "%u lines of %u", n, all);
	log_warn("later");
	snprintf(wanted, sizeof(wanted), "callgated: warning: %u lines were lost: nobody read "
		 "them\ncallgated: warning: later\n", all - n);
	T_OK(!strcmp(written(), wanted), "wrote: %s", text);
	log_warn("and on");
	T_OK(!strcmp(written(), "callgated: warning: and on\n"), "wrote: %s", text);
}

/* A reader that is gone. */
static void gone(void)
{
	signal(SIGPIPE, SIG_IGN);
	close(pipe_fd[0]);
	alarm(10);
	for (int i = 0; i < 1000; i++)
		log_warn("disk %d is full", i);
	alarm(0);
	T_OK(true, "it lives");
}

int main(void)
{
	int keep = dup(STDERR_FILENO);

	if (pipe2(pipe_fd, O_NONBLOCK) || dup2(pipe_fd[1], STDERR_FILENO) < 0)
		return 2;
	levels();
	cleaned();
	rated();
	journal();
	full();
	gone();
	dup2(keep, STDERR_FILENO);
	return t_end("log");
}
