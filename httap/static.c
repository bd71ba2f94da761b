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

/* Both must be open for a moment to see which is newer. One that is older than its original is left over from an older original. */
static int open_variant(struct exchange *exchange, bool takes_gzip, struct variant *variant, const char **why)
{
	const struct files *files = &exchange->server->files;
	const char *path = exchange->meaning->target.text;

	*variant = (struct variant){ .coded = false };
	int status = files_find(files, path, &variant->plain, why);
	if (status != 200 || !files_find_gzip(files, path, &variant->plain, &variant->gzip))
		return status;
	variant->coded = true;
	variant->zipped = takes_gzip;
	(void)close(takes_gzip ? variant->plain.fd : variant->gzip.fd); /* only read: nothing can be lost */
	return 200;
}

/* Is the moment over in which a file that was changed at that time could be changed again without its telling? Clocks of file systems tick
 * every 10 ms at most; one that gives no fraction may count every second second. */
static bool is_settled(int64_t changed, int64_t now)
{
	return now - changed > (changed % 1000000 != 0 ? 20000 : 2000000);
}

/* A tag says which state of the file this is. While the file may still change and keep its times it is weak, and another than it
 * will be: what is stored with it is asked for again. */
struct tag {
	char text[96];
	struct validator validator;
};

static void make_tag(struct tag *tag, const struct variant *variant, int64_t now)
{
	const struct file *file = variant_file(variant);

	/* cppcheck-suppress ctuuninitvar ; it is what is written to */
	(void)snprintf(tag->text, sizeof(tag->text), "%s%" PRIx64 "-%" PRIx64 "-%" PRIx64 "%s",
		is_settled(file->modified, now) ? "\"" : "W/\"new-", file->size, (uint64_t)file->modified,
		(uint64_t)file->changed, variant->zipped ? "-g\"" : "\"");
	tag->validator = (struct validator){
		.etag = tag->text,
		.modified = file->modified / 1000000,
		.settled = now / 1000000 > file->modified / 1000000,
	};
}

/* What is kept must not change unseen. */
static const struct variant *keep(struct exchange *exchange, const struct variant *variant, int64_t now)
{
	struct httap_server *server = exchange->server;
	const struct file *file = variant_file(variant);

	return !is_settled(file->modified, now) || !is_settled(file->changed, now)
		? NULL
		: kept_add(&server->kept, &server->files, exchange->meaning->target.text, variant, server->now);
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
static void add_validator(struct exchange *exchange, const struct variant *variant, const struct tag *tag)
{
	add_fields(exchange, "ETag: %s\r\nCache-Control: no-cache\r\n", tag->text);
	exchange->reply.coded = variant->coded;
}

/* A date in the future is no time of a change (RFC 9110 section 8.8.2.1). */
static void add_description(struct exchange *exchange, const struct variant *variant, int64_t now)
{
	int64_t modified = variant_file(variant)->modified;
	char date[DATE_SIZE];

	add_fields(exchange, "Accept-Ranges: bytes\r\n%s", variant->zipped ? "Content-Encoding: gzip\r\n" : "");
	date_format(date, modified / 1000000);
	if (modified <= now && date[0] != '\0')
		add_fields(exchange, "Last-Modified: %s\r\n", date);
}

/* 200, 206 or 416. Only GET knows parts (RFC 9110 section 14.2). */
static int decide_part(struct exchange *exchange, uint64_t size, const struct tag *tag, struct range *part)
{
	const struct span *field = exchange->meaning->request.field;
	int status = 200;

	*part = (struct range){ .first = 0, .length = size };
	if (exchange->meaning->request.method == METHOD_GET && match_if_range(field[FIELD_IF_RANGE], &tag->validator))
		status = range_parse(field[FIELD_RANGE], size, part);
	if (status == 206)
		add_fields(exchange, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n", part->first,
			part->first + part->length - 1, size);
	if (status == 416)
		add_fields(exchange, "Content-Range: bytes */%" PRIu64 "\r\n", size);
	return status;
}

/* A small part leaves together with its head. NULL: it can't be read. */
static const char *read_part(struct exchange *exchange, const struct variant *variant, const struct range *part)
{
	char *body = exchange->server->body;

	if (variant->content != NULL)
		return variant->content + part->first;
	ssize_t n = pread(variant_file(variant)->fd, body, (size_t)part->length, (off_t)part->first);
	return n >= 0 && (uint64_t)n == part->length ? body : NULL;
}

/* A larger one follows it by sendfile. False when it can't be read. */
static bool send_part(struct exchange *exchange, const struct variant *variant, const struct range *part)
{
	struct conn *conn = exchange->conn;
	bool get = exchange->meaning->request.method == METHOD_GET, small = part->length <= HTTAP_FILE_INLINE_MAX;
	struct span body = { NULL, 0 };
	char tree_type[HTTAP_TYPE_SIZE];

	if (get && small) {
		body = (struct span){ read_part(exchange, variant, part), (size_t)part->length };
		if (body.at == NULL)
			return false;
	} else if (get) {
		conn->file = variant_file(variant)->fd;
		conn->file_at = (int64_t)part->first;
		conn->file_left = part->length;
		conn->state = CONN_FILE;
	}
	exchange->reply.type =
		span_of(variant->type != NULL ? variant->type
					      : files_type(&exchange->server->files, exchange->meaning->target.text, tree_type));
	answer_put(exchange, part->length, body);
	if (get)
		exchange->sent = (size_t)part->length; /* also what is still to come */
	return true;
}

/* If it is open it stays so when it is to be sent later. */
static void answer_variant(struct exchange *exchange, const struct variant *variant, int64_t now)
{
	struct range part;
	struct tag tag;

	make_tag(&tag, variant, now);
	exchange->reply.status = match_conditions(&exchange->meaning->request, &tag.validator);
	if (exchange->reply.status == 412) {
		answer_refusal(exchange, 412, "the file is not, or no longer, the one that the conditions name");
		return;
	}
	add_validator(exchange, variant, &tag);
	if (exchange->reply.status == 304) {
		answer_put(exchange, 0, SPAN(""));
		return;
	}
	exchange->reply.status = decide_part(exchange, variant_file(variant)->size, &tag, &part);
	if (exchange->reply.status == 416) {
		answer_refusal(exchange, 416, "the file has no such part; Content-Range tells its length");
		return;
	}
	add_description(exchange, variant, now);
	if (!send_part(exchange, variant, &part)) {
		exchange->reply.fields.len = 0;
		answer_refusal(exchange, 500, "the file could not be read");
	}
}

/* Opens it, and closes it unless it is to be sent later. */
static void answer_opened(struct exchange *exchange, bool takes_gzip, int64_t now)
{
	struct variant opened;
	const char *why;
	int status = open_variant(exchange, takes_gzip, &opened, &why);

	if (status != 200) {
		answer_refusal(exchange, status, why);
		return;
	}
	const struct variant *kept = keep(exchange, &opened, now);
	answer_variant(exchange, kept != NULL ? kept : &opened, now);
	if (exchange->conn->state != CONN_FILE)
		(void)close(variant_file(&opened)->fd);
}

void static_answer(struct exchange *exchange)
{
	struct httap_server *server = exchange->server;

	if (!exchange_fits(exchange, HTTAP_READS, "files are read by GET; signals are written by POST /?NAME"))
		return;
	bool takes_gzip = match_gzip(exchange->meaning->request.field[FIELD_ACCEPT_ENCODING]);
	const struct variant *kept =
		kept_find(&server->kept, &server->files, exchange->meaning->target.text, takes_gzip, server->now);
	if (kept != NULL)
		answer_variant(exchange, kept, wall_clock(server));
	else
		answer_opened(exchange, takes_gzip, wall_clock(server));
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
