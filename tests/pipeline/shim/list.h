/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings (list_head) and chains with a single pointer at their head (hlist). */
#ifndef SHIM_LIST_H
#define SHIM_LIST_H

struct list_head {
	struct list_head *next, *prev;
};

static inline void INIT_LIST_HEAD(struct list_head *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list_head *l) { return l->next == l; }

static inline void shim_list_put(struct list_head *n, struct list_head *after)
{
	n->next = after->next;
	n->prev = after;
	after->next->prev = n;
	after->next = n;
}

static inline void shim_list_cut(struct list_head *n)
{
	SHIM_BUG_ON(n->next->prev != n || n->prev->next != n);
	n->next->prev = n->prev;
	n->prev->next = n->next;
}

static inline void list_add(struct list_head *n, struct list_head *l) { shim_list_put(n, l); }
static inline void list_add_tail(struct list_head *n, struct list_head *l)
{
	shim_list_put(n, l->prev);
}
/* what was taken off must not be used again: NULL, as the kernel's poison */
static inline void list_del(struct list_head *n) { shim_list_cut(n); n->next = n->prev = NULL; }
static inline void list_del_init(struct list_head *n) { shim_list_cut(n); INIT_LIST_HEAD(n); }
static inline void list_move_tail(struct list_head *n, struct list_head *l)
{
	shim_list_cut(n);
	list_add_tail(n, l);
}

#define list_entry(p, type, member) container_of(p, type, member)
#define list_first_entry(l, type, member) list_entry((l)->next, type, member)
#define list_first_entry_or_null(l, type, member)                                                  \
	(list_empty(l) ? NULL : list_first_entry(l, type, member))
#define list_for_each_entry(pos, l, member)                                                        \
	for (pos = list_entry((l)->next, __typeof__(*pos), member); &pos->member != (l);           \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_entry_safe(pos, n, l, member)                                                \
	for (pos = list_entry((l)->next, __typeof__(*pos), member),                                \
	     n = list_entry(pos->member.next, __typeof__(*pos), member);                           \
	     &pos->member != (l);                                                                  \
	     pos = n, n = list_entry(n->member.next, __typeof__(*n), member))

struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};

#define HLIST_HEAD(name) struct hlist_head name = { NULL }
#define INIT_HLIST_HEAD(h) ((h)->first = NULL)
static inline void INIT_HLIST_NODE(struct hlist_node *n) { n->next = NULL; n->pprev = NULL; }
static inline bool hlist_unhashed(const struct hlist_node *n) { return !n->pprev; }
static inline bool hlist_empty(const struct hlist_head *h) { return !h->first; }

static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	if (n->next)
		n->next->pprev = &n->next;
	h->first = n;
	n->pprev = &h->first;
}

static inline void hlist_del(struct hlist_node *n)
{
	*n->pprev = n->next;
	if (n->next)
		n->next->pprev = n->pprev;
	n->next = NULL;
	n->pprev = NULL;
}

static inline void hlist_del_init(struct hlist_node *n)
{
	if (!hlist_unhashed(n))
		hlist_del(n);
}

static inline void hlist_move_list(struct hlist_head *from, struct hlist_head *to)
{
	to->first = from->first;
	if (to->first)
		to->first->pprev = &to->first;
	from->first = NULL;
}

#define hlist_entry(p, type, member) container_of(p, type, member)
#define hlist_entry_safe(p, type, member)                                                          \
	({ struct hlist_node *p_ = (p); p_ ? hlist_entry(p_, type, member) : NULL; })
#define hlist_for_each_entry(pos, h, member)                                                       \
	for (pos = hlist_entry_safe((h)->first, __typeof__(*pos), member); pos;                    \
	     pos = hlist_entry_safe(pos->member.next, __typeof__(*pos), member))
#define hlist_for_each_entry_safe(pos, n, h, member)                                               \
	for (pos = hlist_entry_safe((h)->first, __typeof__(*pos), member);                         \
	     pos && ({ n = pos->member.next; 1; });                                                \
	     pos = hlist_entry_safe(n, __typeof__(*pos), member))

#endif /* SHIM_LIST_H */
