# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""A client that shows every byte, and a reader of replies that forgives nothing about their framing."""
import json
import re
import socket
import struct
import time

from tap import Failure, check, enlist, equal

PATIENCE = 8.0  # seconds: for what should come at once, on a machine that is busy
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [ -~]+")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~](?:[ -~]*[!-~])?)")
SESSION = re.compile(r"[0-9a-v]{8,}")


def request(method="GET", target="/?ping", fields=(), body=None, version="1.1", host="localhost"):
    """The bytes of a request. Fields are "Name: value"; a body brings its Content-Length."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += fields
    if body is not None:
        body = body.encode() if isinstance(body, str) else body
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines + ["", ""]).encode("latin-1") + (body or b"")


class Reply:
    def __init__(self, status, fields, body, raw_head):
        self.status = status
        self.fields = fields
        self.body = body
        self.raw_head = raw_head
        self.interim = 0

    def __repr__(self):
        return repr(self.raw_head + self.body[:400])

    def get(self, name):
        return self.fields.get(name.lower())

    @property
    def closes(self):
        return (self.get("Connection") or "").lower() == "close"

    def json(self):
        equal(self.get("Content-Type"), "application/json", "the type of a JSON reply")
        try:
            return json.loads(self.body.decode("ascii"))
        except ValueError as error:
            raise Failure(f"the body is no JSON: {error}", body=self.body) from error

    def must_be_dynamic(self):
        equal(self.get("Cache-Control"), "no-store", "Cache-Control of a dynamic reply")
        check(SESSION.fullmatch(self.get("HTTaP-Session") or ""), "a dynamic reply has a session of 8 or more of 0-9a-v",
              got=self.get("HTTaP-Session"))
        return self

    def must_be_error(self, status):
        """A JSON object with one sentence that a person can use."""
        check(self.status in (status if isinstance(status, tuple) else (status,)), "the status", got=self.status, expected=status)
        said = self.must_be_dynamic().json()
        check(set(said) == {"error"} and len(said["error"]) > 10, "an error is one sentence", got=said)
        return self


def parse_head(head):
    """Status and fields of a reply's head, which ends with its empty line."""
    lines = head[:-4].split(b"\r\n")
    match = STATUS_LINE.fullmatch(lines[0])
    check(match, "a status line must be HTTP/1.1 SP 3 digits SP reason", got=lines[0])
    fields = {}
    for line in lines[1:]:
        field = FIELD.fullmatch(line)
        check(field, "a field must be Name: value in printable ASCII", got=line)
        name = field[1].decode().lower()
        check(name not in fields, "a field stands twice", got=line)
        fields[name] = field[2].decode()
    return int(match[1]), fields


class Client:
    """A connection. Everything sent and received is kept, so that a failure can show it."""

    def __init__(self, daemon, address=None, receive_buffer=None):
        self.sent = b""
        self.got = b""
        self.buffer = b""
        address = address or daemon.address
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        enlist(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def testimony(self):
        def cut(data):
            return repr(data) if len(data) < 500 else f"{data[:240]!r} ... {data[-200:]!r} ({len(data)} bytes)"
        return [f"sent: {cut(self.sent)}", f"got:  {cut(self.got)}"]

    # --- Sending

    def send(self, data):
        self.sent = (self.sent + data)[-20000:]
        self.socket.sendall(data)

    def send_bytewise(self, data, pace=None):
        """Each byte in a segment of its own. pace() is called behind each."""
        for i in range(len(data)):
            try:
                self.send(data[i:i + 1])
            except (BrokenPipeError, ConnectionResetError):
                return  # the reply tells whether that was in order
            if pace:
                pace()

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection by a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()

    # --- Receiving

    def _receive(self, end):
        """More bytes. False at the end of the stream."""
        left = end - time.monotonic()
        if left <= 0:
            raise Failure("nothing came in time", waiting_behind=self.buffer[:400])
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, socket.timeout):
            raise Failure("nothing came in time", waiting_behind=self.buffer[:400]) from None
        except ConnectionResetError:
            raise Failure("the connection was reset", behind=self.buffer[:400]) from None
        finally:
            self.socket.settimeout(PATIENCE)
        self.got = (self.got + data)[-20000:]
        self.buffer += data
        return bool(data)

    def _head(self, end):
        while b"\r\n\r\n" not in self.buffer:
            if not self._receive(end):
                raise Failure("the stream ended before a reply was complete", behind=self.buffer[:400])
        at = self.buffer.index(b"\r\n\r\n") + 4
        head, self.buffer = self.buffer[:at], self.buffer[at:]
        return head

    def reply(self, head_only=False, seconds=PATIENCE):
        """The next final reply, with its body as its framing says."""
        end = time.monotonic() + seconds
        interim = 0
        while True:
            head = self._head(end)
            status, fields = parse_head(head)
            if status >= 200:
                break
            equal((status, fields), (100, {}), "the only interim reply is a bare 100")
            interim += 1
        reply = Reply(status, fields, b"", head)
        reply.interim = interim
        check("transfer-encoding" not in fields, "no reply of httapd is chunked", got=reply)
        length = fields.get("content-length")
        if status in (204, 304):
            check(length is None or status == 304, "204 has no Content-Length (RFC 9110 section 8.6)", got=reply)
            return reply
        check(length is not None or reply.closes, "a reply has a length or closes", got=reply)
        check(length is None or re.fullmatch("0|[1-9][0-9]*", length), "Content-Length is a plain number", got=length)
        if head_only:
            return reply
        while length is None or len(self.buffer) < int(length):
            if not self._receive(end):
                check(length is None, "the body is shorter than its Content-Length", got=len(self.buffer), expected=length)
                break
        size = len(self.buffer) if length is None else int(length)
        reply.body, self.buffer = self.buffer[:size], self.buffer[size:]
        return reply

    def ask(self, method="GET", target="/?ping", fields=(), body=None, version="1.1", host="localhost"):
        """One request, and its reply."""
        self.send(request(method, target, fields, body, version, host))
        return self.reply(method == "HEAD")

    def must_end(self, seconds=PATIENCE):
        """The stream ends here, without another byte."""
        end = time.monotonic() + seconds
        check(self.buffer == b"" and not self._receive(end), "bytes came where the stream should end", got=self.buffer[:400])

    def must_be_kept(self):
        """The connection takes another request, and nothing lies before its reply."""
        check(self.buffer == b"", "bytes came that belong to no reply", got=self.buffer[:400])
        reply = self.ask()
        check(reply.status == 200 and len(reply.body) == 37, "the connection serves the next request", got=reply)

    def read_to_end(self, seconds=PATIENCE):
        """Everything until the stream ends, by a close or a reset."""
        end = time.monotonic() + seconds
        try:
            while self._receive(end):
                pass
        except Failure as failure:
            if "reset" not in str(failure):
                raise
        data, self.buffer = self.buffer, b""
        return data


def ask(daemon, *arguments, **more):
    """One request on a connection of its own."""
    with Client(daemon) as client:
        return client.ask(*arguments, **more)
