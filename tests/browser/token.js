// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// A server that wants a token: what the pages ask of the person, and what works without.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CAR, becomes, check, linked, request, same, shows, signal, test } from './rig.js';

const TOKEN = 'correct-horse-battery';

async function guarded(t, kind) {
	const directory = mkdtempSync(join(tmpdir(), 'httapd-token-'));
	t.closing.push(async () => rmSync(directory, { recursive: true }));
	const file = join(directory, 'token');
	writeFileSync(file, `${TOKEN}\n`);
	chmodSync(file, 0o600);
	return t.daemon(`LED=GPIO17 ${CAR}`, 0, { HTTAP_TOKEN_FILE: file, HTTAP_TOKEN_FOR: kind });
}

const field = page => page.getByLabel('Token of this server');

async function name(page, token) {
	await field(page).fill(token);
	await page.keyboard.press('Enter');
	await becomes(() => field(page).count(), 0, 'fields for a token');
}

export async function tokenTests() {
	await test('where writing needs a token, a page shows everything, asks at the first write, and says when it is wrong', async t => {
		const daemon = await guarded(t, 'writes');
		const page = await t.panel(daemon, { expectFailures: true });
		same(await field(page).count(), 0, 'fields for a token before anything was written');
		await signal(page, 'LED').click();
		await becomes(() => field(page).evaluate(node => node === document.activeElement), true, 'the field has the focus');
		await becomes(() => page.locator('#note').textContent().then(text => /needs the token/.test(text)), true, 'the note');
		await shows(page, 'LED', 'Off false');
		await name(page, 'this-is-not-the-one');
		await signal(page, 'LED').click();
		await becomes(() => page.locator('#note').textContent(), 'this is not the token of this server', 'the note');
		await shows(page, 'LED', 'Off false');
		same(await field(page).inputValue(), '', 'what stands in the field');
		await name(page, TOKEN);
		await signal(page, 'LED').click();
		await shows(page, 'LED', 'On true');
		same(await field(page).count(), 0, 'fields for a token');
	});

	await test('the other pages of the tab know the token, a new tab does not', async t => {
		const daemon = await guarded(t, 'writes');
		const page = await t.panel(daemon, { expectFailures: true });
		await signal(page, 'LED').click();
		await name(page, TOKEN);
		await page.goto(`${daemon.origin}/car.html`);
		await linked(page, 'connected');
		await page.keyboard.down('ArrowUp');
		await becomes(() => daemon.read('FORWARD'), 1, 'FORWARD');
		await page.keyboard.up('ArrowUp');
		await becomes(() => daemon.read('FORWARD'), 0, 'FORWARD');
		same(await field(page).count(), 0, 'fields for a token');
		const other = await t.panel(daemon, { expectFailures: true });
		await signal(other, 'LED').click();
		await becomes(() => field(other).count(), 1, 'fields for a token of another tab');
	});

	await test('without the token nothing is driven, and STOP works, also while the page asks for it', async t => {
		const daemon = await guarded(t, 'writes');
		const page = await t.car(daemon, { expectFailures: true });
		await page.keyboard.down('ArrowUp');
		await becomes(() => field(page).count(), 1, 'fields for a token');
		await page.keyboard.up('ArrowUp');
		same(await daemon.read('FORWARD'), 0, 'FORWARD');
		await page.locator('#stop').click();
		await becomes(() => daemon.count(/POST \/\?stop: 200/) > 0, true, 'the stop');
		await becomes(() => page.locator('#note').getAttribute('data-kind'), 'good', 'the note');
		await page.keyboard.press('Escape');
		await becomes(() => daemon.count(/POST \/\?stop: 200/) > 1, true, 'the stop by Escape');
	});

	await test('where everything needs a token, the browser asks for it, and the pages work with what it was told', async t => {
		const daemon = await guarded(t, 'everything');
		for (const target of ['/', '/?list', '/?LED'])
			same((await request(daemon.port, target)).status, 401, `the status of ${target} without`);
		const known = { httpCredentials: { username: 'anybody', password: TOKEN }, expectFailures: true };
		const page = await t.panel(daemon, known);
		await signal(page, 'LED').click();
		await shows(page, 'LED', 'On true');
		await page.locator('#stop').click();
		await shows(page, 'LED', 'Off false');
		same(await field(page).count(), 0, 'fields for a token');
		check(daemon.count(/GET \/\?events: 200/) > 0, 'nobody listens');
	});

	for (const [look, options] of [['phone', { viewport: { width: 390, height: 844 }, colorScheme: 'dark' }], ['desk', {}]])
		for (const file of ['', 'car.html'])
			await test(`what asks for the token covers nothing (${look}, ${file || 'panel'})`, async t => {
				const daemon = await guarded(t, 'writes');
				const page = await t.panel(daemon, { expectFailures: true, ...options }, file);
				await page.evaluate(() => fetch('./?LED', { method: 'POST', body: '1' }));
				await page.evaluate(() => import('./token.js').then(form => form.wish()));
				await becomes(() => field(page).count(), 1, 'fields for a token');
				if (process.env.SHOTS)
					await page.screenshot({ path: join(process.env.SHOTS, `token-${look}-${file || 'panel'}.png`) });
				const box = async where => page.locator(where).boundingBox();
				const [form, stop] = [await box('#token'), await box('#stop')];
				check(stop.y + stop.height <= form.y || form.y + form.height <= stop.y, 'the form covers STOP');
				check(form.height >= 44 && form.x >= 0 && form.x + form.width <= page.viewportSize().width, `the form: ${JSON.stringify(form)}`);
			});
}
