/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel: the way to the module (uapi/callgate.h) and to conntrack. Only kernel*.c knows netlink.
 *
 * Functions return 0 or -errno: -ENOENT from kernel_open() is "the module is not loaded", -EPERM
 * "no CAP_NET_ADMIN here". One connection is used by one thread.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include "model.h"

struct kernel;

int kernel_open(struct kernel **out);
void kernel_close(struct kernel *k);
/* What the kernel said about the last error beside its number, or "". */
const char *kernel_said(const struct kernel *k);

/* Both are freed by the caller with model_free(). */
int kernel_status(struct kernel *k, struct status *status, struct settings *settings);
/* Changes the settings that are marked in .has. */
int kernel_set(struct kernel *k, const struct settings *settings);

/*
 * Called for each object, which is freed afterwards (a call that was zeroed by the function stays
 * its own). Nonzero ends the dump and is returned.
 */
typedef int kernel_call_fn(struct call *call, void *arg);
typedef int kernel_binding_fn(const struct binding *b, void *arg);
typedef int kernel_reason_fn(const struct reason *r, void *arg);

/* All calls, or the one with @id when it is not 0. */
int kernel_calls(struct kernel *k, uint64_t id, kernel_call_fn *fn, void *arg);
int kernel_bindings(struct kernel *k, kernel_binding_fn *fn, void *arg);
int kernel_reasons(struct kernel *k, kernel_reason_fn *fn, void *arg);
/* -ENOENT: no such call. */
int kernel_call_end(struct kernel *k, uint64_t id);

typedef int kernel_mode_fn(const struct host_mode *m, void *arg);
typedef int kernel_provider_fn(const struct provider *p, void *arg);

/* The modes of single hosts, the longest prefix first. That of all is a setting. */
int kernel_modes(struct kernel *k, kernel_mode_fn *fn, void *arg);
/* @mode 0: removed; then @prefix NULL: all of them. -ENOENT: there is none. */
int kernel_mode(struct kernel *k, const struct prefix *prefix, uint8_t mode);
int kernel_providers(struct kernel *k, kernel_provider_fn *fn, void *arg);
/* @members, of struct member, NULL: removed; then @name NULL: all of them. */
int kernel_provider(struct kernel *k, const char *name, const struct list *members);

typedef int kernel_socket_fn(const struct gateway_socket *s, void *arg);

/* Gateway use, whether callgated runs or not. -EOPNOTSUPP: a module older than that. */
int kernel_gateway(struct kernel *k, struct gateway *gateway);
int kernel_gateway_sockets(struct kernel *k, kernel_socket_fn *fn, void *arg);

/* What a multicast message tells. */
struct note {
	uint64_t seq;
	bool is_trace;
	struct event event;
	struct call call;	/* .has 0: none */
	struct binding binding;
	struct trace trace;
};
enum { LISTEN_EVENTS = 1, LISTEN_TRACE = 2 };

int kernel_listen(struct kernel *k, unsigned int groups);
/*
 * Waits for a message; at most @ms milliseconds unless that is -1. 1: there is one; 0: none yet;
 * -ENODEV: the module has gone, none will come.
 */
int kernel_wait(struct kernel *k, int ms);
/* To poll for reading; -1 when not listening. */
int kernel_fd(const struct kernel *k);
typedef void kernel_note_fn(const struct note *note, void *arg);
/*
 * All messages that wait, without blocking. -ENOBUFS: some between them were lost, and a dump now
 * has what those said.
 */
int kernel_notes(struct kernel *k, kernel_note_fn *fn, void *arg);

/* A conntrack entry, as the originator sent and as the answer comes. */
struct flow {
	uint8_t family, proto;
	struct endpoint src, dst, rsrc, rdst;
	char helper[17];	/* "": none */
	uint32_t id, timeout;
	uint16_t zone;
	uint16_t ntuple;	/* the original tuple as the kernel wrote it, to delete by */
	uint8_t tuple[128];
};
typedef int kernel_flow_fn(const struct flow *flow, void *arg);
/* All entries of this namespace. Needs no module of ours. */
int kernel_flows(kernel_flow_fn *fn, void *arg);
/* -ENOENT: it is gone already. */
int kernel_flow_delete(const struct flow *flow);

#endif
