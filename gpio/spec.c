/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Reads HTTAP_LINES (gpio.h). Pure: bytes in, a table or one sentence out. Must never accept a word that it does not
 * act upon: an option that is read and forgotten would leave a motor unguarded whose owner believes it guarded.
 *
 *	lines  = entry *( white-space entry )
 *	entry  = name "=" line *( "," option )
 *	line   = [ chip ":" ] ( kernel-name / number )
 *	option = word / word "=" value
 */
#include <string.h>

#include "gpio.h"
#include "text.h"

/* Characters of an entry or a word that a sentence repeats; a longer one is cut. */
#define QUOTE_MAX 48

#define ALLOWED "output, input, active-low, initial=, safe=, failsafe=, max-on=, interlock=, dead-time=, bias=, drive=, debounce="

/* Some bytes of the text; not ended by a NUL. */
struct slice {
	const char *at;
	size_t len;
};

struct choice {
	const char *word;
	int value;
};

/* One entry on its way into the table. */
struct entry {
	struct slice text; /* all of it, to be quoted */
	struct gpio_spec *spec;
	unsigned int given; /* a bit for each option that was there */
	struct gpio_error *error;
};

enum option {
	OPTION_DIRECTION,
	OPTION_ACTIVE_LOW,
	OPTION_INITIAL,
	OPTION_SAFE,
	OPTION_FAILSAFE,
	OPTION_MAX_ON,
	OPTION_INTERLOCK,
	OPTION_DEAD_TIME,
	OPTION_BIAS,
	OPTION_DRIVE,
	OPTION_DEBOUNCE
};

static const struct choice level_choices[] = { { "0", GPIO_0 }, { "1", GPIO_1 }, { "keep", GPIO_KEEP }, { NULL, 0 } };

static const struct choice bias_choices[] = {
	{ "pull-up", GPIO_BIAS_PULL_UP },
	{ "pull-down", GPIO_BIAS_PULL_DOWN },
	{ "off", GPIO_BIAS_OFF },
	{ NULL, 0 },
};

static const struct choice drive_choices[] = {
	{ "push-pull", GPIO_PUSH_PULL },
	{ "open-drain", GPIO_OPEN_DRAIN },
	{ "open-source", GPIO_OPEN_SOURCE },
	{ NULL, 0 },
};

/* The options. */
static const struct {
	const char *word;
	enum option option;
	enum { WORD_ALONE, CHOICE, TIME, GROUP } takes;
	const char *allowed; /* as a person says it */
	const struct choice *choices;
	int64_t min_ms, max_ms;
} options[] = {
	{ .word = "output", .option = OPTION_DIRECTION },
	{ .word = "input", .option = OPTION_DIRECTION },
	{ .word = "active-low", .option = OPTION_ACTIVE_LOW },
	{ "initial", OPTION_INITIAL, CHOICE, "0, 1 or keep", .choices = level_choices },
	{ "safe", OPTION_SAFE, CHOICE, "0, 1 or keep", .choices = level_choices },
	{ "failsafe", OPTION_FAILSAFE, TIME, "a time from 50ms to 60s", .min_ms = GPIO_FAILSAFE_MIN_MS,
		.max_ms = GPIO_FAILSAFE_MAX_MS },
	{ "max-on", OPTION_MAX_ON, TIME, "a time from 1ms to 86400s", .min_ms = GPIO_MAX_ON_MIN_MS,
		.max_ms = GPIO_MAX_ON_MAX_MS },
	{ "interlock", OPTION_INTERLOCK, GROUP, "the name of a group: up to 31 letters, digits, _ and -", .choices = NULL },
	{ "dead-time", OPTION_DEAD_TIME, TIME, "a time from 0ms to 10s", .min_ms = 0, .max_ms = GPIO_DEAD_TIME_MAX_MS },
	{ "bias", OPTION_BIAS, CHOICE, "pull-up, pull-down or off", .choices = bias_choices },
	{ "drive", OPTION_DRIVE, CHOICE, "push-pull, open-drain or open-source", .choices = drive_choices },
	{ "debounce", OPTION_DEBOUNCE, TIME, "a time from 0ms to 1s", .min_ms = 0, .max_ms = GPIO_DEBOUNCE_MAX_MS },
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* For "%.*s": a slice as a precision and its bytes. */
static int quote_len(struct slice slice)
{
	return (int)(slice.len < QUOTE_MAX ? slice.len : QUOTE_MAX);
}

#define QUOTE(slice) quote_len(slice), (slice).at

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_upper(c) || is_digit(c) || (c >= 'a' && c <= 'z') || c == '_';
}

static bool slice_is(struct slice slice, const char *word)
{
	return strlen(word) == slice.len && memcmp(slice.at, word, slice.len) == 0;
}

/* Takes what stands before the first `separator` (all, when there is none) off the front, and the separator with it. */
static struct slice take_until(struct slice *rest, char separator, bool *found)
{
	const char *at = memchr(rest->at, separator, rest->len);
	struct slice head = *rest;

	*found = at != NULL;
	if (at != NULL)
		head.len = (size_t)(at - rest->at);
	rest->at += head.len + *found;
	rest->len -= head.len + *found;
	return head;
}

static int refuse(const struct entry *entry, const char *why)
{
	return gpio_error_set(entry->error, "%.*s: %s", QUOTE(entry->text), why);
}

/* --- NAME --- */

/* [A-Z][A-Za-z0-9_]*(\.[A-Z0-9][A-Za-z0-9_]*)* */
static bool is_name(struct slice name)
{
	if (name.len == 0 || !is_upper(name.at[0]))
		return false;
	for (size_t i = 1; i < name.len; i++) {
		char c = name.at[i];
		bool begins = name.at[i - 1] == '.';

		if (begins ? !is_upper(c) && !is_digit(c) : !is_word(c) && c != '.')
			return false;
	}
	return name.at[name.len - 1] != '.';
}

static int read_name(const struct entry *entry, struct slice name)
{
	if (!is_name(name))
		return refuse(entry,
			"a signal's name is letters, digits and _, and begins with an uppercase letter; "
			"after a dot comes an uppercase letter or a digit");
	if (name.len >= GPIO_NAME_SIZE)
		return gpio_error_set(
			entry->error, "%.*s: a signal's name has at most %d characters", QUOTE(entry->text), GPIO_NAME_SIZE - 1);
	memcpy(entry->spec->name, name.at, name.len);
	return 0;
}

/* --- [CHIP:]LINE --- */

static bool is_printable(struct slice slice)
{
	for (size_t i = 0; i < slice.len; i++) {
		if (slice.at[i] <= ' ' || slice.at[i] > '~')
			return false;
	}
	return true;
}

/* Splits at the last colon: labels may hold one ("INT34C5:00"), names of lines hardly do. */
static struct slice take_chip(struct slice *line, bool *has_chip)
{
	struct slice chip = { line->at, 0 };

	*has_chip = false;
	for (size_t i = 0; i < line->len; i++) {
		if (line->at[i] == ':') {
			chip.len = i;
			*has_chip = true;
		}
	}
	line->at += chip.len + *has_chip;
	line->len -= chip.len + *has_chip;
	return chip;
}

static int read_line(const struct entry *entry, struct slice line)
{
	bool has_chip;
	struct slice chip = take_chip(&line, &has_chip);

	if (line.len == 0)
		return refuse(entry, "there is no line; write NAME=LINE, with a line's kernel name or its number");
	if (has_chip && chip.len == 0)
		return refuse(entry, "there is no chip before the colon; write CHIP:LINE, or LINE alone");
	if (line.len >= GPIO_NAME_SIZE || chip.len >= GPIO_NAME_SIZE)
		return gpio_error_set(entry->error, "%.*s: names of chips and lines have at most %d characters",
			QUOTE(entry->text), GPIO_NAME_SIZE - 1);
	if (!is_printable(line) || !is_printable(chip))
		return refuse(entry, "names of chips and lines are printable ASCII here; give the line by its number");
	memcpy(entry->spec->chip, chip.at, chip.len);
	memcpy(entry->spec->line, line.at, line.len);
	return 0;
}

/* --- options --- */

static int unknown_option(const struct entry *entry, struct slice word)
{
	return gpio_error_set(entry->error, "%.*s: unknown option \"%.*s\"; allowed: " ALLOWED, QUOTE(entry->text), QUOTE(word));
}

static const struct choice *find_choice(const struct choice *choice, struct slice value)
{
	while (choice->word != NULL && !slice_is(value, choice->word))
		choice++;
	return choice->word != NULL ? choice : NULL;
}

/* What an option says; only what it takes is set. */
struct value {
	int choice;
	int64_t time; /* microseconds */
	struct slice group;
};

/* Digits, then ms or s; up to 86,400,000 ms. */
static bool read_time(struct slice text, int64_t min_ms, int64_t max_ms, int64_t *time)
{
	int64_t ms = 0, unit = 1000;

	if (text.len < 2 || text.at[--text.len] != 's')
		return false;
	if (text.at[text.len - 1] == 'm') {
		unit = 1;
		text.len--;
	}
	if (text.len == 0 || text.len > 8)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!is_digit(text.at[i]))
			return false;
		ms = ms * 10 + (text.at[i] - '0');
	}
	ms *= unit;
	*time = ms * 1000;
	return ms >= min_ms && ms <= max_ms;
}

static bool is_group(struct slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!is_word(name.at[i]) && name.at[i] != '-')
			return false;
	}
	return name.len > 0 && name.len < GPIO_NAME_SIZE;
}

static void apply(struct gpio_spec *spec, enum option option, const struct value *value)
{
	switch (option) {
	case OPTION_DIRECTION:
		spec->direction = (enum gpio_direction)value->choice;
		break;
	case OPTION_ACTIVE_LOW:
		spec->active_low = true;
		break;
	case OPTION_INITIAL:
		spec->initial = (enum gpio_level)value->choice;
		break;
	case OPTION_SAFE:
		spec->safe = (enum gpio_level)value->choice;
		break;
	case OPTION_FAILSAFE:
		spec->failsafe = value->time;
		break;
	case OPTION_MAX_ON:
		spec->max_on = value->time;
		break;
	case OPTION_INTERLOCK:
		snprintf(spec->interlock, sizeof(spec->interlock), "%.*s", (int)value->group.len, value->group.at);
		break;
	case OPTION_DEAD_TIME:
		spec->dead_time = value->time;
		break;
	case OPTION_BIAS:
		spec->bias = (enum gpio_bias)value->choice;
		break;
	case OPTION_DRIVE:
		spec->drive = (enum gpio_drive)value->choice;
		break;
	case OPTION_DEBOUNCE:
		spec->debounce = value->time;
		break;
	}
}

/* The value of option `index` as it was written; -1 with a sentence when it is none. */
static int read_value(const struct entry *entry, size_t index, bool has_value, struct slice text, struct value *value)
{
	const char *word = options[index].word;
	const struct choice *choice;
	bool good = false;

	switch (options[index].takes) {
	case WORD_ALONE:
		if (has_value)
			return gpio_error_set(entry->error, "%.*s: %s takes no value", QUOTE(entry->text), word);
		value->choice = strcmp(word, "input") == 0 ? GPIO_INPUT : GPIO_OUTPUT;
		return 0;
	case CHOICE:
		choice = find_choice(options[index].choices, text);
		good = choice != NULL;
		value->choice = good ? choice->value : 0;
		break;
	case TIME:
		good = read_time(text, options[index].min_ms, options[index].max_ms, &value->time);
		break;
	case GROUP:
		good = is_group(text);
		value->group = text;
		break;
	}
	if (good)
		return 0;
	return gpio_error_set(
		entry->error, "%.*s: %s= takes %s, not \"%.*s\"", QUOTE(entry->text), word, options[index].allowed, QUOTE(text));
}

static int read_option(struct entry *entry, struct slice option)
{
	bool has_value;
	struct slice word = take_until(&option, '=', &has_value);
	size_t i = 0;

	while (i < OPTIONS && !slice_is(word, options[i].word))
		i++;
	if (i == OPTIONS)
		return unknown_option(entry, word);
	struct value value = { 0 };
	if (read_value(entry, i, has_value, option, &value) != 0)
		return -1;
	unsigned int mark = 1U << options[i].option;
	if ((entry->given & mark) != 0)
		return gpio_error_set(entry->error, "%.*s: %s is given twice", QUOTE(entry->text),
			options[i].option == OPTION_DIRECTION ? "the direction" : options[i].word);
	entry->given |= mark;
	apply(entry->spec, options[i].option, &value);
	return 0;
}

static int check_direction(const struct entry *entry)
{
	if (entry->spec->direction != GPIO_INPUT) {
		if ((entry->given >> OPTION_DEBOUNCE & 1) != 0)
			return refuse(entry, "debounce= is for inputs");
		return 0;
	}
	for (size_t i = 0; i < OPTIONS; i++) {
		enum option option = options[i].option;

		if (option == OPTION_DIRECTION || option == OPTION_ACTIVE_LOW || option == OPTION_BIAS ||
			option == OPTION_DEBOUNCE)
			continue;
		if ((entry->given >> option & 1) != 0)
			return gpio_error_set(entry->error,
				"%.*s: %s= is for outputs; an input may have active-low, bias= and debounce=", QUOTE(entry->text),
				options[i].word);
	}
	return 0;
}

/* A guard must be able to do what it is there for. */
static int check_guards(const struct entry *entry)
{
	struct gpio_spec *spec = entry->spec;
	bool has_initial = (entry->given >> OPTION_INITIAL & 1) != 0;

	if (spec->failsafe > 0 && spec->safe == GPIO_KEEP)
		return refuse(entry, "failsafe= needs a safe value: safe=0 or safe=1");
	if (spec->failsafe > 0 && has_initial && spec->initial != spec->safe)
		return refuse(entry, "a line with failsafe= starts at its safe value; leave initial= away");
	if (spec->failsafe > 0)
		spec->initial = spec->safe;
	if (spec->interlock[0] == '\0' && (entry->given >> OPTION_DEAD_TIME & 1) != 0)
		return refuse(entry, "dead-time= belongs to an interlock; name its group by interlock=");
	if (spec->interlock[0] != '\0' && (spec->initial != GPIO_0 || spec->safe != GPIO_0))
		return refuse(entry, "a line with interlock= starts and is safe at 0; leave initial= and safe= away");
	if (spec->max_on > 0 && (spec->initial != GPIO_0 || spec->safe != GPIO_0))
		return refuse(entry, "a line with max-on= starts and is safe at 0; leave initial= and safe= away");
	return 0;
}

/* --- entries --- */

static int read_entry(struct entry *entry)
{
	struct slice rest = entry->text;
	bool more;
	struct slice name = take_until(&rest, '=', &more);

	if (!more)
		return refuse(entry, "there is no line; write NAME=LINE[,option]...");
	if (read_name(entry, name) != 0 || read_line(entry, take_until(&rest, ',', &more)) != 0)
		return -1;
	while (more) {
		struct slice option = take_until(&rest, ',', &more);

		if (option.len == 0)
			return refuse(entry, "there is no option after a comma; allowed: " ALLOWED);
		if (read_option(entry, option) != 0)
			return -1;
	}
	return check_direction(entry) != 0 ? -1 : check_guards(entry);
}

/* MOTOR is also the word for all of MOTOR.* (PROTOCOL: dots make the hierarchy). */
static bool is_above(const char *name, const char *other)
{
	size_t len = strlen(name);

	return strncmp(name, other, len) == 0 && other[len] == '.';
}

/* As far as the text shows it: that 17 and GPIO17 are one line is found out when the chip is open. */
static int check_unique(const struct gpio_specs *specs, const struct entry *entry)
{
	for (size_t i = 0; i < specs->count; i++) {
		const struct gpio_spec *other = &specs->spec[i];

		if (strcmp(other->name, entry->spec->name) == 0)
			return gpio_error_set(entry->error, "%.*s: the name %s is used twice; give each signal a name of its own",
				QUOTE(entry->text), other->name);
		if (is_above(other->name, entry->spec->name) || is_above(entry->spec->name, other->name))
			return gpio_error_set(entry->error,
				"%.*s: %s and %s are ambiguous, for the one also means all below it; rename one",
				QUOTE(entry->text), other->name, entry->spec->name);
		if (strcmp(other->chip, entry->spec->chip) == 0 && strcmp(other->line, entry->spec->line) == 0)
			return gpio_error_set(entry->error, "%.*s: %s has the same line; give each signal a line of its own",
				QUOTE(entry->text), other->name);
	}
	return 0;
}

/* Whoever is alone in a group was meant to be in another: a typing error in a name would leave a bridge unguarded. */
static int check_group(const struct gpio_specs *specs, const struct entry *entry)
{
	const struct gpio_spec *spec = entry->spec;
	size_t members = 0;

	for (size_t i = 0; i < specs->count; i++) {
		const struct gpio_spec *other = &specs->spec[i];

		if (strcmp(other->interlock, spec->interlock) != 0)
			continue;
		members++;
		/* Else who does not drive could switch off what is driven, by switching the other on. */
		if ((other->failsafe > 0) != (spec->failsafe > 0))
			return gpio_error_set(entry->error,
				"%.*s: of %s and %s in interlock=%s one has failsafe= and one has not; give it to both",
				QUOTE(entry->text), spec->name, other->name, spec->interlock);
	}
	if (members == 1)
		return gpio_error_set(entry->error, "%.*s: nothing else has interlock=%s; a group needs two signals",
			QUOTE(entry->text), spec->interlock);
	return 0;
}

static struct slice next_entry(const char **text)
{
	struct slice entry;

	while (is_space(**text))
		(*text)++;
	entry.at = *text;
	while (**text != '\0' && !is_space(**text))
		(*text)++;
	entry.len = (size_t)(*text - entry.at);
	return entry;
}

/* Once all entries are known; `text` is that of all of them. */
static int check_groups(struct gpio_specs *specs, const char *text, struct gpio_error *error)
{
	for (size_t i = 0; i < specs->count; i++) {
		struct entry entry = { .text = next_entry(&text), .spec = &specs->spec[i], .error = error };

		if (entry.spec->interlock[0] != '\0' && check_group(specs, &entry) != 0)
			return -1;
	}
	return 0;
}

int gpio_specs_parse(struct gpio_specs *out, const char *text, struct gpio_error *error)
{
	const char *rest = text;

	memset(out, 0, sizeof(*out));
	for (struct slice slice = next_entry(&rest); slice.len > 0; slice = next_entry(&rest)) {
		struct entry entry = { .text = slice, .error = error };

		if (out->count == GPIO_LINES_MAX)
			return gpio_error_set(error, "%.*s: too many signals; there can be %d", QUOTE(slice), GPIO_LINES_MAX);
		entry.spec = &out->spec[out->count];
		if (read_entry(&entry) != 0 || check_unique(out, &entry) != 0)
			return -1;
		out->count++;
	}
	return check_groups(out, text, error);
}
