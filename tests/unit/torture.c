// SPDX-License-Identifier: BSD-2-Clause
/*
 * The messages of RFC 4475 and RFC 5118: accepted or refused as they should be, and at every length
 * to which they can be cut nothing is read behind the end.
 */
#include "t.h"
#include "touch.h"

#include <dirent.h>

struct expect {
	const char *name;
	u8 bad; /* SIP_BAD_NONE: valid */
};

static const struct expect expected[] = {
	{ "wsinv", 0 },
	{ "intmeth", 0 },
	{ "esc01", 0 },
	{ "escnull", 0 },
	{ "esc02", 0 },
	{ "lwsdisp", 0 },
	{ "longreq", 0 },
	{ "dblreq", 0 },
	{ "semiuri", 0 },
	{ "transports", 0 },
	{ "mpart01", 0 },
	{ "unreason", 0 },
	{ "noreason", 0 },
	{ "badinv01", SIP_BAD_PARAM },
	{ "clerr", SIP_BAD_BODY_SHORT },
	{ "ncl", SIP_BAD_CONTENT_LENGTH },
	{ "scalar02", SIP_BAD_CSEQ },
	{ "scalarlg", SIP_BAD_CSEQ },
	{ "quotbal", SIP_BAD_QUOTE },
	{ "ltgtruri", SIP_BAD_REQUEST_URI },
	{ "lwsruri", SIP_BAD_REQUEST_URI },
	{ "lwsstart", SIP_BAD_REQUEST_URI },
	{ "trws", SIP_BAD_START_LINE },
	{ "escruri", SIP_BAD_REQUEST_URI },
	{ "baddate", 0 },
	{ "regbadct", SIP_BAD_URI_AMBIGUOUS },
	{ "badaspec", SIP_BAD_URI },
	{ "baddn", SIP_BAD_NAME_ADDR },
	{ "badvers", SIP_BAD_VERSION },
	{ "mismatch01", SIP_BAD_CSEQ_METHOD },
	{ "mismatch02", SIP_BAD_CSEQ_METHOD },
	{ "bigcode", SIP_BAD_STATUS },
	{ "badbranch", 0 },
	{ "insuf", SIP_BAD_MISSING },
	{ "unkscm", 0 },
	{ "novelsc", 0 },
	{ "unksm2", 0 },
	{ "bext01", 0 },
	{ "invut", 0 },
	{ "regaut01", 0 },
	{ "multi01", SIP_BAD_DUPLICATE },
	{ "mcl01", SIP_BAD_DUPLICATE },
	{ "bcast", 0 },
	{ "zeromf", 0 },
	{ "cparam01", 0 },
	{ "cparam02", 0 },
	{ "regescrt", 0 },
	{ "sdp01", 0 },
	{ "inv2543", 0 },
	{ "ipv6-good", 0 },
	{ "ipv6-bad", SIP_BAD_REQUEST_URI },
	{ "port-ambiguous", 0 },
	{ "port-unambiguous", 0 },
	{ "via-received-param-with-delim", 0 },
	{ "via-received-param-no-delim", 0 },
	{ "ipv6-in-sdp", 0 },
	{ "mult-ip-in-header", 0 },
	{ "mult-ip-in-sdp", 0 },
	{ "ipv4-mapped-ipv6", 0 },
	{ "ipv6-bug-abnf-3-colons", SIP_BAD_REQUEST_URI },
	{ "ipv6-correct-abnf-2-colons", 0 },
};

static struct t_guard guard;
static struct sip_msg m;

static unsigned char *find(const char *dir, const char *name, size_t *len)
{
	static const char *const form[] = { "%s/rfc4475/%s.dat", "%s/rfc5118/%s" };
	char path[4096];
	unsigned char *p = NULL;
	size_t i;

	for (i = 0; i < 2 && !p; i++) {
		snprintf(path, sizeof(path), form[i], dir, name);
		p = t_read_file(path, len);
	}
	return p;
}

static void every_length(const char *name, const unsigned char *p, size_t len)
{
	unsigned int wrong = 0;
	size_t cut;
	int r;

	for (cut = 0; cut <= len; cut++) {
		const unsigned char *at = t_guard_put(&guard, p, cut);

		r = sip_msg_parse(&m, at, (u32)cut, SIP_DATAGRAM);
		if (r == SIP_MORE || (r == SIP_OK && touch_message(&m)))
			wrong++;
		r = sip_msg_parse(&m, at, (u32)cut, 0);
		if (r == SIP_OK && (touch_message(&m) || m.consumed > cut))
			wrong++;
	}
	T_OK(!wrong, "%s: %u of %zu lengths wrong", name, wrong, len);
}

static void one(const struct expect *x, const char *dir)
{
	const char *e = NULL;
	unsigned char *p;
	size_t len;
	int r;

	p = find(dir, x->name, &len);
	if (!p) {
		t_skipped++;
		return;
	}
	r = sip_msg_parse(&m, t_guard_put(&guard, p, len), (u32)len, SIP_DATAGRAM);
	if (r == SIP_OK)
		e = touch_message(&m);
	T_OK(!e, "%s: %s", x->name, e);
	T_OK(m.bad == x->bad, "%s: %s at %u, expected %s", x->name, sip_bad_name(m.bad), m.bad_off,
	     sip_bad_name(x->bad));
	every_length(x->name, p, len);
	free(p);
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : getenv("TORTURE");
	size_t i;

	t_guard_init(&guard, 65536);
	if (!dir)
		dir = "../shared/data/torture";
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		one(&expected[i], dir);
	if (t_skipped)
		printf("torture: %u messages are not in %s (set TORTURE)\n", t_skipped, dir);
	return t_end("torture");
}
