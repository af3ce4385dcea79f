// SPDX-License-Identifier: BSD-2-Clause
/*
 * What outlives a turn of the loop: a change on its way to the disk, whose answer the transaction
 * keeps; and a request that waits for a change of the same address of record. Both keep the number
 * of the transaction, by which retransmissions are absorbed meanwhile.
 */
#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "loop.h"
#include "registrar_work.h"

/* A request that was answered, but for the disk. */
struct change {
	struct sip_flow flow;
	uint64_t txn;
};

/* One that waits for its turn, as the checks before left it. */
struct waiter {
	struct config *config;		/* that .domain and .access are from */
	const struct domain *domain;
	struct access access;
	uint32_t max_contacts;
	uint64_t owner;
	char aor[AOR_MAX + 1];
	struct sip_flow flow;
	uint64_t txn;
	uint32_t len;			/* of the request */
	uint8_t bytes[];
};

/* A message again. It parsed before. */
static void revive(struct rx *rx, const struct sip_flow *flow, const uint8_t *bytes, uint32_t len)
{
	rx->flow = *flow;
	rx->buf = bytes;
	rx->len = len;
	rx->now = loop_now();
	rx->question = false;
	sip_msg_parse(&rx->msg, rx->buf, rx->len, SIP_DATAGRAM);
}

static void done(int result, void *arg)
{
	struct change *c = arg;
	struct txn *t = txn_by_id(c->txn);
	const uint8_t *answer;
	struct rx rx;
	uint32_t len;

	if (t && !result) {
		txn_give(t);
	} else if (t) {
		log_info("REGISTER refused with 503: it could not be kept: %s", strerror(-result));
		/* the 200 that was not given has all that another answer needs */
		answer = txn_last(t, &len);
		revive(&rx, &c->flow, answer, len);
		reg_unavailable(&rx, t);
	}
	free(c);
}

int reg_commit(const struct reg *r, const struct reg_change *c, const uint8_t *answer, uint32_t len)
{
	struct change *change = malloc(sizeof(*change));
	int err;

	if (!change || !txn_keep(r->txn, answer, len)) {
		free(change);
		return -ENOMEM;
	}
	*change = (struct change){ r->rx->flow, txn_id(r->txn) };
	err = location_commit(&c->c, done, change);
	if (err)
		free(change);
	return err;
}

static void turn(void *arg)
{
	struct waiter *w = arg;
	struct txn *t = txn_by_id(w->txn);
	struct reg r;
	struct rx rx;

	if (t) {
		revive(&rx, &w->flow, w->bytes, w->len);
		reg_start(&r, &rx, t, w->domain);
		r.access = w->access;
		r.max_contacts = w->max_contacts;
		r.owner = w->owner;
		r.aor_len = strlen(w->aor);
		memcpy(r.aor, w->aor, r.aor_len + 1);
		reg_resume(&r);
	}
	config_put(w->config);
	free(w);
}

int reg_wait(const struct reg *r)
{
	struct waiter *w;
	int result;

	w = malloc(sizeof(*w) + r->rx->len);
	result = w ? location_wait(r->aor, turn, w) : -ENOMEM;
	if (result <= 0) {
		free(w);
		return result;
	}
	w->config = config_get((struct config *)config_now());
	w->domain = r->domain;
	w->access = r->access;
	w->max_contacts = r->max_contacts;
	w->owner = r->owner;
	memcpy(w->aor, r->aor, r->aor_len + 1);
	w->flow = r->rx->flow;
	w->txn = txn_id(r->txn);
	w->len = r->rx->len;
	memcpy(w->bytes, r->rx->buf, w->len);
	return result;
}
