#!/usr/bin/python3
"""With a config file kithd confines itself: people are served as ever, and no thread is left out."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import types

from checks import Suite
from kith_server import die_with_parent, free_port, program, wait_until
from xmpp_client import Client

suite = Suite("a sandboxed server works")
CONFIG = """server {{ directory = "{dir}/data" shards = 2 }}
c2s {{ addresses = {{"127.0.0.1"}} port = {port} tls_port = {tls_port} }}
host "{domain}" {{ certificate = "{dir}/certs/cert.pem" key = "{dir}/certs/key.pem" }}
"""


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def start(server):
    """A second server, with the certificate of the first."""
    where = pathlib.Path(server.own_dir)
    ports = {"c2s": free_port(), "c2s_tls": free_port()}
    for name in ("data", "certs"):
        (where / name).mkdir(mode=0o700)
    for name in ("cert.pem", "key.pem"):
        shutil.copy(pathlib.Path(server.dir, name), where / "certs")
    (where / "kithd.conf").write_text(CONFIG.format(
        dir=where, domain=server.domain, port=ports["c2s"], tls_port=ports["c2s_tls"]))
    log = open(where / "log", "w", encoding="utf-8")
    child = subprocess.Popen([program("kithd"), "--config", where / "kithd.conf"], stderr=log,
                             preexec_fn=die_with_parent)
    wait_until(lambda: listens(ports["c2s"]), 20, "the sandboxed server")
    subprocess.run([program("kithctl"), "--dir", where / "data", "user", "add", "juliet"],
                   input="secret\n", text=True, check=True, capture_output=True)
    return child, types.SimpleNamespace(**{**vars(server), "ports": ports, "pid": child.pid,
                                                    "host": server.host}), where


@suite.check("it signs people in, keeps their things, renews its certificate and ends well")
def _(server):
    child, inside, where = start(server)
    try:
        with Client.login(inside, "juliet", password="secret") as juliet:
            juliet.iq("set", "<query xmlns='jabber:iq:roster'><item jid='romeo@kith.test'/></query>")
            new = where / "certs" / "cert.new"
            shutil.copy(where / "certs" / "cert.pem", new)
            os.replace(new, where / "certs" / "cert.pem")
            os.kill(child.pid, signal.SIGHUP)
            wait_until(lambda: "the certificates are read anew" in (where / "log").read_text(), 10,
                       "the renewal")
            juliet.ping()
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
    log = (where / "log").read_text()
    assert " warning: " not in log and " error: " not in log, log
    for name in ("data", "certs"):
        shutil.rmtree(where / name)


@suite.check("it is backed up to where it cannot write itself, and tells how much memory it has")
def _(server):
    child, _, where = start(server)
    ctl = [program("kithctl"), "--json", "--dir", where / "data"]
    try:
        subprocess.run([*ctl, "backup", where / "copy"], check=True, capture_output=True)
        with open(where / "copy", "rb") as copy:
            assert copy.read(16) == b"SQLite format 3\0"
        rows = json.loads(subprocess.run([*ctl, "memory"], check=True, capture_output=True).stdout)
        assert [row["bytes"] > 1 << 20 for row in rows if row["what"] == "resident"] == [True], rows
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
    os.unlink(where / "copy")
    for name in ("data", "certs"):
        shutil.rmtree(where / name)


@suite.check("all its threads are confined")
def _(server):
    child, _, where = start(server)
    try:
        statuses = [path.read_text() for path in pathlib.Path(f"/proc/{child.pid}/task").glob("*/status")]
        assert len(statuses) > 3
        for status in statuses:
            assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status, status
    finally:
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
    for name in ("data", "certs"):
        shutil.rmtree(where / name)


suite.run()
