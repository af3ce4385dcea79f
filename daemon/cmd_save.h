/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_save: who writes what into the file of 'callgate save'. */
#ifndef CMD_SAVE_H
#define CMD_SAVE_H

#include <stdio.h>

#include "model.h"

#define SAVE_FILE "/etc/callgate/kernel.conf"

struct kernel;

/* Each writes lines that are words of its own subcommand. 0 or -errno. */
void set_write(FILE *out, const struct status *status, const struct settings *s);
int mode_write(FILE *out, struct kernel *k);
int providers_write(FILE *out, struct kernel *k);

#endif
