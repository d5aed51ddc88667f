#!/usr/bin/python3
"""Row 45: errors to errors, results to results, robots that answer each other: nothing goes round."""
from checks import Suite
from stages import pair
from xmpp_client import PING, local

suite = Suite("row 45: errors are never answered", attack=True)
TARGETS = ("nobody@kith.test", "nobody@kith.test/r", "romeo@kith.test", "romeo@kith.test/gone",
           "kith.test", "kith.test/r", "juliet@kith.test", "juliet@kith.test/gone", "elsewhere.test")
DEAD_ENDS = {
    "a message of type error": "<message to='{to}' type='error' id='s'><body>x</body><error type='cancel'>"
                               "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
    "a bare message of type error": "<message to='{to}' type='error' id='s'/>",
    "presence of type error": "<presence to='{to}' type='error' id='s'/>",
    "an IQ error": "<iq to='{to}' type='error' id='s'/>",
    "an IQ result": "<iq to='{to}' type='result' id='s'/>",
    "an IQ result with a request inside": "<iq to='{to}' type='result' id='s'><ping xmlns='urn:xmpp:ping'/></iq>",
    "presence that is no question": "<presence to='{to}' type='unavailable' id='s'/>",
}


def quiet(*clients):
    """What came, after everything under way; pings of each go behind it, the same ways."""
    for client in clients:
        client.ping()
        for to in ("romeo@kith.test", "juliet@kith.test"):
            client.iq("get", f"<ping xmlns='{PING}'/>", to=to)
    return [stanza for client in clients for stanza in client.waiting if stanza.get("id") == "s"]


for what, form in DEAD_ENDS.items():
    @suite.check(f"{what}: nobody answers it")
    def _(server, form=form):
        juliet, romeo = pair(server)
        with juliet, romeo:
            for to in TARGETS:
                juliet.send(form.format(to=to))
            answers = [s for s in quiet(juliet, romeo, juliet) if s.get("from") != juliet.jid]
            assert not answers, [dict(s.attrib) for s in answers]


@suite.check("two robots that answer every message with an error, and every error: it ends at once")
def _(server):
    juliet, romeo = pair(server)
    with juliet, romeo:
        before = server.gauge("stanzas_total")
        juliet.message(romeo.jid, "hello", name="s")
        for client, other in ((romeo, juliet), (juliet, romeo)):
            got = client.expect("message")
            kind = "error" if local(got) == "message" else "normal"
            client.send(f"<message to='{other.jid}' type='{kind}' id='s'/>")
        quiet(juliet, romeo)
        assert server.gauge("stanzas_total") - before < 20


@suite.check("full addresses that are gone do not throw errors at each other")
def _(server):
    juliet, romeo = pair(server)
    gone = romeo.jid
    romeo.logout()
    with juliet:
        bounces = server.gauge("bounces_total")
        for _ in range(50):
            juliet.send(f"<message to='{gone}' type='groupchat' id='s'><body>x</body></message>")
            juliet.send(f"<message to='{gone}' type='error' id='s'><body>x</body></message>")
        juliet.iq("get", f"<ping xmlns='{PING}'/>", to="romeo@kith.test")  # goes the same way
        errors = [s for s in juliet.waiting if s.get("type") == "error"]
        assert len(errors) == 50, len(errors)
        assert server.gauge("bounces_total") - bounces == 50


suite.run()
