// SPDX-License-Identifier: BSD-2-Clause
#include "shim.h"

#include "binding.h"
#include "call.h"
#include "tables.h"

struct sums {
	u32 calls, pins, bindings, ghosts, published;
};

#define NEED(c, what) do { if (!(c)) return what; } while (0)

bool is_service(unsigned int port)
{
	static const u16 services[] = {
		1433, 1434, 1521, 1723, 1883, 1900, 2049, 2375, 2376, 3128, 3260, 3306, 3389, 5353,
		5432, 5555, 5672, 5900, 5901, 5984, 5985, 5986, 6379, 6443, 8080, 8443, 8291, 9100,
		9200, 11211, 27017,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(services); i++)
		if (services[i] == port)
			return true;
	return port < 1024;
}

static bool is_found(struct cg_net *cn, struct cg_pin *pin)
{
	struct rhlist_head *l, *pos;
	struct cg_pin *p;
	bool pub = false, in = false;

	l = rhltable_lookup(&cn->pins_pub, &pin->pub, cg_pin_pub_params);
	rhl_for_each_entry_rcu(p, pos, l, pub_node)
		pub |= p == pin;
	l = rhltable_lookup(&cn->pins_in, &pin->in, cg_pin_in_params);
	rhl_for_each_entry_rcu(p, pos, l, in_node)
		in |= p == pin;
	return pub && in;
}

static const char *check_pin(struct cg_net *cn, struct cg_pin *pin, struct sums *s)
{
	s->pins++;
	s->published += pin->published;
	NEED(!pin->dead && pin->cn == cn, "a dead pinhole is in a list");
	NEED(pin->npeers <= CG_PIN_PEERS && pin->ncts <= CG_PIN_CTS, "a pinhole has too much");
	NEED(is_found(cn, pin), "a pinhole is not in its tables");
	return NULL;
}

/* Where it must lie: media with its call, and only the far side's addresses are its peers. */
static const char *check_call(struct cg_net *cn, struct cg_call *call, struct sums *s)
{
	struct cg_pin *pin;
	u32 pins = 0;
	const char *bad;

	s->calls++;
	NEED(call->nfar <= call->far_cap && call->nlegs <= CG_LEGS, "a call has too much");
	NEED(call->host->calls && call->host->calls <= cn->set.host_calls, "calls of a host");
	list_for_each_entry(pin, &call->pins, owner) {
		NEED(pin->kind == CG_PIN_MEDIA && pin->call == call && !pin->ghost,
		     "a pinhole lies with a call that is not its own");
		NEED(pin->host && !is_service(ntohs(pin->in.port)), "a pinhole that may not be");
		NEED(cg_ep_equal(&pin->in, &pin->pub) ||
		     cg_ep_same_addr(&pin->pub, &call->pub) || call->dir == CG_CALL_THROUGH,
		     "a pinhole at another address than its call's");
		NEED(pin->stream < 512 && (pin->leg == CG_LEG_ALL || pin->leg < CG_LEGS),
		     "a pinhole of no stream or leg");
		bad = check_pin(cn, pin, s);
		if (bad)
			return bad;
		pins++;
	}
	NEED(pins == call->npins, "a call does not know how many pinholes it has");
	return NULL;
}

static u32 users_of(struct cg_net *cn, const struct cg_pin *pin)
{
	struct cg_call *call;
	u32 n = 0;

	list_for_each_entry(call, &cn->call_list, all)
		n += (call->sig[0] == pin) + (call->sig[1] == pin);
	return n;
}

static const char *check_signalling(struct cg_net *cn, struct sums *s)
{
	struct cg_binding *b;
	struct cg_pin *pin;
	const char *bad;

	list_for_each_entry(pin, &cn->sig_list, owner) {
		NEED(pin->kind == CG_PIN_SIG && !pin->call && !pin->ghost && pin->npeers,
		     "what lies with the signalling is none");
		NEED(pin->users == users_of(cn, pin), "users of a signalling pinhole");
		NEED(pin->users || pin->timer.node.pprev, "a pinhole that never ends");
		list_for_each_entry(b, &pin->bindings, of_pin)
			NEED(b->pin == pin, "a binding of another pinhole");
		bad = check_pin(cn, pin, s);
		if (bad)
			return bad;
	}
	list_for_each_entry(b, &cn->binding_list, all) {
		s->bindings++;
		NEED(b->timer.node.pprev, "a binding that never ends");
		NEED(b->host->bindings <= cn->set.host_bindings, "bindings of a host");
	}
	return NULL;
}

static const char *check_ghosts(struct cg_net *cn, struct sums *s)
{
	struct cg_pin *pin;
	const char *bad;

	list_for_each_entry(pin, &cn->ghost_list, owner) {
		NEED(pin->ghost && !pin->call && !pin->host && !pin->published && !pin->ncts,
		     "a pinhole in quarantine that is not at rest");
		NEED(pin->timer.node.pprev, "a quarantine without end");
		bad = check_pin(cn, pin, s);
		if (bad)
			return bad;
		s->ghosts++;
	}
	return NULL;
}

static const char *check_pool(const struct cg_net *cn)
{
	u32 i, out = 0;

	for (i = 0; i < cn->pool.size; i++)
		out += test_bit(i, cn->pool.out);
	return out + cn->pool.count == cn->pool.size ? NULL :
		"ports of the pool are neither in it nor out";
}

const char *tables_check(void)
{
	struct cg_net *cn = cg_net_of(&init_net);
	struct cg_call *call;
	struct sums s = {};
	const char *bad;

	NEED(!cn->lock.held, "the lock is held");
	list_for_each_entry(call, &cn->call_list, all) {
		bad = check_call(cn, call, &s);
		if (bad)
			return bad;
	}
	bad = check_signalling(cn, &s);
	if (!bad)
		bad = check_ghosts(cn, &s);
	if (!bad)
		bad = check_pool(cn);
	if (bad)
		return bad;
	NEED(s.calls == cn->ncalls && s.calls == cn->calls.ht.count, "the number of calls");
	NEED(s.pins == cn->npins && s.pins == cn->pins_pub.ht.count &&
	     s.pins == cn->pins_in.ht.count, "the number of pinholes");
	NEED(s.bindings == cn->nbindings, "the number of bindings");
	NEED(s.ghosts == cn->nghosts, "the number of pinholes in quarantine");
	NEED(s.published == cn->npublished, "the number of expectations");
	NEED(cn->ntxns == cn->txns.ht.count, "the number of transactions");
	NEED(cn->nhosts == cn->hosts.count, "the number of hosts");
	NEED(cn->ncalls <= cn->set.calls && cn->ntxns <= cn->set.txns &&
	     cn->nbindings <= cn->set.bindings, "a limit is passed");
	return NULL;
}
