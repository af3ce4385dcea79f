/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * call: one object per dialog family, Call-ID and caller's tag, per side.
 *
 * "Per side": a call that crosses the router twice (phone to provider to the
 * next phone) is two objects, told apart by the hidden inside host. Legs are
 * the dialogs, one for each To tag. All functions run under cn->lock.
 */
#ifndef _CG_CALL_H
#define _CG_CALL_H

#include "pinhole.h"
#include "limit.h"

struct cg_pkt;

#define CG_CALL_FIRST 64	/* seconds for the first answer: twice timer B */
#define CG_CALL_LOOSE 32	/* seconds that a description outside a call is held */
#define CG_LEGS 8		/* dialogs of one call; more share the last */
#define CG_BRANCHES 4		/* forks of one INVITE to the same host */
#define CG_TAG_TEXT 40		/* bytes of a tag kept for people to read */

enum cg_side { CG_CALLER, CG_CALLEE };
enum cg_dir { CG_CALL_OUT, CG_CALL_IN, CG_CALL_THROUGH };
enum cg_call_state { CG_CALL_EARLY, CG_CALL_ANSWERED, CG_CALL_ENDING };
enum cg_leg_state { CG_LEG_EARLY, CG_LEG_CONFIRMED, CG_LEG_BYE, CG_LEG_ENDED };

struct cg_leg {
	u64 tag;		/* hash of the callee's tag */
	u32 bye_cseq;
	u8 bye_side;
	u8 state;		/* enum cg_leg_state */
	u8 ntext;
	u8 text[CG_TAG_TEXT];
};

/* Where the other side said that it receives a stream (RFC 3264). */
struct cg_far {
	struct cg_ep ep;
	u16 stream;
	u16 gen;
	u8 comp;		/* enum cg_pin_comp */
	u8 leg;			/* CG_LEG_ALL or index */
	u8 side;		/* who said it */
	bool committed;
	bool candidate;		/* an ICE candidate, not the default address */
};

/* The offer that awaits its answer (RFC 3264 4). */
struct cg_offer {
	bool open;
	u8 side;		/* who offered */
	u8 txn_side;		/* who sent the request of the transaction */
	u8 leg;
	u32 cseq;
};

struct cg_call {
	struct rhlist_head node;
	u64 key;		/* Call-ID and hidden host */
	u64 id;			/* for people and netlink */
	u64 caller_tag;
	struct cg_net *cn;
	struct cg_host *host;
	struct list_head all;	/* cn->call_list */
	struct list_head of_host;	/* host->call_list */
	struct cg_timer timer;
	struct list_head pins;	/* struct cg_pin, media */
	struct cg_pin *sig[2];	/* of each side's Contact; counted, may be NULL */
	struct cg_far *far;
	u16 nfar, far_cap;

	struct cg_ep inside;	/* hidden party's signalling endpoint; unset: through */
	struct cg_ep peer;	/* the other party's, as the router sees it */
	struct cg_ep pub;	/* the router's address towards the peer */
	struct nf_conntrack_tuple sig_ct;	/* original tuple of the SIP flow; relayed: none */
	u16 sig_zone;
	u8 dir;			/* enum cg_dir */
	u8 state;		/* enum cg_call_state */
	u8 nlegs;
	bool open_only;
	bool both_ways;		/* SIP was seen in both directions (S5) */
	bool was_side[2];
	bool retry;		/* refused, kept for a retry of the same call */
	bool loose;		/* no call: a description in another method's messages */
	u32 invite_cseq;	/* of the initial INVITE, last try */
	u8 nbranches;
	u64 branches[CG_BRANCHES];	/* of it, still without a final response */
	u16 npins;
	bool rests;		/* a port of it was given up and may still be kept for it */
	u16 gen[2];		/* generation of each side's session description */
	u64 sdp_seen[2];	/* hash of the last description: a repeat is no news */
	struct cg_offer offer;
	struct cg_leg legs[CG_LEGS];
	struct cg_ep contact_pub;	/* hidden party's Contact as published */
	struct cg_text contact;	/* and as it was written */

	u32 session;		/* seconds, RFC 4028; 0: no session timer */
	u32 session_due;	/* cg_now() at which the session is over */
	u64 began, answered, active;	/* cg_ms(); answered 0: not yet */
	u16 ncallid, nfrom, nto;
	u8 *text;		/* Call-ID, caller's URI, callee's URI, one after another */
	u8 ntag;
	u8 tag[CG_TAG_TEXT];	/* caller's tag */
};

extern const struct rhashtable_params cg_call_params;

int cg_call_cache_init(void);
void cg_call_cache_fini(void);

/*
 * Finds the call of the message, or begins one for an INVITE outside a dialog
 * (RFC 3261 13) and, for a short time, for any other message that describes a
 * session (OPTIONS, MESSAGE: F50), and says which side sent it and on which leg (p->call, p->side,
 * p->leg). CG_NEXT, or CG_PASS when a limit forbids a new call.
 */
int cg_call_track(struct cg_pkt *p);
/* Is it of a call that is there? Its ends are set; nothing is done. */
bool cg_call_known(struct cg_pkt *p);
/* What the message does to the call: early, answered, refused, ended. */
void cg_call_advance(struct cg_pkt *p);

/* Ends the call: pinholes closed, media conntracks deleted, event sent. */
void cg_call_end(struct cg_call *call, enum cg_reason why);
void cg_call_expire(struct cg_call *call);
void cg_call_flush(struct cg_net *cn, enum cg_reason why);
/* The signalling pinhole is about to go: no call holds it any more. */
void cg_call_forget_sig(struct cg_pin *pin);
/* By its id, or NULL. */
struct cg_call *cg_call_find(struct cg_net *cn, u64 id);

/*
 * Where the far side of @pin said that it is, or NULL: unknown. @src, if not
 * NULL, is who sends: of several early dialogs it is that one.
 */
const struct cg_far *cg_call_told(const struct cg_call *call, const struct cg_pin *pin,
				  const struct cg_ep *src);
/* May packets from @src use @pin? (R: media peers, early dialogs' included) */
bool cg_call_admits(const struct cg_call *call, const struct cg_pin *pin,
		    const struct cg_ep *src);

#endif
