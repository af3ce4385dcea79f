/* SPDX-License-Identifier: BSD-2-Clause */
/* privileges: callgated begins as root and goes on with what it needs. */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>

/*
 * Becomes @user (NULL: stays who it is) with CAP_NET_ADMIN and CAP_NET_BIND_SERVICE alone, as far
 * as it had them; root that stays root keeps its way with files, too. Nothing that it starts gets
 * more. Before there are threads. -EPERM, -ENOENT: @why says what to do.
 */
int privileges_drop(const char *user, char why[static 256]);

/* May it change the network: module, firewall? */
bool privileges_network(void);

/* One level of the folder of @file, when it is missing: that of @user, for it alone. */
void privileges_folder(const char *file, const char *user, unsigned int mode);

#endif
