"""What a client that comes back costs the server: by SCRAM as ever, by SCRAM with the session in the
same exchange, and by a token (XEP-0484). A step and rows of bench.py.

kith-load knows only the older profile, so the clients of the tests sign in here, one at a time. That
costs the server more wake-ups for each than many at once do: these rows compare with each other,
and with a handshake by the same client, not with those of kith-load.
"""

import os
import sys
import time
import types

from servers import DOMAIN, PASSWORD, Failed

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "lib"))
from sasl2 import BIND2, FAST, QuickClient  # noqa: E402
from xmpp_client import Client  # noqa: E402

MECHANISM = "SCRAM-SHA-1"
BIND = f"<bind xmlns='{BIND2}'><tag>bench</tag></bind>"


def cpu_ns(pid):
    """Of all threads of a process; its clock is numbered so (clock_getcpuclockid)."""
    return time.clock_gettime_ns(~pid << 3 | 2)


class Tokens:
    def __init__(self, bench):
        self.bench = bench
        self.each = 4 if bench.size.quick else 200
        self.tokens = {}

    def client(self, kind):
        kith = self.bench.kith
        server = types.SimpleNamespace(host="127.0.0.1", domain=DOMAIN, ca=kith.process.ready["ca"],
                                       ports={"c2s_tls": kith.ports["direct"]})
        return kind(server)

    def handshake(self, _user):
        with self.client(Client) as client:
            client.connect(direct=True)
            client.open()

    def leave(self, client):
        client.send("<presence/></stream:stream>")
        client.wait_eof()

    def scram(self, user):
        with self.client(Client) as client:
            client.connect(direct=True)
            client.open()
            client.sign_in(user, PASSWORD, MECHANISM)
            client.bind("bench")
            self.leave(client)

    def by_scram2(self, client, user, inside):
        return client.by_password(user, PASSWORD, inside, MECHANISM)

    def scram2(self, user, inside=BIND):
        with self.client(QuickClient) as client:
            self.by_scram2(client, user, inside)
            self.leave(client)
            return client.token

    def token(self, user):
        with self.client(QuickClient) as client:
            client.by_token(user, self.tokens[user], inside=BIND)
            self.leave(client)

    def measure(self, figure, sign_in, users):
        pid = self.bench.kith.process.pid
        before = cpu_ns(pid)
        for user in users:
            sign_in(user)
        used = (cpu_ns(pid) - before) / len(users) / 1000
        self.bench.results.setdefault((figure, "kithd", "direct"), []).append({"cpu_us_each": used})

    def sign_ins(self):
        if self.bench.kith is None:
            return
        self.bench.restart()
        users = [f"user{number}" for number in range(self.each)]
        request = f"{BIND}<request-token xmlns='{FAST}' mechanism='HT-SHA-256-EXPR'/>"
        for user in users:
            self.tokens[user] = self.scram2(user, request)
            if self.tokens[user] is None:
                raise Failed("kithd gave no token")
        kinds = (("one handshake", self.handshake), ("one SCRAM", self.scram),
                 ("one SASL2", self.scram2), ("one token", self.token))
        for turn in range(self.bench.size.rounds):
            for figure, sign_in in kinds[turn % 4:] + kinds[:turn % 4]:
                self.measure(figure, sign_in, users)

    def rows(self, table):
        field, direct = "cpu_us_each", "direct"
        table.add("CPU per login, one at a time", ("one SCRAM", direct), field, "us")
        table.add("  with the session inside", ("one SASL2", direct), field, "us",
                  table.times(1, "one SCRAM", "kithd", direct, field), "SCRAM")
        table.add("  the same by a token", ("one token", direct), field, "us",
                  table.times(1.2, "one SCRAM", "kithd", direct, field), "1.2 x SCRAM")
        table.add("  handshake and features", ("one handshake", direct), field, "us")
