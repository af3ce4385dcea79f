/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "text.h"
#include "timer.h"

#define LINE 1024
#define RATE_LINES 20
#define RATE_MS 1000

static enum log_level shown = LOG_LEVEL_INFO;
static bool journal;

/* The journal's levels, and the words for whoever reads plain lines. */
static const struct {
	const char *tag, *words;
} kinds[] = {
	[LOG_LEVEL_FATAL] = { "<2>", "callgated: fatal: " },
	[LOG_LEVEL_WARN] = { "<4>", "callgated: warning: " },
	[LOG_LEVEL_INFO] = { "<6>", "callgated: " },
	[LOG_LEVEL_DEBUG] = { "<7>", "callgated: debug: " },
};

/* $JOURNAL_STREAM names the device and inode of the stream that systemd gave (systemd.exec(5)). */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char mine[64];

	if (!stream || fstat(STDERR_FILENO, &st))
		return false;
	snprintf(mine, sizeof(mine), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	return !strcmp(stream, mine);
}

void log_setup(enum log_level level)
{
	shown = level;
	journal = is_journal();
}

bool log_wants(enum log_level level)
{
	return level <= shown;
}

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static unsigned long lost;

/*
 * A pipe with room has it for more than a line. Without room whoever reads stands still (a logger
 * that hangs, a terminal that is halted): calls must not wait for it.
 */
static bool room(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) != 0;
}

static bool written(const char *line, int n)
{
	return room() && write(STDERR_FILENO, line, (size_t)n) == n;
}

static void write_line(const char *line, int n)
{
	char note[128];

	pthread_mutex_lock(&turn);
	if (lost && written(note, snprintf(note, sizeof(note), "%s%lu lines were lost: nobody "
					   "read them\n", journal ? kinds[LOG_LEVEL_WARN].tag :
					   kinds[LOG_LEVEL_WARN].words, lost)))
		lost = 0;
	if (!written(line, n))
		lost++;
	pthread_mutex_unlock(&turn);
}

/* One write for each line: lines of two threads do not mix. */
__attribute__((format(printf, 2, 0)))
static void put(enum log_level level, const char *format, va_list ap)
{
	char line[LINE + 1];
	int n, head = snprintf(line, LINE, "%s",
			       journal ? kinds[level].tag : kinds[level].words);

	n = vsnprintf(line + head, (size_t)(LINE - head), format, ap);
	if (n < 0)
		return;
	text_clean(line + head);
	n = (int)strlen(line);
	line[n++] = '\n';
	write_line(line, n);
}

/* ---- what peers cause is rated ---- */

static struct {
	struct timer timer;	/* the end of this second, when lines were left out */
	uint64_t begin;
	uint64_t left_out;
	unsigned int lines;
} rate;

__attribute__((format(printf, 1, 2)))
static void put_info(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put(LOG_LEVEL_INFO, format, ap);
	va_end(ap);
}

static void next_second(uint64_t now)
{
	timer_stop(&rate.timer);
	if (rate.left_out)
		put_info("%llu lines like these were left out",
			 (unsigned long long)rate.left_out);
	rate.begin = now;
	rate.left_out = 0;
	rate.lines = 0;
}

static void second_over(struct timer *t)
{
	(void)t;
	next_second(loop_now());
}

static bool rated(void)
{
	uint64_t now = loop_now();

	if (now < rate.begin || now - rate.begin >= RATE_MS)
		next_second(now);
	if (rate.lines < RATE_LINES) {
		rate.lines++;
		return true;
	}
	if (!rate.left_out++)
		timer_set(&rate.timer, rate.begin + RATE_MS, second_over);
	return false;
}

/* ---- levels ---- */

void log_fatal(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	put(LOG_LEVEL_FATAL, format, ap);
	va_end(ap);
}

void log_warn(const char *format, ...)
{
	va_list ap;

	if (!log_wants(LOG_LEVEL_WARN))
		return;
	va_start(ap, format);
	put(LOG_LEVEL_WARN, format, ap);
	va_end(ap);
}

void log_info(const char *format, ...)
{
	va_list ap;

	if (!log_wants(LOG_LEVEL_INFO) || !rated())
		return;
	va_start(ap, format);
	put(LOG_LEVEL_INFO, format, ap);
	va_end(ap);
}

void log_debug(const char *format, ...)
{
	va_list ap;

	if (!log_wants(LOG_LEVEL_DEBUG))
		return;
	va_start(ap, format);
	put(LOG_LEVEL_DEBUG, format, ap);
	va_end(ap);
}
