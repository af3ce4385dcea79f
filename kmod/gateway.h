/* SPDX-License-Identifier: GPL-2.0-only */
/* gateway: what the rest of the module knows of gateway use. The rest of it is in gate.h. */
#ifndef _CG_GATEWAY_H
#define _CG_GATEWAY_H

struct cg_gate;
struct cg_net;
struct cg_pkt;

/* Does the packet come from an attached socket, or go to one? In help(), after cg_frame(). */
bool cg_gate_owns(const struct cg_gate *gate, const struct cg_pkt *p);

/* The namespace goes, or the module: sockets are released. */
void cg_gate_fini(struct cg_net *cn);
/* When no namespace has one any more. */
void cg_gate_exit(void);

#endif
