/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rules: can two inside hosts meet, by the network or by the admin's forward rules? Does a host
 * send to another as itself?
 */
#ifndef _CG_RULES_H
#define _CG_RULES_H

#include <net/dst.h>
#include "net.h"

/*
 * Asks the rules themselves with a new packet from @from, come in at @in, to
 * @to by the route @dst (their counters count it). BH context.
 */
bool cg_forwards(struct cg_net *cn, const struct cg_ep *from, struct net_device *in,
		 const struct cg_ep *to, struct dst_entry *dst);

/*
 * Would the NAT rules give what @from begins, come in at @in, another address on its way to @to by
 * the route @dst? They are asked in the same way. BH context.
 */
bool cg_hides(struct cg_net *cn, const struct cg_ep *from, struct net_device *in,
	      const struct cg_ep *to, struct dst_entry *dst);

/* Both in a network of @dev: what they send each other never comes to this router. */
bool cg_neighbours(const struct net_device *dev, const struct cg_ep *a,
		   const struct cg_ep *b);

#endif
