/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * genl_admin: requests about modes and provider sets. For genl.c only.
 */
#ifndef _CG_GENL_ADMIN_H
#define _CG_GENL_ADMIN_H

#include <net/genetlink.h>
#include "../uapi/callgate.h"

extern const struct nla_policy cg_genl_mode_policy[CALLGATE_A_MODE + 1];
extern const struct nla_policy cg_genl_provider_policy[CALLGATE_A_PROVIDER + 1];

int cg_genl_modes(struct sk_buff *skb, struct netlink_callback *cb);
int cg_genl_mode_set(struct sk_buff *req, struct genl_info *info);
int cg_genl_mode_del(struct sk_buff *req, struct genl_info *info);

int cg_genl_providers(struct sk_buff *skb, struct netlink_callback *cb);
int cg_genl_provider_set(struct sk_buff *req, struct genl_info *info);
int cg_genl_provider_del(struct sk_buff *req, struct genl_info *info);

#endif
