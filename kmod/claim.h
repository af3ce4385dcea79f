/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * claim: would a DNAT rule of the admin take a packet to this endpoint?
 */
#ifndef _CG_CLAIM_H
#define _CG_CLAIM_H

#include "net.h"

/*
 * Asks the NAT rules themselves about @count ports from @local on, with a packet
 * made for the question (their counters count it). @dev: where such a packet
 * would come in; NULL: no answer, false. Under cn->lock.
 */
bool cg_claimed(struct cg_net *cn, const struct cg_ep *local, u16 count, const struct cg_ep *peer,
		const struct net_device *dev);

/* Nothing asks any more. */
void cg_claim_fini(struct cg_net *cn);

#endif
