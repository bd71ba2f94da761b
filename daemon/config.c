/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * The daemon's variables. Those of the server are read by the library; here are those of the lines, the log and the user.
 */
#include "daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "httap/token.h"

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* One line, whatever bytes the value holds: it goes to terminals and journals. */
static int refuse(struct httap_error *error, const char *name, const char *value, const char *allowed)
{
	snprintf(error->text, sizeof(error->text), "%s=\"%.80s\": %s", name, value, allowed);
	for (char *at = error->text; *at != '\0'; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	return -1;
}

/* The place of `value` among the names; -1: it is none of them. */
static int find_name(const char *value, const char *const *names, int count)
{
	while (--count >= 0 && strcmp(value, names[count]) != 0)
		;
	return count;
}

static int read_log(struct config *config, struct httap_error *error)
{
	static const char *const names[] = {
		[LOG_ERRORS] = "errors",
		[LOG_CHANGES] = "changes",
		[LOG_REQUESTS] = "requests",
	};
	const char *value = variable("HTTAP_LOG");

	config->log = LOG_CHANGES;
	if (value == NULL)
		return 0;
	int level = find_name(value, names, sizeof(names) / sizeof(names[0]));
	if (level < 0)
		return refuse(error, "HTTAP_LOG", value, "must be errors, changes or requests");
	config->log = (enum log_level)level;
	return 0;
}

static int read_user(struct config *config, struct httap_error *error)
{
	const struct passwd *user;

	config->user = variable("HTTAP_USER");
	if (config->user == NULL)
		return 0;
	user = getpwnam(config->user);
	if (user == NULL)
		return refuse(error, "HTTAP_USER", config->user, "must be the name of a user of this machine");
	if (user->pw_uid == 0)
		return refuse(error, "HTTAP_USER", config->user, "must be an unprivileged user, not root");
	config->uid = user->pw_uid;
	config->gid = user->pw_gid;
	return 0;
}

static int read_group(struct config *config, struct httap_error *error)
{
	const struct group *group;

	if (config->user == NULL)
		return 0;
	config->group = variable("HTTAP_GROUP");
	if (config->group == NULL && config->gid == 0)
		return refuse(error, "HTTAP_USER", config->user, "has root's group as its own; name another one in HTTAP_GROUP");
	if (config->group == NULL)
		return 0;
	group = getgrnam(config->group);
	if (group == NULL)
		return refuse(error, "HTTAP_GROUP", config->group, "must be the name of a group of this machine");
	if (group->gr_gid == 0)
		return refuse(error, "HTTAP_GROUP", config->group, "must be an unprivileged group, not root's");
	config->gid = group->gr_gid;
	return 0;
}

static int read_lines(struct config *config, struct httap_error *error)
{
	const char *text = variable("HTTAP_LINES");
	struct gpio_error why;

	config->chip = variable("HTTAP_GPIOCHIP");
	if (config->chip != NULL && strlen(config->chip) >= GPIO_NAME_SIZE)
		return refuse(error, "HTTAP_GPIOCHIP", config->chip, "must be a chip's label, gpiochipN, /dev/gpiochipN or sim");
	if (gpio_specs_parse(&config->lines, text != NULL ? text : "", &why) == 0)
		return 0;
	snprintf(error->text, sizeof(error->text), "HTTAP_LINES: %.240s", why.text);
	return -1;
}

/* The library opens the static root; here it is only asked whether the value is a directory at all. */
static int check_static_path(const struct config *config, struct httap_error *error)
{
	const char *path = config->httap.static_path;
	int fd = path != NULL ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	char allowed[80];

	if (path != NULL && fd < 0) {
		snprintf(allowed, sizeof(allowed), "must be a directory: %s", strerror(errno));
		return refuse(error, "HTTAP_STATICPATH", path, allowed);
	}
	if (fd >= 0)
		(void)close(fd);
	return 0;
}

/* A name without a slash is that of a credential, which systemd has put where only this service reads (systemd.exec(5)). */
static int open_token(const char *name)
{
	const char *directory = variable("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	if (strchr(name, '/') != NULL)
		return open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (directory == NULL) {
		errno = ENOENT;
		return -1;
	}
	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* The file's one line; NULL, or what is wrong with the file. */
static const char *read_token_from(int fd, char token[HTTAP_TOKEN_MAX + 1])
{
	static const char wrong[] = "must hold one line, a token of 16 to 128 letters, digits and -._~+/";
	char text[HTTAP_TOKEN_MAX + 2]; /* with its line end, or too long */
	struct stat info;

	if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))
		return "must be a file with the token in it";
	if ((info.st_mode & 07) != 0)
		return "must not be open to everybody; chmod 600 it";
	ssize_t len = read(fd, text, sizeof(text));
	if (len < 0)
		return strerror(errno);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > HTTAP_TOKEN_MAX || memchr(text, '\0', (size_t)len) != NULL)
		return wrong;
	memcpy(token, text, (size_t)len);
	token[len] = '\0';
	return token_is_good(token) ? NULL : wrong;
}

static int read_token(struct config *config, struct httap_error *error)
{
	static const char *const kinds[] = { "writes", "everything" };
	const char *file = variable("HTTAP_TOKEN_FILE"), *kind = variable("HTTAP_TOKEN_FOR");
	int reads = kind != NULL ? find_name(kind, kinds, 2) : 0;

	if (reads < 0)
		return refuse(error, "HTTAP_TOKEN_FOR", kind, "must be writes or everything");
	if (file == NULL)
		return kind != NULL ? refuse(error, "HTTAP_TOKEN_FOR", kind, "needs a token; name its file in HTTAP_TOKEN_FILE")
				    : 0;
	int fd = open_token(file);
	const char *wrong = fd < 0 ? strerror(errno) : read_token_from(fd, config->token);
	if (fd >= 0)
		(void)close(fd);
	if (wrong != NULL)
		return refuse(error, "HTTAP_TOKEN_FILE", file, wrong);
	config->httap.token = config->token;
	config->httap.token_to_read = reads == 1;
	return 0;
}

int config_read(struct config *config, struct httap_error *error)
{
	*config = (struct config){ .log = LOG_CHANGES };
	if (httap_config_environment(&config->httap, error) < 0 || read_lines(config, error) < 0 || read_log(config, error) < 0 ||
		read_user(config, error) < 0 || read_group(config, error) < 0 || read_token(config, error) < 0 ||
		check_static_path(config, error) < 0)
		return -1;
	if (config->user != NULL && geteuid() == 0) {
		config->httap.serving_uid_given = true;
		config->httap.serving_uid = config->uid;
	}
	return 0;
}
