#!/usr/bin/python3
"""aioxmpp loses its connection, again and again, and neither side loses or repeats a message."""
import asyncio

from aio_person import Person, until
from aioxmpp.stream import StanzaState
from checks import Suite
from line import Line
from xmpp_client import Client, body_of

CUTS = 12
suite = Suite("aioxmpp: resumes its session")


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
