/* SPDX-License-Identifier: BSD-2-Clause */
/* udp_route: by which address and interface of ours a peer is reached, as the routes say now. */
#ifndef UDP_ROUTE_H
#define UDP_ROUTE_H

#include "model.h"

/*
 * Sets the address of @local, not its port; *@ifindex 0: not known. -errno: no route. Kept for a
 * second; many peers at once are looked up again.
 */
int udp_route(const struct endpoint *remote, struct endpoint *local, uint32_t *ifindex);

#endif
