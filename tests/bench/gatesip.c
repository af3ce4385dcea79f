// SPDX-License-Identifier: BSD-2-Clause
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "gatesip.h"

#define SDP "v=0\r\no=x 2890844527 2890844527 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n" \
	"m=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n" \
	"a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"

/* ---- users ---- */

void gate_aor(char *out, char kind, int user)
{
	sprintf(out, "%c%08d.of.the.office@" GATE_DOMAIN, kind, user);
}

void gate_phone(char *out, int user, bool v6)
{
	if (v6)
		sprintf(out, "2001:db8:1::%x:%x", user >> 16 & 0xffff, user & 0xffff);
	else
		sprintf(out, "10.%d.%d.%d", 64 + (user >> 16 & 63), user >> 8 & 255, user & 255);
}

void gate_uri(char *out, int user, bool v6, int len)
{
	char ip[64];
	int n;

	gate_phone(ip, user, v6);
	n = sprintf(out, v6 ? "sip:%d@[%s]:5060;x=" : "sip:%d@%s:5060;x=", user, ip);
	while (n < len)
		out[n++] = 'y';
	out[n] = 0;
}

/* ---- messages ---- */

/* With its own newline; NULL at the end of the head. */
static const char *next_line(const char *line, int *len)
{
	const char *end;

	if (!line || !strncmp(line, "\r\n", 2))
		return NULL;
	end = strstr(line, "\r\n");
	*len = end ? (int)(end + 2 - line) : 0;
	return end ? line : NULL;
}

static const char *first_line(const char *message)
{
	const char *end = strstr(message, "\r\n");

	return end ? end + 2 : NULL;
}

static int description(char *out, const char *ip)
{
	return sprintf(out, SDP, ip, ip);
}

int gate_request(char *out, struct gate_call *c, const char *method)
{
	bool begins = !strcmp(method, "INVITE"), is_ack = !strcmp(method, "ACK");
	char body[512] = "", aor[128], to[160];
	int len = begins ? description(body, GATE_CALLER) : 0;

	gate_aor(aor, c->kind, c->user);
	if (begins)
		snprintf(c->contact, sizeof(c->contact), "sip:%s", aor);
	snprintf(to, sizeof(to), "<sip:%s>%s", aor, begins ? "" : ";tag=t1");
	c->cseq += !is_ack;
	return sprintf(out,
		"%s %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP " GATE_CALLER ":5060;branch=z9hG4bK%s-%s;rport\r\n"
		"%s"
		"Max-Forwards: 70\r\n"
		"From: \"Bob\" <sip:bob@elsewhere.example>;tag=192830\r\n"
		"To: %s\r\n"
		"Call-ID: %s@" GATE_CALLER "\r\n"
		"CSeq: %d %s\r\n"
		"Contact: <sip:bob@" GATE_CALLER ":5060>\r\n"
		"User-Agent: bench-phone/1.0\r\n"
		"Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,REFER,UPDATE\r\n"
		"%s"
		"Content-Length: %d\r\n\r\n%s",
		method, c->contact, c->id, method, begins ? "" : c->routes, to, c->id, c->cseq,
		method, len ? "Content-Type: application/sdp\r\n" : "", len, body);
}

static bool is_copied(const char *line)
{
	static const char *const copied[] = {
		"Via:", "Record-Route:", "From:", "To:", "Call-ID:", "CSeq:",
	};
	size_t i;

	for (i = 0; i < sizeof(copied) / sizeof(*copied); i++)
		if (!strncmp(line, copied[i], strlen(copied[i])))
			return true;
	return false;
}

int gate_answer(char *out, const struct gate_call *c, const char *asked)
{
	char body[512] = "", head[4096];
	bool begins = !strncmp(asked, "INVITE ", 7);
	const char *line = first_line(asked);
	int len, n = 0, body_len = begins ? description(body, c->ip) : 0;

	for (; (line = next_line(line, &len)); line += len) {
		bool tagged = !begins || strncmp(line, "To:", 3);

		if (is_copied(line) && n + len < (int)sizeof(head) - 16)
			n += sprintf(head + n, "%.*s%s", tagged ? len : len - 2, line,
				     tagged ? "" : ";tag=t1\r\n");
	}
	head[n] = 0;
	return sprintf(out,
		"SIP/2.0 200 OK\r\n%s"
		"Contact: <sip:%d@%s:5060>\r\n"
		"%s"
		"Content-Length: %d\r\n\r\n%s",
		head, c->user, c->ip, body_len ? "Content-Type: application/sdp\r\n" : "", body_len,
		body);
}

void gate_dialog(struct gate_call *c, const char *answer)
{
	const int room = sizeof(c->routes), name = strlen("Record-Route: ");
	const char *line = first_line(answer);
	int len, had = 0;

	for (; (line = next_line(line, &len)); line += len) {
		int n = len - name + (int)strlen("Route: ");

		sscanf(line, "Contact: <%255[^>]>", c->contact);
		if (strncmp(line, "Record-Route: ", name) || had + n >= room)
			continue;
		/* the last one first */
		memmove(c->routes + n, c->routes, had);
		memcpy(c->routes, "Route: ", n - (len - name));
		memcpy(c->routes + n - (len - name), line + name, len - name);
		had += n;
	}
	c->routes[had] = 0;
}
