/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Spans of bytes, character classes and numbers: the only place that knows what a digit is. Pure; no locale.
 */
#ifndef HTTAP_TEXT_H
#define HTTAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Shortcuts that save time and cost code, and tokens: whether there are any; what few requests come through, which is made for size where
 * a module is made for speed. A library without files is one that has to be small. */
#ifdef HTTAP_SMALL
#define TOKENS 0
#define FAST 0
#define SELDOM
#define FAST_INLINE static inline
#else
#define TOKENS 1
#define FAST 1
#define SELDOM __attribute__((cold))
#define FAST_INLINE __attribute__((always_inline)) static inline
#endif

/* Bytes that belong to somebody else; not terminated. */
struct span {
	const char *at;
	size_t len;
};

/* The digits of a number that is a macro, as text. */
#define TEXT_OF(number) TEXT_OF_EXPANDED(number)
#define TEXT_OF_EXPANDED(number) #number

#define SPAN(literal) ((struct span)SPAN_INIT(literal))
#define SPAN_INIT(literal)                                                                                                       \
	{                                                                                                                        \
		literal, sizeof(literal) - 1                                                                                     \
	} /* where an initialiser must be constant */

static inline struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

/* Likewise; NULL is an empty one. */
static inline struct span span_of_any(const char *text)
{
	return span_of(text != NULL ? text : "");
}

/* What is behind the first bytes, which must be there. */
static inline struct span span_behind(struct span span, size_t bytes)
{
	return (struct span){ span.at + bytes, span.len - bytes };
}

bool span_is(struct span span, const char *text);     /* byte for byte */
bool span_begins(struct span span, const char *text); /* likewise, and anything may follow */
bool span_equal_nocase(struct span a, struct span b); /* ASCII letters of either case */
bool span_is_nocase(struct span span, const char *text);
bool span_is_one_of(struct span span, const char *words); /* likewise, of words with white space between them; NULL: none */

struct span span_trim(struct span span); /* without spaces and tabs at both ends (OWS, RFC 9110 section 5.6.3) */

/* Cuts the next element of a list off: up to the separator, which is dropped. False when nothing is left. */
bool span_next(struct span *rest, char separator, struct span *element);

/* Cuts the next word off text that is separated by white space. False when nothing is left. */
bool span_word(struct span *rest, struct span *word);

/* What a byte may be part of; a table, because these are asked for every byte of a request. */
enum {
	TEXT_TOKEN = 1,  /* tchar, RFC 9110 section 5.6.2 */
	TEXT_VALUE = 2,  /* HTAB, SP, VCHAR, obs-text: RFC 9110 section 5.5 */
	TEXT_TARGET = 4, /* printable ASCII without space and "#" */
	TEXT_DIGIT = 8,
	TEXT_ALPHA = 16,
	TEXT_UPPER = 32,
	TEXT_NAME = 64, /* letters, digits and "_" */
};

extern const unsigned char text_class_of[256] __attribute__((visibility("hidden")));

static inline bool text_is(char c, unsigned int classes)
{
	return (text_class_of[(unsigned char)c] & classes) != 0;
}

bool span_is_all(struct span span, unsigned int classes); /* every byte, also when there is none */

static inline bool text_is_digit(char c)
{
	return text_is(c, TEXT_DIGIT);
}

#define TEXT_DIGITS_MAX 20 /* of 64 bits */

int text_hex(char c); /* 0 to 15, or -1 */

/* Decimal digits and nothing else: no sign, no space, not empty, not over `max`. */
bool text_number(struct span span, uint64_t max, uint64_t *number);

/* The other way: what is returned lies in `digits`. */
struct span text_digits(char digits[TEXT_DIGITS_MAX], uint64_t number);

/* A time of `min` to `max` microseconds: decimal digits, then "ms" or "s". */
bool text_duration(struct span span, int64_t min, int64_t max, int64_t *duration);

/* Percent decoding, once and in place or to `out`, which needs no more room than `text`: two hexadecimal digits make a byte. The length of
 * what came out, or -1 when a percent sign stands without its digits. */
long text_decode(char *out, struct span text);

/* A signal's name: [A-Z][A-Za-z0-9_]*(\.[A-Z0-9][A-Za-z0-9_]*)*, at most HTTAP_NAME_SIZE - 1 bytes. */
bool text_is_signal_name(struct span name);

/* Copies what is printable ASCII and puts "?" for every other byte; always terminated. How many bytes. For logs and messages. */
size_t text_printable(char *out, size_t size, struct span span);

#endif
