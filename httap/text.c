/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Spans of bytes, character classes and numbers. Never looks beyond a span's length, never uses the locale, and takes
 * every byte as unsigned: 0x80 to 0xff are no letters and no digits.
 */
#include "httap/text.h"

#include "httapd_limits.h"

#define T4(a, b, c, d) a, b, c, d
#define T16(a) T4(a, a, a, a), T4(a, a, a, a), T4(a, a, a, a), T4(a, a, a, a)

enum {
	S = TEXT_VALUE,               /* space and tab; bytes beyond ASCII */
	H = TEXT_VALUE | TEXT_TOKEN,  /* "#" */
	V = TEXT_VALUE | TEXT_TARGET, /* visible, not a tchar */
	K = V | TEXT_TOKEN,           /* tchar */
	N = K | TEXT_NAME,
	D = N | TEXT_DIGIT,
	A = N | TEXT_ALPHA,
	U = A | TEXT_UPPER,
};

/* clang-format off */
const unsigned char text_class_of[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, S, 0, 0, 0, 0, 0, 0,
	T16(0),
	/*   !  "  #  $  %  &  '  (  )  *  +  ,  -  .  / */
	S, K, V, H, K, K, K, K, V, V, K, K, V, K, K, V,
	/* 0 to 9, : ; < = > ? */
	D, D, D, D, D, D, D, D, D, D, V, V, V, V, V, V,
	/* @, A to O */
	V, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U,
	/* P to Z, [ \ ] ^ _ */
	U, U, U, U, U, U, U, U, U, U, U, V, V, V, K, N,
	/* `, a to o */
	K, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
	/* p to z, { | } ~ DEL */
	A, A, A, A, A, A, A, A, A, A, A, V, K, V, K, 0,
	T16(S), T16(S), T16(S), T16(S), T16(S), T16(S), T16(S), T16(S),
};
/* clang-format on */

static char lower(char c)
{
	return (c >= 'A' && c <= 'Z') ? (char)(c + ('a' - 'A')) : c;
}

int text_hex(char c)
{
	if (text_is_digit(c))
		return c - '0';
	c = lower(c);
	return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : -1;
}

bool span_begins(struct span span, const char *text)
{
	size_t len = strlen(text);

	return span.len >= len && memcmp(span.at, text, len) == 0;
}

bool span_is(struct span span, const char *text)
{
	return span.len == strlen(text) && span_begins(span, text);
}

bool span_is_all(struct span span, unsigned int classes)
{
	for (size_t i = 0; i < span.len; i++)
		if (!text_is(span.at[i], classes))
			return false;
	return true;
}

bool span_equal_nocase(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (a.at[i] != b.at[i] && lower(a.at[i]) != lower(b.at[i]))
			return false;
	return true;
}

bool span_is_nocase(struct span span, const char *text)
{
	return span_equal_nocase(span, span_of(text));
}

struct span span_trim(struct span span)
{
	while (span.len > 0 && (span.at[0] == ' ' || span.at[0] == '\t')) {
		span.at++;
		span.len--;
	}
	while (span.len > 0 && (span.at[span.len - 1] == ' ' || span.at[span.len - 1] == '\t'))
		span.len--;
	return span;
}

static void span_drop(struct span *span, size_t count)
{
	span->at += count;
	span->len -= count;
}

bool span_next(struct span *rest, char separator, struct span *element)
{
	if (rest->at == NULL)
		return false;
	const char *end = rest->len > 0 ? memchr(rest->at, separator, rest->len) : NULL;

	element->at = rest->at;
	if (end == NULL) {
		element->len = rest->len;
		*rest = (struct span){ NULL, 0 };
	} else {
		element->len = (size_t)(end - rest->at);
		span_drop(rest, element->len + 1);
	}
	return true;
}

bool span_is_one_of(struct span span, const char *words)
{
	struct span rest = span_of_any(words), word;

	while (span_word(&rest, &word))
		if (span_equal_nocase(span, word))
			return true;
	return false;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool span_word(struct span *rest, struct span *word)
{
	size_t start = 0, end;

	while (start < rest->len && is_space(rest->at[start]))
		start++;
	for (end = start; end < rest->len && !is_space(rest->at[end]);)
		end++;
	*word = (struct span){ rest->at + start, end - start };
	span_drop(rest, end);
	return word->len > 0;
}

bool text_number(struct span span, uint64_t max, uint64_t *number)
{
	uint64_t n = 0;

	if (span.len == 0)
		return false;
	for (size_t i = 0; i < span.len; i++) {
		if (!text_is_digit(span.at[i]))
			return false;
		uint64_t digit = (uint64_t)(span.at[i] - '0');
		if (digit > max || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*number = n;
	return true;
}

struct span text_digits(char digits[TEXT_DIGITS_MAX], uint64_t number)
{
	size_t at = TEXT_DIGITS_MAX;

	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	return (struct span){ digits + at, TEXT_DIGITS_MAX - at };
}

bool text_duration(struct span span, int64_t min, int64_t max, int64_t *duration)
{
	uint64_t number, unit = 1000000;

	if (span.len == 0 || span.at[--span.len] != 's')
		return false;
	if (span.len > 0 && span.at[span.len - 1] == 'm') {
		span.len--;
		unit = 1000;
	}
	if (!text_number(span, (uint64_t)max / unit, &number))
		return false;
	*duration = (int64_t)(number * unit);
	return *duration >= min;
}

long text_decode(char *out, struct span text)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c == '%') {
			int high = i + 2 < text.len ? text_hex(text.at[i + 1]) : -1;
			int low = i + 2 < text.len ? text_hex(text.at[i + 2]) : -1;
			if (high < 0 || low < 0)
				return -1;
			c = (char)(high * 16 + low);
			i += 2;
		}
		out[len++] = c;
	}
	return (long)len;
}

bool text_is_signal_name(struct span name)
{
	struct span part;

	if (name.len == 0 || name.len >= HTTAP_NAME_SIZE || text_is_digit(name.at[0]))
		return false;
	while (span_next(&name, '.', &part))
		if (part.len == 0 || !text_is(part.at[0], TEXT_UPPER | TEXT_DIGIT) || !span_is_all(part, TEXT_NAME))
			return false;
	return true;
}

size_t text_printable(char *out, size_t size, struct span span)
{
	size_t len = span.len < size - 1 ? span.len : size - 1;

	for (size_t i = 0; i < len; i++)
		out[i] = (span.at[i] >= 0x20 && span.at[i] < 0x7f) ? span.at[i] : '?';
	out[len] = '\0';
	return len;
}
