// SPDX-License-Identifier: BSD-2-Clause
/*
 * Runs the markdown files of tests/vectors (their README says how they are written): each literal
 * text is parsed, its view printed, and every expected line must be among the printed ones. Each
 * text is then parsed at every length to which it can be cut, with an unreadable page behind it.
 *
 * usage: vectors [-v] FOLDER|FILE.md...      -v prints every view
 */
#include "t.h"
#include "touch.h"

#include <dirent.h>
#include <stdarg.h>

static struct t_guard guard;
static char view[1 << 18];
static size_t view_len;
static int verbose;

static __attribute__((format(printf, 1, 2))) void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	view_len += (size_t)vsnprintf(view + view_len, sizeof(view) - view_len, fmt, ap);
	va_end(ap);
	if (view_len >= sizeof(view) - 1)
		view_len = sizeof(view) - 2;
}

static void say_bytes(const u8 *buf, struct sip_str s)
{
	u32 i;

	for (i = s.off; i < sip_str_end(s); i++) {
		if (buf[i] == '\\')
			say("\\\\");
		else if (buf[i] >= 0x20 && buf[i] != 0x7f)
			say("%c", buf[i]);
		else
			say("\\x%02x", buf[i]);
	}
}

static void field(const u8 *buf, const char *prefix, const char *name, struct sip_str s)
{
	if (!s.len)
		return;
	say("%s%s = ", prefix, name);
	say_bytes(buf, s);
	say("\n");
}

static void number(const char *prefix, const char *name, u32 n)
{
	if (n)
		say("%s%s = %u\n", prefix, name, n);
}

static const char *const kinds[] = { "none", "name", "ip4", "ip6" };

static void host(const u8 *buf, const char *prefix, const struct sip_host *h)
{
	u8 text[64];

	field(buf, prefix, "hostport", h->all);
	field(buf, prefix, "host", h->host);
	number(prefix, "port", h->port_num);
	if (h->kind)
		say("%skind = %s\n", prefix, kinds[h->kind]);
	if (h->kind >= SIP_HOST_IP4)
		say("%scanonical = %.*s\n", prefix,
		    (int)sip_host_print(text, h->kind, h->addr, h->port_num), (char *)text);
}

static void uri(const u8 *buf, const char *prefix, const struct sip_uri *u)
{
	static const char *const schemes[] = { "none", "sip", "sips", "tel", "other" };

	say("%sscheme = %s\n", prefix, schemes[u->scheme]);
	field(buf, prefix, "uri", u->all);
	field(buf, prefix, "user", u->user);
	field(buf, prefix, "password", u->password);
	field(buf, prefix, "uri-params", u->params);
	field(buf, prefix, "uri-headers", u->headers);
	host(buf, prefix, &u->host);
}

static void addresses(const struct sip_msg *m, u32 id)
{
	struct sip_nameaddr a;
	struct sip_walk w;
	char prefix[64];
	u32 n = 0, seconds;

	sip_walk_init(&w, m, id);
	while (sip_nameaddr_next(&w, &a)) {
		snprintf(prefix, sizeof(prefix), "%s.%u.", sip_header_name(id), n++);
		field(m->buf, prefix, "all", a.all);
		if (a.star) {
			say("%sstar\n", prefix);
			continue;
		}
		field(m->buf, prefix, "display", a.display);
		field(m->buf, prefix, "params", a.params);
		field(m->buf, prefix, "tag", a.tag);
		if (sip_contact_expires(m->buf, &a, &seconds))
			say("%sexpires = %u\n", prefix, seconds);
		say("%sbracket = %d\n", prefix, a.bracket);
		uri(m->buf, prefix, &a.uri);
	}
}

static void vias(const struct sip_msg *m)
{
	struct sip_walk w;
	struct sip_via v;
	char prefix[32];
	u32 n = 0;

	sip_walk_init(&w, m, SIP_H_VIA);
	while (sip_via_next(&w, &v)) {
		snprintf(prefix, sizeof(prefix), "via.%u.", n++);
		field(m->buf, prefix, "all", v.all);
		field(m->buf, prefix, "transport", v.transport);
		field(m->buf, prefix, "branch", v.branch);
		field(m->buf, prefix, "received", v.received);
		field(m->buf, prefix, "maddr", v.maddr);
		field(m->buf, prefix, "rport", v.rport);
		number(prefix, "rport-port", v.rport_num);
		if (v.ttl != SIP_NO_TTL)
			say("%sttl = %u\n", prefix, v.ttl);
		say("%srfc3261 = %d\n", prefix, v.rfc3261);
		host(m->buf, prefix, &v.sent_by);
	}
}

static void sdp_addr(const u8 *buf, const char *prefix, const char *name,
		     const struct sip_sdp_addr *a)
{
	if (!a->addr.len)
		return;
	field(buf, prefix, name, a->addr);
	say("%s%s-kind = %s%s%s\n", prefix, name, kinds[a->kind], a->multicast ? " multicast" : "",
	    a->any ? " any" : "");
	field(buf, prefix, "suffix", a->suffix);
}

static const char *const l4[] = { "none", "udp", "tcp" };

static void attributes(const u8 *buf, const char *prefix, struct sip_str section)
{
	static const char *const types[] = { "other", "host", "srflx", "prflx", "relay" };
	struct sip_iter it = sip_iter(section);
	struct sip_sdp_attr a;
	struct sip_sdp_cand c;
	struct sip_sdp_msrp p;
	struct sip_sdp_altc t;
	struct sip_iter path;

	while (sip_sdp_attr_next(buf, &it, &a)) {
		if (a.id == SIP_A_CANDIDATE && !sip_sdp_cand_parse(buf, a.value, &c)) {
			say("%scandidate = %s %u %s ", prefix, types[c.type], c.component,
			    l4[c.l4]);
			say_bytes(buf, c.addr);
			say(" %u", c.port_num);
			if (c.raddr.len) {
				say(" from ");
				say_bytes(buf, c.raddr);
				say(" %u", c.rport_num);
			}
			say(" (%s)\n", kinds[c.kind]);
		}
		path = sip_iter(a.value);
		while (a.id == SIP_A_PATH && sip_sdp_msrp_next(buf, &path, &p))
			field(buf, prefix, p.secure ? "msrps" : "msrp", p.host.all);
		if (a.id == SIP_A_ALTC && !sip_sdp_altc_parse(buf, a.value, &t)) {
			say("%saltc = %u ", prefix, t.num);
			say_bytes(buf, t.addr);
			say(" %u\n", t.port_num);
		}
	}
}

static void media(const u8 *buf, u32 n, const struct sip_sdp_media *m)
{
	static const char *const proto[] = { "other", "rtp",  "udptl", "tcp",
					     "bfcp",  "msrp", "sctp",  "udp" };
	static const char *const dirs[] = { "", "sendrecv", "sendonly", "recvonly", "inactive" };
	static const char *const setups[] = { "", "active", "passive", "actpass", "holdconn" };
	char prefix[32];

	snprintf(prefix, sizeof(prefix), "media.%u.", n);
	field(buf, prefix, "line", m->line);
	field(buf, prefix, "type", m->type);
	say("%sport = %u\n", prefix, m->port_num);
	if (m->count.len)
		number(prefix, "count", m->count_num);
	say("%sproto = %s\n%sl4 = %s\n", prefix, proto[m->proto_id], prefix, l4[m->l4]);
	if (m->dir)
		say("%sdir = %s\n", prefix, dirs[m->dir]);
	if (m->setup)
		say("%ssetup = %s\n", prefix, setups[m->setup]);
	if (m->rtcp_mux)
		say("%srtcp-mux\n", prefix);
	if (m->has_rtcp)
		say("%srtcp = %u\n", prefix, m->rtcp.port_num);
	if (m->has_rtcp && m->rtcp.has_addr)
		sdp_addr(buf, prefix, "rtcp-addr", &m->rtcp.addr);
	field(buf, prefix, "mid", m->mid);
	number(prefix, "conns", m->n_conn);
	sdp_addr(buf, prefix, "conn", &m->conn);
	attributes(buf, prefix, m->section);
}

static void sdp(const u8 *buf, struct sip_str body, bool frag)
{
	struct sip_sdp_media m;
	struct sip_iter it;
	struct sip_sdp s;
	u32 off = 0, n = 0;
	int bad;

	bad = sip_sdp_parse(&s, buf, body, frag, &off);
	if (bad) {
		say("sdp = bad %s\n", sip_bad_name((u32)bad));
		return;
	}
	say("sdp = ok\n");
	if (s.has_origin) {
		field(buf, "", "origin", s.origin.line);
		sdp_addr(buf, "", "origin-addr", &s.origin.addr);
	}
	sdp_addr(buf, "", "conn", &s.conn);
	field(buf, "", "group", s.group);
	if (s.ice)
		say("ice\n");
	if (s.bundle)
		say("bundle\n");
	attributes(buf, "", s.session);
	it = sip_sdp_iter(&s);
	while (sip_sdp_media_next(&s, &it, &m))
		media(buf, n++, &m);
}

static void parts(const struct sip_msg *m)
{
	struct sip_body b;
	struct sip_part p;
	u32 n = 0;

	sip_body_init(&b, m);
	while (sip_body_next(&b, &p)) {
		say("part.%u = ", n++);
		say_bytes(m->buf, p.ctype.type);
		say("/");
		say_bytes(m->buf, p.ctype.subtype);
		say(" %u bytes%s%s\n", p.body.len, p.sealed ? " sealed" : "",
		    p.encoded ? " encoded" : "");
		if (p.ctype.class == SIP_MEDIA_SDP || p.ctype.class == SIP_MEDIA_FRAG)
			sdp(m->buf, p.body, p.ctype.class == SIP_MEDIA_FRAG);
	}
	if (b.bad)
		say("parts = bad %s\n", sip_bad_name(b.bad));
}

static void message(const struct sip_msg *m, int r)
{
	static const u8 ids[] = { SIP_H_FROM,	       SIP_H_TO,	   SIP_H_CONTACT,
				  SIP_H_ROUTE,	       SIP_H_RECORD_ROUTE, SIP_H_PATH,
				  SIP_H_SERVICE_ROUTE, SIP_H_REFER_TO,	   SIP_H_REFERRED_BY };
	u32 i;

	if (r == SIP_BAD)
		say("bad %s\n%s", sip_bad_name(m->bad), m->framed ? "framed\n" : "");
	if (r == SIP_MORE)
		say("more\nneed = %u\n", m->need);
	if (r != SIP_OK)
		return;
	say("ok\n%s = %s\n", m->request ? "request" : "response", sip_method_name(m->method));
	number("", "status", m->status);
	field(m->buf, "", "reason", m->reason);
	if (m->request)
		uri(m->buf, "ruri.", &m->ruri);
	field(m->buf, "", "call-id", m->call_id);
	say("cseq = %u\n", m->cseq.num);
	field(m->buf, "", "cseq-method", m->cseq.method);
	field(m->buf, "", "from-tag", m->from_tag);
	field(m->buf, "", "to-tag", m->to_tag);
	if (m->has_max_forwards)
		say("max-forwards = %u\n", m->max_forwards);
	if (m->has_expires)
		say("expires = %u\n", m->expires);
	if (m->has_content_length)
		say("content-length = %u\n", m->content_length);
	say("headers = %u\nbody = %u\nrest = %u\nconsumed = %u\n", m->n_headers, m->body.len,
	    m->rest.len, m->consumed);
	if (sip_has_auth_int(m))
		say("auth-int\n");
	vias(m);
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		addresses(m, ids[i]);
	parts(m);
}

/* ---- the markdown ---- */

struct vector {
	char title[256];
	char kind[16]; /* sip, stream, sdp, sdpfrag */
	u8 text[65536];
	u32 len;
	char expect[16384];
	bool ready;
};

static struct vector v;

static void look(const u8 *p, u32 len)
{
	static struct sip_msg m;

	view_len = 0;
	view[0] = 0;
	if (!strncmp(v.kind, "sdp", 3))
		sdp(p, sip_slice(0, len), !strcmp(v.kind, "sdpfrag"));
	else
		message(&m, sip_msg_parse(&m, p, len, strcmp(v.kind, "stream") ? SIP_DATAGRAM : 0));
}

static bool has_line(const char *want, size_t len)
{
	const char *p = view;

	while (*p) {
		const char *e = strchr(p, '\n');
		size_t n = e ? (size_t)(e - p) : strlen(p);

		if (n == len && !memcmp(p, want, len))
			return true;
		p += n + (e != NULL);
	}
	return false;
}

static void run(const char *file)
{
	const char *p = v.expect;
	const char *e;
	u32 cut;

	v.ready = false;
	look(t_guard_put(&guard, v.text, v.len), v.len);
	if (verbose)
		printf("== %s: %s\n%s\n", file, v.title, view);
	while (*p) {
		size_t n = strcspn(p, "\n");
		bool not = *p == '!';

		T_OK(has_line(p + not, n - not ) != not, "%s: %s: %.*s\n--- the view is\n%s---",
		     file, v.title, (int)n, p, view);
		p += n + (p[n] == '\n');
	}
	for (cut = 0; cut < v.len; cut++)
		look(t_guard_put(&guard, v.text, cut), cut);
	if (strncmp(v.kind, "sdp", 3)) {
		static struct sip_msg m;
		const u8 *at = t_guard_put(&guard, v.text, v.len);

		e = sip_msg_parse(&m, at, v.len, SIP_DATAGRAM) ? NULL : touch_message(&m);
		T_OK(!e, "%s: %s: %s", file, v.title, e);
	}
}

/* \r \n \t \0 \\ \xNN; \c at the end of a line: no CRLF there. Other lines end in CRLF. */
static void text_line(const char *s)
{
	while (*s && *s != '\n') {
		char c = *s++;
		unsigned int x;

		if (c == '\\') {
			c = *s++;
			if (c == 'c')
				return;
			if (c == 'x') {
				sscanf(s, "%2x", &x);
				c = (char)x;
				s += 2;
			} else {
				c = c == 'r'   ? '\r'
				    : c == 'n' ? '\n'
				    : c == 't' ? '\t'
				    : c == '0' ? 0
					       : c;
			}
		}
		v.text[v.len++] = (u8)c;
	}
	v.text[v.len++] = '\r';
	v.text[v.len++] = '\n';
}

static void markdown(const char *file)
{
	enum { PROSE, TEXT, VIEW } where = PROSE;
	static char line[32768];
	FILE *f = fopen(file, "r");

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, "```", 3)) {
			if (where == VIEW)
				run(file);
			if (where != PROSE) {
				where = PROSE;
			} else if (!strcmp(line, "```view")) {
				T_OK(v.ready, "%s: a view without a text", file);
				where = VIEW;
				v.expect[0] = 0;
			} else {
				snprintf(v.kind, sizeof(v.kind), "%.15s", line + 3);
				where = TEXT;
				v.len = 0;
				v.ready = true;
			}
		} else if (where == TEXT) {
			text_line(line);
		} else if (where == VIEW) {
			snprintf(v.expect + strlen(v.expect), sizeof(v.expect) - strlen(v.expect),
				 "%s\n", line);
		} else if (line[0] == '#') {
			snprintf(v.title, sizeof(v.title), "%.200s", line + strspn(line, "# "));
		}
	}
	fclose(f);
}

static void folder(const char *path)
{
	struct dirent **e;
	char name[4096];
	int i, n = scandir(path, &e, NULL, alphasort);

	for (i = 0; i < n; i++) {
		size_t len = strlen(e[i]->d_name);

		snprintf(name, sizeof(name), "%s/%s", path, e[i]->d_name);
		if (len > 3 && !strcmp(e[i]->d_name + len - 3, ".md") &&
		    strcmp(e[i]->d_name, "README.md"))
			markdown(name);
		free(e[i]);
	}
	if (n < 0)
		markdown(path);
	else
		free(e);
}

int main(int argc, char **argv)
{
	int i;

	t_guard_init(&guard, 65536);
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-v"))
			verbose = 1;
		else
			folder(argv[i]);
	}
	T_OK(t_passed > 0, "no vectors found");
	return t_end("vectors");
}
