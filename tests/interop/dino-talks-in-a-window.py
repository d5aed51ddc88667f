#!/usr/bin/python3
"""Dino on a screen of its own: what a person clicks and types, and what then happens."""
import os
import re
import sqlite3
import tempfile
import time

from checks import Suite, compile_c
from desktop import STEP, Desktop
from kith_server import wait_until
from people import answer_request, is_presence, keep_messages, present, roster_of, show
from xmpp_client import Client, body_of, error_of

JULIET, ROMEO = "juliet@kith.test", "romeo@kith.test"
HERE = os.path.dirname(os.path.abspath(__file__))
PLACE = tempfile.mkdtemp(prefix="kith-dino-")
SHIM = compile_c(os.path.join(HERE, "trust_here.c"), os.path.join(PLACE, "trust_here.so"),
                 "-shared", "-fPIC")
suite = Suite("Dino: talks in a window")


def is_blue(red, green, blue):
    return blue > 200 and red < 160 and green < 200


def is_dark(red, green, blue):
    return max(red, green, blue) < 100


def is_grey(red, green, blue):
    return 150 < red < 230 and max(red, green, blue) - min(red, green, blue) < 12


class Dino(Desktop):
    command = ("dino-im", "--print-xmpp=all")
    title = "Dino"
    preload = (SHIM,)
    trusts = True

    def database(self, query, *values):
        """What it keeps; nothing while it is making its tables."""
        try:
            with sqlite3.connect(f"{self.home}/.local/share/dino/dino.db", timeout=5) as db:
                return db.execute(query, values).fetchall()
        except sqlite3.OperationalError:
            return []

    def configure(self):
        """It makes its tables at its first start, and gets the account then."""
        if not self.trusts:
            del self.env["TRUST_HERE"]
        if os.path.exists(f"{self.home}/.local/share/dino/dino.db"):
            return
        os.makedirs(f"{self.home}/.local/share/dino", mode=0o700, exist_ok=True)
        self.open()
        wait_until(lambda: self.database("select 1 from _meta where name='version'"), STEP, "tables")
        self.stop()
        self.database("insert into account (bare_jid, resourcepart, password, alias, enabled, "
                      "roster_version, mam_earliest_synced) values (?, 'dino', ?, ?, 1, '', 0)",
                      f"{self.user}@{self.server.domain}", self.password, self.user)

    def ready(self):
        if self.trusts:
            wait_until(self.is_there, STEP, "the sign-in")

    def is_there(self):
        return f"jid={self.user}@{self.server.domain}/dino" in self.server.log().split(self.mark)[-1]

    mark = "kithd is ready"

    def log(self):
        with open(os.path.join(self.home, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def bodies(self):
        """What was received, in order, with its time."""
        return self.database("select body, time from message where direction = 0 order by id")

    def came(self, *texts):
        """Whether these texts came in that order."""
        return re.search("(?s)" + ".*".join(rf"\n    {text}\n" for text in texts), self.log())

    # -- its windows; the places are those of Dino 0.4 on this screen -----------

    def open_list(self):
        self.see_window("Dino")
        self.open_window("Start Conversation", lambda: self.keys("ctrl+t"))

    def add(self, jid, name):
        self.open_list()
        self.open_window("Add Contact", lambda: self.click(109, 509))
        self.keys("Tab")
        self.type(jid)
        self.keys("Tab")
        self.type(name)
        self.keys("Return")
        self.see_window("Start Conversation")
        self.see_first()

    def see_first(self):
        """The first contact of the list has a picture with its letter."""
        self.see_colour(94, 126, lambda *c: min(c) < 245, "a contact in the list")

    def choose_first(self):
        self.insist(lambda: self.click(235, 137),
                    lambda: self.is_colour(392, 28, lambda r, g, b: r < 100 and b > 180),
                    "a button that can be pressed")

    def talk_to_first(self):
        self.choose_first()
        self.open_window("Dino", lambda: self.click(423, 28))

    def open_window(self, name, act):
        self.insist(act, lambda: self.front() == name, f"the window {name}")

    def say(self, text):
        self.click(700, 863)
        self.type(text)
        self.keys("Return")

    def details(self):
        self.open_window("Contact Details", lambda: self.click(1058, 28))

    def leave_details(self):
        self.open_window("Dino", lambda: self.keys("Escape"))


class Distrusting(Dino):
    """With the authorities of the system only."""

    trusts = False


def blocked_by(server, user):
    with Client.login(server, user) as client:
        answer = client.iq("get", "<blocklist xmlns='urn:xmpp:blocking'/>")
        return {item.get("jid") for item in answer[0]}


@suite.check("signs in inside TLS with the authority trusted, and not without it", shows="sign-in")
def _(server):
    with Dino(server, "juliet") as juliet:
        assert "tls=TLSv1" in server.log(), "not inside TLS"
        assert juliet.is_there()
    with Distrusting(server, "romeo") as romeo:
        wait_until(lambda: "G_TLS_CERTIFICATE_UNKNOWN_CA" in romeo.log(), STEP, "a doubt")
        assert not romeo.is_there(), "it got in"


@suite.check("a contact is added with a name, each sees the other, both write, it goes again",
             shows="roster subscription presence messages")
def _(server):
    romeo = present(server, "romeo")
    with Dino(server, "juliet") as juliet:
        romeo.send(f"<presence to='{JULIET}'/>")
        juliet.add(ROMEO, "Montague")
        answer_request(romeo, JULIET)
        assert roster_of(server, "juliet")[ROMEO] == ("Montague", set(), "to")
        juliet.talk_to_first()
        juliet.see_colour(490, 60, is_dark, "the question whether he may see her")
        juliet.insist(lambda: juliet.click(893, 79), lambda: not juliet.is_colour(490, 60, is_dark),
                      "the end of the question")
        romeo.expect("presence", is_presence(JULIET, "subscribed"))
        romeo.expect("presence", is_presence(f"{JULIET}/dino"))
        assert roster_of(server, "juliet")[ROMEO][2] == "both"

        juliet.say("Good morrow")
        message = romeo.expect("message", lambda m: body_of(m) is not None)
        assert body_of(message) == "Good morrow" and message.get("from") == f"{JULIET}/dino"
        romeo.message(JULIET, "What light?")
        wait_until(lambda: [b for b, _ in juliet.bodies()] == ["What light?"], STEP, "his answer")

        juliet.see_colour(20, 70, is_blue, "his picture in colour")
        romeo.send("<presence type='unavailable'/>")
        juliet.see_colour(20, 70, is_grey, "his picture in grey")
        show(romeo, None)
        juliet.see_colour(20, 70, is_blue, "his picture in colour again")

        juliet.details()
        juliet.click(300, 89)
        juliet.keys("ctrl+a")
        juliet.type("Romeo")
        juliet.leave_details()
        wait_until(lambda: roster_of(server, "juliet")[ROMEO][0] == "Romeo", STEP, "the new name")

        juliet.open_list()
        juliet.see_first()
        juliet.choose_first()
        juliet.insist(lambda: juliet.click(151, 509),
                      lambda: ROMEO not in roster_of(server, "juliet"), "the contact to go", 8)
        juliet.keys("Escape")
        juliet.stop()
        romeo.close()


@suite.check("what was sent while it was away comes in order, with its time; it is blocked and let in",
             shows="offline blocking")
def _(server):
    with tempfile.TemporaryDirectory(prefix="kith-desk-", ignore_cleanup_errors=True) as home:
        with Dino(server, "juliet", home=home):
            pass
        sent = int(time.time())
        keep_messages(server, "romeo", JULIET, "one", "two", "three")
        wait_until(lambda: int(time.time()) >= sent + 4, 10, "some seconds, so that times differ")
        with Dino(server, "juliet", home=home) as juliet:
            wait_until(lambda: len(juliet.bodies()) == 3, STEP, "three messages")
            assert juliet.came("one", "two", "three"), "in another order"
            assert {body for body, _ in juliet.bodies()} == {"one", "two", "three"}
            assert all(sent - 1 <= at <= sent + 3 for _, at in juliet.bodies()), juliet.bodies()

            juliet.insist(lambda: juliet.click(150, 82),
                          lambda: not juliet.is_colour(150, 95, lambda *c: min(c) > 240),
                          "the conversation")
            juliet.details()
            juliet.insist(lambda: juliet.click(539, 413),
                          lambda: ROMEO in blocked_by(server, "juliet"), "the block", 8)
            with present(server, "romeo") as romeo:
                romeo.message(JULIET, "hello?", name="b1")
                assert error_of(romeo.expect("message", lambda m: m.get("id") == "b1")) == \
                    "service-unavailable"
                juliet.insist(lambda: juliet.click(539, 413),
                              lambda: ROMEO not in blocked_by(server, "juliet"), "the end of it", 8)
                romeo.message(JULIET, "and now?")
                wait_until(lambda: juliet.bodies()[-1][0] == "and now?", STEP, "his message")


try:
    suite.run()
finally:
    os.remove(SHIM)
    os.rmdir(PLACE)
