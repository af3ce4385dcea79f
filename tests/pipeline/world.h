/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of one case, and the oracle: which address the rules say becomes which. Written from
 * the rules alone; it calls nothing of the module.
 */
#ifndef PIPELINE_WORLD_H
#define PIPELINE_WORLD_H

#include "router.h"

enum mode { SNAT, DNAT, ROUTED };
enum host { PHONE, OTHER, PUBLIC, SELF, PEER, STRANGER, HOSTS };
enum space { SIGNALLING, MEDIA };
enum owner { OUTSIDE_CALLS, OF_CALL };    /* whose ports they are: each has its own */

#define NAMES 96
#define STREAMS 4

/* An inside endpoint that somebody may name, and what the world knows it as. */
struct name {
	u8 space, host, proto;
	u8 owner;          /* media: enum owner */
	u16 port;
	u16 rows;          /* media: ports in a row that it needs at most */
	u16 pub;           /* its public port, 0: not seen yet */
	bool published;    /* a Contact or route named it already */
	bool bound;        /* registered */
};

struct stream {
	u8 host, proto;    /* who receives it; index into the protocols of sdp.c */
	u8 rtcp_host;      /* whose address a=rtcp has */
	u16 port, count;
	u16 rtcp;          /* a=rtcp, 0: none */
	u16 candidate;     /* first of its candidates, 0: none */
	u16 altc;          /* a=altc, 0: none */
	bool mux, active, rtcp_addr, own_conn;
};

struct world {
	u8 mode, family;
	bool open_only;
	bool strict;       /* the setting: Contact ports are the source's or none */
	/*
	 * Contacts whose port is not opened lead to the source of the flow. A case has such, with
	 * one port, or Contacts at the source: what the world sends back has one meaning then.
	 */
	bool use_low;
	u16 low;
	u8 owner;          /* of the descriptions that are sent now */
	struct cg_ep at[HOSTS];       /* addresses */
	char text[HOSTS][48];         /* as everybody writes them */
	char lone[HOSTS][48];         /* without brackets */
	char public_text[48], public_lone[48];    /* as the router writes its own */
	char lookalike[48];           /* an IPv4 address of another network, or family */
	u16 src, pub, peer;           /* ports: of the phone, as seen outside, of the provider */
	char canon[HOSTS][48];        /* as the router writes them in a description */
	u8 spell[3];                  /* how the ports of Via, Contact and routes are written */
	struct stream stream[STREAMS];
	u32 n_streams;
	struct name name[NAMES];
	u32 n_names;
	struct nf_conn *ct;
};
extern struct world w;

/* Draws one. */
void world_make(void);

/* Is a message of the phone translated at all? */
static inline bool world_edits(void) { return w.mode != ROUTED && !w.open_only; }
/* Is it the source of the flow? */
bool name_is_own(const struct name *n);
/* Is it an address that is hidden behind the router? */
static inline bool is_hidden(enum host h) { return h == PHONE || h == OTHER; }

/* The name of the endpoint, found or made. */
struct name *name_of(u8 space, u8 host, u16 port, u8 proto);
/* May its public port be @port? NULL, or why not; then it is. */
const char *name_settle(struct name *n, u16 port);

#endif /* PIPELINE_WORLD_H */
