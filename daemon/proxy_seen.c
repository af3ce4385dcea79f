/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "loop.h"
#include "proxy_seen.h"

#define BRIEF_MS 32000
#define INVITE_MS 600000	/* as long as the module keeps one: it may ring for minutes */
#define BUCKETS 65536

struct seen {
	TAILQ_ENTRY(seen) age;
	struct seen *next;
	uint64_t key, until;
	struct sip_hop to;
	uint32_t generation, target_len, path_len;
	bool invite, disowned, believed;
	char text[];		/* target, then path */
};

/* By lifetime, so that each list is in the order of its ends. */
static TAILQ_HEAD(ages, seen) ages[2] = {
	TAILQ_HEAD_INITIALIZER(ages[0]), TAILQ_HEAD_INITIALIZER(ages[1]),
};
static struct seen *buckets[BUCKETS];
static size_t count;
static uint8_t secret[SIP_HASH_KEY];
static bool has_secret;

uint64_t seen_key(const struct rx *rx, const struct sip_hop *from)
{
	if (!has_secret)
		has_secret = getrandom(secret, sizeof(secret), 0) == sizeof(secret);
	return sip_relay_txn(secret, &rx->msg, from);
}

static struct seen **find(uint64_t key)
{
	struct seen **at = &buckets[key % BUCKETS];

	while (*at && (*at)->key != key)
		at = &(*at)->next;
	return at;
}

static void forget(struct seen *s)
{
	*find(s->key) = s->next;
	TAILQ_REMOVE(&ages[s->invite], s, age);
	count--;
	free(s);
}

/* Two at a time: no pause grows with their number, and none stays for long. */
static void sweep(void)
{
	for (int i = 0; i < 2; i++)
		for (int n = 0; n < 2; n++) {
			struct seen *s = TAILQ_FIRST(&ages[i]);

			if (!s || s->until > loop_now())
				break;
			forget(s);
		}
}

bool seen_find(uint64_t key, struct way *w, uint32_t *generation)
{
	struct seen *s = *find(key);

	if (!s || s->until <= loop_now())
		return false;
	memset(w, 0, offsetof(struct way, target));
	w->to = s->to;
	w->disowned = s->disowned;
	w->believed = s->believed;
	w->target_len = s->target_len;
	w->path_len = s->path_len;
	memcpy(w->target, s->text, s->target_len);
	memcpy(w->path, s->text + s->target_len, s->path_len);
	*generation = s->generation;
	return true;
}

void seen_add(uint64_t key, const struct way *w, uint32_t generation, bool invite)
{
	struct seen *s = *find(key), *oldest;

	if (s)
		forget(s);
	sweep();
	oldest = TAILQ_FIRST(&ages[0]) ? TAILQ_FIRST(&ages[0]) : TAILQ_FIRST(&ages[1]);
	if (count >= SEEN_MAX)
		forget(oldest);
	s = malloc(sizeof(*s) + w->target_len + w->path_len);
	if (!s)
		return;
	*s = (struct seen){ .key = key, .to = w->to, .generation = generation, .invite = invite,
			    .disowned = w->disowned, .believed = w->believed,
			    .target_len = w->target_len, .path_len = w->path_len,
			    .until = loop_now() + (invite ? INVITE_MS : BRIEF_MS) };
	memcpy(s->text, w->target, w->target_len);
	memcpy(s->text + w->target_len, w->path, w->path_len);
	s->next = buckets[key % BUCKETS];
	buckets[key % BUCKETS] = s;
	TAILQ_INSERT_TAIL(&ages[invite], s, age);
	count++;
}

size_t seen_count(void)
{
	return count;
}

void seen_free(void)
{
	for (int i = 0; i < 2; i++)
		while (TAILQ_FIRST(&ages[i]))
			forget(TAILQ_FIRST(&ages[i]));
}
