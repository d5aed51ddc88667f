#!/usr/bin/python3
"""Row 2: SYSTEM entities; the named file is watched, the named port listens."""
import ctypes
import os
import select
import socket
import tempfile

from checks import Suite
from stages import EVERYWHERE, first_bytes, refused

suite = Suite("row 2: external entities open nothing", attack=True)
IN_ALL = 0x00000020 | 0x00000001  # IN_OPEN, IN_ACCESS


class Bait:
    """A file that tells when it is opened, and a port that tells when it is called."""

    def __enter__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="kith-bait-")
        self.file.write(b"the secret")
        self.file.flush()
        libc = ctypes.CDLL(None)
        self.watch = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self.watch, self.file.name.encode(), IN_ALL) >= 0
        self.port = socket.create_server(("127.0.0.1", 0))
        return self

    def __exit__(self, *_):
        os.close(self.watch)
        self.port.close()
        self.file.close()

    def taken(self):
        return select.select([self.watch, self.port], [], [], 0)[0]

    def doctypes(self):
        url = f"http://127.0.0.1:{self.port.getsockname()[1]}/x"
        for target in (f"file://{self.file.name}", self.file.name, url):
            yield f"<!DOCTYPE a [<!ENTITY x SYSTEM \"{target}\">]>"
            yield f"<!DOCTYPE a SYSTEM \"{target}\">"
            yield f"<!DOCTYPE a [<!ENTITY % x SYSTEM \"{target}\"> %x;]>"


@suite.check("as the first bytes: restricted-xml, no open, no connect")
def _(server):
    with Bait() as bait:
        for doctype in bait.doctypes():
            client = first_bytes(server)
            refused(client, doctype + client.header() + "<a>&x;</a>", ["restricted-xml"])
        assert not bait.taken(), "it was opened"


for place, reach in EVERYWHERE:
    @suite.check(f"{place}: restricted-xml, no open, no connect")
    def _(server, reach=reach):
        with Bait() as bait:
            for doctype in bait.doctypes():
                refused(reach(server), doctype + "<message><body>&x;</body></message>",
                        ["restricted-xml"])
            assert not bait.taken(), "it was opened"


suite.run()
