/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * usage: subscriptions (RFC 6665). What a phone subscribed to, or lets others
 * subscribe to, must reach it for as long as was granted (F91). Under cn->lock.
 */
#ifndef _CG_USAGE_H
#define _CG_USAGE_H

struct cg_pkt;

/* A 2xx to SUBSCRIBE, or a NOTIFY: flow and Contact are held for the granted time. */
void cg_usage_message(struct cg_pkt *p);

#endif
