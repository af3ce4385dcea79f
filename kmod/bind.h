/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bind: the hooks that turn pinholes into conntracks, and the guard.
 */
#ifndef _CG_BIND_H
#define _CG_BIND_H

#include "pinhole.h"

int cg_bind_register(struct net *net);
void cg_bind_unregister(struct net *net);

/* Is one of the conntracks that the pinhole bound still there? Under cn->lock. */
bool cg_bind_alive(const struct cg_pin *pin);
/* Deletes the conntracks that a pinhole bound. Under cn->lock. */
void cg_bind_kill(struct cg_pin *pin);
/*
 * Early media of the phone may have made a plainly masqueraded entry before
 * the pinhole was there; it would keep the wrong port. Under cn->lock.
 */
void cg_bind_displace(struct cg_pin *pin, const struct cg_ep *remote);

#endif
