/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls, eight at a time, from one provider and from inside, while users move between any
 * two messages and while kernel and daemon take turns: each transaction belongs to one of them, a
 * response is dealt with by either. Here the kernel is a small model of its forward: the shared
 * code, a table of ways, the locations. Whatever it can do is done by both: their bytes are the
 * same but for the owner's mark. Nothing may be lost, sent twice, or reach another call's party.
 *
 * usage: test_proxy_sequences [CALLS [SEED]]
 */
#include "proxy_world.h"

#include "log.h"
#include "proxy_way.h"
#include "sip/aor.h"

#include "stories.h"

#define CALLS 10000
#define ACTIVE 8
#define KERNEL_TXNS 4096

static unsigned int n_sent, n_kernel, n_daemon;

/* ---- where everybody is ---- */

static struct endpoint device(unsigned int n, bool six)
{
	char text[40];

	if (six) {
		snprintf(text, sizeof(text), "fd00::%x", 16 + n);
		return at6(text, (uint16_t)(5060 + n % 3));
	}
	snprintf(text, sizeof(text), "192.168.1.%u", 16 + n);
	return at4(text, (uint16_t)(5060 + n % 3));
}

static struct endpoint stranger(bool six)
{
	return six ? at6("2001:db8:9::9", 5060) : at4("198.51.100.9", 5060);
}

static const char *router(bool six, bool outside)
{
	if (six)
		return outside ? "[2001:db8::1]" : "[fd00::1]";
	return outside ? "203.0.113.1" : "192.168.1.1";
}

static void place(const char *user, const char *uri, struct endpoint at)
{
	char aor[64];

	snprintf(aor, sizeof(aor), "%s@office.example", user);
	world_locate(aor, uri, at);
}

/* ---- the kernel ---- */

static struct kernel_txn {
	uint64_t key;
	struct sip_hop to;
	uint32_t len;
	char target[WAY_URI];
} txns[KERNEL_TXNS];
static unsigned int next_txn;

static const uint8_t secret[SIP_HASH_KEY] = "table of ways";
static struct sip_relay relay;
static struct sip_edits edits;
static struct sip_msg msg;
static char kernel_out[RX_SIZE];
static uint32_t kernel_len;

static struct kernel_txn *kernel_find(uint64_t key)
{
	for (unsigned int i = 0; i < KERNEL_TXNS; i++)
		if (txns[i].key == key)
			return &txns[i];
	return NULL;
}

static bool is_realm(void *arg, const u8 *realm, u32 len)
{
	const char *own = world_domains[0].realm;

	(void)arg;
	return len == strlen(own) && !memcmp(own, realm, len);
}

/* By location, or in a dialog by the token or to the host of the Request-URI. */
static bool kernel_way(struct rx *rx, struct kernel_txn *t)
{
	const struct sip_relay_look *l = &relay.look;
	struct sip_end peer;
	struct sip_flow flow;
	char name[SIP_AOR_MAX];
	const struct aor *a;

	t->len = 0;
	if (l->has_next)
		return false;
	if (!l->has_contact && !msg.to_tag.len && way_ours(rx, rx->buf, &l->ruri.host)) {
		a = location_find(name, sip_aor_print_at(rx->buf, &l->ruri, "office.example", 14,
							 (u8 *)name));
		if (!a)
			return false;
		t->to = way_hop(&a->contacts->flow);
		t->len = (uint32_t)strlen(a->contacts->uri);
		memcpy(t->target, a->contacts->uri, t->len);
		return true;
	}
	if (l->lost)
		peer = l->route.end;
	else if (l->has_contact)
		peer = l->contact.end;
	else if (!l->dialog || !sip_end_of(&l->ruri.host, &peer) ||
		 way_ours(rx, rx->buf, &l->ruri.host))
		return false;
	if (peer.kind == SIP_HOST_NONE)
		return false;
	flow = flow_of((struct endpoint){ .len = peer.kind == SIP_HOST_IP4 ? 4 : 16,
					  .port = peer.port });
	memcpy(flow.remote.addr, peer.addr, flow.remote.len);
	flow = flow_of(flow.remote);
	t->to = way_hop(&flow);
	t->to.ifindex = 0;
	return true;
}

static bool kernel_request(struct rx *rx)
{
	uint64_t key = sip_relay_txn(secret, &msg, &relay.from);
	struct kernel_txn *t = kernel_find(key), new = { .key = key };

	if (sip_relay_look(&relay, &msg))
		return false;
	if (!t && !kernel_way(rx, &new))
		return false;
	if (!t) {
		t = &txns[next_txn++ % KERNEL_TXNS];
		*t = new;
	}
	relay.to = t->to;
	relay.target = t->len ? (const u8 *)t->target : NULL;
	relay.target_len = t->len;
	return !sip_relay_request(&relay, &msg, &edits);
}

/* True: it would be forwarded by the kernel, as kernel_out. */
static bool kernel(struct endpoint peer, const char *text, uint32_t len)
{
	struct sip_flow flow = flow_of(peer);
	struct rx rx = { .flow = flow, .buf = (const u8 *)text, .len = len };

	if (sip_msg_parse(&msg, (const u8 *)text, len, SIP_DATAGRAM))
		return false;
	relay = (struct sip_relay){ .key = proxy_key(), .ours = way_ours, .realm = is_realm,
				    .arg = &rx, .from = way_hop(&flow),
				    .owner = SIP_OWNER_KERNEL };
	sip_edit_init(&edits);
	if (msg.request ? !kernel_request(&rx) : sip_relay_response(&relay, &msg, &edits))
		return false;
	kernel_len = sip_edit_length(&edits, len);
	return !sip_edit_apply(&edits, (const u8 *)text, len, (u8 *)kernel_out, sizeof(kernel_out));
}

/* ---- the hop: whose transaction it is ---- */

/* The same but for the mark of the first branch? */
static bool equal_but_mark(const struct sent *s)
{
	static char copy[RX_SIZE];
	char *mark;

	if (s->len != kernel_len)
		return false;
	memcpy(copy, s->text, s->len);
	copy[s->len] = 0;
	mark = strncmp(copy, "SIP/2.0", 7) ? strstr(copy, ";branch=z9hG4bKd") : NULL;
	if (mark)
		mark[15] = 'k';
	return !memcmp(copy, kernel_out, kernel_len);
}

/*
 * With @by_kernel the kernel's bytes go on, if it can; the daemon is asked as well, and has to
 * agree.
 */
static struct sent *hop(struct endpoint peer, const char *text, bool by_kernel)
{
	uint32_t len = (uint32_t)strlen(text);
	bool can = kernel(peer, text, len);
	unsigned int n = world_give(peer, text, len);
	struct sent *s = world_last();

	n_sent++;
	if (n != 1) {
		n_lost += !n;
		n_dup += n > 1;
		return NULL;
	}
	if (!can) {
		n_daemon++;
		return s;
	}
	n_unequal += !equal_but_mark(s);
	n_kernel += by_kernel;
	n_daemon += !by_kernel;
	if (by_kernel) {
		memcpy(s->text, kernel_out, kernel_len);
		s->len = kernel_len;
	}
	return s;
}

int main(int argc, char **argv)
{
	unsigned int calls = argc > 1 ? (unsigned int)atoi(argv[1]) : CALLS;
	static struct story active[ACTIVE];
	unsigned int i;

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 20261123;
	log_setup(LOG_LEVEL_WARN);
	world_open();
	move_in();
	for (i = 0; i < ACTIVE; i++)
		begin(&active[i]);
	while (calls_made < calls) {
		struct story *c = &active[draw(ACTIVE)];

		if (!draw(20))
			rx_wait(1000);
		if (!act(c))
			begin(c);
	}
	printf("%u calls, %u messages: %u by the kernel's model, %u by the daemon\n", calls_made,
	       n_sent, n_kernel, n_daemon);
	T_OK(n_kernel > calls && n_daemon > calls, "both had their share");
	T_OK(!n_lost, "%u of %u lost", n_lost, n_sent);
	T_OK(!n_dup, "%u sent twice", n_dup);
	T_OK(!n_crossed, "%u crossed", n_crossed);
	T_OK(!n_unequal, "%u differ between kernel and daemon", n_unequal);
	T_OK(!n_wrong, "%u are not as they should be", n_wrong);
	world_close();
	return t_end("test_proxy_sequences");
}
