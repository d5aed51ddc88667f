#!/usr/bin/python3
"""Row 29: stream ids, nonces and resources; and no weak generator in the source."""
import collections
import math
import pathlib
import re

from checks import Suite
from crowd import address
from kith_server import ROOT
from scram import Scram
from xmpp_client import Client

COUNT = 3000
suite = Suite("row 29: tokens cannot be guessed", attack=True,
              settings={"c2s.require_tls": "no"})
WEAK = re.compile(r"\b(s?rand|s?random|[ejlmn]rand48|drand48|rand_r|random_r|mktemp|tmpnam)\s*\(")


def bits(tokens):
    """Bits that the tokens' form can carry: by each place's observed alphabet."""
    length = min(map(len, tokens))
    return sum(math.log2(len({token[i] for token in tokens})) for i in range(length))


def judge(tokens, least):
    assert len(set(tokens)) == len(tokens), "one came twice"
    carried = bits(tokens)
    assert carried >= least, f"room for {carried:.0f} bits"
    length = min(map(len, tokens))
    for place in range(length):
        counts = collections.Counter(token[place] for token in tokens)
        fair = len(tokens) / len(counts)
        if len(counts) > 1:
            chi = sum((n - fair) ** 2 / fair for n in counts.values())
            free = len(counts) - 1
            assert chi < free + 8 * math.sqrt(2 * free) + 20 or place == length - 1, \
                f"place {place} is not uniform (chi square {chi:.0f} of {free})"
    neighbours = [sum(a == b for a, b in zip(x, y)) for x, y in zip(tokens, tokens[1:])]
    expected = sum(1 / len({t[i] for t in tokens}) for i in range(length))
    mean = sum(neighbours) / len(neighbours)
    assert mean < expected * 1.2 + 0.5, f"neighbours agree in {mean:.1f} of {length} places"
    return f"{len(tokens)} seen, room for {carried:.0f} bits"


@suite.check("stream ids: 128 bits, uniform, unrelated")
def _(server):
    ids = []
    for number in range(COUNT):
        with Client(server, source=address(number)).connect() as client:
            client.open()
            ids.append(client.stream_id())
    return judge(ids, 128)


@suite.check("a restarted stream has a new id")
def _(server):
    with Client(server).connect() as client:
        client.open()
        first = client.stream_id()
        client.upgrade()
        second = client.stream_id()
        client.sign_in("juliet", server.users["juliet"], "PLAIN")
        assert len({first, second, client.stream_id()}) == 3


@suite.check("SCRAM nonces: 128 bits, uniform, unrelated")
def _(server):
    nonces = []
    for number in range(COUNT // 4):
        with Client(server, source=address(number)).connect() as client:
            client.open()
            exchange = Scram("SCRAM-SHA-1", f"u{number}", "x")
            _, text = client.auth("SCRAM-SHA-1", exchange.first())
            exchange.parse(text)
            nonces.append(exchange.server_nonce.removeprefix(exchange.nonce))
    return judge(nonces, 128)


@suite.check("resources made by the server are unique and tell nothing")
def _(server):
    resources = []
    for number in range(150):
        with Client.login(server, "juliet", tls="none", mechanism="PLAIN",
                          source=address(number)) as client:
            resources.append(client.jid.split("/", 1)[1])
    assert len(set(resources)) == len(resources), "one came twice"
    carried = bits(resources)
    assert carried >= 48, f"room for {carried:.0f} bits"
    return f"room for {carried:.0f} bits"


@suite.check("the source calls no weak generator, but in tests")
def _(_server):
    found = [f"{path.relative_to(ROOT)}:{number}"
             for path in sorted(pathlib.Path(ROOT / "src").rglob("*.[ch]"))
             if not path.stem.endswith("_test")
             for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
             if WEAK.search(line)]
    assert not found, found


suite.run()
