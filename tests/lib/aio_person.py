"""A person with aioxmpp, who notes what comes, and when the connection goes and is resumed."""
import asyncio
import datetime
import logging
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
import aioxmpp  # noqa: E402  (it warns at import)
import aioxmpp.connector  # noqa: E402
from aioxmpp import JID, PresenceShow, PresenceState  # noqa: E402
from aioxmpp.security_layer import default_ssl_context  # noqa: E402

STEP = 30.0
ROMEO = JID.fromstr("romeo@kith.test")


async def until(condition, what):
    end = asyncio.get_running_loop().time() + STEP
    while not condition():
        assert asyncio.get_running_loop().time() < end, f"{what} never came"
        await asyncio.sleep(0.01)


class Person:
    def __init__(self, server, port):
        def context():
            tls = default_ssl_context()
            tls.load_verify_locations(server.ca)
            return tls
        self.node = aioxmpp.PresenceManagedClient(
            JID.fromstr("juliet@kith.test/aio"),
            aioxmpp.make_security_layer(server.users["juliet"], ssl_context_factory=context),
            override_peer=[(server.host, port, aioxmpp.connector.STARTTLSConnector())])
        self.node.backoff_start = datetime.timedelta(milliseconds=20)
        self.node.backoff_cap = datetime.timedelta(milliseconds=200)
        self.came, self.arrivals, self.losses, self.returns = [], 0, 0, 0
        self.node.summon(aioxmpp.dispatcher.SimpleMessageDispatcher).register_callback(
            None, None, lambda m: self.came.append(m.body.any()) if m.body else None)
        self.node.on_stream_established.connect(lambda: self.count("arrivals"))
        self.node.on_stream_suspended.connect(lambda _why: self.count("losses"))
        self.node.on_stream_resumed.connect(lambda: self.count("returns"))

    def count(self, what):
        setattr(self, what, getattr(self, what) + 1)
        return False

    def say(self, text):
        message = aioxmpp.Message(type_=aioxmpp.MessageType.CHAT, to=ROMEO)
        message.body[None] = text
        return self.node.enqueue(message)

    async def __aenter__(self):
        self.node.presence = PresenceState(True, PresenceShow.NONE)
        await until(lambda: self.arrivals == 1, "the sign-in")
        return self

    async def __aexit__(self, *_):
        self.node.presence = PresenceState(False)
        await until(lambda: not self.node.running, "the end")
