#!/usr/bin/python3
"""An admin restarts the server: people are told, and it is back, or its supervisor's turn has come."""
import fcntl
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import types

from checks import Suite
from kith_server import die_with_parent, free_port, program, wait_until
from xmpp_client import Client, body_of

suite = Suite("a restart begins anew")
EXIT_RESTART = 75
RESTART = ("xmlns='http://jabber.org/protocol/commands'"
           " node='http://jabber.org/protocol/admin#restart'")
CONFIG = """server {{ directory = "{dir}/data" shards = 2 sandbox = {sandbox} admins = {{"juliet@{domain}"}} }}
c2s {{ addresses = {{"127.0.0.1"}} port = {port} tls_port = {tls_port} }}
host "{domain}" {{ certificate = "{dir}/certs/cert.pem" key = "{dir}/certs/key.pem" }}
"""


def times_ready(where):
    return (where / "log").read_text(encoding="utf-8").count("kithd is ready")


def start(server, where, sandbox, env=None, kithd=None):
    """A second server, with the certificate of the first."""
    ports = {"c2s": free_port(), "c2s_tls": free_port()}
    for name in ("data", "certs"):
        (where / name).mkdir(mode=0o700, parents=True)
    for name in ("cert.pem", "key.pem"):
        shutil.copy(pathlib.Path(server.dir, name), where / "certs")
    (where / "kithd.conf").write_text(CONFIG.format(
        dir=where, domain=server.domain, port=ports["c2s"], tls_port=ports["c2s_tls"], sandbox=sandbox))
    with open(where / "log", "w", encoding="utf-8") as log:
        child = subprocess.Popen([kithd or program("kithd"), "--config", where / "kithd.conf"], stderr=log,
                                 preexec_fn=die_with_parent, env={**os.environ, **(env or {})})
    wait_until(lambda: times_ready(where) == 1, 20, "the second server")
    inside = types.SimpleNamespace(**{**vars(server), "ports": ports, "pid": child.pid,
                                      "host": server.host})
    return child, inside


def control(where, *words, **more):
    return subprocess.run([program("kithctl"), "--dir", where / "data", *words], text=True, check=True,
                          capture_output=True, **more)


@suite.check("without a sandbox it is the same process that comes back, with everything")
def _(server):
    where = pathlib.Path(server.own_dir) / "open"
    child, inside = start(server, where, "false")
    try:
        control(where, "user", "add", "juliet", input="secret\n")
        with Client.login(inside, "juliet", password="secret") as juliet:
            control(where, "restart")
            assert juliet.stream_error() == "system-shutdown"
        wait_until(lambda: times_ready(where) == 2, 20, "the server to be back")
        assert child.poll() is None, child.returncode
        with Client.login(inside, "juliet", password="secret") as juliet:
            juliet.ping()
        child.terminate()
        assert child.wait(20) == 0
    finally:
        child.kill()
        child.wait()


@suite.check("an admin does it from a client, with a last word to everyone")
def _(server):
    where = pathlib.Path(server.own_dir) / "asked"
    child, inside = start(server, where, "false")
    try:
        control(where, "user", "add", "juliet", input="secret\n")
        with Client.login(inside, "juliet", password="secret") as juliet:
            shown = juliet.iq("set", f"<command {RESTART}/>", to=server.domain)
            juliet.iq("set", f"<command {RESTART} sessionid='{shown[0].get('sessionid')}'>"
                      "<x xmlns='jabber:x:data' type='submit'><field var='delay'><value>0</value></field>"
                      "<field var='announcement'><value>Back soon.</value></field></x></command>",
                      to=server.domain)
            assert body_of(juliet.expect("message")) == "Back soon."
            assert juliet.stream_error() == "system-shutdown"
        wait_until(lambda: times_ready(where) == 2, 20, "the server to be back")
    finally:
        child.kill()
        child.wait()


@suite.check("in its sandbox it leaves that to its supervisor")
def _(server):
    where = pathlib.Path(server.own_dir) / "confined"
    child, _ = start(server, where, "true")
    try:
        control(where, "restart")
        assert child.wait(20) == EXIT_RESTART, child.returncode
    finally:
        child.kill()
        child.wait()


class Knocking:
    """Somebody who connects again and again, and keeps count of what comes of it."""

    def __init__(self, inside):
        self.address = (inside.host, inside.ports["c2s"])
        self.open, self.refused, self.is_over = [], 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.is_over:
            try:
                self.open.append(socket.create_connection(self.address, timeout=20))
            except ConnectionError:
                self.refused += 1
            threading.Event().wait(0.002)

    def stop(self):
        self.is_over = True
        self.thread.join()

    def is_heard(self):
        """Whether the one that came last is spoken to."""
        last = self.open[-1]
        last.sendall(b"<stream:stream xmlns='jabber:client' version='1.0' to='localhost'"
                     b" xmlns:stream='http://etherx.jabber.org/streams'>")
        return b"stream" in last.recv(4096)

    def close(self):
        self.stop()
        for each in self.open:
            each.close()


@suite.check("nobody who connects meanwhile is refused")
def _(server):
    where = pathlib.Path(server.own_dir) / "open-to-all"
    child, inside = start(server, where, "false")
    knocking = Knocking(inside)
    try:
        for time in (2, 3):
            control(where, "restart")
            wait_until(lambda time=time: times_ready(where) == time, 20, "the server to be back")
        knocking.stop()
        assert knocking.refused == 0 and len(knocking.open) > 10, vars(knocking)
        assert knocking.is_heard()
    finally:
        knocking.close()
        child.kill()
        child.wait()


HAND_OVER = """
import os, sys
count = int(sys.argv[1])
for i, fd in enumerate(map(int, sys.argv[2:2 + count])):
    os.dup2(fd, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(count))
os.execv(sys.argv[2 + count], sys.argv[2 + count:])
"""


def hand_over(fds, where, env):
    """As systemd starts a service with its sockets: they are those from 3 on."""
    above = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in fds]
    child = subprocess.Popen(
        [sys.executable, "-c", HAND_OVER, str(len(above)), *map(str, above), program("kithd"),
         "--config", where / "kithd.conf"],
        stderr=subprocess.DEVNULL, env={**os.environ, **env}, pass_fds=above, preexec_fn=die_with_parent)
    for fd in above:
        os.close(fd)
    return child


@suite.check("after an upgrade it is the new program that comes")
def _(server):
    where = pathlib.Path(server.own_dir) / "upgraded"
    where.mkdir(parents=True)
    old = where / "kithd"
    shutil.copy(program("kithd"), old)
    child, _ = start(server, where, "false", kithd=old)
    try:
        os.rename(old, where / "old")
        shutil.copy(program("kithd"), where / "new")
        os.rename(where / "new", old)
        control(where, "restart")
        wait_until(lambda: times_ready(where) == 2, 20, "the server to be back")
        assert os.path.samefile(f"/proc/{child.pid}/exe", old)
    finally:
        child.kill()
        child.wait()


@suite.check("under systemd neither, which keeps the sockets")
def _(server):
    where = pathlib.Path(server.own_dir) / "watched"
    notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    where.mkdir(parents=True)
    notes.bind(f"{where}/notify")
    notes.settimeout(20)
    watched = {"NOTIFY_SOCKET": f"{where}/notify"}
    child, inside = start(server, where, "false", watched)
    knocking = Knocking(inside)
    kept = []
    try:
        control(where, "restart")
        while not kept:
            note, kept, _, _ = socket.recv_fds(notes, 4096, 250)
        assert note.startswith(b"FDSTORE=1\n"), note
        assert child.wait(20) == EXIT_RESTART, child.returncode
        child = hand_over(kept, where, watched)
        while not note.startswith(b"FDSTOREREMOVE=1\n"):
            note = notes.recv(4096)
        while note != b"READY=1":
            note = notes.recv(4096)
        knocking.stop()
        assert knocking.refused == 0 and len(knocking.open) > 10, vars(knocking)
        assert knocking.is_heard()
    finally:
        knocking.close()
        for fd in kept:
            os.close(fd)
        notes.close()
        child.kill()
        child.wait()


suite.run()
