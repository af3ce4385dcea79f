/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* URIs: sip, sips, tel; any other scheme is accepted and left opaque. RFC 3261 19.1 and 25.1. */
#ifndef SIP_URI_H
#define SIP_URI_H

#include "scan.h"

enum sip_scheme {
	SIP_URI_NONE,
	SIP_URI_SIP,
	SIP_URI_SIPS,
	SIP_URI_TEL,
	SIP_URI_OTHER, /* only .all and .scheme are set */
};

struct sip_uri {
	struct sip_str all;      /* scheme to the last header */
	struct sip_str user;     /* still escaped; the number of a tel URI */
	struct sip_str password; /* still escaped */
	struct sip_str params;   /* from the first ';', or empty */
	struct sip_str headers;  /* from the '?', or empty */
	struct sip_host host;    /* kind SIP_HOST_NONE for tel and others */
	u8 scheme;               /* enum sip_scheme */
	bool has_user;           /* there is an '@' */
};

/* One ;name[=value] of a URI or of a header. */
struct sip_param {
	struct sip_str all;   /* from the name to the end of the value, without the ';' */
	struct sip_str name;
	struct sip_str value; /* quotes and brackets included */
	bool has_value;       /* there is an '=' */
};

/*
 * Reads exactly the slice. Returns 0 or a reason (enum sip_bad); @u is defined on success only.
 */
int sip_uri_parse(const u8 *buf, struct sip_str s, struct sip_uri *u);

/* Reads a URI at the start of the slice as far as the grammar goes; *@stop is behind it. */
int sip_uri_scan(const u8 *buf, struct sip_str s, struct sip_uri *u, u32 *stop);

/* Finds a URI parameter by its name in lower case; true and *@p when it is there. */
bool sip_uri_param(const u8 *buf, const struct sip_uri *u, const char *name, struct sip_param *p);

struct sip_iter;

/* Next parameter of u->params (";a=b;c"), or next header of u->headers ("?a=b&c=d"). */
bool sip_uri_param_next(const u8 *buf, struct sip_iter *it, struct sip_param *p);

/*
 * Equal by RFC 3261 19.1.4 (escapes resolved, parameters in any order, user, ttl, method and maddr
 * significant, headers compared) and RFC 3966 5 for tel? The two may live in different buffers.
 */
bool sip_uri_equal(const u8 *a, const struct sip_uri *ua, const u8 *b, const struct sip_uri *ub);

/*
 * Resolves %-escapes of the slice into @out. Returns the number of bytes, or @cap + 1 when they do
 * not fit. The result may hold any byte, NUL included.
 */
u32 sip_unescape(const u8 *buf, struct sip_str s, u8 *out, u32 cap);

#endif /* SIP_URI_H */
