/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A router for the tests of the proxy: 192.168.1.1 inside, 203.0.113.1 outside, no sockets. What
 * the proxy sends stands in world_sent[]; who is let in, and which users exist, the test says.
 */
#ifndef TESTS_DAEMON_PROXY_WORLD_H
#define TESTS_DAEMON_PROXY_WORLD_H

#include <errno.h>
#include <strings.h>
#include <time.h>

#include "access.h"
#include "location.h"
#include "passive.h"
#include "places.h"
#include "proxy.h"
#include "rx.h"
#include "txn.h"
#include "udp.h"
#include "udp_route.h"
#include "zone.h"

#define SENT_MAX 64
static struct sent world_sent[SENT_MAX];
static unsigned int world_n;
static uint16_t world_access;		/* code of access_request() */
static bool world_disowned;
static unsigned int world_asked;	/* how often it was */
static bool world_no_route;
static const struct contact *world_trunk;
static struct domain world_domains[3];
static struct config world_config = { .domains = world_domains, .n_domains = 3,
				      .max_message = 65535 };

/* 192.168.1.0/24 and fd00::/16 are inside. */
static inline bool inside(const struct endpoint *e)
{
	return e->len == 16 ? e->addr[0] == 0xfd : e->addr[0] == 192 && e->addr[1] == 168;
}

static inline struct endpoint own_at(const struct endpoint *peer)
{
	if (peer->len == 16)
		return inside(peer) ? at6("fd00::1", 5060) : at6("2001:db8::1", 5060);
	return inside(peer) ? at4("192.168.1.1", 5060) : at4("203.0.113.1", 5060);
}

static inline struct sip_flow flow_of(struct endpoint peer)
{
	return (struct sip_flow){ .local = own_at(&peer), .remote = peer, .ifindex = 2,
				  .transport = SIP_T_UDP,
				  .zone = inside(&peer) ? ZONE_INSIDE : ZONE_OUTSIDE };
}

/* ---- what the proxy stands on ---- */

int udp_send(const struct sip_flow *flow, const void *buf, uint32_t len)
{
	struct sent *s = &world_sent[world_n % SENT_MAX];

	if (len > sizeof(s->text) - 1)
		return -EMSGSIZE;
	s->flow = *flow;
	s->len = len;
	memcpy(s->text, buf, len);
	s->text[len] = 0;
	world_n++;
	return 0;
}

bool udp_has(const struct endpoint *e)
{
	struct endpoint own[] = { at4("192.168.1.1", 5060), at4("203.0.113.1", 5060),
				  at6("fd00::1", 5060), at6("2001:db8::1", 5060) };

	for (size_t i = 0; i < 4; i++)
		if (endpoint_equal(&own[i], e))
			return true;
	return false;
}

int udp_route(const struct endpoint *remote, struct endpoint *local, uint32_t *ifindex)
{
	*local = own_at(remote);
	*ifindex = inside(remote) ? 2 : 3;
	return world_no_route ? -ENETUNREACH : 0;
}

uint8_t zone_of(const struct config *c, uint32_t ifindex, const struct endpoint *remote)
{
	(void)c;
	(void)ifindex;
	return inside(remote) ? ZONE_INSIDE : ZONE_OUTSIDE;
}

const struct config *config_now(void)
{
	return &world_config;
}

const struct domain *config_domain(const struct config *c, const char *name, size_t len)
{
	for (size_t i = 0; i < c->n_domains; i++)
		if (strlen(c->domains[i].name) == len &&
		    !strncasecmp(c->domains[i].name, name, len))
			return &c->domains[i];
	return NULL;
}

void access_request(const struct rx *rx, struct access *a)
{
	(void)rx;
	memset(a, 0, sizeof(*a));
	a->code = world_access;
	a->challenge = a->code == 407;
	a->disowned = world_disowned;
	world_asked++;
}

bool access_trusted(const struct endpoint *source)
{
	return source->addr[0] == 198;
}

void auth_challenge(struct reply *r, const struct auth *a)
{
	(void)r;
	(void)a;
}

/* bob exists, robert is his alias; carol is switched off; the store cannot tell about dave. */
int auth_user(const char *name, const char *domain, struct user *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->domain, sizeof(out->domain), "%s", domain);
	snprintf(out->name, sizeof(out->name), "%s", strcmp(name, "robert") ? name : "bob");
	if (!strcmp(name, "carol"))
		out->flags = USER_DISABLED;
	if (!strcmp(name, "dave"))
		return -EIO;
	return strcmp(out->name, "bob") && strcmp(name, "carol") ? -ENOENT : 0;
}

/* bob is 1, carol 2; nobody can tell about 4. */
int auth_user_by_id(uint64_t id, struct user *out)
{
	static const char *const names[] = { "nobody", "bob", "carol", "nobody", "dave" };

	return auth_user(names[id < 5 ? id : 0], "office.example", out);
}

const struct contact *passive_trunk(const struct rx *rx)
{
	(void)rx;
	return world_trunk;
}

/* Of voip.example, where the module saw it. */
static struct endpoint world_registrar;

bool passive_registrar(const struct domain *d, uint8_t len, struct endpoint *out)
{
	*out = world_registrar;
	return d->mode == REGISTRAR_PASSIVE && out->len == len;
}

/* Third hosts are at 192.0.2.0/24. */
bool access_contact(const struct rx *rx, const struct sip_nameaddr *contact)
{
	(void)rx;
	return contact->star || contact->uri.host.addr[0] != 192 || contact->uri.host.addr[1];
}

bool prefix_has(const struct prefix *p, const struct endpoint *e)
{
	return p->len == e->len && !memcmp(p->addr, e->addr, p->bits / 8);
}

/* ---- for the tests ---- */

static inline void world_open(void)
{
	world_domains[0] = (struct domain){ .name = "office.example", .realm = "office.example",
					    .mode = REGISTRAR_MAIN };
	world_domains[1] = (struct domain){ .name = "voip.example", .realm = "voip.example",
					    .mode = REGISTRAR_PASSIVE };
	world_domains[2] = (struct domain){ .name = "pbx.example", .realm = "pbx.example",
					    .mode = REGISTRAR_RELAY, .relay = "sip:192.168.1.200:5070" };
	loop_set_now(1000);
	proxy_key_set((const uint8_t *)"0123456789abcdef", NULL);
	location_load(NULL);
}

static inline void world_close(void)
{
	proxy_free();
	txn_free_all();
	location_free();
}

static inline void committed(int result, void *arg)
{
	(void)arg;
	if (result)
		T_OK(false, "commit: %d", result);
}

/* The only contact of a user from now on. @uri NULL: none. */
static inline void world_locate(const char *aor, const char *uri, struct endpoint at)
{
	struct aor *a = location_find(aor, strlen(aor));
	struct contact c = { .flow = flow_of(at), .uri = (char *)uri, .call_id = "reg", .q = 1000,
			     .until = ((uint64_t)time(NULL) + 3600) * 1000 };
	uint64_t drop[16];
	struct location_change change = { .aor = aor, .put = &c, .n_put = uri ? 1 : 0,
					  .drop = drop };

	for (struct contact *i = a ? a->contacts : NULL; i && change.n_drop < 16; i = i->next)
		drop[change.n_drop++] = i->id;
	if ((change.n_put || change.n_drop) && location_commit(&change, committed, NULL))
		T_OK(false, "%s is located", aor);
}

/* Hands a message to the proxy as it comes from @peer. Returns how many were sent for it. */
static inline unsigned int world_give(struct endpoint peer, const void *text, uint32_t len)
{
	static struct made m;
	struct txn *t = NULL;
	unsigned int before = world_n;

	if (len > sizeof(m.text))
		return 0;
	memcpy(m.text, text, len);
	m.rx = (struct rx){ .flow = flow_of(peer), .buf = (uint8_t *)m.text, .len = len,
			    .now = loop_now() };
	if (sip_msg_parse(&m.rx.msg, m.rx.buf, len, SIP_DATAGRAM) != SIP_OK) {
		T_OK(false, "does not parse (%s): %.*s", sip_bad_text(m.rx.msg.bad), (int)len,
		     (const char *)text);
		return 0;
	}
	if (!m.rx.msg.request)
		proxy_response(&m.rx);
	else if (txn_begin(&m.rx, &t) == TXN_NEW)
		proxy_request(&m.rx, t);
	return world_n - before;
}

static inline struct sent *world_last(void)
{
	return &world_sent[(world_n - 1) % SENT_MAX];
}

#endif
