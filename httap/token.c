/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Who knows the token, and how often others may guess it. No I/O, no clock of its own.
 */
#include "httap/token.h"

#include <string.h>

static bool is_token68(char c)
{
	return text_is(c, TEXT_ALPHA | TEXT_DIGIT) || (c != '\0' && strchr("-._~+/", c) != NULL);
}

bool token_is_good(const char *text)
{
	size_t len = strlen(text), letters = 0;

	while (is_token68(text[letters]))
		letters++;
	return len >= HTTAP_TOKEN_MIN && len <= HTTAP_TOKEN_MAX && letters >= HTTAP_TOKEN_MIN &&
		letters + strspn(text + letters, "=") == len;
}

static int base64_digit(char c)
{
	if (text_is(c, TEXT_UPPER))
		return c - 'A';
	if (text_is(c, TEXT_ALPHA))
		return c - 'a' + 26;
	if (text_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Base64 (RFC 4648 section 4), its padding may be left out. False when it is none, or too long for `out`. */
static bool decode(char out[HTTAP_CREDENTIALS_MAX], struct span text, struct span *decoded)
{
	unsigned int bits = 0, count = 0;

	*decoded = (struct span){ out, 0 };
	while (text.len > 0 && text.at[text.len - 1] == '=')
		text.len--;
	if (text.len > (size_t)HTTAP_CREDENTIALS_MAX / 3 * 4)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		int digit = base64_digit(text.at[i]);
		if (digit < 0)
			return false;
		bits = bits << 6 | (unsigned int)digit;
		count += 6;
		if (count >= 8)
			out[decoded->len++] = (char)(bits >> (count -= 8) & 0xff);
	}
	return true;
}

/* What the request says is the token; at == NULL: nothing that can be read. */
static struct span read_credentials(char decoded[HTTAP_CREDENTIALS_MAX], struct span field)
{
	const struct span none = { NULL, 0 };
	struct span scheme, user, pair;

	if (!span_next(&field, ' ', &scheme) || field.at == NULL)
		return none;
	field = span_trim(field);
	if (span_is_nocase(scheme, "Bearer"))
		return field;
	if (!span_is_nocase(scheme, "Basic") || !decode(decoded, field, &pair) || !span_next(&pair, ':', &user))
		return none;
	return pair;
}

/* Takes as long for one wrong token as for any other of its length, so that no time tells how much of it was right. */
static bool is_equal(const char *token, struct span said)
{
	size_t len = strlen(token);
	volatile unsigned char differs = said.len != len;

	for (size_t i = 0; i < said.len; i++)
		differs |= (unsigned char)(said.at[i] ^ token[i % len]);
	return differs == 0;
}

/* Peers share a place now and then: then they share its guesses. FNV-1a. */
static int64_t *find_place(struct guesses *guesses, const char *peer)
{
	uint32_t hash = 2166136261U;

	for (; *peer != '\0'; peer++)
		hash = (hash ^ (unsigned char)*peer) * 16777619U;
	return &guesses->forgotten[hash % HTTAP_GUESSERS];
}

int token_decide(struct guesses *guesses, const char *token, const struct request *request, const char *peer, bool known,
	int64_t now, const char **why)
{
	struct span field = request->field[FIELD_AUTHORIZATION];
	int64_t *forgotten = find_place(guesses, peer);
	char decoded[HTTAP_CREDENTIALS_MAX];

	*why = "this needs the token of this server; send it as a bearer token, or as the password of any user";
	if (field.at == NULL)
		return 401;
	*why = "there were too many wrong tokens from this address; try again in a second";
	if (!known && *forgotten - now > (HTTAP_GUESSES - 1) * HTTAP_GUESS_US)
		return 429;
	*why = "this is not the token of this server";
	if (is_equal(token, read_credentials(decoded, field)))
		return 0;
	*forgotten = (*forgotten > now ? *forgotten : now) + HTTAP_GUESS_US;
	return 401;
}
