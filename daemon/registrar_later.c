// SPDX-License-Identifier: BSD-2-Clause
/*
 * What outlives a turn of the loop: a change on its way to the disk, with the answer that is given
 * then; and a request that waits for a change of the same address of record. Both keep the bytes of
 * the request and the number of its transaction, whose retransmissions are absorbed meanwhile.
 */
#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "loop.h"
#include "registrar_work.h"

/* A request, and behind it the answer that waits for the disk. */
struct kept {
	struct sip_flow flow;
	uint64_t txn;
	uint32_t len, answer_len;
	uint8_t bytes[];
};

/* One that waits for its turn, as the checks before left it. */
struct waiter {
	struct config *config;		/* that .domain and .access are from */
	const struct domain *domain;
	struct access access;
	uint32_t max_contacts;
	uint64_t owner;
	char aor[AOR_MAX + 1];
	struct kept kept;
};

static void keep(struct kept *k, const struct reg *r, const uint8_t *answer, uint32_t len)
{
	k->flow = r->rx->flow;
	k->txn = txn_id(r->txn);
	k->len = r->rx->len;
	k->answer_len = len;
	memcpy(k->bytes, r->rx->buf, r->rx->len);
	if (len)
		memcpy(k->bytes + k->len, answer, len);
}

/* The request again. It parsed when it came. */
static void revive(const struct kept *k, struct rx *rx)
{
	rx->flow = k->flow;
	rx->buf = k->bytes;
	rx->len = k->len;
	rx->now = loop_now();
	rx->question = false;
	sip_msg_parse(&rx->msg, rx->buf, rx->len, SIP_DATAGRAM);
}

static void done(int result, void *arg)
{
	struct kept *k = arg;
	struct txn *t = txn_by_id(k->txn);
	struct rx rx;

	if (t && !result) {
		txn_answer(t, k->bytes + k->len, k->answer_len);
	} else if (t) {
		log_info("REGISTER refused with 503: it could not be kept: %s", strerror(-result));
		revive(k, &rx);
		reg_unavailable(&rx, t);
	}
	free(k);
}

int reg_commit(const struct reg *r, const struct reg_change *c, const uint8_t *answer, uint32_t len)
{
	struct kept *k = malloc(sizeof(*k) + r->rx->len + len);
	int err;

	if (!k)
		return -ENOMEM;
	keep(k, r, answer, len);
	err = location_commit(&c->c, done, k);
	if (err)
		free(k);
	return err;
}

static void turn(void *arg)
{
	struct waiter *w = arg;
	struct txn *t = txn_by_id(w->kept.txn);
	struct reg r;
	struct rx rx;

	if (t) {
		revive(&w->kept, &rx);
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

	/* nearly always */
	if (!location_changes(r->aor, r->aor_len))
		return 0;
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
	keep(&w->kept, r, NULL, 0);
	return result;
}
