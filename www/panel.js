// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The panel: a switch for each plain output, a button to hold for each driven one, a lamp for each input. All show what the line is,
// never what was asked for.
import { complain, finger, make, open, say, setText } from './page.js';
import { t } from './texts.js';

const SLOW_MS = 150; // a reply that comes sooner needs no word "Pending"
const main = document.querySelector('main');
const rows = new Map(); // by signal name, in the server's order
let connected = false;
let blocked = false; // what is held was stopped
let other = null; // who else drives
let focused = null; // what had the focus when it was disabled or made anew

function describe(info) {
	return [info.kernelName || `${info.chip} ${info.line}`, info.activeLow && 'active low', info.failsafe && `failsafe ${info.failsafe} ms`,
		info.interlock && `interlock ${info.interlock}`].filter(Boolean).map(text => text.replaceAll(' ', '\u00a0')).join(' · ');
}

function word(row, known) {
	if (!known)
		return t('unknown');
	if (row.driven && other)
		return t('drives', other);
	if (row.held && blocked)
		return t('letGo');
	return t(row.slow ? 'pending' : row.value ? 'on' : 'off');
}

function paint(row) {
	const known = connected && row.value !== undefined;
	const { box } = row;
	box.dataset.state = known ? row.value ? 'on' : 'off' : 'unknown';
	setText(row.word, word(row, known));
	if (box.tagName === 'DIV')
		return;
	box.setAttribute(row.driven ? 'aria-pressed' : 'aria-checked', row.value === 1);
	box.ariaBusy = row.pending;
	box.ariaDisabled = row.driven && !!other; // it keeps the focus, and says why
	box.classList.toggle('slow', row.slow && known);
	box.classList.toggle('blocked', row.held && blocked);
	if (!known && document.activeElement === box)
		focused = row.name;
	box.disabled = !known;
}

async function flip(row) {
	if (row.pending)
		return;
	const timer = setTimeout(() => paint(row, row.slow = true), SLOW_MS);
	say('', '');
	row.pending = true;
	paint(row);
	try {
		await link.write(row.name, 1 - row.value);
	} catch (error) {
		complain(error, t('silent', row.name));
	}
	clearTimeout(timer);
	row.pending = row.slow = false;
	paint(row);
}

function makeRow(name, info, local) {
	const output = info.direction === 'output';
	const driven = info.failsafe > 0;
	const kernel = make('span', { className: 'kernel', id: `kernel-${rows.size}` }, describe(info));
	const word = make('span', { className: 'word' });
	const box = make(output ? 'button' : 'div', { className: 'signal' }, make('span', { className: 'label' },
		make('span', { className: 'name' }, local), kernel), word,
	make('span', { className: !output ? 'lamp' : driven ? 'push' : 'track' }, make('span', { className: 'thumb' })));
	const row = { name, box, word, driven, held: false, pending: false, slow: false };
	box.dataset.signal = name;
	rows.set(name, row);
	if (output) {
		box.type = 'button';
		box.ariaLabel = driven ? `${name} (${t('hold')})` : name;
		box.setAttribute('aria-describedby', kernel.id);
	}
	if (driven)
		finger(box, down => {
			row.held = down && !other;
			link.drive({ [name]: +row.held });
			paint(row);
		});
	else if (output) {
		box.role = 'switch';
		box.onclick = () => flip(row);
	}
	return make('li', {}, box);
}

// The text before the first dot is the group; signals without a dot stand together.
function build(list) {
	const groups = new Map();
	const entries = Object.entries(list);
	focused = document.activeElement.dataset.signal ?? focused;
	rows.clear();
	for (const [name, info] of entries) {
		const [group, ...rest] = name.split('.');
		const title = rest.length ? group : '';
		groups.set(title, [...groups.get(title) ?? [], makeRow(name, info, rest.join('.') || name)]);
	}
	main.replaceChildren(...[...groups].map(([title, items]) => make('section', {}, make('h2', {}, title || t('signals')),
		make('ul', {}, ...items))), ...entries.length ? [] : [make('section', { className: 'card', id: 'empty' },
		make('h2', {}, t('none')), make('p', {}, t('noneHow')), make('pre', {}, 'HTTAP_LINES="LED=GPIO17"'))]);
	rows.forEach(paint);
}

const link = open({
	list: build,
	values(values, _, whole) {
		for (const [name, value] of Object.entries(values)) {
			const row = rows.get(name);
			if (row) {
				row.value = value;
				paint(row);
			}
		}
	},
	state(name) {
		if (connected === (name === 'connected'))
			return;
		connected = !connected;
		rows.forEach(paint);
		if (connected && focused && document.activeElement === document.body)
			rows.get(focused)?.box.focus({ preventScroll: true });
		focused = connected ? null : focused;
	},
	driver(name, me) {
		other = me ? null : name;
		rows.forEach(paint);
	},
	held(is) {
		blocked = is;
		rows.forEach(paint);
	},
});
