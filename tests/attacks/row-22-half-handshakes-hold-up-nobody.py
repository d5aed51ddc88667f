#!/usr/bin/python3
"""Row 22: a flood of connections that stop after the ClientHello, or inside it."""
from checks import Suite, timed, wait_gone
from crowd import client_hello, connect_many, wait_all_closed
from xmpp_client import TLS, Client

DEADLINE = 4  # seconds, for the handshake; signing in has longer
FLOOD = 1000
suite = Suite("row 22: half handshakes hold up nobody", attack=True,
              settings={"c2s.handshake_timeout": f"{DEADLINE}s", "c2s.login_timeout": f"{DEADLINE}s"})


def first_flights(server):
    hello = client_hello(server.domain)
    starttls = f"{Client(server).header()}<starttls xmlns='{TLS}'/>".encode()
    return {
        "after the ClientHello": ("c2s_tls", hello),
        "inside the ClientHello": ("c2s_tls", hello[:len(hello) // 2]),
        "before the ClientHello": ("c2s_tls", b""),
        "after <starttls/>": ("c2s", starttls),
    }


for what in ("after the ClientHello", "inside the ClientHello", "before the ClientHello",
             "after <starttls/>"):
    @suite.check(f"{FLOOD} that stop {what} are closed; others sign in meanwhile")
    def _(server, what=what):
        before = server.gauge("connections")
        port, first = first_flights(server)[what]
        sockets = connect_many(server, FLOOD, port, first)
        sign_in = timed(lambda: Client.login(server, "juliet", tls="direct").logout())
        took = wait_all_closed(sockets, DEADLINE + 8)
        assert sign_in < 2.5, f"signing in took {sign_in:.1f} s"
        wait_gone(server, {"connections": before}, 10)
        return f"closed after {took:.1f} s, a login took {sign_in * 1000:.0f} ms"


@suite.check("garbage instead of a handshake is closed at once")
def _(server):
    for garbage in (b"\x16\x03\x01\xff\xff" + b"x" * 500, b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100,
                    b"<stream:stream>" + b" " * 100):
        sockets = connect_many(server, 20, "c2s_tls", garbage)
        wait_all_closed(sockets, 2.5)


suite.run()
