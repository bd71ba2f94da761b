# SPDX-License-Identifier: AGPL-3.0-or-later
# Copyright (C) the httapd authors
"""The manual page httap.3, held against the header; and what it and the README tell a person to type."""
import re
import shlex

from client import Client
from installed import EXAMPLES, HEADER, PAGE, TOP, Program, api, compile_text, must_be_same, output, warnings
from tap import check, equal, test

LINE = "$(pkg-config --cflags --libs httap)"


def _rendered():
    """The page as a person reads it, without its layout."""
    return re.sub(r".\x08", "", output("mandoc", "-T", "ascii", "-O", "width=200", PAGE))


def _prototypes():
    """The functions of the synopsis, as C."""
    synopsis = PAGE.read_text().split(".Sh SYNOPSIS\n")[1].split("\n.Sh ")[0]
    found = {}
    for kind, call in re.findall(r"^\.Ft (.*)\n\.Fn (.*)$", synopsis, re.M):
        name, *parameters = shlex.split(call)
        found[name] = f"{kind} {name}({', '.join(parameters)});"
    return found


@test
def the_page_has_a_prototype_of_every_function_and_of_no_other():
    must_be_same(_prototypes(), api(), "prototypes in httap.3")


@test
def the_prototypes_of_the_page_are_those_of_the_header():
    text = "\n".join(_prototypes().values())
    compile_text("prototypes", f"#include <httap.h>\n{text}\nint main(void)\n{{\n\treturn 0;\n}}\n", flags=("-std=c11", "-Wall", "-Werror"))


@test
def the_page_describes_every_function():
    described = PAGE.read_text().split(".Sh DESCRIPTION\n")[1]
    must_be_same((name for name in api() if re.search(rf"\b{name}\b", described)), api(), "described functions")


@test
def the_page_names_every_structure_member_and_constant():
    header = re.sub(r"/\*.*?\*/|//.*?$", " ", HEADER.read_text(), flags=re.S | re.M)
    names = set()
    for body in re.findall(r"^(?:struct|enum) \w+ \{(.*?)^\};", header, re.M | re.S):
        names |= set(re.findall(r"\(\*(\w+)\)\(|\b(\w+)(?:\[\d+\])?;", re.sub(r"\)\([^)]*\);", ")(", body)))
    names = {name for pair in names for name in pair if name}
    names |= set(re.findall(r"^(?:struct|enum) (\w+) \{", header, re.M)) - {"httap_action", "httap_methods", "httap_happened"}
    names |= set(re.findall(r"\bHTTAP_[A-Z0-9_]+\b", header)) - {"HTTAP_HTTAP_H", "HTTAP_API"}
    check(len(names) > 60 and {"on_request", "duration", "keepalive_s", "HTTAP_PULSE", "httap_call"} <= names, "the header was read",
          got=sorted(names))
    text = _rendered()
    equal(sorted(name for name in names if not re.search(rf"\b{name}\b", text)), [], "names that httap.3 does not have")


@test
def the_limits_in_the_page_are_the_librarys():
    limits = dict(re.findall(r"^#define (HTTAP_\w+) (\d+)$", (TOP / "httapd_limits.h").read_text(), re.M))
    text = re.sub(r"\s+", " ", _rendered())
    for limit, sentence in {"SIGNALS_MAX": "of count signals, at most {}", "WORDS_MAX": "of count words, at most {}",
                            "BODY_MAX": "bytes, at most {}, without", "REPLY_BODY_MAX": "instead, at most {},",
                            "WATCHES_MAX": "up to {} descriptors can be watched", "LISTENERS_MAX": "There are {} already",
                            "PORT_DEFAULT": "Default {};", "KEEPALIVE_DEFAULT_S": "between requests, 3 to 200; default {}.",
                            "CONNECTIONS_DEFAULT": "2 to 1024; default {}.", "ACCEPT_PAUSE_MS": "pauses accepting for {} ms"}.items():
        expected = sentence.format(limits["HTTAP_" + limit])
        check(expected in text, "httap.3 tells the limit as it is", limit=limit, expected=expected)


@test
def the_example_of_the_page_compiles_without_a_warning_and_runs():
    page = PAGE.read_text().split(".Sh EXAMPLES\n")[1]
    source = page.split(".Bd -literal\n")[1].split(".Ed\n")[0].replace("\\e", "\\")
    for compiler in ("clang", "gcc"):
        program = compile_text("uptime", source, compiler, warnings())
    with Program(program) as running, Client(running) as client:
        reply = client.ask(target="/?Uptime")
        equal(reply.status, 200, "the status")
        seconds = reply.json()
        check(set(seconds) == {"Seconds"} and 0 <= seconds["Seconds"] < 60, "the program of the page answers", got=seconds)


@test
def page_readme_and_examples_give_the_same_line_to_type():
    check(LINE in _rendered(), "httap.3 has the line")
    check(LINE in (TOP / "README.md").read_text(), "README.md has the line")
    for source in EXAMPLES.glob("*.c"):
        check(LINE in source.read_text(), "an example has the line", source=source.name)
