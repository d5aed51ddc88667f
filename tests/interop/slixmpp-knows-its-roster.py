#!/usr/bin/python3
"""slixmpp (Debian's python3-slixmpp): a roster that is kept by versions, from one connection to the next."""
import asyncio
import logging
import warnings

from checks import Suite

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import slixmpp  # noqa: E402  (it warns at import)

STEP = 15.0
suite = Suite("slixmpp: roster versions")


class Device(slixmpp.ClientXMPP):
    """A connection of juliet's; the roster and the version are what she kept from another one."""

    def __init__(self, server, name, kept=None):
        super().__init__(f"juliet@{server.domain}/{name}", server.users["juliet"])
        self.register_plugin("xep_0199")
        # The binding of TLS 1.3 that it lacks would look like an attack; see the other test.
        self.plugin["feature_mechanisms"].use_mechs = {"PLAIN"}
        self.plugin["feature_mechanisms"].unencrypted_plain = False
        self.ca_certs, self.target, self.pushed, self.whole = server.ca, server, [], None
        self.people = dict(kept.people) if kept else {}
        self.client_roster.version = kept.client_roster.version if kept else ""
        self.add_event_handler("roster_update", self.take)

    def take(self, iq):
        query = iq.xml.find("{jabber:iq:roster}query")
        if iq["type"] == "result":
            # By looking for a query it makes one without a version.
            self.whole = query is not None and "ver" in query.attrib
            self.people = {} if self.whole else self.people
        for item in query if query is not None else ():
            jid, name = item.get("jid"), item.get("name")
            if iq["type"] == "set":
                self.pushed.append(jid)
            if item.get("subscription") == "remove":
                self.people.pop(jid, None)
            else:
                self.people[jid] = name

    async def arrive(self):
        started = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", lambda _: started.done() or started.set_result(1))
        self.connect((self.target.host, self.target.ports["c2s"]), force_starttls=True)
        await asyncio.wait_for(started, STEP)
        assert "rosterver" in self.features, "the stream offers no versions"
        await self.get_roster()
        # What was pushed was so before this answer.
        await self["xep_0199"].send_ping("kith.test", timeout=STEP)
        return self

    async def leave(self):
        await asyncio.wait_for(self.disconnect(), STEP)


async def visit(server, name, kept=None):
    """Comes, sees, goes."""
    device = await Device(server, name, kept).arrive()
    await device.leave()
    return device


def check(sentence):
    """A check that is a coroutine; each has a loop of its own."""
    def add(function):
        suite.check(sentence)(lambda server: asyncio.run(function(server)))
        return function
    return add


@check("who knows the roster gets it once, and then what changed")
async def _(server):
    desk = await Device(server, "desk").arrive()
    for number in range(10):
        await desk.update_roster(f"friend{number}@kith.test", name=f"Friend {number}")
    phone = await visit(server, "phone")
    assert phone.whole and len(phone.people) == 10, phone.people
    phone = await visit(server, "phone", phone)
    assert not phone.whole and not phone.pushed, "it was told what it knew"
    await desk.update_roster("friend1@kith.test", name="One")
    await desk.update_roster("friend2@kith.test", subscription="remove")
    await desk.update_roster("friend1@kith.test", name="The first")
    phone = await visit(server, "phone", phone)
    assert not phone.whole, "the whole roster for two changes"
    assert phone.pushed == ["friend2@kith.test", "friend1@kith.test"], phone.pushed
    fresh = await visit(server, "fresh")
    assert phone.people == fresh.people == desk.people, (phone.people, fresh.people, desk.people)
    assert phone.people["friend1@kith.test"] == "The first"
    versions = {d.client_roster.version for d in (phone, fresh, desk)}
    assert len(versions) == 1, versions
    await desk.leave()
    return versions.pop()


suite.run()
