"""What people do beside talking: presence to their contacts, new friends, sign-ins with a long
roster, messages for who is away. Steps and rows of bench.py; accounts are used by nobody else.
"""

import contextlib
import os


@contextlib.contextmanager
def apart(pids):
    """kith-load gets the first processor, the servers the others. Left alone, the kernel puts both
    on one at times, and then each costs half as much: a ratio of two servers would say which of
    them was lucky."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) > 1:
        for pid in pids:
            for thread in os.listdir("/proc/%d/task" % pid):
                os.sched_setaffinity(int(thread), cpus[1:])
        os.sched_setaffinity(0, cpus[:1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cpus)


class Size:
    """Numbers of accounts and how much is done with them."""

    def __init__(self, quick):
        self.first = 130 if quick else 12000
        self.few = 5 if quick else 50
        self.many = 20 if quick else 1000
        self.deliveries = 100 if quick else 50000
        self.rounds = 1 if quick else 5
        self.slow_rounds = 1 if quick else 3
        self.friend_rounds = 1 if quick else 9
        self.pairs = 10 if quick else 500
        self.rosters = 4 if quick else 20
        self.recipients = 5 if quick else 100
        self.messages = 10 if quick else 100
        # Where each figure's accounts begin.
        self.first_many = self.first + self.few + 1
        self.first_pair = self.first_many + self.many + 1
        self.first_roster = self.first_pair + 2 * self.pairs
        self.first_sender = self.first_roster + self.rosters


class People:
    def __init__(self, bench):
        self.bench = bench
        self.size = Size(bench.size.quick)

    def hubs(self):
        """Figure, number of contacts, the first of the accounts."""
        return (("presence few", self.size.few, self.size.first),
                ("presence many", self.size.many, self.size.first_many))

    def storm(self, figure, server, tls, contacts, first, updates):
        self.bench.load((figure, server.name, tls), "presence", "-n", contacts, "--first-account",
                        first, "--updates", updates, *self.bench.at(server, tls))

    def presence(self):
        """The relay and kithd take turns; Prosody, which is far away, has one round of each."""
        bench, size = self.bench, self.size
        for server in bench.servers:
            if server is not bench.kith:
                for _, contacts, first in self.hubs():
                    server.befriend(first, range(first + 1, first + 1 + contacts))
        bench.restart()
        close = [s for s in (bench.relay, bench.kith) if s is not None]
        pids = [p.pid for p in bench.relay.processes.values()] + [s.process.pid for s in bench.servers]
        for figure, contacts, first in self.hubs():
            updates = max(1, size.deliveries // contacts)
            for server in bench.servers:
                self.storm("befriend", server, "none", contacts, first, 1)
            for server in bench.servers:
                if server is not bench.kith:
                    self.storm(figure, server, "none", contacts, first, updates // 10 + 1)
            with apart(pids):
                for i in range(size.rounds):
                    for tls in ("none", "direct"):
                        for server in close if i % 2 == 0 else close[::-1]:
                            self.storm(figure, server, tls, contacts, first, updates)

    def friends(self):
        bench, size = self.bench, self.size
        bench.restart()
        for i in range(size.friend_rounds):
            for server in bench.servers:
                if server is not bench.kith and i >= size.slow_rounds:
                    continue
                pairs = size.pairs if server is bench.kith else size.pairs // 5
                bench.load(("subscribe", server.name, "none"), "subscribe", "-n", pairs, "-c", 100,
                           "--first-account", size.first_pair, *bench.at(server, "none"))

        if bench.kith is not None:
            self.crash(bench.kith)
            bench.load(("friends after SIGKILL", "kithd", "none"), "login", "-n", 2 * size.pairs,
                       "--first-account", size.first_pair, "--roster", 1,
                       *bench.at(bench.kith, "none"))

    def roster_logins(self):
        """Of accounts that have the roster of the hub with many contacts, each signed in to once
        after a start, so that the roster comes from the disk."""
        bench, size = self.bench, self.size
        for server in bench.servers:
            server.copy_roster(size.first_many, range(size.first_roster, size.first_sender))
        for _ in range(size.slow_rounds):
            bench.restart()
            for server in bench.servers:
                bench.load(("warm", server.name, "direct"), "login", "-n", 3, "-c", 1,
                           "--first-account", size.first_pair, *bench.at(server, "direct"))
                bench.load(("roster login", server.name, "direct"), "login", "-n", size.rosters,
                           "-c", 1, "--first-account", size.first_roster, "--roster", size.many,
                           *bench.at(server, "direct"))

    def crash(self, server):
        """What kithd has done is on disk, so it needs no time to put anything away."""
        if server is self.bench.kith:
            server.kill()
        else:
            server.stop()
        server.start()

    def fetch(self, figure, server, messages):
        size = self.size
        self.bench.load((figure, server.name, "none"), "fetch", "-n", size.recipients,
                        "--messages", messages, "--first-account",
                        size.first_sender + size.recipients, *self.bench.at(server, "none"))

    def offline(self):
        """Another server process hands the messages out than the one that took them, and was
        killed."""
        bench, size = self.bench, self.size
        for _ in range(size.slow_rounds):
            bench.restart()
            for server in bench.servers:
                bench.load(("store", server.name, "none"), "store", "-n", size.recipients,
                           "--messages", size.messages, "--first-account", size.first_sender,
                           *bench.at(server, "none"))
                self.crash(server)
                self.fetch("fetch", server, size.messages)
        for server in bench.servers:
            self.fetch("fetch nothing", server, 0)

    def rows(self, table):
        for figure, contacts, _ in self.hubs():
            for tls, name in (("none", "plain"), ("direct", "TLS")):
                table.add("CPU per presence to %s, %s" % (format(contacts, ","), name),
                          (figure, tls), "cpu_us_each", "us",
                          table.times(1.4, figure, "relay", tls, "cpu_us_each"), "1.4 x relay")
        table.add("CPU per mutual subscription", ("subscribe", "none"), "cpu_us_each", "us", 100)
        many = format(self.size.many, ",")
        for key, field, name in (
                (("roster login", "direct"), "cpu_us_each", "login, roster of %s" % many),
                (("store", "none"), "cpu_us_each", "message kept"),
                (("fetch", "none"), "cpu_us_each", "kept message fetched")):
            figure, tls = key
            table.add("CPU per " + name, key, field, "us",
                      table.times(1 / 6, figure, "Prosody", tls, field), "Prosody / 6")
        table.add("time of a login, roster of " + many, ("roster login", "direct"),
                  "sign_in_p50_us", "us")
        table.add("messages kept a second", ("store", "none"), "per_second", "/s")
        table.add("kept messages fetched a second", ("fetch", "none"), "per_second", "/s")
