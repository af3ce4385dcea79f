/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "control.h"
#include "history.h"
#include "json.h"
#include "location.h"
#include "loop.h"
#include "registrations.h"
#include "sip/name.h"
#include "store.h"
#include "text.h"

#define DROP_MAX 64	/* contacts of one user that go with one change */

/* ---- one contact as JSON ---- */

static const char *const origins[] = { "main", "passive", "admin", "relayed" };
static const char *const zones[] = { "inside", "outside" };

static const char *origin_name(uint8_t origin)
{
	return origin < sizeof(origins) / sizeof(origins[0]) ? origins[origin] : "?";
}

static const char *zone_name(uint8_t zone)
{
	return zone < sizeof(zones) / sizeof(zones[0]) ? zones[zone] : "?";
}

static const char *transport_name(uint8_t transport)
{
	static const char *const list[] = {
#define TRANSPORT(id, name) [SIP_T_##id] = name,
		SIP_TRANSPORT_LIST(TRANSPORT)
#undef TRANSPORT
	};

	if (transport >= sizeof(list) / sizeof(list[0]) || !list[transport])
		return "?";
	return list[transport];
}

static void set_text(json_t *j, const char *key, const char *text)
{
	if (text)
		json_object_set_new(j, key, json_text(text));
}

static void set_time(json_t *j, const char *key, uint64_t real_ms)
{
	char buf[TEXT_TIME];

	json_object_set_new(j, key, json_string(text_rfc3339(real_ms * 1000000, buf)));
}

/* Two contacts with the same one are behind the same socket (RFC 5626). */
static void set_flow_id(json_t *j, const struct sip_flow *f)
{
	char local[TEXT_ENDPOINT], remote[TEXT_ENDPOINT];

	json_object_set_new(j, "flow", json_sprintf("%s %s %s", transport_name(f->transport),
						    text_endpoint(&f->local, local),
						    text_endpoint(&f->remote, remote)));
}

static void set_flow(json_t *j, const struct sip_flow *f)
{
	char name[IF_NAMESIZE];

	json_object_set_new(j, "source", json_endpoint(&f->remote));
	json_object_set_new(j, "local", json_endpoint(&f->local));
	json_object_set_new(j, "transport", json_string(transport_name(f->transport)));
	set_flow_id(j, f);
	json_object_set_new(j, "zone", json_string(zone_name(f->zone)));
	if (f->ifindex && if_indextoname(f->ifindex, name))
		json_object_set_new(j, "interface", json_text(name));
}

static void set_boot_time(json_t *j, const char *key, uint64_t ms)
{
	char buf[TEXT_TIME];

	json_object_set_new(j, key, json_string(text_rfc3339_boot(ms, buf)));
}

static void set_age(json_t *j, const struct contact *c)
{
	uint64_t heard = location_heard(c);

	if (!heard)
		return;
	set_boot_time(j, "refreshed", heard);
	json_object_set_new(j, "age", json_integer((json_int_t)((loop_now() - heard) / 1000)));
}

json_t *registrations_contact(const struct aor *a, const struct contact *c)
{
	json_t *j = json_object();

	json_object_set_new(j, "id", json_integer((json_int_t)c->id));
	set_text(j, "aor", a->name);
	set_text(j, "contact", c->uri);
	json_object_set_new(j, "origin", json_string(origin_name(c->origin)));
	set_flow(j, &c->flow);
	set_time(j, "since", c->since);
	set_time(j, "until", c->until);
	set_age(j, c);
	json_object_set_new(j, "left", json_integer((json_int_t)(location_left(c) / 1000)));
	json_object_set_new(j, "q", json_real(c->q / 1000.0));
	set_text(j, "call_id", c->call_id);
	json_object_set_new(j, "cseq", json_integer(c->cseq));
	set_text(j, "user_agent", c->user_agent);
	set_text(j, "path", c->path);
	set_text(j, "instance", c->instance);
	if (c->reg_id)
		json_object_set_new(j, "reg_id", json_integer(c->reg_id));
	set_text(j, "params", c->params);
	return j;
}

/* ---- the list ---- */

struct listing {
	struct control_job *job;
	struct location_walk walk;
	bool room;
};

static int list_one(const struct aor *a, const struct contact *c, void *arg)
{
	struct listing *l = arg;

	l->room = control_item(l->job, registrations_contact(a, c));
	return 0;
}

static bool list_more(struct control_job *job, void *state)
{
	struct listing *l = state;
	bool more = true;

	l->job = job;
	l->room = true;
	while (more && l->room)
		more = location_walk(&l->walk, list_one, l);
	return more;
}

static void list_end(void *state)
{
	struct listing *l = state;

	location_walk_end(&l->walk);
	free(l);
}

static bool one_more(struct control_job *job, void *state)
{
	const char *name = state;
	struct aor *a = location_find(name, strlen(name));

	for (struct contact *c = a ? a->contacts : NULL; c; c = c->next)
		control_item(job, registrations_contact(a, c));
	return false;
}

static void verb_registrations(struct control_job *job, const json_t *request, void *arg)
{
	const char *name = json_string_value(json_object_get(request, "aor"));
	char *copy = name ? strdup(name) : NULL;
	struct listing *l = name ? NULL : calloc(1, sizeof(*l));

	(void)arg;
	if (copy) {
		control_stream(job, one_more, free, copy);
	} else if (l) {
		location_walk_begin(&l->walk);
		control_stream(job, list_more, list_end, l);
	} else {
		control_refuse(job, -ENOMEM, "no memory");
	}
}

/* ---- beyond the list ---- */

static json_t *last_json(const struct last *l)
{
	json_t *j = json_object();

	set_boot_time(j, "time", l->time);
	json_object_set_new(j, "source", json_endpoint(&l->source));
	return j;
}

static json_t *removed_json(const struct last *l)
{
	json_t *j = last_json(l);

	json_object_set_new(j, "why", json_string(history_name((enum happened)l->code)));
	set_text(j, "contact", l->text);
	return j;
}

/* The newest that was granted; its phrase is that of 200. */
static struct last last_granted(const char *aor)
{
	const struct aor *a = location_find(aor, strlen(aor));
	struct last l = { .code = 200, .text = "OK" };

	for (const struct contact *c = a ? a->contacts : NULL; c; c = c->next)
		if (c->origin == ORIGIN_MAIN && location_heard(c) > l.time) {
			l.time = location_heard(c);
			l.source = c->flow.remote;
		}
	return l;
}

static json_t *result_json(const char *aor)
{
	struct last refused = history_refusal(aor), granted = last_granted(aor);
	const struct last *l = granted.time + LOCATION_TICK > refused.time ? &granted : &refused;
	json_t *j;

	if (!l->time)
		return NULL;
	j = last_json(l);
	json_object_set_new(j, "code", json_integer(l->code));
	set_text(j, "phrase", l->text);
	return j;
}

static void verb_last(struct control_job *job, const json_t *request, void *arg)
{
	const char *aor = json_string_value(json_object_get(request, "aor"));
	struct last removed = aor ? history_removal(aor) : (struct last){ 0 };
	json_t *j = json_object();

	(void)arg;
	if (removed.time)
		json_object_set_new(j, "removed", removed_json(&removed));
	if (aor)
		json_object_set_new(j, "result", result_json(aor));
	control_answer(job, j);
}

/* ---- removal ---- */

struct removal {
	struct control_job *job;
	uint64_t id;		/* 0: by .uri */
	uint32_t n;
	bool again;		/* there are more than fit into one change */
	char *uri;		/* NULL: all of them */
	char aor[];
};

static void removal_free(struct removal *r)
{
	free(r->uri);
	free(r);
}

static void remove_now(void *arg);

static void removed(int result, void *arg)
{
	struct removal *r = arg;

	if (!result && r->again)
		return remove_now(r);
	if (result)
		control_refuse(r->job, result, "%s: the database did not take it: %s", r->aor,
			       strerror(-result));
	else
		control_answer(r->job, json_pack("{s:i}", "removed", (int)r->n));
	removal_free(r);
}

static bool is_meant(const struct removal *r, const struct contact *c)
{
	return r->id ? c->id == r->id : !r->uri || !strcmp(c->uri, r->uri);
}

/* Nothing is on its way: what is there now is what goes. */
static void remove_now(void *arg)
{
	struct removal *r = arg;
	struct aor *a = location_find(r->aor, strlen(r->aor));
	uint64_t drop[DROP_MAX];
	struct location_change change = { .aor = r->aor, .drop = drop, .why = GONE_ADMIN };
	int err = 0;

	for (struct contact *c = a ? a->contacts : NULL; c && change.n_drop < DROP_MAX; c = c->next)
		if (is_meant(r, c))
			drop[change.n_drop++] = c->id;
	r->n += change.n_drop;
	r->again = change.n_drop == DROP_MAX;
	if (change.n_drop)
		err = location_commit(&change, removed, r);
	if (change.n_drop && !err)
		return;
	if (err || r->n)
		return removed(err, r);
	control_refuse(r->job, -ENOENT, a ? "%s has no such contact" : "%s is not registered",
		       r->aor);
	removal_free(r);
}

static void verb_remove(struct control_job *job, const json_t *request, void *arg)
{
	const char *name = json_string_value(json_object_get(request, "aor"));
	const json_t *contact = json_object_get(request, "contact");
	struct removal *r;
	int err;

	(void)arg;
	if (!name || strlen(name) > AOR_MAX) {
		control_refuse(job, -EINVAL, "whose registration? \"aor\" is missing");
		return;
	}
	r = calloc(1, sizeof(*r) + strlen(name) + 1);
	if (!r) {
		control_refuse(job, -ENOMEM, "no memory");
		return;
	}
	r->job = job;
	strcpy(r->aor, name);
	r->id = (uint64_t)json_integer_value(contact);
	r->uri = json_is_string(contact) ? strdup(json_string_value(contact)) : NULL;
	err = json_is_string(contact) && !r->uri ? -ENOMEM : location_wait(name, remove_now, r);
	if (err < 0)
		removed(err, r);
	else if (!err)
		remove_now(r);
}

/* ---- users ---- */

static void (*users_changed)(void);

void registrations_users_hook(void (*fn)(void))
{
	users_changed = fn;
}

static void verb_users_changed(struct control_job *job, const json_t *request, void *arg)
{
	(void)request;
	store_users_changed(arg);
	if (users_changed)
		users_changed();
	control_answer(job, NULL);
}

int registrations_open(struct store *s)
{
	int err = control_verb("registrations", verb_registrations, s);

	if (!err)
		err = control_verb("registration-last", verb_last, s);
	if (!err)
		err = control_verb("registration-remove", verb_remove, s);
	return err ? err : control_verb("users-changed", verb_users_changed, s);
}
