// SPDX-License-Identifier: GPL-2.0-only
#include <net/sock.h>

#include "genl_gate.h"
#include "genl_put.h"
#include "hold.h"

static const struct nla_policy location_policy[CALLGATE_L_MAX + 1] = {
	[CALLGATE_L_ID] = { .type = NLA_U64 },
	[CALLGATE_L_GENERATION] = { .type = NLA_U64 },
	[CALLGATE_L_AOR] = { .type = NLA_BINARY, .len = CALLGATE_URI_MAX },
	[CALLGATE_L_URI] = { .type = NLA_BINARY, .len = CALLGATE_URI_MAX },
	[CALLGATE_L_REMOTE] = { .type = NLA_BINARY, .len = 18 },
	[CALLGATE_L_LOCAL] = { .type = NLA_BINARY, .len = 18 },
	[CALLGATE_L_IFINDEX] = { .type = NLA_U32 },
	[CALLGATE_L_EXPIRES] = { .type = NLA_U64 },
	[CALLGATE_L_HEARD] = { .type = NLA_U64 },
	[CALLGATE_L_FLAGS] = NLA_POLICY_MASK(NLA_U32, CALLGATE_LOCATION_UP |
					     CALLGATE_LOCATION_NO_STRANGERS),
};

static const struct nla_policy locate_policy[CALLGATE_Q_MAX + 1] = {
	[CALLGATE_Q_ID] = { .type = NLA_U64 },
	[CALLGATE_Q_AOR] = { .type = NLA_BINARY, .len = CALLGATE_URI_MAX },
	[CALLGATE_Q_VERDICT] = NLA_POLICY_RANGE(NLA_U8, CALLGATE_LOCATE_FORWARD,
						CALLGATE_LOCATE_DROP),
	[CALLGATE_Q_CONTACT] = { .type = NLA_U64 },
};

const struct nla_policy cg_genl_location_policy[CALLGATE_A_LOCATION + 1] = {
	[CALLGATE_A_LOCATION] = NLA_POLICY_NESTED(location_policy),
};

const struct nla_policy cg_genl_locate_policy[CALLGATE_A_LOCATE + 1] = {
	[CALLGATE_A_LOCATION] = NLA_POLICY_NESTED(location_policy),
	[CALLGATE_A_LOCATE] = NLA_POLICY_NESTED(locate_policy),
};

static struct cg_gate *gate_of(struct genl_info *info)
{
	return cg_gate_of(cg_net_of(genl_info_net(info)));
}

/*
 * The text of a string attribute; its length, or 0: it is not there, or no NUL ends it. Eight bytes
 * at a time, which the policy of strings does not do.
 */
static u8 text_of(const struct nlattr *attr, const u8 **text)
{
	u32 len = attr ? min_t(u32, nla_len(attr), CALLGATE_URI_MAX) : 0;
	u32 n;

	if (!len)
		return 0;
	*text = nla_data(attr);
	n = sip_find_below(*text, 0, len, 1);
	return n < len ? (u8)n : 0;
}

/* Each attribute was looked at by its policy with the whole message. */
static int read_nest(struct genl_info *info, u32 attr, struct nlattr **tb, int max)
{
	if (GENL_REQ_ATTR_CHECK(info, attr))
		return -EINVAL;
	return nla_parse_nested(tb, max, info->attrs[attr], NULL, info->extack);
}

static int read_location(struct genl_info *info, struct nlattr **tb)
{
	return read_nest(info, CALLGATE_A_LOCATION, tb, CALLGATE_L_MAX);
}

/* ---- changes ---- */

static bool read_new(struct cg_location_new *n, struct nlattr **tb)
{
	u64 heard;

	if (!tb[CALLGATE_L_ID] || !tb[CALLGATE_L_GENERATION] || !tb[CALLGATE_L_EXPIRES])
		return false;
	memset(n, 0, sizeof(*n));
	n->id = nla_get_u64(tb[CALLGATE_L_ID]);
	n->generation = nla_get_u64(tb[CALLGATE_L_GENERATION]);
	n->expires = cg_seconds(nla_get_u64(tb[CALLGATE_L_EXPIRES]));
	heard = tb[CALLGATE_L_HEARD] ? nla_get_u64(tb[CALLGATE_L_HEARD]) : 0;
	n->heard = cg_seconds(heard ?: cg_ms());
	if (tb[CALLGATE_L_IFINDEX])
		n->ifindex = nla_get_u32(tb[CALLGATE_L_IFINDEX]);
	if (tb[CALLGATE_L_FLAGS])
		n->flags = (u8)nla_get_u32(tb[CALLGATE_L_FLAGS]);
	n->naor = text_of(tb[CALLGATE_L_AOR], &n->aor);
	n->nuri = text_of(tb[CALLGATE_L_URI], &n->uri);
	return n->id && n->naor && n->nuri && cg_genl_read_ep(&n->remote, tb[CALLGATE_L_REMOTE]) &&
	       cg_genl_read_ep(&n->local, tb[CALLGATE_L_LOCAL]) &&
	       n->remote.family == n->local.family;
}

/* A whole one, as LOCATION_SET has it. */
static int read_whole(struct cg_location_new *n, struct genl_info *info)
{
	struct nlattr *tb[CALLGATE_L_MAX + 1];
	int err = read_location(info, tb);

	if (err || read_new(n, tb))
		return err;
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[CALLGATE_A_LOCATION],
			    "not a whole location");
	return -EINVAL;
}

int cg_genl_location_set(struct sk_buff *req, struct genl_info *info)
{
	struct cg_location_new n;
	struct cg_gate *gate;
	int err;

	err = read_whole(&n, info);
	if (err)
		return err;
	gate = cg_gate_make(cg_net_of(genl_info_net(info)));
	if (!gate)
		return -ENOMEM;
	mutex_lock(&gate->admin);
	err = PTR_ERR_OR_ZERO(cg_location_set(gate, &n));
	mutex_unlock(&gate->admin);
	return err;
}

int cg_genl_location_del(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *tb[CALLGATE_L_MAX + 1];
	struct cg_gate *gate = gate_of(info);
	const u8 *aor;
	int err;
	u8 naor;

	err = read_location(info, tb);
	if (err)
		return err;
	naor = text_of(tb[CALLGATE_L_AOR], &aor);
	if (!naor || !tb[CALLGATE_L_ID])
		return -EINVAL;
	if (!gate)
		return -ENOENT;
	mutex_lock(&gate->admin);
	err = cg_location_del(gate, aor, naor, nla_get_u64(tb[CALLGATE_L_ID]));
	mutex_unlock(&gate->admin);
	return err;
}

int cg_genl_location_flush(struct sk_buff *req, struct genl_info *info)
{
	struct cg_gate *gate = gate_of(info);
	struct cg_rules *rules;
	int err = 0;

	if (!gate)
		return 0;
	mutex_lock(&gate->admin);
	rules = cg_rules_copy(gate, 0);
	if (rules) {
		rules->epoch = 0;
		cg_rules_replace(gate, rules);
		cg_location_flush(gate);
	} else {
		err = -ENOMEM;
	}
	mutex_unlock(&gate->admin);
	return err;
}

/* ---- the dump ---- */

static int put_location(struct sk_buff *skb, const struct cg_location *loc)
{
	struct cg_ep remote, local;

	cg_location_remote(loc, &remote);
	cg_location_local(loc, &local);
	if (cg_put_u64(skb, CALLGATE_L_ID, loc->id) ||
	    cg_put_u64(skb, CALLGATE_L_GENERATION, loc->generation) ||
	    cg_put_text(skb, CALLGATE_L_AOR, cg_location_aor(loc), loc->naor, CALLGATE_URI_MAX) ||
	    cg_put_text(skb, CALLGATE_L_URI, cg_location_uri(loc), loc->nuri, CALLGATE_URI_MAX) ||
	    cg_put_ep(skb, CALLGATE_L_REMOTE, &remote) ||
	    cg_put_ep(skb, CALLGATE_L_LOCAL, &local) ||
	    nla_put_u32(skb, CALLGATE_L_IFINDEX, loc->ifindex) ||
	    cg_put_u64(skb, CALLGATE_L_EXPIRES, (u64)loc->expires * MSEC_PER_SEC) ||
	    cg_put_u64(skb, CALLGATE_L_HEARD, (u64)READ_ONCE(loc->heard) * MSEC_PER_SEC) ||
	    nla_put_u32(skb, CALLGATE_L_FLAGS, loc->flags))
		return -EMSGSIZE;
	return 0;
}

static int dump_location(struct sk_buff *skb, struct netlink_callback *cb,
			 const struct cg_location *loc)
{
	void *hdr = cg_put_part(skb, cb, CALLGATE_CMD_LOCATION_GET);
	struct nlattr *nest;

	if (!hdr)
		return -EMSGSIZE;
	nest = nla_nest_start(skb, CALLGATE_A_LOCATION);
	if (!nest || put_location(skb, loc)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return 0;
}

/* The last one that was told. */
struct told {
	u64 id;
	u32 hash;
	bool over;
};

static struct told *told_of(struct netlink_callback *cb)
{
	BUILD_BUG_ON(sizeof(struct told) > sizeof(cb->args));
	return (struct told *)cb->args;
}

/* Is it about one user? -EINVAL: the name is missing. */
static int read_user(const struct netlink_callback *cb, const u8 **aor)
{
	const struct nlattr *nest = nlmsg_find_attr(cb->nlh, GENL_HDRLEN, CALLGATE_A_LOCATION);

	if (!nest)
		return 0;
	return text_of(nla_find_nested(nest, CALLGATE_L_AOR), aor) ?: -EINVAL;
}

/* What is there all the time is told, whatever comes and goes between two parts. */
int cg_genl_locations(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cg_gate *gate = cg_gate_of(cg_net_of(sock_net(skb->sk)));
	struct told *last = told_of(cb);
	struct cg_location *loc;
	const u8 *aor = NULL;
	int naor = read_user(cb, &aor);

	if (naor < 0 || !gate || last->over)
		return min(naor, 0);
	mutex_lock(&gate->admin);
	do {
		loc = naor ? cg_location_of(gate, aor, naor, last->id) :
			     cg_location_next(gate, last->hash, last->id);
		if (!loc || dump_location(skb, cb, loc))
			break;
		*last = (struct told){ .id = loc->id, .hash = cg_location_hash(loc) };
	} while (true);
	last->over = !loc;
	mutex_unlock(&gate->admin);
	return skb->len;
}

/* ---- questions ---- */

static int put_question(struct sk_buff *skb, const struct cg_fwd *f, u64 id)
{
	struct nlattr *nest = nla_nest_start(skb, CALLGATE_A_LOCATE);

	if (!nest || cg_put_u64(skb, CALLGATE_Q_ID, id) ||
	    cg_put_text(skb, CALLGATE_Q_AOR, f->aor, f->naor, CALLGATE_URI_MAX) ||
	    cg_put_ep(skb, CALLGATE_Q_REMOTE, &f->in.remote) ||
	    cg_put_ep(skb, CALLGATE_Q_LOCAL, &f->in.local) ||
	    nla_put_u32(skb, CALLGATE_Q_IFINDEX, f->in.ifindex) ||
	    nla_put_u32(skb, CALLGATE_Q_SOCKET, f->sock_id) ||
	    cg_put_u64(skb, CALLGATE_Q_DEADLINE, cg_ms() + CALLGATE_LOCATE_MS) ||
	    nla_put(skb, CALLGATE_Q_DATAGRAM, f->len, f->data))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

struct sk_buff *cg_genl_question(const struct cg_fwd *f, u64 id)
{
	struct sk_buff *skb = genlmsg_new(f->len + 512, GFP_ATOMIC | __GFP_NOWARN);
	void *hdr;

	if (!skb)
		return NULL;
	hdr = genlmsg_put(skb, READ_ONCE(f->gate->daemon), 0, &cg_genl_family, 0,
			  CALLGATE_CMD_LOCATE);
	if (!hdr || put_question(skb, f, id)) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, hdr);
	return skb;
}

bool cg_genl_tell(const struct cg_gate *gate, struct sk_buff *skb)
{
	u32 daemon = READ_ONCE(gate->daemon);

	if (!daemon) {
		kfree_skb(skb);
		return false;
	}
	return !genlmsg_unicast(gate->cn->net, skb, daemon);
}

/* Where FORWARD leads to; it may have to be set first. Under gate->admin, where locations stay. */
static const struct cg_location *target_of(struct cg_gate *gate, struct genl_info *info,
					   struct nlattr **tb)
{
	struct cg_location_new n;
	const u8 *aor;
	u8 naor;
	int err;

	if (info->attrs[CALLGATE_A_LOCATION]) {
		err = read_whole(&n, info);
		return err ? ERR_PTR(err) : cg_location_set(gate, &n);
	}
	naor = text_of(tb[CALLGATE_Q_AOR], &aor);
	if (!naor || !tb[CALLGATE_Q_CONTACT])
		return ERR_PTR(-EINVAL);
	return cg_location_find(gate, aor, naor, nla_get_u64(tb[CALLGATE_Q_CONTACT])) ?:
	       ERR_PTR(-ENOENT);
}

static int answer(struct cg_gate *gate, struct genl_info *info, struct nlattr **tb)
{
	u8 verdict = nla_get_u8(tb[CALLGATE_Q_VERDICT]);
	const struct cg_location *loc = NULL;

	if (verdict == CALLGATE_LOCATE_FORWARD)
		loc = target_of(gate, info, tb);
	if (IS_ERR(loc))
		return PTR_ERR(loc);
	return cg_hold_answer(gate, nla_get_u64(tb[CALLGATE_Q_ID]), verdict, loc);
}

int cg_genl_locate(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *tb[CALLGATE_Q_MAX + 1];
	struct cg_gate *gate = gate_of(info);
	int err;

	err = read_nest(info, CALLGATE_A_LOCATE, tb, CALLGATE_Q_MAX);
	if (err)
		return err;
	if (!tb[CALLGATE_Q_ID] || !tb[CALLGATE_Q_VERDICT])
		return -EINVAL;
	if (!gate)
		return -ENOENT;
	mutex_lock(&gate->admin);
	err = answer(gate, info, tb);
	mutex_unlock(&gate->admin);
	return err;
}
