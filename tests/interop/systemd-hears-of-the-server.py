#!/usr/bin/python3
"""sd_notify: ready, reloading, alive, stopping; and the log without a journal."""
import os
import signal
import socket
import tempfile

from checks import Suite

notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
folder = tempfile.TemporaryDirectory(prefix="kith-test-")
name = os.path.join(folder.name, "notify")
notes.bind(name)
notes.settimeout(20)
suite = Suite("systemd hears of the server",
              settings={"server.log_format": "journal", "server.shards": "2"},
              env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"})


def next_note(*expected):
    """The next one of those; signs of life may come in between."""
    while True:
        note = notes.recv(4096).decode()
        if note.startswith(expected):
            return note
        assert note == "WATCHDOG=1", note


@suite.check("it is ready once, and then gives signs of life")
def _(server):
    next_note("READY=1")
    next_note("WATCHDOG=1")
    next_note("WATCHDOG=1")


@suite.check("a reload begins with the time and ends with ready")
def _(server):
    os.kill(server.pid, signal.SIGHUP)
    begin, stamp = next_note("RELOADING=1").split("\n")
    assert begin == "RELOADING=1" and int(stamp.removeprefix("MONOTONIC_USEC=")) > 0
    next_note("READY=1")


@suite.check("without a journal the log has levelled lines, after one warning")
def _(server):
    if os.path.exists("/run/systemd/journal/socket"):
        return "there is a journal here"
    lines = server.log().splitlines()
    assert lines[0].startswith("<4>the journal cannot be reached"), lines[0]
    assert sum("cannot be reached" in line for line in lines) == 1
    assert all(line[0] == "<" and line[2] == ">" for line in lines), lines


@suite.check("it says that it stops")
def _(server):
    server.stop()
    next_note("STOPPING=1")


suite.run()
