/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * upstream_kept: REGISTER requests that were relayed, until nothing can come back any more: an
 * answer counts once, and only for the request that it answers (Call-ID, CSeq and branch).
 */
#ifndef UPSTREAM_KEPT_H
#define UPSTREAM_KEPT_H

#include <sys/queue.h>

#include "transport.h"

#define UPSTREAM_KEPT_MAX 16384
#define UPSTREAM_KEPT_BYTES (32u << 20)

struct upstream_kept {
	TAILQ_ENTRY(upstream_kept) age;
	LIST_ENTRY(upstream_kept) of_aor;
	uint64_t key;
	uint64_t until;		/* loop_now() */
	/* numbers, in the order of what came: of the request; of its 2xx, 0: none has */
	uint64_t begun, granted;
	struct sip_flow flow;	/* of the phone */
	struct endpoint registrar;
	uint32_t len;
	bool answered;		/* finally */
	const char *aor;	/* canonical, behind the bytes */
	uint8_t bytes[];	/* the request as it came */
};

/* A copy of one that is known changes nothing. Beyond the limits the oldest goes. */
void upstream_keep(const struct rx *rx, const char *aor, const struct endpoint *registrar);
/* By a response with our Via and what stands behind it. NULL: none. */
struct upstream_kept *upstream_kept(const struct rx *response, const char *aor);
/* Its 2xx has come. */
void upstream_granted(struct upstream_kept *k);
/* Was another one of the same address of record granted since this one began? */
bool upstream_overtaken(const struct upstream_kept *k);
/* The request again, in @rx; it parsed when it came. */
void upstream_revive(const struct upstream_kept *k, struct rx *rx);
size_t upstream_kept_count(void);
void upstream_kept_free(void);

#endif
