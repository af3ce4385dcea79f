/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinhole: the table of open ports, the truth about them (carrier B).
 *
 * A pinhole joins an inside endpoint (what a phone wrote) to a public one
 * (what the world sees; equal when the router does no NAT). Media pinholes
 * belong to one call; signalling pinholes to bindings, calls and transactions
 * together, and live as long as the longest of them. A closed media pinhole
 * stays as a ghost until its port leaves quarantine: it binds nothing, but
 * keeps the port from being reused and lets the guard know its peers.
 *
 * All functions run under cn->lock unless they say otherwise.
 */
#ifndef _CG_PINHOLE_H
#define _CG_PINHOLE_H

#include <net/netfilter/nf_conntrack.h>
#include "net.h"

struct cg_call;

#define CG_PIN_CTS 4		/* conntracks that one pinhole remembers */
#define CG_PIN_PEERS 4		/* peers of a signalling pinhole or a ghost */
#define CG_LEG_ALL 0xff		/* said by the caller: true for every leg */

enum cg_pin_kind { CG_PIN_MEDIA, CG_PIN_SIG };
enum cg_pin_comp { CG_COMP_RTP = 1, CG_COMP_RTCP = 2 };

struct cg_pin {
	struct rhlist_head pub_node, in_node;
	struct cg_ep pub, in;
	struct cg_net *cn;
	struct cg_call *call;		/* media: the owner; NULL for a ghost */
	struct cg_host *host;
	struct list_head owner;		/* call->pins, cn->sig_list, cn->ghost_list */
	struct cg_timer timer;		/* signalling: until; ghost: quarantine */
	struct rcu_head rcu;

	u8 kind;			/* enum cg_pin_kind */
	u8 side;			/* who advertised it: 0 caller, 1 callee */
	u8 leg;				/* CG_LEG_ALL or index */
	u8 comp;			/* enum cg_pin_comp */
	u16 stream;			/* index of the m= line */
	u16 gen;			/* last offer or answer that named it */
	bool committed;			/* part of the agreed session */
	bool ghost, dead;
	bool published;			/* also a conntrack expectation */
	bool open_only;			/* signalling: new flows get callgate-open */
	bool awake;			/* signalling: may bind */
	bool away;			/* signalling: new flows leave by another uplink */
	u8 relatches;
	u8 npeers, ncts;
	u32 users;			/* signalling: calls that hold it */
	u32 base_until;			/* signalling: holds without a binding */
	u64 call_id;			/* media: of its call, also as a ghost */

	struct cg_ep shown;		/* source it is published for; unset: any */
	struct cg_ep peers[CG_PIN_PEERS];
	struct nf_conntrack_tuple cts[CG_PIN_CTS];	/* original tuples */
	struct cg_text wrote;		/* signalling: Contact hostport as written */
	struct cg_text route;		/* signalling: the same in Record-Route and Path */
	struct list_head bindings;	/* signalling: struct cg_binding */
	u64 opened;			/* cg_ms() */
};

extern const struct rhashtable_params cg_pin_pub_params, cg_pin_in_params;

int cg_pin_cache_init(void);
void cg_pin_cache_fini(void);

/*
 * Opens @in at @pub for a call. NULL with *@why set when a limit or memory
 * forbids it. The caller sets side, leg, stream, comp, gen.
 */
struct cg_pin *cg_pin_open(struct cg_call *call, const struct cg_ep *in,
			   const struct cg_ep *pub, enum cg_reason *why);
/* The call's pinhole that joins the two (a @pub without port: any at its address), or NULL. */
struct cg_pin *cg_pin_of_call(const struct cg_call *call, const struct cg_ep *in,
			      const struct cg_ep *pub);
/* The same, or one that it had and whose port still rests (F58); NULL: neither. */
struct cg_pin *cg_pin_before(const struct cg_call *call, const struct cg_ep *in,
			     const struct cg_ep *pub);
/*
 * Closes it: unpublishes, deletes the conntracks it bound when @kill, and
 * leaves a ghost for the quarantine.
 */
void cg_pin_close(struct cg_pin *pin, bool kill);

/*
 * The signalling pinhole @in at @pub for the host of @peer, found or opened,
 * and held for @seconds. Each peer has its own, with its own lifetime. NULL
 * when a limit or memory forbids it.
 */
struct cg_pin *cg_sig_open(struct cg_net *cn, const struct cg_ep *in, const struct cg_ep *pub,
			   const struct cg_ep *peer, u32 seconds);
/* One that was found is held on as if it was opened. */
void cg_sig_hold(struct cg_pin *pin, u32 seconds);
/* Any signalling pinhole of the inside endpoint that @peer may use, or NULL. */
struct cg_pin *cg_sig_of_inside(struct cg_net *cn, const struct cg_ep *in,
				const struct cg_ep *peer);
/* The signalling pinhole that owns the public endpoint towards @peer, or NULL. */
struct cg_pin *cg_sig_of_public(struct cg_net *cn, const struct cg_ep *pub,
				const struct cg_ep *peer);
/* Sets its end anew from bindings, users and base; closes it when none is left. */
void cg_sig_update(struct cg_pin *pin);
/* Closes it although calls still hold it. It has no bindings any more. */
void cg_sig_drop(struct cg_pin *pin);

/* Adds @peer to the list (oldest goes when full). */
void cg_pin_peer(struct cg_pin *pin, const struct cg_ep *peer);
/*
 * The same host as one of them; of a signalling pinhole any host of a provider set that one
 * of them is in too. Media comes from where it was said to, whoever carries the signalling.
 */
bool cg_pin_has_peer(const struct cg_pin *pin, const struct cg_ep *who);
/* The further hosts of the provider, as the bindings of a signalling pinhole know them. */
void cg_sig_learn(struct cg_pin *pin);

/* Is the public endpoint held by any pinhole or ghost? RCU or lock. */
bool cg_pin_taken(struct cg_net *cn, const struct cg_ep *pub);

/* The timer of a pinhole or ghost ran out. */
void cg_pin_expire(struct cg_pin *pin);
/* Removes everything, ghosts included; namespace exit and unload. */
void cg_pin_flush(struct cg_net *cn);

#endif
