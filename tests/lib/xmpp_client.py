"""A raw XMPP client: it sends any bytes, and reads strictly.

Nothing is repaired and nothing hidden. Everything that comes from the server
goes through expat, so a reply that is not well-formed fails the test at once.
"""
import base64
import ctypes
import itertools
import socket
import ssl
import time
import xml.etree.ElementTree as ET
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from scram import Scram, binding_data

TIMEOUT = 10.0
CLIENT = "jabber:client"
STREAM = "http://etherx.jabber.org/streams"
STREAM_ERROR = "urn:ietf:params:xml:ns:xmpp-streams"
STANZA_ERROR = "urn:ietf:params:xml:ns:xmpp-stanzas"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
BINDINGS = "urn:xmpp:sasl-cb:0"
ROSTER = "jabber:iq:roster"
PING = "urn:xmpp:ping"
VERSION = "jabber:iq:version"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"
SEPARATOR = "\x01"  # cannot occur in XML, so no namespace can contain it


class Closed(Exception):
    """The server ended the connection (or the stream) instead of answering."""


class StreamError(Exception):
    def __init__(self, element):
        self.element = element
        self.condition = next((local(c) for c in element
                               if c.tag.startswith(f"{{{STREAM_ERROR}}}") and local(c) != "text"),
                              "none")
        super().__init__(self.condition)


class AuthFailed(Exception):
    def __init__(self, element):
        self.condition = next((local(c) for c in element if local(c) != "text"), "none")
        super().__init__(self.condition)


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def space(element):
    return element.tag[1:].split("}")[0] if element.tag.startswith("{") else ""


def error_of(stanza):
    """The condition of a stanza error, or None."""
    error = stanza.find(f"{{{CLIENT}}}error")
    if error is None:
        return None
    return next((local(c) for c in error if space(c) == STANZA_ERROR and local(c) != "text"), "none")


def body_of(message):
    return message.findtext(f"{{{CLIENT}}}body")


def trust(server):
    context = ssl.create_default_context(cafile=server.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _PyExpatParser(ctypes.Structure):
    """The start of CPython's parser object."""

    _fields_ = [("refs", ctypes.c_ssize_t), ("type", ctypes.c_void_p), ("parser", ctypes.c_void_p)]


def parse_at_once(parser):
    """Newer versions of expat hold a large token back until more comes; nothing may come."""
    defer = getattr(ctypes.CDLL("libexpat.so.1"), "XML_SetReparseDeferralEnabled", None)
    if defer is not None:
        defer.argtypes = [ctypes.c_void_p, ctypes.c_ubyte]
        defer(_PyExpatParser.from_address(id(parser)).parser, 0)


class Reader:
    """Cuts a stream into its header and whole children, without mercy."""

    def __init__(self):
        self.header, self.children, self.ended = None, [], False
        self.stack, self.depth = [], 0
        self.parser = expat.ParserCreate(namespace_separator=SEPARATOR)
        parse_at_once(self.parser)
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        for handler in ("StartDoctypeDeclHandler", "CommentHandler", "ProcessingInstructionHandler"):
            setattr(self.parser, handler, self._forbidden)

    @staticmethod
    def _forbidden(*_):
        raise AssertionError("the server sent what RFC 6120, 11.1 forbids")

    @staticmethod
    def _name(name):
        uri, _, tail = name.rpartition(SEPARATOR)
        return f"{{{uri}}}{tail}" if uri else tail

    def _start(self, name, attributes):
        element = ET.Element(self._name(name), {self._name(k): v for k, v in attributes.items()})
        if self.depth == 0:
            self.header = element
        else:
            if self.stack:
                self.stack[-1].append(element)
            self.stack.append(element)
        self.depth += 1

    def _end(self, _name):
        self.depth -= 1
        if self.depth == 0:
            self.ended = True
            return
        element = self.stack.pop()
        if not self.stack:
            self.children.append(element)

    def _text(self, text):
        if not self.stack:
            if text.strip():
                raise AssertionError(f"text between stanzas: {text!r}")
            return
        parent = self.stack[-1]
        if len(parent):
            parent[-1].tail = (parent[-1].tail or "") + text
        else:
            parent.text = (parent.text or "") + text

    def feed(self, data):
        try:
            self.parser.Parse(data, False)
        except expat.ExpatError as error:
            raise AssertionError(f"not well-formed from the server: {error}: {data!r}") from error


class Client:
    """One connection. Methods raise Closed, StreamError or AssertionError."""

    ids = itertools.count(1)

    def __init__(self, server, timeout=TIMEOUT, source=None):
        self.server, self.timeout, self.source = server, timeout, source
        self.sock, self.reader, self.waiting = None, Reader(), []
        self.features, self.jid, self.raw = None, None, b""
        self.certificate = None  # (certificate, key): paths, to be shown in the TLS handshake
        self.eof = False
        self.domain = server.domain

    # -- bytes ---------------------------------------------------------------

    def connect(self, direct=False, alpn=("xmpp-client",)):
        port = self.server.ports["c2s_tls" if direct else "c2s"]
        self.sock = socket.create_connection(
            (self.server.host, port), self.timeout,
            source_address=(self.source, 0) if self.source else None)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if direct:
            self.start_tls(alpn)
        return self

    def start_tls(self, alpn=None):
        context = trust(self.server)
        if self.certificate:
            context.load_cert_chain(*self.certificate)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        self.sock = context.wrap_socket(self.sock, server_hostname=self.server.domain)

    def send(self, data):
        self.sock.settimeout(self.timeout)
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def try_send(self, data):
        """Sends as far as the server lets us; False when it has closed."""
        try:
            self.send(data)
            return True
        except OSError:
            return False

    def _fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise AssertionError("no answer in time")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(65536)
        except (TimeoutError, socket.timeout) as late:
            raise AssertionError("no answer in time") from late
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            self.eof = True
            return False
        self.raw += data
        self.reader.feed(data)
        return True

    def fileno(self):
        """For select()."""
        return self.sock.fileno()

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def reset(self):
        """Closes with RST, as a crashed machine's kernel would."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- stream --------------------------------------------------------------

    def header(self, to=None, extra=""):
        return (f"<?xml version='1.0'?><stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' "
                f"version='1.0' to={quoteattr(to or self.domain)}{extra}>")

    def open(self, to=None, extra=""):
        """Opens (or restarts) the stream and returns its features."""
        self.reader = Reader()
        self.send(self.header(to, extra))
        self.features = self.next()
        assert self.features.tag == f"{{{STREAM}}}features", f"instead of features: {self.features.tag}"
        return self.features

    def stream_id(self):
        return self.reader.header.get("id")

    def next(self, timeout=None):
        """The next child of the stream; a stream error is raised."""
        if self.waiting:
            return self.waiting.pop(0)
        return self._next_new(timeout)

    def _next_new(self, timeout=None):
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self.reader.children:
            if self.reader.ended or not self._fill(deadline):
                raise Closed("the stream ended")
        element = self.reader.children.pop(0)
        if element.tag == f"{{{STREAM}}}error":
            raise StreamError(element)
        return element

    def expect(self, name, where=None, timeout=None):
        """The next child of that name for which where() holds; others are kept."""
        def fits(element):
            return local(element) == name and (where is None or where(element))
        for index, element in enumerate(self.waiting):
            if fits(element):
                return self.waiting.pop(index)
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            element = self._next_new(deadline - time.monotonic())
            if fits(element):
                return element
            self.waiting.append(element)

    def stream_error(self, timeout=None):
        """Waits for the stream's end; its error's condition, or None without one."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        condition = None
        try:
            while True:
                self.waiting.clear()
                self._next_new(deadline - time.monotonic())
        except StreamError as error:
            condition = error.condition
        except Closed:
            pass
        self.wait_eof(deadline - time.monotonic())
        return condition

    def wait_eof(self, timeout=None):
        """Waits until the server has closed the connection."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self.eof:
            self._fill(deadline)

    # -- sign-in -------------------------------------------------------------

    def mechanisms(self):
        return [m.text for m in self.features.iter(f"{{{SASL}}}mechanism")]

    def bindings(self):
        return [b.get("type") for b in self.features.iter(f"{{{BINDINGS}}}channel-binding")]

    def upgrade(self):
        """STARTTLS and a new stream inside."""
        self.send(f"<starttls xmlns='{TLS}'/>")
        answer = self.next()
        assert answer.tag == f"{{{TLS}}}proceed", f"instead of proceed: {answer.tag}"
        self.start_tls()
        return self.open()

    def auth(self, mechanism, data=None):
        """Sends <auth/> and returns (name, decoded text) of the answer."""
        text = "" if data is None else base64.b64encode(data).decode() or "="
        self.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{text}</auth>")
        return self.sasl_answer()

    def respond(self, data):
        self.send(f"<response xmlns='{SASL}'>{base64.b64encode(data).decode()}</response>")
        return self.sasl_answer()

    def sasl_answer(self):
        answer = self.next()
        assert space(answer) == SASL, f"instead of SASL: {answer.tag}"
        if local(answer) == "failure":
            raise AuthFailed(answer)
        return local(answer), base64.b64decode(answer.text or "")

    def scram(self, mechanism, user, password, kind=None):
        data = b""
        if mechanism.endswith("-PLUS"):
            kind = kind or self.bindings()[0]
            data = binding_data(self.sock, kind)
        exchange = Scram(mechanism, user, password, binding=kind, data=data)
        name, text = self.auth(mechanism, exchange.first())
        assert name == "challenge", name
        name, text = self.respond(exchange.final(text))
        assert name == "success", name
        exchange.verify(text)
        return exchange

    def plain(self, user, password, authzid=""):
        name, _ = self.auth("PLAIN", f"{authzid}\0{user}\0{password}".encode())
        assert name == "success", name

    def sign_in(self, user, password, mechanism):
        if mechanism == "PLAIN":
            self.plain(user, password)
        else:
            self.scram(mechanism, user, password)
        self.open()

    def bind(self, resource=None):
        inside = f"<resource>{escape(resource)}</resource>" if resource else ""
        answer = self.iq("set", f"<bind xmlns='{BIND}'>{inside}</bind>")
        assert answer.get("type") == "result", error_of(answer)
        self.jid = answer.findtext(f"{{{BIND}}}bind/{{{BIND}}}jid")
        return self.jid

    @classmethod
    def login(cls, server, user, resource=None, *, password=None, tls="starttls",
              mechanism="SCRAM-SHA-1", source=None, timeout=TIMEOUT, presence=False,
              domain=None):
        """A signed-in, bound client; tls is starttls, direct or none."""
        client = cls(server, timeout, source)
        client.domain = domain or server.domain
        try:
            client.connect(direct=tls == "direct").open()
            if tls == "starttls":
                client.upgrade()
            client.sign_in(user, server.users[user] if password is None else password, mechanism)
            client.bind(resource)
            if presence:
                client.be_present()
            return client
        except BaseException:
            client.close()
            raise

    # -- stanzas -------------------------------------------------------------

    def bare(self):
        return self.jid.split("/")[0]

    def next_id(self):
        return f"t{next(self.ids)}"

    def iq(self, kind, payload, to=None, timeout=None):
        """Sends a request and returns its answer."""
        name = self.next_id()
        target = f" to={quoteattr(to)}" if to else ""
        self.send(f"<iq type='{kind}' id='{name}'{target}>{payload}</iq>")
        return self.answer(name, timeout)

    def answer(self, name, timeout=None):
        return self.expect("iq", lambda e: e.get("id") == name and
                           e.get("type") in ("result", "error"), timeout)

    def ping(self, timeout=None):
        """Asks the server something that it must answer; proves that it reads us."""
        answer = self.iq("get", f"<ping xmlns='{PING}'/>", self.server.domain, timeout)
        assert answer.get("type") == "result", f"ping: {error_of(answer)}"

    def be_present(self):
        """Sends initial presence and waits until the server has handled it."""
        self.send("<presence/>")
        self.ping()

    def message(self, to, body, kind="chat", name=None):
        named = f" id={quoteattr(name)}" if name else ""
        self.send(f"<message type='{kind}' to={quoteattr(to)}{named}><body>{escape(body)}</body></message>")

    def expect_body(self, body, timeout=None):
        return self.expect("message", lambda e: body_of(e) == body, timeout)

    def got_nothing_before(self, sender, name="message"):
        """Asserts that nothing of that name has come: a last message proves it.

        The sentinel travels the same way, after everything under test."""
        mark = f"sentinel {self.next_id()}"
        sender.message(self.jid, mark)
        self.expect_body(mark)
        stray = [e for e in self.waiting if local(e) == name]
        assert not stray, f"received: {[ET.tostring(e)[:200] for e in stray]}"

    def logout(self):
        """Ends the stream properly and waits for the other half."""
        self.send("</stream:stream>")
        self.wait_eof()
        self.close()
