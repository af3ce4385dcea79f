// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What does not go on: credentials for us, and identities that are not to be believed or told. */
#include "hop.h"
#include "value.h"

/* ---- credentials: whoever sees them can try passwords. RFC 3261 22.3 ---- */

/* Behind what is no parameter: a quoted string as a whole, else one byte. */
static u32 step_over(const u8 *buf, u32 pos, u32 end)
{
	u32 behind = buf[pos] == '"' ? sip_quoted_end(buf, pos, end) : 0;

	return behind ? behind : pos + 1;
}

static bool is_own(struct sip_work *w, struct sip_str value)
{
	u8 *text = w->r->text;
	u32 n = sip_unquote(w->m->buf, value, text, sizeof(w->r->text));

	return n <= sizeof(w->r->text) && w->r->realm(w->r->arg, text, n);
}

/*
 * Any "realm" in the line. It is read more loosely than the grammar has it, as the next hop may do:
 * commas may be missing, and what cannot be read is stepped over.
 */
static bool names_own_realm(struct sip_work *w, struct sip_str s)
{
	const u8 *buf = w->m->buf;
	u32 pos = s.off, end = sip_str_end(s);
	struct sip_param p;

	while (pos < end) {
		if (!sip_is(buf[pos], SIP_C_TOKEN))
			pos = step_over(buf, pos, end);
		else if (sip_param_scan(buf, &pos, end, &p))
			pos = sip_str_end(p.name);
		else if (SIP_IS(buf, p.name, "realm") && is_own(w, p.value))
			return true;
	}
	return false;
}

static void strip_own(struct sip_work *w, u32 id)
{
	const struct sip_header *h;

	for (h = sip_msg_header(w->m, id); h; h = sip_msg_next(w->m, h))
		if (names_own_realm(w, h->value))
			sip_work_erase(w, h->off, h->end, SIP_FIELD_HEADER);
}

/*
 * Authorization too: a phone writes it for whoever challenged it in our name. But a REGISTER is
 * for the registrar that it is relayed to.
 */
void sip_work_credentials(struct sip_work *w)
{
	if (!w->r->realm)
		return;
	strip_own(w, SIP_H_PROXY_AUTHORIZATION);
	if (w->m->method != SIP_M_REGISTER)
		strip_own(w, SIP_H_AUTHORIZATION);
}

/* ---- identities: RFC 3325 5 and 7 ---- */

/* RFC 3323 4.2: values with semicolons between them. */
static bool has_id(const u8 *buf, struct sip_str s)
{
	u32 pos = s.off, end = sip_str_end(s), stop;

	for (; pos < end; pos = stop + (stop == pos)) {
		stop = sip_span(buf, pos, end, SIP_C_TOKEN);
		if (SIP_IS(buf, sip_slice(pos, stop), "id"))
			return true;
	}
	return false;
}

static bool wants_privacy(const struct sip_msg *m)
{
	const struct sip_header *h;

	for (h = sip_msg_header(m, SIP_H_PRIVACY); h; h = sip_msg_next(m, h))
		if (has_id(m->buf, h->value))
			return true;
	return false;
}

static void strip(struct sip_work *w, u32 id)
{
	const struct sip_header *h;

	for (h = sip_msg_header(w->m, id); h; h = sip_msg_next(w->m, h))
		sip_work_erase(w, h->off, h->end, SIP_FIELD_IDENTITY);
}

static bool is_stranger(const struct sip_relay *r, const struct sip_hop *hop)
{
	return r->stranger && r->stranger(r->arg, hop);
}

void sip_work_identity(struct sip_work *w)
{
	const struct sip_relay *r = w->r;

	if (r->disowned)
		strip(w, SIP_H_P_PREFERRED_IDENTITY);
	if (!sip_msg_header(w->m, SIP_H_P_ASSERTED_IDENTITY))
		return;
	if (r->disowned || (!r->believed && is_stranger(r, &r->from)) ||
	    (wants_privacy(w->m) && is_stranger(r, &r->to)))
		strip(w, SIP_H_P_ASSERTED_IDENTITY);
}
