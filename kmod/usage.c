// SPDX-License-Identifier: GPL-2.0-only
#include "pkt.h"
#include "usage.h"

#define GRACE 32	/* the NOTIFY that ends it may be sent again so long (timer F) */
#define LIFETIME_MAX (30 * 24 * 3600)
#define DEFAULT_EXPIRES 3600

/* "active;expires=3600" (RFC 6665 4.1.3); "terminated" holds nothing. */
static u32 notified(const struct cg_pkt *p)
{
	const struct sip_header *h = sip_msg_header(&p->msg, SIP_H_SUBSCRIPTION_STATE);
	struct sip_param expires;
	struct sip_str params;
	u32 seconds, end;

	if (!h)
		return 0;
	end = sip_str_end(h->value);
	params = sip_slice(sip_find_byte(p->data, h->value.off, end, ';'), end);
	if (!sip_param_find(p->data, params, "expires", &expires) ||
	    sip_number_parse(p->data, expires.value, U32_MAX, &seconds))
		return 0;
	return seconds;
}

static u32 granted(const struct cg_pkt *p)
{
	const struct sip_msg *m = &p->msg;

	if (m->request)
		return m->method == SIP_M_NOTIFY ? notified(p) : 0;
	if (m->method != SIP_M_SUBSCRIBE || m->status / 100 != 2)
		return 0;
	return m->has_expires ? m->expires : DEFAULT_EXPIRES;
}

/* The pinhole of the hidden side's Contact: in this message, or in the request. */
static struct cg_pin *contact_of(struct cg_pkt *p)
{
	if (p->contact_pin)
		return p->contact_pin;
	if (!p->dnat || !p->txn || !cg_ep_is_set(&p->txn->contact))
		return NULL;
	return cg_sig_of_inside(p->cn, &p->txn->contact, &p->src_old);
}

void cg_usage_message(struct cg_pkt *p)
{
	const struct cg_ep *peer = p->dnat ? &p->src_old : &p->dst_new;
	struct cg_pin *pin;
	u32 seconds;

	/* remembered for its answer */
	if (p->msg.request && p->msg.method == SIP_M_SUBSCRIBE && p->txn && p->contact_pin)
		p->txn->contact = p->contact_pin->in;
	seconds = granted(p);
	if (!seconds)
		return;
	seconds = min_t(u32, seconds, LIFETIME_MAX) + GRACE;
	p->keep = max(p->keep, seconds);
	pin = contact_of(p);
	if (pin)
		pin = cg_sig_open(p->cn, &pin->in, &pin->pub, peer, seconds);
	/* both sides agreed on it (S6, S7) */
	if (pin && !p->msg.request)
		pin->awake = true;
}
