#!/usr/bin/python3
"""A changed config file, read while people are signed in: what can change does, and nobody is sent away."""
import re
import subprocess
import threading

from checks import Suite
from configured_server import make_certificate
from kith_server import program, wait_until
from xmpp_client import Client

suite = Suite("a reload takes effect", config="", settings={"server.shards": 3})


def offers_registration(client):
    return client.features.find("{http://jabber.org/features/iq-register}register") is not None


def is_taken(server, **what):
    wrong = server.reload()
    assert not wrong, wrong


def is_refused(server, *words):
    wrong = server.reload()
    for word in words:
        assert word in wrong, f"no '{word}' in: {wrong}"


@suite.check("limits and modules' options count from now on, and sessions stay")
def _(server):
    with Client.login(server, "juliet") as juliet:
        server.write("c2s { max_sessions = 1 }\nregister { sign_up = yes }")
        is_taken(server)
        juliet.ping()
        with Client(server) as other:
            other.connect().open()
            other.upgrade()
            assert offers_registration(other)
            other.sign_in("juliet", server.users["juliet"], "SCRAM-SHA-1")
            refused = other.iq("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>")
            assert refused.get("type") == "error", "a second session was taken"
        server.write("")
        is_taken(server)
        with Client.login(server, "juliet"):
            juliet.ping()


@suite.check("the log's level changes")
def _(server):
    def is_told(resource):
        return f"/{resource}" in server.log()

    server.write("", server='log_level = "error"')
    is_taken(server)
    with Client.login(server, "juliet", "unheard"):
        pass
    server.write("")
    is_taken(server)
    with Client.login(server, "juliet", "heard"):
        wait_until(lambda: is_told("heard"), 10, "a line of that level")
    assert not is_told("unheard")


@suite.check("at the level debug the log tells what became of each stanza, but not what it says")
def _(server):
    server.write("", server='log_level = "debug"')
    is_taken(server)
    with Client.login(server, "juliet", "hall") as juliet:
        for to, name in (("romeo", "kept"), ("nobody", "lost"), ("juliet", "here")):
            juliet.be_present()
            juliet.message(f"{to}@{server.domain}", "wherefore", name=name)
            juliet.ping()
    server.write("")
    is_taken(server)
    for name, end in (("kept", "a stanza is kept for later"),
                      ("here", f"a stanza is delivered .* session=juliet@{server.domain}/hall"),
                      ("lost", "a stanza goes back with an error .* why=service-unavailable")):
        wait_until(lambda: [line for line in server.log().splitlines()
                            if f"id={name} " in line and re.search(end, line)], 10, f"{name}: {end}")
    assert "wherefore" not in server.log()


@suite.check("a domain comes, with its certificate, and goes with its users; another's stay")
def _(server):
    make_certificate(server.certs, "second.test")
    server.trust_all()
    with Client.login(server, "juliet") as juliet:
        juliet.be_present()
        server.write("", domains=[server.domain, "second.test"])
        is_taken(server)
        server.must("user", "add", "nurse@second.test", "secret")
        with second(server) as nurse:
            nurse.be_present()
            nurse.message(f"juliet@{server.domain}", "from afar")
            juliet.expect_body("from afar")
            server.write("")
            is_taken(server)
            assert nurse.stream_error() == "host-gone"
        juliet.message("nurse@second.test", "are you there?")
        assert juliet.expect("message").get("type") == "error"
        server.write("", domains=[server.domain, "second.test"])
        is_taken(server)
        with second(server) as nurse:
            nurse.be_present()
            juliet.message("nurse@second.test", "again")
            nurse.expect_body("again")
        server.write("")
        is_taken(server)


def second(server):
    other = Server(server, "second.test")
    return Client.login(other, "nurse", password="secret")


class Server:
    """The same server, seen by a user of another domain."""

    def __init__(self, server, domain):
        self.__dict__.update(vars(server))
        self.host, self.domain = server.host, domain


@suite.check("what counts at the start only is refused, and nothing else of the file is taken")
def _(server):
    server.write("register { sign_up = yes }", server="workers = 7")
    is_refused(server, "server.workers", "restart")
    with Client(server) as stranger:
        stranger.connect().open()
        stranger.upgrade()
        assert not offers_registration(stranger), "half of the file was taken"
    server.write("")
    is_taken(server)


@suite.check("many ask at once")
def _(server):
    server.write("c2s {\n\tidle_timeuot = 5m\n}")
    is_refused(server, "kithd.conf:4:", "idle_timeout")
    server.write("")
    many = [subprocess.Popen([program("kithctl"), "--dir", server.dir, "reload"]) for _ in range(8)]
    assert [child.wait(30) for child in many] == [0] * 8


@suite.check("a broken certificate changes nothing, a renewed one is shown")
def _(server):
    good = (server.certs / f"{server.domain}.pem").read_bytes()
    (server.certs / f"{server.domain}.pem").write_bytes(b"no certificate")
    server.write("register { sign_up = yes }")
    is_refused(server, "host", server.domain)
    (server.certs / f"{server.domain}.pem").write_bytes(good)
    server.write("")
    is_taken(server)
    with Client.login(server, "juliet") as juliet:
        juliet.ping()


@suite.check("fifty reloads while people talk: all that is said arrives")
def _(server):
    done = threading.Event()

    def talk():
        number = 0
        with Client.login(server, "juliet") as juliet, Client.login(server, "romeo") as romeo:
            romeo.be_present()
            while not done.is_set() or number < 100:
                number += 1
                juliet.message(f"romeo@{server.domain}", f"number {number}")
                romeo.expect_body(f"number {number}")
        counts.append(number)

    counts = []
    thread = threading.Thread(target=talk)
    thread.start()
    for i in range(50):
        server.write(f"c2s {{ idle_timeout = {100 + i}s }}",
                     domains=[server.domain, "second.test"][:1 + i % 2])
        is_taken(server)
    done.set()
    thread.join(60)
    assert counts, "the talk broke off"
    return f"{counts[0]} messages"


suite.run()
