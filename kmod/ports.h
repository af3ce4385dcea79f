/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ports: which public port a pinhole gets (RFC 4787 4.2, RFC 3550 11).
 *
 * The phone's own port where it is free; else one of the pool with the same
 * parity, least recently used first. Free means: not below 1024, not reserved
 * by the admin, no pinhole or ghost on it, no local socket, no DNAT rule that
 * claims it. Under cn->lock.
 */
#ifndef _CG_PORTS_H
#define _CG_PORTS_H

#include "net.h"

#define CG_PORT_LOW 1024	/* privileged ports are never opened (S9) */

struct cg_port_ask {
	struct cg_ep pub;	/* address, family and protocol; port is ignored */
	struct cg_ep peer;	/* who will probably send; for the DNAT question */
	const struct net_device *dev;	/* where it will come in; may be NULL */
	bool exact;		/* only @want will do (callgate-open) */
	u16 want;		/* host order */
	u16 count;		/* this many in a row */
	u16 used;		/* the signalling flow's own port, nobody else's; 0: none */
};

/* First port of the row in host order; 0: none, *@why says what was exhausted. */
u16 cg_ports_choose(struct cg_net *cn, const struct cg_port_ask *ask, enum cg_reason *why);
/* Nothing of ours, of the admin or of a local socket is at @pub (DNAT rules aside). */
bool cg_ports_is_free(struct cg_net *cn, const struct cg_ep *pub);
/* No pinhole is at @pub any more, or none came to be: its port may be used again. */
void cg_ports_release(struct cg_net *cn, const struct cg_ep *pub);
/*
 * May a phone have this port (host order) opened? Not a privileged one, and not
 * one on which other hosts run services that a forged message would be after.
 */
bool cg_ports_allowed(u16 port);
bool cg_ports_in_pool(const struct cg_net *cn, u16 port);
/* A UDP or TCP socket of this host that would receive it; RCU. */
bool cg_ports_local_socket(struct net *net, const struct cg_ep *local, const struct cg_ep *peer);

/* (Re)makes the pool from cn->set; process context, not under the lock. */
int cg_ports_init(struct cg_net *cn);
void cg_ports_fini(struct cg_net *cn);

#endif
