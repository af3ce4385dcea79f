/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mapped: which inside endpoint has NAT already put behind a public one?
 */
#ifndef _CG_MAPPED_H
#define _CG_MAPPED_H

#include "net.h"

/*
 * Looks through all of conntrack for a flow of the host of *@in that leaves as
 * @pub (the phone asked a STUN server), and sets the port of *@in. False: there is
 * none, or the question was asked too often. Under cn->lock.
 */
bool cg_mapped(struct cg_net *cn, const struct cg_ep *pub, struct cg_ep *in);

#endif
