/* SPDX-License-Identifier: BSD-2-Clause */
/* registrar: REGISTER for our own domains. RFC 3261 10.3, 3327, 3608, 5626, 6140; C11-C17. */
#ifndef REGISTRAR_H
#define REGISTRAR_H

#include "transport.h"

struct domain;
struct txn;

/*
 * Answers, at once or when the store has it; of one address of record one after the other. @d: the
 * domain of the Request-URI, mode main. @rx lives until it returns.
 *
 * Granted is what was asked for, at most the domain's maximum, and at random up to a fifth less,
 * never below the minimum: refreshes of phones that started together drift apart (90 % of the time
 * asked for, +-10 %).
 */
void registrar_request(struct rx *rx, struct txn *t, const struct domain *d);

#endif
