/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE	/* posix_spawn_file_actions_addclosefrom_np */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "push.h"
#include "push_phone.h"
#include "timer.h"

#define SAY_MS 60000		/* between two lines about programs that fail */
#define REAP_MS 100		/* after a kill */
#define ENVIRONMENT 6
#define PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct run {
	struct timer timer;
	struct loop_watch *watch;
	pid_t pid;		/* and its process group; 0: not in use */
	int fd;			/* its pidfd, or -1 */
	bool killed;
	push_done_fn *done;
	void *arg;
};

static struct run runs[PUSH_RUNS];
static struct loop *loop;
static struct {
	uint64_t until;
	unsigned int left_out;
} said;

/* ---- what goes wrong ---- */

/* A line a minute: callers decide how often it happens. */
static void complain(const char *what, const char *more)
{
	if (loop_now() < said.until) {
		said.left_out++;
		return;
	}
	log_warn("push-command: %s%s: no phone was woken: try it by hand, as callgate.conf(5) says; "
		 "left out since the last such line: %u", what, more, said.left_out);
	said.until = loop_now() + SAY_MS;
	said.left_out = 0;
}

static void complain_end(const siginfo_t *how, bool killed)
{
	char what[80];

	if (killed)
		snprintf(what, sizeof(what), "took more than %d seconds", PUSH_MS / 1000);
	else
		snprintf(what, sizeof(what), "ended with %s %d",
			 how->si_code == CLD_EXITED ? "status" : "signal", how->si_status);
	complain(what, "");
}

/* ---- the end of one ---- */

static void free_run(struct run *r)
{
	timer_stop(&r->timer);
	loop_unwatch(r->watch);
	if (r->fd >= 0)
		close(r->fd);
	*r = (struct run){ .fd = -1 };
}

/* False: it has not ended. One that is no child of ours any more has, and nobody knows how. */
static bool reap(struct run *r)
{
	siginfo_t how = { 0 };
	push_done_fn *done = r->done;
	void *arg = r->arg;
	bool good;

	if (waitid(P_PID, (id_t)r->pid, &how, WEXITED | WNOHANG) ? errno != ECHILD : !how.si_pid)
		return false;
	good = how.si_code == CLD_EXITED && !how.si_status;
	if (!good)
		complain_end(&how, r->killed);
	free_run(r);
	done(good, arg);
	return true;
}

static void on_end(int fd, void *arg)
{
	(void)fd;
	reap(arg);
}

/* With its children. Until it is reaped, its number is nobody else's. */
static void overdue(struct timer *t)
{
	struct run *r = (struct run *)((char *)t - offsetof(struct run, timer));

	r->killed = true;
	kill(-r->pid, SIGKILL);
	if (!reap(r))
		timer_set(&r->timer, loop_now() + REAP_MS, overdue);
}

/* ---- the beginning ---- */

struct words_of {
	char *argv[7];
	char *env[ENVIRONMENT + 1];
};

static void free_words(struct words_of *w)
{
	for (size_t i = 0; i < ENVIRONMENT; i++)
		free(w->env[i]);
}

static char *variable(const char *name, const char *value)
{
	size_t len = strlen(name) + strlen(value) + 2;
	char *s = malloc(len);

	if (s)
		snprintf(s, len, "%s=%s", name, value);
	return s;
}

static int make_words(const struct push *p, struct words_of *w)
{
	const char *const values[] = { p->phone->provider, p->phone->prid, p->phone->param, p->aor,
				       p->reason };
	static const char *const names[] = {
		"CALLGATE_PN_PROVIDER", "CALLGATE_PN_PRID", "CALLGATE_PN_PARAM", "CALLGATE_AOR",
		"CALLGATE_REASON",
	};
	bool full = true;

	memset(w, 0, sizeof(*w));
	w->argv[0] = (char *)p->command;
	for (size_t i = 0; i < 5; i++) {
		w->argv[i + 1] = (char *)values[i];
		w->env[i] = variable(names[i], values[i]);
		full = full && w->env[i];
	}
	w->env[5] = strdup(PATH);
	if (full && w->env[5])
		return 0;
	free_words(w);
	return -ENOMEM;
}

/* Nothing to read, nowhere to write but the log, no descriptor of ours. */
static int set_files(posix_spawn_file_actions_t *files)
{
	int err = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

	if (!err)
		err = posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0);
	if (!err)
		err = posix_spawn_file_actions_addclosefrom_np(files, 3);
	return err ? err : posix_spawn_file_actions_addchdir_np(files, "/");
}

/* A process group of its own, and signals as if nobody had changed them. */
static int set_attributes(posix_spawnattr_t *a)
{
	sigset_t all, none;
	int err;

	sigfillset(&all);
	sigemptyset(&none);
	err = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
				       POSIX_SPAWN_SETPGROUP);
	if (!err)
		err = posix_spawnattr_setsigdefault(a, &all);
	if (!err)
		err = posix_spawnattr_setsigmask(a, &none);
	return err ? err : posix_spawnattr_setpgroup(a, 0);
}

/* 0 and the process, or -errno. */
static int spawn(const struct push *p, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	struct words_of w;
	int err = make_words(p, &w);

	if (err)
		return err;
	err = posix_spawn_file_actions_init(&files);
	if (err)
		goto no_files;
	err = posix_spawnattr_init(&attributes);
	if (err)
		goto no_attributes;
	err = set_files(&files);
	if (!err)
		err = set_attributes(&attributes);
	if (!err)
		err = posix_spawn(pid, p->command, &files, &attributes, w.argv, w.env);
	posix_spawnattr_destroy(&attributes);
no_attributes:
	posix_spawn_file_actions_destroy(&files);
no_files:
	free_words(&w);
	return -err;
}

static struct run *free_slot(void)
{
	for (size_t i = 0; loop && i < PUSH_RUNS; i++)
		if (!runs[i].pid)
			return &runs[i];
	return NULL;
}

/* One that cannot be watched is killed, and reaped by its timer. */
static void watch(struct run *r)
{
	r->fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
	if (r->fd >= 0)
		r->watch = loop_watch(loop, r->fd, on_end, r);
	timer_set(&r->timer, loop_now() + (r->watch ? PUSH_MS : 0), overdue);
}

int push_start(const struct push *p, push_done_fn *done, void *arg)
{
	struct run *r = free_slot();
	pid_t pid;
	int err;

	if (!r)
		return -EBUSY;
	err = spawn(p, &pid);
	if (err) {
		complain("cannot be started: ", strerror(-err));
		return err;
	}
	*r = (struct run){ .pid = pid, .fd = -1, .done = done, .arg = arg };
	watch(r);
	return 0;
}

size_t push_running(void)
{
	size_t n = 0;

	for (size_t i = 0; i < PUSH_RUNS; i++)
		n += runs[i].pid != 0;
	return n;
}

/* A program that was started with SIGCHLD ignored would not be told how its children end. */
int push_open(struct loop *l)
{
	loop = l;
	signal(SIGCHLD, SIG_DFL);
	return 0;
}

/* What has not ended by then is reaped by the system. */
void push_close(void)
{
	for (size_t i = 0; i < PUSH_RUNS; i++) {
		if (!runs[i].pid)
			continue;
		kill(-runs[i].pid, SIGKILL);
		waitid(P_PID, (id_t)runs[i].pid, NULL, WEXITED | WNOHANG);
		free_run(&runs[i]);
	}
	loop = NULL;
}
