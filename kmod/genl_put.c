// SPDX-License-Identifier: GPL-2.0-only
/*
 * genl_put: objects become attributes, as uapi/callgate.h lists them.
 *
 * All functions return 0 or -EMSGSIZE; the caller cancels what is half written. Under cn->lock
 * where an object is read. Conntrack's entries are looked up, never kept.
 */
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_acct.h>
#include <net/netfilter/nf_conntrack_zones.h>

#include "compat.h"
#include "binding.h"
#include "call.h"
#include "genl_put.h"
#include "ports.h"

const struct cg_setting cg_setting[CALLGATE_C_MAX + 1] = {
#define SETTING(member, ceil) \
	{ offsetof(struct cg_settings, member), sizeof_field(struct cg_settings, member), ceil }
	[CALLGATE_C_CALLS_HOST] = SETTING(host_calls, 6553),
	[CALLGATE_C_CALLS] = SETTING(calls, 6553),
	[CALLGATE_C_PINHOLES_HOST] = SETTING(host_pins, 13107),
	[CALLGATE_C_PINHOLES] = SETTING(pins, 13107),
	[CALLGATE_C_BINDINGS_HOST] = SETTING(host_bindings, 6553),
	[CALLGATE_C_BINDINGS] = SETTING(bindings, 6553),
	[CALLGATE_C_TXNS] = SETTING(txns, 13107),
	[CALLGATE_C_POOL_FIRST] = SETTING(port_min, 0),
	[CALLGATE_C_POOL_LAST] = SETTING(port_max, 0),
	[CALLGATE_C_QUARANTINE] = SETTING(quarantine, 0),
	[CALLGATE_C_MARK_RELATED] = SETTING(mark_related, 0),
	[CALLGATE_C_PUBLISH] = SETTING(publish, 0),
	[CALLGATE_C_SILENCE] = SETTING(silence, 0),
	[CALLGATE_C_AGE] = SETTING(age, 0),
	[CALLGATE_C_STRICT] = SETTING(strict, 0),
	[CALLGATE_C_MODE] = SETTING(mode, 0),
#undef SETTING
};

const struct cg_reason_text cg_reason_text[CG_R_COUNT] = {
#define X(id, k, n, h) \
	[CG_R_##id] = { .name = n, .help = h, .kind = CALLGATE_REASON_##k },
	CG_REASONS(X)
#undef X
};

const char *cg_reason_name(enum cg_reason reason)
{
	return reason > CG_R_NONE && reason < CG_R_COUNT ? cg_reason_text[reason].name : "";
}

void *cg_put_part(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				&cg_genl_family, NLM_F_MULTI, cmd);

	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

int cg_put_u64(struct sk_buff *skb, int attr, u64 value)
{
	/* every enum has its PAD at 1 */
	return nla_put_u64_64bit(skb, attr, value, CALLGATE_A_PAD);
}

int cg_put_text(struct sk_buff *skb, int attr, const void *text, u32 len, u32 max)
{
	struct nlattr *nla;
	u8 *to;

	len = min(len, max - 1);
	nla = nla_reserve(skb, attr, len + 1);
	if (!nla)
		return -EMSGSIZE;
	to = nla_data(nla);
	memcpy(to, text, len);
	to[len] = 0;
	return 0;
}

int cg_put_ep(struct sk_buff *skb, int attr, const struct cg_ep *ep)
{
	u32 size = ep->family == NFPROTO_IPV4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	u8 wire[sizeof(struct in6_addr) + sizeof(__be16)];

	if (!cg_ep_is_set(ep))
		return 0;
	memcpy(wire, &ep->addr, size);
	memcpy(wire + size, &ep->port, sizeof(ep->port));
	return nla_put(skb, attr, size + sizeof(ep->port), wire);
}

int cg_put_reason(struct sk_buff *skb, int attr, enum cg_reason reason)
{
	return reason == CG_R_NONE ? 0 : nla_put_string(skb, attr, cg_reason_name(reason));
}

int cg_put_counter(struct sk_buff *skb, enum cg_reason reason, u64 count)
{
	if (nla_put_string(skb, CALLGATE_R_NAME, cg_reason_text[reason].name) ||
	    cg_put_u64(skb, CALLGATE_R_COUNT, count) ||
	    nla_put_u8(skb, CALLGATE_R_KIND, cg_reason_text[reason].kind))
		return -EMSGSIZE;
	return 0;
}

int cg_put_counters(struct sk_buff *skb, const struct cg_counters *sum)
{
	struct nlattr *list, *item;
	enum cg_reason i;

	list = nla_nest_start(skb, CALLGATE_S_REASONS);
	if (!list)
		return -EMSGSIZE;
	for (i = CG_R_NONE + 1; i < CG_R_COUNT; i++) {
		if (!sum->reason[i])
			continue;
		item = nla_nest_start(skb, CALLGATE_LIST_ITEM);
		if (!item || cg_put_counter(skb, i, sum->reason[i]))
			return -EMSGSIZE;
		nla_nest_end(skb, item);
	}
	nla_nest_end(skb, list);
	return 0;
}

int cg_put_settings(struct sk_buff *skb, const struct cg_settings *set)
{
	struct nlattr *nest = nla_nest_start(skb, CALLGATE_A_SETTINGS);
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i <= CALLGATE_C_MAX; i++) {
		if (cg_setting[i].size &&
		    nla_put(skb, i, cg_setting[i].size, (const u8 *)set + cg_setting[i].offset))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

static u8 leg_state(const struct cg_leg *leg)
{
	if (leg->state == CG_LEG_EARLY)
		return CALLGATE_CALL_EARLY;
	return leg->state == CG_LEG_CONFIRMED ? CALLGATE_CALL_ANSWERED : CALLGATE_CALL_ENDING;
}

static int put_legs(struct sk_buff *skb, const struct cg_call *call)
{
	struct nlattr *list, *item;
	const struct cg_leg *leg;

	list = nla_nest_start(skb, CALLGATE_CALL_LEGS);
	if (!list)
		return -EMSGSIZE;
	for (leg = call->legs; leg < call->legs + call->nlegs; leg++) {
		item = nla_nest_start(skb, CALLGATE_LIST_ITEM);
		if (!item ||
		    cg_put_text(skb, CALLGATE_LEG_TAG, leg->text, leg->ntext, CALLGATE_TAG_MAX) ||
		    nla_put_u8(skb, CALLGATE_LEG_STATE, leg_state(leg)))
			return -EMSGSIZE;
		nla_nest_end(skb, item);
	}
	nla_nest_end(skb, list);
	return 0;
}

static u8 call_state(const struct cg_call *call)
{
	if (call->state == CG_CALL_EARLY)
		return CALLGATE_CALL_EARLY;
	return call->state == CG_CALL_ANSWERED ? CALLGATE_CALL_ANSWERED : CALLGATE_CALL_ENDING;
}

static u8 call_dir(const struct cg_call *call)
{
	if (call->dir == CG_CALL_OUT)
		return CALLGATE_DIR_OUT;
	return call->dir == CG_CALL_IN ? CALLGATE_DIR_IN : CALLGATE_DIR_THROUGH;
}

static u64 call_deadline(const struct cg_call *call)
{
	s32 left = (s32)(call->session_due - cg_now());

	if (!call->session || !call->answered)
		return 0;
	return cg_ms() + (u64)max(left, 0) * MSEC_PER_SEC;
}

int cg_put_call(struct sk_buff *skb, const struct cg_call *call)
{
	const u8 *from = call->text + call->ncallid, *to = from + call->nfrom;

	if (cg_put_u64(skb, CALLGATE_CALL_ID, call->id) ||
	    nla_put_u8(skb, CALLGATE_CALL_STATE, call_state(call)) ||
	    nla_put_u8(skb, CALLGATE_CALL_DIR, call_dir(call)) ||
	    nla_put_u32(skb, CALLGATE_CALL_FLAGS, call->open_only ? CALLGATE_CALL_F_OPEN : 0) ||
	    cg_put_text(skb, CALLGATE_CALL_CALLID, call->text, call->ncallid, CALLGATE_URI_MAX) ||
	    cg_put_text(skb, CALLGATE_CALL_FROM, from, call->nfrom, CALLGATE_URI_MAX) ||
	    cg_put_text(skb, CALLGATE_CALL_TO, to, call->nto, CALLGATE_URI_MAX) ||
	    cg_put_text(skb, CALLGATE_CALL_FTAG, call->tag, call->ntag, CALLGATE_TAG_MAX) ||
	    cg_put_u64(skb, CALLGATE_CALL_START, call->began) ||
	    cg_put_u64(skb, CALLGATE_CALL_ANSWER, call->answered) ||
	    cg_put_u64(skb, CALLGATE_CALL_DEADLINE, call_deadline(call)) ||
	    cg_put_ep(skb, CALLGATE_CALL_HOST, &call->inside) ||
	    cg_put_ep(skb, CALLGATE_CALL_PEER, &call->peer))
		return -EMSGSIZE;
	return put_legs(skb, call);
}

static u32 pin_flags(const struct cg_pin *pin)
{
	u32 flags = pin->committed ? CALLGATE_PIN_COMMITTED : CALLGATE_PIN_PENDING;

	if (pin->published)
		flags |= CALLGATE_PIN_PUBLISHED;
	if (pin->ncts)
		flags |= CALLGATE_PIN_BOUND;
	if (pin->relatches)
		flags |= CALLGATE_PIN_RELATCHED;
	if (pin->pub.port != pin->in.port && cg_ports_in_pool(pin->cn, ntohs(pin->pub.port)))
		flags |= CALLGATE_PIN_POOL;
	return flags;
}

static int put_peer(struct sk_buff *skb, const struct cg_ep *ep, u32 flags)
{
	struct nlattr *item = nla_nest_start(skb, CALLGATE_LIST_ITEM);

	if (!item || cg_put_ep(skb, CALLGATE_PEER_ENDPOINT, ep) ||
	    nla_put_u32(skb, CALLGATE_PEER_FLAGS, flags))
		return -EMSGSIZE;
	nla_nest_end(skb, item);
	return 0;
}

/* What the conntrack entries of a pinhole say. */
struct flows {
	u32 live;
	bool counted;
	u64 pkts[2], bytes[2];		/* to the inside host, from it */
	struct cg_ep remote[CG_PIN_CTS];
};

static void read_flow(struct flows *f, const struct cg_pin *pin, struct nf_conn *ct)
{
	struct nf_conn_acct *acct = nf_conn_acct_find(ct);
	struct cg_ep src;
	int dir;

	cg_ep_src(&src, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	dir = cg_ep_equal(&src, &pin->in) ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL;
	cg_ep_src(&f->remote[f->live++], &ct->tuplehash[dir].tuple);
	if (!acct)
		return;
	f->counted = true;
	f->pkts[0] += atomic64_read(&acct->counter[dir].packets);
	f->bytes[0] += atomic64_read(&acct->counter[dir].bytes);
	f->pkts[1] += atomic64_read(&acct->counter[!dir].packets);
	f->bytes[1] += atomic64_read(&acct->counter[!dir].bytes);
}

static void read_flows(struct flows *f, const struct cg_pin *pin)
{
	struct nf_conntrack_tuple_hash *h;
	struct nf_conn *ct;
	int i;

	memset(f, 0, sizeof(*f));
	for (i = 0; i < pin->ncts; i++) {
		h = nf_conntrack_find_get(pin->cn->net, &nf_ct_zone_dflt, &pin->cts[i]);
		if (!h)
			continue;
		ct = nf_ct_tuplehash_to_ctrack(h);
		read_flow(f, pin, ct);
		nf_ct_put(ct);
	}
}

static int put_peers(struct sk_buff *skb, const struct cg_pin *pin, const struct flows *f)
{
	struct nlattr *list = nla_nest_start(skb, CALLGATE_P_PEERS);
	const struct cg_call *call = pin->call;
	const struct cg_far *far;
	u32 i;

	if (!list)
		return -EMSGSIZE;
	for (i = 0; call && i < call->nfar; i++) {
		far = &call->far[i];
		if (far->stream == pin->stream && far->comp == pin->comp &&
		    far->side != pin->side && put_peer(skb, &far->ep, CALLGATE_PEER_SIGNALLED))
			return -EMSGSIZE;
	}
	for (i = 0; i < f->live; i++) {
		if (put_peer(skb, &f->remote[i], CALLGATE_PEER_LATCHED))
			return -EMSGSIZE;
	}
	nla_nest_end(skb, list);
	return 0;
}

static int put_flow_counts(struct sk_buff *skb, const struct flows *f)
{
	if (nla_put_u32(skb, CALLGATE_P_FLOWS, f->live))
		return -EMSGSIZE;
	if (!f->counted)
		return 0;
	if (cg_put_u64(skb, CALLGATE_P_PKTS_IN, f->pkts[0]) ||
	    cg_put_u64(skb, CALLGATE_P_BYTES_IN, f->bytes[0]) ||
	    cg_put_u64(skb, CALLGATE_P_PKTS_OUT, f->pkts[1]) ||
	    cg_put_u64(skb, CALLGATE_P_BYTES_OUT, f->bytes[1]))
		return -EMSGSIZE;
	return 0;
}

int cg_put_pin(struct sk_buff *skb, const struct cg_pin *pin)
{
	struct flows f;

	read_flows(&f, pin);
	if (nla_put_u16(skb, CALLGATE_P_STREAM, pin->stream) ||
	    nla_put_u8(skb, CALLGATE_P_COMP, pin->comp) ||
	    nla_put_u8(skb, CALLGATE_P_PROTO, pin->pub.proto) ||
	    nla_put_u8(skb, CALLGATE_P_SIDE,
		       pin->side == CG_CALLER ? CALLGATE_DIR_OUT : CALLGATE_DIR_IN) ||
	    nla_put_u32(skb, CALLGATE_P_FLAGS, pin_flags(pin)) ||
	    cg_put_ep(skb, CALLGATE_P_INSIDE, &pin->in) ||
	    cg_put_ep(skb, CALLGATE_P_PUBLIC, &pin->pub) ||
	    put_peers(skb, pin, &f))
		return -EMSGSIZE;
	return put_flow_counts(skb, &f);
}

int cg_put_binding(struct sk_buff *skb, const struct cg_binding *b)
{
	u64 until = cg_ms() + (u64)cg_timer_left(&b->timer) * MSEC_PER_SEC;

	if (cg_put_u64(skb, CALLGATE_B_ID, b->id) ||
	    cg_put_text(skb, CALLGATE_B_AOR, b->aor_text, b->naor, CALLGATE_URI_MAX) ||
	    cg_put_text(skb, CALLGATE_B_CONTACT, b->uri, b->nuri, CALLGATE_URI_MAX) ||
	    cg_put_ep(skb, CALLGATE_B_REGISTRAR, &b->registrar) ||
	    cg_put_u64(skb, CALLGATE_B_SINCE, b->since) ||
	    cg_put_u64(skb, CALLGATE_B_EXPIRES, until))
		return -EMSGSIZE;
	if (!b->pin)
		return 0;
	if (cg_put_ep(skb, CALLGATE_B_INSIDE, &b->pin->in) ||
	    cg_put_ep(skb, CALLGATE_B_PUBLIC, &b->pin->pub))
		return -EMSGSIZE;
	return 0;
}
