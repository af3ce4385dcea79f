/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "callgate.h"
#include "callgate_gateway.h"
#include "model.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MODEL(table, type) { table, COUNT(table), sizeof(struct type) }

#define NAMES(...) { (const char *const[]){ __VA_ARGS__ }, \
		     COUNT(((const char *const[]){ __VA_ARGS__ })) }
const struct names call_state_names = NAMES(NULL, "early", "answered", "ending");
const struct names dir_names = NAMES(NULL, "out", "in", "through");
const struct names comp_names = NAMES("other", "rtp", "rtcp");
const struct names event_names = NAMES(NULL, "call-new", "call-answered", "call-changed",
	"call-end", "binding-new", "binding-refresh", "binding-end", "limit");
const struct names trace_names = NAMES(NULL, "message", "pinhole-open", "pinhole-close",
	"pinhole-refused");
const struct names verdict_names = NAMES(NULL, "pass", "edit", "drop");
const struct names reason_kind_names = NAMES(NULL, "pass", "edit", "drop", "pinhole", "call",
	"binding", "limit", "other", "forward");
const struct names mode_names = NAMES(NULL, "off", "open", "translate");

static const char *const call_flag_names[] = { "continued", "open", NULL };
static const char *const pin_flag_names[] = {
	"pending", "committed", "published", "bound", "relatched", "mux", "pool", NULL,
};
static const char *const peer_flag_names[] = {
	"signalled", "latched", "any-port", "any-address", NULL,
};

#define AT(type, member) .offset = offsetof(struct type, member)

static const struct field reason_fields[] = {
	{ "name", NULL, CALLGATE_R_NAME, AT(reason, name), F_STRING },
	{ "count", NULL, CALLGATE_R_COUNT, AT(reason, count), F_U64 },
	{ "kind", &reason_kind_names, CALLGATE_R_KIND, AT(reason, kind), F_ENUM },
	{ "help", NULL, CALLGATE_R_HELP, AT(reason, help), F_STRING },
};
const struct model model_reason = MODEL(reason_fields, reason);

/* The names are the keys of "callgate set". */
static const struct field settings_fields[] = {
	{ "calls-per-host", NULL, CALLGATE_C_CALLS_HOST, AT(settings, calls_host), F_U32 },
	{ "calls", NULL, CALLGATE_C_CALLS, AT(settings, calls), F_U32 },
	{ "pinholes-per-host", NULL, CALLGATE_C_PINHOLES_HOST, AT(settings, pinholes_host),
	  F_U32 },
	{ "pinholes", NULL, CALLGATE_C_PINHOLES, AT(settings, pinholes), F_U32 },
	{ "registrations-per-host", NULL, CALLGATE_C_BINDINGS_HOST,
	  AT(settings, bindings_host), F_U32 },
	{ "registrations", NULL, CALLGATE_C_BINDINGS, AT(settings, bindings), F_U32 },
	{ "transactions", NULL, CALLGATE_C_TXNS, AT(settings, txns), F_U32 },
	{ "first-port", NULL, CALLGATE_C_POOL_FIRST, AT(settings, pool_first), F_U16 },
	{ "last-port", NULL, CALLGATE_C_POOL_LAST, AT(settings, pool_last), F_U16 },
	{ "quarantine", NULL, CALLGATE_C_QUARANTINE, AT(settings, quarantine), F_U32 },
	{ "mark-related", NULL, CALLGATE_C_MARK_RELATED, AT(settings, mark_related), F_BOOL },
	{ "publish", NULL, CALLGATE_C_PUBLISH, AT(settings, publish), F_BOOL },
	{ "silence", NULL, CALLGATE_C_SILENCE, AT(settings, silence), F_U32 },
	{ "age", NULL, CALLGATE_C_AGE, AT(settings, age), F_U32 },
	{ "strict", NULL, CALLGATE_C_STRICT, AT(settings, strict), F_BOOL },
	{ "mode", &mode_names, CALLGATE_C_MODE, AT(settings, mode), F_ENUM },
};
const struct model model_settings = MODEL(settings_fields, settings);

/* By the number of their attribute. */
static const char *const setting_bit_names[] = {
	"", "", "calls-per-host", "calls", "pinholes-per-host", "pinholes",
	"registrations-per-host", "registrations", "transactions", "first-port", "last-port",
	"quarantine", "mark-related", "publish", "silence", "age", "strict", "mode", NULL,
};

static const struct field status_fields[] = {
	{ "version", NULL, CALLGATE_S_VERSION, AT(status, version), F_STRING },
	{ "api", NULL, CALLGATE_S_API, AT(status, api), F_U32 },
	{ "since", NULL, CALLGATE_S_SINCE, AT(status, since), F_TIME },
	{ "calls", NULL, CALLGATE_S_CALLS, AT(status, calls), F_U32 },
	{ "pinholes", NULL, CALLGATE_S_PINHOLES, AT(status, pinholes), F_U32 },
	{ "registrations", NULL, CALLGATE_S_BINDINGS, AT(status, bindings), F_U32 },
	{ "resting_ports", NULL, CALLGATE_S_GHOSTS, AT(status, ghosts), F_U32 },
	{ "transactions", NULL, CALLGATE_S_TXNS, AT(status, txns), F_U32 },
	{ "hosts", NULL, CALLGATE_S_HOSTS, AT(status, hosts), F_U32 },
	{ "memory", NULL, CALLGATE_S_MEMORY, AT(status, memory), F_U64 },
	{ "flows_seen", NULL, CALLGATE_S_FLOWS, AT(status, flows), F_U64 },
	{ "seen", NULL, CALLGATE_S_SEEN, AT(status, seen), F_U64 },
	{ "edited", NULL, CALLGATE_S_EDITED, AT(status, edited), F_U64 },
	{ "passed", NULL, CALLGATE_S_PASSED, AT(status, passed), F_U64 },
	{ "dropped", NULL, CALLGATE_S_DROPPED, AT(status, dropped), F_U64 },
	{ "reasons", &model_reason, CALLGATE_S_REASONS, AT(status, reasons), F_LIST },
	{ "changed", setting_bit_names, CALLGATE_S_CHANGED, AT(status, changed), F_FLAGS },
};
const struct model model_status = MODEL(status_fields, status);

static const struct field host_mode_fields[] = {
	{ "prefix", NULL, CALLGATE_M_PREFIX, AT(host_mode, prefix), F_PREFIX },
	{ "mode", &mode_names, CALLGATE_M_MODE, AT(host_mode, mode), F_ENUM },
};
const struct model model_host_mode = MODEL(host_mode_fields, host_mode);

static const struct field member_fields[] = {
	{ "prefix", NULL, CALLGATE_M_PREFIX, AT(member, prefix), F_PREFIX },
};
static const struct model model_member = MODEL(member_fields, member);

static const struct field provider_fields[] = {
	{ "name", NULL, CALLGATE_V_NAME, AT(provider, name), F_STRING },
	{ "members", &model_member, CALLGATE_V_MEMBERS, AT(provider, members), F_LIST },
};
const struct model model_provider = MODEL(provider_fields, provider);

static const struct field leg_fields[] = {
	{ "to_tag", NULL, CALLGATE_LEG_TAG, AT(leg, tag), F_STRING },
	{ "state", &call_state_names, CALLGATE_LEG_STATE, AT(leg, state), F_ENUM },
};
static const struct model model_leg = MODEL(leg_fields, leg);

static const struct field peer_fields[] = {
	{ "address", NULL, CALLGATE_PEER_ENDPOINT, AT(peer, endpoint), F_ENDPOINT },
	{ "flags", peer_flag_names, CALLGATE_PEER_FLAGS, AT(peer, flags), F_FLAGS },
};
static const struct model model_peer = MODEL(peer_fields, peer);

static const struct field pin_fields[] = {
	{ "stream", NULL, CALLGATE_P_STREAM, AT(pin, stream), F_U16 },
	{ "component", &comp_names, CALLGATE_P_COMP, AT(pin, comp), F_ENUM },
	{ "protocol", NULL, CALLGATE_P_PROTO, AT(pin, proto), F_PROTO },
	{ "side", &dir_names, CALLGATE_P_SIDE, AT(pin, side), F_ENUM },
	{ "flags", pin_flag_names, CALLGATE_P_FLAGS, AT(pin, flags), F_FLAGS },
	{ "inside", NULL, CALLGATE_P_INSIDE, AT(pin, inside), F_ENDPOINT },
	{ "public", NULL, CALLGATE_P_PUBLIC, AT(pin, public), F_ENDPOINT },
	{ "peers", &model_peer, CALLGATE_P_PEERS, AT(pin, peers), F_LIST },
	{ "flows", NULL, CALLGATE_P_FLOWS, AT(pin, flows), F_U32 },
	{ "packets_in", NULL, CALLGATE_P_PKTS_IN, AT(pin, pkts_in), F_U64 },
	{ "bytes_in", NULL, CALLGATE_P_BYTES_IN, AT(pin, bytes_in), F_U64 },
	{ "packets_out", NULL, CALLGATE_P_PKTS_OUT, AT(pin, pkts_out), F_U64 },
	{ "bytes_out", NULL, CALLGATE_P_BYTES_OUT, AT(pin, bytes_out), F_U64 },
};
static const struct model model_pin = MODEL(pin_fields, pin);

static const struct field call_fields[] = {
	{ "id", NULL, CALLGATE_CALL_ID, AT(call, id), F_U64 },
	{ "state", &call_state_names, CALLGATE_CALL_STATE, AT(call, state), F_ENUM },
	{ "direction", &dir_names, CALLGATE_CALL_DIR, AT(call, dir), F_ENUM },
	{ "flags", call_flag_names, CALLGATE_CALL_FLAGS, AT(call, flags), F_FLAGS },
	{ "call_id", NULL, CALLGATE_CALL_CALLID, AT(call, callid), F_STRING },
	{ "from", NULL, CALLGATE_CALL_FROM, AT(call, from), F_STRING },
	{ "to", NULL, CALLGATE_CALL_TO, AT(call, to), F_STRING },
	{ "from_tag", NULL, CALLGATE_CALL_FTAG, AT(call, ftag), F_STRING },
	{ "started", NULL, CALLGATE_CALL_START, AT(call, start), F_TIME },
	{ "answered", NULL, CALLGATE_CALL_ANSWER, AT(call, answer), F_TIME },
	{ "session_ends", NULL, CALLGATE_CALL_DEADLINE, AT(call, deadline), F_TIME },
	{ "host", NULL, CALLGATE_CALL_HOST, AT(call, host), F_ENDPOINT },
	{ "peer", NULL, CALLGATE_CALL_PEER, AT(call, peer), F_ENDPOINT },
	{ "dialogs", &model_leg, CALLGATE_CALL_LEGS, AT(call, legs), F_LIST },
	{ "pinholes", &model_pin, CALLGATE_CALL_PINHOLES, AT(call, pins), F_LIST },
};
const struct model model_call = MODEL(call_fields, call);

static const struct field binding_fields[] = {
	{ "id", NULL, CALLGATE_B_ID, AT(binding, id), F_U64 },
	{ "aor", NULL, CALLGATE_B_AOR, AT(binding, aor), F_STRING },
	{ "contact", NULL, CALLGATE_B_CONTACT, AT(binding, contact), F_STRING },
	{ "inside", NULL, CALLGATE_B_INSIDE, AT(binding, inside), F_ENDPOINT },
	{ "public", NULL, CALLGATE_B_PUBLIC, AT(binding, public), F_ENDPOINT },
	{ "registrar", NULL, CALLGATE_B_REGISTRAR, AT(binding, registrar), F_ENDPOINT },
	{ "since", NULL, CALLGATE_B_SINCE, AT(binding, since), F_TIME },
	{ "expires", NULL, CALLGATE_B_EXPIRES, AT(binding, expires), F_TIME },
};
const struct model model_binding = MODEL(binding_fields, binding);

static const struct field event_fields[] = {
	{ "event", &event_names, CALLGATE_E_KIND, AT(event, kind), F_ENUM },
	{ "time", NULL, CALLGATE_E_TIME, AT(event, time), F_TIME },
	{ "reason", NULL, CALLGATE_E_REASON, AT(event, reason), F_STRING },
	{ "host", NULL, CALLGATE_E_HOST, AT(event, host), F_ENDPOINT },
};
const struct model model_event = MODEL(event_fields, event);

static const struct field edit_fields[] = {
	{ "field", NULL, CALLGATE_X_FIELD, AT(edit, field), F_STRING },
	{ "reason", NULL, CALLGATE_X_REASON, AT(edit, reason), F_STRING },
	{ "offset", NULL, CALLGATE_X_OFFSET, AT(edit, offset), F_U32 },
	{ "before", NULL, CALLGATE_X_BEFORE, AT(edit, before), F_STRING },
	{ "after", NULL, CALLGATE_X_AFTER, AT(edit, after), F_STRING },
};
static const struct model model_edit = MODEL(edit_fields, edit);

static const struct field trace_fields[] = {
	{ "trace", &trace_names, CALLGATE_T_KIND, AT(trace, kind), F_ENUM },
	{ "time", NULL, CALLGATE_T_TIME, AT(trace, time), F_REAL },
	{ "call", NULL, CALLGATE_T_CALL, AT(trace, call), F_U64 },
	{ "verdict", &verdict_names, CALLGATE_T_VERDICT, AT(trace, verdict), F_ENUM },
	{ "reason", NULL, CALLGATE_T_REASON, AT(trace, reason), F_STRING },
	{ "detail", NULL, CALLGATE_T_DETAIL, AT(trace, detail), F_STRING },
	{ "direction", &dir_names, CALLGATE_T_DIR, AT(trace, dir), F_ENUM },
	{ "source", NULL, CALLGATE_T_SRC, AT(trace, src), F_ENDPOINT },
	{ "destination", NULL, CALLGATE_T_DST, AT(trace, dst), F_ENDPOINT },
	{ "new_source", NULL, CALLGATE_T_NSRC, AT(trace, nsrc), F_ENDPOINT },
	{ "new_destination", NULL, CALLGATE_T_NDST, AT(trace, ndst), F_ENDPOINT },
	{ "method", NULL, CALLGATE_T_METHOD, AT(trace, method), F_STRING },
	{ "status", NULL, CALLGATE_T_STATUS, AT(trace, status), F_U16 },
	{ "uri", NULL, CALLGATE_T_URI, AT(trace, uri), F_STRING },
	{ "call_id", NULL, CALLGATE_T_CALLID, AT(trace, callid), F_STRING },
	{ "cseq", NULL, CALLGATE_T_CSEQ, AT(trace, cseq), F_U32 },
	{ "size", NULL, CALLGATE_T_SIZE_IN, AT(trace, size_in), F_U32 },
	{ "new_size", NULL, CALLGATE_T_SIZE_OUT, AT(trace, size_out), F_U32 },
	{ "edits", &model_edit, CALLGATE_T_EDITS, AT(trace, edits), F_LIST },
	{ "edits_omitted", NULL, CALLGATE_T_OMITTED, AT(trace, omitted), F_U32 },
	{ "left_alone", &model_edit, CALLGATE_T_KEPT, AT(trace, kept), F_LIST },
	{ "pinhole", &model_pin, CALLGATE_T_PIN, AT(trace, pin), F_NEST },
};
const struct model model_trace = MODEL(trace_fields, trace);

static const char *const take_names[] = { "outside", "inside", "dialog", NULL };
static const char *const method_names[] = {
	"INVITE", "MESSAGE", "OPTIONS", "NOTIFY", "SUBSCRIBE", "REFER", "PUBLISH", "INFO", "other",
	NULL,
};

static const struct field gateway_fields[] = {
	{ "daemon_port_id", NULL, CALLGATE_G_DAEMON, AT(gateway, daemon), F_U32 },
	{ "locations", NULL, CALLGATE_G_NLOCATIONS, AT(gateway, locations), F_U32 },
	{ "locations_max", NULL, CALLGATE_G_LOCATIONS, AT(gateway, locations_max), F_U32 },
	{ "transactions", NULL, CALLGATE_G_NTXNS, AT(gateway, txns), F_U32 },
	{ "transactions_max", NULL, CALLGATE_G_TXNS, AT(gateway, txns_max), F_U32 },
	{ "held", NULL, CALLGATE_G_NHELD, AT(gateway, held), F_U32 },
	{ "held_max", NULL, CALLGATE_G_HELD, AT(gateway, held_max), F_U32 },
	{ "held_bytes_max", NULL, CALLGATE_G_HELD_BYTES, AT(gateway, held_bytes_max), F_U32 },
	{ "memory", NULL, CALLGATE_G_MEMORY, AT(gateway, memory), F_U64 },
	{ "epoch", NULL, CALLGATE_G_EPOCH, AT(gateway, epoch), F_U64 },
	{ "rate", NULL, CALLGATE_G_RATE, AT(gateway, rate), F_U32 },
	{ "burst", NULL, CALLGATE_G_BURST, AT(gateway, burst), F_U32 },
	{ "heard", NULL, CALLGATE_G_HEARD, AT(gateway, heard), F_U32 },
	{ "take", take_names, CALLGATE_G_TAKE, AT(gateway, take), F_FLAGS },
	{ "methods", method_names, CALLGATE_G_METHODS, AT(gateway, methods), F_FLAGS },
};
const struct model model_gateway = MODEL(gateway_fields, gateway);

static const struct field gateway_socket_fields[] = {
	{ "id", NULL, CALLGATE_K_ID, AT(gateway_socket, id), F_U32 },
	{ "address", NULL, CALLGATE_K_LOCAL, AT(gateway_socket, local), F_ENDPOINT },
	{ "claimed", NULL, CALLGATE_K_CLAIMED, AT(gateway_socket, claimed), F_BOOL },
	{ "until", NULL, CALLGATE_K_UNTIL, AT(gateway_socket, until), F_TIME },
};
const struct model model_gateway_socket = MODEL(gateway_socket_fields, gateway_socket);

const char *model_name(const struct names *names, unsigned int value)
{
	return value < names->n && names->name[value] ? names->name[value] : "?";
}

uint8_t model_value(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (names->name[i] && !strcmp(names->name[i], name))
			return (uint8_t)i;
	return 0;
}

bool model_has(const struct model *model, const void *object, const char *name)
{
	uint64_t has = *(const uint64_t *)object;

	for (size_t i = 0; i < model->nfields; i++)
		if (!strcmp(model->fields[i].name, name))
			return has >> i & 1;
	return false;
}

static void list_free(const struct model *model, struct list *list)
{
	for (size_t i = 0; i < list->n; i++)
		model_free(model, (char *)list->items + i * model->size);
	free(list->items);
	*list = (struct list){ 0 };
}

void model_free(const struct model *model, void *object)
{
	for (size_t i = 0; i < model->nfields; i++) {
		const struct field *f = &model->fields[i];
		void *at = (char *)object + f->offset;

		if (f->type == F_STRING) {
			free(*(char **)at);
			*(char **)at = NULL;
		} else if (f->type == F_LIST) {
			list_free(f->more, at);
		} else if (f->type == F_NEST) {
			model_free(f->more, at);
		}
	}
	*(uint64_t *)object = 0;
}
