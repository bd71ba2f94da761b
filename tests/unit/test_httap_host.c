/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/host.c: what is a host and a port, what is an origin, and which are the same.
 */
#include <stdio.h>
#include <string.h>

#include "httap/host.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"
#define NAME_192 LABEL_63 "." LABEL_63 "." LABEL_63 "."
#define NAME_253 NAME_192 "a234567890123456789012345678901234567890123456789012345678901"

/* --- Hosts -------------------------------------------------------------------------------------------------------- */

static const struct good_row {
	struct span text;
	enum host_kind kind;
	const char *name;
	unsigned int port;
} good_rows[] = {
	{ BYTES("a"), HOST_NAME, "a", 0 },
	{ BYTES("pi"), HOST_NAME, "pi", 0 },
	{ BYTES("Pi.Local"), HOST_NAME, "Pi.Local", 0 },
	{ BYTES("pi.example.org:8080"), HOST_NAME, "pi.example.org", 8080 },
	{ BYTES("pi.example.org."), HOST_NAME, "pi.example.org", 0 },
	{ BYTES("pi.example.org.:80"), HOST_NAME, "pi.example.org", 80 },
	{ BYTES("my-pi_2"), HOST_NAME, "my-pi_2", 0 },
	{ BYTES("3com"), HOST_NAME, "3com", 0 },
	{ BYTES("xn--bcher-kva.example"), HOST_NAME, "xn--bcher-kva.example", 0 },
	{ BYTES("1.2.3"), HOST_NAME, "1.2.3", 0 },
	{ BYTES("1.2.3.4.5"), HOST_NAME, "1.2.3.4.5", 0 },
	{ BYTES("256.2.3.4"), HOST_NAME, "256.2.3.4", 0 },
	{ BYTES("1.2.3.4.example.org"), HOST_NAME, "1.2.3.4.example.org", 0 },
	{ BYTES("2130706433"), HOST_NAME, "2130706433", 0 },
	{ BYTES("0x7f000001"), HOST_NAME, "0x7f000001", 0 },
	{ BYTES("pi:1"), HOST_NAME, "pi", 1 },
	{ BYTES("pi:65535"), HOST_NAME, "pi", 65535 },
	{ BYTES("pi:080"), HOST_NAME, "pi", 80 },
	{ BYTES(LABEL_63), HOST_NAME, LABEL_63, 0 },
	{ BYTES("a." LABEL_63 ".b"), HOST_NAME, "a." LABEL_63 ".b", 0 },
	{ BYTES(NAME_253), HOST_NAME, NAME_253, 0 },
	{ BYTES(NAME_253 "."), HOST_NAME, NAME_253, 0 },
	{ BYTES(NAME_253 ".:65535"), HOST_NAME, NAME_253, 65535 },
	{ BYTES("127.0.0.1"), HOST_IPV4, "127.0.0.1", 0 },
	{ BYTES("192.168.255.0:60000"), HOST_IPV4, "192.168.255.0", 60000 },
	{ BYTES("0.0.0.0"), HOST_IPV4, "0.0.0.0", 0 },
	{ BYTES("[::1]"), HOST_IPV6, "::1", 0 },
	{ BYTES("[::]:1"), HOST_IPV6, "::", 1 },
	{ BYTES("[2001:DB8::a]:60000"), HOST_IPV6, "2001:DB8::a", 60000 },
	{ BYTES("[::ffff:192.168.1.2]"), HOST_IPV6, "::ffff:192.168.1.2", 0 },
	{ BYTES("[1111:2222:3333:4444:5555:6666:123.123.123.123]"), HOST_IPV6, "1111:2222:3333:4444:5555:6666:123.123.123.123",
		0 },
};

START_TEST(a_host_and_its_port_are_read)
{
	const struct good_row *row = &good_rows[_i];
	struct host host;

	ck_assert_msg(host_parse(&host, guarded(row->text)), "%s is refused", shown(row->text));
	ck_assert_msg(host.kind == row->kind, "%s is of kind %u", shown(row->text), host.kind);
	ck_assert_msg(span_is(host.name, row->name), "%s has the name %s", shown(row->text), shown(host.name));
	ck_assert_msg(host.port == row->port, "%s has the port %u", shown(row->text), host.port);
}
END_TEST

static const struct span refused_rows[] = {
	BYTES(""),
	/* names */
	BYTES("."),
	BYTES(".."),
	BYTES("..."),
	BYTES("a.."),
	BYTES(".a"),
	BYTES("a..b"),
	BYTES("a/b"),
	BYTES("/"),
	BYTES("a@b"),
	BYTES("a b"),
	BYTES(" a"),
	BYTES("a "),
	BYTES("a,b"),
	BYTES("a\tb"),
	BYTES("a\\b"),
	BYTES("a%2eb"),
	BYTES("a?b"),
	BYTES("a#b"),
	BYTES("*"),
	BYTES("b\303\274cher"),
	BYTES("a\0"),
	BYTES("127.0.0.1\0"),
	BYTES("127.0.0.1\0.evil.example"),
	BYTES(LABEL_63 "4"),
	BYTES("a." LABEL_63 "4.b"),
	BYTES(NAME_253 "2"),
	BYTES(NAME_253 "2."),
	BYTES(NAME_253 ".."),
	/* ports */
	BYTES(":"),
	BYTES(":80"),
	BYTES("pi:"),
	BYTES("pi:0"),
	BYTES("pi:00000"),
	BYTES("pi:65536"),
	BYTES("pi:99999999999999999999"),
	BYTES("pi:+80"),
	BYTES("pi:-80"),
	BYTES("pi: 80"),
	BYTES("pi:80 "),
	BYTES("pi:0x50"),
	BYTES("pi:http"),
	BYTES("pi:80:80"),
	BYTES("pi::80"),
	BYTES("pi:80/"),
	BYTES("127.0.0.1:"),
	BYTES("127.0.0.1:0"),
	/* addresses with brackets and without */
	BYTES("["),
	BYTES("[]"),
	BYTES("[]:80"),
	BYTES("[::1"),
	BYTES("::1"),
	BYTES("::1]"),
	BYTES("1::2:80"),
	BYTES("[::1]]"),
	BYTES("[[::1]]"),
	BYTES("[::1]80"),
	BYTES("[::1]:"),
	BYTES("[::1]:0"),
	BYTES("[::1]:65536"),
	BYTES("[::1]a"),
	BYTES("[::1]."),
	BYTES("a[::1]"),
	BYTES("[::1\0]"),
	BYTES("[::1::2]"),
	BYTES("[1:2:3:4:5:6:7]"),
	BYTES("[1:2:3:4:5:6:7:8:9]"),
	BYTES("[12345::]"),
	BYTES("[::g]"),
	BYTES("[:::]"),
	BYTES("[fe80::1%eth0]"),
	BYTES("[fe80::1%25eth0]"),
	BYTES("[127.0.0.1]"),
	BYTES("[pi]"),
	BYTES("[v1.a]"),
	BYTES("[11111:2222:3333:4444:5555:6666:123.123.123.123]"),
};

START_TEST(what_is_not_a_host_is_refused)
{
	struct host host;

	ck_assert_msg(
		!host_parse(&host, guarded(refused_rows[_i])), "%s is taken for %s", shown(refused_rows[_i]), shown(host.name));
}
END_TEST

START_TEST(a_name_has_letters_digits_hyphens_underscores_and_dots)
{
	char text[] = { 'a', (char)_i, 'b' };
	struct span span = { text, sizeof(text) };
	struct host host;
	bool expected = text_is((char)_i, TEXT_NAME) || _i == '-' || _i == '.';

	ck_assert_msg(host_parse(&host, guarded(span)) == expected, "%s", shown(span));
}
END_TEST

START_TEST(no_byte_but_a_part_of_a_name_may_follow_an_address)
{
	char text[] = "127.0.0.1?";
	struct span span = { text, sizeof(text) - 1 };
	struct host host;

	text[9] = (char)_i;
	bool taken = host_parse(&host, guarded(span)),
	     expected = text_is((char)_i, TEXT_NAME) || _i == '-' || _i == '.';
	ck_assert_msg(taken == expected, "%s is %s", shown(span), taken ? "taken" : "refused");
	ck_assert_msg(!taken || (host.kind == HOST_IPV4) == text_is_digit((char)_i), "%s is of kind %u", shown(span), host.kind);
}
END_TEST

START_TEST(each_port_is_read_as_its_number)
{
	for (unsigned int port = (unsigned int)_i * 4096; port < ((unsigned int)_i + 1) * 4096; port++) {
		char text[16];
		struct host host;
		snprintf(text, sizeof(text), "a:%u", port);
		bool good = host_parse(&host, span_of(text));
		ck_assert_msg(good == (port >= 1 && port <= 65535), "%s is %s", text, good ? "taken" : "refused");
		ck_assert_msg(!good || host.port == port, "%s has the port %u", text, host.port);
	}
}
END_TEST

/* --- Origins ------------------------------------------------------------------------------------------------------ */

static const struct origin_row {
	struct span text;
	enum host_kind kind;
	const char *name;
	unsigned int port;
	bool https;
} origin_rows[] = {
	{ BYTES("http://pi"), HOST_NAME, "pi", 80, false },
	{ BYTES("https://pi"), HOST_NAME, "pi", 443, true },
	{ BYTES("http://pi:443"), HOST_NAME, "pi", 443, false },
	{ BYTES("https://pi:80"), HOST_NAME, "pi", 80, true },
	{ BYTES("HTTP://Pi:60000"), HOST_NAME, "Pi", 60000, false },
	{ BYTES("hTTpS://pi"), HOST_NAME, "pi", 443, true },
	{ BYTES("http://pi.example.org."), HOST_NAME, "pi.example.org", 80, false },
	{ BYTES("http://127.0.0.1:8080"), HOST_IPV4, "127.0.0.1", 8080, false },
	{ BYTES("https://[::1]"), HOST_IPV6, "::1", 443, true },
	{ BYTES("http://[::1]:60000"), HOST_IPV6, "::1", 60000, false },
	{ BYTES("http://a"), HOST_NAME, "a", 80, false },
};

START_TEST(an_origin_is_a_scheme_and_a_host_with_its_port)
{
	const struct origin_row *row = &origin_rows[_i];
	struct host host;

	ck_assert_msg(origin_parse(&host, guarded(row->text)), "%s is refused", shown(row->text));
	ck_assert_msg(host.https == row->https, "%s has the other scheme", shown(row->text));
	ck_assert_msg(host.kind == row->kind && span_is(host.name, row->name), "%s has the name %s", shown(row->text),
		shown(host.name));
	ck_assert_msg(host.port == row->port, "%s has the port %u", shown(row->text), host.port);
}
END_TEST

static const struct span refused_origin_rows[] = {
	BYTES(""),
	BYTES("null"),
	BYTES("*"),
	BYTES("pi"),
	BYTES("pi:60000"),
	BYTES("//pi"),
	BYTES("http:"),
	BYTES("http:/"),
	BYTES("http://"),
	BYTES("https://"),
	BYTES("http:///"),
	BYTES("http:pi"),
	BYTES("http:/pi"),
	BYTES("http//pi"),
	BYTES("httpss://pi"),
	BYTES("file://"),
	BYTES("ftp://pi"),
	BYTES("ws://pi"),
	BYTES("chrome-extension://abcdef"),
	BYTES("http://pi/"),
	BYTES("http://pi/path"),
	BYTES("http://pi?"),
	BYTES("http://user@pi"),
	BYTES("http://user:pass@pi"),
	BYTES("http://pi:0"),
	BYTES("http://pi:65536"),
	BYTES("http://pi:"),
	BYTES("http://.."),
	BYTES("http://[::1"),
	BYTES(" http://pi"),
	BYTES("http://pi "),
	BYTES("http://pi http://a"),
	BYTES("http://pi,http://a"),
};

START_TEST(what_is_not_an_origin_is_refused)
{
	struct host host;

	ck_assert_msg(!origin_parse(&host, guarded(refused_origin_rows[_i])), "%s is taken for %s",
		shown(refused_origin_rows[_i]), shown(host.name));
}
END_TEST

static const struct equal_row {
	const char *a;
	const char *b;
	bool equal;
} equal_rows[] = {
	{ "pi", "pi", true },
	{ "pi", "PI", true },
	{ "pi.", "pi", true },
	{ "pi:80", "pi:80", true },
	{ "127.0.0.1", "127.0.0.1", true },
	{ "[::A]", "[::a]", true },
	{ "pi", "pi:80", false },
	{ "pi:80", "pi:81", false },
	{ "pi", "pip", false },
	{ "pi", "pi.local", false },
	{ "pi", "evil-pi", false },
	{ "127.0.0.1", "127.0.0.2", false },
	{ "[::1]", "[::2]", false },
	{ "[::1.2.3.4]", "1.2.3.4", false },
};

START_TEST(origins_are_equal_when_their_schemes_are_too)
{
	struct host a, b;

	ck_assert(origin_parse(&a, span_of("http://pi:8080")) && origin_parse(&b, span_of("https://pi:8080")));
	ck_assert_msg(!host_equal(&a, &b), "one scheme is taken for the other");
	ck_assert(origin_parse(&b, span_of("HTTP://PI:8080")));
	ck_assert_msg(host_equal(&a, &b), "an origin isn't equal to itself");
}
END_TEST

START_TEST(hosts_are_equal_by_kind_name_and_port)
{
	const struct equal_row *row = &equal_rows[_i];
	struct host a, b;

	ck_assert(host_parse(&a, guarded(span_of(row->a))) && host_parse(&b, guarded(span_of(row->b))));
	ck_assert_msg(host_equal(&a, &b) == row->equal, "%s and %s", row->a, row->b);
	ck_assert_msg(host_equal(&b, &a) == row->equal, "%s and %s", row->b, row->a);
}
END_TEST

Suite *httap_host_suite(void)
{
	Suite *suite = suite_create("httap/host");
	TCase *hosts = tcase_create("hosts"), *origins = tcase_create("origins");

	tcase_add_loop_test(hosts, a_host_and_its_port_are_read, 0, ROWS(good_rows));
	tcase_add_loop_test(hosts, what_is_not_a_host_is_refused, 0, ROWS(refused_rows));
	tcase_add_loop_test(hosts, a_name_has_letters_digits_hyphens_underscores_and_dots, 0, 256);
	tcase_add_loop_test(hosts, no_byte_but_a_part_of_a_name_may_follow_an_address, 0, 256);
	tcase_add_loop_test(hosts, each_port_is_read_as_its_number, 0, 17);
	suite_add_tcase(suite, hosts);

	tcase_add_loop_test(origins, an_origin_is_a_scheme_and_a_host_with_its_port, 0, ROWS(origin_rows));
	tcase_add_loop_test(origins, what_is_not_an_origin_is_refused, 0, ROWS(refused_origin_rows));
	tcase_add_loop_test(origins, hosts_are_equal_by_kind_name_and_port, 0, ROWS(equal_rows));
	tcase_add_test(origins, origins_are_equal_when_their_schemes_are_too);
	suite_add_tcase(suite, origins);
	return suite;
}
