/* SPDX-License-Identifier: BSD-2-Clause */
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "flows.h"
#include "json.h"
#include "sip/scan.h"
#include "text.h"

struct reader {
	struct flows *flows;
	const struct ports *ports;
};

static int kind_of(const struct flow *f, const struct ports *ports)
{
	if (f->proto == IPPROTO_TCP)
		return ports_has(ports, f->dst.port) || f->dst.port == SIPS_PORT ? FLOWS_TCP : -1;
	if (f->proto != IPPROTO_UDP || !ports_has(ports, f->dst.port))
		return -1;
	if (!*f->helper)
		return FLOWS_BARE;
	return strcmp(f->helper, "callgate") && strcmp(f->helper, "callgate-open") ?
	       FLOWS_OTHER : FLOWS_HELPED;
}

static int on_flow(const struct flow *f, void *arg)
{
	struct reader *r = arg;
	int kind = kind_of(f, r->ports);
	struct flow *grown;
	size_t n;

	if (kind < 0)
		return 0;
	n = r->flows->kind[kind].n;
	grown = reallocarray(r->flows->kind[kind].at, n + 1, sizeof(*grown));
	if (!grown)
		abort();
	grown[n] = *f;
	r->flows->kind[kind].at = grown;
	r->flows->kind[kind].n++;
	return 0;
}

int flows_read(struct flows *f, const struct ports *ports)
{
	struct reader r = { f, ports };

	memset(f, 0, sizeof(*f));
	return kernel_flows(on_flow, &r);
}

/* ---- callgated's own ---- */

static bool is_local(const struct endpoint *e, const struct ifaddrs *here)
{
	struct endpoint at;

	for (; here; here = here->ifa_next)
		if (address_endpoint(here->ifa_addr, &at) && endpoint_same_host(&at, e))
			return true;
	return false;
}

static bool is_at(const struct endpoint *e, const struct list *sockets, const struct ifaddrs *here)
{
	const struct gateway_socket *s = sockets->items;

	for (size_t i = 0; i < sockets->n; i++) {
		const struct endpoint *at = &s[i].local;

		if (endpoint_equal(at, e) || (at->port == e->port && at->len == e->len &&
					      endpoint_is_any(at) && is_local(e, here)))
			return true;
	}
	return false;
}

void flows_leave_out(struct flows *f, const struct list *sockets)
{
	struct flow *at = f->kind[FLOWS_BARE].at;
	size_t n = f->kind[FLOWS_BARE].n, kept = 0;
	struct ifaddrs *here = NULL;

	if (!n || !sockets->n || getifaddrs(&here))
		return;
	for (size_t i = 0; i < n; i++)
		/* the answer comes from there: where it really went */
		if (!is_at(&at[i].src, sockets, here) && !is_at(&at[i].rsrc, sockets, here))
			at[kept++] = at[i];
	f->kind[FLOWS_BARE].n = kept;
	freeifaddrs(here);
}

void flows_free(struct flows *f)
{
	for (size_t i = 0; i < FLOWS_KINDS; i++)
		free(f->kind[i].at);
	memset(f, 0, sizeof(*f));
}

const char *flow_text(const struct flow *f, char buf[static FLOW_TEXT])
{
	char src[TEXT_ENDPOINT], dst[TEXT_ENDPOINT];

	snprintf(buf, FLOW_TEXT, "%s %s -> %s", f->proto == IPPROTO_TCP ? "tcp" : "udp",
		 text_endpoint(&f->src, src), text_endpoint(&f->dst, dst));
	return buf;
}

json_t *flow_json(const struct flow *f)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:i, s:i}",
			 "protocol", f->proto == IPPROTO_TCP ? "tcp" : "udp",
			 "source", json_endpoint(&f->src), "destination", json_endpoint(&f->dst),
			 "reply_source", json_endpoint(&f->rsrc),
			 "reply_destination", json_endpoint(&f->rdst),
			 "helper", f->helper, "timeout", (int)f->timeout, "zone", (int)f->zone);
}
