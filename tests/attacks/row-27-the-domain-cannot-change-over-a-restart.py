#!/usr/bin/python3
"""Row 27: sign in at one domain of the server, restart the stream for the other."""
from checks import Suite
from stages import refused
from xmpp_client import AuthFailed, Client, Closed, StreamError

OTHER = "other.test"
suite = Suite("row 27: the domain cannot change over a restart", attack=True, domains=[OTHER])
REFUSED = ["host-unknown", "not-authorized", "invalid-from", "improper-addressing",
           "policy-violation", "conflict"]


def signed_in(server, mechanism="SCRAM-SHA-1", direct=True):
    client = Client(server).connect(direct=direct)
    client.open()
    if not direct:
        client.upgrade()
    if mechanism == "PLAIN":
        client.plain("juliet", server.users["juliet"])
    else:
        client.scram(mechanism, "juliet", server.users["juliet"])
    client.reader = type(client.reader)()
    return client


@suite.check("the other domain exists")
def _(server):
    with Client(server).connect() as client:
        client.open(to=OTHER)
        assert client.reader.header.get("from") == OTHER


for mechanism in ("SCRAM-SHA-1", "PLAIN"):
    for direct in (True, False):
        @suite.check(f"after {mechanism} over {'direct TLS' if direct else 'STARTTLS'}: refused")
        def _(server, mechanism=mechanism, direct=direct):
            client = signed_in(server, mechanism, direct)
            refused(client, client.header(to=OTHER), REFUSED)


@suite.check("an unknown domain after sign-in: host-unknown")
def _(server):
    client = signed_in(server)
    refused(client, client.header(to="elsewhere.test"), ["host-unknown", "not-authorized"])


@suite.check("no domain after sign-in is the same domain, or an error")
def _(server):
    with signed_in(server) as client:
        client.send(client.header().replace(f" to=\"{server.domain}\"", ""))
        try:
            client.features = client.next()
            assert client.bind().split("@")[1].startswith(server.domain)
        except StreamError:
            pass


@suite.check("a domain changed between STARTTLS and sign-in gives no session of another")
def _(server):
    with Client(server).connect() as client:
        client.open(to=server.domain)
        client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        client.next()
        client.start_tls()
        try:
            client.open(to=OTHER)
            client.plain("juliet", server.users["juliet"])
            client.open(to=OTHER)
            assert client.bind().split("/")[0] == f"juliet@{OTHER}"
        except (StreamError, AuthFailed, Closed):
            pass


@suite.check("the same domain in other letters is the same")
def _(server):
    with signed_in(server) as client:
        client.open(to=server.domain.upper())
        assert client.bind().split("/")[0] == f"juliet@{server.domain}"


suite.run()
