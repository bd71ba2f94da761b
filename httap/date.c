/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Dates of HTTP: one form to write, three to read. Years and months are counted by the C library; names are written here,
 * because its own depend on a locale that belongs to the program.
 */
#if defined(_FILE_OFFSET_BITS) && !defined(_TIME_BITS)
#define _TIME_BITS 64 /* dates until 9999 also where time_t has 32 bits, as in Debian 12 for armhf (feature_test_macros(7)) */
#endif
#include "httap/date.h"

#include <string.h>
#include <time.h>

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void date_format(char out[DATE_SIZE], int64_t seconds)
{
	time_t time = (time_t)seconds;
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&time, &tm) == NULL || tm.tm_year < 1000 - 1900 || tm.tm_year > 9999 - 1900)
		return;
	(void)strftime(out, DATE_SIZE, "day, %d mon %Y %H:%M:%S GMT", &tm); /* fits: the year has four digits */
	memcpy(out, days + (ptrdiff_t)tm.tm_wday * 3, 3);
	memcpy(out + strlen("day, dd "), months + (ptrdiff_t)tm.tm_mon * 3, 3);
}

/* Cuts off so many digits; one more may be a space instead of the first. */
static bool take_number(struct span *text, size_t digits, bool padded, int *number)
{
	struct span part = { text->at, digits };
	uint64_t value;

	if (text->len < digits)
		return false;
	if (padded && part.at[0] == ' ')
		part = span_behind(part, 1);
	if (!text_number(part, 9999, &value))
		return false;
	*number = (int)value;
	*text = span_behind(*text, digits);
	return true;
}

/* Cuts off one of the names of three letters. */
static bool take_name(struct span *text, const char *names, int *index)
{
	for (*index = 0; text->len >= 3 && *names != '\0'; ++*index, names += 3)
		if (memcmp(text->at, names, 3) == 0) {
			*text = span_behind(*text, 3);
			return true;
		}
	return false;
}

static bool take_long_day(struct span *text)
{
	static const char *const ends[] = { "day", "sday", "nesday", "rsday", "urday" }; /* of Sun, Tue, Wed, Thu, Sat */
	int day;

	if (!take_name(text, days, &day))
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (span_begins(*text, ends[i])) {
			*text = span_behind(*text, strlen(ends[i]));
			return true;
		}
	return false;
}

static bool take_part(struct span *text, char part, struct tm *tm)
{
	int day;

	switch (part) {
	case 'w':
		return take_name(text, days, &day);
	case 'W':
		return take_long_day(text);
	case 'd':
		return take_number(text, 2, false, &tm->tm_mday);
	case '_':
		return take_number(text, 2, true, &tm->tm_mday);
	case 'b':
		return take_name(text, months, &tm->tm_mon);
	case 'y':
		return take_number(text, 2, false, &tm->tm_year);
	case 'Y':
		return take_number(text, 4, false, &tm->tm_year);
	case 'h':
		return take_number(text, 2, false, &tm->tm_hour);
	case 'm':
		return take_number(text, 2, false, &tm->tm_min);
	case 's':
		return take_number(text, 2, false, &tm->tm_sec);
	default:
		return false;
	}
}

/* In a form, "%" and a letter stand for a part, all else for itself. */
static bool parse_as(const char *form, struct span text, struct tm *tm)
{
	*tm = (struct tm){ .tm_year = -1 };
	for (; *form != '\0'; form++) {
		if (*form == '%') {
			if (!take_part(&text, *++form, tm))
				return false;
		} else {
			if (text.len == 0 || text.at[0] != *form)
				return false;
			text = span_behind(text, 1);
		}
	}
	return text.len == 0;
}

bool date_parse(struct span text, int64_t *seconds)
{
	struct tm tm, same;

	if (parse_as("%W, %d-%b-%y %h:%m:%s GMT", text, &tm))
		tm.tm_year += tm.tm_year < 70 ? 100 : 0;
	else if (parse_as("%w, %d %b %Y %h:%m:%s GMT", text, &tm) || parse_as("%w %b %_ %h:%m:%s %Y", text, &tm))
		tm.tm_year -= 1900;
	else
		return false;
	/* What the calendar has not would be taken for a moment that it has. A leap second counts as the one before it. */
	tm.tm_sec -= tm.tm_sec == 60;
	same = tm;
	*seconds = (int64_t)timegm(&same);
	return same.tm_mday == tm.tm_mday && same.tm_hour == tm.tm_hour && same.tm_min == tm.tm_min && same.tm_sec == tm.tm_sec;
}
