#!/usr/bin/python3
"""Row 18: stanzas before negotiation, unknown first children, second headers, odd headers."""
from checks import Suite
from stages import AFTER_LOGIN, BEFORE_LOGIN, first_bytes, refused
from xmpp_client import BIND, CLIENT, PING, ROSTER, STREAM, Client

suite = Suite("row 18: nothing works before its time", attack=True)
STANZAS = {
    "a message": "<message to='romeo@kith.test'><body>too early</body></message>",
    "presence": "<presence/>",
    "a ping": f"<iq type='get' id='a' to='kith.test'><ping xmlns='{PING}'/></iq>",
    "a roster request": f"<iq type='get' id='a'><query xmlns='{ROSTER}'/></iq>",
    "an IQ result": "<iq type='result' id='a' to='romeo@kith.test'/>",
}
REACH = dict(BEFORE_LOGIN + AFTER_LOGIN)

for place in ("before TLS", "inside STARTTLS", "inside direct TLS", "before bind"):
    for what, stanza in STANZAS.items():
        @suite.check(f"{what} {place}: not-authorized, and the end")
        def _(server, place=place, stanza=stanza):
            with Client.login(server, "romeo", "r", presence=True) as romeo:
                refused(REACH[place](server), stanza, ["not-authorized"])
                romeo.got_nothing_before(romeo)


@suite.check("bind before login: not-authorized")
def _(server):
    for place in ("before TLS", "inside STARTTLS"):
        refused(REACH[place](server), f"<iq type='set' id='b'><bind xmlns='{BIND}'/></iq>",
                ["not-authorized"])


@suite.check("an unknown first child is refused")
def _(server):
    for child in ("<hello xmlns='urn:x'/>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
                  "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "<body/>"):
        for place in ("before TLS", "inside STARTTLS"):
            refused(REACH[place](server), child, ["unsupported-stanza-type", "not-authorized"])


@suite.check("text as the first child is refused")
def _(server):
    refused(REACH["before TLS"](server), "hello", ["bad-format", "invalid-xml", "not-well-formed",
                                                   "policy-violation"])


for place, reach in REACH.items():
    @suite.check(f"a second header {place} is refused")
    def _(server, reach=reach):
        client = reach(server)
        again = client.header().split("?>")[1]
        refused(client, again, ["invalid-xml", "bad-format", "not-authorized", "policy-violation",
                                "unsupported-stanza-type", "not-well-formed",
                                "invalid-namespace"])


HEADERS = {
    "an unknown host": (f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' version='1.0' "
                        "to='elsewhere.test'>", ["host-unknown"]),
    "a wrong streams namespace": (f"<stream:stream xmlns='{CLIENT}' xmlns:stream='urn:x' "
                                  "version='1.0' to='kith.test'>", ["invalid-namespace"]),
    "another root": (f"<stream:flood xmlns='{CLIENT}' xmlns:stream='{STREAM}' version='1.0' "
                     "to='kith.test'>", ["bad-format", "invalid-namespace", "invalid-xml"]),
    "no default namespace": (f"<stream:stream xmlns:stream='{STREAM}' version='1.0' "
                             "to='kith.test'>", ["invalid-namespace", "bad-format"]),
    "the servers' namespace": (f"<stream:stream xmlns='jabber:server' xmlns:stream='{STREAM}' "
                               "version='1.0' to='kith.test'>", ["invalid-namespace"]),
    "version 2.0 and a stanza": (f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' "
                                 "version='2.0' to='kith.test'><presence/>",
                                 ["unsupported-version", "not-authorized"]),
    "no version": (f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' to='kith.test'>"
                   "<presence/>", ["unsupported-version", "not-authorized"]),
    "a broken address": (f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' version='1.0' "
                         "to='@@'>", ["improper-addressing", "host-unknown"]),
    "an HTTP request": ("GET / HTTP/1.1\r\nHost: kith.test\r\n\r\n", ["not-well-formed",
                                                                     "bad-format", "invalid-xml"]),
}
for what, (header, conditions) in HEADERS.items():
    @suite.check(f"a stream header with {what} is refused")
    def _(server, header=header, conditions=conditions):
        refused(first_bytes(server), header, conditions)


suite.run()
