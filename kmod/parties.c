// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>

#include "parties.h"

#define CONTACT_MAX 255
#define SWEEP_BATCH 256

enum state { RINGING, LASTING, ENDED };

/* An INVITE may ring for minutes; a BYE is repeated for 64 * T1; a day is long for a call. */
static const u32 seconds[] = { [RINGING] = 600, [LASTING] = 24 * 3600, [ENDED] = 32 };

enum side { CALLER, CALLED };

struct party {
	struct cg_flow flow;	/* to it */
	u8 zone;
};

/* A Contact as it was written: looked at when it is needed. */
struct contact {
	u8 n;
	u8 text[];
};

struct cg_parties {
	struct rhash_head node;
	struct list_head age;	/* gate->parties_age[.state], oldest first */
	u64 key;		/* Call-ID and caller's tag */
	u64 tag;		/* Call-ID and the tag of the called; 0: nobody has answered */
	u32 due;		/* second of cg_now() */
	u32 size;
	u8 state;
	u8 ncaller, ncalled;	/* bytes of .text */
	struct party party[2];
	struct contact *answered;	/* of the called; NULL: what it was called by */
	u8 text[];		/* Contact of the caller, URI that the called was called by */
};

static const struct rhashtable_params params = {
	.key_len = sizeof(u64),
	.key_offset = offsetof(struct cg_parties, key),
	.head_offset = offsetof(struct cg_parties, node),
	.hashfn = cg_key_hash,
	.obj_cmpfn = cg_key_differs,
	.automatic_shrinking = true,
};

int cg_parties_init(struct cg_gate *gate)
{
	u32 i;

	BUILD_BUG_ON(ARRAY_SIZE(seconds) != ARRAY_SIZE(gate->parties_age));
	for (i = 0; i < ARRAY_SIZE(gate->parties_age); i++)
		INIT_LIST_HEAD(&gate->parties_age[i]);
	return rhashtable_init(&gate->parties, &params);
}

/* ---- the table: under gate->lock ---- */

static struct cg_parties *find(struct cg_gate *gate, u64 key)
{
	return rhashtable_lookup_fast(&gate->parties, &key, params);
}

static void forget(struct cg_gate *gate, struct cg_parties *d)
{
	rhashtable_remove_fast(&gate->parties, &d->node, params);
	list_del(&d->age);
	gate->nparties--;
	gate->parties_bytes -= d->size;
	kfree(d->answered);
	kfree(d);
}

/* Each list is in the order of its ends. */
static void set_state(struct cg_gate *gate, struct cg_parties *d, u8 state)
{
	d->state = state;
	d->due = cg_now() + seconds[state];
	list_move_tail(&d->age, &gate->parties_age[state]);
}

static void make_room(struct cg_gate *gate)
{
	static const u8 order[] = { ENDED, RINGING, LASTING };
	struct cg_parties *d = NULL;
	u32 i;

	cg_count(gate->cn, CG_R_FWD_DIALOGS);
	for (i = 0; !d && i < ARRAY_SIZE(order); i++)
		d = list_first_entry_or_null(&gate->parties_age[order[i]], struct cg_parties, age);
	if (d)
		forget(gate, d);
}

/* False: there may be more. */
static bool sweep_some(struct cg_gate *gate, struct list_head *list, bool all)
{
	struct cg_parties *d;
	u32 n;

	spin_lock_bh(&gate->lock);
	for (n = 0; n < SWEEP_BATCH; n++) {
		d = list_first_entry_or_null(list, struct cg_parties, age);
		if (!d || (!all && (s32)(d->due - cg_now()) >= 0))
			break;
		forget(gate, d);
	}
	spin_unlock_bh(&gate->lock);
	return n < SWEEP_BATCH;
}

static void sweep(struct cg_gate *gate, bool all)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(gate->parties_age); i++)
		while (!sweep_some(gate, &gate->parties_age[i], all))
			cond_resched();
}

void cg_parties_sweep(struct cg_gate *gate)
{
	sweep(gate, false);
}

void cg_parties_fini(struct cg_gate *gate)
{
	sweep(gate, true);
	rhashtable_destroy(&gate->parties);
}

/* ---- what messages say ---- */

static u64 hash(const struct cg_fwd *f, struct sip_str tag)
{
	struct sip_hash h;

	sip_hash_init(&h, (const u8 *)f->gate->cn->key.key);
	sip_hash_bytes(&h, f->data + f->msg.call_id.off, f->msg.call_id.len);
	sip_hash_bytes(&h, f->data + tag.off, tag.len);
	return sip_hash_final(&h);
}

/* The first value of the header; without its parameters where it is long. Empty: none. */
static struct sip_str contact_of(const struct cg_fwd *f)
{
	const struct sip_header *h = sip_msg_header(&f->msg, SIP_H_CONTACT);
	struct sip_str s = h ? h->value : sip_slice(0, 0);
	u32 end;

	if (s.len <= CONTACT_MAX)
		return s;
	end = sip_find_byte(f->data, s.off, s.off + CONTACT_MAX, '>');
	return sip_slice(s.off, end < s.off + CONTACT_MAX ? end + 1 : s.off);
}

/* From where that party is; by the interface too, if it is known. */
static bool is_from(const struct cg_fwd *f, const struct party *p)
{
	return cg_ep_equal(&f->in.remote, &p->flow.remote) &&
	       (!p->flow.ifindex || p->flow.ifindex == f->in.ifindex);
}

/* ---- a dialog begins ---- */

static bool begins(const struct sip_msg *m)
{
	return (m->method == SIP_M_INVITE || m->method == SIP_M_SUBSCRIBE ||
		m->method == SIP_M_REFER) && !m->to_tag.len && m->from_tag.len;
}

static struct cg_parties *create(const struct cg_fwd *f)
{
	struct sip_str contact = contact_of(f);
	u32 ncalled = f->way.ntarget;
	struct cg_parties *d;
	u32 size = struct_size(d, text, contact.len + ncalled);

	d = kmalloc(size, GFP_ATOMIC | __GFP_NOWARN);
	if (!d)
		return NULL;
	d->key = hash(f, f->msg.from_tag);
	d->tag = 0;
	d->size = size;
	d->party[CALLER].flow = f->in;
	d->party[CALLER].zone = f->relay.from.zone;
	d->party[CALLED].flow = f->way.to;
	d->party[CALLED].zone = f->way.zone;
	d->answered = NULL;
	d->ncaller = (u8)contact.len;
	d->ncalled = (u8)ncalled;
	memcpy(d->text, f->data + contact.off, contact.len);
	memcpy(d->text + contact.len, f->way.target, ncalled);
	return d;
}

/* The same caller tries again, and nobody has answered: it may be for another device now. */
static bool is_retry(const struct cg_fwd *f, const struct cg_parties *d)
{
	return d->state == RINGING && is_from(f, &d->party[CALLER]);
}

/* False: there is one of that name, which nobody else replaces. */
static bool insert(struct cg_gate *gate, const struct cg_fwd *f, struct cg_parties *d)
{
	struct cg_parties *old = find(gate, d->key);

	if (old && !is_retry(f, old))
		return false;
	if (old)
		forget(gate, old);
	if (gate->nparties >= CG_PARTIES_MAX)
		make_room(gate);
	if (rhashtable_insert_fast(&gate->parties, &d->node, params))
		return false;
	INIT_LIST_HEAD(&d->age);
	set_state(gate, d, RINGING);
	gate->nparties++;
	gate->parties_bytes += d->size;
	return true;
}

static void begin(const struct cg_fwd *f)
{
	struct cg_gate *gate = f->gate;
	struct cg_parties *d = create(f);
	bool in;

	if (!d)
		return;
	spin_lock_bh(&gate->lock);
	in = insert(gate, f, d);
	spin_unlock_bh(&gate->lock);
	if (!in)
		kfree(d);
}

/* ---- it is answered ---- */

/* A branch of ours came back; it is looked at who brought it all the same. */
static bool is_answer(const struct cg_fwd *f, const struct cg_parties *d, u64 tag)
{
	return cg_ep_same_addr(&f->in.remote, &d->party[CALLED].flow.remote) &&
	       (d->state == RINGING || d->tag == tag || f->msg.status >= 200);
}

static int bytes_of(const struct contact *c)
{
	return c ? sizeof(*c) + c->n : 0;
}

static void keep_contact(struct cg_gate *gate, const struct cg_fwd *f, struct cg_parties *d)
{
	struct sip_str s = contact_of(f);
	struct contact *c = d->answered;
	int more;

	if (!s.len || (c && c->n == s.len && !memcmp(c->text, f->data + s.off, s.len)))
		return;
	c = kmalloc(struct_size(c, text, s.len), GFP_ATOMIC | __GFP_NOWARN);
	if (!c)
		return;
	c->n = (u8)s.len;
	memcpy(c->text, f->data + s.off, s.len);
	more = bytes_of(c) - bytes_of(d->answered);
	d->size += more;
	gate->parties_bytes += more;
	kfree(d->answered);
	d->answered = c;
}

void cg_parties_response(const struct cg_fwd *f)
{
	const struct sip_msg *m = &f->msg;
	struct cg_gate *gate = f->gate;
	struct cg_parties *d;
	u64 key, tag;

	if ((m->method != SIP_M_INVITE && m->method != SIP_M_SUBSCRIBE &&
	     m->method != SIP_M_REFER) || m->status >= 300 || !m->to_tag.len)
		return;
	key = hash(f, m->from_tag);
	tag = hash(f, m->to_tag);
	spin_lock_bh(&gate->lock);
	d = find(gate, key);
	if (d && is_answer(f, d, tag)) {
		d->tag = tag;
		keep_contact(gate, f, d);
		if (m->status >= 200 && d->state != ENDED)
			set_state(gate, d, LASTING);
	}
	spin_unlock_bh(&gate->lock);
}

/* ---- who is the other one? ---- */

/* One of its parties sent this, to the other one: it has that one's tag too. */
static bool is_of(const struct cg_fwd *f, const struct cg_parties *d, u8 from, u64 called)
{
	return d && is_from(f, &d->party[from]) && (!d->tag || d->tag == called);
}

/* The dialog of a request, and in *@to to whom it goes. NULL: none, or of somebody else. */
static struct cg_parties *dialog_of(const struct cg_fwd *f, const u64 tag[2], u8 *to)
{
	struct cg_parties *d = find(f->gate, tag[0]);

	*to = CALLED;
	if (is_of(f, d, CALLER, tag[1]))
		return d;
	*to = CALLER;
	d = find(f->gate, tag[1]);
	return is_of(f, d, CALLED, tag[0]) ? d : NULL;
}

/* Of From and To. False: it is of no dialog that is here. */
static bool read_tags(const struct cg_fwd *f, u64 tag[2])
{
	const struct sip_msg *m = &f->msg;

	if (!m->to_tag.len || !m->from_tag.len || !READ_ONCE(f->gate->nparties))
		return false;
	tag[0] = hash(f, m->from_tag);
	tag[1] = hash(f, m->to_tag);
	return true;
}

static void set_target(struct cg_way *way, const u8 *text, u32 n)
{
	struct sip_nameaddr a;
	u32 used;

	way->ntarget = 0;
	if (sip_nameaddr_parse(text, sip_slice(0, n), &a, &used) || a.star ||
	    a.uri.all.len >= sizeof(way->target))
		return;
	way->ntarget = (u8)a.uri.all.len;
	memcpy(way->target, text + a.uri.all.off, a.uri.all.len);
}

static void fill(struct cg_way *way, const struct cg_parties *d, u8 to)
{
	way->to = d->party[to].flow;
	way->zone = d->party[to].zone;
	if (to == CALLER) {
		set_target(way, d->text, d->ncaller);
	} else if (d->answered) {
		set_target(way, d->answered->text, d->answered->n);
	} else {
		way->ntarget = d->ncalled;
		memcpy(way->target, d->text + d->ncaller, d->ncalled);
	}
}

bool cg_parties_find(struct cg_fwd *f)
{
	struct cg_gate *gate = f->gate;
	const struct cg_parties *d;
	u64 tag[2];
	u8 to;

	if (!read_tags(f, tag))
		return false;
	spin_lock_bh(&gate->lock);
	d = dialog_of(f, tag, &to);
	if (d)
		fill(&f->way, d, to);
	spin_unlock_bh(&gate->lock);
	return d;
}

/* ---- it ends ---- */

static void end(const struct cg_fwd *f)
{
	struct cg_gate *gate = f->gate;
	struct cg_parties *d;
	u64 tag[2];
	u8 to;

	if (!read_tags(f, tag))
		return;
	spin_lock_bh(&gate->lock);
	d = dialog_of(f, tag, &to);
	if (d && d->tag)
		set_state(gate, d, ENDED);
	spin_unlock_bh(&gate->lock);
}

void cg_parties_request(const struct cg_fwd *f)
{
	if (begins(&f->msg))
		begin(f);
	else if (f->msg.method == SIP_M_BYE)
		end(f);
}
