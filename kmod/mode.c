// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/slab.h>

#include "mode.h"

static const struct cg_mode *longest(const struct cg_modes *modes, const struct cg_ep *host)
{
	u32 i;

	for (i = 0; i < modes->n; i++)
		if (cg_prefix_has(&modes->at[i].prefix, host))
			return &modes->at[i];
	return NULL;
}

/* Of two ends that are inside the one that was named more exactly; else the lower mode. */
static u8 of_hosts(const struct cg_pkt *p)
{
	const struct cg_mode *src = NULL, *dst = NULL;
	const struct cg_modes *modes = p->cn->modes;

	if (!modes)
		return CALLGATE_MODE_TRANSLATE;
	if (p->snat || !p->dnat)
		src = longest(modes, &p->src_old);
	if (p->dnat || !p->snat)
		dst = longest(modes, &p->dst_new);
	if (!src || !dst)
		return src ? src->mode : dst ? dst->mode : CALLGATE_MODE_TRANSLATE;
	if (src->prefix.len != dst->prefix.len)
		return src->prefix.len > dst->prefix.len ? src->mode : dst->mode;
	return min(src->mode, dst->mode);
}

bool cg_mode_ask(struct cg_pkt *p)
{
	u8 mode = min(p->cn->set.mode, of_hosts(p));

	p->open_only = p->rule_open || mode == CALLGATE_MODE_OPEN;
	return mode != CALLGATE_MODE_OFF;
}

bool cg_mode_settle(struct cg_pkt *p)
{
	const struct cg_txn *txn = p->txn;

	if (p->call) {
		p->open_only = p->call->open_only;
		return true;
	}
	/* a request that is sent again, and the ACK to a refusal */
	if (unlikely(p->cn->capped) && p->msg.request)
		txn = cg_txn_find(p);
	if (!txn)
		return cg_mode_admits(p);
	p->open_only = txn->open_only;
	return true;
}

/* ---- changes ---- */

static struct cg_modes *copy_without(const struct cg_modes *old, const struct cg_prefix *prefix)
{
	u32 n = old ? old->n : 0, i;
	struct cg_modes *new;

	new = kvmalloc(struct_size(new, at, n + 1), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	new->n = 0;
	for (i = 0; i < n; i++)
		if (!cg_prefix_equal(&old->at[i].prefix, prefix))
			new->at[new->n++] = old->at[i];
	return new;
}

static void insert(struct cg_modes *modes, const struct cg_prefix *prefix, u8 mode)
{
	u32 i = modes->n++;

	for (; i && modes->at[i - 1].prefix.len < prefix->len; i--)
		modes->at[i] = modes->at[i - 1];
	modes->at[i] = (struct cg_mode){ .prefix = *prefix, .mode = mode };
}

struct cg_modes *cg_modes_with(const struct cg_modes *old, const struct cg_prefix *prefix, u8 mode)
{
	struct cg_modes *new = copy_without(old, prefix);
	int err = 0;

	if (!new)
		return ERR_PTR(-ENOMEM);
	if (!mode && new->n == (old ? old->n : 0))
		err = -ENOENT;
	else if (mode && new->n == CG_MODES_MAX)
		err = -ENOSPC;
	else if (mode)
		insert(new, prefix, mode);
	if (!err && new->n)
		return new;
	kvfree(new);
	return ERR_PTR(err);
}

void cg_mode_changed(struct cg_net *cn)
{
	WRITE_ONCE(cn->capped, cn->modes || cn->set.mode != CALLGATE_MODE_TRANSLATE);
}

void cg_modes_replace(struct cg_net *cn, struct cg_modes *modes)
{
	struct cg_modes *old;

	spin_lock_bh(&cn->lock);
	old = cn->modes;
	cn->modes = modes;
	cn->tables++;
	cg_mode_changed(cn);
	spin_unlock_bh(&cn->lock);
	kvfree(old);
}
