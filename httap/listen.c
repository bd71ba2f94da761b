/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Sockets to listen on: bound here or handed in, and accepting from them. When every slot is taken, or the process has no more
 * descriptors, it stops asking the kernel for connections until there is room again, instead of being told of them
 * in vain for ever.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httap/host.h"
#include "httap/server.h"

int listen_check(int fd)
{
	int type = 0, accepting = 0;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) < 0)
		return -1;
	if (type == SOCK_STREAM && accepting)
		return 0;
	errno = EINVAL;
	return -1;
}

/* --- Binding ------------------------------------------------------------------------------------------------------ */

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static bool read_address(union address *address, struct span text, uint16_t port)
{
	if (text.len > 2 && text.at[0] == '[' && text.at[text.len - 1] == ']')
		text = (struct span){ text.at + 1, text.len - 2 };
	*address = (union address){ .six.sin6_family = AF_INET6 };
	address->six.sin6_port = htons(port);
	if (host_address(AF_INET6, text, &address->six.sin6_addr))
		return true;
	address->four.sin_family = AF_INET;
	address->four.sin_port = htons(port);
	return host_address(AF_INET, text, &address->four.sin_addr);
}

bool listen_is_address_list(const char *text)
{
	struct span rest = span_of(text), word;
	union address address;
	unsigned int count = 0;

	while (span_word(&rest, &word))
		if (!read_address(&address, word, 0) || ++count > HTTAP_LISTENERS_MAX)
			return false;
	return count > 0; /* white space alone is no address, and must not mean all of them */
}

/* `only`: an IPv6 socket takes IPv6 alone, so that an IPv4 address beside it can have the same port. */
static int bind_address(struct httap_server *server, struct span text, uint16_t port, int only)
{
	const int on = 1;
	union address address;

	errno = EINVAL;
	if (!read_address(&address, text, port))
		return -1;
	bool six = address.any.sa_family == AF_INET6;
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	/* Without SO_REUSEADDR a restart would have to wait for the old connections' TIME_WAIT (tcp(7)). */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		(!six || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) == 0) &&
		bind(fd, &address.any, six ? sizeof(address.six) : sizeof(address.four)) == 0 && listen(fd, SOMAXCONN) == 0) {
		server->listener[server->listener_count++] = fd;
		return 0;
	}
	int saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int listen_port(int fd)
{
	union address address;
	socklen_t size = sizeof(address);

	address.any.sa_family = AF_UNSPEC;
	if (getsockname(fd, &address.any, &size) < 0)
		return -1;
	if (address.any.sa_family == AF_INET6)
		return ntohs(address.six.sin6_port);
	return address.any.sa_family == AF_INET ? ntohs(address.four.sin_port) : 0;
}

static int refuse_bind(struct httap_error *error, struct span address, uint16_t port)
{
	const char *advice = errno == EADDRINUSE ? "; stop the program that listens there, or choose another HTTAP_TCPPORT"
		: errno == EACCES                ? "; ports below 1024 need root or a socket from systemd"
						 : "";

	snprintf(error->text, sizeof(error->text), "can't listen on %.*s port %u: %s%s", (int)address.len, address.at, port,
		strerror(errno), advice);
	return -1;
}

/* Every address: one socket for IPv6 and IPv4 together, or for IPv4 where the kernel has no IPv6. */
static int bind_everywhere(struct httap_server *server, uint16_t port)
{
	int result = bind_address(server, SPAN("::"), port, 0);

	if (result < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		result = bind_address(server, SPAN("0.0.0.0"), port, 0);
	return result;
}

int listen_bind(struct httap_server *server, struct httap_error *error)
{
	const struct httap_config *config = server->config;
	int configured = config->port == 0 ? HTTAP_PORT_DEFAULT : config->port;
	uint16_t port = configured == HTTAP_PORT_ANY ? 0 : (uint16_t)configured;
	struct span rest = span_of_any(config->listen), word;

	while (span_word(&rest, &word)) {
		if (bind_address(server, word, port, 1) < 0)
			return refuse_bind(error, word, port);
		/* A free one may have been asked for: the other addresses get the same. */
		int bound = listen_port(server->listener[0]);
		if (bound < 0)
			return refuse_bind(error, word, port);
		port = (uint16_t)bound;
	}
	if (server->listener_count == 0 && bind_everywhere(server, port) < 0)
		return refuse_bind(error, SPAN("every address,"), port);
	return 0;
}

/* --- Accepting ---------------------------------------------------------------------------------------------------- */

static void listen_interest(struct httap_server *server, uint32_t events)
{
	for (unsigned int i = 0; i < server->listener_count; i++)
		(void)server_interest(server, EPOLL_CTL_MOD, server->listener[i], events, SOURCE_LISTENER, i);
}

void listen_pause(struct httap_server *server, int64_t until)
{
	server->accept_again = until;
	if (server->accepting)
		listen_interest(server, 0);
	server->accepting = false;
}

void listen_resume(struct httap_server *server)
{
	if (!server->accepting)
		listen_interest(server, EPOLLIN);
	server->accepting = true;
	server->accept_again = INT64_MAX;
}

/* The peer may be gone before we come to him, and some protocols report here what befell them: the next one may be fine
 * (accept(2), "Error handling"). Only a lack of our own is a reason to pause. */
static bool is_our_lack(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

void listen_accept(struct httap_server *server, int fd)
{
	for (int i = 0; i < HTTAP_ACCEPT_TURN; i++) {
		union {
			struct sockaddr any;
			struct sockaddr_storage storage;
		} address = { .any = { .sa_family = AF_UNSPEC } };
		socklen_t size = sizeof(address);

		struct conn *slot = server_slot_next(server);
		if (slot == NULL) {
			listen_pause(server, INT64_MAX);
			return;
		}
		int accepted = accept4(fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (accepted < 0) {
			if (is_our_lack(errno))
				listen_pause(server, server->now + HTTAP_ACCEPT_PAUSE_MS * INT64_C(1000));
			return;
		}
		/* Only now that somebody is there may a silent connection have to give up its slot to him. */
		conn_open(server_slot_take(server, slot), accepted, &address.any);
	}
}
