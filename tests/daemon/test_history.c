/* SPDX-License-Identifier: BSD-2-Clause */
/* What is remembered of registrations that are gone and of REGISTERs that were refused. */
#include <time.h>

#include "history.h"
#include "rx.h"

static struct contact contact(uint64_t id, const char *uri, uint64_t seconds)
{
	struct timespec now;
	struct contact c = { .id = id, .uri = (char *)uri, .call_id = (char *)"c" };

	clock_gettime(CLOCK_REALTIME, &now);
	c.since = (uint64_t)now.tv_sec * 1000;
	c.until = c.since + seconds * 1000;
	c.flow = rx_flow();
	return c;
}

static void done(int err, void *arg)
{
	(void)arg;
	T_OK(!err, "commit: %d", err);
}

static void put(const char *aor, uint64_t id, const char *uri, uint64_t seconds)
{
	struct contact c = contact(id, uri, seconds);

	T_OK(!location_commit(&(struct location_change){ .aor = aor, .put = &c, .n_put = 1 }, done,
			      NULL), "put");
}

static void drop(const char *aor, uint64_t id, enum gone why)
{
	T_OK(!location_commit(&(struct location_change){ .aor = aor, .drop = &id, .n_drop = 1,
							 .why = why }, done, NULL), "drop");
}

static uint64_t id_of(const char *aor)
{
	const struct aor *a = location_find(aor, strlen(aor));

	return a ? a->contacts->id : 0;
}

/* ---- kinds ---- */

static enum happened seen[16];
static unsigned int n_seen;

static void note(const struct aor *a, const struct contact *was, const struct contact *now,
		 enum gone why)
{
	(void)a;
	seen[n_seen++ % 16] = history_kind(was, now, why);
}

static void kinds(void)
{
	const char *aor = "alice@office.example", *uri = "sip:a@192.0.2.1";
	static const enum happened wanted[] = {
		REG_REGISTERED, REG_REFRESHED, REG_REFRESHED, REG_SHORTENED, REG_REPLACED,
		REG_UNREGISTERED, REG_REGISTERED, REG_REMOVED, REG_REGISTERED, REG_FLOW_LOST,
		REG_REGISTERED, REG_EXPIRED,
	};
	static const enum gone ends[] = { GONE_UNREGISTERED, GONE_ADMIN, GONE_FLOW };

	location_hook(note);
	put(aor, 0, uri, 1000);
	put(aor, id_of(aor), uri, 2000);
	put(aor, id_of(aor), uri, 1610);	/* what chance takes off is no shortening */
	put(aor, id_of(aor), uri, 1200);
	put(aor, id_of(aor), "sip:b@192.0.2.1", 60);
	for (size_t i = 0; i < 3; i++) {
		if (i)
			put(aor, 0, uri, 60);
		drop(aor, id_of(aor), ends[i]);
	}
	put(aor, 0, uri, 1);
	rx_wait(3000);
	T_OK(n_seen == sizeof(wanted) / sizeof(wanted[0]), "%u changes", n_seen);
	for (size_t i = 0; i < n_seen && i < sizeof(wanted) / sizeof(wanted[0]); i++)
		T_OK(seen[i] == wanted[i], "%zu: %s, not %s", i, history_name(seen[i]),
		     history_name(wanted[i]));
	location_unhook(note);
	put(aor, 0, uri, 60);
	T_OK(n_seen == sizeof(wanted) / sizeof(wanted[0]), "still hooked");
	drop(aor, id_of(aor), GONE_ADMIN);
	T_OK(!strcmp(history_name(REG_FLOW_LOST), "flow-lost") &&
	     !strcmp(history_name(REG_HAPPENED), "?"), "names");
}

/* ---- the last of each ---- */

static void removals(void)
{
	struct last l = history_removal("bob@office.example");

	T_OK(!l.time, "something of nobody");
	put("bob@office.example", 0, "sip:b@192.0.2.1", 60);
	T_OK(!history_removal("bob@office.example").time, "a registration is no removal");
	loop_set_now(loop_now() + 1000);
	drop("bob@office.example", id_of("bob@office.example"), GONE_UNREGISTERED);
	l = history_removal("bob@office.example");
	T_OK(l.time == loop_now() && l.code == REG_UNREGISTERED && l.source.port == 4444 &&
	     !strcmp(l.text, "sip:b@192.0.2.1"), "%s at %llu", l.text, (unsigned long long)l.time);
	put("bob@office.example", 0, "sip:c@192.0.2.1", 60);
	drop("bob@office.example", id_of("bob@office.example"), GONE_ADMIN);
	l = history_removal("bob@office.example");
	T_OK(l.code == REG_REMOVED && !strcmp(l.text, "sip:c@192.0.2.1"), "not the last: %s",
	     l.text);
}

/* Strangers fill the one book; they push nothing out of the other, and it has an end. */
static void bounds(void)
{
	struct rx rx = { .flow = rx_flow() };
	char aor[64], longest[2000];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	history_refused("carol@office.example", &rx, 423, NULL);
	T_OK(!strcmp(history_refusal("carol@office.example").text, "Interval Too Brief"), "%s",
	     history_refusal("carol@office.example").text);
	history_refused("carol@office.example", &rx, 403, "Not From Here");
	T_OK(history_refusal("carol@office.example").code == 403, "not the last");
	for (unsigned int i = 0; i < HISTORY_MAX; i++) {
		snprintf(aor, sizeof(aor), "%u@office.example", i);
		history_refused(aor, &rx, 404, longest);
	}
	T_OK(!history_refusal("carol@office.example").time, "no bound");
	T_OK(history_refusal("0@office.example").code == 404, "the bound is lower");
	T_OK(strlen(history_refusal(aor).text) == 256, "%zu bytes are kept",
	     strlen(history_refusal(aor).text));
	T_OK(history_removal("bob@office.example").code == REG_REMOVED, "pushed out");
}

int main(void)
{
	loop_set_now(1000000);
	location_load(NULL);
	T_OK(!history_open() && !history_open(), "not opened");
	kinds();
	removals();
	bounds();
	history_free();
	T_OK(!history_removal("bob@office.example").time, "not forgotten");
	location_free();
	return t_end("history");
}
