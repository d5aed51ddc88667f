#!/usr/bin/python3
"""Row 59: 5,000 addresses with letters that look alike, join, turn, vanish or grow; the server's one
form of each is that of another implementation of RFC 8264 and 8265, or both refuse it."""
import random
import unicodedata
from xml.sax.saxutils import quoteattr

import idna
import precis_i18n

from checks import Suite
from xmpp_client import PING, Client, error_of

suite = Suite("row 59: an address has one form", attack=True)
CASES, WINDOW = 5000, 100
LETTERS = list(
    "aAzZ09._-~!#$%()*+,;=?[]^`{|}" '"&\'/:<>@ \\'
    "\u0130\u0131\u0049\u017f\u212a\u212b\u00c5\u00df\u1e9e\u03a3\u03c2\u03c3\u0390\u03b0\u1f80\u1fb3\u01c4\u01c5\u01c6"
    "\u0430\u0440\u0391\u0410\uff21\uff41\uff20\uff0f\uff76\uff76\uff9e\u30ac\u3000\u2003\u00a0\u1680\u205f"
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u202a\u202e\u2066\u2069\u061c"
    "\u0301\u0300\u0323\u0345\u1ab0\u20dd\u0660\u06f0\u0967\u0e33\u0eb3\u1d2c\u00aa\u00b2\u2070\u2163\u2173\u24b6"
    "\u05d0\u0627\u0628\u0640\u0671\u07c1\u0900\u094d\u0b95\u0dca\u1100\u1161\u11a8\uac00\ud7a3\u115f\u3164\uffa0"
    "\u4e00\u3007\u30fb\u00b7\u0375\u05f3\u05f4\u02bb\u2019\u2126\u00e9\u1e9b\ufb01\ufb00\ufdfa\u2026\u00bd\u2121"
    "\U0001f600\U0001f468\U0001d400\U0001d7d8\U00010400\U00010428\U0001e900\U0001e922\U000e0041\U000e0100\ufe0f\ufffd"
    "\ue000\ufdd0\u0378\U0001f1e6\u2200\u20ac\u00d7\u00a9\u2116\u3231\u33c2\ua7ae\u10a0\u2d00\u13a0\uab70\u13f8\u0149\u1e96"
)
LONG = ["a" * 1023, "a" * 1024, "\u00e9" * 511 + "a", "\u00e9" * 512, "A\u030a" * 511, "\u0390" * 341, "\u1fb7" * 341]
USERNAME = precis_i18n.get_profile("UsernameCaseMapped")
OPAQUE = precis_i18n.get_profile("OpaqueString")
IDENTIFIER = precis_i18n.get_profile("IdentifierClass")
FREEFORM = precis_i18n.get_profile("FreeFormClass")
FORBIDDEN = set('"&\'/:<>@')


def made_up(seed):
    """Every letter alone and beside others, then random words of them; always the same."""
    words = [form.format(c) for c in LETTERS for form in ("{0}", "a{0}", "{0}a", "a{0}b", "{0}{0}")]
    dice = random.Random(seed)
    while len(words) < CASES - len(LONG):
        words.append("".join(dice.choices(LETTERS, k=dice.randint(1, 7))))
    return words[:CASES - len(LONG)] + LONG


def is_known(text):
    """Whether Python's tables have its characters; Debian's data for ours are newer."""
    return all(unicodedata.category(c) != "Cn" or 0xfdd0 <= ord(c) <= 0xfdef for c in text)


def without_width(text):
    return "".join(unicodedata.normalize("NFKC", c) if unicodedata.decomposition(c).startswith(("<wide>", "<narrow>"))
                   else c for c in text)


def local_part(text):
    """RFC 7622, 3.3. What is not allowed as it is typed is refused, whatever it would become (RFC 8265, 3.3.2)."""
    try:
        IDENTIFIER.enforce(without_width(text))
        done = USERNAME.enforce(text)
    except UnicodeEncodeError:
        return None
    return None if FORBIDDEN & set(done) or not 0 < len(done.encode()) <= 1023 else done


def resource_part(text):
    """RFC 7622, 3.4; RFC 8265, 4.2.1."""
    try:
        FREEFORM.enforce(text)
        done = OPAQUE.enforce(text)
    except UnicodeEncodeError:
        return None
    return done if 0 < len(done.encode()) <= 1023 else None


def forms(server, addresses):
    """What the server makes of each: how it signs its answer, or None."""
    results = []
    with Client.login(server, "juliet", timeout=60) as juliet:
        for start in range(0, len(addresses), WINDOW):
            part = addresses[start:start + WINDOW]
            for number, address in enumerate(part):
                juliet.send(f"<iq type='get' id='q{number}' to={quoteattr(address)}><ping xmlns='{PING}'/></iq>")
            for number in range(len(part)):
                answer = juliet.answer(f"q{number}")
                bad = error_of(answer) == "jid-malformed"
                results.append(None if bad else answer.get("from"))
    return results


def compare(server, words, make, expect, skip=()):
    words = [word for word in words if is_known(word) and not set(skip) & set(word)]
    wrong = []
    for word, got in zip(words, forms(server, [make(word) for word in words])):
        wanted = expect(word)
        wanted = None if wanted is None else make(wanted)
        if got != wanted:
            wrong.append(f"{word!a}: {got!a}, not {wanted!a}")
    assert not wrong, f"{len(wrong)} of {len(words)}: " + "; ".join(wrong[:12])
    return f"{len(words)} addresses"


@suite.check("names of accounts")
def _(server):
    return compare(server, made_up(59), lambda word: f"{word}@kith.test", local_part, skip="@/")


@suite.check("resources, which may have @ and /")
def _(server):
    return compare(server, made_up(60), lambda word: f"nobody@kith.test/{word}", resource_part)


@suite.check("domains: ours in every spelling, others' in one form, or refused")
def _(server):
    for typed in ("KITH.TEST", "kith.test.", "kith\u3002test", "kith\uff0etest", "\uff4bith.test", "Kith.Test"):
        got = forms(server, [typed])[0]
        assert got == "kith.test", (typed, got)
    for typed, wanted in (("B\u00fccher.example", "b\u00fccher.example"), ("fa\u00df.example", "fa\u00df.example"),
                          ("xn--bcher-kva.example", "b\u00fccher.example"), ("\u0430\u0431\u0432.example", "\u0430\u0431\u0432.example"),
                          ("xn--a.example", None), ("-a.example", None), ("a" * 64 + ".example", None), ("a..example", None)):
        got = forms(server, [typed])[0]
        assert got == wanted, (typed, got, wanted)
        if wanted is not None and not typed.startswith("xn--"):
            assert idna.decode(idna.encode(typed, uts46=True)) == wanted, "the other implementation says otherwise"


@suite.check("who is made by one spelling signs in by each other one, and nobody else is made")
def _(server):
    for made, *others in (("Stra\u00dfe", "stra\u00dfe"), ("\uff21dam", "adam", "Adam"), ("\u00c5ngstrom", "\u00e5ngstrom", "A\u030angstrom"),
                          ("\u0416\u0443\u043a", "\u0436\u0443\u043a")):
        added = server.ctl("user", "add", f"{made}@kith.test", "secret")
        assert added.returncode == 0, added.stderr
        for spelled in others:
            again = server.ctl("user", "add", f"{spelled}@kith.test", "other")
            assert again.returncode == 1 and "exists" in again.stderr, (spelled, again.stderr)
            Client.login(server, spelled, password="secret", mechanism="PLAIN").close()


suite.run()
