"""People who write to each other while their server is killed, resume their sessions (XEP-0198) each time, and
afterwards look into their archives (XEP-0313).

Each keeps what the server has not acknowledged and sends it again, with the same id and in the same order, as
clients do. What was acknowledged must be in the archives of both, once, and in the order of its sender; and it
must have come to the other's session, in order. It may have come there twice only if it was not acknowledged
when the server died: delivery does not wait for the disk.
"""
import collections
import random
import select
import threading
import time

from xmpp_client import AuthFailed, Client, Closed, StreamError, local

SM, MAM, RSM = "urn:xmpp:sm:3", "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm"
GONE = (OSError, Closed, StreamError)
PASSWORD = "pass"
STEP = 30.0


class Wrong(Exception):
    """The server broke its word."""


class Person:
    def __init__(self, name, seed, peers):
        self.name, self.peers = name, peers
        self.dice = random.Random(f"{seed}-{name}")
        self.client = self.session = None
        self.number = 0
        self.sent, self.acked = [], 0       # all stanzas of this session: (recipient, id) or None; how many are handled
        self.received = 0                   # stanzas that came to this session
        self.came = collections.defaultdict(list)   # sender -> numbers
        self.acknowledged = set()           # (recipient, id)
        self.unsure = set()                 # sent, and not acknowledged when a connection ended
        self.resumed = self.began = 0

    # -- the stream ------------------------------------------------------------

    def arrive(self, server):
        """By its session of before, which must be there; the first time by a new one."""
        client = Client(server, timeout=STEP)
        client.connect(direct=True)
        client.open()
        client.sign_in(self.name, PASSWORD, "PLAIN")
        if self.session is not None and self.resume(client):
            self.client = client
            return
        client.bind("phone")
        client.send(f"<enable xmlns='{SM}' resume='true'/>")
        self.session = client.expect("enabled").get("id")
        self.client, self.began = client, self.began + 1
        self.sent, self.acked, self.received = [], 0, 0
        client.send("<presence/>")
        self.sent.append(None)

    def resume(self, client):
        client.send(f"<resume xmlns='{SM}' previd='{self.session}' h='{self.received}'/>")
        answer = client.next(STEP)
        if local(answer) == "failed":
            if self.acked > 0 or self.received > 0:
                raise Wrong(f"the session of {self.name} is gone, of which {self.acked} stanzas were acknowledged")
            again = [which for which in self.sent if which is not None]
            self.unsure.update(again)
            self.number -= len(again)
            return False
        if local(answer) != "resumed":
            raise Wrong(f"{self.name} is answered {local(answer)}")
        self.resumed += 1
        handled = int(answer.get("h"))
        if handled < self.acked:
            raise Wrong(f"{self.name} was told {self.acked} and is now told {handled}")
        self.settle(handled)
        for which in self.sent[self.acked:]:
            self.unsure.add(which)
            client.send(self.stanza(which))
        return True

    def stanza(self, which):
        if which is None:
            return "<presence/>"
        to, number = which
        return (f"<message type='chat' to='{to}@kith.test' id='{self.name}-{to}-{number}'>"
                f"<body>{self.name} {number}</body></message>")

    def settle(self, handled):
        self.acknowledged.update(which for which in self.sent[self.acked:handled] if which is not None)
        self.acked = max(self.acked, handled)

    def take(self, element):
        name = local(element)
        if name == "a":
            self.settle(int(element.get("h")))
        elif name == "r":
            self.client.send(f"<a xmlns='{SM}' h='{self.received}'/>")
        elif name in ("message", "presence", "iq"):
            self.received += 1
            if name == "message" and element.get("type") == "error":
                raise Wrong(f"{self.name} got an error: {element.get('id')}")
            if name == "message" and element.get("id"):
                sender, _, number = element.get("id").split("-")
                self.came[sender].append(int(number))

    def listen(self, seconds):
        """Takes what comes for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not self.client.waiting and not select.select([self.client], [], [], left)[0]:
                return
            try:
                self.take(self.client.next(max(left, 0.001)))
            except AssertionError:
                return  # only a part of something came

    # -- a life ----------------------------------------------------------------

    def say(self):
        self.number += 1
        which = (self.dice.choice(self.peers), self.number)
        self.sent.append(which)
        self.client.send(self.stanza(which))

    def live(self, server):
        """Until the server is gone."""
        try:
            self.arrive(server)
            while True:
                for _ in range(self.dice.randint(1, 4)):
                    self.say()
                if self.dice.random() < 0.7:
                    self.client.send(f"<r xmlns='{SM}'/>")
                self.listen(self.dice.uniform(0, 0.01))
        except GONE:
            pass
        except AuthFailed:
            if server.alive():
                raise
        finally:
            if self.client is not None:
                self.client.close()

    def finish(self, server):
        """All of it is acknowledged."""
        self.arrive(server)
        end = time.monotonic() + STEP
        self.client.send(f"<r xmlns='{SM}'/>")
        while self.acked < len(self.sent):
            if time.monotonic() > end:
                raise Wrong(f"{self.name}: {len(self.sent) - self.acked} stanzas are not acknowledged")
            self.listen(0.05)

    # -- what is there ---------------------------------------------------------

    def archive(self):
        """(from, to, number) of all messages, in order."""
        rows, last = [], ""
        while True:
            self.client.send(f"<iq type='set' id='page'><query xmlns='{MAM}'><set xmlns='{RSM}'><max>100</max>{last}</set>"
                             "</query></iq>")
            self.sent.append(None)
            while True:
                element = self.client.next(STEP)
                if local(element) == "iq" and element.get("id") == "page":
                    break
                result = element.find(f"{{{MAM}}}result")
                if result is None:
                    self.take(element)
                    continue
                self.received += 1
                message = result.find(".//{jabber:client}message")
                sender, to, number = message.get("id").split("-")
                rows.append((sender, to, int(number)))
            self.received += 1
            fin = element.find(f"{{{MAM}}}fin")
            if fin.get("complete") == "true":
                return rows
            last = f"<after>{fin.findtext(f'{{{RSM}}}set/{{{RSM}}}last')}</after>"


class People:
    def __init__(self, seed, count):
        names = [f"person{i}" for i in range(count)]
        self.all = [Person(name, seed, [n for n in names if n != name]) for name in names]
        self.failures = []

    def guard(self, person, server):
        try:
            person.live(server)
        except Exception as error:
            self.failures.append(error)

    def live(self, server):
        threads = [threading.Thread(target=self.guard, args=(person, server), daemon=True) for person in self.all]
        for thread in threads:
            thread.start()
        return threads

    def verify(self, server):
        """How many messages were acknowledged; how many came twice."""
        if self.failures:
            raise Wrong(f"while it lived: {self.failures[0]!r}") from self.failures[0]
        for person in self.all:
            person.finish(server)
        for person in self.all:
            person.listen(0.2)
        archives = {person.name: person.archive() for person in self.all}
        twice = sum(self.check(person, archives) for person in self.all)
        for person in self.all:
            person.client.close()
        return sum(len(person.acknowledged) for person in self.all), twice

    def check(self, person, archives):
        for name, rows in archives.items():
            mine = [row for row in rows if row[0] == person.name]
            if len(set(mine)) != len(mine):
                raise Wrong(f"{name}'s archive has twice: {[r for r in set(mine) if mine.count(r) > 1][:9]}")
            if [row[2] for row in mine] != sorted(row[2] for row in mine):
                raise Wrong(f"{name}'s archive has {person.name}'s messages out of order")
        for to, number in person.acknowledged:
            for owner in (person.name, to):
                if (person.name, to, number) not in set(archives[owner]):
                    raise Wrong(f"{person.name}'s message {number} to {to} was acknowledged and is not in {owner}'s archive")
        return sum(self.check_came(person, sender) for sender in self.all)

    def check_came(self, person, sender):
        """What of this sender came to the person: nothing is missing, and twice only what the sender sent again."""
        numbers = person.came[sender.name]
        expected = {number for to, number in sender.acknowledged if to == person.name}
        missing = expected - set(numbers)
        if missing:
            raise Wrong(f"{sender.name}'s messages {sorted(missing)[:9]} never came to {person.name}'s session")
        twice = {number for number in numbers if numbers.count(number) > 1}
        wrong = {number for number in twice if (person.name, number) not in sender.unsure}
        if wrong:
            raise Wrong(f"{sender.name}'s messages {sorted(wrong)[:9]} came twice to {person.name}'s session")
        return len(twice)
