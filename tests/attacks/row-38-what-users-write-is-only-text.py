#!/usr/bin/python3
"""Row 38: quotes, backslashes, percent signs, line ends and 64 KiB in every field that reaches the
database, the log, kithctl or another client: it comes back as it went in, or is refused."""
import json
import sqlite3
import unicodedata
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from checks import Suite
from xmpp_client import ROSTER, AuthFailed, Client, Closed, StreamError, body_of, error_of

NASTY = ("'", '"', "\\", "' OR '1'='1", "'; DROP TABLE data; --", "*)(uid=*", "%s%s%n%x", "${jndi:x}",
         "$(reboot)", "`reboot`", "../../etc/passwd", "\t\n", "=ok", "error x", "a\nb", "\u2028",
         "\u202egnp.exe", "\u0085", "]]>", "<!--", "&amp;", "\\u0000", "%00", "\U0001f4a3", "e\u0301")
LONG = "x'" * 32768
NICK = "http://jabber.org/protocol/nick"
suite = Suite("row 38: what users write is only text", attack=True,
              settings={"register.sign_up": "yes", "register.max_sign_ups": "1000",
                        "auth.failures": "1000"})


def read_again(server, ask, pick):
    """What the server says to a new session."""
    with Client.login(server, "juliet") as juliet:
        answer = juliet.iq("get", ask)
        assert answer.get("type") == "result", error_of(answer)
        return pick(answer)


@suite.check("names and groups of contacts")
def _(server):
    with Client.login(server, "juliet") as juliet:
        wanted = {}
        for number, text in enumerate(NASTY):
            answer = juliet.iq("set", f"<query xmlns='{ROSTER}'><item jid='c{number}@kith.test' "
                               f"name={quoteattr(text)}><group>{escape(text)}</group></item></query>")
            assert answer.get("type") == "result", (text, error_of(answer))
            wanted[f"c{number}@kith.test"] = text
        answer = juliet.iq("set", f"<query xmlns='{ROSTER}'><item jid='long@kith.test' "
                           f"name={quoteattr(LONG)}/></query>")
        assert error_of(answer) == "not-acceptable", error_of(answer)
    items = read_again(server, f"<query xmlns='{ROSTER}'/>", lambda answer: {
        item.get("jid"): (item.get("name"), [group.text for group in item]) for item in answer[0]})
    for jid, text in wanted.items():
        name, groups = items[jid]
        assert name == text, (text, name)
        assert groups == [text] or not text.strip(), (text, groups)


@suite.check("addresses of contacts and of the blocked, as nasty as addresses may be")
def _(server):
    with Client.login(server, "juliet") as juliet:
        for text in NASTY:
            for jid in (f"c@kith.test/{text}", f"{text}@kith.test", f"c@{text}.test"):
                for payload in (f"<query xmlns='{ROSTER}'><item jid={quoteattr(jid)}/></query>",
                                f"<block xmlns='urn:xmpp:blocking'><item jid={quoteattr(jid)}/></block>"):
                    answer = juliet.iq("set", payload)
                    assert answer.get("type") == "result" or error_of(answer), jid
        juliet.iq("set", "<unblock xmlns='urn:xmpp:blocking'/>")


@suite.check("private data and vCards")
def _(server):
    for text in NASTY:
        inside = f"<note xmlns='urn:note'><a v={quoteattr(text)}>{escape(text)}</a></note>"
        card = f"<vCard xmlns='vcard-temp'><FN>{escape(text)}</FN></vCard>"
        with Client.login(server, "juliet") as juliet:
            for payload in (f"<query xmlns='jabber:iq:private'>{inside}</query>", card):
                answer = juliet.iq("set", payload)
                assert answer.get("type") == "result", (text, error_of(answer))
        note = read_again(server, "<query xmlns='jabber:iq:private'><note xmlns='urn:note'/></query>",
                          lambda answer: answer[0][0][0])
        assert note.text == text.replace("\r", "\n"), (text, note.text)
        assert note.get("v") == text, (text, note.get("v"))
        assert read_again(server, "<vCard xmlns='vcard-temp'/>", lambda answer: answer[0][0].text) == text


@suite.check("resources, ids, bodies, kept bodies")
def _(server):
    with Client.login(server, "juliet") as juliet:
        for text in NASTY:
            juliet.send(f"<message type='chat' to='romeo@kith.test' id={quoteattr(text)}>"
                        f"<body>{escape(text)}</body></message>")
        juliet.ping()
    with Client.login(server, "romeo", presence=True) as romeo:
        for text in NASTY:
            message = romeo.expect("message", lambda e: body_of(e) is not None)
            assert body_of(message) == text and message.get("id") == text, text
    for text in NASTY:
        with Client(server) as client:
            client.connect(direct=True).open()
            client.sign_in("romeo", server.users["romeo"], "PLAIN")
            answer = client.iq("set", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                               f"<resource>{escape(text)}</resource></bind>")
            assert answer.get("type") == "result" or error_of(answer) == "bad-request", text


@suite.check("names and passwords of who signs up, signs in, or tries to")
def _(server):
    for place, text in enumerate((*NASTY, LONG), 1):
        with Client(server) as client:
            client.connect(direct=True).open()
            try:
                answer = client.iq("set", "<query xmlns='jabber:iq:register'>"
                                   f"<username>{escape(text)}</username><password>pw</password></query>")
                is_new = answer.get("type") == "result"
                assert is_new or error_of(answer), text
            except (StreamError, Closed, OSError):
                assert text == LONG, text
                is_new = False
        for user, password in ((text, "pw"), ("juliet", text)):
            try:
                Client.login(server, user, password=password, mechanism="PLAIN",
                             source=f"127.0.38.{place}").close()
                assert user == text and is_new, f"{user[:20]!r} came in"
            except AuthFailed:
                pass
            except (StreamError, Closed, OSError):
                assert text == LONG, text


@suite.check("a password of any text is a password")
def _(server):
    for number, text in enumerate(NASTY):
        if any(ord(letter) < 32 or letter == "\u0085" for letter in text):
            continue  # RFC 8265 has no control characters
        added = server.ctl("user", "add", f"pw{number}@kith.test", text)
        if added.returncode == 0:
            # This client prepares nothing; the server does, so PLAIN takes any spelling.
            for mechanism in ("PLAIN", "SCRAM-SHA-256")[:1 + unicodedata.is_normalized("NFC", text)]:
                try:
                    Client.login(server, f"pw{number}", password=text, mechanism=mechanism,
                                 source=f"127.0.39.{number + 1}").close()
                except AuthFailed:
                    raise AssertionError(f"{mechanism} with {text!r}") from None
        else:
            assert unicodedata.category(text[0]) in ("Zl", "Cf"), f"{text!r}: {added.stderr}"


@suite.check("kithctl: names with tabs, line ends and answers in them")
def _(server):
    for text in NASTY:
        answer = server.ctl("user", "add", f"{text}@kith.test", "pw")
        assert answer.returncode in (0, 1, 2), answer
        assert answer.returncode == 0 or answer.stderr.startswith(("kithctl: ", "usage: ")), answer.stderr
    listed = json.loads(server.ctl("user", "list", "--json").stdout)
    assert "juliet@kith.test" in json.dumps(listed)
    for line in server.ctl("user", "list").stdout.splitlines():
        assert line.count("@") >= 1 and "\x1b" not in line, line


@suite.check("the database is whole, and of one shape still")
def _(server):
    with sqlite3.connect(f"file:{server.dir}/kith.db?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0


@suite.check("each line of the log is one event, and has no control characters")
def _(server):
    for line in server.log().split("\n"):
        assert not line or line.startswith("20"), f"a line that nobody wrote: {line!r}"
        assert not [letter for letter in line if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp")], \
            repr(line)


suite.run()
