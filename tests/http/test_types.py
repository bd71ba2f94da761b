# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""httap-types: which file gets which type, what is kept, what is refused, and what odd names and links can't do to it."""
import os
import pathlib
import pwd
import re
import shutil
import stat
import subprocess

from client import Client
from daemon import INDEX, IS_ROOT, Daemon, need_root, new_root, scratch
from tap import check, equal, test

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = TOP / "scripts" / "httap-types"
TOOLS = ("sh", "awk", "find", "id", "ls", "mkdir", "rm", "tr")
SHELLS = [None, *filter(None, map(shutil.which, ("dash", "bash", "mksh", "ksh")))]
NO_LIST = "--mime-types=/dev/null"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89"
HTML, CSS, PLAIN = (f"text/{kind}; charset=utf-8\n".encode() for kind in ("html", "css", "plain"))
ODD = [b" ", b"a b", b" a ", b"\n", b"a\nb", b"a\n", b"-", b"-rf", b"--help", b"--", b"'", b'"', b"it's", b'"q"', b"\\", b"a\\nb",
       b"$HOME", b"$(touch x)", b"`touch x`", b"*", b"?", b"[a]", b"[!a]", b"~", b"a=b", b"%s%n", b"#", b"&", b";", b"|", b"<",
       b">", b"(", b"!", b"{a,b}", b"a:b", b"\t", b"\x1b[31m", b"\x7f", b"\xc3\xa9", b"\xff\xfe", b"a..b", b"x" * 240]


def types(root, *options, script=SCRIPT, shell=None, path=None, **how):
    """Runs it as somebody would who has the strictest umask and an environment of his own."""
    env = {"PATH": str(path or os.environ.get("PATH", "/usr/bin:/bin")), "LC_ALL": "C.UTF-8", **how.pop("env", {})}
    roots = [] if root is None else [root]
    return subprocess.run([*([shell] if shell else []), script, *options, *roots], env=env, umask=0o077, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60, check=False, **how)


def must_work(root, *options, **how):
    done = types(root, *options, **how)
    equal((done.returncode, done.stdout, done.stderr), (0, b"", b""), "it works and says nothing")


def must_refuse(root, *options, status=2, says="", **how):
    done = types(root, *options, **how)
    equal((done.returncode, done.stdout), (status, b""), f"status {status} for {options} {root}")
    check(re.fullmatch(rb"httap-types: [^\n\x1b]+\n", done.stderr), "one sentence", got=done.stderr)
    check(says.encode() in done.stderr, f"it says {says!r}", got=done.stderr)


def tree(top):
    """Everything below it, dot names too: contents of files, targets of links, None for the rest. No link is followed."""
    def content(path):
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            return os.readlink(path)
        return pathlib.Path(os.fsdecode(path)).read_bytes() if stat.S_ISREG(mode) else None
    top = os.fsencode(top)
    paths = [os.path.join(where, name) for where, directories, names in os.walk(top) for name in directories + names]
    return {os.path.relpath(path, top): content(path) for path in paths}


def written(root):
    """What the tree of types holds, by path."""
    return {name.decode(): value for name, value in tree(root / "...").items() if value is not None}


def fill(root, names, content=b"some text\n"):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def tools(*more):
    """A directory with the tools that a machine without file(1) has."""
    where = scratch()
    where.chmod(0o755)
    for name in (*TOOLS, *more):
        (where / name).symlink_to(shutil.which(name))
    return where


def as_a_user():
    """A static root of somebody who is not the superuser, and how to run the script as him."""
    root = new_root()
    if not IS_ROOT:
        return root, {}
    user = pwd.getpwnam("nobody")
    for path in (root, root / "index.html"):
        os.chown(path, user.pw_uid, user.pw_gid)
    copy = scratch()  # the source directory may be closed to him
    copy.chmod(0o755)
    shutil.copy(SCRIPT, copy)
    return root, {"script": copy / SCRIPT.name, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


# --- Which type

@test
def types_are_written_where_the_server_looks_for_them():
    root = new_root()
    fill(root, ["a.css", "sub/b.js", "sub/deep/c.html", "sub/deep/plain"])
    before = tree(root)
    must_work(root)
    equal(written(root), {"index.html": HTML, "a.css": CSS, "sub/b.js": b"text/javascript; charset=utf-8\n",
                          "sub/deep/c.html": HTML, "sub/deep/plain": PLAIN}, "the tree of types")
    equal({name: value for name, value in tree(root).items() if name.split(b"/")[0] != b"..."}, before, "the rest is as it was")


@test
def types_of_the_servers_own_extensions_are_the_servers_own():
    sources = "".join(source.read_text() for source in sorted((TOP / "httap").glob("*.c")))
    table = dict(re.findall(r'\{ "([a-z0-9]+)", "([a-z]+/[^"]+)" \}', sources))
    check(len(table) >= 18, "the table was found", got=table)
    expected = {f"a.{extension}": f"{kind}\n".encode() for extension, kind in table.items()}
    expected.update({name.upper(): kind for name, kind in expected.items()}, **{"index.html": HTML})
    root = new_root()
    fill(root, expected)
    must_work(root, NO_LIST, path=tools())
    equal(written(root), expected, "types")


@test
def types_that_it_writes_are_those_that_the_daemon_sends():
    root = new_root()
    fill(root, ["a.css", "sub/b.PNG", "sub/c d.svg"])
    must_work(root)
    with Daemon(root) as daemon, Client(daemon) as client:
        for name, kind in written(root).items():
            equal(client.ask(target="/" + name.replace(" ", "%20")).get("Content-Type") + "\n", kind.decode(), name)
            with Client(daemon) as other:
                check(other.ask(target="/.../" + name.replace(" ", "%20")).status in (400, 404), "the tree itself is not served")


@test
def types_come_from_a_list_of_extensions():
    root, where = new_root(), scratch()
    list_file = where / "my types=1"
    list_file.write_text("# comment glb\nmodel/gltf-binary\tGLB bin # note\ntext/x-notes notes\nmodel/second glb\n"
                         "text/wrong css\nnot-a-type odd\nmodel/a;b odd2\nmodel/none\n")
    plain = ["e.odd", "e.odd2", "f.note", "g.glb.x", "glb", "h.glb\n", "i.g[l]b"]
    fill(root, ["a.glb", "b.Glb", "c.notes", "d.css", *plain])
    for name, options in (("absolute", {}), ("relative", {"cwd": where})):
        shutil.rmtree(root / "...", ignore_errors=True)
        must_work(root, f"--mime-types={list_file.name if options else list_file}", **options)
        equal(written(root), {"index.html": HTML, "a.glb": b"model/gltf-binary\n", "b.Glb": b"model/gltf-binary\n",
                              "c.notes": b"text/x-notes; charset=utf-8\n", "d.css": CSS, **dict.fromkeys(plain, PLAIN)}, name)


@test
def types_come_from_the_systems_list_unless_another_one_is_named():
    root = new_root()
    fill(root, ["book.epub", "table.csv"])
    must_work(root, path=tools())
    equal(written(root), {"index.html": HTML, "book.epub": b"application/epub+zip\n", "table.csv": b"text/csv; charset=utf-8\n"},
          "types")


@test
def types_of_files_without_a_known_extension_come_from_their_content():
    root = new_root()
    fill(root, ["picture", "picture.unheard-of", "-p", "noext.", "dot.png/name"], PNG)
    fill(root, ["page", "dir.css/page"], b"<!DOCTYPE html><html><title>x</title></html>")
    fill(root, ["style.css"], PNG)
    must_work(root, NO_LIST)
    equal(written(root), {"index.html": HTML, "picture": b"image/png\n", "picture.unheard-of": b"image/png\n",
                          "-p": b"image/png\n", "noext.": b"image/png\n", "dot.png/name": b"image/png\n",
                          "page": HTML, "style.css": CSS, "dir.css/page": HTML},
          "an extension wins over the content")


@test
def types_that_nothing_knows_are_not_written_and_a_later_run_can_add_them():
    root = new_root()
    fill(root, ["picture", "other"], PNG)
    done = types(root, NO_LIST, path=tools())
    equal((done.returncode, done.stdout, written(root)), (0, b"", {"index.html": HTML}), "without file(1)")
    check(re.fullmatch(rb"httap-types: [^\n]*: 2,[^\n]*file\(1\)[^\n]*not installed\n", done.stderr), "it says why",
          got=done.stderr)
    (root / "empty").write_bytes(b"")
    done = types(root, NO_LIST)
    equal((done.returncode, written(root)), (0, {"index.html": HTML, **dict.fromkeys(("picture", "other"), b"image/png\n")}),
          "with file(1)")
    check(re.fullmatch(rb"httap-types: [^\n]*: 1,[^\n]*empty[^\n]*\n", done.stderr), "an empty file is told", got=done.stderr)


@test
def types_are_media_types_whatever_file_prints():
    where = tools()
    fake = where / "file"
    for said in ("cannot open `./x' (No such file or directory)", "text/html\nSet-Cookie: x", "a/b/c", "/x", "x/", "text", "",
                 "a/b c", "a/b;c", "text/" + "x" * 100, "regular file, no read permission", "inode/x-empty",
                 "application/x-empty", "a/\x1b[31m", "a/é"):
        root = new_root()
        fill(root, ["x"])
        (where / "said").write_text(said)
        fake.write_text(f"#!/bin/sh\nexec '{shutil.which('cat')}' '{where}/said'\n")
        fake.chmod(0o755)
        equal((types(root, NO_LIST, path=where).returncode, written(root)), (0, {"index.html": HTML}), said)
    (where / "said").write_text("chemical/x-a.b_c+d-e")
    must_work(root, NO_LIST, path=where)
    equal(written(root)["x"], b"chemical/x-a.b_c+d-e\n", "a type")


# --- Odd names

@test
def types_of_files_and_directories_of_odd_names():
    for shell in SHELLS:
        root = new_root()
        for name in ODD:
            directory = os.path.join(os.fsencode(root), name)
            os.mkdir(directory)
            for path in (directory + b".css", os.path.join(directory, name), os.path.join(directory, name + b".x.html")):
                with open(path, "wb") as file:
                    file.write(b"some text\n")
        before = tree(root)
        must_work(root, NO_LIST, shell=shell)
        expected = {b"...": None}
        for name, content in before.items():
            extension = name.rsplit(b".", 1)[-1]
            expected[os.path.join(b"...", name)] = None if content is None else {b"css": CSS, b"html": HTML}.get(extension, PLAIN)
        after, expected = tree(root), {**before, **expected}
        equal(after.keys() ^ expected.keys(), set(), f"each file has its type, and nothing else was made ({shell})")
        equal({name: value for name, value in after.items() if value != expected[name]}, {}, f"the types ({shell})")


@test
def types_are_written_whatever_the_static_root_is_called():
    for name in ("-d", "-", "a b", "it's", "a\nb", "$(touch x)", "*", "..."):
        where = scratch()
        (where / name).mkdir()
        (where / "decoy" / name).mkdir(parents=True)
        fill(where / name, ["a.css"])
        env = {"CDPATH": str(where / "decoy"), "OLDPWD": str(where / "decoy")}
        must_work(name, "--", cwd=where, env=env)
        equal(written(where / name), {"a.css": CSS}, name)
        equal(sorted(os.listdir(where)), sorted({name, "decoy"}), "nothing beside it")
        equal(os.listdir(where / "decoy" / name), [], "nothing elsewhere")
    root = new_root()
    for path in (".", "./", f"{root}/", f"../{root.name}"):
        shutil.rmtree(root / "...", ignore_errors=True)
        must_work(path, cwd=root)
        equal(written(root), {"index.html": HTML}, path)


@test
def types_are_given_to_nothing_that_is_never_served():
    root = new_root()
    fill(root, [".hidden.css", ".git/config.html", "sub/.x/y.css", "..a/b.css", "sub/ok.css", "sub/.../deep.css"])
    os.mkfifo(root / "fifo.html")
    must_work(root)
    equal(written(root), {"index.html": HTML, "sub/ok.css": CSS}, "no dot names, no pipes")


# --- Links

@test
def types_never_come_through_a_link_to_files():
    root, outside = new_root(), scratch()
    fill(outside, ["secret.css", "dir/deep.css"])
    (root / "sub").mkdir()
    for name, to in {"abs.css": outside / "secret.css", "rel.css": "index.html", "loop.css": "loop.css",
                     "dangling.css": "nothing", "dir": outside / "dir", "self": ".", "sub/up": ".."}.items():
        (root / name).symlink_to(to)
    must_work(root)
    equal(tree(root / "..."), {b"index.html": HTML}, "the only file that is no link")
    equal(sorted(tree(outside)), [b"dir", b"dir/deep.css", b"secret.css"], "nothing was written elsewhere")


@test
def types_are_never_written_through_a_link():
    root, outside = new_root(), scratch()
    fill(root, ["a/x.css", "b/x.css", "c/deep/x.css", "one.css", "two.css", "three.css"])
    fill(outside, ["victim"], b"")
    shadow = root / "..."
    (shadow / "c").mkdir(parents=True)
    for name, to in {"a": outside, "c/deep": outside, "one.css": outside / "new", "two.css": outside / "victim",
                     "three.css": "three.css"}.items():
        (shadow / name).symlink_to(to)
    (shadow / "b").write_bytes(b"")
    before = tree(root)
    done = types(root)
    equal(done.returncode, 1, "some types could not be written")
    equal(len(re.findall(rb"(?m)^httap-types: .* is no directory, .*$", done.stderr)), 3, "a, b and c/deep are named")
    equal(done.stderr.count(b"\n"), 3, "in a line each")
    equal(tree(root), {**before, b".../index.html": HTML}, "the others were, and the links stay")
    equal(tree(outside), {b"victim": b""}, "nothing was written elsewhere")


@test
def types_are_not_written_through_a_link_that_appears_meanwhile():
    root, outside, where = new_root(), scratch(), tools("ln")
    fill(root, ["x"])
    (root / "...").mkdir()
    (where / "file").write_text(f"#!/bin/sh\nln -s '{outside}/new' '{root}/.../x'\necho image/png\n")
    (where / "file").chmod(0o755)
    for shell in SHELLS:
        must_refuse(root, status=1, says="can't write", path=where, shell=shell)
        equal(tree(outside), {}, f"nothing was written elsewhere ({shell})")
        (root / "..." / "x").unlink()


@test
def types_are_refused_where_the_tree_is_a_link_or_a_file():
    for make in (lambda path, outside: path.symlink_to(outside), lambda path, outside: path.symlink_to("nothing"),
                 lambda path, outside: path.write_bytes(b"x"), lambda path, outside: os.mkfifo(path)):
        root, outside = new_root(), scratch()
        make(root / "...", outside)
        before = tree(root)
        must_refuse(root, says='/..." is no directory')
        equal((tree(root), tree(outside)), (before, {}), "nothing was written")


@test
def types_may_be_written_below_a_root_that_is_reached_by_a_link():
    root = new_root()
    link = scratch() / "link"
    link.symlink_to(root)
    must_work(link)
    equal(written(root), {"index.html": HTML}, "as the server opens it")


# --- What is there

@test
def types_that_are_there_are_kept_and_what_is_missing_is_added():
    def facts():
        return {name: (os.lstat(path).st_ino, os.lstat(path).st_mtime_ns) for name, path in
                ((name, os.path.join(os.fsencode(root), b"...", name)) for name in tree(root / "...")) if not os.path.isdir(path)}
    root = new_root()
    by_hand = {"hand.css": b"model/by-hand", "sub/hand": b"not a type at all\nand two lines", "gone.css": b"text/x-gone\n",
               " ": b" \n"}
    fill(root, ["hand.css", "sub/hand", "a.css", " "])
    for name, content in by_hand.items():
        fill(root / "...", [name], content)
    (root / "..." / "odd.css").mkdir()
    os.mkfifo(root / "..." / "pipe.css")
    fill(root, ["odd.css", "pipe.css"])
    must_work(root)
    check((root / "..." / "odd.css").is_dir() and (root / "..." / "pipe.css").is_fifo(), "what is no file stays, too")
    expected = {**by_hand, "index.html": HTML, "a.css": CSS}
    equal(written(root), expected, "what is missing was added")
    before = facts()
    must_work(root)
    equal((written(root), facts()), (expected, before), "another run changes nothing")
    fill(root, ["new/b.css"])
    (root / "..." / "a.css").unlink()
    must_work(root)
    equal(written(root), {**expected, "new/b.css": CSS}, "a third one adds two")
    after = facts()
    equal({name for name in before if after[name] != before[name]}, {b"a.css"}, "and leaves the others")


@test
def types_that_are_empty_are_written_anew():
    root = new_root()
    fill(root / "...", ["index.html"], b"")
    other = root / "other-name-of-it"
    os.link(root / "..." / "index.html", other)
    (root / "..." / "other-name-of-it").write_bytes(b"x/y\n")
    must_work(root)
    equal((written(root)["index.html"], other.read_bytes()), (HTML, b""),
          "a new file, and not through another name of the old one")


# --- Who may, and who may read

@test
def types_can_be_read_by_everybody_whatever_the_umask():
    root = new_root()
    fill(root, ["sub/deep/a.css"])
    must_work(root)
    for path in (root / "...", *(root / "...").rglob("*")):
        facts = path.lstat()
        equal(oct(stat.S_IMODE(facts.st_mode)), oct(0o755 if path.is_dir() else 0o644), str(path))
        equal(facts.st_uid, root.stat().st_uid, f"the owner of {path}")


@test
def types_are_written_by_an_unprivileged_owner_for_a_daemon_that_serves_as_him():
    root, user = as_a_user()
    must_work(root, **user)
    equal(written(root), {"index.html": HTML}, "types")
    for path in (root / "...", root / "..." / "index.html"):
        equal(path.lstat().st_uid, root.stat().st_uid, "their owner")
    with Daemon(root) as daemon, Client(daemon) as client:
        reply = client.ask(target="/index.html")
        equal((reply.body, reply.get("Content-Type") + "\n"), (INDEX, HTML.decode()), "served")


@test
def types_below_the_root_of_another_user_are_refused():
    root = pathlib.Path("/usr")
    if IS_ROOT:
        root, _ = as_a_user()
    before = os.listdir(root)
    must_refuse(root, says=f"belongs to {root.owner()}, ")
    equal(os.listdir(root), before, "nothing was written")


@test
def types_are_refused_where_the_tree_belongs_to_another_user():
    need_root()
    root = new_root()
    (root / "...").mkdir()
    os.chown(root / "...", 12345, 0)
    must_refuse(root, says="belongs to 12345, not to root")
    equal(tree(root / "..."), {}, "nothing was written")


@test
def types_that_cant_be_written_end_it_with_status_1_and_the_reason():
    for closed in ("", "...", ".../sub"):
        root, user = as_a_user()
        (root / "sub").mkdir()
        fill(root, ["sub/a.css"])
        (root / "..." / "sub").mkdir(parents=True)
        if not closed:
            shutil.rmtree(root / "...")
        for path in (root, root / "sub", root / "...", root / "..." / "sub"):
            if IS_ROOT and path.exists():
                os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
        (root / closed).chmod(0o555)
        must_refuse(root, status=1, says="Permission denied", **user)
        (root / closed).chmod(0o755)


@test
def types_of_what_the_owner_may_not_look_into_are_left_out_with_a_word():
    root, user = as_a_user()
    fill(root, ["closed/a.css", "open/a.css"])
    for path in (root / "closed", root / "open"):
        os.chown(path, root.stat().st_uid, -1)
    (root / "closed").chmod(0)
    done = types(root, **user)
    (root / "closed").chmod(0o755)
    equal((done.returncode, written(root)), (0, {"index.html": HTML, "open/a.css": CSS}), "the others have theirs")
    check(re.fullmatch(rb'httap-types: can\'t look into "[^\n]*/closed"[^\n]*\n', done.stderr), "it is named", got=done.stderr)


# --- Arguments

@test
def types_refuses_bad_arguments_and_writes_nothing():
    root = new_root()
    elsewhere = scratch()
    for options, says in (((), "name one directory"), ((root, root), "name one directory"), (("--",), "name one directory"),
                          (("--nonsense", root), '"--nonsense"'), (("-x", root), '"-x"'), (("-", root), '"-"'),
                          (("--help=x", root), '"--help=x"'), (("--mime-types", root), '"--mime-types"'),
                          (("--mime-types=nothing", root), '"nothing"'), ((f"--mime-types={elsewhere}", root), str(elsewhere)),
                          (("",), '"" is no directory'), (("nothing",), '"nothing" is no directory'),
                          ((root / "index.html",), 'index.html" is no directory'), (("a\n\x1b[31mb",), '"a??[31mb"')):
        must_refuse(None, *options, says=says, cwd=elsewhere)
    equal((list(tree(root)), tree(elsewhere)), ([b"index.html"], {}), "nothing was written")


@test
def types_of_the_whole_file_system_are_refused():
    _, user = as_a_user()  # who could write none, if it were not for this refusal
    for path in ("/", "//", "/usr/.."):
        must_refuse(path, says="whole file system", **user)


@test
def types_tells_nothing_to_a_terminal_that_a_name_says():
    root = new_root()
    fill(root, ["a\x1b[31m\r\nb/x.css"])
    fill(root / "...", ["a\x1b[31m\r\nb"])
    must_refuse(root, status=1, says='a?[31m??b" is no directory')


@test
def types_has_a_short_help():
    for options in (("--help",), ("--mime-types=x", "--help", "nothing")):
        done = types(None, *options)
        equal((done.returncode, done.stderr), (0, b""), "status")
        check(done.stdout.startswith(b"usage: httap-types [--mime-types=FILE] DIR\n"), "the usage", got=done.stdout)
    page = (TOP / "doc" / "httap-types.1").read_text()
    for option in re.findall(rb"--([a-z-]+)", done.stdout):
        check(f"Fl -{option.decode()}" in page, f"the manual page has --{option.decode()}")
