/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * passive: registrations that phones made at an outside registrar, as the module saw them granted
 * (C16). Those of a domain with "registrar = passive" enter the location table with origin passive
 * and go from it with the module's binding; a change that the store cannot keep is tried again.
 *
 * Trunks: what the outside knows of a PBX is the host and port that its REGISTER was published
 * with, so requests from its registrar to that hostport are for it whatever their user part
 * (C06, RFC 6140).
 */
#ifndef PASSIVE_H
#define PASSIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct binding;
struct contact;
struct domain;
struct endpoint;
struct note;
struct rx;

/* A note of kernel_notes(): a binding began, was renewed, or ended. Others are ignored. */
void passive_note(const struct note *n);

/*
 * A dump, at the start and after each gap: begin, every binding, end. What was not named has ended,
 * unless the dump was not @whole.
 */
void passive_dump_begin(void);
void passive_dump(const struct binding *b);
void passive_dump_end(bool whole);

/*
 * The binding that a request is for by the place it was sent to: from the registrar's set of its
 * domain (by default: the registrar itself) to the host and port published for it. Of several that
 * share one the one whose user the request names. NULL: none, go by name. Of the Request-URI only
 * host and port become the Contact's: user and parameters are kept, and "bnc" is none of them.
 */
const struct contact *passive_trunk(const struct rx *rx);

/*
 * The registrar of a passive domain, of this family (4 or 16), that has answered last where the
 * module saw it. False: none has.
 */
bool passive_registrar(const struct domain *d, uint8_t len, struct endpoint *out);

/* Bindings of passive domains that the module has. */
size_t passive_count(void);
/* After store_close(). */
void passive_free(void);

#endif
