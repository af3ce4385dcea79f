/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shared: texts that many have alike, kept once: a hundred thousand phones have a dozen
 * User-Agents. Bounded: what is too long or one too many is not shared.
 */
#ifndef SHARED_H
#define SHARED_H

#include <stddef.h>

/* One more who has it. NULL: not shared, or no memory; the caller keeps a copy of its own. */
char *shared_get(const char *text);
/* One less. @text is what shared_get() gave. */
void shared_put(char *text);
/* Texts that are kept. */
size_t shared_count(void);

#endif
