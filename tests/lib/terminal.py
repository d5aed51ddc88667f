"""A program in a terminal of its own: what a person types, and what the screen then shows.

The terminal is a tmux server with a socket in a home of its own, which goes with it. Waiting is
always for words on the screen, never for time.
"""
import os
import shutil
import subprocess
import tempfile

from kith_server import wait_until

STEP = 20.0


class Terminal:
    """One program for one user; subclasses say which, and write its config into self.home."""

    command = "sh"
    greeting = ""
    size = (160, 50)
    variables = {}

    def __init__(self, server, user, password=None):
        self.server, self.user = server, user
        self.password = password or server.users.get(user)
        self.home = tempfile.mkdtemp(prefix="kith-term-")
        self.socket = os.path.join(self.home, "tmux")
        self.env = {"HOME": self.home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
                    "LC_ALL": "C.UTF-8", "TERM": "screen", "SSL_CERT_FILE": server.ca,
                    "SSL_CERT_DIR": "/nonexistent", "XDG_CONFIG_HOME": f"{self.home}/.config",
                    "XDG_DATA_HOME": f"{self.home}/.local/share", "XDG_RUNTIME_DIR": self.home,
                    **self.variables}
        self.configure()

    def configure(self):
        """Writes what the program reads at its start."""

    def write(self, path, text):
        path = os.path.join(self.home, path)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o600)

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *arguments],
                              env=self.env, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout

    def __enter__(self):
        try:
            width, height = self.size
            self.tmux("new-session", "-d", "-x", str(width), "-y", str(height), self.command)
            self.see(self.greeting)
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.tmux("kill-server")
        shutil.rmtree(self.home, ignore_errors=True)

    def keys(self, *names):
        self.tmux("send-keys", *names)

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        self.keys("Enter")

    def screen(self):
        return self.tmux("capture-pane", "-p", "-J")

    def wait(self, condition, what):
        try:
            return wait_until(condition, STEP, "it", 0.1)
        except AssertionError:
            lines = [line.rstrip() for line in self.screen().splitlines() if line.strip(" \u2502")]
            raise AssertionError(f"{what} on the screen: {lines[-18:]}") from None

    def see(self, *words):
        """Waits until all the words are on the screen."""
        def shown():
            text = self.screen()
            return text.strip() and all(word in text for word in words)
        self.wait(shown, f"no {' and '.join(words)!r}")

    def miss(self, word):
        """Waits until the word is no more on the screen."""
        self.wait(lambda: word not in self.screen(), f"still {word!r}")

    def ended(self):
        wait_until(lambda: not self.tmux("list-sessions"), STEP, f"the end of {self.command}")
