/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Writes JSON. Whatever bytes a name holds, what comes out is a valid string: control characters and everything beyond ASCII are
 * escaped, the latter byte by byte, since nobody says that kernel names are UTF-8.
 */
#include "httap/json.h"

#include <stdio.h>
#include <string.h>

/* Where they are not put in place. */
extern inline void json_begin(struct httap_json *json, char *out, size_t size);
extern inline void json_raw(struct httap_json *json, struct span text);
extern inline void json_open(struct httap_json *json);
extern inline void json_close(struct httap_json *json);

void json_put(struct httap_json *json, const char *text)
{
	json_raw(json, span_of(text));
}

static void put_escaped(struct httap_json *json, char c)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char byte = (unsigned char)c;
	char text[6] = { '\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15] };
	size_t len = sizeof(text);

	if (c == '"' || c == '\\') {
		text[1] = c;
		len = 2;
	} else if (byte >= 0x20 && byte < 0x7f && c != '<') { /* "<": harmless even inside a script element */
		text[0] = c;
		len = 1;
	}
	json_raw(json, (struct span){ text, len });
}

void json_string(struct httap_json *json, struct span text)
{
	json_put(json, "\"");
	for (size_t i = 0; i < text.len; i++)
		put_escaped(json, text.at[i]);
	json_put(json, "\"");
}

void json_digits(struct httap_json *json, int64_t number)
{
	char digits[TEXT_DIGITS_MAX];

	if (number < 0)
		json_put(json, "-");
	json_raw(json, text_digits(digits, number < 0 ? 0 - (uint64_t)number : (uint64_t)number));
}

void json_milliseconds(struct httap_json *json, int64_t microseconds)
{
	char fraction[8];

	json_digits(json, microseconds / 1000);
	(void)snprintf(fraction, sizeof(fraction), ".%03u", (unsigned int)(microseconds % 1000) & 1023);
	json_put(json, fraction);
}

void json_name(struct httap_json *json, struct span name)
{
	if (json->comma)
		json_put(json, ",");
	json_string(json, name);
	json_put(json, ":");
	json->comma = true;
}

void json_digit(struct httap_json *json, struct span name, uint8_t value)
{
	char *at = json->out + json->len;

	if (name.len + sizeof(",\"\":1") - 1 > json->size - json->len) {
		json->overflow = true;
		return;
	}
	if (json->comma)
		*at++ = ',';
	*at++ = '"';
	memcpy(at, name.at, name.len);
	at += name.len;
	*at++ = '"';
	*at++ = ':';
	*at++ = (char)('0' + value);
	json->len = (size_t)(at - json->out);
	json->comma = true;
}

void httap_json_text(struct httap_json *json, const char *name, const char *text)
{
	json_name(json, span_of(name));
	if (text == NULL)
		json_put(json, "null");
	else
		json_string(json, span_of(text));
}

void httap_json_number(struct httap_json *json, const char *name, int64_t number)
{
	json_name(json, span_of(name));
	json_digits(json, number);
}

void httap_json_bool(struct httap_json *json, const char *name, bool value)
{
	json_name(json, span_of(name));
	json_put(json, value ? "true" : "false");
}
