// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// What the lines did, in microseconds of the server. A level is 0 or 1, or null where nobody looked.
const KEPT = 20000; // changes of all lines, about 2 MB; the oldest go first

export class Trace {
	changes = []; // as they were told; those of one line are in order
	end = Infinity; // the newest time told
	now = []; // levels, by line

	constructor(names) {
		this.names = names;
	}

	// The first whole state begins the trace, and so does one of a clock that began anew. Before any other something was missed.
	add(values, t, whole) {
		if (whole && t < this.end - 1e6) {
			this.changes = [];
			this.base = this.names.map(name => values[name] ?? null);
			this.now = [...this.base];
			this.start = this.zero = this.end = t;
		} else if (whole) {
			this.lose(0);
			for (const change of this.changes)
				change.t = Math.min(change.t, t); // when the link was lost is a guess
		}
		this.names.forEach((name, line) => this.put(t, line, values[name] ?? this.now[line]));
		this.end = Math.max(this.end, t);
	}

	put(t, line, level) {
		if (level === this.now[line])
			return;
		this.now[line] = level;
		this.changes.push({ t, line, level });
		if (this.changes.length > KEPT) {
			const old = this.changes.shift();
			this.base[old.line] = old.level;
			this.start = old.t;
		}
	}

	lose(t) {
		this.names.forEach((_, line) => this.put(Math.max(t, this.end), line, null));
	}

	// The levels of a line, each from its time on.
	of(line) {
		return [{ t: this.start, level: this.base[line] }, ...this.changes.filter(change => change.line === line)];
	}
}

// A value change dump (IEEE 1364-2005, 18.2). Dots part scopes; a part that begins with a digit gets an underscore, as no name has
// there. A character stands for a line: there are 64. Edges have the kernel's time, writes the server's: they are sorted.
export function vcd({ names, base, start, changes }, end) {
	const show = (level, line) => (level ?? 'x') + String.fromCharCode(33 + line);
	const text = [`$date ${new Date().toISOString()} $end`, '$version httapd $end', '$timescale 1 us $end'];
	names.forEach((name, line) => {
		const path = `httapd.${name}`.replace(/\.(?=\d)/g, '._').split('.');
		const leaf = path.pop();
		text.push(...path.map(part => `$scope module ${part} $end`), `$var wire 1 ${show('', line)} ${leaf} $end`,
			...path.map(() => '$upscope $end'));
	});
	text.push('$enddefinitions $end', '#0', '$dumpvars', ...base.map(show), '$end');
	let last = start;
	const at = t => {
		if (t > last)
			text.push(`#${(last = t) - start}`);
	};
	for (const { t, line, level } of changes.toSorted((a, b) => a.t - b.t)) {
		at(t);
		text.push(show(level, line));
	}
	at(end);
	return text.join('\n') + '\n';
}
