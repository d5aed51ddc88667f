#!/usr/bin/python3
"""Row 26: an authorization identity other than the user's own."""
from checks import Suite
from scram import Scram
from xmpp_client import AuthFailed, Client

suite = Suite("row 26: nobody acts as another", attack=True)
OTHERS = ("romeo", "romeo@kith.test", "juliet@other.test", "kith.test", "juliet@kith.test.evil",
          "romeo@kith.test/r", "admin@kith.test", "@kith.test", "juliet@", "a b", "x" * 3000,
          "juliet@kith.test@kith.test", "*")
REFUSED = ("invalid-authzid", "not-authorized", "malformed-request")


def opened(server, number=0):
    client = Client(server, source=f"127.0.26.{1 + number}").connect(direct=True)
    client.open()
    return client


def jid_of(client):
    client.open()
    return client.bind().split("/")[0]


@suite.check("PLAIN: another's name as authzid is refused")
def _(server):
    for number, authzid in enumerate(OTHERS):
        with opened(server, number) as client:
            try:
                client.plain("juliet", server.users["juliet"], authzid)
                raise AssertionError(f"acts as {authzid[:30]}")
            except AuthFailed as failed:
                assert failed.condition in REFUSED, f"{authzid[:30]}: {failed.condition}"
                if authzid.startswith("romeo"):
                    assert failed.condition == "invalid-authzid", failed.condition


@suite.check("SCRAM: another's name as authzid is refused")
def _(server):
    for number, authzid in enumerate(OTHERS):
        for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
            with opened(server, 50 + number) as client:
                exchange = Scram(mechanism, "juliet", server.users["juliet"], authzid=authzid)
                try:
                    _, text = client.auth(mechanism, exchange.first())
                    client.respond(exchange.final(text))
                    raise AssertionError(f"acts as {authzid[:30]}")
                except AuthFailed as failed:
                    assert failed.condition in REFUSED, f"{authzid[:30]}: {failed.condition}"


@suite.check("one's own bare JID as authzid is fine, and gives one's own session")
def _(server):
    with opened(server, 200) as client:
        client.plain("juliet", server.users["juliet"], "juliet@kith.test")
        assert jid_of(client) == "juliet@kith.test"
    with opened(server, 200) as client:
        exchange = Scram("SCRAM-SHA-1", "juliet", server.users["juliet"], authzid="juliet@kith.test")
        _, text = client.auth("SCRAM-SHA-1", exchange.first())
        client.respond(exchange.final(text))
        assert jid_of(client) == "juliet@kith.test"


@suite.check("the session belongs to who signed in, whatever the header claims")
def _(server):
    with Client(server, source="127.0.26.202").connect(direct=True) as client:
        claim = " from='romeo@kith.test'"
        client.open(extra=claim)
        client.plain("juliet", server.users["juliet"])
        client.open(extra=claim)
        assert client.bind().split("/")[0] == "juliet@kith.test"


@suite.check("names are prepared: case and width give the same account, not another")
def _(server):
    for name in ("Juliet", "JULIET", "\uff4auliet"):
        with opened(server, 203) as client:
            try:
                client.plain(name, server.users["juliet"])
            except AuthFailed:
                continue
            assert jid_of(client) == "juliet@kith.test", name


@suite.check("a name with a domain, a resource or a NUL is not another user")
def _(server):
    for number, name in enumerate(("romeo@kith.test", "juliet@other.test", "juliet/x", "juliet ",
                                   "jul\u200diet", "")):
        with opened(server, 210 + number) as client:
            try:
                client.plain(name, server.users["juliet"])
                assert jid_of(client) == "juliet@kith.test", name
            except AuthFailed:
                pass


suite.run()
