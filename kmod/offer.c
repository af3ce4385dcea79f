// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>

#include "offer.h"
#include "pkt.h"

#define FAR_MAX 512	/* addresses that one call may name */

static bool of_leg(u8 entry, u8 leg)
{
	return entry == leg || entry == CG_LEG_ALL || leg == CG_LEG_ALL;
}

static void drop_far(struct cg_call *call, u16 i)
{
	call->far[i] = call->far[--call->nfar];
}

/* Agreed: what @side's newest description does not name any more is over. */
static void commit(struct cg_call *call, u8 side, u8 leg)
{
	u16 gen = call->gen[side], i;
	struct cg_pin *pin, *next;

	for (i = call->nfar; i-- > 0; ) {
		struct cg_far *far = &call->far[i];

		if (far->side != side || !of_leg(far->leg, leg))
			continue;
		if (far->gen == gen)
			far->committed = true;
		else
			drop_far(call, i);
	}
	list_for_each_entry_safe(pin, next, &call->pins, owner) {
		if (pin->side != side || !of_leg(pin->leg, leg))
			continue;
		if (pin->gen == gen)
			pin->committed = true;
		else
			cg_pin_close(pin, true);
	}
}

/* Refused: what only @side's newest description named was never agreed. */
static void rollback(struct cg_call *call, u8 side)
{
	u16 gen = call->gen[side], i;
	struct cg_pin *pin, *next;

	for (i = call->nfar; i-- > 0; )
		if (call->far[i].side == side && call->far[i].gen == gen &&
		    !call->far[i].committed)
			drop_far(call, i);
	list_for_each_entry_safe(pin, next, &call->pins, owner)
		if (pin->side == side && pin->gen == gen && !pin->committed)
			cg_pin_close(pin, true);
	call->sdp_seen[side] = 0;
	cg_count(call->cn, CG_R_PIN_ROLLED_BACK);
	cg_event_call(call, CALLGATE_EVENT_CALL_CHANGED, CG_R_PIN_ROLLED_BACK);
}

static void settle(struct cg_call *call, u8 leg)
{
	commit(call, CG_CALLER, leg);
	commit(call, CG_CALLEE, leg);
	call->offer.open = false;
}

void cg_offer_begin(struct cg_pkt *p, struct sip_str body)
{
	struct cg_call *call = p->call;
	u64 seen = cg_hash_more(p, body, p->leg);

	if (call->sdp_seen[p->side] != seen) {
		call->sdp_seen[p->side] = seen;
		call->gen[p->side]++;
	}
}

static bool is_answer(const struct cg_pkt *p)
{
	return p->call->offer.open && p->call->offer.side != p->side;
}

/*
 * An answer in a provisional response binds an early dialog, where there is
 * nothing older to go back to; in a re-INVITE the old session stays in force
 * until the 2xx (RFC 3261 14.1).
 */
static bool is_final_answer(const struct cg_pkt *p)
{
	return p->msg.request || p->msg.status >= 200 || p->call->state == CG_CALL_EARLY;
}

/* The transaction whose exchange was opened last. */
static bool same_txn(const struct cg_pkt *p)
{
	const struct cg_offer *o = &p->call->offer;

	return o->cseq == p->msg.cseq.num && o->txn_side == (p->msg.request ? p->side : !p->side);
}

void cg_offer_end(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	struct cg_offer *o = &call->offer;

	if (is_answer(p)) {
		if (!is_final_answer(p))
			return;
		commit(call, CG_CALLER, p->leg);
		commit(call, CG_CALLEE, p->leg);
		cg_event_call(call, CALLGATE_EVENT_CALL_CHANGED, CG_R_NONE);
		/* an early answer may be followed by others, of other forks */
		if (p->msg.request || p->msg.status >= 200)
			o->open = false;
		return;
	}
	if (same_txn(p) && !o->open) {
		/* sent again, or the answer of one more fork */
		if (!p->msg.request)
			commit(call, p->side, p->leg);
		return;
	}
	*o = (struct cg_offer){
		.open = true,
		.side = p->side,
		.txn_side = p->msg.request ? p->side : !p->side,
		.leg = p->leg,
		.cseq = p->msg.cseq.num,
	};
}

void cg_offer_reject(struct cg_pkt *p, u16 stream)
{
	struct cg_call *call = p->call;
	struct cg_pin *pin;
	u16 i;

	if (!is_answer(p))
		return;
	/* generation 0 is never the newest: the commit that follows drops them */
	list_for_each_entry(pin, &call->pins, owner)
		if (pin->side != p->side && pin->stream == stream && of_leg(pin->leg, p->leg) &&
		    (call->nlegs <= 1 || call->state == CG_CALL_ANSWERED))
			pin->gen = 0;
	for (i = 0; i < call->nfar; i++)
		if (call->far[i].side != p->side && call->far[i].stream == stream &&
		    (call->nlegs <= 1 || call->state == CG_CALL_ANSWERED))
			call->far[i].gen = 0;
}

void cg_offer_response(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	struct cg_offer *o = &call->offer;

	if (!o->open || p->msg.status < 200 || o->cseq != p->msg.cseq.num ||
	    o->txn_side == p->side)
		return;
	if (p->msg.status < 300) {
		/* the answer came earlier, or the description is itself the offer */
		if (o->side == o->txn_side)
			settle(call, p->leg);
		return;
	}
	o->open = false;
	if (call->state == CG_CALL_EARLY)
		return;
	rollback(call, CG_CALLER);
	rollback(call, CG_CALLEE);
}

static struct cg_far *new_far(struct cg_call *call)
{
	u16 cap = call->far_cap ? call->far_cap * 2 : 4;
	struct cg_far *far;

	if (call->nfar < call->far_cap)
		return &call->far[call->nfar++];
	if (cap > FAR_MAX)
		return NULL;
	far = krealloc(call->far, cap * sizeof(*far), GFP_ATOMIC);
	if (!far)
		return NULL;
	call->far = far;
	call->far_cap = cap;
	return &call->far[call->nfar++];
}

bool cg_far_set(struct cg_pkt *p, u16 stream, u8 comp, const struct cg_ep *ep, bool candidate)
{
	struct cg_call *call = p->call;
	u8 leg = p->side == CG_CALLER ? CG_LEG_ALL : p->leg;
	struct cg_far *far;
	u16 i;

	for (i = 0; i < call->nfar; i++) {
		far = &call->far[i];
		if (far->side == p->side && far->leg == leg && far->stream == stream &&
		    far->comp == comp && cg_ep_equal(&far->ep, ep)) {
			far->gen = call->gen[p->side];
			far->candidate &= candidate;
			return true;
		}
	}
	far = new_far(call);
	if (!far) {
		cg_count(call->cn, CG_R_LIMIT_STREAMS);
		return false;
	}
	*far = (struct cg_far){
		.ep = *ep,
		.stream = stream,
		.gen = call->gen[p->side],
		.comp = comp,
		.leg = leg,
		.side = p->side,
		.candidate = candidate,
	};
	return true;
}

void cg_offer_keep(struct cg_pkt *p, u16 stream)
{
	struct cg_call *call = p->call;
	struct cg_pin *pin;
	u16 i;

	for (i = 0; i < call->nfar; i++)
		if (call->far[i].side == p->side && call->far[i].stream == stream)
			call->far[i].gen = call->gen[p->side];
	list_for_each_entry(pin, &call->pins, owner)
		if (pin->side == p->side && pin->stream == stream)
			pin->gen = call->gen[p->side];
}

void cg_offer_drop_leg(struct cg_call *call, u8 leg)
{
	struct cg_pin *pin, *next;
	u16 i;

	for (i = call->nfar; i-- > 0; )
		if (call->far[i].leg == leg)
			drop_far(call, i);
	list_for_each_entry_safe(pin, next, &call->pins, owner)
		if (pin->leg == leg)
			cg_pin_close(pin, true);
}
