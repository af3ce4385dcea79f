/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "hash.h"
#include "history.h"
#include "loop.h"
#include "reply.h"

#define BUCKETS 4096
#define TEXT_MAX 256

enum book { REMOVALS, REFUSALS, BOOKS };

struct record {
	TAILQ_ENTRY(record) age;
	struct record *next;
	struct last last;
	char *aor;		/* behind the text */
	char text[];
};

/* One for each kind: refusals, which strangers can cause, push no removals out. */
static struct {
	TAILQ_HEAD(records, record) ages;
	struct record *bucket[BUCKETS];
	size_t n;
} books[BOOKS] = {
	{ .ages = TAILQ_HEAD_INITIALIZER(books[REMOVALS].ages) },
	{ .ages = TAILQ_HEAD_INITIALIZER(books[REFUSALS].ages) },
};
static bool hooked;

/* ---- kinds ---- */

static const char *const names[] = {
	[REG_REGISTERED] = "registered", [REG_REFRESHED] = "refreshed",
	[REG_SHORTENED] = "shortened", [REG_REPLACED] = "replaced", [REG_EXPIRED] = "expired",
	[REG_UNREGISTERED] = "unregistered", [REG_REMOVED] = "removed",
	[REG_FLOW_LOST] = "flow-lost",
};

const char *history_name(enum happened h)
{
	return h < REG_HAPPENED ? names[h] : "?";
}

enum happened history_kind(const struct contact *was, const struct contact *now, enum gone why)
{
	static const uint8_t ends[] = {
		[GONE_EXPIRED] = REG_EXPIRED, [GONE_UNREGISTERED] = REG_UNREGISTERED,
		[GONE_REPLACED] = REG_REPLACED, [GONE_ADMIN] = REG_REMOVED,
		[GONE_FLOW] = REG_FLOW_LOST,
	};

	if (!now)
		return ends[why];
	if (!was)
		return REG_REGISTERED;
	if (strcmp(was->uri, now->uri))
		return REG_REPLACED;
	/* up to a fifth is what the registrar takes off at random (registrar.h) */
	return location_left(now) < location_left(was) / 5 * 4 ? REG_SHORTENED : REG_REFRESHED;
}

/* ---- books ---- */

static struct record **find(enum book b, const char *aor)
{
	struct record **at = &books[b].bucket[hash_bytes(aor, strlen(aor)) % BUCKETS];

	while (*at && strcmp((*at)->aor, aor))
		at = &(*at)->next;
	return at;
}

static void forget(enum book b, struct record **at)
{
	struct record *r = *at;

	*at = r->next;
	TAILQ_REMOVE(&books[b].ages, r, age);
	books[b].n--;
	free(r);
}

static void note(enum book b, const char *aor, const struct last *last)
{
	struct record **at = find(b, aor), *r;
	size_t len = strnlen(last->text, TEXT_MAX);

	if (*at)
		forget(b, at);
	else if (books[b].n == HISTORY_MAX)
		forget(b, find(b, TAILQ_FIRST(&books[b].ages)->aor));
	r = malloc(sizeof(*r) + len + 1 + strlen(aor) + 1);
	if (!r)
		return;
	r->last = *last;
	r->last.time = loop_now();
	r->last.text = memcpy(r->text, last->text, len);
	r->text[len] = '\0';
	r->aor = strcpy(r->text + len + 1, aor);
	at = find(b, aor);
	r->next = *at;
	*at = r;
	TAILQ_INSERT_TAIL(&books[b].ages, r, age);
	books[b].n++;
}

static struct last look(enum book b, const char *aor)
{
	struct record *r = *find(b, aor);

	return r ? r->last : (struct last){ 0 };
}

/* ---- what is noted ---- */

static void changed(const struct aor *a, const struct contact *was, const struct contact *now,
		    enum gone why)
{
	if (now)
		return;
	note(REMOVALS, a->name, &(struct last){
		.text = was->uri, .source = was->flow.remote,
		.code = history_kind(was, now, why),
	});
}

int history_open(void)
{
	int err = hooked ? 0 : location_hook(changed);

	hooked = !err;
	return err;
}

void history_refused(const char *aor, const struct rx *rx, uint16_t code, const char *phrase)
{
	note(REFUSALS, aor, &(struct last){
		.text = phrase ? phrase : reply_phrase(code), .source = rx->flow.remote,
		.code = code,
	});
}

struct last history_removal(const char *aor)
{
	return look(REMOVALS, aor);
}

struct last history_refusal(const char *aor)
{
	return look(REFUSALS, aor);
}

void history_free(void)
{
	for (int b = 0; b < BOOKS; b++)
		while (books[b].n)
			forget(b, find(b, TAILQ_FIRST(&books[b].ages)->aor));
	if (hooked)
		location_unhook(changed);
	hooked = false;
}
