/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Sessions. Each connection begins one of its own; a client that sends the name back on another connection continues it there. One
 * without a connection is remembered for a while, because browsers and proxies drop connections between requests. The name says
 * where in the table the session stands, so that finding it costs the same for two sessions and for two thousand.
 */
#include <string.h>
#include <sys/random.h>

#include "httap/server.h"

#define PLACE_LETTERS 3
#define PLACE_BITS (5 * PLACE_LETTERS)

_Static_assert((HTTAP_CONNECTIONS_MAX + HTTAP_LOBBY) * HTTAP_SESSIONS_PER_CONNECTION <= 1 << PLACE_BITS,
	"the letters of a name can tell every place");

static unsigned int session_place(const struct httap_server *server, const struct session *session)
{
	return (unsigned int)(session - server->session);
}

static void name_session(const struct httap_server *server, struct session *session)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuv";
	unsigned int place = session_place(server, session) ^ server->session_mask;
	unsigned char random[HTTAP_SESSION_LEN] = { 0 };

	/* The kernel's pool is filled long before a network is up; a short answer can only come from a signal, and not for so few
	 * bytes (getrandom(2)). */
	(void)!getrandom(random, sizeof(random), 0);
	for (unsigned int i = 0; i < PLACE_LETTERS; i++)
		random[i] = (unsigned char)(place >> 5 * i);
	for (unsigned int i = 0; i < HTTAP_SESSION_LEN; i++)
		session->name[i] = letters[random[i] & 31];
	session->name[HTTAP_SESSION_LEN] = '\0';
}

int sessions_make(struct httap_server *server)
{
	for (unsigned int i = 0; i < server->session_count; i++)
		list_append(&server->sessions_left, &server->session[i].link);
	/* A kernel or a sandbox around us without this call (ENOSYS, EPERM) would have it that every name can be guessed. */
	if (getrandom(&server->session_mask, sizeof(server->session_mask), 0) < 0)
		return -1;
	server->session_mask &= (1 << PLACE_BITS) - 1;
	return 0;
}

struct session *session_open(struct httap_server *server)
{
	/* There are more than connections, so that one of those without is always there. */
	struct session *session = LINK_OWNER(server->sessions_left.first, struct session, link);

	list_remove(&server->sessions_left, &session->link);
	*session = (struct session){ .connections = 1, .seen = server->events.last };
	server->events.told = server->events.last; /* what comes now is a change of its own */
	name_session(server, session);
	return session;
}

void session_leave(struct httap_server *server, struct session *session)
{
	const struct httap_signals *signals = server->signals;

	if (--session->connections > 0)
		return;
	session->until = server->now + (int64_t)server->keepalive_s * 1000000;
	list_append(&server->sessions_left, &session->link);
	/* Who never came over another connection is gone with this one. Others drop and open them as they like. */
	if (!session->shared && session->opened && signals->left != NULL)
		signals->left(signals->context, session->name);
}

static struct session *session_find(const struct httap_server *server, struct span name)
{
	unsigned int place = 0;

	if (name.len != HTTAP_SESSION_LEN)
		return NULL;
	for (unsigned int i = 0; i < PLACE_LETTERS; i++) {
		char c = name.at[i];
		unsigned int letter = (unsigned char)(text_is_digit(c) ? c - '0' : c - 'a' + 10);
		place |= (letter & 31) << 5 * i;
	}
	place ^= server->session_mask;
	if (place >= server->session_count)
		return NULL;
	struct session *session = &server->session[place];
	bool there = session->connections > 0 || session->until > server->now;
	return there && span_is(name, session->name) ? session : NULL;
}

struct session *session_continue(struct httap_server *server, struct session *present, struct span name)
{
	struct session *session = session_find(server, name);

	/* An unknown name is one from before a restart, or from long ago: the client learns the new one from the reply. */
	if (session == NULL || session == present)
		return present;
	if (session->connections++ == 0)
		list_remove(&server->sessions_left, &session->link);
	session->shared = true;
	session_leave(server, present);
	return session;
}
