// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The panel: a switch for each plain output, a button to hold for each driven one, a lamp for each input. All show what the line is,
// never what was asked for.
import { complain, finger, make, open, say, setText } from './page.js';
import { t } from './texts.js';

const main = document.querySelector('main');
const rows = new Map(); // by signal name, in the server's order
let connected = false;
let blocked = false; // what is held was stopped
let other = null; // who else drives
let focused = null; // what had the focus when it was disabled or made anew

function describe(info) {
	return [info.failsafe && t('hold'), info.kernelName || `${info.chip} ${info.line}`, info.activeLow && 'active low',
		info.failsafe && `failsafe ${info.failsafe} ms`, info.interlock && `interlock ${info.interlock}`].filter(Boolean).join(' · ');
}

function word(row, known) {
	if (row.driven && known && other)
		return t('drives', other);
	if (row.held && blocked)
		return t('letGo');
	return t(!known ? 'unknown' : row.value ? 'on' : 'off');
}

function paint(row) {
	const { box } = row;
	const known = connected && row.value !== undefined;
	box.dataset.state = !known ? 'unknown' : row.value ? 'on' : 'off';
	setText(row.word, word(row, known));
	if (!row.output)
		return;
	box.setAttribute(row.driven ? 'aria-pressed' : 'aria-checked', row.value === 1);
	box.ariaDisabled = row.driven && !!other; // it keeps the focus, and says why
	box.classList.toggle('blocked', row.held && blocked);
	if (!known && document.activeElement === box)
		focused = row.name;
	box.disabled = !known;
}

async function flip(row) {
	if (row.box.ariaBusy === 'true')
		return;
	row.box.ariaBusy = true;
	say();
	await link.write(row.name, 1 - row.value).catch(error => complain(error, row.name));
	row.box.ariaBusy = false;
}

function hold(row, down) {
	row.held = down && !other;
	link.drive({ [row.name]: +row.held });
	paint(row);
}

function makeRow(name, info, local) {
	const output = info.direction === 'output';
	const driven = info.failsafe > 0;
	const word = make('span', { class: 'word' });
	const box = make(output ? 'button' : 'div', { class: `signal ${!output ? 'lamp' : driven ? 'push' : 'switch'}`, 'data-signal': name,
		...output && !driven && { role: 'switch', ariaLabel: name } }, make('span', { class: 'label' },
		make('span', { class: 'name' }, local), ' ', make('span', { class: 'kernel' }, describe(info))), word, make('span', { class: 'shape' }));
	const row = { name, box, word, output, driven, held: false };
	rows.set(name, row);
	if (driven)
		finger(box, down => hold(row, down));
	else if (output)
		box.onclick = () => flip(row);
	return make('li', {}, box);
}

// The text before the first dot is the group; signals without a dot stand together.
function build(list) {
	const groups = new Map();
	focused = document.activeElement.dataset.signal ?? focused;
	rows.clear();
	for (const [name, info] of Object.entries(list)) {
		const [, group, local] = /^(?:(.*?)\.)?(.*)$/s.exec(name);
		groups.set(group, [...groups.get(group) ?? [], makeRow(name, info, local)]);
	}
	main.replaceChildren(...[...groups].map(([group, items]) => make('section', {}, make('h2', {}, group ?? t('signals')),
		make('ul', {}, ...items))));
	if (rows.size === 0)
		main.append(make('section', { class: 'card', id: 'empty' }, make('h2', {}, t('none')), make('p', {}, t('noneHow')),
			make('pre', {}, 'HTTAP_LINES="LED=GPIO17"')));
	rows.forEach(paint);
}

const link = open({
	list: build,
	values(values) {
		for (const [name, value] of Object.entries(values)) {
			const row = rows.get(name);
			if (row)
				paint(row, row.value = value);
		}
	},
	state(name) {
		if (connected === (name === 'connected'))
			return;
		connected = !connected;
		rows.forEach(paint);
		if (!connected)
			return;
		if (document.activeElement === document.body)
			rows.get(focused)?.box.focus({ preventScroll: true });
		focused = null;
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
