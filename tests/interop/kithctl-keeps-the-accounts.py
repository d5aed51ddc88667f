#!/usr/bin/python3
"""kithctl: accounts are added, listed, changed, imported and deleted while people are signed in."""
import os
import stat
import time

from checks import Suite
from kith_server import wait_until
from xmpp_client import PING, AuthFailed, Client, local

suite = Suite("an operator keeps the accounts", domains=["second.test"],
              settings={"auth.iterations": "4096"})
IMPORTED = 500  # what it costs are the keys: see bench/
IMPORT_SECONDS = 60  # under sanitizers, on a busy machine


def done(server, *words, **more):
    answer = server.ctl(*words, **more)
    assert answer.returncode == 0, f"{words}: {answer.stderr}"
    return answer.stdout


def refused(server, *words, status=1, **more):
    """The reason that kithctl tells."""
    answer = server.ctl(*words, **more)
    assert answer.returncode == status, f"{words}: status {answer.returncode}, {answer.stdout}"
    assert answer.stderr.strip(), f"{words}: no reason"
    return answer.stderr


def accounts(server):
    return set(done(server, "user", "list").split())


def can_sign_in(server, user, password):
    try:
        Client.login(server, user, password=password, mechanism="PLAIN").close()
        return True
    except AuthFailed:
        return False


@suite.check("an account is added, by argument or by standard input, and can be used at once")
def _(server):
    done(server, "user", "add", "nurse@kith.test", "angelica")
    done(server, "user", "add", "Tybalt@Kith.Test", input="prince of cats\nnot this\n")
    assert {"nurse@kith.test", "tybalt@kith.test"} <= accounts(server)
    assert can_sign_in(server, "nurse", "angelica")
    assert can_sign_in(server, "tybalt", "prince of cats")
    assert not can_sign_in(server, "tybalt", "not this")


@suite.check("what is there already, or cannot be, is refused with a reason and changes nothing")
def _(server):
    before = accounts(server)
    refused(server, "user", "add", "juliet@kith.test", "other")
    refused(server, "user", "add", "nobody@elsewhere.test", "secret")
    refused(server, "user", "add", "a b@kith.test", "secret")
    refused(server, "user", "add", "lawrence", "secret")  # of which domain?
    refused(server, "user", "add", "lawrence@kith.test", input="")
    refused(server, "user", "passwd", "nobody@kith.test", "secret")
    refused(server, "user", "delete", "nobody@kith.test")
    refused(server, "user", status=2)
    refused(server, "user", "rename", "juliet@kith.test", status=2)
    assert accounts(server) == before
    assert can_sign_in(server, "juliet", server.users["juliet"])


@suite.check("a new password counts at the next sign-in, and who is signed in stays so")
def _(server):
    with Client.login(server, "romeo") as romeo:
        done(server, "user", "passwd", "romeo@kith.test", "banished")
        romeo.ping()
    assert not can_sign_in(server, "romeo", server.users["romeo"])
    assert can_sign_in(server, "romeo", "banished")
    done(server, "user", "passwd", "romeo@kith.test", server.users["romeo"])


@suite.check("a deleted account ends its sessions, and nothing of it is left for who takes its name")
def _(server):
    done(server, "user", "add", "paris@kith.test", "first")
    with Client.login(server, "paris", password="first", presence=True) as paris:
        paris.send("<iq type='set' id='r1'><query xmlns='jabber:iq:roster'>"
                   "<item jid='juliet@kith.test'/></query></iq>")
        paris.expect("iq", lambda iq: iq.get("id") == "r1")
        done(server, "user", "delete", "paris@kith.test")
        assert paris.stream_error() == "not-authorized"
    assert "paris@kith.test" not in accounts(server)
    assert not can_sign_in(server, "paris", "first")
    with Client.login(server, "juliet") as juliet:
        juliet.send(f"<iq type='get' id='p1' to='paris@kith.test'><ping xmlns='{PING}'/></iq>")
        assert juliet.expect("iq", lambda iq: iq.get("id") == "p1").get("type") == "error"
    done(server, "user", "add", "paris@kith.test", "second")
    with Client.login(server, "paris", password="second") as paris:
        paris.send("<iq type='get' id='r2'><query xmlns='jabber:iq:roster'/></iq>")
        roster = paris.expect("iq", lambda iq: iq.get("id") == "r2")
        assert not [e for e in roster.iter() if local(e) == "item"], "the old roster is there"


@suite.check("many accounts are imported from standard input in one go")
def _(server):
    lines = "".join(f"user{i}@kith.test:secret {i}\n" for i in range(IMPORTED))
    began = time.monotonic()
    said = done(server, "user", "import", "-", input=lines)
    took = time.monotonic() - began
    assert said == f"{IMPORTED} accounts imported, 0 failed\n", said
    assert took < IMPORT_SECONDS, f"{took:.0f} s"
    assert len([a for a in accounts(server) if a.startswith("user")]) == IMPORTED
    assert can_sign_in(server, f"user{IMPORTED - 1}", f"secret {IMPORTED - 1}")
    return f"{IMPORTED / took:.0f} a second"


@suite.check("an import goes on behind lines that are wrong, and counts them")
def _(server):
    path = os.path.join(server.own_dir, "accounts")
    with open(path, "w", encoding="utf-8") as file:
        file.write("balthasar@kith.test:one\n\nno colon\njuliet@kith.test:other\n"
                   "gregory@second.test:with:colons\r\nsampson@kith.test:last")
    answer = server.ctl("user", "import", path)
    assert answer.returncode == 1
    assert answer.stdout == "3 accounts imported, 2 failed\n", answer.stdout
    assert "no colon" in answer.stderr and "account 2" in answer.stderr, answer.stderr
    assert {"balthasar@kith.test", "gregory@second.test", "sampson@kith.test"} <= accounts(server)
    assert can_sign_in(server, "sampson", "last")
    assert can_sign_in(server, "juliet", server.users["juliet"])
    refused(server, "user", "import", path + ".not-there")


@suite.check("only who may open the folder may administer, and the log has no password")
def _(server):
    sockets = [os.path.join(server.dir, name) for name in os.listdir(server.dir)]
    sockets = [path for path in sockets if stat.S_ISSOCK(os.stat(path).st_mode)]
    assert sockets, "there is no control socket"
    for path in sockets:
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, oct(os.stat(path).st_mode)
    for secret in ("angelica", "prince of cats", "banished", "with:colons"):
        assert secret not in server.log(), secret


@suite.check("kithctl stop tells everyone, and the server ends well")
def _(server):
    with Client.login(server, "juliet") as juliet:
        done(server, "stop")
        assert juliet.stream_error() == "system-shutdown"
    wait_until(lambda: not server.alive(), 20, "the server to end")
    assert server.process.returncode == 0
    refused(server, "stats")


suite.run()
