/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * provider: sets of hosts that an admin calls one provider.
 *
 * A provider answers REGISTER at one address and rings from another. So the
 * hosts of a set are equal peers of a signalling pinhole that was opened
 * towards any of them; media has peers of its own. Who is in no set with a
 * peer stays a stranger.
 */
#ifndef _CG_PROVIDER_H
#define _CG_PROVIDER_H

#include "net.h"
#include "prefix.h"

#define CG_PROVIDERS_MAX 64		/* sets: one bit each */
#define CG_PROVIDER_MEMBERS_MAX 256	/* of all sets together */

struct cg_provider {
	char name[CALLGATE_NAME_MAX];
};

struct cg_member {
	struct cg_prefix prefix;
	u8 set;				/* index into name */
};

/* Replaced as a whole, under cn->lock; NULL: none. Members of a set stand together. */
struct cg_providers {
	u32 nsets, n;
	struct cg_provider set[CG_PROVIDERS_MAX];
	struct cg_member at[CG_PROVIDER_MEMBERS_MAX];
};

bool cg_provider_joins(const struct cg_providers *v, const struct cg_ep *a,
		       const struct cg_ep *b);

/* Are both hosts of one set? Under cn->lock. */
static inline bool cg_provider_same(const struct cg_net *cn, const struct cg_ep *a,
				    const struct cg_ep *b)
{
	return cn->providers && cg_provider_joins(cn->providers, a, b);
}

/*
 * A copy of the table in which the set @name has @n members, 0: does not exist; NULL: no set
 * is left. ERR_PTR: -ENOSPC, -ENOENT, -ENOMEM. Process context, one writer at a time.
 */
struct cg_providers *cg_providers_with(const struct cg_providers *old, const char *name,
				       const struct cg_prefix *member, u32 n);
/* Takes the new table, frees the old one. Without cn->lock. */
void cg_providers_replace(struct cg_net *cn, struct cg_providers *v);

#endif
