/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contact_text: what a REGISTER leaves in a binding (location.h), for the registrar and for the
 * relay to one elsewhere.
 */
#ifndef CONTACT_TEXT_H
#define CONTACT_TEXT_H

#include "location.h"

#define CONTACT_AGENT 128	/* longer ones are cut */

/* Texts of one request, each with its NUL, until .used is 0 again. */
struct contact_texts {
	char *at;
	size_t size, used;
};

/* Where there is no room it is cut. */
static inline char *contact_text(struct contact_texts *t, const uint8_t *from, uint32_t len)
{
	char *at = t->at + t->used;

	if (len >= t->size - t->used)
		len = (uint32_t)(t->size - t->used - 1);
	memcpy(at, from, len);
	at[len] = '\0';
	t->used += len + 1;
	return at;
}

/* Takes the NUL of the text before away, to go on with it. */
static inline void contact_join(struct contact_texts *t)
{
	t->used--;
}

/* All Path lines as one comma list, a fold inside as blanks; NULL: there is none. */
char *contact_path(struct contact_texts *t, const struct sip_msg *m);
/* User-Agent, or NULL. */
char *contact_agent(struct contact_texts *t, const struct sip_msg *m);

/* The value of "q", 0 to 1 with at most three decimals, as thousandths. False: it is none. */
bool contact_q(const uint8_t *buf, struct sip_str s, uint16_t *q);
/* Has the binding seen this request or a later one of the same Call-ID? */
bool contact_is_late(const struct contact *have, const struct sip_msg *m);

#endif
