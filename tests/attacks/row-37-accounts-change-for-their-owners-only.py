#!/usr/bin/python3
"""Rows 37 and 81: who registers, changes and removes accounts, and how many; what was answered
is so after SIGKILL."""
import shutil
import tempfile

from checks import Suite
from kith_server import Kith
from xmpp_client import AuthFailed, Client, Closed, StreamError, error_of

REGISTER = "jabber:iq:register"
MOST = 8
ROUNDS = 5
OTHERS = ("romeo", "ROMEO", "romeo@kith.test", " romeo", "romeo ", "juliet/../romeo", "", "x" * 2000)
suite = Suite("row 37: accounts change for their owners only", attack=True,
              settings={"register.sign_up": "yes", "register.max_sign_ups": str(MOST)})


def registration(username, password):
    return (f"<query xmlns='{REGISTER}'><username>{username}</username>"
            f"<password>{password}</password></query>")


REMOVE = f"<query xmlns='{REGISTER}'><remove/></query>"


def works(server, user, password, number):
    try:
        Client.login(server, user, password=password, source=f"127.0.37.{number}").close()
        return True
    except AuthFailed:
        return False


def newcomer(server, number):
    client = Client(server, source=f"127.0.37.{number}").connect(direct=True)
    client.open()
    return client


@suite.check("another's name changes nothing, however it is written")
def _(server):
    with Client.login(server, "juliet", source="127.0.37.1") as juliet:
        for name in OTHERS:
            for to in (None, "kith.test", "romeo@kith.test"):
                answer = juliet.iq("set", registration(name, "mine now"), to)
                assert answer.get("type") == "error", f"{name[:20]!r} to {to}"
        for to in ("romeo@kith.test", "nobody@kith.test"):
            assert juliet.iq("set", REMOVE, to).get("type") == "error", f"removes {to}"
        juliet.ping()
    assert works(server, "romeo", server.users["romeo"], 2), "romeo's password changed"
    assert not works(server, "romeo", "mine now", 3), "another's password works"


@suite.check("who signs up takes nobody's account, and one only over a connection")
def _(server):
    with newcomer(server, 10) as client:
        for name in ("romeo", "Romeo", "juliet"):
            answer = client.iq("set", registration(name, "mine now"))
            assert error_of(answer) == "conflict", f"{name}: {error_of(answer)}"
        assert client.iq("set", REMOVE).get("type") == "error", "it removes something"
        assert client.iq("set", registration("first", "a")).get("type") == "result"
        assert error_of(client.iq("set", registration("second", "b"))) == "not-acceptable"
    assert works(server, "first", "a", 11) and not works(server, "second", "b", 11)


@suite.check("two who ask for one name at once: one of them gets it")
def _(server):
    for number in range(ROUNDS):
        with newcomer(server, 20) as one, newcomer(server, 21) as other:
            for client, password in ((one, "one"), (other, "other")):
                client.send(f"<iq type='set' id='r'>{registration(f'both{number}', password)}</iq>")
            types = [client.answer("r").get("type") for client in (one, other)]
            assert sorted(types) == ["error", "result"], types
        winner = "one" if types[0] == "result" else "other"
        assert works(server, f"both{number}", winner, 22), "the answer was wrong"


@suite.check("one network gets so many accounts and no more, over however many connections")
def _(server):
    made = 0
    for number in range(3 * MOST):
        with newcomer(server, 30) as client:
            answer = client.iq("set", registration(f"many{number}", "x"))
            made += answer.get("type") == "result"
            assert answer.get("type") == "result" or error_of(answer) == "not-acceptable"
    assert made == MOST, f"{made} accounts"


@suite.check("a sign-in from before the removal does not get into the account that follows")
def _(server):
    with newcomer(server, 40) as client:
        assert client.iq("set", registration("tybalt", "old")).get("type") == "result"
    waiting = Client(server, source="127.0.37.41").connect(direct=True)
    waiting.open()
    waiting.sign_in("tybalt", "old", "SCRAM-SHA-1")
    with Client.login(server, "tybalt", password="old", source="127.0.37.42") as owner:
        assert owner.iq("set", REMOVE).get("type") == "result"
        assert owner.stream_error() == "not-authorized"
    with newcomer(server, 43) as client:
        assert client.iq("set", registration("tybalt", "new")).get("type") == "result"
    try:
        jid = waiting.bind()
        raise AssertionError(f"it got in as {jid}")
    except (Closed, StreamError, OSError):
        pass
    finally:
        waiting.close()
    assert works(server, "tybalt", "new", 44) and not works(server, "tybalt", "old", 45)


@suite.check("who hangs up before the answer hurts nobody, and the change is whole or not there")
def _(server):
    password = server.users["juliet"]
    for number in range(20):
        juliet = Client.login(server, "juliet", source="127.0.37.60")
        other = Client.login(server, "juliet", source="127.0.37.61")
        for to in ("", " to='kith.test'"):
            juliet.send(f"<iq type='set' id='c{number}'{to}>{registration('juliet', password)}</iq>")
        juliet.reset()
        other.send(f"<iq type='set' id='d{number}'>{registration('juliet', password)}</iq>"
                   "</stream:stream>")
        other.close()
        client = newcomer(server, 62)
        client.send(f"<iq type='set' id='s'>{registration(f'hasty{number}', 'h')}</iq>")
        client.reset()
    assert works(server, "juliet", password, 63), "the password is another"


@suite.check("what was answered is so after SIGKILL")
def _(_):
    folder = tempfile.mkdtemp(prefix="kith-test-")
    users, settings = {"juliet": "a", "romeo": "b"}, {"register.sign_up": "yes"}
    try:
        for number in range(ROUNDS):
            with Kith(users=users, settings=settings, directory=folder) as server:
                with newcomer(server, 50) as client:
                    assert client.iq("set", registration("nurse", "n")).get("type") == "result"
                server.kill()
            with Kith(users=users, settings=settings, directory=folder) as server:
                with Client.login(server, "nurse", password="n") as nurse:
                    answer = nurse.iq("set", registration("nurse", f"m{number}"))
                    assert answer.get("type") == "result", error_of(answer)
                server.kill()
            with Kith(users=users, settings=settings, directory=folder) as server:
                with Client.login(server, "nurse", password=f"m{number}") as nurse:
                    assert nurse.iq("set", REMOVE).get("type") == "result"
                server.kill()
            with Kith(users=users, settings=settings, directory=folder) as server:
                assert not works(server, "nurse", f"m{number}", 51), "it is there again"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


suite.run()
