/* SPDX-License-Identifier: BSD-2-Clause */
/* json: the structures of model.h as JSON, by their tables. */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>
#include "model.h"

/* An object with all fields that are there. */
json_t *json_model(const struct model *model, const void *object);
json_t *json_endpoint(const struct endpoint *e);
/* Cleaned (text.h). */
json_t *json_text(const char *s);
/* Prints in lines, or in one line when @compact; frees. */
void json_print(json_t *j, bool compact);

#endif
