// SPDX-License-Identifier: AGPL-3.0-or-later
// Copyright (C) the httapd authors
//
// Asks the person for the token that the server wants from who writes. Loaded when a server first does.
import { identify } from './link.js';
import { make, say } from './page.js';
import { learn, t } from './texts.js';

learn({
	token: ['Token of this server', 'Kennwort dieses Servers', 'Jeton de ce serveur'],
	tokenSend: ['Use', 'Verwenden', 'Utiliser'],
});

const field = make('input', { type: 'password', autocomplete: 'current-password', required: true });
const form = make('form', { id: 'token' }, make('label', {}, t('token'), ' ', field), make('button', {}, t('tokenSend')));
field.style = 'min-height: 2.75rem; font: inherit';
form.style = 'display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; padding: .5rem max(var(--edge), 50vw - 33rem)';

form.onsubmit = event => {
	event.preventDefault();
	identify(field.value.trim());
	field.value = '';
	form.remove();
	say();
};

// Not over the page: STOP must stay in reach.
export function wish() {
	if (form.isConnected)
		return;
	document.querySelector('header').after(form);
	field.focus();
}
