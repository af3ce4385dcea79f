/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bodies: every part of a (nested) multipart body, in order. RFC 2046 5.1, RFC 5621.
 * Bounds are given only when they are certain: an opening and a closing delimiter at the start of a
 * line, both seen. Otherwise the walk ends with a reason and the body is left alone.
 */
#ifndef SIP_BODY_H
#define SIP_BODY_H

#include "msg.h"

#define SIP_BODY_DEPTH 4

struct sip_part {
	struct sip_str body;           /* the content, without the delimiters */
	struct sip_str headers;        /* its MIME headers; empty for a body without multipart */
	struct sip_content_type ctype; /* class NONE: no Content-Type (text/plain) */
	struct sip_disposition disp;   /* type empty when absent */
	bool encoded;                  /* Content-Encoding, or base64 and the like */
	bool sealed;                   /* inside multipart/signed or similar, or such itself */
	u8 depth;                      /* 0: the message body itself */
};

struct sip_body {
	const struct sip_msg *msg;
	struct {
		struct sip_str boundary;
		u32 pos; /* of the next delimiter */
		u32 end; /* of the enclosing part */
		bool sealed;
	} level[SIP_BODY_DEPTH];
	u8 depth;
	u8 bad;  /* enum sip_bad when the walk ended early */
	bool begun;
};

void sip_body_init(struct sip_body *b, const struct sip_msg *msg);

/*
 * The next leaf part (never a multipart container); false at the end, or with b->bad set. A part
 * may be edited if it is neither sealed nor encoded. A message without a body has no parts.
 */
bool sip_body_next(struct sip_body *b, struct sip_part *p);

/*
 * May it matter to the media of a call? What has no body and never belongs to a call does not. For
 * who relays: a look at the method, so that the rest costs nothing.
 */
static inline bool sip_may_be_media(const struct sip_msg *m)
{
	switch (m->method) {
	case SIP_M_REGISTER:
	case SIP_M_SUBSCRIBE:
	case SIP_M_NOTIFY:
	case SIP_M_PUBLISH:
	case SIP_M_OPTIONS:
	case SIP_M_MESSAGE:
		return m->body.len;
	default:
		return true;
	}
}

/* The next application/sdp part, sealed and encoded ones included. */
bool sip_body_next_sdp(struct sip_body *b, struct sip_part *p);

#endif /* SIP_BODY_H */
