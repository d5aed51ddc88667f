#!/usr/bin/python3
"""A small client on libstrophe (strophe_chat.c): two people meet and talk."""
import os
import pathlib
import select
import subprocess
import tempfile
import time

from checks import Suite, compile_c
from xmpp_client import DISCO_INFO, PING, VERSION, Client

STEP = 15.0
suite = Suite("libstrophe: two people talk")
HERE = pathlib.Path(__file__).resolve().parent
bin_dir = tempfile.TemporaryDirectory(prefix="kith-strophe-")
PROGRAM = compile_c(str(HERE / "strophe_chat.c"), os.path.join(bin_dir.name, "chat"), "-lstrophe")


class Person:
    """The program for one user; lines of its output can be waited for, in any order."""

    def __init__(self, server, user, resource="strophe", password=None, ca=None):
        self.process = subprocess.Popen(
            [PROGRAM, f"{user}@{server.domain}/{resource}", password or server.users[user],
             ca or server.ca, server.host, str(server.ports["c2s"])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.jid, self.lines, self.rest = f"{user}@{server.domain}/{resource}", [], b""
        self.log, self.count = [], 0

    def __enter__(self):
        self.wait("connected secured")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def do(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def _read(self, end):
        left = end - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            return False
        chunk = os.read(self.process.stdout.fileno(), 65536)
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            own = text.split(" ")[0] in ("connected", "disconnected", "message", "kept-message",
                                         "presence", "iq", "item", "push")
            (self.lines if own else self.log).append(text)
        return bool(chunk)

    def wait(self, start, end_of_line=""):
        """Takes the first line that starts and ends so out of what came."""
        end = time.monotonic() + STEP
        while True:
            for index, line in enumerate(self.lines):
                if line.startswith(start) and line.endswith(end_of_line):
                    return self.lines.pop(index)
            assert self._read(end), f"no {start!r} {end_of_line!r} in {self.lines} {self.log[-8:]}"

    def ask(self, line, kind="result"):
        """Sends a request and waits for its own answer."""
        self.count += 1
        self.do(line)
        return self.wait("iq ", f" {kind} strophe-{self.count}")

    def quit(self):
        self.do("quit")
        self.wait("disconnected")
        self.process.wait(STEP)


@suite.check("signs in with SCRAM inside verified TLS")
def _(server):
    with Person(server, "juliet") as juliet:
        juliet.quit()
        assert any("mechanism=\"SCRAM-SHA-" in line for line in juliet.log), "not SCRAM"


@suite.check("refuses a server whose certificate it cannot verify", shows="sign-in")
def _(server):
    juliet = Person(server, "juliet", ca="/etc/ssl/certs/ca-certificates.crt")
    try:
        juliet.wait("disconnected")
        assert not [line for line in juliet.lines if line.startswith("connected")]
    finally:
        juliet.__exit__()


@suite.check("adds, reads and removes a contact; the other resource gets the pushes", shows="roster")
def _(server):
    with Person(server, "juliet", "one") as one, Person(server, "juliet", "two") as two:
        for person in (one, two):
            person.ask("roster")
        one.ask("add nurse@kith.test The Nurse")
        two.wait("push nurse@kith.test none The Nurse")
        one.ask("roster")
        one.wait("item nurse@kith.test none The Nurse")
        one.ask("remove nurse@kith.test")
        two.wait("push nurse@kith.test remove -")


@suite.check("two people subscribe, and see each other come, change and go",
             shows="subscription presence")
def _(server):
    with Person(server, "juliet") as juliet:
        with Person(server, "romeo") as romeo:
            juliet.ask("roster")
            romeo.ask("roster")
            juliet.do("subscribe romeo@kith.test")
            romeo.wait("presence juliet@kith.test subscribe")
            romeo.do("subscribed juliet@kith.test")
            juliet.wait("presence romeo@kith.test subscribed")
            juliet.wait(f"presence {romeo.jid} - -")
            romeo.do("subscribe juliet@kith.test")
            juliet.wait("presence romeo@kith.test subscribe")
            juliet.do("subscribed romeo@kith.test")
            romeo.wait(f"presence {juliet.jid} - -")
            juliet.do("presence dnd")
            romeo.wait(f"presence {juliet.jid} - dnd")
            juliet.do("presence away")
            romeo.wait(f"presence {juliet.jid} - away")
            juliet.do("presence")
            romeo.wait(f"presence {juliet.jid} - -")
            romeo.quit()
        juliet.wait(f"presence {romeo.jid} unavailable")
        juliet.ask("roster")
        juliet.wait("item romeo@kith.test both -")


@suite.check("messages arrive both ways and in order", shows="messages")
def _(server):
    with Person(server, "juliet") as juliet, Person(server, "romeo") as romeo:
        for i in range(50):
            juliet.do(f"message {romeo.jid} {i} <&> caf\u00e9")
            romeo.do(f"message {juliet.jid} {i} \U0001F600")
        for i in range(50):
            assert romeo.wait("message").startswith(f"message {juliet.jid} chat {i} <&> caf\u00e9")
            assert juliet.wait("message").startswith(f"message {romeo.jid} chat {i} \U0001F600")
        juliet.quit()
        romeo.quit()


@suite.check("a message to someone offline is kept and delivered once", shows="offline")
def _(server):
    with Person(server, "juliet") as juliet:
        for text in ("one", "two"):
            juliet.do(f"message romeo@kith.test {text}")
        juliet.ask(f"ask kith.test {PING} ping")
        juliet.quit()
    with Person(server, "romeo") as romeo:
        assert romeo.wait("kept-message").endswith(" one")
        assert romeo.wait("kept-message").endswith(" two")
        romeo.quit()
    with Client.login(server, "romeo", presence=True) as again:
        assert not [e for e in again.waiting if e.tag.endswith("message")], "delivered twice"
        again.logout()


@suite.check("ping, disco and version are answered, and what is unknown gets an error")
def _(server):
    with Person(server, "juliet") as juliet:
        for namespace, element in ((PING, "ping"), (DISCO_INFO, "query"), (VERSION, "query")):
            juliet.ask(f"ask kith.test {namespace} {element}")
        juliet.ask("ask kith.test urn:unknown query", "error")
        juliet.quit()


suite.run()
