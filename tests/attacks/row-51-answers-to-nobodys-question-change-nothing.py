#!/usr/bin/python3
"""Row 51: results with guessed ids, with the right id from the wrong sender, of the wrong type."""
import collections
import time

from checks import Suite
from stages import pair
from xmpp_client import PING, Client, local

ANSWER = 0.6
suite = Suite("row 51: answers to nobody's question change nothing", attack=True,
              settings={"c2s.idle_timeout": "300ms", "c2s.answer_timeout": "600ms"})


def next_ping(client):
    """The server's question whether we are there."""
    return client.expect("iq", lambda e: e.get("type") == "get" and local(e[0]) == "ping", 10)


def answer(client, ping, kind="result"):
    client.send(f"<iq type='{kind}' id='{ping.get('id')}' to='{ping.get('from', 'juliet@kith.test')}'/>")


@suite.check("the server's own ids are random")
def _(server):
    ids = []
    with Client.login(server, "juliet") as juliet:
        for _ in range(6):
            ping = next_ping(juliet)
            ids.append(ping.get("id"))
            answer(juliet, ping)
    assert len(set(ids)) == len(ids)
    assert min(map(len, ids)) >= 16, ids
    for place in zip(*ids):
        most = collections.Counter(place).most_common(1)[0][1]
        assert most < len(ids), f"one letter stays the same: {ids}"


@suite.check("another's answer does not keep a silent session alive")
def _(server):
    juliet, romeo = pair(server)
    with juliet, romeo:
        ping = next_ping(juliet)
        start = time.monotonic()
        while time.monotonic() - start < ANSWER + 8:
            for target in (juliet.jid, juliet.bare(), "kith.test", ""):
                to = f" to='{target}'" if target else ""
                romeo.send(f"<iq type='result' id='{ping.get('id')}'{to}/>")
            for stanza in list(romeo.waiting):
                romeo.waiting.remove(stanza)
            romeo.ping()
            if juliet.jid not in sessions(server):
                return
        raise AssertionError("juliet's dead session was kept")


def sessions(server):
    """The full addresses of those who are signed in."""
    import json
    shown = server.ctl("sessions", "--json")
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


@suite.check("guessed and misdirected answers: nobody hears of them, nobody is disturbed")
def _(server):
    juliet, romeo = pair(server)
    with juliet, romeo:
        romeo.send(f"<iq type='get' id='asked' to='{juliet.jid}'><ping xmlns='{PING}'/></iq>")
        juliet.expect("iq", lambda e: e.get("id") == "asked")
        before = server.gauge("bounces_total")
        for target in ("kith.test", "juliet@kith.test", "nobody@kith.test", "romeo@kith.test/gone"):
            for kind in ("result", "error"):
                romeo.send(f"<iq type='{kind}' id='asked' to='{target}'/>")
        juliet.send("<iq type='result' id='asked' to='kith.test'/>")
        juliet.send(f"<iq type='result' id='asked' to='{romeo.bare()}'/>")
        juliet.send(f"<iq type='result' id='wrong' to='{romeo.jid}'/>")
        juliet.send(f"<iq type='error' id='asked' to='{romeo.jid}'/>")
        got = romeo.answer("asked")
        assert got.get("from") == juliet.jid and got.get("type") == "error"
        assert server.gauge("bounces_total") == before


suite.run()
