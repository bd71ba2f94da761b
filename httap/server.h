/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The server's tables, seen by the modules of this room only.
 *
 *	server.c    the pass: wait, hand events out, expire deadlines
 *	listen.c    sockets to listen on, and accepting
 *	conn.c      one connection's states
 *	timer.c     deadlines
 *	session.c   sessions over several connections
 *	events.c    what has changed, and who listens to it
 *	route.c     one request: who may, which domain, which answer
 *	static.c    files; no_static.c in a library without them
 *	words.c     the words of the dynamic domain
 *	signals.c   reading and writing the application's signals
 */
#ifndef HTTAP_SERVER_H
#define HTTAP_SERVER_H

#include <sys/socket.h>

#include "httap/date.h"
#include "httap/file.h"
#include "httap/frame.h"
#include "httap/guard.h"
#include "httap/httap.h"
#include "httap/json.h"
#include "httap/kept.h"
#include "httap/list.h"
#include "httap/reply.h"
#include "httap/request.h"
#include "httap/target.h"
#include "httap/token.h"
#include "httapd_limits.h"

struct httap_server;

/* --- timer.c ------------------------------------------------------------------------------------------------------ */

/* Each kind of deadline has one duration, so that appending to its queue keeps the queue in order of time: setting, cancelling
 * and finding the next one cost the same for two connections and for a thousand. */
enum timer_kind {
	TIMER_FIRST,   /* from accept to the first complete request */
	TIMER_LOBBY,   /* the same, for a connection above the number of connections */
	TIMER_IDLE,    /* between requests, and between two steps of a reply that the peer is slow to take */
	TIMER_LINGER,  /* for a connection that we have closed our half of */
	TIMER_COMMENT, /* between comments to a listener */
	TIMER_KINDS,
	TIMER_NONE = TIMER_KINDS,
};

struct conn;

struct timer_queue {
	struct list list;
	int64_t duration; /* microseconds */
};

void timer_set(struct conn *conn, enum timer_kind kind);
void timer_cancel(struct conn *conn);
struct conn *timer_first(const struct httap_server *server, enum timer_kind kind); /* the oldest of that kind, or NULL */
struct conn *timer_after(const struct conn *conn);                                 /* the next one of its kind, or NULL */
int64_t timer_next(const struct httap_server *server);                             /* INT64_MAX: none */
struct conn *timer_expired(const struct httap_server *server);                     /* one whose deadline has passed, or NULL */

/* --- session.c ---------------------------------------------------------------------------------------------------- */

struct session {
	char name[HTTAP_SESSION_LEN + 1]; /* "": not in use */
	bool opened;                      /* a dynamic request has been answered */
	bool shared;                      /* it was continued on another connection than its first */
	bool known;                       /* it has named the token */
	unsigned int connections;         /* that it has now */
	uint64_t seen;                    /* changes up to this one are in `changed` */
	uint64_t changed;                 /* a bit for each signal that changed since the session read it */
	int64_t until;                    /* without a connection: remembered until then */
	struct link link;                 /* in the list of these */
};

int sessions_make(struct httap_server *server); /* the table, which is all zero; -1 and errno when chance has nothing to give */
struct session *session_open(struct httap_server *server);                /* for a new connection */
void session_leave(struct httap_server *server, struct session *session); /* by one of its connections */

/* The session of that name, for a connection that has been in the present one; the present one when there is none. */
struct session *session_continue(struct httap_server *server, struct session *present, struct span name);

/* --- conn.c ------------------------------------------------------------------------------------------------------- */

enum conn_state {
	CONN_FREE,
	CONN_HEAD,   /* reads a request head, or waits for one */
	CONN_BODY,   /* has a head and reads the body */
	CONN_FILE,   /* sends a file behind a head */
	CONN_EVENTS, /* listens to changes; says nothing more */
	CONN_LAST,   /* sends what is left of its last reply */
	CONN_LINGER, /* has sent everything and closed its half; reads the rest away */
};

struct exchange;

/* The head of the last reply to a request that came again, and what it depends on besides the request. */
struct known_reply {
	size_t len; /* 0: none */
	int status;
	int64_t date_until;
	uint64_t length;
	const char *type;
	const struct session *session;
	char head[HTTAP_KNOWN_REPLY_MAX];
};

/* What a head was found to say and to mean. It stays with its connection: a head that comes again byte for byte, as from who drives and
 * from a page that polls, is neither read nor judged again. Nothing here depends on anything but the head and the configuration. */
struct meaning {
	size_t kept;        /* bytes of the head, when it could be read */
	bool close;         /* the connection ends with the reply, */
	bool stays;         /* or stays where it would have ended: HTTP/1.0 (RFC 9112 section 9.3) */
	bool judged;        /* it was let in; only then `direct` and `signal` count */
	int signal;         /* what "/?" is followed by; -1: no signal, or several */
	bool dynamic;       /* errors are JSON, and the session is told */
	bool direct;        /* it is let through to signals_answer() */
	struct span origin; /* who may read the reply: see struct reply */
	struct frame frame;
	struct request request;                       /* as far as it could be read */
	char actor_request[HTTAP_ACTOR_REQUEST_SIZE]; /* of struct httap_actor */
	struct target target;
	struct known_reply reply;  /* when `direct` */
	char head[HTTAP_HEAD_MAX]; /* here all spans point to */
};

/* What is looked at most comes first: the nearer to the start, the shorter the instruction. A connection that sends and gets little touches
 * the first page of its slot, in which its request's head begins, and the first of each buffer. */
struct conn {
	struct httap_server *server; /* this stays with the slot, all else begins anew with each connection */
	int fd;
	enum conn_state state;
	bool lobby;      /* above the number of connections: gets 503 */
	bool want_out;   /* waits until the socket takes more, instead of for input */
	bool eof;        /* the peer has closed his half */
	bool linger;     /* CONN_LAST: the peer may still be sending, so read before closing */
	bool continued;  /* 100 has been sent for this request */
	bool file_close; /* CONN_FILE: close the connection behind it */
	bool moved;      /* CONN_EVENTS: he has taken something since the last comment */
	bool grown;      /* its buffers have held more than a slot keeps */
	struct session *session;

	size_t in_start; /* the bytes in[in_start..in_end) are not yet consumed */
	size_t in_end;
	size_t out_start; /* the bytes out[out_start..out_end) are not yet sent */
	size_t out_end;
	size_t scanned; /* of the input, looked at by request_find_end() */
	size_t head_len;
	size_t body_len;

	enum timer_kind timer;
	int file; /* CONN_FILE */
	int64_t deadline;
	struct link timer_link; /* in the queue of its kind of deadline */
	struct conn *next_free;
	int64_t remaining; /* of the countdown when the present request was complete, microseconds */
	size_t drained;    /* CONN_LINGER, CONN_EVENTS: bytes read away */
	int64_t file_at;
	uint64_t file_left;
	uint64_t told;             /* CONN_EVENTS: the last change that is in the output */
	struct link listener_link; /* CONN_EVENTS */

	struct chunks chunks;
	char peer[64];
	struct meaning meaning; /* of the present head, or of the last one */
	_Alignas(HTTAP_SLOT_ALIGN) char in[HTTAP_IN_SIZE];
	_Alignas(HTTAP_SLOT_ALIGN) char out[HTTAP_OUT_SIZE];
};

/* Takes an accepted, non-blocking socket into a free slot. */
void conn_open(struct conn *conn, int fd, const struct sockaddr *address);
void conn_close(struct conn *conn);
void conn_ready(struct conn *conn, uint32_t events); /* EPOLLIN, EPOLLOUT, ... */
void conn_expire(struct conn *conn);
void conn_end(struct conn *conn, bool linger); /* behind what is in the output; `linger`: the peer may still be sending */
bool conn_comes_later(void);                   /* after a call that failed: is there only nothing to do yet? */

/* Behind its output, where there must be room. */
inline void conn_put(struct conn *conn, struct span bytes)
{
	if (bytes.len > 0)
		memcpy(conn->out + conn->out_end, bytes.at, bytes.len); /* `at` may be NULL where there is nothing */
	conn->out_end += bytes.len;
}

void conn_advance(struct conn *conn); /* as far as its input and its socket let it; may close it */

/* --- events.c ----------------------------------------------------------------------------------------------------- */

struct change {
	int64_t time;
	uint64_t signals; /* a bit for each that changed, */
	uint64_t values;  /* and its value */
};

struct events {
	uint64_t known; /* signals whose value is known, */
	uint64_t values;
	uint64_t last;                       /* number of the last change, from 1 on */
	uint64_t told;                       /* up to this one somebody has been told: nothing is added to it any more */
	uint64_t pushed;                     /* up to this one listeners have been looked after */
	uint64_t changed[HTTAP_SIGNALS_MAX]; /* number of each signal's last change */
	struct change ring[HTTAP_CHANGES_KEPT];
	struct list listeners;
};

void events_note(struct httap_server *server);                                    /* what is selected has its values as of now */
uint64_t events_of_session(struct httap_server *server, struct session *session); /* a bit for each signal that changed */
void events_begin(struct conn *conn);                                             /* behind the head of its reply */
void events_end(struct conn *conn);
bool events_step(struct conn *conn);
void events_push(struct httap_server *server);
void events_comment(struct conn *conn); /* its deadline has come */

/* --- route.c ------------------------------------------------------------------------------------------------------ */

/* A complete request on its way to an answer. */
struct exchange {
	struct httap_server *server;
	struct conn *conn;
	struct meaning *meaning; /* of its head */
	char *body;              /* of the request; may be decoded in place */
	size_t body_len;
	struct reply reply;
	size_t sent; /* bytes of the reply's body */
};

/* Answers: puts a reply into the connection's output, for which there is room. */
void route_exchange(struct exchange *exchange);

/* Refuses a request that could not even be read, as far as the connection knows it, or that took too long. Closes. */
void route_refuse_early(struct conn *conn, int status, const char *why);

/* The reply as it is in the exchange, and what of its body is there already: the whole of it, or none when it is to follow. HEAD gets the
 * same head without a body (RFC 9110 section 9.3.2). */
void answer_put(struct exchange *exchange, uint64_t length, struct span body);

/* Replies of the dynamic domain. */
void answer_text(struct exchange *exchange, struct span text);
void answer_bytes(struct exchange *exchange, struct span type, struct span body);
struct httap_json *answer_begin(struct exchange *exchange); /* a JSON object, to be filled, */
void answer_object(struct exchange *exchange);              /* and sent */
void answer_events(struct exchange *exchange);              /* the head; events_begin() follows */
void answer_refusal(struct exchange *exchange, int status, const char *why);
void answer_refused(struct exchange *exchange); /* as the application said */

/* Is the method one of HTTAP_READS, HTTAP_WRITES? Else OPTIONS has been answered, or what doesn't fit, by 405 and `why`. */
bool exchange_fits(struct exchange *exchange, unsigned int methods, const char *why);

/* POST or PUT */
inline bool exchange_writes(const struct exchange *exchange)
{
	return exchange->meaning->request.method == METHOD_POST || exchange->meaning->request.method == METHOD_PUT;
}

const struct httap_actor *exchange_actor(const struct exchange *exchange); /* until the next one is asked for */

/* --- static.c, or no_static.c ------------------------------------------------------------------------------------- */

bool static_is_root_page(const char *text);
int static_open(struct files *files, const struct httap_config *config, struct httap_error *error); /* 0: all can be served */
void static_close(struct files *files);
void static_answer(struct exchange *exchange);
struct span static_date(struct httap_server *server); /* the Date of a reply; empty: the clock was never set */
bool static_step(struct conn *conn);                  /* of CONN_FILE */

/* --- words.c, signals.c ------------------------------------------------------------------------------------------- */

void words_answer(struct exchange *exchange); /* "/?" and what follows */
int words_check(const struct httap_server *server, struct httap_error *error);
bool words_may_stop(const struct exchange *exchange);                  /* is this POST /?stop? */
void signals_list(struct exchange *exchange);                          /* GET /?list */
void signals_changes(struct exchange *exchange);                       /* GET /?changes */
void signals_events(struct exchange *exchange);                        /* GET /?events */
void signals_observe(struct httap_server *server);                     /* reads all, so that changes can be told from them */
int signals_find(const struct httap_server *server, struct span name); /* its index, or -1 */
void signals_answer(struct exchange *exchange);                        /* names, lists of names, hierarchy */
void signals_write_form(struct exchange *exchange);                    /* POST /? */
void signals_switch(struct exchange *exchange, uint8_t action);        /* GET /0, GET /1 */
void signals_stop(struct exchange *exchange);
int signals_check(struct httap_server *server, struct httap_error *error); /* and takes their names down */

/* --- server.c ----------------------------------------------------------------------------------------------------- */

/* Some of the signals, each once, in the order in which they were named. */
struct selection {
	uint16_t index[HTTAP_SIGNALS_MAX];
	size_t count;
	uint64_t taken; /* a bit for each signal */
};

_Static_assert(HTTAP_SIGNALS_MAX <= 64, "a selection keeps a bit for each signal");

enum source { SOURCE_LISTENER, SOURCE_CONN, SOURCE_WATCH };

struct watch {
	int fd;
	void (*ready)(void *context, int fd);
	void *context;
};

/* As in struct conn, what is used in most places comes first. */
struct httap_server {
	const struct httap_config *config;
	const struct httap_signals *signals; /* never NULL, */
	const struct httap_words *words;     /* nor is this */
	int64_t now;                         /* of this pass */
	int epoll;
	int happened;
	struct conn *conn;
	struct conn *free;
	struct session *session;
	struct list sessions_left; /* without a connection; who has been there for the longest comes first */
	unsigned int conn_count;   /* with the lobby */
	unsigned int conn_limit;   /* without */
	unsigned int conn_used;
	unsigned int listener_count;
	unsigned int knocking; /* a bit for each listener at which somebody waits in this pass */
	int64_t accept_again;  /* INT64_MAX: when a slot becomes free */
	int64_t wake_time;
	bool accepting;
	bool observed; /* signals_observe() has been called */
	int keepalive_s;
	struct events events;
	struct timer_queue timer[TIMER_KINDS];

	int listener[HTTAP_LISTENERS_MAX];
	int port;
	struct conn *conn_end; /* behind the table; when that is the free one, there is none */
	unsigned int session_count;
	unsigned int session_mask; /* disguises places in the table */

	struct watch watch[HTTAP_WATCHES_MAX];
	unsigned int watch_count;
	void (*wake)(void *context);
	void *wake_context;

	struct files files;
	struct guard guard;
	struct guesses guesses;
	char id[HTTAP_HOST_SIZE];
	const char *type;
	int64_t date_until; /* of `now`: then `date` is made anew */
	size_t date_len;
	char date[DATE_SIZE];

	/* One request is answered at a time, so that one copy of these serves all connections. */
	struct span name[HTTAP_SIGNALS_MAX]; /* of each signal */
	struct selection selection;
	uint8_t value[HTTAP_SIGNALS_MAX]; /* of the selected signals, */
	struct httap_write
		write[HTTAP_SIGNALS_MAX + 1]; /* and what they shall be; one more, to find the name that stands twice */
	struct httap_refusal refusal;         /* by the application, */
	const char *refused;                  /* and what is said when it doesn't say why */
	struct httap_actor actor;
	struct httap_json json; /* in `body` */
	char fields[HTTAP_FIELDS_SIZE];
	char body[HTTAP_REPLY_BODY_MAX];
#ifndef HTTAP_SMALL
	struct kept kept;
#endif
};

int64_t clock_monotonic(void *context); /* microseconds */
int64_t clock_wall(void *context);      /* microseconds since 1970 */

/* Adds or changes what the kernel shall tell of a descriptor: epoll_ctl(2). For one that is open, and known or fresh, what can fail is lack
 * of memory or watches; the deadline that every connection has is the answer to that. */
int server_interest(const struct httap_server *server, int operation, int fd, uint32_t events, enum source source, size_t index);
void server_slot_free(struct conn *conn);

/* The slot for a newcomer: a free one, or that of a connection which gives way to him; NULL: there is none. It stays the one whatever
 * happens until it is taken: asked again, the kernel may have heard from who was silent. */
struct conn *server_slot_next(const struct httap_server *server);
struct conn *server_slot_take(struct httap_server *server, struct conn *conn); /* what server_slot_next() said */

/* --- config.c ----------------------------------------------------------------------------------------------------- */

int config_check(const struct httap_config *config, struct httap_error *error);

/* --- listen.c ----------------------------------------------------------------------------------------------------- */

int listen_check(int fd); /* 0 when it is a listening stream socket, else -1 and errno */
int listen_port(int fd);  /* 0 when it has none, -1 when that can't be told */
int listen_bind(struct httap_server *server, struct httap_error *error);
bool listen_is_address_list(const char *text);
void listen_accept(struct httap_server *server, int fd);
void listen_pause(struct httap_server *server, int64_t until);
void listen_resume(struct httap_server *server);

/* What many requests or edges in one pass have changed is told before the ring has turned. */
inline void events_push_early(struct httap_server *server)
{
	if (server->events.last - server->events.pushed >= HTTAP_CHANGES_KEPT / 2)
		events_push(server);
}

#endif
