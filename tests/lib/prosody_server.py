"""A throwaway Prosody behind the same interface, as a cross check of the tests.

It writes its own configuration, certificates and account files into a
temporary folder and never looks at the machine's Prosody.
"""
import os
import socket
import subprocess

from kith_server import Server, ServerFailed, free_port, wait_until

CONFIG = """
pidfile = "{dir}/pid"
data_path = "{dir}/data"
certificates = "{dir}"
run_as_root = true
daemonize = false
log = {{ {{ levels = {{ min = "info" }}, to = "file", filename = "{dir}/log" }} }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "version", "posix", "offline" }}
modules_disabled = {{ "s2s", "dialback" }}
authentication = "internal_plain"
c2s_require_encryption = {require_tls}
allow_unencrypted_plain_auth = {plain}
c2s_interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {c2s} }}
c2s_direct_tls_ports = {{ {c2s_tls} }}
c2s_direct_tls_interfaces = {{ "127.0.0.1" }}
s2s_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
c2s_timeout = {timeout}
ssl = {{ key = "{dir}/server.key", certificate = "{dir}/server.crt" }}
c2s_direct_tls_ssl = {{ key = "{dir}/server.key", certificate = "{dir}/server.crt" }}
"""


class Prosody(Server):
    name = "prosody"

    def __init__(self, domain="kith.test", users=(), settings=(), wrapper=(), directory=None,
                 domains=(), env=()):
        super().__init__(domain, users, settings, wrapper, directory, domains, dict(env))
        if self.dir is None:
            self.dir = self.own_dir
        self.ports = {}

    def _openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.dir, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise ServerFailed(f"openssl {arguments[0]}: {done.stderr}")

    def _make_certificates(self):
        names = ",".join(f"DNS:{domain}" for domain in self.domains)
        with open(os.path.join(self.dir, "ext"), "w", encoding="ascii") as ext:
            ext.write(f"subjectAltName={names}\n")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        self._openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=test CA",
                      "-keyout", "ca.key", "-out", "ca.crt")
        self._openssl("req", *key, "-subj", f"/CN={self.domain}",
                      "-keyout", "server.key", "-out", "server.csr")
        self._openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                      "-CAcreateserial", "-days", "2", "-extfile", "ext", "-out", "server.crt")

    def _write_accounts(self):
        for user, password in self.users.items():
            for domain in self.domains:
                folder = os.path.join(self.dir, "data", domain.replace(".", "%2e"), "accounts")
                os.makedirs(folder, exist_ok=True)
                with open(os.path.join(folder, f"{user}.dat"), "w", encoding="utf-8") as account:
                    account.write(f'return {{ ["password"] = "{password}"; }};\n')

    def _write_config(self):
        plain = self.settings.get("c2s.require_tls") == "no"
        timeout = self.settings.get("c2s.login_timeout", "60s").rstrip("s")
        text = CONFIG.format(dir=self.dir, c2s=self.ports["c2s"], c2s_tls=self.ports["c2s_tls"],
                             require_tls=str(not plain).lower(), plain=str(plain).lower(),
                             timeout=timeout)
        for domain in self.domains:
            text += f'VirtualHost "{domain}"\n'
        with open(os.path.join(self.dir, "prosody.cfg.lua"), "w", encoding="utf-8") as config:
            config.write(text)

    def start(self):
        os.makedirs(os.path.join(self.dir, "data"), exist_ok=True)
        self.log_path = os.path.join(self.dir, "log")
        for port in ("c2s", "c2s_tls"):
            self.ports[port] = free_port()
        self.ca = os.path.join(self.dir, "ca.crt")
        if not os.path.exists(self.ca):
            self._make_certificates()
        self._write_accounts()
        self._write_config()
        self._spawn(["prosody", "--config", os.path.join(self.dir, "prosody.cfg.lua"), "-F"],
                    stdout=subprocess.DEVNULL)
        for port in self.ports.values():
            wait_until(lambda: self._listens(port), 20, "Prosody to listen")
        return self

    def _listens(self, port):
        if not self.alive():
            raise ServerFailed(f"Prosody ended: {self.log()}")
        with socket.socket() as probe:
            return probe.connect_ex((self.host, port)) == 0

    def gauge(self, name):
        """Prosody counts nothing for us; its open sockets are the nearest thing."""
        if name in ("sessions", "connections"):
            with open(f"/proc/{self.pid}/net/tcp", encoding="ascii") as table:
                lines = [line.split() for line in table.readlines()[1:]]
            ports = {f"{port:04X}" for port in self.ports.values()}
            return sum(1 for line in lines
                       if line[1].split(":")[1] in ports and line[3] in ("01", "08"))
        return 0

    def is_sanitized(self):
        return False
