/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "config.h"
#include "gruu.h"
#include "location.h"
#include "passive.h"
#include "proxy_device.h"
#include "proxy_dialog.h"
#include "proxy_way.h"
#include "push_phone.h"
#include "relayed.h"
#include "screen.h"
#include "sip/aor.h"
#include "udp_route.h"
#include "upstream.h"
#include "uri_text.h"
#include "zone.h"

/* ---- flows and hops ---- */

static struct sip_end end_of(const struct endpoint *e)
{
	struct sip_end out = { .port = e->port };

	out.kind = e->len == 4 ? SIP_HOST_IP4 : e->len == 16 ? SIP_HOST_IP6 : SIP_HOST_NONE;
	memcpy(out.addr, e->addr, e->len);
	return out;
}

struct endpoint way_endpoint(const struct sip_end *e)
{
	struct endpoint out = { .port = e->port };

	out.len = e->kind == SIP_HOST_IP4 ? 4 : e->kind == SIP_HOST_IP6 ? 16 : 0;
	memcpy(out.addr, e->addr, out.len);
	return out;
}

struct sip_hop way_hop(const struct sip_flow *f)
{
	return (struct sip_hop){ .local = end_of(&f->local), .remote = end_of(&f->remote),
				 .ifindex = f->ifindex, .transport = f->transport,
				 .zone = f->zone };
}

struct sip_flow way_flow(const struct sip_hop *h)
{
	return (struct sip_flow){ .local = way_endpoint(&h->local),
				  .remote = way_endpoint(&h->remote), .ifindex = h->ifindex,
				  .transport = h->transport, .zone = h->zone };
}

/* ---- what is ours ---- */

static bool is_us(const struct sip_end *e)
{
	struct endpoint at = way_endpoint(e);

	return transport_is_us(&at);
}

/* Without a port the one is meant that the request came to. */
bool way_ours(void *arg, const u8 *buf, const struct sip_host *h)
{
	const struct rx *rx = arg;
	struct sip_end e;

	if (h->kind == SIP_HOST_NAME)
		return (!h->port_num || h->port_num == SIP_PORT ||
			h->port_num == rx->flow.local.port) &&
		       config_domain(config_now(), (const char *)buf + h->host.off, h->host.len);
	if (!sip_end_of(h, &e))
		return false;
	if (is_us(&e))
		return true;
	e.port = rx->flow.local.port;
	return !h->port_num && is_us(&e);
}

static const struct domain *first_main(const struct config *c)
{
	for (size_t i = 0; i < c->n_domains; i++)
		if (c->domains[i].mode == REGISTRAR_MAIN)
			return &c->domains[i];
	return NULL;
}

/* Whose user is asked for: a name of ours, or our address, which is the first main domain's. */
static const struct domain *domain_of(const struct rx *rx, const struct sip_uri *u)
{
	if (u->host.kind == SIP_HOST_NAME)
		return config_domain(config_now(), (const char *)rx->buf + u->host.host.off,
				     u->host.host.len);
	return first_main(config_now());
}

/* ---- the search ---- */

struct search {
	const struct rx *rx;
	const struct sip_relay *r;
	const struct sip_relay_look *l;
	struct way *w;
};

static bool give(struct search *s, uint16_t code, const char *warning)
{
	s->w->code = code;
	s->w->warning = warning;
	return true;
}

/* A peer by its address alone: by which of ours, and on which side, the routes say. */
static bool go_to(struct search *s, const struct sip_end *peer, const struct sip_end *exit)
{
	struct endpoint remote = way_endpoint(peer), local = { 0 };
	struct sip_hop *to = &s->w->to;
	uint32_t ifindex = 0;

	if (is_us(peer))
		return give(s, 482, NULL);
	if (udp_route(&remote, &local, &ifindex))
		return give(s, 503, "no route to the next hop");
	*to = (struct sip_hop){ .remote = *peer, .transport = SIP_T_UDP };
	to->zone = zone_of(config_now(), ifindex, &remote);
	if (exit && exit->kind == peer->kind && is_us(exit)) {
		to->local = *exit;
		return true;
	}
	to->local = end_of(&local);
	to->local.port = s->rx->flow.local.port;
	return true;
}

/* The peer that our Record-Route names, and the address of ours on its side. */
static bool go_back(struct search *s)
{
	const struct sip_token *t = &s->l->route;
	bool found;

	found = go_to(s, &t->end, &s->l->exit);
	s->w->to.zone = t->zone;
	if (t->ifindex)
		s->w->to.ifindex = t->ifindex;
	return found;
}

static const struct sip_end *exit_of(const struct search *s)
{
	return s->l->dialog ? &s->l->exit : NULL;
}

static bool has_peer(const struct search *s)
{
	return s->l->dialog && s->l->route.end.kind != SIP_HOST_NONE;
}

bool way_named(const u8 *buf, const struct sip_uri *u, struct sip_end *peer)
{
	struct sip_host h = { 0 };
	struct sip_param p;

	if (!sip_uri_param(buf, u, "maddr", &p))
		return sip_end_of(&u->host, peer);
	if (sip_host_lone(buf, p.value, &h))
		return false;
	h.port_num = u->host.port_num;
	return sip_end_of(&h, peer);
}

/* @u is in @buf. Names are for the resolver, which is not here yet. */
static bool go_to_host(struct search *s, const u8 *buf, const struct sip_uri *u)
{
	struct sip_end peer;

	if (u->scheme == SIP_URI_SIPS)
		return give(s, 416, NULL);
	if (!uri_by_udp(buf, u))
		return give(s, 503, "only UDP is spoken");
	if (way_named(buf, u, &peer))
		return go_to(s, &peer, exit_of(s));
	if (has_peer(s))
		return go_back(s);
	return give(s, 404, "names of hosts are not looked up");
}

/* To somebody else's host: in a dialog of ours, or where the admin lets requests pass (C08). */
static bool go_out(struct search *s, const struct sip_uri *u)
{
	if (!s->l->dialog && config_now()->foreign != FOREIGN_RELAY)
		return give(s, 403, NULL);
	go_to_host(s, s->rx->buf, u);
	if (!s->w->code && sip_relay_strays(s->r, &s->w->to.remote,
					    s->w->to.zone == ZONE_INSIDE))
		give(s, 403, NULL);
	return true;
}

static bool by_route(struct search *s)
{
	return s->l->has_next && go_out(s, &s->l->next.uri);
}

static void set_target(struct search *s, const char *uri, uint32_t len)
{
	if (len <= sizeof(s->w->target)) {
		memcpy(s->w->target, uri, len);
		s->w->target_len = len;
	}
}

static bool put(struct search *s, const char *text, uint32_t len)
{
	if (len > WAY_URI - s->w->target_len)
		return false;
	memcpy(s->w->target + s->w->target_len, text, len);
	s->w->target_len += len;
	return true;
}

/*
 * The Request-URI with another host and port, and without a token of ours: user and parameters
 * are kept (RFC 6140).
 */
static bool set_host(struct search *s, const char *host, uint32_t len)
{
	const struct sip_uri *u = &s->l->ruri;
	const char *text = (const char *)s->rx->buf;
	uint32_t behind = sip_str_end(u->host.all), end = sip_str_end(u->all);
	struct sip_str cut = s->l->has_contact ? s->l->contact.at : sip_slice(end, end);

	s->w->target_len = 0;
	if (put(s, text + u->all.off, u->host.all.off - u->all.off) && put(s, host, len) &&
	    put(s, text + behind, cut.off - behind) &&
	    put(s, text + sip_str_end(cut), end - sip_str_end(cut)))
		return true;
	s->w->target_len = 0;
	return give(s, 414, NULL);
}

static bool by_dialog(struct search *s)
{
	return s->rx->msg.to_tag.len &&
	       dialog_find(s->rx, &s->w->to, s->w->target, sizeof(s->w->target),
			   &s->w->target_len);
}

/* False: it leads to ourselves. */
static bool along(struct search *s, const struct contact *c)
{
	s->w->to = way_hop(&c->flow);
	return !is_us(&s->w->to.remote);
}

/* A device that is registered, and wrote this Contact's host and port. */
static bool by_device(struct search *s)
{
	const struct sip_token *t = &s->l->contact;
	const struct contact *c = t->flags & SIP_TOKEN_HASH ? device_find(t->hash) : NULL;
	struct sip_uri u;

	if (!c || c->flow.transport != SIP_T_UDP || !uri_of_text(c->uri, &u))
		return false;
	if (!along(s, c))
		return give(s, 482, NULL);
	return set_host(s, c->uri + u.host.all.off, u.host.all.len);
}

/*
 * A Contact that was not at the address it was sent from, and no Route: where its dialog is known
 * to be; else the host that it names, which must be on the side that it came from.
 */
static bool by_far_token(struct search *s)
{
	const struct sip_token *t = &s->l->contact;

	if (by_dialog(s) || by_device(s))
		return true;
	if (t->end.kind == SIP_HOST_NONE || !go_to(s, &t->end, exit_of(s)))
		return false;
	return s->w->code || s->w->to.zone == t->zone || give(s, 404, NULL);
}

/* ---- users ---- */

/* What asks for sips does not go on by UDP (RFC 3261 26.2.2). */
static bool is_secure(const struct search *s)
{
	return s->l->ruri.scheme == SIP_URI_SIPS;
}

static bool can_carry(const struct search *s, const struct contact *c)
{
	return c->flow.transport == SIP_T_UDP && !is_secure(s) && strncasecmp(c->uri, "sips:", 5);
}

/*
 * RFC 6140 7.1: a Contact with "bnc" is for all numbers of a PBX. It gets the user that is asked
 * for, and loses the mark. False: it is an ordinary one.
 */
static bool set_bulk(struct search *s, const char *uri)
{
	const struct sip_str user = s->l->ruri.user;
	uint32_t len = (uint32_t)strlen(uri), end;
	struct sip_param bnc;
	struct sip_uri u;

	if (!uri_of_text(uri, &u) || !uri_is_bulk(uri, &u, &bnc))
		return false;
	end = sip_str_end(bnc.all);
	s->w->target_len = 0;
	if (put(s, uri, u.has_user ? u.user.off : u.host.all.off) &&
	    put(s, (const char *)s->rx->buf + user.off, user.len) && put(s, "@", user.len > 0) &&
	    put(s, uri + u.host.all.off, bnc.all.off - 1 - u.host.all.off) &&
	    put(s, uri + end, len - end))
		return true;
	s->w->target_len = 0;
	return give(s, 414, NULL);
}

/* False: it is too long. */
static bool set_path(struct search *s, const struct contact *c)
{
	size_t path = c->path ? strlen(c->path) : 0;

	if (path > sizeof(s->w->path))
		return false;
	if (path)
		memcpy(s->w->path, c->path, path);
	s->w->path_len = (uint32_t)path;
	return true;
}

static bool go_to_contact(struct search *s, const struct contact *c)
{
	if (!along(s, c))
		return give(s, 482, NULL);
	if (!set_path(s, c) || strlen(c->uri) > sizeof(s->w->target))
		return give(s, 480, NULL);
	if (!set_bulk(s, c->uri))
		set_target(s, c->uri, (uint32_t)strlen(c->uri));
	return true;
}

/* What belongs to something that goes on is not kept waiting for a phone to wake up. */
static bool may_wait(const struct search *s)
{
	const struct sip_msg *m = &s->rx->msg;

	return !m->to_tag.len && m->method != SIP_M_ACK && m->method != SIP_M_CANCEL;
}

static bool wait_for(struct search *s, const struct contact *c, bool only)
{
	s->w->asleep = c;
	s->w->only = only;
	return give(s, 480, NULL);
}

/*
 * The first that can be used: they stand in the order of q, then the newest. Who sleeps is woken
 * only where nobody is awake.
 */
static bool at_location(struct search *s, const char *aor, uint32_t len)
{
	const struct aor *found = location_find(aor, len);
	const struct contact *asleep = NULL;

	for (const struct contact *c = found ? found->contacts : NULL; c; c = c->next) {
		if (!can_carry(s, c))
			continue;
		if (!may_wait(s) || !push_asleep(c))
			return go_to_contact(s, c);
		if (!asleep)
			asleep = c;
	}
	return asleep ? wait_for(s, asleep, false) : found && give(s, 480, NULL);
}

/* A caller whom the user does not want: strangers must not tell that he is there by it. */
static bool by_screen(struct search *s, const char *aor, uint32_t len)
{
	uint16_t code = screen_request(s->rx, aor, len);

	s->w->uniform = code;
	return code && give(s, code, NULL);
}

/* A number as it is registered: without what only eyes need (RFC 3966 5.1.1). */
static uint32_t number_aor(const struct search *s, const struct domain *d, char *out)
{
	const struct sip_str *user = &s->l->ruri.user;
	size_t domain = strlen(d->name);
	uint32_t n = 0;

	for (uint32_t i = 0; i < user->len; i++) {
		uint8_t c = s->rx->buf[user->off + i];

		if (c == '-' || c == '.' || c == '(' || c == ')')
			continue;
		if (n + domain + 2 > SIP_AOR_MAX)
			return 0;
		out[n++] = (char)c;
	}
	if (!n || n + 1 + domain > SIP_AOR_MAX)
		return 0;
	out[n++] = '@';
	memcpy(out + n, d->name, domain);
	return n + (uint32_t)domain;
}

/* An alias, or a user who is nowhere, or nobody. */
static bool by_user(struct search *s, char *aor, uint32_t len, const struct domain *d)
{
	char *at = memchr(aor, '@', len);
	struct user user;
	int n;

	aor[len] = 0;
	*at = 0;
	s->w->uniform = true;
	switch (auth_user(aor, d->name, &user)) {
	case 0:
		break;
	case -ENOENT:
		return give(s, 404, NULL);
	default:
		return give(s, 503, NULL);
	}
	if (user.flags & USER_DISABLED)
		return give(s, 404, NULL);
	if (strcmp(user.name, aor)) {
		n = snprintf(aor, SIP_AOR_MAX + 1, "%s@%s", user.name, user.domain);
		if (n > 0 && n <= SIP_AOR_MAX && at_location(s, aor, (uint32_t)n))
			return true;
	}
	return give(s, 480, NULL);
}

/* The server itself asks us only for who registered there through us. */
static bool in_relay_domain(struct search *s, const struct domain *d)
{
	struct sip_uri u;

	if (is_secure(s))
		return give(s, 416, NULL);
	if (!uri_of_text(d->relay, &u))
		return give(s, 500, NULL);
	return go_to_host(s, (const u8 *)d->relay, &u);
}

/* False: its address is not known. */
static bool go_to_registrar(struct search *s, const struct domain *d)
{
	struct endpoint e;
	struct sip_end peer;

	if (is_secure(s))
		return give(s, 416, NULL);
	if (!upstream_registrar(d, s->rx->flow.remote.len, &e))
		return false;
	peer = end_of(&e);
	return go_to(s, &peer, exit_of(s));
}

static bool by_location(struct search *s)
{
	const struct sip_uri *u = &s->l->ruri;
	const struct domain *d = domain_of(s->rx, u);
	char aor[SIP_AOR_MAX + 1];
	uint32_t len;

	if (!d)
		return give(s, 404, NULL);
	if (d->mode == REGISTRAR_RELAY && !upstream_is_registrar(d, &s->rx->flow.remote))
		return in_relay_domain(s, d);
	len = u->scheme == SIP_URI_TEL ? number_aor(s, d, aor) :
		sip_aor_print_at(s->rx->buf, u, d->name, (u32)strlen(d->name), (u8 *)aor);
	if (!len)
		return give(s, 404, NULL);
	if (by_screen(s, aor, len) || at_location(s, aor, len))
		return true;
	s->w->uniform = true;
	if (d->mode == REGISTRAR_MAIN)
		return by_user(s, aor, len, d);
	if (d->mode == REGISTRAR_RELAY)
		return give(s, 480, NULL);
	/* who else exists there, only its own registrar knows: it is asked from inside */
	if (s->rx->flow.zone == ZONE_INSIDE && u->scheme != SIP_URI_TEL)
		return go_to_registrar(s, d) || go_to_host(s, s->rx->buf, u);
	return give(s, 480, NULL);
}

/*
 * The Request-URI stays what the phone's credentials were made for; our address means nothing to
 * the registrar.
 */
static bool by_registrar(struct search *s)
{
	const struct domain *d = upstream_domain(s->rx);
	uint32_t len;

	if (!d || s->l->has_next)
		return false;
	if (!go_to_registrar(s, d))
		return give(s, 503, "the address of the registrar is not known");
	len = (uint32_t)strlen(d->name);
	if (s->l->ruri.host.kind == SIP_HOST_NAME ||
	    !way_ours((void *)s->rx, s->rx->buf, &s->l->ruri.host))
		return true;
	return (put(s, "sip:", 4) && put(s, d->name, len)) || give(s, 414, NULL);
}

/* ---- what has lost its token, and trunks ---- */

/* Our Record-Route came back, and the Contact's token did not. */
static bool by_peer(struct search *s)
{
	return s->l->lost && go_back(s);
}

const struct contact *way_trunk(const struct rx *rx)
{
	const struct contact *c = rx->msg.to_tag.len ? NULL : passive_trunk(rx);

	return c || rx->msg.to_tag.len ? c : relayed_find(rx);
}

static bool by_trunk(struct search *s)
{
	const struct contact *c = way_trunk(s->rx);
	struct sip_uri u;

	if (!c || !can_carry(s, c) || !uri_of_text(c->uri, &u))
		return false;
	if (!along(s, c))
		return give(s, 482, NULL);
	if (!set_path(s, c))
		return give(s, 480, NULL);
	return set_host(s, c->uri + u.host.all.off, u.host.all.len);
}

static bool by_token(struct search *s)
{
	const struct sip_token *t = &s->l->contact;
	bool adjacent = t->flags & SIP_TOKEN_ADJACENT && t->end.kind != SIP_HOST_NONE;
	bool found;

	if (!s->l->has_contact)
		return false;
	if (has_peer(s) && (!adjacent || sip_end_equal(&t->end, &s->l->route.end)))
		return go_back(s);
	if (!adjacent)
		return by_trunk(s) || by_far_token(s);
	found = go_to(s, &t->end, exit_of(s));
	s->w->to.zone = t->zone;
	return found;
}

/* ---- one device of a user: RFC 5627 6.1 ---- */

static bool is_for_us(const struct search *s)
{
	return s->l->ruri.scheme == SIP_URI_TEL ||
	       way_ours((void *)s->rx, s->rx->buf, &s->l->ruri.host);
}

/*
 * In a dialog a Contact's token is followed: it leads to whom the dialog is with, and the domain of
 * a GRUU behind it is not known.
 */
static bool is_gruu(const struct search *s)
{
	const struct sip_uri *u = &s->l->ruri;
	const struct domain *d;
	struct sip_param gr;

	if (!sip_uri_param(s->rx->buf, u, "gr", &gr) || u->scheme == SIP_URI_TEL ||
	    !is_for_us(s) || (s->l->has_contact && s->l->dialog))
		return false;
	d = domain_of(s->rx, u);
	return d && d->mode == REGISTRAR_MAIN;
}

/* Where the device is now, or a code. */
static bool by_gruu(struct search *s)
{
	const struct sip_uri *u = &s->l->ruri;
	const struct contact *c;
	uint16_t code = gruu_find(s->rx->buf, u, domain_of(s->rx, u), &c);

	if (!code && by_screen(s, c->aor->name, c->aor->len))
		return true;
	if (!code && can_carry(s, c))
		return may_wait(s) && push_asleep(c) ? wait_for(s, c, true) : go_to_contact(s, c);
	s->w->uniform = true;
	return give(s, code ? code : 480, NULL);
}

/* ---- all of it ---- */

/* Who was told to send all to us need not bring our Route. */
static void elsewhere(struct search *s)
{
	if (s->l->dialog || !by_dialog(s))
		go_out(s, &s->l->ruri);
}

void way_find(const struct rx *rx, const struct sip_relay *r, struct way *w)
{
	struct search s = { .rx = rx, .r = r, .l = &r->look, .w = w };
	bool gruu;

	memset(w, 0, offsetof(struct way, target));
	if (by_registrar(&s) || by_route(&s))
		return;
	gruu = is_gruu(&s);
	if (gruu && by_gruu(&s) && (!w->code || w->asleep))
		return;
	/* a device that is away: in a dialog its peer is left */
	w->code = 0;
	if (by_token(&s) || by_trunk(&s))
		return;
	if (!is_for_us(&s))
		elsewhere(&s);
	else if (!by_peer(&s) && !by_dialog(&s) && (!gruu || !by_gruu(&s)))
		by_location(&s);
}
