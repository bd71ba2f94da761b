/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The library's configuration: from the environment, and checked. Every refusal names the variable, its value and what is
 * allowed. Touches nothing outside the structure.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "httap/server.h"

static int refuse(struct httap_error *error, const char *variable, const char *value, const char *allowed)
{
	char shown[80];

	(void)text_printable(shown, sizeof(shown), span_of(value));
	snprintf(error->text, sizeof(error->text), "%s=\"%s\": %s", variable, shown, allowed);
	return -1;
}

/* --- Numbers ------------------------------------------------------------------------------------------------------ */

static const struct number {
	const char *variable;
	size_t member;
	int min;
	int max;
	const char *allowed;
} numbers[] = {
	{ "HTTAP_TCPPORT", offsetof(struct httap_config, port), 0, 65535, "must be a port from 1 to 65535, or 0 for a free one" },
	{ "HTTAP_KEEPALIVE", offsetof(struct httap_config, keepalive_s), HTTAP_KEEPALIVE_MIN_S, HTTAP_KEEPALIVE_MAX_S,
		"must be 3 to 200 seconds" },
	{ "HTTAP_CONNECTIONS", offsetof(struct httap_config, connections), HTTAP_CONNECTIONS_MIN, HTTAP_CONNECTIONS_MAX,
		"must be 2 to 1024 connections" },
};

#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static int read_number(struct httap_config *config, const struct number *number, const char *text, struct httap_error *error)
{
	uint64_t value;

	if (!text_number(span_of(text), (uint64_t)number->max, &value) || value < (uint64_t)number->min)
		return refuse(error, number->variable, text, number->allowed);
	/* In the structure 0 is the default, so that "any port" is a number of its own. */
	int stored = value == 0 ? HTTAP_PORT_ANY : (int)value;
	memcpy((char *)config + number->member, &stored, sizeof(stored));
	return 0;
}

static int check_number(const struct httap_config *config, const struct number *number, struct httap_error *error)
{
	char text[16];
	int value;

	memcpy(&value, (const char *)config + number->member, sizeof(value));
	if (value == 0 || (value >= number->min && value <= number->max) || (number->min == 0 && value == HTTAP_PORT_ANY))
		return 0;
	snprintf(text, sizeof(text), "%d", value);
	return refuse(error, number->variable, text, number->allowed);
}

/* --- Text --------------------------------------------------------------------------------------------------------- */

static const struct text {
	const char *variable;
	size_t member;
	bool (*good)(const char *text); /* NULL: any text is */
	const char *allowed;
} texts[] = {
	{ "HTTAP_LISTEN", offsetof(struct httap_config, listen), listen_is_address_list,
		"must be up to 8 IPv4 or IPv6 addresses with spaces between them, like \"127.0.0.1 ::1\"" },
	{ "HTTAP_STATICPATH", offsetof(struct httap_config, static_path), NULL, "must be a directory" },
	{ "HTTAP_ROOTPAGE", offsetof(struct httap_config, root_page), static_is_root_page,
		"must be a file's path below the static root, without a leading slash, two dots or names that begin with a dot" },
	{ "HTTAP_HOSTS", offsetof(struct httap_config, hosts), guard_is_host_list,
		"must be up to 16 host names without ports or a dot at the end, with spaces between them, like \"pi.example.org\"" },
	{ "HTTAP_ORIGINS", offsetof(struct httap_config, origins), guard_is_origin_list,
		"must be \"*\" or up to 16 origins with spaces between them, like \"http://lab.example.org:8080\"" },
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static int check_text(const struct text *text, const char *value, struct httap_error *error)
{
	if (text->good == NULL || text->good(value))
		return 0;
	return refuse(error, text->variable, value, text->allowed);
}

/* Never shown: an error goes to logs. */
static int check_token(const struct httap_config *config, struct httap_error *error)
{
	if (config->token == NULL || (TOKENS && token_is_good(config->token)))
		return 0;
	snprintf(error->text, sizeof(error->text),
		TOKENS ? "the token must be 16 to 128 letters, digits and -._~+/ with nothing but = at the end"
		       : "this library was built without files and tokens: leave the token unset");
	return -1;
}

/* --- Yes and no ---------------------------------------------------------------------------------------------------- */

static const struct flag {
	const char *variable;
	size_t member;
	bool when_yes;
} flags[] = {
	{ "HTTAP_GET_WRITES", offsetof(struct httap_config, refuse_get_writes), false },
	{ "HTTAP_LOOPBACK", offsetof(struct httap_config, loopback), true },
};

#define FLAGS (sizeof(flags) / sizeof(flags[0]))

static int read_flag(struct httap_config *config, const struct flag *flag, const char *text, struct httap_error *error)
{
	bool yes = strcmp(text, "yes") == 0, stored = yes == flag->when_yes;

	if (!yes && strcmp(text, "no") != 0)
		return refuse(error, flag->variable, text, "must be yes or no");
	memcpy((char *)config + flag->member, &stored, sizeof(stored));
	return 0;
}

/* ------------------------------------------------------------------------------------------------------------------ */

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

int httap_config_environment(struct httap_config *config, struct httap_error *error)
{
	const char *value;

	for (size_t i = 0; i < NUMBERS; i++)
		if ((value = variable(numbers[i].variable)) != NULL && read_number(config, &numbers[i], value, error) < 0)
			return -1;
	for (size_t i = 0; i < TEXTS; i++)
		if ((value = variable(texts[i].variable)) != NULL)
			memcpy((char *)config + texts[i].member, &value, sizeof(value));
	for (size_t i = 0; i < FLAGS; i++)
		if ((value = variable(flags[i].variable)) != NULL && read_flag(config, &flags[i], value, error) < 0)
			return -1;
	return config_check(config, error);
}

int config_check(const struct httap_config *config, struct httap_error *error)
{
	const char *value;

	for (size_t i = 0; i < NUMBERS; i++)
		if (check_number(config, &numbers[i], error) < 0)
			return -1;
	for (size_t i = 0; i < TEXTS; i++) {
		memcpy(&value, (const char *)config + texts[i].member, sizeof(value));
		if (value != NULL && check_text(&texts[i], value, error) < 0)
			return -1;
	}
	return check_token(config, error);
}
