// SPDX-License-Identifier: GPL-2.0-only
#include <net/netfilter/nf_conntrack_helper.h>
int probe(struct nf_conntrack_helper *h, struct nf_conntrack_helper **out);
int probe(struct nf_conntrack_helper *h, struct nf_conntrack_helper **out)
{
	return nf_conntrack_helper_register(h, out);
}
