// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The control panel. It shows what the server says a line is, never what was asked for: a switch moves when the reply is there.
// Three parts: the wire (ask), the source of state (follow), and the page. Names and sentences of the server are text, never markup.

const PERIOD_MS = 500; // from a poll's end to the next
const TIMEOUT_MS = 2000; // after which a silent server counts as lost
const RETRY_MS = 1000; // between attempts to get a lost server back
const PATIENCE_MS = 300; // an attempt that fails sooner leaves the badge alone: no flicker
const SLOW_MS = 150; // a reply that comes sooner needs no word "Pending"
const RELIST_MS = 3000; // least time between two looks at the list, and two tries to listen, when connections come and go
const PRAISE_MS = 5000; // good news leaves by itself; an error stays until dismissed

// --- The wire ----------------------------------------------------------------------------------------------------------

// The server answered, and its answer is no.
class Refusal extends Error {}

function parse(text) {
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}

// One dynamic request. The address is relative, so that a path prefix of a proxy stays in it.
async function ask(words, init = {}) {
	const abort = new AbortController();
	const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
	try {
		const reply = await fetch(`./?${words}`, { cache: 'no-store', ...init, signal: abort.signal });
		const data = parse(await reply.text());
		if (!reply.ok)
			throw new Refusal(data?.error ?? `The server answered ${reply.status} ${reply.statusText}`);
		if (data === null || typeof data !== 'object')
			throw new Refusal('The answer is not one of httapd: is another server at this address?');
		return { data, session: reply.headers.get('HTTaP-Session') };
	} finally {
		clearTimeout(timer);
	}
}

const write = (words, init) => ask(words, { method: 'POST', ...init });

// --- The source of state -------------------------------------------------------------------------------------------------

// The only part that knows how state gets here. It calls on.host(name), on.signals(list, since), on.values(values, since) and
// on.link(state, error), where `since` is when the request left: whatever the page learnt later by a write is newer. Changes come
// at once by events: on.news(values). Polls tell that the link lives, and find inputs that moved without telling.
function follow(on) {
	let host = null;
	let names = []; // none: look at the list first
	let session = null; // of the reply with the list
	let listed = 0;
	let live = false;
	let events = null;
	let listened = -Infinity; // when that was last tried
	let wake = () => {};

	const pause = ms => new Promise(resolve => {
		const timer = setTimeout(resolve, ms);
		wake = () => { clearTimeout(timer); resolve(); };
	});
	const shown = () => new Promise(resolve => document.addEventListener('visibilitychange', resolve, { once: true }));

	async function list() {
		if (host === null)
			on.host(host = String((await ask('')).data.ID ?? 'httapd'));
		const since = performance.now();
		const reply = await ask('list');
		names = Object.keys(reply.data);
		session = reply.session;
		listed = since;
		on.signals(reply.data, since);
	}

	// A session that is new may be a server that is new, with other lines. A refusal means the same: a name is gone.
	async function poll() {
		const since = performance.now();
		try {
			const reply = await ask(names.map(encodeURIComponent).join(','));
			on.values(reply.data, since);
			return reply.session === session || since - listed < RELIST_MS;
		} catch (error) {
			if (error instanceof Refusal)
				return false;
			throw error;
		}
	}

	function deafen() {
		events?.close();
		events = null;
	}

	// One connection of the few that a browser has for a server, and none while nobody looks.
	function listen() {
		if (events !== null || performance.now() - listened < RELIST_MS)
			return;
		listened = performance.now();
		events = new EventSource('./?events');
		events.onmessage = event => {
			const { t, ...values } = parse(event.data) ?? {};
			on.news(values);
		};
		events.onerror = () => {
			deafen();
			wake(); // the poll finds out whether the server is gone
		};
	}

	async function round() {
		const hint = live ? 0 : setTimeout(() => on.link('reconnecting'), PATIENCE_MS);
		try {
			if (names.length === 0 || !await poll())
				await list();
			live = true;
			on.link('connected');
			listen();
		} catch (error) {
			live = false;
			deafen();
			names = [];
			host = null;
			on.link('lost', error);
		} finally {
			clearTimeout(hint);
		}
	}

	async function run() {
		for (;;) {
			while (document.hidden)
				await shown();
			await round();
			await pause(live ? PERIOD_MS : RETRY_MS);
		}
	}

	// What was seen before the page was hidden is not known any more.
	document.addEventListener('visibilitychange', () => {
		if (document.hidden)
			deafen();
		else if (live)
			on.link('reconnecting');
		wake();
	});
	addEventListener('pagehide', deafen);
	addEventListener('online', () => wake());
	run();
	return { now: () => wake() };
}

// --- The page --------------------------------------------------------------------------------------------------------------

const at = id => document.getElementById(id);
const rows = new Map(); // by signal name, in the server's order
const LINK_WORDS = { connected: 'Connected', lost: 'Link lost', reconnecting: 'Reconnecting…' };
let link = 'connecting';
let shape = null; // of the list that the rows were made from
let focused = null; // the switch that had the focus when it was disabled or made anew
let noteTimer = 0;

function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

function copy(id) {
	return at(id).content.firstElementChild.cloneNode(true);
}

function say(sentence, kind) {
	clearTimeout(noteTimer);
	at('note').dataset.kind = kind;
	at('dismiss').hidden = kind === '';
	setText(at('message'), sentence);
	if (kind === 'good')
		noteTimer = setTimeout(hush, PRAISE_MS);
}

function hush() {
	say('', '');
}

function describe(info) {
	const words = [info.kernelName || `${info.chip} line ${info.line}`];
	if (info.activeLow)
		words.push('active low');
	if (info.failsafe)
		words.push(`failsafe ${info.failsafe} ms`);
	if (info.interlock)
		words.push(`interlock ${info.interlock}`);
	return words.map(text => text.replaceAll(' ', '\u00a0')).join(' · ');
}

function isKnown(row) {
	return link === 'connected' && (row.value === 0 || row.value === 1);
}

function word(row) {
	if (!isKnown(row))
		return 'Unknown';
	if (row.slow)
		return 'Pending';
	return row.value ? 'On' : 'Off';
}

function paint(row) {
	const known = isKnown(row);
	row.box.dataset.state = known ? (row.value ? 'on' : 'off') : 'unknown';
	setText(row.word, word(row));
	if (!row.isSwitch)
		return;
	row.box.setAttribute('aria-checked', String(row.value === 1));
	row.box.setAttribute('aria-busy', String(row.pending));
	row.box.toggleAttribute('data-slow', row.slow && known);
	row.box.disabled = !known;
}

function makeRow(name, info, local) {
	const isSwitch = info.direction === 'output';
	const item = copy(isSwitch ? 'output' : 'input');
	const box = item.querySelector('.signal');
	const kernel = item.querySelector('.kernel');
	item.querySelector('.name').textContent = local;
	kernel.textContent = describe(info);
	box.dataset.signal = name;
	if (isSwitch) {
		kernel.id = `kernel-${rows.size}`;
		box.setAttribute('aria-label', name);
		box.setAttribute('aria-describedby', kernel.id);
	}
	rows.set(name, { name, item, box, isSwitch, word: item.querySelector('.word'), value: null, pending: false, slow: false, touched: 0 });
	return item;
}

// The text before the first dot is the group; signals without a dot stand together.
function build(list) {
	const groups = new Map();
	rows.clear();
	for (const [name, info] of Object.entries(list)) {
		const dot = name.indexOf('.');
		const group = dot < 0 ? '' : name.slice(0, dot);
		if (!groups.has(group))
			groups.set(group, []);
		groups.get(group).push(makeRow(name, info, name.slice(dot + 1)));
	}
	at('signals').replaceChildren(...[...groups].map(([group, items]) => {
		const section = copy('group');
		section.querySelector('h2').textContent = group || 'Signals';
		section.querySelector('ul').append(...items);
		return section;
	}));
	at('empty').hidden = rows.size > 0;
}

function keepFocus() {
	focused = document.activeElement?.dataset.signal ?? focused;
}

function giveFocusBack() {
	if (focused !== null && document.activeElement === document.body)
		rows.get(focused)?.box.focus({ preventScroll: true });
	focused = null;
}

// Values of a request that left at `since`. A row that was written after that knows better.
function accept(values, since) {
	for (const [name, value] of Object.entries(values)) {
		const row = rows.get(name);
		if (row === undefined || row.touched > since)
			continue;
		row.value = value;
		paint(row);
	}
}

// The same for the reply to a write, and for events.
function acceptWritten(values, since) {
	accept(values, since);
	for (const name of Object.keys(values))
		if (rows.has(name))
			rows.get(name).touched = performance.now();
}

async function flip(row) {
	if (row.pending || !isKnown(row))
		return;
	const since = performance.now();
	const timer = setTimeout(() => { row.slow = true; paint(row); }, SLOW_MS);
	hush();
	row.pending = true;
	paint(row);
	try {
		const reply = await write(encodeURIComponent(row.name), { body: row.value ? '0' : '1' });
		acceptWritten(reply.data, since);
	} catch (error) {
		say(error instanceof Refusal ? error.message : `${row.name}: the server does not answer`, 'bad');
		source.now();
	} finally {
		clearTimeout(timer);
		row.pending = row.slow = false;
		paint(row);
	}
}

// Works whatever the link's state: whoever stops must not wait for a badge. It outlives the page (keepalive).
async function stop() {
	const since = performance.now();
	const button = at('stop');
	button.setAttribute('aria-busy', 'true');
	hush();
	try {
		const reply = await write('stop', { keepalive: true });
		acceptWritten(reply.data, since);
		say('Stopped: every output has its safe value', 'good');
	} catch (error) {
		say(error instanceof Refusal ? error.message : 'STOP did not reach the server: it does not answer', 'bad');
	} finally {
		button.removeAttribute('aria-busy');
		source.now();
	}
}

// Only losing and regaining is spoken; attempts in between would talk without end.
function speakLink(before) {
	if (link === 'lost')
		setText(at('spoken'), 'Link lost. The switches are disabled until it is back.');
	else if (link === 'connected' && before !== 'connecting' && at('spoken').textContent !== '')
		setText(at('spoken'), 'Connected again.');
}

function setLink(state) {
	const before = link;
	if (state === before || (before === 'connecting' && state === 'reconnecting'))
		return;
	keepFocus();
	link = state;
	at('link').dataset.link = state;
	setText(at('link'), LINK_WORDS[state]);
	rows.forEach(paint);
	speakLink(before);
	if (state === 'connected') {
		at('empty').hidden = rows.size > 0;
		giveFocusBack();
	}
}

const source = follow({
	host(name) {
		at('host').textContent = name;
		document.title = `${name} · httapd`;
	},
	signals(list, since) {
		const plain = Object.entries(list).map(([name, info]) => [name, { ...info, value: null, driver: null }]);
		const next = JSON.stringify(plain);
		if (next !== shape) {
			keepFocus();
			build(list);
			shape = next;
		}
		accept(Object.fromEntries(Object.entries(list).map(([name, info]) => [name, info.value])), since);
		if (link === 'connected')
			giveFocusBack();
	},
	values: accept,
	news(values) {
		acceptWritten(values, performance.now());
	},
	link(state, error) {
		if (state !== link && error instanceof Refusal)
			say(error.message, 'bad');
		setLink(state);
	},
});

at('signals').addEventListener('click', event => {
	const row = rows.get(event.target.closest('[role=switch]')?.dataset.signal);
	if (row !== undefined)
		flip(row);
});

// A finger on STOP stops; it need not leave it again. The click that follows, if any, is the same touch.
let pressed = -Infinity;
at('stop').addEventListener('pointerdown', event => {
	if (event.button !== 0)
		return;
	pressed = event.timeStamp;
	stop();
});
at('stop').addEventListener('click', event => {
	if (event.timeStamp - pressed > 1000)
		stop();
});
addEventListener('keydown', event => {
	if (event.key === 'Escape' && !event.repeat)
		stop();
});
at('dismiss').addEventListener('click', hush);
