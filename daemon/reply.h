/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reply: writes a response to a request: Via (all, with received and rport), From, To (with our tag
 * when it has none: keyed by the request, so that the same request gets the same tag), Call-ID,
 * CSeq, Timestamp, then what the caller adds, then Content-Length. RFC 3261 8.2.6.
 */
#ifndef REPLY_H
#define REPLY_H

#include "transport.h"

struct reply {
	const struct rx *rx;
	uint8_t *buf;
	uint32_t len, cap;
	uint16_t code;
	bool full;		/* something did not fit: reply_end() gives 0 */
	const char *tag;	/* of To, 16 characters, when the request has none; NULL: our own */
};

/* @reason NULL: the usual phrase of the code. */
void reply_begin(struct reply *r, const struct rx *rx, uint16_t code, const char *reason);
/* The same for an answer that makes a dialog, which has this tag. */
void reply_begin_dialog(struct reply *r, const struct rx *rx, uint16_t code, const char *tag);
/* One header line; never put bytes of a peer through it that were not checked. */
void reply_header(struct reply *r, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Bytes as they are, for example a Contact list that is long; whole lines with CRLF. */
void reply_raw(struct reply *r, const void *bytes, uint32_t len);
void reply_text(struct reply *r, const char *s);
/* Ends it. The bytes belong to reply.c and stay until the next reply_begin(). */
const uint8_t *reply_end(struct reply *r, uint32_t *len);

struct txn;
/*
 * reply_end() and txn_answer(), or for @t NULL without a transaction. A challenge to a request
 * without credentials is sent without state: @t is forgotten, a retransmission asks again.
 */
void reply_send(struct reply *r, struct txn *t);
/* All of it: code, the usual phrase, and one header (or NULL). */
void reply_simple(const struct rx *rx, struct txn *t, uint16_t code, const char *name,
		  const char *value);
/* Is the To-tag of this request the one that we give? Then an ACK is for an answer of ours. */
bool reply_tag_is_ours(const struct rx *rx);
const char *reply_phrase(uint16_t code);

#endif
