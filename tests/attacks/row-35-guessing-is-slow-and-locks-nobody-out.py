#!/usr/bin/python3
"""Row 35: many wrong passwords from one address, for one account, and spread."""
import time

from checks import Suite, timed
from crowd import address, in_parallel
from xmpp_client import AuthFailed, Client, Closed, StreamError

SECONDS = 6.0
HELPERS = 6
BOUND = 60  # guesses that one address, or one account, may get answered in that time
suite = Suite("row 35: guessing is slow and locks nobody out", attack=True,
              users={"juliet": "r0m30", "romeo": "b4lc0ny", **{f"u{i}": "pw" for i in range(20)}})


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
