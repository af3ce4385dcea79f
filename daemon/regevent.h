/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * regevent: the package "reg" (RFC 3680): who is registered, for those who may know. Documents are
 * application/reginfo+xml: the full state with each SUBSCRIBE, else the contacts that have changed.
 * A contact that does not fit into NOTIFY_BODY is left out.
 */
#ifndef REGEVENT_H
#define REGEVENT_H

/* 0 or -errno. */
int regevent_open(void);

#endif
