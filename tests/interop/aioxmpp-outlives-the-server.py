#!/usr/bin/python3
"""The server is restarted and killed under aioxmpp, and its session goes on: nothing is lost, nothing comes twice."""
import asyncio
import tempfile

from aio_person import Person, until
from aioxmpp.stream import StanzaState
from checks import Suite
from kith_server import free_port
from xmpp_client import Client, body_of

KILLS = 16
MOMENT = 0.0004  # seconds
SM = "urn:xmpp:sm:3"
folder = tempfile.TemporaryDirectory(prefix="kith-test-")
suite = Suite("aioxmpp: outlives the server", directory=folder.name, settings={"c2s.port": str(free_port()), "archive.on": "yes"})


def says(server, texts):
    """Romeo signs in, writes to juliet, and waits until the server has said that it has all of it."""
    with Client.login(server, "romeo") as romeo:
        romeo.send(f"<enable xmlns='{SM}'/>")
        romeo.expect("enabled")
        for text in texts:
            romeo.message("juliet@kith.test", text)
        romeo.send(f"<r xmlns='{SM}'/>")
        while int(romeo.expect("a").get("h")) < len(texts):
            pass


def hears(server, count):
    """What waits for romeo, in its order, and what is in his archive."""
    with Client.login(server, "romeo", presence=True) as romeo:
        texts = []
        while len(texts) < count:
            texts.append(body_of(romeo.expect("message", lambda m: body_of(m) is not None)))
        romeo.ping()
        assert not any(body_of(m) for m in romeo.waiting), "more came"
        return texts


def begin_anew(server, number):
    """By turns in order, and not. In this thread, with which the server would end."""
    if number % 2 == 0:
        server.kill()
    else:
        server.stop()
    server.start()


async def live(server, juliet):
    loop = asyncio.get_running_loop()
    heard, said = [], []
    for number in range(KILLS):
        texts = [f"romeo {number} {i}" for i in range(5)]
        await loop.run_in_executor(None, says, server, texts)
        heard += texts
        # These are on their way, or are not, when the server dies; he is away, so they wait for him.
        tokens = [juliet.say(f"juliet {number} {i}") for i in range(5)]
        said += [f"juliet {number} {i}" for i in range(5)]
        await until(lambda tokens=tokens: all(t.state != StanzaState.ACTIVE for t in tokens), "a sending")
        returns = juliet.returns
        await asyncio.sleep(number * MOMENT)  # not to wait: for the kill to come somewhere else each time
        begin_anew(server, number)
        await until(lambda returns=returns: juliet.returns > returns, "the return")
        await until(lambda tokens=tokens: all(t.state == StanzaState.ACKED for t in tokens), "the acknowledgement")
    await until(lambda: len(juliet.came) >= len(heard), "his last message")
    assert juliet.came == heard, [text for text in juliet.came if juliet.came.count(text) > 1]
    assert juliet.arrivals == 1, "it began anew"
    texts = await loop.run_in_executor(None, hears, server, len(said))
    # What it sends again when it resumes it sends in the wrong order (its queue is filled from the left).
    assert sorted(texts) == sorted(said), [text for text in said if texts.count(text) != 1]


async def run(server):
    async with Person(server, server.ports["c2s"]) as juliet:
        await live(server, juliet)


@suite.check("it ends sixteen times, half of them by SIGKILL: all comes, once")
def _(server):
    asyncio.run(run(server))


suite.run()
