/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "access.h"
#include "hash.h"
#include "proxy_dialog.h"
#include "proxy_way.h"

#define BUCKETS 16384
#define KEY 320

struct party {
	struct sip_hop hop;	/* towards him */
	uint32_t len;
	char uri[DIALOG_URI];
};

struct dialog {
	TAILQ_ENTRY(dialog) age;
	struct dialog *next;
	struct party caller, called;
	uint32_t len;
	char key[KEY];		/* Call-ID, NUL, tag of the caller */
};

static TAILQ_HEAD(, dialog) ages = TAILQ_HEAD_INITIALIZER(ages);
static struct dialog *buckets[BUCKETS];
static size_t count;

/* 0: too long to be remembered. */
static uint32_t key_of(const struct sip_msg *m, struct sip_str tag, char out[KEY])
{
	if (!tag.len || tag.len >= KEY || m->call_id.len >= KEY - tag.len)
		return 0;
	memcpy(out, m->buf + m->call_id.off, m->call_id.len);
	out[m->call_id.len] = 0;
	memcpy(out + m->call_id.len + 1, m->buf + tag.off, tag.len);
	return m->call_id.len + 1 + tag.len;
}

static struct dialog **find(const char *key, uint32_t len)
{
	struct dialog **at = &buckets[hash_bytes(key, len) % BUCKETS];

	while (*at && ((*at)->len != len || memcmp((*at)->key, key, len)))
		at = &(*at)->next;
	return at;
}

static struct dialog *find_by(const struct sip_msg *m, struct sip_str tag)
{
	char key[KEY];
	uint32_t len = key_of(m, tag, key);

	return len ? *find(key, len) : NULL;
}

static void forget(struct dialog *d)
{
	*find(d->key, d->len) = d->next;
	TAILQ_REMOVE(&ages, d, age);
	count--;
	free(d);
}

static void keep_contact(const struct sip_msg *m, struct party *p)
{
	struct sip_nameaddr a;
	struct sip_walk w;

	sip_walk_init(&w, m, SIP_H_CONTACT);
	if (!sip_nameaddr_next(&w, &a) || a.star || a.uri.all.len > sizeof(p->uri))
		return;
	p->len = a.uri.all.len;
	memcpy(p->uri, m->buf + a.uri.all.off, p->len);
}

void dialog_begin(const struct sip_msg *m, const struct sip_relay *r)
{
	struct dialog *d;
	char key[KEY];
	uint32_t len = key_of(m, m->from_tag, key);

	if (m->to_tag.len || !len || *find(key, len))
		return;
	if (count >= DIALOG_MAX)
		forget(TAILQ_FIRST(&ages));
	d = calloc(1, sizeof(*d));
	if (!d)
		return;
	d->caller.hop = r->from;
	d->called.hop = r->to;
	keep_contact(m, &d->caller);
	if (r->target && r->target_len <= sizeof(d->called.uri)) {
		d->called.len = r->target_len;
		memcpy(d->called.uri, r->target, r->target_len);
	}
	d->len = len;
	memcpy(d->key, key, len);
	*find(key, len) = d;
	TAILQ_INSERT_TAIL(&ages, d, age);
	count++;
}

void dialog_answer(const struct sip_msg *m, const struct sip_hop *from)
{
	struct dialog *d = m->status < 300 ? find_by(m, m->from_tag) : NULL;

	if (!d || memcmp(d->called.hop.remote.addr, from->remote.addr, 16))
		return;
	keep_contact(m, &d->called);
}

/* Outside they are led to one another, and nobody else to one of them. */
static bool may_reach(const struct rx *rx, const struct party *own, const struct party *other)
{
	struct sip_hop from = way_hop(&rx->flow);

	return rx->flow.zone != ZONE_OUTSIDE || other->hop.zone != SIP_ZONE_OUTSIDE ||
	       access_trusted(&rx->flow.remote) ||
	       !memcmp(own->hop.remote.addr, from.remote.addr, sizeof(from.remote.addr));
}

bool dialog_find(const struct rx *rx, struct sip_hop *to, char *uri, uint32_t cap, uint32_t *len)
{
	const struct dialog *d = find_by(&rx->msg, rx->msg.from_tag);
	const bool by_caller = d;
	const struct party *other;

	if (!d)
		d = find_by(&rx->msg, rx->msg.to_tag);
	if (!d)
		return false;
	other = by_caller ? &d->called : &d->caller;
	if (!may_reach(rx, by_caller ? &d->caller : &d->called, other))
		return false;
	*to = other->hop;
	*len = other->len <= cap ? other->len : 0;
	memcpy(uri, other->uri, *len);
	return true;
}

size_t dialog_count(void)
{
	return count;
}

void dialog_free(void)
{
	while (TAILQ_FIRST(&ages))
		forget(TAILQ_FIRST(&ages));
}
