/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy: may this message be edited, and which part of it?
 */
#ifndef _CG_POLICY_H
#define _CG_POLICY_H

struct cg_pkt;

/*
 * A body that is signed, encoded or hashed by the sender's credentials
 * (qop=auth-int, RFC 7616 3.4.3) is kept (p->keep_body). CG_NEXT or CG_PASS.
 */
int cg_policy(struct cg_pkt *p);

#endif
