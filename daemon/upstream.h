/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream: REGISTER for a domain whose registrar is elsewhere (passive, relay), of phones that use
 * us as their outbound proxy. C07, C16; RFC 3261 16, RFC 3327.
 *
 * It is relayed as it came: no challenge of ours, the phone's credentials and the registrar's 401
 * and 407 untouched, nothing absorbed or answered in its place. Only what the registrar could not
 * reach is changed: Contacts get our address and a token, as those of calls do, and a Path of ours
 * stands on top where the phone knows Path or has one already.
 */
#ifndef UPSTREAM_H
#define UPSTREAM_H

#include "sip/relay.h"
#include "transport.h"

struct domain;

/* The domain of a REGISTER that is to be relayed to its registrar; NULL: it is none. */
const struct domain *upstream_domain(const struct rx *rx);

/*
 * Where the registrar of a domain is: its "relay", its own name where that is an address, the only
 * host in "registrars", or who answered for it where the module saw it (passive.h). @len: 4 or 16,
 * the family that is preferred. False: nothing of it is an address that UDP reaches.
 */
bool upstream_registrar(const struct domain *d, uint8_t len, struct endpoint *out);
/* May @source send for users of @d: one of "registrars", or by default the registrar itself. */
bool upstream_is_registrar(const struct domain *d, const struct endpoint *source);

/*
 * 0, or the code to refuse it with. Phones inside; those outside only where the registrar is ours
 * (relay): else they need no help of ours, and nobody else hides behind our address.
 */
uint16_t upstream_policy(const struct rx *rx, const struct domain *d);

/*
 * For sip_relay.registers, @arg the rx: Contacts that may only mean the phone itself (access.h).
 * Others lead to third hosts, by themselves, and are not ours to stand in for.
 */
sip_relay_contact_fn upstream_hides;
/* The Path, into the edits of the request. */
void upstream_path(const struct sip_msg *m, const struct sip_hop *to, struct sip_edits *e);

/*
 * What the registrar's 2xx grants becomes a location (ORIGIN_RELAYED) of the user, at the flow that
 * the REGISTER came over, so calls for him at our address reach him:
 *
 *  - Only the first final answer counts, from where the request was sent, by Call-ID, CSeq and
 *    branch. 1xx, 3xx and refusals change nothing.
 *  - The registrar's list is what counts, with its expiries: a Contact that is in it is bound for
 *    as long as it says, 0 or absent is not. That goes for other contacts of the user that came
 *    through us, too, but for those that were granted since the request was sent, or by a later
 *    one of the same Call-ID.
 *  - Without a list, or with one Contact in it that nobody knows (who hides ours), what was asked
 *    for is bound for as long as Expires or the request says, and others are left alone.
 *
 * In the answer, the phone finds its own Contacts as it wrote them.
 */

/* A REGISTER of @d was sent on to @registrar. */
void upstream_sent(const struct rx *rx, const struct domain *d, const struct endpoint *registrar);
/* A response with our Via to one: edits its Contacts, and works out what it changes. */
void upstream_answer(const struct rx *rx, struct sip_edits *e);
/*
 * What the last upstream_answer() found is stored; the response is sent when it is, so that what a
 * phone was told is kept is. False: there is nothing to be stored, or it failed: send it.
 */
bool upstream_commit(const struct sip_flow *to, const void *buf, uint32_t len);
void upstream_free(void);

#endif
