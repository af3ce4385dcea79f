/* SPDX-License-Identifier: GPL-2.0-only */
/* send: a datagram of the router's own, as if its socket had sent it. */
#ifndef _CG_SEND_H
#define _CG_SEND_H

#include "gate.h"

struct sock;

/*
 * From flow->local to flow->remote, by the rules for OUTPUT and the routes. False: nothing was
 * sent, the reason is counted: no route, to ourselves, or no memory. Not under a lock.
 */
bool cg_send(struct cg_net *cn, struct sock *sk, const struct cg_flow *flow, const u8 *payload,
	     u32 len);

#endif
