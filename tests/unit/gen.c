// SPDX-License-Identifier: BSD-2-Clause
#include "gen.h"

#include <stdio.h>
#include <string.h>

static unsigned long long state = 88172645463325252ULL;

void gen_seed(unsigned long long seed)
{
	state = seed * 2 + 1;
}

unsigned int gen_rand(unsigned int n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned int)((state * 2685821657736338717ULL) >> 33) % n;
}

struct text {
	u8 *p;
	u32 n;
};

static void put(struct text *t, const char *s)
{
	size_t len = strlen(s);

	memcpy(t->p + t->n, s, len);
	t->n += (u32)len;
}

#define PICK(list) ((list)[gen_rand(sizeof(list) / sizeof((list)[0]))])

static void number(struct text *t, u32 n)
{
	char s[12];

	snprintf(s, sizeof(s), "%u", n);
	put(t, s);
}

/* Blanks as the grammar allows them, mostly none. */
static void lws(struct text *t)
{
	static const char *const w[] = { "",  "",   "",	  "",	   "",	      "",
					 " ", "\t", "  ", "\r\n ", " \r\n\t " };

	put(t, PICK(w));
}

static void host(struct text *t)
{
	static const char *const h[] = { "192.168.1.2",
					 "10.0.0.1",
					 "voip.example",
					 "198.51.100.9",
					 "[2001:db8::9:1]",
					 "[::ffff:192.0.2.10]",
					 "a-b.c_d.example.",
					 "1.2.3.400",
					 "[2001:db8:0:0:1:2:3:4]",
					 "x" };
	put(t, PICK(h));
	if (!gen_rand(2)) {
		put(t, ":");
		number(t, 1 + gen_rand(65535));
	}
}

static void uri_params(struct text *t)
{
	static const char *const p[] = { ";lr",		  ";transport=udp", ";user=phone",
					 ";ob",		  ";maddr=1.2.3.4", ";rinstance=82b6",
					 ";n%61me=v%61l", ";x=[1]",	    ";ttl=1" };

	while (!gen_rand(3))
		put(t, PICK(p));
}

static void uri(struct text *t, bool bracket)
{
	static const char *const s[] = { "sip:", "sip:", "sip:", "sips:", "SIP:" };
	static const char *const o[] = { "tel:+1-201-555-0123;phone-context=x", "isbn:2983792873",
					 "http://www.example.com/a?b", "urn:service:sos" };
	static const char *const u[] = { "alice@",	    "",
					 "bob:pw@",	    "+4930123@",
					 "%61lice@",	    "null-%00-null@",
					 "user;par=u%40x@", "a&b=c+d$e,f@" };
	static const char *const bare[] = { "alice@", "", "bob@", "+4930123@" };

	if (!gen_rand(12)) {
		put(t, bracket ? PICK(o) : o[1]);
		return;
	}
	put(t, PICK(s));
	put(t, bracket ? PICK(u) : PICK(bare));
	host(t);
	if (bracket)
		uri_params(t);
	if (bracket && !gen_rand(16))
		put(t, "?Route=%3Csip:x%3E&Subject=a");
}

static void params(struct text *t)
{
	static const char *const p[] = { "expires", "q", "+sip.instance", "reg-id", "x-y" };
	static const char *const v[] = { "3600",	   "0.5", "\"<urn:uuid:0000>\"",
					 "\"a\\\"b;,<>\"", "1",	  "[2001:db8::1]",
					 "tok%en" };

	while (!gen_rand(3)) {
		lws(t);
		put(t, ";");
		lws(t);
		put(t, PICK(p));
		if (!gen_rand(4))
			continue;
		lws(t);
		put(t, "=");
		lws(t);
		put(t, PICK(v));
	}
}

static void address(struct text *t)
{
	static const char *const d[] = { "",
					 "",
					 "\"Alice\" ",
					 "Bob ",
					 "\"a \\\" \\\\ <>,;\" ",
					 "A B C ",
					 "\"\xc3\xa9t\xc3\xa9\"",
					 "caller" };

	if (!gen_rand(6)) {
		uri(t, false);
	} else {
		put(t, PICK(d));
		put(t, "<");
		uri(t, true);
		put(t, ">");
	}
}

static void via(struct text *t)
{
	static const char *const p[] = { "SIP/2.0/UDP ", "SIP/2.0/UDP ", "SIP/2.0/TCP ",
					 "sip / 2.0 / TLS ", "SIP/2.0/UNKNOWN " };

	put(t, PICK(p));
	host(t);
	if (gen_rand(8))
		put(t, ";branch=z9hG4bK776asdhds");
	if (gen_rand(2))
		put(t, ";rport");
	if (!gen_rand(3))
		put(t, ";received=192.0.2.1");
	if (!gen_rand(6))
		put(t, ";maddr=224.2.0.1;ttl=16");
}

static void name(struct text *t, const char *s)
{
	u32 from = t->n;
	u32 i;

	put(t, s);
	if (!gen_rand(4))
		for (i = from; i < t->n; i++)
			if (t->p[i] >= 'a' && t->p[i] <= 'z' && !gen_rand(2))
				t->p[i] = (u8)(t->p[i] - 32);
	if (!gen_rand(16))
		put(t, " ");
	put(t, ":");
	if (gen_rand(12))
		put(t, " ");
	else
		lws(t);
}

static void address_list(struct text *t)
{
	do {
		address(t);
		params(t);
		lws(t);
	} while (!gen_rand(4) && (put(t, ","), lws(t), 1));
}

static void optional_header(struct text *t)
{
	static const char *const lists[] = { "Contact",	     "m",    "Route",
					     "Record-Route", "Path", "Service-Route" };
	static const char *const plain[] = {
		"User-Agent: bench 1.0",
		"Supported: path, outbound",
		"k: timer",
		"X-Unknown: ;;,,;;,;",
		"Subject:",
		"Allow: INVITE, ACK,\r\n BYE",
		"Min-Expires: 60",
		"Date: Sun, 22 Nov 2026 18:00:00 GMT",
		"Session-Expires: 1800;refresher=uas",
		"Authorization: Digest username=\"a\", qop=auth-int, nc=1",
		"P-Asserted-Identity: \"A, B\" <sip:a@b>",
		"RSeq: 7",
		"RAck: 7 1 INVITE",
		"Content-Disposition: session"
	};

	if (!gen_rand(2)) {
		name(t, PICK(lists));
		address_list(t);
	} else {
		put(t, PICK(plain));
	}
	put(t, "\r\n");
}

static void sdp_media(struct text *t)
{
	static const char *const kind[] = {
		"audio", "video", "image", "message", "application", "x"
	};
	static const char *const proto[] = { "RTP/AVP",	 "UDP/TLS/RTP/SAVPF", "udptl", "TCP/MSRP",
					     "UDP/BFCP", "UDP/DTLS/SCTP",     "TCP",   "RTP/SAVP" };
	static const char *const attr[] = {
		"a=rtpmap:0 PCMU/8000\r\n",
		"a=sendonly\r\n",
		"a=rtcp-mux\r\n",
		"a=setup:actpass\r\n",
		"a=candidate:1 1 UDP 2130706431 192.168.1.2 5004 typ host\r\n",
		"a=candidate:2 2 tcp 1 2001:db8::1 9 typ srflx raddr 10.0.0.1 rport 9 tcptype "
		"active\r\n",
		"a=path:msrp://192.168.1.2:7394/x;tcp msrps://a@h.example:1/y;tcp\r\n",
		"a=altc:1 IP4 192.0.2.1 4000\r\n",
		"a=mid:0\r\n",
		"c=IN IP4 224.2.1.1/127/3\r\n",
		"c=IN IP6 2001:db8::7\r\n",
		"c=IN IP4 pc.example\r\n",
		"a=connection:new\r\n"
	};

	put(t, "m=");
	put(t, PICK(kind));
	put(t, " ");
	number(t, gen_rand(65536));
	if (!gen_rand(8))
		put(t, "/2");
	put(t, " ");
	put(t, PICK(proto));
	put(t, " 0\r\n");
	if (!gen_rand(3))
		put(t, gen_rand(2) ? "a=rtcp:5005 IN IP4 192.168.1.2\r\n" : "a=rtcp:5005\r\n");
	while (gen_rand(4))
		put(t, PICK(attr));
}

u32 gen_sdp(u8 *out)
{
	struct text t = { .p = out };

	put(&t, "v=0\r\n");
	if (gen_rand(8))
		put(&t, "o=alice 1 2 IN IP4 192.168.1.2\r\n");
	put(&t, "s=-\r\n");
	if (gen_rand(3))
		put(&t, "c=IN IP4 192.168.1.2\r\n");
	put(&t, "t=0 0\r\n");
	if (!gen_rand(3))
		put(&t, "a=group:BUNDLE 0 1\r\na=ice-lite\r\na=inactive\r\n");
	while (gen_rand(4))
		sdp_media(&t);
	return t.n;
}

static u32 gen_body(u8 *out, const char **type)
{
	struct text t = { .p = out };
	u32 parts = 1 + gen_rand(3);

	*type = "application/sdp";
	if (gen_rand(5))
		return gen_sdp(out);
	*type = gen_rand(4) ? "multipart/mixed;boundary=bnd" : "multipart/signed; boundary=\"bnd\"";
	put(&t, gen_rand(2) ? "preamble\r\n" : "");
	while (parts--) {
		put(&t, "--bnd\r\n");
		if (gen_rand(2)) {
			put(&t, "Content-Type: application/sdp\r\n\r\n");
			t.n += gen_sdp(t.p + t.n);
			put(&t, "\r\n");
		} else if (gen_rand(2)) {
			put(&t, "Content-Type: text/plain\r\nContent-ID: <x>\r\n\r\nhello\r\n");
		} else {
			put(&t, "Content-Type: multipart/alternative;boundary=in\r\n\r\n"
				"--in\r\n\r\ntext\r\n--in\r\nContent-Type: application/sdp\r\n\r\n"
				"v=0\r\ns=-\r\n\r\n--in--\r\n");
		}
	}
	put(&t, "--bnd--\r\n");
	return t.n;
}

static void start_line(struct text *t, const char *method)
{
	if (gen_rand(3)) {
		u32 from;

		put(t, method);
		put(t, " ");
		from = t->n;
		uri(t, true);
		if (memchr(t->p + from, '?', t->n - from)) {
			t->n = from;
			put(t, "sip:b");
		}
		put(t, " SIP/2.0\r\n");
	} else {
		put(t, gen_rand(2) ? "SIP/2.0 200 OK\r\n" : "SIP/2.0 404 \r\n");
	}
}

u32 gen_message(u8 *out)
{
	static const char *const methods[] = { "INVITE", "REGISTER", "OPTIONS", "ACK", "!odd~" };
	static u8 body[8192];
	struct text t = { .p = out };
	const char *method = PICK(methods);
	const char *type;
	u32 body_len = 0;

	if (!gen_rand(16))
		put(&t, "\r\n");
	start_line(&t, method);
	name(&t, gen_rand(4) ? "Via" : "v");
	via(&t);
	put(&t, "\r\n");
	if (!gen_rand(4)) {
		put(&t, "Via: ");
		via(&t);
		put(&t, " , ");
		via(&t);
		put(&t, "\r\n");
	}
	while (gen_rand(3))
		optional_header(&t);
	name(&t, gen_rand(4) ? "From" : "f");
	address(&t);
	put(&t, ";tag=88a\r\n");
	name(&t, gen_rand(4) ? "To" : "t");
	address(&t);
	put(&t, gen_rand(2) ? "\r\n" : " ; tag = b7\r\n");
	name(&t, gen_rand(4) ? "Call-ID" : "i");
	put(&t, "a84b4c@192.168.1.2\r\n");
	name(&t, "CSeq");
	number(&t, gen_rand(100000));
	put(&t, " ");
	put(&t, method);
	put(&t, "\r\n");
	if (gen_rand(4))
		put(&t, "Max-Forwards: 70\r\n");
	while (gen_rand(3))
		optional_header(&t);
	if (gen_rand(3)) {
		body_len = gen_body(body, &type);
		name(&t, gen_rand(4) ? "Content-Type" : "c");
		put(&t, type);
		put(&t, "\r\n");
	}
	if (gen_rand(6)) {
		name(&t, gen_rand(4) ? "Content-Length" : "l");
		number(&t, body_len);
		put(&t, "\r\n");
	}
	put(&t, "\r\n");
	memcpy(t.p + t.n, body, body_len);
	t.n += body_len;
	if (!gen_rand(16))
		put(&t, "rest of the datagram");
	return t.n;
}

static const char *const spoils[] = { "\r\n",
				      "\n",
				      "\r",
				      "\"",
				      "\\",
				      "<",
				      ">",
				      ",",
				      ";",
				      "=",
				      ":",
				      " ",
				      "@",
				      "%",
				      "%00",
				      "[",
				      "]",
				      "?",
				      "*",
				      "/",
				      "\x7f",
				      "\xff",
				      "-",
				      "99999999999",
				      "-1",
				      "To: <sip:x>\r\n",
				      "l: 3\r\n",
				      "\r\n ",
				      "Contact: *\r\n",
				      "--bnd",
				      "m=audio 1 RTP/AVP 0\r\n",
				      "\t",
				      "4294967296" };

u32 gen_mutate(u8 *p, u32 len, u32 times)
{
	while (times-- && len) {
		u32 at = gen_rand(len);
		u32 n = 1 + gen_rand(8);
		const char *s;

		switch (gen_rand(6)) {
		case 0: /* one byte */
			p[at] = (u8)gen_rand(256);
			break;
		case 1: /* cut some */
			n = n > len - at ? len - at : n;
			memmove(p + at, p + at + n, len - at - n);
			len -= n;
			break;
		case 2: /* cut the end */
			if (!gen_rand(3))
				len = at;
			break;
		case 3: /* double some */
			n = gen_rand(200);
			n = n > len - at ? len - at : n;
			if (len + n > GEN_MAX)
				break;
			memmove(p + at + n, p + at, len - at);
			len += n;
			break;
		default: /* put something that means something */
			s = PICK(spoils);
			n = (u32)strlen(s);
			if (len + n > GEN_MAX)
				break;
			memmove(p + at + n, p + at, len - at);
			memcpy(p + at, s, n);
			len += n;
		}
	}
	return len;
}
