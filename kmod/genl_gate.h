/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * genl_gate, genl_location, genl_media: requests of gateway use (uapi/callgate_gateway.h).
 * For genl*.c only.
 */
#ifndef _CG_GENL_GATE_H
#define _CG_GENL_GATE_H

#include <net/genetlink.h>
#include "../uapi/callgate.h"
#include "../uapi/callgate_gateway.h"
#include "ep.h"

/* Requests without attributes. */
extern const struct nla_policy cg_genl_none_policy[1];
extern const struct nla_policy cg_genl_socket_policy[CALLGATE_A_SOCKET + 1];
extern const struct nla_policy cg_genl_gate_policy[CALLGATE_A_GATE + 1];
extern const struct nla_policy cg_genl_location_policy[CALLGATE_A_LOCATION + 1];
extern const struct nla_policy cg_genl_locate_policy[CALLGATE_A_LOCATE + 1];
extern const struct nla_policy cg_genl_media_policy[CALLGATE_A_MEDIA + 1];

int cg_genl_attach(struct sk_buff *req, struct genl_info *info);
int cg_genl_claim(struct sk_buff *req, struct genl_info *info);
int cg_genl_detach(struct sk_buff *req, struct genl_info *info);
int cg_genl_sockets(struct sk_buff *skb, struct netlink_callback *cb);
int cg_genl_gate_get(struct sk_buff *req, struct genl_info *info);
int cg_genl_gate_set(struct sk_buff *req, struct genl_info *info);

int cg_genl_locations(struct sk_buff *skb, struct netlink_callback *cb);
int cg_genl_location_set(struct sk_buff *req, struct genl_info *info);
int cg_genl_location_del(struct sk_buff *req, struct genl_info *info);
int cg_genl_location_flush(struct sk_buff *req, struct genl_info *info);
int cg_genl_locate(struct sk_buff *req, struct genl_info *info);
int cg_genl_media(struct sk_buff *req, struct genl_info *info);

/* Endpoint of UDP; false: it is none. */
bool cg_genl_read_ep(struct cg_ep *ep, const struct nlattr *attr);

/* Who listens is told when the daemon's netlink socket is gone. */
int cg_genl_gate_init(void);
void cg_genl_gate_fini(void);

#endif
