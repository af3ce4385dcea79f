// SPDX-License-Identifier: BSD-2-Clause
#include "words.h"
#include "draw.h"
#include "tables.h"

void lws(struct message *m)
{
	static const char *const t[] = { "", "", "", " ", "\t", "  ", "\r\n ", " \r\n\t " };

	put(m, PICK(t));
}

void look_alike(struct message *m)
{
	static const char *const before[] = { "", "sip:", "x", "//", "at ", "@" };

	put(m, PICK(before));
	put(m, draw(3) ? w.text[PHONE] : w.text[PUBLIC]);
	if (rarely(2)) {
		put(m, ":");
		putu(m, w.src);
	}
}

static void quoted(struct message *m)
{
	static const char *const t[] = { "", "Alice", "A \\\"B\\\" \\\\ <sip:x>,;", "caf\xc3\xa9",
					 "a;tag=x" };

	put(m, "\"");
	put(m, PICK(t));
	if (rarely(3)) {
		put(m, " <sip:");
		put(m, w.text[PHONE]);
		put(m, ">");
	}
	put(m, "\"");
}

/* ---- host and port ---- */

/* A port that is not opened comes from the list of the case, and only there. */
static u16 inside_port(u8 host, u16 dflt)
{
	if (host == PHONE && w.strict)
		return w.low;
	switch (draw(6)) {
	case 0:
		return w.src;
	case 1:
		return dflt;
	case 2:
		return 5070;
	case 3:
		return w.use_low || host != PHONE ? w.low : 6002;
	case 4:
		return 6000;
	default:
		return 2000;
	}
}

/* A port that is left out in one scheme is not written in the other. */
static u16 one_meaning(u16 port, u16 dflt)
{
	return port != dflt && (port == 5060 || port == 5061) ? 5064 : port;
}

static bool put_port(struct message *m, u16 port, u16 dflt, u8 spelling)
{
	if (port == dflt && spelling == 1)
		return false;
	put(m, ":");
	if (spelling == 2)
		put(m, "00");
	/* longer than what is remembered */
	if (spelling == 4)
		put(m, "000000000000000000000000000000000000000000000000000000000000");
	putu(m, port);
	return true;
}

/* Where a Contact or route leads: a port of its own, the source of the flow, or nowhere. */
static struct name *leads_to(u8 host, u16 port, u8 proto)
{
	if ((host == PHONE && port == w.src && proto == IPPROTO_UDP) ||
	    (!w.strict && !is_service(port)))
		return name_of(SIGNALLING, host, port, proto);
	return host == PHONE ? name_of(SIGNALLING, PHONE, w.src, IPPROTO_UDP) : NULL;
}

static void named(struct message *m, u8 use, u8 host, u16 dflt, u8 proto)
{
	u16 port = one_meaning(inside_port(host, dflt), dflt);
	u8 spelling = w.spell[use == IN_VIA ? 0 : use == IN_CONTACT || use == IN_REDIRECT ? 1 : 2];
	u32 from = m->len;
	struct name *n;
	struct piece *p;
	bool had;

	if (use != IN_VIA && host == PHONE && w.use_low && port == w.src)
		port = w.low;
	/* sips at the public port of the flow would mean two hosts */
	if (host == OTHER && w.use_low && port == w.pub)
		port = 6004;
	put(m, w.text[host]);
	if (use == IN_VIA && (port != dflt || spelling != 1) && rarely(6))
		put(m, " ");
	had = put_port(m, port, dflt, spelling);
	if (!m->edits || use == NOWHERE)
		return;
	if (use == IN_VIA) {
		p = put_piece(m, VIA, from, NULL);
		m->via_port = port;
	} else {
		n = leads_to(host, port, proto);
		if (!n || (use == IN_REDIRECT &&
			   (!n->bound || n->port != port || n->proto != proto)))
			return;
		p = put_piece(m, use == IN_REFER && !name_is_own(n) ? REFERRED : HOSTPORT, from, n);
	}
	p->port = port;
	p->host = host;
	p->had_port = had;
	p->dflt = dflt;
}

void host_port(struct message *m, u8 use, u16 dflt, u8 proto)
{
	static const char *const other[] = { "voip.example", "a-b.c_d.example.", "x",
					     "198.51.100.9", "[2001:db8::9:1]", "1.2.3.400",
					     "[::ffff:192.0.2.10]" };
	u8 host = (u8)draw(8);

	/* what the phone sends back as its own must not look like it */
	if (use == FOREIGN && (host < PEER))
		host = PEER;
	if (host < 2) {
		named(m, use, host, dflt, proto);
		return;
	}
	if (host == 2) {
		put(m, w.text[PUBLIC]);
		put(m, ":");
		/* a phone that knows where it is seen (RFC 5389) */
		putu(m, use == IN_VIA && rarely(2) ? w.pub : 7);
		return;
	}
	put(m, host == SELF || host == PEER || host == STRANGER ? w.text[host] : PICK(other));
	if (rarely(2)) {
		put(m, ":");
		putu(m, 1 + draw(65535));
	}
}

/* ---- URIs ---- */

static void user(struct message *m, bool bracket)
{
	static const char *const t[] = { "alice@", "", "+4930123@", "bob:pw@", "%61lice@" };
	static const char *const more[] = { "user;par=u%40x@", "a&b=c+d$e,f@", "null-%00-null@" };

	if (bracket && rarely(5)) {
		if (w.family == NFPROTO_IPV4) {
			put(m, w.text[PHONE]);
			put(m, "@");
		} else {
			put(m, PICK(more));
		}
	} else {
		put(m, PICK(t));
	}
}

static void uri_params(struct message *m)
{
	static const char *const t[] = { ";lr", ";ob", ";user=phone", ";gr=urn:uuid:0", ";x=[1]",
					 ";n%61me=v%61l", ";ttl=1", ";rinstance=82b6", ";lr=on" };

	while (rarely(3))
		put(m, PICK(t));
	if (rarely(8)) {
		put(m, ";maddr=");
		put(m, w.text[PHONE]);
	}
}

static void other_uri(struct message *m)
{
	static const char *const t[] = { "tel:+1-201-555-0123;phone-context=x.example",
					 "urn:service:sos", "isbn:2983792873" };

	put(m, PICK(t));
}

void uri(struct message *m, u8 use, bool bracket, struct value *v)
{
	static const char *const scheme[] = { "sip:", "sip:", "sip:", "SIP:", "sips:" };
	static const char *const trans[] = { "", "", "", ";transport=udp", ";Transport=UDP",
					     ";transport=tcp", ";transport=tls" };
	u32 s = draw(ARRAY_SIZE(scheme)), t = bracket ? draw(ARRAY_SIZE(trans)) : 0;
	bool secure = s == 4;

	if (rarely(16)) {
		other_uri(m);
		return;
	}
	put(m, scheme[s]);
	user(m, bracket);
	host_port(m, use, secure ? 5061 : 5060, secure || t > 4 ? IPPROTO_TCP : IPPROTO_UDP);
	if (!bracket)
		return;
	put(m, trans[t]);
	uri_params(m);
	if (v)
		value_cut(m, v);
	if (use != NOWHERE && rarely(8)) {
		put(m, "?Replaces=a%40");
		put(m, w.family == NFPROTO_IPV4 ? w.text[PHONE] : "b");
	}
}

void params(struct message *m)
{
	static const char *const t[] = { "q=0.5", "+sip.instance=\"<urn:uuid:0>\"", "reg-id=1",
					 "x-y", "z=\"a\\\"b;,<>\"", "h=[2001:db8::1]" };

	while (rarely(3)) {
		lws(m);
		put(m, ";");
		lws(m);
		put(m, PICK(t));
	}
}

struct value *address(struct message *m, u8 use, int field)
{
	static const char *const words[] = { "", "Bob ", "A B C ", "caller" };
	bool bracket = field >= 0 || !rarely(4);
	struct value *v = NULL;

	if (bracket && rarely(3)) {
		quoted(m);
		lws(m);
	} else if (bracket) {
		put(m, PICK(words));
	}
	if (bracket)
		put(m, "<");
	if (field >= 0)
		v = value_begin(m, (u8)field);
	uri(m, use, bracket, v);
	if (v)
		value_end(m, v);
	if (bracket)
		put(m, ">");
	return v;
}
