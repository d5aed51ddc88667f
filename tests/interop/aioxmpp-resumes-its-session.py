#!/usr/bin/python3
"""aioxmpp loses its connection, again and again, and neither side loses or repeats a message."""
import asyncio
import datetime
import logging
import warnings

from checks import Suite
from line import Line
from xmpp_client import Client, body_of

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
import aioxmpp  # noqa: E402  (it warns at import)
import aioxmpp.connector  # noqa: E402
from aioxmpp import JID, PresenceShow, PresenceState  # noqa: E402
from aioxmpp.security_layer import default_ssl_context  # noqa: E402
from aioxmpp.stream import StanzaState  # noqa: E402

STEP = 30.0
CUTS = 12
ROMEO = JID.fromstr("romeo@kith.test")
suite = Suite("aioxmpp: resumes its session")


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


def heard(romeo, count):
    """What he got, in order, as far as it came."""
    texts = []
    while len(texts) < count:
        texts.append(body_of(romeo.expect("message", lambda m: body_of(m) is not None)))
    return texts


async def in_and_out(server, line, romeo, juliet):
    """Messages both ways before, while and after the line is cut, many times."""
    said, sent = [], []
    for number in range(CUTS):
        for moment in ("before", "while", "after"):
            if moment == "while":
                losses = juliet.losses
                line.cut()
                await until(lambda losses=losses: juliet.losses > losses, "the loss")
            elif moment == "after":
                returns = juliet.returns
                await line.mend()
                await until(lambda returns=returns: juliet.returns > returns, "the return")
            said.append(f"juliet {number} {moment}")
            token = juliet.say(said[-1])
            # A connection that goes while it takes from its queue is the end of it.
            if moment != "while":
                await until(lambda token=token: token.state != StanzaState.ACTIVE, "a sending")
            sent.append(f"romeo {number} {moment}")
            romeo.message("juliet@kith.test", sent[-1])
    await until(lambda: len(juliet.came) >= len(sent), "his last message")
    assert juliet.came == sent, [text for text in juliet.came if juliet.came.count(text) > 1]
    texts = await asyncio.get_running_loop().run_in_executor(None, heard, romeo, len(said))
    assert texts == said, texts
    assert juliet.arrivals == 1 and juliet.returns == juliet.losses, "it began anew"
    assert server.gauge("sessions_resumed_total") >= CUTS


async def run(server):
    async with Line(server.host, server.ports["c2s"]) as line:
        with Client.login(server, "romeo", "r", presence=True) as romeo:
            async with Person(server, line.port) as juliet:
                await in_and_out(server, line, romeo, juliet)
            romeo.ping()
            assert not romeo.waiting or all(body_of(m) is None for m in romeo.waiting), "more came"


@suite.check("the line is cut twelve times, in between both write: all comes, once and in order")
def _(server):
    asyncio.run(run(server))


suite.run()
