/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * expect: pinholes shown to the rest of netfilter as permanent expectations.
 *
 * Only a publication: conntrack -L expect, ct status expected and conntrackd
 * see it, nothing depends on it. Best effort; its limits never break a call.
 */
#ifndef _CG_EXPECT_H
#define _CG_EXPECT_H

#include "pinhole.h"

/* @ct: the signalling conntrack that carries our helper; NULL: none does. Under cn->lock. */
void cg_expect_publish(struct cg_pin *pin, struct nf_conn *ct);
void cg_expect_withdraw(struct cg_pin *pin);

#endif
