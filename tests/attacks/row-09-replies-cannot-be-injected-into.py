#!/usr/bin/python3
"""Row 9: hostile ids, names and resources come back as the same values, well-formed."""
from xml.sax.saxutils import quoteattr

from checks import Suite
from stages import pair
from xmpp_client import (CLIENT, DISCO_INFO, DISCO_ITEMS, PING, ROSTER, VERSION, Client, error_of,
                         local)

suite = Suite("row 9: replies cannot be injected into", attack=True)
HOSTILE = (
    "'\"<>&",
    "'/><message to='juliet@kith.test'><body>x</body></message><iq id='",
    "\"/><stream:error/>",
    "a\tb\nc\rd",
    "]]>",
    "&amp;lt;",
    "<!--",
    "%s%n%x",
    "caf\u00e9 \U0001F600 \u202e",
    "x" * 1000,
)
QUESTIONS = {
    "ping": ("get", f"<ping xmlns='{PING}'/>"),
    "version": ("get", f"<query xmlns='{VERSION}'/>"),
    "disco info": ("get", f"<query xmlns='{DISCO_INFO}'/>"),
    "disco items": ("get", f"<query xmlns='{DISCO_ITEMS}'/>"),
    "an unknown payload": ("get", "<query xmlns='urn:unknown'/>"),
    "a wrong type": ("set", f"<query xmlns='{DISCO_INFO}'/>"),
    "no payload": ("get", ""),
}


def attribute(text):
    """Quoted so that every character survives attribute normalisation."""
    return quoteattr(text, {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def answer_to(client, name):
    """The next stanza must be the one answer, with our value in it."""
    answer = client.next()
    assert local(answer) == "iq" and answer.get("id") == name, f"{answer.tag} {answer.get('id')!r}"
    return answer


for what, (kind, payload) in QUESTIONS.items():
    @suite.check(f"{what}: the id comes back as it went")
    def _(server, kind=kind, payload=payload):
        with Client.login(server, "juliet", "j") as juliet:
            for name in HOSTILE:
                juliet.send(f"<iq type='{kind}' to='kith.test' id={attribute(name)}>{payload}</iq>")
                answer_to(juliet, name)
            juliet.ping()
            assert not juliet.waiting, "more than one stanza came"


@suite.check("disco nodes come back as they went, or in an error")
def _(server):
    with Client.login(server, "juliet", "j") as juliet:
        for namespace in (DISCO_INFO, DISCO_ITEMS):
            for node in HOSTILE:
                juliet.send(f"<iq type='get' to='kith.test' id='n'>"
                            f"<query xmlns='{namespace}' node={attribute(node)}/></iq>")
                query = answer_to(juliet, "n").find(f"{{{namespace}}}query")
                assert query is None or query.get("node") in (None, node), query.get("node")


@suite.check("resources with markup are bound and shown exactly, or refused")
def _(server):
    for resource in HOSTILE:
        with Client.login(server, "romeo", "r", presence=True) as romeo:
            juliet = Client.login(server, "juliet")
            juliet.close()
            juliet = Client(server).connect()
            juliet.open()
            juliet.upgrade()
            juliet.sign_in("juliet", server.users["juliet"], "SCRAM-SHA-1")
            escaped = attribute(resource)[1:-1].replace("<", "&lt;")
            answer = juliet.iq("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                               f"<resource>{escaped}</resource></bind>")
            if answer.get("type") == "result":
                juliet.jid = answer[0][0].text
                juliet.message(romeo.jid, "seen")
                sender = romeo.expect_body("seen").get("from")
                assert sender == juliet.jid, f"{sender!r} and {juliet.jid!r}"
            juliet.close()


@suite.check("a bounced message keeps its id and names its addressee exactly")
def _(server):
    with Client.login(server, "juliet", "j") as juliet:
        for name in HOSTILE:
            juliet.send(f"<message type='chat' to='nobody-here@kith.test' id={attribute(name)}>"
                        "<body>hello</body></message>")
            bounce = juliet.next()
            assert bounce.get("type") == "error" and error_of(bounce), bounce.attrib
            assert bounce.get("id") == name, bounce.get("id")
            assert bounce.get("from") == "nobody-here@kith.test", bounce.get("from")


@suite.check("impossible addresses are answered with jid-malformed")
def _(server):
    with Client.login(server, "juliet", "j") as juliet:
        for to in ("a'b@kith.test", "a&b@kith.test", "a<b@kith.test", "@kith.test", "a@", "a@b/",
                   "a\nb@kith.test", "x" * 1024 + "@kith.test", "a b@kith.test", "a@b@kith.test"):
            juliet.send(f"<iq type='get' id='j' to={attribute(to)}><ping xmlns='{PING}'/></iq>")
            answer = answer_to(juliet, "j")
            assert error_of(answer) == "jid-malformed", f"{to[:20]}: {error_of(answer)}"


@suite.check("a roster item's name and groups come back as they went")
def _(server):
    with Client.login(server, "juliet", "j") as juliet:
        for index, name in enumerate(HOSTILE):
            group = attribute(name)[1:-1].replace("<", "&lt;")
            answer = juliet.iq("set", f"<query xmlns='{ROSTER}'><item jid='c{index}@kith.test' "
                               f"name={attribute(name)}><group>{group}</group></item></query>")
            if answer.get("type") == "error":
                continue
            roster = juliet.iq("get", f"<query xmlns='{ROSTER}'/>")
            item = [i for i in roster[0] if i.get("jid") == f"c{index}@kith.test"][0]
            assert item.get("name") == name, item.get("name")
            assert [g.text for g in item] == [name], [g.text for g in item]


@suite.check("what a stranger writes reaches the other as one stanza")
def _(server):
    juliet, romeo = pair(server)
    for text in HOSTILE:
        body = attribute(text)[1:-1].replace("<", "&lt;").replace(">", "&gt;")
        romeo.send(f"<message to='{juliet.jid}' id={attribute(text)} type='chat'><body>{body}</body>"
                   f"<x xmlns='urn:x' a={attribute(text)}/></message>")
        message = juliet.expect("message")
        assert message.get("id") == text, message.get("id")
        assert message.findtext(f"{{{CLIENT}}}body") == text
        assert message.find("{urn:x}x").get("a") == text
    juliet.close()
    romeo.close()


suite.run()
