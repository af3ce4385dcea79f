/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * txn: server transactions (RFC 3261 17.2, RFC 6026) of what callgated answers itself.
 *
 * A retransmission never reaches the pieces behind: it gets the answer that was given, or nothing
 * while the answer is being made (a commit is under way). Only then come CSeq, nonce counts, bans.
 * From another port of the same address (a NAT forgot the first one) answers go there from then on.
 * Bounded: TXN_MAX at once, TXN_BYTES of stored answers; beyond either the oldest finished one
 * goes; with none finished, requests are refused.
 *
 * Requests match by branch, sent-by, Call-ID, number of CSeq and method (an ACK matches its
 * INVITE); the two in the middle keep apart what clients send that use one branch for all. Without
 * the magic cookie, and with nothing behind it, by the rules for RFC 2543 (17.2.3).
 */
#ifndef TXN_H
#define TXN_H

#include "transport.h"

struct txn;

#define TXN_MAX 262144
#define TXN_BYTES (128u << 20)

enum txn_seen {
	TXN_NEW,	/* go on with *out; NULL for an ACK that belongs to no transaction */
	TXN_AGAIN,	/* dealt with: an answer was sent again, or is being made */
	TXN_ACK,	/* an ACK to our non-2xx: absorbed */
	TXN_FULL,	/* no room: to be refused without state (503, Retry-After) */
};

/* For each request. */
enum txn_seen txn_begin(struct rx *rx, struct txn **out);

/*
 * The answer: sent now, and again for each retransmission. A final answer ends the work: the
 * transaction stays for 64*T1 (UDP), an INVITE's non-2xx is repeated until its ACK. Provisional
 * ones may come before; whatever comes behind a final one but a 2xx behind a 2xx is ignored.
 * @bytes are copied.
 */
void txn_answer(struct txn *t, const void *bytes, uint32_t len);
/*
 * A final answer that is true only later: kept, and sent by txn_give(). Until then retransmissions
 * are absorbed. For others than INVITE. False: there is no room for it.
 */
bool txn_keep(struct txn *t, const void *bytes, uint32_t len);
void txn_give(struct txn *t);
/* A 100 for an INVITE, sent in 200 ms unless something was answered by then. */
void txn_trying(struct txn *t, const void *bytes, uint32_t len);
/* The last answer, or the 100 that waits; @len 0: there is none. */
const uint8_t *txn_last(const struct txn *t, uint32_t *len);
/* Has it got a final answer? */
bool txn_answered(const struct txn *t);

/*
 * Is @t, of @rx and new, a request that came by another way before, or is that one still being
 * answered (8.2.2.2: 482)? The same From tag, Call-ID and CSeq, no tag in To, another branch. For
 * what callgated answers itself, each once.
 */
bool txn_is_merged(struct txn *t, const struct rx *rx);

/* Not ours to answer after all (relayed statelessly): the transaction is forgotten. */
void txn_forget(struct txn *t);

/*
 * For answers that come later: a number that finds the transaction as long as it is there (never
 * keep the pointer over a turn of the loop).
 */
uint64_t txn_id(const struct txn *t);
struct txn *txn_by_id(uint64_t id);
/* Where its answers go. */
const struct sip_flow *txn_flow(const struct txn *t);

/* The INVITE transaction that a CANCEL names (9.2), or NULL. */
struct txn *txn_cancelled(const struct rx *rx);

size_t txn_count(void);
/* Bytes: of the transactions and their answers. */
size_t txn_memory(void);
void txn_free_all(void);

#endif
