/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kernel_media: calls that are relayed are the module's: it keeps them, opens pinholes, and says
 * what becomes of a session description (CALLGATE_CMD_MEDIA). A question and its answer take some
 * microseconds, on a socket of their own. Without the module nothing is done.
 */
#ifndef KERNEL_MEDIA_H
#define KERNEL_MEDIA_H

#include "sip/edit.h"
#include "sip/token.h"
#include "transport.h"

/*
 * To be called for each message that is relayed, and for each copy, when its way is known. Adds the
 * edits to @e: all of them or none. Their number, or -errno: then nothing was added, and the
 * message may go as it is. -ENOENT: no module.
 */
int kernel_media(const struct rx *rx, const struct sip_hop *to, struct sip_edits *e);
void kernel_media_close(void);

#endif
