// SPDX-License-Identifier: BSD-2-Clause
/* Hash, base32, branches and tokens: what is read is what was printed, and nothing else is. */
#include "gen.h"
#include "t.h"
#include "token.h"

static const struct sip_key key = { .key = { "0123456789abcdef", "fedcba9876543210" } };
static const u8 call_id[] = "call@example";

static struct sip_end end4(u8 last, u16 port)
{
	return (struct sip_end){ .kind = SIP_HOST_IP4, .addr = { 192, 0, 2, last }, .port = port };
}

static struct sip_end end6(u8 last, u16 port)
{
	return (struct sip_end){ .kind = SIP_HOST_IP6, .port = port,
				 .addr = { 0x20, 1, 0xd, 0xb8, [15] = last } };
}

/* The vectors of the paper: key 00 - 0f, texts 00, 00 01, ... */
static void hashes(void)
{
	static const u64 want[] = { [0] = 0x726fdb47dd0e0e31, [1] = 0x74f839c593dc67fd,
				    [7] = 0xab0200f58b01d137, [8] = 0x93f5f5799a932462,
				    [15] = 0xa129ca6149be45e5 };
	u8 k[SIP_HASH_KEY], text[64];
	struct sip_hash h, pieces;
	u32 i, cut;
	u64 n;

	for (i = 0; i < sizeof(text); i++)
		text[i] = (u8)i;
	memcpy(k, text, sizeof(k));
	for (i = 0; i < sizeof(text); i++) {
		sip_hash_init(&h, k);
		sip_hash_raw(&h, text, i);
		n = sip_hash_final(&h);
		T_OK(i >= ARRAY_SIZE(want) || !want[i] || n == want[i], "hash of %u bytes", i);
		for (cut = 0; cut <= i; cut++) {
			sip_hash_init(&pieces, k);
			sip_hash_raw(&pieces, text, cut / 2);
			sip_hash_raw(&pieces, text + cut / 2, cut - cut / 2);
			sip_hash_raw(&pieces, text + cut, i - cut);
			T_OK(sip_hash_final(&pieces) == n, "%u bytes cut at %u", i, cut);
		}
	}
}

/* RFC 4648 10, in lower case and without padding. */
static void base32(void)
{
	static const char *const pair[][2] = { { "f", "my" }, { "fo", "mzxq" }, { "foo", "mzxw6" },
					       { "foob", "mzxw6yq" }, { "fooba", "mzxw6ytb" },
					       { "foobar", "mzxw6ytboi" } };
	static const char *const not[] = { "m", "mzx", "mz", "mzxw6yr", "mzxw61tb", "mzxw6ytb=",
					   "mzxw6ytboi2a" };
	u8 out[16];
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(pair); i++) {
		n = sip_base32_print(out, (const u8 *)pair[i][0], (u32)strlen(pair[i][0]));
		T_OK(n == strlen(pair[i][1]) && !memcmp(out, pair[i][1], n), "print %s",
		     pair[i][0]);
		T_OK(n == SIP_BASE32_LEN(strlen(pair[i][0])), "length of %s", pair[i][0]);
		n = sip_base32_read((const u8 *)pair[i][1], sip_slice(0, n), out, 6);
		T_OK(n == strlen(pair[i][0]) && !memcmp(out, pair[i][0], n), "read %s", pair[i][1]);
	}
	T_OK(sip_base32_read((const u8 *)"MZXW6YTB", sip_slice(0, 8), out, 6) == 5, "upper case");
	for (i = 0; i < ARRAY_SIZE(not); i++)
		T_OK(!sip_base32_read((const u8 *)not[i], sip_slice(0, (u32)strlen(not[i])), out,
				      6), "%s is read", not[i]);
}

static struct sip_token_of of_route(const struct sip_end *own, u32 which)
{
	return (struct sip_token_of){ .key = key.key[which], .own = own, .call_id = call_id,
				      .call_id_len = sizeof(call_id) - 1 };
}

/* "CALL-ID URI": finds the token in it. */
static bool find(const char *text, bool route, bool has_old, struct sip_token *t)
{
	struct sip_key k = key;
	const u8 *buf = (const u8 *)text;
	u32 skip = (u32)(strchr(text, ' ') - text);
	struct sip_str s = sip_slice(skip + 1, (u32)strlen(text));
	struct sip_uri u;

	k.has_old = has_old;
	if (sip_uri_parse(buf, s, &u)) {
		T_OK(false, "%s is no URI", text);
		return false;
	}
	return sip_token_find(buf, &u, sip_slice(0, route ? skip : 0), &k, t);
}

static bool same(const struct sip_token *a, const struct sip_token *b)
{
	return sip_end_equal(&a->end, &b->end) && a->hash == b->hash && a->ifindex == b->ifindex &&
	       a->flags == b->flags && a->zone == b->zone;
}

static void contacts(void)
{
	struct sip_token in[] = {
		{ .end = end4(7, 5060), .flags = SIP_TOKEN_ADJACENT | SIP_TOKEN_NO_PORT },
		{ .end = end4(8, 65535), .zone = SIP_ZONE_OUTSIDE },
		{ .hash = 0x123456789abc, .flags = SIP_TOKEN_HASH },
	};
	struct sip_token_of of = { .key = key.key[0] }, old = { .key = key.key[1] };
	struct sip_token t;
	char text[256], token[64];
	u32 i, n, name;

	for (i = 0; i < ARRAY_SIZE(in); i++) {
		for (name = 0; name < SIP_TOKEN_NAMES; name++) {
			n = sip_token_print((u8 *)token, &in[i], name, &of);
			T_OK(n == 25, "%u characters with the ';'", n);
			snprintf(text, sizeof(text), "c sip:u@h:1;a=b%.*s;lr", (int)n, token);
			T_OK(find(text, false, false, &t) && same(&t, &in[i]), "%s", text);
			T_OK(t.at.len == n && !memcmp(text + t.at.off, token, n), "at %s", text);
			T_OK(!find(text, true, false, &t), "of a route: %s", text);
		}
		n = sip_token_print((u8 *)token, &in[i], 0, &old);
		snprintf(text, sizeof(text), "c sip:u@h;cg=x;CG%.*s;ch=aaaa", (int)n - 3,
			 token + 3);
		T_OK(!find(text, false, false, &t), "a key of yesterday: %s", text);
		T_OK(find(text, false, true, &t) && same(&t, &in[i]), "yesterday's key: %s", text);
	}
}

static void routes(void)
{
	struct sip_end own = end4(1, 5060), other = end4(1, 5061);
	struct sip_token in[] = {
		{ .flags = SIP_TOKEN_ROUTE },
		{ .flags = SIP_TOKEN_ROUTE, .zone = SIP_ZONE_OUTSIDE, .end = end4(9, 5070) },
		{ .flags = SIP_TOKEN_ROUTE, .zone = 3, .end = end6(9, 5070) },
		{ .flags = SIP_TOKEN_ROUTE, .end = end6(9, 5070), .ifindex = 0x80000001 },
	};
	struct sip_token_of of = of_route(&own, 0), of_other = of_route(&other, 0);
	struct sip_token t;
	char text[256], token[SIP_TOKEN_MAX + 1];
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(in); i++) {
		n = sip_token_print((u8 *)token, &in[i], 0, &of);
		T_OK(n <= SIP_TOKEN_MAX, "%u characters", n);
		snprintf(text, sizeof(text), "call@example sip:192.0.2.1;lr%.*s", (int)n, token);
		T_OK(find(text, true, false, &t) && same(&t, &in[i]), "%s", text);
		T_OK(!find(text, false, false, &t), "of a Contact: %s", text);
		text[0] = 'C';
		T_OK(!find(text, true, false, &t), "another call: %s", text);
		n = sip_token_print((u8 *)token, &in[i], 0, &of_other);
		snprintf(text, sizeof(text), "call@example sip:192.0.2.1;lr%.*s", (int)n, token);
		T_OK(!find(text, true, false, &t), "another port: %s", text);
	}
}

/* No other text of the same length is a token: 100,000 of them. */
static void forged(void)
{
	struct sip_token in = { .end = end4(7, 5060), .flags = SIP_TOKEN_ADJACENT }, t;
	struct sip_token_of of = { .key = key.key[0] };
	static const char digit[] = "abcdefghijklmnopqrstuvwxyz234567";
	char text[64] = "c sip:u@h", was;
	u32 i, at, found = 0;
	u32 n = sip_token_print((u8 *)text + 9, &in, 0, &of);

	T_OK(find(text, false, false, &t), "%s", text);
	for (i = 0; i < 100000; i++) {
		at = 9 + 4 + gen_rand(n - 4);
		was = text[at];
		do
			text[at] = digit[gen_rand(32)];
		while (text[at] == was);
		found += find(text, false, false, &t);
		if (gen_rand(4))
			text[at] = was;
	}
	T_OK(found == 0, "%u of 100000 forged tokens are taken", found);
}

static void names(void)
{
	static const struct { const char *uri; u32 name; } row[] = {
		{ "sip:a@b", 0 }, { "sip:a@b;cg=1", 1 }, { "sip:a@b;ch;CG=1", 2 },
		{ "sip:a@b;ch;ci;cg=1", 3 }, { "sip:a@b;ch=1", 0 }, { "sip:a@b;cgg=1", 0 },
	};
	struct sip_uri u;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(row); i++) {
		sip_uri_parse((const u8 *)row[i].uri, sip_slice(0, (u32)strlen(row[i].uri)), &u);
		T_OK(sip_token_name((const u8 *)row[i].uri, &u) == row[i].name, "%s", row[i].uri);
	}
}

static void branches(void)
{
	struct sip_branch in[] = {
		{ .local = end4(1, 5060), .owner = SIP_OWNER_KERNEL, .loop = "abcd", .mac = "xyz" },
		{ .local = end4(1, 5060), .owner = SIP_OWNER_DAEMON, .zone = 1, .fork = 15 },
		{ .local = end6(1, 65535), .owner = SIP_OWNER_DAEMON, .ifindex = 70000 },
	};
	struct sip_branch b;
	u8 text[SIP_BRANCH_TEXT + 1];
	u32 i, k, n;

	for (i = 0; i < ARRAY_SIZE(in); i++) {
		n = sip_branch_print(text, &in[i]);
		T_OK(n <= SIP_BRANCH_TEXT, "%u characters", n);
		memset(&b, 0xff, sizeof(b));
		T_OK(sip_branch_read(text, sip_slice(0, n), &b), "%.*s", (int)n, text);
		T_OK(sip_end_equal(&b.local, &in[i].local) && b.ifindex == in[i].ifindex &&
		     b.zone == in[i].zone && b.fork == in[i].fork && b.owner == in[i].owner &&
		     !memcmp(b.loop, in[i].loop, 5) && !memcmp(b.mac, in[i].mac, 8),
		     "not as printed: %.*s", (int)n, text);
		for (k = 0; k < n; k++)
			T_OK(!sip_branch_read(text, sip_slice(0, k), &b), "cut at %u", k);
		text[n] = 'a';
		T_OK(!sip_branch_read(text, sip_slice(0, n + 1), &b), "one more");
		text[7] = 'x';
		T_OK(!sip_branch_read(text, sip_slice(0, n), &b), "nobody's");
	}
	T_OK(!sip_branch_read((const u8 *)"z9hG4bKk-524287-1---4f", sip_slice(0, 22), &b), "other");
}

static void flows(void)
{
	struct sip_end a = end6(1, 5060), b = end6(1, 5061);
	const u8 *text = (const u8 *)"[2001:db8::1]:5060[2001:DB8::1]:5060[2001:db8::2]:5060";
	u64 n = sip_token_hash(key.key[0], &a, text, sip_slice(0, 18));

	T_OK(n == sip_token_hash(key.key[0], &a, text, sip_slice(18, 36)), "case of a host");
	T_OK(n != sip_token_hash(key.key[0], &a, text, sip_slice(36, 54)), "another host");
	T_OK(n != sip_token_hash(key.key[0], &b, text, sip_slice(0, 18)), "another flow");
	T_OK(n != sip_token_hash(key.key[1], &a, text, sip_slice(0, 18)), "another key");
	T_OK(n >> 48 == 0, "48 bits");
}

int main(void)
{
	gen_seed(1);
	hashes();
	base32();
	contacts();
	routes();
	forged();
	names();
	branches();
	flows();
	return t_end("test_token");
}
