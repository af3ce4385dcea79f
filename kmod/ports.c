// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitmap.h>
#include <linux/inetdevice.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <net/inet_hashtables.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/udp.h>

#include "compat.h"
#include "claim.h"
#include "pinhole.h"
#include "ports.h"

/* ---- sockets of the router ---- */

#if IS_ENABLED(CONFIG_NF_TPROXY_IPV4) || IS_ENABLED(CONFIG_NF_SOCKET_IPV4)
static struct sock *udp4_socket(struct net *net, const struct cg_ep *l, const struct cg_ep *p)
{
	return udp4_lib_lookup(net, p->addr.ip, p->port, l->addr.ip, l->port, 0);
}
#else
/* not exported by this kernel: ip_local_reserved_ports is all that helps */
static struct sock *udp4_socket(struct net *net, const struct cg_ep *l, const struct cg_ep *p)
{
	return NULL;
}
#endif

#if IS_BUILTIN(CONFIG_IPV6) && \
	(IS_ENABLED(CONFIG_NF_TPROXY_IPV6) || IS_ENABLED(CONFIG_NF_SOCKET_IPV6))
static struct sock *udp6_socket(struct net *net, const struct cg_ep *l, const struct cg_ep *p)
{
	return udp6_lib_lookup(net, &p->addr.in6, p->port, &l->addr.in6, l->port, 0);
}
#else
static struct sock *udp6_socket(struct net *net, const struct cg_ep *l, const struct cg_ep *p)
{
	return NULL;
}
#endif

bool cg_ports_local_socket(struct net *net, const struct cg_ep *local, const struct cg_ep *peer)
{
	struct sock *sk;

	if (local->proto != IPPROTO_UDP)
		return false;
	sk = local->family == NFPROTO_IPV4 ? udp4_socket(net, local, peer) :
					     udp6_socket(net, local, peer);
	if (!sk)
		return false;
	sock_put(sk);
	return true;
}

/* ---- allowed, free or not ---- */

bool cg_ports_allowed(u16 port)
{
	switch (port) {
	case 1433: case 1434:	/* SQL Server */
	case 1521:		/* Oracle */
	case 1723:		/* PPTP */
	case 1883:		/* MQTT */
	case 1900:		/* UPnP */
	case 2049:		/* NFS */
	case 2375: case 2376:	/* Docker */
	case 3128:		/* HTTP proxies */
	case 3260:		/* iSCSI */
	case 3306:		/* MySQL */
	case 3389:		/* RDP */
	case 5353:		/* mDNS */
	case 5432:		/* PostgreSQL */
	case 5555:		/* adb */
	case 5672:		/* AMQP */
	case 5900: case 5901:	/* VNC */
	case 5984:		/* CouchDB */
	case 5985: case 5986:	/* WinRM */
	case 6379:		/* Redis */
	case 6443:		/* Kubernetes */
	case 8080: case 8443:	/* HTTP */
	case 8291:		/* Winbox */
	case 9100:		/* printers */
	case 9200:		/* Elasticsearch */
	case 11211:		/* memcached */
	case 27017:		/* MongoDB */
		return false;
	default:
		return port >= CG_PORT_LOW;
	}
}

static bool is_free(struct cg_net *cn, const struct cg_port_ask *ask, u16 port)
{
	struct cg_ep pub = cg_ep_at(&ask->pub, port);

	return port >= CG_PORT_LOW && port != ask->used && !cg_pin_taken(cn, &pub) &&
	       !inet_is_local_reserved_port(cn->net, port) &&
	       !cg_ports_local_socket(cn->net, &pub, &ask->peer);
}

bool cg_ports_is_free(struct cg_net *cn, const struct cg_ep *pub)
{
	struct cg_port_ask ask = { .pub = *pub };

	return is_free(cn, &ask, ntohs(pub->port));
}

static bool row_is_free(struct cg_net *cn, const struct cg_port_ask *ask, u32 port)
{
	u32 i;

	if (port + ask->count > 65536)
		return false;
	for (i = 0; i < ask->count; i++)
		if (!is_free(cn, ask, (u16)(port + i)))
			return false;
	return true;
}

static bool row_is_claimed(struct cg_net *cn, const struct cg_port_ask *ask, u32 port)
{
	struct cg_ep pub = cg_ep_at(&ask->pub, (u16)port);

	return cg_claimed(cn, &pub, ask->count, &ask->peer, ask->dev);
}

/* ---- the pool ---- */

bool cg_ports_in_pool(const struct cg_net *cn, u16 port)
{
	return port >= cn->set.port_min && port <= cn->set.port_max;
}

static u32 pop(struct cg_pool *pool)
{
	u32 pair = pool->ring[pool->head];

	pool->head = (pool->head + 1) % pool->size;
	pool->count--;
	return pair;
}

static void push(struct cg_pool *pool, u32 pair)
{
	if (pool->count >= pool->size)
		return;
	pool->ring[(pool->head + pool->count) % pool->size] = (u16)pair;
	pool->count++;
}

/* The pair that rested longest; what is not free or claimed goes to the end. */
static u16 from_ring(struct cg_net *cn, const struct cg_port_ask *ask)
{
	struct cg_pool *pool = &cn->pool;
	u32 odd = ask->want & 1, tries;

	for (tries = pool->count; tries; tries--) {
		u32 pair = pop(pool), port = pool->base + 2 * pair + odd;

		/* an odd row of two takes the first port of the next pair too */
		if (port + ask->count - 1 <= cn->set.port_max && row_is_free(cn, ask, port) &&
		    !row_is_claimed(cn, ask, port)) {
			__set_bit(pair, pool->out);
			return (u16)port;
		}
		push(pool, pair);
	}
	return 0;
}

/* More than a pair in a row: the first place that is long enough. */
static u16 from_range(struct cg_net *cn, const struct cg_port_ask *ask)
{
	u32 port = cn->set.port_min + (ask->want & 1);

	for (; port + ask->count - 1 <= cn->set.port_max; port += 2)
		if (row_is_free(cn, ask, port) && !row_is_claimed(cn, ask, port))
			return (u16)port;
	return 0;
}

/* A rule that takes everything ("exposed host") is no claim to this port. */
static bool claims_everything(struct cg_net *cn, const struct cg_port_ask *ask)
{
	u32 size = cn->set.port_max - cn->set.port_min;
	struct cg_port_ask other = *ask;

	other.count = 1;
	return row_is_claimed(cn, &other, cn->set.port_min + get_random_u32_below(size));
}

u16 cg_ports_choose(struct cg_net *cn, const struct cg_port_ask *ask, enum cg_reason *why)
{
	struct cg_port_ask plain;
	u16 port;

	*why = CG_R_PIN_PRESERVED;
	if (row_is_free(cn, ask, ask->want) &&
	    (!row_is_claimed(cn, ask, ask->want) || claims_everything(cn, ask)))
		return ask->want;
	*why = CG_R_PIN_UNREACHABLE;
	if (ask->exact)
		return 0;
	plain = *ask;
	if (claims_everything(cn, ask))
		plain.dev = NULL;
	*why = CG_R_PIN_POOLED;
	port = plain.count <= 2 ? from_ring(cn, &plain) : from_range(cn, &plain);
	if (!port)
		*why = CG_R_PIN_PORTS;
	return port;
}

void cg_ports_release(struct cg_net *cn, const struct cg_ep *pub)
{
	u16 port = ntohs(pub->port);
	struct cg_ep twin = cg_ep_at(pub, port ^ 1);
	struct cg_pool *pool = &cn->pool;
	u32 pair;

	if (!pool->ring || port < pool->base)
		return;
	pair = (port - pool->base) / 2;
	/* the pair goes back as one, and only if it came from the ring */
	if (pair >= pool->size || !test_bit(pair, pool->out) || cg_pin_taken(cn, pub) ||
	    cg_pin_taken(cn, &twin))
		return;
	__clear_bit(pair, pool->out);
	push(pool, pair);
}

/* Random first order, so that ports cannot be guessed (RFC 6056). */
static void shuffle(u16 *ring, u32 size)
{
	u32 i, j;

	for (i = 0; i < size; i++)
		ring[i] = (u16)i;
	for (i = size - 1; i > 0; i--) {
		j = get_random_u32_below(i + 1);
		swap(ring[i], ring[j]);
	}
}

int cg_ports_init(struct cg_net *cn)
{
	u32 size = (cn->set.port_max - cn->set.port_min + 1) / 2;
	struct cg_pool pool = { .count = size, .size = size, .base = cn->set.port_min };

	pool.ring = kvmalloc_array(size, sizeof(*pool.ring), GFP_KERNEL_ACCOUNT);
	pool.out = bitmap_zalloc(size, GFP_KERNEL_ACCOUNT);
	if (!pool.ring || !pool.out) {
		kvfree(pool.ring);
		bitmap_free(pool.out);
		return -ENOMEM;
	}
	shuffle(pool.ring, size);
	spin_lock_bh(&cn->lock);
	swap(cn->pool, pool);
	spin_unlock_bh(&cn->lock);
	kvfree(pool.ring);
	bitmap_free(pool.out);
	return 0;
}

void cg_ports_fini(struct cg_net *cn)
{
	cg_claim_fini(cn);
	kvfree(cn->pool.ring);
	bitmap_free(cn->pool.out);
	cn->pool.ring = NULL;
}
