#!/usr/bin/python3
"""What a sign-in leaves in memory saves work, and never lets an old password in.

SCRAM keys stay with the account while that is in memory. A password that was right by PLAIN is
remembered under a keyed hash, also after its account has left memory.
"""
import time

from checks import Suite, timed
from kith_server import wait_until
from xmpp_client import AuthFailed, Client

ROUNDS = 500000  # so that deriving keys is much slower than all the rest of a sign-in
suite = Suite("keys in memory are never old", users={"juliet": "r0m30", "romeo": "b4lc0ny"},
              settings={"server.account_idle": "1s", "auth.iterations": str(ROUNDS),
                        "auth.failures": "1000"})


def sign_in(server, user, mechanism="SCRAM-SHA-1", password=None, **more):
    Client.login(server, user, mechanism=mechanism, password=password, **more).logout()


def is_refused(server, user, password, mechanism):
    try:
        sign_in(server, user, mechanism, password)
    except AuthFailed as failed:
        assert failed.condition == "not-authorized", failed.condition
        return True
    return False


def reads(server, action):
    """How often action() made the server ask its store."""
    before = server.gauge("store_reads")
    action()
    return server.gauge("store_reads") - before


def wait_until_forgotten(server):
    wait_until(lambda: server.gauge("accounts_in_memory") == 0, 10, "the accounts to leave memory")


def change_password(server, user, password):
    done = server.ctl("user", "passwd", user, input=password + "\n")
    assert done.returncode == 0, done.stderr
    server.users[user] = password


@suite.check("SCRAM: keys are read once while the account is in memory")
def _(server):
    sign_in(server, "juliet")
    with Client.login(server, "juliet", "stays") as client:
        again = reads(server, lambda: sign_in(server, "juliet"))
        assert again == 0, f"{again} reads"
        other = reads(server, lambda: sign_in(server, "juliet", "SCRAM-SHA-256"))
        assert other == 1, f"{other} reads for keys of another hash"
        elsewhere = reads(server, lambda: sign_in(server, "juliet", "SCRAM-SHA-256",
                                                  source="127.0.0.77"))
        assert elsewhere == 1, f"{elsewhere} reads for someone from elsewhere"
        client.logout()
    wait_until_forgotten(server)
    late = reads(server, lambda: sign_in(server, "juliet"))
    assert late == 2, f"{late} reads for keys and the account"


@suite.check("SCRAM: a changed password is asked for at once")
def _(server):
    for number, mechanism in enumerate(("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512-PLUS")):
        sign_in(server, "romeo", mechanism, tls="direct")
        with Client.login(server, "romeo", "stays", mechanism=mechanism) as client:
            old = server.users["romeo"]
            change_password(server, "romeo", f"new{number}")
            assert is_refused(server, "romeo", old, mechanism), f"{mechanism}: the old one fits"
            sign_in(server, "romeo", mechanism)
            client.logout()


@suite.check("SCRAM: the keys of a deleted account are of no use to a new one")
def _(server):
    assert server.ctl("user", "add", "paris", input="first\n").returncode == 0
    sign_in(server, "paris", password="first")
    assert server.ctl("user", "delete", "paris").returncode == 0
    assert is_refused(server, "paris", "first", "SCRAM-SHA-1")
    assert server.ctl("user", "add", "paris", input="second\n").returncode == 0
    assert is_refused(server, "paris", "first", "SCRAM-SHA-1")
    sign_in(server, "paris", password="second")


@suite.check("PLAIN: PBKDF2 runs once, also when the account leaves memory in between")
def _(server):
    first = timed(lambda: sign_in(server, "juliet", "PLAIN"))
    again = min(timed(lambda: sign_in(server, "juliet", "PLAIN")) for _ in range(3))
    wait_until_forgotten(server)
    late = min(timed(lambda: sign_in(server, "juliet", "PLAIN")) for _ in range(1))
    assert max(again, late) < first / 3, f"{first:.3f} s, then {again:.3f}, {late:.3f}"
    return f"{first * 1000:.0f} ms, again {again * 1000:.0f}, after leaving {late * 1000:.0f}"


@suite.check("PLAIN: others' sign-ins do not wait while keys are derived")
def _(server):
    with Client(server).connect(direct=True) as slow:
        slow.open()
        start = time.monotonic()
        slow.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                  "AHJvbWVvAHdyb25n</auth>")
        sign_in(server, "juliet")
        quick = time.monotonic() - start
        try:
            slow.sasl_answer()
        except AuthFailed:
            pass
        took = time.monotonic() - start
    assert quick < took / 2, f"{quick:.3f} s beside {took:.3f}"
    return f"{quick * 1000:.0f} ms beside {took * 1000:.0f}"


@suite.check("PLAIN: a changed password is asked for at once")
def _(server):
    old = server.users["juliet"]
    change_password(server, "juliet", "n3w")
    assert is_refused(server, "juliet", old, "PLAIN")
    sign_in(server, "juliet", "PLAIN")
    change_password(server, "juliet", old)
    assert is_refused(server, "juliet", "n3w", "PLAIN")
    sign_in(server, "juliet", "PLAIN")


suite.run()
