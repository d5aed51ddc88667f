"""kithd as an operator runs it: a config file, a data directory, certificates, and a sandbox.

    suite = Suite("...", config='c2s { idle_timeout = 9s }')

The text is added to what every server needs: directory, loopback, ports that the kernel picks,
and a host. `write` replaces it, `reload` has it read.
"""
import os
import pathlib
import re
import subprocess

from kith_server import Kith, ServerFailed, program, wait_until

BASIS = """server {{ directory = "{dir}/data" {server} }}
c2s {{ addresses = {{"127.0.0.1"}} port = 0 tls_port = 0 }}
"""
HOST = """host "{domain}" {{ certificate = "{dir}/certs/{domain}.pem" key = "{dir}/certs/{domain}.key" }}
"""


def make_certificate(where, domain, name=None, days=90):
    """A certificate for the domain that is its own authority."""
    name = name or domain
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", f"/CN={domain}", "-days", str(days),
                    "-addext", f"subjectAltName=DNS:{domain}",
                    "-keyout", where / f"{name}.key", "-out", where / f"{name}.pem"],
                   check=True, capture_output=True)


class Configured(Kith):
    def __init__(self, config="", **options):
        super().__init__(**options)
        self.where = pathlib.Path(self.own_dir)
        self.certs = self.where / "certs"
        self.file = self.where / "kithd.conf"
        self.config = config
        self.dir = str(self.where / "data")
        for place in (self.certs, pathlib.Path(self.dir)):
            place.mkdir(mode=0o700)
        for domain in self.domains:
            make_certificate(self.certs, domain)
        self.trust_all()

    def trust_all(self):
        """Clients trust every certificate that was made here."""
        self.ca = str(self.where / "ca")
        pathlib.Path(self.ca).write_text("".join(
            path.read_text() for path in sorted(self.certs.glob("*.pem"))))

    def text(self, extra, domains=None, server=""):
        names = {"dir": self.where, "server": server}
        return BASIS.format(**names) + extra + "\n" + "".join(
            HOST.format(domain=domain, **names) for domain in domains or self.domains)

    def write(self, extra, domains=None, server=""):
        self.file.write_text(self.text(extra, domains, server))

    def _command(self):
        settings = [f"{key}={value}" for key, value in self.settings.items()]
        command = [program("kithd"), "--config", str(self.file)]
        binary = pathlib.Path(program("kithd")).read_bytes()
        if b"__asan_init" in binary or b"__tsan_init" in binary:
            settings.append("server.sandbox=no")  # the search for leaks is a debugger's work
        for setting in settings + os.environ.get("KITH_TEST_SET", "").split():
            command += ["--set", setting]
        return command

    def start(self):
        self.write(self.config)
        self._spawn(self._command())
        ready = wait_until(self._ready, 30, "the server")
        self.ports = {key: int(port) for key, port in re.findall(r"(c2s|c2s_tls)=(\d+)", ready)}
        for user, password in self.users.items():
            self.must("user", "add", f"{user}@{self.domain}", password)
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise ServerFailed(f"kithd ended at start, status {self.process.wait()}:\n{self.log()}")
        found = re.search("kithd is ready.*", self.log())
        return found and found.group()

    def reload(self):
        """Has the file read again; what is wrong with it, or nothing."""
        answer = self.ctl("reload")
        assert (answer.returncode == 0) == (answer.stderr == ""), answer
        return answer.stderr
