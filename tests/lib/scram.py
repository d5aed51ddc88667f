"""A SCRAM client after RFC 5802 (and RFC 7677), with every screw exposed.

Written for attacks: a test may set the gs2 flag, the binding data, the nonce
or the proof to whatever it wants and see what the server makes of it.
"""
import base64
import ctypes
import functools
import hashlib
import hmac
import secrets

HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
SIGNATURE_HASHES = {  # OID of the signature algorithm, in DER, to its hash (RFC 5929, 4.1)
    bytes.fromhex("2a8648ce3d040302"): "sha256",
    bytes.fromhex("2a8648ce3d040303"): "sha384",
    bytes.fromhex("2a8648ce3d040304"): "sha512",
    bytes.fromhex("2a864886f70d01010b"): "sha256",
    bytes.fromhex("2a864886f70d01010c"): "sha384",
    bytes.fromhex("2a864886f70d01010d"): "sha512",
}


class ScramError(Exception):
    """The server's side of the exchange is not what RFC 5802 says."""


def b64(data):
    return base64.b64encode(data).decode("ascii")


@functools.lru_cache(maxsize=4096)
def salted_password(name, password, salt, rounds):
    return hashlib.pbkdf2_hmac(name, password.encode(), salt, rounds)


def escape(name):
    return name.replace("=", "=3D").replace(",", "=2C")


class Scram:
    """One exchange: first(), then final(server_first), then verify(server_final)."""

    def __init__(self, mechanism, user, password, *, binding=None, data=b"", flag=None,
                 authzid="", nonce=None):
        self.name = HASHES[mechanism.removesuffix("-PLUS")]
        self.user, self.password = user, password
        self.data = data
        if flag is None:
            flag = f"p={binding}" if mechanism.endswith("-PLUS") else "n"
        self.gs2 = f"{flag},{'a=' + escape(authzid) if authzid else ''},"
        self.nonce = nonce or b64(secrets.token_bytes(18))
        self.bare = f"n={escape(user)},r={self.nonce}"

    def first(self):
        return (self.gs2 + self.bare).encode()

    def parse(self, server_first):
        fields = dict(part.split("=", 1) for part in server_first.decode().split(","))
        self.server_nonce = fields["r"]
        self.offer_hash = fields.get("h")
        self.salt, self.rounds = base64.b64decode(fields["s"]), int(fields["i"])
        if not self.server_nonce.startswith(self.nonce) or self.server_nonce == self.nonce:
            raise ScramError("the server's nonce does not continue ours")

    def digest(self, key, text):
        return hmac.new(key, text, self.name).digest()

    def final(self, server_first, *, nonce=None, spoil=lambda proof: proof):
        self.parse(server_first)
        bound = b64(self.gs2.encode() + self.data)
        without_proof = f"c={bound},r={nonce or self.server_nonce}"
        salted = salted_password(self.name, self.password, self.salt, self.rounds)
        client_key = self.digest(salted, b"Client Key")
        stored = hashlib.new(self.name, client_key).digest()
        message = f"{self.bare},{server_first.decode()},{without_proof}".encode()
        signature = self.digest(stored, message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.expected = self.digest(self.digest(salted, b"Server Key"), message)
        return f"{without_proof},p={b64(spoil(proof))}".encode()

    def verify(self, server_final):
        fields = dict(part.split("=", 1) for part in server_final.decode().split(","))
        if not hmac.compare_digest(base64.b64decode(fields.get("v", "")), self.expected):
            raise ScramError("the server's signature is wrong: it does not know the password")


def offer_hash(name, mechanisms, kinds):
    """XEP-0474, 5.1."""
    text = "\x1e".join(sorted(mechanisms))
    if kinds:
        text += "\x1f" + "\x1e".join(sorted(kinds))
    return b64(hashlib.new(name, text.encode()).digest())


# -- channel bindings -------------------------------------------------------


def _der(data, at):
    """(tag, start of the contents, end) of the DER element at that place."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(data[start:start + count], "big"), start + count
    return data[at], start, start + length


def end_point(certificate):
    """tls-server-end-point of RFC 5929, 4."""
    _, inside, _ = _der(certificate, 0)
    _, _, after_tbs = _der(certificate, inside)
    _, algorithm, _ = _der(certificate, after_tbs)
    _, start, end = _der(certificate, algorithm)
    return hashlib.new(SIGNATURE_HASHES[certificate[start:end]], certificate).digest()


class _PySSLSocket(ctypes.Structure):
    """The start of CPython's socket object, which has no call for exporters."""

    _fields_ = [("refs", ctypes.c_ssize_t), ("type", ctypes.c_void_p),
                ("socket", ctypes.c_void_p), ("ssl", ctypes.c_void_p)]


def exporter(sock):
    """tls-exporter of RFC 9266: 32 bytes, an empty context given as a context."""
    ssl = _PySSLSocket.from_address(id(sock._sslobj)).ssl
    export = ctypes.CDLL("libssl.so.3").SSL_export_keying_material
    export.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p,
                       ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    out, label = ctypes.create_string_buffer(32), b"EXPORTER-Channel-Binding"
    if export(ssl, out, 32, label, len(label), b"", 0, 1) != 1:
        raise ScramError("no keying material from this TLS connection")
    return out.raw


def binding_data(sock, kind):
    if kind == "tls-exporter":
        return exporter(sock)
    if kind == "tls-server-end-point":
        return end_point(sock.getpeercert(binary_form=True))
    raise ScramError(f"unknown channel binding {kind}")
