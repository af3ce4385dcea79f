/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE /* accept4 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <jansson.h>

#include "control.h"
#include "log.h"
#include "loop.h"
#include "text.h"

#define VERBS 64
#define CLIENTS 32
#define REQUEST_MAX (64 << 10)
#define ROOM_LOW (64 << 10)	/* below it a stream goes on */
#define ROOM_HIGH (256 << 10)	/* above it, it waits */
#define ANSWER_MAX (16 << 20)
#define IDLE_S 60
#define STUCK_S 10		/* a reader that takes nothing for so long is dropped */

struct client {
	struct client *next, **link;
	struct bufferevent *bev;
	struct control_job *job;	/* being answered; no line is read meanwhile */
	bool last;			/* close when everything is written */
};

struct control_job {
	struct client *client;		/* NULL: it has gone */
	control_more_fn *more;
	control_end_fn *end;
	void *state;
	unsigned long long items;
	bool idle;			/* nothing to say until it is woken */
	bool goes_on;			/* it was idle before: an answer as things happen */
};

static struct {
	struct loop *loop;
	struct loop_watch *watch;
	struct client *clients;
	unsigned int n_clients;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
} server = { .fd = -1 };

static struct {
	const char *name;
	control_verb_fn *fn;
	void *arg;
} verbs[VERBS];
static size_t n_verbs;

int control_verb(const char *name, control_verb_fn *fn, void *arg)
{
	for (size_t i = 0; i < n_verbs; i++)
		if (!strcmp(verbs[i].name, name))
			return -EEXIST;
	if (n_verbs == VERBS)
		return -ENOSPC;
	verbs[n_verbs].name = name;
	verbs[n_verbs].fn = fn;
	verbs[n_verbs++].arg = arg;
	return 0;
}

/* ---- clients ---- */

static void end_stream(struct control_job *job)
{
	if (job->end)
		job->end(job->state);
	free(job);
}

static void drop(struct client *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	server.n_clients--;
	bufferevent_free(c->bev);
	if (c->job) {
		c->job->client = NULL;
		if (c->job->more)
			end_stream(c->job);
	}
	free(c);
}

/* One line to the client. False: it cannot be written. */
static bool put(struct client *c, json_t *line)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	bool good = text && strlen(text) < ANSWER_MAX && !evbuffer_add(out, text, strlen(text)) &&
		    !evbuffer_add(out, "\n", 1);

	free(text);
	json_decref(line);
	return good;
}

static void set_timeouts(struct client *c)
{
	const struct timeval idle = { .tv_sec = IDLE_S }, stuck = { .tv_sec = STUCK_S };

	bufferevent_set_timeouts(c->bev, &idle, &stuck);
}

/* ---- answers ---- */

static const char *error_name(int err)
{
	static const struct {
		int err;
		const char *name;
	} names[] = {
		{ ENOENT, "ENOENT" }, { EINVAL, "EINVAL" }, { EEXIST, "EEXIST" },
		{ EBUSY, "EBUSY" }, { EIO, "EIO" }, { ENOSPC, "ENOSPC" }, { EPERM, "EPERM" },
		{ EACCES, "EACCES" }, { ENOMEM, "ENOMEM" }, { EOPNOTSUPP, "EOPNOTSUPP" },
		{ EMSGSIZE, "EMSGSIZE" }, { EAGAIN, "EAGAIN" }, { ENODEV, "ENODEV" },
		{ EPROTO, "EPROTO" }, { ETIMEDOUT, "ETIMEDOUT" }, { ERANGE, "ERANGE" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].err == -err)
			return names[i].name;
	return "EFAULT";
}

/* What is wrong with a configuration may be several lines. */
static json_t *refusal(int err, char *text)
{
	for (char *line = text, *end; line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (end)
			*end = 0;
		text_clean(line);
		if (end)
			*end = '\n';
	}
	return json_pack("{s:b, s:s, s:s}", "ok", 0, "error", text, "what", error_name(err));
}

/* The last line of an answer: the client may ask again. */
static void answer(struct control_job *job, json_t *line)
{
	struct client *c = job->client;

	free(job);
	if (!c) {
		json_decref(line);
		return;
	}
	c->job = NULL;
	if (!put(c, line)) {
		put(c, refusal(-ENOMEM, (char[]){ "the answer is too large, or no memory" }));
		c->last = true;
	}
	bufferevent_enable(c->bev, EV_READ);
	/* a request that is there already comes in the next turn: answers do not nest */
	if (evbuffer_get_length(bufferevent_get_input(c->bev)))
		bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

void control_answer(struct control_job *job, json_t *result)
{
	answer(job, json_pack("{s:b, s:o}", "ok", 1, "result", result ? result : json_null()));
}

void control_refuse(struct control_job *job, int err, const char *format, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	answer(job, refusal(err, text));
}

static bool has_room(const struct client *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev)) < ROOM_HIGH;
}

bool control_item(struct control_job *job, json_t *item)
{
	job->items++;
	return put(job->client, json_pack("{s:o}", "item", item)) && has_room(job->client);
}

static void pump(struct control_job *job)
{
	control_end_fn *end = job->end;
	void *state = job->state;

	job->idle = false;
	while (!job->idle && has_room(job->client))
		if (!job->more(job, state)) {
			if (job->goes_on)
				set_timeouts(job->client);
			control_answer(job, json_pack("{s:I}", "items", (json_int_t)job->items));
			if (end)
				end(state);
			return;
		}
}

/* That its client has gone is known by reading. */
void control_idle(struct control_job *job)
{
	job->idle = true;
	if (job->goes_on)
		return;
	job->goes_on = true;
	bufferevent_set_timeouts(job->client->bev, NULL, NULL);
	bufferevent_enable(job->client->bev, EV_READ);
}

void control_wake(struct control_job *job)
{
	if (job->idle)
		pump(job);
}

void control_stream(struct control_job *job, control_more_fn *more, control_end_fn *end,
		    void *state)
{
	job->more = more;
	job->end = end;
	job->state = state;
	if (job->client)
		pump(job);
	else
		end_stream(job);
}

/* ---- requests ---- */

static void run(struct control_job *job, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "do"));

	for (size_t i = 0; name && i < n_verbs; i++)
		if (!strcmp(verbs[i].name, name)) {
			verbs[i].fn(job, request, verbs[i].arg);
			return;
		}
	if (name)
		control_refuse(job, -EOPNOTSUPP, "callgated " CG_VERSION " does not know '%s': is "
			       "the command of another version?", name);
	else
		control_refuse(job, -EINVAL, "no request: it is a JSON object with \"do\"");
}

static void take_line(struct client *c, const char *line, size_t len)
{
	struct control_job *job = calloc(1, sizeof(*job));
	json_error_t error;
	json_t *request;

	if (!job) {
		c->last = true;
		return;
	}
	job->client = c;
	c->job = job;
	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(request))
		run(job, request);
	else
		control_refuse(job, -EINVAL, "no JSON object: %s",
			       request ? "another value" : error.text);
	json_decref(request);
}

/*
 * Lines wait in the input while a job is being answered. With a job left, reading stops: what a
 * client sends ahead stays in the kernel.
 */
static void readable(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t len;
	char *line;

	if (c->job || c->last)
		return;
	line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
	if (line) {
		take_line(c, line, len);
		free(line);
	} else if (evbuffer_get_length(in) >= REQUEST_MAX) {
		put(c, refusal(-EMSGSIZE, (char[]){ "the request is longer than 64 KiB" }));
		c->last = true;
	}
	if (c->last || (c->job && !c->job->goes_on))
		bufferevent_disable(bev, EV_READ);
	if (c->last && !evbuffer_get_length(bufferevent_get_output(bev)))
		drop(c);
}

static void writable(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;

	if (c->job && c->job->more && !c->job->idle)
		pump(c->job);
	else if (c->last && !evbuffer_get_length(bufferevent_get_output(bev)))
		drop(c);
}

/* The end of the connection, an error, or a client that neither asks nor reads. */
static void gone(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	(void)bev;
	if ((what & (BEV_EVENT_TIMEOUT | BEV_EVENT_WRITING)) ==
	    (BEV_EVENT_TIMEOUT | BEV_EVENT_WRITING))
		log_info("control: a client that does not read its answer was dropped");
	drop(c);
}

static void turn_away(int fd)
{
	static const char line[] = "{\"ok\": false, \"error\": \"too many commands at once: try "
				   "again\", \"what\": \"EBUSY\"}\n";

	if (send(fd, line, sizeof(line) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("control: a client was turned away");
	close(fd);
}

static void acceptable(int fd, void *arg)
{
	struct client *c;
	int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)arg;
	if (peer < 0)
		return;
	c = server.n_clients < CLIENTS ? calloc(1, sizeof(*c)) : NULL;
	if (c)
		c->bev = bufferevent_socket_new(loop_base(server.loop), peer,
						BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->bev) {
		free(c);
		turn_away(peer);
		return;
	}
	c->next = server.clients;
	c->link = &server.clients;
	if (c->next)
		c->next->link = &c->next;
	server.clients = c;
	server.n_clients++;
	bufferevent_setcb(c->bev, readable, writable, gone, c);
	set_timeouts(c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, REQUEST_MAX);
	bufferevent_setwatermark(c->bev, EV_WRITE, ROOM_LOW, 0);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* ---- the socket ---- */

/* 0: nothing is there any more. */
static int make_way(const struct sockaddr_un *at, char why[static 256])
{
	struct stat st;
	int fd, err;

	if (lstat(at->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, 256, "%.100s is no socket: remove it, or set another 'control'",
			 at->sun_path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	err = fd < 0 || connect(fd, (const struct sockaddr *)at, sizeof(*at)) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (err == -ECONNREFUSED && !unlink(at->sun_path))
		return 0;
	snprintf(why, 256, "another callgated listens at %.107s: stop it first, or set another "
		 "'control'", at->sun_path);
	return -EADDRINUSE;
}

/* Its folder is in /run, and that is empty after a boot. One level is made, no more. */
static void make_folder(const char *path)
{
	char folder[sizeof(server.path)];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return;
	*slash = 0;
	if (mkdir(folder, 0755) && errno != EEXIST)
		log_debug("control: %s: %s", folder, strerror(errno));
}

static int listen_at(const struct sockaddr_un *at, char why[static 256])
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int err;

	if (fd < 0)
		return -errno;
	mask = umask(0117);
	err = bind(fd, (const struct sockaddr *)at, sizeof(*at)) || listen(fd, CLIENTS) ? -errno :
	      0;
	umask(mask);
	if (!err)
		return fd;
	close(fd);
	snprintf(why, 256, "%.107s: %s: is there a folder for it, and may this user write there?",
		 at->sun_path, strerror(-err));
	return err;
}

int control_open(struct loop *l, const char *path, char why[static 256])
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int err, fd;

	if (strlen(path) >= sizeof(at.sun_path)) {
		snprintf(why, 256, "the path of the control socket is too long");
		return -ENAMETOOLONG;
	}
	memcpy(at.sun_path, path, strlen(path) + 1);
	make_folder(path);
	err = make_way(&at, why);
	if (err)
		return err;
	fd = listen_at(&at, why);
	if (fd < 0)
		return fd;
	server.watch = loop_watch(l, fd, acceptable, NULL);
	if (!server.watch) {
		close(fd);
		unlink(path);
		snprintf(why, 256, "no memory");
		return -ENOMEM;
	}
	server.loop = l;
	server.fd = fd;
	memcpy(server.path, at.sun_path, sizeof(server.path));
	return 0;
}

void control_close(void)
{
	if (server.fd < 0)
		return;
	while (server.clients)
		drop(server.clients);
	loop_unwatch(server.watch);
	close(server.fd);
	/* when this user may not, the next start finds nobody listening there */
	if (unlink(server.path))
		log_debug("control: %s: %s", server.path, strerror(errno));
	server.fd = -1;
	server.watch = NULL;
}
