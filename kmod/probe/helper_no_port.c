// SPDX-License-Identifier: GPL-2.0-only
#include <net/netfilter/nf_conntrack_helper.h>
void probe(struct nf_conntrack_helper *h, const struct nf_conntrack_expect_policy *p);
void probe(struct nf_conntrack_helper *h, const struct nf_conntrack_expect_policy *p)
{
	nf_ct_helper_init(h, NFPROTO_IPV4, IPPROTO_UDP, "x", p, 0, NULL, NULL, NULL);
}
