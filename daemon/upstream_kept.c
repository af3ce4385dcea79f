// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "loop.h"
#include "upstream_kept.h"

#define BUCKETS 8192
#define KEEP_MS 40000	/* timer F, and some for what comes late */

static TAILQ_HEAD(, upstream_kept) ages = TAILQ_HEAD_INITIALIZER(ages);
static LIST_HEAD(kepts, upstream_kept) buckets[BUCKETS];
static size_t count, bytes;
static uint64_t number;

static struct kepts *bucket(const char *aor)
{
	return &buckets[hash_bytes(aor, strlen(aor)) % BUCKETS];
}

static size_t size_of(const struct upstream_kept *k)
{
	return sizeof(*k) + k->len + strlen(k->aor) + 1;
}

static void forget(struct upstream_kept *k)
{
	TAILQ_REMOVE(&ages, k, age);
	LIST_REMOVE(k, of_aor);
	count--;
	bytes -= size_of(k);
	free(k);
}

/* The value of "branch" of the Via with this number. */
static struct sip_str branch_of(const struct sip_msg *m, unsigned int n)
{
	struct sip_walk w;
	struct sip_via via;
	bool found;

	sip_walk_init(&w, m, SIP_H_VIA);
	do
		found = sip_via_next(&w, &via);
	while (found && n--);
	return found ? via.branch : (struct sip_str){ 0 };
}

/* Of Call-ID, CSeq and the branch that the phone gave: its Via has this number. */
static uint64_t key_of(const struct rx *rx, unsigned int via)
{
	struct sip_str branch = branch_of(&rx->msg, via), id = rx->msg.call_id;

	return hash_parts((const struct hash_part[]){
		{ rx->buf + id.off, id.len }, { rx->buf + branch.off, branch.len },
		{ &rx->msg.cseq.num, sizeof(rx->msg.cseq.num) } }, 3);
}

static struct upstream_kept *find(const char *aor, uint64_t key)
{
	struct upstream_kept *k;

	LIST_FOREACH(k, bucket(aor), of_aor)
		if (k->key == key && k->until > loop_now() && !strcmp(k->aor, aor))
			return k;
	return NULL;
}

/* Two at a time: no pause grows with their number, and none stays for long. */
static void sweep(size_t more)
{
	for (int i = 0; i < 2; i++)
		if (!TAILQ_EMPTY(&ages) && TAILQ_FIRST(&ages)->until <= loop_now())
			forget(TAILQ_FIRST(&ages));
	while (!TAILQ_EMPTY(&ages) &&
	       (count >= UPSTREAM_KEPT_MAX || bytes + more > UPSTREAM_KEPT_BYTES))
		forget(TAILQ_FIRST(&ages));
}

void upstream_keep(const struct rx *rx, const char *aor, const struct endpoint *registrar)
{
	size_t len = strlen(aor) + 1;
	struct upstream_kept *k;

	if (find(aor, key_of(rx, 0)))
		return;
	sweep(sizeof(*k) + rx->len + len);
	k = malloc(sizeof(*k) + rx->len + len);
	if (!k)
		return;
	*k = (struct upstream_kept){ .begun = ++number, .until = loop_now() + KEEP_MS,
				     .key = key_of(rx, 0), .flow = rx->flow,
				     .registrar = *registrar, .len = rx->len };
	memcpy(k->bytes, rx->buf, rx->len);
	k->aor = memcpy(k->bytes + rx->len, aor, len);
	TAILQ_INSERT_TAIL(&ages, k, age);
	LIST_INSERT_HEAD(bucket(aor), k, of_aor);
	count++;
	bytes += size_of(k);
}

struct upstream_kept *upstream_kept(const struct rx *response, const char *aor)
{
	return find(aor, key_of(response, 1));
}

void upstream_granted(struct upstream_kept *k)
{
	k->granted = ++number;
}

bool upstream_overtaken(const struct upstream_kept *k)
{
	const struct upstream_kept *other;

	LIST_FOREACH(other, bucket(k->aor), of_aor)
		if (other != k && other->granted > k->begun && !strcmp(other->aor, k->aor))
			return true;
	return false;
}

void upstream_revive(const struct upstream_kept *k, struct rx *rx)
{
	*rx = (struct rx){ .flow = k->flow, .buf = k->bytes, .len = k->len, .now = loop_now() };
	sip_msg_parse(&rx->msg, rx->buf, rx->len, SIP_DATAGRAM);
}

size_t upstream_kept_count(void)
{
	return count;
}

void upstream_kept_free(void)
{
	while (!TAILQ_EMPTY(&ages))
		forget(TAILQ_FIRST(&ages));
}
