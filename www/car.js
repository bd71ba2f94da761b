// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The car: stick, buttons, keys and gamepad hold up to four lines, which are on only while something holds them. The names come from
// the address, as car.html?forward=MOTOR.F&reverse=MOTOR.R, and are else FORWARD, REVERSE, LEFT and RIGHT.
import { finger, make, open, releases, setText, stop } from './page.js';
import { t } from './texts.js';

const OPPOSITE = { forward: 'reverse', reverse: 'forward', left: 'right', right: 'left' };
const KEYS = { ArrowUp: 'forward', KeyW: 'forward', ArrowDown: 'reverse', KeyS: 'reverse', ArrowLeft: 'left', KeyA: 'left',
	ArrowRight: 'right', KeyD: 'right' };
const DEAD = .3; // of the stick's way: a thumb that rests drives nothing
const LEAN = Math.sin(Math.PI / 8); // eight directions, equally wide
const [doing, hint, stick, knob, cross] = ['doing', 'hint', 'stick', 'knob', 'cross'].map(id => document.getElementById(id));
const wished = new URLSearchParams(location.search);
const parts = new Map(); // of each side that has a line: its name, value, button and the stick's arrow
const held = new Map(); // sides, by what holds them
let connected = false;
let blocked = false;
let other = null;

function paint() {
	const on = [];
	for (const [side, part] of parts) {
		const state = connected ? part.value ? 'on' : 'off' : 'unknown';
		part.box.dataset.state = part.arrow.dataset.state = state;
		part.box.setAttribute('aria-pressed', state === 'on');
		part.box.disabled = !connected;
		part.box.ariaDisabled = !!other;
		if (state === 'on')
			on.push(t(side));
	}
	stick.hidden = cross.hidden = parts.size === 0;
	stick.classList.toggle('dim', !connected || !!other);
	doing.classList.toggle('bad', blocked);
	setText(doing, !connected ? t('unknown') : other ? t('drives', other) : blocked ? t('letGo') : on.join(' · ') || t('standing'));
}

// All that holds, together. Opposites hold nothing.
function hold(source, sides) {
	held.set(source, sides);
	const all = [...held.values()].flat();
	const is = side => !other && all.includes(side) && !all.includes(OPPOSITE[side]);
	link.drive(Object.fromEntries([...parts].map(([side, part]) => [part.name, +is(side)])));
}

// x to the right and y down, each from -1 to 1.
function sidesOf(x, y) {
	const way = Math.hypot(x, y);
	const lean = way * LEAN;
	return way < DEAD ? [] : [y < -lean && 'forward', y > lean && 'reverse', x < -lean && 'left', x > lean && 'right'].filter(Boolean);
}

function build(list) {
	const outputs = Object.keys(list).filter(name => list[name].failsafe);
	const missing = [];
	parts.clear();
	for (const side of Object.keys(OPPOSITE)) {
		const name = wished.get(side) ?? side.toUpperCase();
		if (!outputs.includes(name)) {
			if (wished.has(side))
				missing.push(name);
			continue;
		}
		const box = make('button', { type: 'button', className: side, 'aria-label': `${t(side)}, ${name}` }, make('i', { className: side }));
		finger(box, down => hold(box, down ? [side] : []));
		parts.set(side, { name, box, arrow: make('i', { className: side }) });
	}
	if (parts.size === 0 && missing.length === 0)
		missing.push('FORWARD');
	cross.replaceChildren(...[...parts.values()].map(part => part.box));
	stick.replaceChildren(...[...parts.values()].map(part => part.arrow), knob);
	hint.classList.toggle('bad', missing.length > 0);
	setText(hint, missing.length > 0 ? t('noSignal', missing.join(', '), outputs.join(', ') || t('nothing')) :
		`${matchMedia('(any-pointer: fine)').matches ? t('keys') : ''} ${t(isSecureContext ? 'pad' : 'noPad')}`);
	paint();
}

const link = open({
	list: build,
	values(values) {
		for (const part of parts.values())
			part.value = values[part.name] ?? part.value;
		paint();
	},
	state(name) {
		connected = name === 'connected';
		paint();
	},
	driver(name, me) {
		other = me ? null : name;
		paint();
	},
	held(is) {
		blocked = is;
		paint();
	},
});

stick.ariaLabel = t('stick');
finger(stick, (down, event) => {
	let [x, y] = [0, 0];
	if (down) {
		const { left, top, width } = stick.getBoundingClientRect();
		[x, y] = [(event.clientX - left) / width * 2 - 1, (event.clientY - top) / width * 2 - 1];
		const far = Math.max(1, Math.hypot(x, y));
		[x, y] = [x / far, y / far];
	}
	stick.classList.toggle('held', down);
	knob.style.translate = `${x * 60}% ${y * 60}%`;
	hold(stick, sidesOf(x, y));
});

// --- Keys --------------------------------------------------------------------------------------------------------------------

const keys = new Set();
const holdKeys = () => hold('keys', [...keys].map(code => KEYS[code]));

releases.push(() => {
	keys.clear();
	holdKeys();
});
addEventListener('keydown', event => {
	if (!(event.code in KEYS) || event.ctrlKey || event.altKey || event.metaKey)
		return;
	event.preventDefault(); // the page does not scroll
	if (!event.repeat) // who let go by STOP with the key still down does not hold it again
		keys.add(event.code);
	holdKeys();
});
addEventListener('keyup', event => {
	if (event.key === 'Meta')
		keys.clear(); // some systems keep the end of the others from us
	keys.delete(event.code);
	holdKeys();
});

// --- Gamepad -----------------------------------------------------------------------------------------------------------------

let tired = false; // let go by the page: counts again when it has been in the middle
let wasStop = false;

function readPad() {
	const pad = navigator.getGamepads().find(Boolean);
	const pressed = place => !!pad?.buttons[place]?.pressed;
	const cross = ['forward', 'reverse', 'left', 'right'].filter((_, i) => pressed(12 + i));
	const sides = pad ? [...cross, ...sidesOf(pad.axes[0], pad.axes[1])] : [];
	tired &&= sides.length > 0;
	hold('pad', tired ? [] : sides);
	if (pressed(1) && !wasStop)
		stop();
	wasStop = pressed(1);
	if (pad)
		requestAnimationFrame(readPad);
}

releases.push(() => {
	tired = true;
	hold('pad', []);
});
if (isSecureContext)
	addEventListener('gamepadconnected', readPad);
