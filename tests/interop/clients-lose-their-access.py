#!/usr/bin/python3
"""XEP-0494 with tokens (XEP-0484): who is revoked, or not remembered, has no way in but the password."""
from checks import Suite
from sasl2 import BIND2, FAST, QuickClient
from xmpp_client import AuthFailed, Client, error_of

CAM = "urn:xmpp:cam:0"
OTHER = "11111111-2222-4333-8444-555555555555"
suite = Suite("clients lose their access", users={"juliet": "r0m30", "romeo": "b4lc0ny"},
              settings={"auth.failures": "1000", "clients.max_clients": "2"})


def request():
    return (f"<request-token xmlns='{FAST}' mechanism='HT-SHA-256-EXPR'/>"
            f"<bind xmlns='{BIND2}'><tag>test</tag></bind>")


def arrive(server, user="juliet", agent=None):
    client = QuickClient(server)
    if agent:
        client.agent = agent
    client.by_password(user, server.users[user], request())
    assert client.token, "no token"
    return client


def refusal(server, token, user="juliet", agent=None):
    try:
        with QuickClient(server) as client:
            client.by_token(user, token, agent=agent)
    except AuthFailed as failed:
        return failed.condition
    return None


def listed(client):
    return list(client.iq("get", f"<list xmlns='{CAM}'/>").find(f"{{{CAM}}}clients"))


def has(client, name):
    return client.find(f"{{{CAM}}}auth/{{{CAM}}}{name}") is not None


@suite.check("the session of a revoked client ends, and its token is no good any more")
def _(server):
    phone = arrive(server)
    with Client.login(server, "juliet", "desk") as desk:
        found = [c for c in listed(desk) if not c.get("id").startswith("session/")]
        assert len(found) == 1 and has(found[0], "fast") and has(found[0], "password"), found
        assert found[0].findtext(f"{{{CAM}}}user-agent/{{{CAM}}}software") == "test"
        assert refusal(server, phone.token) is None
        told = desk.iq("set", f"<revoke xmlns='{CAM}' id='{found[0].get('id')}'/>")
        assert error_of(told) == "service-unavailable"
        assert told.find(f"*/{{{CAM}}}password-reset-required") is not None
        assert phone.stream_error() in ("policy-violation", "conflict")
        assert refusal(server, phone.token) == "not-authorized"
        found = [c for c in listed(desk) if not c.get("id").startswith("session/")]
        assert len(found) == 1 and not has(found[0], "fast"), found
        assert found[0].get("connected") == "false"


@suite.check("who revokes itself hears the answer before the end")
def _(server):
    with arrive(server) as phone:
        name = next(c.get("id") for c in listed(phone) if has(c, "fast"))
        told = phone.iq("set", f"<revoke xmlns='{CAM}' id='{name}'/>")
        assert error_of(told) == "service-unavailable"
        assert phone.stream_error() == "policy-violation"
        assert refusal(server, phone.token) == "not-authorized"


@suite.check("what is crowded out of the list has no token any more")
def _(server):
    tokens = {}
    for number in range(3):
        agent = OTHER[:-1] + str(number)
        with arrive(server, "romeo", agent) as client:
            tokens[agent] = client.token
            left = listed(client)
    assert len(left) == 2, [c.get("id") for c in left]
    answers = [refusal(server, token, "romeo", agent) for agent, token in tokens.items()]
    assert answers == ["not-authorized", None, None], answers


suite.run()
