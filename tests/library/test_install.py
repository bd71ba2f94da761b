# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""What is installed, and what it shows to a compiler and a linker."""
import platform
import re
import threading

from client import Client
from installed import (ARCHIVE, COMPILERS, ENVIRONMENT, EXAMPLES, HEADER, PAGE, PREFIX, PROGRAMS, SMALL, TOP, WITHOUT, Program, api, command, compile_example,
                       compile_text, configure, must_be_same, output)
from tap import Skip, check, equal, test

# All that libhttap asks of libc, and so what it can do to the program that it lives in. What is not here, it must not call.
LIBC = {
    "memory": "calloc free madvise mmap munmap",
    "descriptors": "close fcntl fstat fstatat open openat pread read syscall",  # syscall: openat2, for which libc has no name
    "sockets": "accept4 bind getsockname getsockopt listen recv send sendfile setsockopt shutdown socket inet_ntop inet_pton",
    "waiting": "epoll_create1 epoll_ctl epoll_wait clock_gettime gmtime_r timegm",
    "the machine": "getenv geteuid gethostname getrandom sigaction sysconf",
    "text": "memchr memcmp memcpy memmem memmove memset snprintf stpcpy strchr strcmp strcpy strerror strftime strlen strncmp strrchr "
            "strspn strstr vsnprintf",
    "our own mistakes": "__assert_fail __errno_location",
    "the compiler": "__stack_chk_fail _GLOBAL_OFFSET_TABLE_",
}

# What only files need of it.
OF_FILES = "fstat fstatat open openat pread read sendfile syscall timegm"

# Bytes of machine code at -Os on x86-64.
CODE_WITH_FILES = 40 * 1024
CODE_WITHOUT_FILES = 24 * 1024


@test
def make_install_puts_all_that_a_program_needs():
    for file in (HEADER, ARCHIVE, PAGE, PREFIX / "lib" / "pkgconfig" / "httap.pc", EXAMPLES / "index.html"):
        check(file.stat().st_size > 0, "it is installed", file=file)
    must_be_same((p.name for p in EXAMPLES.glob("*.c")), (p.name for p in (TOP / "examples").glob("*.c")), "installed examples")


@test
def pkg_config_says_where_and_which_and_needs_nothing_else():
    version = re.search(r"AC_INIT\(\[httapd\], \[([^]]+)\]\)", (TOP / "configure.ac").read_text())[1]
    equal(output("pkg-config", "--modversion", "httap"), version + "\n", "the version")
    equal(output("pkg-config", "--cflags", "httap").split(), [f"-I{HEADER.parent}"], "the flags of the compiler")
    equal(output("pkg-config", "--libs", "httap").split(), [f"-L{ARCHIVE.parent}", "-lhttap"], "the flags of the linker")
    equal(output("pkg-config", "--libs", "--static", "httap").split(), [f"-L{ARCHIVE.parent}", "-lhttap"], "the same for static")
    equal(output("pkg-config", "--print-requires", "--print-requires-private", "httap").split(), [], "what it requires")
    check("@" not in (PREFIX / "lib" / "pkgconfig" / "httap.pc").read_text(), "no placeholder is left")


def _examples_compile(compiler):
    for source in sorted(EXAMPLES.glob("*.c")):
        compile_example(source.stem, compiler)


for _compiler in COMPILERS:
    test(lambda compiler=_compiler: _examples_compile(compiler),
         name=f"the examples compile by the lines in their heads, with {_compiler} and every warning of the tree")


@test
def led_is_shorter_than_forty_lines():
    check(len((EXAMPLES / "led.c").read_text().splitlines()) < 40, "led.c is the short one")


@test
def the_examples_are_formatted_like_the_rest():
    if command("clang-format", "--version").returncode != 0:
        return  # the style room brings it; whoever runs this room alone need not have it
    for source in sorted((TOP / "examples").glob("*.c")):
        output("clang-format", "--dry-run", "--Werror", source)


@test
def the_header_is_c99_and_later_without_extensions():
    for compiler in COMPILERS:
        for standard in ("c99", "c11", "c17", "c2x"):
            compile_text("header", "#include <httap.h>\n\nint main(void)\n{\n\tstatic struct httap httap;\n\n"
                         "\treturn httap_port(&httap);\n}\n", compiler,
                         (f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror"))


@test
def the_header_is_cplusplus_too_and_its_functions_link_from_there():
    for compiler in ("g++", "clang++"):
        program = compile_text("header_in_cplusplus", "#include <httap.h>\n\nint main()\n{\n\tstatic httap server;\n\n"
                               "\treturn httap_port(&server);\n}\n", compiler,
                               ("-std=c++11", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror"))
        output(program)


def _whole():
    """The whole archive as a shared object, which shows what it shows, and links only when nothing is missing."""
    whole = PROGRAMS / "whole.so"
    output("gcc", "-shared", "-nodefaultlibs", "-Wl,--no-undefined", "-o", whole, "-Wl,--whole-archive", ARCHIVE,
           "-Wl,--no-whole-archive", "-lc", "-lgcc")
    return whole


@test
def libhttap_shows_the_functions_of_its_header_and_nothing_else():
    must_be_same(output("nm", "-D", "--defined-only", "--format=just-symbols", _whole()).split(), api(), "symbols")


@test
def libhttap_needs_libc_alone():
    libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", _whole()))
    equal([name.split(".so")[0] for name in libraries], ["libc"], "libraries")


@test
def libhttap_calls_only_what_is_on_its_list():
    undefined = set()
    defined = set()
    # Of the machine code. What nm lists of an archive that can also be optimised at link time is what stood there before any optimisation.
    for line in output("readelf", "--syms", "--wide", ARCHIVE).splitlines():
        parts = line.split()
        if len(parts) == 8 and parts[4] in ("GLOBAL", "WEAK"):
            # A fortified call is the same call, with the length of the buffer: __recv_chk, __openat_2.
            name = re.sub(r"^__(\w+?)(_chk|_2)$", r"\1", parts[7]) if parts[7] != "__stack_chk_fail" else parts[7]
            (undefined if parts[6] == "UND" else defined).add(name)
    check("httap_start" in defined and "recv" in undefined, "the table was read", got=sorted(undefined))
    allowed = {name for names in LIBC.values() for name in names.split()}
    equal(sorted(undefined - defined - allowed), [], "calls that LIBC in tests/library/test_install.py does not name")


# --- Size -------------------------------------------------------------------------------------------------------------------


_the_size = {}


def _measure(what, limit, *options):
    configured = configure(SMALL, *options, cflags="-Os")
    equal((configured.returncode, configured.stdout[-2000:] if configured.returncode else ""), (0, ""), "configure")
    output("make", "-s", "-C", SMALL, "libhttap.a")
    archive = SMALL / "libhttap.a"
    code = sum(int(m[1]) for m in re.finditer(r"^\.text\S* +(\d+) ", output("size", "-A", archive), re.M))
    totals = output("size", "-t", archive).splitlines()[-1].split()
    print(f"# libhttap {what}, at -Os on {platform.machine()}: {code} bytes of machine code in .text (goal: under {limit}); "
          f"size counts {totals[0]} text, {totals[1]} data, {totals[2]} bss")
    check(code > 4096, "something was measured", code=code)
    if platform.machine() != "x86_64":
        raise Skip("the goals are for x86-64")
    check(code < limit, "the machine code of libhttap is within its goal", code=code, limit=limit)
    return code, int(totals[0])


@test
def with_files_libhttap_is_less_than_40_kb_of_machine_code():
    _the_size["with files"] = _measure("with files", CODE_WITH_FILES)


@test
def without_files_libhttap_is_less_than_24_kb_of_machine_code():
    _the_size["without files"] = _measure("without files", CODE_WITHOUT_FILES, "--disable-files")


@test
def the_readme_tells_the_size_as_it_is():
    told = re.search(r"the library is (\d+) kB of machine code, (\d+) kB with\s+its constants and tables; "
                     r"without files \(`./configure --disable-files`\) it is (\d+) kB of\s+machine code", (TOP / "README.md").read_text())
    check(told, "README.md tells the size")
    code, size = _the_size.get("with files") or _measure("with files", CODE_WITH_FILES)
    without = (_the_size.get("without files") or _measure("without files", CODE_WITHOUT_FILES, "--disable-files"))[0]
    for kilobytes, measured in zip(told.groups(), (code, size, without)):
        check(abs(int(kilobytes) - measured / 1024) < 1, "README.md, in kB of 1024 bytes", told=kilobytes, measured=round(measured / 1024, 1))


# --- Without files ------------------------------------------------------------------------------------------------------------


_built_without_files = threading.Lock()


def _without_files():
    """Such a build, made once."""
    with _built_without_files:
        if not (WITHOUT / "libhttap.a").exists():
            done = configure(WITHOUT, "--disable-files")
            equal((done.returncode, done.stdout), (0, ""), "configure")
            check("httapd is not built" in (WITHOUT / "config.log").read_text(), "configure says so")
            output("make", "-s", "-C", WITHOUT)
    return WITHOUT / "libhttap.a"


@test
def without_files_the_archive_has_no_code_for_them():
    archive = _without_files()
    check(not (WITHOUT / "httapd").exists(), "httapd is not built")
    undefined = set(re.findall(r" U (\w+)$", output("nm", archive), re.M))
    equal(sorted(undefined & set(OF_FILES.split())), [], "calls for files")
    check(set(OF_FILES.split()) <= set(re.findall(r" U (\w+)$", output("nm", ARCHIVE), re.M)), "with files they are there")
    members = set(output("ar", "t", archive).split())
    check(not any(re.search(r"(?<!no_)static|file|match|range|date", member) for member in members), "modules", got=members)


@test
def without_files_signals_are_served_and_all_else_is_404():
    archive = _without_files()
    program = PROGRAMS / "without_files"
    output("gcc", "-g", f"-I{HEADER.parent}", EXAMPLES / "led.c", archive, "-o", program)
    with Program(program) as led, Client(led) as client:
        equal(client.ask("POST", "/?LED", body="1").json(), {"LED": 1}, "a signal")
        for method, target in (("GET", "/"), ("HEAD", "/index.html"), ("GET", "/nothing"), ("POST", "/"), ("OPTIONS", "/")):
            equal(client.ask(method, target).status, 404, f"{method} {target}")
        check(b"no files" in client.ask(target="/").body, "a sentence")
        equal(client.ask(target="/?ping").get("Date"), None, "nobody asks for the time of day")
    for name, value in (("STATICPATH", "."), ("ROOTPAGE", "index.html")):
        done = command(program, cwd=EXAMPLES, env={**ENVIRONMENT, f"HTTAP_{name}": value, "HTTAP_TCPPORT": "0"}, timeout=10)
        check(done.returncode != 0 and "without files" in done.stdout and done.stdout.count("\n") == 1, name, got=done.stdout)
