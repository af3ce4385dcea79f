/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The package "reg" (RFC 3680): whose registrations are watched, and what its documents say of each
 * change. Registrations are made by the real registrar; the notifier is played here.
 */
#include "registrar_bed.h"

#include "history.h"
#include "notifier.h"
#include "regevent.h"
#include "rx.h"

/* ---- the notifier, and who may ---- */

static const struct notifier_package *reg;
static unsigned int changes;
static struct subscription *changed;
static uint16_t access_code;
static int watch_result = 1;
static char asked_for[AOR_MAX + 1];

int notifier_package(const struct notifier_package *p)
{
	reg = p;
	return 0;
}

void notifier_changed(struct subscription *s)
{
	changes++;
	changed = s;
}

void access_watch(const struct rx *rx, const char *aor, struct access *a)
{
	(void)rx;
	snprintf(asked_for, sizeof(asked_for), "%s", aor);
	a->code = access_code;
}

int access_may_watch(const struct user *u, const char *aor)
{
	T_OK(u->id && strchr(aor, '@'), "who, and whom");
	return watch_result;
}

/* ---- what is done ---- */

#define ALICE "alice@office.example"
#define BOB "bob@office.example"

static char doc[NOTIFY_BODY + 1];

/* The next document. */
static const char *document(void *part, bool full)
{
	uint32_t n = reg->write(part, full, doc);

	T_OK(n < sizeof(doc) && n > 27 && !memcmp(doc + n - 27, "</registration>\n</reginfo>\n", 27),
	     "it does not end: %u", n);
	doc[n] = '\0';
	return doc;
}

static bool says(const char *text)
{
	if (strstr(doc, text))
		return true;
	printf("%s\n", doc);
	return false;
}

static unsigned int contacts(void)
{
	unsigned int n = 0;

	for (const char *at = doc; (at = strstr(at, "<contact ")); at++)
		n++;
	return n;
}

/* Of alice; @contact as it stands in the line. */
static void registers(const char *call_id, unsigned int cseq, const char *contact)
{
	static char lines[2048];

	snprintf(lines, sizeof(lines), "Contact: %s\r\nSupported: path\r\n", contact);
	bed_register((struct bed_register){ .call_id = call_id, .cseq = cseq, .lines = lines });
	T_OK(bed_code() == 200, "%s: %d", contact, bed_code());
}

static void fresh(void)
{
	bed_reset();
	timer_run(loop_now());
	changes = 0;
	changed = NULL;
	access_code = 0;
	watch_result = 1;
}

/* ---- the tests ---- */

static uint16_t admitted(const char *user, char resource[AOR_MAX + 1])
{
	static struct made m;
	struct access a = { 0 };

	T_OK(rx_make(&m, "SUBSCRIBE sip:%s@OFFICE.example SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;"
		     "branch=z9hG4bK1\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>\nCall-ID: c\n"
		     "CSeq: 1 SUBSCRIBE\nEvent: reg\n", user) == SIP_OK, "not parsed");
	asked_for[0] = '\0';
	reg->admit(&m.rx, &bed_domains[0], &a, resource);
	return a.code;
}

static void whose(void)
{
	char who[AOR_MAX + 1] = "";
	struct access a = { 0 };

	fresh();
	T_OK(!admitted("alice", who) && !strcmp(who, ALICE) && !strcmp(asked_for, ALICE), "%s", who);
	who[0] = '\0';
	T_OK(!admitted("100", who) && !strcmp(who, BOB) && !strcmp(asked_for, "100@office.example"),
	     "an alias is its user: %s, %s", who, asked_for);
	who[0] = '\0';
	T_OK(admitted("nobody", who) == 404, "%s", who);
	who[0] = '\0';
	bed_user_result = -EIO;
	T_OK(admitted("alice", who) == 503, "the store fails");
	bed_user_result = 0;
	who[0] = '\0';
	access_code = 403;
	T_OK(admitted("nobody", who) == 403, "who may not is told nothing of who exists");
	access_code = 0;
	strcpy(who, BOB);
	T_OK(!admitted("alice", who) && !strcmp(who, BOB) && !strcmp(asked_for, BOB),
	     "in a dialog the URI is ours: %s", who);
	who[0] = '\0';
	asked_for[0] = '\0';
	reg->admit(NULL, NULL, &a, who);
	T_OK(a.code == 404 && !asked_for[0], "%u", a.code);
}

static void one_contact(void)
{
	void *w;

	fresh();
	w = reg->begin((struct subscription *)&changes, ALICE);
	document(w, true);
	T_OK(says("version=\"0\" state=\"full\"") && says("aor=\"sip:" ALICE "\"") &&
	     says("state=\"init\"") && !contacts(), "nobody");
	registers("c1", 1, "<sip:alice@192.168.1.7:5062;x=%3C&amp>;q=0.25;methods=\"A, <B>\";"
		  "+sip.instance=\"<urn:x:1&2>\";expires=600");
	T_OK(changes == 1 && changed == (struct subscription *)&changes, "%u", changes);
	document(w, false);
	T_OK(says("version=\"1\" state=\"partial\"") && says("id=\"a") &&
	     says("state=\"active\">\n") && contacts() == 1, "the change");
	T_OK(says("state=\"active\" event=\"registered\"") && says(" q=\"0.250\"") &&
	     says("cseq=\"1\"") && says("callid=\"c1\"") && says(" duration-registered=\"0\""),
	     "its attributes");
	T_OK(says("<uri>sip:alice@192.168.1.7:5062;x=%3C&amp;amp</uri>") &&
	     says("<unknown-param name=\"methods\">&quot;A, &lt;B&gt;&quot;</unknown-param>") &&
	     says("<unknown-param name=\"+sip.instance\">\"&lt;urn:x:1&amp;2&gt;\"</unknown-param>"),
	     "its texts");
	document(w, false);
	T_OK(says("version=\"2\"") && !contacts() && says("state=\"active\""), "nothing more");
	document(w, true);
	T_OK(says("version=\"3\" state=\"full\"") && contacts() == 1 && says("event=\"registered\""),
	     "all");
	reg->end(w);
}

/* What came together is told together; of one contact what it came to. */
static void changes_together(void)
{
	char *id, first[64];
	void *w;

	fresh();
	w = reg->begin((struct subscription *)&changes, ALICE);
	registers("c1", 1, "<sip:alice@192.168.1.7>;expires=600");
	registers("c1", 2, "<sip:alice@192.168.1.7>;expires=700");
	document(w, false);
	T_OK(changes == 2 && contacts() == 1 && says("event=\"registered\"") && says("cseq=\"2\""),
	     "that it is new is told");
	id = strstr(doc, "<contact id=\"");
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(id + 13, "\"") + 14, id);
	registers("c1", 3, "<sip:alice@192.168.1.7>;expires=7000");
	document(w, false);
	T_OK(contacts() == 1 && says("event=\"refreshed\"") && says(first), "refreshed");
	registers("c1", 4, "<sip:alice@192.168.1.7>;expires=60");
	document(w, false);
	T_OK(contacts() == 1 && says("event=\"shortened\""), "shortened");
	registers("c1", 5, "<sip:alice@192.168.1.8>;expires=600");
	registers("c1", 6, "<sip:alice@192.168.1.7>;expires=0");
	document(w, false);
	T_OK(contacts() == 2 && says("state=\"terminated\" event=\"unregistered\"><uri>"
	     "sip:alice@192.168.1.7</uri>") && says(first) && says("event=\"registered\"") &&
	     says("<registration aor=\"sip:" ALICE "\"") && says("state=\"active\">\n"),
	     "one of two");
	registers("c1", 7, "<sip:alice@192.168.1.8>;expires=60");
	rx_wait(61000);
	document(w, false);
	T_OK(contacts() == 1 && says("event=\"expired\"") && says("state=\"terminated\">\n"),
	     "expired");
	reg->end(w);
}

static void note(int result, void *arg)
{
	(void)arg;
	T_OK(!result, "commit: %d", result);
}

static void removed_by(enum gone why)
{
	const struct aor *a = location_find(ALICE, strlen(ALICE));
	const struct location_change c = { .aor = ALICE, .drop = &a->contacts->id, .n_drop = 1,
					   .why = (uint8_t)why };

	location_commit(&c, note, NULL);
}

static void the_reasons(void)
{
	void *w;

	fresh();
	w = reg->begin((struct subscription *)&changes, ALICE);
	registers("c1", 1, "<sip:alice@192.168.1.7>");
	removed_by(GONE_ADMIN);
	registers("c1", 2, "<sip:alice@192.168.1.8>");
	removed_by(GONE_FLOW);
	document(w, false);
	T_OK(contacts() == 2 && !strstr(strstr(doc, "deactivated") + 1, "event=\"registered\"") &&
	     strstr(strstr(doc, "deactivated") + 1, "deactivated"), "%s", doc);
	reg->end(w);
}

/* An outbound flow that moves: another URI is another contact (RFC 5626, RFC 3680 5.2). */
static void replaced(void)
{
	static const char *const contact[] = {
		"<sip:alice@192.168.1.7;ob>;reg-id=1;+sip.instance=\"<urn:x:1>\"\r\n"
		"Supported: outbound",
		"<sip:alice@192.168.1.8;ob>;reg-id=1;+sip.instance=\"<urn:x:1>\"\r\n"
		"Supported: outbound",
	};
	void *w;

	fresh();
	w = reg->begin((struct subscription *)&changes, ALICE);
	registers("c1", 1, contact[0]);
	document(w, false);
	T_OK(says("<unknown-param name=\"reg-id\">1</unknown-param>"), "reg-id");
	registers("c2", 1, contact[1]);
	document(w, false);
	T_OK(contacts() == 2 && says("event=\"unregistered\"><uri>sip:alice@192.168.1.7;ob") &&
	     says("event=\"registered\"") && says("<uri>sip:alice@192.168.1.8;ob"), "both");
	reg->end(w);
}

/* More changes than are kept: then the next document has all. */
static void too_many_changes(void)
{
	static char contact[64];
	void *w;

	fresh();
	w = reg->begin((struct subscription *)&changes, ALICE);
	for (unsigned int i = 0; i < 17; i++) {
		snprintf(contact, sizeof(contact), "<sip:alice@192.168.2.%u>", i + 1);
		registers("c1", i + 1, contact);
		if (i < 16)
			removed_by(GONE_ADMIN);
	}
	document(w, false);
	T_OK(says("state=\"full\"") && contacts() == 1 && says("sip:alice@192.168.2.17"), "all");
	removed_by(GONE_ADMIN);
	document(w, false);
	T_OK(says("state=\"partial\"") && contacts() == 1, "then changes again");
	reg->end(w);
}

/* A contact that does not fit is left out, those behind it are not. */
static void too_long(void)
{
	static char lines[63000], wide[1000];
	size_t n = 0;
	void *w;

	fresh();
	bed_domains[0].max_contacts = 32;
	/* each & is five bytes in the document */
	memset(wide, '&', sizeof(wide) - 1);
	for (unsigned int i = 0; i < 14; i++)
		n += (size_t)snprintf(lines + n, sizeof(lines) - n, "Contact: <sip:%u@192.168.1.7;x="
				      "%.*s>\r\n", i, i == 13 ? 1 : 990, wide);
	bed_register((struct bed_register){ .cseq = 1, .lines = lines });
	T_OK(bed_code() == 200, "%s", bed_answer);
	w = reg->begin((struct subscription *)&changes, ALICE);
	document(w, true);
	T_OK(contacts() > 5 && contacts() < 14 && says("<uri>sip:13@192.168.1.7;x=&amp;</uri>"),
	     "%u fit", contacts());
	reg->end(w);
	bed_domains[0].max_contacts = 3;
}

static void who_is_told(void)
{
	struct subscription *one = (struct subscription *)&changes;
	struct subscription *two = (struct subscription *)&changed;
	void *a, *b, *c;

	fresh();
	a = reg->begin(one, ALICE);
	b = reg->begin(two, ALICE);
	c = reg->begin(one, BOB);
	registers("c1", 1, "<sip:alice@192.168.1.7>");
	T_OK(changes == 2, "both of alice, not bob's: %u", changes);
	document(c, false);
	T_OK(!contacts(), "bob");
	reg->end(a);
	registers("c1", 2, "<sip:alice@192.168.1.7>");
	T_OK(changes == 3 && changed == two, "%u", changes);
	reg->end(b);
	reg->end(c);
	registers("c1", 3, "<sip:alice@192.168.1.7>");
	T_OK(changes == 3, "nobody: %u", changes);
}

static void still(const char *watcher, const char *wanted)
{
	void *w = reg->begin((struct subscription *)&changes, ALICE);
	const char *is = reg->review(w, watcher);

	T_OK(wanted ? is && !strcmp(is, wanted) : !is, "%s: %s", watcher, is ? is : "goes on");
	reg->end(w);
}

static void the_review(void)
{
	fresh();
	still(BOB, NULL);
	watch_result = 0;
	still(BOB, "rejected");
	watch_result = -EIO;
	still(BOB, NULL);
	watch_result = 1;
	still("nobody@office.example", "rejected");
	bed_user_result = -EIO;
	still("nobody@office.example", NULL);
	bed_user_result = 0;
	bed_domains[0].mode = REGISTRAR_PASSIVE;
	still(BOB, "noresource");
	bed_domains[0].mode = REGISTRAR_MAIN;
}

int main(void)
{
	bed_open();
	T_OK(!regevent_open() && reg && !strcmp(reg->event, "reg") && reg->expires == 3761, "open");
	whose();
	one_contact();
	changes_together();
	the_reasons();
	replaced();
	too_many_changes();
	too_long();
	who_is_told();
	the_review();
	bed_close();
	return t_end("regevent");
}
