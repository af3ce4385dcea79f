// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "access.h"
#include "config.h"
#include "passive.h"
#include "proxy_way.h"
#include "upstream.h"
#include "uri_text.h"
#include "zone.h"

static const struct domain *named(const struct rx *rx, const struct sip_uri *u)
{
	return config_domain(config_now(), (const char *)rx->buf + u->host.host.off,
			     u->host.host.len);
}

/* The Request-URI names the domain; where it is our address, To does. */
const struct domain *upstream_domain(const struct rx *rx)
{
	const struct sip_uri *at = &rx->msg.ruri;
	const struct domain *d;
	struct sip_nameaddr to;

	if (rx->msg.method != SIP_M_REGISTER || at->host.kind == SIP_HOST_NONE)
		return NULL;
	d = named(rx, at);
	if ((!d || d->mode == REGISTRAR_MAIN) && at->host.kind != SIP_HOST_NAME &&
	    way_ours((void *)rx, rx->buf, &at->host) &&
	    sip_msg_nameaddr(&rx->msg, SIP_H_TO, &to) && to.uri.host.kind == SIP_HOST_NAME)
		d = named(rx, &to.uri);
	return d && d->mode != REGISTRAR_MAIN ? d : NULL;
}

/* ---- the registrar ---- */

/* An address that UDP reaches. */
static bool of_uri(const char *text, struct endpoint *out)
{
	const uint8_t *buf = (const uint8_t *)text;
	struct sip_end e;
	struct sip_uri u;

	if (!uri_of_text(text, &u) || u.scheme != SIP_URI_SIP || !uri_by_udp(buf, &u) ||
	    !way_named(buf, &u, &e))
		return false;
	*out = way_endpoint(&e);
	return true;
}

static bool of_name(const struct domain *d, struct endpoint *out)
{
	char uri[AOR_MAX + 8];
	int n = snprintf(uri, sizeof(uri), "sip:%s", d->name);

	return n > 0 && (size_t)n < sizeof(uri) && of_uri(uri, out);
}

/* A list of one host says where it is; one of each family, too. */
static bool of_list(const struct prefixes *list, uint8_t len, struct endpoint *out)
{
	const struct prefix *found = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const struct prefix *p = &list->prefix[i];

		if (p->len != len)
			continue;
		if (found || p->bits != 8 * p->len)
			return false;
		found = p;
	}
	if (!found)
		return false;
	*out = (struct endpoint){ .len = found->len, .port = SIP_PORT };
	memcpy(out->addr, found->addr, found->len);
	return true;
}

bool upstream_registrar(const struct domain *d, uint8_t len, struct endpoint *out)
{
	uint8_t other = len == 4 ? 16 : 4;

	if (d->relay)
		return of_uri(d->relay, out);
	return d->mode == REGISTRAR_PASSIVE &&
	       (of_name(d, out) || of_list(&d->registrars, len, out) ||
		passive_registrar(d, len, out) || of_list(&d->registrars, other, out) ||
		passive_registrar(d, other, out));
}

bool upstream_is_registrar(const struct domain *d, const struct endpoint *source)
{
	struct endpoint e;

	if (d->registrars.n)
		return prefixes_have(&d->registrars, source);
	return upstream_registrar(d, source->len, &e) && endpoint_same_host(&e, source);
}

/* ---- the request ---- */

uint16_t upstream_policy(const struct rx *rx, const struct domain *d)
{
	return d->mode == REGISTRAR_RELAY || rx->flow.zone == ZONE_INSIDE ||
	       access_trusted(&rx->flow.remote) ? 0 : 403;
}

bool upstream_hides(void *arg, const struct sip_nameaddr *contact)
{
	return access_contact(arg, contact);
}

/* RFC 3327 5.2 */
void upstream_path(const struct sip_msg *m, const struct sip_hop *to, struct sip_edits *e)
{
	const struct sip_header *h = sip_msg_header(m, SIP_H_PATH);
	char text[SIP_END_TEXT + 32] = "Path: <sip:";
	uint32_t n = (uint32_t)strlen(text);

	if (!h && !SIP_HAS(m, SIP_H_SUPPORTED, "path") && !SIP_HAS(m, SIP_H_REQUIRE, "path"))
		return;
	n += sip_end_print((u8 *)text + n, &to->local);
	n += (uint32_t)snprintf(text + n, sizeof(text) - n, ";lr>\r\n");
	if (!h)
		h = sip_msg_header(m, SIP_H_VIA);
	sip_edit_put(e, sip_slice(h->off, h->off), text, n, SIP_WHY(PATH, 0));
}
