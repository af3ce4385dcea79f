/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * offer: which session description is an offer, which an answer, and what
 * happens when the exchange succeeds or fails (RFC 3264, 3261 13.2.1 and 14).
 *
 * Each description of a side has a generation; pinholes and far endpoints
 * carry the last generation that named them. An agreed exchange drops what the
 * newest description no longer names, a refused one drops what only it named.
 * Under cn->lock.
 */
#ifndef _CG_OFFER_H
#define _CG_OFFER_H

#include "call.h"
#include "sip/str.h"

struct cg_pkt;

/* A description was found in the message: a new generation, unless it is a repeat. */
void cg_offer_begin(struct cg_pkt *p, struct sip_str body);
/* All its streams are in place: an answer may complete the exchange. */
void cg_offer_end(struct cg_pkt *p);
/* The answer refused the stream (port 0): the offerer's pinholes for it go too. */
void cg_offer_reject(struct cg_pkt *p, u16 stream);
/* The response, whether it has a body or not, ends the transaction of the offer. */
void cg_offer_response(struct cg_pkt *p);

/* Where @side on @leg receives; added or confirmed. False: no memory. */
bool cg_far_set(struct cg_pkt *p, u16 stream, u8 comp, const struct cg_ep *ep, bool candidate);
/* On hold, or no address yet: what is known of the stream stays. */
void cg_offer_keep(struct cg_pkt *p, u16 stream);
/* Forgets what belongs to one leg of the callee's side. */
void cg_offer_drop_leg(struct cg_call *call, u8 leg);

#endif
