/*
 * What only this server may say does not come in from others: ids that it gave (XEP-0359, 5), the
 * time at which it kept something (XEP-0203, 4), and, from a user, the id of an occupant of a room
 * (XEP-0421). All of them are taken out, however many there are.
 */
#include "server/module.h"

enum { METRIC_CUT };

extern const struct module mod_forged;

struct arrival {
	const struct stanza *st;
	const struct account *to;
	struct arena *arena;
};

/* Whether the attribute names us: one of our domains, or the account itself. What is no address
 * names nobody, so nobody misses it. */
static bool
names_us(const struct arrival *arrival, const struct xml_token *child, xml_name attribute)
{
	struct slice text = xml_attribute(child, attribute);
	struct jid jid;

	if (text.p == NULL)
		return false;
	if (jid_parse(text, arrival->arena, &jid) < 0)
		return true;
	if (jid_local(&jid).len == 0)
		return host_has_neighbour(account_host(arrival->to), jid_domain(&jid));
	return jid_is_bare(&jid) && slice_is(jid.full, jid_bare(account_jid(arrival->to)));
}

static bool
is_forged(const struct xml_token *child, const void *arg)
{
	const struct arrival *arrival = arg;

	if (child->ns == NS_ID_SID && child->name == NAME_STANZA_ID)
		return names_us(arrival, child, NAME_BY);
	if (child->ns == NS_ID_DELAY && child->name == NAME_DELAY)
		return names_us(arrival, child, NAME_FROM);
	return child->ns == NS_ID_OCCUPANT_ID && child->name == NAME_OCCUPANT_ID &&
	       jid_local(&arrival->st->from).len > 0 &&
	       host_has_neighbour(account_host(arrival->to), jid_domain(&arrival->st->from));
}

static void
remove_forged(struct stanza *st, struct account *to)
{
	struct arrival arrival = { st, to, account_scratch(to) };
	size_t before = st->content.len;

	if (st->kind == STANZA_IQ)
		return;
	stanza_cut(st, arrival.arena, is_forged, &arrival);
	if (st->content.len < before)
		metric_add(to, &mod_forged, METRIC_CUT);
}

static const struct metric metrics[] = {
	[METRIC_CUT] = { "forged_cut_total",
		"Stanzas from which something was taken that only this server may say." },
	{ 0 },
};

const struct module mod_forged = {
	.name = "forged",
	.about = "Takes out what only this server may say.",
	.metrics = metrics,
	.on.in_transform = remove_forged,
};
