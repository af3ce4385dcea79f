/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_registrations: what its files share. */
#ifndef CMD_REGISTRATIONS_H
#define CMD_REGISTRATIONS_H

#include "cmd_place.h"

/* Each change as it happens, of one user or (NULL) of all; returns the exit status at its end. */
int registrations_watch(const struct command *c, const struct place *p, const char *aor, bool json);
/* What callgated knows of a user beyond his contacts, or NULL; the caller decrefs. */
json_t *registrations_last(const struct place *p, const char *aor);
/* Its parts as lines, as far as they are there. */
void registrations_print_last(const json_t *last);

#endif
