/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The server's tables, seen by the modules of this room only.
 *
 *	server.c    the pass: wait, hand events out, expire deadlines
 *	listen.c    sockets to listen on, and accepting
 *	conn.c      one connection's states
 *	timer.c     deadlines
 *	route.c     one request: who may, which domain, which answer
 *	words.c     the words of the dynamic domain
 *	signals.c   reading and writing the application's signals
 */
#ifndef HTTAP_SERVER_H
#define HTTAP_SERVER_H

#include <sys/socket.h>

#include "httap/file.h"
#include "httap/frame.h"
#include "httap/guard.h"
#include "httap/httap.h"
#include "httap/request.h"
#include "httapd_limits.h"

struct httap_server;

/* --- timer.c ------------------------------------------------------------------------------------------------------ */

/* Each kind of deadline has one duration, so that appending to its queue keeps the queue in order of time: setting, cancelling
 * and finding the next one cost the same for two connections and for a thousand. */
enum timer_kind {
	TIMER_FIRST,  /* from accept to the first complete request */
	TIMER_LOBBY,  /* the same, for a connection above the number of connections */
	TIMER_IDLE,   /* between requests, and between two steps of a reply that the peer is slow to take */
	TIMER_LINGER, /* for a connection that we have closed our half of */
	TIMER_KINDS,
	TIMER_NONE = TIMER_KINDS,
};

struct conn;

struct timer_queue {
	struct conn *first;
	struct conn *last;
	int64_t duration; /* microseconds */
};

void timer_set(struct httap_server *server, struct conn *conn, enum timer_kind kind);
void timer_cancel(struct httap_server *server, struct conn *conn);
int64_t timer_next(const struct httap_server *server);         /* INT64_MAX: none */
struct conn *timer_expired(const struct httap_server *server); /* one whose deadline has passed, or NULL */

/* --- conn.c ------------------------------------------------------------------------------------------------------- */

enum conn_state {
	CONN_FREE,
	CONN_HEAD,   /* reads a request head, or waits for one */
	CONN_BODY,   /* has a head and reads the body */
	CONN_FILE,   /* sends a file behind a head */
	CONN_LAST,   /* sends what is left of its last reply */
	CONN_LINGER, /* has sent everything and closed its half; reads the rest away */
};

struct conn {
	int fd;
	enum conn_state state;
	bool lobby;     /* above the number of connections: gets 503 */
	bool want_out;  /* waits until the socket takes more, instead of for input */
	bool eof;       /* the peer has closed his half */
	bool linger;    /* CONN_LAST: the peer may still be sending, so read before closing */
	bool opened;    /* a dynamic request has been answered in this session */
	bool continued; /* 100 has been sent for this request */

	char session[HTTAP_SESSION_LEN + 1];
	char peer[64];

	enum timer_kind timer;
	int64_t deadline;
	int64_t remaining; /* of the countdown when the present request was complete, microseconds */
	struct conn *timer_before;
	struct conn *timer_after;
	struct conn *next_free;

	size_t in_start; /* the bytes in[in_start..in_end) are not yet consumed */
	size_t in_end;
	size_t scanned; /* of them, looked at by request_find_end() */
	size_t head_len;
	size_t body_len;
	size_t drained;         /* CONN_LINGER: bytes read away */
	struct request request; /* CONN_BODY: its spans point into `in` */
	struct frame frame;
	struct chunks chunks;

	size_t out_start; /* the bytes out[out_start..out_end) are not yet sent */
	size_t out_end;
	int file; /* CONN_FILE */
	int64_t file_at;
	uint64_t file_left;
	bool file_close; /* close the connection behind it */

	char in[HTTAP_IN_SIZE];
	char out[HTTAP_OUT_SIZE];
};

/* Takes an accepted, non-blocking socket into a free slot. */
void conn_open(struct httap_server *server, struct conn *conn, int fd, const struct sockaddr *address);
void conn_close(struct httap_server *server, struct conn *conn);
void conn_ready(struct httap_server *server, struct conn *conn, uint32_t events); /* EPOLLIN, EPOLLOUT, ... */
void conn_expire(struct httap_server *server, struct conn *conn);

/* --- route.c ------------------------------------------------------------------------------------------------------ */

/* A complete request on its way to an answer. */
struct exchange {
	struct httap_server *server;
	struct conn *conn;
	const struct request *request;
	struct target *target;
	char *body; /* of the request; may be decoded in place */
	size_t body_len;
	bool dynamic;    /* errors are JSON, and the session is told */
	bool close;      /* after the reply */
	bool keep_alive; /* an HTTP/1.0 peer asked to keep the connection, and is told that it is kept */
	bool attachment; /* the reply is a download */
	int status;      /* 0 until answered */
	size_t sent;     /* bytes of the reply's body */
};

/* Answers: puts a reply into the connection's output, for which there is room. */
void route_exchange(struct exchange *exchange);

/* Refuses a request that could not even be read, or that took too long. Closes. */
void route_refuse_early(
	struct httap_server *server, struct conn *conn, const struct request *request, int status, const char *why);

/* Replies of the dynamic domain. */
void answer_text(struct exchange *exchange, struct span text);
void answer_json(struct exchange *exchange, const struct httap_json *json);
void answer_download(struct exchange *exchange, struct span body);
void answer_nothing(struct exchange *exchange, const char *allow);
void answer_refusal(struct exchange *exchange, int status, const char *why);
void answer_not_allowed(struct exchange *exchange, const char *allow, const char *why);

bool exchange_writes(const struct exchange *exchange); /* POST or PUT */
bool exchange_reads(const struct exchange *exchange);  /* GET or HEAD */
struct httap_actor exchange_actor(const struct exchange *exchange, char request[static HTTAP_ACTOR_REQUEST_SIZE]);

/* --- words.c, signals.c ------------------------------------------------------------------------------------------- */

void words_answer(struct exchange *exchange);                   /* "/?" and what follows */
bool words_may_stop(const struct exchange *exchange);           /* is this POST /?stop? */
void signals_list(struct exchange *exchange);                   /* GET /?list */
void signals_answer(struct exchange *exchange);                 /* names, lists of names, hierarchy */
void signals_write_form(struct exchange *exchange);             /* POST /? */
void signals_switch(struct exchange *exchange, uint8_t action); /* GET /0, GET /1 */
void signals_stop(struct exchange *exchange);
int signals_check(const struct httap_signals *signals, struct httap_error *error);

/* --- server.c ----------------------------------------------------------------------------------------------------- */

enum source { SOURCE_LISTENER, SOURCE_CONN, SOURCE_WATCH };

struct watch {
	int fd;
	void (*ready)(void *context, int fd);
	void *context;
};

struct httap_server {
	const struct httap_config *config;
	const struct httap_signals *signals;
	int epoll;
	int64_t now; /* of this pass */
	int happened;

	int listener[HTTAP_LISTENERS_MAX];
	unsigned int listener_count;
	int port;
	bool accepting;
	int64_t accept_again; /* INT64_MAX: when a slot becomes free */

	struct conn *conn;
	unsigned int conn_count; /* with the lobby */
	unsigned int conn_limit; /* without */
	unsigned int conn_used;
	struct conn *free;
	struct timer_queue timer[TIMER_KINDS];
	int keepalive_s;

	struct watch watch[HTTAP_WATCHES_MAX];
	unsigned int watch_count;
	int64_t wake_time;
	void (*wake)(void *context);
	void *wake_context;

	struct files files;
	struct guard guard;
	char id[HTTAP_HOST_SIZE];
	const char *type;

	/* One request is answered at a time, so that one copy of these serves all connections. */
	struct target target;
	char body[HTTAP_REPLY_BODY_MAX];
};

int64_t clock_monotonic(void *context); /* microseconds */

void server_interest(struct httap_server *server, int operation, int fd, uint32_t events, enum source source, size_t index);
void server_slot_free(struct httap_server *server, struct conn *conn);
bool server_slot_ready(const struct httap_server *server);
struct conn *server_slot_take(struct httap_server *server); /* only when one is ready */

/* --- config.c ----------------------------------------------------------------------------------------------------- */

int config_check(const struct httap_config *config, struct httap_error *error);

/* --- listen.c ----------------------------------------------------------------------------------------------------- */

int listen_check(int fd); /* 0 when it is a listening stream socket, else -1 and errno */
int listen_port(int fd);  /* 0 when it has none */
int listen_bind(struct httap_server *server, struct httap_error *error);
int listen_check_addresses(const char *addresses, struct span *bad);
void listen_accept(struct httap_server *server, int fd);
void listen_pause(struct httap_server *server, int64_t until);
void listen_resume(struct httap_server *server);

#endif
