/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone: which side a peer is on. The configuration says it by network (inside_nets) or by interface
 * (inside, outside); what it does not say: interfaces of a default route are outside, and where no
 * inside is named, all others are inside. The loopback interface is inside.
 */
#ifndef ZONE_H
#define ZONE_H

#include "config.h"
#include "transport.h"

/* ZONE_*. What is known of an interface is looked up again every 2 s: they come and go. */
uint8_t zone_of(const struct config *c, uint32_t ifindex, const struct endpoint *remote);
/* Forgets what was looked up. */
void zone_forget(void);

bool prefix_has(const struct prefix *p, const struct endpoint *e);

static inline bool prefixes_have(const struct prefixes *list, const struct endpoint *e)
{
	for (size_t i = 0; i < list->n; i++)
		if (prefix_has(&list->prefix[i], e))
			return true;
	return false;
}

#endif
