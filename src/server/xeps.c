/*
 * docs/xeps.md is written by the program, so it says what the program has. A module declares its
 * XEPs itself; what the layers below the modules do is declared here, and so are the titles.
 */
#include "server/xeps.h"

#include <stdlib.h>

struct row {
	const struct xep *xep;
	const char *owner;
};

static const struct xep core_xeps[] = {
	{ 4, "2.13.2", XEP_COMPLETE },
	{ 82, "1.1.1", XEP_COMPLETE },
	{ 106, "1.1.1", XEP_COMPLETE },
	{ 175, "1.2", XEP_COMPLETE },
	{ 178, "1.2", XEP_PARTIAL },
	{ 227, "1.1", XEP_PARTIAL }, /* no PEP and no archive yet, as there are none */
	{ 198, "1.6.3", XEP_PARTIAL },
	{ 368, "1.1.0", XEP_PARTIAL },
	{ 386, "1.1.0", XEP_PARTIAL },
	{ 388, "1.0.4", XEP_COMPLETE },
	{ 484, "0.2.0", XEP_COMPLETE },
	{ 438, "0.2.0", XEP_COMPLETE },
	{ 440, "1.0.0", XEP_COMPLETE },
	{ 474, "0.5.0", XEP_COMPLETE },
	{ 478, "0.2.0", XEP_COMPLETE },
	{ 480, "0.2.0", XEP_COMPLETE },
	{ 0 },
};

static const struct {
	unsigned number;
	const char *text;
} titles[] = {
	{ 4, "Data Forms" },
	{ 12, "Last Activity" },
	{ 30, "Service Discovery" },
	{ 49, "Private XML Storage" },
	{ 50, "Ad-Hoc Commands" },
	{ 54, "vcard-temp" },
	{ 77, "In-Band Registration" },
	{ 82, "XMPP Date and Time Profiles" },
	{ 92, "Software Version" },
	{ 106, "JID Escaping" },
	{ 133, "Service Administration" },
	{ 115, "Entity Capabilities" },
	{ 128, "Service Discovery Extensions" },
	{ 157, "Contact Addresses for XMPP Services" },
	{ 160, "Best Practices for Handling Offline Messages" },
	{ 175, "Best Practices for Use of SASL ANONYMOUS" },
	{ 178, "Best Practices for Use of SASL EXTERNAL with Certificates" },
	{ 191, "Blocking Command" },
	{ 198, "Stream Management" },
	{ 199, "XMPP Ping" },
	{ 202, "Entity Time" },
	{ 203, "Delayed Delivery" },
	{ 227, "Portable Import/Export Format for XMPP-IM Servers" },
	{ 237, "Roster Versioning" },
	{ 280, "Message Carbons" },
	{ 352, "Client State Indication" },
	{ 357, "Push Notifications" },
	{ 368, "SRV records for XMPP over TLS" },
	{ 386, "Bind 2" },
	{ 388, "Extensible SASL Profile" },
	{ 438, "Best practices for password hashing and storage" },
	{ 440, "SASL Channel-Binding Type Capability" },
	{ 474, "SASL SCRAM Downgrade Protection" },
	{ 478, "Stream Limits Advertisement" },
	{ 480, "SASL Upgrade Tasks" },
	{ 484, "Fast Authentication Streamlining Tokens" },
	{ 494, "Client Access Management" },
};

static const char *
title_of(unsigned number)
{
	for (size_t i = 0; i < COUNT_OF(titles); i++) {
		if (titles[i].number == number)
			return titles[i].text;
	}
	return "";
}

static size_t
add_rows(struct row *rows, size_t n, const struct xep *xeps, const char *owner)
{
	for (; xeps != NULL && xeps->number != 0; xeps++, n++) {
		if (rows != NULL)
			rows[n] = (struct row){ xeps, owner };
	}
	return n;
}

/* With rows NULL it only counts. */
static size_t
collect(struct row *rows, const struct module *const *modules)
{
	size_t n = add_rows(rows, 0, core_xeps, "core");

	for (; *modules != NULL; modules++)
		n = add_rows(rows, n, (*modules)->xeps, (*modules)->name);
	return n;
}

static int
by_number(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->xep->number > y->xep->number) - (x->xep->number < y->xep->number);
}

void
xeps_dump(const struct module *const *modules, FILE *out)
{
	size_t n = collect(NULL, modules);
	struct row *rows = xcalloc(n, sizeof(*rows));

	(void)collect(rows, modules);
	qsort(rows, n, sizeof(*rows), by_number);
	(void)fputs(
		"# XEPs\n\n"
		"Written by `kithd --dump-xeps`, from what the core and each module declare.\n\n"
		"| XEP | title | version | state | where |\n|---|---|---|---|---|\n",
		out);
	for (size_t i = 0; i < n; i++) {
		const struct xep *xep = rows[i].xep;

		(void)fprintf(out,
			"| [%04u](https://xmpp.org/extensions/xep-%04u.html) | %s | %s | %s | %s "
			"|\n",
			xep->number, xep->number, title_of(xep->number), xep->version,
			xep->status == XEP_COMPLETE ? "complete" : "partial", rows[i].owner);
	}
	free(rows);
}
