/* SPDX-License-Identifier: BSD-2-Clause */
/* cmd_calls: finding a call by what the admin types. */
#ifndef CMD_CALLS_H
#define CMD_CALLS_H

#include "cmd.h"
#include "model.h"

/*
 * The call with this id or Call-ID (a beginning of it will do when it is the only one); to be freed
 * with model_free(). Says what is wrong and returns the exit status otherwise.
 */
int calls_find(const struct command *c, struct kernel *k, const char *word, struct call *out);

#endif
