// SPDX-License-Identifier: GPL-2.0-only
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "attach.h"
#include "bucket.h"
#include "forward.h"
#include "gate.h"
#include "gateway.h"
#include "hold.h"
#include "location.h"
#include "owner.h"
#include "parties.h"
#include "yield.h"

#define SWEEP (1 * HZ)

/* ---- rules ---- */

static void defaults(struct cg_rules *rules)
{
	rules->rate = 100;
	rules->burst = 200;
	rules->locations = 1 << 20;
	rules->txns = 131072;
	rules->held = 256;
	rules->held_bytes = 1 << 20;
}

static struct cg_rules *rules_alloc(u32 names)
{
	return kvzalloc(sizeof(struct cg_rules) + names, GFP_KERNEL_ACCOUNT);
}

struct cg_rules *cg_rules_copy(struct cg_gate *gate, u32 names)
{
	const struct cg_rules *old = rcu_dereference_protected(gate->rules,
							       lockdep_is_held(&gate->admin));
	const u32 len = old->domains_len + old->realms_len;
	struct cg_rules *new = rules_alloc(max(names, len));

	if (!new)
		return NULL;
	memcpy(new, old, sizeof(*old) + len);
	new->number++;
	return new;
}

void cg_rules_replace(struct cg_gate *gate, struct cg_rules *rules)
{
	rules = rcu_replace_pointer(gate->rules, rules, lockdep_is_held(&gate->admin));
	kvfree_rcu(rules, rcu);
}

static bool has(const struct cg_prefix *prefix, u32 n, const struct cg_ep *who)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (cg_prefix_has(&prefix[i], who))
			return true;
	return false;
}

bool cg_rules_inside(const struct cg_rules *rules, const struct cg_ep *who, u32 ifindex)
{
	u32 i;

	for (i = 0; ifindex && i < rules->ninterfaces; i++)
		if (rules->interface[i] == ifindex)
			return true;
	return has(rules->inside, rules->ninside, who);
}

bool cg_rules_trusted(const struct cg_rules *rules, const struct cg_ep *who)
{
	return has(rules->trusted, rules->ntrusted, who);
}

static bool is_named(const u8 *lower, const u8 *name, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		if (lower[i] != sip_lower(name[i]))
			return false;
	return true;
}

bool cg_rules_domain(const struct cg_rules *rules, const u8 *name, u32 len)
{
	u32 pos;

	if (len && name[len - 1] == '.')
		len--;
	for (pos = 0; pos < rules->domains_len; pos += 1 + rules->names[pos])
		if (rules->names[pos] == len && is_named(&rules->names[pos + 1], name, len))
			return true;
	return false;
}

bool cg_rules_realm(const struct cg_rules *rules, const u8 *text, u32 len)
{
	const u8 *realm = rules->names + rules->domains_len;
	const u8 *end = realm + rules->realms_len;

	for (; realm < end; realm += 1 + realm[0])
		if (realm[0] == len && !memcmp(realm + 1, text, len))
			return true;
	return false;
}

const char *cg_rules_first_domain(const struct cg_rules *rules, u32 *len)
{
	if (!rules->domains_len)
		return NULL;
	*len = rules->names[0];
	return (const char *)&rules->names[1];
}

/* ---- life ---- */

void cg_gate_orphan(struct cg_gate *gate)
{
	mutex_lock(&gate->admin);
	WRITE_ONCE(gate->daemon, 0);
	cg_attach_orphan(gate);
	mutex_unlock(&gate->admin);
	cg_hold_drop(gate);
}

/* Once a second: what has ended is forgotten, some of it at a time. */
static void sweep(struct work_struct *work)
{
	struct cg_gate *gate = container_of(to_delayed_work(work), struct cg_gate, sweep);

	mutex_lock(&gate->admin);
	cg_attach_sweep(gate);
	cg_location_sweep(gate);
	mutex_unlock(&gate->admin);
	cg_owner_sweep(gate);
	cg_parties_sweep(gate);
	schedule_delayed_work(&gate->sweep, SWEEP);
}

static int fill(struct cg_gate *gate)
{
	struct cg_rules *rules = rules_alloc(0);
	int err = -ENOMEM;

	if (!rules)
		return err;
	defaults(rules);
	RCU_INIT_POINTER(gate->rules, rules);
	err = cg_location_init(gate);
	if (err)
		goto free_rules;
	err = cg_owner_init(gate);
	if (err)
		goto free_locations;
	err = cg_parties_init(gate);
	if (err)
		goto free_owners;
	err = cg_bucket_init(gate);
	if (err)
		goto free_parties;
	cg_hold_init(gate);
	return 0;

free_parties:
	cg_parties_fini(gate);
free_owners:
	cg_owner_fini(gate);
free_locations:
	cg_location_fini(gate);
free_rules:
	kvfree(rules);
	return err;
}

static DEFINE_MUTEX(make_mutex);

struct cg_gate *cg_gate_make(struct cg_net *cn)
{
	struct cg_gate *gate;

	mutex_lock(&make_mutex);
	gate = cn->gate;
	if (gate)
		goto out;
	if (cg_forward_init())
		goto out;
	gate = kzalloc(sizeof(*gate), GFP_KERNEL_ACCOUNT);
	if (!gate)
		goto out;
	gate->cn = cn;
	mutex_init(&gate->admin);
	spin_lock_init(&gate->lock);
	INIT_DELAYED_WORK(&gate->sweep, sweep);
	if (fill(gate)) {
		kfree(gate);
		gate = NULL;
		goto out;
	}
	if (cg_yield_init(gate))
		pr_err("callgate: no hook behind NAT: flows of phones may take the SIP port\n");
	else
		gate->yields = true;
	WRITE_ONCE(cn->gate, gate);
	schedule_delayed_work(&gate->sweep, SWEEP);
out:
	mutex_unlock(&make_mutex);
	return gate;
}

/* No packet is in a socket's hook any more once the sockets are let go. */
void cg_gate_fini(struct cg_net *cn)
{
	struct cg_gate *gate = cn->gate;

	if (!gate)
		return;
	if (gate->yields)
		cg_yield_fini(gate);
	cancel_delayed_work_sync(&gate->sweep);
	mutex_lock(&gate->admin);
	cg_attach_release(gate, 0);
	mutex_unlock(&gate->admin);
	synchronize_net();
	cg_hold_fini(gate);
	cg_bucket_fini(gate);
	cg_parties_fini(gate);
	cg_owner_fini(gate);
	cg_location_fini(gate);
	kvfree(rcu_dereference_protected(gate->rules, true));
	cn->gate = NULL;
	kfree(gate);
}

void cg_gate_exit(void)
{
	cg_forward_fini();
}
