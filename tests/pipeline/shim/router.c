// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>

#include "router.h"

struct router router;
struct user_namespace init_user_ns;
static struct net_generic generic;
struct net init_net = { .user_ns = &init_user_ns, .gen = &generic };

/* ---- namespaces, hooks, helpers ---- */

static const struct nf_hook_ops *hooks;
static unsigned int n_hooks;
static struct nf_conntrack_helper *helpers[2][2];

int register_pernet_subsys(struct pernet_operations *ops)
{
	*ops->id = 1;
	generic.ptr[1] = shim_alloc(ops->size, true);
	return generic.ptr[1] ? ops->init(&init_net) : -ENOMEM;
}

void unregister_pernet_subsys(struct pernet_operations *ops)
{
	ops->exit(&init_net);
	shim_free(generic.ptr[1]);
	generic.ptr[1] = NULL;
}

int nf_register_net_hooks(struct net *net, const struct nf_hook_ops *ops, unsigned int n)
{
	hooks = ops;
	n_hooks = n;
	return 0;
}

void nf_unregister_net_hooks(struct net *net, const struct nf_hook_ops *ops, unsigned int n)
{
	SHIM_BUG_ON(hooks != ops);
	n_hooks = 0;
}

static struct nf_conntrack_helper **helper_at(const char *name, u16 family)
{
	return &helpers[strcmp(name, "callgate") != 0][family == NFPROTO_IPV6];
}

int nf_conntrack_helper_register(struct nf_conntrack_helper *h, struct nf_conntrack_helper **out)
{
	*helper_at(h->name, h->family) = h;
	*out = h;
	return 0;
}

void nf_conntrack_helper_unregister(struct nf_conntrack_helper *h)
{
	*helper_at(h->name, h->family) = NULL;
}

/* ---- routes and sockets ---- */

static struct net_device lo = { .flags = IFF_LOOPBACK, .ifindex = 1 };
static struct net_device lan = { .ifindex = 2 }, wan = { .ifindex = 3 };
static struct dst_entry to_self = { &lo, 65536 }, to_lan = { &lan, 1500 }, to_wan = { &wan, 1500 };

static struct dst_entry *route(const void *addr, u8 family)
{
	u32 len = family == NFPROTO_IPV4 ? 4 : 16;

	if (family == router.family && (!memcmp(addr, &router.own[0], len) ||
					!memcmp(addr, &router.own[1], len)))
		return &to_self;
	if (family == router.family && !memcmp(addr, &router.inside, router.inside_bytes))
		return &to_lan;
	return &to_wan;
}

void ipv6_addr_prefix(struct in6_addr *to, const struct in6_addr *addr, int len)
{
	memset(to, 0, sizeof(*to));
	memcpy(to, addr, (u32)len / 8);
	if (len % 8)
		to->s6_addr[len / 8] = (u8)(addr->s6_addr[len / 8] & 0xff00 >> len % 8);
}

bool ipv6_prefix_equal(const struct in6_addr *a, const struct in6_addr *b, unsigned int len)
{
	struct in6_addr x, y;

	ipv6_addr_prefix(&x, a, (int)len);
	ipv6_addr_prefix(&y, b, (int)len);
	return !memcmp(&x, &y, sizeof(x));
}

int nf_route(struct net *net, struct dst_entry **dst, struct flowi *fl, bool strict,
	     unsigned short family)
{
	*dst = route(&fl->u, (u8)family);
	return 0;
}

struct net_device *dev_get_by_index_rcu(struct net *net, int ifindex)
{
	static struct net_device *const all[] = { &lo, &lan, &wan };
	u32 i;

	SHIM_BUG_ON(!shim_rcu_depth);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i]->ifindex == ifindex)
			return all[i];
	return NULL;
}

static bool is_busy(u16 port)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(router.busy); i++)
		if (router.busy[i] && router.busy[i] == port)
			return true;
	return false;
}

static struct sock a_socket;

struct sock *shim_socket_at(u16 port)
{
	return is_busy(port) && port % 3 == 0 ? &a_socket : NULL;
}

/* A third of the busy ports has a socket, the others are reserved. */
bool inet_is_local_reserved_port(struct net *net, unsigned short port)
{
	return is_busy(port) && port % 3;
}

/* ---- checksums ---- */

static u32 sum(u32 s, const void *p, u32 n)
{
	const u8 *b = p;

	for (; n > 1; n -= 2, b += 2)
		s += (u32)(b[0] | b[1] << 8);
	return n ? s + b[0] : s;
}

static u16 fold(u32 s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (u16)s;
}

void inet_proto_csum_replace2(__sum16 *check, struct sk_buff *skb, __be16 from, __be16 to,
			      bool pseudo)
{
	*check = (__sum16)~fold((u16)~*check + (u16)~from + to);
}

void ip_send_check(struct iphdr *iph)
{
	iph->check = 0;
	iph->check = (__sum16)~fold(sum(0, iph, iph->ihl * 4u));
}

void ip_select_ident(struct net *net, struct sk_buff *skb, void *sk)
{
	ip_hdr(skb)->id = 0x1234;
}

/* Of the UDP packet at @off with its pseudo header: 0xffff when its checksum is right. */
static u16 udp_sum(const struct sk_buff *skb, u32 off)
{
	bool v4 = ip_hdr(skb)->version == 4;
	const u8 *src = v4 ? (u8 *)&ip_hdr(skb)->saddr : (u8 *)&ipv6_hdr(skb)->saddr;
	u32 len = skb->len - off, s;

	s = sum(htons(IPPROTO_UDP), src, v4 ? 8 : 32);
	return fold(sum(fold(s) + htons(len), skb->data + off, len));
}

static void udp_fill_sum(struct sk_buff *skb, u32 off)
{
	struct udphdr *uh = (struct udphdr *)(skb->data + off);

	uh->check = 0;
	uh->check = (__sum16)~udp_sum(skb, off);
	if (!uh->check)
		uh->check = CSUM_MANGLED_0;
}

/* ---- packets ---- */

void *skb_header_pointer(const struct sk_buff *skb, u32 off, u32 len, void *copy)
{
	u32 i;

	if (off > skb->len || len > skb->len - off)
		return NULL;
	if (off + len <= skb->head)
		return skb->data + off;
	for (i = 0; i < len; i++)
		((u8 *)copy)[i] = off + i < skb->head ? skb->data[off + i] :
							skb->frag[off + i - skb->head];
	return copy;
}

int skb_linearize(struct sk_buff *skb)
{
	u8 *all;

	if (skb->head == skb->len)
		return 0;
	all = shim_alloc(skb->len, false);
	if (!all)
		return -ENOMEM;
	memcpy(all, skb->data, skb->head);
	memcpy(all + skb->head, skb->frag, skb->len - skb->head);
	shim_free(skb->data);
	shim_free(skb->frag);
	skb->data = all;
	skb->frag = NULL;
	skb->head = skb->len;
	return 0;
}

void kfree_skb(struct sk_buff *skb)
{
	if (!skb)
		return;
	shim_free(skb->data);
	shim_free(skb->frag);
	shim_free(skb);
}

struct sk_buff *skb_dequeue(struct sk_buff_head *q)
{
	struct sk_buff *skb = q->first;

	if (skb) {
		q->first = skb->next;
		q->len--;
	}
	return skb;
}

void skb_queue_tail(struct sk_buff_head *q, struct sk_buff *skb)
{
	struct sk_buff **at = &q->first;

	while (*at)
		at = &(*at)->next;
	skb->next = NULL;
	*at = skb;
	q->len++;
}

int ipv6_skip_exthdr(const struct sk_buff *skb, int start, u8 *proto, __be16 *frag)
{
	return start;
}

static void set_lengths(struct sk_buff *skb, u32 off)
{
	((struct udphdr *)(skb->data + off))->len = htons(skb->len - off);
	if (ip_hdr(skb)->version == 4) {
		ip_hdr(skb)->tot_len = htons(skb->len);
		ip_send_check(ip_hdr(skb));
	} else {
		ipv6_hdr(skb)->payload_len = htons(skb->len - sizeof(struct ipv6hdr));
	}
	udp_fill_sum(skb, off);
}

bool shim_replace(struct sk_buff *skb, u32 protoff, const char *text, u32 len)
{
	u32 from = protoff + (u32)sizeof(struct udphdr);
	u8 *all;

	SHIM_BUG_ON(skb->head != skb->len);
	all = shim_alloc(from + len, false);
	if (!all)
		return false;
	memcpy(all, skb->data, from);
	memcpy(all + from, text, len);
	shim_free(skb->data);
	skb->data = all;
	skb->len = skb->head = from + len;
	set_lengths(skb, protoff);
	return true;
}

static u32 put_ip(struct sk_buff *skb, const struct cg_ep *src, const struct cg_ep *dst)
{
	if (src->family == NFPROTO_IPV4) {
		*ip_hdr(skb) = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64,
					       .frag_off = htons(IP_DF), .protocol = src->proto,
					       .saddr = src->addr.ip, .daddr = dst->addr.ip };
		return sizeof(struct iphdr);
	}
	*ipv6_hdr(skb) = (struct ipv6hdr){ .version = 6, .hop_limit = 64, .nexthdr = src->proto,
					   .saddr = src->addr.in6, .daddr = dst->addr.in6 };
	return sizeof(struct ipv6hdr);
}

static struct sk_buff *make_packet(const struct cg_ep *src, const struct cg_ep *dst,
				   const u8 *data, u32 len)
{
	u32 off = src->family == NFPROTO_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct sk_buff *skb = calloc(1, sizeof(*skb));

	shim_live++;
	skb->len = skb->head = off + (u32)sizeof(struct udphdr) + len;
	skb->data = malloc(skb->len);
	shim_live++;
	put_ip(skb, src, dst);
	*(struct udphdr *)(skb->data + off) = (struct udphdr){ .source = src->port,
								.dest = dst->port };
	if (len)
		memcpy(skb->data + off + sizeof(struct udphdr), data, len);
	skb->dst = route(&dst->addr, dst->family);
	set_lengths(skb, off);
	return skb;
}

/* Most of the payload is elsewhere, as with a real driver. */
static void split(struct sk_buff *skb, u32 head)
{
	u8 *all = skb->data;

	if (head >= skb->len)
		return;
	skb->head = head;
	skb->data = malloc(head);
	skb->frag = malloc(skb->len - head);
	shim_live++;
	memcpy(skb->data, all, head);
	memcpy(skb->frag, all + head, skb->len - head);
	free(all);
}

/* ---- conntrack ---- */

static struct nf_conn *entries;

bool nf_ct_tuple_equal(const struct nf_conntrack_tuple *a, const struct nf_conntrack_tuple *b)
{
	return !memcmp(&a->src.u3, &b->src.u3, sizeof(a->src.u3)) &&
	       !memcmp(&a->dst.u3, &b->dst.u3, sizeof(a->dst.u3)) &&
	       a->src.u.all == b->src.u.all && a->dst.u.all == b->dst.u.all &&
	       a->src.l3num == b->src.l3num && a->dst.protonum == b->dst.protonum;
}

bool nf_ct_invert_tuple(struct nf_conntrack_tuple *inv, const struct nf_conntrack_tuple *t)
{
	memset(inv, 0, sizeof(*inv));
	inv->src.u3 = t->dst.u3;
	inv->src.u = t->dst.u;
	inv->src.l3num = t->src.l3num;
	inv->dst.u3 = t->src.u3;
	inv->dst.u = t->src.u;
	inv->dst.protonum = t->dst.protonum;
	inv->dst.dir = !t->dst.dir;
	return true;
}

static struct nf_conntrack_tuple_hash *lookup(const struct nf_conntrack_tuple *t, u16 zone,
					      const struct nf_conn *but)
{
	struct nf_conn *ct;
	int dir;

	for (ct = entries; ct; ct = ct->next)
		for (dir = 0; dir < IP_CT_DIR_MAX; dir++)
			if (ct != but && ct->zone.id == zone &&
			    nf_ct_tuple_equal(&ct->tuplehash[dir].tuple, t))
				return &ct->tuplehash[dir];
	return NULL;
}

struct nf_conntrack_tuple_hash *nf_conntrack_find_get(struct net *net,
						      const struct nf_conntrack_zone *zone,
						      const struct nf_conntrack_tuple *t)
{
	struct nf_conntrack_tuple_hash *h = lookup(t, zone->id, NULL);

	if (h)
		nf_ct_tuplehash_to_ctrack(h)->use++;
	return h;
}

bool nf_conntrack_tuple_taken(const struct nf_conntrack_tuple *t, const struct nf_conn *ignored)
{
	return lookup(t, 0, ignored);
}

void nf_ct_put(struct nf_conn *ct)
{
	SHIM_BUG_ON(ct->use <= 0);
	if (--ct->use)
		return;
	SHIM_BUG_ON(ct->in_table);
	if (ct->master)
		nf_ct_put(ct->master);
	free(ct->ext);
	free(ct);
}

static void add_entry(struct nf_conn *ct)
{
	ct->in_table = true;
	ct->use++;
	ct->next = entries;
	entries = ct;
	__set_bit(IPS_CONFIRMED_BIT, &ct->status);
	ct->timeout = nfct_time_stamp + 120 * HZ;
}

bool nf_ct_delete(struct nf_conn *ct, u32 pid, int report)
{
	struct nf_conn **at;

	for (at = &entries; *at; at = &(*at)->next)
		if (*at == ct) {
			*at = ct->next;
			ct->in_table = false;
			__set_bit(IPS_DYING_BIT, &ct->status);
			nf_ct_put(ct);
			return true;
		}
	return false;
}

void router_flush(void)
{
	while (entries)
		nf_ct_delete(entries, 0, 0);
}

void nf_ct_iterate_destroy(int (*match)(struct nf_conn *ct, void *data), void *data)
{
	struct nf_conn *ct, *next;

	for (ct = entries; ct; ct = next) {
		next = ct->next;
		if (match(ct, data))
			nf_ct_delete(ct, 0, 0);
	}
}

struct nf_conn_help *nf_ct_helper_ext_add(struct nf_conn *ct, gfp_t gfp)
{
	ct->ext = calloc(1, sizeof(*ct->ext));
	ct->ext->offset[NF_CT_EXT_HELPER] = offsetof(struct nf_ct_ext, help);
	return nfct_help(ct);
}

static void tuple_of(struct nf_conntrack_tuple *t, const struct cg_ep *src,
		     const struct cg_ep *dst)
{
	memset(t, 0, sizeof(*t));
	t->src.l3num = src->family;
	t->src.u3 = src->addr;
	t->src.u.all = src->port;
	t->dst.u3 = dst->addr;
	t->dst.u.all = dst->port;
	t->dst.protonum = src->proto;
}

static struct nf_conn *make_entry(const struct cg_ep *src, const struct cg_ep *dst)
{
	struct nf_conn *ct = calloc(1, sizeof(*ct));

	ct->use = 1;
	tuple_of(&ct->tuplehash[0].tuple, src, dst);
	nf_ct_invert_tuple(&ct->tuplehash[1].tuple, &ct->tuplehash[0].tuple);
	return ct;
}

struct nf_conn *router_flow(const struct router_ends *e, bool open_only)
{
	struct nf_conn *ct = make_entry(&e->src, &e->dst);

	tuple_of(&ct->tuplehash[1].tuple, &e->dst_seen, &e->src_seen);
	ct->tuplehash[1].tuple.dst.dir = IP_CT_DIR_REPLY;
	nf_ct_helper_ext_add(ct, 0)->helper = helpers[open_only][e->src.family == NFPROTO_IPV6];
	add_entry(ct);
	nf_ct_put(ct);
	return ct;
}

/* ---- NAT of media flows ---- */

unsigned int nf_nat_setup_info(struct nf_conn *ct, const struct nf_nat_range2 *range,
			       enum nf_nat_manip_type manip)
{
	struct nf_conntrack_tuple *reply = &ct->tuplehash[1].tuple;
	bool src = manip == NF_NAT_MANIP_SRC;

	SHIM_BUG_ON(nf_ct_is_confirmed(ct) || nf_nat_initialized(ct, manip));
	if (src) {
		reply->dst.u3 = range->min_addr;
		reply->dst.u = range->min_proto;
	} else {
		reply->src.u3 = range->min_addr;
		reply->src.u = range->min_proto;
	}
	__set_bit(src ? IPS_SRC_NAT_DONE_BIT : IPS_DST_NAT_DONE_BIT, &ct->status);
	__set_bit(src ? IPS_SRC_NAT_BIT : IPS_DST_NAT_BIT, &ct->status);
	return NF_ACCEPT;
}

void nf_reset_ct(struct sk_buff *skb)
{
	if (skb->ct)
		nf_ct_put(skb->ct);
	skb->ct = NULL;
}

/* From the addresses of the packet; media has no other headers that count. */
unsigned int nf_conntrack_in(struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct nf_conntrack_tuple_hash *h;
	struct cg_ep src, dst;
	bool v4 = ip_hdr(skb)->version == 4;
	const struct udphdr *uh;
	struct nf_conn *ct;

	uh = (struct udphdr *)(skb->data + (v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)));
	cg_ep_make(&src, v4 ? NFPROTO_IPV4 : NFPROTO_IPV6,
		   v4 ? ip_hdr(skb)->protocol : ipv6_hdr(skb)->nexthdr,
		   v4 ? (u8 *)&ip_hdr(skb)->saddr : (u8 *)&ipv6_hdr(skb)->saddr,
		   ntohs(uh->source));
	dst = src;
	cg_ep_make(&dst, src.family, src.proto,
		   v4 ? (u8 *)&ip_hdr(skb)->daddr : (u8 *)&ipv6_hdr(skb)->daddr, ntohs(uh->dest));
	ct = make_entry(&src, &dst);
	h = lookup(&ct->tuplehash[0].tuple, 0, NULL);
	if (!h) {
		nf_ct_set(skb, ct, IP_CT_NEW);
		return NF_ACCEPT;
	}
	nf_ct_put(ct);
	ct = nf_ct_tuplehash_to_ctrack(h);
	ct->use++;
	if (h->tuple.dst.dir == IP_CT_DIR_REPLY)
		__set_bit(IPS_SEEN_REPLY_BIT, &ct->status);
	nf_ct_set(skb, ct, h->tuple.dst.dir == IP_CT_DIR_REPLY ? IP_CT_ESTABLISHED_REPLY :
			   test_bit(IPS_SEEN_REPLY_BIT, &ct->status) ? IP_CT_ESTABLISHED :
			   test_bit(IPS_EXPECTED_BIT, &ct->status) ? IP_CT_RELATED : IP_CT_NEW);
	return NF_ACCEPT;
}

static unsigned int run_hooks(struct sk_buff *skb, u8 family, u8 hook)
{
	struct nf_hook_state state = { .hook = hook, .pf = family, .net = &init_net };
	unsigned int i;

	for (i = 0; i < n_hooks; i++)
		if (hooks[i].pf == family && hooks[i].hooknum == hook &&
		    hooks[i].hook(hooks[i].priv, skb, &state) != NF_ACCEPT)
			return NF_DROP;
	return NF_ACCEPT;
}

struct nf_conn *router_media(const struct cg_ep *src, const struct cg_ep *dst)
{
	struct nf_hook_state state = { .pf = src->family, .net = &init_net };
	struct sk_buff *skb = make_packet(src, dst, NULL, 0);
	unsigned int verdict;
	struct nf_conn *ct;

	rcu_read_lock();
	nf_conntrack_in(skb, &state);
	verdict = run_hooks(skb, src->family, NF_INET_PRE_ROUTING);
	/* what no hook translated, and is for the router, goes to its own sockets */
	if (verdict == NF_ACCEPT && route(&dst->addr, dst->family) == &to_self &&
	    !(skb->ct->status & IPS_DST_NAT))
		verdict = run_hooks(skb, src->family, NF_INET_LOCAL_IN);
	ct = skb->ct;
	if (verdict == NF_ACCEPT && !nf_ct_is_confirmed(ct))
		add_entry(ct);
	if (ct)
		nf_ct_put(ct);
	rcu_read_unlock();
	kfree_skb(skb);
	return verdict == NF_ACCEPT ? ct : NULL;
}

/* ---- signalling ---- */

static void ends_of(const struct nf_conn *ct, bool reply, struct cg_ep *src, struct cg_ep *dst)
{
	/* the packet as it is after NAT: what the other direction is turned round */
	cg_ep_dst(src, &ct->tuplehash[!reply].tuple);
	cg_ep_src(dst, &ct->tuplehash[!reply].tuple);
}

static void check_out(const struct sk_buff *skb, u32 off, struct router_out *out)
{
	const struct udphdr *uh = (const struct udphdr *)(skb->data + off);
	bool v4 = ip_hdr(skb)->version == 4;

	out->dest = ntohs(uh->dest);
	out->sums_ok = ntohs(uh->len) == skb->len - off && udp_sum(skb, off) == 0xffff &&
		       (v4 ? ntohs(ip_hdr(skb)->tot_len) == skb->len &&
			     fold(sum(0, skb->data, sizeof(struct iphdr))) == 0xffff :
			     ntohs(ipv6_hdr(skb)->payload_len) == skb->len - off);
}

void router_sip(struct nf_conn *ct, bool reply, const u8 *data, u32 len, struct router_out *out)
{
	static u8 buf[65536];
	struct cg_ep src, dst;
	struct sk_buff *skb;
	u32 off;

	ends_of(ct, reply, &src, &dst);
	skb = make_packet(&src, &dst, data, len);
	off = src.family == NFPROTO_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	if (len % 3 == 0)
		split(skb, off + sizeof(struct udphdr));
	nf_ct_set(skb, ct, reply ? IP_CT_ESTABLISHED_REPLY : IP_CT_ESTABLISHED);
	rcu_read_lock();
	local_bh_disable();
	nfct_help(ct)->helper->help(skb, off, ct, skb->ctinfo);
	local_bh_enable();
	rcu_read_unlock();
	shim_fail_in = 0;
	SHIM_BUG_ON(skb_linearize(skb));
	check_out(skb, off, out);
	out->len = skb->len - off - (u32)sizeof(struct udphdr);
	memcpy(buf, skb->data + off + sizeof(struct udphdr), out->len);
	out->data = buf;
	kfree_skb(skb);
	shim_rest();
}

/* ---- load and unload ---- */

void router_begin(void)
{
	SHIM_BUG_ON(shim_module_init());
}

void router_end(void)
{
	shim_module_exit();
	router_flush();
	shim_rest();
	SHIM_BUG_ON(shim_live);
}
