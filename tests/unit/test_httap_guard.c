/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Tests httap/guard.c: whose Host is ours, and who may write, over every combination of what a browser says of a page.
 */
#include <stdio.h>
#include <string.h>

#include "httap/guard.h"
#include "tests/unit/guard_page.h"
#include "tests/unit/unit.h"

#define ABSENT { NULL, 0 }

static int decide(const struct guard *guard, const struct request *request, const struct target *target, bool writes)
{
	struct span listed = { NULL, 0 }, said = request->field[FIELD_ORIGIN];
	const char *why = NULL;
	int status = guard_decide(guard, request, target, writes, &listed, &why);
	bool any = guard->origins != NULL && strstr(guard->origins, "*") != NULL;

	/* Whoever is told that he may read the reply is in the list, and is called as he called himself. */
	if (listed.at != NULL) {
		ck_assert_ptr_nonnull(guard->origins);
		ck_assert_ptr_nonnull(said.at);
		ck_assert(any ? span_is(listed, "*") : listed.at == said.at && listed.len == said.len);
	} else {
		ck_assert_msg(!any || said.at == NULL || status == 400 || status == 421 || said.len > 0, "nobody was told");
	}

	ck_assert_msg(status == 0 || (why != NULL && why[0] != '\0'), "%d without a reason", status);
	return status;
}

/* --- Host --------------------------------------------------------------------------------------------------------- */

static const struct host_row {
	const char *own;    /* the machine's name */
	const char *listed; /* HTTAP_HOSTS */
	struct span host;
	int status;
} host_rows[] = {
	/* addresses can't be rebound */
	{ "pi", NULL, BYTES("127.0.0.1"), 0 },
	{ "pi", NULL, BYTES("192.168.1.20:60000"), 0 },
	{ "pi", NULL, BYTES("[::1]"), 0 },
	{ "pi", NULL, BYTES("[fe80::1]:60000"), 0 },
	{ "", NULL, BYTES("10.0.0.1"), 0 },
	{ "pi", NULL, BYTES("127.0.0.1.example.org"), 421 },
	{ "pi", NULL, BYTES("2130706433"), 421 },
	{ "pi", NULL, BYTES("127.1"), 421 },
	/* localhost */
	{ "pi", NULL, BYTES("localhost"), 0 },
	{ "pi", NULL, BYTES("LocalHost:60000"), 0 },
	{ "", NULL, BYTES("localhost"), 0 },
	{ "pi", NULL, BYTES("localhost.example.org"), 421 },
	{ "pi", NULL, BYTES("xlocalhost"), 421 },
	/* the machine's name */
	{ "pi", NULL, BYTES("pi"), 0 },
	{ "pi", NULL, BYTES("PI:60000"), 0 },
	{ "pi", NULL, BYTES("pi."), 0 },
	{ "pi", NULL, BYTES("pi.local"), 0 },
	{ "pi", NULL, BYTES("Pi.Local.:80"), 0 },
	{ "pi", NULL, BYTES("pi.local.local"), 421 },
	{ "pi", NULL, BYTES("pi.localx"), 421 },
	{ "pi", NULL, BYTES("xpi.local"), 421 },
	{ "pi", NULL, BYTES("a.pi"), 421 },
	{ "pi", NULL, BYTES("pi.evil.example"), 421 },
	{ "pi", NULL, BYTES("pi.com"), 421 },
	{ "pi", NULL, BYTES("p"), 421 },
	{ "pi", NULL, BYTES("pii"), 421 },
	{ "pi", NULL, BYTES("evil.example"), 421 },
	{ "pi", NULL, BYTES("local"), 421 },
	{ "pi.lab.example.org", NULL, BYTES("pi.lab.example.org"), 0 },
	{ "pi.lab.example.org", NULL, BYTES("pi"), 0 },
	{ "pi.lab.example.org", NULL, BYTES("pi.local"), 0 },
	{ "pi.lab.example.org", NULL, BYTES("pi.lab"), 421 },
	{ "pi.lab.example.org", NULL, BYTES("lab.example.org"), 421 },
	{ "pi.lab.example.org", NULL, BYTES("pi.evil.example"), 421 },
	{ "", NULL, BYTES("pi"), 421 },
	{ "", NULL, BYTES("a.local"), 421 },
	/* listed names */
	{ "pi", "lab.example.org", BYTES("lab.example.org"), 0 },
	{ "pi", "lab.example.org", BYTES("LAB.example.org:60000"), 0 },
	{ "pi", "lab.example.org", BYTES("lab.example.org."), 0 },
	{ "pi", " a\tlab.example.org\nb ", BYTES("lab.example.org"), 0 },
	{ "pi", " a\tlab.example.org\nb ", BYTES("b"), 0 },
	{ "pi", "lab.example.org", BYTES("pi"), 0 },
	{ "pi", "lab.example.org", BYTES("lab"), 421 },
	{ "pi", "lab.example.org", BYTES("x.lab.example.org"), 421 },
	{ "pi", "lab.example.org", BYTES("lab.example.org.local"), 421 },
	{ "pi", "a b", BYTES("c"), 421 },
	{ "pi", "", BYTES("c"), 421 },
	/* no hosts at all */
	{ "pi", NULL, BYTES(""), 400 },
	{ "pi", NULL, BYTES(".."), 400 },
	{ "pi", NULL, BYTES("a/b"), 400 },
	{ "pi", NULL, BYTES("a@b"), 400 },
	{ "pi", NULL, BYTES("a b"), 400 },
	{ "pi", NULL, BYTES("pi:0"), 400 },
	{ "pi", NULL, BYTES("pi,pi"), 400 },
	{ "pi", NULL, BYTES("pi@evil.example"), 400 },
	{ "pi", NULL, BYTES("http://pi"), 400 },
	{ "pi", "*", BYTES("*"), 400 },
};

static struct guard guard_of(const char *own, const char *hosts, const char *origins)
{
	struct guard guard = { .hosts = hosts, .origins = origins };

	snprintf(guard.host_name, sizeof(guard.host_name), "%s", own);
	return guard;
}

/* For files as well as for the rest: a page of ours under a foreign name is the first step of rebinding. */
START_TEST(a_host_is_ours_or_misdirected_or_malformed)
{
	const struct host_row *row = &host_rows[_i];
	struct guard guard = guard_of(row->own, row->listed, NULL);
	struct request request = { .method = METHOD_GET };
	static struct target target;

	request.field[FIELD_HOST] = guarded(row->host);
	for (request.minor = 0; request.minor <= 1; request.minor++)
		for (target.domain = DOMAIN_DYNAMIC; target.domain <= DOMAIN_ASTERISK; target.domain++) {
			int status = decide(&guard, &request, &target, false);
			ck_assert_msg(status == row->status, "HTTP/1.%u, Host %s, domain %u: %d and not %d", request.minor,
				shown(row->host), target.domain, status, row->status);
		}
}
END_TEST

/* A target in absolute form brings its own host, which replaces the field; the field must still be there and well-formed. */
static const struct absolute_row {
	struct span host;
	struct span target_host;
	int status[2]; /* of HTTP/1.0 and HTTP/1.1 */
} absolute_rows[] = {
	{ ABSENT, ABSENT, { 0, 400 } },
	{ ABSENT, BYTES("pi"), { 0, 400 } },
	{ ABSENT, BYTES("evil.example"), { 421, 400 } },
	{ ABSENT, BYTES("a@b"), { 400, 400 } },
	{ ABSENT, BYTES(""), { 400, 400 } },
	{ BYTES("pi"), BYTES("pi"), { 0, 0 } },
	{ BYTES("pi"), BYTES("127.0.0.1:80"), { 0, 0 } },
	{ BYTES("pi"), BYTES("evil.example"), { 421, 421 } },
	{ BYTES("pi"), BYTES(""), { 400, 400 } },
	{ BYTES("pi"), BYTES("evil@pi"), { 400, 400 } },
	{ BYTES("evil.example"), BYTES("pi"), { 0, 0 } },
	{ BYTES("a/b"), BYTES("pi"), { 400, 400 } },
	{ BYTES(""), BYTES("pi"), { 400, 400 } },
};

START_TEST(the_host_of_an_absolute_target_replaces_the_field)
{
	const struct absolute_row *row = &absolute_rows[_i];
	struct guard guard = guard_of("pi", NULL, NULL);
	struct request request = { .method = METHOD_GET };
	static struct target target;

	target.domain = DOMAIN_DYNAMIC;
	target.host = row->target_host;
	request.field[FIELD_HOST] = row->host;
	for (request.minor = 0; request.minor <= 1; request.minor++) {
		int status = decide(&guard, &request, &target, false);
		ck_assert_msg(status == row->status[request.minor], "HTTP/1.%u, Host %s, target %s: %d and not %d", request.minor,
			shown(row->host), shown(row->target_host), status, row->status[request.minor]);
	}
}
END_TEST

START_TEST(an_origin_is_compared_with_the_host_of_an_absolute_target)
{
	struct guard guard = guard_of("pi", NULL, NULL);
	struct request request = { .method = METHOD_POST, .minor = 1 };
	static struct target target;

	target.host = span_of("127.0.0.1:8080");
	request.field[FIELD_HOST] = span_of("pi");
	request.field[FIELD_ORIGIN] = span_of("http://127.0.0.1:8080");
	ck_assert_int_eq(decide(&guard, &request, &target, true), 0);
	request.field[FIELD_ORIGIN] = span_of("http://pi");
	ck_assert_int_eq(decide(&guard, &request, &target, true), 403);
}
END_TEST

/* --- Whose page it is --------------------------------------------------------------------------------------------- */

/* What an origin is to us. The request goes to pi:60000. */
enum whose { NONE, OWN, LISTED, FOREIGN, OPAQUE };

static const struct origin_row {
	struct span text;
	enum whose whose; /* LISTED: in `some_origins` */
} origin_rows[] = {
	{ ABSENT, NONE },
	{ BYTES("http://pi:60000"), OWN },
	{ BYTES("HTTP://PI:60000"), OWN },
	{ BYTES("http://pi.:60000"), OWN },
	{ BYTES("https://pi:60000"), OWN }, /* TLS ends at a proxy */
	{ BYTES("http://lab.example.org"), LISTED },
	{ BYTES("http://LAB.example.org:80"), LISTED },
	{ BYTES("https://desk:8443"), LISTED },
	{ BYTES("http://[::1]:8080"), LISTED },
	{ BYTES("http://pi"), FOREIGN },
	{ BYTES("http://pi:60001"), FOREIGN },
	{ BYTES("http://pi.local:60000"), FOREIGN }, /* another name of ours is another origin to the browser */
	{ BYTES("http://127.0.0.1:60000"), FOREIGN },
	{ BYTES("http://evil.example"), FOREIGN },
	{ BYTES("http://evil.example:60000"), FOREIGN },
	{ BYTES("http://evil-pi:60000"), FOREIGN },
	{ BYTES("http://pi.evil.example:60000"), FOREIGN },
	{ BYTES("https://lab.example.org"), FOREIGN },
	{ BYTES("https://lab.example.org:80"), FOREIGN },
	{ BYTES("http://x.lab.example.org"), FOREIGN },
	{ BYTES("http://lab.example.org:8080"), FOREIGN },
	{ BYTES("http://desk:8443"), FOREIGN },
	{ BYTES("null"), OPAQUE },
	{ BYTES("file://"), OPAQUE },
	{ BYTES(""), OPAQUE },
	{ BYTES("*"), OPAQUE },
	{ BYTES("http://pi:60000/"), OPAQUE },
	{ BYTES("http://pi:60000 http://lab.example.org"), OPAQUE },
};

static const char *const origins_settings[] = { NULL, "", "http://lab.example.org\thttps://desk:8443 http://[::1]:8080", "*" };
enum { SOME_ORIGINS = 2, ANY_ORIGIN = 3 };

/* The standing of an origin under a setting: OPAQUE becomes FOREIGN or LISTED, and LISTED FOREIGN where it is not listed. */
static enum whose standing(enum whose whose, int setting)
{
	if (whose == NONE || whose == OWN)
		return whose;
	if (setting == ANY_ORIGIN)
		return LISTED;
	return whose == LISTED && setting == SOME_ORIGINS ? LISTED : FOREIGN;
}

static const struct referer_row {
	struct span text;
	enum whose whose;
} referer_rows[] = {
	{ ABSENT, NONE },
	{ BYTES("http://pi:60000/"), OWN },
	{ BYTES("http://pi:60000/index.html?a=http://evil.example/"), OWN },
	{ BYTES("http://pi:60000"), OWN },
	{ BYTES("http://lab.example.org/panel"), LISTED },
	{ BYTES("http://evil.example/"), FOREIGN },
	{ BYTES("http://evil.example/http://pi:60000/"), FOREIGN },
	{ BYTES("http://pi:60000@evil.example/"), FOREIGN },
	{ BYTES("http://pi:60000.evil.example/"), FOREIGN },
	{ BYTES("http://pi/"), FOREIGN },
	{ BYTES("about:blank"), OPAQUE },
};

static const struct site_row {
	struct span text;
	bool foreign;
} site_rows[] = {
	{ ABSENT, false },
	{ BYTES("same-origin"), false },
	{ BYTES("none"), false },
	{ BYTES("same-site"), true },
	{ BYTES("cross-site"), true },
	{ BYTES("Cross-Site"), true },
};

static const struct purpose_row {
	struct span sec_purpose;
	struct span purpose;
	bool prefetch;
} purpose_rows[] = {
	{ ABSENT, ABSENT, false },
	{ BYTES("prefetch"), ABSENT, true },
	{ BYTES("prefetch;prerender"), ABSENT, true },
	{ BYTES("prefetch ; anonymous-client-ip"), ABSENT, true },
	{ BYTES("Prefetch"), ABSENT, true },
	{ BYTES("a;prerender"), ABSENT, true },
	{ ABSENT, BYTES("prefetch"), true },
	{ ABSENT, BYTES("preview"), true },
	{ BYTES("x"), BYTES("prefetch"), true },
	{ BYTES("prefetching"), BYTES("x-prefetch"), false },
	{ BYTES(""), BYTES(";"), false },
};

/* PROTOCOL.md, "Who may". Every row is a reason to refuse, in the words of the page. */
static int expected_status(
	enum whose origin, enum whose referer, bool foreign_site, bool prefetch, enum method method, bool writes)
{
	if (origin == FOREIGN)
		return 403;
	if (!writes)
		return 0;
	if (prefetch)
		return 403;
	if (origin == LISTED)
		return 0;
	if (foreign_site)
		return 403;
	return method == METHOD_GET && origin == NONE && referer == FOREIGN ? 403 : 0;
}

static void set_fields(struct request *request, const struct origin_row *origin, const struct referer_row *referer,
	const struct site_row *site, const struct purpose_row *purpose)
{
	request->field[FIELD_ORIGIN] = origin->text;
	request->field[FIELD_REFERER] = referer->text;
	request->field[FIELD_SEC_FETCH_SITE] = site->text;
	request->field[FIELD_SEC_PURPOSE] = purpose->sec_purpose;
	request->field[FIELD_PURPOSE] = purpose->purpose;
}

static void check_all_of_page(const struct origin_row *origin, int setting, const struct referer_row *referer,
	const struct site_row *site, const struct purpose_row *purpose)
{
	struct guard guard = guard_of("pi", NULL, origins_settings[setting]);
	struct request request = { .minor = 1 };
	static struct target target;

	request.field[FIELD_HOST] = span_of("pi:60000");
	set_fields(&request, origin, referer, site, purpose);
	target.domain = DOMAIN_DYNAMIC;
	for (request.method = METHOD_GET; request.method <= METHOD_OPTIONS; request.method++)
		for (int writes = 0; writes <= 1; writes++) {
			int status = decide(&guard, &request, &target, writes);
			int expected = expected_status(standing(origin->whose, setting), standing(referer->whose, setting),
				site->foreign, purpose->prefetch, request.method, writes);
			ck_assert_msg(status == expected,
				"method %u that %s, Origin %s, Referer %s, Sec-Fetch-Site %s, Sec-Purpose %s, Purpose %s: "
				"%d and not %d",
				request.method, writes ? "writes" : "reads", shown(origin->text), shown(referer->text),
				shown(site->text), shown(purpose->sec_purpose), shown(purpose->purpose), status, expected);
		}
}

/* A test for each origin under each setting, over all that else is said of the page. */
START_TEST(each_combination_has_its_verdict)
{
	const struct origin_row *origin = &origin_rows[_i / ROWS(origins_settings)];

	for (int referer = 0; referer < ROWS(referer_rows); referer++)
		for (int site = 0; site < ROWS(site_rows); site++)
			for (int purpose = 0; purpose < ROWS(purpose_rows); purpose++)
				check_all_of_page(origin, _i % ROWS(origins_settings), &referer_rows[referer], &site_rows[site],
					&purpose_rows[purpose]);
}
END_TEST

/* The default ports of both schemes, which a browser leaves out of Host and Origin. */
static const struct port_row {
	const char *host;
	const char *origin;
	int status;
} port_rows[] = {
	{ "pi", "http://pi", 0 },
	{ "pi", "https://pi", 0 },
	{ "pi:80", "http://pi", 0 },
	{ "pi", "http://pi:80", 0 },
	{ "pi:443", "https://pi", 0 },
	{ "pi", "https://pi:443", 0 },
	{ "pi", "http://pi:443", 403 },
	{ "pi", "https://pi:80", 403 },
	{ "pi", "http://pi:60000", 403 },
	{ "pi:60000", "http://pi", 403 },
	{ "127.0.0.1:60000", "http://127.0.0.1:60000", 0 },
	{ "127.0.0.1:60000", "http://127.0.0.2:60000", 403 },
	{ "[::1]:60000", "http://[::1]:60000", 0 },
	{ "[::1]:60000", "http://[::2]:60000", 403 },
};

START_TEST(an_own_origin_has_the_port_of_the_request)
{
	const struct port_row *row = &port_rows[_i];
	struct guard guard = guard_of("pi", NULL, NULL);
	struct request request = { .method = METHOD_POST, .minor = 1 };
	static struct target target;

	request.field[FIELD_HOST] = guarded(span_of(row->host));
	request.field[FIELD_ORIGIN] = guarded(span_of(row->origin));
	int status = decide(&guard, &request, &target, true);
	ck_assert_msg(status == row->status, "Host %s, Origin %s: %d and not %d", row->host, row->origin, status, row->status);
}
END_TEST

START_TEST(without_a_host_only_a_listed_origin_may_write)
{
	const struct origin_row *origin = &origin_rows[_i];
	struct guard guard = guard_of("pi", NULL, origins_settings[SOME_ORIGINS]);
	struct request request = { .method = METHOD_POST };
	static struct target target;
	enum whose whose = standing(origin->whose, SOME_ORIGINS);

	request.field[FIELD_ORIGIN] = origin->text;
	int status = decide(&guard, &request, &target, true);
	ck_assert_msg(status == (whose == NONE || whose == LISTED ? 0 : 403), "HTTP/1.0 without Host, Origin %s: %d",
		shown(origin->text), status);
}
END_TEST

static const struct star_row {
	const char *origins;
	const char *origin;
} star_rows[] = {
	{ "*", "http://evil.example" },
	{ "*", "null" },
	{ " * ", "http://evil.example" },
	{ " * ", "null" },
	{ "* http://lab.example.org", "http://evil.example" },
	{ "* http://lab.example.org", "null" },
	{ "http://lab.example.org\t*", "http://evil.example" },
	{ "http://lab.example.org\t*", "null" },
};

START_TEST(any_origin_is_any_however_the_star_is_written)
{
	const struct star_row *row = &star_rows[_i];
	struct guard guard = guard_of("pi", NULL, row->origins);
	struct request request = { .method = METHOD_POST, .minor = 1 };
	static struct target target;

	request.field[FIELD_HOST] = span_of("pi:60000");
	request.field[FIELD_ORIGIN] = span_of(row->origin);
	int status = decide(&guard, &request, &target, true);
	ck_assert_msg(status == 0, "HTTAP_ORIGINS=\"%s\", Origin %s: %d", row->origins, row->origin, status);
}
END_TEST

START_TEST(a_switch_by_get_is_guarded_like_a_word)
{
	struct guard guard = guard_of("pi", NULL, NULL);
	struct request request = { .method = METHOD_GET, .minor = 1 };
	static struct target target;

	target.domain = DOMAIN_SWITCH;
	request.field[FIELD_HOST] = span_of("pi");
	ck_assert_int_eq(decide(&guard, &request, &target, true), 0);
	request.field[FIELD_REFERER] = span_of("http://evil.example/");
	ck_assert_int_eq(decide(&guard, &request, &target, true), 403);
}
END_TEST

/* A page of anybody's may show our files, as a link to them may. */
START_TEST(a_file_may_be_read_from_any_page)
{
	struct guard guard = guard_of("pi", NULL, NULL);
	struct request request = { .method = METHOD_GET, .minor = 1 };
	static struct target target;

	target.domain = DOMAIN_STATIC;
	request.field[FIELD_HOST] = span_of("pi:60000");
	set_fields(&request, &origin_rows[_i], &referer_rows[ROWS(referer_rows) - 1], &site_rows[ROWS(site_rows) - 1],
		&purpose_rows[1]);
	ck_assert_int_eq(decide(&guard, &request, &target, false), 0);
}
END_TEST

/* --- The lists of the configuration ------------------------------------------------------------------------------- */

static const struct list_row {
	const char *list;
	const char *bad; /* NULL: the list is good */
} host_lists[] = {
	{ "", NULL },
	{ " \t\n", NULL },
	{ "pi.example.org", NULL },
	{ " a b.c\td\n127.0.0.1 ", NULL },
	{ "a b.c. d", "b.c." },
	{ "[::1]", "[::1]" },
	{ "a pi:80", "pi:80" },
	{ "http://pi b", "http://pi" },
	{ "a b/c d", "b/c" },
	{ "a *", "*" },
	{ "a,b", "a,b" },
	{ "[::1]:80", "[::1]:80" },
}, origin_lists[] = {
	{ "", NULL },
	{ "*", NULL },
	{ "http://a https://b:8443\thttp://[::1]:80", NULL },
	{ "http://a b", "b" },
	{ "http://a/", "http://a/" },
	{ "https://a null", "null" },
	{ "**", "**" },
	{ "ftp://a", "ftp://a" },
	{ "http://a,http://b", "http://a,http://b" },
	{ "http://*", "http://*" },
};

static void check_list(bool (*is_list)(const char *text), const struct list_row *row)
{
	ck_assert_msg(is_list(row->list) == (row->bad == NULL), "\"%s\"", row->list);
	ck_assert_msg(row->bad == NULL || !is_list(row->bad), "\"%s\" alone", row->bad);
}

START_TEST(a_list_of_hosts_has_names_and_addresses_without_ports)
{
	check_list(guard_is_host_list, &host_lists[_i]);
}
END_TEST

START_TEST(a_list_of_origins_has_origins_and_stars)
{
	check_list(guard_is_origin_list, &origin_lists[_i]);
}
END_TEST

Suite *httap_guard_suite(void)
{
	Suite *suite = suite_create("httap/guard");
	TCase *hosts = tcase_create("hosts"), *pages = tcase_create("pages"), *lists = tcase_create("lists");

	tcase_add_loop_test(hosts, a_host_is_ours_or_misdirected_or_malformed, 0, ROWS(host_rows));
	tcase_add_loop_test(hosts, the_host_of_an_absolute_target_replaces_the_field, 0, ROWS(absolute_rows));
	tcase_add_test(hosts, an_origin_is_compared_with_the_host_of_an_absolute_target);
	suite_add_tcase(suite, hosts);

	tcase_add_loop_test(pages, each_combination_has_its_verdict, 0, ROWS(origin_rows) * ROWS(origins_settings));
	tcase_add_loop_test(pages, an_own_origin_has_the_port_of_the_request, 0, ROWS(port_rows));
	tcase_add_loop_test(pages, without_a_host_only_a_listed_origin_may_write, 0, ROWS(origin_rows));
	tcase_add_loop_test(pages, any_origin_is_any_however_the_star_is_written, 0, ROWS(star_rows));
	tcase_add_test(pages, a_switch_by_get_is_guarded_like_a_word);
	tcase_add_loop_test(pages, a_file_may_be_read_from_any_page, 0, ROWS(origin_rows));
	suite_add_tcase(suite, pages);

	tcase_add_loop_test(lists, a_list_of_hosts_has_names_and_addresses_without_ports, 0, ROWS(host_lists));
	tcase_add_loop_test(lists, a_list_of_origins_has_origins_and_stars, 0, ROWS(origin_lists));
	suite_add_tcase(suite, lists);
	return suite;
}
