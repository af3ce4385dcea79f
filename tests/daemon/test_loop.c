/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop: descriptors, signals, periods, timers, the end of a turn, one clock for all of it. */
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "loop.h"
#include "t.h"
#include "timer.h"

static struct loop *loop;
static struct loop_watch *watched;
static unsigned int reads, turns, periods, signals, late_turns;
static bool pending;	/* something happened in this turn whose end is to come */

static void at_end(void)
{
	turns++;
	pending = false;
}

static void readable(int fd, void *arg)
{
	char c;

	T_OK(arg == &reads, "another argument");
	T_OK(read(fd, &c, 1) == 1, "nothing to read");
	pending = true;
	if (++reads == 2) {
		loop_unwatch(watched);
		watched = NULL;
		loop_stop(loop);
	}
}

static void descriptors(void)
{
	int fd[2];

	T_OK(!pipe(fd), "no pipe");
	watched = loop_watch(loop, fd[0], readable, &reads);
	T_OK(write(fd[1], "ab", 2) == 2, "no room");
	T_OK(!loop_run(loop), "the loop failed");
	T_OK(reads == 2 && !watched, "%u reads", reads);
	T_OK(turns == 2 && !pending, "%u ends of turns", turns);
	close(fd[0]);
	close(fd[1]);
}

static void signalled(int signo, void *arg)
{
	(void)arg;
	T_OK(signo == SIGUSR1, "signal %d", signo);
	signals++;
	loop_stop(loop);
}

static void period(int fd, void *arg)
{
	(void)fd, (void)arg;
	if (++periods == 3)
		raise(SIGUSR1);
}

static void others(void)
{
	struct loop_watch *s = loop_signal(loop, SIGUSR1, signalled, NULL);
	struct loop_watch *p = loop_every(loop, 5, period, NULL);

	T_OK(!loop_run(loop), "the loop failed");
	T_OK(signals == 1 && periods >= 3, "%u signals, %u periods", signals, periods);
	loop_unwatch(s);
	loop_unwatch(p);
	loop_unwatch(NULL);
}

static uint64_t begun;

static void over(struct timer *t)
{
	struct timespec ts;
	uint64_t real;

	(void)t;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	real = (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
	T_OK(loop_now() >= begun + 50, "after %d ms", (int)(loop_now() - begun));
	T_OK(loop_now() <= real && real - loop_now() < 1000, "another clock");
	loop_stop(loop);
}

/* With nothing else to wait for. */
static void timers(void)
{
	struct timer t = { 0 };

	begun = loop_now();
	timer_set(&t, begun + 50, over);
	T_OK(!loop_run(loop), "the loop failed");
	T_OK(!timer_runs(&t), "it still runs");
}

int main(void)
{
	T_OK(!loop_open(&loop), "no loop");
	for (int i = 0; i < 8; i++)
		late_turns += !loop_at_turn_end(loop, at_end);
	T_OK(late_turns == 8 && loop_at_turn_end(loop, at_end) < 0, "no end to the list");
	loop_close(loop);
	T_OK(!loop_open(&loop) && !loop_at_turn_end(loop, at_end), "no loop");
	descriptors();
	others();
	timers();
	loop_close(loop);
	loop_set_now(77);
	T_OK(loop_now() == 77, "a set clock runs");
	return t_end("loop");
}
