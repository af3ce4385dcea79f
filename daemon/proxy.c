/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "access.h"
#include "auth.h"
#include "config.h"
#include "kernel_media.h"
#include "log.h"
#include "proxy.h"
#include "proxy_device.h"
#include "proxy_dialog.h"
#include "proxy_seen.h"
#include "proxy_way.h"
#include "reply.h"
#include "text.h"
#include "txn.h"
#include "upstream.h"
#include "wake.h"

#define UDP_MAX 65507

/* One message at a time; too large for a stack. */
static struct {
	struct sip_relay r;
	struct sip_edits edits;
	struct way way;
	const struct domain *upstream;	/* of a REGISTER for a registrar elsewhere */
	bool disowned;			/* as access_request() says */
	bool believed;			/* a registrar that sends to its own user */
	uint8_t out[UDP_MAX + 1];
} now;

static struct sip_key keys;
static uint32_t generation;	/* of the key; 0: there is none yet */
static void (*key_changed)(void);

enum {
	COUNT_REQUEST, COUNT_RESPONSE, COUNT_SEEN, COUNT_POLICY, COUNT_NOWHERE, COUNT_SEND,
	COUNT_RELAY,		/* from here on by enum sip_relay_result */
};
#define RESULT(id, name, code, text) { name, 0 },
static struct proxy_count counts[] = {
	{ "request", 0 }, { "response", 0 }, { "same-way", 0 }, { "policy", 0 },
	{ "nowhere", 0 }, { "send", 0 },
	SIP_RELAY_LIST(RESULT)
	{ NULL, 0 },
};

const struct proxy_count *proxy_counts(void)
{
	return counts;
}

void proxy_key_set(const uint8_t key[16], const uint8_t old[16])
{
	memcpy(keys.key[0], key, sizeof(keys.key[0]));
	keys.has_old = old;
	if (old)
		memcpy(keys.key[1], old, sizeof(keys.key[1]));
	generation++;
	if (device_key(&keys))
		log_warn("no memory for all devices: some calls of before the last start may "
			 "not find theirs");
	if (key_changed)
		key_changed();
}

void proxy_key_hook(void (*fn)(void))
{
	key_changed = fn;
}

const struct sip_key *proxy_key(void)
{
	uint8_t key[16];

	if (!generation && getrandom(key, sizeof(key), 0) == sizeof(key))
		proxy_key_set(key, NULL);
	return &keys;
}

/* ---- sending ---- */

static void count_result(int result)
{
	counts[COUNT_RELAY + result].n++;
}

/* 0, or -errno. */
static int emit(const struct rx *rx)
{
	struct sip_flow to = way_flow(&now.r.to);
	uint32_t len;
	int err;

	/* without the module, or its answer, the description goes as it is */
	kernel_media(rx, &now.r.to, &now.edits);
	len = sip_edit_length(&now.edits, rx->len);
	if (sip_edit_apply(&now.edits, rx->buf, rx->len, now.out, sizeof(now.out)))
		return -EMSGSIZE;
	if (!rx->msg.request && upstream_commit(&to, now.out, len))
		return 0;
	err = transport_send(&to, now.out, len);
	if (err)
		counts[COUNT_SEND].n++;
	return err;
}

/* ---- refusing ---- */

static void tell(const struct rx *rx, uint16_t code, const char *why)
{
	char from[TEXT_ENDPOINT], user[64];
	uint32_t len = rx->msg.ruri.all.len < sizeof(user) ? rx->msg.ruri.all.len :
							      sizeof(user) - 1;

	memcpy(user, rx->buf + rx->msg.ruri.all.off, len);
	user[len] = 0;
	log_info("%s: %s %s refused: %u %s", text_endpoint(&rx->flow.remote, from),
		 sip_method_name(rx->msg.method), text_clean(user), code,
		 why ? why : reply_phrase(code));
}

/* A phone that cannot register tries for days. */
static unsigned int retry_after(const struct rx *rx, uint16_t code)
{
	return code == 480 ? 60 : rx->msg.method == SIP_M_REGISTER ? 30 : 5;
}

/* RFC 3261 17.1.1.3: never an answer to an ACK. A CANCEL that leads nowhere: 481 (9.2). */
static void refuse(const struct rx *rx, struct txn *t, uint16_t code, const char *warning)
{
	struct reply r;

	tell(rx, code, warning);
	if (rx->msg.method == SIP_M_ACK)
		return;
	if (rx->msg.method == SIP_M_CANCEL)
		code = 481;
	reply_begin(&r, rx, code, NULL);
	if (warning)
		reply_header(&r, "Warning", "399 callgate \"%s\"", warning);
	if (code == 480 || code == 503)
		reply_header(&r, "Retry-After", "%u", retry_after(rx, code));
	reply_send(&r, t);
}

static void refuse_way(const struct rx *rx, struct txn *t)
{
	const struct way *w = &now.way;
	uint16_t code = w->code;

	counts[COUNT_NOWHERE].n++;
	if (w->uniform && config_now()->uniform && access_stranger(&rx->flow))
		code = 480;
	refuse(rx, t, code, w->warning);
}

/* A registrar elsewhere asks its users for their passwords itself. */
static bool refused_upstream(const struct rx *rx, struct txn *t)
{
	uint16_t code = upstream_policy(rx, now.upstream);

	if (code) {
		counts[COUNT_POLICY].n++;
		refuse(rx, t, code, NULL);
	}
	return code;
}

/* A Route of ours for this Call-ID; but what has no tag in To begins another dialog with it. */
static bool is_in_dialog(const struct sip_msg *m)
{
	return now.r.look.dialog && (m->to_tag.len || m->method == SIP_M_ACK);
}

/*
 * True: the request was answered. Let in is what belongs to a dialog through us, or comes from a
 * registrar to where it knows its user to be.
 */
static bool refused_by_policy(const struct rx *rx, struct txn *t)
{
	struct access a;
	struct reply r;

	if (now.upstream)
		return refused_upstream(rx, t);
	if (is_in_dialog(&rx->msg))
		return false;
	now.believed = way_trunk(rx);
	if (now.believed)
		return false;
	access_request(rx, &a);
	now.disowned = a.disowned;
	if (!a.code)
		return false;
	counts[COUNT_POLICY].n++;
	/* a first request without credentials is no refusal; wrong ones are said by auth */
	if (!a.challenge)
		tell(rx, a.code, a.reason);
	if (rx->msg.method == SIP_M_ACK)
		return true;
	reply_begin(&r, rx, a.code, a.reason);
	if (a.challenge)
		auth_challenge(&r, &a.auth);
	reply_send(&r, t);
	return true;
}

/* ---- requests ---- */

/* RFC 3327 5.3: the proxies that the phone registered through. */
static void add_path(const struct rx *rx)
{
	uint32_t off = sip_msg_header(&rx->msg, SIP_H_VIA)->off;
	struct sip_str at = sip_slice(off, off);
	const struct sip_why why = SIP_WHY(ROUTE, 0);

	if (!now.way.path_len)
		return;
	sip_edit_put(&now.edits, at, "Route: ", 7, why);
	sip_edit_put(&now.edits, at, now.way.path, now.way.path_len, why);
	sip_edit_put(&now.edits, at, "\r\n", 2, why);
}

/* Writes and sends it on the way that is known; 0, or the code to refuse it with. */
static uint16_t relay(struct rx *rx, uint32_t made)
{
	struct sip_relay *r = &now.r;
	int result, err;

	r->to = now.way.to;
	r->target = now.way.target_len ? (const u8 *)now.way.target : NULL;
	r->target_len = now.way.target_len;
	r->owner = SIP_OWNER_DAEMON;
	r->disowned = now.way.disowned;
	r->believed = now.way.believed;
	r->old_key = made != generation;
	sip_edit_init(&now.edits);
	add_path(rx);
	if (now.upstream)
		upstream_path(&rx->msg, &r->to, &now.edits);
	result = sip_relay_request(r, &rx->msg, &now.edits);
	count_result(result);
	if (result)
		return sip_relay_code(result);
	err = emit(rx);
	if (err)
		return err == -EMSGSIZE ? 513 : 503;
	counts[COUNT_REQUEST].n++;
	return 0;
}

static bool begins_dialog(const struct sip_msg *m)
{
	return (m->method == SIP_M_INVITE || m->method == SIP_M_SUBSCRIBE ||
		m->method == SIP_M_REFER) && !m->to_tag.len;
}

/* An ACK of a 2xx and a CANCEL of nothing here leave no trace: their branch is their own. */
static void remember(const struct rx *rx, uint64_t key)
{
	struct sip_flow to = way_flow(&now.r.to);

	if (now.upstream)
		upstream_sent(rx, now.upstream, &to.remote);
	if (rx->msg.method == SIP_M_ACK || rx->msg.method == SIP_M_CANCEL)
		return;
	seen_add(key, &now.way, generation, rx->msg.method == SIP_M_INVITE);
	if (begins_dialog(&rx->msg))
		dialog_begin(&rx->msg, &now.r);
}

/* The users of other domains have their passwords elsewhere. */
static bool is_realm(void *arg, const uint8_t *realm, uint32_t len)
{
	const struct config *c = config_now();

	(void)arg;
	for (size_t i = 0; i < c->n_domains; i++)
		if (c->domains[i].mode == REGISTRAR_MAIN && strlen(c->domains[i].realm) == len &&
		    !memcmp(c->domains[i].realm, realm, len))
			return true;
	return false;
}

/* RFC 3325 5: whom we do not trust says nothing about who somebody is. */
static bool is_hop_of_stranger(void *arg, const struct sip_hop *hop)
{
	struct sip_flow flow = way_flow(hop);

	(void)arg;
	return access_stranger(&flow);
}

static void prepare(struct rx *rx)
{
	now.r = (struct sip_relay){ .key = proxy_key(), .ours = way_ours, .realm = is_realm,
				    .stranger = is_hop_of_stranger, .arg = rx,
				    .from = way_hop(&rx->flow), .max_len = UDP_MAX };
	now.upstream = rx->msg.request ? upstream_domain(rx) : NULL;
	if (now.upstream)
		now.r.registers = upstream_hides;
}

/* Relayed, or answered. False: the phones of whom it is for sleep. */
static bool relay_found(struct rx *rx, struct txn *t, uint64_t key)
{
	uint16_t code;

	way_find(rx, &now.r, &now.way);
	now.way.disowned = now.disowned;
	now.way.believed = now.believed;
	if (now.way.asleep)
		return false;
	if (now.way.code) {
		refuse_way(rx, t);
		return true;
	}
	code = relay(rx, generation);
	if (code) {
		refuse(rx, t, code, NULL);
		return true;
	}
	remember(rx, key);
	if (t)
		txn_forget(t);
	return true;
}

/* Who sent it was let in when it came. */
static bool relay_woken(struct rx *rx, struct txn *t, bool disowned)
{
	int result;

	prepare(rx);
	now.disowned = disowned;
	now.believed = false;	/* no phone of a registrar elsewhere sleeps here */
	result = sip_relay_look(&now.r, &rx->msg);
	if (!result)
		return relay_found(rx, t, seen_key(rx, &now.r.from));
	count_result(result);
	refuse(rx, t, sip_relay_code(result), NULL);
	return true;
}

static void refuse_asleep(const struct rx *rx, struct txn *t)
{
	counts[COUNT_NOWHERE].n++;
	refuse(rx, t, 480, NULL);
}

static bool hold(const struct rx *rx, struct txn *t)
{
	static const struct wake_calls calls = { relay_woken, refuse_asleep };

	return t && wake_hold(&(struct wake_request){
		.calls = &calls, .rx = rx, .txn = t, .contact = now.way.asleep,
		.only = now.way.only, .disowned = now.disowned,
		.stranger = access_stranger(&rx->flow) });
}

static void relay_new(struct rx *rx, struct txn *t, uint64_t key)
{
	now.disowned = now.believed = false;
	if (!refused_by_policy(rx, t) && !relay_found(rx, t, key) && !hold(rx, t))
		refuse_asleep(rx, t);
}

void proxy_request(struct rx *rx, struct txn *t)
{
	uint32_t made;
	uint64_t key;
	uint16_t code;
	int result;

	prepare(rx);
	result = sip_relay_look(&now.r, &rx->msg);
	if (result) {
		count_result(result);
		refuse(rx, t, sip_relay_code(result), NULL);
		return;
	}
	key = seen_key(rx, &now.r.from);
	if (!seen_find(key, &now.way, &made)) {
		relay_new(rx, t, key);
		return;
	}
	counts[COUNT_SEEN].n++;
	code = relay(rx, made);
	if (code)
		refuse(rx, t, code, NULL);
	else if (t)
		txn_forget(t);
}

/* ---- responses ---- */

void proxy_response(struct rx *rx)
{
	char from[TEXT_ENDPOINT];
	int result;

	prepare(rx);
	sip_edit_init(&now.edits);
	result = sip_relay_response(&now.r, &rx->msg, &now.edits);
	count_result(result);
	if (result) {
		log_debug("%s: response dropped: %s", text_endpoint(&rx->flow.remote, from),
			  sip_relay_text((u32)result));
		return;
	}
	dialog_answer(&rx->msg, &now.r.from);
	upstream_answer(rx, &now.edits);
	if (!emit(rx))
		counts[COUNT_RESPONSE].n++;
}

void proxy_free(void)
{
	seen_free();
	dialog_free();
	device_free();
	upstream_free();
	kernel_media_close();
}
