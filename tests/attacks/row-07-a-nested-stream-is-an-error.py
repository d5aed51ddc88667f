#!/usr/bin/python3
"""Row 7: stream tags inside stanzas, under any prefix; the recipient sees nothing."""
from checks import Suite
from stages import pair, refused
from xmpp_client import CLIENT, STREAM, Client

suite = Suite("row 7: a nested stream is an error", attack=True)
WRONG = ["invalid-xml", "bad-format", "not-well-formed", "unsupported-stanza-type",
         "policy-violation", "restricted-xml", "invalid-namespace"]
INNER = "<message to='{to}'><body>smuggled</body></message>"
CASES = {
    "a stream header inside a message":
        f"<message to='{{to}}'><stream:stream xmlns='{CLIENT}' version='1.0'>"
        "</stream:stream><body>smuggled</body></message>",
    "a stream header between stanzas": f"<stream:stream xmlns='{CLIENT}' version='1.0'>" + INNER,
    "a second prefix for the streams namespace":
        f"<message to='{{to}}'><s:stream xmlns:s='{STREAM}'/><body>smuggled</body></message>",
    "the default namespace as streams namespace":
        f"<message to='{{to}}'><stream xmlns='{STREAM}'/><body>smuggled</body></message>",
    "a stream error inside a message":
        f"<message to='{{to}}'><s:error xmlns:s='{STREAM}'/><body>smuggled</body></message>",
    "features inside a message":
        "<message to='{to}'><stream:features/><body>smuggled</body></message>",
    "features deeper inside":
        "<message to='{to}'><x xmlns='a'><y><stream:features/></y></x><body>smuggled</body></message>",
    "the end of the stream inside a message":
        "<message to='{to}'><body>smuggled</stream:stream>",
    "an unbound stream prefix's look-alike":
        f"<message to='{{to}}'><Stream:stream xmlns:Stream='{STREAM}'/><body>smuggled</body></message>",
    "features between stanzas": "<stream:features/>" + INNER,
}

for what, form in CASES.items():
    @suite.check(what)
    def _(server, form=form):
        juliet, romeo = pair(server)
        refused(juliet, form.format(to=romeo.jid), WRONG)
        romeo.got_nothing_before(romeo)
        assert b"smuggled" not in romeo.raw, "it was forwarded"
        romeo.close()


@suite.check("a closed stream ends the session: what follows is not read")
def _(server):
    juliet, romeo = pair(server)
    juliet.try_send("</stream:stream>" + INNER.format(to=romeo.jid))
    juliet.stream_error()
    romeo.got_nothing_before(romeo)
    assert b"smuggled" not in romeo.raw, "it was forwarded"
    romeo.close()


@suite.check("the word in other namespaces is no crime")
def _(server):
    juliet, romeo = pair(server)
    juliet.send(f"<message to='{romeo.jid}'><stream xmlns='urn:example'/><body>fine</body></message>")
    assert romeo.expect_body("fine").find("{urn:example}stream") is not None
    juliet.close()
    with Client.login(server, "juliet") as again:
        again.ping()
    romeo.close()


suite.run()
