/* SPDX-License-Identifier: GPL-2.0-only */
/* gateway: what the module's beginning and end know of gateway use. The rest is in gate.h. */
#ifndef _CG_GATEWAY_H
#define _CG_GATEWAY_H

struct cg_net;

/* The namespace goes, or the module: sockets are released. */
void cg_gate_fini(struct cg_net *cn);
/* When no namespace has one any more. */
void cg_gate_exit(void);

#endif
