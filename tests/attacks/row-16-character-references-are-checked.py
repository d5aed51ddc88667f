#!/usr/bin/python3
"""Row 16: references to what XML does not allow, and numbers that overflow."""
from checks import Suite
from stages import pair, refused

suite = Suite("row 16: character references are checked", attack=True)
WRONG = ("&#0;", "&#x0;", "&#x1F;", "&#x8;", "&#xD800;", "&#xDFFF;", "&#xFFFE;", "&#xFFFF;",
         "&#1114112;", "&#x110000;", "&#4294967361;", "&#x100000041;", "&#18446744073709551681;",
         "&#;", "&#x;", "&#X41;", "&#65", "&# 65;", "&#6 5;", "&#-65;", "&#+65;", "&#x4G;", "&#4A;",
         "&;", "& ;", "&amp", "&#x" + "F" * 5000 + ";")
RIGHT = {
    "&#00000065;": "A", "&#x000041;": "A", "&#65;": "A", "&#x1F600;": "\U0001F600",
    "&#x10FFFF;": "\U0010FFFF", "&#xD7FF;&#xE000;": "\ud7ff\ue000", "&#xFFFD;": "\ufffd",
    "&#9;&#10;&#13;": "\t\n\r", "&#60;&#38;&#62;": "<&>", "&lt;&gt;&amp;&apos;&quot;": "<>&'\"",
    "&#38;lt;": "&lt;", "&#x" + "0" * 20 + "41;": "A",
}
FORMS = {"text": "<message to='{to}'><body>{x}</body></message>",
         "an attribute": "<message to='{to}' id='{x}'><body>id</body></message>"}

for where, form in FORMS.items():
    @suite.check(f"forbidden ones in {where} are not well-formed, and nothing arrives")
    def _(server, form=form):
        for reference in WRONG:
            juliet, romeo = pair(server)
            try:
                conditions = ["not-well-formed"] + ["policy-violation"] * (len(reference) > 100)
                refused(juliet, form.format(to=romeo.jid, x=reference), conditions)
                romeo.got_nothing_before(romeo)
            except AssertionError as error:
                raise AssertionError(f"{reference[:20]}: {error}") from error
            romeo.close()

    @suite.check(f"allowed ones in {where} arrive as what they mean")
    def _(server, form=form):
        juliet, romeo = pair(server)
        for reference, meaning in RIGHT.items():
            juliet.send(form.format(to=romeo.jid, x=reference))
            message = romeo.expect("message")
            got = message.get("id") or message.findtext("{jabber:client}body")
            assert got == meaning, f"{reference}: {got!r}"
        juliet.close()
        romeo.close()


@suite.check("unknown entities are refused as restricted XML")
def _(server):
    for reference in ("&foo;", "&nbsp;", "&LT;", "&amp2;"):
        juliet, romeo = pair(server)
        refused(juliet, FORMS["text"].format(to=romeo.jid, x=reference), ["restricted-xml"])
        romeo.close()


suite.run()
