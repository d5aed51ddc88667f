// One person on @xmpp/client. The test that started it types a line of JSON for each thing to do,
// and reads one for each thing that happens; what is sent and received is shown as XML.
import { webcrypto } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

// Debian 12's Node has it in a module only, where the library expects it among the globals.
globalThis.crypto ??= webcrypto;
const { client, xml } = await import("@xmpp/client");

const { service, domain, username, password, agent, tokenFile } = JSON.parse(process.argv[2]);

function tell(what, more = {}) {
  process.stdout.write(`${JSON.stringify({ what, ...more })}\n`);
}

const xmpp = client({
  service,
  domain,
  username,
  password,
  resource: "kith",
  userAgent: xml("user-agent", { id: agent }, xml("software", {}, "xmpp.js")),
});
xmpp.reconnect.delay = 20;
xmpp.timeout = 30_000;

// The token outlives the process, as an application would have it.
xmpp.fast.saveToken = async (token) => {
  writeFileSync(tokenFile, JSON.stringify(token));
  tell("token", { token: token.token });
};
xmpp.fast.fetchToken = async () =>
  existsSync(tokenFile) ? JSON.parse(readFileSync(tokenFile, "utf8")) : null;
xmpp.fast.deleteToken = async () => {
  rmSync(tokenFile, { force: true });
  tell("token-dropped");
};

// The library remembers what is unacknowledged once its socket has taken it; what is sent while
// there is none, or is still on its way there, it forgets.
const outbox = [];
const onTheWay = new Set();
let isReady = false;

function sendOutbox() {
  while (isReady && outbox.length > 0) {
    const sending = xmpp.send(outbox.shift());
    onTheWay.add(sending);
    sending
      .catch((error) => tell("late", { text: String(error) }))
      .finally(() => onTheWay.delete(sending));
  }
}

function becomeReady(what) {
  tell(what, { jid: String(xmpp.jid) });
  isReady = true;
  setImmediate(sendOutbox);
}

xmpp.on("error", (error) => tell("error", { text: String(error), condition: error.condition }));
xmpp.on("disconnect", () => {
  isReady = false;
  tell("disconnect");
});
xmpp.on("send", (element) => tell("sent", { xml: element.toString() }));
xmpp.on("element", (element) => tell("got", { xml: element.toString() }));
xmpp.on("online", () => becomeReady("online"));
xmpp.streamManagement.on("resumed", () => becomeReady("resumed"));
xmpp.streamManagement.on("fail", (stanza) => tell("fail", { xml: stanza.toString() }));

const actions = {
  start: () => xmpp.start().catch((error) => tell("failed", { text: String(error) })),
  presence: () => outbox.push(xml("presence")),
  message: ({ to, id, body }) =>
    outbox.push(xml("message", { to, id, type: "chat" }, xml("body", {}, body))),
  // No closing tag and no TLS alert: as if the network were gone.
  cut: async () => {
    await Promise.all(onTheWay);
    xmpp.socket?.socket?.destroy();
  },
  stop: async () => {
    await xmpp.stop();
    tell("stopped");
    process.exit(0);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  await actions[order.do](order);
  sendOutbox();
}
process.exit(0);
