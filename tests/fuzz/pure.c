/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Targets without a state: what reads bytes, and what is always true of what comes out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gpio/gpio.h"
#include "httap/date.h"
#include "httap/frame.h"
#include "httap/guard.h"
#include "httap/host.h"
#include "httap/match.h"
#include "httap/range.h"
#include "httap/request.h"
#include "httap/target.h"
#include "httap/token.h"
#include "httapd_limits.h"
#include "tests/fuzz/fuzz.h"

bool fuzz_is_sentence(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~')
			return false;
	return len > 0;
}

static bool is_refusal(int status)
{
	return status >= 400 && status <= 599;
}

static bool lies_in(struct span part, const char *bytes, size_t len)
{
	return part.at == NULL ? part.len == 0 : part.at >= bytes && part.at + part.len <= bytes + len;
}

/* Bytes up to the first line end, or up to the separator that the targets below use between two of their arguments. */
static struct span cut(struct span *rest, char separator)
{
	struct span part;

	if (!span_next(rest, separator, &part))
		part = (struct span){ rest->at, 0 };
	return part;
}

/* --- Heads and bodies ----------------------------------------------------------------------------------------------- */

/* A head's end does not depend on the pieces in which it came. */
static long find_end(const char *bytes, size_t len)
{
	size_t scanned = 0, scanned_at_once = 0;
	long at_once = request_find_end(bytes, len, &scanned_at_once), end = 0;
	size_t step = 1 + len / 7;

	always(at_once >= -1 && at_once <= (long)len);
	for (size_t have = 0; have < len && end == 0;) {
		have = len - have > step ? have + step : len;
		end = request_find_end(bytes, have, &scanned);
	}
	always(end == at_once);
	return at_once;
}

static bool read_head(struct request *request, const char *bytes, size_t len, size_t *head_len)
{
	long end = find_end(bytes, len);
	const char *why = NULL;

	if (end <= 0)
		return false;
	*head_len = (size_t)end;
	int status = request_parse(request, bytes, *head_len, &why);
	always(lies_in(request->target, bytes, *head_len));
	always(lies_in(request->method_text, bytes, *head_len));
	if (status != 0) {
		always(is_refusal(status) && fuzz_is_sentence(why));
		return false;
	}
	always(request->minor <= 1);
	always(request->target.len > 0 && request->method_text.len > 0);
	for (int i = 0; i < FIELD_COUNT; i++) {
		always(lies_in(request->field[i], bytes, *head_len));
		always(span_is_all(request->field[i], TEXT_VALUE));
	}
	return true;
}

void fuzz_head(const uint8_t *bytes, size_t len)
{
	struct request request;
	size_t head_len;

	(void)read_head(&request, (const char *)bytes, len, &head_len);
}

/* Decodes a copy in pieces of that size. What came of it, and its length; -1: refused, -2: more is needed. */
static long decode_in_pieces(const char *bytes, size_t len, size_t piece, char *out, size_t *taken)
{
	struct chunks chunks = { 0 };
	char *copy = malloc(len > 0 ? len : 1);
	size_t from = 0, put = 0;
	int result = 0;

	always(copy != NULL);
	memcpy(copy, bytes, len);
	while (result == 0 && from < len) {
		size_t part = len - from < piece ? len - from : piece, used = 0;
		const char *why = NULL;
		result = chunks_decode(&chunks, copy + from, &part, &used, &why);
		always(used <= len - from && part <= used);
		if (result > 1) {
			always(is_refusal(result) && fuzz_is_sentence(why));
			break;
		}
		memcpy(out + put, copy + from, part);
		put += part;
		from += used;
		always(result == 1 || used > 0);
	}
	free(copy);
	*taken = from;
	always(result > 1 || put <= HTTAP_BODY_MAX);
	return result == 1 ? (long)put : result == 0 ? -2 : -1;
}

void fuzz_body(const uint8_t *bytes, size_t len)
{
	static char once[FUZZ_INPUT_MAX], bytewise[FUZZ_INPUT_MAX];
	struct request request;
	struct frame frame;
	size_t head_len, taken, taken_bytewise;
	const char *why = NULL;

	if (len > FUZZ_INPUT_MAX || !read_head(&request, (const char *)bytes, len, &head_len))
		return;
	int status = frame_decide(&request, &frame, &why);
	if (status != 0) {
		always(is_refusal(status) && fuzz_is_sentence(why));
		return;
	}
	/* Two lengths in one head are how requests are smuggled. */
	always(request.field[FIELD_CONTENT_LENGTH].at == NULL || request.field[FIELD_TRANSFER_ENCODING].at == NULL);
	always(frame.framing != FRAME_LENGTH || frame.length <= HTTAP_BODY_MAX);
	always((frame.framing == FRAME_CHUNKED) == (request.field[FIELD_TRANSFER_ENCODING].at != NULL));
	if (frame.framing != FRAME_CHUNKED)
		return;
	const char *body = (const char *)bytes + head_len;
	size_t body_len = len - head_len;
	long result = decode_in_pieces(body, body_len, body_len, once, &taken);
	always(decode_in_pieces(body, body_len, 1, bytewise, &taken_bytewise) == result);
	always(result < 0 || (taken == taken_bytewise && memcmp(once, bytewise, (size_t)result) == 0));
}

/* --- Targets --------------------------------------------------------------------------------------------------------- */

/* The first byte chooses the method, the others are the target as a request line has it. */
void fuzz_target(const uint8_t *bytes, size_t len)
{
	static struct target target;
	struct request request = { .method = METHOD_GET };
	const char *why = NULL;

	if (len < 1)
		return;
	request.method = (enum method)(METHOD_GET + bytes[0] % 5);
	request.target = (struct span){ (const char *)bytes + 1, len - 1 };
	if (request.target.len == 0 || !span_is_all(request.target, TEXT_TARGET))
		return;
	int status = target_parse(&target, &request, &why);
	if (status != 0) {
		always(is_refusal(status) && fuzz_is_sentence(why));
		return;
	}
	always(target.len <= HTTAP_TARGET_MAX && target.text[target.len] == '\0');
	always(lies_in(target.host, request.target.at, request.target.len));
	switch (target.domain) {
	case DOMAIN_SWITCH:
		always(target.len == 1 && (target.text[0] == '0' || target.text[0] == '1'));
		break;
	case DOMAIN_ASTERISK:
		always(request.method == METHOD_OPTIONS);
		break;
	case DOMAIN_DYNAMIC:
		break;
	case DOMAIN_STATIC:
		/* Nothing that a file system reads otherwise: no way up, no hidden name, no second name of the same file. */
		always(strlen(target.text) == target.len);
		always(target.text[0] != '/' && target.text[0] != '.');
		always(strstr(target.text, "/.") == NULL && strstr(target.text, "//") == NULL);
		break;
	}
}

/* Host names and origins, and lists of them as in the configuration. */
void fuzz_host(const uint8_t *bytes, size_t len)
{
	struct span text = { (const char *)bytes, len };
	struct host host;

	for (int origin = 0; origin < 2; origin++) {
		if (!(origin ? origin_parse(&host, text) : host_parse(&host, text)))
			continue;
		always(host.name.len > 0 && lies_in(host.name, text.at, len));
		always(host.port <= 65535 && (!origin || host.port > 0));
		always(host_equal(&host, &host));
		always(!span_begins(host.name, ".") && !span_begins(host.name, "["));
	}
	char *terminated = malloc(len + 1);
	always(terminated != NULL);
	memcpy(terminated, bytes, len);
	terminated[len] = '\0';
	(void)guard_is_host_list(terminated);
	(void)guard_is_origin_list(terminated);
	free(terminated);
}

/* A value of Authorization: is it let in for no other reason than that it has the token in it, itself or in base64? */
void fuzz_token(const uint8_t *bytes, size_t len)
{
	static const char token[] = "0123456789abcdef";
	struct request request = { .field[FIELD_AUTHORIZATION] = { (const char *)bytes, len } };
	struct guesses guesses = { { 0 } };
	const char *why = NULL;
	int status = token_decide(&guesses, token, &request, "127.0.0.1", false, 0, &why);

	always(status == 0 || (status == 401 && fuzz_is_sentence(why)));
	for (int i = 0; status != 0 && i < HTTAP_GUESSES; i++)
		always(token_decide(&guesses, token, &request, "127.0.0.1", false, 0, &why) == (i < HTTAP_GUESSES - 1 ? 401 : 429));
	if (status == 0 && memmem(bytes, len, token, sizeof(token) - 1) == NULL)
		always(len >= sizeof(token) / 3 * 4 && strncasecmp((const char *)bytes, "Basic ", 6) == 0);
}

/* --- Files ----------------------------------------------------------------------------------------------------------- */

/* The size of the file in decimal digits, a line end, the field. */
void fuzz_range(const uint8_t *bytes, size_t len)
{
	struct span rest = { (const char *)bytes, len }, number = cut(&rest, '\n');
	struct range range = { 0 };
	uint64_t size;

	if (!text_number(number, INT64_MAX, &size))
		return;
	switch (range_parse(rest, size, &range)) {
	case 206:
		always(range.length > 0 && range.first < size && range.length <= size - range.first);
		break;
	case 416:
	case 200:
		break;
	default:
		always(false); /* no other answer */
	}
}

/* If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range, Accept-Encoding: a line each. */
void fuzz_conditions(const uint8_t *bytes, size_t len)
{
	static const enum field fields[] = { FIELD_IF_MATCH, FIELD_IF_NONE_MATCH, FIELD_IF_MODIFIED_SINCE,
		FIELD_IF_UNMODIFIED_SINCE, FIELD_IF_RANGE, FIELD_ACCEPT_ENCODING };
	static const struct validator strong = { "\"1-2\"", 784111777, true }, weak = { "W/\"1-2\"", 784111777, false };
	struct span rest = { (const char *)bytes, len };
	struct request request = { .method = METHOD_GET };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct span line = cut(&rest, '\n');
		if (line.len > 0)
			request.field[fields[i]] = line;
	}
	int status = match_conditions(&request, &strong);
	always(status == 200 || status == 304 || status == 412);
	status = match_conditions(&request, &weak);
	/* No weak tag is equal to any in a strong comparison, which is If-Match's. */
	always(request.field[FIELD_IF_MATCH].at == NULL || span_is(span_trim(request.field[FIELD_IF_MATCH]), "*") ||
		status == 412);
	always(request.field[FIELD_IF_RANGE].at == NULL || !match_if_range(request.field[FIELD_IF_RANGE], &weak));
	(void)match_if_range(request.field[FIELD_IF_RANGE], &strong);
	(void)match_gzip(request.field[FIELD_ACCEPT_ENCODING]);
}

void fuzz_date(const uint8_t *bytes, size_t len)
{
	char written[DATE_SIZE];
	int64_t seconds, again;

	if (!date_parse((struct span){ (const char *)bytes, len }, &seconds))
		return;
	date_format(written, seconds);
	if (seconds < INT64_C(-30610224000)) { /* the year 1000 */
		always(written[0] == '\0');
		return;
	}
	always(strlen(written) == DATE_SIZE - 1);
	always(date_parse(span_of(written), &again) && again == seconds);
}

/* --- HTTAP_LINES ------------------------------------------------------------------------------------------------------- */

void fuzz_lines(const uint8_t *bytes, size_t len)
{
	static struct gpio_specs specs;
	struct gpio_error error = { .text = "" };
	char *text = malloc(len + 1);

	always(text != NULL);
	memcpy(text, bytes, len);
	text[len] = '\0';
	int result = gpio_specs_parse(&specs, text, &error);
	free(text);
	if (result != 0) {
		always(fuzz_is_sentence(error.text));
		return;
	}
	always(specs.count <= GPIO_LINES_MAX);
	for (size_t i = 0; i < specs.count; i++) {
		const struct gpio_spec *spec = &specs.spec[i];
		always(text_is_signal_name(span_of(spec->name)));
		for (size_t j = 0; j < i; j++)
			always(strcmp(specs.spec[j].name, spec->name) != 0);
		always(spec->failsafe == 0 ||
			(spec->failsafe >= GPIO_FAILSAFE_MIN_MS * 1000 && spec->failsafe <= GPIO_FAILSAFE_MAX_MS * 1000));
		always(spec->max_on >= 0 && spec->max_on <= INT64_C(1000) * GPIO_MAX_ON_MAX_MS);
		always(spec->dead_time >= 0 && spec->dead_time <= GPIO_DEAD_TIME_MAX_MS * 1000);
		always(spec->debounce >= 0 && spec->debounce <= GPIO_DEBOUNCE_MAX_MS * 1000);
		/* What guards an output is nothing for an input, and the other way round. */
		always(spec->direction == GPIO_OUTPUT ? spec->debounce == 0
						      : spec->failsafe == 0 && spec->max_on == 0 && spec->interlock[0] == '\0');
		/* A motor does not begin, nor end, by moving. */
		always(spec->failsafe == 0 || spec->safe != GPIO_KEEP);
	}
}
