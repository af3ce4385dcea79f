/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "access.h"
#include "bans.h"
#include "bans_live.h"
#include "bans_nft.h"
#include "config.h"
#include "hash.h"
#include "log.h"
#include "loop.h"
#include "text.h"

#define ENTRIES 16384
#define WAYS 8
#define SETS (ENTRIES / WAYS)

/* Failures of a source, or of a source with one name. */
struct entry {
	uint64_t key;		/* 0: free */
	uint64_t since;		/* begin of the window */
	uint64_t until;		/* 0: not banned */
	uint32_t failures;
	struct prefix source;
	bool one_user;
	char user[sizeof(((struct ban *)0)->user)];
};

static struct entry table[ENTRIES];
static uint32_t n_used, n_banned;	/* those with .key; with .until, expired ones too */

/* ---- the table ---- */

static struct prefix prefix_of(const struct endpoint *source)
{
	struct prefix p = { .len = source->len, .bits = source->len == 4 ? 32 : 64 };

	memcpy(p.addr, source->addr, source->len == 16 ? 8 : 4);
	return p;
}

static uint64_t user_key(const struct endpoint *source, const char *user)
{
	uint8_t text[8 + sizeof(((struct ban *)0)->user)];
	uint64_t key = bans_key(source);
	size_t n = strnlen(user, sizeof(text) - 8);

	memcpy(text, &key, 8);
	memcpy(text + 8, user, n);
	key = hash_bytes(text, 8 + n);
	return key ? key : 1;
}

static struct entry *find(uint64_t key)
{
	struct entry *e = &table[key % SETS * WAYS];

	for (int i = 0; i < WAYS && n_used; i++)
		if (e[i].key == key)
			return &e[i];
	return NULL;
}

static void clear(struct entry *e)
{
	n_used -= e->key != 0;
	n_banned -= e->until != 0;
	memset(e, 0, sizeof(*e));
}

/* Free, or the one that is missed least: bans are kept before counts, young before old. */
static struct entry *victim(uint64_t key)
{
	struct entry *e = &table[key % SETS * WAYS], *best = e;
	uint64_t now = loop_now();

	for (int i = 0; i < WAYS; i++) {
		if (!e[i].key)
			return &e[i];
		if (e[i].until && e[i].until <= now)
			return &e[i];
		if (e[i].until < best->until ||
		    (e[i].until == best->until && e[i].since < best->since))
			best = &e[i];
	}
	return best;
}

static struct entry *make(uint64_t key, const struct endpoint *source, bool one_user)
{
	struct entry *e = find(key);

	if (e)
		return e;
	e = victim(key);
	clear(e);
	n_used++;
	e->key = key;
	e->source = prefix_of(source);
	e->one_user = one_user;
	return e;
}

static bool in_force(const struct entry *e)
{
	return e && e->until > loop_now();
}

static void ban(struct entry *e, uint64_t until)
{
	n_banned += !e->until;
	e->until = until;
}

/* True: one too many. */
static bool count(struct entry *e, const char *user)
{
	const struct config *c = config_now();
	uint64_t now = loop_now();

	if (!e->failures || now - e->since > c->ban_window * UINT64_C(1000)) {
		e->since = now;
		e->failures = 0;
	}
	e->failures++;
	snprintf(e->user, sizeof(e->user), "%s", user);
	return e->failures >= c->ban_failures;
}

/* ---- what is asked ---- */

static void ban_source(struct entry *e)
{
	const struct config *c = config_now();
	char at[TEXT_ENDPOINT];

	if (in_force(e))
		return;
	ban(e, loop_now() + c->ban_time * UINT64_C(1000));
	log_info("%s: banned for %u s: %u wrong responses, the last for %s",
		 text_prefix(&e->source, at), c->ban_time, e->failures, e->user);
	bans_nft_set(&e->source, c->ban_time);
}

bool bans_failed(const struct endpoint *source, const char *user)
{
	const struct config *c = config_now();
	struct entry *of_source, *of_user;
	bool refused;

	if (!c->ban_failures || access_trusted(source))
		return false;
	of_user = make(user_key(source, user), source, true);
	refused = count(of_user, user);
	if (refused && !in_force(of_user))
		ban(of_user, loop_now() + c->ban_time * UINT64_C(1000));
	of_source = make(bans_key(source), source, false);
	if (!count(of_source, user))
		return refused;
	if (bans_live(source))
		return refused;
	ban_source(of_source);
	return true;
}

/* A right response clears what was counted for the name; one account is no licence to guess. */
void bans_succeeded(const struct endpoint *source, const char *user)
{
	struct entry *e = n_used ? find(user_key(source, user)) : NULL;

	if (e)
		clear(e);
}

bool bans_has(const struct endpoint *source)
{
	return n_banned && in_force(find(bans_key(source)));
}

bool bans_refuses(const struct endpoint *source, const char *user)
{
	return n_banned && in_force(find(user_key(source, user)));
}

/* ---- the admin ---- */

bool bans_next(uint32_t *at, struct ban *out)
{
	while (*at < ENTRIES) {
		const struct entry *e = &table[(*at)++];

		if (!in_force(e))
			continue;
		*out = (struct ban){ .source = e->source, .until = e->until,
				     .failures = e->failures, .one_user = e->one_user };
		memcpy(out->user, e->user, sizeof(out->user));
		return true;
	}
	return false;
}

static bool covers(const struct prefix *p, const struct prefix *of)
{
	unsigned int bits = p->bits < of->bits ? p->bits : of->bits, bytes = bits / 8;

	if (p->len != of->len || memcmp(p->addr, of->addr, bytes))
		return false;
	return !(bits % 8) || !((p->addr[bytes] ^ of->addr[bytes]) & (0xff00 >> bits % 8) & 0xff);
}

int bans_remove(const struct prefix *source)
{
	int found = -ENOENT;

	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *e = &table[i];

		if (!e->key || !covers(source, &e->source))
			continue;
		if (in_force(e))
			found = 0;
		if (in_force(e) && !e->one_user)
			bans_nft_set(&e->source, 0);
		clear(e);
	}
	return found;
}

/* ---- begin and end ---- */

static void was_banned(const struct prefix *source, uint64_t seconds)
{
	struct endpoint at = { .len = source->len };

	memcpy(at.addr, source->addr, sizeof(at.addr));
	ban(make(bans_key(&at), &at, false), loop_now() + seconds * 1000);
}

static void forget_all(void)
{
	memset(table, 0, sizeof(table));
	n_used = n_banned = 0;
}

/* Switched off it is as after a start without bans, and on as after one with them. */
static void configured(const struct config *c)
{
	char why[256];

	if (!c->ban_failures)
		forget_all();
	if (bans_nft_open(c, was_banned, why))
		log_warn("bans act inside callgated alone, which refuses: nft: %s: give callgated "
			 "CAP_NET_ADMIN, take out of 'nft list table inet callgate' what is not "
			 "callgated's, or say \"ban-failures = 0\"", why);
}

int bans_open(const struct config *c, char why[static 256])
{
	static bool hooked;
	int err = hooked ? 0 : config_hook(configured);

	why[0] = 0;
	if (err)
		return err;
	hooked = true;
	forget_all();
	configured(c);
	return 0;
}

void bans_close(void)
{
	bans_nft_close();
	bans_live_close();
}
