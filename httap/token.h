/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Who knows the token: HTTP authentication (RFC 9110 section 11) by Bearer (RFC 6750) or by Basic (RFC 7617), where the token is the
 * password and the user's name is anything.
 */
#ifndef HTTAP_TOKEN_H
#define HTTAP_TOKEN_H

#include "httap/request.h"
#include "httapd_limits.h"

/* For each group of peers, when all its wrong tokens will be forgotten. Starts as all zero. */
struct guesses {
	int64_t forgotten[HTTAP_GUESSERS];
};

/* 0 when the request names the token, else the status to refuse with (401 or 429) and `*why`. A `known` one has named it before, and is
 * not kept out when others of his group guess. `peer`: whom a wrong token is counted against. */
int token_decide(struct guesses *guesses, const char *token, const struct request *request, const char *peer, bool known,
	int64_t now, const char **why);

/* May this be a token? HTTAP_TOKEN_MIN to HTTAP_TOKEN_MAX characters that both schemes can carry (token68, RFC 9110 section 11.2). */
bool token_is_good(const char *text);

#endif
