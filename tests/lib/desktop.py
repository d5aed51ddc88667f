"""A program with windows, on a screen of its own: what a person types and clicks, and what is seen.

The screen is Xvfb's, with a small window manager. Waiting is for windows, colours and what the
program keeps, never for time. Names and ports come from files (nss_wrapper, resolv_wrapper), so
that a client that looks its server up in the DNS finds ours.
"""
import contextlib
import os
import shutil
import signal
import struct
import subprocess
import tempfile

from kith_server import wait_until

STEP = 30.0


class Screen:
    """An X server without a monitor; its content is a file that can be looked at."""

    width, height = 1200, 900

    def __init__(self, home):
        self.file = os.path.join(home, "Xvfb_screen0")
        number, told = os.pipe()
        self.xvfb = subprocess.Popen(
            ["Xvfb", "-displayfd", str(told), "-screen", "0", f"{self.width}x{self.height}x24",
             "-nolisten", "tcp", "-noreset", "-fbdir", home], pass_fds=[told], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(told)
        with os.fdopen(number) as pipe:
            self.display = ":" + pipe.readline().strip()
        self.manager = subprocess.Popen(
            ["matchbox-window-manager", "-use_titlebar", "no"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, "DISPLAY": self.display, "HOME": home})
        # It does not see to windows that were there before it.
        wait_until(self._is_managed, STEP, "the window manager")

    def _is_managed(self):
        done = subprocess.run(["xdotool", "getactivewindow"], capture_output=True, text=True,
                              env={**os.environ, "DISPLAY": self.display}, check=False)
        return "claims not to support" not in done.stderr

    def end(self):
        for process in (self.manager, self.xvfb):
            process.terminate()
            process.wait(20)

    def colour(self, x, y):
        """(red, green, blue) of a point."""
        with open(self.file, "rb") as file:
            header = struct.unpack(">25I", file.read(100))
            size, per_line, colours = header[0], header[12], header[19]
            file.seek(size + colours * 12 + y * per_line + x * 4)
            blue, green, red, _ = file.read(4)
        return red, green, blue


class Desktop:
    """One program for one user; subclasses say which. self.home is its home."""

    command = ("true",)
    title = ""
    preload = ()

    def __init__(self, server, user, password=None, home=None):
        self.server, self.user = server, user
        self.password = password or server.users.get(user)
        self.own_home = home is None
        self.home = home or tempfile.mkdtemp(prefix="kith-desk-")
        self.screen, self.process, self.env = None, None, {}

    def write(self, path, text):
        path = os.path.join(self.home, path)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _environment(self):
        domain, host = self.server.domain, self.server.host
        hosts = self.write("hosts", f"{host} {domain}\n")
        names = self.write("names", f"A {domain} {host}\nSRV _xmpp-client._tcp.{domain} {domain} "
                                    f"{self.server.ports['c2s']} 1 1\n")
        return {"HOME": self.home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC",
                "XDG_RUNTIME_DIR": self.home, "DISPLAY": self.screen.display,
                "GDK_BACKEND": "x11", "GSK_RENDERER": "cairo", "LIBGL_ALWAYS_SOFTWARE": "1",
                "GTK_A11Y": "none", "GSETTINGS_BACKEND": "memory", "GIO_USE_VFS": "local",
                "NSS_WRAPPER_HOSTS": hosts, "RESOLV_WRAPPER_HOSTS": names,
                "TRUST_HERE": self.server.ca}

    def start(self):
        """The program, on a message bus of its own."""
        libraries = " ".join(["libresolv_wrapper.so", "libnss_wrapper.so", *self.preload])
        with open(os.path.join(self.home, "log"), "ab") as log:
            self.process = subprocess.Popen(
                ["dbus-run-session", "--", "env", f"LD_PRELOAD={libraries}", *self.command],
                env=self.env, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True)

    def open(self):
        """Until its window is there. A program that the message bus did not hear in time waits for
        ever, as programs do; a person would start it again."""
        def is_open():
            self.stop()
            self.start()
            try:
                self.see_window(self.title, 12)
            except AssertionError:
                return False
            return True

        wait_until(is_open, STEP, f"the window {self.title}")

    def stop(self):
        """The person logs out."""
        process, self.process = self.process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def __enter__(self):
        try:
            self.screen = Screen(self.home)
            self.env = self._environment()
            self.configure()
            self.open()
            self.ready()
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.stop()
        if self.screen is not None:
            self.screen.end()
        if self.own_home:
            shutil.rmtree(self.home, ignore_errors=True)

    def configure(self):
        """Writes what the program reads at its start."""

    def ready(self):
        """Waits until it can be used."""

    # -- what a person does and sees ------------------------------------------

    def do(self, *arguments):
        done = subprocess.run(["xdotool", *arguments], env=self.env, capture_output=True, text=True,
                              timeout=20, check=False)
        return done.stdout

    def type(self, text):
        self.do("type", "--delay", "8", text)

    def keys(self, *names):
        self.do("key", *names)

    def click(self, x, y):
        self.do("mousemove", str(x), str(y), "click", "1")

    def insist(self, act, condition, what, patience=3.0, step=STEP):
        """Does it, and once more when nothing came of it: what is drawn anew just then may miss it."""
        def comes():
            try:
                wait_until(condition, patience)
            except AssertionError:
                return False
            return True

        def has_come():
            if condition():
                return True
            act()
            return comes()

        wait_until(has_come, step, what)

    def front(self):
        """The name of the window that has the keyboard."""
        return self.do("getactivewindow", "getwindowname").strip()

    def see_window(self, name, step=STEP):
        self.insist(lambda: self.do("search", "--onlyvisible", "--name", f"^{name}$", "windowactivate"),
                    lambda: self.front() == name, f"the window {name}", step=step)

    def is_colour(self, x, y, fits):
        return fits(*self.screen.colour(x, y))

    def see_colour(self, x, y, fits, what):
        wait_until(lambda: self.is_colour(x, y, fits), STEP, what)
