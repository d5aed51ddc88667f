#!/usr/bin/python3
"""Row 62: a vCard of 100 MB, pictures that lie about themselves; nothing is decoded, all is bounded."""
import base64

from checks import MIB, Suite, growth
from xmpp_client import Client, Closed, StreamError, error_of

VCARD = "vcard-temp"
MOST = 64 * 1024
suite = Suite("row 62: vCards have a size", attack=True, settings={"vcard.max_bytes": str(MOST)})


def card(data, kind="image/png"):
    return (f"<vCard xmlns='{VCARD}'><FN>Juliet</FN><PHOTO><TYPE>{kind}</TYPE>"
            f"<BINVAL>{data}</BINVAL></PHOTO></vCard>")


def get(client, to=None):
    answer = client.iq("get", f"<vCard xmlns='{VCARD}'/>", to=to)
    return answer.findtext(f"{{{VCARD}}}vCard/{{{VCARD}}}PHOTO/{{{VCARD}}}BINVAL")


@suite.check("100 MB of base64: the stream ends at its limit, and memory stays")
def _(server):
    def pour():
        with Client.login(server, "juliet") as juliet:
            juliet.try_send(f"<iq type='set' id='v'><vCard xmlns='{VCARD}'><PHOTO><BINVAL>")
            try:
                for _ in range(1600):
                    juliet.send("QUJD" * 16384)
            except OSError:
                return
            try:
                juliet.ping()
            except (StreamError, Closed, OSError):
                return
            raise AssertionError("all of it was read")
    more = growth(server, pour)
    assert server.is_sanitized() or more < 4 * MIB, f"{more >> 10} KiB"


@suite.check("over the option's size: an error, and the card before stays")
def _(server):
    with Client.login(server, "juliet") as juliet:
        assert juliet.iq("set", card("QUJD")).get("type") == "result"
        for size in (MOST, MOST + 1000, 3 * MOST):
            answer = juliet.iq("set", card("QUJD" * (size // 4)))
            assert answer.get("type") == "error", size
            assert error_of(answer) in ("not-acceptable", "policy-violation", "resource-constraint"), \
                error_of(answer)
        assert get(juliet) == "QUJD"


@suite.check("pictures that claim to be huge, that are none, or whose hash is another's: only text")
def _(server):
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\x7f\xff\xff\xff" * 2 + b"\x08\x06\0\0\0"
    gif = b"GIF89a\xff\xff\xff\xff\xf7\0\0"
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='9999999' height='9999999'/>"
    with Client.login(server, "juliet") as juliet, Client.login(server, "romeo") as romeo:
        for data in (png, gif, svg, b"", b"\0" * 3000):
            text = base64.b64encode(data).decode()
            assert juliet.iq("set", card(text)).get("type") == "result"
            assert (get(romeo, "juliet@kith.test") or "") == text
        for text in ("!!!!", "QUJ", "=", "QUJD\nQUJD", "\u00e4"):
            answer = juliet.iq("set", card(text))
            assert answer.get("type") == "result" or error_of(answer), text
        juliet.send("<presence><x xmlns='vcard-temp:x:update'><photo>" + "f" * 40 + "</photo></x></presence>")
        juliet.ping()


@suite.check("a thousand changes of a large card: memory stays")
def _(server):
    big = card("QUJD" * (MOST // 5))

    def change():
        with Client.login(server, "juliet") as juliet:
            for _ in range(300):
                assert juliet.iq("set", big).get("type") == "result"
    more = growth(server, change)
    assert server.is_sanitized() or more < 6 * MIB, f"{more >> 10} KiB"
    return f"{more >> 10} KiB more"


@suite.check("a card of a hundred thousand elements, or a hundred deep")
def _(server):
    for payload in ("<A/>" * 100000, "<A>" * 100 + "</A>" * 100, "<A B='c'/>" * 5000):
        with Client.login(server, "romeo") as romeo:
            try:
                answer = romeo.iq("set", f"<vCard xmlns='{VCARD}'>{payload}</vCard>")
                assert answer.get("type") == "result" or error_of(answer)
            except (StreamError, Closed, OSError):
                pass


suite.run()
