/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * prefix: a host or a network, as an admin names it.
 */
#ifndef _CG_PREFIX_H
#define _CG_PREFIX_H

#include "ep.h"

/* On the wire (uapi): the address, then one byte: the length. */
#define CG_PREFIX_WIRE4 5
#define CG_PREFIX_WIRE6 17

struct cg_prefix {
	union nf_inet_addr addr;	/* bits beyond the length are zero */
	u8 family, len;
};

/* From its wire form; false: no prefix. */
bool cg_prefix_read(struct cg_prefix *prefix, const u8 *wire, u32 size);
/* Into @wire, CG_PREFIX_WIRE6 bytes; returns how many are used. */
u32 cg_prefix_write(const struct cg_prefix *prefix, u8 *wire);
bool cg_prefix_equal(const struct cg_prefix *a, const struct cg_prefix *b);
/* Is the host of @ep in it? */
bool cg_prefix_has(const struct cg_prefix *prefix, const struct cg_ep *ep);

#endif
