#!/usr/bin/python3
"""@xmpp/client from npm: SASL2, Bind 2, a FAST token and stream management, all by itself."""
import json
import os
import pathlib
import select
import subprocess
import tempfile
import time
from xml.etree import ElementTree

from checks import Suite
from npm import installed

STEP = 30.0
ROUNDS, BURST = 4, 8
SASL2, BIND2 = "{urn:xmpp:sasl:2}", "{urn:xmpp:bind:0}"
FAST, SM = "{urn:xmpp:fast:0}", "{urn:xmpp:sm:3}"
AGENTS = {"juliet": "d4565fa7-4d72-4749-b3d3-740edbf87770",
          "romeo": "0d1f5e5c-8a0c-4c39-9d49-0f5a2c8a4f11"}

# The library looks for the address's name in the certificate, not for the domain's (docs/interop.md).
suite = Suite("xmpp.js comes back with a token", domain="localhost")
files = tempfile.TemporaryDirectory(prefix="kith-xmppjs-")


class Person:
    """The program for one user. events: all that happened; a wait takes up where the last ended."""

    def __init__(self, server, user, password=True, trusts=True):
        facts = {"service": f"xmpps://localhost:{server.ports['c2s_tls']}", "domain": server.domain,
                 "username": user, "agent": AGENTS[user],
                 "tokenFile": os.path.join(files.name, user)}
        if password:
            facts["password"] = server.users[user]
        env = {**os.environ, **({"NODE_EXTRA_CA_CERTS": server.ca} if trusts else {})}
        place = installed(pathlib.Path(__file__).resolve().parent / "xmppjs")
        self.process = subprocess.Popen(
            ["node", "--dns-result-order=ipv4first", str(place / "person.js"), json.dumps(facts)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
        self.events, self.seen, self.rest, self.noise = [], 0, b"", []

    def __enter__(self):
        self.do("start")
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def do(self, what, **more):
        self.process.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
        self.process.stdin.flush()

    def _read(self, end):
        left = end - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            return False
        chunk = os.read(self.process.stdout.fileno(), 65536)
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b'{"what"'):
                self.events.append(json.loads(line))
            else:
                self.noise.append(line.decode(errors="replace"))
        return bool(chunk)

    def wait(self, *kinds, accept=lambda event: True):
        """The next event of one of these kinds that is accepted."""
        end = time.monotonic() + STEP
        while True:
            while self.seen < len(self.events):
                event = self.events[self.seen]
                self.seen += 1
                if event["what"] in kinds and accept(event):
                    return event
            assert self._read(end), f"no {kinds} in {self.events[-6:]} {self.noise[-6:]}"

    def bodies(self):
        """Of all messages that came, in their order."""
        return [ElementTree.fromstring(e["xml"]).findtext("{*}body") for e in self.events
                if e["what"] == "got" and e["xml"].startswith("<message")]

    def wait_bodies(self, count):
        end = time.monotonic() + STEP
        while len(self.bodies()) < count:
            assert self._read(end), f"{len(self.bodies())} of {count} messages: {self.events[-6:]}"

    def elements(self, kind, name):
        """Elements that were sent or came, of a name like {namespace}local."""
        found = [ElementTree.fromstring(e["xml"]) for e in self.events
                 if e["what"] == kind and not e["xml"].startswith("<stream:")]
        return [element for element in found if element.tag == name]

    def token(self):
        """The one that it was given last; None."""
        told = [event["token"] for event in self.events if event["what"] == "token"]
        return told[-1] if told else None

    def online(self):
        jid = self.wait("online")["jid"]
        self.do("presence")
        self.wait("got", accept=lambda event: event["xml"].startswith("<presence"))
        return jid


def forget_tokens():
    for name in os.listdir(files.name):
        os.unlink(os.path.join(files.name, name))


def the_only(elements):
    assert len(elements) == 1, [ElementTree.tostring(e) for e in elements]
    return elements[0]


@suite.check("refuses a server whose certificate it cannot verify", shows="sign-in")
def _(server):
    with Person(server, "juliet", trusts=False) as juliet:
        juliet.wait("failed")
        assert not juliet.elements("sent", SASL2 + "authenticate")


@suite.check("signs in, binds, gets a token and enables stream management in one exchange")
def _(server):
    forget_tokens()
    with Person(server, "juliet") as juliet:
        jid = juliet.online()
        asked = the_only(juliet.elements("sent", SASL2 + "authenticate"))
        answer = the_only(juliet.elements("got", SASL2 + "success"))
        assert asked.get("mechanism") == "SCRAM-SHA-1", asked.get("mechanism")
        assert asked.find(f"{BIND2}bind/{SM}enable") is not None, "stream management is not asked for"
        assert asked.find(FAST + "request-token").get("mechanism") == "HT-SHA-256-NONE"
        assert answer.find(f"{BIND2}bound/{SM}enabled").get("resume") in ("true", "1")
        assert answer.find(FAST + "token").get("token") == juliet.token()
        assert answer.findtext(SASL2 + "authorization-identifier") == jid
        assert jid.startswith("juliet@localhost/kith/"), jid
        assert not [e for e in juliet.events if e["what"] == "sent" and e["xml"].startswith("<iq")]
        juliet.do("stop")
        juliet.wait("stopped")


@suite.check("comes back with its token and resumes; no message is lost or there twice",
             shows="messages")
def _(server):
    forget_tokens()
    with Person(server, "juliet") as juliet, Person(server, "romeo") as romeo:
        names = {juliet: juliet.online(), romeo: romeo.online()}
        for number in range(ROUNDS):
            for i in range(BURST):
                juliet.do("message", to=names[romeo], id=f"j{number}-{i}", body=f"j {number} {i}")
                romeo.do("message", to=names[juliet], id=f"r{number}-{i}", body=f"r {number} {i}")
            for person in (juliet, romeo)[:1 + number % 2]:
                person.do("cut")
                came = person.wait("resumed", "online", "fail")
                assert came == {"what": "resumed", "jid": names[person]}, came
        for person, letter in ((juliet, "r"), (romeo, "j")):
            person.wait_bodies(ROUNDS * BURST)
            person.do("stop")
            person.wait("stopped")
            wanted = [f"{letter} {n} {i}" for n in range(ROUNDS) for i in range(BURST)]
            assert person.bodies() == wanted, person.bodies()
        asked = juliet.elements("sent", SASL2 + "authenticate")
        assert [a.get("mechanism") for a in asked] == ["SCRAM-SHA-1"] + ROUNDS * ["HT-SHA-256-NONE"]
        assert all(a.find(FAST + "fast") is not None and a.find(SM + "resume") is not None
                   for a in asked[1:])
        came = juliet.elements("got", SASL2 + "success")
        assert [s.find(SM + "resumed") is not None for s in came] == [False] + ROUNDS * [True]


@suite.check("another process signs in with the kept token, without a password")
def _(server):
    with Person(server, "juliet", password=False) as juliet:
        juliet.online()
        asked = the_only(juliet.elements("sent", SASL2 + "authenticate"))
        assert asked.get("mechanism") == "HT-SHA-256-NONE"
        assert not juliet.elements("got", SASL2 + "failure")
        juliet.do("stop")
        juliet.wait("stopped")


@suite.check("a token that ended is followed by the password and a new token, on the same stream")
def _(server):
    done = server.ctl("user", "passwd", "juliet", input="n3w\n")
    assert done.returncode == 0, done.stderr
    server.users["juliet"] = "n3w"
    with Person(server, "juliet") as juliet:
        juliet.online()
        asked = juliet.elements("sent", SASL2 + "authenticate")
        assert [a.get("mechanism") for a in asked] == ["HT-SHA-256-NONE", "SCRAM-SHA-1"]
        assert [e["what"] for e in juliet.events].count("token-dropped") == 1
        assert juliet.token() is not None
        juliet.do("stop")
        juliet.wait("stopped")


suite.run()
