/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Sockets from the service manager. They come as descriptors from 3 on, so each test is a process of its own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/activate.h"
#include "httapd_limits.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define FIRST 3

static struct httap httap;
static struct httap_error error;

/* --- Descriptors -------------------------------------------------------------------------------------------------- */

static int make_tcp(void)
{
	return rig_listening(AF_INET, SOCK_STREAM);
}

static int make_udp(void)
{
	return rig_listening(AF_INET, SOCK_DGRAM);
}

static int make_silent(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int make_pipe(void)
{
	int ends[2];

	must(pipe(ends) == 0);
	return ends[0];
}

static int make_local(void)
{
	return rig_listening(AF_UNIX, SOCK_STREAM);
}

static int make_packets(void)
{
	return rig_listening(AF_UNIX, SOCK_SEQPACKET);
}

static int make_datagrams(void)
{
	return rig_listening(AF_UNIX, SOCK_DGRAM);
}

static int make_nothing(void)
{
	return -1;
}

/* Hands `count` of them over, as systemd does. The rig's own descriptors are closed: they would be in the way. */
static void hand_over(int (*const make[])(void), int count, const char *names)
{
	int fd[16];
	char text[16];

	for (int i = 0; i < count; i++) {
		int made = make[i]();
		fd[i] = made >= 0 ? fcntl(made, F_DUPFD, 50) : -1; /* not closed by exec any more, like systemd's */
	}
	for (int i = FIRST; i < 50; i++)
		(void)close(i);
	for (int i = 0; i < count; i++)
		if (fd[i] >= 0)
			must(dup2(fd[i], FIRST + i) == FIRST + i && close(fd[i]) == 0);
	(void)snprintf(text, sizeof(text), "%d", count);
	rig_env_set("LISTEN_FDS", text);
	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	rig_env_set("LISTEN_PID", text);
	rig_env_set("LISTEN_FDNAMES", names);
	httap = (struct httap){ .config = { .static_path = rig.root } };
}

static void must_have_unset(void)
{
	must(getenv("LISTEN_FDS") == NULL && getenv("LISTEN_PID") == NULL && getenv("LISTEN_FDNAMES") == NULL);
}

static void connect_to(int listener)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char reply[16];

	must(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
	int fd = socket(address.ss_family, SOCK_STREAM, 0);
	must(fd >= 0 && connect(fd, (const struct sockaddr *)&address, size) == 0);
	must(send(fd, "GET /?ping" END, sizeof("GET /?ping" END) - 1, 0) > 0);
	while (recv(fd, reply, sizeof(reply), MSG_DONTWAIT) <= 0)
		must(httap_blocking(&httap) >= 0);
	must(memcmp(reply, "HTTP/1.1 200 OK", 15) == 0);
	(void)close(fd);
}

/* --- Good ones ---------------------------------------------------------------------------------------------------- */

static void two_sockets(void)
{
	hand_over((int (*const[])(void)){ make_tcp, make_local }, 2, "web:local");
	must(activate_sockets(&httap, &error) == 2);
	must_have_unset();
	must((fcntl(FIRST, F_GETFD) & FD_CLOEXEC) != 0 && (fcntl(FIRST + 1, F_GETFD) & FD_CLOEXEC) != 0);
	connect_to(FIRST);
	connect_to(FIRST + 1);
	httap_stop(&httap);
	must(fcntl(FIRST, F_GETFD) < 0 && fcntl(FIRST + 1, F_GETFD) < 0);
}

START_TEST(sockets_that_were_handed_over_are_served)
{
	rig_in_child(two_sockets);
}
END_TEST

static void socket_without_names(void)
{
	hand_over((int (*const[])(void)){ make_local }, 1, NULL);
	must(activate_sockets(&httap, &error) == 1);
	must_have_unset();
	connect_to(FIRST);
}

START_TEST(a_socket_without_a_name_is_served)
{
	rig_in_child(socket_without_names);
}
END_TEST

static void most_sockets(void)
{
	int (*make[HTTAP_LISTENERS_MAX])(void);

	for (int i = 0; i < HTTAP_LISTENERS_MAX; i++)
		make[i] = make_local;
	hand_over(make, HTTAP_LISTENERS_MAX, NULL);
	must(activate_sockets(&httap, &error) == HTTAP_LISTENERS_MAX);
	connect_to(FIRST + HTTAP_LISTENERS_MAX - 1);
}

START_TEST(eight_sockets_are_served)
{
	rig_in_child(most_sockets);
}
END_TEST

/* --- None --------------------------------------------------------------------------------------------------------- */

static void no_variables(void)
{
	must(activate_sockets(&httap, &error) == 0);
	must(httap.server == NULL);
}

static void for_another_process(void)
{
	hand_over((int (*const[])(void)){ make_tcp }, 1, "web");
	rig_env_set("LISTEN_PID", "1");
	must(activate_sockets(&httap, &error) == 0);
	must_have_unset();
	must(fcntl(FIRST, F_GETFD) == 0); /* not ours, not touched */
	must(httap.server == NULL);
}

START_TEST(without_sockets_of_ours_nothing_is_taken)
{
	rig_in_child(_i == 0 ? no_variables : for_another_process);
}
END_TEST

/* --- Bad ones ----------------------------------------------------------------------------------------------------- */

static const struct refused_row {
	int (*make)(void);
	const char *said;
} refused[] = {
	{ make_udp, "listening stream socket" },
	{ make_silent, "listening stream socket" },
	{ make_pipe, "listening stream socket" },
	{ make_packets, "listening stream socket" },
	{ make_datagrams, "listening stream socket" },
	{ make_nothing, "LISTEN_FDS" },
};

static const struct refused_row *row;

static void one_is_bad(void)
{
	hand_over((int (*const[])(void)){ make_local, row->make }, 2, "good:bad-one");
	must(activate_sockets(&httap, &error) == -1);
	must(strstr(error.text, row->said) != NULL);
	must(row->make == make_nothing || strstr(error.text, "descriptor 4 (bad-one)") != NULL);
	must_have_unset();
	httap_stop(&httap);
}

START_TEST(a_socket_that_cannot_be_served_is_refused_by_its_name)
{
	row = &refused[_i];
	rig_in_child(one_is_bad);
}
END_TEST

static void too_many(void)
{
	int (*make[HTTAP_LISTENERS_MAX + 1])(void);

	for (int i = 0; i <= HTTAP_LISTENERS_MAX; i++)
		make[i] = make_local;
	hand_over(make, HTTAP_LISTENERS_MAX + 1, NULL);
	must(activate_sockets(&httap, &error) == -1);
	must(strstr(error.text, "descriptor 11") != NULL);
}

START_TEST(a_ninth_socket_is_refused)
{
	rig_in_child(too_many);
}
END_TEST

static const char *const bad_counts[] = { "0", "-1", "one", "1x", "99999999999" };
static const char *bad_count;

static void counted_wrongly(void)
{
	hand_over((int (*const[])(void)){ make_local }, 1, NULL);
	rig_env_set("LISTEN_FDS", bad_count);
	must(activate_sockets(&httap, &error) == -1);
	must(strstr(error.text, "LISTEN_FDS") != NULL);
	must_have_unset();
}

START_TEST(a_count_that_is_none_is_refused)
{
	bad_count = bad_counts[_i];
	rig_in_child(counted_wrongly);
}
END_TEST

static void setup(void)
{
	rig_env_clear();
	rig_unix();
	httap = (struct httap){ .config = { .static_path = rig.root } };
}

static void teardown(void)
{
	rig_down();
	rig_env_restore();
}

Suite *daemon_activate_suite(void)
{
	Suite *suite = suite_create("daemon activate");
	TCase *tcase = tcase_create("sockets");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, sockets_that_were_handed_over_are_served);
	tcase_add_test(tcase, a_socket_without_a_name_is_served);
	tcase_add_test(tcase, eight_sockets_are_served);
	tcase_add_loop_test(tcase, without_sockets_of_ours_nothing_is_taken, 0, 2);
	tcase_add_loop_test(tcase, a_socket_that_cannot_be_served_is_refused_by_its_name, 0, ROWS(refused));
	tcase_add_test(tcase, a_ninth_socket_is_refused);
	tcase_add_loop_test(tcase, a_count_that_is_none_is_refused, 0, ROWS(bad_counts));
	suite_add_tcase(suite, tcase);
	return suite;
}
