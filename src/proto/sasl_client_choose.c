/*
 * Which mechanism a client uses, and what it says about channel binding. An attacker in between
 * can take things away from an offer; the rules of RFC 5802, 6 and XEP-0440, 4 let one of the two
 * sides see it.
 */
#include "proto/sasl_client_internal.h"

#include <errno.h>

/* An offer, as far as it concerns us. */
struct seen_offer {
	unsigned mechanisms;
	bool any_plus; /* also a -PLUS that we do not have */
	bool lists_bindings, listed[SASL_BINDINGS];
};

static bool
ends_with_plus(struct slice name)
{
	struct slice plus = SLICE("-PLUS");

	return name.len >= plus.len && slice_is(slice_from(name, name.len - plus.len), plus);
}

static struct seen_offer
read_offer(const struct sasl_offer *offer)
{
	struct seen_offer seen = { .lists_bindings = offer->binding_count > 0 };

	for (size_t i = 0; i < offer->mechanism_count; i++) {
		enum sasl_mechanism found = sasl_mechanism_find(offer->mechanisms[i]);

		if (found != SASL_NO_MECHANISM)
			seen.mechanisms |= SASL_BIT(found);
		if (ends_with_plus(offer->mechanisms[i]))
			seen.any_plus = true;
	}
	for (size_t i = 0; i < offer->binding_count; i++) {
		enum sasl_binding found = sasl_binding_find(offer->bindings[i]);

		if (found != SASL_BINDINGS)
			seen.listed[found] = true;
	}
	return seen;
}

/* The best kind that both sides have, or SASL_BINDINGS. A server that lists none may have any. */
static enum sasl_binding
common_binding(const struct sasl_client *client, const struct seen_offer *seen)
{
	for (unsigned i = 0; i < SASL_BINDINGS; i++) {
		if (client->config.bindings.data[i].p == NULL)
			continue;
		if (!seen->lists_bindings || seen->listed[i])
			return (enum sasl_binding)i;
	}
	return SASL_BINDINGS;
}

static bool
can_bind(const struct sasl_client *client)
{
	for (size_t i = 0; i < SASL_BINDINGS; i++) {
		if (client->config.bindings.data[i].p != NULL)
			return true;
	}
	return false;
}

/* XEP-0440, 4: someone took the mechanisms out of the offer. */
static bool
is_tampered_with(const struct sasl_client *client, const struct seen_offer *seen)
{
	return can_bind(client) && seen->lists_bindings && !seen->any_plus;
}

/*
 * Not even the kind that every server should have: somebody took kinds out of the offer, or it
 * can have none else. SCRAM finds out (XEP-0474, 6: the new rule 6 of XEP-0440).
 */
static bool
is_odd(const struct sasl_client *client, const struct seen_offer *seen)
{
	return can_bind(client) && seen->lists_bindings &&
	       common_binding(client, seen) == SASL_BINDINGS &&
	       !seen->listed[SASL_TLS_SERVER_END_POINT];
}

/* What our side is able and allowed to do. */
static unsigned
possible_mechanisms(const struct sasl_client *client, bool binding)
{
	const struct sasl_client_config *config = &client->config;
	unsigned possible = SASL_BIT(SASL_ANONYMOUS);

	if (config->user.p != NULL)
		possible |= binding ? SASL_SCRAM_BITS : SASL_SCRAM_BITS & ~SASL_PLUS_BITS;
	if (config->user.p != NULL && config->password.p != NULL && config->encrypted)
		possible |= SASL_BIT(SASL_PLAIN);
	if (config->has_certificate)
		possible |= SASL_BIT(SASL_EXTERNAL);
	return possible & (config->allowed != 0 ? config->allowed : ~SASL_BIT(SASL_ANONYMOUS));
}

static enum sasl_mechanism
strongest(unsigned mechanisms)
{
	unsigned best = SASL_MECHANISMS;

	do
		best--;
	while (best > SASL_NO_MECHANISM && (mechanisms & SASL_BIT(best)) == 0);
	return (enum sasl_mechanism)best;
}

/* RFC 5802, 6 and XEP-0440, 4 */
static char
flag_for(const struct sasl_client *client, const struct seen_offer *seen)
{
	if (sasl_is_plus((enum sasl_mechanism)client->mechanism))
		return 'p';
	return can_bind(client) && !seen->any_plus ? 'y' : 'n';
}

int
sasl_client_choose(struct sasl_client *client, const struct sasl_offer *offer)
{
	struct seen_offer seen = read_offer(offer);
	enum sasl_binding binding = common_binding(client, &seen);
	enum sasl_mechanism best;

	if (is_tampered_with(client, &seen))
		return -EPROTO;
	best = strongest(seen.mechanisms & possible_mechanisms(client, binding != SASL_BINDINGS));
	if (best < client->config.at_least)
		return -EPROTO;
	if (best == SASL_NO_MECHANISM)
		return -EOPNOTSUPP;
	client->wants_offer_back = is_odd(client, &seen);
	if (client->wants_offer_back &&
		(offer->is_partial || (SASL_BIT(best) & SASL_SCRAM_BITS) == 0))
		return -EPROTO;
	if (!offer->is_partial)
		client->offer = sasl_offer_text(offer, client->arena);
	client->mechanism = (uint8_t)best;
	client->binding = (uint8_t)binding;
	client->flag = flag_for(client, &seen);
	return 0;
}
