// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// What the owner of a Raspberry Pi does: installs the package, starts it, opens the panel, switches the LED, drives the car; and what
// happens to one. Each step is judged by the Pi's own registers, as its pinctrl driver shows them. PORT and SHELL_PORT lead to the Pi.
import { connect } from 'node:net';
import { join } from 'node:path';
import { becomes, check, linked, runAll, same, shots, shows, signal, test } from '../browser/rig.js';

const origin = `http://127.0.0.1:${process.env.PORT}`;
const pi = { origin };
const FAILSAFE_MS = 900;
const LATE_MS = 1500; // by which an emulated Pi, whose processors share those of a busy machine, may be late
const LINES = ['LED=GPIO17', ...['FORWARD=GPIO23', 'REVERSE=GPIO24', 'LEFT=GPIO25', 'RIGHT=GPIO6'].map((line, i) =>
	`${line},failsafe=${FAILSAFE_MS}ms${i < 2 ? ',interlock=throttle' : ''}`)].join(' ');
const PINS = '/sys/kernel/debug/pinctrl/3f200000.gpio-pinctrl-bcm2835/pins';

// What a shell of the Pi prints for these lines.
function run(script) {
	return new Promise((resolve, reject) => {
		const shell = connect(process.env.SHELL_PORT, '127.0.0.1', () => shell.end(`${script}\n`));
		let said = '';
		shell.setEncoding('utf8').on('data', text => said += text).on('end', () => resolve(said.trim())).on('error', reject);
	});
}

// The levels of those pins, as 'gpio_out hi' or 'gpio_in lo'.
async function pins(...numbers) {
	const all = await run(`cat ${PINS}`);
	return numbers.map(number => new RegExp(`^pin ${number} .*function (\\w+) in (hi|lo);`, 'm').exec(all)?.slice(1).join(' '));
}

const levels = (should, ...numbers) => becomes(() => pins(...numbers), should.map(level => `gpio_out ${level}`), `the pins ${numbers}`);

// How long a pin is still on after an action, by the Pi's own clock: its shell watches from before the action on.
async function msUntilLow(pin, action) {
	const watch = run(`now() { cut -d ' ' -f 1 /proc/uptime; }
		is_on() { grep -q '^pin ${pin} .* in hi;' ${PINS}; }
		while is_on && [ ! -e /run/action ]; do :; done; from=$(now)
		while is_on; do :; done; rm -f /run/action; echo "$from $(now)"`);
	await action();
	await run('touch /run/action');
	const [from, to] = (await watch).split(' ').map(Number);
	return Math.round((to - from) * 1000);
}

// Holds a key until the pin is high, as a person does who sees that the car stands: lets go and presses again. What was stopped before has
// to be let go once. Who just left counts as the driver for a while, and the page learns a little later than the server that he is gone. And
// an emulated Pi on a busy machine may hear of a press too late, and stop.
async function hold(page, key, pin) {
	await becomes(() => page.locator('#stick').evaluate(stick => stick.classList.contains('dim')), false, 'somebody else drives');
	await page.keyboard.down(key);
	await becomes(async () => {
		const [level] = await pins(pin);
		if (level !== 'gpio_out hi') {
			await page.keyboard.up(key);
			await page.keyboard.down(key);
		}
		return level;
	}, 'gpio_out hi', `pin ${pin}`);
}

const picture = (page, name) => page.screenshot({ path: join(shots, `pi-${name}.png`) });

async function installing() {
	await test('the Raspberry Pi has the chip of its header', async () => {
		check(/^gpiochip\d+ \[pinctrl-bcm2835\] \(54 lines\)$/m.test(await run('gpiodetect')), await run('gpiodetect'));
		same((await run('cat /proc/device-tree/model')).replace('\0', ''), 'Raspberry Pi 3 Model B', 'the model');
	});

	await test('the package is installed, and moves nothing before somebody asks', async () => {
		const before = await pins(17);
		const said = await run('dpkg -i /rig/httapd_*.deb 2>&1; echo "status $?"');
		check(said.endsWith('status 0'), said);
		same(await run('systemctl is-active httapd.socket httapd.service'), 'active\ninactive', 'socket and service');
		same(await pins(17), before, 'pin 17');
	});

	await test('systemctl start httapd serves, with the lines at their safe values', async () => {
		await run(`printf 'HTTAP_LINES="${LINES}"\\n' >/etc/default/httapd`);
		same(await run('systemctl start httapd; echo $?'), '0', 'the exit status');
		same(await run('systemctl is-active httapd'), 'active', 'the service');
		await levels(['lo', 'lo', 'lo', 'lo', 'lo'], 17, 23, 24, 25, 6);
		console.log(`# ${await run('systemctl show httapd -p StatusText --value')}`);
	});

	await test('the first packet starts it when only the socket is there', async () => {
		await run('systemctl stop httapd.service; systemctl start httapd.socket');
		const begun = performance.now();
		const reply = await fetch(`${origin}/?LED`);
		same(await reply.json(), { LED: 0 }, 'the reply');
		console.log(`# from the first packet to the first reply: ${Math.round(performance.now() - begun)} ms, emulated`);
		same(await run('systemctl is-active httapd.service'), 'active', 'the service');
	});
}

async function using() {
	await test('a click on the switch of the panel moves pin 17', async t => {
		const page = await t.panel(pi);
		await signal(page, 'LED').click();
		await shows(page, 'LED', 'On true');
		await levels(['hi'], 17);
		await picture(page, 'panel');
		await signal(page, 'LED').click();
		await levels(['lo'], 17);
	});

	await test('the stick of the car moves pins 23 and 6 while a finger holds it', async t => {
		const page = await t.car(pi);
		const { x, y, width, height } = await page.locator('#stick').boundingBox();
		await page.mouse.move(x + width * .8, y + height * .2);
		await page.mouse.down();
		await levels(['hi', 'lo', 'lo', 'hi'], 23, 24, 25, 6);
		await picture(page, 'car');
		await page.mouse.up();
		await levels(['lo', 'lo', 'lo', 'lo'], 23, 24, 25, 6);
	});

	await test('a page that is reloaded, or closed, stops the car', async t => {
		for (const lose of [page => page.reload(), page => page.close()]) {
			const page = await t.car(pi);
			await hold(page, 'KeyW', 23);
			await lose(page);
			await levels(['lo'], 23);
		}
	});

	await test('a browser that is killed leaves the car driving for no longer than failsafe', async t => {
		const { browser, pid } = await t.browser();
		const page = await t.car(pi, { within: browser });
		await hold(page, 'KeyW', 23);
		const ms = await msUntilLow(23, async () => process.kill(pid, 'SIGKILL'));
		console.log(`# off after ${ms} ms`);
		check(ms <= FAILSAFE_MS + LATE_MS, `${ms} ms`);
		await levels(['lo', 'lo', 'lo', 'lo'], 23, 24, 25, 6);
	});
}

async function breaking() {
	await test('kill -9 while driving: the pins are safe, the service is back, and the page too, without reload', async t => {
		const page = await t.car(pi, { expectFailures: true });
		await hold(page, 'KeyW', 23);
		const killed = await run('systemctl show httapd -p MainPID --value');
		const ms = await msUntilLow(23, () => run('systemctl kill -s KILL httapd.service'));
		console.log(`# off after ${ms} ms`);
		await linked(page, 'lost');
		await page.keyboard.up('KeyW');
		await linked(page, 'connected');
		check(await run('systemctl show httapd -p MainPID --value') !== killed, 'it is the same process');
		await levels(['lo'], 23);
	});

	await test('systemctl stop while driving: the pins are safe when it returns', async t => {
		const page = await t.car(pi, { expectFailures: true });
		await hold(page, 'KeyD', 6);
		await run('systemctl stop httapd.socket httapd.service');
		// This kernel makes an input of what nobody holds any more; others keep the output.
		check(/^gpio_(in|out) lo$/.test(await pins(6)), `pin 6 is ${await pins(6)}`);
		await run('systemctl start httapd');
	});

	await test('the journal says what moved, and by whom', async () => {
		const journal = await run('journalctl -u httapd -o cat');
		check(/LED 0 -> 1 by 10\.0\.2\.2 .*POST \/\?LED/.test(journal), journal.split('\n').slice(-20).join('\n'));
	});
}

await runAll(installing, using, breaking);
