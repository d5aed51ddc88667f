/*
 * Addresses from any bytes. What is accepted is UTF-8 of a legal length, is made of its parts, is
 * its own normal form, and comes out the same however it is put together. Whatever is escaped for
 * a localpart comes back, and a set finds what was put in.
 */
#include "fuzz.h"

#include "proto/jid_escape.h"
#include "proto/jid_set.h"
#include "xml/chars.h"

#include <assert.h>

static void
check_parts(const struct jid *jid)
{
	struct slice local = jid_local(jid), domain = jid_domain(jid), resource = jid_resource(jid);
	size_t len = local.len + domain.len + resource.len;

	assert(local.len <= LIMIT_JID_PART && resource.len <= LIMIT_JID_PART);
	assert(domain.len > 0 && domain.len <= LIMIT_DOMAIN);
	len += (local.len > 0 ? 1U : 0U) + (resource.len > 0 ? 1U : 0U);
	assert(len == jid->full.len && utf8_is_valid(jid->full));
	assert(local.len == 0 || jid->full.p[local.len] == '@');
	assert(resource.len == 0 || jid->full.p[jid->full.len - resource.len - 1] == '/');
	assert(slice_find(jid->full, '\0') == jid->full.len);
	for (size_t i = 0; i < local.len; i++)
		assert(local.p[i] < 0 || strchr(" \"&'/:<>@", local.p[i]) == NULL);
}

static void
check_normal(const struct jid *jid, struct arena *arena)
{
	struct jid again;
	struct slice part;

	assert(jid_parse(jid->full, arena, &again) == 0);
	assert(jid_is(jid, &again));
	assert(jid->local_len == again.local_len && jid->domain_len == again.domain_len);
	assert(jid_make(jid_local(jid), jid_domain(jid), jid_resource(jid), arena, &again) == 0);
	assert(jid_is(jid, &again));
	assert(jid_prepare_domain(jid_domain(jid), arena, &part) == 0);
	assert(slice_is(part, jid_domain(jid)));
}

static void
check_set(const struct jid *jid, struct arena *arena)
{
	struct jid bare = jid_to_bare(jid);
	struct jid_set set;

	jid_set_init(&set, arena);
	assert(!jid_set_covers(&set, jid));
	assert(jid_set_add(&set, &bare) && jid_set_covers(&set, jid));
	assert(jid_set_add(&set, jid) == jid_is_full(jid));
	assert(jid_set_remove(&set, &bare) && jid_set_covers(&set, jid) == jid_is_full(jid));
}

static void
check_escape(struct slice text, struct arena *arena)
{
	struct slice escaped;

	if (jid_escape(text, arena, &escaped) < 0)
		return;
	for (size_t i = 0; i < escaped.len; i++)
		assert(escaped.p[i] <= 0 || strchr(" \"&'/:<>@", escaped.p[i]) == NULL);
	assert(slice_is(jid_unescape(escaped, arena), text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size);
	struct arena arena;
	struct jid jid;
	const char *why = NULL;

	arena_init(&arena, 0);
	if (jid_parse_why(text, &arena, &jid, &why) == 0) {
		assert(why == NULL);
		check_parts(&jid);
		check_normal(&jid, &arena);
		check_set(&jid, &arena);
	} else {
		assert(why != NULL);
	}
	check_escape(text, &arena);
	arena_finish(&arena);
	return 0;
}
