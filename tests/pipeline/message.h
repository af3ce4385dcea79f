/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message made of pieces: what is to be kept, byte for byte, and what names an endpoint, with
 * what it must become. The comparison walks the pieces along what came out.
 */
#ifndef PIPELINE_MESSAGE_H
#define PIPELINE_MESSAGE_H

#include "world.h"

enum piece_kind {
	KEEP,
	HOSTPORT,    /* an inside endpoint: its public one */
	REFERRED,    /* the same if it was published already, else kept */
	VIA,         /* the sender of a request: the flow's public endpoint */
	ADDRESS,     /* an inside address: the public one */
	PORT,        /* a media port: the public one */
	LENGTH,      /* of the body, in decimal */
	RESTORED,    /* something published: what the phone wrote, .want */
};

struct piece {
	u8 kind;
	bool had_port;
	u16 dflt;          /* port that need not be written */
	u16 port;          /* that was written, or meant */
	u8 host;
	s16 name;          /* index into w.name, -1: none */
	u32 off, len;      /* what is sent, in .text */
	u32 want, want_len;    /* RESTORED: in .extra */
	u32 out, out_len;  /* what came out */
};

/* Values that later messages bring back, and are answered with. */
enum field { F_VIA, F_CONTACT, F_RECORD_ROUTE, F_PATH, F_FROM, F_TO, F_CALL_ID, F_CSEQ };
struct value {
	u8 field;
	u32 from, to;      /* pieces */
	u32 more;          /* F_CONTACT: behind the URI, up to here */
};

#define PIECES 1500
#define VALUES 64
#define TEXT_MAX 24576

struct message {
	bool from_phone, request;
	bool edits;        /* the phone's and on a flow that is translated */
	bool keep_body;    /* signed, hashed or encoded */
	u16 status;
	char method[16];
	bool has_rport;    /* the topmost Via */
	u16 via_port;      /* and where answers without it go to; 0: not the phone's */
	u32 n, n_values, len, extra_len;
	u32 body;          /* offset */
	u32 body_len;      /* as Content-Length has it */
	struct piece piece[PIECES];
	struct value value[VALUES];
	u8 text[TEXT_MAX], extra[TEXT_MAX];
	u8 out[TEXT_MAX * 2];
	u32 out_len;
	u16 out_dest;
};

void message_new(struct message *m, bool from_phone, bool request);

/* Text that is kept. */
void put(struct message *m, const char *s);
void putn(struct message *m, const void *s, u32 n);
void putu(struct message *m, u32 n);
/* What was put since @from (m->len then) is one piece of that kind. */
struct piece *put_piece(struct message *m, u8 kind, u32 from, struct name *name);

/* A value begins, and ends. */
struct value *value_begin(struct message *m, u8 field);
void value_end(struct message *m, struct value *v);
/* What follows still belongs to it, but not to its URI. */
void value_cut(struct message *m, struct value *v);
/* The @i-th value of the field, or NULL. */
const struct value *value_find(const struct message *m, u8 field, u32 i);
/* Pieces of an earlier message that went the other way, as that side has them, are sent back. */
void put_back(struct message *m, const struct message *old, u32 from, u32 to);

/* Through the router and compared: NULL, or what is wrong. */
const char *message_send(struct message *m);

/* For people: what was sent, what came out. */
void message_show(const struct message *m);

#endif /* PIPELINE_MESSAGE_H */
