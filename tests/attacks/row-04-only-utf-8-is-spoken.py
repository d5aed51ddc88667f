#!/usr/bin/python3
"""Row 4: other encodings, by their bytes and by their declaration."""
from checks import Suite
from stages import first_bytes, refused
from xmpp_client import CLIENT, STREAM

suite = Suite("row 4: only UTF-8 is spoken", attack=True)
WRONG = ["unsupported-encoding"]
HEADER = (f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' version='1.0' "
          f"to='kith.test'>")


for codec in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
    for mark in ("", "\ufeff"):
        for declaration in ("", "<?xml version='1.0'?>"):
            @suite.check(f"{codec} {'with' if mark else 'without'} a byte order mark, "
                         f"{'with' if declaration else 'without'} a declaration")
            def _(server, text=mark + declaration + HEADER, codec=codec):
                refused(first_bytes(server), text.encode(codec), WRONG)

for name in ("ISO-8859-1", "UTF-16", "us-ascii", "UTF-7", "windows-1252", "EBCDIC-CP-US", "x"):
    @suite.check(f"a declaration of {name}")
    def _(server, name=name):
        text = f"<?xml version='1.0' encoding='{name}'?>" + HEADER
        refused(first_bytes(server), text, WRONG)


@suite.check("UTF-7 is not decoded")
def _(server):
    refused(first_bytes(server), b"+ADw-stream:stream+AD4-",
            ["unsupported-encoding", "not-well-formed"])


@suite.check("a declaration of utf-8, in either case, is welcome")
def _(server):
    for name in ("UTF-8", "utf-8"):
        with first_bytes(server) as client:
            client.send(f"<?xml version='1.0' encoding='{name}'?>" + HEADER)
            assert client.next().tag == f"{{{STREAM}}}features"


suite.run()
