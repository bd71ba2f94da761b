/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * gpio/find.c, gpio/devices.c, gpio/board.c and gpio/list.c: which chip and which line is meant, told apart without any
 * hardware (test_gpio_fake.h).
 */
#include "tests/unit/test_gpio_fake.h"

#include <fcntl.h>
#include <limits.h>

#include "tests/unit/rig.h"

/* --- tools --- */

/* Finds a chip and closes it again; returns the name of the one that was found. */
static const char *found(const char *wanted)
{
	static char name[GPIO_NAME_SIZE];
	struct gpio_places places = fake_places();
	struct gpio_error error = { "" };
	struct gpio_chip *chip = gpio_find_chip(&places, wanted, &error);

	ck_assert_msg(chip != NULL, "%s", error.text);
	memcpy(name, chip->name, sizeof(name));
	chip->ops->close(chip);
	return name;
}

/* The sentence when there is no such chip. */
static const char *missed(const char *wanted)
{
	static struct gpio_error error;
	struct gpio_places places = fake_places();

	ck_assert_ptr_null(gpio_find_chip(&places, wanted, &error));
	return error.text;
}

static void contains(const char *text, const char *fragment)
{
	ck_assert_msg(strstr(text, fragment) != NULL, "expected \"%s\" in \"%s\"", fragment, text);
}

/* --- device files --- */

START_TEST(device_files_come_in_order_of_their_numbers)
{
	struct gpio_places places = fake_places();
	struct gpio_devices devices;

	fake_link("gpiochip10", "/dev/null");
	fake_link("gpiochip2", "/dev/zero");
	fake_link("gpiochip0", "/dev/full");
	ck_assert_int_eq(gpio_devices_list(&devices, &places), 0);
	ck_assert_uint_eq(devices.count, 3);
	ck_assert_uint_eq(devices.device[0].number, 0);
	ck_assert_uint_eq(devices.device[1].number, 2);
	ck_assert_uint_eq(devices.device[2].number, 10);
	gpio_devices_free(&devices);
}
END_TEST

START_TEST(a_device_file_that_is_a_link_to_another_is_left_out)
{
	struct gpio_places places = fake_places();
	struct gpio_devices devices;

	fake_link("gpiochip0", "/dev/null");
	fake_link("gpiochip4", "gpiochip0");
	fake_link("gpiochip5", "/dev/zero");
	ck_assert_int_eq(gpio_devices_list(&devices, &places), 0);
	ck_assert_uint_eq(devices.count, 2);
	ck_assert_uint_eq(devices.device[0].number, 0);
	ck_assert_uint_eq(devices.device[1].number, 5);
	gpio_devices_free(&devices);
}
END_TEST

START_TEST(other_files_are_no_chips)
{
	struct gpio_places places = fake_places();
	struct gpio_devices devices;
	char path[300];

	fake_link("gpiochip3", "nowhere");
	snprintf(path, sizeof(path), "%s/gpiochip6", fake.directory);
	ck_assert_int_eq(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	fake_link("gpiochip7", "/dev/null");
	ck_assert_int_eq(gpio_devices_list(&devices, &places), 0);
	ck_assert_uint_eq(devices.count, 1);
	ck_assert_uint_eq(devices.device[0].number, 7);
	gpio_devices_free(&devices);
}
END_TEST

START_TEST(a_directory_that_is_not_there_holds_no_chip)
{
	struct gpio_places places = { .directory = "/nowhere/at/all", .kernel = &fake_ops };
	struct gpio_devices devices;

	ck_assert_int_eq(gpio_devices_list(&devices, &places), 0);
	ck_assert_uint_eq(devices.count, 0);
	gpio_devices_free(&devices);
}
END_TEST

/* There is nothing that could be opened, so the chip is asked for nothing. */
START_TEST(a_device_file_whose_path_is_too_long_is_not_opened)
{
	static char directory[PATH_MAX];
	struct gpio_places places = { .directory = directory, .kernel = &fake_ops };

	memset(directory, 'd', sizeof(directory) - 1);
	errno = 0;
	ck_assert_ptr_null(gpio_device_open(&places, 0));
	ck_assert_int_eq(errno, ENAMETOOLONG);
}
END_TEST

/* For the second one, when there is one in the list already. */
START_TEST(without_memory_for_the_device_files_that_is_told)
{
	struct gpio_places places = fake_places();
	struct gpio_error error = { "" };
	char text[200];

	if (!rig_counts_allocations())
		return;
	fake_link("gpiochip0", "/dev/null");
	fake_link("gpiochip1", "/dev/zero");
	rig_fail_call(RIG_REALLOC, 2, ENOMEM);
	ck_assert_ptr_null(gpio_find_chip(&places, NULL, &error));
	ck_assert_str_eq(error.text, "chips could not be looked for: Cannot allocate memory");
	FILE *out = fmemopen(text, sizeof(text), "w");
	ck_assert_ptr_nonnull(out);
	rig_fail_call(RIG_REALLOC, 1, ENOMEM);
	ck_assert_int_eq(gpio_list_at(&places, out, false), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_str_eq(text, "chips could not be looked for: Cannot allocate memory\n");
}
END_TEST

static const struct {
	const char *name;
	int number; /* -1: none */
} numbers[] = {
	{ "gpiochip0", 0 },
	{ "gpiochip9", 9 },
	{ "gpiochip10", 10 },
	{ "gpiochip2147483647", 2147483647 },
	{ "gpiochip2147483648", -1 },
	{ "gpiochip99999999999999999999", -1 },
	{ "gpiochip", -1 },
	{ "gpiochip00", -1 },
	{ "gpiochip07", -1 },
	{ "gpiochip-1", -1 },
	{ "gpiochip+1", -1 },
	{ "gpiochip 1", -1 },
	{ "gpiochip1 ", -1 },
	{ "gpiochip1a", -1 },
	{ "gpiochipx", -1 },
	{ "gpiochi", -1 },
	{ "GPIOCHIP1", -1 },
	{ "", -1 },
};

START_TEST(the_number_of_a_device_file_is_all_that_follows_its_name)
{
	unsigned int number = 0;

	ck_assert_int_eq(gpio_device_number(numbers[_i].name, &number), numbers[_i].number >= 0);
	if (numbers[_i].number >= 0)
		ck_assert_uint_eq(number, (unsigned int)numbers[_i].number);
}
END_TEST

/* --- the header's chip --- */

static const char *const header_labels[] = { "pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835" };

START_TEST(the_header_is_found_by_its_label_and_not_by_its_number)
{
	fake_add_device("gpiochip0", "/dev/null", "gpio-brcmstb@107d508500");
	fake_add_device("gpiochip4", "/dev/zero", header_labels[_i]);
	fake_add_device("gpiochip5", "/dev/full", "raspberrypi-exp-gpio");
	ck_assert_str_eq(found(NULL), "gpiochip4");
	ck_assert_str_eq(found(""), "gpiochip4");
}
END_TEST

START_TEST(the_newest_header_wins_wherever_it_stands)
{
	static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full" };
	static const char *const names[] = { "gpiochip0", "gpiochip1", "gpiochip2" };
	/* The six orders of three labels. */
	static const unsigned int order[6][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	unsigned int newest = 0;

	for (unsigned int i = 0; i < 3; i++) {
		fake_add_device(names[i], devices[i], header_labels[order[_i][i]]);
		if (order[_i][i] == 0)
			newest = i;
	}
	ck_assert_str_eq(found(NULL), names[newest]);
}
END_TEST

START_TEST(a_label_that_only_begins_like_a_header_is_none)
{
	fake_add_device("gpiochip0", "/dev/null", "pinctrl-rp1-fake");
	fake_add_device("gpiochip1", "/dev/zero", "pinctrl-bcm271");
	contains(missed(NULL), "no Raspberry Pi header chip");
}
END_TEST

START_TEST(without_a_header_the_sentence_says_what_to_do)
{
	ck_assert_str_eq(missed(NULL),
		"no Raspberry Pi header chip (pinctrl-rp1, pinctrl-bcm2711, pinctrl-bcm2835) found; "
		"name a chip with HTTAP_GPIOCHIP, or \"sim\" for the simulated one");
}
END_TEST

START_TEST(the_simulated_chip_is_never_chosen_silently)
{
	fake_add_device("gpiochip0", "/dev/null", "sim");
	contains(missed(NULL), "no Raspberry Pi header chip");
}
END_TEST

START_TEST(a_chip_that_may_not_be_opened_does_not_hide_the_header)
{
	fake_add_device("gpiochip0", "/dev/null", "pinctrl-rp1")->open_errno = _i == 0 ? EACCES : EPERM;
	fake_add_device("gpiochip1", "/dev/zero", "pinctrl-bcm2835");
	ck_assert_str_eq(found(NULL), "gpiochip1");
}
END_TEST

static const int open_errors[] = { EACCES, EPERM, EIO, ENODEV, ENOTTY, ENXIO };

START_TEST(a_chip_that_cannot_be_opened_ends_no_search)
{
	fake_add_device("gpiochip0", "/dev/null", "broken")->open_errno = open_errors[_i];
	fake_add_device("gpiochip1", "/dev/zero", "pinctrl-bcm2711");
	fake_add_device("gpiochip2", "/dev/full", "broken, too")->open_errno = open_errors[_i];
	ck_assert_str_eq(found(NULL), "gpiochip1");
	ck_assert_str_eq(found("pinctrl-bcm2711"), "gpiochip1");
}
END_TEST

START_TEST(the_lack_of_permission_is_told)
{
	fake_add_device("gpiochip3", "/dev/null", "pinctrl-rp1")->open_errno = EACCES;
	contains(missed(NULL), "found; name a chip with HTTAP_GPIOCHIP");
	contains(missed(NULL), "; no permission to open gpiochip3");
	fake_add_device("gpiochip4", "/dev/zero", "other")->open_errno = EPERM;
	fake_add_device("gpiochip5", "/dev/full", "third")->open_errno = EACCES;
	contains(missed(NULL), "; no permission to open gpiochip3 and 2 more");
}
END_TEST

START_TEST(the_chips_that_are_there_are_told)
{
	fake_add_device("gpiochip0", "/dev/null", "a");
	fake_add_device("gpiochip1", "/dev/zero", "b")->open_errno = EIO;
	contains(missed("c"), "no chip has the label \"c\"; there are gpiochip0 (a), gpiochip1 (Input/output error)");
}
END_TEST

START_TEST(many_chips_with_long_labels_do_not_overflow_the_sentence)
{
	static const char label[] = "a-label-of-thirty-one-characters";

	fake_add_device("gpiochip0", "/dev/null", label);
	fake_add_device("gpiochip1", "/dev/zero", label);
	fake_add_device("gpiochip2", "/dev/full", label);
	fake_add_device("gpiochip3", "/dev/random", label);
	fake_add_device("gpiochip4", "/dev/urandom", label);
	ck_assert_uint_lt(strlen(missed(NULL)), GPIO_ERROR_SIZE);
	contains(missed("x"), "gpiochip0 (a-label-of-thirty-one-character)");
}
END_TEST

/* --- a chip that is named --- */

START_TEST(a_chip_is_found_by_its_label)
{
	fake_add_device("gpiochip0", "/dev/null", "pinctrl-rp1");
	fake_add_device("gpiochip1", "/dev/zero", "1-0020");
	ck_assert_str_eq(found("1-0020"), "gpiochip1");
}
END_TEST

START_TEST(a_label_that_fits_two_chips_is_refused)
{
	fake_add_device("gpiochip0", "/dev/null", "pcf8574");
	fake_add_device("gpiochip1", "/dev/zero", "other");
	fake_add_device("gpiochip2", "/dev/full", "pcf8574");
	ck_assert_str_eq(missed("pcf8574"),
		"the label \"pcf8574\" fits gpiochip0 and gpiochip2; name one of these instead");
}
END_TEST

START_TEST(a_chip_with_two_names_has_its_label_once)
{
	fake_add_device("gpiochip0", "/dev/null", "pcf8574");
	fake_link("gpiochip4", "gpiochip0");
	ck_assert_str_eq(found("pcf8574"), "gpiochip0");
}
END_TEST

static const char *const ways[] = { "gpiochip4", "/dev/gpiochip4" };

START_TEST(a_number_that_the_operator_wrote_is_taken)
{
	fake_add_device("gpiochip0", "/dev/null", "gpiochip4");
	fake_add_device("gpiochip4", "/dev/zero", "other");
	ck_assert_str_eq(found(ways[_i]), "gpiochip4");
	ck_assert_int_eq(fake.opened, 1);
}
END_TEST

START_TEST(a_number_that_is_a_link_leads_to_the_chip)
{
	fake_add_device("gpiochip0", "/dev/null", "pinctrl-rp1");
	fake_link("gpiochip4", "gpiochip0");
	ck_assert_str_eq(found(ways[_i]), "gpiochip0");
}
END_TEST

START_TEST(a_number_that_does_not_exist_is_told)
{
	ck_assert_str_eq(missed(ways[_i]), "gpiochip4 could not be opened: No such file or directory");
}
END_TEST

START_TEST(a_number_that_may_not_be_opened_is_told)
{
	fake_add_device("gpiochip4", "/dev/null", "x")->open_errno = EACCES;
	ck_assert_str_eq(missed(ways[_i]), "gpiochip4 could not be opened: Permission denied");
}
END_TEST

static const char *const no_chips[] = {
	"gpiochip", "/dev/gpiochip", "/dev/mem", "4", "gpiochip04", "/dev/sim", "../null", "SIM",
};

START_TEST(other_words_are_labels_and_open_no_file)
{
	fake_add_device("gpiochip4", "/dev/null", "x");
	contains(missed(no_chips[_i]), "no chip has the label");
}
END_TEST

START_TEST(sim_is_the_simulated_chip)
{
	fake_add_device("gpiochip0", "/dev/null", "sim");
	ck_assert_str_eq(found("sim"), "sim");
	ck_assert_int_eq(fake.opened, 0);
}
END_TEST

START_TEST(without_memory_for_the_simulated_chip_that_is_told)
{
	if (!rig_counts_allocations())
		return;
	rig_fail_call(RIG_CALLOC, 1, ENOMEM);
	ck_assert_str_eq(missed("sim"), "the simulated chip could not be made: Cannot allocate memory");
}
END_TEST

START_TEST(a_build_without_libgpiod_has_the_simulated_chip_only)
{
	struct gpio_places places = { .directory = fake.directory, .kernel = NULL };
	struct gpio_error error = { "" };

	ck_assert_ptr_null(gpio_find_chip(&places, NULL, &error));
	contains(error.text, "HTTAP_GPIOCHIP=sim");
	ck_assert_ptr_null(gpio_find_chip(&places, "gpiochip0", &error));
	struct gpio_chip *sim = gpio_find_chip(&places, "sim", &error);
	ck_assert_ptr_nonnull(sim);
	sim->ops->close(sim);
}
END_TEST

/* --- lines --- */

/* As an older kernel names the header of a Pi 3; line 6 has no name, and two are NC. */
static const char *const old_names[] = {
	"ID_SDA", "ID_SCL", "SDA1", "SCL1", "GPIO_GCLK", "GPIO5", "", "SPI_CE1_N", "NC", "NC", "GPIO12", "12", NULL,
};

/* Looks for a line; its offset, or -1 with the sentence in `error`. */
static int line_of(const char *label, const char *line, struct gpio_error *error)
{
	struct gpio_places places = fake_places();
	struct gpio_spec spec = { .name = "LED" };
	struct gpio_line_info info;
	unsigned int offset;

	fake_add("gpiochip0", label)->names = old_names;
	snprintf(spec.line, sizeof(spec.line), "%s", line);
	struct gpio_chip *chip = gpio_find_chip(&places, "gpiochip0", error);
	ck_assert_ptr_nonnull(chip);
	int result = gpio_find_line(chip, &spec, &offset, &info, error);
	chip->ops->close(chip);
	return result == 0 ? (int)offset : -1;
}

static const struct {
	const char *line;
	int on_header;
	int elsewhere; /* on a chip with another label; -1: refused */
} wanted_lines[] = {
	{ "GPIO5", 5, 5 },
	{ "SDA1", 2, 2 },
	{ "SPI_CE1_N", 7, 7 },
	{ "0", 0, 0 },
	{ "17", 17, 17 },
	{ "53", 53, 53 },
	{ "017", 17, 17 },
	{ "12", 12, 12 },       /* a number is an offset, even where a line has such a name */
	{ "GPIO12", 10, 10 },   /* the kernel's name goes before the number in it */
	{ "GPIO2", 2, -1 },     /* SDA1 for that kernel */
	{ "GPIO7", 7, -1 },
	{ "GPIO53", 53, -1 },
	{ "GPIO54", -1, -1 },
	{ "54", -1, -1 },
	{ "4294967296", -1, -1 },
	{ "99999999999999999999", -1, -1 },
	{ "GPIO", -1, -1 },
	{ "GPIO-1", -1, -1 },
	{ "GPIO2x", -1, -1 },
	{ "gpio2", -1, -1 },
	{ "sda1", -1, -1 },
	{ "SDA", -1, -1 },
	{ "NC", -1, -1 },
	{ "-1", -1, -1 },
};

START_TEST(a_line_of_the_header_is_found_by_name_number_or_gpio_number)
{
	struct gpio_error error = { "" };
	int found_line = line_of(header_labels[_i % 3], wanted_lines[_i].line, &error);

	ck_assert_msg(found_line == wanted_lines[_i].on_header, "%s: %d %s", wanted_lines[_i].line, found_line,
		error.text);
}
END_TEST

START_TEST(a_line_of_another_chip_is_found_by_name_or_number)
{
	struct gpio_error error = { "" };
	int found_line = line_of("1-0020", wanted_lines[_i].line, &error);

	ck_assert_msg(found_line == wanted_lines[_i].elsewhere, "%s: %d %s", wanted_lines[_i].line, found_line,
		error.text);
}
END_TEST

/* The header of a Pi as kernels name it that name lines after a function. */
static const char *const function_names[] = {
	"ID_SDA", "ID_SCL", "SDA1", "SCL1", "GPIO_GCLK", "GPIO5", "GPIO6", "SPI_CE1_N", "SPI_CE0_N", "SPI_MISO", "SPI_MOSI",
	"SPI_SCLK", "GPIO12", "GPIO13", "TXD1", "RXD1", "GPIO16", "GPIO17", NULL,
};

START_TEST(every_line_of_the_header_has_its_gpio_number_and_its_kernel_name)
{
	struct gpio_places places = fake_places();
	struct gpio_error error = { "" };
	struct gpio_spec spec = { .name = "LED" };
	struct gpio_line_info info;
	unsigned int offset;

	fake_add("gpiochip0", header_labels[_i])->names = function_names;
	struct gpio_chip *chip = gpio_find_chip(&places, "gpiochip0", &error);
	for (unsigned int i = 0; function_names[i] != NULL; i++) {
		snprintf(spec.line, sizeof(spec.line), "GPIO%u", i);
		ck_assert_msg(gpio_find_line(chip, &spec, &offset, &info, &error) == 0, "%s", error.text);
		ck_assert_uint_eq(offset, i);
		ck_assert_str_eq(info.name, function_names[i]);
		snprintf(spec.line, sizeof(spec.line), "%s", function_names[i]);
		ck_assert_msg(gpio_find_line(chip, &spec, &offset, &info, &error) == 0, "%s", error.text);
		ck_assert_uint_eq(offset, i);
	}
	chip->ops->close(chip);
}
END_TEST

static const struct {
	const char *line;
	const char *sentence;
} lost_lines[] = {
	{ "GPIO99", "LED: gpiochip0 (pinctrl-rp1) has no line 99; its lines are 0 to 53" },
	{ "99", "LED: gpiochip0 (pinctrl-rp1) has no line 99; its lines are 0 to 53" },
	{ "LA", "LED: gpiochip0 (pinctrl-rp1) has no line named \"LA\"; its lines also go by their numbers, 0 to 53" },
	{ "NC", "LED: gpiochip0 has two lines named \"NC\", 8 and 9; name one by its number" },
};

START_TEST(a_line_that_is_not_there_is_told)
{
	struct gpio_error error = { "" };

	ck_assert_int_eq(line_of("pinctrl-rp1", lost_lines[_i].line, &error), -1);
	ck_assert_str_eq(error.text, lost_lines[_i].sentence);
}
END_TEST

START_TEST(a_busy_line_is_told_with_its_holder)
{
	struct gpio_chip chip = { .name = "gpiochip0" };
	struct gpio_spec spec = { .name = "LED", .line = "GPIO17" };
	struct gpio_error error;

	ck_assert_int_eq(gpio_error_busy(&error, &chip, &spec, 17, "holder-test"), -1);
	ck_assert_str_eq(error.text, "LED: line GPIO17 (gpiochip0 17) is held by \"holder-test\"; "
		"stop that program or choose another line");
	gpio_error_busy(&error, &chip, &spec, 17, "");
	contains(error.text,
		"LED: line GPIO17 (gpiochip0 17) is held by a driver of the kernel or a program that gave no name");
}
END_TEST

START_TEST(control_bytes_of_a_holder_reach_no_terminal)
{
	struct gpio_chip chip = { .name = "gpiochip0" };
	struct gpio_spec spec = { .name = "LED", .line = "GPIO17" };
	struct gpio_error error;

	gpio_error_busy(&error, &chip, &spec, 17, "\x1b]0;owned\a\x9b\n");
	contains(error.text, "is held by \"?]0;owned???\";");
}
END_TEST

/* --- the board --- */

/* The 40 pins: which line comes out there; -1: power, ground, or the EEPROM of a HAT. */
static const int header[41] = {
	-1, -1, -1, 2, -1, 3, -1, 4, 14, -1, 15, 17, 18, 27, -1, 22, 23, -1, 24, 10, -1, 9, 25, 11, 8, -1, 7, -1, -1, 5, -1, 6, 12, 13,
	-1, 19, 16, 26, 20, -1, 21,
};

START_TEST(each_line_of_the_header_has_its_pin_and_no_other)
{
	unsigned int found = 0;

	for (unsigned int line = 0; line < 64; line++) {
		unsigned int pin = gpio_header_pin(header_labels[_i], line);

		if (pin == 0)
			continue;
		ck_assert_uint_le(pin, 40);
		ck_assert_int_eq(header[pin], (int)line);
		found++;
	}
	ck_assert_uint_eq(found, 26);
	ck_assert_uint_eq(gpio_header_pin(header_labels[_i], UINT_MAX), 0);
}
END_TEST

START_TEST(other_chips_have_no_pins)
{
	ck_assert_uint_eq(gpio_header_pin("raspberrypi-exp-gpio", 17), 0);
	ck_assert_uint_eq(gpio_header_pin("sim", 17), 0);
	ck_assert_uint_eq(gpio_header_pin("", 17), 0);
}
END_TEST

/* Writes a parameter of a driver below the directory of this test, or takes it away again. */
static void parameter(const char *module, const char *value)
{
	static const char *const parts[] = { "", "/parameters", "/parameters/persist_gpio_outputs" };
	char path[3][400];

	for (size_t i = 0; i < 3; i++)
		snprintf(path[i], sizeof(path[i]), "%s/%s%s", fake.directory, module, parts[i]);
	if (value != NULL) {
		ck_assert_int_eq(mkdir(path[0], 0700), 0);
		ck_assert_int_eq(mkdir(path[1], 0700), 0);
		FILE *file = fopen(path[2], "we");
		ck_assert_ptr_nonnull(file);
		ck_assert_int_ge(fprintf(file, "%s\n", value), 0);
		ck_assert_int_eq(fclose(file), 0);
	} else {
		ck_assert_int_eq(unlink(path[2]), 0);
		ck_assert_int_eq(rmdir(path[1]), 0);
		ck_assert_int_eq(rmdir(path[0]), 0);
	}
}

static const struct {
	const char *bcm2835; /* NULL: this kernel has no such parameter */
	const char *rp1;
	const char *told;
} policies[] = {
	{ NULL, NULL, "lines that are released become inputs, unless their driver leaves them (this kernel has no persist_gpio_outputs)" },
	{ "N", NULL, "lines that are released become inputs (persist_gpio_outputs is off)" },
	{ NULL, "N", "lines that are released become inputs (persist_gpio_outputs is off)" },
	{ "N", "N", "lines that are released become inputs (persist_gpio_outputs is off)" },
	{ "Y", NULL, "lines that are released keep their level (persist_gpio_outputs is on)" },
	{ NULL, "Y", "lines that are released keep their level (persist_gpio_outputs is on)" },
	{ "Y", "Y", "lines that are released keep their level (persist_gpio_outputs is on)" },
	{ "Y", "N", "lines that are released keep their level on one of pinctrl_bcm2835 and pinctrl_rp1, and become inputs on the "
		    "other (persist_gpio_outputs)" },
	{ "N", "Y", "lines that are released keep their level on one of pinctrl_bcm2835 and pinctrl_rp1, and become inputs on the "
		    "other (persist_gpio_outputs)" },
};

START_TEST(what_becomes_of_released_lines_is_told)
{
	if (policies[_i].bcm2835 != NULL)
		parameter("pinctrl_bcm2835", policies[_i].bcm2835);
	if (policies[_i].rp1 != NULL)
		parameter("pinctrl_rp1", policies[_i].rp1);
	ck_assert_str_eq(gpio_release_policy_at(fake.directory), policies[_i].told);
	if (policies[_i].bcm2835 != NULL)
		parameter("pinctrl_bcm2835", NULL);
	if (policies[_i].rp1 != NULL)
		parameter("pinctrl_rp1", NULL);
}
END_TEST

/* --- list --- */

/* What gpio_list() writes, and how many chips it counts. */
static int listed(char *text, size_t size, const struct gpio_places *places, bool sim)
{
	FILE *out = fmemopen(text, size, "w");

	ck_assert_ptr_nonnull(out);
	int shown = gpio_list_at(places, out, sim);
	ck_assert_int_eq(fclose(out), 0);
	return shown;
}

START_TEST(the_list_shows_chips_lines_and_holders)
{
	static char text[16384];
	struct gpio_places places = fake_places();
	struct fake_chip *chip = fake_add_device("gpiochip0", "/dev/null", "pinctrl-rp1");

	chip->holder = "spi0 CS1";
	chip->held = 7;
	chip->high = 1;
	chip->names = old_names;
	fake_link("gpiochip4", "gpiochip0");
	fake_add_device("gpiochip1", "/dev/zero", "secret")->open_errno = EACCES;
	ck_assert_int_eq(listed(text, sizeof(text), &places, false), 1);
	contains(text, "gpiochip0 (pinctrl-rp1), 54 lines\n");
	contains(text, "     0  ID_SDA                                   output\n");
	contains(text, "     2  SDA1                             pin 3   input\n");
	contains(text, "     6  -                                pin 31  input\n");
	contains(text, "     7  SPI_CE1_N                        pin 26  input   held by \"spi0 CS1\"\n");
	contains(text, "    28  -                                        input\n");
	contains(text, "gpiochip1 could not be opened: Permission denied\n");
	ck_assert_ptr_null(strstr(text, "gpiochip4"));
	ck_assert_ptr_null(strstr(text, "sim"));
	ck_assert_int_eq(fake.requests, 0);
}
END_TEST

START_TEST(a_line_that_can_not_be_looked_at_is_listed_with_the_reason)
{
	static char text[16384];
	struct gpio_places places = fake_places();
	struct fake_chip *chip = fake_add_device("gpiochip0", "/dev/null", "expander");

	chip->info_errno = EREMOTEIO;
	chip->info_from = 1;
	ck_assert_int_eq(listed(text, sizeof(text), &places, false), 1);
	contains(text, "     0  GPIO0 ");
	contains(text, "\n     1  could not be looked at: Remote I/O error\n     2  could not");
}
END_TEST

START_TEST(a_holder_without_a_name_is_listed_as_one)
{
	static char text[16384];
	struct gpio_places places = fake_places();
	struct fake_chip *chip = fake_add_device("gpiochip0", "/dev/null", "pinctrl-rp1");

	chip->holder = "";
	chip->held = 3;
	ck_assert_int_eq(listed(text, sizeof(text), &places, false), 1);
	contains(text, "     3  GPIO3                            pin 5   input   held\n");
}
END_TEST

START_TEST(the_list_has_no_pins_of_other_chips)
{
	static char text[16384];
	struct gpio_places places = fake_places();

	fake_add_device("gpiochip0", "/dev/null", "raspberrypi-exp-gpio");
	ck_assert_int_eq(listed(text, sizeof(text), &places, true), 2);
	contains(text, "\n     3  GPIO3                            input\n");
	ck_assert_ptr_null(strstr(text, "pin "));
}
END_TEST

START_TEST(the_list_shows_the_simulated_chip_when_asked)
{
	static char text[16384];
	struct gpio_places places = fake_places();

	ck_assert_int_eq(listed(text, sizeof(text), &places, true), 1);
	contains(text, "sim (sim), 54 lines\n     0  GPIO0 ");
	places.kernel = NULL;
	ck_assert_int_eq(listed(text, sizeof(text), &places, true), 1);
	ck_assert_int_eq(listed(text, sizeof(text), &places, false), 0);
}
END_TEST

START_TEST(this_machine_can_be_listed_whatever_it_has)
{
	static char text[65536];
	FILE *out = fmemopen(text, sizeof(text), "w");

	ck_assert_int_ge(gpio_list(out, true), 1);
	ck_assert_int_eq(fclose(out), 0);
	contains(text, "sim (sim), 54 lines\n");
}
END_TEST

START_TEST(the_build_knows_its_library)
{
	const char *version = gpio_backend_version();

	if (gpio_chip_kernel() == NULL)
		ck_assert_str_eq(version, "simulated chip only");
	else
		contains(version, "libgpiod ");
	ck_assert_str_eq(gpio_backend_version(), version);
}
END_TEST

static const struct {
	int reason;
	bool again;
} refusals[] = {
	{ ENXIO, true }, { ENODEV, true }, { EINVAL, true }, { EOPNOTSUPP, true }, { ENOSYS, true }, { EBUSY, false },
	{ EPERM, false }, { EMFILE, false }, { ENOMEM, false }, { 0, false },
};

START_TEST(a_request_without_edges_is_tried_where_the_driver_has_none)
{
	ck_assert_int_eq(gpio_edges_refused(refusals[_i].reason), refusals[_i].again);
}
END_TEST

static TCase *devices_case(void)
{
	TCase *devices = tcase_create("device files");

	tcase_add_checked_fixture(devices, fake_begin, fake_end);
	tcase_add_test(devices, device_files_come_in_order_of_their_numbers);
	tcase_add_test(devices, a_device_file_that_is_a_link_to_another_is_left_out);
	tcase_add_test(devices, other_files_are_no_chips);
	tcase_add_test(devices, a_device_file_whose_path_is_too_long_is_not_opened);
	tcase_add_test(devices, without_memory_for_the_device_files_that_is_told);
	tcase_add_test(devices, a_directory_that_is_not_there_holds_no_chip);
	tcase_add_loop_test(devices, the_number_of_a_device_file_is_all_that_follows_its_name, 0, ROWS(numbers));
	return devices;
}

static TCase *chips_case(void)
{
	TCase *chips = tcase_create("chips");

	tcase_add_checked_fixture(chips, fake_begin, fake_end);
	tcase_add_loop_test(chips, the_header_is_found_by_its_label_and_not_by_its_number, 0, ROWS(header_labels));
	tcase_add_loop_test(chips, the_newest_header_wins_wherever_it_stands, 0, 6);
	tcase_add_test(chips, a_label_that_only_begins_like_a_header_is_none);
	tcase_add_test(chips, without_a_header_the_sentence_says_what_to_do);
	tcase_add_test(chips, the_simulated_chip_is_never_chosen_silently);
	tcase_add_loop_test(chips, a_chip_that_may_not_be_opened_does_not_hide_the_header, 0, 2);
	tcase_add_loop_test(chips, a_chip_that_cannot_be_opened_ends_no_search, 0, ROWS(open_errors));
	tcase_add_test(chips, the_lack_of_permission_is_told);
	tcase_add_test(chips, the_chips_that_are_there_are_told);
	tcase_add_test(chips, many_chips_with_long_labels_do_not_overflow_the_sentence);
	tcase_add_test(chips, a_chip_is_found_by_its_label);
	tcase_add_test(chips, a_label_that_fits_two_chips_is_refused);
	tcase_add_test(chips, a_chip_with_two_names_has_its_label_once);
	tcase_add_loop_test(chips, a_number_that_the_operator_wrote_is_taken, 0, ROWS(ways));
	tcase_add_loop_test(chips, a_number_that_is_a_link_leads_to_the_chip, 0, ROWS(ways));
	tcase_add_loop_test(chips, a_number_that_does_not_exist_is_told, 0, ROWS(ways));
	tcase_add_loop_test(chips, a_number_that_may_not_be_opened_is_told, 0, ROWS(ways));
	tcase_add_loop_test(chips, other_words_are_labels_and_open_no_file, 0, ROWS(no_chips));
	tcase_add_test(chips, sim_is_the_simulated_chip);
	tcase_add_test(chips, without_memory_for_the_simulated_chip_that_is_told);
	tcase_add_test(chips, a_build_without_libgpiod_has_the_simulated_chip_only);
	return chips;
}

static TCase *lines_case(void)
{
	TCase *lines = tcase_create("lines");

	tcase_add_checked_fixture(lines, fake_begin, fake_end);
	tcase_add_loop_test(lines, a_line_of_the_header_is_found_by_name_number_or_gpio_number, 0, ROWS(wanted_lines));
	tcase_add_loop_test(lines, a_line_of_another_chip_is_found_by_name_or_number, 0, ROWS(wanted_lines));
	tcase_add_loop_test(
		lines, every_line_of_the_header_has_its_gpio_number_and_its_kernel_name, 0, ROWS(header_labels));
	tcase_add_loop_test(lines, a_line_that_is_not_there_is_told, 0, ROWS(lost_lines));
	tcase_add_test(lines, a_busy_line_is_told_with_its_holder);
	tcase_add_test(lines, control_bytes_of_a_holder_reach_no_terminal);
	return lines;
}

static TCase *board_case(void)
{
	TCase *board = tcase_create("board");

	tcase_add_checked_fixture(board, fake_begin, fake_end);
	tcase_add_loop_test(board, each_line_of_the_header_has_its_pin_and_no_other, 0, ROWS(header_labels));
	tcase_add_test(board, other_chips_have_no_pins);
	tcase_add_loop_test(board, what_becomes_of_released_lines_is_told, 0, ROWS(policies));
	return board;
}

static TCase *list_case(void)
{
	TCase *list = tcase_create("list");

	tcase_add_checked_fixture(list, fake_begin, fake_end);
	tcase_add_test(list, the_list_shows_chips_lines_and_holders);
	tcase_add_test(list, a_line_that_can_not_be_looked_at_is_listed_with_the_reason);
	tcase_add_test(list, a_holder_without_a_name_is_listed_as_one);
	tcase_add_test(list, the_list_has_no_pins_of_other_chips);
	tcase_add_test(list, the_list_shows_the_simulated_chip_when_asked);
	tcase_add_test(list, this_machine_can_be_listed_whatever_it_has);
	tcase_add_test(list, the_build_knows_its_library);
	tcase_add_loop_test(list, a_request_without_edges_is_tried_where_the_driver_has_none, 0, ROWS(refusals));
	return list;
}

Suite *gpio_find_suite(void)
{
	Suite *suite = suite_create("gpio/find");

	suite_add_tcase(suite, devices_case());
	suite_add_tcase(suite, chips_case());
	suite_add_tcase(suite, lines_case());
	suite_add_tcase(suite, board_case());
	suite_add_tcase(suite, list_case());
	return suite;
}
