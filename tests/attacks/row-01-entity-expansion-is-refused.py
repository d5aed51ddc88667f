#!/usr/bin/python3
"""Row 1: a billion laughs, on every stream that is open, before and after login."""
from checks import Suite, growth
from stages import EVERYWHERE, first_bytes, header_for, on_port, refused, server_streams

suite = Suite("row 1: entity expansion is refused", attack=True)
TEN = "".join(f"<!ENTITY l{i} \"{f'&l{i - 1};' * 10 if i else 'lol'}\">" for i in range(10))
DOCTYPE = f"<!DOCTYPE lolz [{TEN}]>"
LIMIT = 64 * 1024
WARM = 8


@suite.check("a DOCTYPE as the first bytes gets restricted-xml")
def _(server):
    for direct in (False, True):
        client = first_bytes(server, direct)
        refused(client, DOCTYPE + client.header(), ["restricted-xml"])


@suite.check("a DOCTYPE after the XML declaration gets restricted-xml")
def _(server):
    client = first_bytes(server)
    refused(client, "<?xml version='1.0'?>" + DOCTYPE + client.header(), ["restricted-xml"])


for place, reach in EVERYWHERE:
    @suite.check(f"a DOCTYPE {place} gets restricted-xml")
    def _(server, reach=reach):
        refused(reach(server), DOCTYPE, ["restricted-xml"])

    @suite.check(f"the use of an entity {place} gets restricted-xml")
    def _(server, reach=reach):
        refused(reach(server), "<message><body>&l9;</body></message>", ["restricted-xml"])


@suite.check("servers' and components' ports refuse it as well")
def _(server):
    tried = []
    for name, port, namespace in server_streams(server):
        refused(on_port(server, port), DOCTYPE + header_for(server, namespace), ["restricted-xml"])
        tried.append(name)
    return f"tried {', '.join(tried) or 'none, because none is open'}"


@suite.check("it is refused within one read, and costs less than 64 KiB")
def _(server):
    def attack():
        client = first_bytes(server)
        refused(client, client.header() + DOCTYPE + "<a>&l9;</a>" * 50, ["restricted-xml"])
    for _ in range(WARM):
        attack()
    grown = growth(server, attack)
    assert server.is_sanitized() or grown < LIMIT, f"{grown >> 10} KiB"
    return f"{grown >> 10} KiB"


suite.run()
