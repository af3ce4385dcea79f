// SPDX-License-Identifier: BSD-2-Clause
/*
 * usage: property [CASES [SEED]]
 *
 * Random exchanges of valid messages through the module's own pipeline. Each message must come out
 * with exactly the changes that the rules name, what the other side sends back must come to the
 * phone as the phone wrote it, and when all is over nothing may be left. A case that fails is made
 * smaller and printed. "property 1 SEED" runs one case again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "generate.h"
#include "draw.h"
#include "net.h"
#include "tables.h"

#define SEED 20261122u
#define KINDS 24	/* different failures that are shown */

static struct message log_[24];
static u32 n_log;
static long at_rest;	/* allocations of the module without any state */

/* ---- one message ---- */

#define TRY(x) do { const char *bad_ = (x); if (bad_) return bad_; } while (0)

static const char *send(bool from_phone, const struct plan *p, struct message **sent)
{
	struct message *m = &log_[n_log++];
	const struct message *r = p->request;
	u16 dest;

	SHIM_BUG_ON(n_log > ARRAY_SIZE(log_));
	generate(m, from_phone, p);
	*sent = m;
	TRY(message_send(m));
	dest = from_phone ? w.peer : w.src;
	if (!from_phone && p->status && r->edits && !r->has_rport && r->via_port)
		dest = r->via_port;
	return m->out_dest == dest ? NULL : "the datagram goes to another port";
}

static const char *respond(const struct message *to, const struct plan *req, u16 status,
			   u8 content, struct message **sent)
{
	struct plan p = { .method = req->method, .status = status, .cseq = req->cseq,
			  .in_dialog = req->in_dialog, .content = content, .request = to };

	return send(!to->from_phone, &p, sent);
}

static u16 any_status(void)
{
	static const u16 t[] = { 200, 202, 302, 401, 404, 407, 408, 423, 486, 500, 503, 603, 699 };

	return PICK(t);
}

/* ---- exchanges ---- */

/* A Contact that names no inside endpoint registers where it came from. */
static void note_bindings(const struct message *m)
{
	struct name *n;
	const struct piece *p;
	const struct value *v;
	u32 i;

	for (i = 0; (v = value_find(m, F_CONTACT, i)); i++) {
		n = NULL;
		for (p = m->piece + v->from; p < m->piece + v->to; p++)
			if (p->kind == HOSTPORT)
				n = &w.name[p->name];
		if (!n)
			n = name_of(SIGNALLING, PHONE, w.src, IPPROTO_UDP);
		n->bound = true;
	}
}

static u32 count_values(const struct message *m, u8 field)
{
	u32 i = 0;

	while (value_find(m, field, i))
		i++;
	return i;
}

/* The world asks for a Contact that the phone published. */
static const char *ask_contact(const struct message *target, const struct message *dialog,
			       u32 cseq)
{
	static const char *const methods[] = { "OPTIONS", "MESSAGE", "NOTIFY", "INFO", "X-ASK" };
	struct plan p = { .method = PICK(methods), .cseq = cseq, .content = ANY_BODY,
			  .target = target, .request = dialog, .in_dialog = dialog };
	struct message *q, *a;

	p.target_i = draw(max_t(u32, count_values(target, F_CONTACT), 1));
	TRY(send(false, &p, &q));
	return respond(q, &p, rarely(2) ? any_status() : 200, ANY_BODY, &a);
}

static const char *register_phone(void)
{
	struct plan p = { .method = "REGISTER", .cseq = 1 + draw(1000), .content = NO_BODY };
	struct message *q, *a;

	TRY(send(true, &p, &q));
	if (rarely(4))
		TRY(respond(q, &p, 401, NO_BODY, &a));
	TRY(respond(q, &p, 200, NO_BODY, &a));
	note_bindings(q);
	if (count_values(q, F_CONTACT) && rarely(2))
		return ask_contact(q, NULL, 77);
	return NULL;
}

static const char *any_request(bool from_phone)
{
	static const char *const methods[] = { "OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "INFO",
					       "PUBLISH", "REFER", "UPDATE", "PRACK", "BYE", "ACK",
					       "CANCEL", "X-ANY~", "REGISTER" };
	struct plan p = { .method = PICK(methods), .cseq = draw(2) ? draw(1u << 30) : 7,
			  .content = ANY_BODY };
	struct message *q, *a;
	u16 status;

	w.owner = OUTSIDE_CALLS;
	/* a session may be described in any message but ACK (RFC 3261 11.2) */
	if (rarely(3) && strcmp(p.method, "ACK"))
		p.content = SDP_BODY;
	/* a REGISTER of the phone is an exchange of its own */
	if (from_phone && !strcmp(p.method, "REGISTER"))
		p.method = "OPTIONS";
	TRY(send(from_phone, &p, &q));
	if (!strcmp(p.method, "ACK"))
		return NULL;
	if (rarely(4))
		TRY(respond(q, &p, (u16)(100 + draw(100)), ANY_BODY, &a));
	if (rarely(4))
		return respond(q, &p, (u16)(200 + draw(500)), ANY_BODY, &a);
	status = rarely(2) ? any_status() : 200;
	return respond(q, &p, status, status < 300 && rarely(2) ? SDP_BODY : ANY_BODY, &a);
}

/* ---- calls ---- */

static const char *in_dialog(bool from_phone, const struct message *dialog, struct plan p,
			     struct message **sent)
{
	p.in_dialog = true;
	p.request = dialog;
	return send(from_phone, &p, sent);
}

#define PLAN(m, n, c) ((struct plan){ .method = (m), .cseq = (n), .content = (c) })

static const char *answered(const struct message *q, const char *method, u32 cseq, u8 content,
			    struct message **sent)
{
	struct plan p = { .method = method, .cseq = cseq, .in_dialog = true };

	return respond(q, &p, 200, content, sent);
}

static const char *hang_up(const struct message *dialog, u32 cseq)
{
	bool by_phone = draw(2);
	struct message *q, *a;

	TRY(in_dialog(by_phone, dialog, PLAN("BYE", cseq, NO_BODY), &q));
	return answered(q, "BYE", cseq, NO_BODY, &a);
}

static const char *again(bool by_phone, const struct message *dialog, u32 cseq)
{
	const char *method = rarely(3) ? "UPDATE" : "INVITE";
	struct message *q, *a;

	TRY(in_dialog(by_phone, dialog, PLAN(method, cseq, SDP_BODY), &q));
	TRY(answered(q, method, cseq, SDP_BODY, &a));
	if (*method == 'U')
		return NULL;
	return in_dialog(by_phone, dialog, PLAN("ACK", cseq, NO_BODY), &q);
}

/* From the answer on, until its end. */
static const char *talk(bool by_phone, const struct message *contact, const struct message *ok,
			bool late)
{
	struct message *q;

	TRY(in_dialog(by_phone, ok, PLAN("ACK", 1, late ? SDP_BODY : NO_BODY), &q));
	if (rarely(4))
		TRY(again(by_phone, ok, 2));
	if (rarely(3))
		TRY(ask_contact(contact, ok, 50));
	return hang_up(ok, 3);
}

static const char *call(bool by_phone)
{
	struct plan p = { .method = "INVITE", .cseq = 1 };
	bool late = rarely(4);
	struct message *q, *a;
	u16 status;

	p.content = late ? NO_BODY : SDP_BODY;
	w.owner = OF_CALL;
	TRY(send(by_phone, &p, &q));
	if (rarely(3))
		TRY(respond(q, &p, 100, NO_BODY, &a));
	if (rarely(4))
		TRY(respond(q, &p, 180, NO_BODY, &a));
	status = rarely(4) ? any_status() : 200;
	TRY(respond(q, &p, status, status < 300 ? SDP_BODY : ANY_BODY, &a));
	if (status < 300)
		return talk(by_phone, by_phone ? q : a, a, late);
	return in_dialog(by_phone, a, PLAN("ACK", 1, NO_BODY), &a);
}

/* ---- nothing may be left ---- */

static const char *at_end(void)
{
	struct cg_net *cn = cg_net_of(&init_net);
	u32 i;

	TRY(tables_check());
	router_flush();
	for (i = 0; i < 8 && (cn->wheel.armed || !i); i++)
		shim_sleep(1200 * 1000);
	if (cn->ncalls)
		return "a call is left";
	if (cn->nbindings)
		return "a binding is left";
	if (cn->ntxns)
		return "a transaction is left";
	if (cn->nghosts || cn->npins)
		return "a pinhole is left";
	if (cn->nhosts)
		return "a host is left";
	if (cn->npublished)
		return "an expectation is left";
	if (cn->pool.count != cn->pool.size)
		return "a port did not come back to the pool";
	return shim_live == at_rest ? NULL : "memory is left";
}

/* ---- one case ---- */

static const char *exchanges(void)
{
	u32 n = 1 + draw(2);

	for (; n; n--) {
		switch (draw(6)) {
		case 0:
			TRY(any_request(true));
			break;
		case 1:
			TRY(any_request(false));
			break;
		case 2:
			TRY(register_phone());
			break;
		case 3:
			TRY(call(false));
			return at_end();
		default:
			TRY(call(true));
			return at_end();
		}
	}
	return at_end();
}

static const char *run_case(void)
{
	n_log = 0;
	world_make();
	cg_net_of(&init_net)->set.strict = w.strict;
	return exchanges();
}

static void begin(void)
{
	shim_random_seed(1);
	router_begin();
	/* the hooks are registered at the first packet */
	at_rest = shim_live;
}

/* ---- failures ---- */

static struct tape tape;
static const char *wanted;

/* In a process of its own: the failure, a crash included, is what is left of it. */
static bool still_fails(struct tape *t)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		const char *bad;

		if (!freopen("/dev/null", "w", stderr))
			_exit(2);
		begin();
		draw_again(t);
		bad = run_case();
		_exit(bad && (!wanted || !strcmp(bad, wanted)));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) == 1 : !wanted;
}

static void show(const struct tape *t, u64 seed)
{
	const char *bad;
	u32 i;

	fflush(stdout);
	if (!fork()) {
		begin();
		draw_again((struct tape *)t);
		bad = run_case();
		printf("seed %llu: %s\n", (unsigned long long)seed, bad ? bad : "passed alone");
		printf("phone %s:%u, seen as %s:%u, mode %s%s, %u messages\n", w.text[PHONE], w.src,
		       w.text[PUBLIC], w.pub,
		       w.mode == SNAT ? "snat" : w.mode == DNAT ? "dnat" : "routed",
		       w.open_only ? ", open" : "", n_log);
		for (i = 0; i < n_log; i++)
			message_show(&log_[i]);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void explain(u64 seed, const char *bad)
{
	static struct tape t;

	wanted = bad;
	t = tape;
	draw_shrink(&t, still_fails, 4000);
	show(&t, seed);
}

/* ---- all cases ---- */

/* What a child has to say: how far it came, and what stopped it. */
struct progress {
	u64 done;
	char bad[160];
};

static void run(u64 seed, u64 from, u64 to, int fd)
{
	struct progress r = { .done = from };
	const char *bad = NULL;

	begin();
	for (; r.done < to && !bad; r.done++) {
		draw_new(&tape, seed + r.done);
		bad = run_case();
	}
	if (bad)
		snprintf(r.bad, sizeof(r.bad), "%s", bad);
	else
		router_end();
	if (write(fd, &r, sizeof(r)) != sizeof(r))
		_exit(2);
	/* the leak checker has its say */
	if (!bad)
		exit(0);
	_exit(0);
}

int main(int argc, char **argv)
{
	u64 cases = argc > 1 ? strtoull(argv[1], NULL, 0) : 10000;
	u64 seed = argc > 2 ? strtoull(argv[2], NULL, 0) : SEED;
	static char seen[KINDS][160];
	u64 done = 0, failed = 0;
	u32 kinds = 0, i;

	printf("seed %llu\n", (unsigned long long)seed);
	while (done < cases && failed < 1000) {
		struct progress r = { .done = done };
		int fd[2], status;
		pid_t pid;

		fflush(stdout);
		if (pipe(fd) || (pid = fork()) < 0)
			return 2;
		if (!pid)
			run(seed, done, cases, fd[1]);
		close(fd[1]);
		if (read(fd[0], &r, sizeof(r)) != sizeof(r)) {
			printf("a crash between seeds %llu and %llu\n",
			       (unsigned long long)(seed + done),
			       (unsigned long long)(seed + cases - 1));
			failed++;
			r.done = cases;
		}
		close(fd[0]);
		waitpid(pid, &status, 0);
		done = r.done;
		if (!r.bad[0])
			continue;
		failed++;
		for (i = 0; i < kinds && strcmp(seen[i], r.bad); i++)
			;
		if (i < kinds || kinds == KINDS)
			continue;
		strcpy(seen[kinds++], r.bad);
		draw_new(&tape, seed + done - 1);
		/* draws the case once more, to have its list */
		if (!fork()) {
			begin();
			run_case();
			explain(seed + done - 1, r.bad);
			_exit(0);
		}
		wait(NULL);
	}
	printf("# property: %llu passed, %llu failed, 0 skipped\n",
	       (unsigned long long)(done - failed), (unsigned long long)failed);
	return failed != 0;
}
