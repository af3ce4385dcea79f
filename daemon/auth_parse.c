/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "auth_parse.h"
#include "config.h"

/* In the order in which most phones write them. */
enum part {
	USERNAME, REALM, NONCE, URI, RESPONSE, ALGORITHM, CNONCE, QOP, NC, USERNAME_EXT, FIELDS
};

static const struct {
	const char *name;
	uint32_t len;
} fields[FIELDS] = {
#define FIELD(id, text) [id] = { text, sizeof(text) - 1 }
	FIELD(USERNAME, "username"), FIELD(REALM, "realm"), FIELD(NONCE, "nonce"),
	FIELD(URI, "uri"), FIELD(RESPONSE, "response"), FIELD(ALGORITHM, "algorithm"),
	FIELD(CNONCE, "cnonce"), FIELD(QOP, "qop"), FIELD(NC, "nc"),
	FIELD(USERNAME_EXT, "username*"),
#undef FIELD
};

#define HAS(f) (1u << (f))
#define NEEDED (HAS(NONCE) | HAS(URI) | HAS(RESPONSE))

/* The values of one line as they stand there, with their quotes. */
struct values {
	const uint8_t *buf;
	struct sip_str at[FIELDS];
	uint32_t has;
	bool twice;
};

/* FIELDS: none of ours. The search begins with @f, the one behind the last. */
static unsigned int field_of(const uint8_t *buf, struct sip_str name, unsigned int f)
{
	for (unsigned int i = 0; i < FIELDS; i++, f++) {
		f = f < FIELDS ? f : 0;
		if (sip_str_is(buf, name, fields[f].name, fields[f].len))
			return f;
	}
	return FIELDS;
}

/* False: they cannot be read. */
static bool collect(const uint8_t *buf, struct sip_str params, struct values *v)
{
	struct sip_iter it = sip_iter(params);
	unsigned int next = 0, f;
	struct sip_param p;

	memset(v, 0, sizeof(*v));
	v->buf = buf;
	while (sip_auth_next(buf, &it, &p)) {
		f = field_of(buf, p.name, next);
		if (f == FIELDS)
			continue;
		v->twice |= v->has & HAS(f);
		v->has |= HAS(f);
		v->at[f] = p.value;
		next = f + 1;
	}
	return !it.bad;
}

/* "Digest", and its parameters; as sip_auth_parse(), which would walk through them once more. */
static bool is_digest(const uint8_t *buf, struct sip_str s, struct sip_str *params)
{
	u32 end = sip_str_end(s), at = sip_span(buf, s.off, end, SIP_C_TOKEN);

	*params = sip_slice(sip_skip_lws(buf, at, end), end);
	return SIP_IS(buf, sip_slice(s.off, at), "digest") &&
	       (at == end || sip_is(buf[at], SIP_C_LWS));
}

/* Without the quotes; backslashes stay, as they are hashed so (RFC 7616 3.4, "unq"). */
static struct sip_str inner(const struct values *v, enum part f)
{
	struct sip_str s = v->at[f];

	if (s.len >= 2 && v->buf[s.off] == '"') {
		s.off++;
		s.len -= 2;
	}
	return s;
}

static struct digest_text text(const struct values *v, enum part f)
{
	struct sip_str s = inner(v, f);

	return (struct digest_text){ v->buf + s.off, s.len };
}

static bool of_realm(const struct values *v, const char *realm)
{
	uint8_t got[256];
	u32 n = sip_unquote(v->buf, v->at[REALM], got, sizeof(got));

	return n <= sizeof(got) && n == strlen(realm) && !memcmp(got, realm, n);
}

/* RFC 8187 3.2: UTF-8'language'text with escapes. */
static void read_extended(const struct values *v, struct credentials *c)
{
	struct sip_str s = inner(v, USERNAME_EXT);
	u32 end = sip_str_end(s), quote, n;

	quote = sip_find_byte(v->buf, s.off, end, '\'');
	if (!SIP_IS(v->buf, sip_slice(s.off, quote), "utf-8") || quote >= end)
		return;
	quote = sip_find_byte(v->buf, quote + 1, end, '\'');
	if (quote >= end)
		return;
	n = sip_unescape(v->buf, sip_slice(quote + 1, end), (uint8_t *)c->user, USER_NAME);
	c->user[n <= USER_NAME && !memchr(c->user, 0, n) ? n : 0] = 0;
}

static void read_user(const struct values *v, struct credentials *c)
{
	u32 n;

	if (v->has & HAS(USERNAME_EXT)) {
		read_extended(v, c);
		return;
	}
	n = sip_unquote(v->buf, v->at[USERNAME], (uint8_t *)c->user, USER_NAME);
	c->user[n <= USER_NAME ? n : 0] = 0;
}

static bool read_count(const struct values *v, struct credentials *c)
{
	struct sip_str s = inner(v, NC);

	if (!s.len || s.len > 8)
		return false;
	for (u32 i = s.off; i < sip_str_end(s); i++) {
		if (!sip_is(v->buf[i], SIP_C_HEX))
			return false;
		c->nc = c->nc << 4 | sip_hex(v->buf[i]);
	}
	c->nc_text = text(v, NC);
	return c->nc != 0;
}

static const char *read_qop(const struct values *v, struct credentials *c)
{
	struct sip_str s = inner(v, QOP);

	c->qop = v->has & HAS(QOP);
	if (!c->qop)
		return NULL;
	if (!SIP_IS(v->buf, s, "auth"))
		return "Digest qop was not offered";
	if (!read_count(v, c))
		return "Digest nc is not a count";
	s = inner(v, CNONCE);
	if (!s.len || s.len > CNONCE_MAX ||
	    sip_find_ctl(v->buf, s.off, sip_str_end(s)) < sip_str_end(s))
		return "Digest cnonce is missing or too long";
	c->cnonce = text(v, CNONCE);
	return NULL;
}

static const char *read_response(const struct values *v, struct credentials *c)
{
	struct digest_text name = text(v, ALGORITHM), response = text(v, RESPONSE);

	c->known = true;
	if (v->has & HAS(ALGORITHM))
		c->known = digest_find(name.at, name.len, &c->algorithm);
	if (response.len != 32 && response.len != 64)
		return "Digest response is not a digest";
	if (!digest_unhex(response.at, response.len / 2, c->response))
		return "Digest response is not hexadecimal";
	/* RFC 8760 has no way without qop */
	if (c->known && !c->qop && c->algorithm != DIGEST_MD5)
		return "Digest qop is missing";
	c->fits = c->known && response.len == 2 * digest_size(c->algorithm);
	return NULL;
}

static bool same_user(const uint8_t *buf, const struct sip_uri *a, const struct sip_uri *b)
{
	uint8_t x[256], y[256];
	u32 n = sip_unescape(buf, a->user, x, sizeof(x));
	u32 m = sip_unescape(buf, b->user, y, sizeof(y));

	if (n > sizeof(x) || m > sizeof(y))
		return sip_str_eq(buf, a->user, buf, b->user);
	return n == m && !memcmp(x, y, n);
}

static const struct domain *domain_of(const struct rx *rx, const struct sip_host *h)
{
	return config_domain(config_now(), (const char *)rx->buf + h->host.off, h->host.len);
}

static bool same_host(const struct rx *rx, struct sip_host a, struct sip_host b)
{
	const struct domain *d;

	if (a.port_num && b.port_num && a.port_num != b.port_num)
		return false;
	a.port_num = 0;
	b.port_num = 0;
	if (sip_host_equal(rx->buf, &a, rx->buf, &b))
		return true;
	d = domain_of(rx, &a);
	return d && d == domain_of(rx, &b);
}

static bool uri_fits(const struct rx *rx, struct sip_str at)
{
	const struct sip_uri *to = &rx->msg.ruri;
	struct sip_uri uri;

	if (sip_uri_parse(rx->buf, at, &uri) || uri.scheme != to->scheme)
		return false;
	if (uri.scheme != SIP_URI_SIP && uri.scheme != SIP_URI_SIPS)
		return sip_uri_equal(rx->buf, &uri, rx->buf, to);
	return same_user(rx->buf, &uri, to) && same_host(rx, uri.host, to->host);
}

/* NULL, or what is wrong with them. */
static const char *read_values(const struct rx *rx, const struct values *v, struct credentials *c)
{
	const char *why;

	memset(c, 0, sizeof(*c));
	if (v->twice)
		return "Digest parameter is there twice";
	if ((v->has & NEEDED) != NEEDED)
		return "Digest nonce, uri or response is missing";
	if (!(v->has & HAS(USERNAME)) == !(v->has & HAS(USERNAME_EXT)))
		return "Digest username is missing or there twice";
	read_user(v, c);
	why = read_qop(v, c);
	if (!why)
		why = read_response(v, c);
	if (why)
		return why;
	c->nonce = text(v, NONCE);
	c->uri = text(v, URI);
	c->uri_at = inner(v, URI);
	return uri_fits(rx, c->uri_at) ? NULL : "Digest uri is not the Request-URI";
}

static bool is_empty(const struct values *v)
{
	return ((v->has & HAS(RESPONSE)) && !inner(v, RESPONSE).len) ||
	       ((v->has & HAS(NONCE)) && !inner(v, NONCE).len);
}

/* Several lines of one realm are one for each algorithm: the first that is one of ours counts. */
enum credentials_found credentials_read(const struct rx *rx, uint32_t id, const char *realm,
					struct credentials *c, const char **why)
{
	const struct sip_header *h = sip_msg_header(&rx->msg, id);
	enum credentials_found found = CREDENTIALS_NONE;
	struct sip_str params;
	struct sip_auth a;
	struct values v;

	for (; h; h = sip_msg_next(&rx->msg, h)) {
		bool digest = is_digest(rx->buf, h->value, &params);

		if (digest ? !collect(rx->buf, params, &v) :
			     sip_auth_parse(rx->buf, h->value, &a) != 0) {
			*why = "Credentials cannot be read";
			found = found == CREDENTIALS_NONE ? CREDENTIALS_BAD : found;
			continue;
		}
		if (!digest)
			continue;
		if (!of_realm(&v, realm) || is_empty(&v))
			continue;
		*why = read_values(rx, &v, c);
		if (*why)
			return CREDENTIALS_BAD;
		found = CREDENTIALS_THERE;
		if (c->known)
			break;
	}
	return found;
}
