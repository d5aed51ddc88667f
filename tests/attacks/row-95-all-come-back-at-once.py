#!/usr/bin/python3
"""Row 95: all clients are dropped and return in the same moment, without jitter."""
import multiprocessing
import os
import time

from checks import MIB, Suite, wait_gauge
from crowd import address, allow_descriptors, in_parallel
from xmpp_client import Client

COUNT = int(os.environ.get("KITH_STORM", 2000))
USERS = 40
PROCESSES = 2
PLANNED = 60.0  # seconds until the last of them is in; a sanitizer's build needs most of it
suite = Suite("row 95: all come back at once", attack=True, slack=8 * MIB,
              users={"juliet": "r0m30", "romeo": "b4lc0ny",
                     **{f"u{i}": "pw" for i in range(USERS)}},
              settings={"server.account_idle": "1s"})


def come(server, number, clients):
    """One client, stubborn as real ones are: it tries again when it is turned away."""
    end = time.monotonic() + PLANNED
    while True:
        try:
            clients.append(Client.login(
                server, f"u{number % USERS}", f"r{number}", source=address(number),
                mechanism="SCRAM-SHA-1", timeout=PLANNED, tls="direct" if number % 2 else "starttls"))
            return
        except (OSError, AssertionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def crowd(server, first, pipe):
    """A process with its share of the clients; it obeys the orders come, drop and end."""
    allow_descriptors(COUNT + 200)
    clients = []
    while (order := pipe.recv()) != "end":
        try:
            if order == "come":
                in_parallel(COUNT // PROCESSES, 24, lambda i: come(server, first + i, clients))
            else:
                for client in clients:
                    (client.reset if order == "reset" else client.close)()
                clients.clear()
            pipe.send(None)
        except BaseException as error:
            pipe.send(f"{type(error).__name__}: {error}")


class Crowd:
    def __init__(self, server):
        self.workers = []
        for index in range(PROCESSES):
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.Process(
                target=crowd, args=(server, index * (COUNT // PROCESSES), theirs), daemon=True)
            process.start()
            self.workers.append((process, ours))

    def order(self, word):
        for _, pipe in self.workers:
            pipe.send(word)
        for _, pipe in self.workers:
            assert pipe.poll(PLANNED + 30), "the crowd does not answer"
            trouble = pipe.recv()
            assert trouble is None, trouble

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process, pipe in self.workers:
            pipe.send("end")
            process.join(10)
            if process.is_alive():
                process.terminate()


@suite.check(f"{COUNT} clients, dropped twice, are all in again each time, within the planned time")
def _(server):
    before, took, sizes = server.gauge("sessions"), [], []
    with Crowd(server) as clients:
        for drop in (None, "reset", "close"):
            if drop:
                clients.order(drop)
            start = time.monotonic()
            clients.order("come")
            took.append(time.monotonic() - start)
            wait_gauge(server, "sessions", before + COUNT)
            sizes.append(server.rss())
            assert took[-1] < PLANNED, f"{took[-1]:.0f} s"
        clients.order("close")
    wait_gauge(server, "sessions", before)
    assert server.is_sanitized() or sizes[-1] < sizes[0] * 1.25 + 4 * MIB, \
        f"RSS went from {sizes[0] >> 10} to {sizes[-1] >> 10} KiB"
    return (f"{', '.join(f'{t:.1f}' for t in took)} s; with all in, RSS was "
            f"{', '.join(str(s >> 10) for s in sizes)} KiB")


suite.run()
