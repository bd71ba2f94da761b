# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Files below the static root: which are served, as what, and what a hostile tree or a slow reader can do."""
import email.utils
import gzip
import os
import re
import threading
import time

from client import Client, ask, request
from daemon import INDEX, Daemon, need_root, new_root, scratch
from tap import check, equal, test


@test
def a_file_comes_byte_for_byte_at_every_size_around_the_limits_of_buffers():
    sizes = [0, 1, 2, 1023, 4095, 4096, 4097, 16383, 16384, 16385, 32768, 65535, 65536, 262143, 262144, 262145, 1000000]
    with Daemon() as daemon:
        for size in sizes:
            (daemon.root / f"f{size}.bin").write_bytes(bytes(i * 7 % 251 for i in range(size)))
        for version in ("1.0", "1.1"):
            for split in (False, True):
                with Client(daemon) as client:
                    for size in sizes:
                        data = request(target=f"/f{size}.bin", fields=["Connection: keep-alive"], version=version)
                        (client.send_bytewise if split else client.send)(data)
                        check(client.reply().body == (daemon.root / f"f{size}.bin").read_bytes(), f"{size} bytes")
                    client.must_be_kept()


@test
def the_root_page_answers_slash():
    with Daemon() as daemon:
        equal(ask(daemon, target="/").body, INDEX, "index.html")
    root = new_root()
    (root / "pages").mkdir()
    (root / "pages" / "start.html").write_bytes(b"start")
    with Daemon(root, ROOTPAGE="pages/start.html") as daemon:
        reply = ask(daemon, target="/")
        equal((reply.body, reply.get("Content-Type")), (b"start", "text/html; charset=utf-8"), "another root page")
        equal(ask(daemon, target="/index.html").body, INDEX, "index.html is a file like others")


@test
def files_have_the_type_of_their_extension():
    types = {"a.html": "text/html; charset=utf-8", "a.css": "text/css; charset=utf-8", "a.js": "text/javascript; charset=utf-8",
             "a.json": "application/json", "a.txt": "text/plain; charset=utf-8", "a.svg": "image/svg+xml", "a.png": "image/png",
             "a.jpg": "image/jpeg", "a.ico": "image/vnd.microsoft.icon", "a.woff2": "font/woff2", "a.PNG": "image/png",
             "a.bin": "application/octet-stream", "a": "application/octet-stream", "a.html.bak": "application/octet-stream",
             "html": "application/octet-stream", "a.": "application/octet-stream", "a.b.css": "text/css; charset=utf-8"}
    with Daemon() as daemon, Client(daemon) as client:
        (daemon.root / "d.css").mkdir()
        (daemon.root / "d.css" / "x").write_bytes(b"x")
        for name, kind in types.items():
            (daemon.root / name).write_bytes(b"x")
            equal(client.ask(target="/" + name).get("Content-Type"), kind, name)
        check("css" not in client.ask(target="/d.css/x").get("Content-Type"), "a directory's dot is no extension")
        equal(client.ask(target="/a.html").get("X-Content-Type-Options"), "nosniff", "no guessing")


@test
def static_replies_may_be_stored_and_name_no_session():
    with Daemon() as daemon:
        for target in ("/", "/index.html", "/nothing"):
            reply = ask(daemon, target=target)
            check(reply.get("HTTaP-Session") is None and reply.get("Cache-Control") != "no-store", target, got=reply)


@test
def names_of_files_are_decoded_once_and_plus_is_a_plus():
    names = {"a+b": "/a+b", "a b": "/a%20b", "%41": "/%2541", "é.txt": "/%c3%a9.txt", "q?x": "/q%3fx", "a#b": "/a%23b",
             "a&b=c;d": "/a&b=c;d",
             "a:b@c": "/a:b@c", "a\\b": "/a%5cb",
             '"<>`{|}^': "/%22%3c%3e%60%7b%7c%7d%5e", "x.": "/x.", "-": "/-", "~": "/~", "a.b.c": "/a.b.c"}
    with Daemon() as daemon, Client(daemon) as client:
        for name, target in names.items():
            (daemon.root / name).write_text(name)
            reply = client.ask(target=target)
            equal((reply.status, reply.body.decode()), (200, name), target)
            equal(client.ask(target=target + "?query/../x").status, 200, f"{target} with a query")
        equal(client.ask(target="/a%2bb").status, 200, "an encoded plus")
        equal(client.ask(target="/A").status, 404, "%2541 is not A")


@test
def no_traversal_leaves_the_root():
    outer = scratch()
    outer.chmod(0o755)
    (outer / "secret").write_text("SECRET")
    root = outer / "www"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "index.html").write_bytes(INDEX)
    up = ["..", "%2e%2e", ".%2e", "%2e.", "%2E%2E", ".%252e", "%252e%252e", "..%00", "..;", "...", ". .", ".%20.", "%c0%ae%c0%ae",
          "..%5c", "%2e%2e%2f"]
    with Daemon(root) as daemon, Client(daemon) as control:
        for dots in up:
            for path in (f"/{dots}/secret", f"/{dots}%2fsecret", f"/sub/{dots}/{dots}/secret", f"/sub/deep/{dots}/../../secret",
                         f"//{dots}/secret",
                         f"/./{dots}/secret", f"/sub/{dots}/index.html", f"/{dots}{outer}/secret", f"/{dots}/www/index.html", f"/{dots}",
                         f"/{dots}/"):
                with Client(daemon) as client:
                    reply = client.ask(target=path)
                    check(reply.status in (400, 404) and b"SECRET" not in reply.body, path, got=reply)
        for path in (f"/{outer}/secret", f"{outer}/secret", "//etc/passwd", "/etc/passwd", "/proc/self/environ",
                     "/proc/self/cwd/index.html", "/dev/null"):
            equal(control.ask(target=path).status, 404, path)


@test
def links_of_every_kind_are_404():
    root = new_root()
    outside = root.parent / (root.name + "-outside")
    outside.mkdir()
    (outside / "secret").write_text("SECRET")
    (root / "dir").mkdir()
    (root / "dir" / "file").write_text("inside")
    for name, to in {"abs": outside / "secret", "up": f"../{outside.name}/secret", "rel": "index.html", "loop": "loop",
                     "proc": "/proc/self/cwd",
                     "dirlink": "dir", "outlink": outside, "selfdir": ".", "dangling": "nothing", "dir/up": "../index.html"}.items():
        (root / name).symlink_to(to)
    with Daemon(root) as daemon, Client(daemon) as client:
        for target in ("/abs", "/up", "/rel", "/loop", "/proc", "/proc/index.html", "/dirlink/file", "/outlink/secret",
                       "/selfdir/index.html",
                       "/dangling", "/dir/up", "/dirlink", "/dirlink/"):
            reply = client.ask(target=target)
            check(reply.status == 404 and b"SECRET" not in reply.body, target, got=reply)
        equal(client.ask(target="/dir/file").status, 200, "the file itself")
        client.must_be_kept()


@test
def names_that_begin_with_a_dot_are_never_served():
    with Daemon() as daemon, Client(daemon) as client:
        for name in (".htaccess", ".git/config", "sub/.hidden", "sub/.d/file", ".x.html"):
            path = daemon.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x")
            equal(client.ask(target="/" + name).status, 404, name)
            equal(client.ask(target="/" + name.replace(".", "%2e")).status, 404, name + " encoded")


@test
def what_is_no_regular_file_is_404_and_never_waited_for():
    root = new_root()
    (root / "dir").mkdir()
    (root / "dir" / "index.html").write_text("no automatic index")
    os.mkfifo(root / "fifo")
    with Daemon(root) as daemon, Client(daemon) as client:
        before = time.monotonic()
        for target in ("/fifo", "/dir", "/dir/", "/fifo/", "/dir/.", "/index.html/"):
            equal(client.ask(target=target).status, 404, target)
        check(time.monotonic() - before < 2, "nothing was waited for")
        equal(client.ask(target="/dir/index.html").status, 200, "the file in the directory")
        daemon.must_have_descriptors(1)


@test
def an_unreadable_file_is_403_and_one_of_another_user_too():
    need_root()
    with Daemon() as daemon, Client(daemon) as client:
        for name, uid, mode, status in (("theirs.html", 12345, 0o644, 403), ("nobodys.html", 65534, 0o644, 403), ("closed.html", 0,
            0o600, 403),
                                        ("mine.html", 0, 0o644, 200)):
            path = daemon.root / name
            path.write_text("x")
            os.chown(path, uid, 0)
            path.chmod(mode)
            equal(client.ask(target="/" + name).status, status, name)


@test
def a_root_that_belongs_to_the_serving_user_serves_his_files_alone():
    need_root()
    root = new_root()
    (root / "roots.html").write_text("x")
    for path in (root, root / "index.html"):
        os.chown(path, 65534, 65534)
    with Daemon(root) as daemon, Client(daemon) as client:
        equal(client.ask(target="/index.html").status, 200, "his file")
        equal(client.ask(target="/roots.html").status, 403, "root's file in his tree")


@test
def a_file_that_shrinks_while_it_is_sent_ends_its_reply_early_and_nothing_else():
    with Daemon() as daemon:
        path = daemon.root / "big.bin"
        for left in (0, 3000000):
            path.write_bytes(b"x" * 20000000)
            with Client(daemon, receive_buffer=65536) as client:
                client.send(request(target="/big.bin"))
                check(client.socket.recv(1000), "the reply has begun")
                os.truncate(path, left)
                data = client.read_to_end()
                check(len(data) < 20000000, "the reply is cut", got=len(data))
            equal(ask(daemon).status, 200, "others are served")
        daemon.must_be_idle()


@test
def a_file_that_grows_or_is_replaced_while_it_is_sent_keeps_its_length():
    with Daemon() as daemon:
        path = daemon.root / "big.bin"
        path.write_bytes(b"a" * 8000000)
        with Client(daemon, receive_buffer=65536) as client:
            client.send(request(target="/big.bin"))
            client.buffer = client.socket.recv(1000)
            with open(path, "ab") as file:
                file.write(b"b" * 1000000)
            other = daemon.root / "other"
            other.write_bytes(b"c" * 100)
            other.rename(path)
            reply = client.reply()
            equal((len(reply.body), set(reply.body)), (8000000, {ord("a")}), "the file as it was opened")
            client.must_be_kept()


@test
def a_slow_reader_of_10_megabytes_keeps_nobody_waiting():
    with Daemon() as daemon:
        big = os.urandom(10000000)
        (daemon.root / "big.bin").write_bytes(big)
        with Client(daemon, receive_buffer=16384) as slow, Client(daemon) as other:
            slow.send(request(target="/big.bin"))
            slow.buffer = slow.socket.recv(100)
            longest = 0
            for _ in range(200):
                start = time.monotonic()
                equal(other.ask("POST", "/?LED", body="toggle").status, 200, "a write")
                longest = max(longest, time.monotonic() - start)
                slow.buffer += slow.socket.recv(4096)
            check(longest < 0.2, "no write takes 200 ms", longest=longest)
            check(slow.reply().body == big, "the file is whole")


@test
def greedy_readers_of_huge_files_leave_others_their_turn():
    with Daemon() as daemon:
        with open(daemon.root / "huge.bin", "wb") as file:
            file.truncate(1 << 30)
        stop = threading.Event()

        def devour():
            with Client(daemon) as client:
                client.send(request(target="/huge.bin"))
                while not stop.is_set() and client.socket.recv(1 << 20):
                    pass
        readers = [threading.Thread(target=devour) for _ in range(4)]
        for reader in readers:
            reader.start()
        try:
            with Client(daemon) as client:
                times = []
                for _ in range(60):
                    start = time.monotonic()
                    client.ask("POST", "/?LED", body="toggle")
                    times.append(time.monotonic() - start)
                times.sort()
                check(times[len(times) // 2] < 0.1 and times[-1] < 1, "writes go on beside four downloads", median=times[30],
                      longest=times[-1])
        finally:
            stop.set()
            for reader in readers:
                reader.join()


@test
def five_gigabytes_have_their_right_length():
    with Daemon() as daemon:
        with open(daemon.root / "sparse.bin", "wb") as file:
            file.truncate(5 << 30)
            file.seek(0)
            file.write(b"begin")
        for version in ("1.0", "1.1"):
            reply = ask(daemon, "HEAD", "/sparse.bin", version=version)
            equal((reply.status, reply.get("Content-Length")), (200, str(5 << 30)), "HEAD")
        with Client(daemon) as client:
            client.send(request(target="/sparse.bin"))
            while client.buffer.count(b"begin") == 0:
                client.buffer += client.socket.recv(4096)
            client.reset()
        equal(ask(daemon).status, 200, "others are served")


@test
def files_opened_by_the_thousand_leak_no_descriptor():
    with Daemon() as daemon:
        (daemon.root / "big.bin").write_bytes(b"x" * 300000)
        with Client(daemon) as client:
            for _ in range(300):
                client.send(request(target="/index.html") + request(target="/big.bin") + request("HEAD",
                    "/big.bin") + request(target="/nothing"))
                for head_only in (False, False, True, False):
                    client.reply(head_only)
            daemon.must_have_descriptors(1)
        for _ in range(100):
            with Client(daemon) as client:
                client.send(request(target="/big.bin"))
                client.socket.recv(10)
                client.reset()
        daemon.must_have_descriptors()


@test
def files_of_any_date_are_served():
    with Daemon() as daemon, Client(daemon) as client:
        for when in (-2 ** 62, -2208988800, -1, 0, 2 ** 31, 253402300800, 2 ** 33, 2 ** 62):
            path = daemon.root / "dated.html"
            path.write_text("x")
            try:
                os.utime(path, (when, when))
            except OverflowError:
                continue
            for method in ("GET", "HEAD"):
                equal(client.ask(method, "/dated.html").status, 200, f"dated {when}")


@test
def ranges_of_any_kind_are_answered_quickly_and_never_wrongly():
    content = bytes(range(256)) * 100
    with Daemon() as daemon, Client(daemon) as client:
        (daemon.root / "r.bin").write_bytes(content)
        (daemon.root / "empty.bin").write_bytes(b"")
        for wanted in ("0-0", "0-", "-1", "25599-", "25599-25599", "25600-", "25599-30000", "5-4", "-0", "-9223372036854775807",
                       "9223372036854775808-",
                       "0-18446744073709551615", "18446744073709551616-", "a-b", "--1", "", "0-0,1-1", "0-,0-,0-",
                       ",".join(f"{i}-" for i in range(1000)), "1 - 2"):
            for target in ("/r.bin", "/empty.bin"):
                reply = client.ask(target=target, fields=[f"Range: bytes={wanted}"])
                check(reply.status in (200, 206, 416), f"{wanted[:40]} of {target}", got=reply)
                if reply.status == 200:
                    check(reply.body == (content if target == "/r.bin" else b""), "all of it")
                if reply.status == 206:
                    check(reply.get("Content-Range") and reply.body in content, "a part of it", got=reply)
        client.must_be_kept()


@test
def a_file_deleted_and_made_again_is_served_as_it_is():
    with Daemon() as daemon, Client(daemon) as client:
        path = daemon.root / "new.html"
        for i in range(20):
            equal(client.ask(target="/new.html").status, 404, "not there")
            path.write_text(str(i))
            equal(client.ask(target="/new.html").body, b"%d" % i, "there")
            path.unlink()


@test
def a_root_that_is_emptied_or_moved_while_serving_ends_nothing():
    with Daemon() as daemon, Client(daemon) as client:
        (daemon.root / "index.html").unlink()
        equal(client.ask(target="/").status, 404, "the root page is gone")
        daemon.root.rename(daemon.root.parent / (daemon.root.name + "-moved"))
        for target in ("/", "/index.html", "/?LED"):
            equal(client.ask(target=target).status, 200 if "?" in target else 404, target)
        client.must_be_kept()


@test
def a_path_of_the_longest_length_is_no_trouble():
    with Daemon() as daemon, Client(daemon) as client:
        name = "d" * 250
        deep = daemon.root
        for _ in range(7):
            deep = deep / name
            os.makedirs(deep, exist_ok=True)
        (deep / "f").write_text("deep")
        equal(client.ask(target="/" + (name + "/") * 7 + "f").body, b"deep", "1,759 bytes of path")
        equal(client.ask(target="/" + "x" * 256).status, 404, "a name longer than names are")
        equal(client.ask(target="/" + "x/" * 1000).status, 404, "a thousand directories")
        client.must_be_kept()


@test
def a_static_root_may_be_named_in_any_way():
    root = new_root()
    for path in (str(root), str(root) + "/", str(root) + "/.", f"{root.parent}//{root.name}", os.path.relpath(root)):
        with Daemon(root, STATICPATH=path) as daemon:
            equal(ask(daemon, target="/").body, INDEX, path)
    link = root.parent / (root.name + "-link")
    link.symlink_to(root)
    with Daemon(root, STATICPATH=link) as daemon:
        equal(ask(daemon, target="/").body, INDEX, "the root itself may be reached by a link")


# --- What has changed, parts, and compressed forms

OLD = 1700000000
OLD_DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


def _old(path, content, seconds=OLD):
    path.write_bytes(content)
    os.utime(path, (seconds, seconds))
    return path


@test
def every_reply_has_the_present_date():
    with Daemon() as daemon, Client(daemon) as client:
        for method, target in (("GET", "/"), ("GET", "/?LED"), ("POST", "/?LED"), ("GET", "/nothing"), ("OPTIONS", "/"), ("BREW", "/")):
            before = int(time.time())
            date = client.ask(method, target).get("Date")
            allowed = [email.utils.formatdate(second, usegmt=True) for second in range(before - 1, int(time.time()) + 1)]
            check(date in allowed, f"{method} {target}", got=date, expected=allowed)


@test
def a_browser_that_has_the_file_is_told_so_and_the_connection_stays():
    with Daemon() as daemon, Client(daemon) as client:
        path = _old(daemon.root / "page.html", b"first")
        first = client.ask(target="/page.html")
        equal((first.get("Last-Modified"), first.get("Cache-Control")), (OLD_DATE, "no-cache"), "what a browser keeps")
        tag = first.get("ETag")
        check(tag.startswith('"'), "a strong tag", got=tag)
        for fields in ([f"If-None-Match: {tag}"], [f"If-None-Match: W/{tag}"], ["If-None-Match: *"], [f'If-None-Match: "x", {tag}'],
                       [f"If-Modified-Since: {OLD_DATE}"], ["If-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT"],
                       ["If-Modified-Since: Tue Nov 14 22:13:20 2023"]):
            for method in ("GET", "HEAD"):
                reply = client.ask(method, "/page.html", fields)
                equal((reply.status, reply.get("ETag"), reply.get("Content-Type")), (304, tag, None), f"{method} {fields}")
        for fields in (['If-None-Match: "x"'], [f"If-None-Match: {tag}"] * 2, ["If-None-Match:"], ["If-Modified-Since: yesterday"],
                       ['If-None-Match: "x"', f"If-Modified-Since: {OLD_DATE}"]):
            equal(client.ask(target="/page.html", fields=fields).body, b"first", fields)
        _old(path, b"other")  # as long and as old as it was
        reply = client.ask(target="/page.html", fields=[f"If-None-Match: {tag}"])
        equal((reply.status, reply.body), (200, b"other"), "the file has changed")
        check(reply.get("ETag") != tag, "another tag", got=tag)
        client.must_be_kept()


@test
def a_request_on_condition_that_the_file_is_the_same_is_412_when_it_is_not():
    with Daemon() as daemon, Client(daemon) as client:
        _old(daemon.root / "page.html", b"first")
        tag = client.ask(target="/page.html").get("ETag")
        for fields, status in (([f"If-Match: {tag}"], 200), (["If-Match: *"], 200), ([f"If-Unmodified-Since: {OLD_DATE}"], 200),
                               (['If-Match: "x"'], 412), ([f"If-Match: W/{tag}"], 412),
                               (["If-Unmodified-Since: Tue, 14 Nov 2023 22:13:19 GMT"], 412),
                               (['If-Match: "x"', f"If-None-Match: {tag}"], 412)):
            reply = client.ask(target="/page.html", fields=fields)
            equal(reply.status, status, fields)
            check(status == 200 or b"no longer" in reply.body, "a sentence", got=reply)
        client.must_be_kept()


@test
def a_download_goes_on_where_it_broke():
    content = os.urandom(1000000)
    with Daemon() as daemon:
        path = _old(daemon.root / "big.bin", content)
        with Client(daemon, receive_buffer=16384) as client:
            client.send(request(target="/big.bin"))
            client.buffer = client.socket.recv(60000)
            tag = re.search(rb'ETag: (".*")\r\n', client.buffer)[1].decode()
            got = client.buffer.split(b"\r\n\r\n", 1)[1]
            client.reset()
        with Client(daemon) as client:
            fields = [f"Range: bytes={len(got)}-", f"If-Range: {tag}"]
            reply = client.ask(target="/big.bin", fields=fields)
            equal((reply.status, reply.get("Content-Range")), (206, f"bytes {len(got)}-999999/1000000"), "the rest")
            check(got + reply.body == content, "both parts are the file")
            _old(path, content[::-1])
            reply = client.ask(target="/big.bin", fields=fields)
            check(reply.status == 200 and reply.body == content[::-1], "a file that has changed comes from its begin", got=reply.status)
            client.must_be_kept()


@test
def parts_of_every_size_have_their_bytes_on_one_connection():
    content = bytes(i * 31 % 251 for i in range(300000))
    with Daemon() as daemon, Client(daemon) as client:
        _old(daemon.root / "r.bin", content)
        asked = [(first, length) for first in (0, 1, 16383, 262144, 299999) for length in (1, 16384, 16385, 100000, 300000)]
        client.send(b"".join(request(target="/r.bin", fields=[f"Range: bytes={first}-{first + length - 1}"]) for first, length in asked))
        for first, length in asked:
            reply = client.reply()
            part = content[first:first + length]
            equal((reply.status, reply.get("Content-Range")), (206, f"bytes {first}-{first + len(part) - 1}/300000"), "a part")
            check(reply.body == part, f"{length} bytes from {first} on")
        for suffix in (1, 20000, 400000):
            check(client.ask(target="/r.bin", fields=[f"Range: bytes=-{suffix}"]).body == content[-suffix:], f"the last {suffix}")
        for wanted in ("300000-", "300000-400000", "-0"):
            reply = client.ask(target="/r.bin", fields=[f"Range: bytes={wanted}"])
            equal((reply.status, reply.get("Content-Range")), (416, "bytes */300000"), wanted)
        reply = client.ask("HEAD", "/r.bin", ["Range: bytes=0-0"])
        equal((reply.status, reply.get("Content-Length"), reply.get("Accept-Ranges")), (200, "300000", "bytes"), "HEAD")
        client.must_be_kept()


@test
def a_slow_reader_of_a_part_keeps_nobody_waiting():
    content = os.urandom(8000000)
    with Daemon() as daemon:
        _old(daemon.root / "big.bin", content)
        with Client(daemon, receive_buffer=16384) as slow, Client(daemon) as other:
            slow.send(request(target="/big.bin", fields=["Range: bytes=1000001-7000000"]))
            slow.buffer = slow.socket.recv(100)
            longest = 0
            for _ in range(100):
                start = time.monotonic()
                equal(other.ask("POST", "/?LED", body="toggle").status, 200, "a write")
                longest = max(longest, time.monotonic() - start)
                slow.buffer += slow.socket.recv(4096)
            check(longest < 0.2, "no write takes 200 ms", longest=longest)
            check(slow.reply().body == content[1000001:7000001], "the part is whole")
            slow.must_be_kept()


@test
def who_accepts_gzip_gets_what_stands_compressed_beside_the_file():
    page = b"<p>" + b"long " * 10000
    with Daemon() as daemon, Client(daemon) as client:
        _old(daemon.root / "page.html", page)
        _old(daemon.root / "page.html.gz", gzip.compress(page))
        plain = client.ask(target="/page.html")
        tags = {plain.get("ETag")}
        equal((plain.body, plain.get("Content-Encoding"), plain.get("Vary")), (page, None, "Accept-Encoding"), "as it is")
        for accepted in ("gzip", "gzip, deflate, br", "*", "identity;q=0.5, gzip;q=0.7", "GZIP;q=0.001"):
            reply = client.ask(target="/page.html", fields=[f"Accept-Encoding: {accepted}"])
            equal((reply.get("Content-Encoding"), reply.get("Vary")), ("gzip", "Accept-Encoding"), accepted)
            check(gzip.decompress(reply.body) == page, "the same page")
            equal(reply.get("Content-Type"), "text/html; charset=utf-8", "the type of what was compressed")
            tags.add(reply.get("ETag"))
        equal(len(tags), 2, "a tag for each form")
        for accepted in ("", "identity", "gzip;q=0", "br", "*;q=0, identity", "gzip;q=0.5, identity", "gzip;q=2"):
            reply = client.ask(target="/page.html", fields=[f"Accept-Encoding: {accepted}"])
            equal((reply.body, reply.get("Content-Encoding"), reply.get("Vary")), (page, None, "Accept-Encoding"), accepted)
        part = client.ask(target="/page.html", fields=["Accept-Encoding: gzip", "Range: bytes=0-1"])
        equal((part.status, part.body), (206, b"\x1f\x8b"), "a part of the compressed form")
        reply = client.ask(target="/page.html", fields=["Accept-Encoding: gzip", f"If-None-Match: {plain.get('ETag')}"])
        equal(reply.status, 200, "who has one form does not have the other")
        equal(client.ask(target="/page.html.gz").get("Content-Type"), "application/gzip", "as itself")
        client.must_be_kept()


@test
def a_compressed_form_that_is_old_or_may_not_be_served_is_not_there():
    with Daemon() as daemon, Client(daemon) as client:
        page, beside = daemon.root / "page.html", daemon.root / "page.html.gz"
        _old(page, b"page")

        def must_be_plain(why):
            reply = client.ask(target="/page.html", fields=["Accept-Encoding: gzip"])
            equal((reply.body, reply.get("Vary")), (b"page", None), why)
        must_be_plain("there is none")
        _old(beside, b"stale", OLD - 1)
        must_be_plain("it is older than the page")
        beside.unlink()
        beside.symlink_to("index.html")
        must_be_plain("it is a link")
        beside.unlink()
        beside.mkdir()
        must_be_plain("it is a directory")
        beside.rmdir()
        os.mkfifo(beside)
        must_be_plain("it is a pipe")
        if os.geteuid() == 0:
            beside.unlink()
            _old(beside, b"theirs")
            os.chown(beside, 12345, 12345)
            must_be_plain("it belongs to somebody else")


@test
def vary_names_all_that_a_reply_depends_on():
    with Daemon(ORIGINS="http://lab.example.org") as daemon, Client(daemon) as client:
        _old(daemon.root / "page.html", b"page")
        equal(client.ask(target="/page.html").get("Vary"), "Origin", "the origin alone")
        _old(daemon.root / "page.html.gz", b"gzip")
        equal(client.ask(target="/page.html").get("Vary"), "Origin, Accept-Encoding", "both")


@test
def a_type_that_only_the_tree_knows_is_sent():
    root = new_root()
    (root / "scene.glb").write_bytes(b"glTF")
    (root / "..." / "sub").mkdir(parents=True)
    (root / "..." / "scene.glb").write_text("model/gltf-binary\n")
    (root / "..." / "index.html").write_text("text/html; charset=iso-8859-1\n")
    with Daemon(root) as daemon, Client(daemon) as client:
        equal(client.ask(target="/scene.glb").get("Content-Type"), "model/gltf-binary", "from the tree")
        equal(client.ask(target="/").get("Content-Type"), "text/html; charset=iso-8859-1", "the tree comes first")
        (root / "scene2.glb").write_bytes(b"glTF")
        equal(client.ask(target="/scene2.glb").get("Content-Type"), "application/octet-stream", "not in the tree")
        for evil in ("", "nonsense", "text/html\r\nSet-Cookie: a=b", "text/html\n\n<p>", "/", "text/html; \x01", "x" * 200 + "/y"):
            (root / "..." / "scene.glb").write_text(evil)
            reply = client.ask(target="/scene.glb")
            equal((reply.get("Content-Type"), reply.body), ("application/octet-stream", b"glTF"), repr(evil[:20]))
        for target in ("/.../scene.glb", "/...", "/%2e%2e%2e/scene.glb"):
            with Client(daemon) as other:
                equal(other.ask(target=target).status, 400, target)
