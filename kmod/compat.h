/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat: what differs between the kernels, and the only place that says so.
 *
 * Each CG_HAVE_* comes from a file of probe/ that the Kbuild file compiled
 * against the very headers of this build; no kernel version is ever compared,
 * because stable kernels change these interfaces too.
 */
#ifndef _CG_COMPAT_H
#define _CG_COMPAT_H

#include <linux/timer.h>
#include <net/dst.h>
#include <net/netfilter/nf_conntrack_helper.h>

#if !IS_ENABLED(CONFIG_NF_CONNTRACK) || !IS_ENABLED(CONFIG_NF_NAT)
#error "callgate needs a kernel with CONFIG_NF_CONNTRACK and CONFIG_NF_NAT"
#endif

/* timer_shutdown_sync: a timer that is never armed again */
#ifdef CG_HAVE_TIMER_SHUTDOWN
#define cg_timer_shutdown(t) timer_shutdown_sync(t)
#else
#define cg_timer_shutdown(t) del_timer_sync(t)
#endif

#ifdef CG_HAVE_DST_DEV
#define cg_dst_dev(d) dst_dev(d)
#else
#define cg_dst_dev(d) ((d)->dev)
#endif

/* UDP's hook for encapsulation is behind a static key: on the socket, or its struct sock */
#ifdef CG_HAVE_ENCAP_SOCK
#define cg_encap_enable(sk) udp_tunnel_encap_enable(sk)
#else
#define cg_encap_enable(sk) udp_tunnel_encap_enable((sk)->sk_socket)
#endif

/* genetlink multicast groups that ask for CAP_NET_ADMIN on their own */
#ifdef CG_HAVE_GENL_MCAST_CAP
#define CG_GENL_MCAST_FLAGS .flags = GENL_MCAST_CAP_NET_ADMIN,
#else
#define CG_GENL_MCAST_FLAGS
#endif

/*
 * Helper registration. Generation A: static objects with a port key. B: the
 * kernel keeps a counted copy and hands it back. C: as B, no port key.
 */
#if defined(CG_HAVE_HELPER_REGISTER_OUT)
#define CG_HELPER_COPIES 1
#define cg_helper_hold(h) refcount_inc_not_zero(&(h)->ct_refcnt)
#else
#define CG_HELPER_COPIES 0
#define cg_helper_hold(h) true
#endif

typedef int cg_help_fn(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		       enum ip_conntrack_info ctinfo);

/* @key: where helpers still have a port, it only has to differ from all others; never 5060. */
static inline void cg_helper_setup(struct nf_conntrack_helper *h, u16 family, const char *name,
				   u16 key, cg_help_fn *help)
{
	static const struct nf_conntrack_expect_policy policy = {
		.max_expected = NF_CT_EXPECT_MAX_CNT,
		/* a permanent expectation ends with its call; this is only an upper bound */
		.timeout = 7 * 24 * 3600,
		.name = "media",
	};

#ifdef CG_HAVE_HELPER_NO_PORT
	nf_ct_helper_init(h, family, IPPROTO_UDP, name, &policy, 0, help, NULL, THIS_MODULE);
#else
	nf_ct_helper_init(h, family, IPPROTO_UDP, name, key, key, 0, &policy, 0, help, NULL,
			  THIS_MODULE);
#endif
}

/* *@out is the object that conntracks will point to. */
static inline int cg_helper_add(struct nf_conntrack_helper *h, struct nf_conntrack_helper **out)
{
#if CG_HELPER_COPIES
	return nf_conntrack_helper_register(h, out);
#else
	*out = h;
	return nf_conntrack_helper_register(h);
#endif
}

#endif
