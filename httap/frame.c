/* SPDX-License-Identifier: AGPL-3.0-or-later
 * Copyright (C) the httapd authors
 *
 * Judges how a body is framed. Every combination that two servers could read differently is refused here, whatever the
 * standard would let us make of it; a table test goes over all of them.
 */
#include "httap/frame.h"

#include "httapd_limits.h"

static int decide_coding(const struct request *request, struct frame *frame, const char **why)
{
	struct span coding = request->field[FIELD_TRANSFER_ENCODING], element;
	unsigned int codings = 0, others = 0;
	bool last = false;

	/* RFC 9112 section 6.1: a Transfer-Encoding in an HTTP/1.0 request, and one beside a Content-Length, are taken as
	 * faulty framing. */
	*why = "Transfer-Encoding needs HTTP/1.1 and no Content-Length beside it";
	if (request->minor == 0 || request->field[FIELD_CONTENT_LENGTH].at != NULL)
		return 400;
	*why = "the only Transfer-Encoding is chunked, once";
	while (span_next(&coding, ',', &element)) {
		element = span_trim(element);
		if (element.len == 0 || !span_is_all(element, TEXT_TOKEN))
			return 400;
		last = span_is_nocase(element, "chunked");
		codings++;
		others += !last;
	}
	frame->framing = FRAME_CHUNKED;
	if (codings == 1 && last)
		return 0;
	/* Where chunked is not the last coding nobody knows where the body ends (RFC 9112 section 6.3), and chunked twice is
	 * malformed; another coding below a last chunked is one that we do not have. */
	return others > 0 && last ? 501 : 400;
}

static int decide_length(const struct request *request, struct frame *frame, const char **why)
{
	struct span text = request->field[FIELD_CONTENT_LENGTH];
	uint64_t length;

	*why = "Content-Length must be decimal digits, once";
	if (text.len > 19 || !text_number(text, INT64_MAX, &length))
		return 400;
	if (length > HTTAP_BODY_MAX) {
		*why = "the body is longer than 4096 bytes";
		return 413;
	}
	frame->framing = length > 0 ? FRAME_LENGTH : FRAME_NONE;
	frame->length = (size_t)length;
	return 0;
}

int frame_decide(const struct request *request, struct frame *frame, const char **why)
{
	int status = 0;

	*frame = (struct frame){ .framing = FRAME_NONE };
	if (request->field[FIELD_TRANSFER_ENCODING].at != NULL)
		status = decide_coding(request, frame, why);
	else if (request->field[FIELD_CONTENT_LENGTH].at != NULL)
		status = decide_length(request, frame, why);

	/* RFC 9110 section 10.1.1: 100-continue is the only expectation; HTTP/1.0 has none. */
	if (status == 0 && request->minor > 0 && request->field[FIELD_EXPECT].at != NULL) {
		if (!span_is_nocase(request->field[FIELD_EXPECT], "100-continue")) {
			*why = "the only expectation is 100-continue";
			return 417;
		}
		frame->expects_continue = frame->framing != FRAME_NONE;
	}
	return status;
}
