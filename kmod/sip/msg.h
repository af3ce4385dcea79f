/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A SIP message, parsed in one pass: start line, index of the known headers, body. RFC 3261 7, 20.
 *
 * struct sip_msg is about 3 KiB: it belongs into the caller's context, not on a kernel stack.
 * All views are slices of .buf; a caller that moves the bytes sets .buf again and goes on.
 *
 * sip_msg_parse() validates completely: start line and Request-URI; the syntax of every header line
 * with folds; number and form of From, To, Call-ID, CSeq, Max-Forwards, Content-Length,
 * Content-Type, Expires, Min-Expires, RSeq, RAck; every value of Via, Contact, Route, Record-Route,
 * Path, Service-Route, Refer-To, Referred-By. Other known headers are indexed, not read.
 */
#ifndef SIP_MSG_H
#define SIP_MSG_H

#include "bad.h"
#include "hdr.h"

#define SIP_MAX_HEADERS 128
#define SIP_MAX_VALUES 256 /* Via values and addresses together, over all lines */
#define SIP_NO_HEADER 0xff
#define SIP_MAX_LEN (1u << 24) /* longest text that is looked at */

enum sip_result {
	SIP_OK,   /* a whole, valid message; .consumed bytes belong to it */
	SIP_BAD,  /* .bad says why, .bad_off about where */
	SIP_MORE, /* stream only: so far valid, not complete */
};

enum sip_parse_flag {
	SIP_DATAGRAM = 1 << 0, /* the buffer is one datagram: the body may end with it */
};

/* One header line of a known header. */
struct sip_header {
	u32 off;              /* first byte of the name */
	u32 end;              /* behind the CRLF of its last line */
	struct sip_str value; /* trimmed; folds remain inside */
	u16 name_len;
	u8 id;                /* enum sip_header_id, never SIP_H_OTHER */
	u8 next;              /* index of the next line of the same header, or SIP_NO_HEADER */
};

struct sip_msg {
	const u8 *buf;
	u32 len;                 /* of the buffer, as given */

	u32 start;               /* first byte of the start line (after leading CRLFs) */
	u32 headers_off;         /* first byte after the start line */
	u32 headers_end;         /* first byte of the empty line */
	struct sip_str body;
	struct sip_str rest;     /* datagram: bytes behind Content-Length, ignored, kept */
	u32 consumed;            /* SIP_OK: bytes from 0 to the end of body (datagram: all) */
	u32 need;                /* SIP_MORE: bytes the whole message needs, 0 when not known yet */

	u32 bad_off;
	u8 bad;                  /* enum sip_bad */
	bool framed;             /* SIP_BAD, but all headers are indexed: a 400 can be written */

	bool request;
	u8 method;               /* enum sip_method; of the CSeq in a response */
	u16 status;              /* 100-699; 0 in a request */
	struct sip_str method_name; /* request: of the start line */
	struct sip_str reason;   /* response; may be empty */
	struct sip_uri ruri;     /* request */

	struct sip_str call_id;
	struct sip_cseq cseq;
	struct sip_str from_tag; /* empty when absent (RFC 2543) */
	struct sip_str to_tag;   /* empty when absent */
	struct sip_via via;      /* the topmost */
	struct sip_content_type ctype; /* class SIP_MEDIA_NONE when absent */
	u32 content_length;      /* meaningful if has_content_length */
	u32 max_forwards;        /* meaningful if has_max_forwards */
	u32 expires;             /* header Expires; meaningful if has_expires */
	bool has_content_length;
	bool has_max_forwards;
	bool has_expires;

	u16 n_values;            /* Via values and addresses */
	u8 n_headers;
	u8 first[SIP_H_COUNT];   /* index of the first line per header, or SIP_NO_HEADER */
	u8 last[SIP_H_COUNT];    /* index of the last line; meaningful if first[] is */
	struct sip_nameaddr from; /* meaningful in a message that is not bad, as .to is */
	struct sip_nameaddr to;
	struct sip_header headers[SIP_MAX_HEADERS + 1]; /* one more to write to */
};

/*
 * Parses the message at the start of @buf. Leading CRLFs are skipped; without SIP_DATAGRAM they and
 * the message make .consumed. Only @m is written; every field that the result promises is set.
 *
 * SIP_DATAGRAM: without Content-Length the body is the rest; bytes behind it are .rest; more
 * Content-Length than bytes is bad. Stream: a message without Content-Length has no body (18.3).
 * STUN, CRLF keep-alives, NULs and other protocols are SIP_BAD_NOT_SIP after the first bytes (in a
 * stream, CRLFs alone are SIP_MORE).
 */
int sip_msg_parse(struct sip_msg *m, const u8 *buf, u32 len, u32 flags);

/* The first line of a header, or NULL. The next is &m->headers[h->next]. */
static inline const struct sip_header *sip_msg_header(const struct sip_msg *m, u32 id)
{
	return m->first[id] == SIP_NO_HEADER ? NULL : &m->headers[m->first[id]];
}

/* The next line of the same header, or NULL. */
static inline const struct sip_header *sip_msg_next(const struct sip_msg *m,
						    const struct sip_header *h)
{
	return h->next == SIP_NO_HEADER ? NULL : &m->headers[h->next];
}

/* The name-addr of a single header (From, To, Refer-To); false when it is absent or bad. */
bool sip_msg_nameaddr(const struct sip_msg *m, u32 id, struct sip_nameaddr *a);

#endif /* SIP_MSG_H */
