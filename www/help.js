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
	several: ['Several at once', 'Mehrere zugleich', 'Plusieurs à la fois'],
	pulse: ['Pulse', 'Impuls', 'Impulsion'],
	stop: ['Stop everything', 'Alles stoppen', 'Tout arrêter'],
	events: ['Changes as they happen', 'Änderungen, sobald sie geschehen', 'Changements en direct'],
	session: ['Session: several connections as one', 'Sitzung: mehrere Verbindungen als eine', 'Session : plusieurs connexions en une'],
	drive: ['Drive: ping again within {0} ms', 'Fahren: alle {0} ms ein Ping', 'Conduire : un ping toutes les {0} ms'],
	manual: ['More in the manual pages httap(7), httapd(5) and httapd(8).', 'Mehr in den Handbuchseiten httap(7), httapd(5) und httapd(8).',
		'La suite dans les pages de manuel httap(7), httapd(5) et httapd(8).'],
});

const curl = (words, options = '') => `curl ${options}'${new URL('.', location)}?${words}'`;
const same = '-H "HTTaP-Session: $s" ';

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
		[t('stop'), curl('stop', '-X POST ')],
		[t('events'), curl('events', '-N ')],
		[t('session'), `s=$(${curl('ping', "-so /dev/null -w '%header{httap-session}' ")})`, curl('ping', same)],
		[t('drive', list[driven]?.failsafe), ...driven ? [curl(driven, `${same}-d 1 `), curl('ping', same), curl(driven, `${same}-d 0 `)] : []],
	];
}

// Where there is no clipboard, as over plain HTTP, the lines are selected for the person's own copy.
function section(title, lines) {
	const text = make('pre', {}, lines);
	return make('section', { className: 'card' }, make('h2', {}, title), text,
		make('button', { type: 'button', ariaLabel: `${t('copy')}: ${title}`, onclick() {
			getSelection().selectAllChildren(text);
			navigator.clipboard?.writeText(lines).then(() => say(t('copied'), 'good'), () => {});
		} }, t('copy')));
}

open({
	list(list) {
		document.querySelector('main').replaceChildren(...groups(list).map(([title, ...lines]) => [title, lines.filter(Boolean).join('\n')])
			.filter(([, lines]) => lines).map(group => section(...group)), make('p', {}, t('manual')));
	},
});
