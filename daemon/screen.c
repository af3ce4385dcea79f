/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE	/* FNM_CASEFOLD */
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "screen.h"
#include "sip/aor.h"
#include "zone.h"

struct rule {
	char *aor;
	char *caller;		/* NULL: who has no name */
	size_t aor_len;
	uint16_t code;
};

struct rules {
	struct rule *rule;	/* sorted by .aor once they are in force */
	size_t n, room;
};

static struct rules now, coming;
static void (*changed)(const char *aor);

/* ---- the table ---- */

static void rules_free(struct rules *t)
{
	while (t->n--) {
		free(t->rule[t->n].aor);
		free(t->rule[t->n].caller);
	}
	free(t->rule);
	*t = (struct rules){ 0 };
}

static int grow(struct rules *t)
{
	size_t room = t->room ? 2 * t->room : 16;
	struct rule *rule;

	if (t->n < t->room)
		return 0;
	rule = reallocarray(t->rule, room, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	t->rule = rule;
	t->room = room;
	return 0;
}

int screen_add(const char *name, const char *domain, const char *caller, uint16_t code)
{
	size_t user = strlen(name), len = user + 1 + strlen(domain);
	struct rule r = { .aor_len = len, .code = code };

	if (grow(&coming))
		return -ENOMEM;
	r.aor = malloc(len + 1);
	r.caller = caller ? strdup(caller) : NULL;
	if (!r.aor || (caller && !r.caller)) {
		free(r.aor);
		free(r.caller);
		return -ENOMEM;
	}
	memcpy(r.aor, name, user);
	r.aor[user] = '@';
	strcpy(r.aor + user + 1, domain);
	coming.rule[coming.n++] = r;
	return 0;
}

static int by_aor(const void *a, const void *b)
{
	return strcmp(((const struct rule *)a)->aor, ((const struct rule *)b)->aor);
}

static void tell(const struct rules *t)
{
	for (size_t i = 0; changed && i < t->n; i++)
		if (!i || strcmp(t->rule[i].aor, t->rule[i - 1].aor))
			changed(t->rule[i].aor);
}

void screen_commit(void)
{
	struct rules was = now;

	if (coming.n)
		qsort(coming.rule, coming.n, sizeof(*coming.rule), by_aor);
	now = coming;
	coming = (struct rules){ 0 };
	tell(&was);
	tell(&now);
	rules_free(&was);
}

void screen_abort(void)
{
	rules_free(&coming);
}

void screen_free(void)
{
	changed = NULL;
	screen_abort();
	rules_free(&now);
}

void screen_hook(void (*fn)(const char *aor))
{
	changed = fn;
}

static int order(const struct rule *r, const char *aor, size_t len)
{
	int differs = memcmp(r->aor, aor, r->aor_len < len ? r->aor_len : len);

	return differs ? differs : (r->aor_len > len) - (r->aor_len < len);
}

/* The first rule of it; what follows are others of the same, up to the end of the table. */
static const struct rule *find(const char *aor, size_t len)
{
	size_t low = 0, high = now.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order(&now.rule[middle], aor, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < now.n && !order(&now.rule[low], aor, len) ? &now.rule[low] : NULL;
}

bool screen_has(const char *aor, size_t len)
{
	return find(aor, len);
}

/* ---- who calls ---- */

static uint32_t number(const uint8_t *buf, struct sip_str user, char *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < user.len && n < SIP_AOR_MAX; i++)
		if (!memchr("-.()", buf[user.off + i], 4))
			out[n++] = (char)buf[user.off + i];
	return n;
}

static bool is_caller(const struct rx *rx, const struct sip_nameaddr *who, const char *pattern)
{
	const struct sip_uri *u = &who->uri;
	char text[SIP_AOR_MAX + 1];
	uint32_t len;

	if (u->scheme == SIP_URI_TEL || !strchr(pattern, '@'))
		len = number(rx->buf, u->user, text);
	else
		len = sip_aor_print(rx->buf, u, (u8 *)text);
	text[len] = 0;
	return len && !fnmatch(pattern, text, FNM_CASEFOLD | FNM_NOESCAPE);
}

/* From, and what is asserted by whom we believe. */
static bool is_called_by(const struct rx *rx, const char *pattern)
{
	struct sip_nameaddr who;
	struct sip_walk w;

	if (sip_msg_nameaddr(&rx->msg, SIP_H_FROM, &who) && is_caller(rx, &who, pattern))
		return true;
	if (access_stranger(&rx->flow))
		return false;
	sip_walk_init(&w, &rx->msg, SIP_H_P_ASSERTED_IDENTITY);
	while (sip_nameaddr_next(&w, &who))
		if (is_caller(rx, &who, pattern))
			return true;
	return false;
}

/* A list with semicolons (RFC 3323 4.2): these two take away who it is (RFC 3325 9.3). */
static bool has_privacy(const uint8_t *buf, struct sip_str list)
{
	uint32_t end = sip_str_end(list), at = list.off, next;

	for (; at < end; at = next + 1) {
		struct sip_str word;

		for (next = at; next < end && buf[next] != ';'; next++)
			;
		word = sip_str_trim(buf, sip_slice(at, next));
		if (SIP_IS(buf, word, "id") || SIP_IS(buf, word, "user"))
			return true;
	}
	return false;
}

static bool hides(const struct rx *rx)
{
	struct sip_str list;
	struct sip_walk w;

	sip_walk_init(&w, &rx->msg, SIP_H_PRIVACY);
	while (sip_token_next(&w, &list))
		if (has_privacy(rx->buf, list))
			return true;
	return false;
}

static bool is_anonymous(const struct rx *rx)
{
	struct sip_nameaddr from;

	if (!sip_msg_nameaddr(&rx->msg, SIP_H_FROM, &from))
		return true;
	return SIP_IS(rx->buf, from.uri.host.host, "anonymous.invalid") ||
	       SIP_IS(rx->buf, from.uri.user, "anonymous") || hides(rx);
}

uint16_t screen_request(const struct rx *rx, const char *aor, size_t len)
{
	const struct rule *r = find(aor, len), *end = now.rule + now.n;

	if (!r || rx->msg.to_tag.len || rx->msg.method == SIP_M_ACK ||
	    rx->msg.method == SIP_M_CANCEL)
		return 0;
	for (; r < end && !order(r, aor, len); r++)
		if (r->caller ? is_called_by(rx, r->caller) : is_anonymous(rx))
			return r->code;
	return 0;
}
