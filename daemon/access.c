/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "access.h"
#include "address.h"
#include "location.h"
#include "log.h"
#include "sip/aor.h"
#include "sources.h"
#include "text.h"
#include "zone.h"

bool access_trusted(const struct endpoint *source)
{
	return prefixes_have(&config_now()->trusted, source);
}

static const struct domain *domain_of(const struct rx *rx, const struct sip_host *h)
{
	if (h->kind == SIP_HOST_NONE)
		return NULL;
	return config_domain(config_now(), (const char *)rx->buf + h->host.off, h->host.len);
}

static bool refuse(struct access *a, uint16_t code, const char *reason)
{
	a->code = code;
	a->reason = reason;
	return false;
}

/* ---- credentials ---- */

/* False: refused, .code says how. */
static bool ask(const struct rx *rx, struct access *a, bool proxy)
{
	a->auth.realm = a->domain->realm;
	a->auth.domain = a->domain->name;
	a->auth.proxy = proxy;
	switch (auth_check(rx, &a->auth)) {
	case AUTH_OK:
		return true;
	case AUTH_CHALLENGE:
	case AUTH_WRONG:
		a->challenge = true;
		return refuse(a, proxy ? 407 : 401, NULL);
	case AUTH_REFUSED:
		return refuse(a, 403, "Too Many Wrong Passwords");
	case AUTH_MALFORMED:
		return refuse(a, 400, a->auth.why);
	case AUTH_BUSY:
		break;
	}
	return refuse(a, 503, NULL);
}

/* Is @aor the user, or an alias? 1, 0, or -errno: -ENOENT when nobody has the name. */
static int is_owner(const struct user *u, const char *aor)
{
	size_t len = strlen(u->name);
	struct user other;
	int err;

	if (!strncmp(aor, u->name, len) && aor[len] == '@' && !strcasecmp(aor + len + 1, u->domain))
		return 1;
	err = auth_user_of(aor, &other);
	return err ? err : other.id == u->id;
}

static bool owner_code(struct access *a, int owner, const char *reason)
{
	if (owner > 0)
		return true;
	if (owner < 0 && owner != -ENOENT)
		return refuse(a, 503, NULL);
	return refuse(a, 403, reason);
}

/* The address of record in From; a host of ours counts as its domain. "": none. */
static void from_aor(const struct rx *rx, const struct domain *d, char out[SIP_AOR_MAX + 1])
{
	struct sip_nameaddr from;
	uint32_t n = 0;

	if (sip_msg_nameaddr(&rx->msg, SIP_H_FROM, &from) && domain_of(rx, &from.uri.host) == d)
		n = sip_aor_print_at(rx->buf, &from.uri, d->name, (u32)strlen(d->name),
				     (u8 *)out);
	out[n] = 0;
}

/* ---- REGISTER ---- */

static bool is_at(const struct source *s, const struct sip_flow *flow)
{
	char name[IF_NAMESIZE];

	switch (s->place) {
	case SOURCE_ANY:
		return true;
	case SOURCE_INSIDE:
		return flow->zone == ZONE_INSIDE;
	case SOURCE_OUTSIDE:
		return flow->zone == ZONE_OUTSIDE;
	case SOURCE_NETWORK:
		return prefix_has(&s->network, &flow->remote);
	}
	return flow->ifindex && if_indextoname(flow->ifindex, name) && !strcmp(name, s->interface);
}

static bool source_allows(const char *word, const struct sip_flow *flow)
{
	struct source s;

	return source_read(word, &s) && is_at(&s, flow) &&
	       (s.transport == SIP_T_NONE || s.transport == flow->transport);
}

/* Words with blanks or commas between them; none: from anywhere. */
static bool sources_allow(const char *sources, const struct sip_flow *flow)
{
	char words[sizeof(((struct user *)0)->sources)];
	char *at = words, *word;
	bool any = true;

	memcpy(words, sources, strnlen(sources, sizeof(words) - 1) + 1);
	words[sizeof(words) - 1] = 0;
	while ((word = strsep(&at, ", \t"))) {
		if (!*word)
			continue;
		if (source_allows(word, flow))
			return true;
		any = false;
	}
	return any;
}

static bool words_allow(const struct words *sources, const struct sip_flow *flow)
{
	for (size_t i = 0; i < sources->n; i++)
		if (source_allows(sources->word[i], flow))
			return true;
	return !sources->n;
}

/*
 * The user's own rule, else the group's, else the domain's. A group that is in the configuration no
 * more had one, perhaps: nobody of it is let in.
 */
static bool is_right_source(const struct user *u, const struct domain *d,
			    const struct sip_flow *flow)
{
	const struct group *g = *u->group ? config_group(config_now(), u->group) : NULL;

	if (*u->group && !g)
		return false;
	if (*u->sources)
		return sources_allow(u->sources, flow);
	return words_allow(g && g->sources.n ? &g->sources : &d->sources, flow);
}

static bool from_right_source(const struct rx *rx, struct access *a)
{
	char at[TEXT_ENDPOINT];

	if (is_right_source(&a->auth.user, a->domain, &rx->flow))
		return true;
	log_info("%s: %s@%s may not register from here",
		 text_endpoint(&rx->flow.remote, at), a->auth.user.name, a->auth.user.domain);
	return refuse(a, 403, "Not From Here");
}

/*
 * Whose registration it is: To's, and nobody else's, nor for others (RFC 3261 10.2, From). With
 * "third_party" a user may change what another has.
 */
static bool may_change(const struct rx *rx, const char *aor, struct access *a)
{
	int to = is_owner(&a->auth.user, aor), from;
	char sender[SIP_AOR_MAX + 1];
	struct user other = { 0 };

	if (!a->domain->third_party && !owner_code(a, to, "Not Your Address"))
		return false;
	from_aor(rx, a->domain, sender);
	from = sender[0] ? is_owner(&a->auth.user, sender) : 0;
	if (!owner_code(a, from, "From Is Another User"))
		return false;
	if (to == -ENOENT)
		return refuse(a, 404, NULL);
	if (to < 0 || (!to && auth_user_of(aor, &other)))
		return refuse(a, 503, NULL);
	return other.flags & USER_DISABLED ? refuse(a, 404, NULL) : true;
}

void access_register(const struct rx *rx, const char *aor, struct access *a)
{
	memset(a, 0, sizeof(*a));
	a->domain = config_domain_of(config_now(), aor);
	if (!a->domain) {
		refuse(a, 404, NULL);
		return;
	}
	if (ask(rx, a, false) && from_right_source(rx, a))
		may_change(rx, aor, a);
}

/* ---- other requests ---- */

enum from { FROM_USER, FROM_SERVED, FROM_OTHER };
enum what {
	PASS,
	ASK,		/* the user of From; the methods that are asked for credentials */
	ASK_REMOTE,	/* the same, any method, and the right "remote" */
	ASK_ANY,	/* any user; From may be anonymous */
	BOUND,		/* From is registered by this source */
	REFUSE,
};

/*
 * By zone, whether it leaves what we serve, and From: a user of ours, somebody of a domain whose
 * users another server knows (passive, relay), anybody else.
 */
static const uint8_t rules[2][2][3] = {
	[ZONE_INSIDE] = {
		{ [FROM_USER] = ASK, [FROM_SERVED] = PASS, [FROM_OTHER] = PASS },
		{ [FROM_USER] = ASK, [FROM_SERVED] = BOUND, [FROM_OTHER] = ASK_ANY },
	},
	[ZONE_OUTSIDE] = {
		{ [FROM_USER] = ASK, [FROM_SERVED] = PASS, [FROM_OTHER] = PASS },
		{ [FROM_USER] = ASK_REMOTE, [FROM_SERVED] = REFUSE, [FROM_OTHER] = REFUSE },
	},
};

struct request {
	const struct rx *rx;
	const struct domain *from;	/* of the sender; NULL: not served */
	struct sip_nameaddr sender;
	bool dialog;			/* To has a tag */
	bool leaves;			/* for a host that is not ours */
};

/* A domain of ours, or our address: also where there is no domain that it stands for. */
static bool is_ours(const struct rx *rx, const struct sip_host *h)
{
	struct endpoint e;

	if (domain_of(rx, h))
		return true;
	if (!address_of_host(h, &e))
		return false;
	if (!h->port_num)
		e.port = rx->flow.local.port;
	return transport_is_us(&e);
}

/* Where it goes behind the Routes that name us: to a Route of somebody else, or to its URI. */
static void read_target(struct request *q)
{
	const struct sip_msg *m = &q->rx->msg;
	struct sip_nameaddr route;
	struct sip_walk w;

	q->leaves = !is_ours(q->rx, &m->ruri.host);
	sip_walk_init(&w, m, SIP_H_ROUTE);
	while (!q->leaves && sip_nameaddr_next(&w, &route))
		q->leaves = !is_ours(q->rx, &route.uri.host);
}

static enum from sender_of(const struct request *q)
{
	if (!q->from)
		return FROM_OTHER;
	return q->from->mode == REGISTRAR_MAIN ? FROM_USER : FROM_SERVED;
}

static bool asked_method(const struct sip_msg *m)
{
	switch (m->method) {
	case SIP_M_INVITE:
	case SIP_M_MESSAGE:
	case SIP_M_REFER:
	case SIP_M_SUBSCRIBE:
	case SIP_M_PUBLISH:
		return true;
	}
	return false;
}

static const struct domain *first_main(void)
{
	const struct config *c = config_now();

	for (size_t i = 0; i < c->n_domains; i++)
		if (c->domains[i].mode == REGISTRAR_MAIN)
			return &c->domains[i];
	return NULL;
}

static bool own_from(const struct request *q, struct access *a)
{
	char sender[SIP_AOR_MAX + 1];

	from_aor(q->rx, a->domain, sender);
	return owner_code(a, is_owner(&a->auth.user, sender), "From Is Another User");
}

/* RFC 3323 4.1.1.3 */
static bool is_anonymous(const struct request *q)
{
	return SIP_IS(q->rx->buf, q->sender.uri.host.host, "anonymous.invalid");
}

/*
 * The proxy lets in what comes along a route of its own making before anybody is asked; a tag in To
 * says little without one. From inside it is believed, as its worst is a request for a dialog that
 * is not there.
 */
static bool in_dialog(const struct request *q)
{
	return q->dialog && q->rx->flow.zone == ZONE_INSIDE;
}

/* Who proved to be somebody is nobody else; who was not asked is none of our users. */
static bool may_be(const struct request *q, const struct access *a, const struct sip_nameaddr *who)
{
	const struct domain *d = domain_of(q->rx, &who->uri.host);
	char aor[SIP_AOR_MAX + 1];
	uint32_t n = 0;

	if (!a->auth.user.id)
		return !d || d->mode != REGISTRAR_MAIN;
	if (d)
		n = sip_aor_print_at(q->rx->buf, &who->uri, d->name, (u32)strlen(d->name),
				     (u8 *)aor);
	aor[n] = 0;
	return n && is_owner(&a->auth.user, aor) > 0;
}

static void check_identity(const struct request *q, struct access *a)
{
	const struct sip_msg *m = &q->rx->msg;
	struct sip_nameaddr who;
	struct sip_walk w;

	a->disowned = a->auth.user.id && sip_msg_header(m, SIP_H_P_PREFERRED_IDENTITY);
	sip_walk_init(&w, m, SIP_H_P_ASSERTED_IDENTITY);
	while (!a->disowned && sip_nameaddr_next(&w, &who))
		a->disowned = !may_be(q, a, &who);
	a->disowned |= w.bad;
}

/* From inside, where a From of ours would have to be proved, no other header is believed more. */
static void check_unasked(const struct request *q, struct access *a)
{
	const struct sip_flow *flow = &q->rx->flow;

	if (config_now()->challenge && flow->zone == ZONE_INSIDE && !in_dialog(q) &&
	    !access_trusted(&flow->remote))
		check_identity(q, a);
}

static void ask_any(const struct request *q, struct access *a)
{
	a->domain = first_main();
	if (!a->domain) {
		refuse(a, 403, NULL);
	} else if (ask(q->rx, a, true)) {
		check_identity(q, a);
		if (!is_anonymous(q))
			refuse(a, 403, "From Is Not Yours");
	}
}

static void ask_user(const struct request *q, struct access *a, bool remote)
{
	a->domain = q->from;
	if (!ask(q->rx, a, true) || !own_from(q, a))
		return;
	check_identity(q, a);
	if (!remote)
		return;
	if (!(a->auth.user.flags & USER_REMOTE))
		refuse(a, 403, "Not From Outside");
}

/* A phone that is registered elsewhere, and was seen to be: from where it was. */
static bool is_bound(const struct request *q)
{
	char aor[SIP_AOR_MAX + 1];
	const struct aor *found;

	from_aor(q->rx, q->from, aor);
	found = aor[0] ? location_find(aor, strlen(aor)) : NULL;
	for (const struct contact *c = found ? found->contacts : NULL; c; c = c->next)
		if (endpoint_same_host(&c->flow.remote, &q->rx->flow.remote))
			return true;
	return false;
}

/* What nobody can be asked for, or was for the request that it belongs to. */
static bool unasked(const struct request *q, enum what what)
{
	const struct sip_msg *m = &q->rx->msg;

	if (m->method == SIP_M_ACK || m->method == SIP_M_CANCEL)
		return true;
	if (what == ASK_REMOTE)
		return false;
	return in_dialog(q) || !config_now()->challenge || !asked_method(m);
}

static enum what rule_for(const struct request *q)
{
	bool inside = q->rx->flow.zone == ZONE_INSIDE;
	enum what what = rules[inside ? ZONE_INSIDE : ZONE_OUTSIDE][q->leaves][sender_of(q)];

	/* in a dialog the way is that which its first request was allowed */
	if (in_dialog(q) && q->leaves)
		return PASS;
	if (q->leaves && config_now()->foreign == FOREIGN_REJECT)
		return REFUSE;
	if (inside && what != ASK && access_trusted(&q->rx->flow.remote))
		return PASS;
	if ((what == ASK || what == ASK_REMOTE || what == ASK_ANY) && unasked(q, what))
		return PASS;
	return what;
}

void access_request(const struct rx *rx, struct access *a)
{
	struct request q = { .rx = rx, .dialog = rx->msg.to_tag.len };

	memset(a, 0, sizeof(*a));
	if (sip_msg_nameaddr(&rx->msg, SIP_H_FROM, &q.sender))
		q.from = domain_of(rx, &q.sender.uri.host);
	read_target(&q);
	switch (rule_for(&q)) {
	case PASS:
		check_unasked(&q, a);
		break;
	case ASK:
		ask_user(&q, a, false);
		break;
	case ASK_REMOTE:
		ask_user(&q, a, true);
		break;
	case ASK_ANY:
		ask_any(&q, a);
		break;
	case BOUND:
		if (!is_bound(&q))
			refuse(a, 403, NULL);
		break;
	case REFUSE:
		refuse(a, 403, NULL);
		break;
	}
}

/* ---- SUBSCRIBE to registrations ---- */

/* Names of users; without a domain those of @d itself. */
static bool is_watcher(const struct user *u, const struct domain *d)
{
	char aor[SIP_AOR_MAX + 1];

	for (size_t i = 0; i < d->watchers.n; i++) {
		const char *word = d->watchers.word[i];
		bool whole = strrchr(word, '@');
		int n = snprintf(aor, sizeof(aor), "%s%s%s", word, whole ? "" : "@",
				 whole ? "" : d->name);

		if (n < (int)sizeof(aor) && is_owner(u, aor) > 0)
			return true;
	}
	return false;
}

int access_may_watch(const struct user *u, const char *aor)
{
	const struct domain *d = config_domain_of(config_now(), aor);
	int owner = is_owner(u, aor);

	if (owner && owner != -ENOENT)
		return owner;
	return d && is_watcher(u, d);
}

void access_watch(const struct rx *rx, const char *aor, struct access *a)
{
	struct request q = { .rx = rx };
	const struct domain *d = config_domain_of(config_now(), aor);
	int may;

	memset(a, 0, sizeof(*a));
	if (!d || d->mode != REGISTRAR_MAIN) {
		refuse(a, 404, NULL);
		return;
	}
	/* who watches may be at home in another domain of ours */
	if (sip_msg_nameaddr(&rx->msg, SIP_H_FROM, &q.sender))
		q.from = domain_of(rx, &q.sender.uri.host);
	a->domain = q.from && q.from->mode == REGISTRAR_MAIN ? q.from : d;
	if (!ask(rx, a, false) || !own_from(&q, a))
		return;
	may = access_may_watch(&a->auth.user, aor);
	if (may < 0)
		refuse(a, 503, NULL);
	else if (!may)
		refuse(a, 403, "Not Yours To Watch");
}
