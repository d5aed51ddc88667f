/* Every secret is SHA-256 of the period's secret and a letter that says what it is for. */
#include "io/tls_tickets.h"

#include "base/random.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

static void
derive(const struct tls_ticket_seed *seed, char what, unsigned char out[TICKET_SECRET])
{
	unsigned char text[TICKET_SECRET + 1];

	_Static_assert((int)TICKET_SECRET == (int)SHA256_DIGEST_LENGTH, "a secret is one hash");
	memcpy(text, seed->secret, TICKET_SECRET);
	text[TICKET_SECRET] = (unsigned char)what;
	(void)SHA256(text, sizeof(text), out);
	OPENSSL_cleanse(text, sizeof(text));
}

void
ticket_seed_make(struct tls_ticket_seed *seed, uint64_t now_ms)
{
	random_bytes(seed->secret, sizeof(seed->secret));
	seed->period = now_ms / TICKET_PERIOD_MS;
}

void
ticket_seed_erase(struct tls_ticket_seed *seed)
{
	OPENSSL_cleanse(seed, sizeof(*seed));
}

static void
step(struct tls_tickets *tickets)
{
	struct tls_ticket_seed *next = &tickets->next;
	unsigned char name[TICKET_SECRET];

	tickets->last = tickets->current;
	derive(next, 'n', name);
	memcpy(tickets->current.name, name, TICKET_NAME);
	derive(next, 'c', tickets->current.cipher);
	derive(next, 'm', tickets->current.mac);
	derive(next, 's', next->secret);
	next->period++;
}

void
tickets_init(struct tls_tickets *tickets, const struct tls_ticket_seed *seed)
{
	tickets->next = *seed;
	step(tickets);
	/* There was no period before. */
	tickets->last = tickets->current;
}

void
tickets_finish(struct tls_tickets *tickets)
{
	OPENSSL_cleanse(tickets, sizeof(*tickets));
}

const struct ticket_key *
tickets_current(struct tls_tickets *tickets, uint64_t now_ms)
{
	while (tickets->next.period <= now_ms / TICKET_PERIOD_MS)
		step(tickets);
	return &tickets->current;
}

const struct ticket_key *
tickets_find(struct tls_tickets *tickets, const unsigned char name[TICKET_NAME], uint64_t now_ms)
{
	const struct ticket_key *current = tickets_current(tickets, now_ms);

	if (memcmp(current->name, name, TICKET_NAME) == 0)
		return current;
	return memcmp(tickets->last.name, name, TICKET_NAME) == 0 ? &tickets->last : NULL;
}
