/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Conditions and codings. A field that can't be read is as good as none.
 */
#include "httap/match.h"

#include "httap/date.h"

/* Cuts the next tag off a list, its W/ into `*weak`. A comma may stand within the quotes. False at the end, and at what is no tag. */
static bool take_etag(struct span *rest, struct span *tag, bool *weak)
{
	const char *end;

	while (rest->len > 0 && (rest->at[0] == ',' || rest->at[0] == ' ' || rest->at[0] == '\t'))
		*rest = span_behind(*rest, 1);
	*weak = span_begins(*rest, "W/");
	if (*weak)
		*rest = span_behind(*rest, 2);
	if (rest->len < 2 || rest->at[0] != '"' || (end = memchr(rest->at + 1, '"', rest->len - 1)) == NULL)
		return false;
	*tag = (struct span){ rest->at, (size_t)(end + 1 - rest->at) };
	*rest = span_behind(*rest, tag->len);
	return true;
}

bool match_etag(struct span list, const char *etag, bool strong)
{
	struct span own = span_of(etag), tag;
	bool own_weak, weak, found = false;
	const char *own_tag;

	if (span_is(list, "*"))
		return true;
	if (!take_etag(&own, &tag, &own_weak))
		return false; /* never: ours is one */
	own_tag = tag.at;
	while (!found && take_etag(&list, &tag, &weak))
		found = span_is(tag, own_tag) && !(strong && (weak || own_weak));
	return found;
}

int match_conditions(const struct request *request, const struct validator *validator)
{
	const struct span *field = request->field;
	int64_t date;

	if (field[FIELD_IF_MATCH].at != NULL) {
		if (!match_etag(field[FIELD_IF_MATCH], validator->etag, true))
			return 412;
	} else if (date_parse(field[FIELD_IF_UNMODIFIED_SINCE], &date) && validator->modified > date) {
		return 412;
	}
	if (field[FIELD_IF_NONE_MATCH].at != NULL)
		return match_etag(field[FIELD_IF_NONE_MATCH], validator->etag, false) ? 304 : 200;
	return date_parse(field[FIELD_IF_MODIFIED_SINCE], &date) && validator->modified <= date ? 304 : 200;
}

bool match_if_range(struct span if_range, const struct validator *validator)
{
	int64_t date;

	if (if_range.at == NULL)
		return true;
	if (date_parse(if_range, &date))
		return validator->settled && date == validator->modified;
	return !span_is(if_range, "*") && match_etag(if_range, validator->etag, true);
}

/* A weight in thousandths; what is none is 0: not acceptable. */
static unsigned int weight(struct span text)
{
	struct span whole, digits = text;
	uint64_t thousandths = 0;

	if (!span_next(&digits, '.', &whole) || digits.len > 3 || (digits.len > 0 && !text_number(digits, 999, &thousandths)))
		return 0;
	for (size_t i = digits.len; i < 3; i++)
		thousandths *= 10;
	if (span_is(whole, "1"))
		return thousandths == 0 ? 1000 : 0;
	return span_is(whole, "0") ? (unsigned int)thousandths : 0;
}

/* The weight of one element of the list, CODING;q=WEIGHT; 1 without one. */
static unsigned int element_weight(struct span parameters)
{
	struct span parameter, value;

	while (span_next(&parameters, ';', &parameter)) {
		value = span_trim(parameter);
		if (value.len > 1 && (value.at[0] == 'q' || value.at[0] == 'Q') && value.at[1] == '=')
			return weight(span_behind(value, 2));
	}
	return 1000;
}

bool match_gzip(struct span accept_encoding)
{
	int gzip = -1, identity = -1, any = -1; /* -1: not named */
	struct span element, coding;

	while (span_next(&accept_encoding, ',', &element)) {
		(void)span_next(&element, ';', &coding);
		coding = span_trim(coding);
		int wanted = (int)element_weight(element);
		if (span_is_nocase(coding, "gzip") || span_is_nocase(coding, "x-gzip"))
			gzip = wanted;
		else if (span_is_nocase(coding, "identity"))
			identity = wanted;
		else if (span_is(coding, "*"))
			any = wanted;
	}
	if (gzip < 0)
		gzip = any;
	return gzip > 0 && gzip >= identity;
}
