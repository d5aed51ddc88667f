#!/usr/bin/python3
"""aioxmpp (Debian's python3-aioxmpp): all that issue 3 asks of a client, between two of them."""
import asyncio
import datetime
import logging
import warnings

from checks import Suite
from kith_server import wait_until
from xmpp_client import AuthFailed, Client

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
import aioxmpp  # noqa: E402  (it warns at import)
import aioxmpp.blocking  # noqa: E402
import aioxmpp.carbons  # noqa: E402
import aioxmpp.connector  # noqa: E402
import aioxmpp.ibr  # noqa: E402
import aioxmpp.vcard  # noqa: E402
from aioxmpp import JID, PresenceShow, PresenceState, PresenceType  # noqa: E402
from aioxmpp.security_layer import default_ssl_context  # noqa: E402

STEP = 20.0
PICTURE = bytes(range(256)) * 64
ROMEO, JULIET = JID.fromstr("romeo@kith.test"), JID.fromstr("juliet@kith.test")
suite = Suite("aioxmpp: does it all")


class Person:
    """A client with its services; what it hears is kept in lists."""

    def __init__(self, server, name, password=None, trusts=True, resource="aio"):
        def context():
            tls = default_ssl_context()
            if trusts:
                tls.load_verify_locations(server.ca)
            return tls
        self.node = aioxmpp.PresenceManagedClient(
            JID.fromstr(f"{name}@{server.domain}/{resource}"),
            aioxmpp.make_security_layer(password or server.users[name], ssl_context_factory=context),
            override_peer=[(server.host, server.ports["c2s"], aioxmpp.connector.STARTTLSConnector())],
            max_initial_attempts=1)
        self.roster = self.node.summon(aioxmpp.RosterClient)
        self.presence = self.node.summon(aioxmpp.PresenceClient)
        self.blocking = self.node.summon(aioxmpp.BlockingClient)
        self.carbons = self.node.summon(aioxmpp.CarbonsClient)
        self.vcards = self.node.summon(aioxmpp.vcard.VCardService)
        self.account = self.node.summon(aioxmpp.ibr.RegistrationService)
        self.messages, self.requests, self.failures, self.arrivals = [], [], [], []
        self.node.summon(aioxmpp.dispatcher.SimpleMessageDispatcher).register_callback(
            None, None, self.messages.append)
        self.roster.on_subscribe.connect(lambda request: self.requests.append(request.from_) or False)
        # It calls itself established before it has asked for the roster; this comes after that.
        self.node.on_stream_established.connect(lambda: self.arrivals.append(1) or False)
        self.node.on_failure.connect(lambda error: self.failures.append(error) or False)

    async def arrive(self):
        self.arrivals.clear()
        self.show(PresenceShow.NONE)
        await until(lambda: self.arrivals or self.failures, "the sign-in")
        if self.failures:
            raise self.failures[0]
        # It never ends when it is told to end before it has settled.
        await self.barrier()
        return self

    async def leave(self):
        self.node.presence = PresenceState(False)
        await until(lambda: not self.node.running, "the end")

    async def __aenter__(self):
        return await self.arrive()

    async def __aexit__(self, *_):
        await self.leave()

    def show(self, show, status=None):
        self.node.set_presence(PresenceState(True, show), {None: status} if status else {})

    def say(self, to, text):
        message = aioxmpp.Message(type_=aioxmpp.MessageType.CHAT, to=to)
        message.body[None] = text
        return self.node.send(message)

    async def barrier(self):
        """What this client sent before has been handled after it, and what came for it was read."""
        await aioxmpp.ping.ping(self.node, JID.fromstr("kith.test"))

    def bodies(self):
        return [message.body.any() for message in self.messages if message.body]

    def sees(self, jid):
        """(show, status) of somebody, or None."""
        for stanza in self.presence.get_peer_resources(jid).values():
            return stanza.show, stanza.status.any() if stanza.status else None
        return None

    def entry(self, jid):
        return self.roster.items.get(jid)


async def until(condition, what):
    end = asyncio.get_running_loop().time() + STEP
    while not condition():
        assert asyncio.get_running_loop().time() < end, f"{what} never came"
        await asyncio.sleep(0.01)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def check(sentence, shows=""):
    """A check that is a coroutine; each has a loop of its own."""
    def add(function):
        suite.check(sentence, shows)(lambda server: asyncio.run(function(server)))
        return function
    return add


@check("signs in inside TLS with the authority trusted, and not without it", shows="sign-in")
async def _(server):
    async with Person(server, "juliet") as juliet:
        assert juliet.node.local_jid == JULIET.replace(resource="aio")
    # It tells of a broken handshake in several ways, by how far its transport has come.
    for wrong in (Person(server, "juliet", trusts=False, resource="wrong"),
                  Person(server, "juliet", password="wrong", resource="wrong")):
        try:
            await wrong.arrive()
        except Exception:  # noqa: BLE001
            continue
        raise AssertionError("it got in")
    async with Person(server, "juliet", resource="after"):
        wait_until(lambda: "juliet@kith.test/after" in server.log(), STEP, "the line of the log")
        assert "juliet@kith.test/wrong" not in server.log(), "the server let it in"


@check("a contact gets a name and groups, other devices and the next session know it, it goes",
       shows="roster groups")
async def _(server):
    async with Person(server, "juliet") as juliet:
        with Client.login(server, "juliet", "other", presence=True) as other:
            other.iq("get", "<query xmlns='jabber:iq:roster'/>")
            await juliet.roster.set_entry(ROMEO, name="Montague", add_to_groups={"Verona", "Caf\u00e9"})
            await until(lambda: juliet.entry(ROMEO), "the push")
            push = other.expect("iq", lambda e: e.get("type") == "set")
            assert push[0][0].get("name") == "Montague", push[0][0].attrib
            await juliet.roster.set_entry(ROMEO, name="R.", remove_from_groups={"Verona"})
            await until(lambda: juliet.entry(ROMEO).name == "R.", "the new name")
            assert juliet.entry(ROMEO).groups == {"Caf\u00e9"}, juliet.entry(ROMEO).groups
    async with Person(server, "juliet") as juliet:
        entry = juliet.entry(ROMEO)
        assert (entry.name, entry.groups) == ("R.", {"Caf\u00e9"}), (entry.name, entry.groups)
        await juliet.roster.remove_entry(ROMEO)
        await until(lambda: not juliet.entry(ROMEO), "the removal")
    async with Person(server, "juliet") as juliet:
        assert not juliet.roster.items, juliet.roster.items


async def befriend(one, other, jid_one, jid_other):
    """Both ask, both are allowed."""
    for asker, asked, from_, to in ((one, other, jid_one, jid_other), (other, one, jid_other, jid_one)):
        asker.roster.subscribe(to)
        await until(lambda asked=asked, from_=from_: from_ in asked.requests, "the request")
        asked.roster.approve(from_)
    for mine, jid in ((one, jid_other), (other, jid_one)):
        await until(lambda mine=mine, jid=jid: mine.entry(jid) and
                    mine.entry(jid).subscription == "both", "a subscription both ways")


@check("two people subscribe to each other, see each other away, busy, back and gone, and part",
       shows="subscription presence")
async def _(server):
    async with Person(server, "juliet") as juliet, Person(server, "romeo") as romeo:
        await befriend(juliet, romeo, JULIET, ROMEO)
        for show, status in ((PresenceShow.AWAY, "on the balcony"), (PresenceShow.DND, "asleep"),
                             (PresenceShow.NONE, None)):
            juliet.show(show, status)
            await until(lambda: romeo.sees(JULIET) == (show, status), f"{show}")  # noqa: B023
        await juliet.leave()
        await until(lambda: romeo.sees(JULIET) is None, "the farewell")
        await juliet.arrive()
        await until(lambda: romeo.sees(JULIET) and juliet.sees(ROMEO), "the return")
        juliet.roster.unsubscribe(ROMEO)
        await until(lambda: juliet.entry(ROMEO).subscription == "from" and juliet.sees(ROMEO) is None,
                    "the end of what juliet sees")
        await juliet.roster.remove_entry(ROMEO)
        await until(lambda: romeo.sees(JULIET) is None and romeo.entry(JULIET).subscription == "none",
                    "the end of what romeo sees")
        await romeo.roster.remove_entry(JULIET)


@check("messages arrive both ways, in order, with markup and other scripts", shows="messages")
async def _(server):
    texts = [f"{i}: <&>\"' \u00e9 \u20ac \U0001F600" for i in range(50)]
    async with Person(server, "juliet") as juliet, Person(server, "romeo") as romeo:
        for text in texts:
            await juliet.say(ROMEO, text)
            await romeo.say(juliet.node.local_jid, text)
        await until(lambda: len(romeo.bodies()) >= 50 and len(juliet.bodies()) >= 50, "all of them")
        assert romeo.bodies() == juliet.bodies() == texts, "another order or other texts"


@check("messages to someone who is away from all devices are kept, stamped, and come once",
       shows="offline")
async def _(server):
    begin = now() - datetime.timedelta(seconds=2)
    async with Person(server, "juliet") as juliet:
        for text in ("first", "second", "third"):
            await juliet.say(ROMEO, text)
        await juliet.barrier()
    async with Person(server, "romeo") as romeo:
        await until(lambda: len(romeo.bodies()) >= 3, "the kept messages")
        assert romeo.bodies() == ["first", "second", "third"], romeo.bodies()
        for message in romeo.messages:
            stamps = [delay.stamp for delay in message.xep0203_delay]
            assert len(stamps) == 1 and begin <= stamps[0] <= now(), stamps
    async with Person(server, "romeo") as romeo:
        await romeo.barrier()
        assert not romeo.bodies(), romeo.bodies()


@check("a vCard with a picture comes back byte by byte, to others too", shows="vcard avatar")
async def _(server):
    async with Person(server, "juliet") as juliet, Person(server, "romeo") as romeo:
        card = await juliet.vcards.get_vcard()
        card.set_photo_data("image/png", PICTURE)
        await juliet.vcards.set_vcard(card)
        found = await romeo.vcards.get_vcard(JULIET)
        assert found.get_photo_mime_type() == "image/png"
        assert found.get_photo_data() == PICTURE, "another picture"


@check("who is blocked is not heard, is told so, and is heard again after it", shows="blocking")
async def _(server):
    async with Person(server, "juliet") as juliet, Person(server, "romeo") as romeo:
        await juliet.blocking.block_jids([ROMEO])
        await until(lambda: juliet.blocking.blocklist == {ROMEO}, "the list")
        await romeo.say(JULIET, "unheard")
        await until(lambda: [m for m in romeo.messages if m.type_ == aioxmpp.MessageType.ERROR],
                    "the refusal")
        try:
            await juliet.say(ROMEO, "never sent")
            await until(lambda: [m for m in juliet.messages if m.type_ == aioxmpp.MessageType.ERROR],
                        "the refusal of the own message")
        except aioxmpp.errors.XMPPError:
            pass
        await juliet.blocking.unblock_all()
        await until(lambda: not juliet.blocking.blocklist, "the empty list")
        await romeo.say(JULIET, "at last")
        await until(lambda: "at last" in juliet.bodies(), "the message")
        assert "unheard" not in juliet.bodies() and "never sent" not in romeo.bodies()


@check("what one device says and hears is on the other")
async def _(server):
    async with Person(server, "juliet") as phone, Person(server, "juliet", resource="desk") as desk, \
            Person(server, "romeo") as romeo:
        await phone.carbons.enable()
        here, there = desk.node.local_jid, romeo.node.local_jid
        await desk.say(there, "out")
        await romeo.say(here, "in")
        await until(lambda: [m for m in phone.messages if m.xep0280_received], "the copies")
        out, in_ = [m for m in phone.messages if m.xep0280_sent or m.xep0280_received]
        for copy, inner, from_, to, text in (
                (out, out.xep0280_sent.stanza, here, there, "out"),
                (in_, in_.xep0280_received.stanza, there, here, "in")):
            assert (copy.from_, copy.to) == (JULIET, phone.node.local_jid), (copy.from_, copy.to)
            assert (inner.from_, inner.to, inner.body.any()) == (from_, to, text), inner
        await phone.carbons.disable()
        await romeo.say(here, "alone")
        await until(lambda: "alone" in desk.bodies(), "the last message")
        await phone.barrier()
        assert len([m for m in phone.messages if m.xep0280_received]) == 1, "it still gets copies"


def gets_in(server, name, password):
    try:
        with Client.login(server, name, password=password):
            return True
    except AuthFailed:
        return False


@check("a password is changed, and an account removed", shows="password removal")
async def _(server):
    server.must("user", "add", "nurse@kith.test", "angelica")
    async with Person(server, "nurse", "angelica") as nurse:
        await nurse.account.change_pass("peter")
        assert not gets_in(server, "nurse", "angelica"), "the old password works"
    nurse = await Person(server, "nurse", "peter").arrive()
    # It says itself that the call fails though the account is removed: the stream ends with it. Or
    # else it goes on asking to resume its session, and the call ends with the client.
    call = asyncio.ensure_future(nurse.account.cancel_registration())
    await until(lambda: "This account was deleted" in server.log(), "the removal")
    nurse.node.stop()
    await until(lambda: not nurse.node.running, "the end")
    call.cancel()
    await asyncio.wait({call})
    if not call.cancelled():
        assert isinstance(call.exception(), (
            type(None), ConnectionError, aioxmpp.errors.StreamError,
            aioxmpp.stream.DestructionRequested)), call.exception()
    wait_until(lambda: not gets_in(server, "nurse", "peter"), STEP, "the end of the account")
    assert "nurse" not in server.must("user", "list")


suite.run()
