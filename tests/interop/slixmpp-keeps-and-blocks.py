#!/usr/bin/python3
"""slixmpp (Debian's python3-slixmpp): avatar and vCard, bookmarks, blocking, times, capabilities."""
import asyncio
import datetime
import logging
import warnings

from checks import Suite

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import slixmpp  # noqa: E402  (it warns at import)
from slixmpp.exceptions import IqError  # noqa: E402
from slixmpp.plugins.xep_0048.stanza import Bookmarks  # noqa: E402

STEP = 15.0
PICTURE = bytes(range(256)) * 64
ADMIN = "mailto:xmpp@kith.test"
suite = Suite("slixmpp: keeps and blocks", settings={"contact.admin": ADMIN})


class Person(slixmpp.ClientXMPP):
    def __init__(self, server, name):
        super().__init__(f"{name}@{server.domain}/slix", server.users[name])
        for plugin in ("xep_0012", "xep_0030", "xep_0048", "xep_0049", "xep_0054", "xep_0115",
                       "xep_0153", "xep_0191", "xep_0202"):
            self.register_plugin(plugin)
        # The binding of TLS 1.3 that it lacks would look like an attack; see the other test.
        self.plugin["feature_mechanisms"].use_mechs = {"PLAIN"}
        self.plugin["feature_mechanisms"].unencrypted_plain = False
        self.ca_certs, self.target, self.blocks = server.ca, server, []
        self.add_event_handler("blocked", self.blocks.append)

    async def arrive(self):
        started = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", lambda _: started.done() or started.set_result(1))
        self.connect((self.target.host, self.target.ports["c2s"]), force_starttls=True)
        await asyncio.wait_for(started, STEP)
        self.send_presence()
        await self.get_roster()
        return self

    async def leave(self):
        await asyncio.wait_for(self.disconnect(), STEP)


async def until(condition):
    """Waits for what a client hears by itself."""
    end = asyncio.get_running_loop().time() + STEP
    while not condition():
        assert asyncio.get_running_loop().time() < end, "it never came"
        await asyncio.sleep(0.01)


def check(sentence, shows=""):
    """A check that is a coroutine; each has a loop of its own."""
    def add(function):
        suite.check(sentence, shows)(lambda server: asyncio.run(function(server)))
        return function
    return add


@check("an avatar in a vCard comes back byte by byte, to others too", shows="vcard avatar")
async def _(server):
    juliet, romeo = await Person(server, "juliet").arrive(), await Person(server, "romeo").arrive()
    # It cannot begin without a vCard: it takes the error for one that ends everything.
    card = juliet["xep_0054"].make_vcard()
    card["FN"] = "Juliet"
    await juliet["xep_0054"].publish_vcard(card)
    await juliet["xep_0153"].set_avatar(avatar=PICTURE, mtype="image/png")
    found = await romeo["xep_0054"].get_vcard("juliet@kith.test", cached=False)
    assert found["vcard_temp"]["PHOTO"]["BINVAL"] == PICTURE, "the picture is another one"
    try:
        await juliet["xep_0054"].get_vcard("romeo@kith.test", cached=False)
        raise AssertionError("romeo has a vCard")
    except IqError as refused:
        assert refused.condition == "service-unavailable", refused.condition
    await juliet.leave()
    await romeo.leave()


@check("bookmarks in private storage are there at the next sign-in")
async def _(server):
    juliet = await Person(server, "juliet").arrive()
    marks = Bookmarks()
    marks.add_conference("verona@rooms.kith.test", "J", name="Verona", autojoin=True)
    await juliet["xep_0048"].set_bookmarks(marks, method="xep_0049")
    await juliet.leave()
    juliet = await Person(server, "juliet").arrive()
    found = await juliet["xep_0048"].get_bookmarks(method="xep_0049")
    rooms = [str(room["jid"]) for room in found["private"]["bookmarks"]["conferences"]]
    assert rooms == ["verona@rooms.kith.test"], rooms
    await juliet.leave()


@check("who is blocked is not heard, the list is pushed, and unblocking ends it", shows="blocking")
async def _(server):
    juliet, romeo = await Person(server, "juliet").arrive(), await Person(server, "romeo").arrive()
    await juliet["xep_0191"].get_blocked()
    await juliet["xep_0191"].block(["romeo@kith.test"])
    await until(lambda: juliet.blocks)
    blocked = await juliet["xep_0191"].get_blocked()
    assert {str(jid) for jid in blocked["blocklist"]["items"]} == {"romeo@kith.test"}
    try:
        await romeo["xep_0012"].get_last_activity(juliet.boundjid.full)
        raise AssertionError("romeo got an answer")
    except IqError as refused:
        assert refused.condition == "service-unavailable", refused.condition
    await juliet["xep_0191"].unblock(["romeo@kith.test"])
    heard = []
    juliet.add_event_handler("message", heard.append)
    romeo.send_message("juliet@kith.test", "at last")
    await until(lambda: heard)
    assert heard[0]["body"] == "at last"
    await juliet.leave()
    await romeo.leave()


@check("the server tells its time and its uptime, and its capabilities fit their string")
async def _(server):
    juliet = await Person(server, "juliet").arrive()
    time = await juliet["xep_0202"].get_entity_time("kith.test")
    # It cannot read the time itself: it puts a second Z behind it.
    told = time["entity_time"].xml.findtext("{urn:xmpp:time}utc")
    passed = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(
        told.replace("Z", "+00:00"))
    assert abs(passed.total_seconds()) < 60, told
    last = await juliet["xep_0012"].get_last_activity("kith.test")
    assert 0 <= int(last["last_activity"]["seconds"]) < 600
    info = await juliet["xep_0030"].get_info("kith.test", cached=False)
    forms = info["disco_info"].xml.findall(".//{jabber:x:data}value")
    assert ADMIN in [value.text for value in forms], "the operators cannot be found"
    assert "caps" in juliet.features, "the stream offers no capabilities"
    ver = juliet["xep_0115"].generate_verstring(info["disco_info"], "sha-1")
    node = f"urn:x-kith:server#{ver}"
    again = await juliet["xep_0030"].get_info("kith.test", node=node, cached=False)
    assert again["disco_info"]["features"] == info["disco_info"]["features"]
    await juliet.leave()
    return ver


suite.run()
