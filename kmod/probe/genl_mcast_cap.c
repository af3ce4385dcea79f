// SPDX-License-Identifier: GPL-2.0-only
#include <net/genetlink.h>
struct genl_multicast_group probe(void);
struct genl_multicast_group probe(void)
{
	return (struct genl_multicast_group){ .name = "x", .flags = GENL_MCAST_CAP_NET_ADMIN };
}
