/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bind: the hooks that turn pinholes into conntracks, and the guard.
 */
#ifndef _CG_BIND_H
#define _CG_BIND_H

#include "pinhole.h"

void cg_bind_init(struct cg_net *cn);
/*
 * A helper of ours saw its first packet in this namespace: from now on the
 * hooks are needed. Elsewhere they would cost every packet something. They are
 * registered by a work item, because that may sleep.
 */
void cg_bind_begin(struct cg_net *cn);
/* The same at once: gateway use begins before its first packet. Process context. */
void cg_bind_now(struct cg_net *cn);
/* Process context; no packet is in a hook any more afterwards. */
void cg_bind_fini(struct cg_net *cn);

/*
 * The first packet of a flow, last before it leaves: did a signalling pinhole give it the address
 * of one uplink, and its route, chosen later, another uplink? Nobody would answer. The flow must
 * be dropped; that pinhole takes no part in the next one, so that the NAT rules choose. In help().
 */
bool cg_bind_astray(const struct sk_buff *skb, const struct nf_conn *ct);

/* Is one of the conntracks that the pinhole bound still there? Under cn->lock. */
bool cg_bind_alive(const struct cg_pin *pin);
/* Deletes the conntracks that a pinhole bound. Under cn->lock. */
void cg_bind_kill(struct cg_pin *pin);
/* Deletes the conntracks between a signalling pinhole and its peers. Under cn->lock. */
void cg_bind_cut(struct cg_pin *pin);
/*
 * Early media of the phone may have made a plainly masqueraded entry before
 * the pinhole was there; it would keep the wrong port. Under cn->lock.
 */
void cg_bind_displace(struct cg_pin *pin, const struct cg_ep *remote);

#endif
