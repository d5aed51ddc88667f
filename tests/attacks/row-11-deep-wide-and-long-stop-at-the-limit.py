#!/usr/bin/python3
"""Row 11: depth, number of children, attributes and declarations, long names and values."""
from checks import Suite, growth
from stages import BEFORE_LOGIN, first_bytes
from xmpp_client import Client

suite = Suite("row 11: deep, wide and long stop at the limit", attack=True)
LIMIT_BEFORE = 10_000  # bytes of a stanza before login
LIMIT_AFTER = 256 * 1024  # and after it
TLS_AND_NOISE = 256 * 1024
# While a stanza is scanned its tokens lie in its shard's one array, which shrinks again at once:
# 25,000 elements of two tokens of 64 bytes at most, for all streams of the shard together.
TOKENS = 25_000 * 2 * 64
MEGA = 1_000_000
SHAPES = {
    "100,000 levels": lambda: "<a>" * 100_000,
    "a million children": lambda: "<message>" + "<a/>" * MEGA,
    "10,000 attributes": lambda: "<message " + " ".join(f"a{i}='b'" for i in range(10_000)) + "/>",
    "10,000 namespace declarations":
        lambda: "<message " + " ".join(f"xmlns:a{i}='b'" for i in range(10_000)) + "/>",
    "a name of a megabyte": lambda: "<message><" + "a" * MEGA + "/>",
    "an attribute's name of a megabyte": lambda: "<message " + "a" * MEGA + "='b'/>",
    "an attribute of a megabyte": lambda: "<message id='" + "a" * MEGA + "'/>",
    "a namespace of a megabyte": lambda: "<message><x xmlns='" + "a" * MEGA + "'/>",
    "a prefix of a megabyte": lambda: "<" + "a" * MEGA + ":b/>",
    "a text of two megabytes": lambda: "<message><body>" + "a" * 2 * MEGA,
    "a million references": lambda: "<message><body>" + "&amp;" * MEGA,
    "a megabyte of CDATA": lambda: "<message><body><![CDATA[" + "]" * MEGA,
}


def attack(server, reach, data, limit, what, tokens=0):
    def go():
        client = reach(server)
        try:
            client.try_send(data)
            condition = client.stream_error()
        finally:
            client.close()
        assert condition == "policy-violation", f"{what}: {condition}"
    grown = growth(server, go)
    bound = 2 * limit + TLS_AND_NOISE + tokens
    assert server.is_sanitized() or grown <= bound, f"{what}: grew by {grown >> 10} KiB"
    return grown


for place, reach in BEFORE_LOGIN:
    @suite.check(f"{place}: policy-violation, at most twice the limit in memory")
    def _(server, reach=reach):
        for what, make in SHAPES.items():
            attack(server, reach, make(), LIMIT_BEFORE, what)


def bound(server):
    return Client.login(server, "juliet")


@suite.check("after login: policy-violation, at most twice the limit in memory")
def _(server):
    worst = max(attack(server, bound, make(), LIMIT_AFTER, what, TOKENS) for what, make in SHAPES.items())
    return f"at most {worst >> 10} KiB"


@suite.check("the stream header is limited as well")
def _(server):
    for extra in (" a='" + "x" * 50_000 + "'", "".join(f" a{i}='b'" for i in range(1000)),
                  "".join(f" xmlns:a{i}='b'" for i in range(1000)), " " * 50_000):
        client = first_bytes(server)
        client.try_send(client.header(extra=extra))
        condition = client.stream_error()
        assert condition == "policy-violation", condition


@suite.check("just below the limits nobody is refused")
def _(server):
    with Client.login(server, "juliet", "j", presence=True) as juliet:
        for payload in ("<a>" * 40 + "</a>" * 40, "<a/>" * 5000, "<a b='" + "x" * 100_000 + "'/>"):
            juliet.send(f"<message to='{juliet.jid}'><body>fits</body>"
                        f"<x xmlns='urn:x'>{payload}</x></message>")
            juliet.expect_body("fits")


suite.run()
