/*
 * What a server offers, as one text that both sides can hash (XEP-0474). SCRAM signs the hash with
 * everything else, so who takes something out of an offer on its way would have to know the
 * password. The separators cannot be in XML, so no name holds one.
 */
#include "proto/base64.h"
#include "proto/sasl_internal.h"

#include <stdlib.h>

enum { NEXT = 0x1e, KINDS = 0x1f };

/* i;octet (RFC 4790, 9.3) */
static int
compare(const void *a, const void *b)
{
	const struct slice *one = a, *two = b;
	size_t shorter = one->len < two->len ? one->len : two->len;
	int order = shorter == 0 ? 0 : memcmp(one->p, two->p, shorter);

	if (order != 0 || one->len == two->len)
		return order;
	return one->len < two->len ? -1 : 1;
}

static size_t
length(const struct slice *names, size_t count)
{
	size_t len = count; /* of what stands between or before */

	for (size_t i = 0; i < count; i++)
		len = size_add(len, names[i].len);
	return len;
}

static char *
put_sorted(char *to, const struct slice *names, size_t count, struct arena *arena)
{
	struct slice *sorted = arena_array(arena, count + 1, struct slice);

	for (size_t i = 0; i < count; i++)
		sorted[i] = names[i];
	qsort(sorted, count, sizeof(*sorted), compare);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*to++ = NEXT;
		if (sorted[i].len > 0)
			memcpy(to, sorted[i].p, sorted[i].len);
		to += sorted[i].len;
	}
	return to;
}

struct slice
sasl_offer_text(const struct sasl_offer *offer, struct arena *arena)
{
	size_t most = size_add(length(offer->mechanisms, offer->mechanism_count),
		length(offer->bindings, offer->binding_count));
	char *text = arena_alloc(arena, size_add(most, 1));
	char *end = put_sorted(text, offer->mechanisms, offer->mechanism_count, arena);

	if (offer->binding_count > 0) {
		*end++ = KINDS;
		end = put_sorted(end, offer->bindings, offer->binding_count, arena);
	}
	return slice_make(text, (size_t)(end - text));
}

struct slice
sasl_offer_hash(
	struct sasl_context *context, enum scram_hash hash, struct slice text, struct arena *arena)
{
	unsigned char digest[SCRAM_HASH_MAX];

	sasl_digest(context, hash, text, digest);
	return base64_encode(slice_make((const char *)digest, scram_hash_bytes(hash)), arena);
}
