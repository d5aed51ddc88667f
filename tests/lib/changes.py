"""Changes that are noted when they are acknowledged, for tests in which the disk fails."""
from kith_server import Kith
from xmpp_client import ROSTER, AuthFailed, Client, Closed, StreamError, body_of, error_of

GONE = (OSError, Closed, StreamError)


class Ledger:
    """What juliet was told is done; the rest may be there or not."""

    def __init__(self):
        self.acked, self.conditions, self.number = [], [], 0

    def change(self, client):
        """One contact more. Whether it was acknowledged."""
        self.number += 1
        n = self.number
        answer = client.iq("set", f"<query xmlns='{ROSTER}'><item jid='c{n}@kith.test' name='name {n}'>"
                           f"<group>group {n}</group></item></query>")
        if answer.get("type") == "result":
            self.acked.append(n)
            return True
        self.conditions.append((error_of(answer), answer.find("{jabber:client}error").get("type")))
        return False

    def change_many(self, server, count):
        """So many attempts, over as many streams as it takes."""
        left = count
        while left > 0 and server.alive():
            try:
                with Client.login(server, "juliet", mechanism="PLAIN", timeout=10) as juliet:
                    while left > 0:
                        left -= 1
                        self.change(juliet)
            except AuthFailed as refused:
                assert refused.condition == "temporary-auth-failure", refused.condition
                left -= 1
            except GONE:
                left -= 1

    def read(self, client):
        answer = client.iq("get", f"<query xmlns='{ROSTER}'/>")
        assert answer.get("type") == "result", error_of(answer)
        return {item.get("jid"): item for item in answer[0]}

    def check(self, client):
        """Each acknowledged contact is there, and none is there by half."""
        items = self.read(client)
        for n in self.acked:
            assert f"c{n}@kith.test" in items, f"contact {n} was acknowledged and is gone"
        for jid, item in items.items():
            n = jid[1:].split("@")[0]
            assert item.get("name") == f"name {n}" and [g.text for g in item] == [f"group {n}"], "half a contact"

    def check_in(self, directory, users):
        """The same by a server that starts where another ended."""
        with Kith(users=users, directory=directory) as server:
            with Client.login(server, "juliet") as juliet:
                self.check(juliet)
            with Client.login(server, "romeo", presence=True) as romeo:
                romeo.ping()
                bodies = [body_of(e) for e in romeo.waiting if e.tag.endswith("message")]
                assert len(bodies) == len(set(bodies)), "kept messages twice"
            assert server.stop() == 0, "no clean end"


def in_trouble(server):
    """The log's warnings and errors, and its news of the store."""
    return [line for line in server.log().splitlines()
            if "the store has news" in line or " error: " in line or " warning: " in line]
