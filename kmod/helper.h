/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * helper: the conntrack helpers callgate and callgate-open.
 */
#ifndef _CG_HELPER_H
#define _CG_HELPER_H

#include <net/netfilter/nf_conntrack.h>

int cg_helper_register(void);
void cg_helper_unregister(void);

/* Does this conntrack carry one of our helpers? */
bool cg_helper_is_ours(const struct nf_conn *ct);
/*
 * Gives a conntrack that is not confirmed yet our helper: signalling that
 * comes in through a pinhole. False: no memory.
 */
bool cg_helper_attach(struct nf_conn *ct, bool open_only);

#endif
