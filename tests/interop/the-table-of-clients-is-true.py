#!/usr/bin/python3
"""docs/interop.md says of each client what its tests show: no less, and above all no more."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGES = {"aioxmpp": "python3-aioxmpp", "dino": "dino-im", "slixmpp": "python3-slixmpp", "libstrophe": "libstrophe-dev"}


def shown_by_tests():
    """{client: features}, from the word `shows` of the checks."""
    shown = {}
    for test in (ROOT / "tests/interop").glob("*.py"):
        for features in re.findall(r'shows="([a-z -]+)"', test.read_text(encoding="utf-8")):
            shown.setdefault(test.name.split("-")[0], set()).update(features.split())
    return shown


def said_by_table():
    """The same from the table: a row is a client, a column is a feature."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")]
            for line in (ROOT / "docs/interop.md").read_text(encoding="utf-8").splitlines()
            if line.startswith("|")]
    features = rows[0][2:]
    return {row[0]: ({name for name, cell in zip(features, row[2:]) if cell == "yes"}, row[1])
            for row in rows[2:] if len(row) == len(rows[0])}


def installed(client):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", PACKAGES.get(client, client)],
                          capture_output=True, text=True, check=False)
    return done.stdout.rsplit("-", 1)[0]


def main():
    shown, said, wrong = shown_by_tests(), said_by_table(), 0
    for client in sorted(set(shown) | set(said)):
        features, version = said.get(client, (set(), ""))
        difference = features ^ shown.get(client, set())
        print(f"{'FAILED' if difference else 'ok':7} {client} {installed(client)} (the table: {version})"
              f"{': ' + ' '.join(sorted(difference)) if difference else ''}")
        wrong += bool(difference)
    sys.exit(1 if wrong or not shown else 0)


main()
