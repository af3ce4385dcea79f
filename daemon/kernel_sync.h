/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_sync: the kernel's locations are those of location.c. Each change is told when it happens;
 * after a gap what the kernel should not have is removed at once, and all that it should have is
 * told in pieces, with turns of the loop between them. For kernel_link.c.
 */
#ifndef KERNEL_SYNC_H
#define KERNEL_SYNC_H

#include <stdbool.h>

struct aor;
struct config;
struct contact;
struct gate;
struct gate_location;
struct loop;

int kernel_sync_open(struct loop *l);
void kernel_sync_close(void);
/* @g NULL: the module is gone. Else it is told everything. */
void kernel_sync_begin(struct gate *g);
/* New settings: if other contacts may sleep than before, it is told everything again. */
void kernel_sync_configured(const struct config *c);
/* The kernel has all that it should. */
bool kernel_sync_done(void);

/* What the kernel is told of a contact; false: it cannot be (a name that is too long). */
bool kernel_sync_location(const struct aor *a, const struct contact *c, struct gate_location *l);

#endif
