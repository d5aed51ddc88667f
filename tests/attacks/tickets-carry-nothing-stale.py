#!/usr/bin/python3
"""TLS tickets: resumed on any shard, right channel bindings, gone with their certificate, no stale client."""
import os
import pathlib
import signal
import ssl
import subprocess

from checks import Suite
from kith_server import Kith, wait_until
from xmpp_client import Client, trust

suite = Suite("tickets carry nothing stale", settings={"server.shards": "3", "c2s.tls_tickets": "yes"})
ROUNDS = 24  # with three shards, a connection that finds its first one by luck proves nothing


class Resuming(Client):
    """A client that keeps its ticket; on port 5223, so that TLS begins at once."""

    def __init__(self, server, context, session=None):
        super().__init__(server)
        self.context, self.session = context, session

    def start_tls(self, alpn=None):
        self.sock = self.context.wrap_socket(self.sock, server_hostname=self.server.domain,
                                             session=self.session)

    def begin(self):
        """Connects and opens a stream; the ticket comes before the features."""
        self.connect(direct=True)
        self.open()
        return self


def context_for(server, version=ssl.TLSVersion.TLSv1_3, certificate=None):
    context = trust(server)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["xmpp-client"])
    if certificate:
        context.load_cert_chain(*certificate)
    return context


def begin(server, context, session=None):
    return Resuming(server, context, session).begin()


def ticket_of(server, context):
    with begin(server, context) as client:
        assert not client.sock.session_reused
        return client.sock.session


@suite.check("a ticket of one shard is good on all")
def _(server):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = context_for(server, version)
        session = ticket_of(server, context)
        assert session.has_ticket
        for _ in range(ROUNDS):
            with begin(server, context, session) as client:
                assert client.sock.session_reused, f"{version.name}: a full handshake"
                session = client.sock.session


@suite.check("channel bindings are those of the resumed connection")
def _(server):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = context_for(server, version)
        session = ticket_of(server, context)
        with begin(server, context, session) as client:
            assert client.sock.session_reused and client.bindings()
            kinds = client.bindings()
        for kind in kinds:
            with begin(server, context, session) as client:
                assert client.sock.session_reused
                client.scram("SCRAM-SHA-256-PLUS", "juliet", suite.users["juliet"], kind)


@suite.check("a bent ticket is a full handshake")
def _(server):
    context = context_for(server)
    with Kith(settings={"c2s.tls_tickets": "yes"}) as other:
        foreign = context_for(other)
        foreign.load_verify_locations(server.ca)
        session = ticket_of(other, foreign)
        foreign.check_hostname = False
        with begin(server, foreign, session) as client:
            assert not client.sock.session_reused
    ticket_of(server, context)


@suite.check("a renewed certificate ends the tickets of the old one")
def _(server):
    context = context_for(server)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    session = ticket_of(server, context)
    where = pathlib.Path(server.own_dir)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=new", "-days", "2",
                    "-addext", f"subjectAltName=DNS:{server.domain}",
                    "-keyout", where / "key", "-out", where / "cert"],
                   check=True, capture_output=True)
    for new, old in (("cert", "cert.pem"), ("key", "key.pem")):
        os.replace(where / new, pathlib.Path(server.dir, old))
    os.kill(server.pid, signal.SIGHUP)
    wait_until(lambda: "are read anew" in server.log(), 10, "the renewal")
    for _ in range(ROUNDS):
        with begin(server, context, session) as client:
            assert not client.sock.session_reused
            fresh = client.sock.session
    with begin(server, context, fresh) as client:
        assert client.sock.session_reused


def make_client_certificate(where):
    address = "otherName:1.3.6.1.5.5.7.8.5;UTF8:juliet@kith.test"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=juliet", "-days", "2",
                    "-addext", f"subjectAltName={address}", "-keyout", where / "juliet.key",
                    "-out", where / "juliet.pem"], check=True, capture_output=True)
    return where / "juliet.pem", where / "juliet.key"


@suite.check("who may sign in by certificate gets no ticket, and shows it each time")
def _(server):
    where = pathlib.Path(server.own_dir)
    certificate = make_client_certificate(where)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with Kith(users={"juliet": "x"}, settings={"auth.external": "yes", "c2s.tls_tickets": "yes",
                                                   "c2s.client_ca": str(certificate[0])}) as strict:
            context = context_for(strict, version, certificate)
            with begin(strict, context) as client:
                assert "EXTERNAL" in client.mechanisms(), client.mechanisms()
                session = client.sock.session
                assert not session.has_ticket, "it got a ticket"
            with begin(strict, context, session) as client:
                assert not client.sock.session_reused
                assert "EXTERNAL" in client.mechanisms(), client.mechanisms()


@suite.check("without the option there are no tickets")
def _(_server):
    with Kith() as plain:
        context = context_for(plain)
        session = ticket_of(plain, context)
        with begin(plain, context, session) as client:
            assert not client.sock.session_reused


suite.run()
