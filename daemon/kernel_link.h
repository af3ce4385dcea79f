/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_link: callgated's line to the module (uapi/callgate_gateway.h): hands over its sockets
 * (ATTACH), is asked where a user is (LOCATE) and answers, keeps the kernel's location cache equal
 * to its own table, learns bindings of passive domains. After any gap (ENOBUFS, a restart of either
 * side) it dumps and compares. Without the module it says so once, and callgated is a proxy; when
 * the module comes later, it is found within seconds.
 */
#ifndef KERNEL_LINK_H
#define KERNEL_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "model.h"

struct loop;
struct udp_socket;
struct config;

/*
 * -ENOENT: no module; -EPERM: no CAP_NET_ADMIN. Both: go on as a proxy, it is tried again. Call it
 * once, behind proxy_key_set() and location_load(), before the sockets are opened.
 */
int kernel_link_open(struct loop *l, const struct config *c, char why[static 256]);
/*
 * What the last daemon left at other addresses than @c has is let go: it would be in the way of
 * those. Call it before the sockets are opened.
 */
void kernel_link_release(const struct config *c);
/* A socket that the last daemon left, bound to @at, or -1. */
int kernel_link_claim(const struct endpoint *at);
/*
 * The module sees what comes to the socket at @at first, now and when the module comes back.
 * Without the module 0; -errno: it is served without it, and the admin was told what to do.
 */
int kernel_link_attach(struct udp_socket *s, const struct endpoint *at);
/* Orderly stop: DETACH, then close. */
void kernel_link_close(void);
bool kernel_link_up(void);

struct kernel_link_counters {
	uint64_t questions, forwarded, mine, late;
	uint64_t sets, deletions, failed;	/* locations told to the module */
	uint64_t resyncs;
};
const struct kernel_link_counters *kernel_link_counters(void);

#endif
