"""Two users who chat while an attack runs, in a process of their own.

They notice what an honest user would: a lost message, a closed stream, or a
slower one. Their process is separate, so that the attack's own work in the
test program is not mistaken for the server's.
"""
import multiprocessing
import statistics
import time
import traceback

from xmpp_client import Client

USERS = {"bystander1": "k33pc4lm", "bystander2": "c4rry0n"}
CALM = 0.6  # seconds of undisturbed chat
PAUSE = 0.01
NOISE = 0.030  # what two busy cores may add, in seconds


def _chat(server, pipe):
    try:
        pair = [Client.login(server, user, "b", mechanism="PLAIN", source=f"127.0.0.{7 + i}",
                             timeout=60)
                for i, user in enumerate(USERS)]
        for client in pair:
            client.be_present()
        pipe.send("ready")
        samples, count, told = [], 0, False
        while True:
            sender, receiver = pair[count % 2], pair[(count + 1) % 2]
            start = time.monotonic()
            sender.message(receiver.jid, f"bystander {count}")
            got = receiver.expect("message")
            assert got.findtext("{jabber:client}body") == f"bystander {count}", "not in order"
            samples.append(time.monotonic() - start)
            count += 1
            if pipe.poll(PAUSE):
                order = pipe.recv()
                pipe.send((order, samples))
                samples = []
                if order == "end":
                    break
        for client in pair:
            client.logout()
    except BaseException as error:
        pipe.send(("failed", f"{type(error).__name__}: {error}\n{traceback.format_exc()}"))


class Bystanders:
    def __init__(self, server):
        self.server, self.calm, self.sentence = server, None, None

    def __enter__(self):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_chat, args=(self.server, theirs), daemon=True)
        self.process.start()
        theirs.close()
        ready = self._receive()
        assert ready == "ready", f"bystanders could not sign in: {ready[1]}"
        return self

    def _receive(self, timeout=90):
        assert self.pipe.poll(timeout), "bystanders do not answer"
        return self.pipe.recv()

    def _ask(self, order):
        try:
            self.pipe.send(order)
        except BrokenPipeError:
            pass
        answer = self._receive()
        assert answer[0] == order, f"bystanders: {answer[1]}"
        return answer[1]

    def measure_calm(self):
        time.sleep(CALM)
        self.calm = statistics.median(self._ask("calm"))

    def disturbed(self):
        """Median since the last question, in seconds."""
        samples = self._ask("disturbed")
        return statistics.median(samples) if samples else 0.0

    def verdict(self):
        samples = self._ask("end")
        median, worst = statistics.median(samples), max(samples)
        self.sentence = (f"{len(samples)} messages, median {self.calm * 1000:.2f} ms before, "
                         f"{median * 1000:.2f} ms under attack, worst {worst * 1000:.0f} ms")
        assert median <= self.calm * 1.2 + NOISE, self.sentence
        return self.sentence

    def __exit__(self, *_):
        if self.process.is_alive():
            self.process.terminate()
        self.process.join()
