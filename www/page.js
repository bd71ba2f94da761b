// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// What every page has: the head with link, pages and STOP, the note below, and fingers. What the server says is text, never markup.
import { Refusal, connect } from './link.js';
import { t } from './texts.js';

const SHOWN_MS = 9000; // after which a message leaves, also an error: what matters for longer stands in the head

// make('p', { id: 'x', 'aria-label': 'y' }, 'text', node)
export function make(tag, attributes, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes))
		name in node ? node[name] = value : node.setAttribute(name, value);
	node.append(...children);
	return node;
}

// What is the same already is not spoken again.
export function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

const host = make('h1', { id: 'host' }, 'httapd');
const badge = make('span', { id: 'link' });
const driver = make('span', { id: 'driver' });
const stopButton = make('button', { id: 'stop', title: 'Esc' }, 'STOP');
const note = make('p', { id: 'note', role: 'status' });
const spoken = make('p', { id: 'spoken', class: 'unseen', role: 'status' });
let link, state, timer;

document.body.prepend(make('header', {}, make('div', { id: 'who' }, host, make('p', {}, badge, driver)),
	make('nav', {}, ...['panel', 'car', 'scope', 'help'].map(name => make('a', { href: name === 'panel' ? './' : `${name}.html`,
		ariaCurrent: name === document.body.id && 'page' }, t(name)))),
	make('div', { id: 'halt' }, stopButton)));
document.body.append(note, spoken);

// A sentence, and of which kind: 'good', 'bad', or '' for none.
export function say(sentence = '', kind = '') {
	clearTimeout(timer);
	if (sentence)
		timer = setTimeout(say, SHOWN_MS);
	note.dataset.kind = kind;
	setText(note, sentence);
}

// What went wrong: the server's own sentence, or that there is none.
export function complain(error, what) {
	say(error instanceof Refusal ? error.message : t('silent', what), 'bad');
}

const head = {
	list(list, id) {
		host.textContent = id;
		document.title = `${id} · ${t(document.body.id)}`;
	},
	state(name, detail) {
		if (name !== 'connected')
			letGo(); // what was held is not held any more when the link is back
		if (state !== name && (name === 'lost' || spoken.textContent))
			setText(spoken, t(name, Math.round(detail)));
		if (detail instanceof Refusal && state !== name)
			complain(detail);
		state = name;
		badge.dataset.link = name;
		driver.hidden = name !== 'connected';
		setText(badge, t(name, Math.round(detail)));
	},
	driver(name, me) {
		setText(driver, name && (me ? t('meDrives') : t('drives', name)) || '');
	},
	held(blocked, sentence) {
		if (sentence)
			say(sentence, 'bad');
	},
};

// connect() of link.js, with the head of the page listening first.
export const open = on => link = connect(head, on);

// Works whatever the link's state: whoever stops must not wait for a badge.
export async function stop() {
	letGo();
	say();
	try {
		await link.stop();
		say(t('stopped'), 'good');
	} catch (error) {
		complain(error, 'STOP');
	}
}

// A finger on STOP stops; it need not leave it again. The click that follows, if any, is the same touch.
let pressed = -Infinity;
stopButton.onpointerdown = event => {
	if (event.button === 0)
		stop(pressed = event.timeStamp);
};
stopButton.onclick = event => event.timeStamp - pressed > 1000 && stop();

// Escape stops from everywhere. Space too, but where Tab has led to what space works, and where one writes: so a switch that was clicked
// does not catch the space of a person in need.
let tabbed = false;
addEventListener('pointerdown', () => tabbed = false, true);
addEventListener('keydown', event => {
	tabbed ||= event.key === 'Tab';
	const taken = event.target.closest(`input, select, textarea${tabbed ? ', a, button, summary' : ''}`);
	if (event.repeat || (event.key !== 'Escape' && (event.key !== ' ' || taken)))
		return;
	event.preventDefault();
	stop();
}, true);

// --- Fingers -----------------------------------------------------------------------------------------------------------------

export const releases = []; // what lets go of each source of commands

export const letGo = () => releases.forEach(release => release());

// A finger or key on that node: change(true, event) when it comes and moves, change(false) when it leaves, in whatever way.
export function finger(node, change) {
	const on = (names, action) => names.split(' ').forEach(name => node.addEventListener(name, action));
	const isKey = event => event.key === ' ' || event.key === 'Enter';
	let id = null;
	const release = () => {
		if (id !== null)
			change(false, id = null);
	};
	const press = (what, event) => {
		if (id !== null)
			return release(); // a second finger
		id = what;
		change(true, event);
	};
	releases.push(release);
	on('pointerdown', event => {
		if (event.button !== 0)
			return;
		node.setPointerCapture(event.pointerId);
		press(event.pointerId, event);
	});
	on('pointermove', event => event.pointerId === id && change(true, event));
	on('pointerup pointercancel lostpointercapture', event => event.pointerId === id && release());
	on('keydown', event => isKey(event) && !event.repeat && !event.defaultPrevented && press('key', event));
	on('keyup', event => id === 'key' && isKey(event) && release());
	on('blur', () => id === 'key' && release());
}

for (const name of ['blur', 'pagehide', 'contextmenu', 'visibilitychange'])
	addEventListener(name, letGo);
matchMedia('(orientation: portrait)').addEventListener('change', letGo); // a hand that turns the phone does not drive
