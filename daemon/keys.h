/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys: what a restart must not change. The key of branches, Record-Route and Contact tokens is
 * kept in a file beside the database: a phone's next request in a call that began before the
 * restart carries what was made with it.
 */
#ifndef KEYS_H
#define KEYS_H

#include <stdint.h>

#define KEYS_SIZE 16

/* From the file "callgate.key" in the folder of @database, which is made when there is none. */
int keys_load(const char *database, uint8_t key[static KEYS_SIZE], char why[static 256]);

#endif
