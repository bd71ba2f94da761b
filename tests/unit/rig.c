/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The test rig.
 */
#include "tests/unit/rig.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "httap/json.h"
#include "httapd_limits.h"

#define PEERS 128

/* Only real sockets on the network need any time, and only when something is sure to come: how long until a test gives up. */
#define PATIENCE_MS 5000

/* More passes than any test needs: the server is in a busy loop. */
#define PASSES_MAX 200000

struct rig rig;
static struct peer peers[PEERS];

/* --- Failing ------------------------------------------------------------------------------------------------------ */

static int report = -1; /* in a child: where its parent reads why it failed */

void rig_fail(const char *file, int line, const char *format, ...)
{
	char text[4000];
	int len = snprintf(text, sizeof(text), "%s:%d: ", file, line);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text + len, sizeof(text) - (size_t)len, format, arguments);
	va_end(arguments);
	if (report >= 0) {
		(void)!write(report, text, strlen(text));
		_exit(1);
	}
	ck_abort_msg("%s", text);
	abort(); /* not reached */
}

void rig_in_child(void (*body)(void))
{
	char text[4000];
	size_t len = 0;
	ssize_t n;
	int ends[2], status;

	must(pipe2(ends, O_CLOEXEC) == 0);
	pid_t pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		report = fcntl(ends[1], F_DUPFD_CLOEXEC, 100); /* out of the way of tests that want certain numbers */
		(void)close(ends[0]);
		(void)close(ends[1]);
		(void)alarm(30);
		body();
		_exit(0); /* no exit handlers: they are the parent's */
	}
	(void)close(ends[1]);
	while (len < sizeof(text) - 1 && (n = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	(void)close(ends[0]);
	must(waitpid(pid, &status, 0) == pid);
	if (len > 0)
		rig_fail(__FILE__, __LINE__, "in the child: %s", text);
	if (status != 0)
		rig_fail(__FILE__, __LINE__, "the child ended with wait status %d", status);
}

/* --- Calls that fail ---------------------------------------------------------------------------------------------- */

static struct {
	unsigned int left; /* until it fails, with the call that does; 0: it does not */
	int error;
} calls[RIG_CALLS];

void rig_fail_call(enum rig_call call, unsigned int turn, int error)
{
	calls[call].left = turn;
	calls[call].error = error;
}

static bool fails(enum rig_call call)
{
	if (calls[call].left == 0 || --calls[call].left > 0)
		return false;
	errno = calls[call].error;
	return true;
}

/* These are found before the C library's. */

void *mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	static void *(*real)(void *address, size_t len, int protection, int flags, int fd, off_t offset);

	/* Where an offset is longer than a word, the other name is this one's. */
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, sizeof(offset) > sizeof(long) ? "mmap64" : "mmap");
	return fails(RIG_MMAP) ? MAP_FAILED : real(address, len, protection, flags, fd, offset);
}

int socket(int domain, int type, int protocol)
{
	return fails(RIG_SOCKET) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int epoll_create1(int flags)
{
	return fails(RIG_EPOLL_CREATE) ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

int eventfd(unsigned int count, int flags)
{
	return fails(RIG_EVENTFD) ? -1 : (int)syscall(SYS_eventfd2, count, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
	return fails(RIG_SEND) ? -1 : sendto(fd, bytes, len, flags, NULL, 0);
}

/* --- The environment ---------------------------------------------------------------------------------------------- */

static const char *const variables[] = {
	"HTTAP_TCPPORT",
	"HTTAP_LISTEN",
	"HTTAP_KEEPALIVE",
	"HTTAP_STATICPATH",
	"HTTAP_ROOTPAGE",
	"HTTAP_USER",
	"HTTAP_GROUP",
	"HTTAP_LINES",
	"HTTAP_GPIOCHIP",
	"HTTAP_HOSTS",
	"HTTAP_ORIGINS",
	"HTTAP_GET_WRITES",
	"HTTAP_CONNECTIONS",
	"HTTAP_LOOPBACK",
	"HTTAP_LOG",
	"HTTAP_TOKEN_FILE",
	"HTTAP_TOKEN_FOR",
	"CREDENTIALS_DIRECTORY",
	"NOTIFY_SOCKET",
	"LISTEN_FDS",
	"LISTEN_PID",
	"LISTEN_FDNAMES",
	"WATCHDOG_USEC",
	"WATCHDOG_PID",
};

#define VARIABLES (sizeof(variables) / sizeof(variables[0]))

static char *saved[VARIABLES];

void rig_env_clear(void)
{
	for (size_t i = 0; i < VARIABLES; i++) {
		const char *value = getenv(variables[i]);
		saved[i] = value != NULL ? strdup(value) : NULL;
		(void)unsetenv(variables[i]);
	}
}

void rig_env_set(const char *name, const char *value)
{
	size_t i = 0;

	while (i < VARIABLES && strcmp(variables[i], name) != 0)
		i++;
	must(i < VARIABLES); /* else it would not be restored */
	must((value != NULL ? setenv(name, value, 1) : unsetenv(name)) == 0);
}

void rig_env_restore(void)
{
	for (size_t i = 0; i < VARIABLES; i++) {
		rig_env_set(variables[i], saved[i]);
		free(saved[i]);
		saved[i] = NULL;
	}
}

/* --- The process -------------------------------------------------------------------------------------------------- */

unsigned int rig_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	must(dir != NULL);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

bool rig_private_network(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	must(fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0);
	(void)close(fd);
	return true;
}

int rig_listening(int family, int type)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_un local; /* without a path: see unix(7), "Autobind" */
	} address = { .local = { .sun_family = AF_UNIX } };
	socklen_t size = sizeof(sa_family_t);
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (family == AF_INET) {
		address.four = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
		size = sizeof(address.four);
	}
	must(fd >= 0 && bind(fd, &address.any, size) == 0);
	must(type == SOCK_DGRAM || listen(fd, 512) == 0);
	return fd;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(SANITIZED)

static unsigned long allocations;

/* The C library's routine of that name. POSIX promises that a pointer to an object can hold what dlsym() returns. */
static void *next(const char *name)
{
	static bool looking;
	void *found = NULL;

	if (!looking) { /* dlsym() may allocate itself, and knows how to do without */
		looking = true;
		found = dlsym(RTLD_NEXT, name);
		looking = false;
	}
	return found;
}

void *malloc(size_t size)
{
	static void *(*real)(size_t size);

	allocations++;
	if (real == NULL)
		*(void **)&real = next("malloc");
	return real != NULL ? real(size) : NULL;
}

void *calloc(size_t count, size_t size)
{
	static void *(*real)(size_t count, size_t size);

	allocations++;
	if (real == NULL)
		*(void **)&real = next("calloc");
	if (fails(RIG_CALLOC))
		return NULL;
	return real != NULL ? real(count, size) : NULL;
}

void *realloc(void *old, size_t size)
{
	static void *(*real)(void *old, size_t size);

	allocations++;
	if (real == NULL)
		*(void **)&real = next("realloc");
	if (fails(RIG_REALLOC))
		return NULL;
	return real != NULL ? real(old, size) : NULL;
}

unsigned long rig_allocations(void)
{
	return allocations;
}

bool rig_counts_allocations(void)
{
	return true;
}

#else

unsigned long rig_allocations(void)
{
	return 0;
}

bool rig_counts_allocations(void)
{
	return false;
}

#endif

/* The server's wait. A simulated one takes no time: the clock moves by what it would have taken. */
int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	if (fails(RIG_EPOLL_WAIT))
		return -1;
	int n = epoll_pwait(epoll, events, most, rig.simulate_waits ? 0 : timeout, NULL);

	if (!rig.simulate_waits || n != 0)
		return n;
	rig.waited_ms = timeout;
	if (timeout > 0)
		rig.clock += timeout * MS;
	return 0;
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static bool json_value(const char **at, const char *end);

static bool json_byte(const char **at, const char *end, char c)
{
	return *at < end && *(*at)++ == c;
}

static bool json_quoted(const char **at, const char *end)
{
	if (!json_byte(at, end, '"'))
		return false;
	while (*at < end && **at != '"') {
		unsigned char c = (unsigned char)*(*at)++;
		if (c < 0x20 || c >= 0x7f)
			return false;
		if (c != '\\')
			continue;
		if (*at == end || strchr("\"\\/bfnrtu", **at) == NULL)
			return false;
		if (*(*at)++ == 'u')
			for (int i = 0; i < 4; i++)
				if (*at == end || strchr("0123456789abcdef", *(*at)++) == NULL)
					return false;
	}
	return json_byte(at, end, '"');
}

static bool json_object(const char **at, const char *end)
{
	if (!json_byte(at, end, '{'))
		return false;
	if (*at < end && **at == '}')
		return json_byte(at, end, '}');
	do {
		if (!json_quoted(at, end) || !json_byte(at, end, ':') || !json_value(at, end))
			return false;
	} while (*at < end && **at == ',' && json_byte(at, end, ','));
	return json_byte(at, end, '}');
}

static bool json_value(const char **at, const char *end)
{
	static const char *const words[] = { "true", "false", "null" };

	if (*at < end && **at == '{')
		return json_object(at, end);
	if (*at < end && **at == '"')
		return json_quoted(at, end);
	for (size_t i = 0; i < 3; i++) {
		if ((size_t)(end - *at) >= strlen(words[i]) && memcmp(*at, words[i], strlen(words[i])) == 0) {
			*at += strlen(words[i]);
			return true;
		}
	}
	const char *start = *at;
	if (*at < end && **at == '-')
		(*at)++;
	while (*at < end && text_is_digit(**at))
		(*at)++;
	return *at > start && text_is_digit((*at)[-1]);
}

bool rig_is_json(const char *text, size_t len)
{
	const char *at = text;

	return json_object(&at, text + len) && at == text + len;
}

/* --- The application ---------------------------------------------------------------------------------------------- */

static const struct httap_signal signals[RIG_SIGNALS] = {
	[MOTOR_LEFT] = { "MOTOR.LEFT", true, true },
	[LED] = { "LED", true, false },
	[MOTOR_RIGHT] = { "MOTOR.RIGHT", true, true },
	[BUTTON] = { "BUTTON", false, false },
	[LAMP] = { "LAMP", true, false },
};

__attribute__((format(printf, 2, 3))) static void note(struct rig_app *app, const char *format, ...)
{
	size_t len = strlen(app->calls);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(app->calls + len, sizeof(app->calls) - len, format, arguments);
	va_end(arguments);
}

static void note_actor(struct rig_app *app, const struct httap_actor *actor)
{
	(void)snprintf(app->session, sizeof(app->session), "%s", actor->session);
	(void)snprintf(app->peer, sizeof(app->peer), "%s", actor->peer);
	(void)snprintf(app->request, sizeof(app->request), "%s", actor->request);
}

static int refuses(const struct httap_refusal *wanted, struct httap_refusal *refusal)
{
	if (wanted->status == 0)
		return 0;
	if (wanted->status > 0)
		*refusal = *wanted;
	return -1; /* a negative status: refuses without a word, and the server's own stands */
}

static int app_read(void *context, const uint16_t *signal, size_t count, uint8_t *value, struct httap_refusal *refusal)
{
	struct rig_app *app = context;

	for (size_t i = 0; i < count; i++)
		value[i] = app->value[signal[i]];
	/* The server's first look at everything, which no request asked for. */
	if (!app->observed) {
		app->observed = true;
		return 0;
	}
	app->reads++;
	note(app, "read");
	for (size_t i = 0; i < count; i++)
		note(app, " %u", signal[i]);
	note(app, ";");
	return refuses(&app->refuse_read, refusal);
}

static int app_write(void *context, const struct httap_actor *actor, const struct httap_write *write, size_t count,
	uint8_t *value, struct httap_refusal *refusal)
{
	static const char *const action[] = {
		[HTTAP_SET_0] = "0", [HTTAP_SET_1] = "1", [HTTAP_TOGGLE] = "toggle", [HTTAP_PULSE] = "pulse"
	};
	struct rig_app *app = context;

	app->writes++;
	note_actor(app, actor);
	note(app, "write");
	for (size_t i = 0; i < count; i++) {
		note(app, " %u=%s", write[i].signal, action[write[i].action]);
		if (write[i].action == HTTAP_PULSE)
			note(app, ":%lld", (long long)write[i].duration);
	}
	note(app, ";");
	if (refuses(&app->refuse_write, refusal) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		uint8_t *kept = &app->value[write[i].signal];
		*kept = write[i].action == HTTAP_TOGGLE ? !*kept : write[i].action != HTTAP_SET_0;
		value[i] = *kept;
	}
	return 0;
}

static void app_ping(void *context, const struct httap_actor *actor)
{
	struct rig_app *app = context;

	app->pings++;
	note_actor(app, actor);
}

static void app_left(void *context, const char *session)
{
	struct rig_app *app = context;

	app->lefts++;
	(void)snprintf(app->left, sizeof(app->left), "%s", session);
}

static int app_stop(void *context, const struct httap_actor *actor, struct httap_refusal *refusal)
{
	struct rig_app *app = context;

	app->stops++;
	note_actor(app, actor);
	note(app, "stop;");
	if (refuses(&app->refuse_stop, refusal) < 0)
		return -1;
	for (size_t i = 0; i < app->signals.count; i++)
		if (app->signals.signal[i].writable)
			app->value[i] = 0;
	return 0;
}

static void app_describe(void *context, uint16_t signal, struct httap_json *json)
{
	const struct rig_app *app = context;
	char padding[4096];

	if (app->padding == 0) {
		httap_json_number(json, "index", signal);
		return;
	}
	memset(padding, 'p', app->padding);
	padding[app->padding] = '\0';
	httap_json_text(json, "padding", padding);
}

void rig_pad_list(size_t bytes)
{
	must(bytes < 4096);
	rig.app.padding = bytes;
}

static void app_make(struct rig_app *app)
{
	*app = (struct rig_app){ .value = { [MOTOR_RIGHT] = 1, [BUTTON] = 1 } };
	app->signals = (struct httap_signals){
		.signal = signals,
		.count = RIG_SIGNALS,
		.context = app,
		.read = app_read,
		.write = app_write,
		.stop = app_stop,
		.ping = app_ping,
		.left = app_left,
		.describe = app_describe,
	};
}

/* --- The rig ------------------------------------------------------------------------------------------------------ */

static int64_t rig_clock(void *context)
{
	return ((const struct rig *)context)->clock;
}

static int64_t rig_wall_clock(void *context)
{
	return ((const struct rig *)context)->wall;
}

static void rig_on_request(void *context, const struct httap_exchange *exchange)
{
	struct rig *r = context;

	r->exchanges++;
	r->status = exchange->status;
	r->body_bytes = exchange->body_bytes;
	(void)snprintf(r->request, sizeof(r->request), "%s", exchange->actor.request);
	(void)snprintf(r->session, sizeof(r->session), "%s", exchange->actor.session);
	(void)snprintf(r->peer, sizeof(r->peer), "%s", exchange->actor.peer);
}

void rig_file(const char *name, const void *bytes, size_t len)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", rig.root, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	must(fd >= 0);
	must(write(fd, bytes, len) == (ssize_t)len);
	(void)close(fd);
}

void rig_text(const char *name, const char *text)
{
	rig_file(name, text, strlen(text));
}

static void rig_up(void)
{
	const char *base = getenv("TMPDIR");

	rig = (struct rig){ .clock = 1000 * SECONDS, .unix_listener = -1, .waited_ms = -2 };
	(void)snprintf(rig.root, sizeof(rig.root), "%.80s/httapd-unit-XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");
	must(mkdtemp(rig.root) != NULL);
	must(chmod(rig.root, 0755) == 0);
	rig_text("index.html", "<title>rig</title>\n");
	app_make(&rig.app);
	rig.httap.signals = &rig.app.signals;
	rig.httap.config = (struct httap_config){
		.static_path = rig.root,
		.id = "rig",
		.clock = rig_clock,
		.clock_context = &rig,
		.wall_clock = rig_wall_clock,
		.wall_clock_context = &rig,
		.on_request = rig_on_request,
		.on_request_context = &rig,
	};
	for (size_t i = 0; i < PEERS; i++)
		peers[i] = (struct peer){ .fd = -1 };
}

void rig_unix(void)
{
	rig_up();
	rig.unix_listener = rig_listening(AF_UNIX, SOCK_STREAM);
	/* The server's own descriptor; this one stays, to know where to connect. */
	int fd = fcntl(rig.unix_listener, F_DUPFD_CLOEXEC, 3);
	must(fd >= 0 && httap_add_listener(&rig.httap, fd) == 0);
}

void rig_tcp(void)
{
	rig_up();
	rig.tcp = true;
	rig.httap.config.port = HTTAP_PORT_ANY;
	rig.httap.config.listen = "127.0.0.1";
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void rig_down(void)
{
	httap_stop(&rig.httap);
	for (size_t i = 0; i < PEERS; i++) {
		peer_leave(&peers[i]);
		free(peers[i].in);
		free(peers[i].out);
		peers[i] = (struct peer){ .fd = -1 };
	}
	if (rig.unix_listener >= 0)
		(void)close(rig.unix_listener);
	rig.unix_listener = -1;
	rig.simulate_waits = false;
	if (rig.root[0] != '\0')
		(void)nftw(rig.root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void rig_start(void)
{
	struct httap_error error;

	if (httap_start(&rig.httap, &error) < 0)
		rig_fail(__FILE__, __LINE__, "the server did not start: %s", error.text);
}

int rig_pass(void)
{
	int happened = httap_polled(&rig.httap);

	must(happened >= 0);
	return happened;
}

bool rig_ready(void)
{
	struct pollfd poll_fd = { .fd = httap_fd(&rig.httap), .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

/* --- Peers -------------------------------------------------------------------------------------------------------- */

/* Gives the kernel what it takes. True when that was anything. */
static bool push(struct peer *peer)
{
	size_t before = peer->out_len;

	while (peer->fd >= 0 && peer->out_len > 0) {
		ssize_t n = send(peer->fd, peer->out, peer->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			n = (ssize_t)peer->out_len; /* nobody wants it any more */
		if (n < 0)
			break;
		memmove(peer->out, peer->out + n, peer->out_len - (size_t)n);
		peer->out_len -= (size_t)n;
	}
	return peer->out_len < before;
}

static bool push_all(void)
{
	bool any = false;

	for (size_t i = 0; i < PEERS; i++)
		any = push(&peers[i]) || any;
	return any;
}

int rig_run(void)
{
	int happened = 0;

	for (int i = 0; i < PASSES_MAX; i++) {
		bool pushed = push_all();
		happened |= rig_pass();
		if (!pushed && !rig_ready())
			return happened;
	}
	rig_fail(__FILE__, __LINE__, "the server is in a busy loop");
}

int rig_pass_time(int64_t us)
{
	rig.clock += us;
	rig.wall += rig.wall > 0 ? us : 0;
	return rig_run();
}

static int connect_unix(void)
{
	struct sockaddr_un address;
	socklen_t size = sizeof(address);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(getsockname(rig.unix_listener, (struct sockaddr *)&address, &size) == 0);
	must(fd >= 0 && connect(fd, (const struct sockaddr *)&address, size) == 0);
	return fd;
}

static int connect_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	rig_start();
	address.sin_port = htons((uint16_t)httap_port(&rig.httap));
	must(fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
	must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(const int){ 1 }, sizeof(int)) == 0);
	return fd;
}

struct peer *rig_peer(void)
{
	size_t i = 0;

	while (i < PEERS && (peers[i].fd >= 0 || peers[i].in != NULL))
		i++;
	must(i < PEERS);
	peers[i] = (struct peer){ .fd = rig.tcp ? connect_tcp() : connect_unix() };
	peers[i].in_size = 65536;
	peers[i].in = malloc(peers[i].in_size);
	must(peers[i].in != NULL);
	return &peers[i];
}

struct peer *rig_peer_served(void)
{
	struct peer *peer = rig_peer();

	expect(peer_ask(peer, "GET /?LED"), 200, NULL);
	return peer;
}

void peer_send(struct peer *peer, const char *bytes, size_t len)
{
	if (len == 0)
		return;
	peer->out = realloc(peer->out, peer->out_len + len);
	must(peer->out != NULL);
	memcpy(peer->out + peer->out_len, bytes, len);
	peer->out_len += len;
	(void)push(peer);
}

void peer_say(struct peer *peer, const char *text)
{
	peer_send(peer, text, strlen(text));
}

void peer_shut(struct peer *peer)
{
	must(peer->out_len == 0);
	must(shutdown(peer->fd, SHUT_WR) == 0);
}

void peer_leave(struct peer *peer)
{
	if (peer->fd >= 0)
		(void)close(peer->fd);
	peer->fd = -1;
}

size_t peer_take_some(struct peer *peer, size_t most)
{
	size_t before = peer->in_len;

	while (peer->fd >= 0 && !peer->eof && most > 0) {
		if (peer->in_size - peer->in_len < 65536) {
			peer->in_size *= 2;
			peer->in = realloc(peer->in, peer->in_size);
			must(peer->in != NULL);
		}
		ssize_t n = recv(peer->fd, peer->in + peer->in_len, most < 65536 ? most : 65536, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		peer->eof = n <= 0;
		peer->reset = n < 0;
		peer->in_len += n > 0 ? (size_t)n : 0;
		most -= n > 0 ? (size_t)n : 0;
	}
	return peer->in_len - before;
}

size_t peer_take(struct peer *peer)
{
	return peer_take_some(peer, SIZE_MAX);
}

bool peer_wait(struct peer *peer)
{
	struct pollfd poll_fd[] = { { .fd = peer->fd, .events = POLLIN }, { .fd = httap_fd(&rig.httap), .events = POLLIN } };

	return rig.tcp && !peer->eof && (peer_take(peer) > 0 || poll(poll_fd, 2, PATIENCE_MS) > 0);
}

static bool read_answer(struct peer *peer, bool head_only, struct answer *answer)
{
	const char *start = peer->in + peer->at, *length;
	size_t left = peer->in_len - peer->at;
	const char *end = left > 0 ? memmem(start, left, "\r\n\r\n", 4) : NULL;

	if (end == NULL)
		return false;
	size_t head = (size_t)(end - start) + 4;
	must(head < sizeof(answer->head));
	*answer = (struct answer){ .body = start + head };
	memcpy(answer->head, start, head);
	must(sscanf(answer->head, "HTTP/1.1 %d ", &answer->status) == 1);
	length = strstr(answer->head, "\r\nContent-Length: ");
	if (length != NULL && !head_only)
		answer->len = strtoul(length + 18, NULL, 10);
	if (left - head < answer->len)
		return false;
	peer->at += head + answer->len;
	return true;
}

bool peer_answered(struct peer *peer, bool head_only, struct answer *answer)
{
	(void)peer_take(peer);
	return read_answer(peer, head_only, answer);
}

static struct answer await(struct peer *peer, bool head_only)
{
	struct answer answer;
	bool more;

	do {
		(void)rig_run();
		more = peer_take(peer) > 0;
		if (read_answer(peer, head_only, &answer))
			return answer;
	} while (!peer->eof && (more || peer_wait(peer)));
	rig_fail(__FILE__, __LINE__, "no answer%s; of what came this is left: %s",
		peer->eof ? ", and the connection was closed" : "",
		shown((struct span){ peer->in + peer->at, peer->in_len - peer->at }));
}

struct answer peer_answer(struct peer *peer)
{
	return await(peer, false);
}

struct answer peer_head(struct peer *peer)
{
	return await(peer, true);
}

struct answer peer_ask(struct peer *peer, const char *request)
{
	peer_say(peer, request);
	peer_say(peer, END);
	return await(peer, strncmp(request, "HEAD ", 5) == 0);
}

struct answer peer_post(struct peer *peer, const char *target, const char *body)
{
	char head[HTTAP_HEAD_MAX];

	(void)snprintf(head, sizeof(head), "POST %s" HOST "Content-Length: %zu\r\n\r\n", target, strlen(body));
	peer_say(peer, head);
	peer_say(peer, body);
	return await(peer, false);
}

bool peer_closed(struct peer *peer)
{
	do {
		(void)rig_run();
		(void)peer_take(peer);
	} while (!peer->eof && peer_wait(peer));
	return peer->eof && peer->at == peer->in_len;
}

bool peer_quiet(struct peer *peer)
{
	(void)rig_run();
	return peer_take(peer) == 0 && !peer->eof;
}

bool answer_has(const struct answer *answer, const char *field_line)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "\r\n%s\r\n", field_line);
	return strstr(answer->head, line) != NULL;
}

void rig_expect(const char *file, int line, struct answer answer, int status, const char *body)
{
	if (answer.status == status &&
		(body == NULL || (strlen(body) == answer.len && memcmp(body, answer.body, answer.len) == 0)))
		return;
	rig_fail(file, line, "%d and \"%s\" were expected; what came was %s%s", status, body != NULL ? body : "(anything)",
		answer.head, shown((struct span){ answer.body, answer.len }));
}

/* The names of sessions differ by design. */
static void blank_sessions(char *text, size_t len)
{
	static const char field[] = "HTTaP-Session: ";
	char *at = text;

	while ((at = memmem(at, len - (size_t)(at - text), field, sizeof(field) - 1)) != NULL) {
		at += sizeof(field) - 1;
		memset(at, 'x', HTTAP_SESSION_LEN);
	}
}

char *rig_talk(const char *bytes, size_t len, size_t cut, size_t *out_len)
{
	struct peer *peer = rig_peer();
	char *out;

	peer_send(peer, bytes, cut);
	(void)rig_run();
	peer_send(peer, bytes + cut, len - cut);
	(void)rig_run();
	while (peer_take(peer) > 0)
		(void)rig_run();
	out = peer->in;
	*out_len = peer->in_len;
	peer_leave(peer);
	free(peer->out);
	*peer = (struct peer){ .fd = -1 }; /* the place is free again */
	(void)rig_run();
	blank_sessions(out, *out_len);
	return out;
}
