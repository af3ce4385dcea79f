// SPDX-License-Identifier: BSD-2-Clause
/*
 * A second parser, slow and obvious: byte by byte, names looked up one by one. It must find the
 * same lines in the same places as the real one, and agree on where the headers end. Input:
 * grammar-made messages and their mutations.
 *
 * usage: naive [CASES]
 */
#include "t.h"
#include "touch.h"
#include "gen.h"

struct naive_line {
	u32 off, name_len, value, value_len, end, id;
};

struct naive {
	struct naive_line line[SIP_MAX_HEADERS];
	u32 n, headers_end;
	bool framed; /* all lines were read up to the empty one */
};

static bool blank(u8 c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool tokenish(u8 c)
{
	return c && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			   "-.!%*_+`'~",
			   c);
}

static u32 naive_id(const u8 *p, u32 len)
{
#define ONE(id, name, compact, flags) { name, compact },
	static const struct {
		const char *name;
		char compact;
	} known[] = { SIP_HEADER_LIST(ONE) };
	char low[64];
	u32 i;

	if (len >= sizeof(low))
		return SIP_H_OTHER;
	for (i = 0; i < len; i++)
		low[i] = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] + 32) : (char)p[i];
	low[len] = 0;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(low, known[i].name) || (len == 1 && low[0] == known[i].compact))
			return i + 1;
	return SIP_H_OTHER;
}

/* The CR of the end of the line that starts at @i, or @len. */
static u32 naive_eol(const u8 *p, u32 i, u32 len, bool folds)
{
	for (; i < len; i++)
		if (i + 1 < len && p[i] == '\r' && p[i + 1] == '\n' &&
		    (!folds || (i + 2 < len && p[i + 2] != ' ' && p[i + 2] != '\t')))
			return i;
	return len;
}

/* Nothing but CRLF (with folds inside) may break a line; a NUL needs a backslash. */
static bool naive_clean(const u8 *p, u32 from, u32 eol)
{
	u32 i;

	for (i = from; i < eol; i++) {
		if (p[i] == '\r' && p[i + 1] != '\n')
			return false;
		if (p[i] == '\n' && (i == from || p[i - 1] != '\r'))
			return false;
		if (p[i] == 0 && (i == from || p[i - 1] != '\\'))
			return false;
	}
	return true;
}

static void naive_index(struct naive *v, const u8 *p, u32 start, u32 len)
{
	u32 i = start;

	v->n = 0;
	v->framed = false;
	for (;;) {
		struct naive_line *l = &v->line[v->n];
		u32 c, eol;

		if (i + 1 < len && p[i] == '\r' && p[i + 1] == '\n') {
			v->headers_end = i;
			v->framed = true;
			return;
		}
		for (c = i; c < len && tokenish(p[c]); c++)
			;
		l->off = i;
		l->name_len = c - i;
		while (c < len && (p[c] == ' ' || p[c] == '\t'))
			c++;
		if (!l->name_len || c >= len || p[c] != ':')
			return;
		eol = naive_eol(p, c + 1, len, true);
		if (eol == len || !naive_clean(p, c + 1, eol))
			return;
		l->end = eol + 2;
		l->id = naive_id(p + i, l->name_len);
		for (c++; c < eol && blank(p[c]); c++)
			;
		while (eol > c && blank(p[eol - 1]))
			eol--;
		l->value = c;
		l->value_len = eol - c;
		i = l->end;
		if (l->id == SIP_H_OTHER)
			continue;
		if (++v->n == SIP_MAX_HEADERS)
			return;
	}
}

static const char *compare(const struct sip_msg *m, const u8 *p, u32 len)
{
	static struct naive v;
	u32 chain[SIP_H_COUNT];
	u32 i;

	if (!m->headers_off)
		return NULL;
	naive_index(&v, p, m->headers_off, len);
	if (v.framed != (m->headers_end != 0))
		return "one parser saw the end of the headers";
	if (!v.framed)
		return NULL;
	if (v.headers_end != m->headers_end || v.n != m->n_headers)
		return "number of lines or end of headers";
	memset(chain, 0xff, sizeof(chain));
	for (i = 0; i < v.n; i++) {
		const struct sip_header *h = &m->headers[i];
		const struct naive_line *l = &v.line[i];

		if (h->off != l->off || h->end != l->end || h->id != l->id ||
		    h->name_len != l->name_len || h->value.len != l->value_len ||
		    (l->value_len && h->value.off != l->value))
			return "a header line";
		if (chain[l->id] == 0xffffffff ? m->first[l->id] != i
					       : m->headers[chain[l->id]].next != i)
			return "the chain of a header";
		chain[l->id] = i;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct sip_msg m;
	static unsigned char text[GEN_MAX];
	struct t_guard guard;
	unsigned int n = argc > 1 ? (unsigned int)atoi(argv[1]) : 200000;
	unsigned int ok = 0, framed = 0, wrong = 0;
	unsigned int i;

	t_guard_init(&guard, GEN_MAX);
	for (i = 0; i < n; i++) {
		u32 len = gen_message(text);
		const unsigned char *at;
		const char *e;
		int r;

		if (i % 4)
			len = gen_mutate(text, len, 1 + gen_rand(4));
		at = t_guard_put(&guard, text, len);
		r = sip_msg_parse(&m, at, len, i & 8 ? 0 : SIP_DATAGRAM);
		e = compare(&m, at, len);
		if (!e && r == SIP_OK)
			e = touch_message(&m);
		ok += r == SIP_OK;
		framed += r == SIP_BAD && m.framed;
		if (e && wrong++ < 5)
			printf("case %u: %s (%s)\n%.*s\n", i, e, sip_bad_name(m.bad), (int)len, at);
	}
	printf("naive: %u cases, %u valid, %u refused but framed\n", n, ok, framed);
	T_OK(!wrong, "%u of %u differ", wrong, n);
	T_OK(ok > n / 8 && ok < n, "the generator is one-sided: %u of %u valid", ok, n);
	t_passed += n - wrong;
	return t_end("naive");
}
