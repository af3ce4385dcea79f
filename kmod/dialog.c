// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a message does to its call: ringing, answered, refused, refreshed,
 * ended (RFC 3261 12 to 15, RFC 4028). Only a dialog's own peers end it.
 */
#include "events.h"
#include "expect.h"
#include "offer.h"
#include "pkt.h"

#define WAIT_RINGING 600	/* after a provisional response (timer C is over 180) */
#define WAIT_RETRY 32		/* a refused call may come again with credentials */
#define WAIT_BYE 32		/* timer F: RFC 3261 17.1.2 */

static void set_deadline(struct cg_call *call)
{
	const struct cg_settings *set = &call->cn->set;
	struct cg_wheel *w = &call->cn->wheel;
	u32 limit = set->silence;

	if (set->age && (!limit || set->age < limit))
		limit = set->age;
	if (call->session) {
		/* one whole interval of grace: a lost refresh is repeated (F94) */
		call->session_due = cg_now() + 2 * call->session;
		if (!limit || 2 * call->session < limit)
			limit = 2 * call->session;
	}
	if (limit)
		cg_timer_set(w, &call->timer, limit);
	else
		cg_timer_stop(w, &call->timer);
}

static void session_timer(struct cg_pkt *p)
{
	const struct sip_header *h = sip_msg_header(&p->msg, SIP_H_SESSION_EXPIRES);
	struct sip_session_expires se;

	p->call->session = 0;
	if (h && !sip_session_expires_parse(p->data, h->value, &se))
		p->call->session = min_t(u32, se.seconds, 30 * 24 * 3600);
	if (p->call->state == CG_CALL_ANSWERED)
		set_deadline(p->call);
}

static void publish(struct cg_pkt *p)
{
	struct cg_pin *pin;

	list_for_each_entry(pin, &p->call->pins, owner)
		cg_expect_publish(pin, p->ct);
}

/* Both sides are in the call: a Contact's own port may be used now (S6). */
static void wake_contacts(struct cg_call *call)
{
	int side;

	for (side = CG_CALLER; side <= CG_CALLEE; side++)
		if (call->sig[side])
			call->sig[side]->awake = true;
}

static void answered(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	u8 i;

	if (p->leg != CG_LEG_ALL && call->legs[p->leg].state == CG_LEG_EARLY)
		call->legs[p->leg].state = CG_LEG_CONFIRMED;
	/* other early dialogs lost; a late 2xx of one names its addresses again */
	for (i = 0; i < call->nlegs; i++)
		if (call->legs[i].state == CG_LEG_EARLY)
			cg_offer_drop_leg(call, i);
	call->retry = false;
	if (call->state != CG_CALL_EARLY)
		return;
	call->state = CG_CALL_ANSWERED;
	call->answered = cg_ms();
	cg_event_call(call, CALLGATE_EVENT_CALL_ANSWERED, CG_R_CALL_ANSWERED);
	wake_contacts(call);
	/* who may send is certain now */
	publish(p);
}

/* Finals after which the same call is usually tried again. */
static bool retryable(u16 status)
{
	static const u16 list[] = { 401, 407, 413, 415, 416, 420, 421, 422, 428, 436, 437, 438,
				    484, 488, 491, 493, 494, 500, 503 };
	u32 i;

	if (status < 400)
		return true;
	for (i = 0; i < ARRAY_SIZE(list); i++)
		if (list[i] == status)
			return true;
	return false;
}

/* One more or one less INVITE of this call under way to the same host. */
static bool note_branch(struct cg_call *call, u64 branch, bool add)
{
	u8 i;

	for (i = 0; i < call->nbranches; i++)
		if (call->branches[i] == branch)
			break;
	if (add) {
		if (i == call->nbranches && i < CG_BRANCHES)
			call->branches[call->nbranches++] = branch;
		return true;
	}
	if (i < call->nbranches)
		call->branches[i] = call->branches[--call->nbranches];
	return call->nbranches;
}

static void refused(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	u16 status = p->msg.status;

	if (note_branch(call, cg_branch(p), false)) {
		/* another fork is still ringing: only this dialog is over */
		if (p->leg != CG_LEG_ALL) {
			call->legs[p->leg].state = CG_LEG_ENDED;
			cg_offer_drop_leg(call, p->leg);
		}
		return;
	}
	if (!retryable(status)) {
		cg_call_end(call, status == 487 ? CG_R_CALL_CANCELLED : CG_R_CALL_REFUSED);
		p->call = NULL;
		return;
	}
	call->retry = true;
	cg_timer_set(&call->cn->wheel, &call->timer, WAIT_RETRY);
}

static void invite_response(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	u16 status = p->msg.status;

	if (p->side != CG_CALLEE || p->msg.cseq.num != call->invite_cseq)
		return;
	if (status < 200) {
		if (call->state == CG_CALL_EARLY && !call->retry)
			cg_timer_set(&call->cn->wheel, &call->timer, WAIT_RINGING);
	} else if (status < 300) {
		note_branch(call, cg_branch(p), false);
		answered(p);
	} else if (call->state == CG_CALL_EARLY) {
		refused(p);
	}
}

static bool any_leg(const struct cg_call *call, u8 state)
{
	u8 i;

	for (i = 0; i < call->nlegs; i++)
		if (call->legs[i].state == state)
			return true;
	return false;
}

static void leg_ended(struct cg_pkt *p, struct cg_leg *leg)
{
	struct cg_call *call = p->call;

	leg->state = CG_LEG_ENDED;
	if (any_leg(call, CG_LEG_CONFIRMED) || any_leg(call, CG_LEG_BYE)) {
		cg_offer_drop_leg(call, p->leg);
		return;
	}
	cg_call_end(call, CG_R_CALL_BYE);
	p->call = NULL;
}

/* Both tags must name a dialog that was made here: nobody else may end it. */
static void bye_request(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	struct cg_leg *leg;

	if (p->leg == CG_LEG_ALL)
		return;
	leg = &call->legs[p->leg];
	if (leg->state == CG_LEG_ENDED || leg->state == CG_LEG_BYE)
		return;
	leg->state = CG_LEG_BYE;
	leg->bye_cseq = p->msg.cseq.num;
	leg->bye_side = p->side;
	if (any_leg(call, CG_LEG_CONFIRMED))
		return;
	call->state = CG_CALL_ENDING;
	cg_timer_set(&call->cn->wheel, &call->timer, WAIT_BYE);
}

static void bye_response(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	u16 status = p->msg.status;
	struct cg_leg *leg;

	if (p->leg == CG_LEG_ALL || status < 200)
		return;
	leg = &call->legs[p->leg];
	if (leg->state != CG_LEG_BYE || leg->bye_cseq != p->msg.cseq.num ||
	    leg->bye_side == p->side)
		return;
	if (status < 300 || status == 408 || status == 481) {
		leg_ended(p, leg);
	} else if (status == 401 || status == 407) {
		/* it comes again with credentials, or the call goes on */
		leg->state = CG_LEG_CONFIRMED;
		call->state = CG_CALL_ANSWERED;
		set_deadline(call);
	}
}

static void request(struct cg_pkt *p)
{
	struct cg_call *call = p->call;

	if (p->msg.method == SIP_M_BYE) {
		bye_request(p);
	} else if (p->msg.method == SIP_M_INVITE && p->side == CG_CALLER &&
		   (p->leg == CG_LEG_ALL || p->began)) {
		if (p->msg.cseq.num > call->invite_cseq || call->retry)
			call->nbranches = 0;
		if (call->retry || p->began)
			cg_timer_set(&call->cn->wheel, &call->timer, CG_CALL_FIRST);
		call->retry = false;
		call->invite_cseq = p->msg.cseq.num;
		note_branch(call, cg_branch(p), true);
	}
}

static void response(struct cg_pkt *p)
{
	u8 method = p->msg.method;

	cg_offer_response(p);
	if (method == SIP_M_BYE) {
		bye_response(p);
		return;
	}
	if (method == SIP_M_INVITE)
		invite_response(p);
	if (p->call && p->call->state == CG_CALL_ANSWERED && p->msg.status / 100 == 2 &&
	    (method == SIP_M_INVITE || method == SIP_M_UPDATE))
		session_timer(p);
}

void cg_call_advance(struct cg_pkt *p)
{
	if (!p->call)
		return;
	if (p->began)
		cg_event_call(p->call, CALLGATE_EVENT_CALL_NEW, CG_R_CALL_BEGAN);
	if (p->replied && !(p->msg.status >= 200 && p->msg.method == SIP_M_INVITE))
		publish(p);
	p->keep = max_t(u32, p->keep, p->call->loose ? CG_CALL_LOOSE : 3600);
	if (p->msg.request)
		request(p);
	else
		response(p);
}
