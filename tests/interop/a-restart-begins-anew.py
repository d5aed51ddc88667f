#!/usr/bin/python3
"""An admin restarts the server: people are told, and it is back, or its supervisor's turn has come."""
import os
import pathlib
import shutil
import subprocess
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


def start(server, where, sandbox, env=None):
    """A second server, with the certificate of the first."""
    ports = {"c2s": free_port(), "c2s_tls": free_port()}
    for name in ("data", "certs"):
        (where / name).mkdir(mode=0o700, parents=True)
    for name in ("cert.pem", "key.pem"):
        shutil.copy(pathlib.Path(server.dir, name), where / "certs")
    (where / "kithd.conf").write_text(CONFIG.format(
        dir=where, domain=server.domain, port=ports["c2s"], tls_port=ports["c2s_tls"], sandbox=sandbox))
    with open(where / "log", "w", encoding="utf-8") as log:
        child = subprocess.Popen([program("kithd"), "--config", where / "kithd.conf"], stderr=log,
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


@suite.check("the same under systemd")
def _(server):
    where = pathlib.Path(server.own_dir) / "watched"
    child, _ = start(server, where, "false", {"NOTIFY_SOCKET": f"@{where}/notify"})
    try:
        control(where, "restart")
        assert child.wait(20) == EXIT_RESTART, child.returncode
    finally:
        child.kill()
        child.wait()


suite.run()
