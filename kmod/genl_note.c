// SPDX-License-Identifier: GPL-2.0-only
/*
 * genl_note: the messages of the groups "events" and "trace". Any context, GFP_ATOMIC; NULL when
 * there is no memory, which costs the listener one message and nobody else anything.
 */
#include <linux/ktime.h>

#include "compat.h"
#include "binding.h"
#include "call.h"
#include "genl_put.h"
#include "kept.h"
#include "pinhole.h"
#include "pkt.h"
#include "sip/bad.h"

#define TRACE_SIZE	8192	/* of a trace message, at most */
#define TRACE_TAIL	256	/* kept for what cg_genl_trace_end() adds */

/* While a message is made: its header and its open nest. Lives in skb->cb. */
struct draft {
	void *hdr;
	struct nlattr *nest;
};

static struct draft *draft_of(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct draft) > sizeof_field(struct sk_buff, cb));
	return (struct draft *)skb->cb;
}

static struct sk_buff *begin(u8 cmd, int nest, u64 seq, size_t size)
{
	struct sk_buff *skb = alloc_skb(size, GFP_ATOMIC | __GFP_NOWARN);
	struct draft *d;

	if (!skb)
		return NULL;
	d = draft_of(skb);
	d->hdr = genlmsg_put(skb, 0, 0, &cg_genl_family, 0, cmd);
	if (!d->hdr || cg_put_u64(skb, CALLGATE_A_SEQ, seq))
		goto fail;
	d->nest = nla_nest_start(skb, nest);
	if (d->nest)
		return skb;
fail:
	kfree_skb(skb);
	return NULL;
}

static void end_nest(struct sk_buff *skb)
{
	nla_nest_end(skb, draft_of(skb)->nest);
}

static struct sk_buff *end(struct sk_buff *skb)
{
	genlmsg_end(skb, draft_of(skb)->hdr);
	return skb;
}

/* The part that all events have; the nest is closed. */
static struct sk_buff *begin_event(const struct cg_note *note, const struct cg_ep *host)
{
	struct sk_buff *skb = begin(CALLGATE_CMD_EVENT, CALLGATE_A_EVENT, note->seq,
				    NLMSG_DEFAULT_SIZE);

	if (!skb)
		return NULL;
	if (nla_put_u8(skb, CALLGATE_E_KIND, note->kind) ||
	    cg_put_u64(skb, CALLGATE_E_TIME, cg_ms()) ||
	    cg_put_reason(skb, CALLGATE_E_REASON, note->why) ||
	    (host && cg_put_ep(skb, CALLGATE_E_HOST, host))) {
		kfree_skb(skb);
		return NULL;
	}
	end_nest(skb);
	return skb;
}

struct sk_buff *cg_genl_call(const struct cg_call *call, const struct cg_note *note)
{
	struct sk_buff *skb = begin_event(note, NULL);
	struct nlattr *nest;

	if (!skb)
		return NULL;
	nest = nla_nest_start(skb, CALLGATE_A_CALL);
	if (!nest || cg_put_call(skb, call)) {
		kfree_skb(skb);
		return NULL;
	}
	nla_nest_end(skb, nest);
	return end(skb);
}

struct sk_buff *cg_genl_binding(const struct cg_binding *b, const struct cg_note *note)
{
	struct sk_buff *skb = begin_event(note, NULL);
	struct nlattr *nest;

	if (!skb)
		return NULL;
	nest = nla_nest_start(skb, CALLGATE_A_BINDING);
	if (!nest || cg_put_binding(skb, b)) {
		kfree_skb(skb);
		return NULL;
	}
	nla_nest_end(skb, nest);
	return end(skb);
}

struct sk_buff *cg_genl_limit(const struct cg_ep *host, const struct cg_note *note)
{
	struct sk_buff *skb = begin_event(note, host);

	return skb ? end(skb) : NULL;
}

static struct sk_buff *begin_trace(u64 seq, u8 kind, size_t size)
{
	struct sk_buff *skb = begin(CALLGATE_CMD_TRACE, CALLGATE_A_TRACE, seq, size);

	if (skb && (nla_put_u8(skb, CALLGATE_T_KIND, kind) ||
		    cg_put_u64(skb, CALLGATE_T_TIME, ktime_get_real_ns()))) {
		kfree_skb(skb);
		return NULL;
	}
	return skb;
}

struct sk_buff *cg_genl_pin(const struct cg_pin *pin, const struct cg_note *note)
{
	struct sk_buff *skb = begin_trace(note->seq, note->kind, NLMSG_DEFAULT_SIZE);
	struct nlattr *nest;

	if (!skb)
		return NULL;
	if ((pin->call && cg_put_u64(skb, CALLGATE_T_CALL, pin->call->id)) ||
	    cg_put_reason(skb, CALLGATE_T_REASON, note->why))
		goto fail;
	nest = nla_nest_start(skb, CALLGATE_T_PIN);
	if (!nest || cg_put_pin(skb, pin))
		goto fail;
	nla_nest_end(skb, nest);
	end_nest(skb);
	return end(skb);
fail:
	kfree_skb(skb);
	return NULL;
}

struct sk_buff *cg_genl_refused(const struct cg_call *call, const struct cg_ep *in,
				const struct cg_note *note)
{
	struct sk_buff *skb = begin_trace(note->seq, note->kind, NLMSG_DEFAULT_SIZE);
	struct nlattr *nest;

	if (!skb)
		return NULL;
	if (cg_put_u64(skb, CALLGATE_T_CALL, call->id) ||
	    cg_put_reason(skb, CALLGATE_T_REASON, note->why))
		goto fail;
	nest = nla_nest_start(skb, CALLGATE_T_PIN);
	if (!nest)
		goto fail;
	if (in && (cg_put_ep(skb, CALLGATE_P_INSIDE, in) ||
		   nla_put_u8(skb, CALLGATE_P_PROTO, in->proto)))
		goto fail;
	nla_nest_end(skb, nest);
	end_nest(skb);
	return end(skb);
fail:
	kfree_skb(skb);
	return NULL;
}

/* Did the packet get as far as a parsed message? */
static bool is_message(const struct cg_pkt *p)
{
	switch (p->reason) {
	case CG_R_NOT_SIP:
	case CG_R_GSO:
	case CG_R_TRUNCATED:
	case CG_R_NOT_UDP:
	case CG_R_FRAGMENT:
	case CG_R_BAD_MESSAGE:
	case CG_R_SOCKET_FLOW:
		return false;
	default:
		return p->data;
	}
}

static int put_slice(struct sk_buff *skb, int attr, const u8 *data, struct sip_str s)
{
	u32 max = CALLGATE_URI_MAX;

	if (attr == CALLGATE_T_METHOD)
		max = CALLGATE_NAME_MAX;
	return cg_put_text(skb, attr, data + s.off, s.len, max);
}

static int put_start(struct sk_buff *skb, const struct cg_pkt *p)
{
	const struct sip_msg *m = &p->msg;
	struct sip_str method = m->request ? m->method_name : m->cseq.method;

	if (put_slice(skb, CALLGATE_T_METHOD, p->data, method) ||
	    put_slice(skb, CALLGATE_T_URI, p->data, m->request ? m->ruri.all : m->reason) ||
	    put_slice(skb, CALLGATE_T_CALLID, p->data, m->call_id) ||
	    nla_put_u32(skb, CALLGATE_T_CSEQ, m->cseq.num))
		return -EMSGSIZE;
	return m->request ? 0 : nla_put_u16(skb, CALLGATE_T_STATUS, m->status);
}

/* What an edit and an address left alone have in common. */
static int put_place(struct sk_buff *skb, const struct cg_pkt *p, struct sip_str at,
		     struct sip_why why)
{
	if (nla_put_string(skb, CALLGATE_X_FIELD, sip_field_name(why.field)) ||
	    cg_put_reason(skb, CALLGATE_X_REASON, why.why) ||
	    nla_put_u32(skb, CALLGATE_X_OFFSET, at.off))
		return -EMSGSIZE;
	return cg_put_text(skb, CALLGATE_X_BEFORE, p->data + at.off, at.len, CALLGATE_TEXT_MAX);
}

static int put_edit(struct sk_buff *skb, const struct cg_pkt *p, const struct sip_edit *e)
{
	const struct sip_why why = { .why = e->why, .field = e->field };
	struct nlattr *item = nla_nest_start(skb, CALLGATE_LIST_ITEM);

	if (!item)
		return -EMSGSIZE;
	if (put_place(skb, p, e->at, why) ||
	    cg_put_text(skb, CALLGATE_X_AFTER, p->edits.text + e->text, e->text_len,
			CALLGATE_TEXT_MAX) ||
	    skb_tailroom(skb) < TRACE_TAIL) {
		nla_nest_cancel(skb, item);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, item);
	return 0;
}

static int put_edits(struct sk_buff *skb, const struct cg_pkt *p)
{
	struct nlattr *list = nla_nest_start(skb, CALLGATE_T_EDITS);
	u32 i;

	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < p->edits.n; i++) {
		if (put_edit(skb, p, &p->edits.edit[i]))
			break;
	}
	nla_nest_end(skb, list);
	return i < p->edits.n ? nla_put_u32(skb, CALLGATE_T_OMITTED, p->edits.n - i) : 0;
}

static int put_kept_one(struct sk_buff *skb, const struct cg_pkt *p, const struct cg_kept *k)
{
	const struct sip_why why = { .why = k->why, .field = k->field };
	struct nlattr *item = nla_nest_start(skb, CALLGATE_LIST_ITEM);

	if (!item)
		return -EMSGSIZE;
	if (put_place(skb, p, k->at, why) ||
	    skb_tailroom(skb) < TRACE_TAIL) {
		nla_nest_cancel(skb, item);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, item);
	return 0;
}

/*
 * What does not fit is left out: the edits are what matters. The head of a relayed message is the
 * relay's affair.
 */
static void put_kept(struct sk_buff *skb, struct cg_pkt *p)
{
	struct cg_kept_list kept;
	struct nlattr *list;
	u32 i;

	if (!p->ct)
		return;
	cg_kept_find(p, &kept);
	if (!kept.n || skb_tailroom(skb) < 2 * TRACE_TAIL)
		return;
	list = nla_nest_start(skb, CALLGATE_T_KEPT);
	if (!list)
		return;
	for (i = 0; i < kept.n; i++)
		if (put_kept_one(skb, p, &kept.item[i]))
			break;
	nla_nest_end(skb, list);
}

static u8 dir_of(const struct cg_pkt *p)
{
	if (p->snat)
		return CALLGATE_DIR_OUT;
	return p->dnat ? CALLGATE_DIR_IN : CALLGATE_DIR_THROUGH;
}

struct sk_buff *cg_genl_trace(struct cg_pkt *p, u64 seq)
{
	struct sk_buff *skb = begin_trace(seq, CALLGATE_TRACE_MESSAGE, TRACE_SIZE);

	if (!skb)
		return NULL;
	if (nla_put_u8(skb, CALLGATE_T_DIR, dir_of(p)) ||
	    cg_put_ep(skb, CALLGATE_T_SRC, &p->src_old) ||
	    cg_put_ep(skb, CALLGATE_T_DST, &p->dst_old) ||
	    cg_put_ep(skb, CALLGATE_T_NSRC, &p->src_new) ||
	    cg_put_ep(skb, CALLGATE_T_NDST, &p->dst_new) ||
	    nla_put_u32(skb, CALLGATE_T_SIZE_IN, p->len))
		goto fail;
	if (!is_message(p))
		return skb;
	if (put_start(skb, p) || (p->edits.n && put_edits(skb, p)))
		goto fail;
	put_kept(skb, p);
	return skb;
fail:
	kfree_skb(skb);
	return NULL;
}

void cg_genl_trace_end(struct sk_buff *skb, const struct cg_pkt *p, u8 verdict)
{
	u32 size = verdict == CALLGATE_VERDICT_EDIT ? sip_edit_length(&p->edits, p->msg.len) : 0;
	int err;

	/* TRACE_TAIL has room for all of it */
	err = nla_put_u8(skb, CALLGATE_T_VERDICT, verdict);
	err |= cg_put_reason(skb, CALLGATE_T_REASON, p->reason);
	if (p->call_id)
		err |= cg_put_u64(skb, CALLGATE_T_CALL, p->call_id);
	if (p->reason == CG_R_BAD_MESSAGE)
		err |= nla_put_string(skb, CALLGATE_T_DETAIL, sip_bad_name(p->msg.bad));
	if (size)
		err |= nla_put_u32(skb, CALLGATE_T_SIZE_OUT, size);
	WARN_ON_ONCE(err);
	end_nest(skb);
	end(skb);
}
