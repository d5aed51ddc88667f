#!/usr/bin/python3
"""Row 101: each key of the config is wrong once; the old config stays, and the message names the line."""
import os
import re
import subprocess

from checks import Suite
from kith_server import program, wait_until
from xmpp_client import Client

suite = Suite("a wrong config is not reloaded", attack=True, config="c2s { max_sessions = 50 }")
ENTRY = re.compile(r"^\t(# )?(\w+) = (.*)$")
LIES = {  # what no option of that kind takes, by the look of its default
    "list": ["7 7", "{a b}"],
    "text": ["{a, b}", '"a" "b"'],
    "number": ["-1", "99999999999999999999", "many", '""'],
    "bool": ["perhaps", "2"],
}


def kind_of(default):
    if default.startswith("{"):
        return "list"
    if default.startswith('"'):
        return "text"
    return "bool" if default in ("yes", "no") else "number"


def all_keys():
    """Section, key and default of every option there is."""
    section, keys = None, []
    text = subprocess.run([program("kithd"), "--dump-defaults"], check=True, capture_output=True,
                          text=True).stdout
    for line in text.splitlines():
        if re.fullmatch(r"\w+ \{", line):
            section = line.split()[0]
        entry = ENTRY.match(line)
        if entry and section:
            keys.append((section, entry.group(2), entry.group(3)))
    assert len(keys) > 40, f"only {len(keys)} options were found"
    return keys


def line_of(server, text):
    """The number of the line of the file that begins with the text."""
    lines = server.file.read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if line.startswith(text))


def refused(server, extra, begins):
    server.write(extra)
    said = server.reload()
    place = f"kithd.conf:{line_of(server, begins)}:"
    assert place in said, f"no {place} for '{extra}': {said}"


def wanted_again(server):
    server.write("c2s { max_sessions = 50 }")
    assert not server.reload()


@suite.check("each key with each wrong value")
def _(server):
    tried = 0
    for section, key, default in all_keys():
        for lie in LIES[kind_of(default)]:
            refused(server, f"{section} {{\n{key} = {lie}\n}}", f"{key} = ")
            tried += 1
    wanted_again(server)
    wait_until(lambda: server.log().count("the old one stays") == tried, 10, "the log")
    return f"{tried} wrong files"


@suite.check("each key mistyped, and in a section that is not its own")
def _(server):
    tried = 0
    for section, key, default in all_keys():
        value = default if default != '""' else '"a"'
        refused(server, f"{section} {{\n{key}x = {value}\n}}", f"{key}x")
        refused(server, f"{section}x {{\n{key} = {value}\n}}", f"{section}x")
        tried += 2
    wanted_again(server)
    return f"{tried} wrong files"


@suite.check("files that are cut off, empty of domains, binary, a folder, or not there")
def _(server):
    good = server.file.read_bytes()
    for text, words in ((good[:-3], "add a }"), (b"", "no host is configured"),
                        (b"\0\1\2\xff" * 1000, "kithd.conf"), (good + good, "duplicate title")):
        server.file.write_bytes(text)
        said = server.reload()
        assert words in said, said
    server.file.unlink()
    assert "No such file" in server.reload()
    os.mkdir(server.file)
    assert "directory" in server.reload()
    os.rmdir(server.file)
    wanted_again(server)


@suite.check("an option that counts at the start only, an administrator who is none")
def _(server):
    for extra, words in (('c2s { tls_tickets = yes }', "c2s.tls_tickets"),
                         ('server { admins = {"Juliet@kith.test"} }', "server.admins")):
        server.write(extra)
        said = server.reload()
        assert words in said, said
    wanted_again(server)


@suite.check("what was there before still counts, for all of that")
def _(server):
    with Client.login(server, "juliet") as juliet:
        juliet.ping()


suite.run()
