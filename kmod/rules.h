/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rules: would the admin's forward rules let media pass between two hosts?
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

#endif
