#!/usr/bin/python3
"""XEP-0484 over XEP-0388: a token instead of a password, and a session in one round trip."""
import tempfile

from checks import Suite
from kith_server import make_server, wait_until
from sasl2 import BIND2, FAST, KINDS, SM, QuickClient
from xmpp_client import AuthFailed, Client

suite = Suite("a token signs in at once", users={"juliet": "r0m30", "romeo": "b4lc0ny"},
              settings={"auth.failures": "1000"})
OTHER = "11111111-2222-4333-8444-555555555555"


def request(kind):
    return f"<request-token xmlns='{FAST}' mechanism='{kind}'/>"


def bind(more=""):
    return f"<bind xmlns='{BIND2}'><tag>test</tag>{more}</bind>"


def get_token(server, user="juliet", kind="HT-SHA-256-EXPR", **more):
    with QuickClient(server) as client:
        client.by_password(user, server.users[user], request(kind), **more)
        assert client.token, "no token"
        return client.token


def use(server, token, *, user="juliet", **more):
    """What the client heard, after a sign-in with that token."""
    with QuickClient(server) as client:
        client.by_token(user, token, **more)
        return client


def refusal(server, token, **more):
    try:
        use(server, token, **more)
    except AuthFailed as failed:
        return failed.condition
    return None


@suite.check("a token is given out on request, for each kind of binding, and signs in")
def _(server):
    for kind in KINDS:
        token = get_token(server, kind=kind)
        assert use(server, token, kind=kind).jid == f"juliet@{server.domain}"
        assert use(server, token, kind=kind).token is None, "a new token was due at once"


@suite.check("a returning client has its session after one round trip, bound or resumed")
def _(server):
    token = get_token(server)
    client = QuickClient(server)
    client.by_token("juliet", token, inside=bind(f"<enable xmlns='{SM}' resume='true'/>"))
    assert client.waits == 1, f"{client.waits} round trips"
    bound = client.success.find(f"{{{BIND2}}}bound")
    name = bound.find(f"{{{SM}}}enabled").get("id")
    with Client.login(server, "romeo") as romeo:
        client.close()
        romeo.send(f"<message to='{client.jid}' id='m1'><body>are you there?</body></message>")
        romeo.ping()
        with QuickClient(server) as back:
            back.by_token("juliet", token,
                          inside=f"<resume xmlns='{SM}' previd='{name}' h='0'/>" + bind())
            assert back.waits == 1, f"{back.waits} round trips"
            assert back.success.find(f"{{{SM}}}resumed") is not None
            assert back.jid == client.jid, (back.jid, client.jid)
            assert back.expect("message").get("id") == "m1"


@suite.check("a token is for its mechanism, its client and its user, and nothing else fits")
def _(server):
    token = get_token(server)
    assert refusal(server, token, kind="HT-SHA-256-NONE") == "not-authorized"
    assert refusal(server, token, kind="HT-SHA-256-ENDP") == "not-authorized"
    assert refusal(server, token, agent=OTHER) == "not-authorized"
    assert refusal(server, token, user="romeo") == "not-authorized"
    assert refusal(server, token, user="nobody") == "not-authorized"
    assert refusal(server, token[:-1]) == "not-authorized"
    assert refusal(server, "") == "not-authorized"
    assert refusal(server, token) is None


@suite.check("a new token leaves the old one good until it is used")
def _(server):
    first = get_token(server)
    with QuickClient(server) as client:
        client.by_token("juliet", first, inside=request("HT-SHA-256-EXPR"))
        second = client.token
    assert second and second != first
    assert refusal(server, first) is None
    # The used one is current; the other was never used, and is still the newer one.
    assert refusal(server, second) is None
    assert refusal(server, first) == "not-authorized"


@suite.check("a client can invalidate its token, and a password that is changed ends all")
def _(server):
    token = get_token(server)
    assert refusal(server, token, fast=" invalidate='true'") is None
    assert refusal(server, token) == "not-authorized"
    token = get_token(server, user="romeo")
    done = server.ctl("user", "passwd", "romeo", input="n3w\n")
    assert done.returncode == 0, done.stderr
    server.users["romeo"] = "n3w"
    assert refusal(server, token, user="romeo") == "not-authorized"


@suite.check("what is no use of a token is malformed")
def _(server):
    token = get_token(server)
    for data, inside in ((b"juliet", f"<fast xmlns='{FAST}'/>"), (b"", f"<fast xmlns='{FAST}'/>"),
                         (b"\0" + b"x" * 32, f"<fast xmlns='{FAST}'/>"),
                         (b"juliet\0" + b"x" * 32, "")):
        with QuickClient(server) as client:
            client.start("juliet")
            client.authenticate("HT-SHA-256-EXPR", data, inside)
            try:
                client.outcome()
            except AuthFailed as failed:
                assert failed.condition == "malformed-request", failed.condition
            else:
                raise AssertionError("that was let in")
    assert refusal(server, token) is None


def counted(number):
    return {"fast": f" count='{number}'"}


@suite.check("a use that is counted cannot be repeated, nor one before it")
def _(server):
    token = get_token(server)
    for number, condition in ((1, None), (1, "not-authorized"), (7, None), (6, "not-authorized"),
                              (0, "not-authorized"), (-8, "not-authorized"),
                              ("nine", "not-authorized"), (1 << 64, "not-authorized"), (8, None)):
        heard = refusal(server, token, **counted(number))
        assert heard == condition, f"count {number}: {heard}"
    assert refusal(server, token) is None, "who does not count need not"
    with QuickClient(server) as client:
        client.by_token("juliet", token, inside=request("HT-SHA-256-EXPR"), **counted(9))
        fresh = client.token
    assert refusal(server, fresh, **counted(1)) is None
    assert refusal(server, fresh, **counted(1)) == "not-authorized"


@suite.check("of uses with the same count that come at once one is let in")
def _(server):
    token = get_token(server)
    for number in range(1, 11):
        clients = [QuickClient(server) for _ in range(4)]
        for client in clients:
            client.start("juliet")
        for client in clients:
            client.send_token("juliet", token, fast=f" count='{number}'")
        heard = []
        for client in clients:
            try:
                client.outcome()
                heard.append("success")
            except AuthFailed as failed:
                heard.append(failed.condition)
            client.close()
        assert heard.count("success") == 1, heard
        assert set(heard) <= {"success", "not-authorized", "temporary-auth-failure"}, heard


@suite.check("tokens survive the server, and how often they were used")
def _(_server):
    with tempfile.TemporaryDirectory(prefix="kith-test-") as directory:
        with make_server(users={"juliet": "r0m30"}, directory=directory) as server:
            token = get_token(server)
            assert refusal(server, token, **counted(5)) is None
            server.kill()
        with make_server(directory=directory) as server:
            assert refusal(server, token, **counted(5)) == "not-authorized"
            assert refusal(server, token, **counted(6)) is None


@suite.check("a server that was killed meanwhile has the session back after one round trip")
def _(_server):
    with tempfile.TemporaryDirectory(prefix="kith-test-") as directory:
        with make_server(users={"juliet": "r0m30", "romeo": "b4lc0ny"}, directory=directory) as server:
            client = QuickClient(server)
            client.by_password("juliet", "r0m30", request("HT-SHA-256-EXPR") +
                               bind(f"<enable xmlns='{SM}' resume='true'/>"))
            name = client.success.find(f".//{{{SM}}}enabled").get("id")
            with Client.login(server, "romeo") as romeo:
                client.reset()
                romeo.send(f"<enable xmlns='{SM}'/>")
                romeo.expect("enabled")
                romeo.message(client.jid, "are you there?")
                romeo.send(f"<r xmlns='{SM}'/>")
                while romeo.expect("a").get("h") != "1":
                    pass  # it says so once it is on disk
                server.kill()
        with make_server(directory=directory) as server, QuickClient(server) as back:
            back.by_token("juliet", client.token,
                          inside=f"<resume xmlns='{SM}' previd='{name}' h='0'/>" + bind())
            assert back.waits == 1 and back.jid == client.jid, (back.waits, back.jid)
            assert back.success.find(f"{{{SM}}}resumed") is not None, "it is a new one"
            back.expect_body("are you there?")


@suite.check("a token ends, and a newer one is given out before")
def _(_server):
    with make_server(users={"juliet": "r0m30"}, settings={"auth.token_lifetime": "4s"}) as server:
        token = get_token(server)
        newer = []

        def is_renewed():
            newer[:] = [use(server, token).token]
            return newer[0] is not None

        assert not is_renewed(), "renewed at once"
        wait_until(is_renewed, 10, "a newer token")
        assert refusal(server, newer[0]) is None
        wait_until(lambda: refusal(server, newer[0]) == "credentials-expired", 10, "the token's end")


@suite.check("an account that is disabled is not let in by a token")
def _(server):
    token = get_token(server)
    server.must("user", "disable", "juliet")
    assert refusal(server, token) == "account-disabled"
    server.must("user", "enable", "juliet")
    assert refusal(server, token) is None


suite.run()
