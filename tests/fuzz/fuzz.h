/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Targets for a fuzzer. Each takes any bytes at all and ends the program with a sentence when something that must always hold does not;
 * the sanitizers find the rest. libFuzzer drives them (scripts/fuzz), and replay.c goes through what it found (make check).
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Input that is longer is of no use: nothing here reads further. */
#define FUZZ_INPUT_MAX 20000

void fuzz_head(const uint8_t *bytes, size_t len);
void fuzz_body(const uint8_t *bytes, size_t len);
void fuzz_target(const uint8_t *bytes, size_t len);
void fuzz_range(const uint8_t *bytes, size_t len);
void fuzz_conditions(const uint8_t *bytes, size_t len);
void fuzz_date(const uint8_t *bytes, size_t len);
void fuzz_host(const uint8_t *bytes, size_t len);
void fuzz_token(const uint8_t *bytes, size_t len);
void fuzz_lines(const uint8_t *bytes, size_t len);
void fuzz_form(const uint8_t *bytes, size_t len);
void fuzz_server(const uint8_t *bytes, size_t len);

/* Ends the program unless the condition holds. */
#define always(condition) ((condition) ? (void)0 : fuzz_violated(__FILE__, __LINE__, #condition))
__attribute__((noreturn)) void fuzz_violated(const char *file, int line, const char *what);

/* A sentence as a peer or an operator gets it: printable, not empty, without a line end. */
bool fuzz_is_sentence(const char *text);

#endif
