// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// What the lines did, at the server's times in microseconds. A level is 0 or 1, or null where nobody looked.
const KEPT = 20000; // changes of all lines, about 2 MB; the oldest go first

export class Trace {
	changes = []; // { t, line, level } in order of time
	end = Infinity; // the newest time that the server told
	gap = null; // since when nobody looks
	now = []; // levels, by line

	constructor(names) {
		this.names = names;
	}

	// The first whole state begins the trace, and so does one of a clock that began anew. Any other ends a gap.
	add(values, t, whole) {
		if (whole && t < this.end - 1e6) {
			this.changes = [];
			this.base = this.names.map(name => values[name] ?? null);
			this.now = [...this.base];
			this.start = this.zero = this.end = t;
		} else if (whole) {
			const gap = Math.min(this.gap ?? this.end, t);
			this.names.forEach((_, line) => this.put(gap, line, null));
		}
		this.gap = null;
		this.names.forEach((name, line) => this.put(t, line, values[name] ?? this.now[line]));
		this.end = Math.max(this.end, t);
	}

	// Edges have the kernel's time, writes the server's: news may be older than the last, but not of the same line.
	put(t, line, level) {
		const { changes, now } = this;
		let i = changes.length;
		if (level === now[line])
			return;
		while (changes[i - 1]?.t > t && changes[i - 1].line !== line)
			i--;
		changes.splice(i, 0, { t: Math.max(t, changes[i - 1]?.t ?? this.start), line, level });
		now[line] = level;
		if (changes.length > KEPT)
			for (const old of changes.splice(0, KEPT / 10)) {
				this.start = old.t;
				this.base[old.line] = old.level;
			}
	}

	lose(t) {
		this.gap ??= Math.max(t, this.end);
	}

	level(line) {
		return this.gap === null ? this.now[line] : null;
	}

	// The levels of a line, each from its time on.
	of(line) {
		const all = [{ t: this.start, level: this.base[line] }, ...this.changes.filter(change => change.line === line)];
		return this.gap === null ? all : [...all, { t: this.gap, level: null }];
	}
}

// A value change dump (IEEE 1364-2005, 18.2). A name's dots part scopes. A part that begins with a digit is no identifier; none begins
// with the underscore that makes it one. One character stands for a line: there are 64 at most.
export function vcd({ names, base, start, changes, gap }, end) {
	const show = (level, line) => (level ?? 'x') + String.fromCharCode(33 + line);
	const text = [`$date ${new Date()} $end`, '$version httapd $end', '$timescale 1 us $end'];
	names.forEach((name, line) => {
		const path = `httapd.${name}`.replace(/\.(?=\d)/g, '._').split('.');
		const leaf = path.pop();
		text.push(...path.map(part => `$scope module ${part} $end`), `$var wire 1 ${show('', line)} ${leaf} $end`,
			...path.map(() => '$upscope $end'));
	});
	text.push('$enddefinitions $end', '#0', '$dumpvars', ...base.map(show), '$end');
	const lost = names.map((_, line) => ({ t: gap, line, level: null }));
	let last = start;
	for (const { t, line, level } of [...changes, ...gap === null ? [] : lost, { t: end }]) {
		if (t > last)
			text.push(`#${t - start}`);
		if (level !== undefined)
			text.push(show(level, line));
		last = t;
	}
	return text.join('\n') + '\n';
}
