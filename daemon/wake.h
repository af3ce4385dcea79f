/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wake: requests for users whose phones all sleep wait here while the phones are woken (C21, RFC
 * 8599 5.3.2). When one registers, the request goes on by the ordinary way to the best contact that
 * is awake then; when none comes within push-wait, or no push can be sent: 480.
 *
 * Its transaction absorbs the caller's retransmissions meanwhile, and no 100 is sent: what is
 * relayed without state relies on the caller to repeat it (Timers A and E, for 32 s), and so does
 * what has waited. Relayed, it is forgotten here: what the caller repeats goes the same way with
 * the same branch, as any other request. So a stop or a crash of callgated costs nothing but time:
 * the next retransmission begins anew.
 *
 * Bounded: WAKE_MAX requests, WAKE_BYTES, WAKE_USER of one user, WAKE_STRANGER of a host outside
 * that is not trusted: it must not take the places of all others.
 */
#ifndef WAKE_H
#define WAKE_H

#include "transport.h"

#define WAKE_MAX 256
#define WAKE_BYTES (1u << 20)
#define WAKE_USER 8
#define WAKE_STRANGER 32

struct config;
struct contact;
struct loop;
struct txn;

int wake_open(struct loop *l);
/* After each change of the settings. */
void wake_configured(const struct config *c);
/* Those that wait are forgotten: the caller's next retransmission is for the next start. */
void wake_close(void);

/* What whoever lets a request wait does with it afterwards; each in a later turn. */
struct wake_calls {
	/* A phone came: sends it on or answers it. False: who it is for still sleeps. */
	bool (*again)(struct rx *rx, struct txn *t, bool disowned);
	/* Nobody came. */
	void (*refuse)(const struct rx *rx, struct txn *t);
};
struct wake_request {
	const struct wake_calls *calls;
	const struct rx *rx;
	struct txn *txn;
	const struct contact *contact;	/* one that sleeps */
	bool only;			/* no other of its user is meant (RFC 5627) */
	bool disowned;			/* for .again */
	bool stranger;			/* who sent it */
};
/*
 * Wakes who it is for. True: the request waits; it was copied. False: it is to be refused: nobody
 * can be woken, or there is no room.
 */
bool wake_hold(const struct wake_request *w);
/* Does the request of this transaction wait? Then it gets no 100. */
bool wake_holds(uint64_t txn);
/* RFC 3261 9.2: it is answered with 487, if it waits. */
bool wake_cancel(uint64_t txn);

struct wake_counters {
	uint64_t held, woken, late, full;
};
const struct wake_counters *wake_counters(void);
size_t wake_count(void);

#endif
