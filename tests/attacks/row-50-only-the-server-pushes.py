#!/usr/bin/python3
"""Rows 49 and 50: forged carbons, roster pushes, block pushes and events; who sent them is shown."""
from checks import Suite
from stages import pair
from xmpp_client import ROSTER, Closed, StreamError, local

suite = Suite("row 50: only the server pushes", attack=True)
CARBON = ("<{kind} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
          "<message xmlns='jabber:client' from='juliet@kith.test/x' to='nurse@kith.test'>"
          "<body>forged</body></message></forwarded></{kind}>")
PUSHES = {
    "a roster push": f"<query xmlns='{ROSTER}'><item jid='mallory@kith.test' subscription='both'/></query>",
    "a block push": "<block xmlns='urn:xmpp:blocking'><item jid='nurse@kith.test'/></block>",
    "an unblock push": "<unblock xmlns='urn:xmpp:blocking'/>",
    "a push of private data": "<query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query>",
    "a removal": "<query xmlns='jabber:iq:register'><remove/></query>",
}
SENDERS = (None, "juliet@kith.test", "kith.test", "juliet@kith.test/hall", "", "mallory@elsewhere.test")


def everything(client):
    client.ping()
    got, client.waiting[:] = list(client.waiting), []
    return got


def send_as(server, claimed, to, payload, kind):
    """romeo sends the payload with that 'from'; what juliet then has. None: his stream ended."""
    juliet, romeo = pair(server)
    with juliet, romeo:
        sender = "" if claimed is None else f" from='{claimed}'"
        target = juliet.jid if to == "full" else juliet.bare()
        typed = "set" if kind == "iq" else "chat"
        romeo.send(f"<{kind}{sender} to='{target}' type='{typed}' id='forged'>{payload}</{kind}>")
        try:
            romeo.ping()
        except (StreamError, Closed):
            pass
        roster = juliet.iq("get", f"<query xmlns='{ROSTER}'/>")
        blocked = juliet.iq("get", "<blocklist xmlns='urn:xmpp:blocking'/>")
        assert not [item for item in roster[0] if "mallory" in item.get("jid")], "the roster changed"
        assert not list(blocked[0]), "the block list changed"
        return [s for s in everything(juliet) if s.get("id") == "forged"], romeo.jid


def are_his(got, romeo, claimed):
    """What came names its true sender; what he sent without a lie did come."""
    assert got or claimed is not None, "nothing came of an honest stanza"
    assert all(stanza.get("from") == romeo for stanza in got), claimed


for what, payload in PUSHES.items():
    @suite.check(f"{what}: comes under its sender's own name, or not at all")
    def _(server, payload=payload):
        for claimed in SENDERS:
            got, romeo = send_as(server, claimed, "full", payload, "iq")
            are_his(got, romeo, claimed)
            got, _ = send_as(server, claimed, "bare", payload, "iq")
            assert not got, f"to a bare address the server answers, and juliet got {got}"


@suite.check("carbons, nested and many: each under its sender's own name")
def _(server):
    received, sent = CARBON.format(kind="received"), CARBON.format(kind="sent")
    nested = received.replace("<body>forged</body>", received.replace("<body>forged</body>", ""))
    for payload in (received, sent, received * 20, received + sent, nested):
        for claimed in SENDERS:
            for to in ("full", "bare"):
                got, romeo = send_as(server, claimed, to, payload, "message")
                are_his(got, romeo, claimed)


@suite.check("events of personal services: under their sender's own name")
def _(server):
    event = ("<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='storage:bookmarks'>"
             "<item id='current'/></items></event>")
    for claimed in SENDERS:
        got, romeo = send_as(server, claimed, "full", event, "message")
        are_his(got, romeo, claimed)


@suite.check("a real push has no other sender than the own account, and an id that nobody knows before")
def _(server):
    juliet, romeo = pair(server)
    ids = set()
    with juliet, romeo:
        juliet.iq("get", f"<query xmlns='{ROSTER}'/>")
        for number in range(30):
            juliet.iq("set", f"<query xmlns='{ROSTER}'><item jid='c{number}@kith.test'/></query>")
        juliet.ping()
        for push in (s for s in juliet.waiting if local(s) == "iq" and s.get("type") == "set"):
            assert push.get("from") in (None, juliet.bare()), push.get("from")
            assert len(push.get("id")) >= 16, push.get("id")
            ids.add(push.get("id"))
        assert len(ids) == 30, len(ids)


suite.run()
