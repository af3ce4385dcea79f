/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * txn: requests of hidden hosts that await their answer.
 *
 * A response must bring back exactly the sent-by that the requester wrote
 * (RFC 3261 18.2.1 matches on it). Key: branch, Call-ID, CSeq number and the
 * hidden host. Bounded; when one is missing the canonical text is used.
 */
#ifndef _CG_TXN_H
#define _CG_TXN_H

#include "net.h"

struct cg_pkt;
struct cg_reg;

struct cg_txn {
	struct rhlist_head node;
	u64 key;
	struct cg_net *cn;
	struct cg_timer timer;
	struct cg_reg *reg;	/* owned; NULL unless a REGISTER */
	struct cg_text sentby;	/* as the requester wrote it */
	struct cg_ep contact;	/* of a SUBSCRIBE, as the phone wrote it; unset: none */
	u16 port;		/* sent-by port, 5060 when none was written */
	bool open_only;		/* the mode it began in */
};

extern const struct rhashtable_params cg_txn_params;

int cg_txn_cache_init(void);
void cg_txn_cache_fini(void);

/* The transaction of a response, or of a retransmitted request; NULL: unknown. */
struct cg_txn *cg_txn_find(struct cg_pkt *p);
/* Found or made, for a request of a hidden host or to one; NULL: limit or memory. */
struct cg_txn *cg_txn_begin(struct cg_pkt *p);
/* A final response came: keep it for retransmissions only. */
void cg_txn_final(struct cg_txn *t);
void cg_txn_expire(struct cg_txn *t);
void cg_txn_flush(struct cg_net *cn);

#endif
