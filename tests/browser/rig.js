// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// What every browser test needs: TAP, a daemon of its own, a browser, and pages whose every complaint is kept. No test waits for a
// time; all wait for a condition, and fail when it doesn't come.
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const require = createRequire(join(process.env.MODULES, 'package.json'));
const { chromium } = require('playwright-core');

export const AXE = require('axe-core').source;
export const PATIENCE_MS = 15000; // for one condition: a machine under load is slow, not wrong
const TEST_MS = 60000; // for one test
export const LINES = 'LED=GPIO17 LAMP=GPIO27,active-low BUTTON=GPIO5,input,bias=pull-up,active-low DOOR=GPIO6,input,bias=pull-up ' +
	'MOTOR.LEFT=22 MOTOR.RIGHT=23';
export const FAILSAFE_MS = 900;
export const CAR = ['FORWARD=GPIO23', 'REVERSE=GPIO24', 'LEFT=GPIO12', 'RIGHT=GPIO13'].map((line, i) =>
	`${line},failsafe=${FAILSAFE_MS}ms${i < 2 ? ',interlock=throttle' : ''}`).join(' ');
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
	'--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP rebound.test 127.0.0.1,MAP car.test 127.0.0.1'];

// --- What is cleaned up, whatever happens ---------------------------------------------------------------------------------

const scratch = mkdtempSync(join(tmpdir(), 'httapd-browser-'));
const daemons = new Set();

process.on('exit', () => {
	for (const child of daemons)
		child.kill('SIGKILL');
	rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, () => process.exit(1));

export const source = fileURLToPath(new URL('../../www', import.meta.url));
export const shots = process.env.SHOTS || join(scratch, 'shots');

// The daemon serves as nobody, who may not be able to read the checkout: he gets a copy.
const www = join(scratch, 'www');
cpSync(source, www, { recursive: true });
chmodSync(scratch, 0o755);
chmodSync(www, 0o755);
for (const name of readdirSync(www))
	chmodSync(join(www, name), 0o644);

// --- TAP ----------------------------------------------------------------------------------------------------------------

let number = 0;
let failed = 0;

function report(good, sentence, why) {
	number++;
	failed += good ? 0 : 1;
	console.log(`${good ? 'ok' : 'not ok'} ${number} - ${sentence}`);
	if (!good)
		console.log(String(why).replace(/^/gm, '#   '));
}

export function check(good, why) {
	if (!good)
		throw new Error(why);
}

export function same(is, should, what) {
	check(JSON.stringify(is) === JSON.stringify(should), `${what}: is ${JSON.stringify(is)}, should be ${JSON.stringify(should)}`);
}

// Waits until the question has that answer.
export async function becomes(ask, should, what) {
	const end = Date.now() + PATIENCE_MS;
	let is;
	do {
		is = await ask();
		if (JSON.stringify(is) === JSON.stringify(should))
			return;
		await pause(20);
	} while (Date.now() < end);
	same(is, should, what);
}

// --- The daemon ---------------------------------------------------------------------------------------------------------

// One request by somebody who is no browser, over a connection of its own.
export function request(port, target, { method = 'GET', body, headers = {} } = {}) {
	return new Promise((resolve, reject) => {
		const call = http.request({ host: '127.0.0.1', port, path: target, method, headers, agent: false }, reply => {
			let text = '';
			reply.setEncoding('utf8').on('data', part => text += part).on('end', () => resolve({ status: reply.statusCode, text }));
		});
		call.on('error', reject).end(body);
	});
}

export class Daemon {
	log = '';

	static async start(lines = LINES, port = 0, variables = {}) {
		const daemon = new Daemon();
		const env = { ...process.env, HTTAP_GPIOCHIP: 'sim', HTTAP_STATICPATH: www, HTTAP_TCPPORT: String(port), HTTAP_LINES: lines,
			HTTAP_LOG: 'requests', ...variables };
		if (process.getuid() === 0)
			env.HTTAP_USER = 'nobody';
		daemon.child = spawn(process.env.HTTAPD, [], { env, stdio: ['ignore', 'pipe', 'pipe'] });
		daemons.add(daemon.child);
		daemon.ended = new Promise(resolve => daemon.child.on('close', resolve));
		daemon.ended.then(() => daemons.delete(daemon.child));
		for (const stream of [daemon.child.stdout, daemon.child.stderr])
			stream.setEncoding('utf8').on('data', text => daemon.log += text);
		await becomes(() => daemon.serves(port), true, 'the daemon serves').catch(error => {
			throw new Error(`${error.message}; it said: ${daemon.log.slice(-2000)}`);
		});
		return daemon;
	}

	// A port that was picked is printed; one that was asked for answers.
	serves(port) {
		if (port === 0)
			this.port = Number(/ on port (\d+)/.exec(this.log)?.[1] ?? 0);
		else
			this.port = port;
		return this.port > 0 && request(this.port, '/?ping').then(reply => reply.status < 500, () => false);
	}

	get origin() {
		return `http://localhost:${this.port}`;
	}

	async read(name) {
		return JSON.parse((await request(this.port, `/?${name}`)).text)[name];
	}

	async list() {
		return JSON.parse((await request(this.port, '/?list')).text);
	}

	async write(name, body) {
		const reply = await request(this.port, `/?${name}`, { method: 'POST', body });
		check(reply.status === 200, `POST /?${name} of another client: ${reply.status} ${reply.text}`);
	}

	// That page, which was stopped, lets go, and drives no more: what it says last counts as driving too.
	async free(page, letGo) {
		const answered = page.waitForResponse(reply => reply.request().method() === 'POST' && reply.ok());
		await letGo();
		await answered;
		await becomes(async () => Object.values(await this.list()).every(info => info.driver === null), true, 'nobody drives');
	}

	// Requests in the log that match: what the server has really seen.
	count(pattern) {
		return this.log.split('\n').filter(line => /: \d{3}, \d+ bytes$/.test(line) && pattern.test(line)).length;
	}

	freeze() {
		this.child.kill('SIGSTOP');
	}

	thaw() {
		this.child.kill('SIGCONT');
	}

	async kill() {
		this.child.kill('SIGKILL');
		await this.ended;
	}
}

// What a line does, as the server tells everybody: { value, t } of each change, by the clock of the machine in ms.
export class Listener {
	changes = [];

	static async start(daemon) {
		const listener = new Listener();
		await new Promise((resolve, reject) => {
			listener.call = http.get({ host: '127.0.0.1', port: daemon.port, path: '/?events', agent: false }, reply => {
				let text = '';
				reply.setEncoding('utf8').on('error', () => {}).on('data', part => {
					const lines = (text + part).split('\n');
					text = lines.pop();
					for (const line of lines.filter(line => line.startsWith('data: ')))
						listener.changes.push(JSON.parse(line.slice(6)));
					resolve();
				});
			});
			listener.call.on('error', reject);
		});
		return listener;
	}

	of(name) {
		return this.changes.slice(1).filter(change => name in change).map(change => ({ value: change[name], t: change.t }));
	}

	close() {
		this.call.on('error', () => {}).destroy();
	}
}

// The clock that the server's t is told by.
export function monotonic() {
	return Number(process.hrtime.bigint()) / 1e6;
}

// --- The browser --------------------------------------------------------------------------------------------------------

let browser;
const settings = { executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: FLAGS, chromiumSandbox: false };

// Groups of tests one after the other, in one browser. Ends the process.
export async function runAll(...groups) {
	browser = await chromium.launch(settings);
	console.log(`# Chromium ${browser.version()}`);
	try {
		for (const group of groups)
			await group();
	} finally {
		await browser.close();
	}
	console.log(`1..${number}`);
	process.exit(failed > 0 || number === 0 ? 1 : 0);
}

// Everything that a page of ours must never do, of every test.
export const complaints = [];

function listen(page, origin, expectFailures) {
	const keep = text => complaints.push(`${page.url()}: ${text}`);
	page.on('pageerror', error => keep(`uncaught ${error.message}`));
	page.on('console', message => {
		const network = /^Failed to load resource/.test(message.text());
		if (message.type() === 'warning' || (message.type() === 'error' && !(network && expectFailures)))
			keep(`console ${message.type()}: ${message.text()} ${message.location().url}`);
	});
	page.on('request', sent => {
		if (!sent.url().startsWith(`${origin}/`))
			keep(`request to ${sent.url()}`);
	});
}

// What a test works with; all of it is closed behind it.
class Bench {
	closing = [];

	async daemon(lines, port, variables) {
		const daemon = await Daemon.start(lines, port, variables);
		this.closing.push(() => daemon.kill());
		return daemon;
	}

	async serve(handler) {
		const server = http.createServer(handler);
		await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
		this.closing.push(() => new Promise(resolve => {
			server.close(resolve);
			server.closeAllConnections();
		}));
		return server.address().port;
	}

	async listener(daemon) {
		const listener = await Listener.start(daemon);
		this.closing.push(async () => listener.close());
		return listener;
	}

	// A second browser, with processes of its own: { browser, pid }.
	async browser() {
		const server = await chromium.launchServer(settings);
		this.closing.push(() => server.kill());
		return { browser: await chromium.connect(server.wsEndpoint()), pid: server.process().pid };
	}

	// A window. `foreign`: its pages are somebody else's, and may complain. `expectFailures`: the server refuses or goes away.
	async page({ origin, foreign = false, expectFailures = false, within = browser, ...options } = {}) {
		const context = await within.newContext({ viewport: { width: 1100, height: 800 }, ...options });
		this.closing.push(() => context.close());
		const page = await context.newPage();
		page.setDefaultTimeout(PATIENCE_MS);
		if (!foreign)
			listen(page, origin, expectFailures);
		return page;
	}

	// A page of a daemon, open and connected: the panel, or that file.
	async panel(daemon, options = {}, file = '') {
		const { before, ...others } = options;
		const page = await this.page({ origin: daemon.origin, ...others });
		await before?.(page);
		await page.goto(`${daemon.origin}/${file}`);
		await linked(page, 'connected');
		return page;
	}

	car(daemon, options, query = '') {
		return this.panel(daemon, options, `car.html${query}`);
	}

	async close() {
		for (const close of this.closing.reverse())
			await close().catch(() => {});
	}
}

export async function test(sentence, body) {
	if (!sentence.includes(process.env.ONLY ?? ''))
		return;
	const bench = new Bench();
	const giveUp = new AbortController();
	try {
		await Promise.race([body(bench), pause(TEST_MS, null, { signal: giveUp.signal }).then(() => {
			throw new Error(`no end after ${TEST_MS} ms`);
		})]);
		report(true, sentence);
	} catch (error) {
		report(false, sentence, error.stack);
	} finally {
		giveUp.abort();
		await bench.close();
	}
}

// --- What a page shows ---------------------------------------------------------------------------------------------------

export function signal(page, name) {
	return page.locator(`[data-signal="${name}"]`);
}

// One line as a person sees it: the word, and for a switch what it says to a screen reader.
export async function shown(page, name) {
	return signal(page, name).evaluate(box => {
		const word = box.querySelector('.word').textContent;
		const told = box.getAttribute('aria-checked') ?? box.getAttribute('aria-pressed');
		return told === null ? word : `${word} ${told}`;
	});
}

// The event that tells of a write may come before its reply; until that, the switch takes no other click.
export async function shows(page, name, should) {
	await becomes(() => shown(page, name), should, `${name} on the page`);
	await becomes(async () => await signal(page, name).getAttribute('aria-busy') === 'true', false, `${name} waits for a reply`);
}

export function linked(page, state) {
	return becomes(() => page.locator('#link').getAttribute('data-link'), state, 'the link badge');
}

// Counts what the page sends from now on.
export function counter(page, pattern) {
	const sent = { count: 0 };
	page.on('request', request => {
		if (pattern.test(`${request.method()} ${request.url()}`))
			sent.count++;
	});
	return sent;
}

export function message(page) {
	return page.locator('#note').textContent();
}
