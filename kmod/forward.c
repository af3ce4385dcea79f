// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <linux/vmalloc.h>
#include <net/sock.h>

#include "bucket.h"
#include "forward.h"
#include "hold.h"
#include "parties.h"
#include "pkt.h"
#include "relayed.h"
#include "route.h"
#include "send.h"

static struct cg_fwd * __percpu *contexts;

int cg_forward_init(void)
{
	int cpu;

	if (contexts)
		return 0;
	contexts = alloc_percpu(struct cg_fwd *);
	if (!contexts)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct cg_fwd *f = vzalloc_node(sizeof(*f), cpu_to_node(cpu));

		if (!f) {
			cg_forward_fini();
			return -ENOMEM;
		}
		*per_cpu_ptr(contexts, cpu) = f;
	}
	return 0;
}

void cg_forward_fini(void)
{
	int cpu;

	if (!contexts)
		return;
	for_each_possible_cpu(cpu)
		vfree(*per_cpu_ptr(contexts, cpu));
	free_percpu(contexts);
	contexts = NULL;
}

/* This processor's; NULL: it is in use (a hook within a hook). */
static struct cg_fwd *get(void)
{
	struct cg_fwd *f;

	local_bh_disable();
	f = *this_cpu_ptr(contexts);
	if (f->busy) {
		local_bh_enable();
		return NULL;
	}
	f->busy = true;
	return f;
}

static void put(struct cg_fwd *f)
{
	f->busy = false;
	local_bh_enable();
}

/* ---- the datagram ---- */

static void read_ends(struct cg_flow *flow, const struct sk_buff *skb)
{
	const struct udphdr *uh = udp_hdr(skb);

	if (skb->protocol == htons(ETH_P_IP)) {
		const struct iphdr *ip = ip_hdr(skb);

		cg_ep_make(&flow->remote, NFPROTO_IPV4, IPPROTO_UDP, (const u8 *)&ip->saddr,
			   ntohs(uh->source));
		cg_ep_make(&flow->local, NFPROTO_IPV4, IPPROTO_UDP, (const u8 *)&ip->daddr,
			   ntohs(uh->dest));
	} else {
		const struct ipv6hdr *ip6 = ipv6_hdr(skb);

		cg_ep_make(&flow->remote, NFPROTO_IPV6, IPPROTO_UDP, (const u8 *)&ip6->saddr,
			   ntohs(uh->source));
		cg_ep_make(&flow->local, NFPROTO_IPV6, IPPROTO_UDP, (const u8 *)&ip6->daddr,
			   ntohs(uh->dest));
	}
	flow->ifindex = skb->skb_iif;
}

static void begin(struct cg_fwd *f, const struct cg_sock *ks, const struct sk_buff *skb)
{
	f->gate = ks->gate;
	f->rules = rcu_dereference(ks->gate->rules);
	f->sk = ks->sk;
	f->sock_id = ks->id;
	f->why = CG_R_NONE;
	f->naor = 0;
	read_ends(&f->in, skb);
	f->inside = cg_rules_inside(f->rules, &f->in.remote, f->in.ifindex);
}

/* Too many of one source, before anything is done with them. */
static bool is_flood(struct cg_fwd *f)
{
	bool live = cg_location_heard(f->gate, &f->in.remote, f->in.local.port);

	if (live || !f->rules->rate || f->inside || cg_rules_trusted(f->rules, &f->in.remote))
		return false;
	return !cg_bucket_admits(f->gate, f->rules, &f->in.remote);
}

static void set_hop(struct sip_hop *hop, const struct cg_flow *flow, u8 zone)
{
	cg_route_end(&hop->local, &flow->local);
	cg_route_end(&hop->remote, &flow->remote);
	hop->ifindex = flow->ifindex;
	hop->transport = SIP_T_UDP;
	hop->zone = zone;
}

static bool is_realm(void *arg, const u8 *realm, u32 len)
{
	const struct cg_fwd *f = arg;

	return cg_rules_realm(f->rules, realm, len);
}

static bool is_stranger(void *arg, const struct sip_hop *hop)
{
	const struct cg_fwd *f = arg;
	struct cg_ep ep;

	cg_route_ep(&ep, &hop->remote);
	return hop->zone == SIP_ZONE_OUTSIDE && !cg_rules_trusted(f->rules, &ep);
}

/* False: not a whole SIP message, or nothing is forwarded here. */
static bool parse(struct cg_fwd *f, const u8 *data, u32 len)
{
	struct sip_relay *r = &f->relay;

	f->data = data;
	f->len = len;
	if (!f->rules->has_key || !len || !cg_may_begin(data[0], len) ||
	    sip_msg_parse(&f->msg, data, len, SIP_DATAGRAM) != SIP_OK)
		return false;
	sip_edit_init(&f->edits);
	memset(r, 0, offsetof(struct sip_relay, text));
	r->key = &f->rules->key;
	r->ours = cg_route_ours;
	r->realm = is_realm;
	r->stranger = is_stranger;
	r->arg = f;
	r->owner = SIP_OWNER_KERNEL;
	r->why = CG_R_RELAYED;
	set_hop(&r->from, &f->in, f->inside ? SIP_ZONE_INSIDE : SIP_ZONE_OUTSIDE);
	return true;
}

/* ---- out ---- */

/* Is what was made of the message valid, and as long as it says? */
static bool is_intended(struct cg_fwd *f, u32 len)
{
	return sip_msg_parse(&f->after, f->out, len, SIP_DATAGRAM) == SIP_OK &&
	       f->after.method == f->msg.method && f->after.status == f->msg.status &&
	       f->after.body.len == sip_edit_body_length(&f->edits, &f->msg) &&
	       sip_str_eq(f->out, f->after.call_id, f->data, f->msg.call_id);
}

/* Builds, parses again, sends. */
static enum cg_fate emit(struct cg_fwd *f, const struct cg_flow *to)
{
	struct cg_relayed media = {
		.msg = &f->msg, .from = &f->relay.from, .to = &f->relay.to, .edits = &f->edits,
	};
	u32 len;

	cg_relayed(f->gate->cn, &media);
	len = sip_edit_length(&f->edits, f->len);
	if (len > CG_FORWARD_MAX ||
	    sip_edit_apply(&f->edits, f->data, f->len, f->out, CG_FORWARD_MAX) ||
	    !is_intended(f, len))
		return cg_up(f, CG_R_UP_RELAY);
	if (!cg_send(f->gate->cn, f->sk, to, f->out, len))
		return cg_up(f, CG_R_UP_RELAY);
	return CG_SENT;
}

static enum cg_fate send_request(struct cg_fwd *f)
{
	struct sip_relay *r = &f->relay;

	set_hop(&r->to, &f->way.to, f->way.zone);
	r->target = f->way.ntarget ? f->way.target : NULL;
	r->target_len = f->way.ntarget;
	if (sip_relay_request(r, &f->msg, &f->edits) != SIP_RELAY_OK)
		return cg_up(f, CG_R_UP_RELAY);
	return emit(f, &f->way.to);
}

static enum cg_fate response(struct cg_fwd *f)
{
	struct cg_flow to;
	int result;

	if (sip_relay_owner(&f->msg) != SIP_OWNER_KERNEL)
		return cg_up(f, CG_R_UP_OWNER);
	if (f->msg.status == 100) {
		cg_count(f->gate->cn, CG_R_FWD_TRYING);
		return CG_GONE;
	}
	result = sip_relay_response(&f->relay, &f->msg, &f->edits);
	if (result == SIP_RELAY_FORGED) {
		cg_count(f->gate->cn, CG_R_FWD_FORGED);
		return CG_GONE;
	}
	if (result != SIP_RELAY_OK)
		return cg_up(f, CG_R_UP_RELAY);
	cg_route_ep(&to.local, &f->relay.to.local);
	cg_route_ep(&to.remote, &f->relay.to.remote);
	to.ifindex = f->relay.to.ifindex;
	if (!cg_attach_has(f->gate, &to.local))
		return cg_up(f, CG_R_UP_RELAY);
	cg_parties_response(f);
	return emit(f, &to);
}

/* ---- requests ---- */

/* Also of a transaction that began before the key changed. */
static bool find_owner(struct cg_fwd *f)
{
	const struct sip_key *key = &f->rules->key;
	u64 old;

	f->txn = sip_relay_txn(key->key[0], &f->msg, &f->relay.from);
	if (cg_owner_find(f->gate, f->txn, &f->way))
		return true;
	if (!key->has_old)
		return false;
	old = sip_relay_txn(key->key[1], &f->msg, &f->relay.from);
	f->relay.old_key = cg_owner_find(f->gate, old, &f->way);
	return f->relay.old_key;
}

/* The ACK of a 2xx is a transaction of its own and has no answer; no other copy meets another. */
static bool is_remembered(const struct cg_fwd *f)
{
	return f->msg.method != SIP_M_ACK && f->msg.method != SIP_M_CANCEL &&
	       f->msg.method != SIP_M_REGISTER;
}

/* Another processor may have been faster: then what it decided counts. False: not remembered. */
static bool own(struct cg_fwd *f, u8 who)
{
	f->way.who = who;
	return !is_remembered(f) ||
	       cg_owner_add(f->gate, f->txn, &f->way, f->msg.method == SIP_M_INVITE) ||
	       cg_owner_find(f->gate, f->txn, &f->way);
}

/* What is decided is done. A copy that cannot be remembered is dropped: it comes again. */
static enum cg_fate follow(struct cg_fwd *f, u8 who)
{
	if (!own(f, who)) {
		cg_count(f->gate->cn, CG_R_FWD_NO_MEMORY);
		return CG_GONE;
	}
	if (f->way.who == SIP_OWNER_DAEMON)
		return cg_up(f, f->why ?: CG_R_UP_OWNER);
	cg_parties_request(f);
	return send_request(f);
}

static enum cg_fate request(struct cg_fwd *f)
{
	enum cg_fate fate;
	bool known;

	if (f->msg.method == SIP_M_REGISTER)
		return cg_up(f, CG_R_UP_OFF);
	if (sip_relay_look(&f->relay, &f->msg) != SIP_RELAY_OK)
		return cg_up(f, CG_R_UP_ROUTE);
	known = find_owner(f);
	if (known && f->way.who == SIP_OWNER_DAEMON)
		return cg_up(f, CG_R_UP_OWNER);
	if (known)
		return send_request(f);
	if (f->msg.method == SIP_M_CANCEL)
		return cg_up(f, CG_R_UP_OWNER);
	fate = cg_route_request(f);
	if (fate == CG_ASK)
		return fate;
	return follow(f, fate == CG_SENT ? SIP_OWNER_KERNEL : SIP_OWNER_DAEMON);
}

/* ---- in ---- */

static enum cg_fate handle(struct cg_fwd *f, struct sk_buff *skb)
{
	const u32 head = sizeof(struct udphdr);
	enum cg_fate fate;

	if (is_flood(f)) {
		cg_count(f->gate->cn, CG_R_FWD_RATED);
		return CG_GONE;
	}
	if (skb_linearize(skb))
		return cg_up(f, CG_R_FWD_NO_MEMORY);
	if (!parse(f, skb->data + head, skb->len - head))
		return cg_up(f, f->rules->has_key ? CG_R_UP_NOT_SIP : CG_R_UP_OFF);
	fate = f->msg.request ? request(f) : response(f);
	if (fate == CG_SENT)
		cg_count(f->gate->cn, f->msg.request ? CG_R_FWD_REQUEST : CG_R_FWD_RESPONSE);
	return fate;
}

/* Nobody to ask, or no room: the daemon's, by its socket. */
static enum cg_fate ask(struct cg_fwd *f, struct sk_buff *skb)
{
	if (cg_hold_ask(f, skb))
		return CG_ASK;
	f->why = CG_R_UP_NOT_ASKED;
	return follow(f, SIP_OWNER_DAEMON);
}

/* The network's input holds RCU's read lock. */
int cg_forward_receive(struct sock *sk, struct sk_buff *skb)
{
	struct cg_fwd *f = get();
	const struct cg_sock *ks;
	enum cg_fate fate = CG_UP;

	if (!f)
		return 1;
	ks = rcu_dereference_sk_user_data(sk);
	if (!ks)
		goto out;
	begin(f, ks, skb);
	fate = handle(f, skb);
	if (fate == CG_ASK)
		fate = ask(f, skb);
	if (fate == CG_UP)
		cg_count(f->gate->cn, f->why);
	if (fate == CG_SENT || fate == CG_GONE)
		consume_skb(skb);
out:
	put(f);
	return fate == CG_UP;
}

/* ---- what waited ---- */

#define RELAY_LEN ALIGN(offsetof(struct sip_relay, text), sizeof(u64))

static u32 used_of(const struct sip_msg *m)
{
	return offsetof(struct sip_msg, headers) + m->n_headers * sizeof(m->headers[0]);
}

struct cg_parsed *cg_forward_keep(const struct cg_fwd *f, u32 *size)
{
	u32 len = used_of(&f->msg);
	struct cg_parsed *p;

	*size = sizeof(*p) + RELAY_LEN + len;
	p = kmalloc(*size, GFP_ATOMIC | __GFP_NOWARN);
	if (!p)
		return NULL;
	p->txn = f->txn;
	p->rules = f->rules->number;
	p->len = len;
	memcpy(p->data, &f->relay, offsetof(struct sip_relay, text));
	memcpy((u8 *)p->data + RELAY_LEN, &f->msg, len);
	return p;
}

/* By other rules it may be another transaction, or none. */
static bool resume(struct cg_fwd *f, const struct sk_buff *skb, const struct cg_parsed *p)
{
	const u32 head = sizeof(struct udphdr);

	if (!p || p->rules != f->rules->number)
		return parse(f, skb->data + head, skb->len - head) &&
		       sip_relay_look(&f->relay, &f->msg) == SIP_RELAY_OK && !find_owner(f);
	f->data = skb->data + head;
	f->len = skb->len - head;
	f->txn = p->txn;
	memcpy(&f->relay, p->data, offsetof(struct sip_relay, text));
	memcpy(&f->msg, (const u8 *)p->data + RELAY_LEN, p->len);
	f->relay.key = &f->rules->key;
	f->relay.arg = f;
	f->msg.buf = f->data;
	sip_edit_init(&f->edits);
	return true;
}

void cg_forward_answered(struct cg_sock *ks, const struct sk_buff *skb,
			 const struct cg_parsed *parsed, const struct cg_location *loc)
{
	struct cg_fwd *f = get();

	if (!f)
		return;
	rcu_read_lock();
	begin(f, ks, skb);
	if (!resume(f, skb, parsed))
		goto out;
	if (loc)
		cg_route_to(f, loc);
	if (follow(f, loc ? SIP_OWNER_KERNEL : SIP_OWNER_DAEMON) == CG_SENT)
		cg_count(f->gate->cn, CG_R_FWD_REQUEST);
out:
	rcu_read_unlock();
	put(f);
}
