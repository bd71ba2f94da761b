// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The only module that talks to the server. A line's state comes from events alone, never from what was asked for.

const LIMIT_MS = 2000; // after which a silent server counts as lost
const BEAT_MS = 2000; // from a look at the list to the next: it measures the link, and tells who drives
const WATCH_MS = 500; // the same while somebody else drives: he may let go any time
const SOON_MS = 40; // the same after a driven line has moved
const RETRY_MS = 500;
const PATIENCE_MS = 300; // an attempt that fails sooner leaves the badge alone: no flicker

// The server answered, and its answer is no.
export class Refusal extends Error {}

// With its name sent back, all connections of a page are one session, which is one driver.
let session = null;

// One dynamic request. The address is relative, so that a path prefix of a proxy stays in it.
export async function ask(words, init) {
	const sent = session;
	const headers = sent ? { 'HTTaP-Session': sent } : {};
	const reply = await fetch(`./?${words}`, { cache: 'no-store', signal: AbortSignal.timeout(LIMIT_MS), headers, ...init });
	if (session === sent) // of the first replies to a page, or a server, that is new, one gives the name
		session = reply.headers.get('HTTaP-Session') ?? sent;
	const data = await reply.json().catch(error => {
		if (!(error instanceof SyntaxError))
			throw error;
	});
	if (!reply.ok)
		throw new Refusal(data?.error ?? `${reply.status} ${reply.statusText}`);
	if (!data)
		throw new Refusal('The answer is not one of httapd: is another server at this address?');
	return data;
}

const post = (words, body) => ask(words, { method: 'POST', body, keepalive: true });

// Calls on.list(list, id) when the signals are other ones, on.values(values, t, whole), on.driver(name, me), on.held(blocked,
// sentence) when what is held was stopped and must be let go, and when it has been, and on.state('connecting' | 'connected' | 'lost',
// round trip in ms | what was wrong). Of each only what the page wants. The values are known while connected.
export function connect(on) {
	let state = '';
	let id, shape, events, timer, hint;
	let turn = 0; // whatever an older turn has under way is void
	let soon = false;
	let driven = {};
	let other = false;

	function tell(name, detail) {
		clearTimeout(hint);
		state = name;
		on.state?.(name, detail);
	}

	function close() {
		turn++;
		soon = false;
		clearTimeout(timer);
		clearTimeout(hint);
		events?.close();
	}

	function lose(error) {
		close();
		block('');
		tell('lost', error);
		timer = setTimeout(start, RETRY_MS);
	}

	// The list, for its shape and for who drives. Its values are not used: they may be older than an event.
	async function look() {
		const sent = performance.now();
		const list = await ask('list');
		const next = JSON.stringify(list, (key, value) => key === 'value' || key === 'driver' ? null : value);
		driven = Object.fromEntries(Object.entries(list).filter(([, info]) => info.failsafe));
		if (next !== shape)
			on.list?.(list, id);
		shape = next;
		const name = Object.values(driven)[0]?.driver ?? null;
		const me = name !== null && (busy || sent <= mine);
		other = name !== null && !me;
		on.driver?.(name, me);
		return performance.now() - sent;
	}

	async function start() {
		close();
		const now = turn;
		if (state === 'connected' || state === '')
			tell('connecting');
		else
			hint = setTimeout(tell, PATIENCE_MS, 'connecting');
		try {
			id = (await ask('')).ID;
			const ms = await look();
			if (now === turn)
				listen(ms);
		} catch (error) {
			if (now === turn)
				lose(error);
		}
	}

	function listen(ms) {
		let whole = true;
		timer = setTimeout(lose, LIMIT_MS);
		events = new EventSource('./?events');
		events.onerror = () => lose();
		events.onmessage = event => {
			const { t, ...values } = JSON.parse(event.data);
			on.values?.(values, t, whole);
			if (whole) {
				tell('connected', ms);
				next();
				if (Object.keys(want).length > 0)
					send(); // what could not be let go when the link was lost
			}
			whole = false;
			if (!soon && Object.keys(values).some(name => name in driven))
				next(soon = SOON_MS);
		};
	}

	function next(ms = other ? WATCH_MS : BEAT_MS) {
		clearTimeout(timer);
		timer = setTimeout(beat, ms);
	}

	async function beat() {
		soon = false;
		if (document.hidden)
			return;
		const now = ++turn;
		try {
			const ms = await look();
			if (now !== turn)
				return;
			tell('connected', ms);
			if (!soon)
				next();
		} catch (error) {
			if (now === turn)
				lose(error);
		}
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

	function block(sentence) {
		clearTimeout(refresh);
		if (!holds())
			return false;
		blocked = true;
		on.held?.(true, sentence);
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
			if (!soon)
				next(soon = SOON_MS);
		}
		if (!again && !holds())
			want = {};
	}

	// A repeated 1 keeps the drive, is safe after a trip, which the server ends only by a 0, and finds out about it.
	async function send() {
		clearTimeout(refresh);
		again = busy;
		if (busy)
			return;
		do {
			busy = true;
			await command();
			busy = false;
		} while (again && !(again = false));
		if (holds() && !blocked)
			refresh = setTimeout(send, failsafe() / 3);
	}

	// { FORWARD: 1, LEFT: 0 }: what is held and what is not.
	function drive(change) {
		const before = JSON.stringify(want);
		for (const [name, value] of Object.entries(change))
			if (value || name in want)
				want[name] = value;
		if (JSON.stringify(want) === before)
			return;
		if (!holds() && blocked) {
			blocked = false;
			on.held?.(false, '');
		} else if (blocked)
			return;
		send();
	}

	// The page's own 0 goes behind whatever it has under way, which could reach the server later than the stop.
	function stop() {
		if (block(''))
			send();
		return post('stop');
	}

	// Whoever can't see the page can't drive by it. A beacon outlives the page; this type makes the browser say where it is from.
	function leave() {
		if (block(''))
			send();
		else if (!busy)
			return;
		navigator.sendBeacon('./?stop', new Blob([], { type: 'application/octet-stream' }));
	}

	addEventListener('pagehide', () => {
		leave();
		close();
	}, true); // before the page's own listeners take the fingers away
	addEventListener('pageshow', event => event.persisted && start());
	document.addEventListener('visibilitychange', () => document.hidden ? leave() : start(), true);
	addEventListener('online', () => state === 'lost' && start());
	start();
	return { write: (name, value) => post(encodeURIComponent(name), String(value)), stop, drive };
}
