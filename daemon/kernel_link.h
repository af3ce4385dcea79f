/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_link: callgated's line to the module (uapi/callgate.h): hands over its sockets (ATTACH),
 * is asked where a user is (LOCATE) and answers, keeps the kernel's location cache equal to its own
 * table, learns bindings of passive domains. After any gap (ENOBUFS, a restart of either side) it
 * dumps and compares, by generation. Without the module it says so once, and callgated is a proxy.
 */
#ifndef KERNEL_LINK_H
#define KERNEL_LINK_H

#include <stdbool.h>

struct loop;
struct udp_socket;
struct config;

/* -ENOENT: no module; -EPERM: no CAP_NET_ADMIN. Both: go on as a proxy. */
int kernel_link_open(struct loop *l, const struct config *c, char why[static 256]);
/* A socket that the last daemon left, bound to @at, or -1. */
struct endpoint;
int kernel_link_claim(const struct endpoint *at);
int kernel_link_attach(struct udp_socket *s);
/* Orderly stop: DETACH, then close. */
void kernel_link_close(void);
bool kernel_link_up(void);

#endif
