#!/usr/bin/python3
"""Row 28: what an attacker sees and times must not tell whether an account exists.

Timing: every name is tried once, known and unknown ones in random order from
addresses of their own, and the two distributions are compared with the
Kolmogorov-Smirnov test. Its threshold is generous, because the machine is busy, and what a busy
machine does to one measurement it does not do to three: a leak is there each time.
"""
import random
import statistics
import time

from checks import Skip, Suite
from crowd import address
from scram import Scram
from xmpp_client import AuthFailed, Client

KNOWN = 240
USERS = {f"known{i}": "s3cret" for i in range(KNOWN)}
D_LIMIT = 0.30  # chance alone exceeds it once in a hundred thousand times
TRIES = 3
HARMLESS = 25e-6  # seconds of difference of the medians that nobody sees over a network
suite = Suite("row 28: unknown users look like known ones", attack=True,
              users={"juliet": "r0m30", "romeo": "b4lc0ny", **USERS},
              settings={"c2s.require_tls": "no", "auth.failures": "30"})


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


def measure(jobs):
    """jobs: (kind, function); runs them shuffled: whether the two kinds look the same, and how."""
    random.shuffle(jobs)
    times = {}
    for kind, job in jobs:
        times.setdefault(kind, []).append(job())
    (name_a, a), (name_b, b) = sorted(times.items())
    distance = kolmogorov_smirnov(a, b)
    medians = statistics.median(a), statistics.median(b)
    return distance < D_LIMIT or abs(medians[0] - medians[1]) < HARMLESS, (
        f"D = {distance:.2f}, median {medians[0] * 1e6:.0f} us for {name_a}, "
        f"{medians[1] * 1e6:.0f} us for {name_b}")


def compare(server, make_jobs):
    """make_jobs: from the number of the first address that may be used to (kind, function)s."""
    if server.is_sanitized():
        raise Skip("a sanitizer's time says nothing about ours")
    sentences = []
    for attempt in range(TRIES):
        same, sentence = measure(make_jobs(6000 + 15000 * attempt))
        sentences.append(sentence)
        if same:
            return "; ".join(sentences)
    raise AssertionError("; ".join(sentences))


HALF = KNOWN // 2


@suite.check("SCRAM takes as long for either")
def _(server):
    return compare(server, lambda first: [
        (kind, lambda i=i, at=at, name=name: time_scram(server, f"{name}{i}", first + at * 1000 + i))
        for at, (kind, name) in enumerate((("known", "known"), ("unknown", "ghost")))
        for i in range(HALF)])


@suite.check("SCRAM takes as long for someone who is signed in elsewhere")
def _(server):
    people = [Client.login(server, f"known{i}", tls="none", source=address(12000 + i))
              for i in range(HALF, KNOWN)]
    sentence = compare(server, lambda first: [
        (kind, lambda i=i, at=at, name=name: time_scram(server, f"{name}{i}", first + (7 + at) * 1000 + i))
        for at, (kind, name) in enumerate((("online", "known"), ("unknown", "shade")))
        for i in range(HALF, KNOWN)])
    for client in people:
        client.logout()
    return sentence


@suite.check("PLAIN takes as long for either")
def _(server):
    return compare(server, lambda first: [
        (kind, lambda i=i, at=at, name=name: time_plain(server, f"{name}{i}", first + (2 + at) * 1000 + i))
        for at, (kind, name) in enumerate((("known", "known"), ("unknown", "spectre")))
        for i in range(HALF, KNOWN)])


@suite.check("a proof wrong in its first byte takes as long as in its last")
def _(server):
    bends = {"first": lambda p: bytes([p[0] ^ 1]) + p[1:], "last": lambda p: p[:-1] + bytes([p[-1] ^ 1])}
    return compare(server, lambda first: [
        (kind, lambda i=i, at=at, spoil=spoil: time_scram(
            server, f"known{i}", first + (4 + at) * 1000 + i, spoil))
        for at, (kind, spoil) in enumerate(bends.items()) for i in range(HALF)])


suite.run()
