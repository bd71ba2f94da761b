/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Dates of HTTP (RFC 9110 section 5.6.7). Pure; no locale.
 */
#ifndef HTTAP_DATE_H
#define HTTAP_DATE_H

#include "httap/text.h"

#define DATE_SIZE 30 /* bytes of an IMF-fixdate with its final NUL */

/* "Sun, 06 Nov 1994 08:49:37 GMT", or "" for a year that does not have four digits. `seconds` since 1970. */
void date_format(char out[DATE_SIZE], int64_t seconds);

/* Reads that form and the two obsolete ones that a server must understand. False when it is none. A year of two digits is one
 * from 1970 to 2069. */
bool date_parse(struct span text, int64_t *seconds);

#endif
