#!/usr/bin/python3
"""kithctl doctor storage: what it says of a sound database, a damaged one, memory instead of a disk, and nothing."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from checks import Skip, Suite
from kith_server import program

suite = Suite("kithctl looks after the storage")
GOOD = {"file system", "room", "rights", "sync", "log", "database"}


def doctor(directory, *options):
    done = subprocess.run([program("kithctl"), "--dir", directory, *options, "doctor", "storage"],
                          capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout


def verdicts(directory):
    status, text = doctor(directory, "--json")
    return status, {row["check"]: (row["verdict"], row["advice"]) for row in json.loads(text)}


@suite.check("of a server at work: all is looked at, and nothing is left behind")
def _(server):
    before = sorted(os.listdir(server.dir))
    status, found = verdicts(server.dir)
    assert set(found) == GOOD, found
    # What the disk and the file system of a test are like is not ours to say.
    assert found["database"] == ("good", "") and found["log"] == ("good", ""), found
    assert status == (1 if any(v == "bad" for v, _ in found.values()) else 0)
    assert sorted(os.listdir(server.dir)) == before
    server.must("user", "add", "mercutio", "secret")


@suite.check("of a damaged database: what to do, and an exit status")
def _(server):
    where = pathlib.Path(server.own_dir) / "damaged"
    where.mkdir(mode=0o700)
    server.must("backup", str(where / "kith.db"))
    size = (where / "kith.db").stat().st_size
    with open(where / "kith.db", "r+b") as database:
        for page in range(2, size // 4096, 2):
            database.seek(page * 4096)
            database.write(b"\xff" * 512)
    status, found = verdicts(where)
    assert status == 1 and found["database"][0] == "bad" and found["database"][1], found
    status, text = doctor(where)
    assert status == 1 and "database: " in text, text


@suite.check("of a directory in memory, that others may read, and of none")
def _(server):
    if not os.path.isdir("/dev/shm"):
        raise Skip("there is no /dev/shm")
    where = tempfile.mkdtemp(prefix="kith-test-", dir="/dev/shm")
    try:
        os.chmod(where, 0o755)
        status, found = verdicts(where)
        assert status == 1 and found["file system"][0] == "bad" and found["rights"][0] == "doubtful", found
    finally:
        shutil.rmtree(where)
    status, found = verdicts(pathlib.Path(server.own_dir) / "nowhere")
    assert status == 1 and found["database"][0] == "bad", found


suite.run()
