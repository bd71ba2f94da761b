// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The scope's trace and its dump, without a server's events: what was missed, what came late, what was too much.
import { check, same, test } from './rig.js';

// A reader of value change dumps that forgives nothing (IEEE 1364-2005, 18.2.1).
export function parse(text) {
	const [head, body] = text.split('$enddefinitions $end\n');
	check(/^\$timescale 1 us \$end$/m.test(head), `no timescale in ${head}`);
	const [ids, path] = [new Map(), []];
	for (const [, word, rest] of head.matchAll(/\$(scope module|upscope|var wire 1)\s*(.*?)\s*\$end/g)) {
		if (word === 'upscope')
			check(path.pop() !== undefined, 'a scope is closed that was not open');
		if (word === 'scope module')
			path.push(rest);
		if (word !== 'var wire 1')
			continue;
		const [id, name, ...more] = rest.split(' ');
		check(/^[!-~]$/.test(id) && !ids.has(id) && more.length === 0, `a variable "${rest}"`);
		ids.set(id, [...path, name].join('.'));
	}
	check(path.length === 0, `open scopes ${path}`);
	for (const name of ids.values())
		check(/^httapd(\.[A-Za-z_][\w$]*)+$/.test(name), `"${name}" is no path of identifiers`);
	const names = [...ids.values()].map(name => name.replace(/^httapd\./, '').replace(/\._/g, '.'));
	const dump = { names, first: {}, changes: [] };
	let at = -1;
	let dumping = false;
	for (const entry of body.trimEnd().split('\n')) {
		const [, time, level, id] = /^(?:#(\d+)|([01x])([!-~])|\$dumpvars|\$end)$/.exec(entry) ?? check(false, `a line "${entry}"`);
		if (time !== undefined) {
			check(Number(time) > at, `time goes from ${at} to ${time}`);
			at = Number(time);
		} else if (id === undefined) {
			dumping = entry === '$dumpvars';
			check(at === 0, `${entry} at ${at}`);
		} else {
			check(ids.has(id), `an undeclared "${id}"`);
			const name = dump.names[[...ids.keys()].indexOf(id)];
			if (dumping)
				dump.first[name] = level;
			else
				dump.changes.push([at, name, level]);
		}
	}
	return { ...dump, end: at };
}

async function blank(t) {
	const daemon = await t.daemon('LED=GPIO17');
	const page = await t.page({ origin: daemon.origin });
	await page.goto(`${daemon.origin}/help.html`);
	return page;
}

export async function vcdTests() {
	// Steps are [values, t, whole], or a time when the link was lost.
	const dump = async (page, names, steps, end) => parse(await page.evaluate(async ([names, steps, end]) => {
		const { Trace, vcd } = await import('./vcd.js');
		const trace = new Trace(names);
		for (const step of steps)
			Array.isArray(step) ? trace.add(...step) : trace.lose(step);
		return vcd(trace, end);
	}, [names, steps, end]));

	await test('a dump tells what was seen and when, and nothing that was not seen', async t => {
		const page = await blank(t);
		for (const [sentence, names, steps, end, should] of [
			['a dump begins with the first whole state and tells each change once', ['A', 'B'],
				[[{ A: 1, B: 0 }, 5000, true], [{ B: 1 }, 5010], [{ A: 1 }, 5011], [{ A: 0, B: 0 }, 5020]], 5100,
				{ first: { A: '1', B: '0' }, changes: [[10, 'B', '1'], [20, 'A', '0'], [20, 'B', '0']], end: 100 }],
			['dots are scopes, and parts that begin with a digit stay apart', ['A', 'A.B', 'A.1', 'A.1.2X', 'A1'],
				[[{ 'A': 0, 'A.B': 0, 'A.1': 1, 'A.1.2X': 0, 'A1': 1 }, 1, true]], 2,
				{ first: { 'A': '0', 'A.B': '0', 'A.1': '1', 'A.1.2X': '0', 'A1': '1' }, changes: [], end: 1 }],
			['a lost link is unknown until the whole state comes again', ['A', 'B'],
				[[{ A: 1, B: 0 }, 100, true], [{ B: 1 }, 110], 150, 160, [{ A: 1, B: 0 }, 200, true]], 210,
				{ first: { A: '1', B: '0' }, end: 110,
					changes: [[10, 'B', '1'], [50, 'A', 'x'], [50, 'B', 'x'], [100, 'A', '1'], [100, 'B', '0']] }],
			['a link that is still lost is unknown to the end', ['A'], [[{ A: 1 }, 100, true], 150], 400,
				{ first: { A: '1' }, changes: [[50, 'A', 'x']], end: 300 }],
			['a guess of when the link was lost is never before the newest change', ['A'],
				[[{ A: 1 }, 100, true], [{ A: 0 }, 150], 120], 400,
				{ first: { A: '1' }, changes: [[50, 'A', '0'], [50, 'A', 'x']], end: 300 }],
			['a guess that was too late ends with the whole state', ['A'], [[{ A: 1 }, 100, true], 180, [{ A: 0 }, 170, true]], 400,
				{ first: { A: '1' }, changes: [[70, 'A', 'x'], [70, 'A', '0']], end: 300 }],
			['whoever read too slowly missed what was before the whole state', ['A'],
				[[{ A: 1 }, 100, true], [{ A: 0 }, 120], [{ A: 0 }, 900, true]], 1000,
				{ first: { A: '1' }, changes: [[20, 'A', '0'], [20, 'A', 'x'], [800, 'A', '0']], end: 900 }],
			['a signal that is not in the whole state is unknown', ['A', 'B'], [[{ A: 1 }, 100, true], [{ B: 1 }, 120]], 200,
				{ first: { A: '1', B: 'x' }, changes: [[20, 'B', '1']], end: 100 }],
			['news that come late are put in their place', ['A', 'B'],
				[[{ A: 0, B: 0 }, 100, true], [{ A: 1 }, 120], [{ B: 1 }, 110], [{ A: 0 }, 130]], 200,
				{ first: { A: '0', B: '0' }, changes: [[10, 'B', '1'], [20, 'A', '1'], [30, 'A', '0']], end: 100 }],
			['news from before the first whole state are at its begin', ['A'], [[{ A: 0 }, 100, true], [{ A: 1 }, 90]], 200,
				{ first: { A: '0' }, changes: [[0, 'A', '1']], end: 100 }],
			['a clock that began anew begins a new trace', ['A'],
				[[{ A: 0 }, 9e6, true], [{ A: 1 }, 9.5e6], 9.6e6, [{ A: 0 }, 2e6, true]], 2.5e6,
				{ first: { A: '0' }, changes: [], end: 5e5 }],
			['a clock that is a little behind itself has not begun anew', ['A'],
				[[{ A: 0 }, 9e6, true], [{ A: 1 }, 9.5e6], [{ A: 1 }, 9.4e6, true]], 1e7,
				{ first: { A: '0' }, changes: [[4e5, 'A', '1'], [4e5, 'A', 'x'], [4e5, 'A', '1']], end: 1e6 }],
		])
			for (const [key, value] of Object.entries(await dump(page, names, steps, end)))
				same(value, { names, ...should }[key], `${sentence}: ${key}`);
	});

	await test('of 20,001 changes the oldest are dropped, and the dump begins with the state that they left', async t => {
		const page = await blank(t);
		const steps = [[{ A: 0, B: 1 }, 0, true], [{ B: 0 }, 1]];
		for (let i = 0; i < 20000; i++)
			steps.push([{ A: 1 - i % 2 }, 10 * i + 10]);
		const { first, changes, end } = await dump(page, ['A', 'B'], steps, 200100);
		same(first, { A: '0', B: '0' }, 'the first state'); // the oldest is B's
		same([changes.length, changes[0], changes.at(-1), end], [20000, [9, 'A', '1'], [199999, 'A', '0'], 200099], 'the rest');
	});
}
