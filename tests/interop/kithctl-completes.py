#!/usr/bin/python3
"""kithctl: shells complete its commands, and names that the server knows; the manual has them all."""
import os
import re
import shutil
import subprocess

from checks import Suite, Skip
from kith_server import ROOT, build_dir, program
from xmpp_client import Client

suite = Suite("an operator types less", settings={"auth.iterations": "4096"})
ASK_BASH = """
compopt() { echo "compopt $*"; }
source <("$1" --completion bash)
COMP_LINE=$2 COMP_POINT=${#2}
_kithctl
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(server, *words):
    answer = subprocess.run([program("kithctl"), "--dir", server.dir, "--complete", "--", *words],
                            capture_output=True, text=True, timeout=30, check=False)
    assert answer.stderr == "", answer.stderr
    return answer.returncode, answer.stdout.splitlines()


def in_bash(line):
    answer = subprocess.run(["bash", "--norc", "-c", ASK_BASH, "bash", program("kithctl"), line],
                            capture_output=True, text=True, timeout=30, check=True)
    return [word for word in answer.stdout.splitlines() if word]


def commands():
    """Every command that the help has: its words, and its arguments."""
    said = subprocess.run([program("kithctl"), "--help"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in said.splitlines() if line.startswith("  ")]
    assert len(lines) > 15, said
    return {line[2:17].strip(): line[18:38].strip() for line in lines}


@suite.check("commands complete word by word, and only what fits is offered")
def _(server):
    first = complete(server, "")[1]
    assert first == list(dict.fromkeys(words.split()[0] for words in commands())), first
    assert complete(server, "se") == (0, ["sessions"])
    assert complete(server, "--json", "us") == (0, ["user"])
    assert set(complete(server, "user", "d")[1]) == {"delete", "disable"}
    assert complete(server, "log", "") == (0, ["level"])
    assert complete(server, "log", "level", "w") == (0, ["warning"])
    assert complete(server, "--j") == (0, ["--json"])
    assert complete(server, "nonsense", "") == (0, [])
    assert complete(server, "sessions", "x", "y", "z", "") == (0, [])
    assert complete(server) == (0, first)


@suite.check("names of accounts and sessions come from the server, files from the shell")
def _(server):
    assert complete(server, "user", "passwd", "")[1] == ["juliet@kith.test", "romeo@kith.test"]
    assert complete(server, "roster", "jul")[1] == ["juliet@kith.test"]
    assert complete(server, "roster", "juliet@kith.test")[1] == ["juliet@kith.test"]
    assert complete(server, "roster", "z")[1] == []
    with Client.login(server, "romeo", "or chard's"):
        assert complete(server, "kick", "ro")[1] == ["romeo@kith.test/or chard's"]
    assert complete(server, "backup", "") == (3, [])
    assert complete(server, "--dir", "/") == (3, [])
    assert complete(server, "--dir", "/nowhere", "roster", "") == (0, [])


@suite.check("user list takes a beginning, and a most")
def _(server):
    lines = "".join(f"a{i:04}@kith.test:x\n" for i in range(1100))
    assert server.ctl("user", "import", "-", input=lines).returncode == 0
    def listed(*words):
        return server.ctl("user", "list", *words).stdout.split()
    assert len(listed()) == 1102 and len(listed("a")) == 1100 and len(listed("a10")) == 100
    assert listed("a", "2") == ["a0000@kith.test", "a0001@kith.test"]
    assert listed("a1099@kith.test") == ["a1099@kith.test"]
    assert listed("b") == listed("a", "0") == []
    assert server.ctl("user", "list", "a", "many").returncode == 1


@suite.check("bash gets the rest of a word behind the characters at which it breaks words")
def _(server):
    kithctl = program("kithctl")
    assert in_bash(f"{kithctl} sess") == ["sessions"]
    assert in_bash(f"{kithctl} --dir {server.dir} user show jul") == ["juliet@kith.test"]
    assert in_bash(f"{kithctl} --dir {server.dir} user show juliet@ki") == ["kith.test"]
    with Client.login(server, "romeo", "or chard's"):
        assert in_bash(f"{kithctl} --dir {server.dir} kick romeo@kith.test/") == \
            ["kith.test/or\\ chard\\'s"]
    assert in_bash(f"{kithctl} backup ") == ["compopt -o default"]


@suite.check("zsh reads its script without a complaint")
def _(_):
    if shutil.which("zsh") is None:
        raise Skip("there is no zsh")
    subprocess.run(["zsh", "-f", "-c", "autoload -U compinit; compinit -u -D; "
                    f"source <({program('kithctl')} --completion zsh); whence _kithctl >/dev/null"],
                   check=True, capture_output=True)
    assert subprocess.run([program("kithctl"), "--completion", "fish"], capture_output=True,
                          check=False).returncode == 2


@suite.check("the manual page has every command with its arguments")
def _(_):
    said = subprocess.run([program("kithctl"), "--dump-man-commands"], capture_output=True, text=True,
                          check=True).stdout
    for words, arguments in commands().items():
        escaped = re.sub(r"([\[\]_*])", r"\\\1", arguments)
        assert f"*{words}*{' ' if arguments else ''}{escaped}\n\t" in said, words
    page = build_dir() / "man/kithctl.1"
    if page.exists():
        text = page.read_text(encoding="utf-8").replace("\\", "")
        assert all(words in text for words in commands())
    assert "kithctl.1" in (ROOT / "man/meson.build").read_text(encoding="utf-8")


suite.run()
