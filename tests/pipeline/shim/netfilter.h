/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets, conntrack and NAT, as far as kmod/ touches them: plain structs with the fields that are
 * used. What is behind the functions is the model of a router in router.c.
 */
#ifndef SHIM_NETFILTER_H
#define SHIM_NETFILTER_H

enum { NFPROTO_IPV4 = 2, NFPROTO_IPV6 = 10 };
enum { IPPROTO_ICMP = 1, IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_ICMPV6 = 58 };
enum { NF_DROP, NF_ACCEPT };
enum { NF_INET_PRE_ROUTING, NF_INET_LOCAL_IN, SHIM_HOOKS };
enum { NF_IP_PRI_CONNTRACK = -200, NF_IP_PRI_NAT_DST = -100, NF_IP_PRI_CONNTRACK_HELPER = 300 };
#define IFF_LOOPBACK 8

/* ---- namespaces ---- */

struct user_namespace {
	int unused;
};
extern struct user_namespace init_user_ns;
struct net_generic {
	void *ptr[2];
};
struct net {
	struct user_namespace *user_ns;
	struct net_generic *gen;
};
extern struct net init_net;

struct pernet_operations {
	int (*init)(struct net *net);
	void (*exit)(struct net *net);
	unsigned int *id;
	size_t size;
};
int register_pernet_subsys(struct pernet_operations *ops);
void unregister_pernet_subsys(struct pernet_operations *ops);
static inline void *net_generic(const struct net *net, unsigned int id)
{
	return net->gen->ptr[id];
}
static inline bool check_net(const struct net *net) { return true; }

/* ---- addresses and routes ---- */

struct in6_addr {
	u8 s6_addr[16];
} __attribute__((aligned(4)));
union nf_inet_addr {
	u32 all[4];
	__be32 ip;
	struct in6_addr in6;
};

static inline __be32 inet_make_mask(int len) { return len ? htonl(~0u << (32 - len)) : 0; }
static inline bool nf_inet_addr_cmp(const union nf_inet_addr *a, const union nf_inet_addr *b)
{
	return !memcmp(a, b, sizeof(*a));
}
/* The first @len bits of @addr, the rest zero. */
void ipv6_addr_prefix(struct in6_addr *to, const struct in6_addr *addr, int len);
bool ipv6_prefix_equal(const struct in6_addr *a, const struct in6_addr *b, unsigned int len);

struct net_device {
	unsigned int flags;
	int ifindex;
};
struct dst_entry {
	struct net_device *dev;
	u32 mtu;
};
struct flowi {
	union {
		struct { __be32 daddr, saddr; } ip4;
		struct { struct in6_addr daddr, saddr; } ip6;
	} u;
	int flowi_oif;
};
struct net_device *dev_get_by_index_rcu(struct net *net, int ifindex);
int nf_route(struct net *net, struct dst_entry **dst, struct flowi *fl, bool strict,
	     unsigned short family);
static inline void dst_release(struct dst_entry *dst) { }
static inline u32 dst_mtu(const struct dst_entry *dst) { return dst->mtu; }

/* sockets of the router and ports its admin reserved */
struct sock {
	int unused;
};
struct sock *shim_socket_at(u16 port);
#define udp4_lib_lookup(net, saddr, sport, daddr, dport, dif) shim_socket_at(ntohs(dport))
#define udp6_lib_lookup(net, saddr, sport, daddr, dport, dif) shim_socket_at(ntohs(dport))
static inline void sock_put(struct sock *sk) { }
bool inet_is_local_reserved_port(struct net *net, unsigned short port);

/* ---- packets ---- */

struct iphdr {
	u8 ihl : 4, version : 4;
	u8 tos;
	__be16 tot_len, id, frag_off;
	u8 ttl, protocol;
	__sum16 check;
	__be32 saddr, daddr;
};
struct ipv6hdr {
	u8 priority : 4, version : 4;
	u8 flow_lbl[3];
	__be16 payload_len;
	u8 nexthdr, hop_limit;
	struct in6_addr saddr, daddr;
};
struct udphdr {
	__be16 source, dest, len;
	__sum16 check;
};
#define IP_DF 0x4000
#define CSUM_MANGLED_0 ((__sum16)0xffff)

/* The packet begins at .data; only the first .head bytes are there before skb_linearize(). */
struct sk_buff {
	struct sk_buff *next;
	u8 *data, *frag;
	u32 len, head;
	struct dst_entry *dst;
	struct nf_conn *ct;
	unsigned int ctinfo;
	bool gso, ignore_df;
	char cb[48];
};
struct sk_buff_head {
	struct sk_buff *first;
	u32 len;
};

static inline struct dst_entry *skb_dst(const struct sk_buff *skb) { return skb->dst; }
static inline u32 skb_headlen(const struct sk_buff *skb) { return skb->head; }
static inline bool skb_is_gso(const struct sk_buff *skb) { return skb->gso; }
static inline int skb_network_offset(const struct sk_buff *skb) { return 0; }
static inline int skb_ensure_writable(struct sk_buff *skb, u32 n) { return n > skb->head; }
#define ip_hdr(skb) ((struct iphdr *)(skb)->data)
#define ipv6_hdr(skb) ((struct ipv6hdr *)(skb)->data)
void *skb_header_pointer(const struct sk_buff *skb, u32 off, u32 len, void *copy);
int skb_linearize(struct sk_buff *skb);
void kfree_skb(struct sk_buff *skb);
int ipv6_skip_exthdr(const struct sk_buff *skb, int start, u8 *proto, __be16 *frag);
void ip_select_ident(struct net *net, struct sk_buff *skb, void *sk);
void ip_send_check(struct iphdr *iph);
void inet_proto_csum_replace2(__sum16 *sum, struct sk_buff *skb, __be16 from, __be16 to,
			      bool pseudo);

#define skb_queue_head_init(q) ((q)->first = NULL, (q)->len = 0)
#define skb_queue_len_lockless(q) ((q)->len)
struct sk_buff *skb_dequeue(struct sk_buff_head *q);
void skb_queue_tail(struct sk_buff_head *q, struct sk_buff *skb);

/* ---- conntrack ---- */

enum ip_conntrack_dir { IP_CT_DIR_ORIGINAL, IP_CT_DIR_REPLY, IP_CT_DIR_MAX };
enum ip_conntrack_info {
	IP_CT_ESTABLISHED,
	IP_CT_RELATED,
	IP_CT_NEW,
	IP_CT_IS_REPLY,
	IP_CT_ESTABLISHED_REPLY = IP_CT_ESTABLISHED + IP_CT_IS_REPLY,
};
#define CTINFO2DIR(i) ((i) >= IP_CT_IS_REPLY ? IP_CT_DIR_REPLY : IP_CT_DIR_ORIGINAL)
#define NFCT_INFOMASK 7UL
enum {
	IPS_EXPECTED_BIT, IPS_SEEN_REPLY_BIT, IPS_CONFIRMED_BIT, IPS_SRC_NAT_BIT, IPS_DST_NAT_BIT,
	IPS_SRC_NAT_DONE_BIT, IPS_DST_NAT_DONE_BIT, IPS_DYING_BIT, IPS_HELPER_BIT,
};
#define IPS_SRC_NAT (1UL << IPS_SRC_NAT_BIT)
#define IPS_DST_NAT (1UL << IPS_DST_NAT_BIT)
#define IPS_NAT_MASK (IPS_DST_NAT | 1UL << IPS_SRC_NAT_BIT)

union nf_conntrack_man_proto {
	__be16 all;
};
struct nf_conntrack_tuple {
	struct {
		union nf_inet_addr u3;
		union nf_conntrack_man_proto u;
		u16 l3num;
	} src;
	struct {
		union nf_inet_addr u3;
		union nf_conntrack_man_proto u;
		u8 protonum;
		u8 dir;
	} dst;
};
struct nf_conntrack_tuple_hash {
	struct nf_conntrack_tuple tuple;
};
struct nf_conntrack_zone {
	u16 id;
};
struct nf_conntrack_helper {
	const char *name;
	u16 family;
	struct module *me;
	refcount_t ct_refcnt;
	int (*help)(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		    enum ip_conntrack_info ctinfo);
};
struct nf_conn_help {
	struct nf_conntrack_helper *helper;
	char data[32] __attribute__((aligned(8)));
};
enum nf_ct_ext_id { NF_CT_EXT_HELPER, NF_CT_EXT_NUM };
struct nf_ct_ext {
	u8 offset[NF_CT_EXT_NUM];
	struct nf_conn_help help;
};
struct nf_conn {
	struct nf_conn *next;
	int use;
	unsigned long status;
	u32 timeout;
	u32 mark;
	struct nf_conntrack_zone zone;
	struct nf_conn *master;
	struct nf_ct_ext *ext;
	bool in_table;
	struct nf_conntrack_tuple_hash tuplehash[IP_CT_DIR_MAX];
};

#define NF_CT_DEFAULT_ZONE_DIR 3
#define nfct_time_stamp ((u32)jiffies)
static inline struct net *nf_ct_net(const struct nf_conn *ct) { return &init_net; }
static inline u16 nf_ct_l3num(const struct nf_conn *ct) { return ct->tuplehash[0].tuple.src.l3num; }
static inline u8 nf_ct_protonum(const struct nf_conn *ct)
{
	return ct->tuplehash[0].tuple.dst.protonum;
}
static inline bool nf_ct_is_confirmed(const struct nf_conn *ct)
{
	return test_bit(IPS_CONFIRMED_BIT, &ct->status);
}
static inline bool nf_ct_is_dying(const struct nf_conn *ct)
{
	return test_bit(IPS_DYING_BIT, &ct->status);
}
static inline bool nf_ct_is_expired(const struct nf_conn *ct)
{
	return (s32)(ct->timeout - nfct_time_stamp) <= 0;
}
static inline const struct nf_conntrack_zone *nf_ct_zone(const struct nf_conn *ct)
{
	return &ct->zone;
}
static inline void nf_ct_zone_init(struct nf_conntrack_zone *z, u16 id, u8 dir, u8 flags)
{
	z->id = id;
}
static inline struct nf_conn *nf_ct_tuplehash_to_ctrack(const struct nf_conntrack_tuple_hash *h)
{
	return container_of(h - h->tuple.dst.dir, struct nf_conn, tuplehash[0]);
}
static inline struct nf_conn *nf_ct_get(const struct sk_buff *skb, enum ip_conntrack_info *info)
{
	*info = (enum ip_conntrack_info)skb->ctinfo;
	return skb->ct;
}
static inline unsigned long skb_get_nfct(const struct sk_buff *skb) { return skb->ctinfo; }
static inline void nf_ct_set(struct sk_buff *skb, struct nf_conn *ct, enum ip_conntrack_info info)
{
	skb->ct = ct;
	skb->ctinfo = info;
}
bool nf_ct_tuple_equal(const struct nf_conntrack_tuple *a, const struct nf_conntrack_tuple *b);
bool nf_ct_invert_tuple(struct nf_conntrack_tuple *inv, const struct nf_conntrack_tuple *t);
struct nf_conntrack_tuple_hash *nf_conntrack_find_get(struct net *net,
						      const struct nf_conntrack_zone *zone,
						      const struct nf_conntrack_tuple *t);
bool nf_conntrack_tuple_taken(const struct nf_conntrack_tuple *t, const struct nf_conn *ignored);
void nf_ct_put(struct nf_conn *ct);
bool nf_ct_delete(struct nf_conn *ct, u32 pid, int report);
void nf_reset_ct(struct sk_buff *skb);
void nf_ct_iterate_destroy(int (*match)(struct nf_conn *ct, void *data), void *data);

struct nf_hook_state {
	u8 hook, pf;
	struct net *net;
};
struct nf_hook_ops {
	unsigned int (*hook)(void *priv, struct sk_buff *skb, const struct nf_hook_state *state);
	void *priv;
	u8 pf;
	unsigned int hooknum;
	int priority;
};
unsigned int nf_conntrack_in(struct sk_buff *skb, const struct nf_hook_state *state);
int nf_register_net_hooks(struct net *net, const struct nf_hook_ops *ops, unsigned int n);
void nf_unregister_net_hooks(struct net *net, const struct nf_hook_ops *ops, unsigned int n);

/* ---- helpers and NAT ---- */

struct nf_conntrack_expect_policy {
	unsigned int max_expected, timeout;
	char name[16];
};
#define NF_CT_EXPECT_MAX_CNT 255
#define nf_ct_helper_init(h, l3num, proto, called, policy, class_max, fn, from, module)            \
	((void)(policy), *(h) = (struct nf_conntrack_helper){                                      \
		.name = (called), .family = (l3num), .me = (module), .help = (fn),                 \
		.ct_refcnt = { 1 } })
int nf_conntrack_helper_register(struct nf_conntrack_helper *h, struct nf_conntrack_helper **out);
void nf_conntrack_helper_unregister(struct nf_conntrack_helper *h);
static inline struct nf_conn_help *nfct_help(const struct nf_conn *ct)
{
	return ct->ext ? (void *)((char *)ct->ext + ct->ext->offset[NF_CT_EXT_HELPER]) : NULL;
}
static inline void *nfct_help_data(const struct nf_conn *ct) { return nfct_help(ct)->data; }
struct nf_conn_help *nf_ct_helper_ext_add(struct nf_conn *ct, gfp_t gfp);
static inline bool refcount_inc_not_zero(refcount_t *r) { return r->n ? ++r->n : false; }

enum nf_nat_manip_type { NF_NAT_MANIP_SRC, NF_NAT_MANIP_DST };
enum { NF_NAT_RANGE_MAP_IPS = 1, NF_NAT_RANGE_PROTO_SPECIFIED = 2 };
struct nf_nat_range2 {
	unsigned int flags;
	union nf_inet_addr min_addr, max_addr;
	union nf_conntrack_man_proto min_proto, max_proto;
};
static inline bool nf_nat_initialized(const struct nf_conn *ct, enum nf_nat_manip_type m)
{
	return test_bit(m == NF_NAT_MANIP_SRC ? IPS_SRC_NAT_DONE_BIT : IPS_DST_NAT_DONE_BIT,
			&ct->status);
}
unsigned int nf_nat_setup_info(struct nf_conn *ct, const struct nf_nat_range2 *range,
			       enum nf_nat_manip_type manip);
/* The whole payload behind the UDP header at @protoff becomes @text. */
bool shim_replace(struct sk_buff *skb, u32 protoff, const char *text, u32 len);
#define nf_nat_mangle_udp_packet(skb, ct, ctinfo, protoff, from, match_len, text, len)             \
	({ SHIM_BUG_ON((from) || (match_len) != (skb)->len - (protoff) - sizeof(struct udphdr));   \
	   shim_replace(skb, protoff, text, len); })

#endif /* SHIM_NETFILTER_H */
