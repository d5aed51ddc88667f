#!/usr/bin/python3
"""Row 98: the wall clock jumps by an hour, by ten years, over 2038, back, and by a leap second;
nobody is thrown out, nothing waits for years, and what is stamped is readable and in order."""
import datetime
import glob
import os
import pathlib
import sys
import time

from checks import Suite
from kith_server import program, wait_until
from xmpp_client import PING, Client, body_of

HOUR, YEAR = 3600, 31557600
FILE = f"/tmp/kith-test-clock-{os.getpid()}"
JUMPS = {
    "an hour forward": HOUR, "an hour back": -HOUR, "ten years forward": 10 * YEAR,
    "ten years back": -10 * YEAR, "a leap second": 1, "a leap second back": -1,
    "just before 2038-01-19": datetime.datetime(2038, 1, 19, 3, 14, 6,
                                                tzinfo=datetime.timezone.utc).timestamp() - time.time(),
    "a hundred years forward": 100 * YEAR,
}


def set_clock(offset):
    with open(FILE + ".new", "w", encoding="ascii") as file:
        file.write(f"{offset:+.0f}\n")
    os.replace(FILE + ".new", FILE)


if b"__asan_init" in pathlib.Path(program("kithd")).read_bytes():
    print("skipped: libfaketime and ASan wait for each other at the start")
    sys.exit(0)
set_clock(0)
suite = Suite("row 98: the clock may jump", attack=True,
              settings={"c2s.idle_timeout": "3s", "c2s.answer_timeout": "3s"},
              env={"LD_PRELOAD": glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0],
                   "FAKETIME_TIMESTAMP_FILE": FILE, "FAKETIME_NO_CACHE": "1",
                   "FAKETIME_DONT_FAKE_MONOTONIC": "1"}.items())


def server_time(client):
    """Seconds since 1970, as the server says (XEP-0202)."""
    answer = client.iq("get", "<time xmlns='urn:xmpp:time'/>", to="kith.test")
    text = answer.findtext("{urn:xmpp:time}time/{urn:xmpp:time}utc")
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def jump(client, offset):
    set_clock(offset)
    wait_until(lambda: abs(server_time(client) - time.time() - offset) < 30, 20, "the server's clock")


def keep(client, body):
    """For romeo; he has it in his store when an answer came the same way."""
    client.message("romeo@kith.test", body)
    client.iq("get", f"<ping xmlns='{PING}'/>", to="romeo@kith.test")


def stamp_of(message):
    text = message.find("{urn:xmpp:delay}delay").get("stamp")
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


@suite.check("the server's clock is in our hands")
def _(server):
    with Client.login(server, "juliet") as juliet:
        assert abs(server_time(juliet) - time.time()) < 5
        jump(juliet, HOUR)
        jump(juliet, 0)


for what, offset in JUMPS.items():
    @suite.check(f"{what}: who is here stays, who comes comes in, what is kept has the time of then")
    def _(server, offset=offset):
        with Client.login(server, "juliet", presence=True) as juliet:
            keep(juliet, "before")
            jump(juliet, offset)
            keep(juliet, "after")
            with Client.login(server, "romeo", presence=True) as romeo:
                before = romeo.expect("message")
                after = romeo.expect("message")
                assert (body_of(before), body_of(after)) == ("before", "after"), "out of order"
                assert abs(stamp_of(after) - stamp_of(before) - offset) < 60
                juliet.message(romeo.jid, "now")
                romeo.expect_body("now")
            jump(juliet, 0)
            juliet.ping()


@suite.check("timers go on as if nothing had happened")
def _(server):
    """A silent client is asked after three seconds, and not after ten years or at once."""
    with Client.login(server, "juliet") as juliet:
        juliet.ping()
        start = time.monotonic()
        set_clock(10 * YEAR)
        ping = juliet.expect("iq", lambda e: e.get("type") == "get", 20)
        took = time.monotonic() - start
        assert 1.5 < took < 12, f"asked after {took:.1f} s"
        juliet.send(f"<iq type='result' id='{ping.get('id')}'/>")
        juliet.ping()
        jump(juliet, 0)


@suite.check("what was kept in the future is delivered in the past, in its order")
def _(server):
    with Client.login(server, "juliet") as juliet:
        for number, offset in enumerate((10 * YEAR, 0, -10 * YEAR, HOUR)):
            jump(juliet, offset)
            keep(juliet, f"number {number}")
        jump(juliet, 0)
        with Client.login(server, "romeo", presence=True) as romeo:
            got = [body_of(romeo.expect("message")) for _ in range(4)]
            assert got == [f"number {i}" for i in range(4)], got


try:
    suite.run()
finally:
    os.unlink(FILE)
