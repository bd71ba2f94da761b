// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The help: its lines do what they say, at this server, with its names.
import { spawn } from 'node:child_process';
import http from 'node:http';
import { LOOKS, judge } from './scope.js';
import { becomes, check, linked, message, same, test } from './rig.js';

const DRIVEN = 'LED=GPIO17 LAMP=GPIO27 BUTTON=GPIO5,input MOTOR=GPIO22,failsafe=5s';

async function help(t, daemon, options = {}) {
	const page = await t.page({ origin: daemon.origin, ...options });
	await options.before?.(page);
	await page.goto(`${daemon.origin}/help.html`);
	await linked(page, 'connected');
	return page;
}

const blocks = page => page.locator('section').evaluateAll(list => list.map(group =>
	[group.querySelector('h2').textContent, group.querySelector('pre').innerText]));

// A shell runs the lines, as a person would; until it has said that much, or to the end.
function shell(t, lines, until = null) {
	return new Promise(resolve => {
		const child = spawn('bash', ['-ec', lines.replaceAll('curl ', 'curl -sS ')]);
		let text = '';
		const take = part => {
			text += part;
			if (until?.test(text))
				child.kill();
		};
		t.closing.push(async () => child.kill('SIGKILL'));
		child.stdout.setEncoding('utf8').on('data', take);
		child.stderr.setEncoding('utf8').on('data', take);
		child.on('close', () => resolve(text));
	});
}

export async function helpTests() {
	await test('every line of the help, pasted into a shell, does what its title says', async t => {
		const daemon = await t.daemon(DRIVEN);
		const page = await help(t, daemon);
		const lines = Object.fromEntries(await blocks(page));
		same(Object.keys(lines), ['Read', 'Write', 'Several', 'Pulse', 'Stop', 'Changes',
			'Session', 'Drive: ping within 5000 ms'], 'the titles');
		same((await shell(t, lines.Read)).startsWith('{"LED":0}{"LED":{"direction":"output"'), true, 'what Read says');
		same(await shell(t, lines.Write), '{"LED":1}{"LED":0}{"LED":1}', 'what Write says');
		same(await daemon.read('LED'), 1, 'LED');
		same(await shell(t, lines.Several), '{"LED":1,"LAMP":0}{"LED":1,"LAMP":0}', 'what Several says');
		await daemon.write('LED', '0');
		same(await shell(t, lines.Pulse), '{"LED":1}', 'what Pulse says');
		await becomes(() => daemon.read('LED'), 0, 'LED after the pulse');
		await daemon.write('LAMP', '1');
		same(JSON.parse(await shell(t, lines.Stop)).LAMP, 0, 'LAMP in what Stop says');
		check((await shell(t, lines.Changes, /^data:.*"t":.*$/m)).includes('data: {"LED":0,"LAMP":0,'), 'no events');
		const drive = Object.entries(lines).filter(([title]) => /Session|Drive/.test(title)).map(([, text]) => text).join('\n');
		const said = await shell(t, `${drive}\ncurl '${daemon.origin}/?ping'`);
		check(/^\{ "Remain".*\}\{"MOTOR":1\}\{ "Remain".*\}\{"MOTOR":0\}\{ "Remain"/.test(said.replace(/\n/g, '')), said);
	});

	for (const [what, lines, titles] of [
		['inputs only', 'BUTTON=GPIO5,input', ['Read', 'Stop', 'Changes', 'Session']],
		['one driven line', 'MOTOR=GPIO22,failsafe=1s', ['Read', 'Stop', 'Changes',
			'Session', 'Drive: ping within 1000 ms']],
		['nothing', '', ['Read', 'Stop', 'Changes', 'Session']],
	])
		await test(`with ${what} the help shows no line that could not work`, async t => {
			const daemon = await t.daemon(lines);
			const all = await blocks(await help(t, daemon));
			same(all.map(([title]) => title), titles, 'the titles');
			const names = lines.split(' ').map(line => line.split('=')[0]);
			for (const [, text] of all)
				for (const [, name] of text.matchAll(/\?([A-Z][\w.]*)/g))
					check(names.includes(name), `a line with ${name}`);
			check(!all.some(([, text]) => /undefined|\?null/.test(text)), 'a line without a name');
		});

	await test('a button copies its lines; without a clipboard it selects them', async t => {
		const daemon = await t.daemon(DRIVEN);
		const page = await help(t, daemon, { permissions: ['clipboard-read', 'clipboard-write'] });
		const [[, text]] = await blocks(page);
		await page.getByRole('button', { name: 'Copy: Read' }).click();
		await becomes(() => page.evaluate(() => navigator.clipboard.readText()), text, 'the clipboard');
		await becomes(() => message(page), 'Copied', 'the message');
		const bare = await help(t, daemon, { before: page => page.addInitScript(() =>
			Object.defineProperty(Navigator.prototype, 'clipboard', { value: undefined })) });
		await bare.getByRole('button', { name: 'Copy: Read' }).click();
		same(await bare.evaluate(() => getSelection().toString()), text, 'the selection');
		same(await message(bare), '', 'the message');
	});

	await test('the help has the address that the page was asked for, with the path of a proxy', async t => {
		const daemon = await t.daemon(DRIVEN);
		const port = await t.serve((request, reply) => {
			const onward = http.request({ host: '127.0.0.1', port: daemon.port, path: request.url.replace(/^\/pi\//, '/'), agent: false,
				headers: request.headers }, answer => answer.pipe(reply.writeHead(answer.statusCode, answer.headers)));
			onward.on('error', () => reply.destroy()).end();
		});
		const page = await help(t, { origin: `http://localhost:${port}/pi` });
		same((await blocks(page))[0][1].split('\n')[0], `curl 'http://localhost:${port}/pi/?LED'`, 'the first line');
	});

	await test('names of the server are text in the help, never markup', async t => {
		const markup = '<img src=x onerror="window.hit = 1">';
		const daemon = await t.daemon(DRIVEN);
		const page = await help(t, daemon, { before: page => page.route(address => address.search === '?list', route => route.fulfill({
			json: { [markup]: { direction: 'output', failsafe: 0 } } })) });
		check((await blocks(page))[0][1].includes(markup), 'the name is not on the page as text');
		same(await page.locator('img').count(), 0, 'elements made from text');
	});

	for (const [name, options] of LOOKS)
		await test(`the help is fit for everybody (${name})`, async t => {
			const daemon = await t.daemon(DRIVEN);
			const page = await help(t, daemon, { expectFailures: true, ...options });
			await judge(page, `help-${name}`);
			await daemon.kill();
			await linked(page, 'lost');
			await judge(page, `help-${name}-lost`);
		});

	for (const [locale, title] of [['de-AT', 'Lesen'], ['fr', 'Lire'], ['es', 'Read']])
		await test(`the help speaks to a browser in ${locale}`, async t => {
			const page = await help(t, await t.daemon(DRIVEN), { locale });
			same((await blocks(page))[0][0], title, 'the first title');
		});
}
