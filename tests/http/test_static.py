# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""Files below the static root: which are served, as what, and what a hostile tree or a slow reader can do."""
import os
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
        for when in (-2208988800, -1, 0, 2 ** 31, 253402300800, 2 ** 33):
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
