/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"
#include "text.h"

/* Bytes of the UTF-8 character at @s, or 0: it is none. Overlong forms and surrogates are none. */
static size_t utf8(const unsigned char *s)
{
	size_t n = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	/* C1 controls move terminals too */
	return s[0] == 0xc2 && s[1] < 0xa0 ? 0 : n;
}

char *text_clean(char *s)
{
	static char empty[1];
	size_t n;

	if (!s)
		return empty;
	for (unsigned char *p = (unsigned char *)s; *p; p++) {
		if (*p >= ' ' && *p < 0x7f)
			continue;
		n = utf8(p);
		if (n)
			p += n - 1;
		else
			*p = '?';
	}
	return s;
}

const char *text_endpoint(const struct endpoint *e, char buf[static TEXT_ENDPOINT])
{
	char host[INET6_ADDRSTRLEN];

	if (!e->len)
		return strcpy(buf, "-");
	inet_ntop(e->len == 4 ? AF_INET : AF_INET6, e->addr, host, sizeof(host));
	snprintf(buf, TEXT_ENDPOINT, e->len == 4 ? "%s:%u" : "[%s]:%u", host, e->port);
	return buf;
}

const char *text_prefix(const struct prefix *p, char buf[static TEXT_ENDPOINT])
{
	char host[INET6_ADDRSTRLEN];

	if (!p->len)
		return strcpy(buf, "-");
	inet_ntop(p->len == 4 ? AF_INET : AF_INET6, p->addr, host, sizeof(host));
	if (p->bits == p->len * 8)
		return strcpy(buf, host);
	snprintf(buf, TEXT_ENDPOINT, "%s/%u", host, p->bits);
	return buf;
}

static void clear_host_bits(struct prefix *p)
{
	for (unsigned int i = 0; i < p->len; i++) {
		unsigned int keep = p->bits > 8 * i ? p->bits - 8 * i : 0;

		if (keep < 8)
			p->addr[i] &= (uint8_t)(0xff00 >> keep);
	}
}

bool text_read_prefix(const char *word, struct prefix *p)
{
	const char *slash = strchr(word, '/');
	size_t n = slash ? (size_t)(slash - word) : strlen(word);
	char host[INET6_ADDRSTRLEN], *end;
	unsigned long bits;

	memset(p, 0, sizeof(*p));
	if (n >= sizeof(host))
		return false;
	memcpy(host, word, n);
	host[n] = 0;
	if (inet_pton(AF_INET, host, p->addr) == 1)
		p->len = 4;
	else if (inet_pton(AF_INET6, host, p->addr) == 1)
		p->len = 16;
	else
		return false;
	bits = slash ? strtoul(slash + 1, &end, 10) : p->len * 8UL;
	if (slash && (slash[1] < '0' || slash[1] > '9' || *end || bits > p->len * 8UL))
		return false;
	p->bits = (uint8_t)bits;
	clear_host_bits(p);
	return true;
}

const char *text_duration(uint64_t s, char buf[static TEXT_TIME])
{
	unsigned int h = s / 3600 % 24, m = s / 60 % 60;

	if (s >= 86400)
		snprintf(buf, TEXT_TIME, "%" PRIu64 "d %02u:%02u", s / 86400, h, m);
	else if (s >= 3600)
		snprintf(buf, TEXT_TIME, "%u:%02u:%02u", h, m, (unsigned int)(s % 60));
	else
		snprintf(buf, TEXT_TIME, "%u:%02u", m, (unsigned int)(s % 60));
	return buf;
}

const char *text_bytes(uint64_t bytes, char buf[static TEXT_TIME])
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes;
	size_t i = 0;

	for (; n >= 1024 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		n /= 1024;
	snprintf(buf, TEXT_TIME, i ? "%.1f %s" : "%.0f %s", n, units[i]);
	return buf;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t text_boot_now(void)
{
	return now_ns(CLOCK_BOOTTIME) / 1000000;
}

uint64_t text_age(uint64_t since)
{
	uint64_t now = text_boot_now();

	return since && since < now ? (now - since) / 1000 : 0;
}

uint64_t text_left(uint64_t until)
{
	uint64_t now = text_boot_now();

	return until > now ? (until - now) / 1000 : 0;
}

const char *text_rfc3339(uint64_t ns, char buf[static TEXT_TIME])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(buf, TEXT_TIME, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, TEXT_TIME - n, ".%03uZ", (unsigned int)(ns / 1000000 % 1000));
	return buf;
}

/* When the machine was started. The two clocks are not read at once: one moment is one text. */
static uint64_t boot_began(void)
{
	static uint64_t kept;
	int64_t began = (int64_t)(now_ns(CLOCK_REALTIME) / 1000000 - text_boot_now());

	if (llabs(began - (int64_t)kept) > 500)
		kept = (uint64_t)began;
	return kept;
}

const char *text_rfc3339_boot(uint64_t boot_ms, char buf[static TEXT_TIME])
{
	return text_rfc3339((boot_began() + boot_ms) * 1000000, buf);
}

const char *text_clock(uint64_t ns, char buf[static TEXT_TIME])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm tm;
	size_t n;

	localtime_r(&seconds, &tm);
	n = strftime(buf, TEXT_TIME, "%H:%M:%S", &tm);
	snprintf(buf + n, TEXT_TIME - n, ".%03u", (unsigned int)(ns / 1000000 % 1000));
	return buf;
}

/* ---- tables ---- */

struct table {
	size_t ncolumns, ncells;
	char **cells;		/* the heads are the first row */
};

struct table *table_new(const char *const *heads, size_t ncolumns)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->ncolumns = ncolumns;
	table_row(t, heads);
	return t;
}

void table_row(struct table *t, const char *const *cells)
{
	t->cells = reallocarray(t->cells, t->ncells + t->ncolumns, sizeof(*t->cells));
	if (!t->cells)
		abort();
	for (size_t i = 0; i < t->ncolumns; i++)
		t->cells[t->ncells++] = text_clean(strdup(cells[i] ? cells[i] : ""));
}

size_t table_rows(const struct table *t)
{
	return t->ncells / t->ncolumns - 1;
}

/* Columns on the screen: bytes that begin a character. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void pad(FILE *out, size_t n)
{
	while (n--)
		putc(' ', out);
}

static void print_row(const struct table *t, size_t row, const size_t *widths, FILE *out)
{
	for (size_t i = 0; i < t->ncolumns; i++) {
		const char *s = t->cells[row * t->ncolumns + i];
		bool right = t->cells[i][0] == '>';
		size_t space;

		s += !row && right;
		space = widths[i] - width(s);
		if (right)
			pad(out, space);
		fputs(s, out);
		if (i + 1 < t->ncolumns)
			pad(out, (right ? 0 : space) + 2);
	}
	putc('\n', out);
}

void table_end(struct table *t, FILE *out)
{
	size_t *widths = calloc(t->ncolumns, sizeof(*widths));

	if (!widths)
		abort();
	for (size_t i = 0; i < t->ncells; i++) {
		size_t w = width(t->cells[i]) - (i < t->ncolumns && t->cells[i][0] == '>');

		if (w > widths[i % t->ncolumns])
			widths[i % t->ncolumns] = w;
	}
	for (size_t row = 0; out && row * t->ncolumns < t->ncells; row++)
		print_row(t, row, widths, out);
	for (size_t i = 0; i < t->ncells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(widths);
	free(t);
}
