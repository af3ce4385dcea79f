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

#define NAMES 96
#define STREAMS 4

/* An inside endpoint that somebody may name, and what the world knows it as. */
struct name {
	u8 space, host, proto;
	u16 port;
	u16 rows;          /* media: ports in a row that it needs at most */
	u16 pub;           /* its public port, 0: not seen yet */
	bool published;    /* a Contact or route named it already */
	bool bound;        /* registered */
	bool free_choice;  /* its port was given up in between: any new one will do */
};

struct stream {
	u8 host, proto;    /* who receives it; index into the protocols of sdp.c */
	u16 port, count;
	u16 rtcp;          /* a=rtcp, 0: none */
	u16 candidate;     /* first of its candidates, 0: none */
	u16 altc;          /* a=altc, 0: none */
	bool mux, active, rtcp_addr, own_conn;
};

struct world {
	u8 mode, family;
	bool open_only;
	bool both;         /* the call has heard both sides */
	struct cg_ep at[HOSTS];       /* addresses */
	char text[HOSTS][48];         /* as everybody writes them */
	char lone[HOSTS][48];         /* without brackets */
	char public_text[48], public_lone[48];    /* as the router writes its own */
	char lookalike[48];           /* an IPv4 address of another network, or family */
	u16 src, pub, peer;           /* ports: of the phone, as seen outside, of the provider */
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
/* Is it an address that is hidden behind the router? */
static inline bool is_hidden(enum host h) { return h == PHONE || h == OTHER; }

/* The name of the endpoint, found or made. */
struct name *name_of(u8 space, u8 host, u16 port, u8 proto);
/* May its public port be @port? NULL, or why not; then it is. */
const char *name_settle(struct name *n, u16 port);

#endif /* PIPELINE_WORLD_H */
