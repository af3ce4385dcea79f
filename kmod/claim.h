/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * claim: what would the NAT rules of the admin do with a packet?
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

/*
 * Where would they make the first packet from @from to @to come from, if it left as @like does,
 * which is in the POST_ROUTING hook of @state? *@from becomes that. Under cn->lock.
 */
void cg_claim_source(struct cg_net *cn, struct cg_ep *from, const struct cg_ep *to,
		     const struct sk_buff *like, const struct nf_hook_state *state);

/* Nothing asks any more. */
void cg_claim_fini(struct cg_net *cn);

#endif
