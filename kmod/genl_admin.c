// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "genl_admin.h"
#include "genl_put.h"
#include "mode.h"
#include "provider.h"

/* One writer of both tables, in all namespaces: admins are slow. */
static DEFINE_MUTEX(table_mutex);

/* ---- validation ---- */

static const struct nla_policy mode_policy[CALLGATE_M_MAX + 1] = {
	[CALLGATE_M_PREFIX] = { .type = NLA_BINARY, .len = CG_PREFIX_WIRE6 },
	[CALLGATE_M_MODE] = NLA_POLICY_RANGE(NLA_U8, CALLGATE_MODE_OFF, CALLGATE_MODE_TRANSLATE),
};

static const struct nla_policy member_policy[CALLGATE_M_PREFIX + 1] = {
	[CALLGATE_M_PREFIX] = { .type = NLA_BINARY, .len = CG_PREFIX_WIRE6 },
};

static const struct nla_policy provider_policy[CALLGATE_V_MAX + 1] = {
	[CALLGATE_V_NAME] = { .type = NLA_NUL_STRING, .len = CALLGATE_NAME_MAX - 1 },
	[CALLGATE_V_MEMBERS] = { .type = NLA_NESTED },
};

const struct nla_policy cg_genl_mode_policy[CALLGATE_A_MODE + 1] = {
	[CALLGATE_A_MODE] = NLA_POLICY_NESTED(mode_policy),
};

const struct nla_policy cg_genl_provider_policy[CALLGATE_A_PROVIDER + 1] = {
	[CALLGATE_A_PROVIDER] = NLA_POLICY_NESTED(provider_policy),
};

static int read_prefix(struct cg_prefix *prefix, const struct nlattr *attr,
		       struct netlink_ext_ack *extack)
{
	if (attr && cg_prefix_read(prefix, nla_data(attr), nla_len(attr)))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "not an address and the length of its prefix");
	return -EINVAL;
}

static int put_prefix(struct sk_buff *skb, const struct cg_prefix *prefix)
{
	u8 wire[CG_PREFIX_WIRE6];

	return nla_put(skb, CALLGATE_M_PREFIX, cg_prefix_write(prefix, wire), wire);
}

static int refused(int err, struct netlink_ext_ack *extack)
{
	if (err == -ENOSPC)
		NL_SET_ERR_MSG(extack, "the table is full");
	else if (err == -ENOENT)
		NL_SET_ERR_MSG(extack, "there is no such entry");
	return err;
}

/* ---- dumps: by place; who comes while the table changes is told so ---- */

static int dump_mode(struct sk_buff *skb, struct netlink_callback *cb, const struct cg_mode *m)
{
	void *hdr = cg_put_part(skb, cb, CALLGATE_CMD_MODE_GET);
	struct nlattr *nest;

	if (!hdr)
		return -EMSGSIZE;
	nest = nla_nest_start(skb, CALLGATE_A_MODE);
	if (!nest || put_prefix(skb, &m->prefix) || nla_put_u8(skb, CALLGATE_M_MODE, m->mode)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return 0;
}

int cg_genl_modes(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cg_net *cn = cg_net_of(sock_net(skb->sk));
	unsigned long i = cb->args[0];

	spin_lock_bh(&cn->lock);
	cb->seq = cn->tables;
	while (cn->modes && i < cn->modes->n && !dump_mode(skb, cb, &cn->modes->at[i]))
		i++;
	spin_unlock_bh(&cn->lock);
	cb->args[0] = i;
	return skb->len;
}

static int put_member(struct sk_buff *skb, const struct cg_providers *v, const struct cg_member *m)
{
	struct nlattr *list, *item;

	if (nla_put_string(skb, CALLGATE_V_NAME, v->set[m->set].name))
		return -EMSGSIZE;
	list = nla_nest_start(skb, CALLGATE_V_MEMBERS);
	item = list ? nla_nest_start(skb, CALLGATE_LIST_ITEM) : NULL;
	if (!item || put_prefix(skb, &m->prefix))
		return -EMSGSIZE;
	nla_nest_end(skb, item);
	nla_nest_end(skb, list);
	return 0;
}

static int dump_member(struct sk_buff *skb, struct netlink_callback *cb,
		       const struct cg_providers *v, const struct cg_member *m)
{
	void *hdr = cg_put_part(skb, cb, CALLGATE_CMD_PROVIDER_GET);
	struct nlattr *nest;

	if (!hdr)
		return -EMSGSIZE;
	nest = nla_nest_start(skb, CALLGATE_A_PROVIDER);
	if (!nest || put_member(skb, v, m)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return 0;
}

int cg_genl_providers(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cg_net *cn = cg_net_of(sock_net(skb->sk));
	const struct cg_providers *v;
	unsigned long i = cb->args[0];

	spin_lock_bh(&cn->lock);
	cb->seq = cn->tables;
	v = cn->providers;
	while (v && i < v->n && !dump_member(skb, cb, v, &v->at[i]))
		i++;
	spin_unlock_bh(&cn->lock);
	cb->args[0] = i;
	return skb->len;
}

/* ---- modes ---- */

static int change_mode(struct genl_info *info, const struct cg_prefix *prefix, u8 mode)
{
	struct cg_net *cn = cg_net_of(genl_info_net(info));
	struct cg_modes *new;
	int err = 0;

	mutex_lock(&table_mutex);
	new = cg_modes_with(cn->modes, prefix, mode);
	if (IS_ERR(new))
		err = PTR_ERR(new);
	else
		cg_modes_replace(cn, new);
	mutex_unlock(&table_mutex);
	return refused(err, info->extack);
}

/* Both requests name one prefix. */
static int read_mode(struct genl_info *info, struct cg_prefix *prefix, u8 *mode)
{
	struct nlattr *tb[CALLGATE_M_MAX + 1];
	int err;

	err = nla_parse_nested(tb, CALLGATE_M_MAX, info->attrs[CALLGATE_A_MODE], mode_policy,
			       info->extack);
	if (err)
		return err;
	*mode = tb[CALLGATE_M_MODE] ? nla_get_u8(tb[CALLGATE_M_MODE]) : 0;
	return read_prefix(prefix, tb[CALLGATE_M_PREFIX], info->extack);
}

int cg_genl_mode_set(struct sk_buff *req, struct genl_info *info)
{
	struct cg_prefix prefix;
	int err;
	u8 mode;

	if (GENL_REQ_ATTR_CHECK(info, CALLGATE_A_MODE))
		return -EINVAL;
	err = read_mode(info, &prefix, &mode);
	if (!err && !mode)
		err = -EINVAL;
	return err ?: change_mode(info, &prefix, mode);
}

int cg_genl_mode_del(struct sk_buff *req, struct genl_info *info)
{
	struct cg_prefix prefix;
	int err;
	u8 mode;

	if (!info->attrs[CALLGATE_A_MODE]) {
		mutex_lock(&table_mutex);
		cg_modes_replace(cg_net_of(genl_info_net(info)), NULL);
		mutex_unlock(&table_mutex);
		return 0;
	}
	err = read_mode(info, &prefix, &mode);
	if (!err && mode)
		err = -EINVAL;
	return err ?: change_mode(info, &prefix, 0);
}

/* ---- providers ---- */

/* Names go into files of lines and words. */
static bool is_name(const char *name)
{
	if (!*name)
		return false;
	for (; *name; name++) {
		char c = *name | 0x20;

		if (!(c >= 'a' && c <= 'z') && !(*name >= '0' && *name <= '9') &&
		    *name != '.' && *name != '_' && *name != '-')
			return false;
	}
	return true;
}

static int read_member(struct cg_prefix *prefix, const struct nlattr *item,
		       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CALLGATE_M_PREFIX + 1];
	int err;

	err = nla_parse_nested(tb, CALLGATE_M_PREFIX, item, member_policy, extack);
	if (!err)
		err = read_prefix(prefix, tb[CALLGATE_M_PREFIX], extack);
	if (err || prefix->len)
		return err;
	NL_SET_ERR_MSG_ATTR(extack, item, "a provider is not the whole world");
	return -EINVAL;
}

/* The number of members, which are in @to. */
static int read_members(struct cg_prefix *to, const struct nlattr *list,
			struct netlink_ext_ack *extack)
{
	const struct nlattr *item;
	int n = 0, rest, err;

	nla_for_each_nested(item, list, rest) {
		if (n == CG_PROVIDER_MEMBERS_MAX)
			return -ENOSPC;
		err = read_member(&to[n++], item, extack);
		if (err)
			return err;
	}
	return n ?: -EINVAL;
}

static int change_provider(struct genl_info *info, const char *name,
			   const struct cg_prefix *member, u32 n)
{
	struct cg_net *cn = cg_net_of(genl_info_net(info));
	struct cg_providers *new;
	int err = 0;

	mutex_lock(&table_mutex);
	new = cg_providers_with(cn->providers, name, member, n);
	if (IS_ERR(new))
		err = PTR_ERR(new);
	else
		cg_providers_replace(cn, new);
	mutex_unlock(&table_mutex);
	return refused(err, info->extack);
}

/* @tb: CALLGATE_V_MAX + 1 of them; the name is checked. */
static int read_provider(struct genl_info *info, struct nlattr **tb)
{
	int err;

	err = nla_parse_nested(tb, CALLGATE_V_MAX, info->attrs[CALLGATE_A_PROVIDER],
			       provider_policy, info->extack);
	if (err)
		return err;
	if (tb[CALLGATE_V_NAME] && is_name(nla_data(tb[CALLGATE_V_NAME])))
		return 0;
	NL_SET_ERR_MSG(info->extack, "a name is made of letters, digits, and . _ -");
	return -EINVAL;
}

int cg_genl_provider_set(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *tb[CALLGATE_V_MAX + 1];
	struct cg_prefix *members;
	int n;

	if (GENL_REQ_ATTR_CHECK(info, CALLGATE_A_PROVIDER))
		return -EINVAL;
	n = read_provider(info, tb);
	if (n)
		return n;
	if (!tb[CALLGATE_V_MEMBERS])
		return -EINVAL;
	members = kcalloc(CG_PROVIDER_MEMBERS_MAX, sizeof(*members), GFP_KERNEL_ACCOUNT);
	if (!members)
		return -ENOMEM;
	n = read_members(members, tb[CALLGATE_V_MEMBERS], info->extack);
	if (n > 0)
		n = change_provider(info, nla_data(tb[CALLGATE_V_NAME]), members, n);
	else
		n = refused(n, info->extack);
	kfree(members);
	return n;
}

int cg_genl_provider_del(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *tb[CALLGATE_V_MAX + 1];
	int err;

	if (!info->attrs[CALLGATE_A_PROVIDER]) {
		mutex_lock(&table_mutex);
		cg_providers_replace(cg_net_of(genl_info_net(info)), NULL);
		mutex_unlock(&table_mutex);
		return 0;
	}
	err = read_provider(info, tb);
	if (!err && tb[CALLGATE_V_MEMBERS])
		err = -EINVAL;
	return err ?: change_provider(info, nla_data(tb[CALLGATE_V_NAME]), NULL, 0);
}
