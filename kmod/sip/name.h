/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The names that the parser knows: headers with their compact forms, methods, transports. */
#ifndef SIP_NAME_H
#define SIP_NAME_H

#include "str.h"

/* What is done with a header, and how often it may be there. */
enum sip_header_flag {
	SIP_HF_ONE = 1 << 0,  /* a second one makes the message bad (RFC 3261 7.3.1) */
	SIP_HF_ADDR = 1 << 1, /* value is a list of name-addr / addr-spec */
};

/* id, name in lower case, compact form or 0, flags. Sorted by length of name for the look-up. */
#define SIP_HEADER_LIST(X)                                                                         \
	X(TO, "to", 't', SIP_HF_ONE)                                                               \
	X(VIA, "via", 'v', 0)                                                                      \
	X(CSEQ, "cseq", 0, SIP_HF_ONE)                                                             \
	X(DATE, "date", 0, SIP_HF_ONE)                                                             \
	X(FROM, "from", 'f', SIP_HF_ONE)                                                           \
	X(JOIN, "join", 0, SIP_HF_ONE)                                                             \
	X(PATH, "path", 0, SIP_HF_ADDR)                                                            \
	X(RACK, "rack", 0, SIP_HF_ONE)                                                             \
	X(RSEQ, "rseq", 0, SIP_HF_ONE)                                                             \
	X(ALLOW, "allow", 0, 0)                                                                    \
	X(EVENT, "event", 'o', SIP_HF_ONE)                                                         \
	X(ROUTE, "route", 0, SIP_HF_ADDR)                                                          \
	X(ACCEPT, "accept", 0, 0)                                                                  \
	X(MIN_SE, "min-se", 0, SIP_HF_ONE)                                                         \
	X(REASON, "reason", 0, 0)                                                                  \
	X(SERVER, "server", 0, SIP_HF_ONE)                                                         \
	X(CALL_ID, "call-id", 'i', SIP_HF_ONE)                                                     \
	X(CONTACT, "contact", 'm', SIP_HF_ADDR)                                                    \
	X(EXPIRES, "expires", 0, SIP_HF_ONE)                                                       \
	X(PRIVACY, "privacy", 0, 0)                                                                \
	X(REQUIRE, "require", 0, 0)                                                                \
	X(SUBJECT, "subject", 's', SIP_HF_ONE)                                                     \
	X(WARNING, "warning", 0, 0)                                                                \
	X(IDENTITY, "identity", 'y', 0)                                                            \
	X(PRIORITY, "priority", 0, SIP_HF_ONE)                                                     \
	X(REFER_TO, "refer-to", 'r', SIP_HF_ONE)                                                   \
	X(REPLACES, "replaces", 0, SIP_HF_ONE)                                                     \
	X(REPLY_TO, "reply-to", 0, SIP_HF_ONE)                                                     \
	X(SIP_ETAG, "sip-etag", 0, SIP_HF_ONE)                                                     \
	X(CALL_INFO, "call-info", 0, 0)                                                            \
	X(DIVERSION, "diversion", 0, 0)                                                            \
	X(SUPPORTED, "supported", 'k', 0)                                                          \
	X(TIMESTAMP, "timestamp", 0, SIP_HF_ONE)                                                   \
	X(ALERT_INFO, "alert-info", 0, 0)                                                          \
	X(USER_AGENT, "user-agent", 0, SIP_HF_ONE)                                                 \
	X(ERROR_INFO, "error-info", 0, 0)                                                          \
	X(FLOW_TIMER, "flow-timer", 0, SIP_HF_ONE)                                                 \
	X(MIN_EXPIRES, "min-expires", 0, SIP_HF_ONE)                                               \
	X(REFERRED_BY, "referred-by", 'b', SIP_HF_ONE)                                             \
	X(RETRY_AFTER, "retry-after", 0, SIP_HF_ONE)                                               \
	X(UNSUPPORTED, "unsupported", 0, 0)                                                        \
	X(IN_REPLY_TO, "in-reply-to", 0, 0)                                                        \
	X(ALLOW_EVENTS, "allow-events", 'u', 0)                                                    \
	X(CONTENT_TYPE, "content-type", 'c', SIP_HF_ONE)                                           \
	X(MAX_FORWARDS, "max-forwards", 0, SIP_HF_ONE)                                             \
	X(MIME_VERSION, "mime-version", 0, SIP_HF_ONE)                                             \
	X(ORGANIZATION, "organization", 0, SIP_HF_ONE)                                             \
	X(RECORD_ROUTE, "record-route", 0, SIP_HF_ADDR)                                            \
	X(SIP_IF_MATCH, "sip-if-match", 0, SIP_HF_ONE)                                             \
	X(HISTORY_INFO, "history-info", 0, 0)                                                      \
	X(AUTHORIZATION, "authorization", 0, 0)                                                    \
	X(PROXY_REQUIRE, "proxy-require", 0, 0)                                                    \
	X(SERVICE_ROUTE, "service-route", 0, SIP_HF_ADDR)                                          \
	X(ACCEPT_CONTACT, "accept-contact", 'a', 0)                                                \
	X(CONTENT_LENGTH, "content-length", 'l', SIP_HF_ONE)                                       \
	X(REJECT_CONTACT, "reject-contact", 'j', 0)                                                \
	X(ACCEPT_ENCODING, "accept-encoding", 0, 0)                                                \
	X(ACCEPT_LANGUAGE, "accept-language", 0, 0)                                                \
	X(SESSION_EXPIRES, "session-expires", 'x', SIP_HF_ONE)                                     \
	X(SECURITY_CLIENT, "security-client", 0, 0)                                                \
	X(CONTENT_ENCODING, "content-encoding", 'e', 0)                                            \
	X(CONTENT_LANGUAGE, "content-language", 0, 0)                                              \
	X(WWW_AUTHENTICATE, "www-authenticate", 0, 0)                                              \
	X(P_ASSOCIATED_URI, "p-associated-uri", 0, 0)                                              \
	X(SUBSCRIPTION_STATE, "subscription-state", 0, SIP_HF_ONE)                                 \
	X(PROXY_AUTHENTICATE, "proxy-authenticate", 0, 0)                                          \
	X(AUTHENTICATION_INFO, "authentication-info", 0, SIP_HF_ONE)                               \
	X(CONTENT_DISPOSITION, "content-disposition", 0, SIP_HF_ONE)                               \
	X(REQUEST_DISPOSITION, "request-disposition", 'd', 0)                                      \
	X(PROXY_AUTHORIZATION, "proxy-authorization", 0, 0)                                        \
	X(P_ASSERTED_IDENTITY, "p-asserted-identity", 0, 0)                                        \
	X(P_PREFERRED_IDENTITY, "p-preferred-identity", 0, 0)                                      \
	X(CONTENT_TRANSFER_ENCODING, "content-transfer-encoding", 0, SIP_HF_ONE)

#define SIP_HEADER_ENUM(id, name, compact, flags) SIP_H_##id,
enum sip_header_id { SIP_H_OTHER, SIP_HEADER_LIST(SIP_HEADER_ENUM) SIP_H_COUNT };
#undef SIP_HEADER_ENUM

#define SIP_METHOD_LIST(X)                                                                         \
	X(ACK) X(BYE) X(CANCEL) X(INFO) X(INVITE) X(MESSAGE) X(NOTIFY) X(OPTIONS) X(PRACK)         \
	X(PUBLISH) X(REFER) X(REGISTER) X(SUBSCRIBE) X(UPDATE)

#define SIP_METHOD_ENUM(id) SIP_M_##id,
enum sip_method { SIP_M_NONE, SIP_M_OTHER, SIP_METHOD_LIST(SIP_METHOD_ENUM) SIP_M_COUNT };
#undef SIP_METHOD_ENUM

#define SIP_TRANSPORT_LIST(X)                                                                      \
	X(UDP, "udp") X(TCP, "tcp") X(TLS, "tls") X(SCTP, "sctp") X(TLS_SCTP, "tls-sctp")          \
	X(WS, "ws") X(WSS, "wss")

#define SIP_TRANSPORT_ENUM(id, name) SIP_T_##id,
enum sip_transport { SIP_T_NONE, SIP_T_OTHER, SIP_TRANSPORT_LIST(SIP_TRANSPORT_ENUM) SIP_T_COUNT };
#undef SIP_TRANSPORT_ENUM

/* Header by full or compact name, without regard to case; SIP_H_OTHER if it is not in the list. */
u32 sip_header_id(const u8 *buf, struct sip_str name);

/* Name of a header in lower case ("call-id"); "other" for anything else. */
const char *sip_header_name(u32 id);

/* enum sip_header_flag of a header. */
u32 sip_header_flags(u32 id);

/* Method, with regard to case (RFC 3261 7.1); SIP_M_OTHER for any other token. */
u32 sip_method_id(const u8 *buf, struct sip_str name);

/* Name of a method ("INVITE"); "OTHER", "NONE". */
const char *sip_method_name(u32 id);

/* Transport of a Via or of ;transport=, without regard to case. */
u32 sip_transport_id(const u8 *buf, struct sip_str name);

#endif /* SIP_NAME_H */
