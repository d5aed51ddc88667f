#!/usr/bin/python3
"""Row 82: SIGKILL under people who resume their sessions, some times; `make crash` does it a thousand times."""
import os
import pathlib

crash = pathlib.Path(__file__).resolve().parents[1] / "crash" / "crash-chat"
slow = b"__asan_init" in pathlib.Path(os.environ["KITH_BUILD"], "kithd").resolve().read_bytes()
os.execv(crash, [str(crash), "--kills", "6" if slow else "16", "--slow", "5" if slow else "2"])
