// SPDX-License-Identifier: GPL-2.0-only
/*
 * genl: the generic netlink family of uapi/callgate.h: validation, dumps, requests, sending.
 *
 * Objects are written into a message under cn->lock; the message is bounded, and so is what is done
 * under the lock. Netlink itself is called without it.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <net/sock.h>

#include "compat.h"
#include "binding.h"
#include "call.h"
#include "events.h"
#include "genl_admin.h"
#include "genl_gate.h"
#include "genl_put.h"
#include "limit.h"
#include "mode.h"
#include "pinhole.h"
#include "ports.h"
#include "txn.h"

#define POOL_PORTS_MIN	64
#define PERIOD_MIN	60	/* seconds: shortest silence or age that may end a call */
#define STATUS_SIZE	16384

/* Held for reading while something is sent: a group number is not ours after the family is gone. */
static DECLARE_RWSEM(alive_sem);
static bool alive;
static DEFINE_MUTEX(set_mutex);

/* ---- validation; 6.1 wants its ranges writable ---- */

static struct netlink_range_validation range_table = { .min = 1, .max = 1000000 };
static struct netlink_range_validation range_large = { .min = 1, .max = 4000000 };
static struct netlink_range_validation range_rest = { .max = 3600 };
static struct netlink_range_validation range_silence = { .max = 604800 };
static struct netlink_range_validation range_age = { .max = 31536000 };
static struct netlink_range_validation range_port = { .min = 1024, .max = 65535 };

static const struct nla_policy setting_policy[CALLGATE_C_MAX + 1] = {
	[CALLGATE_C_CALLS_HOST] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_table),
	[CALLGATE_C_CALLS] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_table),
	[CALLGATE_C_PINHOLES_HOST] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_table),
	[CALLGATE_C_PINHOLES] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_large),
	[CALLGATE_C_BINDINGS_HOST] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_table),
	[CALLGATE_C_BINDINGS] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_table),
	[CALLGATE_C_TXNS] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_large),
	[CALLGATE_C_POOL_FIRST] = NLA_POLICY_FULL_RANGE(NLA_U16, &range_port),
	[CALLGATE_C_POOL_LAST] = NLA_POLICY_FULL_RANGE(NLA_U16, &range_port),
	[CALLGATE_C_QUARANTINE] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_rest),
	[CALLGATE_C_MARK_RELATED] = NLA_POLICY_MAX(NLA_U8, 1),
	[CALLGATE_C_PUBLISH] = NLA_POLICY_MAX(NLA_U8, 1),
	[CALLGATE_C_SILENCE] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_silence),
	[CALLGATE_C_AGE] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_age),
	[CALLGATE_C_STRICT] = NLA_POLICY_MAX(NLA_U8, 1),
	[CALLGATE_C_MODE] = NLA_POLICY_RANGE(NLA_U8, CALLGATE_MODE_OFF, CALLGATE_MODE_TRANSLATE),
};

static const struct nla_policy set_policy[CALLGATE_A_SETTINGS + 1] = {
	[CALLGATE_A_SETTINGS] = NLA_POLICY_NESTED(setting_policy),
};

static const struct nla_policy id_policy[CALLGATE_A_ID + 1] = {
	[CALLGATE_A_ID] = { .type = NLA_U64 },
};

/* ---- dumps ---- */

/*
 * Where a dump goes on: at the first object whose id is @next or above. The pointer spares the
 * search while nothing was added or removed since. @skip: pinholes of that call already told.
 */
struct cursor {
	u64 next;
	void *at;
	u32 generation;
	u32 skip;
};

static struct cursor *cursor_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct cursor) > sizeof(cb->ctx));
	return (struct cursor *)cb->ctx;
}

/* Another host's port, named by a call whose other side has not spoken: not open yet (S5). */
static bool is_reserved(const struct cg_call *call, const struct cg_pin *pin)
{
	return !call->both_ways && !cg_ep_same_addr(&pin->in, &call->inside);
}

/* The pinholes from cursor->skip on, as many as fit. True: all of them. */
static bool put_pins(struct sk_buff *skb, const struct cg_call *call, struct cursor *cur)
{
	struct nlattr *list, *item;
	const struct cg_pin *pin;
	u32 n = 0;

	list = nla_nest_start(skb, CALLGATE_CALL_PINHOLES);
	if (!list)
		return false;
	list_for_each_entry(pin, &call->pins, owner) {
		if (n++ < cur->skip)
			continue;
		if (is_reserved(call, pin)) {
			cur->skip++;
			continue;
		}
		item = nla_nest_start(skb, CALLGATE_LIST_ITEM);
		if (!item)
			break;
		if (cg_put_pin(skb, pin)) {
			nla_nest_cancel(skb, item);
			break;
		}
		nla_nest_end(skb, item);
		cur->skip++;
	}
	nla_nest_end(skb, list);
	return list_entry_is_head(pin, &call->pins, owner);
}

static int put_call_head(struct sk_buff *skb, const struct cg_call *call, u32 skip)
{
	if (!skip)
		return cg_put_call(skb, call);
	if (cg_put_u64(skb, CALLGATE_CALL_ID, call->id) ||
	    nla_put_u32(skb, CALLGATE_CALL_FLAGS, CALLGATE_CALL_F_CONTINUED))
		return -EMSGSIZE;
	return 0;
}

/* 0: told in full; -EMSGSIZE: goes on in the next message, or part of it does. */
static int dump_call(struct sk_buff *skb, struct netlink_callback *cb, const struct cg_call *call)
{
	struct cursor *cur = cursor_of(cb);
	void *hdr = cg_put_part(skb, cb, CALLGATE_CMD_CALL_GET);
	u32 before = cur->skip;
	struct nlattr *nest;
	bool all;

	if (!hdr || cg_put_u64(skb, CALLGATE_A_SEQ, call->cn->event_seq))
		goto cancel;
	nest = nla_nest_start(skb, CALLGATE_A_CALL);
	if (!nest || put_call_head(skb, call, cur->skip))
		goto cancel;
	all = put_pins(skb, call, cur);
	if (!all && cur->skip == before)
		goto cancel;
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return all ? 0 : -EMSGSIZE;
cancel:
	genlmsg_cancel(skb, hdr);
	return -EMSGSIZE;
}

/* With an empty answer the id is unknown; NULL: the dump is of all calls. */
static struct nlattr *dump_filter(struct netlink_callback *cb)
{
	return nlmsg_find_attr(cb->nlh, GENL_HDRLEN, CALLGATE_A_ID);
}

static struct cg_call *call_resume(struct cg_net *cn, const struct cursor *cur)
{
	struct cg_call *call;

	if (cur->at && cur->generation == cn->generation)
		return cur->at;
	list_for_each_entry(call, &cn->call_list, all) {
		if (call->id >= cur->next)
			return call;
	}
	return NULL;
}

static int dump_calls(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cg_net *cn = cg_net_of(sock_net(skb->sk));
	const struct nlattr *filter = dump_filter(cb);
	struct cursor *cur = cursor_of(cb);
	struct cg_call *call;
	int end = -EMSGSIZE;	/* one object alone does not fit */

	spin_lock_bh(&cn->lock);
	cb->seq = cn->generation;
	if (filter && !cur->next)
		cur->next = nla_get_u64(filter);
	call = call_resume(cn, cur);
	cur->at = NULL;
	if (call && call->id != cur->next)
		cur->skip = 0;
	while (call && (!filter || call->id == nla_get_u64(filter))) {
		cur->next = call->id;
		cur->at = call;
		if (dump_call(skb, cb, call))
			goto out;
		cur->next++;
		cur->skip = 0;
		cur->at = NULL;
		call = list_is_last(&call->all, &cn->call_list) ? NULL : list_next_entry(call, all);
	}
	cur->next = U64_MAX;
	end = 0;
out:
	cur->generation = cn->generation;
	spin_unlock_bh(&cn->lock);
	return skb->len ?: end;
}

static int dump_binding(struct sk_buff *skb, struct netlink_callback *cb,
			const struct cg_binding *b)
{
	void *hdr = cg_put_part(skb, cb, CALLGATE_CMD_BINDING_GET);
	struct nlattr *nest;

	if (!hdr || cg_put_u64(skb, CALLGATE_A_SEQ, b->cn->event_seq))
		goto cancel;
	nest = nla_nest_start(skb, CALLGATE_A_BINDING);
	if (!nest || cg_put_binding(skb, b))
		goto cancel;
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return 0;
cancel:
	genlmsg_cancel(skb, hdr);
	return -EMSGSIZE;
}

static struct cg_binding *binding_resume(struct cg_net *cn, const struct cursor *cur)
{
	struct cg_binding *b;

	if (cur->at && cur->generation == cn->generation)
		return cur->at;
	list_for_each_entry(b, &cn->binding_list, all) {
		if (b->id >= cur->next)
			return b;
	}
	return NULL;
}

static int dump_bindings(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cg_net *cn = cg_net_of(sock_net(skb->sk));
	struct cursor *cur = cursor_of(cb);
	struct cg_binding *b;
	int end = -EMSGSIZE;

	spin_lock_bh(&cn->lock);
	cb->seq = cn->generation;
	b = binding_resume(cn, cur);
	cur->at = NULL;
	while (b) {
		cur->next = b->id;
		cur->at = b;
		if (dump_binding(skb, cb, b))
			goto out;
		cur->next++;
		cur->at = NULL;
		b = list_is_last(&b->all, &cn->binding_list) ? NULL : list_next_entry(b, all);
	}
	cur->next = U64_MAX;
	end = 0;
out:
	cur->generation = cn->generation;
	spin_unlock_bh(&cn->lock);
	return skb->len ?: end;
}

static int dump_reason(struct sk_buff *skb, struct netlink_callback *cb, enum cg_reason reason,
		       u64 count)
{
	void *hdr = cg_put_part(skb, cb, CALLGATE_CMD_REASON_GET);
	struct nlattr *nest;

	if (!hdr)
		return -EMSGSIZE;
	nest = nla_nest_start(skb, CALLGATE_A_REASON);
	if (!nest || cg_put_counter(skb, reason, count) ||
	    nla_put_string(skb, CALLGATE_R_HELP, cg_reason_text[reason].help)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return 0;
}

static int dump_reasons(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cg_net *cn = cg_net_of(sock_net(skb->sk));
	struct cursor *cur = cursor_of(cb);
	struct cg_counters *sum;

	sum = kmalloc(sizeof(*sum), GFP_KERNEL_ACCOUNT);
	if (!sum)
		return -ENOMEM;
	cg_counters_read(cn, sum);
	if (!cur->next)
		cur->next = CG_R_NONE + 1;
	for (; cur->next < CG_R_COUNT; cur->next++) {
		if (dump_reason(skb, cb, cur->next, sum->reason[cur->next]))
			break;
	}
	kfree(sum);
	return skb->len;
}

/* ---- requests ---- */

/* Sum of one kind of reason. */
static u64 sum_kind(const struct cg_counters *sum, u8 kind)
{
	enum cg_reason i;
	u64 n = 0;

	for (i = CG_R_NONE + 1; i < CG_R_COUNT; i++) {
		if (cg_reason_text[i].kind == kind)
			n += sum->reason[i];
	}
	return n;
}

static u64 memory_of(const struct cg_net *cn)
{
	return (u64)cn->ncalls * sizeof(struct cg_call) +
	       (u64)cn->npins * sizeof(struct cg_pin) +
	       (u64)cn->nbindings * sizeof(struct cg_binding) +
	       (u64)cn->ntxns * sizeof(struct cg_txn) +
	       (u64)cn->nhosts * sizeof(struct cg_host);
}

/* The numbers are read one by one, without the lock. */
static int put_status(struct sk_buff *skb, struct cg_net *cn, const struct cg_counters *sum)
{
	struct nlattr *nest = nla_nest_start(skb, CALLGATE_A_STATUS);
	u64 dropped = sum_kind(sum, CALLGATE_REASON_DROP);
	u32 ghosts = READ_ONCE(cn->nghosts), pins = READ_ONCE(cn->npins);	/* ghosts too */

	if (!nest ||
	    nla_put_string(skb, CALLGATE_S_VERSION, CG_VERSION) ||
	    nla_put_u32(skb, CALLGATE_S_API, CALLGATE_API) ||
	    cg_put_u64(skb, CALLGATE_S_SINCE, cn->since) ||
	    nla_put_u32(skb, CALLGATE_S_CALLS, READ_ONCE(cn->ncalls)) ||
	    nla_put_u32(skb, CALLGATE_S_PINHOLES, pins - min(pins, ghosts)) ||
	    nla_put_u32(skb, CALLGATE_S_BINDINGS, READ_ONCE(cn->nbindings)) ||
	    nla_put_u32(skb, CALLGATE_S_GHOSTS, ghosts) ||
	    nla_put_u32(skb, CALLGATE_S_TXNS, READ_ONCE(cn->ntxns)) ||
	    nla_put_u32(skb, CALLGATE_S_HOSTS, READ_ONCE(cn->nhosts)) ||
	    cg_put_u64(skb, CALLGATE_S_MEMORY, memory_of(cn)) ||
	    cg_put_u64(skb, CALLGATE_S_FLOWS, sum->flows) ||
	    cg_put_u64(skb, CALLGATE_S_SEEN, sum->seen) ||
	    cg_put_u64(skb, CALLGATE_S_EDITED, sum->edited) ||
	    cg_put_u64(skb, CALLGATE_S_PASSED, sum->passed) ||
	    cg_put_u64(skb, CALLGATE_S_DROPPED, dropped) ||
	    cg_put_counters(skb, sum) ||
	    nla_put_u32(skb, CALLGATE_S_CHANGED, READ_ONCE(cn->changed)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int do_status(struct sk_buff *req, struct genl_info *info)
{
	struct cg_net *cn = cg_net_of(genl_info_net(info));
	struct cg_counters *sum;
	struct cg_settings set;
	struct sk_buff *skb;
	int err = -ENOMEM;
	u64 seq;
	void *hdr;

	sum = kmalloc(sizeof(*sum), GFP_KERNEL_ACCOUNT);
	skb = genlmsg_new(STATUS_SIZE, GFP_KERNEL);
	if (!sum || !skb)
		goto fail;
	cg_counters_read(cn, sum);
	spin_lock_bh(&cn->lock);
	set = cn->set;
	seq = cn->event_seq;
	spin_unlock_bh(&cn->lock);

	err = -EMSGSIZE;
	hdr = genlmsg_put_reply(skb, info, &cg_genl_family, 0, CALLGATE_CMD_STATUS_GET);
	if (!hdr || cg_put_u64(skb, CALLGATE_A_SEQ, seq) || put_status(skb, cn, sum) ||
	    cg_put_settings(skb, &set))
		goto fail;
	genlmsg_end(skb, hdr);
	kfree(sum);
	return genlmsg_reply(skb, info);
fail:
	nlmsg_free(skb);
	kfree(sum);
	return err;
}

static int do_call_del(struct sk_buff *req, struct genl_info *info)
{
	struct cg_net *cn = cg_net_of(genl_info_net(info));
	struct cg_call *call;

	if (GENL_REQ_ATTR_CHECK(info, CALLGATE_A_ID))
		return -EINVAL;
	spin_lock_bh(&cn->lock);
	call = cg_call_find(cn, nla_get_u64(info->attrs[CALLGATE_A_ID]));
	if (call)
		cg_call_end(call, CG_R_CALL_ADMIN);
	spin_unlock_bh(&cn->lock);
	return call ? 0 : -ENOENT;
}

/* Writes what is given into @set; the ceiling is that of namespaces of other user namespaces. */
static int read_settings(struct cg_settings *set, struct nlattr **tb, bool foreign,
			 struct netlink_ext_ack *extack)
{
	const struct cg_setting *s;
	int i;

	for (i = 0; i <= CALLGATE_C_MAX; i++) {
		s = &cg_setting[i];
		if (!tb[i] || !s->size)
			continue;
		if (foreign && s->ceiling && nla_get_u32(tb[i]) > s->ceiling) {
			NL_SET_ERR_MSG_ATTR(extack, tb[i], "above the ceiling of this namespace");
			return -EPERM;
		}
		nla_memcpy((u8 *)set + s->offset, tb[i], s->size);
	}
	return 0;
}

static u32 given(struct nlattr **tb)
{
	u32 bits = 0;
	int i;

	BUILD_BUG_ON(CALLGATE_C_MAX > 31);
	for (i = 0; i <= CALLGATE_C_MAX; i++)
		if (tb[i])
			bits |= BIT(i);
	return bits;
}

/* What no policy can say. */
static int check_settings(const struct cg_settings *set, struct nlattr **tb,
			  struct netlink_ext_ack *extack)
{
	if (!tb[CALLGATE_C_POOL_FIRST] != !tb[CALLGATE_C_POOL_LAST]) {
		NL_SET_ERR_MSG(extack, "first and last port must be given together");
		return -EINVAL;
	}
	if (set->port_min % 2 || set->port_max % 2 == 0) {
		NL_SET_ERR_MSG(extack, "first port must be even, last port odd");
		return -EINVAL;
	}
	if (set->port_min + POOL_PORTS_MIN - 1 > set->port_max) {
		NL_SET_ERR_MSG(extack, "the pool needs at least 64 ports");
		return -EINVAL;
	}
	if ((set->silence && set->silence < PERIOD_MIN) || (set->age && set->age < PERIOD_MIN)) {
		NL_SET_ERR_MSG(extack, "silence and age are 0 or at least 60 seconds");
		return -ERANGE;
	}
	return 0;
}

static void replace_settings(struct cg_net *cn, const struct cg_settings *set)
{
	spin_lock_bh(&cn->lock);
	cn->set = *set;
	cg_mode_changed(cn);
	spin_unlock_bh(&cn->lock);
}

static int apply_settings(struct cg_net *cn, const struct cg_settings *set)
{
	struct cg_settings old = cn->set;
	int err = 0;

	replace_settings(cn, set);
	if (old.port_min != set->port_min || old.port_max != set->port_max)
		err = cg_ports_init(cn);
	if (err)
		replace_settings(cn, &old);
	return err;
}

static int do_set(struct sk_buff *req, struct genl_info *info)
{
	struct net *net = genl_info_net(info);
	struct cg_net *cn = cg_net_of(net);
	struct nlattr *tb[CALLGATE_C_MAX + 1];
	struct cg_settings set;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, CALLGATE_A_SETTINGS))
		return -EINVAL;
	err = nla_parse_nested(tb, CALLGATE_C_MAX, info->attrs[CALLGATE_A_SETTINGS],
			       setting_policy, info->extack);
	if (err)
		return err;

	mutex_lock(&set_mutex);
	set = cn->set;
	err = read_settings(&set, tb, net->user_ns != &init_user_ns, info->extack);
	if (!err)
		err = check_settings(&set, tb, info->extack);
	if (!err)
		err = apply_settings(cn, &set);
	if (!err)
		WRITE_ONCE(cn->changed, cn->changed | given(tb));
	mutex_unlock(&set_mutex);
	return err;
}

/* ---- the family ---- */

static const struct genl_ops ops[] = {
	{
		.cmd = CALLGATE_CMD_STATUS_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = do_status,
	}, {
		.cmd = CALLGATE_CMD_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = set_policy,
		.maxattr = CALLGATE_A_SETTINGS,
		.doit = do_set,
	}, {
		.cmd = CALLGATE_CMD_CALL_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = id_policy,
		.maxattr = CALLGATE_A_ID,
		.dumpit = dump_calls,
	}, {
		.cmd = CALLGATE_CMD_CALL_DEL,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = id_policy,
		.maxattr = CALLGATE_A_ID,
		.doit = do_call_del,
	}, {
		.cmd = CALLGATE_CMD_BINDING_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.dumpit = dump_bindings,
	}, {
		.cmd = CALLGATE_CMD_REASON_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.dumpit = dump_reasons,
	}, {
		.cmd = CALLGATE_CMD_MODE_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.dumpit = cg_genl_modes,
	}, {
		.cmd = CALLGATE_CMD_MODE_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = cg_genl_mode_policy,
		.maxattr = CALLGATE_A_MODE,
		.doit = cg_genl_mode_set,
	}, {
		.cmd = CALLGATE_CMD_MODE_DEL,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = cg_genl_mode_policy,
		.maxattr = CALLGATE_A_MODE,
		.doit = cg_genl_mode_del,
	}, {
		.cmd = CALLGATE_CMD_PROVIDER_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.dumpit = cg_genl_providers,
	}, {
		.cmd = CALLGATE_CMD_PROVIDER_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = cg_genl_provider_policy,
		.maxattr = CALLGATE_A_PROVIDER,
		.doit = cg_genl_provider_set,
	}, {
		.cmd = CALLGATE_CMD_PROVIDER_DEL,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = cg_genl_provider_policy,
		.maxattr = CALLGATE_A_PROVIDER,
		.doit = cg_genl_provider_del,
	},
#define GATE_DO(c, nest, fn) { \
		.cmd = CALLGATE_CMD_##c, .flags = GENL_UNS_ADMIN_PERM, .doit = cg_genl_##fn, \
		.policy = cg_genl_##nest##_policy, \
		.maxattr = ARRAY_SIZE(cg_genl_##nest##_policy) - 1, \
	}
	GATE_DO(ATTACH, socket, attach),
	GATE_DO(CLAIM, socket, claim),
	GATE_DO(DETACH, socket, detach),
	GATE_DO(GATE_GET, none, gate_get),
	GATE_DO(GATE_SET, gate, gate_set),
	GATE_DO(LOCATION_SET, location, location_set),
	GATE_DO(LOCATION_DEL, location, location_del),
	GATE_DO(LOCATION_FLUSH, none, location_flush),
	GATE_DO(LOCATE, locate, locate),
	GATE_DO(MEDIA, media, media),
#undef GATE_DO
	{
		.cmd = CALLGATE_CMD_SOCKET_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.dumpit = cg_genl_sockets,
	}, {
		.cmd = CALLGATE_CMD_LOCATION_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = cg_genl_location_policy,
		.maxattr = CALLGATE_A_LOCATION,
		.dumpit = cg_genl_locations,
	},
};

static const struct genl_multicast_group groups[] = {
	[CG_GROUP_EVENTS] = { .name = CALLGATE_MCGRP_EVENTS, CG_GENL_MCAST_FLAGS },
	[CG_GROUP_TRACE] = { .name = CALLGATE_MCGRP_TRACE, CG_GENL_MCAST_FLAGS },
};

struct genl_family cg_genl_family __ro_after_init = {
	.name = CALLGATE_GENL_NAME,
	.version = CALLGATE_GENL_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	.module = THIS_MODULE,
};

bool cg_genl_listening(const struct cg_net *cn, enum cg_genl_group group)
{
	return READ_ONCE(alive) && genl_has_listeners(&cg_genl_family, cn->net, group) > 0;
}

void cg_genl_send(struct cg_net *cn, struct sk_buff *skb, enum cg_genl_group group)
{
	down_read(&alive_sem);
	if (alive)
		genlmsg_multicast_netns(&cg_genl_family, cn->net, skb, 0, group, GFP_KERNEL);
	else
		kfree_skb(skb);
	up_read(&alive_sem);
}

int __init cg_genl_init(void)
{
	int err = cg_genl_gate_init();

	if (err)
		return err;
	err = genl_register_family(&cg_genl_family);
	if (err)
		cg_genl_gate_fini();
	else
		WRITE_ONCE(alive, true);
	return err;
}

void cg_genl_fini(void)
{
	if (!alive)
		return;
	down_write(&alive_sem);
	WRITE_ONCE(alive, false);
	up_write(&alive_sem);
	genl_unregister_family(&cg_genl_family);
	cg_genl_gate_fini();
}
