/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "location.h"
#include "log.h"
#include "loop.h"
#include "push_phone.h"
#include "push_queue.h"
#include "reply.h"
#include "text.h"
#include "txn.h"
#include "wake.h"
#include "wake_refresh.h"

/* A request that waits; behind it the datagram. */
struct held {
	struct timer timer;	/* the end of push-wait */
	TAILQ_ENTRY(held) link;
	const struct wake_calls *calls;
	struct sip_flow flow;
	uint64_t txn;
	uint64_t only;		/* a contact's id; 0: any of the user */
	uint32_t len;
	bool disowned;
	bool again;		/* something has changed: its way is to be found again */
	char aor[AOR_MAX + 1];
	uint8_t bytes[];
};

/* In the order they came. */
static TAILQ_HEAD(all, held) all = TAILQ_HEAD_INITIALIZER(all);
static size_t n_held, bytes_held;
static struct timer soon;	/* some have .again */
static struct wake_counters counters;
static bool hooked;

const struct wake_counters *wake_counters(void)
{
	return &counters;
}

size_t wake_count(void)
{
	return n_held;
}

/* ---- one request ---- */

static size_t size_of(uint32_t len)
{
	return sizeof(struct held) + len;
}

static void forget(struct held *h)
{
	timer_stop(&h->timer);
	TAILQ_REMOVE(&all, h, link);
	n_held--;
	bytes_held -= size_of(h->len);
	free(h);
}

/* The request again; it parsed when it came. NULL: its transaction is gone. */
static struct txn *revive(const struct held *h, struct rx *rx)
{
	*rx = (struct rx){ .flow = h->flow, .buf = h->bytes, .len = h->len, .now = loop_now() };
	sip_msg_parse(&rx->msg, rx->buf, rx->len, SIP_DATAGRAM);
	return txn_by_id(h->txn);
}

static struct held *find(uint64_t txn)
{
	struct held *h;

	TAILQ_FOREACH(h, &all, link)
		if (h->txn == txn)
			return h;
	return NULL;
}

bool wake_holds(uint64_t txn)
{
	return find(txn);
}

static void say_end(const struct held *h, const char *what)
{
	char aor[AOR_MAX + 1];

	memcpy(aor, h->aor, sizeof(aor));
	log_debug("%s: %s", text_clean(aor), what);
}

/* ---- the end of waiting ---- */

static void give_up(struct held *h, const char *why)
{
	struct rx rx;
	struct txn *t = revive(h, &rx);

	say_end(h, why);
	counters.late++;
	if (t)
		h->calls->refuse(&rx, t);
	forget(h);
}

static void late(struct timer *t)
{
	give_up((struct held *)((char *)t - offsetof(struct held, timer)), "no phone came");
}

/* Is there one of its contacts that may still come? */
static bool has_hope(const struct held *h)
{
	const struct aor *a = location_find(h->aor, strlen(h->aor));
	const struct contact *c = a ? a->contacts : NULL;
	enum push_state state;

	for (; c; c = c->next) {
		if (h->only && h->only != c->id)
			continue;
		state = push_state(c->id);
		if (state != PUSH_NONE && state != PUSH_FAILED)
			return true;
	}
	return false;
}

/* Its user may have no contact any more, or the phone one that is new. */
static void go_on(struct held *h)
{
	struct rx rx;
	struct txn *t = revive(h, &rx);

	h->again = false;
	if (!t || h->calls->again(&rx, t, h->disowned)) {
		say_end(h, "a request that waited is dealt with");
		counters.woken++;
		forget(h);
	} else if (!has_hope(h)) {
		give_up(h, "no push could be sent");
	}
}

static void go_on_all(struct timer *t)
{
	struct held *h = TAILQ_FIRST(&all), *next;

	(void)t;
	for (; h; h = next) {
		next = TAILQ_NEXT(h, link);
		if (h->again)
			go_on(h);
	}
}

/* In a later turn: the answer to the phone's REGISTER goes first. */
static void look_again(struct held *h)
{
	h->again = true;
	if (!timer_runs(&soon))
		timer_set(&soon, loop_now(), go_on_all);
}

bool wake_cancel(uint64_t txn)
{
	struct held *h = find(txn);
	struct txn *t;
	struct reply r;
	struct rx rx;

	if (!h)
		return false;
	t = revive(h, &rx);
	if (t) {
		reply_begin(&r, &rx, 487, NULL);
		reply_send(&r, t);
	}
	forget(h);
	return true;
}

/* ---- what happens meanwhile ---- */

static void look_again_for(const char *aor)
{
	struct held *h;

	TAILQ_FOREACH(h, &all, link)
		if (!strcmp(h->aor, aor))
			look_again(h);
}

/*
 * A phone may remove what it registered before it slept, and then register: who unregisters ends
 * nothing here.
 */
static void changed(const struct aor *a, const struct contact *was, const struct contact *now,
		    enum gone why)
{
	(void)was;
	if (now || why != GONE_UNREGISTERED)
		look_again_for(a->name);
}

/* A domain without push-command has no phones that sleep. */
void wake_configured(const struct config *c)
{
	struct held *h;

	wake_refresh_configured(c);
	TAILQ_FOREACH(h, &all, link)
		look_again(h);
}

/* ---- the beginning ---- */

/* One host has a whole network of 64 bits. */
static bool is_same_sender(const struct endpoint *a, const struct endpoint *b)
{
	return a->len == b->len && !memcmp(a->addr, b->addr, a->len == 16 ? 8 : a->len);
}

static bool has_room(const struct wake_request *w)
{
	size_t of_user = 0, of_sender = 0;
	struct held *h;

	if (n_held >= WAKE_MAX || bytes_held + size_of(w->rx->len) > WAKE_BYTES)
		return false;
	TAILQ_FOREACH(h, &all, link) {
		of_user += !strcmp(h->aor, w->contact->aor->name);
		of_sender += is_same_sender(&h->flow.remote, &w->rx->flow.remote);
	}
	return of_user < WAKE_USER && (!w->stranger || of_sender < WAKE_STRANGER);
}

/* An app that was started anew has left contacts behind: its service is asked once. */
static bool is_repeated(const struct domain *d, const struct contact *c)
{
	static struct push_phone mine, other;

	push_phone(d, c->uri, &mine);
	for (const struct contact *i = c->aor->contacts; i != c; i = i->next)
		if (push_domain(i) && push_phone(d, i->uri, &other) &&
		    other.provider == mine.provider && !strcmp(other.prid, mine.prid))
			return true;
	return false;
}

static bool push_one(const struct contact *c)
{
	return push_wake(c, PUSH_CALL) != PUSH_FAILED;
}

/* All of the user's that sleep. False: none can be woken. */
static bool push_all(const struct contact *first)
{
	const struct domain *d = push_domain(first);
	bool any = false;

	for (const struct contact *c = d ? first->aor->contacts : NULL; c; c = c->next)
		if (push_asleep(c) && !is_repeated(d, c))
			any |= push_one(c);
	return any;
}

static struct held *copy(const struct wake_request *w)
{
	struct held *h = malloc(size_of(w->rx->len));

	if (!h)
		return NULL;
	*h = (struct held){
		.calls = w->calls, .flow = w->rx->flow, .txn = txn_id(w->txn),
		.only = w->only ? w->contact->id : 0, .len = w->rx->len,
		.disowned = w->disowned,
	};
	memcpy(h->aor, w->contact->aor->name, w->contact->aor->len + 1u);
	memcpy(h->bytes, w->rx->buf, w->rx->len);
	return h;
}

bool wake_hold(const struct wake_request *w)
{
	const struct domain *d = push_domain(w->contact);
	struct held *h;

	if (!d || !has_room(w)) {
		counters.full += d != NULL;
		return false;
	}
	if (!(w->only ? push_one(w->contact) : push_all(w->contact)))
		return false;
	h = copy(w);
	if (!h)
		return false;
	TAILQ_INSERT_TAIL(&all, h, link);
	n_held++;
	bytes_held += size_of(h->len);
	counters.held++;
	timer_set(&h->timer, loop_now() + d->push_wait * UINT64_C(1000), late);
	say_end(h, "all of its phones sleep: a request waits for one");
	return true;
}

int wake_open(struct loop *l)
{
	int err = push_open(l);

	if (!err && !hooked)
		err = location_hook(changed);
	hooked = !err;
	push_failed_hook(look_again_for);
	return err ? err : wake_refresh_open();
}

void wake_close(void)
{
	struct held *h;
	struct txn *t;

	while ((h = TAILQ_FIRST(&all))) {
		t = txn_by_id(h->txn);
		if (t)
			txn_forget(t);
		forget(h);
	}
	timer_stop(&soon);
	wake_refresh_close();
	push_close();
	push_queue_free();
	if (hooked)
		location_unhook(changed);
	hooked = false;
}
