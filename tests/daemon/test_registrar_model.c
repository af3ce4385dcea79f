/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * registrar against a slow and obvious model of RFC 3261 10.3: random sequences of REGISTERs, with
 * a store that fails or answers late. Same codes, same bindings after each answer.
 */
#include <time.h>

#include "registrar_bed.h"

#define SEQUENCES 10000
#define STEPS 12
#define USERS 2
#define URIS 5
#define MAX_CONTACTS 3

static uint32_t seed;

static uint32_t pick(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* ---- the model: one array, searched from its start ---- */

struct entry {
	bool live;
	unsigned int call, cseq, expires, q;
};
static struct entry model[USERS][URIS];

struct part {
	unsigned int uri, spelling, q;
	int expires;			/* -1: no parameter */
};

struct request {
	unsigned int user, call, cseq, n;
	bool star;
	int expires;			/* -1: no header */
	struct part part[4];
};

static unsigned int asked(const struct request *q, const struct part *p)
{
	if (p->expires >= 0)
		return (unsigned int)p->expires;
	return q->expires >= 0 ? (unsigned int)q->expires : 3600;
}

static int model_star(const struct request *q, struct entry *now)
{
	if (q->n || q->expires != 0)
		return 400;
	for (unsigned int i = 0; i < URIS; i++) {
		if (now[i].live && now[i].call == q->call && q->cseq <= now[i].cseq)
			return 500;
		now[i] = (struct entry){ 0 };
	}
	return 200;
}

/* Step 7 for one address; @before is what was there before the request. */
static int model_part(const struct request *q, const struct part *p, const struct entry *before,
		      struct entry *now)
{
	const struct entry *was = &before[p->uri];

	if (was->live && was->call == q->call && q->cseq <= was->cseq)
		return 500;
	now[p->uri] = (struct entry){ 0 };
	if (!asked(q, p))
		return 200;
	now[p->uri] = (struct entry){
		.live = true, .call = q->call, .cseq = q->cseq,
		.expires = asked(q, p), .q = p->q,
	};
	return 200;
}

static unsigned int count(const struct entry *e)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < URIS; i++)
		n += e[i].live;
	return n;
}

static bool adds(const struct entry *before, const struct entry *now)
{
	for (unsigned int i = 0; i < URIS; i++)
		if (now[i].live && !before[i].live)
			return true;
	return false;
}

/* The code; the model changes on 200 alone. */
static int model_request(const struct request *q, bool store_fails)
{
	struct entry *before = model[q->user], now[URIS];
	int code = 200;

	memcpy(now, before, sizeof(now));
	for (unsigned int i = 0; i < q->n && !q->star; i++)
		if (asked(q, &q->part[i]) && asked(q, &q->part[i]) < 60)
			return 423;
	if (q->star)
		code = model_star(q, now);
	for (unsigned int i = 0; i < q->n && code == 200 && !q->star; i++)
		code = model_part(q, &q->part[i], before, now);
	if (code == 200 && adds(before, now) && count(now) > MAX_CONTACTS)
		code = 403;
	/* what is not changed needs no disk */
	if (code == 200 && store_fails && memcmp(now, before, sizeof(now)))
		code = 503;
	if (code == 200)
		memcpy(before, now, sizeof(now));
	return code;
}

/* ---- the same request in words ---- */

/* Each address in three spellings that are equal by 19.1.4. */
static const char *const uris[URIS][3] = {
	{ "sip:a@192.168.1.7:5062", "sip:%61@192.168.1.7:5062", "sip:a@192.168.1.7:5062;x=1" },
	{ "sip:A@192.168.1.7:5062", "sip:%41@192.168.1.7:5062", "SIP:A@192.168.1.7:5062" },
	{ "sip:b@Host.example", "sip:b@hOST.eXAMPLE", "sip:%62@host.example;y" },
	{ "sip:b@host.example:5060", "sip:%62@HOST.example:5060", "sip:b@host.example:5060;z=%20" },
	{ "sip:192.168.1.7;transport=udp", "sip:192.168.1.7;TRANSPORT=UDP",
	  "sip:192.168.1.7;transport=%75dp" },
};

static const char *lines(const struct request *q)
{
	static char text[2048];
	int n = 0;

	if (q->expires >= 0)
		n += sprintf(text + n, "Expires: %d\r\n", q->expires);
	if (q->star)
		n += sprintf(text + n, "Contact: *\r\n");
	for (unsigned int i = 0; i < q->n; i++) {
		const struct part *p = &q->part[i];

		n += sprintf(text + n, "%s<%s>;q=0.%u", i && pick(2) ? ", " : i ? "\r\nContact: " :
			     "Contact: ", uris[p->uri][p->spelling], p->q);
		if (p->expires >= 0)
			n += sprintf(text + n, ";expires=%d", p->expires);
	}
	if (q->n)
		n += sprintf(text + n, "\r\n");
	text[n] = '\0';
	return text;
}

static struct request random_request(void)
{
	static const int times[] = { -1, 0, 0, 30, 60, 300, 3600, 100000 };
	struct request q = {
		.user = pick(USERS), .call = pick(2), .cseq = 1 + pick(40), .n = pick(4),
		.expires = times[pick(8)], .star = !pick(8),
	};

	if (q.star && pick(4)) {
		q.n = 0;
		q.expires = 0;
	}
	for (unsigned int i = 0; i < q.n; i++)
		q.part[i] = (struct part){ .uri = pick(URIS), .spelling = pick(3), .q = 1 + pick(9),
					   .expires = times[pick(8)] };
	return q;
}

/* ---- comparing ---- */

static const char *const users[USERS] = { "alice", "bob" };

static unsigned int uri_of(const char *uri)
{
	for (unsigned int i = 0; i < URIS; i++)
		for (unsigned int s = 0; s < 3; s++)
			if (!strcmp(uris[i][s], uri))
				return i;
	return URIS;
}

static bool equal_entry(const struct contact *c, const struct entry *e, uint64_t real)
{
	uint64_t left = (c->until - real + 500) / 1000;
	unsigned int most = e->expires < 7200 ? e->expires : 7200;
	unsigned int least = most * 4 / 5 < 60 ? 60 : most * 4 / 5;

	return e->live && c->cseq == e->cseq && c->q == e->q * 100 &&
	       c->call_id[1] == (char)('0' + e->call) && left <= most + 1 && left + 10 >= least;
}

static bool equal_tables(void)
{
	char aor[64];
	struct timespec t;
	uint64_t real;

	clock_gettime(CLOCK_REALTIME, &t);
	real = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	for (unsigned int u = 0; u < USERS; u++) {
		int len = snprintf(aor, sizeof(aor), "%s@office.example", users[u]);
		const struct aor *a = location_find(aor, (size_t)len);
		unsigned int n = 0;

		for (const struct contact *c = a ? a->contacts : NULL; c; c = c->next, n++) {
			unsigned int i = uri_of(c->uri);

			if (i == URIS || !equal_entry(c, &model[u][i], real))
				return false;
		}
		if (n != count(model[u]))
			return false;
	}
	return true;
}

/* Does the 200 name every binding of the user? */
static bool lists_all(const struct request *q)
{
	unsigned int n = 0;

	for (const char *p = bed_answer; (p = strstr(p, "\r\nContact: <")); p++)
		n++;
	return n == count(model[q->user]);
}

/* ---- the run ---- */

static unsigned int codes[700];

static bool step(void)
{
	struct request q = random_request();
	char to[64], call[8];
	bool fails = !pick(10), refuses = fails && pick(2);
	int code;

	snprintf(to, sizeof(to), "sip:%s@office.example", users[q.user]);
	snprintf(call, sizeof(call), "c%u", q.call);
	bed_store_result = fails && !refuses ? -EIO : 0;
	bed_store_refuses = refuses ? -ENOSPC : 0;
	bed_store_waits = !refuses && pick(2);
	code = model_request(&q, fails);
	bed_register((struct bed_register){ .to = to, .call_id = call, .cseq = q.cseq,
					    .lines = lines(&q) });
	while (bed_store_done(bed_store_result))
		;
	codes[code]++;
	T_OK(bed_answers == 1 && bed_code() == code, "%d instead of %d to %s", bed_code(), code,
	     lines(&q));
	T_OK(code != 200 || lists_all(&q), "not all bindings in %s", bed_answer);
	T_OK(equal_tables(), "the tables differ after %d to CSeq %u %s", code, q.cseq, lines(&q));
	return !t_failed;
}

int main(void)
{
	bool same = true;

	bed_open();
	for (uint32_t i = 0; i < SEQUENCES && same; i++) {
		seed = i * 2654435761u + 1;
		memset(model, 0, sizeof(model));
		bed_reset();
		for (unsigned int s = 0; s < STEPS && same; s++)
			same = step();
		T_OK(same, "sequence %u", i);
	}
	bed_close();
	printf("codes: 200 %u, 400 %u, 403 %u, 423 %u, 500 %u, 503 %u\n", codes[200], codes[400],
	       codes[403], codes[423], codes[500], codes[503]);
	T_OK(codes[200] > SEQUENCES && codes[400] > 100 && codes[403] > 100 && codes[423] > 100 &&
	     codes[500] > 100 && codes[503] > 100, "every code was tried");
	return t_end("registrar_model");
}
