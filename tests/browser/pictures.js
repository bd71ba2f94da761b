// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The pictures of the README: SHOTS=DIR keeps them there as readme-*.png, and scripts/pictures puts them into doc/pictures.
import { join } from 'node:path';
import { CAR, becomes, check, same, shots, shown, signal, test } from './rig.js';

const HOUSE = `LED=GPIO17 LAMP=GPIO27 BUTTON=GPIO5,input,bias=pull-up,active-low DOOR=GPIO6,input,bias=pull-up ${CAR} ` +
	'GARDEN.PUMP=GPIO20,failsafe=900ms GARDEN.LIGHT=GPIO21';

const shoot = (page, name) => page.screenshot({ path: join(shots, `readme-${name}.png`) });

export async function pictureTests() {
	await test('a picture of the panel shows the switch that is on', async t => {
		const daemon = await t.daemon(HOUSE);
		const page = await t.panel(daemon, { viewport: { width: 1000, height: 560 } });
		await signal(page, 'LED').click();
		await becomes(() => shown(page, 'LED'), 'On true', 'LED');
		await page.mouse.move(0, 0);
		await page.evaluate(() => Promise.all(document.getAnimations().map(move => move.finished.catch(() => {}))));
		await shoot(page, 'panel');
	});

	await test('a picture of the car shows where it goes', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon, { viewport: { width: 844, height: 390 }, hasTouch: true, isMobile: true, colorScheme: 'dark' });
		const { x, y, width, height } = await page.locator('#stick').boundingBox();
		await page.mouse.move(x + width * .75, y + height * .2);
		await page.mouse.down();
		await becomes(() => page.locator('#doing').textContent(), 'Forward · Right', 'what is said');
		await shoot(page, 'car');
		await page.mouse.up();
	});

	await test('a picture of the scope shows what was measured', async t => {
		const daemon = await t.daemon('LED=GPIO17 CLOCK=GPIO4 DATA=GPIO5 ENABLE=GPIO6');
		const page = await t.panel(daemon, { viewport: { width: 1000, height: 420 }, colorScheme: 'dark' }, 'scope.html');
		await becomes(() => page.locator('canvas').isVisible(), true, 'the picture is there');
		await daemon.write('', 'ENABLE=1&LED=1');
		for (const bit of [...'1011001110001011']) {
			await daemon.write('', `CLOCK=1&DATA=${bit}`);
			await daemon.write('CLOCK', '0');
		}
		await daemon.write('', 'ENABLE=0&LED=0');
		await page.locator('canvas').focus();
		await page.keyboard.press('p');
		const canvas = page.locator('canvas');
		const { x, y, width, height } = await canvas.boundingBox();
		await page.mouse.move(x + width - 1, y + height / 2);
		for (let i = 0; i < 10; i++)
			await page.mouse.wheel(0, -120);
		await page.keyboard.press('ArrowDown'); // CLOCK
		for (const edges of [3, 7]) {
			for (let i = 0; i < 40; i++)
				await page.keyboard.press('ArrowLeft');
			for (let i = 0; i < edges; i++)
				await page.keyboard.press('ArrowRight');
			await page.keyboard.press('Enter');
		}
		await becomes(async () => /Δ .*Hz/.test(await page.locator('output').textContent()), true, 'a measurement');
		await shoot(page, 'scope');
		same(await page.locator('[value=p]').getAttribute('aria-pressed'), 'true', 'it is held');
		check(await canvas.isVisible(), 'the picture');
	});
}
