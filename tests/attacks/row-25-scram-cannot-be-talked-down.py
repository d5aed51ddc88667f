#!/usr/bin/python3
"""Row 25: a man in the middle of SCRAM: stripped -PLUS, wrong bindings, old nonces, bent proofs."""
from checks import Suite
from sasl2 import SASL2, QuickClient
from scram import Scram, binding_data, offer_hash
from xmpp_client import AuthFailed, Client, StreamError

# Row 35 tries how guessing is slowed down; here it would only take time.
suite = Suite("row 25: SCRAM cannot be talked down", attack=True, settings={"auth.failures": 1000})
HASHES = ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
REFUSED = ("not-authorized", "malformed-request")


def opened(server):
    client = Client(server, source="127.0.25.1").connect(direct=True)
    client.open()
    return client


def outcome(client, mechanism, exchange, **bend):
    """The condition of the failure, or success."""
    try:
        name, text = client.auth(mechanism, exchange.first())
        assert name == "challenge", name
        name, text = client.respond(exchange.final(text, **bend))
        assert name == "success", name
        exchange.verify(text)
        return "success"
    except AuthFailed as failed:
        return failed.condition
    except StreamError as error:
        return error.condition


def attempt(server, mechanism, *, bend=None, password=None, user="juliet", data=None, **options):
    with opened(server) as client:
        if options.get("binding") and data is None:
            data = binding_data(client.sock, options["binding"])
        exchange = Scram(mechanism, user, password or server.users["juliet"], data=data or b"",
                         **options)
        return outcome(client, mechanism, exchange, **(bend or {}))


def plus(server):
    """The -PLUS mechanisms that are offered, each with each announced binding."""
    with opened(server) as client:
        names = [m for m in client.mechanisms() if m.endswith("-PLUS")]
        return [(name, kind) for name in names for kind in client.bindings()]


@suite.check("the six mechanisms and both bindings are offered inside TLS")
def _(server):
    with opened(server) as client:
        for name in HASHES:
            assert name in client.mechanisms(), f"no {name}"
            assert name + "-PLUS" in client.mechanisms(), f"no {name}-PLUS"
        for kind in ("tls-exporter", "tls-server-end-point"):
            assert kind in client.bindings(), f"{kind} is not announced"


@suite.check("each works when nobody interferes, and the server proves itself")
def _(server):
    for name in HASHES:
        assert attempt(server, name) == "success", name
    for name, kind in plus(server):
        assert attempt(server, name, binding=kind) == "success", f"{name} {kind}"


@suite.check("what is offered is part of what is signed (XEP-0474), by either profile")
def _(server):
    for name in HASHES:
        with opened(server) as client:
            wanted = offer_hash(Scram(name, "", "").name, client.mechanisms(), client.bindings())
            exchange = Scram(name, "juliet", server.users["juliet"])
            assert outcome(client, name, exchange) == "success", name
            assert exchange.offer_hash == wanted, f"{name}: {exchange.offer_hash} is not {wanted}"
        with QuickClient(server, source="127.0.25.2") as client:
            client.by_password("juliet", server.users["juliet"], mechanism=name)
            offered = client.features.find(f"{{{SASL2}}}authentication")
            mechanisms = [m.text for m in offered.findall(f"{{{SASL2}}}mechanism")]
            assert client.exchange.offer_hash == offer_hash(
                client.exchange.name, mechanisms, client.bindings()), name


@suite.check("-PLUS was stripped: a client that could (y) is refused")
def _(server):
    for name in HASHES:
        result = attempt(server, name, flag="y")
        assert result in REFUSED, f"{name}: {result}"


@suite.check("-PLUS with the flag of no binding is refused")
def _(server):
    for name, _ in plus(server):
        for flag in ("n", "y"):
            result = attempt(server, name, flag=flag)
            assert result in REFUSED, f"{name} {flag}: {result}"


@suite.check("the plain mechanism with a binding is refused")
def _(server):
    for name in HASHES:
        result = attempt(server, name, flag="p=tls-exporter", binding="tls-exporter")
        assert result in REFUSED, f"{name}: {result}"


@suite.check("wrong binding data are refused")
def _(server):
    offered = plus(server)
    assert offered, "no -PLUS at all"
    for name, kind in offered:
        for data in (b"x" * 32, b"", b"\0" * 32):
            result = attempt(server, name, binding=kind, data=data or b"\0")
            assert result in REFUSED, f"{name} {kind}: {result}"


@suite.check("the binding of another connection is refused")
def _(server):
    for name, kind in plus(server):
        if kind != "tls-exporter":
            continue
        with opened(server) as other:
            stolen = binding_data(other.sock, kind)
            result = attempt(server, name, binding=kind, data=stolen)
        assert result in REFUSED, f"{name}: {result}"


@suite.check("one binding's data under the other's name are refused")
def _(server):
    with opened(server) as client:
        exchange = Scram("SCRAM-SHA-256-PLUS", "juliet", server.users["juliet"],
                         binding="tls-exporter",
                         data=binding_data(client.sock, "tls-server-end-point"))
        assert outcome(client, "SCRAM-SHA-256-PLUS", exchange) in REFUSED


@suite.check("an unknown binding is refused")
def _(server):
    for kind in ("tls-unique", "tls-nonsense", "", "TLS-EXPORTER"):
        result = attempt(server, "SCRAM-SHA-256-PLUS", flag=f"p={kind}", data=b"x" * 12)
        assert result in REFUSED, f"{kind}: {result}"


@suite.check("the gs2 header changed between the messages is refused")
def _(server):
    with opened(server) as client:
        exchange = Scram("SCRAM-SHA-1", "juliet", server.users["juliet"])
        _, text = client.auth("SCRAM-SHA-1", exchange.first())
        exchange.gs2 = "y,,"
        try:
            client.respond(exchange.final(text))
            raise AssertionError("signed in")
        except AuthFailed as failed:
            assert failed.condition in REFUSED, failed.condition


@suite.check("a wrong nonce in the last message is refused")
def _(server):
    with opened(server) as client:
        exchange = Scram("SCRAM-SHA-1", "juliet", server.users["juliet"])
        _, text = client.auth("SCRAM-SHA-1", exchange.first())
        exchange.parse(text)
        try:
            client.respond(exchange.final(text, nonce=exchange.nonce))
            raise AssertionError("signed in")
        except AuthFailed as failed:
            assert failed.condition in REFUSED, failed.condition


@suite.check("a recorded exchange cannot be replayed; nonces are never reused")
def _(server):
    nonces = set()
    with opened(server) as client:
        exchange = Scram("SCRAM-SHA-1", "juliet", server.users["juliet"], nonce="same")
        _, text = client.auth("SCRAM-SHA-1", exchange.first())
        recorded = exchange.final(text)
        nonces.add(exchange.server_nonce)
    for _ in range(20):
        with opened(server) as client:
            again = Scram("SCRAM-SHA-1", "juliet", "x", nonce="same")
            _, text = client.auth("SCRAM-SHA-1", again.first())
            again.parse(text)
            assert again.server_nonce not in nonces, "a nonce came twice"
            nonces.add(again.server_nonce)
            try:
                client.respond(recorded)
                raise AssertionError("the replay was accepted")
            except AuthFailed as failed:
                assert failed.condition in REFUSED, failed.condition


@suite.check("bent proofs are refused")
def _(server):
    bends = {
        "the first bit": lambda p: bytes([p[0] ^ 0x80]) + p[1:],
        "the last bit": lambda p: p[:-1] + bytes([p[-1] ^ 1]),
        "zeros": lambda p: bytes(len(p)),
        "too short": lambda p: p[:-1],
        "too long": lambda p: p + b"\0",
        "nothing": lambda p: b"",
    }
    for number, (what, spoil) in enumerate(bends.items()):
        with Client(server, source=f"127.0.25.{10 + number}").connect(direct=True) as client:
            client.open()
            exchange = Scram("SCRAM-SHA-256", "juliet", server.users["juliet"])
            result = outcome(client, "SCRAM-SHA-256", exchange, spoil=spoil)
            assert result in REFUSED, f"{what}: {result}"


@suite.check("the server asks for at least 4096 rounds and a salt of 16 bytes")
def _(server):
    for name in HASHES:
        with opened(server) as client:
            exchange = Scram(name, "juliet", "x")
            _, text = client.auth(name, exchange.first())
            exchange.parse(text)
            assert exchange.rounds >= 4096, exchange.rounds
            assert len(exchange.salt) >= 16, len(exchange.salt)
            assert len(exchange.server_nonce) - len(exchange.nonce) >= 22, "a short nonce"


suite.run()
