#!/usr/bin/python3
"""Row 52: ids and stamps in the server's name, one or a thousand of them, deep, prefixed, kept."""
import xml.etree.ElementTree as ET

from checks import Suite
from stages import pair
from xmpp_client import Client

suite = Suite("row 52: forged ids are taken out", attack=True)
SID, DELAY, OCCUPANT = "urn:xmpp:sid:0", "urn:xmpp:delay", "urn:xmpp:occupant-id:0"
OURS = ("romeo@kith.test", "kith.test", "ROMEO@KITH.TEST", "KITH.TEST", "Romeo@kith.test",
        "\uff52omeo@kith.test", "@", "a@b@c", "romeo@kith.test ", "")
FORGED = ([f"<stanza-id xmlns='{SID}' id='forged' by='{by}'/>" for by in OURS] +
          [f"<p:stanza-id xmlns:p='{SID}' id='forged' by='{by}'/>" for by in OURS] +
          [f"<delay xmlns='{DELAY}' stamp='2001-09-11T00:00:00Z' from='{by}'/>" for by in OURS] +
          [f"<occupant-id xmlns='{OCCUPANT}' id='forged'/>"])


def stays_clean(stanza):
    for child in stanza:
        text = ET.tostring(child, encoding="unicode")
        assert "forged" not in text and "2001-09-11" not in text, text


def try_with(server, payload, to="full", kind="chat"):
    juliet, romeo = pair(server)
    with juliet, romeo:
        target = romeo.jid if to == "full" else romeo.bare()
        juliet.send(f"<message to='{target}' type='{kind}' id='s'>{payload}<body>said</body></message>")
        stays_clean(romeo.expect_body("said"))


@suite.check("each alone")
def _(server):
    juliet, romeo = pair(server)
    with juliet, romeo:
        for payload in FORGED:
            juliet.send(f"<message to='{romeo.jid}' type='chat' id='s'>{payload}<body>said</body></message>")
            stays_clean(romeo.expect_body("said"))
            juliet.send(f"<presence to='{romeo.jid}' id='s'>{payload}</presence>")
            stays_clean(romeo.expect("presence", lambda e: e.get("id") == "s"))


@suite.check("all of them, a thousand times over, between what stays")
def _(server):
    for to in ("full", "bare"):
        try_with(server, ("<x xmlns='urn:x'/>".join(FORGED)) * 30, to)


@suite.check("in a message that is kept: only the server's own stamp is on it")
def _(server):
    with Client.login(server, "juliet") as juliet:
        juliet.send("<message to='romeo@kith.test' type='chat' id='s'>" + "".join(FORGED) +
                    "<body>said</body></message>")
        juliet.ping()
    with Client.login(server, "romeo", presence=True) as romeo:
        message = romeo.expect_body("said")
        stays_clean(message)
        stamps = message.findall(f"{{{DELAY}}}delay")
        assert len(stamps) == 1 and stamps[0].get("from") == "kith.test", len(stamps)


@suite.check("others' ids and stamps, and those inside of what is quoted, are theirs to say")
def _(server):
    juliet, romeo = pair(server)
    with juliet, romeo:
        juliet.send(f"<message to='{romeo.jid}' type='chat'><stanza-id xmlns='{SID}' by='room@elsewhere.test' id='1'/>"
                    f"<origin-id xmlns='{SID}' id='2'/><delay xmlns='{DELAY}' from='{juliet.jid}' stamp='2002-01-01T00:00:00Z'/>"
                    f"<quoted xmlns='urn:q'><stanza-id xmlns='{SID}' by='kith.test' id='3'/></quoted><body>said</body></message>")
        message = romeo.expect_body("said")
        assert len(list(message)) == 5, ET.tostring(message)
        assert len(list(message.find("{urn:q}quoted"))) == 1


suite.run()
