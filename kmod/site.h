/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * site: two phones of this site in one call, whose provider does not carry
 * their media (F60, F61; RFC 4787 REQ-9).
 *
 * Each is told the other's public address, which is the router itself. Where
 * they can reach each other, by route and by the admin's forward rules, the
 * inside address is put back; else media goes through the router and back
 * (hairpin, bind.c). Under cn->lock.
 */
#ifndef _CG_SITE_H
#define _CG_SITE_H

#include "pinhole.h"

struct cg_pkt;
struct cg_descr;

/* The open media pinhole with this public endpoint, where it is translated; NULL: none. */
struct cg_pin *cg_site_public(struct cg_net *cn, const struct cg_ep *pub);
/* The open media pinhole of this inside endpoint, where it is translated; NULL: none. */
struct cg_pin *cg_site_inside(struct cg_net *cn, const struct cg_ep *in);

/*
 * Is every address of the description that of one phone here, which the
 * receiver of the message can reach itself, there and back?
 */
bool cg_site_direct(struct cg_descr *d);

#endif
