// SPDX-License-Identifier: GPL-2.0-only
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <net/sock.h>

#include "attach.h"
#include "bind.h"
#include "genl_gate.h"
#include "genl_put.h"
#include "location.h"

/* ---- validation ---- */

static struct netlink_range_validation range_rate = { .max = 100000 };
static struct netlink_range_validation range_burst = { .min = 1, .max = 100000 };
static struct netlink_range_validation range_heard = { .max = 86400 };
static struct netlink_range_validation range_table = { .min = 1, .max = 4000000 };
static struct netlink_range_validation range_held = { .max = 4096 };
static struct netlink_range_validation range_bytes = { .max = 1 << 26 };

static const struct nla_policy socket_policy[CALLGATE_K_MAX + 1] = {
	[CALLGATE_K_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[CALLGATE_K_FD] = { .type = NLA_U32 },
	[CALLGATE_K_LOCAL] = { .type = NLA_BINARY, .len = 18 },
};

static const struct nla_policy gate_policy[CALLGATE_G_MAX + 1] = {
	[CALLGATE_G_KEY] = NLA_POLICY_EXACT_LEN(CALLGATE_KEY_SIZE),
	[CALLGATE_G_KEY_OLD] = NLA_POLICY_EXACT_LEN(CALLGATE_KEY_SIZE),
	[CALLGATE_G_TAKE] = NLA_POLICY_MASK(NLA_U32, CALLGATE_TAKE_OUTSIDE | CALLGATE_TAKE_INSIDE |
					    CALLGATE_TAKE_DIALOG),
	[CALLGATE_G_METHODS] = NLA_POLICY_MASK(NLA_U32, (CALLGATE_METHOD_OTHER << 1) - 1),
	[CALLGATE_G_DOMAINS] = { .type = NLA_NESTED },
	[CALLGATE_G_INSIDE] = { .type = NLA_NESTED },
	[CALLGATE_G_INTERFACES] = { .type = NLA_BINARY,
				    .len = CALLGATE_INTERFACES_MAX * sizeof(u32) },
	[CALLGATE_G_TRUSTED] = { .type = NLA_NESTED },
	[CALLGATE_G_RATE] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_rate),
	[CALLGATE_G_BURST] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_burst),
	[CALLGATE_G_HEARD] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_heard),
	[CALLGATE_G_LOCATIONS] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_table),
	[CALLGATE_G_TXNS] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_table),
	[CALLGATE_G_HELD] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_held),
	[CALLGATE_G_HELD_BYTES] = NLA_POLICY_FULL_RANGE(NLA_U32, &range_bytes),
	[CALLGATE_G_EPOCH] = { .type = NLA_U64 },
	[CALLGATE_G_REALMS] = { .type = NLA_NESTED },
};

static const struct nla_policy prefix_policy[CALLGATE_M_PREFIX + 1] = {
	[CALLGATE_M_PREFIX] = { .type = NLA_BINARY, .len = CG_PREFIX_WIRE6 },
};

static const struct nla_policy name_policy[CALLGATE_D_MAX + 1] = {
	[CALLGATE_D_NAME] = { .type = NLA_NUL_STRING, .len = CALLGATE_DOMAIN_SIZE - 1 },
	[CALLGATE_D_REALM] = { .type = NLA_NUL_STRING, .len = CALLGATE_REALM_SIZE - 1 },
};

const struct nla_policy cg_genl_none_policy[1];

const struct nla_policy cg_genl_socket_policy[CALLGATE_A_SOCKET + 1] = {
	[CALLGATE_A_SOCKET] = NLA_POLICY_NESTED(socket_policy),
};

const struct nla_policy cg_genl_gate_policy[CALLGATE_A_GATE + 1] = {
	[CALLGATE_A_GATE] = NLA_POLICY_NESTED(gate_policy),
};

bool cg_genl_read_ep(struct cg_ep *ep, const struct nlattr *attr)
{
	const u8 *wire;
	u32 size;

	if (!attr || (nla_len(attr) != 6 && nla_len(attr) != 18))
		return false;
	wire = nla_data(attr);
	size = nla_len(attr) - sizeof(u16);
	cg_ep_make(ep, size == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6, IPPROTO_UDP, wire,
		   wire[size] << 8 | wire[size + 1]);
	return true;
}

/* ---- sockets ---- */

/* All members of the nest; @tb has CALLGATE_K_MAX + 1. */
static int read_socket(struct genl_info *info, struct nlattr **tb)
{
	return nla_parse_nested(tb, CALLGATE_K_MAX, info->attrs[CALLGATE_A_SOCKET],
				socket_policy, info->extack);
}

static int put_socket(struct sk_buff *skb, const struct cg_sock *ks, int fd)
{
	struct nlattr *nest = nla_nest_start(skb, CALLGATE_A_SOCKET);

	if (!nest || nla_put_u32(skb, CALLGATE_K_ID, ks->id) ||
	    cg_put_ep(skb, CALLGATE_K_LOCAL, &ks->local) ||
	    (fd >= 0 && nla_put_u32(skb, CALLGATE_K_FD, fd)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static struct sk_buff *socket_reply(struct genl_info *info, const struct cg_sock *ks, int fd)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *hdr;

	if (!skb)
		return NULL;
	hdr = genlmsg_put_reply(skb, info, &cg_genl_family, 0, info->genlhdr->cmd);
	if (hdr && !put_socket(skb, ks, fd)) {
		genlmsg_end(skb, hdr);
		return skb;
	}
	nlmsg_free(skb);
	return NULL;
}

/* Whoever attaches or claims is the daemon from now on. */
static void become_daemon(struct cg_gate *gate, const struct genl_info *info, struct cg_sock *ks)
{
	WRITE_ONCE(gate->daemon, info->snd_portid);
	ks->until = 0;
}

int cg_genl_attach(struct sk_buff *req, struct genl_info *info)
{
	struct cg_gate *gate = cg_gate_make(cg_net_of(genl_info_net(info)));
	struct nlattr *tb[CALLGATE_K_MAX + 1];
	struct sk_buff *reply = NULL;
	struct cg_sock *ks;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, CALLGATE_A_SOCKET))
		return -EINVAL;
	err = read_socket(info, tb);
	if (err || !tb[CALLGATE_K_FD] || !gate)
		return err ?: gate ? -EINVAL : -ENOMEM;
	/* the first call's media must not come before them */
	cg_bind_now(gate->cn);
	mutex_lock(&gate->admin);
	ks = cg_attach(gate, nla_get_u32(tb[CALLGATE_K_FD]));
	if (IS_ERR(ks)) {
		err = PTR_ERR(ks);
	} else {
		become_daemon(gate, info, ks);
		reply = socket_reply(info, ks, -1);
	}
	mutex_unlock(&gate->admin);
	if (err)
		return err;
	return reply ? genlmsg_reply(reply, info) : -ENOMEM;
}

/* The file of @ks under a new number; the reply names it. */
static int hand_over(struct genl_info *info, struct cg_sock *ks, struct sk_buff **reply)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	*reply = socket_reply(info, ks, fd);
	if (!*reply) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	fd_install(fd, get_file(ks->file));
	return 0;
}

int cg_genl_claim(struct sk_buff *req, struct genl_info *info)
{
	struct cg_gate *gate = cg_gate_of(cg_net_of(genl_info_net(info)));
	struct nlattr *tb[CALLGATE_K_MAX + 1];
	struct sk_buff *reply;
	struct cg_sock *ks;
	struct cg_ep local;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, CALLGATE_A_SOCKET))
		return -EINVAL;
	err = read_socket(info, tb);
	if (err)
		return err;
	if (!cg_genl_read_ep(&local, tb[CALLGATE_K_LOCAL]))
		return -EINVAL;
	if (!gate)
		return -ENOENT;
	mutex_lock(&gate->admin);
	ks = cg_attach_find(gate, &local);
	err = ks ? hand_over(info, ks, &reply) : -ENOENT;
	if (!err)
		become_daemon(gate, info, ks);
	mutex_unlock(&gate->admin);
	return err ?: genlmsg_reply(reply, info);
}

int cg_genl_detach(struct sk_buff *req, struct genl_info *info)
{
	struct cg_gate *gate = cg_gate_of(cg_net_of(genl_info_net(info)));
	struct nlattr *tb[CALLGATE_K_MAX + 1] = {};
	u32 id = 0;
	int err;

	if (info->attrs[CALLGATE_A_SOCKET]) {
		err = read_socket(info, tb);
		if (err || !tb[CALLGATE_K_ID])
			return err ?: -EINVAL;
		id = nla_get_u32(tb[CALLGATE_K_ID]);
	}
	if (!gate)
		return id ? -ENOENT : 0;
	mutex_lock(&gate->admin);
	err = cg_attach_release(gate, id);
	mutex_unlock(&gate->admin);
	return err;
}

static int dump_socket(struct sk_buff *skb, struct netlink_callback *cb, const struct cg_sock *ks)
{
	void *hdr = cg_put_part(skb, cb, CALLGATE_CMD_SOCKET_GET);
	struct nlattr *nest;

	if (!hdr)
		return -EMSGSIZE;
	nest = nla_nest_start(skb, CALLGATE_A_SOCKET);
	if (!nest || nla_put_u32(skb, CALLGATE_K_ID, ks->id) ||
	    cg_put_ep(skb, CALLGATE_K_LOCAL, &ks->local) ||
	    nla_put_u8(skb, CALLGATE_K_CLAIMED, !ks->until) ||
	    (ks->until && cg_put_u64(skb, CALLGATE_K_UNTIL, ks->until))) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return 0;
}

int cg_genl_sockets(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cg_gate *gate = cg_gate_of(cg_net_of(sock_net(skb->sk)));
	unsigned long id = cb->args[0];
	struct cg_sock *ks;

	if (!gate)
		return 0;
	mutex_lock(&gate->admin);
	for (; id < CALLGATE_SOCKETS_MAX; id++) {
		ks = cg_attach_at(gate, id + 1);
		if (ks && dump_socket(skb, cb, ks))
			break;
	}
	mutex_unlock(&gate->admin);
	cb->args[0] = id;
	return skb->len;
}

/* ---- settings ---- */

static int read_prefixes(struct cg_prefix *to, u32 *n, const struct nlattr *list,
			 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CALLGATE_M_PREFIX + 1];
	const struct nlattr *item, *attr;
	int rest, err;

	*n = 0;
	nla_for_each_nested(item, list, rest) {
		err = nla_parse_nested(tb, CALLGATE_M_PREFIX, item, prefix_policy, extack);
		if (err)
			return err;
		attr = tb[CALLGATE_M_PREFIX];
		if (*n == CALLGATE_PREFIXES_MAX || !attr ||
		    !cg_prefix_read(&to[*n], nla_data(attr), nla_len(attr))) {
			NL_SET_ERR_MSG_ATTR(extack, item, "no prefix, or one too many");
			return -EINVAL;
		}
		++*n;
	}
	return 0;
}

/* Each: its length, then the name. Returns their bytes, or -errno. */
static int read_names(u8 *to, const struct nlattr *list, u16 attr, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CALLGATE_D_MAX + 1];
	const struct nlattr *item;
	int rest, err, len, n = 0, used = 0;

	nla_for_each_nested(item, list, rest) {
		err = nla_parse_nested(tb, CALLGATE_D_MAX, item, name_policy, extack);
		if (err)
			return err;
		len = tb[attr] ? nla_len(tb[attr]) - 1 : 0;
		if (len < 1 || n++ == CALLGATE_DOMAINS_MAX) {
			NL_SET_ERR_MSG_ATTR(extack, item, "no name, or one too many");
			return -EINVAL;
		}
		to[used] = (u8)len;
		memcpy(&to[used + 1], nla_data(tb[attr]), len);
		used += 1 + len;
	}
	return used;
}

/* What is not given stays, at another place perhaps. */
static int read_all_names(struct cg_rules *rules, const struct cg_rules *old, struct nlattr **tb,
			  struct netlink_ext_ack *extack)
{
	int n = old->domains_len;

	if (tb[CALLGATE_G_DOMAINS])
		n = read_names(rules->names, tb[CALLGATE_G_DOMAINS], CALLGATE_D_NAME, extack);
	if (n < 0)
		return n;
	rules->domains_len = n;
	n = old->realms_len;
	if (tb[CALLGATE_G_REALMS])
		n = read_names(rules->names + rules->domains_len, tb[CALLGATE_G_REALMS],
			       CALLGATE_D_REALM, extack);
	else
		memcpy(rules->names + rules->domains_len, old->names + old->domains_len, n);
	if (n < 0)
		return n;
	rules->realms_len = n;
	return 0;
}

static int read_lists(struct cg_rules *rules, struct nlattr **tb, struct netlink_ext_ack *extack)
{
	struct nlattr *attr = tb[CALLGATE_G_INTERFACES];
	int err = 0;

	if (attr) {
		rules->ninterfaces = nla_len(attr) / sizeof(u32);
		nla_memcpy(rules->interface, attr, rules->ninterfaces * sizeof(u32));
	}
	if (tb[CALLGATE_G_INSIDE])
		err = read_prefixes(rules->inside, &rules->ninside, tb[CALLGATE_G_INSIDE], extack);
	if (!err && tb[CALLGATE_G_TRUSTED])
		err = read_prefixes(rules->trusted, &rules->ntrusted, tb[CALLGATE_G_TRUSTED],
				    extack);
	return err;
}

static void read_keys(struct cg_rules *rules, struct nlattr **tb)
{
	if (tb[CALLGATE_G_KEY]) {
		nla_memcpy(rules->key.key[0], tb[CALLGATE_G_KEY], CALLGATE_KEY_SIZE);
		rules->has_key = true;
	}
	if (tb[CALLGATE_G_KEY_OLD]) {
		nla_memcpy(rules->key.key[1], tb[CALLGATE_G_KEY_OLD], CALLGATE_KEY_SIZE);
		rules->key.has_old = true;
	}
}

/* The numbers, by attribute. */
static const struct {
	u16 attr, offset;
} numbers[] = {
#define NUMBER(id, member) { CALLGATE_G_##id, offsetof(struct cg_rules, member) }
	NUMBER(TAKE, take), NUMBER(METHODS, methods), NUMBER(RATE, rate), NUMBER(BURST, burst),
	NUMBER(HEARD, heard), NUMBER(LOCATIONS, locations), NUMBER(TXNS, txns),
	NUMBER(HELD, held), NUMBER(HELD_BYTES, held_bytes),
#undef NUMBER
};

static void read_numbers(struct cg_rules *rules, struct nlattr **tb)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (tb[numbers[i].attr])
			*(u32 *)((u8 *)rules + numbers[i].offset) =
				nla_get_u32(tb[numbers[i].attr]);
	if (tb[CALLGATE_G_EPOCH])
		rules->epoch = nla_get_u64(tb[CALLGATE_G_EPOCH]);
}

/* Each name takes a byte beside it, less than its attributes. */
static u32 room_for(const struct nlattr *list, u32 old)
{
	return list ? nla_len(list) : old;
}

static int change(struct cg_gate *gate, struct nlattr **tb, struct netlink_ext_ack *extack)
{
	const struct cg_rules *old = rcu_dereference_protected(gate->rules,
							       lockdep_is_held(&gate->admin));
	struct cg_rules *rules;
	int err;

	rules = cg_rules_copy(gate, room_for(tb[CALLGATE_G_DOMAINS], old->domains_len) +
				    room_for(tb[CALLGATE_G_REALMS], old->realms_len));
	if (!rules)
		return -ENOMEM;
	read_keys(rules, tb);
	read_numbers(rules, tb);
	err = read_lists(rules, tb, extack);
	if (!err)
		err = read_all_names(rules, old, tb, extack);
	if (err) {
		kvfree(rules);
		return err;
	}
	cg_rules_replace(gate, rules);
	return 0;
}

int cg_genl_gate_set(struct sk_buff *req, struct genl_info *info)
{
	struct cg_gate *gate = cg_gate_make(cg_net_of(genl_info_net(info)));
	struct nlattr *tb[CALLGATE_G_MAX + 1];
	int err;

	if (GENL_REQ_ATTR_CHECK(info, CALLGATE_A_GATE))
		return -EINVAL;
	if (!gate)
		return -ENOMEM;
	err = nla_parse_nested(tb, CALLGATE_G_MAX, info->attrs[CALLGATE_A_GATE], gate_policy,
			       info->extack);
	if (err)
		return err;
	mutex_lock(&gate->admin);
	err = change(gate, tb, info->extack);
	mutex_unlock(&gate->admin);
	return err;
}

static int put_gate(struct sk_buff *skb, struct cg_gate *gate)
{
	const struct cg_rules *rules = rcu_dereference_protected(gate->rules,
								 lockdep_is_held(&gate->admin));
	struct nlattr *nest = nla_nest_start(skb, CALLGATE_A_GATE);
	u32 i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		if (nla_put_u32(skb, numbers[i].attr,
				*(const u32 *)((const u8 *)rules + numbers[i].offset)))
			return -EMSGSIZE;
	if (cg_put_u64(skb, CALLGATE_G_EPOCH, rules->epoch) ||
	    nla_put_u32(skb, CALLGATE_G_NLOCATIONS, gate->nlocations) ||
	    nla_put_u32(skb, CALLGATE_G_NTXNS, READ_ONCE(gate->nowners)) ||
	    nla_put_u32(skb, CALLGATE_G_NHELD, READ_ONCE(gate->nheld)) ||
	    cg_put_u64(skb, CALLGATE_G_MEMORY,
		       cg_location_bytes(gate) + READ_ONCE(gate->owner_bytes) +
		       READ_ONCE(gate->parties_bytes)) ||
	    nla_put_u32(skb, CALLGATE_G_NDIALOGS, READ_ONCE(gate->nparties)) ||
	    nla_put_u32(skb, CALLGATE_G_DAEMON, gate->daemon))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int cg_genl_gate_get(struct sk_buff *req, struct genl_info *info)
{
	struct cg_gate *gate = cg_gate_make(cg_net_of(genl_info_net(info)));
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	int err = -EMSGSIZE;
	void *hdr;

	if (!gate || !skb) {
		nlmsg_free(skb);
		return -ENOMEM;
	}
	hdr = genlmsg_put_reply(skb, info, &cg_genl_family, 0, CALLGATE_CMD_GATE_GET);
	if (hdr) {
		mutex_lock(&gate->admin);
		err = put_gate(skb, gate);
		mutex_unlock(&gate->admin);
	}
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

/* ---- the daemon dies ---- */

static int netlink_event(struct notifier_block *nb, unsigned long event, void *ptr)
{
	const struct netlink_notify *notify = ptr;
	struct cg_gate *gate;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	gate = cg_gate_of(cg_net_of(notify->net));
	if (gate && notify->portid && READ_ONCE(gate->daemon) == notify->portid)
		cg_gate_orphan(gate);
	return NOTIFY_DONE;
}

static struct notifier_block notifier = { .notifier_call = netlink_event };

int cg_genl_gate_init(void)
{
	return netlink_register_notifier(&notifier);
}

void cg_genl_gate_fini(void)
{
	netlink_unregister_notifier(&notifier);
}
