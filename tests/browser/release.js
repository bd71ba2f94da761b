// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// Every way to lose the finger. Each test holds a line, loses the finger in one way, and asks the server when the line was safe: its own
// clock says so, and its log says whether the page let go by itself or the failsafe had to.
import { CAR, FAILSAFE_MS, becomes, check, linked, monotonic, same, signal, test } from './rig.js';

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true };
const ALLOWED_MS = FAILSAFE_MS + 100;

// Where the pointer must be for FORWARD alone.
const HANDLES = {
	stick: { file: 'car.html', box: page => page.locator('#stick'), place: [.5, .1] },
	button: { file: 'car.html', box: page => page.locator('button.forward'), place: [.5, .5] },
	panel: { file: '', box: page => signal(page, 'FORWARD'), place: [.5, .5] },
};

async function point(page, { box, place }) {
	const { x, y, width, height } = await box(page).boundingBox();
	return { x: x + width * place[0], y: y + height * place[1] };
}

async function fingers(page, type, ...points) {
	page.glass ??= await page.context().newCDPSession(page);
	await page.glass.send('Input.dispatchTouchEvent', { type, touchPoints: points.map((at, id) => ({ ...at, id })) });
}

async function held(daemon) {
	await becomes(() => daemon.read('FORWARD'), 1, 'FORWARD while it is held');
}

// The last change to 0 came in time after `since`, and by whom: 'page' or 'failsafe'.
async function released(daemon, listener, since, by) {
	await becomes(() => daemon.read('FORWARD'), 0, `FORWARD after the finger is gone\n${daemon.log.slice(-500)}`);
	await becomes(() => listener.of('FORWARD').at(-1).value, 0, 'what listeners hear');
	const { t } = listener.of('FORWARD').at(-1);
	check(t - since <= ALLOWED_MS, `it took ${Math.round(t - since)} ms`);
	await becomes(() => /FORWARD 1 -> 0/.test(daemon.log), true, 'the log');
	const failsafe = /FORWARD 1 -> 0: failsafe/.test(daemon.log);
	same(failsafe ? 'failsafe' : 'page', by, `who let go\n${daemon.log.slice(-800)}`);
}

// Holds with a finger on glass or the mouse, loses it, and looks.
async function losing(t, handle, lose, { touch = false, by = 'page', ...options } = {}) {
	const daemon = await t.daemon(CAR);
	const listener = await t.listener(daemon);
	const page = await t.panel(daemon, { ...touch ? PHONE : {}, ...options }, HANDLES[handle].file);
	const at = await point(page, HANDLES[handle]);
	if (touch)
		await fingers(page, 'touchStart', at);
	else {
		await page.mouse.move(at.x, at.y);
		await page.mouse.down();
	}
	await held(daemon);
	const since = monotonic();
	await lose(page, at, daemon);
	await released(daemon, listener, since, by);
	return { daemon, page, at };
}

const hide = page => page.evaluate(() => {
	Object.defineProperty(document, 'hidden', { value: true, configurable: true });
	document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
});

const WAYS = [
	['the mouse button goes up', page => page.mouse.up(), {}],
	['the finger leaves the glass', page => fingers(page, 'touchEnd'), { touch: true }],
	['the system takes the touch (pointercancel)', page => fingers(page, 'touchCancel'), { touch: true }],
	['the capture is lost (lostpointercapture)', async (page, at) => {
		await page.mouse.move(at.x + 2, at.y); // with which the browser takes the capture for true
		await page.evaluate(() => {
			const node = [...document.querySelectorAll('#stick, button')].find(node => node.hasPointerCapture(1));
			node.releasePointerCapture(1);
		});
		await page.mouse.move(at.x + 1, at.y + 1); // with which the browser tells
	}, {}],
	['the window loses the focus (blur)', page => page.evaluate(() => dispatchEvent(new Event('blur'))), {}],
	['the page is hidden (visibilitychange)', hide, {}],
	['another page is gone to (pagehide)', page => page.goto('about:blank'), {}],
	['a menu opens (contextmenu)', page => page.mouse.down({ button: 'right' }), {}],
	['a second finger comes', (page, at) => fingers(page, 'touchStart', at, { x: at.x + 12, y: at.y + 12 }), { touch: true }],
	['the phone is turned', page => page.setViewportSize({ width: 740, height: 360 }), { touch: true }],
	['STOP is pressed', page => page.keyboard.press('Escape'), {}],
];

async function ways() {
	for (const handle of Object.keys(HANDLES))
		for (const [what, lose, options] of WAYS)
			await test(`${handle}: the line is safe when ${what}`, async t => {
				await losing(t, handle, lose, options);
			});

	await test('the line is safe when the tab is closed', async t => {
		await losing(t, 'stick', page => page.close({ runBeforeUnload: true }));
	});

	await test('the line is safe when another tab is opened in front', async t => {
		const { page } = await losing(t, 'stick', async page => {
			const devtools = await page.context().newCDPSession(page);
			await devtools.send('Emulation.setFocusEmulationEnabled', { enabled: false });
			const front = await page.context().newPage();
			await front.bringToFront();
		});
		same(await page.evaluate(() => document.hasFocus()), false, 'the focus');
	});

	await test('the line is safe when the browser is killed', async t => {
		const { browser, pid } = await t.browser();
		await losing(t, 'stick', async () => process.kill(pid, 'SIGKILL'), { within: browser, by: 'failsafe' });
	});

	await test('the line is safe when the page hangs', async t => {
		await losing(t, 'button', page => void page.evaluate(() => {
			const end = performance.now() + 4000;
			while (performance.now() < end)
				;
		}).catch(() => {}), { by: 'failsafe' });
	});

	for (const [what, lose] of [['the key goes up', page => page.keyboard.up('KeyW')], ['the focus is lost', WAYS[4][1]], ['the page is hidden', hide]])
		await test(`keys: the line is safe when ${what}`, async t => {
			const daemon = await t.daemon(CAR);
			const listener = await t.listener(daemon);
			const page = await t.car(daemon);
			await page.keyboard.down('KeyW');
			await held(daemon);
			const since = monotonic();
			await lose(page);
			await released(daemon, listener, since, 'page');
		});
}

async function behind() {
	await test('a page that is hidden while it drives stops by a beacon too', async t => {
		const { daemon } = await losing(t, 'stick', hide);
		await becomes(() => daemon.count(/POST \/\?stop: 200/), 1, 'beacons');
	});

	await test('a page that drives nothing sends no beacon when it is hidden or left', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon);
		await hide(page);
		await page.goto('about:blank');
		await page.goto(`${daemon.origin}/car.html`);
		await linked(page, 'connected');
		same(daemon.count(/\?stop/), 0, 'beacons');
	});

	await test('after each loss of the finger the next press drives at once', async t => {
		const { daemon, page, at } = await losing(t, 'button', WAYS[4][1]);
		await page.mouse.up();
		await page.mouse.move(at.x, at.y);
		await page.mouse.down();
		await held(daemon);
	});

	await test('a release that the network swallowed is sent again when the link is back', async t => {
		const daemon = await t.daemon(CAR);
		const page = await t.car(daemon, { expectFailures: true });
		const at = await point(page, HANDLES.button);
		await page.mouse.move(at.x, at.y);
		await page.mouse.down();
		await held(daemon);
		await page.context().setOffline(true);
		await page.mouse.up();
		await linked(page, 'lost');
		await becomes(() => daemon.read('FORWARD'), 0, 'FORWARD');
		await page.context().setOffline(false);
		await linked(page, 'connected');
		await page.mouse.down();
		await held(daemon); // it was armed
	});
}

export async function releaseTests() {
	await ways();
	await behind();
}
