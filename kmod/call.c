// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "bind.h"
#include "events.h"
#include "expect.h"
#include "offer.h"
#include "pkt.h"

#define WAIT_FIRST 64		/* seconds for the first answer: twice timer B */
#define WAIT_RINGING 600	/* after a provisional response (timer C is over 180) */
#define WAIT_RETRY 32		/* a refused call may come again with credentials */
#define WAIT_BYE 32		/* timer F: RFC 3261 17.1.2 */
#define STALE 3600		/* seconds without SIP and media: may make room */
#define URI_TEXT 255

const struct rhashtable_params cg_call_params = {
	.key_len = sizeof(u64),
	.key_offset = offsetof(struct cg_call, key),
	.head_offset = offsetof(struct cg_call, node),
	.automatic_shrinking = true,
};

static struct kmem_cache *cache;

int cg_call_cache_init(void)
{
	cache = KMEM_CACHE(cg_call, 0);
	return cache ? 0 : -ENOMEM;
}

void cg_call_cache_fini(void)
{
	kmem_cache_destroy(cache);
}

/* ---- finding ---- */

/* The hidden host of the packet; its own address space knows the Call-ID. */
static const struct cg_ep *hidden(const struct cg_pkt *p)
{
	return p->snat ? &p->src_old : p->dnat ? &p->dst_new : NULL;
}

static u64 key_of(const struct cg_pkt *p)
{
	const struct cg_ep *h = hidden(p);
	u64 seed = 0;

	if (h)
		seed = siphash_2u64(h->addr.all[0] | (u64)h->addr.all[1] << 32,
				    h->addr.all[2] | (u64)h->addr.all[3] << 32, &p->cn->key);
	return cg_hash_more(p, p->msg.call_id, seed);
}

static int find_leg(const struct cg_call *call, u64 tag)
{
	u8 i;

	for (i = 0; i < call->nlegs; i++)
		if (call->legs[i].tag == tag)
			return i;
	return -1;
}

/*
 * Which side sent it, and on which leg: the tag that is not the caller's is
 * the callee's (RFC 3261 12). False: another call with the same Call-ID.
 */
static bool place(struct cg_pkt *p, const struct cg_call *call, u64 from, u64 to)
{
	bool by_caller = from == call->caller_tag;
	int leg;

	if (!by_caller && to != call->caller_tag)
		return false;
	leg = find_leg(call, by_caller ? to : from);
	/* a dialog that the callee's side never made is not ours */
	if (!by_caller && leg < 0)
		return false;
	p->side = p->msg.request == by_caller ? CG_CALLER : CG_CALLEE;
	p->leg = leg < 0 ? CG_LEG_ALL : (u8)leg;
	return true;
}

static struct cg_call *find(struct cg_pkt *p, u64 key)
{
	u64 from = cg_hash_str(p, p->msg.from_tag), to = cg_hash_str(p, p->msg.to_tag);
	struct rhlist_head *l, *pos;
	struct cg_call *call;

	l = rhltable_lookup(&p->cn->calls, &key, cg_call_params);
	rhl_for_each_entry_rcu(call, pos, l, node)
		if (place(p, call, from, to))
			return call;
	return NULL;
}

struct cg_call *cg_call_find(struct cg_net *cn, u64 id)
{
	struct cg_call *call;

	list_for_each_entry(call, &cn->call_list, all)
		if (call->id == id)
			return call;
	return NULL;
}

/* ---- beginning ---- */

static u16 keep_text(u8 *to, const struct cg_pkt *p, struct sip_str s, u32 max)
{
	u32 n = min(s.len, max);

	memcpy(to, p->data + s.off, n);
	return (u16)n;
}

static bool keep_texts(struct cg_call *call, struct cg_pkt *p)
{
	struct sip_nameaddr from = {}, to = {};
	u32 n;

	sip_msg_nameaddr(&p->msg, SIP_H_FROM, &from);
	sip_msg_nameaddr(&p->msg, SIP_H_TO, &to);
	n = min_t(u32, p->msg.call_id.len, URI_TEXT) + min_t(u32, from.uri.all.len, URI_TEXT) +
	    min_t(u32, to.uri.all.len, URI_TEXT);
	call->text = kmalloc(n, GFP_ATOMIC);
	if (!call->text)
		return false;
	call->ncallid = keep_text(call->text, p, p->msg.call_id, URI_TEXT);
	call->nfrom = keep_text(call->text + call->ncallid, p, from.uri.all, URI_TEXT);
	call->nto = keep_text(call->text + call->ncallid + call->nfrom, p, to.uri.all, URI_TEXT);
	call->ntag = (u8)keep_text(call->tag, p, p->msg.from_tag, CG_TAG_TEXT);
	return true;
}

static void set_ends(struct cg_call *call, const struct cg_pkt *p)
{
	if (p->dnat && !p->snat) {
		call->dir = CG_CALL_IN;
		call->inside = p->dst_new;
		call->peer = p->src_old;
		call->pub = p->dst_old;
	} else {
		call->dir = p->snat ? CG_CALL_OUT : CG_CALL_THROUGH;
		call->inside = p->src_old;
		call->peer = p->dst_new;
		call->pub = p->src_new;
	}
}

static void note_flow(struct cg_call *call, const struct cg_pkt *p)
{
	call->sig_ct = p->ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	call->sig_zone = nf_ct_zone(p->ct)->id;
}

static bool call_has_flow(const struct cg_call *call)
{
	const struct cg_pin *pin;

	list_for_each_entry(pin, &call->pins, owner)
		if (cg_bind_alive(pin))
			return true;
	return false;
}

/* Nobody heard of it for long: not answered yet, or its BYE was lost. */
static bool is_stale(const struct cg_call *call)
{
	if (call->state != CG_CALL_ANSWERED)
		return true;
	return cg_ms() - call->active > STALE * MSEC_PER_SEC && !call_has_flow(call);
}

/* At its limit a host gives up its own calls only, the least recently active first. */
static bool evict(struct cg_host *h)
{
	struct cg_call *call;
	u32 tries = 16;

	list_for_each_entry(call, &h->call_list, of_host) {
		if (is_stale(call)) {
			cg_call_end(call, CG_R_CALL_EVICTED);
			return true;
		}
		if (!--tries)
			break;
	}
	return false;
}

static int enlist(struct cg_call *call, struct cg_pkt *p)
{
	struct cg_net *cn = p->cn;
	enum cg_reason why;

	call->host = cg_host_get(cn, &call->inside);
	if (!call->host)
		return cg_pass(p, CG_R_NO_MEMORY);
	why = cg_limit_call(cn, call->host);
	if (why == CG_R_LIMIT_HOST_CALLS && evict(call->host))
		why = CG_R_NONE;
	if (why) {
		cg_count(cn, why);
		cg_event_limit(cn, &call->inside, why);
		cg_host_put(cn, call->host);
		return cg_pass(p, CG_R_PASS_LIMIT);
	}
	if (rhltable_insert(&cn->calls, &call->node, cg_call_params)) {
		cg_host_put(cn, call->host);
		return cg_pass(p, CG_R_NO_MEMORY);
	}
	call->host->calls++;
	list_add_tail(&call->of_host, &call->host->call_list);
	list_add_tail(&call->all, &cn->call_list);
	cn->ncalls++;
	cn->generation++;
	return CG_NEXT;
}

static void add_leg(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	struct cg_leg *leg;

	if (call->nlegs == CG_LEGS) {
		cg_count(p->cn, CG_R_LIMIT_LEGS);
		p->leg = CG_LEGS - 1;
		return;
	}
	p->leg = call->nlegs;
	leg = &call->legs[call->nlegs++];
	leg->tag = cg_hash_str(p, p->msg.to_tag);
	leg->state = CG_LEG_EARLY;
	leg->ntext = (u8)keep_text(leg->text, p, p->msg.to_tag, CG_TAG_TEXT);
}

static int begin(struct cg_pkt *p, u64 key)
{
	struct cg_call *call = kmem_cache_zalloc(cache, GFP_ATOMIC);
	int v;

	if (!call)
		return cg_pass(p, CG_R_NO_MEMORY);
	call->key = key;
	call->cn = p->cn;
	call->caller_tag = cg_hash_str(p, p->msg.from_tag);
	call->open_only = p->open_only;
	call->timer.kind = CG_TIMER_CALL;
	INIT_LIST_HEAD(&call->pins);
	call->began = cg_ms();
	call->active = call->began;
	call->invite_cseq = p->msg.cseq.num;
	set_ends(call, p);
	note_flow(call, p);
	v = keep_texts(call, p) ? enlist(call, p) : cg_pass(p, CG_R_NO_MEMORY);
	if (v != CG_NEXT) {
		kfree(call->text);
		kmem_cache_free(cache, call);
		return v;
	}
	call->id = ++p->cn->last_call_id;
	cg_timer_set(&p->cn->wheel, &call->timer, WAIT_FIRST);
	p->call = call;
	p->side = CG_CALLER;
	p->leg = CG_LEG_ALL;
	p->began = true;
	/* a dialog from before our time: whoever speaks first is called the caller */
	if (p->msg.to_tag.len)
		add_leg(p);
	return CG_NEXT;
}

/* A response of the callee that makes a dialog (RFC 3261 12.1). */
static bool makes_dialog(const struct cg_pkt *p)
{
	const struct sip_msg *m = &p->msg;

	return !m->request && m->method == SIP_M_INVITE && m->status > 100 && m->status < 300 &&
	       p->side == CG_CALLEE && p->leg == CG_LEG_ALL;
}

int cg_call_track(struct cg_pkt *p)
{
	const struct sip_msg *m = &p->msg;
	struct cg_call *call;
	u64 key;

	if (!p->cn->ncalls && !(m->request && m->method == SIP_M_INVITE))
		return CG_NEXT;
	key = key_of(p);
	call = find(p, key);
	if (!call && m->request && m->method == SIP_M_INVITE)
		return begin(p, key);
	if (!call)
		return CG_NEXT;
	p->call = call;
	call->active = cg_ms();
	list_move_tail(&call->of_host, &call->host->call_list);
	call->was_side[p->side] = true;
	call->both_ways = call->was_side[CG_CALLER] && call->was_side[CG_CALLEE];
	if (makes_dialog(p))
		add_leg(p);
	/* the phone may have moved to another flow: media belongs to that one now */
	note_flow(call, p);
	return CG_NEXT;
}

/* ---- what a message does ---- */

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

static void answered(struct cg_pkt *p)
{
	struct cg_call *call = p->call;
	struct cg_pin *pin;
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
	/* who may send is certain now */
	list_for_each_entry(pin, &call->pins, owner)
		cg_expect_publish(pin, p->ct);
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

	if (note_branch(call, cg_hash_str(p, p->msg.via.branch), false)) {
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
		note_branch(call, cg_hash_str(p, p->msg.via.branch), false);
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
			cg_timer_set(&call->cn->wheel, &call->timer, WAIT_FIRST);
		call->retry = false;
		call->invite_cseq = p->msg.cseq.num;
		note_branch(call, cg_hash_str(p, p->msg.via.branch), true);
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
	p->keep = 3600;
	if (p->msg.request)
		request(p);
	else
		response(p);
}

/* ---- ends ---- */

static void release_sigs(struct cg_call *call)
{
	int side;

	for (side = CG_CALLER; side <= CG_CALLEE; side++) {
		struct cg_pin *pin = call->sig[side];

		if (!pin)
			continue;
		pin->users--;
		cg_sig_update(pin);
		call->sig[side] = NULL;
	}
}

void cg_call_forget_sig(struct cg_pin *pin)
{
	struct cg_call *call;
	int side;

	list_for_each_entry(call, &pin->cn->call_list, all)
		for (side = CG_CALLER; side <= CG_CALLEE; side++)
			if (call->sig[side] == pin)
				call->sig[side] = NULL;
	pin->users = 0;
}

void cg_call_end(struct cg_call *call, enum cg_reason why)
{
	struct cg_net *cn = call->cn;
	struct cg_pin *pin, *next;
	/* media that flows survives the module and is the namespace's business */
	bool kill = why != CG_R_CALL_UNLOAD && why != CG_R_CALL_NETNS;

	cg_count(cn, why);
	cg_event_call(call, CALLGATE_EVENT_CALL_END, why);
	list_for_each_entry_safe(pin, next, &call->pins, owner)
		cg_pin_close(pin, kill);
	release_sigs(call);
	cg_timer_stop(&cn->wheel, &call->timer);
	rhltable_remove(&cn->calls, &call->node, cg_call_params);
	list_del(&call->all);
	list_del(&call->of_host);
	call->host->calls--;
	cg_host_put(cn, call->host);
	cn->ncalls--;
	cn->generation++;
	kfree(call->far);
	kfree(call->text);
	/* looked up under the lock only: nobody can still see it */
	kmem_cache_free(cache, call);
}

static enum cg_reason overdue(const struct cg_call *call)
{
	const struct cg_settings *set = &call->cn->set;
	u64 now = cg_ms();

	if (call->session && (s32)(cg_now() - call->session_due) >= 0)
		return CG_R_CALL_SESSION_TIMER;
	if (call_has_flow(call))
		return CG_R_NONE;
	if (set->silence && now - call->active >= (u64)set->silence * MSEC_PER_SEC)
		return CG_R_CALL_SILENCE;
	if (set->age && now - call->answered >= (u64)set->age * MSEC_PER_SEC)
		return CG_R_CALL_AGE;
	return CG_R_NONE;
}

void cg_call_expire(struct cg_call *call)
{
	enum cg_reason why = CG_R_CALL_TIMEOUT;

	if (call->state == CG_CALL_ENDING)
		why = CG_R_CALL_BYE;
	else if (call->state == CG_CALL_ANSWERED)
		why = overdue(call);
	else if (call->retry)
		why = CG_R_CALL_REFUSED;
	if (why)
		cg_call_end(call, why);
	else
		cg_timer_set(&call->cn->wheel, &call->timer, 60);
}

void cg_call_flush(struct cg_net *cn, enum cg_reason why)
{
	struct cg_call *call, *next;

	list_for_each_entry_safe(call, next, &cn->call_list, all)
		cg_call_end(call, why);
}

/* ---- who may send media ---- */

const struct cg_far *cg_call_told(const struct cg_call *call, const struct cg_pin *pin,
				  const struct cg_ep *src)
{
	const struct cg_far *best = NULL;
	u16 i;

	for (i = 0; i < call->nfar; i++) {
		const struct cg_far *far = &call->far[i];

		if (far->side == pin->side || far->stream != pin->stream ||
		    far->comp != pin->comp || far->candidate ||
		    far->ep.family != pin->in.family || far->ep.proto != pin->in.proto)
			continue;
		/* of several early dialogs it is the one that sends; else the newest word */
		if (src && cg_ep_equal(&far->ep, src))
			return far;
		if (!best || (s16)(far->gen - best->gen) >= 0)
			best = far;
	}
	return best;
}

bool cg_call_admits(const struct cg_call *call, const struct cg_pin *pin, const struct cg_ep *src)
{
	bool known = false;
	u16 i;

	for (i = 0; i < call->nfar; i++) {
		const struct cg_far *far = &call->far[i];

		if (far->side == pin->side)
			continue;
		if (cg_ep_same_addr(&far->ep, src))
			return true;
		known |= !far->candidate;
	}
	/* before the answer nobody can say who will send; afterwards the signalling peer may */
	return !known || cg_ep_same_addr(&call->peer, src);
}
