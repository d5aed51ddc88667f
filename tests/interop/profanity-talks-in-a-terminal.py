#!/usr/bin/python3
"""Profanity in tmux: what a person types, and what the screen then shows."""
import os
import shutil
import subprocess
import tempfile

from checks import Suite
from kith_server import wait_until
from xmpp_client import CLIENT, ROSTER, Client, body_of

STEP = 20.0
suite = Suite("profanity: talks in a terminal")


class Terminal:
    """Profanity for one user, with a home and a tmux server of its own."""

    def __init__(self, server, user):
        self.server, self.user = server, user
        self.home = tempfile.mkdtemp(prefix="kith-prof-")
        self.socket = os.path.join(self.home, "tmux")
        self.env = {"HOME": self.home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                    "LC_ALL": "C.UTF-8", "TERM": "screen", "SSL_CERT_FILE": server.ca,
                    "SSL_CERT_DIR": "/nonexistent"}
        config = os.path.join(self.home, ".config", "profanity")
        os.makedirs(config)
        with open(os.path.join(config, "profrc"), "w", encoding="ascii") as profrc:
            profrc.write(f"[connection]\ncafile={server.ca}\n[ui]\nsplash=false\nwins.autotidy=false\n"
                         "[chatstates]\nenabled=false\nouttype=false\n")

    def _tmux(self, *arguments):
        done = subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *arguments],
                              env=self.env, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    def __enter__(self):
        self._tmux("new-session", "-d", "-x", "160", "-y", "50", "profanity -l DEBUG")
        self.see("Profanity")
        return self

    def __exit__(self, *_):
        self._tmux("kill-server")
        shutil.rmtree(self.home, ignore_errors=True)

    def type(self, line):
        self._tmux("send-keys", "-l", line)
        self._tmux("send-keys", "Enter")

    def screen(self):
        return self._tmux("capture-pane", "-p", "-J")

    def see(self, *words):
        """Waits until all the words are on the screen."""
        def shown():
            text = self.screen()
            return all(word in text for word in words)
        try:
            wait_until(shown, STEP, "it", 0.1)
        except AssertionError:
            lines = [line for line in self.screen().splitlines() if line.strip()]
            raise AssertionError(f"no {' and '.join(words)!r} on the screen: {lines[-14:]}") from None

    def connect(self):
        self.type(f"/connect {self.user}@{self.server.domain}/prof server {self.server.host} "
                  f"port {self.server.ports['c2s']} tls force")
        self.see("Enter password")
        self.type(self.server.users[self.user])
        self.see("logged in successfully")

    def quit(self):
        self.type("/quit")
        wait_until(lambda: not self._tmux("list-sessions"), STEP, "profanity to end")

    def log(self):
        for folder, _, files in os.walk(self.home):
            for name in files:
                if name.startswith("profanity") and name.endswith(".log"):
                    with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as log:
                        yield log.read()


@suite.check("signs in with SCRAM inside verified TLS")
def _(server):
    with Terminal(server, "juliet") as juliet:
        juliet.connect()
        log = "".join(juliet.log())
        assert "SCRAM-SHA-" in log, "no SCRAM in its log"
        assert "tls allow" not in juliet.screen(), "it asked about the certificate"
        juliet.quit()


@suite.check("says so when the password is wrong")
def _(server):
    with Terminal(server, "juliet") as juliet:
        juliet.type(f"/connect juliet@kith.test/prof server {server.host} "
                    f"port {server.ports['c2s']} tls force")
        juliet.see("Enter password")
        juliet.type("wrong")
        juliet.see("Login failed")


@suite.check("messages go both ways, with other scripts and markup")
def _(server):
    with Client.login(server, "romeo", "r", presence=True) as romeo, \
            Terminal(server, "juliet") as juliet:
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


@suite.check("adds a contact, asks and is allowed to see presence")
def _(server):
    with Client.login(server, "romeo", "r", presence=True) as romeo, \
            Terminal(server, "juliet") as juliet:
        juliet.connect()
        juliet.type("/roster add romeo@kith.test Montague")
        juliet.see("Roster item added")
        juliet.type("/sub request romeo@kith.test")
        romeo.expect("presence", lambda e: e.get("type") == "subscribe")
        romeo.send("<presence to='juliet@kith.test' type='subscribed'/>"
                   "<presence to='juliet@kith.test' type='subscribe'/>")
        juliet.see("Subscription received from romeo@kith.test",
                   "Received authorization request from romeo@kith.test")
        juliet.type("/sub allow romeo@kith.test")
        romeo.expect("presence", lambda e: e.get("from") == "juliet@kith.test/prof" and
                     e.get("type") is None)
        juliet.type('/status set away "on the balcony"')
        romeo.expect("presence", lambda e: e.findtext(f"{{{CLIENT}}}show") == "away")
        juliet.type("/roster")
        juliet.see("Montague", "Subscription", "both")
        roster = romeo.iq("get", f"<query xmlns='{ROSTER}'/>")
        item = [i for i in roster[0] if i.get("jid") == "juliet@kith.test"][0]
        assert item.get("subscription") == "both", item.attrib
        juliet.quit()
        romeo.expect("presence", lambda e: e.get("type") == "unavailable" and
                     e.get("from") == "juliet@kith.test/prof")
        romeo.logout()


@suite.check("a message kept while it was offline is shown after it signs in")
def _(server):
    with Client.login(server, "romeo", "r", presence=True) as romeo:
        romeo.message("juliet@kith.test", "parting is such sweet sorrow")
        romeo.ping()
        romeo.logout()
    with Terminal(server, "juliet") as juliet:
        juliet.connect()
        juliet.see("romeo@kith.test")
        juliet.type("/win 2")
        juliet.see("parting is such sweet sorrow")
        juliet.quit()


@suite.check("ping and disco of the server are shown")
def _(server):
    with Terminal(server, "juliet") as juliet:
        juliet.connect()
        juliet.type("/disco info kith.test")
        juliet.see("jabber:iq:version")
        juliet.type("/ping")
        juliet.see("Ping response from server")
        juliet.quit()


suite.run()
