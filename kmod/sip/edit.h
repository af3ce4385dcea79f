/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An ordered list of replacements in a message, applied in one pass, then proved: the new message
 * is parsed again and must differ from the old one exactly where it was meant to.
 *
 * struct sip_edits is about 15 KiB and belongs to the caller. Offsets are those of the old message.
 */
#ifndef SIP_EDIT_H
#define SIP_EDIT_H

#include "msg.h"

#define SIP_MAX_EDITS 256
#define SIP_EDIT_TEXT 8192

/* What an edit touches, or must not touch (the last four). */
#define SIP_FIELD_LIST(X)                                                                          \
	X(OTHER, "other")                                                                          \
	X(RURI, "ruri")                                                                            \
	X(VIA, "via")                                                                              \
	X(CONTACT, "contact")                                                                      \
	X(ROUTE, "route")                                                                          \
	X(RECORD_ROUTE, "record_route")                                                            \
	X(PATH, "path")                                                                            \
	X(SERVICE_ROUTE, "service_route")                                                          \
	X(REFER_TO, "refer_to")                                                                    \
	X(REFERRED_BY, "referred_by")                                                              \
	X(MAX_FORWARDS, "max_forwards")                                                            \
	X(CONTENT_LENGTH, "content_length")                                                        \
	X(SDP_O, "sdp_o")                                                                          \
	X(SDP_C, "sdp_c")                                                                          \
	X(SDP_M, "sdp_m")                                                                          \
	X(SDP_RTCP, "sdp_rtcp")                                                                    \
	X(SDP_CANDIDATE, "sdp_candidate")                                                          \
	X(SDP_PATH, "sdp_path")                                                                    \
	X(SDP_ALTC, "sdp_altc")                                                                    \
	X(HEADER, "header")                                                                        \
	X(FROM, "from")                                                                            \
	X(TO, "to")                                                                                \
	X(CALL_ID, "call_id")                                                                      \
	X(IDENTITY, "identity")

#define SIP_FIELD_ENUM(id, name) SIP_FIELD_##id,
enum sip_field { SIP_FIELD_LIST(SIP_FIELD_ENUM) SIP_FIELD_COUNT };
#undef SIP_FIELD_ENUM

/* Name of a field ("sdp_c"); never NULL. */
const char *sip_field_name(u32 field);

enum sip_edit_result {
	SIP_EDIT_OK,
	SIP_EDIT_FULL,     /* more than SIP_MAX_EDITS, or more text than SIP_EDIT_TEXT */
	SIP_EDIT_OVERLAP,  /* touches bytes that another edit touches */
	SIP_EDIT_RANGE,    /* outside the message */
	SIP_EDIT_SPACE,    /* the result does not fit the buffer, or is too long a message */
	SIP_EDIT_CHANGED,  /* verify: a byte differs where none should, or a header moved */
};

struct sip_edit {
	struct sip_str at;   /* replaced bytes of the old message; len 0 inserts before .off */
	u16 text;            /* offset in .text */
	u16 text_len;
	u16 why;             /* of the caller */
	u8 field;            /* enum sip_field */
};

struct sip_edits {
	u32 n;
	u32 used;            /* bytes of .text */
	int delta;           /* new length - old length */
	struct sip_edit edit[SIP_MAX_EDITS]; /* ascending by .at.off */
	u8 text[SIP_EDIT_TEXT];
};

static inline void sip_edit_init(struct sip_edits *e)
{
	e->n = 0;
	e->used = 0;
	e->delta = 0;
}

/* What and why, in one small value: SIP_WHY(VIA, why). */
struct sip_why {
	u16 why;
	u8 field;
};
#define SIP_WHY(f, w) ((struct sip_why){ .why = (u16)(w), .field = SIP_FIELD_##f })

/*
 * Adds "replace @at by @len bytes at @text" (copied). Edits may come in any order; insertions at
 * the same place keep the order in which they came. Returns enum sip_edit_result; on failure the
 * list is as before.
 */
int sip_edit_put(struct sip_edits *e, struct sip_str at, const void *text, u32 len,
		 struct sip_why why);

/* The same for a number in decimal. */
int sip_edit_put_u32(struct sip_edits *e, struct sip_str at, u32 n, struct sip_why why);

/*
 * If the body's length changes and @m has Content-Length, replaces its digits. To be called once,
 * after all other edits. Nothing is added where there was none (F36).
 */
int sip_edit_put_content_length(struct sip_edits *e, const struct sip_msg *m, u16 why);

/* Length of the result. */
static inline u32 sip_edit_length(const struct sip_edits *e, u32 inlen)
{
	return (u32)((int)inlen + e->delta);
}

/* Length of the body in the result. */
u32 sip_edit_body_length(const struct sip_edits *e, const struct sip_msg *m);

/*
 * Writes the new message to @out (not overlapping @in), sip_edit_length() bytes. Returns
 * enum sip_edit_result.
 */
int sip_edit_apply(const struct sip_edits *e, const u8 *in, u32 inlen, u8 *out, u32 cap);

/*
 * Proves @after (parsed from the result) against @before: same known headers in the same order,
 * each moved by exactly what the edits before it add, start line, headers and body where expected,
 * and byte-equal outside the edits. Not for edits that add or remove whole header lines.
 */
int sip_edit_verify(const struct sip_edits *e, const struct sip_msg *before,
		    const struct sip_msg *after);

/*
 * The short proof, for edits of hosts, ports and lengths only: each new value, where it now stands
 * in @out, is read again by the grammar of its field and must be exactly the text that was meant;
 * the grammar of such a value has no byte that could end it, so all around it reads as before. For
 * any other field use sip_edit_verify(), which finds whatever this finds.
 */
int sip_edit_check(const struct sip_edits *e, const struct sip_msg *before, const u8 *out);

#endif /* SIP_EDIT_H */
