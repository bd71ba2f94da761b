// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The car: stick, buttons, keys and gamepad hold up to four lines, which are on only while something holds them. The names come from
// the address, as car.html?forward=MOTOR.F&reverse=MOTOR.R, and are else FORWARD, REVERSE, LEFT and RIGHT.
import { finger, make, open, releases, setText, stop } from './page.js';
import { t } from './texts.js';

const SIDES = ['forward', 'reverse', 'left', 'right']; // each beside its opposite
const KEYS = { ArrowUp: 0, KeyW: 0, ArrowDown: 1, KeyS: 1, ArrowLeft: 2, KeyA: 2, ArrowRight: 3, KeyD: 3 };
const DEAD = .3; // of the stick's way: a thumb that rests drives nothing
const LEAN = Math.sin(Math.PI / 8); // eight directions, equally wide
const [doing, hint, stick, knob, cross] = ['doing', 'hint', 'stick', 'knob', 'cross'].map(id => document.getElementById(id));
const wished = new URLSearchParams(location.search);
const held = new Map(); // numbers of sides, by what holds them
let parts = []; // of each side that has a line: its number, name, value, button and the stick's arrow
let connected = false;
let blocked = false;
let other = null;

function paint() {
	for (const { value, box, arrow } of parts) {
		box.dataset.state = arrow.dataset.state = !connected ? 'unknown' : value ? 'on' : 'off';
		box.ariaPressed = connected && value === 1;
		box.disabled = !connected;
		box.ariaDisabled = !!other;
	}
	const on = parts.filter(part => part.value).map(part => t(SIDES[part.side])).join(' · ');
	stick.classList.toggle('dim', !connected || !!other);
	doing.classList.toggle('bad', blocked);
	setText(doing, !connected ? t('unknown') : other ? t('drives', other) : blocked ? t('letGo') : on || t('standing'));
}

// All that holds, together. Opposites hold nothing.
function hold(source, sides) {
	held.set(source, sides);
	const all = [...held.values()].flat();
	const is = side => !other && all.includes(side) && !all.includes(side ^ 1);
	link.drive(Object.fromEntries(parts.map(part => [part.name, +is(part.side)])));
}

// x to the right and y down, each from -1 to 1.
function sidesOf(x, y) {
	const way = Math.hypot(x, y);
	return way < DEAD ? [] : [-y, y, -x, x].flatMap((lean, side) => lean > way * LEAN ? side : []);
}

function makePart(side, name) {
	const box = make('button', { className: SIDES[side], ariaLabel: `${t(SIDES[side])}, ${name}` }, make('i', { className: SIDES[side] }));
	finger(box, down => hold(box, down ? [side] : []));
	return { side, name, box, arrow: make('i', { className: SIDES[side] }) };
}

function build(list) {
	const outputs = Object.keys(list).filter(name => list[name].failsafe);
	const names = SIDES.map(side => wished.get(side) ?? side.toUpperCase());
	const missing = names.filter((name, side) => !outputs.includes(name) && wished.has(SIDES[side]));
	parts = names.flatMap((name, side) => outputs.includes(name) ? makePart(side, name) : []);
	if (!parts.length && !missing.length)
		missing.push(names[0]);
	cross.replaceChildren(...parts.map(part => part.box));
	stick.replaceChildren(...parts.map(part => part.arrow), knob);
	stick.hidden = !parts.length;
	hint.classList.toggle('bad', missing.length);
	setText(hint, missing.length ? t('noSignal', missing.join(', '), outputs.join(', ') || '—') :
		`${matchMedia('(any-pointer: fine)').matches ? t('keys') : ''} ${t(isSecureContext ? 'pad' : 'noPad')}`);
	paint();
}

const link = open({
	list: build,
	values: values => paint(parts.forEach(part => part.value = values[part.name] ?? part.value)),
	state: name => paint(connected = name === 'connected'),
	driver: (name, me) => paint(other = me ? null : name),
	held: is => paint(blocked = is),
});

finger(stick, (down, event) => {
	let [x, y] = [0, 0];
	if (down) {
		const { left, top, width } = stick.getBoundingClientRect();
		[x, y] = [(event.clientX - left) / width * 2 - 1, (event.clientY - top) / width * 2 - 1];
	}
	const far = Math.max(1, Math.hypot(x, y)) / 60;
	knob.style.translate = `${x / far}% ${y / far}%`;
	stick.classList.toggle('held', down);
	hold(stick, sidesOf(x, y));
});

// --- Keys --------------------------------------------------------------------------------------------------------------------

const keys = new Set();
const holdKeys = () => hold('keys', [...keys].map(code => KEYS[code]));

releases.push(() => holdKeys(keys.clear()));
addEventListener('keydown', event => {
	if (!(event.code in KEYS) || event.ctrlKey || event.altKey || event.metaKey)
		return;
	event.preventDefault(); // the page does not scroll
	if (!event.repeat) // a key that is still down after STOP holds nothing
		holdKeys(keys.add(event.code));
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
	const sides = pad ? [...[0, 1, 2, 3].filter(side => pressed(12 + side)), ...sidesOf(pad.axes[0], pad.axes[1])] : [];
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
addEventListener('gamepadconnected', readPad);
