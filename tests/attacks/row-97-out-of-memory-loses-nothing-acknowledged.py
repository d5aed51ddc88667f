#!/usr/bin/python3
"""Row 97: allocations fail at random, or the process may grow no further.

Small allocations have one policy: running out of memory ends the process, once, in one place,
with a line in the log. So this demands: what was acknowledged before is there after a restart
with the same data directory, and nothing of it is half there.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from checks import MIB, Skip, Suite
from kith_server import Kith
from xmpp_client import ROSTER, AuthFailed, Client, Closed, StreamError, body_of, error_of

USERS = {"juliet": "r0m30", "romeo": "b4lc0ny"}
ROUNDS = ((0.0002, 11), (0.002, 12), (0.02, 13))  # probability of a failing malloc, seed
CHANGES = 400
CALM = 20  # of them before anything fails
suite = Suite("row 97: out of memory loses nothing that was acknowledged")


def change(client, number, acked):
    """One roster item and one message for somebody offline; what was answered is noted."""
    answer = client.iq("set", f"<query xmlns='{ROSTER}'><item jid='c{number}@kith.test' "
                       f"name='name {number}'><group>group {number}</group></item></query>")
    if answer.get("type") == "result":
        acked.append(number)
    else:
        assert error_of(answer), "an error without a condition"
    client.message("romeo@kith.test", f"kept {number}")


def work(server, acked, first, count=CHANGES):
    """Changes things until the server is gone or all is done; comes back after lost streams."""
    number = first
    while number < first + count and server.alive():
        try:
            with Client.login(server, "juliet", "j", mechanism="PLAIN", timeout=5) as juliet:
                while number < first + count:
                    number += 1
                    change(juliet, number, acked)
        except (OSError, Closed, StreamError, AuthFailed, AssertionError):
            number += 1  # whatever was asked last was not answered, and may be there or not
    return number


def verify(directory, acked):
    """Starts again without trouble; every acknowledged item must be there, whole, and no half one."""
    with Kith(users=USERS, directory=directory) as server:
        with Client.login(server, "juliet", "j") as juliet:
            answer = juliet.iq("get", f"<query xmlns='{ROSTER}'/>")
            items = {item.get("jid"): item for item in answer[0]}
            for number in acked:
                item = items.get(f"c{number}@kith.test")
                assert item is not None, f"item {number} was acknowledged and is gone"
            for jid, item in items.items():
                number = jid[1:].split("@")[0]
                assert item.get("name") == f"name {number}", "half an item"
                assert [g.text for g in item] == [f"group {number}"], "half an item"
        with Client.login(server, "romeo", "r", presence=True) as romeo:
            bodies = [body_of(e) for e in romeo.waiting if e.tag.endswith("message")]
            numbers = [int(body.split(" ")[1]) for body in bodies if body]
            assert numbers == sorted(set(numbers)), "kept messages twice or out of order"
        assert server.stop() == 0, "no clean end"


def inject(pid, directory, probability):
    """Tells the running server's libfiu to fail allocations from now on."""
    done = subprocess.run(["fiu-ctrl", "-c", f"enable_random name=libc/mm/malloc,"
                           f"probability={probability}", str(pid)],
                          cwd=directory, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr


def faulty(directory, **options):
    return Kith(users=USERS, directory=directory, **options)


for probability, seed in ROUNDS:
    @suite.check(f"one in {1 / probability:.0f} allocations fails: all that was acknowledged is kept")
    def _(server, probability=probability, seed=seed):
        if server.is_sanitized():
            raise Skip("libfiu and a sanitizer both want malloc; the plain build tries this")
        directory = tempfile.mkdtemp(prefix="kith-oom-")
        acked, starts, ends = [], 0, set()
        try:
            for attempt in range(3):
                with faulty(directory, wrapper=["fiu-run", "-x"]) as victim:
                    starts += 1
                    first = seed * 100_000 + attempt * 1000
                    first = work(victim, acked, first, CALM)
                    inject(victim.pid, directory, probability)
                    work(victim, acked, first)
                    if not victim.alive():
                        ends.add(said_why(victim))
            verify(directory, acked)
        finally:
            shutil.rmtree(directory)
        return f"{starts} starts, {len(acked)} acknowledged, ends: {', '.join(sorted(ends)) or 'none'}"


def said_why(server):
    log = server.log()
    found = re.search(r"(?i)out of memory|OpenSSL cannot", log)
    assert found, f"it ended without a word: {log.splitlines()[-3:]}"
    return found.group().lower()


@suite.check("with an address-space limit reached: the same")
def _(server):
    if server.is_sanitized():
        raise Skip("a sanitizer maps more than any limit; the plain build tries this")
    directory = tempfile.mkdtemp(prefix="kith-oom-")
    acked = []
    try:
        with faulty(directory) as victim:
            with open(f"/proc/{victim.pid}/statm", encoding="ascii") as statm:
                size = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            subprocess.run(["prlimit", f"--as={size + MIB}", "--pid", str(victim.pid)], check=True)
            work(victim, acked, 0)
            crowd = []
            try:
                for _ in range(300):
                    crowd.append(Client(victim, timeout=2).connect(direct=True))
            except (OSError, AssertionError):
                pass
            for client in crowd:
                client.close()
            if not victim.alive():
                said_why(victim)
        verify(directory, acked)
    finally:
        shutil.rmtree(directory)
    return f"{len(acked)} acknowledged"


if os.environ.get("KITH_TEST_SERVER", "kith") != "kith":
    print("skipped row 97: it is about Kith's own promise")
    sys.exit(0)
suite.run()
