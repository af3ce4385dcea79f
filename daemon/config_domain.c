/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose domain a name is; apart from config.c, so that the command does without the transports. */
#include <string.h>
#include <strings.h>

#include "config.h"
#include "text.h"
#include "transport.h"

static int compare(const char *name, size_t len, const struct domain *d)
{
	size_t n = strlen(d->name);
	int order = strncasecmp(name, d->name, n < len ? n : len);

	return order ? order : (len > n) - (len < n);
}

/* C06: an address of ours, with any port that we listen at. */
static bool is_us(const struct config *c, const char *name, size_t len)
{
	struct endpoint e = { 0 };
	struct prefix p;
	char host[64];

	if (len && *name == '[' && name[len - 1] == ']') {
		name++;
		len -= 2;
	}
	if (!len || len >= sizeof(host) || memchr(name, '/', len))
		return false;
	memcpy(host, name, len);
	host[len] = 0;
	if (!text_read_prefix(host, &p))
		return false;
	e.len = p.len;
	memcpy(e.addr, p.addr, sizeof(e.addr));
	for (size_t i = 0; i < c->n_listen; i++) {
		e.port = c->listen[i].port;
		if (c->listen[i].len == e.len && transport_is_us(&e))
			return true;
	}
	return false;
}

static const struct domain *first_main(const struct config *c)
{
	for (size_t i = 0; i < c->n_domains; i++)
		if (c->domains[i].mode == REGISTRAR_MAIN)
			return &c->domains[i];
	return NULL;
}

const struct domain *config_domain(const struct config *c, const char *name, size_t len)
{
	size_t low = 0, high = c->n_domains;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare(name, len, c->by_name[middle]);

		if (!order)
			return c->by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return is_us(c, name, len) ? first_main(c) : NULL;
}
