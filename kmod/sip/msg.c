// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The message: start line, header lines, body. One pass. RFC 3261 7, 18.3 and 25.1. */
#include "msg.h"

#include "value.h"

/* Inside this file: a reason, or this for "the text ends before it could be seen". */
#define INCOMPLETE SIP_BAD_COUNT

static int stop(struct sip_msg *m, u32 off, int bad)
{
	m->bad_off = off;
	m->bad = (u8)bad;
	return bad;
}

/* A quoted-pair may hold any byte, NUL too. */
static bool escaped(const u8 *buf, u32 start, u32 pos)
{
	return pos > start && buf[pos - 1] == '\\';
}

/* The last bytes of the buffer, from @pos on. */
static int short_end(struct sip_msg *m, u32 start, u32 pos, bool folds, u32 *eol)
{
	const u8 *buf = m->buf;

	for (; pos < m->len; pos++) {
		bool last = m->len - pos == 1;

		if (buf[pos] == '\n' || (buf[pos] == '\r' && !last && buf[pos + 1] != '\n'))
			return stop(m, pos, SIP_BAD_LINE_END);
		if (!buf[pos] && !escaped(buf, start, pos))
			return stop(m, pos, SIP_BAD_NUL);
		if (buf[pos] == '\r') {
			*eol = pos;
			return folds || last ? INCOMPLETE : 0;
		}
	}
	return INCOMPLETE;
}

/*
 * The CR of the CRLF that ends the line at @pos: *@eol. With @folds a CRLF before a blank does not
 * end it. Lone CR or LF and NUL are refused, but a NUL that is escaped (quoted-pair).
 */
static int odd_line_end(struct sip_msg *m, u32 pos, bool folds, u32 *eol)
{
	const u8 *buf = m->buf;
	u32 start = pos;
	u32 len = m->len;

	for (;; pos++) {
		pos = sip_find_ctl(buf, pos, len);
		if (len - pos < 3)
			return short_end(m, start, pos, folds, eol);
		if (likely(buf[pos] == '\r')) {
			if (buf[pos + 1] != '\n')
				return stop(m, pos, SIP_BAD_LINE_END);
			*eol = pos;
			if (!folds || (buf[pos + 2] != ' ' && buf[pos + 2] != '\t'))
				return 0;
			pos += 2;
		} else if (buf[pos] == '\n') {
			return stop(m, pos, SIP_BAD_LINE_END);
		} else if (!buf[pos] && !escaped(buf, start, pos)) {
			return stop(m, pos, SIP_BAD_NUL);
		}
	}
}

/* The same; nearly every line ends at its first control character. */
static inline int line_end(struct sip_msg *m, u32 pos, bool folds, u32 *eol)
{
	u32 p = sip_find_ctl(m->buf, pos, m->len);
	const u8 *c = m->buf + p;

	if (unlikely(m->len - p < 3 || c[0] != '\r' || c[1] != '\n' ||
		     (folds && (c[2] == ' ' || c[2] == '\t'))))
		return odd_line_end(m, pos, folds, eol);
	*eol = p;
	return 0;
}

/* A value that is wrong does not end the index: who answers 400 needs the other headers. */
static void remember(struct sip_msg *m, u32 off, int bad)
{
	if (!m->bad)
		stop(m, off, bad);
}

/* Status-Line: "SIP/2.0" SP 3DIGIT SP [reason]. */
static int status_line(struct sip_msg *m, u32 eol)
{
	const u8 *p = m->buf + m->start;
	u32 len = eol - m->start;
	u32 n;

	if (len < 8 || p[7] != ' ')
		return stop(m, m->start, SIP_BAD_VERSION);
	if (len < 12 || p[11] != ' ' ||
	    !sip_number(m->buf, sip_slice(m->start + 8, m->start + 11), 699, &n) || n < 100)
		return stop(m, m->start + 8, SIP_BAD_STATUS);
	m->status = (u16)n;
	m->reason = sip_slice(m->start + 12, eol);
	return 0;
}

/* Request-Line: Method SP Request-URI SP "SIP/2.0", one SP each, nothing behind it. */
static int request_line(struct sip_msg *m, u32 method_end, u32 eol)
{
	const u8 *buf = m->buf;
	u32 uri = method_end + 1;
	u32 version = eol - 7;
	int bad;

	m->request = true;
	m->method_name = sip_slice(m->start, method_end);
	m->method = (u8)sip_method_id(buf, m->method_name);
	if (eol - m->start < 12 || version < uri + 2)
		return stop(m, m->start, SIP_BAD_START_LINE);
	if (!SIP_IS(buf, sip_slice(version, eol), "sip/2.0")) {
		if (!SIP_IS(buf, sip_slice(version, version + 4), "sip/"))
			return stop(m, version, SIP_BAD_START_LINE);
		remember(m, version, SIP_BAD_VERSION);
	}
	if (buf[version - 1] != ' ')
		return stop(m, version - 1, SIP_BAD_START_LINE);
	bad = sip_uri_parse(buf, sip_slice(uri, version - 1), &m->ruri);
	if (bad || m->ruri.headers.len)
		remember(m, uri, SIP_BAD_REQUEST_URI);
	return 0;
}

/*
 * The start line. Nearly everything that is not SIP is refused on its first bytes: they must be a
 * token and one space, or SIP/2.0.
 */
static int start_line(struct sip_msg *m)
{
	u32 p = m->start;
	u32 eol = 0;
	int bad;

	p = sip_span(m->buf, p, m->len, SIP_C_TOKEN);
	if (p == m->len && p > m->start)
		return INCOMPLETE;
	if (p == m->start)
		return stop(m, p, SIP_BAD_NOT_SIP);
	if (m->buf[p] == '/' && SIP_IS(m->buf, sip_slice(m->start, p), "sip")) {
		bad = line_end(m, p, false, &eol);
		if (bad)
			return bad;
		if (eol - p < 4 || memcmp(m->buf + p, "/2.0", 4))
			return stop(m, p, SIP_BAD_VERSION);
		bad = status_line(m, eol);
	} else {
		if (m->buf[p] != ' ')
			return stop(m, p, SIP_BAD_NOT_SIP);
		bad = line_end(m, p, false, &eol);
		if (!bad)
			bad = request_line(m, p, eol);
	}
	if (!bad)
		m->headers_off = eol + 2;
	return bad;
}

/* Enters the next line, which is filled in, into the chain of its header. */
static void chain(struct sip_msg *m, u8 id)
{
	u8 i = m->n_headers++;

	if (m->first[id] == SIP_NO_HEADER)
		m->first[id] = i;
	else
		m->headers[m->last[id]].next = i;
	m->last[id] = i;
}

/* A known header whose value is at @value .. @eol: checks it and puts it into the index. */
static int known_header(struct sip_msg *m, struct sip_header *line, u32 value, u32 eol)
{
	u8 id = line->id;
	int bad;

	line->end = eol + 2;
	line->next = SIP_NO_HEADER;
	line->value = sip_str_trim(m->buf, sip_slice(value, eol));
	bad = sip_check_header(m, id, line->value);
	if (m->first[id] != SIP_NO_HEADER && sip_header_flags(id) & SIP_HF_ONE)
		bad = SIP_BAD_DUPLICATE;
	if (bad)
		remember(m, line->off, bad);
	chain(m, id);
	return bad == SIP_BAD_TOO_MANY ? bad : 0;
}

/*
 * One header line at @pos; *@next is the start of the following one. A name that equals a known one
 * needs no check of its bytes: line_end() has seen that no CR stands alone.
 */
static int header_line(struct sip_msg *m, u32 pos, u32 *next)
{
	struct sip_header *line = &m->headers[m->n_headers];
	const u8 *buf = m->buf;
	u32 colon, end, eol;
	int bad;

	bad = line_end(m, pos, true, &eol);
	if (bad)
		return bad;
	*next = eol + 2;
	colon = sip_find_byte(buf, pos, eol, ':');
	if (colon == eol)
		return stop(m, pos, SIP_BAD_HEADER_NAME);
	for (end = colon; end > pos && (buf[end - 1] == ' ' || buf[end - 1] == '\t'); end--)
		;
	line->id = (u8)sip_header_id(buf, sip_slice(pos, end));
	if (line->id == SIP_H_OTHER) {
		if (end == pos || sip_span(buf, pos, end, SIP_C_TOKEN) != end)
			return stop(m, pos, SIP_BAD_HEADER_NAME);
		return 0;
	}
	if (m->n_headers == SIP_MAX_HEADERS)
		return stop(m, pos, SIP_BAD_TOO_MANY);
	line->off = pos;
	line->name_len = (u16)(end - pos);
	return known_header(m, line, colon + 1, eol);
}

static int header_lines(struct sip_msg *m)
{
	u32 pos = m->headers_off;
	int bad;

	while (m->len - pos >= 2) {
		if (m->buf[pos] == '\r' && m->buf[pos + 1] == '\n') {
			m->headers_end = pos;
			return 0;
		}
		bad = header_line(m, pos, &pos);
		if (bad)
			return bad;
	}
	return INCOMPLETE;
}

/* What every message must have, and what must agree. RFC 3261 8.1.1; Max-Forwards is newer. */
static void whole(struct sip_msg *m)
{
	static const u8 needed[] = { SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID, SIP_H_CSEQ, SIP_H_VIA };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		if (m->first[needed[i]] == SIP_NO_HEADER) {
			remember(m, m->headers_end, SIP_BAD_MISSING);
			return;
		}
	}
	if (m->bad)
		return;
	if (!m->request)
		m->method = m->cseq.method_id;
	else if (!sip_str_eq(m->buf, m->method_name, m->buf, m->cseq.method))
		remember(m, m->cseq.method.off, SIP_BAD_CSEQ_METHOD);
}

static int body(struct sip_msg *m, u32 flags)
{
	u32 off = m->headers_end + 2;
	u32 there = m->len - off;
	u32 len = m->has_content_length ? m->content_length : 0;

	if (flags & SIP_DATAGRAM && !m->has_content_length)
		len = there;
	if (len > SIP_MAX_LEN)
		return stop(m, off, SIP_BAD_TOO_LONG);
	if (len > there) {
		m->need = off + len;
		return flags & SIP_DATAGRAM ? stop(m, off, SIP_BAD_BODY_SHORT) : INCOMPLETE;
	}
	m->body = sip_slice(off, off + len);
	m->consumed = off + len;
	if (flags & SIP_DATAGRAM) {
		m->rest = sip_slice(off + len, m->len);
		m->consumed = m->len;
	}
	return 0;
}

/* Can be known where the message ends? */
static bool length_certain(const struct sip_msg *m)
{
	const struct sip_header *h = sip_msg_header(m, SIP_H_CONTENT_LENGTH);

	return !h || (m->has_content_length && h->next == SIP_NO_HEADER);
}

static int parse(struct sip_msg *m, u32 flags)
{
	int bad;

	if (m->start == m->len || (m->len - m->start == 1 && m->buf[m->start] == '\r'))
		return INCOMPLETE;
	bad = start_line(m);
	if (bad)
		return bad;
	bad = header_lines(m);
	if (bad)
		return bad;
	whole(m);
	if (m->bad && !length_certain(m))
		return m->bad;
	bad = body(m, flags);
	if (bad == INCOMPLETE && m->bad)
		return m->bad;
	m->framed = !bad;
	return bad ? bad : m->bad;
}

static void clear(struct sip_msg *m, const u8 *buf, u32 len)
{
	memset(m, 0, offsetof(struct sip_msg, first));
	memset(m->first, SIP_NO_HEADER, sizeof(m->first));
	m->buf = buf;
	m->len = len;
}

/*
 * Keep-alives, STUN, RTP, DTLS: seen before anything else is done. Sets what SIP_BAD promises.
 * RFC 3261 7.5: CRLFs before the start line are skipped; *@start is behind them.
 */
static bool not_sip(struct sip_msg *m, u32 flags, u32 *start)
{
	const u8 *buf = m->buf;
	u32 p = 0;

	while (m->len - p >= 2 && buf[p] == '\r' && buf[p + 1] == '\n')
		p += 2;
	*start = p;
	if (p < m->len ? sip_is(buf[p], SIP_C_TOKEN) || buf[p] == '\r' : !(flags & SIP_DATAGRAM))
		return false;
	m->start = p;
	m->headers_off = 0;
	m->headers_end = 0;
	m->n_headers = 0;
	m->framed = false;
	m->request = false;
	stop(m, p, SIP_BAD_NOT_SIP);
	return true;
}

int sip_msg_parse(struct sip_msg *m, const u8 *buf, u32 len, u32 flags)
{
	u32 start;
	int bad;

	m->buf = buf;
	m->len = len;
	if (not_sip(m, flags, &start))
		return SIP_BAD;
	clear(m, buf, len);
	m->start = start;
	if (len > SIP_MAX_LEN) {
		stop(m, 0, SIP_BAD_TOO_LONG);
		return SIP_BAD;
	}
	bad = parse(m, flags);
	if (!bad) {
		m->framed = false;
		return SIP_OK;
	}
	if (bad != INCOMPLETE)
		return SIP_BAD;
	if (!(flags & SIP_DATAGRAM))
		return SIP_MORE;
	if (!m->bad)
		stop(m, len, m->headers_off ? SIP_BAD_NO_END : SIP_BAD_NOT_SIP);
	return SIP_BAD;
}
