/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Relaying a message as a record-routing hop without transaction state: RFC 3261 16.3-16.12, 5658
 * (Record-Route of both sides), 3581 (received, rport), 5393 (loops). Kernel and daemon write the
 * same bytes but for the owner's mark in the branch.
 *
 * No policy: who may call whom, and where a user is, the caller knows. A request takes two steps:
 *
 *   sip_relay_look()     what do its Routes and its Request-URI say about where it goes?
 *   (the caller decides: sets .to, and .target where the Request-URI changes)
 *   sip_relay_request()  the edits
 *
 * A response takes one, sip_relay_response(): all is in the branch and in the next Via.
 *
 * Deterministic: a retransmission, the CANCEL and the ACK of a non-2xx get the branch of their
 * INVITE. The caller sees to it that they also get its .to (design 3: one target per transaction,
 * by sip_relay_txn()).
 *
 * Edited are the start line's URI, Via, Route, Record-Route, Max-Forwards, Contact; lines with
 * credentials for a realm of ours go (22.3), and P-Asserted-Identity of strangers, and to them when
 * its owner wants privacy (RFC 3325 5, 7). Never From, To, Call-ID, CSeq, bodies, or any other
 * header. Edits of the caller may be in the list before.
 *
 * Where a request goes, in this order (the daemon does all of it; the kernel what it can):
 *   1. look.has_next: to the host of look.next
 *   2. look.has_contact: to look.contact.end if SIP_TOKEN_ADJACENT and there is one (SIP_TOKEN_HASH
 *      has one only in a dialog; elsewhere the flow may be known by sip_token_hash()); else to
 *      look.route.end if there is one; else look.contact.end, or by location
 *   3. the host of look.ruri is ours, a domain of ours: look.route.end if look.lost (the Contact's
 *      token did not come back: its host and port become those of .to); in a dialog (a To tag) by
 *      Call-ID and tags; then by location
 *   4. look.dialog: to the host of look.ruri
 *   5. policy
 * From .local: look.exit when look.dialog, else the address of ours on that side.
 */
#ifndef SIP_RELAY_H
#define SIP_RELAY_H

#include "edit.h"
#include "token.h"

/* id, name, status code for a request or 0, text */
#define SIP_RELAY_LIST(X)                                                                          \
	X(OK, "ok", 0, "edits are complete")                                                       \
	X(LOOP, "loop", 482, "a Via of ours: routed by the same before")                           \
	X(TOO_MANY_HOPS, "too-many-hops", 483, "Max-Forwards is 0")                                \
	X(BAD_TARGET, "bad-target", 500, "the new Request-URI is not a URI")                       \
	X(BAD_ROUTE, "bad-route", 400, "a Route to follow is not a SIP URI")                       \
	X(TOO_BIG, "too-big", 513, "longer than the limit after the edits")                        \
	X(TOO_MANY_EDITS, "too-many-edits", 513, "more edits than are kept")                       \
	X(CONFLICT, "conflict", 500, "touches what an edit of the caller touches")                 \
	X(NOT_OURS, "not-ours", 0, "the top Via of a response is not of us")                       \
	X(FORGED, "forged", 0, "a branch of ours, with another Via, Call-ID or CSeq")              \
	X(NO_VIA, "no-via", 0, "a response without a Via behind ours")

#define SIP_RELAY_ENUM(id, name, code, text) SIP_RELAY_##id,
enum sip_relay_result { SIP_RELAY_LIST(SIP_RELAY_ENUM) SIP_RELAY_COUNT };
#undef SIP_RELAY_ENUM

const char *sip_relay_name(u32 result); /* "too-big"; never NULL */
const char *sip_relay_text(u32 result);
u16 sip_relay_code(u32 result); /* status code to refuse a request with; 0: none */

/* What a request says about its way. About 450 bytes. */
struct sip_relay_look {
	struct sip_uri ruri;      /* the Request-URI; one of a strict router undone (16.4) */
	struct sip_nameaddr next; /* has_next: the first Route that is not ours */
	struct sip_token route;   /* dialog: what the last Route of ours says */
	struct sip_token contact; /* has_contact: of .ruri */
	struct sip_end exit;      /* dialog: our address named by the last Route of ours */
	u16 n_own;                /* Routes of ours at the top: they will go */
	bool has_next;
	bool strict_next;         /* .next has no lr (16.6.6) */
	bool strict_in;           /* the Request-URI was a Record-Route of ours */
	bool has_contact;
	bool lost;                /* .ruri is our address, and .route.end knows who was meant */
	bool dialog;              /* a Route of ours with a MAC for this Call-ID */
};

/* Is it a host and port of ours, for requests to be taken at? A name may be a domain of ours. */
typedef bool sip_relay_ours_fn(void *arg, const u8 *buf, const struct sip_host *h);

/* Is it a realm of ours? Without its quotes; as it was written (realms have a case). */
typedef bool sip_relay_realm_fn(void *arg, const u8 *realm, u32 len);

/* Is whoever is at the other end nobody that we trust? */
typedef bool sip_relay_stranger_fn(void *arg, const struct sip_hop *hop);

/* Is this Contact of a REGISTER the phone's own? */
typedef bool sip_relay_contact_fn(void *arg, const struct sip_nameaddr *contact);

/*
 * In the caller's context, about 1.5 KiB. Zeroed but for what is set. sip_relay_look() needs .key,
 * .ours and .arg; sip_relay_request() all that is given.
 */
struct sip_relay {
	const struct sip_key *key;
	sip_relay_ours_fn *ours;
	sip_relay_realm_fn *realm; /* NULL: all credentials go on */
	sip_relay_stranger_fn *stranger; /* NULL: nobody is */
	sip_relay_contact_fn *registers; /* Contacts of a REGISTER that are masked; NULL: none */
	void *arg;
	struct sip_hop from;      /* given */
	struct sip_hop to;        /* given for a request, found in a response */
	const u8 *target;         /* the new Request-URI; NULL: look.ruri as the phone wrote it */
	u32 target_len;
	const u8 *hostport;       /* no target, a token of a hash in look.ruri: host */
	u32 hostport_len;         /* and port that the phone wrote; NULL: .to.remote */
	u32 max_len;              /* of the result; 0: 65,507 */
	u16 why;                  /* of all edits */
	u8 owner;                 /* enum sip_owner; given for a request, found for a response */
	u8 fork;                  /* 0 - 15 */
	bool disowned;            /* what it says of who sends it is not so: no identity goes on */
	bool believed;            /* it is so, also where .from is a stranger */
	bool old_key;             /* its transaction began before the key changed */

	/*
	 * Found: the Contact got a token with a hash: whoever keeps flows keeps this one too. .at
	 * is its host and port in the message.
	 */
	bool made_hash;
	u64 hash;
	struct sip_str at;

	struct sip_relay_look look; /* sip_relay_look() fills it */
	u8 text[768];               /* of the code */
};

/* Fills r->look. RFC 3261 16.4. Returns enum sip_relay_result: OK or BAD_ROUTE. */
int sip_relay_look(struct sip_relay *r, const struct sip_msg *m);

/*
 * In a dialog, from outside: is @to, which the message names without a token of ours, another host
 * than the dialog leads to? On its way outside that may be, a peer's Contact says where; but who
 * knows one route of ours must not reach all that we can reach. @inside: @to is.
 */
bool sip_relay_strays(const struct sip_relay *r, const struct sip_end *to, bool inside);

/*
 * The edits that relay the request from r->from to r->to; on failure @e holds some of them and is
 * to be thrown away. LOOP, TOO_MANY_HOPS, BAD_TARGET, BAD_ROUTE, TOO_BIG, TOO_MANY_EDITS, CONFLICT.
 */
int sip_relay_request(struct sip_relay *r, const struct sip_msg *m, struct sip_edits *e);

/*
 * The edits that relay a response, and r->to, r->owner. NOT_OURS, FORGED, NO_VIA: it must not be
 * forwarded; TOO_BIG, TOO_MANY_EDITS, CONFLICT. 100 is a response like any other here.
 */
int sip_relay_response(struct sip_relay *r, const struct sip_msg *m, struct sip_edits *e);

/* Whose is this response, by its top branch alone? SIP_OWNER_NONE: nobody's of ours. */
enum sip_owner sip_relay_owner(const struct sip_msg *m);

/*
 * The server transaction of a request, for tables of targets: the same for retransmissions, CANCEL
 * and the ACK of a non-2xx. Of top branch, sent-by, Call-ID, CSeq number, Request-URI and source.
 */
u64 sip_relay_txn(const u8 key[SIP_HASH_KEY], const struct sip_msg *m, const struct sip_hop *from);

#endif /* SIP_RELAY_H */
