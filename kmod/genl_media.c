// SPDX-License-Identifier: GPL-2.0-only
/*
 * genl_media: what the daemon relays, for relayed.c.
 */
#include <linux/mm.h>
#include <net/sock.h>

#include "bind.h"
#include "genl_gate.h"
#include "genl_put.h"
#include "relayed.h"
#include "sip/body.h"

#define DATAGRAM_MAX 65507

static const struct nla_policy hop_policy[CALLGATE_H_MAX + 1] = {
	[CALLGATE_H_REMOTE] = { .type = NLA_BINARY, .len = 18 },
	[CALLGATE_H_LOCAL] = { .type = NLA_BINARY, .len = 18 },
	[CALLGATE_H_IFINDEX] = { .type = NLA_U32 },
	[CALLGATE_H_INSIDE] = NLA_POLICY_MAX(NLA_U8, 1),
};

static const struct nla_policy media_policy[CALLGATE_W_MAX + 1] = {
	[CALLGATE_W_DATAGRAM] = { .type = NLA_BINARY, .len = DATAGRAM_MAX },
	[CALLGATE_W_FROM] = NLA_POLICY_NESTED(hop_policy),
	[CALLGATE_W_TO] = NLA_POLICY_NESTED(hop_policy),
};

const struct nla_policy cg_genl_media_policy[CALLGATE_A_MEDIA + 1] = {
	[CALLGATE_A_MEDIA] = NLA_POLICY_NESTED(media_policy),
};

/* One request: too large for a stack. */
struct work {
	struct sip_hop from, to;
	struct sip_msg msg;
	struct sip_edits edits;
};

/* ---- the request ---- */

static bool read_end(struct sip_end *end, const struct nlattr *attr)
{
	struct cg_ep ep;

	if (!cg_genl_read_ep(&ep, attr))
		return false;
	memset(end, 0, sizeof(*end));
	memcpy(end->addr, &ep.addr, sizeof(end->addr));
	end->port = ntohs(ep.port);
	end->kind = ep.family == NFPROTO_IPV4 ? SIP_HOST_IP4 : SIP_HOST_IP6;
	return true;
}

static bool read_hop(struct sip_hop *hop, struct nlattr *nest, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CALLGATE_H_MAX + 1];

	if (!nest || nla_parse_nested(tb, CALLGATE_H_MAX, nest, hop_policy, extack) ||
	    !tb[CALLGATE_H_INSIDE] || !read_end(&hop->remote, tb[CALLGATE_H_REMOTE]) ||
	    !read_end(&hop->local, tb[CALLGATE_H_LOCAL]) || hop->remote.kind != hop->local.kind)
		return false;
	hop->ifindex = tb[CALLGATE_H_IFINDEX] ? nla_get_u32(tb[CALLGATE_H_IFINDEX]) : 0;
	hop->transport = SIP_T_UDP;
	hop->zone = nla_get_u8(tb[CALLGATE_H_INSIDE]) ? SIP_ZONE_INSIDE : SIP_ZONE_OUTSIDE;
	return true;
}

static int read_work(struct work *w, struct genl_info *info)
{
	struct nlattr *tb[CALLGATE_W_MAX + 1], *nest = info->attrs[CALLGATE_A_MEDIA];
	int err;

	if (GENL_REQ_ATTR_CHECK(info, CALLGATE_A_MEDIA))
		return -EINVAL;
	err = nla_parse_nested(tb, CALLGATE_W_MAX, nest, media_policy, info->extack);
	if (err)
		return err;
	if (!tb[CALLGATE_W_DATAGRAM] || !read_hop(&w->from, tb[CALLGATE_W_FROM], info->extack) ||
	    !read_hop(&w->to, tb[CALLGATE_W_TO], info->extack)) {
		NL_SET_ERR_MSG_ATTR(info->extack, nest, "not a whole message with its hops");
		return -EINVAL;
	}
	if (sip_msg_parse(&w->msg, nla_data(tb[CALLGATE_W_DATAGRAM]),
			  nla_len(tb[CALLGATE_W_DATAGRAM]), SIP_DATAGRAM) == SIP_OK)
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, tb[CALLGATE_W_DATAGRAM], "not a valid SIP message");
	return -EINVAL;
}

/* ---- the answer ---- */

static int put_edit(struct sk_buff *skb, const struct sip_edits *e, const struct sip_edit *x)
{
	struct nlattr *item = nla_nest_start(skb, CALLGATE_LIST_ITEM);

	if (!item || nla_put_u32(skb, CALLGATE_N_OFFSET, x->at.off) ||
	    nla_put_u32(skb, CALLGATE_N_LENGTH, x->at.len) ||
	    nla_put(skb, CALLGATE_N_TEXT, x->text_len, e->text + x->text))
		return -EMSGSIZE;
	nla_nest_end(skb, item);
	return 0;
}

static int put_media(struct sk_buff *skb, const struct sip_edits *e, u64 call)
{
	struct nlattr *nest = nla_nest_start(skb, CALLGATE_A_MEDIA), *list;
	u32 i;

	if (!nest || cg_put_u64(skb, CALLGATE_W_CALL, call))
		return -EMSGSIZE;
	list = nla_nest_start(skb, CALLGATE_W_EDITS);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < e->n; i++)
		if (put_edit(skb, e, &e->edit[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, list);
	nla_nest_end(skb, nest);
	return 0;
}

/* Room for all of them, each padded. */
static size_t room_for(const struct sip_edits *e)
{
	return 128 + e->used +
	       e->n * (4 * NLA_HDRLEN + 2 * sizeof(u32) + NLA_ALIGNTO);
}

static int answer(struct genl_info *info, const struct sip_edits *e, u64 call)
{
	struct sk_buff *skb = genlmsg_new(room_for(e), GFP_KERNEL);
	void *hdr;

	if (!skb)
		return -ENOMEM;
	hdr = genlmsg_put_reply(skb, info, &cg_genl_family, 0, CALLGATE_CMD_MEDIA);
	if (!hdr || put_media(skb, e, call)) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

int cg_genl_media(struct sk_buff *req, struct genl_info *info)
{
	struct cg_net *cn = cg_net_of(genl_info_net(info));
	struct work *w = kvmalloc(sizeof(*w), GFP_KERNEL);
	struct cg_relayed media;
	int err;

	if (!w)
		return -ENOMEM;
	err = read_work(w, info);
	if (err)
		goto free;
	sip_edit_init(&w->edits);
	cg_bind_now(cn);
	media = (struct cg_relayed){
		.msg = &w->msg, .from = &w->from, .to = &w->to, .edits = &w->edits,
	};
	cg_relayed(cn, &media);
	err = answer(info, &w->edits, media.call);
free:
	kvfree(w);
	return err;
}
