#!/usr/bin/python3
"""Profanity in tmux: what a person types, and what the screen then shows."""
import os
import re
import time

from checks import Suite
from people import (LATER, answer_request, gets_in, is_presence, keep_messages, later, present,
                    roster_of, show)
from terminal import Terminal
from xmpp_client import CLIENT, Client, body_of

suite = Suite("profanity: talks in a terminal")
JULIET, ROMEO = "juliet@kith.test", "romeo@kith.test"


class Profanity(Terminal):
    command = "profanity -l DEBUG"
    greeting = "Profanity"
    trusts = True

    def configure(self):
        self.write(".config/profanity/profrc",
                   (f"[connection]\ncafile={self.server.ca}\n" if self.trusts else "") +
                   "[ui]\nsplash=false\nwins.autotidy=false\n[chatstates]\nenabled=false\nouttype=false\n")

    def dial(self, password):
        self.type(f"/connect {self.user}@{self.server.domain}/prof server {self.server.host} "
                  f"port {self.server.ports['c2s']} tls force")
        self.see("Enter password")
        self.type(password)

    def connect(self):
        self.dial(self.password)
        self.see("logged in successfully")

    def quit(self):
        self.type("/quit")
        self.ended()

    def log(self):
        for folder, _, files in os.walk(self.home):
            for name in files:
                if name.startswith("profanity") and name.endswith(".log"):
                    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as log:
                        yield log.read()


class Distrusting(Profanity):
    """Without the authority, and without the one of the environment."""

    trusts = False
    variables = {"SSL_CERT_FILE": "/nonexistent"}


@suite.check("signs in with SCRAM inside verified TLS, and not when it does not know the authority",
             shows="sign-in")
def _(server):
    with Profanity(server, "juliet") as juliet:
        juliet.connect()
        log = "".join(juliet.log())
        assert "SCRAM-SHA-" in log, "no SCRAM in its log"
        assert "tls allow" not in juliet.screen(), "it asked about the certificate"
        juliet.quit()
    with Distrusting(server, "romeo") as romeo:
        romeo.dial(romeo.password)
        romeo.see("/tls allow")
        assert "logged in" not in romeo.screen() and f"{ROMEO}/prof" not in server.log(), "it got in"
        romeo.type("/tls deny")
        romeo.see("Login failed")
        romeo.quit()


@suite.check("says so when the password is wrong")
def _(server):
    with Profanity(server, "juliet") as juliet:
        juliet.dial("wrong")
        juliet.see("Login failed")


@suite.check("messages go both ways, with other scripts and markup", shows="messages")
def _(server):
    with Client.login(server, "romeo", "r", presence=True) as romeo, \
            Profanity(server, "juliet") as juliet:
        juliet.connect()
        romeo.message("juliet@kith.test", "wherefore <art> & thou, caf\u00e9 \u20ac")
        juliet.see("romeo@kith.test")
        juliet.type("/msg romeo@kith.test O Romeo <Romeo> & \u00e9")
        message = romeo.expect("message", body_of)
        assert body_of(message) == "O Romeo <Romeo> & \u00e9", body_of(message)
        assert message.get("from") == "juliet@kith.test/prof", message.get("from")
        juliet.see("wherefore <art> & thou, caf\u00e9 \u20ac")
        romeo.logout()
        juliet.quit()


@suite.check("a contact gets a name and groups, the next session knows it, it goes",
             shows="roster groups")
def _(server):
    with Profanity(server, "juliet") as juliet:
        juliet.connect()
        juliet.type(f"/roster add {ROMEO} Montague")
        juliet.see("Roster item added")
        for group in ("Verona", "Friends"):
            juliet.type(f"/roster group add {group} Montague")
            juliet.see(f"Montague added to group {group}")
        juliet.type(f"/roster nick {ROMEO} Caf\u00e9")
        juliet.see("set to: Caf\u00e9")
        juliet.type("/roster group remove Friends Caf\u00e9")
        juliet.see("removed from group Friends")
        juliet.quit()
    assert roster_of(server, "juliet") == {ROMEO: ("Caf\u00e9", {"Verona"}, "none")}
    with Profanity(server, "juliet") as juliet:
        juliet.connect()
        juliet.type("/roster")
        juliet.see(f"{ROMEO} (Caf\u00e9) - none - Verona")
        juliet.type(f"/roster remove {ROMEO}")
        juliet.see("Roster item removed")
        juliet.quit()
    assert not roster_of(server, "juliet")


@suite.check("both subscribe, see each other away, busy, back and gone, and part",
             shows="subscription presence")
def _(server):
    with present(server, "romeo") as romeo, Profanity(server, "juliet") as juliet:
        juliet.connect()
        juliet.type(f"/roster add {ROMEO} Montague")
        juliet.see("Roster item added")
        juliet.type(f"/sub request {ROMEO}")
        answer_request(romeo, JULIET)
        juliet.see(f"Subscription received from {ROMEO}", f"authorization request from {ROMEO}")
        juliet.type(f"/sub allow {ROMEO}")
        romeo.expect("presence", is_presence(f"{JULIET}/prof"))
        juliet.type('/status set away "on the balcony"')
        away = romeo.expect("presence", is_presence(f"{JULIET}/prof", show="away"))
        assert away.findtext(f"{{{CLIENT}}}status") == "on the balcony"
        for word, as_seen in (("dnd", "dnd"), ("online", None)):
            juliet.type(f"/status set {word}")
            romeo.expect("presence", is_presence(f"{JULIET}/prof", show=as_seen))
        for as_said in ("away", "dnd"):
            show(romeo, as_said)
            juliet.see(f"Montague (r) is {as_said}")
        romeo.send("<presence type='unavailable'/>")
        juliet.see("Montague (r) is offline")
        show(romeo, None)
        juliet.see("Montague (r) is online")
        assert roster_of(server, "romeo")[JULIET][2] == "both"
        juliet.type(f"/sub deny {ROMEO}")
        romeo.expect("presence", is_presence(JULIET, "unsubscribed"))
        juliet.type(f"/roster remove {ROMEO}")
        romeo.expect("presence", is_presence(JULIET, "unsubscribe"))
        juliet.see("Roster item removed")
        juliet.quit()
        romeo.logout()


class Late(Profanity):
    """For it, it is an hour later."""

    command = later("profanity -l DEBUG")


@suite.check("kept messages are shown in order, with the time of their sending", shows="offline")
def _(server):
    begin = time.time()
    keep_messages(server, "romeo", JULIET, "first", "second", "third")
    with Late(server, "juliet") as juliet:
        juliet.connect()
        juliet.see(ROMEO)
        juliet.type("/win 2")
        juliet.see("first", "second", "third")
        shown = re.findall(r"(\d\d:\d\d):\d\d .*(first|second|third)", juliet.screen())
        assert [text for _, text in shown] == ["first", "second", "third"], juliet.screen()
        sent = {time.strftime("%H:%M", time.gmtime(at)) for at in (begin, time.time())}
        now = time.strftime("%H:%M", time.gmtime(time.time() + LATER))
        assert {at for at, _ in shown} <= sent, f"sent at {sent}, for it now {now}, shown {shown}"
        juliet.quit()


@suite.check("who is blocked is not heard, the list is shown, and unblocking ends it",
             shows="blocking")
def _(server):
    with present(server, "romeo") as romeo, Profanity(server, "juliet") as juliet:
        juliet.connect()
        # It asks what the server can do by itself; the answers come in order.
        juliet.type("/disco info kith.test")
        juliet.see("urn:xmpp:blocking")
        juliet.type(f"/blocked add {ROMEO}")
        juliet.see("successfully blocked")
        romeo.message(JULIET, "unheard")
        assert romeo.expect("message").get("type") == "error"
        juliet.type("/blocked")
        juliet.see("Blocked users:")
        juliet.type(f"/blocked remove {ROMEO}")
        juliet.see("successfully unblocked")
        romeo.message(JULIET, "at last")
        juliet.type(f"/msg {ROMEO} so it is")
        juliet.see("at last")
        assert "unheard" not in juliet.screen()
        juliet.quit()
        romeo.logout()


@suite.check("the password is changed", shows="password")
def _(server):
    server.must("user", "add", "nurse@kith.test", "angelica")
    with Profanity(server, "nurse", "angelica") as nurse:
        nurse.connect()
        nurse.type("/changepassword")
        nurse.see("Enter password")
        nurse.type("peter")
        nurse.see("Confirm password")
        nurse.type("peter")
        nurse.see("Password successfully changed")
        nurse.quit()
    assert gets_in(server, "nurse", "peter") and not gets_in(server, "nurse", "angelica")


@suite.check("ping and disco of the server are shown")
def _(server):
    with Profanity(server, "juliet") as juliet:
        juliet.connect()
        juliet.type("/disco info kith.test")
        juliet.see("jabber:iq:version")
        juliet.type("/ping")
        juliet.see("Ping response from server")
        juliet.quit()


suite.run()
