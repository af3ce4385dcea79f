// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a SIP datagram through callgate. help() runs after NAT and after
 * all rules, on the conntrack that NAT already chose; on a first packet that
 * conntrack is not confirmed yet, so the packet must never be stolen here.
 */
#include <linux/module.h>
#include <linux/udp.h>
#include <net/netfilter/nf_conntrack_core.h>

#include "compat.h"
#include "bind.h"
#include "binding.h"
#include "events.h"
#include "gateway.h"
#include "helper.h"
#include "media.h"
#include "mode.h"
#include "pkt.h"
#include "policy.h"
#include "translate.h"
#include "usage.h"

enum { TRANSLATE, OPEN, MODES };
enum { V4, V6, FAMILIES };

static struct nf_conntrack_helper helpers[MODES][FAMILIES];
static struct nf_conntrack_helper *registered[MODES][FAMILIES];

/* Private data of the helper extension, at most 32 bytes. */
struct flow {
	u32 until;	/* jiffy up to which the flow is needed */
	bool kept;	/* it has not come yet */
	bool seen;
};

#define KEEP_MAX (S32_MAX / HZ)	/* seconds */

static int parse(struct cg_pkt *p)
{
	if (sip_msg_parse(&p->msg, p->data, p->len, SIP_DATAGRAM) == SIP_OK)
		return CG_NEXT;
	return cg_pass(p, p->msg.bad == SIP_BAD_NOT_SIP ? CG_R_NOT_SIP : CG_R_BAD_MESSAGE);
}

static int steps(struct cg_pkt *p, int v)
{
	if (v == CG_NEXT)
		v = cg_translate(p);
	if (v == CG_NEXT)
		v = cg_media(p);
	cg_binding_message(p);
	cg_usage_message(p);
	cg_call_advance(p);
	return v;
}

static int work(struct cg_pkt *p)
{
	struct cg_net *cn = p->cn;
	int v;

	spin_lock(&cn->lock);
	p->txn = p->msg.request ? NULL : cg_txn_find(p);
	v = cg_call_track(p);
	p->call_id = p->call ? p->call->id : 0;
	v = cg_mode_settle(p) ? steps(p, v) : cg_pass(p, CG_R_MODE_OFF);
	spin_unlock(&cn->lock);
	return v;
}

static int pipeline(struct cg_pkt *p)
{
	int v = cg_frame(p);

	if (v == CG_NEXT && cg_mode_silent(p->cn))
		v = cg_pass(p, CG_R_MODE_OFF);
	if (v == CG_NEXT && unlikely(READ_ONCE(p->cn->gate)) && cg_gate_owns(p->cn->gate, p))
		v = cg_pass(p, CG_R_SOCKET_FLOW);
	if (v == CG_NEXT)
		v = parse(p);
	if (v == CG_NEXT)
		v = cg_policy(p);
	if (v == CG_NEXT)
		v = work(p);
	if (v == CG_NEXT) {
		cg_trace_edits(p);
		v = cg_emit(p);
	}
	return v;
}

/*
 * UDP's own timeout is far shorter than a registration or a call. Each packet
 * set it anew, so it is put right after each packet.
 */
static void prolong(struct nf_conn *ct, struct flow *f)
{
	u32 now = nfct_time_stamp, stamp;

	if ((s32)(f->until - now) <= 0) {
		f->kept = false;
		return;
	}
	stamp = nf_ct_is_confirmed(ct) ? f->until : f->until - now;
	if ((s32)(stamp - READ_ONCE(ct->timeout)) > 0)
		WRITE_ONCE(ct->timeout, stamp);
}

static void keep_flow(const struct cg_pkt *p)
{
	struct flow *f = nfct_help_data(p->ct);
	u32 until = nfct_time_stamp + min_t(u32, p->keep, KEEP_MAX) * HZ;

	BUILD_BUG_ON(sizeof(struct flow) > sizeof_field(struct nf_conn_help, data));
	if (!f)
		return;
	if (!f->seen)
		this_cpu_inc(p->cn->counters->flows);
	f->seen = true;
	if (p->keep && (!f->kept || (s32)(until - f->until) > 0)) {
		f->until = until;
		f->kept = true;
	}
	if (f->kept)
		prolong(p->ct, f);
}

/* nfct_help_data() of a confirmed entry that has a helper; it has a call for others. */
static struct flow *flow_of_confirmed(const struct nf_conn *ct)
{
	struct nf_conn_help *help = (void *)ct->ext + ct->ext->offset[NF_CT_EXT_HELPER];

	return (struct flow *)help->data;
}

/*
 * Keep-alives, STUN and worse show in their first byte that they are no SIP: a flood
 * of them is to cost next to nothing. False where a closer look is needed: an ICMP
 * error (RELATED), a payload in fragments, the first packet of a flow or of a tick
 * (somebody may listen to the trace by now). No calls, so that no registers are saved.
 */
static __always_inline bool pass_noise(const struct sk_buff *skb, unsigned int protoff,
				       struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	u32 off = protoff + sizeof(struct udphdr);
	struct cg_counters __percpu *counters;
	struct flow *f;

	if (ctinfo == IP_CT_RELATED || skb_headlen(skb) <= off ||
	    cg_may_begin(skb->data[off], skb->len - off) || !nf_ct_is_confirmed(ct))
		return false;
	counters = cg_net_of_rcu(nf_ct_net(ct))->counters;
	f = flow_of_confirmed(ct);
	if (!f->seen || this_cpu_read(counters->untraced) != (u32)jiffies)
		return false;
	if (f->kept) {
		if ((s32)(f->until - nfct_time_stamp) <= 0)
			f->kept = false;
		else if ((s32)(f->until - READ_ONCE(ct->timeout)) > 0)
			WRITE_ONCE(ct->timeout, f->until);
	}
	this_cpu_inc(counters->noise);
	return true;
}

static void account(struct cg_pkt *p, int verdict)
{
	this_cpu_inc(p->cn->counters->seen);
	if (verdict == CG_NEXT && p->edits.n && !p->open_only) {
		this_cpu_inc(p->cn->counters->edited);
		p->reason = CG_R_EDITED;
	} else {
		this_cpu_inc(p->cn->counters->passed);
		if (verdict == CG_NEXT && p->reason == CG_R_NONE)
			p->reason = p->rule_open ? CG_R_OPEN_MODE :
				    p->open_only ? CG_R_MODE_OPEN :
				    p->snat || p->dnat ? CG_R_NOTHING_INSIDE : CG_R_NO_NAT;
	}
	cg_count(p->cn, p->reason);
}

static int help(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		enum ip_conntrack_info ctinfo, bool open_only)
{
	struct cg_pkt *p;
	int v;

	if (unlikely(!nf_ct_is_confirmed(ct)) && cg_bind_astray(skb, ct))
		return NF_DROP;
	p = cg_pkt_get();
	if (!p)
		return NF_ACCEPT;
	p->skb = skb;
	p->ct = ct;
	p->way = skb_dst(skb);
	p->cn = cg_net_of(nf_ct_net(ct));
	p->ctinfo = ctinfo;
	p->protoff = protoff;
	p->rule_open = open_only;
	p->open_only = open_only;
	if (unlikely(!READ_ONCE(p->cn->used)) && !cg_mode_idle(p->cn))
		cg_bind_begin(p->cn);
	cg_pkt_begin(p);

	v = pipeline(p);
	keep_flow(p);
	account(p, v);
	cg_trace_done(p, p->reason == CG_R_EDITED ? CALLGATE_VERDICT_EDIT : CALLGATE_VERDICT_PASS);
	cg_pkt_put(p);
	return NF_ACCEPT;
}

static int help_translate(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
			  enum ip_conntrack_info ctinfo)
{
	if (pass_noise(skb, protoff, ct, ctinfo))
		return NF_ACCEPT;
	return help(skb, protoff, ct, ctinfo, false);
}

static int help_open(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		     enum ip_conntrack_info ctinfo)
{
	if (pass_noise(skb, protoff, ct, ctinfo))
		return NF_ACCEPT;
	return help(skb, protoff, ct, ctinfo, true);
}

bool cg_helper_is_ours(const struct nf_conn *ct)
{
	const struct nf_conn_help *h = nfct_help(ct);
	const struct nf_conntrack_helper *helper;
	bool ours;

	if (!h)
		return false;
	rcu_read_lock();
	helper = rcu_dereference(h->helper);
	ours = helper && helper->me == THIS_MODULE;
	rcu_read_unlock();
	return ours;
}

bool cg_helper_attach(struct nf_conn *ct, bool open_only)
{
	struct nf_conntrack_helper *helper;
	struct nf_conn_help *h;

	if (test_bit(IPS_HELPER_BIT, &ct->status))
		return true;
	helper = registered[open_only][nf_ct_l3num(ct) == NFPROTO_IPV6];
	if (!helper)
		return false;
	h = nfct_help(ct) ?: nf_ct_helper_ext_add(ct, GFP_ATOMIC);
	if (!h || !cg_helper_hold(helper))
		return false;
	rcu_assign_pointer(h->helper, helper);
	__set_bit(IPS_HELPER_BIT, &ct->status);
	return true;
}

static const struct {
	const char *name;
	cg_help_fn *help;
} modes[MODES] = {
	[TRANSLATE] = { "callgate", help_translate },
	[OPEN] = { "callgate-open", help_open },
};

static const u8 families[FAMILIES] = { [V4] = NFPROTO_IPV4, [V6] = NFPROTO_IPV6 };

static void remove(struct nf_conntrack_helper **h)
{
	if (*h)
		nf_conntrack_helper_unregister(*h);
	*h = NULL;
}

int cg_helper_register(void)
{
	int mode, f, err;

	for (mode = 0; mode < MODES; mode++) {
		for (f = 0; f < FAMILIES; f++) {
			cg_helper_setup(&helpers[mode][f], families[f], modes[mode].name, mode,
					modes[mode].help);
			err = cg_helper_add(&helpers[mode][f], &registered[mode][f]);
			if (err) {
				registered[mode][f] = NULL;
				pr_err("callgate: cannot register helper %s: %d\n",
				       modes[mode].name, err);
				cg_helper_unregister();
				return err;
			}
		}
	}
	return 0;
}

/*
 * Where the kernel keeps copies of helpers, a flow keeps its dead copy for ever:
 * it would look as if it were served, and no later rule could give it ours.
 */
static int is_served(struct nf_conn *ct, void *data)
{
	return cg_helper_is_ours(ct);
}

void cg_helper_unregister(void)
{
	int mode, f;

	if (CG_HELPER_COPIES)
		nf_ct_iterate_destroy(is_served, NULL);

	for (mode = 0; mode < MODES; mode++)
		for (f = 0; f < FAMILIES; f++)
			remove(&registered[mode][f]);
}
