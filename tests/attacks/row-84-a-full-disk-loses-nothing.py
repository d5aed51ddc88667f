#!/usr/bin/python3
"""Row 84: the disk is full, then without inodes, under the whole server; it says so, and goes on by itself."""
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile

from changes import Ledger, in_trouble
from checks import Skip, Suite
from kith_server import make_server, wait_until
from xmpp_client import PING, ROSTER, Client, error_of

USERS = {"juliet": "r0m30", "romeo": "b4lc0ny"}
SIZE = "6m"
FLOOD = 400
DIRECTORY = tempfile.mkdtemp(prefix="kith-full-")
MOUNT = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else []), "sh", "-c",
         f"mount -t tmpfs -o size={SIZE},nr_inodes=40,mode=0700 tmpfs {DIRECTORY} && exec \"$@\"", "sh"]
suite = Suite("row 84: a full disk loses nothing", users=USERS)
ledger = Ledger()


class Tight:
    """A server whose data directory is a small file system of its own, which only it has mounted."""

    def __init__(self):
        self.server = make_server(users=USERS, directory=DIRECTORY, wrapper=MOUNT)

    def __enter__(self):
        server = self.server.__enter__()
        self.inside = pathlib.Path(f"/proc/{server.pid}/root{DIRECTORY}")
        server.dir = str(self.inside)  # where kithctl finds its socket
        server.ca = str(self.inside / os.path.basename(server.ca))
        return server, self

    def __exit__(self, *what):
        self.server.__exit__(*what)

    def fill(self):
        with open(self.inside / "fill", "ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass

    def free(self):
        (self.inside / "fill").unlink(missing_ok=True)

    def take_inodes(self):
        for number in range(1000):
            try:
                (self.inside / f"inode{number}").touch()
            except OSError:
                return number
        raise AssertionError("there is no end of inodes")

    def give_inodes(self):
        for path in self.inside.glob("inode*"):
            path.unlink()

    def copy(self, to):
        """The files as they are, for another server."""
        shutil.copytree(self.inside, to, ignore=shutil.ignore_patterns("*.sock", "fill", "inode*", "*.lock"),
                        dirs_exist_ok=True)


class Limited(Tight):
    """Where nothing may be mounted: no file may grow beyond what the largest one has."""

    def __init__(self):
        self.server = make_server(users=USERS, directory=DIRECTORY)

    def limit(self, size):
        subprocess.run(["prlimit", f"--fsize={size}:unlimited", "--pid", str(self.server.pid)], check=True)

    def fill(self):
        self.limit(max(path.stat().st_size for path in self.inside.glob("kith.db*")))

    def free(self):
        self.limit("unlimited")


MAY_MOUNT = subprocess.run([*MOUNT, "true"], capture_output=True, check=False).returncode == 0
Disk = Tight if MAY_MOUNT and "KITH_TEST_NO_MOUNT" not in os.environ else Limited


def keep(client, number):
    """A message for romeo, who is away; what came back, after an answer that came the same way."""
    client.send(f"<message type='chat' to='romeo@kith.test' id='m{number}'><body>message {number}</body></message>")
    client.iq("get", f"<ping xmlns='{PING}'/>", to="romeo@kith.test")
    client.iq("set", "<query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query>")
    return [error_of(s) for s in client.waiting if s.get("id") == f"m{number}"]


def refused_while_full(server, disk):
    """Until every change is refused; what was acknowledged before is on it."""
    disk.fill()
    with Client.login(server, "juliet", mechanism="PLAIN") as juliet:
        before = len(ledger.acked)
        for _ in range(FLOOD):
            if not ledger.change(juliet):
                disk.fill()
        assert not all(ledger.change(juliet) for _ in range(5)), "the disk never was full"
        assert set(ledger.conditions) == {("resource-constraint", "wait")}, set(ledger.conditions)
        ledger.check(juliet)
        for number in range(20):
            bounced = keep(juliet, number)
            assert bounced in ([], ["resource-constraint"]), bounced
        for payload in ("<vCard xmlns='vcard-temp'><FN>x</FN></vCard>",
                        "<block xmlns='urn:xmpp:blocking'><item jid='a@kith.test'/></block>",
                        "<query xmlns='jabber:iq:register'><username>juliet</username><password>other</password></query>"):
            answer = juliet.iq("set", payload, to="kith.test" if "register" in payload else None)
            if answer.get("type") == "error":
                assert error_of(answer) in ("resource-constraint", "internal-server-error"), error_of(answer)
            elif "register" in payload:
                USERS["juliet"] = server.users["juliet"] = "other"
        juliet.ping()
        return len(ledger.acked) - before


@suite.check("changes are refused with resource-constraint, all else goes on, and room mends it")
def _(_server):
    with Disk() as (server, disk):
        with Client.login(server, "juliet", mechanism="PLAIN") as juliet:
            assert all(ledger.change(juliet) for _ in range(50))
        for _ in range(3):
            refused_while_full(server, disk)
            said = len(in_trouble(server))
            assert 1 <= said <= 12, f"{said} lines about the store: {in_trouble(server)[:3]}"
            assert any("full" in line or "room" in line for line in in_trouble(server)), in_trouble(server)
            disk.free()
            with Client.login(server, "juliet", mechanism="PLAIN") as juliet:
                wait_until(lambda: ledger.change(juliet), 30, "a change that is taken again", 0.1)
                assert all(ledger.change(juliet) for _ in range(20))
                ledger.check(juliet)
            server.users["juliet"] = USERS["juliet"]
        copied = tempfile.mkdtemp(prefix="kith-full-")
        disk.fill()
        with Client.login(server, "juliet", mechanism="PLAIN") as juliet:
            for _ in range(50):
                ledger.change(juliet)
        server.kill_copy = disk.copy(copied)  # as a crash would leave it
        server.kill()
    try:
        with sqlite3.connect(os.path.join(copied, "kith.db")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        ledger.check_in(copied, USERS)
    finally:
        shutil.rmtree(copied)
    return f"{len(ledger.acked)} changes acknowledged, {len(ledger.conditions)} refused"


@suite.check("without inodes: what is open goes on, and a start says what is missing")
def _(_server):
    if Disk is Limited:
        raise Skip("a file system with few inodes must be mounted, and this machine lets nobody")
    with Tight() as (server, disk):
        taken = disk.take_inodes()
        with Client.login(server, "juliet", mechanism="PLAIN",
                          password="r0m30") as juliet:
            mine = Ledger()
            for _ in range(200):
                mine.change(juliet)
            mine.check(juliet)
            juliet.ping()
        backup = server.ctl("backup", "-")
        assert backup.returncode in (0, 1) and "Traceback" not in backup.stderr
        disk.give_inodes()
        with Client.login(server, "juliet", mechanism="PLAIN", password="r0m30") as juliet:
            wait_until(lambda: mine.change(juliet), 30, "a change that is taken again", 0.1)
        assert server.stop() == 0, "no clean end"
    return f"{taken} inodes were left, {len(mine.acked)} changes acknowledged"


try:
    suite.run()
finally:
    shutil.rmtree(DIRECTORY)
