// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// The API as lines for a shell, with this server's address and names, for the signals that there are.
import { make, open, say } from './page.js';
import { learn, t } from './texts.js';

learn({
	copy: ['Copy', 'Kopieren', 'Copier'],
	copied: ['Copied', 'Kopiert', 'Copié'],
	read: ['Read', 'Lesen', 'Lire'],
	write: ['Write', 'Schreiben', 'Écrire'],
	several: ['Several', 'Mehrere', 'Plusieurs'],
	pulse: ['Pulse', 'Impuls', 'Impulsion'],
	halt: ['Stop', 'Stopp', 'Arrêt'],
	events: ['Changes', 'Änderungen', 'Changements'],
	session: ['Session', 'Sitzung', 'Session'],
	drive: ['Drive: ping within {0} ms', 'Fahren: Ping binnen {0} ms', 'Conduire : ping sous {0} ms'],
	manual: ['Manual pages', 'Handbuch', 'Manuel'],
});

const curl = (words, options = '') => `curl ${options}'${new URL('.', location)}?${words}'`;
const same = '-H "HTTaP-Session: $s" ';

// Of each group the title and the lines, of which some may be missing.
function groups(list) {
	const names = Object.keys(list);
	const outputs = names.filter(name => list[name].direction === 'output');
	const [one, two] = outputs.filter(name => !list[name].failsafe);
	const driven = outputs.find(name => list[name].failsafe);
	return [
		[t('read'), names[0] && curl(names[0]), curl('list')],
		[t('write'), ...one ? ['1', '0', 'toggle'].map(value => curl(one, `-d ${value} `)) : []],
		[t('several'), names[1] && curl(names.slice(0, 2)), two && curl('', `-d '${one}=1&${two}=0' `)],
		[t('pulse'), one && curl(one, '-d pulse:200ms ')],
		[t('halt'), curl('stop', '-X POST ')],
		[t('events'), curl('events', '-N ')],
		[t('session'), `s=$(${curl('ping', "-so /dev/null -w '%header{httap-session}' ")})`, curl('ping', same)],
		[t('drive', list[driven]?.failsafe),
			...driven ? [curl(driven, `${same}-d 1 `), curl('ping', same), curl(driven, `${same}-d 0 `)] : []],
	];
}

// Where there is no clipboard, as over plain HTTP, the lines are selected for the person's own copy.
function section(title, lines) {
	const text = make('pre', {}, ...lines.map(line => make('code', {}, line)));
	return make('section', { className: 'card' }, make('h2', {}, title),
		make('button', { ariaLabel: `${t('copy')}: ${title}`, onclick() {
			getSelection().selectAllChildren(text);
			navigator.clipboard?.writeText(lines.join('\n')).then(() => say(t('copied'), 'good'), () => {});
		} }, t('copy')), text);
}

open({
	list(list) {
		document.querySelector('main').replaceChildren(...groups(list).map(([title, ...lines]) => [title, lines.filter(Boolean)])
			.filter(([, lines]) => lines.length).map(group => section(...group)),
		make('p', {}, `${t('manual')}: httap(7), httapd(5), httapd(8)`));
	},
});
