"""One test program: a server, a list of checks, one line each.

    suite = Suite("comments are refused", users={"juliet": "pw"})

    @suite.check("between stanzas")
    def _(server): ...

    suite.run()

An attack adds what every row of the checklist demands beside its own column:
the server lives and has written no sanitizer report, bystanders lose nothing
and are not slowed down, no session is left, and memory goes back.
"""
import glob
import os
import subprocess
import sys
import time
import traceback

import bystander
from kith_server import ServerFailed, make_server, wait_until
from xmpp_client import Client

MIB = 1 << 20
SETTLE = 20.0  # seconds for sessions and memory to go back
REPORTS = ("AddressSanitizer", "ThreadSanitizer", "LeakSanitizer", "runtime error:",
           "Assertion", "SUMMARY: ")


class Skip(Exception):
    """A check that this machine cannot make; the reason is printed."""


class Suite:
    def __init__(self, about, users=None, attack=False, slack=4 * MIB, **options):
        self.about, self.attack, self.slack = about, attack, slack
        self.users = users or {"juliet": "r0m30myr0m30", "romeo": "th3b4lc0ny"}
        self.options, self.checks, self.failed = options, [], 0

    def check(self, sentence, shows=""):
        """Adds a check; `shows` names what docs/interop.md may say of a client because of it."""
        del shows  # read from the source by tests/interop/the-table-of-clients-is-true.py
        def add(function):
            self.checks.append((sentence, function))
            return function
        return add

    def say(self, verdict, sentence, detail=""):
        print(f"{verdict:7} {sentence}{': ' + detail if detail else ''}", flush=True)

    def attempt(self, sentence, function, *arguments):
        try:
            detail = function(*arguments)
            self.say("ok", sentence, detail if isinstance(detail, str) else "")
        except Skip as reason:
            self.say("skipped", sentence, str(reason))
        except Exception as error:  # a failed check must not stop the others
            self.failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            mine = [f for f in traceback.extract_tb(error.__traceback__)
                    if f.filename == sys.argv[0]] or [where]
            self.say("FAILED", sentence, f"{type(error).__name__}: {error} "
                     f"(line {', '.join(str(f.lineno) for f in mine)})")

    def run(self):
        print(f"# {self.about}", flush=True)
        users = dict(self.users)
        if self.attack:
            users.update(bystander.USERS)
        try:
            with make_server(users=users, **self.options) as server:
                self._run_with(server)
        except ServerFailed as error:
            self.failed += 1
            self.say("FAILED", "the server starts", str(error))
        sys.exit(1 if self.failed else 0)

    def _run_with(self, server):
        if self.attack:
            self._run_attack(server)
        else:
            self._run_checks(server)
        self.attempt("the server ends cleanly on SIGTERM", ends_cleanly, server)
        self.attempt("the log has no sanitizer report", no_report, server)
        if self.failed and server.name == "kith":
            print("# end of the server's log:")
            for line in server.log().splitlines()[-15:]:
                print(f"# {line[:300]}")

    def _run_checks(self, server):
        for sentence, function in self.checks:
            self.attempt(sentence, function, server)

    def _run_attack(self, server):
        with bystander.Bystanders(server) as pair:
            pair.measure_calm()
            before, sessions = server.rss(), server.gauge("sessions")
            self._run_checks(server)
            self.attempt("the server still serves", serves, server)
            self.attempt("no session is left behind", sessions_back, server, sessions)
            self.attempt("memory is back", memory_back, server, before, self.slack)
            self.attempt("bystanders lost nothing and were not slowed down", pair.verdict)


def serves(server):
    assert server.alive(), f"it ended with status {server.process.poll()}"
    with Client.login(server, "bystander1", "again", source="127.0.0.9") as client:
        client.ping()
        client.logout()


def sessions_back(server, sessions):
    def back():
        return server.gauge("sessions") <= sessions
    wait_until(back, SETTLE, f"{server.gauge('sessions')} sessions to become {sessions}", 0.1)


def memory_back(server, before, slack):
    """Within 10 percent, plus what an allocator keeps in hand."""
    if server.is_sanitized():
        raise Skip("a sanitizer's memory says nothing about ours")
    bound = before * 1.1 + slack
    wait_until(lambda: server.rss() <= bound, SETTLE,
               f"{server.rss() >> 10} KiB to fall below {int(bound) >> 10} KiB", 0.2)
    return f"{before >> 10} KiB, now {server.rss() >> 10} KiB"


def ends_cleanly(server):
    status = server.stop()
    assert status == 0, f"status {status}"


def no_report(server):
    found = [line for line in server.log().splitlines() if any(word in line for word in REPORTS)]
    assert not found, found[0]


def wait_gauge(server, name, value, timeout=SETTLE):
    wait_until(lambda: server.gauge(name) == value, timeout,
               f"{name} to become {value} (it was {server.gauge(name)})", 0.1)


def wait_gone(server, before, timeout):
    """Waits until no gauge is above what it was before."""
    for name, value in before.items():
        wait_until(lambda: server.gauge(name) <= value, timeout,
                   f"{name} to go back to {value} (it was {server.gauge(name)})", 0.1)


def growth(server, action):
    """How much the resident size grew at most while action() ran, in bytes."""
    before = server.rss()
    server.forget_peak()
    action()
    return max(server.peak() - before, 0)


def timed(action):
    start = time.monotonic()
    action()
    return time.monotonic() - start


def compile_c(source, output, *flags):
    """Builds a small C program of the tests."""
    done = subprocess.run([os.environ.get("CC", "cc"), "-std=gnu17", "-Wall", "-Wextra", "-O1", "-o",
                           output, source, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output


def debian_examples(package):
    return sorted(glob.glob(f"/usr/share/doc/{package}/examples/*"))
