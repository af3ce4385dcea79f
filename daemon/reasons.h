/* SPDX-License-Identifier: BSD-2-Clause */
/* What the module's reasons mean, asked once. */
#ifndef REASONS_H
#define REASONS_H

#include "kernel.h"

struct reasons;

/* *@out is NULL on failure. 0 or -errno. */
int reasons_load(struct kernel *k, struct reasons **out);
void reasons_free(struct reasons *r);
/* The line for people, or "". */
const char *reasons_help(const struct reasons *r, const char *name);

#endif
