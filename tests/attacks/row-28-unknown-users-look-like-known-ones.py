#!/usr/bin/python3
"""Row 28: what an attacker sees and times must not tell whether an account exists.

Timing: every name is tried once, known and unknown ones in random order from
addresses of their own, and the two distributions are compared with the
Kolmogorov-Smirnov test. Its threshold is generous, because the machine is busy.
"""
import random
import statistics
import time

from checks import Suite
from crowd import address
from scram import Scram
from xmpp_client import AuthFailed, Client

KNOWN = 240
USERS = {f"known{i}": "s3cret" for i in range(KNOWN)}
D_LIMIT = 0.30  # chance alone exceeds it once in a hundred thousand times
HARMLESS = 25e-6  # seconds of difference of the medians that nobody sees over a network
suite = Suite("row 28: unknown users look like known ones", attack=True,
              users={"juliet": "r0m30", "romeo": "b4lc0ny", **USERS},
              settings={"c2s.require_tls": "no"})


def opened(server, number):
    client = Client(server, source=address(number)).connect()
    client.open()
    return client


def challenge(server, user, number, mechanism="SCRAM-SHA-1"):
    with opened(server, number) as client:
        exchange = Scram(mechanism, user, "wrong")
        _, text = client.auth(mechanism, exchange.first())
        exchange.parse(text)
        return exchange.salt, exchange.rounds, len(exchange.server_nonce) - len(exchange.nonce)


def failure(action, *arguments):
    try:
        action(*arguments)
    except AuthFailed as failed:
        return failed.condition
    raise AssertionError("signed in")


@suite.check("an unknown user's salt is the same each time, and another for each name")
def _(server):
    salts = {}
    for name in ("nobody1", "nobody2", "nobody3"):
        got = {challenge(server, name, 5000 + i)[0] for i in range(3)}
        assert len(got) == 1, f"{name} has {len(got)} salts"
        salts[name] = got.pop()
    assert len(set(salts.values())) == 3, "two names share a salt"
    assert challenge(server, "NOBODY1", 5010)[0] == salts["nobody1"], "case changes the salt"


@suite.check("salt length, rounds and nonce length are those of a known user")
def _(server):
    for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        seen = []
        for name in ("nobody", "juliet"):
            salt, rounds, nonce = challenge(server, name, 5020, mechanism)
            seen.append((len(salt), rounds, nonce))
        assert seen[0] == seen[1], f"{mechanism}: {seen}"


@suite.check("both fail at the same step with the same words")
def _(server):
    raw = {}
    for number, name in enumerate(("nobody", "juliet")):
        for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"):
            with opened(server, 5030 + number) as client:
                start = len(client.raw)
                action = (client.plain, name, "wrong") if mechanism == "PLAIN" else \
                    (client.scram, mechanism, name, "wrong")
                condition = failure(*action)
                assert condition == "not-authorized", f"{name} {mechanism}: {condition}"
                raw.setdefault(mechanism, []).append(client.raw[start:].rsplit(b"<failure", 1)[1])
    for mechanism, texts in raw.items():
        assert texts[0] == texts[1], f"{mechanism}: {texts}"


def time_scram(server, user, number, spoil=lambda proof: proof):
    """Seconds for the two steps; the client's own arithmetic is outside of the clock."""
    with opened(server, number) as client:
        exchange = Scram("SCRAM-SHA-1", user, "wrong")
        start = time.perf_counter()
        _, text = client.auth("SCRAM-SHA-1", exchange.first())
        first = time.perf_counter() - start
        final = exchange.final(text, spoil=spoil)
        start = time.perf_counter()
        failure(client.respond, final)
        return first + time.perf_counter() - start


def time_plain(server, user, number):
    with opened(server, number) as client:
        start = time.perf_counter()
        failure(client.plain, user, "wrong")
        return time.perf_counter() - start


def kolmogorov_smirnov(a, b):
    """The largest distance of the two empirical distributions."""
    values = sorted(a + b)
    return max(abs(sum(x <= v for x in a) / len(a) - sum(x <= v for x in b) / len(b))
               for v in values)


def compare(jobs):
    """jobs: (kind, function); runs them shuffled and compares the two kinds."""
    random.shuffle(jobs)
    times = {}
    for kind, job in jobs:
        times.setdefault(kind, []).append(job())
    (name_a, a), (name_b, b) = sorted(times.items())
    distance = kolmogorov_smirnov(a, b)
    medians = statistics.median(a), statistics.median(b)
    sentence = (f"D = {distance:.2f}, median {medians[0] * 1e6:.0f} us for {name_a}, "
                f"{medians[1] * 1e6:.0f} us for {name_b}")
    assert distance < D_LIMIT or abs(medians[0] - medians[1]) < HARMLESS, sentence
    return sentence


@suite.check("SCRAM takes as long for either")
def _(server):
    half = KNOWN // 2
    jobs = [("known", lambda i=i: time_scram(server, f"known{i}", 6000 + i)) for i in range(half)]
    jobs += [("unknown", lambda i=i: time_scram(server, f"ghost{i}", 7000 + i)) for i in range(half)]
    return compare(jobs)


@suite.check("SCRAM takes as long for someone who is signed in elsewhere")
def _(server):
    people = [Client.login(server, f"known{i}", tls="none", source=address(12000 + i))
              for i in range(KNOWN // 2, KNOWN)]
    jobs = [("online", lambda i=i: time_scram(server, f"known{i}", 13000 + i))
            for i in range(KNOWN // 2, KNOWN)]
    jobs += [("unknown", lambda i=i: time_scram(server, f"shade{i}", 14000 + i))
             for i in range(KNOWN // 2)]
    sentence = compare(jobs)
    for client in people:
        client.logout()
    return sentence


@suite.check("PLAIN takes as long for either")
def _(server):
    half = KNOWN // 2
    jobs = [("known", lambda i=i: time_plain(server, f"known{half + i}", 8000 + i))
            for i in range(half)]
    jobs += [("unknown", lambda i=i: time_plain(server, f"spectre{i}", 9000 + i))
             for i in range(half)]
    return compare(jobs)


@suite.check("a proof wrong in its first byte takes as long as in its last")
def _(server):
    bends = {"first": lambda p: bytes([p[0] ^ 1]) + p[1:], "last": lambda p: p[:-1] + bytes([p[-1] ^ 1])}
    jobs = [(kind, lambda i=i, spoil=spoil, at=at: time_scram(
        server, f"known{i % KNOWN}", 10000 + at * 1000 + i, spoil))
        for at, (kind, spoil) in enumerate(bends.items()) for i in range(KNOWN // 2)]
    return compare(jobs)


suite.run()
