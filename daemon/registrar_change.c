// SPDX-License-Identifier: BSD-2-Clause
/*
 * The accepted request as a change of the location table. Its strings lie in one buffer until the
 * next request: location_commit() copies them.
 */
#include <errno.h>
#include <stdlib.h>

#include "contact_text.h"
#include "registrar_work.h"

/* Room for all that a message holds, each text with its NUL and a parameter with its ';'. */
static char room[65536 + REG_CONTACTS * 8];
static struct contact_texts texts = { .at = room, .size = sizeof(room) };

static char *slice(const struct reg *r, struct sip_str s)
{
	return s.len ? contact_text(&texts, r->rx->buf + s.off, s.len) : NULL;
}

/* Parameters that have no field of their own, as they came. GRUUs are not the phone's to say. */
static char *other_params(const struct reg *r, const struct reg_contact *c)
{
	const uint8_t *buf = r->rx->buf;
	struct sip_iter it = sip_iter(c->at.params);
	struct sip_param p;
	char *first = NULL, *at;

	while (sip_param_next(buf, &it, &p)) {
		if (SIP_IS(buf, p.name, "expires") || SIP_IS(buf, p.name, "q") ||
		    (SIP_IS(buf, p.name, "+sip.instance") && c->instance.len) ||
		    (SIP_IS(buf, p.name, "reg-id") && c->reg_id) ||
		    SIP_IS(buf, p.name, "pub-gruu") || SIP_IS(buf, p.name, "temp-gruu"))
			continue;
		if (first)
			contact_join(&texts);
		at = contact_text(&texts, (const uint8_t *)";", 1);
		contact_join(&texts);
		contact_text(&texts, buf + p.all.off, p.all.len);
		if (!first)
			first = at;
	}
	return first;
}

static void put(const struct reg *r, const struct reg_contact *c, struct contact *out)
{
	*out = (struct contact){
		.flow = r->rx->flow,
		.uri = slice(r, c->at.uri.all),
		.instance = slice(r, c->instance),
		.params = other_params(r, c),
		.id = c->have ? c->have->id : 0,
		.since = c->have ? c->have->since : r->real,
		.until = r->real + (uint64_t)c->expires * 1000,
		.cseq = r->rx->msg.cseq.num,
		.reg_id = c->reg_id,
		.q = c->q,
		.origin = ORIGIN_MAIN,
	};
}

static void drop_all(const struct reg *r, struct reg_change *out)
{
	const struct contact *c = r->known ? r->known->contacts : NULL;

	for (; c; c = c->next)
		if (reg_drops(r, c))
			out->drop[out->c.n_drop++] = c->id;
}

static void each(const struct reg *r, struct reg_change *out)
{
	for (uint32_t i = 0; i < r->n; i++) {
		const struct reg_contact *c = &r->contact[i];

		if (c->overruled)
			continue;
		if (c->expires)
			put(r, c, &out->put[out->c.n_put++]);
		else if (c->have)
			out->drop[out->c.n_drop++] = c->have->id;
	}
}

/* What all contacts of a request share. */
static void shared(const struct reg *r, struct reg_change *out)
{
	char *call_id = slice(r, r->rx->msg.call_id);
	char *path = contact_path(&texts, &r->rx->msg);
	char *ua = contact_agent(&texts, &r->rx->msg);

	for (uint32_t i = 0; i < out->c.n_put; i++) {
		out->put[i].call_id = call_id;
		out->put[i].path = path;
		out->put[i].user_agent = ua;
	}
}

int reg_change(const struct reg *r, struct reg_change *out)
{
	texts.used = 0;
	out->c = (struct location_change){
		.aor = r->aor, .put = out->put, .why = GONE_UNREGISTERED,
	};
	out->drop = out->small;
	if (r->all && r->known && r->known->n > REG_CONTACTS) {
		out->drop = malloc(r->known->n * sizeof(*out->drop));
		if (!out->drop)
			return -ENOMEM;
	}
	out->c.drop = out->drop;
	if (r->all)
		drop_all(r, out);
	else
		each(r, out);
	if (out->c.n_put)
		shared(r, out);
	reg_gruus(r, out);
	return 0;
}

void reg_change_free(struct reg_change *c)
{
	if (c->drop != c->small)
		free(c->drop);
}
