/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every reason for what happens to a packet, a pinhole, a call or a registration. One line makes
 * the enum value, the counter, the name in genl and traces, and the line that people read. Append
 * to a group; the numbers are internal, only the names are seen outside.
 *
 * X(ID, kind, "name", "help"): kind is a CALLGATE_REASON_* of uapi/callgate.h without its prefix; a
 * name has at most 31 characters, help at most 127.
 */
#ifndef CG_REASONS_H
#define CG_REASONS_H

#define CG_REASONS(X) \
	CG_REASONS_PASS(X) \
	CG_REASONS_EDIT(X) \
	CG_REASONS_KEPT(X) \
	CG_REASONS_DROP(X) \
	CG_REASONS_PIN(X) \
	CG_REASONS_CALL(X) \
	CG_REASONS_BINDING(X) \
	CG_REASONS_FORWARD(X) \
	CG_REASONS_LIMIT(X)

/* The packet is sent on byte-identical. State may have been learned from it all the same. */
#define CG_REASONS_PASS(X) \
	X(NOT_SIP, PASS, "not-sip", "no SIP message: keep-alive, STUN or other data") \
	X(GSO, PASS, "gso", "several datagrams in one buffer (UDP GSO or GRO)") \
	X(TRUNCATED, PASS, "truncated", "datagram shorter than its UDP header says") \
	X(NOT_UDP, PASS, "not-udp", "ICMP error or another protocol on this flow") \
	X(FRAGMENT, PASS, "fragment", "fragment of a datagram that was not put together") \
	X(BAD_MESSAGE, PASS, "bad-message", "not valid SIP; the parser's reason is in the trace") \
	X(NO_NAT, PASS, "no-nat", "understood; addresses are not translated on this flow") \
	X(NOTHING_INSIDE, PASS, "nothing-inside", "understood; names nothing that is translated") \
	X(OPEN_MODE, PASS, "open-mode", "understood; the helper callgate-open never edits") \
	X(MODE_OPEN, PASS, "mode-open", "understood; the mode open, of the host or of all, never edits") \
	X(MODE_OFF, PASS, "mode-off", "not looked at: the mode of the host, or of all, is off") \
	X(AUTH_INT, PASS, "auth-int", "a digest with qop=auth-int covers the body") \
	X(SIGNED_BODY, PASS, "signed-body", "a signature covers what would be edited") \
	X(ENCODED_BODY, PASS, "encoded-body", "the body has a Content-Encoding") \
	X(BODY_UNCERTAIN, PASS, "body-uncertain", "where the body begins or ends is not certain") \
	X(SDP_BAD, PASS, "sdp-bad", "the session description is not valid") \
	X(TOO_LARGE, PASS, "too-large", "the message would be too large after its edits") \
	X(NO_MEMORY, PASS, "no-memory", "no memory for the edited message") \
	X(EDIT_OVERFLOW, PASS, "edit-overflow", "more edits than one message may have") \
	X(VERIFY_FAILED, PASS, "verify-failed", "the edited message did not parse as intended") \
	X(PASS_LIMIT, PASS, "pass-limit", "a limit kept state for it from being made") \
	X(PASS_PORTS, PASS, "pass-ports", "no public port was free for the media it names") \
	X(UNKNOWN_TXN, PASS, "unknown-transaction", "a response to no request that was seen") \
	X(UPSTREAM, PASS, "upstream-rewrite", "another device changed our address in the Via") \
	X(SOCKET_FLOW, PASS, "socket-flow", "a flow of a socket on the router itself") \
	X(TWO_FAMILIES, PASS, "two-families", "relayed between IPv4 and IPv6: its media is left alone") \
	X(RELAY_BUSY, PASS, "relay-busy", "relayed within another packet: its media was left alone")

/* Counted per field, not per packet. */
#define CG_REASONS_EDIT(X) \
	X(EDITED, EDIT, "edited", "message sent on with edits (counted per message)") \
	X(EDIT_PUBLIC, EDIT, "inside-to-public", "an inside address became the public one") \
	X(EDIT_RESTORE, EDIT, "restored", "what the inside host wrote was put back") \
	X(EDIT_SITE, EDIT, "site-local", "another phone of this site: its own address was put back") \
	X(EDIT_PORT, EDIT, "media-port", "a media port became the public one") \
	X(EDIT_LENGTH, EDIT, "content-length", "Content-Length follows the edited body") \
	X(EDIT_RELAYED, EDIT, "relayed-edited", "relayed message whose media was edited (per message)") \
	X(RELAYED, EDIT, "relayed", "the router itself is a hop of the call")

/* Why a field that looks private was left alone: for explain and trace, not counted. */
#define CG_REASONS_KEPT(X) \
	X(KEPT_IDENTITY, OTHER, "identity", "who it is, not where: never edited") \
	X(KEPT_VIA, OTHER, "other-hop", "a Via below the topmost: another hop's affair") \
	X(KEPT_THEIRS, OTHER, "other-side", "the other side wrote it; nothing here was published as it") \
	X(KEPT_FAMILY, OTHER, "other-family", "of the other IP version: this flow does not carry it") \
	X(KEPT_OUTSIDE, OTHER, "not-inside", "no route leads to it on the inside") \
	X(KEPT_OTHER, OTHER, "other-host", "another inside host's, which the sender may not open yet") \
	X(KEPT_REDIRECT, OTHER, "no-registration", "a redirection to what is not registered") \
	X(KEPT_CLOSED, OTHER, "not-opened", "no public port leads to it")

#define CG_REASONS_DROP(X) \
	X(DROP_GUARD, DROP, "guard", "media to a port of ours that no pinhole expects") \
	X(DROP_QUARANTINE, DROP, "guard-quarantine", "media of an ended call to its resting port") \
	X(DROP_SOURCE, DROP, "guard-source", "media from a source the pinhole does not admit") \
	X(DROP_BIND, DROP, "bind-failed", "media whose translation could not be set up") \
	X(DROP_UPLINK, DROP, "uplink-changed", "first packet of a flow that left by another uplink")

#define CG_REASONS_PIN(X) \
	X(PIN_OPENED, PIN, "pinhole-opened", "pinhole opened") \
	X(PIN_CLOSED, PIN, "pinhole-closed", "pinhole closed with its call or stream") \
	X(PIN_BOUND, PIN, "pinhole-bound", "media flow set up") \
	X(PIN_RELATCHED, PIN, "pinhole-relatched", "a new media source was followed") \
	X(PIN_NO_RELATCH, PIN, "relatch-refused", "media from a further new source") \
	X(PIN_ROLLED_BACK, PIN, "pinhole-rolled-back", "offer refused: the old pinholes are back") \
	X(PIN_PRESERVED, PIN, "port-preserved", "the public port is the phone's own") \
	X(PIN_POOLED, PIN, "port-from-pool", "the public port is from the pool") \
	X(PIN_PORTS, PIN, "port-pool-empty", "refused: no free port in the pool") \
	X(PIN_UNREACHABLE, PIN, "pinhole-unreachable", "refused: open mode, port not reachable") \
	X(PIN_FOREIGN, PIN, "pinhole-foreign", "refused: not in the inside host's network") \
	X(PIN_LOW_PORT, PIN, "pinhole-low-port", "refused: a port below 1024 cannot be media") \
	X(PIN_DENIED, PIN, "pinhole-denied-port", "refused: a port of services, never of phones") \
	X(PIN_PROTO, PIN, "pinhole-protocol", "refused: neither UDP nor TCP media") \
	X(PIN_NO_MEMORY, PIN, "pinhole-no-memory", "refused: no memory") \
	X(PIN_EXPECT, PIN, "expectation-refused", "open, but not published in conntrack") \
	X(PIN_STALE_FLOW, PIN, "stale-flow", "a conntrack entry in the way of media was removed")

#define CG_REASONS_CALL(X) \
	X(CALL_BEGAN, CALL, "call-began", "call began") \
	X(CALL_ANSWERED, CALL, "call-answered", "call was answered") \
	X(CALL_BYE, CALL, "bye", "ended by BYE") \
	X(CALL_REFUSED, CALL, "refused", "ended: refused by the called side") \
	X(CALL_CANCELLED, CALL, "cancelled", "ended: cancelled by the caller") \
	X(CALL_TIMEOUT, CALL, "timeout", "ended: never answered") \
	X(CALL_SESSION_TIMER, CALL, "session-timer", "ended by its session timer") \
	X(CALL_SILENCE, CALL, "silence", "ended: neither media nor SIP (limit silence)") \
	X(CALL_AGE, CALL, "age", "ended: too old and without media (limit age)") \
	X(CALL_LOOSE, CALL, "description-over", "ended: a session description outside a call") \
	X(CALL_ADMIN, CALL, "admin", "ended by the admin") \
	X(CALL_EVICTED, CALL, "evicted", "ended: an early call made room for another") \
	X(CALL_NETNS, CALL, "netns-gone", "ended: its network namespace was removed") \
	X(CALL_UNLOAD, CALL, "unload", "ended: the module was removed")

#define CG_REASONS_BINDING(X) \
	X(BIND_LEARNED, BINDING, "binding-learned", "registration learned") \
	X(BIND_REFRESHED, BINDING, "binding-refreshed", "registration refreshed") \
	X(BIND_EXPIRED, BINDING, "binding-expired", "registration ended: its lifetime passed") \
	X(BIND_REMOVED, BINDING, "binding-removed", "registration ended: unregistered") \
	X(BIND_REPLACED, BINDING, "binding-replaced", "registration ended: replaced by another") \
	X(BIND_ADDRESS, BINDING, "binding-address-gone", "registration ended with our address") \
	X(BIND_PORT, BINDING, "binding-port-taken", "registration ended: callgated has its port now") \
	X(BIND_GONE, BINDING, "binding-netns-gone", "registration ended with the namespace")

#define CG_REASONS_LIMIT(X) \
	X(LIMIT_HOST_CALLS, LIMIT, "limit-host-calls", "an inside host has too many calls") \
	X(LIMIT_CALLS, LIMIT, "limit-calls", "too many calls") \
	X(LIMIT_HOST_PINS, LIMIT, "limit-host-pinholes", "an inside host has too many pinholes") \
	X(LIMIT_PINS, LIMIT, "limit-pinholes", "too many pinholes") \
	X(LIMIT_HOST_BINDINGS, LIMIT, "limit-host-bindings", "an inside host has too many") \
	X(LIMIT_BINDINGS, LIMIT, "limit-bindings", "too many bindings") \
	X(LIMIT_TXNS, LIMIT, "limit-transactions", "too many transactions") \
	X(LIMIT_LEGS, LIMIT, "limit-dialogs", "too many dialogs in one call") \
	X(LIMIT_STREAMS, LIMIT, "limit-streams", "too many streams in one call") \
	X(LIMIT_MEMORY, LIMIT, "limit-memory", "no memory for a new table entry")

/* Datagrams to the router's own address, in gateway use. UP_*: left to the daemon's socket. */
#define CG_REASONS_FORWARD(X) \
	X(FWD_REQUEST, FORWARD, "forwarded-request", "request to our address, sent on to its user") \
	X(FWD_RESPONSE, FORWARD, "forwarded-response", "response to a request that was sent on") \
	X(FWD_TRYING, FORWARD, "trying-absorbed", "a 100 that ends at this hop") \
	X(FWD_FORGED, FORWARD, "forged-branch", "dropped: a response to what was never sent so") \
	X(FWD_RATED, FORWARD, "source-too-fast", "dropped: its source sends more than the rate") \
	X(FWD_ASKED, FORWARD, "user-asked-for", "waits: the daemon was asked where its user is") \
	X(FWD_ANSWERED, FORWARD, "user-answered", "the daemon answered such a question") \
	X(FWD_DENIED, FORWARD, "user-denied", "the daemon answered that nobody is to answer") \
	X(FWD_UNANSWERED, FORWARD, "user-not-answered", "no answer in time: what waited was freed") \
	X(FWD_NO_ROUTE, FORWARD, "forward-no-route", "not sent on: no route, or it leads to us") \
	X(FWD_NO_MEMORY, FORWARD, "forward-no-memory", "not sent on: no memory") \
	X(FWD_YIELDED, FORWARD, "sip-port-kept-free", "a flow to which NAT gave our port got another") \
	X(FWD_NO_PORT, FORWARD, "sip-port-no-other", "dropped: NAT gave it our port, no other was free") \
	X(FWD_TXNS, FORWARD, "forward-transactions", "an older transaction made room") \
	X(FWD_KNOWN, FORWARD, "forwarded-known-peer", "without our Route: to the dialog's other party") \
	X(FWD_DIALOGS, FORWARD, "forward-dialogs", "an older dialog made room") \
	X(UP_NOT_SIP, FORWARD, "up-not-sip", "left to the daemon: no valid SIP message") \
	X(UP_OFF, FORWARD, "up-not-taken", "left to the daemon: such messages are not taken here") \
	X(UP_POLICY, FORWARD, "up-policy", "left to the daemon: it must judge or challenge") \
	X(UP_ROUTE, FORWARD, "up-route", "left to the daemon: where it goes is not simple") \
	X(UP_LOCATION, FORWARD, "up-location", "left to the daemon: not one simple contact") \
	X(UP_OWNER, FORWARD, "up-owner", "left to the daemon: it has the transaction") \
	X(UP_RELAY, FORWARD, "up-relay", "left to the daemon: could not be rewritten or sent") \
	X(UP_NOT_ASKED, FORWARD, "up-not-asked", "left to the daemon: too large or too many to ask")

enum cg_reason {
	CG_R_NONE,
#define X(id, kind, name, help) CG_R_##id,
	CG_REASONS(X)
#undef X
	CG_R_COUNT
};

#endif /* CG_REASONS_H */
