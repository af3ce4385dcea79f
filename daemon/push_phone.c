/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE	/* strcasestr */
#include <string.h>
#include <strings.h>

#include "location.h"
#include "loop.h"
#include "push_phone.h"
#include "sip/token.h"
#include "uri_text.h"

/* ---- the values ---- */

static bool is_good(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("-_.~:/?&=+@,%#", c));
}

/* Without its escapes, and with a NUL. False: it does not fit, or is not taken. */
static bool read_value(const uint8_t *buf, struct sip_str s, char out[static PUSH_VALUE])
{
	uint32_t n = sip_unescape(buf, s, (uint8_t *)out, PUSH_VALUE - 1);

	if (n >= PUSH_VALUE || (n && *out == '-'))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (!is_good((uint8_t)out[i]))
			return false;
	out[n] = 0;
	return true;
}

static const char *service(const struct domain *d, const char *name, uint32_t len)
{
	for (size_t i = 0; i < d->push.n; i++)
		if (strlen(d->push.word[i]) == len && !strncasecmp(d->push.word[i], name, len))
			return d->push.word[i];
	return NULL;
}

bool push_phone(const struct domain *d, const char *uri, struct push_phone *out)
{
	const uint8_t *buf = (const uint8_t *)uri;
	struct sip_param provider, prid, param;
	struct sip_uri u;

	out->prid[0] = 0;
	out->param[0] = 0;
	/* nearly none is one */
	if (!d->push_command || !strcasestr(uri, "pn-prid") || !uri_of_text(uri, &u) ||
	    !sip_uri_param(buf, &u, "pn-provider", &provider) ||
	    !sip_uri_param(buf, &u, "pn-prid", &prid))
		return false;
	out->provider = service(d, uri + provider.value.off, provider.value.len);
	if (!out->provider || !read_value(buf, prid.value, out->prid) || !out->prid[0])
		return false;
	return !sip_uri_param(buf, &u, "pn-param", &param) ||
	       read_value(buf, param.value, out->param);
}

bool push_asks(const struct domain *d, const char *uri)
{
	struct sip_param provider;
	struct sip_uri u;

	return d->push_command && uri_of_text(uri, &u) &&
	       sip_uri_param((const uint8_t *)uri, &u, "pn-provider", &provider) &&
	       !provider.value.len;
}

/* ---- contacts ---- */

bool push_not_needed(const struct contact *c)
{
	struct sip_param p;

	return c->params &&
	       sip_param_find((const uint8_t *)c->params, sip_slice(0, (u32)strlen(c->params)),
			      "+sip.pnsreg", &p);
}

/* Of the users of its domain, or NULL. */
const struct domain *push_domain(const struct contact *c)
{
	struct push_phone phone;
	const struct domain *d;

	if (!strcasestr(c->uri, "pn-prid"))
		return NULL;
	d = config_domain_of(config_now(), c->aor->name);
	return d && push_phone(d, c->uri, &phone) ? d : NULL;
}

bool push_asleep(const struct contact *c)
{
	uint64_t heard = location_heard(c);

	return (!heard || loop_now() > heard + PUSH_AWAKE_MS) && push_domain(c);
}

/* ---- settings ---- */

static void mark_domain(struct sip_hash *h, const struct domain *d)
{
	sip_hash_bytes(h, d->name, (u32)strlen(d->name) + 1);
	for (size_t i = 0; i < d->push.n; i++)
		sip_hash_bytes(h, d->push.word[i], (u32)strlen(d->push.word[i]) + 1);
}

uint64_t push_mark(const struct config *c)
{
	static const u8 key[SIP_HASH_KEY];
	struct sip_hash h;
	bool any = false;

	sip_hash_init(&h, key);
	for (size_t i = 0; i < c->n_domains; i++)
		if (c->domains[i].push_command) {
			mark_domain(&h, &c->domains[i]);
			any = true;
		}
	return any ? sip_hash_final(&h) | 1 : 0;
}
