/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core: what is done with a message: checks that hold for all (C10, RFC 3261 16.3), the
 * transaction, then registrar, proxy, or an answer of our own (OPTIONS to us, 405, 404, 482, 483,
 * 420, 416).
 */
#ifndef CORE_H
#define CORE_H

#include "transport.h"

/* The handler for transport_handler(). */
void core_receive(struct rx *rx);

#endif
