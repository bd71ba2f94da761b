// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// Sizes, accessibility, weight, and screenshots for a person to look at.
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AXE, CAR, becomes, check, linked, message, same, shots, shown, shows, signal, source, test } from './rig.js';

const touch = (width, height) => ({ viewport: { width, height }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 });
const PHONE = touch(320, 568); // the smallest
const DESKTOP = { viewport: { width: 1100, height: 760 } };
const LONG = 'LED=GPIO17 A23456789012345678901234567890A=GPIO2 A2345678901234567890.1234567890=GPIO3 ' +
	'A2345678901234567890.B234567890=GPIO4,input,bias=pull-up,active-low A2345678901234567890.C23456789=GPIO5,failsafe=500ms';
const HOUSE = `LED=GPIO17 LAMP=GPIO27,active-low BUTTON=GPIO5,input,bias=pull-up,active-low DOOR=GPIO6,input,bias=pull-up ${CAR} ` +
	'GARDEN.PUMP=GPIO20,failsafe=900ms GARDEN.LIGHT=GPIO21';
const files = readdirSync(source).filter(name => name.endsWith('.html'));

async function smallTargets(page) {
	return page.locator('button:visible, a:visible').evaluateAll(list => list.map(node => {
		const { width, height } = node.getBoundingClientRect();
		return [node.id || node.dataset.signal || node.className, Math.round(width), Math.round(height)];
	}).filter(([, width, height]) => width < 44 || height < 44));
}

// The error note is on the page while it is judged.
async function complain(page) {
	await page.route(address => address.search === '?GARDEN.LIGHT', route => route.fulfill({ status: 409,
		json: { error: 'GARDEN.LIGHT was stopped; let go first: set it to 0, then it moves again' } }));
	await signal(page, 'GARDEN.LIGHT').click();
	await becomes(async () => (await message(page)).length > 0, true, 'a message');
}

async function sizes() {
	for (const file of files)
		for (const locale of ['en-GB', 'de-DE', 'fr-FR'])
			await test(`${file} in ${locale} fits all widths from 320 pixels to 4K`, async t => {
				const page = await t.panel(await t.daemon(HOUSE), { locale }, file);
				for (const [width, height] of [[320, 568], [568, 320], [820, 1180], [1100, 760], [3840, 2160]]) {
					await page.setViewportSize({ width, height });
					same(await page.evaluate(() => document.scrollingElement.scrollWidth), width, 'the width of the page');
					same(await page.locator('header *:visible').evaluateAll(list => list.filter(node => {
						const box = node.getBoundingClientRect();
						return box.left < 0 || box.right > innerWidth || node.scrollWidth > node.clientWidth + 1 && node.tagName === 'A';
					}).map(node => node.id || node.textContent)), [], `what does not fit at ${width}`);
				}
			});

	for (const [width, height] of [[320, 568], [667, 375], [568, 320], [390, 844], [1100, 760]])
		await test(`all of the car page is in sight at ${width} x ${height}, even when it has much to say`, async t => {
			const page = await t.car(await t.daemon(CAR), { ...touch(width, height), locale: 'de-DE' });
			await page.locator('#doing').evaluate(node => node.textContent = 'Gelöst: loslassen, dann neu drücken');
			const hidden = await page.locator('#stop, #stick, #cross button, #doing, #hint, nav a').evaluateAll(list => list.filter(node => {
				const { left, top, right, bottom } = node.getBoundingClientRect();
				const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
				return left < 0 || top < 0 || right > innerWidth || bottom > innerHeight || !node.contains(over);
			}).map(node => node.id || node.className || node.textContent));
			same(hidden, [], 'what is out of sight or covered');
			same(await page.evaluate(() => document.scrollingElement.scrollHeight), height, 'the height of the page');
			same(await smallTargets(page), [], 'smaller targets');
		});

	await test('on a phone of 320 pixels nothing scrolls sideways, long names neither', async t => {
		const page = await t.panel(await t.daemon(LONG), PHONE);
		const wide = () => page.evaluate(() => document.scrollingElement.scrollWidth);
		same(await wide(), 320, 'the width of the page');
		const outside = await page.locator('body *:visible').evaluateAll(list => list.filter(node => {
			const box = node.getBoundingClientRect();
			return box.width > 1 && (Math.round(box.left) < 0 || Math.round(box.right) > 320);
		}).map(node => node.className || node.tagName));
		same(outside, [], 'what stands outside');
	});

	for (const [name, options] of [['a phone', PHONE], ['a desktop', DESKTOP]]) {
		await test(`on ${name} every target is at least 44 pixels, and STOP is in sight wherever the page is scrolled`, async t => {
			const many = Array.from({ length: 50 }, (_, i) => `S${i}=GPIO${i}`).join(' ');
			const page = await t.panel(await t.daemon(many), { ...options, expectFailures: true });
			await page.route(address => address.search === '?S0', route => route.fulfill({ status: 409, json: { error: 'no' } }));
			await signal(page, 'S0').click();
			await becomes(() => message(page), 'no', 'the message');
			same(await smallTargets(page), [], 'smaller targets');
			await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
			const hidden = await page.locator('#stop').evaluate(stop => {
				const { left, top, width, height } = stop.getBoundingClientRect();
				return !stop.contains(document.elementFromPoint(left + width / 2, top + height / 2));
			});
			check(!hidden, 'STOP is out of sight or covered');
			const covered = await signal(page, 'S49').evaluate(box => box.getBoundingClientRect().bottom >
				document.querySelector('#note').getBoundingClientRect().top);
			check(!covered, 'the last signal is covered by the message');
		});
	}

	await test('whoever wishes less motion gets none', async t => {
		const page = await t.panel(await t.daemon(), { reducedMotion: 'reduce' });
		await signal(page, 'LED').click();
		await shows(page, 'LED', 'On true');
		same(await page.evaluate(() => document.getAnimations().length), 0, 'animations');
	});
}

async function weight() {
	for (const file of files)
		await test(`${file} weighs less than 40 kB with everything it loads, unzipped`, async t => {
			const page = await t.panel(await t.daemon(), {}, file);
			const loaded = await page.evaluate(() => performance.getEntries().filter(entry => entry.decodedBodySize && !/\?/.test(entry.name))
				.map(entry => [new URL(entry.name).pathname, entry.decodedBodySize]));
			const kinds = ['.html', '.js', '.css'].filter(kind => !loaded.some(([path]) => (path === '/' ? '/index.html' : path).endsWith(kind)));
			same(kinds, [], 'kinds of files that were not loaded');
			// What a browser shows beside the page it may load or not.
			const icons = readdirSync(source).filter(name => /\.(ico|webmanifest)$/.test(name)).map(name => statSync(join(source, name)).size);
			const bytes = [...loaded.map(([, size]) => size), ...icons].reduce((sum, size) => sum + size, 0);
			console.log(`# ${file}: ${bytes} bytes`);
			check(bytes < 40000, `${bytes} bytes: ${loaded}`);
		});

	await test('the pages name no address outside', async () => {
		const found = readdirSync(source).flatMap(name => (readFileSync(join(source, name), 'utf8').match(/(https?:)?\/\/[a-z][^\s"']*/gi) ?? [])
			.filter(address => address !== 'http://www.w3.org/2000/svg')); // the name of a language, which nobody fetches
		same(found, [], 'addresses');
	});
}

// What axe finds, one line each.
async function violations(page) {
	await page.evaluate(AXE);
	const { violations: found } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
	return found.map(rule => `${rule.id}: ${rule.nodes.map(node => node.target.join(' ')).join(', ')}`);
}

// Colours that are still on their way belong to no state.
async function settle(page) {
	await page.evaluate(() => Promise.all(document.getAnimations().filter(move => move.effect.getTiming().iterations === 1)
		.map(move => move.finished.catch(() => {}))));
}

// Another page, which drives.
async function somebodyDrives(t, daemon) {
	const page = await t.car(daemon, { expectFailures: true });
	await page.keyboard.down('KeyD');
	await becomes(() => daemon.read('RIGHT'), 1, 'RIGHT');
	return page;
}

async function accessible() {
	for (const colorScheme of ['light', 'dark']) {
		for (const [name, options] of [['phone', touch(390, 844)], ['tablet', touch(820, 1180)], ['desktop', DESKTOP]]) {
			const shoot = async (page, state) => {
				await settle(page);
				await page.screenshot({ path: join(shots, `${name}-${colorScheme}-${state}.png`) });
				same(await violations(page), [], `violations when ${state}`);
			};
			const looks = { ...options, colorScheme, expectFailures: true };

			await test(`axe finds nothing on the panel, in any state (${name}, ${colorScheme})`, async t => {
				const daemon = await t.daemon(HOUSE);
				await daemon.write('LED', '1');
				await daemon.write('GARDEN.LIGHT', '1');
				const page = await t.panel(daemon, looks);
				await shoot(page, 'panel');
				await complain(page);
				await shoot(page, 'panel-refused');
				await signal(page, 'FORWARD').hover();
				await page.mouse.down();
				await shows(page, 'FORWARD', 'On true');
				await shoot(page, 'panel-held');
				await daemon.write('stop');
				await shows(page, 'FORWARD', 'Released: let go, then press again false');
				await shoot(page, 'panel-tripped');
				await daemon.free(page, () => page.mouse.up());
				await page.mouse.move(0, 0);
				const other = await somebodyDrives(t, daemon);
				await becomes(() => shown(page, 'LEFT'), '::1 drives false', 'LEFT');
				await shoot(page, 'panel-driven');
				await other.keyboard.up('KeyD');
				await daemon.kill();
				await linked(page, 'lost');
				await page.locator('#stop').click();
				await becomes(() => message(page), 'STOP: the server does not answer', 'the message');
				await shoot(page, 'panel-lost');
				await t.daemon('', daemon.port);
				await becomes(() => page.locator('#empty').isVisible(), true, 'the empty state');
				await shoot(page, 'panel-empty');
			});

			await test(`axe finds nothing on the car page, in any state (${name}, ${colorScheme})`, async t => {
				const daemon = await t.daemon(CAR);
				const page = await t.car(daemon, looks);
				const doing = should => becomes(() => page.locator('#doing').textContent(), should, 'what is said');
				const { x, y, width, height } = await page.locator('#stick').boundingBox();
				await shoot(page, 'car');
				await page.mouse.move(x + width * .78, y + height * .2);
				await page.mouse.down();
				await doing('Forward · Right');
				await shoot(page, 'car-driving');
				await daemon.write('stop');
				await doing('Released: let go, then press again');
				await shoot(page, 'car-tripped');
				await daemon.free(page, () => page.mouse.up());
				const other = await somebodyDrives(t, daemon);
				await doing('::1 drives');
				await shoot(page, 'car-driven');
				await other.keyboard.up('KeyD');
				await daemon.kill();
				await linked(page, 'lost');
				await shoot(page, 'car-lost');
				await t.daemon('LED=GPIO17', daemon.port);
				await linked(page, 'connected');
				await shoot(page, 'car-none');
			});

			for (const file of files.filter(file => !['index.html', 'car.html'].includes(file)))
				await test(`axe finds nothing on ${file}, connected or lost (${name}, ${colorScheme})`, async t => {
					const daemon = await t.daemon(HOUSE);
					const page = await t.panel(daemon, looks, file);
					await shoot(page, file.replace('.html', ''));
					await daemon.kill();
					await linked(page, 'lost');
					await shoot(page, file.replace('.html', '-lost'));
				});
		}
	}
}

export async function looksTests() {
	mkdirSync(shots, { recursive: true });
	await sizes();
	await weight();
	await accessible();
}
