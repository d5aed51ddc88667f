"""Signing in by XEP-0388, with what goes with it, over the raw client.

A wait is a moment at which the client can say nothing more before the server has spoken: a round
trip. They are counted from the end of the TLS handshake.
"""
import base64
import hashlib
import hmac

from scram import Scram, binding_data
from xmpp_client import AuthFailed, Client, local

SASL2 = "urn:xmpp:sasl:2"
BIND2 = "urn:xmpp:bind:0"
FAST = "urn:xmpp:fast:0"
SM = "urn:xmpp:sm:3"
KINDS = {"HT-SHA-256-EXPR": "tls-exporter", "HT-SHA-256-ENDP": "tls-server-end-point",
         "HT-SHA-256-NONE": None}


def b64(data):
    return base64.b64encode(data).decode()


class QuickClient(Client):
    """waits: how many round trips there were."""

    agent = "d4565fa7-4d72-4749-b3d3-740edbf87770"

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.waits, self.token, self.success, self.exchange = 0, None, None, None
        self.went_on = None  # success, or what came in its place

    def wait_for(self, name):
        self.waits += 1
        return self.expect(name)

    def start(self, user):
        """TLS from the first byte, and the header; nothing is waited for."""
        self.connect(direct=True)
        self.send(self.header(extra=f" from='{user}@{self.domain}'"))

    def authenticate(self, mechanism, data, inside="", agent=None):
        initial = "" if data is None else f"<initial-response>{b64(data)}</initial-response>"
        self.send(f"<authenticate xmlns='{SASL2}' mechanism='{mechanism}'>{initial}"
                  f"<user-agent id='{agent or self.agent}'><software>test</software>"
                  f"<device>here</device></user-agent>{inside}</authenticate>")

    def outcome(self):
        """<success/>; its token is kept. AuthFailed otherwise."""
        self.waits += 1
        answer = self._next_outcome()
        self.success = answer
        found = answer.find(f"{{{FAST}}}token")
        self.token = found.get("token") if found is not None else None
        self.jid = answer.findtext(f"{{{SASL2}}}authorization-identifier")
        return answer

    def _next_outcome(self):
        while True:
            answer = self.next()
            if local(answer) == "features":
                self.features = answer
            elif local(answer) == "failure":
                raise AuthFailed(answer)
            else:
                self.went_on = answer
                assert local(answer) == "success", answer.tag
                return answer

    def by_password(self, user, password, inside="", mechanism="SCRAM-SHA-256"):
        self.start(user)
        self.exchange = exchange = Scram(mechanism, user, password, binding=None, data=b"")
        self.authenticate(mechanism, exchange.first(), inside)
        challenge = self.wait_for("challenge")
        final = exchange.final(base64.b64decode(challenge.text))
        self.send(f"<response xmlns='{SASL2}'>{b64(final)}</response>")
        answer = self.outcome()
        exchange.verify(base64.b64decode(answer.findtext(f"{{{SASL2}}}additional-data")))
        return answer

    def send_token(self, user, token, kind="HT-SHA-256-EXPR", inside="", fast="", agent=None):
        """Returns what proves that the server knows it, too."""
        binding = binding_data(self.sock, KINDS[kind]) if KINDS[kind] else b""

        def proof(word):
            return hmac.new(token.encode(), word + binding, hashlib.sha256).digest()

        self.authenticate(kind, user.encode() + b"\0" + proof(b"Initiator"),
                          f"<fast xmlns='{FAST}'{fast}/>{inside}", agent)
        return proof(b"Responder")

    def by_token(self, user, token, **more):
        self.start(user)
        wanted = self.send_token(user, token, **more)
        answer = self.outcome()
        told = base64.b64decode(answer.findtext(f"{{{SASL2}}}additional-data"))
        assert told == wanted, "the server does not know the token"
        return answer
