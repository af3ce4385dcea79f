/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy_dialog: who talks with whom, by Call-ID and tags: for peers that bring back neither our
 * Record-Route nor our Contact token. Bounded, the oldest goes; lost in a restart: what is in the
 * messages is what counts, this is for when it is not.
 */
#ifndef PROXY_DIALOG_H
#define PROXY_DIALOG_H

#include "sip/relay.h"
#include "transport.h"

#define DIALOG_MAX 16384
#define DIALOG_URI 512

/* A request that begins a dialog was relayed. */
void dialog_begin(const struct sip_msg *m, const struct sip_relay *r);
/* A response of it: the Contact of the one who answered. */
void dialog_answer(const struct sip_msg *m, const struct sip_hop *from);
/*
 * For a request with both tags: the way to the other one, and the Contact as he wrote it, at most
 * @cap bytes (*len 0: none is known). A stranger outside gets to nobody outside by this but from
 * the address of the other party.
 */
bool dialog_find(const struct rx *rx, struct sip_hop *to, char *uri, uint32_t cap, uint32_t *len);
size_t dialog_count(void);
void dialog_free(void);

#endif
