#!/usr/bin/python3
"""Row 6: namespaces with the characters that parsers use as separators."""
import xml.etree.ElementTree as ET

from checks import Suite
from stages import pair
from xmpp_client import (CLIENT, ROSTER, VERSION, Client, Closed, StreamError, error_of, local)

suite = Suite("row 6: a separator in a namespace changes no name", attack=True)
SEPARATORS = {
    "a line feed": ("&#10;", "\n"),
    "a carriage return": ("&#13;", "\r"),
    "a tab": ("&#9;", "\t"),
    "a vertical bar": ("|", "|"),
    "a space": (" ", " "),
    "a colon": (":", ":"),
    "a brace": ("}", "}"),
    "U+FFFD": ("\ufffd", "\ufffd"),
}


def asked(server, payload):
    """The answer to a request with that payload: a condition, or None for a result."""
    with Client.login(server, "juliet") as juliet:
        try:
            answer = juliet.iq("get", payload)
        except (StreamError, Closed) as end:
            return str(end)
        return error_of(answer)


for what, (written, _) in SEPARATORS.items():
    @suite.check(f"with {what}, a request is not taken for another")
    def _(server, written=written):
        for name in (ROSTER, VERSION):
            condition = asked(server, f"<x xmlns='{name}{written}query'/>")
            assert condition is not None, f"answered as if it were {name}"
            condition = asked(server, f"<query xmlns='{name}{written}'/>")
            assert condition is not None, f"answered as if it were {name}"
            condition = asked(server, f"<query xmlns='{written}{name}'/>")
            assert condition is not None, f"answered as if it were {name}"


@suite.check("the recipient sees the same namespace, or nothing")
def _(server):
    for what, (written, meant) in SEPARATORS.items():
        juliet, romeo = pair(server)
        juliet.send(f"<message to='{romeo.jid}'><x xmlns='a{written}b' c='d'/>"
                    f"<body>after</body></message>")
        try:
            juliet.ping()
        except (StreamError, Closed):
            romeo.got_nothing_before(romeo)
        else:
            message = romeo.expect_body("after")
            extra = [e.tag for e in message if local(e) != "body"]
            assert extra == [f"{{a{meant}b}}x"], f"{what}: {ET.tostring(message)}"
        juliet.close()
        romeo.close()


@suite.check("control characters in a namespace are not well-formed")
def _(server):
    for written in ("&#x1F;", "&#0;", "&#xC;", "&#x1;", "&#xFFFF;"):
        client = Client.login(server, "juliet")
        client.try_send(f"<iq type='get' id='a'><query xmlns='{ROSTER}{written}'/></iq>")
        condition = client.stream_error()
        assert condition == "not-well-formed", f"{written}: {condition}"


@suite.check("a stanza's own namespace cannot be faked with a separator")
def _(server):
    juliet, romeo = pair(server)
    juliet.try_send(f"<x:y xmlns:x='{CLIENT}&#10;message' to='{romeo.jid}'><body>no</body></x:y>")
    condition = juliet.stream_error()
    assert condition in ("unsupported-stanza-type", "invalid-namespace", "not-well-formed",
                         "invalid-xml"), condition
    romeo.got_nothing_before(romeo)
    romeo.close()


suite.run()
