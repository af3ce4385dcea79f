/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transit: SIP that goes through this router, between hosts inside and outside, gets the module's
 * helper, by rules in callgated's own nft table (nft.h):
 *	table inet callgate {
 *		ct helper transit { type "callgate" protocol udp; }
 *		chain transit { type filter hook prerouting priority -90; ... }
 *		chain transit_own { type filter hook output priority -150; ... }
 *	}
 * behind DNAT, so that what is for the router itself is told from what it forwards. They are there
 * while the module is and "helper" is on. They hold the module, so an orderly end takes them away;
 * any other end leaves them, and the next callgated replaces them at once. What an admin's own
 * rules give a helper keeps that.
 */
#ifndef TRANSIT_H
#define TRANSIT_H

struct loop;
/* What nft refuses is said in the log, and is no error. 0 or -errno. */
int transit_open(struct loop *l);
void transit_close(void);

#endif
