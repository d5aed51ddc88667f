"""The places from which an attacker can speak: the same bytes are tried at each.

`everywhere(server)` gives (sentence, function); the function makes a client
that has got so far on the way to a session.
"""
import socket

from xmpp_client import STREAM, Client


def _opened(server):
    client = Client(server).connect()
    client.open()
    return client


def _upgraded(server):
    client = _opened(server)
    client.upgrade()
    return client


def _direct(server):
    client = Client(server).connect(direct=True)
    client.open()
    return client


def _authenticated(server):
    client = _upgraded(server)
    client.sign_in("juliet", server.users["juliet"], "SCRAM-SHA-1")
    return client


def _bound(server):
    return Client.login(server, "juliet")


BEFORE_LOGIN = (
    ("before TLS", _opened),
    ("inside STARTTLS", _upgraded),
    ("inside direct TLS", _direct),
)
AFTER_LOGIN = (
    ("before bind", _authenticated),
    ("after bind", _bound),
)
EVERYWHERE = BEFORE_LOGIN + AFTER_LOGIN


def first_bytes(server, direct=False):
    """A connection on which nothing has been said yet."""
    return Client(server).connect(direct=direct)


def server_streams(server):
    """Ports for servers and components that are open: (name, port, namespace)."""
    for name, namespace in (("s2s", "jabber:server"), ("component", "jabber:component:accept")):
        port = server.ports.get(name)
        if port:
            with socket.socket() as probe:
                if probe.connect_ex((server.host, port)) == 0:
                    yield name, port, namespace


def on_port(server, port):
    """A client object on another port than a client's."""
    client = Client(server)
    client.sock = socket.create_connection((server.host, port), client.timeout)
    return client


def header_for(server, namespace):
    return (f"<stream:stream xmlns='{namespace}' xmlns:stream='{STREAM}' version='1.0' "
            f"to='{server.domain}'>")


def pair(server, **options):
    """juliet and romeo, present, so that one can see what the other manages to send."""
    juliet = Client.login(server, "juliet", "j", presence=True, **options)
    romeo = Client.login(server, "romeo", "r", presence=True, **options)
    return juliet, romeo


def refused(client, data, conditions, timeout=5):
    """Sends the bytes and demands one of the stream errors and the end of the connection."""
    client.try_send(data)
    condition = client.stream_error(timeout)
    client.close()
    assert condition in conditions, f"{condition} instead of {' or '.join(conditions)}"




