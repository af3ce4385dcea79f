// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/udp.h>
#include <linux/vmalloc.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_nat_helper.h>

#include "compat.h"
#include "pkt.h"

/* Every edited value is read again; the whole message too where time does not count. */
static bool reparse = IS_ENABLED(CONFIG_KASAN);
module_param(reparse, bool, 0644);
MODULE_PARM_DESC(reparse, "parse the whole message again after edits (default: debug kernels)");

struct scratch {
	struct cg_pkt pkt;
	u8 out[CG_DATAGRAM_MAX];
};

static struct scratch * __percpu *scratch;

int cg_pkt_init(void)
{
	int cpu;

	scratch = alloc_percpu(struct scratch *);
	if (!scratch)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct scratch *s = vzalloc_node(sizeof(*s), cpu_to_node(cpu));

		if (!s) {
			cg_pkt_fini();
			return -ENOMEM;
		}
		s->pkt.out = s->out;
		*per_cpu_ptr(scratch, cpu) = s;
	}
	return 0;
}

void cg_pkt_fini(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		vfree(*per_cpu_ptr(scratch, cpu));
	free_percpu(scratch);
}

struct cg_pkt *cg_pkt_get(void)
{
	struct cg_pkt *p;

	local_bh_disable();
	p = &(*this_cpu_ptr(scratch))->pkt;
	if (p->busy) {
		local_bh_enable();
		return NULL;
	}
	p->busy = true;
	return p;
}

void cg_pkt_put(struct cg_pkt *p)
{
	p->busy = false;
	local_bh_enable();
}

/* An ICMP error about this flow also comes to its helper, with protoff at the ICMP header. */
static bool is_udp(const struct cg_pkt *p)
{
	__be16 frag;
	u8 proto;

	if (p->family == NFPROTO_IPV4)
		return ip_hdr(p->skb)->protocol == IPPROTO_UDP;
	proto = ipv6_hdr(p->skb)->nexthdr;
	if (proto == IPPROTO_UDP)
		return true;
	return ipv6_skip_exthdr(p->skb, sizeof(struct ipv6hdr), &proto, &frag) ==
	       (int)p->protoff && proto == IPPROTO_UDP;
}

static void set_tuples(struct cg_pkt *p)
{
	enum ip_conntrack_dir dir = CTINFO2DIR(p->ctinfo);
	const struct nf_conntrack_tuple *here = &p->ct->tuplehash[dir].tuple;
	const struct nf_conntrack_tuple *back = &p->ct->tuplehash[!dir].tuple;

	cg_ep_src(&p->src_old, here);
	cg_ep_dst(&p->dst_old, here);
	cg_ep_dst(&p->src_new, back);
	cg_ep_src(&p->dst_new, back);
	p->snat = !cg_ep_equal(&p->src_old, &p->src_new);
	p->dnat = !cg_ep_equal(&p->dst_old, &p->dst_new);
}

int cg_frame(struct cg_pkt *p)
{
	const struct udphdr *uh;
	struct udphdr copy;
	u8 byte;
	const u8 *first;

	p->family = nf_ct_l3num(p->ct);
	set_tuples(p);
	if (!is_udp(p))
		return cg_pass(p, CG_R_NOT_UDP);
	if (skb_is_gso(p->skb))
		return cg_pass(p, CG_R_GSO);
	uh = skb_header_pointer(p->skb, p->protoff, sizeof(copy), &copy);
	if (!uh || ntohs(uh->len) < sizeof(*uh) ||
	    p->protoff + ntohs(uh->len) != p->skb->len)
		return cg_pass(p, CG_R_TRUNCATED);
	p->off = p->protoff + sizeof(*uh);
	p->len = ntohs(uh->len) - sizeof(*uh);
	if (!p->len)
		return cg_pass(p, CG_R_NOT_SIP);
	first = skb_header_pointer(p->skb, p->off, 1, &byte);
	if (!first || !cg_may_begin(*first, p->len))
		return cg_pass(p, CG_R_NOT_SIP);
	if (skb_linearize(p->skb))
		return cg_pass(p, CG_R_NO_MEMORY);
	p->data = p->skb->data + p->off;
	return CG_NEXT;
}

static u64 mix(u64 h, u64 word, u64 key)
{
	h = (h ^ word) * key;
	return h ^ h >> 32;
}

u64 cg_hash_more(const struct cg_pkt *p, struct sip_str s, u64 seed)
{
	u64 key = p->cn->key.key[1] | 1, h = mix(seed ^ p->cn->key.key[0], s.len, key), last = 0;
	const u8 *d = p->data + s.off;
	u32 n = s.len;

	for (; n >= 8; n -= 8, d += 8)
		h = mix(h, sip_load64(d), key);
	memcpy(&last, d, n);
	return mix(h, last, key);
}

u64 cg_hash_str(const struct cg_pkt *p, struct sip_str s)
{
	return cg_hash_more(p, s, 0);
}

u64 cg_hash_addr(const struct cg_net *cn, const struct cg_ep *ep, u64 seed)
{
	u64 key = cn->key.key[1] | 1, h = seed ^ cn->key.key[0];

	h = mix(h, ep->addr.all[0] | (u64)ep->addr.all[1] << 32, key);
	return mix(h, ep->addr.all[2] | (u64)ep->addr.all[3] << 32, key);
}

/*
 * The message grew beyond the MTU of the way out. It was whole when it came,
 * and its sender can do nothing about it: fragment it here, even where the
 * sender asked for no fragments (RFC 4787 REQ-13 and 14).
 */
static void allow_fragments(struct cg_pkt *p, u32 before)
{
	struct sk_buff *skb = p->skb;
	const struct dst_entry *dst = skb_dst(skb);
	struct iphdr *iph;

	if (skb->len <= before || !dst || skb->len <= dst_mtu(dst))
		return;
	skb->ignore_df = 1;
	if (p->family != NFPROTO_IPV4)
		return;
	iph = ip_hdr(skb);
	if (!(iph->frag_off & htons(IP_DF)))
		return;
	iph->frag_off &= ~htons(IP_DF);
	ip_select_ident(p->cn->net, skb, NULL);
	ip_send_check(iph);
}

/* RFC 3261 18.2.2: without rport the response goes to the port of the sent-by. */
static bool redirect_port(struct cg_pkt *p)
{
	struct udphdr *uh;
	__be16 port = htons(p->forced_port);

	if (skb_ensure_writable(p->skb, p->protoff + sizeof(*uh)))
		return false;
	uh = (struct udphdr *)(p->skb->data + p->protoff);
	if (uh->check) {
		inet_proto_csum_replace2(&uh->check, p->skb, uh->dest, port, false);
		if (!uh->check)
			uh->check = CSUM_MANGLED_0;
	}
	uh->dest = port;
	return true;
}

/* The long proof: the whole message again. */
static bool is_intended(struct cg_pkt *p, u32 len)
{
	return sip_msg_parse(&p->after, p->out, len, SIP_DATAGRAM) == SIP_OK &&
	       !sip_edit_verify(&p->edits, &p->msg, &p->after);
}

static int build(struct cg_pkt *p, u32 *len)
{
	*len = sip_edit_length(&p->edits, p->len);
	/* IP and UDP headers count too */
	if (*len > CG_DATAGRAM_MAX - (p->off - skb_network_offset(p->skb)))
		return cg_pass(p, CG_R_TOO_LARGE);
	if (sip_edit_apply(&p->edits, p->data, p->len, p->out, CG_DATAGRAM_MAX))
		return cg_pass(p, CG_R_TOO_LARGE);
	if (sip_edit_check(&p->edits, &p->msg, p->out) || (reparse && !is_intended(p, *len)))
		return cg_pass(p, CG_R_VERIFY_FAILED);
	return CG_NEXT;
}

int cg_emit(struct cg_pkt *p)
{
	u32 before = p->skb->len, len;

	if (p->edits.n) {
		if (build(p, &len))
			return CG_PASS;
		if (!nf_nat_mangle_udp_packet(p->skb, p->ct, p->ctinfo, p->protoff, 0, p->len,
					      (const char *)p->out, len))
			return cg_pass(p, CG_R_NO_MEMORY);
		allow_fragments(p, before);
	}
	if (p->forced_port && !redirect_port(p))
		cg_count(p->cn, CG_R_NO_MEMORY);
	return CG_NEXT;
}
