/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ep: an endpoint (family, protocol, address, port) and the text of one.
 *
 * Endpoints are hash keys: unused bytes are zero, always; make them with the
 * functions below and compare them with cg_ep_equal().
 */
#ifndef _CG_EP_H
#define _CG_EP_H

#include <linux/rhashtable.h>
#include <linux/string.h>
#include <linux/types.h>
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

/* Word by word: the kernel's memcmp() is a call and a loop over bytes. */
static inline bool cg_addr_equal(const union nf_inet_addr *a, const union nf_inet_addr *b)
{
	return a->all[0] == b->all[0] && a->all[1] == b->all[1] && a->all[2] == b->all[2] &&
	       a->all[3] == b->all[3];
}

static inline bool cg_ep_same_addr(const struct cg_ep *a, const struct cg_ep *b)
{
	return a->family == b->family && cg_addr_equal(&a->addr, &b->addr);
}

static inline bool cg_ep_equal(const struct cg_ep *a, const struct cg_ep *b)
{
	return a->port == b->port && a->proto == b->proto && cg_ep_same_addr(a, b);
}

static inline bool cg_ep_is_set(const struct cg_ep *ep)
{
	return ep->family != 0;
}

/*
 * For hash tables with a struct cg_ep as key. Multilinear: with secret
 * multipliers no choice of keys makes two meet more often than chance.
 */
#define CG_EP_WORDS (sizeof(struct cg_ep) / sizeof(u32))
extern u64 cg_ep_secret[CG_EP_WORDS + 1];
void cg_ep_init(void);

static inline u32 cg_ep_hash(const void *key, u32 len, u32 seed)
{
	const struct cg_ep *ep = key;
	u32 rest = (__force u16)ep->port | (u32)ep->family << 16 | (u32)ep->proto << 24;

	return (seed * cg_ep_secret[5] + ep->addr.all[0] * cg_ep_secret[0] +
		ep->addr.all[1] * cg_ep_secret[1] + ep->addr.all[2] * cg_ep_secret[2] +
		ep->addr.all[3] * cg_ep_secret[3] + rest * cg_ep_secret[4]) >> 32;
}

static inline int cg_ep_differs(struct rhashtable_compare_arg *arg, const void *obj)
{
	return !cg_ep_equal(arg->key, obj + arg->ht->p.key_offset);
}

/* The two ends of a conntrack tuple. */
void cg_ep_src(struct cg_ep *ep, const struct nf_conntrack_tuple *t);
void cg_ep_dst(struct cg_ep *ep, const struct nf_conntrack_tuple *t);

/* From 4 or 16 address bytes in network order and a port in host order. */
void cg_ep_make(struct cg_ep *ep, u8 family, u8 proto, const u8 *addr, u16 port);

/* ep with another port (host order). */
struct cg_ep cg_ep_at(const struct cg_ep *ep, u16 port);

/* Of nobody in the world: RFC 1918, RFC 6598, RFC 3927; RFC 4193, RFC 4291 2.5.6. */
bool cg_addr_is_private(u8 family, const u8 *addr);

/* Unspecified address: 0.0.0.0 or ::, the "no address yet" of RFC 3264 8.4. */
bool cg_ep_any_addr(const struct cg_ep *ep);

/*
 * Writes "host" or "host:port" (IPv6 in brackets when @brackets) into @buf,
 * which holds CG_TEXT_MAX bytes; no terminator. Returns the length.
 */
u32 cg_ep_print(const struct cg_ep *ep, bool brackets, bool with_port, u8 *buf);

#endif
