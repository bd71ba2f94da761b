/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Dates of HTTP. Years and months are counted by the C library; names are written here, because its own depend on a locale that
 * belongs to the program.
 */
#include "httap/date.h"

#include <string.h>
#include <time.h>

const char date_days[] = "SunMonTueWedThuFriSat";
const char date_months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void date_format(char out[DATE_SIZE], int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&time, &tm) == NULL || tm.tm_year < 1000 - 1900 || tm.tm_year > 9999 - 1900)
		return;
	(void)strftime(out, DATE_SIZE, "day, %d mon %Y %H:%M:%S GMT", &tm); /* fits: the year has four digits */
	memcpy(out, date_days + (ptrdiff_t)tm.tm_wday * 3, 3);
	memcpy(out + strlen("day, dd "), date_months + (ptrdiff_t)tm.tm_mon * 3, 3);
}
