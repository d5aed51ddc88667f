#!/usr/bin/python3
"""Row 13: slowloris, floods of white space, idle crowds, and hanging up at random moments."""
import random
import time

from checks import Suite, timed, wait_gone
from crowd import address, connect_many, wait_all_closed
from stages import first_bytes
from xmpp_client import SASL, TLS, Client

DEADLINE = 3  # seconds, as set below
SLACK = 3
CROWD = 1500
HANG_UPS = 1500
suite = Suite("row 13: slow and silent peers meet a deadline", attack=True,
              settings={"c2s.login_timeout": f"{DEADLINE}s", "c2s.handshake_timeout": f"{DEADLINE}s",
                        "server.account_idle": "1s"})


def drip(client, data, pause=0.1):
    """One byte at a time until the server hangs up."""
    for byte in data * 1000:
        if not client.try_send(bytes([byte])):
            return
        try:
            client.wait_eof(pause)
            return
        except AssertionError:
            pass


DRIPS = {
    "a header byte by byte": (False, lambda c: None, b"<stream:stream a='"),
    "white space before the header": (False, lambda c: None, b" "),
    "white space after the header": (False, lambda c: c.open(), b" "),
    "white space inside TLS": (True, lambda c: c.open(), b" "),
    "TLS records that never make a handshake": (False, lambda c: begin_tls(c), b"\x16\x03\x01\x02\x00"),
    "nothing after authentication": (True, lambda c: authenticate(c), b""),
}


def begin_tls(client):
    client.open()
    client.send(f"<starttls xmlns='{TLS}'/>")
    client.next()


def authenticate(client):
    client.open()
    client.sign_in("juliet", client.server.users["juliet"], "PLAIN")


for what, (direct, prepare, data) in DRIPS.items():
    @suite.check(f"{what}: closed by the deadline")
    def _(server, direct=direct, prepare=prepare, data=data):
        with Client(server).connect(direct=direct) as client:
            prepare(client)
            start = time.monotonic()
            if data:
                drip(client, data)
            else:
                client.stream_error(DEADLINE + SLACK)
            took = time.monotonic() - start
            assert took < DEADLINE + SLACK, f"{took:.1f} s"
            return f"{took:.1f} s"


@suite.check("a flood of white space costs little, before login and after")
def _(server):
    for make in (lambda: first_bytes(server), lambda: Client.login(server, "juliet")):
        with make() as client:
            if client.jid is None:
                client.open()
            cpu, start, sent = server.cpu(), time.monotonic(), 0
            client.timeout = 0.5
            while time.monotonic() - start < 1.0 and client.try_send(b" \n\t " * 4096):
                sent += 16384
            used = server.cpu() - cpu
            assert used < 1.5, f"{used:.2f} s of CPU for {sent >> 10} KiB"


@suite.check(f"{CROWD} silent connections are closed by the deadline")
def _(server):
    before = server.gauge("connections")
    took = {}
    for port, first in (("c2s", b""), ("c2s_tls", b""), ("c2s", Client(server).header().encode())):
        sockets = connect_many(server, CROWD // 3, port, first)
        took[port] = wait_all_closed(sockets, DEADLINE + SLACK + 4)
    wait_gone(server, {"connections": before}, 10)
    return ", ".join(f"{port} {seconds:.1f} s" for port, seconds in took.items())


def hang_up_somewhere(server, chance, number):
    client = Client(server, source=address(number))
    client.connect(direct=chance.random() < 0.3)
    script = [client.header(), f"<starttls xmlns='{TLS}'/>",
              f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>biwsbj1hLHI9Yg==</auth>"]
    data = "".join(script[:chance.randrange(4)])
    client.try_send(data[:chance.randrange(len(data) + 1)])
    if chance.random() < 0.5:
        client.reset()
    else:
        client.close()


@suite.check(f"after {HANG_UPS} hang-ups at random moments no session and no timer is left")
def _(server):
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    names = ("sessions", "connections", "timers")
    before = {name: server.gauge(name) for name in names}
    for number in range(HANG_UPS):
        hang_up_somewhere(server, chance, number)
    wait_gone(server, before, DEADLINE + 10)
    return f"seed {seed}"


@suite.check("hang-ups during and after sign-in leave nothing either")
def _(server):
    chance = random.Random(13)
    names = ("sessions", "connections", "timers")
    before = {name: server.gauge(name) for name in names}
    for number in range(60):
        client = Client.login(server, "juliet", f"r{number}", source=address(number))
        if chance.random() < 0.5:
            client.send("<presence/><message to='romeo@kith.test'><body>cut")
        (client.reset if chance.random() < 0.5 else client.close)()
    wait_gone(server, before, DEADLINE + 10)


@suite.check("meanwhile signing in takes no longer than usual")
def _(server):
    sockets = connect_many(server, 300)
    took = timed(lambda: Client.login(server, "juliet").logout())
    for sock in sockets:
        sock.close()
    assert took < 2, f"{took:.1f} s"
    return f"{took * 1000:.0f} ms"


suite.run()
