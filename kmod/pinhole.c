// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>

#include "bind.h"
#include "binding.h"
#include "call.h"
#include "expect.h"
#include "ports.h"
#include "provider.h"

const struct rhashtable_params cg_pin_pub_params = {
	.key_len = sizeof(struct cg_ep),
	.key_offset = offsetof(struct cg_pin, pub),
	.head_offset = offsetof(struct cg_pin, pub_node),
	.hashfn = cg_ep_hash,
	.obj_cmpfn = cg_ep_differs,
	.automatic_shrinking = true,
};

const struct rhashtable_params cg_pin_in_params = {
	.key_len = sizeof(struct cg_ep),
	.key_offset = offsetof(struct cg_pin, in),
	.head_offset = offsetof(struct cg_pin, in_node),
	.hashfn = cg_ep_hash,
	.obj_cmpfn = cg_ep_differs,
	.automatic_shrinking = true,
};

static struct kmem_cache *cache;

int cg_pin_cache_init(void)
{
	cache = KMEM_CACHE(cg_pin, 0);
	return cache ? 0 : -ENOMEM;
}

void cg_pin_cache_fini(void)
{
	kmem_cache_destroy(cache);
}

static void free_rcu(struct rcu_head *head)
{
	kmem_cache_free(cache, container_of(head, struct cg_pin, rcu));
}

static void leave_host(struct cg_pin *pin)
{
	if (!pin->host)
		return;
	pin->host->pins--;
	cg_host_put(pin->cn, pin->host);
	pin->host = NULL;
}

/* Both tables and the counts; the hooks see it from here on. */
static int insert(struct cg_pin *pin)
{
	struct cg_net *cn = pin->cn;
	int err;

	err = rhltable_insert(&cn->pins_pub, &pin->pub_node, cg_pin_pub_params);
	if (err)
		return err;
	err = rhltable_insert(&cn->pins_in, &pin->in_node, cg_pin_in_params);
	if (err) {
		rhltable_remove(&cn->pins_pub, &pin->pub_node, cg_pin_pub_params);
		return err;
	}
	WRITE_ONCE(cn->npins, cn->npins + 1);
	cn->generation++;
	return 0;
}

static void destroy(struct cg_pin *pin)
{
	struct cg_net *cn = pin->cn;

	pin->dead = true;
	cg_timer_stop(&cn->wheel, &pin->timer);
	rhltable_remove(&cn->pins_pub, &pin->pub_node, cg_pin_pub_params);
	rhltable_remove(&cn->pins_in, &pin->in_node, cg_pin_in_params);
	WRITE_ONCE(cn->npins, cn->npins - 1);
	cn->generation++;
	leave_host(pin);
	cg_ports_release(cn, &pin->pub);
	call_rcu(&pin->rcu, free_rcu);
}

/* The host of @in, mostly the one that @call is of. */
static struct cg_host *host_of(struct cg_net *cn, const struct cg_call *call,
			       const struct cg_ep *in)
{
	if (!call || !cg_ep_same_addr(&call->host->who, in))
		return cg_host_get(cn, in);
	call->host->refs++;
	return call->host;
}

/* For media of @call; NULL: for signalling. */
static struct cg_pin *create(struct cg_net *cn, struct cg_call *call, const struct cg_ep *in,
			     const struct cg_ep *pub, enum cg_reason *why)
{
	struct cg_pin *pin;

	pin = kmem_cache_zalloc(cache, GFP_ATOMIC);
	*why = CG_R_PIN_NO_MEMORY;
	if (!pin)
		return NULL;
	pin->host = host_of(cn, call, in);
	if (!pin->host)
		goto free;
	*why = cg_limit_pins(cn, pin->host, 1);
	if (*why) {
		cg_event_limit(cn, in, *why);
		goto put_host;
	}
	pin->cn = cn;
	pin->in = *in;
	pin->pub = *pub;
	pin->kind = call ? CG_PIN_MEDIA : CG_PIN_SIG;
	/* the message that opens it is the call's last sign of life */
	pin->opened = call ? call->active : cg_ms();
	pin->timer.kind = CG_TIMER_PIN;
	INIT_LIST_HEAD(&pin->owner);
	INIT_LIST_HEAD(&pin->bindings);
	*why = CG_R_PIN_NO_MEMORY;
	if (insert(pin))
		goto put_host;
	pin->host->pins++;
	*why = CG_R_NONE;
	return pin;

put_host:
	cg_host_put(cn, pin->host);
free:
	kmem_cache_free(cache, pin);
	return NULL;
}

static bool joins(const struct cg_pin *pin, const struct cg_ep *pub)
{
	return cg_ep_same_addr(&pin->pub, pub) && (!pub->port || pub->port == pin->pub.port);
}

static struct cg_pin *find_media(const struct cg_call *call, const struct cg_ep *in,
				 const struct cg_ep *pub, bool ghost)
{
	struct rhlist_head *l, *pos;
	struct cg_pin *pin;

	l = rhltable_lookup(&call->cn->pins_in, in, cg_pin_in_params);
	rhl_for_each_entry_rcu(pin, pos, l, in_node)
		if (pin->kind == CG_PIN_MEDIA && pin->call_id == call->id &&
		    pin->ghost == ghost && !pin->dead && joins(pin, pub))
			return pin;
	return NULL;
}

struct cg_pin *cg_pin_of_call(const struct cg_call *call, const struct cg_ep *in,
			      const struct cg_ep *pub)
{
	return list_empty(&call->pins) ? NULL : find_media(call, in, pub, false);
}

struct cg_pin *cg_pin_before(const struct cg_call *call, const struct cg_ep *in,
			     const struct cg_ep *pub)
{
	struct cg_pin *pin = cg_pin_of_call(call, in, pub);

	return pin || !call->rests ? pin : find_media(call, in, pub, true);
}

/* The call takes its port back before the rest was over. */
static void wake(const struct cg_call *call, const struct cg_ep *in, const struct cg_ep *pub)
{
	struct cg_pin *pin = call->rests ? find_media(call, in, pub, true) : NULL;

	if (!pin)
		return;
	list_del_init(&pin->owner);
	call->cn->nghosts--;
	destroy(pin);
}

struct cg_pin *cg_pin_open(struct cg_call *call, const struct cg_ep *in, const struct cg_ep *pub,
			   enum cg_reason *why)
{
	struct cg_pin *pin = create(call->cn, call, in, pub, why);

	if (!pin)
		return NULL;
	wake(call, in, pub);
	pin->call = call;
	pin->call_id = call->id;
	list_add_tail(&pin->owner, &call->pins);
	call->npins++;
	cg_count(call->cn, CG_R_PIN_OPENED);
	return pin;
}

/* The guard wants to know who sent to the port before. */
static void remember_peers(struct cg_pin *pin)
{
	const struct cg_call *call = pin->call;
	u16 i;

	for (i = 0; i < call->nfar && pin->npeers < CG_PIN_PEERS; i++)
		if (call->far[i].side != pin->side &&
		    !cg_pin_has_peer(pin, &call->far[i].ep))
			cg_pin_peer(pin, &call->far[i].ep);
}

void cg_pin_close(struct cg_pin *pin, bool kill)
{
	struct cg_net *cn = pin->cn;
	struct cg_call *call = pin->call;
	u32 rest = cn->set.quarantine;

	cg_trace_pin(pin, CALLGATE_TRACE_PIN_CLOSE, CG_R_PIN_CLOSED);
	cg_count(cn, CG_R_PIN_CLOSED);
	cg_expect_withdraw(pin);
	if (kill)
		cg_bind_kill(pin);
	remember_peers(pin);
	list_del_init(&pin->owner);
	/* what was described outside a call nobody was told to send to */
	if (call->loose)
		rest = 0;
	call->npins--;
	pin->call = NULL;
	if (!rest || cn->dying || cg_ep_equal(&pin->in, &pin->pub)) {
		destroy(pin);
		return;
	}
	leave_host(pin);
	call->rests = true;
	pin->ghost = true;
	cn->nghosts++;
	list_add_tail(&pin->owner, &cn->ghost_list);
	cg_timer_set(&cn->wheel, &pin->timer, rest);
}

static void bury(struct cg_pin *pin)
{
	struct cg_net *cn = pin->cn;

	list_del_init(&pin->owner);
	cn->nghosts--;
	destroy(pin);
}

/* ---- signalling ---- */

static bool may_use(const struct cg_pin *pin, const struct cg_ep *peer)
{
	return pin->kind == CG_PIN_SIG && !pin->dead && cg_pin_has_peer(pin, peer);
}

struct cg_pin *cg_sig_of_inside(struct cg_net *cn, const struct cg_ep *in,
				const struct cg_ep *peer)
{
	struct rhlist_head *l, *pos;
	struct cg_pin *pin;

	l = rhltable_lookup(&cn->pins_in, in, cg_pin_in_params);
	rhl_for_each_entry_rcu(pin, pos, l, in_node)
		if (may_use(pin, peer))
			return pin;
	return NULL;
}

struct cg_pin *cg_sig_of_public(struct cg_net *cn, const struct cg_ep *pub,
				const struct cg_ep *peer)
{
	struct rhlist_head *l, *pos;
	struct cg_pin *pin;

	l = rhltable_lookup(&cn->pins_pub, pub, cg_pin_pub_params);
	rhl_for_each_entry_rcu(pin, pos, l, pub_node)
		if (may_use(pin, peer))
			return pin;
	return NULL;
}

static struct cg_pin *sig_find(struct cg_net *cn, const struct cg_ep *in, const struct cg_ep *pub,
			       const struct cg_ep *peer)
{
	struct rhlist_head *l, *pos;
	struct cg_pin *pin;

	l = rhltable_lookup(&cn->pins_pub, pub, cg_pin_pub_params);
	rhl_for_each_entry_rcu(pin, pos, l, pub_node)
		if (may_use(pin, peer) && cg_ep_equal(&pin->in, in))
			return pin;
	return NULL;
}

void cg_sig_hold(struct cg_pin *pin, u32 seconds)
{
	if ((s32)(cg_now() + seconds - pin->base_until) > 0 || !pin->base_until)
		pin->base_until = cg_now() + seconds;
	if (cg_timer_left(&pin->timer) < seconds)
		cg_timer_set(&pin->cn->wheel, &pin->timer, seconds);
}

struct cg_pin *cg_sig_open(struct cg_net *cn, const struct cg_ep *in, const struct cg_ep *pub,
			   const struct cg_ep *peer, u32 seconds)
{
	struct cg_pin *pin = sig_find(cn, in, pub, peer);
	enum cg_reason why;

	if (!pin) {
		pin = create(cn, NULL, in, pub, &why);
		if (!pin) {
			cg_count(cn, why);
			return NULL;
		}
		cg_pin_peer(pin, peer);
		list_add_tail(&pin->owner, &cn->sig_list);
	}
	cg_sig_hold(pin, seconds);
	return pin;
}

void cg_sig_update(struct cg_pin *pin)
{
	struct cg_net *cn = pin->cn;
	s32 left = (s32)(pin->base_until - cg_now());
	struct cg_binding *b;

	if (pin->dead)
		return;
	list_for_each_entry(b, &pin->bindings, of_pin)
		left = max_t(s32, left, (s32)cg_timer_left(&b->timer));
	if (pin->users) {
		cg_timer_stop(&cn->wheel, &pin->timer);
		return;
	}
	if (left > 0) {
		cg_timer_set(&cn->wheel, &pin->timer, (u32)left);
		return;
	}
	list_del_init(&pin->owner);
	destroy(pin);
}

void cg_sig_drop(struct cg_pin *pin)
{
	list_del_init(&pin->owner);
	if (pin->users)
		cg_call_forget_sig(pin);
	destroy(pin);
}

/* ---- peers ---- */

void cg_pin_peer(struct cg_pin *pin, const struct cg_ep *peer)
{
	if (pin->npeers == CG_PIN_PEERS) {
		memmove(pin->peers, pin->peers + 1, sizeof(pin->peers) - sizeof(pin->peers[0]));
		pin->npeers--;
	}
	pin->peers[pin->npeers++] = *peer;
}

static bool knows(const struct cg_pin *pin, const struct cg_ep *who)
{
	u8 i;

	for (i = 0; i < pin->npeers; i++)
		if (cg_ep_same_addr(&pin->peers[i], who))
			return true;
	return false;
}

/* The first one is its own; what its bindings know follows. */
void cg_sig_learn(struct cg_pin *pin)
{
	const struct cg_binding *b;
	u8 i;

	pin->npeers = 1;
	list_for_each_entry(b, &pin->bindings, of_pin)
		for (i = 0; i < b->nroutes; i++)
			if (pin->npeers < CG_PIN_PEERS && !knows(pin, &b->route[i]))
				cg_pin_peer(pin, &b->route[i]);
}

bool cg_pin_has_peer(const struct cg_pin *pin, const struct cg_ep *who)
{
	u8 i;

	if (knows(pin, who))
		return true;
	if (pin->kind != CG_PIN_SIG)
		return false;
	for (i = 0; i < pin->npeers; i++)
		if (cg_provider_same(pin->cn, &pin->peers[i], who))
			return true;
	return false;
}

bool cg_pin_taken(struct cg_net *cn, const struct cg_ep *pub)
{
	return rhltable_lookup(&cn->pins_pub, pub, cg_pin_pub_params);
}

/* ---- ends ---- */

void cg_pin_expire(struct cg_pin *pin)
{
	if (pin->ghost)
		bury(pin);
	else
		cg_sig_update(pin);
}

static void flush_list(struct list_head *pins)
{
	struct cg_pin *pin, *next;

	list_for_each_entry_safe(pin, next, pins, owner) {
		list_del_init(&pin->owner);
		cg_expect_withdraw(pin);
		destroy(pin);
	}
}

/* Calls and bindings are gone: only signalling pinholes and ghosts are left. */
void cg_pin_flush(struct cg_net *cn)
{
	flush_list(&cn->sig_list);
	flush_list(&cn->ghost_list);
	cn->nghosts = 0;
}
