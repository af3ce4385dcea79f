/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What we write into messages to know it again: branches, Record-Route and Contact tokens. Nothing
 * is remembered: a token says all, and a MAC (SipHash-2-4, 128-bit key) says that it is ours.
 * Kernel and daemon have the same key and this code.
 *
 * All are text in base32 (a-z, 2-7), which survives whoever changes the case of parameters:
 *
 *   branch   z9hG4bK, the owner's mark (k or d), then
 *            flags 1, own address towards the sender 6 or 18, [interface 4], loop 5, MAC 8
 *            The MAC is over these, our sent-by, the next Via as we leave it (transport, sent-by,
 *            branch, received, rport), Call-ID and CSeq number: all that decides where an answer
 *            goes. The owner's mark is not in it. "loop" is a hash of what the request was routed
 *            by.
 *   ;cg= in our Record-Route
 *            flags 1, [peer on that side 6 or 18, [interface 4]], MAC 6
 *            The MAC is over these, the address in the URI, and the Call-ID: who brings it is in
 *            the dialog that we put ourselves into.
 *   ;cg= in a Contact, 24 characters with its name
 *            flags 1, IPv4 host and port as the phone wrote them 6, MAC 6; or, for any other host,
 *            flags 1, a hash of host and flow 6, MAC 6
 */
#ifndef SIP_TOKEN_H
#define SIP_TOKEN_H

#include "hdr.h"
#include "mac.h"

/* One address and port. */
struct sip_end {
	u8 addr[16]; /* network order, zero behind the 4 bytes of IPv4 */
	u16 port;
	u8 kind;     /* SIP_HOST_IP4 or SIP_HOST_IP6; SIP_HOST_NONE: there is none */
};

/* One side of a message's way: where it came in, or goes out. */
struct sip_hop {
	struct sip_end local;  /* ours */
	struct sip_end remote; /* the peer's */
	u32 ifindex;           /* 0: not known */
	u8 transport;          /* enum sip_transport */
	u8 zone;               /* enum sip_zone */
};
enum sip_zone { SIP_ZONE_INSIDE, SIP_ZONE_OUTSIDE };

/* Key in force, and the one before it, which is still accepted. */
struct sip_key {
	u8 key[2][SIP_HASH_KEY];
	bool has_old;
};

bool sip_end_equal(const struct sip_end *a, const struct sip_end *b);
/* Of a numeric host; without a port 5060. False for a name. */
bool sip_end_of(const struct sip_host *h, struct sip_end *out);
#define SIP_END_TEXT SIP_HOST_TEXT
/* host:port, the port always written; returns the number of bytes. */
u32 sip_end_print(u8 *out, const struct sip_end *e);

/* A hash for one purpose: @label keeps those of different kinds apart. */
void sip_token_hash_init(struct sip_hash *h, const u8 key[SIP_HASH_KEY], u8 label);
void sip_hash_end(struct sip_hash *h, const struct sip_end *e);

/* ---- base32 ---- */

#define SIP_BASE32_LEN(bytes) (((bytes) * 8 + 4) / 5)
u32 sip_base32_print(u8 *out, const u8 *in, u32 len);
/* Exactly the slice; bytes read, or 0: not base32, or longer than @cap, or bits left over. */
u32 sip_base32_read(const u8 *buf, struct sip_str s, u8 *out, u32 cap);

/* ---- tokens in URIs: ;cg=..., or ;ch=, ;ci= where somebody else's is there already ---- */

enum sip_token_flag {
	SIP_TOKEN_ROUTE = 1 << 0,    /* of a Record-Route; else of a Contact */
	SIP_TOKEN_HASH = 1 << 1,     /* Contact: .hash instead of an address */
	SIP_TOKEN_ADJACENT = 1 << 2, /* Contact: as written it is also where its requests go */
	SIP_TOKEN_NO_PORT = 1 << 3,  /* Contact: the phone wrote no port */
};

struct sip_token {
	struct sip_end end; /* route: the peer; Contact: host and port as written. May be NONE */
	u64 hash;           /* SIP_TOKEN_HASH: 48 bits, sip_token_hash() */
	u32 ifindex;        /* route: of a link-local peer, else 0 */
	u8 flags;           /* enum sip_token_flag */
	u8 zone;            /* 0-3: of the peer, or of the phone */
	struct sip_str at;  /* found: the parameter with its ';' */
};

#define SIP_TOKEN_MAX 51 /* longest ";cg=..." of a route; of a Contact 25 with its ';' */
#define SIP_TOKEN_NAMES 3

/* What a token is bound to: a key; if it is a route's also our address there and the Call-ID. */
struct sip_token_of {
	const u8 *key;
	const struct sip_end *own;
	const u8 *call_id;
	u32 call_id_len;
};

/* ";cg=..." for a URI; @name below SIP_TOKEN_NAMES. Returns the number of bytes. */
u32 sip_token_print(u8 *out, const struct sip_token *t, u32 name, const struct sip_token_of *of);

/* The first name that is not taken in a URI, or SIP_TOKEN_NAMES. */
u32 sip_token_name(const u8 *buf, const struct sip_uri *u);

/*
 * Finds a token of ours with a valid MAC in a URI: of a route if there is a @call_id (in @buf),
 * else of a Contact. What looks like one and is not is no error: it may be somebody else's.
 */
bool sip_token_find(const u8 *buf, const struct sip_uri *u, struct sip_str call_id,
		    const struct sip_key *key, struct sip_token *t);

/*
 * The hash for a Contact whose host is no IPv4 address: of the flow to it and of host and port as
 * written. Whoever keeps flows (locations) computes it for each, with the key and with the old one.
 */
u64 sip_token_hash(const u8 key[SIP_HASH_KEY], const struct sip_end *remote, const u8 *buf,
		   struct sip_str hostport);

/* ---- branches ---- */

enum sip_owner { SIP_OWNER_NONE, SIP_OWNER_KERNEL, SIP_OWNER_DAEMON };

struct sip_branch {
	struct sip_end local; /* ours, towards the sender of the request */
	u32 ifindex;          /* of a link-local sender, else 0 */
	u8 zone;              /* 0-3: of the sender */
	u8 fork;              /* 0-15: which of several targets */
	u8 owner;             /* enum sip_owner */
	u8 loop[5];
	u8 mac[8];
};
#define SIP_BRANCH_TEXT (8 + 58)

/* All of @b but .owner and .mac: what the MAC is over. Returns the number of bytes. */
#define SIP_BRANCH_BODY 28
u32 sip_branch_body(u8 *out, const struct sip_branch *b);
/* The whole value "z9hG4bK..."; returns the number of bytes. */
u32 sip_branch_print(u8 *out, const struct sip_branch *b);
/* Has it our form? The MAC is not looked at: sip_relay_response() does. */
bool sip_branch_read(const u8 *buf, struct sip_str branch, struct sip_branch *b);

#endif /* SIP_TOKEN_H */
