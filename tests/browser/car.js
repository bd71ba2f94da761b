// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// Driving: what each control holds, how it is repeated, who may, and what happens after a stop. How it ends is in release.js.
import { CAR, FAILSAFE_MS, becomes, check, counter, linked, message, same, shown, signal, test } from './rig.js';

const NAMES = ['FORWARD', 'REVERSE', 'LEFT', 'RIGHT'];

const doing = page => page.locator('#doing').textContent();

async function holds(daemon, should) {
	await becomes(async () => {
		const values = await Promise.all(NAMES.map(name => daemon.read(name)));
		return NAMES.filter((_, i) => values[i]);
	}, should, 'the lines that are on');
}

async function middle(page, selector) {
	const { x, y, width, height } = await page.locator(selector).boundingBox();
	return { x: x + width / 2, y: y + height / 2, r: width / 2 };
}

async function controls() {
	await test('the stick holds eight directions, and nothing in its middle', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon);
		const { x, y, r } = await middle(page, '#stick');
		await page.mouse.move(x, y);
		await page.mouse.down();
		const eight = [['RIGHT'], ['REVERSE', 'RIGHT'], ['REVERSE'], ['REVERSE', 'LEFT'], ['LEFT'], ['FORWARD', 'LEFT'], ['FORWARD'],
			['FORWARD', 'RIGHT']];
		for (let i = 0; i < 8; i++) {
			await page.mouse.move(x + r * .8 * Math.cos(i * Math.PI / 4), y + r * .8 * Math.sin(i * Math.PI / 4));
			await holds(daemon, eight[i]);
		}
		await page.mouse.move(x + r * .2, y);
		await holds(daemon, []);
		await page.mouse.move(x + r * 5, y); // far outside it still is the same thumb
		await holds(daemon, ['RIGHT']);
		await becomes(() => doing(page), 'Right', 'what is said');
		await page.mouse.up();
		await holds(daemon, []);
		await becomes(() => doing(page), 'Standing', 'what is said');
	});

	await test('two fingers hold two buttons, and opposite ones hold nothing', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
		const glass = await page.context().newCDPSession(page);
		const touch = (type, ...points) => glass.send('Input.dispatchTouchEvent', { type, touchPoints: points });
		const [forward, left, reverse] = await Promise.all(['forward', 'left', 'reverse'].map(async (side, id) =>
			({ ...await middle(page, `button.${side}`), id })));
		await touch('touchStart', forward);
		await touch('touchStart', forward, left);
		await holds(daemon, ['FORWARD', 'LEFT']);
		await touch('touchEnd', left); // that one
		await holds(daemon, ['FORWARD']);
		await touch('touchStart', forward, reverse);
		await holds(daemon, []);
		await touch('touchEnd', reverse);
		await holds(daemon, ['FORWARD']);
		await touch('touchEnd', forward);
		await holds(daemon, []);
	});

	await test('arrow keys and WASD hold, a key for the menu does not', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon);
		for (const [keys, lines] of [[['ArrowUp', 'ArrowLeft'], ['FORWARD', 'LEFT']], [['KeyS', 'KeyD'], ['REVERSE', 'RIGHT']]]) {
			for (const key of keys)
				await page.keyboard.down(key);
			await holds(daemon, lines);
			for (const key of keys)
				await page.keyboard.up(key);
			await holds(daemon, []);
		}
		await page.evaluate(() => fetch('./?ping')); // behind which nothing of before is reported
		const writes = counter(page, /^POST/);
		await page.keyboard.press('Control+KeyS');
		await page.evaluate(() => fetch('./?ping'));
		same(writes.count, 0, 'writes');
	});

	await test('a button is held by Enter and by space when Tab has led there', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon);
		for (const key of ['Enter', 'Space']) {
			await page.locator('#stop').focus();
			await page.keyboard.press('Tab');
			await page.keyboard.down(key);
			await holds(daemon, ['FORWARD']);
			await page.keyboard.up(key);
			await holds(daemon, []);
		}
		same(daemon.count(/\?stop/), 0, 'stops');
	});

	await test('a gamepad holds by stick and cross, and B stops', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon, { before: page => page.addInitScript(() => {
			window.pad = { axes: [0, 0], buttons: Array.from({ length: 16 }, () => ({ pressed: false })) };
			navigator.getGamepads = () => [null, window.pad];
		}) });
		await page.evaluate(() => dispatchEvent(new Event('gamepadconnected')));
		await page.evaluate(() => window.pad.axes = [-.7, -.7]);
		await holds(daemon, ['FORWARD', 'LEFT']);
		await page.evaluate(() => dispatchEvent(new Event('blur')));
		await holds(daemon, []);
		await page.evaluate(() => window.pad.axes = [0, 0]);
		await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))));
		await page.evaluate(() => window.pad.buttons[13].pressed = true);
		await holds(daemon, ['REVERSE']);
		await page.evaluate(() => window.pad.buttons[1].pressed = true);
		await holds(daemon, []);
		await becomes(() => daemon.count(/POST \/\?stop: 200/), 1, 'stops');
		await page.evaluate(() => window.pad = null);
	});

	await test('the page says when a gamepad has no chance', async t => {
		const daemon = await t.daemon(CAR, 0, { HTTAP_HOSTS: 'car.test' });
		const page = await t.car(daemon);
		check((await page.locator('#hint').textContent()).includes('Gamepad: stick or cross'), 'no word on the gamepad');
		const origin = `http://car.test:${daemon.port}`;
		const other = await t.page({ origin });
		await other.goto(`${origin}/car.html`);
		await linked(other, 'connected');
		check((await other.locator('#hint').textContent()).includes('A gamepad needs HTTPS or localhost.'), 'it is not said');
	});
}

async function names() {
	await test('the names of the lines come from the address', async t => {
		const daemon = await t.daemon('MOTOR.F=23,failsafe=500ms MOTOR.B=24,failsafe=500ms FORWARD=17,failsafe=500ms');
		const page = await t.car(daemon, {}, '?forward=MOTOR.F&reverse=MOTOR.B');
		same(await page.locator('#cross button').evaluateAll(list => list.map(node => node.ariaLabel)),
			['Forward, MOTOR.F', 'Reverse, MOTOR.B'], 'the buttons');
		await page.keyboard.down('ArrowUp');
		await becomes(() => daemon.read('MOTOR.F'), 1, 'MOTOR.F');
		same(await daemon.read('FORWARD'), 0, 'FORWARD');
		await page.keyboard.up('ArrowUp');
	});

	await test('a name that is no driven output is said, with those that are', async t => {
		const daemon = await t.daemon(`${CAR} LED=GPIO17`);
		const page = await t.car(daemon, {}, '?forward=MOTOR.X&left=LED');
		same(await page.locator('#hint').textContent(), 'No output with failsafe=TIME: MOTOR.X, LED. There are: ' +
			'FORWARD, REVERSE, LEFT, RIGHT', 'the sentence');
		same(await page.locator('#cross button').count(), 2, 'buttons');
	});

	await test('without a line to drive the page says what is missing, and has no controls', async t => {
		const page = await t.car(await t.daemon('LED=GPIO17'));
		same(await page.locator('#hint').textContent(),
			'No output with failsafe=TIME: FORWARD. There are: —', 'the sentence');
		check(!await page.locator('#stick').isVisible(), 'the stick is there');
	});
}

// The next requests to drive are held until the test lets them go.
async function gate(page) {
	const waiting = [];
	await page.route(address => address.search === '' && address.href.endsWith('/?'), (route, request) => request.method() === 'POST' ?
		waiting.push({ body: request.postData(), go: () => route.continue() }) : route.continue());
	return waiting;
}

async function commands() {
	await test('while it is held it is repeated, one request at a time, and the line never drops', async t => {
		const daemon = await t.daemon(CAR);
		const listener = await t.listener(daemon);
		const page = await t.car(daemon);
		await page.keyboard.down('KeyW');
		await becomes(() => daemon.count(/POST \/\?: 200/) >= 8, true, 'eight requests: more than two failsafe times');
		same(listener.of('FORWARD').map(change => change.value), [1], 'changes of FORWARD');
		await page.keyboard.up('KeyW');
		await holds(daemon, []);
		const times = await page.evaluate(() => performance.getEntriesByType('resource').filter(entry => entry.name.endsWith('/?'))
			.map(entry => [entry.startTime, entry.responseEnd]));
		const drives = times.slice(1).sort((a, b) => a[0] - b[0]); // the first asks for the name
		same(drives.filter(([start], i) => i > 0 && start < drives[i - 1][1]), [], 'requests that began before the last had ended');
		const gaps = drives.slice(1, 8).map(([start], i) => start - drives[i][0]).sort((a, b) => a - b);
		check(gaps[0] >= FAILSAFE_MS / 3 - 20, `repeated after ${gaps[0]} ms`);
	});

	await test('the newest command wins: what came in between is not sent', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon);
		const waiting = await gate(page);
		await page.keyboard.down('KeyW');
		await becomes(() => waiting.length, 1, 'requests under way');
		await page.keyboard.down('KeyA');
		await page.keyboard.up('KeyA');
		await page.keyboard.up('KeyW');
		await page.keyboard.down('KeyD');
		same(waiting.length, 1, 'requests under way');
		waiting[0].go();
		await becomes(() => waiting.length, 2, 'requests');
		same(waiting[1].body, 'FORWARD=0&LEFT=0&RIGHT=1', 'the second');
		waiting[1].go();
		await holds(daemon, ['RIGHT']);
		await page.unroute('**/*').catch(() => {});
	});

	await test('STOP while a command is under way: its 0 goes behind it', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon);
		const waiting = await gate(page);
		await page.keyboard.down('KeyW');
		await becomes(() => waiting.length, 1, 'requests under way');
		await page.keyboard.press('Escape');
		await becomes(() => daemon.count(/POST \/\?stop: 200/), 1, 'stops');
		waiting[0].go();
		await becomes(() => waiting.length, 2, 'requests');
		same(waiting[1].body, 'FORWARD=0', 'the second');
		waiting[1].go();
		await becomes(() => daemon.count(/POST \/\?: 200/), 2, 'commands');
		await holds(daemon, []);
	});
}

async function tripping() {
	for (const where of ['car', 'panel'])
		await test(`${where}: who was stopped while he held must let go, is told so, and then drives again`, async t => {
			const daemon = await t.daemon(CAR);
			const page = await (where === 'car' ? t.car(daemon, { expectFailures: true }) : t.panel(daemon, { expectFailures: true }));
			const { x, y } = await middle(page, where === 'car' ? 'button.forward' : '[data-signal=FORWARD]');
			const says = async () => where === 'car' ? doing(page) : (await shown(page, 'FORWARD')).replace(/ (true|false)$/, '');
			await page.mouse.move(x, y);
			await page.mouse.down();
			await holds(daemon, ['FORWARD']);
			await daemon.write('stop');
			await becomes(says, 'Released: let go, then press again', 'what is said');
			same(await daemon.read('FORWARD'), 0, 'FORWARD');
			await becomes(() => message(page), 'FORWARD was stopped; let go first: set it to 0, then it moves again', 'the message');
			await page.mouse.up();
			await becomes(says, where === 'car' ? 'Standing' : 'Off', 'what is said');
			await page.mouse.down();
			await holds(daemon, ['FORWARD']);
			await becomes(says, where === 'car' ? 'Forward' : 'On', 'what is said');
		});

	await test('a second browser sees who drives, can not drive and is told why, and can stop', async t => {
		const daemon = await t.daemon(CAR);
		const one = await t.car(daemon, { expectFailures: true });
		const { browser } = await t.browser();
		const options = { within: browser, expectFailures: true };
		const [panel, car] = [await t.panel(daemon, options), await t.car(daemon, options)];
		await one.keyboard.down('KeyW');
		await becomes(() => one.locator('#driver').textContent(), 'you drive', 'the badge of who drives');
		for (const page of [panel, car])
			await becomes(() => page.locator('#driver').textContent(), '::1 drives', 'the badge of the others');
		await becomes(() => shown(panel, 'REVERSE'), '::1 drives false', 'the button');
		await becomes(() => doing(car), '::1 drives', 'the car page');
		same(await signal(panel, 'REVERSE').getAttribute('aria-disabled'), 'true', 'aria-disabled');
		const { x, y } = await middle(panel, '[data-signal=LEFT]');
		await panel.mouse.move(x, y);
		await panel.mouse.down();
		await car.keyboard.press('KeyA');
		await panel.mouse.up();
		await holds(daemon, ['FORWARD']);
		await car.keyboard.press('Escape');
		await holds(daemon, []);
		await becomes(() => doing(one), 'Released: let go, then press again', 'what the driver is told');
		await daemon.free(one, () => one.keyboard.up('KeyW'));
		await becomes(() => doing(car), 'Standing', 'the car page');
		await car.keyboard.down('KeyA');
		await holds(daemon, ['LEFT']);
		await car.keyboard.up('KeyA');
	});

	await test('who presses before the page knows of another driver gets the sentence of the server', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon, { expectFailures: true });
		const waiting = await gate(page);
		await page.keyboard.down('KeyW');
		await becomes(() => waiting.length, 1, 'requests under way');
		await daemon.write('LEFT', '1'); // by a client that leaves at once, and is the driver no more
		const other = await t.car(daemon);
		await other.keyboard.down('KeyD');
		await holds(daemon, ['RIGHT']);
		waiting[0].go();
		await becomes(async () => /^FORWARD is driven by ::1, for \d+ ms still/.test(await message(page)), true, 'the message');
		await holds(daemon, ['RIGHT']);
		await page.keyboard.up('KeyW');
		await other.keyboard.up('KeyD');
	});
}

async function space() {
	await test('space stops, but where Tab has led to a button; a click is no Tab', async t => {
		const daemon = await t.daemon('LED=GPIO17 LAMP=GPIO27');
		const page = await t.panel(daemon);
		const stops = () => daemon.count(/POST \/\?stop: 200/);
		await signal(page, 'LED').click();
		await becomes(() => shown(page, 'LED'), 'On true', 'LED');
		await page.keyboard.press('Space');
		await becomes(stops, 1, 'stops');
		await becomes(() => shown(page, 'LED'), 'Off false', 'LED');
		await page.keyboard.press('Tab');
		await becomes(() => page.evaluate(() => document.activeElement.dataset.signal), 'LAMP', 'the focus');
		await page.keyboard.press('Space');
		await becomes(() => shown(page, 'LAMP'), 'On true', 'LAMP');
		same(stops(), 1, 'stops');
	});
}

export async function carTests() {
	await controls();
	await names();
	await commands();
	await tripping();
	await space();
}
