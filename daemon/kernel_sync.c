/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callgate.h"
#include "callgate_gateway.h"
#include "kernel_gate.h"
#include "kernel_link.h"
#include "kernel_sync.h"
#include "location.h"
#include "log.h"
#include "loop.h"
#include "push_phone.h"
#include "screen.h"
#include "sip/token.h"
#include "text.h"
#include "uri_text.h"

#define PIECE_MS 10		/* between two pieces */
#define PIECE 500		/* locations of one */

static struct {
	struct loop *loop;
	struct gate *gate;
	struct loop_watch *pieces;
	struct location_walk walk;
	unsigned int told;		/* of this piece */
	uint64_t pushes;		/* push_mark() of the settings */
	bool walking, hooked, failed;
} sync;

/* In kernel_link.c; written here too. */
extern struct kernel_link_counters kernel_link_counts;

/* ---- one location ---- */

/* A URI that a plain UDP datagram to the flow reaches; of a PBX (bnc) it says only a part. */
static bool is_simple(const struct contact *c)
{
	struct sip_uri u;
	struct sip_param p;

	if (c->flow.transport != SIP_T_UDP || c->path || c->flow.local.len != c->flow.remote.len ||
	    !uri_of_text(c->uri, &u) || u.scheme != SIP_URI_SIP || uri_is_bulk(c->uri, &u, &p))
		return false;
	return uri_by_udp((const uint8_t *)c->uri, &u);
}

/* The same contact in the same state has the same number in every run. */
static uint64_t state_of(const struct contact *c)
{
	static const u8 key[SIP_HASH_KEY];
	struct sip_hash h;

	sip_hash_init(&h, key);
	sip_hash_bytes(&h, c->uri, (u32)strlen(c->uri));
	sip_hash_bytes(&h, &c->until, sizeof(c->until));
	sip_hash_bytes(&h, c->flow.remote.addr, c->flow.remote.len);
	sip_hash_u32(&h, (u32)c->flow.remote.port << 16 | c->flow.local.port);
	sip_hash_bytes(&h, c->flow.local.addr, c->flow.local.len);
	return sip_hash_final(&h);
}

/* Only we wake phones, and know which were heard of lately. */
static bool is_ours(const struct aor *a, const struct contact *c)
{
	return a->n != 1 || !is_simple(c) || push_domain(c) || screen_has(a->name, a->len);
}

/*
 * One of several is left to us, even if the kernel knows none of the others (its table is full, a
 * URI too long): a call that it sent on by itself would reach one device and miss the rest.
 */
bool kernel_sync_location(const struct aor *a, const struct contact *c, struct gate_location *l)
{
	if (strlen(c->uri) >= CALLGATE_URI_MAX || a->len >= CALLGATE_URI_MAX ||
	    !c->flow.remote.len || c->flow.local.len != c->flow.remote.len)
		return false;
	*l = (struct gate_location){
		.id = c->id, .generation = state_of(c), .aor = a->name, .uri = c->uri,
		.remote = c->flow.remote, .local = c->flow.local, .ifindex = c->flow.ifindex,
		.expires = text_boot_now() + location_left(c),
		.flags = is_ours(a, c) ? CALLGATE_LOCATION_UP : 0,
	};
	return true;
}

/* Full is no fault: what is not there is asked for. */
static void count(int err)
{
	if (!err || err == -ENOENT || err == -ENOSPC)
		return;
	kernel_link_counts.failed++;
	if (!sync.failed)
		log_warn("the module does not take a location: %s", gate_said(sync.gate));
	sync.failed = true;
}

static void tell(const struct aor *a, const struct contact *c)
{
	struct gate_location l;

	if (!kernel_sync_location(a, c, &l))
		return;
	kernel_link_counts.sets++;
	count(gate_location_set(sync.gate, &l));
}

/* A second contact came, or went: what the kernel was told of the first has changed. */
static void tell_first(const struct aor *a, const struct contact *now)
{
	const struct contact *c;

	if (a->n != (now ? 2 : 1))
		return;
	for (c = a->contacts; c; c = c->next)
		if (c != now)
			tell(a, c);
}

static void changed(const struct aor *a, const struct contact *was, const struct contact *now,
		    enum gone why)
{
	(void)why;
	if (!sync.gate)
		return;
	if (!was)
		tell_first(a, now);
	if (was && (!now || now->id != was->id)) {
		kernel_link_counts.deletions++;
		count(gate_location_del(sync.gate, was->id, a->name));
	}
	if (now)
		tell(a, now);
	else
		tell_first(a, NULL);
}

/* ---- those of one user: whom he does not want has changed ---- */

static void tell_user(const char *aor)
{
	const struct aor *a = sync.gate ? location_find(aor, strlen(aor)) : NULL;

	for (const struct contact *c = a ? a->contacts : NULL; c; c = c->next)
		tell(a, c);
}

/* ---- all of them ---- */

struct stale {
	uint64_t *id;
	char **aor;
	size_t n, room;
};

static bool is_known(const struct gate_location *l)
{
	return location_contact_of(l->aor, l->id);
}

static int note_stale(const struct gate_location *l, void *arg)
{
	struct stale *s = arg;

	if (is_known(l))
		return 0;
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		uint64_t *id = realloc(s->id, room * sizeof(*id));
		char **aor;

		if (!id)
			return -ENOMEM;
		s->id = id;
		aor = realloc(s->aor, room * sizeof(*aor));
		if (!aor)
			return -ENOMEM;
		s->aor = aor;
		s->room = room;
	}
	s->aor[s->n] = strdup(l->aor);
	if (!s->aor[s->n])
		return -ENOMEM;
	s->id[s->n++] = l->id;
	return 0;
}

static int remove_stale(void)
{
	struct stale s = { 0 };
	int err = gate_locations(sync.gate, note_stale, &s);

	while (s.n--) {
		if (!err)
			count(gate_location_del(sync.gate, s.id[s.n], s.aor[s.n]));
		free(s.aor[s.n]);
	}
	free(s.aor);
	free(s.id);
	return err;
}

static int tell_one(const struct aor *a, const struct contact *c, void *arg)
{
	(void)arg;
	tell(a, c);
	sync.told++;
	return 0;
}

static void end_walk(void)
{
	loop_unwatch(sync.pieces);
	sync.pieces = NULL;
	if (sync.walking)
		location_walk_end(&sync.walk);
	sync.walking = false;
}

static void tell_piece(int fd, void *arg)
{
	bool more = true;

	(void)fd, (void)arg;
	sync.told = 0;
	while (more && sync.told < PIECE)
		more = location_walk(&sync.walk, tell_one, NULL);
	if (more)
		return;
	end_walk();
	gate_epoch(sync.gate, 1);
	log_debug("the module has all locations");
}

bool kernel_sync_done(void)
{
	return sync.gate && !sync.walking;
}

void kernel_sync_begin(struct gate *g)
{
	end_walk();
	sync.gate = g;
	sync.failed = false;
	if (!g)
		return;
	kernel_link_counts.resyncs++;
	if (remove_stale())
		log_warn("the module's locations cannot be read: %s", gate_said(g));
	location_walk_begin(&sync.walk);
	sync.walking = true;
	sync.pieces = loop_every(sync.loop, PIECE_MS, tell_piece, NULL);
	tell_piece(-1, NULL);
}

void kernel_sync_configured(const struct config *c)
{
	uint64_t pushes = push_mark(c);

	if (pushes != sync.pushes && sync.gate)
		kernel_sync_begin(sync.gate);
	sync.pushes = pushes;
}

int kernel_sync_open(struct loop *l)
{
	int err = sync.hooked ? 0 : location_hook(changed);

	sync.loop = l;
	sync.hooked = !err;
	screen_hook(tell_user);
	return err;
}

void kernel_sync_close(void)
{
	end_walk();
	sync.gate = NULL;
}
