#!/usr/bin/python3
"""Row 42: every type of stanza with another's address as its sender."""
from checks import Suite
from stages import pair
from xmpp_client import PING, ROSTER, Closed, StreamError, error_of, local

suite = Suite("row 42: a sender cannot lie about itself", attack=True)
LIES = ("romeo@kith.test", "romeo@kith.test/r", "kith.test", "juliet@kith.test/other",
        "juliet@elsewhere.test", "elsewhere.test", "", "@", "juliet@kith.test/j\u200b",
        "bystander1@kith.test", "juliet@kith.test@kith.test")
STANZAS = {
    **{f"a message of type {kind}":
       f"<message from='{{lie}}' to='{{to}}' type='{kind}' id='s'><body>lie</body></message>"
       for kind in ("chat", "normal", "headline", "error", "groupchat")},
    **{f"presence of type {kind}": f"<presence from='{{lie}}' to='{{to}}' type='{kind}' id='s'/>"
       for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed", "unavailable",
                    "probe", "error")},
    "available presence": "<presence from='{lie}' to='{to}' id='s'/>",
    "an IQ get": f"<iq from='{{lie}}' to='{{to}}' type='get' id='s'><ping xmlns='{PING}'/></iq>",
    "an IQ set":
        f"<iq from='{{lie}}' to='{{to}}' type='set' id='s'><query xmlns='{ROSTER}'/></iq>",
    "an IQ result": "<iq from='{lie}' to='{to}' type='result' id='s'/>",
    "an IQ error": "<iq from='{lie}' to='{to}' type='error' id='s'/>",
}
ERRORS = ("invalid-from", "bad-request", "not-authorized", "forbidden", "jid-malformed")


def lie(server, form, claimed, mode):
    """Sends one lie; what romeo then got must bear juliet's true name."""
    juliet, romeo = pair(server)
    to = romeo.jid if mode == "full" else romeo.bare()
    with juliet, romeo:
        juliet.send(form.format(lie=claimed, to=to))
        try:
            juliet.ping()
        except StreamError as error:
            assert error.condition in ERRORS, error.condition
        except Closed:
            pass
        romeo.ping()
        for stanza in romeo.waiting:
            if stanza.get("id") == "s" and stanza.get("from") != romeo.jid:
                sender = stanza.get("from", "nobody")
                assert sender.split("/")[0] == "juliet@kith.test", f"{sender} from {claimed!r}"
                if local(stanza) != "presence":
                    assert sender == juliet.jid, f"{sender} from {claimed!r}"
        for stanza in juliet.waiting:
            if stanza.get("type") == "error" and stanza.get("id") == "s":
                assert error_of(stanza), "an error without a condition"


for what, form in STANZAS.items():
    @suite.check(f"{what}: the true sender is shown, or an error comes")
    def _(server, form=form):
        for number, claimed in enumerate(LIES):
            lie(server, form, claimed, "full" if number % 2 else "bare")


@suite.check("one's own full and bare address are accepted")
def _(server):
    juliet, romeo = pair(server)
    with juliet, romeo:
        for true in (juliet.jid, juliet.bare()):
            juliet.send(f"<message from='{true}' to='{romeo.jid}' type='chat'><body>true</body></message>")
            assert romeo.expect_body("true").get("from") == juliet.jid


@suite.check("a request in another's name never changes the other's roster")
def _(server):
    juliet, romeo = pair(server)
    with juliet, romeo:
        juliet.send(f"<iq from='{romeo.jid}' type='set' id='x'><query xmlns='{ROSTER}'>"
                    "<item jid='mallory@kith.test'/></query></iq>")
        try:
            juliet.ping()
        except (StreamError, Closed):
            pass
        roster = romeo.iq("get", f"<query xmlns='{ROSTER}'/>")
        assert not list(roster[0]), "an item appeared"


suite.run()
