#!/usr/bin/python3
"""Row 26: EXTERNAL lets in whom a believed certificate names and who has an account; nobody else.

XEP-0178, 2, and RFC 6120, 6.5: who is refused hears it in SASL, before <success/>.
"""
import pathlib
import subprocess
import tempfile

from checks import Suite
from xmpp_client import AuthFailed, Client

DOMAIN = "kith.test"
XMPP_ADDR = "1.3.6.1.5.5.7.8.5"
folder = tempfile.TemporaryDirectory(prefix="kith-certificates-")


def openssl(*arguments, **more):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, **more)


def path(name):
    return str(pathlib.Path(folder.name, name))


def make_authority(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", f"/CN={name}", "-keyout", path(f"{name}.key"),
            "-out", path(f"{name}.pem"))
    return path(f"{name}.pem")


def make_certificate(name, addresses, authority="authority"):
    """A client certificate with these xmppAddr; (certificate, key) as paths."""
    names = ",".join(f"otherName:{XMPP_ADDR};UTF8:{address}" for address in addresses)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            f"/CN={name}", "-keyout", path(f"{name}.key"), "-out", path(f"{name}.csr"))
    pathlib.Path(path(f"{name}.ext")).write_text(f"subjectAltName={names}\n", encoding="ascii")
    openssl("x509", "-req", "-days", "1", "-in", path(f"{name}.csr"), "-extfile", path(f"{name}.ext"),
            "-CA", path(f"{authority}.pem"), "-CAkey", path(f"{authority}.key"),
            "-CAcreateserial", "-out", path(f"{name}.pem"))
    return path(f"{name}.pem"), path(f"{name}.key")


suite = Suite("row 26: a certificate alone is no account", attack=True,
              users={"juliet": "r0m30", "romeo": "b4lc0ny"}, domain=DOMAIN,
              settings={"auth.external": "yes", "c2s.client_ca": make_authority("authority")})


def opened(server, certificate):
    client = Client(server)
    client.certificate = certificate
    client.connect(direct=True).open()
    return client


def refused(server, certificate, authzid=b""):
    """The condition; the stream must go on, so that a password can be tried."""
    with opened(server, certificate) as client:
        try:
            client.auth("EXTERNAL", authzid)
        except AuthFailed as failed:
            client.plain("juliet", server.users["juliet"])
            return failed.condition
    raise AssertionError("it says <success/>")


@suite.check("juliet's certificate signs juliet in")
def _(server):
    with opened(server, make_certificate("juliet", [f"juliet@{DOMAIN}"])) as client:
        assert "EXTERNAL" in client.mechanisms(), client.mechanisms()
        name, _ = client.auth("EXTERNAL", b"")
        assert name == "success", name
        client.open()
        assert client.bind("balcony") == f"juliet@{DOMAIN}/balcony", client.jid
        client.ping()
        client.logout()


@suite.check("one of several addresses is taken when it is asked for")
def _(server):
    both = make_certificate("both", [f"juliet@{DOMAIN}", f"romeo@{DOMAIN}"])
    with opened(server, both) as client:
        client.auth("EXTERNAL", f"romeo@{DOMAIN}".encode())
        client.open()
        assert client.bind().startswith(f"romeo@{DOMAIN}/"), client.jid
        client.logout()
    assert refused(server, both) == "invalid-authzid"


@suite.check("a certificate for an account that does not exist: not-authorized, in SASL")
def _(server):
    nobody = make_certificate("nobody", [f"nobody@{DOMAIN}"])
    assert refused(server, nobody) == "not-authorized"
    assert refused(server, nobody, f"nobody@{DOMAIN}".encode()) == "not-authorized"


@suite.check("the missing one of several addresses is refused, the other is not")
def _(server):
    mixed = make_certificate("mixed", [f"nobody@{DOMAIN}", f"romeo@{DOMAIN}"])
    assert refused(server, mixed, f"nobody@{DOMAIN}".encode()) == "not-authorized"
    with opened(server, mixed) as client:
        name, _ = client.auth("EXTERNAL", f"romeo@{DOMAIN}".encode())
        assert name == "success", name


@suite.check("an account that was deleted is refused as one that never was")
def _(server):
    gone = make_certificate("gone", [f"gone@{DOMAIN}"])
    assert server.ctl("user", "add", "gone", input="gone\n").returncode == 0
    with opened(server, gone) as client:
        assert client.auth("EXTERNAL", b"")[0] == "success"
    assert server.ctl("user", "delete", "gone").returncode == 0
    assert refused(server, gone) == "not-authorized"


@suite.check("an address of another domain is none of ours")
def _(server):
    other = make_certificate("other", ["juliet@elsewhere.test"])
    assert refused(server, other) == "not-authorized"
    assert refused(server, other, f"juliet@{DOMAIN}".encode()) == "not-authorized"


@suite.check("a certificate of an authority that is not believed is not even offered EXTERNAL")
def _(server):
    make_authority("stranger")
    forged = make_certificate("forged", [f"juliet@{DOMAIN}"], "stranger")
    with opened(server, forged) as client:
        assert "EXTERNAL" not in client.mechanisms(), client.mechanisms()


suite.run()
