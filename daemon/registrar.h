/* SPDX-License-Identifier: BSD-2-Clause */
/* registrar: REGISTER for our own domains. RFC 3261 10.3, 3327, 3608, 5626; C11-C15, C17. */
#ifndef REGISTRAR_H
#define REGISTRAR_H

#include "transport.h"

struct txn;
struct domain;

/* Answers, at once or when the store has it. @rx lives until it returns. */
void registrar_request(struct rx *rx, struct txn *t, const struct domain *d);

#endif
