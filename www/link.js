// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The only module that talks to the server. A line's state comes from events alone, never from what was asked for.

const LIMIT_MS = 2000; // after which a silent server counts as lost
const BEAT_MS = 2000; // from a look at the list, for link and driver, to the next
const WATCH_MS = 500; // the same while somebody else drives
const SOON_MS = 40; // the same after a driven line has moved
const RETRY_MS = 500;

// The server answered, and its answer is no.
export class Refusal extends Error {}

// With its name sent back, all connections of a page are one session, which is one driver.
let session = null;

// Who writes, where the server asks: for all pages, until the tab closes.
let token;
try {
	token = sessionStorage.token;
} catch {} // no storage

export function identify(text) {
	token = text;
	try {
		sessionStorage.token = text;
	} catch {}
}

// One dynamic request. The address is relative, so that a path prefix of a proxy stays in it.
export async function ask(words, init) {
	const sent = session;
	const headers = { ...sent && { 'HTTaP-Session': sent }, ...token && { Authorization: `Bearer ${token}` } };
	const reply = await fetch(`./?${words}`, { signal: AbortSignal.timeout(LIMIT_MS), headers, ...init });
	if (session === sent) // of the first replies to a page, or of a server, that is new, one gives the name
		session = reply.headers.get('HTTaP-Session') ?? sent;
	const data = await reply.json();
	if (reply.status === 401)
		import('./token.js').then(form => form.wish());
	if (!reply.ok)
		throw new Refusal(data.error);
	return data;
}

const post = (words, body) => ask(words, { method: 'POST', body, keepalive: true });

// A listener may have list(list, id) for other signals; values(values, t, whole); state('connecting' | 'connected' | 'lost', round trip
// in ms | error): values are known while connected; driver(name or null, me); held(blocked, sentence): what is held was stopped.
export function connect(...listeners) {
	const tell = (what, ...values) => listeners.forEach(one => one[what]?.(...values));
	let state, id, shape, events, timer;
	let turn = 0; // whatever an older turn has under way is void
	let soon = false;
	let driven = {};
	let other = false;

	const enter = (name, detail) => tell('state', state = name, detail);

	function close() {
		turn++;
		soon = false;
		clearTimeout(timer);
		events?.close();
	}

	function lose(error) {
		close();
		block();
		enter('lost', error);
		timer = setTimeout(start, RETRY_MS);
	}

	// The values in the list may be older than an event: they are not used.
	async function look() {
		const sent = performance.now();
		const list = await ask('list');
		const before = shape;
		shape = JSON.stringify(list, (key, value) => key === 'value' || key === 'driver' ? null : value);
		driven = Object.fromEntries(Object.entries(list).filter(([, info]) => info.failsafe));
		if (shape !== before)
			tell('list', list, id);
		const name = Object.values(driven)[0]?.driver ?? null;
		const me = name !== null && (busy || sent <= mine);
		other = name !== null && !me;
		tell('driver', name, me);
		return performance.now() - sent;
	}

	async function step(action, then) {
		const now = ++turn;
		try {
			const ms = await action();
			if (now === turn)
				then(ms);
		} catch (error) {
			if (now === turn)
				lose(error);
		}
	}

	function start() {
		close();
		if (state !== 'lost')
			enter('connecting');
		step(async () => {
			id = (await ask('')).ID;
			return look();
		}, listen);
	}

	function listen(ms) {
		let whole = true;
		timer = setTimeout(lose, LIMIT_MS);
		events = new EventSource('./?events');
		events.onerror = () => lose();
		events.onmessage = event => {
			const { t, ...values } = JSON.parse(event.data);
			tell('values', values, t, whole);
			if (whole) {
				enter('connected', ms);
				next();
				if (Object.keys(want).length)
					send(); // what could not be let go when the link was lost
			}
			whole = false;
			if (Object.keys(values).some(name => name in driven))
				hurry();
		};
	}

	function next(ms = other ? WATCH_MS : BEAT_MS) {
		clearTimeout(timer);
		timer = setTimeout(beat, ms);
	}

	function hurry() {
		if (!soon)
			next(SOON_MS);
		soon = true;
	}

	function beat() {
		soon = false;
		if (!document.hidden)
			step(look, ms => {
				enter('connected', ms);
				if (!soon)
					next();
			});
	}

	// --- Driving: one request at a time, the newest command wins, and it is repeated while something is held -----------------

	let want = {}; // what the fingers hold: 1, or 0 until the server knows that it was let go
	let blocked = false; // stopped: nothing is on until all fingers have left
	let busy = false;
	let again = false;
	let mine = 0; // until then the driver is this page, as the server counts or sooner
	let refresh;

	const holds = () => Object.values(want).includes(1);
	const failsafe = () => Math.min(...Object.values(driven).map(info => info.failsafe));

	function block(sentence = '') {
		clearTimeout(refresh);
		if (!holds())
			return false;
		blocked = true;
		tell('held', true, sentence);
		return true;
	}

	async function command() {
		const sent = Object.entries(want).map(([name, value]) => [name, blocked ? 0 : value]);
		try {
			await post('', new URLSearchParams(sent));
			mine = performance.now() + failsafe();
		} catch (error) {
			if (!(error instanceof Refusal))
				return state === 'connected' && lose(error);
			mine = 0;
			if (sent.some(([, value]) => value))
				block(error.message);
			hurry();
		}
		if (!again && !holds())
			want = {};
	}

	// A repeated 1 keeps the drive. After a trip, which only a 0 ends, it is refused.
	async function send() {
		clearTimeout(refresh);
		again = true;
		if (busy)
			return;
		for (busy = true; again;) {
			again = false;
			await command();
		}
		busy = false;
		if (holds() && !blocked)
			refresh = setTimeout(send, failsafe() / 3);
	}

	// { FORWARD: 1, LEFT: 0 }: what is held and what is not.
	function drive(change) {
		const before = JSON.stringify(want);
		for (const [name, value] of Object.entries(change))
			if (value || name in want)
				want[name] = value;
		if (JSON.stringify(want) === before || (blocked && holds()))
			return;
		if (blocked)
			tell('held', blocked = false);
		send();
	}

	// The 0 goes behind what is under way, which could reach the server later than the stop.
	function stop() {
		if (block())
			send();
		return post('stop');
	}

	// A beacon outlives the page; this type makes the browser say where it is from.
	function leave() {
		if (block())
			send();
		else if (!busy)
			return;
		navigator.sendBeacon('./?stop', new Blob([], { type: 'application/octet-stream' }));
	}

	// Captured: before the page's own listeners take the fingers away.
	addEventListener('pagehide', () => {
		leave();
		close();
	}, true);
	addEventListener('pageshow', event => event.persisted && start());
	document.addEventListener('visibilitychange', () => document.hidden ? leave() : start(), true);
	start();
	return { write: (name, value) => post(encodeURIComponent(name), String(value)), stop, drive };
}
