/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * httapd: named GPIO lines for a browser. main() is the story in its order: read the environment, take the sockets, open
 * the files, request the lines, go to jail and into the sandbox, say READY, serve; and at the end leave every output at its safe value.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/activate.h"
#include "daemon/config.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/privilege.h"
#include "daemon/routes.h"
#include "daemon/sandbox.h"

enum { EXIT_OK = 0, EXIT_RUNNING = 1, EXIT_CONFIG = 2 };

enum command { SERVE, CHECK, LIST, SAFE, VERSION_COMMAND, HELP };

/* Everything that lives as long as the process. Static: large, and zero as the server wants it. */
static struct daemon {
	struct config config;
	struct httap httap;
	struct routes routes;
	struct gpio_lines *lines;
	struct log log;
	struct notify notify;
	int signals;    /* that end it come by this descriptor */
	bool activated; /* the sockets came from systemd */
	bool awake;     /* something of tick() is due */
	bool stopping;
} httapd;

static const char usage[] =
	"usage: httapd [--check | --list | --safe | --version | --help]\n"
	"\n"
	"Serves named GPIO lines over HTTP, in the foreground. Configured by environment variables, see httapd(5):\n"
	"  HTTAP_LINES=\"LED=GPIO17\" HTTAP_STATICPATH=/usr/share/httapd/www httapd\n"
	"\n"
	"  --check    read the configuration, print what would be served, and end\n"
	"  --list     print the GPIO chips and their lines with who holds them, and end\n"
	"  --safe     set every output to its safe value, and end\n"
	"  --version  print the version, and end\n"
	"  --help     print this, and end\n";

static int complain(int status, const char *text)
{
	fprintf(stderr, "httapd: %s\n", text);
	return status;
}

/* --- Commands that do not serve ------------------------------------------------------------------------------------ */

static int version(void)
{
	printf("httapd %s (%s)\n", VERSION, gpio_backend_version());
	return EXIT_OK;
}

/* Reads no other variable: it is what helps to mend HTTAP_LINES. */
static int list(void)
{
	const char *chip = getenv("HTTAP_GPIOCHIP");

	if (gpio_list(stdout, chip != NULL && strcmp(chip, "sim") == 0) > 0)
		return EXIT_OK;
	return complain(EXIT_RUNNING, "there is no GPIO chip on this machine; HTTAP_GPIOCHIP=sim adds a simulated one");
}

static void print_line(const struct gpio_spec *spec)
{
	static const char *const levels[] = { [GPIO_0] = "0", [GPIO_1] = "1", [GPIO_KEEP] = "keep" };
	static const char *const bias[] = { [GPIO_BIAS_AS_IS] = "",
		[GPIO_BIAS_OFF] = ", bias=off",
		[GPIO_BIAS_PULL_UP] = ", bias=pull-up",
		[GPIO_BIAS_PULL_DOWN] = ", bias=pull-down" };
	static const char *const drive[] = {
		[GPIO_PUSH_PULL] = "", [GPIO_OPEN_DRAIN] = ", drive=open-drain", [GPIO_OPEN_SOURCE] = ", drive=open-source"
	};

	printf("  %s = %s%s%s, %s%s", spec->name, spec->chip, spec->chip[0] != '\0' ? ":" : "", spec->line,
		spec->direction == GPIO_OUTPUT ? "output" : "input", spec->active_low ? ", active-low" : "");
	if (spec->direction == GPIO_OUTPUT)
		printf(", initial=%s, safe=%s", levels[spec->initial], levels[spec->safe]);
	if (spec->failsafe > 0)
		printf(", failsafe=%" PRId64 "ms", spec->failsafe / 1000);
	if (spec->max_on > 0)
		printf(", max-on=%" PRId64 "ms", spec->max_on / 1000);
	if (spec->interlock[0] != '\0')
		printf(", interlock=%s, dead-time=%" PRId64 "ms", spec->interlock, spec->dead_time / 1000);
	if (spec->debounce > 0)
		printf(", debounce=%" PRId64 "ms", spec->debounce / 1000);
	printf("%s%s\n", bias[spec->bias], drive[spec->drive]);
}

static void print_configuration(const struct config *config)
{
	const struct httap_config *httap = &config->httap;
	int port = httap->port == 0 ? HTTAP_PORT_DEFAULT : httap->port;

	printf("httapd %s (%s)\n", VERSION, gpio_backend_version());
	printf("port: %d%s\n", port == HTTAP_PORT_ANY ? 0 : port, port == HTTAP_PORT_ANY ? " (a free one)" : "");
	printf("addresses: %s\n", httap->listen != NULL ? httap->listen : "all, IPv6 and IPv4");
	printf("static root: %s\n", httap->static_path != NULL ? httap->static_path : ".");
	printf("root page: %s\n", httap->root_page != NULL ? httap->root_page : "index.html");
	printf("user: %s\n", config->user != NULL ? config->user : "unchanged");
	printf("chip: %s\n", config->chip != NULL ? config->chip : "the header of the Pi");
	printf("signals: %zu\n", config->lines.count);
	for (size_t i = 0; i < config->lines.count; i++)
		print_line(&config->lines.spec[i]);
}

static int check(const struct config *config)
{
	struct httap_error error;
	struct gpio_error why;

	if (httap_check(&config->httap, &error) < 0)
		return complain(EXIT_RUNNING, error.text);
	if (gpio_lines_check(&config->lines, config->chip, &why) < 0)
		return complain(EXIT_RUNNING, why.text);
	print_configuration(config);
	return EXIT_OK;
}

static int make_safe(const struct config *config)
{
	struct gpio_error why;
	struct gpio_lines *lines = gpio_lines_open(&config->lines, config->chip, true, 0, &why);

	if (lines == NULL)
		return complain(EXIT_RUNNING, why.text);
	gpio_lines_close(lines);
	return EXIT_OK;
}

/* --- Serving ------------------------------------------------------------------------------------------------------- */

static void on_request(void *context, const struct httap_exchange *exchange)
{
	struct daemon *daemon = context;

	log_hold(&daemon->log, LOG_REQUESTS, httap_now(&daemon->httap), "httapd: %s (session %s): %s: %d, %zu bytes",
		exchange->actor.peer, exchange->actor.session, exchange->actor.request, exchange->status, exchange->body_bytes);
}

static void on_signal(void *context, int fd)
{
	struct daemon *daemon = context;
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		daemon->stopping = true;
}

static int connections(const struct config *config)
{
	return config->httap.connections > 0 ? config->httap.connections : HTTAP_CONNECTIONS_DEFAULT;
}

/* Every connection may have a file open beside its socket. */
static unsigned descriptors(const struct config *config)
{
	return 2 * ((unsigned)connections(config) + HTTAP_LOBBY) + HTTAP_LISTENERS_MAX + GPIO_LINES_MAX + GPIO_CHIPS_MAX +
		DAEMON_DESCRIPTORS_RESERVE;
}

static int allow_descriptors(const struct config *config, struct httap_error *error)
{
	rlim_t needed = descriptors(config);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed)
		return 0;
	if (limit.rlim_max >= needed) {
		limit.rlim_cur = needed;
		if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
			return 0;
	}
	snprintf(error->text, sizeof(error->text),
		"HTTAP_CONNECTIONS=%d needs %lu descriptors, and only %lu are allowed; raise LimitNOFILE= or lower it",
		connections(config), (unsigned long)needed, (unsigned long)limit.rlim_max);
	return -1;
}

/* Signals arrive as input, so that none can fall between a test and a wait. */
static int watch_signals(struct daemon *daemon, struct httap_error *error)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0 && (daemon->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) >= 0 &&
		httap_watch(&daemon->httap, daemon->signals, on_signal, daemon) == 0)
		return 0;
	snprintf(error->text, sizeof(error->text), "can't wait for signals: %s", strerror(errno));
	return -1;
}

/* Sockets, files and the notify socket: what needs the world outside the jail, and moves nothing. */
static int acquire(struct daemon *daemon, struct httap_error *error)
{
	daemon->httap.config = daemon->config.httap;
	daemon->httap.config.type = "httapd";
	if (daemon->config.log == LOG_REQUESTS) {
		daemon->httap.config.on_request = on_request;
		daemon->httap.config.on_request_context = daemon;
	}
	routes_make(&daemon->routes, &daemon->config.lines, &daemon->httap, &daemon->log);
	daemon->httap.signals = &daemon->routes.signals;
	int sockets = activate_sockets(&daemon->httap, error);
	daemon->activated = sockets > 0;
	if (sockets < 0 || allow_descriptors(&daemon->config, error) < 0 || httap_start(&daemon->httap, error) < 0 ||
		watch_signals(daemon, error) < 0)
		return -1;
	return notify_open(&daemon->notify, error);
}

static void on_edge(void *context, int fd)
{
	routes_edges(context, fd);
}

static int watch_edges(struct daemon *daemon, struct httap_error *error)
{
	for (size_t chip = 0; chip < gpio_lines_chips(daemon->lines); chip++) {
		int fd = gpio_lines_edge_fd(daemon->lines, chip);
		if (fd >= 0 && httap_watch(&daemon->httap, fd, on_edge, &daemon->routes) < 0) {
			snprintf(error->text, sizeof(error->text), "can't wait for inputs: %s", strerror(errno));
			return -1;
		}
	}
	return 0;
}

/* The lines last, when nothing else can fail that would leave them as they just became. */
static int acquire_lines(struct daemon *daemon, struct httap_error *error)
{
	struct gpio_error why;

	daemon->lines = gpio_lines_open(&daemon->config.lines, daemon->config.chip, false, httap_now(&daemon->httap), &why);
	if (daemon->lines == NULL) {
		snprintf(error->text, sizeof(error->text), "%s", why.text);
		return -1;
	}
	routes_connect(&daemon->routes, daemon->lines);
	return 0;
}

static int jail(struct daemon *daemon, struct httap_error *error)
{
	const char *missing;

	if (geteuid() == 0 && daemon->config.user == NULL)
		log_now(&daemon->log,
			"httapd: started as root without HTTAP_USER: files are served as root; name an unprivileged user");
	if (privilege_drop(&daemon->config, httap_static_fd(&daemon->httap), error) < 0 ||
		httap_check_root_page(&daemon->httap, error) < 0 ||
		sandbox_enter(httap_static_fd(&daemon->httap), descriptors(&daemon->config), &missing, error) < 0)
		return -1;
	if (missing != NULL)
		log_now(&daemon->log, "httapd: the sandbox is without %s, which this kernel or this build does not have",
			missing);
	return 0;
}

/* That this loop lives, and what it serves. */
static void tell_manager(struct daemon *daemon)
{
	char status[DAEMON_STATUS_SIZE];

	routes_status(&daemon->routes, status, sizeof(status));
	notify_tick(&daemon->notify, httap_now(&daemon->httap), status);
}

static void tell_ready(struct daemon *daemon)
{
	int port = httap_port(&daemon->httap);

	tell_manager(daemon);
	if (daemon->config.httap.port == HTTAP_PORT_ANY && !daemon->activated) {
		printf("httapd: serving http://localhost:%d/ on port %d\n", port, port);
		fflush(stdout);
	}
}

static void on_wake(void *context)
{
	struct daemon *daemon = context;

	daemon->awake = true;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is due, of all that the daemon itself has to do at a time; the motors first. */
static void tick(struct daemon *daemon)
{
	int64_t now = httap_now(&daemon->httap);

	if (now >= routes_deadline(&daemon->routes))
		routes_tick(&daemon->routes);
	if (now >= daemon->log.flush_at)
		log_flush(&daemon->log);
	if (now >= daemon->notify.due)
		tell_manager(daemon);
}

static int serve(struct daemon *daemon)
{
	while (!daemon->stopping && !daemon->routes.gone) {
		int64_t next = earlier(daemon->notify.due, earlier(routes_deadline(&daemon->routes), daemon->log.flush_at));
		daemon->awake = false;
		httap_wake_at(&daemon->httap, next, on_wake, daemon);
		if (httap_blocking(&daemon->httap) < 0) {
			log_now(&daemon->log, "httapd: waiting failed: %s", strerror(errno));
			return EXIT_RUNNING;
		}
		if (daemon->awake)
			tick(daemon);
	}
	if (daemon->routes.gone) {
		log_now(&daemon->log, "httapd: a GPIO chip is gone; ending so that the service manager starts anew");
		return EXIT_RUNNING;
	}
	return EXIT_OK;
}

/* Ends a daemon that holds lines, whatever the reason: outputs first. */
static int finish(struct daemon *daemon, int status, const char *reason)
{
	notify_send(&daemon->notify, "STOPPING=1");
	if (routes_safe(&daemon->routes, reason) < 0)
		status = EXIT_RUNNING;
	log_flush(&daemon->log);
	gpio_lines_close(daemon->lines);
	httap_stop(&daemon->httap);
	(void)close(daemon->signals);
	return status;
}

static int run(struct daemon *daemon)
{
	struct httap_error error;

	log_open(&daemon->log, daemon->config.log);
	/* libc reads the time zone with the first date, also with one that has none. In the jail it would look for it in the static root. */
	tzset();
	if (acquire(daemon, &error) < 0 || acquire_lines(daemon, &error) < 0) {
		httap_stop(&daemon->httap);
		return complain(EXIT_RUNNING, error.text);
	}
	if (watch_edges(daemon, &error) < 0 || jail(daemon, &error) < 0) {
		(void)complain(EXIT_RUNNING, error.text);
		return finish(daemon, EXIT_RUNNING, "the start failed");
	}
	routes_remarks(&daemon->routes);
	tell_ready(daemon);
	int status = serve(daemon);
	return finish(daemon, status, status == EXIT_OK ? "the daemon was told to end" : "the daemon ends on a fault");
}

/* ------------------------------------------------------------------------------------------------------------------- */

static int read_command(int argc, char **argv)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, CHECK },
		{ "list", no_argument, NULL, LIST },
		{ "safe", no_argument, NULL, SAFE },
		{ "version", no_argument, NULL, VERSION_COMMAND },
		{ "help", no_argument, NULL, HELP },
		{ NULL, 0, NULL, 0 },
	};
	int command = SERVE, option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == '?' || command != SERVE)
			return -1;
		command = option;
	}
	return optind == argc ? command : -1;
}

int main(int argc, char **argv)
{
	int command = read_command(argc, argv);
	struct httap_error error;

	if (command < 0)
		return complain(EXIT_CONFIG, "unknown arguments; allowed is one of --check, --list, --safe, --version, --help");
	if (command == VERSION_COMMAND)
		return version();
	if (command == HELP)
		return fputs(usage, stdout) < 0 ? EXIT_RUNNING : EXIT_OK;
	if (command == LIST)
		return list();
	if (config_read(&httapd.config, &error) < 0)
		return complain(EXIT_CONFIG, error.text);
	switch ((enum command)command) {
	case CHECK:
		return check(&httapd.config);
	case SAFE:
		return make_safe(&httapd.config);
	default:
		return run(&httapd);
	}
}
