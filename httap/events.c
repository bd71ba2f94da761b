/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * What has changed, for those who want to know: each session's `/?changes`, and the listeners of `/?events` (server-sent events,
 * WHATWG HTML section 9.2). The last changes stand in a ring. A listener has a place in it and takes what is behind that when
 * his socket does; one whose place has been overtaken gets the whole state instead. So nobody is waited for, and nothing grows.
 */
#include "httap/json.h"
#include "httap/server.h"

extern inline void events_push_early(struct httap_server *server);

static struct change *change_at(struct events *events, uint64_t number)
{
	return &events->ring[number % HTTAP_CHANGES_KEPT];
}

static void note(struct httap_server *server, size_t signal, uint8_t value, int64_t time)
{
	struct events *events = &server->events;
	struct change *change = change_at(events, events->last);
	uint64_t bit = (uint64_t)1 << signal;
	uint64_t set = value != 0 ? bit : 0;
	bool known = (events->known & bit) != 0;

	if (known && (events->values & bit) == set)
		return;
	events->known |= bit;
	events->values = (events->values & ~bit) | set;
	if (!known)
		return;
	/* What moved at one moment is one change, as long as nobody has been told of it. */
	if (events->last == events->told || change->time != time || (change->signals & bit) != 0) {
		change = change_at(events, ++events->last);
		*change = (struct change){ .time = time };
	}
	change->signals |= bit;
	change->values |= set;
	events->changed[signal] = events->last;
}

void events_note(struct httap_server *server)
{
	for (size_t i = 0; i < server->selection.count; i++)
		note(server, server->selection.index[i], server->value[i], server->now);
}

void httap_changed(struct httap *httap, uint16_t signal, uint8_t value, int64_t time)
{
	if (httap->server != NULL && httap->signals != NULL && signal < httap->signals->count)
		note(httap->server, signal, value, time);
}

uint64_t events_of_session(struct httap_server *server, struct session *session)
{
	struct events *events = &server->events;

	if (session->seen != events->last) {
		for (size_t i = 0; i < HTTAP_SIGNALS_MAX; i++)
			if (events->changed[i] > session->seen)
				session->changed |= (uint64_t)1 << i;
		session->seen = events->told = events->last;
	}
	return session->changed;
}

/* --- Listeners ----------------------------------------------------------------------------------------------------- */

static void put_event(struct conn *conn, uint64_t number, const struct change *change)
{
	const struct span *name = conn->server->name;
	struct httap_json json;

	json_begin(&json, conn->out + conn->out_end, HTTAP_EVENT_MAX);
	json_put(&json, "id: ");
	json_digits(&json, (int64_t)number);
	json_put(&json, "\ndata: {");
	for (uint64_t signals = change->signals; signals != 0; signals &= signals - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(signals);
		json_digit(&json, name[i], change->values >> i & 1);
	}
	json_name(&json, SPAN("t"));
	json_milliseconds(&json, change->time);
	json_put(&json, "}\n\n");
	conn->out_end += json.len;
}

/* The whole state, as far as it has been told of. */
static void put_state(struct conn *conn)
{
	const struct events *events = &conn->server->events;
	struct change state = { .time = conn->server->now, .signals = events->known, .values = events->values };

	put_event(conn, events->last, &state);
	conn->told = events->last;
}

void events_begin(struct conn *conn)
{
	/* Less in the kernel's queue is more that can be merged in ours. Where it fails the queue is just longer. */
	static const int size = HTTAP_LISTENER_SNDBUF;
	struct events *events = &conn->server->events;

	(void)setsockopt(conn->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	conn_put(conn, SPAN("retry: " TEXT_OF(HTTAP_RETRY_MS) "\n"));
	put_state(conn);
	events->told = events->last;
	conn->state = CONN_EVENTS;
	list_append(&events->listeners, &conn->listener_link);
	timer_set(conn, TIMER_COMMENT);
}

void events_end(struct conn *conn)
{
	list_remove(&conn->server->events.listeners, &conn->listener_link);
}

bool events_step(struct conn *conn)
{
	struct events *events = &conn->server->events;

	/* What waits for the socket is not added to: it would only be older when it is taken. */
	if (conn->told == events->last || (conn->want_out && conn->out_end > 0))
		return false;
	if (events->last - conn->told > HTTAP_CHANGES_KEPT)
		put_state(conn);
	while (conn->told < events->last && HTTAP_OUT_SIZE - conn->out_end >= HTTAP_EVENT_MAX) {
		conn->told++;
		put_event(conn, conn->told, change_at(events, conn->told));
	}
	return true;
}

void events_push(struct httap_server *server)
{
	struct events *events = &server->events;

	/* A listener that turns out to be gone may end a drive, and that is a change again. */
	while (events->pushed != events->last) {
		struct link *link = events->listeners.first, *after;
		events->pushed = events->told = events->last;
		for (; link != NULL; link = after) {
			after = link->after;
			conn_advance(LINK_OWNER(link, struct conn, listener_link));
		}
	}
}

void events_comment(struct conn *conn)
{
	bool waits = conn->out_start < conn->out_end;

	if (waits && !conn->moved) {
		conn_close(conn);
		return;
	}
	if (!waits)
		conn_put(conn, SPAN(":\n\n"));
	conn->moved = false;
	timer_set(conn, TIMER_COMMENT);
	conn_advance(conn);
}
