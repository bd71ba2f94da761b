/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * libhttap: a small HTTP/1.1 server for hardware, to be embedded in a program's own loop. It speaks HTTaP (a subset of HTTP/1.1
 * by Yann Guidon) and serves static files. One thread, no allocation while serving, no output of its own.
 *
 *	static struct httap server;                  // all zero: every default
 *	for (;;)
 *		httap_blocking(&server);             // or httap_polled(), between other work
 *
 * The first pass opens what it needs; httap_start() does so at a moment of the program's own choosing. All functions are to be
 * called from one thread. Times are microseconds on one monotonic clock.
 */
#ifndef HTTAP_HTTAP_H
#define HTTAP_HTTAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#if defined(__GNUC__)
#define HTTAP_API __attribute__((visibility("default")))
#else
#define HTTAP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the protocol, a date as YYYYMMDD: what `GET /?` answers as HTTaP_version. */
#define HTTAP_PROTOCOL_VERSION 20261123

/* One sentence, without a newline, that says what was wrong and what would be right. */
struct httap_error {
	char text[256];
};

/* Why an application refuses: an HTTP status from 400 to 599, and a sentence for the person who asked. */
struct httap_refusal {
	int status;
	char text[256];
};

/* --- Signals: what the application offers ---------------------------------------------------------------------- */

struct httap_signal {
	const char *name; /* [A-Z][A-Za-z0-9_]*(\.[A-Z0-9][A-Za-z0-9_]*)*, at most 31 bytes, used once */
	bool writable;    /* false: a write is 405 */
	bool no_get;      /* true: never written by GET /1 and GET /0 (a motor) */
};

enum httap_action { HTTAP_SET_0 = 0, HTTAP_SET_1 = 1, HTTAP_TOGGLE = 2, HTTAP_PULSE = 3 };

struct httap_write {
	uint16_t signal;  /* index into httap_signals.signal */
	uint8_t action;   /* enum httap_action */
	int64_t duration; /* HTTAP_PULSE: microseconds from on to off, 1 ms to 1 h */
};

/* Who asks. The pointers are valid during the call only. */
struct httap_actor {
	const char *session; /* the session's name, 16 characters: whoever knows it can continue the session, so tell nobody */
	const char *peer;    /* address of the other end, printable; "unix" for a Unix socket */
	const char *request; /* method and target in printable ASCII, cut to 128 bytes */
};

struct httap_json; /* a JSON object that is being written: httap_json_*() */

/* The application's signals and its routines. All is borrowed: it must live as long as the server. Each routine returns 0, or
 * -1 with the refusal filled in. */
struct httap_signals {
	const struct httap_signal *signal;
	size_t count; /* at most 64 */
	void *context;

	/* Reads `count` signals into `value`, 0 or 1 each. */
	int (*read)(void *context, const uint16_t *signal, size_t count, uint8_t *value, struct httap_refusal *refusal);

	/* Writes `count` signals, each named once, all or nothing, and puts their values as they are now into `value`. A routine that
	 * knows no pulses refuses HTTAP_PULSE with status 400. May be NULL when no signal is writable. */
	int (*write)(void *context, const struct httap_actor *actor, const struct httap_write *write, size_t count,
		uint8_t *value, struct httap_refusal *refusal);

	/* Sets every output to its safe value. May be NULL when there is nothing to stop. */
	int (*stop)(void *context, const struct httap_actor *actor, struct httap_refusal *refusal);

	/* Adds members to the signal's object in `GET /?list`, behind direction and value. May be NULL. */
	void (*describe)(void *context, uint16_t signal, struct httap_json *json);

	/* `GET /?ping`: the session says that it is there. May be NULL. */
	void (*ping)(void *context, const struct httap_actor *actor);

	/* The only connection that this session ever had has closed. Not called for one that was continued on another connection:
	 * those come and go as a browser likes, and only the time since it was heard tells. May be NULL. */
	void (*left)(void *context, const char *session);
};

/* --- Words: what the application answers beside its signals ------------------------------------------------------ */

/* One request for a word. `json` is an object that is open: what httap_json_*() add to it is the reply, unless `type` is set;
 * then it is `bytes`, at most 24576 of them, which must stay as they are until the routine is called again. */
struct httap_call {
	const struct httap_actor *actor;
	bool writes;      /* POST or PUT; else GET or HEAD */
	const char *body; /* of the request; not terminated */
	size_t body_len;
	struct httap_json *json;
	const char *type; /* a media type, "text/csv" */
	const void *bytes;
	size_t len;
};

enum httap_methods { HTTAP_READS = 1, HTTAP_WRITES = 2, HTTAP_READS_AND_WRITES = 3 };

struct httap_word {
	const char *name;     /* [A-Za-z][A-Za-z0-9_.]*, at most 31 bytes; neither one of the protocol's words nor a signal */
	unsigned int methods; /* enum httap_methods: GET and HEAD, POST and PUT, or all; others are 405 */

	/* 0, or -1 with the refusal filled in. */
	int (*answer)(void *context, struct httap_call *call, struct httap_refusal *refusal);
};

/* The application's words: `/?name` calls the routine. All is borrowed: it must live as long as the server. */
struct httap_words {
	const struct httap_word *word;
	size_t count; /* at most 64 */
	void *context;
};

/* One member of the object that is being written. Text is escaped; NULL text is written as null. */
HTTAP_API void httap_json_text(struct httap_json *json, const char *name, const char *text);
HTTAP_API void httap_json_number(struct httap_json *json, const char *name, int64_t number);
HTTAP_API void httap_json_bool(struct httap_json *json, const char *name, bool value);

/* --- Configuration ---------------------------------------------------------------------------------------------- */

/* A request that was answered, for a log. Valid during the call only. */
struct httap_exchange {
	struct httap_actor actor;
	int status;
	size_t body_bytes; /* of the reply */
};

/* Zero means the default everywhere. Text is borrowed and must live as long as the server. */
struct httap_config {
	int port;                /* default 60000; HTTAP_PORT_ANY takes a free one: httap_port() tells which */
	const char *listen;      /* addresses, separated by white space; default: every address, IPv6 and IPv4 */
	int keepalive_s;         /* seconds between requests, 3 to 200, default 15 */
	const char *static_path; /* the static root, default "." */
	const char *root_page;   /* the file that "/" answers with, default "index.html" */
	const char *hosts;       /* further host names, separated by white space */
	const char *
		origins; /* further origins (http://host:port), separated by white space, or "*": their pages may read and write */
	bool refuse_get_writes; /* true: GET /1 and GET /0 are 405 */
	bool loopback;          /* true: POST /?loopback sends the body back as a download */
	const char
		*token; /* who writes must name it: 16 to 128 letters, digits and -._~+/ with = at the end; NULL: nobody must */
	bool token_to_read; /* true: who reads must name it too, also for files and to stop */
	int connections;    /* at once, 2 to 1024, default 32 */
	const char *type;   /* the Type of `GET /?`: what kind of thing this is, default "libhttap" */
	const char *id;     /* the ID of `GET /?`, default the host name */

	/* The user who will serve, when it is not yet the effective one: files must belong to him or to root. */
	bool serving_uid_given;
	uid_t serving_uid;

	/* The clock, in microseconds, monotonic. Default CLOCK_MONOTONIC. For tests and simulations. */
	int64_t (*clock)(void *context);
	void *clock_context;

	/* The time of day, in microseconds since 1970: for the Date field, and for what is told of files. Default CLOCK_REALTIME. */
	int64_t (*wall_clock)(void *context);
	void *wall_clock_context;

	/* Called after each request that got an answer. */
	void (*on_request)(void *context, const struct httap_exchange *exchange);
	void *on_request_context;
};

#define HTTAP_PORT_ANY (-1)

/* Fills the members that have a variable: HTTAP_TCPPORT, HTTAP_LISTEN, HTTAP_KEEPALIVE, HTTAP_STATICPATH, HTTAP_ROOTPAGE,
 * HTTAP_HOSTS, HTTAP_ORIGINS, HTTAP_GET_WRITES, HTTAP_CONNECTIONS, HTTAP_LOOPBACK; the others stay. An empty variable counts as unset.
 * 0, or -1 with an error that names the variable, its value and what is allowed. The environment must not be changed while the
 * server lives: the text is borrowed from it. */
HTTAP_API int httap_config_environment(struct httap_config *config, struct httap_error *error);

/* 0 when the configuration is good and its root page could be served by the present user. Binds nothing, keeps nothing. */
HTTAP_API int httap_check(const struct httap_config *config, struct httap_error *error);

/* --- The server ------------------------------------------------------------------------------------------------- */

struct httap_server; /* private */

/* Starts as all zero bytes. Set what is to be different from the default, then let it serve. */
struct httap {
	struct httap_config config;
	const struct httap_signals *signals; /* NULL: none */
	const struct httap_words *words;     /* NULL: none */
	struct httap_server *server;         /* private; NULL until started */
};

/* What happened in a pass: any of these together, or 0. */
enum httap_happened {
	HTTAP_ACCEPTED = 1, /* a connection was opened */
	HTTAP_ANSWERED = 2, /* a request was answered */
	HTTAP_CLOSED = 4,   /* a connection was closed, by either side */
	HTTAP_WATCHED = 8   /* a watched descriptor was ready and its routine was called */
};

/* Hands in a listening stream socket; then none is bound. Only before the server has started; up to 8. The server owns the
 * descriptor from then on. 0, or -1 with errno (EBADF, ENOTSOCK, EINVAL not a listening stream socket, EBUSY already started,
 * ENOSPC). */
HTTAP_API int httap_add_listener(struct httap *httap, int fd);

/* Opens the static root, binds (unless listeners were handed in) and makes the tables: all that serving needs. Ignores SIGPIPE for
 * the process when it still has its default action (sendfile(2) raises it). 0 also when already started; -1 with the
 * error, and then everything is closed, also the listeners that were handed in. */
HTTAP_API int httap_start(struct httap *httap, struct httap_error *error);

/* 0 when the root page can be served by the present user, else -1, also before the start; for a program that dropped privileges
 * since httap_start(). */
HTTAP_API int httap_check_root_page(const struct httap *httap, struct httap_error *error);

/* Closes everything and frees it. The structure can be started again. */
HTTAP_API void httap_stop(struct httap *httap);

/* One pass: takes what has arrived, answers, and closes what is overdue. httap_polled() never waits; httap_blocking() waits
 * until something happens or a deadline passes, and returns early on a signal. The two may alternate. Returns a set of
 * enum httap_happened, or -1 with errno when the server could not start or the wait failed. */
HTTAP_API int httap_polled(struct httap *httap);
HTTAP_API int httap_blocking(struct httap *httap);

/* For a loop of the program's own: a descriptor that is readable whenever a pass has something to do (an epoll(7)
 * descriptor: put it into poll, select or another epoll), and the time of the next deadline on the server's clock,
 * INT64_MAX when there is none. -1 when not started. */
HTTAP_API int httap_fd(const struct httap *httap);
HTTAP_API int64_t httap_deadline(const struct httap *httap);

/* The server's clock now, in microseconds. */
HTTAP_API int64_t httap_now(const struct httap *httap);

/* Tells that a signal has a new value since `time` (httap_now() clock): every change that no request through this server made, such as
 * an input's. Who reads `/?events` or `/?changes` learns of it. A value that is known already is nothing new. May be called from
 * within routines. */
HTTAP_API void httap_changed(struct httap *httap, uint16_t signal, uint8_t value, int64_t time);

/* The port that is listened on, of the first listener; 0 when it has none (a Unix socket) or not started. */
HTTAP_API int httap_port(const struct httap *httap);

/* The descriptor of the static root, for a program that wants to chroot there; -1 when not started. Stays the server's. */
HTTAP_API int httap_static_fd(const struct httap *httap);

/* Calls `ready` in the pass in which `fd` is readable: how a program in blocking mode waits for more than the server. Up to 16;
 * after httap_start(). 0, or -1 with errno. The descriptor stays the caller's. */
HTTAP_API int httap_watch(struct httap *httap, int fd, void (*ready)(void *context, int fd), void *context);

/* Calls `wake` in the first pass at or after `time` (httap_now() clock). One at a time: a new call replaces the old;
 * INT64_MAX cancels. It may be called from within routines. */
HTTAP_API void httap_wake_at(struct httap *httap, int64_t time, void (*wake)(void *context), void *context);

#ifdef __cplusplus
}
#endif

#endif
