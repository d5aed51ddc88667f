"""The servers that the bench compares: how each is started, filled with accounts and stopped.

All listen on 127.0.0.1, keep their files in a directory that the caller removes, and are ended by
their process id. Accounts are user0, user1, ... with one password.
"""

import contextlib
import ctypes
import functools
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

PASSWORD = "secret"
DOMAIN = "localhost"
ITERATIONS = 4096
IMPORTED = 200


class Failed(Exception):
    """Something that the bench needs did not work; the message is for people."""


def port_runs():
    """Ends never: ports from which on nobody listens, each run of ten given away once."""
    start = 20000 + os.getpid() % 1000 * 10
    while True:
        for base in range(start, 32000, 10):
            if run_is_free(base):
                yield base
        start = 20000


def run_is_free(base):
    held = []
    try:
        for port in range(base, base + 10):
            held.append(socket.create_server(("127.0.0.1", port)))
        return True
    except OSError:
        return False
    finally:
        for one in held:
            one.close()


PORTS = port_runs()


def wait_until(condition, what, seconds=30):
    """Polls; raises Failed when the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed("%s did not happen within %d s" % (what, seconds))
        time.sleep(0.02)


def cpu_seconds(pid):
    """What all threads of a process have used, user and system (proc(5), fields 14 and 15)."""
    with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def die_with_parent(death_signal):
    """Runs in a child before exec: whatever ends the bench ends its servers (prctl(2))."""
    ctypes.CDLL(None).prctl(1, death_signal)


class Process:
    """A child process with one line of JSON on its standard output when it is ready, or none."""

    def __init__(self, name, argv, log_path, tells_json, death_signal=signal.SIGKILL):
        self.name = name
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self.child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stderr=log,
                stdout=subprocess.PIPE if tells_json else log,
                preexec_fn=functools.partial(die_with_parent, death_signal))
        self.ready = None
        if tells_json:
            line = self.child.stdout.readline()
            if not line.startswith(b"{"):
                self.stop()
                raise Failed("%s did not start; it said:\n%s" % (name, self.log_tail()))
            self.ready = json.loads(line)

    @property
    def pid(self):
        return self.child.pid

    def log_tail(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-10:])

    def stop(self, must_end_well=False):
        """SIGTERM, and SIGKILL after ten seconds; only of kithd is it a failure to need that."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        if self.child.stdout is not None:
            self.child.stdout.close()
        if must_end_well and self.child.returncode != 0:
            raise Failed("%s ended with status %d; it said:\n%s"
                         % (self.name, self.child.returncode, self.log_tail()))


def make_certificate(directory):
    """A P-256 certificate for the relay and Prosody, as kithd makes one for itself."""
    cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "30", "-subj", "/CN=" + DOMAIN, "-addext", "subjectAltName=DNS:" + DOMAIN,
         "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


class Kith:
    """kithd --try, with a directory that outlives it so that it can be started again."""

    name = "kithd"

    def __init__(self, build, directory):
        self.kithd = os.path.join(build, "kithd")
        self.kithctl = os.path.join(build, "kithctl")
        for program in (self.kithd, self.kithctl):
            if not os.access(program, os.X_OK):
                raise Failed("%s is missing: run 'make build' first" % program)
        self.directory = os.path.join(directory, "kith")
        self.log_path = os.path.join(directory, "kithd.log")
        self.base = next(PORTS)
        self.process = None
        self.archive = "no"  # as the others have none, but for the figure of the archive
        os.mkdir(self.directory)

    def command(self, keep):
        argv = [self.kithd, "--try", "--domain", DOMAIN, "--port-base", str(self.base),
                "--set", "c2s.require_tls=no", "--set", f"archive.on={self.archive}"]
        return argv + (["--dir", self.directory] if keep else [])

    def start(self):
        self.process = Process(self.name, self.command(True), self.log_path, True,
                               signal.SIGTERM)
        self.ports = {"none": self.process.ready["c2s"], "starttls": self.process.ready["c2s"],
                      "direct": self.process.ready["c2s_tls"]}

    def add_accounts(self, count):
        """Imports some and copies their rows: all have one password, and PBKDF2 takes its time.
        Returns what one account took to import: seconds, and seconds of the server's processor
        time. The server does not run afterwards."""
        imported = min(count, IMPORTED)
        lines = "".join("user%d:%s\n" % (i, PASSWORD) for i in range(imported))
        self.start()
        before = cpu_seconds(self.process.pid)
        began = time.monotonic()
        done = subprocess.run([self.kithctl, "--dir", self.directory, "user", "import", "-"],
                              input=lines, text=True, capture_output=True, check=False)
        seconds = time.monotonic() - began
        cpu = cpu_seconds(self.process.pid) - before
        self.stop()
        if done.returncode != 0:
            raise Failed("kithctl user import failed: " + done.stderr)
        with contextlib.closing(sqlite3.connect(os.path.join(self.directory, "kith.db"))) as store:
            store.executemany(
                'INSERT INTO "core.credentials" (owner, value) SELECT ?, value '
                'FROM "core.credentials" WHERE owner = ?',
                (("user%d@%s" % (i, DOMAIN), "user%d@%s" % (i % imported, DOMAIN))
                 for i in range(imported, count)))
            store.commit()
        return seconds / imported, cpu / imported

    def kill(self):
        """By SIGKILL, so that the next start finds what a crash leaves."""
        process, self.process = self.process, None
        process.child.kill()
        process.child.wait()
        process.child.stdout.close()

    def copy_roster(self, source, targets):
        """The server does not run meanwhile."""
        with contextlib.closing(sqlite3.connect(os.path.join(self.directory, "kith.db"))) as store:
            store.executemany(
                'INSERT OR REPLACE INTO "core.roster" (owner, key, value) SELECT ?, key, value '
                'FROM "core.roster" WHERE owner = ?',
                (("user%d@%s" % (i, DOMAIN), "user%d@%s" % (source, DOMAIN)) for i in targets))
            store.commit()

    def stop(self):
        process, self.process = self.process, None
        if process is not None:
            process.stop(must_end_well=True)


class Prosody:
    """Debian's Prosody with what a first conversation needs, and internal storage."""

    name = "Prosody"

    def __init__(self, directory, cert, key):
        self.directory = os.path.join(directory, "prosody")
        self.log_path = os.path.join(directory, "prosody.log")
        self.config = os.path.join(directory, "prosody.cfg.lua")
        base = next(PORTS)
        self.ports = {"none": base, "starttls": base, "direct": base + 1}
        self.process = None
        os.mkdir(self.directory)
        with open(self.config, "w", encoding="utf-8") as out:
            out.write("""
run_as_root = true
daemonize = false
data_path = "%s"
log = { warn = "%s" }
interfaces = { "127.0.0.1" }
c2s_ports = { %d }
c2s_direct_tls_ports = { %d }
modules_enabled = { "disco", "roster", "saslauth", "tls", "ping", "version", "offline" }
modules_disabled = { "s2s" }
authentication = "internal_hashed"
storage = "internal"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
ssl = { certificate = "%s", key = "%s" }
VirtualHost "%s"
""" % (self.directory, self.log_path, base, base + 1, cert, key, DOMAIN))

    def command(self, keep):
        del keep
        return ["prosody", "-F", "--config", self.config]

    def start(self):
        try:
            self.process = Process(self.name, self.command(True), self.log_path, False)
        except FileNotFoundError:
            raise Failed("Prosody is missing: install the package 'prosody'") from None

        def listens():
            if self.process.child.poll() is not None:
                raise Failed("Prosody did not start; it said:\n" + self.process.log_tail())
            if "Failed to open" in self.process.log_tail():
                raise Failed("Prosody cannot listen; it said:\n" + self.process.log_tail())
            try:
                for port in set(self.ports.values()):
                    socket.create_connection(("127.0.0.1", port)).close()
                return True
            except OSError:
                return False

        wait_until(listens, "Prosody's start")

    def add_accounts(self, count):
        """Writes the files that mod_auth_internal_hashed keeps; one salt serves all accounts."""
        salt = "kith-bench-salt"
        salted = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), salt.encode(), ITERATIONS)
        stored = hashlib.sha1(hmac_sha1(salted, b"Client Key")).hexdigest()
        server = hmac_sha1(salted, b"Server Key").hex()
        accounts = os.path.join(self.directory, DOMAIN, "accounts")
        os.makedirs(accounts)
        for i in range(count):
            with open(os.path.join(accounts, "user%d.dat" % i), "w", encoding="utf-8") as out:
                out.write('return {\n\t["salt"] = "%s";\n\t["iteration_count"] = %d;\n'
                          '\t["stored_key"] = "%s";\n\t["server_key"] = "%s";\n};\n'
                          % (salt, ITERATIONS, stored, server))
        return None

    def befriend(self, hub, contacts):
        """Writes the rosters, as becoming friends with a thousand takes minutes."""
        rosters = os.path.join(self.directory, DOMAIN, "roster")
        os.makedirs(rosters, exist_ok=True)
        for i, friends in [(hub, contacts)] + [(i, [hub]) for i in contacts]:
            with open(os.path.join(rosters, "user%d.dat" % i), "w", encoding="utf-8") as out:
                out.write('return {\n\t[false] = { version = 1; pending = {}; };\n')
                out.writelines('\t["user%d@%s"] = { groups = {}; subscription = "both"; };\n'
                               % (friend, DOMAIN) for friend in friends)
                out.write("};\n")

    def copy_roster(self, source, targets):
        rosters = os.path.join(self.directory, DOMAIN, "roster")
        for i in targets:
            shutil.copy(os.path.join(rosters, "user%d.dat" % source),
                        os.path.join(rosters, "user%d.dat" % i))

    def stop(self):
        process, self.process = self.process, None
        if process is not None:
            process.stop()


def hmac_sha1(key, text):
    return hmac.new(key, text, "sha1").digest()


class Relay:
    """bench/relay: one process plain, one under TLS, one that only shakes hands."""

    name = "relay"

    def __init__(self, build, directory, cert, key):
        self.program = os.path.join(build, "bench", "relay")
        if not os.access(self.program, os.X_OK):
            raise Failed("%s is missing: run 'make build' first" % self.program)
        self.log_path = os.path.join(directory, "relay.log")
        self.tls = ["--cert", cert, "--key", key]
        self.processes = {}

    def start(self):
        for kind, options in (("none", []), ("direct", self.tls),
                              ("handshake", self.tls + ["--handshake"])):
            self.processes[kind] = Process(self.name, [self.program] + options, self.log_path, True)

    def stop(self):
        while self.processes:
            self.processes.popitem()[1].stop()
