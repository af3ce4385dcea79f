/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SDP: RFC 8866, RFC 3264, RFC 3605 (a=rtcp), RFC 8839 (a=candidate), RFC 4145 (setup),
 * RFC 4975 (MSRP path), RFC 5761 (rtcp-mux), RFC 8843 (BUNDLE), RFC 6947 (altc).
 *
 * One validating pass at the start, then iterators over sections and lines: nothing is stored per
 * section or line; the limits below only keep the cost of senseless bodies small. Everything that
 * may be edited is a slice of .buf.
 * Lines end in CRLF or LF; the last may end with the body.
 */
#ifndef SIP_SDP_H
#define SIP_SDP_H

#define SIP_SDP_MEDIA_MAX 512  /* m= sections; c= lines of one section */
#define SIP_SDP_LINES_MAX 4096 /* lines of all sections */

#include "bad.h"
#include "hdr.h"

/* "IN IP4 192.0.2.1[/ttl[/count]]" of o=, c=, a=rtcp. */
struct sip_sdp_addr {
	struct sip_str nettype;  /* "IN" */
	struct sip_str addrtype; /* "IP4", "IP6": what an edit to the other family replaces */
	struct sip_str addr;     /* the address or name alone */
	struct sip_str suffix;   /* "/127/3" behind it, or empty */
	u8 kind;                 /* enum sip_host_kind, by what is written, not by addrtype */
	u8 bytes[16];            /* network order */
	bool multicast;
	bool any;                /* 0.0.0.0 or :: (hold, or "no address yet") */
};

enum sip_sdp_dir {
	SIP_DIR_NONE, /* not said: sendrecv, or what the session says */
	SIP_DIR_SENDRECV,
	SIP_DIR_SENDONLY,
	SIP_DIR_RECVONLY,
	SIP_DIR_INACTIVE,
};

enum sip_sdp_setup {
	SIP_SETUP_NONE,
	SIP_SETUP_ACTIVE,
	SIP_SETUP_PASSIVE,
	SIP_SETUP_ACTPASS,
	SIP_SETUP_HOLDCONN,
};

enum sip_sdp_type {
	SIP_SDP_OTHER,
	SIP_SDP_AUDIO,
	SIP_SDP_VIDEO,
	SIP_SDP_TEXT,
	SIP_SDP_IMAGE,
	SIP_SDP_APPLICATION,
	SIP_SDP_MESSAGE,
};

/* What runs over the transport. */
enum sip_sdp_proto {
	SIP_PROTO_OTHER,
	SIP_PROTO_RTP,   /* RTP/AVP, RTP/SAVPF, UDP/TLS/RTP/SAVP, TCP/RTP/AVP ...: has RTCP */
	SIP_PROTO_UDPTL, /* udptl, UDP/TLS/UDPTL */
	SIP_PROTO_TCP,   /* TCP t38, plain TCP */
	SIP_PROTO_BFCP,  /* UDP/BFCP, TCP/BFCP, TCP/TLS/BFCP, UDP/TLS/BFCP, TCP/DTLS/BFCP */
	SIP_PROTO_MSRP,  /* TCP/MSRP, TCP/TLS/MSRP */
	SIP_PROTO_SCTP,  /* UDP/DTLS/SCTP, DTLS/SCTP, TCP/DTLS/SCTP */
	SIP_PROTO_UDP,   /* plain udp */
};

enum sip_sdp_l4 { SIP_L4_NONE, SIP_L4_UDP, SIP_L4_TCP };

struct sip_sdp_origin {
	struct sip_str line; /* without the line end */
	struct sip_str user;
	struct sip_str id;
	struct sip_str version;
	struct sip_sdp_addr addr;
};

/* a=rtcp:port [nettype addrtype address] */
struct sip_sdp_rtcp {
	struct sip_str port;
	u16 port_num;
	bool has_addr;
	struct sip_sdp_addr addr;
};

struct sip_sdp_media {
	struct sip_str section; /* m= line to the end of the section, line ends included */
	struct sip_str line;    /* m= line without its end */
	struct sip_str type;
	struct sip_str port;    /* digits only: what an edit replaces */
	struct sip_str count;   /* digits behind the '/', or empty */
	struct sip_str proto;
	struct sip_str fmt;     /* the formats, trimmed */
	u16 port_num;
	u16 count_num;          /* 1 when absent */
	u8 type_id;             /* enum sip_sdp_type */
	u8 proto_id;            /* enum sip_sdp_proto */
	u8 l4;                  /* enum sip_sdp_l4 */

	/* from the attributes of the section; values of the session are not merged in */
	u8 dir;                 /* enum sip_sdp_dir */
	u8 setup;               /* enum sip_sdp_setup */
	bool conn_existing;     /* a=connection:existing */
	bool rtcp_mux;          /* a=rtcp-mux or a=rtcp-mux-only */
	bool bundle_only;
	bool has_rtcp;
	bool ice;               /* a=ice-ufrag in the section */
	u32 n_conn;             /* c= lines of the section; 0: the session's is in force */
	u32 n_lines;            /* of the section, without m= */
	u32 n_candidates;
	u32 n_altc;
	struct sip_str mid;
	struct sip_str path;    /* value of a=path, or empty */
	struct sip_sdp_rtcp rtcp;
	struct sip_sdp_addr conn; /* in force: the first of the section, else the session's */
};

struct sip_sdp {
	const u8 *buf;
	struct sip_str body;
	struct sip_str session;  /* the lines before the first m= */
	struct sip_sdp_origin origin;
	struct sip_sdp_addr conn; /* session c=; addr.len 0 when absent */
	struct sip_str group;    /* value of the first a=group, or empty */
	u32 n_media;
	u32 n_lines;             /* of the sections */
	u8 dir;                  /* enum sip_sdp_dir */
	u8 setup;                /* enum sip_sdp_setup */
	bool ice;                /* a=ice-ufrag or a=candidate anywhere */
	bool ice_lite;
	bool bundle;             /* an a=group:BUNDLE */
	bool has_origin;
	bool fragment;           /* application/trickle-ice-sdpfrag: no v=, o=, c= needed */

	/* of the parser: the last section, which most bodies have alone */
	u32 last_from, last_to;
	struct sip_sdp_media last;
};

/*
 * Checks the whole body and fills the session view. Returns 0 or a reason (enum sip_bad), in which
 * case the body is to be left alone. Attributes with addresses (rtcp, candidate, path, altc) are
 * checked too. *@bad_off, if not NULL, is where. @frag: application/trickle-ice-sdpfrag.
 */
int sip_sdp_parse(struct sip_sdp *s, const u8 *buf, struct sip_str body, bool frag, u32 *bad_off);

/* All m= sections in order: it = sip_sdp_iter(&s), then until false. it.bad stays 0. */
static inline struct sip_iter sip_sdp_iter(const struct sip_sdp *s)
{
	return (struct sip_iter){ .pos = s->session.off + s->session.len,
				  .end = s->body.off + s->body.len };
}
bool sip_sdp_media_next(const struct sip_sdp *s, struct sip_iter *it, struct sip_sdp_media *m);

/* Every c= line of a section (its own only): it = sip_iter(section). */
bool sip_sdp_conn_next(const u8 *buf, struct sip_iter *it, struct sip_sdp_addr *c);

/* ---- attributes: a=name[:value], in the session or in a media section ---- */

enum sip_sdp_attr_id {
	SIP_A_OTHER,
	SIP_A_RTCP,
	SIP_A_RTCP_MUX,
	SIP_A_CANDIDATE,
	SIP_A_REMOTE_CANDIDATES,
	SIP_A_END_OF_CANDIDATES,
	SIP_A_ICE_UFRAG,
	SIP_A_ICE_LITE,
	SIP_A_SETUP,
	SIP_A_CONNECTION,
	SIP_A_PATH,
	SIP_A_MSRP_CEMA,
	SIP_A_MID,
	SIP_A_GROUP,
	SIP_A_ALTC,
	SIP_A_BUNDLE_ONLY,
	SIP_A_SENDRECV,
	SIP_A_SENDONLY,
	SIP_A_RECVONLY,
	SIP_A_INACTIVE,
	SIP_A_SOURCE_FILTER,
	SIP_A_CRYPTO,
	SIP_A_FINGERPRINT,
	SIP_A_RTCP_XR,
};

struct sip_sdp_attr {
	struct sip_str line;  /* "a=..." without the line end */
	struct sip_str name;
	struct sip_str value; /* behind the ':', or empty */
	u8 id;                /* enum sip_sdp_attr_id */
};

/* Every attribute of a section or of the session: it = sip_iter(section). */
bool sip_sdp_attr_next(const u8 *buf, struct sip_iter *it, struct sip_sdp_attr *a);

/* Typed values. Each returns 0 or a reason. */
int sip_sdp_rtcp_parse(const u8 *buf, struct sip_str value, struct sip_sdp_rtcp *r);

enum sip_cand_type {
	SIP_CAND_OTHER,
	SIP_CAND_HOST,
	SIP_CAND_SRFLX,
	SIP_CAND_PRFLX,
	SIP_CAND_RELAY,
};

/* RFC 8839 5.1, RFC 6544 for tcptype. */
struct sip_sdp_cand {
	struct sip_str foundation;
	struct sip_str addr;      /* literal, FQDN or mDNS name */
	struct sip_str port;
	struct sip_str raddr;     /* empty when absent */
	struct sip_str rport;
	struct sip_str tcptype;   /* empty when absent */
	u32 priority;
	u16 component;
	u16 port_num;
	u16 rport_num;
	u8 l4;                    /* enum sip_sdp_l4 */
	u8 type;                  /* enum sip_cand_type */
	u8 kind;                  /* enum sip_host_kind of addr */
	u8 rkind;                 /* enum sip_host_kind of raddr */
	u8 bytes[16];
	u8 rbytes[16];
};
int sip_sdp_cand_parse(const u8 *buf, struct sip_str value, struct sip_sdp_cand *c);

/* The next URI of an a=path value (the first is our neighbour, the last the end): RFC 4975 6. */
struct sip_sdp_msrp {
	struct sip_str all;
	struct sip_host host;
	bool secure; /* msrps */
};
bool sip_sdp_msrp_next(const u8 *buf, struct sip_iter *it, struct sip_sdp_msrp *m);

/* a=altc:num IP4|IP6 address port */
struct sip_sdp_altc {
	struct sip_str addrtype;
	struct sip_str addr;
	struct sip_str port;
	u32 num;
	u16 port_num;
	u8 kind;
	u8 bytes[16];
};
int sip_sdp_altc_parse(const u8 *buf, struct sip_str value, struct sip_sdp_altc *a);

#endif /* SIP_SDP_H */
