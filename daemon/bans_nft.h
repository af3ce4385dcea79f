/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bans_nft: the sets and the chain of bans.h, as a part of the table of nft.h.
 */
#ifndef BANS_NFT_H
#define BANS_NFT_H

#include "model.h"

struct config;
/*
 * Makes what is not there, or without bans removes it. 0, or -errno with @why: what nft said. @fn
 * for each source that the sets hold from before, with the seconds that it has left.
 */
typedef void bans_nft_fn(const struct prefix *source, uint64_t seconds);
int bans_nft_open(const struct config *c, bans_nft_fn *fn, char why[static 256]);
/* Takes the chain away; the sets stay. */
void bans_nft_close(void);
/* For so long; 0: not any more. Queued. -ENOBUFS: too many are; -ENOTCONN: nft is not used. */
int bans_nft_set(const struct prefix *source, uint32_t seconds);

#endif
