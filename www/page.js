// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// What every page has: the head with link, pages and STOP, the note below, and fingers. Names and sentences of the server are text,
// never markup.
import { Refusal, connect } from './link.js';
import { t } from './texts.js';

const PRAISE_MS = 5000; // good news leaves by itself; an error stays until dismissed

// make('p', { className: 'card', 'aria-label': 'x' }, 'text', node)
export function make(tag, attributes, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes))
		if (name in node)
			node[name] = value;
		else
			node.setAttribute(name, value);
	node.append(...children);
	return node;
}

export function setText(node, text) {
	if (node.textContent !== text)
		node.textContent = text;
}

// --- Head and note -----------------------------------------------------------------------------------------------------------

const host = make('h1', { id: 'host' }, 'httapd');
const badge = make('span', { id: 'link' });
const driver = make('span', { id: 'driver' });
const stopButton = make('button', { id: 'stop', type: 'button', 'aria-keyshortcuts': 'Escape Space', title: t('stopHint') }, 'STOP');
const message = make('p', { id: 'message', role: 'status' });
const dismiss = make('button', { id: 'dismiss', type: 'button', 'aria-label': t('dismiss'), onclick: () => say('', '') }, '✕');
const note = make('div', { id: 'note' }, message, dismiss);
const spoken = make('p', { className: 'unseen', id: 'spoken', role: 'status' });
const here = location.pathname.split('/').pop();
let timer;

document.body.prepend(make('header', {},
	make('div', { id: 'who' }, host, make('p', {}, badge, driver)),
	make('nav', { 'aria-label': t('pages') }, ...['panel', 'car', 'scope', 'help'].map(name => {
		const file = name === 'panel' ? './' : `${name}.html`;
		const at = make('a', { href: file }, t(name));
		if (here === file || (name === 'panel' && (here === '' || here === 'index.html')))
			at.ariaCurrent = 'page';
		return at;
	})), make('div', { id: 'halt' }, stopButton)));
document.body.append(note, spoken);

// A sentence, and of which kind: 'good', 'bad', or '' for none.
export function say(sentence, kind) {
	clearTimeout(timer);
	note.dataset.kind = kind;
	dismiss.hidden = kind === '';
	setText(message, sentence);
	if (kind === 'good')
		timer = setTimeout(say, PRAISE_MS, '', '');
}

// What went wrong: the server's own sentence, or ours.
export function complain(error, ours) {
	say(error instanceof Refusal ? error.message : ours, 'bad');
}

// --- Link --------------------------------------------------------------------------------------------------------------------

let link;
let state = '';
let seen = false; // once connected: from then on it connects again

const own = {
	list(list, id) {
		host.textContent = id;
		document.title = `${id} · ${t(document.body.id)}`;
	},
	state(name, detail) {
		const word = name === 'connecting' && seen ? 'reconnecting' : name;
		// Only losing and regaining is spoken; attempts in between would talk without end.
		if (name === 'lost' && state !== '')
			setText(spoken, t('lostNow'));
		else if (name === 'connected' && spoken.textContent === t('lostNow'))
			setText(spoken, t('back'));
		if (detail instanceof Refusal)
			complain(detail);
		if (name !== 'connected')
			letGo(); // what was held is not held any more when the link is back
		state = name;
		seen ||= name === 'connected';
		badge.dataset.link = word;
		setText(badge, t(word, name === 'connected' ? Math.round(detail) : ''));
		driver.hidden = name !== 'connected';
	},
	driver(name, me) {
		setText(driver, name === null ? '' : me ? t('meDrives') : t('drives', name));
		driver.dataset.me = me;
	},
	held(blocked, sentence) {
		if (sentence)
			say(sentence, 'bad');
	},
};

// connect() of link.js, with the head of the page listening first.
export function open(on) {
	const both = Object.fromEntries([...new Set([...Object.keys(own), ...Object.keys(on)])].map(name => [name, (...values) => {
		own[name]?.(...values);
		on[name]?.(...values);
	}]));
	return link = connect(both);
}

// Works whatever the link's state: whoever stops must not wait for a badge.
export async function stop() {
	letGo();
	say('', '');
	try {
		await link.stop();
		say(t('stopped'), 'good');
	} catch (error) {
		complain(error, t('stopFailed'));
	}
}

// A finger on STOP stops; it need not leave it again. The click that follows, if any, is the same touch.
let pressed = -Infinity;
stopButton.onpointerdown = event => {
	if (event.button === 0) {
		pressed = event.timeStamp;
		stop();
	}
};
stopButton.onclick = event => {
	if (event.timeStamp - pressed > 1000)
		stop();
};

// Escape stops from everywhere. Space too, but where Tab has led to a control that space works, and where one writes: so a switch
// that was clicked does not catch the space of a person in need.
let tabbed = false;
addEventListener('pointerdown', () => tabbed = false, true);
addEventListener('keydown', event => {
	tabbed ||= event.key === 'Tab';
	const taken = event.target.closest(tabbed ? 'a, button, summary, input, select, textarea' : 'input, select, textarea');
	if (event.repeat || !(event.key === 'Escape' || (event.key === ' ' && !taken)))
		return;
	event.preventDefault();
	stop();
}, true);

// --- Fingers -----------------------------------------------------------------------------------------------------------------

export const releases = []; // what lets go of each source of commands

// All fingers, as when nobody can see or feel the page any more.
export function letGo() {
	for (const release of releases)
		release();
}

// A finger, or Enter or space, on that node: change(true, event) when it comes and moves, change(false) when it leaves, in whatever way.
export function finger(node, change) {
	let id = null;
	const release = () => {
		if (id === null)
			return;
		id = null;
		change(false);
	};
	const leave = event => event.pointerId === id && release();
	const press = (what, event) => {
		if (id !== null)
			return release(); // a second finger: what the first one means is not clear any more
		id = what;
		change(true, event);
	};
	releases.push(release);
	node.addEventListener('pointerdown', event => {
		if (event.button !== 0)
			return;
		node.setPointerCapture(event.pointerId);
		press(event.pointerId, event);
	});
	node.addEventListener('pointermove', event => event.pointerId === id && change(true, event));
	for (const name of ['pointerup', 'pointercancel', 'lostpointercapture'])
		node.addEventListener(name, leave);
	node.addEventListener('keydown', event => {
		if ((event.key === ' ' || event.key === 'Enter') && !event.repeat && !event.defaultPrevented)
			press('key', event);
	});
	node.addEventListener('keyup', event => id === 'key' && (event.key === ' ' || event.key === 'Enter') && release());
	node.addEventListener('blur', () => id === 'key' && release());
}

for (const name of ['blur', 'pagehide', 'contextmenu'])
	addEventListener(name, letGo);
document.addEventListener('visibilitychange', letGo);
matchMedia('(orientation: portrait)').addEventListener('change', letGo); // a hand that turns the phone does not drive
