/* RFC 3921, 3: clients of before RFC 6121 ask for a session after binding. There is nothing to do.
 */
#include "server/module.h"

static const struct payload payload = { "session", "urn:ietf:params:xml:ns:xmpp-session", NULL };

static void
agree(struct iq *iq)
{
	iq_result(iq, NULL, NULL);
}

static const struct iq_route routes[] = {
	{ IQ_SET, TO_HOST, &payload, agree },
	{ IQ_SET, TO_SELF, &payload, agree },
	{ 0 },
};

const struct module mod_session = {
	.name = "session",
	.about = "Lets old clients begin a session.",
	.routes = routes,
};
