/*
 * XEP-0115: Entity Capabilities, of hosts. After sign-in a stream says which string stands for
 * what the host can do, so that a client that knows the string need not ask. What clients say of
 * themselves passes in their presence as it is.
 */
#include "proto/caps.h"
#include "server/module.h"

/* What this program is; with the string behind it, a disco node. */
#define NODE "urn:x-kith:server"

static void
offer_caps(struct buffer *features, const struct host *host)
{
	struct caps caps = { SLICE("sha-1"), SLICE(NODE), host_caps_ver(host) };

	codec_encode(features, &caps_payload, &caps);
}

/* 6.2: the node of the string is the host itself. */
static void
tell_caps(struct disco *answer, struct host *host, const struct jid *from)
{
	struct slice node = disco_node(answer);

	(void)from;
	if (!slice_starts(node, SLICE(NODE "#")) ||
		!slice_is(slice_from(node, sizeof(NODE)), host_caps_ver(host)))
		return;
	disco_take(answer);
	disco_collect_host(answer, host);
}

static const struct xep xeps[] = {
	{ 115, "1.6.0", XEP_COMPLETE },
	{ 0 },
};

const struct module mod_caps = {
	.name = "caps",
	.about = "Tells clients what this server can do before they ask.",
	.xeps = xeps,
	.features = (const char *const[]){ NS_CAPS, NULL },
	.on.bind_features = offer_caps,
	.on.disco_host_node = tell_caps,
};
