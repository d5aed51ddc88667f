#!/usr/bin/python3
"""finch in tmux: windows, menus and forms, as a person goes through them by keys."""
import re
import time

from checks import Suite
from kith_server import wait_until
from people import (LATER, answer_request, gets_in, is_presence, keep_messages, later, present,
                    roster_of, set_vcard, show)
from terminal import STEP, Terminal
from xmpp_client import body_of

JULIET, ROMEO = "juliet@kith.test", "romeo@kith.test"
DOWN, RIGHT = "\033OB", "\033OC"
suite = Suite("finch: talks in a terminal")


class Finch(Terminal):
    command = "finch"
    greeting = "Buddy List"
    size = (110, 34)
    trusts = True

    def configure(self):
        self.write(".gntrc", "[general]\nshadow=0\nremember_position=0\n")
        if self.trusts:
            # It knows no other authorities than the system's; a known certificate is compared.
            with open(f"{self.server.dir}/cert.pem", encoding="ascii") as pem:
                self.write(f".purple/certificates/x509/tls_peers/{self.server.host}", pem.read())
        self.write(".purple/accounts.xml", f"""<?xml version='1.0' encoding='UTF-8' ?>
<account version='1.0'><account><protocol>prpl-jabber</protocol>
<name>{self.user}@{self.server.domain}/finch</name><password>{self.password}</password>
<settings><setting name='connect_server' type='string'>{self.server.host}</setting>
<setting name='port' type='int'>{self.server.ports["c2s"]}</setting>
<setting name='connection_security' type='string'>require_tls</setting></settings>
<settings ui='gnt-purple'><setting name='auto-login' type='bool'>1</setting></settings>
</account></account>
""")

    def __enter__(self):
        self.before = self.server.log().count(self.bound())
        super().__enter__()
        if self.trusts:
            wait_until(lambda: self.server.log().count(self.bound()) > self.before, STEP, "its sign-in")
        return self

    def bound(self):
        return f"session bound jid={self.user}@{self.server.domain}/finch"

    def text(self, text):
        self.tmux("send-keys", "-l", text)

    def add(self, jid, alias, group):
        """The menus, and the form that they lead to."""
        self.keys("C-o")
        self.see("(a) >")
        self.keys("a")
        self.see("Group (g)")
        self.keys("b")
        self.see("Please enter buddy information")
        for field in (jid, alias, "", group):
            self.text(field)
            self.keys("Tab")
        self.see(jid, alias, group)
        self.keys("Tab", "Enter")
        self.miss("Please enter buddy information")

    def select(self, alias):
        """Goes down the list until the contact's summary appears."""
        self.see(alias)
        self.keys("C-n")
        self.see(f"Nickname: {alias}")

    def act(self, letter):
        self.keys("F11")
        self.see("Get Info")
        self.keys(letter)

    def quit(self):
        self.keys("M-q")
        self.ended()


class Distrusting(Finch):
    trusts = False


@suite.check("signs in inside TLS with a known certificate, and asks about an unknown one",
             shows="sign-in")
def _(server):
    with Finch(server, "juliet"):
        pass
    with Distrusting(server, "romeo") as romeo:
        romeo.see("could not be validated")
        assert romeo.bound() not in server.log(), "it got in"


@suite.check("a contact gets a name and a group, the next session knows it, it goes",
             shows="roster groups")
def _(server):
    with Finch(server, "juliet") as juliet:
        juliet.add(ROMEO, "Montague", "Verona")
        wait_until(lambda: ROMEO in roster_of(server, "juliet"), STEP, "the contact")
        assert roster_of(server, "juliet")[ROMEO][:2] == ("Montague", {"Verona"})
    with present(server, "romeo") as romeo:
        romeo.send(f"<presence to='{JULIET}' type='subscribed'/>")
        romeo.ping()
        with Finch(server, "juliet") as juliet:
            juliet.see("Verona")
            juliet.select("Montague")
            juliet.act("l")
            juliet.see("Please enter the new name")
            juliet.text("X")
            juliet.keys("Tab", "Enter")
            wait_until(lambda: roster_of(server, "juliet")[ROMEO][0] == "MontagueX", STEP, "the new name")
            juliet.act("r")
            juliet.see("Are you sure you want to remove MontagueX?")
            juliet.keys("Tab", "Enter")
            wait_until(lambda: not roster_of(server, "juliet"), STEP, "the removal")
            juliet.miss("Verona")
        romeo.expect("presence", is_presence(JULIET, "unsubscribe"))
        romeo.logout()


@suite.check("messages go both ways, with other scripts and markup", shows="messages")
def _(server):
    with present(server, "romeo") as romeo, Finch(server, "juliet") as juliet:
        romeo.message(JULIET, "wherefore <art> & thou, caf\u00e9 \u20ac")
        juliet.see("wherefore <art> & thou, caf\u00e9 \u20ac")
        juliet.keys("M-n")
        juliet.text("O <Romeo> & \u00e9")
        juliet.keys("Enter")
        message = romeo.expect("message", body_of)
        assert body_of(message) == "O <Romeo> & \u00e9", body_of(message)
        assert message.get("from") == f"{JULIET}/finch"
        romeo.logout()


class Late(Finch):
    """For it, it is an hour later."""

    command = later("finch")


@suite.check("kept messages are shown in order, with the time of their sending", shows="offline")
def _(server):
    begin = time.time()
    keep_messages(server, "romeo", JULIET, "first", "second", "third")
    with Late(server, "juliet") as juliet:
        juliet.see("first", "second", "third")
        juliet.keys("M-n")
        juliet.see(": first", ": second", ": third")
        shown = re.findall(r"(\d\d:\d\d):\d\d.*: (first|second|third)", juliet.screen())
        assert [text for _, text in shown] == ["first", "second", "third"], shown
        sent = {time.strftime("%H:%M", time.gmtime(at)) for at in (begin, time.time())}
        now = time.strftime("%H:%M", time.gmtime(time.time() + LATER))
        assert {at for at, _ in shown} <= sent, f"sent at {sent}, for it now {now}, shown {shown}"


@suite.check("both subscribe, see each other away, back and gone", shows="subscription presence")
def _(server):
    with present(server, "romeo") as romeo, Finch(server, "juliet") as juliet:
        juliet.add(ROMEO, "Montague", "Verona")
        answer_request(romeo, JULIET)
        juliet.see("Authorize buddy?")
        juliet.keys("M-n", "Enter")
        juliet.miss("Authorize buddy?")
        romeo.expect("presence", is_presence(f"{JULIET}/finch"))
        assert roster_of(server, "juliet")[ROMEO][2] == "both"
        juliet.select("Montague")
        for as_said, as_shown in (("away", "Away"), ("dnd", "Do Not Disturb"), (None, "Available")):
            show(romeo, as_said)
            juliet.see(f"Status (r): {as_shown}")
        for letter, as_seen in (("Aw", "away"), ("Av", None)):
            juliet.keys("Tab")
            juliet.text(DOWN)
            juliet.see("New...")
            juliet.text(letter)
            juliet.keys("Enter")
            juliet.miss("New...")
            # Now it waits for a message to go with it; then it is in the list again.
            juliet.keys("Enter")
            juliet.see("Nickname: Montague")
            romeo.expect("presence", is_presence(f"{JULIET}/finch", show=as_seen))
        romeo.send("<presence type='unavailable'/>")
        juliet.miss("Montague")
        romeo.logout()


@suite.check("who is blocked is not heard, and is heard again after it", shows="blocking")
def _(server):
    with present(server, "romeo") as romeo, Finch(server, "juliet") as juliet:
        juliet.select("Montague")
        juliet.act("b")
        blocked = "<blocklist xmlns='urn:xmpp:blocking'/>"
        with present(server, "juliet") as other:
            wait_until(lambda: len(other.iq("get", blocked)[0]) == 1, STEP, "the entry of the list")
            romeo.message(JULIET, "unheard")
            assert romeo.expect("message").get("type") == "error"
            juliet.act("b")
            wait_until(lambda: len(other.iq("get", blocked)[0]) == 0, STEP, "the empty list")
            other.logout()
        romeo.message(JULIET, "at last")
        juliet.see("at last")
        assert "unheard" not in juliet.screen()
        romeo.logout()


@suite.check("the vCard of another is shown", shows="vcard")
def _(server):
    set_vcard(server, "romeo", "<FN>Romeo Montague</FN><EMAIL><USERID>romeo@verona.test</USERID></EMAIL>")
    with Finch(server, "juliet") as juliet:
        juliet.keys("C-o")
        juliet.see("Show             (h)")
        juliet.keys("h")
        juliet.see("Offline buddies")
        juliet.keys("o")
        juliet.select("Montague")
        juliet.act("g")
        juliet.see("Romeo Montague", "romeo@verona.test")


@suite.check("the password is changed", shows="password")
def _(server):
    server.must("user", "add", "nurse@kith.test", "angelica")
    with Finch(server, "nurse", "angelica") as nurse:
        nurse.keys("C-o")
        nurse.see("(a) >")
        nurse.text(RIGHT)
        nurse.see("nurse@kith.test/finch (n) >")
        nurse.keys("n")
        nurse.see("Change Password...")
        nurse.keys("c")
        nurse.see("Please enter your new password")
        for field in ("peter", "peter"):
            nurse.text(field)
            nurse.keys("Tab")
        nurse.keys("Enter")
        wait_until(lambda: gets_in(server, "nurse", "peter"), STEP, "the new password")
    assert not gets_in(server, "nurse", "angelica"), "the old password works"


suite.run()
