/* SPDX-License-Identifier: BSD-2-Clause */
#include "contact_text.h"

char *contact_path(struct contact_texts *t, const struct sip_msg *m)
{
	const struct sip_header *h = sip_msg_header(m, SIP_H_PATH);
	char *first = NULL, *at;

	for (; h; h = sip_msg_next(m, h)) {
		if (first) {
			contact_join(t);
			contact_text(t, (const uint8_t *)", ", 2);
			contact_join(t);
		}
		at = contact_text(t, m->buf + h->value.off, h->value.len);
		if (!first)
			first = at;
	}
	for (at = first; at && *at; at++)
		if (*at == '\r' || *at == '\n')
			*at = ' ';
	return first;
}

char *contact_agent(struct contact_texts *t, const struct sip_msg *m)
{
	const struct sip_header *h = sip_msg_header(m, SIP_H_USER_AGENT);
	uint32_t len = h ? h->value.len : 0;

	if (!len)
		return NULL;
	return contact_text(t, m->buf + h->value.off, len < CONTACT_AGENT ? len : CONTACT_AGENT);
}

bool contact_q(const uint8_t *buf, struct sip_str s, uint16_t *q)
{
	const uint8_t *p = buf + s.off;
	uint32_t n = 0;

	if (!s.len || s.len > 5 || p[0] > '1' || p[0] < '0' || (s.len > 1 && p[1] != '.'))
		return false;
	n = (uint32_t)(p[0] - '0');
	for (uint32_t i = 2; i < 5; i++) {
		if (i < s.len && !sip_is_digit(p[i]))
			return false;
		n = n * 10 + (i < s.len ? (uint32_t)(p[i] - '0') : 0);
	}
	if (n > 1000)
		return false;
	*q = (uint16_t)n;
	return true;
}

bool contact_is_late(const struct contact *have, const struct sip_msg *m)
{
	return m->cseq.num <= have->cseq && have->call_id &&
	       strlen(have->call_id) == m->call_id.len &&
	       !memcmp(have->call_id, m->buf + m->call_id.off, m->call_id.len);
}
