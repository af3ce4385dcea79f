/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parties: who talks with whom in the dialogs that began here, by Call-ID and
 * tags. For peers that bring back neither our Record-Route nor the token in the
 * other one's Contact: the daemon has not seen how such a dialog began.
 *
 * What a message says of its way counts first; this is for when it says nothing.
 * A request goes to the other party only when it has the tags of both and comes
 * from where its own party is: who knows a Call-ID gets nowhere by that.
 *
 * Bounded; what has ended makes room first, then what was never answered, then
 * the oldest. Nothing is kept over a restart of the module. One object for each
 * dialog, of about 400 bytes; gate->lock guards them.
 */
#ifndef _CG_PARTIES_H
#define _CG_PARTIES_H

#include "forward.h"

#define CG_PARTIES_MAX 16384

int cg_parties_init(struct cg_gate *gate);
void cg_parties_fini(struct cg_gate *gate);
void cg_parties_sweep(struct cg_gate *gate);

/* A new request of f->in went to f->way: it may begin a dialog, or end one. */
void cg_parties_request(const struct cg_fwd *f);
/* A response went back: who it is that answered. */
void cg_parties_response(const struct cg_fwd *f);
/* f->way to the other party, with the Contact it wrote; false: not known. */
bool cg_parties_find(struct cg_fwd *f);

#endif
