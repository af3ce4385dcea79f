/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control: the command's line to callgated: a Unix socket (root and its group only), one JSON
 * object for each request and answer, a line each. {"do": "status"} gives
 * {"ok": true, "result": ...} or {"ok": false, "error": "...", "what": "ENOENT"}. An answer of
 * unknown length comes as lines {"item": ...} before that, as fast as its reader takes them.
 *
 * Each piece registers its verbs. A connection's requests are answered one after the other.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>

struct loop;
struct json_t;
struct control_job;	/* one request, until it is answered */

/* -EADDRINUSE: another callgated listens there. The socket of a dead one is removed. */
int control_open(struct loop *l, const char *path, char why[static 256]);
void control_close(void);

/*
 * @fn for each request {"do": @name, ...}. It gives the one answer, at once or later: a job stays
 * until it has its answer, also when the client has gone, and after control_close().
 */
typedef void control_verb_fn(struct control_job *job, const struct json_t *request, void *arg);
/* -EEXIST, -ENOSPC (64). @name is kept. May be called before control_open(). */
int control_verb(const char *name, control_verb_fn *fn, void *arg);

/* Takes over @result; NULL: null. */
void control_answer(struct control_job *job, struct json_t *result);
/* @err: -errno, for programs; the text is for people: what is wrong, what to do. */
void control_refuse(struct control_job *job, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * An answer in items. @more is called when there is room: it gives items by control_item() until
 * that returns false, and returns true; or false when there are no more. Between two calls the
 * loop turns, and tables change: @state is a place that survives that. @end is called once, at the
 * end or when the client has gone; the job is answered then.
 */
typedef bool control_more_fn(struct control_job *job, void *state);
typedef void control_end_fn(void *state);
void control_stream(struct control_job *job, control_more_fn *more, control_end_fn *end,
		    void *state);
/* Takes over @item. False: it was taken, but no room is left for now. */
bool control_item(struct control_job *job, struct json_t *item);
/*
 * In @more, for an answer that goes on as things happen: nothing is to be said now. It is called
 * again after control_wake(), which is for jobs whose @end has not been called. Such a client may
 * be silent, and as slow as it likes.
 */
void control_idle(struct control_job *job);
void control_wake(struct control_job *job);

/* ---- for the command ---- */

/*
 * One request, its answer (jansson; the caller decrefs): the whole object, with "ok". @request is
 * not taken over. -ECONNREFUSED: no daemon; -EACCES; -ETIMEDOUT; -EPROTO: no JSON.
 */
int control_ask(const char *path, const struct json_t *request, struct json_t **answer);
/* The same with items. @fn takes over nothing; nonzero ends it and is returned. */
typedef int control_item_fn(const struct json_t *item, void *arg);
int control_each(const char *path, const struct json_t *request, control_item_fn *fn, void *arg,
		 struct json_t **answer);
/* The same for an answer that goes on: between two items there may be any time. */
int control_watch(const char *path, const struct json_t *request, control_item_fn *fn, void *arg,
		  struct json_t **answer);

#endif
