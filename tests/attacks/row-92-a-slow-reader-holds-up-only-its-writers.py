#!/usr/bin/python3
"""Row 92: clients that stop reading while much is sent to them.

What the server keeps for such a session is bounded in bytes; who writes to it
is paced (or told), and everybody else goes on. When the reader wakes up, it
finds everything that was taken for it, in order.
"""
import select
import socket
import threading
import time

from checks import MIB, Suite
from xmpp_client import Client, body_of

READERS = 40
FRESH = 10  # from here on, nothing is kept for them from the other checks
TOTAL = 96 * MIB  # is sent to one reader
BODY = "x" * 60_000
QUEUE = 4 * MIB  # what the server may keep for one session
PER_SESSION = 4 * QUEUE  # the queue, while it grows by copying, and letters under way to it
USERS = {f"slow{i}": "pw" for i in range(READERS)}
suite = Suite("row 92: a slow reader holds up only its writers", attack=True, slack=32 * MIB,
              users={"juliet": "r0m30", "romeo": "b4lc0ny", "nurse": "n0urse", **USERS},
              settings={"c2s.require_tls": "no", "c2s.queue_size": QUEUE,
                        "server.account_idle": "1s"})


def sleeper(server, user):
    """Signed in and present, with a small receive window, and from then on silent."""
    client = Client(server, timeout=60)
    client.sock = socket.socket()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    client.sock.settimeout(10)
    client.sock.connect((server.host, server.ports["c2s"]))
    client.open()
    client.sign_in(user, server.users[user], "PLAIN")
    client.bind("sleeper")
    client.be_present()
    return client


def writer(server, user="romeo"):
    return Client.login(server, user, "w", tls="none", mechanism="PLAIN", timeout=60)


def pour(clients, targets, total, patience=1.5):
    """Writes until the total is out or the server has read nothing for a while; stanzas sent."""
    for client in clients:
        client.sock.setblocking(False)
    numbers, rest = dict.fromkeys(clients, 0), dict.fromkeys(clients, b"")
    sent, moved = 0, time.monotonic()
    while sent < total and time.monotonic() - moved < patience:
        readable, ready, _ = select.select(clients, clients, [], 0.1)
        for client in readable:
            client.raw += client.sock.recv(1 << 20)
        for client in ready:
            if not rest[client]:
                number = numbers[client]
                to = targets[number % len(targets)]
                rest[client] = (f"<message to='{to}' type='chat' id='n{number}'>"
                                f"<body>{number} {BODY}</body></message>").encode()
                numbers[client] += 1
            done = client.sock.send(rest[client])
            rest[client] = rest[client][done:]
            sent, moved = sent + done, time.monotonic()
    return sent, numbers, rest


@suite.check("the memory for one slow reader is bounded, and its writer is paced or told")
def _(server):
    reader, romeo = sleeper(server, "slow0"), writer(server)
    before = server.rss()
    server.forget_peak()
    sent, _, _ = pour([romeo], [reader.jid], TOTAL)
    grown = server.peak() - before
    told = romeo.raw.count(b"type='error'") + romeo.raw.count(b'type="error"')
    reader.close()
    romeo.close()
    assert server.is_sanitized() or grown <= PER_SESSION + 2 * MIB, f"grew by {grown >> 10} KiB"
    assert sent < TOTAL or told, "it took everything and said nothing"
    return f"{sent >> 10} KiB taken, {told} errors, grew by {grown >> 10} KiB"


@suite.check("others are answered while a writer waits")
def _(server):
    reader, romeo = sleeper(server, "slow1"), writer(server)
    pour([romeo], [reader.jid], TOTAL, 0.5)
    with writer(server, "juliet") as juliet, writer(server, "nurse") as nurse:
        nurse.be_present()
        for i in range(20):
            juliet.message(nurse.jid, f"hello {i}")
            nurse.expect_body(f"hello {i}", 5)
        juliet.message(nurse.bare(), "to the bare address")
        nurse.expect_body("to the bare address", 5)
    reader.close()
    romeo.close()


@suite.check("a reader that wakes up gets everything that was taken, in order, once")
def _(server):
    reader, romeo = sleeper(server, "slow2"), writer(server)
    _, numbers, rest = pour([romeo], [reader.jid], 16 * MIB, 0.5)
    romeo.sock.setblocking(True)
    finish = threading.Thread(target=romeo.send, args=(rest[romeo],))
    finish.start()
    got = [int(body_of(reader.expect("message")).split(" ")[0]) for _ in range(numbers[romeo])]
    finish.join()
    assert got == list(range(numbers[romeo])), f"not in order: {got[:20]}"
    romeo.ping()
    reader.ping()
    reader.logout()
    romeo.logout()
    return f"{len(got)} messages"


@suite.check(f"{READERS - FRESH} slow readers at once: memory stays bounded, the server answers")
def _(server):
    readers = [sleeper(server, user) for user in list(USERS)[FRESH:]]
    writers = [writer(server, user) for user in ("romeo", "juliet", "nurse")]
    before = server.rss()
    server.forget_peak()
    sent, _, _ = pour(writers, [reader.jid for reader in readers], TOTAL)
    grown = server.peak() - before
    with Client.login(server, "juliet", "other", tls="none", mechanism="PLAIN") as other:
        other.ping()
    for client in readers + writers:
        client.close()
    bound = len(readers) * PER_SESSION
    assert server.is_sanitized() or grown <= bound, f"grew by {grown >> 10} KiB"
    return f"{sent >> 10} KiB taken, grew by {grown >> 10} KiB"


@suite.check("a client that does not read its own answers is bounded as well")
def _(server):
    reader = sleeper(server, "slow3")
    before = server.rss()
    server.forget_peak()
    reader.sock.setblocking(False)
    question = ("<iq type='get' id='q' to='kith.test'><query "
                "xmlns='http://jabber.org/protocol/disco#info'/></iq>" * 100).encode()
    sent, moved = 0, time.monotonic()
    while sent < TOTAL // 4 and time.monotonic() - moved < 1.0:
        if select.select([], [reader.sock], [], 0.1)[1]:
            sent, moved = sent + reader.sock.send(question), time.monotonic()
    grown = server.peak() - before
    reader.close()
    assert sent < TOTAL // 4, "it read on and on"
    assert server.is_sanitized() or grown <= PER_SESSION + 2 * MIB, f"grew by {grown >> 10} KiB"
    return f"{sent >> 10} KiB of questions taken, grew by {grown >> 10} KiB"


@suite.check("who asks and does not read the answers holds up nobody who is asked")
def _(server):
    reader = sleeper(server, "slow4")
    with writer(server, "juliet") as juliet, writer(server, "nurse") as nurse:
        nurse.be_present()
        answer = f"<iq type='result' id='a' to='{reader.jid}'><x xmlns='urn:x'>{BODY}</x></iq>"
        for _ in range(8 * QUEUE // len(BODY)):
            juliet.send(answer)
        juliet.message(nurse.jid, "not held up")
        nurse.expect_body("not held up", 5)
        juliet.ping(5)
    reader.close()


suite.run()
