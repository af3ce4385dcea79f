/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * txn: server transactions (RFC 3261 17.2, RFC 6026) of what callgated answers itself.
 *
 * A retransmission never reaches the pieces behind: it gets the answer that was given, or nothing
 * while the answer is being made (a commit is under way). Only then come CSeq, nonce counts, bans.
 * Bounded: TXN_MAX at once; beyond it the oldest finished one goes, then requests are refused (503
 * with Retry-After, without state).
 */
#ifndef TXN_H
#define TXN_H

#include "transport.h"

struct txn;

#define TXN_MAX 262144

enum txn_seen {
	TXN_NEW,	/* go on with *out */
	TXN_AGAIN,	/* dealt with: an answer was sent again, or is being made */
	TXN_ACK,	/* an ACK to our non-2xx: absorbed */
	TXN_FULL,	/* no room: refused */
};

/* For each request but ACK to a 2xx and CANCEL, which has txn_cancelled(). 17.2.3. */
enum txn_seen txn_begin(struct rx *rx, struct txn **out);

/*
 * The answer: sent now, and again for each retransmission. A final answer ends the work: the
 * transaction stays for 64*T1 (UDP), an INVITE's non-2xx is repeated until its ACK. Provisional
 * ones may come before. @bytes are copied.
 */
void txn_answer(struct txn *t, const void *bytes, uint32_t len);

/* Not ours to answer after all (relayed statelessly): the transaction is forgotten. */
void txn_forget(struct txn *t);

/*
 * For answers that come later: a number that finds the transaction as long as it is there (never
 * keep the pointer over a turn of the loop).
 */
uint64_t txn_id(const struct txn *t);
struct txn *txn_by_id(uint64_t id);
const struct sip_flow *txn_flow(const struct txn *t);

/* The INVITE transaction that a CANCEL names and that has no final answer yet, or NULL. 9.2. */
struct txn *txn_cancelled(const struct rx *rx);

size_t txn_count(void);
void txn_free_all(void);

#endif
