/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The static domain: GET and HEAD of files, by the conditions and parts of RFC 9110 sections 13 and 14. A library without files has
 * no_static.c instead.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "httap/date.h"
#include "httap/match.h"
#include "httap/range.h"
#include "httap/server.h"

/* --- The time of day ----------------------------------------------------------------------------------------------- */

static int64_t wall_clock(const struct httap_server *server)
{
	const struct httap_config *config = server->config;

	return config->wall_clock != NULL ? config->wall_clock(config->wall_clock_context) : clock_wall(NULL);
}

/* Made once a second, shortly after the second has begun. */
static void renew_date(struct httap_server *server)
{
	int64_t time = wall_clock(server);

	server->date_until = server->now + 1000000 - time % 1000000;
	server->date_len = 0;
	if (time / 1000000 >= HTTAP_CLOCK_SET_S) {
		date_format(server->date, time / 1000000);
		server->date_len = DATE_SIZE - 1;
	}
}

struct span static_date(struct httap_server *server)
{
	if (server->now >= server->date_until)
		renew_date(server);
	return (struct span){ server->date, server->date_len };
}

/* --- What is sent ------------------------------------------------------------------------------------------------- */

/* A file, or what stands compressed beside it. */
struct variant {
	struct file file;
	bool gzip;
	bool coded; /* there are both */
	struct validator validator;
	char etag[96];
};

/* Both must be open for a moment to see which is newer. One that is older than its original is left over from an older original. */
static int find_variant(struct exchange *exchange, struct variant *variant, const char **why)
{
	const struct files *files = &exchange->server->files;
	const char *path = exchange->meaning->target.text;
	struct file gzip;
	int status = files_find(files, path, &variant->file, why);

	variant->coded = status == 200 && files_find_gzip(files, path, &variant->file, &gzip);
	variant->gzip = variant->coded && match_gzip(exchange->meaning->request.field[FIELD_ACCEPT_ENCODING]);
	if (!variant->coded)
		return status;
	(void)close(variant->gzip ? variant->file.fd : gzip.fd); /* only read: nothing can be lost */
	if (variant->gzip)
		variant->file = gzip;
	return status;
}

/* Is the moment over in which the file's time would not tell a further change? Clocks of file systems tick every 10 ms at most;
 * one that gives no fraction may count every second second. */
static bool is_settled(const struct file *file, int64_t now)
{
	return now - file->modified > (file->modified % 1000000 != 0 ? 20000 : 2000000);
}

/* A tag that says which state of the file this is. While the file may still change and keep its times it is weak, and another than it
 * will be: what is stored with it is asked for again. */
static void make_validator(struct variant *variant, int64_t now)
{
	const struct file *file = &variant->file;

	(void)snprintf(variant->etag, sizeof(variant->etag), "%s%" PRIx64 "-%" PRIx64 "-%" PRIx64 "%s",
		is_settled(file, now) ? "\"" : "W/\"new-", file->size, (uint64_t)file->modified, (uint64_t)file->changed,
		variant->gzip ? "-g\"" : "\"");
	variant->validator = (struct validator){
		.etag = variant->etag,
		.modified = file->modified / 1000000,
		.settled = now / 1000000 > file->modified / 1000000,
	};
}

/* --- The reply ---------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void add_fields(struct exchange *exchange, const char *format, ...)
{
	struct httap_server *server = exchange->server;
	size_t used = exchange->reply.fields.len, room = sizeof(server->fields) - used;
	va_list arguments;

	va_start(arguments, format);
	int len = vsnprintf(server->fields + used, room, format, arguments);
	va_end(arguments);
	if (len > 0 && (size_t)len < room)
		exchange->reply.fields = (struct span){ server->fields, used + (size_t)len };
}

/* What a 304 says too (RFC 9110 section 15.4.5). "no-cache" lets a browser keep the file but ask whether it still is the same, so
 * that a new page is seen at once. */
static void add_validator(struct exchange *exchange, const struct variant *variant)
{
	add_fields(exchange, "ETag: %s\r\nCache-Control: no-cache\r\n", variant->etag);
	exchange->reply.coded = variant->coded;
}

/* A date in the future is no time of a change (RFC 9110 section 8.8.2.1). */
static void add_description(struct exchange *exchange, const struct variant *variant, int64_t now)
{
	char date[DATE_SIZE];

	add_fields(exchange, "Accept-Ranges: bytes\r\n%s", variant->gzip ? "Content-Encoding: gzip\r\n" : "");
	date_format(date, variant->validator.modified);
	if (variant->file.modified <= now && date[0] != '\0')
		add_fields(exchange, "Last-Modified: %s\r\n", date);
}

/* 200, 206 or 416. Only GET knows parts (RFC 9110 section 14.2). */
static int decide_part(struct exchange *exchange, const struct variant *variant, struct range *part)
{
	const struct span *field = exchange->meaning->request.field;
	uint64_t size = variant->file.size;
	int status = 200;

	*part = (struct range){ .first = 0, .length = size };
	if (exchange->meaning->request.method == METHOD_GET && match_if_range(field[FIELD_IF_RANGE], &variant->validator))
		status = range_parse(field[FIELD_RANGE], size, part);
	if (status == 206)
		add_fields(exchange, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", part->first,
			part->first + part->length - 1, size);
	if (status == 416)
		add_fields(exchange, "Content-Range: bytes */%" PRIu64 "\r\n", size);
	return status;
}

/* A small part leaves together with its head; a larger one follows it by sendfile. False when it can't be read. */
static bool send_part(struct exchange *exchange, int fd, const char *type, const struct range *part)
{
	struct conn *conn = exchange->conn;
	struct span body = { exchange->server->body, 0 };

	if (exchange->meaning->request.method == METHOD_GET && part->length <= HTTAP_FILE_INLINE_MAX) {
		ssize_t n = pread(fd, exchange->server->body, (size_t)part->length, (off_t)part->first);
		if (n < 0 || (uint64_t)n != part->length)
			return false;
		body.len = (size_t)n;
	} else if (exchange->meaning->request.method == METHOD_GET) {
		conn->file = fd;
		conn->file_at = (int64_t)part->first;
		conn->file_left = part->length;
		conn->state = CONN_FILE;
	}
	exchange->reply.type = span_of_any(type);
	answer_put(exchange, part->length, body);
	if (exchange->meaning->request.method == METHOD_GET)
		exchange->sent = (size_t)part->length; /* also what is still to come */
	return true;
}

/* The file is open; it stays so when it is to be sent later. */
static void answer_variant(struct exchange *exchange, struct variant *variant)
{
	int64_t now = wall_clock(exchange->server);
	char tree_type[HTTAP_TYPE_SIZE];
	struct range part;

	make_validator(variant, now);
	exchange->reply.status = match_conditions(&exchange->meaning->request, &variant->validator);
	if (exchange->reply.status == 412) {
		answer_refusal(exchange, 412, "the file is not, or no longer, the one that the conditions name");
		return;
	}
	add_validator(exchange, variant);
	if (exchange->reply.status == 304) {
		answer_put(exchange, 0, SPAN(""));
		return;
	}
	exchange->reply.status = decide_part(exchange, variant, &part);
	if (exchange->reply.status == 416) {
		answer_refusal(exchange, 416, "the file has no such part; Content-Range tells its length");
		return;
	}
	add_description(exchange, variant, now);
	if (!send_part(exchange, variant->file.fd,
		    files_type(&exchange->server->files, exchange->meaning->target.text, tree_type), &part)) {
		exchange->reply.fields.len = 0;
		answer_refusal(exchange, 500, "the file could not be read");
	}
}

void static_answer(struct exchange *exchange)
{
	struct variant variant;
	const char *why;

	if (!exchange_fits(exchange, HTTAP_READS, "files are read by GET; signals are written by POST /?NAME"))
		return;
	int status = find_variant(exchange, &variant, &why);
	if (status != 200) {
		answer_refusal(exchange, status, why);
		return;
	}
	answer_variant(exchange, &variant);
	if (exchange->conn->state != CONN_FILE)
		(void)close(variant.file.fd);
}

/* --- Sending ------------------------------------------------------------------------------------------------------ */

/* True when the file is through. May close the connection. */
static bool send_turn(struct conn *conn)
{
	uint64_t turn = conn->file_left < HTTAP_FILE_TURN ? conn->file_left : HTTAP_FILE_TURN;
	off_t at = (off_t)conn->file_at;
	ssize_t n = sendfile(conn->fd, conn->file, &at, (size_t)turn);

	if (n < 0 && conn_comes_later())
		return false;
	if (n <= 0) { /* broken, or the file has become shorter than the length we announced: nothing can mend that reply */
		conn_close(conn);
		return false;
	}
	conn->file_at += n;
	conn->file_left -= (uint64_t)n;
	timer_set(conn, TIMER_IDLE);
	if (conn->file_left > 0)
		return false; /* others get their turn; the socket calls again at once if it takes more */
	(void)close(conn->file);
	conn->file = -1;
	return true;
}

bool static_step(struct conn *conn)
{
	if (conn->out_start < conn->out_end || !send_turn(conn))
		return false;
	conn->state = CONN_HEAD;
	if (conn->file_close)
		conn_end(conn, conn->in_start < conn->in_end);
	return true;
}

/* --- At start ----------------------------------------------------------------------------------------------------- */

bool static_is_root_page(const char *text)
{
	struct span path = span_of(text), segment;

	while (span_next(&path, '/', &segment))
		if (segment.len == 0 || segment.at[0] == '.' || memmem(segment.at, segment.len, "..", 2) != NULL)
			return false;
	return true;
}

void static_close(struct files *files)
{
	files_close(files);
}

/* sendfile(2) has no MSG_NOSIGNAL: without this a peer who hangs up would end the program. */
static void ignore_sigpipe(void)
{
	struct sigaction action;

	if (sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_DFL) {
		action.sa_handler = SIG_IGN;
		(void)sigaction(SIGPIPE, &action, NULL); /* valid signal and action: can't fail */
	}
}

int static_open(struct files *files, const struct httap_config *config, struct httap_error *error)
{
	ignore_sigpipe();
	if (files_open(files, config->static_path != NULL ? config->static_path : ".",
		    config->root_page != NULL ? config->root_page : "index.html",
		    config->serving_uid_given ? config->serving_uid : geteuid(), error) < 0)
		return -1;
	if (files_check_root_page(files, error) == 0)
		return 0;
	files_close(files);
	return -1;
}

/* --- For the host program ----------------------------------------------------------------------------------------- */

int httap_check_root_page(const struct httap *httap, struct httap_error *error)
{
	if (httap->server == NULL || httap->server->epoll < 0) {
		snprintf(error->text, sizeof(error->text), "the server has not been started");
		return -1;
	}
	return files_check_root_page(&httap->server->files, error);
}

int httap_static_fd(const struct httap *httap)
{
	return httap->server != NULL ? httap->server->files.root : -1;
}
