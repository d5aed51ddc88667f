#!/usr/bin/python3
"""make bench: kithd beside Debian's Prosody and a bare epoll relay, in one run.

Servers take turns within each round and the median of the rounds counts, so that what else the
machine does meets all of them. docs/bench.md says how to read the table.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from people import People
from servers import DOMAIN, PASSWORD, Failed, Kith, Prosody, Relay, make_certificate
from tokens import Tokens
from comebacks import Comebacks  # it finds what it needs of the tests by the one before


class Size:
    """How much of everything; the quick size proves that the bench works, and measures nothing."""

    def __init__(self, quick):
        self.quick = quick
        self.accounts = 300 if quick else 20000
        self.sessions = 100 if quick else 5000
        self.pairs = 5 if quick else 100
        self.rounds = 1 if quick else 3
        self.seconds = 0.2 if quick else 2.5
        # Many short rounds: a neighbour that wakes up spoils a few of them, of each server alike.
        self.rate_rounds = 1 if quick else 11
        self.rate_seconds = 0.2 if quick else 1
        self.logins = 20 if quick else 1000
        # From this number on, accounts are used by nothing but the PLAIN figures.
        self.unused = 250 if quick else 10000


class Bench:
    def __init__(self, build, directory, options):
        self.size = Size(options.quick)
        self.only = options.only
        self.load_program = os.path.join(build, "kith-load")
        if not os.access(self.load_program, os.X_OK):
            raise Failed("%s is missing: run 'make build' first" % self.load_program)
        cert, key = make_certificate(directory)
        self.scan_program = os.path.join(build, "bench", "xml_bench")
        self.kith = None if options.peers_only else Kith(build, directory)
        self.relay = Relay(build, directory, cert, key)
        prosody = None if options.without_prosody else Prosody(directory, cert, key)
        self.servers = [s for s in (self.kith, prosody) if s is not None]
        self.raw = []
        self.results = {}
        self.people = People(self)
        self.tokens = Tokens(self)
        self.comebacks = Comebacks(self)

    def load(self, key, *args):
        """Runs kith-load once; remembers its result under the key."""
        argv = [self.load_program, "--domain", DOMAIN, "--password", PASSWORD] + [str(a) for a in args]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed("%s: %s" % (" ".join(map(str, key)), done.stderr.strip()))
        result = json.loads(done.stdout)
        self.raw.append({"key": list(key), "result": result})
        self.results.setdefault(key, []).append(result)
        version = result.get("tls_version")
        if version is not None and not version.startswith("TLSv1.3"):
            raise Failed("%s: %s instead of TLS 1.3" % (" ".join(map(str, key)), version))

    def median(self, key, field):
        """The median over the rounds; None if it was not measured."""
        values = [r[field] for r in self.results.get(key, [])]
        return statistics.median(values) if values else None

    def at(self, server, tls):
        """kith-load's options for a server under a kind of TLS."""
        if server is self.relay:
            process = server.processes[tls]
            return ["-p", process.ready["port"], "-P", process.pid, "--tls", tls, "--relay"]
        return ["-p", server.ports[tls], "-P", server.process.pid, "--tls", tls]

    # What is measured. Keys are (figure, server's name, kind of TLS).

    def starts(self, figure, servers, rounds, keep):
        for _ in range(rounds):
            for server in servers:
                port = server.base if server is self.kith else server.ports["none"]
                self.load((figure, server.name, "none"), "start", "-p", port, "--",
                          *server.command(keep))

    def starts_after_kill(self):
        """Then the whole database is checked before anyone is let in."""
        if self.kith is None:
            return
        for _ in range(self.size.rounds):
            self.kith.start()
            self.kith.kill()
            self.starts("start killed", [self.kith], 1, True)

    def restart(self):
        """What an earlier figure left in a server's memory must not count in the next one."""
        for server in [self.relay] + self.servers:
            server.stop()
            server.start()

    def chats(self, figure, rounds, seconds, *options):
        """Another server begins in each round, so that none always follows the same one."""
        self.restart()
        servers = [self.relay] + self.servers
        for i in range(rounds):
            first = i % len(servers)
            for tls in ("none", "direct"):
                for server in servers[first:] + servers[:first]:
                    self.load((figure, server.name, tls), "chat", "-n", self.size.pairs, "-t",
                              seconds, *options, *self.at(server, tls))

    def archived_chats(self):
        """With each message in two archives, on disk; beside the relay in the same minute."""
        if self.kith is None:
            return
        self.stop()
        self.kith.archive = "yes"
        self.restart()
        for _ in range(self.size.rounds):
            for server in (self.relay, self.kith):
                self.load(("archive", server.name, "direct"), "chat", "-n", self.size.pairs, "-t",
                          self.size.seconds, *self.at(server, "direct"))
        self.kith.archive = "no"

    def logins(self):
        self.restart()
        for _ in range(self.size.rounds):
            process = self.relay.processes["handshake"]
            self.load(("login", "relay", "direct"), "handshake", "-n", self.size.logins,
                      "-p", process.ready["port"], "-P", process.pid)
            for server in self.servers:
                self.load(("login", server.name, "direct"), "login", "-n", self.size.logins,
                          "--accounts", self.size.logins // 5, *self.at(server, "direct"))

    def plain_logins(self):
        self.restart()
        for server in self.servers:
            for figure in ("PLAIN first", "PLAIN second"):
                self.load((figure, server.name, "direct"), "login", "-n", self.size.logins // 5,
                          "-c", 4, "--sasl", "PLAIN", "--first-account", self.size.unused, *self.at(server, "direct"))

    def idles(self):
        """Each on a server that has just started, after a few sign-ins that fill its caches."""
        for server in self.servers:
            for tls in ("none", "direct"):
                server.stop()
                server.start()
                self.load(("warm", server.name, tls), "login", "-n", self.size.logins // 5,
                          "--first-account", self.size.sessions, *self.at(server, tls))
                self.load(("idle", server.name, tls), "idle", "-n", self.size.sessions,
                          "-t", self.size.seconds, *self.at(server, tls))

    def scan(self):
        """Needs no server: the scanner and expat take turns inside of one program."""
        done = subprocess.run([self.scan_program], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed("bench/xml_bench: " + done.stderr)
        for line in map(json.loads, done.stdout.splitlines()):
            self.raw.append({"key": ["scan"], "result": line})
            if "ratio" in line:
                self.results[("scan", "kithd", line["stanza"])] = [line]

    def fill(self):
        for server in self.servers:
            took = server.add_accounts(self.size.accounts)
            if took is not None:
                self.results[("import", server.name, "none")] = [{"s": took[0], "cpu_s": took[1]}]

    def run(self):
        size = self.size
        steps = [
            ("scanner", self.scan),
            ("start, empty", lambda: self.starts("start", self.servers, size.rounds, False)),
            ("%d accounts" % size.accounts, self.fill),
            ("start, filled", lambda: self.starts("start filled", self.servers, size.rounds, True)),
            ("start, killed", self.starts_after_kill),
            ("idle sessions", self.idles),
            ("chat", lambda: self.chats("chat", size.rounds, size.seconds)),
            ("chat at a rate", lambda: self.chats("rate", size.rate_rounds, size.rate_seconds,
                                                  "-r", 2000)),
            ("archive", self.archived_chats),
            ("logins", self.logins),
            ("PLAIN logins", self.plain_logins),
            ("token logins", self.tokens.sign_ins),
            ("comebacks", self.comebacks.measure),
            ("presence", self.people.presence),
            ("subscriptions", self.people.friends),
            ("roster logins", self.people.roster_logins),
            ("offline", self.people.offline),
        ]
        for name, step in steps:
            if not self.wants(name):
                continue
            began = time.monotonic()
            step()
            self.stop()
            print("%-16s %4.0f s" % (name, time.monotonic() - began), file=sys.stderr)

    def wants(self, name):
        """Whether a step was asked for, or another needs it that was."""
        only = self.only
        return (only is None or only in name or name.endswith(" accounts") and only != "scanner" or
                name == "presence" and only in "roster logins")

    def stop(self):
        for server in self.servers + [self.relay]:
            server.stop()


class Table:
    """Rows of: figure, kithd, limit, verdict, relay, Prosody."""

    def __init__(self, bench):
        self.bench = bench
        self.rows = []

    def add(self, name, key, field, unit, limit=None, why="", scale=1.0, least=False):
        """key: (figure, kind of TLS). limit: the most that kithd may have, in the unit shown, or
        the least."""
        figure, tls = key
        values = {}
        for server in ("kithd", "relay", "Prosody"):
            value = self.bench.median((figure, server, tls), field)
            values[server] = None if value is None else value * scale
        verdict = None
        if limit is not None and values["kithd"] is not None and not self.bench.size.quick:
            good = values["kithd"] >= limit if least else values["kithd"] <= limit
            verdict = "ok" if good else "MISSED"
        if all(value is None for value in values.values()):
            return  # --only something else
        self.rows.append({"figure": name, "unit": unit, "limit": limit, "why": why,
                          "verdict": verdict, **values})

    def times(self, factor, figure, server, tls, field):
        """A limit as a multiple of another server's value."""
        value = self.bench.median((figure, server, tls), field)
        return None if value is None else factor * value

    def build(self):
        for tls, factor, name in (("none", 1.7, "plain"), ("direct", 1.5, "TLS 1.3")):
            key, field = ("chat", tls), "cpu_us_each"
            self.add("CPU per message, " + name, key, field, "us",
                     self.times(factor, "chat", "relay", tls, field), "%.1f x relay" % factor)
            self.add("  against Prosody", key, field, "us",
                     self.times(1 / 6, "chat", "Prosody", tls, field), "Prosody / 6")
            self.add("messages a second, " + name, key, "per_second", "/s")
        self.add("  with the archive", ("archive", "direct"), "cpu_us_each", "us",
                 self.times(2.2, "archive", "relay", "direct", "cpu_us_each"), "2.2 x relay")
        self.add("  messages a second", ("archive", "direct"), "per_second", "/s")
        for tls, name in (("none", "plain"), ("direct", "TLS 1.3")):
            self.add("p99 at 2,000/s, " + name, ("rate", tls), "delay_p99_us", "us",
                     self.times(1.5, "rate", "relay", tls, "delay_p99_us"), "1.5 x relay")
        self.add("RSS per idle session, plain", ("idle", "none"), "rss_kib_each", "KiB", 3)
        self.add("RSS per idle session, TLS", ("idle", "direct"), "rss_kib_each", "KiB", 17)
        self.add("CPU per login, SCRAM-SHA-1", ("login", "direct"), "cpu_us_each", "us",
                 self.times(1.6, "login", "relay", "direct", "cpu_us_each"), "1.6 x handshake")
        self.add("CPU per login, PLAIN, first", ("PLAIN first", "direct"), "cpu_us_each", "us")
        self.add("CPU per login, PLAIN, again", ("PLAIN second", "direct"), "cpu_us_each", "us",
                 self.times(1.2, "login", "kithd", "direct", "cpu_us_each"), "1.2 x SCRAM")
        self.add("features after exec, empty", ("start", "none"), "features_ms", "ms", 30)
        self.add("RSS, empty", ("start", "none"), "rss_kib", "MiB", 8, scale=1 / 1024)
        self.add("features after exec, filled", ("start filled", "none"), "features_ms", "ms", 200)
        self.add("  RSS", ("start filled", "none"), "rss_kib", "MiB", scale=1 / 1024)
        self.add("  after SIGKILL", ("start killed", "none"), "features_ms", "ms", 200)
        for figure, _, stanza in list(self.bench.results):
            if figure == "scan":
                self.add("scanner's speed, " + stanza, ("scan", stanza), "ratio", "x", 4,
                         "at least, expat", least=True)
        self.add("import of 10,000 accounts", ("import", "none"), "s", "s", scale=10000)
        self.add("  processor time", ("import", "none"), "cpu_s", "s", 20, "10 s on 2 cores",
                 scale=10000)
        self.bench.tokens.rows(self)
        self.bench.comebacks.rows(self)
        self.bench.people.rows(self)

    def print(self):
        print("%-33s %9s %9s %-7s %-16s %9s %9s" %
              ("figure", "kithd", "limit", "", "that is", "relay", "Prosody"))
        for row in self.rows:
            number = {k: "-" if row[k] is None else "%.*f" % (1 if row[k] < 1000 else 0, row[k])
                      for k in ("kithd", "limit", "relay", "Prosody")}
            print("%-33s %9s %9s %-7s %-16s %9s %9s %s" %
                  (row["figure"], number["kithd"], number["limit"], row["verdict"] or "",
                   row["why"], number["relay"], number["Prosody"], row["unit"]))
        for tls, name in (("none", "plain"), ("direct", "TLS 1.3")):
            for server in ("kithd", "relay", "Prosody"):
                rounds = [r["delay_p99_us"] for r in self.bench.results.get(("rate", server, tls), [])]
                if rounds:
                    print("p99 of each round, %s, %s: %s" %
                          (name, server, " ".join("%.0f" % us for us in sorted(rounds))))
        verdicts = [row["verdict"] for row in self.rows]
        print("%d ok, %d MISSED" % (verdicts.count("ok"), verdicts.count("MISSED")), flush=True)
        return verdicts.count("MISSED")


def raise_descriptor_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def end_on_signal(number, frame):
    del frame
    sys.exit(128 + number)


def main():
    parser = argparse.ArgumentParser(description="Measure kithd beside Prosody and a bare relay.")
    parser.add_argument("--build", default="build", help="where the programs are (build)")
    parser.add_argument("--peers-only", action="store_true",
                        help="measure without kithd; there are no verdicts then")
    parser.add_argument("--without-prosody", action="store_true",
                        help="measure without Prosody; its rows have no verdicts then")
    parser.add_argument("--quick", action="store_true",
                        help="do a little of everything, to see that it works; no verdicts")
    parser.add_argument("--only", metavar="TEXT",
                        help="only the steps with this in their name, and what they need")
    options = parser.parse_args()
    raise_descriptor_limit()
    signal.signal(signal.SIGTERM, end_on_signal)
    signal.signal(signal.SIGINT, end_on_signal)

    build = os.path.abspath(options.build)
    directory = tempfile.mkdtemp(prefix="kith-bench-")
    bench = None
    missed = 0
    try:
        bench = Bench(build, directory, options)
        bench.run()
        table = Table(bench)
        table.build()
        missed = table.print()
        name = "bench-quick.json" if options.quick else "bench.json"
        with open(os.path.join(build, name), "w", encoding="utf-8") as out:
            json.dump({"table": table.rows, "runs": bench.raw}, out, indent=1)
    except Failed as failure:
        print("bench: %s" % failure, file=sys.stderr)
        return 2
    finally:
        try:
            if bench is not None:
                bench.stop()
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    return 1 if missed > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
