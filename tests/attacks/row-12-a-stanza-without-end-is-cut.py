#!/usr/bin/python3
"""Row 12: text for ever; it is cut at the limit, and the log says why."""
import re

from checks import Suite
from kith_server import wait_until
from stages import EVERYWHERE, first_bytes

suite = Suite("row 12: a stanza without end is cut", attack=True)
CHUNK = b"a" * 8192
FAR = 64 << 20  # nobody may swallow so much: more than the kernel keeps on the way for a busy server
LIMITS = {"before TLS": 10_000, "inside STARTTLS": 10_000, "inside direct TLS": 10_000,
          "before bind": 256 * 1024, "after bind": 256 * 1024}


def pour(client):
    """Sends until the server stops us; returns how much went out."""
    sent = 0
    while sent < FAR and client.try_send(CHUNK):
        sent += len(CHUNK)
    return sent


def logged(server, before):
    return re.search(r"(?i)limit|too (long|large|big)|policy|stanza.*(size|bytes)",
                     server.log()[before:])


for place, reach in EVERYWHERE:
    @suite.check(f"{place}: policy-violation at the limit, reason in the log")
    def _(server, place=place, reach=reach):
        before = len(server.log())
        client = reach(server)
        client.send("<message><body>")
        cpu, sent = server.cpu(), pour(client)
        try:
            condition = client.stream_error()
        finally:
            client.close()
        assert condition in ("policy-violation", None), condition
        # an RST that follows unread data may swallow the error on its way to us
        assert condition or sent > LIMITS[place], "closed without a word"
        assert sent < FAR, "it took all"
        assert server.cpu() - cpu < 1.0, "it worked more than a second on it"
        wait_until(lambda: logged(server, before), 5, "a line in the log")
        return f"{condition}, {sent >> 10} KiB left us"


@suite.check("a stream header without end is cut")
def _(server):
    client = first_bytes(server)
    client.send("<stream:stream a='")
    assert pour(client) < FAR, "it took all"
    condition = client.stream_error()
    client.close()
    assert condition in ("policy-violation", None), condition


suite.run()
