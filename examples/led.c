/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 * An LED that any browser switches: one signal, two routines, and a server that waits in between. Compile and run it by
 *	cc -o led led.c $(pkg-config --cflags --libs httap) && ./led */
#include <httap.h>
#include <stdio.h>
static uint8_t led; /* a real program would move a pin */

static int led_get(void *context, const uint16_t *signal, size_t count, uint8_t *value, struct httap_refusal *refusal)
{
	(void)context, (void)signal, (void)count, (void)refusal; /* there is one signal, and nothing that could fail */
	*value = led;
	return 0;
}

static int led_set(void *context, const struct httap_actor *actor, const struct httap_write *write, size_t count, uint8_t *value,
	struct httap_refusal *refusal)
{
	*refusal = (struct httap_refusal){ 400, "this LED has no pulses: write 0, 1 or toggle" };
	if (write->action == HTTAP_PULSE)
		return -1;
	led = write->action == HTTAP_TOGGLE ? !led : write->action == HTTAP_SET_1;
	fprintf(stderr, "led: %d by %s\n", led, actor->peer);
	return led_get(context, &write->signal, count, value, refusal);
}

int main(void)
{
	const struct httap_signal signal = { .name = "LED", .writable = true };
	const struct httap_signals signals = { .signal = &signal, .count = 1, .read = led_get, .write = led_set };
	struct httap httap = { .signals = &signals };
	struct httap_error error = { "waiting failed" };

	if (httap_config_environment(&httap.config, &error) == 0 && httap_start(&httap, &error) == 0)
		while (httap_blocking(&httap) >= 0)
			continue;
	fprintf(stderr, "led: %s\n", error.text);
	return 1;
}
