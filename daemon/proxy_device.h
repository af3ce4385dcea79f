/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy_device: which registered device is meant by a Contact token that carries a hash
 * (sip_token_hash(): of a Contact whose host is no IPv4 address). For requests in dialogs that
 * the kernel forwarded, or that are older than this start, when no Route of ours comes with them.
 */
#ifndef PROXY_DEVICE_H
#define PROXY_DEVICE_H

#include "location.h"
#include "sip/token.h"

/*
 * Knows all contacts of the table from now on, by this key and the one before it; again for each
 * change of the key. 0 or -errno: what does not fit into memory is not found.
 */
int device_key(const struct sip_key *key);
/* NULL: none. Valid until the next change of the table. */
const struct contact *device_find(uint64_t hash);
size_t device_count(void);
void device_free(void);

#endif
