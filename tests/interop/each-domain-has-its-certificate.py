#!/usr/bin/python3
"""Three domains on one server, each with a certificate of its own: each client sees the right one."""
import pathlib
import shutil
import socket
import ssl
import subprocess

from checks import Suite
from kith_server import die_with_parent, free_port, program, wait_until

suite = Suite("each domain has its certificate")
DOMAINS = ("capulet.test", "montague.test", "xn--mnchen-3ya.test")
STREAM = ("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
          "to='{}' version='1.0'>")


def make_certificate(folder, domain):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", f"/CN={domain}", "-days", "2", "-addext",
                    f"subjectAltName=DNS:{domain}", "-keyout", folder / f"{domain}.key", "-out",
                    folder / f"{domain}.pem"], check=True, capture_output=True)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """With a config file, as an operator writes it."""

    def __init__(self, where):
        self.where, self.port, self.tls_port = where, free_port(), free_port()
        (where / "data").mkdir(mode=0o700)
        hosts = ""
        for domain in DOMAINS:
            make_certificate(where, domain)
            hosts += (f'host "{domain}" {{ certificate = "{where}/{domain}.pem" '
                      f'key = "{where}/{domain}.key" }}\n')
        (where / "kithd.conf").write_text(
            f'server {{ directory = "{where}/data" sandbox = no }}\nc2s {{ addresses = {{"127.0.0.1"}} '
            f'port = {self.port} tls_port = {self.tls_port} }}\n{hosts}')
        with open(where / "hosts.log", "w", encoding="utf-8") as log:
            self.child = subprocess.Popen([program("kithd"), "--config", where / "kithd.conf"],
                                          stderr=log, preexec_fn=die_with_parent)

    def __enter__(self):
        wait_until(lambda: listens(self.tls_port), 20, "the server")
        return self

    def __exit__(self, *_):
        self.child.terminate()
        assert self.child.wait(20) == 0


def name_in(sock):
    return dict(part[0] for part in sock.getpeercert()["subject"])["commonName"]


def trusting(where):
    context = ssl.create_default_context(cafile=None)
    for domain in DOMAINS:
        context.load_verify_locations(where / f"{domain}.pem")
    context.check_hostname = False
    return context


def direct(server, sni):
    with socket.create_connection(("127.0.0.1", server.tls_port), 10) as plain:
        with trusting(server.where).wrap_socket(plain, server_hostname=sni) as sock:
            return name_in(sock)


def starttls(server, to, sni):
    with socket.create_connection(("127.0.0.1", server.port), 10) as plain:
        plain.sendall(STREAM.format(to).encode())
        got = b""
        while b"</stream:features>" not in got:
            got += plain.recv(4096)
        plain.sendall(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        got = b""
        while not got.endswith(b">"):
            got += plain.recv(1)
        assert b"<proceed" in got, got
        with trusting(server.where).wrap_socket(plain, server_hostname=sni) as sock:
            return name_in(sock)


@suite.check("by its name in the handshake, by the stream's header, or the first one")
def _(other):
    where = pathlib.Path(other.own_dir) / "hosts"
    where.mkdir()
    with Server(where) as server:
        for domain in DOMAINS:
            shown = direct(server, domain)
            assert shown == domain, f"{shown} for {domain}"
            assert direct(server, domain.upper()) == domain
            assert starttls(server, domain, domain) == domain
            shown = starttls(server, domain, None)
            assert shown == domain, f"{shown} for a stream to {domain}"
        assert starttls(server, "münchen.test", None) == DOMAINS[2]
        assert direct(server, None) == DOMAINS[0]
        assert direct(server, "elsewhere.test") == DOMAINS[0]
    shutil.rmtree(where)


suite.run()
