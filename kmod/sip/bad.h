/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a text was not accepted. One list for messages, headers, bodies and SDP, so that one table of
 * counters is enough. 0 is "nothing wrong". The order is not part of any interface.
 */
#ifndef SIP_BAD_H
#define SIP_BAD_H

#include "port.h"

#define SIP_BAD_LIST(X)                                                                            \
	X(NONE, "none", "accepted")                                                                \
	X(NOT_SIP, "not-sip", "the first bytes cannot begin a SIP message")                        \
	X(TOO_LONG, "too-long", "longer than any message may be")                                  \
	X(START_LINE, "start-line", "start line is not METHOD SP URI SP SIP/2.0")                  \
	X(VERSION, "version", "a SIP version other than 2.0")                                      \
	X(STATUS, "status", "status code is not three digits in 100-699")                          \
	X(REQUEST_URI, "request-uri", "Request-URI is not a URI")                                  \
	X(LINE_END, "line-end", "a line does not end in CRLF")                                     \
	X(NUL, "nul", "NUL byte in the headers")                                                   \
	X(HEADER_NAME, "header-name", "a header line has no name and colon")                       \
	X(NO_END, "no-end", "the headers do not end in an empty line")                             \
	X(TOO_MANY, "too-many", "more header lines, values or parameters than are read")           \
	X(DUPLICATE, "duplicate", "a header or parameter that may be there once is there twice")   \
	X(MISSING, "missing", "a header that every message needs is missing")                      \
	X(CSEQ, "cseq", "CSeq is not a number below 2^31 and a method")                            \
	X(CSEQ_METHOD, "cseq-method", "the method of CSeq is not the method of the request")       \
	X(CALL_ID, "call-id", "Call-ID is empty or has a blank inside")                            \
	X(CONTENT_LENGTH, "content-length", "Content-Length is not a number")                      \
	X(BODY_SHORT, "body-short", "Content-Length is more than what is there")                   \
	X(MAX_FORWARDS, "max-forwards", "Max-Forwards is not 0-255")                               \
	X(EXPIRES, "expires", "an expiry time is not a number below 2^32")                         \
	X(NUMBER, "number", "a number is missing, too large or not a number")                      \
	X(VIA, "via", "a Via value is not SIP / 2.0 / TRANSPORT host[:port]")                      \
	X(HOST, "host", "neither a host name nor an address")                                      \
	X(PORT, "port", "a port is not 1-65535")                                                   \
	X(URI, "uri", "a URI has no scheme or a character that must be escaped")                   \
	X(URI_AMBIGUOUS, "uri-ambiguous", "a URI with ? or comma is not between < and >")          \
	X(NAME_ADDR, "name-addr", "neither name-addr nor addr-spec")                               \
	X(QUOTE, "quote", "a quoted string does not end in its line")                              \
	X(PARAM, "param", "a parameter is not ;name[=value]")                                      \
	X(STAR, "star", "Contact * together with other contacts")                                  \
	X(CONTENT_TYPE, "content-type", "Content-Type is not type/subtype")                        \
	X(EMPTY, "empty", "a header that needs a value is empty")                                  \
	X(TOKEN, "token", "a token was expected")                                                  \
	X(BOUNDARY, "boundary", "multipart boundaries are missing or not certain")                 \
	X(DEPTH, "depth", "multipart bodies nested too deep")                                      \
	X(SDP_LINE, "sdp-line", "an SDP line is not x=value")                                      \
	X(SDP_VERSION, "sdp-version", "SDP does not begin with v=0")                               \
	X(SDP_ORIGIN, "sdp-origin", "o= does not have six fields")                                 \
	X(SDP_CONN, "sdp-conn", "c= does not have three fields")                                   \
	X(SDP_MEDIA, "sdp-media", "m= is not type port[/count] protocol format")                   \
	X(SDP_ATTR, "sdp-attr", "an attribute that carries an address cannot be read")             \
	X(SDP_TOO_MANY, "sdp-too-many", "more SDP lines or sections than are read")                \
	X(SDP_DUPLICATE, "sdp-duplicate", "an SDP line that may be there once is there twice")

#define SIP_BAD_ENUM(id, name, text) SIP_BAD_##id,
enum sip_bad { SIP_BAD_LIST(SIP_BAD_ENUM) SIP_BAD_COUNT };
#undef SIP_BAD_ENUM

/* Short stable name of a reason ("not-sip"); never NULL. */
const char *sip_bad_name(u32 bad);

/* One line that says what is wrong; never NULL. */
const char *sip_bad_text(u32 bad);

#endif /* SIP_BAD_H */
