// SPDX-License-Identifier: GPL-2.0-only
#include <net/netfilter/nf_conntrack_core.h>

#include "mapped.h"

#define PER_SECOND 16	/* the table may be long; whoever is refused gets the usual guess */

static bool too_often(struct cg_net *cn)
{
	u32 now = cg_now();

	if (cn->mapped_at != now) {
		cn->mapped_at = now;
		cn->mapped_asked = 0;
	}
	return ++cn->mapped_asked > PER_SECOND;
}

/* The answers of this flow come to @pub, and its sender is the host of @in. */
static bool leads_to(const struct nf_conntrack_tuple_hash *h, const struct cg_ep *pub,
		     struct cg_ep *in)
{
	struct nf_conn *ct;
	struct cg_ep ep;

	if (NF_CT_DIRECTION(h) != IP_CT_DIR_REPLY || h->tuple.dst.u.all != pub->port)
		return false;
	cg_ep_dst(&ep, &h->tuple);
	if (!cg_ep_equal(&ep, pub))
		return false;
	ct = nf_ct_tuplehash_to_ctrack(h);
	cg_ep_src(&ep, &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple);
	if (!cg_ep_same_addr(&ep, in))
		return false;
	*in = ep;
	return true;
}

bool cg_mapped(struct cg_net *cn, const struct cg_ep *pub, struct cg_ep *in)
{
	struct nf_conntrack_tuple_hash *h;
	struct hlist_nulls_node *n;
	unsigned int i;
	bool found = false;

	if (too_often(cn))
		return false;
	rcu_read_lock();
	/* any one of these locks keeps the table from being resized */
	nf_conntrack_lock(&nf_conntrack_locks[0]);
	/* for sparse: its declaration does not say what it takes */
	__acquire(&nf_conntrack_locks[0]);
	for (i = 0; i < nf_conntrack_htable_size && !found; i++)
		hlist_nulls_for_each_entry_rcu(h, n, &nf_conntrack_hash[i], hnnode) {
			found = net_eq(nf_ct_net(nf_ct_tuplehash_to_ctrack(h)), cn->net) &&
				leads_to(h, pub, in);
			if (found)
				break;
		}
	spin_unlock(&nf_conntrack_locks[0]);
	rcu_read_unlock();
	return found;
}
