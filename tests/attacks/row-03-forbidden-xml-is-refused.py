#!/usr/bin/python3
"""Row 3: processing instructions, comments and late XML declarations."""
from checks import Suite
from stages import EVERYWHERE, first_bytes, pair, refused

suite = Suite("row 3: comments, processing instructions, late declarations", attack=True)
CASES = (
    ("a comment", "<!-- hello -->", ["restricted-xml"]),
    ("a processing instruction", "<?php echo 1; ?>", ["restricted-xml"]),
    ("a late XML declaration", "<?xml version='1.0'?>", ["not-well-formed", "restricted-xml"]),
)

for what, text, conditions in CASES:
    for place, reach in EVERYWHERE:
        @suite.check(f"{what} between stanzas {place}")
        def _(server, reach=reach, text=text, conditions=conditions):
            refused(reach(server), text, conditions)

    @suite.check(f"{what} inside a stanza; nobody gets the stanza")
    def _(server, text=text, conditions=conditions):
        juliet, romeo = pair(server)
        refused(juliet, f"<message to='{romeo.jid}'><body>a{text}b</body></message>", conditions)
        romeo.got_nothing_before(romeo)
        romeo.logout()


@suite.check("a comment or an instruction before the stream header")
def _(server):
    for text in ("<!-- hello -->", "<?xml version='1.0'?><!-- -->", "<?xml-stylesheet href='a'?>"):
        client = first_bytes(server)
        refused(client, text + client.header().split("?>")[1], ["restricted-xml"])


@suite.check("white space before the declaration")
def _(server):
    client = first_bytes(server)
    refused(client, " " + client.header(), ["not-well-formed", "restricted-xml"])


@suite.check("a comment inside a tag")
def _(server):
    client = first_bytes(server)
    client.open()
    refused(client, "<starttls <!-- --> xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
            ["not-well-formed", "restricted-xml"])


suite.run()
