// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "bind.h"
#include "events.h"
#include "mode.h"
#include "offer.h"
#include "pkt.h"

#define STALE 3600		/* seconds without SIP and media: may make room */
#define URI_TEXT 255

const struct rhashtable_params cg_call_params = {
	.key_len = sizeof(u64),
	.key_offset = offsetof(struct cg_call, key),
	.head_offset = offsetof(struct cg_call, node),
	.hashfn = cg_key_hash,
	.obj_cmpfn = cg_key_differs,
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

/* This and find(): no calls of their own on the way of every message. */
static __always_inline u64 key_of(const struct cg_pkt *p)
{
	const struct cg_ep *h = hidden(p);

	return cg_hash_more(p, p->msg.call_id, h ? cg_hash_addr(p->cn, h, 0) : 0);
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

static __always_inline struct cg_call *find(struct cg_pkt *p, u64 key)
{
	struct rhlist_head *l, *pos;
	struct cg_call *call;
	u64 from, to;

	l = rhltable_lookup(&p->cn->calls, &key, cg_call_params);
	if (!l)
		return NULL;
	from = cg_hash_str(p, p->msg.from_tag);
	to = cg_hash_str(p, p->msg.to_tag);
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

/* The URI of a name-addr without reading all of it again: what stands between < and >. */
static struct sip_str uri_of(const struct cg_pkt *p, u32 header)
{
	const struct sip_header *h = sip_msg_header(&p->msg, header);
	u32 end = sip_str_end(h->value), from, to;

	from = sip_find_byte(p->data, h->value.off, end, '<');
	if (from == end)
		return sip_slice(h->value.off, sip_find_byte(p->data, h->value.off, end, ';'));
	to = sip_find_byte(p->data, from, end, '>');
	return sip_slice(from + 1, to);
}

static bool keep_texts(struct cg_call *call, struct cg_pkt *p)
{
	struct sip_str from = uri_of(p, SIP_H_FROM), to = uri_of(p, SIP_H_TO);
	u32 n = min_t(u32, p->msg.call_id.len, URI_TEXT) + min_t(u32, from.len, URI_TEXT) +
		min_t(u32, to.len, URI_TEXT);

	call->text = kmalloc(n, GFP_ATOMIC);
	if (!call->text)
		return false;
	call->ncallid = keep_text(call->text, p, p->msg.call_id, URI_TEXT);
	call->nfrom = keep_text(call->text + call->ncallid, p, from, URI_TEXT);
	call->nto = keep_text(call->text + call->ncallid + call->nfrom, p, to, URI_TEXT);
	call->ntag = (u8)keep_text(call->tag, p, p->msg.from_tag, CG_TAG_TEXT);
	return true;
}

static void set_ends(struct cg_call *call, const struct cg_pkt *p)
{
	if ((p->dnat && !p->snat) || (!p->ct && p->dir == CG_CALL_IN)) {
		call->dir = CG_CALL_IN;
		call->inside = p->dst_new;
		call->peer = p->src_old;
		call->pub = p->dst_old;
	} else {
		call->dir = p->snat ? CG_CALL_OUT : p->ct ? CG_CALL_THROUGH : p->dir;
		call->inside = p->src_old;
		call->peer = p->dst_new;
		call->pub = p->src_new;
	}
}

static void note_flow(struct cg_call *call, const struct cg_pkt *p)
{
	if (!p->ct)
		return;
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

static bool begins_call(const struct cg_pkt *p)
{
	return p->msg.request && p->msg.method == SIP_M_INVITE;
}

/* A session in another method's message: a request, or the answer to one that was seen. */
static bool describes(struct cg_pkt *p)
{
	u8 class = p->msg.ctype.class;
	struct sip_part part;

	if (class == SIP_MEDIA_MULTI) {
		sip_body_init(&p->parts, &p->msg);
		if (!sip_body_next_sdp(&p->parts, &part))
			return false;
	} else if (class != SIP_MEDIA_SDP && class != SIP_MEDIA_FRAG) {
		return false;
	}
	return p->msg.request ? p->msg.method != SIP_M_ACK : p->txn && p->msg.status / 100 == 2;
}

static u8 loose_side(const struct cg_pkt *p)
{
	return p->snat || !p->dnat ? CG_CALLER : CG_CALLEE;
}

static int begin(struct cg_pkt *p, u64 key)
{
	struct cg_call *call;
	int v;

	if (!cg_mode_admits(p))
		return cg_pass(p, CG_R_MODE_OFF);
	call = kmem_cache_zalloc(cache, GFP_ATOMIC);
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
	call->loose = !begins_call(p);
	cg_timer_set(&p->cn->wheel, &call->timer, call->loose ? CG_CALL_LOOSE : CG_CALL_FIRST);
	p->call = call;
	p->side = call->loose ? loose_side(p) : CG_CALLER;
	p->leg = CG_LEG_ALL;
	p->began = true;
	call->was_side[p->side] = true;
	/* the request of an answer was seen */
	call->both_ways = !p->msg.request;
	p->cn->nloose += call->loose;
	/* a dialog from before our time: whoever speaks first is called the caller */
	if (p->msg.to_tag.len && !call->loose)
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

/*
 * Descriptions outside calls: one object for a host and its peer, whatever the
 * Call-ID, so that a keep-alive that asks again and again finds the same ports.
 */
static u64 loose_key(const struct cg_pkt *p)
{
	bool from_host = p->snat || !p->dnat;
	const struct cg_ep *host = from_host ? &p->src_old : &p->dst_new;
	const struct cg_ep *peer = from_host ? &p->dst_new : &p->src_old;

	return cg_hash_addr(p->cn, host, cg_hash_addr(p->cn, peer, 1));
}

static int track_loose(struct cg_pkt *p)
{
	u64 key = loose_key(p);
	struct rhlist_head *l, *pos;
	struct cg_call *call, *found = NULL;
	bool described = describes(p);

	l = rhltable_lookup(&p->cn->calls, &key, cg_call_params);
	rhl_for_each_entry_rcu(call, pos, l, node)
		if (call->loose)
			found = call;
	if (!found)
		return described ? begin(p, key) : CG_NEXT;
	/* an answer: the other side takes part; to a new question it has yet to come */
	if (!p->msg.request)
		found->both_ways = true;
	else if (described && loose_side(p) == CG_CALLER)
		found->both_ways = false;
	if (!described)
		return CG_NEXT;
	found->active = cg_ms();
	cg_timer_set(&p->cn->wheel, &found->timer, CG_CALL_LOOSE);
	p->call = found;
	p->side = loose_side(p);
	p->leg = CG_LEG_ALL;
	note_flow(found, p);
	return CG_NEXT;
}

bool cg_call_known(struct cg_pkt *p)
{
	return p->cn->ncalls && find(p, key_of(p));
}

int cg_call_track(struct cg_pkt *p)
{
	struct cg_call *call = NULL;
	u64 key;

	if (p->cn->ncalls || begins_call(p)) {
		key = key_of(p);
		call = find(p, key);
		if (!call && begins_call(p))
			return begin(p, key);
	}
	if (!call && (describes(p) || (p->cn->nloose && p->txn && p->msg.status / 100 == 2)))
		return track_loose(p);
	if (!call)
		return CG_NEXT;
	p->call = call;
	call->active = cg_ms();
	list_move_tail(&call->of_host, &call->host->call_list);
	call->was_side[p->side] = true;
	p->replied = !call->both_ways && call->was_side[!p->side];
	call->both_ways |= p->replied;
	if (makes_dialog(p))
		add_leg(p);
	/* the phone may have moved to another flow: media belongs to that one now */
	note_flow(call, p);
	return CG_NEXT;
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
	cn->nloose -= call->loose;
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
	else if (call->loose)
		why = CG_R_CALL_LOOSE;
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
		    far->comp != pin->comp || far->ep.family != pin->in.family ||
		    far->ep.proto != pin->in.proto)
			continue;
		/* of several early dialogs, and of ICE candidates, it is the one that sends */
		if (src && cg_ep_equal(&far->ep, src))
			return far;
		if (far->candidate)
			continue;
		/* else the newest word */
		if (!best || (s16)(far->gen - best->gen) >= 0)
			best = far;
	}
	return best;
}

bool cg_call_admits(const struct cg_call *call, const struct cg_pin *pin, const struct cg_ep *src)
{
	bool known = false;
	u16 i;

	/* who heard nothing of the call cannot know its port (S7) */
	if (!call->both_ways)
		return false;
	for (i = 0; i < call->nfar; i++) {
		const struct cg_far *far = &call->far[i];

		if (far->side == pin->side)
			continue;
		if (cg_ep_same_addr(&far->ep, src))
			return true;
		known |= !far->candidate;
	}
	/* before the answer nobody can say who will send; afterwards the signalling peer may */
	return (!known && !call->loose) || cg_ep_same_addr(&call->peer, src);
}
