#!/usr/bin/python3
"""Prometheus' own parsers read /metrics under load: nothing is missing, twice, or goes back."""
import glob
import http.client
import os
import pathlib
import re
import socket
import stat
import subprocess
import time

from prometheus_client import parser as older
from prometheus_client.openmetrics import parser as openmetrics

from checks import Skip, Suite
from configured_server import make_certificate
from kith_server import program, wait_until
from xmpp_client import Client

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
MOST = 8192  # bytes of a request
CONFIG = 'metrics { listen = "127.0.0.1:0" }'
suite = Suite("prometheus reads the numbers", config=CONFIG, settings={"server.shards": "3"})


def address(server):
    found = re.search(r"monitoring may read.* port=(\d+)", server.log())
    return server.host, int(found.group(1))


def get(server, method="GET", path="/metrics", **fields):
    link = http.client.HTTPConnection(*address(server), timeout=10)
    try:
        link.request(method, path, headers=fields)
        answer = link.getresponse()
        return answer, answer.read()
    finally:
        link.close()


def raw(server, request, parts=1, half_close=False):
    """The status line of what comes back to these bytes, and whether the server then closed."""
    with socket.create_connection(address(server), 15) as sock:
        step = max(1, len(request) // parts)
        try:
            for at in range(0, len(request), step):
                sock.sendall(request[at:at + step])
            if half_close:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it had enough
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    return answer


def status(server, request, **how):
    answer = raw(server, request, **how)
    assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    assert b"\r\nConnection: close\r\n" in answer and b"\r\nDate: " in answer, answer
    return int(answer.split()[1])


def wait_served(server):
    """So many are served at once only; those who are gone make room."""
    def served():
        try:
            return status(server, b"GET /metrics HTTP/1.0\r\n\r\n") == 200
        except (ConnectionError, AssertionError):
            return False
    wait_until(served, 10, "room again")


def scrape(server):
    """All samples as {(name, labels): value}, and the families by name."""
    answer, body = get(server, Accept=f"{OPEN},text/plain;q=0.5")
    assert answer.status == 200 and answer.headers["Content-Type"] == OPEN, answer.headers
    text = body.decode()
    assert text.endswith("# EOF\n")
    families = {family.name: family for family in openmetrics.text_string_to_metric_families(text)}
    samples = {}
    for family in families.values():
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples, f"{key} is there twice"
            samples[key] = sample.value
    return samples, families


def total(samples, name):
    found = [value for (one, _), value in samples.items() if one == name]
    assert found, f"there is no {name}"
    return sum(found)


@suite.check("every family has a type, a sentence and samples in both formats, the same ones")
def _(server):
    samples, families = scrape(server)
    for family in families.values():
        assert family.type != "unknown" and family.samples, family
        assert family.documentation.endswith((".", "0.")), family
        assert family.name.startswith(("kith_", "process_")), family
    answer, body = get(server, Accept="*/*")
    assert answer.headers["Content-Type"] == TEXT, answer.headers
    names = {sample.name for family in older.text_string_to_metric_families(body.decode())
             for sample in family.samples}
    assert names == {name for name, _ in samples}, names ^ {name for name, _ in samples}
    return f"{len(families)} families, {len(samples)} samples, {len(body)} bytes"


@suite.check("under load counters only grow, and at its end they add up")
def _(server):
    before, _ = scrape(server)
    with Client.login(server, "juliet", "a", presence=True) as juliet, \
            Client.login(server, "romeo", "b", presence=True) as romeo:
        last, families = scrape(server)
        for turn in range(20):
            for number in range(25):
                juliet.message(romeo.jid, f"{turn} {number}")
            romeo.expect_body(f"{turn} 24")
            now, _ = scrape(server)
            for family in families.values():
                if family.type in ("counter", "histogram"):
                    for sample in family.samples:
                        key = (sample.name, tuple(sorted(sample.labels.items())))
                        assert now[key] >= last[key], (key, last[key], now[key])
            last = now
        assert total(last, "kith_sessions") == 2
        assert total(last, "kith_open_connections") == 2
    grown = {name: total(last, name) - total(before, name) for name in (
        "kith_messages_total", "kith_messages_delivered_total", "kith_stanzas_total",
        "kith_presences_total", "kith_iqs_total", "kith_sessions_bound_total",
        "kith_logins_total", "kith_tls_handshakes_total", "kith_received_bytes_total",
        "kith_sent_bytes_total", "kith_loop_turns_total")}
    assert grown["kith_messages_total"] == grown["kith_messages_delivered_total"] == 500, grown
    assert grown["kith_stanzas_total"] == grown["kith_messages_total"] + \
        grown["kith_presences_total"] + grown["kith_iqs_total"], grown
    assert grown["kith_sessions_bound_total"] == grown["kith_logins_total"] == 2, grown
    assert grown["kith_tls_handshakes_total"] == 2, grown
    assert grown["kith_received_bytes_total"] > 500 * 50 < grown["kith_sent_bytes_total"], grown
    for shard in "012":
        turns = last["kith_loop_turns_total", (("shard", shard),)]
        timed = last["kith_loop_turn_seconds_count", (("shard", shard),)]
        assert 0 <= turns - timed <= 1, (turns, timed)


@suite.check("kithctl stats says the same")
def _(server):
    samples, _ = scrape(server)
    told = server.stats()
    for name in ("sessions", "logins_total", "messages_total", "offline_kept_total",
                 "store_rows_total"):
        told_name = name.removesuffix("_total") if name.startswith("store") else name
        assert told[told_name] == total(samples, f"kith_{name}"), (name, told)


@suite.check("what modules and the store do is counted")
def _(server):
    before, _ = scrape(server)
    with Client.login(server, "juliet", "a", presence=True) as juliet:
        for number in range(5):
            juliet.message(f"romeo@{server.domain}", f"later {number}")
        juliet.ping()
    with Client.login(server, "romeo", "b", presence=True) as romeo:
        romeo.expect_body("later 4")
    wrong = None
    try:
        Client.login(server, "romeo", "c", password="wrong")
    except Exception as error:
        wrong = error
    assert wrong is not None
    now, _ = scrape(server)
    for name, least in (("kith_offline_kept_total", 5), ("kith_offline_delivered_total", 5),
                        ("kith_pings_total", 1), ("kith_login_failures_total", 1),
                        ("kith_store_transactions_total", 1), ("kith_store_commits_total", 1)):
        assert total(now, name) - total(before, name) >= least, name
    assert total(now, "kith_account_loads_total") >= 2
    answers = total(now, "kith_store_answer_seconds_count")
    assert answers == total(now, "kith_store_transactions_total") + \
        total(now, "kith_store_refusals_total") + total(now, "kith_store_failures_total"), answers
    assert 0 < total(now, "kith_store_answer_seconds_sum") < 60
    assert total(now, "kith_store_commit_rows_sum") >= total(now, "kith_store_rows_total") >= 5


@suite.check("the process is what the kernel says it is")
def _(server):
    samples, _ = scrape(server)
    assert abs(total(samples, "process_resident_memory_bytes") - server.rss()) < 8 << 20
    assert abs(total(samples, "process_open_fds") - server.descriptors()) <= 4
    assert abs(total(samples, "process_cpu_seconds_total") - server.cpu()) < 0.5
    assert 0 < time.time() - total(samples, "process_start_time_seconds") < 600
    assert total(samples, "kith_shards") == 3
    assert total(samples, "kith_worker_jobs") == 0


@suite.check("certificates tell their end")
def _(server):
    samples, _ = scrape(server)
    key = (("host", server.domain),)
    days = samples["kith_certificate_days_left", key]
    end = samples["kith_certificate_expiry_timestamp_seconds", key]
    assert 88 < days <= 90 and abs((end - time.time()) / 86400 - days) < 0.1, (days, end)


@suite.check("output that a client does not take is seen waiting, and gone with the client")
def _(server):
    with Client.login(server, "juliet", "a", presence=True) as juliet:
        romeo = Client.login(server, "romeo", "b", presence=True)
        for number in range(2000):  # more than the kernel's buffers hold; nobody reads
            juliet.message(romeo.jid, f"{number} " + "x" * 4000)
        wait_until(lambda: total(scrape(server)[0], "kith_output_queue_bytes") > 100000, 10,
                   "a queue")
        romeo.close()
        wait_until(lambda: total(scrape(server)[0], "kith_output_queue_bytes") == 0, 10,
                   "its end")
    most = total(scrape(server)[0], "kith_output_queue_highest_bytes")
    assert most > 100000, most
    return f"at most {most / 1024:.0f} KiB"


@suite.check("HEAD says what GET would, and is short")
def _(server):
    answer, body = get(server, "HEAD")
    assert answer.status == 200 and body == b"" and int(answer.headers["Content-Length"]) > 1000


@suite.check("what is no such request gets the status that the RFC names")
def _(server):
    host = b" HTTP/1.1\r\nHost: x\r\n\r\n"
    for request, expected in (
            (b"GET /metrics" + host, 200), (b"GET /" + host, 404), (b"POST /metrics" + host, 405),
            (b"BREW /metrics" + host, 501), (b"GET /metrics HTTP/3.0\r\n\r\n", 505),
            (b"GET /metrics HTTP/1.1\r\n\r\n", 400), (b"GET /metrics HTTP/1.1\n\n", 400),
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", 400),
            (b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
            (b"GET /" + b"a" * MOST + host, 414),
            (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * MOST + b"\r\n\r\n", 431)):
        assert status(server, request) == expected, request[:60]
        assert status(server, request, parts=7) == expected, request[:60]
    answer = raw(server, b"PUT /metrics" + host)
    assert b"\r\nAllow: GET, HEAD\r\n" in answer, answer


@suite.check("more than was asked for, or less, harms nobody")
def _(server):
    whole = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    assert raw(server, whole * 50).count(b"HTTP/1.1 200 OK") == 1
    assert status(server, b"GET /" + b"a" * (1 << 20)) == 414
    for cut in (b"", whole[:10], whole[:-2]):
        with socket.create_connection(address(server), 5) as sock:
            sock.sendall(cut)
    for _ in range(50):  # goes away while the numbers are collected
        with socket.create_connection(address(server), 5) as sock:
            sock.sendall(whole)
    wait_served(server)


@suite.check("who says nothing is sent away, and too many at once are refused")
def _(server):
    start = time.monotonic()
    silent = [socket.create_connection(address(server), 20) for _ in range(40)]
    for sock in silent[:32]:
        sock.sendall(b"GET /metrics HTTP/1.1\r\n")
    assert silent[39].recv(1) == b"", "the last one is served"
    assert silent[0].recv(100).startswith(b"HTTP/1.1 408 ")
    took = time.monotonic() - start
    for sock in silent:
        sock.close()
    assert 9 < took < 14, took
    wait_served(server)
    return f"after {took:.1f} s"


# ---- Where it listens ----

def check_config(server, extra):
    where = pathlib.Path(server.own_dir) / "other.conf"
    where.write_text(server.text(extra))
    return subprocess.run([program("kithd"), "--check", "--config", where], capture_output=True,
                          text=True, timeout=30, check=False)


@suite.check("an address that others reach is refused unless an option says so")
def _(server):
    for listen in ("0.0.0.0:9469", "[::]:9469", "192.0.2.1:9469"):
        answer = check_config(server, f'metrics {{ listen = "{listen}" }}')
        assert answer.returncode == 1 and "allow_remote" in answer.stderr, answer
        answer = check_config(server, f'metrics {{ listen = "{listen}" allow_remote = yes }}')
        assert answer.returncode == 0, answer
    for listen in ("localhost:9469", "9469", "127.0.0.1", ""):
        answer = check_config(server, f'metrics {{ listen = "{listen}" }}')
        assert answer.returncode == 1 and "give an address and a port" in answer.stderr, answer


@suite.check("a reload does not move it")
def _(server):
    server.write('metrics { listen = "127.0.0.1:1" }')
    assert "metrics.listen cannot change while the server runs" in server.reload()
    server.write(CONFIG)
    assert server.reload() == ""
    assert get(server)[0].status == 200


@suite.check("a Unix socket outside the data directory works in the sandbox, and goes at the end")
def _(server):
    path = pathlib.Path(server.own_dir) / "numbers"
    server.stop()
    server.config = f'metrics {{ listen = "{path}" }}'
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))  # of a server that was killed
    left.close()
    pathlib.Path(server.log_path).write_text("")
    server.users = {}
    server.start()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(path))
        sock.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and b"kith_sessions" in answer
    assert server.stop() == 0 and not path.exists()


@suite.check("nobody listens by default, and a file in the way is kept")
def _(server):
    path = pathlib.Path(server.own_dir) / "a file"
    path.write_text("mine")
    server.config = ""
    pathlib.Path(server.log_path).write_text("")
    server.start()
    assert "monitoring" not in server.log()
    server.stop()
    server.write(f'metrics {{ listen = "{path}" }}')
    answer = subprocess.run([program("kithd"), "--config", server.file], capture_output=True,
                            text=True, timeout=30, check=False)
    assert answer.returncode == 1 and "cannot listen on metrics.listen" in answer.stderr, answer
    assert path.read_text() == "mine"


# ---- Certificates ----

def warnings(server, days, later="+0"):
    """What the log says of a certificate of that life, when the server starts so much later."""
    make_certificate(server.certs, server.domain, days=days)
    pathlib.Path(server.log_path).write_text("")
    server.config, server.env = "", {**os.environ, "LD_PRELOAD": faketime(), "FAKETIME": later}
    server.start()
    server.stop()
    return [line for line in server.log().splitlines() if "a certificate" in line]


def faketime():
    return glob.glob("/usr/lib/*/faketime/libfaketime.so.1")[0]


@suite.check("a certificate that ends soon is a warning, a fresh short-lived one is not")
def _(server):
    binary = pathlib.Path(program("kithd")).read_bytes()
    if b"__asan_init" in binary or b"__tsan_init" in binary:
        raise Skip("a sanitizer and libfaketime do not go together")
    for days, later in ((90, "+70d"), (20, "+1d"), (6, "+2d")):
        assert warnings(server, days, later) == [], (days, later)
    for days, later, left in ((90, "+80d", 9), (20, "+11d", 8), (6, "+4d", 1)):
        found = warnings(server, days, later)
        assert len(found) == 1 and "warning: a certificate ends soon" in found[0], found
        assert f"host={server.domain} " in found[0] and found[0].endswith(f"days={left}"), found
    found = warnings(server, 6, "+7d")
    assert len(found) == 1 and "warning: a certificate is not valid today" in found[0], found


suite.run()
