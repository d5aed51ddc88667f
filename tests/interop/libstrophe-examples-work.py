#!/usr/bin/python3
"""libstrophe's own example programs, compiled from where Debian puts them."""
import os
import pathlib
import select
import subprocess
import tempfile
import time

from checks import Suite, compile_c
from xmpp_client import ROSTER, VERSION, Client, body_of

EXAMPLES = pathlib.Path("/usr/share/doc/libstrophe-dev/examples")
HERE = pathlib.Path(__file__).resolve().parent
STEP = 15.0
suite = Suite("libstrophe: its examples work")
bin_dir = tempfile.TemporaryDirectory(prefix="kith-strophe-")


def example(name, *flags):
    """The compiled example; Debian may have packed its source."""
    source = EXAMPLES / f"{name}.c"
    assert source.exists(), f"{source} is missing: install libstrophe-dev"
    return compile_c(str(source), os.path.join(bin_dir.name, name), *flags, "-lstrophe")


def environment(server):
    """libstrophe trusts what OpenSSL trusts by default; that is the server's CA here."""
    return {**os.environ, "SSL_CERT_FILE": server.ca, "SSL_CERT_DIR": "/nonexistent",
            "KITH_HOST": server.host, "KITH_PORT": str(server.ports["c2s"])}


def arguments(server, user, *flags, port="c2s"):
    return [*flags, "--jid", f"{user}@{server.domain}/strophe", "--pass", server.users[user],
            server.host, str(server.ports[port])]


def run(server, command, timeout=STEP):
    done = subprocess.run(command, env=environment(server), capture_output=True, text=True,
                          timeout=timeout, check=False, stdin=subprocess.DEVNULL)
    return done.stdout + done.stderr


class Running:
    """An example that stays; its output can be waited for."""

    def __init__(self, server, command, env=None):
        self.process = subprocess.Popen(command, env=env or environment(server),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def wait_for(self, word):
        end = time.monotonic() + STEP
        while word not in self.text:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.process.stdout], [], [], left)[0], \
                f"no {word!r} in: {self.text[-600:]}"
            chunk = os.read(self.process.stdout.fileno(), 65536)
            assert chunk, f"it ended without {word!r}: {self.text[-600:]}"
            self.text += chunk.decode(errors="replace")


@suite.check("basic: signs in with SCRAM inside verified STARTTLS, and leaves")
def _(server):
    text = run(server, [example("basic"), *arguments(server, "juliet", "--mandatory-tls")])
    assert "DEBUG: connected" in text, text[-800:]
    assert "mechanism=\"SCRAM-SHA-" in text, "not SCRAM"


@suite.check("basic: signs in inside direct TLS")
def _(server):
    text = run(server, [example("basic"), *arguments(server, "juliet", "--legacy-ssl", port="c2s_tls")])
    assert "DEBUG: connected" in text, text[-800:]


@suite.check("basic: does not sign in without TLS, nor with a wrong password")
def _(server):
    text = run(server, [example("basic"), *arguments(server, "juliet", "--disable-tls")])
    assert "DEBUG: connected" not in text, "connected in the clear"
    wrong = [a if a != server.users["juliet"] else "wrong" for a in arguments(server, "juliet")]
    text = run(server, [example("basic"), *wrong])
    assert "DEBUG: connected" not in text, "connected with a wrong password"


@suite.check("roster: prints the roster")
def _(server):
    with Client.login(server, "juliet") as juliet:
        juliet.iq("set", f"<query xmlns='{ROSTER}'><item jid='nurse@kith.test' name='Nurse'/></query>")
        juliet.logout()
    text = run(server, [example("roster", "-include", str(HERE / "strophe_here.h")),
                        "juliet@kith.test", server.users["juliet"]])
    assert "Nurse (nurse@kith.test) sub=none" in text, text[-800:]
    assert "END OF LIST" in text, text[-800:]


@suite.check("active: lists the sessions of a service, or prints the error that it gets")
def _(server):
    text = run(server, [example("active", "-include", str(HERE / "strophe_here.h")),
                        "juliet@kith.test", server.users["juliet"]])
    assert "DEBUG: connected" in text and "disconnected" in text, text[-800:]


@suite.check("bot: answers messages and questions for its version, also after reconnecting")
def _(server):
    with Running(server, [example("bot", "-DWITHOUT_SM", "-include", str(HERE / "strophe_here.h")), *arguments(server, "juliet", "--mandatory-tls")]) as bot:
        bot.wait_for("DEBUG: connected")
        with Client.login(server, "romeo", "r", presence=True) as romeo:
            romeo.ping()
            romeo.message("juliet@kith.test/strophe", "caf\u00e9 & <more>")
            assert body_of(romeo.expect("message")) == "caf\u00e9 & <more> to you too!"
            answer = romeo.iq("get", f"<query xmlns='{VERSION}'/>", "juliet@kith.test/strophe")
            assert answer[0][0].text == "libstrophe example bot"
            bot.text = ""
            romeo.message("juliet@kith.test/strophe", "reconnect")
            assert body_of(romeo.expect("message")) == "alright, let's see what happens!"
            bot.wait_for("DEBUG: connected")
            bot.wait_for("<presence")
            romeo.message("juliet@kith.test", "again")
            assert body_of(romeo.expect("message", body_of)) == "again to you too!"
            romeo.message("juliet@kith.test/strophe", "quit")
            bot.process.wait(STEP)
            romeo.logout()


@suite.check("complex: trusts the CA file that it is given, and refuses without it")
def _(server):
    for trusted in (True, False):
        options = ["--mandatory-tls"] + (["--cafile", server.ca] if trusted else [])
        env = {**environment(server), "SSL_CERT_FILE": "/nonexistent"}
        command = [example("complex"), *arguments(server, "romeo", *options)]
        with Running(server, command, env) as running:
            if trusted:
                running.wait_for("connected")
            running.wait_for("disconnected")
            assert trusted or "DEBUG: connected" not in running.text


suite.run()
