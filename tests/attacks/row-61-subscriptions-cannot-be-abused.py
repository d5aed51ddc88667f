#!/usr/bin/python3
"""Row 61: floods of requests, approval of what nobody asked for, replays, a roster without end."""
from checks import Suite, growth, MIB
from stages import pair
from xmpp_client import ROSTER, Client, Closed, StreamError, error_of, local

MOST = 200
suite = Suite("row 61: subscriptions cannot be abused", attack=True,
              settings={"server.max_roster_items": str(MOST)})
FORMS = {  # what one says of another, without having been asked or having asked
    "subscribed": (), "unsubscribed": (), "unsubscribe": (), "subscribed, twice": ("subscribed",) * 2,
    "subscribed and unsubscribe": ("subscribed", "unsubscribe"),
    "unsubscribed and subscribed": ("unsubscribed", "subscribed"),
}


def roster_of(client):
    answer = client.iq("get", f"<query xmlns='{ROSTER}'/>")
    assert answer.get("type") == "result", error_of(answer)
    return {item.get("jid"): (item.get("subscription"), item.get("ask")) for item in answer[0]}


def wait_for(client, to):
    """Everything that client sent to that account has been handled there."""
    client.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=to)
    client.ping()


for what, types in FORMS.items():
    @suite.check(f"{what} of nobody's request: no subscription comes of it")
    def _(server, types=types or (what,)):
        juliet, romeo = pair(server)
        with juliet, romeo:
            for kind in types:
                romeo.send(f"<presence to='{juliet.bare()}' type='{kind}'/>")
            wait_for(romeo, juliet.bare())
            romeo.ping()
            assert not [s for s, _ in roster_of(juliet).values() if s in ("to", "both")]
            stray = [s for s in juliet.waiting if local(s) == "presence" and s.get("type") in
                     ("subscribed", "unsubscribed", "unsubscribe")]
            assert not stray, [dict(s.attrib) for s in stray]
            romeo.iq("set", f"<query xmlns='{ROSTER}'><item jid='{juliet.bare()}' subscription='remove'/></query>")


@suite.check("a replay of 'subscribed' after the end of a subscription brings nothing back")
def _(server):
    juliet, romeo = pair(server)
    with juliet, romeo:
        roster_of(juliet)  # who never asked for the roster is not told of answers
        juliet.send(f"<presence to='{romeo.bare()}' type='subscribe'/>")
        romeo.expect("presence", lambda e: e.get("type") == "subscribe")
        romeo.send(f"<presence to='{juliet.bare()}' type='subscribed'/>")
        juliet.expect("presence", lambda e: e.get("type") == "subscribed")
        assert roster_of(juliet)[romeo.bare()][0] == "to"
        juliet.send(f"<presence to='{romeo.bare()}' type='unsubscribe'/>")
        wait_for(juliet, romeo.bare())
        for _ in range(20):
            romeo.send(f"<presence to='{juliet.bare()}' type='subscribed'/>")
        wait_for(romeo, juliet.bare())
        assert roster_of(juliet)[romeo.bare()] == ("none", None), roster_of(juliet)


@suite.check("a thousand requests of one are one; with long words they stay small")
def _(server):
    juliet, romeo = pair(server)
    romeo.iq("set", f"<query xmlns='{ROSTER}'><item jid='{juliet.bare()}' subscription='remove'/></query>")
    romeo.close()
    with juliet:
        def flood():
            for number in range(1000):
                juliet.send(f"<presence to='romeo@kith.test' type='subscribe' id='{number}'>"
                            f"<status>{'please ' * 200}</status></presence>")
            wait_for(juliet, "romeo@kith.test")
        more = growth(server, flood)
        assert server.is_sanitized() or more < 8 * MIB, f"{more >> 10} KiB"
    with Client.login(server, "romeo", presence=True) as romeo:
        romeo.ping()
        asked = [s for s in romeo.waiting if s.get("type") == "subscribe"]
        assert len(asked) == 1, len(asked)
        romeo.send("<presence to='juliet@kith.test' type='unsubscribed'/>")
        romeo.ping()


@suite.check("a roster has an end, which is an error and no lost stream")
def _(server):
    refused = 0
    with Client.login(server, "juliet", presence=True) as juliet:
        for number in range(MOST + 50):
            answer = juliet.iq("set", f"<query xmlns='{ROSTER}'><item jid='c{number}@kith.test'/></query>")
            if answer.get("type") == "error":
                refused += 1
                assert error_of(answer) in ("resource-constraint", "not-allowed", "policy-violation"), \
                    error_of(answer)
        for number in range(MOST, MOST + 50):
            juliet.send(f"<presence to='d{number}@kith.test' type='subscribe'/>")
            juliet.send(f"<presence to='d{number}@elsewhere.test' type='subscribe'/>")
        juliet.ping()
        items = roster_of(juliet)
        assert len(items) <= MOST and refused >= 50, (len(items), refused)
    return f"{len(items)} contacts, {refused} refused"


@suite.check("a hundred thousand contacts in one set, and one contact in a hundred thousand groups")
def _(server):
    for payload in ("<item jid='a@kith.test'/>" * 100000,
                    "<item jid='a@kith.test'>" + "<group>g</group>" * 100000 + "</item>",
                    "<item jid='a@kith.test'>" + "".join(f"<group>{i}</group>" for i in range(5000)) + "</item>"):
        with Client.login(server, "romeo") as romeo:
            try:
                answer = romeo.iq("set", f"<query xmlns='{ROSTER}'>{payload}</query>")
                assert answer.get("type") == "error", "it was taken"
            except (StreamError, Closed, OSError):
                pass


suite.run()
