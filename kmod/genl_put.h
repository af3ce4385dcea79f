/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * genl_put: objects become attributes, as uapi/callgate.h lists them. For genl*.c only.
 *
 * The writers return 0 or -EMSGSIZE; the caller cancels what is half written. What reads an object
 * runs under cn->lock.
 */
#ifndef _CG_GENL_PUT_H
#define _CG_GENL_PUT_H

#include <net/genetlink.h>
#include "genl.h"
#include "net.h"

extern struct genl_family cg_genl_family;

/* Where a setting lives, and its ceiling in namespaces of other user namespaces; 0: none. */
struct cg_setting {
	u16 offset, size;
	u32 ceiling;
};
extern const struct cg_setting cg_setting[CALLGATE_C_MAX + 1];

struct cg_reason_text {
	const char *name, *help;
	u8 kind;
};
extern const struct cg_reason_text cg_reason_text[CG_R_COUNT];

/* Begins one answer of a dump; NULL: no room. */
void *cg_put_part(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);
int cg_put_u64(struct sk_buff *skb, int attr, u64 value);
/* @text is not terminated; cut at @max, the room of the string with its NUL. */
int cg_put_text(struct sk_buff *skb, int attr, const void *text, u32 len, u32 max);
/* Nothing when @ep is not set. */
int cg_put_ep(struct sk_buff *skb, int attr, const struct cg_ep *ep);
/* Nothing for CG_R_NONE. */
int cg_put_reason(struct sk_buff *skb, int attr, enum cg_reason reason);

int cg_put_counter(struct sk_buff *skb, enum cg_reason reason, u64 count);
/* Those that are not zero. */
int cg_put_counters(struct sk_buff *skb, const struct cg_counters *sum);
int cg_put_settings(struct sk_buff *skb, const struct cg_settings *set);
/* All but the pinholes. */
int cg_put_call(struct sk_buff *skb, const struct cg_call *call);
int cg_put_pin(struct sk_buff *skb, const struct cg_pin *pin);
int cg_put_binding(struct sk_buff *skb, const struct cg_binding *b);

#endif
