// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The scope: what it saves is what the lines did, and what it draws is where and when they did it.
import { mkdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { AXE, becomes, check, linked, request, same, shots, test } from './rig.js';
import { parse } from './vcd.js';

const NARROW = { viewport: { width: 600, height: 800 } }; // the waves are as wide as the picture
const REMS = 13; // pixels of a letter in it

// --- What is compared ---------------------------------------------------------------------------------------------------

// Somebody else who listens to the same events. Times in microseconds.
async function listener(t, daemon) {
	const heard = { whole: null, changes: [] };
	const call = http.get({ host: '127.0.0.1', port: daemon.port, path: '/?events', agent: false }, reply => {
		let text = '';
		reply.setEncoding('utf8').on('error', () => {}).on('data', part => {
			const events = (text += part).split('\n\n');
			text = events.pop();
			for (const event of events) {
				const { t, ...values } = JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? '{}');
				if (heard.whole === null)
					heard.whole = values;
				else
					heard.changes.push(...Object.entries(values).map(([name, value]) => [Math.round(t * 1000), name, String(value)]));
			}
		});
	});
	call.on('error', () => {});
	t.closing.push(async () => call.destroy());
	await becomes(() => heard.whole !== null, true, 'the whole state');
	return heard;
}

// What is saved is kept in the page: a browser throttles downloads, which one test waits for.
function keepFiles() {
	const create = URL.createObjectURL;
	URL.createObjectURL = blob => create(window.file = blob);
	const { click } = HTMLAnchorElement.prototype;
	HTMLAnchorElement.prototype.click = function () {
		if (window.really)
			click.call(this);
	};
}

async function scope(t, daemon, options = {}) {
	const page = await t.page({ origin: daemon.origin, expectFailures: true, ...options });
	await page.addInitScript(keepFiles);
	await options.before?.(page);
	await page.goto(`${daemon.origin}/scope.html`);
	await becomes(() => page.locator('canvas').isVisible(), true, 'the picture is there');
	return page;
}

async function download(page, key) {
	await page.evaluate(() => window.really = true);
	const [file] = await Promise.all([page.waitForEvent('download'), page.locator(`[value=${key}]`).click()]);
	return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

async function saved(page) {
	await page.locator('[value=v]').click();
	return parse(await page.evaluate(() => window.file.text()));
}

const since = changes => changes.map(([t, ...rest]) => [t - changes[0][0], ...rest]);

// --- The trace of a real server -----------------------------------------------------------------------------------------------

async function recording() {
	await test('a saved dump has every change in order, at the times that the events told', async t => {
		const daemon = await t.daemon();
		await daemon.write('LAMP', '1');
		const page = await scope(t, daemon);
		const heard = await listener(t, daemon);
		for (const name of ['LED', 'MOTOR.LEFT', 'LED', 'MOTOR.RIGHT', 'LAMP', 'LED', 'MOTOR.LEFT', 'LED'])
			await daemon.write(name, 'toggle');
		await request(daemon.port, '/?', { method: 'POST', body: 'LED=1&LAMP=1&MOTOR.LEFT=1' });
		await request(daemon.port, '/?stop', { method: 'POST' });
		await becomes(() => heard.changes.length, 15, 'changes that were heard');
		await becomes(async () => (await saved(page)).changes.length, 15, 'changes in the dump');
		const { names, first, changes, end } = await saved(page);
		same(names, Object.keys(heard.whole), 'the names');
		same(first, Object.fromEntries(Object.entries(heard.whole).map(([name, value]) => [name, String(value)])), 'the first state');
		same(since(changes), since(heard.changes), 'the changes');
		check(end >= changes.at(-1)[0], 'the dump ends before the last change');
	});

	await test('a file is named after the server and the date, and the other one is a picture of what is on the page', async t => {
		const page = await scope(t, await t.daemon());
		const dump = await download(page, 'v');
		same(Object.keys(parse(dump.bytes.toString()).first).length, 6, 'signals in the dump');
		check(/^httapd-localhost-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.vcd$/.test(dump.name), dump.name);
		const picture = await download(page, 'i');
		check(/^httapd-localhost-[\dT-]{19}\.png$/.test(picture.name), picture.name);
		same(picture.bytes.toString('latin1', 1, 4), 'PNG', 'the first bytes');
		const size = await page.locator('canvas').evaluate(canvas => [canvas.width, canvas.height]);
		same([picture.bytes.readUInt32BE(16), picture.bytes.readUInt32BE(20)], size, 'its size');
	});

	await test('what was missed while the server was away is a gap in the dump and in the picture', async t => {
		const daemon = await t.daemon('LED=GPIO17 LAMP=GPIO27');
		// A browser's clock may be as fine as this; a time in a dump is a whole number nevertheless.
		const page = await scope(t, daemon, { ...NARROW, before: page => page.addInitScript(() => {
			const now = performance.now.bind(performance);
			performance.now = () => now() * 1.0000003;
		}) });
		const moves = async () => (await saved(page)).changes.filter(([, name]) => name === 'LED');
		const levels = async () => (await moves()).map(([, , level]) => level).join('');
		await daemon.write('LED', '1');
		await daemon.write('LAMP', '1');
		await becomes(async () => (await saved(page)).changes.length, 2, 'changes');
		const lists = daemon.count(/list/);
		await becomes(() => daemon.count(/list/) > lists, true, 'a look at the list, which proves that nothing was missed');
		await becomes(async () => (await saved(page)).end > (await moves())[0][0] + 1e5, true, 'an end that is proven');
		await daemon.kill();
		await linked(page, 'lost');
		await becomes(levels, '1x', 'the levels while nobody listens');
		const next = await t.daemon('LED=GPIO17 LAMP=GPIO27', daemon.port);
		await becomes(levels, '1x0', 'the levels');
		await next.write('LED', '1');
		await becomes(levels, '1x01', 'the levels');
		await page.locator('[value=p]').click();
		const changes = await moves();
		const { holes, stripes, width } = await picture(page, 0);
		same(holes.length, 1, `holes in what is drawn, ${holes},`);
		const [gap] = holes;
		const lost = (changes[2][0] - changes[1][0]) / 10e6 * width;
		check(Math.abs(gap[1] - gap[0] + 1 - lost) <= 3, `a gap of ${lost} pixels is drawn from ${gap}`);
		check(stripes[0] > lost / 8, `it has ${stripes[0]} stripes`);
		await tap(page, 1); // before anything
		for (const told of [/LED = 1: ≥ [^·]*$/, /^A [\d.]+ s$/, /LED = 0: ≥ [^·]*$/, /LED = 1: ≥ [^·]*$/]) {
			await page.keyboard.press('ArrowRight');
			await becomes(async () => told.test(await reading(page)), true, `the width at the next edge like ${told}`);
		}
		await over(page, (gap[0] + gap[1]) / 2);
		await becomes(async () => /LED/.test(await page.locator('output').textContent()), false, 'a width in the gap');
	});
}

// What a line's lane shows, by column of pixels: strokes over its whole height, holes without a level and how many stripes
// they have, and the words with their places.
function picture(page, line) {
	return page.evaluate(([line, em]) => {
		const canvas = document.querySelector('canvas');
		const { width, height } = canvas;
		const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
		copy.drawImage(canvas, 0, 0);
		const { data } = copy.getImageData(0, 0, width, height);
		const colour = name => {
			copy.fillStyle = getComputedStyle(canvas).getPropertyValue(`--${name}`);
			return copy.fillStyle.match(/\w\w/g).map(hex => parseInt(hex, 16)); // as #rrggbb, whatever it was
		};
		const y = Math.round(em * (4 * line + 4.5));
		const like = (a, b, far = 80) => Math.max(...a.map((value, k) => Math.abs(value - b[k]))) < far;
		const at = (x, y) => [...data.slice((y * width + x) * 4, (y * width + x) * 4 + 3)];
		const columns = [...Array(width).keys()];
		const shade = colour('on');
		const inked = y => columns.filter(x => like(at(x, y), shade));
		const strokes = inked(y).filter((x, i, all) => x !== all[i - 1] + 1);
		const drawn = columns.filter(x => [y - em, y + em].some(y => like(at(x, y), shade)));
		const holes = drawn.slice(1).map((x, i) => [drawn[i] + 1, x - 1]).filter(([from, to]) => to >= from);
		const stripes = hole => columns.slice(...hole).filter(x => !like(at(x, y + 6), colour('card'), 40)).length;
		return {
			width, strokes, holes, stripes: holes.map(stripes), words: window.words,
		};
	}, [line, REMS]);
}

// Keeps the words of the newest picture, with where they are.
function keepWords() {
	const { fillText, fillRect } = CanvasRenderingContext2D.prototype;
	CanvasRenderingContext2D.prototype.fillRect = function (x, y, w, h) {
		if (x === 0 && y === 0 && w > 1)
			[window.words, window.pictures] = [[], window.pictures + 1]; // all of it: a new picture
		fillRect.call(this, x, y, w, h);
	};
	CanvasRenderingContext2D.prototype.fillText = function (words, x, y) {
		window.words.push([words, x]);
		fillText.call(this, words, x, y);
	};
}

// The ruler's times in microseconds, and how many there are in a pixel.
function ruler(words) {
	const marks = words.filter(([word]) => / s$/.test(word)).map(([word, x]) => [parseFloat(word.replace(/,/g, '')) * 1e6, x - 4]);
	const [[t, x] = [], [t2, x2] = []] = [marks[0], marks.at(-1)];
	return { marks, t, x, scale: (t2 - t) / (x2 - x) };
}

// "12.5 ms" in microseconds.
function micro(text) {
	const [, value, unit] = /^([\d.,]+) (s|ms|µs)/.exec(text) ?? check(false, `"${text}" is no time`);
	return Math.round(Number(value.replace(/,/g, '')) * { s: 1e6, ms: 1e3, 'µs': 1 }[unit]);
}

// The cursors' distance, and the frequency.
function measured(text) {
	const [, time, hertz] = /Δ (.*?s), (.*?) Hz/.exec(text) ?? [];
	return time && [micro(time), Number(hertz.replace(/,/g, ''))];
}

const reading = page => page.locator('output').textContent();

// A picture that is held, of a line that has moved three times: its strokes, and when it moved.
async function held(t, options) {
	const daemon = await t.daemon('LED=GPIO17 LAMP=GPIO27');
	const page = await scope(t, daemon, { ...NARROW, before: page => page.addInitScript(keepWords), ...options });
	const heard = await listener(t, daemon);
	for (let i = 1; i <= 3; i++) {
		await daemon.write('LED', 'toggle');
		for (let k = 0; k < 30; k++)
			await daemon.write('LAMP', 'toggle'); // so that some time passes, however little
		await becomes(() => heard.changes.length, 31 * i, 'changes that were heard');
	}
	await becomes(async () => (await saved(page)).changes.length, 93, 'changes in the dump');
	await becomes(async () => (await picture(page, 0)).strokes.at(-1) < 500, true, 'room behind the last stroke');
	await page.locator('[value=p]').click();
	const times = heard.changes.filter(([, name]) => name === 'LED').map(([time]) => time);
	return { daemon, page, times, changes: heard.changes };
}

// The same, stretched until the strokes are apart.
async function spread(t) {
	const all = await held(t);
	let strokes = [];
	const shown = async () => ({ strokes } = await picture(all.page, 0)).words;
	for (let words = await shown(); !(strokes[2] - strokes[0] >= 150); words = await shown()) {
		await over(all.page, strokes.at(-1));
		await all.page.mouse.wheel(0, -100);
		await becomes(async () => String(await shown()) === String(words), false, `the same picture of ${words} and ${strokes}`);
	}
	return all;
}

const canvas = page => page.locator('canvas');
const tap = (page, x, line = 0) => canvas(page).click({ position: { x, y: REMS * (4 * line + 4.5) } });
const over = (page, x, line = 0) => canvas(page).hover({ position: { x, y: REMS * (4 * line + 4.5) } });

async function measuring() {
	await test('strokes, the ruler and the cursors tell the same times at every zoom, down to a microsecond', async t => {
		const { page, times, changes } = await held(t);
		const zero = changes[0][0] - (await saved(page)).changes[0][0];
		let scale = Infinity;
		let checked = 0;
		do {
			const seen = await picture(page, 0);
			const rule = ruler(seen.words);
			check(rule.marks.length <= 8, `${rule.marks.length} times on the ruler`);
			for (const [time, x] of rule.marks.slice(1))
				check(Math.abs((time - rule.t) / rule.scale - (x - rule.x)) < .01, `${time} on the ruler is at ${x}`);
			const expected = rule.marks.length < 2 ? [] : times.map(time => rule.x + (time - zero - rule.t) / rule.scale)
				.filter(x => x > 2 && x < seen.width - 2);
			const apart = expected.filter((x, i) => i === 0 || x - expected[i - 1] > 3);
			checked += apart.length;
			for (const x of apart)
				check(seen.strokes.some(is => Math.abs(is - x) <= 1.5), `a stroke should be at ${x}, but strokes are at ${seen.strokes}`);
			check(!(rule.scale >= scale), `a pixel has ${rule.scale} µs, and had ${scale}`);
			scale = rule.scale || scale; // there may be one time only where the trace begins
			await over(page, seen.strokes[0]);
			await page.mouse.wheel(0, -200);
			await becomes(async () => String((await picture(page, 0)).words) !== String(seen.words) || scale < .02, true, 'a zoom');
		} while (scale > .02);
		check(checked >= 15, `only ${checked} strokes were looked at`);
		same(await page.locator('[value=p]').getAttribute('aria-pressed'), 'true', 'the picture is held');
	});

	await test('two taps measure from edge to edge, and a third begins anew', async t => {
		const { page, times } = await spread(t);
		const { strokes } = await picture(page, 0);
		await tap(page, strokes[0] + 4);
		await tap(page, strokes[2] - 4);
		const far = times[2] - times[0];
		await becomes(async () => measured(await reading(page)), [far, Number((1e6 / far).toFixed(3))], 'the difference in µs and Hz');
		await tap(page, strokes[1] + 4);
		await becomes(async () => measured(await reading(page))[0], times[2] - times[1], 'the difference from the first cursor, moved');
		await tap(page, (strokes[0] + strokes[1]) / 2);
		await becomes(async () => times.includes(measured(await reading(page))[0] + times[1]), false, 'a cursor on an edge');
	});

	await test('the width of a pulse is told under the pointer, at least as long as it was seen', async t => {
		const { page, times } = await spread(t);
		const { strokes } = await picture(page, 0);
		const told = async x => {
			await over(page, x);
			return (await reading(page)).split(' · ').at(-1);
		};
		const width = text => [text.replace(/: .*/, ''), text.includes('≥'), micro(text.replace(/.*[:≥] /, ''))];
		await becomes(async () => width(await told((strokes[0] + strokes[1]) / 2)), ['LED = 1', false, times[1] - times[0]], 'a pulse');
		await becomes(async () => width(await told((strokes[1] + strokes[2]) / 2)), ['LED = 0', false, times[2] - times[1]], 'a pause');
		await becomes(async () => width(await told(strokes[0] - 5)).slice(0, 2), ['LED = 0', true], 'what began before the trace');
		await becomes(async () => width(await told(strokes[2] + 5)).slice(0, 2), ['LED = 1', true], 'what lasts');
	});

	await test('the keyboard does all of it: pause, zoom, go to edges of a line, change the cursor', async t => {
		const { page, times, changes } = await spread(t);
		const key = name => page.keyboard.press(name);
		await key('p');
		await becomes(() => page.locator('[value=p]').getAttribute('aria-pressed'), 'true', 'held, as the picture has no focus');
		while (await page.evaluate(() => document.activeElement.localName !== 'canvas'))
			await key('Tab');
		await key('p');
		await becomes(() => page.locator('[value=p]').getAttribute('aria-pressed'), 'false', 'it runs');
		await key('p');
		await becomes(() => page.locator('[value=p]').getAttribute('aria-pressed'), 'true', 'it is held');
		const before = ruler((await picture(page, 0)).words).scale;
		await key('+');
		await becomes(async () => Math.round(before / ruler((await picture(page, 0)).words).scale * 10), 20, 'ten times the zoom');
		await key('-');
		await becomes(async () => Math.round(before / ruler((await picture(page, 0)).words).scale * 10), 10, 'ten times the zoom');
		const difference = async should => becomes(async () => measured(await reading(page))?.[0], should, 'the difference');
		await cursorTo(page, 'ArrowLeft', 3); // A at the first edge of LED, wherever it began
		await key('Enter');
		await cursorTo(page, 'ArrowLeft', 3);
		await key('ArrowRight');
		await difference(times[1] - times[0]);
		await key('ArrowRight');
		await difference(times[2] - times[0]);
		await key('ArrowRight'); // there is none beyond
		await difference(times[2] - times[0]);
		await key('ArrowDown');
		await key('ArrowLeft');
		const lamp = changes.filter(([time, name]) => name === 'LAMP' && time < times[2]).at(-1)[0];
		await difference(lamp - times[0]);
		await key('ArrowUp');
		await key('Enter');
		await key('ArrowRight'); // A again
		await difference(lamp - times[1]);
		await key('Shift+ArrowRight');
		await becomes(async () => measured(await reading(page))[0] !== lamp - times[1], true, 'a fine step');
	});
}

async function cursorTo(page, key, times) {
	for (let i = 0; i < times; i++)
		await page.keyboard.press(key);
}

async function touching() {
	await test('a picture that is pulled is held, and what is under the finger stays there', async t => {
		const { page } = await spread(t);
		const { x, y } = await canvas(page).boundingBox();
		const before = (await picture(page, 0)).strokes;
		await page.mouse.move(x + 100, y + 50);
		await page.mouse.down();
		await page.mouse.move(x + 120, y + 50);
		await page.mouse.move(x + 160, y + 50);
		await page.mouse.up();
		await becomes(async () => (await picture(page, 0)).strokes[0] - before[0], 60, 'it moved');
		same(await reading(page).then(text => /^A/.test(text)), false, 'a cursor set by pulling');
	});

	await test('two fingers stretch the picture', async t => {
		const { page } = await spread(t);
		const { x, y } = await canvas(page).boundingBox();
		const { strokes: [left, , right], words } = await picture(page, 0);
		const wire = await page.context().newCDPSession(page);
		const touch = (type, ...xs) => wire.send('Input.dispatchTouchEvent', { type,
			touchPoints: xs.map((at, id) => ({ x: x + at, y: y + 60, id })) });
		await touch('touchStart', left, right);
		await touch('touchMove', left, right + 15);
		await touch('touchMove', left - 15, right + 30);
		await touch('touchEnd');
		const factor = (right - left + 45) / (right - left);
		const stretched = async () => ruler(words).scale / ruler((await picture(page, 0)).words).scale;
		await becomes(async () => Math.abs(await stretched() - factor) < .02, true, 'the stretch');
		const { strokes } = await picture(page, 0);
		const off = [strokes[0] - (left - 15), strokes.at(-1) - (right + 30)];
		check(off.every(pixels => Math.abs(pixels) < 3), `${strokes} lie ${off} beside the fingers`);
	});
}

// --- For everybody ------------------------------------------------------------------------------------------------------------

async function everybody() {
	await test('levels are told in words now and then, and not while the picture is held', async t => {
		const daemon = await t.daemon('LED=GPIO17 BUTTON=GPIO5,input');
		const page = await scope(t, daemon, { before: page => page.clock.install() });
		const words = () => page.locator('main li').allTextContents();
		same(await page.locator('main ul').getAttribute('aria-live'), 'polite', 'how it is spoken');
		await page.clock.runFor(5000);
		await becomes(words, ['LED: Off', 'BUTTON: Off'], 'the words');
		await daemon.write('LED', '1');
		await becomes(async () => (await saved(page)).changes.length, 1, 'a change');
		same(await words(), ['LED: Off', 'BUTTON: Off'], 'the words at once');
		await page.clock.runFor(5000);
		await becomes(words, ['LED: On', 'BUTTON: Off'], 'the words later');
		await page.locator('[value=p]').click();
		await daemon.write('LED', '0');
		await becomes(async () => (await saved(page)).changes.length, 2, 'changes');
		await page.clock.runFor(10000);
		same(await words(), ['LED: On', 'BUTTON: Off'], 'the words while it is held');
	});

	for (const [reducedMotion, least, most] of [['no-preference', 20, 70], ['reduce', 3, 5]])
		await test(`a picture that runs is drawn ${least} to ${most} times a second (${reducedMotion}), a held one not at all`, async t => {
			const page = await scope(t, await t.daemon('LED=GPIO17'), { reducedMotion, before: async page => {
				await page.clock.install();
				await page.addInitScript(keepWords);
			} });
			const drawn = async ms => {
				await page.evaluate(() => window.pictures = 0);
				await page.clock.runFor(ms);
				return page.evaluate(() => window.pictures);
			};
			const often = await drawn(2000) / 2;
			check(often >= least && often <= most, `${often} pictures a second`);
			await page.locator('[value=p]').click();
			await page.clock.runFor(1000);
			same(await drawn(1000), 0, 'pictures while it is held');
		});

	await test('without signals the scope says so', async t => {
		const daemon = await t.daemon('');
		const page = await t.page({ origin: daemon.origin });
		await page.goto(`${daemon.origin}/scope.html`);
		await linked(page, 'connected');
		await becomes(() => reading(page), 'No signals yet', 'the words');
		check(!await page.locator('#tools').isVisible(), 'there are buttons');
	});

	await test('other signals after a restart begin a new picture', async t => {
		const daemon = await t.daemon('LED=GPIO17');
		const page = await scope(t, daemon);
		await daemon.write('LED', '1');
		await becomes(async () => (await saved(page)).changes.length, 1, 'a change');
		await daemon.kill();
		await t.daemon('PUMP=GPIO9 LED=GPIO17', daemon.port);
		await becomes(async () => {
			const { names, changes } = await saved(page);
			return [names, changes.length];
		}, [['PUMP', 'LED'], 0], 'the new dump');
	});
}

// Every size, in light and dark.
export const LOOKS = [['phone', { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }],
	['tablet', { viewport: { width: 820, height: 1180 }, hasTouch: true, isMobile: true }],
	['desktop', { viewport: { width: 1440, height: 900 } }],
].flatMap(([name, options]) => ['light', 'dark'].map(colorScheme => [`${name}-${colorScheme}`, { ...options, colorScheme }]));

// Takes a picture for a person to look at, and judges what a machine can.
export async function judge(page, name) {
	mkdirSync(shots, { recursive: true });
	await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
	await page.evaluate(AXE);
	const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
	same(violations.map(rule => [rule.id, ...rule.nodes.map(node => node.target.join(' '))]), [], `violations of ${name}`);
	const small = await page.locator('main button:visible').evaluateAll(list => list.map(node => node.getBoundingClientRect())
		.filter(({ width, height }) => width < 44 || height < 44).length);
	same(small, 0, `buttons smaller than 44 pixels of ${name}`);
	const broken = await page.locator('main button:visible').evaluateAll(list => list.filter(node => {
		const range = document.createRange();
		range.selectNodeContents(node);
		return range.getClientRects().length > 1;
	}).map(node => node.textContent));
	same(broken, [], `buttons whose words are broken of ${name}`);
	const [wide, room] = await page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth]);
	same(wide, room, `the width of ${name}`);
}

async function looks() {
	for (const [name, options] of LOOKS)
		await test(`the scope is fit for everybody, connected, measuring, held and lost (${name})`, async t => {
			const daemon = await t.daemon();
			const page = await scope(t, daemon, options);
			for (let i = 0; i < 150; i++)
				await daemon.write(i % 3 === 0 ? 'MOTOR.LEFT' : i % 7 === 0 ? 'LAMP' : 'LED', 'toggle');
			await judge(page, `scope-${name}-connected`);
			const { width } = await canvas(page).boundingBox();
			await page.waitForFunction(() => performance.now() > 4000); // so old is what is tapped on
			await tap(page, width - 80);
			await tap(page, width - 20, 2);
			await becomes(async () => /Hz · BUTTON = /.test(await reading(page)), true, 'a measurement');
			await page.locator('[value=p]').click();
			await becomes(() => page.locator('[value=p]').getAttribute('aria-pressed'), 'true', 'it is held');
			await judge(page, `scope-${name}-held`);
			await page.locator('[value=p]').click();
			await daemon.kill();
			await linked(page, 'lost');
			await becomes(async () => (await saved(page)).changes.at(-1)[2], 'x', 'the last level');
			await judge(page, `scope-${name}-lost`);
		});

	await test('on a wide screen long names have their place before the waves', async t => {
		const long = 'A23456789012345678901234567890A';
		const page = await scope(t, await t.daemon(`${long}=GPIO2 B=GPIO3`), { before: page => page.addInitScript(keepWords) });
		const begin = async () => (await picture(page, 0)).words.find(([word]) => word === '0 s')?.[1];
		await becomes(async () => await begin() > 31 * 6, true, 'the ruler behind the name');
		await judge(page, 'scope-long');
	});
}

export async function scopeTests() {
	await recording();
	await measuring();
	await touching();
	await everybody();
	await looks();
}
