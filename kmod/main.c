// SPDX-License-Identifier: GPL-2.0-only
/*
 * callgate: SIP connection tracking and NAT helper.
 */
#include <linux/module.h>
#include <linux/netfilter.h>

#include "compat.h"
#include "address.h"
#include "bind.h"
#include "binding.h"
#include "events.h"
#include "gateway.h"
#include "genl.h"
#include "helper.h"
#include "mode.h"
#include "pkt.h"
#include "ports.h"
#include "provider.h"

unsigned int cg_net_id;

void cg_counters_read(const struct cg_net *cn, struct cg_counters *sum)
{
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct cg_counters *c = per_cpu_ptr(cn->counters, cpu);
		u64 noise = READ_ONCE(c->noise);

		sum->seen += READ_ONCE(c->seen) + noise;
		sum->edited += READ_ONCE(c->edited);
		sum->passed += READ_ONCE(c->passed) + noise;
		sum->flows += READ_ONCE(c->flows);
		for (i = 0; i < CG_R_COUNT; i++)
			sum->reason[i] += READ_ONCE(c->reason[i]);
		sum->reason[CG_R_NOT_SIP] += noise;
	}
}

static int tables_init(struct cg_net *cn)
{
	int err;

	err = rhltable_init(&cn->calls, &cg_call_params);
	if (err)
		return err;
	err = rhltable_init(&cn->pins_pub, &cg_pin_pub_params);
	if (err)
		goto free_calls;
	err = rhltable_init(&cn->pins_in, &cg_pin_in_params);
	if (err)
		goto free_pub;
	err = rhltable_init(&cn->txns, &cg_txn_params);
	if (err)
		goto free_in;
	err = rhashtable_init(&cn->hosts, &cg_host_params);
	if (err)
		goto free_txns;
	return 0;

free_txns:
	rhltable_destroy(&cn->txns);
free_in:
	rhltable_destroy(&cn->pins_in);
free_pub:
	rhltable_destroy(&cn->pins_pub);
free_calls:
	rhltable_destroy(&cn->calls);
	return err;
}

static void tables_fini(struct cg_net *cn)
{
	rhashtable_destroy(&cn->hosts);
	rhltable_destroy(&cn->txns);
	rhltable_destroy(&cn->pins_in);
	rhltable_destroy(&cn->pins_pub);
	rhltable_destroy(&cn->calls);
}

static int __net_init enter(struct net *net)
{
	struct cg_net *cn = cg_net_of(net);
	int err;

	cn->net = net;
	spin_lock_init(&cn->lock);
	get_random_bytes(&cn->key, sizeof(cn->key));
	INIT_LIST_HEAD(&cn->call_list);
	INIT_LIST_HEAD(&cn->binding_list);
	INIT_LIST_HEAD(&cn->sig_list);
	INIT_LIST_HEAD(&cn->ghost_list);
	cn->since = cg_ms();
	cg_limit_defaults(cn);
	cg_wheel_init(&cn->wheel);
	cg_events_init(cn);

	cn->counters = alloc_percpu(struct cg_counters);
	if (!cn->counters)
		return -ENOMEM;
	err = tables_init(cn);
	if (err)
		goto free_counters;
	err = cg_binding_init(cn);
	if (err)
		goto free_tables;
	err = cg_ports_init(cn);
	if (err)
		goto free_bindings;
	cg_bind_init(cn);
	return 0;

free_bindings:
	cg_binding_fini(cn);
free_tables:
	tables_fini(cn);
free_counters:
	free_percpu(cn->counters);
	return err;
}

/*
 * No packet of this namespace is in a hook or helper any more when the hooks
 * are gone: devices go before subsystems, and at unload the helpers went first.
 */
static void __net_exit leave(struct net *net)
{
	struct cg_net *cn = cg_net_of(net);
	enum cg_reason why = check_net(net) ? CG_R_CALL_UNLOAD : CG_R_CALL_NETNS;

	cg_gate_fini(cn);
	cg_bind_fini(cn);
	rcu_read_lock();
	spin_lock_bh(&cn->lock);
	cn->dying = true;
	cg_call_flush(cn, why);
	cg_binding_flush(cn, CG_R_BIND_GONE);
	cg_txn_flush(cn);
	cg_pin_flush(cn);
	spin_unlock_bh(&cn->lock);
	rcu_read_unlock();
	cg_wheel_fini(&cn->wheel);
	cg_modes_replace(cn, NULL);
	cg_providers_replace(cn, NULL);
	cg_events_fini(cn);
	cg_ports_fini(cn);
	cg_binding_fini(cn);
	tables_fini(cn);
	free_percpu(cn->counters);
}

static struct pernet_operations net_ops = {
	.init = enter,
	.exit = leave,
	.id = &cg_net_id,
	.size = sizeof(struct cg_net),
};

static int caches_init(void)
{
	int err;

	err = cg_pin_cache_init();
	if (err)
		return err;
	err = cg_call_cache_init();
	if (err)
		goto free_pins;
	err = cg_txn_cache_init();
	if (err)
		goto free_calls;
	return 0;

free_calls:
	cg_call_cache_fini();
free_pins:
	cg_pin_cache_fini();
	return err;
}

/* Objects freed by RCU callbacks must be back in their caches first. */
static void caches_fini(void)
{
	rcu_barrier();
	cg_txn_cache_fini();
	cg_call_cache_fini();
	cg_pin_cache_fini();
}

static int __init callgate_init(void)
{
	int err;

	cg_ep_init();
	err = caches_init();
	if (err)
		return err;
	err = cg_pkt_init();
	if (err)
		goto free_caches;
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto free_pkt;
	err = cg_address_init();
	if (err)
		goto leave_nets;
	err = cg_genl_init();
	if (err)
		goto forget_addresses;
	err = cg_helper_register();
	if (err)
		goto stop_genl;
	return 0;

stop_genl:
	cg_genl_fini();
forget_addresses:
	cg_address_fini();
leave_nets:
	unregister_pernet_subsys(&net_ops);
free_pkt:
	cg_pkt_fini();
free_caches:
	caches_fini();
	return err;
}

static void __exit callgate_exit(void)
{
	cg_helper_unregister();
	cg_genl_fini();
	cg_address_fini();
	unregister_pernet_subsys(&net_ops);
	cg_gate_exit();
	cg_pkt_fini();
	caches_fini();
}

module_init(callgate_init);
module_exit(callgate_exit);

MODULE_LICENSE("GPL v2");
MODULE_DESCRIPTION("SIP connection tracking and NAT helper that does no harm");
MODULE_VERSION(CG_VERSION);
MODULE_ALIAS_NFCT_HELPER("callgate");
MODULE_ALIAS_NFCT_HELPER("callgate-open");
