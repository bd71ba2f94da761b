/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/target.c: what a target decodes to, and what it must never become.
 */
#include <stdio.h>
#include <string.h>

#include "httap/target.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

static int parse(struct target *target, enum method method, struct span raw)
{
	struct request request = { .method = method, .minor = 1, .target = guarded(raw) };
	const char *why = NULL;

	memset(target, 0xa5, sizeof(*target)); /* as the target of another request left it */
	int status = target_parse(target, &request, &why);
	ck_assert_msg(status == 0 || (why != NULL && why[0] != '\0'), "%s: %d without a reason", shown(raw), status);
	return status;
}

static void check_text(const struct target *target, struct span raw, struct span expected)
{
	struct span text = { target->text, target->len };

	ck_assert_msg(text.len == expected.len && memcmp(text.at, expected.at, text.len) == 0, "%s becomes %s and not %s",
		shown(raw), shown(text), shown(expected));
	ck_assert_msg(target->text[target->len] == '\0', "%s is not terminated", shown(raw));
}

/* --- Targets that mean something ---------------------------------------------------------------------------------- */

static const struct good_row {
	struct span raw;
	enum domain domain;
	struct span text;
	const char *host; /* NULL: not in absolute form */
} good_rows[] = {
	/* files */
	{ BYTES("/"), DOMAIN_STATIC, BYTES(""), NULL },
	{ BYTES("/index.html"), DOMAIN_STATIC, BYTES("index.html"), NULL },
	{ BYTES("/a/b.css"), DOMAIN_STATIC, BYTES("a/b.css"), NULL },
	{ BYTES("/a.b.c"), DOMAIN_STATIC, BYTES("a.b.c"), NULL },
	{ BYTES("/a."), DOMAIN_STATIC, BYTES("a."), NULL },
	{ BYTES("/a+b"), DOMAIN_STATIC, BYTES("a+b"), NULL },
	{ BYTES("/a%20b"), DOMAIN_STATIC, BYTES("a b"), NULL },
	{ BYTES("/%61%2E%6a"), DOMAIN_STATIC, BYTES("a.j"), NULL },
	{ BYTES("/%c3%A9"), DOMAIN_STATIC, BYTES("\303\251"), NULL },
	{ BYTES("/%ff%80"), DOMAIN_STATIC, BYTES("\377\200"), NULL },
	{ BYTES("/a%3Fb"), DOMAIN_STATIC, BYTES("a?b"), NULL },
	{ BYTES("/%3F"), DOMAIN_STATIC, BYTES("?"), NULL },
	{ BYTES("/%23"), DOMAIN_STATIC, BYTES("#"), NULL },
	{ BYTES("/a%5cb"), DOMAIN_STATIC, BYTES("a\\b"), NULL },
	{ BYTES("/a\\b"), DOMAIN_STATIC, BYTES("a\\b"), NULL },
	{ BYTES("/c:"), DOMAIN_STATIC, BYTES("c:"), NULL },
	{ BYTES("/%252e%252e"), DOMAIN_STATIC, BYTES("%2e%2e"), NULL },
	{ BYTES("/%252f"), DOMAIN_STATIC, BYTES("%2f"), NULL },
	{ BYTES("/%2500"), DOMAIN_STATIC, BYTES("%00"), NULL },
	{ BYTES("/a?x=1"), DOMAIN_STATIC, BYTES("a"), NULL },
	{ BYTES("/a?"), DOMAIN_STATIC, BYTES("a"), NULL },
	{ BYTES("/a?b?c/../d"), DOMAIN_STATIC, BYTES("a"), NULL },
	/* the historic pair, exactly */
	{ BYTES("/0"), DOMAIN_SWITCH, BYTES("0"), NULL },
	{ BYTES("/1"), DOMAIN_SWITCH, BYTES("1"), NULL },
	{ BYTES("/2"), DOMAIN_STATIC, BYTES("2"), NULL },
	{ BYTES("/00"), DOMAIN_STATIC, BYTES("00"), NULL },
	{ BYTES("/01"), DOMAIN_STATIC, BYTES("01"), NULL },
	{ BYTES("/1.html"), DOMAIN_STATIC, BYTES("1.html"), NULL },
	{ BYTES("/1?"), DOMAIN_STATIC, BYTES("1"), NULL },
	{ BYTES("/0?x"), DOMAIN_STATIC, BYTES("0"), NULL },
	{ BYTES("/%31"), DOMAIN_STATIC, BYTES("1"), NULL },
	{ BYTES("/0/1"), DOMAIN_STATIC, BYTES("0/1"), NULL },
	/* words and signals */
	{ BYTES("/?"), DOMAIN_DYNAMIC, BYTES(""), NULL },
	{ BYTES("/?LED"), DOMAIN_DYNAMIC, BYTES("LED"), NULL },
	{ BYTES("/?LED,BUTTON"), DOMAIN_DYNAMIC, BYTES("LED,BUTTON"), NULL },
	{ BYTES("/?LED%2CBUTTON"), DOMAIN_DYNAMIC, BYTES("LED,BUTTON"), NULL },
	{ BYTES("/?LED%2cBUTTON"), DOMAIN_DYNAMIC, BYTES("LED,BUTTON"), NULL },
	{ BYTES("/?L%45D"), DOMAIN_DYNAMIC, BYTES("LED"), NULL },
	{ BYTES("/?%252C"), DOMAIN_DYNAMIC, BYTES("%2C"), NULL },
	{ BYTES("/?a+b"), DOMAIN_DYNAMIC, BYTES("a+b"), NULL },
	{ BYTES("/?a?b"), DOMAIN_DYNAMIC, BYTES("a?b"), NULL },
	{ BYTES("/?a/../b"), DOMAIN_DYNAMIC, BYTES("a/../b"), NULL },
	{ BYTES("/?%2F"), DOMAIN_DYNAMIC, BYTES("/"), NULL },
	{ BYTES("/?%ff"), DOMAIN_DYNAMIC, BYTES("\377"), NULL },
	{ BYTES("/??"), DOMAIN_DYNAMIC, BYTES("?"), NULL },
	{ BYTES("/?0"), DOMAIN_DYNAMIC, BYTES("0"), NULL },
	/* absolute form */
	{ BYTES("http://pi"), DOMAIN_STATIC, BYTES(""), "pi" },
	{ BYTES("http://pi/"), DOMAIN_STATIC, BYTES(""), "pi" },
	{ BYTES("http://pi:60000/?LED%2CB"), DOMAIN_DYNAMIC, BYTES("LED,B"), "pi:60000" },
	{ BYTES("http://[::1]:8080/1"), DOMAIN_SWITCH, BYTES("1"), "[::1]:8080" },
	{ BYTES("http://PI/a/b?c"), DOMAIN_STATIC, BYTES("a/b"), "PI" },
	{ BYTES("HTTP://pi/?"), DOMAIN_DYNAMIC, BYTES(""), "pi" },
	{ BYTES("http://evil@pi/"), DOMAIN_STATIC, BYTES(""), "evil@pi" }, /* for guard.c to refuse */
};

START_TEST(a_target_is_decoded_once)
{
	const struct good_row *row = &good_rows[_i];
	struct target target;
	int status = parse(&target, METHOD_GET, row->raw);

	ck_assert_msg(status == 0, "%s is %d", shown(row->raw), status);
	ck_assert_msg(target.domain == row->domain, "%s is domain %u", shown(row->raw), target.domain);
	check_text(&target, row->raw, row->text);
	if (row->host == NULL)
		ck_assert_msg(target.host.at == NULL, "%s has the host %s", shown(row->raw), shown(target.host));
	else
		ck_assert_msg(span_is(target.host, row->host), "%s has the host %s", shown(row->raw), shown(target.host));
}
END_TEST

START_TEST(an_asterisk_is_for_options_alone)
{
	struct target target;
	enum method method = (enum method)_i;
	int status = parse(&target, method, SPAN("*"));

	ck_assert_int_eq(status, method == METHOD_OPTIONS ? 0 : 400);
	ck_assert_int_eq(target.domain == DOMAIN_ASTERISK, method == METHOD_OPTIONS);
	ck_assert_int_eq(parse(&target, method, SPAN("*/")), 400);
	ck_assert_int_eq(parse(&target, method, SPAN("**")), 400);
}
END_TEST

/* --- Targets that mean nothing ------------------------------------------------------------------------------------ */

static const struct refused_row {
	struct span raw;
	int status;
} refused_rows[] = {
	/* two consecutive dots, decoded */
	{ BYTES("/.."), 400 },
	{ BYTES("/../"), 400 },
	{ BYTES("/../secret"), 400 },
	{ BYTES("/a/../b"), 400 },
	{ BYTES("/a/.."), 400 },
	{ BYTES("/%2e%2e"), 400 },
	{ BYTES("/%2e%2e/"), 400 },
	{ BYTES("/%2E%2E/secret"), 400 },
	{ BYTES("/.%2e/"), 400 },
	{ BYTES("/%2e./"), 400 },
	{ BYTES("/a..b"), 400 },
	{ BYTES("/a%2e%2eb"), 400 },
	{ BYTES("/..."), 400 },
	{ BYTES("/.../a.css"), 400 },
	{ BYTES("/%5c.."), 400 },
	{ BYTES("/..%5c"), 400 },
	{ BYTES("/img../a"), 400 },
	{ BYTES("http://pi/../a"), 400 },
	/* control characters and slashes, encoded */
	{ BYTES("/%00"), 400 },
	{ BYTES("/a%00.html"), 400 },
	{ BYTES("/.%00."), 400 },
	{ BYTES("/%0d"), 400 },
	{ BYTES("/%0a"), 400 },
	{ BYTES("/.%0d./"), 400 },
	{ BYTES("/%2f"), 400 },
	{ BYTES("/%2F?"), 400 },
	{ BYTES("/a%2fb"), 400 },
	{ BYTES("/..%2f.."), 400 },
	{ BYTES("/?%00"), 400 },
	{ BYTES("/?LED%0d%0aSet-Cookie:"), 400 },
	/* percent signs */
	{ BYTES("/%"), 400 },
	{ BYTES("/%4"), 400 },
	{ BYTES("/a%"), 400 },
	{ BYTES("/a%4"), 400 },
	{ BYTES("/%zz"), 400 },
	{ BYTES("/%+4"), 400 },
	{ BYTES("/%-1"), 400 },
	{ BYTES("/%0x"), 400 },
	{ BYTES("/% 4"), 400 },
	{ BYTES("/%%"), 400 },
	{ BYTES("/%%34"), 400 },
	{ BYTES("/%u0041"), 400 },
	{ BYTES("/?%"), 400 },
	{ BYTES("/?%4"), 400 },
	{ BYTES("/?%zz"), 400 },
	{ BYTES("/%4?1"), 400 },
	{ BYTES("/%?41"), 400 },
	/* other forms */
	{ BYTES("a"), 400 },
	{ BYTES("?"), 400 },
	{ BYTES("?LED"), 400 },
	{ BYTES("%2f"), 400 },
	{ BYTES("pi/a"), 400 },
	{ BYTES("pi:60000"), 400 },
	{ BYTES("\\\\pi"), 400 },
	{ BYTES("http:"), 400 },
	{ BYTES("http:/"), 400 },
	{ BYTES("http:/pi/"), 400 },
	{ BYTES("http:pi"), 400 },
	{ BYTES("https://pi/"), 400 },
	{ BYTES("ftp://pi/"), 400 },
	{ BYTES("file:///etc/passwd"), 400 },
	{ BYTES("http://pi?LED"), 400 },
	{ BYTES("http://pi/%zz"), 400 },
	{ BYTES("http://pi/?%zz"), 400 },
	/* paths of no file */
	{ BYTES("//"), 404 },
	{ BYTES("//x"), 404 },
	{ BYTES("//host/a"), 404 },
	{ BYTES("/a/"), 404 },
	{ BYTES("/a.html/"), 404 },
	{ BYTES("/a//b"), 404 },
	{ BYTES("/1/"), 404 },
	{ BYTES("/."), 404 },
	{ BYTES("/./"), 404 },
	{ BYTES("/./a"), 404 },
	{ BYTES("/a/."), 404 },
	{ BYTES("/a/./b"), 404 },
	{ BYTES("/%2e"), 404 },
	{ BYTES("/.hidden"), 404 },
	{ BYTES("/%2ehidden"), 404 },
	{ BYTES("/a/.git/config"), 404 },
	{ BYTES("/a/?b"), 404 },
	{ BYTES("http://pi//"), 404 },
	{ BYTES("http://pi/http://other/"), 404 },
};

START_TEST(a_target_that_means_nothing_is_refused)
{
	struct target target;
	int status = parse(&target, METHOD_GET, refused_rows[_i].raw);

	ck_assert_msg(status == refused_rows[_i].status, "%s is %d and not %d", shown(refused_rows[_i].raw), status,
		refused_rows[_i].status);
}
END_TEST

/* --- Every encoded byte ------------------------------------------------------------------------------------------- */

static void check_encoded(const char *before, const char *format, int byte, int status)
{
	char raw[16], text = (char)byte;
	struct target target;
	int len = snprintf(raw, sizeof(raw), "%s", before);

	snprintf(raw + len, sizeof(raw) - (size_t)len, format, byte);
	int found = parse(&target, METHOD_GET, span_of(raw));
	ck_assert_msg(found == status, "%s is %d and not %d", raw, found, status);
	if (status == 0)
		check_text(&target, span_of(raw), (struct span){ &text, 1 });
}

START_TEST(each_encoded_byte_is_decoded_or_refused)
{
	bool control = _i < 0x20 || _i == 0x7f;
	int in_path = control || _i == '/' ? 400 : _i == '.' ? 404 : 0;

	check_encoded("/", "%%%02x", _i, in_path);
	check_encoded("/", "%%%02X", _i, in_path);
	check_encoded("/?", "%%%02x", _i, control ? 400 : 0);
	check_encoded("/?", "%%%02X", _i, control ? 400 : 0);
}
END_TEST

START_TEST(only_a_hexadecimal_digit_may_stand_behind_a_percent_sign)
{
	struct target target;
	int expected = text_hex((char)_i) >= 0 ? 0 : 400;

	for (size_t at = 3; at <= 4; at++) {
		char raw[] = "/?%44";
		raw[at] = (char)_i;
		bool control = at == 3 && (_i == '0' || _i == '1'); /* %04, %14 */
		int status = parse(&target, METHOD_GET, (struct span){ raw, 5 });
		ck_assert_msg(status == (control ? 400 : expected), "%s is %d", shown((struct span){ raw, 5 }), status);
	}
}
END_TEST

/* --- Limits ------------------------------------------------------------------------------------------------------- */

static const struct full_row {
	const char *before;
	const char *repeated;
} full_rows[] = {
	{ "/", "a" },
	{ "/?", "a" },
	{ "/", "%41" },
	{ "/?", "%41" },
	{ "/", "a/b." },
	{ "http://pi/", "a" },
};

/* It was refused before, but how that is said depends on its domain. */
START_TEST(of_a_target_that_is_too_long_only_the_domain_is_told)
{
	static const char *const starts[] = { "/?", "/", "http://pi/?", "/%" };
	static const enum domain domains[] = { DOMAIN_DYNAMIC, DOMAIN_STATIC, DOMAIN_DYNAMIC, DOMAIN_STATIC };
	static char raw[HTTAP_HEAD_MAX];
	struct target *target = (void *)guard_page_copy(raw, sizeof(struct target));
	struct request request = { .method = METHOD_GET, .minor = 1, .target = { raw, sizeof(raw) } };
	const char *why;

	memset(raw, 'a', sizeof(raw));
	memcpy(raw, starts[_i], strlen(starts[_i]));
	ck_assert_int_eq(target_parse(target, &request, &why), 400);
	ck_assert_int_eq(target->domain, domains[_i]);
	request.target.len = 0;
	ck_assert_int_eq(target_parse(target, &request, &why), 400);
	ck_assert_int_eq(target->domain, DOMAIN_STATIC);
}
END_TEST

START_TEST(a_target_of_full_length_is_decoded)
{
	char raw[HTTAP_TARGET_MAX + 1];
	const char *repeated = full_rows[_i].repeated;
	size_t len = strlen(full_rows[_i].before), before = len;
	struct target target;

	strcpy(raw, full_rows[_i].before);
	while (len + strlen(repeated) <= HTTAP_TARGET_MAX) {
		strcpy(raw + len, repeated);
		len += strlen(repeated);
	}
	ck_assert_int_eq(parse(&target, METHOD_GET, (struct span){ raw, len }), 0);
	ck_assert_uint_eq(target.len, repeated[0] == '%' ? (len - before) / 3 : len - before);
	ck_assert_uint_eq(strlen(target.text), target.len);
}
END_TEST

Suite *httap_target_suite(void)
{
	Suite *suite = suite_create("httap/target");
	TCase *good = tcase_create("good"), *refused = tcase_create("refused"), *bytes = tcase_create("bytes"),
	      *limits = tcase_create("limits");

	tcase_add_loop_test(good, a_target_is_decoded_once, 0, ROWS(good_rows));
	tcase_add_loop_test(good, an_asterisk_is_for_options_alone, METHOD_UNKNOWN, METHOD_OPTIONS + 1);
	suite_add_tcase(suite, good);

	tcase_add_loop_test(refused, a_target_that_means_nothing_is_refused, 0, ROWS(refused_rows));
	suite_add_tcase(suite, refused);

	tcase_add_loop_test(bytes, each_encoded_byte_is_decoded_or_refused, 0, 256);
	tcase_add_loop_test(bytes, only_a_hexadecimal_digit_may_stand_behind_a_percent_sign, 0, 256);
	suite_add_tcase(suite, bytes);

	tcase_add_loop_test(limits, a_target_of_full_length_is_decoded, 0, ROWS(full_rows));
	tcase_add_loop_test(limits, of_a_target_that_is_too_long_only_the_domain_is_told, 0, 4);
	suite_add_tcase(suite, limits);
	return suite;
}
