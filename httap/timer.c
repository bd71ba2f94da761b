/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Deadlines of connections: a queue for each kind, in order of time because each kind has one duration. Reads no clock: the
 * time is that of the pass.
 */
#include "httap/server.h"

void timer_cancel(struct conn *conn)
{
	if (conn->timer != TIMER_NONE)
		list_remove(&conn->server->timer[conn->timer].list, &conn->timer_link);
	conn->timer = TIMER_NONE;
}

void timer_set(struct conn *conn, enum timer_kind kind)
{
	struct timer_queue *queue = &conn->server->timer[kind];

	conn->deadline = conn->server->now + queue->duration;
	if (FAST && conn->timer == kind && queue->list.last == &conn->timer_link)
		return;
	timer_cancel(conn);
	conn->timer = kind;
	list_append(&queue->list, &conn->timer_link);
}

static struct conn *conn_of(struct link *link)
{
	return link != NULL ? LINK_OWNER(link, struct conn, timer_link) : NULL;
}

struct conn *timer_first(const struct httap_server *server, enum timer_kind kind)
{
	return conn_of(server->timer[kind].list.first);
}

struct conn *timer_after(const struct conn *conn)
{
	return conn_of(conn->timer_link.after);
}

/* The one whose deadline comes first; NULL: there is none. */
static struct conn *soonest(const struct httap_server *server)
{
	struct conn *found = NULL;

	for (unsigned int kind = 0; kind < TIMER_KINDS; kind++) {
		struct link *first = server->timer[kind].list.first;
		if (first == NULL)
			continue;
		struct conn *conn = LINK_OWNER(first, struct conn, timer_link);
		if (found == NULL || conn->deadline < found->deadline)
			found = conn;
	}
	return found;
}

int64_t timer_next(const struct httap_server *server)
{
	const struct conn *conn = soonest(server);

	return conn != NULL ? conn->deadline : INT64_MAX;
}

struct conn *timer_expired(const struct httap_server *server)
{
	struct conn *conn = soonest(server);

	return conn != NULL && conn->deadline <= server->now ? conn : NULL;
}
