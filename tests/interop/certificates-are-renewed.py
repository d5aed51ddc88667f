#!/usr/bin/python3
"""SIGHUP: new certificates serve new connections, nobody is dropped, and bad files change nothing."""
import os
import pathlib
import signal
import socket
import ssl
import subprocess

from checks import Suite
from kith_server import wait_until
from xmpp_client import Client

suite = Suite("certificates are renewed while people are signed in")


def shown(server):
    """The certificate that a new connection gets, in DER."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((server.host, server.ports["c2s_tls"]), 10) as plain:
        with context.wrap_socket(plain, server_hostname=server.domain) as tls:
            return tls.getpeercert(binary_form=True)


def replace(server, name, text):
    """As an ACME client does it: a whole file takes the old one's place."""
    new = pathlib.Path(server.dir, name + ".new")
    new.write_bytes(text)
    os.replace(new, pathlib.Path(server.dir, name))


def make_certificate(server, common_name):
    where = pathlib.Path(server.own_dir)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={common_name}",
                    "-days", "2", "-addext", f"subjectAltName=DNS:{server.domain}",
                    "-keyout", where / "key", "-out", where / "cert"],
                   check=True, capture_output=True)
    return (where / "cert").read_bytes(), (where / "key").read_bytes()


@suite.check("the new one is shown, and who is signed in stays so")
def _(server):
    old = shown(server)
    with Client.login(server, "juliet") as juliet:
        certificate, key = make_certificate(server, "second")
        replace(server, "cert.pem", certificate)
        replace(server, "key.pem", key)
        os.kill(server.pid, signal.SIGHUP)
        wait_until(lambda: shown(server) != old, 10, "the new certificate")
        juliet.ping()


@suite.check("files that do not fit leave the old one in use, and the log says so")
def _(server):
    before = shown(server)
    certificate, _ = make_certificate(server, "third")
    replace(server, "cert.pem", certificate)
    os.kill(server.pid, signal.SIGHUP)
    wait_until(lambda: "was not reloaded" in server.log(), 10, "the complaint")
    assert shown(server) == before


suite.run()
