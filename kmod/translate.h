/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * translate: the header fields that name an inside address (C18, C38).
 *
 * Only host and port of Via, Contact, Request-URI, Route, Record-Route, Path,
 * Service-Route and Refer-To; never From, To, Call-ID or credentials.
 */
#ifndef _CG_TRANSLATE_H
#define _CG_TRANSLATE_H

#include "ep.h"

struct cg_pkt;

/* Collects the edits of the head. Under cn->lock. CG_NEXT or CG_PASS. */
int cg_translate(struct cg_pkt *p);

/* Does the address belong to the hidden sender's side of the router? */
bool cg_is_inside(const struct cg_pkt *p, const struct cg_ep *ep);

#endif
