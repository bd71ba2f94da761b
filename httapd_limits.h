/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Every limit of the server, the lines and the daemon, each with its unit and its reason. A limit that is not here
 * does not exist: the code sizes its tables and refuses its input by these names alone.
 */
#ifndef HTTAPD_LIMITS_H
#define HTTAPD_LIMITS_H

/* --- httap/: the wire ---------------------------------------------------------------------------------------------- */

/* Bytes of a request head: request line, fields and the empty line. Browsers send 400 to 1,500; cookies of other servers on the
 * same host name can add some thousand. More is 431 (or 414 while still in the request line). */
#define HTTAP_HEAD_MAX 8192

/* Bytes of a request target. 64 signal names of 30 bytes with commas between them fit. More is 414. */
#define HTTAP_TARGET_MAX 2048

/* Fields of a request head. A browser sends about 15. More is 431. */
#define HTTAP_FIELDS_MAX 64

/* Bytes of a request body, decoded. 64 signals as NAME=pulse:200ms& fit. More is 413. */
#define HTTAP_BODY_MAX 4096

/* Bytes of all chunk extensions of one body, and of its trailer section: nobody here uses either, so that they are read only as
 * far as a proxy might add some. More is 400. */
#define HTTAP_CHUNK_EXTENSION_MAX 256
#define HTTAP_TRAILER_MAX 1024

/* Bytes of the input buffer of a connection: a head and a body together, and room for the framing of chunks. */
#define HTTAP_IN_SIZE (HTTAP_HEAD_MAX + 2 * HTTAP_BODY_MAX)

/* Bytes of the longest reply body that code writes: /?list with every signal described. */
#define HTTAP_REPLY_BODY_MAX 24576

/* Bytes of the longest reply head: of a part of a file, with a long type, to a page of an origin with a long name. */
#define HTTAP_REPLY_HEAD_MAX 1536

/* Bytes of a reply head that is kept for when the same request comes again. To a page of our own it has about 260. */
#define HTTAP_KNOWN_REPLY_MAX 512

/* Bytes of what tells of a file in it: tag, dates, part, coding. */
#define HTTAP_FIELDS_SIZE 512

/* Bytes of a media type in the tree of types, with a line end or a final NUL. The longest that IANA lists have 90. */
#define HTTAP_TYPE_SIZE 128

/* A time of day, in seconds since 1970, that every clock that was ever set has passed: the begin of the year in which this was written. A Pi
 * has no battery for its clock. */
#define HTTAP_CLOCK_SET_S INT64_C(1767225600)

/* Bytes of the output buffer of a connection: the longest reply, and several short ones that answer pipelined requests. Pages of
 * it that are never written cost address space, not memory. */
#define HTTAP_OUT_SIZE (HTTAP_REPLY_HEAD_MAX + HTTAP_REPLY_BODY_MAX + 7168)

/* Bytes of a slot that it keeps when its connection is gone and one of its buffers has held more than as many: the rest goes back to the
 * kernel. Most requests and replies are shorter, and then all stays where it is for the next connection. */
#define HTTAP_SLOT_KEEPS 4096

/* Bytes on a multiple of which slots and their buffers begin: the smallest page of memory that there is. In a library that has to be small
 * they lie where calloc() puts them. */
#ifdef HTTAP_SMALL
#define HTTAP_SLOT_ALIGN 16
#else
#define HTTAP_SLOT_ALIGN 4096
#endif

/* Bytes of a file that are copied behind the head of its reply, so that both leave in one send; larger ones go by sendfile. */
#define HTTAP_FILE_INLINE_MAX 16384

/* Small files that are kept in memory: how many, the bytes of all of them together, and those of a name with its final NUL. The four pages with
 * all that they load are 17 files of 55 kB. Microseconds for which the type that the tree has for such a file is believed: who writes another
 * one there waits for that long. */
#define HTTAP_KEPT_FILES 24
#define HTTAP_KEPT_BYTES 65536
#define HTTAP_KEPT_NAME_SIZE 64
#define HTTAP_KEPT_TYPE_US INT64_C(1000000)

/* Bytes of a large file sent before another connection gets its turn. About 2 ms on a 1 Gbit/s link. */
#define HTTAP_FILE_TURN 262144

/* Signals. The same number as GPIO_LINES_MAX, for the same reason. */
#define HTTAP_SIGNALS_MAX 64

/* Words of an application. More than anybody has asked for. */
#define HTTAP_WORDS_MAX 64

/* Microseconds of a pulse: a relay needs some ms, a garden valve some minutes. */
#define HTTAP_PULSE_MIN_US 1000
#define HTTAP_PULSE_MAX_US INT64_C(3600000000)

/* Bytes of a signal's name with its final NUL. */
#define HTTAP_NAME_SIZE 32

/* Connections at once: default, least and most. 32 are five browsers with six connections each and two to spare; one driver and
 * one who stops him are the least that makes sense. */
#define HTTAP_CONNECTIONS_DEFAULT 32
#define HTTAP_CONNECTIONS_MIN 2
#define HTTAP_CONNECTIONS_MAX 1024

/* Connections above that number which are only told that there is no room (503), and which may still say /?stop. When they are
 * taken too, further ones wait in the kernel's queue. */
#define HTTAP_LOBBY 4

/* Milliseconds from accept to the complete request for these. Who says stop does so in one segment, right behind his handshake; who
 * fills the lobby must not keep him out for longer than this. */
#define HTTAP_LOBBY_MS 250

/* Connections accepted before those that are open get their turn. */
#define HTTAP_ACCEPT_TURN 16

/* Sockets to listen on: systemd hands over one or a few; HTTAP_LISTEN names as many. */
#define HTTAP_LISTENERS_MAX 8

/* Descriptors that a host program may add to the server's wait. */
#define HTTAP_WATCHES_MAX 16

/* Steps (a head, a body) that a connection goes before others have their turn. Whoever sends hundreds of requests at once has to wait
 * for others after each few; enough of them that their replies still go out together. */
#define HTTAP_STEPS_TURN 16

/* Events taken from the kernel by one wait. */
#define HTTAP_EVENTS_TURN 64

/* Seconds from accept to the first complete request (HTTaP). Browsers open connections ahead of need and leave them silent. */
#define HTTAP_FIRST_REQUEST_S 3

/* Seconds between requests: default, least and most (HTTaP). */
#define HTTAP_KEEPALIVE_DEFAULT_S 15
#define HTTAP_KEEPALIVE_MIN_S 3
#define HTTAP_KEEPALIVE_MAX_S 200

/* Milliseconds and bytes for which a closing connection is still read, so that the peer gets our last reply instead of a reset
 * (RFC 9112 section 9.6). */
#define HTTAP_LINGER_MS 1000
#define HTTAP_LINGER_BYTES 65536

/* Milliseconds without accepting after the process ran out of descriptors. */
#define HTTAP_ACCEPT_PAUSE_MS 250

/* Changes that are kept for listeners of /?events who are slower than the lines: who is further behind than this gets the whole state
 * instead. 512 of them take 12 KiB, and cover a second of a 250 Hz square wave. */
#define HTTAP_CHANGES_KEPT 512

/* Bytes of the longest event: every signal with its longest name. */
#define HTTAP_EVENT_MAX (HTTAP_SIGNALS_MAX * (HTTAP_NAME_SIZE + 4) + 128)

/* Seconds between comments to a listener, by which both sides find out that the other is gone. A listener who has taken nothing for as
 * long is dropped. */
#define HTTAP_COMMENT_S 10

/* Milliseconds after which a browser asks for /?events again when it lost them. */
#define HTTAP_RETRY_MS 500

/* Bytes that the kernel may hold for a listener: what is behind these is merged here instead of queued there. */
#define HTTAP_LISTENER_SNDBUF 16384

/* Sessions that are remembered without a connection, as a multiple of the connections: a browser's come and go. */
#define HTTAP_SESSIONS_PER_CONNECTION 2

/* Milliseconds after which a peer who acknowledges nothing that was sent to him is given up (TCP_USER_TIMEOUT, tcp(7)). */
#define HTTAP_UNANSWERED_MS 20000

/* The port when no socket was handed over and none is named (HTTaP). */
#define HTTAP_PORT_DEFAULT 60000

/* Characters of a session's name of 5 bits each: three say where it stands in the table, in a disguise, the others are 65 random
 * bits, so that nobody guesses another's. */
#define HTTAP_SESSION_LEN 16

/* Bytes of a request as it stands in a log line, with its final NUL: enough to recognise it. */
#define HTTAP_ACTOR_REQUEST_SIZE 128

/* Further host names, further origins, addresses to listen on: entries of each list. */
#define HTTAP_LIST_MAX 16

/* Bytes of a host name with its final NUL (RFC 1035 section 2.3.4: 253 and NUL). */
#define HTTAP_HOST_SIZE 254

/* Bytes of a sentence that says why something was refused. */
#define HTTAP_ERROR_SIZE 256

/* Characters of the token that a server may ask for: 16 hexadecimal digits are 64 bits, which nobody guesses at the rate below; 128 are more
 * than any generator of passwords makes. */
#define HTTAP_TOKEN_MIN 16
#define HTTAP_TOKEN_MAX 128

/* Bytes of a user's name, a colon and a password (RFC 7617). A multiple of 3. */
#define HTTAP_CREDENTIALS_MAX 384

/* Wrong tokens that peers of one group may send at once: a person mistypes now and then. Microseconds until one of them is forgotten. */
#define HTTAP_GUESSES 5
#define HTTAP_GUESS_US INT64_C(1000000)

/* Groups of peers, by their address: each has its own guesses, so that who guesses keeps out few others. */
#define HTTAP_GUESSERS 64

/* --- gpio/: named lines ------------------------------------------------------------------------------------------- */

/* Signals. The GPIO character device takes at most 64 lines in one request (GPIO_V2_LINES_MAX), so that 64 lines of one
 * chip are still read and written by one system call, and one 64-bit word holds a set of them. */
#define GPIO_LINES_MAX 64

/* Chips that lines may lie on. A Pi has two or three; expanders add a few. */
#define GPIO_CHIPS_MAX 8

/* Bytes of a signal's name with its final NUL: the kernel keeps 31 of a consumer's (GPIO_MAX_NAME_SIZE), and
 * the signal's name is the consumer. */
#define GPIO_NAME_SIZE 32

/* Lines of the simulated chip: GPIO0 to GPIO53, as on a BCM2835. */
#define GPIO_SIM_LINES 54

/* Edges that inputs of the simulated chip hold together before the oldest are dropped: as many as Linux holds for 4 lines. */
#define GPIO_SIM_EDGES 64

/* Edges of inputs that are taken before others get their turn: a noisy input must not hold up a stop. */
#define GPIO_EDGES_TURN 64

/* Bytes of a sentence that says why something was refused. Long enough for two names and the remedy. */
#define GPIO_ERROR_SIZE 256

/* Milliseconds of failsafe=: shorter than a Wi-Fi's usual gaps would stop a car at every corner, longer is no failsafe for anything
 * that moves. */
#define GPIO_FAILSAFE_MIN_MS 50
#define GPIO_FAILSAFE_MAX_MS 60000

/* Milliseconds of max-on=: an injector for an instant, a pump for a day. */
#define GPIO_MAX_ON_MIN_MS 1
#define GPIO_MAX_ON_MAX_MS 86400000

/* Milliseconds of dead-time=: transistors need less than one, relays some tens, a motor that shall stand still some thousand. */
#define GPIO_DEAD_TIME_MAX_MS 10000

/* Milliseconds of debounce=: a switch bounces for less than 20; whoever waits for a second does it on purpose. */
#define GPIO_DEBOUNCE_MAX_MS 1000

/* --- daemon/ ------------------------------------------------------------------------------------------------------- */

/* Bytes of log held back, and milliseconds for which they are: a write to the journal for each line change would double the
 * cost of the change. When it is full, the rest of that time is counted and the number is logged. One pipe write of at most PIPE_BUF
 * (4096) bytes never blocks on a pipe that poll calls writable (pipe(7)). */
#define DAEMON_LOG_SIZE 4096
#define DAEMON_LOG_HOLD_MS 100

/* Bytes of what `systemctl status` shows in its line Status, the rest of the lines is left out there; and milliseconds between two
 * looks at whether it has changed. systemd takes 4096 bytes, a person reads one line. */
#define DAEMON_STATUS_SIZE 256
#define DAEMON_STATUS_MS 1000

/* Descriptors besides connections, listeners and chips: standard streams, epoll, signals, static root, notify socket, one
 * file for each connection is counted there. */
#define DAEMON_DESCRIPTORS_RESERVE 32

#endif
