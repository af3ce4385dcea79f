/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * attach: the daemon's UDP sockets.
 *
 * The module holds the socket's file: while it does, nobody can close the
 * socket, so its encap_destroy is never needed, and a daemon that dies leaves it
 * to its successor. It does not hold itself: when it is removed, it lets the
 * sockets go. A socket keeps its namespace, so an orphan is released after
 * CALLGATE_TAKEOVER_S.
 */
#ifndef _CG_ATTACH_H
#define _CG_ATTACH_H

#include "gate.h"

struct file;
struct sock;

struct cg_sock {
	struct rcu_head rcu;
	struct cg_gate *gate;
	struct file *file;
	struct sock *sk;	/* of the file */
	struct cg_ep local;
	u64 until;		/* cg_ms(): then an orphan is released; 0: it is claimed */
	u8 id;			/* index in gate->sock, plus 1 */
};

/* All under gate->admin. What they return is valid while it is held. */

/* ERR_PTR: the errors of ATTACH. One that is attached already is found. */
struct cg_sock *cg_attach(struct cg_gate *gate, int fd);
struct cg_sock *cg_attach_find(struct cg_gate *gate, const struct cg_ep *local);
struct cg_sock *cg_attach_at(struct cg_gate *gate, u32 id);
/* One, or with 0 all of them; -ENOENT. */
int cg_attach_release(struct cg_gate *gate, u32 id);
/* The daemon is gone: the time for a successor begins. */
void cg_attach_orphan(struct cg_gate *gate);
void cg_attach_sweep(struct cg_gate *gate);

/* Under RCU: is it the address and port of a socket, or covered by that of every address? */
bool cg_attach_has(const struct cg_gate *gate, const struct cg_ep *local);
/* Has any of them that port? */
bool cg_attach_has_port(const struct cg_gate *gate, __be16 port);

#endif
