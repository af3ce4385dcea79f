// SPDX-License-Identifier: GPL-2.0-only
#include "limit.h"

const struct rhashtable_params cg_host_params = {
	.key_len = sizeof(struct cg_ep),
	.key_offset = offsetof(struct cg_host, who),
	.head_offset = offsetof(struct cg_host, node),
	.hashfn = cg_ep_hash,
	.obj_cmpfn = cg_ep_differs,
	.automatic_shrinking = true,
};

struct cg_host *cg_host_get(struct cg_net *cn, const struct cg_ep *who)
{
	struct cg_ep key = *who;
	struct cg_host *h;

	key.port = 0;
	key.proto = 0;
	h = rhashtable_lookup_fast(&cn->hosts, &key, cg_host_params);
	if (h) {
		h->refs++;
		return h;
	}
	h = kzalloc(sizeof(*h), GFP_ATOMIC);
	if (!h)
		return NULL;
	h->who = key;
	h->refs = 1;
	INIT_LIST_HEAD(&h->call_list);
	if (rhashtable_insert_fast(&cn->hosts, &h->node, cg_host_params)) {
		kfree(h);
		return NULL;
	}
	cn->nhosts++;
	return h;
}

void cg_host_put(struct cg_net *cn, struct cg_host *h)
{
	if (!h || --h->refs)
		return;
	rhashtable_remove_fast(&cn->hosts, &h->node, cg_host_params);
	cn->nhosts--;
	kfree_rcu(h, rcu);
}

enum cg_reason cg_limit_call(const struct cg_net *cn, const struct cg_host *h)
{
	if (h->calls >= cn->set.host_calls)
		return CG_R_LIMIT_HOST_CALLS;
	if (cn->ncalls >= cn->set.calls)
		return CG_R_LIMIT_CALLS;
	return CG_R_NONE;
}

enum cg_reason cg_limit_pins(const struct cg_net *cn, const struct cg_host *h, u32 more)
{
	if (h->pins + more > cn->set.host_pins)
		return CG_R_LIMIT_HOST_PINS;
	if (cn->npins + more > cn->set.pins)
		return CG_R_LIMIT_PINS;
	return CG_R_NONE;
}

enum cg_reason cg_limit_binding(const struct cg_net *cn, const struct cg_host *h)
{
	if (h->bindings >= cn->set.host_bindings)
		return CG_R_LIMIT_HOST_BINDINGS;
	if (cn->nbindings >= cn->set.bindings)
		return CG_R_LIMIT_BINDINGS;
	return CG_R_NONE;
}

/* Namespaces of other user namespaces share the machine: a tenth each. */
void cg_limit_defaults(struct cg_net *cn)
{
	u32 part = cn->net->user_ns == &init_user_ns ? 1 : 10;

	cn->set = (struct cg_settings){
		.host_calls = 1024,
		.calls = 65536 / part,
		.host_pins = 4096,
		.pins = 131072 / part,
		.host_bindings = 1024,
		.bindings = 65536 / part,
		.txns = 131072 / part,
		.port_min = 16384,
		.port_max = 24575,
		.quarantine = 180,
		.mark_related = true,
		.publish = true,
		.mode = CALLGATE_MODE_TRANSLATE,
	};
}
