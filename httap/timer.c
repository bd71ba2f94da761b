/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Deadlines of connections: a queue for each kind, in order of time because each kind has one duration. Reads no clock: the
 * time is that of the pass.
 */
#include "httap/server.h"

void timer_cancel(struct httap_server *server, struct conn *conn)
{
	if (conn->timer == TIMER_NONE)
		return;
	struct timer_queue *queue = &server->timer[conn->timer];

	if (conn->timer_before != NULL)
		conn->timer_before->timer_after = conn->timer_after;
	else
		queue->first = conn->timer_after;
	if (conn->timer_after != NULL)
		conn->timer_after->timer_before = conn->timer_before;
	else
		queue->last = conn->timer_before;
	conn->timer = TIMER_NONE;
}

void timer_set(struct httap_server *server, struct conn *conn, enum timer_kind kind)
{
	struct timer_queue *queue = &server->timer[kind];

	timer_cancel(server, conn);
	conn->timer = kind;
	conn->deadline = server->now + queue->duration;
	conn->timer_after = NULL;
	conn->timer_before = queue->last;
	if (queue->last != NULL)
		queue->last->timer_after = conn;
	else
		queue->first = conn;
	queue->last = conn;
}

int64_t timer_next(const struct httap_server *server)
{
	int64_t next = INT64_MAX;

	for (unsigned int kind = 0; kind < TIMER_KINDS; kind++)
		if (server->timer[kind].first != NULL && server->timer[kind].first->deadline < next)
			next = server->timer[kind].first->deadline;
	return next;
}

struct conn *timer_expired(const struct httap_server *server)
{
	for (unsigned int kind = 0; kind < TIMER_KINDS; kind++)
		if (server->timer[kind].first != NULL && server->timer[kind].first->deadline <= server->now)
			return server->timer[kind].first;
	return NULL;
}
