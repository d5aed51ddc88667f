#!/usr/bin/python3
"""mcabber in tmux: what a person types, and what the screen then shows."""
import re
import time

from checks import Suite
from people import (LATER, answer_request, is_presence, keep_messages, later, present, roster_of,
                    set_vcard, show)
from kith_server import wait_until
from terminal import Terminal
from xmpp_client import body_of

JULIET, ROMEO = "juliet@kith.test", "romeo@kith.test"
suite = Suite("mcabber: talks in a terminal")


class Mcabber(Terminal):
    command = "mcabber"
    greeting = "Connecting to server"
    signs_in = True

    def configure(self):
        self.write(".mcabber/mcabberrc", f"""
set jid = {self.user}@{self.server.domain}
set password = {self.password}
set server = {self.server.host}
set port = {self.server.ports["c2s"]}
set resource = mc
set disable_random_resource = 1
set tls = 1
{f"set ssl_ca = {self.server.ca}" if self.signs_in else ""}
set roster_width = 40
set log_win_height = 14
roster show_offline
""")

    def __enter__(self):
        super().__enter__()
        if self.signs_in:
            self.see("Your status has been set: [_>o]")
        return self

    def select(self, name):
        self.type(f"/roster search {name}")
        self.see(f"Buddy: {name}")

    def open(self, name):
        self.select(name)
        self.keys("Enter")

    def quit(self):
        self.type("/quit")
        self.ended()


class Distrusting(Mcabber):
    """Without the authority, and without the one of the environment."""

    signs_in = False
    variables = {"SSL_CERT_FILE": "/nonexistent"}


@suite.check("signs in inside TLS with the authority trusted, and not without it", shows="sign-in")
def _(server):
    with Mcabber(server, "juliet") as juliet:
        juliet.quit()
    with Distrusting(server, "romeo") as romeo:
        romeo.see("Certificate is not trusted", "Disconnected")
        assert "Your status" not in romeo.screen(), "it got in"
        assert f"{ROMEO}/mc" not in server.log(), "it got in"


@suite.check("a contact gets a name and a group, the next session knows it, it goes",
             shows="roster groups")
def _(server):
    with Mcabber(server, "juliet") as juliet:
        juliet.type(f"/add {ROMEO} Montague")
        juliet.see("Sent presence notification request", "} Montague")
        juliet.select("Montague")
        juliet.type("/move Verona")
        juliet.see("--- Verona")
        juliet.select("Montague")
        juliet.type("/rename Caf\u00e9")
        juliet.see("} Caf\u00e9")
        # It shows the name before the server has it, and leaves without waiting for an answer.
        wait_until(lambda: roster_of(server, "juliet")[ROMEO][:2] == ("Caf\u00e9", {"Verona"}), 20,
                   "the name on the server")
        juliet.quit()
    with Mcabber(server, "juliet") as juliet:
        juliet.see("--- Verona", "} Caf\u00e9")
        juliet.select("Caf\u00e9")
        juliet.type("/del")
        juliet.see("has been removed from the roster")
        wait_until(lambda: not roster_of(server, "juliet"), 20, "the contact to go")
        juliet.quit()


@suite.check("both subscribe, see each other away, busy, back and gone, and part",
             shows="subscription presence")
def _(server):
    with present(server, "romeo") as romeo, \
            Mcabber(server, "juliet") as juliet:
        juliet.type(f"/add {ROMEO} Montague")
        answer_request(romeo, JULIET)
        juliet.see("wants to subscribe")
        juliet.type("/event * accept")
        romeo.expect("presence", is_presence(f"{JULIET}/mc"))
        for word, as_seen in (("away", "away"), ("dnd", "dnd"), ("online", None)):
            juliet.type(f"/status {word}")
            romeo.expect("presence", is_presence(f"{JULIET}/mc", show=as_seen))
        for as_said, sign in (("away", "a"), ("dnd", "d"), (None, "o")):
            show(romeo, as_said)
            juliet.see(f"[{sign}] Montague")
        assert roster_of(server, "juliet")[ROMEO][2] == "both"
        romeo.send("<presence type='unavailable'/>")
        juliet.see("[_] Montague")
        show(romeo, None)
        juliet.see("[o] Montague")
        juliet.select("Montague")
        juliet.type("/authorization cancel")
        romeo.expect("presence", is_presence(JULIET, "unsubscribed"))
        juliet.type("/del")
        romeo.expect("presence", is_presence(JULIET, "unsubscribe"))
        juliet.see("has been removed from the roster")
        juliet.quit()
        romeo.logout()


@suite.check("messages go both ways, with other scripts and markup", shows="messages")
def _(server):
    with present(server, "romeo") as romeo, \
            Mcabber(server, "juliet") as juliet:
        romeo.message(JULIET, "wherefore <art> & thou, caf\u00e9 \u20ac")
        juliet.see(ROMEO)
        juliet.select(ROMEO)
        juliet.type("O Romeo")
        assert body_of(romeo.expect("message", body_of)) == "O Romeo"
        juliet.see("<== wherefore <art> & thou, caf\u00e9 \u20ac", "--> O Romeo")
        juliet.type(f"/say_to {ROMEO} <Romeo> & \u00e9")
        message = romeo.expect("message", body_of)
        assert body_of(message) == "<Romeo> & \u00e9" and message.get("from") == f"{JULIET}/mc"
        juliet.quit()
        romeo.logout()


class Late(Mcabber):
    """For it, it is an hour later."""

    command = later("mcabber")


@suite.check("kept messages are shown in order, with the time of their sending", shows="offline")
def _(server):
    begin = time.time()
    keep_messages(server, "romeo", JULIET, "first", "second", "third")
    with Late(server, "juliet") as juliet:
        juliet.see(ROMEO)
        juliet.open(ROMEO)
        juliet.see("<== first", "<== second", "<== third")
        shown = re.findall(r"(\d\d:\d\d)(?::\d\d)? +<== (\w+)", juliet.screen())
        assert [text for _, text in shown] == ["first", "second", "third"], shown
        sent = {time.strftime("%H:%M", time.gmtime(at)) for at in (begin, time.time())}
        now = time.strftime("%H:%M", time.gmtime(time.time() + LATER))
        assert {at for at, _ in shown} <= sent, f"sent at {sent}, for it now {now}, shown {shown}"
        juliet.quit()
    with Mcabber(server, "juliet") as juliet:
        keep_messages(server, "romeo", JULIET, "fourth")
        juliet.see(ROMEO)
        juliet.open(ROMEO)
        juliet.see("<== fourth")
        assert "<== third" not in juliet.screen(), "they came again"
        juliet.quit()


@suite.check("the vCard of another is shown", shows="vcard")
def _(server):
    set_vcard(server, "romeo", "<FN>Romeo Montague</FN><NICKNAME>Mo</NICKNAME>"
              "<EMAIL><USERID>romeo@verona.test</USERID></EMAIL>")
    with Mcabber(server, "juliet") as juliet:
        juliet.type(f"/request vcard {ROMEO}")
        juliet.see("Received IQ:vCard result")
        juliet.open(ROMEO)
        juliet.see("Romeo Montague", "romeo@verona.test")
        juliet.quit()


suite.run()
