/* SPDX-License-Identifier: BSD-2-Clause */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

json_t *json_text(const char *s)
{
	char *copy = strdup(s ? s : "");
	json_t *j = json_string(text_clean(copy));

	free(copy);
	return j;
}

json_t *json_endpoint(const struct endpoint *e)
{
	char buf[TEXT_ENDPOINT];

	return json_string(text_endpoint(e, buf));
}

static json_t *json_flags(const char *const *names, uint32_t flags)
{
	json_t *list = json_array();

	for (; *names; names++, flags >>= 1)
		if (flags & 1)
			json_array_append_new(list, json_string(*names));
	return list;
}

static json_t *json_list(const struct model *model, const struct list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n; i++)
		json_array_append_new(array, json_model(model, (const char *)list->items +
							       i * model->size));
	return array;
}

static json_t *json_proto(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_UDP: return json_string("udp");
	case IPPROTO_TCP: return json_string("tcp");
	default: return json_integer(proto);
	}
}

static json_t *json_time(uint64_t boot_ms)
{
	char buf[TEXT_TIME];

	return boot_ms ? json_string(text_rfc3339_boot(boot_ms, buf)) : json_null();
}

static json_t *json_field(const struct field *f, const void *at)
{
	char prefix[TEXT_ENDPOINT];
	char buf[TEXT_TIME];

	switch (f->type) {
	case F_U8: return json_integer(*(const uint8_t *)at);
	case F_U16: return json_integer(*(const uint16_t *)at);
	case F_U32: return json_integer(*(const uint32_t *)at);
	case F_U64: return json_integer((json_int_t)*(const uint64_t *)at);
	case F_BOOL: return json_boolean(*(const uint8_t *)at);
	case F_TIME: return json_time(*(const uint64_t *)at);
	case F_REAL: return json_string(text_rfc3339(*(const uint64_t *)at, buf));
	case F_STRING: return json_text(*(char *const *)at);
	case F_ENDPOINT: return json_endpoint(at);
	case F_PREFIX: return json_string(text_prefix(at, prefix));
	case F_ENUM: return json_string(model_name(f->more, *(const uint8_t *)at));
	case F_FLAGS: return json_flags(f->more, *(const uint32_t *)at);
	case F_PROTO: return json_proto(*(const uint8_t *)at);
	case F_LIST: return json_list(f->more, at);
	case F_NEST: return json_model(f->more, at);
	}
	return json_null();
}

json_t *json_model(const struct model *model, const void *object)
{
	uint64_t has = *(const uint64_t *)object;
	json_t *j = json_object();

	for (size_t i = 0; i < model->nfields; i++) {
		const struct field *f = &model->fields[i];

		if (has >> i & 1)
			json_object_set_new(j, f->name, json_field(f, (const char *)object +
								      f->offset));
	}
	return j;
}

void json_print(json_t *j, bool compact)
{
	json_dumpf(j, stdout, compact ? JSON_COMPACT : JSON_INDENT(2));
	putchar('\n');
	fflush(stdout);
	json_decref(j);
}
