/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * owner: who took the first copy of a request: we, with its target, or the
 * daemon. Retransmissions, the CANCEL and the ACK of a refusal go the same way,
 * whatever has changed since (design 3: one owner per transaction).
 */
#ifndef _CG_OWNER_H
#define _CG_OWNER_H

#include "gate.h"

/* What was decided. For the daemon nothing but .who counts. */
struct cg_way {
	u8 who;			/* enum sip_owner */
	u8 ntarget;		/* 0: the Request-URI without its token */
	struct cg_flow to;
	u8 zone;		/* enum sip_zone, of .to */
	u8 target[CALLGATE_URI_MAX];
};

int cg_owner_init(struct cg_gate *gate);
void cg_owner_fini(struct cg_gate *gate);

/* A copy of what was decided for this transaction; false: it is new. */
bool cg_owner_find(struct cg_gate *gate, u64 key, struct cg_way *way);
/* @lasting: an INVITE. False: no memory, nothing is remembered. */
bool cg_owner_add(struct cg_gate *gate, u64 key, const struct cg_way *way, bool lasting);
void cg_owner_sweep(struct cg_gate *gate);

#endif
