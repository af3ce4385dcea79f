/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * screen: callers whom a user does not want (C21). Without a name: 433 (RFC 5079 4). On the user's
 * list: 603 (RFC 3261 21.6.2), or 607, which says that he never will (RFC 8197). The module hands
 * such a user's calls up, whatever it knows of where he is.
 *
 * A caller is who From says, and P-Asserted-Identity, too, from those who are trusted with that. A
 * pattern with @ is for the whole address, another for what is before it, a number without what
 * only eyes need (RFC 3966 5.1.1); * and ? stand for any characters, and case does not matter.
 * A caller has no name when From is anonymous (RFC 3323 4.1.1.3) or Privacy asks to hide who it is.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include "store.h"
#include "transport.h"

#define SCREEN_CALLER 127	/* characters of a pattern */

/* The rules in the database, in place of those that were read before; on an error those stay. */
int screen_read(struct store *s);
/* Whose rules were there before or are there now: called for each address of record. */
void screen_hook(void (*changed)(const char *aor));

/* One rule of a user or alias, until screen_commit(); @caller NULL: who has no name. -ENOMEM. */
int screen_add(const char *name, const char *domain, const char *caller, uint16_t code);
void screen_commit(void);
void screen_abort(void);
void screen_free(void);

bool screen_has(const char *aor, size_t len);
/* May this request reach the user @aor? 0, or the code. What belongs to a dialog may. */
uint16_t screen_request(const struct rx *rx, const char *aor, size_t len);

#endif
