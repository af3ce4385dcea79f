/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * relayed: contacts that were registered through us at a registrar elsewhere (ORIGIN_RELAYED), by
 * what that registrar knows of them: a host and port, which is ours for all whose Contact we hid.
 */
#ifndef RELAYED_H
#define RELAYED_H

#include "location.h"

/*
 * The contact that a request is for by the place it was sent to (C06, RFC 6140), from one of the
 * domain's registrars. To our address: the user by name or by his Contact's user; else the PBX
 * (bnc) if there is one, or the only contact of the domain, whatever the user part. To another: the
 * one whose Contact has this host and port. NULL: none, go by name.
 */
const struct contact *relayed_find(const struct rx *rx);
void relayed_free(void);

#endif
