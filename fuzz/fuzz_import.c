/*
 * Any <user/> of XEP-0227, imported by a whole server. What was taken can be exported, and imported
 * again when the account was removed; from then on an export is always the same. What was refused
 * has left nothing.
 */
#include "fuzz.h"
#include "people.h"
#include "sim_target.h"

#include "server/registrar.h"
#include "server/server_internal.h"
#include "server/transfer_internal.h"
#include "xml/writer.h"

#include <assert.h>
#include <errno.h>

enum { TEXT_MOST = 16 << 20 };

struct outcome {
	bool is_there;
	int error;
	struct arena *arena;
	struct jid jid;
	struct buffer xml;
};

static struct shard *
shard_of(struct place *place)
{
	return sim_target_server(place->target)->shards[0];
}

static void
keep_outcome(struct transfer *transfer, int error)
{
	struct outcome *outcome = transfer->arg;

	assert((error == -EINVAL) == transfer->has_failed);
	assert(!transfer->has_failed || transfer->mistake.text != NULL);
	outcome->is_there = true;
	outcome->error = error;
	outcome->jid = jid_copy(&transfer->jid, outcome->arena);
}

static void
keep_element(struct transfer *transfer, struct slice xml)
{
	struct outcome *outcome = transfer->arg;

	(void)buffer_append(&outcome->xml, xml);
}

static int
import(struct place *place, struct outcome *outcome, struct slice user)
{
	struct shard *shard = shard_of(place);

	outcome->is_there = false;
	transfer_import(shard, shard->server->hosts[0], arena_copy(outcome->arena, user),
		keep_outcome, outcome);
	place_rest(place);
	assert(outcome->is_there);
	return outcome->error;
}

/* The account as a <user/>, in the arena. */
static struct slice export(struct place *place, struct outcome *outcome)
{
	struct slice user;

	outcome->is_there = false;
	buffer_init(&outcome->xml, TEXT_MOST);
	(void)buffer_text(&outcome->xml, "<user xmlns='" NS_PIE "' name='");
	xml_write_value(&outcome->xml, jid_local(&outcome->jid));
	(void)buffer_text(&outcome->xml, "'>");
	transfer_export(shard_of(place), &outcome->jid, keep_element, keep_outcome, outcome);
	place_rest(place);
	assert(outcome->is_there && outcome->error == 0);
	(void)buffer_text(&outcome->xml, "</user>");
	user = arena_copy(outcome->arena, buffer_slice(&outcome->xml));
	buffer_finish(&outcome->xml);
	return user;
}

static void
keep_error(void *arg, int error)
{
	struct outcome *outcome = arg;

	outcome->is_there = true;
	outcome->error = error;
}

static void
remove_account(struct place *place, struct outcome *outcome)
{
	outcome->is_there = false;
	registrar_remove(shard_of(place), &outcome->jid, keep_error, outcome);
	place_rest(place);
	assert(outcome->is_there && outcome->error == 0);
}

static struct slice
round_trip(struct place *place, struct outcome *outcome, struct slice user)
{
	remove_account(place, outcome);
	assert(import(place, outcome, user) == 0);
	return export(place, outcome);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct place place = { 0 };
	struct arena arena;
	struct outcome outcome = { .arena = &arena };
	struct person witness = { .conn = NULL };

	arena_init(&arena, 0);
	place_open(&place, size, NULL, 0);
	if (import(&place, &outcome, slice_make((const char *)data, size)) == 0) {
		/* The first writing may find other prefixes for the same. */
		struct slice once = round_trip(&place, &outcome, export(&place, &outcome));

		assert(import(&place, &outcome, once) == -EEXIST);
		assert(slice_is(once, round_trip(&place, &outcome, once)));
	}
	person_arrive(&place, &witness, "nurse", "w");
	assert(person_is_served(&place, &witness));
	person_leave(&witness);
	place_close(&place);
	arena_finish(&arena);
	return 0;
}
