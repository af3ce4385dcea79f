/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limit: what one inside host, and all of them, may hold.
 *
 * A host exists while something counts against it. All calls under cn->lock.
 */
#ifndef _CG_LIMIT_H
#define _CG_LIMIT_H

#include "net.h"

struct cg_host {
	struct rhash_head node;
	struct cg_ep who;	/* address only: port and proto are zero */
	u32 calls, pins, bindings;
	u32 refs;
	struct list_head call_list;	/* its calls, least recently active first */
	struct rcu_head rcu;
};

extern const struct rhashtable_params cg_host_params;

/* A counted reference, or NULL when there is no memory. */
struct cg_host *cg_host_get(struct cg_net *cn, const struct cg_ep *who);
void cg_host_put(struct cg_net *cn, struct cg_host *h);

/* May one more be made? Else the reason, counted by the caller. */
enum cg_reason cg_limit_call(const struct cg_net *cn, const struct cg_host *h);
enum cg_reason cg_limit_binding(const struct cg_net *cn, const struct cg_host *h);
enum cg_reason cg_limit_pins(const struct cg_net *cn, const struct cg_host *h, u32 more);

void cg_limit_defaults(struct cg_net *cn);

#endif
