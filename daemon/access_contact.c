/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "access.h"
#include "address.h"
#include "udp_own.h"
#include "zone.h"

/* Behind a NAT, by their definition: RFC 1918, RFC 3927, RFC 6598, RFC 4193, RFC 4291. */
static const struct prefix private_nets[] = {
	{ 4, { 10 }, 8 }, { 4, { 172, 16 }, 12 }, { 4, { 192, 168 }, 16 },
	{ 4, { 169, 254 }, 16 }, { 4, { 100, 64 }, 10 },
	{ 16, { 0xfc }, 7 }, { 16, { 0xfe, 0x80 }, 10 },
};

static const char *const local_names[] = {
	".invalid", ".local", ".localdomain", ".lan", ".home", ".internal", ".home.arpa",
};

static bool ends_with(const uint8_t *p, uint32_t len, const char *end)
{
	uint32_t n = (uint32_t)strlen(end);

	return len > n && sip_bytes_are(p + len - n, end, n);
}

/* @fqdn: with or without the dot at its end. */
static bool name_allowed(const struct rx *rx, const struct sip_host *h)
{
	const uint8_t *p = rx->buf + h->host.off;
	uint32_t len = h->host.len;

	if (config_domain(config_now(), (const char *)p, len))
		return false;
	if (len && p[len - 1] == '.')
		len--;
	/* digits alone are an address to some */
	if (len && !memchr(p, '.', len) && sip_span(p, 0, len, SIP_C_HEX) < len)
		return true;
	for (size_t i = 0; i < sizeof(local_names) / sizeof(local_names[0]); i++)
		if (ends_with(p, len, local_names[i]))
			return true;
	return false;
}

static bool same_source(const struct endpoint *e, const struct endpoint *source)
{
	return e->len == source->len && !memcmp(e->addr, source->addr, e->len == 16 ? 8 : 4) &&
	       (e->len == 4 || e->addr[0] != 0xff);
}

static bool same_inside_net(const struct endpoint *e, const struct endpoint *source)
{
	const struct prefixes *nets = &config_now()->inside_nets;

	for (size_t i = 0; i < nets->n; i++)
		if (prefix_has(&nets->prefix[i], e) && prefix_has(&nets->prefix[i], source))
			return true;
	return false;
}

static bool is_private(const struct endpoint *e)
{
	for (size_t i = 0; i < sizeof(private_nets) / sizeof(private_nets[0]); i++)
		if (prefix_has(&private_nets[i], e))
			return true;
	return false;
}

static bool is_us(const struct rx *rx, const struct sip_host *h)
{
	struct endpoint e;

	if (h->kind == SIP_HOST_NAME)
		return config_domain(config_now(), (const char *)rx->buf + h->host.off,
				     h->host.len);
	return address_of_host(h, &e) && transport_is_us(&e);
}

static bool host_allowed(const struct rx *rx, const struct sip_host *h)
{
	const struct endpoint *source = &rx->flow.remote;
	struct endpoint e;

	if (h->kind == SIP_HOST_NAME)
		return name_allowed(rx, h);
	if (!address_of_host(h, &e) || transport_is_us(&e))
		return false;
	if (same_source(&e, source))
		return true;
	if (udp_own(&e))
		return rx->flow.zone == ZONE_INSIDE;
	return is_private(&e) || same_inside_net(&e, source);
}

static bool maddr_allowed(const struct rx *rx, const struct sip_uri *uri)
{
	struct sip_param p;
	struct sip_host h;

	if (!sip_uri_param(rx->buf, uri, "maddr", &p))
		return true;
	memset(&h, 0, sizeof(h));
	return !sip_host_lone(rx->buf, p.value, &h) && host_allowed(rx, &h);
}

bool access_contact(const struct rx *rx, const struct sip_nameaddr *contact)
{
	const struct sip_uri *uri = &contact->uri;
	struct sip_nameaddr path;
	struct sip_walk w;

	if (contact->star)
		return true;
	if (uri->scheme != SIP_URI_SIP && uri->scheme != SIP_URI_SIPS)
		return false;
	sip_walk_init(&w, &rx->msg, SIP_H_PATH);
	if (sip_nameaddr_next(&w, &path))
		return host_allowed(rx, &path.uri.host) && maddr_allowed(rx, &path.uri) &&
		       !is_us(rx, &uri->host);
	return host_allowed(rx, &uri->host) && maddr_allowed(rx, uri);
}
