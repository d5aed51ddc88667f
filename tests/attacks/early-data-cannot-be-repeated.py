#!/usr/bin/python3
"""XEP-0484 in early data of TLS: no round trip at all, and nothing for who repeats what another sent."""
import hashlib
import hmac
import os
import select
import socket
import subprocess
import tempfile
import threading

from checks import Suite
from kith_server import make_server, wait_until
from sasl2 import BIND2, FAST, KINDS, SASL2, SM, QuickClient, b64
from scram import binding_data
from xmpp_client import Client, local

STEP = 20.0
suite = Suite("early data cannot be repeated", users={"juliet": "r0m30", "romeo": "b4lc0ny"},
              settings={"c2s.tls_tickets": "yes", "c2s.tls_early_data": "yes",
                        "auth.failures": "1000"}, attack=True)
files = tempfile.TemporaryDirectory(prefix="kith-test-")
counter = iter(range(1, 1000))
BIND = f"<bind xmlns='{BIND2}'><tag>early</tag></bind>"
ENABLE = f"<bind xmlns='{BIND2}'><tag>early</tag><enable xmlns='{SM}' resume='true'/></bind>"


class Relay:
    """Between a client and the server; what goes up or down can be held back, and is kept."""

    def __init__(self, server):
        self.up, self.down = threading.Event(), threading.Event()
        self.up.set()
        self.sent, self.passed_down = bytearray(), 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.server = socket.create_connection((server.host, server.ports["c2s_tls"]))
        self.client = None
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            self.client, _ = self.listener.accept()
            threading.Thread(target=self._pass_down, daemon=True).start()
            while chunk := self.client.recv(65536):
                self.up.wait()
                self.sent += chunk
                self.server.sendall(chunk)
        except OSError:
            pass

    def _pass_down(self):
        try:
            while chunk := self.server.recv(65536):
                self.down.wait()
                self.passed_down += len(chunk)
                self.client.sendall(chunk)
            self.client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self):
        self.up.set()
        self.down.set()
        for sock in (self.listener, self.server, self.client):
            try:
                sock.shutdown(socket.SHUT_RDWR)  # a thread may be reading from it
            except (OSError, AttributeError):
                pass
            if sock is not None:
                sock.close()


class Tls:
    """openssl s_client, which keeps tickets and sends early data."""

    def __init__(self, server, port, *options):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", server.domain,
             "-CAfile", server.ca, "-alpn", "xmpp-client", "-tls1_3", "-quiet", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.heard = ""

    def wait(self, word):
        def has_come():
            if select.select([self.process.stdout], [], [], 0.02)[0]:
                self.heard += os.read(self.process.stdout.fileno(), 65536).decode()
            return word in self.heard
        wait_until(has_come, STEP, f"{word} in {self.heard!r}")

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def ticket(server):
    """The file of a fresh one."""
    name = os.path.join(files.name, f"ticket-{next(counter)}")
    client = Tls(server, server.ports["c2s_tls"], "-sess_out", name)
    client.send(header(server))
    client.wait("features")
    wait_until(lambda: os.path.exists(name) and os.path.getsize(name) > 0, STEP, "a ticket")
    client.close()
    return name


def header(server):
    return (f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='{server.domain}' "
            f"from='juliet@{server.domain}' xmlns:stream='http://etherx.jabber.org/streams' "
            "version='1.0'>")


def get_token(server, kind="HT-SHA-256-ENDP"):
    with QuickClient(server) as client:
        client.by_password("juliet", server.users["juliet"],
                           f"<request-token xmlns='{FAST}' mechanism='{kind}'/>")
        fast = client.features.find(f".//{{{FAST}}}fast")
        assert fast.get("tls-0rtt") == "true", "it is not announced"
        return client.token, binding_data(client.sock, KINDS[kind]) if KINDS[kind] else b""


def authenticate(token, count, kind="HT-SHA-256-ENDP", inside=BIND):
    secret, binding = token
    proof = hmac.digest(secret.encode(), b"Initiator" + binding, hashlib.sha256)
    counted = "" if count is None else f" count='{count}'"
    return (f"<authenticate xmlns='{SASL2}' mechanism='{kind}'><initial-response>"
            f"{b64(b'juliet' + bytes(1) + proof)}</initial-response>"
            f"<user-agent id='{QuickClient.agent}'/><fast xmlns='{FAST}'{counted}/>{inside}"
            "</authenticate>")


class Early:
    """A client whose early data went up, while nothing has come down yet."""

    def __init__(self, server, text):
        name = os.path.join(files.name, f"early-{next(counter)}")
        with open(name, "w", encoding="utf-8") as file:
            file.write(header(server) + text)
        known = ticket(server)
        self.relay = Relay(server)
        self.tls = Tls(server, self.relay.port, "-sess_in", known, "-early_data", name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tls.close()
        self.relay.close()

    def hold_what_follows(self):
        """Returns all that was sent before the server was heard; then it is, without an answer."""
        self.relay.up.clear()
        first = bytes(self.relay.sent)
        self.relay.down.set()
        return first


def sessions(server):
    """Beside those of the bystanders."""
    return server.gauge("sessions") - 2


def wait_sessions(server, number):
    wait_until(lambda: sessions(server) == number, STEP, f"{number} sessions")


def get_token_alone(server, kind="HT-SHA-256-ENDP"):
    token = get_token(server, kind)
    wait_sessions(server, 0)
    return token


@suite.check("a client is signed in before it has heard a single byte; then it goes on as ever")
def _(server):
    token = get_token_alone(server)
    with Client.login(server, "romeo", presence=True) as romeo:
        for count in range(1, 7):  # with three shards, some find their home at once
            wait_sessions(server, 1)
            with Early(server, authenticate(token, count, inside=ENABLE)) as early:
                wait_sessions(server, 2)
                assert early.relay.passed_down == 0, "the client was told something before"
                early.hold_what_follows()
                early.tls.wait("</success>")
                assert "<bound" in early.tls.heard and "<enabled" in early.tls.heard
                jid = early.tls.heard.split("<authorization-identifier>")[1].split("<")[0]
                romeo.message(jid, f"before the handshake is over {count}")
                early.tls.wait(f"before the handshake is over {count}")
                early.relay.up.set()
                early.tls.send(f"<message to='{romeo.jid}' type='chat'><body>and after {count}"
                               "</body></message>")
                romeo.expect_body(f"and after {count}")
                early.tls.send("</stream:stream>")
                early.tls.wait("</stream:stream>")
    return "zero round trips beyond those of TLS"


@suite.check("a session that was lost is back, with what it missed, before a byte was heard")
def _(server):
    token = get_token_alone(server)
    with Client.login(server, "romeo", presence=True) as romeo:
        with QuickClient(server) as client:
            client.by_token("juliet", token[0], kind="HT-SHA-256-ENDP", inside=ENABLE)
            known = client.success.find(f".//{{{SM}}}enabled").get("id")
            client.reset()
        romeo.message(client.jid, "are you there?")
        romeo.ping()
        resume = f"<resume xmlns='{SM}' previd='{known}' h='0'/>"
        resumed = server.log().count("session resumed")
        with Early(server, authenticate(token, 1, inside=resume)) as early:
            wait_until(lambda: server.log().count("session resumed") > resumed, STEP, "it")
            assert early.relay.passed_down == 0, "the client was told something before"
            early.hold_what_follows()
            early.tls.wait("are you there?")
            assert early.tls.heard.index("<resumed") < early.tls.heard.index("are you there?")
            early.relay.up.set()
            early.tls.send(f"<message to='{romeo.jid}' type='chat'><body>yes</body></message>")
            romeo.expect_body("yes")
            early.tls.send("</stream:stream>")
            early.tls.wait("</stream:stream>")


@suite.check("what is repeated signs nobody in, and the session that is there stays")
def _(server):
    token = get_token_alone(server)
    with Early(server, authenticate(token, 1)) as early, Client.login(server, "romeo") as romeo:
        wait_sessions(server, 2)
        first = early.hold_what_follows()
        early.relay.up.set()
        early.tls.wait("</success>")
        jid = early.tls.heard.split("<authorization-identifier>")[1].split("<")[0]
        for number in range(1, 6):
            with socket.create_connection((server.host, server.ports["c2s_tls"])) as again:
                again.sendall(first)
                wait_until(lambda n=number: server.log().count("was counted before") >= n, STEP,
                           "a refusal")
        assert sessions(server) == 2, sessions(server)
        romeo.message(jid, "still there?")
        early.tls.wait("still there?")


@suite.check("what stands behind the sign-in waits until the handshake is over")
def _(server):
    token = get_token_alone(server)
    with Client.login(server, "romeo") as romeo:
        text = f"<message to='{romeo.jid}' type='chat'><body>hasty</body></message>"
        with Early(server, authenticate(token, 1) + text) as early:
            wait_sessions(server, 2)
            early.hold_what_follows()
            early.tls.wait("</success>")
            romeo.ping()
            assert not [e for e in romeo.waiting if local(e) == "message"], "it was sent"
            early.relay.up.set()
            romeo.expect_body("hasty")


@suite.check("who never finishes the handshake has no session for long")
def _(server):
    token = get_token_alone(server)
    with Early(server, authenticate(token, 1)) as early:
        wait_sessions(server, 1)
        early.hold_what_follows()
        wait_sessions(server, 0)


@suite.check("nothing else is taken as early data")
def _(server):
    expr, none = get_token(server, "HT-SHA-256-EXPR"), get_token(server, "HT-SHA-256-NONE")
    plain = f"\0juliet\0{server.users['juliet']}".encode()
    for text in (authenticate(none, None, "HT-SHA-256-NONE"),
                 authenticate(none, 0, "HT-SHA-256-NONE"),
                 authenticate(expr, 1, "HT-SHA-256-EXPR"),
                 f"<authenticate xmlns='{SASL2}' mechanism='PLAIN'><initial-response>{b64(plain)}"
                 "</initial-response></authenticate>",
                 f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{b64(plain)}"
                 "</auth>"):
        with Early(server, text) as early:
            early.relay.down.set()
            early.tls.wait("<not-authorized")
            assert "<success" not in early.tls.heard, early.tls.heard
    for text in ("<presence/>", "<iq type='get' id='a'><query xmlns='jabber:iq:register'/></iq>",
                 f"<abort xmlns='{SASL2}'/>", "</stream:stream>"):
        with Early(server, text) as early:
            early.relay.down.set()
            wait_until(lambda e=early: e.tls.process.poll() is not None, STEP, "the end")
    assert sessions(server) == 0


@suite.check("after a refusal one may sign in as ever, once the handshake is over")
def _(server):
    token = get_token_alone(server, "HT-SHA-256-NONE")
    with Early(server, authenticate(token, None, "HT-SHA-256-NONE")) as early:
        early.relay.down.set()
        early.tls.wait("<not-authorized")
        early.tls.send(authenticate(token, None, "HT-SHA-256-NONE"))
        early.tls.wait("</success>")
        wait_sessions(server, 1)


@suite.check("without the option it is neither announced nor taken")
def _(_server):
    with make_server(users={"juliet": "x"}, settings={"c2s.tls_tickets": "yes"}) as server:
        with QuickClient(server) as client:
            client.by_password("juliet", "x")
            assert client.features.find(f".//{{{FAST}}}fast").get("tls-0rtt") is None


suite.run()
