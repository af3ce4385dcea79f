/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control, both ends: the loop turns in this thread, the client asks in another. Only the client
 * counts checks while both run.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <jansson.h>

#include "control.h"
#include "log.h"
#include "loop.h"
#include "t.h"

#define ITEMS 200000

static char dir[] = "/tmp/callgate-control-XXXXXX", path[64], other[64];
static struct loop *loop;

/* ---- verbs ---- */

static void echo(struct control_job *job, const json_t *request, void *arg)
{
	control_answer(job, json_pack("{s:O, s:s}", "got", json_object_get(request, "value"),
				      "arg", arg));
}

static void refuse(struct control_job *job, const json_t *request, void *arg)
{
	(void)request, (void)arg;
	control_refuse(job, -ENOENT, "there is no '%s'", "a\x1b\nb");
}

static struct control_job *waiting;

static void wait_for_it(struct control_job *job, const json_t *request, void *arg)
{
	(void)request, (void)arg;
	waiting = job;
}

static void let_go(struct control_job *job, const json_t *request, void *arg)
{
	(void)request, (void)arg;
	control_answer(waiting, json_string("at last"));
	waiting = NULL;
	control_answer(job, NULL);
}

/* Counts calls: with back-pressure there are many, each with a bounded number of items. */
static struct stream {
	unsigned int next, calls, most, ended;
} stream;

static bool more(struct control_job *job, void *state)
{
	struct stream *s = state;
	unsigned int here = 0;

	s->calls++;
	while (s->next < ITEMS) {
		bool room = control_item(job, json_integer(s->next++));

		if (++here > s->most)
			s->most = here;
		if (!room)
			return true;
	}
	return false;
}

static void ended(void *state)
{
	((struct stream *)state)->ended++;
}

static void list(struct control_job *job, const json_t *request, void *arg)
{
	(void)request;
	stream = (struct stream){ .next = 0 };
	control_stream(job, more, ended, arg);
}

static void stats(struct control_job *job, const json_t *request, void *arg)
{
	(void)request, (void)arg;
	control_answer(job, json_pack("{s:i, s:i, s:i, s:i}", "next", stream.next, "calls",
				      stream.calls, "most", stream.most, "ended", stream.ended));
}

/* An answer that goes on: one item for each tick, with the number of those before. */
static struct {
	struct control_job *job;
	unsigned int ticks, told, calls, ended;
} clock_;

static bool tell_time(struct control_job *job, void *state)
{
	(void)state;
	clock_.calls++;
	while (clock_.told < clock_.ticks)
		if (!control_item(job, json_integer(clock_.told++)))
			return true;
	control_idle(job);
	return true;
}

static void clock_ended(void *state)
{
	(void)state;
	clock_.job = NULL;
	clock_.ended++;
}

static void watch_clock(struct control_job *job, const json_t *request, void *arg)
{
	(void)request;
	memset(&clock_, 0, sizeof(clock_));
	clock_.job = job;
	control_stream(job, tell_time, clock_ended, arg);
}

static void tick(struct control_job *job, const json_t *request, void *arg)
{
	(void)arg;
	clock_.ticks += (unsigned int)atoi(json_string_value(json_object_get(request, "value")));
	if (clock_.job)
		control_wake(clock_.job);
	control_answer(job, json_pack("{s:i, s:i, s:i}", "told", clock_.told, "calls", clock_.calls,
				      "ended", clock_.ended));
}

static void stop(struct control_job *job, const json_t *request, void *arg)
{
	(void)request, (void)arg;
	loop_stop(loop);
	control_answer(job, NULL);
}

/* ---- the client ---- */

static json_t *ask(const char *format, const char *verb, const char *value)
{
	json_t *request = json_pack(format, "do", verb, "value", value), *reply = NULL;
	int err = control_ask(path, request, &reply);

	T_OK(!err && json_is_object(reply), "%s: %s", verb, strerror(-err));
	json_decref(request);
	return reply;
}

static void one_answer(void)
{
	json_t *j = ask("{s:s, s:s}", "echo", "\xc3\xa4 \"quoted\"\n");

	T_OK(json_is_true(json_object_get(j, "ok")), "not ok");
	T_OK(!strcmp(json_string_value(json_object_get(json_object_get(j, "result"), "got")),
		     "\xc3\xa4 \"quoted\"\n"), "another value");
	T_OK(!strcmp(json_string_value(json_object_get(json_object_get(j, "result"), "arg")),
		     "argument"), "another argument");
	json_decref(j);
	j = ask("{s:s, s:s}", "refuse", "");
	T_OK(json_is_false(json_object_get(j, "ok")) &&
	     !strcmp(json_string_value(json_object_get(j, "what")), "ENOENT") &&
	     !strcmp(json_string_value(json_object_get(j, "error")), "there is no 'a?\nb'"),
	     "no refusal");
	json_decref(j);
	j = ask("{s:s, s:s}", "colour", "blue");
	T_OK(strstr(json_string_value(json_object_get(j, "error")), "does not know 'colour'"),
	     "no refusal");
	json_decref(j);
}

static int connected(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	T_OK(!connect(fd, (struct sockaddr *)&at, sizeof(at)), "not connected");
	return fd;
}

/* Sends bytes and reads until there are @n lines or the end; how many there were. */
static char got[1 << 17];

static int lines_of(int fd, const char *bytes, int n)
{
	size_t at = 0, len = strlen(bytes);
	int seen = 0;

	T_OK(send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len, "not sent");
	while (seen < n && at < sizeof(got) - 1) {
		ssize_t r = recv(fd, got + at, 1, 0);

		if (r <= 0)
			break;
		seen += got[at++] == '\n';
	}
	got[at] = 0;
	return seen;
}

static void raw(void)
{
	static char longest[70000];
	static const char *const bad[] = {
		"[1]\n", "nonsense\n", "{\"do\": 3}\n", "{}\n", "\n", "\"x\"\n",
		"{\"do\": \"echo\", \"do\": \"echo\"}\n",
	};
	int fd = connected();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		T_OK(lines_of(fd, bad[i], 1) == 1, "%s: no answer", bad[i]);
		T_OK(strstr(got, "\"ok\":false") && strstr(got, "EINVAL"), "%s: %s", bad[i], got);
	}
	/* three requests in one piece, and one in two */
	T_OK(lines_of(fd, "{\"do\":\"echo\",\"value\":1}\n{\"do\":\"refuse\"}\n"
		      "{\"do\":\"echo\",\"value\":3}\n{\"do\":", 3) == 3, "got %s", got);
	T_OK(strstr(got, "\"got\":1") < strstr(got, "ENOENT") &&
	     strstr(got, "ENOENT") < strstr(got, "\"got\":3"), "got %s", got);
	T_OK(lines_of(fd, "\"echo\",\"value\":4}\n", 1) == 1 && strstr(got, "\"got\":4"),
	     "got %s", got);
	close(fd);
	fd = connected();
	memset(longest, ' ', 65536);
	lines_of(fd, longest, 2);
	T_OK(strstr(got, "EMSGSIZE"), "a line without end: %s", got);
	close(fd);
}

/* An answer that comes later; a second request of the same client waits for it. */
static void later(void)
{
	int fd = connected(), third = connected();
	struct pollfd p = { .fd = fd, .events = POLLIN };
	json_t *j;

	T_OK(send(fd, "{\"do\":\"wait\"}\n{\"do\":\"echo\",\"value\":2}\n", 39, 0) == 39, "send");
	/* that the server has it is known when it answers somebody who came later */
	while (json_decref(ask("{s:s, s:s}", "echo", "")), !__atomic_load_n(&waiting, 5))
		;
	T_OK(!poll(&p, 1, 0), "answered too early");
	j = ask("{s:s, s:s}", "let-go", "");
	json_decref(j);
	T_OK(lines_of(fd, "", 2) == 2 && strstr(got, "at last") < strstr(got, "\"got\":2"),
	     "got %s", got);
	/* the client goes before its answer comes */
	T_OK(send(third, "{\"do\":\"wait\"}\n", 14, 0) == 14, "send");
	while (json_decref(ask("{s:s, s:s}", "echo", "")), !__atomic_load_n(&waiting, 5))
		;
	close(third);
	j = ask("{s:s, s:s}", "let-go", "");
	T_OK(json_is_true(json_object_get(j, "ok")), "not ok");
	json_decref(j);
	close(fd);
}

static int count(const json_t *item, void *arg)
{
	unsigned int *n = arg;

	return json_integer_value(item) == *n ? (++*n, 0) : -ERANGE;
}

static int enough(const json_t *item, void *arg)
{
	(void)item;
	return ++*(unsigned int *)arg == 3 ? 77 : 0;
}

static json_int_t stat_of(const char *name)
{
	json_t *j = ask("{s:s, s:s}", "stats", "");
	json_int_t n = json_integer_value(json_object_get(json_object_get(j, "result"), name));

	json_decref(j);
	return n;
}

static void streams(void)
{
	json_t *request = json_pack("{s:s}", "do", "list"), *reply;
	unsigned int n = 0;
	int fd, err = control_each(path, request, count, &n, &reply);

	T_OK(!err && n == ITEMS, "%u items, %s", n, strerror(-err));
	T_OK(json_integer_value(json_object_get(json_object_get(reply, "result"), "items")) ==
	     ITEMS, "another sum");
	json_decref(reply);
	T_OK(stat_of("calls") > 3 && stat_of("ended") == 1, "no back-pressure");
	T_OK(stat_of("most") < ITEMS / 3, "all at once");
	/* who has enough */
	n = 0;
	T_OK(control_each(path, request, enough, &n, &reply) == 77 && !reply, "not ended");
	while (stat_of("ended") != 1)
		;
	T_OK(stat_of("next") < ITEMS, "went on for nobody");
	/* who does not read: it stops, and others are served */
	fd = connected();
	T_OK(send(fd, "{\"do\":\"list\"}\n", 14, 0) == 14, "send");
	while (stat_of("calls") < 1)
		;
	T_OK(stat_of("next") < ITEMS && stat_of("ended") == 0, "went on without room");
	close(fd);
	while (stat_of("ended") != 1)
		;
	/* items where one answer is expected */
	T_OK(control_ask(path, request, &reply) == -EPROTO && !reply, "taken for an answer");
	json_decref(request);
}

static json_int_t ticked(const char *n, const char *what)
{
	json_t *j = ask("{s:s, s:s}", "tick", n);
	json_int_t value = json_integer_value(json_object_get(json_object_get(j, "result"), what));

	json_decref(j);
	return value;
}

static void goes_on(void)
{
	int fd = connected();

	T_OK(send(fd, "{\"do\":\"clock\"}\n", 15, 0) == 15, "send");
	while (!ticked("0", "calls"))
		;
	T_OK(ticked("2", "told") == 2, "not woken");
	T_OK(lines_of(fd, "", 2) == 2 && strstr(got, "{\"item\":0}\n{\"item\":1}\n"), "%s", got);
	T_OK(ticked("1", "told") == 3 && lines_of(fd, "", 1) == 1, "not woken again: %s", got);
	/* who does not read: what has no room stays with its owner, and comes when there is some */
	T_OK(ticked("100000", "told") < 60000, "no bound");
	for (int left = 100000; left;)
		left -= lines_of(fd, "", left < 5000 ? left : 5000);
	T_OK(strstr(got, "{\"item\":100002}"), "the last one: %s", got + strlen(got) - 30);
	/* that it has gone is seen without anything to say */
	close(fd);
	while (!ticked("0", "ended"))
		;
}

static void crowd(void)
{
	json_t *request = json_pack("{s:s}", "do", "echo"), *reply;
	int fd[32];

	for (int i = 0; i < 32; i++) {
		fd[i] = connected();
		T_OK(lines_of(fd[i], "{\"do\":\"stats\"}\n", 1) == 1, "client %d", i);
	}
	T_OK(!control_ask(path, request, &reply), "no answer");
	T_OK(!strcmp(json_string_value(json_object_get(reply, "what")), "EBUSY"), "let in");
	json_decref(reply);
	json_decref(request);
	for (int i = 0; i < 32; i++)
		close(fd[i]);
	while (control_ask(path, (request = json_pack("{s:s}", "do", "stats")), &reply) ||
	       !json_is_true(json_object_get(reply, "ok"))) {
		json_decref(request);
		json_decref(reply);
	}
	json_decref(request);
	json_decref(reply);
}

static void *client(void *arg)
{
	(void)arg;
	one_answer();
	raw();
	later();
	streams();
	goes_on();
	crowd();
	/* nobody waits for this answer: the loop ends before it is written */
	T_OK(send(connected(), "{\"do\":\"stop\"}\n", 14, 0) == 14, "send");
	return NULL;
}

/* ---- the socket itself ---- */

static void sockets(void)
{
	char why[256];
	struct stat st;
	json_t *reply;
	FILE *f;

	T_OK(!stat(path, &st) && S_ISSOCK(st.st_mode) && (st.st_mode & 0777) == 0660,
	     "mode %o", st.st_mode);
	T_OK(control_open(loop, path, why) == -EADDRINUSE && strstr(why, "another callgated"),
	     "a second one: %s", why);
	control_close();
	T_OK(stat(path, &st), "it is left behind");
	T_OK(control_ask(path, NULL, &reply) == -ECONNREFUSED, "somebody is there");
	/* of a dead one: bound, and closed without unlink() */
	{
		struct sockaddr_un at = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
		T_OK(!bind(fd, (struct sockaddr *)&at, sizeof(at)), "bind");
		close(fd);
	}
	T_OK(control_ask(path, NULL, &reply) == -ECONNREFUSED, "somebody is there");
	T_OK(!control_open(loop, path, why), "the dead one is in the way: %s", why);
	control_close();
	f = fopen(other, "w");
	fclose(f);
	T_OK(control_open(loop, other, why) == -EEXIST && strstr(why, "is no socket"), "%s", why);
	T_OK(!stat(other, &st), "a file was removed");
	unlink(other);
	T_OK(control_open(loop, "/proc/none/none/sock", why) < 0 && strstr(why, "folder"), "%s",
	     why);
}

int main(void)
{
	pthread_t thread;
	char why[256];

	log_setup(LOG_LEVEL_FATAL);
	/* as main.c does */
	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(dir))
		return 2;
	/* the folder is made */
	snprintf(path, sizeof(path), "%s/run/control.sock", dir);
	snprintf(other, sizeof(other), "%s/file", dir);
	T_OK(!loop_open(&loop) && !control_open(loop, path, why), "%s", why);
	T_OK(!control_verb("echo", echo, "argument") && !control_verb("refuse", refuse, NULL) &&
	     !control_verb("wait", wait_for_it, NULL) && !control_verb("let-go", let_go, NULL) &&
	     !control_verb("list", list, &stream) && !control_verb("stats", stats, NULL) &&
	     !control_verb("clock", watch_clock, NULL) && !control_verb("tick", tick, NULL) &&
	     !control_verb("stop", stop, NULL), "no verb");
	T_OK(control_verb("echo", echo, NULL) == -EEXIST, "twice");
	pthread_create(&thread, NULL, client, NULL);
	loop_run(loop);
	pthread_join(thread, NULL);
	sockets();
	loop_close(loop);
	*strrchr(path, '/') = 0;
	T_OK(!rmdir(path) && !rmdir(dir), "something is left");
	return t_end("control");
}
