/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Typed views of header values. A view is made of slices of the message; nothing is copied.
 *
 * The functions on a slice read one value: they return 0 or a reason (enum sip_bad) and define the
 * view on success only. Values of an accepted struct sip_msg never fail for the headers that
 * msg.h lists as validated.
 */
#ifndef SIP_HDR_H
#define SIP_HDR_H

#include "name.h"
#include "uri.h"

struct sip_msg;

#define SIP_MAX_PARAMS 128 /* of one Via value or address; more is SIP_BAD_TOO_MANY */

/* ---- Via: RFC 3261 20.42, RFC 3581 ---- */

struct sip_via {
	struct sip_str all;       /* one value, from the protocol to the last parameter */
	struct sip_str transport; /* its name */
	struct sip_str params;    /* from the first ';', or empty */
	struct sip_str branch;
	struct sip_str received;
	struct sip_str maddr;
	struct sip_str rport;     /* the whole parameter, "rport" or "rport=NNN" */
	struct sip_host sent_by;
	u16 rport_num;            /* 0: no value */
	u16 ttl;                  /* 0-255; SIP_NO_TTL: absent */
	u8 transport_id;          /* enum sip_transport */
	bool has_rport;
	bool rfc3261;             /* branch begins with z9hG4bK (8.1.1.7) */
};
#define SIP_NO_TTL 0xffff

/* One Via value at the start of @s; *@used is what it took, without the comma. */
int sip_via_parse(const u8 *buf, struct sip_str s, struct sip_via *v, u32 *used);

/* ---- name-addr / addr-spec: From, To, Contact, the Route family, Refer-To ... ---- */

struct sip_nameaddr {
	struct sip_str all;     /* one value, parameters included */
	struct sip_str display; /* as written, quotes included; empty when absent */
	struct sip_str params;  /* of the header, from the first ';', or empty */
	struct sip_str tag;     /* ;tag=, empty when absent */
	struct sip_uri uri;
	bool bracket;           /* the URI stands between < and > */
	bool star;              /* Contact: * - nothing else is set */
};

/*
 * One value at the start of @s; *@used is what it took, without the comma. Without < and >
 * everything from the first ';' belongs to the header, and '?' or ',' in the URI is refused
 * (RFC 3261 20.10).
 */
int sip_nameaddr_parse(const u8 *buf, struct sip_str s, struct sip_nameaddr *a, u32 *used);

/* ---- walking all values of one header, over repeated lines and comma lists, in order ---- */

struct sip_walk {
	const struct sip_msg *msg;
	u32 pos;    /* next byte to read */
	u32 end;    /* end of the current header line's value */
	u8 next;    /* index of the next header line, SIP_NO_HEADER at the end */
	u8 line;    /* index of the line that the last value came from */
	u8 bad;     /* enum sip_bad: why the walk ended early; 0 normally */
};

void sip_walk_init(struct sip_walk *w, const struct sip_msg *msg, u32 header_id);

/* The next value; false at the end, or with w->bad set. */
bool sip_via_next(struct sip_walk *w, struct sip_via *v);
bool sip_nameaddr_next(struct sip_walk *w, struct sip_nameaddr *a);

/* The next element of a comma list of anything (Supported, Allow, Require ...), trimmed. */
bool sip_token_next(struct sip_walk *w, struct sip_str *s);

/* Does one of the values of the header equal @lit (lower case), for example an option tag? */
bool sip_has_token(const struct sip_msg *msg, u32 header_id, const char *lit, u32 len);
#define SIP_HAS(msg, id, lit) sip_has_token(msg, id, lit, (u32)sizeof(lit) - 1)

/* ---- parameters: ;name[=value], value a token, host or quoted string ---- */

struct sip_iter {
	u32 pos;
	u32 end;
	u8 bad; /* enum sip_bad when the iteration ended early */
};

static inline struct sip_iter sip_iter(struct sip_str s)
{
	return (struct sip_iter){ .pos = s.off, .end = s.off + s.len };
}

/* Next parameter of a list that begins with ';' (or is empty). */
bool sip_param_next(const u8 *buf, struct sip_iter *it, struct sip_param *p);

/* A parameter by its name in lower case. */
bool sip_param_find(const u8 *buf, struct sip_str params, const char *name, struct sip_param *p);

/*
 * The text of a value without quotes and backslashes. Returns its length, or @cap + 1 when it
 * does not fit. A value without quotes is copied.
 */
u32 sip_unquote(const u8 *buf, struct sip_str value, u8 *out, u32 cap);

/* ;expires= of a Contact; false when it is absent or no number below 2^32. */
bool sip_contact_expires(const u8 *buf, const struct sip_nameaddr *contact, u32 *seconds);

/* ---- single values ---- */

/* CSeq: RFC 3261 20.16. */
struct sip_cseq {
	u32 num;             /* below 2^31 */
	struct sip_str method;
	u8 method_id;        /* enum sip_method */
};
int sip_cseq_parse(const u8 *buf, struct sip_str s, struct sip_cseq *c);

/* RAck: RFC 3262 7.2. */
struct sip_rack {
	u32 rseq;
	struct sip_cseq cseq;
};
int sip_rack_parse(const u8 *buf, struct sip_str s, struct sip_rack *r);

/* A lone number: RSeq, Expires, Min-Expires, Max-Forwards, Content-Length ... */
int sip_number_parse(const u8 *buf, struct sip_str s, u32 max, u32 *out);

/* Session-Expires and Min-SE: RFC 4028 4 and 5. */
enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };
struct sip_session_expires {
	u32 seconds;
	u8 refresher; /* enum sip_refresher */
};
int sip_session_expires_parse(const u8 *buf, struct sip_str s, struct sip_session_expires *e);

/* Content-Type: RFC 3261 20.15, RFC 2046 5.1. */
enum sip_media_class {
	SIP_MEDIA_NONE,   /* no Content-Type */
	SIP_MEDIA_OTHER,
	SIP_MEDIA_SDP,    /* application/sdp */
	SIP_MEDIA_MULTI,  /* multipart/mixed, alternative, related */
	SIP_MEDIA_SIGNED, /* multipart/signed, application/pkcs7-mime ...: never edited */
	SIP_MEDIA_FRAG,   /* application/trickle-ice-sdpfrag: RFC 8840 */
};
struct sip_content_type {
	struct sip_str type;
	struct sip_str subtype;
	struct sip_str params;   /* from the first ';', or empty */
	struct sip_str boundary; /* quotes removed; empty when absent */
	u8 class;                /* enum sip_media_class */
};
int sip_content_type_parse(const u8 *buf, struct sip_str s, struct sip_content_type *t);

/* Content-Disposition: RFC 3261 20.11, RFC 5621. */
struct sip_disposition {
	struct sip_str type;     /* "session", "render" ... */
	struct sip_str params;
	bool optional;           /* ;handling=optional */
};
int sip_disposition_parse(const u8 *buf, struct sip_str s, struct sip_disposition *d);

/* Authorization, Proxy-Authorization, WWW-Authenticate, Proxy-Authenticate: RFC 3261 25.1. */
struct sip_auth {
	struct sip_str scheme;   /* "Digest" */
	struct sip_str params;   /* what follows it: name=value, name=value ... */
	bool digest;
};
int sip_auth_parse(const u8 *buf, struct sip_str s, struct sip_auth *a);

/* Next name=value of a comma list (Digest); values keep their quotes. */
bool sip_auth_next(const u8 *buf, struct sip_iter *it, struct sip_param *p);

/* A credential by its name in lower case. */
bool sip_auth_find(const u8 *buf, const struct sip_auth *a, const char *name, struct sip_param *p);

/* Does any (Proxy-)Authorization say qop=auth-int, so that the body must not be edited (F28)? */
bool sip_has_auth_int(const struct sip_msg *msg);

#endif /* SIP_HDR_H */
