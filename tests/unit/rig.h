/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * A test rig: a real server on a real socket, with a clock that only a test moves, an application that writes down what it is
 * asked, and peers that talk to it. Nothing here waits for time to pass.
 */
#ifndef TESTS_UNIT_RIG_H
#define TESTS_UNIT_RIG_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "httap/httap.h"
#include "tests/unit/guard_page.h"

#define MS INT64_C(1000)
#define SECONDS INT64_C(1000000)

/* The end of a request without fields of its own. */
#define HOST " HTTP/1.1\r\nHost: localhost\r\n"
#define END HOST "\r\n"

/* --- Failing ------------------------------------------------------------------------------------------------------ */

/* Like ck_assert(), and also good in a child of rig_in_child(). */
#define must(condition) ((condition) ? (void)0 : rig_fail(__FILE__, __LINE__, "%s", #condition))
__attribute__((noreturn, format(printf, 3, 4))) void rig_fail(const char *file, int line, const char *format, ...);

/* Runs `body` in a process of its own, for tests that change the process; fails when it fails. Libcheck may not fork itself
 * (CK_FORK=no). */
void rig_in_child(void (*body)(void));

/* --- The environment and descriptors ------------------------------------------------------------------------------ */

void rig_env_clear(void);                               /* setup: no variable of ours is set */
void rig_env_set(const char *name, const char *value); /* NULL unsets */
void rig_env_restore(void);                             /* teardown: all as it was before rig_env_clear() */

unsigned int rig_descriptors(void); /* how many this process has open */

/* A network of the child's own with nothing in it but 127.0.0.1 and ::1, so that every port is free. False when that is not
 * allowed. */
bool rig_private_network(void);

/* A socket on 127.0.0.1 and a free port (AF_INET), or with a name that the kernel makes up (AF_UNIX), that listens unless it is
 * one for datagrams. Closed by exec. */
int rig_listening(int family, int type);

/* Calls of malloc, calloc and realloc so far; always 0 in builds where they can't be counted. */
unsigned long rig_allocations(void);
bool rig_counts_allocations(void);

/* Calls that a test can make fail, as they do where memory or descriptors have run out. */
enum rig_call {
	RIG_CALLOC, /* this and the next only where rig_counts_allocations() */
	RIG_REALLOC,
	RIG_MMAP,
	RIG_SOCKET,
	RIG_EPOLL_CREATE,
	RIG_EPOLL_WAIT,
	RIG_EVENTFD,
	RIG_SEND,
	RIG_CALLS
};

/* Of the calls of that kind which are to come, this one (1: the next) fails once with this errno. */
void rig_fail_call(enum rig_call call, unsigned int turn, int error);

bool rig_is_json(const char *text, size_t len);

/* --- The application ---------------------------------------------------------------------------------------------- */

/* MOTOR.LEFT and MOTOR.RIGHT are outputs that GET does not write, LED and LAMP are plain outputs, BUTTON is an input. */
enum { MOTOR_LEFT, LED, MOTOR_RIGHT, BUTTON, LAMP, RIG_SIGNALS };

struct rig_app {
	struct httap_signals signals; /* what the server gets: change it before the start */
	uint8_t value[64];
	bool observed; /* the server has read everything once, at its first pass; that is neither counted nor noted */
	unsigned int reads, writes, stops, pings, lefts;
	char calls[4096];               /* "read 1;write 1=1 4=toggle;stop;" */
	struct httap_refusal refuse_read; /* status 0: does not refuse */
	struct httap_refusal refuse_write;
	struct httap_refusal refuse_stop;
	char session[64], peer[64], request[160]; /* of the last one who wrote, stopped or pinged */
	char left[64];                            /* the session of the last one who left */
	size_t padding;                           /* bytes that describe() adds to each signal */
};

/* --- The rig ------------------------------------------------------------------------------------------------------ */

struct rig {
	struct httap httap;
	struct rig_app app;
	int64_t clock; /* microseconds: what the server sees */
	int64_t wall;  /* likewise, since 1970; 0, a clock that was never set, so that replies have no Date */
	char root[128];
	bool tcp;
	int unix_listener; /* until the server has it */

	unsigned int exchanges; /* that on_request was told of */
	int status;             /* of the last one */
	size_t body_bytes;
	char request[160], session[64], peer[64];

	/* httap_blocking() does not wait: the clock moves instead. What it would have waited for, -2 when it did not. */
	bool simulate_waits;
	int waited_ms;
};

extern struct rig rig;

/* Fixtures. The server is configured but not started: the first pass does that. */
void rig_unix(void); /* a handed-in Unix socket: bytes are there as soon as they are sent, so nothing depends on time */
void rig_tcp(void);  /* 127.0.0.1 and a free port */
void rig_down(void);

void rig_start(void);
void rig_file(const char *name, const void *bytes, size_t len);
void rig_text(const char *name, const char *text);
void rig_pad_list(size_t bytes); /* each signal's entry in /?list gets that much longer */

int rig_pass(void);           /* one pass; never fails */
int rig_run(void);            /* passes until there is nothing to do; what happened in them */
int rig_pass_time(int64_t us); /* moves the clock, and runs */
bool rig_ready(void);         /* is httap_fd() readable? */

/* --- Peers -------------------------------------------------------------------------------------------------------- */

struct peer {
	int fd;
	char *out; /* what the kernel did not take yet */
	size_t out_len;
	char *in; /* all that came */
	size_t in_len;
	size_t in_size;
	size_t at; /* of it, looked at as answers */
	bool eof;
	bool reset;
};

struct answer {
	int status;
	char head[1600]; /* with the status line and the empty line */
	const char *body; /* until the peer receives more */
	size_t len;
};

struct peer *rig_peer(void);      /* connects */
struct peer *rig_peer_served(void); /* connects, runs, and has had one request answered: no longer silent */
void peer_say(struct peer *peer, const char *text);
void peer_send(struct peer *peer, const char *bytes, size_t len);
void peer_shut(struct peer *peer); /* closes his half */
void peer_leave(struct peer *peer);
size_t peer_take(struct peer *peer);                  /* receives what is there; how much that was */
size_t peer_take_some(struct peer *peer, size_t most); /* no more than that */

bool peer_wait(struct peer *peer); /* on the network, where bytes are there a moment later: false when nothing more comes */

bool peer_answered(
	struct peer *peer, bool head_only, struct answer *answer); /* without running: the next answer, if it is there */
struct answer peer_answer(struct peer *peer);     /* runs until the next answer is there; fails when none comes */
struct answer peer_head(struct peer *peer);       /* of a HEAD */
struct answer peer_ask(struct peer *peer, const char *request); /* "GET /?LED": with the rest of a head */
struct answer peer_post(struct peer *peer, const char *target, const char *body);
bool peer_closed(struct peer *peer); /* runs; true when the server has closed and nothing is left to read */
bool peer_quiet(struct peer *peer);  /* runs; true when nothing came and the connection is open */

bool answer_has(const struct answer *answer, const char *field_line);

/* The next answer has this status and, unless NULL, this body. Prints what came when not. */
#define expect(answer, status, body) rig_expect(__FILE__, __LINE__, answer, status, body)
void rig_expect(const char *file, int line, struct answer answer, int status, const char *body);

/* Everything that came in reply to `bytes`, cut in two at `cut`, on a connection of its own, with the session's name made "x".
 * The caller frees it. */
char *rig_talk(const char *bytes, size_t len, size_t cut, size_t *out_len);

#endif
