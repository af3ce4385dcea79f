/* SPDX-License-Identifier: BSD-2-Clause */
/* GRUUs of what is registered. RFC 5627 5.1, 5.2. */
#include <stdio.h>
#include <strings.h>

#include "gruu.h"
#include "registrar_work.h"
#include "uri_text.h"

static bool is_asked(const struct reg *r)
{
	const struct sip_msg *m = &r->rx->msg;

	return SIP_HAS(m, SIP_H_SUPPORTED, "gruu") || SIP_HAS(m, SIP_H_REQUIRE, "gruu");
}

/* ---- which epoch ---- */

static bool is_instance(const struct contact *c, const char *instance)
{
	return c->origin == ORIGIN_MAIN && c->instance && !strcasecmp(c->instance, instance);
}

static uint64_t epoch_of(const struct contact *c)
{
	return c->gruu & GRUU_EPOCH_MASK;
}

/*
 * The last registration of the instance; @reg_id: of this flow, 0: of all of them. NULL: it has
 * none.
 */
static const struct contact *last(const struct reg *r, const char *instance, uint32_t reg_id)
{
	const struct contact *c = r->known ? r->known->contacts : NULL, *found = NULL;

	for (; c; c = c->next)
		if (is_instance(c, instance) && (!reg_id || c->reg_id == reg_id) &&
		    (!found || gruu_newer(c, found)))
			found = c;
	return found;
}

/* What was made before holds on, unless the device has begun anew: with another Call-ID. */
static uint64_t next(const struct reg *r, const struct contact *put)
{
	const struct contact *before = last(r, put->instance, put->reg_id);
	const struct contact *any = last(r, put->instance, 0);
	uint64_t epoch = any ? epoch_of(any) : 0;
	uint64_t number = any ? (any->gruu >> GRUU_EPOCH_BITS) + 1 : 1;

	if (before && (!before->call_id || strcmp(before->call_id, put->call_id)))
		epoch = 0;
	if (!epoch && is_asked(r))
		epoch = gruu_epoch();
	return epoch ? number << GRUU_EPOCH_BITS | epoch : 0;
}

/* The same instance twice in one request is one. */
static uint64_t of_request(const struct reg *r, const struct reg_change *out, uint32_t n)
{
	const struct contact *put = &out->put[n];

	for (uint32_t i = 0; i < n; i++)
		if (out->put[i].instance && !strcasecmp(out->put[i].instance, put->instance))
			return out->put[i].gruu;
	return next(r, put);
}

static bool is_in(const struct reg_change *out, uint64_t id)
{
	for (uint32_t i = 0; i < out->c.n_put; i++)
		if (out->put[i].id == id)
			return true;
	for (uint32_t i = 0; i < out->c.n_drop; i++)
		if (out->drop[i] == id)
			return true;
	return false;
}

/* Its other flows are of the same epoch: what ends for one has ended for all. */
static void carry(const struct reg *r, const struct contact *put, struct reg_change *out)
{
	const struct contact *c = r->known ? r->known->contacts : NULL;

	for (; c && out->c.n_put < REG_CONTACTS; c = c->next) {
		if (!is_instance(c, put->instance) || epoch_of(c) == epoch_of(put) ||
		    c->until <= r->real || is_in(out, c->id))
			continue;
		out->put[out->c.n_put] = *c;
		out->put[out->c.n_put++].gruu = (c->gruu & ~GRUU_EPOCH_MASK) | epoch_of(put);
	}
}

void reg_gruus(const struct reg *r, struct reg_change *out)
{
	uint32_t n = out->c.n_put;

	for (uint32_t i = 0; i < n; i++)
		if (out->put[i].instance)
			out->put[i].gruu = of_request(r, out, i);
	for (uint32_t i = 0; i < n; i++)
		if (out->put[i].instance)
			carry(r, &out->put[i], out);
}

/* ---- the answer ---- */

static const char *scheme(const struct reg *r)
{
	struct sip_nameaddr to;

	return sip_msg_nameaddr(&r->rx->msg, SIP_H_TO, &to) && to.uri.scheme == SIP_URI_SIPS ?
	       "sips" : "sip";
}

/* RFC 6140 has GRUUs of another kind for all numbers of a PBX. */
static bool is_bulk(const struct contact *c)
{
	struct sip_param bnc;
	struct sip_uri u;

	return !uri_of_text(c->uri, &u) || uri_is_bulk(c->uri, &u, &bnc);
}

/* 5.2: with each contact of an instance, whoever registered it. A new temporary one each time. */
const char *reg_gruu_params(const struct reg *r, const struct contact *c)
{
	static char out[3 * REG_URI + 2 * (AOR_MAX + GRUU_TOKEN) + 64];
	struct gruu_token t = { .user = r->owner, .epoch = epoch_of(c) };
	char instance[3 * REG_URI + 1], token[GRUU_TOKEN + 1];
	int n;

	if (c->origin != ORIGIN_MAIN || !is_asked(r) || is_bulk(c) ||
	    !gruu_print_instance(c->instance, instance, sizeof(instance)))
		return "";
	n = snprintf(out, sizeof(out), ";pub-gruu=\"%s:%s;gr=%s\"", scheme(r), r->aor, instance);
	if (t.epoch && t.user && gruu_print_token(&t, token))
		snprintf(out + n, sizeof(out) - (size_t)n, ";temp-gruu=\"%s:%s@%s;gr\"", scheme(r),
			 token, r->domain->name);
	return out;
}
