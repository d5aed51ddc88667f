"""Users who change things at random while their server is killed, and who afterwards know what must be there.

Each thing that can change is a cell: its last value that the server has acknowledged, and the
values that were asked for since and never answered. After a crash the cell must have one of these,
whole. Messages for who is away are acknowledged by stream management (XEP-0198): those that the
server says it has handled must be there once, in the order of their sender.
"""
import random
import threading
from xml.sax.saxutils import escape

from xmpp_client import (ROSTER, AuthFailed, Client, Closed, StreamError, body_of, error_of, local)

PRIVATE, VCARD, BLOCKING, REGISTER = "jabber:iq:private", "vcard-temp", "urn:xmpp:blocking", "jabber:iq:register"
SM = "urn:xmpp:sm:3"
CONTACTS, STRANGERS = 6, 4
GONE = (OSError, Closed, StreamError)


class Wrong(Exception):
    """The server broke its word."""


class Counting(Client):
    """A client that counts its stanzas, for the server to acknowledge."""

    counted = None

    def send(self, data):
        if self.counted is not None and data.startswith(("<iq", "<message", "<presence")):
            self.counted += 1
        super().send(data)

    def count(self):
        self.send(f"<enable xmlns='{SM}'/>")
        self.expect("enabled")
        self.counted = 0

    def acknowledged(self):
        """The next number of handled stanzas that the server tells."""
        return int(self.expect("a", timeout=20).get("h"))


class Cell:
    def __init__(self, value=None):
        self.acked, self.asked = value, []

    def check(self, value, what):
        if value != self.acked and value not in self.asked:
            raise Wrong(f"{what} is {value!r}, but {self.acked!r} was acknowledged and then {self.asked!r} asked for")
        self.acked, self.asked = value, []


class User:
    """One who has a session and changes what is theirs; another one is away and gets messages."""

    def __init__(self, name, seed, mailbox, peers):
        self.name, self.mailbox, self.peers = name, mailbox, peers
        self.dice = random.Random(seed)
        self.password = Cell("first")
        self.old = []
        self.cells = {}
        self.number = 0
        self.said = []  # [number, is acknowledged] of each message to the mailbox
        self.answered = 0

    def cell(self, *key):
        return self.cells.setdefault(key, Cell())

    # -- changing things -------------------------------------------------------

    def change(self, client, cell, value, payload, to=None):
        """One request; the answer decides what the cell is."""
        cell.asked.append(value)
        answer = client.iq("set", payload, to=to)
        if answer.get("type") == "result":
            cell.acked, cell.asked = value, []
            self.answered += 1
        else:
            cell.asked.remove(value)
            raise Wrong(f"{self.name}: {payload} is refused: {error_of(answer)}")

    def next_number(self):
        self.number += 1
        return self.number

    def contact(self, client):
        jid = f"c{self.dice.randrange(CONTACTS)}@elsewhere.test"
        number = self.next_number()
        self.change(client, self.cell("contact", jid), (f"name {number}", f"group {number}"),
                    f"<query xmlns='{ROSTER}'><item jid='{jid}' name='name {number}'>"
                    f"<group>group {number}</group></item></query>")

    def contact_goes(self, client):
        jid = f"c{self.dice.randrange(CONTACTS)}@elsewhere.test"
        cell = self.cell("contact", jid)
        if cell.acked is not None and not cell.asked:
            self.change(client, cell, None, f"<query xmlns='{ROSTER}'><item jid='{jid}' "
                        "subscription='remove'/></query>")

    def note(self, client):
        number = self.next_number()
        self.change(client, self.cell("note"), f"note {number}", f"<query xmlns='{PRIVATE}'><note xmlns='urn:note'>"
                    f"note {number}</note></query>")

    def card(self, client):
        number = self.next_number()
        self.change(client, self.cell("card"), f"card {number}",
                    f"<vCard xmlns='{VCARD}'><FN>card {number}</FN></vCard>")

    def block(self, client):
        jid = f"s{self.dice.randrange(STRANGERS)}@elsewhere.test"
        cell = self.cell("blocked", jid)
        name, value = ("unblock", None) if cell.acked else ("block", True)
        self.change(client, cell, value, f"<{name} xmlns='{BLOCKING}'><item jid='{jid}'/></{name}>")

    def new_password(self, client):
        password = f"secret {self.next_number()}"
        self.old.append(self.password.acked)
        self.change(client, self.password, password, f"<query xmlns='{REGISTER}'><username>{self.name}</username>"
                    f"<password>{password}</password></query>", to=client.server.domain)

    def subscribe(self, client):
        """Nothing is acknowledged of these; whatever is left must be possible to go on from."""
        kind = self.dice.choice(("subscribe", "subscribed", "unsubscribe", "unsubscribed"))
        client.send(f"<presence to='{self.dice.choice(self.peers)}@{client.server.domain}' type='{kind}'/>")

    def say(self, client):
        """Some messages, until the server says that it has handled them all."""
        pending = []
        for _ in range(self.dice.randint(1, 5)):
            message = [self.next_number(), False]
            self.said.append(message)
            client.send(f"<message type='chat' to='{self.mailbox}@{client.server.domain}'>"
                        f"<body>{self.name} {message[0]}</body></message>")
            pending.append((client.counted, message))
        client.send(f"<r xmlns='{SM}'/>")
        while pending:
            handled = client.acknowledged()
            for number, message in pending:
                message[1] = message[1] or number <= handled
            pending = [(number, message) for number, message in pending if number > handled]

    WAYS = ((contact, 6), (contact_goes, 2), (note, 3), (card, 2), (block, 3), (new_password, 1), (subscribe, 3), (say, 6))

    def live(self, server):
        """Until the server is gone. What goes wrong otherwise is raised."""
        client = self.come(server)
        if client is None:
            return
        with client:
            try:
                while True:
                    way = self.dice.choices([w for w, _ in self.WAYS], [n for _, n in self.WAYS])[0]
                    way(self, client)
                    client.waiting.clear()
            except GONE:
                pass

    def come(self, server):
        """A session, by whichever password must be right now; None: the server is gone."""
        for password in dict.fromkeys([self.password.acked, *reversed(self.password.asked)]):
            try:
                client = Counting.login(server, self.name, password=password, tls="direct", mechanism="PLAIN",
                                        timeout=20, presence=True)
                client.count()
            except AuthFailed:
                continue
            except GONE:
                return None
            self.password.acked, self.password.asked = password, []
            return client
        if not server.alive():
            return None
        raise Wrong(f"{self.name}: neither the acknowledged password nor one that was asked for is right")

    # -- what is there ---------------------------------------------------------

    def verify(self, server):
        client = self.come(server)
        if client is None:
            raise Wrong("nobody can sign in after a restart")
        for password in dict.fromkeys(p for p in self.old[-2:] if p != self.password.acked):
            refused(server, self.name, password)
        with client:
            self.verify_cells(client)

    def verify_cells(self, client):
        roster = self.read(client, f"<query xmlns='{ROSTER}'/>")
        contacts = {item.get("jid"): (item.get("name"), *(group.text for group in item)) for item in roster}
        blocked = {item.get("jid") for item in self.read(client, f"<blocklist xmlns='{BLOCKING}'/>")}
        note = self.read(client, f"<query xmlns='{PRIVATE}'><note xmlns='urn:note'/></query>")[0].text
        card = self.read(client, f"<vCard xmlns='{VCARD}'/>", missing=())
        found = {("note",): note, ("card",): card[0].text if len(card) else None,
                 **{("contact", jid): contacts.get(jid) for jid in (f"c{i}@elsewhere.test" for i in range(CONTACTS))},
                 **{("blocked", jid): jid in blocked or None for jid in (f"s{i}@elsewhere.test" for i in range(STRANGERS))}}
        for key, value in found.items():
            self.cell(*key).check(value, f"{self.name}'s {' '.join(key)}")

    def read(self, client, payload, missing=None):
        answer = client.iq("get", payload)
        if answer.get("type") != "result":
            if missing is not None and error_of(answer) == "item-not-found":
                return missing
            raise Wrong(f"{self.name}: {payload} cannot be read: {error_of(answer)}")
        return answer[0]

    def check_messages(self, numbers):
        """numbers: what the mailbox got of us, in its order."""
        if numbers != sorted(set(numbers)):
            raise Wrong(f"{self.name}'s messages are twice or out of order: {numbers[:50]}")
        lost = [number for number, acked in self.said if acked and number not in set(numbers)]
        if lost:
            raise Wrong(f"{self.name}'s messages {lost} were acknowledged and are gone; {len(numbers)} are there")
        invented = set(numbers) - {number for number, _ in self.said}
        if invented:
            raise Wrong(f"{self.name} never sent {invented}")
        self.said = []


def read_mailbox(server, name, users):
    """All that waits there, once; what was read is gone for good before this returns."""
    with Client.login(server, name, password="mailbox", tls="direct", mechanism="PLAIN", timeout=20) as box, \
            Client.login(server, users[0].name, password=users[0].password.acked, tls="direct", mechanism="PLAIN", timeout=20) as herald:
        box.send("<presence/>")
        herald.send(f"<message type='chat' to='{name}@{server.domain}'><body>the end</body></message>")
        bodies = []
        while not bodies or bodies[-1] != "the end":
            bodies.append(body_of(box.expect("message", timeout=30)))
        box.iq("set", f"<query xmlns='{PRIVATE}'><read xmlns='urn:read'/></query>")
    for user in users:
        user.check_messages([int(body.split()[1]) for body in bodies if body.split()[0] == user.name])
    return len(bodies) - 1


def befriend(server, one, other):
    """Whatever a crash left of these two: they can still become each other's contacts."""
    with one.come(server) as a, other.come(server) as b:
        for client in (a, b):
            client.iq("get", f"<query xmlns='{ROSTER}'/>")
        for kind in ("subscribe", "subscribed", "subscribe", "subscribed"):
            for client, peer in ((a, b), (b, a)):
                client.send(f"<presence to='{peer.bare()}' type='{kind}'/>")
                client.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=peer.bare())
                peer.iq("get", "<ping xmlns='urn:xmpp:ping'/>", to=client.bare())
        for client, peer in ((a, b), (b, a)):
            items = {item.get("jid"): item for item in client.iq("get", f"<query xmlns='{ROSTER}'/>")[0]}
            state = items.get(peer.bare())
            if state is None or state.get("subscription") != "both":
                raise Wrong(f"{client.bare()} and {peer.bare()} cannot become contacts: {state is not None and state.attrib}")


def refused(server, name, password):
    """This password is wrong, or the account is gone."""
    try:
        Client.login(server, name, password=password, tls="direct", mechanism="PLAIN", timeout=20).close()
    except AuthFailed as error:
        if error.condition != "not-authorized":
            raise Wrong(f"{name}: {error.condition}")
        return
    raise Wrong(f"{name} can sign in with {password!r}")


class Crowd:
    """All users, and the accounts that an administrator makes and removes meanwhile."""

    def __init__(self, seed, users, mailboxes):
        names = [f"user{i}" for i in range(users)]
        self.mailboxes = [f"mailbox{i}" for i in range(mailboxes)]
        self.users = [User(name, f"{seed}-{name}", self.mailboxes[i % mailboxes], [n for n in names if n != name])
                      for i, name in enumerate(names)]
        self.dice = random.Random(f"{seed}-crowd")
        self.accounts, self.made = {}, 0
        self.failures = []

    def settle(self, server):
        for user in self.users:
            server.must("user", "add", user.name, "first")
        for name in self.mailboxes:
            server.must("user", "add", name, "mailbox")

    def administer(self, server):
        """Makes and removes accounts with kithctl until the server is gone."""
        while server.alive():
            there = [name for name, cell in self.accounts.items() if cell.acked and not cell.asked]
            if there and self.dice.random() < 0.4:
                name, value, words = self.dice.choice(there), None, ("delete",)
            else:
                self.made += 1
                name, value, words = f"made{self.made}", True, ("add", "made")
            cell = self.accounts.setdefault(name, Cell())
            cell.asked.append(value)
            if server.ctl("user", words[0], name, *words[1:]).returncode == 0:
                cell.acked, cell.asked = value, []

    def live(self, server):
        """Everyone changes things until the server is gone."""
        threads = [threading.Thread(target=self.guard, args=(act, server), daemon=True)
                   for act in [user.live for user in self.users] + [self.administer]]
        for thread in threads:
            thread.start()
        return threads

    def guard(self, act, server):
        try:
            act(server)
        except AssertionError as error:  # an answer did not come in time
            if server.alive():
                self.failures.append(error)
        except Exception as error:
            self.failures.append(error)

    def verify(self, server):
        """All that was acknowledged is there. How many messages were read."""
        if self.failures:
            raise Wrong(f"while it lived: {self.failures[0]!r}")
        for user in self.users:
            user.verify(server)
        listed = {line.split("@")[0] for line in server.must("user", "list").splitlines()}
        for name, cell in list(self.accounts.items()):
            cell.check(name in listed or None, f"the account {name}")
            if cell.acked is None:
                refused(server, name, "made")
                del self.accounts[name]
            elif name in list(self.accounts)[-5:]:
                refused(server, name, "first")
                Client.login(server, name, password="made", tls="direct", mechanism="PLAIN", timeout=20).close()
        one, other = self.dice.sample(self.users, 2)
        befriend(server, one, other)
        return sum(read_mailbox(server, name, [u for u in self.users if u.mailbox == name])
                   for name in self.mailboxes)

    def answered(self):
        return sum(user.answered for user in self.users)
