#!/usr/bin/python3
"""Row 24: mechanisms that were not offered."""
from checks import Suite
from stages import BEFORE_LOGIN, first_bytes
from xmpp_client import SASL, AuthFailed, Client, StreamError

suite = Suite("row 24: only offered mechanisms work", attack=True)
NEVER = ("ANONYMOUS", "EXTERNAL", "DIGEST-MD5", "CRAM-MD5", "LOGIN", "NTLM", "GSSAPI", "X-OAUTH2",
         "OAUTHBEARER", "plain", "Plain", "scram-sha-1", "SCRAM-MD5", "SCRAM-SHA-1-PLUS-PLUS", "",
         " PLAIN", "PLAIN ", "PLAIN\n", "PLAI", "PLAINX", "A" * 2000, "caf\u00e9", "-PLUS")


def answer_to(client, mechanism, text="="):
    client.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{text}</auth>")
    try:
        client.sasl_answer()
    except AuthFailed as failed:
        return failed.condition
    except StreamError as error:
        return f"stream error {error.condition}"
    return "something else"


for place, reach in BEFORE_LOGIN[1:]:
    @suite.check(f"{place}, each is an invalid-mechanism")
    def _(server, reach=reach):
        for mechanism in NEVER:
            with reach(server) as client:
                assert mechanism not in client.mechanisms(), f"{mechanism} is offered"
                condition = answer_to(client, mechanism)
                assert condition == "invalid-mechanism", f"{mechanism[:20]!r}: {condition}"


@suite.check("before TLS, each is refused")
def _(server):
    for mechanism in NEVER + ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"):
        with first_bytes(server) as client:
            client.open()
            condition = answer_to(client, mechanism)
            assert condition in ("invalid-mechanism", "encryption-required"), \
                f"{mechanism[:20]!r}: {condition}"


@suite.check("auth without a mechanism is refused")
def _(server):
    with Client(server).connect(direct=True) as client:
        client.open()
        client.send(f"<auth xmlns='{SASL}'/>")
        try:
            client.sasl_answer()
        except AuthFailed as failed:
            assert failed.condition in ("invalid-mechanism", "malformed-request"), failed.condition
        except StreamError:
            pass


BROKEN = {
    "base64 that is none": ("PLAIN", "!!!!", "incorrect-encoding"),
    "base64 with a wrong length": ("PLAIN", "QUJD=", "incorrect-encoding"),
    "base64 with bits left over": ("PLAIN", "QR==", "incorrect-encoding"),
    "white space in base64": ("PLAIN", "QUJD QUJD", "incorrect-encoding"),
    "PLAIN without separators": ("PLAIN", "QUJD", "malformed-request"),
    "PLAIN with an empty user": ("PLAIN", "AABi", "malformed-request"),
    "PLAIN with four parts": ("PLAIN", "AGEAYgBj", "malformed-request"),
    "SCRAM without a nonce": ("SCRAM-SHA-1", "biwsbj1h", "malformed-request"),
    "SCRAM with an extension": ("SCRAM-SHA-1", "biwsbT14LG49YSxyPWI=", "malformed-request"),
    "SCRAM without a gs2 header": ("SCRAM-SHA-1", "bj1hLHI9Yg==", "malformed-request"),
    "SCRAM with a broken escape": ("SCRAM-SHA-1", "biwsbj1hPTJELHI9Yg==", "malformed-request"),
}
LENIENT = ("not-authorized", "malformed-request", "incorrect-encoding")

for what, (mechanism, text, condition) in BROKEN.items():
    @suite.check(f"{what}: {condition}")
    def _(server, mechanism=mechanism, text=text, condition=condition):
        with Client(server).connect(direct=True) as client:
            client.open()
            got = answer_to(client, mechanism, text)
            assert got == condition or got in LENIENT, got
            return got


@suite.check("<response/> before <auth/>, <abort/>, and a second <auth/> are handled")
def _(server):
    with Client(server).connect(direct=True) as client:
        client.open()
        client.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>biwsbj1qdWxpZXQscj1hYmNkZWY=</auth>")
        assert client.sasl_answer()[0] == "challenge"
        client.send(f"<abort xmlns='{SASL}'/>")
        try:
            client.sasl_answer()
            raise AssertionError("no failure after <abort/>")
        except AuthFailed as failed:
            assert failed.condition == "aborted", failed.condition
        client.sign_in("juliet", server.users["juliet"], "SCRAM-SHA-1")
        client.bind()
    for first in (f"<response xmlns='{SASL}'>QUJD</response>", f"<abort xmlns='{SASL}'/>"):
        with Client(server).connect(direct=True) as client:
            client.open()
            client.send(first)
            try:
                client.sasl_answer()
                raise AssertionError("taken without <auth/>")
            except (AuthFailed, StreamError):
                pass


@suite.check("after success a second <auth/> is refused")
def _(server):
    with Client(server).connect(direct=True) as client:
        client.open()
        client.plain("juliet", server.users["juliet"])
        client.open()
        assert not client.mechanisms(), "offered again"
        try:
            client.plain("romeo", server.users["romeo"])
            raise AssertionError("signed in twice")
        except (AuthFailed, StreamError):
            pass


suite.run()
