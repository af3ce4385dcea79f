/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * yield: the router's SIP port is the daemon's. The admin's NAT rules know nothing of sockets: they
 * would leave a phone its port 5060, and from then on what its provider sends to the router's
 * 5060 would go to that phone and never to the socket.
 */
#ifndef _CG_YIELD_H
#define _CG_YIELD_H

#include "gate.h"

/*
 * Behind the NAT rules: a flow that they gave the endpoint of an attached socket gets another port
 * of the same address, from the range of the rule. What they do not translate is not translated,
 * what has another port or address keeps it, and so does what a rule gives just that port, or a
 * DNAT rule leads to (a port forward wins). Process context.
 */
int cg_yield_init(struct cg_gate *gate);
void cg_yield_fini(struct cg_gate *gate);

#endif
