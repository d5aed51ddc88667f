#!/usr/bin/python3
"""XEP-0480: a client makes keys for better hashes, for an account that came without them."""
import base64
import hashlib
import hmac
import tempfile

from checks import Suite
from sasl2 import BIND2, FAST, SASL2, QuickClient, b64
from scram import HASHES, salted_password
from xmpp_client import AuthFailed, Client, StreamError, local

UPGRADE, TASK = "urn:xmpp:sasl:upgrade:0", "urn:xmpp:scram-upgrade:0"
PASSWORD, SALT, OLD_ROUNDS, ROUNDS = "old and good", b"0123456789abcdef", 4096, 5000
suite = Suite("old accounts get better keys", users={"romeo": "b4lc0ny"},
              settings={"auth.iterations": str(ROUNDS), "auth.failures": "1000"})
BOTH = ("SCRAM-SHA-256", "SCRAM-SHA-512")


def wish(*mechanisms):
    return "".join(f"<upgrade xmlns='{UPGRADE}'>UPGR-{name}</upgrade>" for name in mechanisms)


def move_in(server, name, rounds=OLD_ROUNDS):
    """An account that had keys for SHA-1 only, where it comes from."""
    salted = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), SALT, rounds)
    stored = hashlib.sha1(hmac.digest(salted, b"Client Key", "sha1")).digest()
    told = ",".join(b64(key) for key in (stored, hmac.digest(salted, b"Server Key", "sha1"), SALT))
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(f"<?xml version='1.0'?><server-data xmlns='urn:xmpp:pie:0'><host "
                   f"jid='{server.domain}'><user name='{name}' password='scram:{told},{rounds}'/>"
                   "</host></server-data>")
        file.flush()
        server.must("user", "import-xml", file.name)
    server.users[name] = PASSWORD


def signs_in(server, name, mechanism, password=PASSWORD):
    try:
        Client.login(server, name, mechanism=mechanism, password=password).close()
    except AuthFailed as failed:
        assert failed.condition == "not-authorized", failed.condition
        return False
    return True


class Upgrading(QuickClient):
    """Up to the first <continue/> by SCRAM; then task by task."""

    def begin(self, name, *mechanisms, inside="", mechanism="SCRAM-SHA-1"):
        """What came: continue, or success."""
        try:
            self.by_password(name, PASSWORD, wish(*mechanisms) + inside, mechanism)
            return "success"
        except AssertionError as other:
            assert str(other) == f"{{{SASL2}}}continue", other
        return "continue"

    def next_outcome(self):
        while True:
            answer = self.next()
            if local(answer) == "failure":
                raise AuthFailed(answer)
            if local(answer) != "features":
                return answer

    def take(self, mechanism):
        self.send(f"<next xmlns='{SASL2}' task='UPGR-{mechanism}'/>")
        answer = self.next_outcome()
        assert answer.tag == f"{{{SASL2}}}task-data", answer.tag
        salt = answer.find(f"{{{TASK}}}salt")
        return base64.b64decode(salt.text), int(salt.get("iterations"))

    def give(self, data):
        self.send(f"<task-data xmlns='{SASL2}'><hash xmlns='{TASK}'>{b64(data)}</hash></task-data>")
        return self.next_outcome()

    def do(self, mechanism, password=PASSWORD):
        salt, rounds = self.take(mechanism)
        assert rounds == ROUNDS and len(salt) == 16, (rounds, salt)
        return self.give(salted_password(HASHES[mechanism], password, salt, rounds))


def offered(answer):
    return [task.text for task in answer.iter(f"{{{SASL2}}}task")]


def refused(server, name, *steps):
    """The condition after what a client does wrong, which changes nothing."""
    with Upgrading(server) as client:
        assert client.begin(name, "SCRAM-SHA-256") == "continue"
        try:
            for step in steps:
                step(client)
        except (AuthFailed, StreamError) as failed:
            return failed.condition
        return "nothing"


@suite.check("both tasks are offered, done one after the other, and the new keys let their owner in")
def _(server):
    move_in(server, "nurse")
    assert [signs_in(server, "nurse", name) for name in HASHES] == [True, False, False]
    with Upgrading(server) as client:
        assert client.begin("nurse", *BOTH, inside=f"<bind xmlns='{BIND2}'/>") == "continue"
        told = [child.text for child in client.features.iter(f"{{{UPGRADE}}}upgrade")]
        assert sorted(told) == [f"UPGR-{name}" for name in BOTH], told
        assert offered(client.went_on) == ["UPGR-SCRAM-SHA-512"], offered(client.went_on)
        client.exchange.verify(base64.b64decode(
            client.went_on.findtext(f"{{{SASL2}}}additional-data")))
        second = client.do("SCRAM-SHA-512")
        assert offered(second) == ["UPGR-SCRAM-SHA-256"], second
        assert second.find(f"{{{SASL2}}}additional-data") is None
        done = client.do("SCRAM-SHA-256")
        assert local(done) == "success" and done.find(f"{{{SASL2}}}additional-data") is None
        assert done.find(f"{{{BIND2}}}bound") is not None, "what was asked for is forgotten"
    assert all(signs_in(server, "nurse", name) for name in HASHES)
    assert not any(signs_in(server, "nurse", name, "wrong") for name in HASHES)


@suite.check("who has good keys is let in at once, and fewer rounds are worth a task")
def _(server):
    with Upgrading(server) as client:
        assert client.begin("nurse", *BOTH) == "success"
    move_in(server, "few")
    with Upgrading(server) as client:
        assert client.begin("few", "SCRAM-SHA-256", "SCRAM-MD5") == "continue"
        assert local(client.do("SCRAM-SHA-256")) == "success"
    with Upgrading(server) as client:
        assert client.begin("few") == "success"


@suite.check("what is not the task that is offered ends the sign-in, and changes nothing")
def _(server):
    move_in(server, "peter")
    short = [lambda c: c.take("SCRAM-SHA-256"), lambda c: c.give(b"x" * 31)]
    malformed = (short, [lambda c: c.take("SCRAM-SHA-512")], [lambda c: c.give(b"x" * 32)],
                 [lambda c: c.take("SCRAM-SHA-256"), lambda c: c.take("SCRAM-SHA-256")],
                 [lambda c: c.send(f"<response xmlns='{SASL2}'/>"), lambda c: c.next_outcome()])
    for steps in malformed:
        assert refused(server, "peter", *steps) == "malformed-request"
    heard = refused(server, "peter", lambda c: c.send(f"<abort xmlns='{SASL2}'/>"),
                    lambda c: c.next_outcome())
    assert heard == "aborted", heard
    for other in (f"<authenticate xmlns='{SASL2}' mechanism='PLAIN'/>", "<presence/>",
                  "<iq type='get' id='a'><ping xmlns='urn:xmpp:ping'/></iq>"):
        heard = refused(server, "peter", lambda c, text=other: c.send(text),
                        lambda c: c.next_outcome(), lambda c: c.next_outcome())
        assert heard in ("policy-violation", "not-authorized"), heard
    assert not signs_in(server, "peter", "SCRAM-SHA-256")


@suite.check("after a task that failed one may sign in on the same stream, as oneself")
def _(server):
    with Upgrading(server) as client:
        assert client.begin("peter", "SCRAM-SHA-256") == "continue"
        client.send(f"<abort xmlns='{SASL2}'/>")
        try:
            client.next_outcome()
        except AuthFailed as failed:
            assert failed.condition == "aborted"
        plain = b"\0peter\0" + PASSWORD.encode()
        client.authenticate("PLAIN", plain)
        assert local(client.next_outcome()) == "success"


@suite.check("a password that is changed during the task is not undone by it")
def _(server):
    move_in(server, "sampson")
    with Upgrading(server) as client:
        assert client.begin("sampson", "SCRAM-SHA-256") == "continue"
        done = server.ctl("user", "passwd", "sampson", input="n3w\n")
        assert done.returncode == 0, done.stderr
        try:
            client.do("SCRAM-SHA-256")
        except AuthFailed as failed:
            assert failed.condition == "temporary-auth-failure", failed.condition
        else:
            raise AssertionError("let in by the old password")
    assert signs_in(server, "sampson", "SCRAM-SHA-256", "n3w")
    assert not signs_in(server, "sampson", "SCRAM-SHA-256")


@suite.check("a token gives no new keys")
def _(server):
    move_in(server, "gregory")
    with QuickClient(server) as client:
        client.by_password("gregory", PASSWORD, f"<request-token xmlns='{FAST}' "
                           "mechanism='HT-SHA-256-EXPR'/>", "SCRAM-SHA-1")
        token = client.token
    with QuickClient(server) as client:
        client.by_token("gregory", token, inside=wish(*BOTH))
    assert not signs_in(server, "gregory", "SCRAM-SHA-256")


suite.run()
