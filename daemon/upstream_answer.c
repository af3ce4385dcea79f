// SPDX-License-Identifier: BSD-2-Clause
/* What a registrar elsewhere says about our phones. The rules are in upstream.h. */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "contact_text.h"
#include "location.h"
#include "log.h"
#include "loop.h"
#include "proxy.h"
#include "proxy_way.h"
#include "relayed.h"
#include "sip/aor.h"
#include "upstream.h"
#include "upstream_kept.h"
#include "uri_text.h"

#define NAMED_MAX 64
#define EXPIRES_USUAL 3600
#define EXPIRES_MOST (30 * 24 * 3600)	/* as in the module */
#define SAME_MS 2000			/* ends that differ by less are the same */

/* A Contact that the phone asked for, or a binding that is there; often both. */
struct named {
	const uint8_t *buf;		/* of .uri */
	struct sip_uri uri;
	struct sip_end heard;		/* where its requests come from */
	const struct contact *have;
	bool asked, again;		/* .again: .have is another one's, too */
	bool listed;
	uint16_t q;
	uint32_t wanted, granted;	/* seconds */
};

/* One answer at a time. */
static struct {
	char aor[AOR_MAX + 1];
	const struct domain *domain;
	const struct rx *rx;
	struct upstream_kept *kept;	/* the request, or NULL */
	struct rx request;		/* when there is one */
	struct named named[NAMED_MAX];
	unsigned int n, asked, wanted;
	unsigned int listed, unknown;	/* Contacts of the answer */
	uint32_t last;			/* what the last unknown one has */
	struct contact put[NAMED_MAX];
	uint64_t drop[NAMED_MAX];
	struct location_change change;
	char *call_id, *path, *agent;	/* in .room, which is enough for all that a message holds */
	struct contact_texts texts;
	char room[65536 + 4 * NAMED_MAX];
} now;

/* ---- whose ---- */

static bool read_aor(const struct rx *rx)
{
	struct sip_nameaddr to;
	uint32_t len;

	if (!sip_msg_nameaddr(&rx->msg, SIP_H_TO, &to) || to.uri.host.kind == SIP_HOST_NONE)
		return false;
	now.domain = config_domain(config_now(), (const char *)rx->buf + to.uri.host.host.off,
				   to.uri.host.host.len);
	if (!now.domain || now.domain->mode == REGISTRAR_MAIN)
		return false;
	len = sip_aor_print_at(rx->buf, &to.uri, now.domain->name,
			       (u32)strlen(now.domain->name), (u8 *)now.aor);
	now.aor[len] = 0;
	return len > 0;
}

void upstream_sent(const struct rx *rx, const struct domain *d, const struct endpoint *registrar)
{
	if (read_aor(rx) && now.domain == d)
		upstream_keep(rx, now.aor, registrar);
}

/* ---- what may be named ---- */

static uint16_t q_of(const uint8_t *buf, const struct sip_nameaddr *a)
{
	struct sip_param p;
	uint16_t q;

	return sip_param_find(buf, a->params, "q", &p) && contact_q(buf, p.value, &q) ? q : 1000;
}

static uint32_t wanted(const struct rx *rx, const struct sip_nameaddr *a)
{
	uint32_t n;

	if (sip_contact_expires(rx->buf, a, &n))
		return n;
	return rx->msg.has_expires ? rx->msg.expires : EXPIRES_USUAL;
}

static struct named *name(const uint8_t *buf, const struct sip_uri *u, const struct sip_flow *f)
{
	struct named *n = &now.named[now.n];

	if (now.n == NAMED_MAX)
		return NULL;
	*n = (struct named){ .buf = buf, .uri = *u, .heard = way_hop(f).remote };
	now.n++;
	return n;
}

static void name_asked(void)
{
	const struct rx *rx = &now.request;
	struct sip_nameaddr a;
	struct sip_walk w;
	struct named *n;

	sip_walk_init(&w, &rx->msg, SIP_H_CONTACT);
	while (sip_nameaddr_next(&w, &a)) {
		if (a.star || !upstream_hides(&now.request, &a))
			continue;
		n = name(rx->buf, &a.uri, &rx->flow);
		if (!n)
			break;
		n->asked = true;
		n->q = q_of(rx->buf, &a);
		n->wanted = wanted(rx, &a);
		now.asked++;
		now.wanted += n->wanted > 0;
	}
}

static void name_known(const struct contact *c)
{
	struct named *n;
	struct sip_uri u;

	if (c->origin != ORIGIN_RELAYED || !uri_of_text(c->uri, &u))
		return;
	for (unsigned int i = 0; i < now.n; i++) {
		n = &now.named[i];
		if (!n->asked || !sip_uri_equal(n->buf, &n->uri, (const u8 *)c->uri, &u))
			continue;
		if (!n->have) {
			n->have = c;
			return;
		}
		n = name((const u8 *)c->uri, &u, &c->flow);
		if (n) {
			n->have = c;
			n->again = true;
		}
		return;
	}
	n = name((const u8 *)c->uri, &u, &c->flow);
	if (n)
		n->have = c;
}

/* ---- what is named ---- */

/* Is this token the one that the Contact got from us? */
static bool is_of(const struct sip_token *t, const struct named *n)
{
	const struct sip_key *key = proxy_key();
	struct sip_end e;

	if (!(t->flags & SIP_TOKEN_HASH))
		return sip_end_of(&n->uri.host, &e) && sip_end_equal(&e, &t->end);
	for (int i = 0; i <= key->has_old; i++)
		if (sip_token_hash(key->key[i], &n->heard, n->buf, n->uri.host.all) == t->hash)
			return true;
	return false;
}

static uint32_t copy(uint8_t *out, const uint8_t *buf, struct sip_str s)
{
	memcpy(out, buf + s.off, s.len);
	return s.len;
}

/* The URI as it was before it got the token: with this host, and without it. */
static uint32_t restored(const uint8_t *buf, const struct sip_uri *u, const struct sip_token *t,
			 const struct named *n, uint8_t *out)
{
	const struct sip_str host = n->uri.host.all;
	uint32_t behind = sip_str_end(u->host.all), at = 0;

	at += copy(out + at, buf, sip_slice(u->all.off, u->host.all.off));
	at += copy(out + at, n->buf, host);
	at += copy(out + at, buf, sip_slice(behind, t->at.off));
	return at + copy(out + at, buf, sip_slice(sip_str_end(t->at), sip_str_end(u->all)));
}

static bool is_it(const struct sip_uri *u, const struct named *n)
{
	static uint8_t text[2 * 65536];
	const uint8_t *buf = now.rx->buf;
	struct sip_token t;
	struct sip_uri was;

	if (!sip_token_find(buf, u, (struct sip_str){ 0 }, proxy_key(), &t))
		return sip_uri_equal(buf, u, n->buf, &n->uri);
	return is_of(&t, n) &&
	       !sip_uri_parse(text, sip_slice(0, restored(buf, u, &t, n, text)), &was) &&
	       sip_uri_equal(text, &was, n->buf, &n->uri);
}

static void write_back(const struct sip_nameaddr *a, const struct named *n, struct sip_edits *e)
{
	const struct sip_why why = SIP_WHY(CONTACT, 0);
	struct sip_str end = sip_slice(sip_str_end(a->uri.all), sip_str_end(a->uri.all));

	if (sip_str_eq(now.rx->buf, a->uri.all, n->buf, n->uri.all))
		return;
	if (!a->bracket)
		sip_edit_put(e, sip_slice(a->uri.all.off, a->uri.all.off), "<", 1, why);
	sip_edit_put(e, a->uri.all, n->buf + n->uri.all.off, n->uri.all.len, why);
	if (!a->bracket)
		sip_edit_put(e, end, ">", 1, why);
}

static void read_list(struct sip_edits *e)
{
	const struct rx *rx = now.rx;
	struct sip_nameaddr a;
	struct sip_walk w;
	unsigned int i;

	sip_walk_init(&w, &rx->msg, SIP_H_CONTACT);
	while (sip_nameaddr_next(&w, &a)) {
		uint32_t expires = wanted(rx, &a);

		for (i = 0; i < now.n; i++)
			if (!now.named[i].listed && !a.star && is_it(&a.uri, &now.named[i]))
				break;
		if (i == now.n) {
			now.unknown++;
			now.last = expires;
			continue;
		}
		now.named[i].listed = true;
		now.named[i].granted = expires;
		now.listed++;
		write_back(&a, &now.named[i], e);
	}
}

/* ---- what it changes ---- */

static char *text(const uint8_t *from, struct sip_str s)
{
	return contact_text(&now.texts, from + s.off, s.len);
}

static void share_texts(void)
{
	const struct sip_msg *m = &now.request.msg;

	now.texts = (struct contact_texts){ .at = now.room, .size = sizeof(now.room) };
	now.call_id = text(now.request.buf, m->call_id);
	now.path = contact_path(&now.texts, m);
	now.agent = contact_agent(&now.texts, m);
}

/* The registrar has said all that it has of this user. */
static bool is_whole(void)
{
	return now.listed || (!now.unknown && !now.wanted);
}

enum { AS_IT_IS = UINT32_MAX };

/* For how long it is bound by this answer; 0: it is not. */
static uint32_t seconds(const struct named *n)
{
	uint32_t s = 0;

	if (n->again)
		s = 0;
	else if (n->listed)
		s = n->granted;
	else if (!n->asked)
		return is_whole() && !upstream_overtaken(now.kept) ? 0 : AS_IT_IS;
	else if (now.listed || !n->wanted)
		s = 0;
	else if (!now.unknown)
		s = now.rx->msg.has_expires ? now.rx->msg.expires : n->wanted;
	else if (now.unknown == 1 && now.asked == 1)
		s = now.last;
	return s < EXPIRES_MOST ? s : EXPIRES_MOST;
}

static struct contact fresh(const struct named *n)
{
	return (struct contact){
		.flow = now.request.flow,
		.uri = text(n->buf, n->uri.all),
		.call_id = now.call_id,
		.path = now.path,
		.user_agent = now.agent,
		.id = n->have ? n->have->id : 0,
		.since = n->have ? n->have->since : loop_real(),
		.cseq = now.request.msg.cseq.num,
		.q = n->q,
		.origin = ORIGIN_RELAYED,
	};
}

static bool is_same_end(uint64_t a, uint64_t b)
{
	return a > b ? a - b < SAME_MS : b - a < SAME_MS;
}

static void bind(const struct named *n, uint32_t s)
{
	uint64_t until = loop_real() + (uint64_t)s * 1000;
	struct contact *put = &now.put[now.change.n_put];

	if (!n->asked && is_same_end(n->have->until, until))
		return;
	*put = n->asked ? fresh(n) : *n->have;
	put->until = until;
	now.change.n_put++;
}

static bool has_room(const struct named *n)
{
	unsigned int live = 0;

	for (unsigned int i = 0; i < now.n; i++)
		live += now.named[i].have != NULL;
	if (n->have || live + now.change.n_put < now.domain->max_contacts)
		return true;
	log_info("%s: more than %u contacts at its registrar: calls for it by name do not reach "
		 "all of them", now.aor, now.domain->max_contacts);
	return false;
}

static void work_out(void)
{
	now.change = (struct location_change){ .aor = now.aor, .put = now.put, .drop = now.drop,
					       .why = GONE_UNREGISTERED };
	share_texts();
	for (unsigned int i = 0; i < now.n; i++) {
		const struct named *n = &now.named[i];
		bool late = n->have && contact_is_late(n->have, &now.request.msg);
		uint32_t s = late ? AS_IT_IS : seconds(n);

		if (s == AS_IT_IS)
			continue;
		if (!s && n->have)
			now.drop[now.change.n_drop++] = n->have->id;
		else if (s && has_room(n))
			bind(n, s);
	}
}

/* ---- answers ---- */

static bool from_registrar(const struct rx *rx)
{
	return endpoint_same_host(&now.kept->registrar, &rx->flow.remote);
}

static void find_names(void)
{
	const struct aor *a = location_find(now.aor, strlen(now.aor));

	now.n = now.asked = now.wanted = now.listed = now.unknown = 0;
	if (now.kept) {
		upstream_revive(now.kept, &now.request);
		name_asked();
	}
	for (const struct contact *c = a ? a->contacts : NULL; c; c = c->next)
		name_known(c);
}

void upstream_answer(const struct rx *rx, struct sip_edits *e)
{
	bool counts;

	now.change.n_put = now.change.n_drop = 0;
	if (rx->msg.method != SIP_M_REGISTER || rx->msg.status < 200 || !read_aor(rx))
		return;
	now.rx = rx;
	now.kept = upstream_kept(rx, now.aor);
	counts = now.kept && !now.kept->answered && from_registrar(rx);
	if (counts)
		now.kept->answered = true;
	if (rx->msg.status >= 300)
		return;
	find_names();
	read_list(e);
	if (!counts)
		return;
	work_out();
	upstream_granted(now.kept);
}

/* A response that waits for the disk. */
struct held {
	struct sip_flow to;
	uint32_t len;
	uint8_t bytes[];
};

static void stored(int result, void *arg)
{
	struct held *h = arg;

	if (result)
		log_info("a registration at its registrar could not be kept: %s: calls for it by "
			 "name fail until its next refresh", strerror(-result));
	transport_send(&h->to, h->bytes, h->len);
	free(h);
}

bool upstream_commit(const struct sip_flow *to, const void *buf, uint32_t len)
{
	struct held *h;
	int err;

	if (!now.change.n_put && !now.change.n_drop)
		return false;
	h = malloc(sizeof(*h) + len);
	if (!h)
		return false;
	h->to = *to;
	h->len = len;
	memcpy(h->bytes, buf, len);
	err = location_commit(&now.change, stored, h);
	now.change.n_put = now.change.n_drop = 0;
	if (err) {
		log_info("a registration at its registrar could not be kept: %s", strerror(-err));
		free(h);
	}
	return !err;
}

void upstream_free(void)
{
	upstream_kept_free();
	relayed_free();
}
