/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CMD_PASSWORD_H
#define CMD_PASSWORD_H

#include "cmd.h"

#define PASSWORD_SIZE 256

/*
 * From the terminal, twice and without echo; from standard input, its first line, when that is
 * wished or no terminal. The caller wipes it. Returns the exit status.
 */
int password_read(const struct command *c, bool from_stdin, char out[PASSWORD_SIZE]);

#endif
