/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * media: session descriptions become pinholes (RFC 3264, 8866, 3605, 8839).
 */
#ifndef _CG_MEDIA_H
#define _CG_MEDIA_H

struct cg_pkt;

/*
 * Reads every session description of the message: the sender's addresses open
 * pinholes and, where the sender is hidden, are edited; the other side's are
 * the peers. Under cn->lock. CG_NEXT, or CG_PASS: leave the message alone.
 */
int cg_media(struct cg_pkt *p);

#endif
