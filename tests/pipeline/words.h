/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a message: blanks, hosts, URIs, addresses with their parameters. */
#ifndef PIPELINE_WORDS_H
#define PIPELINE_WORDS_H

#include "message.h"

/* What may be done with the address that is written. */
enum use { NOWHERE, FOREIGN, IN_VIA, IN_CONTACT, IN_ROUTE, IN_REFER, IN_REDIRECT };

/* Blanks and folds, as they may stand between words; mostly none. */
void lws(struct message *m);
/* An address of the phone where no address belongs. */
void look_alike(struct message *m);
/* @v, if not NULL, is a value whose URI proper ends where its headers begin. */
void uri(struct message *m, u8 use, bool bracket, struct value *v);
/* Parameters of a header. */
void params(struct message *m);
/* A name-addr or addr-spec; @field, unless negative, is kept as a value. */
struct value *address(struct message *m, u8 use, int field);
/* host[:port]; @proto is what the port belongs to. */
void host_port(struct message *m, u8 use, u16 dflt, u8 proto);

#endif /* PIPELINE_WORDS_H */
