"""What the tests of real clients ask the server from outside, and how the other side behaves."""
import glob

from kith_server import ServerFailed
from xmpp_client import CLIENT, ROSTER, AuthFailed, Client

VCARD = "vcard-temp"
LATER = 3600  # seconds that a client under later() is ahead


def gets_in(server, name, password):
    try:
        with Client.login(server, name, password=password):
            return True
    except AuthFailed:
        return False


def present(server, name):
    """Somebody who is there and has asked for the roster, as the other side of a client."""
    client = Client.login(server, name, "r")
    client.iq("get", f"<query xmlns='{ROSTER}'/>")
    client.be_present()
    return client


def roster_of(server, name):
    """{jid: (name, groups, subscription)}"""
    with Client.login(server, name) as other:
        query = other.iq("get", f"<query xmlns='{ROSTER}'/>")[0]
        return {item.get("jid"): (item.get("name"), {group.text for group in item},
                                  item.get("subscription")) for item in query}


def is_presence(jid, kind=None, show=None):
    """For expect(): a presence from jid of that type and show."""
    return lambda e: e.get("from", "").startswith(jid) and e.get("type") == kind and \
        e.findtext(f"{{{CLIENT}}}show") == show


def show(client, show_as):
    client.send(f"<presence><show>{show_as}</show></presence>" if show_as else "<presence/>")


def answer_request(romeo, who):
    """Somebody asks romeo; he agrees, and asks back."""
    romeo.expect("presence", is_presence(who, "subscribe"))
    romeo.send(f"<presence to='{who}' type='subscribed'/><presence to='{who}' type='subscribe'/>")
    romeo.ping()


def keep_messages(server, sender, to, *texts):
    """Messages, for somebody who is not there as a rule; kept on disk when this returns."""
    with Client.login(server, sender, "keeps", presence=True) as client:
        for text in texts:
            client.message(to, text)
        client.ping()
        client.logout()


def set_vcard(server, name, inside):
    with Client.login(server, name) as client:
        answer = client.iq("set", f"<vCard xmlns='{VCARD}'>{inside}</vCard>")
        assert answer.get("type") == "result", answer.attrib


def vcard_of(server, asker, jid):
    with Client.login(server, asker) as client:
        return client.iq("get", f"<vCard xmlns='{VCARD}'/>", jid)[0]


def later(command):
    """The command, for which it is an hour later: what was sent before shows its own time only
    if the program has read the stamp."""
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    if not found:
        raise ServerFailed("libfaketime is not installed")
    return f"env TZ=UTC LD_PRELOAD={found[0]} FAKETIME=+{LATER}s {command}"
