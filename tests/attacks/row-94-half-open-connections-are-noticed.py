#!/usr/bin/python3
"""Row 94: a client's packets vanish without FIN or RST, as when a phone leaves its network.

In a network namespace of its own, nft drops what goes from and to the client's address. The
server must notice by its ping or by TCP_USER_TIMEOUT, and lose no message.
"""
import os
import subprocess
import sys
import time

from checks import Suite, wait_gauge, wait_until
from xmpp_client import Client, body_of

INSIDE = "KITH_TEST_NAMESPACE"
VICTIM = "127.0.94.1"
IDLE, ANSWER = 2, 2  # seconds, as set below; the defaults together stay under ten minutes
LIMIT = IDLE + ANSWER + 5
RULES = f"""
table inet cut {{
	chain lost {{
		type filter hook output priority 0;
		ip saddr {VICTIM} drop
		ip daddr {VICTIM} drop
	}}
}}
"""
suite = Suite("row 94: half-open connections are noticed", attack=True,
              settings={"c2s.idle_timeout": f"{IDLE}s", "c2s.answer_timeout": f"{ANSWER}s"})


def command(*words, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()}"


class Cut:
    """While it lasts, nothing passes from or to the victim's address."""

    def __enter__(self):
        command("nft", "-f", "-", text=RULES)

    def __exit__(self, *_):
        command("nft", "delete", "table", "inet", "cut")


def enter_namespace():
    """Runs this program again where packets may be dropped; needs root."""
    if os.environ.get(INSIDE):
        command("ip", "link", "set", "lo", "up")
        return
    if os.geteuid() != 0:
        print("skipped row 94: a network namespace needs root")
        sys.exit(0)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])


def victim(server, resource="phone"):
    return Client.login(server, "juliet", resource, source=VICTIM, presence=True)


def lost(server, start, sessions):
    wait_gauge(server, "sessions", sessions, LIMIT)
    return f"noticed after {time.monotonic() - start:.1f} s"


@suite.check("a silent connection that is cut is closed in time")
def _(server):
    sessions = server.gauge("sessions")
    client = victim(server)
    with Cut():
        client.close()
        return lost(server, time.monotonic(), sessions)


@suite.check("a connection with data under way is closed in time, and nothing is lost")
def _(server):
    sessions = server.gauge("sessions")
    client, romeo = victim(server), Client.login(server, "romeo", "r", presence=True)
    texts = [f"on the way {i}" for i in range(20)]
    with Cut():
        start = time.monotonic()
        # Meanwhile romeo shows that he is there, or he would be taken for lost as well.
        wait_until(lambda: not romeo.ping() and server.gauge("sessions") == sessions + 1, LIMIT,
                   "the cut session to end", 0.1)
        took = time.monotonic() - start
        for text in texts:
            romeo.message("juliet@kith.test", text)
        romeo.ping()
        client.close()
    with Client.login(server, "juliet", "again", presence=True) as again:
        got = [body_of(again.expect("message")) for _ in texts]
        assert got == texts, got
        again.logout()
    romeo.logout()
    return f"noticed after {took:.1f} s"


@suite.check("contacts are told that the lost one is gone")
def _(server):
    romeo = Client.login(server, "romeo", "r", presence=True)
    client = victim(server)
    client.send("<presence to='romeo@kith.test/r'/>")
    romeo.expect("presence", lambda e: e.get("from") == "juliet@kith.test/phone")
    with Cut():
        client.close()
        romeo.timeout = LIMIT
        gone(romeo)
    romeo.logout()


def gone(watcher):
    """Waits for the farewell, and answers the server's pings meanwhile."""
    while True:
        stanza = watcher.next(LIMIT)
        if stanza.tag.endswith("iq") and stanza.get("type") == "get":
            watcher.send(f"<iq type='result' id='{stanza.get('id')}' to='{stanza.get('from')}'/>")
        elif stanza.get("type") == "unavailable":
            assert stanza.get("from") == "juliet@kith.test/phone", stanza.get("from")
            return


@suite.check("a cut that heals in time costs nothing")
def _(server):
    client = victim(server)
    with Cut():
        time.sleep(0.5)
    client.ping()
    client.logout()


enter_namespace()
suite.run()
