/* SPDX-License-Identifier: GPL-2.0-only */
/* route: where a new request goes, and whether it is simple enough for the kernel. */
#ifndef _CG_ROUTE_H
#define _CG_ROUTE_H

#include "forward.h"

/* Is that host and port ours: an address of a socket, or a domain? For sip_relay_look(). */
bool cg_route_ours(void *arg, const u8 *buf, const struct sip_host *h);

/*
 * f->relay is looked at. CG_SENT: to f->way, filled; CG_UP; CG_ASK: f->aor is not known here.
 * Nothing has been done yet.
 */
enum cg_fate cg_route_request(struct cg_fwd *f);

/* f->way leads to that location. */
void cg_route_to(struct cg_fwd *f, const struct cg_location *loc);

void cg_route_end(struct sip_end *end, const struct cg_ep *ep);
void cg_route_ep(struct cg_ep *ep, const struct sip_end *end);

#endif
