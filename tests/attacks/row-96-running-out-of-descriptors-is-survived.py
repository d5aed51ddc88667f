#!/usr/bin/python3
"""Row 96: the limit of open files is reached; the server waits, serves, and recovers."""
import os
import re
import socket
import time

from checks import Suite, wait_gauge
from crowd import allow_descriptors
from kith_server import wait_until
from stages import pair
from xmpp_client import Client

LIMIT = 160
suite = Suite("row 96: running out of descriptors is survived", attack=True,
              wrapper=["prlimit", f"--nofile={LIMIT}:{LIMIT}"],
              settings={"c2s.login_timeout": "600s"})


def fill(server):
    """Connects until the server can take no more; some then wait in the kernel's queue."""
    allow_descriptors(LIMIT * 2 + 200)
    sockets = []
    for _ in range(LIMIT + 40):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((server.host, server.ports["c2s"]))
        sockets.append(sock)
    wait_until(lambda: server.descriptors() >= LIMIT - 48, 10, "the descriptors to run out")
    return sockets


def pids_cpu(server, seconds):
    before = server.cpu()
    time.sleep(seconds)
    return (server.cpu() - before) / seconds


@suite.check("signed-in users go on, the processor rests, the log says why")
def _(server):
    juliet, romeo = pair(server)
    start = len(server.log())
    sockets = fill(server)
    try:
        busy = pids_cpu(server, 1.0)
        for i in range(20):
            juliet.message(romeo.jid, f"still here {i}")
            romeo.expect_body(f"still here {i}", 3)
        assert busy < 0.5, f"it spins: {busy * 100:.0f} % of a processor"
        log = server.log()[start:]
        assert re.search(r"(?i)too many open files|descriptor|file limit|EMFILE|nofile", log), \
            "no word of it in the log"
        lines = log.count("\n")
        assert lines < 600, f"{lines} lines of log"
        return f"{busy * 100:.0f} % of a processor, {lines} lines of log"
    finally:
        for sock in sockets:
            sock.close()
        juliet.close()
        romeo.close()


@suite.check("an administrator gets through meanwhile")
def _(server):
    sockets = fill(server)
    try:
        if hasattr(server, "ctl"):
            answer = server.ctl("stats", "--json")
            assert answer.returncode == 0, answer.stderr
    finally:
        for sock in sockets:
            sock.close()


@suite.check("what is written meanwhile is kept: the store has its files")
def _(server):
    with Client.login(server, "juliet", "j", presence=True) as juliet:
        sockets = fill(server)
        try:
            juliet.message("romeo@kith.test", "written in need")
            juliet.ping()
        finally:
            for sock in sockets:
                sock.close()
    wait_until(lambda: server.descriptors() < LIMIT // 2, 15, "descriptors to come back")
    with Client.login(server, "romeo", "r", presence=True) as romeo:
        romeo.expect_body("written in need")


@suite.check("when connections end, new ones are accepted at once")
def _(server):
    connections = server.gauge("connections")
    sockets = fill(server)
    for sock in sockets:
        sock.close()
    start = time.monotonic()
    with Client.login(server, "juliet", timeout=8) as juliet:
        juliet.ping()
    took = time.monotonic() - start
    wait_gauge(server, "connections", connections)
    assert took < 5, f"{took:.1f} s"
    return f"after {took * 1000:.0f} ms"


assert os.sysconf("SC_OPEN_MAX") > LIMIT * 2, "this test needs more open files itself"
suite.run()
