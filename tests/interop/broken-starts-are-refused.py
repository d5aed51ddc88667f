#!/usr/bin/python3
"""A broken config, certificate, database or data directory: no start, two sentences, nothing touched."""
import glob
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import traceback

from kith_server import die_with_parent, program, wait_until

NOBODY = 65534
CONFIG = """server {{ directory = "{data}" shards = 1 }}
c2s {{ addresses = {{"127.0.0.1"}} port = 0 tls_port = 0 }}
host "kith.test" {{ certificate = "{cert}" key = "{key}" }}
"""
checks = []


def check(sentence):
    def add(function):
        checks.append((sentence, function))
        return function
    return add


def make_certificate(where, name, **env):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=kith.test", "-days", "2",
                    "-addext", "subjectAltName=DNS:kith.test", "-keyout", where / f"{name}.key",
                    "-out", where / f"{name}.pem"], check=True, capture_output=True, env={**os.environ, **env})


def faketime():
    return glob.glob("/usr/lib/*/faketime/libfaketime.so.1")[0]


class Place:
    """A folder with all that a server needs, to be broken by a check."""

    def __init__(self, made):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="kith-test-"))
        self.dir.chmod(0o755)
        self.data = self.dir / "data"
        self.data.mkdir(mode=0o700)
        for name in ("one.pem", "one.key", "two.key", "old.pem", "old.key"):
            shutil.copy(made / name, self.dir)
        self.kithd, self.user = os.path.abspath(program("kithd")), None
        self.write_config()

    def write_config(self, **other):
        names = {"data": self.data, "cert": self.dir / "one.pem", "key": self.dir / "one.key"}
        self.write(CONFIG.format(**{**names, **other}))

    def write(self, text):
        (self.dir / "kithd.conf").write_text(text)

    def as_nobody(self):
        """Root may do all; then the server runs as somebody else, from where he can reach it."""
        if os.geteuid() != 0:
            return
        self.user = NOBODY
        self.kithd = shutil.copy(self.kithd, self.dir / "kithd")
        for path in (self.dir, *self.dir.rglob("*")):
            os.chown(path, NOBODY, NOBODY)

    def start(self, *options):
        command = [self.kithd, "--config", str(self.dir / "kithd.conf"), *options]
        return subprocess.Popen(command, cwd=self.dir, user=self.user, group=self.user,
                                extra_groups=None if self.user is None else [],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, preexec_fn=die_with_parent)

    def look(self):
        """Every file with its mode, owner, time and content; a lock may come and go in a folder."""
        def facts(path):
            status = os.lstat(path)
            if not path.is_file():
                return status.st_mode, status.st_uid
            return status.st_mode, status.st_uid, status.st_mtime_ns, path.read_bytes()
        return {path.relative_to(self.dir): facts(path) for path in self.dir.rglob("*")}

    def run_once(self):
        """A server that was here, did its work, and was stopped."""
        server = self.start()
        try:
            wait_until(lambda: (self.data / "kithd.sock").exists(), 30, "the server")
            server.send_signal(signal.SIGTERM)
            assert server.wait(30) == 0, f"status {server.returncode}: {server.stderr.read()}"
        finally:
            server.kill()
            server.stderr.close()

    def refuses(self, cause, cure):
        """No start; one line with cause and cure; all files as they were."""
        before = self.look()
        server = self.start()
        try:
            _, said = server.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            raise AssertionError("it started") from None
        assert server.returncode == 1, f"status {server.returncode}: {said}"
        lines = [line for line in said.splitlines() if line.startswith("kithd: ")]
        assert len(lines) == 1, said
        assert re.search(cause, lines[0]), f"no cause '{cause}': {lines[0]}"
        assert re.search(cure, lines[0]), f"no cure '{cure}': {lines[0]}"
        after = self.look()
        changed = [str(name) for name in {**before, **after} if before.get(name) != after.get(name)]
        assert not changed, f"it touched {', '.join(changed)}"

    def clean(self):
        self.data.chmod(0o700) if self.data.is_dir() else None
        shutil.rmtree(self.dir, ignore_errors=True)


@check("a config file that is not there")
def _(place):
    (place.dir / "kithd.conf").unlink()
    place.refuses("kithd.conf: cannot be read .No such file", "give a file")


@check("a config file that may not be read")
def _(place):
    place.as_nobody()
    (place.dir / "kithd.conf").chmod(0)
    place.refuses("cannot be read .Permission denied", "this user may read")


@check("sections, lists, texts and comments that never end")
def _(place):
    for text, line, cure in (("server {\n}\nc2s {\n\n", 3, "add a }"),
                             ("\nc2s { addresses = {a, b\n}\n", 2, "add a }"),
                             ("server {\n directory = \"abc\n}\n", 2, 'add the missing "'),
                             ("server {\n directory = 'abc\n}\n", 2, "add the missing '"),
                             ("server {\n}\n/* abc\n\n", 3, "add the missing [*]/"),
                             ("server {\n}\n}\n", 3, "remove it")):
        place.write(text)
        place.refuses(f"/kithd.conf:{line}: ", cure)


@check("an included file that is cut off")
def _(place):
    (place.dir / "more.conf").write_text("\nserver {\n")
    place.write(f'include("{place.dir}/more.conf")\n}}\n')
    place.refuses("/kithd.conf:2: this } closes nothing", "remove it")
    place.write(f'include("{place.dir}/more.conf")\n')
    place.refuses("/more.conf:2: ", "add a }")


@check("unknown keys name file, line and the nearest key")
def _(place):
    for text, line, near in (("server {\n\n log_lvl = info\n}\n", 3, "server.log_level"),
                             ("\nlog_level = info\n", 2, "server { log_level"),
                             ("\nsevrer {\n}\n", 2, "'server'"),
                             ("c2s {\n log_level = info\n}\n", 2, "server { log_level"),
                             ('host "a.b" {\n cert = "x"\n}\n', 2, "'certificate' and 'key'")):
        place.write(text)
        place.refuses(f"/kithd.conf:{line}: no such option", near)


@check("values of a wrong kind, and out of bounds")
def _(place):
    place.write("server {\n shards = many\n}\n")
    place.refuses("/kithd.conf:2: 'many' is no value for server.shards", "takes a number")
    place.write("server {\n shards = 1000\n}\n")
    place.refuses("/kithd.conf:2: server.shards = 1000 is out of bounds", "from 0 to 64")
    place.write("server {\n log_format = jurnal\n}\n")
    place.refuses("/kithd.conf:2: 'jurnal' is no value for server.log_format", "journal")
    for uri in ("me@example.org", "mailto:", ":me", "1a:b", "https://a b", "x:<y>"):
        place.write(f'contact {{\n admin = {{"mailto:me@example.org", "{uri}"}}\n}}\n')
        place.refuses(f"/kithd.conf:2: '{uri}' is no value for contact.admin", "list of URIs")


@check("no host at all")
def _(place):
    place.write(f'server {{ directory = "{place.data}" }}\n')
    place.refuses("no host is configured", "add a line")


@check("early data without the tickets that it comes with")
def _(place):
    place.write(f'{(place.dir / "kithd.conf").read_text()}c2s {{ tls_early_data = yes }}\n')
    place.refuses("c2s.tls_early_data comes with a ticket only", "set c2s.tls_tickets, too")


@check("--check finds what a start would find in config and certificates")
def _(place):
    place.write_config(cert=place.dir / "nothing.pem")
    before = place.look()
    server = place.start("--check")
    _, said = server.communicate(timeout=30)
    assert server.returncode == 1 and "nothing.pem" in said, said
    place.write_config()
    server = place.start("--check")
    _, said = server.communicate(timeout=30)
    assert server.returncode == 0 and said == "", said
    before.pop(pathlib.Path("kithd.conf"))
    assert all(place.look()[name] == was for name, was in before.items())


@check("a certificate that is not there, is none, or may not be read")
def _(place):
    place.as_nobody()
    place.write_config(cert=place.dir / "nothing.pem")
    place.refuses('host "kith.test".*nothing.pem.*No such file', "give a PEM file")
    place.write_config(cert=place.dir / "kithd.conf")
    place.refuses("kithd.conf.*no start line", "give a PEM file")
    place.write_config()
    (place.dir / "one.pem").chmod(0)
    place.refuses("one.pem.*Permission denied", "give a PEM file")


@check("a key that is not there, or another certificate's")
def _(place):
    place.write_config(key=place.dir / "nothing.key")
    place.refuses("nothing.key.*No such file", "give its PEM file")
    place.write_config(key=place.dir / "two.key")
    place.refuses("two.key.*mismatch", "give its PEM file")


@check("an old certificate is a warning: its renewal may be on the way")
def _(place):
    place.write_config(cert=place.dir / "old.pem", key=place.dir / "old.key")
    server = place.start("--check")
    _, said = server.communicate(timeout=30)
    assert server.returncode == 0, said
    assert "warning: a certificate is not valid today" in said and "old.pem" in said, said


@check("a database of random bytes")
def _(place):
    (place.data / "kith.db").write_bytes(bytes(range(256)) * 32)
    place.refuses("kith.db is damaged", "Restore it from a backup")


@check("the database of another program")
def _(place):
    with sqlite3.connect(place.data / "kith.db") as db:
        db.execute("CREATE TABLE other (x)")
    db.close()
    place.refuses("kith.db is the database of another program", "Move it away")


@check("a database of a newer version")
def _(place):
    place.run_once()
    db = sqlite3.connect(place.data / "kith.db", isolation_level=None)
    db.execute("UPDATE _schema SET version = 99")
    db.close()
    place.refuses("has schema 99, and this program knows", "Run the newer version")


@check("a database that may only be read")
def _(place):
    place.as_nobody()
    place.run_once()
    (place.data / "kith.db").chmod(0o400)
    place.refuses("kith.db cannot be written: Permission denied", "let the user .* write")


@check("a data directory that another server has open")
def _(place):
    first = place.start()
    try:
        wait_until(lambda: (place.data / "kithd.sock").exists(), 30, "the first server")
        place.refuses(f"pid {first.pid} has the data directory .* open", "Stop that one first")
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0
    finally:
        first.kill()
        first.stderr.close()


@check("a data directory that is not there, or is a file")
def _(place):
    place.data.rmdir()
    place.refuses("data cannot be used: No such file", "Create the data directory")
    place.data.touch()
    place.refuses("data cannot be used: ", "Create the data directory")


@check("a data directory that may not be written, or is another user's")
def _(place):
    place.as_nobody()
    place.data.chmod(0o500)
    place.refuses("data cannot be used: Permission denied", "let the user .* write in it")
    if place.user is not None:
        os.chown(place.data, 0, 0)
        place.data.chmod(0o755)
        place.refuses("data cannot be used: Permission denied", "let the user .* write in it")


def main():
    made, failed = pathlib.Path(tempfile.mkdtemp(prefix="kith-test-")), 0
    print("# broken starts are refused", flush=True)
    make_certificate(made, "one")
    make_certificate(made, "two")
    make_certificate(made, "old", LD_PRELOAD=faketime(), FAKETIME="-10d")
    for sentence, function in checks:
        place = Place(made)
        try:
            function(place)
            print(f"ok      {sentence}", flush=True)
        except Exception as error:  # a failed check must not stop the others
            failed += 1
            line = [f.lineno for f in traceback.extract_tb(error.__traceback__)
                    if f.filename == sys.argv[0]]
            print(f"FAILED  {sentence}: {error} (lines {line})", flush=True)
        finally:
            place.clean()
    shutil.rmtree(made)
    sys.exit(1 if failed else 0)


main()
