/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A router for the tests: one inside network, the world outside, conntrack and NAT of one flow per
 * call of router_flow(), media flows made by the module's own hooks.
 */
#ifndef SHIM_ROUTER_H
#define SHIM_ROUTER_H

#include "shim.h"
#include "ep.h"

struct router {
	u8 family;                 /* NFPROTO_* of addresses below */
	union nf_inet_addr inside; /* network of the phones: this much of an address ... */
	u8 inside_bytes;           /* ... in bytes */
	union nf_inet_addr own[2]; /* of the router: towards the phones, and the world */
	u16 busy[8];               /* public ports with a socket, reserved or forwarded; 0: none */
	bool hides;                /* its rules masquerade what goes from inside to outside */
};
extern struct router router;

/* The module is loaded; aborts when it refuses. */
void router_begin(void);
/* It is unloaded: nothing may be left, entries included. */
void router_end(void);

/*
 * The conntrack of a signalling flow, confirmed. @src to @dst as sent; @src_seen and @dst_seen are
 * the same after NAT.
 */
struct router_ends {
	struct cg_ep src, dst, src_seen, dst_seen;
};
struct nf_conn *router_flow(const struct router_ends *e, bool open_only);

/* A datagram after its way through the helper. */
struct router_out {
	u8 *data;
	u32 len;
	u16 dest;      /* UDP port that it goes to, host order */
	bool sums_ok;  /* lengths and checksums of IP and UDP are right */
};
/* On its flow, @reply: against the direction of its first packet. @out->data until the next one. */
void router_sip(struct nf_conn *ct, bool reply, const u8 *data, u32 len, struct router_out *out);

/* A media packet through the module's hooks: the entry it makes or has, NULL: dropped. */
struct nf_conn *router_media(const struct cg_ep *src, const struct cg_ep *dst);

/* Forgets all entries. */
void router_flush(void);

#endif /* SHIM_ROUTER_H */
