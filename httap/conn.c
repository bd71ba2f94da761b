/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * One connection, as a state machine:
 *
 *	HEAD --complete head--> BODY --complete body--> (answered) --> HEAD, or FILE --> HEAD
 *	any of them, when the connection is to end --> LAST --all sent--> LINGER --peer closes--> FREE
 *
 * A step consumes input, produces output or changes the state, or it says that it can't and the connection waits for its
 * socket with a deadline set. Requests on a connection are answered in order; while the peer does not take a reply, nothing more is read
 * from him. Never waits, never allocates.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "httap/server.h"

static void name_peer(char *peer, size_t size, const struct sockaddr *address)
{
	const struct sockaddr_in6 *six = (const void *)address;
	const struct sockaddr_in *four = (const void *)address;

	const void *bytes = address->sa_family == AF_INET6 ? (const void *)&six->sin6_addr : &four->sin_addr;
	int family = address->sa_family;

	memcpy(peer, "unix", 5); /* unless it is an address of the Internet, as it is written there */
	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		family = AF_INET;
		bytes = &six->sin6_addr.s6_addr[12];
	}
	(void)inet_ntop(family, bytes, peer, (socklen_t)size);
}

extern inline void conn_put(struct conn *conn, struct span bytes);

/* Asks the kernel to tell when the socket is ready for that. */
static void conn_interest(const struct conn *conn, int operation, uint32_t events)
{
	(void)server_interest(conn->server, operation, conn->fd, events, SOURCE_CONN, (size_t)(conn - conn->server->conn));
}

void conn_open(struct conn *conn, int fd, const struct sockaddr *address)
{
	struct httap_server *server = conn->server;
	bool lobby = conn->lobby;

	/* Everything before the buffers, which need no clearing: pages that were never used stay so. */
	memset(conn, 0, offsetof(struct conn, meaning.target));
	conn->server = server;
	conn->lobby = lobby;
	conn->fd = fd;
	conn->file = -1;
	conn->timer = TIMER_NONE;
	conn->state = CONN_HEAD;
	conn->session = session_open(server);
	name_peer(conn->peer, sizeof(conn->peer), address);
	timer_set(conn, lobby ? TIMER_LOBBY : TIMER_FIRST);
	conn_interest(conn, EPOLL_CTL_ADD, EPOLLIN);
	server->happened |= HTTAP_ACCEPTED;
}

static void conn_leave(struct conn *conn)
{
	struct session *session = conn->session;

	conn->session = NULL;
	if (session != NULL)
		session_leave(conn->server, session);
}

/* Gives all of a slot but its start back to the kernel: whole pages, whatever their size is here. */
static void conn_shrink(struct conn *conn)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t from = HTTAP_SLOT_KEEPS + (page - ((uintptr_t)conn + HTTAP_SLOT_KEEPS) % page) % page;
	size_t to = sizeof(*conn) - (uintptr_t)(conn + 1) % page;

	_Static_assert(offsetof(struct conn, meaning.head) < HTTAP_SLOT_KEEPS, "all that is needed of a free slot stays");
	if (from < to)
		(void)madvise((char *)conn + from, to - from, MADV_DONTNEED); /* at worst it stays where it is */
}

void conn_close(struct conn *conn)
{
	struct httap_server *server = conn->server;

	timer_cancel(conn);
	if (conn->state == CONN_EVENTS)
		events_end(conn);
	if (conn->file >= 0)
		(void)close(conn->file);
	(void)close(conn->fd); /* also takes it out of the epoll set */
	conn->file = -1;
	conn->fd = -1;
	conn->state = CONN_FREE;
	if (FAST && conn->grown)
		conn_shrink(conn);
	server->happened |= HTTAP_CLOSED;
	server_slot_free(conn);
	conn_leave(conn);
}

static void conn_want(struct conn *conn, bool out)
{
	if (conn->want_out == out)
		return;
	conn->want_out = out;
	conn_interest(conn, EPOLL_CTL_MOD, out ? EPOLLOUT : EPOLLIN);
}

bool conn_comes_later(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* --- Output ------------------------------------------------------------------------------------------------------- */

/* Sends what is in the buffer. False when the connection was closed because it is broken. */
static bool conn_flush(struct conn *conn)
{
	/* A file follows its head: let the kernel put both into one segment. */
	int more = conn->state == CONN_FILE ? MSG_MORE : 0;

	conn->grown |= FAST && conn->out_end > HTTAP_SLOT_KEEPS;
	while (conn->out_start < conn->out_end) {
		ssize_t n = send(conn->fd, conn->out + conn->out_start, conn->out_end - conn->out_start, MSG_NOSIGNAL | more);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		if (n < 0) {
			conn_close(conn);
			return false;
		}
		conn->out_start += (size_t)n;
		conn->moved = true;
		if (conn->out_start < conn->out_end && conn->state != CONN_EVENTS)
			timer_set(conn, TIMER_IDLE);
	}
	conn->out_start = 0;
	conn->out_end = 0;
	return true;
}

/* Is there room for the longest reply? It is made by sending, and where that does not help the peer has to take what he has. */
static bool conn_make_room(struct conn *conn)
{
	if (HTTAP_OUT_SIZE - conn->out_end >= HTTAP_REPLY_HEAD_MAX + HTTAP_REPLY_BODY_MAX)
		return true;
	return conn_flush(conn) && conn->out_end == 0;
}

void conn_end(struct conn *conn, bool linger)
{
	conn->linger = linger;
	conn->state = CONN_LAST;
}

static bool step_last(struct conn *conn)
{
	/* Nothing more is heard from him, however long the peer takes to close: whoever drove drives no more. */
	conn_leave(conn);
	if (conn->out_start < conn->out_end)
		return false;
	if (conn->eof || !conn->linger) {
		conn_close(conn);
		return false;
	}
	/* Closing a socket with unread input resets the connection, and the peer would lose our reply (RFC 9112 section 9.6). */
	(void)shutdown(conn->fd, SHUT_WR);
	conn->in_start = conn->in_end = 0;
	conn->state = CONN_LINGER;
	timer_set(conn, TIMER_LINGER);
	return false;
}

/* --- Input -------------------------------------------------------------------------------------------------------- */

static void conn_refuse(struct conn *conn, int status, const char *why)
{
	route_refuse_early(conn, status, why);
	conn_end(conn, true);
}

static void conn_compact(struct conn *conn)
{
	memmove(conn->in, conn->in + conn->in_start, conn->in_end - conn->in_start);
	conn->in_end -= conn->in_start;
	conn->in_start = 0;
}

/* Is the next head the same as the last one? Same bytes have the same end and say the same, wherever they stand. */
static bool is_known_head(const struct conn *conn)
{
	size_t kept = conn->meaning.kept;

	return FAST && kept > 0 && conn->in_end - conn->in_start >= kept &&
		memcmp(conn->in + conn->in_start, conn->meaning.head, kept) == 0;
}

/* Reads what the head says, from a copy: it stays when the input moves, and can be recognised when it comes again. */
static int parse_head(struct conn *conn, const char **why)
{
	struct meaning *meaning = &conn->meaning;
	struct request *request = &meaning->request;

	memcpy(meaning->head, conn->in + conn->in_start, conn->head_len);
	int status = request_parse(request, meaning->head, conn->head_len, why);
	if (status == 0)
		status = frame_decide(request, &meaning->frame, why);
	if (FAST && status == 0)
		meaning->kept = conn->head_len;
	/* RFC 9112 section 9.3: 1.1 keeps the connection unless told otherwise, 1.0 only when asked. */
	meaning->stays = request->minor == 0 && request->keep_alive;
	meaning->close = request->close || (request->minor == 0 && !meaning->stays);
	return status;
}

/* 0: it is there and good; -1: more is needed; else the status to refuse with, and what could be read. */
static int read_head(struct conn *conn, const char **why)
{
	struct meaning *meaning = &conn->meaning;
	const char *bytes = conn->in + conn->in_start;
	size_t len = conn->in_end - conn->in_start;
	long head_len = request_find_end(bytes, len, &conn->scanned);

	meaning->request = (struct request){ 0 };
	if (FAST)
		meaning->kept = meaning->reply.len = 0;
	meaning->judged = false;
	*why = "a line must end with CRLF, and no other control character may stand in a request";
	if (head_len < 0)
		return 400;
	if (head_len == 0 && len <= HTTAP_HEAD_MAX)
		return -1;
	*why = "the request's head is longer than 8192 bytes";
	if (head_len == 0 || head_len > HTTAP_HEAD_MAX)
		return memchr(bytes, '\n', len < HTTAP_HEAD_MAX ? len : HTTAP_HEAD_MAX) == NULL ? 414 : 431;
	conn->head_len = (size_t)head_len;
	return parse_head(conn, why);
}

static bool step_head(struct conn *conn)
{
	const char *why;

	if (is_known_head(conn)) {
		conn->head_len = conn->meaning.kept;
	} else {
		int status = read_head(conn, &why);
		if (status < 0)
			return false;
		if (status > 0) {
			conn_refuse(conn, status, why);
			return true;
		}
	}
	conn->body_len = 0;
	if (conn->meaning.frame.framing == FRAME_CHUNKED)
		conn->chunks = (struct chunks){ 0 };
	conn->continued = false;
	conn->state = CONN_BODY;
	return true;
}

/* Moves the body along. 1: complete; 0: more is needed; else the status to refuse with. */
static int take_body(struct conn *conn, const char **why)
{
	char *raw = conn->in + conn->in_start + conn->head_len + conn->body_len;
	size_t len = (size_t)(conn->in + conn->in_end - raw), used;

	const struct frame *frame = &conn->meaning.frame;

	if (frame->framing == FRAME_NONE)
		return 1;
	if (frame->framing == FRAME_LENGTH) {
		if (len < frame->length)
			return 0;
		conn->body_len = frame->length;
		return 1;
	}
	/* What was decoded stays behind the head, and what was not yet moves up to it: the input never needs more room than
	 * a head and a body. */
	size_t decoded = len;
	int status = chunks_decode(&conn->chunks, raw, &decoded, &used, why);
	memmove(raw + decoded, raw + used, len - used);
	conn->body_len += decoded;
	conn->in_end -= used - decoded;
	return status;
}

static void conn_await_body(struct conn *conn)
{
	if (conn->in_start > 0)
		conn_compact(conn); /* room for the rest of the body */
	if (conn->meaning.frame.expects_continue && !conn->continued) {
		conn_put(conn, SPAN("HTTP/1.1 100 Continue\r\n\r\n"));
		conn->continued = true;
	}
}

/* The bytes of the request that was answered are consumed. */
static void conn_consume(struct conn *conn)
{
	conn->in_start += conn->head_len + conn->body_len;
	conn->scanned = 0;
	if (conn->in_start == conn->in_end)
		conn->in_start = conn->in_end = 0;
}

static bool step_body(struct conn *conn)
{
	struct httap_server *server = conn->server;
	const char *why = "";

	int status = take_body(conn, &why);
	if (status == 0) {
		conn_await_body(conn);
		return false;
	}
	if (status != 1) {
		conn_refuse(conn, status, why);
		return true;
	}

	const struct request *request = &conn->meaning.request;
	struct exchange exchange = {
		.server = server,
		.conn = conn,
		.meaning = &conn->meaning,
		.body = conn->in + conn->in_start + conn->head_len,
		.body_len = conn->body_len,
		.reply.close = conn->meaning.close,
		.reply.keep_alive = conn->meaning.stays,
	};
	conn->remaining = conn->deadline - server->now;
	timer_set(conn, TIMER_IDLE);
	conn->state = CONN_HEAD;
	if (request->field[FIELD_SESSION].at != NULL)
		conn->session = session_continue(server, conn->session, request->field[FIELD_SESSION]);
	route_exchange(&exchange);
	conn_consume(conn);
	events_push_early(server);
	if (conn->state == CONN_FILE)
		conn->file_close = exchange.reply.close;
	else if (exchange.reply.close && conn->state != CONN_EVENTS)
		conn_end(conn, exchange.reply.status >= 400 || conn->in_start < conn->in_end);
	return true;
}

static bool conn_step(struct conn *conn)
{
	if (conn->state == CONN_HEAD)
		return conn->in_start < conn->in_end && conn_make_room(conn) && step_head(conn);
	switch (conn->state) {
	case CONN_BODY:
		return conn_make_room(conn) && step_body(conn);
	case CONN_FILE:
		return static_step(conn);
	case CONN_EVENTS:
		return events_step(conn);
	case CONN_LAST:
		return step_last(conn);
	default:
		return false;
	}
}

/* Goes on as far as the input, the socket and its turn let it; then waits. */
void conn_advance(struct conn *conn)
{
	int steps = 0;
	bool more;

	do {
		more = conn_step(conn);
		/* A file and a last reply wait for the output; requests that have arrived are answered before it is sent, as many as
		 * make a turn. */
		if ((!more || ++steps == HTTAP_STEPS_TURN) && conn->state != CONN_FREE && conn->out_start < conn->out_end) {
			if (!conn_flush(conn))
				return;
			/* Everything went: a step may have waited for that, but not one for a request. */
			more = conn->out_end == 0 && (conn->state != CONN_HEAD || conn->in_start < conn->in_end);
		}
	} while (more && steps < HTTAP_STEPS_TURN);
	if (conn->state == CONN_FREE)
		return;
	if (!more && conn->out_end == 0 && conn->state != CONN_FILE && conn->state != CONN_EVENTS && conn->eof) {
		conn_close(conn);
		return;
	}
	/* The socket takes more, so that the next pass comes back here at once: for what has arrived already nobody else would. */
	conn_want(conn, more || conn->out_end > 0 || conn->state == CONN_FILE);
}

/* Reads once: what does not fit now comes with the next pass, when others have had their turn. False when nothing came. */
static bool conn_receive(struct conn *conn)
{
	if (conn->in_start > 0 && conn->state == CONN_HEAD)
		conn_compact(conn);
	ssize_t n = recv(conn->fd, conn->in + conn->in_end, HTTAP_IN_SIZE - conn->in_end, 0);

	if (n < 0) {
		if (!conn_comes_later())
			conn_close(conn);
		return false;
	}
	conn->eof = n == 0;
	conn->in_end += (size_t)n;
	conn->grown |= FAST && conn->in_end > HTTAP_SLOT_KEEPS;
	return true;
}

/* Reads what nobody wants to know, up to a limit, to learn when the peer goes. */
static void conn_drain(struct conn *conn)
{
	ssize_t n = recv(conn->fd, conn->in, HTTAP_IN_SIZE, 0);

	if (n < 0 && conn_comes_later())
		return;
	if (n > 0)
		conn->drained += (size_t)n;
	conn->grown |= FAST && n > HTTAP_SLOT_KEEPS;
	if (n <= 0 || conn->drained > HTTAP_LINGER_BYTES)
		conn_close(conn);
}

void conn_ready(struct conn *conn, uint32_t events)
{
	if (conn->state == CONN_LINGER || (conn->state == CONN_EVENTS && !conn->want_out)) {
		conn_drain(conn);
		return;
	}
	if (conn->want_out && (events & (EPOLLERR | EPOLLHUP)) != 0) {
		conn_close(conn);
		return;
	}
	if (!conn->want_out && !conn_receive(conn))
		return;
	conn_advance(conn);
}

static bool is_asking(const struct conn *conn)
{
	return (conn->state == CONN_HEAD || conn->state == CONN_BODY) && !conn->want_out;
}

void conn_expire(struct conn *conn)
{
	if (conn->state == CONN_EVENTS) {
		events_comment(conn);
		return;
	}
	/* What has arrived counts, also when the process was held up and comes to it late. */
	if (is_asking(conn) && conn_receive(conn))
		conn_advance(conn);
	if (conn->state == CONN_FREE || conn->deadline > conn->server->now)
		return;
	/* A silent connection is closed without a word: its peer is not waiting for one (RFC 9110 section 15.5.9 speaks of a request
	 * that was begun). One that does not take its reply, or does not close, is cut, and so
	 * is one in the lobby: a 408 would keep the place taken until it was read. */
	if (!is_asking(conn) || conn->lobby || conn->in_start == conn->in_end) {
		conn_close(conn);
		return;
	}
	/* Of a head that is not complete nothing was read: then the request is all zero. */
	conn_refuse(conn, 408, "the request was not complete in time");
	timer_set(conn, TIMER_IDLE);
	conn_advance(conn);
}
