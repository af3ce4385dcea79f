// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Branches, Record-Route and Contact tokens: binary, then a MAC, then base32. */
#include "token.h"

bool sip_end_equal(const struct sip_end *a, const struct sip_end *b)
{
	return a->kind == b->kind && a->port == b->port && !memcmp(a->addr, b->addr, 16);
}

bool sip_end_of(const struct sip_host *h, struct sip_end *out)
{
	memset(out, 0, sizeof(*out));
	if (h->kind != SIP_HOST_IP4 && h->kind != SIP_HOST_IP6)
		return false;
	memcpy(out->addr, h->addr, h->kind == SIP_HOST_IP4 ? 4 : 16);
	out->kind = h->kind;
	out->port = h->port_num ? h->port_num : SIP_PORT;
	return true;
}

u32 sip_end_print(u8 *out, const struct sip_end *e)
{
	return sip_host_print(out, e->kind, e->addr, e->port);
}

void sip_token_hash_init(struct sip_hash *h, const u8 key[SIP_HASH_KEY], u8 label)
{
	sip_hash_init(h, key);
	sip_hash_raw(h, &label, 1);
}

void sip_hash_end(struct sip_hash *h, const struct sip_end *e)
{
	sip_hash_u32(h, (u32)e->kind << 16 | e->port);
	sip_hash_raw(h, e->addr, sizeof(e->addr));
}

/* ---- base32 ---- */

u32 sip_base32_print(u8 *out, const u8 *in, u32 len)
{
	static const u8 digit[] = "abcdefghijklmnopqrstuvwxyz234567";
	u32 bits = 0;
	u32 have = 0;
	u32 n = 0;
	u32 i;

	for (i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		for (have += 8; have >= 5; have -= 5)
			out[n++] = digit[bits >> (have - 5) & 31];
	}
	if (have)
		out[n++] = digit[bits << (5 - have) & 31];
	return n;
}

/* 0-31, or 32 */
static u32 digit_of(u8 c)
{
	c = sip_lower(c);
	if ((u8)(c - 'a') < 26)
		return (u32)(c - 'a');
	return (u8)(c - '2') < 6 ? (u32)(c - '2') + 26 : 32;
}

u32 sip_base32_read(const u8 *buf, struct sip_str s, u8 *out, u32 cap)
{
	u32 bytes = s.len * 5 / 8;
	u32 bits = 0;
	u32 have = 0;
	u32 n = 0;
	u32 i, d;

	if (s.len > SIP_BASE32_LEN(cap) || s.len != SIP_BASE32_LEN(bytes) || bytes > cap)
		return 0;
	for (i = 0; i < s.len; i++) {
		d = digit_of(buf[s.off + i]);
		if (d == 32)
			return 0;
		bits = bits << 5 | d;
		have += 5;
		if (have >= 8) {
			have -= 8;
			out[n++] = (u8)(bits >> have);
		}
	}
	return bits & ((1u << have) - 1) ? 0 : n;
}

/* ---- binary ---- */

/* A cursor over bytes; reading past the end gives zeros and spoils it. */
struct bytes {
	u8 *p;
	u32 pos;
	u32 len;
	bool bad;
};

static void put(struct bytes *b, const void *p, u32 len)
{
	memcpy(b->p + b->pos, p, len);
	b->pos += len;
}

static void put_number(struct bytes *b, u64 n, u32 len)
{
	while (len--)
		b->p[b->pos++] = (u8)(n >> len * 8);
}

static void put_end(struct bytes *b, const struct sip_end *e)
{
	put(b, e->addr, e->kind == SIP_HOST_IP6 ? 16 : 4);
	put_number(b, e->port, 2);
}

static void get(struct bytes *b, void *p, u32 len)
{
	if (len > b->len - b->pos) {
		b->bad = true;
		memset(p, 0, len);
		return;
	}
	memcpy(p, b->p + b->pos, len);
	b->pos += len;
}

static u64 get_number(struct bytes *b, u32 len)
{
	u8 raw[8];
	u64 n = 0;
	u32 i;

	get(b, raw, len);
	for (i = 0; i < len; i++)
		n = n << 8 | raw[i];
	return n;
}

static void get_end(struct bytes *b, bool ip6, struct sip_end *e)
{
	memset(e, 0, sizeof(*e));
	e->kind = ip6 ? SIP_HOST_IP6 : SIP_HOST_IP4;
	get(b, e->addr, ip6 ? 16 : 4);
	e->port = (u16)get_number(b, 2);
}

/* ---- tokens in URIs ---- */

/* Flags of the code only; the zone stands in the two bits above. */
#define CODE_IP6 (1 << 4)
#define CODE_IFINDEX (1 << 5)
#define CODE_ZONE 6
#define FLAGS (SIP_TOKEN_ROUTE | SIP_TOKEN_HASH | SIP_TOKEN_ADJACENT | SIP_TOKEN_NO_PORT)

#define MAC 6
#define TOKEN_BYTES (1 + 18 + 4 + MAC)

enum label { LABEL_ROUTE = 'R', LABEL_CONTACT = 'C', LABEL_HASH = 'H' };

static const char *const names[SIP_TOKEN_NAMES] = { "cg", "ch", "ci" };

static u32 token_body(u8 *out, const struct sip_token *t)
{
	struct bytes b = { .p = out };
	u32 flags = (t->flags & FLAGS) | (u32)(t->zone & 3) << CODE_ZONE;

	if (t->end.kind == SIP_HOST_IP6)
		flags |= CODE_IP6;
	if (t->ifindex)
		flags |= CODE_IFINDEX;
	put_number(&b, flags, 1);
	if (t->flags & SIP_TOKEN_HASH)
		put_number(&b, t->hash, 6);
	else if (t->end.kind != SIP_HOST_NONE)
		put_end(&b, &t->end);
	if (t->ifindex)
		put_number(&b, t->ifindex, 4);
	return b.pos;
}

static u64 token_mac(const u8 *body, u32 len, const struct sip_token_of *of)
{
	struct sip_hash h;

	if (body[0] & SIP_TOKEN_ROUTE) {
		sip_token_hash_init(&h, of->key, LABEL_ROUTE);
		sip_hash_end(&h, of->own);
		sip_hash_bytes(&h, of->call_id, of->call_id_len);
	} else {
		sip_token_hash_init(&h, of->key, LABEL_CONTACT);
	}
	sip_hash_bytes(&h, body, len);
	return sip_hash_final(&h) >> (64 - MAC * 8);
}

u32 sip_token_print(u8 *out, const struct sip_token *t, u32 name, const struct sip_token_of *of)
{
	u8 raw[TOKEN_BYTES];
	struct bytes b = { .p = raw };

	b.pos = token_body(raw, t);
	put_number(&b, token_mac(raw, b.pos, of), MAC);
	out[0] = ';';
	memcpy(out + 1, names[name], 2);
	out[3] = '=';
	return 4 + sip_base32_print(out + 4, raw, b.pos);
}

/* The inverse of token_body(); @b ends where the MAC begins. */
static bool token_read(struct bytes *b, struct sip_token *t)
{
	u8 flags = (u8)get_number(b, 1);

	memset(t, 0, sizeof(*t));
	t->flags = flags & FLAGS;
	t->zone = flags >> CODE_ZONE;
	if (flags & SIP_TOKEN_HASH)
		t->hash = get_number(b, 6);
	else if (b->pos < b->len)
		get_end(b, flags & CODE_IP6, &t->end);
	if (flags & CODE_IFINDEX)
		t->ifindex = (u32)get_number(b, 4);
	return !b->bad && b->pos == b->len;
}

/* One parameter: ours, of the kind that is asked for, and true? */
static bool token_true(const u8 *buf, struct sip_str value, struct sip_token_of *of,
		       const struct sip_key *key, struct sip_token *t)
{
	u8 raw[TOKEN_BYTES];
	struct bytes b = { .p = raw };
	struct bytes mac;
	u64 n;

	b.len = sip_base32_read(buf, value, raw, sizeof(raw));
	if (b.len < 1 + MAC || !(raw[0] & SIP_TOKEN_ROUTE) != !of->call_id)
		return false;
	b.len -= MAC;
	if (!token_read(&b, t))
		return false;
	mac = (struct bytes){ .p = raw, .pos = b.len, .len = b.len + MAC };
	n = get_number(&mac, MAC);
	of->key = key->key[0];
	if (token_mac(raw, b.len, of) == n)
		return true;
	of->key = key->key[1];
	return key->has_old && token_mac(raw, b.len, of) == n;
}

static u32 name_of(const u8 *buf, struct sip_str s)
{
	u32 i;

	for (i = 0; i < SIP_TOKEN_NAMES; i++)
		if (s.len == 2 && sip_str_is(buf, s, names[i], 2))
			return i;
	return SIP_TOKEN_NAMES;
}

u32 sip_token_name(const u8 *buf, const struct sip_uri *u)
{
	struct sip_iter it = sip_iter(u->params);
	struct sip_param p;
	u32 taken = 0;
	u32 i;

	while (sip_uri_param_next(buf, &it, &p))
		taken |= 1u << name_of(buf, p.name);
	for (i = 0; i < SIP_TOKEN_NAMES && taken & 1u << i; i++)
		;
	return i;
}

bool sip_token_find(const u8 *buf, const struct sip_uri *u, struct sip_str call_id,
		    const struct sip_key *key, struct sip_token *t)
{
	struct sip_iter it = sip_iter(u->params);
	struct sip_token_of of = { 0 };
	struct sip_param p;
	struct sip_end own;

	if (u->scheme != SIP_URI_SIP && u->scheme != SIP_URI_SIPS)
		return false;
	if (call_id.len) {
		if (!sip_end_of(&u->host, &own))
			return false;
		of.own = &own;
		of.call_id = buf + call_id.off;
		of.call_id_len = call_id.len;
	}
	while (sip_uri_param_next(buf, &it, &p)) {
		if (name_of(buf, p.name) == SIP_TOKEN_NAMES ||
		    !token_true(buf, p.value, &of, key, t))
			continue;
		/* the ';' before it goes with it */
		t->at = sip_slice(p.all.off - 1, sip_str_end(p.all));
		return true;
	}
	return false;
}

u64 sip_token_hash(const u8 key[SIP_HASH_KEY], const struct sip_end *remote, const u8 *buf,
		   struct sip_str hostport)
{
	struct sip_hash h;
	u8 c;
	u32 i;

	sip_token_hash_init(&h, key, LABEL_HASH);
	sip_hash_end(&h, remote);
	for (i = 0; i < hostport.len; i++) {
		c = sip_lower(buf[hostport.off + i]);
		sip_hash_raw(&h, &c, 1);
	}
	return sip_hash_final(&h) >> 16;
}

/* ---- branches ---- */

#define COOKIE "z9hG4bK"
#define BRANCH_ZONE 3
#define BRANCH_IP6 (1 << 2)
#define BRANCH_IFINDEX (1 << 3)
#define BRANCH_FORK 4

u32 sip_branch_body(u8 *out, const struct sip_branch *b)
{
	struct bytes o = { .p = out };
	u32 flags = (b->zone & BRANCH_ZONE) | (b->fork & 15u) << BRANCH_FORK;

	if (b->local.kind == SIP_HOST_IP6)
		flags |= BRANCH_IP6;
	if (b->ifindex)
		flags |= BRANCH_IFINDEX;
	put_number(&o, flags, 1);
	put_end(&o, &b->local);
	if (b->ifindex)
		put_number(&o, b->ifindex, 4);
	put(&o, b->loop, sizeof(b->loop));
	return o.pos;
}

u32 sip_branch_print(u8 *out, const struct sip_branch *b)
{
	u8 raw[SIP_BRANCH_BODY + sizeof(b->mac)];
	u32 n = sip_branch_body(raw, b);

	memcpy(raw + n, b->mac, sizeof(b->mac));
	memcpy(out, COOKIE, 7);
	out[7] = b->owner == SIP_OWNER_KERNEL ? 'k' : 'd';
	return 8 + sip_base32_print(out + 8, raw, n + (u32)sizeof(b->mac));
}

bool sip_branch_read(const u8 *buf, struct sip_str branch, struct sip_branch *b)
{
	u8 raw[SIP_BRANCH_BODY + sizeof(b->mac)];
	struct bytes i = { .p = raw };
	u8 mark, flags;

	if (branch.len < 8 || !sip_bytes_are(buf + branch.off, "z9hg4bk", 7))
		return false;
	mark = sip_lower(buf[branch.off + 7]);
	if (mark != 'k' && mark != 'd')
		return false;
	i.len = sip_base32_read(buf, sip_slice(branch.off + 8, sip_str_end(branch)), raw,
				sizeof(raw));
	flags = (u8)get_number(&i, 1);
	memset(b, 0, sizeof(*b));
	get_end(&i, flags & BRANCH_IP6, &b->local);
	if (flags & BRANCH_IFINDEX)
		b->ifindex = (u32)get_number(&i, 4);
	get(&i, b->loop, sizeof(b->loop));
	get(&i, b->mac, sizeof(b->mac));
	b->owner = mark == 'k' ? SIP_OWNER_KERNEL : SIP_OWNER_DAEMON;
	b->zone = flags & BRANCH_ZONE;
	b->fork = flags >> BRANCH_FORK;
	return !i.bad && i.pos == i.len;
}
