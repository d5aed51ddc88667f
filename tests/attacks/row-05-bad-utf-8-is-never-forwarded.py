#!/usr/bin/python3
"""Row 5: overlong forms, surrogates, truncated sequences, in every part of a stanza."""
from checks import Suite
from stages import first_bytes, pair, refused
from xmpp_client import Client

suite = Suite("row 5: bad UTF-8 is never forwarded", attack=True)
WRONG = ["not-well-formed"]
BAD = {
    "an overlong slash": b"\xc0\xaf",
    "an overlong less-than of three bytes": b"\xe0\x80\xbc",
    "an overlong NUL": b"\xc0\x80",
    "a surrogate": b"\xed\xa0\x80",
    "a pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
    "a code point above U+10FFFF": b"\xf4\x90\x80\x80",
    "a five-byte form": b"\xf8\x88\x80\x80\x80",
    "a lone continuation": b"\x80",
    "0xFF": b"\xff",
    "a truncated sequence of two": b"\xc3",
    "a truncated sequence of three": b"\xe2\x82",
    "a truncated sequence of four": b"\xf0\x9f\x98",
    "U+FFFE": b"\xef\xbf\xbe",
    "a control character": b"\x07",
    "a NUL": b"\x00",
}
PLACES = {
    "the text": b"<message to='%(to)s'><body>%(bad)s</body></message>",
    "a name": b"<message to='%(to)s'><b%(bad)s/></message>",
    "an attribute": b"<message to='%(to)s' id='%(bad)s'><body>x</body></message>",
    "an attribute's name": b"<message to='%(to)s' i%(bad)s='d'><body>x</body></message>",
    "a namespace": b"<message to='%(to)s'><x xmlns='urn:%(bad)s'/></message>",
    "an address": b"<message to='%(to)s%(bad)s'><body>x</body></message>",
    "CDATA": b"<message to='%(to)s'><body><![CDATA[%(bad)s]]></body></message>",
}

for where, form in PLACES.items():
    @suite.check(f"in {where}: not-well-formed, and nothing arrives")
    def _(server, form=form):
        with Client.login(server, "romeo", "r", presence=True) as romeo:
            for what, bad in BAD.items():
                juliet = Client.login(server, "juliet", "j")
                try:
                    refused(juliet, form % {b"to": romeo.jid.encode(), b"bad": bad}, WRONG)
                except AssertionError as error:
                    raise AssertionError(f"{what}: {error}") from error
            romeo.got_nothing_before(romeo)


@suite.check("in the stream header")
def _(server):
    for bad in BAD.values():
        client = first_bytes(server)
        refused(client, client.header().encode().replace(b"version='1.0' to", b"a='" + bad + b"' to"),
                WRONG)


@suite.check("a sequence cut by the end of a read is waited for")
def _(server):
    juliet, romeo = pair(server)
    face = "\U0001F600\u20ac\u00e9".encode()
    for cut in range(1, len(face)):
        head = f"<message to='{romeo.jid}'><body>".encode()
        juliet.send(head + face[:cut])
        romeo.ping()  # a round trip through the server, so that the halves are read apart
        juliet.send(face[cut:] + b"</body></message>")
        romeo.expect_body(face.decode())
    juliet.logout()
    romeo.logout()


@suite.check("a sequence cut by the end of a read and then broken is refused")
def _(server):
    for start in (b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98"):
        juliet, romeo = pair(server)
        juliet.send(f"<message to='{romeo.jid}'><body>".encode() + start)
        romeo.ping()
        refused(juliet, b"</body></message>", WRONG)
        romeo.got_nothing_before(romeo)
        romeo.logout()


@suite.check("a sequence cut at the limit of a name, an address or a text is refused")
def _(server):
    for size in (255, 256, 1022, 1023, 3070, 3071, 9_000):
        with Client.login(server, "romeo", "r", presence=True) as romeo:
            for form in (b"<message to='%(to)s'><body>%(bad)s</body></message>",
                         b"<message to='%(bad)s@%(to)s'/>", b"<message id='%(bad)s'/>"):
                juliet = Client.login(server, "juliet", "j")
                bad = b"a" * (size - 1) + b"\xf0\x9f"
                refused(juliet, form % {b"to": romeo.jid.encode(), b"bad": bad}, WRONG)
            romeo.got_nothing_before(romeo)


suite.run()
