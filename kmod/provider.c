// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/mm.h>

#include "provider.h"

static u64 sets_of(const struct cg_providers *v, const struct cg_ep *host)
{
	u64 sets = 0;
	u32 i;

	for (i = 0; i < v->n; i++)
		if (cg_prefix_has(&v->at[i].prefix, host))
			sets |= BIT_ULL(v->at[i].set);
	return sets;
}

bool cg_provider_joins(const struct cg_providers *v, const struct cg_ep *a, const struct cg_ep *b)
{
	u64 sets = sets_of(v, a);

	/* most who knock are in none */
	return sets && (sets & sets_of(v, b));
}

static void add_set(struct cg_providers *to, const char *name)
{
	memcpy(to->set[to->nsets++].name, name, CALLGATE_NAME_MAX);
}

static int add_member(struct cg_providers *to, const struct cg_prefix *prefix)
{
	if (to->n == CG_PROVIDER_MEMBERS_MAX)
		return -ENOSPC;
	to->at[to->n++] = (struct cg_member){ .prefix = *prefix, .set = to->nsets - 1 };
	return 0;
}

static int add_new(struct cg_providers *to, const char *name, const struct cg_prefix *member, u32 n)
{
	int err = 0;
	u32 i;

	if (!n)
		return 0;
	if (to->nsets == CG_PROVIDERS_MAX)
		return -ENOSPC;
	add_set(to, name);
	for (i = 0; i < n && !err; i++)
		err = add_member(to, &member[i]);
	return err;
}

static int add_old(struct cg_providers *to, const struct cg_providers *old, u32 set)
{
	int err = 0;
	u32 i;

	add_set(to, old->set[set].name);
	for (i = 0; i < old->n && !err; i++)
		if (old->at[i].set == set)
			err = add_member(to, &old->at[i].prefix);
	return err;
}

/* A set keeps its place. */
static int build(struct cg_providers *to, const struct cg_providers *old, const char *name,
		 const struct cg_prefix *member, u32 n)
{
	bool found = false;
	int err = 0;
	u32 i;

	for (i = 0; old && i < old->nsets && !err; i++) {
		if (memcmp(old->set[i].name, name, CALLGATE_NAME_MAX)) {
			err = add_old(to, old, i);
			continue;
		}
		found = true;
		err = add_new(to, name, member, n);
	}
	if (err || found)
		return err;
	return n ? add_new(to, name, member, n) : -ENOENT;
}

struct cg_providers *cg_providers_with(const struct cg_providers *old, const char *name,
				       const struct cg_prefix *member, u32 n)
{
	struct cg_providers *new = kvzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	char key[CALLGATE_NAME_MAX] = "";
	int err;

	if (!new)
		return ERR_PTR(-ENOMEM);
	strscpy(key, name, sizeof(key));
	err = build(new, old, key, member, n);
	if (!err && new->nsets)
		return new;
	kvfree(new);
	return ERR_PTR(err);
}

void cg_providers_replace(struct cg_net *cn, struct cg_providers *v)
{
	struct cg_providers *old;

	spin_lock_bh(&cn->lock);
	old = cn->providers;
	cn->providers = v;
	cn->tables++;
	spin_unlock_bh(&cn->lock);
	kvfree(old);
}
