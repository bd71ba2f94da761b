/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The server as a whole: starting and stopping, listeners, the table of connections when it is full, its deadlines, and what it
 * offers to a program's own loop.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httap/server.h"
#include "httapd_limits.h"
#include "tests/unit/rig.h"
#include "tests/unit/unit.h"

#define NEVER INT64_MAX

/* --- Listeners ---------------------------------------------------------------------------------------------------- */

/* A listening socket on 127.0.0.1 and a free port. */
static int make_listener(int *port)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int fd = rig_listening(AF_INET, SOCK_STREAM);

	must(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	if (port != NULL)
		*port = ntohs(address.sin_port);
	return fd;
}

static int closed_descriptor(void)
{
	int fd = dup(STDIN_FILENO);

	must(fd >= 0 && close(fd) == 0);
	return fd;
}

static int pipe_end(void)
{
	int ends[2];

	must(pipe2(ends, O_CLOEXEC) == 0 && close(ends[1]) == 0);
	return ends[0];
}

static int datagram(void)
{
	return rig_listening(AF_INET, SOCK_DGRAM);
}

static int not_listening(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int packets(void)
{
	return rig_listening(AF_UNIX, SOCK_SEQPACKET);
}

static const struct bad_listener_row {
	int (*make)(void);
	int error;
} bad_listeners[] = {
	{ closed_descriptor, EBADF },
	{ pipe_end, ENOTSOCK },
	{ datagram, EINVAL },
	{ not_listening, EINVAL },
	{ packets, EINVAL },
};

START_TEST(what_is_no_listening_stream_socket_is_refused)
{
	int fd = bad_listeners[_i].make();

	errno = 0;
	ck_assert_int_eq(httap_add_listener(&rig.httap, fd), -1);
	ck_assert_int_eq(errno, bad_listeners[_i].error);
	if (bad_listeners[_i].error != EBADF)
		ck_assert_int_eq(close(fd), 0); /* it stayed the caller's */
}
END_TEST

START_TEST(eight_listeners_are_taken_and_a_ninth_is_not)
{
	int fd;

	for (int i = 1; i < HTTAP_LISTENERS_MAX; i++) /* the rig's own is one */
		ck_assert_int_eq(httap_add_listener(&rig.httap, make_listener(NULL)), 0);
	fd = make_listener(NULL);
	ck_assert_int_eq(httap_add_listener(&rig.httap, fd), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(close(fd), 0);
	expect(peer_ask(rig_peer(), "GET /?LED"), 200, NULL);
}
END_TEST

START_TEST(a_listener_is_refused_once_the_server_has_started)
{
	int fd = make_listener(NULL);

	rig_start();
	ck_assert_int_eq(httap_add_listener(&rig.httap, fd), -1);
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(the_port_of_a_socket_that_was_handed_in_is_known)
{
	struct httap httap = { .config = { .static_path = rig.root } };
	struct httap_error error;
	int port;

	ck_assert_int_eq(httap_port(&httap), 0);
	ck_assert_int_eq(httap_add_listener(&httap, make_listener(&port)), 0);
	ck_assert_int_eq(httap_start(&httap, &error), 0);
	int told = httap_port(&httap);
	httap_stop(&httap);
	ck_assert_int_eq(told, port);
	ck_assert_int_eq(httap_port(&httap), 0);
}
END_TEST

START_TEST(a_unix_socket_has_no_port)
{
	rig_start();
	ck_assert_int_eq(httap_port(&rig.httap), 0);
}
END_TEST

START_TEST(the_server_owns_a_listener_and_closes_it)
{
	struct httap httap = { .config = { .static_path = rig.root } };
	int fd = make_listener(NULL);

	ck_assert_int_eq(httap_add_listener(&httap, fd), 0);
	httap_stop(&httap); /* not even started */
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* --- Binding: in a network of its own, where every port is free --------------------------------------------------- */

static int connect_to(const char *address, int port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} to = { .six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) } };
	socklen_t size = sizeof(to.six);

	if (inet_pton(AF_INET6, address, &to.six.sin6_addr) != 1) {
		to.four = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
		must(inet_pton(AF_INET, address, &to.four.sin_addr) == 1);
		size = sizeof(to.four);
	}
	int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0);
	if (connect(fd, &to.any, size) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static void is_served_at(struct httap *httap, const char *address, int port)
{
	char reply[64];
	int fd = connect_to(address, port);

	must(fd >= 0);
	must(send(fd, "GET /?ping" END, sizeof("GET /?ping" END) - 1, 0) > 0);
	while (recv(fd, reply, sizeof(reply), MSG_DONTWAIT) <= 0)
		must(httap_blocking(httap) >= 0);
	must(memcmp(reply, "HTTP/1.1 200 ", 13) == 0);
	(void)close(fd);
}

static void all_defaults(void)
{
	struct httap httap = { .config = { .static_path = rig.root } };

	must(rig_private_network());
	must(httap_polled(&httap) == 0);
	must(httap_port(&httap) == HTTAP_PORT_DEFAULT);
	is_served_at(&httap, "127.0.0.1", 60000);
	is_served_at(&httap, "::1", 60000);
	httap_stop(&httap);
	must(connect_to("127.0.0.1", 60000) < 0);
	must(httap_polled(&httap) == 0); /* again, at once: it need not wait for old connections to be forgotten */
	is_served_at(&httap, "127.0.0.1", 60000);
	httap_stop(&httap);
}

START_TEST(a_structure_of_zeros_serves_on_its_first_pass)
{
	rig_in_child(all_defaults);
}
END_TEST

static void two_addresses(void)
{
	struct httap httap = { .config = { .static_path = rig.root, .port = HTTAP_PORT_ANY, .listen = "127.0.0.1 [::1]" } };
	int port;

	must(rig_private_network());
	must(httap_polled(&httap) == 0);
	port = httap_port(&httap);
	must(port > 0);
	is_served_at(&httap, "127.0.0.1", port);
	is_served_at(&httap, "::1", port);
	must(connect_to("127.0.0.2", port) < 0); /* not everywhere */
	httap_stop(&httap);
}

START_TEST(a_free_port_is_the_same_at_all_addresses)
{
	rig_in_child(two_addresses);
}
END_TEST

static void taken_port(void)
{
	struct httap one = { .config = { .static_path = rig.root, .port = 8080, .listen = "127.0.0.1" } };
	struct httap other = one;
	struct httap_error error;

	must(rig_private_network());
	must(httap_start(&one, &error) == 0);
	unsigned int before = rig_descriptors();
	must(httap_start(&other, &error) == -1);
	must(strstr(error.text, "127.0.0.1 port 8080") != NULL && strstr(error.text, "HTTAP_TCPPORT") != NULL);
	must(rig_descriptors() == before);
	must(httap_polled(&other) == -1 && errno != 0);
	httap_stop(&one);
	must(httap_start(&other, &error) == 0);
	httap_stop(&other);
}

START_TEST(a_port_that_is_taken_is_refused_with_advice)
{
	rig_in_child(taken_port);
}
END_TEST

/* --- Starting and stopping ---------------------------------------------------------------------------------------- */

START_TEST(nothing_is_there_before_the_start_and_after_the_stop)
{
	struct httap httap = { .config = { .static_path = rig.root } };

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(httap_fd(&httap), -1);
		ck_assert_int_eq(httap_static_fd(&httap), -1);
		ck_assert_int_eq(httap_port(&httap), 0);
		ck_assert_int_eq(httap_deadline(&httap), NEVER);
		httap_stop(&httap);
		httap_stop(&httap);
		ck_assert_ptr_null(httap.server);
	}
}
END_TEST

START_TEST(starting_twice_is_starting_once)
{
	struct peer *peer = rig_peer_served();
	struct httap_server *server = rig.httap.server;
	struct httap_error error;

	ck_assert_int_eq(httap_start(&rig.httap, &error), 0);
	ck_assert_ptr_eq(rig.httap.server, server);
	expect(peer_ask(peer, "GET /?LED"), 200, NULL);
}
END_TEST

START_TEST(a_stopped_server_starts_again_with_the_same_structure)
{
	unsigned int before = rig_descriptors();

	for (int i = 0; i < 3; i++) {
		struct peer *peer = rig_peer_served(), *begun = rig_peer();
		peer_say(begun, "GET /");
		(void)rig_run();
		httap_stop(&rig.httap);
		(void)peer_take(peer);
		ck_assert(peer->eof);
		peer_leave(peer);
		peer_leave(begun);
		ck_assert_int_eq(httap_fd(&rig.httap), -1);
		ck_assert_uint_eq(rig_descriptors(), before);
	}
}
END_TEST

START_TEST(a_start_that_fails_can_be_tried_again)
{
	struct httap_error error;
	unsigned int before = rig_descriptors();

	rig.httap.config.root_page = "missing.html";
	ck_assert_int_eq(httap_start(&rig.httap, &error), -1);
	ck_assert_uint_eq(rig_descriptors(), before);
	rig.httap.config.root_page = NULL;
	ck_assert_int_eq(httap_start(&rig.httap, &error), 0);
	expect(peer_ask(rig_peer(), "GET /"), 200, NULL);
}
END_TEST

/* Of memory: for the server, the connections, the sessions. */
static const struct lack {
	enum rig_call call;
	unsigned int turn;
	int error;
	const char *sentence;
} lacks[] = {
	{ RIG_MMAP, 1, ENOMEM, "no memory for the server: Cannot allocate memory" },
	{ RIG_MMAP, 2, ENOMEM, "can't make the tables of connections and sessions: Cannot allocate memory" },
	{ RIG_CALLOC, 1, ENOMEM, "can't make the tables of connections and sessions: Cannot allocate memory" },
	{ RIG_EPOLL_CREATE, 1, EMFILE, "epoll_create1: Too many open files" },
	{ RIG_SOCKET, 1, EMFILE, "can't listen on 127.0.0.1 port 0: Too many open files" },
};

START_TEST(a_start_that_lacks_something_says_what_and_can_be_tried_again)
{
	const struct lack *lack = &lacks[_i];
	struct httap httap = { .config = rig.httap.config };
	struct httap_error error = { "" };
	unsigned int before = rig_descriptors();

	if (lack->call == RIG_CALLOC && !rig_counts_allocations())
		return;
	rig_fail_call(lack->call, lack->turn, lack->error);
	errno = 0;
	ck_assert_int_eq(httap_start(&httap, &error), -1);
	ck_assert_int_eq(errno, lack->error);
	ck_assert_str_eq(error.text, lack->sentence);
	ck_assert_ptr_null(httap.server);
	ck_assert_uint_eq(rig_descriptors(), before);
	ck_assert_int_eq(httap_start(&httap, &error), 0);
	httap_stop(&httap);
}
END_TEST

START_TEST(a_listener_that_there_is_no_memory_for_stays_with_its_owner)
{
	struct httap httap = { .config = rig.httap.config };
	int fd = make_listener(NULL);

	rig_fail_call(RIG_MMAP, 1, ENOMEM);
	ck_assert_int_eq(httap_add_listener(&httap, fd), -1);
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

/* A kernel without IPv6 has no such sockets. */
static void without_ipv6(void)
{
	struct httap httap = { .config = { .static_path = rig.root, .port = HTTAP_PORT_ANY } };

	must(rig_private_network());
	rig_fail_call(RIG_SOCKET, 1, EAFNOSUPPORT);
	must(httap_polled(&httap) == 0);
	is_served_at(&httap, "127.0.0.1", httap_port(&httap));
	must(connect_to("::1", httap_port(&httap)) < 0);
	httap_stop(&httap);
}

START_TEST(without_ipv6_every_address_is_every_one_of_ipv4)
{
	rig_in_child(without_ipv6);
}
END_TEST

static void no_sockets(void)
{
	struct httap httap = { .config = { .static_path = rig.root } };
	struct httap_error error;

	must(rig_private_network());
	rig_fail_call(RIG_SOCKET, 1, EACCES);
	must(httap_start(&httap, &error) == -1);
	must(strcmp(error.text,
		     "can't listen on every address, port 60000: Permission denied; ports below 1024 need root or a socket from systemd") ==
		0);
}

START_TEST(when_no_address_can_be_had_that_is_told)
{
	rig_in_child(no_sockets);
}
END_TEST

START_TEST(a_pass_that_can_not_ask_the_kernel_fails_and_the_next_one_serves)
{
	struct peer *peer = rig_peer_served();

	rig_fail_call(RIG_EPOLL_WAIT, 1, EINTR); /* a signal is no failure */
	ck_assert_int_eq(httap_polled(&rig.httap), 0);
	rig_fail_call(RIG_EPOLL_WAIT, 1, EBADF);
	ck_assert_int_eq(httap_polled(&rig.httap), -1);
	ck_assert_int_eq(errno, EBADF);
	expect(peer_ask(peer, "GET /?LED"), 200, NULL);
}
END_TEST

static void must_not_wake(void *context)
{
	(void)context;
	ck_abort_msg("it was woken");
}

START_TEST(before_the_start_nobody_is_woken_or_watched)
{
	httap_wake_at(&(struct httap){ 0 }, 0, must_not_wake, NULL);
	httap_wake_at(&rig.httap, NEVER, must_not_wake, NULL);
	ck_assert_int_eq(httap_watch(&(struct httap){ 0 }, STDIN_FILENO, NULL, NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	expect(peer_ask(rig_peer(), "GET /?LED"), 200, NULL);
}
END_TEST

START_TEST(before_the_start_there_is_no_root_page)
{
	struct httap_error error = { "" };

	ck_assert_int_eq(httap_check_root_page(&rig.httap, &error), -1);
	ck_assert_str_eq(error.text, "the server has not been started");
}
END_TEST

START_TEST(the_root_page_can_be_checked_again_after_the_start)
{
	struct httap_error error;
	char path[256];

	rig_start();
	ck_assert_int_eq(httap_check_root_page(&rig.httap, &error), 0);
	(void)snprintf(path, sizeof(path), "%s/index.html", rig.root);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(httap_check_root_page(&rig.httap, &error), -1);
	ck_assert_ptr_nonnull(strstr(error.text, "HTTAP_ROOTPAGE"));
}
END_TEST

static void on_pipe(int number)
{
	(void)number;
}

static void default_sigpipe(void)
{
	struct sigaction action;

	(void)signal(SIGPIPE, SIG_DFL);
	rig_start();
	must(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN);
}

static void handled_sigpipe(void)
{
	struct sigaction action;

	(void)signal(SIGPIPE, on_pipe);
	rig_start();
	must(sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == on_pipe);
}

START_TEST(sigpipe_is_ignored_unless_the_program_handles_it)
{
	rig_in_child(default_sigpipe);
	rig_in_child(handled_sigpipe);
}
END_TEST

/* --- The pass ----------------------------------------------------------------------------------------------------- */

START_TEST(a_pass_tells_what_happened)
{
	ck_assert_int_eq(rig_run(), 0);
	struct peer *peer = rig_peer();
	ck_assert_int_eq(rig_run(), HTTAP_ACCEPTED);
	peer_say(peer, "GET /?LED" END);
	ck_assert_int_eq(rig_run(), HTTAP_ANSWERED);
	peer_say(peer, "GET /?LED");
	ck_assert_int_eq(rig_run(), 0);
	peer_leave(peer);
	ck_assert_int_eq(rig_run(), HTTAP_CLOSED);
	peer = rig_peer();
	peer_say(peer, "GET /?LED HTTP/1.0\r\n\r\n");
	ck_assert_int_eq(rig_run(), HTTAP_ACCEPTED | HTTAP_ANSWERED | HTTAP_CLOSED);
}
END_TEST

START_TEST(an_idle_server_is_not_readable_and_a_pass_does_nothing)
{
	struct peer *silent = rig_peer(), *served = rig_peer_served(), *partial = rig_peer();

	peer_say(partial, "GET ");
	(void)rig_run();
	for (int i = 0; i < 10; i++) {
		ck_assert(!rig_ready());
		ck_assert_int_eq(rig_pass(), 0);
	}
	ck_assert(peer_quiet(silent) && peer_quiet(served) && peer_quiet(partial));
}
END_TEST

START_TEST(polled_and_blocking_passes_alternate)
{
	struct peer *peer = rig_peer();

	for (int i = 0; i < 6; i++) {
		peer_say(peer, "GET /?LED" END);
		int happened = i % 2 == 0 ? httap_polled(&rig.httap) : httap_blocking(&rig.httap);
		if (i == 0)
			happened = happened == HTTAP_ACCEPTED ? httap_polled(&rig.httap) : -1;
		ck_assert_int_eq(happened, HTTAP_ANSWERED);
		expect(peer_answer(peer), 200, NULL);
	}
	rig.simulate_waits = true;
	rig.waited_ms = -2;
	ck_assert_int_eq(httap_polled(&rig.httap), 0);
	ck_assert_int_eq(rig.waited_ms, 0);
	ck_assert_int_eq(httap_blocking(&rig.httap), HTTAP_CLOSED); /* after the keep-alive */
	ck_assert_int_eq(rig.waited_ms, 15000);
}
END_TEST

START_TEST(a_blocking_pass_without_deadlines_waits_without_limit)
{
	rig_start();
	rig.simulate_waits = true;
	ck_assert_int_eq(httap_blocking(&rig.httap), 0);
	ck_assert_int_eq(rig.waited_ms, -1);
}
END_TEST

static void count_wake(void *context)
{
	++*(int *)context;
}

static const struct wait_row {
	int64_t wake_in; /* microseconds from the start */
	int64_t later;   /* what the program does between two passes takes that long */
	int ms;
} waits[] = {
	{ 200 * MS, 0, 200 },
	{ 200 * MS + 1, 0, 201 }, /* rounded up: half a wait more would be a busy loop */
	{ 1, 0, 1 },
	{ 0, 0, 0 },
	{ 2000 * MS, 1500 * MS, 500 },
	{ 2000 * MS, 2000 * MS, 0 },
	{ 2000 * MS, 9000 * MS, 0 },
};

START_TEST(a_blocking_pass_waits_until_the_deadline_and_no_longer)
{
	int64_t start = rig.clock;
	int woken = 0;

	ck_assert_int_eq(rig_run(), 0);
	httap_wake_at(&rig.httap, start + waits[_i].wake_in, count_wake, &woken);
	rig.clock += waits[_i].later;
	rig.simulate_waits = true;
	ck_assert_int_eq(httap_blocking(&rig.httap), 0);
	ck_assert_int_eq(rig.waited_ms, waits[_i].ms);
	ck_assert_int_eq(woken, 1);
}
END_TEST

/* --- Deadlines ---------------------------------------------------------------------------------------------------- */

START_TEST(the_deadline_is_the_nearest_of_all)
{
	int64_t start = rig.clock;
	int woken = 0;

	rig_start();
	ck_assert_int_eq(httap_now(&rig.httap), start);
	ck_assert_int_eq(httap_deadline(&rig.httap), NEVER);
	struct peer *served = rig_peer_served();
	ck_assert_int_eq(httap_deadline(&rig.httap), start + 15 * SECONDS);
	(void)rig_pass_time(SECONDS);
	struct peer *silent = rig_peer();
	(void)rig_run();
	ck_assert_int_eq(httap_deadline(&rig.httap), start + 4 * SECONDS);
	httap_wake_at(&rig.httap, start + 2 * SECONDS, count_wake, &woken);
	ck_assert_int_eq(httap_deadline(&rig.httap), start + 2 * SECONDS);
	(void)rig_pass_time(SECONDS);
	ck_assert_int_eq(woken, 1);
	ck_assert_int_eq(httap_deadline(&rig.httap), start + 4 * SECONDS);
	peer_leave(silent);
	(void)rig_run();
	ck_assert_int_eq(httap_deadline(&rig.httap), start + 15 * SECONDS);
	peer_leave(served);
	(void)rig_run();
	ck_assert_int_eq(httap_deadline(&rig.httap), NEVER);
}
END_TEST

/* Whoever sets the clock of the machine, or takes it from the network, ends nobody's connection and keeps none. */
START_TEST(the_time_of_day_has_no_part_in_any_deadline)
{
	static const int64_t jumps[] = { 3600 * SECONDS, 10 * 366 * 86400 * SECONDS, -20 * 366 * 86400 * SECONDS, -1, INT64_C(1) << 50 };
	struct peer *peer = rig_peer_served();
	int64_t deadline = httap_deadline(&rig.httap);

	for (size_t i = 0; i < ROWS(jumps); i++) {
		rig.wall += jumps[i];
		(void)rig_run();
		ck_assert_int_eq(httap_deadline(&rig.httap), deadline);
	}
	(void)rig_pass_time(15 * SECONDS - 1);
	ck_assert(peer_quiet(peer));
	(void)rig_pass_time(1);
	ck_assert(peer_closed(peer));
}
END_TEST

/* A machine that slept: each is told once what was due, and then there is nothing left to do. */
START_TEST(all_that_was_due_in_a_day_that_is_skipped_is_done_at_once)
{
	struct peer *idle = rig_peer_served(), *silent = rig_peer(), *half = rig_peer();
	int woken = 0;

	peer_say(half, "GET /?LED");
	(void)rig_run();
	httap_wake_at(&rig.httap, rig.clock + SECONDS, count_wake, &woken);
	rig.clock += 86400 * SECONDS;
	(void)rig_run();
	ck_assert_int_eq(woken, 1);
	ck_assert(peer_closed(idle));
	ck_assert(peer_closed(silent));
	expect(peer_answer(half), 408, NULL);
	(void)rig_pass_time(SECONDS);
	ck_assert(peer_closed(half));
	ck_assert_int_eq(httap_deadline(&rig.httap), NEVER);
}
END_TEST

START_TEST(a_wake_comes_once_at_its_time)
{
	int woken = 0;

	rig_start();
	httap_wake_at(&rig.httap, rig.clock + 10, count_wake, &woken);
	(void)rig_pass_time(9);
	ck_assert_int_eq(woken, 0);
	(void)rig_pass_time(1);
	ck_assert_int_eq(woken, 1);
	(void)rig_pass_time(1000 * SECONDS);
	ck_assert_int_eq(woken, 1);
}
END_TEST

START_TEST(a_wake_in_the_past_comes_with_the_next_pass)
{
	int woken = 0;

	rig_start();
	httap_wake_at(&rig.httap, 0, count_wake, &woken);
	(void)rig_pass();
	ck_assert_int_eq(woken, 1);
}
END_TEST

START_TEST(a_new_wake_replaces_the_old_one)
{
	int first = 0, second = 0;

	rig_start();
	httap_wake_at(&rig.httap, rig.clock + 10, count_wake, &first);
	httap_wake_at(&rig.httap, rig.clock + 20, count_wake, &second);
	(void)rig_pass_time(10);
	ck_assert_int_eq(first + second, 0);
	(void)rig_pass_time(10);
	ck_assert_int_eq(first, 0);
	ck_assert_int_eq(second, 1);
}
END_TEST

START_TEST(a_wake_can_be_cancelled)
{
	int woken = 0;

	rig_start();
	httap_wake_at(&rig.httap, rig.clock + 10, count_wake, &woken);
	httap_wake_at(&rig.httap, INT64_MAX, count_wake, &woken);
	ck_assert_int_eq(httap_deadline(&rig.httap), NEVER);
	httap_wake_at(&rig.httap, rig.clock + 10, NULL, NULL);
	(void)rig_pass_time(1000 * SECONDS);
	ck_assert_int_eq(woken, 0);
}
END_TEST

static void wake_again(void *context)
{
	if (++*(int *)context < 3)
		httap_wake_at(&rig.httap, httap_now(&rig.httap) + 10, wake_again, context);
}

START_TEST(a_wake_can_ask_for_the_next_one)
{
	int woken = 0;

	rig_start();
	httap_wake_at(&rig.httap, rig.clock, wake_again, &woken);
	for (int i = 1; i <= 3; i++) {
		(void)rig_run();
		ck_assert_int_eq(woken, i);
		rig.clock += 10;
	}
	(void)rig_run();
	ck_assert_int_eq(woken, 3);
}
END_TEST

/* --- Watches ------------------------------------------------------------------------------------------------------ */

struct watched {
	int fd;
	int count;
};

static void on_ready(void *context, int fd)
{
	struct watched *watched = context;
	char byte;

	ck_assert_int_eq(read(fd, &byte, 1), 1);
	watched->fd = fd;
	watched->count++;
}

START_TEST(a_watched_descriptor_is_told_of_when_it_is_readable)
{
	struct watched watched = { 0 };
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	rig_start();
	ck_assert_int_eq(httap_watch(&rig.httap, ends[0], on_ready, &watched), 0);
	ck_assert_int_eq(rig_run(), 0);
	ck_assert_int_eq(write(ends[1], "ab", 2), 2);
	ck_assert(rig_ready());
	ck_assert_int_eq(rig_pass(), HTTAP_WATCHED);
	ck_assert_int_eq(watched.count, 1);
	ck_assert_int_eq(watched.fd, ends[0]);
	ck_assert_int_eq(httap_blocking(&rig.httap), HTTAP_WATCHED);
	ck_assert_int_eq(watched.count, 2);
	ck_assert_int_eq(rig_run(), 0);
	httap_stop(&rig.httap);
	ck_assert_int_eq(close(ends[0]), 0); /* it stayed the caller's */
	ck_assert_int_eq(close(ends[1]), 0);
}
END_TEST

START_TEST(sixteen_descriptors_can_be_watched)
{
	struct watched watched[HTTAP_WATCHES_MAX + 1] = { { 0 } };
	int ends[HTTAP_WATCHES_MAX + 1][2];

	rig_start();
	for (int i = 0; i <= HTTAP_WATCHES_MAX; i++)
		ck_assert_int_eq(pipe2(ends[i], O_CLOEXEC), 0);
	for (int i = 0; i < HTTAP_WATCHES_MAX; i++)
		ck_assert_int_eq(httap_watch(&rig.httap, ends[i][0], on_ready, &watched[i]), 0);
	ck_assert_int_eq(httap_watch(&rig.httap, ends[HTTAP_WATCHES_MAX][0], on_ready, &watched[HTTAP_WATCHES_MAX]), -1);
	ck_assert_int_eq(errno, ENOSPC);
	for (int i = 0; i <= HTTAP_WATCHES_MAX; i++)
		ck_assert_int_eq(write(ends[i][1], "a", 1), 1);
	ck_assert_int_eq(rig_run(), HTTAP_WATCHED);
	for (int i = 0; i <= HTTAP_WATCHES_MAX; i++) {
		ck_assert_int_eq(watched[i].count, i < HTTAP_WATCHES_MAX);
		ck_assert(i == HTTAP_WATCHES_MAX || watched[i].fd == ends[i][0]);
		(void)close(ends[i][0]);
		(void)close(ends[i][1]);
	}
}
END_TEST

START_TEST(what_cannot_be_watched_is_refused_with_errno)
{
	ck_assert_int_eq(httap_watch(&rig.httap, STDIN_FILENO, on_ready, NULL), -1);
	ck_assert_int_eq(errno, EINVAL); /* before the start */
	rig_start();
	ck_assert_int_eq(httap_watch(&rig.httap, closed_descriptor(), on_ready, NULL), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* --- A full table ------------------------------------------------------------------------------------------------- */

static struct peer *one_that_began(const char *bytes)
{
	struct peer *peer = rig_peer();

	peer_say(peer, bytes);
	(void)rig_run();
	return peer;
}

/* Two that have spoken, in a table for two. */
static void fill(struct peer *two[static 2])
{
	rig.httap.config.connections = 2;
	two[0] = rig_peer_served();
	two[1] = one_that_began("GET");
}

START_TEST(silent_connections_give_way_oldest_first)
{
	struct peer *peer[5];

	rig.httap.config.connections = 2;
	for (int i = 0; i < 5; i++) {
		peer[i] = rig_peer();
		int happened = rig_run();
		ck_assert_int_eq(happened, i < 2 ? HTTAP_ACCEPTED : HTTAP_ACCEPTED | HTTAP_CLOSED);
		rig.clock += MS;
		if (i >= 2)
			ck_assert(peer_closed(peer[i - 2]));
	}
	ck_assert_uint_eq(peer[2]->in_len, 0);
	expect(peer_ask(peer[3], "GET /?LED"), 200, NULL);
	expect(peer_ask(peer[4], "GET /?LED"), 200, NULL);
}
END_TEST

static const char *const beginnings[] = {
	"G",
	"GET /?LED" HOST,
	"POST /?LED" HOST "Content-Length: 2\r\n\r\n",
	"GET /?LED" END,
};

START_TEST(a_connection_that_has_begun_to_speak_keeps_its_place)
{
	rig.httap.config.connections = 2;
	struct peer *speaking = one_that_began(beginnings[_i]);
	struct peer *silent = rig_peer();
	(void)rig_run();
	(void)peer_take(speaking);
	struct peer *third = rig_peer();
	ck_assert_int_eq(rig_run(), HTTAP_ACCEPTED | HTTAP_CLOSED);
	ck_assert(peer_closed(silent));
	ck_assert(peer_quiet(speaking));
	expect(peer_ask(third, "GET /?LED"), 200, NULL); /* not from the lobby */
}
END_TEST

/* Whatever order the kernel tells of it in: the listening socket is first when it was in the pass before. */
START_TEST(a_request_that_has_arrived_keeps_its_place_though_it_was_not_read_yet)
{
	struct peer *speaking, *silent, *third;

	rig.httap.config.connections = 2;
	speaking = rig_peer();
	silent = rig_peer();
	(void)(_i == 0 ? rig_run() : rig_pass());
	peer_say(speaking, "POST /?stop" HOST "Content-Length: 0\r\n\r\n");
	third = rig_peer();
	expect(peer_answer(speaking), 200, NULL);
	ck_assert_uint_eq(rig.app.stops, 1);
	expect(peer_ask(third, "GET /?LED"), 200, NULL);
	ck_assert(peer_closed(silent));
}
END_TEST

/* His bytes may come between the look at him and the newcomer's acceptance, when no other slot is free. */
START_TEST(who_speaks_up_while_he_gives_way_leaves_a_slot_behind)
{
	struct httap_server *server;

	rig.httap.config.connections = 2;
	for (int i = 0; i < 2 + HTTAP_LOBBY - 1; i++)
		(void)one_that_began("GET");
	struct peer *silent = rig_peer();
	(void)rig_run();
	server = rig.httap.server;
	ck_assert_ptr_eq(server->free, server->conn_end);
	struct conn *slot = server_slot_next(server);
	ck_assert_ptr_nonnull(slot);
	peer_say(silent, "GET /?LED" END);
	ck_assert_ptr_null(server_slot_next(server));
	ck_assert_ptr_eq(server_slot_take(server, slot), slot);
	ck_assert_ptr_eq(server->free, server->conn_end);
	ck_assert_int_eq(slot->state, CONN_FREE);
	ck_assert(peer_closed(silent));
	server_slot_free(slot);
}
END_TEST

START_TEST(who_waited_between_requests_keeps_his_place)
{
	struct peer *peer[2];

	rig.httap.config.connections = 2;
	peer[0] = rig_peer_served();
	peer[1] = rig_peer_served();
	(void)rig_peer();
	ck_assert_int_eq(rig_run(), HTTAP_ACCEPTED);
	expect(peer_ask(peer[0], "GET /?LED"), 200, NULL);
	expect(peer_ask(peer[1], "GET /?LED"), 200, NULL);
}
END_TEST

START_TEST(whoever_comes_when_all_places_are_taken_is_told_so)
{
	static const char *const requests[] = { "GET /?LED", "GET /", "GET /1", "OPTIONS *" };
	struct peer *two[2];

	fill(two);
	for (int i = 0; i < 4; i++) {
		struct answer answer = peer_ask(rig_peer(), requests[i]);
		expect(answer, 503, NULL);
		ck_assert(answer_has(&answer, "Retry-After: 1"));
		ck_assert(answer_has(&answer, "Connection: close"));
	}
	ck_assert_uint_eq(rig.app.writes, 0);
	expect(peer_ask(two[0], "GET /?LED"), 200, NULL);
}
END_TEST

START_TEST(stop_works_when_all_places_are_taken)
{
	struct peer *two[2], *peer;

	fill(two);
	peer = rig_peer();
	struct answer answer = peer_post(peer, "/?stop", "");
	expect(answer, 200, NULL);
	ck_assert(answer_has(&answer, "Connection: close"));
	ck_assert(peer_closed(peer));
	ck_assert_uint_eq(rig.app.stops, 1);
}
END_TEST

START_TEST(only_a_stop_by_post_that_the_guard_lets_stops_from_the_lobby)
{
	static const struct {
		const char *request;
		int status;
	} rows[] = {
		{ "GET /?stop" END, 405 },
		{ "POST /?stop HTTP/1.1\r\nHost: elsewhere\r\nContent-Length: 0\r\n\r\n", 421 },
		{ "POST /?stop" HOST "Origin: http://elsewhere\r\nContent-Length: 0\r\n\r\n", 403 },
		{ "POST /?stopx" HOST "Content-Length: 0\r\n\r\n", 503 },
		{ "POST /stop" HOST "Content-Length: 0\r\n\r\n", 503 },
	};
	struct peer *two[2], *peer;

	fill(two);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		peer = one_that_began(rows[i].request);
		expect(peer_answer(peer), rows[i].status, NULL);
		ck_assert(peer_closed(peer));
		peer_leave(peer);
	}
	ck_assert_uint_eq(rig.app.stops, 0);
}
END_TEST

START_TEST(a_place_that_becomes_free_is_a_whole_one)
{
	struct peer *two[2];

	fill(two);
	expect(peer_ask(rig_peer(), "GET /?LED"), 503, NULL);
	peer_leave(two[1]);
	(void)rig_run();
	struct peer *peer = rig_peer();
	expect(peer_ask(peer, "GET /?LED"), 200, NULL);
	expect(peer_ask(peer, "GET /?LED"), 200, NULL);
}
END_TEST

/* A full table, a full lobby of silent ones, and two that wait outside. */
struct crowd {
	struct peer *inside[2];
	struct peer *lobby[HTTAP_LOBBY];
	struct peer *outside[2];
};

static void make_crowd(struct crowd *crowd)
{
	fill(crowd->inside);
	for (int i = 0; i < HTTAP_LOBBY; i++)
		crowd->lobby[i] = rig_peer();
	ck_assert_int_eq(rig_run(), HTTAP_ACCEPTED);
	/* An empty line before a request is nothing, but who has sent it is not silent. */
	for (int i = 0; i < HTTAP_LOBBY; i++)
		peer_say(crowd->lobby[i], "\r\n");
	ck_assert_int_eq(rig_run(), 0);
	for (int i = 0; i < 2; i++) {
		crowd->outside[i] = rig_peer();
		peer_say(crowd->outside[i], "\r\n");
	}
	ck_assert_int_eq(rig_run(), 0);
}

START_TEST(when_the_lobby_is_full_too_the_server_rests)
{
	struct crowd crowd;

	make_crowd(&crowd);
	for (int i = 0; i < 100; i++) {
		ck_assert(!rig_ready());
		ck_assert_int_eq(rig_pass(), 0);
	}
	ck_assert_int_eq(httap_deadline(&rig.httap), rig.clock + HTTAP_LOBBY_MS * MS);
	ck_assert(peer_quiet(crowd.lobby[0])); /* those in the lobby give way to nobody, but have little time */
}
END_TEST

START_TEST(those_who_are_inside_are_served_while_others_wait_outside)
{
	struct crowd crowd;

	make_crowd(&crowd);
	expect(peer_ask(crowd.inside[0], "GET /?LED"), 200, NULL);
	peer_say(crowd.inside[1], " /?LED" END);
	expect(peer_answer(crowd.inside[1]), 200, NULL);
	expect(peer_post(crowd.lobby[3], "/?stop", ""), 200, NULL);
}
END_TEST

START_TEST(accepting_goes_on_when_somebody_leaves)
{
	struct crowd crowd;

	make_crowd(&crowd);
	peer_leave(crowd.lobby[2]);
	ck_assert_int_eq(rig_run(), HTTAP_ACCEPTED | HTTAP_CLOSED);
	ck_assert_int_eq(rig_run(), 0); /* the second one still waits */
	expect(peer_ask(crowd.outside[0], "GET /?LED"), 503, NULL);
	peer_leave(crowd.outside[0]);
	peer_leave(crowd.inside[1]);
	(void)rig_run();
	expect(peer_ask(crowd.outside[1], "GET /?LED"), 200, NULL); /* a place inside was free when he came in */
}
END_TEST

START_TEST(the_silent_of_a_full_lobby_give_way_to_who_says_stop)
{
	struct peer *inside[2], *silent[4 * HTTAP_LOBBY];

	fill(inside);
	for (int i = 0; i < 4 * HTTAP_LOBBY; i++)
		silent[i] = rig_peer();
	struct peer *late = rig_peer();
	expect(peer_post(late, "/?stop", ""), 200, NULL);
	ck_assert(peer_closed(silent[0]));
	expect(peer_ask(inside[0], "GET /?LED"), 200, NULL);
}
END_TEST

START_TEST(who_says_nothing_in_the_lobby_has_to_leave_it_soon)
{
	struct crowd crowd;

	make_crowd(&crowd);
	peer_say(crowd.lobby[0], "POST /?stop");
	ck_assert_int_eq(rig_pass_time(HTTAP_LOBBY_MS * MS - 1), 0);
	ck_assert_int_eq(rig_pass_time(1) & (HTTAP_ACCEPTED | HTTAP_CLOSED), HTTAP_ACCEPTED | HTTAP_CLOSED);
	/* Without a 408, which would hold the place until it was read. */
	for (int i = 0; i < HTTAP_LOBBY; i++)
		ck_assert(peer_closed(crowd.lobby[i]));
	/* Those who waited outside came in, and those inside have their three seconds. */
	expect(peer_post(crowd.outside[0], "/?stop", ""), 200, NULL);
	expect(peer_ask(crowd.outside[1], "GET /?LED"), 503, NULL);
	ck_assert(peer_quiet(crowd.inside[1]));
	(void)rig_pass_time((3000 - HTTAP_LOBBY_MS) * MS);
	expect(peer_answer(crowd.inside[1]), 408, NULL);
}
END_TEST

START_TEST(many_at_once_are_all_accepted)
{
	struct peer *peer[60];

	rig.httap.config.connections = 60;
	for (int i = 0; i < 60; i++) {
		peer[i] = rig_peer();
		peer_say(peer[i], "GET /?LED" END);
	}
	for (int i = 0; i < 60; i++)
		expect(peer_answer(peer[i]), 200, NULL);
}
END_TEST

/* --- Without descriptors ------------------------------------------------------------------------------------------ */

static void lower_limit(rlim_t limit)
{
	struct rlimit limits;

	must(getrlimit(RLIMIT_NOFILE, &limits) == 0);
	limits.rlim_cur = limit;
	must(setrlimit(RLIMIT_NOFILE, &limits) == 0);
}

static void without_descriptors(void)
{
	struct rlimit limits;
	struct peer *served = rig_peer_served(), *waiting = rig_peer();
	int fd = dup(STDIN_FILENO);

	must(fd >= 0 && close(fd) == 0 && getrlimit(RLIMIT_NOFILE, &limits) == 0);
	lower_limit((rlim_t)fd);
	must(rig_run() == 0);
	for (int i = 0; i < 100; i++)
		must(!rig_ready() && rig_pass() == 0);
	must(httap_deadline(&rig.httap) == rig.clock + HTTAP_ACCEPT_PAUSE_MS * MS);
	expect(peer_ask(served, "GET /?LED"), 200, NULL); /* who is inside is served */
	expect(peer_ask(served, "GET /"), 503, NULL);     /* as far as it goes */
	must(rig_pass_time(HTTAP_ACCEPT_PAUSE_MS * MS) == 0);
	must(httap_deadline(&rig.httap) == rig.clock + HTTAP_ACCEPT_PAUSE_MS * MS); /* still none: it rests again */
	lower_limit(limits.rlim_cur);
	must(rig_pass_time(HTTAP_ACCEPT_PAUSE_MS * MS) == HTTAP_ACCEPTED);
	expect(peer_ask(waiting, "GET /"), 200, NULL);
}

START_TEST(without_descriptors_accepting_pauses_and_goes_on)
{
	rig_in_child(without_descriptors);
}
END_TEST

/* --- What serving costs ------------------------------------------------------------------------------------------- */

static const char everything[] = "GET /?LED" END "GET /" END "GET /missing" END "GET /?" END "GET /?list" END "GET /?ping" END
				 "HEAD /" END "OPTIONS /?LED" END "POST /?LED" HOST "Content-Length: 1\r\n\r\n1"
				 "POST /?" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nLED=0\r\n0\r\n\r\n"
				 "GET /?invalid" END;

START_TEST(serving_allocates_nothing)
{
	struct peer *peer[8];

	for (int i = 0; i < 8; i++) {
		peer[i] = rig_peer();
		peer_say(peer[i], everything);
	}
	rig_start();
	unsigned long before = rig_allocations();
	(void)rig_run();
	(void)rig_pass_time(20 * SECONDS);
	ck_assert_uint_eq(rig_allocations(), before);
	ck_assert_uint_eq(rig.exchanges, 8 * 11);
	if (rig_counts_allocations())
		ck_assert_uint_gt(before, 0); /* or else nothing was counted */
}
END_TEST

START_TEST(after_many_connections_no_descriptor_is_left)
{
	size_t len;

	(void)peer_ask(rig_peer(), "GET /");
	unsigned int before = rig_descriptors();
	for (int i = 0; i < 100; i++) {
		char *reply = rig_talk(everything, sizeof(everything) - 1, (size_t)i, &len);
		ck_assert_uint_gt(len, 1000);
		free(reply);
	}
	ck_assert_uint_eq(rig_descriptors(), before);
}
END_TEST

Suite *httap_server_suite(void)
{
	Suite *suite = suite_create("httap server");
	TCase *tcase = tcase_create("a Unix socket");
	TCase *network = tcase_create("TCP");

	tcase_add_checked_fixture(tcase, rig_unix, rig_down);
	tcase_add_loop_test(tcase, what_is_no_listening_stream_socket_is_refused, 0, ROWS(bad_listeners));
	tcase_add_test(tcase, eight_listeners_are_taken_and_a_ninth_is_not);
	tcase_add_test(tcase, a_listener_is_refused_once_the_server_has_started);
	tcase_add_test(tcase, the_port_of_a_socket_that_was_handed_in_is_known);
	tcase_add_test(tcase, a_unix_socket_has_no_port);
	tcase_add_test(tcase, the_server_owns_a_listener_and_closes_it);
	if (geteuid() == 0) { /* making a network is root's */
		tcase_add_test(tcase, a_structure_of_zeros_serves_on_its_first_pass);
		tcase_add_test(tcase, a_free_port_is_the_same_at_all_addresses);
		tcase_add_test(tcase, a_port_that_is_taken_is_refused_with_advice);
		tcase_add_test(tcase, without_ipv6_every_address_is_every_one_of_ipv4);
		tcase_add_test(tcase, when_no_address_can_be_had_that_is_told);
	}
	tcase_add_test(tcase, nothing_is_there_before_the_start_and_after_the_stop);
	tcase_add_test(tcase, starting_twice_is_starting_once);
	tcase_add_test(tcase, a_listener_that_there_is_no_memory_for_stays_with_its_owner);
	tcase_add_test(tcase, a_pass_that_can_not_ask_the_kernel_fails_and_the_next_one_serves);
	tcase_add_test(tcase, before_the_start_nobody_is_woken_or_watched);
	tcase_add_test(tcase, before_the_start_there_is_no_root_page);
	tcase_add_test(tcase, the_root_page_can_be_checked_again_after_the_start);
	tcase_add_test(tcase, sigpipe_is_ignored_unless_the_program_handles_it);
	tcase_add_test(tcase, a_pass_tells_what_happened);
	tcase_add_test(tcase, an_idle_server_is_not_readable_and_a_pass_does_nothing);
	tcase_add_test(tcase, polled_and_blocking_passes_alternate);
	tcase_add_test(tcase, a_blocking_pass_without_deadlines_waits_without_limit);
	tcase_add_loop_test(tcase, a_blocking_pass_waits_until_the_deadline_and_no_longer, 0, ROWS(waits));
	tcase_add_test(tcase, the_deadline_is_the_nearest_of_all);
	tcase_add_test(tcase, the_time_of_day_has_no_part_in_any_deadline);
	tcase_add_test(tcase, all_that_was_due_in_a_day_that_is_skipped_is_done_at_once);
	tcase_add_test(tcase, a_wake_comes_once_at_its_time);
	tcase_add_test(tcase, a_wake_in_the_past_comes_with_the_next_pass);
	tcase_add_test(tcase, a_new_wake_replaces_the_old_one);
	tcase_add_test(tcase, a_wake_can_be_cancelled);
	tcase_add_test(tcase, a_wake_can_ask_for_the_next_one);
	tcase_add_test(tcase, a_watched_descriptor_is_told_of_when_it_is_readable);
	tcase_add_test(tcase, sixteen_descriptors_can_be_watched);
	tcase_add_test(tcase, what_cannot_be_watched_is_refused_with_errno);
	tcase_add_test(tcase, silent_connections_give_way_oldest_first);
	tcase_add_loop_test(tcase, a_connection_that_has_begun_to_speak_keeps_its_place, 0, ROWS(beginnings));
	tcase_add_loop_test(tcase, a_request_that_has_arrived_keeps_its_place_though_it_was_not_read_yet, 0, 2);
	tcase_add_test(tcase, who_speaks_up_while_he_gives_way_leaves_a_slot_behind);
	tcase_add_test(tcase, who_waited_between_requests_keeps_his_place);
	tcase_add_test(tcase, whoever_comes_when_all_places_are_taken_is_told_so);
	tcase_add_test(tcase, stop_works_when_all_places_are_taken);
	tcase_add_test(tcase, only_a_stop_by_post_that_the_guard_lets_stops_from_the_lobby);
	tcase_add_test(tcase, a_place_that_becomes_free_is_a_whole_one);
	tcase_add_test(tcase, when_the_lobby_is_full_too_the_server_rests);
	tcase_add_test(tcase, those_who_are_inside_are_served_while_others_wait_outside);
	tcase_add_test(tcase, accepting_goes_on_when_somebody_leaves);
	tcase_add_test(tcase, the_silent_of_a_full_lobby_give_way_to_who_says_stop);
	tcase_add_test(tcase, who_says_nothing_in_the_lobby_has_to_leave_it_soon);
	tcase_add_test(tcase, many_at_once_are_all_accepted);
	tcase_add_test(tcase, without_descriptors_accepting_pauses_and_goes_on);
	tcase_add_test(tcase, serving_allocates_nothing);
	tcase_add_test(tcase, after_many_connections_no_descriptor_is_left);
	suite_add_tcase(suite, tcase);

	tcase_add_checked_fixture(network, rig_tcp, rig_down);
	tcase_add_test(network, a_stopped_server_starts_again_with_the_same_structure);
	tcase_add_test(network, a_start_that_fails_can_be_tried_again);
	tcase_add_loop_test(network, a_start_that_lacks_something_says_what_and_can_be_tried_again, 0, ROWS(lacks));
	suite_add_tcase(suite, network);
	return suite;
}
