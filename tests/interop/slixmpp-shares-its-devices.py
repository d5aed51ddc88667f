#!/usr/bin/python3
"""slixmpp (Debian's python3-slixmpp): two devices of one person, and one of them in a pocket."""
import asyncio
import logging
import warnings

from checks import Suite

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import slixmpp  # noqa: E402  (it warns at import)

STEP = 15.0
suite = Suite("slixmpp: shares its devices",
              users={"juliet": "b4lc0ny", "romeo": "0rch4rd", "nurse": "4ng3lic4"})


class Person(slixmpp.ClientXMPP):
    """A client that keeps what came, in order: the body, the chat state, what a presence shows."""

    def __init__(self, server, name, resource):
        super().__init__(f"{name}@{server.domain}/{resource}", server.users[name])
        for plugin in ("xep_0085", "xep_0199", "xep_0280", "xep_0352"):
            self.register_plugin(plugin)
        # The binding of TLS 1.3 that it lacks would look like an attack; see the other test.
        self.plugin["feature_mechanisms"].use_mechs = {"PLAIN"}
        self.plugin["feature_mechanisms"].unencrypted_plain = False
        self.ca_certs, self.target = server.ca, server
        self.came, self.sent, self.received = [], [], []
        self.add_event_handler("message", lambda m: self.came.append(str(m["body"])))
        self.add_event_handler("chatstate", lambda m: self.came.append(m["chat_state"]))
        self.add_event_handler("presence", self.keep_presence)
        self.add_event_handler("carbon_sent", lambda m: self.keep_copy(m, "carbon_sent", self.sent))
        self.add_event_handler(
            "carbon_received", lambda m: self.keep_copy(m, "carbon_received", self.received))

    def keep_presence(self, presence):
        if presence["from"].bare != self.boundjid.bare:
            self.came.append(presence["show"] or presence["type"])

    def keep_copy(self, message, name, where):
        inner = message[name]
        where.append((inner["from"].full, inner["to"].full, inner["body"] or inner["chat_state"]))

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

    async def barrier(self):
        await self["xep_0199"].ping("kith.test")

    def type_at(self, to, state):
        message = self.make_message(to, mtype="chat")
        message["chat_state"] = state
        message.send()


async def until(condition):
    """Waits for what a client hears by itself."""
    end = asyncio.get_running_loop().time() + STEP
    while not condition():
        assert asyncio.get_running_loop().time() < end, "it never came"
        await asyncio.sleep(0.01)


def check(sentence):
    """A check that is a coroutine; each has a loop of its own."""
    def add(function):
        suite.check(sentence)(lambda server: asyncio.run(function(server)))
        return function
    return add


@check("what one device says and hears is on the other, in order")
async def _(server):
    phone = await Person(server, "juliet", "phone").arrive()
    desk = await Person(server, "juliet", "desk").arrive()
    romeo = await Person(server, "romeo", "r").arrive()
    await phone["xep_0280"].enable()
    await desk["xep_0280"].enable()
    for number in range(20):
        desk.send_message(romeo.boundjid.full, f"to {number}", mtype="chat")
        await until(lambda n=number: f"to {n}" in romeo.came)
        romeo.send_message(desk.boundjid.full, f"from {number}", mtype="chat")
    desk.type_at(romeo.boundjid.full, "composing")
    here, there = desk.boundjid.full, romeo.boundjid.full
    await until(lambda: len(phone.sent) == 21 and len(phone.received) == 20)
    assert phone.sent == [(here, there, f"to {n}") for n in range(20)] + [(here, there, "composing")]
    assert phone.received == [(there, here, f"from {n}") for n in range(20)]
    assert not desk.sent and not desk.received, (desk.sent, desk.received)
    assert not [what for what in phone.came if "from" in what or "to" in what], phone.came
    await phone["xep_0280"].disable()
    romeo.send_message(here, "the last", mtype="chat")
    await until(lambda: "the last" in desk.came)
    await phone.barrier()
    assert len(phone.received) == 20, phone.received
    for person in (phone, desk, romeo):
        await person.leave()


@check("when several talk at once the copies have the order of the messages")
async def _(server):
    phone = await Person(server, "juliet", "phone").arrive()
    desk = await Person(server, "juliet", "desk").arrive()
    others = [await Person(server, name, "r").arrive() for name in ("romeo", "nurse")]
    await phone["xep_0280"].enable()
    for number in range(100):
        for other in others:
            other.send_message(desk.boundjid.full, f"{other.boundjid.user} {number}", mtype="chat")
        await asyncio.sleep(0)
    await until(lambda: len(phone.received) == 200)
    heard = [what for what in desk.came if " " in what]
    assert [body for _, _, body in phone.received] == heard, (phone.received, heard)
    for person in (phone, desk, *others):
        await person.leave()


@check("an inactive device hears of nothing but what matters, and of that after what waited")
async def _(server):
    phone = await Person(server, "juliet", "phone").arrive()
    romeo = await Person(server, "romeo", "r").arrive()
    romeo.send_presence_subscription("juliet@kith.test", ptype="subscribe")
    phone.send_presence_subscription("romeo@kith.test", ptype="subscribe")
    await until(lambda: romeo.client_roster["juliet@kith.test"]["subscription"] == "both")
    await until(lambda: "available" in phone.came)
    assert phone["xep_0352"].enabled, "it saw no offer"
    await phone.barrier()
    phone["xep_0352"].send_inactive()
    await phone.barrier()
    phone.came.clear()
    for show in ("away", "dnd", "xa"):
        romeo.send_presence(pshow=show)
        romeo.type_at(phone.boundjid.full, "composing")
    romeo.type_at(phone.boundjid.full, "paused")
    romeo.send_message(phone.boundjid.full, "awake?", mtype="chat")
    await until(lambda: "awake?" in phone.came)
    assert phone.came == ["xa", "paused", "awake?"], phone.came
    romeo.send_presence(pshow="chat")
    await romeo.barrier()
    phone["xep_0352"].send_active()
    await until(lambda: phone.came[-1] == "chat")
    await phone.leave()
    await romeo.leave()


suite.run()
