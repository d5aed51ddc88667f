#!/usr/bin/python3
"""Row 35: many wrong passwords from one address, for one account, and spread; one by one and at once."""
import threading
import time

from checks import Suite, timed
from crowd import address, in_parallel
from kith_server import wait_until
from xmpp_client import AuthFailed, Client, Closed, StreamError

SECONDS = 6.0
HELPERS = 6
BOUND = 60  # guesses that one address, or one account, may get answered in that time
AT_ONCE = 40
PATIENCE = 3.0  # seconds that the one who guesses at once waits for answers
TOLD = 16  # right guesses that may be told: those before the fifth wrong one; by chance more once in 20,000 times
suite = Suite("row 35: guessing is slow and locks nobody out", attack=True,
              users={"juliet": "r0m30", "romeo": "b4lc0ny", **{f"u{i}": "pw" for i in range(20)},
                     **{f"v{i}": "pw" for i in range(AT_ONCE)}})


def guess(server, user, source):
    """True when the server has looked at the guess, False when it would not."""
    try:
        with Client(server, source=source, timeout=SECONDS).connect(direct=True) as client:
            client.open()
            try:
                client.plain(user, "wrong")
            except AuthFailed as failed:
                assert failed.condition in ("not-authorized", "temporary-auth-failure",
                                            "policy-violation"), failed.condition
                return failed.condition == "not-authorized"
            raise AssertionError("signed in with a wrong password")
    except (StreamError, Closed, OSError):
        return False
    except AssertionError as error:
        if "in time" in str(error):
            return False
        raise


def storm(server, pick):
    """Guesses for SECONDS with several helpers; how many were evaluated."""
    end = time.monotonic() + SECONDS

    def work(helper):
        count = tries = 0
        while time.monotonic() < end:
            if guess(server, *pick(helper, tries)):
                count += 1
            else:
                time.sleep(0.01)
            tries += 1
        return count
    return sum(in_parallel(HELPERS, HELPERS, work))


def at_once(server, source, guesses, mechanism="PLAIN"):
    """Tries all (user, password) in the same moment, a connection each; how many were right and told."""
    ready, right = threading.Barrier(len(guesses)), []

    def work(number):
        user, password = guesses[number]
        with Client(server, source=source).connect(direct=True) as client:
            client.open()
            ready.wait(30)
            try:
                client.timeout = PATIENCE
                client.sign_in(user, password, mechanism)
                right.append(user)
            except (AuthFailed, StreamError, Closed, OSError, AssertionError):
                pass
    in_parallel(len(guesses), len(guesses), work)
    return len(right)


def annoy(server, source):
    """More wrong passwords than are free; nobody waits for the last answers."""
    failures = server.gauge("login_failures_total")
    clients = [Client(server, source=source).connect(direct=True) for _ in range(8)]
    for client in clients:
        client.open()
        client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AHUxAHdyb25n</auth>")
    wait_until(lambda: server.gauge("login_failures_total") >= failures + 6, 10, "failures")
    for client in clients:
        client.close()


def owner_gets_in(server, user, source):
    took = timed(lambda: Client.login(server, user, source=source).logout())
    assert took < 3, f"the owner needed {took:.1f} s"
    return took


@suite.check("from one address against many accounts: slowed down")
def _(server):
    count = storm(server, lambda helper, tries: (f"u{(helper * 7 + tries) % 20}", "127.0.35.1"))
    assert count <= BOUND, f"{count} guesses in {SECONDS:.0f} s"
    took = owner_gets_in(server, "u3", "127.0.35.200")
    return f"{count} guesses; an owner elsewhere needed {took * 1000:.0f} ms"


@suite.check("against one account from many addresses: slowed down, the owner gets in")
def _(server):
    Client.login(server, "juliet", source="127.0.35.99").logout()
    count = storm(server, lambda helper, tries: ("juliet", address(20000 + helper * 2000 + tries)))
    took = owner_gets_in(server, "juliet", "127.0.35.99")
    assert count <= 4 * BOUND, f"{count} guesses in {SECONDS:.0f} s"
    return f"{count} guesses; the owner needed {took * 1000:.0f} ms"


@suite.check("an account under attack can also be entered from a new address")
def _(server):
    took = timed(lambda: Client.login(server, "juliet", source="127.0.35.100", timeout=15).logout())
    assert took < 12, f"{took:.1f} s"
    return f"{took * 1000:.0f} ms"


@suite.check("all at once from one address: a right guess is not told sooner than a wrong one")
def _(server):
    half = [(f"v{i}", "pw" if i % 2 else "wrong") for i in range(AT_ONCE)]
    told = at_once(server, "127.0.35.61", half)
    assert told <= TOLD, f"{told} of {AT_ONCE // 2} right ones were told in {PATIENCE:.0f} s"
    took = owner_gets_in(server, "v1", "127.0.35.201")
    return f"{told} of {AT_ONCE // 2} right ones; an owner elsewhere needed {took * 1000:.0f} ms"


@suite.check("an address that has guessed learns little, however many connections it has")
def _(server):
    for number, mechanism in ((62, "PLAIN"), (63, "SCRAM-SHA-1")):
        source = f"127.0.35.{number}"
        annoy(server, source)
        told = at_once(server, source, [(f"v{i}", "pw") for i in range(AT_ONCE)], mechanism)
        assert told <= TOLD, f"{mechanism}: {told} of {AT_ONCE} in {PATIENCE:.0f} s"
    took = owner_gets_in(server, "v2", "127.0.35.202")
    return f"{told} of {AT_ONCE}; an owner elsewhere needed {took * 1000:.0f} ms"


@suite.check("an account of his own does not free a guesser")
def _(server):
    source = "127.0.35.64"
    annoy(server, source)
    Client.login(server, "v3", source=source, timeout=15).logout()
    told = at_once(server, source, [(f"v{i}", "pw") for i in range(4, AT_ONCE)])
    assert told <= TOLD, f"{told} of {AT_ONCE} in {PATIENCE:.0f} s"
    return f"{told} of {AT_ONCE}"


@suite.check("who signed in there before is not held up by a neighbour who guesses")
def _(server):
    source = "127.0.35.65"
    Client.login(server, "romeo", source=source).logout()
    annoy(server, source)
    times = [owner_gets_in(server, "romeo", source) for _ in range(3)]
    return f"{max(times) * 1000:.0f} ms"


@suite.check("guesses on one connection are counted as well")
def _(server):
    tries = 0
    with Client(server, source="127.0.35.50", timeout=SECONDS).connect(direct=True) as client:
        client.open()
        try:
            for tries in range(200):
                try:
                    client.plain("romeo", "wrong")
                except AuthFailed:
                    pass
        except (StreamError, Closed, OSError, AssertionError):
            pass
    assert tries < 20, f"{tries} guesses on one connection"
    return f"{tries} guesses"


@suite.check("a correct sign-in in between is not held up at its own address")
def _(server):
    took = owner_gets_in(server, "romeo", "127.0.35.120")
    return f"{took * 1000:.0f} ms"


suite.run()
