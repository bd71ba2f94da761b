/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Writes JSON (RFC 8259) into a buffer of fixed size.
 */
#ifndef HTTAP_JSON_H
#define HTTAP_JSON_H

#include "httap/httap.h"
#include "httap/text.h"

struct httap_json {
	char *out;
	size_t size;
	size_t len;
	bool comma;    /* the next member needs one before it */
	bool overflow; /* something did not fit and was left out: the text is no JSON */
};

inline void json_begin(struct httap_json *json, char *out, size_t size)
{
	*json = (struct httap_json){ .out = out, .size = size };
}

inline void json_raw(struct httap_json *json, struct span text)
{
	if (text.len > json->size - json->len) {
		json->overflow = true;
		return;
	}
	memcpy(json->out + json->len, text.at, text.len);
	json->len += text.len;
}

void json_string(struct httap_json *json, struct span text);
void json_digits(struct httap_json *json, int64_t number);
void json_milliseconds(struct httap_json *json, int64_t microseconds); /* "5012.250", not below 0 */

void json_put(struct httap_json *json, const char *text); /* as it is */

/* { */
inline void json_open(struct httap_json *json)
{
	json_raw(json, SPAN("{"));
	json->comma = false;
}

/* } */
inline void json_close(struct httap_json *json)
{
	json_raw(json, SPAN("}"));
	json->comma = true;
}
/* A member whose name needs no escaping, such as a signal's; the value is one digit. */
void json_digit(struct httap_json *json, struct span name, uint8_t value);
void json_name(struct httap_json *json, struct span name); /* the comma before a member where one is due, and "name": */

#endif
