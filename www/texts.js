// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// What the pages say, in the browser's language. What the server says comes as it is, in English.

const texts = {
	// English, German, French; {0} and {1} are put in
	panel: ['Panel', 'Schalter', 'Panneau'],
	car: ['Car', 'Auto', 'Voiture'],
	scope: ['Scope', 'Logik', 'Logique'],
	help: ['Help', 'Hilfe', 'Aide'],
	connecting: ['Connecting…', 'Verbinde…', 'Connexion…'],
	connected: ['Connected · {0} ms', 'Verbunden · {0} ms', 'Connecté · {0} ms'],
	lost: ['Link lost, reconnecting…', 'Getrennt, verbinde neu…', 'Coupé, reconnexion…'],
	meDrives: ['you drive', 'Sie fahren', 'vous conduisez'],
	drives: ['{0} drives', '{0} fährt', '{0} conduit'],
	stopped: ['Stopped: every output has its safe value', 'Gestoppt: Jeder Ausgang hat seinen sicheren Wert',
		'Arrêt : chaque sortie a sa valeur sûre'],
	silent: ['{0}: the server does not answer', '{0}: Der Server antwortet nicht', '{0} : le serveur ne répond pas'],
	on: ['On', 'Ein', 'Allumé'],
	off: ['Off', 'Aus', 'Éteint'],
	unknown: ['Unknown', 'Unbekannt', 'Inconnu'],
	letGo: ['Released: let go, then press again', 'Gelöst: loslassen, dann neu drücken', 'Relâché : lâchez, puis appuyez à nouveau'],
	hold: ['hold', 'halten', 'maintenir'],
	signals: ['Signals', 'Signale', 'Signaux'],
	none: ['No signals yet', 'Noch keine Signale', 'Pas encore de signaux'],
	noneHow: ['Name a line in /etc/default/httapd, and restart httapd. httapd(5) tells more.',
		'Benennen Sie eine Leitung in /etc/default/httapd und starten Sie httapd neu. Mehr steht in httapd(5).',
		'Nommez une ligne dans /etc/default/httapd et redémarrez httapd. Plus dans httapd(5).'],
	forward: ['Forward', 'Vorwärts', 'Avant'],
	reverse: ['Reverse', 'Rückwärts', 'Arrière'],
	left: ['Left', 'Links', 'Gauche'],
	right: ['Right', 'Rechts', 'Droite'],
	standing: ['Standing', 'Steht', 'À l’arrêt'],
	keys: ['Keys: arrows or WASD.', 'Tasten: Pfeile oder WASD.', 'Touches : flèches ou WASD.'],
	pad: ['Gamepad: stick or cross, B is STOP.', 'Gamepad: Stick oder Kreuz, B ist STOP.', 'Gamepad : stick ou croix, B pour STOP.'],
	noPad: ['A gamepad needs HTTPS or localhost.', 'Ein Gamepad braucht HTTPS oder localhost.', 'Un gamepad exige HTTPS ou localhost.'],
	noSignal: ['No output with failsafe=TIME: {0}. There are: {1}', 'Kein Ausgang mit failsafe=ZEIT: {0}. Es gibt: {1}',
		'Pas de sortie avec failsafe=DURÉE : {0}. Il y a : {1}'],
};
const languages = ['en', 'de', 'fr'];
const wished = navigator.languages.map(tag => languages.indexOf(tag.slice(0, 2))).find(place => place >= 0) ?? 0;

export function t(key, ...values) {
	return texts[key][wished].replace(/{(\d)}/g, (_, place) => values[place]);
}

// The texts of one page alone.
export const learn = more => Object.assign(texts, more);

document.documentElement.lang = languages[wished];
