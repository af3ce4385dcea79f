/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>

#include "address.h"

socklen_t address_of(const struct endpoint *e, union address *a)
{
	memset(a, 0, sizeof(*a));
	if (e->len == 4) {
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons(e->port);
		memcpy(&a->in.sin_addr, e->addr, 4);
		return sizeof(a->in);
	}
	a->in6.sin6_family = AF_INET6;
	a->in6.sin6_port = htons(e->port);
	memcpy(&a->in6.sin6_addr, e->addr, 16);
	return sizeof(a->in6);
}

bool address_endpoint(const struct sockaddr *sa, struct endpoint *e)
{
	const union address *a = (const void *)sa;

	memset(e, 0, sizeof(*e));
	if (sa && sa->sa_family == AF_INET) {
		e->len = 4;
		e->port = ntohs(a->in.sin_port);
		memcpy(e->addr, &a->in.sin_addr, 4);
	} else if (sa && sa->sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr)) {
		e->len = 16;
		e->port = ntohs(a->in6.sin6_port);
		memcpy(e->addr, &a->in6.sin6_addr, 16);
	}
	return e->len;
}

bool address_of_host(const struct sip_host *h, struct endpoint *e)
{
	if (h->kind != SIP_HOST_IP4 && h->kind != SIP_HOST_IP6)
		return false;
	*e = (struct endpoint){ .len = h->kind == SIP_HOST_IP4 ? 4 : 16,
				.port = h->port_num ? h->port_num : SIP_PORT };
	memcpy(e->addr, h->addr, e->len);
	return true;
}
