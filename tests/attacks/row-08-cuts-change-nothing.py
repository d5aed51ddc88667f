#!/usr/bin/python3
"""Row 8: the same session whole, cut at every byte, and in 1-byte TLS records."""
import re
import statistics
import time

from checks import Suite
from xmpp_client import BIND, DISCO_INFO, PING, ROSTER, STREAM, VERSION, Client, Reader

suite = Suite("row 8: cuts change nothing", attack=True,
              settings={"c2s.require_tls": "no"})
WHOLE = 250  # rounds of four stanzas in the one large write
EVERY = 3  # rounds when each byte travels alone
PROMPT = 0.050  # seconds from the last byte to the reply
STALL = 1.0


def rounds(count):
    """A session's worth of stanzas, each of which makes the server answer."""
    out = []
    for i in range(count):
        out += [
            f"<iq type='get' id='p{i}' to='kith.test'><ping xmlns='{PING}'/></iq>",
            f"<message to='{{me}}' id='m{i}' type='chat'><body>caf\u00e9 &amp; \U0001F600 "
            f"<![CDATA[<{i}>]]></body><x xmlns='urn:x' a=\"&quot;&apos;\"><y/></x></message>",
            f"<iq type='get' id='v{i}' to='kith.test'><query xmlns='{VERSION}'/></iq>",
            f"<iq type='get' id='d{i}' to='kith.test'><query xmlns='{DISCO_INFO}'/></iq>",
        ]
    return out


def trace(client, count):
    """What came back, without what differs by nature; iq by id, messages in order."""
    seen = []
    while len(seen) < count:
        element = client.next(30)
        seen.append(flat(element))
    return sorted(s for s in seen if s[0].endswith("iq")), [s for s in seen if not s[0].endswith("iq")]


def flat(element):
    return (element.tag, sorted(element.attrib.items()), element.text,
            [flat(e) for e in element], element.tail)


def session(server, tls="none"):
    return Client.login(server, "juliet", "j", tls=tls, timeout=60, mechanism="PLAIN")


def written(client, stanzas):
    return "".join(s.replace("{me}", client.jid) for s in stanzas).encode()


def replay(server, stanzas, cut, tls="none"):
    with session(server, tls) as client:
        data = written(client, stanzas)
        cut(client, data)
        events = trace(client, len(stanzas))
        client.logout()
        return events


def each_byte(client, data):
    for i in range(len(data)):
        client.send(data[i:i + 1])


@suite.check("one write and one write per stanza give the same events")
def _(server):
    stanzas = rounds(WHOLE)
    whole = replay(server, stanzas, lambda c, d: c.send(d))

    def by_stanza(client, data):
        for stanza in re.split(b"(?=<iq|<message)", data):
            client.send(stanza)
    assert replay(server, stanzas, by_stanza) == whole, "the events differ"
    return f"{len(stanzas)} stanzas"


for what, tls in (("one byte per segment", "none"), ("one byte per TLS record", "direct")):
    @suite.check(f"{what}: the same events")
    def _(server, tls=tls):
        stanzas = rounds(EVERY)
        whole = replay(server, stanzas, lambda c, d: c.send(d), tls)
        assert replay(server, stanzas, each_byte, tls) == whole, "the events differ"


@suite.check("cut in two at each byte: the reply follows the last byte at once")
def _(server):
    with session(server) as client:
        ping = f"<iq type='get' id='%d' to='kith.test'><ping xmlns='{PING}'/></iq>"
        delays = []
        for at in range(1, len(ping)):
            text = (ping % at).encode()
            client.send(text[:at])
            start = time.monotonic()
            client.send(text[at:])
            client.answer(str(at))
            delays.append(time.monotonic() - start)
        late = sum(d > PROMPT for d in delays)
        assert late <= len(delays) // 50 and max(delays) < STALL, \
            f"{late} of {len(delays)} took more than 50 ms, the slowest {max(delays):.3f} s"
        return f"median {statistics.median(delays) * 1000:.2f} ms, worst {max(delays) * 1000:.1f} ms"


@suite.check("negotiation byte by byte works as well")
def _(server):
    with Client(server, timeout=30) as client:
        client.connect()
        each_byte(client, client.header().encode())
        assert client.next().tag == f"{{{STREAM}}}features"
        client.plain("juliet", server.users["juliet"])
        client.reader = Reader()
        each_byte(client, client.header().encode())
        assert client.next().tag == f"{{{STREAM}}}features"
        each_byte(client, f"<iq type='set' id='b'><bind xmlns='{BIND}'/></iq>".encode())
        assert client.answer("b").get("type") == "result"
        each_byte(client, f"<iq type='get' id='r'><query xmlns='{ROSTER}'/></iq>".encode())
        assert client.answer("r").find(f"{{{ROSTER}}}query") is not None


suite.run()
