/* SPDX-License-Identifier: BSD-2-Clause */
/* The command's end of control. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "control.h"

/* A registration that is removed waits for the disk. */
#define WAIT_S 30

/* @limit: whether an answer has to come in time */
static int connect_to(const char *path, bool limit)
{
	const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (limit)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (!connect(fd, (const struct sockaddr *)&at, sizeof(at)))
		return fd;
	err = -errno;
	close(fd);
	/* no socket and nobody behind it are the same to who asks */
	return err == -ENOENT || err == -ENOTDIR ? -ECONNREFUSED : err;
}

static int send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_request(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	int err = text ? send_all(fd, text, strlen(text)) : -ENOMEM;

	free(text);
	return err ? err : send_all(fd, "\n", 1);
}

struct input {
	FILE *file;
	char *line;
	size_t cap;
};

static int next_line(struct input *in, json_t **out)
{
	ssize_t n;

	errno = 0;
	n = getline(&in->line, &in->cap, in->file);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : errno ? -errno : -ECONNRESET;
	*out = json_loadb(in->line, (size_t)n, 0, NULL);
	return json_is_object(*out) ? 0 : -EPROTO;
}

/* Items to @fn; the line behind them is the answer. */
static int read_answer(FILE *file, control_item_fn *fn, void *arg, json_t **answer)
{
	struct input in = { .file = file };
	json_t *line = NULL;
	int err;

	while (!(err = next_line(&in, &line))) {
		json_t *item = json_object_get(line, "item");

		if (!item) {
			*answer = line;
			line = NULL;
			break;
		}
		err = fn ? fn(item, arg) : -EPROTO;
		if (err)
			break;
		json_decref(line);
		line = NULL;
	}
	json_decref(line);
	free(in.line);
	return err;
}

/* On a connection, which it closes. */
static int items_of(int fd, const json_t *request, control_item_fn *fn, void *arg, json_t **answer)
{
	FILE *file;
	int err;

	*answer = NULL;
	if (fd < 0)
		return fd;
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	err = send_request(fd, request);
	/* who is turned away finds the reason in front of the closed door */
	if (!err || err == -EPIPE)
		err = read_answer(file, fn, arg, answer);
	fclose(file);
	return err;
}

int control_each(const char *path, const json_t *request, control_item_fn *fn, void *arg,
		 json_t **answer)
{
	return items_of(connect_to(path, true), request, fn, arg, answer);
}

int control_watch(const char *path, const json_t *request, control_item_fn *fn, void *arg,
		  json_t **answer)
{
	return items_of(connect_to(path, false), request, fn, arg, answer);
}

int control_ask(const char *path, const json_t *request, json_t **answer)
{
	return control_each(path, request, NULL, NULL, answer);
}
