# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""A server that wants a token: who may do what without it, with a wrong one, and with it. Where nobody may, nothing moves."""
import base64
import os

from client import Client, ask
from daemon import Daemon, environment, need_root, new_root, run, scratch
from tap import check, equal, test

TOKEN = "correct-horse-battery"
BEARER = [f"Authorization: Bearer {TOKEN}"]
WRONG = ["Authorization: Bearer this-is-not-the-token"]
WRITES = [("POST", "/?LED", "1"), ("PUT", "/?LED", "1"), ("GET", "/1", None), ("POST", "/1", ""), ("POST", "/?", "LED=1")]
READS = [("GET", "/?LED"), ("GET", "/?list"), ("GET", "/?"), ("GET", "/?ping"), ("GET", "/?changes"), ("GET", "/"), ("HEAD", "/"),
         ("HEAD", "/1")]


def _basic(token, user="anybody"):
    return ["Authorization: Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()]


def _file(text=TOKEN + "\n", mode=0o600):
    path = scratch() / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


def _guarded(kind="writes", **variables):
    return Daemon(TOKEN_FILE=_file(), TOKEN_FOR=kind, **variables)


def _must_want_it(reply, target):
    equal(reply.status, 401, f"the status of {target}")
    scheme = "Bearer realm" if target.startswith("/?") else "Basic realm"
    check((reply.get("WWW-Authenticate") or "").startswith(scheme), "what is asked for", target=target, got=reply.get("WWW-Authenticate"))


@test
def without_a_token_nothing_that_writes_moves_a_line_and_all_can_be_read():
    with _guarded() as daemon:
        for method, target, body in WRITES:
            for fields in ([], WRONG):
                reply = ask(daemon, method, target, fields, body)
                reply.must_be_error(401)
                _must_want_it(reply, target)
        for method, target in READS:
            with Client(daemon) as client:
                equal(client.ask(method, target).status, 200, f"{method} {target}")
        daemon.must_be_at_rest()


@test
def with_the_token_every_write_is_let_by_either_scheme():
    with _guarded() as daemon:
        for method, target, body in WRITES:
            for fields in (BEARER, _basic(TOKEN), _basic(TOKEN, "")):
                equal(ask(daemon, method, target, fields, body).status, 200, f"{method} {target} {fields}")
                equal(ask(daemon, target="/?LED").json()["LED"], 1, f"LED after {method} {target}")
                equal(ask(daemon, "POST", "/?stop").status, 200, "the stop")


@test
def a_connection_is_not_believed_for_what_it_said_before():
    with _guarded() as daemon, Client(daemon) as client:
        for _ in range(3):
            equal(client.ask("POST", "/?LED", BEARER, "1").status, 200, "with the token")
            equal(client.ask("POST", "/?LED", (), "0").status, 401, "without it, on the same connection")
            equal(client.ask("POST", "/?LED", WRONG, "0").status, 401, "with another one, on the same connection")
        equal(client.ask(target="/?LED").json()["LED"], 1, "LED")


@test
def to_stop_nobody_needs_the_token_unless_everything_does():
    with _guarded() as daemon:
        equal(ask(daemon, "POST", "/?LED", BEARER, "1").status, 200, "the write")
        equal(ask(daemon, "POST", "/?stop").status, 200, "the stop")
        daemon.must_be_at_rest()
    with _guarded("everything") as daemon:
        equal(ask(daemon, "POST", "/?LED", BEARER, "1").status, 200, "the write")
        equal(ask(daemon, "POST", "/?stop").status, 401, "the stop without")
        equal(ask(daemon, "GET", "/?LED", BEARER).json()["LED"], 1, "LED")
        equal(ask(daemon, "POST", "/?stop", BEARER).status, 200, "the stop with the token")
        equal(ask(daemon, "GET", "/?LED", BEARER).json()["LED"], 0, "LED")


@test
def where_everything_needs_it_nothing_is_told_without():
    with _guarded("everything") as daemon:
        for method, target in READS + [("GET", "/?events"), ("GET", "/nothing"), ("GET", "/?nothing"), ("POST", "/?invalid")]:
            for fields in ([], ["Authorization: Bearer"]):
                with Client(daemon) as client:
                    reply = client.ask(method, target, fields)
                    if reply.status == 429:
                        continue
                    _must_want_it(reply, target if target != "/1" else "/")
                    check(b"LED" not in reply.body and b"root page" not in reply.body, "something was told", got=reply.body)
    with _guarded("everything") as daemon:
        for method, target in READS:
            for fields in (BEARER, _basic(TOKEN)):
                with Client(daemon) as client:
                    equal(client.ask(method, target, fields).status, 200, f"{method} {target}")


@test
def a_preflight_carries_no_token_and_is_told_to_send_one():
    origin = "http://lab.example.org"
    for kind in ("writes", "everything"):
        with _guarded(kind, ORIGINS=origin) as daemon:
            reply = ask(daemon, "OPTIONS", "/?LED", [f"Origin: {origin}", "Access-Control-Request-Method: POST"])
            equal(reply.status, 204, "the preflight")
            check("Authorization" in reply.get("Access-Control-Allow-Headers"), "what may be sent", got=reply.fields)
            equal(ask(daemon, "POST", "/?LED", [f"Origin: {origin}"], "1").status, 401, "without")
            equal(ask(daemon, "POST", "/?LED", [f"Origin: {origin}", *BEARER], "1").status, 200, "with the token")
            equal(ask(daemon, "POST", "/?LED", ["Origin: http://other.example.org", *BEARER], "0").status, 403, "another origin, with it")


@test
def who_guesses_is_slowed_down_and_who_named_it_before_is_not():
    with _guarded() as daemon, Client(daemon) as driver:
        equal(driver.ask("POST", "/?LED", BEARER, "1").status, 200, "who knows it")
        statuses = [ask(daemon, "POST", "/?LED", WRONG, "0").status for _ in range(8)]
        equal(statuses[:5], [401] * 5, "the first five guesses")
        check(429 in statuses[5:], "the next ones are put off", got=statuses)
        while (reply := ask(daemon, "POST", "/?LED", WRONG, "0")).status != 429:
            pass
        reply.must_be_error(429)
        equal(reply.get("Retry-After"), "1", "when to try again")
        equal(driver.ask("POST", "/?LED", BEARER + ["X: new"], "0").status, 200, "who knew it, meanwhile")
        equal(ask(daemon, "POST", "/?stop").status, 200, "a stop meanwhile")
        daemon.must_be_at_rest()


@test
def two_tokens_in_a_request_are_400():
    with _guarded() as daemon:
        equal(ask(daemon, "POST", "/?LED", WRONG + BEARER, "1").status, 400, "two fields")
        daemon.must_be_at_rest()


@test
def the_token_is_in_no_log_and_no_reply():
    with _guarded(LOG="requests") as daemon:
        for fields in (BEARER, _basic(TOKEN), WRONG):
            reply = ask(daemon, "POST", "/?LED", fields, "1")
            check(TOKEN.encode() not in reply.raw_head + reply.body, "the reply has the token")
        daemon.stop()
        check(TOKEN not in daemon.said() and "not-the-token" not in daemon.said(), "the log has a token", got=daemon.said())


# --- The file ---------------------------------------------------------------------------------------------------------------


def _must_refuse(said, **variables):
    done = run(env=environment(STATICPATH=new_root(), **variables))
    equal(done.returncode, 2, "the status")
    check(done.stderr.count("\n") == 1 and said in done.stderr, "what is said", got=done.stderr, expected=said)
    check(TOKEN not in done.stderr, "what is said has the token")


@test
def a_file_that_is_none_or_holds_no_token_is_refused_at_start():
    _must_refuse("No such file", TOKEN_FILE=scratch() / "nothing")
    _must_refuse("must be a file", TOKEN_FILE=scratch())
    _must_refuse("must be a file", TOKEN_FILE="/dev/null")
    for text in ("", "\n", "short", TOKEN + "\n\n", TOKEN + "\r\n", TOKEN + " ", "two words and more", TOKEN + "\0", "a" * 129, "a" * 100000,
                 TOKEN + "\n" + TOKEN + "\n", "Tok\u00e4n-with-an-umlaut"):
        _must_refuse("one line, a token of 16 to 128", TOKEN_FILE=_file(text))


@test
def a_file_that_everybody_may_read_is_refused_at_start():
    for mode in (0o644, 0o604, 0o602, 0o777):
        _must_refuse("chmod 600", TOKEN_FILE=_file(mode=mode))
    for mode in (0o600, 0o400, 0o440, 0o660):
        with Daemon(TOKEN_FILE=_file(mode=mode)) as daemon:
            equal(ask(daemon, "POST", "/?LED", BEARER, "1").status, 200, f"with the token of a file of mode {mode:o}")


@test
def a_named_pipe_is_refused_and_not_waited_for():
    path = scratch() / "pipe"
    os.mkfifo(path, 0o600)
    _must_refuse("must be a file", TOKEN_FILE=path)


@test
def tokens_of_16_and_of_128_characters_with_and_without_a_line_end_are_taken():
    for token in ("0" * 16, "MDEyMzQ1Njc4OWFiY2RlZg==", "a" * 128):
        for end in ("", "\n"):
            with Daemon(TOKEN_FILE=_file(token + end)) as daemon:
                for fields in ([f"Authorization: Bearer {token}"], _basic(token)):
                    equal(ask(daemon, "POST", "/?LED", fields, "1").status, 200, f"with a token of {len(token)}")


@test
def a_name_without_a_slash_is_a_credential_of_systemd():
    path = _file()
    with Daemon(TOKEN_FILE="token", more_env={"CREDENTIALS_DIRECTORY": str(path.parent)}) as daemon:
        equal(ask(daemon, "POST", "/?LED", (), "1").status, 401, "without")
        equal(ask(daemon, "POST", "/?LED", BEARER, "1").status, 200, "with the token")
    _must_refuse("No such file", TOKEN_FILE="token")


@test
def what_it_is_for_needs_a_token_and_is_writes_or_everything():
    _must_refuse("must be writes or everything", TOKEN_FILE=_file(), TOKEN_FOR="all")
    _must_refuse("needs a token", TOKEN_FOR="everything")
    with Daemon(TOKEN_FILE=_file()) as daemon:
        equal(ask(daemon, "POST", "/?LED", (), "1").status, 401, "a write, by default")
        equal(ask(daemon, target="/?LED").status, 200, "reading, by default")


@test
def a_file_of_root_alone_is_read_before_the_user_is_dropped():
    need_root()
    with Daemon(TOKEN_FILE=_file(mode=0o400), USER="nobody") as daemon:
        equal(ask(daemon, "POST", "/?LED", BEARER, "1").status, 200, "with the token")
        check(daemon.status("Uid").split()[0] != "0", "the daemon is root")
