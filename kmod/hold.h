/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hold: requests that wait while the daemon says where their user is.
 *
 * Bounded in number, bytes and time (CALLGATE_LOCATE_MS); one question for
 * each user. What waits is sent by the answer or freed: UDP repeats.
 */
#ifndef _CG_HOLD_H
#define _CG_HOLD_H

#include "forward.h"

void cg_hold_init(struct cg_gate *gate);
void cg_hold_fini(struct cg_gate *gate);
/* Nobody will answer any more. */
void cg_hold_drop(struct cg_gate *gate);

/* Takes @skb and asks for f->aor, or joins a question; false: neither, @skb is the caller's. */
bool cg_hold_ask(struct cg_fwd *f, struct sk_buff *skb);

/* @loc: FORWARD; else MINE or DROP. -ENOENT. Under gate->admin. */
int cg_hold_answer(struct cg_gate *gate, u64 id, u8 verdict, const struct cg_location *loc);

#endif
