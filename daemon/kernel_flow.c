/* SPDX-License-Identifier: BSD-2-Clause */
/* The conntrack table, by ctnetlink: only what is asked of it here. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "kernel.h"
#include "kernel_talk.h"

static struct nl_msg *request(int type, int flags, uint8_t family)
{
	struct nfgenmsg head = { .nfgen_family = family, .version = NFNETLINK_V0 };
	struct nl_msg *msg = nlmsg_alloc_simple(NFNL_SUBSYS_CTNETLINK << 8 | type, flags);

	if (msg && nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int with_socket(struct nl_msg *msg, talk_fn *fn, void *arg)
{
	struct nl_sock *sk = nl_socket_alloc();
	struct talk t;
	int err;

	err = sk && msg ? talk_connect(sk, NETLINK_NETFILTER) : -ENOMEM;
	if (err)
		nlmsg_free(msg);
	else
		err = talk(&t, sk, msg, fn, arg);
	nl_socket_free(sk);
	return err;
}

static void read_address(struct endpoint *e, struct nlattr *v4, struct nlattr *v6)
{
	struct nlattr *a = v4 ? v4 : v6;

	if (!a || (nla_len(a) != 4 && nla_len(a) != 16))
		return;
	e->len = (uint8_t)nla_len(a);
	memcpy(e->addr, nla_data(a), e->len);
}

static void read_tuple(struct nlattr *tuple, struct endpoint *src, struct endpoint *dst,
		       uint8_t *proto)
{
	struct nlattr *tb[CTA_TUPLE_MAX + 1], *ip[CTA_IP_MAX + 1], *l4[CTA_PROTO_MAX + 1];

	if (nla_parse_nested(tb, CTA_TUPLE_MAX, tuple, NULL) || !tb[CTA_TUPLE_IP] ||
	    !tb[CTA_TUPLE_PROTO] || nla_parse_nested(ip, CTA_IP_MAX, tb[CTA_TUPLE_IP], NULL) ||
	    nla_parse_nested(l4, CTA_PROTO_MAX, tb[CTA_TUPLE_PROTO], NULL))
		return;
	read_address(src, ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC]);
	read_address(dst, ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST]);
	if (l4[CTA_PROTO_NUM])
		*proto = nla_get_u8(l4[CTA_PROTO_NUM]);
	if (l4[CTA_PROTO_SRC_PORT])
		src->port = ntohs(nla_get_u16(l4[CTA_PROTO_SRC_PORT]));
	if (l4[CTA_PROTO_DST_PORT])
		dst->port = ntohs(nla_get_u16(l4[CTA_PROTO_DST_PORT]));
}

static void keep_tuple(struct flow *f, struct nlattr *tuple)
{
	if ((size_t)nla_len(tuple) > sizeof(f->tuple))
		return;
	f->ntuple = (uint16_t)nla_len(tuple);
	memcpy(f->tuple, nla_data(tuple), f->ntuple);
}

static void read_helper(struct flow *f, struct nlattr *help)
{
	struct nlattr *tb[CTA_HELP_MAX + 1];

	if (!nla_parse_nested(tb, CTA_HELP_MAX, help, NULL) && tb[CTA_HELP_NAME])
		nla_strlcpy(f->helper, tb[CTA_HELP_NAME], sizeof(f->helper));
}

struct flow_dump {
	kernel_flow_fn *fn;
	void *arg;
};

static int on_flow(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	const struct nfgenmsg *head = nlmsg_data(hdr);
	struct nlattr *tb[CTA_MAX + 1];
	struct flow_dump *d = arg;
	struct flow f = { .family = head->nfgen_family };

	if (nlmsg_parse(hdr, sizeof(*head), tb, CTA_MAX, NULL) || !tb[CTA_TUPLE_ORIG] ||
	    !tb[CTA_TUPLE_REPLY])
		return 0;
	read_tuple(tb[CTA_TUPLE_ORIG], &f.src, &f.dst, &f.proto);
	read_tuple(tb[CTA_TUPLE_REPLY], &f.rsrc, &f.rdst, &f.proto);
	keep_tuple(&f, tb[CTA_TUPLE_ORIG]);
	if (tb[CTA_HELP])
		read_helper(&f, tb[CTA_HELP]);
	if (tb[CTA_ID])
		f.id = nla_get_u32(tb[CTA_ID]);
	if (tb[CTA_TIMEOUT])
		f.timeout = ntohl(nla_get_u32(tb[CTA_TIMEOUT]));
	if (tb[CTA_ZONE])
		f.zone = nla_get_u16(tb[CTA_ZONE]);
	return d->fn(&f, d->arg);
}

int kernel_flows(kernel_flow_fn *fn, void *arg)
{
	struct flow_dump d = { fn, arg };

	return with_socket(request(IPCTNL_MSG_CT_GET, NLM_F_REQUEST | NLM_F_DUMP, 0), on_flow, &d);
}

int kernel_flow_delete(const struct flow *f)
{
	struct nl_msg *msg = request(IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST, f->family);

	/* the id: not an entry that came after it with the same addresses */
	if (msg && (!f->ntuple ||
		    nla_put(msg, CTA_TUPLE_ORIG | NLA_F_NESTED, f->ntuple, f->tuple) ||
		    nla_put_u32(msg, CTA_ID, f->id) ||
		    (f->zone && nla_put_u16(msg, CTA_ZONE, f->zone)))) {
		nlmsg_free(msg);
		return -EINVAL;
	}
	return with_socket(msg, NULL, NULL);
}
