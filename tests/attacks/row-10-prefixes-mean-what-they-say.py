#!/usr/bin/python3
"""Row 10: prefixes twice, unbound, rebound, and a default namespace taken away."""
import xml.etree.ElementTree as ET

from checks import Suite
from stages import pair, refused
from xmpp_client import CLIENT, STREAM, Client, Closed, StreamError, body_of

suite = Suite("row 10: prefixes mean what they say", attack=True)
XML = "http://www.w3.org/XML/1998/namespace"
XMLNS = "http://www.w3.org/2000/xmlns/"
BROKEN = {
    "one attribute by two prefixes":
        "<message to='{to}'><x xmlns:a='u' xmlns:b='u' a:c='1' b:c='2'/><body>no</body></message>",
    "an attribute twice": "<message to='{to}' to='{to}'><body>no</body></message>",
    "an unbound prefix": "<message to='{to}'><a:b/><body>no</body></message>",
    "an unbound prefix of an attribute": "<message to='{to}' a:b='c'><body>no</body></message>",
    "a prefix out of its scope":
        "<message to='{to}'><x xmlns:a='u'/><a:y/><body>no</body></message>",
    "rebinding xml": "<message to='{to}' xmlns:xml='urn:x'><body>no</body></message>",
    "another prefix for xml's namespace":
        f"<message to='{{to}}' xmlns:a='{XML}'><body>no</body></message>",
    "xml's namespace as default": f"<message to='{{to}}'><x xmlns='{XML}'/><body>no</body></message>",
    "binding xmlns": "<message to='{to}' xmlns:xmlns='urn:x'><body>no</body></message>",
    "a prefix for the namespace of xmlns":
        f"<message to='{{to}}' xmlns:a='{XMLNS}'><body>no</body></message>",
    "an empty prefixed namespace": "<message to='{to}' xmlns:a=''><body>no</body></message>",
    "two colons": "<message to='{to}' xmlns:a='u'><a:b:c/><body>no</body></message>",
    "a colon first": "<message to='{to}'><:b/><body>no</body></message>",
    "end tag by another prefix":
        "<message to='{to}'><a:x xmlns:a='u' xmlns:b='u'></b:x><body>no</body></message>",
}

for what, form in BROKEN.items():
    @suite.check(f"{what} is not well-formed, and nothing arrives")
    def _(server, form=form):
        juliet, romeo = pair(server)
        refused(juliet, form.format(to=romeo.jid), ["not-well-formed", "bad-namespace-prefix"])
        romeo.got_nothing_before(romeo)
        romeo.close()


STRANGE = {
    "a stanza without namespace": "<message xmlns='' to='{to}'><body>no</body></message>",
    "a stanza of servers": "<message xmlns='jabber:server' to='{to}'><body>no</body></message>",
    "a stanza of components":
        "<message xmlns='jabber:component:accept' to='{to}'><body>no</body></message>",
    "a stanza with a servers' prefix":
        "<s:message xmlns:s='jabber:server' to='{to}'><s:body>no</s:body></s:message>",
    "stream rebound to the clients' namespace":
        f"<stream:message xmlns:stream='{CLIENT}x' to='{{to}}'><body>no</body></stream:message>",
}
for what, form in STRANGE.items():
    @suite.check(f"{what} is a stream error, and nothing arrives")
    def _(server, form=form):
        juliet, romeo = pair(server)
        refused(juliet, form.format(to=romeo.jid),
                ["unsupported-stanza-type", "invalid-namespace", "bad-namespace-prefix"])
        romeo.got_nothing_before(romeo)
        romeo.close()


EXACT = {
    "a stanza under a prefix of its own":
        (f"<c:message xmlns:c='{CLIENT}' to='{{to}}'><c:body>yes</c:body></c:message>", []),
    "a foreign default namespace under a prefixed stanza":
        (f"<c:message xmlns:c='{CLIENT}' xmlns='urn:d' to='{{to}}'><c:body>yes</c:body><x/>"
         "</c:message>", ["{urn:d}x"]),
    "the default namespace removed below":
        ("<message to='{to}'><body>yes</body><x xmlns=''><y/></x></message>", ["x"]),
    "stream rebound inside a payload":
        ("<message to='{to}'><body>yes</body><stream:x xmlns:stream='urn:s'/></message>",
         ["{urn:s}x"]),
    "a prefix declared on the stanza":
        ("<message to='{to}' xmlns:a='urn:a' xmlns:b='urn:b'><body>yes</body><a:x b:c='d'/></message>",
         ["{urn:a}x"]),
    "a prefix rebound deeper":
        ("<message to='{to}' xmlns:a='urn:a'><body>yes</body><a:x xmlns:a='urn:b'/><a:y/></message>",
         ["{urn:b}x", "{urn:a}y"]),
    "xml:lang below": ("<message to='{to}'><body>yes</body><x xmlns='urn:x' xml:lang='de'/></message>",
                       ["{urn:x}x"]),
}
for what, (form, extra) in EXACT.items():
    @suite.check(f"{what} arrives with exactly its meaning, or is refused")
    def _(server, form=form, extra=extra):
        juliet, romeo = pair(server)
        juliet.send(form.format(to=romeo.jid))
        try:
            juliet.ping()
        except (StreamError, Closed):
            romeo.got_nothing_before(romeo)
            return "refused"
        finally:
            juliet.close()
        message = romeo.expect("message", body_of)
        others = [e.tag for e in message if not e.tag.endswith("}body")]
        romeo.close()
        assert others == extra, ET.tostring(message)
        return "arrived"


@suite.check("a default namespace declared on the stanza covers its children only")
def _(server):
    juliet, romeo = pair(server)
    juliet.send(f"<message to='{romeo.jid}'><body>one</body><x xmlns='{STREAM}x'/></message>"
                f"<message to='{romeo.jid}'><body>two</body></message>")
    romeo.expect_body("one")
    romeo.expect_body("two")
    juliet.close()
    romeo.close()


@suite.check("a stream header with other prefixes is understood")
def _(server):
    with Client(server) as client:
        client.connect()
        client.send(f"<?xml version='1.0'?><s:stream xmlns='{CLIENT}' xmlns:s='{STREAM}' "
                    "version='1.0' to='kith.test'>")
        try:
            assert client.next().tag == f"{{{STREAM}}}features"
        except StreamError as error:  # RFC 6120, 4.8.5 lets a server insist
            assert error.condition == "bad-namespace-prefix", error.condition


suite.run()
