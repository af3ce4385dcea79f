/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "callgate.h"
#include "callgate_gateway.h"
#include "kernel_media.h"
#include "kernel_talk.h"
#include "log.h"
#include "sip/body.h"

#define RETRY_MS 1000	/* between attempts to find the module */
#define ROOM 1024	/* of a request, beside the message */

static struct nl_sock *sock;	/* NULL: not open */
static int family;
static uint64_t retry_at;

void kernel_media_close(void)
{
	nl_socket_free(sock);
	sock = NULL;
	retry_at = 0;
}

static int open_socket(void)
{
	int err;

	sock = nl_socket_alloc();
	if (!sock)
		return -ENOMEM;
	err = talk_connect(sock, NETLINK_GENERIC);
	if (err)
		return err;
	family = genl_ctrl_resolve(sock, CALLGATE_GENL_NAME);
	return family < 0 ? -ENOENT : 0;
}

/* The module may come and go. */
static int ready(uint64_t now)
{
	int err;

	if (sock)
		return 0;
	if (now < retry_at)
		return -ENOENT;
	err = open_socket();
	if (err) {
		kernel_media_close();
		retry_at = now + RETRY_MS;
	}
	return err;
}

/* ---- the question ---- */

static int put_end(struct nl_msg *msg, int attr, const uint8_t *addr, uint8_t len, uint16_t port)
{
	uint8_t wire[18];

	memcpy(wire, addr, len);
	wire[len] = (uint8_t)(port >> 8);
	wire[len + 1] = (uint8_t)port;
	return nla_put(msg, attr, len + 2, wire);
}

static int put_sip_end(struct nl_msg *msg, int attr, const struct sip_end *e)
{
	return put_end(msg, attr, e->addr, e->kind == SIP_HOST_IP4 ? 4 : 16, e->port);
}

static int put_to(struct nl_msg *msg, const struct sip_hop *h)
{
	struct nlattr *nest = nla_nest_start(msg, CALLGATE_W_TO | NLA_F_NESTED);

	if (!nest || put_sip_end(msg, CALLGATE_H_REMOTE, &h->remote) ||
	    put_sip_end(msg, CALLGATE_H_LOCAL, &h->local) ||
	    nla_put_u32(msg, CALLGATE_H_IFINDEX, h->ifindex) ||
	    nla_put_u8(msg, CALLGATE_H_INSIDE, h->zone == SIP_ZONE_INSIDE))
		return -NLE_NOMEM;
	return nla_nest_end(msg, nest);
}

static int put_from(struct nl_msg *msg, const struct sip_flow *f)
{
	struct nlattr *nest = nla_nest_start(msg, CALLGATE_W_FROM | NLA_F_NESTED);

	if (!nest ||
	    put_end(msg, CALLGATE_H_REMOTE, f->remote.addr, f->remote.len, f->remote.port) ||
	    put_end(msg, CALLGATE_H_LOCAL, f->local.addr, f->local.len, f->local.port) ||
	    nla_put_u32(msg, CALLGATE_H_IFINDEX, f->ifindex) ||
	    nla_put_u8(msg, CALLGATE_H_INSIDE, f->zone == ZONE_INSIDE))
		return -NLE_NOMEM;
	return nla_nest_end(msg, nest);
}

static struct nl_msg *question(const struct rx *rx, const struct sip_hop *to)
{
	struct nl_msg *msg = nlmsg_alloc_size(rx->len + ROOM);
	struct nlattr *nest;

	if (!msg)
		return NULL;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_REQUEST,
			 CALLGATE_CMD_MEDIA, CALLGATE_GENL_VERSION))
		goto fail;
	nest = nla_nest_start(msg, CALLGATE_A_MEDIA | NLA_F_NESTED);
	if (!nest || nla_put(msg, CALLGATE_W_DATAGRAM, (int)rx->len, rx->buf) ||
	    put_from(msg, &rx->flow) || put_to(msg, to) || nla_nest_end(msg, nest))
		goto fail;
	return msg;
fail:
	nlmsg_free(msg);
	return NULL;
}

/* ---- the answer ---- */

struct answer {
	const struct rx *rx;
	struct sip_edits edits;	/* the caller's, with ours */
	int n;
};

static int read_edit(struct answer *a, struct nlattr *item)
{
	struct nlattr *tb[CALLGATE_N_MAX + 1];
	uint32_t off, len;

	if (nla_parse_nested(tb, CALLGATE_N_MAX, item, NULL) || !tb[CALLGATE_N_OFFSET] ||
	    !tb[CALLGATE_N_LENGTH] || !tb[CALLGATE_N_TEXT])
		return -EPROTO;
	off = nla_get_u32(tb[CALLGATE_N_OFFSET]);
	len = nla_get_u32(tb[CALLGATE_N_LENGTH]);
	if (off > a->rx->len || len > a->rx->len - off)
		return -EPROTO;
	if (sip_edit_put(&a->edits, sip_slice(off, off + len), nla_data(tb[CALLGATE_N_TEXT]),
			 (uint32_t)nla_len(tb[CALLGATE_N_TEXT]), SIP_WHY(OTHER, 0)))
		return -ENOSPC;
	a->n++;
	return 0;
}

static int on_answer(struct nl_msg *msg, void *arg)
{
	struct nlattr *top, *list, *item;
	struct answer *a = arg;
	int rest, err = 0;

	top = nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN, CALLGATE_A_MEDIA);
	list = top ? nla_find(nla_data(top), nla_len(top), CALLGATE_W_EDITS) : NULL;
	if (!list)
		return -EPROTO;
	nla_for_each_nested(item, list, rest)
		if (!err)
			err = read_edit(a, item);
	return err;
}

static bool is_ours(const struct rx *rx, const struct sip_hop *to)
{
	return sip_may_be_media(&rx->msg) &&
	       (rx->flow.zone == ZONE_INSIDE || to->zone == SIP_ZONE_INSIDE);
}

int kernel_media(const struct rx *rx, const struct sip_hop *to, struct sip_edits *e)
{
	static struct answer a;	/* too large for a stack */
	struct nl_msg *msg;
	struct talk t;
	int err;

	if (!is_ours(rx, to))
		return 0;
	err = ready(rx->now);
	if (err)
		return err;
	msg = question(rx, to);
	if (!msg)
		return -ENOMEM;
	a.rx = rx;
	a.edits = *e;
	a.n = 0;
	err = talk(&t, sock, msg, on_answer, &a);
	if (err) {
		log_debug("media: %s %s", strerror(-err), t.said);
		/* it was unloaded, or what is read next would be the answer to this */
		if (err != -EINVAL) {
			kernel_media_close();
			retry_at = rx->now + RETRY_MS;
		}
		return err;
	}
	if (a.n)
		*e = a.edits;
	return a.n;
}
