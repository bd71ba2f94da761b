// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// What a foreign page, a foreign name and a hostile text can't do.
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { becomes, check, complaints, linked, request, same, shows, signal, source, test } from './rig.js';

// A page of another site that tries everything which moves a line, says when all of it is over, and what came back.
function attack(origin) {
	return `<!doctype html><title>foreign</title><body><script type="module">
		const tries = [
			fetch('${origin}/?LED', { method: 'POST', body: '1' }),
			fetch('${origin}/?LED', { method: 'POST', body: '1', mode: 'no-cors' }),
			fetch('${origin}/?stop', { method: 'POST', mode: 'no-cors' }),
			fetch('${origin}/1', { mode: 'no-cors', referrerPolicy: 'no-referrer' }),
			new Promise(resolve => {
				const image = new Image();
				image.onload = image.onerror = resolve;
				image.src = '${origin}/1';
				document.body.append(image);
			}),
			new Promise(resolve => {
				const frame = document.createElement('iframe');
				frame.name = 'sink';
				document.body.append(frame);
				const form = document.createElement('form');
				Object.assign(form, { action: '${origin}/?', method: 'POST', target: 'sink' });
				const field = Object.assign(document.createElement('input'), { name: 'LED', value: '1' });
				form.append(field);
				document.body.append(form);
				frame.onload = resolve;
				form.submit();
			}),
		];
		const ends = await Promise.allSettled(tries);
		document.title = ends[0].status === 'rejected' ? 'over' : 'read a foreign reply';
	</script>`;
}

async function foreignPages() {
	for (const host of ['localhost', '127.0.0.1']) {
		await test(`a page of another origin (http://${host}:OTHER) moves no line by fetch, form or image`, async t => {
			const daemon = await t.daemon();
			const port = await t.serve((_, reply) => reply.setHeader('Content-Type', 'text/html').end(attack(daemon.origin)));
			const page = await t.page({ foreign: true });
			await daemon.write('LAMP', '1');
			await page.goto(`http://${host}:${port}/`);
			await becomes(() => page.title(), 'over', 'the title');
			await becomes(() => daemon.count(/POST \/\?LED: 403/) >= 2 && daemon.count(/POST \/\?: 403/) === 1 &&
				daemon.count(/POST \/\?stop: 403/) === 1 && daemon.count(/GET \/1: 403/) === 2, true, `refusals in the log\n${daemon.log}`);
			same([await daemon.read('LED'), await daemon.read('LAMP')], [0, 1], 'LED and LAMP');
			await request(daemon.port, '/1');
			same(await daemon.read('LED'), 1, 'LED after /1 of somebody who is no page');
		});
	}

	await test('a page of a listed origin reads, writes and listens; the same page of another origin does none of it', async t => {
		const visitor = origin => `<!doctype html><title>visitor</title><script type="module">
			const tried = [];
			const attempt = async (what, action) => tried.push(what + ' ' + await action().catch(() => 'failed'));
			await attempt('list', async () => Object.keys(await (await fetch('${origin}/?list')).json()).length > 0);
			const reply = await fetch('${origin}/?ping').catch(() => null);
			const session = reply?.headers.get('HTTaP-Session');
			tried.push('session ' + /^[0-9a-v]{8,}$/.test(session ?? ''));
			await attempt('write', async () => JSON.stringify(await (await fetch('${origin}/?LED', { method: 'POST', body: '1',
				headers: { 'Content-Type': 'application/octet-stream', ...(session && { 'HTTaP-Session': session }) } })).json()));
			await attempt('continued', async () => (await fetch('${origin}/?ping', { headers: { 'HTTaP-Session': session ?? 'none' } }))
				.headers.get('HTTaP-Session') === session);
			await attempt('listen', () => new Promise((resolve, reject) => {
				const events = new EventSource('${origin}/?events');
				events.onmessage = event => { events.close(); resolve('LED' in JSON.parse(event.data)); };
				events.onerror = () => { events.close(); reject(new Error()); };
			}));
			document.title = tried.join(', ');
		</script>`;
		let target = '';
		const serve = () => t.serve((_, reply) => reply.setHeader('Content-Type', 'text/html').end(visitor(target)));
		const [listed, other] = [await serve(), await serve()];
		const daemon = await t.daemon(undefined, 0, { HTTAP_ORIGINS: `http://localhost:${listed}` });
		target = daemon.origin;
		const page = await t.page({ foreign: true });
		await page.goto(`http://localhost:${other}/`);
		await becomes(() => page.title(), 'list failed, session false, write failed, continued failed, listen failed', 'the unlisted page');
		same(await daemon.read('LED'), 0, 'LED after the unlisted page');
		await page.goto(`http://localhost:${listed}/`);
		await becomes(() => page.title(), 'list true, session true, write {"LED":1}, continued true, listen true', 'the listed page');
		same(await daemon.read('LED'), 1, 'LED after the listed page');
	});

	await test('a page that frames the panel gets no panel', async t => {
		const daemon = await t.daemon();
		const port = await t.serve((_, reply) => reply.setHeader('Content-Type', 'text/html')
			.end(`<!doctype html><title>foreign</title><iframe src="${daemon.origin}/" onload="document.title = 'over'"></iframe>`));
		const page = await t.page({ foreign: true });
		const refused = page.waitForEvent('console', message => /frame-ancestors/.test(message.text()));
		await page.goto(`http://localhost:${port}/`);
		await becomes(() => page.title(), 'over', 'the title');
		await refused;
		same(await page.frames()[1].locator('#stop').count(), 0, 'STOP buttons in the frame');
	});

	await test('a foreign name that points at the server gets nothing (DNS rebinding)', async t => {
		const daemon = await t.daemon();
		const page = await t.page({ foreign: true });
		const reply = await page.goto(`http://rebound.test:${daemon.port}/`);
		same(reply.status(), 421, 'the status');
		const status = await page.evaluate(() => fetch('./?LED', { method: 'POST', body: '1' }).then(reply => reply.status));
		same(status, 421, 'the status of a write');
		same(await daemon.read('LED'), 0, 'LED');
	});
}

const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };

// A server that says markup wherever it may say anything.
function hostile(markup) {
	const info = { direction: 'output', value: 0, chip: markup, line: 1, kernelName: markup, activeLow: false, failsafe: 0, interlock: markup,
		driver: null };
	const list = { [markup]: info, LED: info, FORWARD: { ...info, failsafe: 500, driver: markup },
		[`GROUP.${markup}`]: { ...info, direction: 'input' } };
	const answers = { '/?': { HTTaP_version: 1, ID: markup }, '/?list': list };
	return (request, reply) => {
		if (request.method === 'POST')
			reply.writeHead(409, { 'Content-Type': 'application/json' }).end(JSON.stringify({ error: markup }));
		else if (request.url === '/?events')
			reply.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(`data: {"LED":0,"t":1}\n\ndata: ${JSON.stringify({ [markup]: 1 })}\n\n`);
		else if (request.url in answers)
			reply.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answers[request.url]));
		else {
			const name = request.url.slice(1).replace(/\?.*/, '') || 'index.html';
			reply.writeHead(200, { 'Content-Type': TYPES[name.split('.').pop()] ?? 'text/plain' }).end(readFileSync(join(source, name)));
		}
	};
}

async function hostileText() {
	const markup = '<img src=x onerror="window.hit = 1"><script>window.hit = 2</script>';

	await test('names and sentences of the server, and of the address, are text, never markup', async t => {
		const origin = `http://localhost:${await t.serve(hostile(markup))}`;
		const page = await t.page({ origin, expectFailures: true });
		for (const file of ['', `car.html?left=${encodeURIComponent(markup)}`]) {
			await page.goto(`${origin}/${file}`);
			await linked(page, 'connected');
			check((await page.title()).startsWith(markup), 'the title is not the text');
			await becomes(async () => (await page.locator('#driver').textContent()).includes(markup), true, 'the driver as text');
			if (file === '')
				await page.getByRole('switch', { name: 'LED', exact: true }).click();
			await becomes(async () => (await page.locator(file === '' ? '#note' : '#hint').textContent()).includes(markup), true, 'the text');
			check((await page.locator('main').textContent()).includes(markup), 'the name is not on the page as text');
			same(await page.locator('img, main script').count(), 0, 'elements made from text');
			same(await page.evaluate(() => window.hit), undefined, 'what the text would have done');
		}
	});

	await test('the pages have no inline script and no inline style, and the policy forbids them', async t => {
		const daemon = await t.daemon();
		for (const name of readdirSync(source).filter(name => name.endsWith('.html'))) {
			const text = readFileSync(join(source, name), 'utf8');
			check(!/<script(?![^>]*src=)|<style|\son\w+=|\sstyle=/.test(text), `${name} has`);
			const { headers } = await fetch(`${daemon.origin}/${name}`);
			check(headers.get('Content-Security-Policy').startsWith("default-src 'self';"), 'another policy');
			same([headers.get('X-Content-Type-Options'), headers.get('Referrer-Policy')], ['nosniff', 'no-referrer'], 'the headers');
		}
	});
}

// The usual TLS proxy: it hands on Host, and puts the panel below a path of its own.
function proxy(port) {
	return (request, reply) => {
		if (!request.url.startsWith('/pi/')) {
			reply.writeHead(404).end();
			return;
		}
		const onward = http.request({ host: '127.0.0.1', port, path: request.url.slice(3), method: request.method,
			headers: request.headers, agent: false }, answer => answer.pipe(reply.writeHead(answer.statusCode, answer.headers)));
		onward.on('error', () => reply.destroy());
		request.pipe(onward);
	};
}

async function behindProxy() {
	await test('behind a proxy with a path prefix the panel works, and asks nothing outside the prefix', async t => {
		const daemon = await t.daemon();
		const origin = `http://localhost:${await t.serve(proxy(daemon.port))}`;
		const page = await t.page({ origin: `${origin}/pi` });
		await page.goto(`${origin}/pi/`);
		await linked(page, 'connected');
		await signal(page, 'LED').click();
		await shows(page, 'LED', 'On true');
		same(await daemon.read('LED'), 1, 'LED');
		await page.goto(`${origin}/pi/index.html`);
		await shows(page, 'LED', 'On true');
	});
}

export async function securityTests() {
	await foreignPages();
	await hostileText();
	await behindProxy();
}

// Runs last: it judges what all the pages before have done.
export async function complaintTest() {
	await test('no page logged an error, broke the content policy or asked another origin', async () => {
		check(complaints.length === 0, complaints.join('\n'));
	});
}
