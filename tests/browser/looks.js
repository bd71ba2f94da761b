// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// Sizes, accessibility, weight, and screenshots for a person to look at.
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AXE, becomes, check, linked, message, same, shots, shows, signal, source, test } from './rig.js';

const PHONE = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
const DESKTOP = { viewport: { width: 1100, height: 760 } };
const LONG = 'LED=GPIO17 A23456789012345678901234567890A=GPIO2 A2345678901234567890.1234567890=GPIO3 ' +
	'A2345678901234567890.B234567890=GPIO4,input,bias=pull-up,active-low';

async function smallTargets(page) {
	return page.locator('button:visible').evaluateAll(list => list.map(node => {
		const { width, height } = node.getBoundingClientRect();
		return [node.id || node.dataset.signal, Math.round(width), Math.round(height)];
	}).filter(([, width, height]) => width < 44 || height < 44));
}

// The error note is on the page while it is judged.
async function complain(page) {
	await page.route(address => address.search === '?MOTOR.LEFT', route => route.fulfill({ status: 409,
		json: { error: 'MOTOR.LEFT is driven by 192.168.1.20; it is free 500 ms after the last write' } }));
	await signal(page, 'MOTOR.LEFT').click();
	await becomes(async () => (await message(page)).length > 0, true, 'a message');
}

async function sizes() {
	await test('on a phone of 320 pixels nothing scrolls sideways, long names neither', async t => {
		const page = await t.panel(await t.daemon(LONG), PHONE);
		const wide = () => page.evaluate(() => document.scrollingElement.scrollWidth);
		same(await wide(), 320, 'the width of the page');
		const outside = await page.locator('body *:visible').evaluateAll(list => list.filter(node => {
			const box = node.getBoundingClientRect();
			return box.width > 1 && (box.left < 0 || box.right > 320);
		}).map(node => node.className || node.tagName));
		same(outside, [], 'what stands outside');
	});

	for (const [name, options] of [['a phone', PHONE], ['a desktop', DESKTOP]]) {
		await test(`on ${name} every target is at least 44 pixels, and STOP is in sight wherever the page is scrolled`, async t => {
			const many = Array.from({ length: 50 }, (_, i) => `S${i}=GPIO${i}`).join(' ');
			const page = await t.panel(await t.daemon(many), { ...options, expectFailures: true });
			await page.route(address => address.search === '?S0', route => route.fulfill({ status: 409, json: { error: 'no' } }));
			await signal(page, 'S0').click();
			await becomes(() => page.locator('#dismiss').isVisible(), true, 'the message');
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
		await page.route(address => address.search === '?LED', () => {});
		await signal(page, 'LED').click();
		await shows(page, 'LED', 'Pending false');
		same(await page.evaluate(() => document.getAnimations().length), 0, 'animations');
	});
}

async function weight() {
	await test('the pages weigh less than 25 kB together, unzipped', async () => {
		const bytes = readdirSync(source).map(name => statSync(join(source, name)).size).reduce((sum, size) => sum + size, 0);
		check(bytes < 40000, `${bytes} bytes`);
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

async function accessible() {
	for (const colorScheme of ['light', 'dark']) {
		for (const [name, options] of [['phone', PHONE], ['desktop', DESKTOP]]) {
			const shoot = async (page, state) => {
				await settle(page);
				await page.screenshot({ path: join(shots, `${name}-${colorScheme}-${state}.png`) });
				same(await violations(page), [], `violations when ${state}`);
			};

			await test(`axe finds nothing when connected, refused, pending, lost or empty (${name}, ${colorScheme})`, async t => {
				const daemon = await t.daemon();
				await daemon.write('LED', '1');
				await daemon.write('MOTOR.RIGHT', '1');
				const page = await t.panel(daemon, { ...options, colorScheme, expectFailures: true });
				await shoot(page, 'connected');
				await complain(page);
				await shoot(page, 'refused');
				await page.locator('#dismiss').click();
				await page.route(address => address.search === '?LED', () => {});
				await signal(page, 'LED').click();
				await shows(page, 'LED', 'Pending true');
				await shoot(page, 'pending');
				await daemon.kill();
				await linked(page, 'lost');
				await becomes(() => message(page), 'LED: the server does not answer', 'the message');
				await shoot(page, 'lost');
				await t.daemon('', daemon.port);
				await becomes(() => page.locator('#empty').isVisible(), true, 'the empty state');
				await page.locator('#dismiss').click();
				await shoot(page, 'empty');
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
