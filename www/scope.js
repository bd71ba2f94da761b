// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// A logic analyser: what the events told, at the server's times in microseconds. What nobody saw is striped, never a level.
import { make, open, setText } from './page.js';
import { learn, t as text } from './texts.js';
import { Trace, vcd } from './vcd.js';

const NEAR = 10; // pixels: a cursor jumps to an edge that near, and a finger that moves less has tapped
const SPEAK_MS = 5000; // between two words on what has changed
const CALM_MS = 250; // between two pictures, for whoever wishes less motion

const [canvas, tools, readout, levels] = document.querySelectorAll('main > *');
const pen = canvas.getContext('2d');
const style = getComputedStyle(canvas);
const fingers = new Map();
let trace = new Trace([]);
let alive = 0; // when the link last was
let running = true; // the right edge is now
let span = 10e6; // over the width
let marks, mark, line; // cursors A and B, which of them moves, to edges of which line
let look; // the pointer's line and time
let shades, clock, edge, left, wide, em, dirty; // where the waves begin and end, and a letter, are in pixels

const clamp = (value, least, most) => Math.max(least, Math.min(value, most));
const now = () => Math.max(Math.round((performance.now() + clock) * 1e3), trace.end);
const scale = () => (wide - left) / span;
const pixel = t => wide - (edge - t) * scale();
const time = x => edge - (wide - x) / scale();
const row = y => clamp(Math.floor(y / em / 4 - .6), 0, shades.length - 1);
const edges = () => trace.of(line).slice(1).map(change => change.t);
const number = (value, digits) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
const readable = us => us < 1e3 ? `${us} µs` : us < 1e6 ? `${number(us / 1e3, 3)} ms` : `${number(us / 1e6, 6)} s`;

function hold(t) {
	running = false;
	edge = clamp(t, trace.start, now());
}

// Around the pixel x; without one, a picture that runs keeps its right edge.
function zoom(factor, x) {
	const around = x ?? (left + wide) / 2;
	const t = time(around);
	span = clamp(span * factor, 10, 60e6);
	if (x !== undefined || !running)
		hold(t + (wide - around) / scale());
}

function box(name, x, y, w, h, alpha = 1) {
	pen.fillStyle = style.getPropertyValue(`--${name}`);
	pen.globalAlpha = alpha;
	pen.fillRect(x, y, w, h);
}

function write(name, words, x, y) {
	box(name, 0, 0, 0, 0);
	pen.fillText(words, x, y);
}

// Edges in one column of pixels are one stroke: more of them than the eye can part are a solid band.
function wave(i, y) {
	const column = t => Math.round(clamp(pixel(t), left, wide) * devicePixelRatio) / devicePixelRatio;
	let [x, level] = [column(trace.start), null];
	for (const next of [...trace.of(i), { t: now(), level: null }]) {
		const end = column(next.t);
		if (end > x && level === null)
			for (let stripe = x; stripe < end; stripe += 6)
				box('quiet', stripe, y - em, 1, em * 2, .5);
		else if (end > x) {
			box(shades[i], x, y - em, end - x, level * em * 2, .2);
			box(shades[i], x, y + em - level * em * 2, end - x, 2);
			if (next.level !== null && end < wide)
				box(shades[i], end, y - em, 2, em * 2 + 2);
		}
		[x, level] = [end, next.level];
	}
}

// Times 1, 2 or 5 apart, as many as fit.
function ruler() {
	let step = 1;
	for (let i = 0; step * scale() < 7 * em; i++)
		step *= i % 3 === 1 ? 2.5 : 2;
	for (let t = Math.max(0, Math.ceil((time(left) - trace.zero) / step) * step); t <= edge - trace.zero; t += step) {
		box('line', pixel(t + trace.zero), 0, 1, canvas.height);
		write('quiet', `${number(t / 1e6, 6)} s`, pixel(t + trace.zero) + 4, em);
	}
}

function draw() {
	if (running)
		edge = now();
	box('card', 0, 0, wide, canvas.height);
	ruler();
	trace.names.forEach((name, i) => {
		const y = Math.round(em * (4 * i + 4.5));
		const above = left ? y : y - em * 2;
		wave(i, y);
		write(shades[i], '○●'[trace.now[i]] ?? '?', em, above);
		write('text', name, em * 2.5, above);
	});
	marks.forEach((t, i) => {
		if (t >= time(left)) {
			box('focus', pixel(t), em * 2, 2, canvas.height);
			write('focus', 'AB'[i], pixel(t) + 4, em * 2.4);
		}
	});
	setText(readout, reading());
	tools.children[0].ariaPressed = String(!running);
}

// How long a level holds around a time: at least so long, where nobody saw its begin or its end.
function pulse(line, t) {
	const runs = trace.of(line);
	const k = runs.findLastIndex(run => run.t <= t);
	const [before, level, after] = [k - 1, k, k + 1].map(k => runs[k]?.level ?? null);
	return level !== null && `${trace.names[line]} = ${level}: ${before === null || after === null ? '≥ ' : ''}${
		readable((runs[k + 1]?.t ?? now()) - runs[k].t)}`;
}

function reading() {
	const far = Math.abs(marks[1] - marks[0]);
	const at = look ?? (marks.length && [line, marks[mark]]);
	return [...marks.map((t, i) => `${'AB'[i]} ${number((t - trace.zero) / 1e6, 6)} s`),
		far > 0 && `Δ ${readable(far)}, ${number(1e6 / far, 3)} Hz`,
		at ? pulse(...at) : `${text('hint')} · P + − ← → ↑ ↓ Enter`].filter(Boolean).join(' · ');
}

// A page that nobody sees has no frames.
function frame() {
	if (!canvas.hidden && (running || dirty))
		draw();
	dirty = false;
	setTimeout(requestAnimationFrame, matchMedia('(prefers-reduced-motion: reduce)').matches ? CALM_MS : 0, frame);
}

// To the line's next edge; finely with Shift.
function step(way, fine) {
	const from = marks[mark] ?? Math.round(time((left + wide) / 2));
	const next = way < 0 ? edges().findLast(t => t < from) : edges().find(t => t > from);
	const t = marks[mark] = clamp(fine ? from + way * Math.ceil(span / 200) : next ?? from, trace.start, now());
	if (t < time(left) || t > edge)
		hold(t + span / 2);
}

function save(blob, type) {
	const href = URL.createObjectURL(blob);
	const download = `httapd-${location.hostname}-${new Date().toISOString().slice(0, 19)}.${type}`.replace(/[^\w.-]+/g, '-');
	make('a', { href, download }).click();
	setTimeout(URL.revokeObjectURL, SPEAK_MS, href);
}

const actions = {
	'p': () => running = !running,
	'+': () => zoom(.5),
	'-': () => zoom(2),
	'v': () => save(new Blob([vcd(trace, alive)]), 'vcd'),
	'i': () => canvas.toBlob(blob => save(blob, 'png')),
	'Enter': () => mark = marks.length && 1 - mark,
	'ArrowUp': () => line = Math.max(0, line - 1),
	'ArrowDown': () => line = Math.min(shades.length - 1, line + 1),
	'ArrowLeft': event => step(-1, event.shiftKey),
	'ArrowRight': event => step(1, event.shiftKey),
};

const hands = {
	keydown(event) {
		if (event.ctrlKey || event.metaKey || !actions[event.key])
			return;
		event.preventDefault();
		look = null;
		actions[event.key](event);
	},
	wheel(event) {
		event.preventDefault();
		zoom(2 ** (event.deltaY / 200), event.offsetX);
		hold(edge + event.deltaX / scale());
	},
	pointerdown({ pointerId, offsetX: x }) {
		canvas.setPointerCapture(pointerId);
		fingers.set(pointerId, { x, from: x });
	},
	// One finger pulls the picture; of two, each stretches it from where the other is.
	pointermove({ pointerId, offsetX: x, offsetY: y }) {
		const finger = fingers.get(pointerId);
		if (finger) {
			const other = [...fingers.values()].find(another => another !== finger);
			finger.moved ||= other || Math.abs(x - finger.from) > NEAR;
			if (other)
				zoom(Math.max(1, Math.abs(finger.x - other.x)) / Math.max(1, Math.abs(x - other.x)), other.x);
			else if (finger.moved)
				hold(edge - (x - finger.x) / scale());
			finger.x = x;
		}
		look = [row(y), time(x)];
	},
	// A tap sets A, then B, then A again.
	pointerup({ pointerId, offsetX: x, offsetY: y }) {
		if (fingers.get(pointerId)?.moved)
			return;
		line = row(y);
		actions.Enter();
		const far = t => Math.abs(pixel(t) - x);
		const [near] = edges().sort((s, t) => far(s) - far(t));
		marks[mark] = far(near) < NEAR ? near : Math.round(clamp(time(x), trace.start, now()));
	},
	lostpointercapture: event => fingers.delete(event.pointerId),
	pointerleave: () => look = null,
};

for (const [name, act] of Object.entries(hands))
	canvas.addEventListener(name, event => {
		act(event);
		dirty = true;
	});
tools.onclick = event => {
	actions[event.target.value]?.();
	dirty = true;
};

learn({ hint: ['Tap to measure', 'Tippen misst', 'Toucher pour mesurer'] });

// For who can't see the picture: changes are spoken now and then, not while it is held.
setInterval(() => running && levels.childNodes.forEach((item, i) =>
	setText(item, `${trace.names[i]}: ${text(['off', 'on'][trace.now[i]] ?? 'unknown')}`)), SPEAK_MS);

function fit() {
	if (canvas.hidden)
		return;
	wide = canvas.clientWidth;
	canvas.width = Math.round(wide * devicePixelRatio);
	canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
	em = parseFloat(style.fontSize);
	pen.scale(devicePixelRatio, devicePixelRatio);
	pen.font = `${em}px ${style.fontFamily}`;
	pen.textBaseline = 'middle';
	left = wide < 50 * em ? 0 : Math.max(...trace.names.map(name => pen.measureText(name).width)) + em * 4;
	draw(); // now, as it is blank
}

open({
	list(list) {
		trace = new Trace(Object.keys(list));
		shades = Object.values(list).map(info => info.direction === 'input' ? 'warn' : 'on');
		marks = [];
		mark = line = 0;
		canvas.hidden = tools.hidden = true;
		setText(readout, shades.length ? '' : text('none'));
		levels.replaceChildren(...shades.map(() => make('li', {})));
		canvas.style.height = `${4 * shades.length + 2.5}em`;
	},
	values(values, ms, whole) {
		clock = ms - performance.now();
		trace.add(values, Math.round(ms * 1e3), whole);
		alive = trace.end;
		dirty = true;
		if (canvas.hidden && shades.length) {
			canvas.hidden = tools.hidden = false;
			fit();
		}
	},
	state(name, trip) {
		if (name === 'connected')
			return alive = Math.max(alive, now() - Math.ceil(trip * 1e3));
		trace.lose(alive);
		dirty = true;
	},
});
new ResizeObserver(fit).observe(canvas);
frame();
