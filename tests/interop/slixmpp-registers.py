#!/usr/bin/python3
"""slixmpp (Debian's python3-slixmpp): makes an account, changes its password, removes it; and an
admin runs commands by forms."""
import asyncio
import logging
import warnings

from checks import Suite

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import slixmpp  # noqa: E402  (it warns at import)
from slixmpp.exceptions import IqError  # noqa: E402

STEP = 15.0
ADMIN = "http://jabber.org/protocol/admin#"
suite = Suite("slixmpp: registers", settings={"register.sign_up": "yes",
                                              "server.admins": "juliet@kith.test"})


class Person(slixmpp.ClientXMPP):
    """A client that makes its account when it is told to."""

    def __init__(self, server, name, password, signs_up=False):
        super().__init__(f"{name}@{server.domain}/slix", password)
        for plugin in ("xep_0004", "xep_0030", "xep_0050", "xep_0066", "xep_0077"):
            self.register_plugin(plugin)
        # The binding of TLS 1.3 that it lacks would look like an attack; see the other test.
        self.plugin["feature_mechanisms"].use_mechs = {"PLAIN"}
        self.plugin["feature_mechanisms"].unencrypted_plain = False
        self.ca_certs, self.target, self.errors = server.ca, server, []
        self.add_event_handler("stream_error", lambda e: self.errors.append(e["condition"]))
        if signs_up:
            # It holds stanzas back until it is signed in, these too.
            self._always_send_everything = True
            self.add_event_handler("register", self._sign_up)

    async def _sign_up(self, _):
        request = self.Iq()
        request["type"] = "set"
        request["register"]["username"] = self.boundjid.user
        request["register"]["password"] = self.password
        await request.send()

    async def arrive(self):
        """Whether it got in."""
        ended = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", lambda _: ended.done() or ended.set_result(True))
        self.add_event_handler("failed_all_auth", lambda _: ended.done() or ended.set_result(False))
        self.connect((self.target.host, self.target.ports["c2s"]), force_starttls=True)
        got_in = await asyncio.wait_for(ended, STEP)
        if not got_in:
            self.abort()
        return got_in

    async def leave(self):
        await asyncio.wait_for(self.disconnect(), STEP)


def check(sentence, shows=""):
    """A check that is a coroutine; each has a loop of its own."""
    def add(function):
        suite.check(sentence, shows)(lambda server: asyncio.run(function(server)))
        return function
    return add


@check("makes an account, signs in, changes the password and removes the account",
       shows="password removal")
async def _(server):
    nurse = Person(server, "nurse", "angelica", signs_up=True)
    assert await nurse.arrive(), "the account that was made does not work"
    info = await nurse["xep_0077"].get_registration()
    assert info["register"]["registered"], "it is not told that it has an account"
    await nurse["xep_0077"].change_password("peter", jid="kith.test")
    assert not await Person(server, "nurse", "angelica").arrive(), "the old password works"
    other = Person(server, "nurse", "peter")
    other.requested_jid.resource = "other"
    assert await other.arrive(), "the new password does not work"
    gone = asyncio.get_running_loop().create_future()
    nurse.add_event_handler("disconnected", lambda _: gone.done() or gone.set_result(1))
    try:
        await nurse["xep_0077"].cancel_registration()
    finally:
        await asyncio.wait_for(gone, STEP)
    assert nurse.errors == ["not-authorized"], nurse.errors
    assert not await Person(server, "nurse", "peter").arrive(), "the account is still there"


async def run_command(admin, node, values):
    """Fills in the form of a command; its last answer."""
    asked = await admin["xep_0050"].send_command("kith.test", ADMIN + node)
    command = asked["command"]
    assert command["status"] == "executing", command["status"]
    form = admin["xep_0004"].make_form(ftype="submit")
    for key, value in values.items():
        form.add_field(var=key, value=value)
    answer = await admin["xep_0050"].send_command(
        "kith.test", ADMIN + node, sessionid=command["sessionid"], action="complete", payload=form)
    assert answer["command"]["status"] == "completed", answer["command"]["status"]
    return answer["command"]["form"]


@check("an admin finds the commands, adds a user, lists them and deletes it")
async def _(server):
    admin = Person(server, "juliet", server.users["juliet"])
    assert await admin.arrive()
    found = await admin["xep_0050"].get_commands("kith.test")
    nodes = {item[1] for item in found["disco_items"]["items"]}
    assert ADMIN + "add-user" in nodes, nodes
    await run_command(admin, "add-user", {"accountjid": "tybalt@kith.test", "password": "cat"})
    tybalt = Person(server, "tybalt", "cat")
    assert await tybalt.arrive(), "the new account does not work"
    form = await run_command(admin, "get-registered-users-list", {"max_items": "25"})
    users = form.get_values()["registereduserjids"]
    assert "tybalt@kith.test" in users and "juliet@kith.test" in users, users
    await run_command(admin, "delete-user", {"accountjids": ["tybalt@kith.test"]})
    assert not await Person(server, "tybalt", "cat").arrive(), "the account is still there"
    await admin.leave()
    return f"{len(nodes)} commands"


@check("who is no admin sees no such commands and runs none")
async def _(server):
    romeo = Person(server, "romeo", server.users["romeo"])
    assert await romeo.arrive()
    found = await romeo["xep_0050"].get_commands("kith.test")
    assert not [i for i in found["disco_items"]["items"] if i[1].startswith(ADMIN)], "it sees some"
    try:
        await romeo["xep_0050"].send_command("kith.test", ADMIN + "add-user")
        raise AssertionError("it may add users")
    except IqError as refused:
        assert refused.condition == "forbidden", refused.condition
    await romeo.leave()


suite.run()
