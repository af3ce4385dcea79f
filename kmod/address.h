/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * address: what happens when the router loses an address (F14), and where it has one.
 */
#ifndef _CG_ADDRESS_H
#define _CG_ADDRESS_H

#include "ep.h"

struct net;
struct net_device;

/*
 * Does the router have the address at another interface than @out, and not at lo, from where it
 * may use it everywhere? RCU.
 */
bool cg_address_elsewhere(struct net *net, const struct cg_ep *ep, const struct net_device *out);

int cg_address_init(void);
void cg_address_fini(void);

#endif
