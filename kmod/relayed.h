/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * relayed: the media of calls that this router relays itself (forward.c, or the
 * daemon by CALLGATE_CMD_MEDIA): the same calls, pinholes and edits as of what
 * passes through, but made from the two ends of the message's way instead of a
 * packet and its conntrack. The head is the relay's affair.
 *
 *   inside -> outside   the sender is hidden, if its media would be: then its
 *                       addresses become that of ours on the outside hop,
 *                       whatever kind of address that is
 *   outside -> inside   the receiver is hidden in the same way
 *   inside -> inside    nobody is hidden where the rules hide nobody: phones of
 *                       one network send to one another, others through
 *                       pinholes of the router
 *   outside -> outside  nothing is done
 *   IPv4 -> IPv6        nothing is done, and it is counted
 *
 * Hidden is a host whose packets to the peer the NAT rules give another source
 * address; and one with a private address whose peer has none, which nothing
 * could come back to. That is asked when a call begins; what follows is of the
 * call that it finds. Who is not hidden gets pinholes at its own address, and
 * no edits.
 */
#ifndef _CG_RELAYED_H
#define _CG_RELAYED_H

#include "net.h"
#include "sip/edit.h"
#include "sip/token.h"

struct cg_relayed {
	const struct sip_msg *msg;	/* as it came, parsed from a whole datagram */
	const struct sip_hop *from, *to;	/* both ends that are ours and theirs */
	struct sip_edits *edits;	/* those of the relay; ours are added */
	u64 call;	/* out: its id; 0: of no call */
};

/*
 * To be called for each message that is relayed, once what it becomes is known; again for each
 * copy. True: edits of the body and Content-Length were added. Takes cn->lock; any context but hard
 * interrupts.
 */
bool cg_relayed(struct cg_net *cn, struct cg_relayed *r);

#endif
