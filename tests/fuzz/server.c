/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The whole of it: a server, the table of routes, lines with every kind of rule on the simulated chip, four peers, and a clock that moves
 * when the input says so. The input is a story of steps; after each of them the rules of safety must hold, as somebody sees them
 * who looks at the pins and at nothing else.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/routes.h"
#include "gpio/chip.h"
#include "gpio/lines.h"
#include "httap/server.h"
#include "tests/fuzz/fuzz.h"

#define MS INT64_C(1000)
#define FAILSAFE (250 * MS)
#define MAX_ON (700 * MS)
#define DEAD_TIME (40 * MS)

enum { FORWARD, REVERSE, LEFT, LED, LAMP, BUTTON, LINES };

static const char lines_text[] = "FORWARD=0,failsafe=300ms,interlock=throttle,dead-time=40ms,max-on=700ms "
				 "REVERSE=1,failsafe=300ms,interlock=throttle,dead-time=40ms,max-on=700ms "
				 "LEFT=2,failsafe=250ms,active-low LED=3 LAMP=4,max-on=700ms BUTTON=5,input,debounce=20ms";

/* Lines that go to rest when nobody is heard, and those that nothing but a command switches on. */
#define DRIVEN (1U << FORWARD | 1U << REVERSE | 1U << LEFT)
#define ONLY_COMMANDED (1U << LEFT | 1U << LED | 1U << LAMP)
#define LIMITED (1U << FORWARD | 1U << REVERSE | 1U << LAMP)

enum { PEERS = 4 };

/* What steps send that need not be guessed byte for byte. */
static const char *const phrases[] = {
	"POST /?FORWARD HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1",
	"POST /?REVERSE HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1",
	"POST /?LEFT HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1",
	"POST /?FORWARD HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n0",
	"POST /? HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\n\r\nFORWARD=1&LEFT=1",
	"POST /? HTTP/1.1\r\nHost: localhost\r\nContent-Length: 21\r\n\r\nFORWARD=0&REVERSE=1&a",
	"POST /? HTTP/1.1\r\nHost: localhost\r\nContent-Length: 19\r\n\r\nFORWARD=0&REVERSE=1",
	"POST /?LAMP HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\npulse:200ms",
	"POST /?FORWARD HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n",
	"POST /?LED HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\ntoggle",
	"POST /?stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
	"POST /?LED HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 1\r\n\r\n1",
	"GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET /0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET /?ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET /?list HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET /?events HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET /?changes HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET /?LED,LAMP,FORWARD HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"GET /big.bin HTTP/1.1\r\nHost: localhost\r\nRange: bytes=5-\r\n\r\n",
	"GET /missing HTTP/1.0\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
	"HEAD /?LED HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
	"POST /?LED HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4",
	"096\r\n\r\n",
	"\r\n\r\n",
	"DELETE /?LED HTTP/1.1\r\nHost: localhost\r\n\r\n",
};

static const int64_t clock_steps[] = { 1 * MS, 10 * MS, DEAD_TIME, 100 * MS, FAILSAFE, FAILSAFE + 1, 300 * MS, MAX_ON, 1000 * MS,
	3000 * MS, 10000 * MS, 15000 * MS, 20 * MS, DEAD_TIME - 1, 249 * MS, 60 };

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static char root[] = "/tmp/httapd-fuzz-XXXXXX";

static struct world {
	struct httap httap;
	struct routes routes;
	struct log log;
	struct gpio_lines *lines;
	int64_t clock;
	bool awake;
	struct sockaddr_un address;
	socklen_t address_len;
	int peer[PEERS];
	char said[PEERS][FUZZ_INPUT_MAX]; /* on the present connection of each, as far as there is room */
	size_t said_len[PEERS];
	bool continues;   /* somebody may have gone on with a session elsewhere */
	unsigned int on;  /* lines that are on, when the last request had been answered, or the clock had moved */
	int64_t answered; /* when a request was, for the last time */
	int64_t on_since[LINES];
	int64_t last_on[LINES];
} world;

/* --- The world --------------------------------------------------------------------------------------------------------- */

static int64_t present(void *context)
{
	(void)context;
	return world.clock;
}

static unsigned int lines_on(void)
{
	unsigned int on = 0;

	for (unsigned int i = 0; i < LINES; i++)
		if ((gpio_sim_level(world.lines->chip[0], i) == 1) != (i == LEFT))
			on |= 1U << i;
	return on;
}

/* What was refused has moved nothing, and what asks moves no motor. */
static void on_request(void *context, const struct httap_exchange *exchange)
{
	unsigned int on = lines_on(), begun = on & ~world.on & ONLY_COMMANDED;

	(void)context;
	always(exchange->status >= 200 && exchange->status <= 599);
	always(exchange->status < 400 || begun == 0);
	always(strncmp(exchange->actor.request, "GET ", 4) != 0 || (begun & DRIVEN) == 0);
	world.on = on;
	world.answered = world.clock;
}

static void on_wake(void *context)
{
	(void)context;
	world.awake = true;
}

static void put_file(const char *name, size_t len)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	FILE *file = fopen(path, "wb");
	always(file != NULL);
	for (size_t i = 0; i < len; i++)
		putc('a' + (int)(i % 26), file);
	always(fclose(file) == 0);
}

static void remove_root(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/index.html", root);
	unlink(path);
	snprintf(path, sizeof(path), "%s/big.bin", root);
	unlink(path);
	rmdir(root);
}

static void begin(void)
{
	static bool has_root;
	static struct gpio_specs specs;
	struct gpio_error why = { .text = "" };
	struct httap_error error;

	if (!has_root) {
		always(mkdtemp(root) != NULL);
		has_root = true;
		put_file("index.html", 300);
		put_file("big.bin", 300000);
		atexit(remove_root);
	}
	world = (struct world){ .clock = 1000000 * MS, .address.sun_family = AF_UNIX };
	world.answered = world.clock - 1000000 * MS;
	for (int i = 0; i < LINES; i++)
		world.on_since[i] = -1;
	for (int i = 0; i < PEERS; i++)
		world.peer[i] = -1;

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	always(fd >= 0);
	world.address_len = sizeof(world.address);
	/* A name that the kernel makes up (unix(7)). */
	always(bind(fd, (struct sockaddr *)&world.address, sizeof(sa_family_t)) == 0 && listen(fd, 16) == 0);
	always(getsockname(fd, (struct sockaddr *)&world.address, &world.address_len) == 0);

	world.httap.config = (struct httap_config){ .connections = 2,
		.static_path = root,
		.origins = "http://friend.example",
		.loopback = true,
		.clock = present,
		.on_request = on_request };
	log_open(&world.log, LOG_ERRORS);
	always(gpio_specs_parse(&specs, lines_text, &why) == 0);
	world.lines = gpio_lines_open(&specs, "sim", false, world.clock, &why);
	always(world.lines != NULL);
	routes_make(&world.routes, &specs, &world.httap, &world.log);
	routes_connect(&world.routes, world.lines);
	world.httap.signals = &world.routes.signals;
	always(httap_add_listener(&world.httap, fd) == 0);
	always(httap_start(&world.httap, &error) == 0);
}

static void hang_up(unsigned int who)
{
	if (world.peer[who] >= 0)
		close(world.peer[who]);
	world.peer[who] = -1;
}

static void end(void)
{
	for (unsigned int i = 0; i < PEERS; i++)
		hang_up(i);
	gpio_lines_close(world.lines);
	httap_stop(&world.httap);
}

/* --- What always holds ------------------------------------------------------------------------------------------------- */

/* Looked at before anything has been done at a new time, and after all has been. */
static void look(bool settled)
{
	unsigned int on = lines_on();

	always((on & 1U << FORWARD) == 0 || (on & 1U << REVERSE) == 0);
	for (unsigned int i = 0; i < LINES; i++) {
		if ((on & 1U << i) == 0) {
			world.on_since[i] = -1;
			continue;
		}
		if (world.on_since[i] < 0) {
			world.on_since[i] = world.clock;
			unsigned int other = i == FORWARD ? REVERSE : FORWARD;
			always(i > REVERSE || world.last_on[other] == 0 || world.clock - world.last_on[other] >= DEAD_TIME);
		}
		world.last_on[i] = world.clock;
		if (settled && (LIMITED & 1U << i) != 0)
			always(world.clock - world.on_since[i] < MAX_ON);
	}
	if (settled)
		always((on & DRIVEN) == 0 || world.clock - world.answered <= FAILSAFE);
}

static bool alone(void)
{
	for (int i = 0; i < PEERS; i++)
		if (world.peer[i] >= 0)
			return false;
	return true;
}

/* As the daemon serves, until there is nothing to do; that comes soon, or it would never sleep. */
static void settle(void)
{
	struct pollfd ready = { .fd = httap_fd(&world.httap), .events = POLLIN };
	unsigned int passes = 0;

	look(false);
	do {
		always(++passes < 2000);
		world.awake = false;
		httap_wake_at(&world.httap, routes_deadline(&world.routes), on_wake, NULL);
		always(httap_polled(&world.httap) >= 0);
		if (world.awake && world.clock >= routes_deadline(&world.routes))
			routes_tick(&world.routes);
		always(!world.routes.gone);
	} while (poll(&ready, 1, 0) > 0 || httap_deadline(&world.httap) <= world.clock ||
		routes_deadline(&world.routes) <= world.clock);
	look(true);
	world.on = lines_on();
	if (alone() && !world.continues)
		always((world.on & DRIVEN) == 0);
}

/* --- Steps --------------------------------------------------------------------------------------------------------------- */

/* Is there the name of the field in which a session goes on? Whatever stands around it. */
static bool names_session(const char *bytes, size_t len)
{
	for (size_t i = 0; i + 7 <= len; i++)
		if (strncasecmp(bytes + i, "session", 7) == 0)
			return true;
	return false;
}

static void say(unsigned int who, const char *bytes, size_t len)
{
	size_t from = world.said_len[who] > 7 ? world.said_len[who] - 7 : 0, room = FUZZ_INPUT_MAX - world.said_len[who];

	if (world.peer[who] < 0)
		return;
	(void)!send(world.peer[who], bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (len > room) {
		world.continues = true; /* nobody looked */
		return;
	}
	memcpy(world.said[who] + world.said_len[who], bytes, len);
	world.said_len[who] += len;
	world.continues |= names_session(world.said[who] + from, world.said_len[who] - from);
}

static void call(unsigned int who)
{
	if (world.peer[who] >= 0)
		return;
	world.said_len[who] = 0;
	world.peer[who] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	always(world.peer[who] >= 0);
	if (connect(world.peer[who], (const struct sockaddr *)&world.address, world.address_len) < 0)
		hang_up(who);
}

static size_t hear(unsigned int who, char *to, size_t most)
{
	ssize_t len = world.peer[who] >= 0 ? recv(world.peer[who], to, most, MSG_DONTWAIT) : 0;

	return len > 0 ? (size_t)len : 0;
}

/* One step of the story: its first byte is what (the low four bits) and who (the next two). Returns how many bytes it took. */
static size_t step(const uint8_t *bytes, size_t len)
{
	static char heard[65536];
	unsigned int what = bytes[0] & 15, who = bytes[0] >> 4 & 3, more = len > 1 ? bytes[1] : 0;
	size_t behind = len > 2 ? len - 2 : 0, part = more < behind ? more : behind;

	switch (what) {
	case 0:
		call(who);
		return 1;
	case 1:
	case 2:
		say(who, phrases[more % ROWS(phrases)], strlen(phrases[more % ROWS(phrases)]));
		return 2;
	case 3:
		say(who, (const char *)bytes + 2, part);
		return 2 + part;
	case 4:
		hang_up(who);
		return 1;
	case 5:
	case 6:
		world.clock += clock_steps[more % ROWS(clock_steps)];
		return 2;
	case 7:
		if (world.peer[who] >= 0)
			shutdown(world.peer[who], SHUT_WR);
		return 1;
	case 8:
		(void)hear(who, heard, more + 1);
		return 2;
	case 9:
		while (hear(who, heard, sizeof(heard)) > 0)
			settle();
		return 1;
	case 10:
		always(gpio_sim_drive(world.lines->chip[0], BUTTON, (int)(more % 3) - 1, world.clock) == 0);
		for (size_t chip = 0; chip < gpio_lines_chips(world.lines); chip++)
			routes_edges(&world.routes, gpio_lines_edge_fd(world.lines, chip));
		return 2;
	case 11: /* the same phrase many times: who does not read his replies */
		for (unsigned int i = 0; i < more; i++)
			say(who, phrases[15], strlen(phrases[15]));
		return 2;
	case 12: /* a chunk of a phrase: cut where the input says */
		say(who, phrases[more % ROWS(phrases)], behind > 0 ? bytes[2] % (strlen(phrases[more % ROWS(phrases)]) + 1) : 0);
		return 3;
	case 13: /* and the rest of it */
		if (behind > 0) {
			size_t at = bytes[2] % (strlen(phrases[more % ROWS(phrases)]) + 1);
			say(who, phrases[more % ROWS(phrases)] + at, strlen(phrases[more % ROWS(phrases)]) - at);
		}
		return 3;
	default:
		return 1;
	}
}

/* Whatever has been, who comes next is served, and after a while nothing is left of those before. */
static void end_well(void)
{
	static const char ping[] = "GET /?ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char heard[2048];

	for (unsigned int i = 0; i < PEERS; i++)
		hang_up(i);
	for (int i = 0; i < 4; i++) {
		settle();
		world.clock += 20000 * MS;
	}
	settle();
	always(world.httap.server->conn_used == 0);
	always((lines_on() & (DRIVEN | LIMITED)) == 0);
	call(0);
	say(0, ping, sizeof(ping) - 1);
	settle();
	size_t len = hear(0, heard, sizeof(heard));
	always(len > 12 && memcmp(heard, "HTTP/1.1 200", 12) == 0);
}

void fuzz_server(const uint8_t *bytes, size_t len)
{
	size_t at = 0;

	if (len > FUZZ_INPUT_MAX)
		return;
	begin();
	for (unsigned int steps = 0; at < len && steps < 200; steps++) {
		at += step(bytes + at, len - at);
		settle();
	}
	end_well();
	end();
}

/* --- One body ---------------------------------------------------------------------------------------------------------------- */

/* A form, as POST /? has it: what is refused moves nothing, and what is not has an answer in JSON. */
void fuzz_form(const uint8_t *bytes, size_t len)
{
	char head[128], heard[8192];

	if (len > HTTAP_BODY_MAX)
		return;
	begin();
	call(0);
	int head_len = snprintf(head, sizeof(head), "POST /? HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", len);
	say(0, head, (size_t)head_len);
	say(0, (const char *)bytes, len);
	settle();
	size_t answer = hear(0, heard, sizeof(heard));
	always(answer > 16 && memcmp(heard, "HTTP/1.1 ", 9) == 0 && heard[answer - 1] == '}');
	if (memcmp(heard + 9, "200", 3) == 0)
		always(len > 0);
	else
		always(heard[9] == '4' && lines_on() == 0);
	end();
}
