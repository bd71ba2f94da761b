/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/frame.c: the verdict over every combination of Content-Length, Transfer-Encoding, version and Expect.
 */
#include <stdio.h>

#include "httap/frame.h"
#include "httapd_limits.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

#define ABSENT { NULL, 0 }

static const struct length_row {
	struct span text;
	int status;
	size_t length;
} length_rows[] = {
	{ ABSENT, 0, 0 },
	{ BYTES("0"), 0, 0 },
	{ BYTES("1"), 0, 1 },
	{ BYTES("0010"), 0, 10 },
	{ BYTES("0000000000000000001"), 0, 1 }, /* 19 digits */
	{ BYTES("4096"), 0, HTTAP_BODY_MAX },
	{ BYTES("4097"), 413, 0 },
	{ BYTES("9223372036854775807"), 413, 0 },
	{ BYTES("00000000000000000001"), 400, 0 }, /* 20 digits */
	{ BYTES("99999999999999999999"), 400, 0 },
	{ BYTES("18446744073709551617"), 400, 0 }, /* 2^64 + 1 */
	{ BYTES(""), 400, 0 },
	{ BYTES("-1"), 400, 0 },
	{ BYTES("-0"), 400, 0 },
	{ BYTES("+1"), 400, 0 },
	{ BYTES("0x1"), 400, 0 },
	{ BYTES("1Z"), 400, 0 },
	{ BYTES("007x"), 400, 0 },
	{ BYTES("1,1"), 400, 0 },
	{ BYTES("1, 1"), 400, 0 },
	{ BYTES("1 1"), 400, 0 },
	{ BYTES("1_0"), 400, 0 },
	{ BYTES("1e1"), 400, 0 },
	{ BYTES("1.0"), 400, 0 },
	{ BYTES("\"1\""), 400, 0 },
	{ BYTES("1\0"), 400, 0 },
	{ BYTES("\2611"), 400, 0 }, /* '1' with the high bit */
};

/* The status in HTTP/1.1 without a Content-Length. RFC 9112 section 6.3, rule 4: 400 where chunked is not the final coding;
 * section 6.1: 501 for a coding that the server does not know. */
static const struct coding_row {
	struct span text;
	int status;
} coding_rows[] = {
	{ ABSENT, 0 },
	{ BYTES("chunked"), 0 },
	{ BYTES("Chunked"), 0 },
	{ BYTES("CHUNKED"), 0 },
	{ BYTES("chunked, chunked"), 400 },
	{ BYTES("chunked,Chunked"), 400 },
	{ BYTES(",chunked"), 400 },
	{ BYTES("chunked,"), 400 },
	{ BYTES(",,"), 400 },
	{ BYTES("gzip, chunked"), 501 },
	{ BYTES("gzip ,\tchunked"), 501 },
	{ BYTES("gzip"), 400 },
	{ BYTES("chunked, gzip"), 400 },
	{ BYTES("xchunked"), 400 },
	{ BYTES("chunked\v"), 400 },
	{ BYTES("chunked\0"), 400 },
	{ BYTES("chunked;q=1"), 400 },
	{ BYTES("chunked chunked"), 400 },
	{ BYTES("\"chunked\""), 400 },
	{ BYTES("chun\353ed"), 400 },
	{ BYTES(""), 400 },
};

static const struct expect_row {
	struct span text;
	bool known;
} expect_rows[] = {
	{ ABSENT, false },
	{ BYTES("100-continue"), true },
	{ BYTES("100-Continue"), true },
	{ BYTES("200-ok"), false },
	{ BYTES("100-continue, 100-continue"), false },
	{ BYTES(""), false },
};

struct combination {
	const struct length_row *length;
	const struct coding_row *coding;
	const struct expect_row *expect;
	unsigned int minor;
};

static int expected_status(const struct combination *c)
{
	int status = c->length->status;

	if (c->coding->text.at != NULL)
		status = c->minor == 0 || c->length->text.at != NULL ? 400 : c->coding->status;
	/* RFC 9110 section 10.1.1: an expectation in HTTP/1.0 is ignored. */
	if (status == 0 && c->minor == 1 && c->expect->text.at != NULL && !c->expect->known)
		status = 417;
	return status;
}

static enum framing expected_framing(const struct combination *c)
{
	if (c->coding->text.at != NULL)
		return FRAME_CHUNKED;
	return c->length->length > 0 ? FRAME_LENGTH : FRAME_NONE;
}

static struct span placed(struct span span)
{
	return span.at != NULL ? guarded(span) : span;
}

static void check_combination(const struct combination *c)
{
	struct request request = { .minor = c->minor };
	struct frame frame = { .framing = FRAME_LENGTH, .length = 77, .expects_continue = true };
	const char *why = NULL;
	char what[256];

	snprintf(what, sizeof(what), "HTTP/1.%u, Content-Length %s, Transfer-Encoding %s, Expect %s", c->minor,
		shown(c->length->text), shown(c->coding->text), shown(c->expect->text));
	request.field[FIELD_CONTENT_LENGTH] = placed(c->length->text);
	request.field[FIELD_TRANSFER_ENCODING] = placed(c->coding->text);
	request.field[FIELD_EXPECT] = placed(c->expect->text);
	int status = frame_decide(&request, &frame, &why), expected = expected_status(c);

	ck_assert_msg(status == expected, "%s: %d and not %d", what, status, expected);
	if (status != 0) {
		ck_assert_msg(why != NULL && why[0] != '\0', "%s: %d without a reason", what, status);
		return;
	}
	bool continues = c->minor == 1 && c->expect->known && frame.framing != FRAME_NONE;
	ck_assert_msg(frame.framing == expected_framing(c), "%s: framing is %u", what, frame.framing);
	ck_assert_msg(frame.length == c->length->length, "%s: length is %zu", what, frame.length);
	ck_assert_msg(frame.expects_continue == continues, "%s: expects_continue is %d", what, frame.expects_continue);
}

/* A test for each length and coding, over both versions and all expectations. */
START_TEST(each_combination_has_its_verdict)
{
	struct combination c = {
		.length = &length_rows[_i / ROWS(coding_rows)],
		.coding = &coding_rows[_i % ROWS(coding_rows)],
	};

	for (c.minor = 0; c.minor <= 1; c.minor++)
		for (int i = 0; i < ROWS(expect_rows); i++) {
			c.expect = &expect_rows[i];
			check_combination(&c);
		}
}
END_TEST

Suite *httap_frame_suite(void)
{
	Suite *suite = suite_create("httap/frame");
	TCase *combinations = tcase_create("combinations");

	tcase_add_loop_test(combinations, each_combination_has_its_verdict, 0, ROWS(length_rows) * ROWS(coding_rows));
	suite_add_tcase(suite, combinations);
	return suite;
}
