// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The scope draws what the events told, at the server's times in microseconds. What nobody saw is striped, never a level.
import { connect } from './link.js';
import { t as text } from './texts.js';
import { Trace, vcd } from './vcd.js';

const NEAR = 10; // pixels: a cursor jumps to an edge that near, and a finger that moves less has tapped
const SPEAK_MS = 5000; // between two words on what has changed
const CALM_MS = 250; // between two pictures, for whoever wishes less motion

const $ = id => document.getElementById(id);
const canvas = $('scope');
const pen = canvas.getContext('2d');
const style = getComputedStyle(canvas);
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const fingers = new Map();
let trace = new Trace([]);
let shades; // names of their colours, by line
let clock = 0; // the server's time less the page's
let alive = 0; // when the link last was
let running = true; // the right edge is now
let edge = 0; // the time there
let span = 10e6;
let left, width, em, ratio; // of the waves and the letters, in CSS pixels; a pixel in pixels of the screen
let marks = []; // cursors A and B
let mark = 0; // the one that moves
let line = 0; // whose edges the keys find
let look; // the pointer's line and time
let timer;

const colour = name => style.getPropertyValue(`--${name}`);
const clamp = (value, least, most) => Math.max(least, Math.min(value, most));
const now = () => Math.max(Math.round((performance.now() + clock) * 1000), trace.end);
const pixel = t => left + width - (edge - t) / span * width;
const time = x => edge - (left + width - x) / width * span;
const row = y => clamp(Math.floor(y / em / 4 - .6), 0, trace.names.length - 1);
const edges = () => trace.of(line).slice(1).map(change => change.t);
const number = (value, digits) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
const readable = us => us < 1e3 ? `${us} µs` : us < 1e6 ? `${number(us / 1e3, 3)} ms` : `${number(us / 1e6, 6)} s`;

function hold(t) {
	running = false;
	edge = clamp(t, trace.start, now());
}

// Around the pixel x. A picture that runs keeps its right edge.
function zoom(factor, x = running ? null : left + width / 2) {
	const t = time(x);
	span = clamp(span * factor, 10, 60e6);
	if (x !== null)
		hold(t + (left + width - x) / width * span);
}

// --- The picture ----------------------------------------------------------------------------------------------------

function stroke(path, shade, thick, alpha = 1, dash = []) {
	pen.strokeStyle = shade;
	pen.lineWidth = thick;
	pen.globalAlpha = alpha;
	pen.setLineDash(dash);
	pen.stroke(path);
}

function write(words, x, y, shade) {
	pen.fillStyle = shade;
	pen.fillText(words, x, y);
}

// Edges in one column of pixels are one stroke: more of them than the eye can part are a solid band.
function wave(i, y) {
	const [path, high, gap] = [new Path2D(), new Path2D(), new Path2D()];
	const column = t => Math.round(clamp(pixel(t), left, left + width) * ratio) / ratio;
	const to = (path, x, y, toX, toY) => {
		path.moveTo(x, y);
		path.lineTo(toX, toY);
	};
	let [x, level] = [column(trace.start), null];
	for (const next of [...trace.of(i), { t: now(), level: null }]) {
		const end = column(next.t);
		if (end > x && level !== 0)
			to(level ? high : gap, x, y, end, y);
		if (end > x && level !== null) {
			to(path, x, y + em - level * 2 * em, end, y + em - level * 2 * em);
			if (next.level !== null && end < left + width)
				to(path, end, y - em, end, y + em);
		}
		[x, level] = [end, next.level];
	}
	stroke(gap, colour('quiet'), em * 2, .4, [1, 5]);
	stroke(high, colour(shades[i]), em * 2, .15);
	stroke(path, colour(shades[i]), 1.5);
}

function lamp(i, y) {
	const level = trace.level(i);
	const disc = new Path2D();
	disc.arc(em, y, em * .7, 0, 7);
	stroke(disc, colour(shades[i]), 1.5);
	pen.fillStyle = colour(level ? shades[i] : 'card');
	pen.fill(disc);
	write(level ?? '?', em * .7, y, colour(level ? 'card' : 'text'));
	write(trace.names[i], em * 2.2, y, colour('text'));
}

// Times 1, 2 or 5 apart, as many as there is room for, counted from where the trace began.
function ruler(height) {
	const least = span * 7 * em / width;
	const ten = 10 ** Math.floor(Math.log10(least));
	const step = ten * [1, 2, 5, 10].find(n => n * ten >= least);
	for (let n = Math.max(0, Math.ceil((time(left) - trace.zero) / step)); n * step <= edge - trace.zero; n++) {
		const x = pixel(n * step + trace.zero);
		pen.fillStyle = colour('line');
		pen.fillRect(x, 0, 1, height);
		write(`${number(n * step / 1e6, 6)} s`, x + em * .3, em * .8, colour('quiet'));
	}
}

function cursor(t, i, height) {
	const x = pixel(t);
	if (x < left || x > left + width)
		return;
	pen.fillStyle = colour('focus');
	pen.fillRect(x, em * 1.5, 1, height);
	pen.fillRect(x - em * .6, em * 1.5, em * 1.3, em * 1.3);
	write('AB'[i], x - em * .3, em * 2.2, colour('card'));
}

function draw() {
	const { clientWidth, clientHeight } = canvas;
	if (!clientWidth)
		return;
	em = parseFloat(style.fontSize);
	ratio = canvas.width / clientWidth;
	pen.setTransform(ratio, 0, 0, ratio, 0, 0);
	pen.font = `${em}px ${style.fontFamily}`;
	pen.textBaseline = 'middle';
	pen.fillStyle = colour('card');
	pen.fillRect(0, 0, clientWidth, clientHeight);
	left = clientWidth < 50 * em ? 0 : Math.max(...trace.names.map(name => pen.measureText(name).width)) + em * 3.5;
	width = clientWidth - left;
	if (running)
		edge = now();
	ruler(clientHeight);
	trace.names.forEach((_, i) => {
		wave(i, em * (4 * i + 4.5));
		lamp(i, em * (4 * i + (left ? 4.5 : 2.6)));
	});
	marks.forEach((t, i) => cursor(t, i, clientHeight));
	$('readout').textContent = reading();
	$('tools').firstElementChild.ariaPressed = !running;
}

// How long a level held around a time: at least so long, where its begin or its end was not seen.
function pulse(line, t) {
	const runs = trace.of(line);
	const k = runs.findLastIndex(run => run.t <= t);
	const { t: begin, level = null } = runs[k] ?? {};
	const whole = [runs[k - 1], runs[k + 1]].every(run => run && run.level !== null);
	return level === null ? [] : `${trace.names[line]} = ${level}: ${whole ? '' : '≥ '}${readable((runs[k + 1]?.t ?? now()) - begin)}`;
}

function reading() {
	const [a, b = a] = marks;
	const far = Math.abs(b - a);
	return marks.map((t, i) => `${'AB'[i]} ${number((t - trace.zero) / 1e6, 6)} s`)
		.concat(far ? `Δ ${readable(far)} · ${number(1e6 / far, 3)} Hz` : [])
		.concat(look || marks.length ? pulse(...look ?? [line, marks[mark]]) : text('measure')).join(' · ');
}

// One picture is due at most. It comes with the screen's next, so that a page that nobody sees draws none.
function redraw(wait = 0) {
	clearTimeout(timer);
	timer = setTimeout(() => requestAnimationFrame(() => {
		draw();
		if (running)
			redraw(calm.matches ? CALM_MS : 0);
	}), wait);
}

// --- Hands ----------------------------------------------------------------------------------------------------------

// A tap sets A, then B, then A again.
function tap(x, y) {
	line = row(y);
	if (marks[mark] !== undefined)
		mark = 1 - mark;
	const [near] = edges().sort((p, q) => Math.abs(pixel(p) - x) - Math.abs(pixel(q) - x));
	marks[mark] = Math.abs(pixel(near) - x) < NEAR ? near : Math.round(time(x));
}

// To the line's next edge; finely with Shift.
function step(way, fine) {
	const from = marks[mark] ?? Math.round(time(left + width / 2));
	const next = way < 0 ? edges().findLast(t => t < from) : edges().find(t => t > from);
	marks[mark] = clamp(fine ? from + way * Math.ceil(span / 200) : next ?? from, trace.start, now());
	if (pixel(marks[mark]) < left || marks[mark] > edge)
		hold(marks[mark] + span / 2);
}

function save(blob, type) {
	const link = document.createElement('a');
	link.href = URL.createObjectURL(blob);
	link.download = `httapd-${location.hostname}-${new Date().toISOString().slice(0, 19)}.${type}`.replace(/[^\w.-]+/g, '-');
	link.click();
	setTimeout(URL.revokeObjectURL, SPEAK_MS, link.href);
}

// The buttons' values are keys, too.
const actions = {
	'p': () => running = !running,
	'+': () => zoom(.5),
	'-': () => zoom(2),
	'v': () => save(new Blob([vcd(trace, now())]), 'vcd'),
	'i': () => canvas.toBlob(blob => save(blob, 'png')),
	'Enter': () => mark = marks.length && 1 - mark,
	'ArrowUp': () => line = Math.max(0, line - 1),
	'ArrowDown': () => line = Math.min(trace.names.length - 1, line + 1),
	'ArrowLeft': event => step(-1, event.shiftKey),
	'ArrowRight': event => step(1, event.shiftKey),
};

$('tools').onclick = event => {
	actions[event.target.value]?.();
	redraw();
};

canvas.onkeydown = event => {
	if (event.ctrlKey || event.altKey || event.metaKey || !actions[event.key])
		return;
	event.preventDefault();
	look = null;
	actions[event.key](event);
	redraw();
};

canvas.onwheel = event => {
	event.preventDefault();
	zoom(2 ** (event.deltaY / 200), event.offsetX);
	hold(edge + event.deltaX / width * span);
	redraw();
};

canvas.onpointerdown = event => {
	canvas.setPointerCapture(event.pointerId);
	fingers.set(event.pointerId, { x: event.offsetX, from: event.offsetX });
};

// One finger pulls the picture; of two, each stretches it from where the other is.
canvas.onpointermove = ({ pointerId, offsetX: x, offsetY: y }) => {
	const finger = fingers.get(pointerId);
	if (finger) {
		const other = [...fingers.values()].find(another => another !== finger);
		finger.moved ||= other || Math.abs(x - finger.from) > NEAR;
		if (other)
			zoom(Math.max(1, Math.abs(finger.x - other.x)) / Math.max(1, Math.abs(x - other.x)), other.x);
		else if (finger.moved)
			hold(edge - (x - finger.x) / width * span);
		finger.x = x;
	}
	look = [row(y), time(x)];
	redraw();
};

canvas.onpointerup = event => {
	if (!fingers.get(event.pointerId)?.moved)
		tap(event.offsetX, event.offsetY);
	redraw();
};

canvas.onlostpointercapture = event => fingers.delete(event.pointerId);

canvas.onpointerleave = () => {
	look = null;
	redraw();
};

// --- The server -----------------------------------------------------------------------------------------------------

// Levels for who can't see the picture: what has changed is spoken now and then, and not while the picture is held.
setInterval(() => running && [...$('levels').children].forEach((item, i) => {
	const words = `${trace.names[i]}: ${text(['off', 'on'][trace.level(i)] ?? 'unknown')}`;
	if (item.textContent !== words)
		item.textContent = words;
}), SPEAK_MS);

new ResizeObserver(() => {
	canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
	canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
	redraw();
}).observe(canvas);

connect({
	list(list) {
		const names = Object.keys(list);
		shades = names.map(name => list[name].direction === 'input' ? 'lamp-edge' : 'on');
		if (String(names) === String(trace.names))
			return;
		trace = new Trace(names);
		marks = [];
		$('view').hidden = true;
		$('levels').replaceChildren(...names.map(() => document.createElement('li')));
		canvas.style.height = `${4 * names.length + 2.5}em`;
	},
	values(values, ms, whole) {
		clock = ms - performance.now();
		trace.add(values, Math.round(ms * 1000), whole);
		alive = trace.end;
		$('view').hidden = false;
		redraw();
	},
	state(name, trip) {
		if (name === 'connected')
			alive = Math.max(alive, now() - trip * 1000);
		else
			trace.lose(alive);
	},
});
