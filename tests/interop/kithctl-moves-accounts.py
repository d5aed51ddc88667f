#!/usr/bin/python3
"""kithctl: an account leaves as a file of XEP-0227 and arrives on another server, whole or not at all."""
import base64
import difflib
import hashlib
import hmac
import os
import pathlib
import random
import stat
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree

import prosody_server
from checks import Suite
from kith_server import make_server, wait_until
from xmpp_client import Client

FOLDER = tempfile.TemporaryDirectory(prefix="kith-test-")
WHERE = pathlib.Path(FOLDER.name)
DOMAINS = ["second.test"]
SETTINGS = {"auth.iterations": "4096"}
suite = Suite("accounts move by files of XEP-0227", domains=DOMAINS, settings=SETTINGS)

CARD = ("<vCard xmlns='vcard-temp'><FN>Juliet &amp; &lt;Capulet&gt;</FN>"
        "<PHOTO><TYPE>image/png</TYPE><BINVAL>aGVsbG8=</BINVAL></PHOTO></vCard>")
PRIVATE = ("<query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'><defaultnick>J"
           "</defaultnick></exodus><storage xmlns='storage:bookmarks'><conference jid='a@b' "
           "x:y='1' xmlns:x='urn:x'/></storage></query>")
BLOCK = "<block xmlns='urn:xmpp:blocking'><item jid='paris@kith.test'/><item jid='evil.test'/></block>"
PUSH = ("<enable xmlns='urn:xmpp:push:0' jid='push.example' node='n &amp; m'><x xmlns='jabber:x:data' "
        "type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options"
        "</value></field><field var='secret'><value>&lt;s&gt;</value></field></x></enable>")
PLAIN_PUSH = "<enable xmlns='urn:xmpp:push:0' jid='push.example/x'/>"
ITEMS = ("<item jid='nurse@kith.test' name=\"The 'Nurse' &amp; co\"><group>Servants</group>"
         "<group>House of \N{LATIN SMALL LETTER E WITH ACUTE}</group></item>",
         "<item jid='gate.example' name=''/>")


def written(name, text):
    path = WHERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def user(inner, name="paris", more="password='secret'", host="kith.test"):
    return (f"<?xml version='1.0'?>\n<server-data xmlns='urn:xmpp:pie:0'>\n<host jid='{host}'>\n"
            f"<user name='{name}' {more}>\n{inner}\n</user>\n</host>\n</server-data>\n")


def done(server, *words, **more):
    answer = server.ctl(*words, **more)
    assert answer.returncode == 0, f"{words}: {answer.stderr}"
    return answer


def refused(server, text, *reasons, name="wrong.xml"):
    """The file is not taken, the reasons are told, and there is no account of it."""
    before = done(server, "user", "list").stdout
    answer = server.ctl("user", "import-xml", written(name, text))
    assert answer.returncode == 1, f"status {answer.returncode}: {answer.stdout}{answer.stderr}"
    for reason in reasons:
        assert reason in answer.stderr, f"no {reason!r} in {answer.stderr!r}"
    assert done(server, "user", "list").stdout == before, "something of it was taken"
    return answer.stderr


def fill(server):
    """What an account can have, by the ways in which users make it."""
    with Client.login(server, "juliet") as juliet, Client.login(server, "romeo") as romeo:
        juliet.be_present()
        romeo.be_present()
        for item in ITEMS:
            juliet.iq("set", f"<query xmlns='jabber:iq:roster'>{item}</query>")
        for payload in (CARD, PRIVATE, BLOCK, PUSH, PLAIN_PUSH):
            assert juliet.iq("set", payload).get("type") == "result", payload
        romeo.send("<presence type='subscribe' to='juliet@kith.test'>"
                   "<nick xmlns='http://jabber.org/protocol/nick'>R</nick></presence>")
        juliet.expect("presence", lambda p: p.get("type") == "subscribe")
        juliet.send("<presence type='subscribe' to='romeo@kith.test'/>"
                    "<presence type='subscribed' to='tybalt@kith.test'/>")
        juliet.ping()
        juliet.logout()
        for number in range(3):
            romeo.send(f"<message to='juliet@kith.test' type='chat' id='m{number}' xml:lang='en'>"
                       f"<body>kept {number} &lt;&amp;</body><x:a xmlns:x='urn:x' x:b='c'/></message>")
        romeo.ping()
        wait_until(lambda: server.stats().get("offline_kept_total") == 3, 10, "three kept messages")
        romeo.logout()


def export(server, name, address="juliet@kith.test"):
    path = WHERE / name
    done(server, "user", "export", address, str(path))
    return path


@suite.check("what is exported, imported and exported again is the same")
def _(server):
    fill(server)
    first = export(server, "first.xml")
    assert stat.S_IMODE(first.stat().st_mode) == 0o600, "others may read it"
    assert first.read_text() == done(server, "user", "export", "juliet@kith.test").stdout
    tree = ElementTree.parse(first)
    kinds = {child.tag for child in tree.find(".//{urn:xmpp:pie:0}user")}
    for kind in ("{urn:xmpp:pie:0#scram}scram-credentials", "{jabber:iq:roster}query",
                 "{jabber:client}presence", "{vcard-temp}vCard", "{jabber:iq:private}query",
                 "{jabber:iq:privacy}query", "{urn:xmpp:pie:0}offline-messages",
                 "{urn:x-kith:account}push"):
        assert kind in kinds, f"no {kind} in {kinds}"
    with make_server(users={"romeo": "other"}, domains=DOMAINS, settings=SETTINGS) as second:
        answer = done(second, "user", "import-xml", str(first))
        assert "1 accounts imported, 0 failed" in answer.stdout, answer.stdout
        assert not answer.stderr, answer.stderr
        again = export(second, "second.xml")
        # Prefixes are the writer's; what is written twice is the same to the byte.
        was, now = (ElementTree.canonicalize(p.read_text(), rewrite_prefixes=True)
                    for p in (first, again))
        assert now == was, "\n".join(difflib.unified_diff(was.split("\n"), now.split("\n"), n=0))
        with make_server(users={"romeo": "other"}, domains=DOMAINS, settings=SETTINGS) as third:
            done(third, "user", "import-xml", str(again))
            assert export(third, "third.xml").read_text() == again.read_text()
        second.users["juliet"] = server.users["juliet"]
        with Client.login(second, "juliet", mechanism="SCRAM-SHA-256") as juliet:
            juliet.be_present()
            kept = [juliet.expect("message", lambda m: m.get("id") == f"m{n}") for n in range(3)]
            assert all(m.find("{urn:xmpp:delay}delay") is not None for m in kept)
            asked = juliet.expect("presence", lambda p: p.get("type") == "subscribe")
            assert asked.get("from") == "romeo@kith.test"
            card = juliet.iq("get", "<vCard xmlns='vcard-temp'/>")
            assert card.findtext(".//{vcard-temp}FN") == "Juliet & <Capulet>"
            juliet.logout()
    return f"{first.stat().st_size} bytes"


@suite.check("an account that exists is not touched, and a file that exists is not written over")
def _(server):
    path = export(server, "there.xml")
    answer = server.ctl("user", "import-xml", str(path))
    assert answer.returncode == 1 and "exists already" in answer.stderr, answer.stderr
    before = path.read_text()
    answer = server.ctl("user", "export", "romeo@kith.test", str(path))
    assert answer.returncode == 1 and "exists" in answer.stderr, answer.stderr
    assert path.read_text() == before
    answer = server.ctl("user", "export", "nobody@kith.test", str(WHERE / "nobody.xml"))
    assert answer.returncode == 1 and "no such account" in answer.stderr, answer.stderr
    assert not (WHERE / "nobody.xml").exists()


@suite.check("a password is taken as well, and other accounts of the file are not held up by one")
def _(server):
    text = user("", "paris").replace("</host>", "<user name='juliet' password='x'/>"
                                     "<user name='montague' password='y'/></host>")
    answer = server.ctl("user", "import-xml", "-", input=text)
    assert answer.returncode == 1, answer.stdout
    assert "2 accounts imported, 1 failed" in answer.stdout, answer.stdout
    assert "-:7: <user>: this account exists already" in answer.stderr, answer.stderr
    server.users["paris"] = "secret"
    Client.login(server, "paris", mechanism="SCRAM-SHA-512").close()
    for name in ("paris", "montague"):
        done(server, "user", "delete", f"{name}@kith.test")


@suite.check("a mistake is named with its line and its element, and nothing is taken")
def _(server):
    roster = "<query xmlns='jabber:iq:roster'>\n<item jid='a@b'/>\n{}\n</query>"
    refused(server, user(roster.format("<item jid='a@b'/>")), ":7: <item>: ", "twice")
    refused(server, user(roster.format("<item jid='a@@b'/>")), ":5: <query>: ")
    refused(server, user(roster.format("<item name='a'/>")), ":7: <item>: ", "no address")
    refused(server, user("<offline-messages>\n<message xmlns='jabber:client' from='a@b'><body>c"
                         "</body></message>\n<iq xmlns='jabber:client' from='a@b' type='get' id='i'>"
                         "<x xmlns='y'/></iq></offline-messages>"), ":7: <iq>: ", "no message")
    refused(server, user("<presence xmlns='jabber:client' from='a@b'/>"), ":5: <presence>: ")
    refused(server, user("\n<blocklist xmlns='urn:xmpp:blocking'><item jid='@'/></blocklist>"),
            ":6: <blocklist>: ")
    scram = ("<scram-credentials xmlns='urn:xmpp:pie:0#scram' mechanism='SCRAM-SHA-1'><iter-count>{}"
             "</iter-count><salt>{}</salt><server-key>{}</server-key><stored-key>{}</stored-key>"
             "</scram-credentials>")
    key = "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
    for given in (("1", key, key, key), ("x", key, key, key), ("4096", "", key, key),
                  ("4096", key, "AAAA", key), ("4096", key, key, "not base64"),
                  ("99999999999999999999", key, key, key)):
        refused(server, user(scram.format(*given)), ":5: <scram-credentials>: ")
    refused(server, user("", more=""), ":4: <user>: ", "neither a password nor keys")
    refused(server, user("", more="password='&#7;'"), "")
    refused(server, user("", name="a b"), ":4: <user>: ", "no user's name")
    refused(server, user("", name=""), ":4: <user>: ")
    refused(server, user("", host="elsewhere.test"), ":4: <user>: ", "not have that domain")
    refused(server, user("\n\n<vCard xmlns='vcard-temp'>\n<FN></NF></vCard>"), "wrong.xml:8: ")
    refused(server, user("<vCard xmlns='vcard-temp'><FN>" + "x" * 300000 + "</FN></vCard>"),
            "vcard.max_bytes")
    refused(server, "<user xmlns='urn:xmpp:pie:0' name='a' password='b'/>", ":1: <user>: ")
    refused(server, "", "empty")


@suite.check("what is not known here is named and left out")
def _(server):
    text = user("<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='a'/></pubsub>\n"
                "<query xmlns='jabber:iq:privacy'><default name='a'/><list name='a'>\n"
                "<item type='jid' value='evil@b' action='deny' order='1'/>\n"
                "<item type='group' value='Foes' action='deny' order='2'/>\n"
                "</list><list name='c'><item action='deny' order='1'/></list></query>\n"
                "<offline-messages><message xmlns='jabber:client' from='a@b' type='headline'/>"
                "</offline-messages>\n<presence xmlns='jabber:client' type='subscribe' from='a@b'>"
                f"<status>{'x' * 20000}</status></presence>", more="password='secret' xmlns:p='urn:p' p:created='1'")
    answer = done(server, "user", "import-xml", written("unknown.xml", text))
    for told in (":5: <pubsub>: ", ":8: <item>: a rule", "<query>: a list that is not the default",
                 "<message>: a message of its kind", "<presence>: it is too large"):
        assert told in answer.stderr or told.replace(":8: <item>", ":6: <list>") in answer.stderr, \
            f"no {told!r} in {answer.stderr!r}"
    exported = done(server, "user", "export", "paris@kith.test").stdout
    assert "from='a@b'" in exported and "xxxx" not in exported
    assert "value='evil@b'" in exported and "Foes" not in exported and "headline" not in exported
    done(server, "user", "delete", "paris@kith.test")


@suite.check("included files are read, if they lie in the folder or below")
def _(server):
    include = "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='{}'/>"
    main = f"<server-data xmlns='urn:xmpp:pie:0'>{include.format('kith%2etest.xml')}</server-data>"
    host = f"<host xmlns='urn:xmpp:pie:0' jid='kith.test'>{include.format('kith.test/p.xml')}</host>"
    inner = (f"<user xmlns='urn:xmpp:pie:0' name='paris' password='secret'>{include.format('c.xml')}"
             f"<query xmlns='jabber:iq:private'><a xmlns='urn:a'>{include.format('/etc/hosts')}</a>"
             "</query></user>")
    path = written("all/main.xml", main)
    written("all/kith.test.xml", host)
    written("all/kith.test/p.xml", inner)
    written("all/kith.test/c.xml", "<vCard xmlns='vcard-temp'><FN>Paris</FN></vCard>")
    done(server, "user", "import-xml", path)
    exported = done(server, "user", "export", "paris@kith.test").stdout
    assert "<FN>Paris</FN>" in exported and "/etc/hosts" in exported
    done(server, "user", "delete", "paris@kith.test")
    for href in ("../first.xml", "/etc/passwd", "a/../../first.xml", "%2e%2e/first.xml",
                 "file:///etc/passwd", ""):
        answer = server.ctl("user", "import-xml", written("all/main.xml", main.replace(
            "kith%2etest.xml", href)))
        assert answer.returncode == 1, href
        assert "same folder" in answer.stderr or "file:" in answer.stderr, answer.stderr


@suite.check("hostile files are refused with a reason, and the server goes on")
def _(server):
    laughs = "<!DOCTYPE a [<!ENTITY b 'c'>]>" + user("<x xmlns='y'>&b;</x>").split("?>\n")[1]
    refused(server, laughs)
    refused(server, user("<a xmlns='b'>" + "<a>" * 5000 + "</a>" * 5000 + "</a>"))
    refused(server, user("<a xmlns='b' " + " ".join(f"c{n}='d'" for n in range(500)) + "/>"))
    refused(server, user("<!-- no -->"))
    refused(server, user("<a xmlns='b'>&#0;</a>"))
    good = (WHERE / "first.xml").read_bytes()
    chance = random.Random(227)
    for _ in range(60):
        bad = bytearray(good)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(bad))
            if chance.random() < 0.5:
                bad[at] = chance.randrange(256)
            else:
                del bad[at:at + chance.randint(1, 200)]
        path = WHERE / "mutated.xml"
        path.write_bytes(bytes(bad))
        answer = server.ctl("user", "import-xml", str(path))
        assert answer.returncode in (0, 1), f"status {answer.returncode}: {answer.stderr}"
        assert answer.returncode == 0 or answer.stderr, "no reason"
    for name in done(server, "user", "list").stdout.split():
        if name.split("@")[0] not in ("juliet", "romeo"):
            done(server, "user", "delete", name)
    assert server.alive()


class ProsodyWithFiles(prosody_server.Prosody):
    """It keeps each account in a file of XEP-0227."""

    def _write_accounts(self):
        os.makedirs(os.path.join(self.dir, "data"), exist_ok=True)

    def _write_config(self):
        super()._write_config()
        path = os.path.join(self.dir, "prosody.cfg.lua")
        with open(path, encoding="utf-8") as config:
            text = config.read()
        with open(path, "w", encoding="utf-8") as config:
            text = text.replace('"offline" }', '"offline", "vcard", "private" }')
            config.write(text.replace("internal_plain", "internal_hashed").replace(
                "VirtualHost", 'storage = "xep0227"\nVirtualHost', 1))
        for name, password in self.users.items():
            made = subprocess.run(["prosodyctl", "--root", "--config", path, "register", name,
                                   self.domain, password], capture_output=True, text=True,
                                  check=False)
            assert made.returncode == 0, made.stdout + made.stderr


@suite.check("the largest roster arrives, whole and at once, and a larger one does not")
def _(server):
    def roster(count):
        items = "".join(f"<item jid='contact{n}@montague.test' name='{'n' * 80}' subscription='both'>"
                        "<group>Friends and family</group></item>" for n in range(count))
        return user(f"<query xmlns='jabber:iq:roster'>{items}</query>")
    done(server, "user", "import-xml", written("large.xml", roster(4500)))
    server.users["paris"] = "secret"
    with Client.login(server, "paris") as paris:
        answer = paris.iq("get", "<query xmlns='jabber:iq:roster' ver=''/>")
        assert len(answer[0]) == 4500, len(answer[0])
        version = answer[0].get("ver")
        assert len(paris.iq("get", f"<query xmlns='jabber:iq:roster' ver='{version}'/>")) == 0
        paris.logout()
    exported = done(server, "user", "export", "paris@kith.test").stdout
    done(server, "user", "delete", "paris@kith.test")
    refused(server, roster(6000), "<item>: ", "max_roster_items")
    return f"{len(exported) >> 10} KiB"


@suite.check("keys that ejabberd writes in place of a password let their owner in")
def _(server):
    salt, count = b"0123456789abcdef", 4096
    for hash_name, written_name, mechanism in (("sha1", "", "SCRAM-SHA-1"),
                                               ("sha256", "sha256,", "SCRAM-SHA-256")):
        salted = hashlib.pbkdf2_hmac(hash_name, b"scram:me", salt, count)
        client = hmac.digest(salted, b"Client Key", hash_name)
        keys = (hashlib.new(hash_name, client).digest(), hmac.digest(salted, b"Server Key", hash_name),
                salt)
        told = ",".join(base64.b64encode(key).decode() for key in keys)
        text = user("", more=f"password='scram:{written_name}{told},{count}'")
        done(server, "user", "import-xml", written("ejabberd.xml", text))
        server.users["paris"] = "scram:me"
        Client.login(server, "paris", mechanism=mechanism).close()
        done(server, "user", "delete", "paris@kith.test")
    done(server, "user", "import-xml", written("ejabberd.xml", user("", more="password='scram:me'")))
    Client.login(server, "paris", mechanism="SCRAM-SHA-256").close()
    done(server, "user", "delete", "paris@kith.test")
    refused(server, user("", more="password=''"), "neither a password nor keys")


def prosody_file():
    """What Prosody keeps of juliet."""
    users = {"juliet": "r0m30myr0m30", "romeo": "th3b4lc0ny"}
    with ProsodyWithFiles(users=users) as prosody:
        with Client.login(prosody, "juliet") as juliet, Client.login(prosody, "romeo") as romeo:
            juliet.be_present()
            romeo.be_present()
            juliet.iq("set", f"<query xmlns='jabber:iq:roster'>{ITEMS[0]}</query>")
            one = PRIVATE[:PRIVATE.index("<storage")] + "</query>"
            for payload in (CARD, one):
                assert juliet.iq("set", payload).get("type") == "result", payload
            romeo.send("<presence type='subscribe' to='juliet@kith.test'/>")
            juliet.expect("presence", lambda p: p.get("type") == "subscribe")
            juliet.logout()
            romeo.logout()
        prosody.stop()
        found = sorted(pathlib.Path(prosody.dir).glob("**/juliet*.xml"))
        assert found, prosody.log()
        return written("prosody.xml", found[0].read_text(encoding="utf-8"))


@suite.check("an account of Prosody, as its storage of XEP-0227 writes it, arrives with what it had")
def _(_server):
    path = prosody_file()
    with make_server(users={"nurse": "other"}, settings=SETTINGS) as fresh:
        answer = done(fresh, "user", "import-xml", path)
        fresh.users["juliet"] = "r0m30myr0m30"
        with Client.login(fresh, "juliet", mechanism="PLAIN") as juliet:
            roster = juliet.iq("get", "<query xmlns='jabber:iq:roster'/>")
            names = {item.get("jid"): item for item in roster[0]}
            assert names["nurse@kith.test"].get("name") == "The 'Nurse' & co"
            assert len(names["nurse@kith.test"]) == 2
            card = juliet.iq("get", "<vCard xmlns='vcard-temp'/>")
            assert card.findtext(".//{vcard-temp}FN") == "Juliet & <Capulet>"
            juliet.be_present()
            juliet.expect("presence", lambda p: p.get("type") == "subscribe")
            juliet.logout()
    return answer.stderr.strip().replace("\n", "; ")


suite.run()
