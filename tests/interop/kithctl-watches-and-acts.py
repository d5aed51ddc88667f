#!/usr/bin/python3
"""kithctl: who is signed in, what they keep, what the server needs, and what can be done about it."""
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading

from checks import Suite
from crowd import allow_descriptors
from kith_server import ROOT, program, wait_until
from xmpp_client import AuthFailed, Client, StreamError, body_of, local

suite = Suite("an operator watches, and acts", domains=["second.test"],
              settings={"auth.iterations": "4096", "server.shards": "3"})
MANY = 1500
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def done(server, *words, **more):
    answer = server.ctl(*words, **more)
    assert answer.returncode == 0, f"{words}: {answer.stderr}"
    assert answer.stderr == "", answer.stderr
    return answer.stdout


def told(server, *words):
    return json.loads(done(server, "--json", *words))


def refused(server, *words, status=1, says=""):
    for options in ([], ["--json"]):
        answer = server.ctl(*options, *words)
        assert answer.returncode == status, f"{words}: {answer.returncode}, {answer.stdout}"
        assert answer.stdout == "", answer.stdout
        assert says in answer.stderr and answer.stderr.startswith(("kithctl: ", "usage: ")), answer.stderr


def roster_set(client, item):
    client.iq("set", f"<query xmlns='jabber:iq:roster'>{item}</query>")


@suite.check("sessions says who is here, from where, how and since when")
def _(server):
    assert told(server, "sessions") == []
    assert done(server, "sessions") == ""
    with Client.login(server, "juliet", "balcony") as juliet, \
            Client.login(server, "juliet", "orchard", tls="direct"), \
            Client.login(server, "romeo", "mäntel \"x\"\\", source="127.0.0.9") as romeo:
        juliet.send("<presence><show>dnd</show><status>a &lt;show></status><priority>-7</priority></presence>")
        romeo.be_present()
        juliet.ping()
        sessions = {s["session"]: s for s in told(server, "sessions")}
        assert set(sessions) == {"juliet@kith.test/balcony", "juliet@kith.test/orchard",
                                 "romeo@kith.test/mäntel \"x\"\\"}, list(sessions)
        balcony = sessions["juliet@kith.test/balcony"]
        assert (balcony["show"], balcony["priority"]) == ("dnd", -7), balcony
        assert sessions["juliet@kith.test/orchard"]["show"] == "unavailable"
        others = sessions["romeo@kith.test/mäntel \"x\"\\"]
        assert (others["show"], others["priority"], others["peer"]) == ("available", 0, "127.0.0.9")
        for s in sessions.values():
            assert s["tls"].startswith("TLSv1.") and s["cipher"], s
            assert STAMP.match(s["since"]) and STAMP.match(s["heard"]) and s["heard"] >= s["since"], s
            assert s["queue_bytes"] == 0 and 0 <= s["shard"] < 3, s
        assert balcony["shard"] == sessions["juliet@kith.test/orchard"]["shard"]
        assert len(told(server, "sessions", "juliet@kith.test")) == 2
        assert [s["session"] for s in told(server, "sessions", "Juliet@kith.test/orchard")] == \
            ["juliet@kith.test/orchard"]
        assert told(server, "sessions", "nobody@kith.test") == []
        table = done(server, "sessions").splitlines()
        assert table[0].split() == ["session", "peer", "tls", "cipher", "since", "heard", "show",
                                    "priority", "queue", "size", "shard"], table[0]
        assert len(table) == 4
    refused(server, "sessions", "@kith.test", says="address")
    refused(server, "sessions", "juliet@elsewhere.test", says="domain")


@suite.check("kick ends one session or all of an account, and tells the reason")
def _(server):
    with Client.login(server, "juliet", "a") as one, Client.login(server, "juliet", "b") as two, \
            Client.login(server, "juliet", "c") as three:
        answer = told(server, "kick", "juliet@kith.test/a", "go & <rest>,\n\tjuliet")
        assert answer == {"sessions": 1}, answer
        try:
            one.expect("error")
        except StreamError as error:
            why = [e.text for e in error.element if local(e) == "text"]
        assert why == ["go & <rest>,\n\tjuliet"], why
        two.ping()
        assert told(server, "kick", "juliet@kith.test") == {"sessions": 2}
        assert two.stream_error() == three.stream_error() == "policy-violation"
    refused(server, "kick", "juliet@kith.test", says="no such session")
    refused(server, "kick", "nobody@kith.test/a", says="no such session")
    refused(server, "kick", status=2)


@suite.check("admins of a domain come and go, and who is deleted is none of them")
def _(server):
    before = told(server, "admin", "list")
    command = ("<command xmlns='http://jabber.org/protocol/commands'"
               " node='http://jabber.org/protocol/admin#get-online-users-num'/>")
    done(server, "user", "add", "gregory@kith.test", "coals")
    done(server, "admin", "add", "gregory@kith.test")
    mine = {"address": "gregory@kith.test", "of": "kith.test"}
    assert told(server, "admin", "list") == before + [mine]
    with Client.login(server, "gregory", password="coals") as gregory:
        assert gregory.iq("set", command, to="kith.test").get("type") == "result"
        done(server, "admin", "remove", "gregory@kith.test")
        assert gregory.iq("set", command, to="kith.test").get("type") == "error"
    assert told(server, "admin", "list") == before
    done(server, "admin", "add", "gregory@kith.test")
    done(server, "user", "delete", "gregory@kith.test")
    assert told(server, "admin", "list") == before
    refused(server, "admin", "add", "nobody@kith.test", says="no such account")
    refused(server, "admin", "remove", "juliet@kith.test", says="no admin of its domain")


@suite.check("an announcement reaches all who are here, or those of one domain")
def _(server):
    done(server, "user", "add", "mercutio@second.test", "queen mab")
    with Client.login(server, "juliet", presence=True) as juliet, \
            Client.login(server, "mercutio", password="queen mab", domain="second.test") as mercutio:
        text = "Back at 5 & <soon>\nReally."
        assert told(server, "announce", text) == {"sessions": 2}
        for client, domain in ((juliet, "kith.test"), (mercutio, "second.test")):
            message = client.expect("message")
            assert body_of(message) == text, body_of(message)
            assert message.get("from") == domain and message.get("type") == "headline"
        assert told(server, "announce", "only you", "--host", "Second.Test") == {"sessions": 1}
        assert body_of(mercutio.expect("message")) == "only you"
        juliet.got_nothing_before(juliet)
    refused(server, "announce", "x", "--host", "elsewhere.test", says="domain")
    refused(server, "announce", "", says="nothing to announce")
    refused(server, "announce", "&" * 20000, says="too long")
    refused(server, "stats", "--host", "kith.test", status=2, says="--host")


@suite.check("user show counts what is kept for someone who is away")
def _(server):
    done(server, "user", "add", "paris@kith.test", "county")
    fresh = told(server, "user", "show", "paris@kith.test")
    assert fresh["last_login"] is None and fresh["last_left"] is None, fresh
    assert (fresh["sessions"], fresh["offline_messages"], fresh["contacts"]) == (0, 0, 0), fresh
    with Client.login(server, "juliet") as juliet:
        for i in range(3):
            juliet.message("paris@kith.test", f"no {i}")
        juliet.ping()
        wait_until(lambda: told(server, "user", "show", "paris@kith.test")["offline_messages"] == 3, 10)
    with Client.login(server, "paris", password="county") as paris:
        roster_set(paris, "<item jid='juliet@kith.test' name='my love'><group>a</group></item>")
        shown = told(server, "user", "show", "paris@kith.test")
        assert shown["address"] == "paris@kith.test" and shown["disabled"] is False
        assert (shown["sessions"], shown["contacts"], shown["offline_messages"]) == (1, 1, 3), shown
        assert 100 < shown["offline_bytes"] < 3000 and STAMP.match(shown["last_login"]), shown
    text = done(server, "user", "show", "paris@kith.test")
    assert re.search(r"^offline messages +3$", text, re.M), text
    refused(server, "user", "show", "nobody@kith.test", says="no such account")
    refused(server, "user", "show", "paris@kith.test/home", says="slash")


@suite.check("a disabled account's sessions end, nobody signs in, and enabling undoes it")
def _(server):
    with Client.login(server, "paris", password="county") as paris:
        done(server, "user", "disable", "paris@kith.test")
        assert paris.stream_error() == "not-authorized"
    assert told(server, "user", "show", "paris@kith.test")["disabled"] is True
    try:
        Client.login(server, "paris", password="county").close()
        raise AssertionError("a disabled account signed in")
    except AuthFailed as error:
        assert error.condition == "account-disabled", error
    done(server, "user", "enable", "paris@kith.test")
    Client.login(server, "paris", password="county").close()
    assert told(server, "user", "show", "paris@kith.test")["disabled"] is False
    refused(server, "user", "disable", "nobody@kith.test", says="no such account")
    refused(server, "user", "enable", "nobody@kith.test", says="no such account")


@suite.check("roster and vCard are shown, whatever their owner wrote into them")
def _(server):
    with Client.login(server, "romeo") as romeo:
        roster_set(romeo, "<item jid='juliet@kith.test' name='J&#10;\t&#x9b;2J \"x\"'>"
                   "<group>friends</group><group>a, b</group></item>")
        roster_set(romeo, "<item jid='nurse@kith.test'/>")
        romeo.iq("set", "<vCard xmlns='vcard-temp'><FN>Romeo &lt;M></FN><N><FAMILY>Montague</FAMILY>"
                 "<GIVEN/></N><TEL><HOME/><NUMBER>1</NUMBER></TEL><TEL><NUMBER>2</NUMBER></TEL>"
                 f"<PHOTO><BINVAL>{'QUJD' * 500}</BINVAL></PHOTO></vCard>")
    contacts = {c["contact"]: c for c in told(server, "roster", "romeo@kith.test")}
    juliet = contacts["juliet@kith.test"]
    assert "\x9b" in juliet["name"] and juliet["groups"] == ["friends", "a, b"], juliet
    assert contacts["nurse@kith.test"]["name"] is None and contacts["nurse@kith.test"]["groups"] == []
    assert juliet["subscription"] == "none" and juliet["ask"] is None and juliet["approved"] is False
    for output in (done(server, "roster", "romeo@kith.test"), done(server, "vcard", "romeo@kith.test")):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", output), repr(output)
        assert max(map(len, output.splitlines())) < 250
    card = [(c["property"], c["value"]) for c in told(server, "vcard", "romeo@kith.test")]
    assert card == [("FN", "Romeo <M>"), ("N/FAMILY", "Montague"), ("N/GIVEN", ""), ("TEL/HOME", ""),
                    ("TEL/NUMBER", "1"), ("TEL/NUMBER", "2"), ("PHOTO/BINVAL", "QUJD" * 500)], card
    assert told(server, "vcard", "juliet@kith.test") == [] == told(server, "roster", "juliet@kith.test")
    refused(server, "vcard", "nobody@kith.test", says="no such account")
    refused(server, "roster", "nobody@kith.test", says="no such account")


@suite.check("the log's level changes while the server runs")
def _(server):
    assert done(server, "log", "level") == "info\n"
    before = len(server.log())
    done(server, "log", "level", "error")
    Client.login(server, "juliet", "quiet").close()
    assert done(server, "log", "level", "debug") == "debug\n"
    Client.login(server, "juliet", "loud").close()
    wait_until(lambda: "/loud" in server.log()[before:], 10, "a line of the log")
    assert "/quiet" not in server.log()[before:]
    assert told(server, "log", "level", "info") == [{"level": "info"}]
    refused(server, "log", "level", "chatty", says="warning")
    refused(server, "log", status=2)


@suite.check("memory's figures go with what is there, and status finds the server well")
def _(server):
    def figures(shard="all"):
        return {row["what"]: row for row in told(server, "memory") if row["shard"] == shard}
    before = figures()
    clients = [Client.login(server, "juliet", f"r{i}", tls="direct") for i in range(10)]
    after = figures()
    for what in ("sessions", "connections", "with TLS"):
        assert after[what]["count"] == before[what]["count"] + 10, (what, before[what], after[what])
    assert after["connections"]["bytes"] > before["connections"]["bytes"]
    assert after["sessions"]["bytes"] >= 10 * 400, after["sessions"]
    assert after["caches"]["count"] > 0 and after["caches"]["bytes"] > 100, after["caches"]
    parts = sum(row["bytes"] or 0 for what, row in after.items()
                if what not in ("resident", "given out by the allocator", "kept free by the allocator"))
    given = after["given out by the allocator"]["bytes"]
    assert abs(parts - given) <= given * 0.02 or server.is_sanitized(), (parts, given)
    assert sum(figures(str(i))["sessions"]["count"] for i in range(3)) == 10
    rss = after["resident"]["bytes"]
    assert abs(rss - server.rss()) < server.rss() * 0.1, (rss, server.rss())
    status = told(server, "status")
    assert status["sessions"] == 10 and status["problems"] == [] and status["pid"] == server.pid, status
    assert status["domains"] == ["kith.test", "second.test"] and status["shards"] == 3
    assert status["directory"] == server.dir and STAMP.match(status["since"])
    for client in clients:
        client.close()


@suite.check(f"{MANY} sessions are listed whole, by two kithctl at once, and the server serves on")
def _(server):
    allow_descriptors(MANY + 500)
    lines = "".join(f"crowd{i}@kith.test:x\n" for i in range(50))
    done(server, "user", "import", "-", input=lines)
    clients = [Client.login(server, f"crowd{i % 50}", f"resource-{i}", password="x",
                            tls="direct")
               for i in range(MANY)]
    try:
        found = []
        threads = [threading.Thread(target=lambda: found.append(told(server, "sessions")))
                   for _ in range(2)]
        for thread in threads:
            thread.start()
        with Client.login(server, "romeo") as romeo:
            romeo.ping()
        for thread in threads:
            thread.join()
        for sessions in found:
            names = {s["session"] for s in sessions if s["session"].startswith("crowd")}
            assert len(names) == MANY, len(names)
        assert len(found) == 2
        assert told(server, "kick", "crowd7@kith.test") == {"sessions": MANY // 50}
    finally:
        for client in clients:
            client.close()


@suite.check("two that ask at once are both answered, and who goes in the middle disturbs nobody")
def _(server):
    running = [subprocess.Popen([program("kithctl"), "--dir", server.dir, "user", "import", "-"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True) for _ in range(3)]
    lines = ["".join(f"pair{k}-{i}@kith.test:x\n" for i in range(200)) for k in range(3)]
    gone = running[2]
    gone.stdin.write(lines[2])
    gone.stdin.flush()
    gone.send_signal(signal.SIGKILL)
    gone.communicate()
    threads = [threading.Thread(target=lambda k=k: running[k].communicate(lines[k])) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [p.returncode for p in running[:2]] == [0, 0], [p.returncode for p in running]
    accounts = done(server, "user", "list").split()
    assert len([a for a in accounts if a.startswith(("pair0", "pair1"))]) == 400


def ask_raw(server, data, answered=True):
    """What the server says to these bytes on its control socket; None: it closed."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        sock.connect(os.path.join(server.dir, "kithd.sock"))
        try:
            sock.sendall(data)
            return sock.recv(65536) if answered else None
        except (BrokenPipeError, ConnectionResetError):
            return b""


@suite.check("whatever comes over the socket is answered or cut, and the server serves on")
def _(server):
    rng = random.Random(3)
    verbs = re.findall(r'^\t\{ "([a-z-]+)", (\d), (\d)', (ROOT / "src/server/control_verbs.c").read_text(), re.M)
    assert len(verbs) > 15
    for name, least, most in verbs:
        if name in ("stop", "reload"):
            continue
        for count in range(0, 7):
            line = "\t".join([name, *(rng.choice(("", "juliet@kith.test/x", "\\", "@", "/", "a@b@c/d", "\\n" * 99,
                                                  "j\xff\0", "x" * 5000)) for _ in range(count))])
            answer = ask_raw(server, line.encode("latin-1") + b"\n")
            assert answer and (answer.startswith((b"=", b"ok\n", b"error "))), (line[:100], answer)
            if not int(least) <= count + 1 <= int(most):
                assert answer.startswith(b"error wrong number"), (name, count, answer)
    assert ask_raw(server, b"\n").startswith(b"error ")
    assert ask_raw(server, b"x" * (33 << 20)) == b"", "an endless line was not cut"
    assert ask_raw(server, b"stats\n" * 1000).count(b"=") > 0
    for _ in range(50):
        ask_raw(server, bytes(rng.choices(range(256), k=300)) + b"sessions\nstats", answered=False)
        ask_raw(server, b"sessions\nuser-list\nmemory\nbackup\n" * 20, answered=False)
    wait_until(lambda: server.ctl("backup", os.path.join(server.own_dir, "after")).returncode == 0, 20,
               "abandoned backups to end")
    found = json.loads(server.ctl("--json", "status").stdout)["problems"]
    assert [problem for problem in found if "a thread was at work" not in problem] == [], found
    Client.login(server, "juliet").close()


@suite.check("what an administrator changes is in the log, and no password")
def _(server):
    log = server.log()
    for words in ("command=kick", "command=announce", "command=user-disable"):
        assert words in log, words
    assert "county" not in log and "queen mab" not in log


@suite.check("a server that dies in the middle is told as that, with status 1")
def _(server):
    asking = subprocess.Popen([program("kithctl"), "--dir", server.dir, "user", "import", "-"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True)
    asking.stdin.write("last@kith.test:x\n")
    asking.stdin.flush()
    done(server, "stop")
    wait_until(lambda: not server.alive(), 20, "the server to end")
    _, said = asking.communicate("last2@kith.test:x\n" * 300)
    assert asking.returncode == 1 and "kithctl: the server" in said, (asking.returncode, said)
    refused(server, "sessions", says="no server answers")


suite.run()
