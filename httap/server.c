/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The server: its tables, made once at start, and the pass that drives them. A pass waits (or not), hands each event to its
 * connection, expires what is overdue, and tells what happened. It costs what happened, not what is open. Nothing here allocates after
 * httap_start().
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "httap/server.h"

/* --- Slots -------------------------------------------------------------------------------------------------------- */

/* Has it said nothing, not even what waits in the kernel for its turn to be read? */
static bool is_silent(const struct conn *conn)
{
	char byte;

	return conn->state == CONN_HEAD && conn->in_start == conn->in_end &&
		recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

/* The oldest connection of its kind that has never said anything: a browser's in reserve, or somebody's who wants to fill the
 * table. Whoever has begun to speak keeps his place. */
static struct conn *oldest_silent(const struct httap_server *server, enum timer_kind kind)
{
	struct conn *conn = timer_first(server, kind);

	while (conn != NULL && !is_silent(conn))
		conn = timer_after(conn);
	return conn;
}

/* While the table is full one of it gives way, and one of the lobby when that is full too. Of the free slots the one that was freed last
 * comes first, then those that were never used: so as few as possible are, and the others cost no memory. */
struct conn *server_slot_next(const struct httap_server *server)
{
	struct conn *silent = server->conn_used >= server->conn_limit ? oldest_silent(server, TIMER_FIRST) : NULL;

	if (silent != NULL)
		return silent;
	return server->free != server->conn_end ? server->free : oldest_silent(server, TIMER_LOBBY);
}

struct conn *server_slot_take(struct httap_server *server, struct conn *conn)
{
	if (conn->state != CONN_FREE)
		conn_close(conn); /* it becomes the first of the free ones */
	/* Behind one that was never used, and so is all zero, comes its neighbour. */
	server->free = conn->next_free != NULL ? conn->next_free : conn + 1;
	conn->server = server;
	conn->lobby = server->conn_used >= server->conn_limit;
	server->conn_used += !conn->lobby;
	return conn;
}

void server_slot_free(struct conn *conn)
{
	struct httap_server *server = conn->server;

	server->conn_used -= !conn->lobby;
	conn->next_free = server->free;
	server->free = conn;
	if (!server->accepting && server->accept_again == INT64_MAX)
		server->accept_again = server->now;
}

/* --- Starting ----------------------------------------------------------------------------------------------------- */

static const struct httap_signals no_signals;
static const struct httap_words no_words;

/* All zero, and fresh from the kernel: what is never used costs no memory, unless the kernel makes one large page of many small ones. NULL:
 * there is none. */
static void *map_memory(size_t bytes)
{
	if (!FAST)
		return calloc(1, bytes);
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	(void)madvise(memory, bytes, MADV_NOHUGEPAGE); /* a kernel without large pages refuses, and needs it not */
	return memory;
}

static void unmap_memory(void *memory, size_t bytes)
{
	if (!FAST)
		free(memory);
	else if (memory != NULL)
		(void)munmap(memory, bytes); /* ours, and whole: can't fail */
}

static struct httap_server *server_new(struct httap *httap)
{
	struct httap_server *server = map_memory(sizeof(*server));

	if (server == NULL)
		return NULL;
	server->config = &httap->config;
	server->signals = &no_signals;
	server->words = &no_words;
	server->epoll = -1;
	if (FAST) /* else there are no files */
		server->files.root = server->files.types = -1;
	server->accept_again = INT64_MAX;
	server->wake_time = INT64_MAX;
	return server;
}

static int refuse_start(struct httap_error *error, const char *what)
{
	/* cppcheck-suppress ctuuninitvar ; it is what is written to */
	snprintf(error->text, sizeof(error->text), "%s: %s", what, strerror(errno));
	return -1;
}

static int make_table(struct httap_server *server, struct httap_error *error)
{
	int limit = server->config->connections > 0 ? server->config->connections : HTTAP_CONNECTIONS_DEFAULT;

	server->conn_limit = (unsigned int)limit;
	server->conn_count = server->conn_limit + HTTAP_LOBBY;
	server->conn = map_memory(server->conn_count * sizeof(struct conn));
	server->session_count = server->conn_count * HTTAP_SESSIONS_PER_CONNECTION;
	server->session = calloc(server->session_count, sizeof(*server->session));
	if (server->conn == NULL || server->session == NULL || sessions_make(server) < 0)
		return refuse_start(error, "can't make the tables of connections and sessions");
	server->free = server->conn;
	server->conn_end = server->conn + server->conn_count;
	return 0;
}

static void make_timers(struct httap_server *server)
{
	server->keepalive_s = server->config->keepalive_s > 0 ? server->config->keepalive_s : HTTAP_KEEPALIVE_DEFAULT_S;
	server->timer[TIMER_FIRST].duration = (int64_t)HTTAP_FIRST_REQUEST_S * 1000000;
	server->timer[TIMER_LOBBY].duration = (int64_t)HTTAP_LOBBY_MS * 1000;
	server->timer[TIMER_IDLE].duration = (int64_t)server->keepalive_s * 1000000;
	server->timer[TIMER_LINGER].duration = (int64_t)HTTAP_LINGER_MS * 1000;
	server->timer[TIMER_COMMENT].duration = (int64_t)HTTAP_COMMENT_S * 1000000;
}

static void make_names(struct httap_server *server)
{
	/* What doesn't fit is cut (gethostname(2)), and then it is no name that anybody asks for. */
	(void)gethostname(server->guard.host_name, sizeof(server->guard.host_name) - 1);
	server->guard.hosts = server->config->hosts;
	server->guard.origins = server->config->origins;
	server->type = server->config->type != NULL ? server->config->type : "libhttap";
	snprintf(server->id, sizeof(server->id), "%s", server->config->id != NULL ? server->config->id : server->guard.host_name);
}

int server_interest(const struct httap_server *server, int operation, int fd, uint32_t events, enum source source, size_t index)
{
	struct epoll_event event = { .events = events, .data.u64 = ((uint64_t)source << 32) | index };

	return epoll_ctl(server->epoll, operation, fd, &event);
}

static int open_listeners(struct httap_server *server, struct httap_error *error)
{
	const int on = 1, unanswered_ms = HTTAP_UNANSWERED_MS;

	if (server->listener_count == 0 && listen_bind(server, error) < 0)
		return -1;
	for (unsigned int i = server->listener_count; i-- > 0;) { /* the port is that of the first */
		int fd = server->listener[i];
		int flags = fcntl(fd, F_GETFL);
		/* A server whose sockets nobody waits for would be one that nobody reaches: there may be too many watches (epoll_ctl(2)). */
		if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
			server_interest(server, EPOLL_CTL_ADD, fd, EPOLLIN, SOURCE_LISTENER, i) < 0 ||
			(server->port = listen_port(fd)) < 0)
			return refuse_start(error, "can't set up the listening socket");
		/* HTTaP wants Nagle off; accepted sockets inherit it. A Unix socket has none, and says so. */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		/* Likewise: a peer whose cable was pulled is not waited for as long as TCP would, which is a quarter of an hour. */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof(unanswered_ms));
	}
	server->accepting = true;
	return 0;
}

static struct httap_server *own_server(struct httap *httap, struct httap_error *error)
{
	if (httap->server == NULL)
		httap->server = server_new(httap);
	if (httap->server == NULL)
		(void)refuse_start(error, "no memory for the server");
	return httap->server;
}

int httap_start(struct httap *httap, struct httap_error *error)
{
	struct httap_server *server = own_server(httap, error);

	if (server == NULL)
		return -1;
	if (server->epoll >= 0)
		return 0;
	errno = 0;
	if (httap->signals != NULL)
		server->signals = httap->signals;
	if (httap->words != NULL)
		server->words = httap->words;
	server->now = httap_now(httap);
	make_timers(server);
	make_names(server);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if ((server->epoll < 0 ? refuse_start(error, "epoll_create1") : config_check(server->config, error)) < 0 ||
		signals_check(server, error) < 0 || words_check(server, error) < 0 || make_table(server, error) < 0 ||
		static_open(&server->files, server->config, error) < 0 || open_listeners(server, error) < 0) {
		int reason = errno != 0 ? errno : EINVAL; /* a configuration that was refused is no failed call */
		httap_stop(httap);
		errno = reason;
		return -1;
	}
	return 0;
}

int httap_check(const struct httap_config *config, struct httap_error *error)
{
	struct files files;

	if (config_check(config, error) < 0 || static_open(&files, config, error) < 0)
		return -1;
	static_close(&files);
	return 0;
}

int httap_add_listener(struct httap *httap, int fd)
{
	struct httap_error error;
	struct httap_server *server;

	if (listen_check(fd) < 0)
		return -1;
	server = own_server(httap, &error);
	if (server == NULL)
		return -1;
	if (server->epoll >= 0 || server->listener_count == HTTAP_LISTENERS_MAX) {
		errno = server->epoll >= 0 ? EBUSY : ENOSPC;
		return -1;
	}
	server->listener[server->listener_count++] = fd;
	return 0;
}

void httap_stop(struct httap *httap)
{
	struct httap_server *server = httap->server;

	if (server == NULL)
		return;
	server->signals = &no_signals; /* the application may be half gone already: it is called no more */
	/* There is no end of a table that could not be made whole. */
	for (struct conn *conn = server->conn; server->conn_end != NULL && conn < server->conn_end; conn++)
		if (conn->state != CONN_FREE)
			conn_close(conn);
	for (unsigned int i = 0; i < server->listener_count; i++)
		(void)close(server->listener[i]);
	static_close(&server->files);
	if (server->epoll >= 0)
		(void)close(server->epoll);
	unmap_memory(server->conn, server->conn_count * sizeof(struct conn));
	free(server->session);
	unmap_memory(server, sizeof(*server));
	httap->server = NULL;
}

/* --- The pass ----------------------------------------------------------------------------------------------------- */

static enum source source_of(const struct epoll_event *event)
{
	return (enum source)(event->data.u64 >> 32);
}

static void dispatch(struct httap_server *server, const struct epoll_event *event)
{
	size_t index = (uint32_t)event->data.u64;

	switch (source_of(event)) {
	case SOURCE_CONN:
		/* It may have been closed, and its slot taken anew, by an event before this one: then there is nothing to read yet. */
		if (server->conn[index].state != CONN_FREE)
			conn_ready(&server->conn[index], event->events);
		break;
	case SOURCE_LISTENER:
		server->knocking |= 1U << index;
		break;
	case SOURCE_WATCH:
		server->happened |= HTTAP_WATCHED;
		server->watch[index].ready(server->watch[index].context, server->watch[index].fd);
		break;
	}
	events_push_early(server);
}

static void expire(struct httap_server *server)
{
	struct conn *conn;

	while ((conn = timer_expired(server)) != NULL)
		conn_expire(conn);
	if (server->wake_time <= server->now) {
		server->wake_time = INT64_MAX;
		server->wake(server->wake_context);
	}
	if (!server->accepting && server->accept_again <= server->now)
		listen_resume(server);
}

/* Not inlined: pass() has no register left for it. */
__attribute__((noinline)) static int64_t next_deadline(const struct httap_server *server)
{
	int64_t next = timer_next(server);

	/* What the program told between two passes waits for the next one. */
	if (server->events.pushed != server->events.last)
		return server->now;
	if (server->wake_time < next)
		next = server->wake_time;
	return server->accept_again < next ? server->accept_again : next;
}

/* Milliseconds to wait, rounded up: a wait that ends before its deadline would be followed by another of 0, a busy loop of
 * up to a millisecond. */
static int wait_ms(const struct httap_server *server, int64_t next)
{
	if (next == INT64_MAX)
		return -1;
	if (next <= server->now)
		return 0;
	int64_t ms = (next - server->now + 999) / 1000;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static int pass(struct httap *httap, bool block)
{
	struct epoll_event event[HTTAP_EVENTS_TURN];
	struct httap_error error;

	if ((httap->server == NULL || httap->server->epoll < 0) && httap_start(httap, &error) < 0)
		return -1;
	struct httap_server *server = httap->server;
	server->happened = 0;
	if (!server->observed)
		signals_observe(server);
	if (block)
		server->now = httap_now(httap); /* the program may have done other work since the last pass */
	int64_t next = next_deadline(server);
	int n = epoll_wait(server->epoll, event, HTTAP_EVENTS_TURN, block ? wait_ms(server, next) : 0);
	if (n < 0 && errno != EINTR)
		return -1;
	server->now = httap_now(httap);
	/* Those who are inside come before those who want in: one of them may be leaving. */
	for (int i = 0; i < n; i++)
		dispatch(server, &event[i]);
	for (; server->knocking != 0; server->knocking &= server->knocking - 1)
		listen_accept(server, server->listener[__builtin_ctz(server->knocking)]);
	/* Of what was set since then, only these may be due already. */
	if (next <= server->now || server->accept_again <= server->now || server->wake_time <= server->now)
		expire(server);
	events_push(server);
	return server->happened;
}

int httap_polled(struct httap *httap)
{
	return pass(httap, false);
}

int httap_blocking(struct httap *httap)
{
	return pass(httap, true);
}

/* --- For the host program ----------------------------------------------------------------------------------------- */

int64_t httap_now(const struct httap *httap)
{
	return httap->config.clock != NULL ? httap->config.clock(httap->config.clock_context) : clock_monotonic(NULL);
}

int httap_fd(const struct httap *httap)
{
	return httap->server != NULL ? httap->server->epoll : -1;
}

int64_t httap_deadline(const struct httap *httap)
{
	return httap->server != NULL ? next_deadline(httap->server) : INT64_MAX;
}

int httap_port(const struct httap *httap)
{
	return httap->server != NULL ? httap->server->port : 0;
}

int httap_watch(struct httap *httap, int fd, void (*ready)(void *context, int fd), void *context)
{
	struct httap_server *server = httap->server;

	if (server == NULL || server->epoll < 0 || server->watch_count == HTTAP_WATCHES_MAX) {
		errno = server == NULL || server->epoll < 0 ? EINVAL : ENOSPC;
		return -1;
	}
	if (server_interest(server, EPOLL_CTL_ADD, fd, EPOLLIN, SOURCE_WATCH, server->watch_count) < 0)
		return -1;
	server->watch[server->watch_count++] = (struct watch){ .fd = fd, .ready = ready, .context = context };
	return 0;
}

void httap_wake_at(struct httap *httap, int64_t time, void (*wake)(void *context), void *context)
{
	struct httap_server *server = httap->server;

	if (server == NULL)
		return;
	server->wake_time = wake != NULL ? time : INT64_MAX;
	server->wake = wake;
	server->wake_context = context;
}
