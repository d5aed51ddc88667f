/* XEP-0157: Contact Addresses for XMPP Services, in a form of what a host says of itself. */
#include "server/module.h"

#define SERVER_INFO "http://jabber.org/network/serverinfo"

struct contact_config {
	struct text_list abuse, admin, feedback, sales, security, status, support;
};

extern const struct module mod_contact;

static void
tell_addresses(struct disco *answer, const char *var, const struct text_list *addresses)
{
	if (addresses->count > 0)
		disco_form_field(answer, SERVER_INFO, var, addresses->v, addresses->count);
}

static void
tell_contacts(struct disco *answer, struct host *host)
{
	const struct contact_config *conf = module_config(host, &mod_contact);

	tell_addresses(answer, "abuse-addresses", &conf->abuse);
	tell_addresses(answer, "admin-addresses", &conf->admin);
	tell_addresses(answer, "feedback-addresses", &conf->feedback);
	tell_addresses(answer, "sales-addresses", &conf->sales);
	tell_addresses(answer, "security-addresses", &conf->security);
	tell_addresses(answer, "status-addresses", &conf->status);
	tell_addresses(answer, "support-addresses", &conf->support);
}

static const struct xep xeps[] = {
	{ 157, "1.1.1", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_URIS(struct contact_config, abuse, "abuse", "",
		"Where to report abuse, as mailto:abuse@example.org or xmpp:abuse@example.org."),
	OPTION_URIS(struct contact_config, admin, "admin", "", "How to reach the operators."),
	OPTION_URIS(struct contact_config, feedback, "feedback", "", "Where praise and blame go."),
	OPTION_URIS(struct contact_config, sales, "sales", "", "Where to ask for an offer."),
	OPTION_URIS(struct contact_config, security, "security", "", "Where to report weaknesses."),
	OPTION_URIS(struct contact_config, status, "status", "",
		"Where one sees whether the service is up, as https://status.example.org."),
	OPTION_URIS(struct contact_config, support, "support", "", "Where to ask for help."),
	{ 0 },
};

const struct module mod_contact = {
	.name = "contact",
	.about = "Tells how to reach the people who run this server.",
	.xeps = xeps,
	.options = options,
	.config_size = sizeof(struct contact_config),
	.on.disco_host = tell_contacts,
};
