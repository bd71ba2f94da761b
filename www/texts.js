// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// What the pages say, in the browser's language. What the server says comes as it is, in English.

const texts = {
	// English, German, French; {0} and {1} are put in
	panel: ['Panel', 'Schalter', 'Panneau'],
	car: ['Car', 'Auto', 'Voiture'],
	scope: ['Scope', 'Verlauf', 'Courbes'],
	help: ['Help', 'Hilfe', 'Aide'],
	pages: ['Pages', 'Seiten', 'Pages'],
	connecting: ['Connecting…', 'Verbinde…', 'Connexion…'],
	reconnecting: ['Reconnecting…', 'Verbinde neu…', 'Reconnexion…'],
	connected: ['Connected · {0} ms', 'Verbunden · {0} ms', 'Connecté · {0} ms'],
	lost: ['Link lost', 'Verbindung verloren', 'Connexion perdue'],
	lostNow: ['Link lost. The controls are disabled until it is back.', 'Verbindung verloren. Die Bedienung ist gesperrt, bis sie wieder da ist.',
		'Connexion perdue. Les commandes sont bloquées jusqu’à son retour.'],
	back: ['Connected again.', 'Wieder verbunden.', 'Connexion rétablie.'],
	meDrives: ['you drive', 'Sie fahren', 'vous conduisez'],
	drives: ['{0} drives', '{0} fährt', '{0} conduit'],
	stopHint: ['Every output takes its safe value. Keys: Escape, space.', 'Jeder Ausgang nimmt seinen sicheren Wert an. Tasten: Escape, Leertaste.',
		'Chaque sortie prend sa valeur sûre. Touches : Échap, espace.'],
	stopped: ['Stopped: every output has its safe value', 'Gestoppt: Jeder Ausgang hat seinen sicheren Wert',
		'Arrêt : chaque sortie a sa valeur sûre'],
	stopFailed: ['STOP did not reach the server: it does not answer', 'STOP kam nicht an: Der Server antwortet nicht',
		'STOP n’est pas arrivé : le serveur ne répond pas'],
	silent: ['{0}: the server does not answer', '{0}: Der Server antwortet nicht', '{0} : le serveur ne répond pas'],
	dismiss: ['Dismiss the message', 'Meldung schließen', 'Fermer le message'],
	on: ['On', 'Ein', 'Allumé'],
	off: ['Off', 'Aus', 'Éteint'],
	unknown: ['Unknown', 'Unbekannt', 'Inconnu'],
	pending: ['Pending', 'Wartet', 'En cours'],
	letGo: ['Released: let go, then press again', 'Gelöst: loslassen, dann neu drücken', 'Relâché : lâchez, puis appuyez à nouveau'],
	hold: ['hold', 'halten', 'maintenir'],
	signals: ['Signals', 'Signale', 'Signaux'],
	none: ['No signals yet', 'Noch keine Signale', 'Pas encore de signaux'],
	noneHow: ['Give a line a name, and restart httapd: httapd(5) tells how. Under systemd this belongs into /etc/default/httapd:',
		'Geben Sie einer Leitung einen Namen und starten Sie httapd neu, siehe httapd(5). Unter systemd steht das in /etc/default/httapd:',
		'Donnez un nom à une ligne et redémarrez httapd, voir httapd(5). Sous systemd, dans /etc/default/httapd :'],
	stick: ['Stick: drag to drive', 'Steuerknüppel: ziehen zum Fahren', 'Manette : glissez pour conduire'],
	forward: ['Forward', 'Vorwärts', 'Avant'],
	reverse: ['Reverse', 'Rückwärts', 'Arrière'],
	left: ['Left', 'Links', 'Gauche'],
	right: ['Right', 'Rechts', 'Droite'],
	standing: ['Standing', 'Steht', 'À l’arrêt'],
	keys: ['Keys: arrows or WASD.', 'Tasten: Pfeile oder WASD.', 'Touches : flèches ou WASD (positions).'],
	pad: ['Gamepad: stick or cross, B is STOP.', 'Gamepad: Stick oder Kreuz, B ist STOP.', 'Manette de jeu : stick ou croix, B pour STOP.'],
	noPad: ['A gamepad needs HTTPS or localhost.', 'Ein Gamepad braucht HTTPS oder localhost.', 'Une manette de jeu exige HTTPS ou localhost.'],
	noSignal: ['{0} is no driven output here (an output with failsafe=TIME). There are: {1}',
		'{0} ist hier kein Fahrausgang (ein Ausgang mit failsafe=ZEIT). Es gibt: {1}',
		'{0} n’est pas une sortie de conduite ici (avec failsafe=DURÉE). Il y a : {1}'],
	nothing: ['none', 'keinen', 'aucune'],
};
const languages = ['en', 'de', 'fr'];
const wished = navigator.languages.map(tag => languages.indexOf(tag.slice(0, 2).toLowerCase())).find(place => place >= 0) ?? 0;

export function t(key, ...values) {
	return texts[key][wished].replace(/{(\d)}/g, (_, place) => values[place]);
}

// The texts of a page, and its elements with data-t.
export function learn(more) {
	Object.assign(texts, more);
	for (const node of document.querySelectorAll('[data-t]'))
		node.textContent = t(node.dataset.t);
}

document.documentElement.lang = languages[wished];
learn();
