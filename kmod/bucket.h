/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bucket: how many datagrams one source may send to the router itself, before
 * anything is done with them.
 *
 * A fixed table that a secret hash leads into: a flood from a million made-up
 * addresses costs no memory, and is spread over all buckets. Sources that meet
 * in one share it.
 */
#ifndef _CG_BUCKET_H
#define _CG_BUCKET_H

#include "gate.h"

int cg_bucket_init(struct cg_gate *gate);
void cg_bucket_fini(struct cg_gate *gate);

/* One more of @who: does it fit? Any context. */
bool cg_bucket_admits(struct cg_gate *gate, const struct cg_rules *rules, const struct cg_ep *who);

#endif
