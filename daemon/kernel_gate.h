/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_gate: the requests of gateway use (uapi/callgate_gateway.h), a function each. Whoever has
 * one is the daemon to the module from its first gate_attach() or gate_claim() to gate_close().
 *
 * Functions return 0 or -errno. Requests and questions have sockets of their own: a question never
 * comes between a request and its answer. For kernel_*.c.
 */
#ifndef KERNEL_GATE_H
#define KERNEL_GATE_H

#include "model.h"

struct gate;

/* -ENOENT: no module, or one without gateway use; -EPERM. */
int gate_open(struct gate **out);
void gate_close(struct gate *g);
/* What the kernel said about the last error beside its number, or "". */
const char *gate_said(const struct gate *g);

int gate_attach(struct gate *g, int fd);
/* -ENOENT: none is bound to @at. */
int gate_claim(struct gate *g, const struct endpoint *at, int *fd);
/* @id 0: all of them. */
int gate_detach(struct gate *g, uint32_t id);
struct gate_socket {
	uint32_t id;
	struct endpoint local;
	bool claimed;		/* a daemon has it */
};
typedef int gate_socket_fn(const struct gate_socket *s, void *arg);
int gate_sockets(struct gate *g, gate_socket_fn *fn, void *arg);

/* CALLGATE_G_*. */
struct gate_rules {
	const uint8_t *key, *key_old;		/* CALLGATE_KEY_SIZE; the old one may be NULL */
	uint32_t take, methods;
	const char *const *domains, *const *realms;
	const struct prefix *inside, *trusted;
	const uint32_t *interfaces;
	size_t n_domains, n_realms, n_inside, n_trusted, n_interfaces;
};
/* More than the module takes of a list is left out: it is the daemon's then, but for realms. */
int gate_rules(struct gate *g, const struct gate_rules *r);
int gate_epoch(struct gate *g, uint64_t epoch);

struct gate_status {
	uint64_t epoch, memory;
	uint32_t locations, txns, held;
	bool ours;		/* this daemon is the one that is asked */
};
int gate_status(struct gate *g, struct gate_status *s);

struct gate_location {
	uint64_t id, generation;
	const char *aor, *uri;
	struct endpoint remote, local;
	uint64_t expires;	/* milliseconds of CLOCK_BOOTTIME */
	uint32_t ifindex, flags;
};
int gate_location_set(struct gate *g, const struct gate_location *l);
int gate_location_del(struct gate *g, uint64_t id, const char *aor);
typedef int gate_location_fn(const struct gate_location *l, void *arg);
int gate_locations(struct gate *g, gate_location_fn *fn, void *arg);

struct gate_question {
	uint64_t id, deadline;
	const char *aor;
	struct endpoint remote, local;
	uint32_t ifindex;
	const uint8_t *datagram;
	uint32_t len;
};
typedef void gate_question_fn(const struct gate_question *q, void *arg);
/* Readable when a question waits. */
int gate_fd(const struct gate *g);
/* All that wait. -ENOBUFS: some were lost; they end by themselves. */
int gate_questions(struct gate *g, gate_question_fn *fn, void *arg);
/*
 * The location is set, and what waits goes there. -ENOENT: the question is over, the location is
 * set all the same; with other errors nothing is done, and the question stays.
 */
int gate_forward(struct gate *g, uint64_t question, const struct gate_location *l);
/* The daemon works on what it was shown. */
int gate_keep(struct gate *g, uint64_t question);

#endif
