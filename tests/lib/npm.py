"""Packages from npm for a test, in the build folder.

What is needed stands in a package.json and a package-lock.json beside the test. The lock names
versions and hashes but no place to get them from: that is the machine's npm's business.
"""
import fcntl
import functools
import hashlib
import shutil
import subprocess

from checks import Skip
from kith_server import build_dir

TIMEOUT = 120
OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier",
           "--omit-lockfile-registry-resolved", "--fetch-timeout=30000", "--fetch-retries=1", "--loglevel=error")

NO_WAY = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT",
          "ERR_SOCKET_TIMEOUT", "E503", "E502", "E403")


@functools.cache
def _install(place):
    """None, or why there is no way to where packages come from, which is asked once."""
    try:
        done = subprocess.run(["npm", "ci", *OPTIONS], cwd=place, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return f"npm ci was not done within {TIMEOUT} s"
    said = done.stderr.strip() or done.stdout.strip()
    if any(code in said for code in NO_WAY):
        return f"npm ci: {said[:200]}"
    assert done.returncode == 0, f"npm ci: {said}"
    return None


def installed(folder):
    """A folder with the programs of `folder` and the packages of its lock, installed only once."""
    place = build_dir() / "npm" / folder.name
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "in-use", "w", encoding="ascii") as in_use:
        fcntl.flock(in_use, fcntl.LOCK_EX)
        for file in folder.iterdir():
            copy = place / file.name
            # Another test may just be reading it.
            if not copy.exists() or copy.read_bytes() != file.read_bytes():
                shutil.copy(file, copy)
        wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
        stamp = place / "installed"
        if not stamp.exists() or stamp.read_text(encoding="ascii") != wanted:
            stamp.unlink(missing_ok=True)
            no_way = _install(place)
            if no_way is not None:
                raise Skip(no_way)  # which says nothing about the server
            stamp.write_text(wanted, encoding="ascii")
    return place
