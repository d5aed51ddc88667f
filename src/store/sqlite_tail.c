/* Entries in an array, chained by owner as in a hash table whose buckets are the owners' numbers.
 */
#include "store/sqlite_tail.h"

#include <assert.h>
#include <stdlib.h>

/* Many dead ones make long chains for who deletes what was appended a moment ago. */
enum { FIRST_CAPACITY = 64, MANY_DEAD = 1024 };

static size_t
bucket_of(const struct tail_part *part, uint32_t owner)
{
	return owner & (part->capacity - 1);
}

static void
part_free(struct tail_part *part)
{
	free(part->v);
	free(part->heads);
	*part = (struct tail_part){ 0 };
}

static void
part_chain(struct tail_part *part, size_t at)
{
	uint32_t *head = &part->heads[bucket_of(part, part->v[at].owner)];

	part->v[at].previous = *head;
	*head = (uint32_t)at + 1;
}

static void
part_grow(struct tail_part *part)
{
	part->capacity = part->capacity == 0 ? FIRST_CAPACITY : size_mul(part->capacity, 2);
	if (part->capacity > UINT32_MAX / 2)
		die("Too many entries of a log wait for their index.");
	part->v = xrealloc(part->v, size_mul(part->capacity, sizeof(*part->v)));
	free(part->heads);
	part->heads = xcalloc(part->capacity, sizeof(*part->heads));
	for (size_t i = 0; i < part->count; i++)
		part_chain(part, i);
}

static void
part_add(struct tail_part *part, const struct tail_entry *entry)
{
	if (part->count == part->capacity)
		part_grow(part);
	part->v[part->count] = *entry;
	part_chain(part, part->count++);
}

static void
part_take_back(struct tail_part *part, size_t count)
{
	while (part->count > count) {
		const struct tail_entry *entry = &part->v[--part->count];

		part->heads[bucket_of(part, entry->owner)] = entry->previous;
	}
}

void
tail_init(struct tail *tail, size_t window)
{
	*tail = (struct tail){ .window = window };
	(void)pthread_mutex_init(&tail->lock, NULL);
}

static void
free_parts(struct tail *tail)
{
	part_free(&tail->old);
	part_free(&tail->frozen);
	part_free(&tail->fresh);
	free(tail->gathered);
	free(tail->killed);
	tail->gathered = NULL;
	tail->killed = NULL;
	tail->gathered_count = tail->gathered_capacity = 0;
	tail->killed_count = tail->killed_capacity = 0;
}

void
tail_finish(struct tail *tail)
{
	free_parts(tail);
	(void)pthread_mutex_destroy(&tail->lock);
}

void
tail_reset(struct tail *tail, int64_t mark)
{
	(void)pthread_mutex_lock(&tail->lock);
	free_parts(tail);
	tail->mark = tail->floor = mark;
	tail->at = tail->kept_at = (struct tail_cursor){ 0 };
	tail->is_finishing = false;
	tail->kept_count = tail->dead = 0;
	(void)pthread_mutex_unlock(&tail->lock);
}

/* ---- Groups ---- */

void
tail_begin(struct tail *tail)
{
	tail->kept_count = tail->fresh.count;
	tail->kept_at = tail->at;
	tail->killed_count = 0;
}

void
tail_freeze(struct tail *tail)
{
	if (tail->frozen.count > 0 || tail->fresh.count == 0)
		return;
	(void)pthread_mutex_lock(&tail->lock);
	tail->frozen = tail->fresh;
	tail->fresh = (struct tail_part){ 0 };
	(void)pthread_mutex_unlock(&tail->lock);
	tail->at = (struct tail_cursor){ 0 };
	tail->gathered_count = 0;
	tail->frozen_last = tail->fresh_last;
	tail->dead = 0;
}

/* All of frozen is in the indexes, committed. */
static void
finish_frozen(struct tail *tail)
{
	struct tail_part gone = tail->old;

	(void)pthread_mutex_lock(&tail->lock);
	tail->old = tail->frozen;
	tail->frozen = (struct tail_part){ 0 };
	tail->floor = tail->mark;
	tail->mark = tail->frozen_last;
	(void)pthread_mutex_unlock(&tail->lock);
	part_free(&gone);
	tail->is_finishing = false;
}

void
tail_drop_old(struct tail *tail)
{
	if (tail->old.count == 0)
		return;
	(void)pthread_mutex_lock(&tail->lock);
	part_free(&tail->old);
	tail->floor = tail->mark;
	(void)pthread_mutex_unlock(&tail->lock);
}

void
tail_commit(struct tail *tail)
{
	if (tail->is_finishing)
		finish_frozen(tail);
	if (tail->fresh.count >= tail->window ||
		(tail->dead >= MANY_DEAD && tail->dead >= tail->fresh.count / 2))
		tail_freeze(tail);
}

static int
compare_ids(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* By owner, then id. */
static int
compare_positions(const void *a, const void *b, void *arg)
{
	const struct tail_part *part = arg;
	const struct tail_entry *first = &part->v[*(const uint32_t *)a];
	const struct tail_entry *second = &part->v[*(const uint32_t *)b];
	int order = compare_ids(first->owner, second->owner);

	return order == 0 ? compare_ids(first->id, second->id) : order;
}

static void
gather(struct tail *tail, size_t bucket)
{
	tail->gathered_count = 0;
	for (uint32_t at = tail->frozen.heads[bucket]; at != 0;
		at = tail->frozen.v[at - 1].previous) {
		if (tail->gathered_count == tail->gathered_capacity) {
			tail->gathered_capacity = size_add(16, size_mul(tail->gathered_count, 2));
			tail->gathered = xrealloc(tail->gathered,
				size_mul(tail->gathered_capacity, sizeof(*tail->gathered)));
		}
		tail->gathered[tail->gathered_count++] = at - 1;
	}
	if (tail->gathered_count > 1)
		qsort_r(tail->gathered, tail->gathered_count, sizeof(*tail->gathered),
			compare_positions, &tail->frozen);
}

void
tail_rollback(struct tail *tail)
{
	(void)pthread_mutex_lock(&tail->lock);
	part_take_back(&tail->fresh, tail->kept_count);
	while (tail->killed_count > 0) {
		struct tail_place place = tail->killed[--tail->killed_count];

		tail->dead -= place.part == &tail->fresh;
		if (place.at < place.part->count)
			place.part->v[place.at].is_dead = false;
	}
	(void)pthread_mutex_unlock(&tail->lock);
	tail->is_finishing = false;
	tail->at = tail->kept_at;
	tail->gathered_count = 0;
	if (tail->frozen.count > 0 && tail->at.bucket > 0)
		gather(tail, tail->at.bucket - 1);
}

/* ---- Writing ---- */

void
tail_add(struct tail *tail, const struct tail_entry *entry)
{
	(void)pthread_mutex_lock(&tail->lock);
	part_add(&tail->fresh, entry);
	(void)pthread_mutex_unlock(&tail->lock);
	if (entry->id > tail->fresh_last)
		tail->fresh_last = entry->id;
}

bool
tail_is_late(const struct tail *tail, int64_t id)
{
	return id <= tail->mark || (tail->frozen.count > 0 && id <= tail->frozen_last);
}

void
tail_kill(struct tail *tail, struct tail_place place)
{
	if (tail->killed_count == tail->killed_capacity) {
		tail->killed_capacity = size_add(16, size_mul(tail->killed_count, 2));
		tail->killed = xrealloc(
			tail->killed, size_mul(tail->killed_capacity, sizeof(*tail->killed)));
	}
	tail->killed[tail->killed_count++] = place;
	(void)pthread_mutex_lock(&tail->lock); /* who reads copies whole entries */
	place.part->v[place.at].is_dead = true;
	tail->dead += place.part == &tail->fresh;
	(void)pthread_mutex_unlock(&tail->lock);
}

bool
tail_has_frozen(const struct tail *tail)
{
	return tail->frozen.count > 0 && !tail->is_finishing;
}

const struct tail_entry *
tail_next(struct tail *tail)
{
	while (tail->at.next >= tail->gathered_count) {
		if (tail->at.bucket == tail->frozen.capacity)
			return NULL;
		gather(tail, tail->at.bucket++);
		tail->at.next = 0;
	}
	return &tail->frozen.v[tail->gathered[tail->at.next++]];
}

/* ---- Reading ---- */

static bool
matches(const struct tail_entry *entry, const struct tail_query *query)
{
	const struct bounds *bounds = &query->bounds;

	return entry->owner == query->owner && entry->id > query->mark &&
	       entry->id >= bounds->first_id && entry->id <= bounds->last_id &&
	       entry->stamp_ms >= bounds->since_ms && entry->stamp_ms <= bounds->until_ms &&
	       (!query->has_with || (entry->has_with && entry->hash == query->hash));
}

static void
list_add(struct tail_list *list, struct tail_part *part, size_t at, bool is_indexed)
{
	if (list->count == list->capacity) {
		list->capacity = size_add(16, size_mul(list->count, 2));
		list->v = xrealloc(list->v, size_mul(list->capacity, sizeof(*list->v)));
	}
	list->v[list->count] = (struct tail_found){ part->v[at], { part, at } };
	list->v[list->count++].entry.is_indexed |= is_indexed;
}

static void
find_in(struct tail_part *part, const struct tail_query *query, struct tail_list *list,
	bool is_indexed)
{
	uint32_t at;

	if (part->count == 0)
		return;
	at = part->heads[bucket_of(part, query->owner)];
	for (; at != 0; at = part->v[at - 1].previous) {
		if (matches(&part->v[at - 1], query))
			list_add(list, part, at - 1, is_indexed);
	}
}

static int
compare_found(const void *a, const void *b)
{
	const struct tail_found *first = a, *second = b;

	return compare_ids(first->entry.id, second->entry.id);
}

bool
tail_find(struct tail *tail, const struct tail_query *query, struct tail_list *list)
{
	bool is_recent;

	(void)pthread_mutex_lock(&tail->lock);
	is_recent = query->mark >= tail->floor;
	if (is_recent) {
		find_in(&tail->old, query, list, true);
		find_in(&tail->frozen, query, list, true);
		find_in(&tail->fresh, query, list, false);
	}
	(void)pthread_mutex_unlock(&tail->lock);
	if (list->count > 1)
		qsort(list->v, list->count, sizeof(*list->v), compare_found);
	return is_recent;
}
