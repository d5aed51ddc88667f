#!/usr/bin/python3
"""Row 20: the starttls feature is taken away on the wire; the server must not give in."""
import socket
import ssl
import threading
import warnings

from checks import Suite
from scram import Scram
from stages import first_bytes
from xmpp_client import BIND, TLS, AuthFailed, Client, StreamError

suite = Suite("row 20: without TLS nobody signs in", attack=True)
FEATURE = f"{{{TLS}}}starttls"


@suite.check("before TLS, STARTTLS is required and no mechanism is offered")
def _(server):
    with first_bytes(server) as client:
        features = client.open()
        starttls = features.find(FEATURE)
        assert starttls is not None, "not offered"
        assert starttls.find(f"{{{TLS}}}required") is not None, "not required"
        assert not client.mechanisms(), client.mechanisms()
        assert features.find(f"{{{BIND}}}bind") is None, "bind is offered"


def refusal(client, mechanism, data):
    try:
        client.auth(mechanism, data)
    except AuthFailed as failed:
        return failed.condition
    except StreamError as error:
        return error.condition
    raise AssertionError(f"{mechanism} was let in")


@suite.check("<auth/> before TLS is answered with encryption-required")
def _(server):
    password = server.users["juliet"]
    for mechanism, data in (("PLAIN", f"\0juliet\0{password}".encode()),
                            ("SCRAM-SHA-1", Scram("SCRAM-SHA-1", "juliet", password).first()),
                            ("SCRAM-SHA-256", Scram("SCRAM-SHA-256", "juliet", password).first())):
        with first_bytes(server) as client:
            client.open()
            condition = refusal(client, mechanism, data)
            assert condition == "encryption-required", f"{mechanism}: {condition}"


class Stripper:
    """A man in the middle who hides the starttls feature."""

    def __init__(self, server):
        self.target = (server.host, server.ports["c2s"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.domain, self.users, self.ca = (server.host, server.domain, server.users,
                                                       server.ca)
        self.ports = {"c2s": self.listener.getsockname()[1]}
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        near, _ = self.listener.accept()
        far = socket.create_connection(self.target)
        threading.Thread(target=self._copy, args=(near, far), daemon=True).start()
        self._copy(far, near, True)

    @staticmethod
    def _copy(source, sink, strip=False):
        kept = b""
        while data := Stripper._read(source):
            kept += data
            if strip and b"<starttls" in kept and b"</starttls>" not in kept:
                continue
            if strip and b"<starttls" in kept:
                head, _, tail = kept.partition(b"<starttls")
                kept = head + tail.partition(b"</starttls>")[2]
            sink.sendall(kept)
            kept = b""
        sink.shutdown(socket.SHUT_WR)

    @staticmethod
    def _read(source):
        try:
            return source.recv(65536)
        except OSError:
            return b""


@suite.check("through a proxy that hides the feature, a naive client gets nowhere")
def _(server):
    proxy = Stripper(server)
    with Client(proxy).connect() as client:
        features = client.open()
        assert features.find(FEATURE) is None, "the proxy of this test does not work"
        condition = refusal(client, "PLAIN", f"\0juliet\0{server.users['juliet']}".encode())
        assert condition == "encryption-required", condition


@suite.check("inside TLS, STARTTLS is neither offered nor taken")
def _(server):
    with first_bytes(server) as client:
        client.open()
        features = client.upgrade()
        assert features.find(FEATURE) is None, "offered inside TLS"
        assert client.mechanisms(), "no mechanism inside TLS"
        client.send(f"<starttls xmlns='{TLS}'/>")
        try:
            answer = client.next()
            assert answer.tag == f"{{{TLS}}}failure", answer.tag
        except StreamError:
            pass


@suite.check("a downgrade below TLS 1.2 is refused")
def _(server):
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with first_bytes(server) as client:
            client.open()
            client.send(f"<starttls xmlns='{TLS}'/>")
            client.next()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():  # Python warns of what we are here to try
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
            try:
                context.wrap_socket(client.sock, server_hostname=server.domain)
            except (ssl.SSLError, OSError):
                continue
            raise AssertionError(f"{version} was accepted")


suite.run()
