#!/usr/bin/python3
"""Row 19: <starttls/> and more in one segment."""
import base64
import ssl

from checks import Suite
from crowd import client_hello
from stages import first_bytes
from xmpp_client import SASL, TLS, Client, Closed, StreamError

suite = Suite("row 19: plaintext injected before TLS is not run inside it", attack=True)
STARTTLS = f"<starttls xmlns='{TLS}'/>"


def injections(server):
    header = Client(server).header()
    token = base64.b64encode(f"\0juliet\0{server.users['juliet']}".encode()).decode()
    login = f"<auth xmlns='{SASL}' mechanism='PLAIN'>{token}</auth>"
    return {
        "a stream header": header,
        "a header and a login": header + login,
        "a login": login,
        "a message": "<message to='romeo@kith.test'><body>injected</body></message>",
        "a second starttls": STARTTLS,
        "the end of the stream": "</stream:stream>",
        "half a tag": "<mess",
        "a ClientHello": client_hello(server.domain),
    }


def attempt(server, extra):
    """True when a TLS session came about in spite of the extra bytes."""
    with first_bytes(server) as client:
        client.open()
        client.send(STARTTLS.encode() + (extra if isinstance(extra, bytes) else extra.encode()))
        try:
            answer = client.next()
            assert answer.tag == f"{{{TLS}}}proceed", f"answered by {answer.tag}"
            client.sock.settimeout(5)
            client.start_tls()
            client.open()
        except (StreamError, Closed, OSError, ssl.SSLError):
            return False
        except AssertionError as error:
            if "answered by" in str(error):
                raise
            return False
        return True


for what in ("a stream header", "a header and a login", "a login", "a message",
             "a second starttls", "the end of the stream", "half a tag", "a ClientHello"):
    @suite.check(f"{what} behind <starttls/>: the connection is closed")
    def _(server, what=what):
        with Client.login(server, "romeo", "r", presence=True) as romeo:
            assert not attempt(server, injections(server)[what]), "TLS was started all the same"
            romeo.got_nothing_before(romeo)


@suite.check("white space behind <starttls/> harms nobody")
def _(server):
    attempt(server, "\n")  # either way: closed, or dropped


@suite.check("waiting for <proceed/> works")
def _(server):
    assert attempt(server, ""), "TLS was not started"


suite.run()
