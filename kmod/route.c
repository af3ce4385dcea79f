// SPDX-License-Identifier: GPL-2.0-only
#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/route.h>

#include "parties.h"
#include "route.h"

void cg_route_end(struct sip_end *end, const struct cg_ep *ep)
{
	memset(end, 0, sizeof(*end));
	memcpy(end->addr, &ep->addr, sizeof(end->addr));
	end->port = ntohs(ep->port);
	end->kind = ep->family == NFPROTO_IPV4 ? SIP_HOST_IP4 : SIP_HOST_IP6;
}

void cg_route_ep(struct cg_ep *ep, const struct sip_end *end)
{
	cg_ep_make(ep, end->kind == SIP_HOST_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6, IPPROTO_UDP,
		   end->addr, end->port);
}

static bool is_local(struct net *net, const struct cg_ep *ep)
{
	if (ep->family == NFPROTO_IPV4)
		return inet_addr_type(net, ep->addr.ip) == RTN_LOCAL;
#if IS_ENABLED(CONFIG_IPV6)
	return ipv6_chk_addr(net, &ep->addr.in6, NULL, 0);
#else
	return false;
#endif
}

bool cg_route_ours(void *arg, const u8 *buf, const struct sip_host *h)
{
	const struct cg_fwd *f = arg;
	struct sip_end end;
	struct cg_ep ep;

	if (!sip_end_of(h, &end))
		return cg_attach_has_port(f->gate, htons(h->port_num ?: SIP_PORT)) &&
		       cg_rules_domain(f->rules, buf + h->host.off, h->host.len);
	cg_route_ep(&ep, &end);
	if (cg_ep_equal(&ep, &f->in.local))
		return true;
	return cg_attach_has(f->gate, &ep) && is_local(f->gate->cn->net, &ep);
}

/* A SIP URI that UDP leads to: not sips, no other transport, no maddr. */
static bool is_plain(const u8 *buf, const struct sip_uri *uri)
{
	struct sip_param p;

	if (uri->scheme != SIP_URI_SIP || uri->headers.len)
		return false;
	if (sip_uri_param(buf, uri, "transport", &p) && !SIP_IS(buf, p.value, "udp"))
		return false;
	return !sip_uri_param(buf, uri, "maddr", &p);
}

static bool end_of_uri(const struct cg_fwd *f, const struct sip_uri *uri, struct sip_end *end)
{
	return is_plain(f->data, uri) && sip_end_of(&uri->host, end);
}

/* A GRUU (RFC 5627) is one device of a user: which of the contacts is the daemon's knowledge. */
static bool is_gruu(const struct cg_fwd *f)
{
	struct sip_param p;

	return sip_uri_param(f->data, &f->relay.look.ruri, "gr", &p);
}

/* What only the daemon knows is left to it, if there is one. */
static bool has_daemon(const struct cg_fwd *f)
{
	return READ_ONCE(f->gate->daemon);
}

static bool is_for_us(const struct cg_fwd *f)
{
	return cg_route_ours((void *)f, f->data, &f->relay.look.ruri.host);
}

/* ---- in a dialog that runs through us ---- */

/*
 * A Contact of ours: where it says, or where the dialog's peer is. Of one that is known by its hash
 * alone the flow is the daemon's knowledge, unless it is where the phone said.
 */
static bool end_of_contact(const struct cg_fwd *f, struct sip_end *end)
{
	const struct sip_token *t = &f->relay.look.contact;

	if (t->flags & SIP_TOKEN_HASH && !(t->flags & SIP_TOKEN_ADJACENT) && has_daemon(f))
		return false;
	*end = f->relay.look.route.end;
	if (t->end.kind != SIP_HOST_NONE &&
	    (t->flags & SIP_TOKEN_ADJACENT || end->kind == SIP_HOST_NONE))
		*end = t->end;
	return end->kind != SIP_HOST_NONE;
}

/* sip/relay.h has the order. False: not by what the message says. */
static bool next_in_dialog(const struct cg_fwd *f, struct sip_end *end)
{
	const struct sip_relay_look *look = &f->relay.look;

	if (look->has_next)
		return end_of_uri(f, &look->next.uri, end);
	if (look->has_contact)
		return end_of_contact(f, end);
	if (!is_for_us(f))
		return end_of_uri(f, &look->ruri, end);
	*end = look->route.end;
	return end->kind != SIP_HOST_NONE && !(is_gruu(f) && has_daemon(f));
}

/* Our Route came back. */
static enum cg_fate by_route(struct cg_fwd *f)
{
	const struct sip_relay_look *look = &f->relay.look;
	struct cg_way *way = &f->way;
	struct sip_end end;
	bool inside;

	if (look->exit.kind == SIP_HOST_NONE || !next_in_dialog(f, &end))
		return cg_up(f, CG_R_UP_ROUTE);
	cg_route_ep(&way->to.local, &look->exit);
	cg_route_ep(&way->to.remote, &end);
	if (way->to.local.family != way->to.remote.family ||
	    !cg_attach_has(f->gate, &way->to.local))
		return cg_up(f, CG_R_UP_ROUTE);
	way->to.ifindex = look->route.ifindex;
	inside = cg_rules_inside(f->rules, &way->to.remote, way->to.ifindex);
	if ((look->has_next || !look->has_contact) && sip_relay_strays(&f->relay, &end, inside))
		return cg_up(f, CG_R_UP_POLICY);
	way->zone = inside ? SIP_ZONE_INSIDE : look->route.zone;
	way->ntarget = 0;
	return CG_SENT;
}

/* The token says what the peer wrote, and perhaps where it is; else it wrote what is known. */
static bool has_target(struct cg_fwd *f)
{
	const struct sip_relay_look *look = &f->relay.look;
	const struct sip_token *t = &look->contact;
	struct sip_end peer;

	if (!look->has_contact)
		return f->way.ntarget || !is_for_us(f);
	if (!(t->flags & SIP_TOKEN_ADJACENT) || t->end.kind == SIP_HOST_NONE)
		return true;
	cg_route_end(&peer, &f->way.to.remote);
	f->way.ntarget = 0;
	return sip_end_equal(&t->end, &peer);
}

/* No Route of ours: to the other party of a dialog that began here. */
static bool by_parties(struct cg_fwd *f)
{
	if (f->relay.look.has_next || (is_gruu(f) && is_for_us(f) && has_daemon(f)))
		return false;
	if (!cg_parties_find(f) || !has_target(f) || !cg_attach_has(f->gate, &f->way.to.local))
		return false;
	cg_count(f->gate->cn, CG_R_FWD_KNOWN);
	return true;
}

/* What is not taken is left to the daemon, but for what it does not know. */
static enum cg_fate in_dialog(struct cg_fwd *f)
{
	if (!f->relay.look.dialog && by_parties(f))
		return CG_SENT;
	if (!(f->rules->take & CALLGATE_TAKE_DIALOG))
		return cg_up(f, CG_R_UP_OFF);
	return f->relay.look.dialog ? by_route(f) : cg_up(f, CG_R_UP_ROUTE);
}

/* ---- new ---- */

static u32 method_bit(u8 method)
{
	switch (method) {
	case SIP_M_INVITE:
		return CALLGATE_METHOD_INVITE;
	case SIP_M_MESSAGE:
		return CALLGATE_METHOD_MESSAGE;
	case SIP_M_OPTIONS:
		return CALLGATE_METHOD_OPTIONS;
	case SIP_M_NOTIFY:
		return CALLGATE_METHOD_NOTIFY;
	case SIP_M_SUBSCRIBE:
		return CALLGATE_METHOD_SUBSCRIBE;
	case SIP_M_REFER:
		return CALLGATE_METHOD_REFER;
	case SIP_M_PUBLISH:
		return CALLGATE_METHOD_PUBLISH;
	case SIP_M_INFO:
		return CALLGATE_METHOD_INFO;
	case SIP_M_OTHER:
		return CALLGATE_METHOD_OTHER;
	default:
		return 0;
	}
}

/* What a proxy must read, judge or remove. */
static bool asks_the_proxy(const struct cg_fwd *f)
{
	static const u8 headers[] = {
		SIP_H_PROXY_REQUIRE, SIP_H_PROXY_AUTHORIZATION, SIP_H_AUTHORIZATION,
		SIP_H_P_PREFERRED_IDENTITY, SIP_H_PRIVACY, SIP_H_REQUEST_DISPOSITION,
		SIP_H_ACCEPT_CONTACT, SIP_H_REJECT_CONTACT,
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(headers); i++)
		if (sip_msg_header(&f->msg, headers[i]))
			return true;
	return !f->inside && sip_msg_header(&f->msg, SIP_H_P_ASSERTED_IDENTITY);
}

/* Who claims to be one of our users has to prove it. */
static bool claims_to_be_ours(struct cg_fwd *f)
{
	struct sip_nameaddr from;

	if (!sip_msg_nameaddr(&f->msg, SIP_H_FROM, &from))
		return true;
	if (from.uri.scheme != SIP_URI_SIP && from.uri.scheme != SIP_URI_SIPS)
		return from.uri.scheme != SIP_URI_TEL;
	return from.uri.host.kind == SIP_HOST_NAME ?
	       cg_rules_domain(f->rules, f->data + from.uri.host.host.off,
			       from.uri.host.host.len) :
	       cg_route_ours(f, f->data, &from.uri.host);
}

static enum cg_fate admit(struct cg_fwd *f)
{
	u32 bit = f->inside ? CALLGATE_TAKE_INSIDE : CALLGATE_TAKE_OUTSIDE;

	if (!(f->rules->take & bit) || !(f->rules->methods & method_bit(f->msg.method)))
		return cg_up(f, CG_R_UP_OFF);
	if (asks_the_proxy(f) || (!f->inside && claims_to_be_ours(f)))
		return cg_up(f, CG_R_UP_POLICY);
	if (f->relay.look.has_next || f->relay.look.n_own || f->relay.look.has_contact ||
	    !is_plain(f->data, &f->relay.look.ruri) || is_gruu(f) || !is_for_us(f))
		return cg_up(f, CG_R_UP_ROUTE);
	return CG_SENT;
}

/* An address of ours stands for the first domain (C06). */
static bool name_user(struct cg_fwd *f)
{
	const struct sip_uri *uri = &f->relay.look.ruri;
	const char *domain;
	u32 len, n;

	if (uri->host.kind == SIP_HOST_NAME) {
		n = sip_aor_print(f->data, uri, f->aor);
	} else {
		domain = cg_rules_first_domain(f->rules, &len);
		n = domain ? sip_aor_print_at(f->data, uri, domain, len, f->aor) : 0;
	}
	f->naor = (u8)n;
	return n;
}

void cg_route_to(struct cg_fwd *f, const struct cg_location *loc)
{
	struct cg_way *way = &f->way;

	cg_location_local(loc, &way->to.local);
	cg_location_remote(loc, &way->to.remote);
	way->to.ifindex = loc->ifindex;
	way->zone = cg_rules_inside(f->rules, &way->to.remote, loc->ifindex) ?
		    SIP_ZONE_INSIDE : SIP_ZONE_OUTSIDE;
	way->ntarget = loc->nuri;
	memcpy(way->target, cg_location_uri(loc), loc->nuri);
}

static enum cg_fate by_location(struct cg_fwd *f)
{
	struct cg_location *loc;

	if (!name_user(f))
		return cg_up(f, CG_R_UP_ROUTE);
	switch (cg_location_pick(f->gate, f->aor, f->naor, !f->inside, &loc)) {
	case CG_WHERE_HERE:
		cg_route_to(f, loc);
		return CG_SENT;
	case CG_WHERE_UNKNOWN:
		return CG_ASK;
	default:
		return cg_up(f, CG_R_UP_LOCATION);
	}
}

enum cg_fate cg_route_request(struct cg_fwd *f)
{
	enum cg_fate fate;

	if (f->msg.to_tag.len || f->msg.method == SIP_M_ACK)
		return in_dialog(f);
	fate = admit(f);
	return fate == CG_SENT ? by_location(f) : fate;
}
