#!/usr/bin/python3
"""kithctl backup: a copy of a server at work, from which another one is started."""
import contextlib
import glob
import json
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import tempfile
import threading
import time

from checks import Suite, Skip
from kith_server import Kith, program, wait_until
from xmpp_client import Client, local

USERS = {"juliet": "r0m30myr0m30", "romeo": "th3b4lc0ny"}
SETTINGS = {"auth.iterations": "4096"}
suite = Suite("a server at work is backed up", users=USERS, settings={"auth.iterations": "4096"})
BALLAST_MB = 96
STALL = 3.0  # seconds that a change may take beside a backup, on a busy machine; SQLite would wait for 5


class Load(threading.Thread):
    """Puts one contact after the other into a roster, and remembers what was acknowledged when."""

    def __init__(self, server, user):
        super().__init__(daemon=True)
        self.client = Client.login(server, user)
        self.acknowledged, self.times, self.running = 0, [], True
        self.start()

    def run(self):
        while self.running:
            began = time.monotonic()
            self.client.iq("set", "<query xmlns='jabber:iq:roster'>"
                           f"<item jid='c{self.acknowledged % 900}@kith.test' name='n{self.acknowledged}'/></query>")
            self.times.append((began, time.monotonic() - began))
            self.acknowledged += 1

    def finish(self):
        self.running = False
        self.join(30)
        assert not self.is_alive(), "a change was never answered"
        self.client.close()

    def between(self, since, until):
        """How long the changes took that were under way then."""
        return [took for began, took in self.times if began + took >= since and began <= until]


def add_ballast(directory):
    """Much to copy: vCards of nobody, put into the closed database."""
    with contextlib.closing(sqlite3.connect(os.path.join(directory, "kith.db"))) as db:
        db.executemany('INSERT INTO "vcard.card" (owner, value) VALUES (?, ?)',
                       ((f"ballast{i}@kith.test", os.urandom(65536)) for i in range(BALLAST_MB * 16)))
        db.commit()


def leftovers(server):
    return glob.glob(os.path.join(server.dir, "kith-backup*"))


def restored(backup, where):
    """A server that was started from the copy, in a new directory."""
    os.mkdir(where, 0o700)
    shutil.copy(backup, os.path.join(where, "kith.db"))
    return Kith(users=USERS, settings=SETTINGS, directory=where)


def roster_of(server, user):
    with Client.login(server, user) as client:
        answer = client.iq("get", "<query xmlns='jabber:iq:roster'/>")
        return {e.get("jid"): e.get("name") for e in answer.iter() if local(e) == "item"}


def begin(server, *words, **more):
    return subprocess.Popen([program("kithctl"), "--dir", server.dir, *words], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, **more)


def refused(server, *words, says, **more):
    process = begin(server, *words, **more)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 1, (process.returncode, out, said)
    assert says in said and out == "", (out, said)
    assert not leftovers(server), leftovers(server)


class Large:
    """A server with much to copy, in a directory of its own."""

    def __enter__(self):
        self.where = tempfile.mkdtemp(prefix="kith-test-")
        with Kith(users=USERS, settings=SETTINGS, directory=self.path("data")) as server:
            server.stop()
        add_ballast(self.path("data"))
        self.server = Kith(users=USERS, settings=SETTINGS, directory=self.path("data"))
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        shutil.rmtree(self.where)

    def path(self, name):
        return os.path.join(self.where, name)


@suite.check("beside a backup people are served on, and what was acknowledged before is in it")
def _(_):
    with Large() as large:
        server = large.server
        loads = [Load(server, user) for user in USERS]
        wait_until(lambda: all(load.acknowledged > 50 for load in loads), 30)
        before = [load.acknowledged for load in loads]
        began = time.monotonic()
        answer = server.ctl("--json", "backup", large.path("copy"))
        ended = time.monotonic()
        for load in loads:
            load.finish()
        assert answer.returncode == 0, answer.stderr
        told = json.loads(answer.stdout)
        size = os.path.getsize(large.path("copy"))
        assert told == {"file": large.path("copy"), "bytes": size} and size > BALLAST_MB << 20, told
        assert stat.S_IMODE(os.stat(large.path("copy")).st_mode) == 0o600
        assert os.listdir(large.where).count("copy") == 1 and len(os.listdir(large.where)) == 2
        assert not leftovers(server)
        beside = sorted(took for load in loads for took in load.between(began, ended))
        calm = sorted(took for load in loads for took in load.between(0, began))
        stalled = beside[-1]
        with restored(large.path("copy"), large.path("second")) as second:
            for user, load, count in zip(USERS, loads, before):
                kept = roster_of(second, user)
                for i in range(count):
                    later = kept.get(f"c{i % 900}@kith.test", "nothing")
                    assert int(later[1:]) >= i, f"{user}: {i} was acknowledged, and there is {later}"
        detail = (f"{size >> 20} MiB in {ended - began:.1f} s, beside "
                  f"{sum(load.acknowledged for load in loads) - sum(before)} changes; half took "
                  f"{beside[len(beside) // 2] * 1000:.1f} ms and the slowest {stalled * 1000:.0f}, "
                  f"{calm[len(calm) // 2] * 1000:.1f} and {calm[-1] * 1000:.0f} before")
        if not server.is_sanitized():
            assert stalled < STALL, detail
        return detail


@suite.check("only one is made at a time, and who goes or dies in the middle leaves nothing")
def _(_):
    with Large() as large:
        server = large.server
        first = begin(server, "backup", large.path("first"))
        wait_until(lambda: leftovers(server), 20, "the copy to begin")
        assert "another backup" in server.ctl("backup", large.path("second")).stderr
        first.send_signal(signal.SIGKILL)
        first.communicate()
        wait_until(lambda: not leftovers(server), 20, "the copy to go")
        wait_until(lambda: server.ctl("backup", large.path("second")).returncode == 0, 20)
        assert not os.path.exists(large.path("first"))
        third = begin(server, "backup", large.path("third"))
        wait_until(lambda: leftovers(server), 20, "the copy to begin")
        began = time.monotonic()
        server.stop()
        took = time.monotonic() - began
        said = third.communicate(timeout=20)[1]
        assert third.returncode == 1 and said.startswith("kithctl: "), said
        assert took < 8 and not leftovers(server), took
        server.start()
        fourth = begin(server, "backup", large.path("fourth"))
        wait_until(lambda: leftovers(server), 20, "the copy to begin")
        server.kill()
        said = fourth.communicate(timeout=20)[1]
        assert fourth.returncode == 1 and "server" in said, said
        assert leftovers(server), "the server was killed after the copy"
        server.start()
        assert not leftovers(server)
        assert sorted(os.listdir(large.where)) == ["data", "second"], os.listdir(large.where)


@suite.check("a backup that cannot be written is told, and touches nothing that was there")
def _(server):
    path = os.path.join(server.own_dir, "backup")
    with open(path, "w", encoding="ascii") as file:
        file.write("the one of yesterday")

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    refused(server, "backup", path, says="cannot be written", preexec_fn=small_files)
    refused(server, "backup", os.path.join(server.own_dir, "no", "such"), says="cannot be made")
    refused(server, "backup", os.path.join(server.own_dir), says="cannot be replaced")
    with open(path, encoding="ascii") as file:
        assert file.read() == "the one of yesterday"
    assert not glob.glob(os.path.join(server.own_dir, "*partial*"))
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full")
    with open("/dev/full", "wb") as full:
        process = subprocess.run([program("kithctl"), "--dir", server.dir, "backup", "-"], stdout=full,
                                 stderr=subprocess.PIPE, text=True, check=False)
    assert process.returncode == 1 and "cannot be written" in process.stderr, process.stderr
    assert not leftovers(server)


@suite.check("to standard output comes the database alone, also under a name with odd characters")
def _(server):
    done = subprocess.run([program("kithctl"), "--dir", server.dir, "backup", "-"], capture_output=True,
                          check=True)
    assert done.stdout.startswith(b"SQLite format 3\0") and done.stderr == b"", done.stderr
    path = os.path.join(server.own_dir, "a b%20?#ü")
    assert server.ctl("backup", path).returncode == 0
    name = "a b%2520%3f%23ü"
    with contextlib.closing(sqlite3.connect(f"file:{os.path.join(server.own_dir, name)}?mode=ro", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert "command=backup" in server.log()


suite.run()
