#!/usr/bin/python3
"""slixmpp (Debian's python3-slixmpp): two people meet and talk; SCRAM inside verified TLS."""
import asyncio
import logging
import warnings

from checks import Suite

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import slixmpp  # noqa: E402  (it warns at import)

STEP = 15.0
suite = Suite("slixmpp: two people talk")


class Person(slixmpp.ClientXMPP):
    """A client that keeps what came, so that checks can wait for it."""

    def __init__(self, server, name, mechanisms=None, resource="slix"):
        config = {}
        if mechanisms:
            # It would say that it could bind the channel, but not by what TLS 1.3 has, which a
            # server takes for an attack. Credentials of one's own may leave the binding out.
            config = {"use_mechs": set(mechanisms), "sasl_callback": self._credentials}
        super().__init__(f"{name}@{server.domain}/{resource}", server.users[name],
                         plugin_config={"feature_mechanisms": config})
        for plugin in ("xep_0030", "xep_0092", "xep_0199"):
            self.register_plugin(plugin)
        self.ca_certs, self.target = server.ca, server
        self.messages, self.presences, self.pushes = [], [], []
        self.mechanism, self.failures = None, 0
        self.add_event_handler("auth_success", lambda _: self._authenticated())
        self.add_event_handler("failed_auth", lambda _: self._failed())
        self.add_event_handler("message", self.messages.append)
        self.add_event_handler("roster_update", self.pushes.append)
        self.add_event_handler("presence", self.presences.append)
        self.auto_authorize = self.auto_subscribe = None

    def _credentials(self, required, optional):
        values = {"username": self.requested_jid.user, "password": self.password,
                  "host": self.requested_jid.domain, "realm": self.requested_jid.domain,
                  "service-name": "", "service": "xmpp"}
        return {key: values[key] for key in required | optional if key in values}

    def _authenticated(self):
        self.mechanism = self.plugin["feature_mechanisms"].mech.name

    def _failed(self):
        self.failures += 1

    async def arrive(self, presence=True, direct=False):
        started = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", lambda _: started.done() or started.set_result(1))
        self.add_event_handler("failed_all_auth", lambda _: started.done() or started.set_exception(
            AssertionError("no mechanism worked")))
        port = self.target.ports["c2s_tls" if direct else "c2s"]
        self.connect((self.target.host, port), use_ssl=direct, force_starttls=not direct)
        await asyncio.wait_for(started, STEP)
        if presence:
            self.send_presence()
            await self.get_roster()
        return self

    async def leave(self):
        await asyncio.wait_for(self.disconnect(), STEP)


async def until(condition, what):
    end = asyncio.get_running_loop().time() + STEP
    while not (value := condition()):
        assert asyncio.get_running_loop().time() < end, f"waited in vain for {what}"
        await asyncio.sleep(0.02)
    return value


def told(person, kind, sender):
    """Presence of that kind; slixmpp calls someone's <show/> a type as well."""
    kinds = ("available", "away") if kind == "available" else (kind,)
    return [p for p in person.presences if p["type"] in kinds and p["from"].bare == sender]


def bodies(person):
    return [str(m["body"]) for m in person.messages if m["body"]]


def check(sentence, shows=""):
    """A check that is a coroutine; each has a loop of its own."""
    def add(function):
        suite.check(sentence, shows)(lambda server: asyncio.run(function(server)))
        return function
    return add


for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
    @check(f"signs in with {mechanism} inside STARTTLS")
    async def _(server, mechanism=mechanism):
        person = await Person(server, "juliet", [mechanism]).arrive()
        assert person.mechanism == mechanism and person.failures == 0
        await person.leave()


@check("signs in inside direct TLS")
async def _(server):
    person = await Person(server, "juliet", ["SCRAM-SHA-256"]).arrive(direct=True)
    await person.leave()


@check("chooses SCRAM by itself, as Debian ships it")
async def _(server):
    person = await Person(server, "juliet").arrive()
    assert person.mechanism.startswith("SCRAM-"), person.mechanism
    await person.leave()
    return f"{person.mechanism} after {person.failures} refusals"


@check("refuses a server whose certificate it cannot verify", shows="sign-in")
async def _(server):
    person = Person(server, "juliet")
    person.ca_certs = "/etc/ssl/certs/ca-certificates.crt"
    refused = asyncio.get_running_loop().create_future()
    person.add_event_handler("ssl_invalid_chain", lambda _: refused.done() or refused.set_result(1))
    person.connect((server.host, server.ports["c2s"]))
    await asyncio.wait_for(refused, STEP)
    person.abort()


async def two(server):
    return (await Person(server, "juliet", ["SCRAM-SHA-1"]).arrive(),
            await Person(server, "romeo", ["SCRAM-SHA-256"]).arrive())


@check("adds a contact, reads the roster back, and hears of it on the other resource",
       shows="roster groups")
async def _(server):
    here = await Person(server, "juliet").arrive()
    there = await Person(server, "juliet", resource="other").arrive()
    await here.update_roster("nurse@kith.test", name="Nurse \u2619", groups=["house", "& co"])
    await until(lambda: "nurse@kith.test" in there.client_roster, "the roster push")
    fresh = await Person(server, "juliet", resource="fresh").arrive()
    for person in (here, there, fresh):
        item = person.client_roster["nurse@kith.test"]
        assert item["name"] == "Nurse \u2619", item["name"]
        assert set(item["groups"]) == {"house", "& co"}, item["groups"]
    await here.del_roster_item("nurse@kith.test")
    await until(lambda: "nurse@kith.test" not in there.client_roster.keys() or
                there.client_roster["nurse@kith.test"]["subscription"] == "remove", "the removal")
    await fresh.leave()
    await here.leave()
    await there.leave()


@check("two people subscribe to each other and see each other come and go",
       shows="subscription presence")
async def _(server):
    juliet, romeo = await two(server)
    juliet.send_presence_subscription("romeo@kith.test", ptype="subscribe")
    await until(lambda: told(romeo, "subscribe", "juliet@kith.test"), "the request")
    romeo.send_presence_subscription("juliet@kith.test", ptype="subscribed")
    await until(lambda: told(juliet, "subscribed", "romeo@kith.test"), "the approval")
    await until(lambda: told(juliet, "available", "romeo@kith.test"), "romeo's presence")
    romeo.send_presence_subscription("juliet@kith.test", ptype="subscribe")
    await until(lambda: told(juliet, "subscribe", "romeo@kith.test"), "the request back")
    juliet.send_presence_subscription("romeo@kith.test", ptype="subscribed")
    await until(lambda: told(romeo, "available", "juliet@kith.test"), "juliet's presence")
    juliet.send_presence(pshow="away", pstatus="on the balcony")
    await until(lambda: [p for p in romeo.presences if p["status"] == "on the balcony"
                         and p["show"] == "away"], "the changed presence")
    juliet.send_presence(pshow="dnd", pstatus="asleep")
    await until(lambda: romeo.presences[-1]["type"] == "dnd", "the busy presence")
    juliet.send_presence()
    await until(lambda: romeo.presences[-1]["type"] == "available", "the return")
    fresh = await Person(server, "juliet", resource="fresh").arrive()
    assert fresh.client_roster["romeo@kith.test"]["subscription"] == "both"
    await fresh.leave()
    await romeo.leave()
    await until(lambda: told(juliet, "unavailable", "romeo@kith.test"), "romeo's farewell")
    romeo = await Person(server, "romeo").arrive()
    await until(lambda: told(romeo, "available", "juliet@kith.test"), "juliet's presence again")
    await romeo.leave()
    await juliet.leave()


@check("messages arrive both ways, in order, with markup and other scripts", shows="messages")
async def _(server):
    juliet, romeo = await two(server)
    texts = [f"{i}: <&>\"' \u00e9 \u20ac \U0001F600" for i in range(50)]
    for text in texts:
        juliet.send_message("romeo@kith.test", text, mtype="chat")
        romeo.send_message(juliet.boundjid.full, text, mtype="chat")
    await until(lambda: len(bodies(romeo)) >= 50 and len(bodies(juliet)) >= 50, "the messages")
    assert bodies(romeo) == texts and bodies(juliet) == texts, "another order or other texts"
    assert romeo.messages[0]["from"] == juliet.boundjid
    await juliet.leave()
    await romeo.leave()


@check("messages to someone offline are kept, delivered once, with their time", shows="offline")
async def _(server):
    juliet = await Person(server, "juliet").arrive()
    for text in ("first", "second", "third"):
        juliet.send_message("romeo@kith.test", text, mtype="chat")
    await juliet.plugin["xep_0199"].ping("kith.test")
    romeo = await Person(server, "romeo").arrive()
    await until(lambda: len(bodies(romeo)) >= 3, "the kept messages")
    assert bodies(romeo) == ["first", "second", "third"], bodies(romeo)
    delays = [m.xml.find("{urn:xmpp:delay}delay") for m in romeo.messages]
    assert all(d is not None and d.get("stamp") for d in delays), "no time stamp"
    await romeo.leave()
    again = await Person(server, "romeo").arrive()
    await again.plugin["xep_0199"].ping("kith.test")
    assert not bodies(again), f"delivered again: {bodies(again)}"
    await again.leave()
    await juliet.leave()


@check("ping, disco and version are answered")
async def _(server):
    juliet, romeo = await two(server)
    assert await juliet.plugin["xep_0199"].ping("kith.test") < STEP
    assert await juliet.plugin["xep_0199"].ping(romeo.boundjid.full) < STEP
    info = await juliet.plugin["xep_0030"].get_info(jid="kith.test")
    identities = {(i[0], i[1]) for i in info["disco_info"]["identities"]}
    assert ("server", "im") in identities, identities
    features = info["disco_info"]["features"]
    for feature in ("http://jabber.org/protocol/disco#info", "urn:xmpp:ping", "jabber:iq:version"):
        assert feature in features, f"{feature} is not in {features}"
    await juliet.plugin["xep_0030"].get_items(jid="kith.test")
    version = await juliet.plugin["xep_0092"].get_version("kith.test")
    assert version["software_version"]["name"], "no name"
    await juliet.leave()
    await romeo.leave()
    return f"{version['software_version']['name']} {version['software_version']['version']}"


suite.run()
