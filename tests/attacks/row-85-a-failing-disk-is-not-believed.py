#!/usr/bin/python3
"""Row 85: writes, reads and syncs of the disk fail, at random and always, under the whole server."""
import os
import shutil
import subprocess
import tempfile

from changes import Ledger, in_trouble
from checks import Skip, Suite
from kith_server import Kith, wait_until
from xmpp_client import AuthFailed, Client

USERS = {"juliet": "r0m30", "romeo": "b4lc0ny"}
CALM, TRIES = 30, 150
FAULTS = {
    "one write in ten": ("enable_random name=posix/io/rw/pwrite,probability=0.1,failinfo=5", False),
    "every write": ("enable name=posix/io/rw/pwrite,failinfo=5", True),
    "one sync in five": ("enable_random name=posix/io/sync/fdatasync,probability=0.2,failinfo=5", False),
    "every sync": ("enable name=posix/io/sync/fdatasync,failinfo=5", True),
    "every sync of a folder or a file": ("enable name=posix/io/sync/*,failinfo=5", True),
    "one read in ten": ("enable_random name=posix/io/rw/pread,probability=0.1,failinfo=5", False),
    "every read": ("enable name=posix/io/rw/pread,failinfo=5", True),
    "short writes": ("enable_random name=posix/io/rw/pwrite/reduce,probability=0.3", False),
    "no room, at random": ("enable_random name=posix/io/rw/pwrite,probability=0.2,failinfo=28", False),
}
suite = Suite("row 85: a failing disk is not believed", users=USERS)


def tell(server, directory, command):
    done = subprocess.run(["fiu-ctrl", "-c", command, str(server.pid)], cwd=directory,
                          capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def storm(directory, command, always, ledger):
    """Calm, the fault, and calm again, in one server. How it ended."""
    with Kith(users=USERS, directory=directory, wrapper=["fiu-run", "-x"]) as server:
        ledger.change_many(server, CALM)
        assert len(ledger.acked) >= CALM, "something fails before anything fails"
        tell(server, directory, command)
        before = len(ledger.acked)
        ledger.change_many(server, TRIES)
        taken = len(ledger.acked) - before
        if always:
            assert taken == 0, f"{taken} changes were acknowledged, and none can have been written"
            wait_until(lambda: in_trouble(server), 10, "a line in the log")
        said = in_trouble(server)
        assert len(said) < TRIES // 2, f"{len(said)} lines: {said[:4]}"
        if not server.alive():
            return "it ended"
        name = command.split("name=")[1].split(",")[0]
        tell(server, directory, f"disable name={name}")
        mended = []

        def mend():
            try:
                juliet = Client.login(server, "juliet", mechanism="PLAIN")
            except AuthFailed as refused:
                assert refused.condition == "temporary-auth-failure", refused.condition
                return False
            with juliet:
                if ledger.change(juliet):
                    mended.append(True)
                    ledger.check(juliet)
            return mended
        wait_until(mend, 60, "a change that is taken again", 0.2)
        kind = f"{taken} of {TRIES} acknowledged, mended without a restart"
        server.kill()  # not even a clean end
        return kind


for what, (command, always) in FAULTS.items():
    @suite.check(f"{what}: nothing is acknowledged that is not there afterwards")
    def _(server, command=command, always=always):
        if server.is_sanitized():
            raise Skip("libfiu and a sanitizer both want these calls; the plain build tries this")
        directory = tempfile.mkdtemp(prefix="kith-eio-")
        ledger = Ledger()
        try:
            end = storm(directory, command, always, ledger)
            ledger.check_in(directory, USERS)
        finally:
            shutil.rmtree(directory)
        return end


suite.run()
