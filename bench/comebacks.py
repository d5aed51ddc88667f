"""The server is killed under thousands of sessions, and all of them come back: each by a token, and
with the message that it had not acknowledged. A step and rows of bench.py.

The clients are those of the tests, one after the other, so the seconds are mostly theirs; what the
server needed is the processor time, from its new start on.
"""

import time

from servers import Failed
from tokens import BIND, cpu_ns
from sasl2 import BIND2, FAST, SM, QuickClient

REQUEST = f"<request-token xmlns='{FAST}' mechanism='HT-SHA-256-EXPR'/>"
SESSION = (f"<bind xmlns='{BIND2}'><tag>bench</tag><enable xmlns='{SM}' resume='true'/></bind>{REQUEST}")


class Comebacks:
    def __init__(self, bench):
        self.bench = bench
        self.number = 20 if bench.size.quick else 5000

    def come(self, user):
        client = self.bench.tokens.client(QuickClient)
        success = self.bench.tokens.by_scram2(client, user, SESSION)
        enabled = success.find(f".//{{{SM}}}enabled")
        if enabled is None or client.token is None:
            raise Failed("kithd gave no session that can be resumed")
        client.send("<presence/>")
        client.session = enabled.get("id")
        return client

    def come_back(self, user, was):
        client = self.bench.tokens.client(QuickClient)
        # It has its own presence.
        resume = f"<resume xmlns='{SM}' previd='{was.session}' h='1'/>"
        success = client.by_token(user, was.token, inside=resume)
        if success.find(f"{{{SM}}}resumed") is None:
            raise Failed("a session was not resumed")
        if client.expect("message").get("id") != user:
            raise Failed("a message was lost")
        return client

    def measure(self):
        kith = self.bench.kith
        if kith is None:
            return
        self.bench.restart()
        users = [f"user{number}" for number in range(self.number)]
        were = {user: self.come(user) for user in users}
        with self.bench.tokens.client(QuickClient) as writer:
            writer.agent = "97d6ebdd-6d1e-4b9c-8a4d-9c11fbd8c2ad"  # else it is the first of them, come again
            self.bench.tokens.by_scram2(writer, users[0], BIND)
            writer.send(f"<enable xmlns='{SM}'/>")
            writer.expect("enabled")
            writer.send("".join(f"<message to='{were[user].jid}' id='{user}' type='chat'><body>wait</body></message>"
                                for user in users) + f"<r xmlns='{SM}'/>")
            while int(writer.expect("a").get("h")) < len(users):
                pass
        kith.kill()
        for client in were.values():
            client.close()
        kith.start()
        began = time.monotonic()
        back = [self.come_back(user, were[user]) for user in users]
        took = time.monotonic() - began
        used = cpu_ns(kith.process.pid) / self.number / 1000
        self.bench.results[("comeback", "kithd", "direct")] = [{"s": took, "cpu_us_each": used}]
        for client in back:
            client.close()

    def rows(self, table):
        table.add("%d resumed after SIGKILL" % self.number, ("comeback", "direct"), "s", "s")
        table.add("  CPU for each", ("comeback", "direct"), "cpu_us_each", "us")
