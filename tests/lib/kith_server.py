"""Starts a throwaway server for a black-box test and looks at it from outside.

A test sees a server only as a user or an operator does: ports, the CA file,
the log, `kithctl`, and what the kernel tells about the process. The same tests
can be pointed at Debian's Prosody (KITH_TEST_SERVER=prosody), which shows
whether a test asks for what the standards say or for what we happen to do.
"""
import ctypes
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
START_TIMEOUT = 30.0
STOP_TIMEOUT = 20.0
PR_SET_PDEATHSIG = 1


class ServerFailed(Exception):
    """The server did not start, or did not do what an operator may expect."""


def build_dir():
    return pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build"))


def program(name):
    """The built program of that name; Meson may keep it in a sub-folder."""
    for place in (build_dir() / name, *sorted(build_dir().glob(f"src/**/{name}"))):
        if place.is_file() and os.access(place, os.X_OK):
            return str(place)
    raise ServerFailed(f"{name} is not in {build_dir()}: build first, or name the folder in KITH_BUILD")


def wait_until(condition, timeout, what="the condition", step=0.02):
    """Polls until condition() is true; returns its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(step)


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """What both kinds of server have in common."""

    name = "?"
    host = "127.0.0.1"

    def __init__(self, domain, users, settings, wrapper, directory, domains, env):
        self.domain, self.users = domain, dict(users)
        self.domains = [domain, *domains]
        self.settings, self.wrapper = dict(settings), list(wrapper)
        self.env = {**os.environ, **env}
        self.process = None
        self.pid = 0
        self.own_dir = tempfile.mkdtemp(prefix="kith-test-")
        self.dir = directory
        self.log_path = os.path.join(self.own_dir, "log")

    # -- what the kernel says ------------------------------------------------

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def _status(self, key):
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as status:
            return int(re.search(rf"^{key}:\s+(\d+)", status.read(), re.M).group(1))

    def rss(self):
        """Resident bytes."""
        return self._status("VmRSS") * 1024

    def peak(self):
        """Highest resident size since forget_peak(), in bytes."""
        return self._status("VmHWM") * 1024

    def forget_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu(self):
        """Seconds of CPU that the process has used."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    # -- its life ------------------------------------------------------------

    def _spawn(self, command, **more):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.wrapper + command, stdin=subprocess.DEVNULL,
                                            stderr=log, preexec_fn=die_with_parent,
                                            env=self.env, **more)
        self.pid = self.process.pid

    def stop(self):
        """Ends it as an operator does; returns its exit status."""
        if self.alive():
            os.kill(self.pid, signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.kill()
                return "no end after SIGTERM"
        return self.process.wait()

    def kill(self):
        try:
            if self.alive():
                os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it ended by itself meanwhile, and another thread has seen that
        return self.process.wait()

    def clean(self):
        if self.process is not None:
            self.kill()
            if self.process.stdout:
                self.process.stdout.close()
        shutil.rmtree(self.own_dir, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.clean()
            raise

    def __exit__(self, *_):
        self.clean()


class Kith(Server):
    """`kithd --try`; its JSON line is the contract."""

    name = "kith"

    def __init__(self, domain="kith.test", users=(), settings=(), wrapper=(), directory=None,
                 domains=(), env=()):
        super().__init__(domain, users, settings, wrapper, directory, domains, dict(env))
        self.keep_dir = directory is not None

    def _command(self):
        command = [program("kithd"), "--try"]
        for domain in self.domains:
            command += ["--domain", domain]
        for user, password in self.users.items():
            command += ["--user", f"{user}:{password}"]
        for key, value in self.settings.items():
            command += ["--set", f"{key}={value}"]
        for setting in os.environ.get("KITH_TEST_SET", "").split():
            command += ["--set", setting]
        if self.keep_dir:
            command += ["--dir", self.dir]
        return command

    def start(self):
        self._spawn(self._command(), stdout=subprocess.PIPE)
        line = self._first_line()
        facts = json.loads(line)
        self.pid = facts["pid"]
        self.ports = {key: facts.get(key) for key in (
            "c2s", "c2s_tls", "s2s", "s2s_tls", "component", "http", "https")}
        self.ca, self.dir, self.facts = facts["ca"], facts["dir"], facts
        return self

    def _first_line(self):
        end, line = time.monotonic() + START_TIMEOUT, b""
        while not line.endswith(b"\n"):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise ServerFailed(f"kithd gave no line in {START_TIMEOUT:.0f} s:\n{self.log()}")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise ServerFailed(f"kithd ended at start, status {self.process.wait()}:\n{self.log()}")
            line += chunk
        return line

    def ctl(self, *arguments, **more):
        """Runs kithctl for this server."""
        return subprocess.run([program("kithctl"), "--dir", self.dir, *arguments],
                              capture_output=True, text=True, timeout=60, check=False, **more)

    def must(self, *arguments):
        """kithctl, and what it says; a refusal is a failure of the test."""
        answer = self.ctl(*arguments)
        if answer.returncode != 0:
            raise ServerFailed(f"kithctl {' '.join(arguments)}: {answer.stderr}")
        return answer.stdout

    def stats(self):
        answer = self.ctl("stats", "--json")
        if answer.returncode != 0:
            raise ServerFailed(f"kithctl stats: {answer.stderr.strip() or answer.returncode}")
        return json.loads(answer.stdout)

    def gauge(self, name):
        """A number of the statistics, summed over shards, wherever it is nested."""
        found = list(_numbers_called(self.stats(), name))
        if not found:
            raise AssertionError(f"the statistics have no {name}")
        return sum(found)

    def is_sanitized(self):
        with open(f"/proc/{self.pid}/maps", encoding="ascii", errors="replace") as maps:
            return any("asan" in line or "tsan" in line for line in maps) or \
                b"__asan_init" in pathlib.Path(program("kithd")).read_bytes()


def _numbers_called(tree, name):
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == name and isinstance(value, (int, float)):
                yield value
            else:
                yield from _numbers_called(value, name)
    elif isinstance(tree, list):
        for value in tree:
            yield from _numbers_called(value, name)


def make_server(**options):
    """The server under test: Kith, or what KITH_TEST_SERVER names."""
    kind = os.environ.get("KITH_TEST_SERVER", "kith")
    if kind == "kith" and "config" in options:
        from configured_server import Configured
        return Configured(**options)
    if kind == "kith":
        return Kith(**options)
    if kind == "prosody":
        from prosody_server import Prosody
        return Prosody(**options)
    raise ServerFailed(f"KITH_TEST_SERVER is {kind}, but kith and prosody are known")
