/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mode: off, open or translate, for a namespace and for single hosts.
 *
 * What is done with a message is the lowest of three: the mode of the rule (its
 * helper), that of the namespace (cn->set.mode), and that of the inside host
 * (the longest prefix of cn->modes that has it). It is asked once for each new
 * call, registration and request; what belongs to a call or a transaction goes
 * on as that began, so that no change of mode cuts a call in two. A message of
 * mode off is untouched and leaves no trace but its count.
 *
 * While nothing is capped the cost is one load.
 */
#ifndef _CG_MODE_H
#define _CG_MODE_H

#include "net.h"
#include "pkt.h"
#include "prefix.h"

#define CG_MODES_MAX 256

struct cg_mode {
	struct cg_prefix prefix;
	u8 mode;		/* enum callgate_mode */
};

/* Replaced as a whole, under cn->lock; NULL: none. */
struct cg_modes {
	u32 n;
	struct cg_mode at[];	/* the longest prefix first */
};

bool cg_mode_ask(struct cg_pkt *p);

/* A new request or call: may state be made for it? Then p->open_only is decided. */
static inline bool cg_mode_admits(struct cg_pkt *p)
{
	return likely(!READ_ONCE(p->cn->capped)) || cg_mode_ask(p);
}

/*
 * Once the call and the transaction of the message are known: their mode is that of
 * the message, else it is asked. False: off. Under cn->lock, like all below.
 */
bool cg_mode_settle(struct cg_pkt *p);

/* Off for all, and nothing is left that goes on: not even parsed. */
static inline bool cg_mode_silent(const struct cg_net *cn)
{
	return unlikely(READ_ONCE(cn->set.mode) == CALLGATE_MODE_OFF) &&
	       !READ_ONCE(cn->ncalls) && !READ_ONCE(cn->ntxns);
}

/* Nothing is served and nothing is left: the guard of the ports has nobody to guard. */
static inline bool cg_mode_idle(const struct cg_net *cn)
{
	return READ_ONCE(cn->set.mode) == CALLGATE_MODE_OFF && !READ_ONCE(cn->npins);
}

/*
 * A copy of the table with @prefix in that mode, 0: without it; NULL: all gone. ERR_PTR:
 * -ENOSPC, -ENOENT, -ENOMEM. Process context, one writer at a time, without cn->lock.
 */
struct cg_modes *cg_modes_with(const struct cg_modes *old, const struct cg_prefix *prefix,
			       u8 mode);
/* Takes the new table, frees the old one; also after cn->set.mode changed. */
void cg_modes_replace(struct cg_net *cn, struct cg_modes *modes);
void cg_mode_changed(struct cg_net *cn);

#endif
