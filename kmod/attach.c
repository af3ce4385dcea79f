// SPDX-License-Identifier: GPL-2.0-only
#include <linux/file.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <linux/udp.h>
#include <net/inet_sock.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/sock.h>
#include <net/udp_tunnel.h>

#include "compat.h"
#include "attach.h"
#include "binding.h"
#include "forward.h"
#include "gateway.h"
#include "pkt.h"

#define ENCAP_TYPE 1	/* not one of the kernel's own, as WireGuard and VXLAN have it */

static struct cg_sock *at(const struct cg_gate *gate, u32 i)
{
	return rcu_dereference_protected(gate->sock[i], lockdep_is_held(&gate->admin));
}

struct cg_sock *cg_attach_at(struct cg_gate *gate, u32 id)
{
	return id && id <= CALLGATE_SOCKETS_MAX ? at(gate, id - 1) : NULL;
}

struct cg_sock *cg_attach_find(struct cg_gate *gate, const struct cg_ep *local)
{
	struct cg_sock *ks;
	u32 i;

	for (i = 0; i < CALLGATE_SOCKETS_MAX; i++) {
		ks = at(gate, i);
		if (ks && cg_ep_equal(&ks->local, local))
			return ks;
	}
	return NULL;
}

static bool covers(const struct cg_ep *bound, const struct cg_ep *local)
{
	return bound->port == local->port && bound->family == local->family &&
	       (cg_ep_any_addr(bound) || cg_ep_same_addr(bound, local));
}

bool cg_attach_has(const struct cg_gate *gate, const struct cg_ep *local)
{
	const struct cg_sock *ks;
	u32 i;

	for (i = 0; i < CALLGATE_SOCKETS_MAX; i++) {
		ks = rcu_dereference(gate->sock[i]);
		if (ks && covers(&ks->local, local))
			return true;
	}
	return false;
}

bool cg_attach_has_port(const struct cg_gate *gate, __be16 port)
{
	const struct cg_sock *ks;
	u32 i;

	for (i = 0; i < CALLGATE_SOCKETS_MAX; i++) {
		ks = rcu_dereference(gate->sock[i]);
		if (ks && ks->local.port == port)
			return true;
	}
	return false;
}

/* Only what is made here was never received; what is for us is routed to the loopback device. */
bool cg_gate_owns(const struct cg_gate *gate, const struct cg_pkt *p)
{
	if (!p->skb->skb_iif)
		return cg_attach_has(gate, &p->src_old);
	return p->way && cg_dst_dev(p->way)->flags & IFF_LOOPBACK &&
	       cg_attach_has(gate, &p->dst_new);
}

/* ---- one socket ---- */

static void read_local(struct cg_ep *ep, const struct sock *sk)
{
	u16 port = inet_sk(sk)->inet_num;

#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6) {
		cg_ep_make(ep, NFPROTO_IPV6, IPPROTO_UDP, (const u8 *)&sk->sk_v6_rcv_saddr, port);
		return;
	}
#endif
	cg_ep_make(ep, NFPROTO_IPV4, IPPROTO_UDP, (const u8 *)&inet_sk(sk)->inet_rcv_saddr, port);
}

static int check(const struct sock *sk, const struct net *net)
{
	if ((sk->sk_family != AF_INET && sk->sk_family != AF_INET6) ||
	    sk->sk_type != SOCK_DGRAM || sk->sk_protocol != IPPROTO_UDP)
		return -EPROTONOSUPPORT;
	if (!net_eq(sock_net(sk), net))
		return -EXDEV;
	return 0;
}

/* Under the lock of the socket. */
static int occupy(struct cg_sock *ks)
{
	struct udp_sock *up = udp_sk(ks->sk);
	struct sock *sk = ks->sk;
	int err = 0;

	if (!inet_sk(sk)->inet_num || sk->sk_state == TCP_ESTABLISHED)
		return -EINVAL;
	write_lock_bh(&sk->sk_callback_lock);
	if (sk->sk_user_data || up->encap_type)
		err = -EBUSY;
	else
		rcu_assign_sk_user_data(sk, ks);
	write_unlock_bh(&sk->sk_callback_lock);
	if (err)
		return err;
	read_local(&ks->local, sk);
	WRITE_ONCE(up->encap_rcv, cg_forward_receive);
	WRITE_ONCE(up->encap_type, ENCAP_TYPE);
	cg_encap_enable(sk);
	return 0;
}

static void vacate(struct cg_sock *ks)
{
	struct udp_sock *up = udp_sk(ks->sk);
	struct sock *sk = ks->sk;

	lock_sock(sk);
	WRITE_ONCE(up->encap_type, 0);
	WRITE_ONCE(up->encap_rcv, NULL);
	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_sk_user_data(sk, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
	release_sock(sk);
}

/* ---- the port is ours alone ---- */

/* Is @public the port of the socket, given to a host behind us? */
static bool hides(const struct cg_sock *ks, const struct cg_ep *public, const struct cg_ep *inside)
{
	return covers(&ks->local, public) && !cg_ep_same_addr(public, inside);
}

/*
 * A host behind us whose translation took the same port: what its peer sends to us would go to it
 * and never come to the socket. Either may have begun it. A port forward's comes back by its rule.
 */
static int is_squatter(struct nf_conn *ct, void *data)
{
	const struct nf_conntrack_tuple *orig = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const struct nf_conntrack_tuple *reply = &ct->tuplehash[IP_CT_DIR_REPLY].tuple;
	struct cg_ep public, inside;

	if (!(ct->status & IPS_NAT_MASK) || nf_ct_protonum(ct) != IPPROTO_UDP)
		return 0;
	cg_ep_dst(&public, reply);
	cg_ep_src(&inside, orig);
	if (hides(data, &public, &inside))
		return 1;
	cg_ep_dst(&public, orig);
	cg_ep_src(&inside, reply);
	return hides(data, &public, &inside);
}

/*
 * A phone that registered from our port before: a pinhole would lead what its registrar sends there
 * to that phone. One that a call holds goes with the call.
 */
static void evict_pinholes(const struct cg_sock *ks)
{
	struct cg_net *cn = ks->gate->cn;
	struct cg_binding *b, *next_b;
	struct cg_pin *pin, *next;

	rcu_read_lock();
	spin_lock_bh(&cn->lock);
	list_for_each_entry_safe(b, next_b, &cn->binding_list, all)
		if (hides(ks, &b->pin->pub, &b->pin->in))
			cg_binding_remove(b, CG_R_BIND_PORT);
	list_for_each_entry_safe(pin, next, &cn->sig_list, owner)
		if (hides(ks, &pin->pub, &pin->in)) {
			pin->base_until = cg_now();
			cg_sig_update(pin);
		}
	spin_unlock_bh(&cn->lock);
	rcu_read_unlock();
}

/* Behind those that were on their way when the socket became ours. */
static void evict_squatters(struct cg_sock *ks)
{
	struct nf_ct_iter_data iter = { .net = ks->gate->cn->net, .data = ks };

	synchronize_net();
	evict_pinholes(ks);
	nf_ct_iterate_cleanup_net(is_squatter, &iter);
}

/* ---- all of them ---- */

static u32 free_place(const struct cg_gate *gate)
{
	u32 i;

	for (i = 0; i < CALLGATE_SOCKETS_MAX && at(gate, i); i++)
		;
	return i;
}

static struct cg_sock *enter(struct cg_gate *gate, struct socket *sock)
{
	u32 place = free_place(gate);
	struct cg_sock *ks;
	int err;

	if (place == CALLGATE_SOCKETS_MAX)
		return ERR_PTR(-ENOSPC);
	ks = kzalloc(sizeof(*ks), GFP_KERNEL_ACCOUNT);
	if (!ks)
		return ERR_PTR(-ENOMEM);
	ks->gate = gate;
	ks->file = sock->file;
	ks->sk = sock->sk;
	ks->id = (u8)(place + 1);
	lock_sock(ks->sk);
	err = occupy(ks);
	release_sock(ks->sk);
	if (err) {
		kfree(ks);
		return ERR_PTR(err);
	}
	rcu_assign_pointer(gate->sock[place], ks);
	evict_squatters(ks);
	return ks;
}

static struct cg_sock *known(const struct cg_gate *gate, const struct sock *sk)
{
	struct cg_sock *ks;
	u32 i;

	for (i = 0; i < CALLGATE_SOCKETS_MAX; i++) {
		ks = at(gate, i);
		if (ks && ks->sk == sk)
			return ks;
	}
	return NULL;
}

/* A new one keeps the reference to its file. */
struct cg_sock *cg_attach(struct cg_gate *gate, int fd)
{
	struct cg_sock *ks;
	struct socket *sock;
	int err;

	sock = sockfd_lookup(fd, &err);
	if (!sock)
		return ERR_PTR(err);
	ks = known(gate, sock->sk);
	if (ks) {
		sockfd_put(sock);
		return ks;
	}
	err = check(sock->sk, gate->cn->net);
	ks = err ? ERR_PTR(err) : enter(gate, sock);
	if (IS_ERR(ks))
		sockfd_put(sock);
	return ks;
}

/* Datagrams on their way through the hook still read @ks; nobody reads the file there. */
static void release(struct cg_gate *gate, struct cg_sock *ks)
{
	RCU_INIT_POINTER(gate->sock[ks->id - 1], NULL);
	vacate(ks);
	synchronize_net();
	fput(ks->file);
	kfree(ks);
}

int cg_attach_release(struct cg_gate *gate, u32 id)
{
	struct cg_sock *ks;
	int err = -ENOENT;
	u32 i;

	for (i = 0; i < CALLGATE_SOCKETS_MAX; i++) {
		ks = at(gate, i);
		if (!ks || (id && ks->id != id))
			continue;
		release(gate, ks);
		err = 0;
	}
	return id ? err : 0;
}

void cg_attach_orphan(struct cg_gate *gate)
{
	struct cg_sock *ks;
	u32 i;

	for (i = 0; i < CALLGATE_SOCKETS_MAX; i++) {
		ks = at(gate, i);
		if (ks)
			ks->until = cg_ms() + CALLGATE_TAKEOVER_S * MSEC_PER_SEC;
	}
}

void cg_attach_sweep(struct cg_gate *gate)
{
	u64 now = cg_ms();
	struct cg_sock *ks;
	u32 i;

	for (i = 0; i < CALLGATE_SOCKETS_MAX; i++) {
		ks = at(gate, i);
		if (ks && ks->until && now >= ks->until)
			release(gate, ks);
	}
}
