/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ep: an endpoint (family, protocol, address, port) and the text of one.
 *
 * Endpoints are hash keys: unused bytes are zero, always; make them with the
 * functions below and compare them with cg_ep_equal().
 */
#ifndef _CG_EP_H
#define _CG_EP_H

#include <linux/types.h>
#include <linux/string.h>
#include <linux/netfilter.h>
#include <net/netfilter/nf_conntrack_tuple.h>

struct cg_ep {
	union nf_inet_addr addr;	/* the rest is zero for IPv4 */
	__be16 port;
	u8 family;			/* NFPROTO_IPV4, NFPROTO_IPV6 */
	u8 proto;			/* IPPROTO_UDP, IPPROTO_TCP */
};

/* "[" 45 "]:" 5: the longest hostport an IP literal can have, and a byte */
#define CG_TEXT_MAX 55

/* A hostport as somebody wrote it; len 0: nobody wrote one. */
struct cg_text {
	u8 len;
	u8 s[CG_TEXT_MAX];
};

static inline bool cg_ep_equal(const struct cg_ep *a, const struct cg_ep *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static inline bool cg_ep_same_addr(const struct cg_ep *a, const struct cg_ep *b)
{
	return a->family == b->family && !memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static inline bool cg_ep_is_set(const struct cg_ep *ep)
{
	return ep->family != 0;
}

/* The two ends of a conntrack tuple. */
void cg_ep_src(struct cg_ep *ep, const struct nf_conntrack_tuple *t);
void cg_ep_dst(struct cg_ep *ep, const struct nf_conntrack_tuple *t);

/* From 4 or 16 address bytes in network order and a port in host order. */
void cg_ep_make(struct cg_ep *ep, u8 family, u8 proto, const u8 *addr, u16 port);

/* ep with another port (host order). */
struct cg_ep cg_ep_at(const struct cg_ep *ep, u16 port);

/* Unspecified address: 0.0.0.0 or ::, the "no address yet" of RFC 3264 8.4. */
bool cg_ep_any_addr(const struct cg_ep *ep);

/*
 * Writes "host" or "host:port" (IPv6 in brackets when @brackets) into @buf,
 * which holds CG_TEXT_MAX bytes; no terminator. Returns the length.
 */
u32 cg_ep_print(const struct cg_ep *ep, bool brackets, bool with_port, u8 *buf);

#endif
