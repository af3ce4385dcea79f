/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * address: what happens when the router loses an address (F14).
 */
#ifndef _CG_ADDRESS_H
#define _CG_ADDRESS_H

int cg_address_init(void);
void cg_address_fini(void);

#endif
