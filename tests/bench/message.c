// SPDX-License-Identifier: BSD-2-Clause
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "message.h"

#define HEADER_LINE 590	/* so that the longest message has about 100 of them */
#define SDP_LINE 70

static const char *const names[] = {
	[OPTIONS] = "OPTIONS", [REGISTER] = "REGISTER", [INVITE] = "INVITE", [ACK] = "ACK",
	[BYE] = "BYE",
};

/* Lines of about @line bytes that begin with @begin, @len bytes in all. */
static int padding(char *out, const char *begin, int line, int len)
{
	int least = strlen(begin) + 3, n = 0;

	while (len - n >= least) {
		int now = len - n < line + least ? len - n : line;

		n += sprintf(out + n, "%s", begin);
		memset(out + n, 'x', now - least + 1);
		n += now - least + 1;
		n += sprintf(out + n, "\r\n");
	}
	return n;
}

static int description(char *out, const struct party *p, int pad)
{
	int n = sprintf(out,
			"v=0\r\no=alice 53655765 2353687637 IN IP4 " CLIENT "\r\ns=-\r\n"
			"c=IN IP4 " CLIENT "\r\nt=0 0\r\n"
			"m=audio %d RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n"
			"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
			"a=sendrecv\r\n", p->media);

	return n + padding(out + n, "a=x-pad:", SDP_LINE, pad);
}

static int far_description(char *out, const struct party *p)
{
	return sprintf(out,
		       "v=0\r\no=bob 2890844527 2890844527 IN IP4 " SERVER "\r\ns=-\r\n"
		       "c=IN IP4 " SERVER "\r\nt=0 0\r\nm=audio %d RTP/AVP 0 101\r\n"
		       "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
		       "a=sendrecv\r\n", p->far_media);
}

/* With @pad bytes more than it has by itself. */
static int padded(char *out, const struct party *p, enum method method, int pad)
{
	static char body[MESSAGE_MAX], extra[MESSAGE_MAX];
	int len = method == INVITE ? description(body, p, p->pad_sdp ? pad : 0) : 0;
	int call = method > INVITE ? INVITE : method;
	char tag[16] = "";

	body[len] = 0;
	extra[p->pad_sdp ? 0 : padding(extra, "X-Pad: ", HEADER_LINE, pad)] = 0;
	if (method > INVITE)
		sprintf(tag, ";tag=31%04d", p->serial);
	return sprintf(out,
		"%s sip:%s" SERVER " SIP/2.0\r\n"
		"Via: SIP/2.0/UDP " CLIENT ":%d;branch=z9hG4bK776as%04d%d;rport\r\n"
		"Max-Forwards: 70\r\n"
		"From: \"Alice\" <sip:alice@example.net>;tag=192830%04d\r\n"
		"To: <sip:bob@example.net>%s\r\n"
		"Call-ID: a84b4c76e6%04d-%d@" CLIENT "\r\n"
		"CSeq: %d %s\r\n"
		"Contact: <sip:alice@" CLIENT ":%d>%s\r\n"
		"User-Agent: bench-phone/1.0\r\n"
		"Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,REFER,UPDATE\r\n"
		"%s%s%s"
		"Content-Length: %d\r\n\r\n%s",
		names[method], method == REGISTER ? "" : "bob@", p->port, p->serial, method,
		p->serial, tag, p->serial, call, method == ACK ? INVITE : method, names[method],
		p->port, method == REGISTER ? ";expires=3600" : "",
		method == REGISTER ? "Expires: 3600\r\n" : "", extra,
		len ? "Content-Type: application/sdp\r\n" : "", len, body);
}

int request(char *out, const struct party *p, enum method method)
{
	int len = padded(out, p, method, 0), more = p->pad - len;

	/* padding the body makes Content-Length longer as well */
	while (method == INVITE && p->pad && len < p->pad) {
		len = padded(out, p, method, more);
		if (len <= p->pad)
			break;
		more -= len - p->pad;
		len = 0;
	}
	return len;
}

static bool is_copied(const char *line, bool contacts)
{
	static const char *const copied[] = { "Via:", "From:", "To:", "Call-ID:", "CSeq:" };
	size_t i;

	for (i = 0; i < sizeof(copied) / sizeof(*copied); i++)
		if (!strncmp(line, copied[i], strlen(copied[i])))
			return true;
	return contacts && !strncmp(line, "Contact:", 8);
}

int answer(char *out, const struct party *p, const char *asked, const char *status,
	   unsigned int with)
{
	char head[2048], body[512] = "";
	const char *line, *end;
	int n = 0, len = 0;

	for (line = strstr(asked, "\r\n"); line && line[2] != '\r'; line = end) {
		line += 2;
		end = strstr(line, "\r\n");
		if (!end)
			break;
		if (!is_copied(line, with & WITH_CONTACTS))
			continue;
		n += sprintf(head + n, "%.*s", (int)(end - line), line);
		if (!strncmp(line, "To:", 3) && !memmem(line, end - line, ";tag=", 5))
			n += sprintf(head + n, ";tag=31%04d", p->serial);
		n += sprintf(head + n, "\r\n");
	}
	head[n] = 0;
	if (with & WITH_SDP)
		len = far_description(body, p);
	return sprintf(out, "SIP/2.0 %s\r\n%s%s%sContent-Length: %d\r\n\r\n%s", status, head,
		       with & WITH_CONTACTS ? "" : "Contact: <sip:bob@" SERVER ":5060>\r\n",
		       len ? "Content-Type: application/sdp\r\n" : "", len, body);
}
